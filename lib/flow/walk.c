// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Refreshes: what a walk should have found and did not is gone. And the door for every record. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "flow/table.h"
#include "flow/track.h"
#include "source/layout.h"

/* Never more than a name: nothing to show, nothing to count. */
static void forget_named(struct np_flows *flows, struct np_flow *flow)
{
	flows->named--;
	flows->living--;
	flows->living_tcp--;
	np_flow_free(flows, flow);
}

/* One more of a set, of which as many as there is ROOM for are written; how many there are now. */
static size_t note(uint32_t *set, size_t n, size_t room, uint32_t netns)
{
	for (size_t i = 0; i < n && i < room; i++)
		if (set[i] == netns)
			return n;
	if (n < room)
		set[n] = netns;
	return n + 1;
}

static void note_unseen(struct np_flows *flows, uint32_t netns)
{
	size_t room = sizeof(flows->unseen) / sizeof(flows->unseen[0]);

	flows->nunseen = note(flows->unseen, flows->nunseen, room, netns);
}

/* FIN_WAIT2: the peer has all that was sent. */
static bool drains(const struct np_row *row)
{
	return row->state != TCP_FIN_WAIT2 && row->state != TCP_CLOSE;
}

size_t np_flows_orphans(struct np_flows *flows, uint32_t *netns, size_t max, size_t *draining)
{
	struct np_flow *flow;
	size_t pos = 0, n = 0;

	*draining = 0;
	while ((flow = np_flow_walk(flows, &pos))) {
		bool seen = flow->seen == flows->walk;

		/* found by a walk that is not over files: not seen by the last one that is */
		if (flow->row.proto != IPPROTO_TCP || flow->row.flags & NP_ROW_LISTEN ||
		    (seen && !flow->unseen) || !flows->cfg.members ||
		    !np_members_have(flows->cfg.members, &flow->row))
			continue;
		n = note(netns, n, max, flow->row.netns);
		*draining += seen && drains(&flow->row);
	}
	return n;
}

#define KEEP_WALKS 10

/*
 * The end of a walk: what it should have found and did not is gone. A TCP connection gets a second
 * look, since the walk over files misses some that live (orphans, files in flight).
 */
static void sweep(struct np_flows *flows, uint32_t what)
{
	bool missing = flows->seen_tcp != flows->living_tcp;
	struct np_flow *flow;
	size_t pos = 0;

	flows->nunseen = 0;
	if (!missing && flows->living == flows->living_tcp)
		return;
	while ((flow = np_flow_walk(flows, &pos))) {
		if (flow->row.proto != IPPROTO_TCP)
			np_life_idle(flows, flow);
		if (flow->seen == flows->walk)
			continue;
		if (flow->row.proto == IPPROTO_TCP && flows->cfg.walks_only) {
			/* kept for a while, for what may still be told of it */
			np_half_missed(flows, flow);
			if (flow->missed == 1)
				np_half_close(flows, flow, true);
			if (!(what & NP_WALK_FILES) || ++flow->missed < KEEP_WALKS)
				continue;
		} else if (flow->row.proto == IPPROTO_TCP) {
			np_half_missed(flows, flow);
			/* most are about to be closed or have just been opened: none of them is
			 * worth a walk through the kernel's table, which takes longer */
			if (flow->unseen < 2)
				flow->unseen++;
			if (flow->unseen > 1)
				note_unseen(flows, flow->row.netns);
			if (!(what & NP_WALK_TCP) || ++flow->missed < 2)
				continue;
			if (flow->named) {
				forget_named(flows, flow);
				continue;
			}
			flows->stats.vanished++;
		} else if ((flow->in_map && !flows->last) || !(what & NP_WALK_FILES)) {
			/* the map keeps what was moved last; nobody comes back for it */
			continue;
		}
		np_half_close(flows, flow, true);
		np_life_end(flows, flow, NULL);
		np_flow_end(flows, flow);
	}
}

