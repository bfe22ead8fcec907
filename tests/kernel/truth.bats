#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The numbers are the kernel's and the workload's own, exactly: over a veth pair between two namespaces, IPv4 and IPv6.

# shellcheck disable=SC2154 # port is of nptop.bash

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop

setup() {
	need_root
	netns_up
}

teardown() {
	np_teardown
}

@test "bytes by process: every way to send and to read, over IPv4, IPv6 and mapped addresses" {
	local method read to out=$NP_TMP/clients
	top_start top
	serve server
	for to in "--to $ADDR_B" "--to $ADDR6_B" "--to $ADDR_B --mapped"; do
		for method in write sendmsg sendfile splice mmsg; do
			# shellcheck disable=SC2086 # options
			client $to --method "$method" --tx 1000003 --rx 77 >>"$out"
		done
		for read in recv recvmsg splice peek mmsg; do
			# shellcheck disable=SC2086
			client $to --read "$read" --tx 29 --rx 1000003 >>"$out"
		done
	done
	stop_bg server
	top_stop top
	[ "$(json_sum tx "$out")" = $((3 * 5 * (1000003 + 29))) ]
	same_bytes top "$out" "$(bg_out server)"
}

@test "bytes by process: servers that sendfile, splice, peek" {
	local pair out=$NP_TMP/clients
	top_start top
	for pair in sendfile:peek splice:splice mmsg:recvmsg; do
		serve server --method "${pair%:*}" --read "${pair#*:}"
		client --to "$ADDR6_B" --conns 5 --parallel 5 --tx 2M --rx 2M >>"$out"
		stop_bg server
		cat "$(bg_out server)" >>"$out"
	done
	top_stop top
	same_bytes top "$out"
}

@test "bytes by process: io_uring, both ends" {
	local status=0 out=$NP_TMP/clients
	top_start top
	serve server
	client --to "$ADDR_B" --method io_uring --read io_uring --tx 3M --rx 2M >"$out" || status=$?
	[ "$status" = 77 ] && skip 'np-work has no io_uring'
	[ "$status" = 0 ]
	client --to "$ADDR6_B" --method io_uring --read io_uring --tx 1000001 --rx 1000003 >>"$out"
	stop_bg server
	cat "$(bg_out server)" >>"$out"
	serve server --method io_uring --read io_uring
	client --to "$ADDR6_B" --tx 1000001 --rx 1000003 >>"$out"
	stop_bg server
	top_stop top
	same_bytes top "$out" "$(bg_out server)"
}

@test "1,000 connections shorter than the interval, in one interval" {
	local out=$NP_TMP/clients
	top_start top -I 1h
	serve server
	client --to "$ADDR_B" --conns 500 --tx 1001 --rx 2003 >"$out"
	client --to "$ADDR6_B" --conns 500 --parallel 10 --tx 3001 --rx 24 >>"$out"
	stop_bg server
	top_stop top
	[ "$(json_sum conns "$out")" = 1000 ]
	# Not one byte lacks; but where somebody else looks through all tables of files at the time, one may have no owner.
	same_bytes top "$out" "$(bg_out server)" || never_more top "$out" "$(bg_out server)"
	[ "$(top_stat top refreshes)" = 2 ]
	[ "$(top_stat top 'lost: ring buffer full')" = 0 ]
	# None was seen alive by a walk, each by its end: both ends of each, some still without one (TIME_WAIT is none).
	[ "$(top_stat top 'connections ended')" -ge 2000 ]
}

@test "connections opened before: their whole totals at once, and what they move later" {
	local before=$NP_TMP/before
	serve server
	hold held --to "$ADDR_B" --conns 5 --tx 100003 --rx 50021
	hold held6 --to "$ADDR6_B" --conns 5 --tx 7001 --rx 3M
	tell held
	wait_round held 2
	cat "$(bg_out held)" "$(bg_out held6)" >"$before"

	timeout 60 "$(np_bin nptop)" -b -J -c 1 >"$NP_TMP/first"
	top_pids "$NP_TMP/first" tx_bytes rx_bytes >"$NP_TMP/first.top"
	work_bytes "$before" >"$NP_TMP/first.work"
	_same "$NP_TMP/first.work" "$NP_TMP/first.top"

	top_start top
	tell held
	tell held6
	wait_round held 3
	wait_round held6 2
	stop_bg held
	stop_bg held6
	stop_bg server
	top_stop top
	same_bytes top "$(bg_out held)" "$(bg_out held6)" "$(bg_out server)"
}

