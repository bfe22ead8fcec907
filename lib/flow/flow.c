// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "flow/table.h"
#include "flow/track.h"

int np_flows_new(struct np_flows **out, void (*release)(void *ctx, struct np_row *row), void *ctx)
{
	struct np_flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return -ENOMEM;
	flows->release = release;
	flows->ctx = ctx;
	flows->first = true;
	flows->tick = 1;
	flows->events_end = &flows->events;
	flows->ifaces = np_ifaces_new();
	if (!flows->ifaces) {
		free(flows);
		return -ENOMEM;
	}
	*out = flows;
	return 0;
}

const char *const np_hist_names[NP_HIST_KINDS] = { "rtt", "srt", "art", "syn" };

struct np_hist *np_detail_hist(struct np_flows *flows, struct np_detail *detail,
			       enum np_hist_kind kind)
{
	if (!detail->hist[kind]) {
		detail->hist[kind] = calloc(1, sizeof(struct np_hist));
		if (!detail->hist[kind])
			flows->stats.no_memory++;
	}
	return detail->hist[kind];
}

void np_detail_sample(struct np_flows *flows, struct np_detail *detail, enum np_hist_kind kind,
		      uint32_t us)
{
	struct np_hist *hist = np_detail_hist(flows, detail, kind);

	if (hist && np_hist_add(hist, us, 1))
		flows->stats.no_memory++;
}

void np_detail_free(struct np_detail *detail)
{
	if (!detail)
		return;
	for (int i = 0; i < NP_HIST_KINDS; i++) {
		if (detail->hist[i])
			np_hist_free(detail->hist[i]);
		free(detail->hist[i]);
	}
	free(detail->l7);
	free(detail);
}

static void give_back(struct np_flows *flows, struct np_row *row)
{
	if (flows->release)
		flows->release(flows->ctx, row);
	np_detail_free(row->detail);
	row->detail = NULL;
}

#define L7_FLOWS 16384 /* looked into at once; 13.5 KB each at worst, 3 KB as a rule */

int np_flows_set(struct np_flows *flows, const struct np_flows_cfg *cfg)
{
	flows->cfg = *cfg;
	return cfg->l7 ? cfg->l7->create(&flows->l7, L7_FLOWS) : 0;
}

void np_detail_name(struct np_detail *detail, const struct np_l7_name *name)
{
	if (!name)
		return;
	if (!detail->l7)
		detail->l7 = malloc(sizeof(*detail->l7));
	if (detail->l7)
		*detail->l7 = *name;
}

void np_flow_name(struct np_flows *flows, struct np_flow *flow, bool last)
{
	const struct np_l7_name *name;

	if (!flows->l7)
		return;
	name = last ? flows->cfg.l7->last(flows->l7, flow->cookie)
		    : flows->cfg.l7->find(flows->l7, flow->cookie);
	if (name && np_flow_detail(flows, flow))
		np_detail_name(flow->row.detail, name);
}

uint64_t np_flows_unnamed(const struct np_flows *flows)
{
	return flows->l7 ? flows->cfg.l7->given_up(flows->l7) + flows->cfg.l7->bad(flows->l7) : 0;
}

struct np_detail *np_flow_detail(struct np_flows *flows, struct np_flow *flow)
{
	if (!flow->row.detail) {
		flow->row.detail = calloc(1, sizeof(*flow->row.detail));
		if (!flow->row.detail)
			flows->stats.no_memory++;
	}
	return flow->row.detail;
}

void np_flows_free(struct np_flows *flows)
{
	if (!flows)
		return;
	np_track_free(flows);
	for (size_t i = 0; i < flows->nslabs; i++) {
		for (size_t k = 0; k < NP_SLAB; k++)
			if (flows->slabs[i]->flows[k].used)
				give_back(flows, &flows->slabs[i]->flows[k].row);
		free(flows->slabs[i]);
	}
	free(flows->slabs);
	np_log_free(flows);
	np_queues_free(flows);
	if (flows->l7)
		flows->cfg.l7->destroy(flows->l7);
	np_map_free(&flows->map);
	np_ifaces_free(flows->ifaces);
	free(flows);
}

/* A socket cookie is unique for ever; two processes on one UDP socket are two flows. */
uint64_t np_flow_key(const struct np_flows *flows, uint64_t cookie, uint8_t proto, uint32_t pid)
{
	if (proto == IPPROTO_TCP || flows->cfg.udp_by_socket)
		return cookie;
	return cookie ^ ((uint64_t)pid << 40) ^ (1ULL << 63);
}

static int grow(struct np_flows *flows)
{
	struct np_slab **slabs =
	    realloc(flows->slabs, (flows->nslabs + 1) * sizeof(struct np_slab *));
	struct np_slab *slab;

	if (!slabs)
		return -ENOMEM;
	flows->slabs = slabs;
	slab = calloc(1, sizeof(*slab));
	if (!slab)
		return -ENOMEM;
	slabs[flows->nslabs++] = slab;
	for (size_t i = NP_SLAB; i-- > 0;) {
		slab->flows[i].next = flows->free;
		flows->free = &slab->flows[i];
	}
	return 0;
}

struct np_flow *np_flow_new(struct np_flows *flows, uint64_t key, uint64_t cookie, uint8_t proto)
{
	struct np_flow *flow;

	if ((!flows->free && grow(flows)) || np_map_reserve(&flows->map, flows->map.count + 1)) {
		flows->stats.no_memory++;
		return NULL;
	}
	flow = flows->free;
	flows->free = flow->next;
	*flow = (struct np_flow){ .cookie = cookie, .used = true, .tick = flows->tick };
	flow->row.proto = proto;
	flow->row.conns = 1;
	flow->row.uid = UINT32_MAX;
	flow->row.first_ns = flows->mono_ns;
	if (flows->first)
		flow->row.flags |= NP_ROW_OLD;
	else
		flow->row.opened = 1;
	if (proto != IPPROTO_TCP)
		flow->row.flags |= NP_ROW_NO_RETR;
	np_map_put(&flows->map, key, flow);
	flows->living++;
	flows->living_tcp += proto == IPPROTO_TCP;
	return flow;
}

