/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a program is: one const struct np_tool and a main() that hands it to np_main(). Options,
 * loop, sinks, doctor and the trust record are here, once for all of them.
 */
#ifndef NP_APP_H
#define NP_APP_H

#include <stdbool.h>

/* Exit status of every program. */
enum np_exit {
	NP_EXIT_OK = 0,
	NP_EXIT_CHECK = 1, /* a --check failed */
	NP_EXIT_USAGE = 2,
	NP_EXIT_CANNOT = 3,       /* cannot run here: privilege, kernel */
	NP_EXIT_INCONCLUSIVE = 4, /* no or too few samples, or data lost */
};

struct np_tool {
	const char *name;  /* "nptop" */
	const char *brief; /* one line for --help */
	const char *group; /* default of --by */
	bool screen;       /* a table on a terminal that refreshes itself */
};

int np_main(const struct np_tool *tool, int argc, char **argv);

#endif
