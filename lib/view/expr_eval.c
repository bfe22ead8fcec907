// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "flow/detail.h"
#include "view/expr_tree.h"

/* Three-valued: what is not known makes neither a comparison nor its negation true. */

struct scope {
	const struct np_row *row;
	const struct np_colctx *ctx;
	const struct np_expr_aggs *aggs; /* of a check, in place of a row */
};

static enum np_truth truth_of(bool yes)
{
	return yes ? NP_TRUE : NP_FALSE;
}

/* ---- numbers ---- */

static bool col_number(const struct np_expr_node *node, const struct scope *s,
		       struct np_expr_number *out)
{
	struct np_value val = { .kind = NP_VAL_NONE };

	np_col_read(node->col, s->row, s->ctx, &val);
	if (val.kind != NP_VAL_NUM)
		return false;
	*out =
	    (struct np_expr_number){ .num = val.num, .integer = val.integer, .whole = val.whole };
	return true;
}

/* False where it is not known: a column is not, or by a division by 0. */
static bool number(const struct np_expr_node *node, const struct scope *s,
		   struct np_expr_number *out)
{
	struct np_expr_number a, b = { 0 };

	if (node->op == NP_OP_COL)
		return col_number(node, s, out);
	if (node->op == NP_OP_NUM) {
		*out = (struct np_expr_number){ node->num, node->integer, node->whole };
		return true;
	}
	if (node->op == NP_OP_AGG)
		return s->aggs && s->aggs->value(s->aggs->ctx, node, out);
	if (node->op == NP_OP_BASE) {
		struct scope before = { .aggs = s->aggs ? s->aggs->base : NULL };

		return before.aggs && number(node->left, &before, out);
	}
	if (!number(node->left, s, &a) || (node->right && !number(node->right, s, &b)))
		return false;
	out->whole = false;
	switch (node->op) {
	case NP_OP_NEG:
		out->num = -a.num;
		break;
	case NP_OP_ADD:
		out->num = a.num + b.num;
		break;
	case NP_OP_SUB:
		out->num = a.num - b.num;
		break;
	case NP_OP_MUL:
		out->num = a.num * b.num;
		break;
	default:
		if (b.num == 0)
			return false;
		out->num = a.num / b.num;
	}
	return isfinite(out->num);
}

/* Whole numbers to the last digit; others are equal within rounding (0.1 s is 100 ms). */
static int order(const struct np_expr_number *a, const struct np_expr_number *b)
{
	if (a->whole && b->whole)
		return (a->integer > b->integer) - (a->integer < b->integer);
	if (fabs(a->num - b->num) <= 1e-9 * fmax(fabs(a->num), fabs(b->num)))
		return 0;
	return a->num < b->num ? -1 : 1;
}

static enum np_truth compare_numbers(const struct np_expr_node *node, const struct scope *s)
{
	struct np_expr_number a, b;
	int c;

	if (!number(node->left, s, &a) || !number(node->right, s, &b))
		return NP_UNKNOWN;
	c = order(&a, &b);
	switch (node->op) {
	case NP_OP_EQ:
		return truth_of(c == 0);
	case NP_OP_NE:
		return truth_of(c != 0);
	case NP_OP_LT:
		return truth_of(c < 0);
	case NP_OP_LE:
		return truth_of(c <= 0);
	case NP_OP_GT:
		return truth_of(c > 0);
	default:
		return truth_of(c >= 0);
	}
}

/* ---- text and addresses ---- */

/* The text of a leaf, in VAL where it is a column's; NULL where it is not known. */
static const char *text(const struct np_expr_node *node, const struct scope *s,
			struct np_value *val)
{
	if (node->op == NP_OP_STR)
		return node->str;
	val->kind = NP_VAL_NONE;
	np_col_read(node->col, s->row, s->ctx, val);
	if (val->kind == NP_VAL_STR)
		return val->str;
	/* a name that could not be looked up is its number */
	if (val->kind != NP_VAL_NUM || !val->whole)
		return NULL;
	snprintf(val->buf, sizeof(val->buf), "%" PRIu64, val->integer);
	return val->buf;
}

static bool is_enum(const struct np_expr_node *node)
{
	return node->op == NP_OP_COL && node->col->type == NP_TYPE_ENUM;
}

