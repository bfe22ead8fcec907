// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "view/col.h"
#include "flow/detail.h"
#include "flow/l7.h"
#include "meta/meta.h"
#include "np_event.h"

/* include/net/tcp_states.h, named as ss names them */
static const char *const state_names[] = { "-",           "established", "syn-sent",  "syn-recv",
					   "fin-wait-1",  "fin-wait-2",  "time-wait", "closed",
					   "close-wait",  "last-ack",    "listen",    "closing",
					   "new-syn-recv" };
static const char *const via_names[] = { "-", "scan", "close", "send", "connect" };
static const char *const dir_names[] = { "rx", "tx" };
static const char *const l3_names[] = { "ipv4", "ipv6", "arp", "other" };
static const char *const l4_names[] = { "tcp", "udp", "icmp", "other", "-" };
static const char *const proto_names[] = {
	[1] = "icmp", [6] = "tcp", [17] = "udp", [58] = "icmpv6"
};
static const char *const side_names[] = { "-", "client", "server" };
static const char *const way_names[] = { "-", "out", "in" };
static const char *const who_names[] = { "-", "local", "remote" };
static const char *const end_names[] = { "-",        "closed",  "reset-recv", "reset-sent",
					 "aborted",  "timeout", "refused",    "unreachable",
					 "given-up", "idle",    "gone" };
static const char *const cause_names[] = { "-", "syn", "rto", "fast", "tlp", "unknown" };
static const char *const event_names[] = {
	"-",        "open",         "state",          "close",
	"fail",     "retrans",      "synack-retrans", "rst-sent",
	"rst-recv", "connect-fail", "zero-window",    "listen-overflow",
	"timeout",  "half-close",   "port-reuse",     "drop"
};

const char *np_event_name(unsigned int event)
{
	return event && event < sizeof(event_names) / sizeof(event_names[0]) ? event_names[event]
									     : NULL;
}

#define ROW(field)    offsetof(struct np_row, field), 0, sizeof(((struct np_row *)0)->field), 0
#define LINK(field)   ROW(link.field)
#define PROC(field)   offsetof(struct np_proc, field), 0, 8, 0
#define CGROUP(field) offsetof(struct np_cgroup, field), 0, 8, 0
#define PAIR(a, b)    offsetof(struct np_row, a), offsetof(struct np_row, b), 0, 0
#define FLAG(bit)     offsetof(struct np_row, flags), 0, 2, bit
#define DETAIL(field) \
	offsetof(struct np_detail, field), 0, sizeof(((struct np_detail *)0)->field), 0
#define L7(field)                                                   \
	offsetof(struct np_l7_name, field), 0,                      \
	    255 < sizeof(((struct np_l7_name *)0)->field)           \
		? 255                                               \
		: (uint8_t)sizeof(((struct np_l7_name *)0)->field), \
	    0
#define HIST(kind, stat) offsetof(struct np_detail, hist[NP_HIST_##kind]), 0, 8, NP_STAT_##stat
#define NOWHERE          0, 0, 0, 0
#define NAMES(a)         a, sizeof(a) / sizeof((a)[0])

#define NOW   NP_COL_CONN
#define CONN  (NP_COL_CONN | NP_COL_EVENT)
#define TCP   (CONN | NP_COL_TCP)
#define KEY   (CONN | NP_COL_LISTEN | NP_COL_GROUP)
#define DATA  (CONN | NP_COL_NOBYTES)
#define MOVED (NP_COL_CONN | NP_COL_NOBYTES)
#define EVENT NP_COL_EVENT
#define EKEY  (NP_COL_EVENT | NP_COL_GROUP)
#define LIST  (NP_COL_LISTEN | NP_COL_EVENT)
#define IFACE NP_COL_IFACE
#define IKEY  (NP_COL_IFACE | NP_COL_GROUP)
#define BOTH  (NP_COL_CONN | NP_COL_IFACE)
#define EVERY NP_COL_KINDS
#define RATE  NP_COL_RATE
#define BYTES (NP_NEED_TCP | NP_NEED_UDP)

