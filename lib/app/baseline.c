// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Before a run: the baseline it is held against, the groups that last, the differences shown. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/baseline.h"
#include "app/keep.h"

bool np_base_wanted(const struct np_opts *o)
{
	return o->baseline || o->save_baseline;
}

/* The whole of a regular file; 0 or -errno. -ENOENT is no failure to say anything about. */
static int read_file(const char *path, struct np_buf *out, struct np_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret = 0;
	char part[65536];
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st))
		ret = np_err_set(err, -EINVAL, "cannot read the baseline '%.128s': %s", path,
				 strerror(errno));
	else if (!S_ISREG(st.st_mode))
		ret = np_err_set(err, -EINVAL, "the baseline '%.128s' is no regular file", path);
	while (!ret && out->len <= NP_BASELINE_MAX_BYTES && (n = read(fd, part, sizeof(part))) > 0)
		np_buf_add(out, part, (size_t)n);
	if (!ret && (n < 0 || out->oom))
		ret = np_err_set(err, -EINVAL, "cannot read the baseline '%.128s': %s", path,
				 out->oom ? "out of memory" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

/* What is replaced is a baseline, of whatever version, or empty; never another file by mistake. */
static int check_replaced(const char *path, struct np_err *err)
{
	struct np_buf text = { 0 };
	int ret = read_file(path, &text, err);

	if (!ret && text.len && !memmem(text.data, text.len, "\"netprobe_baseline\"", 19))
		ret = np_err_set(err, -EINVAL,
				 "'%.128s' is no baseline, and is not replaced by one; remove it, "
				 "or name another file",
				 path);
	np_buf_free(&text);
	return ret == -ENOENT ? 0 : ret;
}

const char *np_base_mode(const struct np_opts *o)
{
	return o->table ? "table" : o->summary ? "summary" : o->listen ? "listen" : "";
}

static int same_program(struct np_opts *o)
{
	const struct np_baseline_info *info = np_baseline_info(o->base);
	const char *mode = np_base_mode(o);

	if (strcmp(info->tool, o->tool->name) != 0)
		return np_err_set(&o->err, -EINVAL,
				  "the baseline '%.128s' is of %.32s, which has other numbers than "
				  "%s",
				  o->baseline, info->tool, o->tool->name);
	if (strcmp(info->mode, mode) != 0)
		return np_err_set(&o->err, -EINVAL,
				  "the baseline '%.128s' is of '%.32s%s%.32s', this run is of "
				  "'%s%s%s': they have other rows",
				  o->baseline, info->tool, *info->mode ? " --" : "", info->mode,
				  o->tool->name, *mode ? " --" : "", mode);
	return 0;
}

/* The grouping: that of the baseline, else the nearest that means the same another time. */
static void choose_by(struct np_opts *o)
{
	const char *lasting = np_group_lasting(o->by);

	if (o->base && !o->by_given) {
		o->by = np_baseline_info(o->base)->by;
		return;
	}
	if (!lasting)
		return;
	/* interfaces are the same, known by name */
	if (o->by_given && strncmp(lasting, o->by, strlen(o->by)) != 0)
		o->by_was = o->by;
	o->by = lasting;
}

static void add_keep(struct np_opts *o, const char *path)
{
	o->keep[o->keep[0] ? 1 : 0] = path;
}

int np_base_read(struct np_opts *o)
{
	struct np_buf text = { 0 };
	int ret = 0;

	if (!np_base_wanted(o))
		return 0;
	if (o->listen) {
		np_err_set(&o->err, 0,
			   "a baseline is of connections, and --listen shows listeners");
		return NP_EXIT_USAGE;
	}
	if (o->save_baseline)
		add_keep(o, o->save_baseline);
	if (o->baseline)
		ret = read_file(o->baseline, &text, &o->err);
	if (ret == -ENOENT) {
		ret = 0;
		if (!o->save_baseline || strcmp(o->baseline, o->save_baseline) != 0)
			add_keep(o, o->baseline);
	} else if (o->baseline && !ret) {
		ret =
		    np_baseline_load(&o->base, np_buf_cstr(&text), text.len, o->baseline, &o->err);
		if (!ret)
			ret = same_program(o);
	}
	np_buf_free(&text);
	for (size_t i = 0; i < 2 && o->keep[i] && !ret; i++)
		ret = np_keep_check(o->keep[i], &o->err);
	if (!ret && o->save_baseline)
		ret = check_replaced(o->save_baseline, &o->err);
	if (ret)
		return NP_EXIT_USAGE;
	if (o->mode->topic->kind != NP_COL_EVENT)
		choose_by(o);
	return 0;
}

/* Numbers that a process or an interface was given mean nothing in another run. */
static int lasting_keys(struct np_opts *o)
{
	const struct np_view_cfg *v = &o->view;

	for (size_t i = 0; i < v->nby; i++)
		if (v->by[i]->type == NP_TYPE_ID || v->by[i] == np_col_find("started"))
			return np_err_set(&o->err, -EINVAL,
					  "--by %s: in another run the same %s is something else; "
					  "with a baseline group by comm, remote, container, unit "
					  "or user",
					  o->by, v->by[i]->name);
	return 0;
}

static int same_groups(struct np_opts *o, const struct np_view_cfg *cfg)
{
	const char *by = np_baseline_info(o->base)->by;

	if (np_baseline_is(o->base, cfg))
		return 0;
	return np_err_set(&o->err, -EINVAL,
			  "the baseline '%.128s' has groups by %.64s, this run by %.64s; give --by "
			  "%.64s, or none",
			  o->baseline, by, o->by, by);
}

/* -o names differences itself: then it says which are shown. */
static bool diffs_given(const struct np_opts *o)
{
	for (size_t i = 0; i < o->view.ncols; i++)
		if (o->view.cols[i]->type == NP_TYPE_DIFF)
			return true;
	return false;
}

static void add_diffs(struct np_view_cfg *v)
{
	const struct np_col *cols[NP_MAX_COLS] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < v->ncols && n < NP_MAX_COLS; i++) {
		const struct np_col *diff = np_col_diff(v->cols[i]);

		cols[n++] = v->cols[i];
		if (diff && n < NP_MAX_COLS)
			cols[n++] = diff;
	}
	memcpy(v->cols, cols, n * sizeof(cols[0]));
	v->ncols = n;
}

