// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* How connections open and end, as the log tells it. */
#include "test_flow.h"

#include <errno.h>
#include <malloc.h>

#include "flow/detail.h"

#define ENDS (1U << NP_EVENT_CLOSE | 1U << NP_EVENT_FAIL)

static struct np_row *const *told;

static int life_setup(void **state)
{
	struct np_flows_cfg cfg = { .life = true, .log = ENDS, .udp_idle_ns = 10 * SEC };
	int err = setup(state);

	np_flows_set(flows, &cfg);
	refresh_of_nothing(ALL);
	return err;
}

static size_t tell(void)
{
	return np_flows_log(flows, &told);
}

static void asked(uint32_t events)
{
	struct np_flows_cfg cfg = { .life = true, .log = events };

	np_flows_set(flows, &cfg);
}

static void move(uint64_t cookie, uint8_t from, uint8_t to, uint64_t ts_ns)
{
	struct np_ev_state r = { .hdr = { NP_EV_SOCK_STATE, sizeof(r), 0 },
				 .cookie = cookie,
				 .ts_ns = ts_ns,
				 .oldstate = from };

	r.tuple.proto = IPPROTO_TCP;
	r.tuple.state = to;
	GIVE(r);
}

static void connects(uint64_t cookie, uint32_t pid, uint64_t ts_ns)
{
	struct np_ev_owner r = { .hdr = { NP_EV_SOCK_OWNER, sizeof(r), 0 },
				 .cookie = cookie,
				 .via = NP_VIA_CONNECT,
				 .proto = IPPROTO_TCP,
				 .opened_ns = ts_ns };

	r.task.pid = pid;
	GIVE(r);
}

static void ends_in(uint64_t cookie, uint8_t state, uint32_t sk_err, uint32_t unread,
		    uint32_t flags)
{
	struct np_ev_end r = tcp_end(cookie, 7, 100);

	r.sock.tuple.state = state;
	r.sock.hdr.flags |= flags;
	r.sk_err = sk_err;
	r.unread = unread;
	r.ts_ns = now;
	GIVE(r);
}

