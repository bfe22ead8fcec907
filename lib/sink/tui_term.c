// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The terminal's modes: taken, sized, given back. What a fatal signal needs to give it back is made
 * beforehand and kept here: the one piece of static storage, since a handler has no argument.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"
#include "sink/tui_internal.h"
#include <term.h> /* last: it defines names such as lines and columns */

static struct {
	volatile sig_atomic_t armed;
	volatile sig_atomic_t len;
	char bytes[256];
	struct termios modes; /* as they were before the screen */
} way_out;

static int keep_byte(int c)
{
	if (way_out.len < (sig_atomic_t)sizeof(way_out.bytes))
		way_out.bytes[way_out.len++] = (char)c;
	return c;
}

static void keep(const char *cap)
{
	if (cap)
		tputs(cap, 1, keep_byte);
}

/* Again at each resize: without an alternate screen the cursor has to leave by the last line. */
void np_term_arm(void)
{
	way_out.armed = 0;
	way_out.len = 0;
	keep(exit_attribute_mode);
	keep(orig_pair);
	keep(keypad_local);
	keep(cursor_normal);
	if (exit_ca_mode) {
		keep(exit_ca_mode);
	} else if (cursor_address) {
		keep(tparm(cursor_address, LINES - 1, 0));
		keep(clr_eol);
	}
	way_out.armed = 1;
}

void np_term_disarm(void)
{
	way_out.armed = 0;
}

void np_tui_restore(void)
{
	int saved = errno;
	ssize_t ignored;

	if (!way_out.armed)
		return;
	way_out.armed = 0;
	ignored = write(STDOUT_FILENO, way_out.bytes, (size_t)way_out.len);
	(void)ignored; /* nothing else can be done on this way out */
	tcsetattr(STDIN_FILENO, TCSANOW, &way_out.modes);
	errno = saved;
}

/* Colours: the terminal's own background, so that the screen looks at home on light and dark ones.
 */
static void choose_looks(struct np_tui *tui)
{
	static const struct {
		short fg, bg;
		attr_t attr;
	} colours[NP_NLOOKS] = {
		[NP_LOOK_PLAIN] = { -1, -1, A_NORMAL },
		[NP_LOOK_STRONG] = { -1, -1, A_BOLD },
		[NP_LOOK_FAINT] = { -1, -1, A_DIM },
		[NP_LOOK_HEAD] = { COLOR_BLACK, COLOR_GREEN, A_NORMAL },
		[NP_LOOK_SORT] = { COLOR_BLACK, COLOR_CYAN, A_NORMAL },
		[NP_LOOK_SELECTED] = { COLOR_BLACK, COLOR_CYAN, A_NORMAL },
		[NP_LOOK_SPARK] = { COLOR_GREEN, -1, A_NORMAL },
		[NP_LOOK_WARN] = { COLOR_RED, -1, A_BOLD },
		[NP_LOOK_MARK] = { COLOR_BLACK, COLOR_YELLOW, A_NORMAL },
		[NP_LOOK_KEY] = { COLOR_CYAN, -1, A_BOLD },
	};
	/* the header must not look like the selected row below it */
	static const attr_t plain[NP_NLOOKS] = {
		[NP_LOOK_STRONG] = A_BOLD,      [NP_LOOK_FAINT] = A_NORMAL,
		[NP_LOOK_HEAD] = A_UNDERLINE,   [NP_LOOK_SORT] = A_UNDERLINE | A_BOLD,
		[NP_LOOK_SELECTED] = A_REVERSE, [NP_LOOK_WARN] = A_BOLD,
		[NP_LOOK_MARK] = A_REVERSE,     [NP_LOOK_KEY] = A_BOLD,
	};
	const char *no_color = getenv("NO_COLOR");
	bool own;

	memcpy(tui->looks, plain, sizeof(plain));
	if ((no_color && *no_color) || !has_colors() || start_color() == ERR)
		return;
	own = use_default_colors() == OK;
	for (int i = 1; i < NP_NLOOKS; i++) {
		short fg = colours[i].fg, bg = colours[i].bg;

		if (fg < 0 && bg < 0) {
			tui->looks[i] = colours[i].attr;
			continue;
		}
		if (init_pair(i, fg, (short)(bg < 0 && !own ? COLOR_BLACK : bg)) == OK)
			tui->looks[i] = colours[i].attr | (attr_t)COLOR_PAIR(i);
	}
}

