// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/build.h"
#include "app/check.h"
#include "app/report.h"
#include "base/clock.h"
#include "base/str.h"
#include "source/source.h"
#include "view/whole.h"

/* Groups of a table that have ended: each takes about a kilobyte. */
#define KEEP_ENDED (1 << 20)

struct np_checks {
	struct np_opts *opts;
	struct np_check **all;
	size_t n;
	struct np_report_to report;
	/* the rows of checks that are not about a log's events, beside what is shown */
	struct np_view *view;
	struct np_whole whole;
	bool wants_view, wants_whole;
	uint64_t first_ns;    /* the first look, CLOCK_MONOTONIC; 0: there was none */
	uint64_t began_ns;    /* CLOCK_REALTIME */
	struct np_colctx ctx; /* of the last look, dt_ns of all of them together */
	char host[65];
};

/* ---- the report ---- */

static int put(struct np_checks *checks, const struct np_check_result *const *results, size_t n)
{
	const struct np_report_run run = {
		.program = checks->opts->tool->name,
		.host = checks->host,
		.wall_ns = checks->began_ns,
		/* signed: the clock may have been set back */
		.seconds = (double)(int64_t)(np_clock_wall() - checks->began_ns) / 1e9,
		.utf8 = np_str_utf8(),
	};

	return np_report_put(&checks->report, &run, results, n, &checks->opts->err);
}

/* Each check as one that was not judged, because of WHY. */
static void put_unjudged(struct np_checks *checks, const char *why)
{
	const struct np_list *texts = &checks->opts->checks;
	struct np_check_result *each = calloc(texts->n, sizeof(*each));
	const struct np_check_result **results = calloc(texts->n, sizeof(*results));

	for (size_t i = 0; each && results && i < texts->n; i++) {
		each[i].text = texts->items[i];
		each[i].verdict = NP_CHECK_ERROR;
		snprintf(each[i].reason, sizeof(each[i].reason), "%.255s", why);
		results[i] = &each[i];
	}
	if (each && results)
		put(checks, results, texts->n);
	free(each);
	free(results);
}

/* ---- from the options ---- */

static bool has_view(const struct np_checks *checks, const struct np_check *check)
{
	return !checks->opts->log || np_check_kind(check) != NP_COL_EVENT;
}

/* What --where chooses events by cannot choose connections. */
static int check_where(struct np_opts *o, const struct np_check *check, const char *text)
{
	if (!o->expr || np_expr_kind(o->expr) & np_check_kind(check))
		return 0;
	return np_err_set(
	    &o->err, -EINVAL,
	    "--check: '%.100s' is about connections, and --where looks at columns that "
	    "only events have",
	    text);
}

/* What is not watched for never comes: a check of it would pass, whatever happens. */
static int check_told(struct np_opts *o, const char *option, const char *text, uint32_t events)
{
	uint32_t untold = events & ~o->told;
	unsigned int first = untold ? (unsigned int)__builtin_ctz(untold) : 0;
	const char *name = np_event_name(first);

	if (!untold)
		return 0;
	if (!(o->mode->may_tell & 1U << first))
		return np_err_set(&o->err, -EINVAL,
				  "%s: '%.100s' looks for the event %s, which is not one of %s's",
				  option, text, name, o->tool->name);
	return np_err_set(&o->err, -EINVAL,
			  "%s: '%.100s' looks for the event %s, which this run does not watch for; "
			  "%s%s%s",
			  option, text, name, o->events ? "name " : "add --events +", name,
			  o->events ? " in --events as well" : "");
}

