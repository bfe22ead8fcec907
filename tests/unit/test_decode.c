// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>

#include "test_packets.h"

static struct np_decoded d;

/* The segment that all of these have inside, of A to B, with 5 bytes. */
static void segment(struct frame *f)
{
	ipv4(f, A, B, IPPROTO_TCP, 25);
	tcp_header(f, 1000, 80, 7, 8, ACK | PSH, 9);
	put(f, "hello", 5);
}

static void is_segment(enum np_decode ret)
{
	static const uint8_t a[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 };

	assert_int_equal(ret, NP_DECODE_FLOW);
	assert_int_equal(d.proto, IPPROTO_TCP);
	assert_int_equal(d.family, AF_INET);
	assert_memory_equal(d.src, a, 16);
	assert_int_equal(d.dst[15], 2);
	assert_int_equal(d.sport, 1000);
	assert_int_equal(d.dport, 80);
	assert_int_equal(d.seq, 7);
	assert_int_equal(d.ack, 8);
	assert_int_equal(d.window, 9);
	assert_int_equal(d.flags, ACK | PSH);
	assert_int_equal(d.payload, 5);
	assert_int_equal(d.ip_len, 45);
}

static void through_every_link_level(void **state)
{
	/* header in hex, link type */
	static const struct {
		unsigned int link;
		const char *head;
		uint32_t len;
	} t[] = {
		{ DLT_EN10MB, "............\x08\x00", 14 },
		{ DLT_EN10MB, "............\x81\x00\x00\x05\x08\x00", 18 },
		{ DLT_EN10MB, "............\x88\xa8\x00\x05\x81\x00\x00\x05\x08\x00", 22 },
		{ DLT_EN10MB, "............\x00\x35\xaa\xaa\x03\x00\x00\x00\x08\x00", 22 },
		{ DLT_EN10MB, "............\x88\x64\x11\x00\x00\x01\x00\x2f\x00\x21", 22 },
		{ DLT_EN10MB, "............\x88\x47\x00\x01\x00\x40\x00\x01\x01\x40", 22 },
		{ DLT_RAW, "", 0 },
		{ DLT_IPV4, "", 0 },
		{ DLT_NULL, "\x02\x00\x00\x00", 4 },
		{ DLT_NULL, "\x00\x00\x00\x02", 4 },
		{ DLT_LOOP, "\x00\x00\x00\x02", 4 },
		{ DLT_LINUX_SLL, "\x00\x04\x00\x01\x00\x06........\x08\x00", 16 },
		{ DLT_LINUX_SLL2, "\x08\x00\x00\x00\x00\x00\x00\x01\x00\x01\x04\x06........", 20 },
		{ DLT_PPP, "\x00\x21", 2 },
		{ DLT_PPP, "\x21", 1 },
		{ DLT_PPP, "\xff\x03\x00\x21", 4 },
		{ DLT_PPP_SERIAL, "\xff\x03\x00\x21", 4 },
		{ DLT_PPP_ETHER, "\x11\x00\x00\x01\x00\x2f\x00\x21", 8 },
		{ DLT_C_HDLC, "\x0f\x00\x08\x00", 4 },
		{ DLT_SLIP, "................", 16 },
		{ DLT_IPOIB, "........................................\x08\x00\x00\x00", 44 },
		{ DLT_IEEE802_11, "\x08\x01......................\xaa\xaa\x03\x00\x00\x00\x08\x00",
		  32 },
		{ DLT_IEEE802_11,
		  "\x88\x01........................\xaa\xaa\x03\x00\x00\x00\x08\x00", 34 },
		{ DLT_IEEE802_11_RADIO,
		  "\x00\x00\x08\x00....\x08\x01......................"
		  "\xaa\xaa\x03\x00\x00\x00\x08\x00",
		  40 },
		{ DLT_PFLOG, "\x0d\x02..............", 16 },
		{ DLT_NFLOG, "\x02\x00\x00\x00\x08\x00\x01\x00....\x31\x00\x09\x00", 16 },
		{ DLT_ARCNET_LINUX, "....\xd4...", 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct frame f = { 0 };

		put(&f, t[i].head, t[i].len);
		segment(&f);
		is_segment(decode(&d, &f, t[i].link));
		assert_true(np_decode_knows((uint16_t)t[i].link));
	}
	assert_true(np_decode_knows(101)); /* LINKTYPE_RAW */
	assert_false(np_decode_knows(999));
	assert_false(np_decode_knows(DLT_FRELAY));
}

static void through_tunnels_to_the_innermost(void **state)
{
	struct frame f = { 0 };

	(void)state;
	/* IP in IP */
	ipv4(&f, B, A, 4, 45);
	segment(&f);
	is_segment(decode(&d, &f, DLT_RAW));
	/* GRE with key and sequence, then Ethernet */
	f.len = 0;
	ipv4(&f, B, A, 47, 71);
	put(&f, "\x30\x00\x65\x58\x00\x00\x00\x01\x00\x00\x00\x02", 12);
	ether(&f, 0x800);
	segment(&f);
	is_segment(decode(&d, &f, DLT_RAW));
	/* VXLAN */
	f.len = 0;
	ipv4(&f, B, A, IPPROTO_UDP, 75);
	udp_header(&f, 5555, 4789, 67);
	put(&f, "\x08\x00\x00\x00\x00\x00\x05\x00", 8);
	ether(&f, 0x800);
	segment(&f);
	is_segment(decode(&d, &f, DLT_RAW));
	/* Geneve with an option */
	f.len = 0;
	ipv4(&f, B, A, IPPROTO_UDP, 79);
	udp_header(&f, 5555, 6081, 71);
	put(&f, "\x01\x00\x65\x58\x00\x00\x05\x00\x00\x00\x00\x00", 12);
	ether(&f, 0x800);
	segment(&f);
	is_segment(decode(&d, &f, DLT_RAW));
	/* GTP-U with a sequence number */
	f.len = 0;
	ipv4(&f, B, A, IPPROTO_UDP, 65);
	udp_header(&f, 2152, 2152, 57);
	put(&f, "\x32\xff\x00\x31\x00\x00\x00\x01\x00\x01\x00\x00", 12);
	segment(&f);
	is_segment(decode(&d, &f, DLT_RAW));
}

static void a_datagram_to_a_tunnel_without_a_packet_in_it_stands_for_itself(void **state)
{
	struct frame f = { 0 };

	(void)state;
	ipv4(&f, A, B, IPPROTO_UDP, 16);
	udp_header(&f, 5555, 4789, 8);
	put(&f, "\x00\x00\x00\x00\x00\x00\x05\x00", 8);
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_FLOW);
	assert_int_equal(d.proto, IPPROTO_UDP);
	assert_int_equal(d.payload, 8);
	assert_int_equal(d.dport, 4789);
}

