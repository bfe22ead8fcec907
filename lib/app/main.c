// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/check.h"
#include "app/run.h"
#include "base/log.h"
#include "base/str.h"

/* One line, whatever a value that it repeats holds; what is escaped already stays as it is. */
static void say(const char *name, const char *text)
{
	bool utf8 = np_str_utf8();
	struct np_buf line = { 0 };

	for (; *text; text++) {
		size_t len = strcspn(text, "\\");

		np_str_escape(&line, text, len, utf8);
		text += len;
		if (!*text)
			break;
		np_buf_chr(&line, '\\');
	}
	fprintf(stderr, "%s: %s\n", name, np_buf_cstr(&line));
	np_buf_free(&line);
}

static void on_log(enum np_log_level level, const char *text)
{
	fprintf(stderr, "%s%s\n", level == NP_LOG_WARN ? "warning: " : "", text);
}

static void on_warning(enum np_log_level level, const char *text)
{
	if (level == NP_LOG_WARN)
		on_log(level, text);
}

/* STATUS, once everything is written; a reader that has gone has seen enough. */
static int written(int status, struct np_err *err)
{
	if ((!fflush(stdout) && !ferror(stdout)) || errno == EPIPE)
		return status;
	np_err_set(err, 0, "cannot write the output: %s", strerror(errno));
	return NP_EXIT_INCONCLUSIVE;
}

static int print(struct np_buf *out, struct np_err *err)
{
	if (out->oom) {
		np_err_set(err, 0, "out of memory");
		return NP_EXIT_INCONCLUSIVE;
	}
	fputs(np_buf_cstr(out), stdout);
	np_buf_free(out);
	return written(NP_EXIT_OK, err);
}

static int dispatch(struct np_opts *opts)
{
	struct np_buf out = { 0 };
	int status;

	if (opts->dump) {
		if (np_opts_dump(opts, &out)) {
			np_err_set(&opts->err, 0,
				   "--dump takes options, options-mdoc, columns-mdoc, "
				   "keys-mdoc or events");
			return NP_EXIT_USAGE;
		}
		return print(&out, &opts->err);
	}
	if (opts->list_columns) {
		np_opts_columns(opts, &out);
		return print(&out, &opts->err);
	}
	if (opts->doctor)
		return written(np_doctor(opts), &opts->err);
	status = np_opts_build(opts);
	if (status)
		return status;
	/* on the screen a warning would be a scratch: the status line has its own way */
	if (opts->debug)
		np_log_set(on_log);
	else if (strcmp(opts->sink, "tui") != 0)
		np_log_set(on_warning);
	return np_run(opts);
}

int np_main(const struct np_tool *tool, int argc, char **argv)
{
	struct np_opts opts;
	void (*sigpipe)(int);
	int status;

	setlocale(LC_ALL, "");
	sigpipe = signal(SIGPIPE, SIG_IGN); /* writing says so too */
	status = np_opts_parse(&opts, tool, argc, argv);
	opts.sigpipe = sigpipe;
	if (!status)
		status = dispatch(&opts);
	if (status)
		np_checks_spoiled(&opts);
	if (opts.err.msg[0])
		say(tool->name, opts.err.msg);
	np_opts_free(&opts);
	return status;
}
