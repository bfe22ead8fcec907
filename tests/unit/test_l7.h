/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Made-up packets for the tests of lib/flow/l7: one flow, headers built around the payload. */
#ifndef NP_TEST_L7_H
#define NP_TEST_L7_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "flow/l7.h"

/* A flow as the tests send it: who speaks where, and how far each direction is. */
struct talk {
	uint64_t cookie;
	struct np_ev_tuple tuple;
	uint32_t seq[2]; /* by enum np_dir */
	uint32_t flags;
	bool has_next;
};

static struct np_l7 *l7;

static inline void put16(uint8_t *at, size_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static inline void put32(uint8_t *at, uint32_t n)
{
	put16(at, n >> 16);
	put16(at + 2, n & 0xffff);
}

static inline struct talk talk(uint64_t cookie, uint8_t proto, uint16_t rport)
{
	struct talk t = { .cookie = cookie, .seq = { 7000, 1000 } };

	t.tuple = (struct np_ev_tuple){ .laddr = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 },
					.raddr = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 2 },
					.lport = 40000,
					.rport = rport,
					.family = AF_INET,
					.proto = proto };
	return t;
}

/* Gives np_l7 a record of its exact size with LEN bytes from the IP header on, WIRE in truth. */
static inline void give_raw(const struct talk *t, enum np_dir dir, const uint8_t *l3, size_t len,
			    size_t wire)
{
	size_t room = len <= NP_PEEK_SMALL   ? NP_PEEK_SMALL
		      : len <= NP_PEEK_LARGE ? NP_PEEK_LARGE
					     : NP_PEEK_HUGE;
	size_t size = sizeof(struct np_ev_packet) + room;
	struct np_ev_packet *p = malloc(size);

	assert_non_null(p);
	*p = (struct np_ev_packet){ .hdr = { NP_EV_PACKET, (uint16_t)size, t->flags },
				    .cookie = t->cookie,
				    .tuple = t->tuple,
				    .wire_len = (uint32_t)wire,
				    .next_seq = t->seq[dir],
				    .has_next = t->has_next,
				    .dir = dir };
	p->cap_len = (uint32_t)(len < room ? len : room);
	memcpy(p->data, l3, p->cap_len);
	np_l7_packet(l7, p, size);
	free(p);
}

/* IPv4 (RFC 791) and TCP (RFC 9293) or UDP (RFC 768) headers before the payload. */
static inline void give_at(const struct talk *t, enum np_dir dir, uint32_t seq, const void *payload,
			   size_t len)
{
	bool tx = dir == NP_DIR_TX, tcp = t->tuple.proto == IPPROTO_TCP;
	size_t off = tcp ? 40 : 28;
	uint8_t *ip = calloc(1, off + len);

	assert_non_null(ip);
	ip[0] = 0x45;
	put16(ip + 2, off + len);
	ip[8] = 64;
	ip[9] = t->tuple.proto;
	memcpy(ip + 12, (tx ? t->tuple.laddr : t->tuple.raddr) + 12, 4);
	memcpy(ip + 16, (tx ? t->tuple.raddr : t->tuple.laddr) + 12, 4);
	put16(ip + 20, tx ? t->tuple.lport : t->tuple.rport);
	put16(ip + 22, tx ? t->tuple.rport : t->tuple.lport);
	if (tcp) {
		put32(ip + 24, seq);
		put32(ip + 28, t->seq[!dir]);
		ip[32] = 0x50;
		ip[33] = 0x18;
	} else {
		put16(ip + 24, 8 + len);
	}
	memcpy(ip + off, payload, len);
	give_raw(t, dir, ip, off + len, off + len);
	free(ip);
}

/* The next packet of a direction. */
static inline void give(struct talk *t, enum np_dir dir, const void *payload, size_t len)
{
	give_at(t, dir, t->seq[dir], payload, len);
	t->seq[dir] += (uint32_t)len;
}

static inline void give_text(struct talk *t, enum np_dir dir, const char *text)
{
	give(t, dir, text, strlen(text));
}

static inline void is_name(const struct np_l7_name *name, const char *app, const char *host)
{
	assert_non_null(name);
	assert_string_equal(name->app, app);
	assert_string_equal(name->host, host);
}

#endif
