// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Packets in, and time: which connection each is of, and when one has waited for long enough. */
#include <netinet/in.h>
#include <string.h>

#include "flow/track.h"

#define SECOND     1000000000ULL
#define MAX_CLOSED 16384 /* connections that stay after their end for what still comes */

/* How long each is waited for. */
static const uint64_t patience[NP_WAITS] = {
	[NP_WAIT_SYN] = 130 * SECOND,       /* tcp(7): tcp_syn_retries 6 takes 127 s */
	[NP_WAIT_OPEN] = 3 * 3600 * SECOND, /* longer than tcp_keepalive_time */
	[NP_WAIT_HALF] = 5 * SECOND,        /* SEMANTICS: told as half-closed from then on */
	[NP_WAIT_CLOSED] = 10 * SECOND,     /* what is still on its way */
	[NP_WAIT_DATAGRAM] = 30 * SECOND,
};

static void end(struct np_flows *flows, struct np_conn *c, bool last)
{
	np_track_end(flows, c, last);
	if (!c->flow)
		np_track_forget(flows->track, c);
}

/* ---- packets ---- */

/* A SYN of a connection whose ends are used again. */
static bool is_another(const struct np_conn *c, const struct np_decoded *d, uint8_t from)
{
	const struct np_half *f = &c->half[from];

	return np_is_syn(d) && f->has_base &&
	       (d->seq != f->base || c->any_reset || c->half[0].has_fin || c->half[1].has_fin);
}

static void count(struct np_half *h, const struct np_packet *packet)
{
	h->packets++;
	h->wire += packet->wire_len;
}

static void windows(struct np_flows *flows, const struct np_seg *s)
{
	struct np_half *h = &s->conn->half[s->from];

	if (s->what & NP_SEG_ZERO_WINDOW) {
		if (!h->zero_ns)
			h->zero_ns = s->ns;
		h->zeros++;
	} else if (h->zero_ns && s->d->window && !(s->d->flags & NP_TH_RST)) {
		np_track_tell_window(flows, s->conn, s->from, s->ns, false);
	}
}

/* A SYN-ACK with other numbers: the server forgot its first one, or that was not its own. */
static bool answers_anew(const struct np_seg *s)
{
	const struct np_conn *c = s->conn;
	const struct np_half *server = &c->half[s->from];

	return c->phase == NP_PHASE_SYN && s->from != c->client && s->d->flags & NP_TH_SYN &&
	       s->d->flags & NP_TH_ACK && server->has_base && s->d->seq != server->base &&
	       np_syn_acked(&c->half[c->client], s->d->ack);
}

static void segment(struct np_flows *flows, struct np_seg *s)
{
	struct np_conn *c = s->conn;
	const struct np_decoded *d = s->d;
	struct np_half *f = &c->half[s->from];
	uint32_t data = d->seq + (d->flags & NP_TH_SYN ? 1 : 0);

	if (answers_anew(s))
		np_track_restart(c, s->from);
	/* the same SYN: what was sent before it is void (an RST may have moved the numbers) */
	if (np_is_syn(d) && f->has_base && f->has_reach)
		f->next = f->reach;
	/* what comes first may not be the first: the SYN says where the bytes begin */
	if (d->flags & NP_TH_SYN && !f->has_high) {
		f->high = data;
		f->has_high = true;
	}
	s->further = d->flags & NP_TH_ACK && f->has_ack && np_seq_before(f->ack, d->ack);
	s->what = np_track_judge(s, np_track_seen(f, data, d->payload));
	if (!(d->flags & NP_TH_RST))
		s->fresh = np_track_fresh(flows, f, data, d->payload);
	f->bytes += s->fresh;
	if (np_is_syn(d))
		c->last_syn_ns = s->ns;
	else if (d->flags & NP_TH_ACK && !(d->flags & NP_TH_SYN) && c->last_syn_ns &&
		 !c->first_rtt_ns)
		c->first_rtt_ns = np_grown(s->ns, c->last_syn_ns);
	if (s->what & NP_SEG_RETRANS) {
		f->again++;
		f->again_bytes += d->payload;
		np_track_tell_segment(flows, s);
	}
	np_track_rtt(flows, s);
	if (flows->cfg.times & (1U << NP_HIST_SRT | 1U << NP_HIST_ART))
		np_track_turn(flows, s);
	windows(flows, s);
	np_track_live(flows, s);
}

static uint64_t datagram_ns(const struct np_flows *flows)
{
	return flows->cfg.udp_idle_ns ? flows->cfg.udp_idle_ns : patience[NP_WAIT_DATAGRAM];
}

