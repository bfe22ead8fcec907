/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Times measured on sockets, from the kernel side's two levels (bpf/np_samples.bpf.h) to one record
 * a socket and kind that tells all of them. Nothing is kept between two calls. Internal to source/.
 */
#ifndef NP_TIMES_H
#define NP_TIMES_H

#include "source/probe.h"

/* One kind in the value of a probe's map, by cookie. */
struct np_times {
	int map;
	size_t value; /* its size */
	size_t at;    /* where in it the np_samples are */
	size_t side;  /* where the enum np_side is; 0: nowhere */
	uint8_t kind; /* enum np_time */
};

/* What changed since the last refresh, of N kinds in the same map. */
int np_times_snapshot(struct np_source *src, const struct np_times *kinds, size_t n);
/* From the ring: the last of one socket and kind. */
void np_times_last(struct np_source *src, const struct np_ev_samples *r);
/* Forgets all that a map holds, with its histograms. */
void np_times_clear(struct np_source *src, const struct np_times *kinds, size_t n);

#endif
