// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * One pass over the components of the path, outermost first; a later container overwrites an
 * earlier one, so that the innermost wins (a pod of a `kind` node, a container inside a container).
 *
 * The unit follows systemd's cg_path_get_unit() (src/basic/cgroup-util.c): the first component that
 * is not a slice. This is what `ps -o unit`, sd_pid_get_unit() and systemctl say, and for
 * everything under a user manager it is user@UID.service. Its escapes stay, as systemctl wants
 * them.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "meta/cgpath.h"

#define ID_LEN                                                                             \
	64 /* a container id of docker, containerd, CRI-O and podman: SHA-256 size, in hex \
	    */
#define UUID_LEN  36
#define MD5_LEN   32 /* uid of a static pod: a hash of its manifest */
#define NAME_SIZE 256

/* Names that a runtime builds in front of an id. A longer prefix stands before its own beginning.
 */
static const struct prefix {
	const char *prefix;
	const char *runtime;
	bool monitor;  /* the process that watches the container, outside of it */
	bool any_name; /* what follows is a name that the user chose: only in a .scope */
} prefixes[] = {
	{ "docker-", "docker", false, false },
	{ "cri-containerd-", "containerd", false, false },
	{ "containerd-", "containerd", false, false },
	{ "nerdctl-", "containerd", false, false },
	{ "crio-conmon-", "cri-o", true, false },
	{ "crio-", "cri-o", false, false },
	{ "libpod-conmon-", "podman", true, false },
	{ "libpod-payload-", "podman", false, false },
	{ "libpod-", "podman", false, false },
	{ "crun-", "crun", false, true },
	{ "runc-", "runc", false, true },
	{ "machine-", "machined", false, true },
};

/* The component before the one looked at, and whom the path belongs to as far as it was read. */
struct walk {
	struct np_cgpath *out;
	char prev[NAME_SIZE];
	bool units; /* only slices were seen: the next component may be the unit */
	bool ecs;
};

static void copy(char *dst, size_t size, const char *src, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(dst, src, len);
	dst[len] = '\0';
}

static bool starts(const char *str, const char *prefix)
{
	return !strncmp(str, prefix, strlen(prefix));
}

/* Cuts SUFFIX off STR; false where it does not end so, or has nothing before it. */
static bool cut_suffix(char *str, const char *suffix)
{
	size_t len = strlen(str), n = strlen(suffix);

	if (len <= n || strcmp(str + len - n, suffix) != 0)
		return false;
	str[len - n] = '\0';
	return true;
}

static bool ends(const char *str, const char *suffix)
{
	size_t len = strlen(str), n = strlen(suffix);

	return len > n && !strcmp(str + len - n, suffix);
}

static bool all_hex(const char *str, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)str[i]))
			return false;
	return true;
}

static bool is_id(const char *str)
{
	return strlen(str) == ID_LEN && all_hex(str, ID_LEN);
}

static bool is_uuid(const char *str)
{
	static const unsigned char dashes[] = { 8, 13, 18, 23 };
	size_t next = 0;

	if (strlen(str) != UUID_LEN)
		return false;
	for (size_t i = 0; i < UUID_LEN; i++) {
		if (next < sizeof(dashes) && i == dashes[next]) {
			if (str[i] != '-')
				return false;
			next++;
		} else if (!isxdigit((unsigned char)str[i])) {
			return false;
		}
	}
	return true;
}

