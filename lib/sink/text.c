// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The aligned table. Rows wait as values until they are written; by then every one of them has
 * widened its column where it had to, so that the header and all rows that go out together stand in
 * line, and the refreshes after them too. Nothing is ever cut.
 */
#include <string.h>

#include "base/str.h"
#include "sink/internal.h"

static size_t widen(struct np_sink *sink, size_t i, const char *text)
{
	size_t width = np_str_width(text);

	if (width > sink->widths[i])
		sink->widths[i] = width;
	return width;
}

static void text_begin(struct np_sink *sink)
{
	for (size_t i = 0; i < sink->ncols; i++) {
		sink->widths[i] = sink->cols[i]->width;
		widen(sink, i, sink->cols[i]->head);
	}
	sink->headed = false;
}

static void text_row(struct np_sink *sink, const struct np_row *row, const struct np_colctx *ctx)
{
	struct np_buf *cells = &sink->cells;

	for (size_t i = 0; i < sink->ncols; i++) {
		size_t start = cells->len;
		uint32_t width = 0;

		/* each as its width, the text, a NUL */
		np_buf_add(cells, &width, sizeof(width));
		np_format_text(cells, sink->cols[i], row, ctx, &sink->cfg.fmt);
		if (cells->oom)
			return;
		width = (uint32_t)widen(sink, i, cells->data + start + sizeof(width));
		memcpy(cells->data + start, &width, sizeof(width));
		np_buf_chr(cells, '\0');
	}
}

static void pad(struct np_buf *out, size_t n)
{
	static const char spaces[] = "                                ";

	for (; n > sizeof(spaces) - 1; n -= sizeof(spaces) - 1)
		np_buf_add(out, spaces, sizeof(spaces) - 1);
	np_buf_add(out, spaces, n);
}

static void put(struct np_sink *sink, size_t i, const char *text, size_t len, size_t width)
{
	struct np_buf *out = &sink->lines;
	size_t space = sink->widths[i] - width;
	bool right = np_format_right(sink->cols[i]);
	bool last = i + 1 == sink->ncols;

	if (right)
		pad(out, space);
	np_buf_add(out, text, len);
	if (!right && !last)
		pad(out, space);
	np_buf_chr(out, last ? '\n' : ' ');
}

static void header(struct np_sink *sink)
{
	unsigned int every = sink->cfg.header_every;

	if (sink->headed && (!every || sink->rows < every))
		return;
	for (size_t i = 0; i < sink->ncols; i++)
		put(sink, i, sink->cols[i]->head, strlen(sink->cols[i]->head),
		    np_str_width(sink->cols[i]->head));
	sink->headed = true;
	sink->rows = 0;
}

static void text_lay_out(struct np_sink *sink)
{
	const char *cell = np_buf_cstr(&sink->cells);
	const char *end = cell + sink->cells.len;

	if (sink->cells.oom)
		return;
	if (!sink->headed) /* also above no rows at all */
		header(sink);
	while (cell < end) {
		header(sink);
		for (size_t i = 0; i < sink->ncols; i++) {
			uint32_t width;
			size_t len;

			memcpy(&width, cell, sizeof(width));
			cell += sizeof(width);
			len = strlen(cell);
			put(sink, i, cell, len, width);
			cell += len + 1;
		}
		sink->rows++;
	}
}

const struct np_sink_ops np_sink_text = {
	.begin = text_begin,
	.row = text_row,
	.lay_out = text_lay_out,
};
