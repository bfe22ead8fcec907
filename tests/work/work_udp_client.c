// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): datagrams in windows, each echoed or acknowledged. */
#include "work.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MAX_WINDOW 64
#define GSO_BYTES  65000
#define GSO_SEGS   64

struct client {
	const struct work_opts *o;
	int fd;
	uint64_t id;
	uint32_t window, seq, round;
	struct work_totals t;
	uint8_t *out, *in;
	struct sockaddr_storage to;
	socklen_t to_len;
};

static void fill(struct client *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct work_udp_hdr h = { .magic = WORK_UDP_MAGIC,
					  .flags = c->o->echo ? WORK_UDP_ECHO : 0,
					  .n = (uint16_t)n,
					  .id = c->id,
					  .window = c->window,
					  .seq = c->seq++ };

		memcpy(c->out + (size_t)i * c->o->size, &h, sizeof(h));
	}
}

static int count_sent(struct client *c, ssize_t len, size_t want)
{
	if (len != (ssize_t)want)
		return work_fail("sent %zd of %zu bytes", len, want);
	c->t.tx += want;
	c->t.tx_datagrams += want / c->o->size;
	return 0;
}

static struct msghdr address(struct client *c, struct iovec *iov)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 1 };

	if (c->o->unconnected) {
		m.msg_name = &c->to;
		m.msg_namelen = c->to_len;
	}
	return m;
}

/* One call, several datagrams: the kernel cuts them. */
static int send_gso(struct client *c, uint32_t n)
{
	uint32_t most = GSO_BYTES / c->o->size;

	if (most > GSO_SEGS)
		most = GSO_SEGS;
	for (uint32_t done = 0; done < n;) {
		uint32_t k = n - done < most ? n - done : most;
		struct iovec iov = { c->out + (size_t)done * c->o->size, (size_t)k * c->o->size };
		struct msghdr m = address(c, &iov);
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(sizeof(uint16_t))];
		} control = { 0 };
		uint16_t seg = (uint16_t)c->o->gso;

		m.msg_control = &control;
		m.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
		cm->cmsg_level = IPPROTO_UDP;
		cm->cmsg_type = UDP_SEGMENT;
		cm->cmsg_len = CMSG_LEN(sizeof(seg));
		memcpy(CMSG_DATA(cm), &seg, sizeof(seg));
		if (count_sent(c, sendmsg(c->fd, &m, 0), iov.iov_len) < 0)
			return -1;
		done += k;
	}
	return 0;
}

static int send_mmsg(struct client *c, uint32_t n)
{
	struct mmsghdr msgs[MAX_WINDOW] = { 0 };
	struct iovec iov[MAX_WINDOW];

	for (uint32_t i = 0; i < n; i++) {
		iov[i] = (struct iovec){ c->out + (size_t)i * c->o->size, c->o->size };
		msgs[i].msg_hdr = address(c, &iov[i]);
	}
	for (uint32_t done = 0; done < n;) {
		int sent = sendmmsg(c->fd, msgs + done, n - done, 0);

		if (sent < 0 && errno == EAGAIN && work_wait_fd(c->fd, POLLOUT) == 0)
			continue;
		if (sent <= 0)
			return work_fail("sendmmsg");
		for (uint32_t end = done + (uint32_t)sent; done < end; done++) {
			if (count_sent(c, msgs[done].msg_len, c->o->size) < 0)
				return -1;
		}
	}
	return 0;
}

static ssize_t send_one(struct client *c, uint8_t *data)
{
	struct iovec iov = { data, c->o->size };
	struct msghdr m = address(c, &iov);

	switch (c->o->method) {
	case WORK_WRITE:
		return write(c->fd, data, c->o->size);
	case WORK_SEND:
		return send(c->fd, data, c->o->size, 0);
	default:
		return sendmsg(c->fd, &m, 0);
	}
}

