// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * A file in place of the kernel. A record brings its own looks; a capture has packets only, so the
 * looks are made here, by the time of the packets.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "app/played.h"
#include "app/session.h"
#include "base/clock.h"

#define ITEMS_BETWEEN 1024 /* so often signals and keys are looked for */
#define IDLE_LOOKS    3600 /* of a table in a gap between packets; what is longer is jumped over */

struct np_play {
	const struct np_rec_head *head; /* NULL: a capture */
	struct np_played names;
	struct np_file *file; /* opts' */
	struct np_err damage;
	bool started, damaged;
	bool ended_early;  /* by a signal or a key */
	bool last;         /* the look that began is the last one */
	bool came;         /* something came in since the look before */
	bool looking;      /* a look began and has not ended */
	bool walked;       /* of the last look: `walk_end` waits, as another walk may follow */
	double speed;      /* 0: as fast as it goes */
	uint64_t first_ns; /* the file's clock: its first look or packet, ... */
	uint64_t now_ns;   /* ... and where it has come to, */
	uint64_t end_ns;   /* where --duration ends; 0: nowhere */
	uint64_t look_ns;  /* capture: when the next look is due */
	uint64_t step_ns;  /* and how long after the one before */
	uint64_t began_ns; /* our clock at first_ns; moved by pauses */
	uint64_t items;
	struct np_ev_walk walk_end;
};

int np_play_open(struct np_run *run)
{
	const struct np_opts *o = run->opts;
	struct np_play *p = calloc(1, sizeof(*p));

	if (!p)
		return np_run_fail(run, NP_EXIT_CANNOT, "cannot start", -ENOMEM);
	p->file = o->file;
	p->head = np_file_head(o->file);
	if (p->head)
		run->interval_ns = p->head->interval_ns;
	p->speed = run->tui && o->speed <= 0 ? 1 : o->speed;
	run->play = p;
	return 0;
}

void np_play_close(struct np_play *p)
{
	if (p)
		np_played_free(&p->names);
	free(p);
}

struct np_played *np_play_names(struct np_play *p)
{
	return &p->names;
}

bool np_play_damaged(const struct np_play *p, struct np_err *err)
{
	if (p->damaged)
		*err = p->damage;
	return p->damaged;
}

void np_run_source_stats(struct np_run *run, struct np_source_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	if (run->source)
		np_source_stats(run->source, stats);
	else if (run->play)
		*stats = run->play->names.stats;
}

static int on_event(struct np_run *run, enum event ev)
{
	uint64_t ticks;

	switch (ev) {
	case EV_SIGNAL:
		return np_run_signal(run);
	case EV_KEYS:
		return np_screen_keys(run);
	case EV_OUTPUT:
		return np_run_unread(run);
	case EV_TICK: /* a key that changed the interval has set the timer */
		while (read(run->timer, &ticks, sizeof(ticks)) == (ssize_t)sizeof(ticks))
			;
		return 0;
	case EV_RING:
	case EV_COMMAND:
		break;
	}
	return 0;
}

/* What has happened, or will within so many milliseconds; -1: as long as it takes. */
static int events(struct np_run *run, int ms)
{
	struct epoll_event events[8];
	int n = epoll_wait(run->epoll, events, 8, ms), err = 0;

	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n && !err && !run->stop; i++) {
		err = on_event(run, (enum event)events[i].data.u32);
		run->play->ended_early |= run->stop;
	}
	return err;
}

static int pause_play(struct np_run *run)
{
	uint64_t since = np_clock_mono();
	int err = events(run, -1);

	run->play->began_ns += np_clock_mono() - since;
	return err;
}

/* Until the file's clock shows TS_NS, at --speed; or until the run is told to stop. */
static int wait_until(struct np_run *run, uint64_t ts_ns)
{
	const struct np_play *p = run->play;
	int err = 0;

	if (p->speed <= 0)
		return events(run, 0);
	while (!err && !run->stop) {
		double after = ts_ns > p->first_ns ? (double)(ts_ns - p->first_ns) / p->speed : 0;
		double left = after - (double)(np_clock_mono() - p->began_ns);

		if (run->tui && np_tui_paused(run->tui))
			err = pause_play(run);
		else if (left <= 0)
			return events(run, 0);
		else
			err = events(run, left < 1e6 * INT_MAX ? (int)(left / 1e6) + 1 : INT_MAX);
	}
	return err;
}

static void start(struct np_run *run, uint64_t ts_ns)
{
	struct np_play *p = run->play;

	p->started = true;
	p->first_ns = p->now_ns = ts_ns;
	p->began_ns = np_clock_mono();
	if (run->opts->duration_ns &&
	    __builtin_add_overflow(ts_ns, run->opts->duration_ns, &p->end_ns))
		p->end_ns = 0; /* nowhere */
}

