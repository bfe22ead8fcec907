// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The rows of a baseline, found by their keys. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/baseline_rows.h"

#define IN(field) offsetof(struct np_group_row, field), sizeof(((struct np_group_row *)0)->field)
#define SAME(name)                                \
	{                                         \
#name, IN(row.name), IN(row.name) \
	}
#define OF_RUN(name)                              \
	{                                         \
#name, IN(run.name), IN(row.name) \
	}

const struct np_baseline_field np_baseline_fields[] = {
	SAME(tx_bytes),
	SAME(rx_bytes),
	SAME(tx_segs),
	SAME(rx_segs),
	SAME(retrans),
	SAME(retrans_bytes),
	SAME(drops),
	SAME(errors),
	SAME(conns),
	SAME(events),
	SAME(rtt_us),
	SAME(rttvar_us),
	SAME(min_rtt_us),
	SAME(cwnd),
	SAME(ssthresh),
	SAME(mss),
	{ "rtt_weight", IN(mean_weight), IN(mean_weight) },
	OF_RUN(d_tx),
	OF_RUN(d_rx),
	OF_RUN(d_tx_segs),
	OF_RUN(d_rx_segs),
	OF_RUN(d_sent),
	OF_RUN(d_retrans_bytes),
	OF_RUN(opened),
	OF_RUN(ended),
};
const size_t np_baseline_nfields = sizeof(np_baseline_fields) / sizeof(np_baseline_fields[0]);

const struct np_baseline_packets np_baseline_packets[4] = {
	{ "rx_retrans", offsetof(struct np_seen, rx_retrans) },
	{ "rx_retrans_bytes", offsetof(struct np_seen, rx_retrans_bytes) },
	{ "tx_wire", offsetof(struct np_seen, tx_wire) },
	{ "rx_wire", offsetof(struct np_seen, rx_wire) },
};

const struct np_baseline_flag np_baseline_flags[3] = { { "no_tcp", NP_ROW_NO_RETR },
						       { "no_bytes", NP_ROW_NO_BYTES },
						       { "packets", NP_ROW_PACKETS } };

uint64_t np_base_hash(const char *const *keys, size_t n)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < n; i++)
		hash = np_hash(keys[i] ? keys[i] : "", keys[i] ? strlen(keys[i]) + 1 : 0, hash);
	return hash;
}

struct np_base_row *np_base_row(const struct np_baseline *base, const char *const *keys,
				uint64_t hash)
{
	struct np_base_row *row;

	for (row = np_map_get(&base->map, hash); row; row = row->chain) {
		size_t i = 0;

		while (i < base->nby && !keys[i] == !row->kept.key[i] &&
		       (!keys[i] || !strcmp(keys[i], row->kept.key[i])))
			i++;
		if (i == base->nby)
			return row;
	}
	return NULL;
}

static void row_free(struct np_base_row *row)
{
	for (int i = 0; i < NP_HIST_KINDS; i++)
		np_hist_free(&row->hists[i]);
	for (size_t i = 0; i < NP_MAX_BY; i++)
		free(row->kept.key[i]);
}

void np_baseline_free(struct np_baseline *base)
{
	if (!base)
		return;
	for (size_t i = 0; i < base->ntexts; i++)
		free(base->texts[i]);
	row_free(&base->total);
	row_free(&base->conns);
	for (size_t i = 0; i < base->n; i++) {
		row_free(base->rows[i]);
		free(base->rows[i]);
	}
	free(base->rows);
	free(base->list);
	np_map_free(&base->map);
	free(base);
}

const struct np_baseline_info *np_baseline_info(const struct np_baseline *base)
{
	return &base->info;
}

uint16_t np_baseline_kind(const struct np_baseline *base)
{
	return base->kind;
}

const struct np_col *const *np_baseline_by(const struct np_baseline *base, size_t *n)
{
	*n = base->nby;
	return base->by;
}

bool np_baseline_is(const struct np_baseline *base, const struct np_view_cfg *cfg)
{
	return base->kind == cfg->kind && base->nby == cfg->nby &&
	       !memcmp(base->by, cfg->by, base->nby * sizeof(base->by[0]));
}

const struct np_colctx *np_baseline_ctx(const struct np_baseline *base)
{
	return &base->ctx;
}

const struct np_group_row *np_baseline_total(const struct np_baseline *base)
{
	return &base->total.g;
}

const struct np_group_row *np_baseline_conns(const struct np_baseline *base)
{
	return base->conns.g.row.flags ? &base->conns.g : NULL;
}

const struct np_row *const *np_baseline_rows(const struct np_baseline *base, size_t *n)
{
	*n = base->n;
	return base->list;
}

const struct np_group_row *np_baseline_find(struct np_baseline *base, const struct np_row *row,
					    struct np_meta *meta)
{
	const struct np_colctx ctx = { .meta = meta };
	struct np_value vals[NP_MAX_BY];
	const char *keys[NP_MAX_BY];
	struct np_base_row *found;

	for (size_t i = 0; i < base->nby; i++) {
		np_col_read(base->by[i], row, &ctx, &vals[i]);
		keys[i] = vals[i].kind == NP_VAL_STR ? vals[i].str : NULL;
		if (vals[i].kind == NP_VAL_NUM && vals[i].whole) {
			snprintf(vals[i].buf, sizeof(vals[i].buf), "%" PRIu64, vals[i].integer);
			keys[i] = vals[i].buf;
		}
	}
	found = np_base_row(base, keys, np_base_hash(keys, base->nby));
	if (!found)
		return NULL;
	found->seen = true;
	return &found->g;
}

bool np_baseline_seen(const struct np_baseline *base, const struct np_row *row)
{
	(void)base;
	return ((const struct np_base_row *)(const void *)row)->seen;
}
