#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# np-work's known ends: what it says of them against the kernel's counters and ss.

load ../lib
load ../kernel/netns

setup() {
	need_root
	work=$(np_bin np-work)
	netns_up
	out=$NP_TMP/clients
}

teardown() {
	np_teardown
}

serve() { # MODE [OPTIONS]: in NS_B, on both families; the port goes to $port
	start_bg server in_ns "$NS_B" "$work" "$1" --listen :: "${@:2}"
	wait_ready server
	port=$(ready_port server)
}

end() { # HOW [OPTIONS]
	in_ns "$NS_A" timeout 60 "$work" end --how "$1" --to "$ADDR_B" --port "${port:-0}" --each "${@:2}" >>"$out"
}

hold() { # HOW [OPTIONS]: as end, until its phase
	start_held held in_ns "$NS_A" "$work" end --how "$1" --hold --to "$ADDR_B" --port "$port" --each "${@:2}"
	wait_line held '"phase":"established"' 20
}

# Lines of the file (or of the client's) for which the condition holds.
lines() { # CONDITION [FILE]
	json_lines "select($1) | 1" "${2:-$out}" | wc -l
}

count() { # a|b COUNTER
	local ns=$NS_A
	[[ $1 == b ]] && ns=$NS_B
	netns_count "$ns" "$2"
}

mirrors() { # FILE: what the clients say is the mirror of what the server says
	stop_bg server
	[ "$(json_sum tx "$1" '.comm')" = "$(json_sum rx "$(bg_out server)" '.comm')" ]
	[ "$(json_sum rx "$1" '.comm')" = "$(json_sum tx "$(bg_out server)" '.comm')" ]
}

in_state() { # NAMESPACE STATE N
	[ "$(in_ns "$1" ss -tanH state "$2" | wc -l)" = "$3" ]
}

@test "normal closes: FIN both ways, TIME_WAIT with whom was first, no reset" {
	serve end-server --each
	end client --conns 5 --tx 100000 --rx 200000
	wait_for 5 in_state "$NS_A" time-wait 5
	end server --conns 7 --parallel 7 --tx 3000 --rx 24
	wait_for 5 in_state "$NS_B" time-wait 7
	[ "$(lines '.conn != null and .errno == null and .tx == 100000 and .rx == 200000 and .lport > 0 and .waited_us == 0 and .handshake_us >= 0')" = 5 ]
	mirrors "$out"
	[ "$(lines '.how == "server" and .errno == null and .rx == 3000' "$(bg_out server)")" = 7 ]
	[ "$(count a TcpOutRsts)" = 0 ]
	[ "$(count b TcpOutRsts)" = 0 ]
}

@test "half closes: the other end still sends, later" {
	serve end-server --each
	end half --conns 2 --tx 5000 --rx 70000 --stall 300
	end half-server --conns 2 --tx 80000 --rx 9000 --stall 300
	[ "$(lines '.how == "half" and .waited_us >= 300000 and .rx == 70000')" = 2 ]
	[ "$(lines '.how == "half-server" and .closed_ns - .opened_ns >= 300000000 and .tx == 80000')" = 2 ]
	mirrors "$out"
	[ "$(count a TcpOutRsts)" = 0 ]
	[ "$(count b TcpOutRsts)" = 0 ]
}

@test "half closes can be seen half closed" {
	serve end-server
	start_held held in_ns "$NS_A" "$work" end --how half --to "$ADDR_B" --port "$port" --stall 1000
	wait_for 5 in_state "$NS_A" fin-wait-2 1
	in_state "$NS_B" close-wait 1
	stop_bg held 0
	start_held held in_ns "$NS_A" "$work" end --how half-server --to "$ADDR_B" --port "$port" --stall 1000
	wait_for 5 in_state "$NS_A" close-wait 1
	wait_for 5 in_state "$NS_B" fin-wait-2 1 # our acknowledgement may wait
	stop_bg held 0
	stop_bg server
}

@test "resets come from whom they should, one a connection, no byte lost" {
	serve end-server --each
	end rst-client --conns 3 --tx 50000 --rx 50000
	[ "$(count a TcpOutRsts) $(count b TcpOutRsts)" = "3 0" ]
	end rst-server --conns 4 --tx 50000 --rx 50000
	[ "$(count a TcpOutRsts) $(count b TcpOutRsts)" = "3 4" ]
	end abort-client --conns 5 --tx 50000 --rx 50000
	[ "$(count a TcpOutRsts) $(count b TcpOutRsts)" = "8 4" ]
	[ "$(count a TcpExtTCPAbortOnClose)" = 5 ]
	end abort-server --conns 6 --tx 50000 --rx 50000
	[ "$(count a TcpOutRsts) $(count b TcpOutRsts)" = "8 10" ]
	[ "$(count b TcpExtTCPAbortOnClose)" = 6 ]
	[ "$(lines '.errno == "ECONNRESET"')" = 10 ]
	mirrors "$out"
	[ "$(json_sum unread "$out")" = $((5 * 512)) ]
	[ "$(lines '.errno == "ECONNRESET"' "$(bg_out server)")" = 8 ]
}

