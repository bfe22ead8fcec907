/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The two clocks, in nanoseconds: one to measure with, which is inside, and one to print; and the
 * kernel's tick, in which it keeps some times. */
#ifndef NP_CLOCK_H
#define NP_CLOCK_H

#include <stdint.h>

uint64_t np_clock_mono(void); /* CLOCK_MONOTONIC */
uint64_t np_clock_wall(void); /* CLOCK_REALTIME */
uint64_t np_clock_tick(void); /* of a jiffy */

#endif
