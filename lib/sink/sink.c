// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "sink/internal.h"

/* A refresh of any length takes about this much memory: longer ones are written in parts. */
#define BATCH 65536

#define SINKS(X) X(text) X(csv) X(json)
#define NAME(n)  #n,
#define OPS(n)   &np_sink_##n,

const char *const np_sink_names[] = { SINKS(NAME) NULL };
static const struct np_sink_ops *const all_ops[] = { SINKS(OPS) };

static const struct np_sink_ops *ops_find(const char *name)
{
	for (size_t i = 0; np_sink_names[i]; i++)
		if (!strcmp(np_sink_names[i], name))
			return all_ops[i];
	return strcmp(name, "histogram") ? NULL : &np_sink_histogram;
}

int np_sink_new(struct np_sink **out, const char *name, const struct np_sink_cfg *cfg,
		struct np_err *err)
{
	const struct np_sink_ops *ops = ops_find(name);
	struct np_buf names = { 0 };
	struct np_sink *sink;

	if (!ops) {
		for (size_t i = 0; np_sink_names[i]; i++)
			np_buf_printf(&names, "%s%s", i ? ", " : "", np_sink_names[i]);
		np_err_set(err, -EINVAL, "there is no output format '%.64s'; there are %s", name,
			   np_buf_cstr(&names));
		np_buf_free(&names);
		return -EINVAL;
	}
	sink = calloc(1, sizeof(*sink));
	if (!sink)
		return np_err_set(err, -ENOMEM, "out of memory");
	sink->ops = ops;
	sink->cfg = *cfg;
	*out = sink;
	return 0;
}

void np_sink_free(struct np_sink *sink)
{
	if (!sink)
		return;
	np_buf_free(&sink->lines);
	np_buf_free(&sink->cells);
	free(sink);
}

/* Keys change what is shown: the columns are compared, whatever made them others. */
static void take_columns(struct np_sink *sink, const struct np_view_cfg *view)
{
	size_t size = view->ncols * sizeof(const struct np_col *);

	if (sink->begun && sink->ncols == view->ncols && !memcmp(sink->cols, view->cols, size))
		return;
	memcpy(sink->cols, view->cols, size);
	sink->ncols = view->ncols;
	sink->begun = true;
	if (sink->ops->begin)
		sink->ops->begin(sink);
}

/* Out with the lines that wait; half a line that memory was too short for is never written. */
static int write_lines(struct np_sink *sink)
{
	struct np_buf *lines = &sink->lines;
	int err = 0;

	if (sink->ops->lay_out)
		sink->ops->lay_out(sink);
	if (lines->oom || sink->cells.oom) {
		err = -ENOMEM;
	} else if (lines->len) {
		errno = 0;
		if (fwrite(lines->data, 1, lines->len, sink->cfg.out) != lines->len) {
			err = errno ? -errno : -EIO;
			sink->broken = true;
		}
	}
	np_buf_reset(lines);
	np_buf_reset(&sink->cells);
	return err;
}

int np_sink_write(struct np_sink *sink, const struct np_view *view)
{
	const struct np_colctx *ctx = np_view_ctx(view);
	const struct np_row *const *rows;
	int err = 0;
	size_t n;

	if (sink->broken)
		return 0;
	rows = np_view_rows(view, &n);
	take_columns(sink, np_view_cfg(view));
	for (size_t i = 0; i < n && !err; i++) {
		sink->ops->row(sink, rows[i], ctx);
		if (sink->lines.len + sink->cells.len >= BATCH)
			err = write_lines(sink);
	}
	if (!err)
		err = write_lines(sink);
	if (sink->broken)
		return err;
	errno = 0;
	if (fflush(sink->cfg.out) || ferror(sink->cfg.out)) {
		err = errno ? -errno : -EIO;
		sink->broken = true;
	}
	return err;
}
