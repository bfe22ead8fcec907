// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/keep.h"
#include "base/buf.h"

#define SUFFIX ".tmp"

struct np_keep {
	const char *path;
	pid_t child;
	int to; /* the child's pipe */
};

int np_keep_check(const char *path, struct np_err *err)
{
	size_t len = strlen(path);
	char copy[PATH_MAX];
	struct stat st;

	memcpy(copy, path, len < sizeof(copy) ? len + 1 : 0);
	/* the file beside it has a longer name */
	if (!len || path[len - 1] == '/' || len + sizeof(SUFFIX) > sizeof(copy) ||
	    strlen(basename(copy)) + sizeof(SUFFIX) > NAME_MAX)
		return np_err_set(err, -EINVAL, "'%.128s' is no name of a file", path);
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return np_err_set(err, -EINVAL,
				  "'%.128s' is no regular file, so no baseline can be kept in it",
				  path);
	memcpy(copy, path, len + 1);
	if (faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS))
		return np_err_set(err, -errno, "cannot write '%.128s': %s", path, strerror(errno));
	return 0;
}

/* ---- the child ---- */

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Never through a link that waits there, nor into a file that somebody has open. As open(). */
static int create(const char *tmp)
{
	const int how = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(tmp, how, 0644);

	if (fd < 0 && errno == EEXIST && !unlink(tmp))
		fd = open(tmp, how, 0644);
	return fd;
}

static int put_in_place(const char *path, const struct np_buf *text)
{
	char tmp[PATH_MAX + sizeof(SUFFIX)];
	int fd, err;

	snprintf(tmp, sizeof(tmp), "%s%s", path, SUFFIX);
	fd = create(tmp);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text->data, text->len);
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(tmp, path))
		err = -errno;
	if (err)
		unlink(tmp);
	return err;
}

/* The text ends with a NUL: the end of the pipe alone may as well be that of the parent. */
static int receive(int from, struct np_buf *text)
{
	char part[65536];
	ssize_t n;

	while ((n = read(from, part, sizeof(part))) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			np_buf_add(text, part, (size_t)n);
		if (text->oom)
			return -ENOMEM;
		if (n > 0 && !part[n - 1]) {
			text->len--;
			return 0;
		}
	}
	return -ECANCELED;
}

__attribute__((noreturn)) static void child(int from, const char *path)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct np_buf text = { 0 };
	int err;

	/* whoever reads our output or types our input has to do with the parent alone */
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	err = receive(from, &text);
	if (!err)
		err = put_in_place(path, &text);
	_exit(err < 0 && err > -256 ? -err : 0);
}

/* ---- the parent ---- */

int np_keep_open(struct np_keep **out, const char *path)
{
	struct np_keep *keep = calloc(1, sizeof(*keep));
	sigset_t all, old;
	int ends[2];

	if (!keep || pipe2(ends, O_CLOEXEC)) {
		free(keep);
		return keep ? -errno : -ENOMEM;
	}
	keep->path = path;
	keep->to = ends[1];
	/* Ctrl-C is for the parent, whose text is still to come */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	keep->child = fork();
	if (!keep->child) {
		close(ends[1]);
		child(ends[0], path);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(ends[0]);
	if (keep->child < 0) {
		int err = -errno;

		close(ends[1]);
		free(keep);
		return err;
	}
	*out = keep;
	return 0;
}

int np_keep_write(struct np_keep *keep, const char *text, size_t len)
{
	int err = write_all(keep->to, text, len), status = 0;

	if (!err)
		err = write_all(keep->to, "", 1);
	if (err)
		return err;
	while (waitpid(keep->child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	keep->child = 0;
	if (!WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

const char *np_keep_path(const struct np_keep *keep)
{
	return keep->path;
}

void np_keep_close(struct np_keep *keep)
{
	if (!keep)
		return;
	close(keep->to);
	/* others may hold the pipe open, so that its end would not tell */
	if (keep->child > 0) {
		kill(keep->child, SIGKILL);
		waitpid(keep->child, NULL, 0);
	}
	free(keep);
}
