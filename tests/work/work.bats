#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What measures the programs must itself be right: np-work's totals against the kernel's counters, np-drop's against
# TcpRetransSegs.

load ../lib
load ../kernel/netns

setup() {
	need_root
	work=$(np_bin np-work)
	netns_up
}

teardown() {
	np_teardown
}

serve() { # MODE [OPTIONS]: in NS_B, on both families; the port goes to $port
	start_bg server in_ns "$NS_B" "$work" "$1" --listen :: "${@:2}"
	wait_ready server
	port=$(ready_port server)
}

client() {
	in_ns "$NS_A" timeout 60 "$work" client --port "$port" "$@"
}

udp_client() {
	in_ns "$NS_A" timeout 60 "$work" udp-client --port "$port" "$@"
}

# Sum of one of ss -ti's counters over the connections to the server's port; of bytes sent, those sent again left out.
ss_sum() {
	in_ns "$1" ss -tinOH "$2" | grep -o " \($3\|bytes_retrans\):[0-9]*" |
		awk -F: -v what=" $3" '$1 == what { sum += $2 } $1 != what && what == " bytes_sent" { sum -= $2 } END { print sum + 0 }'
}

# What the clients say in a file is the mirror of what the server says.
mirrors() {
	stop_bg server
	[ "$(json_sum tx "$1")" = "$(json_sum rx "$(bg_out server)")" ]
	[ "$(json_sum rx "$1")" = "$(json_sum tx "$(bg_out server)")" ]
}

@test "every method of sending and reading moves the same bytes, over IPv4, IPv6 and mapped" {
	local method read to out=$NP_TMP/clients
	serve server
	for to in "--to $ADDR_B" "--to $ADDR6_B" "--to $ADDR_B --mapped"; do
		for method in write send sendmsg sendfile splice mmsg; do
			# shellcheck disable=SC2086 # options
			client $to --method "$method" --tx 1000003 --rx 77 >>"$out"
		done
		for read in read recv recvmsg splice peek mmsg; do
			# shellcheck disable=SC2086
			client $to --read "$read" --tx 29 --rx 1000003 >>"$out"
		done
	done
	[ "$(json_sum tx "$out")" = $((3 * 6 * (1000003 + 29))) ]
	mirrors "$out"
}

@test "io_uring moves the same bytes" {
	local status=0 out=$NP_TMP/clients
	serve server
	client --to "$ADDR_B" --method io_uring --read io_uring --tx 3M --rx 2M >"$out" || status=$?
	[ "$status" = 77 ] && skip 'no io_uring'
	[ "$status" = 0 ]
	mirrors "$out"
}

@test "the server does every method too" {
	local pair out
	for pair in write:read send:recv sendmsg:recvmsg sendfile:peek splice:splice mmsg:mmsg; do
		serve server --method "${pair%:*}" --read "${pair#*:}"
		out=$NP_TMP/clients.${pair%:*}
		client --to "$ADDR6_B" --conns 5 --parallel 5 --tx 2M --rx 2M >"$out"
		mirrors "$out"
	done
}

@test "every way to close, blocking or not, loses no byte" {
	local close mode out=$NP_TMP/clients
	serve server
	for close in client server rst-client rst-server; do
		for mode in '' --nonblock; do
			# shellcheck disable=SC2086
			client --to "$ADDR_B" --close "$close" $mode --conns 30 --parallel 4 --tx 300000 --rx 0 >>"$out"
			# shellcheck disable=SC2086
			client --to "$ADDR6_B" --close "$close" $mode --conns 30 --parallel 4 --tx 24 --rx 300000 >>"$out"
		done
	done
	[ "$(json_sum conns "$out")" = 480 ]
	mirrors "$out"
}

