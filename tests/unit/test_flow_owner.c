// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Whose a connection is. */
#include "test_flow.h"

static void walk_of(uint32_t a, uint32_t b)
{
	struct np_ev_sock r;

	begin();
	if (a) {
		r = tcp(1, a, 100);
		GIVE(r);
	}
	if (b) {
		r = tcp(1, b, 100);
		GIVE(r);
	}
	end(ALL);
	np_flows_next(flows);
}

static void held_by_many_the_owner_stays_while_it_holds(void **state)
{
	(void)state;
	walk_of(7, 8);
	assert_int_equal(living(1)->pid, 7);
	assert_int_equal(np_flows_count(flows), 1);
	walk_of(8, 7);
	assert_int_equal(living(1)->pid, 7);
	walk_of(8, 0); /* 7 may have been overlooked: once is not enough */
	assert_int_equal(living(1)->pid, 7);
	walk_of(8, 0);
	assert_int_equal(living(1)->pid, 8);
	walk_of(7, 8);
	assert_int_equal(living(1)->pid, 8);
}

static void who_connected_goes_before_who_holds(void **state)
{
	(void)state;
	refresh_of_nothing(ALL);
	owner(1, 7, NP_VIA_CONNECT);
	walk_of(8, 7);
	assert_int_equal(living(1)->pid, 7);
	assert_int_equal(living(1)->via, NP_VIA_CONNECT);
	owner(1, 8, NP_VIA_CLOSE);
	assert_int_equal(living(1)->pid, 7);
	walk_of(9, 0);
	walk_of(9, 0);
	assert_int_equal(living(1)->pid, 9); /* handed on */
	assert_int_equal(living(1)->via, NP_VIA_SCAN);
}

static void reused_pid_is_another_owner(void **state)
{
	struct np_ev_sock r = tcp(1, 7, 0);

	(void)state;
	walk_of(7, 0);
	r.task.start_ns++;
	memcpy(r.task.comm, "0123456789abcdef", 16);
	for (int i = 0; i < 2; i++) {
		begin();
		GIVE(r);
		end(ALL);
		np_flows_next(flows);
	}
	assert_int_equal(living(1)->start_ns, 71);
	assert_string_equal(living(1)->comm, "0123456789abcde");
}

static void reset_connection_waits_once_for_its_owner(void **state)
{
	struct np_ev_end r = tcp_end(1, 0, 500);

	(void)state;
	refresh_of_nothing(ALL);
	GIVE(r);
	r.sock.cookie = 2;
	GIVE(r);
	begin();
	end(ALL);
	assert_null(ended(1));
	assert_null(ended(2));
	np_flows_next(flows);
	owner(1, 7, NP_VIA_CLOSE);
	begin();
	end(ALL);
	assert_int_equal(ended(1)->pid, 7);
	assert_int_equal(ended(1)->d_tx, 500);
	assert_int_equal(ended(1)->ended, 1);
	assert_int_equal(ended(2)->pid, 0); /* nobody came: shown without */
	assert_int_equal(ended(2)->d_tx, 500);
	np_flows_next(flows);
	assert_null(ended(1));
	assert_null(ended(2));
	assert_int_equal(np_flows_stats(flows)->ownerless_bytes, 500);
}

static void at_the_last_refresh_nothing_is_held_back(void **state)
{
	struct np_ev_end r = tcp_end(1, 0, 500);

	(void)state;
	refresh_of_nothing(ALL);
	GIVE(r);
	np_flows_last(flows);
	assert_non_null(ended(1));
}

static void closed_file_found_by_the_walk_names_the_owner(void **state)
{
	struct np_ev_end last = tcp_end(1, 0, 500);
	struct np_ev_sock r = tcp(1, 7, 0);

	(void)state;
	refresh_of_nothing(ALL);
	GIVE(last);
	r.tuple.state = TCP_CLOSE;
	begin();
	GIVE(r);
	r.cookie = 2; /* never connected */
	GIVE(r);
	end(ALL);
	assert_int_equal(np_flows_count(flows), 0);
	assert_int_equal(ended(1)->pid, 7);
	assert_int_equal(ended(1)->tx_bytes, 500);
}

static void closing_what_was_reset_long_ago_makes_no_row(void **state)
{
	struct np_ev_end r = tcp_end(1, 0, 500);

	(void)state;
	refresh_of_nothing(ALL);
	GIVE(r);
	refresh_of_nothing(ALL);
	refresh_of_nothing(ALL);
	owner(1, 7, NP_VIA_CLOSE);
	assert_int_equal(np_flows_count(flows), 0);
	for (int i = 0; i < 3; i++) {
		begin();
		end(ALL);
		assert_null(living(1));
		assert_null(ended(1));
		np_flows_next(flows);
	}
	assert_int_equal(np_flows_unseen(flows, NULL, 0), 0); /* and is forgotten */
	assert_int_equal(np_flows_stats(flows)->vanished, 0);
}

static void owner_told_before_the_end_is_kept(void **state)
{
	struct np_ev_end r = tcp_end(1, 0, 500);

	(void)state;
	refresh_of_nothing(ALL);
	owner(1, 7, NP_VIA_CLOSE);
	refresh_of_nothing(NP_WALK_FILES);
	refresh_of_nothing(NP_WALK_FILES);
	assert_null(living(1)); /* nothing but a name */
	assert_int_equal(np_flows_unseen(flows, NULL, 0), 1);
	GIVE(r);
	begin();
	end(ALL);
	assert_int_equal(ended(1)->pid, 7);
	assert_int_equal(ended(1)->opened, 1);
	assert_int_equal(ended(1)->d_tx, 500);
	assert_int_equal(np_flows_count(flows), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(held_by_many_the_owner_stays_while_it_holds),
		TEST(who_connected_goes_before_who_holds),
		TEST(reused_pid_is_another_owner),
		TEST(reset_connection_waits_once_for_its_owner),
		TEST(at_the_last_refresh_nothing_is_held_back),
		TEST(closed_file_found_by_the_walk_names_the_owner),
		TEST(closing_what_was_reset_long_ago_makes_no_row),
		TEST(owner_told_before_the_end_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
