// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connects that fail and connections that time out, by the tracepoint of a socket's errors.
 *
 * np_an_destroy alone runs for each connection, once. It sees what no other tracepoint tells: a
 * connect that its process gave up, the timeout of a connection that its process had closed, and
 * who closes a connection that an interrupt had ended.
 */
#include "np_kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_anomaly.bpf.h"
#include "np_owner.bpf.h"

/* include/uapi/asm-generic/errno.h */
#define NP_ENETUNREACH  101
#define NP_ETIMEDOUT    110
#define NP_ECONNREFUSED 111
#define NP_EHOSTUNREACH 113

/* retrans_stamp is the low half of a clock in ms, or us (tcp_time_stamp_ts). */
static __always_inline __u64 since_stamp(struct tcp_sock *tp, __u64 now)
{
	__u32 stamp = tp->retrans_stamp;

	if (!stamp)
		return 0;
	if (bpf_core_field_exists(tp->tcp_usec_ts) &&
	    BPF_CORE_READ_BITFIELD_PROBED(tp, tcp_usec_ts))
		return (__u64)((__u32)(now / 1000) - stamp) * 1000;
	return (__u64)((__u32)(now / 1000000) - stamp) * 1000000;
}

/* Nothing was ever received but what ended it. The state is TCP_CLOSE already. */
static __always_inline bool never_established(struct tcp_sock *tp)
{
	return !tp->rcv_nxt && !tp->bytes_acked;
}

/*
 * Who waits in connect() or poll(): an entry of the socket's wait queue names a task, and that is
 * proven where the entry, or the table of poll() that it names, lies on that very task's stack.
 */
#define STACK_MAX 32768 /* THREAD_SIZE: 16 KiB, or more with KASAN */

static __always_inline bool on_stack_of(struct task_struct *task, __u64 addr)
{
	__u64 stack = (__u64)BPF_CORE_READ(task, stack);

	return stack && addr - stack < STACK_MAX;
}

static __always_inline struct task_struct *waiter_of(struct wait_queue_entry *entry)
{
	struct poll_wqueues *poll = BPF_CORE_READ(entry, private);
	struct task_struct *task = (void *)poll;

	if (!poll)
		return NULL;
	if (on_stack_of(task, (__u64)entry))
		return task;
	task = BPF_CORE_READ(poll, polling_task);
	return task && on_stack_of(task, (__u64)poll) ? task : NULL;
}

static __always_inline bool read_waiter(struct np_ev_task *t, struct sock *sk)
{
	struct socket_wq *wq = BPF_CORE_READ(sk, sk_wq);
	struct list_head *at = BPF_CORE_READ(wq, wait.head.next);

	for (int i = 0; i < 4 && at && at != &wq->wait.head; i++) {
		struct wait_queue_entry *entry =
		    (void *)at - bpf_core_field_offset(struct wait_queue_entry, entry);
		struct task_struct *task = waiter_of(entry);

		if (task && !(BPF_CORE_READ(task, flags) & PF_KTHREAD)) {
			t->pid = BPF_CORE_READ(task, tgid);
			t->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
			BPF_CORE_READ_STR_INTO(&t->comm, task, group_leader, comm);
			return true;
		}
		at = BPF_CORE_READ(at, next);
	}
	return false;
}

static __always_inline struct np_ev_anomaly *new_end(enum np_anomaly kind, struct sock *sk,
						     struct tcp_sock *tp)
{
	struct np_ev_anomaly *r;

	if (!np_an_wants(kind))
		return NULL;
	r = np_an_new(kind);
	if (!r)
		return NULL;
	np_an_sock(r, sk, tp);
	r->sk_err = sk->sk_err;
	r->nth = tp->inet_conn.icsk_retransmits;
	r->dur_ns = since_stamp(tp, r->ts_ns);
	if (kind == NP_AN_CONNECT_FAIL)
		r->tuple.state = TCP_SYN_SENT;
	return r;
}

/* Of a connect: what an ICMP message said, which lies in the error queue too (tcp_v4_err). */
static __always_inline int queued_error(struct sock *sk)
{
	struct sk_buff *skb = sk->sk_error_queue.next;
	struct sock_exterr_skb *err = (void *)&skb->cb;

	return sk->sk_error_queue.qlen ? (int)BPF_CORE_READ(err, ee.ee_errno) : 0;
}

