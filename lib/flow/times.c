// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Records of times measured on sockets: each tells all of a kind so far, in place of the one
 * before. */
#include "base/hist.h"
#include "flow/table.h"

/* Emptied, for what the record says; NULL: not a connection that we know, or no room. */
static struct np_hist *fresh(struct np_flows *flows, uint64_t cookie, uint8_t kind, uint8_t side)
{
	struct np_flow *flow = np_map_get(&flows->map, cookie);
	struct np_detail *d = flow ? np_flow_detail(flows, flow) : NULL;
	struct np_hist *hist = d ? np_detail_hist(flows, d, (enum np_hist_kind)kind) : NULL;

	if (!hist)
		return NULL;
	if (side)
		d->side = side;
	np_hist_reset(hist);
	return hist;
}

void np_take_samples(struct np_flows *flows, const struct np_ev_samples *r)
{
	struct np_hist *hist;

	if (r->kind >= NP_TIMES || r->s.n > NP_SAMPLES || r->s.flushed ||
	    r->side > NP_SIDE_SERVER) {
		flows->stats.bad++;
		return;
	}
	hist = fresh(flows, r->cookie, r->kind, r->side);
	if (!hist)
		return;
	hist->discarded = r->s.discarded;
	for (int i = 0; i < r->s.n; i++)
		if (np_hist_add(hist, r->s.us[i], 1))
			flows->stats.no_memory++;
}

void np_take_hist(struct np_flows *flows, const struct np_ev_hist *r)
{
	struct np_hist *hist;

	if (r->kind >= NP_TIMES || r->side > NP_SIDE_SERVER) {
		flows->stats.bad++;
		return;
	}
	hist = fresh(flows, r->cookie, r->kind, r->side);
	if (!hist)
		return;
	hist->discarded = r->discarded;
	if (np_hist_add_buckets(hist, &r->b))
		flows->stats.no_memory++;
}
