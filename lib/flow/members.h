/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What belongs to a command (-- COMMAND), as the source tells it: the cgroups, or the processes,
 * that ever did. Owned by whoever made it.
 */
#ifndef NP_MEMBERS_H
#define NP_MEMBERS_H

#include <stdbool.h>

#include "flow/row.h"
#include "np_event.h"

struct np_members;

/* COMMAND: there is one, so nothing belongs to it yet; else all does until a record tells of one.
 * NULL: no memory. */
struct np_members *np_members_new(bool command);
void np_members_free(struct np_members *members);
/* 0 or -ENOMEM; what is in it already stays. */
int np_members_add(struct np_members *members, const struct np_ev_member *r);
/* By the socket's cgroup or by its owner; a row that has neither does not belong to a command. */
bool np_members_have(const struct np_members *members, const struct np_row *row);

#endif
