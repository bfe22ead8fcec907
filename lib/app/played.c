// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/played.h"
#include "base/log.h"
#include "flow/detail.h"

#define DROPS_MAX 65536 /* processes that were asked; more are forgotten */

/* Names that options give mean those of the recording, which are known from here on. */
static void owner_named(const struct np_list *asked, uint32_t *numbers, const void *rec, size_t len)
{
	const struct np_rec_name *r = rec;
	const char *name;

	if (!np_rec_texts(rec, len, sizeof(*r), &name, 1))
		return;
	for (size_t i = 0; i < asked->n; i++)
		if (*name && !strcmp(asked->items[i], name))
			numbers[i] = (uint32_t)r->number;
}

static void take_text(struct np_played *played, const struct np_rec_name *r, size_t len)
{
	const char *text;

	if (np_rec_texts(r, len, sizeof(*r), &text, 1))
		np_texts_put(&played->texts, r->hdr.type, (uint32_t)r->number, text);
	else
		played->bad++;
}

static uint64_t drops_key(uint32_t pid, uint32_t netns)
{
	return (uint64_t)pid << 32 | netns;
}

static void take_drops(struct np_played *played, const struct np_rec_drops *r)
{
	uint64_t key = drops_key(r->pid, r->netns);
	struct np_rec_drops *last = np_map_get(&played->drops, key);

	if (last) {
		*last = *r;
		return;
	}
	last = played->drops.count < DROPS_MAX ? malloc(sizeof(*last)) : NULL;
	if (!last)
		return;
	*last = *r;
	if (np_map_put(&played->drops, key, last))
		free(last);
}

static void take_stats(struct np_source_stats *st, const struct np_rec_stats *r)
{
	for (int i = 0; i < NP_LOST_MAX; i++)
		st->lost[i] = r->lost[i];
	st->read_errors = r->read_errors;
	st->netns_missed = r->netns_missed;
	st->walk_ns = r->walk_ns;
	st->udp_entries = r->udp_entries;
	st->udp_max = r->udp_max;
	st->peeked = r->peeked;
	st->left_out = r->left_out;
	st->nprogs = 0; /* they follow */
}

static void take_prog(struct np_played *played, const struct np_rec_prog *r)
{
	struct np_source_stats *st = &played->stats;
	struct np_source_prog *p;
	char *hook;

	if (st->nprogs == NP_SOURCE_PROGS)
		return;
	p = &st->progs[st->nprogs];
	hook = played->hooks[st->nprogs];
	memcpy(hook, r->hook, sizeof(r->hook));
	hook[sizeof(r->hook) - 1] = '\0';
	memcpy(p->name, r->name, sizeof(p->name));
	p->name[sizeof(p->name) - 1] = '\0';
	p->hook = hook;
	p->runs = r->runs;
	p->ns = r->ns;
	p->skipped = r->skipped;
	st->nprogs++;
}

void np_played_take(struct np_played *played, struct np_opts *opts, struct np_meta *meta,
		    const void *rec, size_t len)
{
	const struct np_ev_hdr *hdr = rec;

	switch (hdr->type) {
	case NP_REC_DROP_REASON:
	case NP_REC_RESET_REASON:
	case NP_REC_STACK:
		take_text(played, rec, len);
		return;
	case NP_REC_DROPS:
		take_drops(played, rec);
		return;
	case NP_REC_STATS:
		take_stats(&played->stats, rec);
		return;
	case NP_REC_PROG:
		take_prog(played, rec);
		return;
	case NP_REC_ASKED_USER:
		owner_named(&opts->uids, opts->whose.uids, rec, len);
		return;
	case NP_REC_ASKED_NETNS:
		owner_named(&opts->netns, opts->whose.netns, rec, len);
		return;
	case NP_REC_USER:
		owner_named(&opts->uids, opts->whose.uids, rec, len);
		break;
	case NP_REC_NETNS:
		owner_named(&opts->netns, opts->whose.netns, rec, len);
		break;
	default:
		break;
	}
	if (!np_meta_learn(meta, rec, len))
		played->bad++;
}

const char *np_played_text(struct np_played *played, enum np_rec_type type, uint32_t number)
{
	const char *text = np_texts_get(&played->texts, (uint16_t)type, number);
	char odd[24];

	if (text)
		return text;
	/* reasons are told before their records; a file that does not is not one of ours */
	snprintf(odd, sizeof(odd), "reason_%u", number);
	np_texts_put(&played->texts, (uint16_t)type, number, type == NP_REC_STACK ? "" : odd);
	text = np_texts_get(&played->texts, (uint16_t)type, number);
	return text ? text : "";
}

bool np_played_drops(const struct np_played *played, uint32_t pid, uint32_t netns, uint64_t *drops)
{
	const struct np_rec_drops *r = np_map_get(&played->drops, drops_key(pid, netns));

	if (!r || !r->known)
		return false;
	*drops = r->drops;
	return true;
}

void np_played_free(struct np_played *played)
{
	np_texts_free(&played->texts);
	np_map_foreach (&played->drops, slot)
		free(slot->val);
	np_map_free(&played->drops);
}

