// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* One check over rows: what its aggregates come to, and the verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hist.h"
#include "flow/detail.h"
#include "view/check.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEC          1000000000ULL

static const struct np_colctx ctx = { .dt_ns = 4 * SEC, .now_ns = 190 * SEC };
static const struct np_check_limits one = { .min_samples = 1 };

static struct np_row conn(uint64_t tx, uint32_t rtt_us)
{
	return (struct np_row){ .proto = IPPROTO_TCP,
				.family = AF_INET,
				.conns = 1,
				.comm = "worker",
				.tx_bytes = tx,
				.tx_segs = 9,
				.rtt_us = rtt_us };
}

static struct np_check *compiled(const char *text, uint16_t kind, bool log)
{
	struct np_check *check;
	struct np_err err = { "" };

	if (np_check_new(&check, text, kind, log, &err))
		fail_msg("'%s': %s", text, err.msg);
	return check;
}

/* The verdict of TEXT over N connections; REASON of 256 bytes or NULL. */
static enum np_verdict over(const char *text, const struct np_row *rows, size_t n,
			    const struct np_check_limits *limits, char *reason)
{
	struct np_check *check = compiled(text, NP_COL_CONN, false);
	const struct np_check_result *result;
	enum np_verdict verdict;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(np_check_add(check, &rows[i], &ctx), 0);
	result = np_check_judge(check, limits, &ctx);
	verdict = result->verdict;
	assert_int_equal(*result->reason != '\0', verdict == NP_CHECK_INCONCLUSIVE);
	if (reason)
		memcpy(reason, result->reason, sizeof(result->reason));
	np_check_free(check);
	return verdict;
}

/* What the one aggregate TEXT comes to over the rows, to the last digit. */
static double value(const char *text, const struct np_row *rows, size_t n, uint64_t *samples)
{
	char check_text[128];
	const struct np_check_result *result;
	struct np_check *check;
	double num;

	snprintf(check_text, sizeof(check_text), "%s >= 0", text);
	check = compiled(check_text, NP_COL_CONN, false);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(np_check_add(check, &rows[i], &ctx), 0);
	result = np_check_judge(check, &one, &ctx);
	assert_int_equal(result->nvalues, 1);
	assert_string_equal(result->values[0].name, text);
	num = result->values[0].known ? result->values[0].num : NAN;
	if (samples)
		*samples = result->values[0].samples;
	np_check_free(check);
	return num;
}

/* ---- over rows ---- */

#define ROWS 1009

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void aggregates_over_rows_are_those_of_the_sorted_values(void **state)
{
	static struct np_row rows[ROWS];
	static uint64_t sorted[ROWS];
	uint32_t seed = 7;
	uint64_t sum = 0, samples, above = 0;
	char text[32];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		seed = seed * 1103515245 + 12345;
		/* many are equal, some are 0, some more than a float holds */
		sorted[i] = i % 7 ? (seed >> 16) % 100 : (1ULL << 53) / 2048 + seed;
		rows[i] = conn(sorted[i], 100);
		sum += sorted[i];
		above += sorted[i] > 50;
	}
	qsort(sorted, ROWS, sizeof(sorted[0]), by_size);
	assert_true(value("count()", rows, ROWS, &samples) == ROWS);
	assert_int_equal(samples, ROWS);
	assert_true(value("count(tx_bytes > 50)", rows, ROWS, NULL) == (double)above);
	assert_true(value("sum(tx_bytes)", rows, ROWS, NULL) == (double)sum);
	assert_true(value("tx_bytes", rows, ROWS, NULL) == (double)sum);
	assert_true(value("min(tx_bytes)", rows, ROWS, NULL) == (double)sorted[0]);
	assert_true(value("max(tx_bytes)", rows, ROWS, NULL) == (double)sorted[ROWS - 1]);
	assert_true(fabs(value("mean(tx_bytes)", rows, ROWS, NULL) - (double)sum / ROWS) <
		    1e-9 * (double)sum);
	assert_true(value("avg(tx_bytes)", rows, ROWS, NULL) ==
		    value("mean(tx_bytes)", rows, ROWS, NULL));
	assert_true(value("max(tx_bytes * 2 + 1)", rows, ROWS, NULL) ==
		    2.0 * (double)sorted[ROWS - 1] + 1);
	for (int q = 0; q <= 100; q++) {
		size_t rank = ((size_t)q * ROWS + 99) / 100; /* the least that q % do not exceed */

		snprintf(text, sizeof(text), "p%d(tx_bytes)", q);
		assert_true(value(text, rows, ROWS, NULL) == (double)sorted[rank ? rank - 1 : 0]);
	}
	assert_true(value("p99.9(tx_bytes)", rows, ROWS, NULL) == (double)sorted[ROWS - 2]);
	assert_true(value("p99.99(tx_bytes)", rows, ROWS, NULL) == (double)sorted[ROWS - 1]);
}

