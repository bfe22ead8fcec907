#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What npretrans tells is what happened: each chosen loss, 23 times, and the kernel's own counters beside it.

# shellcheck disable=SC2154 # port is of nptop.bash

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
load link
load retrans

setup() {
	need_root
	work=$(np_bin np-work)
}

teardown() {
	np_teardown
}

@test "the first SYN is lost 23 times: cause syn, and whose it is" {
	link_up --delay 5ms --drop kind=syn
	serve server
	anom_start
	lossy --tx 3000
	anom_stop
	anom_is 'a retrans syn 23 23'
	[ "$(netns_count "$NS_A" TcpExtTCPSynRetrans)" = 23 ]
	[ "$(anom_count ".pid == $CLIENT and .comm == \"np-work\" and .nth == 1 and .seq == 0 and .len == 0 and .state == \"syn-sent\" and .remote == \"$ADDR_B:$port\"")" = 23 ]
	[ "$(anom .local | sort -u | grep -c "^$ADDR_A:")" = 23 ]
}

@test "the SYN-ACK is lost 23 times: it is the listener's, and the SYN may come again" {
	local again
	link_up --delay 5ms --drop kind=synack
	serve server
	anom_start
	lossy --tx 3000
	anom_stop
	again=$(netns_count "$NS_A" TcpRetransSegs)
	# Timers of 1 s run at both ends: who is first has the other repeat its part as well.
	[ "$again" -le 23 ]
	[ "$(anom_count '.ns == "b" and .event == "synack-retrans" and .nth == 1')" = 23 ]
	[ "$(anom_sum '.ns == "b" and .event == "synack-retrans"' segs)" = "$(netns_count "$NS_B" TcpRetransSegs)" ]
	[ "$(anom_sum '.ns == "a" and .cause == "syn"' segs)" = "$again" ]
	[ "$(anom 'select(.nth == 1 and .event == "synack-retrans") | .remote' | sort -u | wc -l)" = 23 ]
	[ "$(anom_count ".ns == \"b\" and (.pid != $(bg_pid server) or .comm != \"np-work\")")" = 0 ]
	# A SYN that comes again is no overflow, though the listener counts it as a drop.
	[ "$(anom_count '.event | test("retrans$") | not')" = 0 ]
}

@test "a segment in the middle is lost 23 times: fast" {
	link_up --delay 5ms --drop dir=ab,byte=20000
	serve server
	anom_start
	lossy --tx 60000
	anom_stop
	anom_is 'a retrans fast 23 23'
	[ "$(netns_count "$NS_A" TcpExtTCPFastRetrans)" = 23 ]
	[ "$(anom_count ".pid == $CLIENT and .comm == \"np-work\" and .nth == 1 and .seq < 20000 and .seq + .len >= 20000 and .len == 1448 and .state == \"established\" and .cwnd > 0 and .rtt >= 0.01")" = 23 ]
	# Byte 20,000 is in the 14th segment.
	[ "$(anom .seq | sort -u)" = $((13 * 1448)) ]
	[ "$(json_sum retrans "$NP_TMP/lossy")" = 23 ]
	[ "$(anom_sum true len)" = "$(json_sum retrans_bytes "$NP_TMP/lossy")" ]
}

@test "the server's segments too: their process, their bytes" {
	link_up --delay 5ms --drop dir=ba,byte=20000
	serve server
	anom_start
	lossy --tx 24 --rx 60000
	anom_stop
	anom_is 'b retrans fast 23 23'
	[ "$(anom_count ".pid == $(bg_pid server) and .comm == \"np-work\" and .local == \"$ADDR_B:$port\" and .seq == $((13 * 1448)) and .len == 1448")" = 23 ]
	[ "$(anom .remote | sort -u | wc -l)" = 23 ]
}

@test "the tail is lost 23 times: a loss probe; where that is lost too, a timeout" {
	link_up --delay 5ms --drop dir=ab,byte=60000
	serve server
	anom_start
	lossy --tx 60000
	link_tell clear
	link_tell drop dir=ab,byte=60000,times=2
	lossy --tx 60000
	anom_stop
	anom_is 'a retrans rto 23 23
a retrans tlp 46 46'
	[ "$(netns_count "$NS_A" TcpExtTCPLossProbes)" = 46 ]
	[ "$(netns_count "$NS_A" TcpExtTCPTimeouts)" = 23 ]
	[ "$(anom_count '.cause == "tlp" and .nth == 1')" = 46 ]
	[ "$(anom_count ".cause == \"rto\" and .nth == 2 and .pid == $CLIENT")" = 23 ]
	[ "$(anom '"\(.seq) \(.len)"' | sort -u)" = "$((41 * 1448)) $((60000 - 41 * 1448))" ]
}

