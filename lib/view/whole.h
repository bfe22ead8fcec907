/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the fields of the interval (np_row.d_*, opened, ended) add up to over a run, for each row of
 * a view that lives on from look to look. A row is known by its address, which is its own from one
 * look to the next; a zeroed struct is empty, np_whole_free() empties it.
 */
#ifndef NP_WHOLE_H
#define NP_WHOLE_H

#include "base/map.h"
#include "flow/row.h"

struct np_whole {
	struct np_map now, before; /* row -> struct np_run_sums; of this look, of the one before */
};

/* ROW is in this look, once; 0 or -ENOMEM. */
int np_whole_add(struct np_whole *whole, const struct np_row *row);
/* The look is over: rows that were not in it are forgotten. */
void np_whole_next(struct np_whole *whole);
/* COPY, a copy of ROW, has the sums of the run in place of the interval's. */
void np_whole_fill(const struct np_whole *whole, const struct np_row *row, struct np_row *copy);
void np_whole_free(struct np_whole *whole);

#endif
