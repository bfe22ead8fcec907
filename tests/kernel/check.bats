#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# --check: each exit status, over known traffic; what it judges is what happened, to the byte, and reports are read by those
# that they are for.

# shellcheck disable=SC2154 # port is of nptop.bash, status of check.bash

load ../lib
load netns
load nptop
load link
load retrans
load check

setup() {
	need_root
	options=() status=0
}

teardown() {
	np_teardown
}

# traffic: 20 connections, 5 at a time, each 5000 bytes there and 3000 back, of one process.
traffic() {
	client --to "$ADDR_B" --conns 20 --parallel 5 --tx 5000 --rx 3000 >"$NP_TMP/traffic"
	all_closed
}

# holds PROGRAM [OPTIONS] -- CHECKS...: all of them pass over traffic, and each by itself the other way round is a breach.
holds() {
	local all=() text n=0
	while [ "$1" != -- ]; do all+=("$1") && shift; done
	shift
	checks "$@"
	check_start "${all[@]}" "${options[@]}"
	traffic
	check_stop
	[ "$status" = 0 ] && said passed $#
	for text; do options[n++]=--check options[n++]="!($text)"; done
	check_start "${all[@]}" "${options[@]}"
	traffic
	check_stop
	[ "$status" = 1 ] && said FAILED $#
}

@test "nptop: sums to the byte, connections one by one, and the other way round status 1" {
	netns_up
	serve server
	holds nptop --by connection -- 'count() == 20' 'sum(tx_bytes) == 100000' 'rx_bytes == 60000' 'max(tx_bytes) == 5000' \
		'p50(tx_bytes + rx_bytes) == 8000' 'opened == 20 && ended == 20 && conns == 0' 'count(tx_bytes == 5000) == 20' \
		'mean(rx_bytes) == 3000' 'retrans_pct == 0' 'tx_rate > 0'
}

@test "nptop by process: the process's sums are one row, though it has ended" {
	netns_up
	serve server
	holds nptop -- 'count() == 1' 'max(tx_bytes) == 100000' 'opened == 20 && ended == 20' 'count(comm == "np-work") == 1'
}

@test "npflows: rows of the log, and samples of the connections behind them" {
	netns_up
	serve server
	holds npflows -- 'count() == 20' 'count(end == closed && tx_bytes == 5000) == 20' 'count(syn_rtt) == 20' \
		'p99(syn_rtt) < 1s && p99(syn_rtt) > 0s' 'sum(tx_bytes) == 100000' 'max(duration) < 30s' 'count(rtt) >= 20'
}

@test "nprtt and npretrans: times of connections, anomalies of a log" {
	netns_up
	serve server
	holds nprtt -- 'p99(rtt) < 1s' 'count(rtt) >= 20 && min(rtt) > 0s' 'max(rtt) >= p50(rtt)' 'rtt_p99 < 1s' 'count(syn) == 20' 'count(art) == 20 && p99(art) < 10s'
	holds npretrans -- 'count() == 0' 'count(event == "rst-recv") == 0' 'retrans_pct < 0.1' 'p99(rtt) < 1s' 'sum(retrans) == 0'
}

@test "over a run of many refreshes: what was sent again is what the kernel counts, and events are the rows" {
	local again rows
	link_up --delay 2ms --drop dir=ab,byte=20000
	serve server
	# a busy machine may bring a loss probe more
	checks 'retrans >= 23' 'sum(retrans) >= 23' 'count(event == "retrans") > 0' 'sum(segs) > 0' 'retrans_bytes >= 33304' \
		'retrans_pct > 2' 'p50(rtt) >= 4ms' 'max(len) == 1448' 'count(event == "retrans" && cause == fast && len == 1448) > 0'
	check_start npretrans "${options[@]}" --report "json=$NP_TMP/report.json"
	lossy --tx 60000
	check_stop
	again=$(netns_count "$NS_A" TcpRetransSegs)
	rows=$(awk '$2 == "retrans"' "$(bg_out check)" | wc -l)
	cat "$NP_TMP/report.json"
	awk '{ print $2, $3 }' "$(bg_out check)" | sort | uniq -c
	[ "$status" = 0 ]
	jq -se --argjson again "$again" --argjson rows "$rows" '[.[].values[0].value] | .[:4] == [$again, $again, $rows, $rows] and
		# of all that was sent, repeats included
		((.[4] * 100 / (23 * 60000 + .[4]) - .[5]) | fabs < 0.00001)' "$NP_TMP/report.json"
	checks 'count(event == "retrans") == 0' 'p50(rtt) < 4ms'
	check_start npretrans "${options[@]}"
	lossy --tx 60000
	check_stop
	[ "$status" = 1 ] && said FAILED 2
	grep -Eq "^check FAILED: count\(event == \"retrans\"\) == 0: count\(event == \"retrans\"\) is [0-9]+ \(" "$(bg_err check)"
	grep -q '^check FAILED: p50(rtt) < 4ms: p50(rtt) is [4-9]\.[0-9]*ms ([0-9]* samples)' "$(bg_err check)"
}

