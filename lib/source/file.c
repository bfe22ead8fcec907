// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which kind of file it is, by its first bytes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/file.h"

#define HEAD 16

static const struct np_file_ops *const kinds[] = { &np_file_record, &np_file_capture };

struct np_file {
	const struct np_file_ops *ops;
	void *self;
	char name[128]; /* for messages */
};

/* Whether there is something to read, or its end, before a signal wants the program to end. */
static bool wait_readable(int fd)
{
	static const int enders[] = { SIGHUP, SIGINT, SIGTERM };
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .events = POLLIN } };
	sigset_t ends, blocked;
	bool readable = true;

	if (poll(fds, 1, 0))
		return true;
	sigemptyset(&ends);
	if (sigprocmask(SIG_BLOCK, NULL, &blocked))
		return true;
	for (size_t i = 0; i < sizeof(enders) / sizeof(enders[0]); i++)
		if (sigismember(&blocked, enders[i]))
			sigaddset(&ends, enders[i]);
	/* never read from: whoever takes signals finds them all */
	fds[1].fd = signalfd(-1, &ends, SFD_CLOEXEC);
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (fds[1].fd >= 0) {
		readable = !(fds[1].revents & POLLIN);
		close(fds[1].fd);
	}
	return readable;
}

ssize_t np_file_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	if (!wait_readable(fd))
		return 0;
	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* A pipe gives what it has, so one read() is not enough. How many bytes, or -errno. */
static ssize_t read_head(int fd, uint8_t *head)
{
	size_t have = 0;

	while (have < HEAD) {
		ssize_t n = np_file_read(fd, head + have, HEAD - have);

		if (n < 0)
			return n;
		if (!n)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static const struct np_file_ops *kind_of(const uint8_t *head, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->is(head, len))
			return kinds[i];
	return NULL;
}

/* A kind's sentence does not say of which file. */
static int named(const struct np_file *file, int ret, struct np_err *err)
{
	struct np_err why;

	if (ret >= 0 || !err)
		return ret;
	why = *err;
	return np_err_set(err, ret, "%s: %s", file->name, why.msg);
}

static int open_fd(struct np_file *file, int fd, const char *name, struct np_err *err)
{
	uint8_t head[HEAD];
	ssize_t len = read_head(fd, head);
	int ret;

	if (len >= 0)
		file->ops = kind_of(head, (size_t)len);
	if (len < 0)
		ret =
		    np_err_set(err, (int)len, "cannot read %.256s: %s", name, strerror((int)-len));
	else if (!len)
		ret = np_err_set(err, -EBADMSG, "%.256s is empty", name);
	else if (!file->ops)
		ret = np_err_set(err, -EBADMSG,
				 "%.256s is neither a capture (pcap, pcapng) nor a record made by "
				 "--record",
				 name);
	else
		return named(file, file->ops->open(&file->self, fd, head, (size_t)len, err), err);
	close(fd);
	return ret;
}

int np_file_open(struct np_file **out, const char *path, struct np_err *err)
{
	bool standard = !strcmp(path, "-");
	const char *name = standard ? "standard input" : path;
	int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			  : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct np_file *file;
	int ret;

	*out = NULL;
	if (fd < 0)
		return np_err_set(err, -errno, "cannot open %.256s: %s", name, strerror(errno));
	file = calloc(1, sizeof(*file));
	if (!file) {
		close(fd);
		return np_err_set(err, -ENOMEM, "out of memory");
	}
	snprintf(file->name, sizeof(file->name), "%s", name);
	ret = open_fd(file, fd, name, err);
	if (ret) {
		free(file);
		return ret;
	}
	*out = file;
	return 0;
}

void np_file_close(struct np_file *file)
{
	if (!file)
		return;
	file->ops->close(file->self);
	free(file);
}

const struct np_rec_head *np_file_head(const struct np_file *file)
{
	return file && file->ops->head ? file->ops->head(file->self) : NULL;
}

bool np_file_is_capture(const struct np_file *file)
{
	return file && !file->ops->head;
}

int np_file_link(const struct np_file *file, const char **name)
{
	return np_file_is_capture(file) ? file->ops->link(file->self, name) : -1;
}

int np_file_next(struct np_file *file, struct np_item *item, struct np_err *err)
{
	return named(file, file->ops->next(file->self, item, err), err);
}
