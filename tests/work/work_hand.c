// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-work (see work_main.c): traffic whose process is hard to tell. hand: connections that
 * one process opens and another uses, handed over by SCM_RIGHTS. thread-exec: a client that a
 * thread beside the first one exec()s.
 */
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One descriptor with a byte. */
union hand {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

static int hand_over(int to, int fd)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union hand hand = { .room = { 0 } };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = hand.room,
			      .msg_controllen = sizeof(hand.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(to, &msg, 0) == 1 ? 0 : work_fail("hand over");
}

/* -1: no more come. */
static int take_over(int from)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union hand hand;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = hand.room,
			      .msg_controllen = sizeof(hand.room) };
	struct cmsghdr *c;
	int fd;

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* The other process: it does all of the traffic. */
static int use(const struct work_opts *o, int from)
{
	struct work_tcp_hdr hdr = {
		.tx = o->tx, .rx = o->rx, .close = o->close, .magic = WORK_TCP_MAGIC
	};
	struct work_io *io = work_io_new(o->method, o->read);
	struct work_totals t = { 0 };
	int fd, err = io ? work_io_set_header(io, &hdr, sizeof(hdr)) : -1;

	while (!err && (fd = take_over(from)) >= 0) {
		t.conns++;
		if (work_io_send_all(io, fd, 0, o->tx, &t.tx) < 0 ||
		    work_io_recv_all(io, fd, o->rx, &t.rx) < 0 || work_wait_drained(fd) < 0)
			err = -1;
		close(fd);
	}
	t.errors = err != 0;
	work_report(&(struct work_report){ .role = "hand", .proto = "tcp", .t = &t, .fd = -1 });
	work_io_free(io);
	return err ? 1 : 0;
}

int work_hand(const struct work_opts *o)
{
	int pair[2], status, err = 0;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return 1;
	child = fork();
	if (!child) {
		close(pair[0]);
		_exit(use(o, pair[1]));
	}
	close(pair[1]);
	for (uint32_t i = 0; i < o->conns && !err; i++) {
		int fd = work_connect(o, SOCK_STREAM);

		err = fd < 0 || hand_over(pair[0], fd) < 0;
		if (fd >= 0)
			close(fd);
	}
	close(pair[0]);
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		err = 1;
	return err;
}

#define ARGS_MAX 64

/* Our own words, as a client's. */
static void *become_client(void *arg)
{
	static char text[8192];
	char *argv[ARGS_MAX] = { NULL };
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC), n = 0;
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	(void)arg;
	for (ssize_t at = 0; at < len && n < ARGS_MAX - 1; at += (ssize_t)strlen(&text[at]) + 1)
		argv[n++] = &text[at];
	argv[1] = "client";
	execv("/proc/self/exe", argv);
	work_fail("exec");
	exit(1);
}

int work_thread_exec(const struct work_opts *o)
{
	pthread_t thread;

	(void)o;
	errno = pthread_create(&thread, NULL, become_client, NULL);
	if (!errno)
		pthread_join(thread, NULL);
	return 1;
}
