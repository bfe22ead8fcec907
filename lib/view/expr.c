// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/expr_tree.h"

/* Recursive descent over the grammar of expr.h, and what may stand beside what. */

/* ---- arithmetic ---- */

static bool same_dim(enum np_expr_dim a, enum np_expr_dim b)
{
	/* 'conns > 10k' is meant */
	return a == b || a == NP_DIM_ANY || b == NP_DIM_ANY ||
	       (a == NP_DIM_COUNT && b == NP_DIM_BYTES) || (a == NP_DIM_BYTES && b == NP_DIM_COUNT);
}

static enum np_expr_dim dim_of(enum np_expr_op op, enum np_expr_dim a, enum np_expr_dim b)
{
	bool plain_a = a == NP_DIM_ANY || a == NP_DIM_COUNT;
	bool plain_b = b == NP_DIM_ANY || b == NP_DIM_COUNT;

	if (op == NP_OP_ADD || op == NP_OP_SUB)
		return plain_a ? b : a;
	if (plain_b)
		return a;
	return plain_a && op == NP_OP_MUL ? b : NP_DIM_ANY;
}

static struct np_expr_node *arithmetic(struct np_expr_parser *p, enum np_expr_op op,
				       struct np_expr_node *left, struct np_expr_node *right)
{
	struct np_expr_node *node;

	if (!right)
		return NULL;
	if (left->kind != NP_KIND_NUM || right->kind != NP_KIND_NUM)
		return np_expr_fail(p, left->at, "one can calculate only with numbers");
	if ((op == NP_OP_ADD || op == NP_OP_SUB) && !same_dim(left->dim, right->dim))
		return np_expr_fail(p, left->at, "times, sizes and percentages do not add up");
	node = np_expr_binary(p, op, left, right);
	if (node)
		node->dim = dim_of(op, left->dim, right->dim);
	return node;
}

static struct np_expr_node *parse_mul(struct np_expr_parser *p)
{
	struct np_expr_node *node = np_expr_atom(p);

	while (node && (*np_expr_skip(p) == '*' || *p->pos == '/')) {
		enum np_expr_op op = *p->pos++ == '*' ? NP_OP_MUL : NP_OP_DIV;

		node = arithmetic(p, op, node, np_expr_atom(p));
	}
	return node;
}

static struct np_expr_node *parse_sum(struct np_expr_parser *p)
{
	struct np_expr_node *node = parse_mul(p);

	while (node && (*np_expr_skip(p) == '+' || *p->pos == '-')) {
		enum np_expr_op op = *p->pos++ == '+' ? NP_OP_ADD : NP_OP_SUB;

		node = arithmetic(p, op, node, parse_mul(p));
	}
	return node;
}

/* ---- comparisons ---- */

static const struct {
	const char *sign;
	enum np_expr_op op;
} signs[] = {
	/* the longer ones first */
	{ "==", NP_OP_EQ },      { "=~", NP_OP_MATCH }, { "!=", NP_OP_NE },
	{ "!~", NP_OP_NOMATCH }, { "<=", NP_OP_LE },    { ">=", NP_OP_GE },
	{ "=", NP_OP_EQ },       { "<", NP_OP_LT },     { ">", NP_OP_GT },
};

static const char *sign_of(enum np_expr_op op)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (signs[i].op == op)
			return signs[i].sign;
	return "";
}

/*
 * What stands right of text or an address: there a bare word is a string ('unit == nginx.service',
 * 'raddr == 10.0.0.0/8'), unless it is a column. A pattern is always one.
 */
static struct np_expr_node *parse_literal(struct np_expr_parser *p, enum np_expr_op op)
{
	bool pattern = op == NP_OP_MATCH || op == NP_OP_NOMATCH;
	const char *at = np_expr_skip(p);
	char word[NP_EXPR_STRING + 1];
	const struct np_col *col;
	size_t len = strcspn(at, pattern ? " \t\r\n()|&\"'" : " \t\r\n()|&\"'=!<>,;");

