/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Times measured on sockets, from the kernel side's two levels (bpf/np_samples.bpf.h) to one record
 * a socket and kind that tells all of them. Nothing is kept between two calls. Internal to source/.
 */
#ifndef NP_TIMES_H
#define NP_TIMES_H

#include "source/probe.h"

/* One kind of them in the values of a map. */
struct np_times {
	int map;
	size_t value; /* its size */
	size_t at;    /* where in it the np_samples are */
	size_t side;  /* where the enum np_side is; 0: nowhere */
	uint8_t kind; /* enum np_time */
};

/* Before the maps are read: what changes from here on is told again at the next refresh. */
void np_times_begin(struct np_source *src);
/* One socket: a record, if anything changed. VALUE was read under KEY and may be read again. */
void np_times_emit(struct np_source *src, const struct np_times *t, const void *key,
		   uint64_t cookie, void *value);
/* All in a hash map by cookie, which has N kinds. */
int np_times_emit_all(struct np_source *src, const struct np_times *kinds, size_t n);
/* Takes what the ring has of times: the last of a socket; false: not ours. */
bool np_times_ring(struct np_source *src, const struct np_ev_hdr *hdr);
/* Empties a hash map by cookie, and takes its sockets' histograms away. */
void np_times_clear(struct np_source *src, const struct np_times *kinds, size_t n);
void np_times_drop(struct np_source *src, uint64_t cookie, uint8_t kind);

#endif
