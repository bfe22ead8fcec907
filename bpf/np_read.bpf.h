/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From kernel structs to wire structs. Every function takes BTF pointers, so that one body serves
 * tp_btf programs and iterators; fields that kernels name differently are resolved here and nowhere
 * else.
 */
#ifndef NP_READ_BPF_H
#define NP_READ_BPF_H

#include "np_kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "np_event.h"

/* User space asks for the cgroup only when a column needs it. */
const volatile bool np_want_cgroup __weak = true;

/* Kernels before 5.12 do not let tracing programs ask for it: the socket's address stands in. */
const volatile bool np_has_cookie __weak = true;

/* Listeners, with their queues. */
const volatile bool np_want_listen __weak = false;

/* ICMP echo sockets are counted as UDP ones are. */
const volatile bool np_want_icmp __weak = false;

static __always_inline bool np_is_udp(struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_UDP && sk->sk_type == SOCK_DGRAM;
}

/* A ping socket or a raw one: what sends echo requests. */
static __always_inline bool np_is_icmp(struct sock *sk)
{
	return (sk->sk_protocol == IPPROTO_ICMP || sk->sk_protocol == IPPROTO_ICMPV6) &&
	       (sk->sk_type == SOCK_DGRAM || sk->sk_type == SOCK_RAW);
}

static __always_inline __u64 np_read_cookie(struct sock *sk)
{
	__u64 cookie = (__u64)sk, number = 0;

	if (!np_has_cookie) {
		/* for the verifier a pointer, with which one may not reckon */
		bpf_probe_read_kernel(&number, sizeof(number), &cookie);
		return number;
	}
	/* 0 until somebody asks for it */
	cookie = sk->__sk_common.skc_cookie.counter;
	return cookie ? cookie : bpf_get_socket_cookie(sk);
}

/* --sample 1/N; 1: all of them. */
const volatile __u32 np_sample __weak = 1;

/* The connection is not looked at: nothing is done for it. */
static __always_inline bool np_left_out(__u64 cookie)
{
	return np_sample > 1 && !np_sampled(cookie, np_sample);
}

static __always_inline bool np_sock_left_out(struct sock *sk)
{
	return np_sample > 1 && !np_sampled(np_read_cookie(sk), np_sample);
}

static __always_inline __u64 np_read_cgroup(struct sock *sk)
{
	if (!np_want_cgroup)
		return 0;
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
		struct cgroup *cgroup = sk->sk_cgrp_data.cgroup;

		return cgroup ? cgroup->kn->id : 0;
	}
	if (bpf_core_field_exists(((struct sock_cgroup_data___old *)0)->val)) {
		struct sock_cgroup_data___old *data = (void *)&sk->sk_cgrp_data;
		__u64 val = BPF_CORE_READ(data, val);

		/* bit 0 set: the word holds a network class id, not a pointer */
		return val & 1 ? 0 : BPF_CORE_READ((struct cgroup *)val, kn, id);
	}
	return 0;
}

/* All but the protocol: what a request socket has, too. */
static __always_inline void np_read_ends(struct np_ev_tuple *t, struct sock_common *skc,
					 __u16 lport)
{
	t->family = skc->skc_family;
	t->state = skc->skc_state;
	t->lport = lport;
	t->rport = bpf_ntohs(skc->skc_dport);
	if (t->family == AF_INET6) {
		*(struct in6_addr *)t->laddr = skc->skc_v6_rcv_saddr;
		*(struct in6_addr *)t->raddr = skc->skc_v6_daddr;
	} else {
		__u32 *laddr = (__u32 *)t->laddr, *raddr = (__u32 *)t->raddr;

		laddr[2] = raddr[2] = bpf_htonl(0xffff);
		laddr[3] = skc->skc_rcv_saddr;
		raddr[3] = skc->skc_daddr;
	}
}

static __always_inline void np_read_tuple(struct np_ev_tuple *t, struct sock *sk, __u16 lport)
{
	np_read_ends(t, &sk->__sk_common, lport);
	t->proto = sk->sk_protocol;
}

static __always_inline __u32 np_read_drops(struct sock *sk)
{
	if (bpf_core_field_exists(sk->sk_drop_counters)) {
		struct numa_drop_counters *drops = sk->sk_drop_counters;

		if (drops)
			return drops->drops0.counter + drops->drops1.counter;
	}
	return sk->sk_drops.counter;
}

