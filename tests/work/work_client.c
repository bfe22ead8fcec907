// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): TCP connections that send and receive just so many bytes. */
#include "work.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* One thread's share; it lives through all rounds, threads only as long as one. */
struct share {
	const struct work_opts *o;
	struct work_io *io;
	int *fds; /* open ones; with --hold they stay */
	uint32_t n;
	uint32_t round;
	struct work_totals t;                  /* all rounds */
	uint64_t retrans_held, retrans_b_held; /* of connections still open */
	struct sockaddr_storage local, remote;
	pthread_t thread;
	char comm[16]; /* of the thread, or empty */
	int status;
};

/* The kernel's own counters must say the same before anybody else is measured by ours. */
static int check_counters(struct share *s, int fd)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);
	uint64_t tx = s->o->tx * s->round, rx = s->o->rx * s->round;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) < 0)
		return work_fail("TCP_INFO");
	s->retrans_held += ti.tcpi_total_retrans;
	s->retrans_b_held += ti.tcpi_bytes_retrans;
	/* A FIN or RST that has come may count as a byte, or hide the rest. */
	bool closing = ti.tcpi_state != 1; /* TCP_ESTABLISHED */
	uint64_t sent = ti.tcpi_bytes_sent - ti.tcpi_bytes_retrans;
	if (sent != tx || (!closing && ti.tcpi_bytes_received != rx)) {
		errno = 0;
		return work_fail("kernel counts %llu sent, %llu received, not %llu, %llu",
				 (unsigned long long)sent,
				 (unsigned long long)ti.tcpi_bytes_received, (unsigned long long)tx,
				 (unsigned long long)rx);
	}
	return 0;
}

static int await_end(struct share *s, int fd)
{
	uint64_t extra = 0;
	int err = work_io_await_end(s->io, fd, &extra);

	if (!extra && err == (s->o->close == WORK_RST_SERVER ? ECONNRESET : 0))
		return 0;
	errno = err;
	return work_fail("the server did not close as asked, %llu bytes too many",
			 (unsigned long long)extra);
}

static int open_one(struct share *s, uint32_t i)
{
	socklen_t len = sizeof(s->local);

	s->fds[i] = work_connect(s->o, SOCK_STREAM);
	if (s->fds[i] < 0)
		return -1;
	s->t.conns++;
	getsockname(s->fds[i], (struct sockaddr *)&s->local, &len);
	len = sizeof(s->remote);
	getpeername(s->fds[i], (struct sockaddr *)&s->remote, &len);
	return 0;
}

static int close_one(struct share *s, uint32_t i)
{
	int fd = s->fds[i], err = 0;

	s->fds[i] = -1;
	if (s->o->close == WORK_CLOSE_SERVER || s->o->close == WORK_RST_SERVER)
		err = await_end(s, fd);
	else if (s->o->close == WORK_RST_CLIENT)
		work_reset_on_close(fd);
	close(fd);
	return err;
}

