/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The wire ABI between the kernel side (*.bpf.c) and user space: every record that travels through
 * a ring buffer, an iterator or a map, and nothing else. Padding is explicit, byte order is the
 * host's unless a field says otherwise. Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC
 * 4291, 2.5.5.2). In BPF the __u types are those of np_kernel.h.
 */
#ifndef NP_EVENT_H
#define NP_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "np_hist.h"

enum np_event_type {
	NP_EV_NONE,
	NP_EV_SOCK,       /* np_ev_sock: a living socket, from an iterator */
	NP_EV_SOCK_END,   /* np_ev_end: its final counters, at the move to TCP_CLOSE */
	NP_EV_SOCK_OWNER, /* np_ev_owner: who connects, closes or destroys a socket */
	NP_EV_UDP,        /* np_ev_udp: what one process moved through one UDP socket */
	NP_EV_IFACE,      /* np_ev_iface: one interface, direction and protocol */
	NP_EV_LINK,       /* np_ev_link: the interface's own counters, from rtnetlink */
	NP_EV_WALK,       /* np_ev_walk: begin or end of a refresh */
	NP_EV_SOCK_STATE, /* np_ev_state: a TCP socket changed its state */
	NP_EV_ANOMALY,    /* np_ev_anomaly: something went wrong in TCP, or a packet was dropped */
	NP_EV_PACKET,     /* np_ev_packet: one of a flow's first packets */
	NP_EV_SAMPLES, /* np_ev_samples: all times measured on a socket so far, while they are few
			*/
	NP_EV_HIST,    /* np_ev_hist: the same, once they are many */
	NP_EV_MEMBER,  /* np_ev_member: a process or a cgroup belongs to the command from now on */
	NP_EV_MAX,
};

/*
 * --sample 1/N: whether a connection is among the one in N that are looked at. Both sides ask this
 * and nothing else, so that a connection is whole or absent in every record and every program.
 * Cookies are consecutive numbers (before 5.12: addresses), hence the mixing (the finaliser of
 * MurmurHash3, 64 bits).
 */
static inline __attribute__((always_inline)) int np_sampled(__u64 cookie, __u32 n)
{
	cookie ^= cookie >> 33;
	cookie *= 0xff51afd7ed558ccdULL;
	cookie ^= cookie >> 33;
	cookie *= 0xc4ceb9fe1a85ec53ULL;
	cookie ^= cookie >> 33;
	return (cookie >> 32) * n >> 32 == 0;
}

/* How an owner is known, weakest first: a stronger one replaces a weaker. */
enum np_owner_via {
	NP_VIA_NONE,
	NP_VIA_SCAN,    /* holds a file of the socket, seen by the task_file walk */
	NP_VIA_CLOSE,   /* closed or destroyed it */
	NP_VIA_SEND,    /* sent or received on it */
	NP_VIA_CONNECT, /* called connect() */
};

/* np_ev_hdr.flags */
#define NP_EV_F_NO_FILE   1  /* iter/tcp: not from the walk over files, says nothing of the owner */
#define NP_EV_F_NO_OWNER  2  /* the record's process fields are empty */
#define NP_EV_F_FIN_RCVD  4  /* the peer's FIN is counted in bytes_received */
#define NP_EV_F_LISTEN    8  /* a listener: backlog and limit are filled */
#define NP_EV_F_NO_BYTES  16 /* UDP without a byte hook: the socket is known, its bytes are not */
#define NP_EV_F_WIRE      32 /* UDP packets were counted at the IP layer, not by the process */
#define NP_EV_F_LAST      64 /* UDP: the entry was retired; a later one counts from 0 */
#define NP_EV_F_ACCEPTED  128 /* the socket came from a listener, not from connect() */
#define NP_EV_F_CONNECTED 512 /* np_ev_end: its owner called connect() */
#define NP_EV_F_RESET     256 /* np_ev_state of an ended one: what looked like an RST was ours */

struct np_ev_hdr {
	__u16 type;  /* enum np_event_type */
	__u16 size;  /* of the whole record */
	__u32 flags; /* NP_EV_F_* */
};

/* The process on whose behalf something happened; pid 0: unknown. */
struct np_ev_task {
	__u64 start_ns; /* task_struct.start_boottime of the group leader */
	__u32 pid;      /* tgid, initial pid namespace */
	__u32 uid;      /* sock.sk_uid where the record is a socket's, else the task's */
	char comm[16];  /* of the group leader */
};

