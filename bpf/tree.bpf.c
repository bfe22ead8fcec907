// SPDX-License-Identifier: GPL-2.0-only
/*
 * What belongs to a command that is watched. Its cgroup, and those made below it (np_tree_mkdir);
 * or, where it has no cgroup of its own, its process and all that descend from it by fork
 * (np_tree_fork): setsid, a second fork or the end of a parent change nothing about that. Each new
 * member is told before it can make a socket.
 */
#include "np_kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_emit.bpf.h"
#include "np_event.h"

/* The command's process, as our pid namespace (of this device and inode) numbers it; 0: none. */
const volatile __u32 np_tree_root = 0;
const volatile __u64 np_tree_dev = 0, np_tree_ino = 0;

bool np_tree_found; /* the command runs: its process is a member */

/* Living processes: start_boottime of the group leader by tgid. An id may be used again: a process
 * is both. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} np_tree SEC(".maps");

/* Cgroups, by id; those that are gone stay, for their sockets may live. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u32);
} np_tree_cgroups SEC(".maps");

static __always_inline void tell(__u64 cgroup_id, __u32 pid, __u64 start_ns)
{
	struct np_ev_member *r = np_reserve(sizeof(*r));

	if (!r)
		return;
	r->hdr.type = NP_EV_MEMBER;
	r->hdr.size = sizeof(*r);
	r->cgroup_id = cgroup_id;
	r->start_ns = start_ns;
	r->pid = pid;
	np_submit(r);
}

static __always_inline bool is_member(struct task_struct *task)
{
	__u32 pid = task->tgid;
	__u64 *start = bpf_map_lookup_elem(&np_tree, &pid);

	return start && *start == task->group_leader->start_boottime;
}

static __always_inline void join(struct task_struct *task)
{
	__u64 start = task->group_leader->start_boottime;
	__u32 pid = task->tgid;

	/* it is a member all the same, but its children would not be */
	if (bpf_map_update_elem(&np_tree, &pid, &start, BPF_ANY))
		np_count_lost(NP_LOST_TREE_MAP);
	tell(0, pid, start);
}

/* In the parent's context, before the child runs. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(np_tree_fork, struct task_struct *parent, struct task_struct *child)
{
	/* a thread is its process's */
	if (child->tgid != parent->tgid && is_member(parent))
		join(child);
	return 0;
}

/* The command itself: from its first exec on. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(np_tree_exec, struct task_struct *task)
{
	struct bpf_pidns_info ns = {};

	if (np_tree_found ||
	    bpf_get_ns_current_pid_tgid(np_tree_dev, np_tree_ino, &ns, sizeof(ns)) ||
	    ns.tgid != np_tree_root)
		return 0;
	np_tree_found = true;
	join(task);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(np_tree_exit, struct task_struct *task)
{
	__u32 pid = task->tgid;

	/* threads of it go on */
	if (task->signal->live.counter || !is_member(task))
		return 0;
	bpf_map_delete_elem(&np_tree, &pid);
	return 0;
}

/* Version 1 hierarchies have ids of their own, the same ones. */
#define CGROUP2_HIERARCHY 0

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(np_tree_mkdir, struct cgroup *cgroup)
{
	struct cgroup_subsys_state *above = cgroup->self.parent;
	__u64 id, parent;
	__u32 yes = 1;

	if (!above || cgroup->root->hierarchy_id != CGROUP2_HIERARCHY)
		return 0;
	parent = above->cgroup->kn->id;
	if (!bpf_map_lookup_elem(&np_tree_cgroups, &parent))
		return 0;
	id = cgroup->kn->id;
	if (bpf_map_update_elem(&np_tree_cgroups, &id, &yes, BPF_ANY))
		np_count_lost(NP_LOST_TREE_MAP);
	tell(id, 0, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
