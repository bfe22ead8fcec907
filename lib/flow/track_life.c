// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* How connections open and close, by their packets: RFC 9293, 3.3.2, for both ends at once. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "flow/track.h"

static uint32_t us_between(uint64_t from, uint64_t to)
{
	uint64_t us = from ? np_grown(to, from) / 1000 : 0;

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

/* ---- the local end's state ---- */

/* The FIN of END was acknowledged. */
static bool fin_acked(const struct np_conn *c, unsigned int end)
{
	const struct np_half *h = &c->half[end], *peer = &c->half[!end];

	return h->has_fin && peer->has_ack && !np_seq_before(peer->ack, h->fin);
}

static uint8_t state_of(const struct np_conn *c)
{
	unsigned int l = c->local;

	if (c->phase == NP_PHASE_SYN)
		return l == c->client ? TCP_SYN_SENT : TCP_SYN_RECV;
	if (c->phase == NP_PHASE_CLOSED)
		return !c->reset_by && c->event == NP_EVENT_CLOSE && c->closed_by == 1 + l
			   ? TCP_TIME_WAIT
			   : TCP_CLOSE;
	if (!c->half[l].has_fin)
		return c->half[!l].has_fin ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
	if (!c->half[!l].has_fin)
		return fin_acked(c, l) ? TCP_FIN_WAIT2 : TCP_FIN_WAIT1;
	return c->closed_by == 1 + l ? TCP_CLOSING : TCP_LAST_ACK;
}

static bool is_half(uint8_t state)
{
	return state == TCP_CLOSE_WAIT || state == TCP_FIN_WAIT2;
}

/* The episode is timed by packets, not by the walk that tells it. */
static void half_closed(struct np_flows *flows, struct np_conn *c, uint8_t old, uint64_t ns)
{
	struct np_detail *d = c->flow->row.detail;

	if (!d || !(flows->cfg.anomalies & 1U << NP_AN_HALF_CLOSE))
		return;
	if (is_half(old) && d->half_ns) {
		np_track_sync(flows, c);
		d->missed_ns = ns;
		np_half_close(flows, c->flow, true);
	}
	if (is_half(c->state)) {
		d->half_ns = ns;
		d->half_state = c->state;
		d->half_told = false;
	}
}

/* Told as far as it was asked for. */
static void new_state(struct np_flows *flows, struct np_conn *c, uint64_t ns)
{
	uint8_t old = c->state;
	struct np_event *event;
	bool opens;

	c->state = state_of(c);
	if (c->state == old)
		return;
	opens = c->state == TCP_ESTABLISHED && (old == TCP_SYN_SENT || old == TCP_SYN_RECV);
	half_closed(flows, c, old, ns);
	if (c->phase == NP_PHASE_OPEN)
		np_track_wait(flows->track, c, is_half(c->state) ? NP_WAIT_HALF : NP_WAIT_OPEN, ns);
	if (!(flows->cfg.log & (1U << NP_EVENT_OPEN | 1U << NP_EVENT_STATE)))
		return;
	np_track_sync(flows, c);
	event = np_log_add(flows, c->flow, opens ? NP_EVENT_OPEN : NP_EVENT_STATE, ns);
	if (!event)
		return;
	event->detail.oldstate = old;
	event->detail.span_ns = opens ? event->detail.syn_us * 1000ULL : 0;
}

/* ---- the beginning ---- */

static enum np_side side_of(const struct np_conn *c)
{
	return c->local == c->client ? NP_SIDE_CLIENT : NP_SIDE_SERVER;
}

static void opening(struct np_flows *flows, const struct np_seg *s)
{
	struct np_conn *c = s->conn;
	bool synack = s->d->flags & NP_TH_ACK;
	uint64_t *first = synack ? &c->synack_ns : &c->syn_ns;

	c->half[s->from].has_syn = true;
	c->half[s->from].wscale = s->d->wscale;
	if (synack)
		c->synacks++;
	else
		c->syns++;
	if (!synack)
		c->last_syn_ns = s->ns;
	if (*first)
		return;
	*first = s->ns;
	if (!c->syn_ns || !synack)
		np_life_open(flows, c->flow, s->ns, 0, side_of(c));
}

static void open_up(struct np_flows *flows, struct np_conn *c, uint64_t ns)
{
	struct np_detail *d = c->flow->row.detail;
	uint64_t began = c->syn_ns ? c->syn_ns : c->synack_ns;

	c->phase = NP_PHASE_OPEN;
	np_life_open(flows, c->flow, began, c->syn_ns ? us_between(c->syn_ns, ns) : 0, side_of(c));
	if (d) {
		d->syn_server_us =
		    c->syn_ns && c->synack_ns ? us_between(c->syn_ns, c->synack_ns) : 0;
		d->syn_client_us = us_between(c->synack_ns, ns);
	}
	np_track_wait(flows->track, c, NP_WAIT_OPEN, ns);
}

/* A bare ACK of something else in answer to a SYN: the ports were in use (RFC 9293, 3.10.7.4). */
static void challenged(struct np_flows *flows, const struct np_seg *s)
{
	struct np_conn *c = s->conn;
	struct np_ev_anomaly r = { .kind = NP_AN_PORT_REUSE, .ts_ns = s->ns, .seq = s->d->ack };

	if (s->d->payload || s->d->flags & (NP_TH_FIN | NP_TH_RST))
		return;
	c->challenge = s->d->ack;
	if (c->told_reuse)
		return;
	c->told_reuse = true;
	r.who = c->client == c->local ? NP_WHO_LOCAL : NP_WHO_REMOTE;
	np_track_tell(flows, c, &r);
}

/* What acknowledges neither the SYN nor anything that came with it. */
static bool is_strange(const struct np_half *client, uint32_t ack)
{
	uint32_t from = client->base + 1;

	return client->has_reach && ack - from > client->reach - from;
}

/* What follows a SYN. A capture may miss either direction. */
static void after_syn(struct np_flows *flows, const struct np_seg *s)
{
	struct np_conn *c = s->conn;
	const struct np_half *client = &c->half[c->client], *server = &c->half[!c->client];

	if (!(s->d->flags & NP_TH_ACK))
		return;
	if (s->from == c->client) {
		if (!c->synack_ns || np_seq_before(server->base, s->d->ack))
			open_up(flows, c, s->ns);
	} else if (!c->synack_ns && is_strange(client, s->d->ack)) {
		challenged(flows, s);
	} else if (!c->synack_ns || (s->d->payload && !client->packets)) {
		open_up(flows, c, s->ns);
	}
}

/* ---- the end ---- */

/* The row stays for a while: what still comes of it belongs to it. */
static void finish(struct np_flows *flows, struct np_conn *c, enum np_row_event event,
		   enum np_end end, uint64_t ns)
{
	struct np_row *row = &c->flow->row;

	c->phase = NP_PHASE_CLOSED;
	c->event = (uint8_t)event;
	c->end = (uint8_t)end;
	c->end_ns = ns;
	c->end_tick = flows->tick;
	for (uint8_t i = 0; i < 2; i++)
		if (c->half[i].zero_ns)
			np_track_tell_window(flows, c, i, ns, false);
	np_flow_touch(flows, c->flow);
	row->conns = 0;
	row->ended = 1;
	flows->stats.ended++;
	np_track_wait(flows->track, c, NP_WAIT_CLOSED, ns);
	new_state(flows, c, ns);
}

/* SK_ERR as connect() would have it; 0: given up, or never answered. */
static void failed(struct np_flows *flows, struct np_conn *c, uint32_t sk_err, uint8_t an_flags,
		   uint64_t ns)
{
	struct np_ev_anomaly r = { .kind = NP_AN_CONNECT_FAIL, .ts_ns = ns, .sk_err = sk_err };

	if (c->local != c->client || !c->syn_ns)
		return;
	r.flags = an_flags;
	r.dur_ns = np_grown(ns, c->syn_ns);
	r.nth = c->syns ? c->syns - 1 : 0;
	np_track_tell(flows, c, &r);
}

/* Before it was established: no service there, or nobody waits for it any more. */
static void reset_early(struct np_flows *flows, const struct np_seg *s)
{
	struct np_conn *c = s->conn;
	const struct np_half *client = &c->half[c->client];
	bool ours = s->from == c->local;
	enum np_end end = ours ? NP_END_RESET_SENT : NP_END_RESET_RECV;

	/* RFC 9293, 3.10.7.3: what does not acknowledge the SYN is not for it */
	if (s->from != c->client && s->d->flags & NP_TH_ACK && client->has_syn && !s->d->payload &&
	    !np_syn_acked(client, s->d->ack))
		return;
	c->reset_by = (uint8_t)(1 + s->from);
	c->closed_by = c->reset_by;
	if (c->local == c->client && ours)
		end = NP_END_GIVEN_UP;
	else if (c->local == c->client && !c->synack_ns)
		end = NP_END_REFUSED;
	failed(flows, c,
	       end == NP_END_REFUSED      ? ECONNREFUSED
	       : end == NP_END_RESET_RECV ? ECONNRESET
					  : 0,
	       end == NP_END_GIVEN_UP ? NP_AN_F_GAVE_UP : 0, s->ns);
	finish(flows, c, NP_EVENT_FAIL, end, s->ns);
}

/* RFC 9293, 3.10.7.3: the answer to a strange ACK, for the sake of the old connection. The client
 * goes on waiting, and its SYN comes again. */
static bool answers_challenge(const struct np_seg *s)
{
	const struct np_conn *c = s->conn;

	return c->phase == NP_PHASE_SYN && c->told_reuse && s->from == c->client &&
	       s->d->seq == c->challenge;
}

static void reset(struct np_flows *flows, const struct np_seg *s)
{
	struct np_conn *c = s->conn;
	bool ours = s->from == c->local;
	struct np_ev_anomaly r = { .kind = ours ? NP_AN_RST_SENT : NP_AN_RST_RECV,
				   .ts_ns = s->ns,
				   .seq = s->d->seq - c->half[s->from].base - 1,
				   .tcp_flags = s->d->flags };

	r.who = ours ? NP_WHO_LOCAL : NP_WHO_REMOTE;
	r.len = s->d->payload;
	np_track_tell(flows, c, &r);
	if (answers_challenge(s))
		return;
	c->any_reset = true;
	if (c->phase == NP_PHASE_SYN) {
		reset_early(flows, s);
	} else if (c->phase == NP_PHASE_OPEN) {
		c->reset_by = (uint8_t)(1 + s->from);
		if (!c->closed_by)
			c->closed_by = c->reset_by;
		finish(flows, c, NP_EVENT_CLOSE, ours ? NP_END_RESET_SENT : NP_END_RESET_RECV,
		       s->ns);
	}
}

/* The end that was said to have reset it goes on: the RST was not its own, or not taken. */
static void lives_on(struct np_flows *flows, const struct np_seg *s)
{
	struct np_conn *c = s->conn;

	if (!c->reset_by || s->from != c->reset_by - 1 || c->event != NP_EVENT_CLOSE)
		return;
	if (!s->fresh && !s->further)
		return;
	c->phase = NP_PHASE_OPEN;
	if (c->closed_by == c->reset_by && !c->half[s->from].has_fin)
		c->closed_by = 0;
	c->reset_by = 0;
	np_flow_touch(flows, c->flow);
	c->flow->row.conns = 1;
	c->flow->row.ended = 0;
	flows->stats.ended--;
	np_track_wait(flows->track, c, NP_WAIT_OPEN, s->ns);
}

void np_track_live(struct np_flows *flows, const struct np_seg *s)
{
	struct np_conn *c = s->conn;
	struct np_half *h = &c->half[s->from];

	if (s->d->flags & NP_TH_RST) {
		reset(flows, s);
		return;
	}
	if (c->phase == NP_PHASE_CLOSED)
		lives_on(flows, s);
	if (s->d->flags & NP_TH_SYN)
		opening(flows, s);
	else if (c->phase == NP_PHASE_SYN)
		after_syn(flows, s);
	if (s->d->flags & NP_TH_FIN && !(s->d->flags & NP_TH_SYN) && !h->has_fin) {
		h->has_fin = true;
		h->fin = np_seg_end(s->d);
		if (!c->closed_by)
			c->closed_by = (uint8_t)(1 + s->from);
	}
	if (c->phase == NP_PHASE_OPEN && c->closed_by && fin_acked(c, 0) && fin_acked(c, 1))
		finish(flows, c, NP_EVENT_CLOSE, NP_END_CLOSED, s->ns);
	else if (c->phase != NP_PHASE_CLOSED)
		new_state(flows, c, s->ns);
}

void np_track_refused(struct np_flows *flows, struct np_conn *c, uint32_t sk_err, uint64_t ns)
{
	if (c->phase != NP_PHASE_SYN || c->synack_ns)
		return;
	failed(flows, c, sk_err, 0, ns);
	finish(flows, c, NP_EVENT_FAIL,
	       sk_err == ECONNREFUSED ? NP_END_REFUSED : NP_END_UNREACHABLE, ns);
}

/* What is told of one that nothing has ended, at the end of the capture or after a long silence. */
static void run_out(struct np_flows *flows, struct np_conn *c, bool last)
{
	for (uint8_t i = 0; i < 2; i++)
		if (c->half[i].zero_ns)
			np_track_tell_window(flows, c, i, last ? flows->track->now_ns : c->last_ns,
					     last);
	c->event = NP_EVENT_CLOSE;
	c->end_ns = c->last_ns;
	if (c->proto != IPPROTO_TCP) {
		c->end = last ? NP_END_UNFINISHED : NP_END_IDLE;
	} else if (c->phase == NP_PHASE_SYN) {
		c->event = NP_EVENT_FAIL;
		c->end = NP_END_UNANSWERED;
		failed(flows, c, 0, NP_AN_F_UNANSWERED, c->last_ns);
	} else {
		c->end = last ? NP_END_UNFINISHED : NP_END_GONE;
		flows->stats.vanished += !last;
	}
}

void np_track_end(struct np_flows *flows, struct np_conn *c, bool last)
{
	bool told = c->phase == NP_PHASE_CLOSED;
	struct np_flow *flow = c->flow;
	enum np_who by = NP_WHO_NONE;

	if (!told)
		run_out(flows, c, last);
	/* a table shows the living as they are */
	if (last && !told && !flows->cfg.life)
		return;
	if (c->closed_by)
		by = c->closed_by == 1 + c->local ? NP_WHO_LOCAL : NP_WHO_REMOTE;
	np_track_sync(flows, c);
	np_life_close(flows, flow, (enum np_row_event)c->event, (enum np_end)c->end, by, c->end_ns);
	np_flow_end(flows, flow);
	if (told && c->end_tick != flows->tick)
		flow->row.ended = 0; /* it counted when it closed */
	flow->row.state = c->proto == IPPROTO_TCP ? c->state : TCP_CLOSE;
	c->flow = NULL;
}
