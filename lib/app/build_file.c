// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What a file in place of this host (--read) makes of the options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/build.h"
#include "app/report.h"
#include "base/parse.h"
#include "flow/decode.h"
#include "source/record.h"

/* Not two pipes or terminals: only a file loses what it has when it is opened to be written. */
static bool same_file(const char *a, const char *b)
{
	struct stat at_a, at_b;
	bool no_a = stat(a, &at_a), no_b = stat(b, &at_b);

	if (no_a || no_b)
		return no_a && no_b && !strcmp(a, b);
	return S_ISREG(at_a.st_mode) && at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
}

int np_build_clash(const struct np_opts *o, struct np_err *err)
{
	struct np_report_to report = { 0 };
	bool parsed = !np_report_parse(&report, o->report, NULL);
	const struct {
		const char *option, *path;
	} files[] = {
		{ "--read", o->read }, /* the only one that is not written */
		{ "--to", o->to },
		{ "--record", o->record },
		{ "--report", parsed ? report.file : NULL },
		/* one that is compared with may be the one that is written */
		{ "--save-baseline", o->save_baseline },
		{ "--baseline", o->baseline },
	};
	const size_t n = sizeof(files) / sizeof(files[0]);

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n && files[i].path; j++)
			if (files[j].path && strcmp(files[i].path, "-") != 0 &&
			    files[i].path != o->save_baseline &&
			    same_file(files[i].path, files[j].path))
				return np_err_set(err, -EINVAL,
						  "%s and %s are the same file, '%.128s', which "
						  "would be lost",
						  files[i].option, files[j].option, files[j].path);
	return 0;
}

static int check_files(struct np_opts *o)
{
	bool to_stdout = !o->to || !strcmp(o->to, "-");

	if (np_build_clash(o, &o->err))
		return -EINVAL;
	if (o->read && o->record)
		return np_err_set(&o->err, -EINVAL,
				  "--record keeps what this host does, and --read shows a file; "
				  "copy the file instead");
	if (o->read && o->root)
		return np_err_set(&o->err, -EINVAL,
				  "--root is where names of this host are, and a file that is read "
				  "has its own");
	if (o->read && o->command)
		return np_err_set(&o->err, -EINVAL,
				  "a command is run on this host, and --read shows a file; leave "
				  "one of them out");
	if (o->speed > 0 && !o->read)
		return np_err_set(&o->err, -EINVAL, "--speed goes with --read");
	if (o->linger_given && !o->command)
		return np_err_set(&o->err, -EINVAL, "--linger goes with a command (-- COMMAND)");
	if (o->record && !strcmp(o->record, "-") && o->command)
		return np_err_set(&o->err, -EINVAL,
				  "--record - would mix with what the command writes to standard "
				  "output; give it a file");
	if (o->record && !strcmp(o->record, "-") && to_stdout)
		return np_err_set(&o->err, -EINVAL,
				  "--record - would mix with the rows on standard output; send "
				  "them elsewhere with --to");
	return 0;
}

/* A record of a sample stays one: what was left out of it is not there to be looked at. */
static int take_sample(struct np_opts *o)
{
	const struct np_rec_head *head = np_file_head(o->file);

	if (!head || head->sample < 2)
		return 0;
	if (o->sample > 1 && o->sample != head->sample) {
		np_err_set(
		    &o->err, 0,
		    "%.128s is a record of a sample of 1/%u already, and --sample asks for 1/%u",
		    o->read, head->sample, o->sample);
		return NP_EXIT_USAGE;
	}
	o->sample = head->sample;
	return 0;
}

/* Whose end is the local one in a capture. */
static int build_locals(struct np_opts *o)
{
	if (!o->locals.n)
		return 0;
	if (!np_file_is_capture(o->file)) {
		np_err_set(&o->err, 0, "--local goes with a capture (--read FILE)");
		return NP_EXIT_USAGE;
	}
	o->prefixes = calloc(o->locals.n, sizeof(*o->prefixes));
	if (!o->prefixes) {
		np_err_set(&o->err, 0, "out of memory");
		return NP_EXIT_CANNOT;
	}
	for (size_t i = 0; i < o->locals.n; i++)
		if (np_parse_prefix(o->locals.items[i], o->prefixes[i].addr,
				    &o->prefixes[i].bits)) {
			np_err_set(&o->err, 0,
				   "--local takes an address or a prefix (10.0.0.0/8, fe80::/10), "
				   "not '%.64s'",
				   o->locals.items[i]);
			return NP_EXIT_USAGE;
		}
	return 0;
}

/* Of packets that cannot be looked into there would be no rows, as if nothing had happened. */
static int check_link(struct np_opts *o)
{
	const char *name;
	int link = np_file_link(o->file, &name);

	if (link < 0 || np_decode_knows((uint16_t)link))
		return 0;
	return np_err_set(&o->err, -EINVAL, "%.128s: packets of link type %s cannot be looked into",
			  o->read, name);
}

int np_build_file(struct np_opts *o)
{
	int ret;

	if (check_files(o) || (o->read && np_file_open(&o->file, o->read, &o->err)) ||
	    check_link(o))
		return NP_EXIT_USAGE;
	ret = take_sample(o);
	return ret ? ret : build_locals(o);
}

bool np_build_scoped(const struct np_opts *o)
{
	const struct np_rec_head *head = np_file_head(o->file);

	return o->command || (head && head->want & NP_SRC_TREE);
}

/* What no packet tells goes, and what only packets tell comes. */
void np_build_columns(struct np_opts *o)
{
	struct np_view_cfg *v = &o->view;
	size_t n = v->ncols;
	const struct np_col *cols[NP_MAX_COLS];

	if (!np_file_is_capture(o->file))
		return;
	memcpy(cols, v->cols, n * sizeof(cols[0]));
	v->ncols = 0;
	for (size_t i = 0; i < n; i++) {
		if (cols[i]->flags & NP_COL_HOST)
			continue;
		v->cols[v->ncols++] = cols[i];
		if (!strcmp(cols[i]->name, "retrans") && n < NP_MAX_COLS)
			v->cols[v->ncols++] = np_col_find("rx_retrans");
	}
}