static void a_rank_is_not_rounded_up_by_a_hair(void **state)
{
	struct np_row rows[100];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		rows[i] = conn(i + 1, 0);
	/* 0.07 * 100 is more than 7, in doubles */
	assert_true(value("p7(tx_bytes)", rows, 100, NULL) == 7);
	assert_true(value("p14(tx_bytes)", rows, 100, NULL) == 14);
	assert_true(value("p29(tx_bytes)", rows, 100, NULL) == 29);
}

static void sums_are_exact_beyond_what_a_double_holds(void **state)
{
	struct np_row rows[] = { conn(1ULL << 60, 0), conn(1, 0) };

	(void)state;
	assert_int_equal(over("sum(tx_bytes) == 1152921504606846977", rows, 2, &one, NULL),
			 NP_CHECK_PASS);
	assert_int_equal(over("sum(tx_bytes) == 1152921504606846976", rows, 2, &one, NULL),
			 NP_CHECK_FAIL);
	assert_int_equal(over("max(tx_bytes) > 1152921504606846975", rows, 2, &one, NULL),
			 NP_CHECK_PASS);
	/* more than 64 bits: the nearest double */
	rows[1] = conn(UINT64_MAX, 0);
	assert_int_equal(over("sum(tx_bytes) > 18446744073709551615", rows, 2, &one, NULL),
			 NP_CHECK_PASS);
}

static void rows_without_a_value_are_left_out(void **state)
{
	struct np_row rows[] = { conn(10, 0), conn(20, 3000), conn(30, 1000) };
	uint64_t samples;

	(void)state;
	assert_true(isnan(value("max(rttvar + min_rtt)", rows, 3, &samples)));
	assert_int_equal(samples, 0);
	rows[1].rttvar_us = 500;
	rows[2].rttvar_us = 1500;
	assert_true(fabs(value("mean(rttvar)", rows, 3, &samples) - 0.001) < 1e-12);
	assert_int_equal(samples, 2);
	assert_true(value("count(rttvar > 0s)", rows, 3, &samples) == 2);
	/* neither true nor false of the one that has none */
	assert_true(value("count(!(rttvar > 0s))", rows, 3, &samples) == 0);
}

/* ---- a column by itself ---- */

static void a_bare_column_is_its_value_in_the_total(void **state)
{
	struct np_row rows[] = { conn(1000, 1000), conn(3000, 2000), conn(0, 0) };

	(void)state;
	rows[0].retrans = 1;
	rows[1].retrans = 2;
	rows[0].d_sent = 100;
	rows[1].d_sent = 300;
	rows[1].d_retrans_bytes = 40;
	rows[1].d_tx = 8000;
	rows[0].retrans_bytes = 1000;
	rows[0].tx_segs = 0;
	rows[1].tx_segs = 2;
	rows[0].cwnd = 10;
	rows[1].cwnd = 20;
	rows[0].min_rtt_us = 70;
	rows[1].min_rtt_us = 60;
	assert_int_equal(over("retrans == 3 && conns == 3", rows, 3, &one, NULL), NP_CHECK_PASS);
	assert_int_equal(over("retrans_pct == 10", rows, 3, &one, NULL), NP_CHECK_PASS);
	assert_int_equal(over("retrans_ratio == 20", rows, 3, &one, NULL), NP_CHECK_PASS);
	assert_int_equal(over("tx_rate == 2000", rows, 3, &one, NULL), NP_CHECK_PASS);
	assert_int_equal(over("sum(tx_rate) == 2000", rows, 3, &one, NULL), NP_CHECK_PASS);
	assert_int_equal(over("cwnd == 20 && min_rtt == 60us", rows, 3, &one, NULL), NP_CHECK_PASS);
	/* weighted by segments sent + 1: (1 * 1 ms + 3 * 2 ms) / 4 */
	assert_int_equal(over("rtt == 1750us", rows, 3, &one, NULL), NP_CHECK_PASS);
}