/* The groups of a log, which itself has none: what happened, and how or why. */
int np_base_log_groups(const struct np_opts *o, struct np_view_cfg *cfg, struct np_err *err)
{
	bool life = o->mode->topic == &np_topic_life;
	int ret;

	*cfg = o->view;
	ret = np_view_group(cfg, life ? "event,end" : "event,cause", err);
	if (!ret)
		ret = np_cols_parse(life ? "event,end,events,tx_bytes,rx_bytes"
					 : "event,cause,events",
				    NULL, cfg->kind, cfg->cols, NP_MAX_COLS, &cfg->ncols, err);
	cfg->top = 0;
	cfg->all = cfg->sum_all = true;
	cfg->baseline = o->base;
	if (!ret && o->base)
		add_diffs(cfg);
	return ret;
}

/* A log's connections, all together; --where may be about its events alone. */
int np_base_conn_groups(const struct np_opts *o, struct np_view_cfg *cfg)
{
	int ret;

	*cfg = o->view;
	cfg->topic = &np_topic_table;
	ret = np_view_group(cfg, "protocol", NULL);
	cfg->top = 0;
	cfg->all = cfg->sum_all = true;
	if (o->expr && !(np_expr_kind(o->expr) & NP_COL_CONN))
		cfg->where = NULL;
	return ret;
}

int np_base_view(struct np_opts *o)
{
	struct np_view_cfg groups = o->view, *v = &o->view;
	int ret = 0;

	if (!np_base_wanted(o))
		return 0;
	if (o->log)
		ret = np_base_log_groups(o, &groups, &o->err);
	else
		ret = lasting_keys(o);
	if (!ret && o->base)
		ret = same_groups(o, &groups);
	if (ret || o->log)
		return ret;
	v->baseline = o->base;
	v->sum_all = v->all = true;
	if (o->base && !diffs_given(o))
		add_diffs(v);
	return 0;
}
