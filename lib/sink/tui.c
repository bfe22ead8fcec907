// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/str.h"
#include "sink/tui_internal.h"

int np_tui_open(struct np_tui **out, const struct np_view_cfg *cfg, const struct np_format *fmt,
		struct np_err *err)
{
	struct np_tui *tui = calloc(1, sizeof(*tui));
	int ret;

	if (tui)
		tui->kept = calloc(np_ngroups + 1, sizeof(*tui->kept));
	if (!tui || !tui->kept) {
		free(tui);
		return np_err_set(err, -ENOMEM, "out of memory");
	}
	tui->cfg = *cfg;
	tui->fmt = *fmt;
	tui->avg = np_step_avg_get(cfg);
	tui->pane = &np_pane_table;
	ret = np_term_open(tui, err);
	if (ret) {
		np_tui_close(tui);
		return ret;
	}
	*out = tui;
	return 0;
}

void np_tui_close(struct np_tui *tui)
{
	if (!tui)
		return;
	np_term_close(tui);
	np_buf_free(&tui->table.text);
	np_buf_free(&tui->scratch);
	np_buf_free(&tui->detail_text);
	free(tui->table.cells);
	free(tui->kept);
	free(tui);
}

/* What the loop and the view say now is the truth; what keys change is a wish on top of it. */
static void follow_status(struct np_tui *tui, const struct np_view *view,
			  const struct np_tui_status *status)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	const char *filter = status->filter ? status->filter : "";

	tui->status = status;
	if (!tui->interval_set || tui->interval_ns == status->interval_ns) {
		tui->interval_ns = status->interval_ns;
		tui->interval_set = false;
	}
	if (strcmp(filter, tui->filter_now)) {
		snprintf(tui->filter_now, sizeof(tui->filter_now), "%s", filter);
		snprintf(tui->filter, sizeof(tui->filter), "%s", filter);
		tui->history.n = 0;
	}
	/* compiled filters are the loop's: it may have freed the ones that were here */
	tui->cfg.where = cfg->where;
	tui->cfg.filter = cfg->filter;
	tui->cfg.whose = cfg->whose;
}

static void draw_table(struct np_tui *tui, const struct np_view *view)
{
	struct np_hint hints[24] = { { "Esc", "back", 2 } };
	size_t first = tui->drilled;

	np_table_draw(tui, view);
	np_draw_hints(tui, hints,
		      first +
			  np_keys_hints(hints + first, sizeof(hints) / sizeof(hints[0]) - first));
}

static void draw_filter(struct np_tui *tui, const struct np_view *view)
{
	static const char prompt[] = "Filter: ";
	size_t at = sizeof(prompt) - 1, cursor;
	char text[4 * NP_LINE_MAX + 1];

	np_table_draw(tui, view);
	cursor = np_line_window(&tui->line, (size_t)tui->cols - at, text, sizeof(text));
	np_draw_fill(tui, tui->rows - 1, NP_LOOK_PLAIN);
	np_draw(tui, tui->rows - 1, 0, at, NP_LOOK_KEY, prompt);
	np_draw(tui, tui->rows - 1, at, SIZE_MAX, NP_LOOK_PLAIN, text);
	move(tui->rows - 1, (int)(at + cursor));
}

static unsigned int filter_key(struct np_tui *tui, const struct np_view *view, int key)
{
	(void)view;
	switch (np_line_key(&tui->line, key)) {
	case NP_LINE_EDIT:
		return 0;
	case NP_LINE_CANCEL:
		tui->pane = &np_pane_table;
		return 0;
	case NP_LINE_DONE:
		break;
	}
	np_line_get(&tui->line, tui->filter, sizeof(tui->filter));
	tui->pane = &np_pane_table;
	return strcmp(tui->filter, tui->filter_now) ? NP_TUI_FILTER : 0;
}

static unsigned int table_key(struct np_tui *tui, const struct np_view *view, int key)
{
	(void)tui;
	(void)view;
	(void)key;
	return NP_TUI_UNUSED;
}

const struct np_tui_pane np_pane_table = { draw_table, table_key };
const struct np_tui_pane np_pane_filter = { draw_filter, filter_key };

void np_tui_draw(struct np_tui *tui, const struct np_view *view, const struct np_tui_status *status)
{
	follow_status(tui, view, status);
	np_title_sample(tui, view);
	erase();
	if (tui->cols < NP_TUI_MIN_COLS || tui->rows < NP_TUI_MIN_ROWS) {
		char text[64];

		snprintf(text, sizeof(text), "terminal too small (need %dx%d)", NP_TUI_MIN_COLS,
			 NP_TUI_MIN_ROWS);
		np_draw_wrapped(tui, 0, 0, tui->rows, 0, (size_t)tui->cols, NP_LOOK_PLAIN, text);
	} else {
		tui->pane->draw(tui, view);
		if (tui->scroll > tui->scroll_max) {
			/* the page became shorter, or the terminal higher */
			tui->scroll = tui->scroll_max;
			erase();
			tui->pane->draw(tui, view);
		}
		if (tui->pane != &np_pane_filter)
			np_draw_message(tui);
	}
	/* a cursor that cannot be hidden rests where it disturbs least */
	if (tui->pane != &np_pane_filter)
		move(tui->rows - 1, 0);
	curs_set(tui->pane == &np_pane_filter);
	wnoutrefresh(stdscr);
	doupdate();
	tui->status = NULL;
}

static unsigned int one_key(struct np_tui *tui, const struct np_view *view, int key)
{
	unsigned int bits;

	tui->message[0] = '\0';
	if (key == NP_CTRL('l') || key == NP_CTRL('z'))
		return np_keys_run(tui, view, key);
	bits = tui->pane->key(tui, view, key);
	return bits == NP_TUI_UNUSED ? np_keys_run(tui, view, key) : bits;
}

/* The terminal is gone: its end would be told again and again as nothing to read. */
static bool hung_up(void)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

unsigned int np_tui_keys(struct np_tui *tui, const struct np_view *view)
{
	unsigned int bits = 0;
	bool any = false;
	wint_t ch;
	int kind;

	while ((kind = get_wch(&ch)) != ERR) {
		any = true;
		bits |= NP_TUI_REDRAW;
		if (kind != KEY_CODE_YES)
			bits |= one_key(tui, view, (int)ch);
		else if (ch != KEY_RESIZE)
			bits |= one_key(tui, view, NP_KEY((int)ch));
	}
	if (!any && hung_up())
		bits |= NP_TUI_QUIT;
	return bits;
}

const struct np_view_cfg *np_tui_cfg(const struct np_tui *tui)
{
	return &tui->cfg;
}

const char *np_tui_filter(const struct np_tui *tui)
{
	return tui->filter;
}

const struct np_row *np_tui_row(const struct np_tui *tui)
{
	return tui->row;
}

uint64_t np_tui_interval(const struct np_tui *tui)
{
	return tui->interval_ns;
}

bool np_tui_paused(const struct np_tui *tui)
{
	return tui->paused;
}

void np_tui_message(struct np_tui *tui, const char *text)
{
	snprintf(tui->message, sizeof(tui->message), "%s", text);
}
