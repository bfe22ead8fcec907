// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sink/format.h"

static void add_whole(struct np_buf *out, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	np_buf_add(out, digits + at, sizeof(digits) - at);
}

/* Up to six decimals, no trailing zeros. From integers: printf's %f follows the locale. */
void np_format_decimal(struct np_buf *out, double num)
{
	char digits[24];
	uint64_t micro;
	int len;

	if (num < 0) {
		np_buf_chr(out, '-');
		num = -num;
	}
	if (num >= 1e12) { /* millionths of it would not fit, nor mean anything */
		np_buf_printf(out, "%.0f", num);
		return;
	}
	micro = (uint64_t)llround(num * 1e6);
	len = snprintf(digits, sizeof(digits), "%" PRIu64 ".%06" PRIu64, micro / 1000000,
		       micro % 1000000);
	while (digits[len - 1] == '0')
		len--;
	if (digits[len - 1] == '.')
		len--;
	np_buf_add(out, digits, (size_t)len);
}

/* For programs: base units, nothing rounded that is a whole number. */
static void add_raw(struct np_buf *out, const struct np_value *val)
{
	if (val->whole)
		add_whole(out, val->integer);
	else
		np_format_decimal(out, val->num);
}

/* What cannot be told: nothing was read, or a number that is none. */
static bool is_unknown(const struct np_value *val)
{
	return val->kind == NP_VAL_NONE || (val->kind == NP_VAL_NUM && !isfinite(val->num));
}

static void text_scaled(struct np_buf *out, const struct np_col *col, const struct np_value *val,
			const struct np_format *fmt)
{
	bool bits = fmt->units == NP_UNITS_BITS && !strcmp(col->unit, "B/s");
	bool bytes = *col->unit == 'B';
	char buf[24];

	if (fmt->units == NP_UNITS_RAW) {
		add_raw(out, val);
		return;
	}
	/* packets come in thousands, as bits do; only bytes in powers of two */
	np_buf_str(
	    out, np_str_scaled(buf, bits ? val->num * 8 : val->num, bytes && !bits ? 1024 : 1000));
}

static void text_percent(struct np_buf *out, double percent)
{
	uint64_t tenths = percent > 0 && percent < 1e12 ? (uint64_t)llround(percent * 10) : 0;

	if (tenths == 0)
		np_buf_str(out, percent > 0 ? "<0.1" : "0");
	else if (tenths % 10 == 0 && tenths >= 1000)
		add_whole(out, tenths / 10);
	else
		np_buf_printf(out, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

/* +12.5%, -100%, +1230%: with its sign, and no more digits than one can use. */
static void text_difference(struct np_buf *out, double percent)
{
	double size = percent < 0 ? -percent : percent;
	uint64_t tenths = size < 1e12 ? (uint64_t)llround(size * 10) : 10000000000000ULL;

	if (tenths)
		np_buf_chr(out, percent < 0 ? '-' : '+');
	add_whole(out, tenths >= 1000 ? (tenths + 5) / 10 : tenths / 10);
	if (tenths < 1000 && tenths)
		np_buf_printf(out, ".%" PRIu64, tenths % 10);
	np_buf_chr(out, '%');
}

static void text_duration(struct np_buf *out, double seconds)
{
	char buf[24];

	np_buf_str(out, np_str_duration(buf, seconds > 0 ? (uint64_t)llround(seconds * 1e9) : 0));
}

static void text_latency(struct np_buf *out, double seconds)
{
	char buf[24];

	np_buf_str(out, np_str_latency(buf, seconds > 0 ? (uint64_t)llround(seconds * 1e6) : 0));
}

static void text_number(struct np_buf *out, const struct np_col *col, const struct np_row *row,
			const struct np_value *val, const struct np_format *fmt)
{
	switch (col->type) {
	case NP_TYPE_BYTES:
	case NP_TYPE_FLOAT:
		text_scaled(out, col, val, fmt);
		break;
	case NP_TYPE_DIFF:
		text_difference(out, val->num);
		break;
	case NP_TYPE_PERCENT:
		text_percent(out, val->num);
		break;
	case NP_TYPE_AGE:
		/* no member can be older than one that the program did not see open */
		if (row->flags & NP_ROW_OLD)
			np_buf_str(out, ">=");
		text_duration(out, val->num);
		break;
	default:
		if (col->flags & NP_COL_RATE)
			text_scaled(out, col, val, fmt);
		else if (col->type == NP_TYPE_QUANTILE && *col->unit)
			text_latency(out, val->num);
		else if (!strcmp(col->unit, "s"))
			text_duration(out, val->num);
		else
			add_raw(out, val);
		break;
	}
}

void np_format_text(struct np_buf *out, const struct np_col *col, const struct np_row *row,
		    const struct np_colctx *ctx, const struct np_format *fmt)
{
	struct np_value val;
	size_t len;

	np_col_read(col, row, ctx, &val);
	if (is_unknown(&val)) {
		np_buf_chr(out, '-');
		return;
	}
	switch (val.kind) {
	case NP_VAL_NUM:
		text_number(out, col, row, &val, fmt);
		break;
	case NP_VAL_BOOL:
		np_buf_str(out, val.num != 0 ? "yes" : "no");
		break;
	case NP_VAL_STR:
		len = strlen(val.str);
		/* the time of day out of 2006-01-02T15:04:05.678Z: the date is in no doubt here */
		if (col->type == NP_TYPE_TIME && len >= 19)
			/* events follow each other closely */
			np_buf_add(out, val.str + 11,
				   len >= 23 && (row->flags & NP_ROW_EVENT) ? 12 : 8);
		else
			np_str_escape(out, val.str, len, fmt->utf8);
		break;
	default:
		np_buf_chr(out, '*');
		break;
	}
}

/* `age` is a plain number here: a lower bound for connections older than the program. */
void np_format_json(struct np_buf *out, const struct np_col *col, const struct np_row *row,
		    const struct np_colctx *ctx)
{
	struct np_value val;

	np_col_read(col, row, ctx, &val);
	if (is_unknown(&val) || val.kind == NP_VAL_MIXED)
		np_buf_str(out, "null");
	else if (val.kind == NP_VAL_NUM)
		add_raw(out, &val);
	else if (val.kind == NP_VAL_BOOL)
		np_buf_str(out, val.num != 0 ? "true" : "false");
	else
		np_str_json(out, val.str, strlen(val.str));
}

void np_format_csv(struct np_buf *out, const struct np_col *col, const struct np_row *row,
		   const struct np_colctx *ctx)
{
	struct np_value val;

	np_col_read(col, row, ctx, &val);
	if (is_unknown(&val) || val.kind == NP_VAL_MIXED)
		return;
	if (val.kind == NP_VAL_NUM)
		add_raw(out, &val);
	else if (val.kind == NP_VAL_BOOL)
		np_buf_str(out, val.num != 0 ? "true" : "false");
	else
		np_str_csv(out, val.str, strlen(val.str));
}

bool np_format_right(const struct np_col *col)
{
	switch (col->type) {
	case NP_TYPE_COUNT:
	case NP_TYPE_BYTES:
	case NP_TYPE_USEC:
	case NP_TYPE_AGE:
	case NP_TYPE_FLOAT:
	case NP_TYPE_PERCENT:
	case NP_TYPE_ID:
	case NP_TYPE_PORT:
	case NP_TYPE_SPAN:
	case NP_TYPE_QUANTILE:
	case NP_TYPE_DIFF:
		return true;
	default:
		return false;
	}
}
