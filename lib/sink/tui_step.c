// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "sink/tui_step.h"

#define MS 1000000ULL

uint64_t np_step_interval(uint64_t ns, int dir)
{
	static const uint64_t steps[] = { 100 * MS,  200 * MS,   500 * MS,   1000 * MS, 2000 * MS,
					  5000 * MS, 10000 * MS, 30000 * MS, 60000 * MS };
	const size_t n = sizeof(steps) / sizeof(steps[0]);

	if (dir > 0) {
		for (size_t i = 0; i < n; i++)
			if (steps[i] > ns)
				return steps[i];
	} else {
		for (size_t i = n; i-- > 0;)
			if (steps[i] < ns)
				return steps[i];
	}
	return ns;
}

int np_step_index(const struct np_view_cfg *cfg, const struct np_col *col)
{
	for (size_t i = 0; i < cfg->ncols; i++)
		if (cfg->cols[i] == col)
			return (int)i;
	return -1;
}

void np_step_sort_by(struct np_view_cfg *cfg, const struct np_col *col)
{
	np_view_sort(cfg, col->name, NULL);
}

bool np_step_sort(struct np_view_cfg *cfg, int dir)
{
	int at = np_step_index(cfg, cfg->sort), to;

	if (!cfg->ncols)
		return false;
	/* sorted by a column that is not shown: in from the end that the key points away from */
	to = at >= 0 ? at + dir : dir > 0 ? 0 : (int)cfg->ncols - 1;
	if (to < 0 || to >= (int)cfg->ncols)
		return false;
	np_step_sort_by(cfg, cfg->cols[to]);
	return true;
}

const char *const np_step_avg_names[NP_NAVG] = { "of the last interval", "averaged over 2 s",
						 "averaged over 10 s", "averaged over 40 s" };

static const char *const rates[2][NP_NAVG] = {
	{ "tx_rate", "tx_avg2", "tx_avg10", "tx_avg40" },
	{ "rx_rate", "rx_avg2", "rx_avg10", "rx_avg40" },
};

/* Which of the two rates COL is, and over what time; false for other columns. */
static bool rate_of(const struct np_col *col, size_t *way, enum np_step_avg *avg)
{
	for (size_t w = 0; col && w < 2; w++) {
		for (unsigned int a = 0; a < NP_NAVG; a++) {
			if (strcmp(col->name, rates[w][a]))
				continue;
			*way = w;
			*avg = (enum np_step_avg)a;
			return true;
		}
	}
	return false;
}

enum np_step_avg np_step_avg_get(const struct np_view_cfg *cfg)
{
	enum np_step_avg avg;
	size_t way;

	for (size_t i = 0; i < cfg->ncols; i++)
		if (rate_of(cfg->cols[i], &way, &avg))
			return avg;
	return NP_AVG_NOW;
}

bool np_step_avg_set(struct np_view_cfg *cfg, enum np_step_avg avg)
{
	enum np_step_avg was = np_step_avg_get(cfg), has;
	bool any = false;
	size_t way;

	for (size_t i = 0; i < cfg->ncols; i++) {
		const struct np_col *to;

		/* only those that are of the present time: a user may show several beside each
		 * other */
		if (!rate_of(cfg->cols[i], &way, &has) || has != was)
			continue;
		to = np_col_find(rates[way][avg]);
		if (to && (to == cfg->cols[i] || np_step_index(cfg, to) < 0))
			cfg->cols[i] = to;
		any = true;
	}
	if (any && rate_of(cfg->sort, &way, &has) && has == was)
		cfg->sort = np_col_find(rates[way][avg]);
	return any;
}

bool np_step_toggle(struct np_view_cfg *cfg, const struct np_col *col)
{
	int at = np_step_index(cfg, col);

	if (at < 0) {
		if (cfg->ncols == NP_MAX_COLS)
			return false;
		cfg->cols[cfg->ncols++] = col;
		return true;
	}
	if (cfg->ncols == 1)
		return false;
	cfg->ncols--;
	for (size_t i = (size_t)at; i < cfg->ncols; i++)
		cfg->cols[i] = cfg->cols[i + 1];
	return true;
}

bool np_step_place(struct np_view_cfg *cfg, const struct np_col *col, int dir)
{
	int at = np_step_index(cfg, col), to = at + dir;

	if (at < 0 || to < 0 || to >= (int)cfg->ncols)
		return false;
	cfg->cols[at] = cfg->cols[to];
	cfg->cols[to] = col;
	return true;
}

static void drop(struct np_view_cfg *cfg, const char *name)
{
	const struct np_col *col = np_col_find(name);

	if (col && np_step_index(cfg, col) >= 0)
		np_step_toggle(cfg, col);
}

void np_step_drop_keys(struct np_view_cfg *cfg, const struct np_view_cfg *of)
{
	/* what follows from a key is as constant as the key */
	static const char *const also[][2] = { { "pid", "comm" },
					       { "pid", "command" },
					       { "uid", "user" },
					       { "container_id", "container" } };

	for (size_t i = 0; i < of->nby; i++) {
		drop(cfg, of->by[i]->name);
		for (size_t k = 0; k < sizeof(also) / sizeof(also[0]); k++)
			if (!strcmp(of->by[i]->name, also[k][0]))
				drop(cfg, also[k][1]);
	}
}

size_t np_step_group(const struct np_view_cfg *cfg)
{
	return cfg->group ? (size_t)(cfg->group - np_groups) : np_ngroups;
}

void np_step_carry(struct np_view_cfg *cfg, const struct np_view_cfg *from)
{
	cfg->top = from->top;
	cfg->all = from->all;
	cfg->active_only = from->active_only;
	cfg->freeze = from->freeze;
	cfg->where = from->where;
	cfg->filter = from->filter;
	cfg->whose = from->whose;
}
