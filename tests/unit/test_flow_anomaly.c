// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What goes wrong, by made-up records: which try, which episode, whose, how much of it. */
#include "test_flow.h"

#include <errno.h>

#include "flow/detail.h"

static uint64_t drops; /* of the namespace's accept queues */
static bool drops_known;

static bool listen_drops(void *ctx, uint32_t pid, uint32_t netns, uint64_t *n)
{
	(void)ctx;
	(void)pid;
	(void)netns;
	*n = drops;
	return drops_known;
}

static int start(void **state)
{
	struct np_flows_cfg cfg = { .log = ~0U, .anomalies = ~0U, .listen_drops = listen_drops };
	int err = setup(state);

	drops = 1000;
	drops_known = true;
	np_flows_set(flows, &cfg);
	refresh_of_nothing(ALL);
	return err;
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, start, teardown)

static struct np_ev_anomaly anomaly(enum np_anomaly kind, uint64_t cookie, uint32_t pid)
{
	struct np_ev_anomaly r = { .hdr = { NP_EV_ANOMALY, sizeof(r), 0 },
				   .cookie = cookie,
				   .ts_ns = now + 1,
				   .kind = (uint8_t)kind,
				   .stack_id = -1 };

	r.tuple.proto = IPPROTO_TCP;
	r.tuple.state = TCP_ESTABLISHED;
	r.task.pid = pid;
	r.task.start_ns = pid * 10ULL;
	return r;
}

/* What the log tells now; the next look begins after it. */
static size_t told(struct np_row *const **rows)
{
	np_flows_next(flows);
	return np_flows_log(flows, rows);
}

/* Exactly one row. */
static const struct np_row *only(void)
{
	struct np_row *const *rows;

	assert_int_equal(told(&rows), 1);
	return rows[0];
}

static void nothing(void)
{
	struct np_row *const *rows;

	assert_int_equal(told(&rows), 0);
}

static void each_segment_has_its_own_tries(void **state)
{
	static const uint32_t seqs[] = { 10, 20, 10, 10, 20, 30 }, nth[] = { 1, 1, 2, 3, 2, 1 };
	struct np_row *const *rows;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct np_ev_anomaly r = anomaly(NP_AN_RETRANS, 7, 70);

		r.seq = seqs[i];
		r.ts_ns += i;
		r.nth = 9; /* timeouts in a row are another thing */
		GIVE(r);
	}
	assert_int_equal(told(&rows), 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(rows[i]->detail->seq, seqs[i]);
		assert_int_equal(rows[i]->detail->nth, nth[i]);
		assert_int_equal(rows[i]->events, 1);
	}
}

static void a_zero_window_is_one_episode(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_ZERO_WINDOW, 7, 70);
	const struct np_row *row;

	(void)state;
	r.who = NP_WHO_REMOTE;
	r.flags = NP_AN_F_OPEN;
	r.dur_ns = SEC;
	GIVE(r);
	row = only();
	assert_true(row->detail->open);
	assert_int_equal(row->events, 1);
	r.dur_ns = 2 * SEC;
	GIVE(r);
	nothing();
	r.flags = 0;
	r.dur_ns = 3 * SEC;
	GIVE(r);
	row = only();
	assert_false(row->detail->open);
	assert_int_equal(row->events, 0);
	assert_int_equal(row->detail->span_ns, 3 * SEC);
	/* another one, too short for any walk */
	r.ts_ns += 10 * SEC;
	r.dur_ns = 5;
	GIVE(r);
	row = only();
	assert_int_equal(row->events, 1);
}

static void both_windows_have_their_own_episode(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_ZERO_WINDOW, 7, 70);
	struct np_row *const *rows;

	(void)state;
	r.flags = NP_AN_F_OPEN;
	r.who = NP_WHO_REMOTE;
	GIVE(r);
	r.who = NP_WHO_LOCAL;
	GIVE(r);
	assert_int_equal(told(&rows), 2);
	assert_int_equal(rows[0]->events + rows[1]->events, 2);
}

static void walk_with(uint8_t tcp_state)
{
	struct np_ev_sock r = tcp(7, 70, 0);

	begin();
	r.tuple.state = tcp_state;
	if (tcp_state)
		GIVE(r);
	end(ALL);
}

