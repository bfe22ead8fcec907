// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What the keys of the table do. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sink/tui_internal.h"

unsigned int np_act_move(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	size_t at = tui->table.place.at;

	np_table_move(tui, view, n == 0 ? at - (at > 0) : at + 1);
	return 0;
}

unsigned int np_act_page(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	size_t at = tui->table.place.at, page = tui->table.page ? tui->table.page : 1;

	np_table_move(tui, view, n == 0 ? (at > page ? at - page : 0) : at + page);
	return 0;
}

unsigned int np_act_edge(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	np_table_move(tui, view, n == 0 ? 0 : SIZE_MAX);
	return 0;
}

unsigned int np_act_scroll(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	if (n == 0)
		tui->table.first -= tui->table.first > 0;
	else if (tui->table.right)
		tui->table.first++;
	return 0;
}

/* Whose connections: what the keys of the group say. */
static void label_row(struct np_tui *tui, const struct np_view *view, const struct np_row *row)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	struct np_buf text = { 0 };

	/* a process is known by its name; that its start time is a key as well helps nobody */
	if (cfg->group && !strcmp(cfg->group->name, "process"))
		np_format_text(&text, np_col_find("comm"), row, np_view_ctx(view), &tui->fmt);
	for (size_t i = 0; i < cfg->nby; i++) {
		if (!strcmp(cfg->by[i]->name, "started"))
			continue;
		if (text.len)
			np_buf_chr(&text, ' ');
		np_format_text(&text, cfg->by[i], row, np_view_ctx(view), &tui->fmt);
	}
	tui->label[0] = '\0';
	np_buf_chr(&text, '\0');
	if (text.len > 1) {
		size_t len = strlen(text.data) < sizeof(tui->label) ? strlen(text.data)
								    : sizeof(tui->label) - 1;

		memcpy(tui->label, text.data, len);
		tui->label[len] = '\0';
	}
	np_buf_free(&text);
}

/* The columns that such a group was last left with, else those of connections. */
static bool inside_settings(struct np_tui *tui, const struct np_view_cfg *shown)
{
	struct np_view_cfg next = tui->cfg;

	if (tui->inside.ncols && tui->inside_of == np_step_group(shown)) {
		next = tui->inside;
		np_step_carry(&next, &tui->cfg);
	} else {
		if (np_view_group(&next, "connection", NULL))
			return false;
		np_step_drop_keys(&next, shown);
	}
	np_step_avg_set(&next, tui->avg);
	tui->inside_of = np_step_group(shown);
	tui->cfg = next;
	return true;
}

unsigned int np_act_open(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	const struct np_row *row = np_table_row(tui, view);
	const struct np_view_cfg *shown = np_view_cfg(view);

	(void)n;
	if (!row)
		return 0;
	if (!(row->flags & NP_ROW_GROUP) || shown->kind == NP_COL_IFACE) {
		tui->detail = np_table_id(shown, row);
		np_buf_reset(&tui->detail_text);
		tui->scroll = 0;
		tui->pane = &np_pane_detail;
		return 0;
	}
	/* two Enters at once: the second was meant for a table that is not there yet */
	if (tui->drilled)
		return 0;
	tui->back = tui->cfg;
	if (!inside_settings(tui, shown))
		return 0;
	label_row(tui, view, row);
	tui->back_place = tui->table.place;
	tui->back_place.follow = true;
	tui->back_place.id = np_table_id(shown, row);
	tui->drilled = true;
	tui->row = row;
	tui->history.n = 0; /* of other connections */
	np_table_forget(tui);
	return NP_TUI_DRILL | NP_TUI_VIEW;
}

unsigned int np_act_back(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	(void)n;
	if (!tui->drilled)
		return 0;
	tui->inside = tui->cfg;
	np_step_carry(&tui->back, &tui->cfg);
	tui->cfg = tui->back;
	np_step_avg_set(&tui->cfg, tui->avg);
	tui->drilled = false;
	tui->row = NULL;
	tui->history.n = 0;
	np_table_forget(tui);
	tui->table.place = tui->back_place;
	return NP_TUI_DRILL | NP_TUI_VIEW;
}

unsigned int np_act_filter(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	(void)n;
	np_line_set(&tui->line, tui->filter);
	tui->pane = &np_pane_filter;
	return 0;
}