static void past_extension_headers(void **state)
{
	struct frame f = { 0 };

	(void)state;
	ipv6(&f, 0, 8 + 8 + 24 + 8 + 12 + 20 + 3);
	put(&f, "\x2b\x00\x05\x02\x00\x00\x01\x00", 8); /* hop-by-hop */
	put(&f, "\x3c\x00\x00\x00\x00\x00\x00\x00", 8); /* routing */
	put(&f, "\x2c\x02......................", 24);  /* destination */
	put(&f, "\x33\x00\x00\x01\x00\x00\x00\x01", 8); /* first fragment */
	put(&f, "\x06\x01..........", 12);              /* AH */
	tcp_header(&f, 1000, 80, 7, 8, ACK, 9);
	put(&f, "abc", 3);
	assert_int_equal(decode(&d, &f, DLT_IPV6), NP_DECODE_FLOW);
	assert_int_equal(d.family, AF_INET6);
	assert_int_equal(d.proto, IPPROTO_TCP);
	assert_int_equal(d.payload, 3);
	assert_int_equal(d.src[15], 1);
	/* a later fragment */
	f.bytes[40 + 8 + 8 + 24 + 3] = 0x09;
	assert_int_equal(decode(&d, &f, DLT_IPV6), NP_DECODE_FRAGMENT);
}

