/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who closes a connection is known at its FIN, and its end is told a moment later, from an
 * interrupt as a rule: until then the owner waits in a slot. A record of its own in the ring would
 * cost each connection more. User space looks through the slots at each refresh, for connections
 * whose end takes longer (orphans).
 */
#ifndef NP_CLOSER_BPF_H
#define NP_CLOSER_BPF_H

#include "np_read.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, NP_CLOSERS);
	__type(key, __u32);
	__type(value, struct np_closer);
} np_closers SEC(".maps") __weak;

static __always_inline struct np_closer *np_closer_slot(__u64 cookie)
{
	/* an address stands in before 5.12 */
	__u32 i = (np_has_cookie ? cookie : cookie >> 8) & (NP_CLOSERS - 1);

	return bpf_map_lookup_elem(&np_closers, &i);
}

/* The task that runs now closes SK; false: the slot is taken. */
static __always_inline bool np_closer_put(struct sock *sk, __u64 cookie)
{
	struct np_closer *c = np_closer_slot(cookie);
	struct np_ev_task task = {};

	if (!c || c->cookie || !np_read_current(&task))
		return false;
	/* of several at once, the sum is the cookie of one at most */
	__sync_fetch_and_add(&c->cookie, cookie);
	if (*(volatile __u64 *)&c->cookie != cookie) {
		__sync_fetch_and_add(&c->cookie, -cookie);
		return false;
	}
	task.uid = sk->sk_uid.val;
	c->task = task;
	c->netns = sk->__sk_common.skc_net.net->ns.inum;
	barrier();
	c->whole = true;
	return true;
}

/* What was put for it, which is forgotten then; false: nothing. */
static __always_inline bool np_closer_take(struct np_ev_task *task, __u64 cookie)
{
	struct np_closer *c = np_closer_slot(cookie);

	if (!c || c->cookie != cookie)
		return false;
	if (task)
		*task = c->task;
	c->whole = false;
	barrier();
	__sync_fetch_and_add(&c->cookie, -cookie);
	return true;
}

#endif
