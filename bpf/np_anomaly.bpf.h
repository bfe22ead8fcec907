/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of anomalies share: the record of one, filled from a socket or from the headers
 * of a packet. They run where something went wrong, not for each packet, so that reads through
 * bpf_probe_read_kernel() are no matter.
 */
#ifndef NP_ANOMALY_BPF_H
#define NP_ANOMALY_BPF_H

#include "np_kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "np_emit.bpf.h"
#include "np_event.h"
#include "np_owner.bpf.h"
#include "np_read.bpf.h"

/* RFC 9293, 3.1 */
#define TCPHDR_FIN 0x01
#define TCPHDR_SYN 0x02
#define TCPHDR_RST 0x04
#define TCPHDR_ACK 0x10

/* By user space: 1 << enum np_anomaly each. */
const volatile __u32 np_an_mask __weak = 0;
const volatile bool np_an_stacks __weak = false;

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, NP_STACK_DEPTH * sizeof(__u64));
} np_stacks SEC(".maps") __weak;

/* The socket and time of this processor's last tcp_reset(). */
struct np_an_reset {
	__u64 sk;
	__u64 ts_ns;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct np_an_reset);
} np_an_last_reset SEC(".maps") __weak;

static __always_inline void np_an_is_reset(struct sock *sk)
{
	__u32 zero = 0;
	struct np_an_reset *last = bpf_map_lookup_elem(&np_an_last_reset, &zero);

	if (last) {
		last->sk = (__u64)sk;
		last->ts_ns = bpf_ktime_get_ns();
	}
}

/* tcp_reset() of this socket ran on this processor just now: what follows comes of it. */
static __always_inline bool np_an_just_reset(struct sock *sk)
{
	__u32 zero = 0;
	struct np_an_reset *last = bpf_map_lookup_elem(&np_an_last_reset, &zero);

	return last && last->sk == (__u64)sk && bpf_ktime_get_ns() - last->ts_ns < 100000;
}

static __always_inline bool np_an_wants(enum np_anomaly kind)
{
	return np_an_mask & (1U << kind);
}

/* An empty record, to be filled and submitted; NULL: counted. */
static __always_inline struct np_ev_anomaly *np_an_new(enum np_anomaly kind)
{
	struct np_ev_anomaly *r = np_reserve(sizeof(*r));

	if (!r)
		return NULL;
	r->hdr.type = NP_EV_ANOMALY;
	r->hdr.size = sizeof(*r);
	r->ts_ns = bpf_ktime_get_ns();
	r->kind = kind;
	r->segs = 1;
	r->stack_id = -1;
	return r;
}

/*
 * Every way out: what the sample leaves out is not told. Such a record cost the space for a moment;
 * where things go wrong for each segment, programs ask np_left_out() before they make one.
 */
static __always_inline bool np_an_drop_it(struct np_ev_anomaly *r)
{
	if (np_sample < 2 || np_sampled_anomaly(r, np_sample))
		return false;
	bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
	return true;
}

static __always_inline void np_an_stack(struct np_ev_anomaly *r, void *ctx)
{
	if (np_an_stacks)
		r->stack_id = bpf_get_stackid(ctx, &np_stacks, 0);
}

/* Not TIME_WAIT and not a request: there is more than struct sock_common. */
static __always_inline bool np_an_full(struct sock *sk)
{
	__u8 state = sk->__sk_common.skc_state;

	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

/* What every kind knows of a TCP socket. */
static __always_inline void np_an_sock(struct np_ev_anomaly *r, struct sock *sk,
				       struct tcp_sock *tp)
{
	r->cookie = np_read_cookie(sk);
	/* skc_num is 0 by the time of TCP_CLOSE for a port that was bound automatically */
	np_read_tuple(&r->tuple, sk, bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport));
	r->task.uid = sk->sk_uid.val;
	r->cgroup_id = np_read_cgroup(sk);
	r->netns = sk->__sk_common.skc_net.net->ns.inum;
	r->cwnd = tp->snd_cwnd;
	r->srtt_us = tp->srtt_us >> 3;
	if (sk->__sk_common.skc_flags & (1UL << SOCK_DEAD))
		r->flags |= NP_AN_F_ORPHAN;
}

/*
 * lock_sock() takes a socket for a task, and from then on an interrupt only queues what comes in,
 * for that task to work off when it lets go (net/core/sock.c, __release_sock). So while the lock is
 * taken, what happens to the socket happens in a call of the task that runs now; a listener's
 * segments alone are taken without it.
 */
