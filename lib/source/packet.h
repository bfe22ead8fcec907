/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A packet as a capture has it. Whoever hands it out owns what it points to. */
#ifndef NP_PACKET_H
#define NP_PACKET_H

#include <stdint.h>

/* Whether the capture says which way it went. */
enum np_packet_way { NP_WAY_UNKNOWN, NP_WAY_IN, NP_WAY_OUT };

struct np_packet {
	uint64_t ts_ns;    /* since the epoch, at most INT64_MAX */
	uint32_t wire_len; /* bytes as it was on the wire */
	uint32_t cap_len;  /* bytes of data; may be fewer, never more */
	uint16_t linktype; /* DLT_*, as libpcap numbers them */
	uint8_t way;       /* enum np_packet_way */
	uint8_t pad;
	const uint8_t *data; /* from the link-level header on */
};

#endif
