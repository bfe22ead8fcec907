// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes wrong in TCP, by tracepoints that fire only then: segments and SYN-ACKs sent again,
 * resets both ways.
 */
#include "np_kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_anomaly.bpf.h"

/* include/net/tcp.h, include/net/inet_connection_sock.h */
#define CA_RECOVERY     3
#define CA_LOSS         4
#define TIME_LOSS_PROBE 5

/* ---- segments sent again ---- */

static __always_inline enum np_cause cause_of(struct sock *sk, struct tcp_sock *tp)
{
	__u8 ca_state = BPF_CORE_READ_BITFIELD_PROBED(&tp->inet_conn, icsk_ca_state);

	if (sk->__sk_common.skc_state == TCP_SYN_SENT)
		return NP_CAUSE_SYN;
	if (ca_state == CA_LOSS)
		return NP_CAUSE_RTO;
	if (ca_state == CA_RECOVERY)
		return NP_CAUSE_FAST;
	return tp->inet_conn.icsk_pending == TIME_LOSS_PROBE ? NP_CAUSE_TLP : NP_CAUSE_UNKNOWN;
}

static __always_inline void read_buffer(struct np_ev_anomaly *r, struct tcp_sock *tp,
					struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = (void *)&skb->cb;
	__u32 seq = BPF_CORE_READ(cb, seq);

	r->tcp_flags = BPF_CORE_READ(cb, tcp_flags);
	r->seq = seq - tp->snd_una + (__u32)tp->bytes_acked;
	/* our SYN was acknowledged as a byte */
	if (r->seq && !np_read_accepted((struct sock *)tp))
		r->seq--;
	r->len = BPF_CORE_READ(cb, end_seq) - seq - !!(r->tcp_flags & TCPHDR_SYN) -
		 !!(r->tcp_flags & TCPHDR_FIN);
	r->segs = BPF_CORE_READ(cb, tcp_gso_segs);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(np_an_retrans, struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct np_ev_anomaly *r;

	/* since 6.17 failed tries fire too: the third argument */
	if (bpf_core_field_exists(((struct trace_event_raw_tcp_retransmit_skb *)0)->err) &&
	    (int)ctx[2])
		return 0;
	if (!tp || np_sock_left_out(sk))
		return 0;
	r = np_an_new(NP_AN_RETRANS);
	if (!r)
		return 0;
	np_an_sock(r, sk, tp);
	read_buffer(r, tp, skb);
	r->nth = tp->inet_conn.icsk_retransmits;
	r->cause = cause_of(sk, tp);
	np_an_stack(r, ctx);
	np_an_read_owner(r, sk);
	np_submit_soon(r);
	return 0;
}

static __always_inline void read_listener(struct np_ev_anomaly *r, struct sock *sk)
{
	r->listener = np_read_cookie(sk);
	r->task.uid = sk->sk_uid.val;
	r->cgroup_id = np_read_cgroup(sk);
	r->backlog = sk->sk_ack_backlog;
	r->limit = sk->sk_max_ack_backlog;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(np_an_synack, struct sock *sk, struct request_sock *req)
{
	struct np_ev_anomaly *r = np_an_new(NP_AN_SYNACK_RETRANS);

	if (!r)
		return 0;
	np_read_ends(&r->tuple, &req->__req_common, req->__req_common.skc_num);
	r->tuple.proto = IPPROTO_TCP;
	r->netns = req->__req_common.skc_net.net->ns.inum;
	/* counted behind the tracepoint */
	r->nth = req->num_retrans + 1;
	/* the socket of a Fast Open connection is its own listener */
	if (sk->__sk_common.skc_state == TCP_LISTEN)
		read_listener(r, sk);
	else
		r->cookie = np_read_cookie(sk);
	if (np_an_drop_it(r))
		return 0;
	np_an_stack(r, ctx);
	np_submit_soon(r);
	return 0;
}

/* ---- resets ---- */

/* Of a socket of ours; SKB is the segment that is answered so, NULL where we abort it. */
static __always_inline void rst_sock(struct np_ev_anomaly *r, struct sock *sk, bool answers)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp)
		return;
	np_an_sock(r, sk, tp);
	if (answers && np_an_just_reset(sk))
		r->flags |= NP_AN_F_UNDO;
	/* close() may fall to a bystander, who held the file for a moment */
	if (np_an_owned(sk) && (answers || np_current_made(np_read_cred(sk))))
		np_read_current(&r->task);
}

