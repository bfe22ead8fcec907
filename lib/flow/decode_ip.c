// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* IP, what it carries, and what is IP again inside. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "flow/decode_in.h"

#define PROTO_GRE  47
#define PROTO_MPLS 137

#define PORT_VXLAN  4789
#define PORT_GENEVE 6081
#define PORT_GTP    2152
#define MAX_TUNNELS 4

static void map4(uint8_t to[16], const uint8_t *from)
{
	memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	memcpy(to + 12, from, 4);
}

/*
 * IPv4, RFC 791: version and length in words 1, class 1, total length 2, id 2, flags and fragment
 * offset 2, time to live 1, protocol 1, checksum 2, source 4, destination 4, options
 */
static int ipv4(struct np_rest *r)
{
	struct np_decoded *d = r->d;
	int bad = np_rest_want(r, 20);
	uint32_t head, total;

	if (bad)
		return bad;
	head = (r->at[0] & 15U) * 4;
	total = np_get16(r->at + 2);
	/* BIG TCP: longer than the field can say */
	if (!total)
		total = r->len;
	if (head < 20 || total < head)
		return NP_DECODE_BAD;
	bad = np_rest_want(r, head);
	if (bad)
		return bad;
	/* what an ICMP error brings back is cut short on purpose */
	if (!r->nested)
		np_rest_end(r, total);
	d->family = AF_INET;
	map4(d->src, r->at + 12);
	map4(d->dst, r->at + 16);
	d->ip = r->at;
	d->ip_cap = r->cap;
	d->ip_len = r->len;
	if (np_get16(r->at + 6) & 0x1fff)
		return NP_DECODE_FRAGMENT;
	r->more = r->at[6] & 0x20;
	r->proto = r->at[9];
	np_rest_skip(r, head);
	return NP_LAYER_PROTO;
}

/*
 * Extension headers, RFC 8200, 4: next header 1, length in units of 8 bytes less one 1; fragment:
 * offset 2 in place of the length, 8 bytes in all; AH (RFC 4302): length in units of 4 less two
 */
static int extensions(struct np_rest *r)
{
	for (int n = 0; n < 16; n++) {
		uint32_t len;
		int bad;

		switch (r->proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_FRAGMENT:
		case IPPROTO_AH:
		case IPPROTO_MH:
			break;
		default:
			return NP_LAYER_PROTO;
		}
		bad = np_rest_want(r, 8);
		if (bad)
			return bad;
		len = r->proto == IPPROTO_AH         ? (r->at[1] + 2U) * 4
		      : r->proto == IPPROTO_FRAGMENT ? 8
						     : (r->at[1] + 1U) * 8;
		bad = np_rest_want(r, len);
		if (bad)
			return bad;
		if (r->proto == IPPROTO_FRAGMENT && np_get16(r->at + 2) & 0xfff8)
			return NP_DECODE_FRAGMENT;
		if (r->proto == IPPROTO_FRAGMENT)
			r->more = r->at[3] & 1;
		r->proto = r->at[0];
		np_rest_skip(r, len);
	}
	return NP_DECODE_BAD;
}

/*
 * IPv6, RFC 8200: version, class and flow label 4, payload length 2, next header 1, hop limit 1,
 * source 16, destination 16. Length 0 is a jumbogram (RFC 2675) or BIG TCP: all of the frame
 */
static int ipv6(struct np_rest *r)
{
	struct np_decoded *d = r->d;
	int bad = np_rest_want(r, 40);
	uint32_t len;

	if (bad)
		return bad;
	len = np_get16(r->at + 4);
	if (len && !r->nested)
		np_rest_end(r, 40 + len);
	d->family = AF_INET6;
	memcpy(d->src, r->at + 8, 16);
	memcpy(d->dst, r->at + 24, 16);
	d->ip = r->at;
	d->ip_cap = r->cap;
	d->ip_len = r->len;
	r->more = false;
	r->proto = r->at[6];
	np_rest_skip(r, 40);
	return extensions(r);
}

int np_decode_ip(struct np_rest *r)
{
	int bad = np_rest_want(r, 1);

	if (bad)
		return bad;
	switch (r->at[0] >> 4) {
	case 4:
		return ipv4(r);
	case 6:
		return ipv6(r);
	default:
		return NP_DECODE_BAD;
	}
}

/* Options, RFC 9293, 3.1: kind 1, length 1 with both; 0 ends, 1 pads. What is cut off is not there
 */
