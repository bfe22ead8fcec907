// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): the TCP server's listeners and processes. */
#include "work.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct acceptor {
	struct work_ctx *ctx;
	struct work_totals t;
	pid_t *pids;
	size_t n, room;
	int status;
};

static int serve_own(struct work_ctx *ctx)
{
	int fd = work_listen(ctx->o, true);

	return fd < 0 ? 1 : work_serve(ctx, fd, -1);
}

static int serve_shared(struct work_ctx *ctx)
{
	return work_serve(ctx, ctx->listener, -1);
}

static _Noreturn void serve_one(struct acceptor *a, int conn, pid_t parent)
{
	struct work_ctx ctx = { .o = a->ctx->o, .ctlfd = -1, .readyfd = -1, .listener = -1 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close(a->ctx->listener);
	close(a->ctx->sigfd);
	ctx.sigfd = work_signal_fd();
	_exit(ctx.sigfd < 0 ? 1 : work_serve(&ctx, -1, conn));
}

static int remember(struct acceptor *a, pid_t pid)
{
	if (a->n == a->room) {
		size_t room = a->room ? a->room * 2 : 64;
		pid_t *pids = realloc(a->pids, room * sizeof(*pids));

		if (!pids)
			return -1;
		a->pids = pids;
		a->room = room;
	}
	a->pids[a->n++] = pid;
	return 0;
}

static void fork_all(struct acceptor *a)
{
	pid_t parent = getpid();

	for (;;) {
		int conn = accept4(a->ctx->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (conn < 0)
			return;
		pid_t pid = fork();
		if (pid == 0)
			serve_one(a, conn, parent);
		close(conn);
		a->t.conns++;
		if (pid < 0 || remember(a, pid) < 0) {
			work_fail("fork");
			a->t.errors++;
			a->status = 1;
		}
	}
}

static void reap(struct acceptor *a, int flags)
{
	for (size_t i = 0; i < a->n;) {
		int status;

		if (waitpid(a->pids[i], &status, flags) <= 0) {
			i++;
			continue;
		}
		a->pids[i] = a->pids[--a->n];
		if (status) {
			a->t.errors++;
			a->status = 1;
		}
	}
}

static int serve_forked(struct work_ctx *ctx)
{
	struct acceptor a = { .ctx = ctx };
	struct pollfd p[2] = { { .fd = ctx->sigfd, .events = POLLIN },
			       { .fd = ctx->listener, .events = POLLIN } };
	bool end = false;

	work_ready(ctx, work_port(ctx->listener));
	while (!end && poll(p, 2, -1) >= 0) {
		if (p[1].revents)
			fork_all(&a);
		if (p[0].revents) {
			end = work_signalled(ctx->sigfd);
			reap(&a, WNOHANG);
		}
	}
	for (size_t i = 0; i < a.n; i++)
		kill(a.pids[i], SIGTERM);
	reap(&a, 0);
	/* Its processes have printed the bytes; here are only the connections it handed over. */
	work_report(&(struct work_report){
	    .role = "acceptor", .proto = "tcp", .t = &a.t, .fd = ctx->listener });
	free(a.pids);
	return a.status;
}

int work_server(const struct work_opts *o)
{
	struct work_opts own = *o;
	struct work_run run = { .o = &own, .fn = serve_own, .listener = -1, .placeholder = -1 };

	if (o->accept == WORK_REUSEPORT && o->procs > 1 && !o->port) {
		run.placeholder = work_bind(o, SOCK_STREAM, true);
		if (run.placeholder < 0)
			return 1;
		own.port = work_port(run.placeholder);
	}
	if (o->accept != WORK_REUSEPORT) {
		run.listener = work_listen(o, false);
		if (run.listener < 0)
			return 1;
		run.fn = serve_shared;
	}
	if (o->accept == WORK_FORK) {
		own.procs = 1;
		run.fn = serve_forked;
	}
	return work_run(&run);
}