static int compile(struct np_checks *checks)
{
	struct np_opts *o = checks->opts;
	uint32_t may = o->mode->may_tell;
	int ret = 0;

	if (o->expr && o->where)
		ret = check_told(o, "--where", o->where, np_expr_events(o->expr, may));
	for (size_t i = 0; i < o->checks.n && !ret; i++) {
		struct np_check *check = NULL;

		ret = np_check_new(&check, o->checks.items[i], o->view.kind, o->log, &o->err);
		if (ret)
			break;
		checks->all[checks->n++] = check;
		checks->wants_view |= has_view(checks, check);
		checks->wants_whole |= has_view(checks, check) && np_check_whole(check);
		ret = check_where(o, check, o->checks.items[i]);
		if (!ret)
			ret = check_told(o, "--check", o->checks.items[i],
					 np_check_events(check, may));
		if (!ret && np_check_wants_baseline(check) && !o->baseline)
			ret =
			    np_err_set(&o->err, -EINVAL,
				       "--check: '%.100s' looks at a baseline; name its file with "
				       "--baseline",
				       o->checks.items[i]);
	}
	if (!ret && !o->tool->l7 && (np_checks_needs(checks) & NP_NEED_PEEK))
		ret = np_err_set(&o->err, -EINVAL,
				 "the columns app and host are npflows's; see npflows --table");
	return ret;
}

int np_checks_new(struct np_opts *opts)
{
	struct np_checks *checks;
	int ret;

	if (!opts->checks.n) {
		if (!opts->report && !opts->min_samples_given)
			return 0;
		np_err_set(&opts->err, 0, "%s; add a --check",
			   opts->report ? "--report writes what checks come to"
					: "--min-samples is of what checks look at");
		return NP_EXIT_USAGE;
	}
	checks = calloc(1, sizeof(*checks));
	if (checks)
		checks->all = calloc(opts->checks.n, sizeof(struct np_check *));
	if (!checks || !checks->all) {
		free(checks);
		np_err_set(&opts->err, 0, "out of memory");
		return NP_EXIT_CANNOT;
	}
	opts->judged = checks;
	checks->opts = opts;
	checks->began_ns = np_clock_wall();
	gethostname(checks->host, sizeof(checks->host) - 1);
	ret = np_report_parse(&checks->report, opts->report, &opts->err);
	if (!ret)
		ret = np_report_open(&checks->report, &opts->err);
	if (!ret)
		ret = compile(checks);
	if (!ret && np_report_is_file(&checks->report))
		put_unjudged(checks, "the run did not come to its end");
	return ret == -ENOMEM ? NP_EXIT_CANNOT : ret ? NP_EXIT_USAGE : 0;
}

void np_checks_free(struct np_checks *checks)
{
	if (!checks)
		return;
	for (size_t i = 0; i < checks->n; i++)
		np_check_free(checks->all[i]);
	free(checks->all);
	np_report_close(&checks->report);
	np_checks_end(checks);
	free(checks);
}

bool np_checks_on_stdout(const struct np_checks *checks)
{
	return checks && checks->report.out == stdout;
}

unsigned int np_checks_needs(const struct np_checks *checks)
{
	unsigned int needs = 0;

	for (size_t i = 0; checks && i < checks->n; i++)
		needs |= np_check_needs(checks->all[i]);
	return needs;
}

unsigned int np_checks_sources(const struct np_checks *checks)
{
	/* connections are found by walks and by their ends */
	return checks && checks->wants_view && checks->opts->log ? NP_SRC_TCP : 0;
}

static const struct np_baseline_view *base_of(const struct np_check *check,
					      const struct np_baseline_view *bases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bases[i].kind == np_check_kind(check))
			return &bases[i];
	return n ? &bases[0] : NULL;
}

int np_checks_baseline(struct np_checks *checks, const struct np_baseline_view *bases, size_t n,
		       const char *why)
{
	int err = 0;

	for (size_t i = 0; checks && i < checks->n && !err; i++)
		if (np_check_wants_baseline(checks->all[i]))
			err = np_check_baseline(checks->all[i], base_of(checks->all[i], bases, n),
						why);
	return err;
}

/* ---- looks ---- */

/* The table's rows under its own grouping, or in a log the connections, one by one. */
static struct np_view_cfg view_cfg(const struct np_checks *checks)
{
	const struct np_opts *o = checks->opts;
	struct np_view_cfg cfg = o->view;

