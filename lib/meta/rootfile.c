// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "meta/rootfile.h"

#define CHUNK 16384

static int open_in(int rootfd, const char *path, int flags)
{
	struct open_how how = { .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd;

	flags |= O_CLOEXEC | (flags & O_PATH ? 0 : O_RDONLY | O_NONBLOCK | O_NOCTTY);
	how.flags = (uint64_t)(unsigned int)flags;
	fd = (int)syscall(SYS_openat2, rootfd, path, &how, sizeof(how));
	/* Linux before 5.6; a seccomp filter that does not know the call says EPERM. Absolute
	 * links then lead to the real root: another file, not a worse one. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(rootfd, path, flags);
	return fd < 0 ? -errno : fd;
}

int np_rootfile_stat(int rootfd, const char *path, struct stat *st)
{
	int fd = open_in(rootfd, path, O_PATH), err;

	if (fd < 0)
		return fd;
	err = fstat(fd, st) ? -errno : 0;
	close(fd);
	return err;
}

DIR *np_rootfile_dir(int rootfd, const char *path)
{
	int fd = open_in(rootfd, path, O_DIRECTORY);
	DIR *dir;

	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

static int read_all(int fd, size_t max, struct np_buf *buf)
{
	char chunk[CHUNK];

	while (buf->len <= max) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return buf->oom ? -ENOMEM : 0;
		np_buf_add(buf, chunk, (size_t)n);
	}
	return -EFBIG;
}

int np_rootfile_read(int rootfd, const char *path, size_t max, struct np_buf *buf)
{
	int fd = open_in(rootfd, path, O_NOFOLLOW);
	struct stat st;
	int err;

	np_buf_reset(buf);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else
		err = read_all(fd, max, buf);
	close(fd);
	return err;
}

int np_rootfile_readf(int rootfd, size_t max, struct np_buf *buf, const char *fmt, ...)
{
	char path[1024];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;
	return np_rootfile_read(rootfd, path, max, buf);
}
