// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* How rows add up to a group: a plan made once from the columns in use, applied to each member. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hist.h"
#include "flow/detail.h"
#include "flow/l7.h"
#include "view/col.h"

enum op { ADD64, ADD32, MIN32, MIN64, MAX32, MEAN32 };

static void add_op(struct np_merge *plan, uint16_t off, enum op op)
{
	for (size_t i = 0; i < plan->nops; i++)
		if (plan->ops[i].off == off)
			return;
	if (plan->nops == sizeof(plan->ops) / sizeof(plan->ops[0]))
		return;
	plan->ops[plan->nops] = (struct np_merge_op){ off, (uint8_t)op };
	/* 64-bit sums, which are most, stand first */
	if (op == ADD64) {
		struct np_merge_op first = plan->ops[plan->nsums];

		plan->ops[plan->nsums++] = plan->ops[plan->nops];
		plan->ops[plan->nops] = first;
	}
	plan->nops++;
}

void np_merge_init(struct np_merge *plan)
{
	/* the title line, the share and the fate of a group need these whatever is shown */
	static const uint16_t always[] = {
		offsetof(struct np_row, tx_bytes), offsetof(struct np_row, rx_bytes),
		offsetof(struct np_row, d_tx),     offsetof(struct np_row, d_rx),
		offsetof(struct np_row, tx_segs),
	};
	static const uint16_t counts[] = {
		offsetof(struct np_row, conns),
		offsetof(struct np_row, opened),
		offsetof(struct np_row, ended),
		offsetof(struct np_row, events),
	};

	plan->nops = plan->nsums = plan->nsame = 0;
	plan->hists = 0;
	plan->seen = false;
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add_op(plan, always[i], ADD64);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		add_op(plan, counts[i], ADD32);
}

void np_merge_add(struct np_merge *plan, const struct np_col *col)
{
	col = np_col_base(col);
	switch (col->agg) {
	case NP_AGG_SAME:
		for (size_t i = 0; i < plan->nsame; i++)
			if (plan->same[i] == col)
				return;
		if (col->via != NP_IN_VIEW &&
		    plan->nsame < sizeof(plan->same) / sizeof(plan->same[0]))
			plan->same[plan->nsame++] = col;
		break;
	case NP_AGG_SUM:
		if (col->type == NP_TYPE_FLOAT || col->type == NP_TYPE_PERCENT)
			return; /* the view's own, made for each row after the sums */
		if (col->via == NP_IN_DETAIL) {
			plan->seen = true;
			return;
		}
		/* fall through */
	case NP_AGG_RATIO:
	case NP_AGG_PART:
		add_op(plan, col->off, col->size == 4 ? ADD32 : ADD64);
		if (!col->size)
			add_op(plan, col->off2, ADD64);
		break;
	case NP_AGG_MIN:
		add_op(plan, col->off, col->size == 4 ? MIN32 : MIN64);
		break;
	case NP_AGG_MAX:
		if (col->type != NP_TYPE_FLAG) /* flags are merged always */
			add_op(plan, col->off, MAX32);
		break;
	case NP_AGG_MEAN:
		add_op(plan, col->off, MEAN32);
		break;
	case NP_AGG_HIST:
		plan->hists |=
		    1U << ((col->off - offsetof(struct np_detail, hist)) / sizeof(void *));
		break;
	}
}

void np_merge_begin(struct np_group_row *g, const struct np_row *first)
{
	const uint16_t keep = NP_ROW_IFACE | NP_ROW_UP | NP_ROW_NO_RETR | NP_ROW_NO_BYTES |
			      NP_ROW_EVENT | NP_ROW_LISTEN | NP_ROW_PACKETS;

	memset(g, 0, sizeof(*g));
	/* who and where: whatever members do not share is marked as they come */
	memcpy(&g->row, first, offsetof(struct np_row, tx_bytes));
	g->row.flags = (uint16_t)((first->flags & keep) | NP_ROW_GROUP);
	g->row.detail = NULL;
}

static void min64(uint64_t *a, uint64_t b)
{
	if (b && (!*a || b < *a))
		*a = b;
}

static void min32(uint32_t *a, uint32_t b)
{
	if (b && (!*a || b < *a))
		*a = b;
}

/* The mean itself in full precision: rounded at each of many members, it would stand still. */
static void mean32(struct np_group_row *g, uint16_t off, uint32_t b, uint64_t weight)
{
	double *mean = &g->means[off == offsetof(struct np_row, rtt_us) ? 0 : 1];
	uint32_t *to = (uint32_t *)(void *)((char *)&g->row + off);

	if (!weight)
		return;
	*mean += ((double)b - *mean) * (double)weight / (double)(g->mean_weight + weight);
	*to = (uint32_t)(*mean + 0.5);
}

static void mix(const struct np_merge *plan, struct np_group_row *g, const struct np_row *m)
{
	for (size_t i = 0; i < plan->nsame; i++) {
		size_t c = (size_t)(plan->same[i] - np_cols);

		if (g->mixed[c / 64] & (1ULL << (c % 64)))
			continue;
		if (!np_col_same(plan->same[i], &g->row, m))
			g->mixed[c / 64] |= 1ULL << (c % 64);
	}
}

/* A group's detail is its own: the identity of the first member and merged histograms. */
static struct np_detail *own_detail(struct np_group_row *g)
{
	if (!g->own)
		g->own = calloc(1, sizeof(*g->own));
	g->row.detail = g->own;
	return g->own;
}

