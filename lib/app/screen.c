// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The screen's part of a run: what is drawn, and what a key changes. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/session.h"

void np_screen_draw(struct np_run *run)
{
	struct np_source_stats st;
	char notice[80] = "";
	struct np_tui_status status = {
		.program = run->opts->tool->name,
		.host = run->host,
		.filter = np_buf_cstr(&run->opts->filter),
		.interval_ns = run->interval_ns,
		.sample = run->opts->sample,
		.notice = notice,
	};

	np_run_source_stats(run, &st);
	status.lost = np_run_lost(run, &st);
	if (st.netns_missed)
		snprintf(notice, sizeof(notice), "%llu network namespaces could not be entered",
			 (unsigned long long)st.netns_missed);
	np_tui_draw(run->tui, run->view, &status);
}

/* Settings that a key changed: sources first, then the view. */
static void apply(struct np_run *run, const struct np_view_cfg *cfg)
{
	struct np_view_cfg next = *cfg;
	struct np_err err = { "" };
	unsigned int want, needs;

	next.where = run->opts->expr;
	next.whose = &run->opts->whose;
	next.filter = run->opts->pcap;
	next.top = 0;
	want = np_run_wanted(run->opts, &next) | (run->want & NP_SRC_CGROUP);
	if (want != run->want) {
		if (run->source && np_source_want(run->source, want, &err)) {
			np_tui_message(run->tui, err.msg);
			return;
		}
		run->want = want;
	}
	needs = np_view_needs(&next);
	np_meta_want(run->meta, needs & NP_NEED_CMDLINE || run->recording, true);
	run->opts->view = next;
	np_view_set(run->view, &next);
}

static void new_filter(struct np_run *run)
{
	struct np_err err = { "" };

	if (np_opts_filter(run->opts, np_tui_filter(run->tui), &err))
		np_tui_message(run->tui, err.msg);
	else
		apply(run, np_tui_cfg(run->tui));
}

void np_screen_suspend(struct np_run *run)
{
	np_tui_suspend(run->tui);
	raise(SIGSTOP);
	np_tui_resume(run->tui);
	np_screen_draw(run);
}

int np_screen_keys(struct np_run *run)
{
	unsigned int did = np_tui_keys(run->tui, run->view);
	int err = 0;

	if (did & NP_TUI_QUIT) {
		run->stop = true;
		return 0;
	}
	if (did & NP_TUI_DRILL)
		np_view_drill(run->view, np_tui_row(run->tui));
	if (did & NP_TUI_FILTER)
		new_filter(run);
	if (did & (NP_TUI_VIEW | NP_TUI_DRILL))
		apply(run, np_tui_cfg(run->tui));
	if (did & NP_TUI_INTERVAL)
		np_run_timer(run, np_tui_interval(run->tui));
	if (did & NP_TUI_SUSPEND)
		np_screen_suspend(run);
	/* what was asked for is seen at once, of the same refresh */
	if (did & (NP_TUI_VIEW | NP_TUI_DRILL | NP_TUI_FILTER))
		err = np_view_update(run->view, run->flows);
	if (did && !err)
		np_screen_draw(run);
	return err;
}