static bool last_of_count(const struct np_run *run)
{
	const struct np_opts *o = run->opts;

	return !o->log && !o->at_end && o->count && run->stats.refreshes + 1 >= o->count;
}

/* A look, whose records have come in. */
static int show(struct np_run *run, bool last)
{
	uint64_t began = np_clock_mono();
	int err;

	run->ended = last;
	run->play->came = false;
	err = np_run_show(run, last);
	np_run_took(run, np_clock_mono() - began);
	return err;
}

static void walk(struct np_run *run, uint64_t ts_ns)
{
	struct np_ev_walk r = { .hdr = { .type = NP_EV_WALK, .size = sizeof(r) },
				.mono_ns = ts_ns,
				.wall_ns = ts_ns,
				.begin = 1 };

	np_flows_record(run->flows, &r, sizeof(r));
	r.begin = 0;
	np_flows_record(run->flows, &r, sizeof(r));
}

static int look_at_capture(struct np_run *run, uint64_t ts_ns, bool last)
{
	np_run_begin(run, last);
	walk(run, ts_ns);
	return show(run, last);
}

/* The first packet: from here on things are counted. */
static void start_capture(struct np_run *run, uint64_t ts_ns)
{
	const struct np_opts *o = run->opts;
	struct np_play *p = run->play;

	start(run, ts_ns);
	walk(run, ts_ns);
	run->shown = true; /* with it the first interval begins */
	p->step_ns = run->interval_ns;
	if (o->log && p->step_ns > NP_LOG_TICK_NS)
		p->step_ns = NP_LOG_TICK_NS;
	/* groups add up what has ended, so it need not be kept; single connections are all shown */
	p->look_ns = o->at_end && o->view.ones ? UINT64_MAX : ts_ns + p->step_ns;
}

/* In a gap between packets a log has nothing to tell, and a table shows that nothing moves. */
static void skip_gap(struct np_run *run, uint64_t ts_ns)
{
	struct np_play *p = run->play;
	uint64_t looks = (ts_ns - p->look_ns) / p->step_ns;

	if (!p->came && (run->opts->log || run->opts->at_end || looks > IDLE_LOOKS))
		p->look_ns += looks * p->step_ns;
}

/* The looks that are due before TS_NS. */
static int advance(struct np_run *run, uint64_t ts_ns)
{
	struct np_play *p = run->play;
	bool over = p->end_ns && ts_ns >= p->end_ns;
	uint64_t until = over ? p->end_ns : ts_ns;
	int err = 0;

	/* a packet of that very moment belongs to the look */
	while (!err && !run->stop && (over ? p->look_ns <= until : p->look_ns < until)) {
		bool last = last_of_count(run) || (over && p->look_ns + p->step_ns > until);

		err = wait_until(run, p->look_ns);
		if (err || run->stop)
			break;
		err = look_at_capture(run, p->look_ns, last);
		run->stop |= last;
		p->now_ns = p->look_ns;
		if (!run->opts->log)
			p->step_ns = run->interval_ns; /* a key may have changed it */
		p->look_ns += p->step_ns;
		if (p->look_ns < until)
			skip_gap(run, until);
	}
	if (run->stop)
		return err;
	p->now_ns = until;
	run->stop = over;
	return err;
}

static int take_packet(struct np_run *run, const struct np_packet *packet)
{
	struct np_play *p = run->play;
	int err = 0;

	if (!p->started)
		start_capture(run, packet->ts_ns);
	/* time that goes backwards stands still */
	if (packet->ts_ns > p->now_ns)
		err = advance(run, packet->ts_ns);
	if (err || run->stop)
		return err;
	p->came = true;
	np_run_begin(run, false);
	np_flows_packet(run->flows, packet);
	return 0;
}

/* --duration ends what is longer; a record that was made with the same ends by itself. */
static bool is_over(const struct np_run *run, uint64_t ts_ns)
{
	const struct np_play *p = run->play;
	uint64_t near = run->opts->log ? 0 : p->head->interval_ns / 4;

	if (!p->end_ns || (p->head->duration_ns && run->opts->duration_ns >= p->head->duration_ns))
		return false;
	return ts_ns + near >= p->end_ns;
}

/* The end of a walk that waited, if there is one. */
static void end_walk(struct np_run *run)
{
	struct np_play *p = run->play;

	if (p->walked)
		np_flows_record(run->flows, &p->walk_end, sizeof(p->walk_end));
	p->walked = false;
}

