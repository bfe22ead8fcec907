// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What goes wrong: records of anomalies, and those that only successive walks can tell. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "flow/table.h"
#include "source/reason.h"

/* SEMANTICS: CLOSE_WAIT or FIN_WAIT2 for longer than this. */
#define HALF_CLOSE_NS 5000000000ULL

static bool is_half(const struct np_row *row)
{
	return row->state == TCP_CLOSE_WAIT || row->state == TCP_FIN_WAIT2;
}

static void tell_half(struct np_flows *flows, struct np_flow *flow, struct np_detail *d, bool open,
		      uint64_t until_ns)
{
	struct np_event *event =
	    np_log_add(flows, flow, NP_EVENT_ANOMALY + NP_AN_HALF_CLOSE, until_ns);

	if (event) {
		event->detail.span_ns = until_ns - d->half_ns;
		event->detail.open = open;
		/* CLOSE_WAIT: the peer is done and this side goes on */
		event->detail.who = d->half_state == TCP_CLOSE_WAIT ? NP_WHO_REMOTE : NP_WHO_LOCAL;
		event->row.state = d->half_state;
		event->row.events = !d->half_told; /* its end is the same episode */
	}
	if (!d->half_told)
		flow->row.events++;
	d->half_told = true;
}

/* It may be back in a later walk: an orphan, a file in flight. */
void np_half_missed(struct np_flows *flows, struct np_flow *flow)
{
	struct np_detail *d = flow->row.detail;

	if (d && d->half_ns && !d->missed_ns)
		d->missed_ns = flows->mono_ns;
}

void np_half_close(struct np_flows *flows, struct np_flow *flow, bool gone)
{
	struct np_row *row = &flow->row;
	struct np_detail *d = row->detail;
	bool half = is_half(row) && !gone;
	uint64_t until;

	if (!(flows->cfg.anomalies & 1U << NP_AN_HALF_CLOSE) ||
	    (!d && (!half || !(d = np_flow_detail(flows, flow)))))
		return;
	until = gone && d->missed_ns ? d->missed_ns : flows->mono_ns;
	d->missed_ns = 0;
	if (d->half_ns && (!half || d->half_state != row->state)) {
		if (until - d->half_ns >= HALF_CLOSE_NS)
			tell_half(flows, flow, d, false, until);
		d->half_ns = 0;
		d->half_told = false;
	}
	if (!half)
		return;
	if (!d->half_ns) {
		d->half_ns = flows->mono_ns;
		d->half_state = row->state;
	} else if (!d->half_told && until - d->half_ns >= HALF_CLOSE_NS) {
		tell_half(flows, flow, d, true, until);
	}
}

/* How often this segment was sent again: the kernel counts timeouts only. */
static uint32_t sent_again(struct np_detail *d, const struct np_ev_anomaly *r)
{
	uint32_t room = sizeof(d->again) / sizeof(d->again[0]);
	bool syn = r->cause == NP_CAUSE_SYN;

	for (uint32_t i = 0; i < room && i < d->nagain; i++)
		if (d->again[i].seq == r->seq && d->again[i].who == r->who &&
		    (d->again[i].cause == NP_CAUSE_SYN) == syn)
			return ++d->again[i].times;
	d->again[d->nagain % room].seq = r->seq;
	d->again[d->nagain % room].times = 1;
	d->again[d->nagain % room].who = r->who;
	d->again[d->nagain % room].cause = r->cause;
	d->nagain++;
	return 1;
}

static const char *error_name(uint32_t sk_err)
{
	switch (sk_err) {
	case ECONNREFUSED:
		return "refused";
	case ETIMEDOUT:
		return "timeout";
	case ECONNRESET:
		return "reset";
	case 0:
		return "";
	default:
		return "unreachable";
	}
}

static const char *in_words(const struct np_flows *flows, bool reset, uint32_t reason)
{
	if (!reason)
		return "";
	if (flows->cfg.reason)
		return flows->cfg.reason(flows->cfg.ctx, reset, reason);
	return reset ? np_reason_reset(reason) : np_reason_drop(reason);
}

static const char *reason_of(const struct np_flows *flows, const struct np_ev_anomaly *r)
{
	switch (r->kind) {
	case NP_AN_CONNECT_FAIL:
		return r->flags & NP_AN_F_GAVE_UP      ? "given-up"
		       : r->flags & NP_AN_F_UNANSWERED ? "unanswered"
						       : error_name(r->sk_err);
	case NP_AN_TIMEOUT:
		return r->sk_err == ETIMEDOUT ? "" : error_name(r->sk_err);
	case NP_AN_DROP:
	case NP_AN_PORT_REUSE:
		return in_words(flows, false, r->reason);
	case NP_AN_RST_SENT:
		return in_words(flows, true, r->reason);
	default:
		return "";
	}
}

