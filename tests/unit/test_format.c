// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>

#include "meta/meta.h"
#include "sink/format.h"

#define SEC 1000000000ULL

static struct np_group_row group;
static struct np_row *const row = &group.row;
static struct np_format fmt;
static struct np_colctx ctx;
static struct np_buf text, json, csv;

static int setup(void **state)
{
	(void)state;
	memset(&group, 0, sizeof(group));
	row->proto = IPPROTO_TCP;
	row->state = 1;
	row->family = AF_INET;
	fmt = (struct np_format){ .units = NP_UNITS_BYTES, .utf8 = true };
	/* 2023-11-14T22:13:20.123Z */
	ctx = (struct np_colctx){ .dt_ns = SEC,
				  .now_ns = 1000 * SEC,
				  .wall_ns = 1700000000 * SEC + 123456789 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	np_buf_free(&text);
	np_buf_free(&json);
	np_buf_free(&csv);
	return 0;
}

static const char *as_text(const char *name)
{
	np_buf_reset(&text);
	np_format_text(&text, np_col_find(name), row, &ctx, &fmt);
	return np_buf_cstr(&text);
}

static const char *as_json(const char *name)
{
	np_buf_reset(&json);
	np_format_json(&json, np_col_find(name), row, &ctx);
	return np_buf_cstr(&json);
}

static const char *as_csv(const char *name)
{
	np_buf_reset(&csv);
	np_format_csv(&csv, np_col_find(name), row, &ctx);
	return np_buf_cstr(&csv);
}

static void shows(const char *name, const char *t, const char *j, const char *c)
{
	if (strcmp(as_text(name), t) || strcmp(as_json(name), j) || strcmp(as_csv(name), c))
		fail_msg("%s: text '%s' json '%s' csv '%s'", name, np_buf_cstr(&text),
			 np_buf_cstr(&json), np_buf_cstr(&csv));
}

static void v4(uint8_t addr[16], uint8_t last)
{
	static const uint8_t ten[16] = { [10] = 0xff, [11] = 0xff, [12] = 10 };

	memcpy(addr, ten, 16);
	addr[15] = last;
}

static void bytes_are_short_for_people_and_exact_for_programs(void **state)
{
	(void)state;
	shows("tx_bytes", "0", "0", "0");
	row->tx_bytes = 1023;
	shows("tx_bytes", "1023", "1023", "1023");
	row->tx_bytes = 1258291;
	shows("tx_bytes", "1.2M", "1258291", "1258291");
	row->tx_bytes = UINT64_MAX; /* a double has not enough digits */
	shows("tx_bytes", "16E", "18446744073709551615", "18446744073709551615");
	row->mss = 1448; /* bytes, but nobody wants 1.4K */
	shows("mss", "1448", "1448", "1448");
	row->tx_segs = 1234567;
	shows("tx_segs", "1234567", "1234567", "1234567");
}

static void rates_are_bytes_bits_or_raw(void **state)
{
	(void)state;
	shows("tx_rate", "0", "0", "0");
	row->d_tx = 2400000;
	ctx.dt_ns = 2 * SEC;
	shows("tx_rate", "1.1M", "1200000", "1200000");
	fmt.units = NP_UNITS_BITS;
	shows("tx_rate", "9.6M", "1200000", "1200000");
	row->tx_bytes = 1048576; /* a total stays in bytes */
	shows("tx_bytes", "1.0M", "1048576", "1048576");
	row->d_tx_segs = 24000;
	shows("tx_pps", "12k", "12000", "12000");
	fmt.units = NP_UNITS_RAW;
	shows("tx_rate", "1200000", "1200000", "1200000");
	shows("tx_bytes", "1048576", "1048576", "1048576");
	shows("tx_pps", "12000", "12000", "12000");
	row->avg_tx[0] = 1000.4F;
	shows("tx_avg2", "1000", "1000", "1000");
	ctx.dt_ns = 0; /* the first refresh */
	shows("tx_rate", "0", "0", "0");
}

static void times_are_seconds_with_microseconds(void **state)
{
	(void)state;
	shows("rtt", "-", "null", "");
	row->rtt_us = 230;
	shows("rtt", "230us", "0.00023", "0.00023");
	row->rtt_us = 1500000;
	shows("rtt", "1.5s", "1.5", "1.5");
	row->rtt_us = 2000000;
	shows("rtt", "2.0s", "2", "2");
	row->rtt_us = UINT32_MAX;
	shows("rtt", "1h11m", "4294.967295", "4294.967295");
	row->start_ns = 90 * SEC + 1000;
	shows("started", "1m30s", "90.000001", "90.000001");
}

static void age_of_an_old_connection_is_at_least(void **state)
{
	(void)state;
	shows("age", "-", "null", "");
	row->first_ns = 995 * SEC;
	shows("age", "5.0s", "5", "5");
	row->flags = NP_ROW_OLD;
	shows("age", ">=5.0s", "5", "5");
	row->first_ns = 1001 * SEC; /* the clock of another moment */
	shows("age", "-", "null", "");
	row->first_ns = 1000 * SEC;
	row->flags = 0;
	shows("age", "0s", "0", "0");
}

static void percent_has_one_decimal(void **state)
{
	static const struct {
		uint64_t part;
		const char *text, *raw;
	} rows[] = {
		{ 0, "0", "0" },
		{ 1, "<0.1", "0.0001" },
		{ 499, "<0.1", "0.0499" },
		{ 500, "0.1", "0.05" },
		{ 1000, "0.1", "0.1" },
		{ 50000, "5.0", "5" },
		{ 123456, "12.3", "12.3456" },
		{ 999999, "100", "99.9999" },
		{ 1000000, "100", "100" },
	};

	(void)state;
	shows("retrans_pct", "-", "null", ""); /* nothing sent */
	row->d_sent = 1000000;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row->d_retrans_bytes = rows[i].part;
		shows("retrans_pct", rows[i].text, rows[i].raw, rows[i].raw);
	}
	row->share = 33.25F;
	shows("share", "33.3", "33.25", "33.25");
	row->share = NAN;
	shows("share", "-", "null", "");
	row->share = INFINITY;
	shows("share", "-", "null", "");
}

