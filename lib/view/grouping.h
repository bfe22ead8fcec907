/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The groups of one grouping: rows that add up others under the same key, and what ended in each
 * since the program started. Internal to view/; np_view owns its groupings.
 */
#ifndef NP_GROUPING_H
#define NP_GROUPING_H

#include "base/map.h"
#include "meta/meta.h"
#include "view/view.h"

struct np_grp {
	struct np_group_row shown; /* first, so that a row leads to its group */
	struct np_group_row past;  /* the key, and sums of the members that have ended */
	struct np_grp *chain;      /* same hash */
	uint64_t hash;
	uint64_t order;  /* position in the last sorted list */
	uint32_t update; /* the update that last added to it */
};

struct np_grouping {
	const struct np_col *by[NP_MAX_BY];
	size_t nby;
	uint16_t kind;        /* NP_COL_CONN or NP_COL_IFACE: of which rows */
	bool ones;            /* each is a single connection */
	struct np_map groups; /* hash of the key -> struct np_grp */
	size_t n;
	struct np_grp *latest; /* that was found */
	struct np_meta *meta;
	uint64_t forgotten;       /* ended groups dropped for room */
	struct np_baseline *base; /* of the same keys; NULL: none */
	struct np_grp **gone;     /* np_grouping_gone() */
	size_t ngone;
	struct np_run_sums run; /* of all groups together, and how long that was */
	uint64_t run_ns;
	uint64_t run_at_ns; /* the refresh that was counted last */
	uint64_t folded;    /* the interval whose ended members were added last */
};

void np_grouping_init(struct np_grouping *gr, const struct np_view_cfg *cfg, struct np_meta *meta);
void np_grouping_free(struct np_grouping *gr);
bool np_grouping_is(const struct np_grouping *gr, const struct np_view_cfg *cfg);

/* Finds the groups that only the baseline has: nothing of them, and so a hundred percent less. */
int np_grouping_gone(struct np_grouping *gr);

/* A group of ROW's key outside of any grouping, and its end. */
struct np_grp *np_grp_new(const struct np_row *row);
void np_grp_free(struct np_grp *g, struct np_meta *meta);

/* The group of ROW, made where there is none; NULL: out of memory. */
struct np_grp *np_grouping_get(struct np_grouping *gr, const struct np_row *row);
/* These: 0 or -ENOMEM. ROW is a member in update number UPDATE: adds it to what is shown. */
int np_grp_add(struct np_grp *g, const struct np_merge *plan, const struct np_row *row,
	       uint32_t update);
/* ROW has ended and was added to the past: what it did in this interval is shown once more. */
int np_grp_again(struct np_grp *g, const struct np_merge *plan, const struct np_row *row,
		 uint32_t update);
/* ROW has ended: its totals stay, after np_grp_add(); WHOLE: what is of the moment as well. */
int np_grp_past(struct np_grp *g, const struct np_merge *plan, const struct np_row *row,
		bool whole);
/* What is shown of a group that update UPDATE did not add to. */
int np_grp_rest(struct np_grp *g);
/* What it shows is of an interval that was not added to the sums of its run yet. */
void np_grp_run(struct np_grp *g);
void np_run_sums_add(struct np_run_sums *to, const struct np_row *interval);
/* ROW's fields of the last interval become those of the run. */
void np_run_sums_fill(struct np_row *row, const struct np_run_sums *run);
/* Of the groups that UPDATE did not add to, keeps at most KEEP. */
void np_grouping_forget(struct np_grouping *gr, uint32_t update, size_t keep);

#endif
