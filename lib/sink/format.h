/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A column's value as text: for people (scaled, escaped) or for programs (raw numbers in base
 * units). One function for each, used by every sink. Nothing is owned.
 */
#ifndef NP_FORMAT_H
#define NP_FORMAT_H

#include <stdbool.h>

#include "base/buf.h"
#include "view/col.h"

enum np_units {
	NP_UNITS_BYTES, /* rates in bytes a second, 1024-based: 1.2M */
	NP_UNITS_BITS,  /* rates in bits a second, 1000-based: 9.6M as in 9.6 Mbit/s */
	NP_UNITS_RAW,   /* whole numbers, base units */
};

struct np_format {
	enum np_units units;
	bool utf8; /* what the output can show */
};

/* Appends the value as a person reads it; "-" unknown, "*" differing members. Never a control byte.
 */
void np_format_text(struct np_buf *out, const struct np_col *col, const struct np_row *row,
		    const struct np_colctx *ctx, const struct np_format *fmt);
/* Appends a JSON value; null where unknown or differing. */
void np_format_json(struct np_buf *out, const struct np_col *col, const struct np_row *row,
		    const struct np_colctx *ctx);
/* Appends a CSV field; empty where unknown or differing. */
void np_format_csv(struct np_buf *out, const struct np_col *col, const struct np_row *row,
		   const struct np_colctx *ctx);
/* A number in base units, as JSON and CSV have it: up to six decimals, whatever the locale. */
void np_format_decimal(struct np_buf *out, double num);
/* Numbers stand right-aligned. */
bool np_format_right(const struct np_col *col);

#endif
