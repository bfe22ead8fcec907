/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The flow table: what the sources' records add up to. A connection is its own np_row; those that
 * ended since the last refresh wait in a list of their own, so that nothing that lived between two
 * refreshes is missed and nothing is counted twice. np_flows owns all rows; one stays readable
 * until the second np_flows_next() after it was given out.
 */
#ifndef NP_FLOW_H
#define NP_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "flow/l7.h"
#include "flow/members.h"
#include "flow/row.h"
#include "flow/decode.h"
#include "np_event.h"
#include "source/packet.h"

/* An IPv6 prefix, or an IPv4 one as ::ffff:a.b.c.d/96+n. */
struct np_prefix {
	uint8_t addr[16];
	uint8_t bits;
};

struct np_flow {
	struct np_row row;
	uint64_t cookie;      /* of the socket */
	struct np_flow *next; /* list of ended, or of free ones */
	uint32_t seen;        /* walk that last found it */
	uint32_t owner_seen;  /* walk that last found row.pid holding it */
	uint32_t tick;        /* interval that the d_ fields of the row are of */
	uint8_t missed;       /* whole walks in a row that did not find it */
	uint8_t unseen;       /* walks over files in a row that did not */
	bool used;            /* slot of the slab in use */
	bool in_map;          /* UDP: the kernel's map counts it */
	bool named;           /* only its owner is known yet: not shown */
	bool waited;          /* ended, and was held back for its owner */
};

/* What is asked of the table beside the connections themselves, and how its records are meant. */
struct np_flows_cfg {
	bool life;          /* what ends is told how, when and by whom: np_flows_log() */
	bool syn;           /* with `life`: histograms of handshakes as well */
	bool udp_by_socket; /* UDP records come by socket (cgroup_skb), not by socket and process */
	bool by_address;    /* cookies are addresses, which are used again (kernels before 5.12) */
	bool walks_only;    /* no event tells an end: what two walks over files miss is gone */
	bool side;          /* np_detail.side of each */
	uint32_t log;       /* events to queue for np_flows_log(): 1 << enum np_row_event */
	uint32_t anomalies; /* those that walks are to find: 1 << enum np_anomaly */
	const struct np_l7_ops *l7;                  /* names applications; NULL: nobody asked */
	const char *(*stack)(void *ctx, int32_t id); /* a stack in words; NULL: nobody asked */
	/* a reason in words (source/reason.h); NULL: as the running kernel has it */
	const char *(*reason)(void *ctx, bool reset, uint32_t reason);
	/* it was opened or has ended just now: its container may be gone when its row is written;
	 * NULL: nobody asked */
	void (*opened)(void *ctx, struct np_row *row);
	/* ListenDrops of the namespace NETNS, in which PID listens; false: not known. NULL: never
	 */
	bool (*listen_drops)(void *ctx, uint32_t pid, uint32_t netns, uint64_t *drops);
	void *ctx;
	bool packets; /* flows are made of packets (np_flows_packet()): nobody owns them ... */
	bool no_udp, no_icmp; /* ... and the program has no rows of these */
	uint32_t times;       /* packets: which are measured, 1 << enum np_hist_kind */
	/* packets: the end of a connection with one of these is the local one */
	const struct np_prefix *locals;
	size_t nlocals;
	uint32_t sample;      /* records of one connection in so many are taken; 0, 1: all */
	uint64_t udp_idle_ns; /* life: a UDP flow ends after this silence; 0: with its socket */
	struct np_members *members; /* gains what belongs to the command; NULL: there is none */
};

struct np_flows_stats {
	uint64_t records;         /* that came */
	uint64_t left_out;        /* of them: of connections outside of the sample */
	uint64_t bad;             /* refused: short, unknown, impossible */
	uint64_t ended;           /* by an event */
	uint64_t vanished;        /* found gone by a walk, their end event missed */
	uint64_t anomalies;       /* records of them */
	uint64_t untold;          /* segments sent again by the sockets' count, without one */
	uint64_t no_memory;       /* connections that found no room */
	uint64_t ownerless_bytes; /* of ended connections whose owner stayed unknown */
	uint64_t packets;         /* of a capture */
	uint64_t packets_of[NP_DECODE_RESULTS]; /* by enum np_decode */
	uint64_t rtts_not_taken;                /* of segments, of too many in flight at once */
	uint64_t gaps_given_up; /* so many at once that what fills one is not counted */
};

struct np_flows;

/* RELEASE is called for each row that goes away, so that meta can take its references back. */
int np_flows_new(struct np_flows **out, void (*release)(void *ctx, struct np_row *row), void *ctx);
void np_flows_free(struct np_flows *flows);

/* The one size of records of a type; 0: no such type, or of several sizes. */
uint16_t np_flows_record_size(uint16_t type);
/* Takes one record of LEN bytes, bounds and type checked; wire structs as in np_event.h. */
void np_flows_record(struct np_flows *flows, const void *rec, size_t len);
/* Takes one packet of a capture; anything may be in it. */
void np_flows_packet(struct np_flows *flows, const struct np_packet *packet);
/* After a refresh was shown: forgets the ended ones, begins a new interval. */
void np_flows_next(struct np_flows *flows);
/* No refresh follows the next one: ended connections are not held back for their owner any longer.
 */
void np_flows_last(struct np_flows *flows);
/* Before the first record; 0 or -errno. */
int np_flows_set(struct np_flows *flows, const struct np_flows_cfg *cfg);

/* The next living connection; *POS is 0 to begin. NULL at the end. */
struct np_flow *np_flows_living(struct np_flows *flows, size_t *pos);
size_t np_flows_count(const struct np_flows *flows);
/* Those that ended in this interval, linked by `next`; until np_flows_next(). */
struct np_flow *np_flows_ended(struct np_flows *flows);
/*
 * The log: what has happened since the last call, in the order of time. With `life`, ended
 * connections are in it as well. The rows stay until the next np_flows_next(). Returns how many;
 * what has no owner yet is held back until a walk has looked for it.
 */
size_t np_flows_log(struct np_flows *flows, struct np_row *const **rows);
/* Flows that found no room to be looked into, and packets that made no sense. */
uint64_t np_flows_unnamed(const struct np_flows *flows);
/* Something is held back for its owner: a refresh would help. */
bool np_flows_waiting(const struct np_flows *flows);
/* Interfaces, one row a direction (and protocol where they are split); NULL past the last. */
struct np_row *np_flows_iface(struct np_flows *flows, size_t i);
/*
 * The network namespaces (inode numbers) of living TCP connections that the last walk over files
 * did not find: orphans, files in flight. Up to MAX; more are counted, not written.
 */
size_t np_flows_unseen(const struct np_flows *flows, uint32_t *netns, size_t max);
/*
 * Of living TCP connections of the members: the namespaces of those that the last walk over files
 * did not find (as np_flows_unseen(), at once). *DRAINING: how many of them, living by the last
 * walk, may have data to send still.
 */
size_t np_flows_orphans(struct np_flows *flows, uint32_t *netns, size_t max, size_t *draining);

/* Counts the intervals: the calls of np_flows_next(), from 1. */
uint64_t np_flows_tick(const struct np_flows *flows);
uint64_t
np_flows_interval_ns(const struct np_flows *flows); /* between the last two refreshes; 0: none */
uint64_t np_flows_mono_ns(const struct np_flows *flows); /* of the last refresh */
uint64_t np_flows_wall_ns(const struct np_flows *flows);
const struct np_flows_stats *np_flows_stats(const struct np_flows *flows);

#endif