/* A child is a copy of its listener, its limit of the accept queue too; no other socket has one. */
static __always_inline __u32 np_read_accepted(struct sock *sk)
{
	return sk->sk_max_ack_backlog ? NP_EV_F_ACCEPTED : 0;
}

static __always_inline void np_read_tcp(struct np_ev_sock *r, struct tcp_sock *tp)
{
	struct sock *sk = &tp->inet_conn.icsk_inet.sk;

	/* skc_num is 0 by the time of TCP_CLOSE for a port that was bound automatically */
	np_read_tuple(&r->tuple, sk, bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport));
	r->task.uid = sk->sk_uid.val;
	r->cgroup_id = np_read_cgroup(sk);
	r->netns = sk->__sk_common.skc_net.net->ns.inum;
	r->drops = np_read_drops(sk);
	if (r->tuple.state == TCP_LISTEN) {
		r->hdr.flags |= NP_EV_F_LISTEN;
		r->cwnd = sk->sk_ack_backlog;
		r->ssthresh = sk->sk_max_ack_backlog;
		return;
	}
	if (sk->__sk_common.skc_flags & (1UL << SOCK_DONE))
		r->hdr.flags |= NP_EV_F_FIN_RCVD;
	r->hdr.flags |= np_read_accepted(sk);
	r->bytes_sent = tp->bytes_sent;
	r->bytes_retrans = tp->bytes_retrans;
	r->bytes_received = tp->bytes_received;
	r->segs_out = tp->segs_out;
	r->segs_in = tp->segs_in;
	r->total_retrans = tp->total_retrans;
	r->srtt_us = tp->srtt_us >> 3;
	r->rttvar_us = tp->mdev_us >> 2;
	r->min_rtt_us = tp->rtt_min.s[0].v;
	r->cwnd = tp->snd_cwnd;
	r->ssthresh = tp->snd_ssthresh;
	r->mss = tp->mss_cache;
}

static __always_inline void np_read_task(struct np_ev_task *t, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	t->pid = task->tgid;
	t->start_ns = leader->start_boottime;
	__builtin_memcpy(t->comm, leader->comm, sizeof(t->comm));
}

/*
 * The program that loaded us: the walk over files holds each file for a moment, and when its
 * process closes it in that moment, the last reference, and so the close, is ours.
 */
const volatile __u32 np_self __weak = 0;

/*
 * The task that runs now; only where a system call made the event happen. A kernel thread (delayed
 * fput, io_uring workers before 5.12) is nobody's owner.
 */
static __always_inline bool np_read_current(struct np_ev_task *t)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id___np, BPF_FUNC_get_current_task_btf___np)) {
		struct task_struct *task = bpf_get_current_task_btf();

		if ((task->flags & PF_KTHREAD) || (__u32)task->tgid == np_self)
			return false;
		np_read_task(t, task);
	} else {
		struct task_struct *task = (void *)bpf_get_current_task();

		t->pid = bpf_get_current_pid_tgid() >> 32;
		if ((BPF_CORE_READ(task, flags) & PF_KTHREAD) || t->pid == np_self) {
			t->pid = 0;
			return false;
		}
		t->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
		BPF_CORE_READ_STR_INTO(&t->comm, task, group_leader, comm);
	}
	return true;
}

/* Those of the process that made the socket's file, as a number to compare; 0 where it has none. */
static __always_inline __u64 np_read_cred(struct sock *sk)
{
	struct socket *socket = sk->sk_socket;

	return socket && socket->file ? (__u64)(long)socket->file->f_cred : 0;
}

/*
 * Whether the task that runs now made a file of these credentials, or was forked by who did. Else
 * it may be a bystander, to whom the last close fell: who looks through tables of files (our walk,
 * /proc/PID/fd) holds each of them for a moment. Each process has credentials of its own, its
 * threads share them.
 */
static __always_inline bool np_current_made(__u64 cred)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id___np, BPF_FUNC_get_current_task_btf___np)) {
		struct task_struct *task = bpf_get_current_task_btf();

		return (__u64)(long)task->cred == cred ||
		       (__u64)(long)task->real_parent->cred == cred;
	} else {
		struct task_struct *task = (void *)bpf_get_current_task();

		return (__u64)(long)BPF_CORE_READ(task, cred) == cred ||
		       (__u64)(long)BPF_CORE_READ(task, real_parent, cred) == cred;
	}
}

#endif
