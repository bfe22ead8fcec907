// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "test_meta.h"

#include <fcntl.h>

#include "meta/cgmount.h"
#include "meta/internal.h"

#define ID "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"

static struct np_meta *meta;

static int setup(void **state)
{
	struct np_meta_cfg cfg = { .root = root, .cgroup = true };

	return root_make(state) || np_meta_new(&meta, &cfg, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
	np_meta_free(meta);
	return root_remove(state);
}

static void path_is_parsed_and_resolved(void **state)
{
	struct np_cgroup *cg, *same;

	(void)state;
	root_write("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/web\"}");
	cg = np_meta_cgroup_path(meta, "/system.slice/docker-" ID ".scope");
	assert_int_equal(cg->id, 0);
	assert_string_equal(cg->path, "/system.slice/docker-" ID ".scope");
	assert_string_equal(cg->unit, "docker-" ID ".scope");
	assert_string_equal(cg->runtime, "docker");
	assert_string_equal(cg->container_id, ID);
	assert_string_equal(cg->container, "web");
	assert_string_equal(cg->pod, "");
	assert_string_equal(cg->pod_uid, "");
	assert_string_equal(cg->pod_namespace, "");
	same = np_meta_cgroup_path(meta, "/system.slice/docker-" ID ".scope");
	assert_ptr_equal(same, cg);
	assert_int_equal(cg->refs, 2);
	np_meta_cgroup_put(meta, cg);
	np_meta_cgroup_put(meta, cg);
	np_meta_tick(meta);
	assert_int_equal(meta->ncgroups, 0);
}

static void root_and_unknown_are_null(void **state)
{
	(void)state;
	assert_null(np_meta_cgroup_path(meta, "/"));
	assert_null(np_meta_cgroup_path(meta, ""));
	assert_null(np_meta_cgroup(meta, 0));
	assert_null(np_meta_cgroup(meta, 0xfffffffffffULL));
	assert_int_equal(meta->cgroups.count, 1); /* remembered as unknown */
	assert_null(np_meta_cgroup(meta, 0xfffffffffffULL));
	np_meta_tick(meta);
	assert_int_equal(meta->cgroups.count, 0);
	np_meta_cgroup_put(meta, NULL);
	assert_null(np_meta_cgroup_get(NULL));
}

static void names_follow_a_switched_on_column_and_a_rename(void **state)
{
	struct np_cgroup *cg;

	(void)state;
	root_write("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/web\"}");
	np_meta_want(meta, false, false);
	cg = np_meta_cgroup_path(meta, "/docker/" ID);
	assert_string_equal(cg->container, "4f797c539e6c");
	np_meta_want(meta, false, true);
	np_meta_cgroup_put(meta, np_meta_cgroup_path(meta, "/docker/" ID));
	assert_string_equal(cg->container, "web");
	root_write("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/shop\"}");
	for (int i = 0; i < 20; i++)
		np_meta_tick(meta);
	assert_string_equal(cg->container, "shop");
	assert_int_equal(unlink(root_path("var/lib/docker/containers/" ID "/config.v2.json")), 0);
	for (int i = 0; i < 20; i++)
		np_meta_tick(meta);
	assert_string_equal(cg->container, "shop"); /* gone, and still called so */
	np_meta_cgroup_put(meta, cg);
}

static void memory_is_bounded_between_ticks(void **state)
{
	char path[32];

	(void)state;
	np_meta_want(meta, false, false);
	for (int i = 0; i < NP_META_CGROUPS_MAX + 10; i++) {
		snprintf(path, sizeof(path), "/c%d", i);
		np_meta_cgroup_put(meta, np_meta_cgroup_path(meta, path));
	}
	assert_true(meta->ncgroups <= NP_META_CGROUPS_MAX);
	np_meta_tick(meta);
	assert_int_equal(meta->ncgroups, 0);
	assert_int_equal(meta->paths.count, 0);
}

/* A cgroup of our own, below the real mount point; skipped where it may not be made. */
static uint64_t make_cgroup(char *dir, size_t size)
{
	struct stat st;

	if (meta->cgroup_fd < 0)
		skip();
	snprintf(dir, size, "%s/np-test-%d", meta->cgroup_mount, (int)getpid());
	if (mkdir(dir, 0755))
		skip();
	assert_int_equal(stat(dir, &st), 0);
	return st.st_ino;
}

static void id_leads_to_the_path(void **state)
{
	char dir[512], want[64];
	struct np_cgroup *cg;
	struct stat st;
	uint64_t id;

	(void)state;
	id = make_cgroup(dir, sizeof(dir));
	snprintf(want, sizeof(want), "/np-test-%d", (int)getpid());
	cg = np_meta_cgroup(meta, id);
	assert_int_equal(rmdir(dir), 0);
	assert_non_null(cg);
	assert_int_equal(cg->id, id);
	assert_string_equal(cg->path + strlen(meta->cgroup_top), want);
	/* known as long as somebody holds it */
	np_meta_tick(meta);
	assert_ptr_equal(np_meta_cgroup(meta, id), cg);
	np_meta_cgroup_put(meta, cg);
	np_meta_cgroup_put(meta, cg);
	assert_ptr_equal(np_meta_cgroup(meta, id), cg);
	np_meta_cgroup_put(meta, cg);
	np_meta_tick(meta);
	assert_null(np_meta_cgroup(meta, id));
	if (!*meta->cgroup_top && !stat(meta->cgroup_mount, &st))
		assert_null(np_meta_cgroup(meta, st.st_ino));
}

static void walk_without_privilege(void **state)
{
	char dir[512], *path;
	uint64_t id;

	(void)state;
	id = make_cgroup(dir, sizeof(dir));
	if (seteuid(65534)) {
		rmdir(dir);
		skip();
	}
	path = np_cgmount_path(meta->cgroup_fd, meta->cgroup_mount, id);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_non_null(path);
	assert_string_equal(dir + strlen(meta->cgroup_mount), path);
	free(path);
}

static void mountinfo_text(void **state)
{
	static const struct {
		const char *text, *mount, *top;
	} rows[] = {
		{ "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
		  "41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n",
		  "/sys/fs/cgroup/unified", "" },
		{ "1 2 0:3 / /my\\040cg\\134x rw - cgroup2 none rw", "/my cg\\x", "" },
		{ "1 2 0:3 /../.. /a rw - cgroup2 c rw\n1 2 0:3 / /b rw - cgroup2 c rw\n"
		  "1 2 0:3 / /c rw - cgroup2 c rw\n",
		  "/b", "" },
		{ "1 2 0:3 /part /a rw - cgroup2 c rw\n1 2 0:3 /more /b rw - cgroup2 c rw\n", "/a",
		  "/part" },
		{ "1 2 0:3 / /a rw - cgroup cgroup rw\n", NULL, NULL },
		{ "1 2 - cgroup2 \n - cgroup2 \n\n-\n", NULL, NULL },
		{ "", NULL, NULL },
	};
	char text[512], *mount, *top;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "%s", rows[i].text);
		if (!rows[i].mount) {
			assert_int_equal(np_cgmount_find(text, &mount, &top), -2);
			continue;
		}
		assert_int_equal(np_cgmount_find(text, &mount, &top), 0);
		assert_string_equal(mount, rows[i].mount);
		assert_string_equal(top, rows[i].top);
		free(mount);
		free(top);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(path_is_parsed_and_resolved),
		TEST(root_and_unknown_are_null),
		TEST(names_follow_a_switched_on_column_and_a_rename),
		TEST(memory_is_bounded_between_ticks),
		TEST(id_leads_to_the_path),
		TEST(walk_without_privilege),
		cmocka_unit_test(mountinfo_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
