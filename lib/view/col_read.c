// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Reading, ordering and hashing a value by its column's type. */
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/hist.h"
#include "base/map.h"
#include "base/str.h"
#include "flow/detail.h"
#include "flow/l7.h"
#include "meta/meta.h"
#include "np_event.h"
#include "view/baseline.h"
#include "view/col.h"

const void *np_col_at(const struct np_col *col, const struct np_row *row)
{
	const void *base = row;

	switch (col->via) {
	case NP_IN_PROC:
		base = row->proc;
		break;
	case NP_IN_CGROUP:
		base = row->cgroup;
		break;
	case NP_IN_DETAIL:
		base = row->detail;
		break;
	case NP_IN_L7:
		base = row->detail ? row->detail->l7 : NULL;
		break;
	default:
		break;
	}
	return base ? (const char *)base + col->off : NULL;
}

static uint64_t whole(const struct np_col *col, const void *at)
{
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (col->size) {
	case 8:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	case 4:
		memcpy(&u32, at, sizeof(u32));
		return u32;
	case 2:
		memcpy(&u16, at, sizeof(u16));
		return u16;
	default:
		return *(const uint8_t *)at;
	}
}

/* PAIR columns of a number: the sum of both fields */
static uint64_t number(const struct np_col *col, const struct np_row *row)
{
	const char *at = np_col_at(col, row);
	uint64_t a, b;

	if (!at)
		return 0;
	if (col->size)
		return whole(col, at);
	at = (const char *)row;
	memcpy(&a, at + col->off, sizeof(a));
	memcpy(&b, at + col->off2, sizeof(b));
	return a + b;
}

static bool is_mixed(const struct np_col *col, const struct np_row *row)
{
	size_t i;

	if (!(row->flags & NP_ROW_GROUP) || col->agg != NP_AGG_SAME)
		return false;
	i = (size_t)(col - np_cols);
	return ((const struct np_group_row *)row)->mixed[i / 64] & (1ULL << (i % 64));
}

/* Columns of the other kind, of TCP on a UDP socket, of bytes that no hook counted. */
static bool meaningless(const struct np_col *col, const struct np_row *row)
{
	uint16_t kind = row->flags & NP_ROW_IFACE    ? NP_COL_IFACE
			: row->flags & NP_ROW_EVENT  ? NP_COL_EVENT
			: row->flags & NP_ROW_LISTEN ? NP_COL_LISTEN
						     : NP_COL_CONN;

	return !(col->flags & kind) ||
	       ((col->flags & NP_COL_PACKETS) && !(row->flags & NP_ROW_PACKETS)) ||
	       ((col->flags & NP_COL_TCP) && (row->flags & NP_ROW_NO_RETR)) ||
	       ((col->flags & NP_COL_NOBYTES) && (row->flags & NP_ROW_NO_BYTES));
}

static void set_num(struct np_value *val, double num)
{
	val->kind = NP_VAL_NUM;
	val->num = num;
	val->whole = false;
}

static void set_whole(struct np_value *val, uint64_t num)
{
	val->kind = NP_VAL_NUM;
	val->num = (double)num;
	val->integer = num;
	val->whole = true;
}

static void set_str(struct np_value *val, const char *str)
{
	val->kind = str && *str ? NP_VAL_STR : NP_VAL_NONE;
	val->str = str;
}

uint32_t np_col_scale(const struct np_row *row, const struct np_colctx *ctx)
{
	const uint16_t not_sampled = NP_ROW_ONE | NP_ROW_IFACE | NP_ROW_LISTEN;

	return (row->flags & NP_ROW_GROUP) && !(row->flags & not_sampled) && ctx->scale > 1
		   ? ctx->scale
		   : 1;
}

static uint64_t scaled(const struct np_row *row, const struct np_colctx *ctx, uint64_t n)
{
	return __builtin_mul_overflow(n, np_col_scale(row, ctx), &n) ? UINT64_MAX : n;
}

