// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Writes a record: a buffer that becomes a block. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "source/record.h"

#define BLOCK_ROOM (256U * 1024) /* a block is written when no other record fits */
#define BLOCK_FULL (64U * 1024)  /* and at a look from here on, */
#define BLOCK_NS   1000000000ULL /* or so long after the one before */
#define LEVEL      1             /* of zlib: it must stay cheap */

struct np_record {
	int fd;
	const char *name; /* for messages */
	int err;
	uint64_t bytes;
	uint64_t written_ns; /* the last block, CLOCK_MONOTONIC */
	size_t len;          /* of raw */
	uint8_t raw[BLOCK_ROOM] __attribute__((aligned(8)));
	uint8_t *stored;
	z_stream deflate;
	bool deflates; /* deflate is to be ended */
};

static int open_file(const char *path, struct np_err *err)
{
	struct stat st;
	/* of a fifo without a reader, or a device, open() would wait */
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);

	if (fd < 0 || fstat(fd, &st))
		np_err_set(err, -errno, "cannot record to %.256s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		np_err_set(err, -EINVAL,
			   "cannot record to %.256s: it is there, and is no regular file", path);
	else if (ftruncate(fd, 0))
		np_err_set(err, -errno, "cannot record to %.256s: %s", path, strerror(errno));
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int np_record_open(struct np_record **out, const char *path, struct np_err *err)
{
	struct np_record *record = calloc(1, sizeof(*record));
	bool standard = !strcmp(path, "-");

	*out = NULL;
	if (!record)
		return np_err_set(err, -ENOMEM, "out of memory");
	record->fd = -1;
	record->name = standard ? "standard output" : path;
	record->stored = malloc(compressBound(BLOCK_ROOM));
	record->deflates = record->stored && deflateInit(&record->deflate, LEVEL) == Z_OK;
	if (!record->deflates) {
		np_err_set(err, -ENOMEM, "out of memory");
		goto fail;
	}
	if (standard && isatty(STDOUT_FILENO)) {
		np_err_set(err, -EINVAL,
			   "a record is not for a terminal: --record - goes to a "
			   "pipe or a file");
		goto fail;
	}
	record->fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : open_file(path, err);
	if (record->fd < 0)
		goto fail;
	*out = record;
	return 0;
fail:
	np_record_close(record);
	return -EINVAL;
}

static void write_all(struct np_record *record, const void *data, size_t len)
{
	const char *at = data;

	while (len && !record->err) {
		ssize_t n = write(record->fd, at, len);

		if (n < 0 && errno != EINTR)
			record->err = -errno;
		if (n <= 0)
			continue;
		at += n;
		len -= (size_t)n;
		record->bytes += (uint64_t)n;
	}
}

/* The buffer as a block. */
static void flush(struct np_record *record)
{
	struct np_rec_block block = { .kind = NP_REC_BLOCK, .raw = (uint32_t)record->len };
	z_stream *z = &record->deflate;

	record->written_ns = np_clock_mono();
	if (!record->len || record->err)
		return;
	deflateReset(z);
	z->next_in = record->raw;
	z->avail_in = (uInt)record->len;
	z->next_out = record->stored;
	z->avail_out = (uInt)compressBound(BLOCK_ROOM);
	record->len = 0;
	if (deflate(z, Z_FINISH) != Z_STREAM_END) {
		record->err = -EIO; /* there is room for the worst case */
		return;
	}
	block.stored = (uint32_t)z->total_out;
	block.crc = (uint32_t)crc32(0, record->stored, block.stored);
	write_all(record, &block, sizeof(block));
	write_all(record, record->stored, block.stored);
}

void np_record_start(struct np_record *record, const struct np_rec_head *head)
{
	struct np_rec_head h = *head;
	const size_t covered = offsetof(struct np_rec_head, flags);
	struct utsname uts;

	memcpy(h.magic, NP_REC_MAGIC, sizeof(h.magic));
	h.mark = NP_REC_MARK;
	h.version = NP_REC_VERSION;
	h.size = sizeof(h);
	h.wall_ns = np_clock_wall();
	h.mono_ns = np_clock_mono();
	memset(h.program, 0, sizeof(h.program));
	strncpy(h.program, NP_VERSION, sizeof(h.program) - 1);
	memset(h.kernel, 0, sizeof(h.kernel));
	if (!uname(&uts))
		memcpy(h.kernel, uts.release, strnlen(uts.release, sizeof(h.kernel) - 1));
	for (uint16_t i = 0; i < NP_REC_TYPES; i++)
		h.sizes[i] = np_rec_size(i);
	h.crc = (uint32_t)crc32(0, (const uint8_t *)&h + covered, sizeof(h) - covered);
	write_all(record, &h, sizeof(h));
	record->written_ns = h.mono_ns;
}

/* A packet's record has room that was not filled: what the ring held before is nobody's business.
 */
static void blank(uint8_t *rec, size_t len)
{
	struct np_ev_packet packet;
	const struct np_ev_hdr *hdr = (const void *)rec;

	if (hdr->type != NP_EV_PACKET || len < sizeof(packet))
		return;
	memcpy(&packet, rec, sizeof(packet));
	if (packet.cap_len < len - sizeof(packet))
		memset(rec + sizeof(packet) + packet.cap_len, 0,
		       len - sizeof(packet) - packet.cap_len);
}

void np_record_add(struct np_record *record, const void *rec, size_t len)
{
	struct np_ev_hdr hdr;
	size_t padded;
	uint8_t *at;

	if (len < sizeof(hdr) || record->err)
		return;
	memcpy(&hdr, rec, sizeof(hdr));
	/* none of ours: refused by the flow table as well */
	if (hdr.size < sizeof(hdr) || hdr.size > len || !np_rec_size(hdr.type))
		return;
	len = hdr.size;
	padded = (len + 7) & ~(size_t)7;
	if (record->len + padded > BLOCK_ROOM)
		flush(record);
	at = record->raw + record->len;
	memcpy(at, rec, len);
	memset(at + len, 0, padded - len);
	blank(at, len);
	record->len += padded;
}

void np_record_look(struct np_record *record, enum np_rec_type type, bool last)
{
	struct np_rec_look look = {
		.hdr = { .type = (uint16_t)type, .size = sizeof(look) },
		.mono_ns = np_clock_mono(),
		.last = last,
	};

	np_record_add(record, &look, sizeof(look));
	if (type == NP_REC_LOOK &&
	    (record->len >= BLOCK_FULL || look.mono_ns - record->written_ns >= BLOCK_NS || last))
		flush(record);
}

uint64_t np_record_bytes(const struct np_record *record)
{
	return record->bytes;
}

int np_record_error(const struct np_record *record, struct np_err *err)
{
	if (record->err)
		np_err_set(err, 0, "cannot write the record to %.256s: %s", record->name,
			   strerror(-record->err));
	return record->err;
}

int np_record_end(struct np_record *record, struct np_err *err)
{
	const struct np_rec_block end = { .kind = NP_REC_BLOCK_END };

	flush(record);
	write_all(record, &end, sizeof(end));
	/* some file systems tell only now that there was no room */
	if (close(record->fd) && !record->err)
		record->err = -errno;
	record->fd = -1;
	return np_record_error(record, err);
}

void np_record_close(struct np_record *record)
{
	if (!record)
		return;
	if (record->fd >= 0)
		close(record->fd);
	if (record->deflates)
		deflateEnd(&record->deflate);
	free(record->stored);
	free(record);
}
