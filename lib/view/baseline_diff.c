// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What differs between a row and its counterpart in the baseline. */
#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "view/baseline.h"
#include "view/grouping.h"

/* ROW's fields of the last interval, as they are over the whole run. */
static struct np_group_row over_the_run(const struct np_group_row *g, const struct np_colctx *ctx)
{
	double seconds = (double)ctx->run_ns / 1e9;
	struct np_group_row whole = *g;
	struct np_row *row = &whole.row;

	np_run_sums_fill(row, &g->run);
	for (int i = 0; i < 3 && ctx->run_ns; i++) {
		row->avg_tx[i] = (float)((double)row->d_tx / seconds);
		row->avg_rx[i] = (float)((double)row->d_rx / seconds);
	}
	return whole;
}

/* Sums of an interval, so to be divided by the time where runs are compared. */
static bool is_sum_of_interval(const struct np_col *col)
{
	return col->flags & NP_COL_RATE || col->off == offsetof(struct np_row, opened) ||
	       col->off == offsetof(struct np_row, ended);
}

static bool value(const struct np_col *col, const struct np_group_row *g,
		  const struct np_colctx *ctx, double *out)
{
	struct np_group_row whole = over_the_run(g, ctx);
	struct np_col plain = *col;
	struct np_value val;
	bool rate = col->via == NP_IN_ROW && is_sum_of_interval(col);

	/* as a sum: rates are rounded to whole numbers */
	if (rate)
		plain.flags &= (uint16_t)~NP_COL_RATE;
	np_col_read(&plain, &whole.row, ctx, &val);
	if (val.kind != NP_VAL_NUM || !isfinite(val.num) || (rate && !ctx->run_ns))
		return false;
	*out = rate ? val.num * 1e9 / (double)ctx->run_ns : val.num;
	return true;
}

void np_baseline_diff(const struct np_col *col, const struct np_row *row,
		      const struct np_colctx *ctx, struct np_value *val)
{
	const struct np_group_row *g = (const struct np_group_row *)row;
	const struct np_col *of = np_col_base(col);
	double now, then;

	if (!(row->flags & NP_ROW_GROUP) || !g->base || !ctx->base ||
	    !value(of, g->base, ctx->base, &then) || !value(of, g, ctx, &now) || then == 0)
		return;
	val->kind = NP_VAL_NUM;
	val->num = 100 * (now - then) / then;
}

static bool is_number(const struct np_col *col)
{
	return col->type == NP_TYPE_COUNT || col->type == NP_TYPE_ID || col->type == NP_TYPE_PORT;
}

void np_baseline_key(const struct np_col *col, const struct np_group_row *g, struct np_value *val)
{
	const struct np_kept *kept = g->kept;

	for (size_t i = 0; kept && i < kept->nby; i++) {
		if (kept->by[i] != col || !kept->key[i])
			continue;
		val->str = kept->key[i];
		val->kind = NP_VAL_STR;
		if (is_number(col) && !np_parse_u64(val->str, 0, UINT64_MAX, &val->integer)) {
			val->num = (double)val->integer;
			val->whole = true;
			val->kind = NP_VAL_NUM;
		}
		return;
	}
}
