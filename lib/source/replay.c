// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Reads a record. Whoever wrote the file may have meant harm: nothing in it is believed unchecked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "source/file.h"
#include "source/record.h"

#define LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

struct replay {
	int fd;
	struct np_rec_head head;
	uint64_t offset; /* of what is read next, in the file */
	size_t len, at;  /* of raw */
	size_t stored_cap;
	uint8_t *stored;
	uint8_t *raw; /* NP_REC_RAW_MAX bytes */
	bool ended;
};

static bool is_record(const uint8_t *head, size_t len)
{
	return len >= 4 && !memcmp(head, NP_REC_MAGIC, 4);
}

/* How many of LEN bytes there were: fewer at the end of the file only. Negative: -errno. */
static ssize_t read_all(struct replay *r, void *data, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = np_file_read(r->fd, (char *)data + have, len - have);

		if (n < 0)
			return n;
		if (!n)
			break;
		have += (size_t)n;
	}
	r->offset += have;
	return (ssize_t)have;
}

static int cut_off(struct np_err *err)
{
	return np_err_set(err, -EBADMSG,
			  "the record ends before its end mark: the recording was killed, or the "
			  "file is cut off");
}

static int damaged(const struct replay *r, struct np_err *err, const char *what)
{
	return np_err_set(err, -EBADMSG, "the record is damaged before byte %llu: %s",
			  (unsigned long long)r->offset, what);
}

static int bad_read(struct np_err *err, ssize_t n)
{
	return np_err_set(err, (int)n, "cannot read the record: %s", strerror((int)-n));
}

/* A record of each type is as large for the writer as for us. */
static int check_layout(const struct np_rec_head *h, struct np_err *err)
{
	for (uint16_t i = 0; i < NP_REC_TYPES; i++) {
		uint16_t here = np_rec_size(i);

		/* types that are newer than the writer are in no file of its */
		if (!h->sizes[i] || h->sizes[i] == here)
			continue;
		return np_err_set(err, -EPROTO,
				  "the record is of NetProbe %s, whose records of type %u (%s) are "
				  "of %u bytes, here of %u; play it with that version",
				  h->program, i, np_rec_type_name(i), h->sizes[i], here);
	}
	return 0;
}

static int check_start(const struct np_rec_head *h, struct np_err *err)
{
	if (memcmp(h->magic, NP_REC_MAGIC, sizeof(h->magic)) != 0)
		return np_err_set(err, -EBADMSG,
				  "the record was changed on its way, as if it were text; copy it "
				  "as binary");
	if (h->mark == __builtin_bswap32(NP_REC_MARK))
		return np_err_set(err, -EPROTO,
				  "the record was made on a %s-endian machine, and this is a "
				  "%s-endian one; play it on one of the other kind",
				  LITTLE ? "big" : "little", LITTLE ? "little" : "big");
	if (h->mark != NP_REC_MARK)
		return np_err_set(err, -EBADMSG, "the record's header is damaged");
	if (h->version != NP_REC_VERSION || h->size != sizeof(*h))
		return np_err_set(err, -EPROTO,
				  "the record is of format %u, and this program knows format %u; "
				  "play it with the NetProbe that made it",
				  h->version, NP_REC_VERSION);
	return 0;
}

static int read_head(struct replay *r, const uint8_t *head, size_t len, struct np_err *err)
{
	const size_t covered = offsetof(struct np_rec_head, flags);
	struct np_rec_head *h = &r->head;
	ssize_t n;
	int ret;

	memcpy(h, head, len);
	r->offset = len;
	if (len < 16)
		return cut_off(err);
	ret = check_start(h, err);
	if (ret)
		return ret;
	n = read_all(r, (char *)h + len, sizeof(*h) - len);
	if (n < 0)
		return bad_read(err, n);
	if ((size_t)n < sizeof(*h) - len)
		return cut_off(err);
	if (h->crc != crc32(0, (const uint8_t *)h + covered, sizeof(*h) - covered))
		return np_err_set(err, -EBADMSG, "the record's header is damaged");
	h->tool[sizeof(h->tool) - 1] = '\0';
	h->program[sizeof(h->program) - 1] = '\0';
	h->kernel[sizeof(h->kernel) - 1] = '\0';
	h->host[sizeof(h->host) - 1] = '\0';
	return check_layout(h, err);
}

static void replay_close(void *self)
{
	struct replay *r = self;

	if (r->fd >= 0)
		close(r->fd);
	free(r->stored);
	free(r->raw);
	free(r);
}

