// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* From option texts to what they mean. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/opts.h"
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
		const struct passwd *pw;

		if (!np_parse_u32(o->uids.items[i], 0, UINT32_MAX - 1, &o->whose.uids[i]))
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

static int build_netns(struct np_opts *o)
{
	if (!o->netns.n)
		return 0;
	o->whose.netns = calloc(o->netns.n, sizeof(uint32_t));
	if (!o->whose.netns)
		return oom(o);
	for (size_t i = 0; i < o->netns.n; i++, o->whose.nnetns++)
		if (np_netns_find(o->netns.items[i], &o->whose.netns[i], NULL, &o->err))
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
	return 0;
}

static int build_view(struct np_opts *o)
{
	struct np_view_cfg *v = &o->view;
	struct np_buf dflt = { 0 };
	int ret = np_view_group(v, o->by, &o->err);

	if (!ret)
		ret = check_kind(o);
	if (!ret && o->output) {
		for (size_t i = 0; i < v->ncols; i++)
			np_buf_printf(&dflt, "%s%s", i ? "," : "", v->cols[i]->name);
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
		    v->kind == NP_COL_CONN ? "connection" : "interface");
	if (!ret)
		ret = np_opts_filter(o, np_buf_cstr(&o->filter), &o->err);
	v->where = o->expr;
	v->whose = &o->whose;
	v->top = o->top;
	v->all = o->all;
	v->active_only = o->active_only;
	return ret ? NP_EXIT_USAGE : 0;
}

/* In a pipe the rows of many refreshes follow each other: each says when. */
static int add_time(struct np_opts *o)
{
	struct np_view_cfg *v = &o->view;
	const struct np_col *time = np_col_find("time");

	if (o->output && *o->output != '+' && *o->output != '-')
		return 0;
	if (v->ncols == NP_MAX_COLS || v->cols[0] == time)
		return 0;
	memmove(&v->cols[1], &v->cols[0], v->ncols * sizeof(v->cols[0]));
	v->cols[0] = time;
	v->ncols++;
	return 0;
}

int np_opts_build(struct np_opts *o)
{
	struct stat st;
	int ret;

	if (o->root && (stat(o->root, &st) || !S_ISDIR(st.st_mode))) {
		np_err_set(&o->err, 0, "--root takes a directory; '%.128s' is none", o->root);
		return NP_EXIT_USAGE;
	}
	ret = build_whose(o);
	if (!ret)
		ret = build_view(o);
	if (ret)
		return ret;
	if (o->format || o->batch || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) ||
	    !o->tool->screen)
		o->sink = o->format ? o->format : "text";
	else
		o->sink = "tui";
	return strcmp(o->sink, "tui") ? add_time(o) : 0;
}
