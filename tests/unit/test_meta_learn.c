// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Names travel: what one np_meta learns, another one knows that reads nothing of its own host. */
#include "test_meta.h"

#include "meta/internal.h"
#include "meta/who.h"
#include "source/record.h"

#define UNKNOWN ((uint32_t)-1)
#define ID      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct np_meta *teller, *learner;
static unsigned int told;
static struct np_buf last; /* what was told last */

static void learned(void *ctx, const void *rec, size_t len)
{
	assert_ptr_equal(ctx, &told);
	told++;
	np_buf_reset(&last);
	np_buf_add(&last, rec, len);
	assert_true(np_meta_learn(learner, rec, len));
}

static int setup(void **state)
{
	struct np_meta_cfg tells = {
		.root = root, .cmdline = true, .cgroup = true, .learned = learned, .ctx = &told
	};
	struct np_meta_cfg learns = { .root = "/no/such/root", .replay = true };

	told = 0;
	return root_make(state) || np_meta_new(&teller, &tells, NULL) ||
	       np_meta_new(&learner, &learns, NULL);
}

static int teardown(void **state)
{
	np_meta_free(teller);
	np_meta_free(learner);
	np_buf_free(&last);
	return root_remove(state);
}

static void processes(void **state)
{
	struct np_proc *self = np_meta_proc(teller, (uint32_t)getpid(), 0, NULL, UNKNOWN), *there;

	(void)state;
	assert_true(told > 0);
	assert_true(*self->cmdline);
	there = np_meta_proc(learner, self->pid, self->start_ns, NULL, UNKNOWN);
	assert_string_equal(there->cmdline, self->cmdline);
	assert_string_equal(there->comm, self->comm);
	assert_int_equal(there->uid, self->uid);
	if (self->cgroup)
		assert_string_equal(there->cgroup->path, self->cgroup->path);
	np_meta_proc_put(learner, there);
	/* the same pid at another time is another process, and nobody knows it */
	there = np_meta_proc(learner, self->pid, self->start_ns + 1000000000000, NULL, UNKNOWN);
	assert_string_equal(there->cmdline, "");
	assert_string_equal(there->comm, "");
	np_meta_proc_put(learner, there);
	/* nor is there a live one */
	there = np_meta_proc(learner, 1, 0, NULL, UNKNOWN);
	assert_string_equal(there->comm, "");
	np_meta_proc_put(learner, there);
	np_meta_proc_put(teller, self);
}

static void containers(void **state)
{
	const char *path = "/docker/" ID;
	struct np_cgroup *here, *there;

	(void)state;
	root_write("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/web\"}");
	here = np_meta_cgroup_path(teller, path);
	assert_string_equal(here->container, "web");
	there = np_meta_cgroup_path(learner, path);
	assert_string_equal(there->container, "web");
	assert_string_equal(there->container_id, ID);
	assert_string_equal(there->runtime, "docker");
	/* who holds it sees the new name of the same */
	root_write("var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/shop\"}");
	for (int i = 0; i < 40; i++)
		np_meta_tick(teller);
	assert_string_equal(here->container, "shop");
	assert_string_equal(there->container, "shop");
	np_meta_cgroup_put(teller, here);
	np_meta_cgroup_put(learner, there);
}

static void learn_cgroup(uint64_t id, const char *path, const char *name)
{
	const char *texts[NP_REC_CGROUP_TEXTS] = { path, "crun", "abc", name, "", "", "" };
	struct np_rec_name r = { .hdr.type = NP_REC_CGROUP, .number = id };
	struct np_buf buf = { 0 };

	np_rec_build(&buf, &r, sizeof(r), texts, NP_REC_CGROUP_TEXTS);
	assert_true(np_meta_learn(learner, buf.data, buf.len));
	np_buf_free(&buf);
}

