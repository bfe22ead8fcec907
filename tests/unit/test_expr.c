// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "view/expr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEC          1000000000ULL

/* ss: tcp established nginx 10.1.2.3:443 <- 192.0.2.7:50000, rtt 10 ms, 1 MiB received */
static struct np_row tcp_row(void)
{
	struct np_row row = { .pid = 42, .uid = 1000, .comm = "nginx" };

	assert_int_equal(np_parse_addr("10.1.2.3", row.laddr), 0);
	assert_int_equal(np_parse_addr("192.0.2.7", row.raddr), 0);
	row.lport = 443;
	row.rport = 50000;
	row.family = AF_INET;
	row.proto = IPPROTO_TCP;
	row.state = 1;
	row.rx_bytes = 1 << 20;
	row.tx_bytes = 1000000;
	row.rtt_us = 10000;
	row.retrans = 3;
	row.conns = 1;
	row.d_tx = 2000000;
	row.first_ns = 100 * SEC;
	return row;
}

/* Known by little: UDP over IPv6, no owner */
static struct np_row udp_row(void)
{
	struct np_row row = { .uid = UINT32_MAX, .flags = NP_ROW_NO_BYTES | NP_ROW_NO_RETR };

	assert_int_equal(np_parse_addr("2001:db8::1", row.laddr), 0);
	assert_int_equal(np_parse_addr("2001:db8::53", row.raddr), 0);
	row.lport = 40000;
	row.rport = 53;
	row.family = AF_INET6;
	row.proto = IPPROTO_UDP;
	row.conns = 1;
	return row;
}

static const struct np_colctx ctx = { .dt_ns = 2 * SEC,
				      .now_ns = 190 * SEC,
				      .wall_ns = 1700000000 * SEC };

static struct np_expr *compiled(const char *text)
{
	struct np_expr *expr;
	struct np_err err = { "" };

	if (np_expr_compile(&expr, text, &err))
		fail_msg("'%s': %s", text, err.msg);
	return expr;
}

static bool truth(const char *text, const struct np_row *row)
{
	struct np_expr *expr = compiled(text);
	bool yes = np_expr_true(expr, row, &ctx);

	np_expr_free(expr);
	return yes;
}

/* Each of YES is true and its negation is not, of NO the reverse. */
static void decide(const struct np_row *row, const char *const *yes, size_t nyes,
		   const char *const *no, size_t nno)
{
	char text[512];

	for (size_t i = 0; i < nyes + nno; i++) {
		const char *expr = i < nyes ? yes[i] : no[i - nyes];

		if (truth(expr, row) != (i < nyes))
			fail_msg("'%s' is %s", expr, i < nyes ? "false" : "true");
		snprintf(text, sizeof(text), "!(%s)", expr);
		if (truth(text, row) != (i >= nyes))
			fail_msg("'%s' is %s", text, i >= nyes ? "false" : "true");
	}
}

#define DECIDE(row, yes, no) decide(row, yes, COUNT(yes), no, COUNT(no))

static void numbers_compare_in_the_columns_unit(void **state)
{
	static const char *const yes[] = {
		"rtt == 10ms",      "rtt == 0.01",      "rtt > 9999us",   "rtt <= 10ms",
		"rtt >= 10ms",      "age == 90",        "age == 1m30s",   "age < 2m",
		"rx_bytes == 1MiB", "rx_bytes = 1M",    "rx_bytes > 1MB", "tx_bytes == 1000kB",
		"tx_rate == 1MB",   "tx_rate == 8Mbit", "retrans == 3",   "retrans != 4",
		"pid == 42",        "rport > 49151",    "uid == 1000",    "conns < 1k",
		"0.5 < 1",          "rtt<20ms",         "10ms=rtt",
	};
	static const char *const no[] = { "rtt > 10ms",   "rtt < 10ms",      "rtt != 10ms",
					  "age > 90s",    "rx_bytes <= 1MB", "retrans == 4",
					  "tx_rate > 1MB" };
	struct np_row row = tcp_row();

	(void)state;
	DECIDE(&row, yes, no);
}

static void whole_numbers_are_exact(void **state)
{
	static const char *const yes[] = { "rx_bytes == 9007199254740993",
					   "rx_bytes > 9007199254740992" };
	static const char *const no[] = { "rx_bytes == 9007199254740992" };
	struct np_row row = tcp_row();

	(void)state;
	row.rx_bytes = (1ULL << 53) + 1;
	DECIDE(&row, yes, no);
}

