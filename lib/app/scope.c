// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cgscope.h"
#include "app/scope.h"
#include "base/log.h"
#include "base/str.h"

/* As a shell says it. */
#define EXIT_NOT_RUN   126
#define EXIT_NOT_FOUND 127
#define EXIT_SIGNAL    128

struct np_scope {
	pid_t pid;
	int gate;  /* a byte lets it run */
	int pidfd; /* -1: its status was taken */
	int status;
	bool told; /* to stop, by the terminal, both of us: it does so when it likes to */
	struct np_cgscope *cgroup; /* NULL: followed by its processes */
	struct np_err why;         /* there is no cgroup */
};

/* One line and a status where there is no such program. */
static void cannot_run(const char *name, const char *command)
{
	bool utf8 = np_str_utf8();
	struct np_buf text = { 0 };
	int code = errno;

	np_buf_printf(&text, "%s: cannot run '", name);
	np_str_escape(&text, command, strlen(command), utf8);
	np_buf_printf(&text, "': %s\n", strerror(code));
	/* nobody is left to tell */
	if (write(STDERR_FILENO, text.data, text.len) < 0)
		_exit(EXIT_NOT_RUN);
	_exit(code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN);
}

/* The child: as we were started, but for SIGPIPE nothing was changed yet. */
static void become(const struct np_opts *opts, int gate)
{
	ssize_t n;
	char go;

	do
		n = read(gate, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(NP_EXIT_CANNOT);
	signal(SIGPIPE, opts->sigpipe);
	execvp(opts->command[0], opts->command);
	cannot_run(opts->tool->name, opts->command[0]);
}

/* From now on ours differ from those that the command was given. */
static void own_signals(void)
{
	/* an ignored one would take its status away */
	signal(SIGCHLD, SIG_DFL);
	/* a command with job control may have the terminal when we write to it */
	signal(SIGTTOU, SIG_IGN);
}

static int fork_command(struct np_scope *scope, const struct np_opts *opts)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	scope->gate = fds[1];
	scope->pid = fork();
	if (!scope->pid) {
		close(fds[1]);
		become(opts, fds[0]);
	}
	close(fds[0]);
	if (scope->pid < 0)
		return -errno;
	own_signals();
	scope->pidfd = (int)syscall(SYS_pidfd_open, scope->pid, 0);
	return scope->pidfd < 0 ? -errno : 0;
}

int np_scope_start(struct np_scope **out, struct np_opts *opts)
{
	struct np_scope *scope = calloc(1, sizeof(*scope));
	int err;

	*out = scope;
	if (!scope) {
		np_err_set(&opts->err, 0, "out of memory");
		return NP_EXIT_CANNOT;
	}
	scope->gate = scope->pidfd = -1;
	scope->status = NP_EXIT_CANNOT;
	/* first: who takes it away must not keep the command waiting when we are gone */
	np_cgscope_new(&scope->cgroup, &scope->why);
	err = fork_command(scope, opts);
	if (err) {
		np_err_set(&opts->err, 0, "cannot start a process for the command: %s",
			   strerror(-err));
		return NP_EXIT_CANNOT;
	}
	if (scope->cgroup && np_cgscope_enter(scope->cgroup, scope->pid, &scope->why)) {
		np_cgscope_free(scope->cgroup);
		scope->cgroup = NULL;
	}
	return 0;
}