/* One round over the n connections that are, or are to be, open at the same time. */
static int exchange(struct share *s, uint64_t start, uint64_t first)
{
	/* After a reset or the peer's close the counters are gone or the queue never empties. */
	bool server_ends = s->o->close == WORK_CLOSE_SERVER || s->o->close == WORK_RST_SERVER;

	for (uint32_t i = 0; i < s->n; i++) {
		work_pace(start, first + i, s->o->rate);
		if (s->fds[i] < 0 && open_one(s, i) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		if (work_io_send_all(s->io, s->fds[i], 0, s->o->tx, &s->t.tx) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		if (work_io_recv_all(s->io, s->fds[i], s->o->rx, &s->t.rx) < 0)
			return -1;
		if (server_ends)
			continue;
		if (work_wait_drained(s->fds[i]) < 0 || check_counters(s, s->fds[i]) < 0)
			return -1;
	}
	return 0;
}

static int do_round(struct share *s)
{
	uint64_t start = work_now_ns();

	s->round++;
	if (s->o->hold) {
		s->retrans_held = s->retrans_b_held = 0;
		return exchange(s, start, 0);
	}
	for (uint64_t done = 0; done < s->o->conns; done += s->n) {
		if (s->n > s->o->conns - done)
			s->n = (uint32_t)(s->o->conns - done);
		if (exchange(s, start, done) < 0)
			return -1;
		for (uint32_t i = 0; i < s->n; i++) {
			if (close_one(s, i) < 0)
				return -1;
		}
	}
	return 0;
}

static void *thread_main(void *arg)
{
	struct share *s = arg;

	work_set_comm(s->comm);
	s->status = do_round(s);
	return NULL;
}

static int run_shares(struct share *shares, uint32_t n)
{
	int status = 0;

	if (!shares[0].o->threads)
		return do_round(&shares[0]);
	for (uint32_t i = 0; i < n; i++) {
		errno = pthread_create(&shares[i].thread, NULL, thread_main, &shares[i]);
		if (errno) {
			work_fail("thread");
			exit(1);
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		pthread_join(shares[i].thread, NULL);
		status |= shares[i].status;
	}
	return status;
}

static int init_share(struct share *s, const struct work_opts *o, uint32_t i)
{
	struct work_tcp_hdr hdr = {
		.tx = o->tx, .rx = o->rx, .close = o->close, .magic = WORK_TCP_MAGIC
	};

	s->o = o;
	s->n = o->hold || o->parallel > o->conns ? o->conns : o->parallel;
	s->fds = malloc(s->n * sizeof(*s->fds));
	if (!s->fds)
		return -1;
	for (uint32_t k = 0; k < s->n; k++)
		s->fds[k] = -1;
	s->io = work_io_new(o->method, o->read);
	if (!s->io)
		return -1;
	if (o->threads)
		snprintf(s->comm, sizeof(s->comm), "work-%u", i);
	return work_io_set_header(s->io, &hdr, sizeof(hdr));
}

static void free_shares(struct share *shares, uint32_t n)
{
	for (uint32_t i = 0; shares && i < n; i++) {
		for (uint32_t k = 0; shares[i].fds && k < shares[i].n; k++) {
			if (shares[i].fds[k] < 0)
				continue;
			if (shares[i].o->close == WORK_RST_CLIENT)
				work_reset_on_close(shares[i].fds[k]);
			close(shares[i].fds[k]);
		}
		free(shares[i].fds);
		work_io_free(shares[i].io);
	}
	free(shares);
}

static void report(const struct work_opts *o, const struct share *shares, uint32_t n, bool failed)
{
	struct work_totals sum = { .errors = failed };
	bool one = n == 1 && o->conns == 1 && shares[0].t.conns == 1;

	for (uint32_t i = 0; i < n; i++) {
		work_totals_add(&sum, &shares[i].t);
		sum.retrans += shares[i].retrans_held;
		sum.retrans_bytes += shares[i].retrans_b_held;
	}
	work_report(&(struct work_report){ .role = "client",
					   .proto = "tcp",
					   .t = &sum,
					   .round = o->hold ? shares[0].round : 0,
					   .fd = -1,
					   .local = one ? &shares[0].local : NULL,
					   .remote = one ? &shares[0].remote : NULL });
}

static int client_worker(struct work_ctx *ctx)
{
	const struct work_opts *o = ctx->o;
	uint32_t n = o->threads ? o->threads : 1;
	struct share *shares = calloc(n, sizeof(*shares));
	int status = shares ? 0 : -1;

	if (!o->hold)
		work_mortal();
	for (uint32_t i = 0; i < n && status == 0; i++)
		status = init_share(&shares[i], o, i);
	if (status < 0)
		goto cleanup;
	do {
		status = run_shares(shares, n);
		report(o, shares, n, status != 0);
	} while (status == 0 && o->hold && work_next_round(ctx));
cleanup:
	free_shares(shares, n);
	return status ? 1 : 0;
}

int work_client(const struct work_opts *o)
{
	return work_run(
	    &(struct work_run){ .o = o, .fn = client_worker, .listener = -1, .placeholder = -1 });
}
