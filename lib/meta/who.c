// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "meta/who.h"

void np_who_release(void *meta, struct np_row *row)
{
	if (row->proc)
		np_meta_proc_put(meta, row->proc);
	if (row->cgroup)
		np_meta_cgroup_put(meta, row->cgroup);
	row->proc = NULL;
	row->cgroup = NULL;
	row->meta_done = 0;
}

void np_who_fill(struct np_meta *meta, struct np_row *row)
{
	if (row->meta_done)
		return;
	np_who_release(meta, row);
	row->meta_done = 1;
	np_meta_note(meta, row->uid, row->netns);
	if (row->cgroup_id)
		row->cgroup = np_meta_cgroup(meta, row->cgroup_id);
	if (row->pid)
		row->proc = np_meta_proc(meta, row->pid, row->start_ns, row->comm, row->uid);
	/* on hosts with cgroup v1 only the process's own path tells */
	if (!row->cgroup && row->proc && row->proc->cgroup)
		row->cgroup = np_meta_cgroup_get(row->proc->cgroup);
}
