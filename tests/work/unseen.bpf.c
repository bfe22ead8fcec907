// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What the kernel did without running tracing programs. Packets pass the tc program and then
 * net_dev_start_xmit; changes of a TCP socket's state, and segments sent again, the sockops program
 * and then inet_sock_set_state, or tcp_retransmit_skb: each time the former, which is no tracing
 * program, and the latter in one go on the same CPU.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <stdbool.h>

#include "unseen.h"

#define GO_ON (-1) /* TCX_NEXT: those behind us still see the packet */

struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));
struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));
typedef struct {
	__s64 counter;
} atomic64_t;
struct sock_common {
	atomic64_t skc_cookie;
} __attribute__((preserve_access_index));
struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));
struct sk_buff;

const volatile struct unseen_interface watched[UNSEEN_MAX];

__u64 sent, changed, unseen;

/* Of each CPU: what was done and not traced yet; a packet is 1, of a socket it is the cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, UNSEEN_KINDS);
	__type(key, __u32);
	__type(value, __u64);
} waiting SEC(".maps");

static __always_inline void done(__u32 kind, __u64 what)
{
	__u64 *waits = bpf_map_lookup_elem(&waiting, &kind);

	if (!waits)
		return;
	if (*waits)
		__sync_fetch_and_add(&unseen, 1);
	*waits = what;
}

static __always_inline void traced(__u32 kind, __u64 what)
{
	__u64 *waits = bpf_map_lookup_elem(&waiting, &kind);

	if (waits && *waits == what)
		*waits = 0;
}

SEC("tc")
int packet_sent(struct __sk_buff *skb)
{
	(void)skb;
	__sync_fetch_and_add(&sent, 1);
	done(UNSEEN_PACKET, 1);
	return GO_ON;
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(packet_traced, struct sk_buff *skb, struct net_device *dev)
{
	__u32 ifindex = (__u32)dev->ifindex, netns = dev->nd_net.net->ns.inum;

	(void)skb;
	for (int i = 0; i < UNSEEN_MAX; i++)
		if (watched[i].netns == netns && watched[i].ifindex == ifindex)
			traced(UNSEEN_PACKET, 1);
	return 0;
}

static __always_inline bool is_watched(struct bpf_sock_ops *ops)
{
	__u64 netns = bpf_get_netns_cookie(ops);

	for (int i = 0; i < UNSEEN_MAX; i++)
		if (watched[i].cookie == netns)
			return true;
	return false;
}

SEC("sockops")
int socket_did(struct bpf_sock_ops *ops)
{
	/* Another copy of ours may have asked for another namespace's. */
	if (!is_watched(ops))
		return 1;
	switch (ops->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(ops, BPF_SOCK_OPS_STATE_CB_FLAG |
						   BPF_SOCK_OPS_RETRANS_CB_FLAG);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		__sync_fetch_and_add(&changed, 1);
		done(UNSEEN_STATE, bpf_get_socket_cookie(ops));
		break;
	case BPF_SOCK_OPS_RETRANS_CB:
		if (!ops->args[2]) /* it could be sent */
			done(UNSEEN_RETRANS, bpf_get_socket_cookie(ops));
		break;
	default:
		break;
	}
	return 1;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_traced, const struct sock *sk)
{
	traced(UNSEEN_STATE, (__u64)sk->__sk_common.skc_cookie.counter);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retrans_traced, const struct sock *sk)
{
	traced(UNSEEN_RETRANS, (__u64)sk->__sk_common.skc_cookie.counter);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
