/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which application protocol a flow speaks, and to which host name, from its first packets
 * (NP_EV_PACKET). np_l7 owns all; a name stays readable until the next call other than a find.
 */
#ifndef NP_L7_H
#define NP_L7_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "np_event.h"

struct np_l7; /* all flows under inspection */

struct np_l7_name {
	char app[32];   /* "tls", "http", "dns", "quic", "ssh", ...; "" unknown */
	char host[256]; /* SNI, Host, query name, bytes as they came; "" unknown */
};

/* 0 or -ENOMEM, -ENOTSUP. When full, the oldest flow is given up and counted. */
int np_l7_new(struct np_l7 **out, size_t max_flows);
void np_l7_free(struct np_l7 *l7);
/* A flow that nothing else told may be named after its well-known port. Off by default. */
void np_l7_guess_by_port(struct np_l7 *l7, bool yes);

/* Takes one record of LEN bytes, bounds-checked; packets may be anything. */
void np_l7_packet(struct np_l7 *l7, const struct np_ev_packet *p, size_t len);

/*
 * KEY is the socket's cookie; NULL: nothing known (yet). Of a UDP socket that serves many remotes
 * it is that of the last one that could be told.
 */
const struct np_l7_name *np_l7_find(const struct np_l7 *l7, uint64_t key);
/* The same of one remote of a UDP socket. */
const struct np_l7_name *np_l7_find_remote(const struct np_l7 *l7, uint64_t key,
					   const uint8_t raddr[16], uint16_t rport);
/* The socket is closing, no packet follows: decides on what there is, then as np_l7_find(). */
const struct np_l7_name *np_l7_last(struct np_l7 *l7, uint64_t key);
/* The socket is gone: forgets it. */
void np_l7_end(struct np_l7 *l7, uint64_t key);

uint64_t np_l7_given_up(const struct np_l7 *l7); /* flows that found no room */
uint64_t np_l7_bad(const struct np_l7 *l7);      /* records and packets that made no sense */
size_t np_l7_count(const struct np_l7 *l7);      /* flows known now */

/*
 * The same for those that must not depend on it, and so on nDPI: a program that has the columns app
 * and host names it.
 */
struct np_l7_ops {
	int (*create)(struct np_l7 **out, size_t max_flows);
	void (*destroy)(struct np_l7 *l7);
	void (*packet)(struct np_l7 *l7, const struct np_ev_packet *p, size_t len);
	const struct np_l7_name *(*find)(const struct np_l7 *l7, uint64_t key);
	const struct np_l7_name *(*last)(struct np_l7 *l7, uint64_t key);
	void (*end)(struct np_l7 *l7, uint64_t key);
	uint64_t (*given_up)(const struct np_l7 *l7);
	uint64_t (*bad)(const struct np_l7 *l7);
};
extern const struct np_l7_ops np_l7_ops;

#endif
