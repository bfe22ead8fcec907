// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* JSON Lines: one object a row, the same keys in each, null for what is not known. */
#include "sink/internal.h"

static void json_row(struct np_sink *sink, const struct np_row *row, const struct np_colctx *ctx)
{
	struct np_buf *out = &sink->lines;

	np_buf_chr(out, '{');
	for (size_t i = 0; i < sink->ncols; i++) {
		np_buf_str(out, i ? ",\"" : "\"");
		np_buf_str(out, sink->cols[i]->name); /* letters, digits, underscores */
		np_buf_str(out, "\":");
		np_format_json(out, sink->cols[i], row, ctx);
	}
	if (sink->cfg.histograms)
		np_sink_json_hists(sink, row, ctx);
	np_buf_str(out, "}\n");
}

const struct np_sink_ops np_sink_json = { .row = json_row };
