// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#include "meta/meta.h"
#include "view/col.h"

#define SEC 1000000000ULL

static struct np_row a, b;
static struct np_group_row group;
static struct np_merge plan;
static struct np_value val;
static const struct np_colctx ctx = { .dt_ns = SEC, .now_ns = 100 * SEC, .wall_ns = SEC };

static int setup(void **state)
{
	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.proto = b.proto = IPPROTO_TCP;
	np_merge_init(&plan);
	return 0;
}

static const struct np_col *col(const char *name)
{
	const struct np_col *found = np_col_find(name);

	if (!found)
		fail_msg("no column %s", name);
	return found;
}

static int read_row(const char *name, const struct np_row *row)
{
	np_col_read(col(name), row, &ctx, &val);
	return (int)val.kind;
}

static void whole_is(const char *name, const struct np_row *row, uint64_t n)
{
	assert_int_equal(read_row(name, row), NP_VAL_NUM);
	assert_true(val.whole);
	assert_int_equal(val.integer, n);
}

static void num_is(const char *name, const struct np_row *row, double n)
{
	assert_int_equal(read_row(name, row), NP_VAL_NUM);
	assert_true(val.num > n - 1e-9 && val.num < n + 1e-9);
}

static void str_is(const char *name, const struct np_row *row, const char *s)
{
	assert_int_equal(read_row(name, row), NP_VAL_STR);
	assert_string_equal(val.str, s);
}

/* The group of a and b, with NAME among the columns in use. */
static const struct np_row *group_of(const char *name)
{
	np_merge_add(&plan, col(name));
	np_merge_begin(&group, &a);
	np_merge_row(&plan, &group, &a);
	np_merge_row(&plan, &group, &b);
	return &group.row;
}

static void table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < np_ncols; i++) {
		const struct np_col *c = &np_cols[i];

		assert_ptr_equal(np_col_find(c->name), c); /* no name twice */
		for (const char *p = c->name; *p; p++)
			assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) ||
				    *p == '_');
		assert_true(*c->head && *c->help && c->width);
		assert_true(c->help[strlen(c->help) - 1] != '.');
		assert_true(c->flags & NP_COL_KINDS);
		if (c->type == NP_TYPE_ENUM)
			assert_true(c->names && c->nnames);
		if (c->flags & NP_COL_GROUP)
			assert_int_equal(c->agg, NP_AGG_SAME);
	}
	assert_null(np_col_find("no_such"));
	assert_null(np_col_find(""));
}

/* A log's header is written before its rows are known. */
static void what_a_log_begins_with_fits_its_header(void **state)
{
	const struct np_col *event = np_col_find("event");

	(void)state;
	for (size_t i = 0; i < event->nnames; i++)
		assert_true(strlen(event->names[i]) <= event->width);
	assert_int_equal(np_col_find("time")->width, strlen("16:34:33.937"));
}

static void numbers_read_in_base_units(void **state)
{
	(void)state;
	a.tx_bytes = UINT64_MAX;
	a.d_tx = 10;
	a.d_rx = 20;
	a.rtt_us = 1500;
	a.first_ns = 40 * SEC;
	a.pid = 77;
	a.d_sent = 200;
	a.d_retrans_bytes = 1;
	a.ssthresh = INT32_MAX;
	whole_is("tx_bytes", &a, UINT64_MAX);
	whole_is("rate", &a, 30);
	num_is("rtt", &a, 0.0015);
	num_is("age", &a, 60);
	num_is("retrans_pct", &a, 0.5);
	whole_is("pid", &a, 77);
	assert_int_equal(read_row("ssthresh", &a), NP_VAL_NONE); /* no threshold yet */
	assert_int_equal(read_row("cwnd", &a), NP_VAL_NONE);
	assert_int_equal(read_row("min_rtt", &a), NP_VAL_NONE);
	a.avg_rx[2] = 12.6F;
	whole_is("rx_avg40", &a, 13);
	a.avg_rx[2] = -1;
	whole_is("rx_avg40", &a, 0);
}

