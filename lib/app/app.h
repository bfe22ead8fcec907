/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a program is: one const struct np_tool and a main() that hands it to np_main(). Options,
 * loop, sinks, doctor and the trust record are here, once for all of them.
 */
#ifndef NP_APP_H
#define NP_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/l7.h"
#include "view/view.h"

/* Exit status of every program. */
enum np_exit {
	NP_EXIT_OK = 0,
	NP_EXIT_CHECK = 1, /* a --check failed */
	NP_EXIT_USAGE = 2,
	NP_EXIT_CANNOT = 3,       /* cannot run here: privilege, kernel */
	NP_EXIT_INCONCLUSIVE = 4, /* no or too few samples, or data lost */
};

/* One thing that a program can do. */
struct np_mode {
	const struct np_topic *topic;
	const char *by;    /* default of --by; "connection" where each row stands for itself */
	unsigned int want; /* NP_SRC_* beside what columns need */
	bool screen;       /* a table on a terminal that refreshes itself */
	bool at_end;       /* in a pipe one table at the end, unless --interval asks for more */
	bool sums;         /* at the end, on stderr: how many ended, how much, with whom */
	uint32_t events;   /* 1 << enum np_row_event: told unless --events says otherwise ... */
	uint32_t may_tell; /* ... and those that it may name; 0: --events means nothing */
};

/* Which options a program has, beside those that all have. */
#define NP_FOR_TOP     1
#define NP_FOR_RTT     2
#define NP_FOR_RETRANS 4
#define NP_FOR_FLOWS   8

struct np_tool {
	const char *name;           /* "nptop" */
	const char *brief;          /* one line for --help */
	unsigned int options;       /* NP_FOR_* */
	const struct np_l7_ops *l7; /* &np_l7_ops where it has the columns app and host */
	const struct np_mode *mode;
	const struct np_mode *table, *listen, *summary; /* the options of these names; or NULL */
};

int np_main(const struct np_tool *tool, int argc, char **argv);

#endif
