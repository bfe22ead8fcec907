// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "app/priv.h"

int np_priv_drop(bool signals)
{
	/*
	 * BPF, PERFMON: make an iterator. NET_ADMIN: hook interfaces that appear. SYS_PTRACE: read
	 * /proc/PID of other users. DAC_READ_SEARCH: runtimes' directories, cgroups by id.
	 * SYS_ADMIN: setns() into network namespaces. KILL: what comes for a command goes on to it.
	 */
	static const cap_value_t keep[] = { CAP_BPF,        CAP_PERFMON,         CAP_NET_ADMIN,
					    CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN,
					    CAP_KILL };
	size_t n = sizeof(keep) / sizeof(keep[0]) - !signals;
	cap_t have = cap_get_proc(), want = cap_init();
	int err = 0;

	if (!have || !want)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < n; i++) {
		cap_flag_value_t on = CAP_CLEAR;

		/* a kernel before 5.8 does not know the first two */
		if (cap_get_flag(have, keep[i], CAP_PERMITTED, &on) || on != CAP_SET)
			continue;
		if (cap_set_flag(want, CAP_PERMITTED, 1, &keep[i], CAP_SET) ||
		    cap_set_flag(want, CAP_EFFECTIVE, 1, &keep[i], CAP_SET))
			err = -errno;
	}
	if (!err && cap_set_proc(want))
		err = -errno;
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (have)
		cap_free(have);
	if (want)
		cap_free(want);
	return err;
}