static void the_end_is_told_by_state_error_and_what_was_left_unread(void **state)
{
	static const struct {
		uint8_t state;
		uint32_t sk_err, unread, flags;
		uint8_t event, end, by;
	} cases[] = {
		{ TCP_FIN_WAIT2, 0, 0, 4, NP_EVENT_CLOSE, NP_END_CLOSED, NP_WHO_LOCAL },
		{ TCP_LAST_ACK, 0, 1, 4, NP_EVENT_CLOSE, NP_END_CLOSED, NP_WHO_REMOTE },
		{ TCP_CLOSING, 0, 0, 4, NP_EVENT_CLOSE, NP_END_CLOSED, NP_WHO_LOCAL },
		{ TCP_ESTABLISHED, 0, 0, 0, NP_EVENT_CLOSE, NP_END_RESET_SENT, NP_WHO_LOCAL },
		{ TCP_ESTABLISHED, 0, 1, 0, NP_EVENT_CLOSE, NP_END_ABORTED, NP_WHO_LOCAL },
		{ TCP_CLOSE_WAIT, 0, 1, 4, NP_EVENT_CLOSE, NP_END_RESET_SENT, NP_WHO_REMOTE },
		{ TCP_CLOSE_WAIT, 0, 2, 4, NP_EVENT_CLOSE, NP_END_ABORTED, NP_WHO_REMOTE },
		{ TCP_ESTABLISHED, ECONNRESET, 9, 0, NP_EVENT_CLOSE, NP_END_RESET_RECV,
		  NP_WHO_REMOTE },
		{ TCP_CLOSE_WAIT, EPIPE, 0, 4, NP_EVENT_CLOSE, NP_END_RESET_RECV, NP_WHO_REMOTE },
		{ TCP_ESTABLISHED, ETIMEDOUT, 0, 0, NP_EVENT_CLOSE, NP_END_TIMEOUT, NP_WHO_NONE },
		{ TCP_FIN_WAIT1, ETIMEDOUT, 0, 0, NP_EVENT_CLOSE, NP_END_TIMEOUT, NP_WHO_LOCAL },
		{ TCP_ESTABLISHED, ECONNABORTED, 0, 0, NP_EVENT_CLOSE, NP_END_ABORTED,
		  NP_WHO_LOCAL },
		{ TCP_SYN_SENT, ECONNREFUSED, 0, 0, NP_EVENT_FAIL, NP_END_REFUSED, NP_WHO_REMOTE },
		{ TCP_SYN_SENT, EHOSTUNREACH, 0, 0, NP_EVENT_FAIL, NP_END_UNREACHABLE,
		  NP_WHO_NONE },
		{ TCP_SYN_SENT, 0, 0, 0, NP_EVENT_FAIL, NP_END_GIVEN_UP, NP_WHO_LOCAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ends_in(i + 1, cases[i].state, cases[i].sk_err, cases[i].unread, cases[i].flags);
		assert_int_equal(tell(), 1);
		assert_int_equal(told[0]->detail->event, cases[i].event);
		assert_int_equal(told[0]->detail->end, cases[i].end);
		assert_int_equal(told[0]->detail->closed_by, cases[i].by);
		np_flows_next(flows);
	}
}

static void data_after_close_is_a_reset_of_ours(void **state)
{
	struct np_ev_state r = { .hdr = { NP_EV_SOCK_STATE, sizeof(r), NP_EV_F_RESET } };

	(void)state;
	ends_in(1, TCP_FIN_WAIT2, ECONNRESET, 0, 0);
	ends_in(2, TCP_ESTABLISHED, ECONNRESET, 0, 0);
	r.tuple.state = r.oldstate = TCP_CLOSE;
	for (r.cookie = 1; r.cookie <= 3; r.cookie++)
		GIVE(r);
	assert_int_equal(tell(), 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(told[i]->detail->end, told[i]->detail->closed_by == NP_WHO_LOCAL
							   ? NP_END_RESET_SENT
							   : NP_END_RESET_RECV);
	assert_int_equal(np_flows_count(flows), 0); /* of the third nothing is known */
}

static void spans_count_from_connect_and_handshakes_to_established(void **state)
{
	uint64_t from = now;

	(void)state;
	connects(1, 7, from);
	move(1, TCP_SYN_SENT, TCP_ESTABLISHED, from + 3000000);
	now += SEC;
	ends_in(1, TCP_FIN_WAIT2, 0, 0, 0);
	assert_int_equal(tell(), 1);
	assert_int_equal(told[0]->detail->span_ns, SEC);
	assert_int_equal(told[0]->detail->syn_us, 3000);
	assert_int_equal(told[0]->detail->side, NP_SIDE_CLIENT);
	assert_int_equal(told[0]->pid, 7);
	assert_false(told[0]->flags & NP_ROW_OLD);
}

static void a_socket_that_failed_may_be_connected_again(void **state)
{
	uint64_t from = now;

	(void)state;
	connects(1, 7, from);
	now += SEC;
	ends_in(1, TCP_SYN_SENT, ECONNREFUSED, 0, 0);
	connects(1, 7, now);
	move(1, TCP_SYN_SENT, TCP_ESTABLISHED, now + 1000000);
	now += 5 * SEC;
	ends_in(1, TCP_FIN_WAIT2, 0, 0, 0);
	assert_int_equal(tell(), 2);
	assert_int_equal(told[0]->detail->event, NP_EVENT_FAIL);
	assert_int_equal(told[0]->detail->span_ns, SEC);
	assert_int_equal(told[1]->detail->event, NP_EVENT_CLOSE);
	assert_int_equal(told[1]->detail->span_ns, 5 * SEC);
	assert_int_equal(told[1]->detail->syn_us, 1000);
}

static void a_child_of_a_listener_without_a_queue_is_a_server_still(void **state)
{
	(void)state;
	asked(ENDS | 1U << NP_EVENT_OPEN | 1U << NP_EVENT_STATE);
	move(1, TCP_LISTEN, TCP_SYN_RECV, now);
	move(1, TCP_SYN_RECV, TCP_ESTABLISHED, now + 1);
	move(2, TCP_CLOSE, TCP_LISTEN, now);
	move(2, TCP_LISTEN, TCP_CLOSE, now);
	now += 2;
	ends_in(1, TCP_LAST_ACK, 0, 0, 0);
	assert_int_equal(tell(), 3);
	assert_int_equal(told[0]->detail->event, NP_EVENT_STATE);
	assert_int_equal(told[1]->detail->event, NP_EVENT_OPEN);
	assert_int_equal(told[2]->detail->event, NP_EVENT_CLOSE);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(told[i]->detail->side, NP_SIDE_SERVER);
}

static void without_an_opening_it_is_older(void **state)
{
	(void)state;
	ends_in(1, TCP_FIN_WAIT2, 0, 0, 0);
	assert_int_equal(tell(), 1);
	assert_true(told[0]->flags & NP_ROW_OLD);
}

static void silence_ends_a_flow_of_datagrams_and_the_next_one_begins_another(void **state)
{
	struct np_ev_udp r = { .hdr = { NP_EV_UDP, sizeof(r), 0 }, .cookie = 1 };

	(void)state;
	r.tuple.proto = IPPROTO_UDP;
	r.task.pid = 7;
	r.tx_bytes = 500;
	r.tx_packets = 5;
	r.first_ns = now;
	r.last_ns = now + SEC / 2;
	begin();
	GIVE(r);
	end(NP_WALK_UDP);
	assert_int_equal(tell(), 0);
	np_flows_next(flows);
	now += 20 * SEC;
	for (int i = 0; i < 2; i++) {
		begin();
		GIVE(r); /* still in the map */
		end(NP_WALK_UDP);
		assert_int_equal(tell(), i == 0);
		np_flows_next(flows);
	}
	r.tx_bytes = 800;
	r.tx_packets = 8;
	r.last_ns = now;
	begin();
	GIVE(r);
	np_flows_last(flows);
	end(NP_WALK_UDP | NP_WALK_FILES);
	assert_int_equal(tell(), 1);
	assert_int_equal(told[0]->detail->span_ns, 0);
	assert_int_equal(told[0]->tx_bytes, 300);
	assert_int_equal(told[0]->tx_segs, 3);
	assert_int_equal(told[0]->detail->end, NP_END_CLOSED);
}

static void what_has_ended_is_freed(void **state)
{
	size_t used = 0;

	(void)state;
	asked(ENDS | 1U << NP_EVENT_OPEN | 1U << NP_EVENT_STATE);
	for (uint64_t round = 0; round < 200; round++) {
		for (uint64_t i = 1; i <= 50; i++) {
			uint64_t cookie = round * 50 + i;

			connects(cookie, 7, now);
			move(cookie, TCP_CLOSE, TCP_SYN_SENT, now);
			move(cookie, TCP_SYN_SENT, TCP_ESTABLISHED, now + 1);
			move(cookie, TCP_ESTABLISHED, TCP_FIN_WAIT1, now + 2);
			ends_in(cookie, TCP_FIN_WAIT2, 0, 0, 0);
		}
		assert_int_equal(tell(), 200);
		refresh_of_nothing(ALL);
		if (round == 10)
			used = mallinfo2().uordblks;
	}
	assert_int_equal(mallinfo2().uordblks, used);
}

#define LIFE(f) cmocka_unit_test_setup_teardown(f, life_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE(the_end_is_told_by_state_error_and_what_was_left_unread),
		LIFE(data_after_close_is_a_reset_of_ours),
		LIFE(spans_count_from_connect_and_handshakes_to_established),
		LIFE(a_socket_that_failed_may_be_connected_again),
		LIFE(a_child_of_a_listener_without_a_queue_is_a_server_still),
		LIFE(without_an_opening_it_is_older),
		LIFE(silence_ends_a_flow_of_datagrams_and_the_next_one_begins_another),
		LIFE(what_has_ended_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
