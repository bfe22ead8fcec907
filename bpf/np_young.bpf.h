/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a connection before its end, and goes with the record of that: who connected, or
 * closes it now, when it was opened, how long the handshake took. Meanwhile it stands in a slot: a
 * record in the ring for each of them would cost short connections twice as much. User space looks
 * through the slots at each refresh, for those that live on. Where the slot is another's, records
 * go into the ring.
 */
#ifndef NP_YOUNG_BPF_H
#define NP_YOUNG_BPF_H

#include "np_read.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, NP_YOUNGS);
	__type(key, __u32);
	__type(value, struct np_young);
} np_youngs SEC(".maps") __weak;

static __always_inline struct np_young *np_young_slot(__u64 cookie)
{
	/* an address stands in before 5.12 */
	__u32 i = (np_has_cookie ? cookie : cookie >> 8) & (NP_YOUNGS - 1);

	return bpf_map_lookup_elem(&np_youngs, &i);
}

static __always_inline struct np_young *np_young_find(__u64 cookie)
{
	struct np_young *y = np_young_slot(cookie);

	return y && y->cookie == cookie ? y : NULL;
}

/* A slot of its own, empty but for its namespace; NULL: it is taken. Its filler sets `whole`. */
static __always_inline struct np_young *np_young_new(struct sock *sk, __u64 cookie)
{
	struct np_young *y = np_young_slot(cookie);

	if (!y || y->cookie)
		return NULL;
	/* of several at once, the sum is the cookie of one at most */
	__sync_fetch_and_add(&y->cookie, cookie);
	if (*(volatile __u64 *)&y->cookie != cookie) {
		__sync_fetch_and_add(&y->cookie, -cookie);
		return NULL;
	}
	y->task.pid = 0;
	y->opened_ns = 0;
	y->syn_us = 0;
	y->connects = false;
	y->netns = sk->__sk_common.skc_net.net->ns.inum;
	y->cgroup_id = np_read_cgroup(sk);
	return y;
}

/* The task that runs now is its owner. */
static __always_inline void np_young_own(struct np_young *y, struct sock *sk)
{
	struct np_ev_task task = {};
	__u32 pid;

	if (!np_read_current(&task))
		return;
	task.uid = sk->sk_uid.val;
	/* whoever sees the pid sees the rest */
	pid = task.pid;
	task.pid = 0;
	y->task = task;
	barrier();
	y->task.pid = pid;
}

static __always_inline void np_young_free(struct np_young *y, __u64 cookie)
{
	y->whole = false;
	barrier();
	__sync_fetch_and_add(&y->cookie, -cookie);
}

#endif
