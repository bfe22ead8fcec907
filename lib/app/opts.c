// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The command line: one table, one parser. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/opts.h"
#include "base/parse.h"
#include "base/str.h"
#include "sink/sink.h"

enum key {
	KEY_BY = 256,
	KEY_SORT,
	KEY_TOP,
	KEY_WHERE,
	KEY_ALL,
	KEY_FORMAT,
	KEY_HEADER,
	KEY_UNITS,
	KEY_PID,
	KEY_COMM,
	KEY_UID,
	KEY_CGROUP,
	KEY_CONTAINER,
	KEY_POD,
	KEY_NETNS,
	KEY_ACTIVE,
	KEY_HOOK,
	KEY_RING,
	KEY_UDP,
	KEY_ROOT,
	KEY_COLUMNS,
	KEY_DOCTOR,
	KEY_STATS,
	KEY_DEBUG,
	KEY_DUMP,
	KEY_EVENTS,
	KEY_TABLE,
	KEY_ONCE,
	KEY_LISTEN,
	KEY_SUMMARY,
	KEY_HISTOGRAM,
	KEY_SYN,
	KEY_SRT,
	KEY_ART,
	KEY_STACK,
	KEY_UDP_IDLE,
	KEY_USAGE,
};

/* clang-format off */
struct np_option {
	struct argp_option argp;
	unsigned int tools; /* NP_FOR_*; 0: all */
};

#define ALL     0
#define TOP     NP_FOR_TOP
#define RTT     NP_FOR_RTT
#define RETRANS NP_FOR_RETRANS
#define FLOWS   NP_FOR_FLOWS