static void half_closed_for_5_s_is_told_once_and_at_its_end(void **state)
{
	const struct np_row *row;

	(void)state;
	walk_with(TCP_ESTABLISHED);
	nothing();
	for (int i = 0; i < 5; i++) {
		walk_with(TCP_CLOSE_WAIT);
		nothing();
	}
	walk_with(TCP_CLOSE_WAIT);
	row = only();
	assert_int_equal(row->detail->event, NP_EVENT_ANOMALY + NP_AN_HALF_CLOSE);
	assert_true(row->detail->open);
	assert_int_equal(row->events, 1);
	assert_int_equal(row->pid, 70);
	assert_int_equal(row->detail->who, NP_WHO_REMOTE);
	walk_with(TCP_CLOSE_WAIT);
	nothing();
	/* gone is what two walks miss; it ended by the first of them */
	walk_with(0);
	nothing();
	walk_with(0);
	row = only();
	assert_false(row->detail->open);
	assert_int_equal(row->events, 0);
	assert_int_equal(row->state, TCP_CLOSE_WAIT);
	assert_int_equal(row->detail->span_ns, 7 * SEC);
}

static void half_closed_for_less_is_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		walk_with(TCP_FIN_WAIT2);
	walk_with(TCP_TIME_WAIT);
	nothing();
	for (int i = 0; i < 3; i++)
		walk_with(TCP_CLOSE_WAIT);
	walk_with(0);
	walk_with(0);
	nothing();
}

static void missed_once_it_is_still_half_closed(void **state)
{
	const struct np_row *row;

	(void)state;
	for (int i = 0; i < 3; i++)
		walk_with(TCP_FIN_WAIT2);
	walk_with(0);
	walk_with(TCP_FIN_WAIT2);
	walk_with(TCP_FIN_WAIT2);
	row = only();
	assert_true(row->detail->open);
	walk_with(TCP_ESTABLISHED);
	row = only();
	assert_false(row->detail->open);
	assert_int_equal(row->detail->span_ns, 6 * SEC);
	assert_int_equal(row->detail->who, NP_WHO_LOCAL);
}

static void our_own_abort_is_no_reset_received(void **state)
{
	struct np_ev_anomaly recv = anomaly(NP_AN_RST_RECV, 7, 70);
	struct np_ev_anomaly sent = anomaly(NP_AN_RST_SENT, 7, 70);
	const struct np_row *row;

	(void)state;
	GIVE(recv);
	sent.flags = NP_AN_F_UNDO;
	GIVE(sent);
	row = only();
	assert_int_equal(row->detail->event, NP_EVENT_ANOMALY + NP_AN_RST_SENT);
	assert_int_equal(living(7)->events, 1);
}

static void listener_walk(uint32_t dropped)
{
	struct np_ev_sock r = tcp(8, 80, 0);

	begin();
	r.hdr.flags = NP_EV_F_LISTEN;
	r.tuple.state = TCP_LISTEN;
	r.drops = dropped;
	r.cwnd = 5;
	r.ssthresh = 4;
	r.netns = 3;
	GIVE(r);
	end(ALL);
}

static void a_listeners_drop_is_an_overflow_where_the_namespace_counts_one(void **state)
{
	const struct np_row *row;

	(void)state;
	listener_walk(100);
	nothing();
	/* a SYN came again */
	listener_walk(120);
	nothing();
	drops += 7;
	listener_walk(130);
	row = only();
	assert_int_equal(row->detail->event, NP_EVENT_ANOMALY + NP_AN_LISTEN_OVERFLOW);
	assert_int_equal(row->events, 7);
	assert_int_equal(row->pid, 80);
	assert_int_equal(row->detail->backlog, 5);
	assert_int_equal(row->detail->limit, 4);
	listener_walk(140);
	nothing();
	/* read a moment before the listener's own */
	drops += 3;
	listener_walk(142);
	assert_int_equal(only()->events, 2);
	listener_walk(143);
	assert_int_equal(only()->events, 1);
}

static void where_the_namespace_is_unknown_a_full_queue_counts(void **state)
{
	(void)state;
	drops_known = false;
	listener_walk(100);
	nothing();
	listener_walk(104);
	assert_int_equal(only()->events, 4);
}

static void an_overflow_with_a_packet_is_not_counted_again(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_LISTEN_OVERFLOW, 0, 0);

	(void)state;
	listener_walk(0);
	nothing();
	r.listener = 8;
	GIVE(r);
	assert_int_equal(only()->pid, 80);
	drops += 4;
	listener_walk(5);
	assert_int_equal(only()->events, 3);
}

static void a_repeated_synack_is_its_listeners(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_SYNACK_RETRANS, 0, 0);
	const struct np_row *row;

	(void)state;
	r.listener = 8;
	r.nth = 2;
	GIVE(r);
	nothing(); /* a walk may find it */
	listener_walk(0);
	row = only();
	assert_int_equal(row->pid, 80);
	assert_int_equal(row->detail->nth, 2);
}

