// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): what becomes of a batch of the mode end. */
#include "work_end.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <unistd.h>

static void close_now(struct work_batch *b, uint32_t i)
{
	work_conn_retrans(&b->conns[i], b->fds[i]);
	close(b->fds[i]);
	b->fds[i] = -1;
	b->conns[i].closed = work_now_ns();
}

/* The server ends it, with a FIN (0) or an RST. */
static int await_end(struct work_batch *b, uint32_t i, int expected)
{
	struct work_conn *c = &b->conns[i];
	uint64_t start = work_now_ns(), extra = 0;

	c->err = work_io_await_end(b->io, b->fds[i], &extra);
	c->waited = work_now_ns() - start;
	if (c->err == expected && !extra)
		return 0;
	errno = c->err;
	return work_fail("the server did not end as asked, %llu bytes too many",
			 (unsigned long long)extra);
}

static int end_half(struct work_batch *b, uint32_t i)
{
	struct work_conn *c = &b->conns[i];
	uint64_t start = work_now_ns();

	shutdown(b->fds[i], SHUT_WR);
	if (work_io_recv_all(b->io, b->fds[i], b->o->rx, &c->rx) < 0 || await_end(b, i, 0) < 0)
		return -1;
	c->waited = work_now_ns() - start;
	return 0;
}

static int end_half_server(struct work_batch *b, uint32_t i)
{
	if (await_end(b, i, 0) < 0)
		return -1;
	work_sleep_until(work_now_ns() + b->o->stall * 1000000ull);
	if (work_io_send_all(b->io, b->fds[i], WORK_HDR, b->o->tx - WORK_HDR, &b->conns[i].tx) < 0)
		return -1;
	return work_wait_drained(b->fds[i]);
}

static int end_orphan(struct work_batch *b, uint32_t i)
{
	ssize_t n = work_io_send(b->io, b->fds[i], 0, b->o->size);

	if (n < 0)
		return work_fail("write");
	b->lost += (uint64_t)n;
	return 0;
}

/* Nobody has answered so far. */
static int end_giveup(struct work_batch *b, uint32_t i)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	b->conns[i].waited = work_now_ns() - b->conns[i].opened;
	b->conns[i].err = work_socket_error(b->fds[i]);
	errno = b->conns[i].err;
	if (getsockopt(b->fds[i], IPPROTO_TCP, TCP_INFO, &ti, &len) == 0 &&
	    ti.tcpi_state == 2 /* TCP_SYN_SENT */)
		return 0;
	return work_fail("the connection did not stay in SYN_SENT");
}

static int end_one(struct work_batch *b, uint32_t i)
{
	switch (b->o->close) {
	case WORK_CLOSE_SERVER:
		return await_end(b, i, 0);
	case WORK_RST_SERVER:
	case WORK_ABORT_SERVER:
		return await_end(b, i, ECONNRESET);
	case WORK_HALF:
		return end_half(b, i);
	case WORK_HALF_SERVER:
		return end_half_server(b, i);
	case WORK_GIVEUP:
		return end_giveup(b, i);
	case WORK_ORPHAN:
		return end_orphan(b, i);
	case WORK_RST_CLIENT:
		work_reset_on_close(b->fds[i]);
		return 0;
	default: /* close() does it, or it has happened */
		return 0;
	}
}

/* An end of file is no death: then somebody has closed it. */
static int died(struct work_batch *b, uint32_t i, int err, uint64_t start)
{
	struct work_conn *c = &b->conns[i];

	c->err = err;
	c->waited = work_now_ns() - start;
	b->polls[i].fd = -1;
	close_now(b, i);
	errno = 0;
	return err ? 0 : work_fail("the server has ended connection %u", b->first + i);
}

/* Returns how many it found dead. */
static uint32_t write_all(struct work_batch *b, uint64_t start)
{
	uint32_t ended = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		if (b->polls[i].fd < 0)
			continue;
		ssize_t n = work_io_send(b->io, b->fds[i], 0, b->o->size);
		if (n > 0) {
			b->lost += (uint64_t)n;
		} else if (n < 0 && errno != EAGAIN) {
			died(b, i, errno, start);
			ended++;
		}
	}
	return ended;
}

static int await_deaths(struct work_batch *b)
{
	bool writes = b->o->close == WORK_DEAD;
	uint64_t start = work_now_ns(), due = start;
	uint32_t left = b->n;

	for (uint32_t i = 0; i < b->n; i++)
		b->polls[i] = (struct pollfd){ .fd = b->fds[i], .events = POLLIN };
	while (left) {
		uint64_t now = work_now_ns();

		if (writes && now >= due) {
			left -= write_all(b, start);
			due = now + b->o->gap * 1000;
			continue;
		}
		if (poll(b->polls, b->n, writes ? (int)((due - now) / 1000000) + 1 : -1) < 0)
			return work_fail("poll");
		for (uint32_t i = 0; i < b->n; i++) {
			if (b->polls[i].fd < 0 || !b->polls[i].revents)
				continue;
			if (died(b, i, work_socket_error(b->fds[i]), start) < 0)
				return -1;
			left--;
		}
	}
	return 0;
}

int work_fate(struct work_batch *b)
{
	if (b->o->close == WORK_KILLED || b->o->close == WORK_KILLED_UNREAD)
		return 0;
	if (b->o->close == WORK_DEAD || b->o->close == WORK_KEEPALIVE)
		return await_deaths(b);
	if (b->o->close == WORK_GIVEUP)
		work_sleep_until(work_now_ns() + b->o->stall * 1000000ull);
	for (uint32_t i = 0; i < b->n; i++) {
		if (end_one(b, i) < 0)
			return -1;
		close_now(b, i);
	}
	return 0;
}
