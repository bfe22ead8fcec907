// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-bench: programs under test: started, watched, ended by their id. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define PATIENCE_MS 30000
#define LOST_STATUS 4 /* NP_EXIT_INCONCLUSIVE */

int bench_fail(const char *format, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, format);
	fputs("np-bench: ", stderr);
	vfprintf(stderr, format, ap);
	va_end(ap);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
	return -1;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

uint64_t bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void bench_sleep_ms(uint32_t ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* The first CPU that we may use, or the last. */
static int some_cpu(bool last)
{
	cpu_set_t set;
	int found = 0;

	if (sched_getaffinity(getpid(), sizeof(set), &set))
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		found = cpu;
		if (!last)
			break;
	}
	return found;
}

int bench_cpu_work(void)
{
	return some_cpu(true);
}

int bench_cpu_other(void)
{
	return some_cpu(false);
}

int bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? bench_fail("CPU %d", cpu) : 0;
}

static _Noreturn void become(char **cmd, int cpu, int out, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || bench_pin(cpu))
		_exit(126);
	dup2(out, STDOUT_FILENO);
	execvp(cmd[0], cmd);
	bench_fail("%s", cmd[0]);
	_exit(127);
}

int bench_start(struct bench_child *c, char **cmd, int cpu)
{
	pid_t parent = getpid();
	int fds[2];

	*c = (struct bench_child){ .out = -1 };
	if (pipe2(fds, O_CLOEXEC))
		return bench_fail("pipe");
	c->began_ns = bench_now_ns();
	c->pid = fork();
	if (c->pid == 0)
		become(cmd, cpu, fds[1], parent);
	close(fds[1]);
	if (c->pid < 0) {
		close(fds[0]);
		return bench_fail("fork");
	}
	c->out = fds[0];
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	/* what it prints must not stop it while nobody looks */
	fcntl(c->out, F_SETPIPE_SZ, 1 << 20);
	return 0;
}

/* 1: took something; 0: nothing there now; -1: the end. */
static int take(struct bench_child *c)
{
	char buf[65536];
	ssize_t n = read(c->out, buf, sizeof(buf));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	if (!c->first_ns)
		c->first_ns = bench_now_ns();
	for (char *p = buf; (p = memchr(p, '\n', (size_t)(buf + n - p))); p++)
		c->lines++;
	return 1;
}

int bench_wait_lines(struct bench_child *c, uint64_t lines)
{
	while (c->lines < lines) {
		struct pollfd p = { .fd = c->out, .events = POLLIN };
		int n = poll(&p, 1, PATIENCE_MS);

		if (n < 0 && errno == EINTR)
			continue;
		errno = 0;
		if (n <= 0)
			return bench_fail("no line within %d s", PATIENCE_MS / 1000);
		if (take(c) < 0)
			return bench_fail("the program ended early");
	}
	return 0;
}

void bench_drain(struct bench_child *c)
{
	while (take(c) > 0)
		;
}

int bench_stop(struct bench_child *c, int sig)
{
	struct pollfd p = { .fd = c->out, .events = POLLIN };
	struct rusage ru;

	if (!c->pid)
		return 0;
	if (sig)
		kill(c->pid, sig);
	do {
		poll(&p, 1, -1);
	} while (take(c) >= 0);
	close(c->out);
	while (wait4(c->pid, &c->status, 0, &ru) < 0 && errno == EINTR)
		;
	c->ended_ns = bench_now_ns();
	c->cpu_ns = (uint64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000000ULL +
		    (uint64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1000ULL;
	c->pid = 0;
	errno = 0;
	/* that it lost records, which it says on stderr, does not spoil what it cost */
	if (!WIFEXITED(c->status) ||
	    (WEXITSTATUS(c->status) && WEXITSTATUS(c->status) != LOST_STATUS))
		return bench_fail("the program ended with status %#x", (unsigned int)c->status);
	return 0;
}

int bench_run(struct bench_child *c, char **cmd, int cpu)
{
	return bench_start(c, cmd, cpu) || bench_stop(c, 0) ? -1 : 0;
}

uint64_t bench_cpu_ns(const struct bench_child *c)
{
	clockid_t clock;

	return clock_getcpuclockid(c->pid, &clock) ? 0 : clock_ns(clock);
}

long bench_rss_kib(const struct bench_child *c)
{
	char path[32], line[128];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)c->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmRSS:", 6))
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}
