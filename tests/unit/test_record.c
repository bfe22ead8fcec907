// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The file of --record: what is written is read, and whatever happens to the file, what stands
 * before the damage is read, the damage is told, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "source/file.h"
#include "source/record.h"

#define LOOKS 4

static char path[] = "/tmp/np-test-record.XXXXXX";
static uint8_t *bytes; /* of a good record */
static size_t len;
static struct np_buf items[64]; /* what is in it: kind, then the record */
static size_t nitems;

static struct np_ev_sock a_sock(uint64_t cookie)
{
	struct np_ev_sock r = { .hdr = { .type = NP_EV_SOCK, .size = sizeof(r) },
				.cookie = cookie,
				.bytes_sent = 1000 * cookie };

	return r;
}

static void write_good(const char *to)
{
	struct np_rec_head head = { .want = 5, .anomalies = 3, .tool = "nptop", .host = "there" };
	struct np_record *record;
	struct np_err err = { "" };

	assert_int_equal(np_record_open(&record, to, &err), 0);
	np_record_start(record, &head);
	for (uint64_t i = 1; i <= LOOKS; i++) {
		struct np_rec_name name = { .hdr.type = NP_REC_USER, .number = i };
		const char *text = "somebody";
		struct np_ev_sock r = a_sock(i);
		struct np_buf buf = { 0 };

		np_record_look(record, NP_REC_BEGIN, i == LOOKS);
		np_rec_build(&buf, &name, sizeof(name), &text, 1);
		np_record_add(record, buf.data, buf.len);
		np_buf_free(&buf);
		np_record_add(record, &r, sizeof(r));
		/* a block each */
		np_record_look(record, NP_REC_LOOK, true);
	}
	assert_int_equal(np_record_end(record, &err), 0);
	assert_true(np_record_bytes(record) > sizeof(head));
	np_record_close(record);
}

static void read_bytes(void)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_int_equal(fstat(fd, &st), 0);
	len = (size_t)st.st_size;
	bytes = malloc(len);
	assert_int_equal(read(fd, bytes, len), len);
	close(fd);
}

/* A file of these bytes, opened: as np_file_open(). */
static int open_bytes(struct np_file **file, const void *data, size_t n, struct np_err *err)
{
	int fd = memfd_create("record", MFD_CLOEXEC), ret;
	char name[64];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	err->msg[0] = '\0';
	ret = np_file_open(file, name, err);
	close(fd);
	return ret;
}

static void keep(struct np_buf *buf, const struct np_item *item)
{
	np_buf_chr(buf, (char)item->kind);
	np_buf_chr(buf, (char)item->last);
	np_buf_add(buf, item->rec, item->len);
}

/* How many items there are, each the one of the good record; *END: what stopped it. */
static size_t read_items(struct np_file *file, int *end, struct np_err *err)
{
	struct np_item item;
	size_t n = 0;

	while ((*end = np_file_next(file, &item, err)) > 0) {
		struct np_buf buf = { 0 };

		assert_true(n < nitems);
		assert_int_equal((uintptr_t)item.rec % 8, 0);
		keep(&buf, &item);
		assert_int_equal(buf.len, items[n].len);
		assert_memory_equal(buf.data, items[n].data, buf.len);
		np_buf_free(&buf);
		n++;
	}
	/* and stays ended */
	assert_true(np_file_next(file, &item, err) <= 0);
	return n;
}

static int setup(void **state)
{
	struct np_err err = { "" };
	struct np_file *file;
	struct np_item item;
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	write_good(path);
	read_bytes();
	assert_int_equal(np_file_open(&file, path, &err), 0);
	while (np_file_next(file, &item, &err) > 0)
		keep(&items[nitems++], &item);
	np_file_close(file);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems; i++)
		np_buf_free(&items[i]);
	free(bytes);
	return unlink(path);
}

