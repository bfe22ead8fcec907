// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows that go to zero and back. The only tracepoint on that way is tcp_probe, once for each
 * segment that an established connection receives: dear, so attached on request only.
 *
 * A peer's window is in each header, that of the last one in snd_wnd. Ours is known to have been 0
 * only afterwards: a segment that fills the window is noted, and when the next segment or the next
 * read finds rcv_wnd at 0, that was the begin. The end is the first read (tcp_rcv_space_adjust) or
 * segment that finds it open.
 *
 * A begin may not have been seen: it was before we came, or the kernel ran no program for that
 * segment (it may hide a process from tracing, and with it what interrupts that process). Then a
 * window that is 0 already tells of it, and it was with the last acknowledgement (the peer's) or
 * the last data (ours).
 */
#include "np_kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_anomaly.bpf.h"

/* Windows that are 0 now, by socket and side; hdr.type NP_EV_NONE: filled, not known to be 0. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct np_zwin_key);
	__type(value, struct np_ev_anomaly);
} np_zwin SEC(".maps");

/* By user space: of a tick. */
const volatile __u64 np_jiffy_ns = 0;

/* Entries by enum np_who: while there are none, nothing is looked up. */
__u64 np_zwin_live[3];

static __always_inline void forget(const struct np_zwin_key *key)
{
	if (!bpf_map_delete_elem(&np_zwin, key))
		__sync_fetch_and_add(&np_zwin_live[key->who == NP_WHO_REMOTE ? 2 : 1], -1);
}

static __always_inline void finish(const struct np_zwin_key *key, struct np_ev_anomaly *open,
				   __u64 now)
{
	if (open->hdr.type == NP_EV_ANOMALY) {
		struct np_ev_anomaly *r = np_reserve(sizeof(*r));

		if (r) {
			__builtin_memcpy(r, open, sizeof(*r));
			r->flags &= ~NP_AN_F_OPEN;
			r->dur_ns = now - open->ts_ns;
			np_submit(r);
		}
	}
	forget(key);
}

static __always_inline void begin(const struct np_zwin_key *key, struct sock *sk, __u16 type,
				  __u64 now)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct np_ev_anomaly r = {};

	if (!tp)
		return;
	np_an_sock(&r, sk, tp);
	r.hdr.type = type;
	r.hdr.size = sizeof(r);
	r.ts_ns = now;
	r.kind = NP_AN_ZERO_WINDOW;
	r.who = key->who;
	r.flags |= NP_AN_F_OPEN;
	r.stack_id = -1;
	r.nth = 1;
	np_an_wait_for_owner(sk, key->cookie);
	if (bpf_map_update_elem(&np_zwin, key, &r, BPF_NOEXIST))
		np_count_lost(NP_LOST_ZWIN_MAP);
	else
		__sync_fetch_and_add(&np_zwin_live[key->who == NP_WHO_REMOTE ? 2 : 1], 1);
}

/* Of a tick in the last minutes. */
static __always_inline __u64 at_jiffy(__u32 jiffy)
{
	return bpf_ktime_get_ns() - (__u32)((__u32)bpf_jiffies64() - jiffy) * np_jiffy_ns;
}

/* The peer's window, by a segment that it sent; WAS: it is 0 by those before. */
static __always_inline void remote(struct sock *sk, struct tcp_sock *tp, bool zero, bool was)
{
	struct np_zwin_key key = { .cookie = np_read_cookie(sk), .who = NP_WHO_REMOTE };
	struct np_ev_anomaly *open = bpf_map_lookup_elem(&np_zwin, &key);

	if (!open && (zero || was)) {
		begin(&key, sk, NP_EV_ANOMALY, was ? at_jiffy(tp->rcv_tstamp) : bpf_ktime_get_ns());
		open = zero ? NULL : bpf_map_lookup_elem(&np_zwin, &key);
	} else if (open && zero) {
		__sync_fetch_and_add(&open->nth, 1);
	}
	if (open && !zero)
		finish(&key, open, bpf_ktime_get_ns());
}

/* Ours: ZERO as it was told to the peer last; FULL: nothing more fits, though the peer may not
 * have been told yet. */
static __always_inline void local(struct sock *sk, struct tcp_sock *tp, bool zero, bool full)
{
	struct np_zwin_key key = { .cookie = np_read_cookie(sk), .who = NP_WHO_LOCAL };
	struct np_ev_anomaly *open = bpf_map_lookup_elem(&np_zwin, &key);

	if (!open) {
		/* what filled it was not seen: it came last */
		if (zero)
			begin(&key, sk, NP_EV_ANOMALY, at_jiffy(tp->inet_conn.icsk_ack.lrcvtime));
		else if (full)
			begin(&key, sk, NP_EV_NONE, bpf_ktime_get_ns());
	} else if (zero) {
		open->hdr.type = NP_EV_ANOMALY;
		__sync_fetch_and_add(&open->nth, 1);
	} else if (!full) {
		finish(&key, open, bpf_ktime_get_ns());
	}
}

SEC("tp_btf/tcp_probe")
int BPF_PROG(np_zwin_segment, struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u32 wnd, used, len = skb->len, hdr;
	bool full, zero, was;
	__u8 h[4];

	/* data offset, flags, window */
	if (!tp || np_sock_left_out(sk) || bpf_probe_read_kernel(h, sizeof(h), skb->data + 12))
		return 0;
	wnd = tp->rcv_wnd;
	used = tp->rcv_nxt - tp->rcv_wup;
	zero = !h[2] && !h[3] && !(h[1] & TCPHDR_RST);
	was = !tp->snd_wnd;
	if (zero || was || np_zwin_live[NP_WHO_REMOTE])
		remote(sk, tp, zero, was);
	hdr = (h[0] >> 4) * 4;
	full = wnd && used + (len > hdr ? len - hdr : 0) >= wnd;
	if (!wnd || full || np_zwin_live[NP_WHO_LOCAL])
		local(sk, tp, !wnd, full);
	return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(np_zwin_read, struct sock *sk)
{
	struct tcp_sock *tp;
	__u32 wnd;

	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	wnd = tp->rcv_wnd;
	if ((wnd && !np_zwin_live[NP_WHO_LOCAL]) || np_sock_left_out(sk))
		return 0;
	local(sk, tp, !wnd, wnd && tp->rcv_nxt - tp->rcv_wup >= wnd);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(np_zwin_destroy, struct sock *sk)
{
	struct np_zwin_key key = {};
	struct np_ev_anomaly *open;

	if (!np_zwin_live[NP_WHO_LOCAL] && !np_zwin_live[NP_WHO_REMOTE])
		return 0;
	key.cookie = np_read_cookie(sk);
	key.who = NP_WHO_REMOTE;
	open = bpf_map_lookup_elem(&np_zwin, &key);
	if (open)
		finish(&key, open, bpf_ktime_get_ns());
	key.who = NP_WHO_LOCAL;
	open = bpf_map_lookup_elem(&np_zwin, &key);
	if (open)
		finish(&key, open, bpf_ktime_get_ns());
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
