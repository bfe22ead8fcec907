/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A file that a run writes as a whole at its end, long after it gave its privileges up: a child
 * that still has them waits for the text and puts it in place, by a file beside it and rename(2).
 * The child has nothing else to do and ends with its parent, however that ends. Internal to app/.
 */
#ifndef NP_KEEP_H
#define NP_KEEP_H

#include <stddef.h>

#include "base/err.h"

struct np_keep;

/* Whether a file of this name can be written here, without a trace; 0, or -errno and a sentence. */
int np_keep_check(const char *path, struct np_err *err);
/* 0 or -errno; PATH stays the caller's. */
int np_keep_open(struct np_keep **out, const char *path);
/* Writes TEXT, once; 0 or -errno of whatever failed. It has no NUL in it. */
int np_keep_write(struct np_keep *keep, const char *text, size_t len);
const char *np_keep_path(const struct np_keep *keep);
/* Without np_keep_write() before, nothing was touched. */
void np_keep_close(struct np_keep *keep);

#endif