static const struct np_option table[] = {
{ { NULL, 0, NULL, 0, "What it is about:", 1 }, RTT | RETRANS | FLOWS },
{ { "events", KEY_EVENTS, "LIST", 0, "What is told: open, state, close, fail, or all (close,fail); +NAME adds one to the usual ones, -NAME takes one away", 0 }, FLOWS },
{ { "table", KEY_TABLE, NULL, 0, "The living connections instead of a log", 0 }, FLOWS },
{ { "listen", KEY_LISTEN, NULL, 0, "The listeners, with their accept queues", 0 }, FLOWS },
{ { "once", KEY_ONCE, NULL, 0, "With --table or --listen: print it once and end", 0 }, FLOWS },
{ { "udp-idle", KEY_UDP_IDLE, "TIME", 0, "A UDP or ICMP flow ends when it was silent so long (30s)", 0 }, FLOWS },
{ { "events", KEY_EVENTS, "LIST", 0, "What is told: retrans, synack-retrans, rst-sent, rst-recv, connect-fail, zero-window, listen-overflow, timeout, half-close, port-reuse, drop, or all; +NAME adds one to the usual ones (all but zero-window, which costs a little for each segment), -NAME takes one away", 0 }, RETRANS },
{ { "summary", KEY_SUMMARY, NULL, 0, "A table instead of a log: how much of it by connection, remote, process or kind (--by)", 0 }, RETRANS },
{ { "stack", KEY_STACK, NULL, 0, "Also where in the kernel it happened (column stack)", 0 }, RETRANS },
{ { "syn", KEY_SYN, NULL, 0, "Also handshake times", 0 }, RTT },
{ { "srt", KEY_SRT, NULL, 0, "Also system response times: request to the ACK of it", 0 }, RTT },
{ { "art", KEY_ART, NULL, 0, "Also application response times: request to reply", 0 }, RTT },
{ { "histogram", KEY_HISTOGRAM, NULL, 0, "Print histograms: one at the end, or one each --interval", 0 }, RTT },
{ { NULL, 0, NULL, 0, "What is shown:", 2 }, ALL },
{ { "by", KEY_BY, "GROUP", 0, "One row for each process, connection, container, pod, unit, user, remote, rport, lport, protocol, netns or interface; or for each value of columns (raddr,rport)", 0 }, ALL },
{ { "output", 'o', "COLUMNS", 0, "Show these columns; +NAME adds one to the usual ones, -NAME takes one away", 0 }, ALL },
{ { "sort", KEY_SORT, "COLUMN", 0, "Sort by this column: -NAME the largest first, +NAME the smallest first", 0 }, ALL },
{ { "top", KEY_TOP, "N", 0, "Show only the first N rows of each refresh", 0 }, ALL },
{ { "where", KEY_WHERE, "EXPR", 0, "Show only rows for which this expression over columns holds: 'rtt > 10ms && retrans > 0'", 0 }, ALL },
{ { "all", KEY_ALL, NULL, 0, "Keep showing groups whose connections have all ended", 0 }, TOP | RTT | RETRANS },
{ { NULL, 0, NULL, 0, "Whose connections (each may be given several times; names may be globs):", 3 }, ALL },
{ { "pid", KEY_PID, "PID", 0, "Of this process", 0 }, ALL },
{ { "comm", KEY_COMM, "NAME", 0, "Of processes of this name", 0 }, ALL },
{ { "uid", KEY_UID, "USER", 0, "Of this user: name or number", 0 }, ALL },
{ { "cgroup", KEY_CGROUP, "PATH", 0, "Of this cgroup and those below it; without a leading / any component of the path", 0 }, ALL },
{ { "container", KEY_CONTAINER, "NAME", 0, "Of this container: name, or at least 6 characters of the id", 0 }, ALL },
{ { "pod", KEY_POD, "[NS/]NAME", 0, "Of this Kubernetes pod", 0 }, ALL },
{ { "netns", KEY_NETNS, "NAME", 0, "In this network namespace: name, path, pid or inode number", 0 }, ALL },
{ { "interface", 'i', "GLOB", 0, "Interfaces of this name, with --by interface", 0 }, TOP },
{ { "active-only", KEY_ACTIVE, NULL, 0, "Interfaces that moved packets in the last interval", 0 }, TOP },
{ { NULL, 0, NULL, 0, "When:", 4 }, ALL },
{ { "interval", 'I', "TIME", 0, "Time between refreshes, 10ms to 1d (1s)", 0 }, ALL },
{ { "count", 'c', "N", 0, "Stop after N refreshes (a log: N rows); the first comes at once", 0 }, ALL },
{ { "duration", 'd', "TIME", 0, "Stop after this time", 0 }, ALL },
{ { NULL, 0, NULL, 0, "How it is written:", 5 }, ALL },
{ { "batch", 'b', NULL, 0, "Text instead of the screen, also on a terminal", 0 }, ALL },
{ { "format", KEY_FORMAT, "text|csv|json", 0, "Write text, CSV or one JSON object a line", 0 }, ALL },
{ { "json", 'J', NULL, 0, "The same as --format json", 0 }, ALL },
{ { "header", KEY_HEADER, "N", 0, "Repeat the text header every N lines (0: once)", 0 }, ALL },
{ { "units", KEY_UNITS, "bytes|bits|raw", 0, "Rates in bytes or bits a second, or all numbers whole (bytes)", 0 }, ALL },
{ { "numeric", 'n', NULL, 0, "Accepted and changes nothing: addresses and ports are always numbers", 0 }, ALL },
{ { NULL, 0, NULL, 0, "How it works:", 6 }, ALL },
{ { "hook", KEY_HOOK, "tcx|clsact|xdp|cgroup", 0, "Count interfaces by this hook (auto: tcx, else clsact); cgroup: count UDP by cgroup programs", 0 }, TOP | FLOWS },
{ { "ring-size", KEY_RING, "SIZE", 0, "Ring buffer for events, 4KiB to 1GiB (2MiB; a log: 8MiB)", 0 }, ALL },
{ { "udp-max", KEY_UDP, "N", 0, "UDP sockets counted at once (65536)", 0 }, TOP | FLOWS },
{ { "root", KEY_ROOT, "DIR", 0, "Read names of containers, pods, users and network namespaces below this directory", 0 }, ALL },
{ { "list-columns", KEY_COLUMNS, NULL, 0, "List the columns and exit", 0 }, ALL },
{ { "doctor", KEY_DOCTOR, NULL, 0, "Say what this kernel and this user can do, with the fix for what they cannot, and exit", 0 }, ALL },
{ { "stats", KEY_STATS, NULL, 0, "At the end, on stderr: events, losses, hooks and their cost", 0 }, ALL },
{ { "debug", KEY_DEBUG, NULL, 0, "Also what libbpf and the kernel say", 0 }, ALL },
{ { "dump", KEY_DUMP, "WHAT", OPTION_HIDDEN, "Text for man page and completions", 0 }, ALL },
{ { "help", '?', NULL, 0, "Give this help list", -1 }, ALL },
{ { "usage", KEY_USAGE, NULL, 0, "Give a short usage message", -1 }, ALL },
{ { "version", 'V', NULL, 0, "Print the version", -1 }, ALL },
{ { 0 }, ALL },
};
/* clang-format on */

