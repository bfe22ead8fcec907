// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "view/filter.h"
#include "view/filter_walk.h"

#define TEXT_MAX  4096
#define SMART_MAX 1024 /* libpcap's optimizer takes cubic time: 0.2 s here, 9 s at 4096 */
#define SNAPLEN   262144

struct np_filter {
	struct bpf_program prog;
	struct np_filter_seen seen;
};

/* "filter 'TEXT': WHAT"; both come from outside. */
static int refuse(struct np_err *err, const char *text, const char *what, const char *hint)
{
	size_t len = strnlen(text, 120);
	struct np_buf shown = { 0 }, said = { 0 };

	np_str_escape(&shown, text, len, false);
	np_str_escape(&said, what, strnlen(what, 200), false);
	np_err_set(err, -EINVAL, "filter '%.150s%s': %.200s%s", np_buf_cstr(&shown),
		   text[len] || shown.len > 150 ? "..." : "", np_buf_cstr(&said), hint);
	np_buf_free(&shown);
	np_buf_free(&said);
	return -EINVAL;
}

static int compile(struct np_filter *filter, const char *text, struct np_err *err)
{
	pcap_t *pcap = pcap_open_dead(DLT_RAW, SNAPLEN);
	int optimize = strlen(text) <= SMART_MAX, ret = 0;

	if (!pcap)
		return np_err_set(err, -ENOMEM, "filter: out of memory");
	if (pcap_compile(pcap, &filter->prog, text, optimize, PCAP_NETMASK_UNKNOWN)) {
		const char *said = pcap_geterr(pcap);

		ret = refuse(err, text, said,
			     strstr(said, "unknown host") || strstr(said, "unknown network")
				 ? " (looked up as a name, not found)"
				 : "");
	}
	pcap_close(pcap);
	return ret;
}

int np_filter_compile(struct np_filter **out, const char *text, struct np_err *err)
{
	struct np_filter *filter;
	int ret;

	*out = NULL;
	if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
		return np_err_set(err, -EINVAL, "filter: longer than %d bytes", TEXT_MAX);
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return np_err_set(err, -ENOMEM, "filter: out of memory");
	ret = compile(filter, text, err);
	if (ret)
		goto cleanup;
	ret = np_filter_walk(&filter->prog, &filter->seen);
	if (ret)
		np_err_set(err, ret, "filter: out of memory");
	else if (filter->seen.why)
		ret = refuse(err, text, filter->seen.why,
			     ", a connection has only addresses, a protocol and ports");
	else if (!filter->seen.tcp && !filter->seen.udp && !filter->seen.icmp)
		ret = refuse(err, text, "no TCP, UDP or ICMP flow can match", "");
cleanup:
	if (ret)
		np_filter_free(filter);
	else
		*out = filter;
	return ret;
}

void np_filter_free(struct np_filter *filter)
{
	if (!filter)
		return;
	pcap_freecode(&filter->prog);
	free(filter);
}

/* ---- matching ---- */

#define PACKET 60 /* bytes: IPv6 header, TCP header */

static bool is_v4(const struct np_row *row)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return row->family == AF_INET || memcmp(row->laddr, prefix, sizeof(prefix)) == 0 ||
	       memcmp(row->raddr, prefix, sizeof(prefix)) == 0;
}

/* A packet of the connection, from its local side or to it (RFC 791, RFC 8200). */
static size_t packet(uint8_t pkt[PACKET], const struct np_row *row, bool sent)
{
	const uint8_t *src = sent ? row->laddr : row->raddr, *dst = sent ? row->raddr : row->laddr;
	uint16_t sport = sent ? row->lport : row->rport, dport = sent ? row->rport : row->lport;
	size_t l4 = is_v4(row) ? 20 : 40;

	memset(pkt, 0, PACKET);
	if (is_v4(row)) {
		pkt[0] = 0x45;
		pkt[9] = row->proto;
		memcpy(pkt + 12, src + 12, 4);
		memcpy(pkt + 16, dst + 12, 4);
	} else {
		pkt[0] = 0x60;
		pkt[6] = row->proto;
		memcpy(pkt + 8, src, 16);
		memcpy(pkt + 24, dst, 16);
	}
	pkt[l4] = (uint8_t)(sport >> 8);
	pkt[l4 + 1] = (uint8_t)sport;
	pkt[l4 + 2] = (uint8_t)(dport >> 8);
	pkt[l4 + 3] = (uint8_t)dport;
	return l4 + 20;
}

bool np_filter_match(const struct np_filter *filter, const struct np_row *row)
{
	uint8_t pkt[PACKET];

	if (!filter || (row->flags & NP_ROW_IFACE))
		return true;
	for (int sent = 1; sent >= 0; sent--) {
		u_int len = (u_int)packet(pkt, row, sent);

		if (bpf_filter(filter->prog.bf_insns, pkt, len, len))
			return true;
	}
	return false;
}

bool np_filter_wants(const struct np_filter *filter, int proto)
{
	if (!filter)
		return true;
	if (proto == IPPROTO_TCP)
		return filter->seen.tcp;
	return proto == IPPROTO_UDP ? filter->seen.udp : filter->seen.icmp;
}
