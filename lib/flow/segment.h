/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The headers of a copied packet, bounds-checked. Fills the caller's struct, which points into the
 * record and owns nothing.
 */
#ifndef NP_SEGMENT_H
#define NP_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "np_event.h"

struct np_segment {
	const uint8_t *l3; /* from the IP header on */
	size_t len;        /* captured */
	uint32_t payload;  /* bytes on the wire, the part not captured included */
	uint32_t seq;      /* TCP */
	bool tcp;
};

/* False: not one record of LEN bytes, or not the TCP or UDP packet with payload that it says. */
bool np_segment_parse(struct np_segment *seg, const struct np_ev_packet *p, size_t len);

#endif