static enum np_truth compare_text(const struct np_expr_node *node, const struct scope *s)
{
	bool fold = is_enum(node->left) || is_enum(node->right);
	struct np_value va, vb;
	const char *a = text(node->left, s, &va), *b = text(node->right, s, &vb);

	if (!a || !b)
		return NP_UNKNOWN;
	return truth_of(((fold ? strcasecmp(a, b) : strcmp(a, b)) == 0) == (node->op == NP_OP_EQ));
}

static enum np_truth match_text(const struct np_expr_node *node, const struct scope *s)
{
	struct np_value val;
	const char *str = text(node->left, s, &val);

	if (!str)
		return NP_UNKNOWN;
	return truth_of((regexec(node->regex, str, 0, NULL, 0) == 0) == (node->op == NP_OP_MATCH));
}

static bool is_mapped(const uint8_t *addr)
{
	static const uint8_t prefix[16] = { [10] = 0xff, [11] = 0xff };

	return np_same_prefix(addr, prefix, 96);
}

/* The column's bytes as they are in the row: its text would have to be parsed again. */
static enum np_truth compare_addr(const struct np_expr_node *node, const struct scope *s)
{
	bool turned = node->left->op == NP_OP_ADDR;
	const struct np_expr_node *want = turned ? node->left : node->right;
	const struct np_col *col = (turned ? node->right : node->left)->col;
	const uint8_t *addr = (const uint8_t *)s->row + col->off;
	struct np_value val = { .kind = NP_VAL_NONE };
	uint16_t port = 0;
	bool same;

	np_col_read(col, s->row, s->ctx, &val);
	if (val.kind != NP_VAL_STR)
		return NP_UNKNOWN;
	/* ::/0 is all of IPv6, not IPv4 as well */
	same = is_mapped(addr) == is_mapped(want->addr) &&
	       np_same_prefix(addr, want->addr, want->bits);
	if (want->port >= 0) {
		memcpy(&port, (const uint8_t *)s->row + col->off2, sizeof(port));
		same = same && port == want->port;
	}
	return truth_of(same == (node->op == NP_OP_EQ));
}

/* ---- conditions ---- */

static enum np_truth flag(const struct np_expr_node *node, const struct scope *s)
{
	struct np_value val = { .kind = NP_VAL_NONE };

	np_col_read(node->col, s->row, s->ctx, &val);
	return val.kind == NP_VAL_BOOL ? truth_of(val.num != 0) : NP_UNKNOWN;
}

static enum np_truth eval(const struct np_expr_node *node, const struct scope *s);

static enum np_truth compare(const struct np_expr_node *node, const struct scope *s)
{
	enum np_truth a, b;

	switch (node->left->kind) {
	case NP_KIND_NUM:
		return compare_numbers(node, s);
	case NP_KIND_STR:
		return compare_text(node, s);
	case NP_KIND_ADDR:
		if (node->left->op == NP_OP_ADDR || node->right->op == NP_OP_ADDR)
			return compare_addr(node, s);
		return compare_text(node, s);
	default:
		a = eval(node->left, s);
		b = eval(node->right, s);
		if (a == NP_UNKNOWN || b == NP_UNKNOWN)
			return NP_UNKNOWN;
		return truth_of((a == b) == (node->op == NP_OP_EQ));
	}
}

static enum np_truth eval(const struct np_expr_node *node, const struct scope *s)
{
	enum np_truth a, b, wins = node->op == NP_OP_AND ? NP_FALSE : NP_TRUE;

	switch (node->op) {
	case NP_OP_AND:
	case NP_OP_OR:
		a = eval(node->left, s);
		if (a == wins)
			return a;
		b = eval(node->right, s);
		return b == wins || a == NP_UNKNOWN ? (b == wins ? b : a) : b;
	case NP_OP_NOT:
		a = eval(node->left, s);
		return a == NP_UNKNOWN ? a : truth_of(a == NP_FALSE);
	case NP_OP_MATCH:
	case NP_OP_NOMATCH:
		return match_text(node, s);
	case NP_OP_BOOL:
		return truth_of(node->truth);
	case NP_OP_COL:
		return flag(node, s);
	default:
		return compare(node, s);
	}
}

