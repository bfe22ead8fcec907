/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What only some programs ask of a connection: its life, its latency, what its event was. A row
 * points to one where somebody asked (np_flows_want()) and has none elsewhere, so that it costs
 * nothing there. np_flows owns those of flows and events, a group those of its rows.
 */
#ifndef NP_DETAIL_H
#define NP_DETAIL_H

#include <stdint.h>

#include "base/hist.h"
#include "np_event.h"

/* What an event is; the anomalies follow np_event.h's enum np_anomaly. */
enum np_row_event {
	NP_EVENT_NONE,
	NP_EVENT_OPEN,    /* established */
	NP_EVENT_STATE,   /* any other change of state */
	NP_EVENT_CLOSE,   /* an established connection ended, however */
	NP_EVENT_FAIL,    /* ended before it was established */
	NP_EVENT_ANOMALY, /* + enum np_anomaly */
};

/* How a connection ended. */
enum np_end {
	NP_END_NONE,
	NP_END_CLOSED,      /* FIN both ways, or ours and the rest is the kernel's */
	NP_END_RESET_RECV,  /* the peer sent an RST */
	NP_END_RESET_SENT,  /* we did: SO_LINGER 0, or data came after close() */
	NP_END_ABORTED,     /* we did, because data was left unread */
	NP_END_TIMEOUT,     /* no answer: retransmissions, keepalive probes or SYNs given up */
	NP_END_REFUSED,     /* connect: RST, or an ICMP port unreachable */
	NP_END_UNREACHABLE, /* connect or retransmission: an ICMP error, no neighbour */
	NP_END_GIVEN_UP,    /* connect: the process closed the socket first */
	NP_END_IDLE,        /* UDP: silent for --udp-idle */
	NP_END_GONE,        /* a walk did not find it any more: its end was not seen */
	NP_END_UNFINISHED,  /* the capture ended before it did */
	NP_END_UNANSWERED,  /* connect: no answer to its SYN was seen */
};

enum np_hist_kind {
	NP_HIST_RTT = NP_TIME_RTT,
	NP_HIST_SRT = NP_TIME_SRT,
	NP_HIST_ART = NP_TIME_ART,
	NP_HIST_SYN,
	NP_HIST_KINDS
};
extern const char *const np_hist_names[NP_HIST_KINDS]; /* "rtt", ... */

struct np_l7_name;

struct np_detail {
	/* life; points in time are CLOCK_MONOTONIC ns, 0 where they are not known */
	uint64_t opened_ns;  /* connect() or the peer's SYN */
	uint64_t span_ns;    /* event: how long the connection, the wait or the episode took */
	uint64_t ts_ns;      /* event: when */
	uint64_t last_ns;    /* UDP, and where packets are seen: its last packet */
	uint64_t half_ns;    /* half-closed since; 0: it is not */
	uint64_t missed_ns;  /* half-closed, and the first walk of now that did not find it */
	uint64_t zero_ns[2]; /* zero window told as open, that began then: ours, the peer's */
	uint64_t raw[4];     /* UDP: the map's values last read (tx, rx bytes; tx, rx packets) */
	uint32_t syn_us;     /* the handshake, retries included; 0: not seen */
	uint32_t syn_client_us, syn_server_us; /* its part that the client, the server caused */
	uint8_t side;                          /* enum np_side: what this end is */
	uint8_t end;                           /* enum np_end */
	uint8_t closed_by;                     /* enum np_who: who closed first */
	uint8_t oldstate;                      /* event `state`: before it */
	uint8_t half_state;                    /* CLOSE_WAIT or FIN_WAIT2 */
	uint8_t half_told;                     /* shown as an open episode already */
	struct np_l7_name *l7;                 /* this detail's own; NULL: nothing known */

	/* an event */
	uint8_t event; /* enum np_row_event */
	uint8_t cause; /* enum np_cause */
	uint8_t who;   /* enum np_who: whose zero window, who half-closed, who sent again */
	uint8_t open;  /* an episode that goes on */
	uint32_t seq;  /* relative to the first byte of the connection */
	uint32_t len;  /* bytes */
	uint32_t segs;
	uint32_t nth; /* which try */
	uint32_t errnum;
	uint32_t backlog, limit;
	const char *stack; /* of the source's own, NULL: none */
	char reason[40];   /* by name, "" where there is none */

	/* the segments sent again last, and how often each was */
	struct {
		uint32_t seq, times;
		uint8_t who;   /* enum np_who */
		uint8_t cause; /* NP_CAUSE_SYN has no byte of its own */
	} again[4];
	uint32_t nagain;
	int64_t untold;   /* segments that the socket counts as sent again and no event has told */
	uint32_t dropped; /* listener: sk_drops at the refresh before */
	uint32_t told;    /* listener: dropped since, with rows of their own */

	/* where packets are seen: rows with NP_ROW_PACKETS */
	struct np_seen {
		uint64_t rx_retrans, rx_retrans_bytes; /* what the peer sent again */
		uint64_t tx_wire, rx_wire;             /* bytes of frames */
	} seen;

	/* latency: samples since the connection was first seen; by enum np_hist_kind, NULL: none */
	struct np_hist *hist[NP_HIST_KINDS];
};

#endif
