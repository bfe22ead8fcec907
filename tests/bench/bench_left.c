// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Part of np-bench: the work left over while a program watches: its CPU time for an operation
 * without the program, over that with it; 1: none lost.
 *
 * A round is off, on, on, off: two pairs in opposite order, so that a drift cancels, with one start
 * of the program. Beside them stand the controls: on/on of this round, and off/off of the end of
 * the last round and the begin of this one.
 */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "bench.h"

#define BATCH_NS  250000 /* CPU time: short beside the scheduler's turns */
#define CHEAP     0.1
#define SETTLE_MS 30

struct left {
	const struct bench_opts *o;
	struct bench_work *work;
	struct bench_child child;
	uint32_t batch; /* operations */
	int cpu_other;
	double last_off; /* 0: none yet */
	struct bench_set ratio, control, off, on, other;
};

static uint64_t own_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* How many operations a batch needs. */
static int calibrate(struct left *l)
{
	for (l->batch = 1; l->batch < 1u << 20; l->batch *= 2) {
		uint64_t began = own_cpu_ns();

		if (bench_work_do(l->work, l->batch))
			return -1;
		if (own_cpu_ns() - began >= BATCH_NS)
			break;
	}
	return 0;
}

/*
 * ns of CPU time an operation, over o->ms of it: what the cheapest tenth of many short batches
 * stays below. A hook costs every operation its time, so it is in all of them; what else runs on
 * the machine is not. With three other programs at each CPU, the control spread over 0.997 to 1.003
 * by this, 0.95 to 1.07 by the mean.
 */
static int half(struct left *l, double *ns)
{
	uint64_t end = own_cpu_ns() + l->o->ms * 1000000ULL, began;
	struct bench_set batches = { 0 };
	int err = 0;

	while (!err && (began = own_cpu_ns()) < end) {
		err = bench_work_do(l->work, l->batch);
		bench_add(&batches, (double)(own_cpu_ns() - began) / l->batch);
	}
	*ns = bench_quantile(&batches, CHEAP);
	bench_set_free(&batches);
	return err;
}

/* Its start also warms up what it shares with the workload: that is not measured. */
static int start(struct left *l)
{
	uint64_t lines = l->o->lines ? l->o->lines : 1;

	if (bench_start(&l->child, l->o->cmd, l->cpu_other) || bench_wait_lines(&l->child, lines))
		return -1;
	bench_sleep_ms(SETTLE_MS);
	return bench_work_do(l->work, l->batch);
}

static int stop(struct left *l)
{
	if (bench_stop(&l->child, SIGTERM))
		return -1;
	bench_sleep_ms(SETTLE_MS);
	return bench_work_do(l->work, l->batch);
}

static int round_of(struct left *l)
{
	double off[2], on[2];
	uint64_t began_cpu, began_ns;

	if (half(l, &off[0]) || start(l))
		return -1;
	began_cpu = bench_cpu_ns(&l->child);
	began_ns = bench_now_ns();
	if (half(l, &on[0]) || half(l, &on[1]))
		return -1;
	bench_add(&l->other, 100.0 * (double)(bench_cpu_ns(&l->child) - began_cpu) /
				 (double)(bench_now_ns() - began_ns));
	if (stop(l) || half(l, &off[1]))
		return -1;
	for (int i = 0; i < 2; i++) {
		bench_add(&l->ratio, off[i] / on[i]);
		bench_add(&l->off, off[i]);
		bench_add(&l->on, on[i]);
	}
	bench_add(&l->control, on[0] / on[1]);
	if (l->last_off > 0)
		bench_add(&l->control, l->last_off / off[0]);
	l->last_off = off[1];
	return 0;
}

static void print(struct left *l)
{
	printf("{\"bench\":\"left\",\"work\":\"%s\",\"pairs\":%zu", l->o->work, l->ratio.n);
	bench_print_set("ratio", &l->ratio);
	bench_print_set("control", &l->control);
	bench_print_set("off_ns", &l->off);
	bench_print_set("on_ns", &l->on);
	/* of one CPU, by the program itself, meanwhile */
	bench_print_set("busy_percent", &l->other);
	puts("}");
}

int bench_left(const struct bench_opts *o)
{
	struct left l = { .o = o, .cpu_other = bench_cpu_other() };
	int err;

	err = bench_own_netns() || bench_pin(bench_cpu_work());
	if (!err) {
		l.work = bench_work_new(o->work);
		err = !l.work || calibrate(&l) || bench_work_do(l.work, 2048);
	}
	for (uint32_t i = 0; i < o->rounds && !err; i++)
		err = round_of(&l);
	bench_stop(&l.child, SIGTERM);
	if (!err)
		print(&l);
	bench_work_free(l.work);
	bench_set_free(&l.ratio);
	bench_set_free(&l.control);
	bench_set_free(&l.off);
	bench_set_free(&l.on);
	bench_set_free(&l.other);
	return err ? 1 : 0;
}