static __always_inline bool np_an_owned(struct sock *sk)
{
	return sk->sk_lock.owned && sk->__sk_common.skc_state != TCP_LISTEN;
}

static __always_inline void np_an_wait_for_owner(struct sock *sk, __u64 cookie)
{
	__u64 cred = np_read_cred(sk);

	if (sk->__sk_common.skc_flags & (1UL << SOCK_DEAD))
		return;
	np_owner_wait(cookie, cred);
}

/* The current task in a call of its own, else whoever will close the socket. */
static __always_inline void np_an_read_owner(struct np_ev_anomaly *r, struct sock *sk)
{
	if (!np_an_owned(sk) || !np_read_current(&r->task))
		np_an_wait_for_owner(sk, r->cookie);
}

/* A packet's headers, as far as they lie within its linear part. */
struct np_an_packet {
	__u8 src[16], dst[16];
	__u16 sport, dport; /* host byte order */
	__u32 seq;
	__u32 len; /* payload */
	__u8 family, proto, flags, pad;
};

static __always_inline bool np_an_transport(struct np_an_packet *p, struct sk_buff *skb, __u32 at)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	__u32 data = (__u64)(long)BPF_CORE_READ(skb, data) - (__u64)(long)head;
	__u32 len = BPF_CORE_READ(skb, len);
	__u32 size = p->proto == IPPROTO_TCP ? 20 : 8;
	__u8 h[20] = {};

	if (at + size > BPF_CORE_READ(skb, tail) ||
	    bpf_probe_read_kernel(h, p->proto == IPPROTO_TCP ? 20 : 8, head + at))
		return false;
	p->sport = h[0] << 8 | h[1];
	p->dport = h[2] << 8 | h[3];
	if (p->proto == IPPROTO_TCP) {
		p->seq = (__u32)h[4] << 24 | h[5] << 16 | h[6] << 8 | h[7];
		p->flags = h[13];
		size = (h[12] >> 4) * 4;
	}
	/* the data pointer is where the last layer left it: before or behind our header */
	if (data + len > at + size)
		p->len = data + len - at - size;
	return true;
}

/* False: not TCP or UDP over IPv4 or IPv6, a later fragment, or not all there. */
static __always_inline bool np_an_packet(struct np_an_packet *p, struct sk_buff *skb)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	__u32 at = BPF_CORE_READ(skb, network_header);
	__be16 protocol = BPF_CORE_READ(skb, protocol);
	__u32 tail = BPF_CORE_READ(skb, tail);
	__u8 h[40];

	if (protocol == bpf_htons(ETH_P_IP)) {
		if (at + 20 > tail || bpf_probe_read_kernel(h, 20, head + at) || h[0] >> 4 != 4 ||
		    (h[6] & 0x1f) || h[7])
			return false;
		p->family = AF_INET;
		p->proto = h[9];
		p->src[10] = p->src[11] = p->dst[10] = p->dst[11] = 0xff;
		__builtin_memcpy(p->src + 12, h + 12, 4);
		__builtin_memcpy(p->dst + 12, h + 16, 4);
		at += (h[0] & 0xf) * 4;
	} else if (protocol == bpf_htons(ETH_P_IPV6)) {
		if (at + 40 > tail || bpf_probe_read_kernel(h, 40, head + at) || h[0] >> 4 != 6)
			return false;
		p->family = AF_INET6;
		p->proto = h[6];
		__builtin_memcpy(p->src, h + 8, 16);
		__builtin_memcpy(p->dst, h + 24, 16);
		at += 40;
	} else {
		return false;
	}
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return false;
	return np_an_transport(p, skb, at);
}

/* The tuple from a packet's headers; IN: its destination is us. */
static __always_inline void np_an_tuple(struct np_ev_anomaly *r, const struct np_an_packet *p,
					bool in)
{
	struct np_ev_tuple *t = &r->tuple;

	__builtin_memcpy(t->laddr, in ? p->dst : p->src, 16);
	__builtin_memcpy(t->raddr, in ? p->src : p->dst, 16);
	t->lport = in ? p->dport : p->sport;
	t->rport = in ? p->sport : p->dport;
	t->family = p->family;
	t->proto = p->proto;
	r->flags |= NP_AN_F_HEADERS;
}

static __always_inline void np_an_segment(struct np_ev_anomaly *r, const struct np_an_packet *p)
{
	r->seq = p->seq;
	r->len = p->len;
	r->tcp_flags = p->flags;
}

static __always_inline __u32 np_an_netns(struct sk_buff *skb)
{
	return BPF_CORE_READ(skb, dev, nd_net.net, ns.inum);
}

#endif
