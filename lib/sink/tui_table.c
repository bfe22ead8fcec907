// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The table: which columns, how wide, which rows, which of them is selected. Only what is on the
 * screen is formatted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "sink/tui_internal.h"

uint64_t np_table_id(const struct np_view_cfg *cfg, const struct np_row *row)
{
	uint64_t id = 0;

	if (row->flags & NP_ROW_GROUP) {
		for (size_t i = 0; i < cfg->nby; i++)
			id = np_col_hash(cfg->by[i], row, id);
		return id;
	}
	id = np_hash(&row->netns, sizeof(row->netns), id);
	if (row->flags & NP_ROW_IFACE) {
		const uint8_t rest[] = { row->link.dir, row->link.l3, row->link.l4 };

		id = np_hash(rest, sizeof(rest), id);
		return np_hash(&row->link.ifindex, sizeof(row->link.ifindex), id);
	}
	id = np_hash(row->laddr, sizeof(row->laddr), id);
	id = np_hash(row->raddr, sizeof(row->raddr), id);
	id = np_hash(&row->lport, sizeof(row->lport), id);
	id = np_hash(&row->rport, sizeof(row->rport), id);
	id = np_hash(&row->proto, sizeof(row->proto), id);
	return np_hash(&row->first_ns, sizeof(row->first_ns), id);
}

const struct np_row *np_table_find(const struct np_view *view, uint64_t id)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	const struct np_row *const *rows;
	size_t n;

	rows = np_view_rows(view, &n);
	for (size_t i = 0; i < n; i++)
		if (np_table_id(cfg, rows[i]) == id)
			return rows[i];
	return NULL;
}

const struct np_row *np_table_row(const struct np_tui *tui, const struct np_view *view)
{
	const struct np_row *const *rows;
	size_t n;

	rows = np_view_rows(view, &n);
	return tui->table.place.at < n ? rows[tui->table.place.at] : NULL;
}

void np_table_move(struct np_tui *tui, const struct np_view *view, size_t to)
{
	struct np_tui_place *p = &tui->table.place;
	const struct np_row *const *rows;
	size_t n;

	rows = np_view_rows(view, &n);
	if (!n)
		return;
	p->at = to < n ? to : n - 1;
	/* the first row is a place to watch from: whoever is first stays selected */
	p->follow = p->at > 0;
	p->id = np_table_id(np_view_cfg(view), rows[p->at]);
}

void np_table_forget(struct np_tui *tui)
{
	struct np_tui_table *t = &tui->table;

	t->place = (struct np_tui_place){ 0 };
	t->first = 0;
	t->seek = false;
	memset(t->mem, 0, sizeof(t->mem));
}

/* The selected row again, wherever it went; its place where it is gone. */
static void follow(struct np_tui *tui, const struct np_view *view, size_t page)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	struct np_tui_place *p = &tui->table.place;
	const struct np_row *const *rows;
	size_t n, i = 0;

	rows = np_view_rows(view, &n);
	if (!n) {
		/* empty for a moment: the row may be back in the next refresh */
		p->top = 0;
		return;
	}
	if (!p->follow) {
		p->at = 0;
	} else if (p->at >= n || np_table_id(cfg, rows[p->at]) != p->id) {
		while (i < n && np_table_id(cfg, rows[i]) != p->id)
			i++;
		if (i < n)
			p->at = i;
		else
			np_table_move(tui, view, p->at);
	}
	if (p->at < p->top)
		p->top = p->at;
	if (p->at >= p->top + page)
		p->top = p->at - page + 1;
	if (p->top + page > n)
		p->top = n > page ? n - page : 0;
}

static bool is_address(const struct np_col *col)
{
	return col->type == NP_TYPE_ADDR || col->type == NP_TYPE_ENDPOINT;
}

/* What may lose its end without saying something else: names and addresses, never numbers. */
static bool may_cut(const struct np_col *col)
{
	return is_address(col) || col->type == NP_TYPE_STR || col->type == NP_TYPE_COMM;
}

static void header(const struct np_tui *tui, const struct np_view_cfg *cfg,
		   const struct np_col *col, char *buf, size_t size)
{
	const char *mark = "";

	if (col == cfg->sort && cfg->ascending)
		mark = tui->fmt.utf8 ? "▲" : "^";
	else if (col == cfg->sort)
		mark = tui->fmt.utf8 ? "▼" : "v";
	snprintf(buf, size, "%s%s", col->head, mark);
}

