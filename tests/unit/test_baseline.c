// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Baselines: what is kept comes back exactly, what is damaged or hostile is refused in a sentence.
 */
#include "test_flow.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hist.h"
#include "flow/detail.h"
#include "sink/baseline.h"
#include "sink/sink.h"
#include "view/baseline.h"

static struct np_view *view;
static struct np_baseline *base;
static struct np_buf text;
static struct np_err err;

static int setup_all(void **state)
{
	view = NULL;
	base = NULL;
	text = (struct np_buf){ 0 };
	err.msg[0] = '\0';
	return setup(state);
}

static int teardown_all(void **state)
{
	np_view_free(view);
	np_baseline_free(base);
	np_buf_free(&text);
	return teardown(state);
}

/* ---- a run ---- */

static struct np_view_cfg grouped(const char *by)
{
	struct np_view_cfg cfg = { .topic = &np_topic_latency, .all = true, .sum_all = true };

	assert_int_equal(np_view_group(&cfg, by, &err), 0);
	cfg.baseline = base;
	return cfg;
}

static void new_view(const char *by)
{
	struct np_view_cfg cfg = grouped(by);

	np_view_free(view);
	assert_int_equal(np_view_new(&view, &cfg, NULL), 0);
}

static struct np_ev_sock conn(uint64_t cookie, uint8_t host, uint64_t sent)
{
	struct np_ev_sock r = tcp(cookie, 7, sent);

	memcpy(r.tuple.raddr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\n\0\0", 15);
	r.tuple.raddr[15] = host;
	r.srtt_us = 1000;
	r.segs_out = 9;
	return r;
}

static void times_of(uint64_t cookie, uint8_t kind, uint32_t us, uint32_t n)
{
	static struct np_ev_hist r;

	r = (struct np_ev_hist){ .hdr = { NP_EV_HIST, sizeof(r), 0 },
				 .cookie = cookie,
				 .kind = kind };
	for (uint32_t i = 0; i < n; i++) {
		r.b.n[np_hist_bucket(us + i)]++;
		r.b.sum += us + i;
	}
	r.b.count = n;
	r.b.min = us;
	r.b.max = us + n - 1;
	GIVE(r);
}

/* Two refreshes: hosts 1 to HOSTS, of each SENT bytes more a second, with times from US on. */
static void run(uint8_t hosts, uint64_t sent, uint32_t us)
{
	for (uint64_t round = 1; round <= 3; round++) {
		begin();
		for (uint8_t host = 1; host <= hosts; host++) {
			struct np_ev_sock r = conn(host, host, round * sent * host);

			GIVE(r);
			times_of(host, NP_TIME_RTT, us * host, 40);
			times_of(host, NP_TIME_ART, 2 * us * host, 3);
		}
		end(0);
		if (round == 3)
			np_view_last(view);
		assert_int_equal(np_view_update(view, flows), 0);
		np_flows_next(flows);
	}
}

static const struct np_baseline_info info = { .tool = "nprtt",
					      .mode = "",
					      .version = "0.1.0",
					      .host = "here",
					      .when = "2026-11-21T16:00:00.000Z",
					      .filter = "port 443",
					      .where = "",
					      .interval_ns = SEC };

static void save(void)
{
	np_buf_reset(&text);
	assert_int_equal(np_baseline_write(&text, &info, view, NULL, &err), 0);
}

static int load(void)
{
	np_baseline_free(base);
	return np_baseline_load(&base, np_buf_cstr(&text), text.len, "FILE", &err);
}

static void new_run(void)
{
	teardown(NULL);
	assert_int_equal(setup(NULL), 0);
	new_view("raddr");
}

/* A value of the row whose key is HOST. */
static struct np_value value(const char *col, uint8_t host)
{
	const struct np_row *const *rows;
	struct np_value val = { .kind = NP_VAL_NONE }, key;
	char want[16];
	size_t n;

