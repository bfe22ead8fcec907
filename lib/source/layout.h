/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* How large the records of np_event.h are: one table, for whoever checks one. */
#ifndef NP_LAYOUT_H
#define NP_LAYOUT_H

#include <stdint.h>

/* The one size of records of a type; 0: no such type, or of several sizes. */
uint16_t np_ev_size(uint16_t type);

#endif