@test "every end over IPv6 and mapped" {
	local how to
	serve end-server
	for how in client server half half-server rst-client rst-server abort-client abort-server killed killed-unread; do
		for to in "--to $ADDR6_B" "--to $ADDR_B --mapped"; do
			# shellcheck disable=SC2086 # options
			end "$how" $to --tx 1000 --rx 700 </dev/null
		done
	done
	mirrors "$out"
	[ "$(json_sum tx "$out" .comm)" = 20000 ]
}

@test "refused, unreachable, unanswered" {
	end refused --conns 3 --port 9
	[ "$(lines '.errno == "ECONNREFUSED" and .rport == 9 and .lport > 0 and .handshake_us == null')" = 3 ]
	[ "$(count b TcpOutRsts)" = 3 ]
	[ "$(count a TcpAttemptFails)" = 3 ]
	netns_hole 10.99.0.77 fd99::77
	end timeout --to 10.99.0.77 --conns 4 --parallel 4 --syncnt 1
	[ "$(lines '.errno == "ETIMEDOUT" and .raddr == "10.99.0.77" and .waited_us > 1000000')" = 4 ]
	[ "$(count a TcpExtTCPTimeouts)" -ge 4 ]
	[ "$(count a TcpRetransSegs)" = "$(json_sum retrans "$out")" ]
	end timeout --to fd99::77 --user-timeout 700
	[ "$(lines '.errno == "ETIMEDOUT" and .raddr == "fd99::77" and .waited_us > 650000')" = 1 ]
	end unreachable --to 10.99.0.78 --conns 2 --parallel 2
	[ "$(lines '.errno == "EHOSTUNREACH"')" = 2 ]
}

@test "given up in SYN_SENT" {
	netns_hole 10.99.0.77
	end giveup --to 10.99.0.77 --conns 6 --parallel 3 --stall 100
	[ "$(lines '.conn != null and .errno == null and .waited_us >= 100000')" = 6 ]
	[ "$(count a TcpActiveOpens)" = 6 ]
	in_state "$NS_A" all 0
	[ "$(count a TcpOutRsts)" = 0 ]
	# What answers is no such end.
	serve end-server
	local status=0
	end giveup --stall 100 || status=$?
	[ "$status" = 1 ]
	stop_bg server
}

@test "death while it writes: ETIMEDOUT by TCP_USER_TIMEOUT, with retransmissions" {
	serve end-server
	hold dead --conns 3 --tx 5000 --rx 6000 --user-timeout 1500
	in_state "$NS_A" established 3
	netns_cut
	tell held
	stop_bg held 0 20
	[ "$(lines '.errno == "ETIMEDOUT" and .waited_us > 1400000 and .retrans > 0' "$(bg_out held)")" = 3 ]
	[ "$(bg_json held 'select(.comm).lost')" -ge $((3 * 64)) ]
	[ "$(count a TcpExtTCPAbortOnTimeout)" = 3 ]
	[ "$(json_sum retrans "$(bg_out held)")" = "$(count a TcpRetransSegs)" ]
	mirrors "$(bg_out held)"
}

@test "death while it is idle: keepalive finds out" {
	serve end-server
	hold keepalive --conns 2 --keepcnt 2
	netns_cut
	tell held
	stop_bg held 0 20
	[ "$(lines '.errno == "ETIMEDOUT" and .waited_us > 2000000 and .waited_us < 5000000' "$(bg_out held)")" = 2 ]
	[ "$(count a TcpExtTCPKeepAlive)" = 4 ]
	[ "$(count a TcpExtTCPAbortOnTimeout)" = 2 ]
	mirrors "$(bg_out held)"
}

@test "an orphan stays with the kernel after its process" {
	serve end-server
	hold orphan --conns 2 --size 1000 --user-timeout 1500
	netns_cut
	tell held
	stop_bg held 0
	in_state "$NS_A" fin-wait-1 2
	[ "$(in_ns "$NS_A" ss -tanpH state fin-wait-1 | grep -c users:)" = 0 ]
	[ "$(bg_json held 'select(.comm).lost')" = 2000 ]
	wait_for 10 in_state "$NS_A" fin-wait-1 0
	[ "$(count a TcpExtTCPAbortOnTimeout)" = 2 ]
	mirrors "$(bg_out held)"
}

