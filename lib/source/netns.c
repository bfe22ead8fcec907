// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <stdbool.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/map.h"
#include "base/parse.h"
#include "source/netns.h"

struct visit {
	struct np_map seen; /* inode number of the namespace */
	int (*fn)(void *arg);
	void *arg;
	uint64_t missed;
	const uint32_t *only; /* of these, where n is not 0 */
	size_t n;
};

static bool asked_for(const struct visit *v, ino_t inum)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->only[i] == inum)
			return true;
	return !v->n;
}

static void enter(struct visit *v, const char *path)
{
	struct stat st;
	int fd;

	/* the cheap look first: most processes share a few namespaces */
	if (stat(path, &st) || np_map_get(&v->seen, st.st_ino))
		return;
	np_map_put(&v->seen, st.st_ino, v);
	if (!asked_for(v, st.st_ino))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		v->missed += errno != ENOENT;
		return;
	}
	if (setns(fd, CLONE_NEWNET))
		v->missed++;
	else
		v->fn(v->arg);
	close(fd);
}

static void enter_all(struct visit *v, const char *dir, const char *suffix, bool pids)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];

	if (!d)
		return;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || (pids && !isdigit((unsigned char)e->d_name[0])))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir, e->d_name, suffix);
		enter(v, path);
	}
	closedir(d);
}

uint64_t np_netns_each(const uint32_t *only, size_t n, int (*fn)(void *arg), void *arg)
{
	struct visit v = { .fn = fn, .arg = arg, .only = only, .n = n };
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (home < 0 || fstat(home, &st)) {
		if (home >= 0)
			close(home);
		fn(arg);
		return 1;
	}
	if (asked_for(&v, st.st_ino))
		fn(arg);
	np_map_put(&v.seen, st.st_ino, &v);
	enter_all(&v, "/proc", "/ns/net", true);
	enter_all(&v, "/run/netns", "", false);
	if (v.seen.count > 1 && setns(home, CLONE_NEWNET))
		v.missed++; /* it worked on the way out, so it cannot fail on the way back */
	close(home);
	np_map_free(&v.seen);
	return v.missed;
}

static int found(const char *path, uint32_t *inum, int *fd)
{
	struct statfs fs;
	struct stat st;
	int f = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (f < 0)
		return -errno;
	/* any other file has an inode number too */
	if (fstat(f, &st) || fstatfs(f, &fs) || fs.f_type != NSFS_MAGIC) {
		close(f);
		return -EINVAL;
	}
	*inum = (uint32_t)st.st_ino;
	if (fd)
		*fd = f;
	else
		close(f);
	return 0;
}

int np_netns_find(const char *text, uint32_t *inum, int *fd, struct np_err *err)
{
	char path[512];
	uint32_t number;

	if (fd)
		*fd = -1;
	if (strchr(text, '/')) {
		if (!found(text, inum, fd))
			return 0;
	} else if (!np_parse_u32(text, 1, UINT32_MAX, &number)) {
		/* inode numbers of namespaces start at 0xf0000000, far above any pid */
		if (number >= 0xf0000000U) {
			*inum = number;
			return 0;
		}
		snprintf(path, sizeof(path), "/proc/%u/ns/net", number);
		if (!found(path, inum, fd))
			return 0;
	} else if (strcmp(text, "..") != 0) {
		snprintf(path, sizeof(path), "/run/netns/%s", text);
		if (!found(path, inum, fd))
			return 0;
	}
	if (errno == EACCES || errno == EPERM)
		return np_err_set(
		    err, -EACCES,
		    "cannot look at the network namespace '%.64s': not permitted to this user; run "
		    "it with sudo",
		    text);
	return np_err_set(
	    err, -ENOENT,
	    "there is no network namespace '%.64s'; give a name that 'ip netns' lists, "
	    "a pid, a path or an inode number",
	    text);
}
