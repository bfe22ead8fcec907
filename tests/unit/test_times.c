// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "source/times.h"

static union {
	struct np_ev_hdr hdr;
	struct np_ev_end end;
	struct np_ev_samples samples;
} got[4];
static size_t ngot;

static void take(void *ctx, const void *rec, size_t len)
{
	(void)ctx;
	assert_true(ngot < 4 && len <= sizeof(got[0]));
	memcpy(&got[ngot++], rec, len);
	assert_int_equal(got[ngot - 1].hdr.size, len);
}

static struct np_source source = { .cfg.record = take };

static int setup(void **state)
{
	(void)state;
	ngot = 0;
	source.refresh = 0;
	return 0;
}

static void an_end_with_samples_is_two_records(void **state)
{
	struct np_ev_end_rtt end = {
		.end.sock = { .hdr = { NP_EV_SOCK_END, sizeof(end), 0 }, .cookie = 7, .mss = 1460 },
		.rtt = { .n = 2, .us = { 10, 20 } },
	};

	(void)state;
	assert_true(np_times_ring(&source, &end.end.sock.hdr));
	assert_int_equal(ngot, 2);
	assert_int_equal(got[0].hdr.type, NP_EV_SOCK_END);
	assert_int_equal(got[0].hdr.size, sizeof(struct np_ev_end));
	assert_int_equal(got[0].end.sock.mss, 1460);
	assert_int_equal(got[1].hdr.type, NP_EV_SAMPLES);
	assert_int_equal(got[1].hdr.flags, NP_EV_F_LAST);
	assert_int_equal(got[1].samples.cookie, 7);
	assert_int_equal(got[1].samples.kind, NP_TIME_RTT);
	assert_int_equal(got[1].samples.s.n, 2);
	assert_int_equal(got[1].samples.s.us[1], 20);
}

static void other_records_are_left_alone(void **state)
{
	struct np_ev_end sock = { .sock.hdr = { NP_EV_SOCK_END, sizeof(sock), 0 } };
	struct np_ev_end_rtt none = { .end.sock.hdr = { NP_EV_SOCK_END, sizeof(none), 0 } };

	(void)state;
	assert_false(np_times_ring(&source, &sock.sock.hdr));
	assert_int_equal(ngot, 0);
	assert_true(np_times_ring(&source, &none.end.sock.hdr));
	assert_int_equal(ngot, 1);
}

static void a_socket_is_told_when_it_changed(void **state)
{
	static const struct np_times t = {
		.value = sizeof(struct np_turn),
		.at = offsetof(struct np_turn, art),
		.side = offsetof(struct np_turn, side),
		.kind = NP_TIME_ART,
	};
	struct np_turn turn = { .side = NP_SIDE_SERVER, .art = { .n = 1, .us = { 5 }, .tick = 9 } };

	(void)state;
	for (source.refresh = 0; source.refresh < 256 + 9; source.refresh++)
		np_times_emit(&source, &t, NULL, 3, &turn);
	/* in the refresh that saw it and in the next; the tick has a byte */
	assert_int_equal(ngot, 2);
	assert_int_equal(got[0].samples.cookie, 3);
	assert_int_equal(got[0].samples.kind, NP_TIME_ART);
	assert_int_equal(got[0].samples.side, NP_SIDE_SERVER);
	assert_int_equal(got[0].samples.s.us[0], 5);
	source.refresh = 10;
	turn.art.n = 0;
	np_times_emit(&source, &t, NULL, 3, &turn);
	assert_int_equal(ngot, 2);
	turn.art.discarded = 1;
	np_times_emit(&source, &t, NULL, 3, &turn);
	assert_int_equal(ngot, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_end_with_samples_is_two_records, setup),
		cmocka_unit_test_setup(other_records_are_left_alone, setup),
		cmocka_unit_test_setup(a_socket_is_told_when_it_changed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