static void later_fragments_have_no_ports(void **state)
{
	struct frame f = { 0 };

	(void)state;
	segment(&f);
	f.bytes[6] = 0x20; /* more follow */
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_FLOW);
	f.bytes[7] = 1;
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_FRAGMENT);
}

static void a_datagram_in_fragments_counts_whole_with_the_first(void **state)
{
	struct frame f = { 0 };

	(void)state;
	ipv4(&f, A, B, IPPROTO_UDP, 8 + 16);
	f.bytes[6] = 0x20; /* more follow */
	udp_header(&f, 1000, 2049, 4000);
	f.len += 16;
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_FLOW);
	assert_int_equal(d.payload, 4000);
	/* none do: it cannot be more than there is */
	f.bytes[6] = 0;
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_FLOW);
	assert_int_equal(d.payload, 16);
	f.len = 0;
	ipv6(&f, IPPROTO_FRAGMENT, 8 + 8 + 16);
	put(&f, "\x11\x00\x00\x01\x00\x00\x00\x01", 8);
	udp_header(&f, 1000, 2049, 4000);
	f.len += 16;
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_FLOW);
	assert_int_equal(d.payload, 4000);
	/* a tunnel's: what is inside is whole, or has fragments of its own */
	f.len = 0;
	ipv4(&f, B, A, 4, 20 + 8 + 16);
	f.bytes[6] = 0x20;
	ipv4(&f, A, B, IPPROTO_UDP, 8 + 16);
	udp_header(&f, 1000, 2049, 4000);
	f.len += 16;
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_FLOW);
	assert_int_equal(d.payload, 16);
}

static void lengths_come_from_ip_and_never_exceed_the_wire(void **state)
{
	struct frame f = { 0 };

	(void)state;
	/* padding of Ethernet */
	ether(&f, 0x800);
	segment(&f);
	f.len += 6;
	is_segment(decode(&d, &f, DLT_EN10MB));
	/* the snap length cuts what is captured, not what was sent */
	is_segment(decode_as(&d, &f, DLT_EN10MB, 14 + 40, f.len));
	/* IP claims more than there was */
	f.bytes[16] = 0xff;
	assert_int_equal(decode_as(&d, &f, DLT_EN10MB, 59, 59), NP_DECODE_FLOW);
	assert_int_equal(d.payload, 5);
	/* BIG TCP: no length at all, the frame's counts */
	f.bytes[16] = f.bytes[17] = 0;
	assert_int_equal(decode_as(&d, &f, DLT_EN10MB, 59, 14 + 40 + 100000), NP_DECODE_FLOW);
	assert_int_equal(d.payload, 100000);
}

static void what_is_cut_off_is_short_and_what_contradicts_itself_is_bad(void **state)
{
	struct frame f = { 0 };

	(void)state;
	ether(&f, 0x800);
	segment(&f);
	for (uint32_t cap = 0; cap < 54; cap++)
		assert_int_equal(decode_as(&d, &f, DLT_EN10MB, cap, f.len), NP_DECODE_SHORT);
	for (uint32_t len = 0; len < 54; len++)
		assert_int_equal(decode_as(&d, &f, DLT_EN10MB, len, len), NP_DECODE_BAD);
	f.bytes[46] = 0x40; /* a TCP header of 16 bytes */
	assert_int_equal(decode(&d, &f, DLT_EN10MB), NP_DECODE_BAD);
	f.bytes[46] = 0xf0; /* of 60, in 25 */
	assert_int_equal(decode(&d, &f, DLT_EN10MB), NP_DECODE_BAD);
	f.bytes[14] = 0x44; /* an IP header of 16 */
	assert_int_equal(decode(&d, &f, DLT_EN10MB), NP_DECODE_BAD);
	f.bytes[14] = 0x75; /* version 7 */
	assert_int_equal(decode(&d, &f, DLT_EN10MB), NP_DECODE_BAD);
	f.bytes[13] = 6; /* ARP */
	assert_int_equal(decode(&d, &f, DLT_EN10MB), NP_DECODE_OTHER);
	assert_int_equal(decode(&d, &f, 9999), NP_DECODE_OTHER);
}