static void ids_are_numbers_and_never_scaled(void **state)
{
	(void)state;
	shows("pid", "-", "null", "");
	row->pid = 4194304;
	shows("pid", "4194304", "4194304", "4194304");
	row->uid = 0;
	shows("uid", "0", "0", "0");
	shows("user", "0", "\"0\"", "0"); /* nobody to ask for names */
	row->uid = UINT32_MAX;
	shows("uid", "-", "null", "");
	shows("user", "-", "null", "");
	row->netns = 4026531840U;
	shows("netns", "4026531840", "\"4026531840\"", "4026531840");
	row->lport = 65535;
	shows("lport", "65535", "65535", "65535");
	shows("rport", "-", "null", "");
}

static void addresses_as_people_write_them(void **state)
{
	(void)state;
	v4(row->laddr, 1);
	row->lport = 80;
	shows("laddr", "10.0.0.1", "\"10.0.0.1\"", "10.0.0.1");
	shows("local", "10.0.0.1:80", "\"10.0.0.1:80\"", "10.0.0.1:80");
	shows("remote", "*", "\"*\"", "*");
	memset(row->raddr, 0, 16);
	row->raddr[0] = 0x20;
	row->raddr[1] = 0x01;
	row->raddr[15] = 1;
	row->rport = 443;
	shows("raddr", "2001::1", "\"2001::1\"", "2001::1");
	shows("remote", "[2001::1]:443", "\"[2001::1]:443\"", "[2001::1]:443");
}

static void names_flags_and_time(void **state)
{
	(void)state;
	shows("proto", "tcp", "\"tcp\"", "tcp");
	shows("state", "established", "\"established\"", "established");
	shows("owner_via", "-", "null", "");
	shows("time", "22:13:20", "\"2023-11-14T22:13:20.123Z\"", "2023-11-14T22:13:20.123Z");
	ctx.wall_ns = 0;
	shows("time", "-", "null", "");
	memset(row, 0, sizeof(*row));
	row->flags = NP_ROW_IFACE | NP_ROW_UP;
	row->link.l3 = row->link.l4 = 255;
	strcpy(row->link.name, "eth0");
	shows("interface", "eth0", "\"eth0\"", "eth0");
	shows("direction", "rx", "\"rx\"", "rx");
	shows("l3", "-", "null", "");
	shows("up", "yes", "true", "true");
	shows("active", "no", "false", "false");
	shows("rtt", "-", "null", ""); /* means nothing here */
}

static void unknown_is_a_dash_and_mixed_a_star(void **state)
{
	size_t comm = (size_t)(np_col_find("comm") - np_cols);

	(void)state;
	shows("comm", "-", "null", "");
	shows("container", "-", "null", "");
	shows("command", "-", "null", "");
	strcpy(row->comm, "nginx");
	row->flags = NP_ROW_GROUP;
	group.mixed[comm / 64] = 1ULL << (comm % 64);
	shows("comm", "*", "null", "");
	row->flags = NP_ROW_NO_RETR | NP_ROW_NO_BYTES;
	shows("tx_bytes", "-", "null", "");
	shows("retrans", "-", "null", "");
	shows("state", "-", "null", "");
}