static void what_was_written_is_read(void **state)
{
	const struct np_rec_head *head;
	struct np_err err = { "" };
	struct np_file *file;
	int end;

	(void)state;
	assert_int_equal(nitems, 4 * LOOKS);
	assert_int_equal(items[0].data[0], NP_ITEM_BEGIN);
	assert_int_equal(items[1].data[0], NP_ITEM_RECORD);
	assert_int_equal(items[2].data[0], NP_ITEM_RECORD);
	assert_int_equal(items[3].data[0], NP_ITEM_LOOK);
	assert_int_equal(items[0].data[1], false);
	assert_int_equal(items[4 * LOOKS - 4].data[1], true);
	for (uint64_t i = 1; i <= LOOKS; i++) {
		struct np_ev_sock r = a_sock(i);

		assert_memory_equal(items[4 * i - 2].data + 2, &r, sizeof(r));
	}
	assert_int_equal(np_file_open(&file, path, &err), 0);
	assert_false(np_file_is_capture(file));
	head = np_file_head(file);
	assert_int_equal(head->want, 5);
	assert_string_equal(head->tool, "nptop");
	assert_string_equal(head->host, "there");
	assert_string_equal(head->program, NP_VERSION);
	assert_int_equal(read_items(file, &end, &err), nitems);
	assert_int_equal(end, 0);
	np_file_close(file);
}

/* How many items are in the blocks that end before or at byte N. */
static size_t items_before(size_t n)
{
	size_t at = sizeof(struct np_rec_head), whole = 0;
	struct np_rec_block block;

	while (at + sizeof(block) <= n) {
		memcpy(&block, bytes + at, sizeof(block));
		at += sizeof(block) + block.stored;
		whole += at <= n && block.kind == NP_REC_BLOCK;
	}
	return 4 * whole;
}

static void cut_off_anywhere(void **state)
{
	(void)state;
	for (size_t n = 0; n < len; n++) {
		struct np_err err;
		struct np_file *file;
		int end;

		if (open_bytes(&file, bytes, n, &err)) {
			assert_true(n < sizeof(struct np_rec_head));
			assert_true(err.msg[0]);
			continue;
		}
		assert_true(n >= sizeof(struct np_rec_head));
		assert_int_equal(read_items(file, &end, &err), items_before(n));
		assert_int_equal(end, -EBADMSG);
		assert_non_null(strstr(err.msg, "ends before its end mark"));
		np_file_close(file);
	}
}

/* Each byte, in several ways: what is before its block is read, and that it is damaged is told. */
static void damaged_anywhere(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	uint8_t *copy = malloc(len);

	(void)state;
	for (size_t n = 0; n < 3 * len; n++) {
		struct np_err err;
		struct np_file *file;
		int end;

		memcpy(copy, bytes, len);
		copy[n / 3] ^= flips[n % 3];
		if (open_bytes(&file, copy, len, &err)) {
			assert_true(n / 3 < sizeof(struct np_rec_head));
			assert_true(err.msg[0]);
			continue;
		}
		assert_true(n / 3 >= sizeof(struct np_rec_head));
		assert_int_equal(read_items(file, &end, &err), items_before(n / 3));
		assert_true(end < 0);
		assert_true(err.msg[0]);
		np_file_close(file);
	}
	free(copy);
}

static void set_crc(struct np_rec_head *h)
{
	size_t from = offsetof(struct np_rec_head, flags);

	h->crc = (uint32_t)crc32(0, (const uint8_t *)h + from, sizeof(*h) - from);
}

/* The header changed in one way, and its checksum with it: the sentence it is refused with. */
static struct np_err refused(void (*change)(struct np_rec_head *))
{
	uint8_t *copy = malloc(len);
	struct np_rec_head h;
	struct np_file *file;
	struct np_err err;

	memcpy(copy, bytes, len);
	memcpy(&h, bytes, sizeof(h));
	change(&h);
	set_crc(&h);
	memcpy(copy, &h, sizeof(h));
	assert_true(open_bytes(&file, copy, len, &err) < 0);
	free(copy);
	return err;
}

static void other_order(struct np_rec_head *h)
{
	h->mark = __builtin_bswap32(h->mark);
}

static void newer(struct np_rec_head *h)
{
	h->version++;
}

static void other_layout(struct np_rec_head *h)
{
	h->sizes[NP_EV_SOCK] += 8;
	strcpy(h->program, "9.9");
}

static void newer_type(struct np_rec_head *h)
{
	h->sizes[NP_REC_TYPES - 1] = 8;
}

static void through_text(struct np_rec_head *h)
{
	h->magic[4] = '\n';
}

