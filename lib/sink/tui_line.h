/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One line of text being edited: keys in, text and cursor out. A plain struct, nothing is owned. */
#ifndef NP_TUI_LINE_H
#define NP_TUI_LINE_H

#include <stddef.h>
#include <wchar.h>

#define NP_LINE_MAX 400

struct np_line {
	wchar_t text[NP_LINE_MAX + 1];
	size_t len, at; /* characters; the cursor stands before text[at] */
	size_t from;    /* first one shown, where the line is wider than its window */
};

enum np_line_end { NP_LINE_EDIT, NP_LINE_DONE, NP_LINE_CANCEL };

/* A key as the screen hands it on: a character, or curses' function key K as NP_KEY(K). */
#define NP_KEY(k) (-(k))

/* Starts with TEXT (in the locale's encoding), cursor at its end. */
void np_line_set(struct np_line *line, const char *text);
enum np_line_end np_line_key(struct np_line *line, int key);
/* The text in the locale's encoding, cut at whole characters to SIZE. */
void np_line_get(const struct np_line *line, char *buf, size_t size);
/*
 * What a window of CELLS shows (whole characters, BUF of SIZE bytes), following the cursor; returns
 * the cursor's cell in it.
 */
size_t np_line_window(struct np_line *line, size_t cells, char *buf, size_t size);

#endif
