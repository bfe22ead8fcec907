// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Captures of real and of hostile traffic, where there are some: $NP_CORPUS, by default beside the
 * tree. Each is read whole, in each mode of the flow table, under the sanitizers.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "source/file.h"

static struct np_flows *flows;
static uint64_t packets;

static const char *folder(void)
{
	const char *env = getenv("NP_CORPUS");

	return env ? env : "../shared/corpus";
}

static void look(uint64_t ns)
{
	struct np_ev_walk r = { .hdr = { .type = NP_EV_WALK, .size = sizeof(r) }, .begin = 1 };
	struct np_row *const *rows;
	size_t pos = 0;

	r.mono_ns = r.wall_ns = ns;
	np_flows_record(flows, &r, sizeof(r));
	r.begin = 0;
	np_flows_record(flows, &r, sizeof(r));
	for (size_t n = np_flows_log(flows, &rows); n-- > 0;)
		assert_non_null(rows[n]->detail);
	while (np_flows_living(flows, &pos))
		;
	np_flows_next(flows);
}

static void play(const char *name)
{
	struct np_file *file;
	struct np_item item;
	struct np_err err;
	uint64_t ns = 0;

	if (np_file_open(&file, name, &err)) {
		assert_non_null(strstr(err.msg, name));
		return;
	}
	while (np_file_next(file, &item, &err) == 1) {
		ns = item.packet.ts_ns;
		np_flows_packet(flows, &item.packet);
		if (!(++packets % 10))
			look(ns);
	}
	np_file_close(file);
	look(ns);
}

/* Every file below the corpus; BEFORE and AFTER each may be NULL. */
static void each(const char *sub, void (*before)(void), void (*after)(void))
{
	char path[4096];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", folder(), sub);
	dir = opendir(path);
	if (!dir) {
		print_message("no captures in %s: set NP_CORPUS to the folder that has them\n",
			      folder());
		skip();
	}
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", folder(), sub, entry->d_name);
		if (before)
			before();
		play(path);
		if (after)
			after();
	}
	if (dir)
		closedir(dir);
}

static void begin(const struct np_flows_cfg *cfg)
{
	assert_int_equal(np_flows_new(&flows, NULL, NULL), 0);
	assert_int_equal(np_flows_set(flows, cfg), 0);
}

static void begin_log(void)
{
	static const struct np_flows_cfg cfg = { .packets = true,
						 .life = true,
						 .side = true,
						 .log = UINT32_MAX,
						 .anomalies = UINT32_MAX,
						 .times = UINT32_MAX,
						 .udp_idle_ns = 1000000 };

	begin(&cfg);
}

static void end(void)
{
	np_flows_last(flows);
	look(0);
	np_flows_next(flows);
	np_flows_next(flows);
	np_flows_free(flows);
	flows = NULL;
}

static void each_by_itself_as_a_log(void **state)
{
	(void)state;
	packets = 0;
	each("tcpdump", begin_log, end);
	each("apps", begin_log, end);
	assert_true(packets > 1000);
}

static void all_of_them_in_one_table_with_applications(void **state)
{
	static const struct np_flows_cfg cfg = { .packets = true, .l7 = &np_l7_ops };

	(void)state;
	begin(&cfg);
	each("apps", NULL, NULL);
	each("tcpdump", NULL, NULL);
	assert_int_equal(np_flows_stats(flows)->no_memory, 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_by_itself_as_a_log),
		cmocka_unit_test(all_of_them_in_one_table_with_applications),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
