// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meta/cgmount.h"

#define FILEID_KERNFS 0xfe /* include/linux/exportfs.h: the 64-bit node id, since 5.5 */
#define DEPTH_MAX     32
#define WALK_MAX      65536 /* directories */

/* mountinfo writes space, tab, newline and backslash as \ooo. In place. */
static void unescape(char *str)
{
	char *to = str;

	while (*str) {
		if (str[0] == '\\' && str[1] >= '0' && str[1] <= '3' && str[2] >= '0' &&
		    str[2] <= '7' && str[3] >= '0' && str[3] <= '7') {
			*to++ = (char)((str[1] - '0') * 64 + (str[2] - '0') * 8 + (str[3] - '0'));
			str += 4;
			continue;
		}
		*to++ = *str++;
	}
	*to = '\0';
}

/* proc(5): "31 23 0:28 <root> <mount point> <options> [tags] - <type> <source> <options>" */
static bool parse_line(char *line, char **root, char **mount)
{
	char *type = strstr(line, " - "), *save = NULL, *word;
	char **field[] = { NULL, NULL, NULL, root, mount };

	if (!type || strncmp(type + 3, "cgroup2 ", 8) != 0)
		return false;
	*type = '\0';
	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
		word = strtok_r(i ? NULL : line, " ", &save);
		if (!word)
			return false;
		if (field[i])
			*field[i] = word;
	}
	unescape(*root);
	unescape(*mount);
	return true;
}

int np_cgmount_find(char *mountinfo, char **mount, char **top)
{
	char *save = NULL, *line, *root, *at, *best = NULL, *best_root = NULL;

	for (line = strtok_r(mountinfo, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!parse_line(line, &root, &at))
			continue;
		/* The whole tree, if it is mounted somewhere; else the first part of it. */
		if (best && (strcmp(root, "/") != 0 || !strcmp(best_root, "/")))
			continue;
		best = at;
		best_root = root;
	}
	if (!best)
		return -ENOENT;
	*mount = strdup(best);
	*top = strdup(strcmp(best_root, "/") ? best_root : "");
	if (*mount && *top)
		return 0;
	free(*mount);
	free(*top);
	*mount = *top = NULL;
	return -ENOMEM;
}

/* The path of an open directory below MOUNT, or NULL. */
static char *path_of(int fd, const char *mount)
{
	char link[64], path[PATH_MAX];
	size_t len = strlen(mount);
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return NULL;
	path[n] = '\0';
	if (strncmp(path, mount, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return strdup(path + len);
}

static char *by_handle(int mount_fd, const char *mount, uint64_t id)
{
	struct {
		struct file_handle head;
		unsigned char id[sizeof(uint64_t)];
	} handle = { .head = { .handle_bytes = sizeof(uint64_t), .handle_type = FILEID_KERNFS } };
	char *path;
	int fd;

	memcpy(handle.head.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount_fd, &handle.head, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	path = path_of(fd, mount);
	if (!path)
		errno =
		    ENOMEM; /* or a strange place: not the answer that there is no such cgroup */
	close(fd);
	return path;
}

/* Looks for the directory with inode number ID at and below FD, which it closes. */
static char *by_walk(int fd, const char *mount, uint64_t id, int depth, int *budget)
{
	DIR *dir = fdopendir(fd);
	char *path = NULL;
	struct dirent *ent;
	int sub;

	if (!dir) {
		close(fd);
		return NULL;
	}
	while (!path && *budget > 0 && (ent = readdir(dir))) {
		if (ent->d_type != DT_DIR || *ent->d_name == '.')
			continue;
		--*budget;
		if (ent->d_ino != id && depth >= DEPTH_MAX)
			continue;
		sub = openat(dirfd(dir), ent->d_name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			continue;
		if (ent->d_ino == id) {
			path = path_of(sub, mount);
			close(sub);
		} else {
			path = by_walk(sub, mount, id, depth + 1, budget);
		}
	}
	closedir(dir);
	return path;
}

char *np_cgmount_path(int mount_fd, const char *mount, uint64_t id)
{
	char *path = by_handle(mount_fd, mount, id);
	int budget = WALK_MAX, fd;

	/* ESTALE: the kernel looked, and there is none. Anything else is a privilege or a kernel
	 * (before 5.5) that lacks. */
	if (path || errno == ESTALE || errno == ENOENT)
		return path;
	fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? NULL : by_walk(fd, mount, id, 0, &budget);
}
