// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Where does the time go? */
#include "app/app.h"
#include "source/source.h"

static const struct np_mode latency = {
	.topic = &np_topic_latency,
	.by = "connection",
	.want = NP_SRC_TCP,
	.screen = true,
};

static const struct np_tool nprtt = {
	.name = "nprtt",
	.brief = "Show the latency of TCP connections: round trips, handshakes, response times",
	.options = NP_FOR_RTT,
	.mode = &latency,
};

int main(int argc, char **argv)
{
	return np_main(&nprtt, argc, argv);
}