struct argp_option *np_opts_table(const struct np_tool *tool)
{
	size_t n = sizeof(table) / sizeof(table[0]), k = 0;
	struct argp_option *out = calloc(n, sizeof(*out));

	for (size_t i = 0; out && i < n; i++)
		if (!table[i].tools || (table[i].tools & tool->options))
			out[k++] = table[i].argp;
	return out;
}

static struct argp argp_of(const struct np_tool *tool, const struct argp_option *options);

/* Own, because argp is silent about help too once it is told not to speak of errors. */
static void about(const struct np_opts *o, int key)
{
	struct argp_option *options = np_opts_table(o->tool);
	const struct argp argp = argp_of(o->tool, options);

	if (key == 'V')
		puts("NetProbe " NP_VERSION);
	else
		argp_help(&argp, stdout, key == '?' ? ARGP_HELP_STD_HELP : ARGP_HELP_USAGE,
			  (char *)(uintptr_t)o->tool->name);
	exit(fflush(stdout) ? NP_EXIT_INCONCLUSIVE : NP_EXIT_OK);
}

/* One line for a bad value: the option, what was given, what it takes. */
static int bad(struct np_opts *o, const char *option, const char *arg, const char *takes)
{
	struct np_buf text = { 0 };

	np_str_escape(&text, arg, strnlen(arg, 80), false);
	np_err_set(&o->err, 0, "%s takes %s, not '%s'", option, takes, np_buf_cstr(&text));
	np_buf_free(&text);
	return EINVAL;
}

static int add(struct np_opts *o, const char *option, struct np_list *list, const char *item)
{
	const char **items;

	if (!*item)
		return bad(o, option, item, "a name");
	items = realloc(list->items, (list->n + 1) * sizeof(*items));
	if (!items)
		return ENOMEM;
	list->items = items;
	items[list->n++] = item;
	return 0;
}

static int word(struct np_opts *o, const char *option, const char *arg, const char *const *words,
		int *out)
{
	struct np_buf all = { 0 };
	int ret;

	for (int i = 0; words[i]; i++) {
		if (!strcmp(arg, words[i])) {
			*out = i;
			np_buf_free(&all);
			return 0;
		}
		np_buf_printf(&all, "%s%s", !i ? "" : words[i + 1] ? ", " : " or ", words[i]);
	}
	ret = bad(o, option, arg, np_buf_cstr(&all));
	np_buf_free(&all);
	return ret;
}

static int hook(struct np_opts *o, const char *arg)
{
	static const char *const words[] = { "auto", "tcx", "clsact", "xdp", "cgroup", NULL };
	int i = 0, err = word(o, "--hook", arg, words, &i);

	if (err)
		return err;
	if (i == NP_HOOK_CGROUP)
		o->udp_hook = NP_HOOK_CGROUP;
	else
		o->iface_hook = (enum np_hook)i;
	return 0;
}

