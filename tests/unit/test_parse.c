// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MARK         0x5555555555555555ULL /* what a failure must leave alone */

struct row {
	const char *text;
	int ret;
	uint64_t value;
};

static void check(int (*parse)(const char *, uint64_t *), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = MARK, want = rows[i].ret ? MARK : rows[i].value;
		int ret = parse(rows[i].text, &value);

		if (ret != rows[i].ret || value != want)
			fail_msg("'%s': %d, %llu", rows[i].text, ret, (unsigned long long)value);
	}
}

static int parse_u64(const char *text, uint64_t *out)
{
	return np_parse_u64(text, 2, UINT64_MAX, out);
}

static void numbers_are_whole_and_in_bounds(void **state)
{
	static const struct row rows[] = {
		{ "2", 0, 2 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "1", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "+3", -EINVAL, 0 },
		{ "-3", -EINVAL, 0 },
		{ " 3", -EINVAL, 0 },
		{ "3 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "3.0", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "\xd9\xa3", -EINVAL, 0 }, /* an Arabic digit */
	};
	uint32_t n = 7;

	(void)state;
	check(parse_u64, rows, COUNT(rows));
	assert_int_equal(np_parse_u32("65536", 0, 65535, &n), -ERANGE);
	assert_int_equal(n, 7);
	assert_int_equal(np_parse_u32("4294967295", 0, UINT32_MAX, &n), 0);
	assert_int_equal(n, UINT32_MAX);
	assert_int_equal(np_parse_u32("4294967296", 0, UINT32_MAX, &n), -ERANGE);
}

static void durations_take_units_that_fall(void **state)
{
	static const struct row rows[] = {
		{ "10", 0, 10000000000 },
		{ "0", 0, 0 },
		{ "1.5s", 0, 1500000000 },
		{ "1.5", 0, 1500000000 },
		{ "500ms", 0, 500000000 },
		{ "20us", 0, 20000 },
		{ "7ns", 0, 7 },
		{ "2m", 0, 120000000000 },
		{ "1h30m", 0, 5400000000000 },
		{ "1d2h3m4s5ms6us7ns", 0, 93784005006007 },
		{ "0.000000001s", 0, 1 },
		{ "0.1234567891234s", 0, 123456789 },
		{ "213503d", 0, 213503ULL * 86400 * 1000000000 },
		{ "213504d", -ERANGE, 0 },
		{ "213503d23h34m33s709551615ns", 0, UINT64_MAX },
		{ "213503d23h34m33s709551616ns", -ERANGE, 0 },
		{ "99999999999999999999s", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ ".5s", -EINVAL, 0 },
		{ "5.s", -EINVAL, 0 },
		{ "1h30", -EINVAL, 0 },
		{ "30m1h", -EINVAL, 0 },
		{ "1s1s", -EINVAL, 0 },
		{ "1S", -EINVAL, 0 },
		{ "1sec", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "1,5s", -EINVAL, 0 },
	};

	(void)state;
	check(np_parse_duration, rows, COUNT(rows));
}

static void sizes_know_both_kinds_of_powers(void **state)
{
	static const struct row rows[] = {
		{ "10", 0, 10 },
		{ "10B", 0, 10 },
		{ "4k", 0, 4096 },
		{ "4K", 0, 4096 },
		{ "4KiB", 0, 4096 },
		{ "1MiB", 0, 1 << 20 },
		{ "1M", 0, 1 << 20 },
		{ "2GB", 0, 2000000000 },
		{ "3kB", 0, 3000 },
		{ "3KB", 0, 3000 },
		{ "1.5k", 0, 1536 },
		{ "1T", 0, 1ULL << 40 },
		{ "16777215T", 0, 16777215ULL << 40 },
		{ "16777216T", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
		{ "1kb", -EINVAL, 0 },
		{ "1m", -EINVAL, 0 },
		{ "1MiBx", -EINVAL, 0 },
		{ "1M1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
	};

	(void)state;
	check(np_parse_size, rows, COUNT(rows));
}

static void addresses_come_out_mapped(void **state)
{
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 10, 1, 2, 3 };
	static const uint8_t v6[16] = { 0xfe, 0x80, [15] = 1 };
	static const char *const bad[] = { "",           "10.1.2",       "10.1.2.3.4",
					   "10.1.2.256", "010.1.2.3",    "10.1.2.3 ",
					   "[10.1.2.3]", "[::1",         "::1]",
					   "[]",         "fe80::1%eth0", "1:2:3:4:5:6:7:8:9",
					   ":::",        "host",         "[[::1]]" };
	uint8_t addr[16];
	char text[4096];

	(void)state;
	assert_int_equal(np_parse_addr("10.1.2.3", addr), 0);
	assert_memory_equal(addr, v4, 16);
	assert_int_equal(np_parse_addr("::ffff:10.1.2.3", addr), 0);
	assert_memory_equal(addr, v4, 16);
	assert_int_equal(np_parse_addr("fe80::1", addr), 0);
	assert_memory_equal(addr, v6, 16);
	assert_int_equal(np_parse_addr("[fe80::1]", addr), 0);
	assert_memory_equal(addr, v6, 16);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(np_parse_addr(bad[i], addr), -EINVAL);
		assert_memory_equal(addr, v6, 16);
	}
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(np_parse_addr(text, addr), -EINVAL);
}

static void prefixes_count_bits_of_mapped_addresses(void **state)
{
	static const struct {
		const char *text;
		uint8_t bits;
	} t[] = { { "10.1.2.3", 128 }, { "10.1.2.3/32", 128 }, { "10.0.0.0/8", 104 },
		  { "0.0.0.0/0", 96 }, { "fe80::/10", 10 },    { "fe80::1", 128 },
		  { "::/0", 0 },       { "[fe80::1]/64", 64 }, { "::ffff:10.0.0.0/104", 104 } };
	static const char *const bad[] = {
		"",           "/8",          "10.0.0.0/",    "10.0.0.0/33",
		"fe80::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8",
		"10.0.0.0 /8"
	};
	uint8_t addr[16] = { 0 }, bits = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		assert_int_equal(np_parse_prefix(t[i].text, addr, &bits), 0);
		assert_int_equal(bits, t[i].bits);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(np_parse_prefix(bad[i], addr, &bits), -EINVAL);
	assert_int_equal(bits, 104);
}

static void no_locale_changes_a_number(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE" };
	uint64_t ns = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		if (setlocale(LC_ALL, names[i]))
			break;
	assert_int_equal(np_parse_duration("1.5s", &ns), 0);
	assert_int_equal(ns, 1500000000);
	assert_int_equal(np_parse_duration("1,5s", &ns), -EINVAL);
	setlocale(LC_ALL, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_whole_and_in_bounds),
		cmocka_unit_test(durations_take_units_that_fall),
		cmocka_unit_test(sizes_know_both_kinds_of_powers),
		cmocka_unit_test(addresses_come_out_mapped),
		cmocka_unit_test(prefixes_count_bits_of_mapped_addresses),
		cmocka_unit_test(no_locale_changes_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
