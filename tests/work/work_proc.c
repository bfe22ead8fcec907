// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): worker processes, their signals, names and pace. */
#include "work.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct crew {
	const struct work_run *run;
	pid_t *pids;
	int *ctl; /* write ends: a byte for each round, closed for the end */
	size_t n, alive, ready;
	int ready_pipe[2];
	int sigfd, ctlfd;
	int placeholder;
	int status;
};

uint64_t work_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void work_sleep_until(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / 1000000000u),
			       .tv_nsec = (long)(ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void work_pace(uint64_t start, uint64_t n, uint32_t rate)
{
	if (!rate)
		return;
	work_sleep_until(start + n * 1000000000u / rate);
}

void work_set_comm(const char *comm)
{
	if (comm[0])
		prctl(PR_SET_NAME, comm);
}

int work_signal_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? work_fail("signalfd") : fd;
}

/* Whether one of the signals that end a worker has come; takes all that wait. */
bool work_signalled(int sigfd)
{
	struct signalfd_siginfo si;
	bool end = false;

	while (read(sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo != SIGCHLD)
			end = true;
	}
	return end;
}

void work_mortal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/*
 * Where a hold takes its rounds from. A shell gives background jobs /dev/null, whose end of file
 * means nothing: only a pipe, a socket or a terminal is somebody who speaks to us.
 */
static int control_fd(void)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0)
		return -1;
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(STDIN_FILENO))
		return STDIN_FILENO;
	return -1;
}

void work_ready(struct work_ctx *ctx, uint16_t port)
{
	if (ctx->readyfd < 0) {
		pid_t self = getpid();

		work_print_ready(port, &self, 1);
		return;
	}
	if (write(ctx->readyfd, &port, sizeof(port)) != (ssize_t)sizeof(port))
		work_fail("cannot say ready");
}

bool work_next_round(struct work_ctx *ctx)
{
	struct pollfd p[2] = { { .fd = ctx->sigfd, .events = POLLIN },
			       { .fd = ctx->ctlfd, .events = POLLIN } };

	for (;;) {
		char c;

		if (poll(p, 2, -1) < 0)
			return false;
		if (p[0].revents && work_signalled(ctx->sigfd))
			return false;
		if (!p[1].revents)
			continue;
		/* Byte by byte: a pipe may hold the lines of later rounds. */
		if (read(ctx->ctlfd, &c, 1) <= 0)
			return false;
		if (c == '\n')
			return true;
	}
}

static _Noreturn void run_child(struct crew *crew, uint32_t index, int ctlfd, pid_t parent)
{
	/* However the parent ends, its workers end too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close(crew->sigfd);
	close(crew->ready_pipe[0]);
	if (crew->placeholder >= 0)
		close(crew->placeholder);
	for (uint32_t i = 0; i < index; i++)
		close(crew->ctl[i]);

	struct work_ctx ctx = { .o = crew->run->o,
				.index = index,
				.sigfd = work_signal_fd(),
				.ctlfd = ctlfd,
				.readyfd = crew->ready_pipe[1],
				.listener = crew->run->listener };
	work_set_comm(ctx.o->comm);
	_exit(ctx.sigfd < 0 ? 1 : crew->run->fn(&ctx));
}

static int start_child(struct crew *crew, uint32_t index)
{
	pid_t parent = getpid();
	int ctl[2] = { -1, -1 };

	if (crew->ctlfd >= 0 && pipe(ctl) < 0)
		return work_fail("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		if (ctl[1] >= 0)
			close(ctl[1]);
		run_child(crew, index, ctl[0], parent);
	}
	if (ctl[0] >= 0)
		close(ctl[0]);
	crew->ctl[index] = ctl[1];
	if (pid < 0)
		return work_fail("fork");
	crew->pids[index] = pid;
	crew->n = index + 1;
	crew->alive++;
	return 0;
}

static void end_all(struct crew *crew)
{
	for (size_t i = 0; i < crew->n; i++) {
		if (crew->pids[i] > 0)
			kill(crew->pids[i], SIGTERM);
	}
}

static void reap(struct crew *crew)
{
	for (size_t i = 0; i < crew->n; i++) {
		int status;

		if (crew->pids[i] <= 0 || waitpid(crew->pids[i], &status, WNOHANG) <= 0)
			continue;
		crew->pids[i] = 0;
		crew->alive--;
		int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (!crew->status) /* the first failure; those that it ends are no news */
			crew->status = code;
	}
	/* A worker that failed before it was ready would leave its peers and the caller waiting. */
	if (crew->status && crew->ready < crew->n)
		end_all(crew);
}

static void take_ready(struct crew *crew)
{
	uint16_t port;

	if (read(crew->ready_pipe[0], &port, sizeof(port)) != (ssize_t)sizeof(port))
		return;
	if (++crew->ready < crew->n)
		return;
	if (crew->placeholder >= 0)
		close(crew->placeholder);
	crew->placeholder = -1;
	work_print_ready(port, crew->pids, crew->n);
}

static void take_control(struct crew *crew)
{
	char c;
	ssize_t n = read(crew->ctlfd, &c, 1);

	for (size_t i = 0; i < crew->n; i++) {
		if (crew->ctl[i] < 0)
			continue;
		if (n <= 0) {
			close(crew->ctl[i]);
			crew->ctl[i] = -1;
		} else if (c == '\n' && write(crew->ctl[i], &c, 1) != 1 && errno != EPIPE) {
			work_fail("control pipe");
		}
	}
	if (n <= 0)
		crew->ctlfd = -1;
}

static void watch(struct crew *crew)
{
	while (crew->alive) {
		struct pollfd p[3] = { { .fd = crew->sigfd, .events = POLLIN },
				       { .fd = crew->ready_pipe[0], .events = POLLIN },
				       { .fd = crew->ctlfd, .events = POLLIN } };

		if (poll(p, 3, -1) < 0)
			break;
		if (p[1].revents & POLLIN)
			take_ready(crew);
		if (p[2].revents)
			take_control(crew);
		if (p[0].revents) {
			if (work_signalled(crew->sigfd))
				end_all(crew);
			reap(crew);
		}
	}
}

static int run_crew(const struct work_run *run)
{
	size_t n = run->o->procs;
	struct crew crew = { .run = run,
			     .pids = calloc(n, sizeof(pid_t)),
			     .ctl = calloc(n, sizeof(int)),
			     .ready_pipe = { -1, -1 },
			     .ctlfd = run->o->hold ? control_fd() : -1,
			     .placeholder = run->placeholder };

	crew.sigfd = work_signal_fd();
	if (!crew.pids || !crew.ctl || crew.sigfd < 0 || pipe(crew.ready_pipe) < 0) {
		work_fail("cannot start workers");
		crew.status = 1;
		goto cleanup;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (start_child(&crew, i) < 0) {
			crew.status = 1;
			end_all(&crew);
			break;
		}
	}
	watch(&crew);
cleanup:
	free(crew.pids);
	free(crew.ctl);
	return crew.status;
}

int work_run(const struct work_run *run)
{
	if (run->o->procs > 1)
		return run_crew(run);

	/* One worker is the program itself: its pid is the one that the caller knows. */
	struct work_ctx ctx = { .o = run->o,
				.sigfd = work_signal_fd(),
				.ctlfd = control_fd(),
				.readyfd = -1,
				.listener = run->listener };
	work_set_comm(ctx.o->comm);
	return ctx.sigfd < 0 ? 1 : run->fn(&ctx);
}
