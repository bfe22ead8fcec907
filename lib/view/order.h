/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The order of rows. Internal to view/. */
#ifndef NP_ORDER_H
#define NP_ORDER_H

#include "view/view.h"

/* Sorts the first of N rows into place and returns how many are left under --top. */
size_t np_order(const struct np_view_cfg *cfg, const struct np_colctx *ctx,
		const struct np_row **rows, size_t n);

#endif
