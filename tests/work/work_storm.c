// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-work (see work_main.c): short connections as fast as they go, over loopback. One
 * process drives both ends without ever waiting. Each leaves a TIME_WAIT behind, so the
 * destination moves on through 127/8 before the ports towards one are used up: unlike another
 * source address, that takes no system call more.
 */
#include "work.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PER_ADDRESS 8192 /* connections to one address */

struct storm {
	const struct work_opts *o;
	int listener;
	struct sockaddr_in to;
	struct work_totals t;
	uint8_t *buf;
};

/* 127.16.0.1 on: 4095 addresses until the first comes round again, minutes later. */
static void next_address(struct storm *s)
{
	uint32_t low = (ntohl(s->to.sin_addr.s_addr) + 1) & 0xfff;

	s->to.sin_addr.s_addr = htonl(127u << 24 | 16u << 16 | (low ? low : 1));
}

static int connect_one(struct storm *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return work_fail("socket");
	if (connect(fd, (struct sockaddr *)&s->to, sizeof(s->to)) < 0) {
		work_fail("connect");
		close(fd);
		return -1;
	}
	return fd;
}

/* All of it fits the socket buffers: nothing blocks. */
static int put(struct storm *s, int fd, uint64_t bytes, int flags)
{
	if (bytes && send(fd, s->buf, bytes, MSG_NOSIGNAL | flags) != (ssize_t)bytes)
		return work_fail("send");
	s->t.tx += bytes;
	return 0;
}

static int take(struct storm *s, int fd, uint64_t bytes)
{
	if (bytes && recv(fd, s->buf, bytes, MSG_WAITALL) != (ssize_t)bytes)
		return work_fail("receive");
	s->t.rx += bytes;
	return 0;
}

static void end(const struct storm *s, int fd, bool first)
{
	if (first && (s->o->close == WORK_RST_CLIENT || s->o->close == WORK_RST_SERVER))
		work_reset_on_close(fd);
	close(fd);
}

/* The shortest that there is: data and FIN travel in one segment, and the server answers by its
 * FIN. */
static int one_way(struct storm *s, int client, int server)
{
	int err = put(s, client, s->o->tx, MSG_MORE);

	end(s, client, true);
	if (err == 0)
		err = take(s, server, s->o->tx);
	end(s, server, false);
	return err;
}

static int there_and_back(struct storm *s, int client, int server)
{
	bool server_first = s->o->close == WORK_CLOSE_SERVER || s->o->close == WORK_RST_SERVER;
	int err = 0;

	if (put(s, client, s->o->tx, 0) < 0 || take(s, server, s->o->tx) < 0 ||
	    put(s, server, s->o->rx, 0) < 0 || take(s, client, s->o->rx) < 0)
		err = -1;
	end(s, server_first ? server : client, true);
	end(s, server_first ? client : server, false);
	return err;
}

static int one_connection(struct storm *s)
{
	int client = connect_one(s);

	if (client < 0)
		return -1;
	int server = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0) {
		close(client);
		return work_fail("accept");
	}
	s->t.conns++;
	if (s->o->close == WORK_CLOSE_CLIENT && !s->o->rx)
		return one_way(s, client, server);
	return there_and_back(s, client, server);
}

static int storm_worker(struct work_ctx *ctx)
{
	struct storm s = { .o = ctx->o, .listener = work_bind(ctx->o, SOCK_STREAM, false) };
	socklen_t len = sizeof(s.to);
	int status = 1;

	s.buf = calloc(1, s.o->tx > s.o->rx ? s.o->tx : s.o->rx);
	if (s.listener < 0 || !s.buf || listen(s.listener, 128) < 0 ||
	    getsockname(s.listener, (struct sockaddr *)&s.to, &len) < 0)
		goto cleanup;
	work_ready(ctx, work_port(s.listener));
	uint64_t start = work_now_ns(), end = start + s.o->seconds * 1000000000ull;
	status = 0;
	for (uint64_t n = 0; status == 0 && work_now_ns() < end; n++) {
		if (n % PER_ADDRESS == 0)
			next_address(&s);
		if (n % 256 == 255 && work_signalled(ctx->sigfd))
			break;
		work_pace(start, n, s.o->rate);
		status = one_connection(&s) < 0;
	}
	s.t.errors = (uint64_t)status;
	work_report(
	    &(struct work_report){ .role = "storm", .proto = "tcp", .t = &s.t, .fd = s.listener });
cleanup:
	if (s.listener >= 0)
		close(s.listener);
	free(s.buf);
	return status;
}

int work_storm(const struct work_opts *o)
{
	struct work_opts own = *o;

	own.port = 0;
	own.addr = "0.0.0.0"; /* for all of 127/8; connections go nowhere else */
	if (own.tx > 16384 || own.rx > 16384) {
		errno = 0;
		work_fail("a storm takes 16 KiB each way at most");
		return 2;
	}
	return work_run(
	    &(struct work_run){ .o = &own, .fn = storm_worker, .listener = -1, .placeholder = -1 });
}
