// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Files of captures, as they are opened and read: pcap, pcapng, gzip, pipes, damage. */
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "test_packets.h"

#include "source/file.h"

#define PACKETS    3
#define DLT_RAW_NG 101 /* as a file says DLT_RAW */

static char path[64], zipped[80];
static struct np_file *file;
static struct np_item item;
static struct np_err err;

static int setup(void **state)
{
	struct frame f = { 0 };
	pcap_t *dead =
	    pcap_open_dead_with_tstamp_precision(DLT_RAW, 65535, PCAP_TSTAMP_PRECISION_NANO);
	struct pcap_pkthdr h = { .ts = { 1700000000, 123456789 } };
	pcap_dumper_t *out;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/np-capture.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	out = pcap_dump_open(dead, path);
	assert_non_null(out);
	ipv4(&f, A, B, IPPROTO_TCP, 20);
	tcp_header(&f, 1000, 80, 7, 8, ACK, 9);
	h.caplen = f.len;
	h.len = f.len + 100;
	for (int i = 0; i < PACKETS; i++)
		pcap_dump((u_char *)out, &h, f.bytes);
	pcap_dump_close(out);
	pcap_close(dead);
	file = NULL;
	zipped[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	np_file_close(file);
	unlink(path);
	if (zipped[0])
		unlink(zipped);
	return 0;
}

static size_t read_file(const char *name, uint8_t *bytes, size_t room)
{
	FILE *f = fopen(name, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, room, f);
	fclose(f);
	return n;
}

static void write_file(const char *name, const uint8_t *bytes, size_t n)
{
	FILE *f = fopen(name, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static void has_packets(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(np_file_next(file, &item, &err), 1);
		assert_int_equal(item.kind, NP_ITEM_PACKET);
		assert_int_equal(item.packet.ts_ns, 1700000000123456789ULL);
		assert_int_equal(item.packet.cap_len, 40);
		assert_int_equal(item.packet.wire_len, 140);
		assert_int_equal(item.packet.linktype, DLT_RAW);
	}
}

static void nanoseconds_are_kept(void **state)
{
	(void)state;
	assert_int_equal(np_file_open(&file, path, &err), 0);
	assert_true(np_file_is_capture(file));
	has_packets(PACKETS);
	assert_int_equal(np_file_next(file, &item, &err), 0);
	assert_int_equal(np_file_next(file, &item, &err), 0);
}

static void seconds_are_good_until_2106(void **state)
{
	static const uint32_t secs[] = { 0x7fffffff, 0x80000000, 0xffffffff };
	uint8_t bytes[4096];
	size_t n = read_file(path, bytes, sizeof(bytes));

	(void)state;
	for (size_t i = 0; i < PACKETS; i++)
		memcpy(bytes + 24 + 56 * i, &secs[i], sizeof(secs[i]));
	write_file(path, bytes, n);
	assert_int_equal(np_file_open(&file, path, &err), 0);
	for (size_t i = 0; i < PACKETS; i++) {
		assert_int_equal(np_file_next(file, &item, &err), 1);
		assert_int_equal(item.packet.ts_ns, secs[i] * 1000000000ULL + 123456789);
	}
}

static void zip(const char *mode)
{
	uint8_t bytes[4096];
	size_t n = read_file(path, bytes, sizeof(bytes));
	gzFile gz;

	snprintf(zipped, sizeof(zipped), "%s.gz", path);
	gz = gzopen(zipped, mode);
	assert_non_null(gz);
	assert_int_equal(gzwrite(gz, bytes, (unsigned int)n / 2), n / 2);
	gzclose(gz);
	/* a second member */
	gz = gzopen(zipped, "ab");
	assert_int_equal(gzwrite(gz, bytes + n / 2, (unsigned int)(n - n / 2)), n - n / 2);
	gzclose(gz);
}

static void a_compressed_one_is_read_as_it_is(void **state)
{
	(void)state;
	zip("wb");
	assert_int_equal(np_file_open(&file, zipped, &err), 0);
	has_packets(PACKETS);
	assert_int_equal(np_file_next(file, &item, &err), 0);
}

static void a_compressed_one_that_is_cut_off_gives_what_was_there(void **state)
{
	uint8_t bytes[4096];
	size_t n;

	(void)state;
	zip("wb");
	n = read_file(zipped, bytes, sizeof(bytes));
	write_file(zipped, bytes, n - 4);
	assert_int_equal(np_file_open(&file, zipped, &err), 0);
	while (np_file_next(file, &item, &err) == 1)
		;
	assert_true(np_file_next(file, &item, &err) < 0);
	assert_non_null(strstr(err.msg, "damaged"));
}

static void standard_input_may_be_a_pipe(void **state)
{
	uint8_t bytes[4096];
	size_t n = read_file(path, bytes, sizeof(bytes));
	int fds[2], kept = dup(STDIN_FILENO);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], bytes, n), n);
	close(fds[1]);
	assert_true(dup2(fds[0], STDIN_FILENO) >= 0);
	close(fds[0]);
	assert_int_equal(np_file_open(&file, "-", &err), 0);
	has_packets(PACKETS);
	assert_int_equal(np_file_next(file, &item, &err), 0);
	if (kept >= 0) {
		dup2(kept, STDIN_FILENO);
		close(kept);
	}
}

