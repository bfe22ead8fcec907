// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "base/str.h"
#include "view/expr_tree.h"

static enum np_expr_dim unit_dim(const char *unit)
{
	if (!strcmp(unit, "s") || !strcmp(unit, "us"))
		return NP_DIM_TIME;
	if (!strcmp(unit, "B") || !strcmp(unit, "B/s"))
		return NP_DIM_BYTES;
	return strcmp(unit, "%") ? NP_DIM_COUNT : NP_DIM_PERCENT;
}

void np_expr_leaf_col(struct np_expr_node *node, const struct np_col *col)
{
	node->col = col;
	node->identity = col->agg == NP_AGG_SAME;
	node->rate = col->flags & NP_COL_RATE;
	node->dim = unit_dim(col->unit);
	switch (col->type) {
	case NP_TYPE_COMM:
	case NP_TYPE_STR:
	case NP_TYPE_ENUM:
	case NP_TYPE_TIME: /* as it is printed */
	case NP_TYPE_SAMPLE:
		node->kind = NP_KIND_STR;
		break;
	case NP_TYPE_ADDR:
	case NP_TYPE_ENDPOINT:
		node->kind = NP_KIND_ADDR;
		break;
	case NP_TYPE_FLAG:
	case NP_TYPE_YES:
		node->kind = NP_KIND_BOOL;
		break;
	default:
		node->kind = NP_KIND_NUM;
	}
}

/* Number without unit; one with a fraction is what np_parse_duration() calls seconds. */
static int bare_number(struct np_expr_node *node, const char *text)
{
	uint64_t n = 0;
	int err = np_parse_u64(text, 0, UINT64_MAX, &n);

	if (!err) {
		node->integer = n;
		node->whole = true;
		node->num = (double)n;
		return 0;
	}
	if (err == -EINVAL && text[strspn(text, "0123456789.")] == '\0') {
		err = np_parse_duration(text, &n);
		node->num = (double)n / 1e9;
	}
	return err;
}

int np_expr_leaf_number(struct np_expr_node *node, const char *text)
{
	size_t len = strlen(text);
	char copy[48];
	uint64_t n = 0;
	int err;

	node->kind = NP_KIND_NUM;
	err = bare_number(node, text);
	if (err != -EINVAL || len >= sizeof(copy))
		return err;
	memcpy(copy, text, len + 1);
	if (text[len - 1] == '%') {
		copy[len - 1] = '\0';
		node->dim = NP_DIM_PERCENT;
		return bare_number(node, copy);
	}
	err = np_parse_duration(text, &n);
	if (err != -EINVAL) {
		node->dim = NP_DIM_TIME;
		node->num = (double)n / 1e9;
		return err;
	}
	node->dim = NP_DIM_BYTES;
	if (len > 3 && !strcmp(text + len - 3, "bit")) {
		snprintf(copy + len - 3, sizeof(copy) - (len - 3), "B");
		err = np_parse_size(copy, &n);
		node->num = (double)n / 8;
		return err;
	}
	err = np_parse_size(text, &n);
	node->num = (double)n;
	node->integer = n;
	node->whole = true;
	return err;
}

/* Takes ":port" off TEXT: behind a bracket, or where the one colon can be no IPv6 address. */
static int cut_port(char *text, int32_t *port)
{
	char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
	uint32_t n = 0;

	if (!colon || (bracket ? colon != bracket + 1 : colon != strchr(text, ':')))
		return 0;
	if (np_parse_u32(colon + 1, 0, UINT16_MAX, &n))
		return -EINVAL;
	*port = (int32_t)n;
	*colon = '\0';
	return 0;
}

int np_expr_leaf_addr(struct np_expr_node *node, const struct np_col *col)
{
	size_t len = strlen(node->str);
	char text[64];

	node->kind = NP_KIND_ADDR;
	if (col->type == NP_TYPE_ENDPOINT && !strcmp(node->str, "*"))
		return 0; /* as the column shows an unconnected socket: compared as text */
	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, node->str, len + 1);
	node->port = -1;
	if (col->type == NP_TYPE_ENDPOINT && cut_port(text, &node->port))
		return -EINVAL;
	if (np_parse_prefix(text, node->addr, &node->bits))
		return -EINVAL;
	node->op = NP_OP_ADDR;
	return 0;
}

int np_expr_leaf_enum(const struct np_expr_node *node, const struct np_col *col,
		      const char **nearest)
{
	const char *names[UINT8_MAX + 1];
	size_t n = 0;

	*nearest = NULL;
	for (size_t i = 0; i < col->nnames; i++)
		if (col->names[i] && strcmp(col->names[i], "-") != 0)
			names[n++] = col->names[i];
	names[n] = NULL;
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(node->str, names[i]) == 0)
			return 0;
	/* a value without a name is shown as its number */
	if (node->str[0] && node->str[strspn(node->str, "0123456789")] == '\0')
		return 0;
	*nearest = np_str_nearest(node->str, names);
	return -EINVAL;
}

/*
 * A pattern of few bytes can cost glibc gigabytes or minutes: + and {n} copy what they repeat, so
 * that nested ones multiply (CVE-2010-4051), and a back-reference makes matching exponential.
 */
static bool is_cheap(const char *pattern)
{
	uint64_t copies = 1;

	for (const char *p = pattern; *p && copies <= 1024; p++) {
		if (*p == '\\') {
			if (p[1] >= '1' && p[1] <= '9')
				return false;
			if (p[1])
				p++;
		} else if (*p == '+') {
			copies *= 2;
		} else if (*p == '{') {
			uint64_t most = 1, n = 0;

			for (p++; (*p >= '0' && *p <= '9') || *p == ','; p++) {
				n = *p == ',' || n > 9999 ? 0 : n * 10 + (uint64_t)(*p - '0');
				most = n > most ? n : most;
			}
			copies *= most + 1;
			p--;
		}
	}
	return copies <= 1024;
}

int np_expr_leaf_regex(struct np_expr_node *node, const char *pattern, char *why, size_t size)
{
	int err;

	if (!is_cheap(pattern)) {
		snprintf(why, size, "too many repetitions, or a back-reference");
		return -EINVAL;
	}
	node->regex = calloc(1, sizeof(*node->regex));
	if (!node->regex)
		return -ENOMEM;
	err = regcomp(node->regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (!err)
		return 0;
	regerror(err, node->regex, why, size);
	free(node->regex); /* regcomp() has freed what is in it */
	node->regex = NULL;
	return err == REG_ESPACE ? -ENOMEM : -EINVAL;
}
