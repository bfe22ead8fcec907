// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/hist.h"
#include "base/str.h"
#include "flow/detail.h"
#include "sink/baseline.h"

/* JSON's whole numbers end there for most readers, jansson among them. */
static void whole(struct np_buf *out, uint64_t n)
{
	np_buf_printf(out, "%" PRIu64, n < INT64_MAX ? n : INT64_MAX);
}

static void text(struct np_buf *out, const char *key, const char *value)
{
	np_buf_printf(out, "\"%s\":", key);
	np_str_json(out, value, strlen(value));
	np_buf_str(out, ",\n");
}

/* Bytes that are no UTF-8 have no place in JSON: escaped, and taken back when it is read. */
static void key_text(struct np_buf *out, const char *raw)
{
	struct np_buf escaped = { 0 };

	np_str_escape(&escaped, raw, strlen(raw), true);
	np_str_json(out, np_buf_cstr(&escaped), escaped.len);
	out->oom |= escaped.oom;
	np_buf_free(&escaped);
}

static void key(struct np_buf *out, const struct np_view *view, const struct np_row *row)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	struct np_value val;

	np_buf_str(out, "\"key\":[");
	for (size_t i = 0; i < cfg->nby; i++) {
		if (i)
			np_buf_chr(out, ',');
		np_col_read(cfg->by[i], row, np_view_ctx(view), &val);
		if (val.kind == NP_VAL_STR)
			key_text(out, val.str);
		else if (val.kind == NP_VAL_NUM && val.whole)
			np_buf_printf(out, "\"%" PRIu64 "\"", val.integer);
		else
			np_buf_str(out, "null");
	}
	np_buf_str(out, "],");
}

static uint64_t field(const struct np_group_row *g, const struct np_baseline_field *f)
{
	uint64_t n = 0;
	uint32_t small;

	if (f->from_size == sizeof(n)) {
		memcpy(&n, (const char *)g + f->from, sizeof(n));
		return n;
	}
	memcpy(&small, (const char *)g + f->from, sizeof(small));
	return small;
}

static void histogram(struct np_buf *out, const char *name, const struct np_hist *h)
{
	const char *before = "";

	np_buf_printf(out, ",\"%s\":{\"count\":", name);
	whole(out, h->count);
	np_buf_str(out, ",\"sum\":");
	whole(out, h->sum);
	np_buf_printf(out, ",\"min\":%" PRIu32 ",\"max\":%" PRIu32 ",\"discarded\":", h->min,
		      h->max);
	whole(out, h->discarded);
	np_buf_str(out, ",\"buckets\":[");
	for (unsigned int i = 0; i < h->n; i++) {
		if (!h->buckets[i])
			continue;
		np_buf_printf(out, "%s%u,%" PRIu32, before, h->first + i, h->buckets[i]);
		before = ",";
	}
	np_buf_str(out, "]}");
}

/* What only packets tell; np_baseline_flags says that there were some. */
static void packets(struct np_buf *out, const struct np_row *row)
{
	uint64_t n;

	if (!(row->flags & NP_ROW_PACKETS) || !row->detail)
		return;
	for (size_t i = 0; i < sizeof(np_baseline_packets) / sizeof(np_baseline_packets[0]); i++) {
		memcpy(&n, (const char *)&row->detail->seen + np_baseline_packets[i].at, sizeof(n));
		if (!n)
			continue;
		np_buf_printf(out, "\"%s\":", np_baseline_packets[i].name);
		whole(out, n);
		np_buf_chr(out, ',');
	}
}

/* A point in time means nothing to another run. */
static void age(struct np_buf *out, const struct np_row *row, uint64_t now_ns)
{
	if (!row->first_ns || now_ns < row->first_ns)
		return;
	np_buf_str(out, "\"age_ns\":");
	whole(out, now_ns - row->first_ns);
	np_buf_chr(out, ',');
}

