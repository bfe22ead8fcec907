#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# However nptop ends, kill -9 included: no program, link, filter or qdisc of its own stays, and nobody else's is touched.

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop

setup() {
	need_root
	netns_up
}

teardown() {
	np_teardown
}

# Programs and links by who holds them: other copies of this test, or an nptop of the user's, run at the same time. In the
# namespace: what an interface has.
held_by() { # PID: ids of its BPF programs and links
	local fd
	for fd in /proc/"$1"/fdinfo/*; do
		sed -n 's/^prog_id:\t*/prog /p; s/^link_id:\t*/link /p' "$fd" 2>/dev/null
	done | sort -u
}

# none_left FILE: of what held_by said, nothing is there. Ids are not used again before they wrap.
none_left() {
	local kind id
	while read -r kind id; do
		if bpftool "$kind" show id "$id" >/dev/null 2>&1; then return 1; fi
	done <"$1"
}

# XDP, tcx, filters and qdiscs of both ends.
hung() {
	local end
	for end in "$NS_A $VETH_A" "$NS_B $VETH_B" "$NS_A lo"; do
		# shellcheck disable=SC2086
		set -- $end
		in_ns "$1" tc qdisc show dev "$2"
		in_ns "$1" tc filter show dev "$2" ingress 2>/dev/null
		in_ns "$1" tc filter show dev "$2" egress 2>/dev/null
		in_ns "$1" ip -d -o link show dev "$2" | grep -o 'prog/xdp.*' || true
		in_ns "$1" bpftool net show dev "$2" | grep -v '^$' | grep -v ':$' || true
	done
}

same_as() { # FILE
	hung >"$NP_TMP/hung.now"
	cmp -s "$1" "$NP_TMP/hung.now"
}

holds_links() {
	held_by "$(bg_pid top)" >"$NP_TMP/held"
	[ "$(grep -c ^link "$NP_TMP/held")" -ge 4 ]
}

# ends_without_trace SIGNAL WHAT OPTIONS: nptop in NS_A, ended by the signal. Before, it holds links, or WHAT hangs at an interface.
ends_without_trace() {
	local sig=$1 what=$2
	shift 2
	hung >"$NP_TMP/hung.before"
	serve server
	hold held --to "$ADDR_B" --conns 3
	start_bg top in_ns "$NS_A" "$(np_bin nptop)" -b -J -I 100ms "$@"
	wait_line top time 20
	client --to "$ADDR_B" --conns 10 >/dev/null
	top_refresh top >/dev/null

	held_by "$(bg_pid top)" >"$NP_TMP/held"
	[ "$(grep -c ^prog "$NP_TMP/held")" -ge 2 ]
	hung >"$NP_TMP/hung.during"
	cat "$NP_TMP/held" "$NP_TMP/hung.during"
	case $what in
	links) wait_for 5 holds_links ;;
	*) grep -q "$what" "$NP_TMP/hung.during" ;;
	esac
	stop_bg top "$sig" || true
	wait_for 10 none_left "$NP_TMP/held"
	if ! wait_for 5 same_as "$NP_TMP/hung.before"; then
		diff "$NP_TMP/hung.before" "$NP_TMP/hung.now"
		return 1
	fi
	# The network still works.
	client --to "$ADDR6_B" --conns 2 >/dev/null
}

@test "kill -9: connections" {
	ends_without_trace KILL links
}

@test "kill -9: UDP by cgroup programs" {
	ends_without_trace KILL links --hook cgroup
}

@test "kill -9: interfaces by tcx" {
	ends_without_trace KILL links --by interface --hook tcx
}

@test "kill -9: interfaces by clsact" {
	ends_without_trace KILL np_tc_rx --by interface --hook clsact
}

@test "kill -9: interfaces by XDP" {
	ends_without_trace KILL xdp --by interface --hook xdp
}

@test "SIGTERM: interfaces by clsact" {
	ends_without_trace TERM np_tc_rx --by interface --hook clsact
}

