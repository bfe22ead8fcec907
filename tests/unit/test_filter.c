// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "view/filter.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct np_row row_of(int proto, const char *laddr, uint16_t lport, const char *raddr,
			    uint16_t rport)
{
	struct np_row row = { .proto = (uint8_t)proto, .lport = lport, .rport = rport };

	assert_int_equal(np_parse_addr(laddr, row.laddr), 0);
	assert_int_equal(np_parse_addr(raddr, row.raddr), 0);
	row.family = strchr(laddr, ':') ? AF_INET6 : AF_INET;
	return row;
}

static struct np_filter *compiled(const char *text)
{
	struct np_filter *filter;
	struct np_err err = { "" };

	if (np_filter_compile(&filter, text, &err))
		fail_msg("'%s': %s", text, err.msg);
	assert_non_null(filter);
	return filter;
}

static void decide(const struct np_row *row, const char *const *rows, size_t n, bool want)
{
	for (size_t i = 0; i < n; i++) {
		struct np_filter *filter = compiled(rows[i]);

		if (np_filter_match(filter, row) != want)
			fail_msg("'%s' %s", rows[i], want ? "does not match" : "matches");
		np_filter_free(filter);
	}
}

static void an_ipv4_connection_matches_as_its_packets(void **state)
{
	static const char *const yes[] = {
		"",
		" ",
		"tcp",
		"ip",
		"not udp",
		"port 443",
		"tcp port 443",
		"port 50000",
		"host 10.1.2.3",
		"host 192.0.2.7",
		"net 10.0.0.0/8",
		"portrange 400-500",
		"ip host 10.1.2.3",
		"ip proto 6",
		"tcp and host 10.1.2.3 and port 443",
		"host 10.1.2.3 and host 192.0.2.7",
		"not port 22",
		"tcp[0:2] = 443",
		"src net 10.0.0.0/8 and dst host 192.0.2.7",
		"proto \\tcp",
		"1 = 1",
		"ip[9] = 6",
		"ip[12] = 10",
	};
	static const char *const no[] = {
		"udp",          "ip6",      "port 80", "host 10.1.2.4",   "net 11.0.0.0/8",
		"udp port 443", "host ::1", "not tcp", "tcp and port 22", "not host 10.1.2.3",

		"ip multicast",
	};
	struct np_row row = row_of(IPPROTO_TCP, "10.1.2.3", 443, "192.0.2.7", 50000);

	(void)state;
	decide(&row, yes, COUNT(yes), true);
	decide(&row, no, COUNT(no), false);
	/* a dual-stack socket sends IPv4 packets as well */
	row.family = AF_INET6;
	decide(&row, yes, COUNT(yes), true);
	decide(&row, no, COUNT(no), false);
}

static void an_ipv6_connection_matches_as_its_packets(void **state)
{
	static const char *const yes[] = { "udp",
					   "ip6",
					   "port 53",
					   "host 2001:db8::1",
					   "net 2001:db8::/33",
					   "udp port 40000",
					   "ip6 proto 17",
					   "not tcp",
					   "not ip" };
	static const char *const no[] = {
		"tcp", "ip", "port 54", "host 2001:db8::2", "net 2001:db9::/32", "tcp port 53"
	};
	struct np_row row = row_of(IPPROTO_UDP, "2001:db8::1", 40000, "2001:db8::53", 53);

	(void)state;
	decide(&row, yes, COUNT(yes), true);
	decide(&row, no, COUNT(no), false);
}

static void either_direction_counts(void **state)
{
	static const char *const yes[] = { "src port 443", "dst port 443", "src host 10.1.2.3",
					   "dst host 10.1.2.3", "not src port 443" };
	struct np_row row = row_of(IPPROTO_TCP, "10.1.2.3", 443, "192.0.2.7", 50000);

	(void)state;
	decide(&row, yes, COUNT(yes), true);
}