static void a_rate_takes_two_refreshes(void **state)
{
	const struct np_colctx first = { .dt_ns = 0, .now_ns = 190 * SEC };
	struct np_check *check = compiled("tx_rate < 1MiB", NP_COL_CONN, false);
	struct np_row row = conn(1, 1);

	(void)state;
	assert_int_equal(np_check_add(check, &row, &first), 0);
	assert_int_equal(np_check_judge(check, &one, &first)->verdict, NP_CHECK_INCONCLUSIVE);
	assert_int_equal(np_check_judge(check, &one, &ctx)->verdict, NP_CHECK_PASS);
	np_check_free(check);
}

/* ---- samples ---- */

static void samples_are_of_all_connections_together(void **state)
{
	struct np_hist hist[3] = { { 0 } }, all = { 0 };
	struct np_detail detail[3] = { { 0 } };
	struct np_row rows[4];
	uint64_t samples;
	char text[32];

	(void)state;
	for (uint32_t i = 0; i < 900; i++) {
		uint32_t us = i % 3 == 2 ? 50000 + 100 * i : 100 + i;

		assert_int_equal(np_hist_add(&hist[i % 3], us, 1), 0);
		assert_int_equal(np_hist_add(&all, us, 1), 0);
	}
	for (size_t i = 0; i < 4; i++)
		rows[i] = conn(1, 100);
	for (size_t i = 0; i < 3; i++) {
		detail[i].hist[NP_HIST_RTT] = &hist[i];
		rows[i].detail = &detail[i];
	}
	for (int q = 0; q <= 100; q++) {
		snprintf(text, sizeof(text), "p%d(rtt)", q);
		assert_true(value(text, rows, 4, &samples) ==
			    np_hist_quantile(&all, q / 100.0) / 1e6);
		assert_int_equal(samples, 900);
	}
	assert_true(value("p99.9(rtt)", rows, 4, NULL) == np_hist_quantile(&all, 0.999) / 1e6);
	assert_true(value("count(rtt)", rows, 4, NULL) == 900);
	assert_true(value("min(rtt)", rows, 4, NULL) == 100 / 1e6);
	assert_true(value("max(rtt)", rows, 4, NULL) == 139900 / 1e6);
	assert_true(value("mean(rtt)", rows, 4, NULL) == np_hist_mean(&all) / 1e6);
	assert_true(value("sum(rtt)", rows, 4, NULL) == (double)all.sum / 1e6);
	/* the column says the same of them */
	assert_true(value("rtt_p99", rows, 4, &samples) == value("p99( rtt )", rows, 4, NULL));
	assert_int_equal(samples, 900);
	assert_true(value("rtt_samples", rows, 4, NULL) == 900);
	/* the worst of the connections, each by itself */
	assert_true(value("max(rtt_p50)", rows, 4, &samples) ==
		    np_hist_quantile(&hist[2], 0.5) / 1e6);
	assert_int_equal(samples, 3);
	/* an expression is over rows: the kernel's smoothed time */
	assert_true(fabs(value("max(rtt + 0s)", rows, 4, &samples) - 100 / 1e6) < 1e-12);
	assert_int_equal(samples, 4);
	for (size_t i = 0; i < 3; i++)
		np_hist_free(&hist[i]);
	np_hist_free(&all);
}

/* ---- what is not known ---- */