@test "SIGINT: interfaces by XDP" {
	ends_without_trace INT xdp --by interface --hook xdp
}

@test "kill -9 while the interface is being taken away" {
	in_ns "$NS_A" ip link add np-gone type veth peer name np-peer
	in_ns "$NS_A" ip link set np-gone up
	start_bg top in_ns "$NS_A" "$(np_bin nptop)" -b -J -I 100ms --by interface --hook clsact
	wait_line top np-gone 20
	held_by "$(bg_pid top)" >"$NP_TMP/held"
	in_ns "$NS_A" ip link del np-gone
	stop_bg top KILL || true
	wait_for 10 none_left "$NP_TMP/held"
	[ -z "$(in_ns "$NS_A" tc filter show dev "$VETH_A" ingress)" ]
	[ "$(in_ns "$NS_A" tc qdisc show dev "$VETH_A" | grep -c clsact)" = 0 ]
}

# Somebody else's filter on all packets that come in: a copy of each goes to an interface of its own.
others_filter() {
	if [ ! -e "$NP_TMP/mirror" ]; then
		in_ns "$NS_A" ip link add np-mirror type veth peer name np-mirror2
		in_ns "$NS_A" ip link set np-mirror2 up
		in_ns "$NS_A" ip link set np-mirror up
		touch "$NP_TMP/mirror"
	fi
	in_ns "$NS_A" tc filter add dev "$VETH_A" ingress pref 7 handle 0x77 protocol all \
		bpf bytecode '1,6 0 0 4294967295,' action mirred egress mirror dev np-mirror
	in_ns "$NS_A" tc filter add dev "$VETH_A" egress pref 7 handle 0x78 protocol all bpf bytecode '1,6 0 0 0,'
}

others_there() {
	in_ns "$NS_A" tc filter show dev "$VETH_A" ingress | grep -q 'pref 7 bpf .*handle 0x77' &&
		in_ns "$NS_A" tc filter show dev "$VETH_A" egress | grep -q 'pref 7 bpf .*handle 0x78'
}

others_packets() {
	in_ns "$NS_A" tc -s -j filter show dev "$VETH_A" ingress | jq '[.. | objects | .stats? // empty | .packets] | add // 0'
}

