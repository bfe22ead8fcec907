// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Setting up and taking down a run. */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "app/baseline.h"
#include "app/check.h"
#include "app/played.h"
#include "app/priv.h"
#include "app/session.h"
#include "base/log.h"
#include "base/str.h"
#include "flow/detail.h"
#include "meta/who.h"
#include "source/listen.h"
#include "source/reason.h"

#define OVERFLOWS (1U << (NP_EVENT_ANOMALY + NP_AN_LISTEN_OVERFLOW))

int np_run_fail(struct np_run *run, int status, const char *what, int err)
{
	np_err_set(&run->opts->err, 0, "%s: %s", what, strerror(-err));
	return status;
}

static void on_record(void *ctx, const void *rec, size_t len)
{
	struct np_run *run = ctx;

	np_flows_record(run->flows, rec, len);
	/* after the names that it needed */
	np_recording_take(run->recording, rec, len);
}

/* What must run for these columns and this filter. */
unsigned int np_run_wanted(const struct np_opts *opts, const struct np_view_cfg *cfg)
{
	static const struct {
		unsigned int need, source;
	} also[] = { { NP_NEED_CGROUP, NP_SRC_CGROUP },
		     { NP_NEED_LIFE, NP_SRC_LIFE },
		     { NP_NEED_RTT, NP_SRC_RTT },
		     { NP_NEED_TURN, NP_SRC_TURN },
		     { NP_NEED_PEEK, NP_SRC_PEEK } };
	unsigned int needs = np_view_needs(cfg) | np_checks_needs(opts->judged);
	unsigned int want = opts->mode->want | np_checks_sources(opts->judged);

	if (cfg->kind == NP_COL_IFACE)
		return NP_SRC_IFACE;
	if (opts->command)
		want |= NP_SRC_TREE | NP_SRC_CGROUP;
	if (!np_filter_wants(cfg->filter, IPPROTO_ICMP))
		want &= (unsigned int)~NP_SRC_ICMP;
	if (!np_filter_wants(cfg->filter, IPPROTO_UDP) && !(want & NP_SRC_ICMP))
		want &= (unsigned int)~NP_SRC_UDP;
	if (!np_filter_wants(cfg->filter, IPPROTO_TCP) && (want & NP_SRC_UDP))
		want &= (unsigned int)~(NP_SRC_TCP | NP_SRC_LIFE);
	for (size_t i = 0; i < sizeof(also) / sizeof(also[0]); i++)
		if (needs & also[i].need)
			want |= also[i].source;
	if (opts->told & 1U << NP_EVENT_STATE)
		want |= NP_SRC_STATES;
	if (opts->told & 1U << NP_EVENT_OPEN)
		want |= NP_SRC_OPEN;
	/* a SYN-ACK is its listener's */
	if (opts->told & (OVERFLOWS | 1U << (NP_EVENT_ANOMALY + NP_AN_SYNACK_RETRANS)))
		want |= NP_SRC_LISTEN;
	return want;
}

static const char *stack_text(void *ctx, int32_t id)
{
	struct np_run *run = ctx;

	if (run->play)
		return np_played_text(np_play_names(run->play), NP_REC_STACK, (uint32_t)id);
	return np_recording_text(run->recording, NP_REC_STACK, (uint32_t)id,
				 np_source_stack(run->source, id));
}

static const char *reason_text(void *ctx, bool reset, uint32_t reason)
{
	enum np_rec_type type = reset ? NP_REC_RESET_REASON : NP_REC_DROP_REASON;
	struct np_run *run = ctx;

	if (run->play)
		return np_played_text(np_play_names(run->play), type, reason);
	return np_recording_text(run->recording, type, reason,
				 reset ? np_reason_reset(reason) : np_reason_drop(reason));
}

static void on_opened(void *ctx, struct np_row *row)
{
	struct np_run *run = ctx;

	np_who_fill(run->meta, row);
}

