/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Response times: how long the other side's system takes to confirm a request (SRT), and its
 * application to answer it (ART). A turn begins with the last byte of a request and ends with the
 * first byte of the reply; what is sent again, and what comes again, does not count.
 *	client	data sent: since = now. Bare ACK received of all of it: SRT. Data received: ART
 *	server	data received: since = now. Bare ACK sent of all of it: SRT. Data sent: ART
 */
#ifndef NP_TURN_BPF_H
#define NP_TURN_BPF_H

#include "np_read.bpf.h"
#include "np_samples.bpf.h"

#define NP_SRT_MAX_US 10000000
#define NP_ART_MAX_US 30000000

#define NP_TCP_FIN 1 /* RFC 9293, 3.1 */
#define NP_TCP_SYN 2
#define NP_TCP_RST 4

/* np_state has work to do for it. */
const volatile bool np_want_turn __weak = false;
bool np_turn_on __weak;

/* By cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, __u64);
	__type(value, struct np_turn);
} np_turns SEC(".maps") __weak;

/* What a segment says: filled from its header. */
struct np_turn_segment {
	__u32 seq;
	__u32 ack;
	__u32 len; /* of the payload */
	__u8 flags;
};

static __always_inline struct np_turn *np_turn_new(__u64 cookie, enum np_side side)
{
	struct np_turn new = { .side = side };

	if (bpf_map_update_elem(&np_turns, &cookie, &new, BPF_NOEXIST))
		np_count_lost(NP_LOST_RTT_MAP);
	return bpf_map_lookup_elem(&np_turns, &cookie);
}

/*
 * Who accepted: a connection inherits its listener's backlog, and one that connects has none. A
 * listener may have none either; then only the state that the connection came from tells.
 */
static __always_inline enum np_side np_turn_side(struct sock *sk)
{
	return sk->sk_max_ack_backlog ? NP_SIDE_SERVER : NP_SIDE_CLIENT;
}

static __always_inline __u64 np_turn_us(const struct np_turn *t)
{
	return (bpf_ktime_get_ns() - t->since_ns) / 1000;
}

/* The side that asked last asks on: the last byte counts. */
static __always_inline void np_turn_ask(struct np_turn *t)
{
	t->since_ns = bpf_ktime_get_ns();
	t->waiting = 1;
	t->acked = 0;
}

/* Data the other way, or a bare ACK of all that was asked. */
static __always_inline void np_turn_answer(struct np_turn *t, __u64 cookie, __u32 asked,
					   const struct np_turn_segment *s)
{
	if (s->len) {
		np_samples_add(&t->art, cookie, NP_TIME_ART, np_turn_us(t), NP_ART_MAX_US);
		t->waiting = 0;
	} else if (!t->acked && (__s32)(s->ack - asked) >= 0 &&
		   !(s->flags & (NP_TCP_FIN | NP_TCP_SYN | NP_TCP_RST))) {
		np_samples_add(&t->srt, cookie, NP_TIME_SRT, np_turn_us(t), NP_SRT_MAX_US);
		t->acked = 1;
	}
}

/* Whether the segment has data past *END, which moves there. */
static __always_inline bool np_turn_fresh(struct np_turn *t, __u32 *end, __u8 which,
					  const struct np_turn_segment *s)
{
	__u32 next = s->seq + s->len;

	if (!s->len || ((t->known & which) && (__s32)(next - *end) <= 0))
		return false;
	*end = next;
	t->known |= which;
	return true;
}

static __always_inline void np_turn_sent(struct np_turn *t, __u64 cookie,
					 const struct np_turn_segment *s)
{
	bool fresh = np_turn_fresh(t, &t->sent, NP_TURN_SENT, s);

	if (s->len && !fresh)
		return;
	if (t->side == NP_SIDE_CLIENT) {
		if (fresh)
			np_turn_ask(t);
	} else if (t->waiting) {
		np_turn_answer(t, cookie, t->got, s);
	}
}

static __always_inline void np_turn_got(struct np_turn *t, __u64 cookie,
					const struct np_turn_segment *s)
{
	bool fresh = np_turn_fresh(t, &t->got, NP_TURN_GOT, s);

	if (s->len && !fresh)
		return;
	if (t->side == NP_SIDE_SERVER) {
		if (fresh)
			np_turn_ask(t);
	} else if (t->waiting) {
		np_turn_answer(t, cookie, t->sent, s);
	}
}

/* From np_state: the connection is there, before anything was sent on it. */
static __always_inline void np_turn_open(struct sock *sk, int oldstate)
{
	if (np_turn_on)
		np_turn_new(np_read_cookie(sk),
			    oldstate == TCP_SYN_SENT ? NP_SIDE_CLIENT : NP_SIDE_SERVER);
}

/* From np_state: the move to TCP_CLOSE. */
static __always_inline void np_turn_close(struct sock *sk)
{
	__u64 cookie = np_read_cookie(sk);
	struct np_turn *t;

	if (!np_turn_on)
		return;
	t = bpf_map_lookup_elem(&np_turns, &cookie);
	if (!t)
		return;
	np_samples_end(&t->srt, cookie, NP_TIME_SRT, t->side);
	np_samples_end(&t->art, cookie, NP_TIME_ART, t->side);
	bpf_map_delete_elem(&np_turns, &cookie);
}

#endif