static void of_nothing_counts_and_sums_are_0_and_the_rest_is_inconclusive(void **state)
{
	static const char *const pass[] = { "count() == 0",       "count(rtt > 1ms) == 0",
					    "sum(tx_bytes) == 0", "retrans == 0",
					    "count(rtt) == 0",    "opened < 1",
					    "sum(rtt) == 0",      "tx_rate == 0" };
	static const char *const none[] = { "p99(rtt) < 5ms",     "mean(tx_bytes) < 1",
					    "max(tx_bytes) < 1",  "min(tx_bytes) >= 0",
					    "retrans_pct < 0.1",  "rtt < 1s",
					    "p50(tx_bytes) >= 0", "!(max(tx_bytes) > 1)",
					    "1 / count() > 0",    "rtt_p99 < 1s" };
	char reason[256];

	(void)state;
	for (size_t i = 0; i < COUNT(pass); i++)
		if (over(pass[i], NULL, 0, &one, NULL) != NP_CHECK_PASS)
			fail_msg("%s", pass[i]);
	for (size_t i = 0; i < COUNT(none); i++)
		if (over(none[i], NULL, 0, &one, NULL) != NP_CHECK_INCONCLUSIVE)
			fail_msg("%s", none[i]);
	assert_int_equal(over("count() > 0", NULL, 0, &one, NULL), NP_CHECK_FAIL);
	over("p99(rtt) < 5ms", NULL, 0, &one, reason);
	assert_string_equal(reason, "no samples of rtt");
	over("p99(syn_rtt) < 5ms", NULL, 0, &one, reason);
	assert_string_equal(reason, "no samples of syn");
	over("max(tx_bytes) < 1", NULL, 0, &one, reason);
	assert_string_equal(reason, "no connections");
	over("1 / count() > 0", NULL, 0, &one, reason);
	assert_string_equal(reason, "a division by 0");
}

static void few_samples_are_inconclusive_even_for_a_breach(void **state)
{
	static const struct np_check_limits three = { .min_samples = 3 };
	struct np_hist hist = { 0 };
	struct np_detail detail = { .hist = { [NP_HIST_RTT] = &hist } };
	struct np_row rows[] = { conn(10, 100), conn(20, 100) };
	char reason[256];

	(void)state;
	assert_int_equal(np_hist_add(&hist, 500, 2), 0);
	rows[0].detail = &detail;
	assert_int_equal(over("p99(rtt) < 5ms", rows, 2, &three, reason), NP_CHECK_INCONCLUSIVE);
	assert_string_equal(reason, "only 2 samples of rtt, fewer than --min-samples 3");
	assert_int_equal(over("p99(rtt) > 5ms", rows, 2, &three, NULL), NP_CHECK_INCONCLUSIVE);
	assert_int_equal(over("max(tx_bytes) < 5", rows, 2, &three, reason), NP_CHECK_INCONCLUSIVE);
	assert_string_equal(reason,
			    "max(tx_bytes) is of only 2 connections, fewer than --min-samples 3");
	assert_int_equal(over("rtt < 1s", rows, 2, &three, NULL), NP_CHECK_INCONCLUSIVE);
	/* these are of what there is */
	assert_int_equal(
	    over("count() == 2 && sum(tx_bytes) == 30 && count(rtt) == 2", rows, 2, &three, NULL),
	    NP_CHECK_PASS);
	assert_int_equal(np_hist_add(&hist, 500, 1), 0);
	assert_int_equal(over("p99(rtt) < 5ms", rows, 2, &three, NULL), NP_CHECK_PASS);
	np_hist_free(&hist);
}

static void with_losses_nothing_passes_and_a_breach_stays_one(void **state)
{
	static const struct np_check_limits lost = { .min_samples = 1, .lost = 5 };
	static const struct np_check_limits forgotten = { .min_samples = 1, .forgotten = 2 };
	static const struct np_check_limits unseen = { .min_samples = 1,
						       .unmeasured = "it was dark" };
	struct np_row row = conn(10, 100);
	char reason[256];

	(void)state;
	assert_int_equal(over("count() == 1", &row, 1, &lost, reason), NP_CHECK_INCONCLUSIVE);
	assert_string_equal(reason, "it holds for what was seen, but 5 records were lost");
	assert_int_equal(over("count() == 1", &row, 1, &forgotten, NULL), NP_CHECK_INCONCLUSIVE);
	assert_int_equal(over("count() == 0", &row, 1, &lost, NULL), NP_CHECK_FAIL);
	assert_int_equal(over("count() == 1", &row, 1, &unseen, reason), NP_CHECK_INCONCLUSIVE);
	assert_string_equal(reason, "it holds for what was measured, but it was dark");
	assert_int_equal(over("count() == 0", &row, 1, &unseen, NULL), NP_CHECK_FAIL);
	assert_int_equal(over("max(rttvar) < 1s", &row, 1, &lost, reason), NP_CHECK_INCONCLUSIVE);
	assert_string_equal(reason, "none of 1 connections has a value for max(rttvar)");
}

