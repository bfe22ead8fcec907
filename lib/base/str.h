/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Text from outside (process names, cgroup paths, file contents) made safe to print, and numbers
 * made short to read. Nothing is owned.
 */
#ifndef NP_STR_H
#define NP_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Whether this locale's text is UTF-8. */
bool np_str_utf8(void);
/*
 * Appends LEN raw bytes for a terminal or a text column: valid printable UTF-8 (where UTF8) and
 * printable ASCII as they are; everything else (C0, C1, DEL, invalid or overlong sequences, what is
 * invisible or reorders: bidi controls, zero-width, line separators, tags, U+FEFF, private planes)
 * as \xNN a byte; backslash as "\\".
 */
void np_str_escape(struct np_buf *out, const char *raw, size_t len, bool utf8);
/*
 * Appends a JSON string with its quotes (RFC 8259); what does not print is \uNNNN, invalid UTF-8
 * bytes become U+FFFD.
 */
void np_str_json(struct np_buf *out, const char *raw, size_t len);
/*
 * Appends a CSV field (RFC 4180), quoted where it must be; a leading = + - @ is kept as it is. What
 * does not print, but tab, CR and LF, becomes U+FFFD: CSV has no escapes.
 */
void np_str_csv(struct np_buf *out, const char *raw, size_t len);
/* Terminal cells that escaped text takes (wcwidth), and the bytes of it that fit into CELLS. */
size_t np_str_width(const char *text);
size_t np_str_fit(const char *text, size_t cells);
/*
 * "1.2M", at most 5 characters: BASE 1000 (k M G T P E) or 1024 (K M ...), 0: the whole number. NaN
 * is "-". BUF of 24 bytes.
 */
const char *np_str_scaled(char *buf, double value, unsigned int base);
/* The same of bytes with their unit: "30KiB", "243B". */
const char *np_str_bytes(char *buf, double value);
/* "1.5ms", "230us", "12s", "3m20s", "2d3h": at most 6 characters. BUF of 24 bytes; ns in. */
const char *np_str_duration(char *buf, uint64_t ns);
/* The same in three digits, as measured: "850us", "10.4ms", "1.04s". us in. */
const char *np_str_latency(char *buf, uint64_t us);
/* "10.0.0.1" for a mapped address, else RFC 5952. BUF of 46 bytes. */
const char *np_str_addr(char *buf, const uint8_t addr[16]);
/* "10.0.0.1:80", "[2001:db8::1]:80"; all-zero with port 0 is "*". BUF of 54 bytes. */
const char *np_str_endpoint(char *buf, const uint8_t addr[16], uint16_t port);
/* RFC 3339 with milliseconds, UTC ("...Z"). BUF of 32 bytes; CLOCK_REALTIME ns in. */
const char *np_str_time(char *buf, uint64_t wall_ns);
/* The entry of NAMES (NULL-terminated) nearest to WORD by edit distance; NULL: none is near. */
const char *np_str_nearest(const char *word, const char *const *names);

#endif
