// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* After the end of the command: what it left behind has --linger's time to end as well. */
#include <stdio.h>
#include <string.h>

#include "app/scope.h"
#include "app/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define STEP_NS 20000000ULL

void np_linger_begin(struct np_run *run)
{
	run->linger_next_ns = np_clock_mono();
	run->linger_end_ns = run->linger_next_ns + run->opts->linger_ns;
	run->stop = !run->opts->linger_ns;
}

/*
 * One look: the walk over files misses the connections that have none any more, and the second
 * visits them. A log is written on the way.
 */
static int look(struct np_run *run, size_t *draining)
{
	uint32_t netns[NP_NETNS_MAX];
	size_t missed;
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		if (run->opts->log) {
			run->walk_ns = 0; /* due */
			err = np_log_tick(run, false);
		} else {
			np_run_begin(run, false);
			err = np_run_walk(run);
		}
		missed = np_flows_orphans(run->flows, netns, NP_NETNS_MAX, draining);
		if (!missed)
			break;
	}
	return err;
}

int np_linger(struct np_run *run)
{
	uint64_t now = np_clock_mono(), took;
	size_t draining = 0;
	int err;

	if (!run->linger_end_ns || run->stop || now < run->linger_next_ns)
		return 0;
	err = look(run, &draining);
	if (err)
		return err;
	took = np_clock_mono() - now;
	run->linger_next_ns = now + (4 * took > STEP_NS ? 4 * took : STEP_NS);
	if (run->linger_next_ns > run->linger_end_ns)
		run->linger_next_ns = run->linger_end_ns;
	if (now >= run->linger_end_ns || (!draining && !np_scope_busy(run->scope, run->source)))
		run->stop = true;
	return 0;
}

#define NAMES 5

static void add_name(struct np_buf *out, uint32_t pid)
{
	bool utf8 = np_str_utf8();
	char path[32], comm[32] = "?";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	f = fopen(path, "re");
	if (f && !fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	if (f)
		fclose(f);
	comm[strcspn(comm, "\n")] = '\0';
	if (out->len)
		np_buf_str(out, ", ");
	np_str_escape(out, comm, strlen(comm), utf8);
	np_buf_printf(out, " (%u)", pid);
}

void np_linger_tell(struct np_run *run)
{
	char after[24];
	struct np_buf names = { 0 };
	uint32_t pids[NAMES];
	size_t n;

	if (!run->linger_end_ns)
		return;
	n = np_scope_pids(run->scope, run->source, pids, NAMES);
	for (size_t i = 0; i < n && i < NAMES; i++)
		add_name(&names, pids[i]);
	if (n)
		np_log(NP_LOG_WARN,
		       "%zu %s of the command live%s on: %s%s; what they move from now on is not "
		       "counted (--linger is %s)",
		       n, n == 1 ? "process" : "processes", n == 1 ? "s" : "", np_buf_cstr(&names),
		       n > NAMES ? ", ..." : "", np_str_duration(after, run->opts->linger_ns));
	np_buf_free(&names);
}
