// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Packets and bytes of the interfaces of this network namespace: bpf/iface.bpf.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "netprobe.skel.h"
#include "source/clsact.h"
#include "source/link.h"
#include "source/probe.h"

/* enum bpf_attach_type of 6.6; older headers lack them */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

struct hooked {
	uint32_t ifindex;
	uint32_t seen; /* refresh */
	bool counted;
	int fds[2]; /* links by enum np_dir; -1: none, or a filter that the guard keeps */
};

struct np_ifhooks {
	struct hooked *list;
	size_t n, cap;
	struct np_clsact *clsact;
	bool no_tcx;      /* this kernel has none */
	const char *used; /* the hook in use, for the trust record */
};

static void prepare(struct np_source *src, bool wanted)
{
	struct np_bpf *bpf = src->bpf;
	bool xdp = src->cfg.iface_hook == NP_HOOK_XDP;

	bpf_map__set_autocreate(bpf->maps.np_iface, wanted);
	bpf_program__set_autoload(bpf->progs.np_tc_rx, wanted && !xdp);
	bpf_program__set_autoload(bpf->progs.np_tc_tx, wanted);
	bpf_program__set_autoload(bpf->progs.np_xdp_rx, wanted && xdp);
}

static bool refused(struct np_source *src, const char *program)
{
	(void)src;
	(void)program;
	return false;
}

static int attach(struct np_source *src, struct np_err *err)
{
	if (!src->ifhooks)
		src->ifhooks = calloc(1, sizeof(*src->ifhooks));
	if (!src->ifhooks)
		return np_err_set(err, -ENOMEM, "out of memory");
	return 0; /* to each interface as the refresh finds it */
}

static void unhook(struct hooked *h)
{
	for (int dir = 0; dir < 2; dir++)
		if (h->fds[dir] >= 0)
			close(h->fds[dir]);
}

static void detach(struct np_source *src)
{
	struct np_ifhooks *hooks = src->ifhooks;

	if (!hooks)
		return;
	for (size_t i = 0; i < hooks->n; i++)
		unhook(&hooks->list[i]);
	np_clsact_free(hooks->clsact);
	free(hooks->list);
	free(hooks);
	src->ifhooks = NULL;
}

static int hook_tcx(struct np_source *src, struct hooked *h, enum np_dir dir)
{
	struct bpf_program *prog =
	    dir == NP_DIR_RX ? src->bpf->progs.np_tc_rx : src->bpf->progs.np_tc_tx;
	int fd = bpf_link_create(bpf_program__fd(prog), (int)h->ifindex,
				 dir == NP_DIR_RX ? TCX_INGRESS : TCX_EGRESS, NULL);

	if (fd < 0)
		return -errno;
	h->fds[dir] = fd;
	src->ifhooks->used = "tcx";
	return 0;
}

static int hook_clsact(struct np_source *src, struct hooked *h, enum np_dir dir)
{
	struct np_ifhooks *hooks = src->ifhooks;
	struct bpf_program *prog =
	    dir == NP_DIR_RX ? src->bpf->progs.np_tc_rx : src->bpf->progs.np_tc_tx;
	int err = hooks->clsact ? 0 : np_clsact_new(&hooks->clsact);

	if (!err)
		err = np_clsact_attach(hooks->clsact, h->ifindex, dir == NP_DIR_TX,
				       bpf_program__fd(prog));
	if (!err)
		hooks->used = "clsact";
	return err;
}

/* Native XDP on a veth costs six sevenths of its throughput: generic there, and where native fails.
 */
static int hook_xdp(struct np_source *src, struct hooked *h, const char *kind)
{
	int prog = bpf_program__fd(src->bpf->progs.np_xdp_rx);
	LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	int fd = -1;

	if (strcmp(kind, "veth") != 0)
		fd = bpf_link_create(prog, (int)h->ifindex, BPF_XDP, &native);
	if (fd < 0)
		fd = bpf_link_create(prog, (int)h->ifindex, BPF_XDP, &generic);
	if (fd < 0)
		return -errno;
	h->fds[NP_DIR_RX] = fd;
	src->ifhooks->used = "xdp";
	return 0;
}

static int hook_tc(struct np_source *src, struct hooked *h, enum np_dir dir)
{
	struct np_ifhooks *hooks = src->ifhooks;
	bool only_tcx = src->cfg.iface_hook == NP_HOOK_TCX;
	int err = -EINVAL;

	if (src->cfg.iface_hook != NP_HOOK_CLSACT && !hooks->no_tcx) {
		err = hook_tcx(src, h, dir);
		/* before 6.6 the attach type is unknown: EINVAL */
		hooks->no_tcx = err == -EINVAL;
	}
	if (err == -EINVAL && !only_tcx)
		err = hook_clsact(src, h, dir);
	return err;
}

