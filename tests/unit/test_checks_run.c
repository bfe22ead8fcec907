// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The checks of a run, fed look by look from a flow table: which rows, how often, over what time.
 */
#include "test_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/check.h"
#include "app/session.h"
#include "base/hist.h"
#include "flow/detail.h"

static const struct np_mode mode = { .topic = &np_topic_traffic };
static const struct np_tool tool = { .name = "test", .mode = &mode };

/* What is shown, beside which the checks look at the same table. */
static struct np_view *shown;
static struct np_opts opts;
static const char *texts[8];
static char report[] = "/tmp/np-test-checks-XXXXXX", report_arg[64];

static int setup_run(void **state)
{
	int fd;

	if (setup(state))
		return -1;
	snprintf(report, sizeof(report), "/tmp/np-test-checks-XXXXXX");
	fd = mkstemp(report);
	if (fd < 0)
		return -1;
	close(fd);
	snprintf(report_arg, sizeof(report_arg), "json=%s", report);
	return 0;
}

static int teardown_run(void **state)
{
	np_checks_free(opts.judged);
	opts.judged = NULL;
	np_view_free(shown);
	shown = NULL;
	np_expr_free(opts.expr);
	opts.expr = NULL;
	unlink(report);
	return teardown(state);
}

#define RUN_TEST(f) cmocka_unit_test_setup_teardown(f, setup_run, teardown_run)

/* A program with a table BY, or a log where that is NULL. */
static void run(const char *by, const char *where)
{
	struct np_flows_cfg cfg = { .life = !by, .log = !by ? 1U << NP_EVENT_CLOSE : 0 };

	opts = (struct np_opts){ .tool = &tool, .mode = &mode, .min_samples = 1 };
	opts.view.topic = by ? &np_topic_traffic : &np_topic_life;
	opts.log = !by;
	opts.told = cfg.log;
	opts.report = report_arg;
	assert_int_equal(np_view_group(&opts.view, by ? by : "connection", &opts.err), 0);
	/* without those that would ask for containers */
	assert_int_equal(np_cols_parse("pid,tx_bytes", NULL, opts.view.kind, opts.view.cols,
				       NP_MAX_COLS, &opts.view.ncols, &opts.err),
			 0);
	if (where)
		assert_int_equal(np_expr_compile(&opts.expr, where, &opts.err), 0);
	opts.view.where = opts.expr;
	assert_int_equal(np_flows_set(flows, &cfg), 0);
	assert_int_equal(np_view_new(&shown, &opts.view, NULL), 0);
}

static void expect(const char *text)
{
	opts.checks.items = texts;
	texts[opts.checks.n++] = text;
}

static void begun(void)
{
	if (np_checks_new(&opts))
		fail_msg("%s", opts.err.msg);
	assert_int_equal(np_checks_begin(opts.judged, NULL), 0);
}

static void look(void)
{
	assert_int_equal(np_view_update(shown, flows), 0);
	assert_int_equal(np_checks_add(opts.judged, shown, flows), 0);
	np_flows_next(flows);
}

static void say_report(void)
{
	char line[1024];
	FILE *in = fopen(report, "re");

	while (in && fgets(line, sizeof(line), in))
		print_message("%s", line);
	if (in)
		fclose(in);
}

static void ends_with(int want)
{
	int status = np_checks_judge(opts.judged, 0, NP_EXIT_OK);

	if (status == want)
		return;
	say_report();
	fail_msg("status %d, not %d", status, want);
}

/* A connection of process PID that has sent SENT, AGAIN of it twice. */
static struct np_ev_sock sock(uint64_t cookie, uint32_t pid, uint64_t sent, uint64_t again)
{
	struct np_ev_sock r = tcp(cookie, pid, sent + again);

	r.bytes_retrans = again;
	r.total_retrans = again ? 1 : 0;
	r.tuple.lport = (uint16_t)(1000 + cookie);
	r.srtt_us = 100 * (uint32_t)cookie;
	r.min_rtt_us = UINT32_MAX;
	return r;
}

static void closed(uint64_t cookie, uint32_t pid, uint64_t sent)
{
	struct np_ev_end r = { .sock = sock(cookie, pid, sent, 0) };

	r.sock.hdr.type = NP_EV_SOCK_END;
	r.sock.hdr.size = sizeof(r);
	r.ts_ns = now;
	GIVE(r);
}

static void found(uint64_t cookie, uint32_t pid, uint64_t sent, uint64_t again)
{
	struct np_ev_sock r = sock(cookie, pid, sent, again);

	GIVE(r);
}

