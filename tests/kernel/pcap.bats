#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What a capture tells is what happened: workloads with known losses, resets, windows and ends, captured by tcpdump at both ends;
# the kernel's own counters, np-work's bytes and tshark beside what our programs read from the files.

# shellcheck disable=SC2154 # port is of nptop.bash

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
load link
load retrans
load pcap

setup() {
	need_root
	work=$(np_bin np-work)
}

teardown() {
	np_teardown
}

@test "SYN, SYN-ACK, middle and tail lost 23 times each: as often as the kernel sent again, and as tshark says" {
	link_up --delay 5ms --drop kind=syn
	serve server
	capture
	lossy --tx 3000
	for what in kind=synack dir=ab,byte=20000 dir=ab,byte=60000 dir=ba,byte=20000; do
		link_tell clear
		link_tell drop "$what"
		lossy --tx 60000 --rx 60000
	done
	drained
	captured
	[ "$(again a local)" = "$(netns_count "$NS_A" TcpRetransSegs)" ]
	[ "$(again b remote)" = "$(netns_count "$NS_B" TcpRetransSegs)" ]
	[ "$(told a '.event == "retrans" and .cause == "syn" and .who == "local"')" = "$(netns_count "$NS_A" TcpExtTCPSynRetrans)" ]
	[ "$(told a '.event == "retrans" and .cause == "fast" and .who == "local"')" -ge 20 ]
	[ "$(told b '.event == "synack-retrans"')" -ge 23 ]
	as_tshark
}

@test "1 % lost, 1 % held back: each segment that the kernel sent again, no other" {
	link_up --delay 2ms --jitter 1ms --loss 1 --reorder 1 --hold 4ms --seed 7
	serve server
	capture
	lossy --conns 3 --tx 200000 --rx 200000
	drained
	captured
	echo "a: $(again a local) of $(netns_count "$NS_A" TcpRetransSegs); b: $(again b local) of $(netns_count "$NS_B" TcpRetransSegs)"
	[ "$(again a local)" = "$(netns_count "$NS_A" TcpRetransSegs)" ]
	[ "$(sum_of a tx_bytes)" = "$(json_sum tx "$NP_TMP/lossy" '.role == "client"')" ]
	[ "$(sum_of a rx_bytes)" = "$(json_sum rx "$NP_TMP/lossy" '.role == "client"')" ]
	[ "$(sum_of b tx_bytes)" = "$(sum_of a tx_bytes)" ]
	[ "$(flows_of a '.end == "closed"')" = 69 ]
	as_tshark
}

@test "a reader that stops: its zero windows, as long as it stopped" {
	netns_up
	in_ns "$NS_A" sysctl -qw net.ipv4.tcp_early_retrans=0
	serve stall-server --rcvbuf 32K --stall 300 --times 23
	capture
	in_ns "$NS_A" timeout 60 "$work" stall-client --to "$ADDR_B" --port "$port" --times 23 --tx 100000 --rx 100 >"$NP_TMP/stalls"
	captured
	[ "$(told a '.event == "zero-window" and .who == "remote" and .ongoing == false')" = 23 ]
	[ "$(told a '.event == "zero-window" and .who == "remote" and .duration > 0.15 and .duration < 0.4')" -ge 20 ]
	[ "$(told a '.event == "zero-window" and .who == "local"')" = 0 ]
	as_tshark
}

@test "ends: closed by either, reset by either, half-closed, refused, unanswered" {
	netns_up
	netns_hole 10.99.0.77
	serve end-server
	capture
	end client --conns 5 --tx 5000 --rx 5000
	end server --conns 6 --tx 5000 --rx 5000
	end rst-client --conns 7 --tx 5000 --rx 5000
	end rst-server --conns 8 --tx 5000 --rx 5000
	end abort-client --conns 9 --tx 5000 --rx 5000
	end half --stall 6500
	end refused --conns 10 --port 9
	end giveup --to 10.99.0.77 --conns 4 --parallel 4 --stall 100
	captured
	flows a
	[ "$(flows_of a '.end == "closed" and .closed_by == "local"')" = 6 ]
	[ "$(flows_of a '.end == "closed" and .closed_by == "remote"')" = 6 ]
	[ "$(flows_of a '.end == "reset-sent"')" = 16 ]
	[ "$(flows_of a '.end == "reset-recv"')" = 8 ]
	[ "$(flows_of a '.end == "refused" and .event == "fail" and .remote == "'"$ADDR_B"':9"')" = 10 ]
	[ "$(flows_of a '.end == "unanswered" and .event == "fail"')" = 4 ]
	[ "$(told a '.event == "connect-fail" and .reason == "refused"')" = 10 ]
	[ "$(told a '.event == "connect-fail" and .reason == "unanswered"')" = 4 ]
	[ "$(told a '.event == "rst-sent"')" = "$(netns_count "$NS_A" TcpOutRsts)" ]
	[ "$(told a '.event == "half-close" and .who == "local" and .duration >= 6 and .duration < 9 and .ongoing == false')" = 1 ]
	[ "$(sum_of a tx_bytes)" = "$(jq -nR '[inputs | fromjson? | .tx // 0] | add' "$NP_TMP/ends")" ]
	as_tshark
}

@test "times: each end sees its part of a handshake, and the round trips of what it sent" {
	link_up --delay 20ms
	serve rr-server --think 30ms
	capture
	in_ns "$NS_A" timeout 60 "$work" rr --to "$ADDR_B" --port "$port" --count 5 --tx 100 --rx 200 >"$NP_TMP/rr"
	captured
	"$(np_bin nprtt)" -r "$NP_TMP/a.pcap" -J --by connection --syn --srt --art --local "$ADDR_A" -o +syn_rtt_server,syn_rtt_client tcp >"$NP_TMP/ta"
	"$(np_bin nprtt)" -r "$NP_TMP/b.pcap" -J --by connection --syn --srt --art --local "$ADDR_B" -o +syn_rtt_server,syn_rtt_client tcp >"$NP_TMP/tb"
	cat "$NP_TMP/ta" "$NP_TMP/tb"
	jq -e '.side == "client" and .syn_rtt_server >= 0.04 and .syn_rtt_client < 0.01 and .rtt_samples > 5 and .rtt_min >= 0.04 and .art_samples == 5 and .art_p50 >= 0.07' "$NP_TMP/ta"
	jq -e '.side == "server" and .syn_rtt_client >= 0.04 and .syn_rtt_server < 0.01 and .rtt_samples > 5 and .rtt_min >= 0.04 and .art_samples == 5 and .art_p50 >= 0.03 and .art_p50 < 0.06' "$NP_TMP/tb"
	as_tshark
}

@test "of any interface (SLL2): who sent it says which end is local" {
	netns_up
	serve server
	start_bg any in_ns "$NS_B" tcpdump -i any -y LINUX_SLL2 -w "$NP_TMP/any.pcap" -B 65536 -U --immediate-mode -Z root
	wait_for 10 grep -q 'listening on' "$(bg_err any)"
	in_ns "$NS_A" timeout 60 "$work" client --to "$ADDR_B" --port "$port" --conns 3 --tx 5000 --rx 70 >"$NP_TMP/said"
	marked any
	[ "$(flows_of any ".side == \"server\" and .local == \"$ADDR_B:$port\" and .tx_bytes == 70 and .rx_bytes == 5000")" = 3 ]
}
