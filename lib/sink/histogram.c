// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Histograms: each row's identity, then a bar for each bucket of each kind that is shown. */
#include <inttypes.h>
#include <string.h>

#include "base/hist.h"
#include "base/str.h"
#include "flow/detail.h"
#include "np_hist.h"
#include "sink/internal.h"

#define LINES 32 /* at most, about: neighbouring buckets are joined until they fit */
#define BAR   40 /* cells of the longest bar */

unsigned int np_sink_hists(const struct np_sink *sink)
{
	unsigned int kinds = 0;

	for (size_t i = 0; i < sink->ncols; i++)
		if (sink->cols[i]->type == NP_TYPE_QUANTILE)
			kinds |= 1U << ((sink->cols[i]->off - offsetof(struct np_detail, hist)) /
					sizeof(void *));
	return kinds;
}

/* Which connections: what all of them share, as the table would show it. */
static void identity(struct np_sink *sink, const struct np_row *row, const struct np_colctx *ctx)
{
	struct np_buf *out = &sink->lines;
	const char *before = "";

	for (size_t i = 0; i < sink->ncols; i++) {
		const struct np_col *col = sink->cols[i];
		size_t start = out->len, value;

		if (col->agg != NP_AGG_SAME)
			continue;
		np_buf_printf(out, "%s%s ", before, col->name);
		value = out->len;
		np_format_text(out, col, row, ctx, &sink->cfg.fmt);
		if (out->len == value + 1 && strchr("-*", out->data[value])) {
			out->len = start;
			continue;
		}
		before = "  ";
	}
	np_buf_chr(out, '\n');
}

static void span(struct np_buf *out, uint64_t us)
{
	char text[24];

	np_buf_printf(out, "%7s", np_str_latency(text, us));
}

static void numbers(struct np_buf *out, const char *name, const struct np_hist *hist,
		    uint32_t scale)
{
	static const struct {
		const char *name;
		double q;
	} at[] = { { "min", 0 },    { "p50", 0.5 },     { "p90", 0.9 },
		   { "p99", 0.99 }, { "p99.9", 0.999 }, { "max", 1 } };
	char text[24];

	np_buf_printf(out, "%s: %" PRIu64 " samples, mean %s", name, hist->count * scale,
		      np_str_latency(text, (uint64_t)(np_hist_mean(hist) + 0.5)));
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		np_buf_printf(
		    out, ", %s %s", at[i].name,
		    np_str_latency(text, (uint64_t)(np_hist_quantile(hist, at[i].q) + 0.5)));
	if (hist->discarded)
		np_buf_printf(out, "; %" PRIu64 " too long to be believed",
			      hist->discarded * scale);
	np_buf_chr(out, '\n');
}

static uint64_t joined(const struct np_hist *hist, unsigned int from, unsigned int step)
{
	uint64_t n = 0;

	for (unsigned int b = from; b < from + step; b++)
		if (b >= hist->first && b < (unsigned int)hist->first + hist->n)
			n += hist->buckets[b - hist->first];
	return n;
}

static void bars(struct np_buf *out, const struct np_hist *hist, uint32_t scale)
{
	unsigned int first = np_hist_bucket(hist->min), last = np_hist_bucket(hist->max), step = 1;
	uint64_t most = 1;

	while ((last - first) / step >= LINES && step < NP_HIST_SUB)
		step *= 2;
	first -= first % step;
	for (unsigned int b = first; b <= last; b += step)
		if (joined(hist, b, step) > most)
			most = joined(hist, b, step);
	for (unsigned int b = first; b <= last; b += step) {
		uint64_t n = joined(hist, b, step);

		np_buf_str(out, "  ");
		span(out, np_hist_low(b));
		np_buf_str(out, " ..");
		span(out, np_hist_high(b + step - 1 < NP_HIST_BUCKETS ? b + step - 1
								      : NP_HIST_BUCKETS - 1));
		np_buf_printf(out, " %10" PRIu64 "%s", n * scale, n ? " " : "");
		for (uint64_t i = 0; i < (n * BAR + most - 1) / most; i++)
			np_buf_chr(out, '#');
		np_buf_chr(out, '\n');
	}
}

static void histogram_row(struct np_sink *sink, const struct np_row *row,
			  const struct np_colctx *ctx)
{
	unsigned int kinds = np_sink_hists(sink);
	uint32_t scale = np_col_scale(row, ctx);
	bool any = false;

	for (int i = 0; i < NP_HIST_KINDS && row->detail; i++)
		any |= (kinds & 1U << i) && row->detail->hist[i] && row->detail->hist[i]->count;
	if (!any)
		return;
	identity(sink, row, ctx);
	for (int i = 0; i < NP_HIST_KINDS; i++) {
		const struct np_hist *hist = row->detail->hist[i];

		if (!(kinds & 1U << i) || !hist || !hist->count)
			continue;
		numbers(&sink->lines, np_hist_names[i], hist, scale);
		bars(&sink->lines, hist, scale);
	}
	np_buf_chr(&sink->lines, '\n');
}

static void seconds(struct np_buf *out, uint32_t us)
{
	np_buf_printf(out, "%" PRIu32 ".%06" PRIu32, us / 1000000, us % 1000000);
}

/* In seconds, as all times are; buckets without a sample are left out. */
void np_sink_json_hists(struct np_sink *sink, const struct np_row *row, const struct np_colctx *ctx)
{
	uint64_t scale = np_col_scale(row, ctx);
	unsigned int kinds = np_sink_hists(sink);
	struct np_buf *out = &sink->lines;

	for (int i = 0; i < NP_HIST_KINDS; i++) {
		const struct np_hist *hist = row->detail ? row->detail->hist[i] : NULL;
		const char *before = "";

		if (!(kinds & 1U << i))
			continue;
		np_buf_printf(out, ",\"%s_buckets\":[", np_hist_names[i]);
		for (unsigned int b = 0; hist && b < hist->n; b++) {
			unsigned int k = hist->first + b;

			if (!hist->buckets[b])
				continue;
			np_buf_printf(out, "%s{\"from\":", before);
			seconds(out, np_hist_low(k));
			np_buf_str(out, ",\"to\":");
			seconds(out, np_hist_high(k));
			np_buf_printf(out, ",\"count\":%" PRIu64 "}", hist->buckets[b] * scale);
			before = ",";
		}
		np_buf_chr(out, ']');
	}
}

const struct np_sink_ops np_sink_histogram = { .row = histogram_row };