@test "an ACK is lost 23 times: one that others follow costs nothing, the last one a needless probe" {
	local n
	link_up --delay 5ms --drop dir=ab,kind=ack,nth=6
	serve server
	anom_start
	lossy --tx 24 --rx 60000
	[ "$(link_count .ab.kinds.ack)" = 23 ]
	[ "$(netns_count "$NS_B" TcpRetransSegs)" = 0 ]
	link_tell clear
	# The first is the handshake's, the second that of the reply; then all is quiet.
	link_tell drop dir=ab,kind=ack,nth=2
	start_held held in_ns "$NS_A" "$work" client --to "$ADDR_B" --port "$port" --threads 23 --hold --tx 24 --rx 1000
	wait_round held 1
	# What is lost depends on the order of ACKs, which load may change for one: the kernel has the number.
	probed() { [ "$(netns_count "$NS_A" TcpExtTCPDSACKOldSent)" = "$(netns_count "$NS_B" TcpExtTCPLossProbes)" ] && [ "$(link_count .ab.kinds.ack)" = 46 ]; }
	wait_for 10 probed && sleep 1 && wait_for 10 probed
	stop_bg held
	anom_stop
	n=$(netns_count "$NS_B" TcpExtTCPLossProbes)
	echo "$n of 23 were probed for"
	((n >= 20))
	anom_is "b retrans tlp $n $n"
	[ "$(anom_count ".pid == $(bg_pid server) and .seq == 0 and .len == 1000 and .nth == 1")" = "$n" ]
}

@test "a reader that stops for 300 ms, 23 times: zero windows at both ends, with their durations" {
	netns_up
	# A stalled server puts off its last acknowledgement, for which the client would send a loss probe.
	in_ns "$NS_A" sysctl -qw net.ipv4.tcp_early_retrans=0
	serve stall-server --rcvbuf 32K --stall 300 --times 23
	anom_start
	in_ns "$NS_A" timeout 60 "$work" stall-client --to "$ADDR_B" --port "$port" --times 23 --tx 100000 --rx 100 >"$NP_TMP/stalls"
	anom_stop
	[ "$(netns_count "$NS_B" TcpExtTCPToZeroWindowAdv)" = 23 ]
	[ "$(netns_count "$NS_B" TcpExtTCPFromZeroWindowAdv)" = 23 ]
	[ "$(anom_kinds | grep -vc zero-window)" = 0 ]
	# An episode that a walk met is shown as such, once, and counts once.
	echo "a: $(anom_sum '.ns == "a" and .who == "remote"' events), b: $(anom_sum '.ns == "b" and .who == "local"' events); $(grep skipped "$(bg_err anom)")"
	[ "$(anom_sum '.ns == "b" and .who == "local"' events)" = 23 ]
	[ "$(anom_sum '.ns == "a" and .who == "remote"' events)" = 23 ]
	[ "$(anom_count '.ongoing == false')" = 46 ]
	[ "$(anom_count ".ns == \"b\" and .pid == $(bg_pid server) and .comm == \"np-work\"")" = "$(anom_count '.ns == "b"')" ]
	[ "$(anom_count ".ns == \"a\" and .pid == $(jq .pid "$NP_TMP/stalls")")" = "$(anom_count '.ns == "a"')" ]
	anom 'select(.ongoing == false) | "\(.ns) \(.duration)"' | sort | uniq -c
	# The first may begin one delayed acknowledgement late: in slow start the window may fill in two steps.
	[ "$(anom 'select(.ongoing == false and .ns == "b").duration' | awk 'NR == 1 ? $1 < 0.235 || $1 >= 0.4 : $1 < 0.285 || $1 >= 0.4')" = '' ]
	# The peer hears of the begin by an acknowledgement that waits for 40 ms, or for its next segment, after which another one waits.
	[ "$(anom_count '.ongoing == false and .ns == "a" and .duration >= 0.15 and .duration < 0.4')" = 23 ]
}

@test "a window that is zero when we come: both ends tell it, since the last acknowledgement" {
	netns_up
	serve stall-server --rcvbuf 32K --stall 4000 --times 1
	start_bg client in_ns "$NS_A" timeout 60 "$work" stall-client --to "$ADDR_B" --port "$port" --times 1 --tx 100000 --rx 100
	stuck() { [ "$(netns_count "$NS_B" TcpExtTCPToZeroWindowAdv)" -ge 1 ]; }
	wait_for 10 stuck
	anom_start
	resumed() { [ "$(netns_count "$NS_B" TcpExtTCPFromZeroWindowAdv)" -ge 1 ]; }
	wait_for 20 resumed
	stop_bg client 0
	anom_stop
	anom 'select(.event == "zero-window") | tojson'
	for ns in a b; do
		[ "$(anom_count ".ns == \"$ns\" and .event == \"zero-window\" and .ongoing == false and .duration > 0 and .duration < 4.5")" = 1 ]
		[ "$(anom_sum ".ns == \"$ns\" and .event == \"zero-window\"" events)" = 1 ]
	done
}

