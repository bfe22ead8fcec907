// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* --sample: which connections are in, the door of the flow table, and the correction of sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>

#include "base/hist.h"
#include "flow/detail.h"
#include "test_flow.h"
#include "view/check.h"
#include "view/view.h"

/* Binomial: of M cookies each is in by 1/N; 4 sigma are left once in 16,000. */
static void assert_part(size_t in, size_t m, uint32_t n)
{
	double p = 1.0 / n, sigma = sqrt((double)m * p * (1 - p));

	assert_true(fabs((double)in - (double)m * p) <= 4 * sigma);
}

static void consecutive_cookies_are_in_by_one_in_n(void **state)
{
	static const uint32_t ns[] = { 2, 3, 10, 16, 100, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(ns) / sizeof(ns[0]); i++) {
		size_t in = 0, both = 0, m = 400000;

		for (uint64_t c = 1; c <= m; c++) {
			in += np_sampled(c, ns[i]);
			/* a client's cookie and its server's follow each other: independent */
			both += np_sampled(c, ns[i]) && np_sampled(c + 1, ns[i]);
		}
		assert_part(in, m, ns[i]);
		assert_part(both, m, ns[i] * ns[i]);
	}
}

static void addresses_of_sockets_are_in_by_one_in_n(void **state)
{
	size_t in = 0, m = 100000;

	(void)state;
	for (uint64_t i = 0; i < m; i++)
		in += np_sampled(0xffff888100000000ULL + i * 2496, 16);
	assert_part(in, m, 16);
}

static void one_in_one_is_all(void **state)
{
	(void)state;
	for (uint64_t c = 0; c < 100000; c++)
		assert_true(np_sampled(c, 1));
	assert_true(np_sampled(UINT64_MAX, 1));
}

static struct np_ev_tuple pair(uint16_t port)
{
	struct np_ev_tuple t = { .laddr = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
				 .raddr = { [10] = 0xff, 0xff, 10, 0, 0, 2 },
				 .lport = port,
				 .rport = 443 };

	return t;
}

static void both_ends_of_a_pair_of_addresses_decide_alike(void **state)
{
	const uint16_t m = 60000;
	size_t in = 0;

	(void)state;
	for (uint16_t port = 1; port <= m; port++) {
		struct np_ev_tuple a = pair(port), b = a;

		memcpy(b.laddr, a.raddr, 16);
		memcpy(b.raddr, a.laddr, 16);
		b.lport = a.rport;
		b.rport = a.lport;
		assert_int_equal(np_sampled_tuple(&a, 16), np_sampled_tuple(&b, 16));
		in += np_sampled_tuple(&a, 16);
	}
	assert_part(in, m, 16);
}

static uint64_t cookie_that_is(bool in, uint32_t n)
{
	uint64_t c = 1;

	while (np_sampled(c, n) != in)
		c++;
	return c;
}

static void sample(uint32_t n)
{
	struct np_flows_cfg cfg = { .life = true, .sample = n, .log = ~0U, .anomalies = ~0U };

	assert_int_equal(np_flows_set(flows, &cfg), 0);
}

/* Every record that a connection can have, from COOKIE's. */
static void all_records(uint64_t cookie)
{
	struct np_ev_sock sock = tcp(cookie, 7, 100);
	struct np_ev_end end = { .sock = tcp(cookie, 7, 200) };
	struct np_ev_state st = { .hdr = { NP_EV_SOCK_STATE, sizeof(st), 0 }, .cookie = cookie };
	struct np_ev_owner own = { .hdr = { NP_EV_SOCK_OWNER, sizeof(own), 0 },
				   .cookie = cookie,
				   .proto = IPPROTO_TCP,
				   .task = { .pid = 7 } };
	struct np_ev_udp udp = { .hdr = { NP_EV_UDP, sizeof(udp), 0 },
				 .cookie = cookie,
				 .tuple = { .proto = IPPROTO_UDP } };
	struct np_ev_anomaly an = { .hdr = { NP_EV_ANOMALY, sizeof(an), 0 },
				    .cookie = cookie,
				    .stack_id = -1 };
	struct np_ev_samples s = { .hdr = { NP_EV_SAMPLES, sizeof(s), 0 },
				   .cookie = cookie,
				   .s = { .n = 1, .us = { 5 } } };
	static struct np_ev_hist h;

	h = (struct np_ev_hist){ .hdr = { NP_EV_HIST, sizeof(h), 0 }, .cookie = cookie };
	end.sock.hdr = (struct np_ev_hdr){ NP_EV_SOCK_END, sizeof(end), 0 };
	GIVE(own);
	GIVE(st);
	GIVE(sock);
	GIVE(s);
	GIVE(h);
	GIVE(an);
	GIVE(udp);
	GIVE(end);
}
#define KINDS 8

