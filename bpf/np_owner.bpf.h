/* SPDX-License-Identifier: GPL-2.0-only */
/* The record of who owns a socket, from the owner's own context. */
#ifndef NP_OWNER_BPF_H
#define NP_OWNER_BPF_H

#include "np_emit.bpf.h"
#include "np_read.bpf.h"

/* The task that runs now is the owner; not yet handed on: np_submit*(). NULL: nobody, or no room.
 */
static __always_inline struct np_ev_owner *np_owner_record(struct sock *sk, __u64 cookie,
							   enum np_owner_via via)
{
	struct np_ev_owner *r = np_reserve(sizeof(*r));

	if (!r)
		return NULL;
	if (!np_read_current(&r->task)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return NULL;
	}
	r->hdr.type = NP_EV_SOCK_OWNER;
	r->hdr.size = sizeof(*r);
	r->cookie = cookie;
	r->task.uid = sk->sk_uid.val;
	r->via = via;
	r->proto = IPPROTO_TCP;
	r->cgroup_id = np_read_cgroup(sk);
	r->netns = sk->__sk_common.skc_net.net->ns.inum;
	return r;
}

#endif
