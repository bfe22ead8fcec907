/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The root of cgroup v2, to which programs are attached. Internal to source/. */
#ifndef NP_CGROOT_H
#define NP_CGROOT_H

/* A file descriptor that the caller closes, or -errno: -ENOENT where none is mounted. */
int np_cgroot_open(void);

#endif
