/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where the rows go: standard output, or what --to names; with a command standard error, since
 * standard output is the command's. A log that would be written to a terminal while a command uses
 * it is kept until the end. Owned by the caller. Internal to app/.
 */
#ifndef NP_OUTPUT_H
#define NP_OUTPUT_H

#include <stdio.h>

#include "app/opts.h"

struct np_output;

/* 0; an exit status with opts->err. */
int np_output_open(struct np_output **out, struct np_opts *opts);
/* For the sink; the output's own. */
FILE *np_output_file(const struct np_output *output);
/* Whose reader may go; -1: nobody's. */
int np_output_fd(const struct np_output *output);
/* Everything is where it belongs; 0 or -errno, as of a write. */
int np_output_end(struct np_output *output);
void np_output_free(struct np_output *output);

#endif