	snprintf(want, sizeof(want), "10.0.0.%u", host);
	rows = np_view_rows(view, &n);
	for (size_t i = 0; i < n; i++) {
		np_col_read(np_col_find("raddr"), rows[i], np_view_ctx(view), &key);
		if (!strcmp(key.str, want)) {
			np_col_read(np_col_find(col), rows[i], np_view_ctx(view), &val);
			return val;
		}
	}
	fail_msg("no row of %s", want);
	return val;
}

#define NEAR(val, want)                                \
	do {                                           \
		struct np_value v_ = (val);            \
		assert_int_equal(v_.kind, NP_VAL_NUM); \
		assert_true(v_.num > (want)-0.01);     \
		assert_true(v_.num < (want) + 0.01);   \
	} while (0)

/* ---- there and back ---- */

static void same_hist(const struct np_hist *a, const struct np_hist *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->sum, b->sum);
	assert_int_equal(a->min, b->min);
	assert_int_equal(a->max, b->max);
	for (uint32_t i = 0; i < NP_HIST_BUCKETS; i++) {
		uint32_t x =
		    i >= a->first && i < (uint32_t)a->first + a->n ? a->buckets[i - a->first] : 0;
		uint32_t y =
		    i >= b->first && i < (uint32_t)b->first + b->n ? b->buckets[i - b->first] : 0;

		assert_int_equal(x, y);
	}
}

static void same_row(const struct np_group_row *g, const struct np_group_row *b)
{
	assert_int_equal(b->row.tx_bytes, g->row.tx_bytes);
	assert_int_equal(b->row.tx_segs, g->row.tx_segs);
	assert_int_equal(b->row.conns, g->row.conns);
	assert_int_equal(b->row.rtt_us, g->row.rtt_us);
	assert_int_equal(b->mean_weight, g->mean_weight);
	assert_memory_equal(&b->run, &g->run, sizeof(g->run));
	assert_int_equal(b->row.d_tx, g->run.d_tx);
	for (int i = 0; i < NP_HIST_KINDS; i++) {
		const struct np_hist *h = g->row.detail->hist[i];

		if (h && h->count)
			same_hist(h, b->row.detail->hist[i]);
		else
			assert_null(b->row.detail->hist[i]);
	}
}

static void what_is_kept_comes_back_exactly(void **state)
{
	const struct np_row *const *rows;
	size_t n;

	(void)state;
	new_view("raddr");
	run(5, 1000, 100);
	save();
	assert_int_equal(load(), 0);
	assert_int_equal(np_baseline_kind(base), NP_COL_CONN);
	assert_true(np_baseline_is(base, np_view_cfg(view)));
	assert_string_equal(np_baseline_info(base)->tool, "nprtt");
	assert_string_equal(np_baseline_info(base)->filter, "port 443");
	assert_string_equal(np_baseline_info(base)->by, "raddr");
	assert_int_equal(np_baseline_info(base)->duration_ns, 2 * SEC);
	same_row((const struct np_group_row *)np_view_total(view), np_baseline_total(base));
	rows = np_view_rows(view, &n);
	assert_int_equal(n, 5);
	for (size_t i = 0; i < n; i++) {
		const struct np_group_row *found = np_baseline_find(base, rows[i], NULL);

		assert_non_null(found);
		same_row((const struct np_group_row *)rows[i], found);
	}
}

/* The text that is written of what was read is the same text. */
static void names_of_any_bytes_come_back(void **state)
{
	static const char names[][16] = {
		"plain", "a\"b\\c", "\x1b[31m\x01", "\xff\xfe\x80", "\xc3\xa4 \xe2\x82\xac",
		"\\x41", "-"
	};
	size_t m = sizeof(names) / sizeof(names[0]), n;

	(void)state;
	new_view("comm");
	begin();
	for (size_t i = 0; i < m; i++) {
		struct np_ev_sock r = tcp(i + 1, (uint32_t)i + 1, 10);

		memcpy(r.task.comm, names[i], 16);
		GIVE(r);
	}
	end(0);
	assert_int_equal(np_view_update(view, flows), 0);
	save();
	assert_int_equal(load(), 0);
	assert_int_equal((np_baseline_rows(base, &n), n), m);
	for (size_t i = 0; i < m; i++) {
		struct np_group_row g = { .row = { .flags = NP_ROW_GROUP } };
		const struct np_group_row *found;

		memcpy(g.row.comm, names[i], 16);
		found = np_baseline_find(base, &g.row, NULL);
		assert_non_null(found);
		assert_string_equal(found->kept->key[0], names[i]);
	}
}

static void a_group_of_the_unknown_is_a_group(void **state)
{
	struct np_group_row g = { .row = { .flags = NP_ROW_GROUP } };
	size_t n;

	(void)state;
	new_view("comm");
	begin();
	{
		struct np_ev_sock r = tcp(1, 0, 10);

		GIVE(r);
	}
	end(0);
	assert_int_equal(np_view_update(view, flows), 0);
	save();
	assert_non_null(strstr(np_buf_cstr(&text), "\"key\":[null]"));
	assert_int_equal(load(), 0);
	assert_int_equal((np_baseline_rows(base, &n), n), 1);
	assert_non_null(np_baseline_find(base, &g.row, NULL));
}

