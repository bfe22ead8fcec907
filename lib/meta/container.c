// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meta/container.h"
#include "meta/rootfile.h"

#define FILE_MAX    (1u << 20)
#define STORAGE_MAX (8u << 20) /* one file for all containers, or users */
#define DIRENTS_MAX 65536

#define TASKS "io.containerd.runtime.v2.task"

/* containerd's state directory: as it ships, inside dockerd, and of the small distributions */
static const char *const containerd_dirs[] = {
	"run/containerd/" TASKS,
	"run/docker/containerd/daemon/" TASKS,
	"run/k3s/containerd/" TASKS,
	"run/k0s/containerd/" TASKS,
	"var/snap/microk8s/common/run/containerd/" TASKS,
};

static const char *const docker_dirs[] = {
	"var/lib/docker/containers",
	"var/snap/docker/common/var-lib-docker/containers",
};

static const char *const storage_dirs[] = {
	"run/containers/storage/overlay-containers",
	"var/lib/containers/storage/overlay-containers",
};

/* One look-up: where to read, what for, and a buffer for whatever file is read next. */
struct lookup {
	struct np_container *out;
	int rootfd;
	const char *path;
	int uid; /* whose user manager the cgroup is under; -1 for none */
	struct np_buf buf;
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

bool np_container_id_ok(const char *id)
{
	size_t len = strlen(id);

	return len && len < sizeof(((struct np_container *)NULL)->id) && *id != '.' &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-") ==
		   len;
}

/* A name that is too long is cut: it is for people to read. */
static void put(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (len >= size)
		len = size - 1;
	memcpy(dst, src, len);
	dst[len] = '\0';
}

static void set_runtime(struct lookup *l, const char *runtime)
{
	if (!*l->out->runtime)
		put(l->out->runtime, sizeof(l->out->runtime), runtime);
}

static bool find_docker(struct lookup *l)
{
	for (size_t i = 0; i < COUNT(docker_dirs); i++) {
		if (np_rootfile_readf(l->rootfd, FILE_MAX, &l->buf, "%s/%s/config.v2.json",
				      docker_dirs[i], l->out->id))
			continue;
		if (!np_oci_docker(l->out, l->buf.data, l->buf.len))
			continue;
		set_runtime(l, "docker");
		return true;
	}
	return false;
}

static bool read_task(struct lookup *l, const char *dir, const char *ns)
{
	return !np_rootfile_readf(l->rootfd, FILE_MAX, &l->buf, "%s/%s/%s/config.json", dir, ns,
				  l->out->id) &&
	       np_oci_config(l->out, l->buf.data, l->buf.len);
}

static bool find_containerd(struct lookup *l)
{
	bool found = false;

	for (size_t i = 0; i < COUNT(containerd_dirs); i++) {
		DIR *dir = np_rootfile_dir(l->rootfd, containerd_dirs[i]);
		struct dirent *ent;

		if (!dir)
			continue;
		for (unsigned int n = 0; !found && n < DIRENTS_MAX && (ent = readdir(dir)); n++)
			if (*ent->d_name != '.')
				found = read_task(l, containerd_dirs[i], ent->d_name);
		closedir(dir);
		if (found) {
			set_runtime(l, "containerd");
			return true;
		}
	}
	return false;
}

/* containers/storage in DIR: CRI-O says all in the annotations, podman keeps names in a list. */
static bool read_storage(struct lookup *l, const char *dir, size_t max)
{
	static const char *const lists[] = { "containers.json", "volatile-containers.json" };
	bool found = false;

	if (!np_rootfile_readf(l->rootfd, FILE_MAX, &l->buf, "%s/%s/userdata/config.json", dir,
			       l->out->id))
		found = np_oci_config(l->out, l->buf.data, l->buf.len);
	for (size_t i = 0; i < COUNT(lists); i++) {
		if (*l->out->name)
			break;
		if (!np_rootfile_readf(l->rootfd, max, &l->buf, "%s/%s", dir, lists[i]))
			found |= np_oci_storage(l->out, l->buf.data, l->buf.len);
	}
	return found;
}

/* The directory of a rootless podman: where /etc/passwd says that this user lives. */
static bool find_home_storage(struct lookup *l)
{
	char dir[512] = "";
	struct passwd *pw;
	FILE *f = NULL;

	if (l->uid < 0)
		return false;
	if (!np_rootfile_read(l->rootfd, "etc/passwd", STORAGE_MAX, &l->buf) && l->buf.len)
		f = fmemopen(l->buf.data, l->buf.len, "r");
	while (f && !*dir && (pw = fgetpwent(f)))
		if (pw->pw_uid == (uid_t)l->uid && pw->pw_dir[0] == '/')
			snprintf(dir, sizeof(dir),
				 "%s/.local/share/containers/storage/overlay-containers",
				 pw->pw_dir + 1);
	if (f)
		fclose(f);
	/* JSON takes 30 times its size while it is read: no user may ask for that much. */
	return *dir && read_storage(l, dir, FILE_MAX);
}

static bool find_storage(struct lookup *l)
{
	bool found = find_home_storage(l);

	for (size_t i = 0; i < COUNT(storage_dirs); i++) {
		if (*l->out->name)
			break;
		found |= read_storage(l, storage_dirs[i], STORAGE_MAX);
	}
	if (found)
		set_runtime(l, *l->out->pod ? "cri-o" : "podman");
	return found;
}

/*
 * The kubelet's links: /var/log/containers/<pod>_<namespace>_<container>-<id>.log. None of the
 * names can have a '_' in it.
 */
static void find_kube_log(struct lookup *l)
{
	DIR *dir = np_rootfile_dir(l->rootfd, "var/log/containers");
	struct np_container *out = l->out;
	struct dirent *ent;
	char tail[160];

	if (!dir)
		return;
	snprintf(tail, sizeof(tail), "-%s.log", out->id);
	for (unsigned int n = 0; n < DIRENTS_MAX && (ent = readdir(dir)); n++) {
		char *one = strchr(ent->d_name, '_'), *two = one ? strchr(one + 1, '_') : NULL;
		char *end = two ? strstr(two, tail) : NULL;

		if (!end || end[strlen(tail)])
			continue;
		*one = *two = *end = '\0';
		put(out->pod, sizeof(out->pod), ent->d_name);
		put(out->pod_namespace, sizeof(out->pod_namespace), one + 1);
		if (!*out->name)
			put(out->name, sizeof(out->name), two + 1);
		break;
	}
	closedir(dir);
}

/* The one directory below POD_DIR, if there is but one: the pod's only container. */
static void only_container(struct lookup *l, const char *pod_dir)
{
	char path[512], found[256] = "";
	struct dirent *ent;
	DIR *dir;

	snprintf(path, sizeof(path), "var/log/pods/%s", pod_dir);
	dir = np_rootfile_dir(l->rootfd, path);
	if (!dir)
		return;
	for (unsigned int n = 0; n < DIRENTS_MAX && (ent = readdir(dir)); n++) {
		if (*ent->d_name == '.')
			continue;
		if (*found) {
			*found = '\0';
			break;
		}
		put(found, sizeof(found), ent->d_name);
	}
	closedir(dir);
	if (*found && !*l->out->name)
		memcpy(l->out->name, found, sizeof(found));
}

/* /var/log/pods/<namespace>_<pod>_<uid>/<container>/; the uid is that of the cgroup's path. */
static void find_pod_log(struct lookup *l)
{
	DIR *dir = np_rootfile_dir(l->rootfd, "var/log/pods");
	struct np_container *out = l->out;
	struct dirent *ent;

	if (!dir)
		return;
	for (unsigned int n = 0; n < DIRENTS_MAX && (ent = readdir(dir)); n++) {
		char *one = strchr(ent->d_name, '_'), *two = one ? strchr(one + 1, '_') : NULL;

		if (!two || strcmp(two + 1, out->pod_uid) != 0)
			continue;
		only_container(l, ent->d_name);
		*one = *two = '\0';
		put(out->pod_namespace, sizeof(out->pod_namespace), ent->d_name);
		put(out->pod, sizeof(out->pod), one + 1);
		break;
	}
	closedir(dir);
}

static void find_by_id(struct lookup *l)
{
	static const struct {
		const char *runtimes; /* whose it may be; any, where the path does not say */
		bool (*find)(struct lookup *l);
	} sources[] = {
		{ "docker ecs", find_docker },
		{ "cri-o podman", find_storage },
		{ "containerd", find_containerd },
	};

	for (size_t i = 0; i < COUNT(sources); i++)
		if (strstr(sources[i].runtimes, l->out->runtime) && sources[i].find(l))
			break;
	if (*l->out->pod_uid && !*l->out->pod)
		find_kube_log(l);
	if (*l->out->pod_uid && !*l->out->pod)
		find_pod_log(l);
}

/* Does the runtime's state for a container NAME say that CGROUP is its own? */
static bool by_hand(struct lookup *l, const char *name, const char *cgroup)
{
	static const struct {
		const char *runtime, *file;
	} states[] = { { "crun", "status" }, { "runc", "state.json" } };

	for (size_t i = 0; i < COUNT(states); i++) {
		const char *runtime = states[i].runtime, *file = states[i].file;

		if ((!np_rootfile_readf(l->rootfd, FILE_MAX, &l->buf, "run/%s/%s/%s", runtime, name,
					file) &&
		     np_oci_owns(l->buf.data, l->buf.len, cgroup)) ||
		    (l->uid >= 0 &&
		     !np_rootfile_readf(l->rootfd, FILE_MAX, &l->buf, "run/user/%d/%s/%s/%s",
					l->uid, runtime, name, file) &&
		     np_oci_owns(l->buf.data, l->buf.len, cgroup))) {
			set_runtime(l, runtime);
			return true;
		}
	}
	return false;
}

/* "/<namespace>/<id>", where ctr(8) and other clients of containerd put a container. */
static bool by_namespace(struct lookup *l, const char *name, const char *cgroup)
{
	size_t len = strcspn(cgroup + 1, "/");
	char ns[128];

	if (len >= sizeof(ns) || strcmp(cgroup + 1 + len + (cgroup[1 + len] == '/'), name) != 0)
		return false;
	snprintf(ns, sizeof(ns), "%.*s", (int)len, cgroup + 1);
	if (!np_container_id_ok(ns))
		return false;
	for (size_t i = 0; i < COUNT(containerd_dirs); i++) {
		if (np_rootfile_readf(l->rootfd, FILE_MAX, &l->buf, "%s/%s/%s/config.json",
				      containerd_dirs[i], ns, name) ||
		    !np_oci_owns(l->buf.data, l->buf.len, cgroup))
			continue;
		np_oci_config(l->out, l->buf.data, l->buf.len);
		set_runtime(l, "containerd");
		return true;
	}
	return false;
}

/* Innermost first: a systemd inside of the container makes cgroups below it. */
static void find_by_path(struct lookup *l)
{
	char *cgroup = strdup(l->path), *name;

	while (cgroup && (name = strrchr(cgroup, '/')) && name[1]) {
		name++;
		if (np_container_id_ok(name) &&
		    (by_hand(l, name, cgroup) || by_namespace(l, name, cgroup))) {
			put(l->out->id, sizeof(l->out->id), name);
			break;
		}
		name[-1] = '\0';
	}
	free(cgroup);
}

/* N of "/user.slice/user-N.slice/user@N.service". */
static int user_of(const char *path)
{
	const char *at = strstr(path, "/user@");
	uint32_t uid = 0;

	if (!at)
		return -1;
	for (at += 6; *at >= '0' && *at <= '9' && uid < 100000000; at++)
		uid = uid * 10 + (uint32_t)(*at - '0');
	return strncmp(at, ".service", 8) ? -1 : (int)uid;
}

bool np_container_find(struct np_container *out, int rootfd, const char *path,
		       const struct np_cgpath *cg)
{
	struct lookup l = { .out = out, .rootfd = rootfd, .path = path, .uid = user_of(path) };

	*out = (struct np_container){ 0 };
	put(out->runtime, sizeof(out->runtime), cg->runtime);
	put(out->id, sizeof(out->id), cg->container_id);
	put(out->pod_uid, sizeof(out->pod_uid), cg->pod_uid);
	if (rootfd >= 0 && !*out->id)
		find_by_path(&l);
	else if (rootfd >= 0 && np_container_id_ok(out->id))
		find_by_id(&l);
	np_buf_free(&l.buf);
	if (*out->name)
		return true;
	/* Names that people gave are the id itself; those of 64 digits are cut as docker ps does.
	 */
	snprintf(out->name, sizeof(out->name), "%.*s", strlen(out->id) >= 32 ? 12 : 127, out->id);
	return false;
}