static void an_unconnected_socket_has_one_address(void **state)
{
	static const char *const yes[] = { "udp port 53", "host 10.1.2.3", "ip" };
	struct np_row row = row_of(IPPROTO_UDP, "10.1.2.3", 53, "::", 0);

	(void)state;
	decide(&row, yes, COUNT(yes), true);
}

static void no_filter_and_interfaces_match_all(void **state)
{
	struct np_row row = { .flags = NP_ROW_IFACE, .link = { .name = "eth0" } };
	struct np_filter *filter = compiled("host 10.1.2.3");

	(void)state;
	assert_true(np_filter_match(filter, &row));
	row = row_of(IPPROTO_UDP, "10.1.2.4", 53, "::", 0);
	assert_false(np_filter_match(filter, &row));
	assert_true(np_filter_match(NULL, &row));
	assert_true(np_filter_wants(NULL, IPPROTO_TCP));
	np_filter_free(filter);
	np_filter_free(NULL);
}

static void it_knows_which_protocols_can_match(void **state)
{
	static const struct {
		const char *text;
		bool tcp, udp, icmp;
	} rows[] = {
		{ "", true, true, true },
		{ "tcp", true, false, false },
		{ "udp", false, true, false },
		{ "tcp port 80", true, false, false },
		{ "udp port 53 or tcp port 53", true, true, false },
		{ "port 53", true, true, false },
		{ "not tcp", false, true, true },
		{ "not udp port 53", true, true, true },
		{ "ip6 proto 6", true, false, false },
		{ "ip proto 17", false, true, false },
		{ "host 10.0.0.1", true, true, true },
		{ "udp and host 10.0.0.1", false, true, false },
		{ "tcp and net 2001:db8::/32 and not port 22", true, false, false },
		{ "(tcp port 80 or tcp port 443) and host 10.0.0.1", true, false, false },
		{ "icmp or tcp", true, false, true },
		{ "tcp portrange 1-1024", true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct np_filter *filter = compiled(rows[i].text);

		if (np_filter_wants(filter, IPPROTO_TCP) != rows[i].tcp ||
		    np_filter_wants(filter, IPPROTO_UDP) != rows[i].udp ||
		    np_filter_wants(filter, IPPROTO_ICMP) != rows[i].icmp)
			fail_msg("'%s'", rows[i].text);
		np_filter_free(filter);
	}
}

/* What is not wanted never matches: on each protocol, family and direction. */
static void what_is_not_wanted_never_matches(void **state)
{
	static const char *const texts[] = {
		"tcp",
		"udp port 53",
		"not tcp",
		"tcp or (udp and port 1)",
		"ip proto 17 or ip6 proto 6",
		"ip[9] & 16 != 0",
		"ip6[6] > 6",
		"tcp[0] = 0 or not ip",
		"ip[9] - 6 = 0",
	};
	static const char *const addrs[] = { "10.0.0.1", "2001:db8::1" };
	static const uint16_t ports[] = { 1, 53, 80 };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct np_filter *filter = compiled(texts[i]);

		for (size_t n = 0; n < 2 * COUNT(addrs) * COUNT(ports); n++) {
			int proto = n % 2 ? IPPROTO_TCP : IPPROTO_UDP;
			struct np_row row =
			    row_of(proto, addrs[n / 2 % 2], ports[n / 4], addrs[n / 2 % 2], 1024);

			if (np_filter_match(filter, &row) && !np_filter_wants(filter, proto))
				fail_msg("'%s' matches %s of protocol %d", texts[i],
					 addrs[n / 2 % 2], proto);
		}
		np_filter_free(filter);
	}
}

static void refused(const char *text, const char *says)
{
	struct np_filter *filter = (struct np_filter *)1;
	struct np_err err = { "" };

	if (np_filter_compile(&filter, text, &err) != -EINVAL || filter)
		fail_msg("'%.80s' is taken", text);
	if (!strstr(err.msg, says) || strncmp(err.msg, "filter", 6) != 0)
		fail_msg("'%.80s': %s", text, err.msg);
	assert_int_equal(np_filter_compile(&filter, text, NULL), -EINVAL);
}