static void tunnels_without_end_come_to_one(void **state)
{
	struct frame f = { 0 };

	(void)state;
	for (int i = 0; i < 24; i++)
		ipv4(&f, A, B, 4, 480 - 20 * (unsigned int)i);
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_BAD);
}

static void options_of_a_syn(void **state)
{
	struct frame f = { 0 };

	(void)state;
	ipv4(&f, A, B, IPPROTO_TCP, 32);
	tcp_header(&f, 1000, 80, 7, 0, SYN, 9);
	f.bytes[32] = 0x80;
	put(&f, "\x02\x04\x05\xb4\x01\x03\x03\x07\x01\x01\x01\x00", 12);
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_FLOW);
	assert_int_equal(d.mss, 1460);
	assert_int_equal(d.wscale, 7);
	/* a shift above 14 counts as 14, RFC 7323 */
	f.bytes[47] = 200;
	decode(&d, &f, DLT_RAW);
	assert_int_equal(d.wscale, 14);
	/* an option that reaches past the header, one without length */
	f.bytes[46] = 30;
	decode(&d, &f, DLT_RAW);
	assert_int_equal(d.wscale, NP_NO_WSCALE);
	f.bytes[41] = 0;
	decode(&d, &f, DLT_RAW);
	assert_int_equal(d.mss, 0);
	/* cut off by the snap length */
	assert_int_equal(decode_as(&d, &f, DLT_RAW, 41, f.len), NP_DECODE_FLOW);
	assert_int_equal(d.mss, 0);
}

static void which_way_cooked_packets_went(void **state)
{
	struct frame f = { 0 };

	(void)state;
	put(&f, "\x00\x04\x00\x01\x00\x06........\x08\x00", 16);
	segment(&f);
	decode(&d, &f, DLT_LINUX_SLL);
	assert_int_equal(d.way, NP_WAY_OUT);
	f.bytes[1] = 0;
	decode(&d, &f, DLT_LINUX_SLL);
	assert_int_equal(d.way, NP_WAY_IN);
	f.bytes[1] = 3;
	decode(&d, &f, DLT_LINUX_SLL);
	assert_int_equal(d.way, NP_WAY_UNKNOWN);
}

static void an_icmp_error_tells_whose_segment_it_was(void **state)
{
	struct frame f = { 0 };

	(void)state;
	ipv4(&f, B, A, IPPROTO_ICMP, 8 + 28);
	put(&f, "\x03\x03\x00\x00\x00\x00\x00\x00", 8);
	ipv4(&f, A, B, IPPROTO_TCP, 1000);
	put16(&f, 1000);
	put16(&f, 80);
	put32(&f, 77);
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_ERROR);
	assert_int_equal(d.icmp, ECONNREFUSED);
	assert_int_equal(d.proto, IPPROTO_TCP);
	assert_int_equal(d.src[15], 1);
	assert_int_equal(d.sport, 1000);
	assert_int_equal(d.seq, 77);
	f.bytes[21] = 1;
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_ERROR);
	assert_int_equal(d.icmp, EHOSTUNREACH);
	f.bytes[21] = 4; /* fragmentation needed: nobody gives up for that */
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_OTHER);
	f.bytes[20] = 11; /* too many hops */
	f.bytes[21] = 0;
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_ERROR);
	assert_int_equal(d.icmp, EHOSTUNREACH);
}

