// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Records of sockets: what they add to the table, and whose they say a connection is. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "flow/table.h"

void np_take_owner_of(struct np_flows *flows, struct np_flow *flow, const struct np_ev_task *task,
		      enum np_owner_via via)
{
	struct np_row *row = &flow->row;

	if (row->pid == task->pid && row->start_ns == task->start_ns) {
		if (via > row->via)
			row->via = (uint8_t)via;
		memcpy(row->comm, task->comm, sizeof(row->comm)); /* exec() and prctl() rename */
		row->comm[sizeof(row->comm) - 1] = '\0';
		return;
	}
	if (flows->release)
		flows->release(flows->ctx, row);
	row->proc = NULL;
	row->cgroup = NULL;
	row->meta_done = 0;
	row->pid = task->pid;
	row->start_ns = task->start_ns;
	memcpy(row->comm, task->comm, sizeof(row->comm));
	row->comm[sizeof(row->comm) - 1] = '\0';
	row->via = (uint8_t)via;
}

/* Somebody holds a file of the socket. Many may: the owner stays the same while it holds it too. */
void np_take_holder(struct np_flows *flows, struct np_flow *flow, const struct np_ev_task *task)
{
	struct np_row *row = &flow->row;
	bool same = row->pid == task->pid && row->start_ns == task->start_ns;

	if (!task->pid)
		return;
	if (same || !row->pid || flow->owner_seen + 1 < flows->walk) {
		np_take_owner_of(flows, flow, task, NP_VIA_SCAN);
		flow->owner_seen = flows->walk;
	}
}

#define HANDED_ON_NS 1000000000ULL

/*
 * Who closes a connection is its owner where none is known, or where only a walk a moment ago says
 * otherwise: it saw a process between accept() and the fork() that hands the connection on.
 */
static bool closer_owns(const struct np_flows *flows, const struct np_flow *flow)
{
	const struct np_row *row = &flow->row;

	return !row->pid ||
	       (row->via == NP_VIA_SCAN && flows->mono_ns - row->first_ns < HANDED_ON_NS);
}

void np_take_tuple(struct np_row *row, const struct np_ev_tuple *t)
{
	memcpy(row->laddr, t->laddr, sizeof(row->laddr));
	memcpy(row->raddr, t->raddr, sizeof(row->raddr));
	row->lport = t->lport;
	row->rport = t->rport;
	row->family = t->family;
	row->state = t->state;
}

/* Of a counter that wraps at 32 bits; half a turn back is a stale record. */
static uint32_t grown32(uint32_t now, uint64_t before)
{
	uint32_t diff = now - (uint32_t)before;

	return diff <= INT32_MAX ? diff : 0;
}

/* A later record of the same connection never counts less; what a stale one lacks changes nothing.
 */
static void count_tcp(struct np_row *row, const struct np_ev_sock *r, bool fresh, bool show)
{
	bool fin = (r->hdr.flags & NP_EV_F_FIN_RCVD) && r->bytes_received;
	/* the walk takes no lock: a segment may be counted as sent again before it is as sent */
	uint64_t tx = np_grown(np_grown(r->bytes_sent, r->bytes_retrans), row->tx_bytes);
	uint64_t rx = np_grown(r->bytes_received - fin, row->rx_bytes);
	uint64_t again = np_grown(r->bytes_retrans, row->retrans_bytes);
	uint64_t tx_segs = fresh ? r->segs_out : grown32(r->segs_out, row->tx_segs);
	uint64_t rx_segs = fresh ? r->segs_in : grown32(r->segs_in, row->rx_segs);

	row->tx_bytes += tx;
	row->rx_bytes += rx;
	/* a walk may read the FIN as a byte a moment before it reads that there was one; nothing
	 * follows it */
	if (fin)
		row->rx_bytes = r->bytes_received - 1;
	row->tx_segs += tx_segs;
	row->rx_segs += rx_segs;
	row->retrans_bytes += again;
	if (!show)
		return;
	row->d_tx += tx;
	row->d_rx += rx;
	row->d_tx_segs += tx_segs;
	row->d_rx_segs += rx_segs;
	row->d_sent += tx + again;
	row->d_retrans_bytes += again;
}

