/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One row: a connection, an interface, or a group of either. Columns (view/col.h) read it by
 * offset; a plain struct, so that a connection of the flow table is its own row and nothing is
 * copied. Units: bytes, packets, microseconds for RTT, CLOCK_MONOTONIC nanoseconds for points in
 * time.
 */
#ifndef NP_ROW_H
#define NP_ROW_H

#include <stdbool.h>
#include <stdint.h>

struct np_proc;
struct np_cgroup;
struct np_detail;

/* np_row.flags */
#define NP_ROW_OLD      1    /* opened before the tool started: age is at least what is shown */
#define NP_ROW_ENDED    2    /* not living any more */
#define NP_ROW_GROUP    4    /* sums other rows */
#define NP_ROW_ACTIVE   8    /* interface: packets in this interval */
#define NP_ROW_UP       16   /* interface: IFF_UP and IFF_RUNNING */
#define NP_ROW_IFACE    32   /* an interface, not a connection: `link` is valid */
#define NP_ROW_NO_BYTES 64   /* UDP without a hook: bytes are not known */
#define NP_ROW_NO_RETR  128  /* not TCP: retransmits, rtt, windows mean nothing */
#define NP_ROW_LISTEN   256  /* a listener: cwnd is its accept queue, ssthresh the queue's limit */
#define NP_ROW_PACKETS  1024 /* made of a capture's packets */
#define NP_ROW_ONE      2048 /* with NP_ROW_GROUP: of one connection, which is remembered so */
#define NP_ROW_KEPT     4096 /* with NP_ROW_GROUP: of a baseline; who it is stands in `kept` */
#define NP_ROW_EVENT    512  /* what happened to a connection, as told by `detail` */

struct np_row {
	/* who; pid 0: unknown */
	uint32_t pid;
	uint32_t uid;
	uint64_t start_ns;
	char comm[16]; /* raw */
	uint64_t cgroup_id;
	struct np_proc *proc;     /* filled by meta, NULL before and where it is unknown */
	struct np_cgroup *cgroup; /* the same */
	struct np_detail *detail; /* flow/detail.h; NULL where nobody asked */
	uint32_t netns;           /* inode number */
	uint8_t via;              /* enum np_owner_via */
	uint8_t meta_done;        /* proc and cgroup were looked up for this owner */
	uint16_t flags;           /* NP_ROW_* */

	/* where */
	union {
		struct {
			uint8_t laddr[16]; /* IPv4 as ::ffff:a.b.c.d */
			uint8_t raddr[16];
			uint16_t lport; /* host byte order */
			uint16_t rport;
			uint8_t family; /* AF_INET or AF_INET6, as the socket was opened */
			uint8_t proto;
			uint8_t state; /* sk_state; TCP_CLOSE once it ended */
		};
		struct {
			char name[16];
			uint32_t ifindex;
			uint8_t dir; /* enum np_dir */
			uint8_t l3;  /* enum np_l3 */
			uint8_t l4;  /* enum np_l4 */
		} link;
	};

	/* since the connection was opened */
	uint64_t tx_bytes;
	uint64_t rx_bytes;
	uint64_t tx_segs;
	uint64_t rx_segs;
	uint64_t retrans;
	uint64_t retrans_bytes;
	uint64_t drops;
	uint64_t errors;

	/* of the last interval */
	uint64_t d_tx;
	uint64_t d_rx;
	uint64_t d_tx_segs;
	uint64_t d_rx_segs;
	uint64_t d_sent; /* retransmits included: what retrans_pct is a share of */
	uint64_t d_retrans_bytes;
	float avg_tx[3]; /* bytes/s, exponentially weighted over NP_AVG_SECONDS */
	float avg_rx[3];
	float share; /* percent of all rows' bytes in the interval */

	/* as the kernel holds them now */
	uint32_t rtt_us;
	uint32_t rttvar_us;
	uint32_t min_rtt_us; /* 0: none */
	uint32_t cwnd;
	uint32_t ssthresh;
	uint32_t mss;

	uint32_t conns;    /* living */
	uint32_t opened;   /* in the interval */
	uint32_t ended;    /* in the interval */
	uint32_t events;   /* rows of the log that this one stands for; connection: its anomalies */
	uint64_t first_ns; /* opened, or first seen (NP_ROW_OLD) */
};

/* Sums of a group's intervals since the run began: what np_row has of the last one. */
struct np_run_sums {
	uint64_t d_tx, d_rx, d_tx_segs, d_rx_segs, d_sent, d_retrans_bytes;
	uint64_t opened, ended;
};

struct np_kept;

/* A row with NP_ROW_GROUP is one of these. */
struct np_group_row {
	struct np_row row;
	uint64_t mean_weight; /* behind the means */
	double means[2];      /* rtt_us and rttvar_us before rounding */
	uint64_t mixed[2];    /* bit i set where the members' column i differs */
	struct np_run_sums run;
	const struct np_group_row *base; /* its counterpart in the baseline (view/baseline.h) */
	const struct np_kept *kept;      /* NP_ROW_KEPT: its key as text */
	struct np_detail *own; /* its histograms, where they are asked for: what row.detail is */
};

#endif
