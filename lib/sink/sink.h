/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where a view goes. A sink writes whole lines to its FILE and flushes at the end of each refresh;
 * the caller owns the FILE. A write error is returned once (-EPIPE for a closed pipe) and ends the
 * run.
 */
#ifndef NP_SINK_H
#define NP_SINK_H

#include <stdio.h>

#include "base/err.h"
#include "sink/format.h"
#include "view/view.h"

struct np_sink_cfg {
	FILE *out;
	unsigned int header_every; /* text: 0 once, N every N lines */
	bool histograms;           /* JSON: the buckets as well */
	struct np_format fmt;
};

struct np_sink;

/* Names end with a NULL entry: "text", "csv", "json"; np_sink_new() also knows "histogram". */
extern const char *const np_sink_names[];

int np_sink_new(struct np_sink **out, const char *name, const struct np_sink_cfg *cfg,
		struct np_err *err);
/* One refresh: every row of VIEW under its columns. */
int np_sink_write(struct np_sink *sink, const struct np_view *view);
void np_sink_free(struct np_sink *sink);

#endif
