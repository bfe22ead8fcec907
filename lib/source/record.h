/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The file of --record: what a run took in, so that it can be played again. np_record writes one,
 * and is the caller's; file.h reads one. It is a header, then blocks, then an end mark:
 *
 *   np_rec_head
 *   np_rec_block, then `stored` bytes: deflated, `raw` bytes of whole records, each padded to 8
 *   ...
 *   np_rec_block of kind NP_REC_BLOCK_END, without bytes
 *
 * Records are those of np_event.h, as the source handed them on, and those of below. What names a
 * number comes before the first record that needs the name. Byte order and layout are the
 * writer's, and the header tells them: a reader of another one refuses.
 */
#ifndef NP_RECORD_H
#define NP_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "np_event.h"

#define NP_REC_MAGIC \
	"\x8eNPR\r\n\x1a\n" /* as PNG's: a change of line ends, or a 7-bit way, shows */
#define NP_REC_MARK    0x01020304U
#define NP_REC_VERSION 1
#define NP_REC_TYPES   64

/* Types of records that are in files only. */
enum np_rec_type {
	NP_REC_BEGIN = 32,  /* np_rec_look: a look begins */
	NP_REC_LOOK,        /* np_rec_look: what came in was shown */
	NP_REC_PROC,        /* np_rec_proc, command line, path of the cgroup ("" where unknown) */
	NP_REC_CGROUP,      /* np_rec_name, NP_REC_CGROUP_TEXTS texts; all "": not known any more */
	NP_REC_USER,        /* np_rec_name, name; "": none */
	NP_REC_NETNS,       /* the same */
	NP_REC_DROP_REASON, /* the same: of enum skb_drop_reason */
	NP_REC_RESET_REASON, /* of enum sk_rst_reason */
	NP_REC_STACK,        /* of a stack's id: its text */
	NP_REC_ASKED_USER,   /* np_rec_name, --uid as it was given: what it meant there */
	NP_REC_ASKED_NETNS,  /* the same of --netns */
	NP_REC_DROPS,        /* np_rec_drops: what a network namespace answered */
	NP_REC_STATS,        /* np_rec_stats: what the source lost so far */
	NP_REC_PROG,         /* np_rec_prog: a hook; they follow NP_REC_STATS */
	NP_REC_MAX,
};

struct np_rec_look {
	struct np_ev_hdr hdr;
	uint64_t mono_ns; /* CLOCK_MONOTONIC */
	uint32_t last;    /* no other follows */
	uint32_t pad;
};

struct np_rec_proc {
	struct np_ev_hdr hdr;
	uint64_t start_ns;
	uint32_t pid;
	uint32_t uid; /* UINT32_MAX: not known */
	char comm[16];
};

/* Of a number: id of a cgroup (0: its path is all there is), uid, inode, reason, id of a stack. */
struct np_rec_name {
	struct np_ev_hdr hdr;
	uint64_t number;
};
/* path, runtime, container's id, its name, pod, pod's uid, pod's namespace */
#define NP_REC_CGROUP_TEXTS 7

struct np_rec_drops {
	struct np_ev_hdr hdr;
	uint32_t pid;
	uint32_t netns;
	uint64_t drops;
	uint32_t known; /* 0: there was no answer */
	uint32_t pad;
};

struct np_rec_stats {
	struct np_ev_hdr hdr;
	uint64_t lost[16]; /* by enum np_lost */
	uint64_t read_errors, netns_missed, walk_ns, udp_entries, udp_max, peeked, left_out;
};

struct np_rec_prog {
	struct np_ev_hdr hdr;
	uint64_t runs, ns, skipped;
	char name[24];
	char hook[40];
};

/* np_rec_head.flags */
#define NP_REC_F_UDP_BY_SOCKET 1
#define NP_REC_F_BY_ADDRESS    2
#define NP_REC_F_STACKS        4 /* stacks were asked for */

struct np_rec_head {
	char magic[8];
	uint32_t mark;    /* NP_REC_MARK, in the writer's byte order */
	uint16_t version; /* of the format */
	uint16_t size;    /* of this */
	uint32_t crc;     /* CRC-32 (as zlib's) of what follows */
	uint32_t flags;   /* NP_REC_F_* */
	uint64_t wall_ns; /* CLOCK_REALTIME and CLOCK_MONOTONIC of the start */
	uint64_t mono_ns;
	uint64_t interval_ns;
	uint64_t duration_ns; /* 0: none was asked for */
	uint32_t want;        /* NP_SRC_* that ran */
	uint32_t anomalies;   /* 1 << enum np_anomaly each */
	uint32_t sample;      /* one connection in so many; 1: all */
	uint32_t pad;
	char tool[16];    /* texts end with a NUL */
	char program[32]; /* version of NetProbe */
	char kernel[64];
	char host[64];
	uint16_t sizes[NP_REC_TYPES]; /* np_rec_size() of the writer */
};

#define NP_REC_BLOCK     0x4b4c424eU /* "NBLK" */
#define NP_REC_BLOCK_END 0x444e454eU /* "NEND" */
#define NP_REC_RAW_MAX   (1U << 20)

struct np_rec_block {
	uint32_t kind;
	uint32_t raw;    /* bytes of records: at most NP_REC_RAW_MAX, a multiple of 8 */
	uint32_t stored; /* bytes in the file */
	uint32_t crc;    /* CRC-32 of them */
};

/* The size of records of a type, of those with texts the size before them; 0: no such type. */
uint16_t np_rec_size(uint16_t type);
/* "sock", "walk": for messages. */
const char *np_rec_type_name(uint16_t type);

/* FIXED of SIZE bytes, which begins with its header, and N texts as one record; header.size is set.
 * Too long together (64 KiB): BUF stays empty. */
void np_rec_build(struct np_buf *buf, void *fixed, size_t size, const char *const *texts, size_t n);
/* The N texts behind SIZE bytes, in the record itself; false: they are not all there. */
bool np_rec_texts(const void *rec, size_t len, size_t size, const char **texts, size_t n);

struct np_record;

/*
 * Makes FILE, for its owner only, or empties it where it is a regular file; anything else is
 * refused. "-": standard output. 0, or -errno with a sentence.
 */
int np_record_open(struct np_record **out, const char *path, struct np_err *err);
/* Before the first record: fills in magic, mark, version, sizes and times. */
void np_record_start(struct np_record *record, const struct np_rec_head *head);
/* Takes a copy. An error stays: nothing is written from then on. */
void np_record_add(struct np_record *record, const void *rec, size_t len);
/* TYPE: NP_REC_BEGIN or NP_REC_LOOK, after which what has piled up is written. */
void np_record_look(struct np_record *record, enum np_rec_type type, bool last);
/* Bytes written so far. */
uint64_t np_record_bytes(const struct np_record *record);
/* The first error, -errno with a sentence; 0: none so far. */
int np_record_error(const struct np_record *record, struct np_err *err);
/* Writes what is left and the end mark; 0, or the first error with a sentence. */
int np_record_end(struct np_record *record, struct np_err *err);
void np_record_close(struct np_record *record);

#endif