/*
 * No socket, a listener, a request or a TIME_WAIT one: the segment says between whom. The cookie
 * of TIME_WAIT is that of the connection.
 */
static __always_inline void rst_headers(struct np_ev_anomaly *r, struct sk_buff *skb,
					const struct np_an_packet *p)
{
	np_an_tuple(r, p, true);
	r->netns = np_an_netns(skb);
}

static __always_inline void emit_rst(void *ctx, enum np_anomaly kind, struct sock *sk,
				     struct sk_buff *skb, const struct np_an_packet *p,
				     __u32 reason)
{
	struct np_ev_anomaly *r = np_an_new(kind);

	if (!r)
		return;
	r->reason = reason;
	r->who = NP_WHO_LOCAL;
	if (p)
		np_an_segment(r, p);
	if (sk && np_an_full(sk) && sk->__sk_common.skc_state != TCP_LISTEN) {
		rst_sock(r, sk, skb);
	} else if (skb && p) {
		rst_headers(r, skb, p);
		if (sk && sk->__sk_common.skc_state == TCP_LISTEN)
			read_listener(r, sk);
		else if (sk)
			r->cookie = sk->__sk_common.skc_cookie.counter;
	}
	if (np_an_drop_it(r))
		return;
	if (kind == NP_AN_RST_SENT)
		np_an_stack(r, ctx);
	np_submit_soon(r);
}

/*
 * The socket is NULL for closed ports (6.10), the segment is NULL where nothing is answered:
 * close() with unread data, SO_LINGER 0, keepalive. Verifiers of 6.4 to 6.13 hold both for present
 * and take tests of them away, hence the look at the arguments as numbers.
 */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(np_an_rst_tx, struct sock *sk, struct sk_buff *skb)
{
	struct np_an_packet p = {};
	__u32 reason = 0;
	bool have = false;
	__u64 raw[2] = {};

	bpf_probe_read_kernel(raw, sizeof(raw), ctx);
	if (!raw[0])
		sk = NULL;
	if (!raw[1])
		skb = NULL;
	if (bpf_core_field_exists(((struct trace_event_raw_tcp_send_reset *)0)->reason))
		reason = (__u32)ctx[2];
	if (skb)
		have = np_an_packet(&p, skb);
	/* the peer answers our SYN as if it belonged to an old connection (RFC 5961, 4.2) */
	if (np_an_wants(NP_AN_PORT_REUSE) && sk && have &&
	    sk->__sk_common.skc_state == TCP_SYN_SENT &&
	    (p.flags & (TCPHDR_SYN | TCPHDR_RST | TCPHDR_ACK)) == TCPHDR_ACK)
		emit_rst(ctx, NP_AN_PORT_REUSE, sk, skb, &p, reason);
	if (np_an_wants(NP_AN_RST_SENT))
		emit_rst(ctx, NP_AN_RST_SENT, sk, skb, have ? &p : NULL, reason);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(np_an_rst_rx, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct np_ev_anomaly *r;

	if (!tp || np_sock_left_out(sk))
		return 0;
	np_an_is_reset(sk);
	if (!np_an_wants(NP_AN_RST_RECV))
		return 0;
	r = np_an_new(NP_AN_RST_RECV);
	if (!r)
		return 0;
	np_an_sock(r, sk, tp);
	r->who = NP_WHO_REMOTE;
	np_an_stack(r, ctx);
	np_an_read_owner(r, sk);
	np_submit_soon(r);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
