// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of TCP sockets: final counters at the move to TCP_CLOSE, the owner where a system call
 * of its own brings the move about, and (np_walk_tcp) the sockets that no file refers to.
 *
 * Which moves run in the owner's context is measured, not assumed: connect() makes CLOSE ->
 * SYN_SENT, close() and shutdown() make -> FIN_WAIT1 and -> LAST_ACK, and -> CLOSE without an error
 * from ESTABLISHED or CLOSE_WAIT. A received RST makes -> CLOSE in an interrupt; its owner is known
 * when it destroys the socket.
 */
#include "np_kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_emit.bpf.h"
#include "np_event.h"
#include "np_owner.bpf.h"
#include "np_read.bpf.h"
#include "np_rtt.bpf.h"
#include "np_synack.bpf.h"
#include "np_turn.bpf.h"
#include "np_young.bpf.h"

const volatile bool np_want_life = false;   /* connect() and ESTABLISHED, with their times */
const volatile bool np_want_open = false;   /* a record for each that is established */
const volatile bool np_want_states = false; /* every change of state */

/* Set by user space before a walk: also the sockets that have a file. */
bool np_walk_all;

__u64 np_ends_left_out; /* connections that ended outside of the sample */

/* Of np_ownerless: how many the peer had said FIN to before its RST, or more. */
__u32 np_half_reset;

static __always_inline void emit_owner(struct sock *sk, __u64 cookie, enum np_owner_via via)
{
	struct np_ev_owner *r = np_owner_record(sk, cookie, via);

	if (!r)
		return;
	if (via == NP_VIA_CONNECT)
		r->opened_ns = bpf_ktime_get_ns();
	np_submit_early(r);
}

static __always_inline void emit_state(struct sock *sk, int oldstate, int newstate)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct np_ev_state *r;

	if (!tp)
		return;
	r = np_reserve(sizeof(*r));
	if (!r)
		return;
	r->hdr.type = NP_EV_SOCK_STATE;
	r->hdr.size = sizeof(*r);
	r->hdr.flags = np_read_accepted(sk);
	r->cookie = np_read_cookie(sk);
	np_read_tuple(&r->tuple, sk, bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport));
	r->tuple.state = newstate;
	r->cgroup_id = np_read_cgroup(sk);
	r->ts_ns = bpf_ktime_get_ns();
	r->netns = sk->__sk_common.skc_net.net->ns.inum;
	r->uid = sk->sk_uid.val;
	r->oldstate = oldstate;
	/* the kernel took it as its first sample, in this very state */
	if (oldstate == TCP_SYN_RECV)
		r->synack_us = np_want_life ? np_synack_us(sk, tp, r->ts_ns) : tp->srtt_us >> 3;
	np_submit_early(r);
}

/* connect(): in the caller's context. */
static __always_inline void connects(struct sock *sk, __u64 cookie)
{
	struct np_young *y = np_young_new(sk, cookie);

	if (!y) {
		emit_owner(sk, cookie, NP_VIA_CONNECT);
		return;
	}
	np_young_own(y, sk);
	y->connects = true;
	y->opened_ns = bpf_ktime_get_ns();
	barrier();
	y->whole = true;
}

static __always_inline void established(struct sock *sk, __u64 cookie, int oldstate)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct np_young *y = np_young_find(cookie);
	__u64 now = bpf_ktime_get_ns();

	if (y) {
		y->syn_us = (now - y->opened_ns) / 1000;
		return;
	}
	y = tp && oldstate == TCP_SYN_RECV ? np_young_new(sk, cookie) : NULL;
	if (!y) {
		if (!np_want_open && !np_want_states)
			emit_state(sk, oldstate, TCP_ESTABLISHED);
		return;
	}
	/* SYN-ACK to the ACK of it, which the kernel took as its first sample */
	y->syn_us = np_synack_us(sk, tp, now);
	y->opened_ns = now - y->syn_us * 1000ULL;
	barrier();
	y->whole = true;
}

/* close() or shutdown(), of which our FIN comes. */
static __always_inline void closes(struct sock *sk, __u64 cookie)
{
	struct np_young *y = np_young_find(cookie);

	/* who connected was told then */
	if (y ? y->task.pid != 0 : np_want_life && !np_read_accepted(sk))
		return;
	if (!np_current_made(np_read_cred(sk)))
		return;
	if (!y)
		y = np_young_new(sk, cookie);
	if (!y) {
		emit_owner(sk, cookie, NP_VIA_CLOSE);
		return;
	}
	np_young_own(y, sk);
	barrier();
	y->whole = true;
}

/* What the slot of a connection knows goes with its end; whether that is an owner. */
static __always_inline bool take_young(struct np_ev_end *r, __u64 cookie)
{
	struct np_young *y = np_young_find(cookie);
	bool owned;

	if (!y)
		return false;
	owned = y->task.pid;
	if (r) {
		if (owned)
			r->sock.task = y->task;
		r->opened_ns = y->opened_ns;
		r->syn_us = y->syn_us;
		if (y->connects)
			r->sock.hdr.flags |= NP_EV_F_CONNECTED;
	}
	np_young_free(y, cookie);
	return owned;
}