static void an_icmpv6_error_tells_as_well(void **state)
{
	static const struct {
		const char *head;
		int error; /* 0: none */
	} t[] = { { "\x01\x04\x00\x00\x00\x00\x00\x00", ECONNREFUSED },
		  { "\x01\x03\x00\x00\x00\x00\x00\x00", EHOSTUNREACH },
		  { "\x03\x00\x00\x00\x00\x00\x00\x00", EHOSTUNREACH },
		  { "\x0b\x00\x00\x00\x00\x00\x00\x00", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct frame f = { 0 };

		ipv6(&f, IPPROTO_ICMPV6, 8 + 48);
		put(&f, t[i].head, 8);
		ipv6(&f, IPPROTO_TCP, 20);
		put16(&f, 1000);
		put16(&f, 80);
		put32(&f, 77);
		assert_int_equal(decode(&d, &f, DLT_RAW),
				 t[i].error ? NP_DECODE_ERROR : NP_DECODE_OTHER);
		if (t[i].error)
			assert_int_equal(d.icmp, t[i].error);
	}
}

static void an_icmp_error_in_a_tunnel_is_one_as_well(void **state)
{
	struct frame f = { 0 };

	(void)state;
	ipv4(&f, B, B, IPPROTO_UDP, 8 + 8 + 14 + 20 + 8 + 28);
	udp_header(&f, 5555, 4789, 8 + 14 + 20 + 8 + 28);
	put(&f, "\x08\x00\x00\x00\x00\x00\x05\x00", 8);
	ether(&f, 0x800);
	ipv4(&f, B, A, IPPROTO_ICMP, 8 + 28);
	put(&f, "\x03\x01\x00\x00\x00\x00\x00\x00", 8);
	ipv4(&f, A, B, IPPROTO_TCP, 20);
	put16(&f, 1000);
	put16(&f, 80);
	put32(&f, 77);
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_ERROR);
	assert_int_equal(d.icmp, EHOSTUNREACH);
	assert_int_equal(d.proto, IPPROTO_TCP);
	assert_int_equal(d.sport, 1000);
	assert_int_equal(d.seq, 77);
}

static void echo_has_its_identifier_for_ports(void **state)
{
	struct frame f = { 0 };

	(void)state;
	ipv4(&f, A, B, IPPROTO_ICMP, 8 + 56);
	put(&f, "\x08\x00\x00\x00\x12\x34\x00\x01", 8);
	f.len += 56;
	assert_int_equal(decode(&d, &f, DLT_RAW), NP_DECODE_FLOW);
	assert_int_equal(d.proto, IPPROTO_ICMP);
	assert_int_equal(d.sport, 0x1234);
	assert_int_equal(d.dport, 0x1234);
	assert_int_equal(d.payload, 56);
	assert_true(d.flags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(through_every_link_level),
		cmocka_unit_test(through_tunnels_to_the_innermost),
		cmocka_unit_test(a_datagram_to_a_tunnel_without_a_packet_in_it_stands_for_itself),
		cmocka_unit_test(past_extension_headers),
		cmocka_unit_test(later_fragments_have_no_ports),
		cmocka_unit_test(a_datagram_in_fragments_counts_whole_with_the_first),
		cmocka_unit_test(lengths_come_from_ip_and_never_exceed_the_wire),
		cmocka_unit_test(what_is_cut_off_is_short_and_what_contradicts_itself_is_bad),
		cmocka_unit_test(tunnels_without_end_come_to_one),
		cmocka_unit_test(options_of_a_syn),
		cmocka_unit_test(which_way_cooked_packets_went),
		cmocka_unit_test(an_icmp_error_tells_whose_segment_it_was),
		cmocka_unit_test(an_icmpv6_error_tells_as_well),
		cmocka_unit_test(an_icmp_error_in_a_tunnel_is_one_as_well),
		cmocka_unit_test(echo_has_its_identifier_for_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