static void arithmetic_binds_as_in_c(void **state)
{
	static const char *const yes[] = {
		"1 + 2 * 3 == 7",
		"(1 + 2) * 3 == 9",
		"8 / 4 / 2 == 1",
		"5 - 3 - 1 == 1",
		"-2 * -3 == 6",
		"- - 1 == 1",
		"2-1==1",
		"-retrans < 0",
		"tx_bytes + rx_bytes > 2MB",
		"tx_bytes / rx_bytes < 1",
		"rtt * 2 == 20ms",
		"rx_bytes / age > 11kB",
	};
	static const char *const no[] = { "1 + 2 * 3 == 9" };
	struct np_row row = tcp_row();

	(void)state;
	DECIDE(&row, yes, no);
}

static void logic_binds_as_in_c(void **state)
{
	static const char *const yes[] = {
		"true || false && false",
		"not false and true",
		"!false",
		"!!true",
		"not not true",
		"false or true",
		"true==true",
		"true != false",
		"(pid == 1 || pid == 42) && comm == nginx",
		"pid==1||pid==42&&comm==nginx",
	};
	static const char *const no[] = { "(true || false) && false", "not (true or false)" };
	struct np_row row = tcp_row();

	(void)state;
	DECIDE(&row, yes, no);
}

static void text_compares_by_bytes_and_pattern(void **state)
{
	static const char *const yes[] = {
		"comm == nginx", "comm == \"nginx\"",    "comm == 'nginx'",      "comm != ngin",
		"comm =~ ^ng",   "comm =~ '^n.*x$'",     "comm !~ apache",       "'nginx' == comm",
		"comm =~ 'a|g'", "state == established", "state == ESTABLISHED", "proto == tcp",
		"proto != udp",  "user == 1000",         "raddr =~ ^192[.]",     "comm !~ '\\.'",
		"comm != user",
	};
	static const char *const no[] = { "comm == NGINX", "comm == ng",      "comm =~ x.",
					  "proto == udp",  "state == listen", "comm == 'nginx '" };
	struct np_row row = tcp_row();

	(void)state;
	DECIDE(&row, yes, no);
}

static void a_backslash_escapes_only_the_quote(void **state)
{
	struct np_row row = tcp_row();

	(void)state;
	snprintf(row.comm, sizeof(row.comm), "a\"b\\c");
	assert_true(truth("comm == \"a\\\"b\\c\"", &row));
	assert_true(truth("comm =~ 'b\\\\c'", &row));
}

static void addresses_compare_with_prefixes(void **state)
{
	static const char *const yes[] = {
		"laddr == 10.1.2.3",     "laddr == 10.0.0.0/8",
		"laddr == 10.9.9.9/8",   "laddr == \"10.0.0.0/8\"",
		"raddr != 10.0.0.0/8",   "laddr == 0.0.0.0/0",
		"laddr != ::/0",         "laddr == ::ffff:10.1.2.3",
		"local == 10.1.2.3:443", "local == 10.1.2.3",
		"local == 10.0.0.0/8",   "remote != 192.0.2.7:443",
		"local =~ ':443$'",      "laddr != raddr",
		"laddr == 10.1.2.2/31",  "'10.1.2.3' == laddr",
		"remote != *",
	};
	static const char *const no[] = { "laddr == 10.1.2.4", "laddr == 11.0.0.0/8",
					  "laddr == 10.1.2.4/30", "local == 10.1.2.3:80" };
	static const char *const yes6[] = {
		"raddr == 2001:db8::53",
		"raddr == 2001:db8::/32",
		"raddr == ::/0",
		"raddr != 0.0.0.0/0",
		"remote == [2001:db8::53]:53",
		"remote == [2001:db8::53]",
		"remote == 2001:db8::/32",
		"raddr != 2001:db9::/32",
		"raddr == [2001:db8::53]",
	};
	static const char *const no6[] = { "raddr == 10.0.0.0/8", "remote == [2001:db8::53]:54" };
	struct np_row row = tcp_row(), row6 = udp_row();

	(void)state;
	DECIDE(&row, yes, no);
	DECIDE(&row6, yes6, no6);
}

static void the_unknown_is_neither_true_nor_false(void **state)
{
	static const char *const rows[] = {
		"pid == 42",      "pid != 42", "comm == nginx",     "comm != nginx",
		"rtt > 0",        "rtt <= 0",  "tx_bytes == 0",     "container =~ .",
		"container !~ .", "up",        "pid / 0 > 1",       "1 / 0 > 1",
		"pid + 1 > 0",    "-pid < 0",  "unit != a && true", "unit == a || false",
	};
	struct np_row row = udp_row();
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), "!(%s)", rows[i]);
		if (truth(rows[i], &row) || truth(text, &row))
			fail_msg("'%s' is known", rows[i]);
	}
	assert_true(truth("pid == 42 || rport == 53", &row));
	assert_true(truth("!(pid == 42 && rport == 80)", &row));
	assert_false(truth("pid == 42 && rport == 53", &row));
}

