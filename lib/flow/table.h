/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The inside of the flow table: flow.c keeps it, take.c fills it from the records of sockets,
 * walk.c begins and ends refreshes. Internal to flow/.
 */
#ifndef NP_TABLE_H
#define NP_TABLE_H

#include "flow/flow.h"
#include "flow/iface.h"

#define NP_SLAB 512

struct np_slab {
	struct np_flow flows[NP_SLAB];
};

struct np_flows {
	struct np_map map; /* by socket (TCP), by socket and process (UDP) */
	struct np_slab **slabs;
	size_t nslabs;
	struct np_flow *free;
	struct np_flow *ended;  /* since the last refresh */
	struct np_flow *ready;  /* ended, given out by np_flows_ended() */
	struct np_flow *grave;  /* given out before: a view may still look at them */
	struct np_flow *held;   /* ended, without an owner yet */
	struct np_flow *latest; /* TCP connection that the walk found last */
	size_t living;
	size_t named; /* of them: no record but the owner's yet */
	size_t living_tcp;
	size_t seen_tcp; /* distinct living TCP connections that this walk found */
	struct np_ifaces *ifaces;
	void (*release)(void *ctx, struct np_row *row);
	void *ctx;
	uint32_t walk;
	uint32_t tick;
	bool first;          /* no walk has ended yet: what it finds is older than the tool */
	uint32_t unseen[16]; /* namespaces of those that the last walk over files missed */
	size_t nunseen;      /* may be more than there is room for */
	bool last;
	bool udp_by_socket;
	bool by_address;
	uint64_t mono_ns, wall_ns, interval_ns;
	struct np_flows_stats stats;
};

uint64_t np_flow_key(const struct np_flows *flows, uint64_t cookie, uint8_t proto, uint32_t pid);
/* A new living flow under KEY, or NULL and counted. */
struct np_flow *np_flow_new(struct np_flows *flows, uint64_t key, uint64_t cookie, uint8_t proto);
void np_flow_free(struct np_flows *flows, struct np_flow *flow);
/* From the living to the ended. */
void np_flow_end(struct np_flows *flows, struct np_flow *flow);
/* The next living one, named or not; *POS is 0 to begin. */
struct np_flow *np_flow_walk(struct np_flows *flows, size_t *pos);
/* The interval's sums start from nothing the first time that an interval touches them. */
void np_flow_touch(const struct np_flows *flows, struct np_flow *flow);

static inline bool np_flow_ended(const struct np_flow *flow)
{
	return flow->row.flags & NP_ROW_ENDED;
}

/* What a counter gained; a stale value gains nothing. */
static inline uint64_t np_grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

void np_take_sock(struct np_flows *flows, const struct np_ev_sock *r);
void np_take_end(struct np_flows *flows, const struct np_ev_sock *r);
void np_take_owner(struct np_flows *flows, const struct np_ev_owner *r);
void np_take_udp(struct np_flows *flows, const struct np_ev_udp *r);
void np_take_samples(struct np_flows *flows, const struct np_ev_samples *r);
void np_take_hist(struct np_flows *flows, const struct np_ev_hist *r);

#endif
