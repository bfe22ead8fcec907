// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes and datagrams of UDP sockets, by socket and process: one hash entry for each pair, read and
 * retired by user space once a refresh. Two ways to the same entry; user space attaches one:
 *   np_udp_send/recv   tp_btf sock_send_length, sock_recv_length (6.3+): payload, in the caller's
 * context np_udp_egress/ingresscgroup_skb at the root cgroup: payload by the UDP header; the
 * process comes from np_udp_create, or from the walk over files
 */
#include "np_kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_emit.bpf.h"
#include "np_event.h"
#include "np_read.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct np_udp_key);
	__type(value, struct np_ev_udp);
} np_udp SEC(".maps");

/* The entry of KEY, from TEMPLATE where there was none; NULL and counted where there is no room. */
static __always_inline struct np_ev_udp *udp_insert(const struct np_udp_key *key,
						    struct np_ev_udp *template)
{
	struct np_ev_udp *u;

	template->hdr.type = NP_EV_UDP;
	template->hdr.size = sizeof(*template);
	template->cookie = key->cookie;
	template->first_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&np_udp, key, template, BPF_NOEXIST);
	u = bpf_map_lookup_elem(&np_udp, key);
	if (!u)
		np_count_lost(NP_LOST_UDP_MAP);
	return u;
}

static __always_inline void udp_add(struct np_ev_udp *u, bool tx, __u64 bytes, __u64 packets)
{
	if (tx) {
		__sync_fetch_and_add(&u->tx_bytes, bytes);
		__sync_fetch_and_add(&u->tx_packets, packets);
	} else {
		__sync_fetch_and_add(&u->rx_bytes, bytes);
		__sync_fetch_and_add(&u->rx_packets, packets);
	}
	u->last_ns = bpf_ktime_get_ns();
}

static __always_inline struct np_ev_udp *udp_new(const struct np_udp_key *key, struct sock *sk)
{
	struct np_ev_udp u = {};

	np_read_tuple(&u.tuple, sk, sk->__sk_common.skc_num);
	if (!np_read_current(&u.task))
		u.hdr.flags |= NP_EV_F_NO_OWNER;
	u.task.uid = sk->sk_uid.val;
	u.cgroup_id = np_read_cgroup(sk);
	u.netns = sk->__sk_common.skc_net.net->ns.inum;
	return udp_insert(key, &u);
}

/* A process's own call: payload lengths. */
static __always_inline void udp_call(struct sock *sk, bool tx, __u32 len)
{
	struct np_udp_key key = {
		.cookie = bpf_get_socket_cookie(sk),
		.pid = bpf_get_current_pid_tgid() >> 32,
	};
	struct np_ev_udp *u;
	__u64 packets = 1;

	if (np_left_out(key.cookie))
		return;
	u = bpf_map_lookup_elem(&np_udp, &key);
	if (!u)
		u = udp_new(&key, sk);
	if (!u)
		return;
	/* connected, or bound by its first send, since we saw it */
	if (u->tuple.rport != bpf_ntohs(sk->__sk_common.skc_dport) ||
	    u->tuple.lport != sk->__sk_common.skc_num)
		np_read_tuple(&u->tuple, sk, sk->__sk_common.skc_num);
	if (tx) {
		/* UDP_SEGMENT by setsockopt: one call, many datagrams */
		__u32 gso = BPF_CORE_READ((struct udp_sock *)sk, gso_size);

		if (gso && len > gso)
			packets = (len + gso - 1) / gso;
	}
	udp_add(u, tx, len, packets);
}

static __always_inline bool is_counted(struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	if (family != AF_INET && family != AF_INET6)
		return false;
	return np_is_udp(sk) || (np_want_icmp && np_is_icmp(sk));
}

#define MSG_PEEK 2

