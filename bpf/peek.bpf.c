// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first packets with payload of each TCP and UDP flow, for user space to tell the application
 * protocol from them. cgroup_skb at the root cgroup: it sees the sockets of all network namespaces,
 * whole packets (before fragmentation, after reassembly), and knows whose they are. A flow that has
 * had its packets copied costs one look-up a packet from then on.
 */
#include "np_kernel.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "np_emit.bpf.h"
#include "np_event.h"
#include "np_read.bpf.h"

struct np_peek_key {
	__u64 cookie;
	__u64 remote; /* PEEK_ONE, PEEK_ALL, or a hash of the remote end */
};
#define PEEK_ONE 0 /* the socket is one flow */
#define PEEK_ALL 1 /* all flows of a UDP socket without a fixed remote, within one `second` */

struct np_peek_val {
	__u32 packets; /* copied so far */
	__u32 second;  /* 2^30 ns */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct np_peek_key);
	__type(value, struct np_peek_val);
} np_peek SEC(".maps");

__u64 np_peeked = 0; /* packets copied */

struct peek_head {
	struct np_ev_tuple tuple;
	__u32 l4;       /* offset of the TCP or UDP header */
	__u32 next_seq; /* TCP */
	bool has_next;
};

/* True with both ends in *H. Extension headers before IPv6's TCP or UDP are rare: not looked at. */
static __always_inline bool read_head(struct __sk_buff *skb, bool tx, __u8 proto,
				      struct peek_head *h)
{
	__u32 *local = (__u32 *)h->tuple.laddr, *remote = (__u32 *)h->tuple.raddr;
	__u32 *src = tx ? local : remote, *dst = tx ? remote : local;
	__u32 ip[10]; /* the IP header, RFC 791 or 8200 */
	__u8 *byte = (__u8 *)ip;
	__u16 port[2];

	if (bpf_skb_load_bytes(skb, 0, ip, 20))
		return false;
	if (byte[0] >> 4 == 4) {
		if (byte[9] != proto || (byte[6] & 0x1f) || byte[7])
			return false;
		h->l4 = (byte[0] & 15) * 4;
		h->tuple.family = AF_INET;
		src[2] = dst[2] = bpf_htonl(0xffff);
		src[3] = ip[3];
		dst[3] = ip[4];
	} else {
		if (byte[6] != proto || bpf_skb_load_bytes(skb, 20, ip + 5, 20))
			return false;
		h->l4 = 40;
		h->tuple.family = AF_INET6;
		for (int i = 0; i < 4; i++) {
			src[i] = ip[2 + i];
			dst[i] = ip[6 + i];
		}
	}
	if (bpf_skb_load_bytes(skb, h->l4, port, sizeof(port)))
		return false;
	h->tuple.proto = proto;
	h->tuple.lport = bpf_ntohs(tx ? port[0] : port[1]);
	h->tuple.rport = bpf_ntohs(tx ? port[1] : port[0]);
	return true;
}