@test "no data: status 4, and why; what counts and sums is 0" {
	netns_up
	checks 'p99(rtt) < 5ms' 'max(tx_bytes) < 1GiB' 'retrans_pct < 0.1' 'count() == 0' 'sum(tx_bytes) == 0'
	check_start nprtt "${options[@]}"
	check_stop
	[ "$status" = 4 ] && said inconclusive 3 && said passed 2
	grep -qx 'check inconclusive: p99(rtt) < 5ms: no samples of rtt' "$(bg_err check)"
	checks 'p99(rtt) < 5ms' 'count() > 0'
	check_start nprtt "${options[@]}"
	check_stop
	[ "$status" = 1 ] && said inconclusive 1 && said FAILED 1
}

@test "too few samples: status 4 even where it looks like a breach" {
	netns_up
	serve server
	checks 'p99(rtt) < 1s' 'p99(rtt) > 1s'
	check_start nprtt --min-samples 1000000 "${options[@]}"
	traffic
	check_stop
	[ "$status" = 4 ] && said inconclusive 2
	grep -Eq 'only [0-9]+ samples of rtt, fewer than --min-samples 1000000' "$(bg_err check)"
}

@test "lost data: what would pass is inconclusive, status 4; a breach stays one, status 1" {
	netns_up
	checks 'count() >= 0' 'sum(tx_bytes) >= 0' 'retrans < 1000000'
	check_start npflows --ring-size 4KiB "${options[@]}"
	in_ns "$NS_A" "$(np_bin np-work)" storm --seconds 2 >"$NP_TMP/storm"
	check_stop
	[ "$status" = 4 ] && said inconclusive 3
	grep -Eq '^check inconclusive: count\(\) >= 0: it holds for what was seen, but [0-9]+ records were lost' "$(bg_err check)"
	checks 'count() >= 0' 'count() == 0'
	check_start npflows --ring-size 4KiB "${options[@]}"
	in_ns "$NS_A" "$(np_bin np-work)" storm --seconds 2 >"$NP_TMP/storm"
	check_stop
	[ "$status" = 1 ] && said inconclusive 1 && said FAILED 1
}

@test "cannot run here: status 3, one line, and a report that is red" {
	local public
	public=$(mktemp -d)
	chmod 755 "$public"
	cp "$(np_bin nptop)" "$public"
	touch "$public/junit.xml" && chown 65534 "$public/junit.xml"
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		"$public/nptop" -c 1 --check 'count() >= 0' --report "junit=$public/junit.xml" >"$NP_TMP/out" 2>"$NP_TMP/err" || status=$?
	mv "$public/junit.xml" "$NP_TMP"
	rm -r "$public"
	cat "$NP_TMP/err" "$NP_TMP/junit.xml"
	[ "$status" = 3 ] && [ "$(wc -l <"$NP_TMP/err")" = 1 ] && [ ! -s "$NP_TMP/out" ]
	xmllint --noout "$NP_TMP/junit.xml"
	[ "$(xmllint --xpath 'string(//testsuite/@errors)' "$NP_TMP/junit.xml")" = 1 ]
	xmllint --xpath 'string(//error/@message)' "$NP_TMP/junit.xml" | grep -q 'not permitted to this user'
}

@test "it is judged at the end of -d and -c, at an interrupt, and when the reader has gone" {
	local end
	netns_up
	serve server
	for end in '-d 300ms' '-c 2' '-d 1s -I 100ms'; do
		status=0
		# shellcheck disable=SC2086 # two words
		timeout 60 "$(np_bin nptop)" --netns "$NS_A" $end --check 'count() == 0' >/dev/null 2>"$NP_TMP/said" || status=$?
		[ "$status" = 0 ] && [ "$(cat "$NP_TMP/said")" = 'check passed: count() == 0: count() is 0 (0 connections)' ]
	done
	for end in INT TERM HUP; do
		check_start nptop --by connection --check 'count() == 20'
		traffic
		check_stop "$end"
		[ "$status" = 0 ] && said passed 1
	done
	# a header and two rows, and nobody reads on
	# shellcheck disable=SC2016 # that shell's own
	start_bg check bash -c '"$@" | head -n 3; exit "${PIPESTATUS[0]}"' - \
		"$(np_bin npflows)" --netns "$NS_A" --check 'count() >= 2' --check 'count() < 2'
	while bg_alive check; do traffic; done
	check_stop 0
	[ "$status" = 1 ] && said passed 1 && said FAILED 1
	[ "$(wc -l <"$(bg_out check)")" = 3 ]
}

