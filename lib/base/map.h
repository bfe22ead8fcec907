/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A hash map from a 64-bit key to a pointer (linear probing, backward-shift deletion, so there are
 * no tombstones and no growth under churn). It owns its slots, never what the values point to.
 * Values are not NULL. A zeroed struct is an empty map.
 */
#ifndef NP_MAP_H
#define NP_MAP_H

#include <stddef.h>
#include <stdint.h>

struct np_map_slot {
	uint64_t key;
	void *val; /* NULL: free slot */
};

struct np_map {
	struct np_map_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t count;
};

/* The value stored under KEY, or NULL. */
void *np_map_get(const struct np_map *map, uint64_t key);
/* Stores VAL under KEY in place of what was there; 0 or -ENOMEM. */
int np_map_put(struct np_map *map, uint64_t key, void *val);
/* Removes KEY and returns the value that it had, or NULL. */
void *np_map_del(struct np_map *map, uint64_t key);
void np_map_free(struct np_map *map);
/* Makes room for COUNT entries at once; 0 or -ENOMEM. */
int np_map_reserve(struct np_map *map, size_t count);

/* A well-mixed 64-bit hash of bytes (FNV-1a with a finalizer), chained through SEED. */
uint64_t np_hash(const void *data, size_t len, uint64_t seed);

/* The same of N words for keys that others choose: without KEY nobody finds two of one hash
 * (SipHash-1-3). */
uint64_t np_hash_words(const uint64_t *words, size_t n, const uint64_t key[2]);

/* Visits every slot in use; the body may not change the map. */
#define np_map_foreach(map, slot)                                                               \
	for (struct np_map_slot *slot = (map)->slots; slot && slot < (map)->slots + (map)->cap; \
	     slot++)                                                                            \
		if (slot->val)

#endif
