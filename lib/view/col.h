/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A column is declared once, in the table of col.c. How it is printed, compared, parsed and added
 * up follows from its row there, in every program and format. The table is const; nothing is owned.
 */
#ifndef NP_COL_H
#define NP_COL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "flow/row.h"

struct np_detail;

enum np_type {
	NP_TYPE_COUNT,   /* uint64_t or uint32_t */
	NP_TYPE_BYTES,   /* uint64_t */
	NP_TYPE_USEC,    /* uint32_t microseconds; 0: no sample */
	NP_TYPE_AGE,     /* uint64_t CLOCK_MONOTONIC ns of its begin, shown as time since */
	NP_TYPE_FLOAT,   /* float bytes per second */
	NP_TYPE_PERCENT, /* float */
	NP_TYPE_ID,   /* uint32_t that is a name, not a quantity: never summed or scaled; 0: unknown
		       */
	NP_TYPE_TIME, /* the refresh's wall clock */
	NP_TYPE_COMM, /* char[16] inside the row, raw bytes */
	NP_TYPE_STR,  /* const char * inside the struct that `via` names, raw bytes */
	NP_TYPE_ADDR, /* uint8_t[16] */
	NP_TYPE_PORT, /* uint16_t */
	NP_TYPE_ENDPOINT, /* ADDR at off, PORT at off2 */
	NP_TYPE_ENUM,     /* uint8_t, named by `names` */
	NP_TYPE_FLAG,     /* bit `bit` of np_row.flags */
	NP_TYPE_SPAN,     /* uint64_t nanoseconds; 0: unknown */
	NP_TYPE_YES,      /* uint8_t: yes or no */
	NP_TYPE_SAMPLE,   /* which part of the connections was looked at: "1/16" */
	NP_TYPE_DIFF, /* of np_diffs[]: percent, what the field differs by from the baseline's */
	NP_TYPE_QUANTILE, /* of the histogram that a pointer at off leads to; `bit`: enum np_stat */
};

/* What is told of a histogram. */
enum np_stat {
	NP_STAT_COUNT,
	NP_STAT_MIN,
	NP_STAT_MEAN,
	NP_STAT_P50,
	NP_STAT_P90,
	NP_STAT_P99,
	NP_STAT_MAX
};

/* Where the field is. */
enum np_via {
	NP_IN_ROW,
	NP_IN_PROC,
	NP_IN_CGROUP,
	NP_IN_USER,
	NP_IN_NETNS,
	NP_IN_VIEW,
	NP_IN_DETAIL,
	NP_IN_L7
};

/* How members of a group add up. */
enum np_agg {
	NP_AGG_SAME, /* their common value; "*" where they differ */
	NP_AGG_SUM,
	NP_AGG_MIN, /* of those that have one */
	NP_AGG_MAX,
	NP_AGG_MEAN,  /* weighted by segments sent + 1 */
	NP_AGG_RATIO, /* num / den of the group's own sums */
	NP_AGG_PART,  /* num / (num + den) of them */
	NP_AGG_HIST,  /* histograms merge */
};

/* What must be running for the column to be true: the tool attaches only what its columns need. */
#define NP_NEED_TCP     1    /* owner walk, socket events */
#define NP_NEED_UDP     2    /* UDP byte hook */
#define NP_NEED_IFACE   4    /* tc hook on the interfaces */
#define NP_NEED_CMDLINE 8    /* /proc/PID/cmdline of each process */
#define NP_NEED_CGROUP  16   /* cgroup of each socket, unit, container and pod */
#define NP_NEED_PROTO   32   /* interface rows split by protocol */
#define NP_NEED_AVG     64   /* moving averages */
#define NP_NEED_LIFE    128  /* events when a connection is opened */
#define NP_NEED_RTT     256  /* a program on each segment received */
#define NP_NEED_TURN    512  /* a program on each segment, both ways */
#define NP_NEED_SIDE    2048 /* who opened it: costs memory alone */
#define NP_NEED_PEEK    1024 /* a program on each packet, copies of a flow's first ones */

#define NP_COL_CONN    1   /* exists on connections */
#define NP_COL_IFACE   2   /* exists on interfaces */
#define NP_COL_RATE    4   /* the field is the interval's sum, the value is that per second */
#define NP_COL_TCP     8   /* means nothing on other protocols */
#define NP_COL_GROUP   16  /* makes sense as --by */
#define NP_COL_NOBYTES 32  /* unknown on rows with NP_ROW_NO_BYTES */
#define NP_COL_EVENT   64  /* exists on rows of the log */
#define NP_COL_LISTEN  128 /* exists on listeners */
#define NP_COL_PACKETS 256 /* known only where packets are seen, in a capture */
#define NP_COL_HOST    512 /* no packet tells it: unknown in a capture */
#define NP_COL_KINDS   (NP_COL_CONN | NP_COL_IFACE | NP_COL_EVENT | NP_COL_LISTEN)

struct np_col {
	const char *name; /* as in -o, JSON, CSV: lower case */
	const char *head; /* table header */
	const char *help; /* one sentence, no full stop */
	const char *unit; /* of the raw value: "B", "B/s", "us", "s", "%", "" */
	enum np_type type;
	enum np_via via;
	enum np_agg agg;
	uint16_t off, off2;
	uint8_t size;             /* of the field: 1, 2, 4, 8 */
	uint8_t bit;              /* NP_TYPE_FLAG, NP_TYPE_QUANTILE */
	uint8_t width;            /* least width in a table */
	uint16_t flags;           /* NP_COL_* */
	uint16_t needs;           /* NP_NEED_* */
	const char *const *names; /* NP_TYPE_ENUM; NULL entries have no name */
	uint8_t nnames;
};