/*
 * The error is its process's to take (SO_ERROR, read), and where the end of the connection woke it
 * on another processor it may have done so before we run (since 6.10 the end comes before the
 * report). Then the rest of the socket says what it was; 0: nothing that is told here, or only a
 * message in the error queue.
 */
static __always_inline int taken_error(struct sock *sk, struct tcp_sock *tp)
{
	bool fresh = never_established(tp), timer = tp->inet_conn.icsk_retransmits;
	int err = queued_error(sk);

	if (sk->__sk_common.skc_state != TCP_CLOSE || !tp->segs_out || (err && !fresh))
		return 0;
	if (err)
		return err;
	/* a reset, or somebody's abort */
	if (np_an_just_reset(sk) || np_an_owned(sk))
		return fresh ? NP_ECONNREFUSED : 0;
	if (!timer && !tp->inet_conn.icsk_probes_out)
		return fresh ? NP_EHOSTUNREACH : 0;
	return sk->sk_err_soft ? sk->sk_err_soft : NP_ETIMEDOUT;
}

/* An orphan's end is told where it is destroyed, right after; before 6.10 it is reported too. */
static __always_inline bool destroy_tells(struct sock *sk, int err)
{
	return err == NP_ETIMEDOUT && !np_an_owned(sk) &&
	       (sk->__sk_common.skc_flags & (1UL << SOCK_DEAD | 1UL << SOCK_DONE)) ==
		   1UL << SOCK_DEAD;
}

/* Fires also for messages in the error queue, with sk_err 0, and not for orphans (since 6.10). */
SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(np_an_error, struct sock *sk)
{
	struct np_ev_anomaly *r;
	struct tcp_sock *tp;
	int err;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || np_sock_left_out(sk))
		return 0;
	err = sk->sk_err;
	if (!err)
		err = taken_error(sk, tp);
	if (!err || destroy_tells(sk, err))
		return 0;
	/* what an ICMP message said last stands for the timeout (tcp_write_err, sk_err_soft) */
	if (never_established(tp))
		r = new_end(NP_AN_CONNECT_FAIL, sk, tp);
	else if (err == NP_ETIMEDOUT || (sk->__sk_common.skc_state == TCP_CLOSE &&
					 (err == NP_EHOSTUNREACH || err == NP_ENETUNREACH)))
		r = new_end(NP_AN_TIMEOUT, sk, tp);
	else
		return 0;
	if (!r)
		return 0;
	r->sk_err = err;
	if (!(np_an_owned(sk) && np_read_current(&r->task)) && !read_waiter(&r->task, sk))
		np_an_wait_for_owner(sk, r->cookie);
	np_submit_soon(r);
	return 0;
}

static __always_inline void tell_owner(struct sock *sk)
{
	__u64 cookie = np_read_cookie(sk);
	struct np_ev_owner *r;
	bool waited;

	if (!np_owner_came(sk, cookie, &waited))
		return;
	r = np_owner_record(sk, cookie, NP_VIA_CLOSE);
	if (r)
		np_submit_soon(r);
}

/*
 * A FIN by its process: by the end of the connection an interrupt has it. It fires ten times for
 * each connection, so it is attached only while something goes wrong.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(np_an_state, struct sock *sk, int oldstate, int newstate)
{
	if (np_any_ownerless && sk->sk_protocol == IPPROTO_TCP &&
	    (newstate == TCP_FIN_WAIT1 || newstate == TCP_LAST_ACK))
		tell_owner(sk);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(np_an_destroy, struct sock *sk)
{
	struct np_ev_anomaly *r = NULL;
	struct tcp_sock *tp;

	/* both ends said FIN: nearly all */
	if ((sk->__sk_common.skc_flags & (1UL << SOCK_DONE)) || np_sock_left_out(sk))
		return 0;
	if (np_any_ownerless)
		tell_owner(sk);
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	/* an error would have purged the SYN from the queue */
	if (tp->packets_out && never_established(tp) && sk->sk_lock.owned) {
		r = new_end(NP_AN_CONNECT_FAIL, sk, tp);
		if (r) {
			r->flags |= NP_AN_F_GAVE_UP;
			np_read_current(&r->task);
		}
	} else if (sk->sk_err == NP_ETIMEDOUT && !sk->sk_lock.owned) {
		r = new_end(NP_AN_TIMEOUT, sk, tp);
	}
	if (r)
		np_submit_soon(r);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
