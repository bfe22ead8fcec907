// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * np-unseen: how much two ends of a test did without any tracing program having run. On a kernel
 * that hides one of its processes from tracing, that is what befalls an interrupt's work while such
 * a process is the current one; a test that counts events is then short of some. Built from
 * tests/work/unseen*.c and the skeleton of unseen.bpf.c; needs libbpf, cgroup v2, tcx links (6.6).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#include "unseen.h"
#include "unseen.skel.h"

#define TCX_EGRESS 47 /* BPF_TCX_EGRESS, which the headers of 6.1 do not have */

static int fail(const char *what)
{
	fprintf(stderr, "np-unseen: %s: %s\n", what, strerror(errno));
	return -1;
}

/* Leaves us in that namespace. */
static int find(struct unseen_interface *found, const char *netns, const char *interface)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || setns(fd, CLONE_NEWNET) < 0)
		return fail(netns);
	close(fd);
	found->netns = (unsigned int)st.st_ino;
	found->ifindex = if_nametoindex(interface);
	if (!found->ifindex)
		return fail(interface);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(found->cookie);
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &found->cookie, &len) < 0)
		return fail("SO_NETNS_COOKIE");
	return close(fd);
}

static struct np_unseen_bpf *load(char *const *args, int n)
{
	struct np_unseen_bpf *skel = np_unseen_bpf__open();

	if (!skel)
		return NULL;
	for (int i = 0; i < n; i++)
		if (find(&skel->rodata->watched[i], args[2 * i], args[2 * i + 1]) < 0)
			goto fail;
	if (!np_unseen_bpf__load(skel) && !np_unseen_bpf__attach(skel))
		return skel;
fail:
	np_unseen_bpf__destroy(skel);
	return NULL;
}

/* The link goes with the process, or with its interface. */
static int watch(int prog, const char *netns, const char *interface)
{
	struct unseen_interface in;

	if (find(&in, netns, interface) < 0)
		return -1;
	if (bpf_link_create(prog, (int)in.ifindex, (enum bpf_attach_type)TCX_EGRESS, NULL) < 0)
		return fail("tcx link");
	return 0;
}

/* The last one of each CPU has none behind it that would count it. */
static unsigned long long at_last(const struct np_unseen_bpf *skel)
{
	int cpus = libbpf_num_possible_cpus();
	unsigned long long n = skel->bss->unseen;
	uint64_t waits[cpus > 0 ? cpus : 1];

	for (uint32_t kind = 0; cpus > 0 && kind < UNSEEN_KINDS; kind++)
		if (!bpf_map_lookup_elem(bpf_map__fd(skel->maps.waiting), &kind, waits))
			for (int i = 0; i < cpus; i++)
				n += waits[i] != 0;
	return n;
}

static int watch_sockets(const struct np_unseen_bpf *skel)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	const struct mntent *m;
	int fd = -1;

	while (mounts && fd < 0 && (m = getmntent(mounts)))
		if (!strcmp(m->mnt_type, "cgroup2"))
			fd = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mounts)
		endmntent(mounts);
	if (fd < 0 || bpf_link_create(bpf_program__fd(skel->progs.socket_did), fd,
				      BPF_CGROUP_SOCK_OPS, NULL) < 0)
		return fail("cgroup");
	return close(fd);
}

int main(int argc, char **argv)
{
	int status = 1, n = argc / 2, home, sig;
	struct np_unseen_bpf *skel;
	sigset_t set;

	if (argc % 2 == 0 || n < 1 || n > UNSEEN_MAX) {
		fprintf(stderr,
			"Usage: np-unseen {NETNS-FILE INTERFACE}...   (%d at most)\n"
			"Prints {\"ready\":1}, at SIGTERM {\"sent\":N,\"changed\":N,\"unseen\":N}: "
			"packets, "
			"changes of TCP sockets' states, and what no tracing program saw.\n",
			UNSEEN_MAX);
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	skel = load(argv + 1, n);
	if (home < 0 || !skel) {
		fail("cannot load");
		goto cleanup;
	}
	for (int i = 0; i < n; i++)
		if (watch(bpf_program__fd(skel->progs.packet_sent), argv[1 + 2 * i],
			  argv[2 + 2 * i]) < 0)
			goto cleanup;
	if (watch_sockets(skel) < 0)
		goto cleanup;
	/* A namespace lives as long as a process is in it. */
	if (setns(home, CLONE_NEWNET) < 0) {
		fail("own network namespace");
		goto cleanup;
	}
	printf("{\"ready\":1,\"pid\":%d}\n", (int)getpid());
	fflush(stdout);
	sigwait(&set, &sig);
	printf("{\"pid\":%d,\"role\":\"unseen\",\"sent\":%llu,\"changed\":%llu,\"unseen\":%llu}\n",
	       (int)getpid(), (unsigned long long)skel->bss->sent,
	       (unsigned long long)skel->bss->changed, at_last(skel));
	status = 0;
cleanup:
	if (home >= 0)
		close(home);
	np_unseen_bpf__destroy(skel);
	return status;
}
