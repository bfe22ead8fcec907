/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One run, from its start to its end: what it is made of, and what its files share. run.c loops,
 * start.c sets up and takes down, screen.c turns keys into settings. Internal to app/.
 */
#ifndef NP_SESSION_H
#define NP_SESSION_H

#include <signal.h>

#include "app/output.h"
#include "app/recording.h"
#include "app/run.h"
#include "app/scope.h"
#include "sink/sink.h"
#include "sink/tui.h"

enum event { EV_SIGNAL, EV_TICK, EV_RING, EV_KEYS, EV_OUTPUT, EV_COMMAND };

struct np_run {
	struct np_opts *opts;
	struct np_source *source; /* NULL where a file stands in for it: play */
	struct np_play *play;
	struct np_recording *recording; /* NULL: none */
	struct np_flows *flows;
	struct np_meta *meta;
	struct np_view *view;
	struct np_sink *sink;
	struct np_output *output;   /* of the sink */
	struct np_scope *scope;     /* -- COMMAND; NULL: none */
	struct np_members *members; /* what belongs to it */
	struct np_tui *tui;
	int epoll, signals, timer;
	sigset_t old_mask;
	uint64_t interval_ns;
	struct np_run_stats stats;
	uint64_t end_ns; /* CLOCK_MONOTONIC; 0: none */
	unsigned int want;
	char host[65];
	uint64_t walk_ns;        /* log: when the next walk is due */
	uint64_t asked_ns;       /* log: not before this for the sake of an owner */
	uint64_t soon_ns;        /* log: when the next record may wake us; 0: now */
	uint64_t linger_end_ns;  /* the command has ended, and this is --linger's end; 0: not yet */
	uint64_t linger_next_ns; /* when what it left is looked at again */
	uint64_t rows;           /* written to the log */
	uint64_t anomalies, alarm_ns; /* log: records of them so far; no alarm from then on */
	struct np_sums *sums;
	struct np_base *base; /* NULL: nothing to compare with, and nothing to keep */
	bool stop, masked;
	bool shown;  /* the interval was shown, nothing newer came in */
	bool ended;  /* the last refresh was made */
	bool unread; /* the output's reader has gone, and the run goes on without it */
	int write_err;
};

/* NP_SRC_* that must run for these columns and this filter. */
unsigned int np_run_wanted(const struct np_opts *opts, const struct np_view_cfg *cfg);
/* Sets the sentence "WHAT: strerror(-err)"; returns STATUS. */
int np_run_fail(struct np_run *run, int status, const char *what, int err);
int np_run_timer(struct np_run *run, uint64_t ns);

/* Opens everything; an exit status with run->opts->err. np_run_stop() takes down what was opened.
 */
int np_run_start(struct np_run *run);
void np_run_stop(struct np_run *run);

/*
 * A look is: np_run_begin(), records into the flow table, np_run_show(). LAST: no other follows.
 * 0, or -errno, with run->write_err the same where it was the output's.
 */
void np_run_begin(struct np_run *run, bool last);
int np_run_show(struct np_run *run, bool last);

/*
 * The output's reader has gone: 0 where the run goes on to its own end without writing, since
 * something of it is judged or kept; else -EPIPE.
 */
int np_run_unread(struct np_run *run);

/* One more refresh, which took so long. */
void np_run_took(struct np_run *run, uint64_t ns);
/* What waits at run->signals: 0, or -errno. */
int np_run_signal(struct np_run *run);
/* What was lost of what this run looks at; SOURCE: np_run_source_stats(). */
uint64_t np_run_lost(const struct np_run *run, const struct np_source_stats *source);
/* Of the source, or of the one that a record was made from. */
void np_run_source_stats(struct np_run *run, struct np_source_stats *stats);

/*
 * A file in place of the source (opts->file), played to its end: a record look by look, a capture
 * by looks that are made here, in the time of its packets.
 */
struct np_play;
int np_play_open(struct np_run *run); /* an exit status */
void np_play_close(struct np_play *play);
/* The record's names and answers; NULL: a capture, or no file. */
struct np_played *np_play_names(struct np_play *play);
int np_play(struct np_run *run); /* 0, or -errno as of a loop */
/* The file was damaged; ERR says how. */
bool np_play_damaged(const struct np_play *play, struct np_err *err);
/* The records of a walk; 0 or -errno. */
int np_run_walk(struct np_run *run);

/* linger.c: the command has ended; a look at what it left where one is due, which may end the run;
 * in the end, what lives on. */
void np_linger_begin(struct np_run *run);
int np_linger(struct np_run *run);
void np_linger_tell(struct np_run *run);

/* One time the log is written: what has queued up, and a walk where one is due. */
int np_log_tick(struct np_run *run, bool last);
#define NP_LOG_TICK_NS 200000000ULL

/* What ended, told at the end: how many, how much, with whom. */
struct np_sums;
int np_sums_new(struct np_sums **out, const struct np_opts *opts, struct np_meta *meta);
void np_sums_free(struct np_sums *sums);
int np_sums_add(struct np_sums *sums, const struct np_view *view, struct np_flows *flows);
void np_sums_print(struct np_sums *sums);

void np_screen_draw(struct np_run *run);
int np_screen_keys(struct np_run *run);
void np_screen_suspend(struct np_run *run);

#endif