@test "what they moved before is no rate" {
	local row
	serve server
	hold held --to "$ADDR_B" --tx 5M --rx 5M
	top_start top -o +tx_rate,rx_rate
	top_refresh top >/dev/null
	stop_bg held
	top_stop top
	row=$(json_lines "select(.pid == $(jq .pid "$(bg_out held)")) | .tx_rate + .rx_rate" "$(bg_out top)" | sort -nu)
	[ "$row" = 0 ]
}

@test "every way to close: by the client, by the server, by a reset of either" {
	local close to out=$NP_TMP/clients
	top_start top
	serve server
	for close in client server rst-client rst-server; do
		for to in "$ADDR_B" "$ADDR6_B"; do
			client --to "$to" --close "$close" --conns 40 --parallel 4 --tx 30011 --rx 0 >>"$out"
			client --to "$to" --close "$close" --conns 40 --nonblock --tx 24 --rx 30011 >>"$out"
		done
	done
	stop_bg server
	top_stop top
	[ "$(json_sum conns "$out")" = 640 ]
	same_bytes top "$out" "$(bg_out server)"
}

# "tx rx" of NAMESPACE's connections to or from the port, by ss.
ss_bytes() {
	in_ns "$1" ss -tinOHa state all "( sport = $port or dport = $port )" | awk '{
		delete v; for (i = 1; i <= NF; i++) if (split($i, kv, ":") == 2) v[kv[1]] = kv[2]
		tx += v["bytes_sent"] - v["bytes_retrans"]; rx += v["bytes_received"] } END { print tx + 0, rx + 0 }'
}

_sent_at_least() {
	local now
	now=$(ss_bytes "$NS_A")
	[ "${now% *}" -ge "$1" ]
}

_blocked() { # the same bytes sent for a while
	local now
	now=$(ss_bytes "$NS_A")
	[ "$now" = "${blocked_at-}" ] && return 0
	blocked_at=$now
	sleep 0.3
	return 1
}

# A client in the midst of sending what never ends, to a server that has stopped reading.
half_written() {
	local blocked_at=''
	start_bg cut in_ns "$NS_A" "$(np_bin np-work)" client --to "$ADDR_B" --port "$port" --tx 100G
	wait_for 20 _sent_at_least 100000
	signal_bg server STOP
	wait_for 20 _blocked
}

top_last() { # PID: "tx rx" of the last refresh
	json_lines "select(.pid == $1) | \"\(.tx_bytes) \(.rx_bytes)\"" "$(bg_out top)" | tail -n 1
}

@test "half-written: while nobody reads, and once its process was killed" {
	local pid rx
	serve server
	half_written
	pid=$(bg_pid cut)
	top_start top
	# What was sent, not what was written.
	[ "$(top_last "$pid")" = "$(ss_bytes "$NS_A")" ]
	[ "$(top_last "$(bg_pid server)")" = "$(ss_bytes "$NS_B")" ]
	stop_bg cut KILL || true
	signal_bg server CONT
	# The kernel sends the rest of the buffer for nobody; the server reports it as cut short.
	wait_for 30 grep -q 'connection ended after' "$(bg_err server)"
	stop_bg server || true
	top_stop top
	rx=$(json_sum rx "$(bg_out server)")
	[ "$rx" -gt 100000 ]
	same_bytes top "$(bg_out server)"
	[ "$(top_last "$pid")" = "$rx 0" ]
}