static __always_inline void emit_end(struct sock *sk, __u64 cookie, int oldstate)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct np_ev_end_rtt *both;
	struct np_ev_end *r;
	__u64 cred;
	bool mine, known;

	if (!tp)
		return;
	/*
	 * A process in close() or abort; elsewhere it is whoever the interrupt hit, and nobody
	 * accepted a connection that has no socket.
	 */
	mine = !sk->sk_err && sk->sk_socket &&
	       (oldstate == TCP_ESTABLISHED || oldstate == TCP_CLOSE_WAIT);
	cred = np_read_cred(sk);
	/* which of the two is fixed when the program is loaded */
	if (np_want_rtt) {
		both = np_reserve(sizeof(*both));
		r = both ? &both->end : NULL;
	} else {
		both = NULL;
		r = np_reserve(sizeof(*r));
	}
	if (r) {
		r->sock.hdr.type = NP_EV_SOCK_END;
		r->sock.hdr.size = sizeof(*r);
		if (np_want_rtt && np_rtt_end(cookie, &both->rtt))
			r->sock.hdr.size = sizeof(*both);
		r->sock.cookie = cookie;
		np_read_tcp(&r->sock, tp);
		r->sock.tuple.state = oldstate;
		r->sk_err = sk->sk_err;
		if (np_want_life) {
			r->ts_ns = bpf_ktime_get_ns();
			r->unread = tp->rcv_nxt - tp->copied_seq;
		}
		known = take_young(r, cookie);
		if (!known && (!mine || !np_current_made(cred) || !np_read_current(&r->sock.task)))
			r->sock.hdr.flags |= NP_EV_F_NO_OWNER;
		np_submit(r);
	} else {
		known = take_young(NULL, cookie);
		if (np_want_rtt)
			np_rtt_end(cookie, NULL);
	}
	/* not orphaned yet: a process will close the file and so destroy it */
	if (!mine && !known && !(sk->__sk_common.skc_flags & (1UL << SOCK_DEAD))) {
		np_owner_wait(cookie, cred);
		if (sk->__sk_common.skc_flags & (1UL << SOCK_DONE))
			__sync_fetch_and_add(&np_half_reset, 1);
	}
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(np_state, struct sock *sk, int oldstate, int newstate)
{
	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (np_sock_left_out(sk)) {
		if (newstate == TCP_CLOSE && oldstate != TCP_LISTEN && oldstate != TCP_CLOSE)
			__sync_fetch_and_add(&np_ends_left_out, 1);
		return 0;
	}
	if (np_want_states || (np_want_open && newstate == TCP_ESTABLISHED))
		emit_state(sk, oldstate, newstate);
	if (np_want_rtt && oldstate == TCP_ESTABLISHED)
		np_rtt_leave(sk);
	switch (newstate) {
	case TCP_CLOSE:
		if (oldstate == TCP_LISTEN || oldstate == TCP_CLOSE)
			break;
		emit_end(sk, np_read_cookie(sk), oldstate);
		if (np_want_turn)
			np_turn_close(sk);
		break;
	case TCP_ESTABLISHED:
		if (np_want_life)
			established(sk, np_read_cookie(sk), oldstate);
		if (np_want_turn)
			np_turn_open(sk, oldstate);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		closes(sk, np_read_cookie(sk));
		break;
	case TCP_SYN_SENT:
		if (np_want_life)
			connects(sk, np_read_cookie(sk));
		break;
	}
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(np_synack_again, const struct sock *sk, const struct request_sock *req)
{
	np_synack_repeat(req);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(np_destroy, struct sock *sk)
{
	bool done = sk->__sk_common.skc_flags & (1UL << SOCK_DONE), came, waited;
	__u64 cookie;

	/* both ends said FIN: not cut short, and nearly all of them, so leave before the lookup */
	if (done && !np_half_reset)
		return 0;
	cookie = np_read_cookie(sk);
	if (np_left_out(cookie))
		return 0;
	came = np_owner_came(sk, cookie, &waited);
	if (waited && done)
		__sync_fetch_and_add(&np_half_reset, -1);
	if (came)
		emit_owner(sk, cookie, NP_VIA_CLOSE);
	return 0;
}

/*
 * Data that comes after close() is answered by an RST, and ends the socket the way that a received
 * one does, a moment before: only the answer tells.
 */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(np_reset, struct sock *sk)
{
	struct np_ev_state *r;
	__u64 raw = 0;

	/* often there is none; some verifiers want that looked at, others think it cannot be */
	bpf_probe_read_kernel(&raw, sizeof(raw), ctx);
	if (!raw)
		sk = NULL;
	if (!sk || sk->__sk_common.skc_state != TCP_CLOSE || sk->sk_protocol != IPPROTO_TCP ||
	    !(sk->__sk_common.skc_flags & (1UL << SOCK_DEAD)) || np_sock_left_out(sk))
		return 0;
	r = np_reserve(sizeof(*r));
	if (!r)
		return 0;
	r->hdr.type = NP_EV_SOCK_STATE;
	r->hdr.size = sizeof(*r);
	r->hdr.flags = NP_EV_F_RESET;
	r->cookie = np_read_cookie(sk);
	r->tuple.state = TCP_CLOSE;
	r->oldstate = TCP_CLOSE;
	np_submit(r);
	return 0;
}

/*
 * TCP sockets of the network namespace that was current when the iterator was made. TIME_WAIT and
 * request sockets have no counters (the cast gives NULL).
 */
SEC("iter/tcp")
int np_walk_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct np_ev_sock r = {};
	struct tcp_sock *tp;
	struct sock *sk;

	if (!skc || (skc->skc_state == TCP_LISTEN && !np_want_listen) ||
	    skc->skc_state == TCP_CLOSE)
		return 0;
	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp)
		return 0;
	sk = &tp->inet_conn.icsk_inet.sk;
	if (!np_walk_all && sk->sk_socket && sk->sk_socket->file)
		return 0;
	/* listeners are not sampled */
	if (skc->skc_state != TCP_LISTEN && np_sock_left_out(sk))
		return 0;
	r.hdr.type = NP_EV_SOCK;
	r.hdr.size = sizeof(r);
	r.hdr.flags = NP_EV_F_NO_FILE | NP_EV_F_NO_OWNER;
	r.cookie = np_read_cookie(sk);
	np_read_tcp(&r, tp);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
