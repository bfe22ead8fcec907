/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Made-up records for the tests of lib/flow: a refresh is begin(), records, end(), np_flows_next().
 */
#ifndef NP_TEST_FLOW_H
#define NP_TEST_FLOW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "flow/flow.h"

#define SEC 1000000000ULL
#define ALL (NP_WALK_FILES | NP_WALK_TCP | NP_WALK_UDP | NP_WALK_IFACE)

static struct np_flows *flows;
static uint64_t now;
static size_t released;

static inline void release(void *ctx, struct np_row *row)
{
	(void)ctx;
	(void)row;
	released++;
}

static int setup(void **state)
{
	(void)state;
	now = 100 * SEC;
	released = 0;
	return np_flows_new(&flows, release, NULL);
}

static int teardown(void **state)
{
	(void)state;
	np_flows_free(flows);
	return 0;
}

#define GIVE(record) np_flows_record(flows, &(record), sizeof(record))

static inline void begin(void)
{
	struct np_ev_walk r = { .hdr = { NP_EV_WALK, sizeof(r), 0 }, .begin = 1 };

	r.mono_ns = r.wall_ns = now += SEC;
	GIVE(r);
}

static inline void end(uint32_t what)
{
	struct np_ev_walk r = { .hdr = { NP_EV_WALK, sizeof(r), 0 }, .what = what };

	r.mono_ns = r.wall_ns = now;
	GIVE(r);
}

static inline void refresh_of_nothing(uint32_t what)
{
	begin();
	end(what);
	np_flows_next(flows);
}

static inline struct np_ev_sock tcp(uint64_t cookie, uint32_t pid, uint64_t sent)
{
	struct np_ev_sock r = { .hdr = { NP_EV_SOCK, sizeof(r), 0 }, .cookie = cookie };

	r.tuple.proto = IPPROTO_TCP;
	r.tuple.state = TCP_ESTABLISHED;
	r.tuple.family = AF_INET;
	r.tuple.lport = 1000;
	r.task.pid = pid;
	r.task.start_ns = pid * 10ULL;
	r.bytes_sent = sent;
	return r;
}

static inline struct np_ev_end tcp_end(uint64_t cookie, uint32_t pid, uint64_t sent)
{
	struct np_ev_end r = { .sock = tcp(cookie, pid, sent) };

	r.sock.hdr.type = NP_EV_SOCK_END;
	r.sock.hdr.size = sizeof(r);
	if (!pid)
		r.sock.hdr.flags = NP_EV_F_NO_OWNER;
	return r;
}

static inline void owner(uint64_t cookie, uint32_t pid, enum np_owner_via via)
{
	struct np_ev_owner r = { .hdr = { NP_EV_SOCK_OWNER, sizeof(r), 0 },
				 .cookie = cookie,
				 .via = via,
				 .proto = IPPROTO_TCP };

	r.task.pid = pid;
	r.task.start_ns = pid * 10ULL;
	GIVE(r);
}

static inline struct np_row *living(uint64_t cookie)
{
	struct np_flow *flow;
	size_t pos = 0;

	while ((flow = np_flows_living(flows, &pos)))
		if (flow->cookie == cookie)
			return &flow->row;
	return NULL;
}

static inline struct np_row *ended(uint64_t cookie)
{
	for (struct np_flow *flow = np_flows_ended(flows); flow; flow = flow->next)
		if (flow->cookie == cookie)
			return &flow->row;
	return NULL;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
