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
	free(sums);
}

int np_sums_add(struct np_sums *sums, const struct np_view *view, struct np_flows *flows)
{
	const struct np_row *const *rows;
	size_t n;

	rows = np_view_rows(view, &n);
	for (size_t i = 0; i < n; i++) {
		uint8_t event = rows[i]->detail->event;

		if (event != NP_EVENT_CLOSE && event != NP_EVENT_FAIL)
			continue;
		sums->conns += event == NP_EVENT_CLOSE;
		sums->failed += event == NP_EVENT_FAIL;
		sums->tx_bytes += rows[i]->tx_bytes;
		sums->rx_bytes += rows[i]->rx_bytes;
	}
	return np_view_update(sums->remotes, flows);
}

void np_sums_print(struct np_sums *sums)
{
	struct np_sink_cfg cfg = { .out = stderr, .fmt.utf8 = np_str_utf8() };
	struct np_sink *sink = NULL;
	char tx[24], rx[24];
	size_t n;

	fprintf(stderr, "%llu ended, %llu failed; sent %sB, received %sB\n",
		(unsigned long long)sums->conns * sums->sample,
		(unsigned long long)sums->failed * sums->sample,
		np_str_scaled(tx, (double)sums->tx_bytes * sums->sample, 1024),
		np_str_scaled(rx, (double)sums->rx_bytes * sums->sample, 1024));
	np_view_rows(sums->remotes, &n);
	if (!n || np_sink_new(&sink, "text", &cfg, NULL))
		return;
	np_sink_write(sink, sums->remotes);
	np_sink_free(sink);
}