# ss_columns NAMESPACE: a line for each connection: state, ports, and ss's counters in nptop's words. ss says nothing of what is
# 0 nor of a threshold above 65535, and counts a FIN that came as a byte.
ss_columns() {
	in_ns "$1" ss -tinOHa state connected exclude time-wait | awk -v ns="$1" 'NF > 6 {
		delete v
		for (i = 6; i <= NF; i++) if (split($i, kv, ":") == 2) v[kv[1]] = kv[2]
		sub(/.*:/, "", $4); sub(/.*:/, "", $5)
		split(v["rtt"], rtt, "/"); split(v["retrans"], retr, "/")
		state = $1 == "ESTAB" ? "established" : tolower($1)
		fin = state ~ /^(close-wait|last-ack|closing)$/ && v["bytes_received"] > 0
		printf "%s %s %s %s tx_bytes=%d rx_bytes=%d tx_segs=%d rx_segs=%d retrans=%d rtt=%.0f rttvar=%.0f min_rtt=%.0f cwnd=%d ssthresh=%d mss=%d\n",
			ns, state, $4, $5, v["bytes_sent"] - v["bytes_retrans"], v["bytes_received"] - fin, v["segs_out"], v["segs_in"],
			retr[2], rtt[1] * 1000, rtt[2] * 1000, v["minrtt"] * 1000, v["cwnd"], v["ssthresh"], v["mss"] }' | sort
}

top_columns() {
	top_now 'def us: (. // 0) * 1e6 | round; select(.proto == "tcp") |
		"\(.netns) \(.state) \(.lport) \(.rport) tx_bytes=\(.tx_bytes) rx_bytes=\(.rx_bytes) tx_segs=\(.tx_segs) " +
		"rx_segs=\(.rx_segs) retrans=\(.retrans) rtt=\(.rtt | us) rttvar=\(.rttvar | us) min_rtt=\(.min_rtt | us) " +
		"cwnd=\(.cwnd // 0) ssthresh=\(if (.ssthresh // 65535) < 65535 then .ssthresh else 0 end) mss=\(.mss // 0)"' \
		--units raw --by connection --netns "$NS_A" --netns "$NS_B" \
		-o netns,proto,state,lport,rport,tx_bytes,rx_bytes,tx_segs,rx_segs,retrans,rtt,rttvar,min_rtt,cwnd,ssthresh,mss | sort
}

# At rest: ss says the same before and after nptop.
columns_agree() { # FILE: what they agree on
	local after
	{ ss_columns "$NS_A" && ss_columns "$NS_B"; } | sort >"$1"
	top_columns >"$1.top"
	after=$({ ss_columns "$NS_A" && ss_columns "$NS_B"; } | sort)
	[ "$after" = "$(cat "$1")" ] && cmp -s "$1" "$1.top"
}

@test "each living connection's columns are those of ss -ti" {
	local agreed=$NP_TMP/agreed
	netns_plain
	serve server
	start_bg drop in_ns "$NS_B" "$(np_bin np-drop)" --dev "$VETH_B" --dport "$port" --every 40 --limit 6
	wait_ready drop
	hold lossy --to "$ADDR_B" --tx 3M --rx 24
	stop_bg drop
	[ "$(json_sum retrans "$(bg_out lossy)")" -gt 0 ]
	hold v4 --to "$ADDR_B" --conns 10 --tx 100003 --rx 20011
	hold v6 --to "$ADDR6_B" --conns 10 --tx 24 --rx 1M
	hold mapped --to "$ADDR_B" --mapped --conns 3 --tx 24 --rx 24
	if ! wait_for 30 columns_agree "$agreed"; then
		diff "$agreed" "$agreed.top"
		return 1
	fi
	[ "$(grep -c ' established ' "$agreed")" = 48 ]
	grep -q "^$NS_A established .* retrans=[1-9].* ssthresh=[1-9]" "$agreed"
	grep -q "^$NS_A established .* rtt=[1-9][0-9]* rttvar=[1-9].* min_rtt=[1-9]" "$agreed"
}

_has_state() { # FILE NAMESPACE STATE
	columns_agree "$1" && grep -q "^$2 $3 " "$1"
}

agree_in() { # NAMESPACE STATE
	wait_for 20 _has_state "$NP_TMP/agreed" "$1" "$2" && return 0
	diff "$NP_TMP/agreed" "$NP_TMP/agreed.top" || true
	return 1
}

