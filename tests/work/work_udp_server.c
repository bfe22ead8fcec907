// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-work (see work_main.c): the answering end of datagrams. A datagram comes back whole,
 * or a window is acknowledged by one header once all of it is here: so the sender knows that the
 * receiver's count is its own, and a lost datagram is an error instead of a wrong number.
 */
#include "work.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 32
#define SLOT  65536

struct sender {
	uint64_t id;
	uint32_t window;
	uint32_t have;
};

struct server {
	const struct work_opts *o;
	int fd;
	struct work_totals t;
	void *senders; /* tree of struct sender */
	uint8_t *buf;
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_storage from[BATCH];
};

static int by_id(const void *a, const void *b)
{
	const struct sender *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static bool window_complete(struct server *s, const struct work_udp_hdr *h)
{
	struct sender key = { .id = h->id };
	void *node = tfind(&key, &s->senders, by_id);

	if (!node) {
		struct sender *fresh = calloc(1, sizeof(*fresh));

		if (!fresh)
			return false;
		fresh->id = h->id;
		node = tsearch(fresh, &s->senders, by_id);
		if (!node) {
			free(fresh);
			return false;
		}
	}
	struct sender *sender = *(struct sender **)node;
	if (sender->window != h->window) {
		sender->window = h->window;
		sender->have = 0;
	}
	return ++sender->have == h->n;
}

static int receive(struct server *s)
{
	int batch = s->o->read == WORK_RECVMMSG ? BATCH : 1;

	for (int i = 0; i < batch; i++) {
		s->iov[i] = (struct iovec){ s->buf + (size_t)i * SLOT, SLOT };
		s->msgs[i].msg_hdr = (struct msghdr){ .msg_name = &s->from[i],
						      .msg_namelen = sizeof(s->from[i]),
						      .msg_iov = &s->iov[i],
						      .msg_iovlen = 1 };
	}
	if (s->o->read == WORK_RECVMMSG)
		return recvmmsg(s->fd, s->msgs, (unsigned int)batch, MSG_DONTWAIT, NULL);

	struct msghdr *m = &s->msgs[0].msg_hdr;
	ssize_t n;
	switch (s->o->read) {
	case WORK_PEEK:
		n = recv(s->fd, s->buf, SLOT, MSG_PEEK | MSG_DONTWAIT);
		if (n >= 0) /* cut short, but told its true length */
			n = recvfrom(s->fd, s->buf, 1, MSG_TRUNC, m->msg_name, &m->msg_namelen);
		break;
	case WORK_RECVMSG:
		n = recvmsg(s->fd, m, MSG_DONTWAIT);
		break;
	default:
		n = recvfrom(s->fd, s->buf, SLOT, MSG_DONTWAIT, m->msg_name, &m->msg_namelen);
		break;
	}
	if (n < 0)
		return -1;
	s->msgs[0].msg_len = (unsigned int)n;
	return 1;
}

/* The answer to the ith datagram, or 0 bytes. */
static size_t answer(struct server *s, int i)
{
	struct work_udp_hdr h;
	size_t len = s->msgs[i].msg_len;

	s->t.rx += len;
	s->t.rx_datagrams++;
	if (len < sizeof(h))
		return 0;
	memcpy(&h, s->iov[i].iov_base, sizeof(h));
	if (h.magic != WORK_UDP_MAGIC) {
		s->t.errors++;
		return 0;
	}
	if (h.flags & WORK_UDP_ECHO)
		return len;
	return window_complete(s, &h) ? sizeof(h) : 0;
}

static void count_sent(struct server *s, ssize_t len)
{
	if (len < 0) {
		work_fail("answer");
		s->t.errors++;
		return;
	}
	s->t.tx += (uint64_t)len;
	s->t.tx_datagrams++;
}

static void send_answers(struct server *s, int n)
{
	int out = 0;

	for (int i = 0; i < n; i++) {
		size_t len = answer(s, i);

		if (!len)
			continue;
		s->iov[i].iov_len = len;
		if (s->o->method == WORK_SENDMMSG)
			s->msgs[out++].msg_hdr = s->msgs[i].msg_hdr;
		else if (s->o->method == WORK_SENDMSG)
			count_sent(s, sendmsg(s->fd, &s->msgs[i].msg_hdr, 0));
		else
			count_sent(s, sendto(s->fd, s->iov[i].iov_base, len, 0,
					     (struct sockaddr *)&s->from[i],
					     s->msgs[i].msg_hdr.msg_namelen));
	}
	for (int done = 0; done < out;) {
		int sent = sendmmsg(s->fd, s->msgs + done, (unsigned int)(out - done), 0);

		for (int i = 0; i < sent; i++)
			count_sent(s, s->msgs[done + i].msg_len);
		if (sent < 0)
			count_sent(s, -1);
		done += sent < 0 ? 1 : sent;
	}
}

static void serve(struct server *s, int sigfd)
{
	struct pollfd p[2] = { { .fd = sigfd, .events = POLLIN },
			       { .fd = s->fd, .events = POLLIN } };
	bool end = false;

	for (;;) {
		int n = receive(s);

		if (n > 0) {
			send_answers(s, n);
		} else if (errno == EAGAIN) {
			if (end || poll(p, 2, -1) < 0)
				return;
			if (p[0].revents)
				end = work_signalled(sigfd);
		} else if (errno != EINTR && errno != ECONNREFUSED) {
			work_fail("receive");
			s->t.errors++;
			return;
		}
	}
}

static int udp_server_worker(struct work_ctx *ctx)
{
	struct server s = { .o = ctx->o, .fd = work_bind(ctx->o, SOCK_DGRAM, ctx->o->procs > 1) };
	int status = 1;

	s.buf = malloc((size_t)BATCH * SLOT);
	if (s.fd < 0 || !s.buf)
		goto cleanup;
	work_ready(ctx, work_port(s.fd));
	serve(&s, ctx->sigfd);
	s.t.conns = 1;
	work_report(
	    &(struct work_report){ .role = "udp-server", .proto = "udp", .t = &s.t, .fd = s.fd });
	status = s.t.errors ? 1 : 0;
cleanup:
	tdestroy(s.senders, free);
	free(s.buf);
	if (s.fd >= 0)
		close(s.fd);
	return status;
}

int work_udp_server(const struct work_opts *o)
{
	struct work_opts own = *o;
	struct work_run run = {
		.o = &own, .fn = udp_server_worker, .listener = -1, .placeholder = -1
	};

	if (o->procs > 1 && !o->port) {
		run.placeholder = work_bind(o, SOCK_DGRAM, true);
		if (run.placeholder < 0)
			return 1;
		own.port = work_port(run.placeholder);
	}
	return work_run(&run);
}
