// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "test_l7.h"

static int setup(void **state)
{
	(void)state;
	return np_l7_new(&l7, 64);
}

static int teardown(void **state)
{
	(void)state;
	np_l7_free(l7);
	l7 = NULL;
	return 0;
}

/* A ClientHello (RFC 8446, 4.1.2) for NAME, filled up with PAD bytes; its length. */
static size_t client_hello(uint8_t *to, const char *name, size_t pad)
{
	static const uint8_t ciphers[] = { 0, 4, 0x13, 0x01, 0xc0, 0x2f, 1, 0 };
	size_t n = strlen(name), exts = 9 + n + (pad ? 4 + pad : 0);
	size_t body = 2 + 32 + 1 + sizeof(ciphers) + 2 + exts;
	uint8_t *at = to;

	memcpy(at, "\x16\x03\x01", 3);
	put16(at + 3, body + 4);
	put32(at + 5, (uint32_t)body);
	at[5] = 1;
	memcpy(at + 9, "\x03\x03", 2);
	memset(at + 11, 0x5a, 32);
	at[43] = 0;
	memcpy(at + 44, ciphers, sizeof(ciphers));
	at += 44 + sizeof(ciphers);
	put16(at, exts);
	at += 2;
	if (pad) {
		/* RFC 7685, before the name: as a post-quantum key would be */
		put16(at, 21);
		put16(at + 2, pad);
		memset(at + 4, 0, pad);
		at += 4 + pad;
	}
	put16(at, 0);
	put16(at + 2, n + 5);
	put16(at + 4, n + 3);
	at[6] = 0;
	put16(at + 7, n);
	memcpy(at + 9, name, n);
	return (size_t)(at + 9 + n - to);
}

/* A query for www.example.com, A (RFC 1035, 4.1). */
static const uint8_t query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
			       "\x03www\x07"
			       "example\x03"
			       "com\x00\x00\x01\x00"
			       "\x01";
#define QUERY (sizeof(query) - 1)

static const char get[] = "GET /index.html HTTP/1.1\r\nHost: www.example.org\r\n"
			  "User-Agent: test\r\nAccept: */*\r\n\r\n";

static void nothing_is_known_of_an_unseen_flow(void **state)
{
	(void)state;
	assert_null(np_l7_find(l7, 1));
	assert_null(np_l7_last(l7, 1));
	np_l7_end(l7, 1);
	assert_int_equal(np_l7_count(l7), 0);
}

static void a_client_hello_tells_tls_and_the_server_name(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 443);
	uint8_t hello[600];

	(void)state;
	give(&t, NP_DIR_TX, hello, client_hello(hello, "secret.example.org", 0));
	is_name(np_l7_find(l7, 1), "tls", "secret.example.org");
}

static void a_brand_is_not_a_protocol(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 443), u = talk(2, IPPROTO_UDP, 53);
	uint8_t hello[600], ask[QUERY];

	(void)state;
	give(&t, NP_DIR_TX, hello, client_hello(hello, "www.google.com", 0));
	is_name(np_l7_find(l7, 1), "tls", "www.google.com");
	memcpy(ask, query, QUERY);
	for (size_t i = 0; i < 7; i++)
		ask[17 + i] = (uint8_t) "netflix"[i];
	give(&u, NP_DIR_TX, ask, QUERY);
	is_name(np_l7_find(l7, 2), "dns", "www.netflix.com");
}

static void a_hello_in_two_segments_is_put_together(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 443);
	uint8_t hello[2400];
	size_t len = client_hello(hello, "big.example.org", 1200);

	(void)state;
	give(&t, NP_DIR_TX, hello, 1000);
	give(&t, NP_DIR_TX, hello + 1000, len - 1000);
	is_name(np_l7_find(l7, 1), "tls", "big.example.org");
}

static void a_merged_hello_longer_than_a_frame_is_read(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 443);
	uint8_t hello[2400];

	(void)state;
	give(&t, NP_DIR_TX, hello, client_hello(hello, "key.example.org", 1700));
	is_name(np_l7_find(l7, 1), "tls", "key.example.org");
}

