// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * np-link: a wire between two interfaces, with a set delay, jitter, loss, reordering and rate, that
 * loses chosen TCP segments. One thread; struct link owns everything, link_close() frees it.
 */
#ifndef NP_LINK_H
#define NP_LINK_H

#ifndef _GNU_SOURCE /* recvmmsg, ppoll; hence this header comes first everywhere */
#define _GNU_SOURCE 1
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/map.h"

#define LINK_BATCH     16    /* frames taken in, or let out, at one go */
#define LINK_MAX_RULES 16    /* rules at a time */
#define LINK_MAX_CONNS 65536 /* connections whose segments are counted */
#define LINK_MAX_LIMIT 32768 /* frames under way in one direction; 2 KiB each, locked */

enum link_dir { LINK_AB, LINK_BA, LINK_DIRS };
#define LINK_BIT(dir) (1U << (dir))
#define LINK_BOTH     (LINK_BIT(LINK_AB) | LINK_BIT(LINK_BA))

/* What a rule looks for; names: link_kinds[]. */
enum link_kind {
	LINK_SYN,
	LINK_SYNACK,
	LINK_DATA,
	LINK_ACK,
	LINK_FIN,
	LINK_RST,
	LINK_ANY,
	LINK_TAIL,
	LINK_KINDS
};
extern const char *const link_kinds[LINK_KINDS];

struct link_rule {
	enum link_kind kind;
	uint32_t dirs;
	uint16_t port;       /* 0: any */
	uint32_t nth, times; /* of each connection and direction */
	uint32_t byte;       /* only segments with this byte of the stream, from 1; 0: any */
	uint32_t conns;      /* only the first so many; 0: all */
	uint32_t seen_conns;
};

struct link_rules {
	struct link_rule rule[LINK_MAX_RULES];
	uint32_t count;
	struct np_map conns; /* struct link_conn, ours */
	uint64_t untracked;  /* segments of connections beyond LINK_MAX_CONNS: none was lost */
};

#define LINK_FRAME_MAX (2048 - 2 * sizeof(uint64_t) - sizeof(uint32_t))

struct link_frame {
	uint64_t deadline, seq;
	uint32_t len;
	uint8_t data[LINK_FRAME_MAX];
};

/* Every frame that was taken in is in one of these, or still queued. */
struct link_counts {
	uint64_t received, forwarded, lost, rule, blocked, overflow, oversize, failed;
	uint64_t missed;             /* by the socket, which had no room; not in received */
	uint64_t reordered, longest; /* of those forwarded */
	uint64_t kinds[LINK_KINDS];  /* of those lost by a rule */
	uint64_t late_max, late_sum, late_50us;
};

/* One direction. */
struct link_path {
	int in, out; /* packet sockets; of struct link */
	/* settings: ns, bits a second (0: no limit), millionths */
	uint64_t delay, jitter, hold, rate;
	uint32_t loss, reorder, limit;
	bool blocked;
	/* state */
	uint64_t random, busy_until, last_deadline, next_seq, next_out;
	struct link_frame *pool;
	struct link_frame **free,
	    **heap; /* heap: earliest deadline first, then in order of arrival */
	uint32_t free_count, queued;
	struct link_frame *spare[LINK_BATCH]; /* what the next frames are read into */
	struct link_counts n;
};

struct link {
	int sock[LINK_DIRS]; /* of the first and the second interface */
	struct link_path path[LINK_DIRS];
	struct link_rules rules;
	uint64_t told; /* commands */
};

/* link_drop.c: whether a rule takes this frame away; *kind is that of the rule. */
bool link_rules_drop(struct link_rules *rules, enum link_dir dir, const uint8_t *frame, size_t len,
		     enum link_kind *kind);
int link_rules_add(struct link_rules *rules, const char *spec, struct np_err *err);
/* The rules go; what they knew of connections too. */
void link_rules_clear(struct link_rules *rules);

/* link_path.c: frames under way. Times are CLOCK_MONOTONIC, ns. */
int link_path_open(struct link_path *path, uint32_t limit, uint64_t seed);
void link_path_close(struct link_path *path);
/* Takes the frame in spare[i], whose length and data are set. */
void link_path_take(struct link *link, enum link_dir dir, uint32_t i, uint64_t arrival);
/* Sends what is due; returns the deadline of the next, UINT64_MAX for none. */
uint64_t link_path_send(struct link_path *path, uint64_t now);
uint64_t link_now(void);

/* link_net.c: sockets, features of interfaces, and the loop. */
int link_offload_off(const char *dev, struct np_err *err);
int link_net_open(const char *dev, struct np_err *err);
int link_run(struct link *link, int sigfd);

/* link_set.c: settings by name, as options and as commands have them. */
#define LINK_SETTINGS(X) \
	X(delay)         \
	X(jitter)        \
	X(loss)          \
	X(reorder)       \
	X(hold)          \
	X(rate)
int link_set(struct link *link, const char *name, uint32_t dirs, const char *value,
	     struct np_err *err);
/* Does what the line says and prints one line for it. */
void link_command(struct link *link, char *line);
/* The counters, one JSON object; extra fields stand first. */
void link_report(struct link *link, const char *extra);

#endif
