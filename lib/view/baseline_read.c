// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Reading a baseline: nothing in it is believed before it was looked at. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "view/baseline_rows.h"

/* While it is read. */
struct reader {
	struct np_baseline *base;
	const char *name;
	struct np_err *err;
};

#define MAX_BUCKETS (32u * 1024 * 1024)
#define NOW_NS      ((uint64_t)INT64_MAX) /* the end of its run */

static int bad(const struct reader *r, const char *what)
{
	return np_err_set(r->err, -EINVAL,
			  "the baseline '%.128s' is damaged: %s; keep a new one with "
			  "--save-baseline",
			  r->name, what);
}

static int oom(const struct reader *r)
{
	return np_err_set(r->err, -ENOMEM, "out of memory for the baseline '%.128s'", r->name);
}

/* A whole number from 0 to MAX; missing is 0. */
static int number(const struct reader *r, const json_t *obj, const char *key, uint64_t max,
		  uint64_t *out)
{
	const json_t *val = json_object_get(obj, key);
	char what[96];

	*out = 0;
	if (!val)
		return 0;
	if (!json_is_integer(val) || json_integer_value(val) < 0 ||
	    (uint64_t)json_integer_value(val) > max) {
		snprintf(what, sizeof(what), "%.32s is not a whole number from 0 to %" PRIu64, key,
			 max);
		return bad(r, what);
	}
	*out = (uint64_t)json_integer_value(val);
	return 0;
}

/* A text of the head; missing is "". The baseline owns the copy. */
static int text(const struct reader *r, const json_t *obj, const char *key, const char **out)
{
	const json_t *val = json_object_get(obj, key);
	char what[96], *copy;

	*out = "";
	if (!val)
		return 0;
	if (!json_is_string(val) || json_string_length(val) > NP_BASELINE_MAX_TEXT ||
	    strlen(json_string_value(val)) != json_string_length(val)) {
		snprintf(what, sizeof(what), "%.32s is no text of at most %d bytes", key,
			 NP_BASELINE_MAX_TEXT);
		return bad(r, what);
	}
	copy = strdup(json_string_value(val));
	if (!copy)
		return oom(r);
	r->base->texts[r->base->ntexts++] = copy;
	*out = copy;
	return 0;
}

/* ---- histograms ---- */

static int buckets(const struct reader *r, const json_t *list, struct np_buckets *b)
{
	size_t n = json_array_size(list);
	uint64_t sum = 0;
	bool full = false;
	json_int_t last = -1;

	if (!json_is_array(list) || n % 2 || n > (size_t)2 * NP_HIST_BUCKETS)
		return bad(r, "a histogram without its buckets");
	for (size_t i = 0; i < n; i += 2) {
		const json_t *at = json_array_get(list, i), *times = json_array_get(list, i + 1);
		json_int_t bucket = json_integer_value(at), count = json_integer_value(times);

		if (!json_is_integer(at) || !json_is_integer(times) || bucket <= last ||
		    bucket >= NP_HIST_BUCKETS || count < 1 || count > UINT32_MAX)
			return bad(r, "a bucket of a histogram that cannot be");
		b->n[bucket] = (uint32_t)count;
		sum += (uint64_t)count;
		full |= count == UINT32_MAX;
		last = bucket;
	}
	/* a bucket stays at its greatest */
	if (sum > b->count || (sum < b->count && !full))
		return bad(r, "a histogram whose buckets do not add up to its count");
	return 0;
}

