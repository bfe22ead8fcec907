/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a key changes in the settings of a view, a step at a time. Nothing is owned. */
#ifndef NP_TUI_STEP_H
#define NP_TUI_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "view/view.h"

/* The next longer (DIR 1) or shorter (-1) of the steps 0.1 to 60 s; NS itself at the end. */
uint64_t np_step_interval(uint64_t ns, int dir);
/* The sort column DIR places further among those shown; false at the end. */
bool np_step_sort(struct np_view_cfg *cfg, int dir);
/* Sorts by COL in the direction that suits it. */
void np_step_sort_by(struct np_view_cfg *cfg, const struct np_col *col);

/* Rates of the interval, or moving averages. */
enum np_step_avg { NP_AVG_NOW, NP_AVG_2, NP_AVG_10, NP_AVG_40, NP_NAVG };
extern const char *const np_step_avg_names[NP_NAVG];
/* Shows the rate columns as AVG, the sort column too; false where there are none. */
bool np_step_avg_set(struct np_view_cfg *cfg, enum np_step_avg avg);
enum np_step_avg np_step_avg_get(const struct np_view_cfg *cfg);

/* Adds COL to the end, or takes it away; false where it is the last or there is no room. */
bool np_step_toggle(struct np_view_cfg *cfg, const struct np_col *col);
/* Moves COL DIR places in the table; false where it cannot. */
bool np_step_place(struct np_view_cfg *cfg, const struct np_col *col, int dir);
/* Position of COL in the table, or -1. */
int np_step_index(const struct np_view_cfg *cfg, const struct np_col *col);

/* Takes the columns away that say of every row what the group CFG is of says already. */
void np_step_drop_keys(struct np_view_cfg *cfg, const struct np_view_cfg *of);

/* Position in np_groups, np_ngroups for columns of the user's own. */
size_t np_step_group(const struct np_view_cfg *cfg);
/* What holds whatever the grouping is: filters and switches, from FROM. */
void np_step_carry(struct np_view_cfg *cfg, const struct np_view_cfg *from);

#endif
