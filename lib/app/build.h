/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Options and a file in place of this host (--read). For build.c, and check.c. */
#ifndef NP_BUILD_H
#define NP_BUILD_H

#include "app/opts.h"

/* Opens the file, and takes what it says of itself; an exit status with opts->err. */
int np_build_file(struct np_opts *opts);
/* Of two options that name one file, where one would overwrite what is the other's; 0 or -EINVAL.
 */
int np_build_clash(const struct np_opts *opts, struct np_err *err);
/* It is about a command, or was when it was recorded. */
bool np_build_scoped(const struct np_opts *opts);
/* The usual columns of a capture: without what no packet tells, with what only packets tell. */
void np_build_columns(struct np_opts *opts);

#endif