static void names_read_as_strings(void **state)
{
	struct np_cgroup cgroup = { .path = "/a", .unit = "a.service", .container = "" };

	(void)state;
	a.cgroup = &cgroup;
	strcpy(a.comm, "sh");
	str_is("comm", &a, "sh");
	str_is("unit", &a, "a.service");
	assert_int_equal(read_row("container", &a), NP_VAL_NONE);
	assert_int_equal(read_row("command", &a), NP_VAL_NONE);
	str_is("proto", &a, "tcp");
	a.proto = 132;
	str_is("proto", &a, "132"); /* no name: its number */
	a.state = 200;
	str_is("state", &a, "200");
	a.state = 0;
	assert_int_equal(read_row("state", &a), NP_VAL_NONE);
	str_is("remote", &a, "*");
}

static void what_means_nothing_on_a_row_is_unknown(void **state)
{
	(void)state;
	a.rtt_us = a.tx_bytes = 5;
	a.flags = NP_ROW_NO_RETR | NP_ROW_NO_BYTES;
	assert_int_equal(read_row("rtt", &a), NP_VAL_NONE);
	assert_int_equal(read_row("tx_bytes", &a), NP_VAL_NONE);
	assert_int_equal(read_row("wire_bytes", &a), NP_VAL_NONE);
	a.flags = NP_ROW_IFACE | NP_ROW_UP;
	whole_is("wire_bytes", &a, 5);
	assert_int_equal(read_row("tx_bytes", &a), NP_VAL_NONE);
	assert_int_equal(read_row("up", &a), NP_VAL_BOOL);
	assert_true(val.num == 1);
}

static void order_is_that_of_the_type(void **state)
{
	static const uint8_t two[16] = { [10] = 0xff, [11] = 0xff, [12] = 2 };
	static const uint8_t ten[16] = { [10] = 0xff, [11] = 0xff, [12] = 10 };

	(void)state;
	a.tx_bytes = UINT64_MAX - 1;
	b.tx_bytes = UINT64_MAX; /* the same double */
	assert_true(np_col_cmp(col("tx_bytes"), &a, &b, &ctx) < 0);
	strcpy(a.comm, "a");
	strcpy(b.comm, "b");
	assert_true(np_col_cmp(col("comm"), &a, &b, &ctx) < 0);
	memcpy(a.raddr, two, 16);
	memcpy(b.raddr, ten, 16);
	assert_true(np_col_cmp(col("raddr"), &a, &b, &ctx) < 0); /* not as text */
	memcpy(a.raddr, ten, 16);
	assert_int_equal(np_col_cmp(col("raddr"), &a, &b, &ctx), 0);
	a.rport = 9;
	b.rport = 10;
	assert_true(np_col_cmp(col("remote"), &a, &b, &ctx) < 0);
	a.rtt_us = 3;
	b.rtt_us = 2;
	assert_true(np_col_cmp(col("rtt"), &a, &b, &ctx) > 0);
	b.rtt_us = 0; /* unknown: less than all, so that a view can tell */
	assert_true(np_col_cmp(col("rtt"), &b, &a, &ctx) < 0);
	a.rtt_us = 0;
	assert_int_equal(np_col_cmp(col("rtt"), &a, &b, &ctx), 0);
}

/* NAME tells A from B, and A from itself it does not. */
static void tells_apart(const char *name)
{
	const struct np_col *c = col(name);

	if (!np_col_same(c, &a, &a) || np_col_same(c, &a, &b) ||
	    np_col_hash(c, &a, 1) == np_col_hash(c, &b, 1) ||
	    np_col_hash(c, &a, 1) == np_col_hash(c, &a, 2))
		fail_msg("%s", name);
}

