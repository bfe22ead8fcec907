/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Texts of numbers, by kind: what a record names beside processes and cgroups. The caller owns
 * np_texts; every text that it gave out stays until np_texts_free(). Internal to app/.
 */
#ifndef NP_TEXTS_H
#define NP_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

struct np_texts {
	struct np_map last; /* the latest of each number */
	struct np_text *all;
	size_t bytes;
};

/* NULL: there is none. */
const char *np_texts_get(const struct np_texts *texts, uint16_t kind, uint32_t number);
/* True: it is new, or another than before. Past 64 MiB nothing new is taken. */
bool np_texts_put(struct np_texts *texts, uint16_t kind, uint32_t number, const char *text);
void np_texts_free(struct np_texts *texts);

#endif
