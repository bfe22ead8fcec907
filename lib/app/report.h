/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where the report of checks goes (--report FORMAT[=FILE]). The file is opened, and said to be not
 * judged, while there is the privilege to; it is written again at the end, so that it never tells
 * of a run before. Internal to app/.
 */
#ifndef NP_APP_REPORT_H
#define NP_APP_REPORT_H

#include <stdio.h>

#include "base/err.h"
#include "sink/report.h"

struct np_report_to {
	enum np_report_format format;
	FILE *out;        /* NULL: not open */
	const char *arg;  /* FORMAT=FILE, as it was given; the caller's */
	const char *file; /* part of it; NULL: stderr, "-": stdout */
};

/* ARG: of --report, or NULL: a line a check on stderr. 0 or -EINVAL with a sentence. */
int np_report_parse(struct np_report_to *to, const char *arg, struct np_err *err);
/* 0 or -errno with a sentence. */
int np_report_open(struct np_report_to *to, struct np_err *err);
/* A file that can be written again, rather than a stream. */
bool np_report_is_file(const struct np_report_to *to);
/* In place of what was written before, to its end; 0 or -errno with a sentence. */
int np_report_put(struct np_report_to *to, const struct np_report_run *run,
		  const struct np_check_result *const *results, size_t n, struct np_err *err);
void np_report_close(struct np_report_to *to);

#endif
