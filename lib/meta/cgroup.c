// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meta/cgmount.h"
#include "meta/cgpath.h"
#include "meta/container.h"
#include "meta/internal.h"
#include "meta/rootfile.h"

#define MOUNTINFO_MAX (4u << 20)
#define RENAME_TICKS  16 /* a container is looked up again so often: somebody may rename it */

struct np_cgroup_node {
	struct np_cgroup pub;        /* first: what callers hold */
	struct np_cgroup_node *next; /* of all */
	struct np_cgroup_node *same; /* the chain of np_meta.paths */
	uint64_t resolved;           /* tick of the look-up of names; 0: not yet */
	bool named;                  /* a name was found then, or before */
	bool told;                   /* np_meta_tell_cgroup() */
	struct np_cgpath cg;
	struct np_container who;
	char path[];
};

int np_meta_cgroup_start(struct np_meta *meta)
{
	int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC), err;

	/* Without a cgroup2 mount every id is unknown, and paths are all there is. */
	if (self < 0)
		return 0;
	err = np_rootfile_read(self, "mountinfo", MOUNTINFO_MAX, &meta->buf);
	close(self);
	if (err || !meta->buf.len)
		return 0;
	err = np_cgmount_find(meta->buf.data, &meta->cgroup_mount, &meta->cgroup_top);
	if (err)
		return err == -ENOENT ? 0 : err;
	meta->cgroup_fd = open(meta->cgroup_mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

/* Fills what files say, if it is asked for and due. */
static void resolve(struct np_meta *meta, struct np_cgroup_node *node)
{
	struct np_container who;
	bool named, changed = false;

	if (node->resolved || !meta->cgroup || meta->replay)
		return;
	named = np_container_find(&who, meta->rootfd, node->path, &node->cg);
	node->resolved = meta->tick;
	/* What is not found any more is a container that is gone, whose name still holds. */
	if (named || !node->named) {
		changed = memcmp(&node->who, &who, sizeof(who)) != 0;
		node->who = who;
	}
	node->named |= named;
	/* of a path without an id, the process tells; what it is called is told here */
	if (changed || !node->told)
		np_meta_tell_cgroup(meta, node->pub.id, &node->pub);
	node->told = true;
}

static struct np_cgroup_node *node_new(struct np_meta *meta, uint64_t id, const char *path)
{
	size_t size = strlen(path) + 1;
	struct np_cgroup_node *node;

	if (meta->ncgroups >= NP_META_CGROUPS_MAX)
		return NULL;
	node = calloc(1, sizeof(*node) + size);
	if (!node)
		return NULL;
	memcpy(node->path, path, size);
	np_cgpath_parse(&node->cg, path);
	np_container_find(&node->who, -1, path, &node->cg);
	node->pub = (struct np_cgroup){
		.id = id,
		.path = node->path,
		.unit = node->cg.unit,
		.runtime = node->who.runtime,
		.container_id = node->who.id,
		.container = node->who.name,
		.pod = node->who.pod,
		.pod_uid = node->who.pod_uid,
		.pod_namespace = node->who.pod_namespace,
	};
	return node;
}

static void add(struct np_meta *meta, struct np_cgroup_node *node)
{
	node->next = meta->all_cgroups;
	meta->all_cgroups = node;
	meta->ncgroups++;
	meta->idle_cgroups++;
}

/* Takes NODE, which has a path only, out of its chain. */
static void unchain(struct np_meta *meta, struct np_cgroup_node *node)
{
	uint64_t key = np_hash(node->path, strlen(node->path), 0);
	struct np_cgroup_node *first = np_map_get(&meta->paths, key), **at;

	if (first == node) {
		if (node->same)
			/* replaces a value: takes no memory */
			(void)np_map_put(&meta->paths, key, node->same);
		else
			np_map_del(&meta->paths, key);
		return;
	}
	for (at = &first->same; *at != node; at = &(*at)->same)
		;
	*at = node->same;
}

static void drop_idle(struct np_meta *meta)
{
	struct np_cgroup_node **at = &meta->all_cgroups, *node;

	while (meta->idle_cgroups && (node = *at)) {
		if (node->pub.refs) {
			at = &node->next;
			continue;
		}
		*at = node->next;
		/* learned anew: another node may have its place */
		if (node->pub.id && np_map_get(&meta->cgroups, node->pub.id) == node)
			np_map_del(&meta->cgroups, node->pub.id);
		else if (!node->pub.id)
			unchain(meta, node);
		meta->ncgroups--;
		meta->idle_cgroups--;
		free(node);
	}
}

static void make_room(struct np_meta *meta)
{
	if (meta->ncgroups >= NP_META_CGROUPS_MAX)
		drop_idle(meta);
}

static struct np_cgroup *take(struct np_meta *meta, struct np_cgroup_node *node)
{
	meta->idle_cgroups -= !node->pub.refs;
	node->pub.refs++;
	resolve(meta, node);
	return &node->pub;
}

/* The path from the root of the hierarchy, to be freed; NULL: no such cgroup, or the root. */
static char *whole_path(struct np_meta *meta, uint64_t id)
{
	struct np_buf whole = { 0 };
	char *path;

	if (meta->cgroup_fd < 0)
		return NULL;
	path = np_cgmount_path(meta->cgroup_fd, meta->cgroup_mount, id);
	if (path && (*path || *meta->cgroup_top)) {
		np_buf_str(&whole, meta->cgroup_top);
		np_buf_str(&whole, path);
	}
	free(path);
	if (whole.oom)
		np_buf_free(&whole);
	return whole.data;
}

struct np_cgroup *np_meta_cgroup(struct np_meta *meta, uint64_t id)
{
	struct np_cgroup_node *node = NULL;
	void *known;
	char *path;

	if (!id)
		return NULL;
	known = np_map_get(&meta->cgroups, id);
	if (known)
		return known == &meta->none ? NULL : take(meta, known);
	if (meta->replay)
		return NULL;
	make_room(meta);
	path = whole_path(meta, id);
	if (path)
		node = node_new(meta, id, path);
	free(path);
	if (!node && meta->cgroups.count >= 2 * (size_t)NP_META_CGROUPS_MAX)
		return NULL; /* too many that are unknown to remember them all */
	if (np_map_put(&meta->cgroups, id, node ? (void *)node : &meta->none)) {
		free(node);
		return NULL;
	}
	if (!node) {
		np_meta_tell_cgroup(meta, id, NULL);
		return NULL;
	}
	add(meta, node);
	return take(meta, node);
}

struct np_cgroup *np_meta_cgroup_path(struct np_meta *meta, const char *path)
{
	uint64_t key = np_hash(path, strlen(path), 0);
	struct np_cgroup_node *first, *node;

	if (!*path || !strcmp(path, "/"))
		return NULL;
	make_room(meta); /* first: it may change the chain */
	first = np_map_get(&meta->paths, key);
	for (node = first; node; node = node->same)
		if (!strcmp(node->path, path))
			return take(meta, node);
	node = node_new(meta, 0, path);
	if (!node)
		return NULL;
	node->same = first;
	if (np_map_put(&meta->paths, key, node)) {
		free(node);
		return NULL;
	}
	add(meta, node);
	return take(meta, node);
}

static void set_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text);
}

