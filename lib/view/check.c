// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/check.h"
#include "view/tally.h"

struct np_check {
	struct np_expr *expr;
	uint16_t kind;
	struct np_tallies now, before; /* before: of the baseline */
	const struct np_baseline_view *base;
	const char *why_no_base;
	struct np_check_result result;
	struct np_tally_value *bases; /* by np_expr_node.index */
};

/* ---- which rows ---- */

/* The rows on which everything in NODE exists. */
static unsigned int kinds_of(const struct np_expr_node *node)
{
	unsigned int kinds = node->col ? node->col->flags & NP_COL_KINDS : NP_COL_KINDS;

	if (node->left)
		kinds &= kinds_of(node->left);
	if (node->right)
		kinds &= kinds_of(node->right);
	return kinds;
}

static const char *kind_name(uint16_t kind, bool grouped)
{
	return grouped                 ? "rows"
	       : kind == NP_COL_IFACE  ? "interfaces"
	       : kind == NP_COL_EVENT  ? "events"
	       : kind == NP_COL_LISTEN ? "listeners"
				       : "connections";
}

/* What to do where a table has not the rows that an aggregate is about. */
static const char *fix(uint16_t kind, unsigned int kinds)
{
	if (kind == NP_COL_EVENT && kinds & NP_COL_CONN)
		return "group by something else than kind (--by)";
	if (kinds & NP_COL_CONN)
		return "leave --listen or --by interface away";
	if (kinds & NP_COL_EVENT)
		return "npflows without --table and npretrans without --summary have those";
	if (kinds & NP_COL_LISTEN)
		return "npflows --listen has those";
	return kinds & NP_COL_IFACE ? "nptop --by interface has those"
				    : "no rows have all of its columns";
}

static int refuse(const struct np_expr_node *agg, uint16_t kind, struct np_err *err)
{
	unsigned int kinds = kinds_of(agg);

	return np_err_set(err, -EINVAL, "--check: '%.80s' looks at columns that %s do not have; %s",
			  agg->str, kind_name(kind, false), fix(kind, kinds));
}

/*
 * A log has events, and there are the connections that they happen to. What counts rows means the
 * log's; what adds up columns that both have means each connection once.
 */
static int choose_kind(struct np_check *check, uint16_t kind, bool log, struct np_err *err)
{
	unsigned int may = log ? kind | NP_COL_CONN : kind, left = may;
	const struct np_expr_node *first = NULL;
	bool counts = false;

	for (const struct np_expr_node *node = check->expr->all; node; node = node->next) {
		unsigned int kinds = node->op == NP_OP_AGG ? kinds_of(node) & may : left;

		if (!kinds)
			return refuse(node, kind, err);
		if (!(kinds & left))
			return np_err_set(err, -EINVAL,
					  "--check: '%.80s' is of %s and '%.80s' is not; make two "
					  "checks of it",
					  node->str, kind_name((uint16_t)kinds, false),
					  first ? first->str : "another part");
		if (node->op != NP_OP_AGG)
			continue;
		if (kinds != may)
			first = node;
		left &= kinds;
		counts |= node->fn == NP_FN_COUNT && !node->samples;
	}
	check->kind = left != may || !log ? (uint16_t)left : counts ? kind : NP_COL_CONN;
	return 0;
}

/* ---- what it is made of ---- */

static int make_room(struct np_check *check)
{
	const struct np_expr *expr = check->expr;
	size_t n = expr->naggs;
	int err = np_tallies_init(&check->now, expr, check->kind);

	if (!err)
		err = np_tallies_init(&check->before, expr, check->kind);
	check->result.values = calloc(n, sizeof(*check->result.values));
	check->bases = calloc(n, sizeof(*check->bases));
	if (err || !check->result.values || !check->bases)
		return -ENOMEM;
	check->result.nvalues = n;
	for (const struct np_expr_node *node = expr->all; node; node = node->next) {
		if (node->op != NP_OP_AGG)
			continue;
		check->result.values[node->index].name = node->str;
		check->result.values[node->index].unit = node->unit;
	}
	return 0;
}

int np_check_new(struct np_check **out, const char *text, uint16_t kind, bool log,
		 struct np_err *err)
{
	struct np_check *check = calloc(1, sizeof(*check));
	int ret;

	*out = NULL;
	if (!check)
		return np_err_set(err, -ENOMEM, "out of memory");
	check->result.text = text;
	ret = np_expr_compile_check(&check->expr, text, err);
	if (!ret)
		ret = choose_kind(check, kind, log, err);
	if (!ret && make_room(check))
		ret = np_err_set(err, -ENOMEM, "out of memory");
	if (ret)
		np_check_free(check);
	else
		*out = check;
	return ret;
}

void np_check_free(struct np_check *check)
{
	if (!check)
		return;
	np_tallies_free(&check->now);
	np_tallies_free(&check->before);
	free(check->result.values);
	free(check->bases);
	np_expr_free(check->expr);
	free(check);
}

uint16_t np_check_kind(const struct np_check *check)
{
	return check->kind;
}

