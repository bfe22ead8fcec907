/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * tc filters on kernels without tcx. Those do not go with the process that made them, so a child
 * waits for its end, whatever that is, and takes them away; the qdisc too where it was made here
 * and nobody else uses it by then. The caller owns the guard.
 */
#ifndef NP_CLSACT_H
#define NP_CLSACT_H

#include <stdbool.h>
#include <stdint.h>

struct np_clsact; /* the guard */

int np_clsact_new(struct np_clsact **out);
/* Hangs PROG_FD on one direction of an interface; 0 or -errno. */
int np_clsact_attach(struct np_clsact *guard, uint32_t ifindex, bool egress, int prog_fd);
/* Takes all of them away and waits until they are gone. */
void np_clsact_free(struct np_clsact *guard);

#endif