/* What is 0 is left out; `events` stands always, so that no comma is left over. */
static void numbers(struct np_buf *out, const struct np_view *view, const struct np_row *row)
{
	const struct np_group_row *g = (const struct np_group_row *)row;

	for (size_t i = 0; i < sizeof(np_baseline_flags) / sizeof(np_baseline_flags[0]); i++)
		if (g->row.flags & np_baseline_flags[i].flag)
			np_buf_printf(out, "\"%s\":1,", np_baseline_flags[i].name);
	for (size_t i = 0; i < np_baseline_nfields; i++) {
		const struct np_baseline_field *f = &np_baseline_fields[i];
		uint64_t n = field(g, f);

		if (!n || f->to == offsetof(struct np_group_row, row.events))
			continue;
		np_buf_printf(out, "\"%s\":", f->name);
		/* most room there is in what reads it */
		whole(out, f->to_size == sizeof(n) || n < UINT32_MAX ? n : UINT32_MAX);
		np_buf_chr(out, ',');
	}
	packets(out, row);
	age(out, row, np_view_ctx(view)->now_ns);
	np_buf_printf(out, "\"events\":%" PRIu32, g->row.events);
	for (int i = 0; g->row.detail && i < NP_HIST_KINDS; i++)
		if (g->row.detail->hist[i] && g->row.detail->hist[i]->count)
			histogram(out, np_hist_names[i], g->row.detail->hist[i]);
}

static void head(struct np_buf *out, const struct np_baseline_info *info,
		 const struct np_view *view, const struct np_view *conns)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);

	np_buf_printf(out, "{\n\"netprobe_baseline\":%d,\n", NP_BASELINE_VERSION);
	text(out, "tool", info->tool);
	text(out, "mode", info->mode);
	text(out, "version", info->version);
	text(out, "host", info->host);
	text(out, "when", info->when);
	text(out, "filter", info->filter);
	text(out, "where", info->where);
	np_buf_printf(out, "\"rows\":\"%s\",\n\"by\":\"",
		      cfg->kind == NP_COL_IFACE   ? "interface"
		      : cfg->kind == NP_COL_EVENT ? "event"
						  : "connection");
	for (size_t i = 0; i < cfg->nby; i++)
		np_buf_printf(out, "%s%s", i ? "," : "", cfg->by[i]->name);
	np_buf_str(out, "\",\n\"interval_ns\":");
	whole(out, info->interval_ns);
	np_buf_str(out, ",\n\"duration_ns\":");
	whole(out, np_view_ctx(view)->run_ns);
	np_buf_printf(out, ",\n\"sample\":%" PRIu32 ",\n\"total\":{",
		      cfg->sample ? cfg->sample : 1);
	numbers(out, view, np_view_total(view));
	if (conns) {
		np_buf_str(out, "},\n\"connections\":{");
		numbers(out, conns, np_view_total(conns));
	}
	np_buf_str(out, "},\n\"groups\":[");
}

int np_baseline_write(struct np_buf *out, const struct np_baseline_info *info,
		      const struct np_view *view, const struct np_view *conns, struct np_err *err)
{
	const struct np_row *const *rows;
	const char *before = "\n";
	size_t n, kept = 0;

	if (!np_view_cfg(view)->nby)
		return np_err_set(err, -EINVAL, "a baseline is of groups, and there are none");
	rows = np_view_all(view, &n);
	head(out, info, view, conns);
	for (size_t i = 0; i < n && !out->oom; i++) {
		if (rows[i]->flags & NP_ROW_KEPT) /* another run's */
			continue;
		np_buf_printf(out, "%s{", before);
		key(out, view, rows[i]);
		numbers(out, view, rows[i]);
		np_buf_chr(out, '}');
		before = ",\n";
		kept++;
	}
	np_buf_str(out, "\n]\n}\n");
	if (out->oom)
		return np_err_set(err, -ENOMEM, "out of memory for the baseline");
	if (out->len > NP_BASELINE_MAX_BYTES || kept > NP_BASELINE_MAX_ROWS)
		return np_err_set(err, -E2BIG,
				  "%zu groups in %zu bytes are more than a baseline holds; make "
				  "them fewer with --by or a filter",
				  kept, out->len);
	return 0;
}
