// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets and bytes by interface, direction and protocol, as they stand at the tc hook (tcx, clsact
 * where there is no tcx), or at XDP on request. tc sees the frames that GRO merged and that GSO has
 * yet to split; XDP (receive side only) sees those of the wire.
 *
 * Each program lets the packet pass to whoever comes next: TCX_NEXT, which is TC_ACT_UNSPEC.
 */
#include "np_kernel.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "np_emit.bpf.h"
#include "np_event.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct np_iface_key);
	__type(value, struct np_iface_val);
} np_iface SEC(".maps");

static __always_inline enum np_l4 l4_of(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return NP_L4_TCP;
	case IPPROTO_UDP:
		return NP_L4_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return NP_L4_ICMP;
	default:
		return NP_L4_OTHER;
	}
}

static __always_inline void count(struct np_iface_key *key, __u64 bytes)
{
	struct np_iface_val *val = bpf_map_lookup_elem(&np_iface, key);

	if (!val) {
		struct np_iface_val none = {};

		bpf_map_update_elem(&np_iface, key, &none, BPF_NOEXIST);
		val = bpf_map_lookup_elem(&np_iface, key);
		if (!val) {
			np_count_lost(NP_LOST_IFACE_MAP);
			return;
		}
	}
	val->packets++;
	val->wire_bytes += bytes;
}

/* IPv4: protocol at 9; IPv6: next header at 6 (RFC 791, RFC 8200). OFF is where the L3 header
 * starts. */
static __always_inline int tc_count(struct __sk_buff *skb, enum np_dir dir)
{
	struct np_iface_key key = { .ifindex = skb->ifindex, .dir = dir, .l4 = NP_L4_NONE };
	__u8 proto = 0;

	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		key.l3 = NP_L3_IPV4;
		/* relative to the network header: right for interfaces without a MAC header too */
		if (!bpf_skb_load_bytes_relative(skb, 9, &proto, 1, BPF_HDR_START_NET))
			key.l4 = l4_of(proto);
		break;
	case bpf_htons(ETH_P_IPV6):
		key.l3 = NP_L3_IPV6;
		if (!bpf_skb_load_bytes_relative(skb, 6, &proto, 1, BPF_HDR_START_NET))
			key.l4 = l4_of(proto);
		break;
	case bpf_htons(ETH_P_ARP):
		key.l3 = NP_L3_ARP;
		break;
	default:
		key.l3 = NP_L3_OTHER;
	}
	count(&key, skb->len);
	return TCX_NEXT;
}

SEC("tc")
int np_tc_rx(struct __sk_buff *skb)
{
	return tc_count(skb, NP_DIR_RX);
}

SEC("tc")
int np_tc_tx(struct __sk_buff *skb)
{
	return tc_count(skb, NP_DIR_TX);
}

SEC("xdp")
int np_xdp_rx(struct xdp_md *ctx)
{
	struct np_iface_key key = { .ifindex = ctx->ingress_ifindex,
				    .l3 = NP_L3_OTHER,
				    .l4 = NP_L4_NONE };
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u16 type;

	if (data + 14 <= end) {
		__builtin_memcpy(&type, data + 12, sizeof(type));
		if (type == bpf_htons(ETH_P_ARP)) {
			key.l3 = NP_L3_ARP;
		} else if (type == bpf_htons(ETH_P_IP)) {
			key.l3 = NP_L3_IPV4;
			if (data + 14 + 10 <= end)
				key.l4 = l4_of(data[14 + 9]);
		} else if (type == bpf_htons(ETH_P_IPV6)) {
			key.l3 = NP_L3_IPV6;
			if (data + 14 + 7 <= end)
				key.l4 = l4_of(data[14 + 6]);
		}
	}
	count(&key, end - data);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