static bool listen_drops(void *ctx, uint32_t pid, uint32_t netns, uint64_t *drops)
{
	struct np_run *run = ctx;
	bool known;

	if (run->play)
		return np_played_drops(np_play_names(run->play), pid, netns, drops);
	known = np_listen_drops(pid, netns, drops);
	np_recording_drops(run->recording, pid, netns, known, known ? *drops : 0);
	return known;
}

/* How its sockets are told apart: as it is here, or was where the record was made. */
static void set_keys(struct np_flows_cfg *cfg, const struct np_run *run)
{
	const struct np_rec_head *head = np_file_head(run->opts->file);

	if (run->source) {
		cfg->udp_by_socket = np_source_udp_by_socket(run->source);
		cfg->by_address = np_source_by_address(run->source);
	} else if (head) {
		cfg->udp_by_socket = head->flags & NP_REC_F_UDP_BY_SOCKET;
		cfg->by_address = head->flags & NP_REC_F_BY_ADDRESS;
	}
}

/* What packets are to be timed for. */
static uint32_t times_for(unsigned int needs)
{
	return (needs & NP_NEED_RTT ? 1U << NP_HIST_RTT : 0) |
	       (needs & NP_NEED_TURN ? 1U << NP_HIST_SRT | 1U << NP_HIST_ART : 0);
}

static int set_flows(struct np_run *run)
{
	const struct np_opts *o = run->opts;
	unsigned int needs = np_view_needs(&o->view) | np_checks_needs(o->judged);
	struct np_flows_cfg cfg = {
		.life = o->mode->want & NP_SRC_LIFE && o->view.kind == NP_COL_EVENT,
		.syn = np_checks_needs(o->judged) & NP_NEED_LIFE,
		/* on the screen any column is a key away */
		.side = run->tui || (needs & NP_NEED_SIDE),
		.log = o->view.kind == NP_COL_EVENT ? o->told : 0,
		.anomalies = o->told >> NP_EVENT_ANOMALY,
		.walks_only = !(run->want & NP_SRC_TCP),
		.udp_idle_ns = o->udp_idle_ns,
		.sample = o->sample,
		.l7 = run->want & NP_SRC_PEEK ? o->tool->l7 : NULL,
		.stack = o->stack ? stack_text : NULL,
		.listen_drops = o->told & OVERFLOWS ? listen_drops : NULL,
		.reason = reason_text,
		.opened =
		    o->view.named || needs & (NP_NEED_CGROUP | NP_NEED_CMDLINE) ? on_opened : NULL,
		.packets = np_file_is_capture(o->file),
		/* by the program, not by run->want: on the screen another filter is a key away */
		.no_udp = !(o->mode->want & NP_SRC_UDP),
		.no_icmp = !(o->mode->want & NP_SRC_ICMP),
		.members = run->members,
		.times = run->tui ? UINT32_MAX : times_for(needs),
		.locals = o->prefixes,
		.nlocals = o->prefixes ? o->locals.n : 0,
		.ctx = run,
	};

	int err;

	set_keys(&cfg, run);
	err = np_flows_set(run->flows, &cfg);
	return err ? np_run_fail(run, NP_EXIT_CANNOT, "cannot name applications", err) : 0;
}

/* A file takes the place of the kernel. */
static int open_file(struct np_run *run)
{
	const struct np_rec_head *head = np_file_head(run->opts->file);
	unsigned int want = np_run_wanted(run->opts, &run->opts->view);
	int status = head ? np_played_check(head, run->opts, want) : np_played_capture(run->opts);

	if (status)
		return status;
	run->want = head ? head->want & (want | ~(unsigned int)NP_SRC_PEEK) : want;
	if (head)
		memcpy(run->host, head->host, sizeof(head->host));
	status = np_play_open(run);
	return status ? status : set_flows(run);
}

#define LOG_RING (8 * 1024 * 1024)

