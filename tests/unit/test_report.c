// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What checks came to, as people, TAP, JSON and JUnit readers get it; with texts that bite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sink/report.h"

static struct np_check_value rtt = { .name = "p99(rtt)",
				     .unit = "s",
				     .known = true,
				     .num = 0.00132,
				     .samples = 412,
				     .of = "samples",
				     .has_base = true,
				     .base = 0.0011 };
static struct np_check_value two[] = { { .name = "sum(tx_bytes)",
					 .unit = "B",
					 .known = true,
					 .whole = true,
					 .num = 10485761,
					 .integer = 10485761,
					 .samples = 1,
					 .of = "connections" },
				       { .name = "count()",
					 .unit = "",
					 .known = true,
					 .whole = true,
					 .num = 3,
					 .integer = 3,
					 .samples = 9,
					 .of = "events" } };

static const struct np_check_result pass = {
	.text = "p99(rtt) < 1.5 * baseline", .verdict = NP_CHECK_PASS, .values = &rtt, .nvalues = 1
};
static const struct np_check_result fail = { .text = "sum(tx_bytes) < 10MiB && count() == 0",
					     .verdict = NP_CHECK_FAIL,
					     .values = two,
					     .nvalues = 2 };
/* a name of a process with everything that ends a line, a string, an element or a directive */
static const struct np_check_result nasty = {
	.text = "count(comm == \"a]]>\n</testcase>&#'\x1b[31m\xff\xef\xbf\xbe # TODO \\\") == 0",
	.verdict = NP_CHECK_INCONCLUSIVE,
	.reason = "no <samples>\n of \"x\""
};
static const struct np_check_result error = { .text = "count() == 0",
					      .verdict = NP_CHECK_ERROR,
					      .reason = "cannot run" };
static const struct np_check_result *const all[] = { &pass, &fail, &nasty, &error };

static const struct np_report_run run = { .program = "nprtt",
					  .host = "h<1>",
					  .wall_ns = 1700000000ULL * 1000000000ULL,
					  .seconds = 2.5,
					  .utf8 = true };

static void writes(enum np_report_format format, const char *want)
{
	struct np_buf out = { 0 };

	np_report(&out, format, &run, all, 4);
	assert_false(out.oom);
	assert_string_equal(np_buf_cstr(&out), want);
	np_buf_free(&out);
}

#define NASTY \
	"count(comm == \"a]]>\\x0a</testcase>&#'\\x1b[31m\\xff\xef\xbf\xbe # TODO \\\\\") == 0"

static void text_is_a_line_a_check(void **state)
{
	(void)state;
	writes(NP_REPORT_text,
	       "check passed: p99(rtt) < 1.5 * baseline: p99(rtt) is 1.32ms (412 samples; baseline "
	       "1.10ms)\n"
	       "check FAILED: sum(tx_bytes) < 10MiB && count() == 0: sum(tx_bytes) is 10MiB (1 "
	       "connection), count() is 3 (9 events)\n"
	       "check inconclusive: " NASTY ": no <samples>\\x0a of \"x\"\n"
	       "check not judged: count() == 0: cannot run\n");
}

static void tap_counts_what_is_not_known_as_not_ok(void **state)
{
	(void)state;
	writes(NP_REPORT_tap,
	       "TAP version 13\n1..4\n"
	       "ok 1 - p99(rtt) < 1.5 * baseline\n"
	       "# p99(rtt) is 1.32ms (412 samples; baseline 1.10ms)\n"
	       "not ok 2 - sum(tx_bytes) < 10MiB && count() == 0\n"
	       "# sum(tx_bytes) is 10MiB (1 connection), count() is 3 (9 events)\n"
	       "not ok 3 - count(comm == \"a]]>\\x0a</testcase>&\\#'\\x1b[31m\\xff\xef\xbf\xbe \\# "
	       "TODO \\\\\") == 0\n"
	       "# inconclusive: no <samples>\\x0a of \"x\"\n"
	       "not ok 4 - count() == 0\n"
	       "# error: cannot run\n");
}

