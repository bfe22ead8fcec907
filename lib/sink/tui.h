/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The screen: title, table, key line; keys in, settings out. It draws a view and edits a copy of
 * its settings; the loop (app) applies them. One np_tui at a time, it owns the terminal's modes
 * between open and close, and gives them back on close, however the program ends.
 */
#ifndef NP_TUI_H
#define NP_TUI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sink/format.h"
#include "view/view.h"

/* What the title line tells beside the view. */
struct np_tui_status {
	const char *program; /* "nptop" */
	const char *host;
	const char *filter; /* the libpcap expression, "" for none */
	uint64_t interval_ns;
	uint32_t sample; /* one connection in so many is looked at; 1: all */
	uint64_t lost; /* what was lost so far, by all causes; shown in warning colour when not 0 */
	const char *notice; /* one line of what is not as it should be, or "" */
};

/*
 * What a key asked for; several may be set. Apply NP_TUI_DRILL before NP_TUI_VIEW: the row is one
 * of the grouping that is still in force, and the settings are already those of what comes next.
 */
#define NP_TUI_QUIT     1
#define NP_TUI_VIEW     2  /* np_tui_cfg() changed: apply it with np_view_set() */
#define NP_TUI_INTERVAL 4  /* np_tui_interval() changed */
#define NP_TUI_FILTER   8  /* np_tui_filter(): a text to compile; np_tui_message() its errors */
#define NP_TUI_DRILL    16 /* np_tui_row(): np_view_drill() it; NULL row: back */
#define NP_TUI_REDRAW   32 /* nothing but the screen changed */
#define NP_TUI_SUSPEND  64 /* Ctrl-Z */

struct np_tui;

/* Takes the terminal of stdin and stdout: -ENOTTY where there is none, -EINVAL for a bad TERM. */
int np_tui_open(struct np_tui **out, const struct np_view_cfg *cfg, const struct np_format *fmt,
		struct np_err *err);
void np_tui_close(struct np_tui *tui); /* idempotent with a crash: see np_tui_restore() */
/* Async-signal-safe: gives the terminal back, for a fatal signal's way out. */
void np_tui_restore(void);

void np_tui_draw(struct np_tui *tui, const struct np_view *view,
		 const struct np_tui_status *status);
/* Reads the keys that wait (after a resize too) and returns NP_TUI_* bits. VIEW as last drawn. */
unsigned int np_tui_keys(struct np_tui *tui, const struct np_view *view);
/* The terminal changed size, or the program comes back to the foreground. */
void np_tui_resize(struct np_tui *tui);
/* Around a stop: suspend, raise SIGSTOP (SIGTSTP goes by signalfd), resume. */
void np_tui_suspend(struct np_tui *tui);
void np_tui_resume(struct np_tui *tui);

/* Its where, filter and whose are those of the view last drawn: the caller sets new ones. */
const struct np_view_cfg *np_tui_cfg(const struct np_tui *tui);
const char *np_tui_filter(const struct np_tui *tui);
/* Valid until the view changes; for NP_TUI_DRILL. */
const struct np_row *np_tui_row(const struct np_tui *tui);
uint64_t np_tui_interval(const struct np_tui *tui);
bool np_tui_paused(const struct np_tui *tui);
/* A line at the bottom until the next key: why a filter was refused, what a key changed. */
void np_tui_message(struct np_tui *tui, const char *text);
/* The keys as mdoc list items, for the man page. */
void np_tui_dump_keys(struct np_buf *out);

#endif
