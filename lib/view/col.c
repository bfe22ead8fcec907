// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "view/col.h"
#include "flow/detail.h"
#include "flow/l7.h"
#include "meta/meta.h"
#include "np_event.h"

/* include/net/tcp_states.h, named as ss names them */
static const char *const state_names[] = { "-",           "established", "syn-sent",  "syn-recv",
					   "fin-wait-1",  "fin-wait-2",  "time-wait", "closed",
					   "close-wait",  "last-ack",    "listen",    "closing",
					   "new-syn-recv" };
static const char *const via_names[] = { "-", "scan", "close", "send", "connect" };
static const char *const dir_names[] = { "rx", "tx" };
static const char *const l3_names[] = { "ipv4", "ipv6", "arp", "other" };
static const char *const l4_names[] = { "tcp", "udp", "icmp", "other", "-" };
static const char *const proto_names[] = {
	[1] = "icmp", [6] = "tcp", [17] = "udp", [58] = "icmpv6"
};
static const char *const side_names[] = { "-", "client", "server" };
static const char *const way_names[] = { "-", "out", "in" };
static const char *const who_names[] = { "-", "local", "remote" };
static const char *const end_names[] = { "-",         "closed",  "reset-recv", "reset-sent",
					 "aborted",   "timeout", "refused",    "unreachable",
					 "given-up",  "idle",    "gone",       "unfinished",
					 "unanswered" };
static const char *const cause_names[] = { "-", "syn", "rto", "fast", "tlp", "unknown" };
static const char *const event_names[] = {
	"-",        "open",         "state",          "close",
	"fail",     "retrans",      "synack-retrans", "rst-sent",
	"rst-recv", "connect-fail", "zero-window",    "listen-overflow",
	"timeout",  "half-close",   "port-reuse",     "drop"
};

const char *np_event_name(unsigned int event)
{
	return event && event < sizeof(event_names) / sizeof(event_names[0]) ? event_names[event]
									     : NULL;
}

#define ROW(field)    offsetof(struct np_row, field), 0, sizeof(((struct np_row *)0)->field), 0
#define LINK(field)   ROW(link.field)
#define PROC(field)   offsetof(struct np_proc, field), 0, 8, 0
#define CGROUP(field) offsetof(struct np_cgroup, field), 0, 8, 0
#define PAIR(a, b)    offsetof(struct np_row, a), offsetof(struct np_row, b), 0, 0
#define FLAG(bit)     offsetof(struct np_row, flags), 0, 2, bit
#define DETAIL(field) \
	offsetof(struct np_detail, field), 0, sizeof(((struct np_detail *)0)->field), 0
#define L7(field)                                                   \
	offsetof(struct np_l7_name, field), 0,                      \
	    255 < sizeof(((struct np_l7_name *)0)->field)           \
		? 255                                               \
		: (uint8_t)sizeof(((struct np_l7_name *)0)->field), \
	    0
#define HIST(kind, stat) offsetof(struct np_detail, hist[NP_HIST_##kind]), 0, 8, NP_STAT_##stat
#define NOWHERE          0, 0, 0, 0
#define NAMES(a)         a, sizeof(a) / sizeof((a)[0])

#define NOW     NP_COL_CONN
#define CONN    (NP_COL_CONN | NP_COL_EVENT)
#define TCP     (CONN | NP_COL_TCP)
#define KEY     (CONN | NP_COL_LISTEN | NP_COL_GROUP)
#define OWNER   (KEY | NP_COL_HOST)
#define DATA    (CONN | NP_COL_NOBYTES)
#define MOVED   (NP_COL_CONN | NP_COL_NOBYTES)
#define EVENT   NP_COL_EVENT
#define EKEY    (NP_COL_EVENT | NP_COL_GROUP)
#define LIST    (NP_COL_LISTEN | NP_COL_EVENT)
#define IFACE   NP_COL_IFACE
#define IKEY    (NP_COL_IFACE | NP_COL_GROUP)
#define BOTH    (NP_COL_CONN | NP_COL_IFACE)
#define EVERY   NP_COL_KINDS
#define RATE    NP_COL_RATE
#define BYTES   (NP_NEED_TCP | NP_NEED_UDP)
#define PACKETS NP_COL_PACKETS

#define ROW_OF(name, head, help, unit, type, via, agg, field, width, flags, needs, ...) \
	{ name, head, help, unit, type, via, agg, field, width, flags, needs, __VA_ARGS__ },
/* Its difference to a baseline: the same field, of which np_col_read() makes percents. */
#define DIFF_OF(name, head, help, unit, type, via, agg, field, width, flags, needs, ...) \
	{ name "_diff",                                                                  \
	  "+-%",                                                                         \
	  name ": the difference to the baseline",                                       \
	  "%",                                                                           \
	  NP_TYPE_DIFF,                                                                  \
	  via,                                                                           \
	  agg,                                                                           \
	  field,                                                                         \
	  7,                                                                             \
	  (flags) & ~(NP_COL_GROUP | NP_COL_RATE),                                       \
	  needs,                                                                         \
	  NULL,                                                                          \
	  0 },

const struct np_col np_cols[] = {
#define COL ROW_OF
#include "view/col_table.h"
#undef COL
};
const struct np_col np_diffs[] = {
#define COL DIFF_OF
#include "view/col_table.h"
#undef COL
};
const size_t np_ncols = sizeof(np_cols) / sizeof(np_cols[0]);
_Static_assert(1 << 0 == NP_ROW_OLD && 1 << 4 == NP_ROW_UP && 1 << 3 == NP_ROW_ACTIVE,
	       "FLAG() bits");
_Static_assert(sizeof(np_cols) / sizeof(np_cols[0]) <= 128, "np_row.mixed has 128 bits");

const struct np_col *np_col_find(const char *name)
{
	for (size_t i = 0; i < np_ncols; i++) {
		if (!strcmp(np_cols[i].name, name))
			return &np_cols[i];
		if (!strcmp(np_diffs[i].name, name))
			return np_col_diff(&np_cols[i]);
	}
	return NULL;
}

const struct np_col *np_col_base(const struct np_col *col)
{
	return col->type == NP_TYPE_DIFF ? &np_cols[col - np_diffs] : col;
}

size_t np_col_id(const struct np_col *col)
{
	return (size_t)(np_col_base(col) - np_cols) + (col->type == NP_TYPE_DIFF ? np_ncols : 0);
}

const struct np_col *np_col_diff(const struct np_col *col)
{
	if (col->agg == NP_AGG_SAME)
		return NULL;
	switch (col->type) {
	case NP_TYPE_DIFF:
	case NP_TYPE_FLAG:
	case NP_TYPE_AGE:
		return NULL;
	case NP_TYPE_PERCENT: /* a share of the interval is of no other run */
		return col->agg == NP_AGG_SUM ? NULL : &np_diffs[col - np_cols];
	default:
		return &np_diffs[col - np_cols];
	}
}
