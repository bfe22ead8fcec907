// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/output.h"

struct np_output {
	FILE *to;   /* stdout, or our own */
	FILE *kept; /* what goes there at the end; NULL: it goes there at once */
	bool own;
};

/* Another buffer than that of messages, which have none. */
static FILE *open_stderr(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

static FILE *open_kept(void)
{
	int fd = memfd_create("rows", MFD_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w+");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

static FILE *open_to(const struct np_opts *o)
{
	if (o->to && strcmp(o->to, "-") != 0)
		return fopen(o->to, "we");
	return o->to || !o->command ? stdout : open_stderr();
}

int np_output_open(struct np_output **out, struct np_opts *opts)
{
	struct np_output *output = calloc(1, sizeof(*output));

	*out = output;
	if (output)
		output->to = open_to(opts);
	if (!output || !output->to) {
		np_err_set(&opts->err, 0, "cannot write %.200s: %s",
			   opts->to ? opts->to : "the output", strerror(errno));
		return opts->to ? NP_EXIT_USAGE : NP_EXIT_CANNOT;
	}
	output->own = output->to != stdout;
	if (opts->command && opts->log && isatty(fileno(output->to))) {
		output->kept = open_kept();
		if (!output->kept) {
			np_err_set(&opts->err, 0, "cannot keep the rows until the end: %s",
				   strerror(errno));
			return NP_EXIT_CANNOT;
		}
	}
	return 0;
}

FILE *np_output_file(const struct np_output *output)
{
	return output->kept ? output->kept : output->to;
}

int np_output_fd(const struct np_output *output)
{
	return fileno(output->to);
}

static int copy(FILE *from, FILE *to)
{
	char buf[BUFSIZ];
	size_t n;

	errno = 0;
	rewind(from);
	while ((n = fread(buf, 1, sizeof(buf), from)))
		if (fwrite(buf, 1, n, to) != n)
			return errno ? -errno : -EIO;
	return ferror(from) ? -EIO : 0;
}

int np_output_end(struct np_output *output)
{
	int err = output->kept ? copy(output->kept, output->to) : 0;

	if (output->kept)
		fclose(output->kept);
	output->kept = NULL;
	errno = 0;
	if (!err && (fflush(output->to) || ferror(output->to)))
		err = errno ? -errno : -EIO;
	return err;
}

void np_output_free(struct np_output *output)
{
	if (!output)
		return;
	if (output->kept)
		fclose(output->kept);
	if (output->to && output->own)
		fclose(output->to);
	free(output);
}
