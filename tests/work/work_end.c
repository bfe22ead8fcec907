// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-work (see work_main.c): connections that come to the end that --how tells, after just
 * so many bytes. Their server is work_end_server.c; what becomes of them is in work_fate.c.
 */
#include "work.h"
#include "work_end.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool never_stands(enum work_close how)
{
	return how == WORK_REFUSED || how == WORK_TIMEOUT || how == WORK_UNREACHABLE ||
	       how == WORK_GIVEUP;
}

static bool is_killed(enum work_close how)
{
	return how == WORK_KILLED || how == WORK_KILLED_UNREAD;
}

static bool has_phase(const struct work_opts *o)
{
	return o->hold || o->close == WORK_DEAD || o->close == WORK_KEEPALIVE ||
	       o->close == WORK_ORPHAN;
}

uint64_t work_unread(uint64_t bytes)
{
	return bytes < WORK_UNREAD ? bytes : WORK_UNREAD;
}

/* What the client leaves in its receive buffer. */
static uint64_t left_unread(const struct work_opts *o)
{
	return o->close == WORK_ABORT_CLIENT || o->close == WORK_KILLED_UNREAD ? work_unread(o->rx)
									       : 0;
}

static int dial(struct work_batch *b, uint32_t i)
{
	struct work_conn *c = &b->conns[i];
	socklen_t len = sizeof(c->remote);

	*c = (struct work_conn){ 0 };
	if (work_resolve(b->o->addr, b->o->port, b->o->mapped, &c->remote, &len) < 0)
		return -1;
	b->fds[i] = work_dial(b->o, &c->err, &c->opened);
	if (b->fds[i] < 0)
		return -1;
	len = sizeof(c->local);
	getsockname(b->fds[i], (struct sockaddr *)&c->local, &len);
	b->t.conns++;
	return 0;
}

/* The attempt has come to its end. */
static void settled(struct work_conn *c, int err)
{
	uint64_t now = work_now_ns();

	c->err = err;
	c->waited = err ? now - c->opened : 0;
	c->established = err ? 0 : now;
}

/* On the first processor of those that we have, or on the last. */
static int run_on(const struct work_batch *b, bool last)
{
	int found = -1;
	cpu_set_t one;

	for (int cpu = 0; cpu < CPU_SETSIZE && (last || found < 0); cpu++)
		if (CPU_ISSET(cpu, &b->cpus))
			found = cpu;
	CPU_ZERO(&one);
	CPU_SET(found, &one);
	return sched_setaffinity(0, sizeof(one), &one) ? work_fail("CPU %d", found) : 0;
}

/* --ask: whoever reports the error of one may find it taken. */
static int ask_all(struct work_batch *b, uint32_t pending)
{
	while (pending) {
		for (uint32_t i = 0; i < b->n; i++) {
			int err = b->polls[i].fd < 0 ? 0 : work_socket_error(b->fds[i]);

			if (!err)
				continue;
			settled(&b->conns[i], err);
			b->polls[i].fd = -1;
			pending--;
		}
	}
	return 0;
}

static int await_connects(struct work_batch *b)
{
	uint32_t pending = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		bool under_way = b->conns[i].err == EINPROGRESS;

		if (!under_way)
			settled(&b->conns[i], b->conns[i].err);
		b->polls[i] =
		    (struct pollfd){ .fd = under_way ? b->fds[i] : -1, .events = POLLOUT };
		pending += under_way;
	}
	if (b->o->ask)
		return run_on(b, true) < 0 ? -1 : ask_all(b, pending);
	while (pending) {
		if (poll(b->polls, b->n, -1) < 0)
			return work_fail("poll");
		for (uint32_t i = 0; i < b->n; i++) {
			if (b->polls[i].fd < 0 || !b->polls[i].revents)
				continue;
			settled(&b->conns[i], work_socket_error(b->fds[i]));
			b->polls[i].fd = -1;
			pending--;
		}
	}
	return 0;
}

static int check_connects(const struct work_batch *b)
{
	static const int expected[] = { [WORK_REFUSED] = ECONNREFUSED,
					[WORK_TIMEOUT] = ETIMEDOUT,
					[WORK_UNREACHABLE] = EHOSTUNREACH,
					[WORK_KILLED_UNREAD] = 0 };

	for (uint32_t i = 0; i < b->n; i++) {
		errno = b->conns[i].err;
		if (errno != expected[b->o->close])
			return work_fail("connect %s port %u did not end as asked", b->o->addr,
					 b->o->port);
	}
	return 0;
}

static int open_all(struct work_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		if (dial(b, i) < 0)
			return -1;
	}
	if (b->o->close == WORK_GIVEUP)
		return 0;
	return await_connects(b) < 0 ? -1 : check_connects(b);
}

static int receive(struct work_batch *b, uint32_t i)
{
	uint64_t unread = left_unread(b->o);
	int fd = b->fds[i];

	if (b->o->close == WORK_HALF) /* comes after our end */
		return 0;
	if (work_io_recv_all(b->io, fd, b->o->rx - unread, &b->conns[i].rx) < 0)
		return -1;
	if (unread && work_wait_unread(fd, unread) < 0)
		return -1;
	b->conns[i].rx += unread; /* it has arrived */
	/* After the server's end the queue may never get empty. */
	if (b->o->close == WORK_CLOSE_SERVER || b->o->close == WORK_RST_SERVER ||
	    b->o->close == WORK_ABORT_SERVER)
		return 0;
	return work_wait_drained(fd);
}

