// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A run beside a baseline, and its own one at its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/baseline.h"
#include "app/check.h"
#include "app/keep.h"
#include "app/session.h"
#include "base/log.h"
#include "base/str.h"
#include "flow/detail.h"
#include "sink/baseline.h"
#include "sink/sink.h"

struct np_base {
	struct np_opts *opts;
	struct np_view *log; /* of a log: its kinds of event; NULL: the run's view has the groups */
	struct np_view *conns;            /* and its connections, for checks */
	const struct np_row *all_conns;   /* the same, of the baseline */
	struct np_baseline_view views[2]; /* what checks are given */
	size_t nviews;
	struct np_view_cfg cfg; /* of the groups, as the run began */
	struct np_keep *keep[2];
};

static void warn(const struct np_opts *o)
{
	const struct np_baseline_info *info;

	if (o->by_was)
		np_log(NP_LOG_WARN, "with a baseline --by %s is --by %s: no more of it lasts",
		       o->by_was, o->by);
	if (!o->base)
		return;
	info = np_baseline_info(o->base);
	if (strcmp(info->filter, np_buf_cstr(&o->filter)) != 0)
		np_log(NP_LOG_WARN,
		       "the baseline is of other connections: its filter was '%.100s', this one is "
		       "'%.100s'",
		       info->filter, np_buf_cstr(&o->filter));
	if (strcmp(info->where, o->where ? o->where : "") != 0)
		np_log(NP_LOG_WARN,
		       "the baseline is of other rows: its --where was '%.100s', this one is "
		       "'%.100s'",
		       info->where, o->where ? o->where : "");
}

/* What checks are given of the baseline. */
static void give_views(struct np_base *base)
{
	const struct np_baseline *from = base->opts->base;
	struct np_baseline_view *v = &base->views[base->nviews++];

	v->kind = np_baseline_kind(from);
	v->rows = np_baseline_rows(from, &v->nrows);
	v->keys = np_baseline_by(from, &v->nkeys);
	v->coarser = base->opts->log;
	v->ctx = *np_baseline_ctx(from);
	if (!base->opts->log || !np_baseline_conns(from))
		return;
	v = &base->views[base->nviews++];
	base->all_conns = &np_baseline_conns(from)->row;
	v->kind = NP_COL_CONN;
	v->rows = &base->all_conns;
	v->nrows = 1;
	v->coarser = true;
	v->ctx = *np_baseline_ctx(from);
}

static int give(struct np_base *base)
{
	struct np_opts *o = base->opts;

	if (o->base)
		give_views(base);
	return np_checks_baseline(o->judged, base->views, base->nviews,
				  "there was no baseline yet; this run is kept as one");
}

static int open_log(struct np_base *base, struct np_meta *meta)
{
	struct np_view_cfg conns;
	int err = np_base_log_groups(base->opts, &base->cfg, NULL);

	if (!err)
		err = np_view_new(&base->log, &base->cfg, meta);
	if (!err)
		err = np_base_conn_groups(base->opts, &conns);
	return err ? err : np_view_new(&base->conns, &conns, meta);
}

int np_base_new(struct np_base **out, struct np_opts *o, struct np_meta *meta)
{
	struct np_base *base;
	int err = 0;

	if (!np_base_wanted(o))
		return 0;
	base = calloc(1, sizeof(*base));
	if (!base)
		return -ENOMEM;
	base->opts = o;
	base->cfg = o->view;
	warn(o);
	if (o->log)
		err = open_log(base, meta);
	if (!err)
		err = give(base);
	for (size_t i = 0; i < 2 && o->keep[i] && !err; i++)
		err = np_keep_open(&base->keep[i], o->keep[i]);
	if (err)
		np_base_free(base);
	else
		*out = base;
	return err;
}

void np_base_free(struct np_base *base)
{
	if (!base)
		return;
	np_keep_close(base->keep[0]);
	np_keep_close(base->keep[1]);
	np_view_free(base->log);
	np_view_free(base->conns);
	free(base);
}

void np_base_last(struct np_base *base, struct np_view *view)
{
	np_view_last(base->log ? base->log : view);
}

int np_base_add(struct np_base *base, struct np_flows *flows)
{
	int err = base->log ? np_view_update(base->log, flows) : 0;

	return !err && base->conns ? np_view_update(base->conns, flows) : err;
}

/* ---- its end ---- */

/* The keys left the grouping where the user went last. */
static int look_again(struct np_base *base, struct np_run *run)
{
	struct np_view_cfg cfg = base->cfg;
	int err;

	cfg.where = run->opts->expr;
	cfg.filter = run->opts->pcap;
	err = np_view_drill(run->view, NULL);
	if (!err)
		err = np_view_set(run->view, &cfg);
	np_view_last(run->view);
	return err ? err : np_view_update(run->view, run->flows);
}

#define NAMED 5