static void what_differs_in_a_group_is_unknown(void **state)
{
	struct np_group_row group = { .row = tcp_row() };
	size_t i = (size_t)(np_col_find("rport") - np_cols);

	(void)state;
	group.row.flags |= NP_ROW_GROUP;
	assert_true(truth("rport == 50000", &group.row));
	group.mixed[i / 64] |= 1ULL << (i % 64);
	assert_false(truth("rport == 50000", &group.row));
	assert_false(truth("rport != 50000", &group.row));
	assert_true(truth("lport == 443", &group.row));
}

static void parts_go_to_members_or_to_rows(void **state)
{
	static const struct {
		const char *text;
		bool members, rows;
	} table[] = {
		{ "comm == nginx && rtt > 1s", true, false },
		{ "comm == apache && rtt > 1ms", false, true },
		{ "rtt > 1ms && (comm == nginx && lport == 443)", true, true },
		{ "(comm == apache || rtt > 1ms)", true, true }, /* both: a row's */
		{ "(comm == apache || rtt > 1s)", true, false },
		{ "false", false, true },
		{ "false && rtt > 1ms", false, true },
		{ "!(comm == nginx)", false, true },
	};
	struct np_row row = tcp_row();

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct np_expr *expr = compiled(table[i].text);

		assert_int_equal(np_expr_members(expr, &row, &ctx), table[i].members);
		assert_int_equal(np_expr_rows(expr, &row, &ctx), table[i].rows);
		np_expr_free(expr);
	}
}

static void it_says_what_its_columns_need(void **state)
{
	struct np_expr *expr = compiled("command =~ java && rtt > 1ms");

	(void)state;
	assert_int_equal(np_expr_needs(expr), NP_NEED_CMDLINE | NP_NEED_TCP);
	assert_int_equal(np_expr_kind(expr), NP_COL_CONN | NP_COL_EVENT);
	np_expr_free(expr);
	expr = compiled("wire_rate > 1Gbit && drops > 0");
	assert_int_equal(np_expr_kind(expr), NP_COL_IFACE);
	np_expr_free(expr);
	expr = compiled("true");
	assert_int_equal(np_expr_needs(expr), 0);
	assert_int_equal(np_expr_kind(expr), NP_COL_KINDS);
	np_expr_free(expr);
}

/* The sentence for TEXT has SAYS and AT in it. */
static void refused(const char *text, const char *says, const char *at)
{
	struct np_expr *expr = (struct np_expr *)1;
	struct np_err err = { "" };

	if (np_expr_compile(&expr, text, &err) != -EINVAL || expr)
		fail_msg("'%.80s' is taken", text);
	if (!strstr(err.msg, says) || !strstr(err.msg, at))
		fail_msg("'%.80s': %s", text, err.msg);
	assert_int_equal(np_expr_compile(&expr, text, NULL), -EINVAL);
}

