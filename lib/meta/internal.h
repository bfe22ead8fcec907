/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of this folder share: the cache itself, and the life of its parts. */
#ifndef NP_META_INTERNAL_H
#define NP_META_INTERNAL_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/map.h"
#include "meta/meta.h"

#define NP_META_PROCS_MAX   131072 /* entries; past it, and all in use, there is no memory */
#define NP_META_CGROUPS_MAX 65536

struct np_proc_node;
struct np_cgroup_node;
struct np_name;

/* Names from files, read again when a file or directory is not the one that was read. */
struct np_names {
	struct np_map by_number; /* to strings of np_meta.strings */
	struct np_map told;      /* what cfg.learned was told of them: the same */
	struct stat stamp[2];    /* zeroed: not there */
	bool loaded;
	bool unsettled; /* what was read is about to change without a new stamp */
};

struct np_meta {
	bool cmdline, cgroup; /* np_meta_want() */
	int rootfd;
	uint64_t tick;       /* starts at 1 */
	uint64_t clock_tick; /* nanoseconds of a USER_HZ tick */
	struct np_buf buf;   /* a file of /proc */

	struct np_map procs; /* pid to the first of a chain */
	struct np_proc_node *all_procs;
	size_t nprocs, idle_procs; /* idle: without a reference */

	struct np_map cgroups; /* id to a node, or to &none */
	struct np_map paths;   /* hash of the path to the first of a chain */
	struct np_cgroup_node *all_cgroups;
	size_t ncgroups, idle_cgroups;
	char none;          /* its address: there is no such cgroup, for this tick */
	int cgroup_fd;      /* mount point of the cgroup2 file system, or -1 */
	char *cgroup_mount; /* its path */
	char *cgroup_top;   /* which cgroup is mounted there: "" for the root */

	struct np_map strings; /* hash to the first of a chain; never freed before the whole */
	size_t nstrings;
	struct np_names users, netns;

	bool replay;
	void (*learned)(void *ctx, const void *rec, size_t len);
	void *learned_ctx;
	struct np_buf record;       /* the one that is being told */
	struct np_map told_cgroups; /* ids */
	size_t learned_bytes;       /* of command lines, from elsewhere */
};

int np_meta_cgroup_start(struct np_meta *meta);
void np_meta_cgroup_tick(struct np_meta *meta);
void np_meta_cgroup_stop(struct np_meta *meta);
void np_meta_proc_tick(struct np_meta *meta);
void np_meta_proc_stop(struct np_meta *meta);
void np_meta_names_tick(struct np_meta *meta);
void np_meta_names_stop(struct np_meta *meta);

/* learn.c; each does nothing where nobody asked. CGROUP NULL: there is none of this id any more. */
void np_meta_tell_proc(struct np_meta *meta, const struct np_proc *proc);
void np_meta_tell_cgroup(struct np_meta *meta, uint64_t id, const struct np_cgroup *cgroup);
void np_meta_tell_name(struct np_meta *meta, struct np_names *names, uint64_t number,
		       const char *name);

/* The other way; TEXTS as of NP_REC_CGROUP. */
struct np_rec_proc;
void np_meta_learn_proc(struct np_meta *meta, const struct np_rec_proc *r, const char *cmdline,
			const char *cgroup);
void np_meta_learn_cgroup(struct np_meta *meta, uint64_t id, const char *const *texts);
void np_meta_learn_name(struct np_meta *meta, struct np_names *names, uint64_t number,
			const char *name);

#endif
