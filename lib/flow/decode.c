// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Link levels, by the numbers of libpcap, and what stands between them and IP. */
#include <netinet/in.h>
#include <pcap/dlt.h>
#include <string.h>

#include "flow/decode_in.h"

/* EtherTypes, IEEE 802 numbers at IANA */
#define TYPE_IPV4   0x0800
#define TYPE_IPV6   0x86dd
#define TYPE_VLAN   0x8100
#define TYPE_QINQ   0x88a8
#define TYPE_QINQ_9 0x9100 /* before 802.1ad */
#define TYPE_PPPOE  0x8864
#define TYPE_PPP    0x880b
#define TYPE_MPLS   0x8847
#define TYPE_MPLS_M 0x8848
#define TYPE_TEB    0x6558 /* Ethernet in GRE */

#define MAX_LAYERS 24 /* hostile packets nest without end */

/* Ethernet: destination 6, source 6, type 2; below 0x600 a length (IEEE 802.3, 3.2.6) */
static int ether(struct np_rest *r)
{
	int bad = np_rest_want(r, 14);

	if (bad)
		return bad;
	r->type = np_get16(r->at + 12);
	np_rest_skip(r, 14);
	return NP_LAYER_TYPE;
}

/* 802.1Q: priority and number 2, type 2. PPPoE (RFC 2516): version, code, session 2, length 2 */
static int by_type(struct np_rest *r)
{
	int bad;

	switch (r->type) {
	case TYPE_IPV4:
	case TYPE_IPV6:
		return NP_LAYER_IP;
	case TYPE_VLAN:
	case TYPE_QINQ:
	case TYPE_QINQ_9:
		bad = np_rest_want(r, 4);
		if (bad)
			return bad;
		r->type = np_get16(r->at + 2);
		np_rest_skip(r, 4);
		return NP_LAYER_TYPE;
	case TYPE_PPPOE:
		bad = np_rest_want(r, 6);
		if (bad)
			return bad;
		np_rest_skip(r, 6);
		return NP_LAYER_PPP;
	case TYPE_PPP:
		return NP_LAYER_PPP;
	case TYPE_MPLS:
	case TYPE_MPLS_M:
		return NP_LAYER_MPLS;
	case TYPE_TEB:
		return NP_LAYER_ETHER;
	default:
		if (r->type >= 0x600)
			return NP_DECODE_OTHER;
		np_rest_end(r, r->type);
		return NP_LAYER_LLC;
	}
}

/* LLC (IEEE 802.2) with SNAP: aa aa 03, organization 3, type 2. RFC 1042 */
static int llc(struct np_rest *r)
{
	int bad = np_rest_want(r, 8);

	if (bad)
		return r->len < 8 ? NP_DECODE_OTHER : bad;
	if (r->at[0] != 0xaa || r->at[1] != 0xaa || r->at[2] != 3)
		return NP_DECODE_OTHER;
	r->type = np_get16(r->at + 6);
	np_rest_skip(r, 8);
	return r->type < 0x600 ? NP_DECODE_OTHER : NP_LAYER_TYPE;
}

/* PPP (RFC 1661, 1662): ff 03 where they are not left out, protocol 2, or 1 where it is odd */
static int ppp(struct np_rest *r)
{
	int bad = np_rest_want(r, 4);
	uint16_t proto;

	if (bad)
		return bad;
	if (r->at[0] == 0xff && r->at[1] == 3)
		np_rest_skip(r, 2);
	proto = r->at[0];
	if (!(proto & 1)) {
		proto = np_get16(r->at);
		np_rest_skip(r, 1);
	}
	np_rest_skip(r, 1);
	switch (proto) {
	case 0x21:
	case 0x57:
		return NP_LAYER_IP;
	case 0x281:
	case 0x283:
		return NP_LAYER_MPLS;
	default:
		return NP_DECODE_OTHER;
	}
}

/* MPLS (RFC 3032): label 20 bits, class 3, bottom of stack 1, time to live 8. RFC 4928: then IP */
static int mpls(struct np_rest *r)
{
	for (;;) {
		int bad = np_rest_want(r, 5);
		bool bottom;

		if (bad)
			return bad;
		bottom = r->at[2] & 1;
		np_rest_skip(r, 4);
		if (bottom)
			return r->at[0] >> 4 == 4 || r->at[0] >> 4 == 6 ? NP_LAYER_IP
									: NP_DECODE_OTHER;
	}
}

