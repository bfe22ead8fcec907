/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The tree behind np_expr, for expr*.c and what judges checks: expr.c reads the grammar,
 * expr_parse.c its atoms, expr_agg.c those of checks, expr_leaf.c their values; expr_eval.c walks.
 * The np_expr owns every node through the list `all`.
 */
#ifndef NP_EXPR_TREE_H
#define NP_EXPR_TREE_H

#include <regex.h>

#include "view/expr.h"

#define NP_EXPR_TEXT   4096 /* bytes of text */
#define NP_EXPR_NODES  512  /* and so the depth of a walk */
#define NP_EXPR_DEPTH  64   /* of nested parentheses, ! and - */
#define NP_EXPR_STRING 255  /* bytes of a string or pattern */

enum np_expr_op {
	NP_OP_OR,
	NP_OP_AND,
	NP_OP_NOT,
	NP_OP_EQ,
	NP_OP_NE,
	NP_OP_LT,
	NP_OP_LE,
	NP_OP_GT,
	NP_OP_GE,
	NP_OP_MATCH,
	NP_OP_NOMATCH,
	NP_OP_ADD,
	NP_OP_SUB,
	NP_OP_MUL,
	NP_OP_DIV,
	NP_OP_NEG,
	NP_OP_COL, /* the leaves from here on */
	NP_OP_NUM,
	NP_OP_STR,
	NP_OP_BOOL,
	NP_OP_ADDR,
	NP_OP_AGG,  /* in checks: of all rows; `left` is looked at on each, or NULL */
	NP_OP_BASE, /* `left`, the other side of its comparison, in the baseline */
};

/* What an AGG tells of the rows. */
enum np_agg_fn {
	NP_FN_COUNT,
	NP_FN_SUM,
	NP_FN_MIN,
	NP_FN_MAX,
	NP_FN_MEAN,
	NP_FN_QUANTILE,
	NP_FN_TOTAL, /* `col` in the total over all */
};

enum np_truth { NP_FALSE, NP_TRUE, NP_UNKNOWN };

struct np_expr_number {
	double num; /* base units */
	uint64_t integer;
	bool whole; /* `integer` is valid */
};

enum np_expr_kind { NP_KIND_NUM, NP_KIND_STR, NP_KIND_BOOL, NP_KIND_ADDR };

/* What a number is of, so that 'rtt > 10MiB' is found at once. */
enum np_expr_dim {
	NP_DIM_ANY, /* a bare number: takes the unit of the other side */
	NP_DIM_COUNT,
	NP_DIM_TIME,
	NP_DIM_BYTES,
	NP_DIM_PERCENT,
};

struct np_expr_node {
	enum np_expr_op op;
	enum np_expr_kind kind;
	enum np_expr_dim dim;
	bool identity;  /* no column in it but NP_AGG_SAME ones */
	bool whole;     /* NUM: `integer` is valid */
	bool truth;     /* BOOL */
	bool agg, base; /* it has an AGG in it, a BASE that has no other side yet */
	bool rate;      /* it has a column a second in it */
	const char *at; /* where it begins in the text, while that is being read */
	struct np_expr_node *left, *right;
	const struct np_col *col; /* COL; AGG: the histogram's or the total's, or NULL */
	double num;               /* NUM: base units, as np_value */
	uint64_t integer;
	char *str;         /* STR; AGG: as it was written */
	uint8_t addr[16];  /* ADDR: IPv4 mapped */
	uint8_t bits;      /* of the 128 that count */
	int32_t port;      /* -1: any */
	regex_t *regex;    /* MATCH, NOMATCH: of the pattern on the right */
	enum np_agg_fn fn; /* AGG, and the rest */
	double q;          /* QUANTILE: 0 to 1 */
	bool samples;      /* of the histogram of `col`, not of rows */
	const char *unit;
	size_t index; /* among the AGGs */
	struct np_expr_node *next;
};

struct np_expr {
	struct np_expr_node *root;
	struct np_expr_node *all;
	size_t count;
	size_t naggs;
	bool wants_base;
};

/* The reader; what fails has set `code` and returns NULL or false. */
struct np_expr_parser {
	const char *text;
	const char *pos;
	struct np_expr *expr;
	struct np_err *err;
	unsigned int depth;
	bool check;  /* AGG and BASE are allowed */
	bool inside; /* of an AGG */
	int code;
};

