// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Setting up and taking down a run. */
#include <errno.h>
#include <langinfo.h>
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
#include "app/priv.h"
#include "app/session.h"
#include "base/log.h"
#include "flow/detail.h"
#include "meta/who.h"
#include "source/listen.h"

#define OVERFLOWS (1U << (NP_EVENT_ANOMALY + NP_AN_LISTEN_OVERFLOW))

uint64_t np_run_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int np_run_fail(struct np_run *run, int status, const char *what, int err)
{
	np_err_set(&run->opts->err, 0, "%s: %s", what, strerror(-err));
	return status;
}

static void on_record(void *ctx, const void *rec, size_t len)
{
	struct np_run *run = ctx;

	np_flows_record(run->flows, rec, len);
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
	const struct np_run *run = ctx;

	return np_source_stack(run->source, id);
}

static void on_opened(void *ctx, struct np_row *row)
{
	struct np_run *run = ctx;

	np_who_fill(run->meta, row);
}

static bool listen_drops(void *ctx, uint32_t pid, uint32_t netns, uint64_t *drops)
{
	(void)ctx;
	return np_listen_drops(pid, netns, drops);
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
		.opened = needs & (NP_NEED_CGROUP | NP_NEED_CMDLINE) ? on_opened : NULL,
		.ctx = run,
	};

	int err = np_flows_set(run->flows, &cfg);

	if (err)
		return np_run_fail(run, NP_EXIT_CANNOT, "cannot name applications", err);
	np_flows_udp_by_socket(run->flows, np_source_udp_by_socket(run->source));
	np_flows_by_address(run->flows, np_source_by_address(run->source));
	return 0;
}

#define LOG_RING (8 * 1024 * 1024)

static int open_source(struct np_run *run)
{
	struct np_opts *o = run->opts;
	struct np_source_cfg cfg = {
		.want = np_run_wanted(o, &o->view),
		.iface_hook = o->iface_hook,
		.udp_hook = o->udp_hook,
		/* between two looks at a log as much may come */
		.ring_size = o->ring_size ? o->ring_size
			     : o->log     ? LOG_RING
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
	run->want = cfg.want;
	if (np_source_open(&run->source, &cfg, &o->err))
		return NP_EXIT_CANNOT;
	return set_flows(run);
}

static int open_output(struct np_run *run)
{
	struct np_opts *o = run->opts;
	struct np_format fmt = { o->units, !strcmp(nl_langinfo(CODESET), "UTF-8") };

	if (!strcmp(o->sink, "tui")) {
		if (np_tui_open(&run->tui, &o->view, &fmt, &o->err))
			return NP_EXIT_CANNOT;
		return 0;
	}
	if (np_sink_new(&run->sink, o->sink,
			&(struct np_sink_cfg){ .out = stdout,
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
	if (!err)
		err = watch(run, np_source_fd(run->source), EV_RING);
	if (!err && run->tui)
		err = watch(run, STDIN_FILENO, EV_KEYS);
	/* a file (EPERM) has no reader */
	if (!err && run->sink)
		watch(run, STDOUT_FILENO, EV_OUTPUT);
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
				    .cmdline = needs & NP_NEED_CMDLINE,
				    .cgroup = needs & NP_NEED_CGROUP || screen };
	int err;

	if (np_meta_new(&run->meta, &meta, &o->err))
		return NP_EXIT_CANNOT;
	err = np_flows_new(&run->flows, np_who_release, run->meta);
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
		err = open_source(run);
	if (err)
		return err;
	err = np_priv_drop();
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
	np_source_close(run->source);
	np_checks_end(run->opts->judged);
	np_sums_free(run->sums);
	np_base_free(run->base);
	np_view_free(run->view);
	np_flows_free(run->flows);
	np_meta_free(run->meta);
	if (run->epoll >= 0)
		close(run->epoll);
	if (run->signals >= 0)
		close(run->signals);
	if (run->timer >= 0)
		close(run->timer);
	if (run->masked)
		sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
}