	cfg.whole = cfg.all = true;
	cfg.keep = KEEP_ENDED;
	cfg.top = 0;
	cfg.sort = NULL;
	cfg.active_only = cfg.freeze = false;
	if (o->log)
		cfg.kind = NP_COL_CONN;
	/* what ended is looked at as it ends: nothing needs to remember it */
	if (o->log || (cfg.group && !*cfg.group->by))
		cfg.nby = 0;
	cfg.ncols = 0;
	for (size_t i = 0; i < checks->n; i++)
		if (has_view(checks, checks->all[i]))
			np_check_columns(checks->all[i], cfg.cols, NP_MAX_COLS, &cfg.ncols);
	return cfg;
}

int np_checks_begin(struct np_checks *checks, struct np_meta *meta)
{
	struct np_view_cfg cfg;

	if (!checks || !checks->wants_view)
		return 0;
	cfg = view_cfg(checks);
	checks->wants_whole |= cfg.where && np_expr_interval(cfg.where);
	return np_view_new(&checks->view, &cfg, meta);
}

void np_checks_end(struct np_checks *checks)
{
	if (!checks)
		return;
	np_whole_free(&checks->whole);
	np_view_free(checks->view);
	checks->view = NULL;
}

static bool is_single(const struct np_row *row)
{
	return !(row->flags & NP_ROW_GROUP);
}

/* Each row comes here once: when it has ended, or at the end of the run. */
static int judge_row(struct np_checks *checks, const struct np_row *row)
{
	const struct np_view_cfg *cfg = np_view_cfg(checks->view);
	struct np_group_row copy = { 0 };
	int err = 0;

	/* a group is more than its row: it says which columns its members share */
	if (is_single(row))
		copy.row = *row;
	else
		copy = *(const struct np_group_row *)(const void *)row;
	/* an ended connection is its own row of the log */
	if (cfg->kind == NP_COL_CONN)
		copy.row.flags &= (uint16_t)~NP_ROW_EVENT;
	if (checks->wants_whole)
		np_whole_fill(&checks->whole, row, &copy.row);
	if ((cfg->ailing && !copy.row.events) ||
	    (cfg->where && !np_expr_rows(cfg->where, &copy.row, &checks->ctx)))
		return 0;
	for (size_t i = 0; i < checks->n && !err; i++)
		if (has_view(checks, checks->all[i]))
			err = np_check_add(checks->all[i], &copy.row, &checks->ctx);
	return err;
}

static int look(struct np_checks *checks, struct np_flows *flows)
{
	const struct np_row *const *rows;
	size_t n;
	int err = np_view_update(checks->view, flows);

	rows = np_view_rows(checks->view, &n);
	for (size_t i = 0; i < n && !err && checks->wants_whole; i++)
		err = np_whole_add(&checks->whole, rows[i]);
	for (size_t i = 0; i < n && !err; i++)
		if (is_single(rows[i]) && rows[i]->flags & (NP_ROW_ENDED | NP_ROW_EVENT))
			err = judge_row(checks, rows[i]);
	if (checks->wants_whole)
		np_whole_next(&checks->whole);
	return err;
}

int np_checks_add(struct np_checks *checks, const struct np_view *view, struct np_flows *flows)
{
	const struct np_row *const *rows;
	size_t n;
	int err = 0;

	if (!checks)
		return 0;
	checks->ctx = *np_view_ctx(view);
	/* a walk before the first look began its interval */
	if (!checks->first_ns)
		checks->first_ns = checks->ctx.now_ns - checks->ctx.dt_ns;
	checks->ctx.dt_ns = checks->ctx.now_ns - checks->first_ns;
	rows = np_view_rows(view, &n);
	for (size_t i = 0; i < checks->n; i++)
		for (size_t j = 0; j < n && !err && !has_view(checks, checks->all[i]); j++)
			err = np_check_add(checks->all[i], rows[j], &checks->ctx);
	return err || !checks->view ? err : look(checks, flows);
}

/* ---- the end ---- */

