/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The arithmetic of the screen, free of curses: how wide columns are, what is cut and how, how
 * lines wrap, how high a bar of the sparkline is. Nothing is owned.
 */
#ifndef NP_TUI_FIT_H
#define NP_TUI_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* What a column would like; all in terminal cells. */
struct np_fit_col {
	uint16_t content; /* widest text in it, header included: nothing is cut at this width */
	uint16_t wish;    /* its usual width, at least `content` */
	uint16_t least;   /* text may be cut down to this; `content` where nothing may be cut */
	bool first;       /* room to spare goes here before others: addresses */
};

/*
 * Widths for as many of the N columns as fit WIDTH with GAP between two; returns how many, at
 * least 1. A single column that is too wide gets all there is.
 */
size_t np_fit_columns(const struct np_fit_col *cols, size_t n, size_t width, size_t gap,
		      uint16_t *out);

/* A width that grows at once and shrinks late, so that columns stand still. */
struct np_fit_memory {
	uint16_t width; /* 0: nothing shown yet */
	uint16_t peak;  /* widest since it last mattered */
	uint8_t calm;   /* refreshes in which less was enough */
};
#define NP_FIT_CALM 8
/* CONTENT is the width needed now, TICK whether this is a new refresh; returns the width to use. */
uint16_t np_fit_settle(struct np_fit_memory *mem, uint16_t content, bool tick);

/* Where text is cut when it does not fit. */
enum np_cut {
	NP_CUT_END,     /* the begin says most */
	NP_CUT_ADDRESS, /* in the middle, so that the port stays */
};
/* Appends TEXT cut to CELLS; what is left out leaves a mark. Returns the cells it takes. */
size_t np_fit_text(struct np_buf *out, const char *text, size_t cells, enum np_cut how, bool utf8);

/* Bytes of TEXT for a line of CELLS, broken between words if it can; *NEXT begins the next one. */
size_t np_fit_line(const char *text, size_t cells, size_t *next);

/* Pieces of a line, in the order in which they stand; those of the highest rank go first. */
struct np_fit_piece {
	uint16_t width; /* 0: not there */
	uint8_t rank;
	bool shown;
};
/* Marks as shown those that fit WIDTH with GAP between two; returns the cells they take. */
size_t np_fit_pieces(struct np_fit_piece *pieces, size_t n, size_t width, size_t gap);

#define NP_SPARK_LEVELS 8
/* 0 for nothing at all, else 1 to 7 by VALUE's part of MAX. */
unsigned int np_fit_spark(double value, double max);
/* The glyph of a level. */
const char *np_fit_glyph(unsigned int level, bool utf8);

#endif
