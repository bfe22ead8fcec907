/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one way into the ring buffer. A record that finds no room is counted on the spot.
 *
 * Waking the reader for each record costs six times what the record costs, so records are left for
 * the reader's own timer; only a ring an eighth full wakes it.
 */
#ifndef NP_EMIT_BPF_H
#define NP_EMIT_BPF_H

#include "np_kernel.h"
#include <bpf/bpf_helpers.h>

#include "np_event.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 * 1024 * 1024); /* user space sets what --ring-size says */
} np_ring SEC(".maps") __weak;

const volatile __u64 np_ring_wake __weak = 256 * 1024;
/* The reader was woken and has yet to look: waking it for each further record would cost as much
 * as a hundred of them. It takes this back before it reads. */
bool np_woken __weak;

/* By enum np_lost; read by user space through the mapped section. */
__u64 np_lost[NP_LOST_MAX] __weak;

static __always_inline void np_count_lost(enum np_lost what)
{
	__sync_fetch_and_add(&np_lost[what], 1);
}

/* Room for a record of a constant SIZE, to be filled and handed to np_submit(); NULL: counted.
 * What is not written holds what earlier records left there. */
#define np_reserve_raw(size)                                           \
	({                                                             \
		void *raw_ = bpf_ringbuf_reserve(&np_ring, (size), 0); \
		if (!raw_)                                             \
			np_count_lost(NP_LOST_RING);                   \
		raw_;                                                  \
	})

/* The same, zeroed. */
#define np_reserve(size)                                   \
	({                                                 \
		void *rec_ = np_reserve_raw(size);         \
		if (rec_)                                  \
			__builtin_memset(rec_, 0, (size)); \
		rec_;                                      \
	})

/* For records that another one of the same socket will follow: the look at the ring is left to it.
 */
static __always_inline void np_submit_early(void *rec)
{
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

/* Set by the first of several: they are read together, and so often at most as the reader allows.
 */
bool np_soon __weak;

/* For records that are rare and whose connection may be gone in a moment: the reader looks at once.
 */
static __always_inline void np_submit_soon(void *rec)
{
	__u64 flags = np_soon ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP;

	np_soon = true;
	bpf_ringbuf_submit(rec, flags);
}

static __always_inline void np_submit(void *rec)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!np_woken && bpf_ringbuf_query(&np_ring, BPF_RB_AVAIL_DATA) >= np_ring_wake) {
		np_woken = true;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(rec, flags);
}

#endif
