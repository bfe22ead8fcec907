// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What a segment is: new, sent again, late, a probe. The rules are those that Wireshark documents
 * (User's Guide, 7.5, "TCP Analysis"), so that its numbers can be compared with ours; "next
 * expected" there is `next` here, "last acknowledged" is the other half's `ack`.
 */
#include "flow/track.h"

#define FAST_NS    20000000ULL /* a fast retransmission follows the duplicate ACK within this */
#define REORDER_NS 3000000ULL  /* a late segment comes within this, where no round trip is known */

static bool is_probe(const struct np_half *f, const struct np_half *r, const struct np_decoded *d)
{
	return d->payload == 1 && f->has_next && d->seq == f->next && r->has_window && !r->window;
}

static bool is_control(const struct np_decoded *d)
{
	return d->flags & (NP_TH_SYN | NP_TH_FIN | NP_TH_RST);
}

/* One byte before what would be next, so that the peer answers. */
static bool is_keepalive(const struct np_half *f, const struct np_decoded *d)
{
	return d->payload <= 1 && f->has_next && d->seq == f->next - 1 && !is_control(d);
}

/* It says what the segment before it said, and nothing else, but for the window perhaps. */
static bool repeats(const struct np_half *f, const struct np_decoded *d)
{
	return !d->payload && f->has_next && d->seq == f->next && d->ack == f->ack &&
	       f->has_window && !is_control(d);
}

static uint8_t judge_ack(struct np_half *f, const struct np_half *r, const struct np_decoded *d)
{
	if (!repeats(f, d) || d->window != f->window)
		return 0;
	/* the answer to a probe is no duplicate */
	if (r->last & (d->window ? NP_SEG_KEEPALIVE : NP_SEG_PROBE))
		return 0;
	return d->window ? NP_SEG_DUP_ACK : 0;
}

/* Which kind of repetition or delay; only for what has data, SYN or FIN. SEEN: all of its bytes. */
static uint8_t judge_data(const struct np_seg *s, bool seen)
{
	const struct np_conn *c = s->conn;
	const struct np_half *f = &c->half[s->from], *r = &c->half[!s->from];
	const struct np_decoded *d = s->d;
	uint64_t late = c->first_rtt_ns ? c->first_rtt_ns : REORDER_NS;
	bool back = f->has_next && np_seq_before(d->seq, f->next);

	/* after a probe of one byte the data begins with that byte again */
	if (d->payload > 1 && d->seq == f->next - 1)
		back = false;
	if (d->payload && r->has_ack && !np_seq_before(r->ack, d->seq + d->payload))
		return NP_SEG_RETRANS | NP_SEG_SPURIOUS;
	if (!back)
		return 0;
	if (r->dupacks >= 2 && r->ack == d->seq && s->ns - r->ack_ns < FAST_NS)
		return NP_SEG_RETRANS | NP_SEG_FAST;
	if (s->ns - f->next_ns < late && f->next != np_seg_end(d) && !seen)
		return NP_SEG_REORDERED;
	return NP_SEG_RETRANS;
}

/* Numbers of the first byte, relative to which segments are told. */
static void learn_base(struct np_half *f, struct np_half *r, const struct np_decoded *d)
{
	if (!f->has_base) {
		f->base = d->flags & NP_TH_SYN ? d->seq : d->seq - 1;
		f->has_base = true;
	}
	if (!r->has_base && d->flags & NP_TH_ACK) {
		r->base = d->ack - 1;
		r->has_base = true;
	}
}

void np_track_restart(struct np_conn *c, uint8_t end)
{
	struct np_half *h = &c->half[end];

	h->has_base = h->has_next = h->has_reach = h->has_fin = h->has_high = false;
	h->ngaps = 0;
	h->dupacks = 0;
	if (end == c->local)
		c->nstamps = 0;
}

static void remember(const struct np_seg *s, uint8_t what)
{
	struct np_half *f = &s->conn->half[s->from], *r = &s->conn->half[!s->from];
	const struct np_decoded *d = s->d;
	uint32_t end = np_seg_end(d);

	if (!(what & NP_SEG_PROBE)) {
		if (!f->has_next || np_seq_before(f->next, end)) {
			f->next = end;
			f->next_ns = s->ns;
			f->has_next = true;
		}
		if (!f->has_reach || d->seq == f->reach) {
			f->reach = f->next;
			f->has_reach = true;
		}
	}
	/* before it is open an ACK may be of another connection */
	if (r->has_reach && d->flags & NP_TH_ACK && s->conn->phase != NP_PHASE_SYN &&
	    np_seq_before(r->reach, d->ack))
		r->reach = d->ack;
	/* data, or an update of the window, between duplicates does not break their row */
	if (what & NP_SEG_DUP_ACK)
		f->dupacks++;
	else if (d->ack != f->ack)
		f->dupacks = 0;
	f->window = d->window;
	f->has_window = true;
	f->last = what;
	if (!(d->flags & NP_TH_ACK))
		return;
	f->ack = d->ack;
	f->ack_ns = s->ns;
	f->has_ack = true;
}

uint8_t np_track_judge(const struct np_seg *s, bool seen)
{
	struct np_half *f = &s->conn->half[s->from], *r = &s->conn->half[!s->from];
	const struct np_decoded *d = s->d;
	uint8_t what = 0;

	learn_base(f, r, d);
	if (is_probe(f, r, d)) {
		what = NP_SEG_PROBE;
	} else {
		if (!d->window && !is_control(d))
			what |= NP_SEG_ZERO_WINDOW;
		if (is_keepalive(f, d))
			what |= NP_SEG_KEEPALIVE;
		what |= judge_ack(f, r, d);
	}
	if ((d->payload || d->flags & (NP_TH_SYN | NP_TH_FIN)) && !(what & NP_SEG_KEEPALIVE))
		what |= judge_data(s, seen);
	remember(s, what);
	return what;
}