/* Index of a column in np_cols[] for those that code names; the rest are only data. */
extern const struct np_col np_cols[];
extern const size_t np_ncols;
/*
 * Beside each of np_cols[], at the same index: "NAME_diff", its relative difference to the row's
 * counterpart in a baseline (view/baseline.h). Those of columns that do not add up mean nothing:
 * np_col_diff() and np_col_find() do not give them.
 */
extern const struct np_col np_diffs[];

/* What a value depends on beside the row. */
struct np_meta;
struct np_colctx {
	struct np_meta *meta;         /* user and netns names; may be NULL: numbers then */
	uint64_t dt_ns;               /* the interval; 0: none yet, rates are 0 */
	uint64_t now_ns;              /* CLOCK_MONOTONIC of the refresh */
	uint64_t wall_ns;             /* CLOCK_REALTIME of the refresh */
	uint64_t run_ns;              /* what np_group_row.run is of */
	const struct np_colctx *base; /* of the baseline's rows; NULL: there is none */
	uint32_t scale;               /* one connection in so many was looked at; 0, 1: all */
};

/* A value read through a column. */
struct np_value {
	enum { NP_VAL_NONE, NP_VAL_MIXED, NP_VAL_NUM, NP_VAL_STR, NP_VAL_BOOL } kind;
	double num; /* NUM, BOOL: base units (bytes, B/s, seconds for durations, percent, ids) */
	uint64_t integer; /* NUM: the same without rounding, where the field is a whole number */
	bool whole;       /* `integer` is valid */
	const char *str;  /* STR: raw bytes, valid until the next read with the same BUF */
	char buf[64];
};

/* As the column `event` names enum np_row_event; NULL: there is none (any more). */
const char *np_event_name(unsigned int event);
/* Sets the sentence for an unknown name, with the nearest one; returns -EINVAL. */
int np_col_unknown(const char *name, struct np_err *err);
/* On which rows it exists: connection, interface, event, listener, both (or all). */
const char *np_col_rows(const struct np_col *col);
/* The difference to a baseline of COL; NULL: there is none of it. */
const struct np_col *np_col_diff(const struct np_col *col);
/* The column that COL is the difference of, else COL. */
const struct np_col *np_col_base(const struct np_col *col);
/* A number below 2 * np_ncols, of each column its own. */
size_t np_col_id(const struct np_col *col);
/* By name, differences too; NULL where there is none. */
const struct np_col *np_col_find(const char *name);
void np_col_read(const struct np_col *col, const struct np_row *row, const struct np_colctx *ctx,
		 struct np_value *val);
/*
 * What the sums and counts of ROW are multiplied by, so that a sample stands for all: groups of
 * connections or events and totals by ctx->scale. What is one connection or event is itself, and
 * interfaces and listeners are not sampled: 1. np_col_read() has done so already.
 */
uint32_t np_col_scale(const struct np_row *row, const struct np_colctx *ctx);
/* Order of two rows under a column; unknown values come last whichever way one sorts. */
int np_col_cmp(const struct np_col *col, const struct np_row *a, const struct np_row *b,
	       const struct np_colctx *ctx);
/* Equal under a column that is a key; unknown values are equal to each other. */
bool np_col_same(const struct np_col *col, const struct np_row *a, const struct np_row *b);
/* A hash that is equal for rows that are np_col_same(), chained through SEED. */
uint64_t np_col_hash(const struct np_col *col, const struct np_row *row, uint64_t seed);
/* Where the field is; NULL where the row has none (no process, no cgroup). */
const void *np_col_at(const struct np_col *col, const struct np_row *row);

/* How the columns in use add up, each field once however many columns show it. */
struct np_merge {
	struct np_merge_op {
		uint16_t off;
		uint8_t op;
	} ops[128];
	size_t nops;
	size_t nsums; /* of them: plain 64-bit sums, first in the list */
	const struct np_col *same[128];
	size_t nsame;
	unsigned int hists; /* 1 << enum np_hist_kind */
	bool seen;          /* np_detail.seen, all of it */
};
void np_merge_init(struct np_merge *plan);
void np_merge_add(struct np_merge *plan, const struct np_col *col);
/* G becomes a group of FIRST's identity, with nothing added up yet. */
void np_merge_begin(struct np_group_row *g, const struct np_row *first);
/* 0, or -ENOMEM where a histogram found no room. */
int np_merge_row(const struct np_merge *plan, struct np_group_row *g, const struct np_row *m);
/* The detail that identity columns read, of its first member; a copy. */
int np_merge_identity(struct np_group_row *g, const struct np_detail *from);
/* TO becomes what FROM is, with histograms of its own. */
int np_merge_copy(struct np_group_row *to, const struct np_group_row *from);
void np_merge_end(struct np_group_row *g);

/*
 * A comma list of columns ("comm,tx_rate"), or changes to DFLT where it starts with + or -
 * ("+rtt,-pid"); DFLT NULL: to none. Fills COLS (room for MAX) and *N; one sentence on an unknown
 * name, with the nearest.
 */
int np_cols_parse(const char *list, const char *dflt, uint16_t kind, const struct np_col **cols,
		  size_t max, size_t *n, struct np_err *err);

#endif
