// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The first packets of each flow: bpf/peek.bpf.c. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "netprobe.skel.h"
#include "source/cgroot.h"
#include "source/probe.h"

#define ENTRIES_DEFAULT 65536

static bool taken(const struct np_source *src)
{
	return np_source_takes(src, "np_peek_egress") && np_source_takes(src, "np_peek_ingress");
}

static void prepare(struct np_source *src, bool wanted)
{
	struct np_bpf *bpf = src->bpf;

	wanted = wanted && taken(src);
	/* its size is the TCP probe's matter, who comes first */
	if (wanted)
		bpf_map__set_autocreate(bpf->maps.np_ring, true);
	bpf_map__set_autocreate(bpf->maps.np_peek, wanted);
	bpf_map__set_max_entries(bpf->maps.np_peek,
				 src->cfg.peek_entries ? src->cfg.peek_entries : ENTRIES_DEFAULT);
	bpf_program__set_autoload(bpf->progs.np_peek_egress, wanted);
	bpf_program__set_autoload(bpf->progs.np_peek_ingress, wanted);
}

/* The rest of the object loads without them; attach() says so to who wants them. */
static bool refused(struct np_source *src, const char *program)
{
	(void)src;
	return !strcmp(program, "np_peek_egress") || !strcmp(program, "np_peek_ingress");
}

static int attach(struct np_source *src, struct np_err *err)
{
	struct bpf_program *progs[] = { src->bpf->progs.np_peek_egress,
					src->bpf->progs.np_peek_ingress };
	int ret = 0, fd;

	if (!taken(src))
		return np_err_set(err, -EOPNOTSUPP,
				  "cannot tell application protocols: this kernel refuses the "
				  "programs that look at packets; leave out the column 'app'");
	fd = np_cgroot_open();
	if (fd < 0)
		return np_err_set(
		    err, -EOPNOTSUPP,
		    "cannot tell application protocols: that needs cgroup v2 and none is mounted; "
		    "mount it with 'mount -t cgroup2 none /sys/fs/cgroup/unified', or leave out "
		    "the column 'app'");
	for (size_t i = 0; i < 2 && !ret; i++) {
		src->peek_links[i] = bpf_program__attach_cgroup(progs[i], fd);
		if (!src->peek_links[i])
			ret = np_bpf_explain(err, -errno,
					     "attach to the root cgroup to look at packets");
	}
	close(fd);
	return ret;
}

static void detach(struct np_source *src)
{
	for (size_t i = 0; i < 2; i++)
		np_detach(&src->peek_links[i]);
}

static void stats(struct np_source *src, struct np_source_stats *stats)
{
	stats->peeked = src->bpf->bss->np_peeked;
}

const struct np_probe np_probe_peek = {
	.name = "peek",
	.bit = NP_SRC_PEEK,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.stats = stats,
};