bool np_expr_true(const struct np_expr *expr, const struct np_row *row, const struct np_colctx *ctx)
{
	return eval(expr->root, &(struct scope){ row, ctx, NULL }) == NP_TRUE;
}

static bool parts(const struct np_expr_node *node, bool identity, const struct scope *s)
{
	if (node->op == NP_OP_AND)
		return parts(node->left, identity, s) && parts(node->right, identity, s);
	return node->identity != identity || eval(node, s) == NP_TRUE;
}

bool np_expr_members(const struct np_expr *expr, const struct np_row *row,
		     const struct np_colctx *ctx)
{
	return parts(expr->root, true, &(struct scope){ row, ctx, NULL });
}

bool np_expr_rows(const struct np_expr *expr, const struct np_row *row, const struct np_colctx *ctx)
{
	return parts(expr->root, false, &(struct scope){ row, ctx, NULL });
}

bool np_expr_number(const struct np_expr_node *node, const struct np_row *row,
		    const struct np_colctx *ctx, struct np_expr_number *out)
{
	return number(node, &(struct scope){ row, ctx, NULL }, out);
}

enum np_truth np_expr_truth(const struct np_expr_node *node, const struct np_row *row,
			    const struct np_colctx *ctx)
{
	return eval(node, &(struct scope){ row, ctx, NULL });
}

enum np_truth np_expr_judge(const struct np_expr_node *node, const struct np_expr_aggs *aggs)
{
	/* rows are looked at inside of aggregates alone */
	static const struct np_row none;
	static const struct np_colctx nowhere;

	return eval(node, &(struct scope){ &none, &nowhere, aggs });
}

unsigned int np_expr_needs(const struct np_expr *expr)
{
	unsigned int needs = 0;

	for (const struct np_expr_node *node = expr->all; node; node = node->next)
		needs |= node->col ? node->col->needs : 0;
	return needs;
}

unsigned int np_expr_kind(const struct np_expr *expr)
{
	unsigned int kind = NP_COL_KINDS;

	for (const struct np_expr_node *node = expr->all; node; node = node->next)
		kind &= node->col ? node->col->flags : kind;
	return kind;
}

/* The events for which NODE, which compares something with a name, is true. */
static uint32_t events_of(const struct np_expr_node *node)
{
	static const struct np_colctx nowhere;
	uint32_t events = 0;

	for (unsigned int i = 1; np_event_name(i); i++) {
		struct np_detail detail = { .event = (uint8_t)i };
		struct np_row row = { .flags = NP_ROW_EVENT, .detail = &detail };

		if (np_expr_truth(node, &row, &nowhere) == NP_TRUE)
			events |= 1U << i;
	}
	return events;
}

static bool names_event(const struct np_expr_node *col, const struct np_expr_node *name)
{
	return col->op == NP_OP_COL && !strcmp(col->col->name, "event") && name->op == NP_OP_STR;
}

uint32_t np_expr_events(const struct np_expr *expr, uint32_t may)
{
	uint32_t all = 0;

	for (const struct np_expr_node *node = expr->all; node; node = node->next) {
		uint32_t events = 0;

		if ((node->op == NP_OP_EQ || node->op == NP_OP_MATCH) &&
		    (names_event(node->left, node->right) || names_event(node->right, node->left)))
			events = events_of(node);
		all |= node->op == NP_OP_MATCH && events & may ? events & may : events;
	}
	return all;
}

const struct np_col *np_expr_host(const struct np_expr *expr)
{
	for (const struct np_expr_node *node = expr->all; node; node = node->next)
		if (node->col && node->col->flags & NP_COL_HOST)
			return node->col;
	return NULL;
}

/* The fields of struct np_row that begin anew at each refresh. */
static bool is_interval(uint16_t off)
{
	return (off >= offsetof(struct np_row, d_tx) && off < offsetof(struct np_row, avg_tx)) ||
	       off == offsetof(struct np_row, opened) || off == offsetof(struct np_row, ended);
}

bool np_expr_interval(const struct np_expr *expr)
{
	for (const struct np_expr_node *node = expr->all; node; node = node->next)
		if (node->col && node->col->via == NP_IN_ROW && is_interval(node->col->off))
			return true;
	return false;
}
