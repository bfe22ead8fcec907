/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Interfaces: one row a direction with the interface's own errors and drops, and one more for each
 * protocol that its hook counted. Where there is no hook, the interface's own packets and bytes
 * stand on the first. Internal to flow/; np_flows owns it.
 */
#ifndef NP_IFACE_H
#define NP_IFACE_H

#include <stddef.h>

#include "flow/row.h"
#include "np_event.h"

struct np_ifaces;

struct np_ifaces *np_ifaces_new(void);
void np_ifaces_free(struct np_ifaces *ifaces);
void np_ifaces_begin(struct np_ifaces *ifaces);
void np_ifaces_link(struct np_ifaces *ifaces, const struct np_ev_link *r);
void np_ifaces_count(struct np_ifaces *ifaces, const struct np_ev_iface *r);
/* Drops interfaces that were not seen since begin, marks the active ones. */
void np_ifaces_end(struct np_ifaces *ifaces);
struct np_row *np_ifaces_row(struct np_ifaces *ifaces, size_t i);

#endif