enum np_decode np_decode_from(struct np_rest *r, int layer)
{
	for (int depth = 0; depth < MAX_LAYERS && layer >= NP_LAYER_ETHER; depth++) {
		switch ((enum np_layer)layer) {
		case NP_LAYER_ETHER:
			layer = ether(r);
			break;
		case NP_LAYER_TYPE:
			layer = by_type(r);
			break;
		case NP_LAYER_LLC:
			layer = llc(r);
			break;
		case NP_LAYER_PPP:
			layer = ppp(r);
			break;
		case NP_LAYER_MPLS:
			layer = mpls(r);
			break;
		case NP_LAYER_IP:
			layer = np_decode_ip(r);
			break;
		case NP_LAYER_PROTO:
			layer = np_decode_proto(r);
			break;
		}
	}
	return layer < NP_LAYER_ETHER ? (enum np_decode)layer : NP_DECODE_BAD;
}

/* ---- link levels: the first header ---- */

/* N bytes of header, its EtherType at AT. */
static int typed(struct np_rest *r, uint32_t n, uint32_t at)
{
	int bad = np_rest_want(r, n);

	if (bad)
		return bad;
	r->type = np_get16(r->at + at);
	np_rest_skip(r, n);
	return NP_LAYER_TYPE;
}

/* N bytes of header, then IP. */
static int before_ip(struct np_rest *r, uint32_t n)
{
	int bad = np_rest_want(r, n);

	if (bad)
		return bad;
	np_rest_skip(r, n);
	return NP_LAYER_IP;
}

/* What packet type a cooked capture tells: 0 to 2 for us, 3 for another host, 4 from us. */
static void cooked_way(struct np_rest *r, uint16_t type)
{
	if (r->d->way == NP_WAY_UNKNOWN && type != 3 && type <= 4)
		r->d->way = type == 4 ? NP_WAY_OUT : NP_WAY_IN;
}

/* LINUX_SLL: packet type 2, ARPHRD 2, length 2, address 8, protocol 2 */
static int sll(struct np_rest *r)
{
	int bad = np_rest_want(r, 16);

	if (bad)
		return bad;
	cooked_way(r, np_get16(r->at));
	r->type = np_get16(r->at + 14);
	np_rest_skip(r, 16);
	return r->type == 4 ? NP_LAYER_LLC : r->type < 0x600 ? NP_DECODE_OTHER : NP_LAYER_TYPE;
}

/* LINUX_SLL2: protocol 2, reserved 2, ifindex 4, ARPHRD 2, packet type 1, length 1, address 8 */
static int sll2(struct np_rest *r)
{
	int bad = np_rest_want(r, 20);

	if (bad)
		return bad;
	cooked_way(r, r->at[10]);
	r->type = np_get16(r->at);
	np_rest_skip(r, 20);
	return r->type == 4 ? NP_LAYER_LLC : r->type < 0x600 ? NP_DECODE_OTHER : NP_LAYER_TYPE;
}

/* NULL: address family in the byte order of who captured; LOOP: in network order */
static int loopback(struct np_rest *r)
{
	int bad = np_rest_want(r, 4);
	uint32_t family;

	if (bad)
		return bad;
	family = np_get32(r->at);
	if (family > 0xffff)
		family = family >> 24 | (family >> 8 & 0xff00);
	np_rest_skip(r, 4);
	switch (family) {
	case 2:
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return NP_LAYER_IP;
	default:
		return NP_DECODE_OTHER;
	}
}

/* PPP_SERIAL: PPP in HDLC frames, or Cisco's: address 0f or 8f, control, EtherType. RFC 1547 */
static int hdlc(struct np_rest *r)
{
	int bad = np_rest_want(r, 4);

	if (bad)
		return bad;
	return r->at[0] == 0x0f || r->at[0] == 0x8f ? typed(r, 4, 2) : NP_LAYER_PPP;
}

/*
 * IEEE 802.11: frame control 2, duration 2, addresses 18, sequence 2; a fourth address between two
 * access points, 2 with QoS, 4 with HT control. Data that is not encrypted begins with LLC.
 */
static int wifi(struct np_rest *r)
{
	uint32_t head = 24;
	int bad = np_rest_want(r, 2);
	uint8_t kind, flags;

	if (bad)
		return bad;
	kind = r->at[0];
	flags = r->at[1];
	if ((kind & 0x0c) != 0x08 || kind & 0x40 || flags & 0x40)
		return NP_DECODE_OTHER;
	if ((flags & 3) == 3)
		head += 6;
	if (kind & 0x80)
		head += flags & 0x80 ? 6 : 2;
	bad = np_rest_want(r, head);
	if (bad)
		return bad;
	np_rest_skip(r, head);
	return NP_LAYER_LLC;
}

