// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * np-link: joins two interfaces and forwards what they receive to each other, with a set delay,
 * jitter, loss, reordering and rate; loses chosen TCP segments. Stands in for netem, which not
 * every kernel has and which cannot say "the third data segment". Built from tests/work/link*.c.
 *
 * This file reads the command line.
 */
#include "link.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/parse.h"

static const char usage_text[] =
    "Usage: np-link IF1 IF2 [OPTIONS]\n"
    "       np-link offload-off IF...\n"
    "Joins two interfaces; \"ab\" is the way from IF1 to IF2. Prints {\"ready\":1}, on SIGTERM "
    "what\n"
    "it did, as JSON. Frames must be single packets with checksums: IF1 and IF2 are set up so, "
    "the\n"
    "other ends of veth pairs need offload-off.\n"
    "\n"
    "Each way, or with -ab or -ba behind the name (--delay-ab) one of them:\n"
    "  --delay T        from one end to the other; 250us 20ms 1s [0]\n"
    "  --jitter T       up to T more or less, evenly; frames keep their order [0]\n"
    "  --rate BITS      a second, of frames without checksum and gap; K M G are 1000s [no limit]\n"
    "  --loss PCT       share of frames that is lost [0]\n"
    "  --reorder PCT    share of frames that is held back, so that later ones overtake [0]\n"
    "  --hold T         how long those are held back [1ms]\n"
    "\n"
    "  --limit N        frames under way in one direction, more are lost [4096]\n"
    "  --seed N         the same number, the same choices [1]\n"
    "  --drop SPEC      lose just these TCP segments; repeatable. SPEC, with commas:\n"
    "    kind=syn|synack|data|ack|fin|rst|any   data: with payload; ack: without, nor a flag "
    "[any]\n"
    "    tail           data that has PSH: the last segment of a write, and some before it\n"
    "    byte=N         data that has the Nth byte of what is sent from the SYN on, or from the\n"
    "                   first segment since the rule is there\n"
    "    dir=ab|ba      [both, counted apart]\n"
    "    nth=N          from the Nth such segment of a connection on, repeats counted [1]\n"
    "    times=M        so many of each connection [1]\n"
    "    port=P         the server's port [any]\n"
    "    conns=N        only the first N connections [all]\n"
    "\n"
    "Lines on stdin, each answered by {\"ack\":N,\"ok\":true}:\n"
    "  delay|jitter|rate|loss|reorder|hold VALUE [ab|ba]\n"
    "  drop SPEC        one more rule, which counts from now on\n"
    "  clear            no rules, no loss, no reordering\n"
    "  block [ab|ba|both], unblock [ab|ba|both]\n"
    "  stats            the answer has the counters\n"
    "\n"
    "Exit status: 0; 1 cannot; 2 wrong usage.\n";

static _Noreturn void bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "np-link: %s%s%s (see --help)\n", what, value ? ": " : "",
		value ? value : "");
	exit(2);
}

static int fail(const struct np_err *err)
{
	fprintf(stderr, "np-link: %s\n", err->msg);
	return 1;
}

enum { OPT_SETTING = 256 }; /* and above; the others are letters */

/* NAME, NAME-ab, NAME-ba */
#define THREE(name)                                                \
	{ #name, required_argument, NULL, OPT_SETTING },           \
	    { #name "-ab", required_argument, NULL, OPT_SETTING }, \
	    { #name "-ba", required_argument, NULL, OPT_SETTING },

/* clang-format off */
static const struct option long_options[] = {
	LINK_SETTINGS(THREE)
	{ "limit", required_argument, NULL, 'l' },
	{ "seed", required_argument, NULL, 's' },
	{ "drop", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

struct link_opts {
	uint32_t limit;
	uint64_t seed;
};

static void set_by_option(struct link *link, const char *option, const char *value)
{
	const char *dash = strchrnul(option, '-');
	uint32_t dirs = LINK_BOTH;
	char name[16];
	struct np_err err;

	if (*dash)
		dirs = LINK_BIT(dash[1] == 'a' ? LINK_AB : LINK_BA);
	snprintf(name, sizeof(name), "%.*s", (int)(dash - option), option);
	if (link_set(link, name, dirs, value, &err))
		bad_usage(option, value);
}

static void parse(struct link *link, struct link_opts *o, int argc, char **argv)
{
	struct np_err err;
	int opt, index = 0;

	while ((opt = getopt_long(argc, argv, "h", long_options, &index)) != -1) {
		switch (opt) {
		case OPT_SETTING:
			set_by_option(link, long_options[index].name, optarg);
			break;
		case 'l':
			if (np_parse_u32(optarg, 1, LINK_MAX_LIMIT, &o->limit))
				bad_usage("limit", optarg);
			break;
		case 's':
			if (np_parse_u64(optarg, 0, UINT64_MAX, &o->seed))
				bad_usage("seed", optarg);
			break;
		case 'd':
			if (link_rules_add(&link->rules, optarg, &err))
				bad_usage(err.msg, NULL);
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
}

static int offload_off(int argc, char **argv)
{
	struct np_err err;

	if (argc < 3)
		bad_usage("offload-off: no interface given", NULL);
	for (int i = 2; i < argc; i++) {
		if (link_offload_off(argv[i], &err))
			return fail(&err);
	}
	return 0;
}

static int open_all(struct link *link, const struct link_opts *o, char **devs, struct np_err *err)
{
	for (int i = 0; i < LINK_DIRS; i++) {
		int code = link_path_open(&link->path[i], o->limit, o->seed * LINK_DIRS + i);

		if (code)
			return np_err_set(err, code, "no memory");
		link->sock[i] = link_net_open(devs[i], err);
		if (link->sock[i] < 0)
			return link->sock[i];
	}
	for (int i = 0; i < LINK_DIRS; i++) {
		link->path[i].in = link->sock[i];
		link->path[i].out = link->sock[1 - i];
	}
	return 0;
}

static void close_all(struct link *link)
{
	for (int i = 0; i < LINK_DIRS; i++) {
		if (link->sock[i] >= 0)
			close(link->sock[i]);
		link_path_close(&link->path[i]);
	}
	link_rules_clear(&link->rules);
}

/* Exact where we may; where not, as exact as it gets. */
static bool be_punctual(void)
{
	const struct sched_param param = { .sched_priority = 1 };

	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	return sched_setscheduler(0, SCHED_FIFO, &param) == 0 &&
	       mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
}

/* Before the first message: who has read it may end us at once. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
	struct link link = { .sock = { -1, -1 } };
	struct link_opts o = { .limit = 4096, .seed = 1 };
	struct np_err err = { 0 };
	int status = 1;

	if (argc > 1 && !strcmp(argv[1], "offload-off"))
		return offload_off(argc, argv);
	link.path[LINK_AB].hold = link.path[LINK_BA].hold = 1000000;
	parse(&link, &o, argc, argv);
	if (argc - optind != 2)
		bad_usage("two interfaces are needed", NULL);
	if (!strcmp(argv[optind], argv[optind + 1]))
		bad_usage("one interface twice", argv[optind]);
	int sigfd = open_signals();
	if (open_all(&link, &o, argv + optind, &err)) {
		fail(&err);
		goto cleanup;
	}
	const bool punctual = be_punctual();
	printf("{\"ready\":1,\"pid\":%d,\"fifo\":%s}\n", (int)getpid(),
	       punctual ? "true" : "false");
	fflush(stdout);
	link_run(&link, sigfd);
	link_report(&link, "");
	status = 0;
cleanup:
	close_all(&link);
	if (sigfd >= 0)
		close(sigfd);
	return status;
}
