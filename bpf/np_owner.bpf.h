/* SPDX-License-Identifier: GPL-2.0-only */
/* Who owns a socket: the record of it, from the owner's own context; and sockets that wait for one.
 */
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

/*
 * Sockets that an interrupt ended, or to which it did something else, until their owner closes or
 * destroys them; with np_read_cred(). A walk may be too late for a connection that is young.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, __u64);
} np_ownerless SEC(".maps") __weak;
bool np_any_ownerless __weak; /* there was one: look them up */

static __always_inline void np_owner_wait(__u64 cookie, __u64 cred)
{
	bpf_map_update_elem(&np_ownerless, &cookie, &cred, BPF_ANY);
	np_any_ownerless = true;
}

/*
 * Whether the socket waits for its owner, which is then the task that runs now. It does so once.
 * Reset before it was accepted: either it was accepted still, and is closed by its process, or its
 * listener has gone, maybe in an interrupt, which opens it again (tcp_disconnect).
 */
static __always_inline bool np_owner_came(struct sock *sk, __u64 cookie, bool *waited)
{
	__u64 cred, *found = bpf_map_lookup_elem(&np_ownerless, &cookie);

	*waited = found;
	if (!found)
		return false;
	cred = *found;
	bpf_map_delete_elem(&np_ownerless, &cookie);
	return cred ? np_current_made(cred) : sk->sk_shutdown == SHUTDOWN_MASK;
}

#endif
