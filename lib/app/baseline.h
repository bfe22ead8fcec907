/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * --baseline and --save-baseline: what is read, which groups mean the same in another run, what is
 * shown beside them and what is kept at the end. Internal to app/.
 */
#ifndef NP_APP_BASELINE_H
#define NP_APP_BASELINE_H

#include "app/opts.h"
#include "flow/flow.h"
#include "meta/meta.h"

struct np_run;
struct np_base;

/*
 * Before opts->view is made: the file, and a grouping that lasts in place of one that does not (by
 * process: by name). 0, or an exit status with opts->err.
 */
int np_base_read(struct np_opts *opts);
/* And after: differences beside the columns. 0 or -EINVAL with opts->err. */
int np_base_view(struct np_opts *opts);

/* Whether either option was given, and the option that chose the mode ("table"; "": none). */
bool np_base_wanted(const struct np_opts *opts);
const char *np_base_mode(const struct np_opts *opts);
/* What a log adds up to, which has no groups: by kind of event, and all connections. 0 or -EINVAL.
 */
int np_base_log_groups(const struct np_opts *opts, struct np_view_cfg *cfg, struct np_err *err);
int np_base_conn_groups(const struct np_opts *opts, struct np_view_cfg *cfg);

/* For a run; 0 and NULL where there is nothing to do, or -errno. */
int np_base_new(struct np_base **out, struct np_opts *opts, struct np_meta *meta);
void np_base_free(struct np_base *base);
/* The next look is the last one at VIEW. */
void np_base_last(struct np_base *base, struct np_view *view);
/* Each look; a log is added up here, its own view has no groups. 0 or -errno. */
int np_base_add(struct np_base *base, struct np_flows *flows);
/*
 * The end: what the baseline had and this run had not, on stderr; the run is kept, unless records
 * were LOST or nothing was seen. STATUS is the run's so far. An exit status, with opts->err where
 * that is to be said.
 */
int np_base_finish(struct np_base *base, struct np_run *run, uint64_t lost, int status);

#endif
