/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The text of files of /proc/PID, proc(5). All take NUL-terminated text that may be cut anywhere.
 */
#ifndef NP_PROCFILE_H
#define NP_PROCFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct np_procfile_stat {
	char comm[64];
	uint64_t start; /* since boot, in ticks of USER_HZ */
};

/* /proc/PID/stat; false where the text is not what it should be. */
bool np_procfile_stat(struct np_procfile_stat *out, const char *text);
/* The effective uid in /proc/PID/status; (uint32_t)-1 where it is not there. */
uint32_t np_procfile_uid(const char *text);
/*
 * The path in /proc/PID/cgroup that says most: of cgroup2, or, where that is the root (hybrid and
 * v1 hosts), of systemd's hierarchy or a controller. Points into TEXT, which it cuts up. NULL: the
 * root.
 */
char *np_procfile_cgroup(char *text);
/* The arguments of LEN bytes of /proc/PID/cmdline joined by spaces, at most MAX bytes; to be freed.
 */
char *np_procfile_cmdline(const char *data, size_t len, size_t max);

#endif
