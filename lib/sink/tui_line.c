// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ncurses.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "sink/tui_line.h"

#define CTRL(c) ((c)&0x1f)
#define KEY_ESC 0x1b
#define KEY_DEL 0x7f

void np_line_set(struct np_line *line, const char *text)
{
	mbstate_t state = { 0 };
	size_t left = strlen(text);

	memset(line, 0, sizeof(*line));
	while (left && line->len < NP_LINE_MAX) {
		wchar_t wc;
		size_t n = mbrtowc(&wc, text, left, &state);

		if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
			/* no character of this locale: its byte stands for itself, marked */
			memset(&state, 0, sizeof(state));
			wc = L'?';
			n = 1;
		}
		line->text[line->len++] = wc;
		text += n;
		left -= n;
	}
	line->at = line->len;
}

static void cut(struct np_line *line, size_t from, size_t to)
{
	wmemmove(&line->text[from], &line->text[to], line->len - to + 1);
	line->len -= to - from;
	line->at = from;
}

static void insert(struct np_line *line, wchar_t wc)
{
	if (line->len == NP_LINE_MAX)
		return;
	wmemmove(&line->text[line->at + 1], &line->text[line->at], line->len - line->at + 1);
	line->text[line->at++] = wc;
	line->len++;
}

static size_t word_begin(const struct np_line *line)
{
	size_t at = line->at;

	while (at > 0 && line->text[at - 1] == L' ')
		at--;
	while (at > 0 && line->text[at - 1] != L' ')
		at--;
	return at;
}

static void edit(struct np_line *line, int key)
{
	switch (key) {
	case NP_KEY(KEY_LEFT):
	case CTRL('b'):
		line->at -= line->at > 0;
		break;
	case NP_KEY(KEY_RIGHT):
	case CTRL('f'):
		line->at += line->at < line->len;
		break;
	case NP_KEY(KEY_HOME):
	case CTRL('a'):
		line->at = 0;
		break;
	case NP_KEY(KEY_END):
	case CTRL('e'):
		line->at = line->len;
		break;
	case NP_KEY(KEY_BACKSPACE):
	case KEY_DEL:
	case '\b':
		if (line->at)
			cut(line, line->at - 1, line->at);
		break;
	case NP_KEY(KEY_DC):
	case CTRL('d'):
		if (line->at < line->len)
			cut(line, line->at, line->at + 1);
		break;
	case CTRL('u'):
		cut(line, 0, line->at);
		break;
	case CTRL('k'):
		cut(line, line->at, line->len);
		break;
	case CTRL('w'):
		cut(line, word_begin(line), line->at);
		break;
	default:
		if (key > 0 && iswprint((wint_t)key))
			insert(line, (wchar_t)key);
		break;
	}
}

enum np_line_end np_line_key(struct np_line *line, int key)
{
	switch (key) {
	case '\n':
	case '\r':
	case NP_KEY(KEY_ENTER):
		return NP_LINE_DONE;
	case KEY_ESC:
	case CTRL('g'):
		return NP_LINE_CANCEL;
	default:
		edit(line, key);
		return NP_LINE_EDIT;
	}
}

/* Characters FROM to TO as bytes, as many as fit. */
static void encode(const struct np_line *line, size_t from, size_t to, char *buf, size_t size)
{
	mbstate_t state = { 0 };
	char one[MB_LEN_MAX];
	size_t len = 0;

	for (size_t i = from; i < to; i++) {
		size_t n = wcrtomb(one, line->text[i], &state);

		if (n == (size_t)-1 || len + n >= size)
			break;
		memcpy(buf + len, one, n);
		len += n;
	}
	buf[len] = '\0';
}

void np_line_get(const struct np_line *line, char *buf, size_t size)
{
	encode(line, 0, line->len, buf, size);
}

static size_t cells_of(const struct np_line *line, size_t from, size_t to)
{
	size_t cells = 0;

	for (size_t i = from; i < to; i++) {
		int w = wcwidth(line->text[i]);

		cells += w < 0 ? 1 : (size_t)w;
	}
	return cells;
}

size_t np_line_window(struct np_line *line, size_t cells, char *buf, size_t size)
{
	size_t to = line->at;

	if (line->from > line->at)
		line->from = line->at;
	/* the cursor needs a cell of its own */
	while (line->from < line->at && cells_of(line, line->from, line->at) + 1 > cells)
		line->from++;
	/* what was scrolled away comes back as the line gets shorter */
	while (line->from > 0 && cells_of(line, line->from - 1, line->len) + 1 <= cells)
		line->from--;
	while (to < line->len && cells_of(line, line->from, to + 1) <= cells)
		to++;
	encode(line, line->from, to, buf, size);
	return cells_of(line, line->from, line->at);
}
