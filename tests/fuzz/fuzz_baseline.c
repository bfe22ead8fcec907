// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A baseline file: refused by a printable sentence, or a baseline of which every value can be read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sink/format.h"
#include "view/baseline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			abort();
}

/* As a sink would: nothing but printable text may come out. */
static void print(const struct np_row *row, const struct np_colctx *ctx)
{
	const struct np_format fmt = { 0 };
	struct np_buf out = { 0 }, json = { 0 };

	for (size_t i = 0; i < np_ncols; i++) {
		const struct np_col *diff = np_col_diff(&np_cols[i]);

		np_format_text(&out, &np_cols[i], row, ctx, &fmt);
		np_format_json(&json, &np_cols[i], row, ctx);
		if (diff)
			np_format_text(&out, diff, row, ctx, &fmt);
	}
	printable(np_buf_cstr(&out));
	np_buf_free(&out);
	np_buf_free(&json);
}

static void look_at(struct np_baseline *base)
{
	struct np_colctx ctx = *np_baseline_ctx(base);
	const struct np_row *const *rows;
	size_t n;

	ctx.base = np_baseline_ctx(base);
	rows = np_baseline_rows(base, &n);
	for (size_t i = 0; i < n; i++) {
		struct np_group_row g = *(const struct np_group_row *)(const void *)rows[i];

		/* held against itself, each is found under its own key and differs by nothing */
		g.base = np_baseline_find(base, rows[i], NULL);
		if (!g.base || !np_baseline_seen(base, &g.base->row))
			abort();
		print(&g.row, &ctx);
	}
	print(&np_baseline_total(base)->row, &ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct np_err err = { "" };
	struct np_baseline *base;

	if (np_baseline_load(&base, (const char *)data, size, "FILE", &err) == 0) {
		look_at(base);
		np_baseline_free(base);
	} else {
		if (!err.msg[0] || base)
			abort();
		printable(err.msg);
	}
	return 0;
}