SEC("tp_btf/sock_send_length")
int BPF_PROG(np_udp_send, struct sock *sk, int ret, int flags)
{
	if (ret >= 0 && is_counted(sk))
		udp_call(sk, true, ret);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(np_udp_recv, struct sock *sk, int ret, int flags)
{
	if (ret >= 0 && !(flags & MSG_PEEK) && is_counted(sk))
		udp_call(sk, false, ret);
	return 0;
}

/* Older kernels: the owner at creation, the bytes at the IP layer. */

SEC("cgroup/sock_create")
int np_udp_create(struct bpf_sock *ctx)
{
	struct np_udp_key key = {};
	struct np_ev_udp u = {};
	struct task_struct *task;

	if (ctx->protocol != IPPROTO_UDP || ctx->type != SOCK_DGRAM)
		return 1;
	task = (void *)bpf_get_current_task();
	key.cookie = bpf_get_socket_cookie(ctx);
	if (np_left_out(key.cookie))
		return 1;
	u.hdr.flags = NP_EV_F_WIRE;
	u.tuple.family = ctx->family;
	u.tuple.proto = IPPROTO_UDP;
	u.task.pid = bpf_get_current_pid_tgid() >> 32;
	u.task.uid = bpf_get_current_uid_gid();
	u.task.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	bpf_probe_read_kernel(u.task.comm, sizeof(u.task.comm),
			      BPF_CORE_READ(task, group_leader, comm));
	u.netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	u.last_ns = bpf_ktime_get_ns();
	udp_insert(&key, &u);
	return 1;
}

static __always_inline void copy_addr(__u8 *to, const __u32 *v6, __u32 v4, bool is_v6)
{
	__u32 *word = (__u32 *)to;

	if (is_v6) {
		for (int i = 0; i < 4; i++)
			word[i] = v6[i];
	} else {
		word[0] = word[1] = 0;
		word[2] = bpf_htonl(0xffff);
		word[3] = v4;
	}
}

/* The UDP length of the packet, less its header; -1 where there is none (a later fragment, TCP). */
static __always_inline int udp_payload(struct __sk_buff *skb)
{
	__u8 version;
	__be16 len;
	__u32 off;

	if (bpf_skb_load_bytes(skb, 0, &version, 1))
		return -1;
	if (version >> 4 == 6) {
		__u8 next;

		/* extension headers before UDP are left to the IP length of nobody: rare */
		if (bpf_skb_load_bytes(skb, 6, &next, 1) || next != IPPROTO_UDP)
			return -1;
		off = 40;
	} else {
		__be16 frag;
		__u8 proto;

		if (bpf_skb_load_bytes(skb, 9, &proto, 1) || proto != IPPROTO_UDP ||
		    bpf_skb_load_bytes(skb, 6, &frag, 2) || (frag & bpf_htons(0x1fff)))
			return -1;
		off = (version & 15) * 4;
	}
	if (bpf_skb_load_bytes(skb, off + 4, &len, 2))
		return -1;
	/* merged datagrams (GSO) carry one header for all: the packet's own length is the better
	 * one */
	if (skb->len > off + 8 && bpf_ntohs(len) < 8)
		return skb->len - off - 8;
	return skb->len > off + bpf_ntohs(len) ? skb->len - off - 8 : bpf_ntohs(len) - 8;
}

static __always_inline int udp_packet(struct __sk_buff *skb, bool tx)
{
	struct bpf_sock *sk = skb->sk;
	struct np_udp_key key = {};
	struct np_ev_udp *u;
	int len;

	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->protocol != IPPROTO_UDP)
		return 1;
	key.cookie = bpf_get_socket_cookie(skb);
	if (np_left_out(key.cookie))
		return 1;
	len = udp_payload(skb);
	if (len < 0)
		return 1;
	u = bpf_map_lookup_elem(&np_udp, &key);
	if (!u) {
		struct np_ev_udp blank = {};

		blank.hdr.flags = NP_EV_F_WIRE | NP_EV_F_NO_OWNER;
		u = udp_insert(&key, &blank);
		if (!u)
			return 1;
	}
	if (u->tuple.lport != sk->src_port || u->tuple.rport != bpf_ntohs(sk->dst_port)) {
		bool v6 = sk->family == AF_INET6;
		__u32 laddr[4] = { sk->src_ip6[0], sk->src_ip6[1], sk->src_ip6[2], sk->src_ip6[3] };
		__u32 raddr[4] = { sk->dst_ip6[0], sk->dst_ip6[1], sk->dst_ip6[2], sk->dst_ip6[3] };

		u->tuple.family = sk->family;
		u->tuple.proto = IPPROTO_UDP;
		u->tuple.lport = sk->src_port;
		u->tuple.rport = bpf_ntohs(sk->dst_port);
		copy_addr(u->tuple.laddr, laddr, sk->src_ip4, v6);
		copy_addr(u->tuple.raddr, raddr, sk->dst_ip4, v6);
		u->cgroup_id = bpf_sk_cgroup_id(sk);
	}
	udp_add(u, tx, len, 1);
	return 1;
}

SEC("cgroup_skb/egress")
int np_udp_egress(struct __sk_buff *skb)
{
	return udp_packet(skb, true);
}

SEC("cgroup_skb/ingress")
int np_udp_ingress(struct __sk_buff *skb)
{
	return udp_packet(skb, false);
}

char LICENSE[] SEC("license") = "GPL";
