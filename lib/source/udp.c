// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* UDP bytes by socket and process: bpf/udp.bpf.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "netprobe.skel.h"
#include "source/cgroot.h"
#include "source/probe.h"

#define ENTRIES_DEFAULT 65536
/* A socket that was silent so long is taken out of the map; it comes back with its next datagram.
 */
#define RETIRE_NS 1000000000ULL

static bool by_calls(const struct np_source *src)
{
	return src->cfg.udp_hook != NP_HOOK_CGROUP && np_source_takes(src, "np_udp_send") &&
	       np_source_takes(src, "np_udp_recv");
}

static void prepare(struct np_source *src, bool wanted)
{
	struct np_bpf *bpf = src->bpf;
	bool calls = by_calls(src);

	src->udp_by_socket = !calls;
	bpf->rodata->np_want_icmp = (src->cfg.want | src->cfg.may_want) & NP_SRC_ICMP;
	bpf_map__set_autocreate(bpf->maps.np_udp, wanted);
	bpf_map__set_max_entries(bpf->maps.np_udp,
				 src->cfg.udp_entries ? src->cfg.udp_entries : ENTRIES_DEFAULT);
	bpf_program__set_autoload(bpf->progs.np_udp_send, wanted && calls);
	bpf_program__set_autoload(bpf->progs.np_udp_recv, wanted && calls);
	bpf_program__set_autoload(bpf->progs.np_udp_create, wanted && !calls);
	bpf_program__set_autoload(bpf->progs.np_udp_egress, wanted && !calls);
	bpf_program__set_autoload(bpf->progs.np_udp_ingress, wanted && !calls);
}

/* Kernels before 6.3 have no sock_send_length: the cgroup programs take over. */
static bool refused(struct np_source *src, const char *program)
{
	return by_calls(src) &&
	       (!strcmp(program, "np_udp_send") || !strcmp(program, "np_udp_recv"));
}

static int attach_cgroup(struct np_source *src, struct np_err *err)
{
	struct bpf_program *progs[] = { src->bpf->progs.np_udp_create,
					src->bpf->progs.np_udp_egress,
					src->bpf->progs.np_udp_ingress };
	int fd = np_cgroot_open();
	int ret = 0;

	if (fd < 0)
		return np_err_set(
		    err, -EOPNOTSUPP,
		    "cannot count UDP: this kernel needs cgroup v2 for it and none is "
		    "mounted; mount it with 'mount -t cgroup2 none /sys/fs/cgroup/unified', "
		    "or leave UDP out with the filter 'tcp'");
	for (size_t i = 0; i < 3 && !ret; i++) {
		src->udp_links[i] = bpf_program__attach_cgroup(progs[i], fd);
		if (!src->udp_links[i])
			ret = np_bpf_explain(err, -errno, "attach to the root cgroup to count UDP");
	}
	close(fd);
	return ret;
}

static int attach(struct np_source *src, struct np_err *err)
{
	int ret;

	if (!by_calls(src))
		return attach_cgroup(src, err);
	ret = np_attach(src->bpf->progs.np_udp_send, &src->udp_links[0], err);
	if (!ret)
		ret = np_attach(src->bpf->progs.np_udp_recv, &src->udp_links[1], err);
	return ret;
}

static void detach(struct np_source *src)
{
	for (size_t i = 0; i < 3; i++)
		np_detach(&src->udp_links[i]);
}

/*
 * The entry goes, with its last values: nothing that came since the read is lost. Kernels
 * before 5.14 cannot take and delete a hash entry at once.
 */
static bool retire(int map, const struct np_udp_key *key, struct np_ev_udp *val)
{
	if (!bpf_map_lookup_and_delete_elem(map, key, val))
		return true;
	return errno != ENOENT && !bpf_map_lookup_elem(map, key, val) &&
	       !bpf_map_delete_elem(map, key);
}

static void take(struct np_source *src, int map, const struct np_udp_key *key,
		 struct np_ev_udp *val, uint64_t now)
{
	if (now > val->last_ns && now - val->last_ns > RETIRE_NS && retire(map, key, val))
		val->hdr.flags |= NP_EV_F_LAST;
	np_source_emit(src, val, sizeof(*val));
}

#define BATCH 256

static int snapshot(struct np_source *src, uint32_t *what)
{
	int map = bpf_map__fd(src->bpf->maps.np_udp);
	uint64_t now = np_clock_mono();
	struct np_udp_key *keys = calloc(BATCH * 4, sizeof(*keys));
	struct np_ev_udp *vals = calloc(BATCH * 4, sizeof(*vals));
	uint32_t cursor = 0, next = 0, count;
	bool first = true;
	int err = 0;

	if (!keys || !vals)
		err = -ENOMEM;
	while (!err) {
		count = BATCH * 4;
		/* a bucket comes whole: ENOSPC only where one holds more than the room here */
		err = bpf_map_lookup_batch(map, first ? NULL : &cursor, &next, keys, vals, &count,
					   NULL);
		if (err && errno != ENOENT)
			break;
		for (uint32_t i = 0; i < count; i++)
			take(src, map, &keys[i], &vals[i], now);
		cursor = next;
		first = false;
	}
	if (err && errno != ENOENT)
		src->read_errors++;
	else
		*what |= NP_WALK_UDP;
	free(keys);
	free(vals);
	return 0;
}

static void stats(struct np_source *src, struct np_source_stats *stats)
{
	if (bpf_map__autocreate(src->bpf->maps.np_udp))
		stats->udp_max = bpf_map__max_entries(src->bpf->maps.np_udp);
}

const struct np_probe np_probe_udp = {
	.name = "udp",
	.bit = NP_SRC_UDP,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.snapshot = snapshot,
	.stats = stats,
};
