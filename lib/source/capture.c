// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Captures: pcap and pcapng, by libpcap's reader of files, also compressed by gzip. What was read
 * to recognise the file is given again by a stream of our own, since a pipe cannot be rewound.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "source/file.h"

#define HEAD 16

#define PIECE 65536 /* of a compressed file, read at once */

struct capture {
	pcap_t *pcap;
	int fd;
	uint8_t head[HEAD]; /* read already */
	size_t nhead, given;
	bool zipped, broken; /* broken: the compression is */
	z_stream z;
	uint8_t *piece;
	uint16_t linktype;
	char linkname[64];
	uint64_t packets;
};

static bool is_magic(const uint8_t *h, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (h[0] == a && h[1] == b && h[2] == c && h[3] == d) ||
	       (h[0] == d && h[1] == c && h[2] == b && h[3] == a);
}

static bool is_gzip(const uint8_t *h)
{
	return h[0] == 0x1f && h[1] == 0x8b && h[2] == 8;
}

/* pcap of microseconds, nanoseconds, and two old variants; pcapng; gzip, whatever is in it */
static bool capture_is(const uint8_t *h, size_t len)
{
	return len >= 4 &&
	       (is_magic(h, 0xa1, 0xb2, 0xc3, 0xd4) || is_magic(h, 0xa1, 0xb2, 0x3c, 0x4d) ||
		is_magic(h, 0xa1, 0xb2, 0xcd, 0x34) || is_magic(h, 0xa1, 0xe2, 0xcb, 0x12) ||
		is_magic(h, 0x0a, 0x0d, 0x0d, 0x0a) || is_gzip(h));
}

/* ---- the stream: its head, then the file ---- */

static ssize_t read_plain(struct capture *c, void *buf, size_t size)
{
	size_t left = c->nhead - c->given;
	ssize_t n;

	if (left) {
		size = size < left ? size : left;
		memcpy(buf, c->head + c->given, size);
		c->given += size;
		return (ssize_t)size;
	}
	n = np_file_read(c->fd, buf, size);
	if (n < 0) {
		errno = (int)-n;
		return -1;
	}
	return n;
}

/* gzip, RFC 1952: one member may follow the other. */
static ssize_t read_zipped(struct capture *c, void *buf, size_t size)
{
	z_stream *z = &c->z;

	z->next_out = buf;
	z->avail_out = size < UINT32_MAX ? (uInt)size : UINT32_MAX;
	while (z->next_out == buf) {
		int ret;

		if (!z->avail_in) {
			ssize_t n = read_plain(c, c->piece, PIECE);

			if (n <= 0) {
				/* zlib has begun a member that is not there */
				c->broken = n < 0 || z->total_in;
				return c->broken ? -1 : 0;
			}
			z->next_in = c->piece;
			z->avail_in = (uInt)n;
		}
		ret = inflate(z, Z_NO_FLUSH);
		if (ret == Z_STREAM_END)
			ret = inflateReset(z);
		if (ret != Z_OK && ret != Z_BUF_ERROR) {
			c->broken = true;
			return -1;
		}
	}
	return z->next_out - (uint8_t *)buf;
}

static ssize_t stream_read(void *cookie, char *buf, size_t size)
{
	struct capture *c = cookie;

	return c->zipped ? read_zipped(c, buf, size) : read_plain(c, buf, size);
}

static int stream_close(void *cookie)
{
	(void)cookie; /* capture_close() */
	return 0;
}

static int open_gzip(struct capture *c, struct np_err *err)
{
	c->piece = malloc(PIECE);
	if (!c->piece || inflateInit2(&c->z, 16 + MAX_WBITS) != Z_OK)
		return np_err_set(err, -ENOMEM, "out of memory");
	c->zipped = true;
	return 0;
}

static void capture_close(void *self)
{
	struct capture *c = self;

	if (!c)
		return;
	if (c->pcap)
		pcap_close(c->pcap);
	if (c->zipped)
		inflateEnd(&c->z);
	free(c->piece);
	close(c->fd);
	free(c);
}

