/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The cgroup2 file system: where it is mounted, and which directory has a given id. */
#ifndef NP_CGMOUNT_H
#define NP_CGMOUNT_H

#include <stdint.h>

/*
 * Takes mount point and mounted directory out of MOUNTINFO, the NUL-terminated text of
 * /proc/PID/mountinfo (cut up on the way), to strings that the caller frees. -ENOENT, -ENOMEM.
 */
int np_cgmount_find(char *mountinfo, char **mount, char **top);
/*
 * The path of the cgroup ID below the mount point MOUNT that MOUNT_FD is open on, to be freed; ""
 * is the mount point itself. NULL where there is none.
 */
char *np_cgmount_path(int mount_fd, const char *mount, uint64_t id);

#endif
