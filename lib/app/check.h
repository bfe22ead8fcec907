/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The checks of a run (--check): compiled from the options, fed at each look, judged and reported
 * at the end. np_checks owns what it looks at the flow table with. Internal to app/.
 */
#ifndef NP_APP_CHECK_H
#define NP_APP_CHECK_H

#include "app/opts.h"
#include "flow/flow.h"
#include "meta/meta.h"
#include "view/check.h"

struct np_checks;

/*
 * From --check, --min-samples and --report, once opts->view is made; 0, and opts->judged where
 * there is a check, or an exit status with opts->err. Opens the report, which from then on says
 * that nothing was judged, until it was.
 */
int np_checks_new(struct np_opts *opts);
/* CHECKS may be NULL, here and below: there are none. */
void np_checks_free(struct np_checks *checks);
/* The report has standard output: rows are not written. */
bool np_checks_on_stdout(const struct np_checks *checks);

/* NP_NEED_* of all of them, and NP_SRC_* beside what columns need. */
unsigned int np_checks_needs(const struct np_checks *checks);
unsigned int np_checks_sources(const struct np_checks *checks);

/* Before the first look; 0 or -errno. */
int np_checks_begin(struct np_checks *checks, struct np_meta *meta);
/* No look follows, and META goes away; what was judged can still be told. */
void np_checks_end(struct np_checks *checks);
/* One look, after VIEW was updated and written; 0 or -ENOMEM. */
int np_checks_add(struct np_checks *checks, const struct np_view *view, struct np_flows *flows);

/*
 * What `baseline` stands for, before np_checks_judge(): of N kinds of rows the check's own; they
 * and their rows stay until np_checks_free(). N 0 and WHY ("there was no baseline yet: FILE was not
 * there, and this run was kept in it"): checks that use it are inconclusive. 0 or -ENOMEM.
 */
int np_checks_baseline(struct np_checks *checks, const struct np_baseline_view *bases, size_t n,
		       const char *why);

/*
 * The end, while the rows of the last look are there: a line a check on stderr, or the report.
 * LOST: records that were lost. STATUS: what the run has come to; one that could not go on
 * (NP_EXIT_CANNOT) judges nothing, and what was played from a damaged file (NP_EXIT_USAGE) passes
 * nothing and stays what it is. The exit status: else a breach before STATUS, that before what is
 * inconclusive.
 */
int np_checks_judge(struct np_checks *checks, uint64_t lost, int status);
/*
 * The program ends with opts->err: where checks were asked for and not judged, the report says so,
 * one that is left of a run before does not stay.
 */
void np_checks_spoiled(struct np_opts *opts);

#endif
