// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The loop: sources to flows to view to sink, until it is told to stop. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/session.h"

/* What was shown may be looked at again until something newer comes in. */
static void next_interval(struct np_run *run)
{
	if (run->shown)
		np_flows_next(run->flows);
	run->shown = false;
}

void np_run_begin(struct np_run *run, bool last)
{
	next_interval(run);
	if (last)
		np_flows_last(run->flows);
	np_recording_look(run->recording, NP_REC_BEGIN, last);
}

/* A log ends with --count rows. */
static void cut_log(struct np_run *run)
{
	if (!run->opts->count)
		return;
	run->opts->view.top = run->opts->count - run->rows;
	np_view_set(run->view, &run->opts->view);
}

int np_run_show(struct np_run *run, bool last)
{
	bool log = run->opts->log;
	size_t n;
	int err;

	if (log)
		cut_log(run);
	err = np_view_update(run->view, run->flows);
	if (!err && run->sums)
		err = np_sums_add(run->sums, run->view, run->flows);
	if (!err && run->tui)
		np_screen_draw(run);
	else if (!err && (log || last || !run->opts->at_end))
		err = run->write_err = np_sink_write(run->sink, run->view);
	run->shown = true;
	np_recording_look(run->recording, NP_REC_LOOK, last);
	if (!log)
		return err;
	np_view_rows(run->view, &n);
	run->rows += n;
	if (run->opts->count && run->rows >= run->opts->count)
		run->stop = true;
	return err;
}

static int poll_source(struct np_run *run)
{
	next_interval(run);
	return np_source_poll(run->source);
}

void np_run_took(struct np_run *run, uint64_t ns)
{
	/* the first one reads all there is, so it is not like the others */
	if (run->stats.refreshes++)
		run->stats.took_ns[(run->stats.refreshes - 2) % NP_RUN_TOOK] = ns;
	else
		run->stats.first_ns = ns;
}

static int refresh(struct np_run *run, bool last)
{
	uint64_t began = np_run_now();
	uint32_t netns[NP_NETNS_MAX];
	int err;

	np_run_begin(run, last);
	run->ended = last;
	err = np_source_snapshot(run->source, netns,
				 np_flows_unseen(run->flows, netns, NP_NETNS_MAX));
	if (!err)
		err = np_run_show(run, last);
	np_meta_tick(run->meta);
	np_run_took(run, np_run_now() - began);
	return err;
}

/* A walk is due by the clock, or an event waits for its owner; never so often that it costs. */
static bool walk_is_due(const struct np_run *run, uint64_t now)
{
	return now >= run->walk_ns || (np_flows_waiting(run->flows) && now >= run->asked_ns);
}

#define ALARM_NS 30000000000ULL

/* While something goes wrong more is done to know whose it is. */
static void watch_anomalies(struct np_run *run, uint64_t now)
{
	uint64_t seen = np_flows_stats(run->flows)->anomalies;

	if (seen != run->anomalies) {
		if (!run->alarm_ns)
			np_source_alarm(run->source, true);
		run->anomalies = seen;
		run->alarm_ns = now + ALARM_NS;
	} else if (run->alarm_ns && now > run->alarm_ns) {
		np_source_alarm(run->source, false);
		run->alarm_ns = 0;
	}
}

int np_log_tick(struct np_run *run, bool last)
{
	uint64_t now = np_run_now(), took;
	uint32_t netns[NP_NETNS_MAX];
	int err;

	if (run->opts->count && run->rows >= run->opts->count)
		return 0;
	np_run_begin(run, last);
	err = np_source_poll(run->source);
	watch_anomalies(run, now);
	if (!err && (last || walk_is_due(run, now))) {
		err = np_source_snapshot(run->source, netns,
					 np_flows_unseen(run->flows, netns, NP_NETNS_MAX));
		run->walk_ns = now + run->opts->interval_ns;
		took = np_run_now() - now;
		/* the first one goes through all namespaces, and is not like the others */
		run->asked_ns = run->stats.refreshes ? now + 20 * took : now;
		np_meta_tick(run->meta);
		run->stats.refreshes++;
	} else if (!err) {
		np_source_young(run->source); /* a walk brings them itself */
	}
	return err ? err : np_run_show(run, last);
}

int np_run_signal(struct np_run *run)
{
	struct signalfd_siginfo si;

	while (read(run->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGWINCH:
			np_tui_resize(run->tui);
			np_screen_draw(run);
			break;
		case SIGTSTP:
			np_screen_suspend(run);
			break;
		case SIGCONT:
			break;
		default:
			run->stop = true;
		}
	}
	return 0;
}

static int on_tick(struct np_run *run)
{
	uint64_t ticks;
	bool last;

	if (read(run->timer, &ticks, sizeof(ticks)) != (ssize_t)sizeof(ticks))
		return 0;
	if (run->tui && np_tui_paused(run->tui)) {
		/* the ring must not fill up meanwhile */
		return poll_source(run);
	}
	if (run->opts->log) {
		/* a wake-up whose record was read by then is never told */
		if (!run->soon_ns)
			np_source_soon(run->source);
		return np_log_tick(run, false);
	}
	last = (run->opts->count && run->stats.refreshes + 1 >= run->opts->count) ||
	       (run->end_ns && np_run_now() + run->interval_ns / 4 >= run->end_ns);
	run->stop = last;
	return refresh(run, last);
}