static int open_source(struct np_run *run)
{
	struct np_opts *o = run->opts;
	struct np_source_cfg cfg = {
		.want = np_run_wanted(o, &o->view),
		.iface_hook = o->iface_hook,
		.udp_hook = o->udp_hook,
		/* between two looks at a log as much may come; and what is judged or kept should
		 * not be lost for want of some memory */
		.ring_size = o->ring_size                                       ? o->ring_size
			     : o->log || o->command || o->checks.n || o->record ? LOG_RING
										: 0,
		.udp_entries = o->udp_entries,
		.anomalies = o->told >> NP_EVENT_ANOMALY,
		.stacks = o->stack,
		.sample = o->sample,
		.run_stats = o->stats,
		.record = on_record,
		.ctx = run,
	};

	/* on the screen any view is a key away */
	if (run->tui) {
		cfg.want |= NP_SRC_CGROUP;
		cfg.may_want = cfg.want;
		if (o->mode->topic == &np_topic_traffic)
			cfg.may_want |= NP_SRC_TCP | NP_SRC_UDP | NP_SRC_IFACE;
	}
	if (run->recording && o->view.kind != NP_COL_IFACE)
		cfg.want |= NP_SRC_CGROUP; /* other columns may be wanted of the file */
	if (run->scope)
		np_scope_cfg(run->scope, &cfg);
	run->want = cfg.want;
	if (np_source_open(&run->source, &cfg, &o->err))
		return NP_EXIT_CANNOT;
	return set_flows(run);
}

static int open_output(struct np_run *run)
{
	struct np_opts *o = run->opts;
	struct np_format fmt = { o->units, np_str_utf8() };
	int status;

	if (!strcmp(o->sink, "tui")) {
		if (np_tui_open(&run->tui, &o->view, &fmt, &o->err))
			return NP_EXIT_CANNOT;
		return 0;
	}
	status = np_output_open(&run->output, o);
	if (status)
		return status;
	if (np_sink_new(&run->sink, o->sink,
			&(struct np_sink_cfg){ .out = np_output_file(run->output),
					       .header_every = o->header,
					       .histograms = o->histogram,
					       .fmt = fmt },
			&o->err))
		return NP_EXIT_CANNOT;
	return 0;
}

static int watch(struct np_run *run, int fd, enum event ev)
{
	/* of the output only whether its reader has gone, which epoll tells without being asked */
	struct epoll_event e = { .events = ev == EV_OUTPUT ? 0 : EPOLLIN, .data.u32 = ev };

	if (fd < 0)
		return 0;
	return epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

/* The terminal is given back before a fatal signal takes its course. */
static void on_fatal(int sig)
{
	np_tui_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void catch_fatal(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction sa = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &sa, NULL);
}

static int open_signals(struct np_run *run, bool screen)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (screen) {
		sigaddset(&set, SIGWINCH);
		sigaddset(&set, SIGTSTP);
		sigaddset(&set, SIGCONT);
		sigaddset(&set, SIGQUIT);
		catch_fatal();
	}
	if (run->scope) {
		/* what may be meant for the command, and that it has stopped */
		sigaddset(&set, SIGTSTP);
		sigaddset(&set, SIGQUIT);
		sigaddset(&set, SIGUSR1);
		sigaddset(&set, SIGUSR2);
		sigaddset(&set, SIGCHLD);
	}
	if (sigprocmask(SIG_BLOCK, &set, &run->old_mask))
		return -errno;
	run->masked = true;
	run->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return run->signals < 0 ? -errno : 0;
}

int np_run_timer(struct np_run *run, uint64_t ns)
{
	struct itimerspec its = {
		.it_interval = { (time_t)(ns / 1000000000ULL), (long)(ns % 1000000000ULL) },
	};

	its.it_value = its.it_interval;
	run->interval_ns = ns;
	return timerfd_settime(run->timer, 0, &its, NULL) ? -errno : 0;
}