static void keys_compare_and_hash_alike(void **state)
{
	struct np_cgroup one = { .container_id = "aa" }, two = { .container_id = "aa" };
	struct np_cgroup none = { .container_id = "" };

	(void)state;
	a.pid = 1;
	a.start_ns = 1;
	a.netns = 1;
	a.uid = 1;
	a.lport = 1;
	a.rport = 2; /* the address is the same */
	a.laddr[3] = 1;
	a.state = 1;
	strcpy(a.comm, "x");
	a.cgroup = &one;
	tells_apart("pid");
	tells_apart("started");
	tells_apart("comm");
	tells_apart("uid");
	tells_apart("user");
	tells_apart("netns");
	tells_apart("lport");
	tells_apart("laddr");
	tells_apart("remote");
	tells_apart("state");
	tells_apart("container_id");
	assert_true(np_col_same(col("proto"), &a, &b));
	b.cgroup = &two; /* by what it says, not where it is */
	assert_true(np_col_same(col("container_id"), &a, &b));
	assert_int_equal(np_col_hash(col("container_id"), &a, 5),
			 np_col_hash(col("container_id"), &b, 5));
	a.cgroup = NULL;
	b.cgroup = &none; /* unknown is unknown */
	assert_true(np_col_same(col("container_id"), &a, &b));
	assert_int_equal(np_col_hash(col("container_id"), &a, 5),
			 np_col_hash(col("container_id"), &b, 5));
	strcpy(b.comm, "x");
	b.comm[10] = 'z'; /* behind the end */
	assert_true(np_col_same(col("comm"), &a, &b));
	assert_int_equal(np_col_hash(col("comm"), &a, 5), np_col_hash(col("comm"), &b, 5));
}

static void flags_are_one_bit_of_a_row(void **state)
{
	(void)state;
	a.flags = NP_ROW_IFACE | NP_ROW_UP;
	b.flags = NP_ROW_IFACE | NP_ROW_UP | NP_ROW_ACTIVE;
	assert_true(np_col_same(col("up"), &a, &b));
	assert_int_equal(np_col_hash(col("up"), &a, 1), np_col_hash(col("up"), &b, 1));
	assert_int_equal(read_row("up", group_of("up")), NP_VAL_BOOL);
	assert_true(val.num == 1);
	assert_int_equal(read_row("active", &group.row), NP_VAL_BOOL);
	assert_true(val.num == 1); /* any member */
	b.flags = NP_ROW_IFACE;
	assert_false(np_col_same(col("up"), &a, &b));
	assert_int_equal(read_row("up", group_of("up")), NP_VAL_MIXED);
}

static void common_values_stay_and_others_are_mixed(void **state)
{
	static const struct {
		const char *name;
	} rows[] = { { "pid" }, { "comm" }, { "lport" }, { "remote" }, { "raddr" }, { "state" } };

	(void)state;
	a.pid = b.pid = 5;
	a.lport = b.lport = 80;
	a.rport = b.rport = 443;
	a.raddr[0] = b.raddr[0] = 0x20;
	a.state = b.state = 1;
	strcpy(a.comm, "x");
	strcpy(b.comm, "x");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(read_row(rows[i].name, group_of(rows[i].name)) > NP_VAL_MIXED);
	b.pid = 6;
	b.lport = 81;
	b.rport = 444;
	b.raddr[0] = 0x30;
	b.state = 2;
	strcpy(b.comm, "y");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(read_row(rows[i].name, group_of(rows[i].name)), NP_VAL_MIXED);
	a.pid = 0; /* one known, one not */
	assert_int_equal(read_row("pid", group_of("pid")), NP_VAL_MIXED);
	assert_int_equal(np_col_cmp(col("pid"), &group.row, &group.row, &ctx), 0);
	assert_true(np_col_cmp(col("pid"), &group.row, &b, &ctx) < 0);
}

