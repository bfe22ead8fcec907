// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* From option texts to what they mean. */
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/baseline.h"
#include "app/check.h"
#include "app/build.h"
#include "base/parse.h"
#include "source/netns.h"

static int oom(struct np_opts *o)
{
	np_err_set(&o->err, 0, "out of memory");
	return NP_EXIT_CANNOT;
}

static int build_pids(struct np_opts *o)
{
	if (!o->pids.n)
		return 0;
	o->whose.pids = calloc(o->pids.n, sizeof(uint32_t));
	if (!o->whose.pids)
		return oom(o);
	for (size_t i = 0; i < o->pids.n; i++, o->whose.npids++)
		if (np_parse_u32(o->pids.items[i], 1, 4194304, &o->whose.pids[i])) {
			np_err_set(&o->err, 0,
				   "--pid takes a process id from 1 to 4194304, not '%.64s'",
				   o->pids.items[i]);
			return NP_EXIT_USAGE;
		}
	return 0;
}

static int build_uids(struct np_opts *o)
{
	if (!o->uids.n)
		return 0;
	o->whose.uids = calloc(o->uids.n, sizeof(uint32_t));
	if (!o->whose.uids)
		return oom(o);
	for (size_t i = 0; i < o->uids.n; i++, o->whose.nuids++) {
		const struct passwd *pw = NULL;

		if (!np_parse_u32(o->uids.items[i], 0, UINT32_MAX - 1, &o->whose.uids[i]))
			continue;
		/* a user of the host that the file is of */
		o->whose.uids[i] = UINT32_MAX - 1;
		if (o->read)
			continue;
		pw = getpwnam(o->uids.items[i]);
		if (!pw) {
			np_err_set(&o->err, 0,
				   "--uid takes a user name or number; there is no user '%.64s'",
				   o->uids.items[i]);
			return NP_EXIT_USAGE;
		}
		o->whose.uids[i] = pw->pw_uid;
	}
	return 0;
}

/* One of the host that the file is of: its number, or a name that will be known when it comes. */
static void file_netns(struct np_opts *o, size_t i)
{
	if (np_parse_u32(o->netns.items[i], 1, UINT32_MAX - 1, &o->whose.netns[i]))
		o->whose.netns[i] = UINT32_MAX;
}

static int build_netns(struct np_opts *o)
{
	if (!o->netns.n)
		return 0;
	o->whose.netns = calloc(o->netns.n, sizeof(uint32_t));
	if (!o->whose.netns)
		return oom(o);
	for (size_t i = 0; i < o->netns.n; i++, o->whose.nnetns++)
		if (o->read)
			file_netns(o, i);
		else if (np_netns_find(o->netns.items[i], &o->whose.netns[i], NULL, &o->err))
			return NP_EXIT_USAGE;
	return 0;
}

static int build_whose(struct np_opts *o)
{
	struct np_whose *w = &o->whose;
	int ret = build_pids(o);

	if (!ret)
		ret = build_uids(o);
	if (!ret)
		ret = build_netns(o);
	w->comms = o->comms.items;
	w->ncomms = o->comms.n;
	w->cgroups = o->cgroups.items;
	w->ncgroups = o->cgroups.n;
	w->containers = o->containers.items;
	w->ncontainers = o->containers.n;
	w->pods = o->pods.items;
	w->npods = o->pods.n;
	w->interfaces = o->interfaces.items;
	w->ninterfaces = o->interfaces.n;
	return ret;
}

int np_opts_filter(struct np_opts *opts, const char *text, struct np_err *err)
{
	struct np_filter *next = NULL;

	if (*text && np_filter_compile(&next, text, err))
		return -EINVAL;
	if (!(opts->mode->want & NP_SRC_ICMP) && !np_filter_wants(next, IPPROTO_TCP) &&
	    !np_filter_wants(next, IPPROTO_UDP)) {
		np_filter_free(next);
		return np_err_set(err, -EINVAL,
				  "filter '%.150s': no TCP or UDP connection can match", text);
	}
	np_filter_free(opts->pcap);
	opts->pcap = next;
	opts->view.filter = next;
	if (text != opts->filter.data) {
		np_buf_reset(&opts->filter);
		np_buf_str(&opts->filter, text);
	}
	return 0;
}

/* What would choose nothing on these rows is a mistake, not a wish. */
static int check_kind(struct np_opts *o)
{
	bool owners = o->pids.n || o->comms.n || o->uids.n || o->cgroups.n || o->containers.n ||
		      o->pods.n || o->netns.n;

	if (o->view.kind == NP_COL_IFACE && o->command)
		return np_err_set(&o->err, -EINVAL,
				  "a command has connections, and --by %s shows interfaces", o->by);
	if (o->view.kind == NP_COL_IFACE && (owners || o->filter.len))
		return np_err_set(
		    &o->err, -EINVAL,
		    "%s chooses connections, and --by %s shows interfaces; choose those with "
		    "--interface",
		    owners ? "an owner option" : "a filter expression", o->by);
	if (o->view.kind == NP_COL_CONN && (o->interfaces.n || o->active_only))
		return np_err_set(
		    &o->err, -EINVAL,
		    "%s chooses interfaces, and --by %s shows connections; use it with "
		    "--by interface",
		    o->active_only ? "--active-only" : "--interface", o->by);
	if (o->view.kind == NP_COL_EVENT && !o->summary && (o->sort || o->by_given || o->top))
		return np_err_set(
		    &o->err, -EINVAL,
		    "%s is for tables, and this is a log in the order of time; use it "
		    "with %s",
		    o->sort       ? "--sort"
		    : o->by_given ? "--by"
				  : "--top",
		    o->tool->summary ? "--summary" : "--table");
	return 0;
}

