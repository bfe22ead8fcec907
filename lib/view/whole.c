// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "view/whole.h"

struct sums {
	uint64_t d_tx, d_rx, d_tx_segs, d_rx_segs, d_sent, d_retrans_bytes;
	uint32_t opened, ended;
};

int np_whole_add(struct np_whole *whole, const struct np_row *row)
{
	uint64_t key = (uint64_t)(uintptr_t)row;
	struct sums *sums = np_map_del(&whole->before, key);

	if (!sums)
		sums = calloc(1, sizeof(*sums));
	if (!sums)
		return -ENOMEM;
	sums->d_tx += row->d_tx;
	sums->d_rx += row->d_rx;
	sums->d_tx_segs += row->d_tx_segs;
	sums->d_rx_segs += row->d_rx_segs;
	sums->d_sent += row->d_sent;
	sums->d_retrans_bytes += row->d_retrans_bytes;
	sums->opened += row->opened;
	sums->ended += row->ended;
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
	const struct sums *sums = np_map_get(&whole->now, key);

	if (!sums)
		sums = np_map_get(&whole->before, key);
	if (!sums)
		return;
	copy->d_tx = sums->d_tx;
	copy->d_rx = sums->d_rx;
	copy->d_tx_segs = sums->d_tx_segs;
	copy->d_rx_segs = sums->d_rx_segs;
	copy->d_sent = sums->d_sent;
	copy->d_retrans_bytes = sums->d_retrans_bytes;
	copy->opened = sums->opened;
	copy->ended = sums->ended;
}

void np_whole_free(struct np_whole *whole)
{
	empty(&whole->now);
	empty(&whole->before);
}