static void segments_out_of_order_are_sorted(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 443);
	uint8_t hello[2400];
	size_t len = client_hello(hello, "late.example.org", 1200);

	(void)state;
	/* what the socket expects next is how the first one is known to be early */
	t.has_next = true;
	give_at(&t, NP_DIR_RX, 7500, hello + 500, 500);
	give_at(&t, NP_DIR_RX, 8000, hello + 1000, len - 1000);
	assert_null(np_l7_find(l7, 1));
	give_at(&t, NP_DIR_RX, 7000, hello, 500);
	is_name(np_l7_find(l7, 1), "tls", "late.example.org");
}

static void a_segment_sent_again_is_read_once(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 443);
	uint8_t hello[2400];
	size_t len = client_hello(hello, "again.example.org", 1200);

	(void)state;
	for (int i = 0; i < 3; i++)
		give_at(&t, NP_DIR_TX, 1000, hello, 900);
	give_at(&t, NP_DIR_TX, 1900, hello + 900, len - 900);
	is_name(np_l7_find(l7, 1), "tls", "again.example.org");
}

static void a_hole_that_nobody_fills_is_passed(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 8080);

	(void)state;
	t.has_next = true;
	for (uint32_t i = 1; i < 6; i++)
		give_at(&t, NP_DIR_TX, 1000 + i * 1000, get, sizeof(get) - 1);
	is_name(np_l7_find(l7, 1), "http", "www.example.org");
}

static void a_request_tells_http_and_its_host(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 8080);

	(void)state;
	give_text(&t, NP_DIR_TX, get);
	is_name(np_l7_find(l7, 1), "http", "www.example.org");
}

static void a_server_sees_the_same(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 51000);

	(void)state;
	t.tuple.lport = 80;
	give_text(&t, NP_DIR_RX, get);
	is_name(np_l7_find(l7, 1), "http", "www.example.org");
}

static void a_query_tells_dns_and_the_name(void **state)
{
	struct talk t = talk(1, IPPROTO_UDP, 53);

	(void)state;
	give(&t, NP_DIR_TX, query, QUERY);
	is_name(np_l7_find(l7, 1), "dns", "www.example.com");
	is_name(np_l7_find_remote(l7, 1, t.tuple.raddr, 53), "dns", "www.example.com");
	assert_null(np_l7_find_remote(l7, 1, t.tuple.raddr, 54));
}

static void banners_tell_their_protocol(void **state)
{
	struct talk ssh = talk(1, IPPROTO_TCP, 2222), smtp = talk(2, IPPROTO_TCP, 25);

	(void)state;
	give_text(&ssh, NP_DIR_RX, "SSH-2.0-OpenSSH_9.2\r\n");
	give_text(&ssh, NP_DIR_TX, "SSH-2.0-OpenSSH_9.2\r\n");
	is_name(np_l7_find(l7, 1), "ssh", "");
	give_text(&smtp, NP_DIR_RX, "220 mail.example.org ESMTP Postfix\r\n");
	give_text(&smtp, NP_DIR_TX, "EHLO client.example.org\r\n");
	give_text(&smtp, NP_DIR_RX, "250-mail.example.org\r\n250 STARTTLS\r\n");
	give_text(&smtp, NP_DIR_TX, "MAIL FROM:<a@example.org>\r\n");
	give_text(&smtp, NP_DIR_RX, "250 2.1.0 Ok\r\n");
	is_name(np_l7_last(l7, 2), "smtp", "");
}

static void a_socket_of_many_remotes_has_the_latest_name(void **state)
{
	struct talk t = talk(1, IPPROTO_UDP, 53);
	uint8_t ask[QUERY];

	(void)state;
	memcpy(ask, query, QUERY);
	for (int i = 0; i < 100; i++) {
		t.tuple.raddr[15] = (uint8_t)i;
		ask[13] = (uint8_t)('a' + i % 26);
		give(&t, NP_DIR_TX, ask, QUERY);
	}
	is_name(np_l7_find(l7, 1), "dns", "vww.example.com");
	/* bounded for one socket, so that it does not drive out the others */
	assert_true(np_l7_count(l7) <= 16);
	assert_int_equal(np_l7_given_up(l7), 0);
	t.tuple.raddr[15] = 98;
	is_name(np_l7_find_remote(l7, 1, t.tuple.raddr, 53), "dns", "uww.example.com");
	/* an answer from there makes it the latest */
	give(&t, NP_DIR_RX, ask, QUERY);
	is_name(np_l7_find(l7, 1), "dns", "uww.example.com");
	/* one that is not understood does not hide it */
	t.tuple.raddr[15] = 200;
	give_text(&t, NP_DIR_TX, "?");
	is_name(np_l7_find(l7, 1), "dns", "uww.example.com");
	np_l7_end(l7, 1);
	assert_int_equal(np_l7_count(l7), 0);
}

