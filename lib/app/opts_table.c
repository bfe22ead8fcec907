// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The options, as argp, the man pages and the completions have them. */
#include <stdlib.h>

#include "app/opts.h"
#include "app/opts_keys.h"

/* clang-format off */
struct np_option {
	struct argp_option argp;
	unsigned int tools; /* NP_FOR_*; 0: all */
};

#define ALL     0
#define TOP     NP_FOR_TOP
#define RTT     NP_FOR_RTT
#define RETRANS NP_FOR_RETRANS
#define FLOWS   NP_FOR_FLOWS

static const struct np_option table[] = {
{ { NULL, 0, NULL, 0, "What it is about:", 1 }, RTT | RETRANS | FLOWS },
{ { "events", KEY_EVENTS, "LIST", 0, "What is told: open, state, close, fail, or all (close,fail); +NAME adds one to the usual ones, -NAME takes one away", 0 }, FLOWS },
{ { "table", KEY_TABLE, NULL, 0, "The living connections instead of a log", 0 }, FLOWS },
{ { "listen", KEY_LISTEN, NULL, 0, "The listeners, with their accept queues", 0 }, FLOWS },
{ { "once", KEY_ONCE, NULL, 0, "With --table or --listen: print it once and end", 0 }, FLOWS },
{ { "udp-idle", KEY_UDP_IDLE, "TIME", 0, "A UDP or ICMP flow ends when it was silent so long (30s)", 0 }, FLOWS },
{ { "events", KEY_EVENTS, "LIST", 0, "What is told: retrans, synack-retrans, rst-sent, rst-recv, connect-fail, zero-window, listen-overflow, timeout, half-close, port-reuse, drop, or all; +NAME adds one to the usual ones (all but zero-window, which costs a little for each segment), -NAME takes one away", 0 }, RETRANS },
{ { "summary", KEY_SUMMARY, NULL, 0, "A table instead of a log: how much of it by connection, remote, process or kind (--by)", 0 }, RETRANS },
{ { "stack", KEY_STACK, NULL, 0, "Also where in the kernel it happened (column stack)", 0 }, RETRANS },
{ { "syn", KEY_SYN, NULL, 0, "Also handshake times", 0 }, RTT },
{ { "srt", KEY_SRT, NULL, 0, "Also system response times: request to the ACK of it", 0 }, RTT },
{ { "art", KEY_ART, NULL, 0, "Also application response times: request to reply", 0 }, RTT },
{ { "histogram", KEY_HISTOGRAM, NULL, 0, "Print histograms: one at the end, or one each --interval", 0 }, RTT },
{ { NULL, 0, NULL, 0, "What is shown:", 2 }, ALL },
{ { "by", KEY_BY, "GROUP", 0, "One row for each process, connection, container, pod, unit, user, remote, rport, lport, protocol, netns or interface; or for each value of columns (raddr,rport)", 0 }, ALL },
{ { "output", 'o', "COLUMNS", 0, "Show these columns; +NAME adds one to the usual ones, -NAME takes one away", 0 }, ALL },
{ { "sort", KEY_SORT, "COLUMN", 0, "Sort by this column: -NAME the largest first, +NAME the smallest first", 0 }, ALL },
{ { "top", KEY_TOP, "N", 0, "Show only the first N rows of each refresh", 0 }, ALL },
{ { "where", KEY_WHERE, "EXPR", 0, "Show only rows for which this expression over columns holds: 'rtt > 10ms && retrans > 0'", 0 }, ALL },
{ { "all", KEY_ALL, NULL, 0, "Keep showing groups whose connections have all ended", 0 }, TOP | RTT | RETRANS },
{ { NULL, 0, NULL, 0, "Whose connections (each may be given several times; names may be globs):", 3 }, ALL },
{ { "pid", KEY_PID, "PID", 0, "Of this process", 0 }, ALL },
{ { "comm", KEY_COMM, "NAME", 0, "Of processes of this name", 0 }, ALL },
{ { "uid", KEY_UID, "USER", 0, "Of this user: name or number", 0 }, ALL },
{ { "cgroup", KEY_CGROUP, "PATH", 0, "Of this cgroup and those below it; without a leading / any component of the path", 0 }, ALL },
{ { "container", KEY_CONTAINER, "NAME", 0, "Of this container: name, or at least 6 characters of the id", 0 }, ALL },
{ { "pod", KEY_POD, "[NS/]NAME", 0, "Of this Kubernetes pod", 0 }, ALL },
{ { "netns", KEY_NETNS, "NAME", 0, "In this network namespace: name, path, pid or inode number", 0 }, ALL },
{ { "interface", 'i', "GLOB", 0, "Interfaces of this name, with --by interface", 0 }, TOP },
{ { "active-only", KEY_ACTIVE, NULL, 0, "Interfaces that moved packets in the last interval", 0 }, TOP },
{ { NULL, 0, NULL, 0, "When:", 4 }, ALL },
{ { "interval", 'I', "TIME", 0, "Time between refreshes, 10ms to 1d (1s)", 0 }, ALL },
{ { "count", 'c', "N", 0, "Stop after N refreshes (a log: N rows); the first comes at once", 0 }, ALL },
{ { "duration", 'd', "TIME", 0, "Stop after this time", 0 }, ALL },
{ { NULL, 0, NULL, 0, "From a file, into a file:", 5 }, ALL },
{ { "read", 'r', "FILE", 0, "Read a capture (pcap, pcapng) or a record (--record) instead of this host; -: standard input", 0 }, ALL },
{ { "record", KEY_RECORD, "FILE", 0, "Also write what is seen to FILE, for --read", 0 }, ALL },
{ { "speed", KEY_SPEED, "X", 0, "With --read: so many times as fast as it was; without, as fast as it goes (on the screen: 1)", 0 }, ALL },
{ { "local", KEY_LOCAL, "ADDR[/BITS]", 0, "With a capture: these addresses are ours, the local end; may be given several times", 0 }, ALL },
{ { "sample", KEY_SAMPLE, "1/N", 0, "Look at one connection in N, at each of them whole; sums are corrected", 0 }, ALL },
{ { NULL, 0, NULL, 0, "What is expected:", 6 }, ALL },
{ { "check", KEY_CHECK, "EXPR", 0, "At the end: status 1 unless this holds: 'p99(rtt) < 5ms', 'count(event == \"drop\") == 0'; may be given several times", 0 }, ALL },
{ { "min-samples", KEY_MIN_SAMPLES, "N", 0, "With --check: status 4 where a quantile, mean, least or greatest is of fewer than N samples (1)", 0 }, ALL },
{ { "report", KEY_REPORT, "FORMAT[=FILE]", 0, "Write the checks as tap, json or junit; FILE -: standard output, instead of the rows", 0 }, ALL },
{ { "baseline", KEY_BASELINE, "FILE", 0, "Show the difference to the run that FILE keeps; where there is no FILE, keep this run in it", 0 }, ALL },
{ { "save-baseline", KEY_SAVE_BASELINE, "FILE", 0, "Keep this run in FILE, in place of what is there", 0 }, ALL },
{ { NULL, 0, NULL, 0, "With a command (-- COMMAND):", 7 }, ALL },
{ { "linger", KEY_LINGER, "TIME", 0, "When it has ended, wait so long for its last connections and the processes it left (1s)", 0 }, ALL },
{ { NULL, 0, NULL, 0, "How it is written:", 8 }, ALL },
{ { "to", KEY_TO, "FILE", 0, "Write the rows to FILE; -: standard output (which with a command is the command's: the rows go to standard error)", 0 }, ALL },
{ { "batch", 'b', NULL, 0, "Text instead of the screen, also on a terminal", 0 }, ALL },
{ { "format", KEY_FORMAT, "text|csv|json", 0, "Write text, CSV or one JSON object a line", 0 }, ALL },
{ { "json", 'J', NULL, 0, "The same as --format json", 0 }, ALL },
{ { "header", KEY_HEADER, "N", 0, "Repeat the text header every N lines (0: once)", 0 }, ALL },
{ { "units", KEY_UNITS, "bytes|bits|raw", 0, "Rates in bytes or bits a second, or all numbers whole (bytes)", 0 }, ALL },
{ { "numeric", 'n', NULL, 0, "Accepted and changes nothing: addresses and ports are always numbers", 0 }, ALL },
{ { NULL, 0, NULL, 0, "How it works:", 9 }, ALL },
{ { "hook", KEY_HOOK, "tcx|clsact|xdp|cgroup", 0, "Count interfaces by this hook (auto: tcx, else clsact); cgroup: count UDP by cgroup programs", 0 }, TOP | FLOWS },
{ { "ring-size", KEY_RING, "SIZE", 0, "Ring buffer for events, 4KiB to 1GiB (2MiB; 8MiB for a log, a command, checks and records)", 0 }, ALL },
{ { "udp-max", KEY_UDP, "N", 0, "UDP sockets counted at once (65536)", 0 }, TOP | FLOWS },
{ { "root", KEY_ROOT, "DIR", 0, "Read names of containers, pods, users and network namespaces below this directory", 0 }, ALL },
{ { "list-columns", KEY_COLUMNS, NULL, 0, "List the columns and exit", 0 }, ALL },
{ { "doctor", KEY_DOCTOR, NULL, 0, "Say what this kernel and this user can do, with the fix for what they cannot, and exit", 0 }, ALL },
{ { "stats", KEY_STATS, NULL, 0, "At the end, on stderr: events, losses, hooks and their cost", 0 }, ALL },
{ { "debug", KEY_DEBUG, NULL, 0, "Also what libbpf and the kernel say", 0 }, ALL },
{ { "dump", KEY_DUMP, "WHAT", OPTION_HIDDEN, "Text for man page and completions", 0 }, ALL },
{ { "help", '?', NULL, 0, "Give this help list", -1 }, ALL },
{ { "usage", KEY_USAGE, NULL, 0, "Give a short usage message", -1 }, ALL },
{ { "version", 'V', NULL, 0, "Print the version", -1 }, ALL },
{ { 0 }, ALL },
};
/* clang-format on */

struct argp_option *np_opts_table(const struct np_tool *tool)
{
	size_t n = sizeof(table) / sizeof(table[0]), k = 0;
	struct argp_option *out = calloc(n, sizeof(*out));

	for (size_t i = 0; out && i < n; i++)
		if (!table[i].tools || (table[i].tools & tool->options))
			out[k++] = table[i].argp;
	return out;
}
