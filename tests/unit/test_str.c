// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NS           1ULL
#define US           (1000 * NS)
#define MS           (1000 * US)
#define SEC          (1000 * MS)

struct text {
	const char *in, *out;
};

static void escape_is(const char *in, size_t len, bool utf8, const char *out)
{
	struct np_buf buf = { 0 };

	np_str_escape(&buf, in, len, utf8);
	assert_string_equal(np_buf_cstr(&buf), out);
	np_buf_free(&buf);
}

static void escape_keeps_what_prints(void **state)
{
	static const char *const rows[] = { "",
					    "nginx: worker",
					    "h\xc3\xa9",
					    "\xe6\x97\xa5\xe6\x9c\xac",
					    "\xf0\x9f\x90\xa7",
					    "e\xcc\x81" };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		escape_is(rows[i], strlen(rows[i]), true, rows[i]);
}

static void escape_shows_what_a_terminal_obeys(void **state)
{
	static const struct text rows[] = {
		{ "a\x1b[2Jb", "a\\x1b[2Jb" },
		{ "\r\n\t\x7f", "\\x0d\\x0a\\x09\\x7f" },
		{ "\xc2\x9b", "\\xc2\\x9b" },          /* C1: CSI */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" }, /* right-to-left override */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" }, /* isolate */
		{ "\xe2\x80\x8b", "\\xe2\\x80\\x8b" }, /* zero width space */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" }, /* line separator */
		{ "\xef\xbb\xbf", "\\xef\\xbb\\xbf" }, /* byte order mark */
		{ "\\x1b", "\\\\x1b" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		escape_is(rows[i].in, strlen(rows[i].in), true, rows[i].out);
	escape_is("a\0b", 3, true, "a\\x00b");
}

static void escape_shows_what_is_no_utf8(void **state)
{
	static const struct text rows[] = {
		{ "\xff", "\\xff" },
		{ "\x80", "\\x80" },
		{ "\xc0\xaf", "\\xc0\\xaf" },                   /* overlong / */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },          /* the same in three */
		{ "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf" }, /* and four */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
		{ "\xc3", "\\xc3" },                            /* cut off */
		{ "\xe6\x97", "\\xe6\\x97" },
		{ "\xc3(", "\\xc3(" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		escape_is(rows[i].in, strlen(rows[i].in), true, rows[i].out);
	escape_is("\xe6\x97\xa5", 3, false, "\\xe6\\x97\\xa5");
}

static void json_strings_are_valid_and_lossless(void **state)
{
	static const struct text rows[] = {
		{ "", "\"\"" },
		{ "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
		{ "\b\f\n\r\t\x01", "\"\\b\\f\\n\\r\\t\\u0001\"" },
		{ "h\xc3\xa9", "\"h\xc3\xa9\"" },
		{ "\xc2\x9b", "\"\\u009b\"" },
		{ "\xe2\x80\xae", "\"\\u202e\"" },
		{ "\xf3\xa0\x80\x81", "\"\\udb40\\udc01\"" }, /* a tag, as a surrogate pair */
		{ "\xff"
		  "a\xc3",
		  "\"\xef\xbf\xbd"
		  "a\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct np_buf buf = { 0 };

		np_str_json(&buf, rows[i].in, strlen(rows[i].in));
		assert_string_equal(np_buf_cstr(&buf), rows[i].out);
		np_buf_free(&buf);
	}
}

static void csv_fields_are_quoted_where_they_must(void **state)
{
	static const struct text rows[] = {
		{ "", "" },
		{ "plain text", "plain text" },
		{ "a,b", "\"a,b\"" },
		{ "a\"b", "\"a\"\"b\"" },
		{ "a\nb", "\"a\nb\"" },
		{ "=1+2", "=1+2" },
		{ "-1", "-1" },
		{ "\x1b[2J", "\xef\xbf\xbd[2J" },
		{ "\xff", "\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct np_buf buf = { 0 };

		np_str_csv(&buf, rows[i].in, strlen(rows[i].in));
		assert_string_equal(np_buf_cstr(&buf), rows[i].out);
		np_buf_free(&buf);
	}
}

static void width_counts_cells(void **state)
{
	(void)state;
	assert_int_equal(np_str_width(""), 0);
	assert_int_equal(np_str_width("abc"), 3);
	assert_int_equal(np_str_width("\xff\xfe"), 2);
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	assert_int_equal(np_str_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(np_str_width("e\xcc\x81"), 1);
	setlocale(LC_CTYPE, "C");
}

static void fit_cuts_between_characters(void **state)
{
	(void)state;
	assert_int_equal(np_str_fit("abc", 0), 0);
	assert_int_equal(np_str_fit("abc", 2), 2);
	assert_int_equal(np_str_fit("abc", 9), 3);
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	assert_int_equal(np_str_fit("\xe6\x97\xa5\xe6\x9c\xac", 3), 3); /* half a cell is none */
	assert_int_equal(np_str_fit("\xe6\x97\xa5\xe6\x9c\xac", 1), 0);
	assert_int_equal(np_str_fit("e\xcc\x81x", 1), 3); /* the accent stays */
	setlocale(LC_CTYPE, "C");
}

static void scaled_takes_five_characters(void **state)
{
	static const struct {
		double value;
		const char *si, *iec, *whole;
	} rows[] = {
		{ 0, "0", "0", "0" },
		{ 999, "999", "999", "999" },
		{ 1000, "1.0k", "1000", "1000" },
		{ 1024, "1.0k", "1.0K", "1024" },
		{ 999.6, "1.0k", "1000", "1000" },
		{ 1234567, "1.2M", "1.2M", "1234567" },
		{ 9.96, "10", "10", "10" },
		{ 0.5, "0.5", "0.5", "1" },
		{ 1023 * 1024.0, "1.0M", "1023K", "1047552" },
		{ 999.7 * 1024 * 1024, "1.0G", "1000M", "1048261427" },
		{ -1023 * 1024.0, "-1.0M", "-1.0M", "-1047552" },
		{ -0.01, "0.0", "0.0", "0" },
		{ 12345678901.0, "12G", "11G", "12345678901" },
		{ 1e300, "999E", "999E", "18446744073709551615" },
	};
	char buf[24];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(np_str_scaled(buf, rows[i].value, 1000), rows[i].si);
		assert_string_equal(np_str_scaled(buf, rows[i].value, 1024), rows[i].iec);
		assert_string_equal(np_str_scaled(buf, rows[i].value, 0), rows[i].whole);
	}
	assert_string_equal(np_str_scaled(buf, (double)NAN, 1000), "-");
	assert_string_equal(np_str_bytes(buf, 243), "243B");
	assert_string_equal(np_str_bytes(buf, 6.6 * 1024 * 1024), "6.6MiB");
	for (int i = 0; i < 300; i++) {
		double v = 1e-3 * pow(1.25, i);

		assert_in_range(strlen(np_str_scaled(buf, v, 1000)), 1, 5);
		assert_in_range(strlen(np_str_scaled(buf, v, 1024)), 1, 5);
		assert_in_range(strlen(np_str_scaled(buf, -v, 1000)), 1, 5);
		assert_in_range(strlen(np_str_scaled(buf, -v, 1024)), 1, 5);
	}
}

static void duration_takes_six_characters(void **state)
{
	static const struct {
		uint64_t ns;
		const char *out;
	} rows[] = {
		{ 0, "0s" },
		{ 999, "999ns" },
		{ 1500 * US, "1.5ms" },
		{ 230 * US, "230us" },
		{ 9949, "9.9us" },
		{ 9950, "10us" },
		{ 999500 * NS, "1.0ms" },
		{ 12 * SEC, "12s" },
		{ 59999 * MS, "1m" },
		{ 200 * SEC, "3m20s" },
		{ 3600 * SEC, "1h" },
		{ 86399 * SEC, "23h59m" },
		{ (2 * 24 + 3) * 3600 * SEC, "2d3h" },
		{ (99 * 24 + 23) * 3600 * SEC, "99d23h" },
		{ UINT64_MAX, "584y" },
	};
	char buf[24];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(np_str_duration(buf, rows[i].ns), rows[i].out);
	for (uint64_t ns = 1; ns < UINT64_MAX / 8 * 7; ns += ns / 7 + 1)
		assert_in_range(strlen(np_str_duration(buf, ns)), 2, 6);
}

static void latency_has_three_digits(void **state)
{
	static const struct {
		uint64_t us;
		const char *out;
	} rows[] = {
		{ 0, "0us" },          { 1, "1us" },          { 999, "999us" },
		{ 1000, "1.00ms" },    { 9994, "9.99ms" },    { 9995, "10.0ms" },
		{ 10449, "10.4ms" },   { 99949, "99.9ms" },   { 99950, "100ms" },
		{ 999499, "999ms" },   { 999500, "1.00s" },   { 1044000, "1.04s" },
		{ 12345678, "12.3s" }, { 59900000, "59.9s" }, { 60000000, "1m" },
	};
	char buf[24];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(np_str_latency(buf, rows[i].us), rows[i].out);
	for (uint64_t us = 1; us < UINT64_MAX / 10000; us += us / 7 + 1)
		assert_in_range(strlen(np_str_latency(buf, us)), 2, 6);
}

static void addresses_and_endpoints_are_canonical(void **state)
{
	static const struct {
		const char *in;
		uint16_t port;
		const char *addr, *endpoint;
	} rows[] = {
		{ "10.0.0.1", 80, "10.0.0.1", "10.0.0.1:80" },
		{ "2001:DB8:0:0:1:0:0:1", 80, "2001:db8::1:0:0:1", "[2001:db8::1:0:0:1]:80" },
		{ "::", 0, "::", "*" },
		{ "0.0.0.0", 0, "0.0.0.0", "*" },
		{ "0.0.0.0", 53, "0.0.0.0", "0.0.0.0:53" },
		{ "::", 53, "::", "[::]:53" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535,
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t addr[16];
		char text[46], endpoint[54];

		assert_int_equal(np_parse_addr(rows[i].in, addr), 0);
		assert_string_equal(np_str_addr(text, addr), rows[i].addr);
		assert_string_equal(np_str_endpoint(endpoint, addr, rows[i].port),
				    rows[i].endpoint);
	}
}

static void time_is_rfc3339_in_utc(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(np_str_time(buf, 0), "1970-01-01T00:00:00.000Z");
	assert_string_equal(np_str_time(buf, 1700000000123456789), "2023-11-14T22:13:20.123Z");
	assert_string_equal(np_str_time(buf, UINT64_MAX), "2554-07-21T23:34:33.709Z");
}

static void nearest_forgives_a_slip_and_no_more(void **state)
{
	static const char *const names[] = { "pid",     "rtt",       "rx_rate", "tx_rate",
					     "retrans", "container", "comm",    NULL };
	static const struct text rows[] = {
		{ "rtt", "rtt" },
		{ "RTT", "rtt" },
		{ "rt", "rtt" },
		{ "pdi", "pid" },
		{ "xr_rate", "rx_rate" },
		{ "retransmits", "retrans" },
		{ "cont", "container" },
		{ "tx", "tx_rate" },
		{ "zzz", NULL },
		{ "", NULL },
		{ "q", NULL },
	};
	char text[4096];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *near = np_str_nearest(rows[i].in, names);

		if (rows[i].out) {
			assert_non_null(near);
			assert_string_equal(near, rows[i].out);
		} else {
			assert_null(near);
		}
	}
	memset(text, 'r', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_null(np_str_nearest(text, names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escape_keeps_what_prints),
		cmocka_unit_test(escape_shows_what_a_terminal_obeys),
		cmocka_unit_test(escape_shows_what_is_no_utf8),
		cmocka_unit_test(json_strings_are_valid_and_lossless),
		cmocka_unit_test(csv_fields_are_quoted_where_they_must),
		cmocka_unit_test(width_counts_cells),
		cmocka_unit_test(fit_cuts_between_characters),
		cmocka_unit_test(scaled_takes_five_characters),
		cmocka_unit_test(duration_takes_six_characters),
		cmocka_unit_test(latency_has_three_digits),
		cmocka_unit_test(addresses_and_endpoints_are_canonical),
		cmocka_unit_test(time_is_rfc3339_in_utc),
		cmocka_unit_test(nearest_forgives_a_slip_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
