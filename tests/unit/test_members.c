// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What belongs to a command: by records, in rows, and what of it drains still when it has ended. */
#include "test_flow.h"

#include "view/whose.h"

static struct np_members *members;

static int begin_members(void **state)
{
	struct np_flows_cfg cfg = { 0 };

	members = np_members_new(true);
	if (!members || setup(state))
		return -1;
	cfg.members = members;
	return np_flows_set(flows, &cfg);
}

static int end_members(void **state)
{
	np_members_free(members);
	return teardown(state);
}

static void join(uint64_t cgroup_id, uint32_t pid, uint64_t start_ns)
{
	struct np_ev_member r = { .hdr = { NP_EV_MEMBER, sizeof(r), 0 },
				  .cgroup_id = cgroup_id,
				  .start_ns = start_ns,
				  .pid = pid };

	GIVE(r);
}

static bool has(uint64_t cgroup_id, uint32_t pid, uint64_t start_ns)
{
	struct np_row row = { .cgroup_id = cgroup_id, .pid = pid, .start_ns = start_ns };
	struct np_whose whose = { .members = members };

	return np_whose_match(&whose, &row);
}

static void nobody_belongs_before_it_is_told(void **state)
{
	struct np_whose all = { 0 };
	struct np_row row = { .pid = 7 };

	(void)state;
	assert_false(has(0, 0, 0));
	assert_false(has(5, 7, 70));
	assert_true(np_whose_match(&all, &row));
}

static void without_a_command_all_belong_until_a_record_tells_of_one(void **state)
{
	(void)state;
	np_members_free(members);
	members = np_members_new(false);
	np_flows_set(flows, &(struct np_flows_cfg){ .members = members });
	assert_true(has(0, 0, 0));
	assert_true(has(5, 7, 70));
	join(0, 0, 0);
	assert_false(has(0, 0, 0));
	assert_false(has(5, 7, 70));
	join(0, 7, 70);
	assert_true(has(5, 7, 70));
}

static void a_process_is_its_id_and_its_start(void **state)
{
	(void)state;
	join(0, 7, 70);
	join(0, 8, 70); /* at the same time, elsewhere */
	join(0, 7, 70);
	assert_true(has(0, 7, 70));
	assert_true(has(0, 8, 70));
	assert_true(has(99, 8, 70)); /* whatever its cgroup */
	assert_false(has(0, 9, 70));
	assert_false(has(0, 7, 71)); /* the id is another's by now */
	assert_false(has(70, 0, 0));
	assert_int_equal(np_flows_stats(flows)->bad, 0);
}

static void a_cgroup_is_its_id_whoever_owns_the_socket(void **state)
{
	(void)state;
	join(5, 0, 0);
	assert_true(has(5, 0, 0));
	assert_true(has(5, 7, 70));
	assert_false(has(6, 7, 70));
	assert_false(has(0, 5, 0));
}

static void the_users_own_filters_hold_as_well(void **state)
{
	uint32_t pid = 7;
	struct np_whose whose = { .members = members, .pids = &pid, .npids = 1 };
	struct np_row row = { .pid = 7, .cgroup_id = 5 };

	(void)state;
	join(5, 0, 0);
	assert_true(np_whose_match(&whose, &row));
	row.pid = 8;
	assert_false(np_whose_match(&whose, &row));
	row = (struct np_row){ .pid = 7, .cgroup_id = 6 };
	assert_false(np_whose_match(&whose, &row));
}

static void a_thousand_of_them(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 1000; i++)
		join(0, i, i % 10);
	for (uint32_t i = 1; i <= 1000; i++) {
		assert_true(has(0, i, i % 10));
		assert_false(has(0, i, (i + 1) % 10));
	}
}

static void a_short_record_is_refused(void **state)
{
	struct np_ev_member r = { .hdr = { NP_EV_MEMBER, sizeof(r) - 8, 0 }, .cgroup_id = 5 };

	(void)state;
	np_flows_record(flows, &r, sizeof(r) - 8);
	assert_int_equal(np_flows_stats(flows)->bad, 1);
	assert_false(has(5, 0, 0));
}

/* One walk: connection 1 with a file where FILE says, without one where TABLE says, in STATE. */
static size_t look(bool file, bool table, uint8_t state, size_t *draining)
{
	struct np_ev_sock r = tcp(1, 7, 100);
	uint32_t netns[4];
	size_t n;

	r.netns = 42;
	r.tuple.state = state;
	begin();
	if (file)
		GIVE(r);
	r.hdr.flags = NP_EV_F_NO_FILE | NP_EV_F_NO_OWNER;
	if (table)
		GIVE(r);
	end(table ? ALL : NP_WALK_FILES);
	n = np_flows_orphans(flows, netns, 4, draining);
	if (n)
		assert_int_equal(netns[0], 42);
	return n;
}

static void an_orphan_drains_until_the_peer_has_all(void **state)
{
	size_t draining;

	(void)state;
	join(0, 7, 70);
	assert_int_equal(look(true, false, TCP_ESTABLISHED, &draining), 0);
	assert_int_equal(draining, 0);
	assert_int_equal(look(true, true, TCP_ESTABLISHED, &draining), 0);
	/* its file is gone: where it is is told, and whether it lives once that was looked at */
	assert_int_equal(look(false, false, 0, &draining), 1);
	assert_int_equal(draining, 0);
	assert_int_equal(look(false, true, TCP_FIN_WAIT1, &draining), 1);
	assert_int_equal(draining, 1);
	assert_int_equal(look(false, true, TCP_FIN_WAIT2, &draining), 1);
	assert_int_equal(draining, 0);
}

static void other_peoples_orphans_are_theirs(void **state)
{
	size_t draining;

	(void)state;
	join(0, 8, 80);
	look(true, false, TCP_ESTABLISHED, &draining);
	assert_int_equal(look(false, false, 0, &draining), 0);
	assert_int_equal(look(false, true, TCP_FIN_WAIT1, &draining), 0);
	assert_int_equal(draining, 0);
}

static void walks_within_an_interval_make_it_no_shorter(void **state)
{
	(void)state;
	refresh_of_nothing(ALL);
	begin();
	end(ALL);
	assert_int_equal(np_flows_interval_ns(flows), SEC);
	begin();
	end(ALL);
	begin();
	end(ALL);
	assert_int_equal(np_flows_interval_ns(flows), 3 * SEC);
	np_flows_next(flows);
	begin();
	end(ALL);
	assert_int_equal(np_flows_interval_ns(flows), SEC);
}

#define MEMBERS(f) cmocka_unit_test_setup_teardown(f, begin_members, end_members)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMBERS(nobody_belongs_before_it_is_told),
		MEMBERS(without_a_command_all_belong_until_a_record_tells_of_one),
		MEMBERS(a_process_is_its_id_and_its_start),
		MEMBERS(a_cgroup_is_its_id_whoever_owns_the_socket),
		MEMBERS(the_users_own_filters_hold_as_well),
		MEMBERS(a_thousand_of_them),
		MEMBERS(a_short_record_is_refused),
		MEMBERS(an_orphan_drains_until_the_peer_has_all),
		MEMBERS(other_peoples_orphans_are_theirs),
		MEMBERS(walks_within_an_interval_make_it_no_shorter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
