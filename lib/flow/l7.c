// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/map.h"
#include "flow/dpi.h"
#include "flow/l7.h"
#include "flow/segment.h"

#define REMOTES 16 /* flows of one UDP socket that are told apart; the least recent goes */
#define HELD    4  /* segments of a flow that may wait for those before them */

/* A TCP segment that came too early. */
struct held {
	struct held *next;
	uint64_t ms;
	uint32_t seq, payload;
	bool tx;
	size_t len;
	uint8_t data[];
};

struct flow {
	TAILQ_ENTRY(flow) by_age;  /* of all */
	TAILQ_ENTRY(flow) by_turn; /* of those under inspection */
	struct flow *sibling;      /* the next of the same socket, the most recent first */
	uint64_t key;              /* the socket's cookie; before that is known, of its ends */
	uint8_t raddr[16];
	uint16_t rport;
	uint16_t packets;
	bool started[2];         /* next_seq is set; by direction */
	uint32_t next_seq[2];    /* TCP */
	struct np_dpi_flow *dpi; /* NULL: nothing more to learn */
	struct np_l7_name *name; /* NULL: nothing known (yet) */
	struct held *held;
	size_t nheld;
};

TAILQ_HEAD(flows, flow);

struct np_l7 {
	struct np_dpi *dpi;
	struct np_map map; /* by key, the socket's most recent flow */
	struct flows by_age, by_turn;
	size_t count, inspected;
	size_t max, max_inspected;
	bool by_port;
	uint64_t given_up, bad;
};

int np_l7_new(struct np_l7 **out, size_t max_flows)
{
	struct np_l7 *l7 = calloc(1, sizeof(*l7));
	int err;

	*out = NULL;
	if (!l7)
		return -ENOMEM;
	TAILQ_INIT(&l7->by_age);
	TAILQ_INIT(&l7->by_turn);
	l7->max = max_flows ? max_flows : 1;
	/* what dissectors keep of a flow may grow to all that was copied of it */
	l7->max_inspected = l7->max / 4 + 1;
	/* all of its slots, so that np_map_put() needs no memory and cannot fail */
	err = np_map_reserve(&l7->map, l7->max + 1);
	if (!err)
		err = np_dpi_new(&l7->dpi);
	if (err) {
		np_map_free(&l7->map);
		free(l7);
		return err;
	}
	*out = l7;
	return 0;
}

void np_l7_guess_by_port(struct np_l7 *l7, bool yes)
{
	l7->by_port = yes;
}

/* ---- a flow's life ---- */

static void learn(struct flow *flow)
{
	const char *app = np_dpi_app(flow->dpi);

	if (!app[0])
		return;
	if (!flow->name)
		flow->name = calloc(1, sizeof(*flow->name));
	if (!flow->name)
		return;
	snprintf(flow->name->app, sizeof(flow->name->app), "%s", app);
	snprintf(flow->name->host, sizeof(flow->name->host), "%s", np_dpi_host(flow->dpi));
}

/* Only the name stays. */
static void finish(struct np_l7 *l7, struct flow *flow)
{
	if (!flow->dpi)
		return;
	np_dpi_last(l7->dpi, flow->dpi, l7->by_port);
	learn(flow);
	np_dpi_flow_free(flow->dpi);
	flow->dpi = NULL;
	while (flow->held) {
		struct held *next = flow->held->next;

		free(flow->held);
		flow->held = next;
	}
	TAILQ_REMOVE(&l7->by_turn, flow, by_turn);
	l7->inspected--;
}

/* Takes FLOW out of its socket's list. */
static void unlink_flow(struct np_l7 *l7, struct flow *flow)
{
	struct flow *first = np_map_get(&l7->map, flow->key);

	if (first != flow) {
		while (first->sibling != flow)
			first = first->sibling;
		first->sibling = flow->sibling;
	} else if (flow->sibling) {
		np_map_put(&l7->map, flow->key, flow->sibling);
	} else {
		np_map_del(&l7->map, flow->key);
	}
	flow->sibling = NULL;
}

static void forget(struct np_l7 *l7, struct flow *flow)
{
	finish(l7, flow);
	unlink_flow(l7, flow);
	TAILQ_REMOVE(&l7->by_age, flow, by_age);
	l7->count--;
	free(flow->name);
	free(flow);
}

