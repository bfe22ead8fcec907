// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The parts of the screen that need no terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <ncurses.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "sink/tui.h"
#include "sink/tui_fit.h"
#include "sink/tui_line.h"
#include "sink/tui_step.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define V6   "[2001:db8:1234:5678:9abc:def0:1234:5678]:443"

static void columns_get_what_they_need_and_then_comfort(void **state)
{
	const struct np_fit_col cols[] = { { 4, 7, 4, false },
					   { 9, 15, 9, false },
					   { 5, 5, 5, false } };
	uint16_t w[3];

	(void)state;
	assert_int_equal(np_fit_columns(cols, 3, 80, 1, w), 3);
	assert_int_equal(w[0], 7);
	assert_int_equal(w[1], 15);
	assert_int_equal(w[2], 5);
	/* just enough: content, no comfort */
	assert_int_equal(np_fit_columns(cols, 3, 20, 1, w), 3);
	assert_int_equal(w[0], 4);
	assert_int_equal(w[1], 9);
	assert_int_equal(w[2], 5);
	/* two cells to spare: one each */
	assert_int_equal(np_fit_columns(cols, 3, 22, 1, w), 3);
	assert_int_equal(w[0], 5);
	assert_int_equal(w[1], 10);
}

static void columns_that_do_not_fit_go_whole(void **state)
{
	const struct np_fit_col cols[] = { { 10, 10, 10, false },
					   { 10, 10, 10, false },
					   { 2, 2, 2, false } };
	uint16_t w[3];

	(void)state;
	assert_int_equal(np_fit_columns(cols, 3, 20, 1, w), 1);
	assert_int_equal(w[0], 10);
	/* no later one jumps in */
	assert_int_equal(np_fit_columns(cols, 3, 13, 1, w), 1);
	assert_int_equal(np_fit_columns(cols, 3, 21, 1, w), 2);
	/* one alone takes what there is */
	assert_int_equal(np_fit_columns(cols, 3, 6, 1, w), 1);
	assert_int_equal(w[0], 6);
	assert_int_equal(np_fit_columns(cols, 0, 6, 1, w), 0);
}

static void spare_room_goes_to_addresses_first(void **state)
{
	const struct np_fit_col cols[] = { { 40, 40, 15, false },
					   { 44, 44, 21, true },
					   { 5, 7, 5, false } };
	uint16_t w[3];

	(void)state;
	assert_int_equal(np_fit_columns(cols, 3, 70, 1, w), 3);
	assert_int_equal(w[1], 44);
	assert_int_equal(w[0], 70 - 2 - 44 - 5);
	assert_int_equal(w[2], 5);
}

static void no_width_is_ever_exceeded(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed < 2000; seed++) {
		struct np_fit_col cols[12];
		uint16_t w[12];
		size_t width = 40 + seed % 261, gap = 1 + seed % 2, fit, used = 0;
		unsigned int r = seed * 2654435761U;

		for (size_t i = 0; i < N(cols); i++) {
			r = r * 1103515245U + 12345;
			cols[i].content = (uint16_t)(1 + (r >> 16) % 60);
			cols[i].wish = (uint16_t)(cols[i].content + (r >> 8) % 10);
			cols[i].least =
			    (uint16_t)(r & 64 ? cols[i].content : 1 + cols[i].content / 2);
			cols[i].first = r & 128;
		}
		fit = np_fit_columns(cols, N(cols), width, gap, w);
		assert_true(fit >= 1);
		for (size_t i = 0; i < fit; i++) {
			used += w[i] + (i ? gap : 0);
			if (fit > 1)
				assert_true(w[i] >= cols[i].least && w[i] <= cols[i].wish);
		}
		assert_true(used <= width);
	}
}

static void widths_grow_at_once_and_shrink_late(void **state)
{
	struct np_fit_memory mem = { 0 };

	(void)state;
	assert_int_equal(np_fit_settle(&mem, 4, true), 4);
	assert_int_equal(np_fit_settle(&mem, 9, true), 9);
	for (int i = 1; i < NP_FIT_CALM; i++)
		assert_int_equal(np_fit_settle(&mem, i == 3 ? 6 : 4, true), 9);
	/* redraws for a key do not count */
	for (int i = 0; i < 100; i++)
		assert_int_equal(np_fit_settle(&mem, 4, false), 9);
	assert_int_equal(np_fit_settle(&mem, 4, true), 6);
	assert_int_equal(np_fit_settle(&mem, 7, true), 7);
}

