// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Groups of connections with times: what one histogram over all their samples would tell. */
#include "test_flow.h"

#include <stdlib.h>

#include "base/hist.h"
#include "flow/detail.h"
#include "view/view.h"

#define GROUPS 3
#define CONNS  24

static struct np_view *view;
static struct np_hist truth[GROUPS];  /* all samples of a group's connections */
static struct np_buckets told[CONNS]; /* all of a connection's, as its next record says */
static uint32_t alive[GROUPS], seed;

static int setup_view(void **state)
{
	struct np_view_cfg cfg = { .topic = &np_topic_latency };

	if (setup(state))
		return -1;
	view = NULL;
	seed = 1;
	memset(truth, 0, sizeof(truth));
	memset(told, 0, sizeof(told));
	memset(alive, 0, sizeof(alive));
	if (np_view_group(&cfg, "remote", NULL) || np_view_sort(&cfg, "+raddr", NULL))
		return -1;
	return np_view_new(&view, &cfg, NULL);
}

static int teardown_view(void **state)
{
	np_view_free(view);
	for (int i = 0; i < GROUPS; i++)
		np_hist_free(&truth[i]);
	return teardown(state);
}

#define VIEW_TEST(f) cmocka_unit_test_setup_teardown(f, setup_view, teardown_view)

static uint32_t some(uint32_t below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

static struct np_ev_sock sock(uint32_t conn)
{
	struct np_ev_sock r = tcp(conn + 1, 50 + conn, 0);

	memcpy(r.tuple.raddr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\n\0\0", 15);
	r.tuple.raddr[15] = (uint8_t)(conn % GROUPS);
	return r;
}

/* N more samples of the connection; the record tells all so far. */
static void sample(uint32_t conn, uint32_t n)
{
	struct np_buckets *b = &told[conn];

	for (; n; n--) {
		uint32_t us = 1 + some(conn % 2 ? 100000 : 300);

		assert_int_equal(np_hist_add(&truth[conn % GROUPS], us, 1), 0);
		b->min = b->count && b->min < us ? b->min : us;
		b->max = b->max > us ? b->max : us;
		b->n[np_hist_bucket(us)]++;
		b->sum += us;
		b->count++;
	}
}

static void tell(uint32_t conn, uint16_t flags)
{
	struct np_ev_hist r = { .hdr = { NP_EV_HIST, sizeof(r), flags },
				.cookie = conn + 1,
				.kind = NP_TIME_RTT,
				.b = told[conn] };

	if (r.b.count)
		GIVE(r);
}

static void close_one(uint32_t conn)
{
	struct np_ev_end r = { .sock = sock(conn) };

	r.sock.hdr.type = NP_EV_SOCK_END;
	r.sock.hdr.size = sizeof(r);
	GIVE(r);
	tell(conn, NP_EV_F_LAST);
}

static void same(const struct np_row *row, const struct np_hist *want)
{
	const struct np_hist *got = row->detail ? row->detail->hist[NP_HIST_RTT] : NULL;

	if (!want->count) {
		assert_true(!got || !got->count);
		return;
	}
	if (!got) {
		fail_msg("no histogram");
		return;
	}
	assert_int_equal(got->count, want->count);
	assert_int_equal(got->sum, want->sum);
	assert_int_equal(got->min, want->min);
	assert_int_equal(got->max, want->max);
	for (int q = 0; q <= 100; q++)
		assert_true(np_hist_quantile(got, q / 100.0) == np_hist_quantile(want, q / 100.0));
}

/* Each group that is shown has all samples of its living and its ended connections. */
static void expect(size_t shown)
{
	const struct np_row *const *rows;
	struct np_hist all = { 0 };
	size_t n;

	assert_int_equal(np_view_update(view, flows), 0);
	rows = np_view_rows(view, &n);
	assert_int_equal(n, shown);
	for (size_t i = 0; i < n; i++) {
		uint32_t group = rows[i]->raddr[15];

		assert_int_equal(rows[i]->conns, alive[group]);
		same(rows[i], &truth[group]);
		np_hist_merge(&all, &truth[group]);
	}
	same(np_view_total(view), &all);
	np_hist_free(&all);
}

static void all_in_one(void)
{
	struct np_view_cfg cfg = *np_view_cfg(view);

	cfg.all = true;
	assert_int_equal(np_view_set(view, &cfg), 0);
}

static void walk(const bool living[CONNS])
{
	for (uint32_t i = 0; i < CONNS; i++) {
		struct np_ev_sock r = sock(i);

		if (!living[i])
			continue;
		GIVE(r);
		if (some(3))
			sample(i, some(60));
		tell(i, 0);
	}
}

static void a_group_is_one_histogram_over_all(void **state)
{
	bool living[CONNS] = { false };

	(void)state;
	all_in_one();
	for (int refresh = 0; refresh < 60; refresh++) {
		memset(alive, 0, sizeof(alive));
		begin();
		for (uint32_t i = 0; i < CONNS; i++) {
			/* a cookie is never used again: who ended stays away */
			if (living[i] && !some(30)) {
				sample(i, some(5));
				close_one(i);
				living[i] = false;
			} else if (!refresh) {
				living[i] = true;
			}
			alive[i % GROUPS] += living[i];
		}
		walk(living);
		end(ALL);
		expect(GROUPS);
		/* a second look at the same refresh, as after a key, adds nothing */
		expect(GROUPS);
		np_flows_next(flows);
	}
	assert_true(alive[0] + alive[1] + alive[2] < CONNS / 2);
}

static void who_ends_unseen_counts_once(void **state)
{
	(void)state;
	refresh_of_nothing(ALL);
	begin();
	for (uint32_t i = 0; i < CONNS; i++) {
		sample(i, 1 + some(20));
		close_one(i);
	}
	end(ALL);
	expect(GROUPS);
	np_flows_next(flows);
	/* nobody lives: the groups are not shown, unless they are asked for */
	begin();
	end(ALL);
	expect(0);
	all_in_one();
	expect(GROUPS);
	np_flows_next(flows);
	begin();
	end(ALL);
	expect(GROUPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEW_TEST(a_group_is_one_histogram_over_all),
		VIEW_TEST(who_ends_unseen_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
