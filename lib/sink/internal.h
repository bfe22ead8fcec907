/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a format of output is: how the header and a row become lines. Internal to sink/. Formats
 * append to np_sink.lines; sink.c owns the struct and does all writing.
 */
#ifndef NP_SINK_INTERNAL_H
#define NP_SINK_INTERNAL_H

#include "base/buf.h"
#include "sink/sink.h"

struct np_sink_ops {
	/* The first refresh, or the columns are others than before; NULL: nothing to do. */
	void (*begin)(struct np_sink *sink);
	void (*row)(struct np_sink *sink, const struct np_row *row, const struct np_colctx *ctx);
	/* Before lines are written: all rows must be in them now. NULL: they always are. */
	void (*lay_out)(struct np_sink *sink);
};

struct np_sink {
	const struct np_sink_ops *ops;
	struct np_sink_cfg cfg;
	const struct np_col *cols[NP_MAX_COLS]; /* of the refresh being written */
	size_t ncols;
	struct np_buf lines; /* whole lines that wait to be written */
	bool begun;
	bool broken; /* a write failed and was reported */

	/* text only */
	struct np_buf cells; /* rows that wait for their widths: each value with its NUL */
	size_t widths[NP_MAX_COLS];
	bool headed;       /* the header was written for these columns */
	unsigned int rows; /* written since */
};

extern const struct np_sink_ops np_sink_text, np_sink_csv, np_sink_json, np_sink_histogram;

/* The kinds of histogram that the columns are about: 1 << enum np_hist_kind. */
unsigned int np_sink_hists(const struct np_sink *sink);
/* More members of a row's object: "rtt_buckets":[{"from":0.000512,"to":0.000527,"count":3},...]. */
void np_sink_json_hists(struct np_sink *sink, const struct np_row *row,
			const struct np_colctx *ctx);

#endif
