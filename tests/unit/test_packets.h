/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Made-up packets for the tests of captures: frames by layers, segments of a conversation. */
#ifndef NP_TEST_PACKETS_H
#define NP_TEST_PACKETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pcap/dlt.h>
#include <string.h>

#include "flow/decode.h"

#define FIN 1
#define SYN 2
#define RST 4
#define PSH 8
#define ACK 16

struct frame {
	uint8_t bytes[512];
	uint32_t len;
};

static inline void put8(struct frame *f, unsigned int v)
{
	f->bytes[f->len++] = (uint8_t)v;
}

static inline void put16(struct frame *f, unsigned int v)
{
	put8(f, v >> 8);
	put8(f, v);
}

static inline void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static inline void put(struct frame *f, const void *bytes, uint32_t n)
{
	memcpy(f->bytes + f->len, bytes, n);
	f->len += n;
}

static inline void ether(struct frame *f, unsigned int type)
{
	for (int i = 0; i < 12; i++)
		put8(f, (unsigned int)i);
	put16(f, type);
}

/* LEN: of what follows */
static inline void ipv4(struct frame *f, uint32_t src, uint32_t dst, unsigned int proto,
			unsigned int len)
{
	put16(f, 0x4500);
	put16(f, 20 + len);
	put32(f, 0);
	put16(f, 0x4000 | proto);
	put16(f, 0);
	put32(f, src);
	put32(f, dst);
}

static inline void ipv6(struct frame *f, unsigned int next, unsigned int len)
{
	put32(f, 0x60000000);
	put16(f, len);
	put8(f, next);
	put8(f, 64);
	for (int end = 1; end <= 2; end++) {
		put32(f, 0xfe800000);
		put32(f, 0);
		put32(f, 0);
		put32(f, (uint32_t)end);
	}
}

static inline void tcp_header(struct frame *f, unsigned int sport, unsigned int dport, uint32_t seq,
			      uint32_t ack, unsigned int flags, unsigned int window)
{
	put16(f, sport);
	put16(f, dport);
	put32(f, seq);
	put32(f, ack);
	put16(f, 0x5000 | flags);
	put16(f, window);
	put32(f, 0);
}

static inline void udp_header(struct frame *f, unsigned int sport, unsigned int dport,
			      unsigned int len)
{
	put16(f, sport);
	put16(f, dport);
	put16(f, 8 + len);
	put16(f, 0);
}

#define A 0x0a000001
#define B 0x0a000002

static inline enum np_decode decode_as(struct np_decoded *d, const struct frame *f,
				       unsigned int link, uint32_t cap, uint32_t len)
{
	/* of its own size, so that a read past its end is seen */
	uint8_t *copy = test_malloc(cap ? cap : 1);
	struct np_packet p = {
		.wire_len = len, .cap_len = cap, .linktype = (uint16_t)link, .data = copy
	};
	enum np_decode ret;

	memcpy(copy, f->bytes, cap);
	ret = np_decode(d, &p);
	test_free(copy);
	return ret;
}

static inline enum np_decode decode(struct np_decoded *d, const struct frame *f, unsigned int link)
{
	return decode_as(d, f, link, f->len, f->len);
}

#endif