static void a_truncated_one_gives_what_was_there_and_then_says_so(void **state)
{
	(void)state;
	assert_int_equal(truncate(path, 24 + 2 * 56 + 30), 0);
	assert_int_equal(np_file_open(&file, path, &err), 0);
	has_packets(2);
	assert_true(np_file_next(file, &item, &err) < 0);
	assert_non_null(strstr(err.msg, "damaged after 2 packets"));
	assert_non_null(strstr(err.msg, path));
}

static void what_only_looks_like_one_is_refused_with_a_sentence(void **state)
{
	static const uint8_t magic[] = { 0xd4, 0xc3, 0xb2, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0,
					 0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0 };

	(void)state;
	write_file(path, magic, sizeof(magic));
	assert_true(np_file_open(&file, path, &err) < 0);
	assert_null(file);
	assert_non_null(strstr(err.msg, path));
	write_file(path, (const uint8_t *)"\x1f\x8b\x08no", 5);
	assert_true(np_file_open(&file, path, &err) < 0);
	write_file(path, (const uint8_t *)"hello, world", 12);
	assert_true(np_file_open(&file, path, &err) < 0);
	assert_non_null(strstr(err.msg, "neither a capture"));
}

static uint64_t next_time(void)
{
	assert_int_equal(np_file_next(file, &item, &err), 1);
	return item.packet.ts_ns;
}

static void a_time_that_cannot_be_is_none(void **state)
{
	static const uint32_t last[] = { UINT32_MAX, 999999999 };
	uint8_t bytes[4096];
	size_t n = read_file(path, bytes, sizeof(bytes));

	(void)state;
	memcpy(bytes + 24 + 56, last, sizeof(last));
	write_file(path, bytes, n);
	assert_int_equal(np_file_open(&file, path, &err), 0);
	has_packets(1);
	assert_true(next_time() <= INT64_MAX);
	has_packets(1);
}

/* pcapng of one packet whose stamp is TICKS of RESOLUTION (if_tsresol). */
static void write_ng(uint64_t ticks, uint32_t resolution)
{
	const uint32_t words[] = {
		/* section */
		0x0a0d0d0a,
		28,
		0x1a2b3c4d,
		1,
		UINT32_MAX,
		UINT32_MAX,
		28,
		/* interface */
		1,
		32,
		DLT_RAW_NG,
		65535,
		0x10009,
		resolution,
		0,
		32,
		/* packet */
		6,
		36,
		0,
		(uint32_t)(ticks >> 32),
		(uint32_t)ticks,
		4,
		4,
		0x45,
		36,
	};

	np_file_close(file);
	file = NULL;
	write_file(path, (const uint8_t *)words, sizeof(words));
	assert_int_equal(np_file_open(&file, path, &err), 0);
}

static void a_time_of_64_bits_never_wraps(void **state)
{
	(void)state;
	write_ng(INT64_MAX, 9);
	assert_int_equal(next_time(), INT64_MAX);
	write_ng(1700000000, 0);
	assert_int_equal(next_time(), 1700000000000000000ULL);
	write_ng((uint64_t)INT64_MAX + 1, 9);
	assert_int_equal(next_time(), 0);
	write_ng(UINT64_MAX, 9);
	assert_int_equal(next_time(), 0);
	/* of seconds, also of 2^0 */
	write_ng(1ULL << 34, 0);
	assert_int_equal(next_time(), 0);
	write_ng(UINT64_MAX, 0x80);
	assert_int_equal(next_time(), 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(nanoseconds_are_kept),
		T(seconds_are_good_until_2106),
		T(a_compressed_one_is_read_as_it_is),
		T(a_compressed_one_that_is_cut_off_gives_what_was_there),
		T(standard_input_may_be_a_pipe),
		T(a_truncated_one_gives_what_was_there_and_then_says_so),
		T(what_only_looks_like_one_is_refused_with_a_sentence),
		T(a_time_that_cannot_be_is_none),
		T(a_time_of_64_bits_never_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