static int open_loop(struct np_run *run)
{
	int err;

	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (run->epoll < 0 || run->timer < 0)
		return -errno;
	err = watch(run, run->signals, EV_SIGNAL);
	if (!err)
		err = watch(run, run->timer, EV_TICK);
	if (!err && run->source)
		err = watch(run, np_source_fd(run->source), EV_RING);
	if (!err && run->scope)
		err = watch(run, np_scope_fd(run->scope), EV_COMMAND);
	if (!err && run->tui)
		err = watch(run, STDIN_FILENO, EV_KEYS);
	/* a file (EPERM) has no reader */
	if (!err && run->sink)
		watch(run, np_output_fd(run->output), EV_OUTPUT);
	return err;
}

/* On the screen every grouping is a key away: all of them remember what ended. */
static void keep_groupings(struct np_run *run)
{
	for (size_t i = 0; i < np_ngroups; i++) {
		struct np_view_cfg cfg = run->opts->view;

		if (np_groups[i].kind == NP_COL_CONN && cfg.kind == NP_COL_CONN &&
		    *np_groups[i].by && !np_view_group(&cfg, np_groups[i].name, NULL))
			np_view_keep(run->view, &cfg);
	}
	np_view_set(run->view, &run->opts->view);
}

int np_run_start(struct np_run *run)
{
	struct np_opts *o = run->opts;
	unsigned int needs = np_view_needs(&o->view) | np_checks_needs(o->judged);
	bool screen = !strcmp(o->sink, "tui");
	struct np_meta_cfg meta = { .root = o->root,
				    .cmdline = needs & NP_NEED_CMDLINE || o->record,
				    .cgroup = needs & NP_NEED_CGROUP || screen || o->record,
				    .replay = o->file,
				    .learned = o->record ? np_recording_name : NULL };
	int err;

	if (o->record && np_recording_open(&run->recording, o))
		return NP_EXIT_USAGE;
	meta.ctx = run->recording;
	o->view.named = o->record;
	if (np_meta_new(&run->meta, &meta, &o->err))
		return NP_EXIT_CANNOT;
	err = np_flows_new(&run->flows, np_who_release, run->meta);
	/* a record may be of a run with a command */
	if (!err && (run->scope || o->file)) {
		o->whose.members = run->members = np_members_new(run->scope);
		err = run->members ? 0 : -ENOMEM;
	}
	if (!err)
		err = np_view_new(&run->view, &o->view, run->meta);
	if (!err)
		err = np_base_new(&run->base, o, run->meta);
	if (!err && o->mode->sums)
		err = np_sums_new(&run->sums, o, run->meta);
	if (!err)
		err = np_checks_begin(o->judged, run->meta);
	if (err)
		return np_run_fail(run, NP_EXIT_CANNOT, "cannot start", err);
	/* before the terminal is taken: from then on none of them may end the program */
	err = open_signals(run, screen);
	if (err)
		return np_run_fail(run, NP_EXIT_CANNOT, "cannot start", err);
	err = open_output(run);
	if (!err && run->tui)
		keep_groupings(run);
	if (!err)
		err = o->file ? open_file(run) : open_source(run);
	if (err)
		return err;
	if (run->source)
		np_recording_start(run->recording, o, run->source, run->want, run->host);
	err = np_priv_drop(run->scope);
	if (err)
		np_log(NP_LOG_WARN, "privileges are kept: %s", strerror(-err));
	/* the kernel's type information was read into memory that nobody needs any more */
	malloc_trim(0);
	err = open_loop(run);
	return err ? np_run_fail(run, NP_EXIT_CANNOT, "cannot start", err) : 0;
}

void np_run_stop(struct np_run *run)
{
	np_tui_close(run->tui);
	np_sink_free(run->sink);
	np_output_free(run->output);
	np_source_close(run->source);
	np_play_close(run->play);
	np_recording_close(run->recording);
	np_checks_end(run->opts->judged);
	np_sums_free(run->sums);
	np_base_free(run->base);
	np_view_free(run->view);
	np_flows_free(run->flows);
	np_members_free(run->members);
	np_meta_free(run->meta);
	np_scope_free(run->scope);
	if (run->epoll >= 0)
		close(run->epoll);
	if (run->signals >= 0)
		close(run->signals);
	if (run->timer >= 0)
		close(run->timer);
	if (run->masked)
		sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
}
