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

#include "app/baseline.h"
#include "app/check.h"
#include "app/session.h"
#include "base/clock.h"
#include "base/log.h"

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

/* Whoever reads the rows, somebody waits for this: checks, a baseline, a record. */
static bool is_wanted(const struct np_run *run)
{
	return run->opts->judged || run->opts->keep[0] || run->recording;
}

int np_run_unread(struct np_run *run)
{
	const struct np_opts *o = run->opts;

	/* one that only its reader would have ended has ended */
	if (!is_wanted(run) || !(run->play || run->scope || o->duration_ns || o->count))
		return -EPIPE;
	/* epoll would tell it again and again */
	epoll_ctl(run->epoll, EPOLL_CTL_DEL, np_output_fd(run->output), NULL);
	run->unread = true;
	return 0;
}

static int write_rows(struct np_run *run)
{
	int err = run->unread ? 0 : np_sink_write(run->sink, run->view);

	run->write_err = err == -EPIPE ? np_run_unread(run) : err;
	return run->write_err;
}

int np_run_show(struct np_run *run, bool last)
{
	bool log = run->opts->log;
	size_t n;
	int err, checked = 0;

	if (log)
		cut_log(run);
	if (last && run->base)
		np_base_last(run->base, run->view);
	err = np_view_update(run->view, run->flows);
	if (!err && run->sums)
		err = np_sums_add(run->sums, run->view, run->flows);
	if (!err && run->base)
		err = np_base_add(run->base, run->flows);
	if (!err && run->tui)
		np_screen_draw(run);
	else if (!err && !np_checks_on_stdout(run->opts->judged) &&
		 (log || last || !run->opts->at_end))
		err = write_rows(run);
	/* a reader that has gone takes nothing from what was seen */
	if (!err || err == run->write_err)
		checked = np_checks_add(run->opts->judged, run->view, run->flows);
	err = err ? err : checked;
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

/*
 * A command's connections are often orphans by the time that it ends, and the counters of those
 * that last are looked at once more.
 */
int np_run_walk(struct np_run *run)
{
	uint32_t netns[NP_NETNS_MAX];
	size_t n, draining;

	if (run->linger_end_ns || (run->scope && run->stop)) {
		np_source_hurry(run->source);
		n = np_flows_orphans(run->flows, netns, NP_NETNS_MAX, &draining);
	} else {
		n = np_flows_unseen(run->flows, netns, NP_NETNS_MAX);
	}
	return np_source_snapshot(run->source, netns, n);
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
	uint64_t began = np_clock_mono();
	int err;

	np_run_begin(run, last);
	run->ended = last;
	err = np_run_walk(run);
	if (!err)
		err = np_run_show(run, last);
	np_meta_tick(run->meta);
	np_run_took(run, np_clock_mono() - began);
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
	uint64_t now = np_clock_mono(), took;
	int err;

	if (run->opts->count && run->rows >= run->opts->count)
		return 0;
	np_run_begin(run, last);
	err = np_source_poll(run->source);
	watch_anomalies(run, now);
	if (!err && (last || walk_is_due(run, now))) {
		err = np_run_walk(run);
		run->walk_ns = now + run->opts->interval_ns;
		took = np_clock_mono() - now;
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
		if (run->scope && np_scope_signal(run->scope, &si))
			continue;
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
	       (run->end_ns && np_clock_mono() + run->interval_ns / 4 >= run->end_ns);
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
		run->soon_ns = np_clock_mono() + LOOK_AGAIN_NS;
	return np_log_tick(run, false);
}

static int look_again(struct np_run *run)
{
	if (!run->soon_ns || np_clock_mono() < run->soon_ns)
		return 0;
	run->soon_ns = 0;
	np_source_soon(run->source);
	return np_log_tick(run, false);
}

/* Wakes in time for --duration where it ends between two refreshes, and for look_again(). */
static int time_left(const struct np_run *run)
{
	uint64_t now = np_clock_mono(), until = run->end_ns, ms;

	if (run->soon_ns && (!until || run->soon_ns < until))
		until = run->soon_ns;
	if (run->linger_end_ns && (!until || run->linger_next_ns < until))
		until = run->linger_next_ns;
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
				err = np_run_unread(run);
				break;
			case EV_COMMAND:
				/* what may have ended it is not for us */
				err = np_run_signal(run);
				if (np_scope_ended(run->scope))
					np_linger_begin(run);
				break;
			}
		}
		if (!err && !run->stop)
			err = look_again(run);
		if (!err)
			err = np_linger(run);
		if (run->end_ns && np_clock_mono() >= run->end_ns)
			run->stop = true;
	}
	return err;
}

/* What there is before the command runs, none of it the command's. */
static int look_before(struct np_run *run)
{
	run->shown = true;
	return np_source_snapshot(run->source, NULL, 0);
}

/* The first refresh comes at once, but with a command; a run that was told to stop shows what the
 * last interval saw. */