static void json_has_raw_numbers(void **state)
{
	(void)state;
	writes(
	    NP_REPORT_json,
	    "{\"check\":\"p99(rtt) < 1.5 * baseline\",\"result\":\"pass\",\"reason\":null,"
	    "\"values\":[{\"name\":\"p99(rtt)\",\"value\":0.00132,\"unit\":\"s\",\"samples\":412,"
	    "\"of\":\"samples\",\"baseline\":0.0011}],\"program\":\"nprtt\",\"host\":\"h<1>\","
	    "\"seconds\":2.5}\n"
	    "{\"check\":\"sum(tx_bytes) < 10MiB && count() == 0\",\"result\":\"fail\",\"reason\":"
	    "null,\"values\":[{\"name\":\"sum(tx_bytes)\",\"value\":10485761,\"unit\":\"B\","
	    "\"samples\":1,\"of\":\"connections\",\"baseline\":null},{\"name\":\"count()\","
	    "\"value\":3,\"unit\":\"\",\"samples\":9,\"of\":\"events\",\"baseline\":null}],"
	    "\"program\":\"nprtt\",\"host\":\"h<1>\",\"seconds\":2.5}\n"
	    "{\"check\":\"count(comm == \\\"a]]>\\n</testcase>&#'\\u001b[31m\xef\xbf\xbd\xef\xbf"
	    "\xbe # TODO \\\\\\\") == 0\",\"result\":\"inconclusive\",\"reason\":\"no "
	    "<samples>\\n of \\\"x\\\"\",\"values\":[],\"program\":\"nprtt\",\"host\":\"h<1>\","
	    "\"seconds\":2.5}\n"
	    "{\"check\":\"count() == 0\",\"result\":\"error\",\"reason\":\"cannot run\","
	    "\"values\":[],\"program\":\"nprtt\",\"host\":\"h<1>\",\"seconds\":2.5}\n");
}

static void junit_is_well_formed_whatever_was_asked(void **state)
{
	(void)state;
	writes(
	    NP_REPORT_junit,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
	    "  <testsuite name=\"nprtt\" tests=\"4\" failures=\"1\" errors=\"2\" skipped=\"0\" "
	    "time=\"2.5\" timestamp=\"2023-11-14T22:13:20\" hostname=\"h&lt;1&gt;\">\n"
	    "    <testcase classname=\"nprtt\" name=\"p99(rtt) &lt; 1.5 * baseline\" "
	    "time=\"2.5\">\n"
	    "      <system-out>p99(rtt) is 1.32ms (412 samples; baseline 1.10ms)</system-out>\n"
	    "    </testcase>\n"
	    "    <testcase classname=\"nprtt\" name=\"sum(tx_bytes) &lt; 10MiB &amp;&amp; count() "
	    "== 0\" time=\"2.5\">\n"
	    "      <failure type=\"fail\" message=\"sum(tx_bytes) is 10MiB (1 connection), "
	    "count() is 3 (9 events)\">sum(tx_bytes) is 10MiB (1 connection), count() is 3 (9 "
	    "events)</failure>\n"
	    "    </testcase>\n"
	    "    <testcase classname=\"nprtt\" name=\"count(comm == &quot;a]]&gt;\\x0a&lt;/"
	    "testcase&gt;&amp;#&apos;\\x1b[31m\\xff\xef\xbf\xbd # TODO \\\\&quot;) == 0\" "
	    "time=\"2.5\">\n"
	    "      <error type=\"inconclusive\" message=\"no &lt;samples&gt;\\x0a of "
	    "&quot;x&quot;\">no &lt;samples&gt;\\x0a of &quot;x&quot;</error>\n"
	    "    </testcase>\n"
	    "    <testcase classname=\"nprtt\" name=\"count() == 0\" time=\"2.5\">\n"
	    "      <error type=\"error\" message=\"cannot run\">cannot run</error>\n"
	    "    </testcase>\n"
	    "  </testsuite>\n</testsuites>\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_a_line_a_check),
		cmocka_unit_test(tap_counts_what_is_not_known_as_not_ok),
		cmocka_unit_test(json_has_raw_numbers),
		cmocka_unit_test(junit_is_well_formed_whatever_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
