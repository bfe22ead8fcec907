/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What checks came to, in the formats that people and CI systems read: a line each, TAP, JSON
 * (one object a line), JUnit. The caller owns the buffer.
 */
#ifndef NP_REPORT_H
#define NP_REPORT_H

#include "base/buf.h"
#include "view/check.h"

/* X-macro: the names that --report takes. */
#define NP_REPORTS(X)        X(text) X(tap) X(json) X(junit)
#define NP_REPORT_ENUM(name) NP_REPORT_##name,
enum np_report_format { NP_REPORTS(NP_REPORT_ENUM) };
/* By enum np_report_format, ended by NULL. */
extern const char *const np_report_names[];

/* The run that was judged. */
struct np_report_run {
	const char *program;
	const char *host;
	uint64_t wall_ns; /* CLOCK_REALTIME of its begin */
	double seconds;   /* that it took */
	bool utf8;        /* text: what the terminal can show */
};

/*
 * Appends the whole report; each check, in order. What is not known or was not judged is an error
 * in TAP ("not ok") and in JUnit, so that CI is red.
 */
void np_report(struct np_buf *out, enum np_report_format format, const struct np_report_run *run,
	       const struct np_check_result *const *results, size_t n);

#endif
