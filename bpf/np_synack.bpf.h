/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handshakes whose SYN-ACK was repeated: when the first one was sent. Of those alone the kernel
 * forgets it: its own first sample is of the last one then, by time stamps.
 */
#ifndef NP_SYNACK_BPF_H
#define NP_SYNACK_BPF_H

#include "np_kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* By np_synack_key(); in us. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} np_synacks SEC(".maps") __weak;

/* The same for a request and the connection that it becomes, which has no cookie yet. */
static __always_inline __u64 np_synack_key(const struct sock_common *skc)
{
	return (__u64)skc->skc_hash << 32 | (__u32)skc->skc_dport << 16 | skc->skc_num;
}

static __always_inline void np_synack_repeat(const struct request_sock *req)
{
	const struct tcp_request_sock *treq = (const void *)req;
	__u64 key = np_synack_key(&req->__req_common);
	__u64 first = BPF_CORE_READ(treq, snt_synack);

	if (first)
		bpf_map_update_elem(&np_synacks, &key, &first, BPF_ANY);
}

/*
 * From np_state, SYN_RECV to ESTABLISHED, now: how long the SYN-ACK took, its repeats included. An
 * entry stays: whoever comes under the same key and has repeats has written it anew.
 */
static __always_inline __u32 np_synack_us(const struct sock *sk, const struct tcp_sock *tp,
					  __u64 now)
{
	__u32 us = tp->srtt_us >> 3;
	__u64 key, *first;

	if (!tp->total_retrans)
		return us;
	key = np_synack_key(&sk->__sk_common);
	first = bpf_map_lookup_elem(&np_synacks, &key);
	if (first && now / 1000 > *first)
		us = now / 1000 - *first;
	return us;
}

#endif
