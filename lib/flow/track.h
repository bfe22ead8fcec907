/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Connections made of packets: what a kernel would know of them is kept here, by connection and
 * never by packet, and told to the flow table. track_conn.c finds the connection of a packet,
 * track.c hands it round and ends it in time, track_seq.c says what a segment is, track_bytes.c
 * counts each byte once, track_rtt.c takes times, track_life.c opens and closes, track_tell.c fills
 * rows and events. Internal to flow/.
 */
#ifndef NP_TRACK_H
#define NP_TRACK_H

#include <sys/queue.h>

#include "base/map.h"
#include "flow/decode.h"
#include "flow/table.h"

/* What a segment is; rules of track_seq.c. */
#define NP_SEG_RETRANS     1 /* sent again, however: with one of the next two or neither */
#define NP_SEG_FAST        2 /* after duplicate ACKs */
#define NP_SEG_SPURIOUS    4 /* it had been acknowledged */
#define NP_SEG_REORDERED   8 /* came late, was not sent again */
#define NP_SEG_KEEPALIVE   16
#define NP_SEG_PROBE       32 /* of a zero window */
#define NP_SEG_ZERO_WINDOW 64
#define NP_SEG_DUP_ACK     128

/* Bytes [from, to) that were jumped over. */
struct np_gap {
	uint32_t from, to;
};

/* What one end sends. */
struct np_half {
	/* as far as the rules for segments need it */
	uint64_t next_ns; /* when `next` moved */
	uint64_t ack_ns;  /* when it did */
	uint32_t base;    /* number before its first byte: of its SYN */
	uint32_t next;    /* past the highest byte */
	uint32_t reach;   /* past the highest one without a hole before it */
	uint32_t ack;     /* what it acknowledged last */
	uint32_t dupacks;
	uint32_t fin; /* past its FIN */
	uint16_t window;
	uint8_t last;   /* NP_SEG_* of its last segment */
	uint8_t wscale; /* of its SYN; NP_NO_WSCALE: none, or not seen */
	bool has_base, has_next, has_reach, has_window, has_fin, has_high, has_syn, has_ack;

	/* payload, each byte once */
	uint8_t ngaps, gap_room;
	uint32_t high; /* past the highest byte of payload */
	struct np_gap *gaps;
	uint64_t bytes;
	uint64_t packets;
	uint64_t wire; /* bytes of frames */
	uint64_t again, again_bytes;

	uint64_t zero_ns; /* its window is 0 since; 0: it is not */
	uint32_t zeros;   /* segments that said so */
};

/* A segment of the local end that is not acknowledged yet. */
struct np_stamp {
	uint64_t ns; /* 0: was sent again, gives no sample (Karn) */
	uint32_t seq, end;
};

enum np_phase { NP_PHASE_SYN, NP_PHASE_OPEN, NP_PHASE_CLOSED };

/* Lists by what is waited for; track.c has how long. */
enum np_wait {
	NP_WAIT_SYN,
	NP_WAIT_OPEN,
	NP_WAIT_HALF,
	NP_WAIT_CLOSED,
	NP_WAIT_DATAGRAM,
	NP_WAITS
};

struct np_conn {
	struct np_conn *sibling; /* the next one with the same hash */
	struct np_flow *flow;
	uint64_t hash;
	uint8_t addr[2][16]; /* of the ends, the lower first; half[i] is what addr[i] sends */
	uint16_t port[2];
	uint8_t proto, family;
	uint8_t local;  /* which end: 0 or 1 */
	uint8_t client; /* which end */
	bool touched, told_reuse, any_reset;
	uint8_t phase;     /* enum np_phase */
	uint8_t state;     /* of the local end: TCP_ESTABLISHED ... */
	uint8_t wait;      /* enum np_wait */
	uint8_t peeked;    /* packets given to cfg.l7 */
	uint8_t end;       /* enum np_end, once it is closed */
	uint8_t event;     /* NP_EVENT_CLOSE or NP_EVENT_FAIL, then */
	uint8_t closed_by; /* who sent a FIN or an RST first: 1 + end; 0: nobody yet */
	uint8_t reset_by;  /* who sent the RST: 1 + end */
	uint32_t end_tick; /* interval in which it closed */
	TAILQ_ENTRY(np_conn) waiting;
	struct np_conn *next_touched;
	uint64_t waits_ns; /* since when it is in its list */
	uint64_t first_ns, last_ns, end_ns;
	struct np_half half[2];

	uint64_t syn_ns, synack_ns; /* the first of each; 0: not seen */
	uint64_t last_syn_ns;
	uint64_t first_rtt_ns; /* last SYN to the first ACK, 0: not known */
	uint32_t syns, synacks;
	uint32_t challenge; /* with told_reuse: what the last bare ACK asked for */

	struct np_stamp *stamps; /* a ring, by `end` */
	uint16_t stamp_first, nstamps, stamp_room;
	bool has_rtt;
	float srtt_us, rttvar_us;
	uint32_t min_rtt_us;

