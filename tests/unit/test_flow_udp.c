// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "test_flow.h"

static struct np_ev_udp udp(uint64_t cookie, uint32_t pid, uint64_t tx)
{
	struct np_ev_udp r = { .hdr = { NP_EV_UDP, sizeof(r), 0 }, .cookie = cookie };

	r.tuple.proto = IPPROTO_UDP;
	r.tuple.family = AF_INET;
	r.tuple.lport = 53;
	r.task.pid = pid;
	r.tx_bytes = tx;
	r.tx_packets = tx / 100;
	return r;
}

static void udp_socket(uint64_t cookie, uint32_t pid)
{
	struct np_ev_sock r = tcp(cookie, pid, 0);

	r.tuple.proto = IPPROTO_UDP;
	r.task.start_ns = 0;
	GIVE(r);
}

static void udp_counts_from_its_map_and_goes_on_when_retired(void **state)
{
	struct np_ev_udp r = udp(1, 7, 300);

	(void)state;
	begin();
	GIVE(r);
	udp_socket(1, 7);
	end(ALL);
	assert_int_equal(living(1)->d_tx, 300); /* the map is no older than the tool */
	assert_true(living(1)->flags & NP_ROW_NO_RETR);
	assert_int_equal(living(1)->via, NP_VIA_SEND);
	np_flows_next(flows);
	r = udp(1, 7, 500);
	r.hdr.flags = NP_EV_F_LAST;
	begin();
	GIVE(r);
	udp_socket(1, 7);
	end(ALL);
	assert_int_equal(living(1)->d_tx, 200);
	np_flows_next(flows);
	r = udp(1, 7, 100); /* a new entry */
	begin();
	GIVE(r);
	udp_socket(1, 7);
	end(ALL);
	assert_int_equal(living(1)->d_tx, 100);
	assert_int_equal(living(1)->tx_bytes, 600);
	assert_int_equal(living(1)->tx_segs, 6);
	np_flows_next(flows);
	refresh_of_nothing(ALL); /* still in the map: not gone */
	assert_non_null(living(1));
	r.hdr.flags = NP_EV_F_LAST;
	begin();
	GIVE(r);
	end(ALL);
	assert_null(living(1));
	assert_int_equal(ended(1)->tx_bytes, 600);
	assert_int_equal(ended(1)->d_tx, 0);
}

static void udp_is_by_process_where_the_hook_knows_it(void **state)
{
	struct np_ev_udp a = udp(1, 7, 100), b = udp(1, 8, 200);

	(void)state;
	begin();
	GIVE(a);
	GIVE(b);
	end(ALL);
	assert_int_equal(np_flows_count(flows), 2);
	np_flows_free(flows);
	assert_int_equal(np_flows_new(&flows, release, NULL), 0);
	assert_int_equal(np_flows_set(flows, &(struct np_flows_cfg){ .udp_by_socket = true }), 0);
	a.hdr.flags = NP_EV_F_NO_OWNER;
	a.task.pid = 0;
	begin();
	GIVE(a);
	udp_socket(1, 8);
	udp_socket(1, 9);
	end(ALL);
	assert_int_equal(np_flows_count(flows), 1);
	assert_int_equal(living(1)->pid, 8);
	assert_int_equal(living(1)->tx_bytes, 100);
}

static void udp_without_a_hook_says_so(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 0);

	(void)state;
	r.tuple.proto = IPPROTO_UDP;
	r.hdr.flags = NP_EV_F_NO_BYTES;
	begin();
	GIVE(r);
	end(ALL);
	assert_true(living(1)->flags & NP_ROW_NO_BYTES);
	np_flows_next(flows);
	begin();
	end(ALL);
	assert_non_null(ended(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(udp_counts_from_its_map_and_goes_on_when_retired),
		TEST(udp_is_by_process_where_the_hook_knows_it),
		TEST(udp_without_a_hook_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
