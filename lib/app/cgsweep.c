// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/cgsweep.h"
#include "base/parse.h"

#define DEPTH_MAX 64

struct np_cgsweep {
	int pipe;
	pid_t child;
	char *dir, *parent;
	bool spare;
};

int np_cgsweep_move(const char *dir, uint32_t pid)
{
	char *path, text[16];
	int fd, err = 0, len = snprintf(text, sizeof(text), "%u", pid);

	if (asprintf(&path, "%s/cgroup.procs", dir) < 0)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	free(path);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static int each_here(const char *dir, int (*fn)(void *ctx, const char *dir, uint32_t pid),
		     void *ctx)
{
	char *path, line[32];
	uint32_t pid;
	int ret = 0;
	FILE *f;

	if (asprintf(&path, "%s/cgroup.procs", dir) < 0)
		return -ENOMEM;
	f = fopen(path, "re");
	free(path);
	/* gone, or threaded: then its processes are those of a cgroup above */
	while (f && !ret && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!np_parse_u32(line, 1, UINT32_MAX, &pid))
			ret = fn(ctx, dir, pid);
	}
	if (f)
		fclose(f);
	return ret;
}

/* What is done to a directory once everything below it had it done. */
struct visit {
	int (*fn)(struct visit *v, const char *dir);
	int (*each)(void *ctx, const char *dir, uint32_t pid);
	void *ctx;
};

static int walk(struct visit *v, const char *dir, int depth)
{
	DIR *d = depth < DEPTH_MAX ? opendir(dir) : NULL;
	struct dirent *ent;
	int ret = 0;

	while (d && !ret && (ent = readdir(d))) {
		char *path;

		if (ent->d_type != DT_DIR || !strcmp(ent->d_name, ".") ||
		    !strcmp(ent->d_name, ".."))
			continue;
		if (asprintf(&path, "%s/%s", dir, ent->d_name) < 0) {
			ret = -ENOMEM;
			break;
		}
		ret = walk(v, path, depth + 1);
		free(path);
	}
	if (d)
		closedir(d);
	return ret ? ret : v->fn(v, dir);
}

static int visit_each(struct visit *v, const char *dir)
{
	return each_here(dir, v->each, v->ctx);
}

static int visit_rmdir(struct visit *v, const char *dir)
{
	(void)v;
	rmdir(dir); /* of a busy one the next try tells */
	return 0;
}

int np_cgsweep_each(const char *dir, int (*fn)(void *ctx, const char *dir, uint32_t pid), void *ctx)
{
	struct visit v = { .fn = visit_each, .each = fn, .ctx = ctx };

	return walk(&v, dir, 0);
}

static int to_parent(void *ctx, const char *dir, uint32_t pid)
{
	(void)dir;
	np_cgsweep_move(ctx, pid); /* one that has ended meanwhile needs nothing */
	return 0;
}

#define TRIES 400

/*
 * Processes that fork while they are moved leave children behind, and one that has just ended still
 * keeps its cgroup busy for a moment: again, until it is gone.
 */
static void sweep(const char *dir, const char *parent)
{
	struct visit away = { .fn = visit_rmdir };
	struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < TRIES; i++) {
		np_cgsweep_each(dir, to_parent, (void *)(uintptr_t)parent);
		walk(&away, dir, 0);
		if (access(dir, F_OK) && errno == ENOENT)
			return;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 32000000)
			pause.tv_nsec *= 2;
	}
}

/* The child: until the pipe closes, which it does however the parent ends. */
static void stand_by(const struct np_cgsweep *s, int fd)
{
	sigset_t all;
	char byte;

	/* what ends the parent must not end its guard */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	/* a reader of our output must not wait for us */
	for (int i = 0; i < 3; i++)
		if (i != fd)
			close(i);
	/* a byte: nothing is ours to take away */
	if (read(fd, &byte, 1) == 0)
		sweep(s->dir, s->parent);
	_exit(0);
}

static int start(struct np_cgsweep *s)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	s->child = fork();
	if (s->child < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (!s->child) {
		close(fds[1]);
		stand_by(s, fds[0]);
	}
	close(fds[0]);
	s->pipe = fds[1];
	return 0;
}

struct np_cgsweep *np_cgsweep_new(const char *dir, const char *parent)
{
	struct np_cgsweep *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return NULL;
	s->dir = strdup(dir);
	s->parent = strdup(parent);
	err = s->dir && s->parent ? start(s) : -ENOMEM;
	if (!err)
		return s;
	free(s->dir);
	free(s->parent);
	free(s);
	errno = -err;
	return NULL;
}

void np_cgsweep_spare(struct np_cgsweep *sweep)
{
	sweep->spare = write(sweep->pipe, "", 1) == 1;
}

void np_cgsweep_free(struct np_cgsweep *s)
{
	if (!s)
		return;
	close(s->pipe);
	while (waitpid(s->child, NULL, 0) < 0 && errno == EINTR)
		;
	/* somebody may have ended the child */
	if (!s->spare && !access(s->dir, F_OK))
		sweep(s->dir, s->parent);
	free(s->dir);
	free(s->parent);
	free(s);
}