/* Formats one column of the rows on the screen, as the K-th shown, and says what it needs. */
static void measure(struct np_tui *tui, const struct np_view *view, size_t k, size_t rows_shown,
		    const struct np_col *col, struct np_fit_col *fit)
{
	struct np_tui_table *t = &tui->table;
	const struct np_row *const *rows;
	char head[64];
	size_t n, title, content = 0, mem = np_col_id(col);

	rows = np_view_rows(view, &n);
	for (size_t i = 0; i < rows_shown; i++) {
		size_t at = t->text.len, width;

		t->cells[k * t->page + i] = at;
		np_format_text(&t->text, col, rows[t->place.top + i], np_view_ctx(view), &tui->fmt);
		width = np_str_width(np_buf_cstr(&t->text) + at);
		np_buf_add(&t->text, "", 1);
		if (width > content)
			content = width;
	}
	if (content > UINT16_MAX / 2)
		content = UINT16_MAX / 2;
	/* a width that fits is kept for a while: a table that moves each second cannot be read */
	if (mem < NP_TUI_COLUMNS)
		content = np_fit_settle(&t->mem[mem], (uint16_t)content, tui->tick);
	header(tui, np_view_cfg(view), col, head, sizeof(head));
	title = np_str_width(head);
	fit->content = (uint16_t)(content > title ? content : title);
	fit->wish = fit->content > col->width ? fit->content : col->width;
	fit->least = fit->content;
	if (may_cut(col) && fit->content > col->width)
		fit->least = (uint16_t)(col->width > title ? col->width : title);
	fit->first = is_address(col);
}

/* Columns from the present place on, until the screen is full. */
static void layout_once(struct np_tui *tui, const struct np_view *view, size_t rows_shown)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	struct np_tui_table *t = &tui->table;
	struct np_fit_col fit[NP_MAX_COLS];
	size_t gap = tui->cols >= 120 ? 2 : 1, used = 0, n = 0;

	if (t->first >= cfg->ncols)
		t->first = cfg->ncols ? cfg->ncols - 1 : 0;
	np_buf_reset(&t->text);
	for (size_t i = 0; i < cfg->ncols; i++) {
		/* the first column says what the rows are: it stays */
		if (i > 0 && i <= t->first)
			continue;
		measure(tui, view, n, rows_shown, cfg->cols[i], &fit[n]);
		t->shown[n] = i;
		used += fit[n].least + (n ? gap : 0);
		n++;
		if (used > (size_t)tui->cols)
			break;
	}
	t->nshown = np_fit_columns(fit, n, (size_t)tui->cols, gap, t->widths);
	t->left = t->first;
	t->right = cfg->ncols > t->nshown + t->first ? cfg->ncols - t->nshown - t->first : 0;
}

static void layout(struct np_tui *tui, const struct np_view *view, size_t rows_shown)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	struct np_tui_table *t = &tui->table;
	int sort = t->seek ? np_step_index(cfg, cfg->sort) : -1;

	t->seek = false;
	if (sort > 0 && (size_t)sort <= t->first)
		t->first = (size_t)sort - 1;
	layout_once(tui, view, rows_shown);
	while (sort > 0 && t->right && (size_t)sort > t->shown[t->nshown - 1] &&
	       t->first + 1 < cfg->ncols) {
		t->first++;
		layout_once(tui, view, rows_shown);
	}
	/* a wider screen, fewer columns: no room is left unused while some hide on the left */
	while (t->first && !t->right) {
		size_t was = t->first--;

		layout_once(tui, view, rows_shown);
		if (t->right) {
			t->first = was;
			layout_once(tui, view, rows_shown);
			break;
		}
	}
}

static enum np_look cell_look(const struct np_row *row, const char *text, bool selected)
{
	if (selected)
		return NP_LOOK_SELECTED;
	/* nothing there, nothing to look at */
	if ((row->flags & NP_ROW_ENDED) || !strcmp(text, "-") || !strcmp(text, "0"))
		return NP_LOOK_FAINT;
	return NP_LOOK_PLAIN;
}

static void draw_text(struct np_tui *tui, const struct np_col *col, int y, size_t x, size_t width,
		      enum np_look look, const char *text)
{
	size_t cells;

