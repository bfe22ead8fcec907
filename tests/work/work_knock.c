// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): a listener that never accepts, and who knocks at it. */
#include "work.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct knocks {
	uint32_t established, pending, failed;
};

static int deaf_worker(struct work_ctx *ctx)
{
	struct work_totals t = { 0 };
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);
	char extra[64];

	work_ready(ctx, work_port(ctx->listener));
	while (work_next_round(ctx))
		;
	/* Of a listener these are the length and the limit of its accept queue. */
	getsockopt(ctx->listener, IPPROTO_TCP, TCP_INFO, &ti, &len);
	snprintf(extra, sizeof(extra), ",\"queued\":%u,\"backlog\":%u", ti.tcpi_unacked,
		 ti.tcpi_sacked);
	work_report(&(struct work_report){
	    .role = "deaf", .proto = "tcp", .t = &t, .fd = ctx->listener, .extra = extra });
	return 0;
}

int work_deaf(const struct work_opts *o)
{
	struct work_run run = { .o = o, .fn = deaf_worker, .placeholder = -1 };

	run.listener = work_listen(o, false);
	return run.listener < 0 ? 1 : work_run(&run);
}

static struct knocks count(struct pollfd *p, uint32_t n)
{
	struct knocks k = { 0 };

	poll(p, n, 0);
	for (uint32_t i = 0; i < n; i++) {
		if (!p[i].revents)
			k.pending++;
		else if (p[i].revents & POLLERR)
			k.failed++;
		else
			k.established++;
	}
	return k;
}

static void say_knocked(uint32_t n, const struct knocks *k)
{
	struct work_line line;
	FILE *f = work_line(&line);

	if (!f)
		return;
	fprintf(f,
		"{\"phase\":\"knocked\",\"pid\":%d,\"conns\":%u,\"established\":%u,\"pending\":%u,"
		"\"failed\":%u}\n",
		(int)getpid(), n, k->established, k->pending, k->failed);
	work_line_end(&line);
}

static int knock_all(struct work_ctx *ctx, struct pollfd *p)
{
	const struct work_opts *o = ctx->o;
	struct work_totals t = { 0 };
	uint64_t begun = work_now_ns();
	char extra[96];

	for (uint32_t i = 0; i < o->conns; i++) {
		uint64_t start;
		int err;

		work_pace(begun, i, o->rate);
		p[i] = (struct pollfd){ .fd = work_dial(o, &err, &start), .events = POLLOUT };
		if (p[i].fd < 0)
			return 1; /* the descriptors go with the process */
		t.conns++;
	}
	work_sleep_until(work_now_ns() + o->stall * 1000000ull);
	struct knocks k = count(p, o->conns);
	say_knocked(o->conns, &k);
	work_next_round(ctx);
	k = count(p, o->conns);
	snprintf(extra, sizeof(extra), ",\"established\":%u,\"pending\":%u,\"failed\":%u",
		 k.established, k.pending, k.failed);
	work_report(&(struct work_report){
	    .role = "knock", .proto = "tcp", .t = &t, .fd = -1, .extra = extra });
	return 0;
}

static int knock_worker(struct work_ctx *ctx)
{
	struct pollfd *p = calloc(ctx->o->conns, sizeof(*p));
	int status = p ? knock_all(ctx, p) : 1;

	free(p);
	return status;
}

int work_knock(const struct work_opts *o)
{
	struct work_opts own = *o;

	if (!o->stall)
		own.stall = 500;
	own.hold = true; /* workers hear of the line, too */
	return work_run(
	    &(struct work_run){ .o = &own, .fn = knock_worker, .listener = -1, .placeholder = -1 });
}