	if (*at == '"' || *at == '\'')
		return np_expr_quoted(p);
	if (len == 0 && !pattern)
		return parse_sum(p);
	if (len == 0)
		return np_expr_fail(p, at, "a pattern is missing");
	if (!np_expr_take(p, len, word))
		return NULL;
	if (!strcmp(word, "and") || !strcmp(word, "or"))
		return np_expr_fail(p, at, "a string or address is missing");
	col = pattern ? NULL : np_col_find(word);
	return col ? np_expr_column(p, at, col) : np_expr_string(p, at, word);
}

/* Reads string STR as the column COL on the other side does. */
static bool adapt(struct np_expr_parser *p, const struct np_expr_node *col,
		  struct np_expr_node *str)
{
	const char *near = NULL;

	if (col->op != NP_OP_COL || str->op != NP_OP_STR)
		return true;
	if (col->kind == NP_KIND_ADDR && np_expr_leaf_addr(str, col->col)) {
		np_expr_fail(p, str->at, "'%s' compares with an address or prefix", col->col->name);
		return false;
	}
	if (col->col->type == NP_TYPE_ENUM && np_expr_leaf_enum(str, col->col, &near)) {
		if (near)
			np_expr_fail(p, str->at, "not a value of '%s', did you mean '%s'?",
				     col->col->name, near);
		else
			np_expr_fail(p, str->at, "not a value of '%s' (%s)", col->col->name,
				     col->col->help);
		return false;
	}
	return true;
}

static struct np_expr_node *compare(struct np_expr_parser *p, enum np_expr_op op,
				    struct np_expr_node *left, struct np_expr_node *right)
{
	struct np_expr_node *node;

	if (!adapt(p, left, right) || !adapt(p, right, left))
		return NULL;
	if (left->kind != right->kind)
		return np_expr_fail(p, left->at, "the two sides of %s are of different kinds",
				    sign_of(op));
	if (left->kind != NP_KIND_NUM && op != NP_OP_EQ && op != NP_OP_NE)
		return np_expr_fail(p, left->at, "%s compares only numbers", sign_of(op));
	if (left->kind == NP_KIND_NUM && !same_dim(left->dim, right->dim))
		return np_expr_fail(p, left->at, "the two sides of %s have different units",
				    sign_of(op));
	if (!np_expr_face(p, left, right))
		return NULL;
	node = np_expr_binary(p, op, left, right);
	if (node) {
		node->kind = NP_KIND_BOOL;
		node->base = false;
	}
	return node;
}

static struct np_expr_node *match(struct np_expr_parser *p, enum np_expr_op op,
				  struct np_expr_node *left, struct np_expr_node *right)
{
	char why[128] = "";
	struct np_expr_node *node;
	int err;

	if (left->kind != NP_KIND_STR && left->kind != NP_KIND_ADDR)
		return np_expr_fail(p, left->at, "%s compares only text", sign_of(op));
	node = np_expr_binary(p, op, left, right);
	if (!node)
		return NULL;
	node->kind = NP_KIND_BOOL;
	err = np_expr_leaf_regex(node, right->str, why, sizeof(why));
	if (err == -ENOMEM)
		return np_expr_no_memory(p);
	return err ? np_expr_fail(p, right->at, "not a pattern that can be used (%s)", why) : node;
}

static struct np_expr_node *parse_cmp(struct np_expr_parser *p)
{
	struct np_expr_node *left = parse_sum(p), *right;
	enum np_expr_op op;
	size_t i = 0;

	while (left && i < sizeof(signs) / sizeof(signs[0]) && !np_expr_eat(p, signs[i].sign))
		i++;
	if (!left || i == sizeof(signs) / sizeof(signs[0]))
		return left;
	op = signs[i].op;
	if (op == NP_OP_MATCH || op == NP_OP_NOMATCH) {
		right = parse_literal(p, op);
		return right ? match(p, op, left, right) : NULL;
	}
	right = left->kind == NP_KIND_STR || left->kind == NP_KIND_ADDR ? parse_literal(p, op)
									: parse_sum(p);
	return right ? compare(p, op, left, right) : NULL;
}