static int replay_open(void **self, int fd, const uint8_t *head, size_t len, struct np_err *err)
{
	struct replay *r = calloc(1, sizeof(*r));
	int ret;

	if (!r) {
		close(fd);
		return np_err_set(err, -ENOMEM, "out of memory");
	}
	r->fd = fd;
	ret = read_head(r, head, len, err);
	if (!ret) {
		r->stored_cap = compressBound(NP_REC_RAW_MAX);
		r->stored = malloc(r->stored_cap);
		r->raw = malloc(NP_REC_RAW_MAX);
		if (!r->stored || !r->raw)
			ret = np_err_set(err, -ENOMEM, "out of memory");
	}
	if (ret) {
		replay_close(r);
		return ret;
	}
	*self = r;
	return 0;
}

static int inflate_block(struct replay *r, const struct np_rec_block *block, struct np_err *err)
{
	uLongf len = block->raw;
	/* never more than was said, whatever the bytes unfold to */
	int ret = uncompress(r->raw, &len, r->stored, block->stored);

	if (ret == Z_MEM_ERROR)
		return np_err_set(err, -ENOMEM, "out of memory");
	if (ret != Z_OK || len != block->raw)
		return damaged(r, err, "its block does not unfold");
	r->len = block->raw;
	r->at = 0;
	return 1;
}

/* The next block: 1; 0: the end. */
static int next_block(struct replay *r, struct np_err *err)
{
	struct np_rec_block block;
	ssize_t n = read_all(r, &block, sizeof(block));

	if (n < 0)
		return bad_read(err, n);
	if ((size_t)n < sizeof(block))
		return cut_off(err);
	if (block.kind == NP_REC_BLOCK_END && !block.raw && !block.stored && !block.crc) {
		r->ended = true;
		return 0;
	}
	if (block.kind != NP_REC_BLOCK || !block.raw || block.raw > NP_REC_RAW_MAX ||
	    block.raw % 8 || block.stored > r->stored_cap)
		return damaged(r, err, "a block's header makes no sense");
	n = read_all(r, r->stored, block.stored);
	if (n < 0)
		return bad_read(err, n);
	if ((size_t)n < block.stored)
		return cut_off(err);
	if (crc32(0, r->stored, block.stored) != block.crc)
		return damaged(r, err, "the checksum of a block differs");
	return inflate_block(r, &block, err);
}

static bool is_look(const struct np_ev_hdr *hdr)
{
	return hdr->type == NP_REC_BEGIN || hdr->type == NP_REC_LOOK;
}

/* No clock shows as much, and sums of times have room. */
static bool is_time(const struct np_ev_hdr *hdr)
{
	const struct np_rec_look *look = (const void *)hdr;

	return !is_look(hdr) || look->mono_ns <= INT64_MAX;
}

/* Fixed ones have their size; those with room for more have at least that. */
static bool fits(const struct np_ev_hdr *hdr)
{
	uint16_t size = np_rec_size(hdr->type);
	bool more =
	    hdr->type == NP_EV_PACKET || (hdr->type >= NP_REC_PROC && hdr->type < NP_REC_DROPS);

	return size && (more ? hdr->size >= size : hdr->size == size);
}

static void set_item(struct np_item *item, const struct np_ev_hdr *hdr)
{
	const struct np_rec_look *look = (const void *)hdr;

	*item = (struct np_item){ .kind = NP_ITEM_RECORD };
	item->rec = hdr;
	item->len = hdr->size;
	if (!is_look(hdr))
		return;
	item->kind = hdr->type == NP_REC_BEGIN ? NP_ITEM_BEGIN : NP_ITEM_LOOK;
	item->ts_ns = look->mono_ns;
	item->last = look->last;
}

static int replay_next(void *self, struct np_item *item, struct np_err *err)
{
	struct replay *r = self;
	const struct np_ev_hdr *hdr;
	size_t left;

	if (r->ended)
		return 0;
	if (r->at == r->len) {
		int ret = next_block(r, err);

		if (ret <= 0) {
			r->ended = true;
			return ret;
		}
	}
	hdr = (const void *)(r->raw + r->at);
	left = r->len - r->at;
	/* lengths are multiples of 8, so there is room for a header */
	if (!fits(hdr) || hdr->size > left || !is_time(hdr)) {
		r->ended = true;
		return damaged(r, err, "a record in it makes no sense");
	}
	set_item(item, hdr);
	r->at += ((size_t)hdr->size + 7) & ~(size_t)7;
	return 1;
}

static const struct np_rec_head *replay_head(const void *self)
{
	const struct replay *r = self;

	return &r->head;
}

const struct np_file_ops np_file_record = {
	.is = is_record,
	.open = replay_open,
	.next = replay_next,
	.close = replay_close,
	.head = replay_head,
};
