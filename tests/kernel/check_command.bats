#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# --check around a command (-- COMMAND): of its traffic alone, and which of the two statuses counts.

# shellcheck disable=SC2154 # port is of nptop.bash

load ../lib
load netns
load nptop

setup() {
	need_root
	work=$(np_bin np-work)
	netns_up
	serve server
}

teardown() {
	np_teardown
}

# around PROGRAM [OPTIONS] -- ARGS...: a shell in namespace A that runs its first argument, with the rest. Sets $status; what the
# command wrote is in $NP_TMP/out, what the program said in $NP_TMP/err.
around() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	shift
	status=0
	timeout 120 "${options[@]}" -- nsenter --net="/run/netns/$NS_A" -- sh -c "$@" >"$NP_TMP/out" 2>"$NP_TMP/err" </dev/null || status=$?
	echo "status $status" && cat "$NP_TMP/err"
}

# moves N, as a shell's text: N connections of 5000 bytes there and 3000 back.
moves() {
	echo "$work client --to $ADDR_B --port $port --conns $1 --tx 5000 --rx 3000 >/dev/null"
}

passed() {
	[ "$(grep -c '^check passed: ' "$NP_TMP/err")" = "$1" ]
}

@test "the checks hold: the command's own status, whatever it is; its output is its own" {
	around nptop --by connection --check 'count() == 7 && sum(tx_bytes) == 35000' --check 'rx_bytes == 21000' -- "$(moves 7); echo said"
	[ "$status" = 0 ] && passed 2 && [ "$(cat "$NP_TMP/out")" = said ]
	around npflows --check 'count() == 7 && count(end == closed) == 7' --check 'sum(tx_bytes) == 35000' -- "$(moves 7); exit 7"
	[ "$status" = 7 ] && passed 2
	around nprtt --check 'count(rtt) >= 7 && p99(rtt) < 10s' -- "$(moves 7); kill -9 \$\$"
	[ "$status" = 137 ] && passed 1
	around npretrans --check 'count() == 0' --check 'retrans_pct < 100' -- "$(moves 7)"
	[ "$status" = 0 ] && passed 2
}

@test "a breach is status 1, inconclusive 4, whatever the command's status is" {
	local own
	for own in 0 1 7; do
		around npflows --check 'count() == 8' --check 'count() == 7' -- "$(moves 7); exit $own"
		[ "$status" = 1 ] && passed 1 && grep -q '^check FAILED: count() == 8: count() is 7 (7 events)' "$NP_TMP/err"
		around nprtt --check 'p99(rtt) < 10s' -- "exit $own"
		[ "$status" = 4 ] && grep -qx 'check inconclusive: p99(rtt) < 10s: no samples of rtt' "$NP_TMP/err"
		around nprtt --check 'p99(rtt) < 10s' --min-samples 1000000 -- "$(moves 7); exit $own"
		[ "$status" = 4 ]
	done
}

@test "a command that cannot be run, and a check that is wrong: its status, and no command" {
	status=0
	nprtt --check 'count() == 0' -- /no/such/command >"$NP_TMP/out" 2>"$NP_TMP/err" || status=$?
	[ "$status" = 127 ]
	around nprtt --check 'count( == 0' -- "touch $NP_TMP/ran"
	[ "$status" = 2 ] && [ ! -e "$NP_TMP/ran" ]
}

@test "of the command's traffic alone, beside as much of others" {
	start_bg other in_ns "$NS_A" sh -c "while :; do $(moves 3); done"
	around npflows --check 'count() == 7' --check 'sum(tx_bytes) == 35000' --check 'opened == 7 && ended == 7' -- "$(moves 7)"
	[ "$status" = 0 ] && passed 3
	around nptop --check 'sum(tx_bytes) == 35000' --report "junit=$NP_TMP/junit.xml" -- "($(moves 3)) & $(moves 4); wait"
	[ "$status" = 0 ] && [ "$(xmllint --xpath 'count(//testcase[not(failure or error)])' "$NP_TMP/junit.xml")" = 1 ]
}

@test "one program around another: both judge the same command" {
	around npretrans --check 'retrans_pct < 100' --report "junit=$NP_TMP/a.xml" -- \
		"exec nprtt --check 'count(rtt) >= 7' --report junit=$NP_TMP/b.xml -- sh -c '$(moves 7); exit 5'"
	[ "$status" = 5 ]
	[ "$(cat "$NP_TMP/a.xml" "$NP_TMP/b.xml" | grep -Ec '<(failure|error) ')" = 0 ]
	around npretrans --check 'retrans_pct < 100' -- \
		"exec nprtt --check 'count(rtt) < 7' -- sh -c '$(moves 7); exit 5'"
	[ "$status" = 1 ]
}
