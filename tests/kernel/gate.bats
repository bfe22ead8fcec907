#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/ci/gate, the runbook's example, over a network that is good, then bad, then good again: green, red, green.

# shellcheck disable=SC2154 # port is of nptop.bash

load ../lib
load netns
load nptop
load link

setup() {
	need_root
	export PATH="$NP_BUILD:$NP_BUILD/tests:$PATH"
	work=$(np_bin np-work)
	gate=$NP_ROOT/tests/ci/gate
	link_up --delay 2ms
	start_bg echo in_ns "$NS_B" "$work" rr-server --listen "$ADDR_B"
	wait_ready echo
	serve server
	# Far from what a busy machine does to a good network.
	export GATE_RETRANS=2 GATE_RTT=100ms GATE_REPORTS=$NP_TMP/reports
	mkdir "$GATE_REPORTS"
}

teardown() {
	np_teardown
}

# gated: 60 requests and 1 MiB through the gate; sets $status.
gated() {
	status=0
	# shellcheck disable=SC2016 # that shell's own
	timeout 120 "$gate" nsenter --net="/run/netns/$NS_A" -- sh -ec \
		'"$1" rr --to "$2" --port "$3" --count 60 --tx 100 --rx 200; "$1" client --to "$2" --port "$4" --tx 1M' - \
		"$work" "$ADDR_B" "$(ready_port echo)" "$port" >"$NP_TMP/gate.out" 2>"$NP_TMP/gate.err" || status=$?
	cat "$NP_TMP/gate.out" "$NP_TMP/gate.err" "$GATE_REPORTS"/*.xml
}

# red REPORT: how many of its checks did not hold.
red() {
	xmllint --xpath 'count(//testcase[failure or error])' "$GATE_REPORTS/$1.xml"
}

@test "a good network is green, one that loses is red, one that is far is red, and good again it is green" {
	gated
	[ "$status" = 0 ] && [ "$(red npretrans) $(red nprtt)" = '0 0' ]

	# what is held up by a loss takes its time as well
	link_tell loss 10
	gated
	[ "$status" = 1 ] && [ "$(red npretrans)" = 1 ]
	xmllint --xpath 'string(//failure/@message)' "$GATE_REPORTS/npretrans.xml" | grep -q '^retrans_pct is '

	link_tell clear
	link_tell delay 80ms
	gated
	[ "$status" = 1 ] && [ "$(red npretrans) $(red nprtt)" = '0 1' ]

	link_tell delay 2ms
	gated
	[ "$status" = 0 ] && [ "$(red npretrans) $(red nprtt)" = '0 0' ]
}

@test "a connection that is refused or reset is red; no traffic cannot be told; the workload's own status comes through" {
	# shellcheck disable=SC2034 # end() is of retrans.bash, which is not loaded
	status=0
	timeout 60 "$gate" nsenter --net="/run/netns/$NS_A" -- "$work" end --how refused --to "$ADDR_B" >"$NP_TMP/gate.out" 2>&1 || status=$?
	cat "$NP_TMP/gate.out"
	[ "$status" = 1 ] && [ "$(red npretrans)" -ge 1 ]

	status=0
	timeout 60 "$gate" true >"$NP_TMP/gate.out" 2>&1 || status=$?
	cat "$NP_TMP/gate.out"
	[ "$status" = 4 ]

	status=0
	# shellcheck disable=SC2016 # that shell's own
	timeout 60 "$gate" nsenter --net="/run/netns/$NS_A" -- sh -c '"$1" rr --to "$2" --port "$3" --count 60; exit 7' - \
		"$work" "$ADDR_B" "$(ready_port echo)" >"$NP_TMP/gate.out" 2>&1 || status=$?
	cat "$NP_TMP/gate.out" "$GATE_REPORTS"/*.xml
	[ "$status" = 7 ]

	status=0
	timeout 60 "$gate" >"$NP_TMP/gate.out" 2>&1 || status=$?
	[ "$status" = 2 ]
}