static void cut_text_bears_a_mark(void **state)
{
	static const struct {
		const char *text;
		size_t cells;
		enum np_cut how;
		bool utf8;
		const char *expect;
	} rows[] = {
		{ "nginx", 5, NP_CUT_END, false, "nginx" },
		{ "nginx", 4, NP_CUT_END, false, "ngi~" },
		{ "nginx", 4, NP_CUT_END, true, "ngi…" },
		{ "nginx", 1, NP_CUT_END, true, "…" },
		{ "nginx", 0, NP_CUT_END, true, "" },
		{ "日本語", 6, NP_CUT_END, true, "日本語" },
		{ "日本語", 5, NP_CUT_END, true, "日本…" },
		{ "日本語", 4, NP_CUT_END, true, "日…" },
		{ V6, 44, NP_CUT_ADDRESS, true, V6 },
		{ V6, 21, NP_CUT_ADDRESS, true, "[2001:db8:1234:…]:443" },
		{ V6, 21, NP_CUT_ADDRESS, false, "[2001:db8:1234:~]:443" },
		{ V6, 7, NP_CUT_ADDRESS, false, "[~]:443" },
		{ V6, 6, NP_CUT_ADDRESS, false, "[2001~" },
		{ "192.168.100.200:65535", 15, NP_CUT_ADDRESS, false, "192.168.~:65535" },
		{ "2001:db8:1234::5678", 10, NP_CUT_ADDRESS, false, "2001:db8:~" },
		{ "192.168.100.200", 10, NP_CUT_ADDRESS, false, "192.168.1~" },
	};
	struct np_buf buf = { 0 };

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		size_t used;

		np_buf_reset(&buf);
		used = np_fit_text(&buf, rows[i].text, rows[i].cells, rows[i].how, rows[i].utf8);
		assert_string_equal(np_buf_cstr(&buf), rows[i].expect);
		assert_int_equal(used, np_str_width(rows[i].expect));
	}
	np_buf_free(&buf);
}

static void lines_break_between_words(void **state)
{
	static const struct {
		const char *text;
		size_t cells, len, next;
	} rows[] = {
		{ "", 10, 0, 0 },       { "one two", 10, 7, 7 }, { "one two", 7, 7, 7 },
		{ "one two", 6, 3, 4 }, { "one two", 3, 3, 4 },  { "longword x", 4, 4, 4 },
		{ "日本", 1, 1, 1 }, /* no room for one character: still an end to it */
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		size_t next = 99;

		assert_int_equal(np_fit_line(rows[i].text, rows[i].cells, &next), rows[i].len);
		assert_int_equal(next, rows[i].next);
	}
}

static void least_important_pieces_go_first(void **state)
{
	struct np_fit_piece p[] = {
		{ 5, 3, false }, { 10, 0, false }, { 0, 1, false }, { 8, 2, false }
	};

	(void)state;
	assert_int_equal(np_fit_pieces(p, 4, 80, 2), 27);
	assert_true(p[0].shown && p[1].shown && !p[2].shown && p[3].shown);
	assert_int_equal(np_fit_pieces(p, 4, 26, 2), 20);
	assert_true(!p[0].shown && p[1].shown && p[3].shown);
	assert_int_equal(np_fit_pieces(p, 4, 10, 2), 10);
	assert_int_equal(np_fit_pieces(p, 4, 9, 2), 8);
	assert_int_equal(np_fit_pieces(p, 4, 4, 2), 0);
}

static void sparkline_tells_nothing_from_little(void **state)
{
	(void)state;
	assert_int_equal(np_fit_spark(0, 100), 0);
	assert_int_equal(np_fit_spark(0.001, 100), 1);
	assert_int_equal(np_fit_spark(100, 100), 7);
	assert_int_equal(np_fit_spark(50, 100), 4);
	assert_int_equal(np_fit_spark(5, 0), 0);
	assert_int_equal(np_fit_spark(200, 100), 7);
	assert_string_equal(np_fit_glyph(7, true), "█");
	assert_string_equal(np_fit_glyph(0, false), "_");
}

static void type(struct np_line *line, const char *text)
{
	while (*text)
		assert_int_equal(np_line_key(line, (unsigned char)*text++), NP_LINE_EDIT);
}

static void expect_line(const struct np_line *line, const char *text, size_t at)
{
	char buf[4 * NP_LINE_MAX + 1];

	np_line_get(line, buf, sizeof(buf));
	assert_string_equal(buf, text);
	assert_int_equal(line->at, at);
}