static void what_is_known_decides_before_what_is_not(void **state)
{
	struct np_row row = conn(10, 100);

	(void)state;
	assert_int_equal(over("count() == 0 && p99(rtt) < 1s", &row, 1, &one, NULL), NP_CHECK_FAIL);
	assert_int_equal(over("p99(rtt) < 1s || count() == 1", &row, 1, &one, NULL), NP_CHECK_PASS);
	assert_int_equal(over("p99(rtt) < 1s || count() == 0", &row, 1, &one, NULL),
			 NP_CHECK_INCONCLUSIVE);
	assert_int_equal(over("!(p99(rtt) < 1s && count() == 1)", &row, 1, &one, NULL),
			 NP_CHECK_INCONCLUSIVE);
	assert_int_equal(over("sum(tx_bytes) / count() == 10", &row, 1, &one, NULL), NP_CHECK_PASS);
	assert_int_equal(over("sum(tx_bytes) > 1 and not count() > 1", &row, 1, &one, NULL),
			 NP_CHECK_PASS);
	assert_int_equal(over("-sum(tx_bytes) + 20 == 10", &row, 1, &one, NULL), NP_CHECK_PASS);
}

/* ---- which rows ---- */

static void a_log_is_checked_by_its_events_or_by_its_connections(void **state)
{
	static const struct {
		const char *text;
		uint16_t kind;
	} all[] = {
		{ "count() == 0", NP_COL_EVENT },
		{ "count(event == \"drop\") == 0", NP_COL_EVENT },
		{ "count(comm == curl) == 0", NP_COL_EVENT },
		{ "max(duration) < 1s", NP_COL_EVENT },
		{ "sum(events) < 3", NP_COL_CONN },
		{ "sum(tx_bytes) < 10MiB", NP_COL_CONN },
		{ "sum(tx_bytes) / count() < 10MiB", NP_COL_EVENT },
		{ "sum(tx_bytes) / count(end == closed) < 1MiB", NP_COL_EVENT },
		{ "retrans == 0", NP_COL_CONN },
		{ "retrans_pct < 0.1", NP_COL_CONN },
		{ "p99(rtt) < 5ms", NP_COL_CONN },
		{ "count(rtt) > 10", NP_COL_CONN },
		{ "p99(rtt) < 5ms && count() > 10", NP_COL_CONN },
		{ "count(retrans_pct > 1) == 0", NP_COL_CONN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct np_check *check = compiled(all[i].text, NP_COL_EVENT, true);

		if (np_check_kind(check) != all[i].kind)
			fail_msg("%s: %d", all[i].text, np_check_kind(check));
		np_check_free(check);
	}
}

static void refused(const char *text, uint16_t kind, bool log, const char *says)
{
	struct np_check *check = NULL;
	struct np_err err = { "" };

	if (np_check_new(&check, text, kind, log, &err) != -EINVAL)
		fail_msg("'%s' was not refused", text);
	assert_null(check);
	if (!strstr(err.msg, says))
		fail_msg("'%s': %s", text, err.msg);
}

static void rows_that_are_not_there_are_refused_with_the_fix(void **state)
{
	(void)state;
	refused("count(event == \"drop\") == 0", NP_COL_CONN, false, "npretrans without --summary");
	refused("sum(packets) > 0", NP_COL_CONN, false, "nptop --by interface");
	refused("sum(packets) > 0", NP_COL_EVENT, true, "nptop --by interface");
	refused("p99(rtt) < 1s", NP_COL_IFACE, false, "leave --listen or --by interface away");
	refused("p99(rtt) < 1s", NP_COL_EVENT, false, "group by something else than kind");
	refused("p99(rtt) < 1s && count(event == drop) == 0", NP_COL_EVENT, true,
		"make two checks");
	refused("sum(segs) > 2 * conns", NP_COL_EVENT, true, "make two checks");
	refused("count(duration > 1s && retrans_pct > 1) == 0", NP_COL_EVENT, true,
		"no rows have all");
}

static void a_wrong_check_is_shown_where_it_is_wrong(void **state)
{
	static const struct {
		const char *text, *says;
	} all[] = {
		{ "p99(rtt)", "no condition" },
		{ "", "is missing" },
		{ "true", "looks at nothing" },
		{ "1 < 2", "looks at nothing" },
		{ "count(", "is missing, at its end" },
		{ "count() == 0 0", "the end is missing" },
		{ "count(rtt > 1ms == 0", "closing one" },
		{ "p101(rtt) < 1s", "at 'p101(rtt) < 1s' (character 1)" },
		{ "p(rtt) < 1s", "nothing is called 'p('" },
		{ "p99.9.9(rtt) < 1s", "" },
		{ "median(rtt) < 1s", "nothing is called 'median('" },
		{ "sum() < 1", "a column is missing" },
		{ "max(sum(tx_bytes)) < 1", "one aggregate inside of another" },
		{ "count(tx_bytes) == 0", "takes a condition" },
		{ "sum(comm) < 1", "only numbers" },
		{ "sum(tx_bytes > 1) < 1", "only numbers" },
		{ "comm == \"x\"", "'comm' is of each row" },
		{ "older", "is of each row" },
		{ "syn_rtt < 1s", "rows have no 'syn_rtt' in common" },
		{ "pid == 1", "rows have no 'pid' in common" },
		{ "srt < 1s", "take p99(srt)" },
		{ "max(srt + 1ms) < 1s", "take p99(srt)" },
		{ "share < 5", "of a refresh" },
		{ "max(tx_avg2 + 1) < 5", "of a refresh" },
		{ "count(share > 5) == 0", "of a refresh" },
		{ "p99(rtt) < 5MiB", "different units" },
		{ "sum(tx_bytes) < 5ms", "different units" },
		{ "p99(rtt) + sum(tx_bytes) < 5ms", "do not add up" },
		{ "p99(rtt) < 1.2 * baselin", "no column is called 'baselin'" },
		{ "baseline < 5", "the other side of the comparison" },
		{ "baseline < baseline", "the other side of the comparison" },
		{ "sum(tx_bytes) - baseline < 1MiB", "sum(tx_bytes) < baseline + 1MiB" },
		{ "p99(rtt) < sum(rtt) * baseline", "the other side of the comparison" },
		{ "count(tx_bytes < baseline) == 0", "not inside" },
		{ "p99(rtt) < baseline + 1MiB", "different units" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++)
		refused(all[i].text, NP_COL_CONN, false, all[i].says);
}

static void depth_and_size_are_bounded(void **state)
{
	char text[8192];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 200; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "(");
	snprintf(text + len, sizeof(text) - len, "count() > 1");
	refused(text, NP_COL_CONN, false, "nested too deeply");
	len = 0;
	for (int i = 0; i < 300; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "count()+");
	snprintf(text + len, sizeof(text) - len, "1 > 1");
	refused(text, NP_COL_CONN, false, "more than 512 parts");
	len = (size_t)snprintf(text, sizeof(text), "count() > ");
	memset(text + len, '1', 5000);
	text[len + 5000] = '\0';
	refused(text, NP_COL_CONN, false, "longer than");
}

/* ---- groups ---- */

static void groups_stand_for_their_members_and_are_called_rows(void **state)
{
	struct np_group_row g = { .row = conn(500, 100) };
	struct np_check *check =
	    compiled("count() == 1 && max(tx_bytes) == 500", NP_COL_CONN, false);
	const struct np_check_result *result;

	(void)state;
	g.row.flags |= NP_ROW_GROUP;
	assert_int_equal(np_check_add(check, &g.row, &ctx), 0);
	result = np_check_judge(check, &one, &ctx);
	assert_int_equal(result->verdict, NP_CHECK_PASS);
	assert_string_equal(result->values[0].of, "rows");
	np_check_free(check);
}

/* ---- the baseline ---- */

struct before {
	struct np_row rows[2];
	const struct np_row *list[2];
	struct np_baseline_view view;
};

static void baseline_of(struct before *b, uint64_t tx1, uint64_t tx2)
{
	b->rows[0] = conn(tx1, 100);
	b->rows[1] = conn(tx2, 100);
	b->list[0] = &b->rows[0];
	b->list[1] = &b->rows[1];
	b->view = (struct np_baseline_view){
		.kind = NP_COL_CONN, .rows = b->list, .nrows = 2, .ctx = { .dt_ns = 2 * SEC }
	};
}

static enum np_verdict against(const char *text, const struct np_row *rows, size_t n,
			       const struct np_baseline_view *base, const char *why, char *reason)
{
	struct np_check *check = compiled(text, NP_COL_CONN, false);
	const struct np_check_result *result;
	enum np_verdict verdict;

	assert_true(np_check_wants_baseline(check));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(np_check_add(check, &rows[i], &ctx), 0);
	assert_int_equal(np_check_baseline(check, base, why), 0);
	result = np_check_judge(check, &one, &ctx);
	verdict = result->verdict;
	if (reason)
		memcpy(reason, result->reason, sizeof(result->reason));
	np_check_free(check);
	return verdict;
}

static void baseline_is_the_other_side_in_the_run_before(void **state)
{
	struct np_row rows[] = { conn(100, 100), conn(200, 100), conn(300, 100) };
	struct before b;

	(void)state;
	baseline_of(&b, 150, 250);
	assert_int_equal(against("max(tx_bytes) < 1.2 * baseline", rows, 3, &b.view, "", NULL),
			 NP_CHECK_FAIL);
	assert_int_equal(against("max(tx_bytes) <= 1.2 * baseline", rows, 3, &b.view, "", NULL),
			 NP_CHECK_PASS);
	assert_int_equal(against("baseline + 50 == max(tx_bytes)", rows, 3, &b.view, "", NULL),
			 NP_CHECK_PASS);
	assert_int_equal(against("sum(tx_bytes) / count() == baseline", rows, 3, &b.view, "", NULL),
			 NP_CHECK_PASS);
	assert_int_equal(against("sum(tx_bytes) == baseline + 200 && count() == baseline + 1", rows,
				 3, &b.view, "", NULL),
			 NP_CHECK_PASS);
	assert_int_equal(
	    against("!(count() < baseline || count() == baseline)", rows, 3, &b.view, "", NULL),
	    NP_CHECK_PASS);
}

static void without_its_baseline_a_check_is_inconclusive(void **state)
{
	struct np_row row = conn(100, 100);
	struct before b;
	char reason[256];

	(void)state;
	baseline_of(&b, 150, 250);
	assert_int_equal(
	    against("count() == baseline", &row, 1, NULL, "FILE was not there", reason),
	    NP_CHECK_INCONCLUSIVE);
	assert_string_equal(reason, "FILE was not there");
	assert_int_equal(against("p99(rtt) < baseline", &row, 1, &b.view, "", reason),
			 NP_CHECK_INCONCLUSIVE);
	assert_string_equal(reason, "no samples of rtt");
	assert_int_equal(against("max(rttvar) < baseline || max(tx_bytes) < baseline", &row, 1,
				 &b.view, "", NULL),
			 NP_CHECK_PASS);
	b.view.kind = NP_COL_IFACE;
	assert_int_equal(against("count() == baseline", &row, 1, &b.view, "", reason),
			 NP_CHECK_INCONCLUSIVE);
	assert_string_equal(reason, "the baseline is of interfaces, this is of connections");
	b.view.kind = NP_COL_CONN;
	b.view.nrows = 0;
	assert_int_equal(against("max(tx_bytes) < baseline", &row, 1, &b.view, "", reason),
			 NP_CHECK_INCONCLUSIVE);
	assert_string_equal(reason, "in the baseline: no connections");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aggregates_over_rows_are_those_of_the_sorted_values),
		cmocka_unit_test(a_rank_is_not_rounded_up_by_a_hair),
		cmocka_unit_test(sums_are_exact_beyond_what_a_double_holds),
		cmocka_unit_test(rows_without_a_value_are_left_out),
		cmocka_unit_test(a_bare_column_is_its_value_in_the_total),
		cmocka_unit_test(a_rate_takes_two_refreshes),
		cmocka_unit_test(samples_are_of_all_connections_together),
		cmocka_unit_test(of_nothing_counts_and_sums_are_0_and_the_rest_is_inconclusive),
		cmocka_unit_test(few_samples_are_inconclusive_even_for_a_breach),
		cmocka_unit_test(with_losses_nothing_passes_and_a_breach_stays_one),
		cmocka_unit_test(what_is_known_decides_before_what_is_not),
		cmocka_unit_test(a_log_is_checked_by_its_events_or_by_its_connections),
		cmocka_unit_test(rows_that_are_not_there_are_refused_with_the_fix),
		cmocka_unit_test(a_wrong_check_is_shown_where_it_is_wrong),
		cmocka_unit_test(depth_and_size_are_bounded),
		cmocka_unit_test(groups_stand_for_their_members_and_are_called_rows),
		cmocka_unit_test(baseline_is_the_other_side_in_the_run_before),
		cmocka_unit_test(without_its_baseline_a_check_is_inconclusive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
