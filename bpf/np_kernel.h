/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types that the probes read, trimmed by hand to the fields in use. Offsets come from
 * the running kernel's BTF (CO-RE); only names and types must be right. A name ending in
 * ___SOMETHING is a variant of a type that differs between kernels.
 */
#ifndef NP_KERNEL_H
#define NP_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL           ((void *)0)
#define AF_INET        2
#define AF_INET6       10
#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define IPPROTO_ICMP   1
#define IPPROTO_TCP    6
#define IPPROTO_UDP    17
#define IPPROTO_ICMPV6 58
#define ETH_P_IP       0x0800
#define ETH_P_ARP      0x0806
#define ETH_P_IPV6     0x86dd
#define PF_KTHREAD     0x00200000 /* include/linux/sched.h */
#define SHUTDOWN_MASK  3          /* sk_shutdown: both ways */
#define SOCK_DEAD      0          /* bits of skc_flags: enum sock_flags, include/net/sock.h */
#define SOCK_DONE      1          /* set by tcp_fin() alone: the peer's FIN was received */

/* include/net/tcp_states.h */
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

/* The parts of include/uapi/linux/bpf.h that bpf_helpers.h and the probes name. */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST };
enum { BPF_F_NO_PREALLOC = 1, BPF_F_MMAPABLE = 1024 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0 };
enum xdp_action { XDP_ABORTED, XDP_DROP, XDP_PASS };
enum { BPF_HDR_START_MAC, BPF_HDR_START_NET };
#define TCX_NEXT (-1) /* TC_ACT_UNSPEC for clsact: the next program decides */

struct bpf_pidns_info {
	__u32 pid;
	__u32 tgid;
};
struct bpf_sock;
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
	__u32 tc_classid;
	__u32 data;
	__u32 data_end;
	__u32 napi_id;
	__u32 family;
	__u32 remote_ip4;
	__u32 local_ip4;
	__u32 remote_ip6[4];
	__u32 local_ip6[4];
	__u32 remote_port;
	__u32 local_port;
	__u32 data_meta;
	union {
		void *flow_keys;
		__u64 flow_keys_pad;
	};
	__u64 tstamp;
	__u32 wire_len;
	__u32 gso_segs;
	union {
		struct bpf_sock *sk;
		__u64 sk_pad;
	};
};
struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4;
	__u32 src_ip6[4];
	__u32 src_port; /* host byte order */
	__be16 dst_port;
	__u16 dst_pad;
	__u32 dst_ip4;
	__u32 dst_ip6[4];
	__u32 state;
};
/* the head of include/uapi/linux/bpf.h's struct bpf_tcp_sock */
struct bpf_tcp_sock {
	__u32 snd_cwnd;
	__u32 srtt_us;
	__u32 rtt_min;
	__u32 snd_ssthresh;
	__u32 rcv_nxt;
	__u32 snd_nxt;
};
struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Which helpers this kernel has: bpf_core_enum_value_exists() */
enum bpf_func_id___np {
	BPF_FUNC_get_current_task_btf___np = 158,
	BPF_FUNC_sock_from_file___np = 162,
};

typedef struct {
	int counter;
} atomic_t;
typedef struct {
	__s64 counter;
} atomic64_t;
typedef struct {
	__u32 val;
} kuid_t;
typedef struct {
	int owned;
} socket_lock_t;

struct list_head {
	struct list_head *next;
};
struct wait_queue_head {
	struct list_head head;
};
struct wait_queue_entry {
	void *private;
	struct list_head entry;
};
struct socket_wq {
	struct wait_queue_head wait;
};
struct poll_wqueues {
	struct task_struct *polling_task;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;

struct kernfs_node {
	__u64 id;
};
struct cgroup;
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};
struct cgroup_root {
	int hierarchy_id; /* 0: version 2 */
};
struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};
struct sock_cgroup_data {
	struct cgroup *cgroup; /* 5.15 and newer */
};
/* before 5.15: a tagged pointer; the lowest bit says that it is none */
struct sock_cgroup_data___old {
	__u64 val;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned int skc_hash;
	unsigned long skc_flags;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};