/* LAST: it has ended. */
static void set_tcp(struct np_flows *flows, struct np_flow *flow, const struct np_ev_sock *r,
		    bool last)
{
	struct np_row *row = &flow->row;
	uint32_t again = (uint32_t)np_grown(r->total_retrans, row->retrans);

	np_flow_touch(flows, flow);
	np_flow_known(flows, flow);
	if (flows->cfg.side && np_flow_detail(flows, flow) && !row->detail->side)
		row->detail->side =
		    r->hdr.flags & NP_EV_F_ACCEPTED ? NP_SIDE_SERVER : NP_SIDE_CLIENT;
	np_again_counted(flows, flow, again, last);
	row->retrans += again;
	/* what a connection older than the program has moved before is no rate of this interval */
	count_tcp(row, r, !flow->seen, !flows->first || flow->seen);
	row->drops = r->drops;
	row->rtt_us = r->srtt_us;
	row->rttvar_us = r->srtt_us ? r->rttvar_us : 0; /* the kernel starts it at a guess */
	row->min_rtt_us = r->min_rtt_us == UINT32_MAX ? 0 : r->min_rtt_us;
	row->cwnd = r->cwnd;
	row->ssthresh = r->ssthresh;
	row->mss = r->mss;
	row->uid = r->task.uid;
	row->cgroup_id = r->cgroup_id;
	row->netns = r->netns;
	np_take_tuple(row, &r->tuple);
}

/*
 * Walks find most sockets in the order of the walk before, and a look at the one that followed then
 * is cheaper than a hash: while a connection lives, `next` is its successor in the last walk. That
 * one may have ended and its slot have been used again since, so the cookie decides.
 */
static struct np_flow *find_sock(struct np_flows *flows, uint64_t key, const struct np_ev_sock *r)
{
	struct np_flow *before = flows->latest, *flow = before ? before->next : NULL;

	if (r->tuple.proto != IPPROTO_TCP)
		return np_map_get(&flows->map, key);
	if (!flow || !flow->used || np_flow_ended(flow) || flow->cookie != r->cookie ||
	    flow->row.proto != IPPROTO_TCP)
		flow = np_map_get(&flows->map, key);
	return flow;
}

/* The successor is remembered only by one that lives: otherwise `next` is a list's. */
static void follows(struct np_flows *flows, struct np_flow *flow)
{
	struct np_flow *before = flows->latest;

	if (flow->row.proto != IPPROTO_TCP)
		return;
	if (before && before->used && !np_flow_ended(before) && before != flow)
		before->next = flow;
	flows->latest = flow;
}

