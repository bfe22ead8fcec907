// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netprobe.skel.h"
#include "source/times.h"

#define BATCH 1024
#define TRIES 4

/* np_hist_key() of the kernel side */
static uint64_t hist_key(uint64_t cookie, uint8_t kind)
{
	return cookie << 2 | kind;
}

static int hists(const struct np_source *src)
{
	return bpf_map__fd(src->bpf->maps.np_hists);
}

void np_times_drop(struct np_source *src, uint64_t cookie, uint8_t kind)
{
	uint64_t key = hist_key(cookie, kind);

	bpf_map_delete_elem(hists(src), &key);
}

static void count_sample(struct np_buckets *b, uint32_t us)
{
	uint32_t *n = &b->n[np_hist_bucket(us)];

	if (*n != UINT32_MAX)
		(*n)++;
	b->count++;
	b->sum += us;
	if (us < b->min)
		b->min = us;
	if (us > b->max)
		b->max = us;
}

/* R and H, which holds what was flushed, become one record. */
static void emit_hist(struct np_source *src, const struct np_ev_samples *r, struct np_ev_hist *h)
{
	h->hdr =
	    (struct np_ev_hdr){ .type = NP_EV_HIST, .size = sizeof(*h), .flags = r->hdr.flags };
	h->cookie = r->cookie;
	h->kind = r->kind;
	h->side = r->side;
	h->discarded = r->s.discarded;
	h->pad = 0;
	for (uint32_t i = 0; i < r->s.n && i < NP_SAMPLES; i++)
		count_sample(&h->b, r->s.us[i]);
	np_source_emit(src, h, sizeof(*h));
}

static void emit_last(struct np_source *src, const struct np_ev_samples *r)
{
	uint64_t key = hist_key(r->cookie, r->kind);
	struct np_ev_hist h;

	if (!r->s.flushed) {
		np_source_emit(src, r, sizeof(*r));
	} else if (!bpf_map_lookup_elem(hists(src), &key, &h.b)) {
		bpf_map_delete_elem(hists(src), &key);
		emit_hist(src, r, &h);
	} else {
		src->read_errors++;
	}
}

static void emit_end(struct np_source *src, const struct np_ev_end_rtt *both)
{
	struct np_ev_samples r = {
		.hdr = { .type = NP_EV_SAMPLES, .size = sizeof(r), .flags = NP_EV_F_LAST },
		.cookie = both->end.sock.cookie,
		.kind = NP_TIME_RTT,
		.s = both->rtt,
	};
	struct np_ev_end end = both->end;

	end.sock.hdr.size = sizeof(end);
	np_source_emit(src, &end, sizeof(end));
	if (r.s.flushed || r.s.n || r.s.discarded)
		emit_last(src, &r);
}

bool np_times_ring(struct np_source *src, const struct np_ev_hdr *hdr)
{
	if (hdr->type == NP_EV_SAMPLES)
		emit_last(src, (const void *)hdr);
	else if (hdr->type == NP_EV_SOCK_END && hdr->size == sizeof(struct np_ev_end_rtt))
		emit_end(src, (const void *)hdr);
	else
		return false;
	return true;
}

/* Reads R's histogram into H; false: its socket has closed, and the last record will come. */
static bool read_hist(struct np_source *src, const struct np_times *t, struct np_ev_samples *r,
		      const void *map_key, char *value, struct np_ev_hist *h)
{
	uint64_t key = hist_key(r->cookie, t->kind);

	for (int i = 0; i < TRIES; i++) {
		if (bpf_map_lookup_elem(hists(src), &key, &h->b))
			return false;
		if ((uint32_t)h->b.count == r->s.flushed)
			return true;
		/* flushed between the two reads */
		if (bpf_map_lookup_elem(t->map, map_key, value))
			return false;
		memcpy(&r->s, value + t->at, sizeof(r->s));
	}
	/* so many at once that the newest few may wait for the next refresh */
	r->s.n = 0;
	return true;
}

void np_times_emit(struct np_source *src, const struct np_times *t, const void *key,
		   uint64_t cookie, void *value)
{
	struct np_ev_samples r = {
		.hdr = { .type = NP_EV_SAMPLES, .size = sizeof(r) },
		.cookie = cookie,
		.kind = t->kind,
		.side = t->side ? ((uint8_t *)value)[t->side] : NP_SIDE_NONE,
	};
	struct np_ev_hist h;

	memcpy(&r.s, (char *)value + t->at, sizeof(r.s));
	/* of the refresh that begins or of the one before: else nothing is new */
	if ((uint8_t)(src->refresh - r.s.tick) > 1 || (!r.s.flushed && !r.s.n && !r.s.discarded))
		return;
	if (!r.s.flushed)
		np_source_emit(src, &r, sizeof(r));
	else if (read_hist(src, t, &r, key, value, &h))
		emit_hist(src, &r, &h);
}

void np_times_begin(struct np_source *src)
{
	src->bpf->bss->np_tick = (uint8_t)src->refresh;
}

int np_times_emit_all(struct np_source *src, const struct np_times *kinds, size_t n)
{
	size_t size = kinds->value;
	uint64_t *keys = calloc(BATCH, sizeof(*keys));
	char *vals = calloc(BATCH, size);
	uint32_t cursor = 0, next = 0, count;
	bool first = true;
	int err = keys && vals ? 0 : -ENOMEM;

	while (!err) {
		count = BATCH;
		/* a bucket comes whole: ENOSPC only where one holds more than the room here */
		err = bpf_map_lookup_batch(kinds->map, first ? NULL : &cursor, &next, keys, vals,
					   &count, NULL);
		if (err && errno != ENOENT)
			break;
		for (uint32_t i = 0; i < count; i++)
			for (size_t k = 0; k < n; k++)
				np_times_emit(src, &kinds[k], &keys[i], keys[i], vals + i * size);
		cursor = next;
		first = false;
	}
	if (err && errno != ENOENT)
		src->read_errors++;
	free(keys);
	free(vals);
	return 0;
}

void np_times_clear(struct np_source *src, const struct np_times *kinds, size_t n)
{
	uint64_t cookie;

	while (!bpf_map_get_next_key(kinds->map, NULL, &cookie)) {
		for (size_t k = 0; k < n; k++)
			np_times_drop(src, cookie, kinds[k].kind);
		if (bpf_map_delete_elem(kinds->map, &cookie))
			break;
	}
}