static int interval(struct np_opts *o, const char *arg)
{
	uint64_t ns;

	if (np_parse_duration(arg, &ns) || ns < 10000000ULL || ns > 86400ULL * 1000000000ULL)
		return bad(o, "--interval", arg, "a time from 10ms to 1d (\"2s\", \"500ms\")");
	o->interval_ns = ns;
	o->interval_given = true;
	return 0;
}

static int udp_idle(struct np_opts *o, const char *arg)
{
	uint64_t ns;

	if (np_parse_duration(arg, &ns) || ns < 1000000000ULL || ns > 86400ULL * 1000000000ULL)
		return bad(o, "--udp-idle", arg, "a time from 1s to 1d (\"30s\", \"2m\")");
	o->udp_idle_ns = ns;
	return 0;
}

static int duration(struct np_opts *o, const char *arg)
{
	uint64_t ns;

	if (np_parse_duration(arg, &ns) || !ns)
		return bad(o, "--duration", arg, "a time above 0 (\"30s\", \"5m\")");
	o->duration_ns = ns;
	return 0;
}

static int number(struct np_opts *o, const char *option, const char *arg, uint32_t min,
		  uint32_t max, uint32_t *out)
{
	char takes[64];

	if (!np_parse_u32(arg, min, max, out))
		return 0;
	snprintf(takes, sizeof(takes), "a whole number from %u to %u", min, max);
	return bad(o, option, arg, takes);
}

static int ring(struct np_opts *o, const char *arg)
{
	if (np_parse_size(arg, &o->ring_size) || o->ring_size < 4096 || o->ring_size > 1u << 30)
		return bad(o, "--ring-size", arg, "a size from 4KiB to 1GiB");
	return 0;
}