static void tcp_options(struct np_decoded *d, const uint8_t *at, uint32_t len)
{
	for (uint32_t i = 0; i < len && at[i];) {
		uint32_t size;

		if (at[i] == 1) {
			i++;
			continue;
		}
		size = i + 1 < len ? at[i + 1] : 0;
		if (size < 2 || size > len - i)
			return;
		if (at[i] == 3 && size == 3)
			d->wscale = at[i + 2] < 14 ? at[i + 2] : 14; /* RFC 7323, 2.3 */
		else if (at[i] == 2 && size == 4)
			d->mss = np_get16(at + i + 2);
		i += size;
	}
}

/*
 * TCP, RFC 9293, 3.1: ports 4, sequence 4, acknowledgment 4, length in words and flags 2, window 2,
 * checksum 2, urgent 2, options
 */
static int tcp(struct np_rest *r)
{
	struct np_decoded *d = r->d;
	int bad = np_rest_want(r, 20);
	uint32_t head;

	if (bad)
		return bad;
	head = (r->at[12] >> 4) * 4U;
	if (head < 20 || head > r->len)
		return NP_DECODE_BAD;
	d->sport = np_get16(r->at);
	d->dport = np_get16(r->at + 2);
	d->seq = np_get32(r->at + 4);
	d->ack = np_get32(r->at + 8);
	d->flags = r->at[13];
	d->window = np_get16(r->at + 14);
	if (d->flags & NP_TH_SYN)
		tcp_options(d, r->at + 20, (head < r->cap ? head : r->cap) - 20);
	d->payload = r->len - head;
	return NP_DECODE_FLOW;
}

/* VXLAN (RFC 7348): flags 1 with 08, reserved 3, number 3, reserved 1, Ethernet */
static int vxlan(struct np_rest *r)
{
	if (np_rest_want(r, 8) || !(r->at[0] & 8))
		return NP_DECODE_OTHER;
	np_rest_skip(r, 8);
	return NP_LAYER_ETHER;
}

/* Geneve (RFC 8926): version and length of options in words 1, flags 1, type 2, number 3, 1 */
static int geneve(struct np_rest *r)
{
	uint32_t head;

	if (np_rest_want(r, 8) || r->at[0] >> 6)
		return NP_DECODE_OTHER;
	head = 8 + (r->at[0] & 0x3fU) * 4;
	r->type = np_get16(r->at + 2);
	if (np_rest_want(r, head))
		return NP_DECODE_OTHER;
	np_rest_skip(r, head);
	return NP_LAYER_TYPE;
}

/*
 * GTP-U (3GPP TS 29.281, 5.1): version, flags 1, type 1 (255: a packet), length 2, tunnel 4; with
 * any of the flags 07: sequence 2, number 1, next extension 1, each of them as long as it says
 */
static int gtp(struct np_rest *r)
{
	bool more;

	if (np_rest_want(r, 12) || r->at[0] >> 5 != 1 || !(r->at[0] & 16) || r->at[1] != 255)
		return NP_DECODE_OTHER;
	more = r->at[0] & 4 && r->at[11];
	np_rest_skip(r, r->at[0] & 7 ? 12 : 8);
	while (more) {
		uint32_t len = np_rest_want(r, 1) ? 0 : r->at[0] * 4U;

		if (!len || np_rest_want(r, len))
			return NP_DECODE_OTHER;
		more = r->at[len - 1];
		np_rest_skip(r, len);
	}
	return NP_LAYER_IP;
}

/* A tunnel in UDP: what is inside, if it is or tells of a connection; else the datagram itself. */
static int udp_tunnel(const struct np_rest *outer)
{
	struct np_decoded inner = *outer->d;
	struct np_rest r = *outer;
	int layer = NP_DECODE_OTHER, what;

	if (++r.depth > MAX_TUNNELS)
		return NP_DECODE_FLOW;
	r.d = &inner;
	switch (inner.dport) {
	case PORT_VXLAN:
		layer = vxlan(&r);
		break;
	case PORT_GENEVE:
		layer = geneve(&r);
		break;
	case PORT_GTP:
		layer = gtp(&r);
		break;
	default:
		return NP_DECODE_FLOW;
	}
	what = (int)np_decode_from(&r, layer);
	if (what != NP_DECODE_FLOW && what != NP_DECODE_ERROR)
		return NP_DECODE_FLOW;
	*outer->d = inner;
	return what;
}

