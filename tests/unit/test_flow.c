// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What TCP connections count, and when they come and go. */
#include "test_flow.h"

#include <malloc.h>

static void older_than_the_tool_has_totals_but_no_rate(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 5000);

	(void)state;
	r.bytes_received = 300;
	r.segs_out = 3000000000U;
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(1)->tx_bytes, 5000);
	assert_int_equal(living(1)->rx_bytes, 300);
	assert_int_equal(living(1)->tx_segs, 3000000000U);
	assert_int_equal(living(1)->d_tx + living(1)->d_rx + living(1)->d_tx_segs, 0);
	assert_int_equal(living(1)->opened, 0);
	assert_true(living(1)->flags & NP_ROW_OLD);
	np_flows_next(flows);
	r.bytes_sent = 5600;
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(1)->tx_bytes, 5600);
	assert_int_equal(living(1)->d_tx, 600);
	assert_int_equal(np_flows_interval_ns(flows), SEC);
	np_flows_next(flows);
	refresh_of_nothing(NP_WALK_UDP);
	assert_int_equal(living(1)->d_tx, 0); /* not told of in this interval */
}

static void one_that_opens_later_counts_from_its_first_byte(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 5000);

	(void)state;
	refresh_of_nothing(ALL);
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(1)->d_tx, 5000);
	assert_int_equal(living(1)->opened, 1);
	assert_false(living(1)->flags & NP_ROW_OLD);
	np_flows_next(flows);
	assert_int_equal(living(1)->opened, 0);
}

static void lived_between_two_refreshes_is_counted_once(void **state)
{
	struct np_ev_end r = tcp_end(1, 7, 4000);

	(void)state;
	refresh_of_nothing(ALL);
	GIVE(r);
	assert_int_equal(np_flows_count(flows), 0);
	begin();
	end(ALL);
	assert_null(living(1));
	assert_int_equal(ended(1)->d_tx, 4000);
	assert_int_equal(ended(1)->opened, 1);
	assert_int_equal(ended(1)->ended, 1);
	assert_int_equal(ended(1)->conns, 0);
	assert_int_equal(ended(1)->pid, 7);
	assert_int_equal(ended(1)->via, NP_VIA_CLOSE);
	np_flows_next(flows);
	assert_null(ended(1));
	assert_int_equal(released, 1); /* the owner before; the row may still be on a screen */
	np_flows_next(flows);
	assert_int_equal(released, 2); /* now the row */
	assert_int_equal(np_flows_stats(flows)->ended, 1);
}

static void deltas_of_life_and_end_add_up(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 1000);
	struct np_ev_end last = tcp_end(1, 0, 1750);

	(void)state;
	refresh_of_nothing(ALL);
	begin();
	GIVE(r);
	end(ALL);
	np_flows_next(flows);
	GIVE(last);
	begin();
	end(ALL);
	assert_int_equal(ended(1)->d_tx, 750);
	assert_int_equal(ended(1)->tx_bytes, 1750);
	assert_int_equal(ended(1)->pid, 7); /* the walk knew */
	assert_int_equal(ended(1)->via, NP_VIA_SCAN);
}

static void retransmits_are_not_sent_and_fin_is_not_received(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 1500);

	(void)state;
	refresh_of_nothing(ALL);
	r.bytes_retrans = 500;
	r.total_retrans = 2;
	r.bytes_received = 101;
	r.hdr.flags = NP_EV_F_FIN_RCVD;
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(1)->tx_bytes, 1000);
	assert_int_equal(living(1)->d_tx, 1000);
	assert_int_equal(living(1)->d_sent, 1500);
	assert_int_equal(living(1)->d_retrans_bytes, 500);
	assert_int_equal(living(1)->retrans, 2);
	assert_int_equal(living(1)->rx_bytes, 100);
	np_flows_next(flows);
	r = tcp(2, 7, 0);
	r.hdr.flags = NP_EV_F_FIN_RCVD; /* the flag without the byte */
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(2)->rx_bytes, 0);
}

static void counters_never_go_backwards(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 1000);

	(void)state;
	refresh_of_nothing(ALL);
	begin();
	GIVE(r);
	end(ALL);
	np_flows_next(flows);
	r.bytes_retrans = 100; /* read between the two additions of the kernel */
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(1)->tx_bytes, 1000);
	np_flows_next(flows);
	r.bytes_sent = 1100;
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(1)->tx_bytes, 1000);
	assert_int_equal(living(1)->d_tx, 0); /* what came back is nothing new */
	np_flows_next(flows);
	r = tcp(1, 7, 10);
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(1)->tx_bytes, 1000);
	assert_int_equal(living(1)->d_tx, 0);
}

static void segments_go_on_past_32_bits(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 0);

	(void)state;
	r.segs_out = r.segs_in = UINT32_MAX - 9;
	begin();
	GIVE(r);
	end(ALL);
	np_flows_next(flows);
	r.segs_out = r.segs_in = 10;
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(1)->d_tx_segs, 20);
	assert_int_equal(living(1)->tx_segs, UINT32_MAX + 11ULL);
	assert_int_equal(living(1)->rx_segs, UINT32_MAX + 11ULL);
}

