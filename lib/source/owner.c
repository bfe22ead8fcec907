// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Sockets by the files that refer to them: bpf/owner.bpf.c. */
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/clock.h"
#include "netprobe.skel.h"
#include "source/probe.h"

static void prepare(struct np_source *src, bool wanted)
{
	unsigned int all = src->cfg.want | src->cfg.may_want;

	src->bpf->rodata->np_want_tcp =
	    all & (NP_SRC_TCP | NP_SRC_OWNERS | NP_SRC_LISTEN | NP_SRC_ANOMALY);
	src->bpf->rodata->np_want_listen = all & NP_SRC_LISTEN;
	src->bpf->rodata->np_want_udp = all & NP_SRC_UDP;
	bpf_program__set_autoload(src->bpf->progs.np_walk_files, wanted);
}

/* Nothing else knows whose a socket is. */
static bool refused(struct np_source *src, const char *program)
{
	(void)src;
	(void)program;
	return false;
}

static int attach(struct np_source *src, struct np_err *err)
{
	return np_attach(src->bpf->progs.np_walk_files, &src->owner_link, err);
}

static void detach(struct np_source *src)
{
	np_detach(&src->owner_link);
}

static int snapshot(struct np_source *src, uint32_t *what)
{
	uint64_t began = np_clock_mono();
	int err = np_iter_read(src, src->owner_link);

	src->walk_ns = np_clock_mono() - began;
	/* half a walk proves nothing about what it did not show */
	if (!err)
		*what |= NP_WALK_FILES;
	return err == -ENOMEM ? err : 0;
}

const struct np_probe np_probe_owner = {
	.name = "owner",
	.bit = NP_SRC_TCP | NP_SRC_UDP | NP_SRC_OWNERS | NP_SRC_LISTEN | NP_SRC_ANOMALY,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.snapshot = snapshot,
};
