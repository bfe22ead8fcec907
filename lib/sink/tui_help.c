// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Two pages to read: the keys, and all that is known of one row. */
#include <string.h>

#include "base/str.h"
#include "sink/tui_internal.h"

/* Lines from TOP to BOTTOM, of which Y is the next; it begins above TOP where it is scrolled. */
struct page {
	int y, top, bottom;
	size_t cells;
};

static struct page page_begin(struct np_tui *tui, const char *title)
{
	np_draw_fill(tui, 0, NP_LOOK_HEAD);
	np_draw_cut(tui, 0, 0, (size_t)tui->cols, NP_LOOK_HEAD, title);
	return (struct page){ .y = 1 - (int)tui->scroll,
			      .top = 1,
			      .bottom = tui->rows - 1,
			      .cells = (size_t)tui->cols };
}

static void page_line(struct np_tui *tui, struct page *p, enum np_look look, const char *text)
{
	p->y += np_draw_wrapped(tui, p->y, p->top, p->bottom, 0, p->cells, look, text);
}

/* A word at the left, what is said of it beside it, indented by AT. */
static void page_item(struct np_tui *tui, struct page *p, size_t at, const char *word,
		      enum np_look look, const char *text)
{
	if (p->y >= p->top && p->y < p->bottom)
		np_draw(tui, p->y, 0, at - 1, NP_LOOK_KEY, word);
	p->y += np_draw_wrapped(tui, p->y, p->top, p->bottom, at, p->cells - at, look, text);
}

static void page_end(struct np_tui *tui, const struct page *p)
{
	static const struct np_hint hints[] = { { "Esc", "back", 0 }, { "Up Down", "scroll", 1 } };
	int beyond = p->y + (int)tui->scroll - p->bottom;

	tui->scroll_max = beyond > 0 ? (size_t)beyond : 0;
	np_draw_hints(tui, hints, tui->scroll_max ? 2 : 1);
	if ((size_t)tui->scroll < tui->scroll_max)
		np_draw(tui, tui->rows - 1, (size_t)tui->cols - 8, 8, NP_LOOK_STRONG,
			tui->fmt.utf8 ? "more ↓" : "more v");
}

static void draw_help(struct np_tui *tui, const struct np_view *view)
{
	static const char *const notes[][2] = {
		{ "-", "not known, or means nothing for this row" },
		{ "*", "the connections of this group differ" },
		{ ">=", "older than this program: at least that" },
		{ "TX RX",
		  "sent and received, as this host's sockets see it; payload, without headers" },
		{ "LOST", "records that could not be taken in: numbers are too low by them" },
	};
	struct page p = page_begin(tui, "keys");
	struct np_keys_help item;
	size_t at = 15;

	(void)view;
	for (size_t i = 0; np_keys_help(i, &item); i++)
		page_item(tui, &p, at, item.names, NP_LOOK_PLAIN, item.help);
	page_line(tui, &p, NP_LOOK_PLAIN, "");
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		page_item(tui, &p, at, notes[i][0], NP_LOOK_PLAIN, notes[i][1]);
	page_end(tui, &p);
}

/* All that is known of the row; what nobody counts at present would show as nothing. */
static void read_detail(struct np_tui *tui, const struct np_view *view, const struct np_row *row)
{
	const struct np_view_cfg *cfg = np_view_cfg(view);
	struct np_buf *out = &tui->detail_text;
	unsigned int has = np_view_needs(cfg);

	np_buf_reset(out);
	for (size_t i = 0; i < np_ncols; i++) {
		const struct np_col *col = &np_cols[i];
		size_t start = out->len, value;

		if (!(col->flags & cfg->kind) || col->via == NP_IN_VIEW || (col->needs & ~has))
			continue;
		np_buf_printf(out, "%s\t", col->name);
		value = out->len;
		np_format_text(out, col, row, np_view_ctx(view), &tui->fmt);
		if (!strcmp(np_buf_cstr(out) + value, "-"))
			out->len = start;
		else
			np_buf_chr(out, '\n');
	}
	if (out->data)
		out->data[out->len] = '\0';
}

static void draw_detail(struct np_tui *tui, const struct np_view *view)
{
	const struct np_row *row = np_table_find(view, tui->detail);
	bool iface = np_view_cfg(view)->kind == NP_COL_IFACE;
	struct page p;
	char *name, *value, *end;

	if (row)
		read_detail(tui, view, row);
	p = page_begin(tui, row ? (iface ? "interface" : "connection")
				: (iface ? "interface: gone" : "connection: ended"));
	for (name = tui->detail_text.data; name && *name; name = end + 1) {
		value = strchr(name, '\t');
		end = value ? strchr(value, '\n') : NULL;
		if (!end)
			break;
		*value = *end = '\0';
		page_item(tui, &p, 15, name, NP_LOOK_PLAIN, value + 1);
		*value = '\t';
		*end = '\n';
	}
	page_end(tui, &p);
}

static unsigned int page_key(struct np_tui *tui, const struct np_view *view, int key)
{
	size_t page = (size_t)(tui->rows - 3), max = tui->scroll_max;

	(void)view;
	switch (key) {
	case NP_KEY(KEY_UP):
		tui->scroll -= tui->scroll > 0;
		break;
	case NP_KEY(KEY_DOWN):
		tui->scroll += tui->scroll < max;
		break;
	case NP_KEY(KEY_PPAGE):
		tui->scroll = tui->scroll > page ? tui->scroll - page : 0;
		break;
	case NP_KEY(KEY_NPAGE):
	case ' ':
		tui->scroll = tui->scroll + page < max ? tui->scroll + page : max;
		break;
	case NP_KEY(KEY_HOME):
		tui->scroll = 0;
		break;
	case NP_KEY(KEY_END):
		tui->scroll = max;
		break;
	case 'u':
		return NP_TUI_UNUSED;
	default:
		/* any other key goes back, as people expect of a page of text */
		tui->pane = &np_pane_table;
		break;
	}
	return 0;
}

const struct np_tui_pane np_pane_help = { draw_help, page_key };
const struct np_tui_pane np_pane_detail = { draw_detail, page_key };