static void sums_add_each_field_once(void **state)
{
	(void)state;
	a.tx_bytes = 1;
	b.tx_bytes = UINT32_MAX;
	a.d_tx = 10;
	b.d_rx = 5;
	a.conns = b.conns = 1;
	a.retrans = 2;
	b.retrans = 3;
	np_merge_add(&plan, col("tx_rate"));
	np_merge_add(&plan, col("rx_rate"));
	np_merge_add(&plan, col("retrans"));
	np_merge_add(&plan, col("retrans"));
	whole_is("rate", group_of("rate"), 15);
	whole_is("tx_bytes", &group.row, UINT32_MAX + 1ULL);
	whole_is("conns", &group.row, 2);
	whole_is("retrans", &group.row, 5);
}

static void least_and_largest_ignore_the_unknown(void **state)
{
	(void)state;
	a.min_rtt_us = 0;
	b.min_rtt_us = 9;
	a.first_ns = 50 * SEC;
	b.first_ns = 40 * SEC;
	a.cwnd = 10;
	b.cwnd = 7;
	num_is("min_rtt", group_of("min_rtt"), 9e-6);
	num_is("age", group_of("age"), 60);
	whole_is("cwnd", group_of("cwnd"), 10);
	b.min_rtt_us = 0;
	assert_int_equal(read_row("min_rtt", group_of("min_rtt")), NP_VAL_NONE);
}

static void mean_is_weighted_by_segments(void **state)
{
	(void)state;
	a.rtt_us = 1000;
	a.tx_segs = 2;
	b.rtt_us = 2000;
	num_is("rtt", group_of("rtt"), 0.00125);
	b.rtt_us = 0; /* no sample has no weight */
	b.tx_segs = 1000;
	num_is("rtt", group_of("rtt"), 0.001);
	/* a guess of the kernel without a sample behind it */
	a.rtt_us = 0;
	a.rttvar_us = b.rttvar_us = 250000;
	assert_int_equal(read_row("rttvar", group_of("rttvar")), NP_VAL_NONE);
}

static void mean_of_many_is_exact(void **state)
{
	(void)state;
	np_merge_add(&plan, col("rtt"));
	np_merge_add(&plan, col("rttvar"));
	np_merge_begin(&group, &a);
	for (uint32_t i = 1; i <= 100000; i++) {
		a.rtt_us = i;
		a.rttvar_us = 100001 - i;
		np_merge_row(&plan, &group, &a);
	}
	assert_in_range(group.row.rtt_us, 50000, 50001);
	assert_in_range(group.row.rttvar_us, 50000, 50001);
}

static void ratio_is_of_the_sums(void **state)
{
	(void)state;
	a.d_retrans_bytes = 1;
	a.d_sent = 1;
	b.d_sent = 99;
	num_is("retrans_pct", group_of("retrans_pct"), 1);
}

static void a_group_is_udp_only_when_all_are(void **state)
{
	(void)state;
	a.flags = NP_ROW_NO_RETR | NP_ROW_NO_BYTES;
	assert_int_equal(read_row("retrans", group_of("retrans")), NP_VAL_NUM);
	b.flags = NP_ROW_NO_RETR | NP_ROW_NO_BYTES;
	assert_int_equal(read_row("retrans", group_of("retrans")), NP_VAL_NONE);
	assert_true(group.row.flags & NP_ROW_GROUP);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(table_is_sound),
		TEST(what_a_log_begins_with_fits_its_header),
		TEST(numbers_read_in_base_units),
		TEST(names_read_as_strings),
		TEST(what_means_nothing_on_a_row_is_unknown),
		TEST(order_is_that_of_the_type),
		TEST(keys_compare_and_hash_alike),
		TEST(flags_are_one_bit_of_a_row),
		TEST(common_values_stay_and_others_are_mixed),
		TEST(sums_add_each_field_once),
		TEST(least_and_largest_ignore_the_unknown),
		TEST(mean_is_weighted_by_segments),
		TEST(mean_of_many_is_exact),
		TEST(ratio_is_of_the_sums),
		TEST(a_group_is_udp_only_when_all_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