@test "killed: a FIN each, with unread bytes a reset each" {
	serve end-server --each
	hold killed --conns 3 --tx 4000 --rx 4000
	[ "$(in_ns "$NS_A" ss -tnpH "dport = $port" | grep -c "pid=$(bg_json held 'select(.phase).pid'),")" = 3 ]
	tell held
	stop_bg held 0
	[ "$(count a TcpOutRsts)" = 0 ]
	end killed-unread --conns 4 --tx 4000 --rx 4000
	[ "$(count a TcpOutRsts)" = 4 ]
	cat "$(bg_out held)" >>"$out"
	mirrors "$out"
	[ "$(lines '.conn != null and .errno == null' "$(bg_out server)")" = 3 ]
	[ "$(lines '.errno == "ECONNRESET"' "$(bg_out server)")" = 4 ]
}

@test "any end can be held back, and given up" {
	serve end-server
	hold rst-client --conns 4 --tx 100 --rx 100
	in_state "$NS_A" established 4
	[ "$(count a TcpOutRsts)" = 0 ]
	tell held
	stop_bg held 0
	[ "$(count a TcpOutRsts)" = 4 ]
	local status=0
	hold dead
	stop_bg held || status=$?
	[ "$status" = 1 ]
	[ "$(bg_json held 'select(.comm).conns')" = 1 ]
	stop_bg server
}

@test "each stall is one zero window, and ends" {
	# A stalled server puts off its last acknowledgement, for which the client would send a loss probe.
	in_ns "$NS_A" sysctl -qw net.ipv4.tcp_early_retrans=0
	serve stall-server --rcvbuf 32K --stall 600 --times 3
	in_ns "$NS_A" timeout 60 "$work" stall-client --to "$ADDR_B" --port "$port" --conns 2 --times 3 --tx 100000 --rx 100 --each >"$out"
	[ "$(count b TcpExtTCPToZeroWindowAdv)" = 6 ]
	[ "$(count b TcpExtTCPFromZeroWindowAdv)" = 6 ]
	[ "$(lines '.stall != null and .unread > 32768 and .end_ns - .start_ns >= 600000000' "$(bg_out server)")" = 6 ]
	[ "$(json_sum tx "$out" .comm)" = $((6 * 100000)) ]
	[ "$(count a TcpRetransSegs)" = 0 ]
	mirrors "$out"
}

@test "a plain client meets the stall too" {
	serve stall-server --rcvbuf 32K --stall 600
	in_ns "$NS_A" timeout 60 "$work" client --to "$ADDR_B" --port "$port" --tx 100000 >"$out"
	[ "$(count b TcpExtTCPToZeroWindowAdv)" = 1 ]
	mirrors "$out"
}

@test "who does not accept has a full queue, and whoever knocks waits" {
	start_bg deaf in_ns "$NS_B" "$work" deaf --listen "$ADDR_B" --backlog 4
	wait_ready deaf
	local to
	to=$(ready_port deaf)
	start_held knock in_ns "$NS_A" "$work" knock --to "$ADDR_B" --port "$to" --conns 12
	wait_line knock '"phase":"knocked"'
	[ "$(bg_json knock 'select(.phase) | "\(.established) \(.pending) \(.failed)"')" = "5 7 0" ]
	in_state "$NS_A" syn-sent 7
	[ "$(in_ns "$NS_B" ss -tlnH "sport = $to" | awk '{ print $2, $3 }')" = "5 4" ]
	[ "$(count b TcpExtListenOverflows)" -ge 7 ]
	tell knock
	stop_bg knock 0
	stop_bg deaf
	[ "$(bg_json deaf 'select(.comm).queued')" = 5 ]
}

@test "a reply comes after the time to think, not before, nor much later" {
	serve rr-server --think 5
	in_ns "$NS_A" timeout 60 "$work" rr --to "$ADDR_B" --port "$port" --count 20 --tx 300 --rx 5000 --gap 1ms --each >"$out"
	[ "$(lines '.request != null and .call_us >= 5000 and .call_us >= .art_us')" = 20 ]
	[ "$(lines '.comm and .count == 20 and .art_us.min > 4000 and .art_us.p50 < 10000 and .art_us.max >= .art_us.p99')" = 1 ]
	[ "$(json_sum rx "$out" .comm)" = 100000 ]
	mirrors "$out"
}

@test "with --quickack each request has an acknowledgement of its own" {
	local before after
	# A loss probe, for a request that is not acknowledged at once, would be acknowledged.
	in_ns "$NS_A" sysctl -qw net.ipv4.tcp_early_retrans=0
	serve rr-server --think 2
	before=$(count a TcpInSegs)
	in_ns "$NS_A" timeout 60 "$work" rr --to "$ADDR_B" --port "$port" --count 100 --tx 100 --rx 100 >"$out"
	after=$(count a TcpInSegs)
	[ $((after - before)) -lt 150 ]
	mirrors "$out"
	serve rr-server --think 2 --quickack
	before=$(count a TcpInSegs)
	in_ns "$NS_A" timeout 60 "$work" rr --to "$ADDR_B" --port "$port" --count 100 --tx 100 --rx 100 >"$out"
	after=$(count a TcpInSegs)
	[ $((after - before)) -ge 200 ]
	mirrors "$out"
}
