// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-link (see link_main.c): sockets, what interfaces may merge, and the loop. */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/sockios.h>

#ifndef PACKET_IGNORE_OUTGOING /* glibc's header does not have it */
#define PACKET_IGNORE_OUTGOING 23
#endif

#define SECOND     1000000000ULL
#define SPIN       200000U  /* ns before a deadline: waking an idle processor takes up to as long */
#define LOOK_EVERY 1000000U /* ns between looks at stdin and signals while frames keep coming */
#define STALE      SECOND   /* an older stamp of arrival is a clock that was set */
#define BUFFER     (32 << 20)

/* In this order: what depends on another goes first. */
static const struct {
	uint32_t get, set;
	const char *name;
} offloads[] = {
	{ ETHTOOL_GGRO, ETHTOOL_SGRO, "gro" },
	{ ETHTOOL_GTSO, ETHTOOL_STSO, "tso" },
	{ ETHTOOL_GGSO, ETHTOOL_SGSO, "gso" },
	{ ETHTOOL_GSG, ETHTOOL_SSG, "sg" },
	{ ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM, "tx checksum" },
	{ ETHTOOL_GRXCSUM, ETHTOOL_SRXCSUM, "rx checksum" },
};

static int ethtool(int fd, const char *dev, uint32_t cmd, uint32_t *value)
{
	struct ethtool_value v = { .cmd = cmd, .data = *value };
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	ifr.ifr_data = (char *)&v;
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		return -errno;
	*value = v.data;
	return 0;
}

int link_offload_off(const char *dev, struct np_err *err)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), code = 0;

	if (fd < 0)
		return np_err_set(err, -errno, "socket: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]) && !code; i++) {
		uint32_t value = 0;

		/* What cannot be switched may be off all the same. */
		code = ethtool(fd, dev, offloads[i].set, &value);
		if (code == -EOPNOTSUPP)
			code = 0;
		value = 0;
		if (!code)
			code = ethtool(fd, dev, offloads[i].get, &value);
		if (!code && value)
			code = -EBUSY;
		if (code)
			np_err_set(err, code, "%s: cannot switch off %s: %s", dev, offloads[i].name,
				   strerror(-code));
	}
	close(fd);
	return code;
}

static int tune(int fd, int ifindex)
{
	const struct packet_mreq promisc = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC };
	const int on = 1, buffer = BUFFER;

	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0)
		return -1;
	return 0;
}

int link_net_open(const char *dev, struct np_err *err)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int code = link_offload_off(dev, err);

	if (code)
		return code;
	addr.sll_ifindex = (int)if_nametoindex(dev);
	/* Protocol 0: nothing comes in before bind() says from where. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || tune(fd, addr.sll_ifindex) < 0 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		code = np_err_set(err, -errno, "%s: %s", dev, strerror(errno));
		if (fd >= 0)
			close(fd);
		return code;
	}
	return fd;
}

/* The kernel stamps with the time of day. */
static uint64_t arrival(struct msghdr *msg, uint64_t now, uint64_t wall)
{
	struct timespec t;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(c), sizeof(t));
		uint64_t stamp = (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
		if (stamp <= wall && wall - stamp < STALE)
			return now - (wall - stamp);
	}
	return now;
}

static int receive(struct link *link, enum link_dir dir)
{
	struct link_path *path = &link->path[dir];
	char control[LINK_BATCH][CMSG_SPACE(sizeof(struct timespec))];
	struct mmsghdr msgs[LINK_BATCH] = { 0 };
	struct iovec iov[LINK_BATCH];
	struct timespec t;

	for (int i = 0; i < LINK_BATCH; i++) {
		iov[i] = (struct iovec){ path->spare[i]->data, LINK_FRAME_MAX };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i],
						   .msg_iovlen = 1,
						   .msg_control = control[i],
						   .msg_controllen = sizeof(control[i]) };
	}
	/* MSG_TRUNC: the true length, so that a frame too long is known for one. */
	int n = recvmmsg(path->in, msgs, LINK_BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
	if (n <= 0)
		return 0;
	uint64_t now = link_now();
	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t wall = (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
	for (int i = 0; i < n; i++) {
		path->spare[i]->len = msgs[i].msg_len;
		link_path_take(link, dir, (uint32_t)i, arrival(&msgs[i].msg_hdr, now, wall));
	}
	return n;
}

struct lines {
	int fd; /* -1: it ended */
	size_t len;
	char text[512];
};

/* A line that is too long is taken for two, and both are refused. */
static void read_lines(struct link *link, struct lines *in)
{
	ssize_t n = read(in->fd, in->text + in->len, sizeof(in->text) - 1 - in->len);

	if (n <= 0) {
		in->fd = -1;
		return;
	}
	in->len += (size_t)n;
	in->text[in->len] = '\0';
	char *line = in->text, *end;
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		link_command(link, line);
		line = end + 1;
	}
	in->len -= (size_t)(line - in->text);
	memmove(in->text, line, in->len);
	if (in->len == sizeof(in->text) - 1) {
		link_command(link, in->text);
		in->len = 0;
	}
}

/* Until something comes in, or WAIT ns. False: told to end. */
static bool look(struct link *link, struct lines *in, int sigfd, uint64_t wait)
{
	struct pollfd fds[] = { { .fd = link->sock[0], .events = POLLIN },
				{ .fd = link->sock[1], .events = POLLIN },
				{ .fd = sigfd, .events = POLLIN },
				{ .fd = in->fd, .events = POLLIN } };
	const struct timespec t = { (time_t)(wait / SECOND), (long)(wait % SECOND) };

	if (ppoll(fds, 4, wait == UINT64_MAX ? NULL : &t, NULL) <= 0)
		return true;
	if (fds[3].revents)
		read_lines(link, in);
	return !fds[2].revents;
}

int link_run(struct link *link, int sigfd)
{
	struct lines in = { .fd = STDIN_FILENO };
	uint64_t looked = 0;

	for (;;) {
		int got = receive(link, LINK_AB) + receive(link, LINK_BA);
		uint64_t next = UINT64_MAX, now;

		for (int dir = 0; dir < LINK_DIRS; dir++) {
			uint64_t due = link_path_send(&link->path[dir], link_now());
			if (due < next)
				next = due;
		}
		now = link_now();
		/* Nothing to do but wait; near a deadline without sleeping. */
		uint64_t wait = next <= now + SPIN ? 0 : next - now - SPIN;
		if (got || !wait) {
			if (now - looked < LOOK_EVERY)
				continue;
			wait = 0;
		}
		looked = now;
		if (!look(link, &in, sigfd, next == UINT64_MAX && wait ? UINT64_MAX : wait))
			return 0;
	}
}
