/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * --record: what a run takes in goes into a file as well, with whatever else its rows are made of.
 * A run that records nothing has none (NULL), which every function here takes. Internal to app/.
 */
#ifndef NP_RECORDING_H
#define NP_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "app/run.h"
#include "source/record.h"

struct np_recording;

/* Opens the file of OPTS; 0, or -errno with the sentence in opts->err. */
int np_recording_open(struct np_recording **out, struct np_opts *opts);
/* The source is open: the header is written. WANT: what runs. */
void np_recording_start(struct np_recording *rec, struct np_opts *opts, struct np_source *source,
			unsigned int want, const char *host);
/* After the flow table took it. */
void np_recording_take(struct np_recording *rec, const void *record, size_t len);
/* A record that names something: np_meta_cfg.learned. */
void np_recording_name(void *rec, const void *record, size_t len);
/* A text that the flow table is about to use; gives it back. */
const char *np_recording_text(struct np_recording *rec, enum np_rec_type type, uint32_t number,
			      const char *text);
/* What a network namespace answered; KNOWN: it did. */
void np_recording_drops(struct np_recording *rec, uint32_t pid, uint32_t netns, bool known,
			uint64_t drops);
void np_recording_look(struct np_recording *rec, enum np_rec_type type, bool last);
/* The end: what was lost, the end mark. 0, or -errno with a sentence where the file is not whole.
 */
int np_recording_end(struct np_recording *rec, struct np_err *err);
void np_recording_close(struct np_recording *rec);

#endif
