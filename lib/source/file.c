// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which kind of file it is, by its first bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/file.h"

#define HEAD 16

#pragma weak np_file_record
#pragma weak np_file_capture
static const struct np_file_ops *const kinds[] = { &np_file_record, &np_file_capture };

struct np_file {
	const struct np_file_ops *ops;
	void *self;
};

/* A pipe gives what it has, so one read() is not enough. How many bytes, or -errno. */
static ssize_t read_head(int fd, uint8_t *head)
{
	size_t have = 0;

	while (have < HEAD) {
		ssize_t n = read(fd, head + have, HEAD - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static const struct np_file_ops *kind_of(const uint8_t *head, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i] && kinds[i]->is(head, len))
			return kinds[i];
	return NULL;
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
		return file->ops->open(&file->self, fd, head, (size_t)len, err);
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
	return file->ops->head ? file->ops->head(file->self) : NULL;
}

bool np_file_is_capture(const struct np_file *file)
{
	return !file->ops->head;
}

int np_file_next(struct np_file *file, struct np_item *item, struct np_err *err)
{
	return file->ops->next(file->self, item, err);
}
