#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# nprtt's times are the wire's and the workload's own: a known delay each way, a known time to think, `ss -ti` beside it. Within
# 5 % or 200 us; medians and minimums, since the machine may be busy.

# shellcheck disable=SC2154,SC2030,SC2031 # port is of nptop.bash; each test is a shell of its own

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
load link
load rtt
# shellcheck source=crun.sh
. "$BATS_TEST_DIRNAME/crun.sh"

setup() {
	need_root
	late=
}

teardown() {
	crun_stop
	stop_all_bg
	[ -z "$late" ] || ip netns del "$late" 2>/dev/null || true
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
	rr_server server "$NS_B"
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
	rr_server server "$NS_B"
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
	rr_server server "$NS_B"
	rtt_start t
	rr_run plain "$ADDR_B" --count 1 --procs 10
	link_tell drop kind=syn
	rr_run syn "$ADDR6_B" --count 1
	link_tell clear
	link_tell drop kind=synack
	rr_run synack "$ADDR_B" --count 1
	# its last FIN is under way, and no refresh has seen it yet
	top_refresh t >/dev/null
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
	rr_server server "$NS_B" --think 30 --quickack
	rtt_start t
	rr_run v6 "$ADDR6_B" --count 30
	rr_run v4 "$ADDR_B" --count 30 --gap 5
	stop_bg server
	top_stop t
	rtt_last t '"\(.side) art \(.art_samples) \(.art_min) \(.art_p50) srt \(.srt_samples) \(.srt_min) \(.srt_p50)"'
	[ "$(rtt_last t '"\(.art_samples) \(.srt_samples)"' | sort | uniq -c | xargs)" = '4 30 30' ]
	near 50000 "$(rtt_side t client "$port" .art_p50)"
	near 30000 "$(rtt_side t server "$port" .art_p50)"
	near 20000 "$(rtt_side t client "$port" .srt_p50)"
	near 0 "$(rtt_side t server "$port" .srt_p50)"
}

