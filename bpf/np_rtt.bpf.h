/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every sample of the round-trip time that the kernel takes, from what it leaves behind: the
 * smoothed one (net/ipv4/tcp_input.c, tcp_rtt_estimator()). With m the sample in us,
 *	first:  srtt = m << 3, mdev = m << 1
 *	later:  srtt += m - (srtt >> 3), and mdev -= mdev >> 2 where that difference is 0
 * so two successive values of srtt give m exactly. A received segment takes one sample at most, and
 * only while something of ours is in flight; tcp_probe fires before a segment is looked at, so it
 * sees what the one before it left. tcp_probe knows ESTABLISHED alone, so what came last is taken
 * when the socket leaves that state: before our FIN, the delayed ACK of which is no round trip.
 */
#ifndef NP_RTT_BPF_H
#define NP_RTT_BPF_H

#include "np_read.bpf.h"
#include "np_samples.bpf.h"

#define NP_RTT_MAX_US 30000000

/* np_state has work to do for it. */
const volatile bool np_want_rtt __weak = false;
bool np_rtt_on __weak;

/* By cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, __u64);
	__type(value, struct np_rtt);
} np_rtts SEC(".maps") __weak;

static __always_inline void np_rtt_begin(struct np_rtt *t, struct tcp_sock *tp)
{
	__u32 srtt = tp->srtt_us, mdev = tp->mdev_us;

	t->srtt = srtt;
	t->mdev = mdev;
	t->una = tp->snd_una;
	t->s.tick = np_tick;
	/* none but the handshake's so far; else an average, which is no sample */
	if (srtt == mdev << 2 && srtt >> 3 <= NP_RTT_MAX_US) {
		t->s.us[0] = srtt >> 3;
		t->s.n = srtt > 7;
	}
}

/* What the last segment left. */
static __always_inline void np_rtt_next(struct np_rtt *t, struct tcp_sock *tp, __u64 cookie)
{
	__u32 srtt = tp->srtt_us, mdev = tp->mdev_us, old = t->srtt, una;

	if (srtt == old && mdev == t->mdev) {
		/* a sample equal to the smoothed time does not move either, where mdev is so small
		 */
		if (mdev > 3)
			return;
		una = tp->snd_una;
		if (una == t->una)
			return;
		t->una = una;
	} else {
		t->una = tp->snd_una;
		t->srtt = srtt;
		t->mdev = mdev;
	}
	np_samples_add(&t->s, cookie, NP_TIME_RTT, old ? srtt - old + (old >> 3) : srtt >> 3,
		       NP_RTT_MAX_US);
}

static __always_inline void np_rtt_segment(struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct np_rtt *t;
	__u64 cookie;

	/* nothing in flight: this segment will leave srtt alone, so the next one sees the same */
	if (!tp || tp->snd_una == tp->snd_nxt)
		return;
	cookie = np_read_cookie(sk);
	t = bpf_map_lookup_elem(&np_rtts, &cookie);
	if (t) {
		np_rtt_next(t, tp, cookie);
	} else {
		struct np_rtt new = {};

		np_rtt_begin(&new, tp);
		if (bpf_map_update_elem(&np_rtts, &cookie, &new, BPF_NOEXIST))
			np_count_lost(NP_LOST_RTT_MAP);
	}
}

/* From np_state: the socket leaves TCP_ESTABLISHED. */
static __always_inline void np_rtt_leave(struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u64 cookie = np_read_cookie(sk);
	struct np_rtt *t;

	if (!np_rtt_on || !tp)
		return;
	t = bpf_map_lookup_elem(&np_rtts, &cookie);
	if (t) {
		np_rtt_next(t, tp, cookie);
		np_samples_end(&t->s, cookie, NP_TIME_RTT, NP_SIDE_NONE);
		bpf_map_delete_elem(&np_rtts, &cookie);
	} else {
		struct np_rtt only = {};

		np_rtt_begin(&only, tp);
		np_samples_end(&only.s, cookie, NP_TIME_RTT, NP_SIDE_NONE);
	}
}

#endif
