/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Log-linear buckets of microseconds, the same on both sides: 32 to an octave, so that none is
 * wider than a 32nd of its values; below 64 each value has its own. The last one takes what is
 * above as well.
 */
#ifndef NP_HIST_H
#define NP_HIST_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define NP_HIST_SUB     32
#define NP_HIST_BUCKETS 672 /* up to 2^25 us: 33.5 s */

/* One histogram, dense: as the kernel side keeps it and as it travels. */
struct np_buckets {
	__u64 count;
	__u64 sum; /* us */
	__u32 min; /* us; count 0: nothing */
	__u32 max;
	__u32 n[NP_HIST_BUCKETS];
};

/*
 * The bucket of US. Shifts and subtractions alone: no clz in old BPF, and each branch here would
 * double the paths that the verifier has to walk. A step of k halves moves US to 32 * 2^k or more
 * down by k.
 */
static inline __attribute__((always_inline)) __u32 np_hist_bucket(__u32 us)
{
	__u64 v = us, shift, step;

#define NP_HIST_STEP(k)                                                    \
	step = ((((__u64)NP_HIST_SUB << (k)) - 1 - v) >> 63) * (__u64)(k); \
	v >>= step;                                                        \
	shift += step
	shift = 0;
	NP_HIST_STEP(16);
	NP_HIST_STEP(8);
	NP_HIST_STEP(4);
	NP_HIST_STEP(2);
	NP_HIST_STEP(1);
#undef NP_HIST_STEP
	v += shift * NP_HIST_SUB;
	return v < NP_HIST_BUCKETS ? (__u32)v : NP_HIST_BUCKETS - 1;
}

/* The least value in a bucket. */
static inline __u32 np_hist_low(__u32 bucket)
{
	__u32 octave = bucket / NP_HIST_SUB;

	return octave < 2 ? bucket : (NP_HIST_SUB + bucket % NP_HIST_SUB) << (octave - 1);
}

/* The greatest. */
static inline __u32 np_hist_high(__u32 bucket)
{
	return np_hist_low(bucket + 1) - 1;
}

#endif