static struct np_hist *own_hist(struct np_group_row *g, int kind)
{
	struct np_detail *d = own_detail(g);

	if (d && !d->hist[kind])
		d->hist[kind] = calloc(1, sizeof(struct np_hist));
	return d ? d->hist[kind] : NULL;
}

static int merge_hists(const struct np_merge *plan, struct np_group_row *g, const struct np_row *m)
{
	for (int i = 0; i < NP_HIST_KINDS && m->detail; i++) {
		struct np_hist *to;

		if (!(plan->hists & 1U << i) || !m->detail->hist[i])
			continue;
		to = own_hist(g, i);
		if (!to || np_hist_merge(to, m->detail->hist[i]))
			return -ENOMEM;
	}
	return 0;
}

static int merge_seen(struct np_group_row *g, const struct np_row *m)
{
	struct np_detail *d = m->detail ? own_detail(g) : NULL;

	if (!d)
		return m->detail ? -ENOMEM : 0;
	d->seen.rx_retrans += m->detail->seen.rx_retrans;
	d->seen.rx_retrans_bytes += m->detail->seen.rx_retrans_bytes;
	d->seen.tx_wire += m->detail->seen.tx_wire;
	d->seen.rx_wire += m->detail->seen.rx_wire;
	return 0;
}

/* The scalars of the first member: identity columns read them, `mixed` says where they differ. */
int np_merge_identity(struct np_group_row *g, const struct np_detail *from)
{
	struct np_hist *hist[NP_HIST_KINDS];
	struct np_detail *d = own_detail(g);
	struct np_l7_name *l7;
	struct np_seen seen;

	if (!d)
		return -ENOMEM;
	l7 = d->l7;
	seen = d->seen;
	memcpy(hist, d->hist, sizeof(hist));
	*d = *from;
	memcpy(d->hist, hist, sizeof(hist));
	d->seen = seen;
	if (from->l7 && !l7)
		l7 = malloc(sizeof(*l7));
	if (from->l7 && l7)
		*l7 = *from->l7;
	d->l7 = from->l7 ? l7 : NULL;
	if (!from->l7)
		free(l7);
	return 0;
}

int np_merge_copy(struct np_group_row *to, const struct np_group_row *from)
{
	struct np_detail *own = to->own;
	int err = 0;

	*to = *from;
	to->own = own;
	to->row.detail = own;
	for (int i = 0; own && i < NP_HIST_KINDS; i++)
		if (own->hist[i])
			np_hist_reset(own->hist[i]);
	if (own)
		own->seen = (struct np_seen){ 0 };
	if (!from->own)
		return 0;
	err = np_merge_identity(to, from->own);
	if (!err)
		to->own->seen = from->own->seen;
	for (int i = 0; !err && i < NP_HIST_KINDS; i++) {
		struct np_hist *hist = from->own->hist[i] ? own_hist(to, i) : NULL;

		if (from->own->hist[i])
			err = hist ? np_hist_merge(hist, from->own->hist[i]) : -ENOMEM;
	}
	return err;
}

void np_merge_end(struct np_group_row *g)
{
	for (int i = 0; g->own && i < NP_HIST_KINDS; i++) {
		if (g->own->hist[i])
			np_hist_free(g->own->hist[i]);
		free(g->own->hist[i]);
	}
	if (g->own)
		free(g->own->l7);
	free(g->own);
	g->own = NULL;
	g->row.detail = NULL;
}

/* What stands behind a member's means; a group brings that of its own members. */
static uint64_t weight_of(const struct np_row *m)
{
	if (m->flags & NP_ROW_GROUP)
		return ((const struct np_group_row *)(const void *)m)->mean_weight;
	return m->rtt_us ? m->tx_segs + 1 : 0;
}

int np_merge_row(const struct np_merge *plan, struct np_group_row *g, const struct np_row *m)
{
	const uint16_t all_have = NP_ROW_NO_RETR | NP_ROW_NO_BYTES;
	uint64_t weight = weight_of(m);

	for (size_t i = 0; i < plan->nsums; i++)
		*(uint64_t *)(void *)((char *)&g->row + plan->ops[i].off) +=
		    *(const uint64_t *)(const void *)((const char *)m + plan->ops[i].off);
	for (size_t i = plan->nsums; i < plan->nops; i++) {
		void *to = (char *)&g->row + plan->ops[i].off;
		const void *from = (const char *)m + plan->ops[i].off;

		switch ((enum op)plan->ops[i].op) {
		case ADD64: /* done above */
			break;
		case ADD32:
			*(uint32_t *)to += *(const uint32_t *)from;
			break;
		case MIN32:
			min32(to, *(const uint32_t *)from);
			break;
		case MIN64:
			min64(to, *(const uint64_t *)from);
			break;
		case MAX32:
			if (*(const uint32_t *)from > *(uint32_t *)to)
				*(uint32_t *)to = *(const uint32_t *)from;
			break;
		case MEAN32:
			mean32(g, plan->ops[i].off, *(const uint32_t *)from, weight);
			break;
		}
	}
	g->mean_weight += weight;
	g->row.flags |= m->flags & NP_ROW_ACTIVE;
	g->row.flags &= (uint16_t)(~all_have | m->flags);
	mix(plan, g, m);
	if (plan->seen && merge_seen(g, m))
		return -ENOMEM;
	return plan->hists ? merge_hists(plan, g, m) : 0;
}
