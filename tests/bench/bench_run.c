// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-bench: a program that keeps running, or two that are run in turn. */
#include <signal.h>
#include <stdio.h>

#include "bench.h"

/* ---- one refresh of a running program against a peer's whole run ---- */

struct refresh {
	const struct bench_opts *o;
	struct bench_child child;
	int cpu;
	uint64_t header; /* lines that stood before the first refresh */
	struct bench_set ratio, control, cpu_ms, peer_cpu_ms, peer_wall_ms;
};

/* Until N more refreshes have come. */
static int refreshes(struct refresh *r, uint64_t n)
{
	uint64_t whole;

	bench_drain(&r->child);
	whole = (r->child.lines - r->header) / r->o->lines;
	return bench_wait_lines(&r->child, r->header + (whole + n) * r->o->lines);
}

/* CPU milliseconds of a run. */
static int peer(struct refresh *r, double *ms)
{
	struct bench_child c;

	if (bench_run(&c, r->o->peer, r->cpu))
		return -1;
	*ms = (double)c.cpu_ns / 1e6;
	bench_add(&r->peer_cpu_ms, *ms);
	bench_add(&r->peer_wall_ms, (double)(c.ended_ns - c.began_ns) / 1e6);
	return 0;
}

/* One after the other, never at the same time: the program is stopped while the peer runs. */
static int refresh_round(struct refresh *r)
{
	double before, after, sum = 0;

	kill(r->child.pid, SIGSTOP);
	if (peer(r, &before))
		return -1;
	kill(r->child.pid, SIGCONT);
	/* what it missed it makes up for now */
	if (refreshes(r, 1))
		return -1;
	for (uint32_t i = 0; i < r->o->refreshes; i++) {
		uint64_t began = bench_cpu_ns(&r->child);
		double ms;

		if (refreshes(r, 1))
			return -1;
		ms = (double)(bench_cpu_ns(&r->child) - began) / 1e6;
		bench_add(&r->cpu_ms, ms);
		sum += ms;
	}
	kill(r->child.pid, SIGSTOP);
	if (peer(r, &after))
		return -1;
	bench_add(&r->ratio, (before + after) / 2 / (sum / r->o->refreshes));
	bench_add(&r->control, before / after);
	return 0;
}

int bench_refresh(const struct bench_opts *o)
{
	struct refresh r = { .o = o, .cpu = bench_cpu_work(), .header = 1 };
	long rss = -1;
	int err;

	/* the first refresh is not like the others; the second has rates to show */
	err = bench_start(&r.child, o->cmd, r.cpu) || refreshes(&r, 3);
	for (uint32_t i = 0; i < o->rounds && !err; i++)
		err = refresh_round(&r);
	kill(r.child.pid, SIGCONT);
	if (!err)
		err = refreshes(&r, 1);
	rss = bench_rss_kib(&r.child);
	err = bench_stop(&r.child, SIGTERM) || err;
	if (!err) {
		printf("{\"bench\":\"refresh\",\"rounds\":%u,\"rss_kib\":%ld", o->rounds, rss);
		bench_print_set("ratio", &r.ratio);
		bench_print_set("control", &r.control);
		bench_print_set("cpu_ms", &r.cpu_ms);
		bench_print_set("peer_cpu_ms", &r.peer_cpu_ms);
		bench_print_set("peer_wall_ms", &r.peer_wall_ms);
		puts("}");
	}
	bench_set_free(&r.ratio);
	bench_set_free(&r.control);
	bench_set_free(&r.cpu_ms);
	bench_set_free(&r.peer_cpu_ms);
	bench_set_free(&r.peer_wall_ms);
	return err ? 1 : 0;
}

/* ---- whole runs of two programs, in turn ---- */

struct runs {
	struct bench_set first_ms, wall_ms, cpu_ms;
};