void np_scope_free(struct np_scope *scope)
{
	if (!scope)
		return;
	if (scope->gate >= 0) {
		close(scope->gate);
		/* it may be stopped */
		if (scope->pid > 0)
			kill(scope->pid, SIGKILL);
		while (scope->pid > 0 && waitpid(scope->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (scope->pidfd >= 0)
		close(scope->pidfd);
	np_cgscope_free(scope->cgroup);
	free(scope);
}

void np_scope_cfg(const struct np_scope *scope, struct np_source_cfg *cfg)
{
	if (scope->cgroup)
		cfg->tree_cgroup = np_cgscope_id(scope->cgroup);
	else
		cfg->tree_pid = (uint32_t)scope->pid;
}

void np_scope_go(struct np_scope *scope)
{
	struct np_buf why = { 0 };

	if (scope->gate < 0)
		return;
	if (!scope->cgroup) {
		np_str_escape(&why, scope->why.msg, strlen(scope->why.msg), false);
		np_log(NP_LOG_WARN, "the command is followed by its processes: %s",
		       np_buf_cstr(&why));
		np_buf_free(&why);
	}
	/* EPIPE: it was ended while it waited, which its status will tell */
	if (write(scope->gate, "", 1) != 1)
		np_log(NP_LOG_DEBUG, "the command was not let go: %s", strerror(errno));
	close(scope->gate);
	scope->gate = -1;
}

int np_scope_fd(const struct np_scope *scope)
{
	return scope->pidfd;
}

bool np_scope_ended(struct np_scope *scope)
{
	int status;
	pid_t pid;

	if (scope->pidfd < 0)
		return true;
	pid = waitpid(scope->pid, &status, WNOHANG);
	if (!pid || (pid < 0 && errno == EINTR))
		return false;
	if (pid < 0)
		scope->status = EXIT_NOT_RUN;
	else
		scope->status =
		    WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	close(scope->pidfd);
	scope->pidfd = -1;
	return true;
}

/* Whether a shell with job control started us, and the terminal is ours or the command's. */
static bool is_foreground_job(const struct np_scope *scope, int tty)
{
	pid_t parent = getppid(), front = tcgetpgrp(tty);

	return getsid(parent) == getsid(0) && getpgid(parent) != getpgrp() &&
	       (front == getpgrp() || front == getpgid(scope->pid));
}

static bool is_stopped(const struct np_scope *scope)
{
	siginfo_t si = { 0 };

	return !waitid(P_PID, (id_t)scope->pid, &si, WSTOPPED | WNOHANG | WNOWAIT) && si.si_pid;
}

/*
 * The command has stopped: by Ctrl-Z, once it had put its screen away, or by itself (a shell's
 * "suspend"). Whoever waits for us must see that, and gets the terminal; so we stop too, and go on
 * together. A command with a process group of its own gets the terminal again if it had it.
 */
static void stop_too(struct np_scope *scope)
{
	int tty = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
	pid_t front = tcgetpgrp(tty), group = getpgid(scope->pid);

	if (is_stopped(scope) && (scope->told || is_foreground_job(scope, tty))) {
		scope->told = false;
		raise(SIGSTOP);
		if (front == group)
			tcsetpgrp(tty, group);
		killpg(group, SIGCONT);
	}
	if (tty >= 0)
		close(tty);
}

/* It has ended: what comes is ours, as ever. */
static bool after(const struct signalfd_siginfo *si)
{
	if (si->ssi_signo == SIGTSTP)
		raise(SIGSTOP);
	return si->ssi_signo == SIGTSTP || si->ssi_signo == SIGCHLD;
}

bool np_scope_signal(struct np_scope *scope, const struct signalfd_siginfo *si)
{
	if (scope->pidfd < 0)
		return after(si);
	if (si->ssi_signo == SIGCHLD)
		stop_too(scope);
	/* of the kernel's own the command has one too: it is in the same process group */
	else if (si->ssi_code != SI_KERNEL)
		kill(scope->pid, (int)si->ssi_signo);
	else if (si->ssi_signo == SIGTSTP)
		scope->told = true;
	return true;
}

int np_scope_wait(struct np_scope *scope, int signals)
{
	struct signalfd_siginfo si;

	while (scope->gate < 0 && !np_scope_ended(scope)) {
		struct pollfd fds[] = { { .fd = scope->pidfd, .events = POLLIN },
					{ .fd = signals, .events = POLLIN } };

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		while (read(signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
			np_scope_signal(scope, &si);
	}
	return scope->status;
}

bool np_scope_busy(const struct np_scope *scope, struct np_source *source)
{
	return scope->cgroup ? np_cgscope_busy(scope->cgroup) : np_source_tree(source, NULL, 0) > 0;
}

size_t np_scope_pids(const struct np_scope *scope, struct np_source *source, uint32_t *pids,
		     size_t max)
{
	return scope->cgroup ? np_cgscope_pids(scope->cgroup, pids, max)
			     : np_source_tree(source, pids, max);
}