static int send_window(struct client *c, uint32_t n)
{
	c->window++;
	fill(c, n);
	if (c->o->gso)
		return send_gso(c, n);
	if (c->o->method == WORK_SENDMMSG)
		return send_mmsg(c, n);
	for (uint32_t i = 0; i < n; i++) {
		ssize_t len;

		do {
			len = send_one(c, c->out + (size_t)i * c->o->size);
		} while (len < 0 && errno == EAGAIN && work_wait_fd(c->fd, POLLOUT) == 0);
		if (count_sent(c, len, c->o->size) < 0)
			return -1;
	}
	return 0;
}

static ssize_t receive_one(struct client *c)
{
	struct iovec iov = { c->in, 65536 };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };

	switch (c->o->read) {
	case WORK_READ:
		return read(c->fd, c->in, 65536);
	case WORK_RECVMSG:
		return recvmsg(c->fd, &m.msg_hdr, 0);
	case WORK_RECVMMSG:
		return recvmmsg(c->fd, &m, 1, 0, NULL) == 1 ? (ssize_t)m.msg_len : -1;
	case WORK_PEEK:
		if (recv(c->fd, c->in, 65536, MSG_PEEK) < 0)
			return -1;
		return recv(c->fd, c->in, 1, MSG_TRUNC);
	default:
		return recv(c->fd, c->in, 65536, 0);
	}
}

static int receive_window(struct client *c, uint32_t n)
{
	uint32_t answers = c->o->echo ? n : 1;
	ssize_t want = c->o->echo ? (ssize_t)c->o->size : WORK_HDR;

	for (uint32_t i = 0; i < answers; i++) {
		struct work_udp_hdr h;

		if (work_wait_fd(c->fd, POLLIN) < 0)
			return work_fail("window %u: %u of %u answers; a datagram was lost",
					 c->window, i, answers);
		ssize_t len = receive_one(c);
		if (len < 0 && errno == EAGAIN) {
			i--;
			continue;
		}
		memcpy(&h, c->in, sizeof(h));
		if (len != want || h.id != c->id || h.window != c->window) {
			if (len >= 0)
				errno = 0;
			return work_fail("window %u: wrong answer, %zd bytes", c->window, len);
		}
		c->t.rx += (uint64_t)len;
		c->t.rx_datagrams++;
	}
	return 0;
}

static int open_socket(struct client *c)
{
	if (c->fd >= 0)
		return 0;
	c->fd = work_connect(c->o, SOCK_DGRAM);
	if (c->fd < 0)
		return -1;
	c->t.conns++;
	return 0;
}

static int do_round(struct client *c)
{
	uint64_t start = work_now_ns();
	uint32_t window = c->o->oneshot ? 1 : c->o->window;

	c->round++;
	for (uint32_t done = 0, n; done < c->o->count; done += n) {
		n = c->o->count - done < window ? c->o->count - done : window;
		work_pace(start, done, c->o->rate);
		if (open_socket(c) < 0 || send_window(c, n) < 0 || receive_window(c, n) < 0)
			return -1;
		if (c->o->oneshot) {
			close(c->fd);
			c->fd = -1;
		}
	}
	return 0;
}

static int udp_client_worker(struct work_ctx *ctx)
{
	const struct work_opts *o = ctx->o;
	struct client c = { .o = o, .fd = -1 };
	int status = -1;

	if (!o->hold)
		work_mortal();
	c.out = calloc(MAX_WINDOW, o->size);
	c.in = malloc(65536);
	if (!c.out || !c.in || getrandom(&c.id, sizeof(c.id), 0) < 0 ||
	    work_resolve(o->addr, o->port, o->mapped, &c.to, &c.to_len) < 0)
		goto cleanup;
	do {
		status = do_round(&c);
		if (status < 0)
			c.t.errors++;
		work_report(&(struct work_report){ .role = "udp-client",
						   .proto = "udp",
						   .t = &c.t,
						   .round = o->hold ? c.round : 0,
						   .fd = c.fd,
						   .remote = o->unconnected ? &c.to : NULL });
	} while (status == 0 && o->hold && work_next_round(ctx));
cleanup:
	if (c.fd >= 0)
		close(c.fd);
	free(c.out);
	free(c.in);
	return status ? 1 : 0;
}

int work_udp_client(const struct work_opts *o)
{
	return work_run(&(struct work_run){
	    .o = o, .fn = udp_client_worker, .listener = -1, .placeholder = -1 });
}