unsigned int np_act_group(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	unsigned int bits = np_act_back(tui, view, 0) | NP_TUI_VIEW;
	/* columns of the user's own (--by raddr,rport) are one more grouping, at the end */
	size_t own = tui->kept[np_ngroups].ncols || !tui->cfg.group, all = np_ngroups + own;
	size_t at = np_step_group(&tui->cfg), to = at;
	struct np_view_cfg next = tui->cfg;

	do
		to = (to + (n == 0 ? 1 : all - 1)) % all;
	while (to < np_ngroups && !np_group_fits(&np_groups[to], tui->cfg.topic));

	tui->kept[at] = tui->cfg;
	if (tui->kept[to].ncols) {
		next = tui->kept[to];
		np_step_carry(&next, &tui->cfg);
	} else if (np_view_group(&next, np_groups[to].name, NULL)) {
		return bits;
	}
	tui->cfg = next;
	np_step_avg_set(&tui->cfg, tui->avg);
	np_table_forget(tui);
	return bits;
}

/* Who asks for another order no longer wants the frozen one. */
static unsigned int sorted(struct np_tui *tui)
{
	tui->cfg.freeze = false;
	return NP_TUI_VIEW;
}

unsigned int np_act_sort_at(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	const struct np_view_cfg *shown = np_view_cfg(view);

	if (n >= tui->table.nshown || tui->table.shown[n] >= shown->ncols)
		return 0;
	np_step_sort_by(&tui->cfg, shown->cols[tui->table.shown[n]]);
	return sorted(tui);
}

unsigned int np_act_sort(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	if (!np_step_sort(&tui->cfg, n % 2 ? 1 : -1))
		return 0;
	tui->table.seek = true;
	return sorted(tui);
}

unsigned int np_act_reverse(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	(void)n;
	tui->cfg.ascending = !tui->cfg.ascending;
	return sorted(tui);
}

unsigned int np_act_pause(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	(void)n;
	tui->paused = !tui->paused;
	return 0;
}

unsigned int np_act_freeze(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	(void)n;
	tui->cfg.freeze = !tui->cfg.freeze;
	return NP_TUI_VIEW;
}

unsigned int np_act_columns(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	(void)n;
	tui->list = (struct np_tui_place){ 0 };
	tui->pane = &np_pane_columns;
	return 0;
}

unsigned int np_act_units(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	static const char *const names[] = {
		[NP_UNITS_BYTES] = "rates in bytes a second, K M G are powers of 1024",
		[NP_UNITS_BITS] = "rates in bits a second, k M G are powers of 1000",
		[NP_UNITS_RAW] = "whole numbers: bytes, bytes a second",
	};

	(void)view;
	(void)n;
	tui->fmt.units = (enum np_units)((tui->fmt.units + 1) % 3);
	memset(tui->table.mem, 0, sizeof(tui->table.mem));
	np_tui_message(tui, names[tui->fmt.units]);
	return 0;
}

unsigned int np_act_average(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	enum np_step_avg next = (enum np_step_avg)((np_step_avg_get(&tui->cfg) + 1) % NP_NAVG);
	char text[64];

	(void)view;
	(void)n;
	if (!np_step_avg_set(&tui->cfg, next)) {
		np_tui_message(tui, "there is no TX/s or RX/s column here to average");
		return 0;
	}
	tui->avg = next;
	snprintf(text, sizeof(text), "rates %s", np_step_avg_names[next]);
	np_tui_message(tui, text);
	return NP_TUI_VIEW;
}

unsigned int np_act_interval(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	uint64_t ns = np_step_interval(tui->interval_ns, n % 2 ? -1 : 1);

	(void)view;
	if (ns == tui->interval_ns)
		return 0;
	tui->interval_ns = ns;
	tui->interval_set = true;
	return NP_TUI_INTERVAL;
}

unsigned int np_act_help(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	(void)n;
	tui->scroll = 0;
	tui->pane = &np_pane_help;
	return 0;
}

unsigned int np_act_redraw(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)view;
	(void)n;
	(void)tui;
	clearok(curscr, TRUE);
	return 0;
}

/* Only where a terminal hands the key on: with ISIG it is a signal. */
unsigned int np_act_suspend(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)tui;
	(void)view;
	(void)n;
	return NP_TUI_SUSPEND;
}

unsigned int np_act_quit(struct np_tui *tui, const struct np_view *view, unsigned int n)
{
	(void)tui;
	(void)view;
	(void)n;
	return NP_TUI_QUIT;
}