/* A sentence for what newterm() would only fail at, or draw as garbage. */
static int check_term(struct np_err *err)
{
	const char *name = getenv("TERM");
	int found = 0, ret = 0;

	if (!name || !*name)
		return np_err_set(
		    err, -EINVAL,
		    "TERM is not set, so the screen cannot be drawn: set TERM, or use -b "
		    "for text");
	if (setupterm(NULL, STDOUT_FILENO, &found) == ERR || !cursor_address)
		ret = np_err_set(
		    err, -EINVAL,
		    "the terminal type TERM='%.64s' %s: set TERM (xterm-256color, vt100), "
		    "or use -b for text",
		    name, found == 1 ? "cannot move its cursor" : "is not known here");
	if (cur_term)
		del_curterm(cur_term);
	return ret;
}

static void leave_alone(int sig)
{
	(void)sig;
}

/* newterm() takes signals that are the program's: it reads them from a signalfd. */
static SCREEN *newterm_only(void)
{
	static const int theirs[] = { SIGINT, SIGTERM, SIGTSTP, SIGWINCH };
	struct sigaction saved[sizeof(theirs) / sizeof(theirs[0])];
	SCREEN *screen;

	/*
	 * ncurses ignores a SIGTSTP of the default kind while it draws, which throws away the one
	 * that waits to be read; one that has a handler it leaves alone (lib_tstp.c).
	 */
	signal(SIGTSTP, leave_alone);
	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
		sigaction(theirs[i], NULL, &saved[i]);
	screen = newterm(NULL, stdout, stdin);
	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
		sigaction(theirs[i], &saved[i], NULL);
	return screen;
}

int np_term_open(struct np_tui *tui, struct np_err *err)
{
	int ret;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &way_out.modes))
		return np_err_set(
		    err, -ENOTTY,
		    "the screen needs a terminal on stdin and stdout: use -b for text");
	ret = check_term(err);
	if (ret)
		return ret;
	tui->screen = newterm_only();
	if (!tui->screen)
		return np_err_set(err, -EINVAL,
				  "the terminal type TERM='%.64s' cannot be used: "
				  "set TERM, or use -b for text",
				  getenv("TERM"));
	set_term(tui->screen);
	tui->fmt.utf8 = tui->fmt.utf8 && np_str_utf8();
	choose_looks(tui);
	cbreak(); /* keeps ISIG: Ctrl-C and Ctrl-Z are signals */
	noecho();
	nonl();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	intrflush(stdscr, FALSE);
	set_escdelay(25);
	curs_set(0);
	np_tui_resize(tui);
	return 0;
}

void np_term_close(struct np_tui *tui)
{
	if (!tui->screen)
		return;
	endwin();
	np_term_disarm();
	delscreen(tui->screen);
	tui->screen = NULL;
}

void np_tui_resize(struct np_tui *tui)
{
	struct winsize ws;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col &&
	    is_term_resized(ws.ws_row, ws.ws_col)) {
		resize_term(ws.ws_row, ws.ws_col);
		/* what the terminal did to the old lines is its own business */
		clearok(curscr, TRUE);
	}
	tui->rows = LINES;
	tui->cols = COLS;
	np_term_arm();
}

void np_tui_suspend(struct np_tui *tui)
{
	(void)tui;
	np_term_disarm();
	endwin();
}

void np_tui_resume(struct np_tui *tui)
{
	/* the shell may have changed them meanwhile */
	tcgetattr(STDIN_FILENO, &way_out.modes);
	def_shell_mode();
	reset_prog_mode();
	clearok(curscr, TRUE);
	np_tui_resize(tui);
}
