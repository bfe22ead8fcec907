// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "app/texts.h"

#define BYTES_MAX (64u << 20)

struct np_text {
	struct np_text *next;
	char text[];
};

static uint64_t key_of(uint16_t kind, uint32_t number)
{
	return (uint64_t)kind << 32 | number;
}

const char *np_texts_get(const struct np_texts *texts, uint16_t kind, uint32_t number)
{
	const struct np_text *t = np_map_get(&texts->last, key_of(kind, number));

	return t ? t->text : NULL;
}

bool np_texts_put(struct np_texts *texts, uint16_t kind, uint32_t number, const char *text)
{
	const char *before = np_texts_get(texts, kind, number);
	size_t size = strlen(text) + 1;
	struct np_text *t;

	if ((before && !strcmp(before, text)) || texts->bytes + sizeof(*t) + size > BYTES_MAX)
		return false;
	t = malloc(sizeof(*t) + size);
	if (!t)
		return false;
	memcpy(t->text, text, size);
	if (np_map_put(&texts->last, key_of(kind, number), t)) {
		free(t);
		return false;
	}
	t->next = texts->all;
	texts->all = t;
	texts->bytes += sizeof(*t) + size;
	return true;
}

void np_texts_free(struct np_texts *texts)
{
	struct np_text *t, *next;

	for (t = texts->all; t; t = next) {
		next = t->next;
		free(t);
	}
	np_map_free(&texts->last);
	*texts = (struct np_texts){ 0 };
}
