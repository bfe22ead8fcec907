/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where records come from. A source hands each record (np_event.h) to the consumer's callback, from
 * np_source_poll() and np_source_snapshot() only, never by itself. The caller owns it.
 */
#ifndef NP_SOURCE_H
#define NP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "np_event.h"

/* What is wanted; a probe that nobody wants is not attached. */
#define NP_SRC_TCP     1   /* TCP sockets with counters and owners */
#define NP_SRC_UDP     2   /* UDP bytes by socket and process */
#define NP_SRC_IFACE   4   /* packets and bytes of interfaces */
#define NP_SRC_CGROUP  8   /* the cgroup of each socket */
#define NP_SRC_PEEK    16  /* the first packets of each flow */
#define NP_SRC_RTT     32  /* round-trip times, segment by segment */
#define NP_SRC_TURN    64  /* response times, segment by segment */
#define NP_SRC_ANOMALY 128 /* what goes wrong with TCP */
#define NP_SRC_LIFE    256 /* with TCP: when and by whom connections were opened, when they ended */
#define NP_SRC_OPEN    8192 /* with LIFE: a record for each that is established */
#define NP_SRC_STATES  512  /* with TCP: every change of state */
#define NP_SRC_LISTEN  1024 /* listeners, with their queues */
#define NP_SRC_ICMP    4096 /* with UDP: sockets of ICMP echo as well */
#define NP_SRC_OWNERS \
	2048 /* TCP sockets and owners by walks alone: nothing runs for a connection */

#define NP_SRC_TREE 16384 /* what belongs to a command: its cgroup, or its processes */

enum np_hook { NP_HOOK_AUTO, NP_HOOK_TCX, NP_HOOK_CLSACT, NP_HOOK_XDP, NP_HOOK_CGROUP };

struct np_source_cfg {
	unsigned int want;     /* NP_SRC_*: attached at once */
	unsigned int may_want; /* loaded too, so that np_source_want() can add them later */
	enum np_hook iface_hook;
	enum np_hook udp_hook; /* AUTO or CGROUP */
	uint64_t ring_size;    /* bytes, 0: the default; rounded up to a power of two */
	uint32_t udp_entries;  /* UDP sockets counted at once, 0: the default */
	uint32_t anomalies;    /* 1 << enum np_anomaly each */
	bool stacks;           /* the kernel's stack with retransmits, resets and drops */
	uint32_t peek_entries; /* flows whose packets are counted for NP_SRC_PEEK, 0: the default */
	uint64_t tree_cgroup;  /* TREE: id of the command's cgroup; 0: by processes */
	uint32_t tree_pid;     /* TREE, by processes: the one that will exec() the command */
	uint32_t sample;       /* one connection in so many (np_sampled()); 0, 1: all */
	bool run_stats;        /* have the kernel time each run of our programs (55 ns a run) */
	void (*record)(void *ctx, const void *rec, size_t len);
	void *ctx;
};

/* The trust record's part that only the source knows. */
#define NP_SOURCE_PROGS 32
struct np_source_stats {
	uint64_t lost[NP_LOST_MAX]; /* records, UDP sockets, interface rows without room */
	uint64_t read_errors;       /* iterators that stopped half way */
	uint64_t netns_missed;      /* network namespaces that could not be entered */
	uint64_t walk_ns;           /* the last walk over files */
	uint64_t udp_entries, udp_max;
	uint64_t left_out; /* TCP connections that ended outside of the sample */
	uint64_t peeked;   /* packets copied for NP_SRC_PEEK */
	struct np_source_prog {
		char name[24];
		const char *hook;  /* "tp_btf/inet_sock_set_state", "iter/task_file", "tcx" */
		uint64_t runs, ns; /* 0 without run_stats */
		uint64_t skipped;  /* it was running on that processor already; 0 before 5.12 */
	} progs[NP_SOURCE_PROGS];
	size_t nprogs;
};

struct np_source;

/* 0; -EPERM, -EOPNOTSUPP, ... with one sentence: what failed, why, how to fix it. */
int np_source_open(struct np_source **out, const struct np_source_cfg *cfg, struct np_err *err);
void np_source_close(struct np_source *src);
/* Attaches and detaches so that WANT runs from now on; bits that were not in may_want fail. */
int np_source_want(struct np_source *src, unsigned int want, struct np_err *err);
/* Readable when np_source_poll() has something to do; -1: never. */
int np_source_fd(const struct np_source *src);
/* Hands on what has queued up; 0 or -errno. */
int np_source_poll(struct np_source *src);
/* LIFE: hands on what is known of connections that no walk has seen yet. Cheap; between refreshes.
 */
void np_source_young(struct np_source *src);
/*
 * From now on the first record that should be looked at soon makes the descriptor readable; the
 * ones after it do not, until this is called again.
 */
void np_source_soon(struct np_source *src);
/* ANOMALY: something goes wrong now, so that owners are worth a program at each change of state. */
void np_source_alarm(struct np_source *src, bool on);
/*
 * A refresh: begin, every living socket and interface, what has queued up, end. NETNS: the N
 * network namespaces where TCP sockets that no file refers to are to be visited as well; N above
 * what NETNS_MAX holds stands for all. All are visited at the start and now and then by itself.
 */
#define NP_NETNS_MAX 16
int np_source_snapshot(struct np_source *src, const uint32_t *netns, size_t n);
/* The next snapshot visits NETNS however short ago another did. */
void np_source_hurry(struct np_source *src);
/* TREE, by processes: how many live; ids of at most MAX of them into PIDS. */
size_t np_source_tree(struct np_source *src, uint32_t *pids, size_t max);
void np_source_stats(struct np_source *src, struct np_source_stats *stats);
/*
 * "func+0x12;caller+0x3", innermost first, of np_ev_anomaly.stack_id; "" where there is none. The
 * source owns it, until it is closed.
 */
const char *np_source_stack(struct np_source *src, int32_t stack_id);
/* Those of np_source_cfg.anomalies that this kernel can show. */
uint32_t np_source_anomalies(const struct np_source *src);
/* UDP bytes come by socket (cgroup_skb), not by socket and process. */
bool np_source_udp_by_socket(const struct np_source *src);
/* Sockets are told apart by address, which is used again, not by cookie (kernels before 5.12). */
bool np_source_by_address(const struct np_source *src);

#endif