static void line_editor_edits(void **state)
{
	struct np_line line;

	(void)state;
	np_line_set(&line, "tcp");
	type(&line, " port 80");
	expect_line(&line, "tcp port 80", 11);
	np_line_key(&line, NP_KEY(KEY_HOME));
	np_line_key(&line, NP_KEY(KEY_DC));
	type(&line, "T");
	expect_line(&line, "Tcp port 80", 1);
	np_line_key(&line, NP_KEY(KEY_LEFT));
	np_line_key(&line, NP_KEY(KEY_LEFT));
	np_line_key(&line, NP_KEY(KEY_BACKSPACE));
	expect_line(&line, "Tcp port 80", 0);
	np_line_key(&line, NP_KEY(KEY_RIGHT));
	np_line_key(&line, 'k' & 0x1f);
	expect_line(&line, "T", 1);
	np_line_set(&line, "host 10.0.0.1  ");
	np_line_key(&line, 'w' & 0x1f);
	expect_line(&line, "host ", 5);
	np_line_key(&line, 'u' & 0x1f);
	expect_line(&line, "", 0);
	/* nothing that would move the cursor gets in */
	np_line_key(&line, 0x01 + 0x13);
	np_line_key(&line, NP_KEY(KEY_UP));
	np_line_key(&line, 0x9b);
	expect_line(&line, "", 0);
	np_line_key(&line, 0x65e5);
	expect_line(&line, "日", 1);
	assert_int_equal(np_line_key(&line, '\r'), NP_LINE_DONE);
	assert_int_equal(np_line_key(&line, 0x1b), NP_LINE_CANCEL);
}

static void line_editor_stops_when_full(void **state)
{
	struct np_line line;

	(void)state;
	np_line_set(&line, "");
	for (int i = 0; i < 2 * NP_LINE_MAX; i++)
		np_line_key(&line, 'x');
	assert_int_equal(line.len, NP_LINE_MAX);
	np_line_key(&line, NP_KEY(KEY_HOME));
	np_line_key(&line, NP_KEY(KEY_DC));
	assert_int_equal(line.len, NP_LINE_MAX - 1);
}

