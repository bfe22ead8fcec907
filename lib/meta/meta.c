// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meta/internal.h"

int np_meta_new(struct np_meta **out, const struct np_meta_cfg *cfg, struct np_err *err)
{
	const char *root = cfg->root ? cfg->root : "/";
	struct np_meta *meta = calloc(1, sizeof(*meta));
	long hz = sysconf(_SC_CLK_TCK);
	int ret;

	*out = NULL;
	if (!meta)
		return np_err_set(err, -ENOMEM, "out of memory");
	meta->cmdline = cfg->cmdline;
	meta->cgroup = cfg->cgroup;
	meta->tick = 1;
	meta->clock_tick = 1000000000ULL / (uint64_t)(hz > 0 ? hz : 100);
	meta->cgroup_fd = -1;
	meta->rootfd = -1;
	meta->learned = cfg->learned;
	meta->learned_ctx = cfg->ctx;
	meta->replay = cfg->replay;
	if (meta->replay) {
		*out = meta;
		return 0;
	}
	meta->rootfd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (meta->rootfd < 0) {
		ret = np_err_set(err, -errno, "cannot use %s as the root of the file system: %s",
				 root, strerror(errno));
		goto fail;
	}
	ret = np_meta_cgroup_start(meta);
	if (ret) {
		np_err_set(err, ret, "out of memory");
		goto fail;
	}
	*out = meta;
	return 0;
fail:
	np_meta_free(meta);
	return ret;
}

void np_meta_free(struct np_meta *meta)
{
	if (!meta)
		return;
	np_meta_proc_stop(meta); /* first: processes hold cgroups */
	np_meta_cgroup_stop(meta);
	np_meta_names_stop(meta);
	np_buf_free(&meta->buf);
	np_buf_free(&meta->record);
	np_map_free(&meta->told_cgroups);
	if (meta->rootfd >= 0)
		close(meta->rootfd);
	free(meta);
}

void np_meta_want(struct np_meta *meta, bool cmdline, bool cgroup)
{
	meta->cmdline = cmdline;
	meta->cgroup = cgroup;
}

void np_meta_tick(struct np_meta *meta)
{
	meta->tick++;
	/* what was learned is not learned twice */
	if (meta->replay)
		return;
	np_meta_proc_tick(meta);
	np_meta_cgroup_tick(meta);
	np_meta_names_tick(meta);
}
