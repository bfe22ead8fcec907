// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hist.h"

#define SPARE 8 /* buckets on the side where it grew: neighbours come next */

/* Makes the buckets FIRST to LAST countable. */
static int reach(struct np_hist *h, uint32_t first, uint32_t last)
{
	uint32_t end = h->first + h->n; /* past the last */
	uint32_t *buckets;

	if (h->n && first >= h->first && last < end)
		return 0;
	if (!h->n) {
		end = last + 1;
	} else {
		if (first >= h->first)
			first = h->first;
		else
			first = first > SPARE ? first - SPARE : 0;
		if (last >= end)
			end = last + SPARE < NP_HIST_BUCKETS ? last + 1 + SPARE : NP_HIST_BUCKETS;
	}
	buckets = calloc(end - first, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	if (h->n)
		memcpy(buckets + (h->first - first), h->buckets, h->n * sizeof(*buckets));
	free(h->buckets);
	h->buckets = buckets;
	h->first = (uint16_t)first;
	h->n = (uint16_t)(end - first);
	return 0;
}

static void count(struct np_hist *h, uint32_t bucket, uint64_t times)
{
	uint32_t *b = &h->buckets[bucket - h->first];

	*b = times < UINT32_MAX - *b ? *b + (uint32_t)times : UINT32_MAX;
}

static void total(struct np_hist *h, uint64_t times, uint64_t sum, uint32_t min, uint32_t max)
{
	if (!h->count || min < h->min)
		h->min = min;
	if (!h->count || max > h->max)
		h->max = max;
	h->count += times;
	h->sum += sum;
}

int np_hist_add(struct np_hist *h, uint32_t us, uint64_t times)
{
	uint32_t bucket = np_hist_bucket(us);
	int err;

	if (!us || !times)
		return 0;
	err = reach(h, bucket, bucket);
	if (err)
		return err;
	count(h, bucket, times);
	total(h, times, us * times, us, us);
	return 0;
}

/* Counts N buckets, the first of which is FIRST. */
static int add_range(struct np_hist *h, uint32_t first, uint32_t n, const uint32_t *buckets)
{
	uint32_t from = 0, to = n;
	int err;

	while (from < to && !buckets[from])
		from++;
	while (to > from && !buckets[to - 1])
		to--;
	if (from == to)
		return 0;
	err = reach(h, first + from, first + to - 1);
	for (uint32_t i = from; i < to && !err; i++)
		if (buckets[i])
			count(h, first + i, buckets[i]);
	return err;
}

int np_hist_add_buckets(struct np_hist *h, const struct np_buckets *all)
{
	int err = all->count ? add_range(h, 0, NP_HIST_BUCKETS, all->n) : 0;

	if (!err && all->count)
		total(h, all->count, all->sum, all->min, all->max);
	return err;
}

int np_hist_merge(struct np_hist *to, const struct np_hist *from)
{
	int err = from->count ? add_range(to, from->first, from->n, from->buckets) : 0;

	if (err)
		return err;
	if (from->count)
		total(to, from->count, from->sum, from->min, from->max);
	to->discarded += from->discarded;
	return 0;
}

int np_hist_copy(struct np_hist *to, const struct np_hist *from)
{
	struct np_hist copy = { 0 };
	int err = np_hist_merge(&copy, from);

	if (err)
		return err;
	np_hist_free(to);
	*to = copy;
	return 0;
}

void np_hist_reset(struct np_hist *h)
{
	if (h->n)
		memset(h->buckets, 0, h->n * sizeof(*h->buckets));
	h->count = h->sum = h->discarded = 0;
	h->min = h->max = 0;
}

void np_hist_free(struct np_hist *h)
{
	if (!h)
		return;
	free(h->buckets);
	*h = (struct np_hist){ 0 };
}

/* A product that rounding put a hair above a whole number (0.07 * 100) is that number. */
double np_quantile_rank(double q, uint64_t n)
{
	return ceil(q * (double)n * (1 - 4 * DBL_EPSILON));
}

/* The middle of the bucket that holds the sample of this rank. */
double np_hist_quantile(const struct np_hist *h, double q)
{
	double rank = np_quantile_rank(q, h->count), value;
	uint64_t seen = 0;
	uint32_t i = 0;

	if (!h->count)
		return 0;
	if (q <= 0)
		return h->min;
	if (q >= 1)
		return h->max;
	while (i < h->n && (double)(seen += h->buckets[i]) < rank)
		i++;
	if (i == h->n)
		return h->max;
	value = ((double)np_hist_low(h->first + i) + (double)np_hist_high(h->first + i)) / 2;
	return fmin(fmax(value, h->min), h->max);
}

double np_hist_mean(const struct np_hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}