static void others_are_refused_by_name(void **state)
{
	(void)state;
	assert_non_null(strstr(refused(other_order).msg, "-endian machine"));
	assert_non_null(
	    strstr(refused(newer).msg, "is of format 2, and this program knows format 1"));
	assert_non_null(strstr(refused(other_layout).msg,
			       "of NetProbe 9.9, whose records of type 1 (sock) are of"));
	assert_non_null(strstr(refused(newer_type).msg, "records of type 63 (unknown)"));
	assert_non_null(strstr(refused(through_text).msg, "changed on its way"));
}

static void older_writers_are_read(void **state)
{
	uint8_t *copy = malloc(len);
	struct np_rec_head h;
	struct np_file *file;
	struct np_err err;

	(void)state;
	memcpy(copy, bytes, len);
	memcpy(&h, bytes, sizeof(h));
	h.sizes[NP_REC_PROG] = 0; /* it did not know these yet */
	set_crc(&h);
	memcpy(copy, &h, sizeof(h));
	assert_int_equal(open_bytes(&file, copy, len, &err), 0);
	np_file_close(file);
	free(copy);
}

/* A good header, and one block of RAW bytes that says SAYS of itself: how reading it ends. */
static int read_block(const void *raw, size_t n, uint32_t says, struct np_err *err)
{
	uLongf stored = compressBound(n);
	size_t at = sizeof(struct np_rec_head);
	struct np_rec_block block = { .kind = NP_REC_BLOCK, .raw = says };
	uint8_t *file_bytes = malloc(at + sizeof(block) + stored);
	struct np_file *file;
	struct np_item item;
	int ret;

	memcpy(file_bytes, bytes, at);
	assert_int_equal(compress2(file_bytes + at + sizeof(block), &stored, raw, n, 9), Z_OK);
	block.stored = (uint32_t)stored;
	block.crc = (uint32_t)crc32(0, file_bytes + at + sizeof(block), block.stored);
	memcpy(file_bytes + at, &block, sizeof(block));
	assert_int_equal(open_bytes(&file, file_bytes, at + sizeof(block) + stored, err), 0);
	while ((ret = np_file_next(file, &item, err)) > 0)
		;
	np_file_close(file);
	free(file_bytes);
	return ret;
}

static void hostile_blocks(void **state)
{
	size_t big = 64u << 20;
	uint8_t *zeros = calloc(1, big);
	struct np_ev_sock r = a_sock(1);
	struct np_err err;

	(void)state;
	/* 64 MiB of nothing, whatever they are said to be: they are never unfolded */
	assert_int_equal(read_block(zeros, big, (uint32_t)big, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "header makes no sense"));
	assert_int_equal(read_block(zeros, big, NP_REC_RAW_MAX, &err), -EBADMSG);
	assert_int_equal(read_block(zeros, 64, 128, &err), -EBADMSG);
	assert_int_equal(read_block(zeros, 64, 60, &err), -EBADMSG);
	assert_int_equal(read_block(zeros, NP_REC_RAW_MAX, NP_REC_RAW_MAX, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "a record in it makes no sense"));
	/* sizes that lie */
	r.hdr.size = 0;
	assert_int_equal(read_block(&r, sizeof(r), sizeof(r), &err), -EBADMSG);
	r.hdr.size = sizeof(r) + 8;
	assert_int_equal(read_block(&r, sizeof(r), sizeof(r), &err), -EBADMSG);
	r.hdr.size = sizeof(r);
	r.hdr.type = NP_EV_MAX;
	assert_int_equal(read_block(&r, sizeof(r), sizeof(r), &err), -EBADMSG);
	r.hdr.type = NP_REC_STACK;
	r.hdr.size = 65528;
	assert_int_equal(read_block(&r, sizeof(r), sizeof(r), &err), -EBADMSG);
	/* and a good one, but the file ends there */
	r = a_sock(1);
	assert_int_equal(read_block(&r, sizeof(r), sizeof(r), &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "end mark"));
	free(zeros);
}