	np_buf_reset(&tui->scratch);
	cells = np_fit_text(&tui->scratch, text, width,
			    is_address(col) ? NP_CUT_ADDRESS : NP_CUT_END, tui->fmt.utf8);
	if (np_format_right(col) && cells < width)
		x += width - cells;
	np_draw(tui, y, x, width, look, np_buf_cstr(&tui->scratch));
}

static void draw_header(struct np_tui *tui, const struct np_view_cfg *cfg, int y, size_t gap)
{
	struct np_tui_table *t = &tui->table;
	size_t x = 0;

	np_draw_fill(tui, y, NP_LOOK_HEAD);
	for (size_t k = 0; k < t->nshown; k++) {
		const struct np_col *col = cfg->cols[t->shown[k]];
		char head[64];

		header(tui, cfg, col, head, sizeof(head));
		draw_text(tui, col, y, x, t->widths[k],
			  col == cfg->sort ? NP_LOOK_SORT : NP_LOOK_HEAD, head);
		x += t->widths[k] + gap;
	}
}

static void draw_rows(struct np_tui *tui, const struct np_view *view, int y, size_t n, size_t gap)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	struct np_tui_table *t = &tui->table;
	const struct np_row *const *rows;
	size_t all;

	rows = np_view_rows(view, &all);
	for (size_t i = 0; i < n; i++) {
		bool selected = t->place.top + i == t->place.at;
		size_t x = 0;

		if (selected)
			np_draw_fill(tui, y + (int)i, NP_LOOK_SELECTED);
		for (size_t k = 0; k < t->nshown; k++) {
			const char *text = np_buf_cstr(&t->text) + t->cells[k * t->page + i];

			draw_text(tui, cfg->cols[t->shown[k]], y + (int)i, x, t->widths[k],
				  cell_look(rows[t->place.top + i], text, selected), text);
			x += t->widths[k] + gap;
		}
	}
}

static bool narrowed(const struct np_whose *w)
{
	return w && (w->npids || w->ncomms || w->nuids || w->ncgroups || w->ncontainers ||
		     w->npods || w->nnetns);
}

static void draw_nothing(struct np_tui *tui, const struct np_view_cfg *cfg, int top, int bottom)
{
	const char *text = "no traffic yet";
	const char *filter = tui->status->filter;
	size_t width;

	if (cfg->topic == &np_topic_latency)
		text = "no samples yet";
	else if (cfg->topic == &np_topic_ailing)
		text = "nothing went wrong yet";
	if (cfg->kind == NP_COL_LISTEN)
		text = "no listener matches";
	else if (cfg->kind == NP_COL_IFACE)
		text = "no interface matches";
	else if (tui->drilled || cfg->where || narrowed(cfg->whose) || (filter && *filter))
		text = "no connection matches";
	width = strlen(text);
	np_draw(tui, top + (bottom - top) / 2,
		(size_t)tui->cols > width ? ((size_t)tui->cols - width) / 2 : 0, width,
		NP_LOOK_PLAIN, text);
}

static bool room_for_cells(struct np_tui_table *t, size_t page)
{
	size_t need = page * NP_MAX_COLS;
	size_t *cells;

	t->page = page;
	if (need <= t->ncells)
		return true;
	cells = realloc(t->cells, need * sizeof(*cells));
	if (!cells)
		return false;
	t->cells = cells;
	t->ncells = need;
	return true;
}

void np_table_draw(struct np_tui *tui, const struct np_view *view)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	bool notice = tui->status->notice && *tui->status->notice;
	int y = notice ? 3 : 2, bottom = tui->rows - 1;
	size_t page = (size_t)(bottom - y - 1), gap = tui->cols >= 120 ? 2 : 1, n;

	if (!room_for_cells(&tui->table, page)) {
		np_draw(tui, y, 0, SIZE_MAX, NP_LOOK_WARN, "out of memory");
		return;
	}
	follow(tui, view, page);
	np_view_rows(view, &n);
	n = n - tui->table.place.top < page ? n - tui->table.place.top : page;
	layout(tui, view, n);
	draw_header(tui, cfg, y, gap);
	if (n)
		draw_rows(tui, view, y + 1, n, gap);
	else
		draw_nothing(tui, cfg, y + 1, bottom);
	/* it tells what the table has just decided */
	np_title_draw(tui, view);
}
