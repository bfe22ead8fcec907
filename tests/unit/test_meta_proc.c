// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "test_meta.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "meta/internal.h"
#include "meta/procfile.h"

#define UNKNOWN ((uint32_t)-1)
#define SECOND  1000000000ULL

static struct np_meta *meta;
static pid_t child;

static int setup(void **state)
{
	struct np_meta_cfg cfg = { .root = root, .cmdline = true, .cgroup = true };
	int up[2];
	char c;

	if (root_make(state) || pipe(up) || np_meta_new(&meta, &cfg, NULL))
		return -1;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "np (te) st");
		(void)!write(up[1], "", 1);
		for (;;)
			pause();
	}
	if (child < 0 || read(up[0], &c, 1) != 1)
		return -1;
	close(up[0]);
	close(up[1]);
	return 0;
}

static void child_end(void)
{
	if (child <= 0)
		return;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
}

static int teardown(void **state)
{
	child_end();
	np_meta_free(meta);
	return root_remove(state);
}

/* The kernel's start time, as a record has it: somewhere in the tick that /proc shows. */
static uint64_t child_start(void)
{
	struct np_proc *proc = np_meta_proc(meta, (uint32_t)child, 0, NULL, UNKNOWN);
	uint64_t start = proc->start_ns;

	np_meta_proc_put(meta, proc);
	np_meta_tick(meta);
	assert_true(start > SECOND);
	return start + 1234567;
}

static void live_process_is_read_from_proc(void **state)
{
	struct np_proc *proc = np_meta_proc(meta, (uint32_t)child, 0, NULL, UNKNOWN);

	(void)state;
	assert_int_equal(proc->pid, child);
	assert_int_equal(proc->uid, geteuid());
	assert_string_equal(proc->comm, "np (te) st");
	assert_non_null(strstr(proc->cmdline, "test_meta_proc"));
	assert_int_equal(proc->refs, 1);
	np_meta_proc_put(meta, proc);
}

static void record_goes_before_proc(void **state)
{
	struct np_proc *proc =
	    np_meta_proc(meta, (uint32_t)child, child_start(), "exactly16bytes!!", 4711);

	(void)state;
	assert_string_equal(proc->comm, "exactly16bytes!");
	assert_int_equal(proc->uid, 4711);
	assert_non_null(strstr(proc->cmdline, "test_meta_proc"));
	np_meta_proc_put(meta, proc);
}

static void reused_pid_is_another_process(void **state)
{
	uint64_t start = child_start();
	struct np_proc *old =
	    np_meta_proc(meta, (uint32_t)child, start - 5 * SECOND, "old", UNKNOWN);
	struct np_proc *now = np_meta_proc(meta, (uint32_t)child, start, NULL, UNKNOWN);

	(void)state;
	assert_ptr_not_equal(old, now);
	assert_string_equal(old->comm, "old");
	assert_string_equal(old->cmdline, "");
	assert_int_equal(old->uid, UNKNOWN);
	assert_null(old->cgroup);
	assert_string_equal(now->comm, "np (te) st");
	assert_string_not_equal(now->cmdline, "");
	np_meta_proc_put(meta, old);
	np_meta_tick(meta); /* takes one of the two */
	assert_ptr_equal(np_meta_proc(meta, (uint32_t)child, start, NULL, UNKNOWN), now);
	np_meta_proc_put(meta, now);
	np_meta_proc_put(meta, now);
}

static void start_of_proc_and_of_record_are_the_same_process(void **state)
{
	uint64_t start = child_start();
	struct np_proc *a = np_meta_proc(meta, (uint32_t)child, 0, NULL, UNKNOWN);
	struct np_proc *b = np_meta_proc(meta, (uint32_t)child, start, NULL, UNKNOWN);
	struct np_proc *c = np_meta_proc(meta, (uint32_t)child, 0, NULL, UNKNOWN);

	(void)state;
	assert_ptr_equal(a, b);
	assert_ptr_equal(b, c);
	assert_int_equal(a->start_ns, start);
	assert_int_equal(a->refs, 3);
	for (int i = 0; i < 3; i++)
		np_meta_proc_put(meta, a);
}

static void process_that_is_gone_keeps_its_record(void **state)
{
	uint32_t pid = (uint32_t)child;
	uint64_t start = child_start();
	struct np_proc *proc, *again;

	(void)state;
	child_end();
	proc = np_meta_proc(meta, pid, start, "curl", 1000);
	assert_string_equal(proc->comm, "curl");
	assert_int_equal(proc->uid, 1000);
	assert_string_equal(proc->cmdline, "");
	again = np_meta_proc(meta, pid, 0, NULL, UNKNOWN); /* the last who had it */
	assert_ptr_equal(again, proc);
	np_meta_proc_put(meta, again);
	np_meta_proc_put(meta, proc);
	np_meta_tick(meta);
	proc = np_meta_proc(meta, pid, 0, "wget", UNKNOWN);
	assert_string_equal(proc->comm, "wget");
	assert_int_equal(proc->start_ns, 0);
	np_meta_proc_put(meta, proc);
}

static void another_name_is_another_program(void **state)
{
	uint64_t start = child_start();
	struct np_proc *proc = np_meta_proc(meta, (uint32_t)child, start, "sh", UNKNOWN);
	const char *before = proc->cmdline;

	(void)state;
	assert_ptr_equal(np_meta_proc(meta, (uint32_t)child, start, "sleep", UNKNOWN), proc);
	assert_string_equal(proc->comm, "sleep");
	assert_ptr_equal(proc->cmdline, before); /* once a tick is enough */
	np_meta_tick(meta);
	assert_ptr_equal(np_meta_proc(meta, (uint32_t)child, start, "sh", UNKNOWN), proc);
	assert_non_null(strstr(proc->cmdline, "test_meta_proc"));
	for (int i = 0; i < 3; i++)
		np_meta_proc_put(meta, proc);
}

