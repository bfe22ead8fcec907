// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): the server's part in how a connection ends (work_end.c). */
#include "work.h"

#include <errno.h>
#include <unistd.h>

static int take(struct work_peer *p, uint64_t bytes)
{
	return work_io_recv_all(p->io, p->fd, bytes, &p->t.rx);
}

static int give(struct work_peer *p)
{
	return work_io_send_all(p->io, p->fd, 0, p->hdr.rx, &p->t.tx);
}

/* The client ends it, if anybody does: how, is for the line of --each. */
static int await_end(struct work_peer *p)
{
	uint64_t start = work_now_ns(), extra = 0;

	p->conn.err = work_io_await_end(p->io, p->fd, &extra);
	p->conn.waited = work_now_ns() - start;
	p->t.rx += extra;
	return 0;
}

static int end_half(struct work_peer *p)
{
	if (take(p, p->hdr.tx - WORK_HDR) < 0)
		return -1;
	await_end(p);
	work_sleep_until(work_now_ns() + p->hdr.stall * 1000000ull);
	/* Until then nobody knows whether the client still wants it. */
	return p->conn.err ? -1 : give(p);
}

static int end_half_server(struct work_peer *p)
{
	if (give(p) < 0 || work_wait_drained(p->fd) < 0)
		return -1;
	shutdown(p->fd, SHUT_WR);
	if (take(p, p->hdr.tx - WORK_HDR) < 0)
		return -1;
	return await_end(p);
}

static int end_abort(struct work_peer *p)
{
	uint64_t unread = work_unread(p->hdr.tx - WORK_HDR);

	if (take(p, p->hdr.tx - WORK_HDR - unread) < 0 || give(p) < 0 ||
	    work_wait_unread(p->fd, unread) < 0)
		return -1;
	p->t.rx += unread; /* it has arrived */
	return work_wait_drained(p->fd);
}

static int obey(struct work_peer *p)
{
	int more = work_peer_round(p);

	if (more <= 0)
		return more;
	if (p->hdr.close == WORK_HALF)
		return end_half(p);
	if (p->hdr.close == WORK_HALF_SERVER)
		return end_half_server(p);
	if (p->hdr.close == WORK_ABORT_SERVER)
		return end_abort(p);
	if (take(p, p->hdr.tx - WORK_HDR) < 0 || give(p) < 0)
		return -1;
	if (p->hdr.close != WORK_CLOSE_SERVER && p->hdr.close != WORK_RST_SERVER)
		return await_end(p);
	if (work_wait_drained(p->fd) < 0)
		return -1;
	if (p->hdr.close == WORK_RST_SERVER)
		work_reset_on_close(p->fd);
	return 0;
}

static int end_server_worker(struct work_ctx *ctx)
{
	return work_follow(ctx, "end-server", obey);
}

int work_end_server(const struct work_opts *o)
{
	return work_serve_scripts(o, end_server_worker);
}
