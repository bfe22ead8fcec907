#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# nprtt's times are the wire's and the workload's own: a known delay each way, a known time to think, `ss -ti` beside it. Within
# 5 % or 200 us; medians and minimums, since the machine may be busy.

# shellcheck disable=SC2154 # port is of nptop.bash

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
load link
load rtt

setup() {
	need_root
}

teardown() {
	np_teardown
}

# At rest: each connection's rtt and min_rtt are ss's, and its samples what the wire makes of them.
agrees_with_ss() { # ROUND-TRIP
	local want=$1 ns at rtt min got
	top_refresh t >/dev/null || return
	for ns in "$NS_A" "$NS_B"; do
		while read -r at rtt min; do
			got=$(rtt_last t "select(.netns == \"$ns\" and \"\(.lport),\(.raddr):\(.rport)\" == \"$at\") |
				\"\(.rtt | round) \(.min_rtt | round) \(.rtt_min) \(.rtt_p50) \(.rtt_samples > 10 and .rtt_samples <= .rx_segs)\"")
			echo "$want: ss $rtt $min, nprtt $got"
			# shellcheck disable=SC2086 # its words
			set -- $got
			[[ "$1 $2 $5" == "$rtt $min true" ]] && near "$want" "$3" "$4" && near "$min" "$3" || return
		done < <(ss_times "$ns")
	done
}

# wire_is ROUND-TRIP COUNT: over IPv4 and IPv6 at once, both sides.
wire_is() {
	rr v4 "$ADDR_B" --count 100000
	rr v6 "$ADDR6_B" --count 100000
	sleep "$(($1 * $2 / 1000 + 300000))e-6"
	signal_bg v4 STOP
	signal_bg v6 STOP
	sleep "$(($1 + 50000))e-6"
	[ "$(ss_times "$NS_A" | wc -l)" = 2 ] && [ "$(ss_times "$NS_B" | wc -l)" = 2 ] || exit 1
	agrees_with_ss "$1"
	local status=$?
	signal_bg v4 CONT
	signal_bg v6 CONT
	stop_bg v4 || true
	stop_bg v6 || true
	return "$status"
}

@test "round trips are the wire's on both sides, over IPv4 and IPv6, as ss -ti has them" {
	link_up --delay 1ms
	serve rr-server
	rtt_start t
	wait_for 40 wire_is 2000 100000
	link_tell delay 10ms
	wait_for 40 wire_is 20000 30000
	link_tell delay 60ms
	wait_for 40 wire_is 120000 15000
	link_tell delay 5ms ab
	link_tell delay 15ms ba
	wait_for 40 wire_is 20000 30000
	link_count '[.ab, .ba | .late_us]'
	stop_bg server
	top_stop t
	[ "$(rtt_side t client "$port" .side | sort -u)" = client ]
	[ "$(rtt_side t server "$port" .side | sort -u)" = server ]
	[ "$(rtt_side t client "$port" '.rtt_samples' | wc -l)" -ge 8 ]
}

@test "jitter: least, median and spread are those of the wire" {
	# A frame at a time: twice 8 ms, each 2 ms more or less: 12 to 20 ms, as two dice.
	link_up --delay 8ms --jitter 2ms
	serve rr-server
	rtt_start t
	rr_run v4 "$ADDR_B" --count 250
	stop_bg server
	top_stop t
	local side min p50 p90 max
	for side in client server; do
		read -r min p50 p90 max < <(rtt_side t "$side" "$port" '"\(.rtt_min) \(.rtt_p50) \(.rtt_p90) \(.rtt_max)"')
		echo "$side: $min $p50 $p90 $max"
		# a tenth lies above 20 - 4 * sqrt(0.2) ms
		near 16000 "$p50"
		near 18211 "$p90"
		awk -v min="$min" -v max="$max" 'BEGIN { exit !(min >= 12000 && min < 13200 && max > 18800) }'
	done
}