void np_flow_free(struct np_flows *flows, struct np_flow *flow)
{
	uint64_t key = np_flow_key(flows, flow->cookie, flow->row.proto, flow->row.pid);

	/* the socket may have been connected anew since: then its key is another flow's */
	if (np_map_get(&flows->map, key) == flow)
		np_map_del(&flows->map, key);
	if (flows->l7)
		flows->cfg.l7->end(flows->l7, flow->cookie);
	give_back(flows, &flow->row);
	flow->used = false;
	flow->next = flows->free;
	flows->free = flow;
}

void np_flow_known(struct np_flows *flows, struct np_flow *flow)
{
	if (!flow->named)
		return;
	flow->named = false;
	flows->named--;
	flow->row.opened = !(flow->row.flags & NP_ROW_OLD);
}

void np_flow_touch(const struct np_flows *flows, struct np_flow *flow)
{
	struct np_row *row = &flow->row;

	if (flow->tick == flows->tick)
		return;
	flow->tick = flows->tick;
	row->d_tx = row->d_rx = row->d_tx_segs = row->d_rx_segs = 0;
	row->d_sent = row->d_retrans_bytes = 0;
	row->opened = row->ended = 0;
}

void np_flow_end(struct np_flows *flows, struct np_flow *flow)
{
	np_flow_touch(flows, flow);
	np_flow_name(flows, flow, true);
	flow->row.flags |= NP_ROW_ENDED;
	flow->row.ended = 1;
	flow->row.conns = 0;
	flow->row.state = TCP_CLOSE;
	flow->missed = 0;
	flow->waited = false;
	flow->next = flows->ended;
	flows->ended = flow;
	flows->living--;
	if (flow->row.proto == IPPROTO_TCP) {
		flows->living_tcp--;
		if (flow->seen == flows->walk)
			flows->seen_tcp--;
	}
	flow->seen = flows->walk; /* from now on: when it ended */
}

struct np_flow *np_flow_walk(struct np_flows *flows, size_t *pos)
{
	while (*pos < flows->nslabs * NP_SLAB) {
		struct np_flow *flow = &flows->slabs[*pos / NP_SLAB]->flows[*pos % NP_SLAB];

		++*pos;
		if (flow->used && !np_flow_ended(flow))
			return flow;
	}
	return NULL;
}

/*
 * A connection that was reset under its process has no owner yet: the process closes it soon, or
 * the next walk finds it holding the file. Such a one is held back for one refresh.
 */
struct np_flow *np_flows_ended(struct np_flows *flows)
{
	struct np_flow *flow, *next;

	for (flow = flows->ended; flow; flow = next) {
		bool hold = !flow->row.pid && !flow->waited && !flows->last &&
			    !flows->cfg.packets && flow->row.proto == IPPROTO_TCP;
		struct np_flow **list = hold ? &flows->held : &flows->ready;

		next = flow->next;
		flow->next = *list;
		*list = flow;
	}
	flows->ended = NULL;
	return flows->ready;
}

void np_flows_next(struct np_flows *flows)
{
	struct np_flow *flow, *next;

	np_log_next(flows);
	for (flow = flows->grave; flow; flow = next) {
		next = flow->next;
		np_flow_free(flows, flow);
	}
	flows->grave = np_flows_ended(flows);
	flows->ready = NULL;
	for (flow = flows->grave; flow; flow = flow->next)
		if (!flow->row.pid && !flows->cfg.packets)
			flows->stats.ownerless_bytes += flow->row.tx_bytes + flow->row.rx_bytes;
	flows->tick++;
	for (flow = flows->held; flow; flow = next) {
		next = flow->next;
		/* a log is told more often than walks look for owners */
		flow->waited = !flows->cfg.life || flow->seen != flows->walk;
		flow->tick = flows->tick; /* its bytes count in the interval that shows them */
		flow->next = flows->ended;
		flows->ended = flow;
	}
	flows->held = NULL;
}

void np_flows_last(struct np_flows *flows)
{
	flows->last = true;
}

struct np_flow *np_flows_living(struct np_flows *flows, size_t *pos)
{
	struct np_flow *flow;

	do
		flow = np_flow_walk(flows, pos);
	while (flow && flow->named);
	if (!flow)
		return NULL;
	np_flow_touch(flows, flow);
	np_flow_name(flows, flow, false);
	return flow;
}

size_t np_flows_count(const struct np_flows *flows)
{
	return flows->living - flows->named;
}

struct np_row *np_flows_iface(struct np_flows *flows, size_t i)
{
	return np_ifaces_row(flows->ifaces, i);
}

size_t np_flows_unseen(const struct np_flows *flows, uint32_t *netns, size_t max)
{
	for (size_t i = 0; i < flows->nunseen && i < max; i++)
		netns[i] = flows->unseen[i];
	return flows->nunseen;
}

uint64_t np_flows_tick(const struct np_flows *flows)
{
	return flows->tick;
}

uint64_t np_flows_interval_ns(const struct np_flows *flows)
{
	return flows->interval_ns;
}

uint64_t np_flows_mono_ns(const struct np_flows *flows)
{
	return flows->mono_ns;
}

uint64_t np_flows_wall_ns(const struct np_flows *flows)
{
	return flows->wall_ns;
}

const struct np_flows_stats *np_flows_stats(const struct np_flows *flows)
{
	return &flows->stats;
}
