// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "view/expr_tree.h"

struct np_expr_node *np_expr_fail(struct np_expr_parser *p, const char *at, const char *what, ...)
{
	struct np_buf rest = { 0 };
	size_t len = strnlen(at, 24);
	char msg[352]; /* the longest help of a column with names, and what is around it */
	va_list ap;

	va_start(ap, what);
	vsnprintf(msg, sizeof(msg), what, ap);
	va_end(ap);
	np_str_escape(&rest, at, len, false);
	if (len)
		p->code = np_err_set(p->err, -EINVAL, "expression: %s, at '%s%s' (character %zu)",
				     msg, np_buf_cstr(&rest), at[len] ? "..." : "",
				     (size_t)(at - p->text) + 1);
	else
		p->code = np_err_set(p->err, -EINVAL, "expression: %s, at its end", msg);
	np_buf_free(&rest);
	return NULL;
}

struct np_expr_node *np_expr_no_memory(struct np_expr_parser *p)
{
	p->code = np_err_set(p->err, -ENOMEM, "expression: out of memory");
	return NULL;
}

struct np_expr_node *np_expr_node_new(struct np_expr_parser *p, enum np_expr_op op, const char *at)
{
	struct np_expr_node *node;

	if (p->expr->count >= NP_EXPR_NODES)
		return np_expr_fail(p, at, "more than %d parts", NP_EXPR_NODES);
	node = calloc(1, sizeof(*node));
	if (!node)
		return np_expr_no_memory(p);
	node->op = op;
	node->identity = true;
	node->at = at;
	node->next = p->expr->all;
	p->expr->all = node;
	p->expr->count++;
	return node;
}

struct np_expr_node *np_expr_unary(struct np_expr_parser *p, enum np_expr_op op, const char *at,
				   struct np_expr_node *left)
{
	struct np_expr_node *node = left ? np_expr_node_new(p, op, at) : NULL;

	if (!node)
		return NULL;
	node->left = left;
	node->kind = left->kind;
	node->dim = left->dim;
	node->identity = left->identity;
	node->agg = left->agg;
	node->base = left->base;
	node->rate = left->rate;
	return node;
}

struct np_expr_node *np_expr_binary(struct np_expr_parser *p, enum np_expr_op op,
				    struct np_expr_node *left, struct np_expr_node *right)
{
	struct np_expr_node *node = right ? np_expr_unary(p, op, left->at, left) : NULL;

	if (!node)
		return NULL;
	node->right = right;
	node->identity = left->identity && right->identity;
	node->agg = left->agg || right->agg;
	node->base = left->base || right->base;
	node->rate = left->rate || right->rate;
	return node;
}

/* ---- words and signs ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool np_expr_is_word(char c)
{
	return is_letter(c) || is_digit(c);
}

const char *np_expr_skip(struct np_expr_parser *p)
{
	p->pos += strspn(p->pos, " \t\r\n");
	return p->pos;
}

bool np_expr_eat(struct np_expr_parser *p, const char *sign)
{
	size_t len = strlen(sign);

	np_expr_skip(p);
	if (strncmp(p->pos, sign, len) != 0)
		return false;
	/* a word ends where its letters do */
	if (is_letter(sign[0]) && (is_letter(p->pos[len]) || is_digit(p->pos[len])))
		return false;
	p->pos += len;
	return true;
}

/* LEN bytes of the text as a string of WORD (NP_EXPR_STRING + 1 bytes). */
bool np_expr_take(struct np_expr_parser *p, size_t len, char *word)
{
	if (len > NP_EXPR_STRING) {
		np_expr_fail(p, p->pos, "a word or number of more than %d bytes", NP_EXPR_STRING);
		return false;
	}
	memcpy(word, p->pos, len);
	word[len] = '\0';
	p->pos += len;
	return true;
}

/* ---- atoms ---- */

struct np_expr_node *np_expr_string(struct np_expr_parser *p, const char *at, const char *str)
{
	struct np_expr_node *node = np_expr_node_new(p, NP_OP_STR, at);

	if (!node)
		return NULL;
	node->kind = NP_KIND_STR;
	node->str = strdup(str);
	return node->str ? node : np_expr_no_memory(p);
}

/* A backslash means something only before the quote, so that patterns need no doubling. */
struct np_expr_node *np_expr_quoted(struct np_expr_parser *p)
{
	const char *at = p->pos;
	char str[NP_EXPR_STRING + 1], quote = *at;
	size_t len = 0;

	for (p->pos++; *p->pos != quote; p->pos++) {
		if (p->pos[0] == '\\' && p->pos[1] == quote)
			p->pos++;
		if (!*p->pos)
			return np_expr_fail(p, at, "a string without its closing %c", quote);
		if (len == NP_EXPR_STRING)
			return np_expr_fail(p, at, "a string of more than %d bytes",
					    NP_EXPR_STRING);
		str[len++] = *p->pos;
	}
	p->pos++;
	str[len] = '\0';
	return np_expr_string(p, at, str);
}

