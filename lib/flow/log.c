// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The log: what happened to connections, a row each, in the order of time. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "flow/table.h"

struct np_event *np_log_add(struct np_flows *flows, struct np_flow *flow, enum np_row_event kind,
			    uint64_t ts_ns)
{
	struct np_event *event;

	if (!(flows->cfg.log & 1U << kind))
		return NULL;
	event = calloc(1, sizeof(*event));
	if (!event) {
		flows->stats.no_memory++;
		return NULL;
	}
	if (flow) {
		event->row = flow->row;
		event->cookie = flow->cookie;
		if (flow->row.detail)
			event->detail = *flow->row.detail;
		/* these stay the flow's own */
		event->row.proc = NULL;
		event->row.cgroup = NULL;
		event->row.meta_done = 0;
		memset(event->detail.hist, 0, sizeof(event->detail.hist));
		event->detail.l7 = NULL;
		np_flow_name(flows, flow, false);
		if (flow->row.detail)
			np_detail_name(&event->detail, flow->row.detail->l7);
	}
	event->row.detail = &event->detail;
	event->row.flags |= NP_ROW_EVENT;
	event->row.events = 1;
	event->detail.event = (uint8_t)kind;
	event->detail.ts_ns = ts_ns;
	event->walk = flows->walk;
	*flows->events_end = event;
	flows->events_end = &event->next;
	return event;
}

static void event_free(struct np_flows *flows, struct np_event *event)
{
	if (flows->release)
		flows->release(flows->ctx, &event->row);
	free(event->detail.l7);
	free(event);
}

bool np_log_undo(struct np_flows *flows, uint64_t cookie, enum np_row_event kind)
{
	for (struct np_event **at = &flows->events; *at; at = &(*at)->next) {
		struct np_event *event = *at;

		if (event->cookie != cookie || event->detail.event != kind)
			continue;
		*at = event->next;
		if (flows->events_end == &event->next)
			flows->events_end = at;
		event_free(flows, event);
		return true;
	}
	return false;
}

static void free_list(struct np_flows *flows, struct np_event *event)
{
	for (struct np_event *next; event; event = next) {
		next = event->next;
		event_free(flows, event);
	}
}

/* What the table has learned of it since: by now a walk may have found whose it is. */
static void join(struct np_flows *flows, struct np_event *event)
{
	const struct np_flow *flow;
	struct np_row *row = &event->row;

	if (row->pid || !event->cookie)
		return;
	flow = np_map_get(&flows->map, event->cookie);
	if (!flow || !flow->row.pid)
		return;
	row->pid = flow->row.pid;
	row->start_ns = flow->row.start_ns;
	memcpy(row->comm, flow->row.comm, sizeof(row->comm));
	row->via = flow->row.via;
	if (!row->cgroup_id)
		row->cgroup_id = flow->row.cgroup_id;
	if (row->uid == UINT32_MAX)
		row->uid = flow->row.uid;
}

static bool push(struct np_flows *flows, struct np_row *row)
{
	if (flows->nlog == flows->log_cap) {
		size_t cap = flows->log_cap ? 2 * flows->log_cap : 64;
		struct np_row **log = realloc(flows->log, cap * sizeof(struct np_row *));

		if (!log) {
			flows->stats.no_memory++;
			return false;
		}
		flows->log = log;
		flows->log_cap = cap;
	}
	flows->log[flows->nlog++] = row;
	return true;
}

/*
 * Whether a walk that began after it has looked for its owner, and who closes it had the time until
 * the next look at the log to say so.
 */
static bool looked_for(const struct np_flows *flows, struct np_event *event)
{
	return event->walk != flows->walk && event->looked++ > 0;
}

/* An owner that is not known yet is waited for until a walk begun after the event has looked. */
static void take_events(struct np_flows *flows)
{
	struct np_event *event = flows->events, *next;

	flows->events = NULL;
	flows->events_end = &flows->events;
	for (; event; event = next) {
		next = event->next;
		join(flows, event);
		if (!event->row.pid && event->cookie && !flows->last && !flows->cfg.packets &&
		    !looked_for(flows, event)) {
			event->next = NULL;
			*flows->events_end = event;
			flows->events_end = &event->next;
			flows->waiting |= event->walk == flows->walk;
			continue;
		}
		event->next = flows->told;
		flows->told = event;
		push(flows, &event->row);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct np_row *x = *(const struct np_row *const *)a;
	const struct np_row *y = *(const struct np_row *const *)b;

	return (x->detail->ts_ns > y->detail->ts_ns) - (x->detail->ts_ns < y->detail->ts_ns);
}

size_t np_flows_log(struct np_flows *flows, struct np_row *const **rows)
{
	struct np_flow *flow;

	if (!flows->logged) {
		flows->logged = true;
		flows->nlog = 0;
		flows->waiting = false;
		take_events(flows);
		flow = np_flows_ended(flows);
		if (!flows->cfg.life)
			flow = NULL;
		for (; flow; flow = flow->next) {
			struct np_detail *d = flow->row.detail;

			if (!d || !(flows->cfg.log & 1U << d->event) ||
			    (d->event == NP_EVENT_CLOSE && flow->row.proto != IPPROTO_TCP &&
			     !(flow->row.tx_segs + flow->row.rx_segs)))
				continue;
			flow->row.flags |= NP_ROW_EVENT;
			push(flows, &flow->row);
		}
		if (flows->held)
			flows->waiting = true;
		if (flows->nlog)
			qsort(flows->log, flows->nlog, sizeof(flows->log[0]), by_time);
	}
	*rows = flows->log;
	return flows->nlog;
}

bool np_flows_waiting(const struct np_flows *flows)
{
	if (flows->cfg.packets)
		return false;
	for (const struct np_event *event = flows->events; event; event = event->next)
		if (!event->row.pid && event->cookie && event->walk == flows->walk)
			return true;
	return flows->waiting;
}

void np_log_next(struct np_flows *flows)
{
	free_list(flows, flows->told);
	flows->told = NULL;
	flows->nlog = 0;
	flows->logged = false;
}

void np_log_free(struct np_flows *flows)
{
	free_list(flows, flows->told);
	free_list(flows, flows->events);
	free(flows->log);
}
