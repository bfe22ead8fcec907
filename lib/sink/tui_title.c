// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The lines above the table: who, how much, since when; what is shown and how. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sink/tui_internal.h"

#define SPARK_MIN 4
#define SPARK_MAX 40
#define GAP       2

/* The two numbers that a table's totals are told in. */
struct total {
	const char *head[2], *col[2];
};
static const struct total conn_totals = { { "TX", "RX" }, { "tx_rate", "rx_rate" } };
static const struct total iface_totals = { { "WIRE", "PACKETS" }, { "wire_rate", "packet_rate" } };

static const struct total latency_totals = { { "P50", "P99" }, { "rtt_p50", "rtt_p99" } };
static const struct total ailing_totals = { { "EVENTS", "RETRANS" }, { "events", "retrans" } };
static const struct total listen_totals = { { "DROPS", "" }, { "drops", "" } };

static const struct total *totals_of(const struct np_view_cfg *cfg)
{
	if (cfg->kind == NP_COL_IFACE)
		return &iface_totals;
	if (cfg->kind == NP_COL_LISTEN)
		return &listen_totals;
	if (cfg->topic == &np_topic_latency)
		return &latency_totals;
	return cfg->topic == &np_topic_ailing ? &ailing_totals : &conn_totals;
}

/* What is a second's, and so worth a history; the others only grow. */
static bool is_rate(const struct np_view_cfg *cfg)
{
	const struct total *t = totals_of(cfg);

	return t == &iface_totals || t == &conn_totals;
}

void np_title_sample(struct np_tui *tui, const struct np_view *view)
{
	struct np_tui_history *h = &tui->history;
	const struct np_view_cfg *cfg = np_view_cfg(view);
	const struct np_colctx *ctx = np_view_ctx(view);
	const struct total *t = totals_of(cfg);

	tui->tick = ctx->now_ns != tui->drawn_ns;
	tui->drawn_ns = ctx->now_ns;
	if (h->kind != cfg->kind)
		*h = (struct np_tui_history){ .kind = cfg->kind };
	/* the first refresh has no interval, so no rates */
	if (!tui->tick || !ctx->dt_ns)
		return;
	for (int i = 0; i < 2; i++) {
		const struct np_col *col = np_col_find(t->col[i]);
		struct np_value val = { .num = 0 };

		if (col)
			np_col_read(col, np_view_total(view), ctx, &val);
		h->way[i][h->n % NP_TUI_HISTORY] = val.kind == NP_VAL_NUM ? val.num : 0;
	}
	h->n++;
}

/* The last CELLS refreshes, newest at the right. */
static void draw_spark(const struct np_tui *tui, int way, size_t x, size_t cells)
{
	const struct np_tui_history *h = &tui->history;
	size_t n = h->n < cells ? h->n : cells;
	double max = 0;

	for (size_t i = h->n - n; i < h->n; i++)
		if (h->way[way][i % NP_TUI_HISTORY] > max)
			max = h->way[way][i % NP_TUI_HISTORY];
	for (size_t i = 0; i < n; i++) {
		double value = h->way[way][(h->n - n + i) % NP_TUI_HISTORY];

		np_draw(tui, 0, x + cells - n + i, 1, NP_LOOK_SPARK,
			np_fit_glyph(np_fit_spark(value, max), tui->fmt.utf8));
	}
}

static void every(char *buf, size_t size, uint64_t ns)
{
	char text[24];

	/* the steps are read as they are chosen: 1s, not 1.0s */
	if (ns % 1000000000 == 0 && ns < 60000000000)
		snprintf(buf, size, "every %" PRIu64 "s", ns / 1000000000);
	else
		snprintf(buf, size, "every %s", np_str_duration(text, ns));
}

static void rate_text(struct np_tui *tui, const struct np_view *view, int way, char *buf,
		      size_t size)
{
	const struct total *t = totals_of(np_view_cfg(view));
	const struct np_col *col = np_col_find(t->col[way]);
	struct np_buf text = { 0 };
	size_t n;

	/* the sum of no rows is nothing, not unknown */
	np_view_rows(view, &n);
	if (!n)
		np_buf_chr(&text, '0');
	else if (col)
		np_format_text(&text, col, np_view_total(view), np_view_ctx(view), &tui->fmt);
	/* of one width as a rule, so that the line stands still */
	if (!col)
		buf[0] = '\0';
	else if (!is_rate(np_view_cfg(view)))
		snprintf(buf, size, "%s %5s", t->head[way], np_buf_cstr(&text));
	else
		snprintf(buf, size, "%s %5s%s", t->head[way], np_buf_cstr(&text),
			 col->type == NP_TYPE_BYTES && tui->fmt.units == NP_UNITS_BITS  ? "bit/s"
			 : col->type == NP_TYPE_BYTES && tui->fmt.units == NP_UNITS_RAW ? " B/s"
											: "/s");
	np_buf_free(&text);
}