@test "a listener that never accepts: each drop of its queue is counted, and its process named" {
	netns_up
	start_bg deaf in_ns "$NS_B" "$work" deaf --listen "$ADDR_B" --backlog 4
	wait_ready deaf
	anom_start -I 200ms
	start_held knock in_ns "$NS_A" "$work" knock --to "$ADDR_B" --port "$(ready_port deaf)" --conns 28
	wait_line knock '"phase":"knocked"'
	overflown() { [ "$(netns_count "$NS_B" TcpExtListenOverflows)" -ge 46 ]; }
	wait_for 10 overflown
	tell knock
	stop_bg knock 0
	counted() { [ "$(anom_sum '.event == "listen-overflow"' events)" = "$(netns_count "$NS_B" TcpExtListenDrops)" ]; }
	wait_for 10 counted
	anom_stop
	stop_bg deaf
	anom 'select(.event == "listen-overflow") | tojson'
	[ "$(anom_sum '.event == "listen-overflow"' events)" = "$(netns_count "$NS_B" TcpExtListenDrops)" ]
	[ "$(netns_count "$NS_B" TcpExtListenDrops)" = "$(netns_count "$NS_B" TcpExtListenOverflows)" ]
	[ "$(anom_count ".event == \"listen-overflow\" and (.limit != 4 or .backlog != 5 or .comm != \"np-work\" or .pid != $(bg_json deaf 'select(.comm).pid'))")" = 0 ]
	# The clients' SYNs came again meanwhile, and in the end they gave up.
	[ "$(anom_sum '.ns == "a" and .cause == "syn"' segs)" = "$(netns_count "$NS_A" TcpRetransSegs)" ]
	[ "$(anom_count '.ns == "a" and .event == "connect-fail" and .reason == "given-up" and .duration > 0.4')" = 23 ]
}

@test "resets both ways, by whom and why; a closed port's too" {
	netns_up
	serve end-server
	anom_start
	end rst-client --conns 23 --tx 5000 --rx 5000
	end rst-server --conns 23 --tx 5000 --rx 5000
	end abort-client --conns 23 --tx 5000 --rx 5000
	end abort-server --conns 23 --tx 5000 --rx 5000
	end refused --conns 23 --port 9
	anom_stop
	anom '"\(.ns) \(.event) \(.reason) \(.pid)"' | sort | uniq -c
	[ "$(anom_count '.ns == "a" and .event == "rst-sent"')" = "$(netns_count "$NS_A" TcpOutRsts)" ]
	[ "$(anom_count '.ns == "b" and .event == "rst-sent"')" = "$(netns_count "$NS_B" TcpOutRsts)" ]
	[ "$(netns_count "$NS_A" TcpOutRsts) $(netns_count "$NS_B" TcpOutRsts)" = '46 69' ]
	[ "$(anom_count ".ns == \"a\" and .event == \"rst-sent\" and .pid == $(end_pid rst-client)")" = 23 ]
	[ "$(anom_count ".ns == \"a\" and .event == \"rst-sent\" and .pid == $(end_pid abort-client) and .reason == \"tcp_abort_on_close\"")" = 23 ]
	[ "$(anom_count ".ns == \"b\" and .event == \"rst-sent\" and .pid == $(bg_pid server)")" = 46 ]
	[ "$(anom_count '.ns == "b" and .event == "rst-sent" and .reason == "no_socket" and .pid == null and .local == "'"$ADDR_B"':9"')" = 23 ]
	[ "$(anom_count ".ns == \"b\" and .event == \"rst-recv\" and .pid == $(bg_pid server) and .who == \"remote\"")" = 46 ]
	[ "$(anom_count ".ns == \"a\" and .event == \"rst-recv\" and .pid == $(end_pid rst-server)")" = 23 ]
	[ "$(anom_count ".ns == \"a\" and .event == \"rst-recv\" and .pid == $(end_pid abort-server)")" = 23 ]
	[ "$(anom_count ".ns == \"a\" and .event == \"rst-recv\" and .pid == $(end_pid refused) and .state == \"syn-sent\"")" = 23 ]
	[ "$(anom_count '.event | IN("rst-sent", "rst-recv", "connect-fail") | not')" = 0 ]
}

