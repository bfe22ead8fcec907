/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A file in place of the kernel: a capture (pcap, pcapng), which is packets, or a record
 * (--record), which is what a source once handed on. np_file gives out its items one by one; what
 * an item points to stays until the next call. The caller owns np_file. Files are untrusted.
 */
#ifndef NP_FILE_H
#define NP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "source/packet.h"

enum np_item_kind {
	NP_ITEM_PACKET, /* of a capture */
	NP_ITEM_RECORD, /* np_event.h: for np_flows_record(), or a name for meta */
	NP_ITEM_LOOK,   /* a record's: what came since the look before was shown then */
	NP_ITEM_BEGIN,  /* a record's: a look began; records may come before it as well */
};

struct np_item {
	enum np_item_kind kind;
	bool last;      /* LOOK, BEGIN: none follows */
	uint64_t ts_ns; /* BEGIN: CLOCK_MONOTONIC of the recording, at most INT64_MAX */
	union {
		struct np_packet packet;
		struct {
			const void *rec; /* aligned to 8 bytes */
			size_t len;
		};
	};
};

struct np_file;
struct np_rec_head;

/* PATH "-": standard input. 0, or -errno with a sentence: not there, of no kind that we know. */
int np_file_open(struct np_file **out, const char *path, struct np_err *err);
void np_file_close(struct np_file *file);
/* A capture, not a record. NULL, no file: neither. */
bool np_file_is_capture(const struct np_file *file);
/* Of a capture its link level, as packets have it, and its NAME, the file's; -1: no capture. */
int np_file_link(const struct np_file *file, const char **name);
/* What a record says of itself (record.h); NULL: a capture, or no file. The file owns it. */
const struct np_rec_head *np_file_head(const struct np_file *file);
/*
 * The next item: 1; 0 at the end; negative with a sentence where the file is damaged from here on.
 */
int np_file_next(struct np_file *file, struct np_item *item, struct np_err *err);

/* What a kind of file is, for file.c, which knows all kinds by their first bytes. */
struct np_file_ops {
	bool (*is)(const uint8_t *head,
		   size_t len); /* its first 16 bytes, or as many as there are */
	/* FD is the kind's own from now on; HEAD was read from it already */
	int (*open)(void **self, int fd, const uint8_t *head, size_t len, struct np_err *err);
	int (*next)(void *self, struct np_item *item, struct np_err *err);
	void (*close)(void *self);
	/* of a record; a capture has none */
	const struct np_rec_head *(*head)(const void *self);
	/* of a capture; a record has none */
	int (*link)(const void *self, const char **name);
};
extern const struct np_file_ops np_file_record, np_file_capture;

/*
 * For kinds: read() of FD, which may be a pipe that waits for its writer. Where signals that end
 * the program wait to be taken (they are blocked, for a signalfd) it is as if the file ended.
 * -errno.
 */
ssize_t np_file_read(int fd, void *buf, size_t len);

#endif
