// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Records in any order, with any values: the flow table takes them, tells its log and gives all of
 * it back. The first byte of each picks its type; what follows fills it, and its size is right
 * three times in four.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "flow/detail.h"
#include "flow/flow.h"

/* Few sockets, so that records meet. */
static void same_sockets(char *rec)
{
	uint64_t cookie;

	memcpy(&cookie, rec + sizeof(struct np_ev_hdr), sizeof(cookie));
	cookie %= 8;
	memcpy(rec + sizeof(struct np_ev_hdr), &cookie, sizeof(cookie));
}

static void give(struct np_flows *flows, uint8_t pick, const uint8_t **data, size_t *size)
{
	struct np_ev_hdr hdr = { .type = pick % NP_EV_MAX };
	size_t size_of = np_flows_record_size(hdr.type);
	size_t want = size_of ? size_of : sizeof(hdr), take;
	char *rec = calloc(1, want);

	if (!rec)
		return;
	take = want < *size ? want : *size;
	memcpy(rec, *data, take);
	*data += take;
	*size -= take;
	memcpy(&hdr.flags, rec + offsetof(struct np_ev_hdr, flags), sizeof(hdr.flags));
	hdr.size = (uint16_t)(pick & 0xc0 ? want : pick * 3U);
	memcpy(rec, &hdr, sizeof(hdr));
	if (hdr.type != NP_EV_WALK && want > 2 * sizeof(hdr))
		same_sockets(rec);
	np_flows_record(flows, rec, want);
	free(rec);
}

static void look(struct np_flows *flows, uint8_t pick)
{
	struct np_row *const *rows;
	struct np_flow *flow;
	size_t pos = 0;

	if (pick & 1)
		for (size_t n = np_flows_log(flows, &rows); n-- > 0;)
			if (!rows[n]->detail)
				abort();
	if (pick & 2)
		while ((flow = np_flows_living(flows, &pos)))
			if (flow->row.flags & NP_ROW_ENDED)
				abort();
	if (pick & 4)
		np_flows_next(flows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct np_flows_cfg cfg = { .udp_idle_ns = 1000 };
	struct np_flows *flows;

	if (!size || np_flows_new(&flows, NULL, NULL))
		return 0;
	cfg.life = *data & 1;
	cfg.side = *data & 2;
	cfg.walks_only = *data & 4;
	cfg.log = *data & 8 ? UINT32_MAX : 0;
	cfg.anomalies = *data & 16 ? UINT32_MAX : 0;
	cfg.udp_by_socket = *data & 32;
	cfg.by_address = *data & 64;
	data++;
	size--;
	if (!np_flows_set(flows, &cfg)) {
		while (size) {
			uint8_t pick = *data++;

			size--;
			if (pick % 11 == 10)
				look(flows, pick / 11);
			else
				give(flows, pick, &data, &size);
		}
	}
	np_flows_free(flows);
	return 0;
}
