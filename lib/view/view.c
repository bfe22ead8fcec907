// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "meta/meta.h"
#include "meta/who.h"
#include "view/baseline.h"
#include "view/grouping.h"
#include "view/order.h"
#include "view/view.h"
#include "view/whose.h"

/* Groups without a living connection are remembered for what ended in them, up to this many. */
#define KEEP_ENDED  4096
#define NP_MAX_KEPT 16
static const double avg_seconds[3] = { 2, 10, 40 };

struct np_view {
	struct np_view_cfg cfg;
	struct np_meta *meta;
	struct np_merge plan;
	struct np_colctx ctx;
	struct np_grouping kept[NP_MAX_KEPT]; /* groupings whose groups remember what ended */
	size_t nkept;
	struct np_grouping *now; /* the one that is shown; NULL: each connection by itself */
	const struct np_row **rows;
	size_t nrows, cap, matched;
	struct np_group_row total;
	struct np_grp *pin; /* drilled into: its key, of the grouping in pin_by */
	const struct np_col *pin_by[NP_MAX_BY];
	size_t npin;
	uint32_t update;
	uint64_t began_ns; /* the first refresh */
	uint64_t named_ns; /* log: the walk after which the living were looked up */
	uint64_t folded;   /* the interval whose ended connections were taken already */
	const struct np_row *const *of; /* np_view_update_of(): its rows; NULL: all of the log */
	size_t nof;
	bool want_avg, want_meta;
	bool last;  /* np_view_last() */
	bool fresh; /* this update is the first look at its refresh */
};

int np_view_new(struct np_view **out, const struct np_view_cfg *cfg, struct np_meta *meta)
{
	struct np_view *view = calloc(1, sizeof(*view));

	if (!view)
		return -ENOMEM;
	view->meta = meta;
	view->ctx.meta = meta;
	np_view_set(view, cfg);
	*out = view;
	return 0;
}

void np_view_free(struct np_view *view)
{
	if (!view)
		return;
	for (size_t i = 0; i < view->nkept; i++)
		np_grouping_free(&view->kept[i]);
	np_grp_free(view->pin, view->meta);
	np_merge_end(&view->total);
	free(view->rows);
	free(view);
}

/* The kept grouping of CFG, a new one where there is none yet; NULL where there is no room for it.
 */
static struct np_grouping *keep(struct np_view *view, const struct np_view_cfg *cfg)
{
	struct np_grouping *gr;

	for (size_t i = 0; i < view->nkept; i++)
		if (np_grouping_is(&view->kept[i], cfg))
			return &view->kept[i];
	if (view->nkept == NP_MAX_KEPT)
		return NULL;
	gr = &view->kept[view->nkept++];
	np_grouping_init(gr, cfg, view->meta);
	return gr;
}

int np_view_keep(struct np_view *view, const struct np_view_cfg *cfg)
{
	return keep(view, cfg) ? 0 : -ENOSPC;
}

/* What members are grouped by they share by definition. */
static void plan_add(struct np_view *view, const struct np_col *col)
{
	for (size_t i = 0; i < view->cfg.nby; i++)
		if (view->cfg.by[i] == col)
			return;
	np_merge_add(&view->plan, col);
}

int np_view_set(struct np_view *view, const struct np_view_cfg *cfg)
{
	unsigned int needs;

	/* sums of other members say nothing here */
	if (view->cfg.where != cfg->where || view->cfg.filter != cfg->filter)
		for (size_t i = 0; i < view->nkept; i++)
			np_grouping_free(&view->kept[i]);
	view->now = NULL;
	if (cfg->nby) {
		view->now = keep(view, cfg);
		if (!view->now)
			return -ENOSPC;
	}
	view->nrows = view->matched = 0;
	view->cfg = *cfg;
	view->ctx.scale = cfg->sample;
	view->ctx.base = view->now && view->now->base ? np_baseline_ctx(view->now->base) : NULL;
	np_merge_init(&view->plan);
	for (size_t i = 0; i < cfg->ncols; i++)
		plan_add(view, cfg->cols[i]);
	if (cfg->sort)
		plan_add(view, cfg->sort);
	/* expressions may look at any column */
	for (size_t i = 0; cfg->where && i < np_ncols; i++)
		plan_add(view, &np_cols[i]);
	for (size_t i = 0; cfg->sum_all && i < np_ncols; i++)
		if (np_cols[i].agg != NP_AGG_SAME && (np_cols[i].flags & cfg->kind))
			np_merge_add(&view->plan, &np_cols[i]);
	/* groups that are not shown now add up what they may show later */
	for (size_t i = 0; view->nkept > 1 && i < np_ncols; i++)
		if (np_cols[i].agg == NP_AGG_SUM)
			np_merge_add(&view->plan, &np_cols[i]);
	needs = np_view_needs(cfg);
	view->want_avg = needs & NP_NEED_AVG || view->nkept > 1;
	view->want_meta =
	    cfg->named || needs & (NP_NEED_CGROUP | NP_NEED_CMDLINE) || view->nkept > 1;
	return 0;
}

