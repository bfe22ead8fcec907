// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "view/grouping.h"
#include "view/order.h"

struct arg {
	const struct np_view_cfg *cfg;
	const struct np_colctx *ctx;
};

/*
 * What else tells two rows apart, never where they are in memory: a record that is played again
 * shows the same order. Rows that are alike in all this stay as they came (glibc's qsort merges).
 */
static int tell_apart(const struct np_row *a, const struct np_row *b)
{
	size_t from = offsetof(struct np_row, laddr), to = offsetof(struct np_row, state);
	int order = memcmp((const char *)a + from, (const char *)b + from, to - from);

	if (order)
		return order;
	if (a->netns != b->netns)
		return a->netns < b->netns ? -1 : 1;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return 0;
}

/* Unknown values last whichever way; equal ones in an order that does not change by itself. */
static int compare(const void *pa, const void *pb, void *arg)
{
	const struct np_row *a = *(const struct np_row *const *)pa;
	const struct np_row *b = *(const struct np_row *const *)pb;
	const struct arg *by = arg;
	const struct np_view_cfg *cfg = by->cfg;
	int order = np_col_cmp(cfg->sort, a, b, by->ctx);

	if (order) {
		struct np_value va, vb;

		np_col_read(cfg->sort, a, by->ctx, &va);
		np_col_read(cfg->sort, b, by->ctx, &vb);
		if (va.kind <= NP_VAL_MIXED || vb.kind <= NP_VAL_MIXED)
			return va.kind > vb.kind ? -1 : 1;
		return cfg->ascending ? order : -order;
	}
	if (a->tx_bytes + a->rx_bytes != b->tx_bytes + b->rx_bytes)
		return a->tx_bytes + a->rx_bytes > b->tx_bytes + b->rx_bytes ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->lport != b->lport)
		return a->lport < b->lport ? -1 : 1;
	for (size_t i = 0; i < cfg->nby; i++) {
		order = np_col_cmp(cfg->by[i], a, b, by->ctx);
		if (order)
			return order;
	}
	return tell_apart(a, b);
}

static int compare_frozen(const void *pa, const void *pb, void *arg)
{
	const struct np_row *a = *(const struct np_row *const *)pa;
	const struct np_row *b = *(const struct np_row *const *)pb;

	(void)arg;
	if (a->flags & NP_ROW_GROUP) {
		const struct np_grp *ga = (const struct np_grp *)(const void *)a;
		const struct np_grp *gb = (const struct np_grp *)(const void *)b;

		return ga->order < gb->order ? -1 : 1;
	}
	return a->first_ns != b->first_ns ? (a->first_ns < b->first_ns ? -1 : 1) : tell_apart(a, b);
}

/* The best `top` rows to the front, in order: a heap of them, worst on top, goes over the rest
 * once. */
static void heap_down(const struct np_row **rows, size_t i, size_t n, struct arg *by)
{
	for (;;) {
		size_t child = 2 * i + 1;
		const struct np_row *tmp;

		if (child >= n)
			return;
		if (child + 1 < n && compare(&rows[child + 1], &rows[child], by) > 0)
			child++;
		if (compare(&rows[child], &rows[i], by) <= 0)
			return;
		tmp = rows[i];
		rows[i] = rows[child];
		rows[child] = tmp;
		i = child;
	}
}

static void best(const struct np_row **rows, size_t n, size_t top, struct arg *by)
{
	for (size_t i = top / 2; i-- > 0;)
		heap_down(rows, i, top, by);
	for (size_t i = top; i < n; i++) {
		const struct np_row *worst = rows[0];

		if (compare(&rows[i], &worst, by) >= 0)
			continue;
		rows[0] = rows[i];
		rows[i] = worst;
		heap_down(rows, 0, top, by);
	}
}

/* A freeze keeps the order in which the rows stood. */
static void remember(const struct np_row *const *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i]->flags & NP_ROW_GROUP)
			((struct np_grp *)(void *)rows[i])->order = i;
}

size_t np_order(const struct np_view_cfg *cfg, const struct np_colctx *ctx,
		const struct np_row **rows, size_t n)
{
	struct arg by = { cfg, ctx };

	if (!n)
		return 0;
	if (cfg->freeze) {
		qsort_r(rows, n, sizeof(rows[0]), compare_frozen, NULL);
	} else if (cfg->sort) {
		if (cfg->top && cfg->top < n / 4) {
			best(rows, n, cfg->top, &by);
			n = cfg->top;
		}
		qsort_r(rows, n, sizeof(rows[0]), compare, &by);
		remember(rows, n);
	}
	return cfg->top && n > cfg->top ? cfg->top : n;
}
