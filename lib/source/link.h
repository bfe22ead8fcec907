/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The interfaces of this network namespace and their own counters, by rtnetlink. */
#ifndef NP_LINK_H
#define NP_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "np_event.h"

/* Calls FN for each interface; KIND is "veth", "bridge", ... or "" (IFLA_INFO_KIND). 0 or -errno.
 */
int np_link_each(void (*fn)(void *ctx, struct np_ev_link *link, const char *kind), void *ctx);
/* How many tc filters hang on the clsact qdisc of an interface; -errno. */
int np_link_filters(uint32_t ifindex);

#endif