/* ---- logic ---- */

static bool is_condition(struct np_expr_parser *p, const struct np_expr_node *node)
{
	if (node->kind != NP_KIND_BOOL)
		np_expr_fail(p, node->at, "no condition, which would be as in '%s'",
			     p->check && !p->inside ? "p99(rtt) < 5ms" : "rtt > 10ms");
	return node->kind == NP_KIND_BOOL;
}

static struct np_expr_node *logic(struct np_expr_parser *p, enum np_expr_op op,
				  struct np_expr_node *left, struct np_expr_node *right)
{
	if (!right || !is_condition(p, left) || !is_condition(p, right))
		return NULL;
	return np_expr_binary(p, op, left, right);
}

static struct np_expr_node *parse_not(struct np_expr_parser *p)
{
	const char *at = np_expr_skip(p);
	struct np_expr_node *node;

	if (!np_expr_eat(p, "!") && !np_expr_eat(p, "not"))
		return parse_cmp(p);
	if (++p->depth > NP_EXPR_DEPTH)
		return np_expr_fail(p, at, "nested too deeply");
	node = parse_not(p);
	if (node && !is_condition(p, node))
		return NULL;
	p->depth--;
	return np_expr_unary(p, NP_OP_NOT, at, node);
}

static struct np_expr_node *parse_and(struct np_expr_parser *p)
{
	struct np_expr_node *node = parse_not(p);

	while (node && (np_expr_eat(p, "&&") || np_expr_eat(p, "and")))
		node = logic(p, NP_OP_AND, node, parse_not(p));
	return node;
}

struct np_expr_node *np_expr_or(struct np_expr_parser *p)
{
	struct np_expr_node *node = parse_and(p);

	while (node && (np_expr_eat(p, "||") || np_expr_eat(p, "or")))
		node = logic(p, NP_OP_OR, node, parse_and(p));
	return node;
}

static int compile(struct np_expr **out, const char *text, bool check, struct np_err *err)
{
	struct np_expr_parser p = { .text = text, .pos = text, .check = check, .err = err };
	struct np_expr_node *root;

	*out = NULL;
	if (strnlen(text, NP_EXPR_TEXT + 1) > NP_EXPR_TEXT)
		return np_err_set(err, -EINVAL, "expression: longer than %d bytes", NP_EXPR_TEXT);
	p.expr = calloc(1, sizeof(*p.expr));
	if (!p.expr)
		return np_err_set(err, -ENOMEM, "expression: out of memory");
	root = np_expr_or(&p);
	if (root && *np_expr_skip(&p))
		root = np_expr_fail(&p, p.pos, "&&, || or the end is missing");
	if (root && !is_condition(&p, root))
		root = NULL;
	if (root && check && !root->agg)
		root = np_expr_fail(&p, text, "it looks at nothing, as 'p99(rtt) < 5ms' would");
	if (!root) {
		np_expr_free(p.expr);
		return p.code;
	}
	p.expr->root = root;
	*out = p.expr;
	return 0;
}

int np_expr_compile(struct np_expr **out, const char *text, struct np_err *err)
{
	return compile(out, text, false, err);
}

int np_expr_compile_check(struct np_expr **out, const char *text, struct np_err *err)
{
	return compile(out, text, true, err);
}

void np_expr_free(struct np_expr *expr)
{
	struct np_expr_node *node, *next;

	if (!expr)
		return;
	for (node = expr->all; node; node = next) {
		next = node->next;
		if (node->regex)
			regfree(node->regex);
		free(node->regex);
		free(node->str);
		free(node);
	}
	free(expr);
}
