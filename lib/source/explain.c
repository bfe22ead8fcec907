// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Why the kernel said no: errno alone does not tell root from lockdown from an old kernel. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "source/probe.h"

static bool have_cap(cap_value_t cap)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t on = CAP_CLEAR;

	if (!caps)
		return false;
	if (cap_get_flag(caps, cap, CAP_EFFECTIVE, &on))
		on = CAP_CLEAR;
	cap_free(caps);
	return on == CAP_SET;
}

static bool locked_down(void)
{
	char line[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	return strstr(line, "[confidentiality]");
}

static bool older_than(unsigned int major, unsigned int minor)
{
	struct utsname u;
	unsigned int a = 0, b = 0;

	if (uname(&u) || sscanf(u.release, "%u.%u", &a, &b) != 2)
		return false;
	return a < major || (a == major && b < minor);
}

static int explain_perm(struct np_err *err, int code, const char *what)
{
	bool admin = have_cap(CAP_SYS_ADMIN);

	if (!admin && !(have_cap(CAP_BPF) && have_cap(CAP_PERFMON)))
		return np_err_set(
		    err, code,
		    "cannot %s: not permitted to this user; run it with sudo, or give "
		    "it CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_PTRACE and "
		    "CAP_SYS_ADMIN",
		    what);
	if (locked_down())
		return np_err_set(
		    err, code,
		    "cannot %s: the kernel is locked down (confidentiality); boot it with "
		    "lockdown=integrity or none",
		    what);
	if (older_than(5, 11))
		return np_err_set(
		    err, code,
		    "cannot %s: the limit on locked memory is too low for this kernel; "
		    "raise it with 'ulimit -l unlimited'",
		    what);
	if (!have_cap(CAP_NET_ADMIN))
		return np_err_set(err, code,
				  "cannot %s: CAP_NET_ADMIN is missing; run it with sudo, or with "
				  "--privileged or --cap-add=NET_ADMIN in a container",
				  what);
	return np_err_set(
	    err, code,
	    "cannot %s: the kernel refuses it to root as well; in a container, start it with "
	    "--privileged, or look for a seccomp or LSM policy against bpf(2)",
	    what);
}

int np_bpf_explain(struct np_err *err, int code, const char *what)
{
	struct utsname u;

	if (code == -EPERM)
		return explain_perm(err, code, what);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return np_err_set(
		    err, -EOPNOTSUPP,
		    "cannot %s: this kernel has no type information (/sys/kernel/btf/vmlinux); "
		    "use a kernel with CONFIG_DEBUG_INFO_BTF=y",
		    what);
	if (older_than(5, 10))
		return np_err_set(err, -EOPNOTSUPP,
				  "cannot %s: kernel %s is too old; 5.10 or newer is needed", what,
				  uname(&u) ? "?" : u.release);
	if (code == -ENOMEM)
		return np_err_set(err, code, "cannot %s: out of memory", what);
	if (code == -EACCES || code == -EINVAL)
		return np_err_set(
		    err, -EOPNOTSUPP,
		    "cannot %s: the verifier of kernel %s refuses them; --debug shows why, please "
		    "report it",
		    what, uname(&u) ? "?" : u.release);
	return np_err_set(err, code, "cannot %s: %s; see --debug for the kernel's own words", what,
			  strerror(-code));
}