/* The one of the program's modes that the options ask for. */
static int build_mode(struct np_opts *o)
{
	if (o->command && o->read)
		return np_err_set(&o->err, -EINVAL,
				  "-- COMMAND is watched while it runs; with --read nothing runs");
	if (o->table + o->listen + o->summary > 1)
		return np_err_set(&o->err, -EINVAL, "--table and --listen exclude each other");
	if (o->once && !o->table && !o->listen)
		return np_err_set(&o->err, -EINVAL,
				  "--once goes with --table or --listen; a log ends with --count "
				  "or --duration");
	if (o->histogram && o->format && !strcmp(o->format, "csv"))
		return np_err_set(&o->err, -EINVAL,
				  "--histogram is written as text or JSON, not as CSV");
	if (o->events && (o->table || o->listen))
		return np_err_set(&o->err, -EINVAL, "--events is for the log, not for %s",
				  o->table ? "--table" : "--listen");
	o->mode = o->listen    ? o->tool->listen
		  : o->table   ? o->tool->table
		  : o->summary ? o->tool->summary
			       : o->tool->mode;
	o->by_given = o->by != NULL;
	if (!o->by)
		/* a capture has no processes */
		o->by = np_file_is_capture(o->file) ? "connection" : o->mode->by;
	if (o->once)
		o->count = 1;
	return 0;
}

static int bad_event(struct np_opts *o, const char *name, size_t len)
{
	struct np_buf all = { 0 };

	for (unsigned int i = 1; np_event_name(i); i++)
		if (o->mode->may_tell & 1U << i)
			np_buf_printf(&all, "%s%s", all.len ? ", " : "", np_event_name(i));
	np_err_set(&o->err, 0, "--events takes %s or all, not '%.*s'", np_buf_cstr(&all),
		   (int)(len < 64 ? len : 64), name);
	np_buf_free(&all);
	return NP_EXIT_USAGE;
}

static uint32_t event_bit(const struct np_opts *o, const char *name, size_t len)
{
	if (len == 3 && !strncmp(name, "all", len))
		return o->mode->may_tell;
	for (unsigned int i = 1; np_event_name(i); i++)
		if (strlen(np_event_name(i)) == len && !strncmp(np_event_name(i), name, len))
			return o->mode->may_tell & 1U << i;
	return 0;
}

/* A list of events, or changes to the usual ones where it starts with + or -. */
static int build_events(struct np_opts *o)
{
	const char *at = o->events;

	o->told = o->mode->events;
	if (!at)
		return 0;
	if (*at != '+' && *at != '-')
		o->told = 0;
	for (;;) {
		bool away = *at == '-';
		size_t len;
		uint32_t bit;

		at += *at == '+' || *at == '-';
		len = strcspn(at, ",");
		bit = event_bit(o, at, len);
		if (!bit)
			return bad_event(o, at, len);
		o->told = away ? o->told & ~bit : o->told | bit;
		if (!at[len])
			break;
		at += len + 1;
	}
	return o->told ? 0 : bad_event(o, "", 0);
}

/* What a switch shows beside the usual columns. */
static void add_columns(struct np_opts *o, struct np_buf *cols)
{
	if (o->syn)
		np_buf_str(cols, ",syn_samples,syn_p50,syn_p99,syn_max");
	if (o->srt)
		np_buf_str(cols, ",srt_samples,srt_p50,srt_p99,srt_max");
	if (o->art)
		np_buf_str(cols, ",art_samples,art_p50,art_p99,art_max");
}

/* Times stand beside the usual ones: on a narrow screen what comes late is hidden. */
static void usual_columns(struct np_opts *o, struct np_buf *cols)
{
	const struct np_view_cfg *v = &o->view;
	const struct np_col *before = np_col_find("rtt_max");

	for (size_t i = 0; i < v->ncols; i++) {
		if (v->cols[i] == before)
			add_columns(o, cols);
		np_buf_printf(cols, "%s%s", cols->len ? "," : "", v->cols[i]->name);
	}
	if (o->stack)
		np_buf_str(cols, ",stack");
}

