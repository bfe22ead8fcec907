// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "view/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct np_row rows[] = {
	{ .pid = 42,
	  .uid = 1000,
	  .comm = "nginx",
	  .laddr = { [10] = 0xff, 0xff, 10, 1, 2, 3 },
	  .raddr = { [10] = 0xff, 0xff, 192, 0, 2, 7 },
	  .lport = 443,
	  .rport = 50000,
	  .family = AF_INET,
	  .proto = IPPROTO_TCP,
	  .state = 1,
	  .rtt_us = 10000,
	  .d_tx = 7 },
	{ .flags = NP_ROW_NO_BYTES | NP_ROW_NO_RETR, .proto = IPPROTO_UDP, .family = AF_INET6 },
	{ .flags = NP_ROW_IFACE | NP_ROW_UP, .link = { .name = "eth0", .ifindex = 2 } },
};

/* What holds for members and for rows holds for the whole, and the other way round. */
static void evaluate(const struct np_expr *expr)
{
	const struct np_colctx ctx = { .dt_ns = 1000000000, .now_ns = 5, .wall_ns = 5 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (np_expr_true(expr, &rows[i], &ctx) !=
		    (np_expr_members(expr, &rows[i], &ctx) && np_expr_rows(expr, &rows[i], &ctx)))
			abort();
	np_expr_needs(expr);
	np_expr_kind(expr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct np_err err = { "" };
	struct np_expr *expr;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (np_expr_compile(&expr, text, &err) == 0) {
		evaluate(expr);
		np_expr_free(expr);
	} else if (!err.msg[0]) {
		abort();
	}
	/* the sentence goes to a terminal */
	for (const char *p = err.msg; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
	free(text);
	return 0;
}