const struct np_view_cfg *np_view_cfg(const struct np_view *view)
{
	return &view->cfg;
}

/* Until a window has passed since the start, the average is the plain one over what there was. */
static void average(const struct np_view *view, struct np_row *row)
{
	double dt = (double)view->ctx.dt_ns / 1e9;
	double whole = (double)(view->ctx.now_ns - view->began_ns) / 1e9;

	if (!view->want_avg || dt <= 0 || !view->fresh || view->cfg.whole)
		return;
	for (int i = 0; i < 3; i++) {
		double weight = fmax(1 - exp(-dt / avg_seconds[i]), dt / fmax(whole, dt));

		row->avg_tx[i] +=
		    (float)(((double)row->d_tx / dt - (double)row->avg_tx[i]) * weight);
		row->avg_rx[i] +=
		    (float)(((double)row->d_rx / dt - (double)row->avg_rx[i]) * weight);
	}
}

static bool pinned(const struct np_view *view, const struct np_row *row)
{
	if (!view->pin)
		return true;
	for (size_t i = 0; i < view->npin; i++)
		if (!np_col_same(view->pin_by[i], &view->pin->past.row, row))
			return false;
	return true;
}

static bool chosen(const struct np_view *view, const struct np_row *row)
{
	return np_filter_match(view->cfg.filter, row) && np_whose_match(view->cfg.whose, row) &&
	       (!view->cfg.where || np_expr_members(view->cfg.where, row, &view->ctx));
}

