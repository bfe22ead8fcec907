// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The life of connections: how one opened, how long it took, how and by whom it was ended. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "flow/table.h"

/* RFC 9293, 3.3.2; as the kernel's tcp_states.h numbers them. */
static bool half_closed(uint8_t state)
{
	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSING;
}

static bool peer_closed(uint8_t state)
{
	return state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK;
}

/* An error ended it; which ones the kernel sets: tcp_reset(), tcp_write_err(), icmp_err_convert. */
static enum np_end by_error(uint32_t sk_err)
{
	switch (sk_err) {
	case ECONNRESET:
	case EPIPE: /* an RST after the peer's FIN */
		return NP_END_RESET_RECV;
	case ETIMEDOUT:
		return NP_END_TIMEOUT;
	case ECONNREFUSED:
		return NP_END_REFUSED;
	case ECONNABORTED: /* ss -K, or a repair socket */
		return NP_END_ABORTED;
	default:
		return NP_END_UNREACHABLE;
	}
}

static enum np_end how(const struct np_ev_end *r)
{
	uint8_t state = r->sock.tuple.state;
	uint32_t fin = r->sock.hdr.flags & NP_EV_F_FIN_RCVD ? 1 : 0;

	if (r->sk_err)
		return by_error(r->sk_err);
	switch (state) {
	case TCP_SYN_SENT:
		return NP_END_GIVEN_UP;
	case TCP_SYN_RECV:
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		/* without a FIN of ours: an RST, and this is why; a FIN counts as a byte */
		return r->unread > fin ? NP_END_ABORTED : NP_END_RESET_SENT;
	default:
		return NP_END_CLOSED;
	}
}

static enum np_who closed_by(const struct np_ev_end *r)
{
	uint8_t state = r->sock.tuple.state;

	if (half_closed(state))
		return NP_WHO_LOCAL;
	if (peer_closed(state))
		return NP_WHO_REMOTE;
	switch (r->sk_err) {
	case 0:
	case ECONNABORTED:
		return NP_WHO_LOCAL;
	case ECONNRESET:
	case ECONNREFUSED:
		return NP_WHO_REMOTE;
	default:
		return NP_WHO_NONE; /* nobody: it died */
	}
}

static bool never_established(uint8_t state)
{
	return state == TCP_SYN_SENT || state == TCP_SYN_RECV || state == 12 /* NEW_SYN_RECV */;
}

static enum np_side side_of(uint32_t flags)
{
	return flags & NP_EV_F_ACCEPTED ? NP_SIDE_SERVER : NP_SIDE_CLIENT;
}

/* A listener's own moves; a child leaves LISTEN for SYN_RECV. */
static bool is_listener(const struct np_ev_state *r)
{
	return r->tuple.state == TCP_LISTEN ||
	       (r->oldstate == TCP_LISTEN && r->tuple.state != TCP_SYN_RECV);
}

/* Where no opening was seen it is older than the program: every one since is told. */
static void set_span(const struct np_flows *flows, struct np_flow *flow, struct np_detail *d)
{
	uint64_t from = d->opened_ns;

	if (!from) {
		flow->row.flags |= NP_ROW_OLD;
		from = flow->row.first_ns ? flow->row.first_ns : flows->mono_ns;
	}
	d->span_ns = np_grown(d->ts_ns, from);
}

void np_life_end(struct np_flows *flows, struct np_flow *flow, const struct np_ev_end *r)
{
	struct np_detail *d;

	if (!flows->cfg.life)
		return;
	d = np_flow_detail(flows, flow);
	if (!d)
		return;
	if (!r) {
		d->event = NP_EVENT_CLOSE;
		d->end = flow->row.proto == IPPROTO_TCP ? NP_END_GONE : NP_END_CLOSED;
		d->ts_ns = d->last_ns ? d->last_ns : flows->mono_ns;
	} else {
		bool failed = never_established(r->sock.tuple.state);

		d->event = failed ? NP_EVENT_FAIL : NP_EVENT_CLOSE;
		d->end = (uint8_t)how(r);
		d->closed_by = (uint8_t)closed_by(r);
		if (!d->side)
			d->side = (uint8_t)side_of(r->sock.hdr.flags);
		d->ts_ns = r->ts_ns ? r->ts_ns : flows->mono_ns;
		d->errnum = r->sk_err;
	}
	flow->row.events = 1;
	set_span(flows, flow, d);
}