static void data_with_the_handshake_finds_its_socket(void **state)
{
	struct talk listener = talk(1, IPPROTO_TCP, 51000), socket;

	(void)state;
	listener.tuple.lport = 80;
	listener.flags = NP_EV_F_LISTEN;
	socket = listener;
	socket.cookie = 2;
	socket.flags = 0;
	give_text(&listener, NP_DIR_RX, get);
	assert_null(np_l7_find(l7, 1));
	give_text(&socket, NP_DIR_TX, "HTTP/1.1 200 OK\r\n\r\n");
	is_name(np_l7_find(l7, 2), "http", "www.example.org");
	assert_null(np_l7_find(l7, 1));
	assert_int_equal(np_l7_count(l7), 1);
}

static void garbage_stays_unknown(void **state)
{
	uint64_t seed = 88172645463325252;

	(void)state;
	for (uint64_t flow = 1; flow < 200; flow++) {
		struct talk t = talk(flow, flow % 2 ? IPPROTO_TCP : IPPROTO_UDP, 40001);

		for (int i = 0; i < 12; i++) {
			uint8_t noise[96];

			for (size_t b = 0; b < sizeof(noise); b++) {
				seed ^= seed << 13;
				seed ^= seed >> 7;
				seed ^= seed << 17;
				noise[b] = (uint8_t)seed | 0x80;
			}
			give(&t, i % 2, noise, 8 + seed % 88);
		}
		assert_null(np_l7_last(l7, flow));
		np_l7_end(l7, flow);
	}
	assert_int_equal(np_l7_bad(l7), 0);
}

/* Every length of a good packet, each in memory of that size. */
static void truncated_packets_do_no_harm(void **state)
{
	uint8_t packet[28 + QUERY] = { 0x45 }, hello[700];
	struct talk t = talk(1, IPPROTO_UDP, 53);

	(void)state;
	packet[9] = IPPROTO_UDP;
	put16(packet + 20, t.tuple.lport);
	put16(packet + 22, t.tuple.rport);
	put16(packet + 24, 8 + QUERY);
	memcpy(packet + 28, query, QUERY);
	for (size_t len = 0; len <= sizeof(packet); len++) {
		t.cookie = len + 1;
		give_raw(&t, NP_DIR_TX, packet, len, sizeof(packet));
	}
	is_name(np_l7_find(l7, sizeof(packet) + 1), "dns", "www.example.com");
	assert_int_equal(np_l7_bad(l7), 29);
	for (size_t cut = 1; cut < client_hello(hello, "cut.example.org", 300); cut++) {
		t = talk(1000 + cut, IPPROTO_TCP, 443);
		give(&t, NP_DIR_TX, hello, cut);
		np_l7_end(l7, t.cookie);
	}
}

static void records_that_lie_are_refused(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 80);
	size_t size = sizeof(struct np_ev_packet) + NP_PEEK_SMALL;
	struct np_ev_packet *p = calloc(1, size);
	uint64_t bad = 0;

	(void)state;
	assert_non_null(p);
