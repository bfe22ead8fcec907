// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * /proc/PID is read through one descriptor of the directory: it stays with the process that it was
 * opened for, so what is read after the start time was compared is of the same process.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meta/internal.h"
#include "meta/procfile.h"
#include "meta/rootfile.h"
#include "source/record.h"

#define FILE_MAX    65536
#define CMDLINE_MAX 4096
#define LEARNED_MAX (256u << 20) /* bytes of command lines that a file may make us keep */

struct np_proc_node {
	struct np_proc pub;        /* first: what callers hold */
	struct np_proc_node *next; /* of all */
	struct np_proc_node *same; /* the same pid, another start */
	bool exact; /* start_ns is the kernel's, not that of /proc, which is rounded */
	bool has_cmdline, has_cgroup;
	uint64_t filled; /* tick of the last look into /proc */
	uint64_t alive;  /* tick in which it was seen to be the live one */
	char *cmdline;
};

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* /proc tells the start in ticks, rounded down; one more for a clock that was read apart. */
static bool same_start(const struct np_meta *meta, const struct np_proc_node *node,
		       uint64_t start_ns, bool exact)
{
	if (!node->pub.start_ns || !start_ns)
		return node->pub.start_ns == start_ns;
	if (node->exact && exact)
		return node->pub.start_ns == start_ns;
	return distance(node->pub.start_ns / meta->clock_tick, start_ns / meta->clock_tick) <= 1;
}

