/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Going through network namespaces: those of the running processes and those with a name. */
#ifndef NP_NETNS_H
#define NP_NETNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Calls FN once in each network namespace, ours first, and comes back to ours; with N above 0 only
 * in those whose inode numbers ONLY lists. Returns how many could not be entered (no CAP_SYS_ADMIN:
 * all but ours).
 */
uint64_t np_netns_each(const uint32_t *only, size_t n, int (*fn)(void *arg), void *arg);

/*
 * The inode number of the namespace that TEXT names: a name under /run/netns, a path, a pid, or the
 * number itself. FD, where it is not NULL, gets an open descriptor of it or -1; the caller closes
 * it.
 */
int np_netns_find(const char *text, uint32_t *inum, int *fd, struct np_err *err);

#endif