static void ids_of_cgroups(void **state)
{
	struct np_cgroup *first, *second;

	(void)state;
	assert_null(np_meta_cgroup(learner, 77));
	learn_cgroup(77, "/a.slice/b.service", "one");
	first = np_meta_cgroup(learner, 77);
	assert_string_equal(first->unit, "b.service");
	assert_string_equal(first->container, "one");
	/* the id is another's by now; the one that was stays with who holds it */
	learn_cgroup(77, "/c.slice", "two");
	second = np_meta_cgroup(learner, 77);
	assert_string_equal(second->path, "/c.slice");
	assert_string_equal(first->path, "/a.slice/b.service");
	learn_cgroup(77, "", "");
	assert_null(np_meta_cgroup(learner, 77));
	np_meta_cgroup_put(learner, first);
	np_meta_cgroup_put(learner, second);
	np_meta_tick(learner);
}

static void users_and_namespaces(void **state)
{
	unsigned int before;

	(void)state;
	root_write("etc/passwd", "web:x:12345:1::/:/bin/sh\n");
	/* of this host nobody is known */
	assert_string_equal(np_meta_user(learner, 0), "0");
	np_meta_note(teller, 12345, 42);
	assert_string_equal(np_meta_user(learner, 12345), "web");
	assert_string_equal(np_meta_netns(learner, 42), "42");
	before = told;
	np_meta_note(teller, 12345, 42);
	np_meta_tick(teller);
	assert_string_equal(np_meta_user(teller, 12345), "web");
	assert_int_equal(told, before);
	/* another name is told once */
	root_write("etc/passwd", "other:x:12345:1::/:/bin/sh\n");
	np_meta_tick(teller);
	assert_string_equal(np_meta_user(teller, 12345), "other");
	assert_string_equal(np_meta_user(teller, 12345), "other");
	assert_int_equal(told, before + 1);
	assert_string_equal(np_meta_user(learner, 12345), "other");
	/* and that there is none any more */
	root_write("etc/passwd", "");
	np_meta_tick(teller);
	assert_string_equal(np_meta_user(teller, 12345), "12345");
	assert_string_equal(np_meta_user(learner, 12345), "12345");
}

static void rows_are_named_for_whoever_looks_later(void **state)
{
	struct np_row row = { .uid = 54321, .netns = 43 };

	(void)state;
	root_write("etc/passwd", "late:x:54321:1::/:/bin/sh\n");
	np_who_fill(teller, &row);
	assert_int_equal(told, 2);
	assert_string_equal(np_meta_user(learner, 54321), "late");
}

/* Each record cut at each byte, and with a text that does not end. */
static void garbage_is_refused(void **state)
{
	struct np_proc *self = np_meta_proc(teller, (uint32_t)getpid(), 0, NULL, UNKNOWN);
	static char large[8192];
	char *copy;

	(void)state;
	for (size_t n = 0; n < last.len; n++) {
		copy = malloc(n ? n : 1);
		memcpy(copy, last.data, n);
		assert_false(np_meta_learn(learner, copy, n));
		free(copy);
	}
	memset(large, 'x', sizeof(large) - 1);
	{
		struct np_rec_name r = { .hdr.type = NP_REC_USER, .number = 9 };
		const char *text = large;
		struct np_buf buf = { 0 };

		np_rec_build(&buf, &r, sizeof(r), &text, 1);
		assert_false(np_meta_learn(learner, buf.data, buf.len));
		np_buf_free(&buf);
		assert_string_equal(np_meta_user(learner, 9), "9");
	}
	/* one that is not for replays takes nothing from anybody */
	assert_false(np_meta_learn(teller, last.data, last.len));
	np_meta_proc_put(teller, self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(processes, setup, teardown),
		cmocka_unit_test_setup_teardown(containers, setup, teardown),
		cmocka_unit_test_setup_teardown(ids_of_cgroups, setup, teardown),
		cmocka_unit_test_setup_teardown(users_and_namespaces, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_are_named_for_whoever_looks_later, setup,
						teardown),
		cmocka_unit_test_setup_teardown(garbage_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
