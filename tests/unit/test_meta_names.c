// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "test_meta.h"

#include <errno.h>

#include "meta/meta.h"

static struct np_meta *meta;

static int setup(void **state)
{
	struct np_meta_cfg cfg = { .root = root };

	return root_make(state) || np_meta_new(&meta, &cfg, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
	np_meta_free(meta);
	return root_remove(state);
}

static uint32_t inum(const char *path)
{
	struct stat st;

	assert_int_equal(stat(root_path(path), &st), 0);
	return (uint32_t)st.st_ino;
}

static void users_are_those_of_the_file(void **state)
{
	const char *before;

	(void)state;
	root_write("etc/passwd",
		   "root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n:x:7:7::/:\nbroken\n"
		   "ann:x:1000:1000:Ann,,,:/home/ann:/bin/sh\n");
	assert_string_equal(np_meta_user(meta, 0), "root");
	before = np_meta_user(meta, 1000);
	assert_string_equal(before, "ann");
	assert_string_equal(np_meta_user(meta, 7), "7");
	assert_string_equal(np_meta_user(meta, 4294967294u), "4294967294");
	assert_string_equal(np_meta_user(meta, (uint32_t)-1), "-");
	root_write("etc/passwd", "root:x:0:0::/:/bin/sh\nberta:x:1000:1000::/home:/bin/sh\n");
	np_meta_tick(meta);
	assert_string_equal(np_meta_user(meta, 1000), "berta");
	assert_string_equal(before, "ann"); /* valid for the life of the cache */
}

static void no_passwd_is_numbers(void **state)
{
	(void)state;
	assert_string_equal(np_meta_user(meta, 0), "0");
	root_write("etc/passwd", "root:x:0:0::/:/bin/sh\n");
	np_meta_tick(meta);
	assert_string_equal(np_meta_user(meta, 0), "root");
	assert_int_equal(unlink(root_path("etc/passwd")), 0);
	assert_int_equal(mkfifo(root_path("etc/passwd"), 0644), 0);
	np_meta_tick(meta);
	assert_string_equal(np_meta_user(meta, 0), "0");
}

static void netns_by_inode(void **state)
{
	(void)state;
	assert_string_equal(np_meta_netns(meta, 4026531840u), "4026531840");
	root_write("run/netns/blue", "");
	root_write("var/run/docker/netns/1234abcd", "");
	np_meta_tick(meta);
	assert_string_equal(np_meta_netns(meta, inum("run/netns/blue")), "blue");
	assert_string_equal(np_meta_netns(meta, inum("var/run/docker/netns/1234abcd")), "1234abcd");
	root_write("run/netns/green", "");
	np_meta_tick(meta);
	assert_string_equal(np_meta_netns(meta, inum("run/netns/green")), "green");
}

static void no_root_is_an_error_with_its_name(void **state)
{
	struct np_meta_cfg cfg = { .root = "/no/such/root" };
	struct np_meta *none = NULL;
	struct np_err err;

	(void)state;
	assert_int_equal(np_meta_new(&none, &cfg, &err), -ENOENT);
	assert_null(none);
	assert_non_null(strstr(err.msg, "/no/such/root"));
	np_meta_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(users_are_those_of_the_file),
		TEST(no_passwd_is_numbers),
		TEST(netns_by_inode),
		cmocka_unit_test(no_root_is_an_error_with_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