/*
 * Three refreshes, a second apart: 1 is older than the program, has sent 1000 by then and sends
 * 2000 more, 100 of it twice; 2 is opened, sends 900 and ends; 3 comes and goes between two
 * refreshes.
 */
static void three_connections(void)
{
	begin();
	found(1, 50, 1000, 0);
	end(ALL);
	look();
	begin();
	found(1, 50, 3000, 100);
	found(2, 50, 500, 0);
	closed(3, 60, 700);
	end(ALL);
	look();
	closed(2, 50, 900);
	begin();
	found(1, 50, 3000, 100);
	end(ALL);
	look();
}

static void a_table_of_connections_is_each_of_them_once(void **state)
{
	(void)state;
	run("connection", NULL);
	expect("count() == 3 && max(tx_bytes) == 3000 && min(tx_bytes) == 700");
	expect("sum(tx_bytes) == 4600 && p50(tx_bytes) == 900");
	expect("opened == 2 && ended == 2 && conns == 1");
	expect("max(opened) == 1 && count(opened > 0) == 2 && count(ended > 0) == 2");
	expect("tx_rate == 1800 && rtt == 200us && retrans == 1");
	expect("retrans_pct > 2.70 && retrans_pct < 2.71");
	begun();
	three_connections();
	ends_with(0);
}

static void a_table_of_processes_is_each_process_with_what_has_ended(void **state)
{
	(void)state;
	run("process", NULL);
	expect("count() == 2 && max(tx_bytes) == 3900 && min(tx_bytes) == 700");
	expect("sum(tx_bytes) == 4600");
	expect("opened == 2 && ended == 2 && conns == 1");
	expect("max(opened) == 1 && count(pid == 50 && opened == 1) == 1");
	expect("tx_rate == 1800 && rtt == 200us && retrans == 1");
	expect("retrans_pct > 2.70 && retrans_pct < 2.71");
	begun();
	three_connections();
	ends_with(0);
}

static void a_log_is_its_rows_or_its_connections(void **state)
{
	(void)state;
	run(NULL, NULL);
	expect("count() == 2 && count(tx_bytes > 800) == 1");
	expect("count(event == close) == 2");
	expect("sum(tx_bytes) == 4600 && opened == 2 && conns == 1 && tx_rate == 1800");
	expect("count(retrans_pct > 1) == 1 && retrans == 1");
	begun();
	three_connections();
	ends_with(0);
}

