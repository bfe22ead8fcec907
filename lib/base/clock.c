// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <time.h>

#include "base/clock.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

uint64_t np_clock_mono(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t np_clock_wall(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t np_clock_tick(void)
{
	struct timespec ts = { .tv_nsec = 4000000 };

	/* the coarse clocks go with the tick */
	clock_getres(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_nsec;
}
