// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Samples of the round-trip time: bpf/rtt.bpf.c, and np_state for their end. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "netprobe.skel.h"
#include "source/times.h"

#define SLOTS 65536 /* a power of two; sockets beyond it, or sharing one, cost a little more */

static void prepare(struct np_source *src, bool wanted)
{
	struct np_bpf *bpf = src->bpf;
	unsigned int all = src->cfg.want | src->cfg.may_want;

	bpf->rodata->np_want_rtt = wanted;
	bpf->rodata->np_rtt_slots = SLOTS;
	bpf_map__set_max_entries(bpf->maps.np_rtts, SLOTS);
	bpf_map__set_autocreate(bpf->maps.np_rtts, wanted);
	bpf_map__set_autocreate(bpf->maps.np_rtts_more, wanted);
	bpf_map__set_autocreate(bpf->maps.np_hists, all & (NP_SRC_RTT | NP_SRC_TURN));
	bpf_program__set_autoload(bpf->progs.np_rtt_probe, wanted);
}

static bool refused(struct np_source *src, const char *program)
{
	/* before 5.12: no cookies for tracing programs */
	if (!strcmp(program, "np_rtt_probe") && !src->no_cookie)
		return src->no_cookie = true;
	return false;
}

static struct np_times times(struct bpf_map *map)
{
	return (struct np_times){
		.map = bpf_map__fd(map),
		.value = sizeof(struct np_rtt),
		.at = offsetof(struct np_rtt, s),
		.kind = NP_TIME_RTT,
	};
}

static int map_slots(struct np_source *src, struct np_err *err)
{
	void *slots;

	if (src->rtt_slots)
		return 0;
	slots = mmap(NULL, SLOTS * sizeof(struct np_rtt), PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(src->bpf->maps.np_rtts), 0);
	if (slots == MAP_FAILED)
		return np_bpf_explain(err, -errno, "map the RTT samples");
	src->rtt_slots = slots;
	return 0;
}

/* What was seen before a gap would make one sample of all that came in it. */
static void clear(struct np_source *src)
{
	struct np_times more = times(src->bpf->maps.np_rtts_more);

	for (uint32_t i = 0; i < SLOTS; i++)
		if (src->rtt_slots[i].s.flushed)
			np_times_drop(src, src->rtt_slots[i].cookie, NP_TIME_RTT);
	memset(src->rtt_slots, 0, SLOTS * sizeof(struct np_rtt));
	np_times_clear(src, &more, 1);
	src->bpf->bss->np_rtt_more = 0;
}

static int attach(struct np_source *src, struct np_err *err)
{
	int ret = map_slots(src, err);

	if (ret)
		return ret;
	clear(src);
	src->bpf->bss->np_rtt_on = true;
	return np_attach(src->bpf->progs.np_rtt_probe, &src->rtt_link, err);
}

static void detach(struct np_source *src)
{
	src->bpf->bss->np_rtt_on = false;
	np_detach(&src->rtt_link);
}

/* The kernel goes on meanwhile: a copy whose slot changed hands is nobody's. */
static void emit_slot(struct np_source *src, const struct np_times *t, uint32_t i)
{
	const volatile struct np_rtt *slot = &src->rtt_slots[i];
	uint64_t cookie = slot->cookie;
	struct np_rtt copy;

	if (!cookie)
		return;
	memcpy(&copy, (const void *)slot, sizeof(copy));
	__sync_synchronize();
	if (slot->cookie == cookie && copy.cookie == cookie)
		np_times_emit(src, t, &i, cookie, &copy);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): struct np_probe has it so */
static int snapshot(struct np_source *src, uint32_t *what)
{
	struct np_times t = times(src->bpf->maps.np_rtts);
	struct np_times more = times(src->bpf->maps.np_rtts_more);

	(void)what;
	np_times_begin(src);
	for (uint32_t i = 0; i < SLOTS; i++)
		emit_slot(src, &t, i);
	return np_times_emit_all(src, &more, 1);
}

static void close_slots(struct np_source *src)
{
	if (src->rtt_slots)
		munmap(src->rtt_slots, SLOTS * sizeof(struct np_rtt));
}

const struct np_probe np_probe_rtt = {
	.name = "rtt",
	.bit = NP_SRC_RTT,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.snapshot = snapshot,
	.close = close_slots,
};