static void packet(struct np_flows *flows, const struct np_decoded *d, const struct np_packet *p)
{
	struct np_track *t = flows->track;
	uint8_t from = np_track_sender(d);
	uint64_t hash;
	struct np_conn *c = np_track_find(t, d, from, &hash);
	struct np_seg s = { .d = d, .from = from, .ns = p->ts_ns };
	bool tcp = d->proto == IPPROTO_TCP;

	if (c &&
	    (tcp ? is_another(c, d, from) : np_grown(p->ts_ns, c->last_ns) >= datagram_ns(flows))) {
		end(flows, c, false);
		c = NULL;
	}
	if (!c)
		c = np_track_add(flows, d, from, hash, p->ts_ns);
	if (!c)
		return;
	s.conn = c;
	np_track_touch(t, c);
	count(&c->half[from], p);
	if (tcp) {
		segment(flows, &s);
	} else {
		s.fresh = d->payload;
		c->half[from].bytes += d->payload;
	}
	c->last_ns = p->ts_ns;
	if (flows->l7)
		np_track_peek(flows, &s);
	while (t->nclosed > MAX_CLOSED)
		end(flows, TAILQ_FIRST(&t->waits[NP_WAIT_CLOSED]), false);
}

static void refused(struct np_flows *flows, const struct np_decoded *d, uint64_t ns)
{
	uint8_t from = np_track_sender(d);
	uint64_t hash;
	struct np_conn *c = np_track_find(flows->track, d, from, &hash);

	if (!c || from != c->client || d->seq != c->half[from].base)
		return;
	np_track_touch(flows->track, c);
	np_track_refused(flows, c, d->icmp, ns);
}

/* ---- time ---- */

static void waited(struct np_flows *flows, struct np_conn *c, uint64_t now)
{
	struct np_track *t = flows->track;
	uint64_t enough = c->wait == NP_WAIT_DATAGRAM ? datagram_ns(flows) : patience[c->wait];

	if (c->wait == NP_WAIT_HALF) {
		uint64_t walk_ns = flows->mono_ns;

		/* as if a walk found it now */
		np_track_sync(flows, c);
		flows->mono_ns = now;
		np_half_close(flows, c->flow, false);
		flows->mono_ns = walk_ns;
		np_track_wait(t, c, NP_WAIT_OPEN, now);
	} else if (np_grown(now, c->last_ns) < enough) {
		np_track_wait(t, c, (enum np_wait)c->wait, now);
	} else {
		end(flows, c, false);
	}
}

/* Those that waited long enough; each is looked at once in its time, not at each packet. */
static void look(struct np_flows *flows, uint64_t now)
{
	struct np_track *t = flows->track;

	for (int i = 0; i < NP_WAITS; i++) {
		uint64_t enough = i == NP_WAIT_DATAGRAM ? datagram_ns(flows) : patience[i];
		struct np_conn *c;

		while ((c = TAILQ_FIRST(&t->waits[i])) && np_grown(now, c->waits_ns) >= enough)
			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what ends leaves the list */
			waited(flows, c, now);
	}
	t->look_ns = now + SECOND;
}

/* The capture is over: what is left is told as it stands. */
static void finish(struct np_flows *flows)
{
	struct np_track *t = flows->track;

	for (int i = 0; i < NP_WAITS; i++)
		for (struct np_conn *c = TAILQ_FIRST(&t->waits[i]), *next; c; c = next) {
			next = TAILQ_NEXT(c, waiting);
			end(flows, c, true);
		}
	t->finished = true;
}

void np_track_walk(struct np_flows *flows)
{
	struct np_track *t = flows->track;
	struct np_conn *c;

	if (!t)
		return;
	look(flows, flows->mono_ns > t->now_ns ? flows->mono_ns : t->now_ns);
	if (flows->last && !t->finished)
		finish(flows);
	while ((c = t->touched)) {
		t->touched = c->next_touched;
		c->touched = false;
		if (!c->flow) {
			np_track_conn_free(c);
			continue;
		}
		np_track_sync(flows, c);
	}
}

/* The door of --sample: by both ends, so that a connection is whole or absent. */
static bool left_out(const struct np_flows *flows, const struct np_decoded *d)
{
	struct np_ev_tuple t = { .lport = d->sport, .rport = d->dport };

	if (flows->cfg.sample < 2)
		return false;
	memcpy(t.laddr, d->src, sizeof(t.laddr));
	memcpy(t.raddr, d->dst, sizeof(t.raddr));
	return !np_sampled_tuple(&t, flows->cfg.sample);
}

/* Of no protocol that the program has rows of. */
static bool unwanted(const struct np_flows *flows, const struct np_decoded *d)
{
	return d->proto == IPPROTO_UDP   ? flows->cfg.no_udp
	       : d->proto != IPPROTO_TCP ? flows->cfg.no_icmp
					 : false;
}

void np_flows_packet(struct np_flows *flows, const struct np_packet *p)
{
	struct np_decoded d;
	enum np_decode what = np_decode(&d, p);
	struct np_track *t = flows->track;

	flows->stats.packets++;
	flows->stats.packets_of[what]++;
	if (!t && !(t = flows->track = np_track_new())) {
		flows->stats.no_memory++;
		return;
	}
	if (p->ts_ns > t->now_ns)
		t->now_ns = p->ts_ns;
	if (t->now_ns >= t->look_ns)
		look(flows, t->now_ns);
	if ((what == NP_DECODE_FLOW || what == NP_DECODE_ERROR) && left_out(flows, &d))
		flows->stats.left_out++;
	else if (what == NP_DECODE_FLOW && !unwanted(flows, &d))
		packet(flows, &d, p);
	else if (what == NP_DECODE_ERROR)
		refused(flows, &d, p->ts_ns);
}