static void line_window_follows_the_cursor(void **state)
{
	struct np_line line;
	char buf[64];

	(void)state;
	np_line_set(&line, "0123456789");
	assert_int_equal(np_line_window(&line, 20, buf, sizeof(buf)), 10);
	assert_string_equal(buf, "0123456789");
	assert_int_equal(np_line_window(&line, 6, buf, sizeof(buf)), 5);
	assert_string_equal(buf, "56789");
	np_line_key(&line, NP_KEY(KEY_HOME));
	assert_int_equal(np_line_window(&line, 6, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "012345");
	np_line_set(&line, "日本語");
	assert_int_equal(np_line_window(&line, 5, buf, sizeof(buf)), 4);
	assert_string_equal(buf, "本語");
}

static void interval_steps(void **state)
{
	const uint64_t ms = 1000000;

	(void)state;
	assert_int_equal(np_step_interval(1000 * ms, 1), 2000 * ms);
	assert_int_equal(np_step_interval(1000 * ms, -1), 500 * ms);
	assert_int_equal(np_step_interval(1500 * ms, 1), 2000 * ms);
	assert_int_equal(np_step_interval(1500 * ms, -1), 1000 * ms);
	assert_int_equal(np_step_interval(60000 * ms, 1), 60000 * ms);
	assert_int_equal(np_step_interval(100 * ms, -1), 100 * ms);
	assert_int_equal(np_step_interval(3600000 * ms, -1), 60000 * ms);
	assert_int_equal(np_step_interval(10 * ms, -1), 10 * ms);
}

static struct np_view_cfg settings(const char *cols, const char *sort)
{
	struct np_view_cfg cfg = { 0 };

	assert_int_equal(np_view_group(&cfg, "process", NULL), 0);
	assert_int_equal(
	    np_cols_parse(cols, NULL, cfg.kind, cfg.cols, NP_MAX_COLS, &cfg.ncols, NULL), 0);
	assert_int_equal(np_view_sort(&cfg, sort, NULL), 0);
	return cfg;
}

static void expect_cols(const struct np_view_cfg *cfg, const char *cols)
{
	struct np_buf buf = { 0 };

	for (size_t i = 0; i < cfg->ncols; i++) {
		np_buf_str(&buf, i ? "," : "");
		np_buf_str(&buf, cfg->cols[i]->name);
	}
	assert_string_equal(np_buf_cstr(&buf), cols);
	np_buf_free(&buf);
}

static void sort_moves_over_the_columns(void **state)
{
	struct np_view_cfg cfg = settings("comm,tx_rate,rx_rate", "-tx_rate");

	(void)state;
	assert_true(np_step_sort(&cfg, 1));
	assert_string_equal(cfg.sort->name, "rx_rate");
	assert_false(cfg.ascending);
	assert_false(np_step_sort(&cfg, 1));
	assert_true(np_step_sort(&cfg, -1));
	assert_true(np_step_sort(&cfg, -1));
	assert_string_equal(cfg.sort->name, "comm");
	assert_true(cfg.ascending);
	assert_false(np_step_sort(&cfg, -1));
	/* from a column that is not shown: in from the edge */
	cfg = settings("comm,tx_rate,rx_rate", "-rate");
	assert_true(np_step_sort(&cfg, 1));
	assert_string_equal(cfg.sort->name, "comm");
	cfg = settings("comm,tx_rate,rx_rate", "-rate");
	assert_true(np_step_sort(&cfg, -1));
	assert_string_equal(cfg.sort->name, "rx_rate");
}

static void averages_take_the_place_of_rates(void **state)
{
	struct np_view_cfg cfg = settings("comm,tx_rate,rx_rate,rtt", "-rx_rate");

	(void)state;
	assert_int_equal(np_step_avg_get(&cfg), NP_AVG_NOW);
	assert_true(np_step_avg_set(&cfg, NP_AVG_10));
	expect_cols(&cfg, "comm,tx_avg10,rx_avg10,rtt");
	assert_string_equal(cfg.sort->name, "rx_avg10");
	assert_int_equal(np_step_avg_get(&cfg), NP_AVG_10);
	assert_true(np_step_avg_set(&cfg, NP_AVG_NOW));
	expect_cols(&cfg, "comm,tx_rate,rx_rate,rtt");
	assert_string_equal(cfg.sort->name, "rx_rate");
	/* another sort column stays, no column is shown twice */
	cfg = settings("tx_rate,tx_avg2,rx_rate", "-rtt");
	assert_true(np_step_avg_set(&cfg, NP_AVG_2));
	expect_cols(&cfg, "tx_rate,tx_avg2,rx_avg2");
	assert_string_equal(cfg.sort->name, "rtt");
	cfg = settings("comm,rtt", "-rtt");
	assert_false(np_step_avg_set(&cfg, NP_AVG_2));
}

static void columns_come_go_and_move(void **state)
{
	struct np_view_cfg cfg = settings("comm,rtt", "-rtt");

	(void)state;
	assert_true(np_step_toggle(&cfg, np_col_find("age")));
	expect_cols(&cfg, "comm,rtt,age");
	assert_true(np_step_place(&cfg, np_col_find("age"), -1));
	expect_cols(&cfg, "comm,age,rtt");
	assert_true(np_step_toggle(&cfg, np_col_find("comm")));
	expect_cols(&cfg, "age,rtt");
	assert_false(np_step_place(&cfg, np_col_find("age"), -1));
	assert_false(np_step_place(&cfg, np_col_find("rtt"), 1));
	assert_false(np_step_place(&cfg, np_col_find("comm"), 1));
	assert_true(np_step_toggle(&cfg, np_col_find("age")));
	assert_false(np_step_toggle(&cfg, np_col_find("rtt")));
	expect_cols(&cfg, "rtt");
}

static void a_group_opened_does_not_repeat_its_key(void **state)
{
	struct np_view_cfg cfg = settings("pid,comm,proto,user,remote,rtt", "-rtt"), of = cfg;

	(void)state;
	np_step_drop_keys(&cfg, &of);
	expect_cols(&cfg, "proto,user,remote,rtt");
	cfg = settings("comm", "-rtt");
	np_step_drop_keys(&cfg, &of);
	expect_cols(&cfg, "comm");
}

static void every_key_is_in_the_manual(void **state)
{
	struct np_buf out = { 0 };

	(void)state;
	np_tui_dump_keys(&out);
	assert_non_null(strstr(np_buf_cstr(&out), ".It Ic Up , Down\nSelect a row"));
	assert_non_null(strstr(np_buf_cstr(&out), ".It Ic + , \\-\n"));
	assert_non_null(strstr(np_buf_cstr(&out), ".It Ic h , \\&?\n"));
	assert_non_null(strstr(np_buf_cstr(&out), ".It Ic q\nQuit.\n"));
	np_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_get_what_they_need_and_then_comfort),
		cmocka_unit_test(columns_that_do_not_fit_go_whole),
		cmocka_unit_test(spare_room_goes_to_addresses_first),
		cmocka_unit_test(no_width_is_ever_exceeded),
		cmocka_unit_test(widths_grow_at_once_and_shrink_late),
		cmocka_unit_test(cut_text_bears_a_mark),
		cmocka_unit_test(lines_break_between_words),
		cmocka_unit_test(least_important_pieces_go_first),
		cmocka_unit_test(sparkline_tells_nothing_from_little),
		cmocka_unit_test(line_editor_edits),
		cmocka_unit_test(line_editor_stops_when_full),
		cmocka_unit_test(line_window_follows_the_cursor),
		cmocka_unit_test(interval_steps),
		cmocka_unit_test(sort_moves_over_the_columns),
		cmocka_unit_test(averages_take_the_place_of_rates),
		cmocka_unit_test(columns_come_go_and_move),
		cmocka_unit_test(a_group_opened_does_not_repeat_its_key),
		cmocka_unit_test(every_key_is_in_the_manual),
	};

	/* widths of characters are the locale's to say */
	if (!setlocale(LC_ALL, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
