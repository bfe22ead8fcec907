/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A baseline: what an earlier run kept of itself (sink/baseline.h writes it), for this one to be
 * held against. np_baseline owns its rows and texts; groups point to their counterparts in it, so
 * it outlives the view. What it is read from is untrusted: sizes and counts are bounded, and what
 * does not make sense is refused as a whole.
 *
 * The file is one JSON object: "netprobe_baseline": 1, what the run was (struct np_baseline_info),
 * "total" and "groups", an array of rows; of a log, whose rows are kinds of event, "connections" as
 * well, the sum of all. A row has the values of its fields by name (0 where they are missing, never
 * negative, all whole numbers; unknown where "packets" or "age_ns" is missing), its "key", an array
 * of texts (null: unknown) in the order of "by", and histograms: "rtt": {"count", "sum", "min",
 * "max", "discarded", "buckets"}, in us, where buckets is a flat array of bucket, count, bucket,
 * count ..., by np_hist.h.
 */
#ifndef NP_BASELINE_H
#define NP_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/row.h"
#include "view/col.h"
#include "view/view.h"

#define NP_BASELINE_VERSION   1
#define NP_BASELINE_MAX_BYTES (16u * 1024 * 1024)
#define NP_BASELINE_MAX_ROWS  65536
#define NP_BASELINE_MAX_TEXT  4096 /* bytes of a text */

/* What the run was; texts are untrusted and end in NUL, "" where there is nothing to say. */
struct np_baseline_info {
	const char *tool;    /* "nprtt" */
	const char *mode;    /* "", "table", "summary": of the tool's modes */
	const char *version; /* of NetProbe */
	const char *host;
	const char *when;           /* its end, RFC 3339 */
	const char *by;             /* the key columns, a comma list */
	const char *filter, *where; /* as they were given */
	uint64_t interval_ns, duration_ns;
	uint32_t sample; /* one connection in so many; 1: all */
};

/* The key of a row as text; those of the row's struct are not all filled. */
struct np_kept {
	const struct np_col *by[NP_MAX_BY];
	size_t nby;
	char *key[NP_MAX_BY]; /* NULL: unknown */
};

/*
 * A number that a row keeps: 1, 4 or 8 bytes at `to` in struct np_group_row. It is written from
 * `from`: what a row has of the last interval is of the whole run in a baseline.
 */
struct np_baseline_field {
	const char *name;
	uint16_t from, from_size;
	uint16_t to, to_size;
};
extern const struct np_baseline_field np_baseline_fields[];
extern const size_t np_baseline_nfields;
/* Numbers of np_detail.seen, which rows of packets have: 8 bytes at `at` in struct np_seen. */
extern const struct np_baseline_packets {
	const char *name;
	uint16_t at;
} np_baseline_packets[4];
/* Flags of a row that are kept, by name. */
extern const struct np_baseline_flag {
	const char *name;
	uint16_t flag; /* NP_ROW_* */
} np_baseline_flags[3];

struct np_baseline;

/*
 * Reads TEXT (LEN bytes) for what a sentence calls NAME. -EINVAL and one sentence where it is
 * foreign, of another version, damaged or beyond a bound; -ENOMEM.
 */
int np_baseline_load(struct np_baseline **out, const char *text, size_t len, const char *name,
		     struct np_err *err);
void np_baseline_free(struct np_baseline *base);

const struct np_baseline_info *np_baseline_info(const struct np_baseline *base);
/* Of which rows: one of NP_COL_KINDS. */
uint16_t np_baseline_kind(const struct np_baseline *base);
/* The keys of its rows. */
const struct np_col *const *np_baseline_by(const struct np_baseline *base, size_t *n);
/* Whether the groups of CFG have the same keys. */
bool np_baseline_is(const struct np_baseline *base, const struct np_view_cfg *cfg);

/* How values of its rows are read: over its whole run, corrected for its sample. */
const struct np_colctx *np_baseline_ctx(const struct np_baseline *base);
const struct np_group_row *np_baseline_total(const struct np_baseline *base);
/* Of a log: all its connections together; NULL: not kept. */
const struct np_group_row *np_baseline_conns(const struct np_baseline *base);
/* All rows, in the order of the file. */
const struct np_row *const *np_baseline_rows(const struct np_baseline *base, size_t *n);
/* The counterpart of ROW, and remembers that it was seen; NULL: there is none. META names. */
const struct np_group_row *np_baseline_find(struct np_baseline *base, const struct np_row *row,
					    struct np_meta *meta);
/* Whether any run so far had this one of np_baseline_rows(). */
bool np_baseline_seen(const struct np_baseline *base, const struct np_row *row);

/* For np_col_read(): COL is of np_diffs[]; percent, unknown where either side is, or BASE is 0. */
void np_baseline_diff(const struct np_col *col, const struct np_row *row,
		      const struct np_colctx *ctx, struct np_value *val);
/* The same of an identity column of a row with NP_ROW_KEPT. */
void np_baseline_key(const struct np_col *col, const struct np_group_row *g, struct np_value *val);

#endif
