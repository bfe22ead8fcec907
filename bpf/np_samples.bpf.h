/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Times measured on sockets, in two levels: the newest few stand in the value of a map of the probe
 * itself; only when those are full do they move together into a histogram, so that a short
 * connection never makes one. User space reads both, and takes histograms away after the last
 * record of their socket.
 *
 * The kernel serialises what happens to a socket (its lock), so nothing here is atomic.
 */
#ifndef NP_SAMPLES_BPF_H
#define NP_SAMPLES_BPF_H

#include "np_emit.bpf.h"
#include "np_event.h"
#include "np_kernel.h"

/* By np_hist_key(). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct np_buckets);
} np_hists SEC(".maps") __weak;

/* Counts refreshes: which entries changed since the last one. */
__u8 np_tick __weak;

/* A new histogram: too large for the stack. Bytes, since the skeleton knows no types of ours. */
const char np_no_buckets[sizeof(struct np_buckets)] __weak = {};

static __always_inline __u64 np_hist_key(__u64 cookie, enum np_time kind)
{
	/* of an address (before 5.12) the two highest bits are all that is lost */
	return cookie << 2 | kind;
}

/* Moves the samples into their histogram; out of line, since it runs once in so many times. */
static __noinline int np_samples_flush(__u64 key, struct np_samples *s)
{
	struct np_buckets *b = bpf_map_lookup_elem(&np_hists, &key);

	if (!b) {
		bpf_map_update_elem(&np_hists, &key, &np_no_buckets, BPF_NOEXIST);
		b = bpf_map_lookup_elem(&np_hists, &key);
	}
	if (!b)
		return -1;
	if (!b->count)
		b->min = ~0U;
	for (int i = 0; i < NP_SAMPLES; i++) {
		__u32 us = s->us[i], bucket = np_hist_bucket(us);

		if (b->n[bucket] != ~0U)
			b->n[bucket]++;
		b->sum += us;
		if (us < b->min)
			b->min = us;
		if (us > b->max)
			b->max = us;
	}
	b->count += NP_SAMPLES;
	s->flushed += NP_SAMPLES;
	s->n = 0;
	return 0;
}

/* One more sample of KIND; above MAX it is not believed. */
static __always_inline void np_samples_add(struct np_samples *s, __u64 cookie, enum np_time kind,
					   __u64 us, __u32 max)
{
	__u32 n = s->n;

	if (!us)
		return;
	s->tick = np_tick;
	if (us > max) {
		if (s->discarded != 0xffff)
			s->discarded++;
		return;
	}
	if (n >= NP_SAMPLES) {
		/* no room for a histogram: those that are here stay */
		if (np_samples_flush(np_hist_key(cookie, kind), s)) {
			np_count_lost(NP_LOST_RTT_MAP);
			return;
		}
		n = 0;
	}
	s->us[n] = us;
	s->n = n + 1;
}

/* User space will not hear of them. */
static __always_inline void np_samples_drop(const struct np_samples *s, __u64 cookie,
					    enum np_time kind)
{
	__u64 key = np_hist_key(cookie, kind);

	if (s->flushed)
		bpf_map_delete_elem(&np_hists, &key);
}

/* Nothing more will come: the last record. */
static __always_inline void np_samples_end(const struct np_samples *s, __u64 cookie,
					   enum np_time kind, enum np_side side)
{
	struct np_ev_samples *r;

	if (!s->flushed && !s->n && !s->discarded)
		return;
	r = np_reserve(sizeof(*r));
	if (r) {
		r->hdr.type = NP_EV_SAMPLES;
		r->hdr.size = sizeof(*r);
		r->hdr.flags = NP_EV_F_LAST;
		r->cookie = cookie;
		r->kind = kind;
		r->side = side;
		r->s = *s;
		np_submit(r);
	} else {
		np_samples_drop(s, cookie, kind);
	}
}

#endif