static int add_row(struct np_view *view, const struct np_row *row)
{
	if (view->nrows == view->cap) {
		size_t cap = view->cap ? view->cap + view->cap / 2 : 64;
		const struct np_row **rows = realloc(view->rows, cap * sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		view->rows = rows;
		view->cap = cap;
	}
	view->rows[view->nrows++] = row;
	return 0;
}

/* What ended adds to the totals of its groups, whatever is shown at the moment. */
static int fold(struct np_view *view, const struct np_row *row)
{
	for (size_t i = 0; i < view->nkept; i++) {
		struct np_grp *g;

		if (view->kept[i].kind != view->cfg.kind)
			continue;
		g = np_grouping_get(&view->kept[i], row);
		if (!g)
			return -ENOMEM;
		if (np_grp_past(g, &view->plan, row, view->cfg.whole || view->cfg.over_run))
			return -ENOMEM;
	}
	return 0;
}

static int show(struct np_view *view, struct np_row *row)
{
	bool past = row->flags & (NP_ROW_ENDED | NP_ROW_EVENT) && !view->fresh;
	struct np_grp *g;

	if (!pinned(view, row))
		return 0;
	if (view->now && !view->pin) {
		g = np_grouping_get(view->now, row);
		if (!g)
			return -ENOMEM;
		if (past && view->now->folded == view->folded)
			return np_grp_again(g, &view->plan, row, view->update);
		return np_grp_add(g, &view->plan, row, view->update);
	}
	average(view, row);
	return add_row(view, row);
}

static int take(struct np_view *view, struct np_row *row)
{
	int err;

	if (view->want_meta)
		np_who_fill(view->meta, row);
	if (!chosen(view, row))
		return 0;
	err = show(view, row);
	if (!err && (row->flags & (NP_ROW_ENDED | NP_ROW_EVENT)) && view->fresh)
		err = fold(view, row);
	return err;
}

/* A container may go together with its last connection: it is looked up while both live. */
static void name_living(struct np_view *view, struct np_flows *flows)
{
	struct np_flow *flow;
	size_t pos = 0;

	if (!view->want_meta || view->named_ns == view->ctx.now_ns)
		return;
	view->named_ns = view->ctx.now_ns;
	while ((flow = np_flows_living(flows, &pos)))
		np_who_fill(view->meta, &flow->row);
}

static int take_log(struct np_view *view, struct np_flows *flows)
{
	struct np_row *const *rows = (struct np_row *const *)view->of;
	size_t n = rows ? view->nof : np_flows_log(flows, &rows);
	int err = 0;

	name_living(view, flows);
	for (size_t i = 0; i < n && !err; i++)
		err = take(view, rows[i]);
	return err;
}

static int take_all(struct np_view *view, struct np_flows *flows)
{
	bool listen = view->cfg.kind == NP_COL_LISTEN;
	struct np_flow *flow;
	struct np_row *row;
	size_t pos = 0;
	int err = 0;

	if (view->cfg.kind == NP_COL_IFACE) {
		for (size_t i = 0; !err && (row = np_flows_iface(flows, i)); i++)
			err = take(view, row);
		return err;
	}
	if (view->cfg.kind == NP_COL_EVENT)
		return take_log(view, flows);
	while (!err && (flow = np_flows_living(flows, &pos)))
		if (listen == !!(flow->row.flags & NP_ROW_LISTEN))
			err = take(view, &flow->row);
	for (flow = np_flows_ended(flows); !err && flow && !listen; flow = flow->next)
		if (!(flow->row.flags & NP_ROW_LISTEN))
			err = take(view, &flow->row);
	return err;
}

static int show_groups(struct np_view *view)
{
	int err = 0;

	/* a log is looked at more often than it is walked */
	if (view->now->run_at_ns != view->ctx.now_ns)
		view->now->run_ns += view->ctx.dt_ns;
	view->now->run_at_ns = view->ctx.now_ns;
	view->ctx.run_ns = view->now->run_ns;

	np_map_foreach (&view->now->groups, slot) {
		for (struct np_grp *g = slot->val; g && !err; g = g->chain) {
			bool idle = g->update != view->update;

			if (idle)
				err = np_grp_rest(g);
			average(view, &g->shown.row);
			if (view->fresh)
				np_grp_run(g);
			if (view->cfg.over_run)
				np_run_sums_fill(&g->shown.row, &g->past.run);
			if (!err && (!idle || view->cfg.all))
				err = add_row(view, &g->shown.row);
		}
	}
	if (view->cfg.over_run)
		view->ctx.dt_ns = view->now->run_ns;
	if (!err && view->last)
		err = np_grouping_gone(view->now);
	for (size_t i = 0; i < view->now->ngone && !err; i++)
		err = add_row(view, &view->now->gone[i]->shown.row);
	return err;
}

/* The total's part of what groups know of the whole run. */
static void total_of_run(struct np_view *view)
{
	struct np_grouping *gr = view->now;

	if (!gr || view->pin)
		return;
	if (view->fresh && view->cfg.over_run)
		gr->run = (struct np_run_sums){ 0 };
	if (view->fresh)
		np_run_sums_add(&gr->run, &view->total.row);
	view->total.run = gr->run;
	view->total.base = gr->base ? np_baseline_total(gr->base) : NULL;
}

/* npretrans --summary: with events, in this run or in the one that it is held against. */
static bool ails(const struct np_row *row)
{
	return row->events ||
	       ((row->flags & NP_ROW_GROUP) && ((const struct np_group_row *)row)->base);
}

/* The sums of all rows, the rows that --where keeps, each row's share. */
static int sum_up(struct np_view *view)
{
	static const struct np_group_row none;
	size_t kept = 0;
	int err = np_merge_copy(&view->total, &none);
	double all;

	view->total.row.flags = NP_ROW_GROUP |
				(view->nrows ? NP_ROW_NO_RETR | NP_ROW_NO_BYTES : 0) |
				(view->cfg.kind == NP_COL_IFACE    ? NP_ROW_IFACE
				 : view->cfg.kind == NP_COL_EVENT  ? NP_ROW_EVENT
				 : view->cfg.kind == NP_COL_LISTEN ? NP_ROW_LISTEN
								   : 0);
	for (size_t i = 0; i < view->nrows; i++) {
		struct np_row *row = (struct np_row *)view->rows[i];

		if (view->cfg.active_only && view->cfg.kind == NP_COL_IFACE &&
		    !(row->flags & NP_ROW_ACTIVE))
			continue;
		if (!err)
			err = np_merge_row(&view->plan, &view->total, row);
		view->total.row.flags |= row->flags & NP_ROW_PACKETS;
		view->rows[kept++] = row;
	}
	view->nrows = kept;
	all = (double)(view->total.row.d_tx + view->total.row.d_rx);
	kept = 0;
	for (size_t i = 0; i < view->nrows; i++) {
		struct np_row *row = (struct np_row *)view->rows[i];

		row->share = all > 0 ? (float)(100.0 * (double)(row->d_tx + row->d_rx) / all) : 0;
		if ((!view->cfg.ailing || ails(row)) &&
		    (!view->cfg.where || np_expr_rows(view->cfg.where, row, &view->ctx)))
			view->rows[kept++] = row;
	}
	view->nrows = view->matched = kept;
	view->total.row.share = all > 0 ? 100 : 0;
	total_of_run(view);
	return err;
}

int np_view_update(struct np_view *view, struct np_flows *flows)
{
	size_t limit = view->cfg.keep  ? view->cfg.keep
		       : view->cfg.all ? 16 * KEEP_ENDED
				       : KEEP_ENDED;
	int err;

	view->ctx.dt_ns = np_flows_interval_ns(flows);
	view->ctx.now_ns = np_flows_mono_ns(flows);
	view->ctx.wall_ns = np_flows_wall_ns(flows);
	if (!view->began_ns)
		view->began_ns = view->ctx.now_ns;
	/* the same refresh may be looked at again, after a key; it counts once */
	view->fresh = view->folded != np_flows_tick(flows);
	for (size_t i = 0; i < view->nkept && view->fresh; i++)
		np_grouping_forget(&view->kept[i], view->update, limit);
	view->update++;
	view->nrows = 0;
	err = take_all(view, flows);
	if (!err && view->now && !view->pin)
		err = show_groups(view);
	view->folded = np_flows_tick(flows);
	for (size_t i = 0; i < view->nkept && view->fresh; i++)
		if (view->kept[i].kind == view->cfg.kind)
			view->kept[i].folded = view->folded;
	view->matched = view->nrows;
	if (view->cfg.whole)
		return err;
	if (!err)
		err = sum_up(view);
	view->nrows = np_order(&view->cfg, &view->ctx, view->rows, view->nrows);
	return err;
}

int np_view_update_of(struct np_view *view, struct np_flows *flows,
		      const struct np_row *const *rows, size_t n)
{
	static const struct np_row *none;
	int err;

	view->of = n ? rows : &none;
	view->nof = n;
	err = np_view_update(view, flows);
	view->of = NULL;
	return err;
}

int np_view_drill(struct np_view *view, const struct np_row *row)
{
	struct np_grp *pin = NULL;

	if (row) {
		pin = np_grp_new(row);
		if (!pin)
			return -ENOMEM;
		memcpy(view->pin_by, view->cfg.by, sizeof(view->pin_by));
		view->npin = view->cfg.nby;
	}
	np_grp_free(view->pin, view->meta);
	view->pin = pin;
	return 0;
}

const struct np_row *const *np_view_rows(const struct np_view *view, size_t *n)
{
	*n = view->nrows;
	return view->rows;
}

const struct np_row *const *np_view_all(const struct np_view *view, size_t *n)
{
	*n = view->matched;
	return view->rows;
}

void np_view_last(struct np_view *view)
{
	view->last = true;
}

size_t np_view_matched(const struct np_view *view)
{
	return view->matched;
}

const struct np_row *np_view_total(const struct np_view *view)
{
	return &view->total.row;
}

const struct np_colctx *np_view_ctx(const struct np_view *view)
{
	return &view->ctx;
}

uint64_t np_view_forgotten(const struct np_view *view)
{
	uint64_t n = 0;

	for (size_t i = 0; i < view->nkept; i++)
		n += view->kept[i].forgotten;
	return n;
}