@test "held connections agree with ss, round by round" {
	serve server
	start_held held in_ns "$NS_A" "$work" client --to "$ADDR_B" --port "$port" --hold --conns 7 --tx 100001 --rx 50021
	wait_round held 1
	[ "$(ss_sum "$NS_A" "dport = $port" bytes_sent)" = $((7 * 100001)) ]
	[ "$(ss_sum "$NS_A" "dport = $port" bytes_received)" = $((7 * 50021)) ]
	tell held
	tell held
	wait_round held 3
	[ "$(bg_json held 'select(.round == 3).tx')" = $((3 * 7 * 100001)) ]
	[ "$(ss_sum "$NS_A" "dport = $port" bytes_sent)" = $((3 * 7 * 100001)) ]
	[ "$(ss_sum "$NS_B" "sport = $port" bytes_received)" = $((3 * 7 * 100001)) ]
	[ "$(ss_sum "$NS_B" "sport = $port" bytes_sent)" = $((3 * 7 * 50021)) ]
	stop_bg held
	stop_bg server
}

@test "worker processes and threads: each prints its own" {
	local out=$NP_TMP/clients accept
	for accept in reuseport prefork fork; do
		serve server --procs 3 --accept "$accept"
		client --to "$ADDR_B" --procs 2 --threads 3 --conns 4 --parallel 2 --tx 70000 --rx 30000 >"$out"
		[ "$(wc -l <"$out")" = 2 ]
		[ "$(json_sum conns "$out")" = 24 ]
		[ "$(json_sum tx "$out")" = $((24 * 70000)) ]
		mirrors "$out"
		[ "$(json_sum conns "$(bg_out server)" '.role == "server"')" = 24 ]
	done
}