static void an_event_that_is_not_watched_for_is_refused(void **state)
{
	static const struct np_mode log = { .topic = &np_topic_life,
					    .may_tell =
						1U << NP_EVENT_CLOSE | 1U << NP_EVENT_OPEN };
	static const struct {
		const char *text, *why; /* NULL: it can be judged */
	} cases[] = {
		{ "count(event == open) == 0", "add --events +open" },
		{ "count(\"open\" == event) == 0", "add --events +open" },
		{ "count(!(event == \"OPEN\")) == 2", "add --events +open" },
		{ "count(event =~ \"^op\") == 0", "add --events +open" },
		{ "count(event == drop) == 0", "not one of test's" },
		{ "count(event =~ \"^drop$\") == 0", "not one of test's" },
		{ "count(event =~ \"close|drop\") == 2", NULL },
		{ "count(event != open) == 2", NULL },
		{ "count() == 2", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(NULL, NULL);
		opts.mode = &log;
		expect(cases[i].text);
		if (np_checks_new(&opts) != (cases[i].why ? NP_EXIT_USAGE : 0) ||
		    (cases[i].why && !strstr(opts.err.msg, cases[i].why)))
			fail_msg("%s: '%s'", cases[i].text, opts.err.msg);
		np_checks_free(opts.judged);
		opts.judged = NULL;
		np_view_free(shown);
		shown = NULL;
	}
}

static void one_that_does_not_hold_is_enough_to_fail(void **state)
{
	(void)state;
	run("connection", NULL);
	expect("count() == 3");
	expect("count() == 4");
	expect("p99(rtt) < 1s");
	begun();
	three_connections();
	ends_with(NP_EXIT_CHECK);
}

static void one_that_is_not_known_is_enough_to_be_inconclusive(void **state)
{
	(void)state;
	run("connection", NULL);
	expect("count() == 3");
	expect("p99(rtt) < 1s");
	begun();
	three_connections();
	ends_with(NP_EXIT_INCONCLUSIVE);
}

static void where_chooses_members_and_rows_of_the_whole_run(void **state)
{
	(void)state;
	run("connection", "pid == 50 && opened > 0");
	expect("count() == 1 && sum(tx_bytes) == 900 && tx_rate == 450");
	begun();
	three_connections();
	ends_with(0);
}

static void where_chooses_groups_by_their_sums(void **state)
{
	(void)state;
	run("process", "tx_bytes > 800");
	expect("count() == 1 && max(tx_bytes) == 3900");
	begun();
	three_connections();
	ends_with(0);
}

static void rows_of_a_log_are_chosen_and_so_are_its_connections(void **state)
{
	(void)state;
	run(NULL, "tx_bytes > 800");
	expect("count() == 1");
	expect("sum(tx_bytes) == 3900 && conns == 1");
	begun();
	three_connections();
	ends_with(0);
}

/* Slots of the table are used again: a new connection has nothing of the one before. */
static void short_ones_are_counted_one_by_one(void **state)
{
	uint64_t cookie = 1;

	(void)state;
	run("connection", NULL);
	expect("count() == 400 && sum(opened) == 400 && max(opened) == 1 && max(ended) == 1");
	expect("sum(tx_bytes) == 40000 && max(tx_bytes) == 100 && tx_rate == 1905");
	expect("p99(tx_rate) <= 100 && conns == 0");
	begun();
	/* a walk before the first look, as before a command is started: 21 seconds in all */
	refresh_of_nothing(ALL);
	begin();
	end(ALL);
	look();
	for (int i = 0; i < 20; i++) {
		for (int j = 0; j < 20; j++)
			closed(cookie++, 50, 100);
		begin();
		end(ALL);
		look();
	}
	ends_with(0);
}

/* Two refreshes see it, and it ends: all of its samples are there once. */
static void samples_of_an_ended_connection_stay(void **state)
{
	struct np_ev_hist r = { .hdr = { NP_EV_HIST, sizeof(r), 0 },
				.cookie = 7,
				.kind = NP_TIME_RTT };

	(void)state;
	run("process", NULL);
	expect("count(rtt) == 3 && max(rtt) == 900us && min(rtt) == 100us");
	expect("p50(rtt) > 290us && p50(rtt) < 310us");
	begun();
	begin();
	found(7, 50, 10, 0);
	r.b.n[np_hist_bucket(100)]++;
	r.b.n[np_hist_bucket(300)]++;
	r.b.count = 2;
	r.b.sum = 400;
	r.b.min = 100;
	r.b.max = 300;
	GIVE(r);
	end(ALL);
	look();
	r.b.n[np_hist_bucket(900)]++;
	r.b.count = 3;
	r.b.sum = 1300;
	r.b.max = 900;
	closed(7, 50, 20);
	GIVE(r);
	begin();
	end(ALL);
	look();
	begin();
	end(ALL);
	look();
	ends_with(0);
}

static void a_run_that_fails_leaves_no_report_of_another(void **state)
{
	char line[1024] = "";
	FILE *in;

	(void)state;
	run("connection", NULL);
	expect("count() == 3");
	begun();
	/* from its begin on */
	in = fopen(report, "re");
	assert_non_null(in);
	assert_non_null(fgets(line, sizeof(line), in));
	assert_non_null(
	    strstr(line, "\"result\":\"error\",\"reason\":\"the run did not come to its end\""));
	fclose(in);
	assert_int_equal(np_checks_judge(opts.judged, 0, NP_EXIT_CANNOT), NP_EXIT_CANNOT);
	np_err_set(&opts.err, 0, "the kernel said no");
	np_checks_spoiled(&opts);
	assert_string_equal(opts.err.msg, "the kernel said no");
	in = fopen(report, "re");
	assert_non_null(in);
	assert_non_null(fgets(line, sizeof(line), in));
	assert_non_null(strstr(line, "\"result\":\"error\",\"reason\":\"the kernel said no\""));
	assert_null(fgets(line, sizeof(line), in));
	fclose(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(a_table_of_connections_is_each_of_them_once),
		RUN_TEST(a_table_of_processes_is_each_process_with_what_has_ended),
		RUN_TEST(a_log_is_its_rows_or_its_connections),
		RUN_TEST(an_event_that_is_not_watched_for_is_refused),
		RUN_TEST(one_that_does_not_hold_is_enough_to_fail),
		RUN_TEST(one_that_is_not_known_is_enough_to_be_inconclusive),
		RUN_TEST(where_chooses_members_and_rows_of_the_whole_run),
		RUN_TEST(where_chooses_groups_by_their_sums),
		RUN_TEST(rows_of_a_log_are_chosen_and_so_are_its_connections),
		RUN_TEST(short_ones_are_counted_one_by_one),
		RUN_TEST(samples_of_an_ended_connection_stay),
		RUN_TEST(a_run_that_fails_leaves_no_report_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
