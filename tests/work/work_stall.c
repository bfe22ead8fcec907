// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-work (see work_main.c): a server that stops reading, so that its receive window
 * closes.
 *
 * A round is answered only when it is read to its end, so each stall is a zero window of its own.
 * It is exactly one where
 * - a round sends more than the receive buffer takes (up to twice --rcvbuf) and less than twice
 * that, or the window closes again while the rest is read: --tx three times --rcvbuf is well;
 * - the stall is 500 ms at least: less than a segment's worth of window is filled by a timer only.
 * While it does not read, the server puts off its last acknowledgement, for which the client sends
 * one loss probe a stall, a retransmission (net.ipv4.tcp_early_retrans=0 there: none).
 */
#include "work.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void stall(const struct work_peer *p, uint32_t n)
{
	uint64_t start = work_now_ns();
	struct work_line line;
	int unread = 0;

	work_sleep_until(start + p->ctx->o->stall * 1000000ull);
	ioctl(p->fd, SIOCINQ, &unread);
	FILE *f = work_line(&line);
	if (!f)
		return;
	fprintf(f, "{\"stall\":%u,\"conn\":%u,\"pid\":%d", n, p->index, (int)getpid());
	work_put_ends(f, &p->conn.local, &p->conn.remote);
	fprintf(f, ",\"start_ns\":%llu,\"end_ns\":%llu,\"unread\":%d}\n", (unsigned long long)start,
		(unsigned long long)work_now_ns(), unread);
	work_line_end(&line);
}

static int serve_stalling(struct work_peer *p)
{
	int more;

	for (uint32_t round = 0; (more = work_peer_round(p)) > 0; round++) {
		if (round < p->ctx->o->times)
			stall(p, round);
		if (work_io_recv_all(p->io, p->fd, p->hdr.tx - WORK_HDR, &p->t.rx) < 0 ||
		    work_io_send_all(p->io, p->fd, 0, p->hdr.rx, &p->t.tx) < 0)
			return -1;
	}
	return more;
}

static int stall_server_worker(struct work_ctx *ctx)
{
	return work_follow(ctx, "stall-server", serve_stalling);
}

int work_stall_server(const struct work_opts *o)
{
	return work_serve_scripts(o, stall_server_worker);
}

static int do_rounds(const struct work_opts *o, struct work_io *io, int fd, struct work_conn *c)
{
	for (uint32_t i = 0; i < o->times; i++) {
		if (i && o->gap)
			work_sleep_until(work_now_ns() + o->gap * 1000);
		if (work_io_send_all(io, fd, 0, o->tx, &c->tx) < 0 ||
		    work_io_recv_all(io, fd, o->rx, &c->rx) < 0)
			return -1;
	}
	return work_wait_drained(fd);
}

static int one_conn(const struct work_opts *o, struct work_io *io, uint32_t i,
		    struct work_totals *t)
{
	struct work_conn c = { .opened = work_now_ns() };
	int fd = work_connect(o, SOCK_STREAM);

	if (fd < 0)
		return -1;
	c.established = work_now_ns();
	work_conn_ends(&c, fd);
	int status = do_rounds(o, io, fd, &c);
	work_conn_retrans(&c, fd);
	close(fd);
	c.closed = work_now_ns();
	if (o->each)
		work_report_conn("stall-client", work_fate_names[WORK_CLOSE_CLIENT], i, &c);
	t->conns++;
	t->tx += c.tx;
	t->rx += c.rx;
	return status;
}

static int stall_client_worker(struct work_ctx *ctx)
{
	const struct work_opts *o = ctx->o;
	struct work_tcp_hdr hdr = { .tx = o->tx, .rx = o->rx, .magic = WORK_TCP_MAGIC };
	struct work_io *io = work_io_new(o->method, o->read);
	struct work_totals t = { 0 };
	int status = io ? work_io_set_header(io, &hdr, sizeof(hdr)) : -1;

	work_mortal();
	for (uint32_t i = 0; i < o->conns && status == 0; i++)
		status = one_conn(o, io, i, &t);
	t.errors = status != 0;
	work_report(
	    &(struct work_report){ .role = "stall-client", .proto = "tcp", .t = &t, .fd = -1 });
	work_io_free(io);
	return status ? 1 : 0;
}

int work_stall_client(const struct work_opts *o)
{
	return work_run(&(struct work_run){
	    .o = o, .fn = stall_client_worker, .listener = -1, .placeholder = -1 });
}