bool np_check_whole(const struct np_check *check)
{
	return np_expr_interval(check->expr);
}

bool np_check_wants_baseline(const struct np_check *check)
{
	return check->expr->wants_base;
}

unsigned int np_check_needs(const struct np_check *check)
{
	return np_expr_needs(check->expr);
}

uint32_t np_check_events(const struct np_check *check, uint32_t may)
{
	return np_expr_events(check->expr, may);
}

const struct np_col *np_check_host(const struct np_check *check)
{
	return np_expr_host(check->expr);
}

void np_check_columns(const struct np_check *check, const struct np_col **cols, size_t max,
		      size_t *n)
{
	for (const struct np_expr_node *node = check->expr->all; node; node = node->next) {
		size_t i = 0;

		while (node->col && i < *n && cols[i] != node->col)
			i++;
		if (node->col && i == *n && *n < max)
			cols[(*n)++] = node->col;
	}
}

/* ---- rows ---- */

int np_check_add(struct np_check *check, const struct np_row *row, const struct np_colctx *ctx)
{
	return np_tallies_add(&check->now, row, ctx);
}

int np_check_baseline(struct np_check *check, const struct np_baseline_view *base, const char *why)
{
	int err = 0;

	np_tallies_free(&check->before);
	check->base = base;
	check->why_no_base = why;
	err = np_tallies_init(&check->before, check->expr, check->kind);
	if (!base || base->kind != check->kind)
		return err;
	for (size_t i = 0; i < base->nrows && !err; i++)
		err = np_tallies_add(&check->before, base->rows[i], &base->ctx);
	return err;
}

/* ---- the verdict ---- */

/* Counts and sums are of what there is; the others say something only of enough of it. */
static bool takes_samples(const struct np_expr_node *agg)
{
	if (agg->fn == NP_FN_TOTAL)
		return agg->col->agg != NP_AGG_SUM &&
		       !(agg->col->agg == NP_AGG_HIST && agg->col->bit == NP_STAT_COUNT);
	return agg->fn != NP_FN_COUNT && agg->fn != NP_FN_SUM;
}

/* What its samples are of: "rtt" of rtt_samples and rtt_p99. */
static bool is_hist(const struct np_expr_node *agg)
{
	return agg->col && agg->col->agg == NP_AGG_HIST;
}

/* Why an aggregate is not known; LIMIT: how many samples it takes. */
static void explain(const struct np_tallies *t, const struct np_expr_node *agg,
		    const struct np_tally_value *value, uint64_t limit, char *out, size_t size)
{
	const char *of = kind_name(t->kind, t->grouped);
	unsigned long long n = value->samples;

	if (takes_samples(agg) && is_hist(agg) && n < limit) {
		int len = (int)strcspn(agg->col->name, "_");

		if (!n)
			snprintf(out, size, "no samples of %.*s", len, agg->col->name);
		else
			snprintf(out, size,
				 "only %llu samples of %.*s, fewer than --min-samples %llu", n, len,
				 agg->col->name, (unsigned long long)limit);
	} else if (agg->rate && t->rows && n >= limit) {
		snprintf(out, size, "a rate takes two refreshes");
	} else if (takes_samples(agg) && n && n < limit) {
		snprintf(out, size, "%.80s is of only %llu %s, fewer than --min-samples %llu",
			 agg->str, n, of, (unsigned long long)limit);
	} else if (t->rows) {
		snprintf(out, size, "none of %llu %s has a value for %.80s",
			 (unsigned long long)t->rows, of, agg->str);
	} else {
		snprintf(out, size, "no %s", of);
	}
}

struct look {
	struct np_check *check;
	const struct np_check_limits *limits;
	const struct np_colctx *ctx;
};

static bool enough(const struct look *look, const struct np_expr_node *agg,
		   const struct np_tally_value *value)
{
	return value->known && (!takes_samples(agg) || value->samples >= look->limits->min_samples);
}

static bool value_now(void *ctx, const struct np_expr_node *agg, struct np_expr_number *out)
{
	const struct np_check *check = ((struct look *)ctx)->check;
	const struct np_check_value *value = &check->result.values[agg->index];

	*out = (struct np_expr_number){ value->num, value->integer, value->whole };
	return value->known;
}

static bool value_before(void *ctx, const struct np_expr_node *agg, struct np_expr_number *out)
{
	const struct np_tally_value *value = &((struct look *)ctx)->check->bases[agg->index];

	*out = value->num;
	return value->known;
}

static void tell(const struct look *look, const struct np_expr_node *agg)
{
	struct np_check *check = look->check;
	struct np_check_value *out = &check->result.values[agg->index];
	char *reason = check->result.reason;
	struct np_tally_value value;

	np_tallies_value(&check->now, agg, look->ctx, &value);
	out->known = enough(look, agg, &value);
	out->num = value.num.num;
	out->integer = value.num.integer;
	out->whole = value.num.whole;
	out->samples = value.samples;
	out->of = is_hist(agg) ? "samples" : kind_name(check->kind, check->now.grouped);
	if (!out->known && !*reason)
		explain(&check->now, agg, &value, look->limits->min_samples, reason,
			sizeof(check->result.reason));
}