static int histogram(const struct reader *r, const json_t *obj, struct np_base_row *row, int kind)
{
	const json_t *h = json_object_get(obj, np_hist_names[kind]);
	struct np_buckets b = { 0 };
	uint64_t min, max, discarded;

	if (!h)
		return 0;
	if (!json_is_object(h))
		return bad(r, "a histogram that is none");
	if (number(r, h, "count", INT64_MAX, (uint64_t *)&b.count) ||
	    number(r, h, "sum", INT64_MAX, (uint64_t *)&b.sum) ||
	    number(r, h, "min", UINT32_MAX, &min) || number(r, h, "max", UINT32_MAX, &max) ||
	    number(r, h, "discarded", INT64_MAX, &discarded) ||
	    buckets(r, json_object_get(h, "buckets"), &b))
		return -EINVAL;
	b.min = (uint32_t)min;
	b.max = (uint32_t)max;
	if (b.count && (!b.min || b.min > b.max || b.sum < b.max))
		return bad(r, "a histogram whose least and greatest cannot be");
	if (np_hist_add_buckets(&row->hists[kind], &b))
		return oom(r);
	row->hists[kind].discarded = discarded;
	row->detail.hist[kind] = &row->hists[kind];
	row->g.row.detail = row->g.own = &row->detail;
	r->base->buckets += row->hists[kind].n;
	return r->base->buckets > MAX_BUCKETS ? bad(r, "more histograms than there can be") : 0;
}

/* ---- rows ---- */

static void put(struct np_group_row *g, size_t at, size_t size, uint64_t n)
{
	uint32_t small = (uint32_t)n;

	if (size == sizeof(n))
		memcpy((char *)g + at, &n, sizeof(n));
	else
		memcpy((char *)g + at, &small, sizeof(small));
}

/* A file without "packets", of another source or an older program, knows none of these. */
static int packets(const struct reader *r, const json_t *obj, struct np_base_row *row)
{
	uint64_t n;

	if (!(row->g.row.flags & NP_ROW_PACKETS))
		return 0;
	for (size_t i = 0; i < sizeof(np_baseline_packets) / sizeof(np_baseline_packets[0]); i++) {
		if (number(r, obj, np_baseline_packets[i].name, INT64_MAX, &n))
			return -EINVAL;
		memcpy((char *)&row->detail.seen + np_baseline_packets[i].at, &n, sizeof(n));
	}
	row->g.row.detail = row->g.own = &row->detail;
	return 0;
}

/* As of NOW_NS, which np_baseline_ctx() says it is for all rows. */
static int age(const struct reader *r, const json_t *obj, struct np_row *row)
{
	uint64_t n;

	if (!json_object_get(obj, "age_ns"))
		return 0;
	if (number(r, obj, "age_ns", NOW_NS - 1, &n))
		return -EINVAL;
	row->first_ns = NOW_NS - n;
	return 0;
}

static int fields(const struct reader *r, const json_t *obj, struct np_base_row *row)
{
	struct np_group_row *g = &row->g;
	uint64_t n;

	for (size_t i = 0; i < np_baseline_nfields; i++) {
		const struct np_baseline_field *f = &np_baseline_fields[i];
		bool small = f->to_size < sizeof(n);

		/* sums above that are nobody's, and two of them still fit */
		if (number(r, obj, f->name, small ? UINT32_MAX : INT64_MAX, &n))
			return -EINVAL;
		put(g, f->to, f->to_size, n);
		if (f->from != f->to)
			put(g, f->from, f->from_size, n);
	}
	for (size_t i = 0; i < sizeof(np_baseline_flags) / sizeof(np_baseline_flags[0]); i++) {
		if (number(r, obj, np_baseline_flags[i].name, 1, &n))
			return -EINVAL;
		if (n)
			g->row.flags |= np_baseline_flags[i].flag;
	}
	g->means[0] = g->row.rtt_us;
	g->means[1] = g->row.rttvar_us;
	return 0;
}