static void nothing_of_a_connection_outside_gets_in(void **state)
{
	(void)state;
	sample(16);
	begin();
	all_records(cookie_that_is(false, 16));
	end(0);
	assert_int_equal(np_flows_count(flows), 0);
	assert_null(np_flows_ended(flows));
	assert_int_equal(np_flows_stats(flows)->left_out, KINDS);
	assert_int_equal(np_flows_stats(flows)->bad, 0);
}

static void all_of_a_connection_inside_gets_in(void **state)
{
	(void)state;
	sample(16);
	begin();
	all_records(cookie_that_is(true, 16));
	end(0);
	assert_int_equal(np_flows_stats(flows)->left_out, 0);
	assert_int_equal(np_flows_stats(flows)->anomalies, 1);
	assert_int_equal(np_flows_stats(flows)->ended, 1);
	assert_non_null(np_flows_ended(flows));
}

static void without_a_sample_every_record_gets_in(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 2; n++) {
		sample(n);
		begin();
		all_records(cookie_that_is(false, 16) + n * 1000);
		end(0);
		np_flows_next(flows);
	}
	assert_int_equal(np_flows_stats(flows)->left_out, 0);
	assert_int_equal(np_flows_stats(flows)->ended, 2);
}

static void listeners_are_all_there(void **state)
{
	struct np_ev_sock r = tcp(cookie_that_is(false, 16), 7, 0);

	(void)state;
	sample(16);
	begin();
	r.hdr.flags |= NP_EV_F_LISTEN;
	r.tuple.state = TCP_LISTEN;
	GIVE(r);
	end(0);
	assert_int_equal(np_flows_count(flows), 1);
	assert_int_equal(np_flows_stats(flows)->left_out, 0);
}

/* A reset of a closed port has no connection: its addresses decide. */
static void what_has_no_cookie_goes_by_its_addresses(void **state)
{
	struct np_ev_anomaly an = { .hdr = { NP_EV_ANOMALY, sizeof(an), 0 },
				    .kind = NP_AN_RST_SENT,
				    .stack_id = -1 };
	uint64_t in = 0;

	(void)state;
	sample(16);
	for (uint16_t port = 1; port <= 1000; port++) {
		an.tuple = pair(port);
		GIVE(an);
		in += np_sampled_tuple(&an.tuple, 16);
	}
	assert_int_equal(np_flows_stats(flows)->anomalies, in);
	assert_int_equal(np_flows_stats(flows)->left_out, 1000 - in);
}

/* ---- the correction ---- */

static uint64_t whole(const char *name, const struct np_row *row, uint32_t scale)
{
	const struct np_colctx ctx = {
		.dt_ns = SEC, .now_ns = SEC, .wall_ns = SEC, .scale = scale
	};
	const struct np_col *col = np_col_find(name);
	struct np_value val;

	assert_non_null(col);
	np_col_read(col, row, &ctx, &val);
	assert_int_equal(val.kind, NP_VAL_NUM);
	assert_true(val.whole);
	return val.integer;
}

static struct np_group_row group(void)
{
	struct np_group_row g = { .row = { .flags = NP_ROW_GROUP,
					   .tx_bytes = 100,
					   .rx_bytes = 50,
					   .d_tx = 10,
					   .conns = 3,
					   .events = 2,
					   .retrans = 4,
					   .cwnd = 10,
					   .share = 25,
					   .avg_tx = { 7 } } };

	return g;
}

static void sums_of_groups_are_corrected(void **state)
{
	struct np_group_row g = group();
	static const struct {
		const char *name;
		uint64_t raw;
	} sums[] = { { "tx_bytes", 100 }, { "rx_bytes", 50 }, { "tx_rate", 10 }, { "conns", 3 },
		     { "events", 2 },     { "retrans", 4 },   { "tx_avg2", 7 } };

	(void)state;
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		assert_int_equal(whole(sums[i].name, &g.row, 16), 16 * sums[i].raw);
		assert_int_equal(whole(sums[i].name, &g.row, 1), sums[i].raw);
		assert_int_equal(whole(sums[i].name, &g.row, 0), sums[i].raw);
	}
	/* what is no sum */
	assert_int_equal(whole("cwnd", &g.row, 16), 10);
}

