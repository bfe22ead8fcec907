/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a record tells beside what happened: names, answers, losses; and what of a run's wishes it
 * cannot fulfil. np_played is the caller's. Internal to app/.
 */
#ifndef NP_PLAYED_H
#define NP_PLAYED_H

#include "app/run.h"
#include "app/texts.h"
#include "source/record.h"

struct np_played {
	struct np_texts texts;
	struct np_map
	    drops; /* struct np_rec_drops by process and network namespace, the last answer */
	struct np_source_stats stats;
	char hooks[NP_SOURCE_PROGS][40];
	uint64_t bad; /* records that made no sense */
};

/* A record that is no event: a name goes to META, and to the owners that OPTS ask for by name. */
void np_played_take(struct np_played *played, struct np_opts *opts, struct np_meta *meta,
		    const void *rec, size_t len);
const char *np_played_text(struct np_played *played, enum np_rec_type type, uint32_t number);
bool np_played_drops(const struct np_played *played, uint32_t pid, uint32_t netns, uint64_t *drops);
void np_played_free(struct np_played *played);

/*
 * Whether what HEAD says was measured is enough for OPTS, which want WANT (NP_SRC_*): warns of what
 * is missing, and leaves it to the checks (opts->unmeasured, unseen); 0, or NP_EXIT_CANNOT with a
 * sentence where nothing could be shown.
 */
int np_played_check(const struct np_rec_head *head, struct np_opts *opts, unsigned int want);
/* The same of a capture, without a warning: a log tells what packets do. */
int np_played_capture(struct np_opts *opts);

#endif