static void groups_that_top_cut_are_kept_too(void **state)
{
	struct np_view_cfg cfg = grouped("raddr");
	size_t n;

	(void)state;
	cfg.top = 2;
	assert_int_equal(np_view_new(&view, &cfg, NULL), 0);
	run(5, 1000, 100);
	np_view_rows(view, &n);
	assert_int_equal(n, 2);
	save();
	assert_int_equal(load(), 0);
	assert_int_equal((np_baseline_rows(base, &n), n), 5);
}

/* ---- differences ---- */

static void a_run_equal_to_its_baseline_differs_by_nothing(void **state)
{
	static const char *const cols[] = { "tx_bytes_diff", "tx_rate_diff", "rtt_p50_diff",
					    "rtt_p99_diff",  "rtt_diff",     "rtt_samples_diff",
					    "art_max_diff",  "conns_diff" };

	(void)state;
	new_view("raddr");
	run(3, 1000, 100);
	save();
	assert_int_equal(load(), 0);
	new_run();
	run(3, 1000, 100);
	for (uint8_t host = 1; host <= 3; host++)
		for (size_t i = 0; i < sizeof(cols) / sizeof(cols[0]); i++)
			NEAR(value(cols[i], host), 0.0);
}

static void differences_are_percents_of_the_baseline(void **state)
{
	struct np_value val;

	(void)state;
	new_view("raddr");
	run(3, 1000, 100);
	save();
	assert_int_equal(load(), 0);
	new_run();
	run(2, 1500, 1000);
	NEAR(value("tx_bytes_diff", 1), 50.0);
	NEAR(value("tx_rate_diff", 2), 50.0);
	NEAR(value("rtt_min_diff", 1), 900.0);
	NEAR(value("rtt_mean_diff", 2), 100.0 * (2019.5 - 219.5) / 219.5);
	/* the last look shows what is gone */
	NEAR(value("tx_bytes_diff", 3), -100.0);
	NEAR(value("conns_diff", 3), -100.0);
	NEAR(value("rtt_samples_diff", 3), -100.0);
	assert_int_equal(value("rtt_p50_diff", 3).kind, NP_VAL_NONE);
	assert_int_equal(value("tx_bytes", 3).integer, 0);
	np_col_read(np_col_find("tx_bytes_diff"), np_view_total(view), np_view_ctx(view), &val);
	NEAR(val, 100.0 * (4500 - 6000) / 6000);
}

/* Rates over whole runs: the other one was twice as long. */
static void rates_compare_whatever_the_runs_last(void **state)
{
	(void)state;
	new_view("raddr");
	run(1, 1000, 100);
	save();
	assert_int_equal(load(), 0);
	new_run();
	for (uint64_t round = 1; round <= 5; round++) {
		struct np_ev_sock r = conn(1, 1, round * 1000);

		begin();
		GIVE(r);
		end(0);
		assert_int_equal(np_view_update(view, flows), 0);
		np_flows_next(flows);
	}
	NEAR(value("tx_rate_diff", 1), 0.0);
	NEAR(value("tx_bytes_diff", 1), 100.0 * (5000 - 3000) / 3000);
}

static void what_the_baseline_has_not_differs_by_nothing_known(void **state)
{
	(void)state;
	new_view("raddr");
	run(1, 1000, 100);
	save();
	assert_int_equal(load(), 0);
	new_run();
	run(2, 1000, 100);
	assert_int_equal(value("tx_bytes_diff", 2).kind, NP_VAL_NONE); /* no such group */
	assert_int_equal(value("retrans_diff", 1).kind, NP_VAL_NONE);  /* it was 0 */
}

static void runs_of_different_samples_compare(void **state)
{
	char *at;

	(void)state;
	new_view("raddr");
	run(1, 1000, 100);
	save();
	/* as if one in two had been looked at */
	at = strstr(text.data, "\"sample\":1,");
	assert_non_null(at);
	at[9] = '2';
	assert_int_equal(load(), 0);
	new_run();
	run(1, 1000, 100);
	NEAR(value("tx_bytes_diff", 1), -50.0);
	NEAR(value("tx_rate_diff", 1), -50.0);
	NEAR(value("rtt_samples_diff", 1), -50.0);
	NEAR(value("rtt_p50_diff", 1), 0.0);
}