static int one_run(struct runs *runs, char **cmd, double *cpu_ms, double *first_ms)
{
	struct bench_child c;

	if (bench_run(&c, cmd, bench_cpu_work()))
		return -1;
	*first_ms = (double)((c.first_ns ? c.first_ns : c.ended_ns) - c.began_ns) / 1e6;
	*cpu_ms = (double)c.cpu_ns / 1e6;
	bench_add(&runs->first_ms, *first_ms);
	bench_add(&runs->wall_ms, (double)(c.ended_ns - c.began_ns) / 1e6);
	bench_add(&runs->cpu_ms, *cpu_ms);
	return 0;
}

int bench_race(const struct bench_opts *o)
{
	struct runs us = { 0 }, them = { 0 };
	struct bench_set ratio = { 0 }, control = { 0 }, first_control = { 0 };
	double last_first = 0;
	int err = 0;

	for (uint32_t i = 0; i < o->rounds && !err; i++) {
		double before = 0, cpu = 0, after = 0, first = 0;

		err =
		    one_run(&them, o->peer, &before, &first) || one_run(&us, o->cmd, &cpu, &first);
		if (!err && last_first > 0)
			bench_add(&first_control, last_first / first);
		last_first = first;
		err = err || one_run(&them, o->peer, &after, &first);
		if (err)
			break;
		bench_add(&ratio, (before + after) / 2 / cpu);
		bench_add(&control, before / after);
	}
	if (!err) {
		printf("{\"bench\":\"race\",\"rounds\":%u", o->rounds);
		bench_print_set("ratio", &ratio);
		bench_print_set("control", &control);
		bench_print_set("first_control", &first_control);
		bench_print_set("first_ms", &us.first_ms);
		bench_print_set("wall_ms", &us.wall_ms);
		bench_print_set("cpu_ms", &us.cpu_ms);
		bench_print_set("peer_first_ms", &them.first_ms);
		bench_print_set("peer_wall_ms", &them.wall_ms);
		bench_print_set("peer_cpu_ms", &them.cpu_ms);
		puts("}");
	}
	for (struct runs *r = &us;; r = &them) {
		bench_set_free(&r->first_ms);
		bench_set_free(&r->wall_ms);
		bench_set_free(&r->cpu_ms);
		if (r == &them)
			break;
	}
	bench_set_free(&ratio);
	bench_set_free(&control);
	bench_set_free(&first_control);
	return err ? 1 : 0;
}

/* ---- memory over connections come and gone ---- */

#define FORGET_MS 5000 /* what ended is no longer shown by then */

static int come_and_go(struct bench_work *w, struct bench_child *c, uint32_t conns)
{
	int err = 0;

	for (uint32_t left = conns; left && !err;) {
		uint32_t n = left < 100 ? left : 100;

		err = bench_work_do(w, n);
		bench_drain(c);
		left -= n;
	}
	bench_sleep_ms(FORGET_MS);
	bench_drain(c);
	return err;
}

int bench_grow(const struct bench_opts *o)
{
	struct bench_child c = { 0 };
	int other = bench_cpu_other(), err;
	struct bench_work *w;
	long rss[3] = { 0 };

	if (bench_own_netns() || bench_pin(bench_cpu_work()))
		return 1;
	w = bench_work_new("cc");
	err = !w || bench_start(&c, o->cmd, other) || bench_wait_lines(&c, o->lines);
	for (int i = 0; i < 3 && !err; i++) {
		/* the first ones make the room that such work takes */
		if (i)
			err = come_and_go(w, &c, o->conns);
		rss[i] = bench_rss_kib(&c);
	}
	err = bench_stop(&c, SIGTERM) || err;
	if (!err)
		printf("{\"bench\":\"grow\",\"conns\":%u,\"start_kib\":%ld,\"warm_kib\":%ld,"
		       "\"end_kib\":%ld,\"grown_kib\":%ld}\n",
		       o->conns, rss[0], rss[1], rss[2], rss[2] - rss[1]);
	bench_work_free(w);
	return err ? 1 : 0;
}