static void without_a_sample_there_is_no_rtt(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 0);

	(void)state;
	r.rttvar_us = 250000; /* tcp_init_sock() */
	r.min_rtt_us = UINT32_MAX;
	begin();
	GIVE(r);
	end(ALL);
	assert_int_equal(living(1)->rtt_us, 0);
	assert_int_equal(living(1)->rttvar_us, 0);
	assert_int_equal(living(1)->min_rtt_us, 0);
}

static void socket_used_again_is_another_connection(void **state)
{
	struct np_ev_end first = tcp_end(1, 7, 500);
	struct np_ev_sock second = tcp(1, 7, 20);

	(void)state;
	refresh_of_nothing(ALL);
	GIVE(first);
	begin();
	GIVE(second);
	end(ALL);
	assert_int_equal(ended(1)->tx_bytes, 500);
	assert_int_equal(living(1)->tx_bytes, 20);
	np_flows_next(flows);
	assert_null(ended(1));
	second.bytes_sent = 30;
	begin();
	GIVE(second);
	end(ALL);
	assert_int_equal(np_flows_count(flows), 1);
	assert_int_equal(living(1)->d_tx, 10);
}

static void gone_after_two_whole_walks_without_it(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 500);
	uint32_t netns = 0;

	(void)state;
	r.netns = 4711;
	begin();
	GIVE(r);
	end(NP_WALK_TCP);
	np_flows_next(flows);
	refresh_of_nothing(NP_WALK_FILES);
	assert_int_equal(np_flows_unseen(flows, &netns, 1), 0); /* most are just being closed */
	refresh_of_nothing(NP_WALK_FILES);
	assert_int_equal(np_flows_unseen(flows, &netns, 1), 1); /* perhaps an orphan */
	assert_int_equal(netns, 4711);
	refresh_of_nothing(NP_WALK_TCP);
	assert_non_null(living(1));
	begin();
	GIVE(r);
	end(NP_WALK_TCP);
	np_flows_next(flows);
	refresh_of_nothing(NP_WALK_TCP); /* counts from the start again */
	assert_non_null(living(1));
	begin();
	end(NP_WALK_TCP);
	assert_null(living(1));
	assert_non_null(ended(1));
	assert_int_equal(np_flows_stats(flows)->vanished, 1);
}

static void anomalies_are_counted(void **state)
{
	struct np_ev_anomaly r = { .hdr = { NP_EV_ANOMALY, sizeof(r), 0 } };

	(void)state;
	GIVE(r);
	r.kind = NP_AN_DROP;
	GIVE(r);
	r.kind = NP_AN_MAX;
	GIVE(r);
	r.hdr.size--;
	GIVE(r);
	assert_int_equal(np_flows_stats(flows)->anomalies, 2);
	assert_int_equal(np_flows_stats(flows)->bad, 2);
}

static void bad_records_are_refused_and_counted(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 0);
	uint64_t bad = 0;
	struct np_ev_end last = tcp_end(1, 7, 0);

	(void)state;
	begin();
	for (size_t len = 0; len < sizeof(r); len++, bad++)
		np_flows_record(flows, &r, len);
	r.hdr.size--;
	GIVE(r), bad++;
	r.hdr.size += 2;
	GIVE(r), bad++;
	r.hdr.size--;
	r.hdr.type = NP_EV_NONE;
	GIVE(r), bad++;
	r.hdr.type = NP_EV_MAX;
	GIVE(r), bad++;
	r.hdr.type = UINT16_MAX;
	GIVE(r), bad++;
	r = tcp(1, 7, 0);
	r.tuple.proto = IPPROTO_SCTP;
	GIVE(r), bad++;
	last.sock.tuple.proto = IPPROTO_UDP;
	GIVE(last), bad++;
	assert_int_equal(np_flows_stats(flows)->bad, bad);
	assert_int_equal(np_flows_stats(flows)->records, bad + 1);
	assert_int_equal(np_flows_count(flows), 0);
}

static void a_hundred_thousand_come_and_go_in_the_same_memory(void **state)
{
	size_t used = 0;

	(void)state;
	refresh_of_nothing(ALL);
	for (uint64_t round = 0; round < 1000; round++) {
		begin();
		for (uint64_t i = 1; i <= 100; i++) {
			struct np_ev_sock r = tcp(round * 100 + i, 7, 1);
			struct np_ev_end last = tcp_end(round * 100 + i, 7, 1);

			GIVE(r);
			GIVE(last);
		}
		end(ALL);
		assert_int_equal(np_flows_count(flows), 0);
		np_flows_next(flows);
		if (round == 10)
			used = mallinfo2().uordblks;
	}
	assert_int_equal(np_flows_stats(flows)->ended, 100000);
	assert_int_equal(mallinfo2().uordblks, used);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(older_than_the_tool_has_totals_but_no_rate),
		TEST(one_that_opens_later_counts_from_its_first_byte),
		TEST(lived_between_two_refreshes_is_counted_once),
		TEST(deltas_of_life_and_end_add_up),
		TEST(retransmits_are_not_sent_and_fin_is_not_received),
		TEST(counters_never_go_backwards),
		TEST(segments_go_on_past_32_bits),
		TEST(without_a_sample_there_is_no_rtt),
		TEST(socket_used_again_is_another_connection),
		TEST(gone_after_two_whole_walks_without_it),
		TEST(anomalies_are_counted),
		TEST(bad_records_are_refused_and_counted),
		TEST(a_hundred_thousand_come_and_go_in_the_same_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
