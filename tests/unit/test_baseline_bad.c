// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Baselines that are damaged or hostile are refused as a whole, each by one sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "sink/format.h"
#include "view/baseline.h"

static struct np_baseline *base;
static struct np_buf text;
static struct np_err err;

static int setup(void **state)
{
	(void)state;
	base = NULL;
	text = (struct np_buf){ 0 };
	err.msg[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	np_baseline_free(base);
	np_buf_free(&text);
	return 0;
}

static int load(void)
{
	np_baseline_free(base);
	return np_baseline_load(&base, np_buf_cstr(&text), text.len, "FILE", &err);
}

static void refused(const char *json, const char *why)
{
	err.msg[0] = '\0';
	np_buf_reset(&text);
	np_buf_str(&text, json);
	if (load() != -EINVAL)
		fail_msg("taken: %.200s", json);
	assert_null(base);
	if (!strstr(err.msg, why))
		fail_msg("%.200s: '%s' does not say '%s'", json, err.msg, why);
	assert_null(strchr(err.msg, '\n'));
}

#define HEAD   "{\"netprobe_baseline\":1,\"tool\":\"nptop\",\"rows\":\"connection\",\"by\":\"comm\","
#define ROW(x) HEAD "\"total\":{},\"groups\":[{\"key\":[\"a\"]," x "}]}"

#define WHOLE                                                                                     \
	"{\n\"netprobe_baseline\":1,\n\"tool\":\"nprtt\",\n\"mode\":\"\",\n\"filter\":\"tcp\",\n" \
	"\"rows\":\"connection\",\n\"by\":\"raddr,comm\",\n\"interval_ns\":1000000000,\n"         \
	"\"duration_ns\":2000000000,\n\"sample\":16,\n\"total\":{\"tx_bytes\":7,\"events\":0},\n" \
	"\"groups\":[\n{\"key\":[\"10.0.0.1\",null],\"tx_bytes\":7,\"conns\":1,\"events\":0,"     \
	"\"rtt\":{\"count\":3,\"sum\":30,\"min\":9,\"max\":11,\"discarded\":0,\"buckets\":[9,1,"  \
	"10,1,"                                                                                   \
	"11,1]}},\n{\"key\":[\"fd00::1\",\"a\\\\x9b\"],\"events\":4}\n]\n}\n"

static void the_whole_file_is_taken(void **state)
{
	size_t n;

	(void)state;
	np_buf_str(&text, WHOLE);
	assert_int_equal(load(), 0);
	assert_int_equal((np_baseline_rows(base, &n), n), 2);
	assert_int_equal(np_baseline_ctx(base)->scale, 16);
}

static void foreign_files_are_refused_by_a_sentence(void **state)
{
	(void)state;
	refused("", "not JSON from line");
	refused("{\n\"a\":1,\n", "line 3");
	refused("hello", "is no baseline");
	refused("[]", "is no baseline");
	refused("{}", "is no baseline");
	refused("{\"netprobe_baseline\":true}", "is no baseline");
	refused("{\"netprobe_baseline\":2}", "version 2");
	refused("{\"netprobe_baseline\":-1}", "version -1");
}

static void damaged_files_are_refused_by_a_sentence(void **state)
{
	(void)state;
	refused("{\"netprobe_baseline\":1}", "of which rows");
	refused("{\"netprobe_baseline\":1,\"rows\":\"connection\"}", "by columns");
	refused("{\"netprobe_baseline\":1,\"rows\":\"connection\",\"by\":\"tx_bytes\"}", "no key");
	refused("{\"netprobe_baseline\":1,\"rows\":\"connection\",\"by\":\"comm,comm_diff\"}",
		"by columns");
	refused(HEAD "\"groups\":[]}", "a row that is none");
	refused(HEAD "\"total\":{}}", "no list");
	refused(HEAD "\"total\":{},\"groups\":{}}", "no list");
	refused(HEAD "\"total\":{},\"groups\":[7]}", "a row that is none");
	refused(HEAD "\"total\":{},\"groups\":[{}]}", "without its key");
	refused(HEAD "\"total\":{},\"groups\":[{\"key\":[]}]}", "without its key");
	refused(HEAD "\"total\":{},\"groups\":[{\"key\":[1]}]}", "no text");
	refused(HEAD "\"total\":{},\"groups\":[{\"key\":[\"\"]}]}", "no text");
	refused(HEAD "\"total\":{},\"groups\":[{\"key\":[\"\\\\q\"]}]}", "cannot be");
	refused(HEAD "\"total\":{},\"groups\":[{\"key\":[\"\\\\x00\"]}]}", "cannot be");
	refused(HEAD "\"total\":{},\"groups\":[{\"key\":[\"a\"]},{\"key\":[\"a\"]}]}",
		"two rows of one key");
	refused(HEAD "\"total\":{},\"groups\":[{\"key\":[\"a\"]},{\"key\":[\"\\\\x61\"]}]}",
		"two rows of one key");
}

static void numbers_that_cannot_be_are_refused(void **state)
{
	(void)state;
	refused(ROW("\"tx_bytes\":-1"), "tx_bytes is not a whole number");
	refused(ROW("\"tx_bytes\":1.5"), "tx_bytes is not a whole number");
	refused(ROW("\"tx_bytes\":\"1\""), "tx_bytes is not a whole number");
	refused(ROW("\"tx_bytes\":null"), "tx_bytes is not a whole number");
	refused(ROW("\"tx_bytes\":NaN"), "not JSON");
	refused(ROW("\"tx_bytes\":1e400"), "not JSON");
	refused(ROW("\"tx_bytes\":99999999999999999999"), "not JSON");
	refused(ROW("\"conns\":4294967296"), "conns is not a whole number");
	refused(ROW("\"tx_bytes\":1,\"tx_bytes\":2"), "not JSON");
	refused(ROW("\"no_tcp\":2"), "no_tcp is not a whole number");
	refused(HEAD "\"sample\":1000001,\"total\":{},\"groups\":[]}", "sample is not");
	refused(HEAD "\"duration_ns\":-5,\"total\":{},\"groups\":[]}", "duration_ns is not");
}

static void histograms_that_cannot_be_are_refused(void **state)
{
	(void)state;
	refused(ROW("\"rtt\":7"), "a histogram that is none");
	refused(ROW("\"rtt\":{}"), "without its buckets");
	refused(ROW("\"rtt\":{\"buckets\":[1]}"), "without its buckets");
	refused(ROW("\"rtt\":{\"count\":1,\"sum\":1,\"min\":1,\"max\":1,\"buckets\":[672,1]}"),
		"a bucket");
	refused(ROW("\"rtt\":{\"count\":1,\"sum\":1,\"min\":1,\"max\":1,\"buckets\":[-1,1]}"),
		"a bucket");
	refused(ROW("\"rtt\":{\"count\":2,\"sum\":2,\"min\":1,\"max\":1,\"buckets\":[1,1,1,1]}"),
		"a bucket");
	refused(ROW("\"rtt\":{\"count\":0,\"sum\":0,\"min\":0,\"max\":0,\"buckets\":[1,0]}"),
		"a bucket");
	refused(ROW("\"rtt\":{\"count\":5,\"sum\":5,\"min\":1,\"max\":1,\"buckets\":[1,1]}"),
		"do not add up");
	refused(ROW("\"rtt\":{\"count\":1,\"sum\":5,\"min\":1,\"max\":1,\"buckets\":[1,2]}"),
		"do not add up");
	refused(ROW("\"rtt\":{\"count\":1,\"sum\":1,\"min\":9,\"max\":1,\"buckets\":[1,1]}"),
		"least and greatest");
	refused(ROW("\"rtt\":{\"count\":1,\"sum\":1,\"min\":0,\"max\":1,\"buckets\":[1,1]}"),
		"least and greatest");
	/* and one that can: a bucket that is at its greatest */
	np_buf_reset(&text);
	np_buf_str(&text,
		   ROW("\"rtt\":{\"count\":9000000000,\"sum\":9000000000,\"min\":1,\"max\":1,"
		       "\"buckets\":[1,4294967295]}"));
	assert_int_equal(load(), 0);
}

static void sizes_are_bounded(void **state)
{
	struct np_buf big = { 0 };

	(void)state;
	np_buf_str(&big, HEAD "\"total\":{},\"groups\":[{\"key\":[\"");
	for (int i = 0; i <= NP_BASELINE_MAX_TEXT; i++)
		np_buf_chr(&big, 'a');
	np_buf_str(&big, "\"]}]}");
	refused(np_buf_cstr(&big), "no text");
	np_buf_reset(&big);
	np_buf_str(&big, HEAD "\"total\":{},\"groups\":[0");
	for (int i = 0; i < NP_BASELINE_MAX_ROWS; i++)
		np_buf_str(&big, ",0");
	np_buf_str(&big, "]}");
	refused(np_buf_cstr(&big), "65536 groups");
	np_buf_reset(&big);
	for (uint32_t i = 0; i <= NP_BASELINE_MAX_BYTES; i++)
		np_buf_chr(&big, ' ');
	refused(np_buf_cstr(&big), "16 MiB");
	np_buf_reset(&big);
	for (int i = 0; i < 100000; i++)
		np_buf_chr(&big, '[');
	refused(np_buf_cstr(&big), "not JSON");
	np_buf_free(&big);
}

/* Wherever a file was cut off, and whatever byte was changed: a sentence or a baseline. */
static void every_cut_and_every_changed_byte_is_survived(void **state)
{
	struct np_buf whole = { 0 };

	(void)state;
	np_buf_str(&whole, WHOLE);
	/* the last line end is nobody's loss */
	for (size_t len = 0; len + 1 < whole.len; len++) {
		np_buf_reset(&text);
		np_buf_add(&text, whole.data, len);
		assert_int_equal(load(), -EINVAL);
	}
	for (size_t at = 0; at < whole.len; at++) {
		np_buf_reset(&text);
		np_buf_add(&text, whole.data, whole.len);
		text.data[at] ^= (char)(1 + at % 255);
		err.msg[0] = '\0';
		if (load())
			assert_true(err.msg[0]);
	}
	np_buf_free(&whole);
}

/* What a hostile file says reaches a terminal escaped. */
static void keys_of_a_file_are_escaped_on_output(void **state)
{
	const struct np_format fmt = { 0 };
	struct np_buf out = { 0 };
	const struct np_row *const *rows;
	size_t n;

	(void)state;
	np_buf_str(&text, HEAD "\"total\":{},\"groups\":[{\"key\":[\"\\u001b[2J\\\\x9b\"],"
			       "\"events\":0}]}");
	assert_int_equal(load(), 0);
	rows = np_baseline_rows(base, &n);
	np_format_text(&out, np_col_find("comm"), rows[0], np_baseline_ctx(base), &fmt);
	assert_string_equal(np_buf_cstr(&out), "\\x1b[2J\\x9b");
	np_buf_free(&out);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_whole_file_is_taken),
		T(foreign_files_are_refused_by_a_sentence),
		T(damaged_files_are_refused_by_a_sentence),
		T(numbers_that_cannot_be_are_refused),
		T(histograms_that_cannot_be_are_refused),
		T(sizes_are_bounded),
		T(every_cut_and_every_changed_byte_is_survived),
		T(keys_of_a_file_are_escaped_on_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
