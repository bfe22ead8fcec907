// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-bench: medians. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

void bench_add(struct bench_set *s, double value)
{
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->v = realloc(s->v, s->room * sizeof(*s->v));
		if (!s->v)
			abort();
	}
	s->v[s->n++] = value;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_quantile(struct bench_set *s, double q)
{
	double at = q * (double)(s->n - 1);
	size_t i = (size_t)at;

	if (!s->n)
		return NAN;
	qsort(s->v, s->n, sizeof(*s->v), by_value);
	if (i + 1 == s->n)
		return s->v[i];
	return s->v[i] + (at - (double)i) * (s->v[i + 1] - s->v[i]);
}

double bench_median(struct bench_set *s)
{
	return bench_quantile(s, 0.5);
}

void bench_set_free(struct bench_set *s)
{
	free(s->v);
	*s = (struct bench_set){ 0 };
}

static void print_number(const char *name, const char *suffix, double value)
{
	if (isfinite(value))
		printf(",\"%s%s\":%.6g", name, suffix, value);
	else
		printf(",\"%s%s\":null", name, suffix);
}

void bench_print_set(const char *name, struct bench_set *s)
{
	print_number(name, "", bench_median(s));
	print_number(name, "_low", bench_quantile(s, 0.25));
	print_number(name, "_high", bench_quantile(s, 0.75));
}