@test "a run with an end of its own goes on to it after its reader, and is kept" {
	local rows
	netns_up
	serve server
	rows=$NP_TMP/rows
	mkfifo "$rows"
	start_bg reader head -n 1 "$rows"
	# shellcheck disable=SC2016 # that shell's own
	start_bg check bash -c 'exec "$@" >"$0"' "$rows" "$(np_bin npflows)" --netns "$NS_A" -d 8s --format csv \
		--check 'count() == 40' --save-baseline "$NP_TMP/base" --record "$NP_TMP/tape"
	wait_for 30 _check_looks
	traffic
	stop_bg reader 0 20
	traffic
	check_stop 0
	cat "$(bg_err check)"
	[ "$status" = 0 ] && said passed 1
	[ "$(jq .total.events "$NP_TMP/base")" = 40 ]
	[ "$("$(np_bin npflows)" -r "$NP_TMP/tape" --netns "$NS_A" -J 2>/dev/null | wc -l)" = 40 ]
	# one without an end ends with its reader, and what there was is kept
	rm "$NP_TMP/base"
	# shellcheck disable=SC2016 # that shell's own
	start_bg check bash -c '"$@" | head -n 3; exit "${PIPESTATUS[0]}"' - \
		"$(np_bin npflows)" --netns "$NS_A" --save-baseline "$NP_TMP/base"
	while bg_alive check; do traffic; done
	check_stop 0
	[ "$status" = 0 ] && [ "$(jq .total.events "$NP_TMP/base")" -ge 2 ]
}

@test "filters, owners and --where choose what is judged" {
	local pid
	netns_up
	serve server
	checks 'count() == 20' 'sum(tx_bytes) == 100000'
	for pid in '--comm np-work' "--where tx_bytes>4000" "--where comm==np-work" "tcp and dst port $port"; do
		# shellcheck disable=SC2086 # words
		check_start npflows "${options[@]}" $pid
		traffic
		check_stop
		[ "$status" = 0 ] && said passed 2
	done
	checks 'count() == 0' 'sum(tx_bytes) == 0'
	for pid in '--comm nobody' "--where tx_bytes>5000" 'port 1'; do
		# shellcheck disable=SC2086 # words
		check_start npflows "${options[@]}" $pid
		traffic
		check_stop
		[ "$status" = 0 ] && said passed 2
	done
}

@test "reports: prove reads the TAP, an XML parser the JUnit, jq the JSON; red is red" {
	netns_up
	serve server
	checks 'count() == 20' 'sum(tx_bytes) < 1KiB' 'max(syn_rtt_client) < 5ms' 'count(comm == "a&b<c>]]>#") == 0'
	check_start npflows "${options[@]}" --report "junit=$NP_TMP/junit.xml"
	traffic
	check_stop
	[ "$status" = 1 ]
	absent '^check' "$(bg_err check)"
	xmllint --noout "$NP_TMP/junit.xml"
	[ "$(xml 'concat(//testsuite/@name, " ", //testsuite/@tests, " ", //testsuite/@failures, " ", //testsuite/@errors)')" = 'npflows 4 1 1' ]
	[ "$(xml 'count(//testcase[failure or error])')" = 2 ]
	[ "$(xml 'string(//testcase[4]/@name)')" = 'count(comm == "a&b<c>]]>#") == 0' ]
	[ "$(xml 'string(//testcase[2]/failure/@message)')" = 'sum(tx_bytes) is 98KiB (20 connections)' ]
	[[ $(xml 'string(//testcase[3]/error/@message)') == 'none of 20 connections has a value'* ]]
	[[ $(xml 'string(//testsuite/@timestamp)') == 20[0-9][0-9]-*T*:*:?? ]] && [ -n "$(xml 'string(//testsuite/@hostname)')" ]
	[ "$(xml 'number(//testsuite/@time) > 0')" = true ]

	check_start npflows "${options[@]}" --report tap=-
	traffic
	check_stop
	[ "$status" = 1 ]
	[ "$(head -n 2 "$(bg_out check)")" = 'TAP version 13
1..4' ]
	prove -e cat "$(bg_out check)" >"$NP_TMP/prove" && return 1
	cat "$NP_TMP/prove"
	grep -q 'Failed tests:  2-3' "$NP_TMP/prove" && grep -q 'Failed 2/4 subtests' "$NP_TMP/prove"

	check_start npflows "${options[@]}" --report "json=$NP_TMP/report.json"
	traffic
	check_stop
	[ "$(jq -r .result "$NP_TMP/report.json" | tr '\n' ' ')" = 'pass fail inconclusive pass ' ]
	jq -se '.[0].values[0] == {name: "count()", value: 20, unit: "", samples: 20, of: "events", baseline: null} and
		.[1].values[0].value == 100000 and .[1].values[0].unit == "B" and .[2].reason == "none of 20 connections has a value for max(syn_rtt_client)" and
		.[3].check == "count(comm == \"a&b<c>]]>#\") == 0"' "$NP_TMP/report.json"
	# the rows are still on standard output
	[ "$(grep -c np-work "$(bg_out check)")" = 20 ]

	checks 'count() == 20' 'sum(tx_bytes) == 100000'
	check_start npflows "${options[@]}" --report "tap=$NP_TMP/report.tap"
	traffic
	check_stop
	[ "$status" = 0 ]
	prove -e cat "$NP_TMP/report.tap" >/dev/null
}

xml() { # XPATH: of the JUnit report
	xmllint --xpath "$1" "$NP_TMP/junit.xml"
}

absent() { # REGEX FILE: bats does not see the failure of "! grep".
	if grep -e "$1" "$2"; then return 1; fi
}
