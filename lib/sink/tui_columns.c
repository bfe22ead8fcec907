// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The column chooser: every column that these rows can have, and its place in the table. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sink/tui_internal.h"

/* Lines below the list for the whole help of the selected column. */
#define HELP_LINES 2

/* The AT-th column of the present kind. */
static const struct np_col *column(const struct np_tui *tui, size_t at)
{
	for (size_t i = 0; i < np_ncols; i++)
		if ((np_cols[i].flags & tui->cfg.kind) && !at--)
			return &np_cols[i];
	return NULL;
}

static size_t count(const struct np_tui *tui)
{
	size_t n = 0;

	while (column(tui, n))
		n++;
	return n;
}

static void draw_column(struct np_tui *tui, const struct np_col *col, int y, bool selected)
{
	enum np_look look = selected ? NP_LOOK_SELECTED : NP_LOOK_PLAIN;
	int at = np_step_index(&tui->cfg, col);
	char head[40];

	if (selected)
		np_draw_fill(tui, y, look);
	/* its place in the table rather than a mere cross */
	if (at >= 0)
		snprintf(head, sizeof(head), "[%2d] %-14s", at + 1, col->name);
	else
		snprintf(head, sizeof(head), "[  ] %-14s", col->name);
	np_draw(tui, y, 0, (size_t)tui->cols, look, head);
	np_draw_cut(tui, y, 20, (size_t)tui->cols - 20, look, col->help);
}

static void draw(struct np_tui *tui, const struct np_view *view)
{
	static const struct np_hint hints[] = {
		{ "Space", "show or hide", 1 },
		{ "<>", "move", 2 },
		{ "Esc", "back", 0 },
	};
	size_t n = count(tui), page = (size_t)(tui->rows - 2 - HELP_LINES);
	const struct np_col *col = column(tui, tui->list.at);
	struct np_tui_place *p = &tui->list;
	char title[64];

	(void)view;
	if (p->at < p->top)
		p->top = p->at;
	if (p->at >= p->top + page)
		p->top = p->at - page + 1;
	snprintf(title, sizeof(title), "columns: %zu of %zu shown", tui->cfg.ncols, n);
	np_draw_fill(tui, 0, NP_LOOK_HEAD);
	np_draw_cut(tui, 0, 0, (size_t)tui->cols, NP_LOOK_HEAD, title);
	for (size_t i = 0; i < page && p->top + i < n; i++)
		draw_column(tui, column(tui, p->top + i), 1 + (int)i, p->top + i == p->at);
	if (col)
		np_draw_wrapped(tui, tui->rows - 1 - HELP_LINES, 0, tui->rows - 1, 0,
				(size_t)tui->cols, NP_LOOK_STRONG, col->help);
	np_draw_hints(tui, hints, sizeof(hints) / sizeof(hints[0]));
}

static unsigned int go_to(struct np_tui *tui, size_t to)
{
	size_t n = count(tui);

	tui->list.at = to < n ? to : n - 1;
	return 0;
}

static unsigned int change(bool done)
{
	return done ? NP_TUI_VIEW : 0;
}

static unsigned int key(struct np_tui *tui, const struct np_view *view, int k)
{
	size_t at = tui->list.at, page = (size_t)(tui->rows - 2 - HELP_LINES);
	const struct np_col *col = column(tui, at);

	(void)view;
	switch (k) {
	case NP_KEY(KEY_UP):
		return go_to(tui, at - (at > 0));
	case NP_KEY(KEY_DOWN):
		return go_to(tui, at + 1);
	case NP_KEY(KEY_PPAGE):
		return go_to(tui, at > page ? at - page : 0);
	case NP_KEY(KEY_NPAGE):
		return go_to(tui, at + page);
	case NP_KEY(KEY_HOME):
		return go_to(tui, 0);
	case NP_KEY(KEY_END):
		return go_to(tui, SIZE_MAX);
	case ' ':
		if (col && !np_step_toggle(&tui->cfg, col)) {
			np_tui_message(tui, "one column at least stays");
			return 0;
		}
		return change(col != NULL);
	case '<':
	case ',':
		return change(col && np_step_place(&tui->cfg, col, -1));
	case '>':
	case '.':
		return change(col && np_step_place(&tui->cfg, col, 1));
	case '\r':
	case '\n':
	case NP_KEY(KEY_ENTER):
	case NP_KEY_ESC:
	case NP_KEY(KEY_BACKSPACE):
	case 0x7f:
	case 'c':
	case 'q':
		tui->pane = &np_pane_table;
		return 0;
	default:
		return 0;
	}
}

const struct np_tui_pane np_pane_columns = { draw, key };
