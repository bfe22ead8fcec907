/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the files of the screen share; nobody else includes this. A pane is what has the screen and
 * the keys: the table, help, the column chooser, one row's columns, the filter line.
 */
#ifndef NP_TUI_INTERNAL_H
#define NP_TUI_INTERNAL_H

#define NCURSES_WIDECHAR 1
#include <ncurses.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sink/tui.h"
#include "sink/tui_fit.h"
#include "sink/tui_line.h"
#include "sink/tui_step.h"

#define NP_TUI_MIN_COLS 40
#define NP_TUI_MIN_ROWS 10
#define NP_TUI_HISTORY  64
#define NP_TUI_COLUMNS  256 /* np_col_id(): as many as np_cols and np_diffs may have */

#define NP_KEY_ESC 0x1b
#define NP_CTRL(c) ((c)&0x1f)

/* Beside NP_TUI_*, inside: the pane has no use for the key. */
#define NP_TUI_UNUSED 0x8000

enum np_look {
	NP_LOOK_PLAIN,
	NP_LOOK_STRONG,
	NP_LOOK_FAINT,
	NP_LOOK_HEAD,
	NP_LOOK_SORT, /* the header of the sort column */
	NP_LOOK_SELECTED,
	NP_LOOK_SPARK,
	NP_LOOK_WARN,
	NP_LOOK_MARK, /* PAUSED */
	NP_LOOK_KEY,
	NP_NLOOKS
};

struct np_tui_pane {
	void (*draw)(struct np_tui *tui, const struct np_view *view);
	unsigned int (*key)(struct np_tui *tui, const struct np_view *view, int key);
};
extern const struct np_tui_pane np_pane_table, np_pane_help, np_pane_columns, np_pane_detail,
    np_pane_filter;

/* Where the eye is in a table; a selection that was moved is a row's identity, not a place. */
struct np_tui_place {
	size_t at, top;
	bool follow; /* else it stays in the first row, whichever that is */
	uint64_t id;
};

struct np_tui_table {
	struct np_tui_place place;
	size_t page;               /* rows that the screen shows */
	size_t first;              /* columns scrolled away to the left; the first one stays */
	size_t shown[NP_MAX_COLS]; /* indexes of the columns on the screen */
	uint16_t widths[NP_MAX_COLS];
	size_t nshown, left, right; /* and how many hide on each side */
	bool seek;                  /* bring the sort column onto the screen */
	struct np_fit_memory mem[NP_TUI_COLUMNS];
	struct np_buf text; /* cells of this draw, each NUL-terminated */
	size_t *cells;      /* where in it: by column, then row */
	size_t ncells;
};

struct np_tui_history {
	double way[2][NP_TUI_HISTORY];
	size_t n;         /* ever seen */
	uint64_t last_ns; /* refresh of the last one */
	uint16_t kind;
};

struct np_tui {
	SCREEN *screen;
	attr_t looks[NP_NLOOKS];
	int rows, cols; /* of the terminal */
	const struct np_tui_pane *pane;
	const struct np_tui_status *status; /* during a draw */
	struct np_view_cfg cfg;
	struct np_format fmt;
	enum np_step_avg avg;
	uint64_t interval_ns;
	bool interval_set; /* by a key: not what the status says yet */
	bool paused;
	const struct np_row *row; /* to drill into */
	bool drilled;
	struct np_view_cfg inside; /* how the last group's connections were shown... */
	size_t inside_of;          /* ... and of which grouping */
	struct np_view_cfg back;   /* the grouping above, and the place in it */
	struct np_tui_place back_place;
	char label[96];           /* whose connections */
	struct np_view_cfg *kept; /* by np_step_group(): the columns and sort it was left with */
	char filter[1024];        /* typed last */
	char filter_now[1024];    /* in force, as the status says */
	char message[768];
	struct np_line line;
	struct np_tui_table table;
	struct np_tui_history history;
	struct np_tui_place list;  /* column chooser */
	size_t scroll, scroll_max; /* help, detail */
	uint64_t detail;           /* id of the row */
	struct np_buf detail_text; /* "name\tvalue\n" of its columns, kept when it is gone */
	uint64_t drawn_ns;         /* refresh shown last */
	bool tick;                 /* this draw shows a new refresh */
	struct np_buf scratch;
};

/* tui_term.c */
int np_term_open(struct np_tui *tui, struct np_err *err);
void np_term_close(struct np_tui *tui);
void np_term_arm(void);
void np_term_disarm(void);

/* tui_draw.c: all drawing goes by cells. TEXT is safe to print; returns the cells used. */
size_t np_draw(const struct np_tui *tui, int y, size_t x, size_t cells, enum np_look look,
	       const char *text);
void np_draw_fill(const struct np_tui *tui, int y, enum np_look look);
/* The same with a mark where text is cut, or from the right end of the line. */
size_t np_draw_cut(struct np_tui *tui, int y, size_t x, size_t cells, enum np_look look,
		   const char *text);
/* Wraps TEXT into lines below Y, those before TOP and from BOTTOM on unseen; returns how many. */
int np_draw_wrapped(const struct np_tui *tui, int y, int top, int bottom, size_t x, size_t cells,
		    enum np_look look, const char *text);
/* Outside text, escaped; valid until the next call. */
const char *np_draw_safe(struct np_tui *tui, const char *raw);
/* The bottom lines: a message where there is one, the keys. */
struct np_hint {
	const char *key, *label;
	uint8_t rank;
};
void np_draw_hints(const struct np_tui *tui, const struct np_hint *hints, size_t n);
void np_draw_message(struct np_tui *tui);

/* tui_title.c: the lines above the table; returns how many. */
void np_title_sample(struct np_tui *tui, const struct np_view *view);
int np_title_draw(struct np_tui *tui, const struct np_view *view);

/* tui_table.c */
uint64_t np_table_id(const struct np_view_cfg *cfg, const struct np_row *row);
/* Another table: widths and places say nothing any more. */
void np_table_forget(struct np_tui *tui);
void np_table_draw(struct np_tui *tui, const struct np_view *view);
/* The selected row, NULL in an empty table. */
const struct np_row *np_table_row(const struct np_tui *tui, const struct np_view *view);
void np_table_move(struct np_tui *tui, const struct np_view *view, size_t to);
/* The row of an id, NULL where it is gone. */
const struct np_row *np_table_find(const struct np_view *view, uint64_t id);

/* tui_keys.c */
unsigned int np_keys_run(struct np_tui *tui, const struct np_view *view, int key);
size_t np_keys_hints(struct np_hint *hints, size_t max);
struct np_keys_help {
	const char *names, *help;
};
bool np_keys_help(size_t i, struct np_keys_help *out);

/* tui_act.c: what keys of the table do; N is the key's position in its binding. */
typedef unsigned int np_act(struct np_tui *tui, const struct np_view *view, unsigned int n);
np_act np_act_move, np_act_page, np_act_edge, np_act_scroll, np_act_open, np_act_back,
    np_act_filter, np_act_sort_at, np_act_sort, np_act_reverse, np_act_group, np_act_pause,
    np_act_freeze, np_act_columns, np_act_units, np_act_interval, np_act_average, np_act_help,
    np_act_redraw, np_act_suspend, np_act_quit;

#endif