static int fill(const struct reader *r, const json_t *obj, uint16_t kind, struct np_base_row *row)
{
	struct np_group_row *g = &row->g;
	int err;

	if (!json_is_object(obj))
		return bad(r, "a row that is none");
	g->row.flags = NP_ROW_GROUP | NP_ROW_KEPT;
	if (kind == NP_COL_IFACE)
		g->row.flags |= NP_ROW_IFACE;
	else if (kind == NP_COL_EVENT)
		g->row.flags |= NP_ROW_EVENT;
	g->kept = &row->kept;
	g->base = NULL;
	err = fields(r, obj, row);
	if (!err)
		err = packets(r, obj, row);
	if (!err)
		err = age(r, obj, &g->row);
	for (int i = 0; i < NP_HIST_KINDS && !err; i++)
		err = histogram(r, obj, row, i);
	return err;
}

/* The raw bytes behind np_str_escape(); in place. False: there is a NUL in it, or no such escape.
 */
static bool unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		unsigned int byte;

		if (*at != '\\') {
			*to++ = *at;
		} else if (at[1] == '\\') {
			*to++ = *++at;
		} else if (at[1] == 'x' && sscanf(at + 2, "%2x", &byte) == 1 && byte && at[3]) {
			*to++ = (char)byte;
			at += 3;
		} else {
			return false;
		}
	}
	*to = '\0';
	return true;
}

/* Comparisons look at the bytes of an address. */
static bool fill_address(struct np_row *row, const struct np_col *col, const char *key)
{
	return col->type != NP_TYPE_ADDR || !np_parse_addr(key, (uint8_t *)row + col->off);
}

static int key(const struct reader *r, const json_t *obj, struct np_base_row *row)
{
	const json_t *list = json_object_get(obj, "key");
	struct np_baseline *base = r->base;

	if (!json_is_array(list) || json_array_size(list) != base->nby)
		return bad(r, "a row without its key");
	for (; row->kept.nby < base->nby; row->kept.nby++) {
		const json_t *val = json_array_get(list, row->kept.nby);
		const struct np_col *col = base->by[row->kept.nby];
		char *copy;

		row->kept.by[row->kept.nby] = col;
		if (json_is_null(val))
			continue;
		if (!json_is_string(val) || !json_string_length(val) ||
		    json_string_length(val) > NP_BASELINE_MAX_TEXT ||
		    strlen(json_string_value(val)) != json_string_length(val))
			return bad(r, "a key that is no text");
		copy = row->kept.key[row->kept.nby] = strdup(json_string_value(val));
		if (!copy)
			return oom(r);
		if (!unescape(copy) || !fill_address(&row->g.row, col, copy))
			return bad(r, "a key that cannot be");
	}
	return 0;
}

static int add(const struct reader *r, const json_t *obj)
{
	struct np_baseline *base = r->base;
	struct np_base_row *row = base->rows[base->n] = calloc(1, sizeof(*row));
	uint64_t hash;
	int err;

	if (!row)
		return oom(r);
	base->list[base->n++] = &row->g.row;
	err = fill(r, obj, base->kind, row);
	if (!err)
		err = key(r, obj, row);
	if (err)
		return err;
	hash = np_base_hash((const char *const *)row->kept.key, base->nby);
	if (np_base_row(base, (const char *const *)row->kept.key, hash))
		return bad(r, "two rows of one key");
	row->chain = np_map_get(&base->map, hash);
	return np_map_put(&base->map, hash, row) ? oom(r) : 0;
}

static int rows(const struct reader *r, const json_t *root)
{
	const json_t *list = json_object_get(root, "groups");
	struct np_baseline *base = r->base;
	size_t n = json_array_size(list);
	int err = 0;

	if (!json_is_array(list) || n > NP_BASELINE_MAX_ROWS)
		return bad(r, "no list of at most 65536 groups");
	base->rows = calloc(n + 1, sizeof(*base->rows));
	base->list = calloc(n + 1, sizeof(*base->list));
	if (!base->rows || !base->list)
		return oom(r);
	for (size_t i = 0; i < n && !err; i++)
		err = add(r, json_array_get(list, i));
	return err;
}

/* ---- the head ---- */

