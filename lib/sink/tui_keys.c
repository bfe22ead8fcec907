// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The keys of the table: one row each. Key line, help screen and manual page are made from it. */
#include <ctype.h>
#include <string.h>

#include "sink/tui_internal.h"

#define FN(k)    NP_KEY(KEY_##k)
#define MAX_KEYS 10

struct binding {
	int keys[MAX_KEYS]; /* their position is what the action is told; 0 ends */
	const char *names;  /* as people read them, apart by spaces */
	const char *hint;   /* key and word in the key line; NULL: not there */
	const char *word;
	uint8_t rank; /* in a narrow key line the highest go first */
	const char *help;
	np_act *act;
};

/* clang-format off */
static const struct binding bindings[] = {
{ { FN(UP), FN(DOWN) }, "Up Down", NULL, NULL, 0, "select a row; the selection moves with it, but at the top it stays at the top", np_act_move },
{ { FN(PPAGE), FN(NPAGE) }, "PgUp PgDn", NULL, NULL, 0, "select one screen further up or down", np_act_page },
{ { FN(HOME), FN(END) }, "Home End", NULL, NULL, 0, "select the first or the last row", np_act_edge },
{ { FN(LEFT), FN(RIGHT) }, "Left Right", NULL, NULL, 0, "show the columns that hide on that side; the first column stays", np_act_scroll },
{ { '\r', '\n', FN(ENTER) }, "Enter", "Enter", "open", 3, "open a group: its connections, one by one; open a connection or an interface: all that is known of it, nothing cut", np_act_open },
{ { NP_KEY_ESC, FN(BACKSPACE), 0x7f, '\b' }, "Esc Backspace", NULL, NULL, 0, "back to the groups", np_act_back },
{ { '/' }, "/", "/", "filter", 2, "show only what a filter expression matches, as in tcpdump: tcp port 443, host 10.0.0.1; an empty one shows all", np_act_filter },
{ { 'b', 'B' }, "b B", "b", "group", 4, "next or previous grouping: process, connection, container and so on", np_act_group },
{ { '1', '2', '3', '4', '5', '6', '7', '8', '9' }, "1-9", NULL, NULL, 0, "sort by the column in that place on the screen", np_act_sort_at },
{ { '<', '>', ',', '.' }, "< >", "<>", "sort", 5, "sort by the column to the left or right", np_act_sort },
{ { 'r' }, "r", "r", "reverse", 8, "reverse the order", np_act_reverse },
{ { ' ' }, "Space", "Space", "pause", 6, "stop and go on; what happens meanwhile is counted, not shown", np_act_pause },
{ { 'f' }, "f", "f", "freeze", 9, "keep the order of the rows while their numbers go on, new rows last; again, or sorting: let go", np_act_freeze },
{ { 'c' }, "c", "c", "columns", 7, "choose the columns", np_act_columns },
{ { 'u' }, "u", "u", "units", 11, "bytes, bits or whole numbers", np_act_units },
{ { 'a' }, "a", "a", "average", 10, "rates of the last interval, or averaged over 2, 10 or 40 s", np_act_average },
{ { '+', '-', '=', '_' }, "+ -", "+-", "interval", 12, "longer or shorter interval, in steps from 0.1 to 60 s", np_act_interval },
{ { 'h', '?', FN(F(1)) }, "h ?", "h", "help", 1, "this help", np_act_help },
{ { NP_CTRL('l') }, "Ctrl-L", NULL, NULL, 0, "draw the screen anew", np_act_redraw },
{ { NP_CTRL('z') }, "Ctrl-Z", NULL, NULL, 0, "back to the shell for a while; fg returns", np_act_suspend },
{ { 'q', 'Q', FN(F(10)) }, "q", "q", "quit", 0, "quit", np_act_quit },
};
/* clang-format on */
#define NBINDINGS (sizeof(bindings) / sizeof(bindings[0]))

unsigned int np_keys_run(struct np_tui *tui, const struct np_view *view, int key)
{
	for (size_t i = 0; i < NBINDINGS; i++)
		for (unsigned int k = 0; k < MAX_KEYS && bindings[i].keys[k]; k++)
			if (bindings[i].keys[k] == key)
				return bindings[i].act(tui, view, k);
	return 0;
}

size_t np_keys_hints(struct np_hint *hints, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < NBINDINGS && n < max; i++)
		if (bindings[i].hint)
			hints[n++] = (struct np_hint){ bindings[i].hint, bindings[i].word,
						       bindings[i].rank };
	return n;
}

bool np_keys_help(size_t i, struct np_keys_help *out)
{
	if (i >= NBINDINGS)
		return false;
	*out = (struct np_keys_help){ bindings[i].names, bindings[i].help };
	return true;
}

/* One key for mdoc(7), to which a lone sign may be a delimiter, and a minus a hyphen. */
static void mdoc_key(struct np_buf *out, const char *name, size_t len)
{
	if (len == 1 && *name == '-')
		np_buf_chr(out, '\\');
	else if (len == 1 && strchr(".,:;()[]?!|'", *name))
		np_buf_str(out, "\\&");
	np_buf_add(out, name, len);
}

/* A sentence in lines that mandoc finds short enough. */
static void mdoc_text(struct np_buf *out, const char *text)
{
	size_t start = out->len;

	while (*text) {
		size_t next, len = np_fit_line(text, 76, &next);

		np_buf_add(out, text, len);
		text += next;
		np_buf_str(out, *text ? "\n" : ".\n");
	}
	if (out->len > start)
		out->data[start] = (char)toupper((unsigned char)out->data[start]);
}

void np_tui_dump_keys(struct np_buf *out)
{
	for (size_t i = 0; i < NBINDINGS; i++) {
		const char *name = bindings[i].names;

		np_buf_str(out, ".It Ic");
		while (*name) {
			size_t len = strcspn(name, " ");

			np_buf_str(out, name == bindings[i].names ? " " : " , ");
			mdoc_key(out, name, len);
			name += len + strspn(name + len, " ");
		}
		np_buf_chr(out, '\n');
		mdoc_text(out, bindings[i].help);
	}
}
