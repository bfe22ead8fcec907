/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a compiled filter looks at and what it could match, for filter.c alone: an abstract run over
 * its cBPF for IPv4 and IPv6 and each protocol that it asks for, where a load is known, or may be
 * anything. Each protocol, so that 'icmp[0] == 8' is refused although no connection ever comes to
 * that load.
 */
#ifndef NP_FILTER_WALK_H
#define NP_FILTER_WALK_H

#include <pcap/pcap.h>
#include <stdbool.h>

struct np_filter_seen {
	bool tcp, udp, icmp; /* a packet of it could match; false is proven */
	const char *why;     /* what it asks that a connection does not say, else NULL */
};

/* PROG is of DLT_RAW and by libpcap: it ends with a return. 0 or -ENOMEM. */
int np_filter_walk(const struct bpf_program *prog, struct np_filter_seen *out);

#endif