/* One that is there already changes where it is: others hold it. */
static struct np_cgroup_node *learned_node(struct np_meta *meta, uint64_t id, const char *path)
{
	struct np_cgroup_node *node = np_map_get(&meta->cgroups, id);
	struct np_cgroup *cgroup;

	if (!id) {
		cgroup = np_meta_cgroup_path(meta, path);
		np_meta_cgroup_put(meta, cgroup);
		return (struct np_cgroup_node *)cgroup;
	}
	if (node && (void *)node != &meta->none && !strcmp(node->path, path))
		return node;
	node = node_new(meta, id, path);
	if (!node)
		return NULL;
	if (np_map_put(&meta->cgroups, id, node)) {
		free(node);
		return NULL;
	}
	add(meta, node);
	return node;
}

void np_meta_learn_cgroup(struct np_meta *meta, uint64_t id, const char *const *texts)
{
	struct np_cgroup_node *node;

	if (!*texts[0]) {
		if (id && np_map_get(&meta->cgroups, id))
			(void)np_map_put(&meta->cgroups, id, &meta->none);
		return;
	}
	node = learned_node(meta, id, texts[0]);
	if (!node)
		return;
	set_text(node->who.runtime, sizeof(node->who.runtime), texts[1]);
	set_text(node->who.id, sizeof(node->who.id), texts[2]);
	set_text(node->who.name, sizeof(node->who.name), texts[3]);
	set_text(node->who.pod, sizeof(node->who.pod), texts[4]);
	set_text(node->who.pod_uid, sizeof(node->who.pod_uid), texts[5]);
	set_text(node->who.pod_namespace, sizeof(node->who.pod_namespace), texts[6]);
}

struct np_cgroup *np_meta_cgroup_get(struct np_cgroup *cgroup)
{
	if (cgroup)
		cgroup->refs++;
	return cgroup;
}

void np_meta_cgroup_put(struct np_meta *meta, struct np_cgroup *cgroup)
{
	if (cgroup && !--cgroup->refs)
		meta->idle_cgroups++;
}

static void forget_unknown(struct np_meta *meta)
{
	struct np_map kept = { 0 };

	/* Without memory they stay unknown for one more tick. */
	if (np_map_reserve(&kept, meta->ncgroups))
		return;
	np_map_foreach (&meta->cgroups, slot)
		if (slot->val != &meta->none && np_map_put(&kept, slot->key, slot->val)) {
			np_map_free(&kept);
			return;
		}
	np_map_free(&meta->cgroups);
	meta->cgroups = kept;
}

void np_meta_cgroup_tick(struct np_meta *meta)
{
	struct np_cgroup_node *node;

	drop_idle(meta);
	forget_unknown(meta);
	for (node = meta->all_cgroups; node; node = node->next) {
		if (!*node->who.id || meta->tick - node->resolved < RENAME_TICKS)
			continue;
		node->resolved = 0;
		resolve(meta, node);
	}
}

void np_meta_cgroup_stop(struct np_meta *meta)
{
	struct np_cgroup_node *node = meta->all_cgroups, *next;

	for (; node; node = next) {
		next = node->next;
		free(node);
	}
	np_map_free(&meta->cgroups);
	np_map_free(&meta->paths);
	if (meta->cgroup_fd >= 0)
		close(meta->cgroup_fd);
	free(meta->cgroup_mount);
	free(meta->cgroup_top);
}
