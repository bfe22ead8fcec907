/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A cgroup (version 2) for one command, below the one that we are in. The caller owns it. It is
 * gone when np_cgscope_free() has returned, and shortly after the end of this process, whatever
 * that was: processes that are left in it go back to our cgroup, none is ended. Internal to app/.
 */
#ifndef NP_CGSCOPE_H
#define NP_CGSCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct np_cgscope;

/* Makes it; 0, or -errno with a sentence: why not, and how to fix it. */
int np_cgscope_new(struct np_cgscope **out, struct np_err *err);
/* Waits until it is gone. */
void np_cgscope_free(struct np_cgscope *cg);
/* The process PID is in it from now on; as np_cgscope_new(). */
int np_cgscope_enter(struct np_cgscope *cg, pid_t pid, struct np_err *err);
/* As sockets are told of it: the inode number of its directory. */
uint64_t np_cgscope_id(const struct np_cgscope *cg);
/* Whether a process lives in it or below. */
bool np_cgscope_busy(const struct np_cgscope *cg);
/* How many processes are in it and below; ids of at most MAX of them into PIDS. */
size_t np_cgscope_pids(const struct np_cgscope *cg, uint32_t *pids, size_t max);

#endif