static int go(struct np_run *run)
{
	const struct np_opts *o = run->opts;
	bool once = !o->log && o->count == 1 && !run->scope;
	uint64_t tick = o->interval_ns;
	int err = o->log       ? np_log_tick(run, false)
		  : run->scope ? look_before(run)
			       : refresh(run, once);

	if (once || (err && err != -EPIPE))
		return err;
	if (o->duration_ns)
		run->end_ns = np_clock_mono() + o->duration_ns;
	if (o->log && tick > NP_LOG_TICK_NS)
		tick = NP_LOG_TICK_NS;
	if (o->log)
		np_source_soon(run->source);
	if (!err)
		err = np_run_timer(run, tick);
	if (!err && run->scope)
		np_scope_go(run->scope);
	if (!err)
		err = loop(run);
	/* what there was is judged and kept, whether anybody reads the rows or not */
	if (!err || (err == -EPIPE && is_wanted(run))) {
		int last = o->log                     ? np_log_tick(run, true)
			   : run->sink && !run->ended ? refresh(run, true)
						      : 0;

		err = err ? err : last;
	}
	return err;
}

uint64_t np_run_lost(const struct np_run *run, const struct np_source_stats *source)
{
	const struct np_opts *o = run->opts;
	unsigned int needs = np_view_needs(&o->view) | np_checks_needs(o->judged);

	return np_trust_lost(source, run->flows, needs & NP_NEED_RTT);
}

/* Of a capture: packets that it has too little of to know whose they are. No loss of ours. */
static uint64_t warn_cut_short(const struct np_run *run, int err)
{
	uint64_t n = np_flows_stats(run->flows)->packets_of[NP_DECODE_SHORT];

	if (n && err != -EPIPE)
		np_log(NP_LOG_WARN,
		       "%llu packets were cut too short to tell whose they are, and are not "
		       "counted; a larger snap length keeps their headers",
		       (unsigned long long)n);
	return n;
}

static void say_lost(struct np_run *run, uint64_t lost)
{
	if (np_file_is_capture(run->opts->file))
		np_err_set(&run->opts->err, 0,
			   "for %llu segments there was no room, so the numbers are not exact; "
			   "--stats says where",
			   (unsigned long long)lost);
	else
		np_err_set(&run->opts->err, 0,
			   "%llu records were lost, so the numbers are too low; --stats says "
			   "where, a larger --ring-size or --udp-max may help",
			   (unsigned long long)lost);
}

/* What the run has come to by itself, before checks. */
static int status_of(struct np_run *run, int err, uint64_t lost)
{
	if (err == -EPIPE)
		return NP_EXIT_OK; /* the reader has seen enough */
	if (err && err == run->write_err)
		return np_run_fail(run, NP_EXIT_INCONCLUSIVE, "cannot write the output", err);
	if (err)
		return np_run_fail(run, NP_EXIT_CANNOT, "stopped", err);
	if (run->play && np_play_damaged(run->play, &run->opts->err))
		return NP_EXIT_USAGE;
	if (lost && run->sink) {
		say_lost(run, lost);
		return NP_EXIT_INCONCLUSIVE;
	}
	return NP_EXIT_OK;
}

/* The command's own status, once it has ended: with --duration or --count it goes on without us. */
static int end_command(struct np_run *run, int status)
{
	np_linger_tell(run);
	/* that our rows found no reader, or no room, is no reason not to run it */
	if (!status || run->write_err)
		np_scope_go(run->scope);
	/* nothing of ours runs in the kernel meanwhile */
	np_source_close(run->source);
	run->source = NULL;
	return np_scope_wait(run->scope, run->signals);
}

/* The end: the trust record where it is asked for, and a word where something was lost. */
static int finish(struct np_run *run, int err)
{
	struct np_source_stats source;
	struct np_err bad = { "" };
	uint64_t lost, cut_short;
	int cut, status;

	if (!err && run->output && !run->unread)
		err = run->write_err = np_output_end(run->output);
	np_run_source_stats(run, &source);
	lost = np_run_lost(run, &source);
	status = status_of(run, err, lost);
	np_tui_close(run->tui);
	run->tui = NULL;
	cut_short = warn_cut_short(run, err);
	cut = np_recording_end(run->recording, &bad);
	if (cut && !status) {
		run->opts->err = bad;
		status = NP_EXIT_INCONCLUSIVE;
	}
	run->stats.forgotten = np_view_forgotten(run->view);
	if (run->base && (!err || (err == -EPIPE && run->opts->keep[0])))
		status = np_base_finish(run->base, run, lost, status);
	if (run->sums && run->opts->log && err != -EPIPE)
		np_sums_print(run->sums);
	if (run->opts->sample > 1 && run->sink && err != -EPIPE)
		np_trust_sample(&source, run->flows, run->opts->sample);
	status = np_checks_judge(run->opts->judged, lost + cut_short, status);
	np_flows_next(run->flows); /* what ended without an owner is counted as it goes */
	if (run->opts->stats)
		np_trust_print(&source, run->flows, &run->stats);
	return status;
}

int np_run(struct np_opts *opts)
{
	struct np_run run = { .opts = opts,
			      .epoll = -1,
			      .signals = -1,
			      .timer = -1,
			      .interval_ns = opts->interval_ns };
	int status = 0, command;

	gethostname(run.host, sizeof(run.host) - 1);
	/* before anything of ours is what it would inherit */
	if (opts->command)
		status = np_scope_start(&run.scope, opts);
	if (!status)
		status = np_run_start(&run);
	if (!status) {
		status = finish(&run, run.play ? np_play(&run) : go(&run));
		command = run.scope ? end_command(&run, status) : 0;
		/* where we have nothing to say the command's counts */
		if (!status)
			status = command;
	}
	np_run_stop(&run);
	return status;
}
