// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "view/col.h"

static void lists_replace_or_change_the_default(void **state)
{
	static const struct {
		const char *list, *want;
	} rows[] = {
		{ NULL, "pid,comm" },
		{ "rtt,age", "rtt,age" },
		{ "rtt", "rtt" },
		{ "rtt,rtt", "rtt" },
		{ "+rtt", "pid,comm,rtt" },
		{ "-pid", "comm" },
		{ "+rtt,-pid,+pid", "comm,rtt,pid" },
		{ "-pid,age", "comm,age" },
		{ "-age", "pid,comm" },
		{ "+pid", "pid,comm" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct np_col *cols[8];
		struct np_buf got = { 0 };
		size_t n;

		assert_int_equal(
		    np_cols_parse(rows[i].list, "pid,comm", NP_COL_CONN, cols, 8, &n, NULL), 0);
		for (size_t k = 0; k < n; k++) {
			np_buf_str(&got, k ? "," : "");
			np_buf_str(&got, cols[k]->name);
		}
		assert_string_equal(np_buf_cstr(&got), rows[i].want);
		np_buf_free(&got);
	}
}

static void wrong_lists_say_what_is_wrong(void **state)
{
	static const struct {
		const char *list, *says;
	} rows[] = {
		{ "pdi", "did you mean 'pid'?" },
		{ "zzzzzzzzzz", "--list-columns" },
		{ "pid,", "ends with a comma" },
		{ ",pid", "is not a list of columns" },
		{ "pid,,comm", "is not a list of columns" },
		{ "+", "is not a list of columns" },
		{ "", "no column is left" },
		{ "-pid,-comm", "no column is left" },
		{ "wire_bytes", "exists on interface rows only" },
		{ "pid,comm,rtt,age,state", "too many columns: at most 4" },
		{ "pid comm", "there is no column 'pid comm'" },
	};
	const struct np_col *cols[4];
	char longest[300];
	struct np_err err;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    np_cols_parse(rows[i].list, "pid,comm", NP_COL_CONN, cols, 4, &n, &err),
		    -EINVAL);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("%s: %s", rows[i].list, err.msg);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(np_cols_parse(longest, "pid", NP_COL_CONN, cols, 4, &n, &err), -EINVAL);
	/* changes to nothing: the keys of a group have no usual ones */
	assert_int_equal(np_cols_parse("+pid,comm", NULL, NP_COL_CONN, cols, 4, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(np_cols_parse("-pid", NULL, NP_COL_CONN, cols, 4, &n, &err), -EINVAL);
	assert_int_equal(np_cols_parse("rtt", "", NP_COL_IFACE, cols, 4, &n, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "connection rows only"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_replace_or_change_the_default),
		cmocka_unit_test(wrong_lists_say_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
