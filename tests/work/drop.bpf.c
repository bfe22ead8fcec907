// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Drops chosen TCP segments where the receiver's interface takes them in: for the sender's kernel
 * they were on the wire, so that what follows are true retransmissions.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "drop.h"

#define GO_ON (-1) /* TCX_NEXT, TC_ACT_UNSPEC: those behind us still see the packet */
#define SHOT  2    /* TCX_DROP, TC_ACT_SHOT */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

const volatile __u16 want_sport, want_dport; /* host byte order; 0: any */
const volatile __u32 want;                   /* enum drop_match */
const volatile __u64 skip, every = 1, limit; /* limit 0: none */

__u64 seen, dropped, dropped_segs, dropped_bytes;

struct segment {
	__u16 sport, dport;
	__u8 flags;
	__u32 payload;
};

/* Offset of the TCP header, or 0. IPv6 extension headers do not occur in our tests. */
static __always_inline __u32 find_tcp(struct __sk_buff *skb)
{
	__u8 b;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + 9, &b, 1) || b != 6)
			return 0;
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &b, 1))
			return 0;
		return ETH_HLEN + (b & 0xf) * 4;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + 6, &b, 1) || b != 6)
			return 0;
		return ETH_HLEN + 40;
	}
	return 0;
}

static __always_inline int read_segment(struct __sk_buff *skb, struct segment *s)
{
	__u32 at = find_tcp(skb), hdr;
	__u8 tcp[14];

	if (!at || bpf_skb_load_bytes(skb, at, tcp, sizeof(tcp)))
		return -1;
	s->sport = tcp[0] << 8 | tcp[1];
	s->dport = tcp[2] << 8 | tcp[3];
	s->flags = tcp[13];
	/* From the buffer's length: the length in the IP header of a big GSO packet may be 0. */
	hdr = at + (tcp[12] >> 4) * 4;
	s->payload = skb->len > hdr ? skb->len - hdr : 0;
	return 0;
}

static __always_inline int matches(const struct segment *s)
{
	if ((want_sport && s->sport != want_sport) || (want_dport && s->dport != want_dport))
		return 0;
	switch (want) {
	case DROP_DATA:
		return s->payload > 0;
	case DROP_SYN:
		return (s->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	case DROP_SYNACK:
		return (s->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	case DROP_ACK:
		return !s->payload && (s->flags & (TCP_SYN | TCP_FIN | TCP_RST)) == 0;
	case DROP_FIN:
		return (s->flags & TCP_FIN) != 0;
	default:
		return 1;
	}
}

SEC("tc")
int drop_some(struct __sk_buff *skb)
{
	struct segment s;
	__u64 n;

	if (read_segment(skb, &s) || !matches(&s))
		return GO_ON;
	/* Interfaces of a test take packets on several CPUs; a count twice the same does no harm.
	 */
	n = __sync_fetch_and_add(&seen, 1);
	if (n < skip || (n - skip) % every != every - 1)
		return GO_ON;
	if (limit && (n - skip) / every >= limit)
		return GO_ON;
	__sync_fetch_and_add(&dropped, 1);
	__sync_fetch_and_add(&dropped_segs, skb->gso_segs ? skb->gso_segs : 1);
	__sync_fetch_and_add(&dropped_bytes, s.payload);
	return SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