static void conns_text(const struct np_view *view, char *buf, size_t size)
{
	const struct np_row *total = np_view_total(view);
	uint64_t conns = (uint64_t)total->conns * np_col_scale(total, np_view_ctx(view));

	snprintf(buf, size, "%" PRIu64 " conn%s", conns, conns == 1 ? "" : "s");
}

static void draw_totals(struct np_tui *tui, const struct np_view *view)
{
	enum { NAME, HOST, EVERY, OUT, IN, COUNT, N };
	const struct np_tui_status *status = tui->status;
	char text[N][80];
	struct np_fit_piece pieces[N] = {
		[NAME] = { .rank = 5 }, [HOST] = { .rank = 4 }, [EVERY] = { .rank = 3 },
		[OUT] = { .rank = 0 },  [IN] = { .rank = 1 },   [COUNT] = { .rank = 2 }
	};
	size_t used, spare, spark = 0, x = 0, n;

	np_view_rows(view, &n);
	snprintf(text[NAME], sizeof(text[0]), "%s", status->program);
	snprintf(text[HOST], sizeof(text[0]), "%s", np_draw_safe(tui, status->host));
	every(text[EVERY], sizeof(text[0]), status->interval_ns);
	rate_text(tui, view, 0, text[OUT], sizeof(text[0]));
	rate_text(tui, view, 1, text[IN], sizeof(text[0]));
	if (np_view_cfg(view)->kind != NP_COL_CONN)
		text[COUNT][0] = '\0';
	else
		conns_text(view, text[COUNT], sizeof(text[0]));
	for (int i = 0; i < N; i++)
		pieces[i].width = (uint16_t)np_str_width(text[i]);
	used = np_fit_pieces(pieces, N, (size_t)tui->cols, GAP);
	spare = (size_t)tui->cols - used;
	if (is_rate(np_view_cfg(view)) && pieces[IN].shown && spare >= 2 * (SPARK_MIN + 1))
		spark = spare / 2 - 1 < SPARK_MAX ? spare / 2 - 1 : SPARK_MAX;
	for (int i = 0; i < N; i++) {
		if (!pieces[i].shown)
			continue;
		x += np_draw(tui, 0, x, pieces[i].width,
			     i == NAME || i == OUT || i == IN ? NP_LOOK_STRONG : NP_LOOK_PLAIN,
			     text[i]);
		if (spark && (i == OUT || i == IN)) {
			draw_spark(tui, i - OUT, x + 1, spark);
			x += 1 + spark;
		}
		x += GAP;
	}
}

/* How many rows, and which of them the selection is; how many columns do not fit. */
static void place_text(const struct np_tui *tui, const struct np_view *view, char *buf, size_t size)
{
	size_t n, matched = np_view_matched(view);

	np_view_rows(view, &n);
	if (!n)
		buf[0] = '\0';
	else if (matched > n)
		snprintf(buf, size, "%zu/%zu of %zu", tui->table.place.at + 1, n, matched);
	else
		snprintf(buf, size, "%zu/%zu", tui->table.place.at + 1, n);
}

static void hidden_text(const struct np_tui *tui, char *buf, size_t size)
{
	const struct np_tui_table *t = &tui->table;
	int len = 0;

	buf[0] = '\0';
	if (t->left)
		len = snprintf(buf, size, "%s%zu ", tui->fmt.utf8 ? "←" : "<", t->left);
	if (t->right)
		snprintf(buf + len, size - (size_t)len, "+%zu col%s", t->right,
			 t->right == 1 ? "" : "s");
}

enum mark { HIDDEN, PLACE, LOST, FROZEN, PAUSED, NMARKS };

/* Beside them what is shown keeps some room, and where it is filtered that is seen too. */
static size_t fit_marks(const struct np_tui *tui, struct np_fit_piece *marks)
{
	size_t room = (size_t)tui->cols - 12, filter = np_str_width(tui->status->filter), least;
	struct np_fit_piece told[NMARKS];

	memcpy(told, marks, sizeof(told));
	told[HIDDEN].width = told[PLACE].width = 0;
	least = np_fit_pieces(told, NMARKS, room, 1);
	if (filter)
		room -= 10 + (filter < 6 ? filter : 6);
	return np_fit_pieces(marks, NMARKS, room > least ? room : least, 1);
}