static int open_proc(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool read_stat(struct np_meta *meta, int fd, struct np_procfile_stat *st)
{
	return !np_rootfile_read(fd, "stat", FILE_MAX, &meta->buf) && meta->buf.len &&
	       np_procfile_stat(st, meta->buf.data);
}

static void set_comm(struct np_proc_node *node, const char *comm)
{
	memset(node->pub.comm, 0, sizeof(node->pub.comm));
	memcpy(node->pub.comm, comm, strnlen(comm, sizeof(node->pub.comm) - 1));
}

static void fill_cmdline(struct np_meta *meta, struct np_proc_node *node, int fd)
{
	char *cmdline;

	/* What is longer than the bound comes as -EFBIG with the beginning in the buffer. */
	(void)np_rootfile_read(fd, "cmdline", CMDLINE_MAX, &meta->buf);
	if (!meta->buf.len)
		return;
	cmdline = np_procfile_cmdline(meta->buf.data, meta->buf.len, CMDLINE_MAX);
	if (!cmdline)
		return;
	free(node->cmdline);
	node->cmdline = cmdline;
	node->pub.cmdline = cmdline;
}

static void fill_cgroup(struct np_meta *meta, struct np_proc_node *node, int fd)
{
	struct np_cgroup *cgroup;
	char *path;

	if (np_rootfile_read(fd, "cgroup", FILE_MAX, &meta->buf) || !meta->buf.len)
		return;
	path = np_procfile_cgroup(meta->buf.data);
	cgroup = path ? np_meta_cgroup_path(meta, path) : NULL;
	np_meta_cgroup_put(meta, node->pub.cgroup);
	node->pub.cgroup = cgroup;
}

static void fill_uid(struct np_meta *meta, struct np_proc_node *node, int fd)
{
	if (node->pub.uid == (uint32_t)-1 &&
	    !np_rootfile_read(fd, "status", FILE_MAX, &meta->buf) && meta->buf.len)
		node->pub.uid = np_procfile_uid(meta->buf.data);
}

/*
 * Reads what is wanted from /proc, at most once a tick. FRESH: the process is another program since
 * (its name has changed), so what is there is not good any more.
 */
static void fill(struct np_meta *meta, struct np_proc_node *node, bool fresh)
{
	bool cmdline = meta->cmdline && (fresh || !node->has_cmdline);
	bool cgroup = meta->cgroup && (fresh || !node->has_cgroup);
	bool rest = !*node->pub.comm || node->pub.uid == (uint32_t)-1;
	struct np_procfile_stat st;
	int fd;

	if (meta->replay || node->filled == meta->tick || (node->filled && !cmdline && !cgroup) ||
	    (!cmdline && !cgroup && !rest) || !node->pub.start_ns)
		return;
	node->filled = meta->tick;
	node->has_cmdline |= cmdline;
	node->has_cgroup |= cgroup;
	fd = open_proc(node->pub.pid);
	if (fd >= 0 && read_stat(meta, fd, &st) &&
	    same_start(meta, node, st.start * meta->clock_tick, false)) {
		if (!*node->pub.comm)
			set_comm(node, st.comm);
		fill_uid(meta, node, fd);
		if (cmdline)
			fill_cmdline(meta, node, fd);
		if (cgroup)
			fill_cgroup(meta, node, fd);
	}
	if (fd >= 0)
		close(fd);
	np_meta_tell_proc(meta, &node->pub);
}

static void node_free(struct np_meta *meta, struct np_proc_node *node)
{
	np_meta_cgroup_put(meta, node->pub.cgroup);
	if (meta->replay)
		meta->learned_bytes -= strlen(node->pub.cmdline);
	free(node->cmdline);
	free(node);
}

static void unchain(struct np_meta *meta, struct np_proc_node *node)
{
	struct np_proc_node *first = np_map_get(&meta->procs, node->pub.pid), **at;

	if (first == node) {
		if (node->same)
			/* replaces a value: takes no memory */
			(void)np_map_put(&meta->procs, node->pub.pid, node->same);
		else
			np_map_del(&meta->procs, node->pub.pid);
		return;
	}
	for (at = &first->same; *at != node; at = &(*at)->same)
		;
	*at = node->same;
}

static void drop_idle(struct np_meta *meta)
{
	struct np_proc_node **at = &meta->all_procs, *node;

	while (meta->idle_procs && (node = *at)) {
		if (node->pub.refs) {
			at = &node->next;
			continue;
		}
		*at = node->next;
		unchain(meta, node);
		meta->nprocs--;
		meta->idle_procs--;
		node_free(meta, node);
	}
}

static struct np_proc_node *node_new(struct np_meta *meta, uint32_t pid, uint64_t start_ns,
				     bool exact)
{
	struct np_proc_node *node;

	/* what was learned elsewhere may be needed late: it goes only when there are many */
	size_t max = meta->replay ? 4 * NP_META_PROCS_MAX : NP_META_PROCS_MAX;

	if (meta->nprocs >= max)
		drop_idle(meta);
	if (meta->nprocs >= max)
		return NULL;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->pub = (struct np_proc){
		.pid = pid, .uid = (uint32_t)-1, .start_ns = start_ns, .cmdline = ""
	};
	node->exact = exact;
	node->same = np_map_get(&meta->procs, pid);
	if (np_map_put(&meta->procs, pid, node)) {
		free(node);
		return NULL;
	}
	node->next = meta->all_procs;
	meta->all_procs = node;
	meta->nprocs++;
	meta->idle_procs++;
	return node;
}

static struct np_proc_node *find(struct np_meta *meta, uint32_t pid, uint64_t start_ns, bool exact)
{
	struct np_proc_node *node = np_map_get(&meta->procs, pid);

	while (node && !same_start(meta, node, start_ns, exact))
		node = node->same;
	return node;
}

static struct np_proc_node *find_started(struct np_meta *meta, uint32_t pid, uint64_t start_ns)
{
	struct np_proc_node *node = find(meta, pid, start_ns, true);

	if (!node)
		return node_new(meta, pid, start_ns, true);
	node->pub.start_ns = start_ns;
	node->exact = true;
	return node;
}

/* The process that has PID now; where none has, the last one that is known to have had it. */
static struct np_proc_node *find_live(struct np_meta *meta, uint32_t pid)
{
	struct np_proc_node *node = np_map_get(&meta->procs, pid), *last = node;
	struct np_procfile_stat st = { 0 };
	uint64_t start_ns = 0;
	int fd;

	for (; node; node = node->same) {
		if (node->alive == meta->tick)
			return node;
		if (node->pub.start_ns > last->pub.start_ns)
			last = node;
	}
	fd = meta->replay ? -1 : open_proc(pid);
	if (fd >= 0) {
		/* Never 0, which says "not known": a process of the first tick after boot. */
		if (read_stat(meta, fd, &st))
			start_ns = st.start ? st.start * meta->clock_tick : 1;
		close(fd);
	}
	if (!start_ns && last)
		return last;
	node = find(meta, pid, start_ns, false);
	if (!node)
		node = node_new(meta, pid, start_ns, false);
	if (node && start_ns)
		node->alive = meta->tick;
	return node;
}

struct np_proc *np_meta_proc(struct np_meta *meta, uint32_t pid, uint64_t start_ns,
			     const char *comm, uint32_t uid)
{
	struct np_proc_node *node =
	    start_ns ? find_started(meta, pid, start_ns) : find_live(meta, pid);
	bool renamed = false;

	if (!node)
		return NULL;
	if (comm && *comm) {
		renamed = *node->pub.comm &&
			  strncmp(node->pub.comm, comm, sizeof(node->pub.comm) - 1) != 0;
		set_comm(node, comm);
	}
	if (uid != (uint32_t)-1)
		node->pub.uid = uid;
	fill(meta, node, renamed);
	meta->idle_procs -= !node->pub.refs;
	node->pub.refs++;
	return &node->pub;
}

void np_meta_learn_proc(struct np_meta *meta, const struct np_rec_proc *r, const char *cmdline,
			const char *cgroup)
{
	struct np_proc_node *node;
	struct np_proc *proc;
	char *copy;

	if (meta->learned_bytes > LEARNED_MAX)
		drop_idle(meta);
	node = find_started(meta, r->pid, r->start_ns);
	if (!node)
		return;
	proc = &node->pub;
	set_comm(node, r->comm);
	proc->uid = r->uid;
	if (meta->learned_bytes > LEARNED_MAX)
		return;
	copy = strndup(cmdline, CMDLINE_MAX);
	if (copy) {
		meta->learned_bytes += strlen(copy);
		meta->learned_bytes -= strlen(proc->cmdline);
		free(node->cmdline);
		node->cmdline = copy;
		proc->cmdline = copy;
	}
	np_meta_cgroup_put(meta, proc->cgroup);
	proc->cgroup = np_meta_cgroup_path(meta, cgroup);
}

struct np_proc *np_meta_proc_get(struct np_proc *proc)
{
	if (proc)
		proc->refs++;
	return proc;
}

void np_meta_proc_put(struct np_meta *meta, struct np_proc *proc)
{
	if (proc && !--proc->refs)
		meta->idle_procs++;
}

void np_meta_proc_tick(struct np_meta *meta)
{
	drop_idle(meta);
}

void np_meta_proc_stop(struct np_meta *meta)
{
	struct np_proc_node *node = meta->all_procs, *next;

	for (; node; node = next) {
		next = node->next;
		node_free(meta, node);
	}
	np_map_free(&meta->procs);
}