#define REFUSED(setting, len)                                                        \
	do {                                                                         \
		*p = (struct np_ev_packet){ .hdr = { NP_EV_PACKET, (__u16)size, 0 }, \
					    .tuple = t.tuple,                        \
					    .cap_len = 60,                           \
					    .wire_len = 60 };                        \
		memcpy(p->data, "\x45\0\0\x3c\0\0\0\0\x40\x06", 10);                 \
		p->data[32] = 0x50;                                                  \
		setting;                                                             \
		np_l7_packet(l7, p, len);                                            \
		assert_int_equal(np_l7_bad(l7), ++bad);                              \
	} while (0)
	REFUSED(, sizeof(*p) - 1);
	REFUSED(, size - 1);
	REFUSED(p->hdr.size = 0, size);
	REFUSED(p->hdr.size = sizeof(*p), size);
	REFUSED(p->hdr.type = NP_EV_WALK, size);
	REFUSED(p->cap_len = NP_PEEK_SMALL + 1, size);
	REFUSED(p->wire_len = 59, size);
	REFUSED(p->dir = 2, size);
	REFUSED(p->tuple.proto = IPPROTO_ICMP, size);
	REFUSED(p->tuple.proto = IPPROTO_UDP, size); /* the packet says TCP */
	REFUSED(p->data[0] = 0x44, size);            /* header of 16 bytes */
	REFUSED(p->data[0] = 0x4f, size);            /* of 60: nothing after it */
	REFUSED(p->data[0] = 0x60, size);
	REFUSED(p->data[0] = 0x15, size);
	REFUSED(p->data[32] = 0x40, size); /* TCP header of 16 bytes */
	REFUSED(p->data[32] = 0xf0, size); /* of 60 */
#undef REFUSED
	free(p);
	assert_int_equal(np_l7_count(l7), 0);
}

static void a_full_table_gives_up_the_oldest(void **state)
{
	struct np_l7 *first = l7;

	(void)state;
	assert_int_equal(np_l7_new(&l7, 8), 0);
	for (uint64_t flow = 1; flow <= 20; flow++) {
		struct talk t = talk(flow, IPPROTO_TCP, 8080);

		give_text(&t, NP_DIR_TX, get);
		assert_true(np_l7_count(l7) <= 8);
	}
	assert_int_equal(np_l7_given_up(l7), 12);
	assert_null(np_l7_find(l7, 12));
	is_name(np_l7_find(l7, 13), "http", "www.example.org");
	is_name(np_l7_find(l7, 20), "http", "www.example.org");
	np_l7_free(l7);
	l7 = first;
}

static void few_flows_are_inspected_at_once(void **state)
{
	(void)state;
	/* 64 of them in the table, but only a quarter of that with all that dissectors keep */
	for (uint64_t flow = 1; flow <= 20; flow++) {
		struct talk t = talk(flow, IPPROTO_TCP, 40001);

		give_text(&t, NP_DIR_TX, "\x16\x03\x01\x10");
	}
	assert_int_equal(np_l7_count(l7), 20);
	assert_int_equal(np_l7_given_up(l7), 3);
}

static void a_port_is_only_believed_when_asked_to(void **state)
{
	struct talk t = talk(1, IPPROTO_TCP, 5432);

	(void)state;
	give_text(&t, NP_DIR_TX, "\x80\x81\x82\x83\x84\x85\x86\x87\x88");
	assert_null(np_l7_last(l7, 1));
	np_l7_guess_by_port(l7, true);
	t.cookie = 2;
	give_text(&t, NP_DIR_TX, "\x80\x81\x82\x83\x84\x85\x86\x87\x88");
	is_name(np_l7_last(l7, 2), "postgres", "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_known_of_an_unseen_flow),
		TEST(a_client_hello_tells_tls_and_the_server_name),
		TEST(a_brand_is_not_a_protocol),
		TEST(a_hello_in_two_segments_is_put_together),
		TEST(a_merged_hello_longer_than_a_frame_is_read),
		TEST(segments_out_of_order_are_sorted),
		TEST(a_segment_sent_again_is_read_once),
		TEST(a_hole_that_nobody_fills_is_passed),
		TEST(a_request_tells_http_and_its_host),
		TEST(a_server_sees_the_same),
		TEST(a_query_tells_dns_and_the_name),
		TEST(banners_tell_their_protocol),
		TEST(a_socket_of_many_remotes_has_the_latest_name),
		TEST(data_with_the_handshake_finds_its_socket),
		TEST(garbage_stays_unknown),
		TEST(truncated_packets_do_no_harm),
		TEST(records_that_lie_are_refused),
		TEST(a_full_table_gives_up_the_oldest),
		TEST(few_flows_are_inspected_at_once),
		TEST(a_port_is_only_believed_when_asked_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