static void columns_switched_on_later_are_filled(void **state)
{
	uint64_t start = child_start();
	struct np_proc *proc;

	(void)state;
	np_meta_want(meta, false, false);
	proc = np_meta_proc(meta, (uint32_t)child, start, NULL, UNKNOWN);
	assert_string_equal(proc->cmdline, "");
	assert_null(proc->cgroup);
	np_meta_want(meta, true, true);
	np_meta_tick(meta);
	assert_ptr_equal(np_meta_proc(meta, (uint32_t)child, start, NULL, UNKNOWN), proc);
	assert_string_not_equal(proc->cmdline, "");
	np_meta_proc_put(meta, proc);
	np_meta_proc_put(meta, proc);
}

static void tick_drops_only_what_nobody_holds(void **state)
{
	struct np_proc *kept = np_meta_proc(meta, 4000000001u, 7, "kept", UNKNOWN);

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		np_meta_proc_put(meta, np_meta_proc(meta, 4000000000u + i % 500, i + 8, "x", 0));
	assert_int_equal(meta->nprocs, 1001);
	assert_int_equal(meta->idle_procs, 1000);
	np_meta_proc_put(meta, np_meta_proc_get(kept));
	np_meta_tick(meta);
	assert_int_equal(meta->nprocs, 1);
	assert_int_equal(meta->idle_procs, 0);
	assert_string_equal(kept->comm, "kept");
	np_meta_proc_put(meta, kept);
	np_meta_tick(meta);
	assert_int_equal(meta->nprocs, 0);
	np_meta_proc_put(meta, NULL);
	assert_null(np_meta_proc_get(NULL));
}

static void memory_is_bounded_between_ticks(void **state)
{
	(void)state;
	np_meta_want(meta, false, false);
	for (uint32_t i = 0; i < NP_META_PROCS_MAX + 10; i++)
		np_meta_proc_put(meta, np_meta_proc(meta, 4000000000u + i, 7, "x", 0));
	assert_true(meta->nprocs <= NP_META_PROCS_MAX);
	assert_true(meta->nprocs >= 10);
}

static void stat_text(void **state)
{
	struct np_procfile_stat st;

	(void)state;
	assert_true(np_procfile_stat(&st,
				     "1 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 "
				     "18 4242 20 21\n"));
	assert_string_equal(st.comm, "a) b) (c");
	assert_int_equal(st.start, 4242);
	assert_false(np_procfile_stat(&st, ""));
	assert_false(np_procfile_stat(&st, ") ("));
	assert_false(np_procfile_stat(&st, "1 (a) S 1 2"));
	assert_false(
	    np_procfile_stat(&st, "1 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x"));
	assert_int_equal(np_procfile_uid("Name:\ta\nUid:\t1\t2\t3\t4\n"), 2);
	assert_int_equal(np_procfile_uid("Name:\ta\n"), UNKNOWN);
	assert_int_equal(np_procfile_uid("\nUid:\t1\t99999999999\n"), UNKNOWN);
}

static void cgroup_text(void **state)
{
	static const struct {
		const char *text, *path;
	} rows[] = {
		{ "0::/system.slice/a.service\n", "/system.slice/a.service" },
		{ "0::/gone.scope (deleted)\n", "/gone.scope" },
		{ "9:name=systemd:/s\n8:pids:/p\n0::/v2\n", "/v2" },
		{ "9:memory:/m\n8:pids:/p\n2:name=systemd:/s\n0::/\n", "/s" },
		{ "9:memory:/m\n8:pids:/p\n2:name=systemd:/\n0::/\n", "/p" },
		{ "9:memory:/m\n1:cpu,cpuacct:/c\n0::/\n", "/m" },
		{ "1:cpu,cpuacct:/c:d\n2:net_cls:/n\n", "/c:d" },
		{ "0::/\n", NULL },
		{ "", NULL },
		{ "nonsense\n:\n::\n0:x\n", NULL },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *path;

		snprintf(text, sizeof(text), "%s", rows[i].text);
		path = np_procfile_cgroup(text);
		if (!rows[i].path)
			assert_null(path);
		else
			assert_string_equal(path, rows[i].path);
	}
}

static void cmdline_text(void **state)
{
	static const char args[] = "a\0b c\0\0d\0\0";
	char *line = np_procfile_cmdline(args, sizeof(args), 100);

	(void)state;
	assert_string_equal(line, "a b c  d");
	free(line);
	line = np_procfile_cmdline(args, sizeof(args), 3);
	assert_string_equal(line, "a b");
	free(line);
	line = np_procfile_cmdline("", 1, 100);
	assert_string_equal(line, "");
	free(line);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(live_process_is_read_from_proc),
		TEST(record_goes_before_proc),
		TEST(reused_pid_is_another_process),
		TEST(start_of_proc_and_of_record_are_the_same_process),
		TEST(process_that_is_gone_keeps_its_record),
		TEST(another_name_is_another_program),
		TEST(columns_switched_on_later_are_filled),
		TEST(tick_drops_only_what_nobody_holds),
		TEST(memory_is_bounded_between_ticks),
		cmocka_unit_test(stat_text),
		cmocka_unit_test(cgroup_text),
		cmocka_unit_test(cmdline_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
