// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meta/who.h"
#include "view/baseline.h"
#include "view/grouping.h"

void np_grouping_init(struct np_grouping *gr, const struct np_view_cfg *cfg, struct np_meta *meta)
{
	*gr = (struct np_grouping){
		.nby = cfg->nby, .kind = cfg->kind, .ones = cfg->ones, .meta = meta
	};
	if (cfg->baseline && np_baseline_is(cfg->baseline, cfg))
		gr->base = cfg->baseline;
	memcpy(gr->by, cfg->by, sizeof(gr->by));
}

bool np_grouping_is(const struct np_grouping *gr, const struct np_view_cfg *cfg)
{
	return gr->kind == cfg->kind && gr->ones == cfg->ones && gr->nby == cfg->nby &&
	       !memcmp(gr->by, cfg->by, gr->nby * sizeof(gr->by[0]));
}

struct np_grp *np_grp_new(const struct np_row *row)
{
	struct np_grp *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	np_merge_begin(&g->past, row);
	if (row->detail && np_merge_identity(&g->past, row->detail)) {
		np_grp_free(g, NULL);
		return NULL;
	}
	g->order = UINT64_MAX;
	if (g->past.row.proc)
		np_meta_proc_get(g->past.row.proc);
	if (g->past.row.cgroup)
		np_meta_cgroup_get(g->past.row.cgroup);
	return g;
}

void np_grp_free(struct np_grp *g, struct np_meta *meta)
{
	if (!g)
		return;
	if (meta)
		np_who_release(meta, &g->past.row);
	np_merge_end(&g->past);
	np_merge_end(&g->shown);
	free(g);
}

static void free_gone(struct np_grouping *gr)
{
	for (size_t i = 0; i < gr->ngone; i++)
		np_grp_free(gr->gone[i], NULL);
	free(gr->gone);
	gr->gone = NULL;
	gr->ngone = 0;
}

static int add_gone(struct np_grouping *gr, const struct np_group_row *base)
{
	struct np_grp *g = np_grp_new(&base->row);

	if (!g)
		return -ENOMEM;
	gr->gone[gr->ngone++] = g;
	if (np_merge_copy(&g->shown, &g->past))
		return -ENOMEM;
	g->shown.row.flags |= NP_ROW_KEPT | NP_ROW_ENDED;
	g->shown.kept = base->kept;
	g->shown.base = base;
	return 0;
}

int np_grouping_gone(struct np_grouping *gr)
{
	const struct np_row *const *rows;
	size_t n;
	int err = 0;

	free_gone(gr);
	if (!gr->base)
		return 0;
	rows = np_baseline_rows(gr->base, &n);
	gr->gone = calloc(n + 1, sizeof(struct np_grp *));
	if (!gr->gone)
		return -ENOMEM;
	for (size_t i = 0; i < n && !err; i++)
		if (!np_baseline_seen(gr->base, rows[i]))
			err = add_gone(gr, (const struct np_group_row *)rows[i]);
	return err;
}

void np_grouping_free(struct np_grouping *gr)
{
	free_gone(gr);
	np_map_foreach (&gr->groups, slot) {
		for (struct np_grp *g = slot->val, *next; g; g = next) {
			next = g->chain;
			np_grp_free(g, gr->meta);
		}
	}
	np_map_free(&gr->groups);
	gr->n = 0;
	gr->folded = 0;
	gr->latest = NULL;
	gr->run = (struct np_run_sums){ 0 };
	gr->run_ns = gr->run_at_ns = 0;
}

static bool has_key(const struct np_grouping *gr, const struct np_grp *g, const struct np_row *row)
{
	for (size_t i = 0; i < gr->nby; i++)
		if (!np_col_same(gr->by[i], &g->past.row, row))
			return false;
	return true;
}

struct np_grp *np_grouping_get(struct np_grouping *gr, const struct np_row *row)
{
	struct np_grp *head, *g;
	uint64_t hash = 0;

	/* connections of one process stand together in the table */
	if (gr->latest && has_key(gr, gr->latest, row))
		return gr->latest;
	for (size_t i = 0; i < gr->nby; i++)
		hash = np_col_hash(gr->by[i], row, hash);
	head = np_map_get(&gr->groups, hash);
	for (g = head; g; g = g->chain)
		if (has_key(gr, g, row))
			return gr->latest = g;
	g = np_grp_new(row);
	if (!g)
		return NULL;
	if (gr->base)
		g->past.base = np_baseline_find(gr->base, &g->past.row, gr->meta);
	if (gr->ones)
		g->past.row.flags |= NP_ROW_ONE;
	g->hash = hash;
	g->chain = head;
	if (np_map_put(&gr->groups, hash, g)) {
		np_grp_free(g, gr->meta);
		return NULL;
	}
	gr->n++;
	return gr->latest = g;
}