/* UDP, RFC 768: ports 4, length 2, checksum 2. Length 0: as IP says (RFC 2675) */
static int udp(struct np_rest *r)
{
	struct np_decoded *d = r->d;
	int bad = np_rest_want(r, 8);
	uint32_t len;

	if (bad)
		return bad;
	d->sport = np_get16(r->at);
	d->dport = np_get16(r->at + 2);
	len = np_get16(r->at + 4);
	if (len && len < 8)
		return NP_DECODE_BAD;
	if (len)
		np_rest_end(r, len);
	np_rest_skip(r, 8);
	/* of later fragments nobody knows whose they are: the first one says how much it all is */
	d->payload = r->more && len ? len - 8 : r->len;
	return udp_tunnel(r);
}

/* As Linux answers them: icmp_err_convert[], tcp_v6_err(). 0: not of interest. */
static uint8_t icmp_error(bool v6, uint8_t type, uint8_t code)
{
	if (type == (v6 ? 3 : 11)) /* time exceeded */
		return EHOSTUNREACH;
	if (v6)
		return type != 1 ? 0 : code == 4 ? ECONNREFUSED : EHOSTUNREACH;
	if (type != 3 || code == 4)
		return 0;
	return code == 2 || code == 3 ? ECONNREFUSED : code ? EHOSTUNREACH : ENETUNREACH;
}

/* The packet that an error is about: IP and at least 8 bytes of what follows (RFC 792). */
static int icmp_about(struct np_rest *r, uint8_t error)
{
	struct np_rest in = *r;
	int layer;

	in.nested = true;
	layer = np_decode_ip(&in);
	if (layer != NP_LAYER_PROTO || in.proto != IPPROTO_TCP || np_rest_want(&in, 8))
		return NP_DECODE_OTHER;
	in.d->sport = np_get16(in.at);
	in.d->dport = np_get16(in.at + 2);
	in.d->seq = np_get32(in.at + 4);
	in.d->icmp = error;
	in.d->proto = IPPROTO_TCP;
	return NP_DECODE_ERROR;
}

/* ICMP, RFC 792 and RFC 4443: type 1, code 1, checksum 2; echo: identifier 2, sequence 2 */
static int icmp(struct np_rest *r)
{
	struct np_decoded *d = r->d;
	bool v6 = r->proto == IPPROTO_ICMPV6;
	int bad = np_rest_want(r, 8);
	uint8_t type, error;

	if (bad)
		return bad;
	type = r->at[0];
	error = icmp_error(v6, type, r->at[1]);
	if (error && !r->nested) {
		np_rest_skip(r, 8);
		return icmp_about(r, error);
	}
	if (v6 ? type != 128 && type != 129 : type != 8 && type != 0)
		return NP_DECODE_OTHER;
	d->sport = d->dport = np_get16(r->at + 4);
	d->flags = type == 8 || type == 128; /* a request */
	d->payload = r->len - 8;
	return NP_DECODE_FLOW;
}

/* GRE (RFC 2784, 2890): flags and version 2, protocol 2, checksum 4 (80), key 4 (20), sequence 4
 * (10). Version 1 (RFC 2637): PPP, acknowledgment 4 (0080) */
static int gre(struct np_rest *r)
{
	int bad = np_rest_want(r, 4);
	uint32_t head = 4;
	uint16_t flags;

	if (bad)
		return bad;
	flags = np_get16(r->at);
	r->type = np_get16(r->at + 2);
	if (flags & 0x4000 || (flags & 7) > 1) /* source routes: nobody has them any more */
		return NP_DECODE_OTHER;
	head += flags & 0x8000 ? 4 : 0;
	head += flags & 0x2000 ? 4 : 0;
	head += flags & 0x1000 ? 4 : 0;
	head += (flags & 7) == 1 && flags & 0x80 ? 4 : 0;
	bad = np_rest_want(r, head);
	if (bad)
		return bad;
	np_rest_skip(r, head);
	if ((flags & 7) == 1 && !r->len)
		return NP_DECODE_OTHER; /* a bare acknowledgment */
	return r->type < 0x600 ? NP_DECODE_OTHER : NP_LAYER_TYPE;
}

int np_decode_proto(struct np_rest *r)
{
	r->d->proto = r->proto;
	switch (r->proto) {
	case IPPROTO_TCP:
		return tcp(r);
	case IPPROTO_UDP:
		return udp(r);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return icmp(r);
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return NP_LAYER_IP;
	case PROTO_GRE:
		return gre(r);
	case PROTO_MPLS:
		return NP_LAYER_MPLS;
	default:
		return NP_DECODE_OTHER;
	}
}
