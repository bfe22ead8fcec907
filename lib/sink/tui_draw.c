// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>
#include <wchar.h>

#include "base/str.h"
#include "sink/tui_internal.h"

#define WIDEST 512 /* cells of a line; a wider terminal leaves the rest empty */

size_t np_draw(const struct np_tui *tui, int y, size_t x, size_t cells, enum np_look look,
	       const char *text)
{
	wchar_t wide[WIDEST];
	size_t used = 0, n = 0, left = strlen(text), len;
	mbstate_t state = { 0 };
	wchar_t wc;
	int w;

	if (x >= (size_t)tui->cols || y < 0 || y >= tui->rows)
		return 0;
	if (cells > (size_t)tui->cols - x)
		cells = (size_t)tui->cols - x;
	for (; left && n < WIDEST; text += len, left -= len) {
		len = mbrtowc(&wc, text, left, &state);
		if (len == (size_t)-1 || len == (size_t)-2 || len == 0) {
			memset(&state, 0, sizeof(state));
			wc = L'?';
			len = 1;
		}
		w = wcwidth(wc);
		if (w < 0 || (w == 0 && !n)) {
			/* curses would choose a width of its own */
			wc = L'?';
			w = 1;
		}
		if (used + (size_t)w > cells)
			break;
		wide[n++] = wc;
		used += (size_t)w;
	}
	attrset((int)tui->looks[look]);
	mvaddnwstr(y, (int)x, wide, (int)n);
	attrset(A_NORMAL);
	return used;
}

size_t np_draw_cut(struct np_tui *tui, int y, size_t x, size_t cells, enum np_look look,
		   const char *text)
{
	struct np_buf cut = { 0 };
	size_t used;

	np_fit_text(&cut, text, cells, NP_CUT_END, tui->fmt.utf8);
	used = np_draw(tui, y, x, cells, look, np_buf_cstr(&cut));
	np_buf_free(&cut);
	return used;
}

void np_draw_fill(const struct np_tui *tui, int y, enum np_look look)
{
	attrset((int)tui->looks[look]);
	mvhline(y, 0, ' ', tui->cols);
	attrset(A_NORMAL);
}

int np_draw_wrapped(const struct np_tui *tui, int y, int top, int bottom, size_t x, size_t cells,
		    enum np_look look, const char *text)
{
	int lines = 0;

	do {
		char one[4 * WIDEST];
		size_t next = 0, len = np_fit_line(text, cells, &next);

		len = len < sizeof(one) ? len : sizeof(one) - 1;
		memcpy(one, text, len);
		one[len] = '\0';
		if (y + lines >= top && y + lines < bottom)
			np_draw(tui, y + lines, x, cells, look, one);
		text += next;
		lines++;
	} while (*text);
	return lines;
}

const char *np_draw_safe(struct np_tui *tui, const char *raw)
{
	np_buf_reset(&tui->scratch);
	np_str_escape(&tui->scratch, raw, strlen(raw), tui->fmt.utf8);
	return np_buf_cstr(&tui->scratch);
}

void np_draw_hints(const struct np_tui *tui, const struct np_hint *hints, size_t n)
{
	struct np_fit_piece pieces[32];
	size_t x = 0;

	n = n < 32 ? n : 32;
	for (size_t i = 0; i < n; i++)
		pieces[i] = (struct np_fit_piece){
			.width = (uint16_t)(strlen(hints[i].key) + 1 + strlen(hints[i].label)),
			.rank = hints[i].rank,
		};
	np_fit_pieces(pieces, n, (size_t)tui->cols, 2);
	for (size_t i = 0; i < n; i++) {
		if (!pieces[i].shown)
			continue;
		x += np_draw(tui, tui->rows - 1, x, SIZE_MAX, NP_LOOK_KEY, hints[i].key) + 1;
		x += np_draw(tui, tui->rows - 1, x, SIZE_MAX, NP_LOOK_PLAIN, hints[i].label) + 2;
	}
}

void np_draw_message(struct np_tui *tui)
{
	const char *text = np_draw_safe(tui, tui->message);
	int lines;

	if (!*tui->message)
		return;
	lines = np_draw_wrapped(tui, 0, 0, 0, 0, (size_t)tui->cols, NP_LOOK_MARK, text);
	if (lines > 4)
		lines = 4;
	for (int y = tui->rows - lines; y < tui->rows; y++)
		np_draw_fill(tui, y, NP_LOOK_MARK);
	np_draw_wrapped(tui, tui->rows - lines, 0, tui->rows, 0, (size_t)tui->cols, NP_LOOK_MARK,
			text);
}
