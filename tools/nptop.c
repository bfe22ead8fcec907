// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Who uses the network right now? */
#include "app/app.h"
#include "source/source.h"

static const struct np_mode top = {
	.topic = &np_topic_traffic,
	.by = "process",
	.want = NP_SRC_TCP | NP_SRC_UDP,
	.screen = true,
};

static const struct np_tool nptop = {
	.name = "nptop",
	.brief =
	    "Show who uses the network: by process, connection, container, address or interface",
	.options = NP_FOR_TOP,
	.mode = &top,
};

int main(int argc, char **argv)
{
	return np_main(&nptop, argc, argv);
}
