// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): making and ending sockets. */
#include "work.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int work_resolve(const char *host, uint16_t port, bool mapped, struct sockaddr_storage *ss,
		 socklen_t *len)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *ai = NULL;
	char text[80], service[8];

	snprintf(text, sizeof(text), "%s%s", mapped ? "::ffff:" : "", host);
	snprintf(service, sizeof(service), "%u", port);
	int err = getaddrinfo(text, service, &hints, &ai);
	if (err) {
		errno = 0;
		return work_fail("%s: %s", text, gai_strerror(err));
	}
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, ai->ai_addr, ai->ai_addrlen);
	*len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return 0;
}

static int set_one(int fd, int level, int name)
{
	int one = 1;

	return setsockopt(fd, level, name, &one, sizeof(one));
}

/* Room for a whole window, so that no datagram is lost in a socket's queue. */
static void widen(int fd)
{
	int bytes = 8 << 20;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static int set_int(int fd, int level, int name, const char *what, uint32_t value)
{
	int n = (int)value;

	return setsockopt(fd, level, name, &n, sizeof(n)) < 0 ? work_fail("%s", what) : 0;
}

/* Of a listener: what it accepts inherits all of it. */
static int tune(const struct work_opts *o, int fd)
{
	int err = 0;

	if (o->rcvbuf)
		err |= set_int(fd, SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF", o->rcvbuf);
	if (o->user_timeout)
		err |=
		    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT", o->user_timeout);
	if (o->syncnt)
		err |= set_int(fd, IPPROTO_TCP, TCP_SYNCNT, "TCP_SYNCNT", o->syncnt);
	if (!o->keepcnt)
		return err;
	err |= set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE", 1);
	err |= set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL", 1);
	err |= set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT", o->keepcnt);
	return err | set_int(fd, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE", 1);
}

int work_bind(const struct work_opts *o, int type, bool reuseport)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = 0;

	if (work_resolve(o->addr, o->port, o->mapped, &ss, &len) < 0)
		return -1;
	int fd = socket(ss.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return work_fail("socket");
	/* UDP's REUSEADDR would let a second server take the datagrams. */
	if (type == SOCK_STREAM)
		set_one(fd, SOL_SOCKET, SO_REUSEADDR);
	else
		widen(fd);
	if (reuseport)
		set_one(fd, SOL_SOCKET, SO_REUSEPORT);
	if (bind(fd, (struct sockaddr *)&ss, len) < 0) {
		work_fail("bind %s port %u", o->addr, o->port);
		goto fail;
	}
	if (type == SOCK_STREAM && tune(o, fd) < 0)
		goto fail;
	return fd;
fail:
	close(fd);
	return -1;
}

int work_listen(const struct work_opts *o, bool reuseport)
{
	int fd = work_bind(o, SOCK_STREAM, reuseport);

	if (fd >= 0 && listen(fd, (int)o->backlog) < 0) {
		work_fail("listen");
		close(fd);
		return -1;
	}
	return fd;
}

static int bind_source(const struct work_opts *o, int fd, bool udp)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = 0;

	if (work_resolve(o->local, 0, o->mapped, &ss, &len) < 0)
		return -1;
	/* Take the port at connect, so that one port serves several destinations. */
	if (!udp)
		set_one(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
	if (bind(fd, (struct sockaddr *)&ss, len) < 0)
		return work_fail("bind %s", o->local);
	return 0;
}

int work_socket_error(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno : err;
}

static int finish_connect(int fd)
{
	if (work_wait_fd(fd, POLLOUT) < 0)
		return -1;
	errno = work_socket_error(fd);
	return errno ? -1 : 0;
}

/* A socket from the source address asked for, and where it is to be connected to. */
static int open_client(const struct work_opts *o, int type, struct sockaddr_storage *ss,
		       socklen_t *len)
{
	bool udp = type == SOCK_DGRAM;
	const struct timeval patience = { .tv_sec = WORK_PATIENCE / 1000 };

	if (work_resolve(o->addr, o->port, o->mapped, ss, len) < 0)
		return -1;
	int fd = socket(ss->ss_family, type | SOCK_CLOEXEC | (o->nonblock ? SOCK_NONBLOCK : 0), 0);
	if (fd < 0)
		return work_fail("socket");
	if (udp)
		widen(fd);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if ((!udp && tune(o, fd) < 0) || (o->local && bind_source(o, fd, udp) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

int work_connect(const struct work_opts *o, int type)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = 0;
	int fd = open_client(o, type, &ss, &len);

	if (fd < 0 || (type == SOCK_DGRAM && o->unconnected))
		return fd;
	if (connect(fd, (struct sockaddr *)&ss, len) < 0 &&
	    !(errno == EINPROGRESS && finish_connect(fd) == 0)) {
		work_fail("connect %s port %u", o->addr, o->port);
		close(fd);
		return -1;
	}
	return fd;
}

int work_dial(const struct work_opts *o, int *err, uint64_t *start)
{
	struct sockaddr_storage ss = { 0 };
	struct work_opts own = *o;
	socklen_t len = 0;

	own.nonblock = true;
	int fd = open_client(&own, SOCK_STREAM, &ss, &len);
	if (fd < 0)
		return -1;
	*start = work_now_ns();
	*err = connect(fd, (struct sockaddr *)&ss, len) < 0 ? errno : 0;
	return fd;
}

uint16_t work_port(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return 0;
	if (ss.ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, &ss, sizeof(in6));
		return ntohs(in6.sin6_port);
	}
	struct sockaddr_in in;

	memcpy(&in, &ss, sizeof(in));
	return ntohs(in.sin_port);
}

int work_drained(int fd)
{
	int queued = 0;

	if (ioctl(fd, SIOCOUTQ, &queued) < 0)
		return work_fail("SIOCOUTQ");
	return queued == 0;
}

int work_wait_drained(int fd)
{
	uint64_t end = work_now_ns() + WORK_PATIENCE * 1000000ull;
	const struct timespec nap = { .tv_nsec = 50000 };
	int done;

	while ((done = work_drained(fd)) == 0) {
		if (work_now_ns() > end) {
			errno = ETIMEDOUT;
			return work_fail("bytes not acknowledged");
		}
		nanosleep(&nap, NULL);
	}
	return done < 0 ? -1 : 0;
}

int work_wait_unread(int fd, uint64_t n)
{
	uint64_t end = work_now_ns() + WORK_PATIENCE * 1000000ull;
	const struct timespec nap = { .tv_nsec = 50000 };
	int unread = 0;

	for (;;) {
		if (ioctl(fd, SIOCINQ, &unread) < 0)
			return work_fail("SIOCINQ");
		if (unread >= 0 && (uint64_t)unread >= n)
			return 0;
		if (work_now_ns() > end) {
			errno = ETIMEDOUT;
			return work_fail("bytes did not come");
		}
		nanosleep(&nap, NULL);
	}
}

int work_wait_fd(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&p, 1, WORK_PATIENCE);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 ? 0 : -1;
}

void work_reset_on_close(int fd)
{
	struct linger l = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

void work_conn_ends(struct work_conn *c, int fd)
{
	socklen_t len = sizeof(c->local);

	getsockname(fd, (struct sockaddr *)&c->local, &len);
	len = sizeof(c->remote);
	getpeername(fd, (struct sockaddr *)&c->remote, &len);
}

void work_conn_retrans(struct work_conn *c, int fd)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) == 0)
		c->retrans = ti.tcpi_total_retrans;
}
