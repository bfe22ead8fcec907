/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a captured packet is, from its link-level header to its payload, through VLANs, MPLS and
 * tunnels to the innermost IP. Every byte is read through bounds; anything may be in it. Fills the
 * caller's struct, which points into the packet and owns nothing.
 */
#ifndef NP_DECODE_H
#define NP_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "source/packet.h"

enum np_decode {
	NP_DECODE_FLOW,     /* TCP, UDP or ICMP echo: all is filled */
	NP_DECODE_ERROR,    /* ICMP tells of a TCP segment: its ends, `seq` and `icmp` are filled */
	NP_DECODE_FRAGMENT, /* a later fragment: it has no ports */
	NP_DECODE_OTHER,    /* nothing that has connections, or of a kind that is not known here */
	NP_DECODE_SHORT,    /* cut by the snap length before all that is needed */
	NP_DECODE_BAD,      /* its headers contradict themselves */
	NP_DECODE_RESULTS
};

/* TCP flags, RFC 9293, 3.1 */
#define NP_TH_FIN 1
#define NP_TH_SYN 2
#define NP_TH_RST 4
#define NP_TH_ACK 16

#define NP_NO_WSCALE 255

struct np_decoded {
	uint8_t src[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t dst[16];
	uint16_t sport; /* host byte order; ICMP echo: its identifier, both */
	uint16_t dport;
	uint8_t family;    /* AF_INET, AF_INET6 */
	uint8_t proto;     /* IPPROTO_TCP, _UDP, _ICMP, _ICMPV6 */
	uint8_t way;       /* enum np_packet_way */
	uint8_t icmp;      /* ICMP error: what errno says so, by its type and code */
	uint32_t payload;  /* bytes of it on the wire, captured or not */
	const uint8_t *ip; /* the innermost IP header */
	uint32_t ip_cap;   /* bytes captured from there on */
	uint32_t ip_len;   /* bytes on the wire from there on, as IP tells */

	/* TCP */
	uint32_t seq, ack;
	uint16_t window; /* as in the header */
	uint16_t mss;    /* SYN: its option; 0: none */
	uint8_t flags;   /* NP_TH_* */
	uint8_t wscale;  /* SYN: its option, NP_NO_WSCALE: none */
};

/* Whether packets of a link level (DLT_*) are decoded at all. */
bool np_decode_knows(uint16_t linktype);
enum np_decode np_decode(struct np_decoded *d, const struct np_packet *packet);

#endif
