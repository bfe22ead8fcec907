// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The cgroup of a command: where it is made, and who is in it. cgsweep.c takes it away. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cgscope.h"
#include "app/cgsweep.h"
#include "base/parse.h"
#include "meta/cgmount.h"
#include "meta/rootfile.h"

#define MOUNTINFO_MAX (4u << 20)
#define CGROUP_MAX    65536

struct np_cgscope {
	char *mount;  /* where cgroup2 is mounted */
	char *parent; /* directory of the cgroup that we are in */
	char *dir;    /* of the one made */
	uint64_t id;
	struct np_cgsweep *sweep;
};

/* The path of our own cgroup out of /proc/self/cgroup: the line "0::/path". */
static char *own_path(struct np_buf *text)
{
	char *save = NULL, *line;

	if (!text->len)
		return NULL;
	for (line = strtok_r(text->data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "0::/", 4))
			return line + 3;
	return NULL;
}

/* PATH is seen from the root of the hierarchy, of which TOP is mounted; NULL: it is elsewhere. */
static const char *below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (strncmp(path, top, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	path += len;
	/* "/..": outside of our cgroup namespace */
	return !strncmp(path, "/..", 3) && (!path[3] || path[3] == '/') ? NULL : path;
}

static int set_parent(struct np_cgscope *cg, const char *own, const char *top, struct np_err *err)
{
	const char *rest = own ? below(own, top) : NULL;

	if (!rest)
		return np_err_set(
		    err, -ENOENT,
		    "our own cgroup is outside of what is mounted at %.200s; share the "
		    "host's cgroup namespace (docker run --cgroupns=host)",
		    cg->mount);
	if (asprintf(&cg->parent, "%s%s", cg->mount, strcmp(rest, "/") ? rest : "") < 0) {
		cg->parent = NULL;
		return np_err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int find_parent(struct np_cgscope *cg, struct np_err *err)
{
	int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC), ret;
	struct np_buf mounts = { 0 }, own = { 0 };
	char *top = NULL;

	ret = self < 0 ? -errno : np_rootfile_read(self, "mountinfo", MOUNTINFO_MAX, &mounts);
	if (!ret)
		ret = np_rootfile_read(self, "cgroup", CGROUP_MAX, &own);
	if (!ret)
		ret = mounts.len ? np_cgmount_find(mounts.data, &cg->mount, &top) : -ENOENT;
	if (ret)
		ret = np_err_set(err, ret,
				 "cgroup v2 is not mounted; mount it with 'mount -t cgroup2 none "
				 "/sys/fs/cgroup/unified'");
	else
		ret = set_parent(cg, own_path(&own), top, err);
	if (self >= 0)
		close(self);
	free(top);
	np_buf_free(&mounts);
	np_buf_free(&own);
	return ret;
}

static int refused(struct np_err *err, const struct np_cgscope *cg, int code)
{
	char fix[128] = "a cgroup of our own is needed (systemd-run --scope makes one)";

	if (code == EROFS)
		snprintf(fix, sizeof(fix), "mount it with 'mount -o remount,rw %.80s'", cg->mount);
	else if (code == EACCES || code == EPERM)
		snprintf(fix, sizeof(fix),
			 "run it with sudo, or have that cgroup delegated to you");
	return np_err_set(err, -code, "no cgroup can be made for it in %.200s: %s; %s", cg->parent,
			  strerror(code), fix);
}

/* A name that nobody has: made, not looked for. */
static int make_dir(struct np_cgscope *cg, struct np_err *err)
{
	struct stat st;
	uint16_t any;

	for (int i = 0; i < 16; i++) {
		free(cg->dir);
		if (getrandom(&any, sizeof(any), GRND_NONBLOCK) != (ssize_t)sizeof(any))
			any = (uint16_t)i;
		if (asprintf(&cg->dir, "%s/netprobe-%d-%04x", cg->parent, (int)getpid(), any) < 0) {
			cg->dir = NULL;
			return np_err_set(err, -ENOMEM, "out of memory");
		}
		/* who takes it away knows of it before it is there */
		np_cgsweep_free(cg->sweep);
		cg->sweep = np_cgsweep_new(cg->dir, cg->parent);
		if (!cg->sweep)
			return np_err_set(err, -errno, "cannot start a process: %s",
					  strerror(errno));
		if (!mkdir(cg->dir, 0755)) {
			if (stat(cg->dir, &st))
				return refused(err, cg, errno);
			cg->id = st.st_ino;
			return 0;
		}
		if (errno != EEXIST)
			break;
		np_cgsweep_spare(cg->sweep);
	}
	return refused(err, cg, errno);
}

int np_cgscope_new(struct np_cgscope **out, struct np_err *err)
{
	struct np_cgscope *cg = calloc(1, sizeof(*cg));
	int ret;

	*out = NULL;
	if (!cg)
		return np_err_set(err, -ENOMEM, "out of memory");
	ret = find_parent(cg, err);
	if (!ret)
		ret = make_dir(cg, err);
	if (ret) {
		np_cgscope_free(cg);
		return ret;
	}
	*out = cg;
	return 0;
}

void np_cgscope_free(struct np_cgscope *cg)
{
	if (!cg)
		return;
	np_cgsweep_free(cg->sweep);
	free(cg->mount);
	free(cg->parent);
	free(cg->dir);
	free(cg);
}

int np_cgscope_enter(struct np_cgscope *cg, pid_t pid, struct np_err *err)
{
	int code = np_cgsweep_move(cg->dir, (uint32_t)pid);

	if (!code)
		return 0;
	return np_err_set(err, code, "no process can be moved into %.200s: %s", cg->dir,
			  strerror(-code));
}

uint64_t np_cgscope_id(const struct np_cgscope *cg)
{
	return cg->id;
}

bool np_cgscope_busy(const struct np_cgscope *cg)
{
	struct np_buf text = { 0 };
	int dir = open(cg->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool busy = dir >= 0 && !np_rootfile_read(dir, "cgroup.events", CGROUP_MAX, &text) &&
		    strstr(np_buf_cstr(&text), "populated 1");

	if (dir >= 0)
		close(dir);
	np_buf_free(&text);
	return busy;
}

struct list {
	uint32_t *pids;
	size_t n, max;
};

static int take_pid(void *ctx, const char *dir, uint32_t pid)
{
	struct list *list = ctx;

	(void)dir;
	if (list->n < list->max)
		list->pids[list->n] = pid;
	list->n++;
	return 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): filled by take_pid() */
size_t np_cgscope_pids(const struct np_cgscope *cg, uint32_t *pids, size_t max)
{
	struct list list = { .pids = pids, .max = max };

	np_cgsweep_each(cg->dir, take_pid, &list);
	return list.n;
}
