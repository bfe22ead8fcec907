#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# --baseline: a run is kept in a file, and another one is held against it, in every program.

# shellcheck disable=SC2154 # port is of nptop.bash

bats_require_minimum_version 1.5.0
load ../lib
load netns
load link
load nptop
load retrans
load rtt

setup() {
	need_root
	BASE=$NP_TMP/base.json
}

teardown() {
	np_teardown
}

# held PROGRAM OPTIONS...: one run with --baseline "$BASE", over namespace A, with a ring that other tests of this machine do not
# fill; rows in $NP_TMP/rows, messages in $NP_TMP/said.
held() {
	local status=0
	timeout 60 "$(np_bin "$1")" --ring-size 64MiB --netns "$NS_A" --baseline "$BASE" "${@:2}" >"$NP_TMP/rows" 2>"$NP_TMP/said" || status=$?
	cat "$NP_TMP/said"
	return "$status"
}

# ends_with STATUS NAME
ends_with() {
	local got=0
	stop_bg "$2" || got=$?
	[ "$got" = "$1" ]
}

# last FILTER: jq on the last row of host B.
last() {
	jq -nrR --arg b "$ADDR_B" '[inputs | fromjson? | select(.raddr == $b)] | last | '"$1" "$NP_TMP/rows"
}

# from_to LOW HIGH VALUE
from_to() {
	awk -v low="$1" -v high="$2" -v got="$3" 'BEGIN { print got " should be " low " to " high; exit !(got != "null" && got >= low && got <= high) }'
}

@test "nprtt: ten times the delay is nine times more; the same delay is nothing more; checks use it" {
	link_up --delay 1ms
	rr_server server "$NS_B"
	rr rr "$ADDR_B" --count 1000000
	held nprtt -b -J -I 500ms -d 3s tcp
	grep -q "^this run is kept as a baseline in $BASE$" "$NP_TMP/said"
	[ "$(jq -r '.tool, .by, .filter, .groups[0].key[0]' "$BASE" | paste -sd ' ')" = "nprtt raddr tcp $ADDR_B" ]
	[ "$(stat -c %a "$BASE")" = 644 ]
	held nprtt -b -J -I 500ms -d 3s tcp --check 'p50(rtt) < 1.5 * baseline' --check 'rtt_p50 > 0.5 * baseline'
	from_to -40 40 "$(last .rtt_p50_diff)"
	link_tell delay 10ms
	sleep 1
	run -1 held nprtt -b -J -I 500ms -d 3s tcp --check 'p50(rtt) < 1.5 * baseline'
	from_to 500 1300 "$(last .rtt_p50_diff)"
	from_to 500 1300 "$(last .rtt_min_diff)"
	# fewer round trips a second, and as many connections
	from_to -98 -60 "$(last .rtt_samples_diff)"
	[ "$(last .conns_diff)" = 0 ]
	# what it is and was stands side by side
	held nprtt -b -d 1s tcp
	head -n 1 "$NP_TMP/rows" | grep -Eq 'RTT-P50 +\+-% +RTT-P90 +\+-%'
	grep -Eq '\+[0-9]{3,4}%' "$NP_TMP/rows"
}

@test "nptop: bytes and rates of a process by its name; what is not there any more" {
	netns_up
	serve server
	hold work --comm alpha --to "$ADDR_B" --tx 1M
	hold gone --comm beta --to "$ADDR_B" --tx 1M
	held nptop -b -J -I 300ms -d 1s -o comm,tx_bytes,rx_bytes
	stop_bg gone
	[ "$(jq -r '.by' "$BASE")" = comm ]
	tell work
	wait_round work 2 60
	held nptop -b -J -I 300ms -d 1s -o comm,tx_bytes,rx_bytes
	# a second round of the same size
	[ "$(json_lines 'select(.comm == "alpha") | "\(.tx_bytes) \(.tx_bytes_diff)"' "$NP_TMP/rows" | tail -n 1)" = '2097152 100' ]
	# of beta nothing was seen: a row at the end, and a line
	[ "$(json_lines 'select(.comm == "beta") | "\(.tx_bytes) \(.tx_bytes_diff)"' "$NP_TMP/rows")" = '0 -100' ]
	grep -Eq '^1 group of the baseline was not seen: beta$' "$NP_TMP/said"
}

@test "rows can be chosen and sorted by difference" {
	netns_up
	serve server
	hold small --comm small --to "$ADDR_B" --tx 1M
	hold large --comm large --to "$ADDR_B" --tx 1M
	held nptop -b -J -c 1
	tell large
	wait_round large 2 60
	held nptop -b -J -c 1 --where 'tx_bytes_diff > 50%' -o comm,tx_bytes
	[ "$(json_lines .comm "$NP_TMP/rows")" = large ]
	held nptop -b -J -c 1 --sort -tx_bytes_diff -o comm,tx_bytes_diff
	[ "$(json_lines '"\(.comm) \(.tx_bytes_diff)"' "$NP_TMP/rows" | head -n 1)" = 'large 100' ]
}

