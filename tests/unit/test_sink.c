// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink/internal.h"

#define SEC 1000000000ULL

static struct np_flows *flows;
static struct np_view *view;
static struct np_sink *sink;
static struct np_err err;
static char *out; /* what was written, up to date after each refresh */
static size_t outlen;
static FILE *mem;
static uint64_t now;

static int setup(void **state)
{
	(void)state;
	now = SEC;
	out = NULL;
	view = NULL;
	sink = NULL;
	mem = open_memstream(&out, &outlen);
	return mem ? np_flows_new(&flows, NULL, NULL) : -1;
}

static int teardown(void **state)
{
	(void)state;
	np_sink_free(sink);
	np_view_free(view);
	np_flows_free(flows);
	fclose(mem);
	free(out);
	return 0;
}

static void columns(const char *list)
{
	struct np_view_cfg cfg = { .kind = NP_COL_CONN };

	assert_int_equal(
	    np_cols_parse(list, NULL, NP_COL_CONN, cfg.cols, NP_MAX_COLS, &cfg.ncols, &err), 0);
	assert_int_equal(np_view_sort(&cfg, "+pid", &err), 0);
	if (view)
		assert_int_equal(np_view_set(view, &cfg), 0);
	else
		assert_int_equal(np_view_new(&view, &cfg, NULL), 0);
}

static void sink_to(const char *name, FILE *file, unsigned int header_every)
{
	struct np_sink_cfg cfg = { .out = file,
				   .header_every = header_every,
				   .fmt = { NP_UNITS_BYTES, true } };

	assert_int_equal(np_sink_new(&sink, name, &cfg, &err), 0);
}

static void walk(bool begin)
{
	struct np_ev_walk r = { .hdr = { NP_EV_WALK, sizeof(r), 0 } };

	r.mono_ns = r.wall_ns = now;
	r.begin = begin;
	r.what = NP_WALK_FILES | NP_WALK_TCP;
	np_flows_record(flows, &r, sizeof(r));
}

static void conn(uint32_t pid, const char *comm, uint64_t sent)
{
	struct np_ev_sock r = { .hdr = { NP_EV_SOCK, sizeof(r), 0 }, .cookie = pid };

	r.tuple.proto = IPPROTO_TCP;
	r.tuple.state = 1;
	r.tuple.family = AF_INET;
	r.task.pid = pid;
	memcpy(r.task.comm, comm, strnlen(comm, sizeof(r.task.comm)));
	r.bytes_sent = sent;
	np_flows_record(flows, &r, sizeof(r));
}

/* What stands between begin and end is a refresh of these processes. */
static int refresh(size_t n, const char *const *comms)
{
	now += SEC;
	walk(true);
	for (size_t i = 0; i < n; i++)
		conn((uint32_t)i + 1, comms[i], i * 1000);
	walk(false);
	assert_int_equal(np_view_update(view, flows), 0);
	return np_sink_write(sink, view);
}

static void text_is_aligned(void **state)
{
	static const char *const comms[] = { "sshd", "a much longer n", "\x1b[2Jx" };

	(void)state;
	columns("comm,pid,tx_bytes,state");
	sink_to("text", mem, 0);
	assert_int_equal(refresh(3, comms), 0);
	assert_string_equal(out, "COMM                PID      TX STATE\n"
				 "sshd                  1       0 established\n"
				 "a much longer n       2    1000 established\n"
				 "\\x1b[2Jx              3    2.0K established\n");
}

static void text_stays_aligned_when_a_later_value_is_wider(void **state)
{
	static const char *const narrow[] = { "sshd" };
	static const char *const wide[] = { "sshd", "\1\2\3\4\5\6\7\x08" };

	(void)state;
	columns("comm,pid");
	sink_to("text", mem, 0);
	assert_int_equal(refresh(1, narrow), 0);
	assert_int_equal(refresh(2, wide), 0);
	assert_int_equal(refresh(1, narrow), 0);
	/* nothing is cut, the widened column stays */
	assert_string_equal(out, "COMM                PID\n"
				 "sshd                  1\n"
				 "sshd                                   1\n"
				 "\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08       2\n"
				 "sshd                                   1\n"
				 "\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08       2\n");
}