static __always_inline __u64 hash_remote(const struct np_ev_tuple *t)
{
	const __u32 *addr = (const __u32 *)t->raddr;
	__u64 hash = t->rport;

	for (int i = 0; i < 4; i++) {
		hash = (hash ^ addr[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return hash | 2; /* neither PEEK_ONE nor PEEK_ALL */
}

/* Whether there is payload; for TCP, payload that did not pass here before. */
static __always_inline bool has_payload(struct __sk_buff *skb, bool tx, struct bpf_sock *sk,
					struct peek_head *h)
{
	struct bpf_tcp_sock *tp;
	__u8 doff;
	__be32 seq;
	__u32 end;

	if (h->tuple.proto == IPPROTO_UDP)
		return skb->len > h->l4 + 8;
	if (bpf_skb_load_bytes(skb, h->l4 + 12, &doff, 1) ||
	    bpf_skb_load_bytes(skb, h->l4 + 4, &seq, 4))
		return false;
	end = h->l4 + (doff >> 4) * 4;
	if (skb->len <= end)
		return false;
	/* a listener has no sequence numbers: this is the end of a handshake, with data */
	tp = sk->state == TCP_LISTEN ? NULL : bpf_tcp_sock(sk);
	if (!tp)
		return true;
	/* both move on only after this program has run (tcp_event_new_data_sent,
	 * tcp_rcv_nxt_update) */
	h->next_seq = tx ? tp->snd_nxt : tp->rcv_nxt;
	h->has_next = true;
	return (__s32)(bpf_ntohl(seq) + (skb->len - end) - h->next_seq) > 0;
}

/* A UDP socket that serves many, a name server for one, would have every packet copied. */
static __always_inline bool has_budget(__u64 cookie)
{
	struct np_peek_key key = { .cookie = cookie, .remote = PEEK_ALL };
	struct np_peek_val *val = bpf_map_lookup_elem(&np_peek, &key);
	__u32 second = bpf_ktime_get_ns() >> 30;

	if (!val) {
		struct np_peek_val first = { .packets = 1, .second = second };

		bpf_map_update_elem(&np_peek, &key, &first, BPF_ANY);
		return true;
	}
	if (val->second != second) {
		val->second = second;
		val->packets = 0;
	}
	if (val->packets >= NP_PEEK_SOCKET)
		return false;
	__sync_fetch_and_add(&val->packets, 1);
	return true;
}

/* ROOM is a constant: the ring takes no other. */
static __always_inline void copy(struct __sk_buff *skb, bool tx, struct bpf_sock *sk, __u64 cookie,
				 const struct peek_head *h, const __u32 room)
{
	struct np_ev_packet *p = np_reserve_raw(sizeof(*p) + room);
	__u64 len = skb->len;

	if (!p)
		return;
	__builtin_memset(p, 0, sizeof(*p));
	p->hdr.type = NP_EV_PACKET;
	p->hdr.size = sizeof(*p) + room;
	p->hdr.flags = sk->protocol == IPPROTO_TCP && sk->state == TCP_LISTEN ? NP_EV_F_LISTEN : 0;
	p->cookie = cookie;
	p->ts_ns = bpf_ktime_get_ns();
	p->tuple = h->tuple;
	p->tuple.state = sk->state;
	p->wire_len = len;
	p->next_seq = h->next_seq;
	p->has_next = h->has_next;
	p->dir = tx ? NP_DIR_TX : NP_DIR_RX;
	if (len > room)
		len = room;
	/* clang would fold the two checks into one that the verifier does not follow */
	asm volatile("" : "+r"(len));
	if (len < 20)
		goto discard;
	asm volatile("" : "+r"(len));
	if (len > room || bpf_skb_load_bytes(skb, 0, p->data, len))
		goto discard;
	p->cap_len = len;
	np_submit(p);
	__sync_fetch_and_add(&np_peeked, 1);
	return;
discard:
	bpf_ringbuf_discard(p, BPF_RB_NO_WAKEUP);
}

/* Counts the packet; the number of those before it, or NP_PEEK_PACKETS. */
static __always_inline __u32 count(const struct np_peek_key *key)
{
	struct np_peek_val *val = bpf_map_lookup_elem(&np_peek, key);
	struct np_peek_val first = { .packets = 1 };
	__u32 before;

	if (!val) {
		bpf_map_update_elem(&np_peek, key, &first, BPF_ANY);
		return 0;
	}
	before = val->packets;
	if (before < NP_PEEK_PACKETS)
		__sync_fetch_and_add(&val->packets, 1);
	return before;
}

static __always_inline bool is_done(const struct np_peek_key *key)
{
	struct np_peek_val *val = bpf_map_lookup_elem(&np_peek, key);

	return val && val->packets >= NP_PEEK_PACKETS;
}

static __always_inline void peek(struct __sk_buff *skb, bool tx)
{
	struct np_peek_key key = { .remote = PEEK_ONE };
	struct peek_head h = {};
	struct bpf_sock *sk = skb->sk;
	bool many;
	__u32 before;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!sk || (sk->protocol != IPPROTO_TCP && sk->protocol != IPPROTO_UDP))
		return;
	many = sk->protocol == IPPROTO_TCP ? sk->state == TCP_LISTEN : !sk->dst_port;
	key.cookie = bpf_get_socket_cookie(skb);
	/* a listener's is not that of the connection, which has none yet */
	if (!(many && sk->protocol == IPPROTO_TCP) && np_left_out(key.cookie))
		return;
	if (many) {
		if (!read_head(skb, tx, sk->protocol, &h))
			return;
		key.remote = hash_remote(&h.tuple);
	}
	if (is_done(&key))
		return;
	if (!many && !read_head(skb, tx, sk->protocol, &h))
		return;
	if (!has_payload(skb, tx, sk, &h))
		return;
	if (many && sk->protocol == IPPROTO_UDP && !has_budget(key.cookie))
		return;
	before = count(&key);
	if (before >= NP_PEEK_PACKETS)
		return;
	if (skb->len <= NP_PEEK_SMALL)
		copy(skb, tx, sk, key.cookie, &h, NP_PEEK_SMALL);
	else if (skb->len <= NP_PEEK_LARGE || before >= NP_PEEK_HUGE_OF)
		copy(skb, tx, sk, key.cookie, &h, NP_PEEK_LARGE);
	else
		copy(skb, tx, sk, key.cookie, &h, NP_PEEK_HUGE);
}

/* Always 1: the packet passes. */

SEC("cgroup_skb/egress")
int np_peek_egress(struct __sk_buff *skb)
{
	peek(skb, true);
	return 1;
}

SEC("cgroup_skb/ingress")
int np_peek_ingress(struct __sk_buff *skb)
{
	peek(skb, false);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
