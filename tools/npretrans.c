// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What goes wrong in TCP? */
#include "app/app.h"
#include "flow/detail.h"
#include "np_event.h"
#include "source/source.h"

#define ANOMALIES (((1U << NP_AN_MAX) - 1) << NP_EVENT_ANOMALY)
/* its hook runs for each segment that is received */
#define DEAR (1U << (NP_EVENT_ANOMALY + NP_AN_ZERO_WINDOW))

static const struct np_mode events = {
	.topic = &np_topic_anomalies,
	.by = "connection",
	.want = NP_SRC_OWNERS | NP_SRC_ANOMALY,
	.events = ANOMALIES & ~DEAR,
	.may_tell = ANOMALIES,
};

static const struct np_mode summary = {
	.topic = &np_topic_ailing,
	.by = "connection",
	.want = NP_SRC_TCP | NP_SRC_ANOMALY,
	.screen = true,
	.at_end = true,
	.events = ANOMALIES & ~DEAR,
	.may_tell = ANOMALIES,
};

static const struct np_tool npretrans = {
	.name = "npretrans",
	.brief = "Tell what goes wrong in TCP: retransmissions, resets, failed connects, drops",
	.options = NP_FOR_RETRANS,
	.mode = &events,
	.summary = &summary,
};

int main(int argc, char **argv)
{
	return np_main(&npretrans, argc, argv);
}