@test "somebody else's clsact and filters, there before, stay and work: nptop killed or ended" {
	local sig before
	in_ns "$NS_A" tc qdisc add dev "$VETH_A" clsact
	others_filter
	for sig in KILL TERM; do
		before=$(others_packets)
		ends_without_trace "$sig" np_tc_rx --by interface --hook clsact
		stop_bg held
		stop_bg server
		others_there
		# Neither took the packets from the other.
		[ "$(others_packets)" -gt $((before + 20)) ]
		[ "$(bg_json top "select(.interface == \"$VETH_A\" and .direction == \"rx\").packets" | tail -n 1)" -gt 20 ]
	done
}

@test "a bare clsact of somebody else's, there before, stays" {
	in_ns "$NS_A" tc qdisc add dev "$VETH_A" clsact
	ends_without_trace KILL np_tc_rx --by interface --hook clsact
	in_ns "$NS_A" tc qdisc show dev "$VETH_A" | grep -q '^qdisc clsact'
}

@test "somebody else's filter, added to our clsact meanwhile, stays with the qdisc" {
	local sig
	for sig in KILL TERM; do
		start_bg top in_ns "$NS_A" "$(np_bin nptop)" -b -J -I 100ms --by interface --hook clsact
		wait_line top "$VETH_A" 20
		held_by "$(bg_pid top)" >"$NP_TMP/held"
		others_filter
		stop_bg top "$sig" || true
		wait_for 10 none_left "$NP_TMP/held"
		others_there
		in_ns "$NS_A" tc filter show dev "$VETH_A" ingress >"$NP_TMP/filters"
		[ "$(grep -c np_ "$NP_TMP/filters")" = 0 ]
		in_ns "$NS_A" tc qdisc del dev "$VETH_A" clsact
	done
}

xdp_of() { # NAMESPACE INTERFACE
	in_ns "$1" ip -d link show dev "$2" | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p'
}

@test "somebody else's XDP program stays; nptop says so and shows the interface's own counters" {
	local id
	serve server
	start_bg first in_ns "$NS_A" "$(np_bin nptop)" -b -J -I 100ms --by interface --hook xdp -i "$VETH_A"
	wait_line first "$VETH_A" 20
	id=$(xdp_of "$NS_A" "$VETH_A")
	[ -n "$id" ]
	start_bg second in_ns "$NS_A" "$(np_bin nptop)" -b -J -I 100ms --by interface --hook xdp -i "$VETH_A"
	wait_line second "$VETH_A" 20
	client --to "$ADDR_B" --conns 5 >/dev/null
	top_refresh second >/dev/null
	stop_bg second
	grep -q "no hook on $VETH_A" "$(bg_err second)"
	[ "$(bg_json second "select(.interface == \"$VETH_A\" and .direction == \"rx\").packets" | tail -n 1)" -gt 10 ]
	[ "$(xdp_of "$NS_A" "$VETH_A")" = "$id" ]
	stop_bg first
	[ -z "$(xdp_of "$NS_A" "$VETH_A")" ]
}

@test "two at once do not disturb each other: the one that stays counts on" {
	local hook rx0 rx1
	serve server
	for hook in tcx clsact; do
		start_bg a in_ns "$NS_A" "$(np_bin nptop)" -b -J -I 100ms --by interface --hook "$hook" -o time,interface,direction,packets
		wait_line a "$VETH_A" 20
		start_bg b in_ns "$NS_A" "$(np_bin nptop)" -b -J -I 100ms --by interface --hook "$hook"
		wait_line b "$VETH_A" 20
		held_by "$(bg_pid a)" >"$NP_TMP/held"
		# The first made the qdisc.
		stop_bg a KILL || true
		wait_for 10 none_left "$NP_TMP/held"
		top_refresh b >/dev/null
		rx0=$(bg_json b "select(.interface == \"$VETH_A\" and .direction == \"rx\").packets" | tail -n 1)
		client --to "$ADDR_B" --conns 50 >/dev/null
		top_refresh b >/dev/null
		rx1=$(bg_json b "select(.interface == \"$VETH_A\" and .direction == \"rx\").packets" | tail -n 1)
		[ $((rx1 - rx0)) -ge 150 ]
		held_by "$(bg_pid b)" >"$NP_TMP/held"
		stop_bg b KILL || true
		wait_for 10 none_left "$NP_TMP/held"
		# The qdisc may stay: who made it was gone before, and for who stayed it was somebody else's.
		[ -z "$(in_ns "$NS_A" tc filter show dev "$VETH_A" ingress)$(in_ns "$NS_A" tc filter show dev "$VETH_A" egress)" ]
	done
}

@test "nothing is left in bpffs, and no process" {
	local pins name=np-left-$NP_ID
	pins=$(find /sys/fs/bpf -xdev 2>/dev/null | wc -l)
	cp "$(np_bin nptop)" "$NP_TMP/$name"
	start_bg top in_ns "$NS_A" "$NP_TMP/$name" -b -J -I 100ms --by interface --hook clsact
	wait_line top "$VETH_A" 20
	_of_ours | grep -q .
	stop_bg top KILL || true
	wait_for 5 _nobody
	[ "$(find /sys/fs/bpf -xdev 2>/dev/null | wc -l)" = "$pins" ]
}

_of_ours() { # processes of the program with the test's own name
	local exe
	for exe in /proc/[0-9]*/exe; do
		[[ $(readlink "$exe" 2>/dev/null) == "$NP_TMP/np-left-"* ]] && echo "$exe"
	done
}

_nobody() {
	[ -z "$(_of_ours)" ]
}