void np_l7_free(struct np_l7 *l7)
{
	struct flow *flow;

	if (!l7)
		return;
	while ((flow = TAILQ_FIRST(&l7->by_age)))
		forget(l7, flow);
	np_map_free(&l7->map);
	np_dpi_free(l7->dpi);
	free(l7);
}

/* Room for one more: the oldest flow goes, and the oldest inspection ends early. */
static void make_room(struct np_l7 *l7)
{
	if (l7->count >= l7->max) {
		forget(l7, TAILQ_FIRST(&l7->by_age));
		l7->given_up++;
	}
	if (l7->inspected >= l7->max_inspected) {
		finish(l7, TAILQ_FIRST(&l7->by_turn));
		l7->given_up++;
	}
}

static struct flow *add(struct np_l7 *l7, uint64_t key, const struct np_ev_tuple *t)
{
	struct flow *flow;

	make_room(l7);
	flow = calloc(1, sizeof(*flow));
	if (flow)
		flow->dpi = np_dpi_flow_new();
	if (!flow || !flow->dpi) {
		free(flow);
		l7->given_up++;
		return NULL;
	}
	flow->key = key;
	flow->sibling = np_map_get(&l7->map, key);
	memcpy(flow->raddr, t->raddr, sizeof(flow->raddr));
	flow->rport = t->rport;
	np_map_put(&l7->map, key, flow);
	TAILQ_INSERT_TAIL(&l7->by_age, flow, by_age);
	TAILQ_INSERT_TAIL(&l7->by_turn, flow, by_turn);
	l7->count++;
	l7->inspected++;
	return flow;
}

/* ---- which flow a packet is of ---- */

static struct flow *find_remote(const struct np_l7 *l7, uint64_t key, const uint8_t *raddr,
				uint16_t rport)
{
	struct flow *flow = np_map_get(&l7->map, key);

	while (flow && (flow->rport != rport || memcmp(flow->raddr, raddr, 16) != 0))
		flow = flow->sibling;
	return flow;
}

/* To the head of its socket's list, where np_l7_find() begins. */
static void to_front(struct np_l7 *l7, struct flow *flow)
{
	struct flow *first = np_map_get(&l7->map, flow->key);

	if (first == flow)
		return;
	unlink_flow(l7, flow);
	flow->sibling = first;
	np_map_put(&l7->map, flow->key, flow);
}

static struct flow *udp_flow(struct np_l7 *l7, const struct np_ev_packet *p)
{
	struct flow *flow = find_remote(l7, p->cookie, p->tuple.raddr, p->tuple.rport);
	struct flow *last;
	size_t n = 1;

	if (flow) {
		to_front(l7, flow);
		return flow;
	}
	flow = add(l7, p->cookie, &p->tuple);
	for (last = flow; last && last->sibling; last = last->sibling)
		n++;
	if (n > REMOTES)
		forget(l7, last);
	return flow;
}

/*
 * A packet with data that ends a handshake is seen at the listener, before its own socket is there
 * (tcp_v4_rcv(), TCP_NEW_SYN_RECV). It waits under the connection's ends until a packet tells the
 * socket of the same ends.
 */
static struct flow *tcp_flow(struct np_l7 *l7, const struct np_ev_packet *p)
{
	uint64_t ends = np_hash(&p->tuple, offsetof(struct np_ev_tuple, family), 0);
	bool listener = p->hdr.flags & NP_EV_F_LISTEN;
	struct flow *flow = np_map_get(&l7->map, listener ? ends : p->cookie);

	if (flow)
		return flow;
	flow = listener ? NULL : np_map_get(&l7->map, ends);
	if (!flow)
		return add(l7, listener ? ends : p->cookie, &p->tuple);
	unlink_flow(l7, flow);
	flow->key = p->cookie;
	np_map_put(&l7->map, flow->key, flow);
	return flow;
}

/* ---- packets in order ---- */

/* True: nothing more to learn. */
static bool inspect(struct np_l7 *l7, struct flow *flow, const struct held *h)
{
	uint32_t end = h->seq + h->payload;

	if (!flow->started[h->tx] || (int32_t)(end - flow->next_seq[h->tx]) > 0)
		flow->next_seq[h->tx] = end;
	flow->started[h->tx] = true;
	return np_dpi_packet(l7->dpi, flow->dpi, h->data, h->len, h->tx, h->ms);
}

