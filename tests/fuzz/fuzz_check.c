// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A check's text → compiled → rows of every kind, some of a baseline → judged → reported. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hist.h"
#include "flow/detail.h"
#include "sink/report.h"
#include "view/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct np_colctx ctx = { .dt_ns = 1000000000, .now_ns = 5, .wall_ns = 5 };

static const struct {
	uint16_t kind;
	bool log;
} kinds[] = { { NP_COL_CONN, false },
	      { NP_COL_EVENT, true },
	      { NP_COL_EVENT, false },
	      { NP_COL_IFACE, false },
	      { NP_COL_LISTEN, false } };

static void fill(struct np_row *rows, struct np_detail *detail, struct np_hist *hist, uint16_t kind)
{
	uint16_t flags = kind == NP_COL_IFACE    ? NP_ROW_IFACE
			 : kind == NP_COL_EVENT  ? NP_ROW_EVENT
			 : kind == NP_COL_LISTEN ? NP_ROW_LISTEN
						 : 0;

	*detail = (struct np_detail){ .event = NP_EVENT_CLOSE, .span_ns = 7, .len = 3 };
	detail->hist[NP_HIST_RTT] = hist;
	rows[0] = (struct np_row){ .pid = 42,
				   .comm = "nginx",
				   .proto = IPPROTO_TCP,
				   .tx_bytes = UINT64_MAX,
				   .rtt_us = 10000,
				   .d_tx = 7,
				   .detail = detail,
				   .flags = flags };
	rows[1] = (struct np_row){ .flags = flags | NP_ROW_NO_BYTES | NP_ROW_NO_RETR,
				   .proto = IPPROTO_UDP };
	rows[2] = (struct np_row){ .flags = flags, .tx_bytes = 5, .d_sent = 3, .first_ns = 1 };
}

static void judge(struct np_check *check, size_t nrows)
{
	static const struct np_check_limits limits[] = { { 1, 0, 0, false, NULL },
							 { 2, 0, 0, false, NULL },
							 { 1, 1, 1, true, "it was dark" } };
	static const struct np_report_run run = { "fuzz", "host", 5, 1.5, true };
	const struct np_check_result *result = NULL;
	struct np_buf out = { 0 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		result = np_check_judge(check, &limits[i], &ctx);
		/* it always says why it does not know, and never that something lost is fine */
		if ((result->verdict == NP_CHECK_INCONCLUSIVE) != !!*result->reason ||
		    (limits[i].lost && result->verdict == NP_CHECK_PASS) ||
		    result->verdict == NP_CHECK_ERROR || !result->nvalues)
			abort();
		for (size_t j = 0; j < result->nvalues; j++)
			if (!result->values[j].name || (!nrows && result->values[j].samples))
				abort();
	}
	for (int format = 0; np_report_names[format]; format++)
		np_report(&out, (enum np_report_format)format, &run, &result, 1);
	for (size_t i = 0; i < out.len; i++)
		if ((uint8_t)out.data[i] < ' ' && out.data[i] != '\n')
			abort();
	np_buf_free(&out);
}

static void check_one(const char *text, uint16_t kind, bool log)
{
	struct np_hist hist = { 0 };
	struct np_detail detail;
	struct np_row rows[3];
	const struct np_row *list[] = { &rows[0], &rows[1] };
	struct np_baseline_view base = { .rows = list, .nrows = 2, .ctx = ctx };
	struct np_check *check;
	struct np_err err = { "" };

	if (np_check_new(&check, text, kind, log, &err)) {
		/* the sentence goes to a terminal, through what escapes it */
		if (!err.msg[0] || check)
			abort();
		return;
	}
	if (np_hist_add(&hist, 300, 4))
		abort();
	fill(rows, &detail, &hist, np_check_kind(check));
	judge(check, 0);
	base.kind = np_check_kind(check);
	if (np_check_baseline(check, &base, NULL))
		abort();
	for (size_t i = 0; i < 3; i++)
		if (np_check_add(check, &rows[i], &ctx))
			abort();
	judge(check, 3);
	np_check_free(check);
	np_hist_free(&hist);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		check_one(text, kinds[i].kind, kinds[i].log);
	free(text);
	return 0;
}
