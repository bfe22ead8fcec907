/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A histogram of microseconds in the buckets of np_hist.h, holding only the range in use. Merging
 * two gives exactly what one over all samples would be. The caller owns it and frees it with
 * np_hist_free(); a zeroed struct is an empty histogram. What fails leaves it as it was.
 */
#ifndef NP_BASE_HIST_H
#define NP_BASE_HIST_H

#include <stdint.h>

#include "np_hist.h"

struct np_hist {
	uint64_t count;
	uint64_t sum; /* us */
	uint32_t min; /* us; count 0: nothing */
	uint32_t max;
	uint64_t discarded; /* too long to be believed: in none of the above */
	uint16_t first;     /* bucket that buckets[0] counts */
	uint16_t n;
	uint32_t *buckets; /* each stays at its greatest once it is reached */
};

/* All return 0 or -ENOMEM. US 0 is no sample. */
int np_hist_add(struct np_hist *h, uint32_t us, uint64_t times);
int np_hist_add_buckets(struct np_hist *h, const struct np_buckets *all);
int np_hist_merge(struct np_hist *to, const struct np_hist *from);
int np_hist_copy(struct np_hist *to, const struct np_hist *from);

/* Empty, memory kept. */
void np_hist_reset(struct np_hist *h);
void np_hist_free(struct np_hist *h);

/* Which of N sorted values, the first being 1, is the least that a share of Q does not exceed. */
double np_quantile_rank(double q, uint64_t n);
/*
 * The sample that a share of Q (0 to 1) does not exceed, in us: within 1.6 %, exactly the least at
 * 0 and the greatest at 1. 0: no samples.
 */
double np_hist_quantile(const struct np_hist *h, double q);
double np_hist_mean(const struct np_hist *h);

#endif
