// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Names of numbers: users and network namespaces. A name that was handed out lives as long as the
 * cache does, so all are kept in one set of strings; a number that gets another name costs one more
 * string, the same name again costs nothing.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meta/internal.h"
#include "meta/rootfile.h"

#define PASSWD_MAX  (8u << 20)
#define DIRENTS_MAX 65536
#define STRINGS_MAX 262144

struct np_name {
	struct np_name *next;
	char str[];
};

static const char *const netns_dirs[] = { "run/netns", "var/run/docker/netns" };

/* The one copy of STR; "-" where there is no room for it any more. */
static const char *intern(struct np_meta *meta, const char *str)
{
	size_t size = strlen(str) + 1;
	uint64_t key = np_hash(str, size, 0);
	struct np_name *first = np_map_get(&meta->strings, key), *name;

	for (name = first; name; name = name->next)
		if (!strcmp(name->str, str))
			return name->str;
	if (meta->nstrings >= STRINGS_MAX)
		return "-";
	name = malloc(sizeof(*name) + size);
	if (!name)
		return "-";
	memcpy(name->str, str, size);
	name->next = first;
	if (np_map_put(&meta->strings, key, name)) {
		free(name);
		return "-";
	}
	meta->nstrings++;
	return name->str;
}

static const char *intern_number(struct np_meta *meta, uint32_t number)
{
	char str[16];

	snprintf(str, sizeof(str), "%u", number);
	return intern(meta, str);
}

/* The first name of a number counts: root before toor. */
static void add_name(struct np_meta *meta, struct np_names *names, uint64_t number, const char *str)
{
	if (!np_map_get(&names->by_number, number))
		/* without memory the number is shown instead */
		(void)np_map_put(&names->by_number, number, (void *)(uintptr_t)intern(meta, str));
}

static bool stamp_differs(const struct stat *a, const struct stat *b)
{
	return a->st_ino != b->st_ino || a->st_dev != b->st_dev || a->st_size != b->st_size ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

static void take_stamp(struct np_meta *meta, const char *path, struct stat *stamp)
{
	if (np_rootfile_stat(meta->rootfd, path, stamp))
		*stamp = (struct stat){ 0 };
}

static void load_users(struct np_meta *meta)
{
	struct np_names *names = &meta->users;
	struct passwd *pw;
	FILE *f;

	take_stamp(meta, "etc/passwd", &names->stamp[0]);
	names->loaded = true;
	/* fgetpwent() on the bytes: no NSS module that would ask the network. */
	if (np_rootfile_read(meta->rootfd, "etc/passwd", PASSWD_MAX, &meta->buf) || !meta->buf.len)
		return;
	f = fmemopen(meta->buf.data, meta->buf.len, "r");
	if (!f)
		return;
	while ((pw = fgetpwent(f)))
		if (*pw->pw_name)
			add_name(meta, names, pw->pw_uid, pw->pw_name);
	fclose(f);
}

static void scan_netns(struct np_meta *meta, const char *path, const struct stat *dir_stamp)
{
	DIR *dir = np_rootfile_dir(meta->rootfd, path);
	struct dirent *ent;
	char name[512];
	struct stat st;

	if (!dir)
		return;
	for (unsigned int n = 0; n < DIRENTS_MAX && (ent = readdir(dir)); n++) {
		if (*ent->d_name == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, ent->d_name);
		if (np_rootfile_stat(meta->rootfd, name, &st))
			continue;
		add_name(meta, &meta->netns, st.st_ino, ent->d_name);
		/* `ip netns add` makes the file, then mounts the namespace over it, which the
		 * directory's time does not show. */
		if (st.st_dev == dir_stamp->st_dev)
			meta->netns.unsettled = true;
	}
	closedir(dir);
}

static void load_netns(struct np_meta *meta)
{
	struct np_names *names = &meta->netns;

	names->loaded = true;
	names->unsettled = false;
	for (size_t i = 0; i < sizeof(netns_dirs) / sizeof(netns_dirs[0]); i++) {
		take_stamp(meta, netns_dirs[i], &names->stamp[i]);
		scan_netns(meta, netns_dirs[i], &names->stamp[i]);
	}
}

const char *np_meta_user(struct np_meta *meta, uint32_t uid)
{
	const char *name;

	if (uid == (uint32_t)-1)
		return "-"; /* no user's number (chown(2)), but "not known" */
	if (!meta->users.loaded && !meta->replay)
		load_users(meta);
	name = np_map_get(&meta->users.by_number, uid);
	if (!name)
		name = intern_number(meta, uid);
	np_meta_tell_name(meta, &meta->users, uid, name);
	return name;
}

/* Forgets NAMES, to be read again at their next use, where one of PATHS has changed. */
static void check(struct np_meta *meta, struct np_names *names, const char *const *paths, size_t n)
{
	bool stale = names->unsettled;
	struct stat now;

	for (size_t i = 0; names->loaded && !stale && i < n; i++) {
		take_stamp(meta, paths[i], &now);
		stale = stamp_differs(&now, &names->stamp[i]);
	}
	if (!stale)
		return;
	np_map_free(&names->by_number);
	*names = (struct np_names){ .told = names->told };
}

/* What has no name is looked for anew once: a log tells of namespaces that were made just now. */
static const char *find_netns(struct np_meta *meta, uint32_t inum)
{
	const char *name;

	if (!meta->netns.loaded)
		load_netns(meta);
	name = np_map_get(&meta->netns.by_number, inum);
	if (name)
		return name;
	check(meta, &meta->netns, netns_dirs, sizeof(netns_dirs) / sizeof(netns_dirs[0]));
	if (!meta->netns.loaded) {
		load_netns(meta);
		name = np_map_get(&meta->netns.by_number, inum);
	}
	if (name)
		return name;
	/* until one of the folders changes */
	name = intern_number(meta, inum);
	(void)np_map_put(&meta->netns.by_number, inum, (void *)(uintptr_t)name);
	return name;
}

const char *np_meta_netns(struct np_meta *meta, uint32_t inum)
{
	const char *name =
	    meta->replay ? np_map_get(&meta->netns.by_number, inum) : find_netns(meta, inum);

	if (!name)
		name = intern_number(meta, inum);
	np_meta_tell_name(meta, &meta->netns, inum, name);
	return name;
}

void np_meta_learn_name(struct np_meta *meta, struct np_names *names, uint64_t number,
			const char *name)
{
	/* without memory the number is shown instead */
	(void)np_map_put(&names->by_number, number, (void *)(uintptr_t)intern(meta, name));
}

void np_meta_names_tick(struct np_meta *meta)
{
	static const char *const passwd[] = { "etc/passwd" };

	check(meta, &meta->users, passwd, 1);
	check(meta, &meta->netns, netns_dirs, sizeof(netns_dirs) / sizeof(netns_dirs[0]));
}

void np_meta_names_stop(struct np_meta *meta)
{
	np_map_free(&meta->users.by_number);
	np_map_free(&meta->netns.by_number);
	np_map_free(&meta->users.told);
	np_map_free(&meta->netns.told);
	np_map_foreach (&meta->strings, slot) {
		struct np_name *name = slot->val, *next;

		for (; name; name = next) {
			next = name->next;
			free(name);
		}
	}
	np_map_free(&meta->strings);
}