#define LOOK_AGAIN_NS 20000000ULL

/* A record that should be looked at soon: what follows it within a moment is looked at together. */
static int look(struct np_run *run)
{
	if (!run->opts->log)
		return poll_source(run);
	if (!run->soon_ns)
		run->soon_ns = np_run_now() + LOOK_AGAIN_NS;
	return np_log_tick(run, false);
}

static int look_again(struct np_run *run)
{
	if (!run->soon_ns || np_run_now() < run->soon_ns)
		return 0;
	run->soon_ns = 0;
	np_source_soon(run->source);
	return np_log_tick(run, false);
}

/* Wakes in time for --duration where it ends between two refreshes, and for look_again(). */
static int time_left(const struct np_run *run)
{
	uint64_t now = np_run_now(), until = run->end_ns, ms;

	if (run->soon_ns && (!until || run->soon_ns < until))
		until = run->soon_ns;
	if (!until)
		return -1;
	ms = now >= until ? 0 : (until - now) / 1000000ULL + 1;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int loop(struct np_run *run)
{
	struct epoll_event events[8];
	int err = 0;

	while (!run->stop && !err) {
		int n = epoll_wait(run->epoll, events, 8, time_left(run));

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !err && !run->stop; i++) {
			switch ((enum event)events[i].data.u32) {
			case EV_SIGNAL:
				err = np_run_signal(run);
				break;
			case EV_TICK:
				err = on_tick(run);
				break;
			case EV_RING:
				err = look(run);
				break;
			case EV_KEYS:
				err = np_screen_keys(run);
				break;
			case EV_OUTPUT:
				err = -EPIPE;
				break;
			}
		}
		if (!err && !run->stop)
			err = look_again(run);
		if (run->end_ns && np_run_now() >= run->end_ns)
			run->stop = true;
	}
	return err;
}

/* The first refresh comes at once; a run that was told to stop shows what the last interval saw. */
static int go(struct np_run *run)
{
	const struct np_opts *o = run->opts;
	bool once = !o->log && o->count == 1;
	uint64_t tick = o->interval_ns;
	int err = o->log ? np_log_tick(run, false) : refresh(run, once);

	if (err || once)
		return err;
	if (o->duration_ns)
		run->end_ns = np_run_now() + o->duration_ns;
	if (o->log && tick > NP_LOG_TICK_NS)
		tick = NP_LOG_TICK_NS;
	if (o->log)
		np_source_soon(run->source);
	err = np_run_timer(run, tick);
	if (!err)
		err = loop(run);
	if (!err && o->log)
		err = np_log_tick(run, true);
	else if (!err && run->sink && !run->ended)
		err = refresh(run, true);
	return err;
}

/* The end: the trust record where it is asked for, and a word where something was lost. */
static int finish(struct np_run *run, int err)
{
	struct np_source_stats source;
	struct np_err bad = { "" };
	uint64_t lost;
	int cut;

	np_run_source_stats(run, &source);
	lost = np_trust_lost(&source, run->flows);
	np_tui_close(run->tui);
	run->tui = NULL;
	cut = np_recording_end(run->recording, &bad);
	run->stats.forgotten = np_view_forgotten(run->view);
	np_flows_next(run->flows); /* what ended without an owner is counted as it goes */
	if (run->sums && run->opts->log && err != -EPIPE)
		np_sums_print(run->sums);
	if (run->opts->stats)
		np_trust_print(&source, run->flows, &run->stats);
	if (cut && (!err || err == -EPIPE)) {
		run->opts->err = bad;
		return NP_EXIT_INCONCLUSIVE;
	}
	if (err == -EPIPE)
		return NP_EXIT_OK; /* the reader has seen enough */
	if (err && err == run->write_err)
		return np_run_fail(run, NP_EXIT_INCONCLUSIVE, "cannot write the output", err);
	if (err)
		return np_run_fail(run, NP_EXIT_CANNOT, "stopped", err);
	if (run->play && np_play_damaged(run->play, &run->opts->err))
		return NP_EXIT_USAGE;
	if (lost && run->sink) {
		np_err_set(&run->opts->err, 0,
			   "%llu records were lost, so the numbers are too low; --stats says "
			   "where, a larger "
			   "--ring-size or --udp-max may help",
			   (unsigned long long)lost);
		return NP_EXIT_INCONCLUSIVE;
	}
	return NP_EXIT_OK;
}

int np_run(struct np_opts *opts)
{
	struct np_run run = { .opts = opts,
			      .epoll = -1,
			      .signals = -1,
			      .timer = -1,
			      .interval_ns = opts->interval_ns };
	int status;

	gethostname(run.host, sizeof(run.host) - 1);
	status = np_run_start(&run);
	if (!status)
		status = finish(&run, run.play ? np_play(&run) : go(&run));
	np_run_stop(&run);
	return status;
}
