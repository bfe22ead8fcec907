// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-bench: traffic over loopback, both ends in one thread, so that its CPU time is all. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define BULK   65536 /* bytes that an operation moves */
#define SMALL  64
#define SNDBUF (4 * BULK)

struct bench_work {
	const struct kind *kind;
	int listener, client, server;
	struct sockaddr_in to;
	char buf[BULK];
};

static int put(struct bench_work *w, int fd, size_t len)
{
	if (send(fd, w->buf, len, MSG_NOSIGNAL) != (ssize_t)len)
		return bench_fail("send");
	return 0;
}

static int get(struct bench_work *w, int fd, size_t len)
{
	if (recv(fd, w->buf, len, MSG_WAITALL) != (ssize_t)len)
		return bench_fail("receive");
	return 0;
}

/* We are the reader, too: a write that waits would wait forever. */
static int do_bulk(struct bench_work *w)
{
	size_t sent = 0, got = 0;

	while (got < BULK) {
		ssize_t n;

		if (sent < BULK) {
			n = send(w->client, w->buf, BULK - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN)
				return bench_fail("send");
			sent += n > 0 ? (size_t)n : 0;
		}
		n = recv(w->server, w->buf, BULK, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return bench_fail("receive");
		got += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int do_rr(struct bench_work *w)
{
	if (put(w, w->client, SMALL) || get(w, w->server, SMALL) || put(w, w->server, SMALL) ||
	    get(w, w->client, SMALL))
		return -1;
	return 0;
}

static int do_cc(struct bench_work *w)
{
	int err = -1;

	w->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->client < 0 || connect(w->client, (struct sockaddr *)&w->to, sizeof(w->to)))
		bench_fail("connect");
	else if ((w->server = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
		bench_fail("accept");
	else
		err = do_rr(w);
	close(w->client);
	close(w->server);
	w->client = w->server = -1;
	return err;
}

static int bound(struct bench_work *w, int type)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	socklen_t len = sizeof(w->to);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    getsockname(fd, (struct sockaddr *)&w->to, &len)) {
		bench_fail("bind");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static int open_listener(struct bench_work *w)
{
	w->listener = bound(w, SOCK_STREAM);
	if (w->listener < 0 || listen(w->listener, 16))
		return bench_fail("listen");
	return 0;
}

static int open_pair(struct bench_work *w)
{
	int size = SNDBUF, one = 1;

	if (open_listener(w))
		return -1;
	w->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->client < 0)
		return bench_fail("socket");
	setsockopt(w->client, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (connect(w->client, (struct sockaddr *)&w->to, sizeof(w->to)))
		return bench_fail("connect");
	w->server = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
	if (w->server < 0)
		return bench_fail("accept");
	setsockopt(w->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(w->server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return 0;
}

static int open_udp(struct bench_work *w)
{
	struct sockaddr_in server, client;

	w->server = bound(w, SOCK_DGRAM);
	server = w->to;
	w->client = bound(w, SOCK_DGRAM);
	client = w->to;
	if (w->server < 0 || w->client < 0 ||
	    connect(w->server, (struct sockaddr *)&client, sizeof(client)) ||
	    connect(w->client, (struct sockaddr *)&server, sizeof(server)))
		return bench_fail("connect");
	return 0;
}

static const struct kind {
	const char *name;
	int (*open)(struct bench_work *w);
	int (*op)(struct bench_work *w);
} kinds[] = {
	{ "bulk", open_pair, do_bulk },
	{ "rr", open_pair, do_rr },
	{ "cc", open_listener, do_cc },
	{ "udp", open_udp, do_rr },
};

struct bench_work *bench_work_new(const char *name)
{
	struct bench_work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->listener = w->client = w->server = -1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			w->kind = &kinds[i];
	errno = 0;
	if (!w->kind)
		bench_fail("no workload is called %s", name);
	if (!w->kind || w->kind->open(w)) {
		bench_work_free(w);
		return NULL;
	}
	return w;
}

void bench_work_free(struct bench_work *w)
{
	if (!w)
		return;
	close(w->client);
	close(w->server);
	close(w->listener);
	free(w);
}

int bench_work_do(struct bench_work *w, uint32_t ops)
{
	int err = 0;

	while (ops-- && !err)
		err = w->kind->op(w);
	return err;
}

/*
 * Thousands of connections a second end: past so few in TIME_WAIT the kernel keeps no more of them,
 * so that what one costs stays the same from the first to the last, and ports do not run out.
 */
static void few_time_waits(void)
{
	static const char few[] = "1024\n";
	int fd = open("/proc/sys/net/ipv4/tcp_max_tw_buckets", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, few, sizeof(few) - 1) < 0)
		bench_fail("tcp_max_tw_buckets");
	close(fd);
}

int bench_own_netns(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd, err;

	if (unshare(CLONE_NEWNET))
		return bench_fail("a network namespace");
	few_time_waits();
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &ifr);
	if (err)
		bench_fail("loopback");
	if (fd >= 0)
		close(fd);
	return err;
}