static void hook(struct np_source *src, struct hooked *h, const char *kind, const char *name)
{
	int err;

	if (src->cfg.iface_hook == NP_HOOK_XDP)
		err = hook_xdp(src, h, kind);
	else
		err = hook_tc(src, h, NP_DIR_RX);
	if (!err)
		err = hook_tc(src, h, NP_DIR_TX);
	h->counted = !err;
	if (err)
		np_log(NP_LOG_WARN, "no hook on %s (%s): its own counters are shown", name,
		       strerror(-err));
}

static struct hooked *find(struct np_ifhooks *hooks, uint32_t ifindex)
{
	for (size_t i = 0; i < hooks->n; i++)
		if (hooks->list[i].ifindex == ifindex)
			return &hooks->list[i];
	if (hooks->n == hooks->cap) {
		size_t cap = hooks->cap ? hooks->cap * 2 : 16;
		struct hooked *list = realloc(hooks->list, cap * sizeof(*list));

		if (!list)
			return NULL;
		hooks->list = list;
		hooks->cap = cap;
	}
	hooks->list[hooks->n] = (struct hooked){ .ifindex = ifindex, .fds = { -1, -1 } };
	return &hooks->list[hooks->n++];
}

static void on_link(void *ctx, struct np_ev_link *link, const char *kind)
{
	struct np_source *src = ctx;
	struct np_ifhooks *hooks = src->ifhooks;
	size_t before = hooks->n;
	struct hooked *h = find(hooks, link->ifindex);

	if (h) {
		if (hooks->n > before)
			hook(src, h, kind, link->name);
		h->seen = src->refresh;
		link->hooked = h->counted;
	}
	np_source_emit(src, link, sizeof(*link));
}

/* Interfaces that are gone: the kernel took our links' effect with them, the descriptors are ours.
 */
static void drop_gone(struct np_source *src)
{
	struct np_ifhooks *hooks = src->ifhooks;
	size_t kept = 0;

	for (size_t i = 0; i < hooks->n; i++) {
		if (hooks->list[i].seen == src->refresh)
			hooks->list[kept++] = hooks->list[i];
		else
			unhook(&hooks->list[i]);
	}
	hooks->n = kept;
}

static bool known(const struct np_ifhooks *hooks, uint32_t ifindex)
{
	for (size_t i = 0; i < hooks->n; i++)
		if (hooks->list[i].ifindex == ifindex)
			return true;
	return false;
}

/* Entries of interfaces that are gone make room for others. */
static void emit_counts(struct np_source *src, struct np_iface_val *percpu, int ncpus)
{
	int map = bpf_map__fd(src->bpf->maps.np_iface);
	struct np_iface_key key, next, gone[64];
	size_t ngone = 0;
	bool first = true;

	while (!bpf_map_get_next_key(map, first ? NULL : &key, &next)) {
		struct np_ev_iface r = { .hdr = { .type = NP_EV_IFACE, .size = sizeof(r) },
					 .key = next };

		key = next;
		first = false;
		if (!known(src->ifhooks, key.ifindex)) {
			if (ngone < sizeof(gone) / sizeof(gone[0]))
				gone[ngone++] = key;
			continue;
		}
		if (bpf_map_lookup_elem(map, &key, percpu))
			continue;
		for (int i = 0; i < ncpus; i++) {
			r.val.packets += percpu[i].packets;
			r.val.wire_bytes += percpu[i].wire_bytes;
		}
		np_source_emit(src, &r, sizeof(r));
	}
	while (ngone)
		bpf_map_delete_elem(map, &gone[--ngone]);
}

static int snapshot(struct np_source *src, uint32_t *what)
{
	int ncpus = libbpf_num_possible_cpus();
	struct np_iface_val *percpu = ncpus > 0 ? calloc((size_t)ncpus, sizeof(*percpu)) : NULL;

	if (!percpu)
		return -ENOMEM;
	if (np_link_each(on_link, src)) {
		src->read_errors++;
	} else {
		drop_gone(src);
		emit_counts(src, percpu, ncpus);
		*what |= NP_WALK_IFACE;
	}
	free(percpu);
	return 0;
}

static void stats(struct np_source *src, struct np_source_stats *stats)
{
	if (!src->ifhooks || !src->ifhooks->used)
		return;
	for (size_t i = 0; i < stats->nprogs; i++)
		if (!strcmp(stats->progs[i].hook, "tc"))
			stats->progs[i].hook = src->ifhooks->used;
}

const struct np_probe np_probe_iface = {
	.name = "iface",
	.bit = NP_SRC_IFACE,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.snapshot = snapshot,
	.stats = stats,
};
