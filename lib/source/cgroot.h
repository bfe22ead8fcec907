/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The root of cgroup v2, where a program sees the sockets of every network namespace and container.
 * Internal to source/.
 */
#ifndef NP_CGROOT_H
#define NP_CGROOT_H

/* A descriptor that the caller closes; -ENOENT: cgroup v2 is not mounted. */
int np_cgroot_open(void);

#endif
