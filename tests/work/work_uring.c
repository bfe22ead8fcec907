// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): sending and receiving by io_uring, where it was built in. */
#include "work.h"

#include <errno.h>
#include <stdlib.h>

#if !defined(NP_HAVE_URING) && __has_include(<liburing.h>)
#define NP_HAVE_URING 1
#endif

#if defined(NP_HAVE_URING) && NP_HAVE_URING
#include <liburing.h>

struct work_uring {
	struct io_uring ring;
};

struct work_uring *work_uring_new(void)
{
	struct work_uring *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	int err = io_uring_queue_init(8, &u->ring, 0);
	if (err < 0) {
		free(u);
		errno = -err;
		return NULL;
	}
	return u;
}

void work_uring_free(struct work_uring *u)
{
	if (!u)
		return;
	io_uring_queue_exit(&u->ring);
	free(u);
}

static ssize_t run_one(struct work_uring *u)
{
	struct io_uring_cqe *cqe;
	int err;

	do {
		err = io_uring_submit_and_wait(&u->ring, 1);
	} while (err == -EINTR);
	if (err >= 0)
		err = io_uring_wait_cqe(&u->ring, &cqe);
	if (err < 0) {
		errno = -err;
		return -1;
	}
	int res = cqe->res;
	io_uring_cqe_seen(&u->ring, cqe);
	if (res < 0) {
		errno = -res;
		return -1;
	}
	return res;
}

ssize_t work_uring_send(struct work_uring *u, int fd, const void *buf, size_t len)
{
	io_uring_prep_send(io_uring_get_sqe(&u->ring), fd, buf, len, MSG_NOSIGNAL);
	return run_one(u);
}

ssize_t work_uring_recv(struct work_uring *u, int fd, void *buf, size_t len)
{
	io_uring_prep_recv(io_uring_get_sqe(&u->ring), fd, buf, len, 0);
	return run_one(u);
}

#else

struct work_uring *work_uring_new(void)
{
	errno = ENOSYS;
	return NULL;
}

void work_uring_free(struct work_uring *u)
{
	(void)u;
}

ssize_t work_uring_send(struct work_uring *u, int fd, const void *buf, size_t len)
{
	(void)u, (void)fd, (void)buf, (void)len;
	errno = ENOSYS;
	return -1;
}

ssize_t work_uring_recv(struct work_uring *u, int fd, void *buf, size_t len)
{
	(void)u, (void)fd, (void)buf, (void)len;
	errno = ENOSYS;
	return -1;
}
#endif
