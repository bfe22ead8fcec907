// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-work (see work_main.c): a server whose every connection is a thread that follows a
 * script from its first byte to its end. A script may wait as long as it likes; what needs many
 * connections and little memory is in work_tcp.c.
 */
#include "work.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

struct served {
	struct work_peer peer;
	struct server *s;
	pthread_t thread;
	int fd; /* for us: peer.fd is the thread's */
	int status;
	atomic_bool done;
	LIST_ENTRY(served) all;
};

struct server {
	struct work_ctx *ctx;
	const char *role;
	work_script *script;
	struct work_totals t;
	LIST_HEAD(, served) open;
};

static void *follow(void *arg)
{
	struct served *c = arg;
	struct work_peer *p = &c->peer;

	c->status = c->s->script(p);
	if (p->fd >= 0) {
		work_conn_retrans(&p->conn, p->fd);
		close(p->fd);
	}
	p->conn.closed = work_now_ns();
	p->conn.tx = p->t.tx;
	p->conn.rx = p->t.rx;
	if (p->ctx->o->each)
		work_report_conn(c->s->role, work_fate_names[p->hdr.close], p->index, &p->conn);
	atomic_store(&c->done, true);
	return NULL;
}

static void reap(struct server *s, bool all)
{
	for (struct served *c = LIST_FIRST(&s->open), *next; c; c = next) {
		next = LIST_NEXT(c, all);
		if (!all && !atomic_load(&c->done))
			continue;
		pthread_join(c->thread, NULL);
		work_totals_add(&s->t, &c->peer.t);
		if (c->status < 0)
			s->t.errors++;
		LIST_REMOVE(c, all);
		work_io_free(c->peer.io);
		free(c);
	}
}

static int start(struct server *s, int fd)
{
	const struct work_opts *o = s->ctx->o;
	struct served *c = calloc(1, sizeof(*c));

	if (!c)
		return -1;
	c->s = s;
	c->fd = fd;
	c->peer.ctx = s->ctx;
	c->peer.fd = fd;
	c->peer.index = (uint32_t)s->t.conns;
	c->peer.conn.opened = work_now_ns();
	work_conn_ends(&c->peer.conn, fd);
	c->peer.io = work_io_new(o->method, o->read);
	errno = c->peer.io ? pthread_create(&c->thread, NULL, follow, c) : ENOMEM;
	if (errno) {
		work_io_free(c->peer.io);
		free(c);
		return -1;
	}
	s->t.conns++;
	LIST_INSERT_HEAD(&s->open, c, all);
	return 0;
}

static void accept_all(struct server *s)
{
	for (;;) {
		int fd = accept4(s->ctx->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0 && start(s, fd) == 0)
			continue;
		if (fd >= 0)
			close(fd);
		else if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
			return;
		work_fail("accept");
		s->t.errors++;
		return;
	}
}

int work_follow(struct work_ctx *ctx, const char *role, work_script *script)
{
	struct server s = { .ctx = ctx, .role = role, .script = script };
	struct pollfd p[2] = { { .fd = ctx->sigfd, .events = POLLIN },
			       { .fd = ctx->listener, .events = POLLIN } };
	struct served *c;
	bool end = false;

	work_ready(ctx, work_port(ctx->listener));
	while (!end && poll(p, 2, -1) >= 0) {
		if (p[1].revents)
			accept_all(&s);
		end = p[0].revents && work_signalled(ctx->sigfd);
		reap(&s, false);
	}
	/* What has arrived by now still counts, then there is an end of file, of which the peer
	 * sees nothing. */
	accept_all(&s);
	LIST_FOREACH(c, &s.open, all)
	{
		if (!atomic_load(&c->done))
			shutdown(c->fd, SHUT_RD);
	}
	reap(&s, true);
	work_report(
	    &(struct work_report){ .role = role, .proto = "tcp", .t = &s.t, .fd = ctx->listener });
	return s.t.errors ? 1 : 0;
}

int work_serve_scripts(const struct work_opts *o, work_fn *fn)
{
	struct work_run run = { .o = o, .fn = fn, .placeholder = -1 };

	run.listener = work_listen(o, false);
	return run.listener < 0 ? 1 : work_run(&run);
}

int work_peer_round(struct work_peer *p)
{
	size_t got = 0;

	while (got < WORK_HDR) {
		const uint8_t *data;
		ssize_t n = work_io_recv(p->io, p->fd, WORK_HDR - got, &data);

		if (n == 0 && got == 0)
			return 0;
		if (n < 0 && got == 0) {
			p->conn.err = errno;
			return 0;
		}
		if (n <= 0)
			return work_fail("no header");
		memcpy((uint8_t *)&p->hdr + got, data, (size_t)n);
		got += (size_t)n;
		p->t.rx += (uint64_t)n;
	}
	if (p->hdr.magic == WORK_TCP_MAGIC && p->hdr.tx >= WORK_HDR &&
	    p->hdr.close <= WORK_KILLED_UNREAD)
		return 1;
	p->hdr.close = 0;
	errno = EPROTO;
	return work_fail("not a header");
}
