// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "view/grouping.h"
#include "view/whole.h"

int np_whole_add(struct np_whole *whole, const struct np_row *row)
{
	uint64_t key = (uint64_t)(uintptr_t)row;
	struct np_run_sums *sums = np_map_del(&whole->before, key);

	if (!sums)
		sums = calloc(1, sizeof(*sums));
	if (!sums)
		return -ENOMEM;
	np_run_sums_add(sums, row);
	if (!np_map_put(&whole->now, key, sums))
		return 0;
	free(sums);
	return -ENOMEM;
}

static void empty(struct np_map *map)
{
	np_map_foreach (map, slot)
		free(slot->val);
	np_map_free(map);
}

void np_whole_next(struct np_whole *whole)
{
	empty(&whole->before);
	whole->before = whole->now;
	whole->now = (struct np_map){ 0 };
	/* it will be as large again: growing is most of what this costs */
	np_map_reserve(&whole->now, whole->before.count);
}

void np_whole_fill(const struct np_whole *whole, const struct np_row *row, struct np_row *copy)
{
	uint64_t key = (uint64_t)(uintptr_t)row;
	const struct np_run_sums *sums = np_map_get(&whole->now, key);

	if (!sums)
		sums = np_map_get(&whole->before, key);
	if (sums)
		np_run_sums_fill(copy, sums);
}

void np_whole_free(struct np_whole *whole)
{
	empty(&whole->now);
	empty(&whole->before);
}
