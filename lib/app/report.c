// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/report.h"

int np_report_parse(struct np_report_to *to, const char *arg, struct np_err *err)
{
	size_t len = arg ? strcspn(arg, "=") : 0;
	int i = NP_REPORT_tap;

	*to = (struct np_report_to){ .format = NP_REPORT_text, .arg = arg };
	if (!arg)
		return 0;
	while (np_report_names[i] &&
	       (strlen(np_report_names[i]) != len || strncmp(arg, np_report_names[i], len) != 0))
		i++;
	if (!np_report_names[i] || (arg[len] == '=' && !arg[len + 1]))
		return np_err_set(
		    err, -EINVAL,
		    "--report takes tap, json or junit, and =FILE behind it where it is "
		    "to go into a file, not '%.64s'",
		    arg);
	to->format = (enum np_report_format)i;
	if (arg[len])
		to->file = arg + len + 1;
	return 0;
}

int np_report_open(struct np_report_to *to, struct np_err *err)
{
	if (!to->file)
		to->out = stderr;
	else if (!strcmp(to->file, "-"))
		to->out = stdout;
	else
		to->out = fopen(to->file, "we"); /* empty from now on, for others as well */
	if (!to->out)
		return np_err_set(err, -errno, "--report: cannot write '%.200s': %s", to->file,
				  strerror(errno));
	return 0;
}

bool np_report_is_file(const struct np_report_to *to)
{
	struct stat st;

	return to->out && to->out != stdout && to->out != stderr && !fstat(fileno(to->out), &st) &&
	       S_ISREG(st.st_mode);
}

int np_report_put(struct np_report_to *to, const struct np_report_run *run,
		  const struct np_check_result *const *results, size_t n, struct np_err *err)
{
	struct np_buf text = { 0 };
	int ret = 0;

	np_report(&text, to->format, run, results, n);
	errno = ENOMEM;
	if (text.oom)
		ret = -ENOMEM;
	else if (np_report_is_file(to) &&
		 (fseek(to->out, 0, SEEK_SET) || ftruncate(fileno(to->out), 0)))
		ret = -errno;
	else if (fwrite(text.data, 1, text.len, to->out) != text.len || fflush(to->out))
		ret = -errno;
	np_buf_free(&text);
	if (ret)
		np_err_set(err, ret, "--report: cannot write %s: %s",
			   to->file ? to->file : "standard error", strerror(-ret));
	return ret;
}

void np_report_close(struct np_report_to *to)
{
	if (to->out && to->out != stdout && to->out != stderr)
		fclose(to->out);
	to->out = NULL;
}
