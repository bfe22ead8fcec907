// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define KEYS 512 /* of the model: one slot a key */

static uint64_t seed_next(uint64_t *seed)
{
	/* xorshift64: the same run each time */
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void same_as(const struct np_map *map, void *const *model, uint64_t spread)
{
	size_t count = 0, visited = 0;

	for (uint64_t key = 0; key < KEYS; key++) {
		count += model[key] != NULL;
		assert_ptr_equal(np_map_get(map, key * spread), model[key]);
	}
	assert_int_equal(map->count, count);
	np_map_foreach (map, slot) {
		assert_ptr_equal(slot->val, model[slot->key / spread]);
		visited++;
	}
	assert_int_equal(visited, count);
}

/* Puts and deletes at random, growing and shrinking, beside an array that cannot be wrong. */
static void random_operations(uint64_t spread, uint64_t seed)
{
	static char values[64];
	void *model[KEYS] = { 0 };
	struct np_map map = { 0 };

	for (int i = 0; i < 20000; i++) {
		uint64_t r = seed_next(&seed), key = r % KEYS;
		bool growing = i / 2000 % 2 == 0;

		if ((r >> 32) % 10 < (growing ? 7 : 3)) {
			void *val = &values[(r >> 16) % sizeof(values)];

			assert_int_equal(np_map_put(&map, key * spread, val), 0);
			model[key] = val;
		} else {
			assert_ptr_equal(np_map_del(&map, key * spread), model[key]);
			model[key] = NULL;
		}
		assert_ptr_equal(np_map_get(&map, key * spread), model[key]);
		if (i % 500 == 0)
			same_as(&map, model, spread);
	}
	same_as(&map, model, spread);
	np_map_free(&map);
}

static void behaves_as_an_array_of_all_keys(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		random_operations(1, seed);
		random_operations(1ULL << 32, seed); /* low bits all equal */
		random_operations(0x9e3779b97f4a7c15ULL % (UINT64_MAX / KEYS), seed);
	}
}

static void an_empty_map_answers(void **state)
{
	struct np_map map = { 0 };

	(void)state;
	assert_null(np_map_get(&map, 0));
	assert_null(np_map_del(&map, 0));
	np_map_foreach (&map, slot)
		fail_msg("slot of key %llu", (unsigned long long)slot->key);
	np_map_free(&map);
	np_map_free(NULL);
}

static void every_key_is_a_key(void **state)
{
	static const uint64_t keys[] = { 0, 1, UINT64_MAX, 1ULL << 63 };
	struct np_map map = { 0 };
	int value;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(np_map_put(&map, keys[i], &value), 0);
	for (size_t i = 0; i < 4; i++)
		assert_ptr_equal(np_map_get(&map, keys[i]), &value);
	assert_int_equal(map.count, 4);
	np_map_free(&map);
}

static void churn_does_not_grow_the_map(void **state)
{
	struct np_map map = { 0 };
	int value;

	(void)state;
	for (uint64_t key = 0; key < 10; key++)
		assert_int_equal(np_map_put(&map, key, &value), 0);
	for (uint64_t key = 10; key < 100000; key++) {
		assert_int_equal(np_map_put(&map, key, &value), 0);
		assert_ptr_equal(np_map_del(&map, key - 10), &value);
	}
	assert_int_equal(map.count, 10);
	assert_int_equal(map.cap, 16);
	np_map_free(&map);
}

static void reserve_makes_room_at_once(void **state)
{
	struct np_map map = { 0 };
	int value;
	size_t cap;

	(void)state;
	assert_int_equal(np_map_reserve(&map, 1000), 0);
	cap = map.cap;
	for (uint64_t key = 0; key < 1000; key++)
		assert_int_equal(np_map_put(&map, key, &value), 0);
	assert_int_equal(map.cap, cap);
	np_map_free(&map);
}

static void hash_depends_on_every_byte_and_the_seed(void **state)
{
	uint8_t data[16] = { 0 };
	uint64_t plain = np_hash(data, sizeof(data), 0);

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = 1;
		assert_int_not_equal(np_hash(data, sizeof(data), 0), plain);
		data[i] = 0;
	}
	assert_int_not_equal(np_hash(data, sizeof(data), 1), plain);
	assert_int_not_equal(np_hash(data, sizeof(data) - 1, 0), plain);
	assert_int_equal(np_hash(data, sizeof(data), 0), plain);
}

static void words_are_hashed_as_siphash_1_3_has_it(void **state)
{
	const uint64_t none[2] = { 0 }, key[2] = { 1, 0 };
	uint8_t bytes[40];
	uint64_t words[5];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	memcpy(words, bytes, sizeof(words));
	/* what CPython 3.11 says of these bytes with PYTHONHASHSEED=0 */
	assert_int_equal(np_hash_words(words, 1, none), 0xead411e67ebe2eea);
	assert_int_equal(np_hash_words(words, 5, none), 0x95bc321ab41d8206);
	assert_int_not_equal(np_hash_words(words, 5, key), 0x95bc321ab41d8206);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_as_an_array_of_all_keys),
		cmocka_unit_test(an_empty_map_answers),
		cmocka_unit_test(every_key_is_a_key),
		cmocka_unit_test(churn_does_not_grow_the_map),
		cmocka_unit_test(reserve_makes_room_at_once),
		cmocka_unit_test(hash_depends_on_every_byte_and_the_seed),
		cmocka_unit_test(words_are_hashed_as_siphash_1_3_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