struct np_ev_tuple {
	__u8 laddr[16];
	__u8 raddr[16];
	__u16 lport; /* host byte order */
	__u16 rport;
	__u8 family; /* AF_INET or AF_INET6, as the socket was opened */
	__u8 proto;  /* IPPROTO_TCP, IPPROTO_UDP */
	__u8 state;  /* sk_state (TCP_ESTABLISHED = 1 ...), before the move for NP_EV_SOCK_END */
	__u8 v6only; /* reserved, 0 */
};

/* One end of a connection as a number; with PORT, since hosts behind one address differ in it. */
static inline __attribute__((always_inline)) __u64 np_sample_end(const __u8 *addr, __u16 port)
{
	__u64 end = port;

	for (int i = 0; i < 16; i++)
		end = (end ^ addr[i]) * 0x100000001b3ULL; /* FNV-1a */
	return end;
}

/* The same for what has no cookie: a closed port's reset, a request. Equal from both ends. */
static inline __attribute__((always_inline)) int np_sampled_tuple(const struct np_ev_tuple *t,
								  __u32 n)
{
	return np_sampled(np_sample_end(t->laddr, t->lport) + np_sample_end(t->raddr, t->rport), n);
}

struct np_ev_sock {
	struct np_ev_hdr hdr;
	__u64 cookie; /* key of the socket, never reused (sk_cookie); before 5.12 its address */
	struct np_ev_tuple tuple;
	struct np_ev_task task;
	__u64 cgroup_id;      /* of the socket: sk_cgrp_data; 0 where there is none */
	__u64 bytes_sent;     /* payload, retransmits included */
	__u64 bytes_retrans;  /* payload sent again */
	__u64 bytes_received; /* in order; counts the FIN (NP_EV_F_FIN_RCVD) */
	__u32 netns;          /* inode number */
	__u32 segs_out;
	__u32 segs_in;
	__u32 total_retrans;
	__u32 srtt_us;    /* srtt_us >> 3 */
	__u32 rttvar_us;  /* mdev_us >> 2 */
	__u32 min_rtt_us; /* rtt_min; 0xffffffff: no sample */
	__u32 cwnd;       /* listener: sk_ack_backlog */
	__u32 ssthresh;   /* listener: sk_max_ack_backlog */
	__u32 mss;
	__u32 drops; /* sk_drops */
	__u32 pad;
};

/* The end of a TCP socket; sock.tuple.state is the state before it. */
struct np_ev_end {
	struct np_ev_sock sock;
	__u64 ts_ns;     /* CLOCK_MONOTONIC */
	__u32 sk_err;    /* errno of the end, 0 for one that this side made */
	__u32 unread;    /* bytes received that nobody read: rcv_nxt - copied_seq */
	__u64 opened_ns; /* as in np_young */
	__u32 syn_us;
	__u32 pad;
};

/* A move to ESTABLISHED, or any other where all are asked for. */
struct np_ev_state {
	struct np_ev_hdr hdr;
	__u64 cookie;
	struct np_ev_tuple tuple; /* state: the new one */
	__u64 cgroup_id;
	__u64 ts_ns; /* CLOCK_MONOTONIC */
	__u32 netns;
	__u32 uid;
	__u32 synack_us; /* accepted and established: SYN-ACK to the ACK of it, repeats included */
	__u32 oldstate;
};

/* A slot of the map of young connections; np_young.bpf.h. */
#define NP_YOUNGS 4096 /* a power of two */
struct np_young {
	__u64 cookie;           /* 0: a free slot */
	struct np_ev_task task; /* who connected, or closes it; pid 0: neither yet */
	__u64 opened_ns;        /* CLOCK_MONOTONIC of the connect or the request; 0: nobody asked */
	__u32 syn_us;           /* handshake; 0: not established */
	__u32 netns;
	__u8 whole;    /* the others are filled */
	__u8 connects; /* the owner called connect() */
	__u8 pad[6];
	__u64 cgroup_id; /* of the socket */
	__u64 pad2[7];   /* slots are whole cache lines */
};

/*
 * One more of a command (-- COMMAND): a process by (pid, start_ns), or a cgroup. Nothing leaves it.
 * The first record of a run may name none of both: there is a command, only what is its counts.
 */
struct np_ev_member {
	struct np_ev_hdr hdr;
	__u64 cgroup_id; /* 0: it is a process */
	__u64 start_ns;  /* as in np_ev_task */
	__u32 pid;
	__u32 pad;
};

