// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The connections that packets are of: found by their ends, made, let go. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/parse.h"
#include "flow/track.h"

struct np_track *np_track_new(void)
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
	if (getrandom(t->key, sizeof(t->key), GRND_NONBLOCK) != (ssize_t)sizeof(t->key))
		t->key[0] = (uintptr_t)t;
	return t;
}

static uint64_t word(const uint8_t *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	return w;
}

static uint64_t hash_ends(const uint64_t key[2], const uint8_t *a, const uint8_t *b, uint16_t pa,
			  uint16_t pb, uint8_t proto)
{
	const uint64_t words[5] = { word(a), word(a + 8), word(b), word(b + 8),
				    (uint64_t)pa << 32 | (uint64_t)pb << 16 | proto };

	return np_hash_words(words, 5, key);
}

/* Who of the two is end 0: any order that is the same for both directions. */
uint8_t np_track_sender(const struct np_decoded *d)
{
	int order = memcmp(d->src, d->dst, 16);

	return order > 0 || (!order && d->sport > d->dport);
}

struct np_conn *np_track_find(struct np_track *t, const struct np_decoded *d, uint8_t from,
			      uint64_t *hash)
{
	const uint8_t *addr[2] = { from ? d->dst : d->src, from ? d->src : d->dst };
	uint16_t port[2] = { from ? d->dport : d->sport, from ? d->sport : d->dport };
	struct np_conn *c;

	*hash = hash_ends(t->key, addr[0], addr[1], port[0], port[1], d->proto);
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

void np_track_touch(struct np_track *t, struct np_conn *c)
{
	if (c->touched)
		return;
	c->touched = true;
	c->next_touched = t->touched;
	t->touched = c;
}

void np_track_conn_free(struct np_conn *c)
{
	free(c->half[0].gaps);
	free(c->half[1].gaps);
	free(c->stamps);
	free(c);
}

/* Out of the table; who is in the list of touched ones is freed by the walk. */
void np_track_forget(struct np_track *t, struct np_conn *c)
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
		np_track_conn_free(c);
}

void np_track_free(struct np_flows *flows)
{
	struct np_track *t = flows->track;
	struct np_conn *c;

	if (!t)
		return;
	for (int i = 0; i < NP_WAITS; i++)
		while ((c = TAILQ_FIRST(&t->waits[i])))
			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it leaves the list */
			np_track_forget(t, c);
	while ((c = t->touched)) {
		t->touched = c->next_touched;
		np_track_conn_free(c);
	}
	np_map_free(&t->map);
	free(t->peek);
	free(t);
	flows->track = NULL;
}

/* ---- a new one ---- */

static bool is_ours(const struct np_flows_cfg *cfg, const uint8_t addr[16])
{
	for (size_t i = 0; i < cfg->nlocals; i++)
		if (np_same_prefix(addr, cfg->locals[i].addr, cfg->locals[i].bits))
			return true;
	return false;
}

/* The handshake tells; without one the higher port, and at last who spoke first. */
static uint8_t client_of(const struct np_decoded *d, uint8_t from)
{
	if (d->proto == IPPROTO_TCP && d->flags & NP_TH_SYN)
		return np_is_syn(d) ? from : !from;
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

struct np_conn *np_track_add(struct np_flows *flows, const struct np_decoded *d, uint8_t from,
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