/* Radiotap: version 1, pad 1, length 2 in little-endian order */
static int radiotap(struct np_rest *r)
{
	int bad = np_rest_want(r, 4);
	uint32_t len;

	if (bad)
		return bad;
	len = (uint32_t)r->at[3] << 8 | r->at[2];
	bad = np_rest_want(r, len);
	if (bad)
		return bad;
	np_rest_skip(r, len);
	return wifi(r);
}

/* PFLOG: length 1, family 1, ...; the header is padded to 4 bytes */
static int pflog(struct np_rest *r)
{
	int bad = np_rest_want(r, 4);

	if (bad)
		return bad;
	return before_ip(r, (r->at[0] + 3U) & ~3U);
}

/* NFLOG: family 1, version 1, resource 2; then length 2 and type 2 in host order, 9: the packet */
static int nflog(struct np_rest *r)
{
	int bad = np_rest_want(r, 4);

	if (bad)
		return bad;
	if (r->at[1])
		return NP_DECODE_OTHER;
	np_rest_skip(r, 4);
	for (;;) {
		uint32_t len;

		bad = np_rest_want(r, 4);
		if (bad)
			return bad;
		/* nobody captures these on a big-endian machine and reads them elsewhere */
		len = (uint32_t)r->at[1] << 8 | r->at[0];
		if (r->at[2] == 9 && !r->at[3])
			return before_ip(r, 4);
		len = (len + 3) & ~3U;
		bad = len < 4 ? NP_DECODE_BAD : np_rest_want(r, len);
		if (bad)
			return bad;
		np_rest_skip(r, len);
	}
}

/* ARCNET_LINUX: source 1, destination 1, offset 2, type 1; RFC 1201 adds flag 1 and sequence 2 */
static int arcnet(struct np_rest *r)
{
	int bad = np_rest_want(r, 5);

	if (bad)
		return bad;
	switch (r->at[4]) {
	case 212: /* IPv4 */
	case 196: /* IPv6 */
		return before_ip(r, 8);
	case 240: /* IPv4, RFC 1051 */
		return before_ip(r, 5);
	default:
		return NP_DECODE_OTHER;
	}
}

static int link_level(struct np_rest *r, uint16_t linktype)
{
	switch (linktype) {
	case DLT_EN10MB:
		return NP_LAYER_ETHER;
	case DLT_RAW:
	case 101: /* what files have for it: LINKTYPE_RAW */
	case DLT_IPV4:
	case DLT_IPV6:
		return NP_LAYER_IP;
	case DLT_LINUX_SLL:
		return sll(r);
	case DLT_LINUX_SLL2:
		return sll2(r);
	case DLT_NULL:
	case DLT_LOOP:
		return loopback(r);
	case DLT_PPP:
	case DLT_PPP_ETHER:
		if (linktype == DLT_PPP_ETHER)
			r->type = TYPE_PPPOE;
		return linktype == DLT_PPP ? NP_LAYER_PPP : NP_LAYER_TYPE;
	case DLT_PPP_SERIAL:
	case DLT_C_HDLC:
		return hdlc(r);
	case DLT_SLIP:
		return before_ip(r, 16);
	case DLT_IPOIB: /* RFC 4391: of the 40 bytes before it nothing is needed */
		return typed(r, 44, 40);
	case DLT_IEEE802_11:
		return wifi(r);
	case DLT_IEEE802_11_RADIO:
		return radiotap(r);
	case DLT_PFLOG:
		return pflog(r);
	case DLT_NFLOG:
		return nflog(r);
	case DLT_ARCNET_LINUX:
		return arcnet(r);
	default:
		return NP_DECODE_OTHER;
	}
}

bool np_decode_knows(uint16_t linktype)
{
	struct np_decoded d = { 0 };
	struct np_rest nothing = { .d = &d };

	/* of an empty packet those that are known say that more is wanted, or what comes next */
	return link_level(&nothing, linktype) != NP_DECODE_OTHER;
}

enum np_decode np_decode(struct np_decoded *d, const struct np_packet *packet)
{
	struct np_rest r = {
		.at = packet->data, .cap = packet->cap_len, .len = packet->wire_len, .d = d
	};

	/* a file may say anything: no more is captured than there was */
	if (r.len < r.cap)
		r.len = r.cap;
	d->way = packet->way;
	d->wscale = NP_NO_WSCALE;
	d->mss = 0;
	return np_decode_from(&r, link_level(&r, packet->linktype));
}
