/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * np-bench: what a program costs, measured by turns in one process; prints one JSON object a line.
 *
 * Times are CPU times (of a thread or of a whole process) wherever a ratio is made of them: what
 * else runs on the machine then hardly counts. Each mode is one function; nothing is owned longer
 * than it runs.
 */
#ifndef NP_BENCH_H
#define NP_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bench_opts {
	const char *work; /* bulk, rr, cc, udp */
	uint32_t rounds;
	uint32_t ms;        /* of a half of a pair */
	uint32_t lines;     /* that a refresh prints */
	uint32_t refreshes; /* measured a round */
	uint32_t conns;
	char **cmd;  /* NULL-terminated */
	char **peer; /* the same, or NULL */
};

/* The modes; an exit status. */
int bench_left(const struct bench_opts *o);
int bench_refresh(const struct bench_opts *o);
int bench_race(const struct bench_opts *o);
int bench_grow(const struct bench_opts *o);

/* bench_child.c: a program under test. Those that return int: 0, or -1 after a message. */
struct bench_child {
	pid_t pid;
	int out; /* its standard output, non-blocking */
	uint64_t lines;
	uint64_t began_ns, first_ns, ended_ns; /* CLOCK_MONOTONIC; 0: not yet */
	uint64_t cpu_ns;                       /* all of it, after its end */
	int status;                            /* as of waitpid() */
};
/* Started on this CPU alone, with what it prints kept from the terminal. */
int bench_start(struct bench_child *c, char **cmd, int cpu);
/* Until it has printed so many lines in all, half a minute at most for each. */
int bench_wait_lines(struct bench_child *c, uint64_t lines);
void bench_drain(struct bench_child *c);
/* End it and wait; 0 when it ended as it should. SIG 0: it ends by itself. */
int bench_stop(struct bench_child *c, int sig);
int bench_run(struct bench_child *c, char **cmd, int cpu);
uint64_t bench_cpu_ns(const struct bench_child *c);
long bench_rss_kib(const struct bench_child *c);
uint64_t bench_now_ns(void);
void bench_sleep_ms(uint32_t ms);
/* The CPU for the workload, and the one for what is measured beside it: the same, if one is all. */
int bench_cpu_work(void);
int bench_cpu_other(void);
int bench_pin(int cpu);

/* bench_work.c: traffic over loopback with both ends in this thread. */
struct bench_work;
struct bench_work *bench_work_new(const char *name); /* NULL after a message */
void bench_work_free(struct bench_work *w);
int bench_work_do(struct bench_work *w, uint32_t ops); /* 0, or -1 after a message */
/* A network namespace of our own, loopback up, so that connections that ended crowd nobody. */
int bench_own_netns(void);

/* bench_stat.c */
struct bench_set {
	double *v;
	size_t n, room;
};
void bench_add(struct bench_set *s, double value); /* without memory: ends the program */
/* Sorts. The quantile Q of 0 to 1; NaN when empty. */
double bench_quantile(struct bench_set *s, double q);
double bench_median(struct bench_set *s);
void bench_set_free(struct bench_set *s);
/* "NAME": median, and its quartiles as NAME_low and NAME_high, with a comma before. */
void bench_print_set(const char *name, struct bench_set *s);

int bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
