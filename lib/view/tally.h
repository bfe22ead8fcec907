/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the aggregates of one check add up to, row by row. Only quantiles over rows remember their
 * values. Internal to view/; a zeroed struct with `all` set is ready, freed with np_tallies_free().
 */
#ifndef NP_TALLY_H
#define NP_TALLY_H

#include "view/expr_tree.h"

/* Of a quantile; more are dropped and counted. */
#define NP_TALLY_VALUES (16 * 1024 * 1024)

/* One aggregate. */
struct np_tally {
	uint64_t n; /* rows with a value, or for which its condition holds */
	double sum;
	uint64_t isum; /* the same while all were whole */
	bool broken;   /* they were not, or it had no room */
	struct np_expr_number min, max;
	double *values;
	size_t nvalues, cap;
};

struct np_tallies {
	const struct np_expr *expr; /* whose */
	struct np_tally *all;       /* by np_expr_node.index */
	uint64_t rows;
	uint64_t dropped;          /* values that found no room */
	struct np_group_row total; /* over all rows, of the columns that `plan` has */
	struct np_merge plan;
	uint16_t kind;
	bool grouped; /* rows stand for several */
};

/* What an aggregate came out as. */
struct np_tally_value {
	bool known;
	struct np_expr_number num;
	uint64_t samples;
};

/* 0 or -ENOMEM. */
int np_tallies_init(struct np_tallies *t, const struct np_expr *expr, uint16_t kind);
void np_tallies_free(struct np_tallies *t);
int np_tallies_add(struct np_tallies *t, const struct np_row *row, const struct np_colctx *ctx);
void np_tallies_value(struct np_tallies *t, const struct np_expr_node *agg,
		      const struct np_colctx *ctx, struct np_tally_value *out);

#endif
