/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one way for numbers and addresses from outside: the whole string must be the number, in
 * bounds. Each returns 0, or -EINVAL / -ERANGE and leaves *out alone. Nothing depends on the
 * locale.
 */
#ifndef NP_PARSE_H
#define NP_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal; no sign, no space. */
int np_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out);
int np_parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *out);
/* "10", "1.5s", "500ms", "1h30m": units ns us ms s m h d, falling; a bare number is seconds. */
int np_parse_duration(const char *s, uint64_t *ns);
/* "10", "4k", "1MiB", "2GB": k K M G T and KiB.. are powers of 1024, kB MB GB TB powers of 1000. */
int np_parse_size(const char *s, uint64_t *bytes);
/* "10.1.2.3", "fe80::1", "[::1]": 16 bytes, IPv4 mapped. */
int np_parse_addr(const char *s, uint8_t addr[16]);
/* "10.0.0.0/8", "fe80::/10", or an address alone, all of whose bits count; IPv4 is mapped, so that
 * /8 gives 104. Otherwise -EINVAL. */
int np_parse_prefix(const char *s, uint8_t addr[16], uint8_t *bits);
/* Whether A and B agree in their first BITS, 128 at most. */
bool np_same_prefix(const uint8_t a[16], const uint8_t b[16], unsigned int bits);

#endif
