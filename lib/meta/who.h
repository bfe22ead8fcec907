/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The process and the cgroup of a row, from the ids that the kernel's records brought. The
 * references belong to the row until np_who_release().
 */
#ifndef NP_WHO_H
#define NP_WHO_H

#include "flow/row.h"
#include "meta/meta.h"

/* Fills row->proc and row->cgroup once for each owner; both may stay NULL. */
void np_who_fill(struct np_meta *meta, struct np_row *row);
/* Gives back what np_who_fill() took; META as void *, so that the flow table can call it. */
void np_who_release(void *meta, struct np_row *row);

#endif