@test "in other states too: SYN-SENT, CLOSE-WAIT, and FIN-WAIT-1 without a file" {
	netns_plain
	local blocked_at=''
	# A server that has read the header and looks no further.
	serve server --stall 600000
	start_bg small in_ns "$NS_A" "$(np_bin np-work)" client --to "$ADDR6_B" --port "$port" --tx 1000 --rx 1
	wait_for 20 _sent_at_least 1000
	stop_bg small KILL || true
	agree_in "$NS_B" close-wait

	start_bg cut in_ns "$NS_A" "$(np_bin np-work)" client --to "$ADDR6_B" --port "$port" --tx 100M
	wait_for 20 _sent_at_least 50000
	wait_for 20 _blocked
	stop_bg cut KILL || true
	agree_in "$NS_A" fin-wait-1

	start_bg drop in_ns "$NS_B" "$(np_bin np-drop)" --dev "$VETH_B" --match syn
	wait_ready drop
	start_bg syn in_ns "$NS_A" "$(np_bin np-work)" client --to "$ADDR_B" --port "$port"
	agree_in "$NS_A" syn-sent
}

orphaned() { # PID
	[ "$(json_lines "select(.pid == $1) | \"\(.state) \(.tx_bytes) \(.rx_bytes)\"" "$(bg_out top)" | tail -n 1)" \
		= "fin-wait-1 $(ss_bytes "$NS_A")" ]
}

@test "an orphan with unsent data stays its last owner's; a new nptop knows none" {
	local pid
	serve server
	start_bg idle in_ns "$NS_A" "$(np_bin np-work)" idle --conns 1
	wait_ready idle
	start_bg top "$(np_bin nptop)" -b -J -I 300ms --by connection --netns "$NS_A" -o time,pid,state,rport,tx_bytes,rx_bytes
	wait_line top "\"pid\":$(bg_pid idle)," 30
	half_written
	pid=$(bg_pid cut)
	stop_bg cut KILL || true
	# Sockets without a file are looked at once a second.
	wait_for 10 orphaned "$pid"
	[ "$(top_now "select(.rport == $port) | \"\(.pid) \(.state) \(.tx_bytes) \(.rx_bytes)\"" \
		--by connection -o pid,state,rport,tx_bytes,rx_bytes --netns "$NS_A")" = "null fin-wait-1 $(ss_bytes "$NS_A")" ]
	signal_bg server CONT
}

# What UDP clients do, each in IPv4, IPv6 and mapped.
udp_clients() { # FILE
	local options to
	while read -r options; do
		for to in "--to $ADDR_B" "--to $ADDR6_B" "--to $ADDR_B --mapped"; do
			# shellcheck disable=SC2086 # options
			udp_client $to $options >>"$1"
		done
	done <<-'END'
		--count 500 --size 100
		--count 300 --size 100 --echo
		--count 100 --size 1400 --unconnected --echo --read recvmsg
		--count 300 --size 1000 --method mmsg --read mmsg --echo
		--count 300 --size 1000 --method mmsg --unconnected --read peek
		--count 50 --size 40 --oneshot
		--count 50 --size 40 --oneshot --echo --unconnected
		--count 100 --size 9000 --procs 3
	END
}

@test "UDP: bytes and datagrams by process, connected and not, one socket a datagram, several a call" {
	local out=$NP_TMP/clients
	top_start top
	serve udp-server --procs 2 --read peek
	udp_clients "$out"
	stop_bg server
	cat "$(bg_out server)" >>"$out"
	serve udp-server --method mmsg --read mmsg
	udp_client --to "$ADDR_B" --count 500 --size 333 --echo >>"$out"
	stop_bg server
	top_stop top
	same_bytes top "$out" "$(bg_out server)"
	same_datagrams top "$out" "$(bg_out server)"
}

@test "UDP: UDP_SEGMENT, several datagrams a call: all bytes; sends as the kernel counts them" {
	local to out=$NP_TMP/clients sent
	top_start top
	serve udp-server
	for to in "$ADDR_B" "$ADDR6_B"; do
		udp_client --to "$to" --count 1000 --gso 1200 --window 64 >>"$out"
		udp_client --to "$to" --count 100 --gso 700 --unconnected --echo >>"$out"
	done
	stop_bg server
	top_stop top
	same_bytes top "$out" "$(bg_out server)"
	# The receiver has them one by one.
	same_datagrams top "$(bg_out server)"
	sent=$(top_pids "$(bg_out top)" tx_segs rx_segs | grep -wf <(jq -r '"^\(.pid)"' "$out") | awk '{ sum += $2 } END { print sum }')
	[ "$sent" = $(($(netns_count "$NS_A" UdpOutDatagrams) + $(netns_count "$NS_A" Udp6OutDatagrams))) ]
}