static int hex_value(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* systemd's \xNN, in place. What would decode to a slash or to no printable character stays. */
static void unescape(char *str)
{
	char *to = str;

	while (*str) {
		if (str[0] == '\\' && str[1] == 'x' && hex_value(str[2]) >= 0 &&
		    hex_value(str[3]) >= 0) {
			int c = hex_value(str[2]) * 16 + hex_value(str[3]);

			if (c > ' ' && c < 0x7f && c != '/') {
				*to++ = (char)c;
				str += 4;
				continue;
			}
		}
		*to++ = *str++;
	}
	*to = '\0';
}

static void set_container(struct walk *w, const char *runtime, const char *id)
{
	struct np_cgpath *out = w->out;

	/* A cut id is another container's name: then rather none. */
	if (strlen(id) >= sizeof(out->container_id))
		id = runtime = "";
	copy(out->container_id, sizeof(out->container_id), id, strlen(id));
	copy(out->runtime, sizeof(out->runtime), runtime, strlen(runtime));
}

static bool match_unit(struct walk *w, const char *name)
{
	static const char *const types[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

	if (ends(name, ".slice"))
		return false;
	w->units = false;
	/* systemd puts a '_' in front of names that the kernel could take for its own files */
	if (*name == '_')
		name++;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (ends(name, types[i])) {
			copy(w->out->unit, sizeof(w->out->unit), name, strlen(name));
			return true;
		}
	}
	return false;
}

/* "pod<uid>" of the cgroupfs driver, "kubepods-burstable-pod<uid with _>.slice" of systemd's. */
static bool match_pod(struct walk *w, const char *name)
{
	char uid[NAME_SIZE];
	const char *at;

	copy(uid, sizeof(uid), name, strlen(name));
	if (cut_suffix(uid, ".slice")) {
		if (!strstr(uid, "kubepods-"))
			return false;
		at = strstr(uid, "-pod");
		if (!at)
			return false;
		memmove(uid, at + 4, strlen(at + 4) + 1);
		for (char *c = uid; *c; c++)
			if (*c == '_')
				*c = '-';
	} else if (starts(uid, "pod")) {
		memmove(uid, uid + 3, strlen(uid + 3) + 1);
	} else {
		return false;
	}
	if (!is_uuid(uid) && !(strlen(uid) == MD5_LEN && all_hex(uid, MD5_LEN)))
		return false;
	copy(w->out->pod_uid, sizeof(w->out->pod_uid), uid, strlen(uid));
	/* What was seen so far is the node (kind), not a container of this pod. */
	set_container(w, "", "");
	return true;
}

/* "docker-<id>.scope", "crio-<id>", "crun-<name>.scope" ... */
static bool match_prefix(struct walk *w, const char *name)
{
	char id[NAME_SIZE];

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const struct prefix *p = &prefixes[i];
		bool scope;

		if (!starts(name, p->prefix))
			continue;
		copy(id, sizeof(id), name + strlen(p->prefix), strlen(name) - strlen(p->prefix));
		scope = cut_suffix(id, ".scope");
		if (p->any_name ? !scope : !is_id(id))
			continue;
		if (p->monitor)
			return true;
		unescape(id);
		set_container(w, p->runtime, id);
		return true;
	}
	return false;
}

/* "<32 hex>-<number>": a container of a Fargate task. */
static bool is_fargate(const char *name)
{
	size_t len = strlen(name);

	if (len <= MD5_LEN + 1 || name[MD5_LEN] != '-' || !all_hex(name, MD5_LEN))
		return false;
	return strspn(name + MD5_LEN + 1, "0123456789") == len - MD5_LEN - 1;
}

/* Names whose meaning is in the directory they stand in. */
static bool match_parent(struct walk *w, const char *name)
{
	if (!strcmp(w->prev, "lxc") || !strcmp(w->prev, "lxc.payload"))
		set_container(w, "lxc", name);
	else if (starts(name, "lxc.payload.") && name[12])
		set_container(w, "lxc", name + 12);
	else if (!strcmp(w->prev, "garden") && is_uuid(name))
		set_container(w, "garden", name);
	else if (w->ecs && is_fargate(name))
		set_container(w, "ecs", name);
	else if (!is_id(name) || !strcmp(w->prev, "libpod_parent"))
		return false; /* the latter is podman's id of a pod, not of a container */
	else if (!strcmp(w->prev, "docker"))
		set_container(w, "docker", name);
	else
		/* kubepods of the cgroupfs driver, containerd's namespaces, --cgroup-parent: the
		 * path does not say whose it is */
		set_container(w, w->ecs ? "ecs" : "", name);
	return true;
}

/*
 * "<slice>:<prefix>:<id>": what the kubelet hands to a runtime for its systemd driver, taken for a
 * directory's name by a containerd that is set to the cgroupfs driver.
 */
static bool match_colons(struct walk *w, const char *name)
{
	const char *one = strchr(name, ':'), *two = one ? strchr(one + 1, ':') : NULL;
	char part[NAME_SIZE];

	if (!two)
		return false;
	copy(part, sizeof(part), name, (size_t)(one - name));
	match_pod(w, part);
	copy(part, sizeof(part), one + 1, strlen(one + 1));
	part[two - one - 1] = '-';
	return match_prefix(w, part);
}

static void component(struct walk *w, const char *name)
{
	if (w->units)
		match_unit(w, name);
	if (!strcmp(name, "ecs"))
		w->ecs = true;
	else if (!match_colons(w, name) && !match_pod(w, name) && !match_prefix(w, name))
		match_parent(w, name);
	copy(w->prev, sizeof(w->prev), name, strlen(name));
}

void np_cgpath_parse(struct np_cgpath *out, const char *path)
{
	struct walk w = { .out = out, .units = true };
	char name[NAME_SIZE];

	*out = (struct np_cgpath){ 0 };
	while (*path) {
		size_t len = strcspn(path, "/");

		copy(name, sizeof(name), path, len);
		/* "..": the path of a cgroup outside of our cgroup namespace. The kernel's names
		 * end at 255 bytes; a longer one is not from it. */
		if (len && len < sizeof(name) && strcmp(name, "..") != 0)
			component(&w, name);
		path += len;
		path += *path == '/';
	}
}