static int exchange(struct work_batch *b)
{
	/* The rest goes after the server's end. */
	uint64_t first = b->o->close == WORK_HALF_SERVER ? WORK_HDR : b->o->tx;

	if (never_stands(b->o->close))
		return 0;
	for (uint32_t i = 0; i < b->n; i++) {
		if (work_io_send_all(b->io, b->fds[i], 0, first, &b->conns[i].tx) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		if (receive(b, i) < 0)
			return -1;
	}
	return 0;
}

/* Returns false when we are to end instead. */
static bool phase(struct work_batch *b)
{
	struct work_line line;
	FILE *f = work_line(&line);

	if (f) {
		fprintf(f, "{\"phase\":\"%s\",\"pid\":%d,\"how\":\"%s\",\"conns\":%u}\n",
			never_stands(b->o->close) ? "failed" : "established", (int)getpid(),
			work_fate_names[b->o->close], b->n);
		work_line_end(&line);
	}
	return work_next_round(b->ctx);
}

/* Those that are still there are closed as they are. */
static void finish(struct work_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct work_conn *c = &b->conns[i];

		if (b->fds[i] >= 0 && !is_killed(b->o->close)) {
			work_conn_retrans(c, b->fds[i]);
			close(b->fds[i]);
			b->fds[i] = -1;
		}
		if (!c->opened)
			continue;
		if (!c->closed)
			c->closed = work_now_ns();
		b->t.tx += c->tx;
		b->t.rx += c->rx;
		if (b->o->each)
			work_report_conn("end", work_fate_names[b->o->close], b->first + i, c);
	}
}

static void report(const struct work_batch *b)
{
	char extra[128];

	snprintf(extra, sizeof(extra), ",\"how\":\"%s\",\"port\":%u,\"unread\":%llu,\"lost\":%llu",
		 work_fate_names[b->o->close], b->o->port,
		 (unsigned long long)(left_unread(b->o) * b->t.conns), (unsigned long long)b->lost);
	work_report(&(struct work_report){
	    .role = "end", .proto = "tcp", .t = &b->t, .fd = -1, .extra = extra });
}

static int run_batch(struct work_batch *b)
{
	int status = open_all(b);

	if (status == 0)
		status = exchange(b);
	if (status == 0 && has_phase(b->o)) {
		if (!phase(b))
			status = -1;
		work_mortal();
	}
	if (status == 0)
		status = work_fate(b);
	if (status < 0)
		b->t.errors++;
	finish(b);
	return status;
}

static int run_all(struct work_ctx *ctx, struct work_batch *b)
{
	const struct work_opts *o = ctx->o;
	struct work_tcp_hdr hdr = { .tx = o->tx,
				    .rx = o->rx,
				    .close = (uint16_t)o->close,
				    .stall = (uint16_t)o->stall,
				    .magic = WORK_TCP_MAGIC };
	int status = 0;

	if (!b->conns || !b->fds || !b->polls || !b->io)
		return -1;
	if (sched_getaffinity(0, sizeof(b->cpus), &b->cpus))
		return work_fail("sched_getaffinity");
	work_io_set_header(b->io, &hdr, sizeof(hdr));
	while (status == 0 && b->first < o->conns) {
		b->n = o->parallel < o->conns - b->first ? o->parallel : o->conns - b->first;
		for (uint32_t i = 0; i < b->n; i++) {
			b->fds[i] = -1;
			b->conns[i].opened = 0;
		}
		status = o->ask ? run_on(b, false) : 0;
		if (status == 0)
			status = run_batch(b);
		b->first += b->n;
	}
	report(b);
	if (status == 0 && is_killed(o->close))
		raise(SIGKILL);
	return status;
}

static int client(struct work_ctx *ctx)
{
	const struct work_opts *o = ctx->o;
	struct work_batch b = { .ctx = ctx,
				.o = o,
				.conns = calloc(o->parallel, sizeof(*b.conns)),
				.fds = calloc(o->parallel, sizeof(*b.fds)),
				.polls = calloc(o->parallel, sizeof(*b.polls)),
				.io = work_io_new(o->method, o->read) };

	if (!has_phase(o))
		work_mortal();
	int status = run_all(ctx, &b);
	work_io_free(b.io);
	free(b.polls);
	free(b.fds);
	free(b.conns);
	return status ? 1 : 0;
}

/* The client is a child, so that whoever started us sees a good end. */
static int killed_client(struct work_ctx *ctx)
{
	pid_t parent = getpid(), pid = fork();
	int status;

	if (pid < 0) {
		work_fail("fork");
		return 1;
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == parent ? client(ctx) : 1);
	}
	work_mortal();
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : 1;
}

int work_end(const struct work_opts *o)
{
	struct work_opts own = *o;

	if (!o->port && never_stands(o->close))
		own.port = 9;
	if (o->close == WORK_KEEPALIVE && !o->keepcnt)
		own.keepcnt = 3;
	if (!o->gap)
		own.gap = 100000;
	/* What waits for the test, or ends with the process, is one batch. */
	if (has_phase(o) || is_killed(o->close))
		own.parallel = o->conns;
	return work_run(&(struct work_run){ .o = &own,
					    .fn = is_killed(o->close) ? killed_client : client,
					    .listener = -1,
					    .placeholder = -1 });
}