@test "the handshake, also where its SYN or its SYN-ACK is lost" {
	link_up --delay 10ms
	serve rr-server
	rtt_start t
	rr_run plain "$ADDR_B" --count 1 --procs 10
	link_tell drop kind=syn
	rr_run syn "$ADDR6_B" --count 1
	link_tell clear
	link_tell drop kind=synack
	rr_run synack "$ADDR_B" --count 1
	stop_bg server
	top_stop t
	rtt_last t '"\(.side) \(.syn_samples) \(.syn_p50) \(.pid) \(.rtt_min)"'
	[ "$(rtt_last t .syn_samples | sort | uniq -c | xargs)" = '24 1' ]
	near 20000 "$(rtt_side t client "$port" "select(.pid != $(said_pid syn) and .pid != $(said_pid synack)) | .syn_p50" | sort -n | sed -n 5p)"
	near 20000 "$(rtt_side t server "$port" "select(.syn_p50 < 500000) | .syn_p50" | sort -n | sed -n 5p)"
	# The kernel repeats it after a second. Of a SYN that never came the server knows nothing.
	near 1020000 "$(rtt_side t client "$port" "select(.pid == $(said_pid syn)) | .syn_p50")"
	near 1020000 "$(rtt_side t client "$port" "select(.pid == $(said_pid synack)) | .syn_p50")"
	near 20000 "$(rtt_side t server "$port" "select(.raddr == \"$ADDR6_A\") | .syn_p50")"
	near 1020000 "$(rtt_side t server "$port" 'select(.syn_p50 > 500000) | .syn_p50')"
}

@test "response times: the client's with the network, the server's without" {
	link_up --delay 10ms
	serve rr-server --think 30 --quickack
	rtt_start t
	rr_run v6 "$ADDR6_B" --count 30
	rr_run v4 "$ADDR_B" --count 30 --gap 5
	stop_bg server
	top_stop t
	rtt_last t '"\(.side) art \(.art_samples) \(.art_min) \(.art_p50) srt \(.srt_samples) \(.srt_min) \(.srt_p50)"'
	[ "$(rtt_last t '"\(.art_samples) \(.srt_samples)"' | sort | uniq -c | xargs)" = '4 30 30' ]
	near 50000 $(rtt_side t client "$port" .art_p50)
	near 30000 $(rtt_side t server "$port" .art_p50)
	near 20000 $(rtt_side t client "$port" .srt_p50)
	near 0 $(rtt_side t server "$port" .srt_p50)
}

# What a server does not confirm before it answers has no system response time.
@test "a delayed acknowledgement is the system's time, one that comes with the reply is none" {
	link_up --delay 10ms
	serve rr-server --think 5
	rtt_start t
	rr_run fast "$ADDR_B" --count 40
	stop_bg server
	local fast=$port
	# longer than the kernel puts off: 40 ms
	serve rr-server --think 100
	rr_run slow "$ADDR_B" --count 20
	stop_bg server
	top_stop t
	rtt_last t '"\(.side) art \(.art_samples) \(.art_min) \(.art_p50) srt \(.srt_samples) \(.srt_min) \(.srt_p50) \(.srt_max)"'
	near 25000 "$(rtt_side t client "$fast" .art_p50)"
	near 5000 "$(rtt_side t server "$fast" .art_p50)"
	# it begins with some quick ones
	[ "$(rtt_side t client "$fast" '.art_samples == 40 and .srt_samples <= 16')" = true ]
	near 120000 "$(rtt_side t client "$port" .art_p50)"
	near 100000 "$(rtt_side t server "$port" .art_p50)"
	[ "$(rtt_side t client "$port" '.art_samples == 20 and .srt_samples == 20 and .srt_min >= 20000 and .srt_p50 < 80000')" = true ]
	[ "$(rtt_side t server "$port" '.art_samples == 20 and .srt_samples == 20 and .srt_p50 < 60000')" = true ]
}