@test "held workers take rounds together" {
	serve server
	start_held held in_ns "$NS_A" "$work" client --to "$ADDR_B" --port "$port" --hold --procs 3 --threads 2 --tx 5000
	three() { [ "$(grep -c "\"round\":$1" "$(bg_out held)")" = 3 ]; }
	wait_for 10 three 1
	tell held
	wait_for 10 three 2
	[ "$(json_sum tx "$(bg_out held)" '.round == 2')" = $((2 * 3 * 2 * 5000)) ]
	stop_bg held
	stop_bg server
}

@test "datagrams: every way agrees with the kernel's UDP counters" {
	local to options out=$NP_TMP/clients
	serve udp-server --procs 2
	while read -r options; do
		for to in "$ADDR_B" "$ADDR6_B"; do
			# shellcheck disable=SC2086
			udp_client --to "$to" $options >>"$out"
		done
	done <<-'END'
		--count 500 --size 100
		--count 500 --size 100 --echo
		--count 100 --size 1400 --unconnected --echo --read recvmsg
		--count 300 --size 1000 --method mmsg --read mmsg --echo
		--count 300 --size 1000 --method mmsg --unconnected --read peek
		--count 1000 --gso 1200 --window 64
		--count 100 --gso 1200 --unconnected --echo
		--count 50 --size 40 --oneshot
		--count 50 --size 40 --oneshot --echo --unconnected
		--count 100 --size 9000 --procs 3
	END
	[ "$(json_sum tx_datagrams "$out")" = $((2 * (500 + 500 + 100 + 300 + 300 + 1000 + 100 + 50 + 50 + 300))) ]
	mirrors "$out"
	[ "$(json_sum tx_datagrams "$out")" = "$(json_sum rx_datagrams "$(bg_out server)")" ]
	local v4 v6
	v4=$(netns_count "$NS_B" UdpInDatagrams) v6=$(netns_count "$NS_B" Udp6InDatagrams)
	[ $((v4 + v6)) = "$(json_sum rx_datagrams "$(bg_out server)")" ]
	v4=$(netns_count "$NS_A" UdpInDatagrams) v6=$(netns_count "$NS_A" Udp6InDatagrams)
	[ $((v4 + v6)) = "$(json_sum rx_datagrams "$out")" ]
}

@test "each way in which a UDP server reads and answers" {
	local pair out
	for pair in send:read sendmsg:recvmsg mmsg:mmsg send:peek; do
		serve udp-server --method "${pair%:*}" --read "${pair#*:}"
		out=$NP_TMP/clients.$pair
		udp_client --to "$ADDR_B" --count 200 --size 777 --echo >"$out"
		udp_client --to "$ADDR_B" --count 200 --size 777 >>"$out"
		mirrors "$out"
	done
}

@test "a hostile process name arrives as it is" {
	start_bg server in_ns "$NS_B" "$work" server --comm 'a\x1b[31m"\\\n\xff'
	wait_ready server
	printf 'a\x1b[31m"\\\n\xff\n' | cmp - "/proc/$(bg_pid server)/comm"
	stop_bg server
	[ "$(bg_json server 'select(.role).comm | explode | map(tostring) | join(" ")')" = "97 27 91 51 49 109 34 92 10 255" ]
}

@test "what did not arrive is an error, not a number" {
	local status=0
	in_ns "$NS_A" "$work" client --to "$ADDR_B" --port 9 2>/dev/null || status=$?
	[ "$status" = 1 ]
	status=0
	in_ns "$NS_A" "$work" udp-client --to "$ADDR_B" --port 9 2>/dev/null || status=$?
	[ "$status" = 1 ]
}

@test "a loss at ingress is as many retransmissions as segments were dropped" {
	local out=$NP_TMP/clients dropped
	netns_plain
	serve server
	start_bg drop in_ns "$NS_B" "$(np_bin np-drop)" --dev "$VETH_B" --dport "$port" --every 50 --limit 20
	wait_ready drop
	client --to "$ADDR_B" --tx 10M --rx 24 >"$out"
	stop_bg drop
	dropped=$(bg_json drop 'select(.role == "drop").dropped_segs')
	[ "$dropped" = 20 ]
	[ "$(netns_count "$NS_A" TcpRetransSegs)" -ge "$dropped" ]
	[ "$(json_sum retrans "$out")" = "$(netns_count "$NS_A" TcpRetransSegs)" ]
	mirrors "$out"
}

# Packets that both ends have sent.
sent_packets() {
	{
		in_ns "$NS_A" ip -s -j link show dev "$VETH_A"
		in_ns "$NS_B" ip -s -j link show dev "$VETH_B"
	} | jq -s 'map(.[0].stats64.tx.packets) | add'
}

@test "np-unseen looks at every packet of both ends and every change of their connections, and hardly anything is hidden" {
	local before during after sent said
	before=$(sent_packets)
	serve server
	client --to "$ADDR_B" --conns 50 --tx 20000 --rx 30000 >"$NP_TMP/clients"
	stop_bg server
	during=$(sent_packets)
	stop_bg "unseen$NETNS_COUNT"
	after=$(sent_packets)
	said=$(bg_out "unseen$NETNS_COUNT")
	sent=$(json_sum sent "$said")
	cat "$said" && echo "$before, $during, $after"
	# Multicast reports go out now and then, also before it came and after it went.
	((sent >= during - before && sent <= after))
	# Each end at least is established, says FIN, has it acknowledged: its first states come before it can be watched.
	(($(json_sum changed "$said") >= 300))
	(($(json_sum unseen "$said") < sent / 10))
}

@test "a lost SYN, over IPv6" {
	local out=$NP_TMP/clients
	serve server
	start_bg drop in_ns "$NS_B" "$(np_bin np-drop)" --dev "$VETH_B" --match syn --limit 1
	wait_ready drop
	client --to "$ADDR6_B" >"$out"
	stop_bg drop
	[ "$(bg_json drop 'select(.role == "drop").dropped')" = 1 ]
	[ "$(netns_count "$NS_A" TcpRetransSegs)" = 1 ]
	mirrors "$out"
}

@test "idle connections are all there, a storm's are counted" {
	start_bg idle in_ns "$NS_A" "$work" idle --conns 3000 --procs 2
	wait_ready idle 30
	[ "$(in_ns "$NS_A" ss -tnH state established | wc -l)" = 6000 ]
	stop_bg idle
	local before after
	before=$(netns_count "$NS_A" TcpPassiveOpens)
	in_ns "$NS_A" "$work" storm --seconds 1 --procs 2 >"$NP_TMP/storm"
	after=$(netns_count "$NS_A" TcpPassiveOpens)
	[ "$(json_sum conns "$NP_TMP/storm")" = $((after - before)) ]
	[ "$(json_sum rx "$NP_TMP/storm")" = $(((after - before) * 64)) ]
}