/* The moving averages are the group's own, over all its intervals. */
static int start_from_past(struct np_grp *g)
{
	struct np_row shown = g->shown.row;
	int err = np_merge_copy(&g->shown, &g->past);

	memcpy(g->shown.row.avg_tx, shown.avg_tx, sizeof(shown.avg_tx));
	memcpy(g->shown.row.avg_rx, shown.avg_rx, sizeof(shown.avg_rx));
	return err;
}

int np_grp_add(struct np_grp *g, const struct np_merge *plan, const struct np_row *row,
	       uint32_t update)
{
	int err = 0;

	/* a process that renamed itself is known by its present name */
	if (!(row->flags & NP_ROW_IFACE))
		memcpy(g->past.row.comm, row->comm, sizeof(row->comm));
	if (g->update != update) {
		err = start_from_past(g);
		g->update = update;
	}
	if (!err)
		err = np_merge_row(plan, &g->shown, row);
	if (row->flags & NP_ROW_OLD)
		g->shown.row.flags |= NP_ROW_OLD;
	return err;
}

int np_grp_again(struct np_grp *g, const struct np_merge *plan, const struct np_row *row,
		 uint32_t update)
{
	struct np_merge interval = *plan;
	struct np_row copy = *row;
	int err;

	interval.nsame = 0;
	interval.hists = 0;
	copy.tx_bytes = copy.rx_bytes = copy.rx_segs = 0;
	copy.retrans = copy.retrans_bytes = copy.drops = copy.errors = 0;
	copy.events = 0;
	err = np_grp_add(g, &interval, &copy, update);
	/* these are the weight of its round-trip time as well */
	if (!err)
		g->shown.row.tx_segs -= row->tx_segs;
	return err;
}

int np_grp_past(struct np_grp *g, const struct np_merge *plan, const struct np_row *row, bool whole)
{
	struct np_row past = *row;

	/* totals stay; what is of the moment does not */
	past.d_tx = past.d_rx = past.d_tx_segs = past.d_rx_segs = 0;
	past.d_sent = past.d_retrans_bytes = 0;
	past.conns = past.opened = past.ended = 0;
	past.first_ns = 0;
	if (whole)
		return np_merge_row(plan, &g->past, &past);
	past.rtt_us = past.rttvar_us = past.min_rtt_us = 0;
	past.cwnd = past.ssthresh = past.mss = 0;
	return np_merge_row(plan, &g->past, &past);
}

int np_grp_rest(struct np_grp *g)
{
	int err = start_from_past(g);

	g->shown.row.flags |= NP_ROW_ENDED;
	return err;
}

void np_run_sums_add(struct np_run_sums *to, const struct np_row *interval)
{
	to->d_tx += interval->d_tx;
	to->d_rx += interval->d_rx;
	to->d_tx_segs += interval->d_tx_segs;
	to->d_rx_segs += interval->d_rx_segs;
	to->d_sent += interval->d_sent;
	to->d_retrans_bytes += interval->d_retrans_bytes;
	to->opened += interval->opened;
	to->ended += interval->ended;
}

void np_run_sums_fill(struct np_row *row, const struct np_run_sums *run)
{
	row->d_tx = run->d_tx;
	row->d_rx = run->d_rx;
	row->d_tx_segs = run->d_tx_segs;
	row->d_rx_segs = run->d_rx_segs;
	row->d_sent = run->d_sent;
	row->d_retrans_bytes = run->d_retrans_bytes;
	row->opened = run->opened < UINT32_MAX ? (uint32_t)run->opened : UINT32_MAX;
	row->ended = run->ended < UINT32_MAX ? (uint32_t)run->ended : UINT32_MAX;
}

void np_grp_run(struct np_grp *g)
{
	np_run_sums_add(&g->past.run, &g->shown.row);
	g->shown.run = g->past.run;
}

void np_grouping_forget(struct np_grouping *gr, uint32_t update, size_t keep)
{
	struct np_map kept = { 0 };
	size_t idle = 0;

	if (gr->n <= keep)
		return;
	np_map_foreach (&gr->groups, slot)
		for (struct np_grp *g = slot->val; g; g = g->chain)
			idle += g->update != update;
	if (idle <= keep || np_map_reserve(&kept, gr->groups.count))
		return;
	np_map_foreach (&gr->groups, slot) {
		for (struct np_grp *g = slot->val, *next; g; g = next) {
			next = g->chain;
			/* more than must be, so that this is not done at every refresh */
			if (g->update != update && idle > keep / 2) {
				idle--;
				gr->n--;
				gr->forgotten++;
				np_grp_free(g, gr->meta);
				continue;
			}
			g->chain = np_map_get(&kept, g->hash);
			np_map_put(&kept, g->hash, g);
		}
	}
	np_map_free(&gr->groups);
	gr->groups = kept;
	gr->latest = NULL;
}
