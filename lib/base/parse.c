// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/parse.h"

#define FRACTION_DIGITS 9 /* enough for nanoseconds; more are read and dropped */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *S, moved behind them; -EINVAL without any, -ERANGE above 2^64 - 1. */
static int digits(const char **s, uint64_t *out)
{
	uint64_t n = 0;
	int err = 0;

	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(**s - '0'), &n))
			err = -ERANGE;
	*out = n;
	return err;
}

/* The text is judged before the size: "99999999999999999999x" is no number at all. */
int np_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;
	int err = digits(&s, &n);

	if (err == -EINVAL || *s)
		return -EINVAL;
	if (err || n < min || n > max)
		return -ERANGE;
	*out = n;
	return 0;
}

int np_parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;
	int err = np_parse_u64(s, min, max, &n);

	if (!err)
		*out = (uint32_t)n;
	return err;
}

/* A decimal number, perhaps with a fraction: whole + fraction / 10^9. */
struct decimal {
	uint64_t whole;
	uint64_t fraction;
};

static int decimal(const char **s, struct decimal *d)
{
	int err = digits(s, &d->whole), left = FRACTION_DIGITS;

	d->fraction = 0;
	if (err == -EINVAL || **s != '.')
		return err;
	(*s)++;
	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++)
		if (left-- > 0)
			d->fraction = d->fraction * 10 + (uint64_t)(**s - '0');
	for (; left > 0; left--)
		d->fraction *= 10;
	return err;
}

/* SUM += D x FACTOR */
static int add_scaled(uint64_t *sum, const struct decimal *d, uint64_t factor)
{
	unsigned __int128 n = (unsigned __int128)d->whole * factor +
			      (unsigned __int128)d->fraction * factor / 1000000000U + *sum;

	if (n > UINT64_MAX)
		return -ERANGE;
	*sum = (uint64_t)n;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* The unit at S whose name ends where a letter does; NULL for none. */
static const struct unit *unit_find(const struct unit *units, const char *s)
{
	size_t len = 0;

	while ((s[len] >= 'a' && s[len] <= 'z') || (s[len] >= 'A' && s[len] <= 'Z'))
		len++;
	for (; units->name; units++)
		if (strlen(units->name) == len && memcmp(units->name, s, len) == 0)
			return units;
	return NULL;
}

/* Units fall from part to part: "1h30m", not "30m1h". */
int np_parse_duration(const char *s, uint64_t *ns)
{
	static const struct unit units[] = {
		{ "d", 86400000000000 },
		{ "h", 3600000000000 },
		{ "m", 60000000000 },
		{ "s", 1000000000 },
		{ "ms", 1000000 },
		{ "us", 1000 },
		{ "ns", 1 },
		{ 0 },
	};
	uint64_t sum = 0, last = UINT64_MAX;
	int range = 0;

	do {
		const struct unit *unit;
		struct decimal d;
		int err = decimal(&s, &d);

		if (err == -EINVAL)
			return err;
		range = err ? err : range;
		if (!*s && last == UINT64_MAX) {
			range = add_scaled(&sum, &d, 1000000000) ? -ERANGE : range;
			break;
		}
		unit = unit_find(units, s);
		if (!unit || unit->factor >= last)
			return -EINVAL;
		range = add_scaled(&sum, &d, unit->factor) ? -ERANGE : range;
		last = unit->factor;
		s += strlen(unit->name);
	} while (*s);
	if (!range)
		*ns = sum;
	return range;
}

int np_parse_size(const char *s, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "k", 1ULL << 10 },
		{ "K", 1ULL << 10 },
		{ "M", 1ULL << 20 },
		{ "G", 1ULL << 30 },
		{ "T", 1ULL << 40 },
		{ "KiB", 1ULL << 10 },
		{ "MiB", 1ULL << 20 },
		{ "GiB", 1ULL << 30 },
		{ "TiB", 1ULL << 40 },
		{ "kB", 1000ULL },
		{ "KB", 1000ULL },
		{ "MB", 1000000ULL },
		{ "GB", 1000000000ULL },
		{ "TB", 1000000000000ULL },
		{ 0 },
	};
	const struct unit *unit;
	struct decimal d;
	uint64_t sum = 0;
	int err = decimal(&s, &d);

	if (err == -EINVAL)
		return err;
	unit = unit_find(units, s);
	if (!unit || s[strlen(unit->name)])
		return -EINVAL;
	if (err || add_scaled(&sum, &d, unit->factor))
		return -ERANGE;
	*bytes = sum;
	return 0;
}

int np_parse_addr(const char *s, uint8_t addr[16])
{
	uint8_t raw[16] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	size_t len = strnlen(s, sizeof(text) + 2);
	bool bracket = len >= 2 && s[0] == '[' && s[len - 1] == ']';

	if (bracket) {
		s++;
		len -= 2;
	}
	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, raw) == 1 ||
	    (!bracket && inet_pton(AF_INET, text, raw + 12) == 1)) {
		memcpy(addr, raw, sizeof(raw));
		return 0;
	}
	return -EINVAL;
}

int np_parse_prefix(const char *s, uint8_t addr[16], uint8_t *bits)
{
	const char *slash = strchr(s, '/');
	size_t len = slash ? (size_t)(slash - s) : strlen(s);
	char text[INET6_ADDRSTRLEN + 2];
	uint32_t most, n;
	uint8_t raw[16];

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';
	if (np_parse_addr(text, raw))
		return -EINVAL;
	most = n = strchr(text, ':') ? 128 : 32;
	if (slash && np_parse_u32(slash + 1, 0, most, &n))
		return -EINVAL;
	*bits = (uint8_t)(128 - most + n);
	memcpy(addr, raw, sizeof(raw));
	return 0;
}

bool np_same_prefix(const uint8_t a[16], const uint8_t b[16], unsigned int bits)
{
	unsigned int bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, bytes) == 0 && (!rest || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}