struct np_expr_node *np_expr_column(struct np_expr_parser *p, const char *at,
				    const struct np_col *col)
{
	struct np_expr_node *node;

	if (p->check && !p->inside)
		return np_expr_total(p, at, col);
	node = np_expr_node_new(p, NP_OP_COL, at);
	if (node)
		np_expr_leaf_col(node, col);
	return node;
}

static struct np_expr_node *no_column(struct np_expr_parser *p, const char *at, const char *word)
{
	const char **names, *near;

	if (p->check && np_expr_has_samples(word))
		return np_expr_fail(p, at, "only its samples are known: take p99(%s), max(%s)",
				    word, word);
	names = calloc(np_ncols + 1, sizeof(*names));
	if (!names)
		return np_expr_no_memory(p);
	for (size_t i = 0; i < np_ncols; i++)
		names[i] = np_cols[i].name;
	near = np_str_nearest(word, names);
	free(names);
	if (near)
		return np_expr_fail(p, at, "no column is called '%.40s', did you mean '%s'?", word,
				    near);
	return np_expr_fail(p, at, "no column is called '%.40s'", word);
}

/* Letters and digits; in the name of a quantile a point as well: p99.9 */
static size_t word_length(const char *at)
{
	size_t len = 0, digits;

	while (np_expr_is_word(at[len]))
		len++;
	digits = *at == 'p' ? strspn(at + 1, "0123456789") : 0;
	if (digits && digits + 1 == len && at[len] == '.')
		len += 1 + strspn(at + len + 1, "0123456789");
	return len;
}

static struct np_expr_node *parse_truth(struct np_expr_parser *p, const char *at, bool truth)
{
	struct np_expr_node *node = np_expr_node_new(p, NP_OP_BOOL, at);

	if (node) {
		node->kind = NP_KIND_BOOL;
		node->truth = truth;
	}
	return node;
}

static struct np_expr_node *parse_word(struct np_expr_parser *p)
{
	const char *at = p->pos;
	char word[NP_EXPR_STRING + 1];
	const struct np_col *col;
	bool truth = np_expr_eat(p, "true");
	enum np_agg_fn fn;
	double q;

	if (truth || np_expr_eat(p, "false"))
		return parse_truth(p, at, truth);
	if (!np_expr_take(p, word_length(at), word))
		return NULL;
	if (*np_expr_skip(p) == '(') {
		if (np_expr_is_fn(word, &fn, &q))
			return np_expr_call(p, at, fn, q);
		return np_expr_fail(p, at,
				    "nothing is called '%.40s(': there are count, sum, min, max, "
				    "mean and p0 to p100",
				    word);
	}
	if (!strcmp(word, "baseline"))
		return np_expr_baseline(p, at);
	col = np_col_find(word);
	return col ? np_expr_column(p, at, col) : no_column(p, at, word);
}

static struct np_expr_node *parse_number(struct np_expr_parser *p)
{
	const char *at = p->pos;
	char word[NP_EXPR_STRING + 1];
	size_t len = 0;
	struct np_expr_node *node;
	int err;

	while (is_letter(at[len]) || is_digit(at[len]) || at[len] == '.' || at[len] == '%')
		len++;
	if (!np_expr_take(p, len, word))
		return NULL;
	node = np_expr_node_new(p, NP_OP_NUM, at);
	if (!node)
		return NULL;
	err = np_expr_leaf_number(node, word);
	if (err == -ERANGE)
		return np_expr_fail(p, at, "the number is too large");
	if (err)
		return np_expr_fail(
		    p, at,
		    "no number with a unit of ns us ms s m h d, B K M G T kB MB KiB "
		    "MiB, kbit Mbit Gbit or %%");
	return node;
}

struct np_expr_node *np_expr_atom(struct np_expr_parser *p)
{
	const char *at = np_expr_skip(p);
	struct np_expr_node *node = NULL;

	if (is_digit(*at))
		return parse_number(p);
	if (*at == '"' || *at == '\'')
		return np_expr_quoted(p);
	if (is_letter(*at))
		return parse_word(p);
	if (*at != '(' && *at != '-')
		return np_expr_fail(p, at, "a column, number or string is missing");
	if (++p->depth > NP_EXPR_DEPTH)
		return np_expr_fail(p, at, "nested too deeply");
	p->pos++;
	if (*at == '-') {
		node = np_expr_atom(p);
		if (node && node->kind != NP_KIND_NUM)
			return np_expr_fail(p, at, "only a number has a negative");
		node = np_expr_unary(p, NP_OP_NEG, at, node);
	} else {
		node = np_expr_or(p);
		if (node && !np_expr_eat(p, ")"))
			return np_expr_fail(p, at, "a parenthesis without its closing one");
		if (node)
			node->at = at;
	}
	p->depth--;
	return node;
}
