// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/link.h"

struct dump {
	int type;
	union {
		struct ifinfomsg link;
		struct tcmsg tc;
	} body;
	size_t body_len;
	void (*fn)(void *ctx, const struct nlmsghdr *msg);
	void *ctx;
};

static int ask(int fd, const struct dump *d)
{
	struct {
		struct nlmsghdr hdr;
		char body[64];
	} req = { 0 };

	req.hdr.nlmsg_len = (uint32_t)NLMSG_LENGTH(d->body_len);
	req.hdr.nlmsg_type = (uint16_t)d->type;
	req.hdr.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memcpy(req.body, &d->body, d->body_len);
	return send(fd, &req, req.hdr.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* One answer: 1 at the end of the dump, 0 when more follows, -errno. */
static int answer(const char *buf, size_t len, const struct dump *d)
{
	while (len >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *msg = (const void *)buf;
		size_t step = NLMSG_ALIGN(msg->nlmsg_len);

		if (msg->nlmsg_len < sizeof(*msg) || msg->nlmsg_len > len)
			return -EBADMSG;
		if (msg->nlmsg_type == NLMSG_DONE)
			return 1;
		if (msg->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *e = NLMSG_DATA(msg);

			return msg->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) ? -EBADMSG : e->error;
		}
		d->fn(d->ctx, msg);
		buf += step;
		len = step < len ? len - step : 0;
	}
	return 0;
}

static int dump(const struct dump *d)
{
	static char buf[64 * 1024] __attribute__((aligned(8)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int ret;

	if (fd < 0)
		return -errno;
	ret = ask(fd, d);
	while (!ret) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		ret = n < 0 ? -errno : answer(buf, (size_t)n, d);
	}
	close(fd);
	return ret < 0 ? ret : 0;
}

struct links {
	void (*fn)(void *ctx, struct np_ev_link *link, const char *kind);
	void *ctx;
};

static const struct rtattr *attr_in(const void *data, size_t len, uint16_t type)
{
	const struct rtattr *a = data;
	int left = (int)len;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

static void copy_text(char *to, size_t room, const struct rtattr *a)
{
	size_t len = a ? RTA_PAYLOAD(a) : 0;

	len = len < room ? len : room - 1;
	if (len)
		memcpy(to, RTA_DATA(a), len);
	to[len] = '\0';
}

static void on_link(void *ctx, const struct nlmsghdr *msg)
{
	const struct links *links = ctx;
	const struct ifinfomsg *info = NLMSG_DATA(msg);
	struct np_ev_link r = { .hdr = { .type = NP_EV_LINK, .size = sizeof(r) } };
	struct rtnl_link_stats64 st = { 0 };
	const struct rtattr *a;
	const char *attrs;
	size_t len;
	char kind[16];

	if (msg->nlmsg_type != RTM_NEWLINK || msg->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
		return;
	attrs = (const char *)info + NLMSG_ALIGN(sizeof(*info));
	len = msg->nlmsg_len - NLMSG_LENGTH(sizeof(*info));
	r.ifindex = (uint32_t)info->ifi_index;
	r.up = (info->ifi_flags & IFF_UP) && (info->ifi_flags & IFF_RUNNING);
	copy_text(r.name, sizeof(r.name), attr_in(attrs, len, IFLA_IFNAME));
	a = attr_in(attrs, len, IFLA_STATS64);
	if (a)
		memcpy(&st, RTA_DATA(a), RTA_PAYLOAD(a) < sizeof(st) ? RTA_PAYLOAD(a) : sizeof(st));
	r.packets[NP_DIR_RX] = st.rx_packets;
	r.packets[NP_DIR_TX] = st.tx_packets;
	r.bytes[NP_DIR_RX] = st.rx_bytes;
	r.bytes[NP_DIR_TX] = st.tx_bytes;
	r.errors[NP_DIR_RX] = st.rx_errors;
	r.errors[NP_DIR_TX] = st.tx_errors;
	r.drops[NP_DIR_RX] = st.rx_dropped;
	r.drops[NP_DIR_TX] = st.tx_dropped;
	a = attr_in(attrs, len, IFLA_LINKINFO);
	if (a)
		a = attr_in(RTA_DATA(a), RTA_PAYLOAD(a), IFLA_INFO_KIND);
	copy_text(kind, sizeof(kind), a);
	links->fn(links->ctx, &r, kind);
}

int np_link_each(void (*fn)(void *ctx, struct np_ev_link *link, const char *kind), void *ctx)
{
	struct links links = { fn, ctx };
	struct dump d = {
		.type = RTM_GETLINK,
		.body.link = { .ifi_family = AF_UNSPEC },
		.body_len = sizeof(struct ifinfomsg),
		.fn = on_link,
		.ctx = &links,
	};

	return dump(&d);
}

static void on_filter(void *ctx, const struct nlmsghdr *msg)
{
	if (msg->nlmsg_type == RTM_NEWTFILTER)
		++*(int *)ctx;
}

int np_link_filters(uint32_t ifindex)
{
	static const uint32_t minor[] = { TC_H_MIN_INGRESS, TC_H_MIN_EGRESS };
	int n = 0, err = 0;

	for (size_t i = 0; i < 2 && !err; i++) {
		struct dump d = {
			.type = RTM_GETTFILTER,
			.body.tc = { .tcm_family = AF_UNSPEC,
				     .tcm_ifindex = (int)ifindex,
				     .tcm_parent = TC_H_MAKE(TC_H_CLSACT, minor[i]) },
			.body_len = sizeof(struct tcmsg),
			.fn = on_filter,
			.ctx = &n,
		};

		err = dump(&d);
	}
	return err ? err : n;
}
