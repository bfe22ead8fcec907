// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "base/map.h"

/* The finalizer of MurmurHash3: socket cookies and ids are consecutive numbers. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	x ^= x >> 33;
	return x;
}

uint64_t np_hash(const void *data, size_t len, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t h = 0xcbf29ce484222325ULL ^ seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return mix(h);
}

static uint64_t rotl(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

uint64_t np_hash_words(const uint64_t *words, size_t n, const uint64_t key[2])
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
			  key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL };

	for (size_t i = 0; i < n; i++)
		sip_word(v, words[i]);
	sip_word(v, (uint64_t)(n * sizeof(*words)) << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static size_t find(const struct np_map *map, uint64_t key)
{
	size_t i = mix(key) & (map->cap - 1);

	while (map->slots[i].val && map->slots[i].key != key)
		i = (i + 1) & (map->cap - 1);
	return i;
}

void *np_map_get(const struct np_map *map, uint64_t key)
{
	return map->cap ? map->slots[find(map, key)].val : NULL;
}

static int rehash(struct np_map *map, size_t cap)
{
	struct np_map next = { .cap = cap, .count = map->count };

	next.slots = calloc(cap, sizeof(*next.slots));
	if (!next.slots)
		return -ENOMEM;
	np_map_foreach (map, slot)
		next.slots[find(&next, slot->key)] = *slot;
	free(map->slots);
	*map = next;
	return 0;
}

int np_map_reserve(struct np_map *map, size_t count)
{
	size_t cap = map->cap ? map->cap : 16;

	/* at most three quarters full */
	while (count > cap - cap / 4)
		cap *= 2;
	return cap == map->cap ? 0 : rehash(map, cap);
}

int np_map_put(struct np_map *map, uint64_t key, void *val)
{
	struct np_map_slot *slot;
	int err = np_map_reserve(map, map->count + 1);

	if (err)
		return err;
	slot = &map->slots[find(map, key)];
	if (!slot->val)
		map->count++;
	*slot = (struct np_map_slot){ .key = key, .val = val };
	return 0;
}

void *np_map_del(struct np_map *map, uint64_t key)
{
	size_t mask = map->cap - 1, hole, i;
	void *val;

	if (!map->cap)
		return NULL;
	hole = find(map, key);
	val = map->slots[hole].val;
	if (!val)
		return NULL;
	map->count--;
	/* close the gap: move back each entry that may not stay behind the hole */
	for (i = (hole + 1) & mask; map->slots[i].val; i = (i + 1) & mask) {
		size_t home = mix(map->slots[i].key) & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			map->slots[hole] = map->slots[i];
			hole = i;
		}
	}
	map->slots[hole].val = NULL;
	return val;
}

void np_map_free(struct np_map *map)
{
	if (!map)
		return;
	free(map->slots);
	*map = (struct np_map){ 0 };
}