static void take_walk(struct np_flows *flows, const struct np_ev_walk *r)
{
	if (r->begin) {
		flows->walk++;
		flows->seen_tcp = 0;
		/* several walks in one interval: it began with the last one before it */
		if (flows->tick != flows->from_tick)
			flows->from_ns = flows->mono_ns;
		flows->from_tick = flows->tick;
		flows->interval_ns = flows->from_ns ? np_grown(r->mono_ns, flows->from_ns) : 0;
		flows->mono_ns = r->mono_ns;
		flows->wall_ns = r->wall_ns;
		np_ifaces_begin(flows->ifaces);
		np_track_walk(flows);
		return;
	}
	/* packets tell themselves what has ended */
	if (!flows->cfg.packets)
		sweep(flows, r->what);
	if (r->what & NP_WALK_IFACE)
		np_ifaces_end(flows->ifaces);
	flows->first = false;
}

uint16_t np_flows_record_size(uint16_t type)
{
	return np_ev_size(type);
}

/*
 * The door of --sample, whatever the source: connections by their cookie. What is a listener's is
 * taken, and so is all that no connection has a part in.
 */
static bool left_out(const struct np_flows *flows, const struct np_ev_hdr *hdr, const void *rec)
{
	uint32_t n = flows->cfg.sample;
	uint64_t cookie;

	if (n < 2)
		return false;
	switch (hdr->type) {
	case NP_EV_SOCK:
	case NP_EV_PACKET:
		if (hdr->flags & NP_EV_F_LISTEN)
			return false;
		break;
	case NP_EV_ANOMALY:
		return !np_sampled_anomaly(rec, n);
	case NP_EV_IFACE:
	case NP_EV_LINK:
	case NP_EV_WALK:
	case NP_EV_MEMBER:
		return false;
	default:
		break;
	}
	/* of all the others it stands behind the header */
	memcpy(&cookie, (const char *)rec + sizeof(*hdr), sizeof(cookie));
	return !np_sampled(cookie, n);
}

#define COOKIE_AT(type, field)                                            \
	_Static_assert(offsetof(type, field) == sizeof(struct np_ev_hdr), \
		       "left_out() reads it there")
COOKIE_AT(struct np_ev_sock, cookie);
COOKIE_AT(struct np_ev_end, sock.cookie);
COOKIE_AT(struct np_ev_state, cookie);
COOKIE_AT(struct np_ev_owner, cookie);
COOKIE_AT(struct np_ev_udp, cookie);
COOKIE_AT(struct np_ev_packet, cookie);
COOKIE_AT(struct np_ev_samples, cookie);
COOKIE_AT(struct np_ev_hist, cookie);

void np_flows_record(struct np_flows *flows, const void *rec, size_t len)
{
	struct np_ev_hdr hdr = { 0 };
	uint16_t size;

	flows->stats.records++;
	if (len >= sizeof(hdr))
		memcpy(&hdr, rec, sizeof(hdr));
	/* of several sizes: looked at where it is used */
	if (hdr.type == NP_EV_PACKET && flows->l7) {
		if (len >= sizeof(struct np_ev_packet) && left_out(flows, &hdr, rec)) {
			flows->stats.left_out++;
			return;
		}
		flows->cfg.l7->packet(flows->l7, rec, len);
		return;
	}
	size = np_flows_record_size(hdr.type);
	if (len < sizeof(hdr) || !size || hdr.size != size || len < size) {
		flows->stats.bad++;
		return;
	}
	if (left_out(flows, &hdr, rec)) {
		flows->stats.left_out++;
		return;
	}
	switch (hdr.type) {
	case NP_EV_SOCK:
		np_take_sock(flows, rec);
		break;
	case NP_EV_SOCK_END:
		np_take_end(flows, rec);
		break;
	case NP_EV_SOCK_STATE:
		np_take_state(flows, rec);
		break;
	case NP_EV_SOCK_OWNER:
		np_take_owner(flows, rec);
		break;
	case NP_EV_UDP:
		np_take_udp(flows, rec);
		break;
	case NP_EV_IFACE:
		np_ifaces_count(flows->ifaces, rec);
		break;
	case NP_EV_LINK:
		np_ifaces_link(flows->ifaces, rec);
		break;
	case NP_EV_WALK:
		take_walk(flows, rec);
		break;
	case NP_EV_ANOMALY:
		np_take_anomaly(flows, rec);
		break;
	case NP_EV_SAMPLES:
		np_take_samples(flows, rec);
		break;
	case NP_EV_HIST:
		np_take_hist(flows, rec);
		break;
	case NP_EV_MEMBER:
		if (flows->cfg.members && np_members_add(flows->cfg.members, rec))
			flows->stats.no_memory++;
		break;
	}
}