@test "UDP: a socket that several processes write to" {
	local out=$NP_TMP/shared
	top_start top
	serve udp-server
	# Each of them through the same descriptor; printf is the shell's own.
	# shellcheck disable=SC2016 # its variables
	in_ns "$NS_A" bash -c 'exec 3<>"/dev/udp/$1/$2" || exit
		for ((i = 1; i <= 4; i++)); do
			(for ((n = 0; n < 10 * i; n++)); do printf %0100d 0 >&3; done
			echo "{\"pid\":$BASHPID,\"tx\":$((1000 * i)),\"rx\":0,\"tx_datagrams\":$((10 * i)),\"rx_datagrams\":0}") &
		done
		wait' - "$ADDR_B" "$port" >"$out"
	stop_bg server || true # they are not its datagrams
	top_stop top
	[ "$(json_sum tx "$out")" = 10000 ]
	same_bytes top "$out" "$(bg_out server)"
	same_datagrams top "$out" "$(bg_out server)"
}

@test "UDP of a socket older than nptop counts from its start" {
	local pid
	serve udp-server
	start_held old in_ns "$NS_A" "$(np_bin np-work)" udp-client --to "$ADDR_B" --port "$port" --hold --count 10 --size 100
	wait_round old 1
	top_start top
	tell old
	wait_round old 2
	pid=$(bg_pid old)
	stop_bg old
	top_stop top
	[ "$(top_pids "$(bg_out top)" tx_bytes tx_segs | grep "^$pid ")" = "$pid 1000 10" ]
}

@test "UDP by cgroup programs, as older kernels have it: the same bytes" {
	local out=$NP_TMP/clients to
	top_start top --hook cgroup
	serve udp-server --procs 2
	udp_clients "$out"
	for to in "$ADDR_B" "$ADDR6_B"; do
		udp_client --to "$to" --count 1000 --gso 1200 --window 64 >>"$out"
	done
	stop_bg server
	top_stop top
	grep -q np_udp_egress "$(bg_err top)"
	same_bytes top "$out" "$(bg_out server)"
}

# iface_start OPTIONS: nptop inside NS_A.
iface_start() {
	start_bg iface in_ns "$NS_A" "$(np_bin nptop)" -b -J -I 200ms --stats --by interface \
		-o time,interface,direction,packets,wire_bytes "$@"
	wait_line iface "$VETH_A" 20
}

# "rx packets bytes, tx packets bytes" by the interface itself.
link_counts() {
	in_ns "$NS_A" ip -s -j link show dev "$VETH_A" |
		jq -r '.[0].stats64 | "\(.rx.packets) \(.rx.bytes) \(.tx.packets) \(.tx.bytes)"'
}