/* What lives at the end. */
static int judge_living(struct np_checks *checks)
{
	const struct np_row *const *rows;
	size_t n = 0;
	int err = 0;

	if (!checks->view || !checks->first_ns)
		return 0;
	rows = np_view_rows(checks->view, &n);
	for (size_t i = 0; i < n && !err; i++)
		if (!is_single(rows[i]) || !(rows[i]->flags & (NP_ROW_ENDED | NP_ROW_EVENT)))
			err = judge_row(checks, rows[i]);
	return err;
}

/* Why CHECK would hold whatever happened: what it looks for is not in the file. */
static void lacking(const struct np_opts *o, const struct np_check *check, struct np_buf *out)
{
	bool capture = np_file_is_capture(o->file), log = np_check_kind(check) == NP_COL_EVENT;
	uint32_t may = o->mode->may_tell, events = np_check_events(check, may);
	const struct np_col *host = capture ? np_check_host(check) : NULL;

	if (o->expr)
		events |= np_expr_events(o->expr, may);
	if (o->expr && capture && !host)
		host = np_expr_host(o->expr);
	/* whatever a record's log would show; what a capture's does is known */
	if (!events && log && !capture)
		events = o->told;
	events &= o->unseen;
	if (o->unmeasured.len)
		np_buf_printf(out, "this record did not measure %s", np_buf_cstr(&o->unmeasured));
	else if (events || host)
		np_buf_printf(out, "%s %s", capture ? "packets do not tell" : "this record has no",
			      events ? np_event_name((unsigned int)__builtin_ctz(events))
				     : host->name);
}

int np_checks_judge(struct np_checks *checks, uint64_t lost, int status)
{
	const struct np_check_result **results;
	/* a run that was wrong usage ends before it is judged, but for a damaged file */
	bool cut = status == NP_EXIT_USAGE;
	struct np_check_limits limits = { .lost = lost, .cut = cut };
	int err;

	if (!checks || status == NP_EXIT_CANNOT)
		return status;
	limits.min_samples = checks->opts->min_samples;
	limits.forgotten = checks->view ? np_view_forgotten(checks->view) : 0;
	results = calloc(checks->n, sizeof(*results));
	err = results ? judge_living(checks) : -ENOMEM;
	if (err) {
		free(results);
		np_err_set(&checks->opts->err, 0, "cannot judge: %s", strerror(-err));
		return NP_EXIT_CANNOT;
	}
	for (size_t i = 0; i < checks->n; i++) {
		struct np_buf why = { 0 };

		lacking(checks->opts, checks->all[i], &why);
		limits.unmeasured = why.len ? np_buf_cstr(&why) : NULL;
		results[i] = np_check_judge(checks->all[i], &limits, &checks->ctx);
		np_buf_free(&why);
		if (results[i]->verdict == NP_CHECK_FAIL && !cut)
			status = NP_EXIT_CHECK;
	}
	for (size_t i = 0; i < checks->n; i++)
		if (results[i]->verdict == NP_CHECK_INCONCLUSIVE && !status)
			status = NP_EXIT_INCONCLUSIVE;
	if (put(checks, results, checks->n) && status != NP_EXIT_CHECK)
		status = NP_EXIT_INCONCLUSIVE;
	checks->opts->reported = true;
	free(results);
	return status;
}

/* The options may have been refused before there was anything to report with. */
void np_checks_spoiled(struct np_opts *opts)
{
	struct np_checks alone = { .opts = opts }, *checks = opts->judged;
	struct np_err first = opts->err;

	/* nor what was refused because it would be overwritten */
	if (opts->reported || !opts->checks.n || !opts->report || np_build_clash(opts, NULL) ||
	    np_report_parse(&alone.report, opts->report, NULL))
		return;
	if (!checks) {
		checks = &alone;
		alone.began_ns = np_clock_wall();
		gethostname(alone.host, sizeof(alone.host) - 1);
	}
	if (checks->report.out || !np_report_open(&checks->report, NULL))
		put_unjudged(checks, first.msg);
	np_report_close(&alone.report);
	opts->err = first; /* what went wrong first is what is said */
}