static void text_repeats_its_header_when_asked(void **state)
{
	static const char *const comms[] = { "a", "b", "c" };

	(void)state;
	columns("pid");
	sink_to("text", mem, 2);
	assert_int_equal(refresh(3, comms), 0);
	assert_int_equal(refresh(3, comms), 0);
	assert_string_equal(out, "    PID\n      1\n      2\n    PID\n      3\n      1\n"
				 "    PID\n      2\n      3\n");
}

static void header_comes_before_the_first_row_is_there(void **state)
{
	(void)state;
	columns("pid,comm");
	sink_to("text", mem, 0);
	assert_int_equal(refresh(0, NULL), 0);
	assert_string_equal(out, "    PID COMM\n");
	assert_int_equal(refresh(0, NULL), 0);
	assert_string_equal(out, "    PID COMM\n");
}

static void other_columns_bring_their_header(void **state)
{
	static const char *const comms[] = { "a" };

	(void)state;
	columns("pid,comm");
	sink_to("csv", mem, 0);
	assert_int_equal(refresh(1, comms), 0);
	columns("comm,pid");
	assert_int_equal(refresh(1, comms), 0);
	assert_string_equal(out, "pid,comm\n1,a\ncomm,pid\na,1\n");
}

/* One field of RFC 4180 from *AT into FIELD; the byte that ended it. */
static char csv_field(const char **at, char *field)
{
	const char *p = *at;
	bool quoted = *p == '"';

	p += quoted;
	while (*p && (quoted || (*p != ',' && *p != '\n'))) {
		if (quoted && *p == '"') {
			p++;
			if (*p != '"')
				break;
		}
		*field++ = *p++;
	}
	*field = '\0';
	*at = *p ? p + 1 : p;
	return *p;
}

static void csv_comes_back(void **state)
{
	static const char *const comms[] = { "plain", "a,b", "q\"q", "two\nlines", "" };
	const char *at;
	char field[64];

	(void)state;
	columns("comm,tx_bytes,rtt,age");
	sink_to("csv", mem, 0);
	assert_int_equal(refresh(5, comms), 0);
	at = strchr(out, '\n') + 1;
	assert_memory_equal(out, "comm,tx_bytes,rtt,age\n", (size_t)(at - out));
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(csv_field(&at, field), ',');
		assert_string_equal(field, comms[i]);
		assert_int_equal(csv_field(&at, field), ',');
		assert_int_equal(strtoull(field, NULL, 10), i * 1000);
		assert_int_equal(csv_field(&at, field), ',');
		assert_string_equal(field, "");
		assert_int_equal(csv_field(&at, field), '\n');
		assert_string_equal(field, "0");
	}
	assert_int_equal(*at, '\0');
}

static void csv_has_no_empty_lines(void **state)
{
	static const char *const comms[] = { "" };

	(void)state;
	columns("comm");
	sink_to("csv", mem, 0);
	assert_int_equal(refresh(1, comms), 0);
	assert_string_equal(out, "comm\n\"\"\n");
}

static void json_is_an_object_a_line(void **state)
{
	static const char *const comms[] = { "a\"b\\c", "x\ny", "\xff\x1b[1m", "gr\xc3\xbc" };
	size_t lines = 0;
	char *rest;

	(void)state;
	columns("time,pid,comm,local,tx_bytes,tx_rate,rtt,retrans_pct,user,age");
	sink_to("json", mem, 0);
	assert_int_equal(refresh(4, comms), 0);
	assert_int_equal(refresh(4, comms), 0);
	for (char *line = strtok_r(out, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest), lines++) {
		json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		assert_true(json_is_object(object));
		assert_int_equal(json_object_size(object), 10);
		assert_int_equal(json_integer_value(json_object_get(object, "pid")), lines % 4 + 1);
		assert_true(json_is_string(json_object_get(object, "comm")));
		assert_true(json_is_null(json_object_get(object, "rtt")));
		json_decref(object);
	}
	assert_int_equal(lines, 8);
}

