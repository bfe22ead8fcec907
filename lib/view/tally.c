// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hist.h"
#include "flow/detail.h"
#include "view/tally.h"

int np_tallies_init(struct np_tallies *t, const struct np_expr *expr, uint16_t kind)
{
	*t = (struct np_tallies){ .expr = expr, .kind = kind };
	t->all = calloc(expr->naggs ? expr->naggs : 1, sizeof(*t->all));
	np_merge_init(&t->plan);
	for (const struct np_expr_node *node = expr->all; node; node = node->next)
		if (node->op == NP_OP_AGG && node->col)
			np_merge_add(&t->plan, node->col);
	t->total.row.flags = NP_ROW_GROUP | (kind == NP_COL_IFACE    ? NP_ROW_IFACE
					     : kind == NP_COL_EVENT  ? NP_ROW_EVENT
					     : kind == NP_COL_LISTEN ? NP_ROW_LISTEN
								     : 0);
	return t->all ? 0 : -ENOMEM;
}

void np_tallies_free(struct np_tallies *t)
{
	for (size_t i = 0; t->all && i < t->expr->naggs; i++)
		free(t->all[i].values);
	free(t->all);
	t->all = NULL;
	np_merge_end(&t->total);
}

static uint64_t times(uint64_t n, uint64_t scale)
{
	return __builtin_mul_overflow(n, scale, &n) ? UINT64_MAX : n;
}

/* ---- a row ---- */

static int keep(struct np_tallies *t, struct np_tally *one, double value)
{
	if (one->nvalues == NP_TALLY_VALUES) {
		t->dropped++;
		return 0;
	}
	if (one->nvalues == one->cap) {
		size_t cap = one->cap ? 2 * one->cap : 256;
		double *values = realloc(one->values, cap * sizeof(*values));

		if (!values)
			return -ENOMEM;
		one->values = values;
		one->cap = cap;
	}
	one->values[one->nvalues++] = value;
	return 0;
}

static void add_up(struct np_tally *one, const struct np_expr_number *value)
{
	if (!one->n || value->num < one->min.num)
		one->min = *value;
	if (!one->n || value->num > one->max.num)
		one->max = *value;
	one->sum += value->num;
	one->broken |=
	    !value->whole || __builtin_add_overflow(one->isum, value->integer, &one->isum);
	one->n++;
}

static int add_one(struct np_tallies *t, const struct np_expr_node *agg, const struct np_row *row,
		   const struct np_colctx *ctx)
{
	struct np_tally *one = &t->all[agg->index];
	struct np_expr_number value;

	if (agg->samples || (agg->col && agg->col->agg == NP_AGG_HIST))
		return 0; /* they are in the total */
	if (agg->fn == NP_FN_COUNT) {
		/* of a log's baseline: as many events as it was once */
		uint64_t rows = (row->flags & NP_ROW_KEPT) && t->kind == NP_COL_EVENT
				    ? times(row->events, np_col_scale(row, ctx))
				    : 1;

		if (!agg->left || np_expr_truth(agg->left, row, ctx) == NP_TRUE)
			one->n += rows;
		return 0;
	}
	if (!np_expr_number(agg->left, row, ctx, &value))
		return 0;
	add_up(one, &value);
	return agg->fn == NP_FN_QUANTILE ? keep(t, one, value.num) : 0;
}

int np_tallies_add(struct np_tallies *t, const struct np_row *row, const struct np_colctx *ctx)
{
	int err;

	/* what all rows lack, the total lacks */
	if (!t->rows++)
		t->total.row.flags |= NP_ROW_NO_RETR | NP_ROW_NO_BYTES;
	t->grouped |= row->flags & NP_ROW_GROUP;
	/* and what one of them has, it has */
	t->total.row.flags |= row->flags & NP_ROW_PACKETS;
	err = np_merge_row(&t->plan, &t->total, row);
	for (const struct np_expr_node *node = t->expr->all; node && !err; node = node->next)
		if (node->op == NP_OP_AGG)
			err = add_one(t, node, row, ctx);
	return err;
}

/* ---- what came out ---- */

static void set(struct np_tally_value *out, double num)
{
	out->known = isfinite(num);
	out->num = (struct np_expr_number){ .num = num };
}

static void set_whole(struct np_tally_value *out, uint64_t num)
{
	out->known = true;
	out->num = (struct np_expr_number){ (double)num, num, true };
}

