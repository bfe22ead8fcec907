// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool yes)
{
	if (!yes)
		abort();
}

/* What is escaped prints as it is, and escaping it again changes only backslashes. */
static void text(const char *raw, size_t size)
{
	struct np_buf buf = { 0 };

	np_str_escape(&buf, raw, size, false);
	for (size_t i = 0; i < buf.len; i++)
		require(buf.data[i] >= ' ' && buf.data[i] <= '~');
	np_buf_reset(&buf);
	np_str_escape(&buf, raw, size, true);
	require(np_str_fit(np_buf_cstr(&buf), SIZE_MAX) == buf.len);
	require(np_str_fit(np_buf_cstr(&buf), size / 2) <= buf.len);
	for (size_t i = 0; i < buf.len; i++)
		require((unsigned char)buf.data[i] >= ' ' && buf.data[i] != 0x7f);
	np_buf_reset(&buf);
	np_str_json(&buf, raw, size);
	require(buf.len >= 2 && buf.data[0] == '"' && buf.data[buf.len - 1] == '"');
	np_buf_reset(&buf);
	np_str_csv(&buf, raw, size);
	for (size_t i = 0; i < buf.len; i++)
		require(buf.data[i] && buf.data[i] != '\x1b');
	np_buf_free(&buf);
}

static void numbers(const uint8_t *data, size_t size)
{
	uint8_t addr[16] = { 0 };
	uint64_t n = 0;
	double d = 0;
	char buf[64];

	memcpy(&n, data, size < sizeof(n) ? size : sizeof(n));
	memcpy(&d, &n, sizeof(d));
	memcpy(addr, data, size < sizeof(addr) ? size : sizeof(addr));
	require(strlen(np_str_scaled(buf, d, 1000)) <= 5);
	require(strlen(np_str_scaled(buf, d, 1024)) <= 5);
	require(strlen(np_str_scaled(buf, d, 0)) < 24);
	require(strlen(np_str_duration(buf, n)) <= 6);
	require(strlen(np_str_time(buf, n)) == 24);
	require(strlen(np_str_endpoint(buf, addr, (uint16_t)n)) < 54);
	np_str_addr(buf, addr);
	require(np_parse_addr(buf, addr) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "pid", "rtt", "tx_rate", "container_id", NULL };
	char *raw = malloc(size + 1);
	uint8_t addr[16];
	uint64_t n;

	if (!raw)
		return 0;
	memcpy(raw, data, size);
	raw[size] = '\0';
	text(raw, size);
	numbers(data, size);
	np_str_nearest(raw, names);
	np_str_width(raw);
	if (np_parse_u64(raw, 10, 99, &n) == 0)
		require(n >= 10 && n <= 99);
	np_parse_duration(raw, &n);
	np_parse_size(raw, &n);
	np_parse_addr(raw, addr);
	free(raw);
	return 0;
}