@test "npflows, npretrans: a log is held against its kinds of event, and checks against events and connections" {
	netns_up
	serve server
	start_bg log "$(np_bin npflows)" --netns "$NS_A" --save-baseline "$BASE" -J
	wait_for 30 attached log
	client --to "$ADDR_B" --conns 20 --tx 10000 >/dev/null
	all_closed
	stop_bg log
	[ "$(jq -r '.groups[] | select(.key[0] == "close") | "\(.events) \(.tx_bytes)"' "$BASE")" = '20 200000' ]
	start_bg log "$(np_bin npflows)" --netns "$NS_A" --baseline "$BASE" -J --check 'count(event == "close") < 1.5 * baseline' \
		--check 'sum(tx_bytes) == 2 * baseline'
	wait_for 30 attached log
	client --to "$ADDR_B" --conns 40 --tx 10000 >/dev/null
	all_closed
	ends_with 1 log
	grep -q '^check FAILED: count(event == "close") < 1.5 \* baseline: .* is 40 (40 events; baseline 20)' "$(bg_err log)"
	grep -q '^check passed: sum(tx_bytes) == 2 \* baseline' "$(bg_err log)"
	grep -Eq '^close +closed +40 +\+100% ' "$(bg_err log)"
	# the rows of a log are as they always are
	[ "$(json_lines 'keys | map(select(test("_diff$"))) | length' "$(bg_out log)" | sort -u)" = 0 ]

	rm "$BASE"
	held npretrans -d 1s
	[ "$(jq -r '.tool, .total.events' "$BASE" | paste -sd ' ')" = 'npretrans 0' ]
	start_bg anom "$(np_bin npretrans)" --netns "$NS_A" --baseline "$BASE" --check 'count(event == "connect-fail") <= baseline'
	wait_for 30 attached anom
	in_ns "$NS_A" timeout 20 "$(np_bin np-work)" end --how refused --conns 3 --to "$ADDR_B" --port 9 >/dev/null
	ends_with 1 anom
	grep -q '^check FAILED: count(event == "connect-fail") <= baseline: .* is 3 (.*; baseline 0)' "$(bg_err anom)"
}

@test "npretrans --summary, npflows --table and interfaces have baselines too" {
	netns_up
	serve server
	hold work --to "$ADDR_B" --tx 1M
	held npflows --table --once
	held npflows --table --once -J
	[ "$(last '"\(.conns_diff) \(.tx_bytes_diff)"')" = '0 0' ]
	rm "$BASE"
	held npretrans --summary -d 1s
	held npretrans --summary -d 1s
	rm "$BASE"
	timeout 20 "$(np_bin nptop)" --ring-size 64MiB --by interface -b -c 2 -I 200ms --baseline "$BASE" >/dev/null
	[ "$(jq -r .by "$BASE")" = interface,direction ]
	timeout 20 "$(np_bin nptop)" --ring-size 64MiB --by interface -b -c 2 -I 200ms --baseline "$BASE" | head -n 1 | grep -Eq 'WIRE +\+-%'
}

@test "what cannot be compared is refused at once, by a sentence" {
	local top
	top=$(np_bin nptop)
	netns_up
	serve server
	hold work --to "$ADDR_B"
	held nptop -b -c 1
	refused() { # SENTENCE OPTIONS...
		local want=$1
		shift
		run -2 --separate-stderr timeout 20 "$@"
		echo "$stderr"
		[[ -z $output && $stderr == *"$want"* && $(wc -l <<<"$stderr") = 1 ]]
	}
	refused 'is of nptop' "$(np_bin nprtt)" -b -c 1 --baseline "$BASE"
	refused 'has groups by comm, this run by raddr' "$top" -b -c 1 --by raddr --baseline "$BASE"
	refused 'the same pid is something else' "$top" -b -c 1 --by pid,raddr --baseline "$BASE"
	refused '--listen shows listeners' "$(np_bin npflows)" --listen --once --baseline "$BASE"
	refused 'No such file or directory' "$top" -b -c 1 --save-baseline "$NP_TMP/none/there"
	refused 'no regular file' "$top" -b -c 1 --save-baseline /dev/null
	refused 'no regular file' "$top" -b -c 1 --baseline "$NP_TMP"
	# what is no baseline is not replaced by one; an old or a damaged one is
	echo precious >"$NP_TMP/other"
	refused 'is no baseline, and is not replaced' "$top" -b -c 1 --save-baseline "$NP_TMP/other"
	[ "$(cat "$NP_TMP/other")" = precious ]
	truncate -s -5 "$BASE"
	refused 'is no baseline: it is not JSON from line' "$top" -b -c 1 --baseline "$BASE"
	printf '\033[2J' >"$BASE"
	refused 'is no baseline' "$top" -b -c 1 --baseline "$BASE"
	echo '{"netprobe_baseline":9}' >"$BASE"
	refused 'is of version 9' "$top" -b -c 1 --baseline "$BASE"
	timeout 60 "$top" --ring-size 64MiB --netns "$NS_A" -b -c 1 --save-baseline "$BASE"
	[ "$(jq -r .tool "$BASE")" = nptop ]
}