struct np_ev_owner {
	struct np_ev_hdr hdr;
	__u64 cookie;
	struct np_ev_task task;
	__u16 via;  /* enum np_owner_via */
	__u8 proto; /* IPPROTO_TCP, IPPROTO_UDP */
	__u8 pad;
	__u32 netns;     /* inode number */
	__u64 opened_ns; /* as in np_young */
	__u64 cgroup_id; /* of the socket; 0: not told */
	__u32 syn_us;
	__u32 pad2;
};

/*
 * One (socket, process): the value of the UDP map with its key, counted since the map knows it.
 * ICMP echo sockets (ping's) are counted the same way.
 */
struct np_ev_udp {
	struct np_ev_hdr hdr;
	__u64 cookie;
	struct np_ev_tuple tuple;
	struct np_ev_task task;
	__u64 cgroup_id;
	__u64 tx_bytes; /* payload */
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 rx_packets;
	__u64 first_ns; /* CLOCK_MONOTONIC of the first datagram since the map knows it */
	__u64 last_ns;  /* and of the last */
	__u32 netns;
	__u32 drops;
};

struct np_udp_key {
	__u64 cookie;
	__u32 pid; /* tgid; 0 where the hook cannot know (cgroup_skb) */
	__u32 pad;
};

enum np_l3 { NP_L3_IPV4, NP_L3_IPV6, NP_L3_ARP, NP_L3_OTHER };
enum np_l4 { NP_L4_TCP, NP_L4_UDP, NP_L4_ICMP, NP_L4_OTHER, NP_L4_NONE };
#define NP_L_ALL 255 /* l3, l4: not split by protocol */
enum np_dir { NP_DIR_RX, NP_DIR_TX };

struct np_iface_key {
	__u32 ifindex;
	__u8 dir; /* enum np_dir */
	__u8 l3;  /* enum np_l3 */
	__u8 l4;  /* enum np_l4 */
	__u8 pad;
};

struct np_iface_val {
	__u64 packets;
	__u64 wire_bytes;
};

struct np_ev_iface {
	struct np_ev_hdr hdr;
	struct np_iface_key key;
	struct np_iface_val val; /* summed over the processors */
};

struct np_ev_link {
	struct np_ev_hdr hdr;
	__u32 ifindex;
	__u8 up;     /* IFF_UP and IFF_RUNNING */
	__u8 hooked; /* counted by a hook of ours */
	__u8 pad[2];
	char name[16];
	__u64 packets[2]; /* by enum np_dir: rtnl_link_stats64 */
	__u64 bytes[2];
	__u64 errors[2];
	__u64 drops[2];
};

/* A refresh: everything between its begin and its end is one snapshot. */
struct np_ev_walk {
	struct np_ev_hdr hdr;
	__u64 mono_ns; /* CLOCK_MONOTONIC */
	__u64 wall_ns; /* CLOCK_REALTIME */
	__u32 begin;   /* 1 begin, 0 end */
	__u32 what;    /* end: NP_WALK_*: which sets of sockets were visited whole */
};
#define NP_WALK_FILES 1   /* every socket that a file refers to */
#define NP_WALK_TCP   2   /* every TCP socket, with a file or without */
#define NP_WALK_UDP   4   /* the UDP map */
#define NP_WALK_IFACE 8   /* interfaces */
#define NP_WALK_ZWIN  128 /* zero windows that last */

enum np_anomaly {
	NP_AN_RETRANS,
	NP_AN_SYNACK_RETRANS,
	NP_AN_RST_SENT,
	NP_AN_RST_RECV,
	NP_AN_CONNECT_FAIL,
	NP_AN_ZERO_WINDOW,
	NP_AN_LISTEN_OVERFLOW,
	NP_AN_TIMEOUT,
	NP_AN_HALF_CLOSE, /* made in user space, from the walks */
	NP_AN_PORT_REUSE,
	NP_AN_DROP,
	NP_AN_MAX,
};

/* Why a segment was sent again. */
enum np_cause {
	NP_CAUSE_NONE,
	NP_CAUSE_SYN,  /* SYN_SENT */
	NP_CAUSE_RTO,  /* icsk_ca_state TCP_CA_Loss */
	NP_CAUSE_FAST, /* icsk_ca_state TCP_CA_Recovery */
	NP_CAUSE_TLP,  /* icsk_pending ICSK_TIME_LOSS_PROBE */
	NP_CAUSE_UNKNOWN,
};

