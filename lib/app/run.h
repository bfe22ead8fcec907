/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The loop: sources to flows to view to sink, until it is told to stop. Internal to app/. */
#ifndef NP_RUN_H
#define NP_RUN_H

#include "app/opts.h"
#include "flow/flow.h"
#include "meta/meta.h"
#include "source/source.h"

/* Runs to the end; an exit status. */
int np_run(struct np_opts *opts);

/* What the loop itself knows of a run; times with output included. */
#define NP_RUN_TOOK 1024
struct np_run_stats {
	uint64_t refreshes;
	uint64_t first_ns;             /* the first refresh */
	uint64_t took_ns[NP_RUN_TOOK]; /* the latest of the others */
	uint64_t forgotten;            /* np_view_forgotten() */
};

/* --stats: the trust record, on stderr. */
void np_trust_print(const struct np_source_stats *source, const struct np_flows *flows,
		    const struct np_run_stats *run);
/* --sample: how much was looked at, one line on stderr. */
void np_trust_sample(const struct np_source_stats *source, const struct np_flows *flows,
		     uint32_t n);
/* What was lost so far, by all causes; RTTS: samples of round trips are wanted. */
uint64_t np_trust_lost(const struct np_source_stats *source, const struct np_flows *flows,
		       bool rtts);

/* --doctor: on stdout; an exit status. */
int np_doctor(const struct np_opts *opts);

#endif
