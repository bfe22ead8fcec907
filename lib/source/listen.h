/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the accept queues of a network namespace dropped, by the kernel's own count. */
#ifndef NP_LISTEN_H
#define NP_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * ListenDrops of the namespace NETNS (an inode number), read through PID, a process in it. False:
 * the process has gone, or is in another one.
 */
bool np_listen_drops(uint32_t pid, uint32_t netns, uint64_t *drops);

/* The value of NAME in a group of /proc/net/netstat: a line of names, then one of values. */
bool np_netstat_value(const char *text, const char *name, uint64_t *value);

#endif
