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

/*
 * A slot for each cookie, by its low bits: they are consecutive numbers, so few share one, and a
 * look costs a tenth of one into a hash map. Those that find theirs taken go to a hash map.
 */
const volatile __u32 np_rtt_slots __weak = 65536;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct np_rtt);
} np_rtts SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, __u64);
	__type(value, struct np_rtt);
} np_rtts_more SEC(".maps") __weak;

__u64 np_rtt_more __weak; /* entries in there */

static __always_inline struct np_rtt *np_rtt_slot(__u64 cookie)
{
	/* an address stands in before 5.12 */
	__u32 i = (np_has_cookie ? cookie : cookie >> 8) & (np_rtt_slots - 1);

	return bpf_map_lookup_elem(&np_rtts, &i);
}

static __always_inline struct np_rtt *np_rtt_find(__u64 cookie)
{
	struct np_rtt *t = np_rtt_slot(cookie);

	if (t && t->cookie == cookie)
		return t;
	return np_rtt_more ? bpf_map_lookup_elem(&np_rtts_more, &cookie) : NULL;
}

static __always_inline struct np_rtt *np_rtt_new(__u64 cookie)
{
	struct np_rtt new = { .cookie = cookie };
	struct np_rtt *t = np_rtt_slot(cookie);

	if (t && !t->cookie) {
		/* of several at once, the sum is the cookie of one at most */
		__sync_fetch_and_add(&t->cookie, cookie);
		if (*(volatile __u64 *)&t->cookie == cookie)
			return t;
		__sync_fetch_and_add(&t->cookie, -cookie);
	}
	if (bpf_map_update_elem(&np_rtts_more, &cookie, &new, BPF_NOEXIST)) {
		np_count_lost(NP_LOST_RTT_MAP);
		return NULL;
	}
	__sync_fetch_and_add(&np_rtt_more, 1);
	return bpf_map_lookup_elem(&np_rtts_more, &cookie);
}

static __always_inline void np_rtt_free(struct np_rtt *t, __u64 cookie)
{
	if (t == np_rtt_slot(cookie)) {
		/* who finds the next cookie here must not find these samples */
		t->s.flushed = t->s.discarded = t->s.n = 0;
		barrier();
		__sync_fetch_and_add(&t->cookie, -cookie);
	} else if (!bpf_map_delete_elem(&np_rtts_more, &cookie)) {
		__sync_fetch_and_add(&np_rtt_more, -1);
	}
}

/* None but the handshake's so far; else an average, which is no sample. */
static __always_inline bool np_rtt_first(struct tcp_sock *tp)
{
	__u32 srtt = tp->srtt_us;

	return srtt > 7 && srtt == tp->mdev_us << 2 && srtt >> 3 <= NP_RTT_MAX_US;
}

static __always_inline void np_rtt_begin(struct tcp_sock *tp, __u64 cookie)
{
	struct np_rtt *t = np_rtt_new(cookie);

	if (!t)
		return;
	t->srtt = tp->srtt_us;
	t->mdev = tp->mdev_us;
	t->una = tp->snd_una;
	t->s.tick = np_tick;
	if (np_rtt_first(tp)) {
		t->s.us[0] = tp->srtt_us >> 3;
		t->s.n = 1;
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
	if (np_left_out(cookie))
		return;
	t = np_rtt_find(cookie);
	if (t)
		np_rtt_next(t, tp, cookie);
	else
		np_rtt_begin(tp, cookie);
}

/* From np_state: the socket leaves TCP_ESTABLISHED. */
static __always_inline void np_rtt_leave(struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u64 cookie = np_read_cookie(sk);
	struct np_rtt *t;

	if (!np_rtt_on || !tp)
		return;
	t = np_rtt_find(cookie);
	if (t)
		np_rtt_next(t, tp, cookie);
	else if (np_rtt_first(tp))
		np_rtt_begin(tp, cookie);
}

/* From np_state: the move to TCP_CLOSE. Whether there was anything; R NULL: for nobody. */
static __always_inline bool np_rtt_end(__u64 cookie, struct np_samples *r)
{
	struct np_rtt *t = np_rtt_on ? np_rtt_find(cookie) : NULL;

	if (!t)
		return false;
	if (r)
		*r = t->s;
	else
		np_samples_drop(&t->s, cookie, NP_TIME_RTT);
	np_rtt_free(t, cookie);
	return true;
}

#endif