@test "connects that fail: refused, unanswered, unreachable, given up; who waited, and how long" {
	netns_up
	netns_hole 10.99.0.77
	anom_start --events connect-fail
	end refused --conns 23 --port 9
	end giveup --to 10.99.0.77 --conns 4 --parallel 4 --stall 100
	start_bg far in_ns "$NS_A" "$work" end --how unreachable --to 10.99.0.78 --conns 2 --parallel 2
	end timeout --to 10.99.0.77 --conns 4 --parallel 4 --syncnt 1
	stop_bg far 0
	anom_stop
	cat "$(bg_out far)" >>"$NP_TMP/ends"
	anom '"\(.event) \(.reason) \(.pid) \(.comm) \(.duration) \(.nth)"' | sort | uniq -c
	[ "$(anom_count true)" = 33 ]
	[ "$(anom_count ".reason == \"refused\" and .pid == $(end_pid refused) and .remote == \"$ADDR_B:9\"")" = 23 ]
	[ "$(anom_count ".reason == \"given-up\" and .pid == $(end_pid giveup) and .duration >= 0.099 and .duration < 1")" = 4 ]
	[ "$(anom_count ".reason == \"timeout\" and .pid == $(end_pid timeout) and .duration >= 2.9 and .nth >= 1")" = 4 ]
	[ "$(anom_count ".reason == \"unreachable\" and .pid == $(end_pid unreachable) and .duration > 1")" = 2 ]
	[ "$(anom_count '.state == "syn-sent" and .comm == "np-work"')" = 33 ]
}

@test "connects that fail, whose process takes the error before it is reported" {
	(($(nproc) > 1)) || skip 'needs two processors'
	netns_up
	netns_hole 10.99.0.77
	anom_start --events connect-fail
	# A timer of an idle processor goes to another one.
	start_bg busy taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')" sh -c 'while :; do :; done'
	end timeout --to 10.99.0.77 --conns 23 --parallel 23 --syncnt 1 --ask
	stop_bg busy || true
	end refused --conns 23 --port 9 --ask
	anom_stop
	anom '"\(.reason) \(.pid) \(.comm) \(.duration) \(.nth)"' | sort | uniq -c
	[ "$(anom_count true)" = 46 ]
	[ "$(anom_count ".reason == \"timeout\" and .pid == $(end_pid timeout) and .duration >= 2.9 and .nth >= 1")" = 23 ]
	[ "$(anom_count ".reason == \"refused\" and .pid == $(end_pid refused)")" = 23 ]
}

@test "connections that die: by retransmissions, by keepalive" {
	netns_up
	serve end-server
	anom_start --events timeout,retrans,connect-fail
	start_held dead in_ns "$NS_A" "$work" end --how dead --hold --conns 3 --tx 5000 --rx 6000 --user-timeout 1500 --to "$ADDR_B" --port "$port"
	start_held alive in_ns "$NS_A" "$work" end --how keepalive --hold --conns 2 --keepcnt 2 --to "$ADDR_B" --port "$port"
	wait_line dead '"phase":"established"' 20
	wait_line alive '"phase":"established"' 20
	netns_cut
	tell dead
	tell alive
	stop_bg dead 0 30
	stop_bg alive 0 30
	anom_stop
	anom 'select(.event == "timeout") | tojson'
	[ "$(anom_count '.event == "timeout"')" = "$(netns_count "$NS_A" TcpExtTCPAbortOnTimeout)" ]
	[ "$(anom_count ".event == \"timeout\" and .pid == $(bg_json dead 'select(.comm).pid') and .duration > 1")" = 3 ]
	[ "$(anom_count ".event == \"timeout\" and .pid == $(bg_json alive 'select(.comm).pid')")" = 2 ]
	anom_kinds
	[ "$(anom_sum '.ns == "a" and .event == "retrans"' segs)" = "$(netns_count "$NS_A" TcpRetransSegs)" ]
}

@test "half-closed for more than 5 s: told when that is known and when it ends, and counted once" {
	netns_up
	serve end-server
	anom_start -I 250ms
	end half --conns 3 --stall 300
	start_bg server_first in_ns "$NS_A" "$work" end --how half-server --to "$ADDR_B" --port "$port" --stall 6500
	end half --stall 6500
	stop_bg server_first 0 20
	closed() { [ "$(anom_count '.ongoing == false')" = 4 ]; }
	wait_for 10 closed
	anom_stop
	anom tojson
	[ "$(anom_kinds | grep -vc half-close)" = 0 ]
	# Of each of the two, both ends are here.
	[ "$(anom_count '.ongoing and .duration >= 5 and .duration < 6.4')" = 4 ]
	[ "$(anom_count '.ongoing == false and .duration >= 5.5 and .duration < 9')" = 4 ]
	[ "$(anom_sum true events)" = 4 ]
	[ "$(anom_count ".ns == \"a\" and .pid == $(end_pid half) and .who == \"local\" and .state == \"fin-wait-2\"")" = 2 ]
	[ "$(anom_count ".ns == \"b\" and .pid == $(bg_pid server) and .who == \"remote\" and .state == \"close-wait\"")" = 2 ]
}
