// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * np-drop: loses TCP segments at an interface's ingress, and says how many. Built from
 * tests/work/drop*.c and the skeleton of drop.bpf.c; needs libbpf.
 *
 * By a tcx link where there is one (6.6), which goes with the process; else by a clsact filter that
 * is removed at the end, or with the test's namespace.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drop.h"
#include "drop.skel.h"

#define TCX_INGRESS 46 /* BPF_TCX_INGRESS, which the headers of 6.1 do not have */

static const char usage_text[] =
    "Usage: np-drop --dev INTERFACE [OPTIONS]\n"
    "Drops TCP segments that come in; prints {\"ready\":IFINDEX}, at SIGTERM what it dropped.\n"
    "  --sport P, --dport P   only with these ports\n"
    "  --match data|syn|synack|ack|fin|any   segments with payload, ... [data]\n"
    "  --skip N               let the first N of them pass [0]\n"
    "  --every N              then drop each Nth [1]\n"
    "  --limit N              N in all [0: no limit]\n"
    "A GSO packet is one packet here, and dropped as a whole: \"dropped_segs\" counts its "
    "segments.\n";

static const char *const match_names[] = { "data", "syn", "synack", "ack", "fin", "any" };

struct drop_opts {
	const char *dev;
	uint16_t sport, dport;
	uint32_t match;
	uint64_t skip, every, limit;
};

struct attachment {
	int link; /* of tcx, or -1 */
	bool filter, qdisc;
	struct bpf_tc_hook hook;
	struct bpf_tc_opts tc;
};

static int fail(const char *what, int err)
{
	fprintf(stderr, "np-drop: %s: %s\n", what, strerror(err < 0 ? -err : err));
	return -1;
}

static _Noreturn void bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "np-drop: %s: %s (see --help)\n", what, value);
	exit(2);
}

static uint64_t number(const char *option, const char *text, uint64_t max)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || n > max)
		bad_usage(option, text);
	return n;
}

static uint32_t match_by_name(const char *text)
{
	for (uint32_t i = 0; i < sizeof(match_names) / sizeof(match_names[0]); i++) {
		if (!strcmp(text, match_names[i]))
			return i;
	}
	bad_usage("match", text);
}

static void parse(struct drop_opts *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", required_argument, NULL, 'i' },
		{ "sport", required_argument, NULL, 's' },
		{ "dport", required_argument, NULL, 'd' },
		{ "match", required_argument, NULL, 'm' },
		{ "skip", required_argument, NULL, 'k' },
		{ "every", required_argument, NULL, 'e' },
		{ "limit", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'i':
			o->dev = optarg;
			break;
		case 's':
			o->sport = (uint16_t)number("sport", optarg, UINT16_MAX);
			break;
		case 'd':
			o->dport = (uint16_t)number("dport", optarg, UINT16_MAX);
			break;
		case 'm':
			o->match = match_by_name(optarg);
			break;
		case 'k':
			o->skip = number("skip", optarg, UINT64_MAX);
			break;
		case 'e':
			o->every = number("every", optarg, UINT64_MAX);
			break;
		case 'l':
			o->limit = number("limit", optarg, UINT64_MAX);
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc)
		bad_usage("unexpected argument", argv[optind]);
	if (!o->dev || !o->every)
		bad_usage("needed", o->dev ? "--every of 1 at least" : "--dev");
}

static int attach(struct attachment *a, int prog, int ifindex)
{
	a->link = bpf_link_create(prog, ifindex, (enum bpf_attach_type)TCX_INGRESS, NULL);
	if (a->link >= 0)
		return 0;
	a->hook = (struct bpf_tc_hook){ .sz = sizeof(a->hook),
					.ifindex = ifindex,
					.attach_point = BPF_TC_INGRESS };
	a->tc = (struct bpf_tc_opts){ .sz = sizeof(a->tc), .prog_fd = prog };
	int err = bpf_tc_hook_create(&a->hook);
	if (err && err != -EEXIST)
		return fail("clsact", err);
	a->qdisc = err == 0;
	err = bpf_tc_attach(&a->hook, &a->tc);
	if (err)
		return fail("filter", err);
	a->filter = true;
	return 0;
}

static void detach(struct attachment *a)
{
	if (a->link >= 0)
		close(a->link);
	if (a->filter) {
		a->tc.prog_fd = 0;
		a->tc.flags = a->tc.prog_id = 0;
		bpf_tc_detach(&a->hook, &a->tc);
	}
	/* Only what we made: somebody else's filters may hang there. */
	if (a->qdisc) {
		a->hook.attach_point = (enum bpf_tc_attach_point)(BPF_TC_INGRESS | BPF_TC_EGRESS);
		bpf_tc_hook_destroy(&a->hook);
	}
}

static struct np_drop_bpf *load(const struct drop_opts *o)
{
	struct np_drop_bpf *skel = np_drop_bpf__open();

	if (!skel)
		return NULL;
	skel->rodata->want_sport = o->sport;
	skel->rodata->want_dport = o->dport;
	skel->rodata->want = o->match;
	skel->rodata->skip = o->skip;
	skel->rodata->every = o->every;
	skel->rodata->limit = o->limit;
	if (np_drop_bpf__load(skel)) {
		np_drop_bpf__destroy(skel);
		return NULL;
	}
	return skel;
}

static int say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	return fflush(stdout);
}

int main(int argc, char **argv)
{
	struct drop_opts o = { .every = 1 };
	struct attachment a = { .link = -1 };
	struct np_drop_bpf *skel = NULL;
	int status = 1, sig;
	sigset_t set;

	parse(&o, argc, argv);
	int ifindex = (int)if_nametoindex(o.dev);
	if (!ifindex) {
		fail(o.dev, errno);
		goto cleanup;
	}
	/* Before the first message: who has read it may end us at once. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	skel = load(&o);
	if (!skel) {
		fail("cannot load", errno);
		goto cleanup;
	}
	if (attach(&a, bpf_program__fd(skel->progs.drop_some), ifindex) < 0)
		goto cleanup;
	say("{\"ready\":%d,\"pid\":%d}\n", ifindex, (int)getpid());
	sigwait(&set, &sig);
	/* First the end, then the numbers: they change no more. */
	detach(&a);
	a = (struct attachment){ .link = -1 };
	say("{\"pid\":%d,\"role\":\"drop\",\"seen\":%llu,\"dropped\":%llu,\"dropped_segs\":%llu,"
	    "\"dropped_bytes\":%llu}\n",
	    (int)getpid(), (unsigned long long)skel->bss->seen,
	    (unsigned long long)skel->bss->dropped, (unsigned long long)skel->bss->dropped_segs,
	    (unsigned long long)skel->bss->dropped_bytes);
	status = 0;
cleanup:
	detach(&a);
	np_drop_bpf__destroy(skel);
	return status;
}
