/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Expressions over columns: 'rtt > 10ms && retrans > 0', 'comm =~ "^ng" || rport == 443'. Compiled
 * once, evaluated on rows; np_expr owns its tree, freed with np_expr_free(). The text is untrusted.
 *
 *   or   := and { ("||" | "or") and }
 *   and  := not { ("&&" | "and") not }
 *   not  := ("!" | "not") not | cmp
 *   cmp  := sum [ ("==" | "=" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~") sum ]
 *   sum  := mul { ("+" | "-") mul }
 *   mul  := atom { ("*" | "/") atom }
 *   atom := number[unit] | "string" | 'string' | column | "true" | "false" | "(" or ")" | "-" atom
 *
 * A number takes units of its own: ns us ms s m h d (a duration: seconds inside), B K M G T,
 * KiB MiB GiB TiB, kB KB MB GB TB (bytes; as np_parse_size(): K alone is KiB, 1024), bit kbit Mbit
 * Gbit (powers of 1000, bytes inside), % (as it is). A bare number takes the unit of the other
 * side: of a time-like column, seconds. A time against a size is an error.
 *
 * In a string a backslash means something only before the quote; the rest is the pattern's.
 *
 * A bare word that is no column is an error with the nearest name, except right of a text or
 * address column and == != =~ !~, where it is a string up to the next space, parenthesis, comma or
 * sign of comparison or logic ('state == established', 'unit == nginx.service').
 *
 * An address column compares with an address or a prefix ('raddr == 10.0.0.0/8'), a column of
 * address and port with those and a port besides ('remote == 10.0.0.1:443').
 *
 * Unknown values ("-") and mixed ones make a comparison false, and its negation as well.
 */
#ifndef NP_EXPR_H
#define NP_EXPR_H

#include <stdbool.h>

#include "base/err.h"
#include "view/col.h"

struct np_expr;

/* 0, or -EINVAL with one sentence that shows where ("at 'xyz'"), or -ENOMEM. */
int np_expr_compile(struct np_expr **out, const char *text, struct np_err *err);
void np_expr_free(struct np_expr *expr);
/* The truth of the whole expression for ROW. */
bool np_expr_true(const struct np_expr *expr, const struct np_row *row,
		  const struct np_colctx *ctx);
/*
 * The same for only those of its parts joined by && at the top that use identity columns alone
 * (NP_AGG_SAME: they choose connections, before grouping), or only the others (they choose the rows
 * shown). A part without any column counts as identity.
 */
bool np_expr_members(const struct np_expr *expr, const struct np_row *row,
		     const struct np_colctx *ctx);
bool np_expr_rows(const struct np_expr *expr, const struct np_row *row,
		  const struct np_colctx *ctx);
/* NP_NEED_* of all columns in it. */
unsigned int np_expr_needs(const struct np_expr *expr);
/* Whether one of them is of the last interval: a rate, opened, ended, retrans_pct. */
bool np_expr_interval(const struct np_expr *expr);
/*
 * 1 << enum np_row_event of the events that it looks for by name ('event == "drop"', 'event =~
 * "^rst"'). A pattern is for those of MAY alone, unless it matches only others.
 */
uint32_t np_expr_events(const struct np_expr *expr, uint32_t may);
/* A column in it that no packet tells; NULL: there is none. */
const struct np_col *np_expr_host(const struct np_expr *expr);
/* Of NP_COL_KINDS: the rows on which every one of its columns exists. */
unsigned int np_expr_kind(const struct np_expr *expr);

#endif