/* "expression: WHAT, at 'rest of the text' (character N)", escaped. Always NULL. */
struct np_expr_node *np_expr_fail(struct np_expr_parser *p, const char *at, const char *what, ...)
    __attribute__((format(printf, 3, 4)));
struct np_expr_node *np_expr_no_memory(struct np_expr_parser *p);
/* Moves over white space, and over SIGN (a sign, or a word that ends there) where it comes next. */
const char *np_expr_skip(struct np_expr_parser *p);
bool np_expr_eat(struct np_expr_parser *p, const char *sign);
/* The next LEN bytes as WORD, of NP_EXPR_STRING + 1 bytes. */
bool np_expr_take(struct np_expr_parser *p, size_t len, char *word);
/* A letter, or a digit behind one: of words. */
bool np_expr_is_word(char c);
/* Nodes; those over NULL are NULL, so that a failure needs no test at each step. */
struct np_expr_node *np_expr_node_new(struct np_expr_parser *p, enum np_expr_op op, const char *at);
struct np_expr_node *np_expr_unary(struct np_expr_parser *p, enum np_expr_op op, const char *at,
				   struct np_expr_node *left);
struct np_expr_node *np_expr_binary(struct np_expr_parser *p, enum np_expr_op op,
				    struct np_expr_node *left, struct np_expr_node *right);
struct np_expr_node *np_expr_string(struct np_expr_parser *p, const char *at, const char *str);
struct np_expr_node *np_expr_column(struct np_expr_parser *p, const char *at,
				    const struct np_col *col);
struct np_expr_node *np_expr_quoted(struct np_expr_parser *p);
struct np_expr_node *np_expr_atom(struct np_expr_parser *p);
/* The whole grammar, for what stands in parentheses. */
struct np_expr_node *np_expr_or(struct np_expr_parser *p);

/* expr_agg.c. Whether WORD, before a parenthesis, is an aggregate: its FN and Q. */
bool np_expr_is_fn(const char *word, enum np_agg_fn *fn, double *q);
/* Whether it names a time that has histograms. */
bool np_expr_has_samples(const char *word);
/* What stands in its parentheses, and the node of it all. */
struct np_expr_node *np_expr_call(struct np_expr_parser *p, const char *at, enum np_agg_fn fn,
				  double q);
/* A column outside of any aggregate. */
struct np_expr_node *np_expr_total(struct np_expr_parser *p, const char *at,
				   const struct np_col *col);
struct np_expr_node *np_expr_baseline(struct np_expr_parser *p, const char *at);
/* Gives each BASE on one side of a comparison the other one; false where there is none to give. */
bool np_expr_face(struct np_expr_parser *p, struct np_expr_node *left, struct np_expr_node *right);

/* The column that NODE shows. */
void np_expr_leaf_col(struct np_expr_node *node, const struct np_col *col);
/* A number with its unit; 0, -EINVAL or -ERANGE. */
int np_expr_leaf_number(struct np_expr_node *node, const char *text);
/* Makes a string node an address, prefix or endpoint, as COL (an address column) has it; 0 or
 * -EINVAL. */
int np_expr_leaf_addr(struct np_expr_node *node, const struct np_col *col);
/* Whether the names of COL (an ENUM) have a string node; 0, or -EINVAL and the *NEAREST or NULL. */
int np_expr_leaf_enum(const struct np_expr_node *node, const struct np_col *col,
		      const char **nearest);
/* As np_expr_compile(), of a check. */
int np_expr_compile_check(struct np_expr **out, const char *text, struct np_err *err);

/* NODE's number on a row; false where it is not known: a column is not, or a division by 0. */
bool np_expr_number(const struct np_expr_node *node, const struct np_row *row,
		    const struct np_colctx *ctx, struct np_expr_number *out);
enum np_truth np_expr_truth(const struct np_expr_node *node, const struct np_row *row,
			    const struct np_colctx *ctx);
/* What the AGGs of a check came out as; false: not known. */
struct np_expr_aggs {
	bool (*value)(void *ctx, const struct np_expr_node *agg, struct np_expr_number *out);
	void *ctx;
	const struct np_expr_aggs *base; /* of the baseline; NULL: there is none */
};
enum np_truth np_expr_judge(const struct np_expr_node *node, const struct np_expr_aggs *aggs);

/* Compiles PATTERN for NODE; 0, -ENOMEM, or -EINVAL and the reason in WHY. */
int np_expr_leaf_regex(struct np_expr_node *node, const char *pattern, char *why, size_t size);

#endif