static void shares_and_ratios_need_no_correction(void **state)
{
	const struct np_colctx ctx = { .scale = 16 };
	struct np_group_row g = group();
	struct np_value val;

	(void)state;
	np_col_read(np_col_find("share"), &g.row, &ctx, &val);
	assert_true(val.num == 25.0);
	g.row.retrans_bytes = 25;
	g.row.tx_bytes = 75;
	np_col_read(np_col_find("retrans_ratio"), &g.row, &ctx, &val);
	assert_true(val.num == 25.0);
}

static void counts_of_samples_are_corrected_and_times_are_not(void **state)
{
	const struct np_colctx ctx = { .scale = 16 };
	struct np_hist hist = { 0 };
	struct np_detail d = { .hist = { [NP_HIST_RTT] = &hist } };
	struct np_group_row g = group();
	struct np_value val;

	(void)state;
	g.row.detail = &d;
	assert_int_equal(np_hist_add(&hist, 50, 3), 0);
	assert_int_equal(whole("rtt_samples", &g.row, 16), 48);
	np_col_read(np_col_find("rtt_p50"), &g.row, &ctx, &val);
	assert_true(val.num == 50e-6);
	np_hist_free(&hist);
}

static void one_connection_is_itself(void **state)
{
	struct np_group_row g = group();

	(void)state;
	g.row.flags |= NP_ROW_ONE;
	assert_int_equal(whole("tx_bytes", &g.row, 16), 100);
	g.row.flags = 0;
	assert_int_equal(whole("tx_bytes", &g.row, 16), 100);
	g.row.flags = NP_ROW_EVENT;
	assert_int_equal(whole("tx_bytes", &g.row, 16), 100);
}

static void interfaces_are_not_corrected(void **state)
{
	struct np_group_row g = { .row = { .flags = NP_ROW_GROUP | NP_ROW_IFACE, .tx_bytes = 9 } };

	(void)state;
	assert_int_equal(whole("wire_bytes", &g.row, 16), 9);
}

static void a_sum_too_large_stays_at_the_largest(void **state)
{
	struct np_group_row g = group();

	(void)state;
	g.row.tx_bytes = UINT64_MAX / 2;
	assert_true(whole("tx_bytes", &g.row, 1000000) == UINT64_MAX);
}

static void the_sample_is_a_column(void **state)
{
	struct np_colctx ctx = { .scale = 16 };
	struct np_group_row g = group();
	struct np_value val;

	(void)state;
	np_col_read(np_col_find("sample"), &g.row, &ctx, &val);
	assert_string_equal(val.str, "1/16");
	ctx.scale = 0;
	np_col_read(np_col_find("sample"), &g.row, &ctx, &val);
	assert_string_equal(val.str, "1/1");
}

/* From records to the rows of a table: what is looked for and sorted by is the corrected value. */
static void a_view_of_a_sample_is_corrected(void **state)
{
	struct np_view_cfg cfg = { .sample = 16 };
	const struct np_row *const *rows;
	struct np_expr *where = NULL;
	struct np_view *view;
	struct np_value val;
	size_t n;

	(void)state;
	sample(16);
	assert_int_equal(np_view_group(&cfg, "pid,comm", NULL), 0);
	assert_int_equal(np_expr_compile(&where, "tx_bytes == 1600", NULL), 0);
	cfg.where = where;
	assert_int_equal(np_view_new(&view, &cfg, NULL), 0);
	begin();
	for (uint64_t c = 1, in = 0; in < 2; c++) {
		struct np_ev_sock r = tcp(c, np_sampled(c, 16) && in++ ? 8 : 7, 100);

		GIVE(r);
	}
	end(0);
	assert_int_equal(np_view_update(view, flows), 0);
	rows = np_view_rows(view, &n);
	assert_int_equal(n, 2);
	np_col_read(np_col_find("conns"), rows[0], np_view_ctx(view), &val);
	assert_int_equal(val.integer, 16);
	np_col_read(np_col_find("tx_bytes"), np_view_total(view), np_view_ctx(view), &val);
	assert_int_equal(val.integer, 3200);
	np_view_free(view);
	np_expr_free(where);
}