/* Whose doing it was. */
enum np_who {
	NP_WHO_NONE,
	NP_WHO_LOCAL,  /* our window is 0; our SYN met an old connection; our packet was dropped */
	NP_WHO_REMOTE, /* the peer's */
};

#define NP_STACK_DEPTH 32 /* frames of a kernel stack */

/* np_ev_anomaly.flags */
#define NP_AN_F_OPEN       1 /* zero-window: it lasts; another record with this ts_ns will end it */
#define NP_AN_F_UNDO       2 /* rst-sent: the rst-recv of this cookie just before was the kernel's */
#define NP_AN_F_HEADERS    4  /* no socket: the tuple is from the packet's headers */
#define NP_AN_F_ORPHAN     8  /* its process had closed the socket before */
#define NP_AN_F_GAVE_UP    16 /* connect-fail: nobody refused; the process closed the socket */
#define NP_AN_F_UNANSWERED 32 /* connect-fail: no packet answered the SYN */

/*
 * One anomaly. What a kind does not know is 0. The consumer joins by cookie with the connection,
 * and by tuple where the cookie is 0.
 */
struct np_ev_anomaly {
	struct np_ev_hdr hdr;
	__u64 cookie;   /* of the connection; 0: no socket, a request, or nobody asked for it yet */
	__u64 listener; /* synack-retrans, listen-overflow, rst-sent: cookie of the listener */
	__u64 ts_ns;    /* CLOCK_MONOTONIC of the event; zero-window: of its begin */
	/*
	 * zero-window: how long; connect-fail: since the SYN, timeout: since the first segment sent
	 * again (both by tp->retrans_stamp, in whole ms; 0: unknown, or less)
	 */
	__u64 dur_ns;
	__u64 cgroup_id; /* of the socket */
	/* local first; state at the event, which for resets sent and timeouts is TCP_CLOSE already
	 */
	struct np_ev_tuple tuple;
	/* pid 0 unless it happened in a call on the socket (sk_lock.owned), or a process waits for
	 * it in connect(), poll() or select() (sk_wq) */
	struct np_ev_task task;
	__u32 netns;
	/*
	 * retrans: TCP_SKB_CB(skb)->seq - snd_una + bytes_acked, bytes before it in the
	 * connection, mod 2^32; the SYN is none. Else: of the segment's header
	 */
	__u32 seq;
	__u32 len;      /* payload; retrans: end_seq - seq, less SYN and FIN */
	__u32 segs;     /* retrans: tcp_gso_segs, what TcpRetransSegs gained; drop: gso_segs */
	__u32 cwnd;     /* snd_cwnd */
	__u32 srtt_us;  /* srtt_us >> 3 */
	__u32 nth;      /* retrans: icsk_retransmits, timeouts in a row; synack-retrans: num_retrans
			 * + 1; connect-fail, timeout: icsk_retransmits; zero-window: segments in it */
	__u32 reason;   /* rst-sent, port-reuse by us: sk_rst_reason; else skb_drop_reason */
	__u32 sk_err;   /* connect-fail, timeout: errno */
	__u32 backlog;  /* listener: sk_ack_backlog */
	__u32 limit;    /* listener: sk_max_ack_backlog */
	__s32 stack_id; /* np_source_stack(); negative: none */
	__u8 kind;      /* enum np_anomaly */
	__u8 cause;     /* enum np_cause */
	__u8 who;       /* enum np_who */
	__u8 flags;     /* NP_AN_F_* */
	__u8 tcp_flags; /* of the segment: retrans, drop, rst-sent (what it answers) */
	__u8 pad[7];
};

/*
 * By the connection, else by the packet. What a listener's queue had no room for is told of the
 * listener, by walks too, so the listener decides.
 */
static inline __attribute__((always_inline)) int np_sampled_anomaly(const struct np_ev_anomaly *r,
								    __u32 n)
{
	if (r->cookie)
		return np_sampled(r->cookie, n);
	if (r->kind == NP_AN_LISTEN_OVERFLOW && r->listener)
		return np_sampled(r->listener, n);
	return np_sampled_tuple(&r->tuple, n);
}

struct np_zwin_key {
	__u64 cookie;
	__u32 who; /* enum np_who */
	__u32 pad;
};
/*
 * One of the first packets with payload of a TCP or UDP flow, as its socket sent or received it:
 * for TCP each byte once (what is sent or received again is left out), for UDP one datagram.
 * Records come in three sizes, so hdr.size tells the room for data, cap_len what is in it.
 */
