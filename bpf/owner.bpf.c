// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every socket that a file refers to, with its counters and a process that holds it, of every
 * network namespace, in one walk over tasks and their files. Nothing runs between two walks.
 *
 * Not here: sockets without a file (orphans, TIME_WAIT, kernel sockets): sock.bpf.c, np_walk_tcp.
 */
#include "np_kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_event.h"
#include "np_read.bpf.h"

const volatile bool np_want_tcp = true;
const volatile bool np_want_udp = true;

/* include/uapi/linux/stat.h */
#define S_IFMT   0170000
#define S_IFSOCK 0140000

static __always_inline bool have_sock_from_file(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id___np, BPF_FUNC_sock_from_file___np);
}

static __always_inline void emit(struct bpf_iter_meta *meta, struct task_struct *task,
				 struct np_ev_sock *r, struct sock *sk)
{
	r->hdr.type = NP_EV_SOCK;
	r->hdr.size = sizeof(*r);
	r->cookie = np_read_cookie(sk);
	np_read_task(&r->task, task);
	bpf_seq_write(meta->seq, r, sizeof(*r));
}

static __always_inline void walk_tcp(struct bpf_iter_meta *meta, struct task_struct *task,
				     struct sock *sk)
{
	struct np_ev_sock r = {};
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp || (sk->__sk_common.skc_state != TCP_LISTEN && np_sock_left_out(sk)))
		return;
	np_read_tcp(&r, tp);
	emit(meta, task, &r, sk);
}

static __always_inline void walk_udp(struct bpf_iter_meta *meta, struct task_struct *task,
				     struct sock *sk)
{
	struct np_ev_sock r = {};

	if (np_sock_left_out(sk))
		return;
	np_read_tuple(&r.tuple, sk, sk->__sk_common.skc_num);
	r.task.uid = sk->sk_uid.val;
	r.cgroup_id = np_read_cgroup(sk);
	r.netns = sk->__sk_common.skc_net.net->ns.inum;
	r.drops = np_read_drops(sk);
	emit(meta, task, &r, sk);
}

/*
 * 5.10 has no bpf_sock_from_file(), and without it no typed pointer to the socket: the walk only
 * says whose a socket is. Its counters come from np_walk_tcp, which is then made at every refresh.
 */
static __always_inline void walk_name(struct bpf_iter_meta *meta, struct task_struct *task,
				      struct file *file)
{
	struct np_ev_owner r = {};
	struct socket *socket;
	struct sock *sk;
	__u16 family;
	__u8 state;

	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return;
	socket = BPF_CORE_READ(file, private_data);
	if (!socket || BPF_CORE_READ(socket, file) != file)
		return;
	sk = BPF_CORE_READ(socket, sk);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (!sk || (family != AF_INET && family != AF_INET6))
		return;
	r.proto = BPF_CORE_READ(sk, sk_protocol);
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (r.proto == IPPROTO_TCP && state != TCP_LISTEN && state != TCP_CLOSE)
		r.cookie = (__u64)sk;
	else if (r.proto == IPPROTO_UDP)
		r.cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (!r.cookie || np_left_out(r.cookie))
		return;
	r.hdr.type = NP_EV_SOCK_OWNER;
	r.hdr.size = sizeof(r);
	r.via = NP_VIA_SCAN;
	r.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	np_read_task(&r.task, task);
	r.task.uid = BPF_CORE_READ(sk, sk_uid.val);
	bpf_seq_write(meta->seq, &r, sizeof(r));
}

SEC("iter/task_file")
int np_walk_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;
	__u16 family;
	__u8 state;

	if (!task || !file)
		return 0;
	if (!have_sock_from_file()) {
		walk_name(ctx->meta, task, file);
		return 0;
	}
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	state = sk->__sk_common.skc_state;
	if (sk->sk_protocol == IPPROTO_TCP && sk->sk_type == SOCK_STREAM) {
		/* closed but once connected: reset, and its process has yet to notice */
		if (!np_want_tcp || (state == TCP_CLOSE && !sk->__sk_common.skc_dport) ||
		    (state == TCP_LISTEN && !np_want_listen))
			return 0;
		walk_tcp(ctx->meta, task, sk);
	} else if (np_is_udp(sk) || (np_want_icmp && np_is_icmp(sk))) {
		/* neither bound nor connected: nothing can come or go yet */
		if (!np_want_udp || !sk->__sk_common.skc_num)
			return 0;
		walk_udp(ctx->meta, task, sk);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
