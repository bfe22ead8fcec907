/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From the flow table to what is shown: filter, group, sort, cut. np_view owns the rows that it
 * hands out; they are valid until the next np_view_update() or np_view_set().
 */
#ifndef NP_VIEW_H
#define NP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/flow.h"
#include "flow/row.h"
#include "view/col.h"
#include "view/expr.h"
#include "view/filter.h"

#define NP_MAX_COLS 128
#define NP_MAX_BY   4

/* What a program is about: which columns say it when -o does not. Comma lists. */
struct np_topic {
	const char *name;
	const char *cols; /* of each group, between its key and its tail */
	const char *conn; /* of each connection, listener or event by itself */
	const char *sort; /* "-rate"; NULL: in the order of time */
	uint16_t
	    kind; /* NP_COL_EVENT, NP_COL_LISTEN: of these rows; NP_COL_CONN: as the group says */
};
extern const struct np_topic np_topic_traffic, np_topic_latency, np_topic_life, np_topic_table,
    np_topic_listen, np_topic_ended, np_topic_anomalies, np_topic_ailing;

/* A named grouping, as --by takes it. */
struct np_group {
	const char *name;  /* "process" */
	const char *title; /* "Processes" */
	const char *help;
	const char *by;   /* key columns, comma list; "" for each connection by itself */
	const char *head; /* what says which group it is */
	const char *tail; /* what else is good to know */
	uint16_t kind;    /* NP_COL_CONN, NP_COL_IFACE or NP_COL_EVENT: of which rows */
	const char
	    *lasting; /* the nearest grouping that means the same in another run; NULL: itself */
};
extern const struct np_group np_groups[]; /* in the order in which the key `b` goes round */
extern const size_t np_ngroups;

/* Whose connections: each empty list lets all pass. */
struct np_whose {
	uint32_t *pids;
	size_t npids;
	const char **comms;
	size_t ncomms;
	uint32_t *uids;
	size_t nuids;
	const char **cgroups; /* path or part of it at component borders */
	size_t ncgroups;
	const char **containers; /* name or id prefix */
	size_t ncontainers;
	const char **pods; /* "pod" or "namespace/pod" */
	size_t npods;
	uint32_t *netns; /* inode numbers */
	size_t nnetns;
	const char **interfaces; /* globs, for interface rows */
	size_t ninterfaces;
	const struct np_members *members; /* what belongs to the command; NULL: all */
};

struct np_baseline;

/* What the user asked to see; plain data, copied by np_view_set(). Pointers stay the caller's. */
struct np_view_cfg {
	const struct np_topic *topic; /* never NULL once np_view_group() was called: traffic */
	const struct np_group *group; /* one of np_groups, or NULL: `by` was given as columns */
	uint16_t kind;                /* one of NP_COL_KINDS */
	const struct np_col *by[NP_MAX_BY];
	size_t nby; /* 0: each connection by itself */
	const struct np_col *cols[NP_MAX_COLS];
	size_t ncols;
	const struct np_col *sort;
	bool ascending;
	size_t top; /* 0: all */
	bool all;   /* also groups that have ended */
	bool active_only;
	bool ailing; /* only rows with events */
	bool named; /* every row is named, whatever the columns need: somebody else wants to know */
	bool freeze; /* keep the order of the last update, new rows at the end */
	/*
	 * For who judges a run as a whole, beside another view of the same table: every row that is
	 * chosen, in no order, without a total; nothing is written into rows; groups keep what is
	 * of the moment (rtt, cwnd) of members that have ended; --where chooses members alone.
	 */
	bool whole;
	/* groups: rates are over the run so far, and what is of the moment stays of members that
	 * have ended */
	bool over_run;
	size_t keep;     /* groups that have ended, at most; 0: some thousands */
	bool ones;       /* groups are single connections: set by np_view_remember() */
	uint32_t sample; /* one connection in so many is in the flow table; 0, 1: all */
	bool sum_all;    /* groups add up all columns, shown or not: for a baseline */
	struct np_baseline *baseline; /* what groups of these keys are held against; NULL: none */
	const struct np_expr *where;
	const struct np_filter *filter;
	const struct np_whose *whose;
};

/* The settings for a grouping by name ("process", or columns "raddr,rport"): by, cols, sort, kind;
 * under cfg->topic. */
int np_view_group(struct np_view_cfg *cfg, const char *name, struct np_err *err);
/*
 * Connections by themselves become groups of one, which are remembered when they have ended: for
 * tables that are looked at later.
 */
int np_view_remember(struct np_view_cfg *cfg, struct np_err *err);
/* The nearest grouping to NAME that means the same in another run; NULL: NAME itself. */
const char *np_group_lasting(const char *name);
/* Whether a topic's rows can be grouped that way. */
bool np_group_fits(const struct np_group *group, const struct np_topic *topic);
/* The names of all groupings that fit, with SEP between them. */
void np_view_groups(struct np_buf *out, const struct np_topic *topic, const char *sep);
/* "rate", "-rate", "+rate": sort and ascending (- is descending; bare: numbers descending, names
 * up). */
int np_view_sort(struct np_view_cfg *cfg, const char *name, struct np_err *err);
/* NP_NEED_* of all that CFG mentions. */
unsigned int np_view_needs(const struct np_view_cfg *cfg);

struct np_view;

int np_view_new(struct np_view **out, const struct np_view_cfg *cfg, struct np_meta *meta);
void np_view_free(struct np_view *view);
/*
 * New settings from now on. A grouping adds up what ends since it was first chosen, or since
 * np_view_keep() named it; a new filter or expression begins all of them anew.
 */
int np_view_set(struct np_view *view, const struct np_view_cfg *cfg);
int np_view_keep(struct np_view *view, const struct np_view_cfg *cfg);
const struct np_view_cfg *np_view_cfg(const struct np_view *view);
/*
 * Only the connections of one row of the present grouping (Enter), shown one by one; NULL: all
 * again. The row's key is copied.
 */
int np_view_drill(struct np_view *view, const struct np_row *row);

/* Looks at FLOWS at the end of a snapshot, or again under other settings. 0 or -ENOMEM. */
int np_view_update(struct np_view *view, struct np_flows *flows);

/* The same of nothing but ROWS, N of a log of FLOWS: what another view has of it. */
int np_view_update_of(struct np_view *view, struct np_flows *flows,
		      const struct np_row *const *rows, size_t n);

/*
 * The next update is the last: groups of the baseline that no update had are shown as well, with
 * nothing in them.
 */
void np_view_last(struct np_view *view);

/* The result of the last update. */
const struct np_row *const *np_view_rows(const struct np_view *view, size_t *n);
/* The same before --top cut them, those in order first. */
const struct np_row *const *np_view_all(const struct np_view *view, size_t *n);
size_t np_view_matched(const struct np_view *view);             /* rows before --top cut them */
const struct np_row *np_view_total(const struct np_view *view); /* over all that matched */
const struct np_colctx *np_view_ctx(const struct np_view *view);
uint64_t np_view_forgotten(const struct np_view *view); /* ended groups dropped for room */

#endif