static void connections_remembered_by_themselves_are_not_corrected(void **state)
{
	struct np_view_cfg cfg = { .topic = &np_topic_ailing, .sample = 16, .all = true };
	const struct np_row *const *rows;
	struct np_ev_sock r = tcp(cookie_that_is(true, 16), 7, 100);
	struct np_view *view;
	struct np_value val;
	size_t n;

	(void)state;
	sample(16);
	assert_int_equal(np_view_group(&cfg, "connection", NULL), 0);
	assert_int_equal(np_cols_parse("local,tx_bytes", NULL, cfg.kind, cfg.cols, NP_MAX_COLS,
				       &cfg.ncols, NULL),
			 0);
	assert_int_equal(np_view_remember(&cfg, NULL), 0);
	assert_int_equal(np_view_new(&view, &cfg, NULL), 0);
	begin();
	GIVE(r);
	end(0);
	assert_int_equal(np_view_update(view, flows), 0);
	rows = np_view_rows(view, &n);
	assert_int_equal(n, 1);
	np_col_read(np_col_find("tx_bytes"), rows[0], np_view_ctx(view), &val);
	assert_int_equal(val.integer, 100);
	np_col_read(np_col_find("tx_bytes"), np_view_total(view), np_view_ctx(view), &val);
	assert_int_equal(val.integer, 1600);
	np_view_free(view);
}

/* A check adds up single connections, of which nobody else corrects the sums. */
static void checks_of_a_sample_are_of_all(void **state)
{
	static const struct {
		const char *text;
		uint16_t flags;
		enum np_verdict verdict;
	} cases[] = {
		{ "sum(tx_bytes) == 4800", 0, NP_CHECK_PASS },
		{ "sum(tx_bytes) == 300", 0, NP_CHECK_FAIL },
		{ "tx_bytes == 4800", 0, NP_CHECK_PASS },
		{ "count(tx_bytes > 50) == 48", 0, NP_CHECK_PASS },
		{ "max(tx_bytes) == 100", 0, NP_CHECK_PASS },
		{ "mean(tx_bytes) == 100", 0, NP_CHECK_PASS },
		{ "count(rtt) == 48", 0, NP_CHECK_PASS },
		{ "p50(rtt) == 50us", 0, NP_CHECK_PASS },
		/* groups are corrected as they are read, and how many there are is not known */
		{ "sum(tx_bytes) == 4800", NP_ROW_GROUP, NP_CHECK_PASS },
		{ "max(tx_bytes) == 1600", NP_ROW_GROUP, NP_CHECK_PASS },
		{ "count(tx_bytes > 50) == 3", NP_ROW_GROUP, NP_CHECK_PASS },
	};
	const struct np_colctx ctx = { .dt_ns = SEC, .now_ns = SEC, .scale = 16 };
	const struct np_check_limits limits = { .min_samples = 3 };
	struct np_hist hist = { 0 };
	struct np_detail d = { .hist = { [NP_HIST_RTT] = &hist } };

	(void)state;
	assert_int_equal(np_hist_add(&hist, 50, 1), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_group_row g = { .row = { .flags = cases[i].flags,
						   .tx_bytes = 100,
						   .conns = 1,
						   .detail = &d } };
		struct np_check *check;

		assert_int_equal(np_check_new(&check, cases[i].text, NP_COL_CONN, false, NULL), 0);
		for (int k = 0; k < 3; k++)
			assert_int_equal(np_check_add(check, &g.row, &ctx), 0);
		if (np_check_judge(check, &limits, &ctx)->verdict != cases[i].verdict)
			fail_msg("%s", cases[i].text);
		np_check_free(check);
	}
	np_hist_free(&hist);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(consecutive_cookies_are_in_by_one_in_n),
		cmocka_unit_test(addresses_of_sockets_are_in_by_one_in_n),
		cmocka_unit_test(one_in_one_is_all),
		cmocka_unit_test(both_ends_of_a_pair_of_addresses_decide_alike),
		T(nothing_of_a_connection_outside_gets_in),
		T(all_of_a_connection_inside_gets_in),
		T(without_a_sample_every_record_gets_in),
		T(listeners_are_all_there),
		T(what_has_no_cookie_goes_by_its_addresses),
		cmocka_unit_test(sums_of_groups_are_corrected),
		cmocka_unit_test(shares_and_ratios_need_no_correction),
		cmocka_unit_test(counts_of_samples_are_corrected_and_times_are_not),
		cmocka_unit_test(one_connection_is_itself),
		cmocka_unit_test(interfaces_are_not_corrected),
		cmocka_unit_test(a_sum_too_large_stays_at_the_largest),
		cmocka_unit_test(the_sample_is_a_column),
		cmocka_unit_test(checks_of_a_sample_are_of_all),
		T(a_view_of_a_sample_is_corrected),
		T(connections_remembered_by_themselves_are_not_corrected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