static int grouping(const struct reader *r, const json_t *root)
{
	static const struct {
		const char *name;
		uint16_t kind;
	} kinds[] = { { "connection", NP_COL_CONN },
		      { "interface", NP_COL_IFACE },
		      { "event", NP_COL_EVENT } };
	const char *rows_of = json_string_value(json_object_get(root, "rows"));
	struct np_baseline *base = r->base;

	for (size_t i = 0; rows_of && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(rows_of, kinds[i].name))
			base->kind = kinds[i].kind;
	if (!base->kind)
		return bad(r, "it does not say of which rows it is");
	if (np_cols_parse(base->info.by, NULL, base->kind, base->by, NP_MAX_BY, &base->nby, NULL))
		return bad(r, "its groups are by columns that there are none of");
	for (size_t i = 0; i < base->nby; i++)
		if (!(base->by[i]->flags & NP_COL_GROUP))
			return bad(r, "its groups are by a column that is no key");
	return 0;
}

static int head(const struct reader *r, const json_t *root)
{
	struct np_baseline_info *info = &r->base->info;
	uint64_t sample;
	int err = text(r, root, "tool", &info->tool);

	if (!err)
		err = text(r, root, "mode", &info->mode);
	if (!err)
		err = text(r, root, "version", &info->version);
	if (!err)
		err = text(r, root, "host", &info->host);
	if (!err)
		err = text(r, root, "when", &info->when);
	if (!err)
		err = text(r, root, "by", &info->by);
	if (!err)
		err = text(r, root, "filter", &info->filter);
	if (!err)
		err = text(r, root, "where", &info->where);
	if (!err)
		err = number(r, root, "interval_ns", INT64_MAX, &info->interval_ns);
	if (!err)
		err = number(r, root, "duration_ns", INT64_MAX, &info->duration_ns);
	if (!err)
		err = number(r, root, "sample", 1000000, &sample);
	if (err)
		return err;
	info->sample = sample ? (uint32_t)sample : 1;
	r->base->ctx = (struct np_colctx){ .dt_ns = info->duration_ns,
					   .now_ns = NOW_NS,
					   .run_ns = info->duration_ns,
					   .scale = info->sample };
	return grouping(r, root);
}

static int read_all(const struct reader *r, const json_t *root)
{
	const json_t *version = json_object_get(root, "netprobe_baseline");
	const json_t *conns = json_object_get(root, "connections");
	struct np_baseline *base = r->base;
	int err;

	if (!json_is_integer(version))
		return np_err_set(r->err, -EINVAL,
				  "'%.128s' is no baseline; --save-baseline FILE makes one",
				  r->name);
	if (json_integer_value(version) != NP_BASELINE_VERSION)
		return np_err_set(r->err, -EINVAL,
				  "the baseline '%.128s' is of version %" JSON_INTEGER_FORMAT
				  ", this program reads version %d; keep a new one with "
				  "--save-baseline",
				  r->name, json_integer_value(version), NP_BASELINE_VERSION);
	err = head(r, root);
	if (!err)
		err = fill(r, json_object_get(root, "total"), base->kind, &base->total);
	if (!err && conns)
		err = fill(r, conns, NP_COL_CONN, &base->conns);
	return err ? err : rows(r, root);
}

int np_baseline_load(struct np_baseline **out, const char *text, size_t len, const char *name,
		     struct np_err *err)
{
	struct reader r = { .name = name, .err = err };
	json_error_t where;
	json_t *root;
	int ret;

	*out = NULL;
	if (len > NP_BASELINE_MAX_BYTES)
		return np_err_set(err, -EINVAL,
				  "'%.128s' is larger than a baseline may be (16 MiB)", name);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return np_err_set(err, -EINVAL,
				  "'%.128s' is no baseline: it is not JSON from line %d on", name,
				  where.line);
	r.base = calloc(1, sizeof(*r.base));
	ret = r.base ? read_all(&r, root) : oom(&r);
	json_decref(root);
	if (ret)
		np_baseline_free(r.base);
	else
		*out = r.base;
	return ret;
}
