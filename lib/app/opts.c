// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The command line: one table, one parser. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/check.h"
#include "app/opts.h"
#include "app/opts_keys.h"
#include "base/parse.h"
#include "base/str.h"
#include "sink/sink.h"

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

static int linger(struct np_opts *o, const char *arg)
{
	if (np_parse_duration(arg, &o->linger_ns) || o->linger_ns > 86400ULL * 1000000000ULL)
		return bad(o, "--linger", arg, "a time from 0s to 1d (\"1s\", \"500ms\")");
	o->linger_given = true;
	return 0;
}

static int speed(struct np_opts *o, const char *arg)
{
	uint64_t ns;

	/* a number with or without a fraction, as np_parse_duration() takes one of seconds */
	if (strspn(arg, "0123456789.") != strlen(arg) || np_parse_duration(arg, &ns) ||
	    ns < 1000000ULL || ns > 1000000ULL * 1000000000ULL)
		return bad(o, "--speed", arg,
			   "a factor from 0.001 to 1000000 (1: as fast as it was)");
	o->speed = (double)ns / 1e9;
	return 0;
}

static int sample(struct np_opts *o, const char *arg)
{
	if (strncmp(arg, "1/", 2) != 0 || np_parse_u32(arg + 2, 1, 1000000, &o->sample))
		return bad(o, "--sample", arg, "1/N with N from 1 to 1000000");
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
	case KEY_LINGER:
		return linger(o, arg);
	case KEY_SPEED:
		return speed(o, arg);
	case KEY_SAMPLE:
		return sample(o, arg);
	case KEY_MIN_SAMPLES:
		o->min_samples_given = true;
		return number(o, "--min-samples", arg, 1, UINT32_MAX, &o->min_samples);
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
	case KEY_LOCAL:
		return add(o, "--local", &o->locals, arg);
	case KEY_CHECK:
		return add(o, "--check", &o->checks, arg);
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
	case 'r':
		o->read = arg;
		return 0;
	case KEY_RECORD:
		o->record = arg;
		return 0;
	case KEY_REPORT:
		o->report = arg;
		return 0;
	case KEY_BASELINE:
		o->baseline = arg;
		return 0;
	case KEY_SAVE_BASELINE:
		o->save_baseline = arg;
		return 0;
	case KEY_TO:
		if (!*arg)
			return bad(o, "--to", arg, "a file, or - for standard output");
		o->to = arg;
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
		.args_doc = "[FILTER EXPRESSION] [-- COMMAND ARG...]",
		.doc = tool->brief,
	};
}

/* Everything behind "--" is a command to run, never a filter. */
static int cut_command(struct np_opts *opts, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		if (i + 1 < argc)
			opts->command = argv + i + 1;
		return i;
	}
	return argc;
}

/*
 * What is given for --NAME at argv[*i], in the next word too; a name's first LEAST letters are
 * enough, as for argp. NULL: it is something else.
 */
static char *value_of(int argc, char **argv, int *i, const char *name, size_t least)
{
	char *word = argv[*i];
	size_t len;

	if (!word || strncmp(word, "--", 2) != 0)
		return NULL;
	word += 2;
	len = strcspn(word, "=");
	if (len < least || strncmp(name, word, len) != 0)
		return NULL;
	if (word[len])
		return word + len + 1;
	return *i + 1 < argc ? argv[++*i] : NULL;
}

/* Behind a wrong option as well: a report of the run before must not stay. */
static void find_report(struct np_opts *o, int argc, char **argv)
{
	o->checks.n = 0;
	for (int i = 1; i < argc; i++) {
		char *check = value_of(argc, argv, &i, "check", 2);
		char *report = check ? NULL : value_of(argc, argv, &i, "report", 3);

		if (check && *check)
			add(o, "--check", &o->checks, check);
		if (report)
			o->report = report;
	}
}

int np_opts_parse(struct np_opts *opts, const struct np_tool *tool, int argc, char **argv)
{
	struct argp_option *options = np_opts_table(tool);
	const struct argp argp = argp_of(tool, options);
	int own, ret;

	*opts = (struct np_opts){ .tool = tool,
				  .mode = tool->mode,
				  .interval_ns = 1000000000ULL,
				  .udp_idle_ns = 30000000000ULL,
				  .sample = 1,
				  .min_samples = 1,
				  .linger_ns = 1000000000ULL };
	if (!options) {
		np_err_set(&opts->err, 0, "out of memory");
		return NP_EXIT_CANNOT;
	}
	own = cut_command(opts, argc, argv);
	ret = argp_parse(&argp, own, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, opts);
	free(options);
	if (ret) {
		find_report(opts, own, argv);
		if (!opts->err.msg[0])
			np_err_set(&opts->err, 0, "out of memory");
		return NP_EXIT_USAGE;
	}
	return 0;
}

void np_opts_free(struct np_opts *opts)
{
	struct np_list *lists[] = { &opts->pids,    &opts->comms,      &opts->uids,
				    &opts->cgroups, &opts->containers, &opts->pods,
				    &opts->netns,   &opts->interfaces, &opts->locals,
				    &opts->checks };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		free(lists[i]->items);
	np_checks_free(opts->judged);
	free(opts->whose.pids);
	free(opts->whose.uids);
	free(opts->whose.netns);
	free(opts->prefixes);
	np_file_close(opts->file);
	np_baseline_free(opts->base);
	np_expr_free(opts->expr);
	np_filter_free(opts->pcap);
	np_buf_free(&opts->filter);
	np_buf_free(&opts->unmeasured);
}
