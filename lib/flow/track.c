// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which connection a packet is of: found by its ends, made where there is none, ended in time. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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

static struct np_track *track_new(void)
{
	struct np_track *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->peek = malloc(sizeof(*t->peek) + NP_PEEK_HUGE);
	if (!t->peek) {
		free(t);
		return NULL;
	}
	for (int i = 0; i < NP_WAITS; i++)
		TAILQ_INIT(&t->waits[i]);
	/* so that nobody can make a file whose connections all collide */
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != (ssize_t)sizeof(t->seed))
		t->seed = (uintptr_t)t;
	return t;
}

/* ---- the table of connections ---- */

static uint64_t word(const uint8_t *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	return w;
}

static uint64_t hash_ends(uint64_t seed, const uint8_t *a, const uint8_t *b, uint16_t pa,
			  uint16_t pb, uint8_t proto)
{
	uint64_t h = seed ^ ((uint64_t)pa << 32 | (uint64_t)pb << 16 | proto);
	const uint64_t words[4] = { word(a), word(a + 8), word(b), word(b + 8) };

	for (int i = 0; i < 4; i++) {
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	return h;
}

/* Who of the two is end 0: any order that is the same for both directions. */
static uint8_t sender(const struct np_decoded *d)
{
	int order = memcmp(d->src, d->dst, 16);

	return order > 0 || (!order && d->sport > d->dport);
}

static struct np_conn *find(struct np_track *t, const struct np_decoded *d, uint8_t from,
			    uint64_t *hash)
{
	const uint8_t *addr[2] = { from ? d->dst : d->src, from ? d->src : d->dst };
	uint16_t port[2] = { from ? d->dport : d->sport, from ? d->sport : d->dport };
	struct np_conn *c;

	*hash = hash_ends(t->seed, addr[0], addr[1], port[0], port[1], d->proto);
	for (c = np_map_get(&t->map, *hash); c; c = c->sibling)
		if (c->port[0] == port[0] && c->port[1] == port[1] && c->proto == d->proto &&
		    !memcmp(c->addr[0], addr[0], 16) && !memcmp(c->addr[1], addr[1], 16))
			return c;
	return NULL;
}

void np_track_wait(struct np_track *t, struct np_conn *c, enum np_wait wait, uint64_t ns)
{
	TAILQ_REMOVE(&t->waits[c->wait], c, waiting);
	t->nclosed -= c->wait == NP_WAIT_CLOSED;
	t->nclosed += wait == NP_WAIT_CLOSED;
	c->wait = (uint8_t)wait;
	c->waits_ns = ns;
	TAILQ_INSERT_TAIL(&t->waits[wait], c, waiting);
}

static void touch(struct np_track *t, struct np_conn *c)
{
	if (c->touched)
		return;
	c->touched = true;
	c->next_touched = t->touched;
	t->touched = c;
}

static void conn_free(struct np_conn *c)
{
	free(c->half[0].gaps);
	free(c->half[1].gaps);
	free(c->stamps);
	free(c);
}

/* Out of the table; who is in the list of touched ones is freed by the walk. */
static void forget(struct np_track *t, struct np_conn *c)
{
	struct np_conn *first = np_map_get(&t->map, c->hash);

	if (first != c) {
		while (first->sibling != c)
			first = first->sibling;
		first->sibling = c->sibling;
	} else if (c->sibling) {
		np_map_put(&t->map, c->hash, c->sibling);
	} else {
		np_map_del(&t->map, c->hash);
	}
	TAILQ_REMOVE(&t->waits[c->wait], c, waiting);
	t->nclosed -= c->wait == NP_WAIT_CLOSED;
	c->flow = NULL;
	if (!c->touched)
		conn_free(c);
}

void np_track_free(struct np_flows *flows)
{
	struct np_track *t = flows->track;
	struct np_conn *c;

	if (!t)
		return;
	for (int i = 0; i < NP_WAITS; i++)
		while ((c = TAILQ_FIRST(&t->waits[i])))
			forget(t, c);
	while ((c = t->touched)) {
		t->touched = c->next_touched;
		conn_free(c);
	}
	np_map_free(&t->map);
	free(t->peek);
	free(t);
	flows->track = NULL;
}

/* ---- a new one ---- */

static bool is_ours(const struct np_flows_cfg *cfg, const uint8_t addr[16])
{
	for (size_t i = 0; i < cfg->nlocals; i++) {
		const struct np_prefix *p = &cfg->locals[i];
		unsigned int whole = p->bits / 8, rest = p->bits % 8;

		if (!memcmp(addr, p->addr, whole) &&
		    (!rest || !((addr[whole] ^ p->addr[whole]) >> (8 - rest))))
			return true;
	}
	return false;
}

static bool is_syn(const struct np_decoded *d)
{
	return (d->flags & (NP_TH_SYN | NP_TH_ACK)) == NP_TH_SYN;
}

/* The handshake tells; without one the higher port, and at last who spoke first. */
static uint8_t client_of(const struct np_decoded *d, uint8_t from)
{
	if (d->proto == IPPROTO_TCP && d->flags & NP_TH_SYN)
		return is_syn(d) ? from : !from;
	if (d->proto == IPPROTO_ICMP || d->proto == IPPROTO_ICMPV6)
		return d->flags ? from : !from;
	return d->dport > d->sport ? !from : from;
}

static uint8_t local_of(const struct np_flows_cfg *cfg, const struct np_conn *c,
			const struct np_decoded *d, uint8_t from)
{
	bool ours = is_ours(cfg, c->addr[0]);

	if (ours != is_ours(cfg, c->addr[1]))
		return !ours;
	if (d->way != NP_WAY_UNKNOWN)
		return d->way == NP_WAY_OUT ? from : !from;
	return c->client;
}

static void begin(struct np_flows *flows, struct np_conn *c, const struct np_decoded *d,
		  uint64_t ns)
{
	struct np_row *row = &c->flow->row;
	bool tcp = c->proto == IPPROTO_TCP, old = tcp && !(d->flags & NP_TH_SYN);
	struct np_detail *detail = np_flow_detail(flows, c->flow);

	c->phase = tcp && !old ? NP_PHASE_SYN : NP_PHASE_OPEN;
	c->wait = !tcp ? NP_WAIT_DATAGRAM : old ? NP_WAIT_OPEN : NP_WAIT_SYN;
	c->state = !tcp || old             ? TCP_ESTABLISHED
		   : c->local == c->client ? TCP_SYN_SENT
					   : TCP_SYN_RECV;
	c->first_ns = c->last_ns = c->waits_ns = ns;
	c->half[0].wscale = c->half[1].wscale = NP_NO_WSCALE;
	memcpy(row->laddr, c->addr[c->local], 16);
	memcpy(row->raddr, c->addr[!c->local], 16);
	row->lport = c->port[c->local];
	row->rport = c->port[!c->local];
	/* an identifier is a port of the end that asks */
	if (d->proto == IPPROTO_ICMP || d->proto == IPPROTO_ICMPV6)
		*(c->local == c->client ? &row->rport : &row->lport) = 0;
	row->family = c->family;
	row->state = c->state;
	row->first_ns = ns;
	row->flags &= (uint16_t)~NP_ROW_OLD;
	row->flags |= NP_ROW_PACKETS | (old ? NP_ROW_OLD : 0);
	row->opened = !old;
	if (!detail)
		return;
	detail->side = c->local == c->client ? NP_SIDE_CLIENT : NP_SIDE_SERVER;
	detail->opened_ns = old ? 0 : ns;
}

static struct np_conn *conn_new(struct np_flows *flows, const struct np_decoded *d, uint8_t from,
				uint64_t hash, uint64_t ns)
{
	struct np_track *t = flows->track;
	struct np_conn *c = calloc(1, sizeof(*c));
	uint64_t cookie = ++t->cookies;

	if (!c || np_map_reserve(&t->map, t->map.count + 1)) {
		flows->stats.no_memory++;
		free(c);
		return NULL;
	}
	c->flow = np_flow_new(flows, np_flow_key(flows, cookie, d->proto, 0), cookie, d->proto);
	if (!c->flow) {
		free(c);
		return NULL;
	}
	c->hash = hash;
	c->proto = d->proto;
	c->family = d->family;
	memcpy(c->addr[from], d->src, 16);
	memcpy(c->addr[!from], d->dst, 16);
	c->port[from] = d->sport;
	c->port[!from] = d->dport;
	c->client = client_of(d, from);
	c->local = local_of(&flows->cfg, c, d, from);
	c->sibling = np_map_get(&t->map, hash);
	np_map_put(&t->map, hash, c);
	begin(flows, c, d, ns);
	TAILQ_INSERT_TAIL(&t->waits[c->wait], c, waiting);
	return c;
}

static void end(struct np_flows *flows, struct np_conn *c, bool last)
{
	np_track_end(flows, c, last);
	if (!c->flow)
		forget(flows->track, c);
}

/* ---- packets ---- */

/* A SYN of a connection whose ends are used again. */
static bool is_another(const struct np_conn *c, const struct np_decoded *d, uint8_t from)
{
	const struct np_half *f = &c->half[from];

	return is_syn(d) && f->has_base &&
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

static void segment(struct np_flows *flows, struct np_seg *s)
{
	struct np_conn *c = s->conn;
	const struct np_decoded *d = s->d;
	struct np_half *f = &c->half[s->from];
	uint32_t data = d->seq + (d->flags & NP_TH_SYN ? 1 : 0);

	/* the same SYN: what was sent before it is void (an RST may have moved the numbers) */
	if (is_syn(d) && f->has_base && f->has_reach)
		f->next = f->reach;
	/* what comes first may not be the first: the SYN says where the bytes begin */
	if (d->flags & NP_TH_SYN && !f->has_high) {
		f->high = data;
		f->has_high = true;
	}
	s->what = np_track_judge(s, np_track_seen(f, data, d->payload));
	if (!(d->flags & NP_TH_RST))
		s->fresh = np_track_fresh(flows, f, data, d->payload);
	f->bytes += s->fresh;
	if (is_syn(d))
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
	uint8_t from = sender(d);
	uint64_t hash;
	struct np_conn *c = find(t, d, from, &hash);
	struct np_seg s = { .d = d, .from = from, .ns = p->ts_ns };
	bool tcp = d->proto == IPPROTO_TCP;

	if (c &&
	    (tcp ? is_another(c, d, from) : np_grown(p->ts_ns, c->last_ns) >= datagram_ns(flows))) {
		end(flows, c, false);
		c = NULL;
	}
	if (!c)
		c = conn_new(flows, d, from, hash, p->ts_ns);
	if (!c)
		return;
	s.conn = c;
	touch(t, c);
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
	uint8_t from = sender(d);
	uint64_t hash;
	struct np_conn *c = find(flows->track, d, from, &hash);

	if (!c || from != c->client || d->seq != c->half[from].base)
		return;
	touch(flows->track, c);
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
			conn_free(c);
			continue;
		}
		np_track_sync(flows, c);
	}
}

void np_flows_packet(struct np_flows *flows, const struct np_packet *p)
{
	struct np_decoded d;
	enum np_decode what = np_decode(&d, p);
	struct np_track *t = flows->track;

	flows->stats.packets++;
	flows->stats.packets_of[what]++;
	if (!t && !(t = flows->track = track_new())) {
		flows->stats.no_memory++;
		return;
	}
	if (p->ts_ns > t->now_ns)
		t->now_ns = p->ts_ns;
	if (t->now_ns >= t->look_ns)
		look(flows, t->now_ns);
	if (what == NP_DECODE_FLOW)
		packet(flows, &d, p);
	else if (what == NP_DECODE_ERROR)
		refused(flows, &d, p->ts_ns);
}
