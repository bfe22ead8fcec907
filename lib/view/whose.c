// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <fnmatch.h>
#include <string.h>

#include "flow/members.h"
#include "meta/meta.h"
#include "view/whose.h"

static bool any_id(const uint32_t *ids, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return !n;
}

/* Names may be globs, as a shell user expects. */
static bool any_glob(const char *const *globs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!fnmatch(globs[i], name, 0))
			return true;
	return !n;
}

/* "/a/b" is a path from the root with everything below it; "b.service" is a component anywhere. */
static bool in_cgroup(const char *want, const char *path)
{
	size_t len = strlen(want);
	const char *at = path;

	if (*want == '/') {
		while (len > 1 && want[len - 1] == '/')
			len--;
		return len == 1 ||
		       (!strncmp(path, want, len) && (path[len] == '\0' || path[len] == '/'));
	}
	while ((at = strstr(at, want))) {
		if (at > path && at[-1] == '/' && (at[len] == '\0' || at[len] == '/'))
			return true;
		at++;
	}
	return false;
}

static bool any_cgroup(const struct np_whose *w, const struct np_row *row)
{
	for (size_t i = 0; i < w->ncgroups; i++)
		if (row->cgroup && in_cgroup(w->cgroups[i], row->cgroup->path))
			return true;
	return !w->ncgroups;
}

static bool any_container(const struct np_whose *w, const struct np_row *row)
{
	for (size_t i = 0; i < w->ncontainers; i++) {
		const char *want = w->containers[i];

		if (!row->cgroup || !*row->cgroup->container_id)
			return false;
		if (!fnmatch(want, row->cgroup->container, 0) ||
		    (strlen(want) >= 6 && !strncmp(row->cgroup->container_id, want, strlen(want))))
			return true;
	}
	return !w->ncontainers;
}

static bool any_pod(const struct np_whose *w, const struct np_row *row)
{
	for (size_t i = 0; i < w->npods; i++) {
		const char *slash = strchr(w->pods[i], '/');
		const char *pod = slash ? slash + 1 : w->pods[i];
		size_t len = slash ? (size_t)(slash - w->pods[i]) : 0;

		if (!row->cgroup || !*row->cgroup->pod)
			return false;
		if (slash && (strncmp(row->cgroup->pod_namespace, w->pods[i], len) ||
			      row->cgroup->pod_namespace[len]))
			continue;
		if (!fnmatch(pod, row->cgroup->pod, 0))
			return true;
	}
	return !w->npods;
}

bool np_whose_match(const struct np_whose *w, const struct np_row *row)
{
	if (!w)
		return true;
	if (row->flags & NP_ROW_IFACE)
		return any_glob(w->interfaces, w->ninterfaces, row->link.name);
	if (w->members && !np_members_have(w->members, row))
		return false;
	return any_id(w->pids, w->npids, row->pid) && any_id(w->uids, w->nuids, row->uid) &&
	       any_id(w->netns, w->nnetns, row->netns) &&
	       any_glob(w->comms, w->ncomms, row->comm) && any_cgroup(w, row) &&
	       any_container(w, row) && any_pod(w, row);
}
