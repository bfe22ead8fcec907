// SPDX-License-Identifier: GPL-2.0-only
/*
 * Response times: np_turn.bpf.h has the logic, np_state the begin and the end of a connection.
 * Segments received come from tcp_probe, before TCP looks at them; segments sent from the root
 * cgroup's egress hook, which sees each once, before it is split or queued, in every network
 * namespace.
 */
#include "np_kernel.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_turn.bpf.h"

/* RFC 9293, 3.1 */
struct tcp_header {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack;
	__u8 offset; /* upper half: length in words */
	__u8 flags;
	__be16 window;
	__be16 sum;
	__be16 urgent;
};

/* LEN: from the TCP header on. */
static __always_inline bool read_segment(struct np_turn_segment *s, const struct tcp_header *h,
					 __u32 len)
{
	__u32 header = (h->offset >> 4) * 4;

	if (header > len)
		return false;
	s->seq = bpf_ntohl(h->seq);
	s->ack = bpf_ntohl(h->ack);
	s->len = len - header;
	s->flags = h->flags;
	return true;
}

SEC("tp_btf/tcp_probe")
int BPF_PROG(np_turn_recv, struct sock *sk, struct sk_buff *skb)
{
	__u64 cookie = np_read_cookie(sk);
	struct np_turn_segment s;
	struct tcp_header h;
	struct np_turn *t;

	if (np_left_out(cookie))
		return 0;
	t = bpf_map_lookup_elem(&np_turns, &cookie);
	/* older than we are */
	if (!t)
		t = np_turn_new(cookie, np_turn_side(sk));
	if (t && !bpf_probe_read_kernel(&h, sizeof(h), skb->data) && read_segment(&s, &h, skb->len))
		np_turn_got(t, cookie, &s);
	return 0;
}

/* Where the TCP header of an IP packet begins; 0: it is none, or one with extensions. */
static __always_inline __u32 tcp_offset(const __u8 *data, const __u8 *end)
{
	if (data + 20 > end)
		return 0;
	if (data[0] >> 4 == 4)
		return data[9] == IPPROTO_TCP ? (data[0] & 15) * 4 : 0;
	return data[6] == IPPROTO_TCP ? 40 : 0;
}

SEC("cgroup_skb/egress")
int np_turn_sent_skb(struct __sk_buff *skb)
{
	const __u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 offset = tcp_offset(data, end);
	const struct tcp_header *h = (const void *)(data + offset);
	struct np_turn_segment s;
	struct np_turn *t;
	__u64 cookie;

	if (!offset || (const __u8 *)(h + 1) > end || offset > skb->len)
		return 1;
	cookie = bpf_get_socket_cookie(skb);
	if (np_left_out(cookie))
		return 1;
	t = bpf_map_lookup_elem(&np_turns, &cookie);
	if (t && read_segment(&s, h, skb->len - offset))
		np_turn_sent(t, cookie, &s);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
