/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The command behind "--": a process of its own from before anything of ours touches signals,
 * descriptors, limits or privileges, that waits until it is watched, and then is that command. It
 * stays in our process group; its terminal, its signals and its exit status are its own. The caller
 * owns the scope. Internal to app/.
 */
#ifndef NP_SCOPE_H
#define NP_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/opts.h"

struct np_scope;
struct signalfd_siginfo;

/* Makes the process, and a cgroup for it where that can be; an exit status with opts->err. */
int np_scope_start(struct np_scope **out, struct np_opts *opts);
/* One that was not let go is never run. Else it has ended, or goes on by itself. */
void np_scope_free(struct np_scope *scope);
/* What the source has to follow: fills tree_cgroup or tree_pid. */
void np_scope_cfg(const struct np_scope *scope, struct np_source_cfg *cfg);
/* It is watched from now on: it may run. One warning where it is followed by its processes. */
void np_scope_go(struct np_scope *scope);
/* Readable once the command has ended. */
int np_scope_fd(const struct np_scope *scope);
/* Takes its exit status; false: it has not ended. */
bool np_scope_ended(struct np_scope *scope);
/*
 * A signal that came to us: on to the command, unless it has it already, from the terminal. False:
 * the command has ended, so it is ours.
 */
bool np_scope_signal(struct np_scope *scope, const struct signalfd_siginfo *si);
/* Waits for its end, signals (a signalfd) included. As a shell has it: 128 + N for signal N. */
int np_scope_wait(struct np_scope *scope, int signals);
/* Whether processes of it live still; SOURCE as np_scope_cfg() said. */
bool np_scope_busy(const struct np_scope *scope, struct np_source *source);
/* How many, and ids of at most MAX of them. */
size_t np_scope_pids(const struct np_scope *scope, struct np_source *source, uint32_t *pids,
		     size_t max);

#endif
