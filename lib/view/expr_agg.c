// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The atoms that only checks have: aggregates over all rows, a column's total, the baseline. */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "view/expr_tree.h"

/* "99.9" of p99.9; parsed as a time is, which takes any fraction without the locale. */
static bool quantile(const char *digits, double *q)
{
	uint64_t nano;

	if (!*digits || digits[strspn(digits, "0123456789.")] || np_parse_duration(digits, &nano))
		return false;
	*q = (double)nano / 1e11;
	return *q <= 1;
}

bool np_expr_is_fn(const char *word, enum np_agg_fn *fn, double *q)
{
	static const struct {
		const char *name;
		enum np_agg_fn fn;
	} names[] = { { "count", NP_FN_COUNT }, { "sum", NP_FN_SUM },   { "min", NP_FN_MIN },
		      { "max", NP_FN_MAX },     { "mean", NP_FN_MEAN }, { "avg", NP_FN_MEAN } };

	*q = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i].name) != 0)
			continue;
		*fn = names[i].fn;
		return true;
	}
	*fn = NP_FN_QUANTILE;
	return *word == 'p' && quantile(word + 1, q);
}

/* The times of which the samples are kept: what they are called, and a column of their histogram.
 */
static const struct np_col *samples_of(const char *word, size_t len)
{
	static const struct {
		const char *name, *col;
	} times[] = { { "rtt", "rtt_samples" },
		      { "syn_rtt", "syn_samples" },
		      { "syn", "syn_samples" },
		      { "srt", "srt_samples" },
		      { "art", "art_samples" } };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (strlen(times[i].name) == len && !strncmp(word, times[i].name, len))
			return np_col_find(times[i].col);
	return NULL;
}

bool np_expr_has_samples(const char *word)
{
	return samples_of(word, strlen(word));
}

/* The times where one stands alone before the parenthesis that closes. */
static const struct np_col *take_samples(struct np_expr_parser *p)
{
	const char *at = np_expr_skip(p), *rest;
	size_t len = 0;
	const struct np_col *col;

	while (np_expr_is_word(at[len]))
		len++;
	col = samples_of(at, len);
	rest = at + len + strspn(at + len, " \t\r\n");
	if (!col || (*rest != ')' && *rest))
		return NULL;
	p->pos += len;
	return col;
}

/* Moments of a refresh, of which a run as a whole has none. */
static bool of_refresh(const struct np_col *col)
{
	return col->type == NP_TYPE_FLOAT ||
	       (col->type == NP_TYPE_PERCENT && col->agg == NP_AGG_SUM);
}

static bool has_refresh(struct np_expr_parser *p, const struct np_expr_node *node)
{
	if (!node)
		return false;
	if (node->op == NP_OP_COL && of_refresh(node->col)) {
		np_expr_fail(p, node->at, "'%s' is of a refresh, and a check is of a whole run",
			     node->col->name);
		return true;
	}
	return has_refresh(p, node->left) || has_refresh(p, node->right);
}

static const char *unit_of(const struct np_expr_node *arg)
{
	static const char *const units[] = {
		[NP_DIM_ANY] = "",    [NP_DIM_COUNT] = "",    [NP_DIM_TIME] = "s",
		[NP_DIM_BYTES] = "B", [NP_DIM_PERCENT] = "%",
	};

	return arg->op == NP_OP_COL ? arg->col->unit : units[arg->dim];
}

static struct np_expr_node *agg_new(struct np_expr_parser *p, const char *at, size_t len,
				    enum np_agg_fn fn)
{
	struct np_expr_node *node = np_expr_node_new(p, NP_OP_AGG, at);

	if (!node)
		return NULL;
	node->kind = NP_KIND_NUM;
	node->agg = true;
	node->fn = fn;
	node->unit = "";
	node->index = p->expr->naggs++;
	node->str = strndup(at, len);
	return node->str ? node : np_expr_no_memory(p);
}

/* What the parentheses hold is no condition, or none where there must be one. */
static bool fits(struct np_expr_parser *p, const struct np_expr_node *arg, enum np_agg_fn fn)
{
	if (fn == NP_FN_COUNT && arg->kind != NP_KIND_BOOL)
		np_expr_fail(p, arg->at,
			     "count() takes a condition ('count(rtt > 10ms)'), nothing, or rtt, "
			     "syn_rtt, srt or art");
	else if (fn != NP_FN_COUNT && arg->kind != NP_KIND_NUM)
		np_expr_fail(p, arg->at, "only numbers have one: count(...) counts rows");
	else
		return !has_refresh(p, arg);
	return false;
}

static struct np_expr_node *argument(struct np_expr_parser *p, enum np_agg_fn fn)
{
	struct np_expr_node *arg;

	p->inside = true;
	arg = np_expr_or(p);
	p->inside = false;
	return arg && fits(p, arg, fn) ? arg : NULL;
}

