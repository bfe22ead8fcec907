// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): the serving end of TCP connections, one thread with epoll. */
#include "work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <unistd.h>

enum phase { HEADER, STALL, BODY, REPLY, DRAIN };

struct conn {
	int fd;
	enum phase phase;
	struct work_tcp_hdr hdr;
	uint64_t got, sent; /* of this round */
	uint64_t due;       /* when a stall ends */
	bool want_out;
	struct conn *next; /* in the list of those that wait for time to pass */
	LIST_ENTRY(conn) all;
};

LIST_HEAD(conns, conn);

struct server {
	const struct work_opts *o;
	struct work_io *io;
	struct work_totals t;
	int ep, listener;
	struct conns open;
	struct conn *waiting;
};

static void watch(struct server *s, struct conn *c, bool out, int op)
{
	struct epoll_event ev = { .events = out ? EPOLLOUT : EPOLLIN, .data.ptr = c };

	c->want_out = out;
	epoll_ctl(s->ep, op, c->fd, &ev);
}

static void wait_for_time(struct server *s, struct conn *c, enum phase phase)
{
	c->phase = phase;
	c->due = work_now_ns() + s->o->stall * 1000000ull;
	c->next = s->waiting;
	s->waiting = c;
	/* One that waits for time wants no events: level-triggered, they would spin. */
	epoll_ctl(s->ep, EPOLL_CTL_DEL, c->fd, NULL);
}

static void finish(struct server *s, struct conn *c)
{
	/* close() alone leaves it in the set while another process, which forked us, has a copy. */
	epoll_ctl(s->ep, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	LIST_REMOVE(c, all);
	free(c);
}

/* The peer has ended or broken off: right between rounds, an error within one. */
static void peer_gone(struct server *s, struct conn *c, ssize_t n)
{
	if (n == 0)
		errno = 0;
	if (c->phase != HEADER || c->got || (n < 0 && errno != ECONNRESET)) {
		work_fail("connection ended after %llu of %llu bytes", (unsigned long long)c->got,
			  (unsigned long long)c->hdr.tx);
		s->t.errors++;
	}
	finish(s, c);
}

static void round_received(struct conn *c)
{
	c->phase = REPLY;
	c->sent = 0;
}

/* True while the connection is there and can go on. */
static bool receive(struct server *s, struct conn *c)
{
	uint64_t left = (c->phase == HEADER ? WORK_HDR : c->hdr.tx) - c->got;
	const uint8_t *data;
	ssize_t n = work_io_recv(s->io, c->fd, left, &data);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		peer_gone(s, c, n);
		return false;
	}
	if (c->phase == HEADER)
		memcpy((uint8_t *)&c->hdr + c->got, data, (size_t)n);
	c->got += (uint64_t)n;
	s->t.rx += (uint64_t)n;
	if (c->phase == HEADER && c->got == WORK_HDR) {
		if (c->hdr.magic != WORK_TCP_MAGIC || c->hdr.tx < WORK_HDR) {
			errno = EPROTO;
			peer_gone(s, c, -1);
			return false;
		}
		if (s->o->stall) {
			wait_for_time(s, c, STALL);
			return false;
		}
		c->phase = BODY;
	}
	if (c->phase == BODY && c->got == c->hdr.tx)
		round_received(c);
	return true;
}

static bool round_answered(struct server *s, struct conn *c)
{
	c->got = 0;
	c->phase = HEADER;
	if (c->hdr.close == WORK_CLOSE_SERVER) {
		finish(s, c);
		return false;
	}
	if (c->hdr.close == WORK_RST_SERVER) {
		/* A reset throws away what the peer does not have yet. */
		wait_for_time(s, c, DRAIN);
		return false;
	}
	if (c->want_out)
		watch(s, c, false, EPOLL_CTL_MOD);
	return true;
}