static void a_wrong_expression_is_shown_where_it_is_wrong(void **state)
{
	static const struct {
		const char *text, *says, *at;
	} rows[] = {
		{ "", "missing", "at its end" },
		{ "rtt >", "missing", "at its end" },
		{ "rtx > 1", "did you mean 'rtt'?", "at 'rtx > 1' (character 1)" },
		{ "pid == foo", "no column", "at 'foo' (character 8)" },
		{ "rtt > 10xs", "unit", "at '10xs'" },
		{ "rtt > 1s rtt", "&&", "at 'rtt' (character 10)" },
		{ "rtt", "no condition", "at 'rtt'" },
		{ "'a'", "no condition", "at ''a''" },
		{ "rtt > 1s && pid", "no condition", "at 'pid'" },
		{ "!pid", "no condition", "at 'pid'" },
		{ "rtt > 10MiB", "units", "at 'rtt" },
		{ "rtt + tx_bytes > 1", "add up", "at 'rtt" },
		{ "retrans > 5%", "units", "at 'retrans" },
		{ "comm > 'a'", "only numbers", "at 'comm" },
		{ "pid =~ 4", "only text", "at 'pid" },
		{ "comm + 1 > 1", "numbers", "at 'comm" },
		{ "comm == (1)", "kinds", "at 'comm" },
		{ "-comm == 1", "negative", "at '-comm" },
		{ "(rtt > 1s", "parenthesis", "at '(rtt" },
		{ "rtt > 1s)", "&&", "at ')'" },
		{ "1 < 2 < 3", "&&", "at '< 3'" },
		{ "comm == 'a", "closing '", "at ''a'" },
		{ "comm == 'a\\'", "closing '", "at ''a" },
		{ "comm =~ '('", "pattern", "at ''('" },
		{ "comm =~", "pattern", "at its end" },
		{ "state == establisht", "did you mean 'established'?", "at 'establisht'" },
		{ "proto == xyz", "not a value of 'proto'", "at 'xyz'" },
		{ "end == bogus", "(no answer to its SYN was seen)), at", "at 'bogus'" },
		{ "raddr == nohost", "address", "at 'nohost'" },
		{ "raddr == 10.0.0.0/33", "address", "at '10.0.0.0/33'" },
		{ "raddr == 10.0.0.1:80", "address", "at '10.0.0.1:80'" },
		{ "remote == 10.0.0.1:99999", "address", "at '10." },
		{ "10.0.0.1 == raddr", "number", "at '10.0.0.1" },
		{ "pid == 99999999999999999999", "too large", "at '999" },
		{ "pid == 1 & pid == 2", "&&", "at '& pid" },
		{ "comm == or", "missing", "at 'or'" },
		{ "pid == \x1b[2J", "missing", "at '\\x1b[2J'" },
		{ "pid == \xff", "missing", "at '\\xff'" },
		/* of checks alone */
		{ "count() > 1", "is for --check", "at 'count() > 1' (character 1)" },
		{ "pid == 1 && p99(rtt) > 1s", "is for --check", "at 'p99(rtt) > 1s'" },
		{ "p99.9(rtt) > 1s", "is for --check", "at 'p99.9(rtt)" },
		{ "median(rtt) > 1s", "nothing is called 'median('", "at 'median(" },
		{ "rtt < baseline", "baseline is for --check", "at 'baseline' (character 7)" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		refused(rows[i].text, rows[i].says, rows[i].at);
}

static void size_and_depth_are_bounded(void **state)
{
	static const char *const repeat[] = {
		"(", "-", "!", "not ", "1+", "true&&", "a", "1", "'"
	};
	struct np_buf text = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(repeat); i++) {
		for (size_t max = 1000; max <= 8000; max *= 2) {
			while (text.len < max)
				np_buf_str(&text, repeat[i]);
			refused(np_buf_cstr(&text), "expression: ", "");
			np_buf_reset(&text);
		}
	}
	/* as long as it goes, evaluated */
	for (int i = 0; i < 250; i++)
		np_buf_str(&text, "true&&");
	np_buf_str(&text, "true");
	assert_true(truth(np_buf_cstr(&text), &(struct np_row){ 0 }));
	np_buf_free(&text);
}

static void a_pattern_cannot_cost_the_earth(void **state)
{
	static const char *const rows[] = {
		"comm =~ '(((((((((((a+)+)+)+)+)+)+)+)+)+)+)+'",
		"comm =~ '(a{1,255}){1,255}'",
		"comm =~ 'a{99999}'",
		"comm =~ '((a{9}){9}){9,}{99}'",
		"comm =~ '(a)\\1'",
		"comm =~ '[\\]+++++++++++++'",
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		refused(rows[i], "pattern", "at ''");
	snprintf(text, sizeof(text), "comm =~ '%0300d'", 0);
	refused(text, "more than 255 bytes", "at ''");
	assert_true(truth("comm =~ '^[a-z]+x{1,3}$'", &(struct np_row){ .comm = "nginx" }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_compare_in_the_columns_unit),
		cmocka_unit_test(whole_numbers_are_exact),
		cmocka_unit_test(arithmetic_binds_as_in_c),
		cmocka_unit_test(logic_binds_as_in_c),
		cmocka_unit_test(text_compares_by_bytes_and_pattern),
		cmocka_unit_test(a_backslash_escapes_only_the_quote),
		cmocka_unit_test(addresses_compare_with_prefixes),
		cmocka_unit_test(the_unknown_is_neither_true_nor_false),
		cmocka_unit_test(what_differs_in_a_group_is_unknown),
		cmocka_unit_test(parts_go_to_members_or_to_rows),
		cmocka_unit_test(it_says_what_its_columns_need),
		cmocka_unit_test(a_wrong_expression_is_shown_where_it_is_wrong),
		cmocka_unit_test(size_and_depth_are_bounded),
		cmocka_unit_test(a_pattern_cannot_cost_the_earth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
