// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Listeners, and what their accept queues had no room for. */
#include <netinet/in.h>
#include <stdlib.h>

#include "flow/table.h"

/* The first look at a namespace is where counting begins; NULL: what it dropped is not known. */
static struct np_queue *read_queue(struct np_flows *flows, const struct np_row *row)
{
	struct np_queue *q = np_map_get(&flows->queues, row->netns);
	uint64_t drops;

	if (!flows->cfg.listen_drops || !row->pid ||
	    !flows->cfg.listen_drops(flows->cfg.ctx, row->pid, row->netns, &drops))
		return NULL;
	if (!q) {
		q = calloc(1, sizeof(*q));
		if (!q || np_map_put(&flows->queues, row->netns, q)) {
			free(q);
			flows->stats.no_memory++;
			return NULL;
		}
		q->drops = drops;
	}
	q->left += np_grown(drops, q->drops);
	q->drops = drops;
	return q;
}

void np_queues_free(struct np_flows *flows)
{
	np_map_foreach (&flows->queues, slot)
		free(slot->val);
	np_map_free(&flows->queues);
}

void np_queue_told(struct np_flows *flows, uint64_t listener)
{
	struct np_flow *flow = listener ? np_map_get(&flows->map, listener) : NULL;

	if (flow && flow->row.flags & NP_ROW_LISTEN && flow->row.detail)
		flow->row.detail->told++;
}

/*
 * sk_drops counts more than the queue's drops: a SYN that comes again, a segment that belongs to
 * nothing; and the last ACK of a handshake twice. The namespace counts just them, of all its
 * listeners.
 */
static uint32_t overflows(struct np_flows *flows, const struct np_row *row, struct np_detail *d,
			  uint32_t grown)
{
	struct np_queue *q = read_queue(flows, row);
	uint32_t n = grown, told;

	if (!q && !(flows->cfg.listen_drops == NULL || d->backlog > d->limit))
		return 0;
	if (q) {
		n = q->left < grown ? (uint32_t)q->left : grown;
		q->left -= n;
	}
	told = d->told < n ? d->told : n;
	d->told -= told;
	return n - told;
}

static void tell_overflow(struct np_flows *flows, struct np_flow *flow, uint32_t n)
{
	struct np_event *event;

	/* --sample: of a listener in N, so that sums of events are corrected as all others are */
	if (!n || (flows->cfg.sample > 1 && !np_sampled(flow->cookie, flows->cfg.sample)))
		return;
	event = np_log_add(flows, flow, NP_EVENT_ANOMALY + NP_AN_LISTEN_OVERFLOW, flows->mono_ns);
	if (event)
		event->row.events = n;
	flow->row.events += n;
}

/* A walk holds a listener for each process that shares it; the first one's record counts. */
void np_take_listener(struct np_flows *flows, struct np_flow *flow, uint64_t key,
		      const struct np_ev_sock *r)
{
	struct np_detail *d;
	bool known;

	if (flow && !(flow->row.flags & NP_ROW_LISTEN) && !np_flow_ended(flow)) {
		/* a connection's socket was opened anew to listen */
		np_life_end(flows, flow, NULL);
		np_flow_end(flows, flow);
		flow = NULL;
	}
	known = flow && !np_flow_ended(flow);
	if (!known)
		flow = np_flow_new(flows, key, r->cookie, IPPROTO_TCP);
	d = flow ? np_flow_detail(flows, flow) : NULL;
	if (!d)
		return;
	flow->row.flags |= NP_ROW_LISTEN;
	if (r->task.pid && !(r->hdr.flags & NP_EV_F_NO_OWNER))
		np_take_holder(flows, flow, &r->task);
	if (flow->seen == flows->walk)
		return;
	flows->seen_tcp++;
	flow->seen = flows->walk;
	flow->missed = 0;
	np_take_tuple(&flow->row, &r->tuple);
	flow->row.uid = r->task.uid;
	flow->row.cgroup_id = r->cgroup_id;
	flow->row.netns = r->netns;
	flow->row.cwnd = r->cwnd;
	flow->row.ssthresh = r->ssthresh;
	flow->row.drops = r->drops;
	d->backlog = r->cwnd;
	d->limit = r->ssthresh;
	/* one that opened between two walks may have dropped already, if there is a count to ask */
	if (!known && (flows->first || !np_map_get(&flows->queues, r->netns)))
		read_queue(flows, &flow->row);
	else if (r->drops > d->dropped)
		tell_overflow(flows, flow, overflows(flows, &flow->row, d, r->drops - d->dropped));
	d->dropped = r->drops;
}