static void rows_can_be_chosen_and_sorted_by_difference(void **state)
{
	const struct np_row *const *rows;
	struct np_view_cfg cfg;
	struct np_expr *where = NULL;
	size_t n;

	(void)state;
	new_view("raddr");
	run(4, 1000, 100);
	save();
	assert_int_equal(load(), 0);
	new_run();
	cfg = grouped("raddr");
	assert_int_equal(np_expr_compile(&where, "tx_bytes_diff > 10% && rtt_p50_diff < 1%", &err),
			 0);
	cfg.where = where;
	assert_int_equal(np_view_sort(&cfg, "-tx_bytes_diff", &err), 0);
	assert_int_equal(np_view_set(view, &cfg), 0);
	for (uint64_t round = 1; round <= 2; round++) {
		begin();
		for (uint8_t host = 1; host <= 3; host++) {
			struct np_ev_sock r = conn(host, host, round * 1500 * host * host);

			GIVE(r);
			times_of(host, NP_TIME_RTT, 100 * host, 40);
		}
		end(0);
		assert_int_equal(np_view_update(view, flows), 0);
		np_flows_next(flows);
	}
	rows = np_view_rows(view, &n);
	/* 1: 3000 of 3000; 2: 12000 of 6000; 3: 27000 of 9000 */
	assert_int_equal(n, 2);
	assert_int_equal(rows[0]->raddr[15], 3);
	assert_int_equal(rows[1]->raddr[15], 2);
	np_view_free(view);
	view = NULL;
	np_expr_free(where);
}

/* A baseline that is compared and kept again holds this run alone. */
static void what_is_gone_is_not_kept_again(void **state)
{
	size_t n;

	(void)state;
	new_view("raddr");
	run(3, 1000, 100);
	save();
	assert_int_equal(load(), 0);
	new_run();
	run(1, 1000, 100);
	np_view_rows(view, &n);
	assert_int_equal(n, 3);
	save();
	np_view_free(view);
	view = NULL;
	assert_int_equal(load(), 0);
	assert_int_equal((np_baseline_rows(base, &n), n), 1);
}

static void differences_are_printed_with_their_sign(void **state)
{
	static const struct {
		uint64_t then, now;
		const char *text;
	} cases[] = { { 1000, 1125, "+12.5%" }, { 1000, 1000, "0%" },
		      { 1000, 500, "-50.0%" },  { 1000, 0, "-100%" },
		      { 10, 123, "+1130%" },    { 0, 5, "-" },
		      { 100000, 100001, "0%" }, { 1, UINT32_MAX, "+429496729400%" } };
	const struct np_format fmt = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_colctx then = { 0 }, ctx = { .base = &then };
		struct np_group_row b = { .row = { .flags = NP_ROW_GROUP,
						   .tx_bytes = cases[i].then } };
		struct np_group_row g = {
			.row = { .flags = NP_ROW_GROUP, .tx_bytes = cases[i].now }, .base = &b
		};

		np_buf_reset(&text);
		np_format_text(&text, np_col_find("tx_bytes_diff"), &g.row, &ctx, &fmt);
		assert_string_equal(np_buf_cstr(&text), cases[i].text);
	}
}

static void columns_that_do_not_add_up_have_no_difference(void **state)
{
	static const char *const none[] = {
		"pid_diff",   "comm_diff",     "age_diff", "share_diff",
		"older_diff", "rtt_diff_diff", "_diff",    "active_diff"
	};
	static const char *const some[] = { "tx_bytes_diff",    "rtt_diff",
					    "min_rtt_diff",     "cwnd_diff",
					    "retrans_pct_diff", "retrans_ratio_diff",
					    "rtt_p90_diff",     "events_diff" };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(np_col_find(none[i]));
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		const struct np_col *col = np_col_find(some[i]);

		assert_non_null(col);
		assert_string_equal(col->name, some[i]);
		assert_int_equal(strncmp(np_col_base(col)->name, some[i], strlen(some[i]) - 5), 0);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_all, teardown_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_kept_comes_back_exactly),
		T(names_of_any_bytes_come_back),
		T(a_group_of_the_unknown_is_a_group),
		T(groups_that_top_cut_are_kept_too),
		T(a_run_equal_to_its_baseline_differs_by_nothing),
		T(differences_are_percents_of_the_baseline),
		T(rates_compare_whatever_the_runs_last),
		T(what_the_baseline_has_not_differs_by_nothing_known),
		T(runs_of_different_samples_compare),
		T(rows_can_be_chosen_and_sorted_by_difference),
		T(what_is_gone_is_not_kept_again),
		T(differences_are_printed_with_their_sign),
		T(columns_that_do_not_add_up_have_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