static void read_count(const struct np_col *col, const struct np_row *row,
		       const struct np_colctx *ctx, struct np_value *val)
{
	uint64_t n = number(col, row);

	if (col->agg == NP_AGG_SUM)
		n = scaled(row, ctx, n);

	if (col->flags & NP_COL_RATE) {
		/* whole: nobody wants thirds of a byte */
		set_whole(val,
			  ctx->dt_ns ? (uint64_t)llround((double)n * 1e9 / (double)ctx->dt_ns) : 0);
		return;
	}
	if (col->off == offsetof(struct np_row, start_ns)) {
		if (n)
			set_num(val, (double)n / 1e9);
		return;
	}
	/* the kernel's "no threshold yet", and a uid nobody has */
	if ((col->off == offsetof(struct np_row, ssthresh) && n >= INT32_MAX) ||
	    (col->off == offsetof(struct np_row, uid) && n == UINT32_MAX) ||
	    (col->agg == NP_AGG_MAX && !n))
		return;
	set_whole(val, n);
}

static void read_percent(const struct np_col *col, const struct np_row *row, struct np_value *val)
{
	const char *at = (const char *)row;

	if (col->agg == NP_AGG_RATIO || col->agg == NP_AGG_PART) {
		uint64_t num, den;

		memcpy(&num, at + col->off, sizeof(num));
		memcpy(&den, at + col->off2, sizeof(den));
		if (col->agg == NP_AGG_PART)
			den += num;
		if (den)
			set_num(val, 100.0 * (double)num / (double)den);
	} else {
		float f;

		memcpy(&f, at + col->off, sizeof(f));
		set_num(val, (double)f);
	}
}

static void read_names(const struct np_col *col, const struct np_row *row,
		       const struct np_colctx *ctx, struct np_value *val)
{
	uint32_t id = (uint32_t)number(col, row);

	if (col->via == NP_IN_USER) {
		if (id == UINT32_MAX)
			return;
		if (ctx->meta)
			set_str(val, np_meta_user(ctx->meta, id));
	} else if (id && ctx->meta) {
		set_str(val, np_meta_netns(ctx->meta, id));
	}
	if (val->kind == NP_VAL_NONE && (id || col->via == NP_IN_USER)) {
		snprintf(val->buf, sizeof(val->buf), "%u", id);
		set_str(val, val->buf);
	}
}

static bool no_addr(const uint8_t *addr)
{
	static const uint8_t none[16];
	static const uint8_t none4[16] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(addr, none, 16) || !memcmp(addr, none4, 16);
}

static void read_where(const struct np_col *col, const struct np_row *row, struct np_value *val)
{
	const uint8_t *addr = (const uint8_t *)row + col->off;
	uint16_t port;

	switch (col->type) {
	case NP_TYPE_ADDR:
		set_str(val, np_str_addr(val->buf, addr));
		break;
	case NP_TYPE_ENDPOINT:
		memcpy(&port, (const char *)row + col->off2, sizeof(port));
		set_str(val, no_addr(addr) && !port ? "*" : np_str_endpoint(val->buf, addr, port));
		break;
	default:
		port = (uint16_t)number(col, row);
		if (port)
			set_whole(val, port);
		break;
	}
}

static void read_enum(const struct np_col *col, const struct np_row *row, struct np_value *val)
{
	uint64_t n = number(col, row);

	if (n < col->nnames && col->names[n]) {
		set_str(val, strcmp(col->names[n], "-") ? col->names[n] : "");
	} else if (n != NP_L_ALL) {
		snprintf(val->buf, sizeof(val->buf), "%llu", (unsigned long long)n);
		set_str(val, val->buf);
	}
}

/* Of an event it is its own, else that of the refresh. */
static void read_time(const struct np_row *row, const struct np_colctx *ctx, struct np_value *val)
{
	uint64_t wall = ctx->wall_ns;

	if (!wall)
		return;
	if ((row->flags & NP_ROW_EVENT) && !(row->flags & NP_ROW_GROUP) && row->detail)
		wall += row->detail->ts_ns - ctx->now_ns; /* modulo 2^64: it may be before */
	set_str(val, np_str_time(val->buf, wall));
}