static const struct {
	unsigned int source;
	unsigned int by; /* it, or what measures it as well */
	const char *what;
} sources[] = {
	/* walks alone miss what connections moved since the last walk before their end */
	{ NP_SRC_TCP, NP_SRC_TCP, "TCP connections to their end" },
	{ NP_SRC_OWNERS, NP_SRC_OWNERS | NP_SRC_TCP, "owners of TCP connections" },
	{ NP_SRC_UDP, NP_SRC_UDP, "UDP" },
	{ NP_SRC_ICMP, NP_SRC_ICMP, "ICMP" },
	{ NP_SRC_IFACE, NP_SRC_IFACE, "interfaces" },
	{ NP_SRC_CGROUP, NP_SRC_CGROUP, "cgroups" },
	{ NP_SRC_PEEK, NP_SRC_PEEK, "applications" },
	{ NP_SRC_RTT, NP_SRC_RTT, "round-trip times of each segment" },
	{ NP_SRC_TURN, NP_SRC_TURN, "response times" },
	{ NP_SRC_ANOMALY, NP_SRC_ANOMALY, "anomalies" },
	{ NP_SRC_LIFE, NP_SRC_LIFE, "when and by whom connections were opened" },
	{ NP_SRC_OPEN, NP_SRC_OPEN, "connections as they open" },
	{ NP_SRC_STATES, NP_SRC_STATES, "changes of state" },
	{ NP_SRC_LISTEN, NP_SRC_LISTEN, "listeners" },
};

/* Those that only events of their own are made of. */
#define FOR_EVENTS (NP_SRC_OPEN | NP_SRC_STATES | NP_SRC_LISTEN)

static void add(struct np_buf *out, const char *what)
{
	np_buf_printf(out, "%s%s", out->len ? ", " : "", what);
}

/*
 * What rows of this kind are made of: without any of it there are none. Connections of which the
 * record has no more than the walks over them are rows all the same.
 */
static unsigned int made_of(const struct np_opts *opts)
{
	switch (opts->view.kind) {
	case NP_COL_IFACE:
		return NP_SRC_IFACE;
	case NP_COL_LISTEN:
		return NP_SRC_LISTEN;
	default:
		if (opts->mode->want & NP_SRC_ANOMALY)
			return NP_SRC_ANOMALY;
		return NP_SRC_TCP | NP_SRC_OWNERS | NP_SRC_UDP | NP_SRC_ICMP;
	}
}

int np_played_check(const struct np_rec_head *head, struct np_opts *opts, unsigned int want)
{
	uint32_t told = want & NP_SRC_ANOMALY ? opts->told >> NP_EVENT_ANOMALY : 0;
	uint32_t untold = head->want & NP_SRC_ANOMALY ? told & ~head->anomalies : 0;
	struct np_buf missing = { 0 };

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (!(want & sources[i].source) || head->want & sources[i].by)
			continue;
		add(&missing, sources[i].what);
		if (!(sources[i].source & FOR_EVENTS))
			add(&opts->unmeasured, sources[i].what);
	}
	opts->unseen = untold << NP_EVENT_ANOMALY;
	if (!(head->want & NP_SRC_OPEN))
		opts->unseen |= 1U << NP_EVENT_OPEN;
	if (!(head->want & NP_SRC_STATES))
		opts->unseen |= 1U << NP_EVENT_STATE;
	for (unsigned int i = 0; i < NP_AN_MAX; i++)
		if (untold & 1U << i)
			add(&missing, np_event_name(NP_EVENT_ANOMALY + i));
	if (opts->stack && !(head->flags & NP_REC_F_STACKS))
		add(&missing, "stacks");
	if (!(head->want & made_of(opts))) {
		np_err_set(&opts->err, 0,
			   "%.128s is a record of %s and has nothing to show here: it did not "
			   "measure %s",
			   opts->read, head->tool, np_buf_cstr(&missing));
		np_buf_free(&missing);
		return NP_EXIT_CANNOT;
	}
	if (missing.len)
		np_log(NP_LOG_WARN, "this record of %s did not measure: %s", head->tool,
		       np_buf_cstr(&missing));
	np_buf_free(&missing);
	return 0;
}

/* Packets on their way do not show what the kernel does with them, nor when it gives up. */
#define UNSEEN \
	((1U << NP_AN_DROP | 1U << NP_AN_LISTEN_OVERFLOW | 1U << NP_AN_TIMEOUT) << NP_EVENT_ANOMALY)

/* What this run is all about and no packet tells; NULL: there is no such thing. */
static const char *not_in_packets(const struct np_opts *o)
{
	const struct {
		bool asked;
		const char *what;
	} wishes[] = {
		{ o->view.kind == NP_COL_IFACE, "interfaces (--by interface)" },
		{ o->view.kind == NP_COL_LISTEN, "listeners (--listen)" },
		{ o->pids.n, "processes (--pid)" },
		{ o->comms.n, "processes (--comm)" },
		{ o->uids.n, "users (--uid)" },
		{ o->cgroups.n, "cgroups (--cgroup)" },
		{ o->containers.n, "containers (--container)" },
		{ o->pods.n, "pods (--pod)" },
		{ o->netns.n, "network namespaces (--netns)" },
		{ o->told && !(o->told & ~UNSEEN), "these --events" },
	};

	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
		if (wishes[i].asked)
			return wishes[i].what;
	return NULL;
}

int np_played_capture(struct np_opts *opts)
{
	const char *what = not_in_packets(opts);

	opts->unseen = UNSEEN;
	if (!what)
		return 0;
	np_err_set(&opts->err, 0,
		   "%.128s is a capture and has nothing to show here: packets do not tell %s",
		   opts->read, what);
	return NP_EXIT_CANNOT;
}
