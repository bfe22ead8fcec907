// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-link (see link_main.c): one direction. A frame that is neither lost nor too much waits
 * for the rate, as behind a slow interface, then for the delay, as on a long wire.
 */
#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MILLION 1000000U
#define SECOND  1000000000ULL

uint64_t link_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* splitmix64: the same seed, the same losses. */
static uint64_t random_next(struct link_path *path)
{
	uint64_t z = path->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static bool chance(struct link_path *path, uint32_t millionths)
{
	return millionths && random_next(path) % MILLION < millionths;
}

static bool earlier(const struct link_frame *a, const struct link_frame *b)
{
	return a->deadline != b->deadline ? a->deadline < b->deadline : a->seq < b->seq;
}

static void heap_push(struct link_path *path, struct link_frame *frame)
{
	uint32_t i = path->queued++;

	while (i && earlier(frame, path->heap[(i - 1) / 2])) {
		path->heap[i] = path->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	path->heap[i] = frame;
}

static struct link_frame *heap_pop(struct link_path *path)
{
	struct link_frame *first = path->heap[0], *last = path->heap[--path->queued];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < path->queued) {
		if (child + 1 < path->queued && earlier(path->heap[child + 1], path->heap[child]))
			child++;
		if (earlier(last, path->heap[child]))
			break;
		path->heap[i] = path->heap[child];
		i = child;
	}
	path->heap[i] = last;
	return first;
}

/* LIMIT frames under way and a batch to read into: taking one in never lacks room. */
int link_path_open(struct link_path *path, uint32_t limit, uint64_t seed)
{
	const uint32_t count = limit + LINK_BATCH;

	path->limit = limit;
	path->random = seed;
	path->pool = calloc(count, sizeof(*path->pool));
	path->free = calloc(count, sizeof(struct link_frame *));
	path->heap = calloc(limit, sizeof(struct link_frame *));
	if (!path->pool || !path->free || !path->heap)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		path->free[path->free_count++] = &path->pool[i];
	for (uint32_t i = 0; i < LINK_BATCH; i++)
		path->spare[i] = path->free[--path->free_count];
	return 0;
}

void link_path_close(struct link_path *path)
{
	free(path->pool);
	free((void *)path->free);
	free((void *)path->heap);
}

/* Frames keep their order but for those that are held back, whatever jitter and settings do. */
static uint64_t deadline(struct link_path *path, uint64_t arrival, uint32_t len)
{
	uint64_t t = arrival;

	if (path->rate) {
		if (t < path->busy_until)
			t = path->busy_until;
		t += len * 8ULL * SECOND / path->rate;
		path->busy_until = t;
	}
	uint64_t delay = path->delay;
	if (path->jitter) {
		delay += random_next(path) % (2 * path->jitter + 1);
		delay = delay > path->jitter ? delay - path->jitter : 0;
	}
	t += delay;
	if (chance(path, path->reorder))
		return t + path->hold;
	if (t < path->last_deadline)
		t = path->last_deadline;
	path->last_deadline = t;
	return t;
}

/* Rules first, so that they count the same frames whatever else is lost. */
static bool is_lost(struct link *link, enum link_dir dir, const struct link_frame *frame)
{
	struct link_path *path = &link->path[dir];
	enum link_kind kind;

	if (link_rules_drop(&link->rules, dir, frame->data, frame->len, &kind)) {
		path->n.rule++;
		path->n.kinds[kind]++;
	} else if (path->blocked) {
		path->n.blocked++;
	} else if (chance(path, path->loss)) {
		path->n.lost++;
	} else if (path->queued >= path->limit) {
		path->n.overflow++;
	} else {
		return false;
	}
	return true;
}

void link_path_take(struct link *link, enum link_dir dir, uint32_t i, uint64_t arrival)
{
	struct link_path *path = &link->path[dir];
	struct link_frame *frame = path->spare[i];

	path->n.received++;
	if (frame->len > LINK_FRAME_MAX) {
		path->n.oversize++;
		return;
	}
	if (is_lost(link, dir, frame))
		return;
	frame->deadline = deadline(path, arrival, frame->len);
	frame->seq = path->next_seq++;
	heap_push(path, frame);
	path->spare[i] = path->free[--path->free_count];
}

static void send_frame(struct link_path *path, const struct link_frame *frame, uint64_t now)
{
	struct link_counts *n = &path->n;
	uint64_t late = now - frame->deadline;

	if (send(path->out, frame->data, frame->len, MSG_DONTWAIT) != (ssize_t)frame->len) {
		n->failed++;
		return;
	}
	n->forwarded++;
	n->late_sum += late;
	n->late_50us += late > 50000;
	if (late > n->late_max)
		n->late_max = late;
	if (frame->len > n->longest)
		n->longest = frame->len;
	if (frame->seq < path->next_out)
		n->reordered++;
	else
		path->next_out = frame->seq + 1;
}

uint64_t link_path_send(struct link_path *path, uint64_t now)
{
	for (int i = 0; i < LINK_BATCH && path->queued; i++) {
		if (path->heap[0]->deadline > now)
			break;
		struct link_frame *frame = heap_pop(path);
		send_frame(path, frame, now);
		path->free[path->free_count++] = frame;
		/* Each has its own: a send takes the receiver's whole way up to its socket. */
		now = link_now();
	}
	return path->queued ? path->heap[0]->deadline : UINT64_MAX;
}
