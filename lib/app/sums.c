// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What a log adds up to, told at its end: how many connections, how much, with whom most. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/session.h"
#include "base/str.h"
#include "flow/detail.h"

#define TOP_REMOTES 5

struct np_sums {
	struct np_view *remotes;
	const struct np_row **ended; /* of the last look */
	size_t cap;
	uint32_t sample;
	uint64_t conns, failed, tx_bytes, rx_bytes;
};

int np_sums_new(struct np_sums **out, const struct np_opts *opts, struct np_meta *meta)
{
	struct np_sums *sums = calloc(1, sizeof(*sums));
	struct np_view_cfg cfg = opts->view;
	int err;

	if (!sums)
		return -ENOMEM;
	sums->sample = opts->sample;
	cfg.topic = &np_topic_ended;
	cfg.top = TOP_REMOTES;
	cfg.all = true;
	cfg.kind = NP_COL_EVENT;
	cfg.where = NULL; /* of the rows that it is given, which were chosen */
	err = np_view_group(&cfg, "remote", NULL);
	if (!err)
		err = np_cols_parse("raddr,events,tx_bytes,rx_bytes", NULL, cfg.kind, cfg.cols,
				    NP_MAX_COLS, &cfg.ncols, NULL);
	if (!err)
		err = np_view_new(&sums->remotes, &cfg, meta);
	if (err)
		np_sums_free(sums);
	else
		*out = sums;
	return err;
}

void np_sums_free(struct np_sums *sums)
{
	if (!sums)
		return;
	np_view_free(sums->remotes);
	free(sums->ended);
	free(sums);
}

/* Remembers a row for this look. */
static int keep(struct np_sums *sums, const struct np_row *row, size_t n)
{
	const struct np_row **rows;
	size_t cap = sums->cap ? 2 * sums->cap : 64;

	if (n == sums->cap) {
		rows = realloc(sums->ended, cap * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		sums->ended = rows;
		sums->cap = cap;
	}
	sums->ended[n] = row;
	return 0;
}

/* Both parts are of the rows that are printed, behind --where and --count. */
int np_sums_add(struct np_sums *sums, const struct np_view *view, struct np_flows *flows)
{
	const struct np_row *const *rows;
	size_t n, ended = 0;

	rows = np_view_rows(view, &n);
	for (size_t i = 0; i < n; i++) {
		uint8_t event = rows[i]->detail->event;

		if (event != NP_EVENT_CLOSE && event != NP_EVENT_FAIL)
			continue;
		if (keep(sums, rows[i], ended++))
			return -ENOMEM;
		sums->conns += event == NP_EVENT_CLOSE;
		sums->failed += event == NP_EVENT_FAIL;
		sums->tx_bytes += rows[i]->tx_bytes;
		sums->rx_bytes += rows[i]->rx_bytes;
	}
	return np_view_update_of(sums->remotes, flows, sums->ended, ended);
}

void np_sums_print(struct np_sums *sums)
{
	struct np_sink_cfg cfg = { .out = stderr, .fmt.utf8 = np_str_utf8() };
	struct np_sink *sink = NULL;
	char tx[24], rx[24];
	size_t n;

	fprintf(stderr, "%llu ended, %llu failed; sent %s, received %s\n",
		(unsigned long long)sums->conns * sums->sample,
		(unsigned long long)sums->failed * sums->sample,
		np_str_bytes(tx, (double)sums->tx_bytes * sums->sample),
		np_str_bytes(rx, (double)sums->rx_bytes * sums->sample));
	np_view_rows(sums->remotes, &n);
	if (!n || np_sink_new(&sink, "text", &cfg, NULL))
		return;
	np_sink_write(sink, sums->remotes);
	np_sink_free(sink);
}