struct np_expr_node *np_expr_call(struct np_expr_parser *p, const char *at, enum np_agg_fn fn,
				  double q)
{
	const struct np_col *samples = NULL;
	struct np_expr_node *node, *arg = NULL;
	bool empty;

	if (!p->check)
		return np_expr_fail(p, at, "this adds up the rows of a run, which is for --check");
	if (p->inside)
		return np_expr_fail(p, at, "one aggregate inside of another");
	if (++p->depth > NP_EXPR_DEPTH)
		return np_expr_fail(p, at, "nested too deeply");
	p->pos++; /* the parenthesis */
	empty = *np_expr_skip(p) == ')';
	if (empty && fn != NP_FN_COUNT)
		return np_expr_fail(p, p->pos, "a column is missing");
	if (!empty)
		samples = take_samples(p);
	if (!empty && !samples) {
		arg = argument(p, fn);
		if (!arg)
			return NULL;
	}
	if (!np_expr_eat(p, ")"))
		return np_expr_fail(p, at, "a parenthesis without its closing one");
	p->depth--;
	node = agg_new(p, at, (size_t)(p->pos - at), fn);
	if (!node)
		return NULL;
	node->q = q;
	node->left = arg;
	node->col = samples;
	node->samples = samples;
	node->dim = fn == NP_FN_COUNT ? NP_DIM_COUNT : samples ? NP_DIM_TIME : arg->dim;
	if (fn != NP_FN_COUNT)
		node->unit = samples ? "s" : unit_of(arg);
	node->rate = arg && arg->rate;
	/* rounded at each of many rows it would be off */
	if (node->rate && fn == NP_FN_SUM && arg->op == NP_OP_COL) {
		node->fn = NP_FN_TOTAL;
		node->col = arg->col;
	}
	return node;
}

/* What a column is of all rows together, by its own way of adding up. */
static enum np_agg_fn own_fn(const struct np_col *col)
{
	switch (col->agg) {
	case NP_AGG_SUM:
		return col->flags & NP_COL_RATE ? NP_FN_TOTAL : NP_FN_SUM;
	case NP_AGG_MIN:
		return NP_FN_MIN;
	case NP_AGG_MAX:
		return NP_FN_MAX;
	default:
		return NP_FN_TOTAL;
	}
}

struct np_expr_node *np_expr_total(struct np_expr_parser *p, const char *at,
				   const struct np_col *col)
{
	struct np_expr_node *leaf = np_expr_node_new(p, NP_OP_COL, at), *node;
	size_t len = strlen(col->name);

	if (!leaf)
		return NULL;
	np_expr_leaf_col(leaf, col);
	if (leaf->kind != NP_KIND_NUM)
		return np_expr_fail(p, at,
				    "'%s' is of each row, and a check is of all: count(%s...) "
				    "says how many",
				    col->name, col->name);
	if (col->agg == NP_AGG_SAME)
		return np_expr_fail(p, at,
				    "rows have no '%s' in common: take p99(%s), max(%s) or such",
				    col->name, col->name, col->name);
	if (has_refresh(p, leaf))
		return NULL;
	node = agg_new(p, at, len, own_fn(col));
	if (!node)
		return NULL;
	node->left = leaf;
	node->col = node->fn == NP_FN_TOTAL ? col : NULL;
	node->dim = leaf->dim;
	node->unit = col->unit;
	node->rate = leaf->rate;
	return node;
}

/* ---- the baseline ---- */

struct np_expr_node *np_expr_baseline(struct np_expr_parser *p, const char *at)
{
	struct np_expr_node *node;

	if (!p->check)
		return np_expr_fail(p, at, "baseline is for --check, beside an aggregate");
	if (p->inside)
		return np_expr_fail(p, at,
				    "baseline stands beside an aggregate, as in 'p99(rtt) < 1.2 * "
				    "baseline', not inside");
	node = np_expr_node_new(p, NP_OP_BASE, at);
	if (!node)
		return NULL;
	node->kind = NP_KIND_NUM;
	node->base = true;
	p->expr->wants_base = true;
	return node;
}

static void give(struct np_expr_node *node, struct np_expr_node *other)
{
	if (node->op == NP_OP_BASE) {
		node->left = other;
		return;
	}
	/* what stands in the parentheses of an aggregate has none */
	if (!node->base || node->op == NP_OP_AGG)
		return;
	give(node->left, other);
	if (node->right)
		give(node->right, other);
}

bool np_expr_face(struct np_expr_parser *p, struct np_expr_node *left, struct np_expr_node *right)
{
	struct np_expr_node *with = left->base ? left : right, *other = left->base ? right : left;

	if (!with->base)
		return true;
	if (other->base || with->agg || !other->agg) {
		np_expr_fail(p, with->at,
			     "baseline is the other side of the comparison, in the run before: "
			     "write it as 'sum(tx_bytes) < baseline + 1MiB'");
		return false;
	}
	give(with, other);
	return true;
}