/* The peer sent data after our close(), not an RST. */
static void reset_was_ours(struct np_flow *flow)
{
	struct np_detail *d = flow ? flow->row.detail : NULL;

	if (d && np_flow_ended(flow) && d->end == NP_END_RESET_RECV && d->closed_by == NP_WHO_LOCAL)
		d->end = NP_END_RESET_SENT;
}

void np_life_open(struct np_flows *flows, struct np_flow *flow, uint64_t opened_ns, uint32_t syn_us,
		  enum np_side side)
{
	struct np_detail *d = np_flow_detail(flows, flow);

	if (!d)
		return;
	d->opened_ns = opened_ns;
	d->side = (uint8_t)side;
	flow->row.first_ns = opened_ns;
	flow->row.flags &= (uint16_t)~NP_ROW_OLD;
	if (!syn_us || d->syn_us)
		return;
	d->syn_us = syn_us;
	if (side == NP_SIDE_CLIENT)
		d->syn_server_us = syn_us;
	else
		d->syn_client_us = syn_us;
	if (!flows->cfg.life || flows->cfg.syn)
		np_detail_sample(flows, d, NP_HIST_SYN, syn_us);
}

void np_take_state(struct np_flows *flows, const struct np_ev_state *r)
{
	struct np_flow *flow = np_map_get(&flows->map, r->cookie);
	bool open = r->tuple.state == TCP_ESTABLISHED;
	struct np_event *event;
	struct np_detail *d;

	if (r->hdr.flags & NP_EV_F_RESET)
		reset_was_ours(flow);
	if (is_listener(r) || r->oldstate == r->tuple.state)
		return;
	if (!flow || np_flow_ended(flow)) {
		if (r->tuple.state == TCP_CLOSE &&
		    (!flow || !(flows->cfg.log & 1U << NP_EVENT_STATE)))
			return; /* its end comes next */
		flow = np_flow_new(flows, r->cookie, r->cookie, IPPROTO_TCP);
	}
	d = flow ? np_flow_detail(flows, flow) : NULL;
	if (!d)
		return;
	np_flow_known(flows, flow);
	np_take_tuple(&flow->row, &r->tuple);
	flow->row.netns = r->netns;
	flow->row.cgroup_id = r->cgroup_id;
	flow->row.uid = r->uid;
	/* listen(fd, 0) leaves its children no limit of the queue to be known by: the move tells */
	if (r->oldstate == TCP_LISTEN || r->oldstate == TCP_SYN_RECV)
		d->side = NP_SIDE_SERVER;
	else if (!d->side)
		d->side = (uint8_t)side_of(r->hdr.flags);
	if (open && d->opened_ns && d->side == NP_SIDE_CLIENT)
		np_life_open(flows, flow, d->opened_ns,
			     (uint32_t)(np_grown(r->ts_ns, d->opened_ns) / 1000), NP_SIDE_CLIENT);
	else if (open && r->synack_us)
		np_life_open(flows, flow, r->ts_ns - r->synack_us * 1000ULL, r->synack_us,
			     NP_SIDE_SERVER);
	if (open && flows->cfg.opened)
		flows->cfg.opened(flows->cfg.ctx, &flow->row);
	event = np_log_add(flows, flow, open ? NP_EVENT_OPEN : NP_EVENT_STATE, r->ts_ns);
	if (event) {
		event->detail.oldstate = (uint8_t)r->oldstate;
		event->detail.span_ns = open ? d->syn_us * 1000ULL : 0;
	}
}

void np_life_idle(struct np_flows *flows, struct np_flow *flow)
{
	struct np_row *row = &flow->row;
	struct np_detail *d = row->detail;
	struct np_event *event;

	if (!flows->cfg.udp_idle_ns || !d || !d->last_ns || !(row->tx_segs + row->rx_segs) ||
	    np_grown(flows->mono_ns, d->last_ns) < flows->cfg.udp_idle_ns)
		return;
	event = np_log_add(flows, flow, NP_EVENT_CLOSE, d->last_ns);
	if (event) {
		event->detail.end = NP_END_IDLE;
		event->detail.span_ns = np_grown(d->last_ns, d->opened_ns);
		event->row.state = TCP_CLOSE;
	}
	/* the next datagram begins another flow */
	row->tx_bytes = row->rx_bytes = row->tx_segs = row->rx_segs = 0;
	row->flags &= (uint16_t)~NP_ROW_OLD;
	d->opened_ns = d->last_ns = 0;
}