/* A connection that no walk has seen yet: what the record knows of it. */
static void learn(struct np_row *row, const struct np_ev_anomaly *r)
{
	np_take_tuple(row, &r->tuple);
	row->proto = r->tuple.proto ? r->tuple.proto : IPPROTO_TCP;
	row->netns = r->netns;
	row->uid = r->task.uid;
	row->cgroup_id = r->cgroup_id;
}

static void tell(struct np_flows *flows, struct np_event *event, const struct np_ev_anomaly *r,
		 uint32_t nth)
{
	struct np_detail *d = &event->detail;
	struct np_row *row = &event->row;

	/* of that moment, not of the last walk */
	learn(row, r);
	if (r->task.pid) {
		row->pid = r->task.pid;
		row->start_ns = r->task.start_ns;
		memcpy(row->comm, r->task.comm, sizeof(row->comm));
		row->via = NP_VIA_SEND;
	}
	if (r->cwnd)
		row->cwnd = r->cwnd;
	if (r->srtt_us)
		row->rtt_us = r->srtt_us;
	d->cause = r->cause;
	d->who = r->who;
	d->open = r->flags & NP_AN_F_OPEN;
	d->span_ns = r->dur_ns;
	d->seq = r->seq;
	d->len = r->len;
	d->segs = r->segs;
	d->nth = nth;
	d->errnum = r->sk_err;
	d->backlog = r->backlog;
	d->limit = r->limit;
	snprintf(d->reason, sizeof(d->reason), "%s", reason_of(flows, r));
	if (flows->cfg.stack && r->stack_id >= 0)
		d->stack = flows->cfg.stack(flows->cfg.ctx, r->stack_id);
}

/* A window that is zero still is told once, and once more when it opened: one episode. */
static bool told_already(struct np_detail *d, const struct np_ev_anomaly *r)
{
	bool open = r->flags & NP_AN_F_OPEN, told;
	uint64_t *since = &d->zero_ns[r->who == NP_WHO_REMOTE];

	if (r->kind != NP_AN_ZERO_WINDOW)
		return false;
	told = *since == r->ts_ns;
	*since = open ? r->ts_ns : 0;
	return told;
}

/*
 * What the events say of segments sent again, beside the socket's own count. One that was counted
 * by a walk and is not told by the next one never will be: its hook did not run, or the try failed.
 */
static void settle(struct np_flows *flows, struct np_detail *d)
{
	if (d->untold <= 0)
		return;
	flows->stats.untold += (uint64_t)d->untold;
	d->untold = 0;
}

void np_again_counted(struct np_flows *flows, struct np_flow *flow, uint32_t segs, bool last)
{
	struct np_detail *d = flow->row.detail;

	if (!(flows->cfg.log & 1U << (NP_EVENT_ANOMALY + NP_AN_RETRANS)) || (!d && !segs))
		return;
	d = np_flow_detail(flows, flow);
	if (!d)
		return;
	/* what is older than the first look at it may have been before we came */
	if (!flow->seen) {
		d->untold = 0;
		return;
	}
	settle(flows, d);
	d->untold += segs;
	if (last)
		settle(flows, d);
}

void np_take_anomaly(struct np_flows *flows, const struct np_ev_anomaly *r)
{
	uint64_t when = r->ts_ns + (r->kind == NP_AN_ZERO_WINDOW ? r->dur_ns : 0);
	struct np_flow *flow = r->cookie ? np_map_get(&flows->map, r->cookie) : NULL;
	struct np_detail *d = NULL;
	struct np_event *event;
	uint32_t nth = r->nth;
	bool again = false;

	if (r->kind >= NP_AN_MAX) {
		flows->stats.bad++;
		return;
	}
	flows->stats.anomalies++;
	if (r->cookie && !flow) {
		flow = np_flow_new(flows, r->cookie, r->cookie, IPPROTO_TCP);
		if (!flow)
			return;
		learn(&flow->row, r);
		/* it stands in the table as one, whatever a file says */
		flow->row.proto = IPPROTO_TCP;
	}
	if (r->kind == NP_AN_LISTEN_OVERFLOW)
		np_queue_told(flows, r->listener);
	if (flow)
		d = np_flow_detail(flows, flow);
	if (d) {
		again = told_already(d, r);
		if (again && (r->flags & NP_AN_F_OPEN))
			return;
		flow->row.events += !again;
		/* the kernel's own abort passes where a received RST does */
		if (r->flags & NP_AN_F_UNDO) {
			flow->row.events -= flow->row.events > 1;
			np_log_undo(flows, r->cookie, NP_EVENT_ANOMALY + NP_AN_RST_RECV);
		}
		if (r->kind == NP_AN_RETRANS) {
			nth = sent_again(d, r);
			d->untold -= r->segs;
		}
	}
	event = np_log_add(flows, flow, NP_EVENT_ANOMALY + r->kind, when);
	if (!event)
		return;
	event->row.events = !again;
	/* without a connection it is its listener's */
	if (!flow)
		event->cookie = r->listener;
	tell(flows, event, r, nth);
}