/* 6.18 and newer count a UDP socket's drops on both sides of a cache line */
struct numa_drop_counters {
	atomic_t drops0;
	atomic_t drops1;
};
struct file;
struct socket;
struct sk_buff_head {
	struct sk_buff *next;
	__u32 qlen;
};
/* skb->cb in sk_error_queue */
struct sock_extended_err {
	__u32 ee_errno;
};
struct sock_exterr_skb {
	struct sock_extended_err ee;
};
struct sock {
	struct sock_common __sk_common;
	atomic_t sk_drops;
	struct numa_drop_counters *sk_drop_counters;
	socket_lock_t sk_lock;
	struct sk_buff_head sk_error_queue;
	struct socket_wq *sk_wq;
	struct socket *sk_socket;
	__u16 sk_type;
	__u16 sk_protocol;
	__u8 sk_shutdown;
	int sk_err;
	int sk_err_soft;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	kuid_t sk_uid;
	struct sock_cgroup_data sk_cgrp_data;
};
struct socket {
	struct file *file;
	struct sock *sk;
};
struct inet_sock {
	struct sock sk;
	__be32 inet_saddr;
	__be16 inet_sport;
};
struct inet_connection_sock {
	struct inet_sock icsk_inet;
	__u8 icsk_ca_state : 5;
	__u8 icsk_retransmits;
	__u8 icsk_pending;
	__u8 icsk_probes_out;
	struct {
		__u32 lrcvtime; /* of the last data: jiffies */
	} icsk_ack;
};
struct request_sock {
	struct sock_common __req_common;
	__u8 num_retrans;
};
struct tcp_request_sock {
	__u64 snt_synack;
};
struct minmax_sample {
	__u32 t;
	__u32 v;
};
struct minmax {
	struct minmax_sample s[3];
};
struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u64 bytes_received;
	__u64 bytes_sent;
	__u64 bytes_retrans;
	__u32 rcv_nxt;
	__u32 copied_seq;
	__u32 segs_in;
	__u32 segs_out;
	__u32 total_retrans;
	__u32 snd_nxt;
	__u32 srtt_us;
	__u32 mdev_us;
	struct minmax rtt_min;
	__u32 snd_cwnd;
	__u32 snd_ssthresh;
	__u32 mss_cache;
	__u32 snd_una;
	__u32 rcv_wnd;
	__u32 rcv_wup;
	__u32 snd_wnd;
	__u32 rcv_tstamp; /* of the last acknowledgement: jiffies */
	__u32 packets_out;
	__u32 retrans_stamp;
	__u64 bytes_acked;
	__u8 tcp_usec_ts : 1; /* 6.7 and newer: retrans_stamp is in us, not in ms */
};
struct udp_sock {
	struct inet_sock inet;
	__u16 gso_size;
};

struct net_device {
	possible_net_t nd_net;
};
struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	char cb[48];
	unsigned int len;
	unsigned int tail; /* offset from head on 64-bit machines */
	unsigned int end;
	int skb_iif;
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	unsigned char *head;
	unsigned char *data;
};
struct skb_shared_info {
	unsigned short gso_segs;
};
struct tcp_skb_cb {
	__u32 seq;
	__u32 end_seq;
	__u16 tcp_gso_segs;
	__u16 tcp_flags; /* a byte before 6.15 */
};

/* Of these the kernel's numbers count, not ours. */
enum sk_rst_reason {
	SK_RST_REASON_NOT_SPECIFIED___np,
};
enum skb_drop_reason {
	SKB_CONSUMED___np,
	SKB_DROP_REASON_NOT_SPECIFIED___np,
	SKB_DROP_REASON_NO_SOCKET___np,
	SKB_DROP_REASON_OTHERHOST___np,
	SKB_DROP_REASON_QUEUE_PURGE___np,
	SKB_DROP_REASON_TCP_INVALID_SEQUENCE___np,
	SKB_DROP_REASON_TCP_INVALID_SYN___np,
	SKB_DROP_REASON_TCP_LISTEN_OVERFLOW___np,
	SKB_DROP_REASON_TCP_OFOMERGE___np,
	SKB_DROP_REASON_TCP_OLD_ACK___np,
	SKB_DROP_REASON_TCP_OLD_DATA___np,
	SKB_DROP_REASON_TCP_OLD_SEQUENCE___np,
	SKB_DROP_REASON_TCP_RESET___np,
};

/* The records of classic tracepoints tell which arguments their tp_btf twins have. */
struct trace_event_raw_tcp_retransmit_skb {
	int err; /* 6.17 */
};
struct trace_event_raw_tcp_send_reset {
	enum sk_rst_reason reason; /* 6.10 */
};
struct trace_event_raw_kfree_skb {
	enum skb_drop_reason reason; /* 5.17 */
	void *rx_sk;                 /* 6.11 */
};

struct nsproxy {
	struct net *net_ns;
};
struct inode {
	unsigned short i_mode;
};
struct cred;
struct file {
	struct inode *f_inode;
	const struct cred *f_cred;
	void *private_data;
};
struct signal_struct {
	atomic_t live; /* threads that have not begun to exit */
};
struct task_struct {
	void *stack;
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	const struct cred *cred;
	struct task_struct *group_leader;
	__u64 start_boottime;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	char comm[16];
};

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};
struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	unsigned int uid;
};

#pragma clang attribute pop

#endif
