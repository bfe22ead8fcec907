/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The owner filters: whether a connection belongs to one of those whom --pid, --comm, ... name. */
#ifndef NP_WHOSE_H
#define NP_WHOSE_H

#include <stdbool.h>

#include "flow/row.h"
#include "view/view.h"

/* A NULL list of filters lets everything pass; proc and cgroup of ROW are looked up already. */
bool np_whose_match(const struct np_whose *whose, const struct np_row *row);

#endif
