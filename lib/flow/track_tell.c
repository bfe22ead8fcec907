// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What packets add up to, as rows, anomalies and first packets of the flow table. */
#include <netinet/in.h>
#include <string.h>

#include "flow/track.h"

void np_track_sync(struct np_flows *flows, struct np_conn *c)
{
	const struct np_half *tx = &c->half[c->local], *rx = &c->half[!c->local];
	struct np_row *row = &c->flow->row;
	struct np_detail *d = row->detail;
	uint64_t again = tx->again_bytes - row->retrans_bytes;

	np_flow_touch(flows, c->flow);
	row->d_tx += tx->bytes - row->tx_bytes;
	row->d_rx += rx->bytes - row->rx_bytes;
	row->d_sent += tx->bytes - row->tx_bytes + again;
	row->d_retrans_bytes += again;
	row->d_tx_segs += tx->packets - row->tx_segs;
	row->d_rx_segs += rx->packets - row->rx_segs;
	row->tx_bytes = tx->bytes;
	row->rx_bytes = rx->bytes;
	row->tx_segs = tx->packets;
	row->rx_segs = rx->packets;
	row->retrans = tx->again;
	row->retrans_bytes = tx->again_bytes;
	row->state = c->state;
	row->rtt_us = (uint32_t)c->srtt_us;
	row->rttvar_us = (uint32_t)c->rttvar_us;
	row->min_rtt_us = c->min_rtt_us;
	if (!d)
		return;
	d->seen = (struct np_seen){ .rx_retrans = rx->again,
				    .rx_retrans_bytes = rx->again_bytes,
				    .tx_wire = tx->wire,
				    .rx_wire = rx->wire };
	d->last_ns = c->last_ns;
}

static void ends(struct np_ev_tuple *t, const struct np_conn *c)
{
	memcpy(t->laddr, c->addr[c->local], 16);
	memcpy(t->raddr, c->addr[!c->local], 16);
	t->lport = c->port[c->local];
	t->rport = c->port[!c->local];
	t->family = c->family;
	t->proto = c->proto;
	t->state = c->state;
}

void np_track_tell(struct np_flows *flows, struct np_conn *c, struct np_ev_anomaly *r)
{
	np_track_sync(flows, c);
	r->hdr = (struct np_ev_hdr){ .type = NP_EV_ANOMALY, .size = sizeof(*r) };
	r->cookie = c->flow->cookie;
	r->task.uid = UINT32_MAX;
	r->srtt_us = (uint32_t)c->srtt_us;
	r->stack_id = -1;
	ends(&r->tuple, c);
	np_take_anomaly(flows, r);
}

#define RTO_MIN_NS 200000000ULL /* of Linux; others wait longer */

static enum np_cause cause_of(const struct np_seg *s)
{
	const struct np_half *f = &s->conn->half[s->from], *r = &s->conn->half[!s->from];

	if (s->d->flags & NP_TH_SYN)
		return NP_CAUSE_SYN;
	if (s->what & NP_SEG_FAST)
		return NP_CAUSE_FAST;
	/* the first that is not acknowledged, after a silence */
	if (!(s->what & NP_SEG_SPURIOUS) && s->d->seq == r->ack &&
	    np_grown(s->ns, f->next_ns) >= RTO_MIN_NS)
		return NP_CAUSE_RTO;
	return NP_CAUSE_UNKNOWN;
}

void np_track_tell_segment(struct np_flows *flows, const struct np_seg *s)
{
	struct np_conn *c = s->conn;
	bool synack = (s->d->flags & (NP_TH_SYN | NP_TH_ACK)) == (NP_TH_SYN | NP_TH_ACK);
	struct np_ev_anomaly r = { .kind = synack ? NP_AN_SYNACK_RETRANS : NP_AN_RETRANS,
				   .ts_ns = s->ns,
				   .segs = 1,
				   .tcp_flags = s->d->flags };

	r.who = s->from == c->local ? NP_WHO_LOCAL : NP_WHO_REMOTE;
	r.cause = synack ? NP_CAUSE_NONE : (uint8_t)cause_of(s);
	r.seq = s->d->flags & NP_TH_SYN ? 0 : s->d->seq - c->half[s->from].base - 1;
	r.len = s->d->payload;
	r.nth = synack ? c->synacks : 0;
	np_track_tell(flows, c, &r);
}

void np_track_tell_window(struct np_flows *flows, struct np_conn *c, uint8_t end, uint64_t ns,
			  bool ongoing)
{
	struct np_half *h = &c->half[end];
	struct np_ev_anomaly r = { .kind = NP_AN_ZERO_WINDOW,
				   .ts_ns = h->zero_ns,
				   .dur_ns = np_grown(ns, h->zero_ns),
				   .nth = h->zeros,
				   .flags = ongoing ? NP_AN_F_OPEN : 0 };

	r.who = end == c->local ? NP_WHO_LOCAL : NP_WHO_REMOTE;
	np_track_tell(flows, c, &r);
	if (ongoing)
		return;
	h->zero_ns = 0;
	h->zeros = 0;
}

void np_track_peek(struct np_flows *flows, const struct np_seg *s)
{
	const struct np_decoded *d = s->d;
	struct np_conn *c = s->conn;
	struct np_ev_packet *p = flows->track->peek;
	uint32_t room = c->peeked < NP_PEEK_HUGE_OF ? NP_PEEK_HUGE : NP_PEEK_LARGE;

	if (!d->payload || !s->fresh || c->peeked >= NP_PEEK_PACKETS)
		return;
	c->peeked++;
	memset(p, 0, sizeof(*p));
	p->hdr = (struct np_ev_hdr){ .type = NP_EV_PACKET, .size = (uint16_t)(sizeof(*p) + room) };
	p->cookie = c->flow->cookie;
	p->ts_ns = s->ns;
	ends(&p->tuple, c);
	p->wire_len = d->ip_len;
	p->cap_len = d->ip_cap < room ? d->ip_cap : room;
	p->dir = s->from == c->local ? NP_DIR_TX : NP_DIR_RX;
	memcpy(p->data, d->ip, p->cap_len);
	flows->cfg.l7->packet(flows->l7, p, p->hdr.size);
}
