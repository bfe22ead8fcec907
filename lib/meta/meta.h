/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who: processes, cgroups (unit, container, pod), users and network namespaces, cached, from local
 * files only. np_meta owns everything; a reference from np_meta_proc() / np_meta_cgroup() is given
 * back with the matching _put(). Nothing here blocks on a network or runs a command.
 */
#ifndef NP_META_H
#define NP_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A cgroup and what its path says of whom it belongs to. Strings are "" where it is not known. */
struct np_cgroup {
	uint64_t id;              /* cgroup v2 id (kernfs node id); 0 where only a path is known */
	const char *path;         /* from the root of the hierarchy: "/system.slice/ssh.service" */
	const char *unit;         /* systemd unit: "ssh.service", "session-3.scope" */
	const char *runtime;      /* "docker", "containerd", "cri-o", "podman", "crun", ... */
	const char *container_id; /* as the runtime names it, whole */
	const char *container;    /* its name; first 12 characters of the id where there is none */
	const char *pod;          /* Kubernetes pod name */
	const char *pod_uid;
	const char *pod_namespace;
	unsigned int refs;
};

/* A process as one (pid, start time); a reused pid is another struct. */
struct np_proc {
	uint32_t pid;      /* tgid, as the initial pid namespace numbers it */
	uint32_t uid;      /* (uint32_t)-1 where it is not known */
	uint64_t start_ns; /* start_boottime of the thread group leader; 0 where it is not known */
	char comm[16];     /* raw bytes, NUL-terminated: escape before printing */
	const char *cmdline; /* arguments joined by spaces, raw; "" where it could not be read */
	struct np_cgroup *cgroup; /* of /proc/PID/cgroup; NULL where it could not be read */
	unsigned int refs;
};

struct np_meta;

struct np_meta_cfg {
	const char *root; /* read /proc-independent files (OCI, kubelet, docker, passwd) below this;
			     NULL: "/" */
	bool cmdline;     /* fill np_proc.cmdline */
	bool cgroup;      /* fill np_proc.cgroup, resolve container and pod */
	bool replay;      /* nothing is read from this host: all names come by np_meta_learn() */
	/* each name as it is learned or changes, as a record of source/record.h; NULL: nobody asked
	 */
	void (*learned)(void *ctx, const void *rec, size_t len);
	void *ctx;
};

int np_meta_new(struct np_meta **out, const struct np_meta_cfg *cfg, struct np_err *err);
void np_meta_free(struct np_meta *meta);
/* Columns were switched on at run time: what is cached without them is filled at next use. */
void np_meta_want(struct np_meta *meta, bool cmdline, bool cgroup);

/*
 * The process PID that started at START_NS (0: unknown, then the live one is meant). COMM (16 bytes
 * or NULL) and UID are what the kernel's record says; NULL and -1 where it does not. Never fails
 * but for memory (NULL): a process that is already gone keeps what the record said. Takes a
 * reference.
 */
struct np_proc *np_meta_proc(struct np_meta *meta, uint32_t pid, uint64_t start_ns,
			     const char *comm, uint32_t uid);
struct np_proc *np_meta_proc_get(struct np_proc *proc);
void np_meta_proc_put(struct np_meta *meta, struct np_proc *proc);

/*
 * The cgroup with this v2 id, or NULL where it is unknown or is the root cgroup. Takes a reference.
 * A cgroup stays known by its id after it is gone, for as long as somebody holds a reference, and
 * until the next np_meta_tick() otherwise.
 */
struct np_cgroup *np_meta_cgroup(struct np_meta *meta, uint64_t id);
/* The same from a path, as /proc/PID/cgroup has it. For tests and for v1 hierarchies. */
struct np_cgroup *np_meta_cgroup_path(struct np_meta *meta, const char *path);
struct np_cgroup *np_meta_cgroup_get(struct np_cgroup *cgroup);
void np_meta_cgroup_put(struct np_meta *meta, struct np_cgroup *cgroup);

/* "root"; the number where there is no such user. Valid for the life of META. */
const char *np_meta_user(struct np_meta *meta, uint32_t uid);
/* The name under /run/netns of the namespace with this inode number, or the number. Same life. */
const char *np_meta_netns(struct np_meta *meta, uint32_t inum);

/* Names that no column may have asked for yet are told to cfg.learned, if there is one. */
void np_meta_note(struct np_meta *meta, uint32_t uid, uint32_t netns);
/* cfg.replay: a name that another np_meta told. False: REC is none, or makes no sense. */
bool np_meta_learn(struct np_meta *meta, const void *rec, size_t len);

/* Called once a refresh: drops what nobody refers to, notices renamed and new names. */
void np_meta_tick(struct np_meta *meta);

#endif
