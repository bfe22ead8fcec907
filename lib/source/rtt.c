// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Samples of the round-trip time: bpf/rtt.bpf.c, and np_state for their end. */
#include <bpf/libbpf.h>

#include "netprobe.skel.h"
#include "source/times.h"

static void prepare(struct np_source *src, bool wanted)
{
	struct np_bpf *bpf = src->bpf;
	unsigned int all = src->cfg.want | src->cfg.may_want;

	bpf->rodata->np_want_rtt = wanted;
	bpf_map__set_autocreate(bpf->maps.np_rtts, wanted);
	bpf_map__set_autocreate(bpf->maps.np_hists, all & (NP_SRC_RTT | NP_SRC_TURN));
	bpf_program__set_autoload(bpf->progs.np_rtt_probe, wanted);
}

static bool refused(struct np_source *src, const char *program)
{
	(void)src;
	(void)program;
	return false;
}

static struct np_times times(const struct np_source *src)
{
	return (struct np_times){
		.map = bpf_map__fd(src->bpf->maps.np_rtts),
		.value = sizeof(struct np_rtt),
		.at = offsetof(struct np_rtt, s),
		.kind = NP_TIME_RTT,
	};
}

/* What was seen before a gap would make one sample of all that came in it. */
static int attach(struct np_source *src, struct np_err *err)
{
	struct np_times t = times(src);

	np_times_clear(src, &t, 1);
	src->bpf->bss->np_rtt_on = true;
	return np_attach(src->bpf->progs.np_rtt_probe, &src->rtt_link, err);
}

static void detach(struct np_source *src)
{
	src->bpf->bss->np_rtt_on = false;
	np_detach(&src->rtt_link);
}

static int snapshot(struct np_source *src, uint32_t *what)
{
	struct np_times t = times(src);

	(void)what;
	return np_times_snapshot(src, &t, 1);
}

const struct np_probe np_probe_rtt = {
	.name = "rtt",
	.bit = NP_SRC_RTT,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.snapshot = snapshot,
};
