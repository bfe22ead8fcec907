// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-work (see work_main.c): the ways in which bytes enter and leave a TCP socket. An
 * accounting tool must count the same bytes whichever way they took.
 */
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#define MMSG_PARTS 4

struct work_io {
	enum work_method method;
	enum work_read read;
	uint8_t *out, *in;
	int file;     /* memfd with the bytes of out, for sendfile */
	int pipes[2]; /* for splice; empty between calls */
	struct work_uring *uring;
};

struct work_io *work_io_new(enum work_method method, enum work_read read)
{
	struct work_io *io = calloc(1, sizeof(*io));

	if (!io)
		return NULL;
	io->method = method;
	io->read = read;
	io->file = io->pipes[0] = io->pipes[1] = -1;
	io->out = calloc(1, WORK_BUF);
	io->in = malloc(WORK_BUF);
	if (!io->out || !io->in)
		goto fail;
	if (method == WORK_SENDFILE) {
		io->file = memfd_create("np-work", MFD_CLOEXEC);
		if (io->file < 0 || ftruncate(io->file, WORK_BUF) < 0)
			goto fail;
	}
	if ((method == WORK_SPLICE_OUT || read == WORK_SPLICE_IN) && pipe(io->pipes) < 0)
		goto fail;
	if (method == WORK_URING_OUT || read == WORK_URING_IN) {
		io->uring = work_uring_new();
		if (!io->uring) {
			work_fail("io_uring is not available");
			exit(WORK_EXIT_SKIP);
		}
	}
	return io;
fail:
	work_fail("cannot prepare transfers");
	work_io_free(io);
	return NULL;
}

void work_io_free(struct work_io *io)
{
	if (!io)
		return;
	for (int i = 0; i < 2; i++) {
		if (io->pipes[i] >= 0)
			close(io->pipes[i]);
	}
	if (io->file >= 0)
		close(io->file);
	work_uring_free(io->uring);
	free(io->out);
	free(io->in);
	free(io);
}

int work_io_set_header(struct work_io *io, const void *hdr, size_t len)
{
	memcpy(io->out, hdr, len);
	if (io->file >= 0 && pwrite(io->file, hdr, len, 0) != (ssize_t)len)
		return work_fail("memfd");
	return 0;
}

