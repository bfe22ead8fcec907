// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The input is a conversation: a byte that picks protocol and port, then packets. Each is a byte of
 * flags, two of length, and payload, around which headers are built; or, now and then, a record as
 * it is.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flow/l7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COOKIE 7
#define ROOM   (sizeof(struct np_ev_packet) + NP_PEEK_HUGE)

enum { F_TX = 1, F_V6 = 2, F_AGAIN = 4, F_GAP = 8, F_NEXT = 16, F_LISTEN = 32, F_RAW = 192 };

static void require(bool yes)
{
	if (!yes)
		abort();
}

static void put16(uint8_t *at, size_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static size_t ip_header(uint8_t *ip, const struct np_ev_packet *p, size_t len, bool v6)
{
	bool tx = p->dir == NP_DIR_TX;
	const uint8_t *src = tx ? p->tuple.laddr : p->tuple.raddr;
	const uint8_t *dst = tx ? p->tuple.raddr : p->tuple.laddr;

	if (v6) {
		ip[0] = 0x60;
		put16(ip + 4, len);
		ip[6] = p->tuple.proto;
		memcpy(ip + 8, src, 16);
		memcpy(ip + 24, dst, 16);
		return 40;
	}
	ip[0] = 0x45;
	put16(ip + 2, 20 + len);
	ip[8] = 64;
	ip[9] = p->tuple.proto;
	memcpy(ip + 12, src + 12, 4);
	memcpy(ip + 16, dst + 12, 4);
	return 20;
}

/* Puts headers before LEN bytes of payload; the length of all. */
static size_t build(struct np_ev_packet *p, const uint8_t *payload, size_t len, bool v6,
		    const uint32_t seq[2])
{
	bool tx = p->dir == NP_DIR_TX, tcp = p->tuple.proto == IPPROTO_TCP;
	size_t head = tcp ? 20 : 8, off = ip_header(p->data, p, head + len, v6);
	uint8_t *l4 = p->data + off;

	put16(l4, tx ? p->tuple.lport : p->tuple.rport);
	put16(l4 + 2, tx ? p->tuple.rport : p->tuple.lport);
	if (tcp) {
		put16(l4 + 4, seq[tx] >> 16);
		put16(l4 + 6, seq[tx]);
		put16(l4 + 8, seq[!tx] >> 16);
		put16(l4 + 10, seq[!tx]);
		l4[12] = 0x50;
		l4[13] = 0x18;
	} else {
		put16(l4 + 4, head + len);
	}
	if (len)
		memcpy(l4 + head, payload, len);
	return off + head + len;
}

/* One packet from the input; the bytes it took, 0: no more. */
static size_t packet(struct np_l7 *l7, const struct np_ev_tuple *tuple, const uint8_t *data,
		     size_t size, uint32_t seq[2])
{
	size_t len, room = NP_PEEK_HUGE;
	struct np_ev_packet *p;
	uint8_t flags;

	if (size < 4)
		return 0;
	flags = data[0];
	len = (size_t)data[1] << 8 | data[2];
	data += 3;
	len %= size - 3 < 3900 ? size - 2 : 3901;
	p = calloc(1, ROOM);
	require(p);
	p->hdr.type = NP_EV_PACKET;
	p->cookie = COOKIE;
	p->tuple = *tuple;
	p->dir = flags & F_TX;
	p->hdr.flags = flags & F_LISTEN ? NP_EV_F_LISTEN : 0;
	p->next_seq = seq[p->dir];
	p->has_next = !!(flags & F_NEXT);
	if ((flags & F_RAW) == F_RAW) {
		p->cap_len = (uint32_t)len;
		memcpy(p->data, data, len);
	} else {
		if (flags & F_GAP)
			seq[p->dir] += 100;
		p->cap_len = (uint32_t)build(p, data, len, flags & F_V6, seq);
		if (!(flags & F_AGAIN))
			seq[p->dir] += (uint32_t)len;
	}
	p->wire_len = p->cap_len;
	p->hdr.size = (uint16_t)(sizeof(*p) + room);
	np_l7_packet(l7, p, ROOM);
	free(p);
	return len + 3;
}

static void names(const struct np_l7_name *name)
{
	if (!name)
		return;
	require(memchr(name->app, '\0', sizeof(name->app)));
	require(memchr(name->host, '\0', sizeof(name->host)));
	require(name->app[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t ports[] = { 0,   80,   443,  53,   22,   123,  25,   21,
					  110, 143,  5432, 3306, 1883, 6379, 5060, 389,
					  161, 1900, 67,   88,   179,  445,  1194, 3478 };
	static struct np_l7 *l7;
	struct np_ev_tuple tuple = { .laddr = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 },
				     .raddr = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 },
				     .lport = 40000 };
	uint32_t seq[2] = { 1000, 9000 };
	size_t at = 1, n;

	if (!l7)
		require(!np_l7_new(&l7, 4));
	if (!size)
		return 0;
	tuple.proto = data[0] & 1 ? IPPROTO_TCP : IPPROTO_UDP;
	tuple.rport = ports[(data[0] >> 1) % (sizeof(ports) / sizeof(ports[0]))];
	while ((n = packet(l7, &tuple, data + at, size - at, seq)))
		at += n;
	names(np_l7_find(l7, COOKIE));
	names(np_l7_last(l7, COOKIE));
	np_l7_end(l7, COOKIE);
	require(!np_l7_find(l7, COOKIE));
	require(np_l7_count(l7) <= 4);
	return 0;
}