BEFORE='{"netprobe_baseline":1,"tool":"before"}'

@test "a run that says nothing, or lost something, is not kept: status 4, and what was there stays" {
	netns_up
	echo "$BEFORE" >"$BASE"
	run -4 timeout 20 "$(np_bin nprtt)" --netns "$NS_A" -b -c 2 -I 200ms --save-baseline "$BASE"
	[[ $output == *"not kept as a baseline in '$BASE': there was no connection"* ]]
	[ "$(cat "$BASE")" = "$BEFORE" ]
	start_bg top "$(np_bin nptop)" -b -I 5s --ring-size 4KiB --save-baseline "$BASE"
	wait_for 30 attached top
	in_ns "$NS_A" timeout 60 "$(np_bin np-work)" storm --seconds 2 >/dev/null
	ends_with 4 top
	cat "$(bg_err top)"
	grep -q 'records were lost' "$(bg_err top)"
	grep -q "not kept as a baseline in $BASE" "$(bg_err top)"
	[ "$(cat "$BASE")" = "$BEFORE" ]
	[ ! -e "$BASE.tmp" ]
}

_gone() { # PIDS
	local pid
	for pid in $1; do
		[ ! -e "/proc/$pid" ] || return 1
	done
}

@test "killed, it leaves nothing behind: what was there stays, and no process" {
	local child
	netns_up
	serve server
	hold work --to "$ADDR_B"
	echo "$BEFORE" >"$BASE"
	start_bg top "$(np_bin nptop)" -b -I 200ms --save-baseline "$BASE"
	wait_for 30 attached top
	child=$(pgrep -P "$(bg_pid top)")
	[ -n "$child" ]
	stop_bg top KILL || true
	wait_for 5 _gone "$child"
	[ "$(cat "$BASE")" = "$BEFORE" ]
	[ ! -e "$BASE.tmp" ]
	# Ctrl-C is an end like any other
	start_bg top "$(np_bin nptop)" -b -I 200ms --save-baseline "$BASE"
	wait_for 30 attached top
	child=$(pgrep -P "$(bg_pid top)")
	kill -INT "$child"
	stop_bg top INT
	[ "$(jq -r .tool "$BASE")" = nptop ]
	wait_for 5 _gone "$child"
}

@test "in another user's folder, where only root's privileges let it write: they are given up, it is kept all the same" {
	netns_up
	serve server
	hold work --to "$ADDR_B"
	mkdir -m 755 "$NP_TMP/theirs"
	chown nobody "$NP_TMP/theirs"
	timeout 20 "$(np_bin nptop)" -b -c 2 -I 200ms --save-baseline "$NP_TMP/theirs/base.json"
	[ "$(jq -r .tool "$NP_TMP/theirs/base.json")" = nptop ]
	# through no link that waits there
	ln -s "$NP_TMP/victim" "$NP_TMP/theirs/base.json.tmp"
	timeout 20 "$(np_bin nptop)" -b -c 2 -I 200ms --save-baseline "$NP_TMP/theirs/base.json"
	[ ! -e "$NP_TMP/victim" ] && [ ! -e "$NP_TMP/theirs/base.json.tmp" ]
}

@test "compare with one, keep another; a sample is held against all" {
	netns_up
	serve server
	hold work --comm many --to "$ADDR_B" --conns 400 --parallel 400 --tx 1000
	held nptop -b -J -c 1 --save-baseline "$NP_TMP/first"
	# there was none yet: this run is kept in both
	cmp "$BASE" "$NP_TMP/first"
	held nptop -b -J -c 1 --save-baseline "$NP_TMP/second" --sample 1/2 -o comm,conns,tx_bytes
	[ "$(jq .sample "$NP_TMP/second")" = 2 ]
	# 4 sigma of 400 by one in two: 40 of 200
	from_to -20 20 "$(json_lines 'select(.comm == "many") | .conns_diff' "$NP_TMP/rows")"
	BASE=$NP_TMP/second
	held nptop -b -J -c 1 -o comm,conns,tx_bytes
	from_to -17 26 "$(json_lines 'select(.comm == "many") | .tx_bytes_diff' "$NP_TMP/rows")"
}
