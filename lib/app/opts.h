/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Options, as every program takes them. np_opts owns what it parsed; np_opts_free() gives it back.
 * Values stay text until np_opts_build(), because -o and --sort mean something only under --by.
 */
#ifndef NP_OPTS_H
#define NP_OPTS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/app.h"
#include "base/buf.h"
#include "base/err.h"
#include "flow/flow.h"
#include "sink/format.h"
#include "source/file.h"
#include "source/source.h"
#include "view/baseline.h"
#include "view/view.h"

/* A repeatable option's values. */
struct np_list {
	const char **items;
	size_t n;
};

struct np_opts {
	const struct np_tool *tool;
	const struct np_mode *mode; /* of the tool, as the options chose it */

	/* as given */
	const char *by, *output, *sort, *where, *format, *root, *dump;
	struct np_list pids, comms, uids, cgroups, containers, pods, netns, interfaces;
	struct np_buf filter; /* the words of the filter expression */
	const char *events;
	bool batch, json, all, active_only, list_columns, doctor, stats, debug;
	bool table, once, listen, summary, histogram, syn, srt, art, stack;
	bool interval_given, by_given, linger_given, min_samples_given;
	uint64_t udp_idle_ns;
	uint64_t interval_ns, duration_ns; /* duration 0: until told to stop */
	uint64_t count;                    /* refreshes, 0: no limit */
	uint32_t top, header;
	enum np_units units;
	enum np_hook iface_hook, udp_hook;
	uint64_t ring_size;
	uint32_t udp_entries;
	const char *read, *record; /* files; "-": standard input */
	double speed;              /* times as fast as it was; 0: as fast as it goes */
	struct np_list locals;
	uint32_t sample; /* one connection in so many; 1: all */
	struct np_list checks;
	uint32_t min_samples;
	const char *report; /* FORMAT[=FILE] */
	const char *baseline, *save_baseline;
	const char *to;
	uint64_t linger_ns;
	char **command;       /* with its arguments, ended by NULL; NULL: none */
	void (*sigpipe)(int); /* what SIGPIPE did when we were started */

	/* made of it */
	struct np_view_cfg view;
	struct np_whose whose;
	struct np_expr *expr;
	struct np_filter *pcap;
	struct np_file *file;       /* of --read */
	struct np_prefix *prefixes; /* of --local, as many as there are locals */
	const char *sink;           /* of np_sink_names, "tui", "histogram" */
	struct np_baseline *base;   /* that this run is held against; NULL: none */
	const char *by_was;         /* --by as it was given, where a baseline made another of it */
	const char *keep[2];        /* files that this run is kept in; NULL: none */
	uint32_t told;              /* 1 << enum np_row_event */
	bool log;                   /* rows are events, written as they come */
	bool at_end;                /* nothing is written before the end */
	bool scoped;                /* only what belongs to a command is shown */
	struct np_checks *judged;   /* app/check.h; NULL: nothing is checked */
	bool reported;              /* the checks were judged and told */
	struct np_buf unmeasured;   /* what this run wants and the record lacks, as a list */
	uint32_t unseen;            /* 1 << enum np_row_event of those that the file cannot tell */

	struct np_err err;
};

/* Fills OPTS from the command line; --help, --usage and --version exit. 0, or NP_EXIT_USAGE with
 * err. */
int np_opts_parse(struct np_opts *opts, const struct np_tool *tool, int argc, char **argv);
/* Compiles and looks up; 0, or an exit status with err. */
int np_opts_build(struct np_opts *opts);
/* A new filter text in place of the old one, which stays where it does not compile. */
int np_opts_filter(struct np_opts *opts, const char *text, struct np_err *err);
void np_opts_free(struct np_opts *opts);
/* For man pages and completions: one of "options", "options-mdoc", "columns-mdoc", "keys-mdoc",
 * "events". */
int np_opts_dump(const struct np_opts *opts, struct np_buf *out);
/* --list-columns, in the format of --format. */
int np_opts_columns(const struct np_opts *opts, struct np_buf *out);
/* The table behind argp for a tool, ended by a zero entry; the caller frees it. NULL: no memory. */
struct argp_option *np_opts_table(const struct np_tool *tool);

#endif