@test "loss, repeats and reordering make no false samples" {
	link_up --delay 10ms
	serve rr-server
	rtt_start t
	# One segment of many: its repeat comes about 200 ms later, and what confirms it is no round trip of the first.
	link_tell drop kind=data,dir=ab,nth=20
	rr_run once "$ADDR_B" --count 40
	local once=$port
	stop_bg server
	serve rr-server
	link_tell clear
	link_tell loss 2
	link_tell reorder 2
	link_tell hold 4ms
	rr_run v4 "$ADDR_B" --count 60 --procs 3
	rr_run v6 "$ADDR6_B" --count 60 --procs 3
	stop_bg server
	serve server
	client --to "$ADDR_B" --tx 300K --rx 300K
	stop_bg server
	top_stop t
	rtt_last t '"\(.side) \(.rtt_samples) \(.rx_segs) \(.rtt_min) \(.rtt_p50) \(.rtt_max)"'
	[ "$(json_sum retrans "$(bg_out once)" .comm)" = 1 ] || [ "$(netns_count "$NS_A" TcpRetransSegs)" -ge 1 ]
	near 20000 "$(rtt_side t client "$once" .rtt_p50)"
	[ "$(rtt_side t client "$once" '.rtt_samples >= 38 and .rtt_max < 150000')" = true ]
	# Where a segment was sent again the kernel goes by its time stamps, which are in ms.
	[ "$(rtt_last t 'select(.rtt_min < 19000)')" = '' ]
	[ "$(rtt_last t 'select(.rtt_samples >= 50) | .rtt_p50 < 22000' | sort -u)" = true ]
}

# sample_quantiles FILE: "p50 p90 p99" of np-work's own samples, by nearest rank.
sample_quantiles() {
	cat "$@" | jq -nrR '[inputs | fromjson? | select(.request != null) | .art_us] | sort | . as $s | length as $n |
		[0.5, 0.9, 0.99 | . * $n | ceil | $s[. - 1]] | join(" ")'
}

within_3_percent() { # "P50 P90 P99" "P50 P90 P99": set, seen
	awk -v set="$1" -v seen="$2" 'BEGIN {
		print "samples: " set "; nprtt: " seen
		split(set, a); n = split(seen, b)
		for (i = 1; i <= 3; i++) if (b[i] < a[i] * 0.97 || b[i] > a[i] * 1.03) exit 1
		exit n != 3 }'
}

@test "percentiles are those of the sorted samples, of each connection and of a group" {
	local think count name quantiles='"\(.art_p50) \(.art_p90) \(.art_p99)"'
	link_up
	rtt_start t
	top_start group --netns "$NS_A" --by raddr -o "time,pid,lport,laddr,rport,raddr,netns$(rtt_columns art)"
	# "think count": half of all lies in the second, a tenth in the fourth, a hundredth in the last
	for name in '40 40' '90 30' '200 24' '400 6'; do
		read -r think count <<<"$name"
		serve rr-server --think "$think"
		NP_BG[server$think]=${NP_BG[server]}
		unset "NP_BG[server]"
		rr "c$think" "$ADDR_B" --count "$count" --each
	done
	for think in 40 90 200 400; do
		stop_bg "c$think" 0 60
	done
	top_stop t
	top_stop group
	for think in 40 90 200 400; do
		within_3_percent "$(sample_quantiles "$(bg_out "c$think")")" \
			"$(rtt_last t "select(.pid == $(said_pid "c$think")) | $quantiles")"
	done
	cat "$(bg_out c40)" "$(bg_out c90)" "$(bg_out c200)" "$(bg_out c400)" >"$NP_TMP/all"
	local group
	group=$(jq -nrR --arg to "$ADDR_B" '[inputs | fromjson? | select(.raddr == $to)] | last |
		"\(.art_samples) \(.art_p50 * 1e6) \(.art_p90 * 1e6) \(.art_p99 * 1e6)"' "$(bg_out group)")
	[ "${group%% *}" = 100 ]
	within_3_percent "$(sample_quantiles "$NP_TMP/all")" "${group#* }"
}
