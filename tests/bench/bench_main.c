// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-bench: the command line. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "bench.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char usage_text[] =
    "Usage: np-bench MODE [OPTIONS] COMMAND... [vs PEER...]\n"
    "Measures what COMMAND costs; prints one JSON object.\n"
    "\n"
    "Modes:\n"
    "  left     work left over while COMMAND runs: off, on, on, off in turn\n"
    "  refresh  CPU time of a refresh of the running COMMAND, which prints a header and then\n"
    "           --lines a refresh, against a whole run of PEER\n"
    "  race     whole runs of COMMAND and of PEER in turn, and their time to the first line\n"
    "  grow     memory of the running COMMAND over --conns connections come and gone, twice\n"
    "\n"
    "  --work bulk|rr|cc|udp  the workload: 64 KiB writes, request and response, connect and\n"
    "                         close, or request and response over UDP [rr]\n"
    "  --rounds N             of two pairs each for left [11]\n"
    "  --ms MS                CPU time of each half of a pair [550]\n"
    "  --lines N              lines of a refresh; left: to wait for before it counts as on [1]\n"
    "  --refreshes N          measured a round [2]\n"
    "  --conns N              [100000]\n";

static const struct {
	const char *name;
	int (*run)(const struct bench_opts *o);
	bool peer;
} modes[] = {
	{ "left", bench_left, false },
	{ "refresh", bench_refresh, true },
	{ "race", bench_race, true },
	{ "grow", bench_grow, false },
};

/* The command ends where PEER begins. */
static void split(struct bench_opts *o)
{
	for (char **arg = o->cmd; *arg; arg++) {
		if (!strcmp(*arg, "vs")) {
			*arg = NULL;
			o->peer = arg[1] ? arg + 1 : NULL;
			return;
		}
	}
}

static int read_options(struct bench_opts *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "work", required_argument, NULL, 'w' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "ms", required_argument, NULL, 'm' },
		{ "lines", required_argument, NULL, 'l' },
		{ "refreshes", required_argument, NULL, 'n' },
		{ "conns", required_argument, NULL, 'c' },
		{ 0 },
	};
	int c, err = 0;

	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1 && !err) {
		switch (c) {
		case 'w':
			o->work = optarg;
			break;
		case 'r':
			err = np_parse_u32(optarg, 1, 1000, &o->rounds);
			break;
		case 'm':
			err = np_parse_u32(optarg, 10, 60000, &o->ms);
			break;
		case 'l':
			err = np_parse_u32(optarg, 1, 1000000, &o->lines);
			break;
		case 'n':
			err = np_parse_u32(optarg, 1, 10000, &o->refreshes);
			break;
		case 'c':
			err = np_parse_u32(optarg, 1, 100000000, &o->conns);
			break;
		default:
			return -1;
		}
	}
	errno = -err;
	return err ? bench_fail("%s", optarg) : optind;
}

int main(int argc, char **argv)
{
	struct bench_opts o = {
		.work = "rr", .rounds = 11, .ms = 550, .lines = 1, .refreshes = 2, .conns = 100000
	};

	for (size_t i = 0; argc > 2 && i < ARRAY_SIZE(modes); i++) {
		int at;

		if (strcmp(modes[i].name, argv[1]))
			continue;
		at = read_options(&o, argc - 1, argv + 1);
		if (at < 0)
			return 2;
		o.cmd = argv + 1 + at;
		split(&o);
		if (!o.cmd[0] || !o.peer != !modes[i].peer)
			break;
		return modes[i].run(&o);
	}
	fputs(usage_text, stderr);
	return 2;
}
