// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What belongs to a command, by its cgroup or by descent: bpf/tree.bpf.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "netprobe.skel.h"
#include "source/probe.h"

/* How programs in the kernel are told which pid namespace our ids are of. */
static void set_root(struct np_source *src)
{
	struct stat st = { 0 };

	src->bpf->rodata->np_tree_root = src->cfg.tree_pid;
	if (!src->cfg.tree_pid || stat("/proc/self/ns/pid", &st))
		return;
	src->bpf->rodata->np_tree_dev = (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev);
	src->bpf->rodata->np_tree_ino = st.st_ino;
}

static void prepare(struct np_source *src, bool wanted)
{
	bool processes = wanted && src->cfg.tree_pid, cgroups = wanted && src->cfg.tree_cgroup;
	struct np_bpf *bpf = src->bpf;

	set_root(src);
	if (wanted)
		bpf_map__set_autocreate(bpf->maps.np_ring, true);
	bpf_map__set_autocreate(bpf->maps.np_tree, processes);
	bpf_map__set_autocreate(bpf->maps.np_tree_cgroups, cgroups);
	bpf_program__set_autoload(bpf->progs.np_tree_fork, processes);
	bpf_program__set_autoload(bpf->progs.np_tree_exec, processes);
	bpf_program__set_autoload(bpf->progs.np_tree_exit, processes);
	bpf_program__set_autoload(bpf->progs.np_tree_mkdir, cgroups);
}

/* Without any of them something would be missed, and nobody would know. */
static bool refused(struct np_source *src, const char *program)
{
	(void)src;
	(void)program;
	return false;
}

static int attach_cgroups(struct np_source *src, struct np_err *err)
{
	int map = bpf_map__fd(src->bpf->maps.np_tree_cgroups);
	uint32_t yes = 1;

	if (bpf_map_update_elem(map, &src->cfg.tree_cgroup, &yes, BPF_ANY))
		return np_bpf_explain(err, -errno, "name the command's cgroup");
	return np_attach(src->bpf->progs.np_tree_mkdir, &src->tree_links[0], err);
}

static int attach(struct np_source *src, struct np_err *err)
{
	struct bpf_program *progs[] = { src->bpf->progs.np_tree_exit, src->bpf->progs.np_tree_fork,
					src->bpf->progs.np_tree_exec };
	int ret = 0;

	if (src->cfg.tree_cgroup)
		return attach_cgroups(src, err);
	for (size_t i = 0; i < NP_TREE_LINKS && !ret; i++)
		ret = np_attach(progs[i], &src->tree_links[i], err);
	return ret;
}

static void detach(struct np_source *src)
{
	for (size_t i = 0; i < NP_TREE_LINKS; i++)
		np_detach(&src->tree_links[i]);
}

/* That there is a command, and its cgroup where it has one. All other members come by the ring. */
/* NOLINTNEXTLINE(readability-non-const-parameter): struct np_probe has it so */
static int snapshot(struct np_source *src, uint32_t *what)
{
	struct np_ev_member r = { .hdr = { NP_EV_MEMBER, sizeof(r), 0 },
				  .cgroup_id = src->cfg.tree_cgroup };

	(void)what;
	if (!src->tree_told)
		np_source_emit(src, &r, sizeof(r));
	src->tree_told = true;
	return 0;
}

size_t np_source_tree(struct np_source *src, uint32_t *pids, size_t max)
{
	int map =
	    bpf_map__autocreate(src->bpf->maps.np_tree) ? bpf_map__fd(src->bpf->maps.np_tree) : -1;
	uint32_t *before = NULL, pid, last;
	size_t n = 0;

	while (map >= 0 && !bpf_map_get_next_key(map, before, &pid)) {
		if (n < max)
			pids[n] = pid;
		n++;
		last = pid;
		before = &last;
	}
	return n;
}

const struct np_probe np_probe_tree = {
	.name = "tree",
	.bit = NP_SRC_TREE,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.snapshot = snapshot,
};
