// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The bytes of a capture, through a pipe as -r - has them: reader, decoder, tracker, flow table, in
 * each of its modes. The first byte picks the mode; the rest is the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flow/detail.h"
#include "flow/flow.h"
#include "flow/segment.h"
#include "source/file.h"

static void walk(struct np_flows *flows, uint64_t ns)
{
	struct np_ev_walk r = { .hdr = { .type = NP_EV_WALK, .size = sizeof(r) }, .begin = 1 };

	r.mono_ns = r.wall_ns = ns;
	np_flows_record(flows, &r, sizeof(r));
	r.begin = 0;
	np_flows_record(flows, &r, sizeof(r));
}

static void look(struct np_flows *flows, bool life)
{
	struct np_row *const *rows;
	struct np_flow *flow;
	size_t pos = 0;

	for (size_t n = np_flows_log(flows, &rows); n-- > 0;)
		if (!rows[n]->detail || !rows[n]->detail->event)
			abort();
	while ((flow = np_flows_living(flows, &pos)))
		if (flow->row.flags & NP_ROW_ENDED || (life && !flow->row.detail))
			abort();
	np_flows_next(flows);
}

/* fuzz_l7 is about what is in the packets; here they must be well-formed records. */
static int l7_new(struct np_l7 **out, size_t max_flows)
{
	(void)max_flows;
	*out = malloc(1);
	return *out ? 0 : -1;
}

static void l7_free(struct np_l7 *l7)
{
	free(l7);
}

static void l7_packet(struct np_l7 *l7, const struct np_ev_packet *p, size_t len)
{
	struct np_segment seg;

	(void)l7;
	if (p->hdr.size != len || p->cap_len > p->wire_len || !p->cookie)
		abort();
	if (np_segment_parse(&seg, p, len) && seg.len > len)
		abort();
}

static const struct np_l7_name *l7_find(const struct np_l7 *l7, uint64_t key)
{
	(void)l7;
	(void)key;
	return NULL;
}

static const struct np_l7_name *l7_last(struct np_l7 *l7, uint64_t key)
{
	return l7_find(l7, key);
}

static void l7_end(struct np_l7 *l7, uint64_t key)
{
	l7_find(l7, key);
}

static const struct np_l7_ops l7_ops = { .create = l7_new,
					 .destroy = l7_free,
					 .packet = l7_packet,
					 .find = l7_find,
					 .last = l7_last,
					 .end = l7_end };

static struct np_file *open_bytes(const uint8_t *data, size_t size)
{
	struct np_file *file = NULL;
	char path[32];
	int fd = memfd_create("capture", 0);

	if (fd < 0)
		return NULL;
	if (write(fd, data, size) == (ssize_t)size) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		np_file_open(&file, path, NULL);
	}
	close(fd);
	return file;
}

static void play(struct np_flows *flows, struct np_file *file, bool life)
{
	struct np_item item;
	struct np_err err;
	uint64_t ns = 0;
	unsigned int n = 0;

	while (np_file_next(file, &item, &err) > 0 && item.kind == NP_ITEM_PACKET) {
		ns = item.packet.ts_ns;
		np_flows_packet(flows, &item.packet);
		if (!(++n % 16)) {
			walk(flows, ns);
			look(flows, life);
		}
	}
	np_flows_last(flows);
	walk(flows, ns);
	look(flows, life);
	np_flows_next(flows);
	if (life && np_flows_count(flows))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct np_prefix locals[] = { { { [10] = 0xff, [11] = 0xff, [12] = 10 }, 104 },
						   { { 0xfe, 0x80 }, 10 } };
	struct np_flows_cfg cfg = { .packets = true, .side = true };
	struct np_flows *flows;
	struct np_file *file;

	if (!size || !(file = open_bytes(data + 1, size - 1)))
		return 0;
	if (np_file_is_capture(file) && !np_flows_new(&flows, NULL, NULL)) {
		cfg.life = *data & 1;
		cfg.log = *data & 2 ? UINT32_MAX : 0;
		cfg.anomalies = *data & 4 ? UINT32_MAX : 0;
		cfg.times = *data & 8 ? UINT32_MAX : 0;
		cfg.locals = locals;
		cfg.nlocals = *data & 16 ? 2 : 0;
		cfg.l7 = *data & 32 ? &l7_ops : NULL;
		cfg.udp_idle_ns = *data & 64 ? 1000000 : 0;
		if (!np_flows_set(flows, &cfg))
			play(flows, file, cfg.life);
		np_flows_free(flows);
	}
	np_file_close(file);
	return 0;
}