static void an_owner_is_waited_for_until_a_walk_has_looked(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_RETRANS, 7, 0);

	(void)state;
	GIVE(r);
	nothing();
	assert_true(np_flows_waiting(flows));
	owner(7, 70, NP_VIA_CLOSE);
	assert_int_equal(only()->pid, 70);
	r.cookie = 9;
	GIVE(r);
	nothing();
	begin();
	end(ALL);
	nothing(); /* who closes it says so a moment later */
	assert_false(np_flows_waiting(flows));
	assert_int_equal(only()->pid, 0);
}

static void unknown_kinds_are_refused(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_MAX, 7, 0);

	(void)state;
	GIVE(r);
	nothing();
	assert_int_equal(np_flows_stats(flows)->bad, 1);
}

static void errors_have_names(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_CONNECT_FAIL, 7, 70);

	(void)state;
	r.sk_err = ECONNREFUSED;
	GIVE(r);
	assert_string_equal(only()->detail->reason, "refused");
	r.sk_err = EHOSTUNREACH;
	GIVE(r);
	assert_string_equal(only()->detail->reason, "unreachable");
	r.sk_err = 0;
	r.flags = NP_AN_F_GAVE_UP;
	GIVE(r);
	assert_string_equal(only()->detail->reason, "given-up");
}

/* It is found by its cookie alone, as TCP: a record that says otherwise must not hide it from its
 * own end. A fuzzer's find. */
static void a_connection_stays_tcp_whatever_a_record_says(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_RETRANS, 5, 7);
	struct np_ev_end gone = { .sock.hdr = { NP_EV_SOCK_END, sizeof(gone), 0 },
				  .sock.cookie = 5,
				  .sock.tuple.proto = IPPROTO_TCP };

	(void)state;
	r.tuple.proto = IPPROTO_UDP;
	GIVE(r);
	GIVE(gone);
	for (int i = 0; i < 4; i++)
		np_flows_next(flows);
	assert_int_equal(np_flows_count(flows), 0);
	/* its slot is free, and nothing leads there */
	GIVE(r);
	assert_int_equal(np_flows_count(flows), 1);
}

static void counted(uint32_t total_retrans)
{
	struct np_ev_sock r = tcp(5, 7, 100000);

	r.total_retrans = total_retrans;
	begin();
	GIVE(r);
	end(ALL);
	np_flows_next(flows);
}

static uint64_t untold(void)
{
	return np_flows_stats(flows)->untold;
}

/* A hook may not run, or a try may fail: the socket counts it all the same. */
static void what_is_sent_again_without_an_event_is_counted(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_RETRANS, 5, 7);
	struct np_ev_end gone = tcp_end(5, 7, 100000);

	(void)state;
	r.segs = 2;
	counted(9); /* before we came */
	counted(9);
	GIVE(r);
	counted(11);
	counted(11);
	assert_int_equal(untold(), 0);
	counted(14); /* the event is on its way */
	assert_int_equal(untold(), 0);
	GIVE(r);
	assert_int_equal(untold(), 0);
	counted(14);
	assert_int_equal(untold(), 1);
	counted(14);
	assert_int_equal(untold(), 1);
	gone.sock.total_retrans = 15; /* after its end nothing comes */
	GIVE(gone);
	assert_int_equal(untold(), 2);
}

static void an_event_before_the_first_look_is_part_of_it(void **state)
{
	struct np_ev_anomaly r = anomaly(NP_AN_RETRANS, 5, 7);

	(void)state;
	r.segs = 1;
	GIVE(r);
	counted(1);
	counted(2);
	counted(2);
	assert_int_equal(untold(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(each_segment_has_its_own_tries),
		LOG_TEST(a_zero_window_is_one_episode),
		LOG_TEST(both_windows_have_their_own_episode),
		LOG_TEST(half_closed_for_5_s_is_told_once_and_at_its_end),
		LOG_TEST(half_closed_for_less_is_nothing),
		LOG_TEST(missed_once_it_is_still_half_closed),
		LOG_TEST(our_own_abort_is_no_reset_received),
		LOG_TEST(a_listeners_drop_is_an_overflow_where_the_namespace_counts_one),
		LOG_TEST(where_the_namespace_is_unknown_a_full_queue_counts),
		LOG_TEST(an_overflow_with_a_packet_is_not_counted_again),
		LOG_TEST(a_repeated_synack_is_its_listeners),
		LOG_TEST(an_owner_is_waited_for_until_a_walk_has_looked),
		LOG_TEST(unknown_kinds_are_refused),
		LOG_TEST(errors_have_names),
		LOG_TEST(a_connection_stays_tcp_whatever_a_record_says),
		LOG_TEST(what_is_sent_again_without_an_event_is_counted),
		LOG_TEST(an_event_before_the_first_look_is_part_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
