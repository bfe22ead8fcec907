// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that the kernel drops, with the reason (5.17). kfree_skb also fires where nothing was
 * lost: those reasons are left out here, by name, for their numbers differ between kernels.
 */
#include "np_kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_anomaly.bpf.h"

#define IS(reason, name)                                                        \
	(bpf_core_enum_value_exists(enum skb_drop_reason, SKB_##name##___np) && \
	 (reason) == bpf_core_enum_value(enum skb_drop_reason, SKB_##name##___np))

/*
 * Nothing lost: used up; FINs that reach TIME_WAIT (NOT_SPECIFIED); queues of a socket that is
 * closed; a RST that did its work; data and ACKs that were there before.
 */
static __always_inline bool harmless(__u32 reason)
{
	return IS(reason, CONSUMED) || IS(reason, DROP_REASON_NOT_SPECIFIED) ||
	       IS(reason, DROP_REASON_QUEUE_PURGE) || IS(reason, DROP_REASON_OTHERHOST) ||
	       IS(reason, DROP_REASON_TCP_RESET) || IS(reason, DROP_REASON_TCP_OFOMERGE) ||
	       IS(reason, DROP_REASON_TCP_OLD_DATA) || IS(reason, DROP_REASON_TCP_OLD_SEQUENCE) ||
	       IS(reason, DROP_REASON_TCP_OLD_ACK);
}

static __always_inline enum np_anomaly kind_of(__u32 reason, const struct np_an_packet *p)
{
	/* a SYN-ACK that comes again has the same reason, and does no harm */
	if (IS(reason, DROP_REASON_TCP_INVALID_SYN)) {
		if (p->flags & TCPHDR_ACK)
			return NP_AN_MAX;
		if (np_an_wants(NP_AN_PORT_REUSE))
			return NP_AN_PORT_REUSE;
	}
	if (IS(reason, DROP_REASON_TCP_LISTEN_OVERFLOW) && np_an_wants(NP_AN_LISTEN_OVERFLOW))
		return NP_AN_LISTEN_OVERFLOW;
	return np_an_wants(NP_AN_DROP) ? NP_AN_DROP : NP_AN_MAX;
}

/*
 * A closed port answers with a RST, which is an event of its own. Keepalives and window probes are
 * out of sequence on purpose (before 6.15 with the same reason as what comes from nowhere).
 */
static __always_inline bool answered(__u32 reason, const struct np_an_packet *p)
{
	return p->proto == IPPROTO_TCP && (IS(reason, DROP_REASON_NO_SOCKET) ||
					   (IS(reason, DROP_REASON_TCP_INVALID_SEQUENCE) &&
					    !p->len && !(p->flags & (TCPHDR_SYN | TCPHDR_FIN))));
}

static __always_inline void read_listener(struct np_ev_anomaly *r, struct sock *sk)
{
	r->listener = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	r->backlog = BPF_CORE_READ(sk, sk_ack_backlog);
	r->limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
}

/*
 * SK is not known to the verifier as a socket of any kind (skb->sk), so it is read as memory. A
 * cookie that nobody asked for is 0: the consumer then joins by the tuple.
 */
static __always_inline void read_sock(struct np_ev_anomaly *r, struct sock *sk)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	r->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	r->tuple.state = state;
	if (state == TCP_LISTEN && r->tuple.proto == IPPROTO_TCP) {
		read_listener(r, sk);
		return;
	}
	r->cookie = np_has_cookie ? BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) : (__u64)sk;
	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV)
		return;
	r->task.uid = BPF_CORE_READ(sk, sk_uid.val);
	if (BPF_CORE_READ(sk, __sk_common.skc_flags) & (1UL << SOCK_DEAD))
		r->flags |= NP_AN_F_ORPHAN;
}

static __always_inline __u32 gso_segs(struct sk_buff *skb)
{
	struct skb_shared_info *info = (void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end));
	__u32 segs = BPF_CORE_READ(info, gso_segs);

	return segs ? segs : 1;
}

/*
 * Whether the packet comes in, as SK sees it. A packet keeps its sender's socket on the way through
 * loopback and veth, so that of two ends on this host either may be named.
 */
static __always_inline bool is_in(struct sk_buff *skb, struct sock *sk, bool rx,
				  const struct np_an_packet *p)
{
	__u16 port = sk ? BPF_CORE_READ(sk, __sk_common.skc_num) : 0;

	if (rx || (port == p->dport && port != p->sport))
		return true;
	if (port == p->sport && port != p->dport)
		return false;
	/* what came by an interface */
	return BPF_CORE_READ(skb, skb_iif) != 0;
}

static __always_inline void emit(void *ctx, struct np_ev_anomaly *r, struct sk_buff *skb,
				 struct sock *sk, bool in, const struct np_an_packet *p)
{
	r->who = in ? NP_WHO_REMOTE : NP_WHO_LOCAL;
	np_an_tuple(r, p, in);
	np_an_segment(r, p);
	r->segs = gso_segs(skb);
	if (sk) {
		read_sock(r, sk);
		r->flags &= ~NP_AN_F_HEADERS;
	} else {
		r->netns = np_an_netns(skb);
	}
	if (np_an_drop_it(r))
		return;
	np_an_stack(r, ctx);
	np_submit(r);
}

static __always_inline bool is_inet(struct sock *sk)
{
	__u16 family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0;

	return family == AF_INET || family == AF_INET6;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(np_an_drop, struct sk_buff *skb)
{
	struct np_an_packet p = {};
	struct sock *rx = NULL, *sk;
	struct np_ev_anomaly *r;
	enum np_anomaly kind;
	__u32 reason = 0;

	if (bpf_core_field_exists(((struct trace_event_raw_kfree_skb *)0)->reason))
		reason = (__u32)ctx[2];
	if (!reason || harmless(reason))
		return 0;
	if (!np_an_packet(&p, skb) || answered(reason, &p))
		return 0;
	kind = kind_of(reason, &p);
	if (kind == NP_AN_MAX)
		return 0;
	r = np_an_new(kind);
	if (!r)
		return 0;
	r->reason = reason;
	/* for whom it was, else by whom it was sent */
	if (bpf_core_field_exists(((struct trace_event_raw_kfree_skb *)0)->rx_sk)) {
		rx = (void *)ctx[3];
		if (rx)
			np_read_cookie(rx); /* has one from now on */
	}
	bpf_probe_read_kernel(&sk, sizeof(sk), &rx);
	if (!sk)
		sk = BPF_CORE_READ(skb, sk);
	if (!is_inet(sk))
		sk = NULL;
	emit(ctx, r, skb, sk, is_in(skb, sk, rx, &p), &p);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
