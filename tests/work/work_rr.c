// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): requests and replies, and how long each reply took. */
#include "work.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#define SPIN 100000 /* ns: sleeping is not exact, so the last of it is spent awake */

struct sample {
	uint64_t sent; /* ns: the write of the request returned */
	uint32_t art;  /* us from there to the first byte of the reply */
	uint32_t call; /* us from right before that write */
};

static void set_tcp(int fd, int name)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, name, &one, sizeof(one));
}

static void think(uint64_t us)
{
	uint64_t due = work_now_ns() + us * 1000;

	if (us * 1000 > SPIN)
		work_sleep_until(due - SPIN);
	while (work_now_ns() < due)
		;
}

static int serve_requests(struct work_peer *p)
{
	const struct work_opts *o = p->ctx->o;
	int more;

	set_tcp(p->fd, TCP_NODELAY);
	for (;;) {
		if (o->quickack)
			set_tcp(p->fd, TCP_QUICKACK);
		more = work_peer_round(p);
		if (more <= 0)
			return more;
		if (work_io_recv_all(p->io, p->fd, p->hdr.tx - WORK_HDR, &p->t.rx) < 0)
			return -1;
		/* Out goes what the kernel has put off, and only when all is read (see
		 * tcp_cleanup_rbuf). */
		if (o->quickack)
			set_tcp(p->fd, TCP_QUICKACK);
		if (o->think)
			think(o->think);
		if (work_io_send_all(p->io, p->fd, 0, p->hdr.rx, &p->t.tx) < 0)
			return -1;
	}
}

static int rr_server_worker(struct work_ctx *ctx)
{
	return work_follow(ctx, "rr-server", serve_requests);
}

int work_rr_server(const struct work_opts *o)
{
	return work_serve_scripts(o, rr_server_worker);
}

static int request(const struct work_opts *o, struct work_io *io, int fd, struct sample *s,
		   struct work_totals *t)
{
	uint64_t start = work_now_ns();

	if (work_io_send_all(io, fd, 0, o->tx, &t->tx) < 0)
		return -1;
	s->sent = work_now_ns();
	ssize_t n = work_io_recv(io, fd, o->rx, NULL);
	uint64_t now = work_now_ns();
	if (n == 0)
		errno = 0;
	if (n <= 0)
		return work_fail("no reply");
	t->rx += (uint64_t)n;
	s->art = (uint32_t)((now - s->sent) / 1000);
	s->call = (uint32_t)((now - start) / 1000);
	return work_io_recv_all(io, fd, o->rx - (uint64_t)n, &t->rx);
}

static void say_sample(const struct sample *s, uint32_t i)
{
	struct work_line line;
	FILE *f = work_line(&line);

	if (!f)
		return;
	fprintf(f, "{\"request\":%u,\"pid\":%d,\"sent_ns\":%llu,\"art_us\":%u,\"call_us\":%u}\n", i,
		(int)getpid(), (unsigned long long)s->sent, s->art, s->call);
	work_line_end(&line);
}

static int by_art(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->art > y->art) - (x->art < y->art);
}

static int by_call(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->call > y->call) - (x->call < y->call);
}

/* Nearest rank; the samples are in order. */
static const struct sample *percentile(const struct sample *s, uint32_t n, uint32_t p)
{
	uint64_t rank = ((uint64_t)n * p + 99) / 100;

	return &s[rank ? rank - 1 : 0];
}

static void report(const struct work_opts *o, struct sample *s, uint32_t n,
		   const struct work_totals *t, const struct work_conn *c)
{
	static const struct {
		const char *name;
		uint32_t percent;
	} marks[] = { { "min", 0 }, { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "max", 100 } };
	char *extra = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&extra, &len);

	if (!f)
		return;
	for (uint32_t i = 0; o->each && i < n; i++)
		say_sample(&s[i], i);
	fprintf(f, ",\"count\":%u", n);
	for (int call = 0; n && call < 2; call++) {
		qsort(s, n, sizeof(*s), call ? by_call : by_art);
		fprintf(f, ",\"%s\":{", call ? "call_us" : "art_us");
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
			const struct sample *at = percentile(s, n, marks[i].percent);

			fprintf(f, "%s\"%s\":%u", i ? "," : "", marks[i].name,
				call ? at->call : at->art);
		}
		fputc('}', f);
	}
	fclose(f);
	work_report(&(struct work_report){ .role = "rr",
					   .proto = "tcp",
					   .t = t,
					   .fd = -1,
					   .local = &c->local,
					   .remote = &c->remote,
					   .extra = extra });
	free(extra);
}

static int do_requests(const struct work_opts *o, struct work_io *io, struct sample *s)
{
	struct work_tcp_hdr hdr = { .tx = o->tx, .rx = o->rx, .magic = WORK_TCP_MAGIC };
	struct work_totals t = { .conns = 1 };
	struct work_conn c = { 0 };
	uint32_t n = 0;
	int fd = work_connect(o, SOCK_STREAM);

	if (fd < 0)
		return -1;
	set_tcp(fd, TCP_NODELAY);
	work_conn_ends(&c, fd);
	work_io_set_header(io, &hdr, sizeof(hdr));
	while (n < o->count && request(o, io, fd, &s[n], &t) == 0) {
		if (++n < o->count && o->gap)
			work_sleep_until(work_now_ns() + o->gap * 1000);
	}
	t.errors = n < o->count;
	close(fd);
	report(o, s, n, &t, &c);
	return t.errors ? -1 : 0;
}

static int rr_worker(struct work_ctx *ctx)
{
	const struct work_opts *o = ctx->o;
	struct work_io *io = work_io_new(o->method, o->read);
	struct sample *s = calloc(o->count, sizeof(*s));

	work_mortal();
	int status = io && s ? do_requests(o, io, s) : -1;
	free(s);
	work_io_free(io);
	return status ? 1 : 0;
}

int work_rr(const struct work_opts *o)
{
	return work_run(
	    &(struct work_run){ .o = o, .fn = rr_worker, .listener = -1, .placeholder = -1 });
}