static int open_pcap(struct capture *c, struct np_err *err)
{
	static const cookie_io_functions_t functions = { .read = stream_read,
							 .close = stream_close };
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *stream = fopencookie(c, "rb", functions);
	const char *name;

	if (!stream)
		return np_err_set(err, -errno, "cannot read the capture: %s", strerror(errno));
	setvbuf(stream, NULL, _IOFBF, 1U << 16);
	c->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!c->pcap) {
		fclose(stream);
		return np_err_set(err, -EINVAL, "not a capture that can be read: %s",
				  c->broken ? "damaged compression" : why);
	}
	c->linktype = (uint16_t)pcap_datalink(c->pcap);
	name = pcap_datalink_val_to_name(c->linktype);
	snprintf(c->linkname, sizeof(c->linkname), "%u%s%.48s%s", c->linktype, name ? " (" : "",
		 name ? name : "", name ? ")" : "");
	return 0;
}

static int capture_open(void **self, int fd, const uint8_t *head, size_t len, struct np_err *err)
{
	struct capture *c = calloc(1, sizeof(*c));
	int ret;

	if (!c) {
		close(fd);
		return np_err_set(err, -ENOMEM, "out of memory");
	}
	c->fd = fd;
	c->nhead = len < HEAD ? len : HEAD;
	memcpy(c->head, head, c->nhead);
	ret = c->nhead >= 4 && is_gzip(head) ? open_gzip(c, err) : 0;
	if (!ret)
		ret = open_pcap(c, err);
	if (ret) {
		capture_close(c);
		return ret;
	}
	*self = c;
	return 0;
}

static int damaged(struct capture *c, struct np_err *err)
{
	return np_err_set(err, -EINVAL, "the capture is damaged after %llu packets: %s",
			  (unsigned long long)c->packets,
			  c->broken ? "its compression is" : pcap_geterr(c->pcap));
}

/*
 * With this precision libpcap puts nanoseconds there. A file may say any number: before 1970 and
 * from 2262 on it is 0, so that sums of times have room.
 */
static uint64_t time_of(const struct timeval *tv)
{
	int64_t ns;

	if (tv->tv_sec < 0 || tv->tv_usec < 0 ||
	    __builtin_mul_overflow((int64_t)tv->tv_sec, 1000000000, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)tv->tv_usec, &ns))
		return 0;
	return (uint64_t)ns;
}

static int capture_next(void *self, struct np_item *item, struct np_err *err)
{
	struct capture *c = self;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	struct np_packet *p;
	int got = pcap_next_ex(c->pcap, &h, &data);

	if (got == PCAP_ERROR_BREAK && !c->broken)
		return 0;
	if (got != 1)
		return damaged(c, err);
	c->packets++;
	/* the seconds of a pcap, which are 32 bits, have no sign; libpcap gives them one */
	if (h->ts.tv_sec < 0 && pcap_major_version(c->pcap) == PCAP_VERSION_MAJOR)
		h->ts.tv_sec = (uint32_t)h->ts.tv_sec;
	item->kind = NP_ITEM_PACKET;
	item->last = false;
	p = &item->packet;
	p->ts_ns = time_of(&h->ts);
	p->wire_len = h->len;
	p->cap_len = h->caplen;
	p->linktype = c->linktype;
	p->way = NP_WAY_UNKNOWN;
	p->pad = 0;
	p->data = data;
	return 1;
}

/* One of a whole file: libpcap refuses an interface that has another one. */
static int capture_link(const void *self, const char **name)
{
	const struct capture *c = self;

	*name = c->linkname;
	return c->linktype;
}

const struct np_file_ops np_file_capture = {
	.is = capture_is,
	.open = capture_open,
	.next = capture_next,
	.close = capture_close,
	.link = capture_link,
};
