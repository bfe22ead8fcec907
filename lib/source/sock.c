// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* TCP ends and owners by events, TCP sockets without a file by namespace: bpf/sock.bpf.c. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "netprobe.skel.h"
#include "source/netns.h"
#include "source/probe.h"

#define RING_DEFAULT (2 * 1024 * 1024)
#define RING_MAX     (1024u * 1024 * 1024)

/* The kernel wants a power of two, at least a page. */
static uint32_t ring_size(uint64_t want)
{
	uint32_t size = 4096;

	while (size < want && size < RING_MAX)
		size *= 2;
	return want ? size : RING_DEFAULT;
}

static void prepare(struct np_source *src, bool wanted)
{
	struct np_bpf *bpf = src->bpf;
	uint32_t size = ring_size(src->cfg.ring_size);
	unsigned int all = src->cfg.want | src->cfg.may_want;
	bool events = wanted || (all & NP_SRC_ANOMALY); /* anomalies need these maps too */

	bpf->rodata->np_ring_wake = size / 8;
	bpf_map__set_max_entries(bpf->maps.np_ring, size);
	bpf_map__set_autocreate(bpf->maps.np_ring, events);
	bpf_map__set_autocreate(bpf->maps.np_ownerless, events);
	bpf_map__set_autocreate(bpf->maps.np_youngs, wanted);
	bpf->rodata->np_want_life = all & NP_SRC_LIFE;
	bpf->rodata->np_want_open = all & NP_SRC_OPEN;
	bpf->rodata->np_want_states = all & NP_SRC_STATES;
	bpf_program__set_autoload(bpf->progs.np_state, wanted && (all & NP_SRC_TCP));
	bpf_program__set_autoload(bpf->progs.np_destroy,
				  wanted && np_source_takes(src, "np_destroy"));
	bpf_program__set_autoload(bpf->progs.np_reset, wanted && (all & NP_SRC_LIFE) &&
							   np_source_takes(src, "np_reset"));
	bpf_map__set_autocreate(bpf->maps.np_synacks, all & NP_SRC_LIFE);
	bpf_program__set_autoload(bpf->progs.np_synack_again,
				  wanted && (all & NP_SRC_LIFE) &&
				      np_source_takes(src, "np_synack_again"));
	bpf_program__set_autoload(bpf->progs.np_walk_tcp,
				  wanted && np_source_takes(src, "np_walk_tcp"));
}

static bool refused(struct np_source *src, const char *program)
{
	/* before 5.12: no cookies for tracing programs */
	if (!strcmp(program, "np_state") && !src->no_cookie)
		return src->no_cookie = true;
	return !strcmp(program, "np_destroy") || !strcmp(program, "np_reset") ||
	       !strcmp(program, "np_walk_tcp") || !strcmp(program, "np_synack_again");
}

#define YOUNGS_SIZE (NP_YOUNGS * sizeof(struct np_young))

static int map_youngs(struct np_source *src, struct np_err *err)
{
	void *slots;

	if (src->youngs)
		return 0;
	slots = mmap(NULL, YOUNGS_SIZE, PROT_READ, MAP_SHARED,
		     bpf_map__fd(src->bpf->maps.np_youngs), 0);
	if (slots == MAP_FAILED)
		return np_bpf_explain(err, -errno, "map the young connections");
	src->youngs = slots;
	return 0;
}

/* Connections that the walks know from other sides: whose they are, and since when. */
static void emit_youngs(struct np_source *src)
{
	for (size_t i = 0; i < NP_YOUNGS; i++) {
		const volatile struct np_young *y = &src->youngs[i];
		uint64_t cookie = y->cookie;
		struct np_ev_owner r = { .hdr = { NP_EV_SOCK_OWNER, sizeof(r), 0 },
					 .cookie = cookie,
					 .proto = IPPROTO_TCP };

		if (!cookie || !y->whole)
			continue;
		if (y->task.pid) {
			__sync_synchronize();
			memcpy(&r.task, (const void *)&y->task, sizeof(r.task));
		}
		r.via = y->connects ? NP_VIA_CONNECT : NP_VIA_CLOSE;
		r.netns = y->netns;
		r.cgroup_id = y->cgroup_id;
		r.opened_ns = y->opened_ns;
		r.syn_us = y->syn_us;
		__sync_synchronize();
		/* the slot may have changed hands meanwhile */
		if (y->whole && y->cookie == cookie)
			np_source_emit(src, &r, sizeof(r));
	}
}

void np_source_young(struct np_source *src)
{
	if (src->youngs && (src->attached & NP_SRC_LIFE))
		emit_youngs(src);
}

static int attach(struct np_source *src, struct np_err *err)
{
	struct np_bpf *bpf = src->bpf;
	int ret = map_youngs(src, err);

	if (ret)
		return ret;
	if (bpf_program__autoload(bpf->progs.np_state))
		ret = np_attach(bpf->progs.np_state, &src->state_link, err);
	if (!ret && np_source_takes(src, "np_destroy"))
		ret = np_attach(bpf->progs.np_destroy, &src->destroy_link, err);
	if (!ret && bpf_program__autoload(bpf->progs.np_reset))
		ret = np_attach(bpf->progs.np_reset, &src->reset_link, err);
	if (!ret && bpf_program__autoload(bpf->progs.np_synack_again))
		ret = np_attach(bpf->progs.np_synack_again, &src->synack_link, err);
	if (!ret && np_source_takes(src, "np_walk_tcp"))
		ret = np_attach(bpf->progs.np_walk_tcp, &src->tcp_link, err);
	return ret;
}

static void detach(struct np_source *src)
{
	np_detach(&src->state_link);
	np_detach(&src->destroy_link);
	np_detach(&src->reset_link);
	np_detach(&src->synack_link);
	np_detach(&src->tcp_link);
}

static int walk_here(void *arg)
{
	struct np_source *src = arg;

	return np_iter_read(src, src->tcp_link);
}

/* A walk goes through the kernel's whole hash table, however few sockets a namespace has. */
#define SOME_NS 1000000000ULL
#define ALL_NS  30000000000ULL

static int snapshot(struct np_source *src, uint32_t *what)
{
	uint64_t errors = src->read_errors, now = np_clock_mono();
	bool all = now >= src->tcp_all_next_ns || src->nnetns > NP_NETNS_MAX || src->no_cookie;

	emit_youngs(src);
	if (!src->tcp_link || !(all || src->nnetns) || (now < src->tcp_next_ns && !src->no_cookie))
		return 0;
	/* with their files too: some tables of files are hidden from us, some files are in no table
	 */
	src->bpf->bss->np_walk_all = true;
	src->netns_missed = np_netns_each(src->netns, all ? 0 : src->nnetns, walk_here, src);
	src->tcp_next_ns = now + SOME_NS;
	if (all)
		src->tcp_all_next_ns = now + ALL_NS;
	if (!src->netns_missed && errors == src->read_errors)
		*what |= NP_WALK_TCP;
	return 0;
}

static void close_youngs(struct np_source *src)
{
	if (src->youngs)
		munmap((void *)(uintptr_t)src->youngs, YOUNGS_SIZE);
}

const struct np_probe np_probe_sock = {
	.name = "sock",
	.bit = NP_SRC_TCP | NP_SRC_OWNERS | NP_SRC_LISTEN | NP_SRC_RTT | NP_SRC_TURN,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.snapshot = snapshot,
	.close = close_youngs,
};