static bool reply(struct server *s, struct conn *c)
{
	if (c->sent < c->hdr.rx) {
		ssize_t n = work_io_send(s->io, c->fd, c->sent, c->hdr.rx - c->sent);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (!c->want_out)
				watch(s, c, true, EPOLL_CTL_MOD);
			return false;
		}
		if (n < 0) {
			peer_gone(s, c, n);
			return false;
		}
		c->sent += (uint64_t)n;
		s->t.tx += (uint64_t)n;
	}
	return c->sent < c->hdr.rx || round_answered(s, c);
}

static void advance(struct server *s, struct conn *c)
{
	bool more = true;

	while (more)
		more = c->phase == REPLY ? reply(s, c) : receive(s, c);
}

static void time_passed(struct server *s)
{
	struct conn *c = s->waiting, *next;

	s->waiting = NULL;
	for (; c; c = next) {
		next = c->next;
		if (c->phase == DRAIN ? work_drained(c->fd) == 0 : work_now_ns() < c->due) {
			c->next = s->waiting;
			s->waiting = c;
		} else if (c->phase == DRAIN) {
			work_reset_on_close(c->fd);
			finish(s, c);
		} else {
			c->phase = BODY;
			if (c->got == c->hdr.tx)
				round_received(c);
			watch(s, c, false, EPOLL_CTL_ADD);
			advance(s, c);
		}
	}
}

static int add_conn(struct server *s, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return work_fail("connection");
	c->fd = fd;
	LIST_INSERT_HEAD(&s->open, c, all);
	s->t.conns++;
	watch(s, c, false, EPOLL_CTL_ADD);
	return 0;
}

static void accept_all(struct server *s)
{
	for (;;) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
				work_fail("accept");
				s->t.errors++;
			}
			return;
		}
		add_conn(s, fd);
	}
}

/* Returns how many events there were. */
static int turn(struct server *s, int sigfd, int timeout, bool *end)
{
	struct epoll_event ev[64];
	int n = epoll_wait(s->ep, ev, 64, timeout);

	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == s)
			accept_all(s);
		else if (ev[i].data.ptr)
			advance(s, ev[i].data.ptr);
		else if (work_signalled(sigfd))
			*end = true;
	}
	time_passed(s);
	return n;
}

int work_serve(struct work_ctx *ctx, int listener, int conn)
{
	struct server s = { .o = ctx->o, .listener = listener };
	struct epoll_event ev = { .events = EPOLLIN };
	bool end = false;
	int status = 1;

	s.ep = epoll_create1(EPOLL_CLOEXEC);
	s.io = work_io_new(ctx->o->method, ctx->o->read);
	if (s.ep < 0 || !s.io)
		goto cleanup;
	epoll_ctl(s.ep, EPOLL_CTL_ADD, ctx->sigfd, &ev);
	if (conn >= 0 && add_conn(&s, conn) < 0)
		goto cleanup;
	if (listener >= 0) {
		/* Workers that share a listener shall not all wake for one connection. */
		ev.events = EPOLLIN | (ctx->o->accept == WORK_PREFORK ? EPOLLEXCLUSIVE : 0);
		ev.data.ptr = &s;
		epoll_ctl(s.ep, EPOLL_CTL_ADD, listener, &ev);
		work_ready(ctx, work_port(listener));
	}
	while (!end && (listener >= 0 || !LIST_EMPTY(&s.open)))
		turn(&s, ctx->sigfd, s.waiting ? 1 : -1, &end);
	/* What has arrived by now still counts. */
	while (turn(&s, ctx->sigfd, 0, &end) > 0)
		;
	work_report(
	    &(struct work_report){ .role = "server", .proto = "tcp", .t = &s.t, .fd = listener });
	status = s.t.errors ? 1 : 0;
cleanup:
	for (struct conn *c = LIST_FIRST(&s.open), *next; c; c = next) {
		next = LIST_NEXT(c, all);
		close(c->fd);
		free(c);
	}
	work_io_free(s.io);
	if (s.ep >= 0)
		close(s.ep);
	return status;
}
