/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The inside of the flow table: flow.c keeps it, take.c fills it from the records of sockets,
 * walk.c begins and ends refreshes. Internal to flow/.
 */
#ifndef NP_TABLE_H
#define NP_TABLE_H

#include "flow/detail.h"
#include "flow/flow.h"
#include "flow/iface.h"

#define NP_SLAB 512

struct np_slab {
	struct np_flow flows[NP_SLAB];
};

/* A row of the log that is not a connection's own. */
struct np_event {
	struct np_row row;
	struct np_detail detail; /* of row */
	uint64_t cookie;         /* 0: no socket */
	uint32_t walk;           /* of the table, when it happened */
	uint32_t looked;         /* looks at the log since a walk has looked for its owner */
	struct np_event *next;
};

/* What the accept queues of a network namespace dropped (ListenDrops). */
struct np_queue {
	uint64_t drops; /* when it was read last */
	uint64_t left;  /* of them not yet told of any listener */
};

struct np_track;

struct np_flows {
	struct np_flows_cfg cfg;
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
	struct np_map queues; /* struct np_queue by network namespace */
	void (*release)(void *ctx, struct np_row *row);
	void *ctx;
	uint32_t walk;
	uint32_t tick;
	bool first;             /* no walk has ended yet: what it finds is older than the tool */
	uint32_t unseen[16];    /* namespaces of those that the last walk over files missed */
	size_t nunseen;         /* may be more than there is room for */
	struct np_l7 *l7;       /* where cfg.l7 is set */
	struct np_track *track; /* connections made of packets; NULL: no packet yet */
	struct np_event *events, **events_end; /* queued, oldest first */
	struct np_event *told;                 /* given out by np_flows_log() */
	struct np_row **log;                   /* its rows */
	size_t nlog, log_cap;
	bool logged; /* np_flows_log() was called since np_flows_next() */
	bool waiting;
	bool last;
	uint64_t mono_ns, wall_ns, interval_ns;
	uint64_t from_ns;   /* the walk with which this interval began; 0: none before it */
	uint32_t from_tick; /* of which interval */
	struct np_flows_stats stats;
};

uint64_t np_flow_key(const struct np_flows *flows, uint64_t cookie, uint8_t proto, uint32_t pid);
/* A new living flow under KEY, or NULL and counted. */
struct np_flow *np_flow_new(struct np_flows *flows, uint64_t key, uint64_t cookie, uint8_t proto);
/* It is more than a name by now: it has been seen. */
void np_flow_known(struct np_flows *flows, struct np_flow *flow);
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

/* Its detail, made where it has none; NULL and counted: out of memory. */
struct np_detail *np_flow_detail(struct np_flows *flows, struct np_flow *flow);
/* Its detail has a copy of what is known of its application by now; LAST: it has ended. */
void np_flow_name(struct np_flows *flows, struct np_flow *flow, bool last);
/* A detail's own copy of NAME, which may be NULL. */
void np_detail_name(struct np_detail *detail, const struct np_l7_name *name);
/* One sample more in its histogram of that kind. */
void np_detail_sample(struct np_flows *flows, struct np_detail *detail, enum np_hist_kind kind,
		      uint32_t us);
/* The histogram, made where there is none; NULL and counted: out of memory. */
struct np_hist *np_detail_hist(struct np_flows *flows, struct np_detail *detail,
			       enum np_hist_kind kind);
void np_detail_free(struct np_detail *detail);

/* life.c */
void np_take_state(struct np_flows *flows, const struct np_ev_state *r);
/* When it was opened and how long the handshake took, 0: not yet; may come more than once. */
void np_life_open(struct np_flows *flows, struct np_flow *flow, uint64_t opened_ns, uint32_t syn_us,
		  enum np_side side);
/* How it ended, by its record; NULL: nobody saw it. Before np_flow_end(). */
void np_life_end(struct np_flows *flows, struct np_flow *flow, const struct np_ev_end *r);
/* The same where the end is known by other means; needs cfg.life. */
void np_life_close(struct np_flows *flows, struct np_flow *flow, enum np_row_event event,
		   enum np_end end, enum np_who by, uint64_t ts_ns);
/* UDP: silent for too long. */
void np_life_idle(struct np_flows *flows, struct np_flow *flow);

/* log.c: a copy of FLOW's row in the log, or of an empty one, if its kind is asked for; NULL: not.
 */
struct np_event *np_log_add(struct np_flows *flows, struct np_flow *flow, enum np_row_event kind,
			    uint64_t ts_ns);
/* Takes a queued event back: it was none. */
bool np_log_undo(struct np_flows *flows, uint64_t cookie, enum np_row_event kind);
void np_log_next(struct np_flows *flows);
void np_log_free(struct np_flows *flows);

/* take.c's, for the others */
void np_take_owner_of(struct np_flows *flows, struct np_flow *flow, const struct np_ev_task *task,
		      enum np_owner_via via);
/* It holds a file of the socket: the owner stays the same while it holds it too. */
void np_take_holder(struct np_flows *flows, struct np_flow *flow, const struct np_ev_task *task);
void np_take_tuple(struct np_row *row, const struct np_ev_tuple *t);

/* listen.c */
void np_take_listener(struct np_flows *flows, struct np_flow *flow, uint64_t key,
		      const struct np_ev_sock *r);
void np_queues_free(struct np_flows *flows);
/* A listener's drop has a row of its own already. */
void np_queue_told(struct np_flows *flows, uint64_t listener);

/* anomaly.c */
/* TCP, at each walk that found it: half-closed for too long? GONE: it ended, at the first walk that
 * missed it. */
void np_half_missed(struct np_flows *flows, struct np_flow *flow);
void np_half_close(struct np_flows *flows, struct np_flow *flow, bool gone);

void np_take_sock(struct np_flows *flows, const struct np_ev_sock *r);
void np_take_end(struct np_flows *flows, const struct np_ev_end *end);
void np_take_owner(struct np_flows *flows, const struct np_ev_owner *r);
void np_take_udp(struct np_flows *flows, const struct np_ev_udp *r);
void np_take_anomaly(struct np_flows *flows, const struct np_ev_anomaly *r);
/* The socket's count of segments sent again has grown by SEGS; LAST: its events have all come. */
void np_again_counted(struct np_flows *flows, struct np_flow *flow, uint32_t segs, bool last);
void np_take_samples(struct np_flows *flows, const struct np_ev_samples *r);
void np_take_hist(struct np_flows *flows, const struct np_ev_hist *r);

#endif