/* What is behind a packet's bytes is of another record that was in the ring before. */
static void what_a_packet_has_no_use_for_is_blank(void **state)
{
	char to[] = "/tmp/np-test-packet.XXXXXX", data[sizeof(struct np_ev_packet) + NP_PEEK_SMALL];
	struct np_ev_packet *r = (void *)data;
	struct np_rec_head head = { .tool = "npflows" };
	struct np_record *record;
	struct np_file *file;
	struct np_item item;
	struct np_err err;

	(void)state;
	memset(data, 'x', sizeof(data));
	r->hdr.type = NP_EV_PACKET;
	r->hdr.size = sizeof(data);
	r->cap_len = 10;
	close(mkstemp(to));
	assert_int_equal(np_record_open(&record, to, &err), 0);
	np_record_start(record, &head);
	np_record_add(record, data, sizeof(data));
	assert_int_equal(np_record_end(record, &err), 0);
	np_record_close(record);
	assert_int_equal(np_file_open(&file, to, &err), 0);
	assert_int_equal(np_file_next(file, &item, &err), 1);
	assert_int_equal(item.len, sizeof(data));
	assert_memory_equal((const char *)item.rec + sizeof(*r), "xxxxxxxxxx\0\0\0\0", 14);
	for (size_t i = sizeof(*r) + 10; i < item.len; i++)
		assert_int_equal(((const char *)item.rec)[i], 0);
	np_file_close(file);
	unlink(to);
}

static void texts_are_whole_or_none(void **state)
{
	const char *two[] = { "one", "" }, *got[3];
	struct np_rec_name name = { .hdr.type = NP_REC_USER };
	struct np_buf buf = { 0 };
	char *large = calloc(1, 70000);

	(void)state;
	np_rec_build(&buf, &name, sizeof(name), two, 2);
	assert_int_equal(buf.len, sizeof(name) + 5);
	assert_int_equal(((const struct np_ev_hdr *)(const void *)buf.data)->size, buf.len);
	assert_true(np_rec_texts(buf.data, buf.len, sizeof(name), got, 2));
	assert_string_equal(got[0], "one");
	assert_string_equal(got[1], "");
	assert_false(np_rec_texts(buf.data, buf.len, sizeof(name), got, 3));
	assert_false(np_rec_texts(buf.data, buf.len - 1, sizeof(name), got, 2));
	assert_false(np_rec_texts(buf.data, 8, sizeof(name), got, 0));
	memset(large, 'x', 69999);
	two[1] = large;
	np_rec_build(&buf, &name, sizeof(name), two, 2);
	assert_int_equal(buf.len, 0);
	np_buf_free(&buf);
	free(large);
}

static void a_look_at_no_time_of_a_clock_is_damage(void **state)
{
	struct np_rec_look look = { .hdr = { .type = NP_REC_BEGIN, .size = sizeof(look) },
				    .mono_ns = INT64_MAX };
	char name[] = "/tmp/np-test-look.XXXXXX";
	struct np_rec_head head = { .want = 5 };
	struct np_record *record;
	struct np_file *file;
	struct np_item item;
	struct np_err err;

	(void)state;
	close(mkstemp(name));
	assert_int_equal(np_record_open(&record, name, &err), 0);
	np_record_start(record, &head);
	np_record_add(record, &look, sizeof(look));
	look.mono_ns++;
	np_record_add(record, &look, sizeof(look));
	assert_int_equal(np_record_end(record, &err), 0);
	np_record_close(record);
	assert_int_equal(np_file_open(&file, name, &err), 0);
	assert_int_equal(np_file_next(file, &item, &err), 1);
	assert_int_equal(item.ts_ns, INT64_MAX);
	assert_true(np_file_next(file, &item, &err) < 0);
	np_file_close(file);
	unlink(name);
}

static void foreign_files_are_told_so(void **state)
{
	static const char *const texts[] = { "#!/bin/sh\n", "\x8eNP",
					     "\x7f"
					     "ELF",
					     "PNG" };
	struct np_file *file;
	struct np_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(open_bytes(&file, texts[i], strlen(texts[i]), &err) < 0);
		assert_non_null(strstr(err.msg, "neither a capture"));
	}
	assert_true(open_bytes(&file, "", 0, &err) < 0);
	assert_non_null(strstr(err.msg, "is empty"));
	assert_int_equal(np_file_open(&file, "/no/such/file", &err), -ENOENT);
	assert_true(np_file_open(&file, "/tmp", &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(cut_off_anywhere),
		cmocka_unit_test(damaged_anywhere),
		cmocka_unit_test(others_are_refused_by_name),
		cmocka_unit_test(older_writers_are_read),
		cmocka_unit_test(hostile_blocks),
		cmocka_unit_test(what_a_packet_has_no_use_for_is_blank),
		cmocka_unit_test(texts_are_whole_or_none),
		cmocka_unit_test(a_look_at_no_time_of_a_clock_is_damage),
		cmocka_unit_test(foreign_files_are_told_so),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