static int build_view(struct np_opts *o)
{
	struct np_view_cfg *v = &o->view;
	struct np_buf dflt = { 0 };
	int ret;

	v->topic = o->mode->topic;
	ret = np_view_group(v, o->by, &o->err);
	o->log = v->kind == NP_COL_EVENT && !v->nby;
	np_build_columns(o);
	if (!ret)
		ret = check_kind(o);
	if (!ret && (o->output || o->syn || o->srt || o->art || o->stack)) {
		usual_columns(o, &dflt);
		ret = np_cols_parse(o->output, np_buf_cstr(&dflt), v->kind, v->cols, NP_MAX_COLS,
				    &v->ncols, &o->err);
		np_buf_free(&dflt);
	}
	if (!ret && o->sort)
		ret = np_view_sort(v, o->sort, &o->err);
	if (!ret && o->where)
		ret = np_expr_compile(&o->expr, o->where, &o->err);
	if (!ret && o->expr && !(np_expr_kind(o->expr) & v->kind))
		ret = np_err_set(
		    &o->err, -EINVAL,
		    "--where looks at columns that %s rows do not have; --list-columns says "
		    "which have",
		    v->kind == NP_COL_CONN    ? "connection"
		    : v->kind == NP_COL_IFACE ? "interface"
		    : v->kind == NP_COL_EVENT ? "event"
					      : "listener");
	if (!ret)
		ret = np_opts_filter(o, np_buf_cstr(&o->filter), &o->err);
	v->where = o->expr;
	if (!ret && !o->tool->l7 && (np_view_needs(v) & NP_NEED_PEEK))
		ret = np_err_set(&o->err, -EINVAL,
				 "the columns app and host are npflows's; see npflows --table");
	v->whose = &o->whose;
	v->sample = o->sample;
	v->top = o->top;
	v->all = o->all;
	v->active_only = o->active_only;
	v->ailing = o->summary && v->kind == NP_COL_CONN;
	return ret ? NP_EXIT_USAGE : 0;
}

/* -o has a list of its own, not changes to the usual one. */
static bool columns_given(const struct np_opts *o)
{
	return o->output && *o->output != '+' && *o->output != '-';
}

/* Numbers of a sample say so in every row. */
static void add_sample(struct np_opts *o)
{
	const struct np_col *sample = np_col_find("sample");
	struct np_view_cfg *v = &o->view;

	if (o->sample < 2 || columns_given(o) || !(sample->flags & v->kind))
		return;
	for (size_t i = 0; i < v->ncols; i++)
		if (v->cols[i] == sample)
			return;
	if (v->ncols < NP_MAX_COLS)
		v->cols[v->ncols++] = sample;
}

/* In a pipe the rows of many refreshes follow each other: each says when. */
static void add_time(struct np_opts *o)
{
	struct np_view_cfg *v = &o->view;
	const struct np_col *time = np_col_find("time");

	if (o->once || o->at_end || columns_given(o))
		return;
	if (v->ncols == NP_MAX_COLS || v->cols[0] == time)
		return;
	memmove(&v->cols[1], &v->cols[0], v->ncols * sizeof(v->cols[0]));
	v->cols[0] = time;
	v->ncols++;
}

/* One table at the end is what is wanted in a pipe; of a capture, unless it says how often. */
static bool one_table(const struct np_opts *o)
{
	if (np_file_is_capture(o->file) && !o->log && !o->interval_given && (!o->count || o->once))
		return true;
	return (o->mode->at_end || o->histogram || (o->scoped && !o->log)) && !o->interval_given &&
	       !o->count;
}

int np_opts_build(struct np_opts *o)
{
	struct stat st;
	int ret;

	if (o->root && (stat(o->root, &st) || !S_ISDIR(st.st_mode))) {
		np_err_set(&o->err, 0, "--root takes a directory; '%.128s' is none", o->root);
		return NP_EXIT_USAGE;
	}
	ret = np_build_file(o);
	if (ret)
		return ret;
	if (build_mode(o))
		return NP_EXIT_USAGE;
	ret = np_base_read(o);
	if (!ret)
		ret = build_events(o);
	if (!ret)
		ret = build_whose(o);
	if (!ret)
		ret = build_view(o);
	if (ret)
		return ret;
	/* with a command the terminal is the command's; what is judged has one filter and one
	 * grouping, from its begin to its end */
	if (o->format || o->batch || o->once || o->histogram || o->to || o->command ||
	    o->checks.n || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) || !o->mode->screen)
		o->sink = o->format ? o->format : o->histogram ? "histogram" : "text";
	else
		o->sink = "tui";
	o->scoped = np_build_scoped(o);
	if (strcmp(o->sink, "tui") && one_table(o))
		o->at_end = true;
	/* its groups are told of what ended long ago as well */
	o->view.over_run = o->at_end;
	if (o->at_end || o->summary) {
		o->view.all = true;
		if (np_view_remember(&o->view, &o->err))
			return NP_EXIT_USAGE;
	}
	if (np_base_view(o))
		return NP_EXIT_USAGE;
	if (strcmp(o->sink, "tui")) {
		add_sample(o);
		add_time(o);
	}
	return np_checks_new(o);
}