/*
 * The table of columns, as a list for macros: each is declared once and gives a row of np_cols[]
 * and, where it adds up, one of np_diffs[] beside it.
 */
/* clang-format off */
#define COLUMNS(COL) \
/*  name, head, help, unit, type, via, agg, field, width, flags, needs, names */ \
COL("time", "TIME", "time of the refresh, UTC", "", NP_TYPE_TIME, NP_IN_VIEW, NP_AGG_SAME, NOWHERE, 8, EVERY, 0, NULL, 0) \
COL("pid", "PID", "process that owns the socket (tgid); - where it is not known", "", NP_TYPE_ID, NP_IN_ROW, NP_AGG_SAME, ROW(pid), 7, KEY, NP_NEED_TCP, NULL, 0) \
COL("comm", "COMM", "name of that process", "", NP_TYPE_COMM, NP_IN_ROW, NP_AGG_SAME, ROW(comm), 15, KEY, NP_NEED_TCP, NULL, 0) \
COL("started", "STARTED", "start of that process, seconds after boot", "s", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SAME, ROW(start_ns), 10, KEY, NP_NEED_TCP, NULL, 0) \
COL("command", "COMMAND", "command line of that process", "", NP_TYPE_STR, NP_IN_PROC, NP_AGG_SAME, PROC(cmdline), 24, KEY, NP_NEED_CMDLINE, NULL, 0) \
COL("uid", "UID", "user id of the socket", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SAME, ROW(uid), 6, KEY, NP_NEED_TCP, NULL, 0) \
COL("user", "USER", "user name of the socket's user id", "", NP_TYPE_STR, NP_IN_USER, NP_AGG_SAME, ROW(uid), 10, KEY, NP_NEED_TCP, NULL, 0) \
COL("owner_via", "VIA", "how the owner is known: scan (holds a file of the socket), close (closed it), send (moved data); - where it is not", "", NP_TYPE_ENUM, NP_IN_ROW, NP_AGG_SAME, ROW(via), 7, CONN | NP_COL_LISTEN, NP_NEED_TCP, NAMES(via_names)) \
COL("netns", "NETNS", "network namespace: its name under /run/netns, else its inode number", "", NP_TYPE_STR, NP_IN_NETNS, NP_AGG_SAME, ROW(netns), 12, KEY, NP_NEED_TCP, NULL, 0) \
COL("cgroup", "CGROUP", "cgroup path of the socket", "", NP_TYPE_STR, NP_IN_CGROUP, NP_AGG_SAME, CGROUP(path), 24, KEY, NP_NEED_CGROUP, NULL, 0) \
COL("unit", "UNIT", "systemd unit", "", NP_TYPE_STR, NP_IN_CGROUP, NP_AGG_SAME, CGROUP(unit), 20, KEY, NP_NEED_CGROUP, NULL, 0) \
COL("container", "CONTAINER", "container name, else the first 12 characters of its id", "", NP_TYPE_STR, NP_IN_CGROUP, NP_AGG_SAME, CGROUP(container), 16, KEY, NP_NEED_CGROUP, NULL, 0) \
COL("container_id", "CONTAINER-ID", "container id, whole", "", NP_TYPE_STR, NP_IN_CGROUP, NP_AGG_SAME, CGROUP(container_id), 12, KEY, NP_NEED_CGROUP, NULL, 0) \
COL("runtime", "RUNTIME", "container runtime", "", NP_TYPE_STR, NP_IN_CGROUP, NP_AGG_SAME, CGROUP(runtime), 10, KEY, NP_NEED_CGROUP, NULL, 0) \
COL("pod", "POD", "Kubernetes pod", "", NP_TYPE_STR, NP_IN_CGROUP, NP_AGG_SAME, CGROUP(pod), 20, KEY, NP_NEED_CGROUP, NULL, 0) \
COL("pod_uid", "POD-UID", "Kubernetes pod uid", "", NP_TYPE_STR, NP_IN_CGROUP, NP_AGG_SAME, CGROUP(pod_uid), 36, KEY, NP_NEED_CGROUP, NULL, 0) \
COL("namespace", "NAMESPACE", "Kubernetes namespace", "", NP_TYPE_STR, NP_IN_CGROUP, NP_AGG_SAME, CGROUP(pod_namespace), 12, KEY, NP_NEED_CGROUP, NULL, 0) \
COL("proto", "PROTO", "tcp, udp, icmp or icmpv6", "", NP_TYPE_ENUM, NP_IN_ROW, NP_AGG_SAME, ROW(proto), 5, KEY, NP_NEED_TCP, NAMES(proto_names)) \
COL("state", "STATE", "TCP state, as ss names it; closed once the connection ended", "", NP_TYPE_ENUM, NP_IN_ROW, NP_AGG_SAME, ROW(state), 11, KEY | NP_COL_TCP, NP_NEED_TCP, NAMES(state_names)) \
COL("local", "LOCAL", "local address and port", "", NP_TYPE_ENDPOINT, NP_IN_ROW, NP_AGG_SAME, PAIR(laddr, lport), 21, KEY, NP_NEED_TCP, NULL, 0) \
COL("laddr", "LADDR", "local address", "", NP_TYPE_ADDR, NP_IN_ROW, NP_AGG_SAME, ROW(laddr), 15, KEY, NP_NEED_TCP, NULL, 0) \
COL("lport", "LPORT", "local port", "", NP_TYPE_PORT, NP_IN_ROW, NP_AGG_SAME, ROW(lport), 5, KEY, NP_NEED_TCP, NULL, 0) \
COL("remote", "REMOTE", "remote address and port; * for an unconnected UDP socket", "", NP_TYPE_ENDPOINT, NP_IN_ROW, NP_AGG_SAME, PAIR(raddr, rport), 21, KEY, NP_NEED_TCP, NULL, 0) \
COL("raddr", "RADDR", "remote address", "", NP_TYPE_ADDR, NP_IN_ROW, NP_AGG_SAME, ROW(raddr), 15, KEY, NP_NEED_TCP, NULL, 0) \
COL("rport", "RPORT", "remote port", "", NP_TYPE_PORT, NP_IN_ROW, NP_AGG_SAME, ROW(rport), 5, KEY, NP_NEED_TCP, NULL, 0) \
COL("conns", "CONNS", "living connections", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(conns), 5, NOW, NP_NEED_TCP, NULL, 0) \
COL("opened", "OPEN", "connections opened in the last interval", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(opened), 5, NOW, NP_NEED_TCP, NULL, 0) \
COL("ended", "ENDED", "connections ended in the last interval", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(ended), 5, NOW, NP_NEED_TCP, NULL, 0) \
COL("tx_rate", "TX/s", "payload sent a second, last interval, retransmits not counted", "B/s", NP_TYPE_BYTES, NP_IN_ROW, NP_AGG_SUM, ROW(d_tx), 7, MOVED | RATE, BYTES, NULL, 0) \
COL("rx_rate", "RX/s", "payload received a second, last interval", "B/s", NP_TYPE_BYTES, NP_IN_ROW, NP_AGG_SUM, ROW(d_rx), 7, MOVED | RATE, BYTES, NULL, 0) \
COL("rate", "RATE/s", "payload both ways a second, last interval", "B/s", NP_TYPE_BYTES, NP_IN_ROW, NP_AGG_SUM, PAIR(d_tx, d_rx), 7, MOVED | RATE, BYTES, NULL, 0) \
COL("share", "SHARE", "part of all payload of the last interval", "%", NP_TYPE_PERCENT, NP_IN_ROW, NP_AGG_SUM, ROW(share), 6, BOTH | NP_COL_NOBYTES, BYTES, NULL, 0) \
COL("tx_bytes", "TX", "payload sent since the connection was opened, retransmits not counted", "B", NP_TYPE_BYTES, NP_IN_ROW, NP_AGG_SUM, ROW(tx_bytes), 7, DATA, BYTES, NULL, 0) \
COL("rx_bytes", "RX", "payload received since the connection was opened", "B", NP_TYPE_BYTES, NP_IN_ROW, NP_AGG_SUM, ROW(rx_bytes), 7, DATA, BYTES, NULL, 0) \
COL("tx_segs", "TX-PKT", "segments sent (UDP: datagrams)", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(tx_segs), 7, DATA, BYTES, NULL, 0) \
COL("rx_segs", "RX-PKT", "segments received (UDP: datagrams)", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(rx_segs), 7, DATA, BYTES, NULL, 0) \
COL("tx_pps", "TXP/s", "segments or datagrams sent a second, last interval", "1/s", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(d_tx_segs), 6, MOVED | RATE, BYTES, NULL, 0) \
COL("rx_pps", "RXP/s", "segments or datagrams received a second, last interval", "1/s", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(d_rx_segs), 6, MOVED | RATE, BYTES, NULL, 0) \
COL("tx_avg2", "TX/2s", "payload sent a second, exponentially weighted over 2 s", "B/s", NP_TYPE_FLOAT, NP_IN_ROW, NP_AGG_SUM, ROW(avg_tx[0]), 7, MOVED, BYTES | NP_NEED_AVG, NULL, 0) \
COL("rx_avg2", "RX/2s", "payload received a second, exponentially weighted over 2 s", "B/s", NP_TYPE_FLOAT, NP_IN_ROW, NP_AGG_SUM, ROW(avg_rx[0]), 7, MOVED, BYTES | NP_NEED_AVG, NULL, 0) \
COL("tx_avg10", "TX/10s", "payload sent a second, exponentially weighted over 10 s", "B/s", NP_TYPE_FLOAT, NP_IN_ROW, NP_AGG_SUM, ROW(avg_tx[1]), 7, MOVED, BYTES | NP_NEED_AVG, NULL, 0) \
COL("rx_avg10", "RX/10s", "payload received a second, exponentially weighted over 10 s", "B/s", NP_TYPE_FLOAT, NP_IN_ROW, NP_AGG_SUM, ROW(avg_rx[1]), 7, MOVED, BYTES | NP_NEED_AVG, NULL, 0) \
COL("tx_avg40", "TX/40s", "payload sent a second, exponentially weighted over 40 s", "B/s", NP_TYPE_FLOAT, NP_IN_ROW, NP_AGG_SUM, ROW(avg_tx[2]), 7, MOVED, BYTES | NP_NEED_AVG, NULL, 0) \
COL("rx_avg40", "RX/40s", "payload received a second, exponentially weighted over 40 s", "B/s", NP_TYPE_FLOAT, NP_IN_ROW, NP_AGG_SUM, ROW(avg_rx[2]), 7, MOVED, BYTES | NP_NEED_AVG, NULL, 0) \
COL("retrans", "RETR", "segments sent again", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(retrans), 5, TCP, NP_NEED_TCP, NULL, 0) \
COL("retrans_bytes", "RETR-B", "bytes sent again", "B", NP_TYPE_BYTES, NP_IN_ROW, NP_AGG_SUM, ROW(retrans_bytes), 7, TCP, NP_NEED_TCP, NULL, 0) \
COL("retrans_pct", "RETR%", "bytes sent again, of all sent in the last interval", "%", NP_TYPE_PERCENT, NP_IN_ROW, NP_AGG_RATIO, PAIR(d_retrans_bytes, d_sent), 6, NOW | NP_COL_TCP, NP_NEED_TCP, NULL, 0) \
COL("rtt", "RTT", "smoothed round-trip time (group: mean, weighted by segments sent)", "s", NP_TYPE_USEC, NP_IN_ROW, NP_AGG_MEAN, ROW(rtt_us), 6, TCP, NP_NEED_TCP, NULL, 0) \
COL("rttvar", "RTTVAR", "variation of the round-trip time, as the kernel smooths it", "s", NP_TYPE_USEC, NP_IN_ROW, NP_AGG_MEAN, ROW(rttvar_us), 6, TCP, NP_NEED_TCP, NULL, 0) \
COL("min_rtt", "MINRTT", "least round-trip time in the kernel's window", "s", NP_TYPE_USEC, NP_IN_ROW, NP_AGG_MIN, ROW(min_rtt_us), 6, TCP, NP_NEED_TCP, NULL, 0) \
COL("cwnd", "CWND", "congestion window (group: the largest)", "segments", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_MAX, ROW(cwnd), 5, TCP, NP_NEED_TCP, NULL, 0) \
COL("ssthresh", "SSTHR", "slow-start threshold (group: the largest)", "segments", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_MAX, ROW(ssthresh), 5, TCP, NP_NEED_TCP, NULL, 0) \
COL("mss", "MSS", "sending maximum segment size (group: the largest)", "B", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_MAX, ROW(mss), 5, TCP, NP_NEED_TCP, NULL, 0) \
COL("drops", "DROPS", "packets dropped because the socket's receive buffer was full; interface: by its own count", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(drops), 5, BOTH | NP_COL_LISTEN, NP_NEED_TCP, NULL, 0) \
COL("age", "AGE", "since the connection was opened; >= where it is older than the program (group: the oldest living)", "s", NP_TYPE_AGE, NP_IN_ROW, NP_AGG_MIN, ROW(first_ns), 6, NOW, NP_NEED_TCP, NULL, 0) \
COL("retrans_ratio", "RETR-%", "bytes sent again, of all sent since the connection was opened", "%", NP_TYPE_PERCENT, NP_IN_ROW, NP_AGG_PART, PAIR(retrans_bytes, tx_bytes), 6, TCP, NP_NEED_TCP, NULL, 0) \
COL("events", "EVENTS", "rows of the log; on connections and groups: anomalies since the program started", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(events), 6, CONN, 0, NULL, 0) \
COL("event", "EVENT", "what happened: open, state, close, fail, or the kind of anomaly", "", NP_TYPE_ENUM, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(event), 11, EKEY, 0, NAMES(event_names)) \
COL("dir", "DIR", "out: opened from here; in: accepted here", "", NP_TYPE_ENUM, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(side), 3, EKEY | NP_COL_CONN, NP_NEED_TCP | NP_NEED_SIDE, NAMES(way_names)) \
COL("side", "SIDE", "where it was observed: on the client's or on the server's host", "", NP_TYPE_ENUM, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(side), 6, EKEY | NP_COL_CONN, NP_NEED_TCP | NP_NEED_SIDE, NAMES(side_names)) \
COL("duration", "DURATION", "how long the connection, the wait for it or the episode took; >= where it began before the program did", "s", NP_TYPE_SPAN, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(span_ns), 8, EVENT, 0, NULL, 0) \
COL("end", "END", "how it ended: closed, reset-recv, reset-sent, aborted (closed with data unread), timeout, refused, unreachable, given-up (closed while connecting), idle (UDP), gone (its end was not seen)", "", NP_TYPE_ENUM, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(end), 10, EKEY, 0, NAMES(end_names)) \
COL("closed_by", "BY", "which side closed or reset it first: local or remote", "", NP_TYPE_ENUM, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(closed_by), 6, EKEY, 0, NAMES(who_names)) \
COL("older", "OLDER", "whether it was opened before the program started", "", NP_TYPE_FLAG, NP_IN_ROW, NP_AGG_SAME, FLAG(0), 5, CONN, NP_NEED_TCP, NULL, 0) \
COL("oldstate", "FROM", "TCP state before the change", "", NP_TYPE_ENUM, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(oldstate), 11, EVENT, 0, NAMES(state_names)) \
COL("syn_rtt", "SYN-RTT", "the handshake: from the connect or the request to established, repeats included", "s", NP_TYPE_USEC, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(syn_us), 7, TCP, NP_NEED_LIFE, NULL, 0) \
COL("syn_rtt_server", "SYN-SRV", "on the client's host: the part of the handshake that the server and the way to it took", "s", NP_TYPE_USEC, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(syn_server_us), 7, TCP, NP_NEED_LIFE, NULL, 0) \
COL("syn_rtt_client", "SYN-CLI", "on the server's host: SYN-ACK to the client's ACK", "s", NP_TYPE_USEC, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(syn_client_us), 7, TCP, NP_NEED_LIFE, NULL, 0) \
COL("app", "APP", "application protocol, by the first packets: tls, http, dns, quic, ssh and others", "", NP_TYPE_COMM, NP_IN_L7, NP_AGG_SAME, L7(app), 6, EKEY | NP_COL_CONN, NP_NEED_PEEK, NULL, 0) \
COL("host", "HOST", "host name in the first packets: TLS or QUIC server name, HTTP Host, DNS question", "", NP_TYPE_COMM, NP_IN_L7, NP_AGG_SAME, L7(host), 20, EKEY | NP_COL_CONN, NP_NEED_PEEK, NULL, 0) \
COL("backlog", "BACKLOG", "listener: connections that wait to be accepted", "", NP_TYPE_COUNT, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(backlog), 7, LIST, 0, NULL, 0) \
COL("limit", "LIMIT", "listener: how many may wait", "", NP_TYPE_COUNT, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(limit), 6, LIST, 0, NULL, 0) \
COL("cause", "CAUSE", "why a segment was sent again: syn, rto (timeout), fast (duplicate ACKs or SACK), tlp (tail loss probe), unknown", "", NP_TYPE_ENUM, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(cause), 7, EKEY, 0, NAMES(cause_names)) \
COL("who", "WHO", "whose window was zero, who has closed its half: local or remote", "", NP_TYPE_ENUM, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(who), 6, EKEY, 0, NAMES(who_names)) \
COL("ongoing", "ONGOING", "whether the episode goes on", "", NP_TYPE_YES, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(open), 7, EVENT, 0, NULL, 0) \
COL("reason", "REASON", "why, by the kernel's name: of a drop, a reset or an error", "", NP_TYPE_COMM, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(reason), 16, EKEY, 0, NULL, 0) \
COL("seq", "SEQ", "first byte of the segment, counted from the connection's first, which is 0", "", NP_TYPE_COUNT, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(seq), 10, EVENT, 0, NULL, 0) \
COL("len", "LEN", "bytes of the segment", "B", NP_TYPE_COUNT, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(len), 5, EVENT, 0, NULL, 0) \
COL("segs", "SEGS", "segments that were sent again together", "", NP_TYPE_COUNT, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(segs), 4, EVENT, 0, NULL, 0) \
COL("nth", "NTH", "how often this segment was sent again by now", "", NP_TYPE_COUNT, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(nth), 3, EVENT, 0, NULL, 0) \
COL("stack", "STACK", "where in the kernel, innermost first (--stack)", "", NP_TYPE_STR, NP_IN_DETAIL, NP_AGG_SAME, DETAIL(stack), 20, EVENT, 0, NULL, 0) \
COL("rtt_samples", "SAMPLES", "samples of round-trip time, since the program started", "", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(RTT, COUNT), 7, NOW | NP_COL_TCP, NP_NEED_RTT, NULL, 0) \
COL("rtt_min", "RTT-MIN", "least round-trip time, since the program started", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(RTT, MIN), 6, NOW | NP_COL_TCP, NP_NEED_RTT, NULL, 0) \
COL("rtt_mean", "RTT-MEAN", "mean round-trip time, since the program started", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(RTT, MEAN), 6, NOW | NP_COL_TCP, NP_NEED_RTT, NULL, 0) \
COL("rtt_p50", "RTT-P50", "median round-trip time, since the program started", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(RTT, P50), 6, NOW | NP_COL_TCP, NP_NEED_RTT, NULL, 0) \
COL("rtt_p90", "RTT-P90", "90th percentile of round-trip time, since the program started", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(RTT, P90), 6, NOW | NP_COL_TCP, NP_NEED_RTT, NULL, 0) \
COL("rtt_p99", "RTT-P99", "99th percentile of round-trip time, since the program started", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(RTT, P99), 6, NOW | NP_COL_TCP, NP_NEED_RTT, NULL, 0) \
COL("rtt_max", "RTT-MAX", "greatest round-trip time, since the program started", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(RTT, MAX), 6, NOW | NP_COL_TCP, NP_NEED_RTT, NULL, 0) \
COL("syn_samples", "SYNS", "samples of handshake time", "", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SYN, COUNT), 7, NOW | NP_COL_TCP, NP_NEED_LIFE, NULL, 0) \
COL("syn_min", "SYN-MIN", "least handshake time", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SYN, MIN), 6, NOW | NP_COL_TCP, NP_NEED_LIFE, NULL, 0) \
COL("syn_mean", "SYN-MEAN", "mean handshake time", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SYN, MEAN), 6, NOW | NP_COL_TCP, NP_NEED_LIFE, NULL, 0) \
COL("syn_p50", "SYN-P50", "median handshake time", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SYN, P50), 6, NOW | NP_COL_TCP, NP_NEED_LIFE, NULL, 0) \
COL("syn_p90", "SYN-P90", "90th percentile of handshake time", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SYN, P90), 6, NOW | NP_COL_TCP, NP_NEED_LIFE, NULL, 0) \
COL("syn_p99", "SYN-P99", "99th percentile of handshake time", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SYN, P99), 6, NOW | NP_COL_TCP, NP_NEED_LIFE, NULL, 0) \
COL("syn_max", "SYN-MAX", "greatest handshake time", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SYN, MAX), 6, NOW | NP_COL_TCP, NP_NEED_LIFE, NULL, 0) \
COL("srt_samples", "SRTS", "samples of system response time (request to ACK)", "", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SRT, COUNT), 7, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("srt_min", "SRT-MIN", "least system response time (request to ACK)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SRT, MIN), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("srt_mean", "SRT-MEAN", "mean system response time (request to ACK)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SRT, MEAN), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("srt_p50", "SRT-P50", "median system response time (request to ACK)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SRT, P50), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("srt_p90", "SRT-P90", "90th percentile of system response time (request to ACK)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SRT, P90), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("srt_p99", "SRT-P99", "99th percentile of system response time (request to ACK)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SRT, P99), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("srt_max", "SRT-MAX", "greatest system response time (request to ACK)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(SRT, MAX), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("art_samples", "ARTS", "samples of application response time (request to reply)", "", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(ART, COUNT), 7, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("art_min", "ART-MIN", "least application response time (request to reply)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(ART, MIN), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("art_mean", "ART-MEAN", "mean application response time (request to reply)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(ART, MEAN), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("art_p50", "ART-P50", "median application response time (request to reply)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(ART, P50), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("art_p90", "ART-P90", "90th percentile of application response time (request to reply)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(ART, P90), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("art_p99", "ART-P99", "99th percentile of application response time (request to reply)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(ART, P99), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("art_max", "ART-MAX", "greatest application response time (request to reply)", "s", NP_TYPE_QUANTILE, NP_IN_DETAIL, NP_AGG_HIST, HIST(ART, MAX), 6, NOW | NP_COL_TCP, NP_NEED_TURN, NULL, 0) \
COL("sample", "SAMPLE", "the part of all connections that was looked at (--sample): sums of groups are corrected by it", "", NP_TYPE_SAMPLE, NP_IN_VIEW, NP_AGG_SAME, NOWHERE, 6, CONN, 0, NULL, 0) \
COL("interface", "INTERFACE", "network interface", "", NP_TYPE_COMM, NP_IN_ROW, NP_AGG_SAME, LINK(name), 15, IKEY, NP_NEED_IFACE, NULL, 0) \
COL("ifindex", "IFINDEX", "number of the interface", "", NP_TYPE_ID, NP_IN_ROW, NP_AGG_SAME, LINK(ifindex), 7, IKEY, NP_NEED_IFACE, NULL, 0) \
COL("direction", "DIR", "rx or tx, as the interface sees it", "", NP_TYPE_ENUM, NP_IN_ROW, NP_AGG_SAME, LINK(dir), 3, IKEY, NP_NEED_IFACE, NAMES(dir_names)) \
COL("l3", "L3", "ipv4, ipv6, arp, other", "", NP_TYPE_ENUM, NP_IN_ROW, NP_AGG_SAME, LINK(l3), 5, IKEY, NP_NEED_IFACE | NP_NEED_PROTO, NAMES(l3_names)) \
COL("l4", "L4", "tcp, udp, icmp, other", "", NP_TYPE_ENUM, NP_IN_ROW, NP_AGG_SAME, LINK(l4), 5, IKEY, NP_NEED_IFACE | NP_NEED_PROTO, NAMES(l4_names)) \
COL("wire_rate", "WIRE/s", "frame bytes a second, last interval", "B/s", NP_TYPE_BYTES, NP_IN_ROW, NP_AGG_SUM, ROW(d_tx), 7, IFACE | RATE, NP_NEED_IFACE, NULL, 0) \
COL("packet_rate", "PKT/s", "packets a second, last interval", "1/s", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(d_tx_segs), 7, IFACE | RATE, NP_NEED_IFACE, NULL, 0) \
COL("wire_bytes", "WIRE", "frame bytes since the program started, as they stand at the tc hook", "B", NP_TYPE_BYTES, NP_IN_ROW, NP_AGG_SUM, ROW(tx_bytes), 7, IFACE, NP_NEED_IFACE, NULL, 0) \
COL("packets", "PACKETS", "packets since the program started, as they stand at the tc hook (GRO merges, GSO has yet to split)", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(tx_segs), 8, IFACE, NP_NEED_IFACE, NULL, 0) \
COL("errors", "ERRORS", "errors, by the interface's own count since it exists", "", NP_TYPE_COUNT, NP_IN_ROW, NP_AGG_SUM, ROW(errors), 6, IFACE, NP_NEED_IFACE, NULL, 0) \
COL("up", "UP", "whether the interface is up and running", "", NP_TYPE_FLAG, NP_IN_ROW, NP_AGG_SAME, FLAG(4), 3, IFACE, NP_NEED_IFACE, NULL, 0) \
COL("active", "ACTIVE", "whether packets passed in the last interval", "", NP_TYPE_FLAG, NP_IN_ROW, NP_AGG_MAX, FLAG(3), 6, IFACE, NP_NEED_IFACE, NULL, 0)

#define ROW_OF(name, head, help, unit, type, via, agg, field, width, flags, needs, ...) \
	{ name, head, help, unit, type, via, agg, field, width, flags, needs, __VA_ARGS__ },
/* Its difference to a baseline: the same field, of which np_col_read() makes percents. */
#define DIFF_OF(name, head, help, unit, type, via, agg, field, width, flags, needs, ...) \
	{ name "_diff", "+-%", name ": the difference to the baseline", "%", NP_TYPE_DIFF, via, agg, field, 7, \
	  (flags) & ~(NP_COL_GROUP | NP_COL_RATE), needs, NULL, 0 },

const struct np_col np_cols[] = { COLUMNS(ROW_OF) };
const struct np_col np_diffs[] = { COLUMNS(DIFF_OF) };
/* clang-format on */
const size_t np_ncols = sizeof(np_cols) / sizeof(np_cols[0]);
_Static_assert(1 << 0 == NP_ROW_OLD && 1 << 4 == NP_ROW_UP && 1 << 3 == NP_ROW_ACTIVE,
	       "FLAG() bits");
_Static_assert(sizeof(np_cols) / sizeof(np_cols[0]) <= 128, "np_row.mixed has 128 bits");

const struct np_col *np_col_find(const char *name)
{
	for (size_t i = 0; i < np_ncols; i++) {
		if (!strcmp(np_cols[i].name, name))
			return &np_cols[i];
		if (!strcmp(np_diffs[i].name, name))
			return np_col_diff(&np_cols[i]);
	}
	return NULL;
}

const struct np_col *np_col_base(const struct np_col *col)
{
	return col->type == NP_TYPE_DIFF ? &np_cols[col - np_diffs] : col;
}

size_t np_col_id(const struct np_col *col)
{
	return (size_t)(np_col_base(col) - np_cols) + (col->type == NP_TYPE_DIFF ? np_ncols : 0);
}

const struct np_col *np_col_diff(const struct np_col *col)
{
	if (col->agg == NP_AGG_SAME)
		return NULL;
	switch (col->type) {
	case NP_TYPE_DIFF:
	case NP_TYPE_FLAG:
	case NP_TYPE_AGE:
		return NULL;
	case NP_TYPE_PERCENT: /* a share of the interval is of no other run */
		return col->agg == NP_AGG_SUM ? NULL : &np_diffs[col - np_cols];
	default:
		return &np_diffs[col - np_cols];
	}
}
