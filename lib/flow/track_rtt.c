// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Times: round trips of what the local end sent, and its turns of request and reply. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flow/track.h"

#define MAX_STAMPS 1024 /* segments in flight that are remembered; a power of two */

/* SEMANTICS: above these a sample is counted, not believed. */
#define RTT_MAX_US 30000000
#define ART_MAX_US 30000000
#define SRT_MAX_US 10000000

static void sample(struct np_flows *flows, struct np_conn *c, enum np_hist_kind kind, uint64_t ns,
		   uint32_t max_us)
{
	struct np_detail *d = np_flow_detail(flows, c->flow);
	struct np_hist *hist;
	uint64_t us = ns / 1000;

	if (!d || !us || !(flows->cfg.times & 1U << kind))
		return;
	if (us <= max_us) {
		np_detail_sample(flows, d, kind, (uint32_t)us);
		return;
	}
	hist = np_detail_hist(flows, d, kind);
	if (hist)
		hist->discarded++;
}

/* ---- round trips ---- */

static struct np_stamp *stamp(const struct np_conn *c, unsigned int i)
{
	return &c->stamps[(c->stamp_first + i) & (c->stamp_room - 1U)];
}

static bool more_room(struct np_conn *c)
{
	unsigned int room = c->stamp_room ? 2U * c->stamp_room : 4;
	struct np_stamp *stamps;

	if (room > MAX_STAMPS || !(stamps = malloc(room * sizeof(*stamps))))
		return false;
	for (unsigned int i = 0; i < c->nstamps; i++)
		stamps[i] = *stamp(c, i);
	free(c->stamps);
	c->stamps = stamps;
	c->stamp_first = 0;
	c->stamp_room = (uint16_t)room;
	return true;
}

/* In the order of their ends; most come in it. */
static void put_stamp(struct np_flows *flows, struct np_conn *c, struct np_stamp new)
{
	unsigned int i = c->nstamps;

	if (c->nstamps == c->stamp_room && !more_room(c)) {
		flows->stats.rtts_not_taken++;
		return;
	}
	c->nstamps++;
	for (; i && np_seq_before(new.end, stamp(c, i - 1)->end); i--)
		*stamp(c, i) = *stamp(c, i - 1);
	*stamp(c, i) = new;
}

/* Which copy an ACK is for nobody knows. False: no stamp reaches to END. */
static bool spoil(struct np_conn *c, uint32_t seq, uint32_t end)
{
	bool reached = false;

	for (unsigned int i = 0; i < c->nstamps; i++) {
		struct np_stamp *s = stamp(c, i);

		if (np_seq_before(s->seq, end) && np_seq_before(seq, s->end)) {
			s->ns = 0;
			reached |= !np_seq_before(s->end, end);
		}
	}
	return reached;
}

/* RFC 6298, 2 */
static void smooth(struct np_conn *c, float us)
{
	if (!c->has_rtt) {
		c->srtt_us = us;
		c->rttvar_us = us / 2;
		c->has_rtt = true;
	} else {
		c->rttvar_us += (fabsf(c->srtt_us - us) - c->rttvar_us) / 4;
		c->srtt_us += (us - c->srtt_us) / 8;
	}
}

/*
 * The segment that an ACK ends with gives a sample: the one that made the receiver send it. Not
 * where something before it was sent again: the ACK waited for that (tcp_clean_rtx_queue() in the
 * kernel, FLAG_RETRANS_DATA_ACKED).
 */
static void acked(struct np_flows *flows, struct np_conn *c, uint32_t ack, uint64_t ns)
{
	uint64_t sent = 0, us;
	bool again = false;

	while (c->nstamps && !np_seq_before(ack, stamp(c, 0)->end)) {
		const struct np_stamp *s = stamp(c, 0);

		again |= !s->ns;
		if (s->end == ack && !sent && ns > s->ns)
			sent = s->ns;
		c->stamp_first = (c->stamp_first + 1) & (c->stamp_room - 1U);
		c->nstamps--;
	}
	if (!sent || again)
		return;
	sample(flows, c, NP_HIST_RTT, ns - sent, RTT_MAX_US);
	us = (ns - sent) / 1000;
	if (us && us <= RTT_MAX_US) {
		smooth(c, (float)us);
		if (!c->min_rtt_us || us < c->min_rtt_us)
			c->min_rtt_us = (uint32_t)us;
	}
}

void np_track_rtt(struct np_flows *flows, const struct np_seg *s)
{
	const struct np_decoded *d = s->d;
	const struct np_half *peer = &s->conn->half[!s->from];
	uint32_t end = np_seg_end(d);

	if (s->from != s->conn->local) {
		if (d->flags & NP_TH_ACK && s->conn->nstamps)
			acked(flows, s->conn, d->ack, s->ns);
		return;
	}
	if (end == d->seq)
		return;
	/* probes are repeated until the window opens */
	if (s->what & (NP_SEG_RETRANS | NP_SEG_KEEPALIVE | NP_SEG_PROBE)) {
		/* the first copy may not have been captured */
		if (!spoil(s->conn, d->seq, end) && s->what & NP_SEG_RETRANS &&
		    (!peer->ack || np_seq_before(peer->ack, end)))
			put_stamp(flows, s->conn, (struct np_stamp){ 0, d->seq, end });
		return;
	}
	put_stamp(flows, s->conn, (struct np_stamp){ s->ns, d->seq, end });
}

/* ---- turns, as bpf/np_turn.bpf.h takes them from the kernel ---- */

void np_track_turn(struct np_flows *flows, const struct np_seg *s)
{
	struct np_conn *c = s->conn;
	const struct np_decoded *d = s->d;
	uint64_t ns = c->turn.waiting ? np_grown(s->ns, c->turn.since_ns) : 0;

	/* what is sent again says nothing */
	if (d->payload && !s->fresh)
		return;
	if (s->from == c->client) {
		if (!d->payload)
			return;
		c->turn.since_ns = s->ns;
		c->turn.asked = d->seq + d->payload;
		c->turn.waiting = true;
		c->turn.acked = false;
	} else if (c->turn.waiting && d->payload) {
		sample(flows, c, NP_HIST_ART, ns, ART_MAX_US);
		c->turn.waiting = false;
	} else if (c->turn.waiting && !c->turn.acked && d->flags & NP_TH_ACK &&
		   !(d->flags & (NP_TH_FIN | NP_TH_SYN | NP_TH_RST)) &&
		   !np_seq_before(d->ack, c->turn.asked)) {
		sample(flows, c, NP_HIST_SRT, ns, SRT_MAX_US);
		c->turn.acked = true;
	}
}
