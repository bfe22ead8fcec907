/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Writing a baseline: the groups of a view, at the end of a run, as view/baseline.h reads them.
 * Nothing is owned.
 */
#ifndef NP_SINK_BASELINE_H
#define NP_SINK_BASELINE_H

#include "base/buf.h"
#include "base/err.h"
#include "view/baseline.h"
#include "view/view.h"

/*
 * Appends the file's text to OUT: the total and all groups of VIEW as last updated, those that
 * --top cut too; of CONNS, a log's connections, the total alone (NULL: there is none). INFO's
 * duration and sample are the view's, its `by` as well. 0; -EINVAL and one sentence where the view
 * has no groups; -E2BIG where they are more than a baseline holds; -ENOMEM.
 */
int np_baseline_write(struct np_buf *out, const struct np_baseline_info *info,
		      const struct np_view *view, const struct np_view *conns, struct np_err *err);

#endif
