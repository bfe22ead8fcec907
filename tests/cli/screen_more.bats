#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The screens of the other programs: nprtt, npflows --table and --listen, npretrans --summary. screen.bats has what all share.

load ../lib
load ../kernel/netns
load cli

setup() {
	need_root
	command -v tmux >/dev/null || skip 'needs tmux'
	export SHELL=/bin/bash
}

teardown() {
	screen_close
	np_teardown
}

# Requests all the time, over loopback; names of no other test.
asking() {
	serve server rr-server --comm "$NP_ID-s"
	start_bg asker "$(np_bin np-work)" rr --port "$(ready_port server)" --count 1000000 --gap 5 --comm "$NP_ID-a"
}

# view COLSxROWS PROGRAM [OPTIONS]
view() {
	screen_run "$1" "$(np_bin "$2")" -I 200ms --comm "$NP_ID-*" "${@:3}"
	until_screen 'q quit'
	until_screen "$NP_ID-[a-z]"
}

# Nothing had to be wrapped by the terminal, and the key line is its last.
fits() { # COLSxROWS
	local text cols=${1%x*} rows=${1#*x}
	mapfile -t text < <(screen_joined)
	((${#text[@]} == rows)) && [[ ${text[-1]} == *'q quit'* ]] || return 1
	for text in "${text[@]}"; do
		((${#text} <= cols)) || return 1
	done
}

quits() {
	press q
	until_ended 0
	screen_close
	rm "$NP_TMP/ended"
}

# through_groups TITLE...: what b shows one after the other.
through_groups() {
	local title
	for title; do
		press b
		until_screen "(^|"$'\n'")$title  "
		fits 120x24
	done
}

conn_groups=(containers pods units users 'remote addresses' 'remote ports' 'local ports' protocols 'network namespaces')

@test "nprtt: medians at 80x24, all of it at 200x60, names at 40x10" {
	asking
	view 80x24 nprtt
	until_screen 'P50 +[0-9.]+[mu]s +P99 +[0-9.]+[mu]s'
	until_screen 'PID +COMM +SIDE +REMOTE +SAMPLES▼ +RTT-P50'
	until_screen "$NP_ID-a +client +127\.0\.0\.1:.* [0-9.]+[mu]s"
	until_screen "$NP_ID-s +server "
	fits 80x24
	quits
	view 200x60 nprtt --srt --art
	until_screen 'RTT-P99 +SRTS .*ART-P99'
	until_screen "$NP_ID-a .*[0-9.]+[mu]s"
	fits 200x60
	quits
	view 40x10 nprtt
	until_screen '\+[0-9]+ cols'
	fits 40x10
	quits
}

@test "nprtt: b goes through the groups of connections, Enter and Esc, c, order" {
	asking
	view 120x24 nprtt
	until_screen 'connections  by SAMPLES'
	through_groups "${conn_groups[@]}" processes
	until_screen "$NP_ID-a +[0-9]+ +[0-9.]+[mu]s"
	press Enter
	until_screen "connections of $NP_ID-[as]"
	press Escape
	until_screen 'processes  by'
	through_groups connections
	press c
	until_screen 'columns: 13 of [0-9]+ shown'
	press Escape
	until_screen 'connections  by SAMPLES▼'
	press r
	until_screen 'SAMPLES▲'
	quits
}

@test "nprtt: nothing measured says so" {
	screen_run 80x24 "$(np_bin nprtt)" -I 200ms port 1
	until_screen 'no (connection matches|samples yet)'
	quits
}

@test "npflows --table: as ss has it, by the oldest" {
	asking
	view 80x24 npflows --table
	until_screen 'PROTO +STATE +LOCAL +REMOTE'
	until_screen "$NP_ID-a +tcp +established"
	fits 80x24
	quits
	view 120x24 npflows --table
	until_screen 'connections  by AGE▼'
	until_screen 'TX +RX +AGE'
	through_groups "${conn_groups[@]}" processes connections
	press Enter
	until_screen 'state +established'
	press Escape
	until_screen 'connections  by AGE▼'
	quits
}

@test "npflows --listen: listeners and their queues" {
	asking
	local size
	for size in 80x24 40x10; do
		view "$size" npflows --listen
		until_screen 'listeners  by LOCAL▲'
		until_screen "127\.0\.0\.1:$(ready_port server) +"
		fits "$size"
		quits
	done
}

@test "npretrans --summary: what ails, and nothing while nothing does" {
	netns_up
	start_bg server in_ns "$NS_B" "$(np_bin np-work)" rr-server --listen "$ADDR_B" --comm "$NP_ID-s"
	wait_ready server
	screen_run 120x24 "$(np_bin npretrans)" --summary -I 200ms --netns "$NS_A"
	until_screen 'nothing went wrong yet|no connection matches'
	start_bg drop in_ns "$NS_B" "$(np_bin np-drop)" --dev "$VETH_B" --dport "$(ready_port server)" --every 20
	wait_ready drop
	start_bg asker in_ns "$NS_A" "$(np_bin np-work)" rr --to "$ADDR_B" --port "$(ready_port server)" --count 1000000 --comm "$NP_ID-a"
	until_screen 'EVENTS +[1-9]'
	until_screen "$NP_ID-a .*$ADDR_B:$(ready_port server) +[1-9]"
	fits 120x24
	# A row stays when its connection has ended, so it is a group, of one.
	press Enter
	until_screen 'connections of'
	press Enter
	until_screen 'state +established'
	press Escape
	until_screen 'connections of'
	press Escape
	until_screen 'connections  by EVENTS▼'
	quits
}

@test "nptop: a sample is in the title; differences to a baseline stand beside their columns" {
	asking
	screen_run 100x24 "$(np_bin nptop)" -I 200ms --sample 1/2
	until_screen 'processes  sample 1/2: sums are corrected  by '
	fits 100x24
	press b
	until_screen 'connections  sample 1/2'
	quits
	"$(np_bin nptop)" -b -c 3 -I 200ms --comm "$NP_ID-*" --save-baseline "$NP_TMP/base" >/dev/null
	view 160x24 nptop --baseline "$NP_TMP/base"
	until_screen 'COMM +TX/s +\+-% +RX/s +\+-% +TX +\+-%'
	until_screen "$NP_ID-a .* (\+[0-9.]+%|0%|-[0-9.]+%)"
	fits 160x24
	# another grouping has none, and its columns are the usual ones
	press b
	until_screen 'processes  '
	until_screen_lacks '\+-%'
	quits
	# it was left elsewhere, and what is kept is what it began with
	view 160x24 nptop --save-baseline "$NP_TMP/after"
	press b
	until_screen 'connections  |processes  '
	quits
	[ "$(jq -r '.by, (.groups | length > 0)' "$NP_TMP/after" | paste -sd ' ')" = 'comm true' ]
}
