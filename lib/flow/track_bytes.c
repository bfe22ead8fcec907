// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which bytes of a direction were seen: all below `high` but those in its gaps. */
#include <stdlib.h>
#include <string.h>

#include "flow/track.h"

#define MAX_GAPS 64

static bool more_room(struct np_half *half)
{
	uint8_t room = half->gap_room ? (uint8_t)(2 * half->gap_room) : 4;
	struct np_gap *gaps;

	if (half->gap_room >= MAX_GAPS)
		return false;
	gaps = realloc(half->gaps, room * sizeof(*gaps));
	if (!gaps)
		return false;
	half->gaps = gaps;
	half->gap_room = room;
	return true;
}

static void drop(struct np_half *half, unsigned int i)
{
	half->ngaps--;
	memmove(&half->gaps[i], &half->gaps[i + 1], (half->ngaps - i) * sizeof(half->gaps[0]));
}

/* A gap at place I. Where too many are open the oldest is given up: what fills it is not counted.
 */
static void insert(struct np_flows *flows, struct np_half *half, unsigned int i, struct np_gap gap)
{
	if (half->ngaps == half->gap_room && !more_room(half)) {
		flows->stats.gaps_given_up++;
		if (!half->ngaps || !i)
			return;
		drop(half, 0);
		i--;
	}
	memmove(&half->gaps[i + 1], &half->gaps[i], (half->ngaps - i) * sizeof(half->gaps[0]));
	half->gaps[i] = gap;
	half->ngaps++;
}

/* What [FROM, TO) fills of gap I; the next one to look at is told by *I. */
static uint32_t fill(struct np_flows *flows, struct np_half *half, unsigned int *i, uint32_t from,
		     uint32_t to)
{
	struct np_gap *gap = &half->gaps[*i], rest;

	if (np_seq_before(from, gap->from))
		from = gap->from;
	if (np_seq_before(gap->to, to))
		to = gap->to;
	if (!np_seq_before(from, to)) {
		++*i;
		return 0;
	}
	rest = (struct np_gap){ to, gap->to };
	gap->to = from;
	if (gap->from == from)
		drop(half, *i);
	else
		++*i;
	if (rest.from != rest.to) {
		unsigned int had = half->ngaps;

		insert(flows, half, *i, rest);
		*i += half->ngaps > had;
	}
	return to - from;
}

uint32_t np_track_fresh(struct np_flows *flows, struct np_half *half, uint32_t seq, uint32_t len)
{
	uint32_t end = seq + len, fresh = 0;

	if (!len)
		return 0;
	if (!half->has_high) {
		/* what comes first may not be the first: an ACK may have said where they begin */
		bool later = half->has_base && np_seq_before(half->base + 1, seq);

		half->has_high = true;
		half->high = later ? half->base + 1 : seq;
	}
	for (unsigned int i = 0; i < half->ngaps && np_seq_before(seq, half->high);)
		fresh += fill(flows, half, &i, seq, end);
	if (!np_seq_before(half->high, end))
		return fresh;
	if (np_seq_before(half->high, seq)) {
		insert(flows, half, half->ngaps, (struct np_gap){ half->high, seq });
		half->high = seq;
	}
	fresh += end - half->high;
	half->high = end;
	return fresh;
}

bool np_track_seen(const struct np_half *half, uint32_t seq, uint32_t len)
{
	if (!len || !half->has_high || np_seq_before(half->high, seq + len))
		return false;
	for (unsigned int i = 0; i < half->ngaps; i++)
		if (np_seq_before(seq, half->gaps[i].to) &&
		    np_seq_before(half->gaps[i].from, seq + len))
			return false;
	return true;
}
