/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Taking a command's cgroup away, however we end. A child stands by from before the cgroup is made:
 * it keeps the privileges that we give up, and it is told by the end of a pipe, which comes with
 * SIGKILL as well. Internal to app/.
 */
#ifndef NP_CGSWEEP_H
#define NP_CGSWEEP_H

#include <stdint.h>

struct np_cgsweep;

/* Stands by to take DIR away, its processes to PARENT. NULL with errno. */
struct np_cgsweep *np_cgsweep_new(const char *dir, const char *parent);
/* Does it, and waits for that. */
void np_cgsweep_free(struct np_cgsweep *sweep);
/* Somebody else's directory, by its name: let it be. */
void np_cgsweep_spare(struct np_cgsweep *sweep);

/* Moves a process into the cgroup DIR; 0 or -errno. */
int np_cgsweep_move(const char *dir, uint32_t pid);
/* Calls FN for each process of DIR and of the cgroups below it, until it returns non-zero. */
int np_cgsweep_each(const char *dir, int (*fn)(void *ctx, const char *dir, uint32_t pid),
		    void *ctx);

#endif
