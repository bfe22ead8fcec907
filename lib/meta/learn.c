// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Names as records: told as they are learned here, or learned from what was told elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "meta/internal.h"
#include "source/record.h"

/* Longer ones are in no file that this program wrote. */
#define CGROUP_PATH_MAX 4096
#define NAME_LEN_MAX    255

static void tell(struct np_meta *meta, void *fixed, size_t size, const char *const *texts, size_t n)
{
	np_rec_build(&meta->record, fixed, size, texts, n);
	if (meta->record.len)
		meta->learned(meta->learned_ctx, meta->record.data, meta->record.len);
}

void np_meta_tell_proc(struct np_meta *meta, const struct np_proc *proc)
{
	const char *texts[] = { proc->cmdline, proc->cgroup ? proc->cgroup->path : "" };
	struct np_rec_proc r = {
		.hdr.type = NP_REC_PROC,
		.start_ns = proc->start_ns,
		.pid = proc->pid,
		.uid = proc->uid,
	};

	if (!meta->learned)
		return;
	memcpy(r.comm, proc->comm, sizeof(r.comm));
	tell(meta, &r, sizeof(r), texts, 2);
}

void np_meta_tell_cgroup(struct np_meta *meta, uint64_t id, const struct np_cgroup *cgroup)
{
	static const struct np_cgroup none = { .path = "",
					       .runtime = "",
					       .container_id = "",
					       .container = "",
					       .pod = "",
					       .pod_uid = "",
					       .pod_namespace = "" };
	const struct np_cgroup *c = cgroup ? cgroup : &none;
	const char *texts[NP_REC_CGROUP_TEXTS] = { c->path,         c->runtime, c->container_id,
						   c->container,    c->pod,     c->pod_uid,
						   c->pod_namespace };
	struct np_rec_name r = { .hdr.type = NP_REC_CGROUP, .number = id };

	if (!meta->learned)
		return;
	/* what was never known needs not to be taken back */
	if (!cgroup && !np_map_get(&meta->told_cgroups, id))
		return;
	if (id && cgroup)
		(void)np_map_put(&meta->told_cgroups, id, &meta->none);
	tell(meta, &r, sizeof(r), texts, NP_REC_CGROUP_TEXTS);
}

void np_meta_tell_name(struct np_meta *meta, struct np_names *names, uint64_t number,
		       const char *name)
{
	bool user = names == &meta->users;
	struct np_rec_name r = { .hdr.type = user ? NP_REC_USER : NP_REC_NETNS, .number = number };

	/* names are kept once each, so a pointer tells whether it is the same */
	if (!meta->learned || np_map_get(&names->told, number) == name)
		return;
	if (!np_map_put(&names->told, number, (void *)(uintptr_t)name))
		tell(meta, &r, sizeof(r), &name, 1);
}

void np_meta_note(struct np_meta *meta, uint32_t uid, uint32_t netns)
{
	if (!meta->learned)
		return;
	(void)np_meta_user(meta, uid);
	if (netns)
		(void)np_meta_netns(meta, netns);
}

static bool learn_proc(struct np_meta *meta, const struct np_rec_proc *r, size_t len)
{
	const char *texts[2];

	if (len < sizeof(*r) || !np_rec_texts(r, len, sizeof(*r), texts, 2))
		return false;
	if (strlen(texts[1]) > CGROUP_PATH_MAX)
		return false;
	np_meta_learn_proc(meta, r, texts[0], texts[1]);
	return true;
}

static bool learn_cgroup(struct np_meta *meta, const struct np_rec_name *r, size_t len)
{
	const char *texts[NP_REC_CGROUP_TEXTS];

	if (!np_rec_texts(r, len, sizeof(*r), texts, NP_REC_CGROUP_TEXTS) ||
	    strlen(texts[0]) > CGROUP_PATH_MAX)
		return false;
	np_meta_learn_cgroup(meta, r->number, texts);
	return true;
}

static bool learn_name(struct np_meta *meta, struct np_names *names, const struct np_rec_name *r,
		       size_t len)
{
	const char *name;

	if (!np_rec_texts(r, len, sizeof(*r), &name, 1) || strlen(name) > NAME_LEN_MAX)
		return false;
	np_meta_learn_name(meta, names, r->number, name);
	return true;
}

bool np_meta_learn(struct np_meta *meta, const void *rec, size_t len)
{
	struct np_ev_hdr hdr;

	if (!meta->replay || len < sizeof(hdr))
		return false;
	memcpy(&hdr, rec, sizeof(hdr));
	switch (hdr.type) {
	case NP_REC_PROC:
		return learn_proc(meta, rec, len);
	case NP_REC_CGROUP:
		return learn_cgroup(meta, rec, len);
	case NP_REC_USER:
		return learn_name(meta, &meta->users, rec, len);
	case NP_REC_NETNS:
		return learn_name(meta, &meta->netns, rec, len);
	default:
		return false;
	}
}