static int parse_how(int key, char *arg, struct np_opts *o)
{
	static const char *const units[] = { "bytes", "bits", "raw", NULL };
	uint32_t n = 0;
	int i = 0, err;

	switch (key) {
	case 'I':
		return interval(o, arg);
	case 'd':
		return duration(o, arg);
	case 'c':
		err = number(o, "--count", arg, 1, UINT32_MAX, &n);
		o->count = n;
		return err;
	case KEY_TOP:
		return number(o, "--top", arg, 1, UINT32_MAX, &o->top);
	case KEY_HEADER:
		return number(o, "--header", arg, 0, UINT32_MAX, &o->header);
	case KEY_UDP:
		return number(o, "--udp-max", arg, 1, 16 * 1024 * 1024, &o->udp_entries);
	case KEY_RING:
		return ring(o, arg);
	case KEY_UDP_IDLE:
		return udp_idle(o, arg);
	case KEY_HOOK:
		return hook(o, arg);
	case KEY_UNITS:
		err = word(o, "--units", arg, units, &i);
		o->units = (enum np_units)i;
		return err;
	case KEY_FORMAT:
		err = word(o, "--format", arg, np_sink_names, &i);
		o->format = arg;
		return err;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int parse_list(int key, char *arg, struct np_opts *o)
{
	switch (key) {
	case KEY_PID:
		return add(o, "--pid", &o->pids, arg);
	case KEY_COMM:
		return add(o, "--comm", &o->comms, arg);
	case KEY_UID:
		return add(o, "--uid", &o->uids, arg);
	case KEY_CGROUP:
		return add(o, "--cgroup", &o->cgroups, arg);
	case KEY_CONTAINER:
		return add(o, "--container", &o->containers, arg);
	case KEY_POD:
		return add(o, "--pod", &o->pods, arg);
	case KEY_NETNS:
		return add(o, "--netns", &o->netns, arg);
	case 'i':
		return add(o, "--interface", &o->interfaces, arg);
	default:
		return parse_how(key, arg, o);
	}
}

/* getopt's own complaint, about the word it stopped at or is still in. */
static void no_option(struct np_opts *o, const struct argp_state *state)
{
	const char *word = state->argv[state->next - 1];

	if (*word != '-' && state->next < state->argc)
		word = state->argv[state->next];
	np_err_set(&o->err, 0, "%.80s: no such option, or its value is missing; --help lists all",
		   word);
}

/* Those that only switch something on. */
static bool parse_switch(int key, struct np_opts *o)
{
	const struct {
		int key;
		bool *what;
	} switches[] = {
		{ 'b', &o->batch },
		{ KEY_ALL, &o->all },
		{ KEY_ACTIVE, &o->active_only },
		{ KEY_COLUMNS, &o->list_columns },
		{ KEY_DOCTOR, &o->doctor },
		{ KEY_STATS, &o->stats },
		{ KEY_DEBUG, &o->debug },
		{ KEY_TABLE, &o->table },
		{ KEY_ONCE, &o->once },
		{ KEY_LISTEN, &o->listen },
		{ KEY_SUMMARY, &o->summary },
		{ KEY_HISTOGRAM, &o->histogram },
		{ KEY_SYN, &o->syn },
		{ KEY_SRT, &o->srt },
		{ KEY_ART, &o->art },
		{ KEY_STACK, &o->stack },
	};

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (switches[i].key == key) {
			*switches[i].what = true;
			return true;
		}
	}
	return false;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct np_opts *o = state->input;

	if (parse_switch(key, o))
		return 0;
	switch (key) {
	case KEY_EVENTS:
		o->events = arg;
		return 0;
	case KEY_BY:
		o->by = arg;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case KEY_SORT:
		o->sort = arg;
		return 0;
	case KEY_WHERE:
		o->where = arg;
		return 0;
	case KEY_ROOT:
		o->root = arg;
		return 0;
	case KEY_DUMP:
		o->dump = arg;
		return 0;
	case 'J':
		o->format = "json";
		return 0;
	case 'n':
		return 0;
	case '?':
	case KEY_USAGE:
	case 'V':
		about(o, key);
		return 0;
	case ARGP_KEY_ARG:
		np_buf_printf(&o->filter, "%s%s", o->filter.len ? " " : "", arg);
		return 0;
	case ARGP_KEY_ERROR:
		if (!o->err.msg[0])
			no_option(o, state);
		return 0;
	default:
		return parse_list(key, arg, o);
	}
}

static struct argp argp_of(const struct np_tool *tool, const struct argp_option *options)
{
	return (struct argp){
		.options = options,
		.parser = parse,
		.args_doc = "[FILTER EXPRESSION]",
		.doc = tool->brief,
	};
}

/* Everything behind "--" is a command to run, never a filter. */
static int refuse_command(struct np_opts *opts, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--") && i + 1 < argc) {
			np_err_set(
			    &opts->err, 0,
			    "running a command (-- %.64s) is not supported yet; start it beside "
			    "this program and choose it with --pid or --comm",
			    argv[i + 1]);
			return NP_EXIT_USAGE;
		}
	}
	return 0;
}

int np_opts_parse(struct np_opts *opts, const struct np_tool *tool, int argc, char **argv)
{
	struct argp_option *options = np_opts_table(tool);
	const struct argp argp = argp_of(tool, options);
	int ret;

	*opts = (struct np_opts){ .tool = tool,
				  .mode = tool->mode,
				  .interval_ns = 1000000000ULL,
				  .udp_idle_ns = 30000000000ULL };
	if (!options || refuse_command(opts, argc, argv)) {
		free(options);
		return NP_EXIT_USAGE;
	}
	ret = argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, opts);
	free(options);
	if (ret) {
		if (!opts->err.msg[0])
			np_err_set(&opts->err, 0, "out of memory");
		return NP_EXIT_USAGE;
	}
	return 0;
}

void np_opts_free(struct np_opts *opts)
{
	struct np_list *lists[] = {
		&opts->pids,       &opts->comms, &opts->uids,  &opts->cgroups,
		&opts->containers, &opts->pods,  &opts->netns, &opts->interfaces
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		free(lists[i]->items);
	free(opts->whose.pids);
	free(opts->whose.uids);
	free(opts->whose.netns);
	np_expr_free(opts->expr);
	np_filter_free(opts->pcap);
	np_buf_free(&opts->filter);
}