/* At the right end, most important last to go; returns where they begin. */
static size_t draw_marks(struct np_tui *tui, const struct np_view *view)
{
	static const enum np_look looks[NMARKS] = {
		[LOST] = NP_LOOK_WARN, [FROZEN] = NP_LOOK_MARK, [PAUSED] = NP_LOOK_MARK
	};
	char text[NMARKS][64] = { 0 };
	struct np_fit_piece pieces[NMARKS] = { [HIDDEN] = { .rank = 3 },
					       [PLACE] = { .rank = 4 },
					       [LOST] = { .rank = 0 },
					       [FROZEN] = { .rank = 2 },
					       [PAUSED] = { .rank = 1 } };
	size_t x;

	hidden_text(tui, text[HIDDEN], sizeof(text[0]));
	place_text(tui, view, text[PLACE], sizeof(text[0]));
	if (tui->status->lost)
		snprintf(text[LOST], sizeof(text[0]), "LOST %" PRIu64, tui->status->lost);
	if (tui->cfg.freeze)
		strcpy(text[FROZEN], "FROZEN");
	if (tui->paused)
		strcpy(text[PAUSED], "PAUSED");
	for (int i = 0; i < NMARKS; i++)
		pieces[i].width = (uint16_t)np_str_width(text[i]);
	x = (size_t)tui->cols - fit_marks(tui, pieces);
	for (size_t i = 0, at = x; i < NMARKS; i++)
		if (pieces[i].shown)
			at += np_draw(tui, 1, at, pieces[i].width, looks[i], text[i]) + 1;
	return x;
}

static void sort_text(const struct np_tui *tui, const struct np_view_cfg *cfg, char *buf,
		      size_t size)
{
	const char *mark =
	    cfg->ascending ? (tui->fmt.utf8 ? "▲" : "^") : (tui->fmt.utf8 ? "▼" : "v");

	buf[0] = '\0';
	if (cfg->sort)
		snprintf(buf, size, "by %s%s", cfg->sort->head, mark);
}

static void shown_text(const struct np_tui *tui, const struct np_view_cfg *cfg, char *buf,
		       size_t size)
{
	size_t len = 0;

	if (tui->drilled) {
		snprintf(buf, size, "connections of %s", tui->label);
	} else if (cfg->group) {
		snprintf(buf, size, "%s",
			 cfg->kind == NP_COL_LISTEN && !cfg->nby ? "listeners" : cfg->group->title);
	} else {
		for (size_t i = 0; i < cfg->nby && len < size; i++)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? "," : "by ",
						cfg->by[i]->name);
	}
}

/* Interfaces and listeners are all there. */
static void sample_text(const struct np_tui *tui, const struct np_view_cfg *cfg, char *buf,
			size_t size)
{
	buf[0] = '\0';
	if (tui->status->sample > 1 && cfg->kind & (NP_COL_CONN | NP_COL_EVENT))
		snprintf(buf, size, "sample 1/%" PRIu32 ": sums are corrected",
			 tui->status->sample);
}

static void draw_shown(struct np_tui *tui, const struct np_view *view, size_t room)
{
	enum { SHOWN, SAMPLE, SORT, FILTER, N };
	const struct np_view_cfg *cfg = np_view_cfg(view);
	char text[N][1200] = { 0 };
	struct np_fit_piece pieces[N] = {
		[SHOWN] = { .rank = 0 },
		[SAMPLE] = { .rank = 1 },
		[SORT] = { .rank = 3 },
		[FILTER] = { .rank = 2 },
	};
	size_t x = 0;

	shown_text(tui, cfg, text[SHOWN], sizeof(text[0]));
	sample_text(tui, cfg, text[SAMPLE], sizeof(text[0]));
	sort_text(tui, cfg, text[SORT], sizeof(text[0]));
	if (tui->status->filter && *tui->status->filter)
		snprintf(text[FILTER], sizeof(text[0]), "filter: %s",
			 np_draw_safe(tui, tui->status->filter));
	for (int i = 0; i < N; i++)
		pieces[i].width = (uint16_t)np_str_width(text[i]);
	if (pieces[SHOWN].width > room)
		pieces[SHOWN].width = (uint16_t)room;
	/* a filter takes what the others leave, cut with a mark */
	if (pieces[FILTER].width) {
		size_t others =
		    pieces[SHOWN].width + pieces[SAMPLE].width + pieces[SORT].width + 3 * GAP;
		size_t least = others + 20 < room ? room - others : 20;

		if (pieces[FILTER].width > least)
			pieces[FILTER].width = (uint16_t)least;
	}
	np_fit_pieces(pieces, N, room, GAP);
	for (int i = 0; i < N; i++)
		if (pieces[i].shown)
			x +=
			    GAP + np_draw_cut(tui, 1, x, pieces[i].width,
					      i == SHOWN ? NP_LOOK_STRONG : NP_LOOK_PLAIN, text[i]);
}

int np_title_draw(struct np_tui *tui, const struct np_view *view)
{
	size_t marks;

	draw_totals(tui, view);
	marks = draw_marks(tui, view);
	draw_shown(tui, view, marks > GAP ? marks - GAP : 0);
	if (!tui->status->notice || !*tui->status->notice)
		return 2;
	np_draw_cut(tui, 2, 0, (size_t)tui->cols, NP_LOOK_WARN,
		    np_draw_safe(tui, tui->status->notice));
	return 3;
}
