// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What the files of the mode end share. The batch is work_end.c's, with all in it. */
#ifndef NP_WORK_END_H
#define NP_WORK_END_H

#include "work.h"

#include <poll.h>
#include <sched.h>

/* Connections that are open at the same time. */
struct work_batch {
	struct work_ctx *ctx;
	const struct work_opts *o;
	struct work_io *io;
	struct work_conn *conns;
	int *fds; /* -1: closed */
	struct pollfd *polls;
	cpu_set_t cpus;    /* which we may run on */
	uint32_t n, first; /* how many, and the number of the first */
	struct work_totals t;
	uint64_t lost; /* bytes written that nobody can get, not in tx */
};

/* work_fate.c: let what --how tells happen to all of them. */
int work_fate(struct work_batch *b);

#endif
