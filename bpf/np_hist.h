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

#ifdef __bpf__
/* Keeps clang from making a branch of the sign bit. */
#define NP_HIST_OPAQUE(x) asm volatile("" : "+r"(x))
#else
#define NP_HIST_OPAQUE(x) (void)(x)
#endif

/*
 * The bucket of US. Arithmetic alone: there is no clz in old BPF, and each branch here would double
 * the paths that the verifier walks. A step moves a US of 32 * 2^BITS or more down by BITS.
 */
static inline __attribute__((always_inline)) __u64 np_hist_step(__u64 us, __u32 bits)
{
	__u64 less = ((__u64)NP_HIST_SUB << bits) - 1 - us; /* negative: that much or more */

	NP_HIST_OPAQUE(less);
	return (less >> 63) * bits;
}

static inline __attribute__((always_inline)) __u32 np_hist_bucket(__u32 us)
{
	__u64 v = us, shift = 0, step;

	for (__u32 bits = 16; bits; bits /= 2) {
		step = np_hist_step(v, bits);
		v >>= step;
		shift += step;
	}
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
