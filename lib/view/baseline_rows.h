/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The inside of a baseline: baseline_read.c fills it, baseline.c finds in it. Internal to view/.
 */
#ifndef NP_BASELINE_ROWS_H
#define NP_BASELINE_ROWS_H

#include "base/hist.h"
#include "base/map.h"
#include "flow/detail.h"
#include "view/baseline.h"

struct np_base_row {
	struct np_group_row g; /* first: what is handed out leads here */
	struct np_kept kept;
	struct np_detail detail;
	struct np_hist hists[NP_HIST_KINDS];
	struct np_base_row *chain; /* same hash */
	bool seen;
};

struct np_baseline {
	struct np_baseline_info info;
	char *texts[8]; /* of info */
	size_t ntexts;
	uint16_t kind;
	const struct np_col *by[NP_MAX_BY];
	size_t nby;
	struct np_colctx ctx;
	struct np_base_row total;
	struct np_base_row conns;  /* of a log: all connections; flags of its row 0: not kept */
	struct np_base_row **rows; /* each of its own: groups point to them */
	const struct np_row **list;
	size_t n;
	size_t buckets; /* that histograms hold, in all */
	struct np_map map;
};

uint64_t np_base_hash(const char *const *keys, size_t n);
/* The row of these keys (NULL: unknown), which have that hash; NULL: there is none. */
struct np_base_row *np_base_row(const struct np_baseline *base, const char *const *keys,
				uint64_t hash);

#endif