# A refresh of nptop's, and the interface's own counters, which were the same before and after: to $seen and $own.
idle_point() {
	local before t
	while :; do
		before=$(link_counts)
		t=$(top_refresh iface) || return
		own=$(link_counts)
		[ "$own" = "$before" ] && break
	done
	seen=$(jq -nrR --arg t "$t" --arg i "$VETH_A" '[inputs | fromjson? | select(.time == $t and .interface == $i)] |
		[("rx", "tx") as $d | map(select(.direction == $d)) | (map(.packets) | add // 0), (map(.wire_bytes) | add // 0)] |
		join(" ")' "$(bg_out iface)")
}

# What lies between two of them, sums in every direction.
minus() {
	local -a a b
	read -ra a <<<"$1"
	read -ra b <<<"$2"
	echo $((a[0] - b[0])) $((a[1] - b[1])) $((a[2] - b[2])) $((a[3] - b[3]))
}

iface_traffic() {
	serve server
	client --to "$ADDR_B" --conns 3 --tx 3M --rx 100K >/dev/null
	client --to "$ADDR6_B" --conns 3 --tx 100K --rx 3M >/dev/null
	stop_bg server
	serve udp-server
	udp_client --to "$ADDR_B" --count 300 --size 1000 --echo >/dev/null
	udp_client --to "$ADDR6_B" --count 300 --size 1000 >/dev/null
	stop_bg server
}

# What they say of the same traffic goes to $own and $seen.
between_idle_points() {
	local own0 seen0
	idle_point
	own0=$own seen0=$seen
	iface_traffic
	idle_point
	own=$(minus "$own" "$own0") seen=$(minus "$seen" "$seen0")
	echo "interface: $own; nptop: $seen"
	[ "${own%% *}" -gt 300 ]
}

@test "an interface's packets and bytes are its own: by tcx" {
	local own seen
	iface_start --hook tcx
	between_idle_points
	stop_bg iface
	grep -q '^hook tcx ' "$(bg_err iface)"
	[ "$own" = "$seen" ]
}

@test "an interface's packets and bytes are its own: by clsact" {
	local own seen
	iface_start --hook clsact
	between_idle_points
	stop_bg iface
	grep -q '^hook clsact ' "$(bg_err iface)"
	[ "$own" = "$seen" ]
}

@test "an interface's received packets and bytes are its own: by XDP" {
	local own seen
	netns_plain
	iface_start --hook xdp
	between_idle_points
	stop_bg iface
	grep -q '^hook xdp ' "$(bg_err iface)"
	[ "${own% * *}" = "${seen% * *}" ]
}

@test "an interface's traffic by protocol sums to the whole" {
	local own seen kind
	iface_start --by interface,direction,l3,l4 -o +l3,l4
	between_idle_points
	stop_bg iface
	json_lines "select(.interface == \"$VETH_A\" and .packets > 0) | \"\(.direction) \(.l3)/\(.l4)\"" "$(bg_out iface)" | sort -u >"$NP_TMP/kinds"
	cat "$NP_TMP/kinds"
	for kind in ipv4/tcp ipv6/tcp ipv4/udp ipv6/udp ipv6/icmp arp/null; do
		grep -qx "rx $kind" "$NP_TMP/kinds"
		grep -qx "tx $kind" "$NP_TMP/kinds"
	done
	[ "$own" = "$seen" ]
}

@test "retransmits under loss are nstat's, and the process's" {
	local out=$NP_TMP/clients to
	netns_plain
	top_start top
	serve server
	start_bg drop in_ns "$NS_B" "$(np_bin np-drop)" --dev "$VETH_B" --dport "$port" --every 50 --limit 60
	wait_ready drop
	for to in "$ADDR_B" "$ADDR6_B"; do
		client --to "$to" --conns 2 --tx 3M --rx 24 >>"$out"
	done
	stop_bg drop
	stop_bg server
	top_stop top
	[ "$(bg_json drop 'select(.role == "drop").dropped_segs')" = 60 ]
	[ "$(netns_count "$NS_A" TcpRetransSegs)" -ge 60 ]
	same_bytes top "$out" "$(bg_out server)"
	jq -r '"\(.pid) \(.retrans) 0"' "$out" >"$NP_TMP/work"
	top_pids "$(bg_out top)" retrans none | sed 's/null$/0/' >"$NP_TMP/top"
	_same "$NP_TMP/work" "$NP_TMP/top"
	[ "$(jq -nR "[inputs | fromjson? | select(.netns == \"$NS_A\")] | group_by(.pid) | map(last.retrans) | add" "$(bg_out top)")" \
		= "$(netns_count "$NS_A" TcpRetransSegs)" ]
}

@test "retransmits of a lost SYN" {
	local out=$NP_TMP/clients
	top_start top
	serve server
	start_bg drop in_ns "$NS_B" "$(np_bin np-drop)" --dev "$VETH_B" --match syn --limit 1
	wait_ready drop
	client --to "$ADDR6_B" >"$out"
	stop_bg drop
	stop_bg server
	top_stop top
	[ "$(netns_count "$NS_A" TcpRetransSegs)" = 1 ]
	same_bytes top "$out" "$(bg_out server)"
	[ "$(top_pids "$(bg_out top)" retrans conns | grep "^$(jq .pid "$out") ")" = "$(jq .pid "$out") 1 0" ]
}