/* Groups of the baseline that this run had not. */
static void say_gone(const struct np_base *base)
{
	bool utf8 = np_str_utf8();
	const struct np_row *const *rows;
	struct np_buf names = { 0 };
	size_t n, gone = 0;

	rows = np_baseline_rows(base->opts->base, &n);
	for (size_t i = 0; i < n; i++) {
		const struct np_kept *kept = ((const struct np_group_row *)rows[i])->kept;

		if (np_baseline_seen(base->opts->base, rows[i]) || gone++ >= NAMED)
			continue;
		np_buf_str(&names, gone > 1 ? ", " : "");
		for (size_t k = 0; k < kept->nby; k++) {
			const char *key = kept->key[k] ? kept->key[k] : "-";

			np_buf_str(&names, k ? " " : "");
			np_str_escape(&names, key, strlen(key), utf8);
		}
	}
	if (gone)
		fprintf(stderr, "%zu group%s of the baseline %s not seen: %s%s\n", gone,
			gone > 1 ? "s" : "", gone > 1 ? "were" : "was", np_buf_cstr(&names),
			gone > NAMED ? ", ..." : "");
	np_buf_free(&names);
}

/* What a log adds up to, beside the baseline. */
static void say_log(const struct np_base *base)
{
	struct np_sink_cfg cfg = { .out = stderr, .fmt.utf8 = np_str_utf8() };
	struct np_sink *sink = NULL;

	if (np_sink_new(&sink, "text", &cfg, NULL))
		return;
	np_sink_write(sink, base->log);
	np_sink_free(sink);
}

/* A log of nothing says that nothing went wrong; a table of nothing says nothing. */
static const char *why_not(const struct np_base *base, const struct np_run *run,
			   const struct np_view *view, uint64_t lost)
{
	const struct np_row *total = np_view_total(view);
	const struct np_detail *d = total->detail;
	struct np_err damage;
	size_t rows;

	if (run->play && np_play_damaged(run->play, &damage))
		return "the file is damaged";
	if (lost || np_view_forgotten(view))
		return "records were lost";
	if (base->log)
		return NULL;
	np_view_all(view, &rows);
	if (!rows && !total->tx_segs && !total->rx_segs && !total->conns)
		return "there was no connection";
	if (base->cfg.topic == &np_topic_latency &&
	    !(d && d->hist[NP_HIST_RTT] && d->hist[NP_HIST_RTT]->count))
		return "there was no sample of a round-trip time";
	return NULL;
}

static int write_to(struct np_base *base, struct np_keep *keep, const struct np_buf *text)
{
	struct np_err *err = &base->opts->err;
	int ret = np_keep_write(keep, np_buf_cstr(text), text->len);

	if (ret)
		return np_err_set(err, ret, "cannot write '%.128s': %s", np_keep_path(keep),
				  strerror(-ret));
	fprintf(stderr, "this run is kept as a baseline in %s\n", np_keep_path(keep));
	return 0;
}

static int keep_run(struct np_base *base, const struct np_run *run, const struct np_view *view)
{
	const struct np_opts *o = base->opts;
	char when[64];
	struct np_baseline_info info = { .tool = o->tool->name,
					 .mode = np_base_mode(o),
					 .version = NP_VERSION,
					 .host = run->host,
					 .when = np_str_time(when, np_flows_wall_ns(run->flows)),
					 .filter = np_buf_cstr(&o->filter),
					 .where = o->where ? o->where : "",
					 .interval_ns = o->interval_ns };
	struct np_buf text = { 0 };
	int ret = np_baseline_write(&text, &info, view, base->conns, &base->opts->err);

	for (size_t i = 0; i < 2 && base->keep[i] && !ret; i++)
		ret = write_to(base, base->keep[i], &text);
	np_buf_free(&text);
	return ret;
}

int np_base_finish(struct np_base *base, struct np_run *run, uint64_t lost, int status)
{
	const struct np_view *view = base->log ? base->log : run->view;
	const char *why;

	if (!run->sink && look_again(base, run))
		return np_run_fail(run, NP_EXIT_CANNOT, "stopped", -ENOMEM);
	if (base->opts->base && base->log)
		say_log(base);
	if (base->opts->base)
		say_gone(base);
	if (!base->keep[0])
		return status;
	why = why_not(base, run, view, lost);
	if (why && status) {
		/* what went wrong is the one line; this is another */
		fprintf(stderr, "this run is not kept as a baseline in %s: %s\n",
			np_keep_path(base->keep[0]), why);
		return status;
	}
	if (why) {
		np_err_set(&base->opts->err, 0,
			   "this run is not kept as a baseline in '%.128s': %s",
			   np_keep_path(base->keep[0]), why);
		return NP_EXIT_INCONCLUSIVE;
	}
	return keep_run(base, run, view) ? NP_EXIT_INCONCLUSIVE : status;
}
