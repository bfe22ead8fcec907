// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which connections were there? */
#include "app/app.h"
#include "flow/detail.h"
#include "source/source.h"

#define ENDS (1U << NP_EVENT_CLOSE | 1U << NP_EVENT_FAIL)

static const struct np_mode life = {
	.topic = &np_topic_life,
	.by = "connection",
	.want = NP_SRC_TCP | NP_SRC_UDP | NP_SRC_ICMP | NP_SRC_LIFE,
	.sums = true,
	.events = ENDS,
	.may_tell = ENDS | 1U << NP_EVENT_OPEN | 1U << NP_EVENT_STATE,
};

static const struct np_mode table = {
	.topic = &np_topic_table,
	.by = "connection",
	.want = NP_SRC_TCP | NP_SRC_UDP,
	.screen = true,
};

static const struct np_mode listeners = {
	.topic = &np_topic_listen,
	.by = "connection",
	.want = NP_SRC_LISTEN,
	.screen = true,
};

static const struct np_tool npflows = {
	.name = "npflows",
	.brief =
	    "Log each connection as it ends or fails, or show the living ones and the listeners",
	.options = NP_FOR_FLOWS,
	.l7 = &np_l7_ops,
	.mode = &life,
	.table = &table,
	.listen = &listeners,
};

int main(int argc, char **argv)
{
	return np_main(&npflows, argc, argv);
}