struct np_ev_packet {
	struct np_ev_hdr hdr; /* flags: NP_EV_F_LISTEN: the cookie is the listener's (handshake) */
	__u64 cookie;         /* of the socket */
	__u64 ts_ns;          /* CLOCK_MONOTONIC */
	struct np_ev_tuple tuple; /* from the packet, the socket's end first */
	__u32 wire_len; /* from the IP header on; of all segments that GSO or GRO merged */
	__u32 cap_len;  /* bytes of it in data */
	__u32 next_seq; /* TCP: the next byte in this direction, where has_next says so */
	__u8 dir;       /* enum np_dir */
	__u8 has_next;
	__u8 pad[2];
	__u8 data[]; /* from the IP header on; beyond cap_len undefined */
};
#define NP_PEEK_PACKETS 10 /* copied of each flow */
#define NP_PEEK_SOCKET  64 /* a second of a UDP socket without a fixed remote */
/* The sizes of data: most requests and banners; a frame; of merged ones, a flow's first few only,
 * since a ClientHello with a post-quantum key is longer than a frame. */
#define NP_PEEK_SMALL   256
#define NP_PEEK_LARGE   1600
#define NP_PEEK_HUGE    4096
#define NP_PEEK_HUGE_OF 3

/* What the kernel side could not take; the index into np_lost[] of every probe. */
enum np_lost {
	NP_LOST_RING,      /* ring buffer full */
	NP_LOST_UDP_MAP,   /* no room for another UDP socket */
	NP_LOST_IFACE_MAP, /* no room for another interface and protocol */
	NP_LOST_ZWIN_MAP,  /* no room for another zero window */
	NP_LOST_RTT_MAP,   /* no room for the times of another socket; counted for each sample */
	NP_LOST_TREE_MAP,  /* no room for another process or cgroup of the command */
	NP_LOST_MAX,
};

/*
 * Times measured on a socket. A record tells all of one kind since the socket was first seen, so it
 * replaces the one before it, of either type; each refresh brings those that changed. With
 * NP_EV_F_LAST nothing more will be measured; that one follows its NP_EV_SOCK_END.
 */
enum np_time { NP_TIME_RTT, NP_TIME_SRT, NP_TIME_ART, NP_TIMES };

/* Where SRT and ART were observed; RTT: not told. */
enum np_side { NP_SIDE_NONE, NP_SIDE_CLIENT, NP_SIDE_SERVER };

#define NP_SAMPLES 9
struct np_samples {
	__u32 flushed;   /* samples in np_buckets already, modulo 2^32; 0 in records for users */
	__u16 discarded; /* too long to be believed, not among the others; stays at its greatest */
	__u8 n;          /* of us[] */
	__u8 tick;       /* the kernel side's own */
	__u32 us[NP_SAMPLES];
};

struct np_ev_samples {
	struct np_ev_hdr hdr;
	__u64 cookie;
	__u8 kind; /* enum np_time */
	__u8 side; /* enum np_side */
	__u16 pad;
	struct np_samples s;
};

struct np_ev_hist {
	struct np_ev_hdr hdr;
	__u64 cookie;
	__u8 kind;
	__u8 side;
	__u16 discarded;
	__u32 pad;
	struct np_buckets b;
};

/* NP_EV_SOCK_END with RTT samples, in the ring only: users get it as two records. */
struct np_ev_end_rtt {
	struct np_ev_end end;
	struct np_samples rtt;
	__u32 pad;
};

/* The RTT samples of a socket, in a slot of an array or in a hash map: one cache line. */
struct np_rtt {
	__u64 cookie; /* 0: a free slot */
	__u32 srtt;   /* srtt_us, mdev_us, snd_una at the last look */
	__u32 mdev;
	__u32 una;
	struct np_samples s;
};

/* The response times of a socket, in a hash map. */
struct np_turn {
	__u64 since_ns; /* client: the request's last byte left; server: it came */
	__u32 sent;     /* sequence numbers past the last byte sent, and received */
	__u32 got;
	__u8 side;    /* enum np_side */
	__u8 waiting; /* for the reply */
	__u8 acked;   /* the request was, by a segment without data */
	__u8 known;   /* NP_TURN_*: sent, got */
	struct np_samples srt;
	struct np_samples art;
	__u32 pad;
};
#define NP_TURN_SENT 1
#define NP_TURN_GOT  2

#endif
