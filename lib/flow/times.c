// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Records of times measured on sockets. */
#include "flow/table.h"

/* Checked, and kept by nobody yet. */
void np_take_samples(struct np_flows *flows, const struct np_ev_samples *r)
{
	if (r->kind >= NP_TIMES || r->s.n > NP_SAMPLES || r->s.flushed)
		flows->stats.bad++;
}

void np_take_hist(struct np_flows *flows, const struct np_ev_hist *r)
{
	if (r->kind >= NP_TIMES)
		flows->stats.bad++;
}