static int begin_look(struct np_run *run, const struct np_item *item)
{
	struct np_play *p = run->play;
	int err;

	if (!p->started)
		start(run, item->ts_ns);
	p->looking = true;
	p->now_ns = item->ts_ns;
	err = wait_until(run, item->ts_ns);
	if (err || run->stop)
		return err;
	p->last = item->last || last_of_count(run) || is_over(run, item->ts_ns);
	end_walk(run);
	np_run_begin(run, false);
	return 0;
}

/*
 * Where a command has ended, a look is several walks, and only the last one of the last look ends
 * what is not there any more: an end of a walk waits for what comes next.
 */
static void take_walk_end(struct np_run *run, const struct np_ev_walk *r)
{
	struct np_play *p = run->play;

	p->came = true;
	if (p->looking && p->last) {
		p->walk_end = *r;
		p->walked = true;
		return;
	}
	np_flows_record(run->flows, r, sizeof(*r));
	/* what there was before a command ran: with it the first interval begins, as it did then */
	if (!p->looking)
		run->shown = true;
}

static int take_record(struct np_run *run, const struct np_item *item)
{
	const struct np_ev_hdr *hdr = item->rec;
	const struct np_ev_walk *r = item->rec;

	if (hdr->type >= NP_REC_BEGIN) {
		np_played_take(&run->play->names, run->opts, run->meta, item->rec, item->len);
		return 0;
	}
	/* nobody asked for what is in them */
	if (hdr->type == NP_EV_PACKET && !(run->want & NP_SRC_PEEK && run->opts->tool->l7))
		return 0;
	end_walk(run);
	np_run_begin(run, false);
	if (hdr->type == NP_EV_WALK && !r->begin)
		take_walk_end(run, r);
	else
		np_flows_record(run->flows, item->rec, item->len);
	return 0;
}

/* A log looks more often than it walks: only what was walked is a table. */
static int end_look(struct np_run *run, const struct np_item *item)
{
	struct np_play *p = run->play;
	int err;

	p->looking = false;
	if (p->last)
		np_run_begin(run, true);
	end_walk(run);
	if (!run->opts->log && !p->came && !p->last)
		return 0;
	err = show(run, p->last);
	/* the file's own last one is followed by what was lost */
	run->stop |= p->last && !item->last;
	return err;
}

static int take(struct np_run *run, const struct np_item *item)
{
	if (!(++run->play->items % ITEMS_BETWEEN)) {
		int err = events(run, 0);

		if (err || run->stop)
			return err;
	}
	switch (item->kind) {
	case NP_ITEM_PACKET:
		return take_packet(run, &item->packet);
	case NP_ITEM_RECORD:
		return take_record(run, item);
	case NP_ITEM_BEGIN:
		return begin_look(run, item);
	case NP_ITEM_LOOK:
		return end_look(run, item);
	}
	return 0;
}

/*
 * The file has ended, or the run was told to: what came in since the last look is shown. A table of
 * each interval has shown what was whole.
 */
static int show_rest(struct np_run *run)
{
	const struct np_play *p = run->play;
	const struct np_opts *o = run->opts;

	if (run->ended || (run->tui && run->stop) || (o->log && o->count && run->rows >= o->count))
		return 0;
	if (np_file_is_capture(p->file) && p->started)
		return look_at_capture(run, p->now_ns, true);
	if (!o->log && !o->at_end && run->stats.refreshes)
		return 0;
	np_run_begin(run, true);
	end_walk(run);
	return show(run, true);
}

/* A recording that ended with the same row tells only now what it lost. */
static int drain(struct np_run *run)
{
	struct np_play *p = run->play;
	struct np_item item;
	int got;

	while ((got = np_file_next(p->file, &item, &p->damage)) > 0) {
		const struct np_ev_hdr *hdr = item.rec;

		if (item.kind != NP_ITEM_RECORD || hdr->type < NP_REC_BEGIN)
			break;
		take_record(run, &item);
	}
	return got;
}

int np_play(struct np_run *run)
{
	struct np_play *p = run->play;
	struct np_item item;
	int err = 0, got = 1;

	while (!err && !run->stop && (got = np_file_next(p->file, &item, &p->damage)) > 0)
		err = take(run, &item);
	if (!err && got > 0 && p->head && !p->ended_early)
		got = drain(run);
	/* a pipe whose writer was not waited for any longer is not damaged */
	if (!err && got < 0)
		err = events(run, 0);
	p->damaged = got < 0 && !p->ended_early;
	if (!err)
		err = show_rest(run);
	/* on the screen the last look stays until somebody has seen enough */
	if (!err && run->tui && !run->stop) {
		np_tui_message(run->tui, p->damaged ? p->damage.msg : "the file has ended");
		np_screen_draw(run);
	}
	while (!err && run->tui && !run->stop)
		err = events(run, -1);
	return err;
}
