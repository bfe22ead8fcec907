// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-work (see work_main.c): very many established connections, for measuring what a walk
 * over all sockets costs. Both ends are ours. A process may hold only so many descriptors, so there
 * are as many processes as it takes; each has its own listener, thus all ports for itself.
 */
#include "work.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SPARE_FDS 64
#define CHUNK     256 /* connects between accepts: below any accept queue */

static int listen_any(const struct work_opts *o, struct sockaddr_storage *ss, socklen_t *len)
{
	struct work_opts any = *o;

	any.port = 0;
	int fd = work_bind(&any, SOCK_STREAM, false);
	*len = sizeof(*ss);
	if (fd >= 0 && listen(fd, 4096) == 0 && getsockname(fd, (struct sockaddr *)ss, len) == 0)
		return fd;
	work_fail("listen");
	if (fd >= 0)
		close(fd);
	return -1;
}

static int accept_some(int listener, uint32_t n, uint64_t *done)
{
	for (; n; n--) {
		if (accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
			return work_fail("accept");
		(*done)++;
	}
	return 0;
}

static int fill(const struct work_opts *o, int listener, const struct sockaddr_storage *ss,
		socklen_t len, uint32_t n, struct work_totals *t)
{
	uint32_t pending = 0;

	for (uint32_t i = 0; i < n; i++) {
		int fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || connect(fd, (const struct sockaddr *)ss, len) < 0)
			return work_fail("connection %u of %u to %s", i + 1, n, o->addr);
		if (++pending == CHUNK || i + 1 == n) {
			if (accept_some(listener, pending, &t->conns) < 0)
				return -1;
			pending = 0;
		}
	}
	return 0;
}

static int idle_worker(struct work_ctx *ctx)
{
	const struct work_opts *o = ctx->o;
	/* The remainder goes to the first ones. */
	uint32_t n = o->conns / o->procs + (ctx->index < o->conns % o->procs);
	struct sockaddr_storage ss = { 0 };
	struct work_totals t = { 0 };
	socklen_t len;
	int listener = listen_any(o, &ss, &len);

	if (listener < 0 || fill(o, listener, &ss, len, n, &t) < 0)
		return 1; /* the descriptors go with the process */
	work_ready(ctx, work_port(listener));
	while (work_next_round(ctx))
		;
	work_report(
	    &(struct work_report){ .role = "idle", .proto = "tcp", .t = &t, .fd = listener });
	return 0;
}

int work_idle(const struct work_opts *o)
{
	struct work_opts own = *o;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return 1;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur < 2 * SPARE_FDS) {
		work_fail("too few descriptors");
		return 1;
	}
	/* Nor may one listener run out of source ports: see ip_local_port_range. */
	uint64_t most = (rl.rlim_cur - SPARE_FDS) / 2;
	if (most > 14000)
		most = 14000;
	uint32_t least = (uint32_t)((o->conns + most - 1) / most);
	if (own.procs < least)
		own.procs = least;
	own.hold = true;
	return work_run(
	    &(struct work_run){ .o = &own, .fn = idle_worker, .listener = -1, .placeholder = -1 });
}
