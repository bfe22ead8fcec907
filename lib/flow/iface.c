// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "flow/iface.h"

struct entry {
	struct np_row row;
	uint64_t packets, bytes; /* as last read */
	uint32_t seen;           /* walk that last found it */
	uint32_t counted;        /* walk that last read its packets */
	bool known;              /* the values above were read before */
	bool gone;
};

struct np_ifaces {
	struct entry **entries; /* rows keep their address while the table grows */
	size_t n, cap;
	uint32_t walk;
};

struct np_ifaces *np_ifaces_new(void)
{
	return calloc(1, sizeof(struct np_ifaces));
}

void np_ifaces_free(struct np_ifaces *ifaces)
{
	if (!ifaces)
		return;
	for (size_t i = 0; i < ifaces->n; i++)
		free(ifaces->entries[i]);
	free(ifaces->entries);
	free(ifaces);
}

void np_ifaces_begin(struct np_ifaces *ifaces)
{
	ifaces->walk++;
}

static struct entry *find(const struct np_ifaces *ifaces, const struct np_iface_key *key)
{
	for (size_t i = 0; i < ifaces->n; i++) {
		struct np_row *row = &ifaces->entries[i]->row;

		if (row->link.ifindex == key->ifindex && row->link.dir == key->dir &&
		    row->link.l3 == key->l3 && row->link.l4 == key->l4)
			return ifaces->entries[i];
	}
	return NULL;
}

static struct entry *get(struct np_ifaces *ifaces, const struct np_iface_key *key)
{
	struct entry *e = find(ifaces, key);

	if (e)
		return e;
	if (ifaces->n == ifaces->cap) {
		size_t cap = ifaces->cap ? ifaces->cap * 2 : 16;
		struct entry **more = realloc(ifaces->entries, cap * sizeof(struct entry *));

		if (!more)
			return NULL;
		ifaces->entries = more;
		ifaces->cap = cap;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->row.flags = NP_ROW_IFACE;
	e->row.link.ifindex = key->ifindex;
	e->row.link.dir = key->dir;
	e->row.link.l3 = key->l3;
	e->row.link.l4 = key->l4;
	ifaces->entries[ifaces->n++] = e;
	return e;
}

/* Totals count from the tool's start: the first reading of the interface's own is where they begin.
 */
static void count(const struct np_ifaces *ifaces, struct entry *e, uint64_t packets, uint64_t bytes,
		  bool from_zero)
{
	struct np_row *row = &e->row;
	bool add = e->known || from_zero;

	row->d_tx_segs = add && packets > e->packets ? packets - e->packets : 0;
	row->d_tx = add && bytes > e->bytes ? bytes - e->bytes : 0;
	row->tx_segs += row->d_tx_segs;
	row->tx_bytes += row->d_tx;
	e->packets = packets;
	e->bytes = bytes;
	e->known = true;
	e->counted = ifaces->walk;
}

void np_ifaces_link(struct np_ifaces *ifaces, const struct np_ev_link *r)
{
	for (int dir = NP_DIR_RX; dir <= NP_DIR_TX; dir++) {
		struct np_iface_key key = { r->ifindex, (uint8_t)dir, NP_L_ALL, NP_L_ALL, 0 };
		struct entry *e = get(ifaces, &key);

		if (!e)
			return;
		memcpy(e->row.link.name, r->name, sizeof(e->row.link.name));
		e->row.link.name[sizeof(e->row.link.name) - 1] = '\0';
		e->row.flags = (uint16_t)(NP_ROW_IFACE | (r->up ? NP_ROW_UP : 0));
		e->row.errors = r->errors[dir];
		e->row.drops = r->drops[dir];
		if (!r->hooked)
			count(ifaces, e, r->packets[dir], r->bytes[dir], false);
		else
			e->known = false; /* should the hook go, its own count is no longer near */
		e->seen = ifaces->walk;
	}
}

void np_ifaces_count(struct np_ifaces *ifaces, const struct np_ev_iface *r)
{
	struct entry *e = get(ifaces, &r->key);

	if (!e)
		return;
	count(ifaces, e, r->val.packets, r->val.wire_bytes, true);
	e->seen = ifaces->walk;
}

/* What a hook counted of an interface has its name and state, and tells whether it is active. */
static void join(struct np_ifaces *ifaces, struct entry *e)
{
	struct np_iface_key key = { e->row.link.ifindex, e->row.link.dir, NP_L_ALL, NP_L_ALL, 0 };
	struct entry *link = find(ifaces, &key);

	e->gone = !link || link->seen != ifaces->walk;
	if (e->gone)
		return;
	if (e->counted != ifaces->walk)
		e->row.d_tx = e->row.d_tx_segs = 0;
	if (e != link) {
		memcpy(e->row.link.name, link->row.link.name, sizeof(e->row.link.name));
		e->row.flags = (uint16_t)(NP_ROW_IFACE | (link->row.flags & NP_ROW_UP));
	}
	if (e->row.d_tx_segs) {
		e->row.flags |= NP_ROW_ACTIVE;
		link->row.flags |= NP_ROW_ACTIVE;
	}
}

void np_ifaces_end(struct np_ifaces *ifaces)
{
	size_t kept = 0;

	/* all are looked at before any goes: they are found by one another */
	for (size_t i = 0; i < ifaces->n; i++)
		join(ifaces, ifaces->entries[i]);
	for (size_t i = 0; i < ifaces->n; i++) {
		if (ifaces->entries[i]->gone)
			free(ifaces->entries[i]);
		else
			ifaces->entries[kept++] = ifaces->entries[i];
	}
	ifaces->n = kept;
}

struct np_row *np_ifaces_row(struct np_ifaces *ifaces, size_t i)
{
	return i < ifaces->n ? &ifaces->entries[i]->row : NULL;
}