/* Whether NODE looks at nothing but what the groups of BASE have in common. */
static bool is_of_keys(const struct np_expr_node *node, const struct np_baseline_view *base)
{
	size_t i = 0;

	if (node->op != NP_OP_COL)
		return (!node->left || is_of_keys(node->left, base)) &&
		       (!node->right || is_of_keys(node->right, base));
	while (i < base->nkeys && base->keys[i] != node->col)
		i++;
	return i < base->nkeys;
}

/* Sums of groups are those of their members; the rest takes each of them. */
static bool is_comparable(const struct np_expr_node *agg, const struct np_baseline_view *base)
{
	if (!base->coarser || agg->samples || agg->fn == NP_FN_TOTAL)
		return true;
	if (agg->fn == NP_FN_SUM)
		return agg->left->op == NP_OP_COL && agg->left->col->agg == NP_AGG_SUM;
	return agg->fn == NP_FN_COUNT && base->kind == NP_COL_EVENT &&
	       (!agg->left || is_of_keys(agg->left, base));
}

static void tell_base(const struct look *look, const struct np_expr_node *agg)
{
	struct np_check *check = look->check;
	struct np_check_value *out = &check->result.values[agg->index];
	struct np_tally_value *value = &check->bases[agg->index];
	char *reason = check->result.reason, why[200];

	*value = (struct np_tally_value){ 0 };
	if (check->base && check->base->kind == check->kind && is_comparable(agg, check->base)) {
		np_tallies_value(&check->before, agg, &check->base->ctx, value);
		value->known = enough(look, agg, value);
	}
	out->has_base = value->known;
	out->base = value->num.num;
	if (value->known || *reason)
		return;
	if (!check->base) {
		snprintf(reason, sizeof(check->result.reason), "%s",
			 check->why_no_base ? check->why_no_base : "there is no baseline");
	} else if (check->base->kind != check->kind) {
		snprintf(reason, sizeof(check->result.reason),
			 "the baseline is of %s, this is of %s",
			 kind_name(check->base->kind, false), kind_name(check->kind, false));
	} else if (!is_comparable(agg, check->base)) {
		snprintf(reason, sizeof(check->result.reason),
			 "the baseline keeps sums of groups, and %.80s takes each of the %s",
			 agg->str, kind_name(check->kind, false));
	} else {
		explain(&check->before, agg, value, look->limits->min_samples, why, sizeof(why));
		snprintf(reason, sizeof(check->result.reason), "in the baseline: %s", why);
	}
}

/* What was lost may have been a breach; a breach that was seen is one. */
static void doubt(struct np_check_result *result, uint64_t lost, const char *what)
{
	if (!lost || result->verdict != NP_CHECK_PASS)
		return;
	result->verdict = NP_CHECK_INCONCLUSIVE;
	snprintf(result->reason, sizeof(result->reason),
		 "it holds for what was seen, but %llu %s were lost", (unsigned long long)lost,
		 what);
}

const struct np_check_result *np_check_judge(struct np_check *check,
					     const struct np_check_limits *limits,
					     const struct np_colctx *ctx)
{
	struct np_check_result *result = &check->result;
	struct look look = { check, limits, ctx };
	struct np_expr_aggs before = { value_before, &look, NULL };
	struct np_expr_aggs now = { value_now, &look, &before };
	enum np_truth truth;

	result->reason[0] = '\0';
	for (const struct np_expr_node *node = check->expr->all; node; node = node->next)
		if (node->op == NP_OP_AGG)
			tell(&look, node);
	for (const struct np_expr_node *node = check->expr->all; node; node = node->next)
		if (node->op == NP_OP_AGG && check->expr->wants_base)
			tell_base(&look, node);
	truth = np_expr_judge(check->expr->root, &now);
	result->verdict = truth == NP_TRUE    ? NP_CHECK_PASS
			  : truth == NP_FALSE ? NP_CHECK_FAIL
					      : NP_CHECK_INCONCLUSIVE;
	if (truth != NP_UNKNOWN)
		result->reason[0] = '\0';
	else if (!result->reason[0])
		snprintf(result->reason, sizeof(result->reason), "a division by 0");
	if (limits->cut && result->verdict == NP_CHECK_PASS) {
		result->verdict = NP_CHECK_INCONCLUSIVE;
		snprintf(result->reason, sizeof(result->reason),
			 "it holds for what could be read, but the file is damaged behind it");
	}
	if (limits->unmeasured && result->verdict == NP_CHECK_PASS) {
		result->verdict = NP_CHECK_INCONCLUSIVE;
		snprintf(result->reason, sizeof(result->reason),
			 "it holds for what was measured, but %s", limits->unmeasured);
	}
	doubt(result, limits->lost, "records");
	doubt(result, limits->forgotten, "groups that had ended");
	doubt(result, check->now.dropped, "values of a quantile");
	return result;
}