static const struct np_hist *hist_of(const struct np_tallies *t, const struct np_col *col)
{
	const struct np_hist *const *at = np_col_at(col, &t->total.row);

	return at ? *at : NULL;
}

/* What is summed up over single rows was corrected for a sample nowhere else (np_col_scale()). */
static uint64_t scale_of(const struct np_tallies *t, const struct np_colctx *ctx)
{
	return np_col_scale(&t->total.row, ctx);
}

static void samples(const struct np_tallies *t, const struct np_expr_node *agg,
		    const struct np_colctx *ctx, struct np_tally_value *out)
{
	uint64_t scale = scale_of(t, ctx);
	const struct np_hist *hist = hist_of(t, agg->col);

	out->samples = hist ? hist->count : 0;
	if (agg->fn == NP_FN_COUNT)
		set_whole(out, times(out->samples, scale));
	else if (agg->fn == NP_FN_SUM)
		set(out, hist ? (double)hist->sum / 1e6 * (double)scale : 0);
	else if (!out->samples)
		return;
	else if (agg->fn == NP_FN_MEAN)
		set(out, np_hist_mean(hist) / 1e6);
	else
		set(out, np_hist_quantile(hist, agg->fn == NP_FN_MIN   ? 0
						: agg->fn == NP_FN_MAX ? 1
								       : agg->q) /
			     1e6);
}

static void total(const struct np_tallies *t, const struct np_expr_node *agg,
		  const struct np_colctx *ctx, struct np_tally_value *out)
{
	const struct np_hist *hist = agg->col->agg == NP_AGG_HIST ? hist_of(t, agg->col) : NULL;
	struct np_value val;

	out->samples = hist ? hist->count : agg->col->agg == NP_AGG_HIST ? 0 : t->all[agg->index].n;
	/* two refreshes make a rate */
	if (agg->rate && !ctx->dt_ns)
		return;
	np_col_read(agg->col, &t->total.row, ctx, &val);
	if (val.kind == NP_VAL_NUM && val.whole)
		set_whole(out, val.integer);
	else if (val.kind == NP_VAL_NUM)
		set(out, val.num);
	else if (agg->col->agg == NP_AGG_SUM)
		set_whole(out, 0); /* of nothing */
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(struct np_tally *one, double q)
{
	double rank = np_quantile_rank(q, one->nvalues);
	size_t at = rank > 1 ? (size_t)rank - 1 : 0;

	qsort(one->values, one->nvalues, sizeof(one->values[0]), by_value);
	return one->values[at < one->nvalues ? at : one->nvalues - 1];
}

static void over_rows(struct np_tallies *t, const struct np_expr_node *agg,
		      const struct np_colctx *ctx, struct np_tally_value *out)
{
	struct np_tally *one = &t->all[agg->index];
	/* values of groups are corrected already, and their number cannot be */
	uint64_t scale = t->grouped ? 1 : scale_of(t, ctx);

	out->samples = agg->fn == NP_FN_COUNT ? t->rows : one->n;
	if (agg->rate && !ctx->dt_ns)
		return;
	if (agg->fn == NP_FN_COUNT)
		set_whole(out, times(one->n, scale));
	else if (agg->fn == NP_FN_SUM && !one->broken)
		set_whole(out, times(one->isum, scale));
	else if (agg->fn == NP_FN_SUM)
		set(out, one->sum * (double)scale);
	else if (!one->n)
		return;
	else if (agg->fn == NP_FN_MEAN)
		set(out, one->sum / (double)one->n);
	else if (agg->fn == NP_FN_QUANTILE)
		set(out, quantile(one, agg->q));
	else {
		out->known = true;
		out->num = agg->fn == NP_FN_MIN ? one->min : one->max;
	}
}

static bool is_of_packets(const struct np_expr_node *node)
{
	return (node->col && node->col->flags & NP_COL_PACKETS) ||
	       (node->left && is_of_packets(node->left)) ||
	       (node->right && is_of_packets(node->right));
}

void np_tallies_value(struct np_tallies *t, const struct np_expr_node *agg,
		      const struct np_colctx *ctx, struct np_tally_value *out)
{
	*out = (struct np_tally_value){ 0 };
	/* nobody looked: that is not a sum of 0 */
	if (t->rows && !(t->total.row.flags & NP_ROW_PACKETS) && is_of_packets(agg))
		return;
	if (agg->samples)
		samples(t, agg, ctx, out);
	else if (agg->fn == NP_FN_TOTAL)
		total(t, agg, ctx, out);
	else
		over_rows(t, agg, ctx, out);
}