static bool is_datagram(uint8_t proto)
{
	return proto == IPPROTO_UDP || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

void np_take_sock(struct np_flows *flows, const struct np_ev_sock *r)
{
	uint64_t key = np_flow_key(flows, r->cookie, r->tuple.proto, r->task.pid);
	struct np_flow *flow = find_sock(flows, key, r);
	bool closed = r->tuple.proto == IPPROTO_TCP && r->tuple.state == TCP_CLOSE;

	if (r->tuple.proto != IPPROTO_TCP && !is_datagram(r->tuple.proto)) {
		flows->stats.bad++;
		return;
	}
	if (r->hdr.flags & NP_EV_F_LISTEN) {
		np_take_listener(flows, flow, key, r);
		return;
	}
	/* reset, and its process has yet to notice: that is all there is to learn */
	if (closed) {
		if (flow && !flow->row.pid && (np_flow_ended(flow) || flows->cfg.walks_only))
			np_take_owner_of(flows, flow, &r->task, NP_VIA_SCAN);
		return;
	}
	if (!flow || np_flow_ended(flow)) {
		flow = np_flow_new(flows, key, r->cookie, r->tuple.proto);
		if (!flow)
			return;
	}
	if (!(r->hdr.flags & NP_EV_F_NO_OWNER))
		np_take_holder(flows, flow, &r->task);
	if (r->tuple.proto != IPPROTO_TCP) {
		np_flow_touch(flows, flow);
		np_take_tuple(&flow->row, &r->tuple);
		flow->row.uid = r->task.uid;
		flow->row.cgroup_id = r->cgroup_id;
		flow->row.netns = r->netns;
		flow->row.drops = r->drops;
		if (r->hdr.flags & NP_EV_F_NO_BYTES)
			flow->row.flags |= NP_ROW_NO_BYTES;
	} else if (flow->seen != flows->walk) {
		/* the first holder's record stands for all of them */
		set_tcp(flows, flow, r, false);
		np_half_close(flows, flow, false);
		flows->seen_tcp++;
	}
	flow->seen = flows->walk;
	flow->missed = 0;
	if (!(r->hdr.flags & NP_EV_F_NO_FILE))
		flow->unseen = 0;
	follows(flows, flow);
}

void np_take_end(struct np_flows *flows, const struct np_ev_end *end)
{
	const struct np_ev_sock *r = &end->sock;
	bool connected = r->hdr.flags & NP_EV_F_CONNECTED;
	struct np_flow *flow = np_map_get(&flows->map, r->cookie);

	if (r->tuple.proto != IPPROTO_TCP) {
		flows->stats.bad++;
		return;
	}
	if (!flow || np_flow_ended(flow)) {
		flow = np_flow_new(flows, r->cookie, r->cookie, IPPROTO_TCP);
		if (!flow)
			return;
	}
	set_tcp(flows, flow, r, true);
	if (!(r->hdr.flags & NP_EV_F_NO_OWNER) && (connected || closer_owns(flows, flow)))
		np_take_owner_of(flows, flow, &r->task, connected ? NP_VIA_CONNECT : NP_VIA_CLOSE);
	if (end->opened_ns)
		np_life_open(flows, flow, end->opened_ns, end->syn_us,
			     connected ? NP_SIDE_CLIENT : NP_SIDE_SERVER);
	if (flows->cfg.opened)
		flows->cfg.opened(flows->cfg.ctx, &flow->row);
	np_life_end(flows, flow, end);
	np_flow_end(flows, flow);
	flows->stats.ended++;
}

void np_take_owner(struct np_flows *flows, const struct np_ev_owner *r)
{
	struct np_flow *flow = np_map_get(&flows->map, r->cookie);
	bool connects = r->via == NP_VIA_CONNECT, scan = r->via == NP_VIA_SCAN;

	/* who moves bytes through a UDP socket is known only with the bytes */
	if (r->proto != IPPROTO_TCP && (!flow || flow->row.proto != r->proto))
		return;
	/* an address is used again at once: the one that ended there is another connection */
	if (flow && np_flow_ended(flow) &&
	    (connects || scan || (flows->cfg.by_address && flow->row.pid)))
		flow = NULL;
	if (!flow) {
		/*
		 * No walk saw it yet: its end, or the next walk, brings the rest, and with it the
		 * row. Neither does where a process closes the file of a connection long reset.
		 */
		flow = np_flow_new(flows, r->cookie, r->cookie, IPPROTO_TCP);
		if (!flow)
			return;
		flow->named = true;
		flows->named++;
		flow->row.netns = r->netns;
		flow->row.uid = r->task.uid;
	}
	if (scan) {
		np_take_holder(flows, flow, &r->task);
	} else if (r->task.pid && (connects || closer_owns(flows, flow))) {
		np_take_owner_of(flows, flow, &r->task, (enum np_owner_via)r->via);
		flow->owner_seen = flows->walk;
	}
	if (r->cgroup_id)
		flow->row.cgroup_id = r->cgroup_id;
	if (r->opened_ns && flows->cfg.opened)
		flows->cfg.opened(flows->cfg.ctx, &flow->row);
	if (r->opened_ns)
		np_life_open(flows, flow, r->opened_ns, r->syn_us,
			     connects ? NP_SIDE_CLIENT : NP_SIDE_SERVER);
}

void np_take_udp(struct np_flows *flows, const struct np_ev_udp *r)
{
	uint8_t proto = is_datagram(r->tuple.proto) ? r->tuple.proto : IPPROTO_UDP;
	uint64_t key = np_flow_key(flows, r->cookie, proto, r->task.pid);
	struct np_flow *flow = np_map_get(&flows->map, key);
	uint64_t raw[4] = { r->tx_bytes, r->rx_bytes, r->tx_packets, r->rx_packets };
	struct np_detail *d;
	struct np_row *row;

	if (!flow || np_flow_ended(flow)) {
		flow = np_flow_new(flows, key, r->cookie, proto);
		if (!flow)
			return;
	}
	d = np_flow_detail(flows, flow);
	if (!d)
		return;
	np_flow_touch(flows, flow);
	row = &flow->row;
	/* after a silence that ended the flow before it, the entry may be the same still */
	if (!d->opened_ns && raw[2] + raw[3] > d->raw[2] + d->raw[3])
		d->opened_ns = d->raw[2] + d->raw[3] ? r->last_ns : r->first_ns;
	d->last_ns = r->last_ns;
	if (!(r->hdr.flags & NP_EV_F_NO_OWNER)) {
		np_take_owner_of(flows, flow, &r->task, NP_VIA_SEND);
		flow->owner_seen = flows->walk;
	}
	if (r->tuple.family)
		np_take_tuple(row, &r->tuple);
	if (r->netns)
		row->netns = r->netns;
	if (r->cgroup_id)
		row->cgroup_id = r->cgroup_id;
	row->uid = r->task.uid;
	row->d_tx += np_grown(raw[0], d->raw[0]);
	row->d_rx += np_grown(raw[1], d->raw[1]);
	row->d_tx_segs += np_grown(raw[2], d->raw[2]);
	row->d_rx_segs += np_grown(raw[3], d->raw[3]);
	row->tx_bytes += np_grown(raw[0], d->raw[0]);
	row->rx_bytes += np_grown(raw[1], d->raw[1]);
	row->tx_segs += np_grown(raw[2], d->raw[2]);
	row->rx_segs += np_grown(raw[3], d->raw[3]);
	memcpy(d->raw, raw, sizeof(raw));
	flow->in_map = !(r->hdr.flags & NP_EV_F_LAST);
	if (!flow->in_map)
		memset(d->raw, 0, sizeof(d->raw)); /* the next entry counts from 0 */
}
