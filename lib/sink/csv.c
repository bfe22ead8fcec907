// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * CSV as RFC 4180 has it, but for lines that end in a bare LF: its readers take that too, and cut
 * and awk would see a CR as part of the last field.
 */
#include "sink/internal.h"

static void csv_begin(struct np_sink *sink)
{
	for (size_t i = 0; i < sink->ncols; i++) {
		if (i)
			np_buf_chr(&sink->lines, ',');
		np_buf_str(&sink->lines, sink->cols[i]->name);
	}
	np_buf_chr(&sink->lines, '\n');
}

static void csv_row(struct np_sink *sink, const struct np_row *row, const struct np_colctx *ctx)
{
	struct np_buf *out = &sink->lines;
	size_t start = out->len;

	for (size_t i = 0; i < sink->ncols; i++) {
		if (i)
			np_buf_chr(out, ',');
		np_format_csv(out, sink->cols[i], row, ctx);
	}
	/* an empty line is no record to most readers */
	if (out->len == start)
		np_buf_str(out, "\"\"");
	np_buf_chr(out, '\n');
}

const struct np_sink_ops np_sink_csv = { .begin = csv_begin, .row = csv_row };