static void read_quantile(const struct np_col *col, const struct np_row *row,
			  const struct np_colctx *ctx, struct np_value *val)
{
	static const double at[] = {
		[NP_STAT_MIN] = 0,    [NP_STAT_P50] = 0.5, [NP_STAT_P90] = 0.9,
		[NP_STAT_P99] = 0.99, [NP_STAT_MAX] = 1,
	};
	const struct np_hist *hist = *(struct np_hist *const *)np_col_at(col, row);

	if (col->bit == NP_STAT_COUNT)
		set_whole(val, hist ? scaled(row, ctx, hist->count) : 0);
	else if (hist && hist->count && col->bit == NP_STAT_MEAN)
		set_num(val, np_hist_mean(hist) / 1e6);
	else if (hist && hist->count)
		set_num(val, np_hist_quantile(hist, at[col->bit]) / 1e6);
}

static void read_row(const struct np_col *col, const struct np_row *row,
		     const struct np_colctx *ctx, struct np_value *val)
{
	const char *at = np_col_at(col, row);
	float f;

	switch (col->type) {
	case NP_TYPE_COUNT:
	case NP_TYPE_BYTES:
		read_count(col, row, ctx, val);
		break;
	case NP_TYPE_USEC:
		if (number(col, row))
			set_num(val, (double)number(col, row) / 1e6);
		break;
	case NP_TYPE_AGE:
		if (number(col, row) && ctx->now_ns >= number(col, row))
			set_num(val, (double)(ctx->now_ns - number(col, row)) / 1e9);
		break;
	case NP_TYPE_FLOAT:
		memcpy(&f, at, sizeof(f));
		set_whole(val, f > 0 ? scaled(row, ctx, (uint64_t)llround((double)f)) : 0);
		break;
	case NP_TYPE_PERCENT:
		read_percent(col, row, val);
		break;
	case NP_TYPE_ID:
		if (number(col, row))
			set_whole(val, number(col, row));
		break;
	case NP_TYPE_TIME:
		read_time(row, ctx, val);
		break;
	case NP_TYPE_COMM:
		set_str(val, at);
		break;
	case NP_TYPE_DIFF: /* done before */
		break;
	case NP_TYPE_SAMPLE:
		snprintf(val->buf, sizeof(val->buf), "1/%u", ctx->scale ? ctx->scale : 1);
		set_str(val, val->buf);
		break;
	case NP_TYPE_STR:
		read_names(col, row, ctx, val);
		break;
	case NP_TYPE_ADDR:
	case NP_TYPE_PORT:
	case NP_TYPE_ENDPOINT:
		read_where(col, row, val);
		break;
	case NP_TYPE_ENUM:
		read_enum(col, row, val);
		break;
	case NP_TYPE_FLAG:
		val->kind = NP_VAL_BOOL;
		val->num = row->flags >> col->bit & 1;
		break;
	case NP_TYPE_YES:
		val->kind = NP_VAL_BOOL;
		val->num = number(col, row) != 0;
		break;
	case NP_TYPE_SPAN:
		if (number(col, row))
			set_num(val, (double)number(col, row) / 1e9);
		break;
	case NP_TYPE_QUANTILE:
		read_quantile(col, row, ctx, val);
		break;
	}
}

/* The field is a pointer to the text, not a number that has a name. */
static bool points_to_text(const struct np_col *col)
{
	return col->type == NP_TYPE_STR &&
	       (col->via == NP_IN_PROC || col->via == NP_IN_CGROUP || col->via == NP_IN_DETAIL);
}

void np_col_read(const struct np_col *col, const struct np_row *row, const struct np_colctx *ctx,
		 struct np_value *val)
{
	val->kind = NP_VAL_NONE;
	val->str = "";
	val->num = 0;
	val->whole = false;
	if (meaningless(col, row))
		return;
	if (col->type == NP_TYPE_DIFF) {
		np_baseline_diff(col, row, ctx, val);
		return;
	}
	if ((row->flags & NP_ROW_KEPT) && (row->flags & NP_ROW_GROUP) && col->agg == NP_AGG_SAME &&
	    col->via != NP_IN_VIEW) {
		np_baseline_key(col, (const struct np_group_row *)row, val);
		return;
	}
	if (is_mixed(col, row)) {
		val->kind = NP_VAL_MIXED;
		return;
	}
	if (!np_col_at(col, row))
		return;
	if (points_to_text(col)) {
		set_str(val, *(const char *const *)np_col_at(col, row));
		return;
	}
	read_row(col, row, ctx, val);
}

