/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How the decoders hand a packet on to each other: decode.c has the link levels, decode_ip.c what
 * follows. Each takes its header off the front and names the next layer. Internal to flow/.
 */
#ifndef NP_DECODE_IN_H
#define NP_DECODE_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/decode.h"

/* Below NP_LAYER_ETHER: a result (enum np_decode). */
enum np_layer {
	NP_LAYER_ETHER = NP_DECODE_RESULTS,
	NP_LAYER_TYPE, /* by `type`, an EtherType */
	NP_LAYER_LLC,
	NP_LAYER_PPP,
	NP_LAYER_MPLS,
	NP_LAYER_IP,    /* by its version */
	NP_LAYER_PROTO, /* by `proto`, an IP protocol */
};

/* What is left of a packet. */
struct np_rest {
	const uint8_t *at;
	uint32_t cap;  /* bytes captured from there on, never more than len */
	uint32_t len;  /* bytes on the wire */
	uint16_t type; /* EtherType of what follows */
	uint8_t proto; /* IP protocol of what follows */
	bool nested;   /* inside an ICMP error */
	bool more;     /* in a first fragment: others follow */
	uint8_t depth; /* of tunnels in UDP */
	struct np_decoded *d;
};

/* At least N bytes are there: 0, else NP_DECODE_SHORT or NP_DECODE_BAD. */
static inline int np_rest_want(const struct np_rest *r, uint32_t n)
{
	return n <= r->cap ? 0 : n <= r->len ? NP_DECODE_SHORT : NP_DECODE_BAD;
}

/* N that were asked for with np_rest_want(). */
static inline void np_rest_skip(struct np_rest *r, uint32_t n)
{
	r->at += n;
	r->cap -= n;
	r->len -= n;
}

/* The packet ends here, whatever follows (padding). */
static inline void np_rest_end(struct np_rest *r, uint32_t len)
{
	if (len < r->len)
		r->len = len;
	if (len < r->cap)
		r->cap = len;
}

static inline uint16_t np_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t np_get32(const uint8_t *at)
{
	return (uint32_t)np_get16(at) << 16 | np_get16(at + 2);
}

/* From LAYER on, to a result. */
enum np_decode np_decode_from(struct np_rest *r, int layer);

/* decode_ip.c: the next layer */
int np_decode_ip(struct np_rest *r);
int np_decode_proto(struct np_rest *r);

#endif
