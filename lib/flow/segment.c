// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <netinet/in.h>

#include "flow/segment.h"

static bool is_record(const struct np_ev_packet *p, size_t len)
{
	if (len < sizeof(*p) || p->hdr.type != NP_EV_PACKET || p->hdr.size > len)
		return false;
	switch (p->hdr.size - sizeof(*p)) {
	case NP_PEEK_SMALL:
	case NP_PEEK_LARGE:
	case NP_PEEK_HUGE:
		return p->cap_len <= p->hdr.size - sizeof(*p) && p->cap_len <= p->wire_len &&
		       p->dir <= NP_DIR_TX;
	}
	return false;
}

/* Where TCP or UDP begins; 0: not there. RFC 791, RFC 8200. */
static size_t l4_offset(const struct np_ev_packet *p)
{
	const uint8_t *ip = p->data;
	size_t off;

	if (p->cap_len < 20)
		return 0;
	if (ip[0] >> 4 == 4) {
		off = (ip[0] & 15U) * 4;
		return off >= 20 && ip[9] == p->tuple.proto ? off : 0;
	}
	return ip[0] >> 4 == 6 && p->cap_len >= 40 && ip[6] == p->tuple.proto ? 40 : 0;
}

bool np_segment_parse(struct np_segment *seg, const struct np_ev_packet *p, size_t len)
{
	const uint8_t *l4;
	size_t off, head = 8;

	if (!is_record(p, len))
		return false;
	seg->tcp = p->tuple.proto == IPPROTO_TCP;
	if (!seg->tcp && p->tuple.proto != IPPROTO_UDP)
		return false;
	off = l4_offset(p);
	if (!off || p->cap_len < off + (seg->tcp ? 20 : 8))
		return false;
	l4 = p->data + off;
	seg->seq = 0;
	if (seg->tcp) {
		/* RFC 9293, 3.1 */
		seg->seq =
		    (uint32_t)l4[4] << 24 | (uint32_t)l4[5] << 16 | (uint32_t)l4[6] << 8 | l4[7];
		head = (l4[12] >> 4) * 4U;
		if (head < 20)
			return false;
	}
	if (p->cap_len <= off + head)
		return false;
	seg->l3 = p->data;
	seg->len = p->cap_len;
	seg->payload = (uint32_t)(p->wire_len - off - head);
	return true;
}