static void a_long_refresh_takes_little_memory(void **state)
{
	static const char *const names[] = { "text", "csv", "json" };
	enum { ROWS = 20000 };
	const char **comms = calloc(ROWS, sizeof(*comms));

	(void)state;
	assert_non_null(comms);
	for (size_t i = 0; i < ROWS; i++)
		comms[i] = "some process";
	columns("pid,comm,local,remote,state,tx_bytes");
	for (size_t i = 0; i < 3; i++) {
		size_t lines = 0;

		np_sink_free(sink);
		sink_to(names[i], mem, 0);
		rewind(mem);
		assert_int_equal(refresh(ROWS, comms), 0);
		for (size_t k = 0; k < outlen; k++)
			lines += out[k] == '\n';
		assert_int_equal(lines, ROWS + (i < 2));
		assert_int_equal(out[outlen - 1], '\n');
		assert_true(sink->lines.cap + sink->cells.cap <= 512 * 1024);
	}
	free(comms);
}

static void full_disk_is_told_once(void **state)
{
	static const char *const comms[] = { "a" };
	FILE *full = fopen("/dev/full", "we");

	(void)state;
	assert_non_null(full);
	columns("pid,comm");
	sink_to("text", full, 0);
	assert_int_equal(refresh(1, comms), -ENOSPC);
	assert_int_equal(refresh(1, comms), 0);
	fclose(full);
}

static void closed_pipe_is_told_once(void **state)
{
	static const char *const names[] = { "text", "csv", "json" };
	static const char *const comms[] = { "a" };
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);

	(void)state;
	columns("pid,comm");
	for (size_t i = 0; i < 3; i++) {
		FILE *file;
		int ends[2];

		assert_int_equal(pipe(ends), 0);
		file = fdopen(ends[1], "we");
		assert_non_null(file);
		np_sink_free(sink);
		sink_to(names[i], file, 0);
		assert_int_equal(refresh(1, comms), 0);
		close(ends[0]);
		assert_int_equal(refresh(1, comms), -EPIPE);
		assert_int_equal(refresh(1, comms), 0);
		fclose(file);
	}
	signal(SIGPIPE, before);
}

static void no_memory_writes_no_half_line(void **state)
{
	static const char *const comms[] = { "a" };

	(void)state;
	columns("pid,comm");
	sink_to("csv", mem, 0);
	assert_int_equal(refresh(1, comms), 0);
	sink->lines.oom = true;
	assert_int_equal(refresh(1, comms), -ENOMEM);
	assert_string_equal(out, "pid,comm\n1,a\n");
	assert_int_equal(refresh(1, comms), 0);
	assert_string_equal(out, "pid,comm\n1,a\n1,a\n");
}

static void unknown_format_names_the_known_ones(void **state)
{
	struct np_sink_cfg cfg = { .out = mem };

	(void)state;
	assert_int_equal(np_sink_new(&sink, "yaml", &cfg, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "'yaml'"));
	assert_non_null(strstr(err.msg, "text, csv, json"));
	assert_null(sink);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(text_is_aligned),
		TEST(text_stays_aligned_when_a_later_value_is_wider),
		TEST(text_repeats_its_header_when_asked),
		TEST(header_comes_before_the_first_row_is_there),
		TEST(other_columns_bring_their_header),
		TEST(csv_comes_back),
		TEST(csv_has_no_empty_lines),
		TEST(json_is_an_object_a_line),
		TEST(a_long_refresh_takes_little_memory),
		TEST(full_disk_is_told_once),
		TEST(closed_pipe_is_told_once),
		TEST(no_memory_writes_no_half_line),
		TEST(unknown_format_names_the_known_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
