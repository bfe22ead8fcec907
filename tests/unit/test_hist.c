// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The n-th allocation from now on fails; 0: none. */
static int fail_at;

static void *failing_calloc(size_t n, size_t size)
{
	return fail_at && !--fail_at ? NULL : calloc(n, size);
}

/* the module itself, with an allocator that can fail */
#define calloc failing_calloc
#include "../../lib/base/hist.c" // NOLINT(bugprone-suspicious-include)
#undef calloc

#define SAMPLES 50000
#define GROUPS  7

static double random_unit(uint64_t *seed)
{
	/* xorshift64: the same run each time */
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return ((double)(*seed >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *seed)
{
	double r = sqrt(-2 * log(random_unit(seed)));

	return r * cos(6.283185307179586 * random_unit(seed));
}

static double uniform(uint64_t *seed)
{
	return 1 + 99999 * random_unit(seed);
}

static double exponential(uint64_t *seed)
{
	return -20000 * log(random_unit(seed));
}

static double log_normal(uint64_t *seed)
{
	return exp(8 + 1.5 * normal(seed));
}

static double bimodal(uint64_t *seed)
{
	double at = random_unit(seed) < 0.7 ? 180 : 210000;

	return at * (1 + 0.1 * normal(seed));
}

static double constant(uint64_t *seed)
{
	++*seed;
	return 12345;
}

static double tiny(uint64_t *seed)
{
	return 1 + 40 * random_unit(seed);
}

static double (*const shapes[])(uint64_t *) = { uniform, exponential, log_normal,
						bimodal, constant,    tiny };
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sorted. */
static uint32_t *samples_of(double (*shape)(uint64_t *), uint64_t seed)
{
	uint32_t *v = calloc(SAMPLES, sizeof(*v));

	assert_non_null(v);
	for (size_t i = 0; i < SAMPLES; i++) {
		double us = shape(&seed);

		v[i] = us < 1 ? 1 : us > 30e6 ? 30000000 : (uint32_t)us;
	}
	return v;
}

static void near(double got, double want, double share)
{
	if (fabs(got - want) > share * want)
		fail_msg("%f is not within %g of %f", got, share, want);
}

static void same(const struct np_hist *a, const struct np_hist *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->sum, b->sum);
	assert_int_equal(a->min, b->min);
	assert_int_equal(a->max, b->max);
	assert_int_equal(a->discarded, b->discarded);
	for (uint32_t i = 0; i < NP_HIST_BUCKETS; i++) {
		uint32_t x = i - a->first < a->n ? a->buckets[i - a->first] : 0;
		uint32_t y = i - b->first < b->n ? b->buckets[i - b->first] : 0;

		assert_int_equal(x, y);
	}
}

static void buckets_follow_each_other_and_are_narrow(void **state)
{
	(void)state;
	assert_int_equal(np_hist_low(0), 0);
	for (uint32_t b = 0; b < NP_HIST_BUCKETS; b++) {
		uint32_t low = np_hist_low(b), high = np_hist_high(b);

		assert_int_equal(np_hist_bucket(low), b);
		assert_int_equal(np_hist_bucket(high), b);
		assert_int_equal(np_hist_low(b + 1), high + 1);
		assert_true((high - low + 1) * NP_HIST_SUB <= low || low == high);
	}
	assert_int_equal(np_hist_high(NP_HIST_BUCKETS - 1), (1u << 25) - 1);
	assert_int_equal(np_hist_bucket(1u << 25), NP_HIST_BUCKETS - 1);
	assert_int_equal(np_hist_bucket(UINT32_MAX), NP_HIST_BUCKETS - 1);
}

static void quantiles_are_those_of_the_sorted_samples(void **state)
{
	static const double qs[] = { 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999 };

	(void)state;
	for (size_t s = 0; s < SHAPES; s++) {
		uint32_t *v = samples_of(shapes[s], 42 + s);
		struct np_hist h = { 0 };
		double sum = 0;

		for (size_t i = 0; i < SAMPLES; i++) {
			assert_int_equal(np_hist_add(&h, v[i], 1), 0);
			sum += v[i];
		}
		qsort(v, SAMPLES, sizeof(*v), by_size);
		for (size_t i = 0; i < sizeof(qs) / sizeof(qs[0]); i++)
			near(np_hist_quantile(&h, qs[i]), v[(size_t)ceil(qs[i] * SAMPLES) - 1],
			     1.0 / 64);
		assert_true(np_hist_quantile(&h, 0) == v[0]);
		assert_true(np_hist_quantile(&h, 1) == v[SAMPLES - 1]);
		near(np_hist_mean(&h), sum / SAMPLES, 1e-12);
		np_hist_free(&h);
		free(v);
	}
}

/* 50 us have a bucket for each. */
static void ranks_are_those_of_whole_percents(void **state)
{
	(void)state;
	for (uint32_t percent = 1; percent < 100; percent++) {
		assert_true(np_quantile_rank(percent / 100.0, 100) == percent);
		assert_true(np_quantile_rank(percent / 100.0, 101) == percent + 1);
		assert_true(np_quantile_rank(percent / 100.0, 100000000000) ==
			    percent * 1000000000.0);
	}
	for (uint32_t percent = 1; percent < 100; percent++) {
		struct np_hist h = { 0 };

		for (uint32_t us = 1; us <= 50; us++)
			assert_int_equal(np_hist_add(&h, us, 2), 0);
		uint32_t rank = (percent + 1) / 2;
		assert_true(np_hist_quantile(&h, percent / 100.0) == rank);
		np_hist_free(&h);
	}
}

static void merging_groups_is_exact(void **state)
{
	(void)state;
	for (size_t s = 0; s < SHAPES; s++) {
		uint32_t *v = samples_of(shapes[s], 7 + s);
		struct np_hist all = { 0 }, sum = { 0 }, copy = { 0 }, group[GROUPS] = { 0 };

		for (size_t i = 0; i < SAMPLES; i++) {
			assert_int_equal(np_hist_add(&all, v[i], 1), 0);
			assert_int_equal(np_hist_add(&group[i % GROUPS], v[i], 1), 0);
		}
		for (size_t i = 0; i < GROUPS; i++) {
			group[i].discarded = i;
			all.discarded += i;
			assert_int_equal(np_hist_merge(&sum, &group[i]), 0);
			np_hist_free(&group[i]);
		}
		same(&sum, &all);
		assert_int_equal(np_hist_copy(&copy, &sum), 0);
		same(&copy, &all);
		np_hist_reset(&copy);
		assert_int_equal(np_hist_merge(&copy, &sum), 0);
		same(&copy, &all);
		np_hist_free(&all);
		np_hist_free(&sum);
		np_hist_free(&copy);
		free(v);
	}
}

static void dense_buckets_count_like_samples(void **state)
{
	static struct np_buckets dense;
	struct np_hist one = { 0 }, other = { 0 };
	uint32_t *v = samples_of(bimodal, 3);

	(void)state;
	dense = (struct np_buckets){ .min = UINT32_MAX };
	for (size_t i = 0; i < SAMPLES; i++) {
		assert_int_equal(np_hist_add(&one, v[i], 1), 0);
		dense.n[np_hist_bucket(v[i])]++;
		dense.count++;
		dense.sum += v[i];
		dense.min = v[i] < dense.min ? v[i] : dense.min;
		dense.max = v[i] > dense.max ? v[i] : dense.max;
	}
	assert_int_equal(np_hist_add_buckets(&other, &dense), 0);
	same(&one, &other);
	assert_true(other.n < NP_HIST_BUCKETS);
	dense = (struct np_buckets){ 0 };
	assert_int_equal(np_hist_add_buckets(&other, &dense), 0);
	same(&one, &other);
	np_hist_free(&one);
	np_hist_free(&other);
	free(v);
}

static void nothing_is_nothing(void **state)
{
	struct np_hist h = { 0 }, empty = { 0 };

	(void)state;
	assert_int_equal(np_hist_add(&h, 0, 10), 0);
	assert_int_equal(np_hist_add(&h, 10, 0), 0);
	assert_int_equal(np_hist_merge(&h, &empty), 0);
	assert_int_equal(h.count, 0);
	assert_null(h.buckets);
	assert_true(np_hist_quantile(&h, 0.5) == 0);
	assert_true(np_hist_mean(&h) == 0);
	np_hist_reset(&h);
	np_hist_free(&h);
	np_hist_free(NULL);
}

static void sums_and_counts_pass_32_bits(void **state)
{
	struct np_hist h = { 0 }, twice = { 0 };

	(void)state;
	assert_int_equal(np_hist_add(&h, 30000000, 1ULL << 33), 0);
	assert_int_equal(h.count, 1ULL << 33);
	assert_int_equal(h.sum, 30000000ULL << 33);
	assert_int_equal(np_hist_merge(&twice, &h), 0);
	assert_int_equal(np_hist_merge(&twice, &h), 0);
	assert_int_equal(twice.sum, 30000000ULL << 34);
	assert_true(twice.buckets && twice.buckets[0] == UINT32_MAX);
	assert_true(np_hist_quantile(&twice, 0.5) == 30000000);
	np_hist_free(&h);
	np_hist_free(&twice);
}

static void without_memory_it_stays_as_it_was(void **state)
{
	struct np_hist h = { 0 }, before = { 0 }, far = { 0 };

	(void)state;
	fail_at = 1;
	assert_int_equal(np_hist_add(&h, 100, 1), -ENOMEM);
	assert_int_equal(h.count, 0);
	assert_int_equal(np_hist_add(&h, 100, 1), 0);
	assert_int_equal(np_hist_add(&far, 1000000, 1), 0);
	assert_int_equal(np_hist_copy(&before, &h), 0);
	fail_at = 1;
	assert_int_equal(np_hist_add(&h, 5, 1), -ENOMEM);
	same(&h, &before);
	fail_at = 1;
	assert_int_equal(np_hist_merge(&h, &far), -ENOMEM);
	same(&h, &before);
	fail_at = 1;
	assert_int_equal(np_hist_copy(&h, &far), -ENOMEM);
	same(&h, &before);
	assert_int_equal(fail_at, 0);
	np_hist_free(&h);
	np_hist_free(&before);
	np_hist_free(&far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_follow_each_other_and_are_narrow),
		cmocka_unit_test(quantiles_are_those_of_the_sorted_samples),
		cmocka_unit_test(ranks_are_those_of_whole_percents),
		cmocka_unit_test(merging_groups_is_exact),
		cmocka_unit_test(dense_buckets_count_like_samples),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(sums_and_counts_pass_32_bits),
		cmocka_unit_test(without_memory_it_stays_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