static void what_no_connection_says_is_refused(void **state)
{
	static const char *const rows[] = {
		"tcp[13] & 2 != 0",
		"tcp[tcpflags] & tcp-syn != 0",
		"len > 100",
		"greater 100",
		"less 64",
		"ip[0] & 0xf != 5",
		"ip[2:2] > 100",
		"ip[6:2] & 0x4000 != 0",
		"ip[8] < 5",
		"ip6[4:2] = 0",
		"udp[8:4] = 1",
		"icmp[0] = 8",
		"tcp port 80 or icmp[icmptype] = icmp-echo",
		"inbound",
		"ip6 protochain 6",
		"tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
		"icmp6[0] = 128",
		"ip[tcp[0]] = 1",
		"host 10.0.0.1 and ip[8] = 1",
		"ip[1] & 0xfc = 0",
	};
	struct np_buf text = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		refused(rows[i], "addresses, a protocol and ports");
	/* the same in a text that is too long for libpcap's optimizer */
	for (int i = 0; i < 110; i++)
		np_buf_str(&text, "port 2 or ");
	np_buf_str(&text, "host 10.0.0.1 or tcp port 3 and not net 10.0.0.0/8");
	np_buf_str(&text, " or ip host 10.1.2.3 or net 2001:db8::/33 or portrange 6-7");
	np_filter_free(compiled(np_buf_cstr(&text)));
	np_buf_str(&text, " or tcp[13] = 2");
	refused(np_buf_cstr(&text), "addresses, a protocol and ports");
	np_buf_free(&text);
}

static void what_libpcap_says_is_passed_on(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "(tcp", "filter '(tcp': " },
		{ "port foo", "unknown port 'foo'" },
		{ "tcp and udp", "rejects all packets" },
		{ "ether host 00:11:22:33:44:55", "ethernet" },
		{ "vlan 5", "VLAN" },
		{ "arp", "rejects" },
		{ "sctp", "no TCP, UDP or ICMP flow can match" },
		{ "not tcp and not udp and not icmp and not icmp6",
		  "no TCP, UDP or ICMP flow can match" },
		{ "tcp \x1b[2J", "\\x1b[2J" },
		{ "\xff\xfe", "\\xff\\xfe" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		refused(rows[i].text, rows[i].says);
}

static void size_and_depth_are_bounded(void **state)
{
	static const char *const repeat[] = { "(", "tcp and (", "not ", "a", "- ", "port 1 or " };
	struct np_buf text = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(repeat); i++) {
		while (text.len + strlen(repeat[i]) <= 4096)
			np_buf_str(&text, repeat[i]);
		refused(np_buf_cstr(&text), "filter");
		np_buf_str(&text, "tcp or tcp or tcp or tcp");
		refused(np_buf_cstr(&text), "longer than 4096 bytes");
		np_buf_reset(&text);
	}
	for (int i = 0; i < 2000; i++)
		np_buf_chr(&text, '(');
	np_buf_str(&text, "tcp");
	for (int i = 0; i < 2000; i++)
		np_buf_chr(&text, ')');
	np_filter_free(compiled(np_buf_cstr(&text)));
	np_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ipv4_connection_matches_as_its_packets),
		cmocka_unit_test(an_ipv6_connection_matches_as_its_packets),
		cmocka_unit_test(either_direction_counts),
		cmocka_unit_test(an_unconnected_socket_has_one_address),
		cmocka_unit_test(no_filter_and_interfaces_match_all),
		cmocka_unit_test(it_knows_which_protocols_can_match),
		cmocka_unit_test(what_is_not_wanted_never_matches),
		cmocka_unit_test(what_no_connection_says_is_refused),
		cmocka_unit_test(what_libpcap_says_is_passed_on),
		cmocka_unit_test(size_and_depth_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