/* Those whose turn has come, or with ALL, all: in the order of their bytes. */
static bool inspect_held(struct np_l7 *l7, struct flow *flow, bool all)
{
	bool done = false;

	for (struct held **at = &flow->held; *at && !done;) {
		struct held *h = *at;

		if (!all && (int32_t)(h->seq - flow->next_seq[h->tx]) > 0) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		flow->nheld--;
		done = inspect(l7, flow, h);
		free(h);
		at = &flow->held;
	}
	return done;
}

/* Sorted by their first byte; where both directions have some, neither order matters. */
static void hold(struct flow *flow, struct held *h)
{
	struct held **at = &flow->held;

	while (*at && ((*at)->tx != h->tx || (int32_t)((*at)->seq - h->seq) <= 0))
		at = &(*at)->next;
	h->next = *at;
	*at = h;
	flow->nheld++;
}

/* True: nothing more to learn. */
static bool in_order(struct np_l7 *l7, struct flow *flow, const struct np_segment *seg,
		     const struct np_ev_packet *p)
{
	bool tx = p->dir == NP_DIR_TX, done;
	struct held *h;
	int32_t ahead;

	if (!seg->tcp)
		return np_dpi_packet(l7->dpi, flow->dpi, seg->l3, seg->len, tx, p->ts_ns / 1000000);
	if (!flow->started[tx]) {
		flow->next_seq[tx] = p->has_next ? p->next_seq : seg->seq;
		flow->started[tx] = true;
	}
	ahead = (int32_t)(seg->seq - flow->next_seq[tx]);
	if (ahead <= 0 && (int32_t)(seg->seq + seg->payload - flow->next_seq[tx]) <= 0)
		return false; /* sent again */
	h = malloc(sizeof(*h) + seg->len);
	if (!h) {
		l7->given_up++;
		return true;
	}
	*h = (struct held){ .ms = p->ts_ns / 1000000,
			    .seq = seg->seq,
			    .payload = seg->payload,
			    .tx = tx,
			    .len = seg->len };
	memcpy(h->data, seg->l3, seg->len);
	hold(flow, h);
	done = inspect_held(l7, flow, false);
	if (!done && flow->nheld >= HELD)
		done = inspect_held(l7, flow, true);
	return done;
}

void np_l7_packet(struct np_l7 *l7, const struct np_ev_packet *p, size_t len)
{
	struct np_segment seg;
	struct flow *flow;
	bool done;

	if (!np_segment_parse(&seg, p, len)) {
		l7->bad++;
		return;
	}
	flow = seg.tcp ? tcp_flow(l7, p) : udp_flow(l7, p);
	if (!flow || !flow->dpi)
		return;
	done = in_order(l7, flow, &seg, p);
	if (!done && ++flow->packets >= NP_PEEK_PACKETS) {
		inspect_held(l7, flow, true);
		done = true;
	}
	if (done)
		finish(l7, flow);
	else
		learn(flow);
}

/* ---- what is known ---- */

const struct np_l7_name *np_l7_find(const struct np_l7 *l7, uint64_t key)
{
	for (struct flow *flow = np_map_get(&l7->map, key); flow; flow = flow->sibling)
		if (flow->name)
			return flow->name;
	return NULL;
}

const struct np_l7_name *np_l7_find_remote(const struct np_l7 *l7, uint64_t key,
					   const uint8_t raddr[16], uint16_t rport)
{
	struct flow *flow = find_remote(l7, key, raddr, rport);

	return flow ? flow->name : NULL;
}

const struct np_l7_name *np_l7_last(struct np_l7 *l7, uint64_t key)
{
	for (struct flow *flow = np_map_get(&l7->map, key); flow; flow = flow->sibling) {
		if (flow->dpi)
			inspect_held(l7, flow, true);
		finish(l7, flow);
	}
	return np_l7_find(l7, key);
}

void np_l7_end(struct np_l7 *l7, uint64_t key)
{
	struct flow *flow;

	while ((flow = np_map_get(&l7->map, key)))
		forget(l7, flow);
}

uint64_t np_l7_given_up(const struct np_l7 *l7)
{
	return l7->given_up;
}

uint64_t np_l7_bad(const struct np_l7 *l7)
{
	return l7->bad;
}

size_t np_l7_count(const struct np_l7 *l7)
{
	return l7->count;
}

const struct np_l7_ops np_l7_ops = {
	.create = np_l7_new,
	.destroy = np_l7_free,
	.packet = np_l7_packet,
	.find = np_l7_find,
	.last = np_l7_last,
	.end = np_l7_end,
	.given_up = np_l7_given_up,
	.bad = np_l7_bad,
};