# What a server does not confirm before it answers has no system response time.
@test "a delayed acknowledgement is the system's time, one that comes with the reply is none" {
	link_up --delay 10ms
	rr_server server "$NS_B" --think 5
	rtt_start t
	rr_run fast "$ADDR_B" --count 40
	stop_bg server
	local fast=$port
	# longer than the kernel puts off: 40 ms
	rr_server server "$NS_B" --think 100
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
	rr_server server "$NS_B"
	rtt_start t
	# One segment of many: its repeat comes about 200 ms later, and what confirms it is no round trip of the first.
	link_tell drop kind=data,dir=ab,nth=20
	rr_run once "$ADDR_B" --count 40
	local once=$port
	stop_bg server
	rr_server server "$NS_B"
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
	local think count pair quantiles='"\(.art_p50) \(.art_p90) \(.art_p99)"'
	link_up
	rtt_start t
	top_start group --netns "$NS_A" --by raddr -o "time,pid,lport,laddr,rport,raddr,netns$(rtt_columns art)"
	# "think count": half of all lies in the second, a tenth in the fourth, a hundredth in the last
	for pair in '40 40' '90 30' '200 24' '400 6'; do
		read -r think count <<<"$pair"
		rr_server "server$think" "$NS_B" --think "$think"
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

@test "a connection older than nprtt counts from the first look" {
	link_up --delay 2ms
	rr_server server "$NS_B" --quickack
	rr old "$ADDR_B" --count 600 --each
	# its first half is nobody's
	sleep 1
	rtt_start t
	stop_bg old 0 30
	stop_bg server
	top_stop t
	local samples arts
	read -r samples arts < <(rtt_side t client "$port" '"\(.rtt_samples) \(.art_samples)"')
	[ "$samples" -gt 20 ] && [ "$samples" -lt 550 ] && [ "$arts" -gt 20 ] && [ "$arts" -lt 550 ]
	[ "$(rtt_last t '"\(.side) \(.syn_samples)"' | sort | xargs)" = 'client 0 server 0' ]
	near 4000 "$(rtt_last t .rtt_p50)" "$(rtt_side t client "$port" .art_p50)"
}

# counts NAME PID: "rtt syn art" samples of a process's last row.
counts() {
	json_lines "select(.pid == $2) | \"\(.rtt_samples) \(.syn_samples) \(.art_samples)\"" "$(bg_out "$1")" | tail -n 1
}

@test "1,000 connections shorter than the interval are in their process's group, once" {
	local client server
	netns_up
	beacon_up in_ns "$NS_A"
	top_start t -I 1500ms --by process --netns "$NS_A" --netns "$NS_B" -o "time,pid,comm,rport$(rtt_columns rtt syn art)"
	serve server
	client --to "$ADDR_B" --conns 1000 --tx 100 --rx 100 >"$NP_TMP/clients"
	client=$(jq .pid "$NP_TMP/clients")
	server=$(bg_pid server)
	top_refresh t >/dev/null
	local first
	first="$(counts t "$client") $(counts t "$server")"
	top_refresh t >/dev/null
	stop_bg server
	top_stop t
	echo "client $(counts t "$client"), server $(counts t "$server")"
	[ "$(counts t "$client") $(counts t "$server")" = "$first" ]
	[[ "$(counts t "$client")" == *' 1000 1000' && "$(counts t "$server")" == *' 1000 1000' ]]
	# the handshake's, the request's
	[ "$(counts t "$client" | cut -d' ' -f1)" -ge 1000 ]
	[ "$(counts t "$client" | cut -d' ' -f1)" -le 3000 ]
	[ "$(counts t "$server" | cut -d' ' -f1)" -ge 1000 ]
}

@test "--pid, a filter expression, --where and --sort choose by time" {
	link_up --delay 10ms
	local far
	rr_server server-far "$NS_B"
	rr far "$ADDR_B" --count 100000
	far=$port
	rr_server server-near "$NS_A"
	rr near 127.0.0.1 --count 100000 --gap 2
	sees() { # WANT OPTIONS: the client's rows of the last refresh
		timeout 60 "$(np_bin nprtt)" -J -c 2 -I 700ms --netns "$NS_A" -o time,rport,rtt_samples,side "${@:2}" |
			jq -rs '.[-1].time as $t | .[] | select(.time == $t and .side == "client") | .rport' | xargs >"$NP_TMP/seen"
		[ "$(cat "$NP_TMP/seen")" = "$1" ] || { echo "$*: saw $(cat "$NP_TMP/seen")" && return 1; }
	}
	sees "$far $port" --sort -rtt_p50
	sees "$port $far" --sort +rtt_p50
	sees "$far" --where 'rtt_p99 > 10ms'
	sees "$port" --where 'rtt_samples > 3 && rtt_p50 < 5ms'
	sees "$port" "port $port"
	sees "$far" --pid "$(bg_pid far)"
}

@test "--histogram: text at the end and when interrupted, buckets in JSON" {
	link_up --delay 5ms
	rr_server server "$NS_B"
	rr a "$ADDR_B" --count 100000
	local nprtt
	nprtt=$(np_bin nprtt)
	timeout 60 "$nprtt" --histogram -d 1s --by raddr --netns "$NS_A" --syn --art "host $ADDR_B" >"$NP_TMP/h" 2>"$NP_TMP/h.err"
	cat "$NP_TMP/h" "$NP_TMP/h.err"
	[ ! -s "$NP_TMP/h.err" ]
	[ "$(grep -c '^raddr ' "$NP_TMP/h")" = 1 ]
	grep -Eq '^rtt: [0-9]+ samples, mean 1[0-9]\.[0-9]+ms, min .*p99\.9 .*, max ' "$NP_TMP/h"
	grep -Eq '^  +[0-9]+\.[0-9]+ms \.\. +[0-9]+\.[0-9]+ms +[0-9]+ #+$' "$NP_TMP/h"

	start_bg h "$nprtt" --histogram --netns "$NS_A" "host $ADDR_B"
	sleep 1
	stop_bg h INT
	grep -q '^rtt: ' "$(bg_out h)"
	[ "$(grep -c '^rtt: ' "$(bg_out h)")" = 1 ]

	timeout 60 "$nprtt" --histogram -J -d 1s --by raddr --art --netns "$NS_A" "host $ADDR_B" >"$NP_TMP/h.json"
	cat "$NP_TMP/h.json"
	[ "$(jq -s 'length' "$NP_TMP/h.json")" = 1 ]
	jq -e '(.rtt_buckets | map(.count) | add) == .rtt_samples and (.art_buckets | map(.count) | add) == .art_samples
		and (.rtt_buckets + .art_buckets | all(.from <= .to and .to < 10))
		and (.rtt_buckets | .[0].from <= $min.rtt_min and .[-1].to >= $min.rtt_max)
		and (.rtt_buckets | [.[].from] | . == sort)' --argjson min "$(cat "$NP_TMP/h.json")" "$NP_TMP/h.json"
	# each interval where one is given
	timeout 60 "$nprtt" --histogram -I 200ms -c 3 --by raddr --netns "$NS_A" "host $ADDR_B" >"$NP_TMP/h"
	[ "$(grep -c '^rtt: ' "$NP_TMP/h")" -ge 2 ]
}

@test "text, CSV and JSON of a pipe are whole; what makes no sense is refused" {
	link_up --delay 5ms
	rr_server server "$NS_B"
	rr a "$ADDR_B" --count 100000
	local nprtt
	nprtt=$(np_bin nprtt)
	timeout 60 "$nprtt" -b -c 3 -I 300ms --syn --srt --art --netns "$NS_A" >"$NP_TMP/text"
	grep -Eq '^TIME +PID +COMM +SIDE +REMOTE +.*RTT-P50 .*ART-P99' "$NP_TMP/text"
	grep -Eq ' np-work +client +10\.99\.0\.2:' "$NP_TMP/text"
	timeout 60 "$nprtt" --format csv -c 3 -I 300ms --syn --srt --art --netns "$NS_A" >"$NP_TMP/csv"
	[ "$(awk -F, '{ print NF }' "$NP_TMP/csv" | sort -u | wc -l)" = 1 ]
	[ "$(grep -c rtt_p50 "$NP_TMP/csv")" = 1 ]
	timeout 60 "$nprtt" -J -c 3 -I 300ms --by process --netns "$NS_A" >"$NP_TMP/json"
	jq -e 'has("rtt_p99") and has("conns")' "$NP_TMP/json" >/dev/null

	local args
	for args in '--histogram --format csv' '-o rtt_p95' '--sort rtt_p95' '--where rtt_p99>x' '--by rtt_p50' '--by interface' '-o app'; do
		local status=0
		# shellcheck disable=SC2086
		timeout 20 "$nprtt" -b -c 1 $args >"$NP_TMP/out" 2>"$NP_TMP/why" || status=$?
		echo "$args: $status $(cat "$NP_TMP/why")"
		[ "$status" = 2 ] && [ ! -s "$NP_TMP/out" ] && [ "$(wc -l <"$NP_TMP/why")" = 1 ]
	done
	rm "$NP_TMP/why"
}

@test "a namespace made after nprtt started, a container of crun's by its name" {
	late=np-$NP_ID-late
	netns_up
	beacon_up in_ns "$NS_A"
	top_start t --by netns -o "time,pid,netns$(rtt_columns rtt art)"
	start_bg box "$(np_bin nprtt)" -b -J --all -I 300ms --by container -o "time,container$(rtt_columns rtt art)"
	wait_line box '"container"' 30
	ip netns add "$late"
	in_ns "$late" ip link set lo up
	start_bg s1 in_ns "$late" "$(np_bin np-work)" rr-server --think 20
	wait_ready s1
	in_ns "$late" "$(np_bin np-work)" rr --port "$(ready_port s1)" --count 20 >/dev/null
	if crun_usable; then
		rr_server server "$NS_B" --think 20
		# shellcheck disable=SC2034 # crun.sh reads them
		CRUN_NET=/run/netns/$NS_A CRUN_BIND="/usr /lib /lib64 $NP_BUILD"
		crun_start "np-$NP_ID-box" "$(np_bin np-work)" rr --to "$ADDR_B" --port "$port" --count 30
		wait_for 20 grep -q '"role":"rr"' "$CRUN_DIR/out"
		top_refresh box >/dev/null
		crun_stop
		stop_bg server
	fi
	top_refresh t >/dev/null
	stop_bg s1
	top_stop t
	top_stop box
	last() { # NAME KEY VALUE
		jq -nR --arg v "$3" "[inputs | fromjson? | select(.$2 == \$v)] | last" "$(bg_out "$1")" | tee /dev/stderr
	}
	# both ends are in it: the client's 20 ms, the server's 20 ms
	last t netns "$late" | jq -e '.art_samples == 40 and .rtt_samples >= 20 and .art_p50 > 0.0198 and .art_p50 < 0.0225'
	crun_usable || skip 'no crun or no static busybox'
	last box container "np-$NP_ID-box" | jq -e '.art_samples == 30 and .rtt_samples >= 30 and .art_p50 > 0.0198 and .art_p50 < 0.0225'
}
