// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Who uses the network right now? */
#include "app/app.h"

static const struct np_tool nptop = {
	.name = "nptop",
	.brief =
	    "Show who uses the network: by process, connection, container, address or interface",
	.group = "process",
	.screen = true,
};

int main(int argc, char **argv)
{
	return np_main(&nptop, argc, argv);
}