	struct {
		uint64_t since_ns;
		uint32_t asked; /* past the last byte of the request */
		bool waiting, acked;
	} turn;
};

TAILQ_HEAD(np_conns, np_conn);

struct np_track {
	struct np_map map; /* by hash of the ends; conns of one hash are siblings */
	struct np_conns waits[NP_WAITS];
	struct np_conn *touched; /* since the last walk */
	uint64_t key[2];         /* of its hashes */
	uint64_t cookies;
	uint64_t now_ns;  /* of the latest packet */
	uint64_t look_ns; /* when to look next for those that waited long enough */
	size_t nclosed;   /* in that list */
	bool finished;
	struct np_ev_packet *peek; /* room for one */
};

/* A segment on its way through all of this. */
struct np_seg {
	const struct np_decoded *d;
	struct np_conn *conn;
	uint8_t from;   /* which end sent it: 0 or 1 */
	uint8_t what;   /* NP_SEG_* */
	uint32_t fresh; /* bytes of payload that were not seen before */
	bool further;   /* it acknowledges more than its end did before, an RST included */
	uint64_t ns;
};

static inline bool np_seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Where a segment's numbers end: SYN and FIN have one each, and together one. */
static inline uint32_t np_seg_end(const struct np_decoded *d)
{
	return d->seq + d->payload + (d->flags & (NP_TH_SYN | NP_TH_FIN) ? 1 : 0);
}

/* SYN without ACK. */
static inline bool np_is_syn(const struct np_decoded *d)
{
	return (d->flags & (NP_TH_SYN | NP_TH_ACK)) == NP_TH_SYN;
}

/* What acknowledges the SYN of a client, or that and what came with it. */
static inline bool np_syn_acked(const struct np_half *client, uint32_t ack)
{
	return client->has_base && (ack == client->base + 1 || ack == client->next);
}

/* track_conn.c */
struct np_track *np_track_new(void);
void np_track_free(struct np_flows *flows);
/* Which end sent it: 0 or 1, any order that is the same for both directions. */
uint8_t np_track_sender(const struct np_decoded *d);
/* The connection of a packet that end FROM sent; NULL: there is none yet, np_track_add(HASH). */
struct np_conn *np_track_find(struct np_track *t, const struct np_decoded *d, uint8_t from,
			      uint64_t *hash);
/* A new one with its flow, or NULL and counted. */
struct np_conn *np_track_add(struct np_flows *flows, const struct np_decoded *d, uint8_t from,
			     uint64_t hash, uint64_t ns);
/* The next walk brings its row up to date. */
void np_track_touch(struct np_track *t, struct np_conn *conn);
/* From the list where it waits to another. */
void np_track_wait(struct np_track *t, struct np_conn *conn, enum np_wait wait, uint64_t ns);
/* Out of the table; one that was touched is freed by the walk. */
void np_track_forget(struct np_track *t, struct np_conn *conn);
void np_track_conn_free(struct np_conn *conn);

/* track.c */
/* At a walk: rows are brought up to date, and what waited for too long ends. */
void np_track_walk(struct np_flows *flows);

/* track_seq.c: NP_SEG_*, and what it leaves in the two halves. */
uint8_t np_track_judge(const struct np_seg *s, bool seen);
/* Nothing that END sent so far counts: its next SYN says where its numbers begin. */
void np_track_restart(struct np_conn *conn, uint8_t end);

/* track_bytes.c: bytes of [SEQ, SEQ + LEN) not seen before, which are from now on. */
uint32_t np_track_fresh(struct np_flows *flows, struct np_half *half, uint32_t seq, uint32_t len);
/* Whether all of it was seen. */
bool np_track_seen(const struct np_half *half, uint32_t seq, uint32_t len);

/* track_rtt.c */
void np_track_rtt(struct np_flows *flows, const struct np_seg *s);
void np_track_turn(struct np_flows *flows, const struct np_seg *s);

/* track_life.c */
void np_track_live(struct np_flows *flows, const struct np_seg *s);
/* ICMP says that CONN cannot be opened. */
void np_track_refused(struct np_flows *flows, struct np_conn *conn, uint32_t sk_err, uint64_t ns);
/* No packet follows, or none came for long: what is known of its end. LAST: the capture ends. */
void np_track_end(struct np_flows *flows, struct np_conn *conn, bool last);

/* track_tell.c */
/* Its row says what is known by now. */
void np_track_sync(struct np_flows *flows, struct np_conn *conn);
/* An anomaly by what R says of it: kind, ts_ns and what goes with them; the rest is filled in. */
void np_track_tell(struct np_flows *flows, struct np_conn *conn, struct np_ev_anomaly *r);
void np_track_tell_segment(struct np_flows *flows, const struct np_seg *s);
/* The window of END is 0 or was; ONGOING: and is still. */
void np_track_tell_window(struct np_flows *flows, struct np_conn *conn, uint8_t end, uint64_t ns,
			  bool ongoing);
/* Its first packets, for who names applications. */
void np_track_peek(struct np_flows *flows, const struct np_seg *s);

#endif
