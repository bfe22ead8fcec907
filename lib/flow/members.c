// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "flow/members.h"

/* Two processes may start in the same nanosecond, on two processors. */
struct process {
	uint32_t pid;
	struct process *next;
};

struct np_members {
	bool command;            /* there is one */
	struct np_map cgroups;   /* by id; the values say nothing */
	struct np_map processes; /* struct process by start_ns */
};

struct np_members *np_members_new(bool command)
{
	struct np_members *members = calloc(1, sizeof(*members));

	if (members)
		members->command = command;
	return members;
}

void np_members_free(struct np_members *members)
{
	if (!members)
		return;
	np_map_foreach (&members->processes, slot) {
		for (struct process *p = slot->val, *next; p; p = next) {
			next = p->next;
			free(p);
		}
	}
	np_map_free(&members->processes);
	np_map_free(&members->cgroups);
	free(members);
}

static const struct process *find(const struct np_members *members, uint64_t start_ns, uint32_t pid)
{
	const struct process *p = np_map_get(&members->processes, start_ns);

	while (p && p->pid != pid)
		p = p->next;
	return p;
}

int np_members_add(struct np_members *members, const struct np_ev_member *r)
{
	struct process *p;

	members->command = true;
	if (r->cgroup_id)
		return np_map_put(&members->cgroups, r->cgroup_id, members);
	if (!r->pid || find(members, r->start_ns, r->pid))
		return 0;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->pid = r->pid;
	p->next = np_map_get(&members->processes, r->start_ns);
	if (!np_map_put(&members->processes, r->start_ns, p))
		return 0;
	free(p);
	return -ENOMEM;
}

bool np_members_have(const struct np_members *members, const struct np_row *row)
{
	if (!members->command)
		return true;
	if (row->cgroup_id && np_map_get(&members->cgroups, row->cgroup_id))
		return true;
	return row->pid && find(members, row->start_ns, row->pid);
}
