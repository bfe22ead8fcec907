/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the files of this folder share: one live source made of probes. A probe is a file that
 * exports one const struct np_probe; source.c drives them. Internal to source/.
 */
#ifndef NP_PROBE_H
#define NP_PROBE_H

#include "source/source.h"

struct bpf_link;
struct bpf_program;
struct np_bpf;
struct np_source;

struct np_probe {
	const char *name;
	unsigned int bit; /* any of these NP_SRC_* has it attached */
	/* Before loading: which programs and maps, their constants. WANTED: attached now or later.
	 */
	void (*prepare)(struct np_source *src, bool wanted);
	/* One of its programs was refused: true where it can do without, or has another way. */
	bool (*refused)(struct np_source *src, const char *program);
	int (*attach)(struct np_source *src, struct np_err *err);
	void (*detach)(struct np_source *src);
	/* Its part of a refresh; *WHAT gains NP_WALK_* bits. NULL: has none. */
	int (*snapshot)(struct np_source *src, uint32_t *what);
	void (*stats)(struct np_source *src, struct np_source_stats *stats);
	void (*close)(struct np_source *src);
};

extern const struct np_probe np_probe_owner, np_probe_sock, np_probe_udp, np_probe_iface,
    np_probe_anomaly, np_probe_peek, np_probe_rtt, np_probe_turn, np_probe_tree;

#define NP_MAX_LINKS     16
#define NP_ANOMALY_LINKS 11
#define NP_TREE_LINKS    3
struct np_source {
	struct np_source_cfg cfg;
	struct np_bpf *bpf;
	struct ring_buffer *ring;
	unsigned int attached; /* NP_SRC_* */
	char refused[8][24];   /* programs that this kernel does not take */
	size_t nrefused;
	int stats_fd; /* keeps the kernel's run statistics on */
	uint32_t refresh;
	const uint32_t *netns; /* this refresh: where TCP sockets without a file are */
	size_t nnetns;
	uint64_t tcp_next_ns, tcp_all_next_ns; /* not again before */
	uint64_t read_errors, netns_missed, walk_ns;
	struct bpf_link *owner_link;
	struct bpf_link *state_link, *destroy_link, *reset_link, *synack_link, *tcp_link;
	struct bpf_link *udp_links[3];
	struct bpf_link *peek_links[2];
	struct bpf_link *rtt_link, *turn_links[2];
	struct bpf_link *tree_links[NP_TREE_LINKS];
	bool tree_told;                /* that there is a command */
	const struct np_young *youngs; /* the map of young connections, shared with the kernel */
	struct np_rtt *rtt_slots;      /* the map of RTT samples, shared with the kernel */
	bool udp_by_socket;
	bool no_cookie;             /* before 5.12: sockets by address, counters by np_walk_tcp */
	struct np_ifhooks *ifhooks; /* iface.c's own */
	struct bpf_link *anomaly_links[NP_ANOMALY_LINKS];
	struct np_stacks *stacks;
	bool reasons, reasons_known;   /* drops tell their reason */
	const char *asked_for_cookies; /* the program that was refused for it */
};

void np_source_emit(struct np_source *src, const void *rec, size_t len);
/* Whether PROGRAM loads here: not refused so far. */
bool np_source_takes(const struct np_source *src, const char *program);
/* Reads an iterator to its end into the consumer; 0 or -errno. */
int np_iter_read(struct np_source *src, struct bpf_link *link);
/* Attaches PROG into *LINK (which stays NULL on failure) with a sentence. */
int np_attach(struct bpf_program *prog, struct bpf_link **link, struct np_err *err);
void np_detach(struct bpf_link **link);
/* One sentence for a failure of the bpf() system call: why, and how to fix it. */
int np_bpf_explain(struct np_err *err, int code, const char *what);

#endif
