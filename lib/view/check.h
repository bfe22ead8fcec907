/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Checks: expressions (expr.h) over all rows of a run, judged at its end: 'p99(rtt) < 5ms',
 * 'count(event == "drop") == 0', 'p99(rtt) < 1.2 * baseline'. An np_check owns its expression and
 * what it has added up; rows stay the caller's. The text is untrusted.
 *
 *   atom := ... | "count" "(" [ or ] ")" | FN "(" sum ")" | column | "baseline"
 *   FN   := "sum" | "min" | "max" | "mean" | "avg" | "p" NUMBER from 0 to 100
 *
 * count(COND) is of the rows for which COND holds; the others are over the rows on which the value
 * is known. Of a time that has histograms, standing alone (rtt, syn_rtt or syn, srt, art), all of
 * them are over its samples, of all connections together. A column by itself is its value in the
 * total over everything. Columns of the last interval are over the whole run.
 *
 * A quantile over rows is exact: the least value that a share of q of them does not exceed. Of
 * samples it is np_hist_quantile().
 *
 * `baseline` is the other side of its comparison, in the run that the baseline keeps.
 *
 * A value that is not known makes a comparison unknown, and a check that is unknown as a whole
 * inconclusive. count() and sum() of nothing are 0.
 */
#ifndef NP_CHECK_H
#define NP_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "view/col.h"

struct np_check;

/* What a baseline is to a check: the rows of the run before, which stay the owner's. */
struct np_baseline_view {
	uint16_t kind; /* one of NP_COL_KINDS: of which rows they are */
	/*
	 * All rows of that run's end and those that ended in it, those with NP_ROW_GROUP inside a
	 * struct np_group_row; their detail has the histograms where those were kept. Fields of the
	 * interval (d_*, opened, ended) are sums over that whole run.
	 */
	const struct np_row *const *rows;
	size_t nrows;
	/*
	 * Of a log: groups of events by KEYS, or all connections in one row, where this run has
	 * each by itself. What only single ones tell is not known then.
	 */
	bool coarser;
	const struct np_col *const *keys;
	size_t nkeys;
	struct np_colctx ctx; /* meta NULL; dt_ns: of that whole run */
};

enum np_verdict {
	NP_CHECK_PASS,
	NP_CHECK_FAIL,
	NP_CHECK_INCONCLUSIVE,
	NP_CHECK_ERROR, /* not judged at all: the run failed. Never of np_check_judge() */
};

/* One aggregate of a check, as it came out. */
struct np_check_value {
	const char *name; /* as it was written: "p99(rtt)"; the check's own */
	const char *unit; /* as of a column: "s", "B", "B/s", "%", "" */
	bool known;
	bool whole;       /* `integer` is valid */
	double num;       /* base units */
	uint64_t integer; /* the same without rounding */
	uint64_t samples; /* behind it */
	const char *of;   /* what those are: "samples", "connections", "events", ... */
	bool has_base;    /* the baseline has it, and the check asks for it */
	double base;
};

struct np_check_result {
	const char *text; /* the check, as it was given; untrusted */
	enum np_verdict verdict;
	char reason[256]; /* INCONCLUSIVE, ERROR: why, as a sentence without its stop; else "" */
	struct np_check_value *values;
	size_t nvalues;
};

/*
 * Compiles TEXT (which must stay) for rows of KIND, one of NP_COL_KINDS; in a LOG (KIND is
 * NP_COL_EVENT) it may be about connections instead. 0, or -EINVAL with one sentence that shows
 * where, or -ENOMEM.
 */
int np_check_new(struct np_check **out, const char *text, uint16_t kind, bool log,
		 struct np_err *err);
void np_check_free(struct np_check *check);

/* The rows that it is about, one of NP_COL_KINDS. */
uint16_t np_check_kind(const struct np_check *check);
/* Whether it looks at columns of the interval: those must be sums over the run in the rows. */
bool np_check_whole(const struct np_check *check);
bool np_check_wants_baseline(const struct np_check *check);
/* NP_NEED_* of all columns in it. */
unsigned int np_check_needs(const struct np_check *check);
/* As np_expr_events(). */
uint32_t np_check_events(const struct np_check *check, uint32_t may);
/* As np_expr_host(). */
const struct np_col *np_check_host(const struct np_check *check);
/* Adds its columns to the N of COLS that are there already, each once, up to MAX in all. */
void np_check_columns(const struct np_check *check, const struct np_col **cols, size_t max,
		      size_t *n);

/* One row more, each once in a run; 0 or -ENOMEM. CTX->dt_ns is of the whole run. */
int np_check_add(struct np_check *check, const struct np_row *row, const struct np_colctx *ctx);
/* What `baseline` stands for; NULL and WHY ("FILE was not there ..."): there is none. WHY stays. */
int np_check_baseline(struct np_check *check, const struct np_baseline_view *base, const char *why);

struct np_check_limits {
	uint64_t min_samples; /* of a quantile, mean, least, greatest, ratio; at least 1 */
	/* above 0, true or not NULL nothing passes */
	uint64_t lost;      /* records */
	uint64_t forgotten; /* groups that had ended */
	bool cut;           /* the file that was played is damaged: there was more to see */
	/* what it did not measure ("packets do not tell drop"): nothing passes; NULL: all is there
	 */
	const char *unmeasured;
};
/*
 * The verdict over all that was added; CTX is of the last look. RESULT is the check's own, valid
 * until the next call.
 */
const struct np_check_result *np_check_judge(struct np_check *check,
					     const struct np_check_limits *limits,
					     const struct np_colctx *ctx);

#endif