static ssize_t send_msg(int fd, void *buf, size_t len)
{
	/* Two parts, so that adding up only the first would show. */
	struct iovec iov[2] = { { buf, len / 2 }, { (uint8_t *)buf + len / 2, len - len / 2 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static ssize_t send_mmsg(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[MMSG_PARTS];
	struct mmsghdr msgs[MMSG_PARTS] = { 0 };
	/* The header stays whole: a part that is cut short is followed by the next one. */
	unsigned int parts = len >= (size_t)MMSG_PARTS * WORK_HDR ? MMSG_PARTS : 1;
	size_t each = len / parts;
	ssize_t sum = 0;

	for (unsigned int i = 0; i < parts; i++) {
		iov[i].iov_base = buf + i * each;
		iov[i].iov_len = i + 1 < parts ? each : len - i * each;
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	int n = sendmmsg(fd, msgs, parts, MSG_NOSIGNAL);
	for (int i = 0; i < n; i++)
		sum += msgs[i].msg_len;
	return n < 0 ? n : sum;
}

static void empty_pipe(int fd, size_t len)
{
	uint8_t waste[4096];

	while (len) {
		ssize_t n = read(fd, waste, len < sizeof(waste) ? len : sizeof(waste));

		if (n <= 0)
			break;
		len -= (size_t)n;
	}
}

static ssize_t splice_out(struct work_io *io, int fd, const uint8_t *buf, size_t len)
{
	ssize_t in = write(io->pipes[1], buf, len < 65536 ? len : 65536);
	ssize_t done = 0;

	if (in <= 0)
		return in;
	while (done < in) {
		ssize_t n = splice(io->pipes[0], NULL, fd, NULL, (size_t)(in - done), 0);

		if (n <= 0)
			break;
		done += n;
	}
	if (done < in) {
		int err = errno;

		empty_pipe(io->pipes[0], (size_t)(in - done));
		errno = err;
	}
	return done ? done : -1;
}

ssize_t work_io_send(struct work_io *io, int fd, uint64_t off, uint64_t len)
{
	size_t at = off % WORK_BUF;
	size_t n = len < WORK_BUF - at ? (size_t)len : WORK_BUF - at;
	off_t file_at = (off_t)at;

	switch (io->method) {
	case WORK_WRITE:
		return write(fd, io->out + at, n);
	case WORK_SEND:
		return send(fd, io->out + at, n, MSG_NOSIGNAL);
	case WORK_SENDMSG:
		return send_msg(fd, io->out + at, n);
	case WORK_SENDFILE:
		return sendfile(fd, io->file, &file_at, n);
	case WORK_SPLICE_OUT:
		return splice_out(io, fd, io->out + at, n);
	case WORK_URING_OUT:
		return work_uring_send(io->uring, fd, io->out + at, n);
	case WORK_SENDMMSG:
		return send_mmsg(fd, io->out + at, n);
	}
	errno = EINVAL;
	return -1;
}

static ssize_t splice_in(struct work_io *io, int fd, size_t max)
{
	ssize_t n = splice(fd, NULL, io->pipes[1], NULL, max, 0);
	ssize_t done = 0;

	while (done < n) {
		ssize_t got = read(io->pipes[0], io->in + done, (size_t)(n - done));

		if (got <= 0)
			return -1;
		done += got;
	}
	return n;
}

/* Looks at the bytes, then throws them away unread: both a trap for who counts receive calls. */
static ssize_t peek(struct work_io *io, int fd, size_t max)
{
	ssize_t n = recv(fd, io->in, max, MSG_PEEK);

	return n <= 0 ? n : recv(fd, io->in, (size_t)n, MSG_TRUNC);
}

ssize_t work_io_recv(struct work_io *io, int fd, uint64_t max, const uint8_t **data)
{
	size_t n = max < WORK_BUF ? (size_t)max : WORK_BUF;
	struct iovec iov = { io->in, n };
	struct mmsghdr mmsg = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	int got;

	if (data)
		*data = io->in;
	switch (io->read) {
	case WORK_READ:
		return read(fd, io->in, n);
	case WORK_RECV:
		return recv(fd, io->in, n, 0);
	case WORK_RECVMSG:
		return recvmsg(fd, &mmsg.msg_hdr, 0);
	case WORK_SPLICE_IN:
		return splice_in(io, fd, n);
	case WORK_URING_IN:
		return work_uring_recv(io->uring, fd, io->in, n);
	case WORK_PEEK:
		return peek(io, fd, n);
	case WORK_RECVMMSG:
		got = recvmmsg(fd, &mmsg, 1, 0, NULL);
		return got < 0 ? got : (ssize_t)mmsg.msg_len;
	}
	errno = EINVAL;
	return -1;
}

int work_io_send_all(struct work_io *io, int fd, uint64_t off, uint64_t len, uint64_t *count)
{
	uint64_t done = 0;

	while (done < len) {
		ssize_t n = work_io_send(io, fd, off + done, len - done);

		if (n < 0 && errno == EAGAIN && work_wait_fd(fd, POLLOUT) == 0)
			continue;
		if (n <= 0)
			return work_fail("sent %llu of %llu bytes", (unsigned long long)done,
					 (unsigned long long)len);
		done += (uint64_t)n;
		*count += (uint64_t)n;
	}
	return 0;
}

int work_io_recv_all(struct work_io *io, int fd, uint64_t len, uint64_t *count)
{
	uint64_t done = 0;

	while (done < len) {
		/* Not more than asked for, so that a byte too many shows in the end. */
		ssize_t n = work_io_recv(io, fd, len - done, NULL);

		if (n < 0 && errno == EAGAIN && work_wait_fd(fd, POLLIN) == 0)
			continue;
		if (n == 0)
			errno = 0;
		if (n <= 0)
			return work_fail("received %llu of %llu bytes", (unsigned long long)done,
					 (unsigned long long)len);
		done += (uint64_t)n;
		*count += (uint64_t)n;
	}
	return 0;
}

int work_io_await_end(struct work_io *io, int fd, uint64_t *count)
{
	for (;;) {
		ssize_t n = work_io_recv(io, fd, WORK_BUF, NULL);

		if (n > 0)
			*count += (uint64_t)n;
		else if (n == 0)
			return 0;
		else if (errno != EAGAIN || work_wait_fd(fd, POLLIN) < 0)
			return errno;
	}
}