/* Addresses by their bytes, endpoints by address and port: the text of a number sorts badly. */
static int cmp_where(const struct np_col *col, const struct np_row *a, const struct np_row *b)
{
	const char *pa = (const char *)a, *pb = (const char *)b;
	int order = memcmp(pa + col->off, pb + col->off, 16);
	uint16_t x, y;

	if (order || col->type == NP_TYPE_ADDR)
		return order;
	memcpy(&x, pa + col->off2, sizeof(x));
	memcpy(&y, pb + col->off2, sizeof(y));
	return (x > y) - (x < y);
}

int np_col_cmp(const struct np_col *col, const struct np_row *a, const struct np_row *b,
	       const struct np_colctx *ctx)
{
	struct np_value x, y;

	np_col_read(col, a, ctx, &x);
	np_col_read(col, b, ctx, &y);
	if (x.kind <= NP_VAL_MIXED || y.kind <= NP_VAL_MIXED)
		return (int)x.kind - (int)y.kind;
	if (col->type == NP_TYPE_ADDR || col->type == NP_TYPE_ENDPOINT)
		return cmp_where(col, a, b);
	if (x.kind == NP_VAL_STR)
		return strcmp(x.str, y.str);
	if (x.whole && y.whole)
		return (x.integer > y.integer) - (x.integer < y.integer);
	return (x.num > y.num) - (x.num < y.num);
}

/* The bytes that make a key, and how many. */
static const void *key_bytes(const struct np_col *col, const struct np_row *row, size_t *len)
{
	const void *at = np_col_at(col, row);

	*len = 0;
	if (!at)
		return "";
	if (points_to_text(col)) {
		const char *str = *(const char *const *)at;

		*len = str ? strlen(str) : 0;
		return str ? str : "";
	}
	switch (col->type) {
	case NP_TYPE_COMM:
		*len = strnlen(at, col->size);
		break;
	case NP_TYPE_ADDR:
	case NP_TYPE_ENDPOINT:
		*len = 16;
		break;
	case NP_TYPE_FLAG: /* one bit of a field: np_col_same() looks at it */
		break;
	default:
		*len = col->size;
		break;
	}
	return at;
}

bool np_col_same(const struct np_col *col, const struct np_row *a, const struct np_row *b)
{
	size_t la, lb;
	const void *ka, *kb;

	/* the other flags of a group differ from its members' */
	if (col->type == NP_TYPE_FLAG)
		return !((a->flags ^ b->flags) >> col->bit & 1);
	/* most members of a group share the very process and cgroup */
	if ((col->via == NP_IN_PROC && a->proc == b->proc) ||
	    (col->via == NP_IN_CGROUP && a->cgroup == b->cgroup))
		return true;
	if ((col->via == NP_IN_ROW || col->via == NP_IN_DETAIL) && col->size &&
	    col->type != NP_TYPE_COMM && col->type != NP_TYPE_ADDR && col->type != NP_TYPE_STR)
		return number(col, a) == number(col, b);
	ka = key_bytes(col, a, &la);
	kb = key_bytes(col, b, &lb);
	if (la != lb || memcmp(ka, kb, la))
		return false;
	return col->type != NP_TYPE_ENDPOINT ||
	       !memcmp((const char *)a + col->off2, (const char *)b + col->off2, 2);
}

uint64_t np_col_hash(const struct np_col *col, const struct np_row *row, uint64_t seed)
{
	size_t len;
	const void *key = key_bytes(col, row, &len);

	seed = np_hash(key, len, seed);
	if (col->type == NP_TYPE_ENDPOINT)
		seed = np_hash((const char *)row + col->off2, 2, seed);
	return seed;
}
