// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What goes wrong: records of anomalies, and those that only successive walks can tell. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "flow/table.h"

/* SEMANTICS: CLOSE_WAIT or FIN_WAIT2 for longer than this. */
#define HALF_CLOSE_NS 5000000000ULL

/* A walk holds a listener for each process that shares it; the first one's record counts. */
void np_take_listener(struct np_flows *flows, struct np_flow *flow, uint64_t key,
		      const struct np_ev_sock *r)
{
	struct np_event *event;
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
	if (known && r->drops > d->dropped) {
		event = np_log_add(flows, flow, NP_EVENT_ANOMALY + NP_AN_LISTEN_OVERFLOW,
				   flows->mono_ns);
		if (event)
			event->row.events = r->drops - d->dropped;
		flow->row.events += r->drops - d->dropped;
	}
	d->dropped = r->drops;
}

static bool is_half(const struct np_row *row)
{
	return row->state == TCP_CLOSE_WAIT || row->state == TCP_FIN_WAIT2;
}

static void tell_half(struct np_flows *flows, struct np_flow *flow, struct np_detail *d, bool open)
{
	struct np_event *event =
	    np_log_add(flows, flow, NP_EVENT_ANOMALY + NP_AN_HALF_CLOSE, flows->mono_ns);

	if (event) {
		event->detail.span_ns = flows->mono_ns - d->half_ns;
		event->detail.open = open;
		/* CLOSE_WAIT: the peer is done and this side goes on */
		event->detail.who = d->half_state == TCP_CLOSE_WAIT ? NP_WHO_REMOTE : NP_WHO_LOCAL;
		event->row.state = d->half_state;
		event->row.events = !d->half_told; /* its end is the same episode */
	}
	if (!d->half_told)
		flow->row.events++;
	d->half_told = true;
}

void np_half_close(struct np_flows *flows, struct np_flow *flow, bool gone)
{
	struct np_row *row = &flow->row;
	struct np_detail *d = row->detail;
	bool half = is_half(row) && !gone;

	if (!(flows->cfg.anomalies & 1U << NP_AN_HALF_CLOSE) ||
	    (!d && (!half || !(d = np_flow_detail(flows, flow)))))
		return;
	if (d->half_ns && (!half || d->half_state != row->state)) {
		if (flows->mono_ns - d->half_ns >= HALF_CLOSE_NS)
			tell_half(flows, flow, d, false);
		d->half_ns = 0;
		d->half_told = false;
	}
	if (!half)
		return;
	if (!d->half_ns) {
		d->half_ns = flows->mono_ns;
		d->half_state = row->state;
	} else if (!d->half_told && flows->mono_ns - d->half_ns >= HALF_CLOSE_NS) {
		tell_half(flows, flow, d, true);
	}
}