/* Each hostile name: in text no byte that a terminal obeys, in JSON a string again. */
static void hostile_names_reach_nobody(void **state)
{
	static const struct {
		const char *raw, *text, *back, *csv;
	} rows[] = {
		{ "\x1b]0;pwn\a", "\\x1b]0;pwn\\x07", "\x1b]0;pwn\a",
		  "\xef\xbf\xbd]0;pwn\xef\xbf\xbd" },
		{ "a\nb\tc", "a\\x0ab\\x09c", "a\nb\tc", "\"a\nb\tc\"" },
		{ "q\"u\\o", "q\"u\\\\o", "q\"u\\o", "\"q\"\"u\\o\"" },
		{ "a,b", "a,b", "a,b", "\"a,b\"" },
		{ "\xff\xfe", "\\xff\\xfe", "\xef\xbf\xbd\xef\xbf\xbd",
		  "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f",
		  "gr\xc3\xbc\xc3\x9f" },
		{ "\xe2\x80\xae"
		  "abc",
		  "\\xe2\\x80\\xae"
		  "abc",
		  "\xe2\x80\xae"
		  "abc",
		  "\xef\xbf\xbd"
		  "abc" },
		{ "=cmd()", "=cmd()", "=cmd()", "=cmd()" },
		{ "kw/0:1-ev %s%n", "kw/0:1-ev %s%n", "kw/0:1-ev %s%n", "kw/0:1-ev %s%n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *value;

		memset(row->comm, 0, sizeof(row->comm));
		memcpy(row->comm, rows[i].raw, strlen(rows[i].raw));
		assert_string_equal(as_text("comm"), rows[i].text);
		assert_string_equal(as_csv("comm"), rows[i].csv);
		value = json_loads(as_json("comm"), JSON_DECODE_ANY, NULL);
		assert_true(json_is_string(value));
		assert_string_equal(json_string_value(value), rows[i].back);
		json_decref(value);
	}
	fmt.utf8 = false;
	memcpy(row->comm, "gr\xc3\xbc", 5);
	assert_string_equal(as_text("comm"), "gr\\xc3\\xbc");
}

static void long_strings_are_whole(void **state)
{
	char line[3000];
	struct np_proc proc = { .cmdline = line };

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	row->proc = &proc;
	assert_string_equal(as_text("command"), line);
	assert_string_equal(as_csv("command"), line);
	assert_int_equal(strlen(as_json("command")), sizeof(line) + 1);
}

/* Whatever the bytes of a row are: one value of JSON, no control byte in text, no field too many.
 */
static void any_row_is_well_formed_in_every_column(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		uint8_t *bytes = (uint8_t *)&group;

		for (size_t i = 0; i < sizeof(group); i++)
			bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
		row->proc = NULL;
		row->cgroup = NULL;
		row->detail = NULL;
		group.kept = NULL;
		group.base = NULL;
		row->comm[15] = row->link.name[15] = '\0';
		for (size_t c = 0; c < np_ncols; c++) {
			/* jansson's integers are signed */
			json_t *value = json_loads(as_json(np_cols[c].name),
						   JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);

			if (!value)
				fail_msg("%s: %s", np_cols[c].name, np_buf_cstr(&json));
			json_decref(value);
			as_text(np_cols[c].name);
			assert_true(text.len > 0);
			for (size_t i = 0; i < text.len; i++)
				assert_true((unsigned char)text.data[i] >= ' ');
		}
	}
}

static void numbers_stand_right(void **state)
{
	static const char *const right[] = { "pid",   "uid",   "tx_bytes", "rtt",   "age",
					     "lport", "share", "tx_avg2",  "conns", "started" };
	static const char *const left[] = { "comm", "local", "laddr", "state",
					    "time", "up",    "user",  "command" };

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_true(np_format_right(np_col_find(right[i])));
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		assert_false(np_format_right(np_col_find(left[i])));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_are_short_for_people_and_exact_for_programs),
		TEST(rates_are_bytes_bits_or_raw),
		TEST(times_are_seconds_with_microseconds),
		TEST(age_of_an_old_connection_is_at_least),
		TEST(percent_has_one_decimal),
		TEST(ids_are_numbers_and_never_scaled),
		TEST(addresses_as_people_write_them),
		TEST(names_flags_and_time),
		TEST(unknown_is_a_dash_and_mixed_a_star),
		TEST(hostile_names_reach_nobody),
		TEST(long_strings_are_whole),
		TEST(any_row_is_well_formed_in_every_column),
		TEST(numbers_stand_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
