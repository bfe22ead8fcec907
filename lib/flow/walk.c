// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Refreshes: what a walk should have found and did not is gone. And the door for every record. */
#include <netinet/in.h>
#include <string.h>

#include "flow/table.h"

/* Never more than a name: nothing to show, nothing to count. */
static void forget_named(struct np_flows *flows, struct np_flow *flow)
{
	flows->named--;
	flows->living--;
	flows->living_tcp--;
	np_flow_free(flows, flow);
}

static void note_unseen(struct np_flows *flows, uint32_t netns)
{
	size_t room = sizeof(flows->unseen) / sizeof(flows->unseen[0]);

	for (size_t i = 0; i < flows->nunseen && i < room; i++)
		if (flows->unseen[i] == netns)
			return;
	if (flows->nunseen < room)
		flows->unseen[flows->nunseen] = netns;
	flows->nunseen++;
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
		flows->interval_ns = flows->mono_ns ? np_grown(r->mono_ns, flows->mono_ns) : 0;
		flows->mono_ns = r->mono_ns;
		flows->wall_ns = r->wall_ns;
		np_ifaces_begin(flows->ifaces);
		return;
	}
	sweep(flows, r->what);
	if (r->what & NP_WALK_IFACE)
		np_ifaces_end(flows->ifaces);
	flows->first = false;
}

uint16_t np_flows_record_size(uint16_t type)
{
	static const uint16_t sizes[NP_EV_MAX] = {
		[NP_EV_SOCK] = sizeof(struct np_ev_sock),
		[NP_EV_SOCK_END] = sizeof(struct np_ev_end),
		[NP_EV_SOCK_STATE] = sizeof(struct np_ev_state),
		[NP_EV_SOCK_OWNER] = sizeof(struct np_ev_owner),
		[NP_EV_UDP] = sizeof(struct np_ev_udp),
		[NP_EV_IFACE] = sizeof(struct np_ev_iface),
		[NP_EV_LINK] = sizeof(struct np_ev_link),
		[NP_EV_WALK] = sizeof(struct np_ev_walk),
		[NP_EV_ANOMALY] = sizeof(struct np_ev_anomaly),
		[NP_EV_SAMPLES] = sizeof(struct np_ev_samples),
		[NP_EV_HIST] = sizeof(struct np_ev_hist),
	};

	return type < NP_EV_MAX ? sizes[type] : 0;
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
	}
}
