// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "meta/oci.h"

#define FIELD(member) \
	offsetof(struct np_container, member), sizeof(((struct np_container *)NULL)->member)

/*
 * Annotations and labels, best first. containerd: pkg/cri/annotations/annotations.go; kubelet's
 * labels, which CRI-O copies into the annotations and dockershim into the labels:
 * pkg/kubelet/types/labels.go; nerdctl: pkg/labels/labels.go.
 */
static const struct key {
	const char *key;
	size_t offset;
	size_t size;
} keys[] = {
	{ "io.kubernetes.cri.container-name", FIELD(name) },
	{ "io.kubernetes.cri.sandbox-name", FIELD(pod) },
	{ "io.kubernetes.cri.sandbox-namespace", FIELD(pod_namespace) },
	{ "io.kubernetes.cri.sandbox-uid", FIELD(pod_uid) },
	{ "io.kubernetes.container.name", FIELD(name) },
	{ "io.kubernetes.pod.name", FIELD(pod) },
	{ "io.kubernetes.pod.namespace", FIELD(pod_namespace) },
	{ "io.kubernetes.pod.uid", FIELD(pod_uid) },
	{ "nerdctl/name", FIELD(name) },
};

/* A string of another type, an empty one or a field that is known already changes nothing. */
static void fill(char *dst, size_t size, const json_t *value)
{
	const char *str = json_string_value(value);

	if (str && *str && !*dst)
		snprintf(dst, size, "%s", str);
}

static void fill_labels(struct np_container *out, const json_t *labels)
{
	const char *type =
	    json_string_value(json_object_get(labels, "io.kubernetes.cri.container-type"));

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		fill((char *)out + keys[i].offset, keys[i].size,
		     json_object_get(labels, keys[i].key));
	/* containerd's pause container has no name; CRI-O and dockershim call it so */
	if (type && !strcmp(type, "sandbox") && !*out->name)
		snprintf(out->name, sizeof(out->name), "POD");
}

bool np_oci_config(struct np_container *out, const void *data, size_t len)
{
	json_t *root = json_loadb(data, len, 0, NULL);

	if (!root)
		return false;
	fill_labels(out, json_object_get(root, "annotations"));
	json_decref(root);
	return true;
}

bool np_oci_docker(struct np_container *out, const void *data, size_t len)
{
	json_t *root = json_loadb(data, len, 0, NULL);
	const char *name;

	if (!root)
		return false;
	fill_labels(out, json_object_get(json_object_get(root, "Config"), "Labels"));
	name = json_string_value(json_object_get(root, "Name"));
	if (name && !*out->name)
		snprintf(out->name, sizeof(out->name), "%s", name + (*name == '/'));
	json_decref(root);
	return true;
}

bool np_oci_storage(struct np_container *out, const void *data, size_t len)
{
	json_t *root = json_loadb(data, len, 0, NULL), *entry;
	bool found = false;
	size_t i;

	json_array_foreach(root, i, entry)
	{
		const char *id = json_string_value(json_object_get(entry, "id"));

		if (!id || strcmp(id, out->id) != 0)
			continue;
		fill(out->name, sizeof(out->name),
		     json_array_get(json_object_get(entry, "names"), 0));
		found = true;
		break;
	}
	json_decref(root);
	return found;
}

/* WHOLE is CGROUP itself or, in runc's state, its path below the mount point of a hierarchy. */
static bool same_cgroup(const json_t *value, const char *cgroup, bool mounted)
{
	const char *whole = json_string_value(value);
	size_t len, n = strlen(cgroup);

	if (!whole)
		return false;
	len = strlen(whole);
	if (!mounted)
		return !strcmp(whole, cgroup);
	return len > n && !strcmp(whole + len - n, cgroup) &&
	       !strncmp(whole, "/sys/fs/cgroup/", 15);
}

bool np_oci_owns(const void *data, size_t len, const char *cgroup)
{
	json_t *root = json_loadb(data, len, 0, NULL), *paths, *value;
	const char *key;
	bool owns;

	/* crun: src/libcrun/status.c; runc: "cgroup_paths" of libcontainer's State */
	owns = same_cgroup(json_object_get(root, "cgroup-path"), cgroup, false) ||
	       same_cgroup(json_object_get(json_object_get(root, "linux"), "cgroupsPath"), cgroup,
			   false);
	paths = json_object_get(root, "cgroup_paths");
	json_object_foreach(paths, key, value) owns |= same_cgroup(value, cgroup, true);
	json_decref(root);
	return owns;
}
