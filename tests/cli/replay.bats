#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# A record on the command line and on the screen: what is refused, how it is paced, how it ends. That its rows are those of the run is
# for tests/kernel/record.bats.

load ../lib
load ../kernel/netns
load cli

setup() {
	need_root
	export top out=$NP_TMP/top.out err=$NP_TMP/top.err tape=$NP_TMP/tape
	top=$(np_bin nptop)
	export SHELL=/bin/bash
}

teardown() {
	screen_close
	np_teardown
}

# Twelve looks at connections that stay.
record_some() {
	serve server server --comm "$NP_ID-s"
	hold a client "$(ready_port server)" --conns 3 --tx 100000 --rx 100 --comm "$NP_ID-a"
	"$top" -b -I 100ms -c 12 --by connection --comm "$NP_ID-*" --record "$tape" >"$NP_TMP/live"
	stop_bg a
	stop_bg server
}

# ask PROGRAM ARGS...: as run_top, of another program.
ask() {
	local top
	top=$(np_bin "$1")
	run_top "${@:2}"
}

@test "what a record did not measure passes no check; what it did is judged" {
	run_top -b -c 1 --record "$tape"
	ask nprtt -r "$tape" --check 'count(rtt) < 1000000' --check 'count() < 0'
	[ "$status" = 1 ] && grep -q '^check inconclusive: count(rtt).*did not measure round-trip times' "$err"
	run_top -r "$tape" --check 'count(rtt + 0s >= 0s) >= 0'
	[ "$status" = 0 ]
	ask npretrans -d 0.1s --netns "$$" --events port-reuse --record "$tape"
	ask npretrans -r "$tape" --check 'count(event == port-reuse) >= 0'
	[ "$status" = 0 ]
	ask npretrans -r "$tape" --check 'count(event == drop) >= 0'
	[ "$status" = 4 ] && grep -q 'this record has no drop$' "$err"
	ask npretrans -r "$tape" --check 'count() >= 0'
	[ "$status" = 4 ] && grep -q 'this record has no ' "$err"
	ask npretrans -r "$tape" --events port-reuse --check 'count() >= 0'
	[ "$status" = 0 ]
}

@test "wrong usage is one line that says why" {
	local wrong=0
	record_some
	refused -r "$tape" --record "$NP_TMP/other" || wrong=1
	refused -r "$tape" --root / || wrong=1
	refused -r "$tape" -r '' || wrong=1
	refused -r "$tape" -- true || wrong=1
	refused --speed 2 || wrong=1
	refused --record - || wrong=1
	refused -r "$tape" --speed 0 || wrong=1
	refused -r "$tape" --speed fast || wrong=1
	refused -r "$NP_TMP/none" || wrong=1
	refused -r /dev/null || wrong=1
	refused -r "$NP_TMP" || wrong=1
	refused -r "$NP_TMP/live" || wrong=1
	refused -r "$(printf '/tmp/\e[31m\xff\n')" || wrong=1
	[ $wrong = 0 ]
	[ ! -e "$NP_TMP/other" ]
}

@test "a file that is cut, bent or foreign: what is whole before is shown, one line, status 2" {
	local size
	record_some
	size=$(stat -c %s "$tape")
	# the header alone, a part of it, all but the end mark
	head -c 100 "$tape" >"$NP_TMP/cut"
	run_top -r "$NP_TMP/cut"
	[ -z "$(says_why 2)" ]
	head -c $((size - 8)) "$tape" >"$NP_TMP/cut"
	run_top -b --by connection --comm "$NP_ID-*" -r "$NP_TMP/cut"
	[ "$status" = 2 ]
	[ "$(wc -l <"$err")" = 1 ]
	# what it shows is the beginning of what the run showed
	[ -s "$out" ]
	head -n "$(wc -l <"$out")" "$NP_TMP/live" | cmp - "$out"
	cmp "$NP_TMP/live" "$out"
	# the last byte of the last block
	cp "$tape" "$NP_TMP/bent"
	printf '\xa5' | dd of="$NP_TMP/bent" bs=1 seek=$((size - 17)) conv=notrunc status=none
	run_top -b --by connection --comm "$NP_ID-*" -r "$NP_TMP/bent"
	[ "$status" = 2 ]
	[ "$(wc -l <"$err")" = 1 ]
	grep -q 'is damaged before byte' "$err"
	head -n "$(wc -l <"$out")" "$NP_TMP/live" | cmp - "$out"
}

@test "--count, --duration and --interval are in the file's time" {
	record_some
	run_top -J --by connection --comm "$NP_ID-*" -o time,comm -r "$tape" -c 2
	[ "$status" = 0 ]
	[ "$(json_lines .time "$out" | uniq | wc -l)" = 2 ]
	run_top -J --by connection --comm "$NP_ID-*" -o time,comm -r "$tape" -d 0.5s
	[ "$status" = 0 ]
	# a look each 100 ms, however late some of them were
	[ "$(json_lines .time "$out" | uniq | wc -l)" -ge 2 ]
	[ "$(json_lines .time "$out" | uniq | wc -l)" -le 7 ]
	run_top -J --by connection --comm "$NP_ID-*" -o time,comm -r "$tape" -d 1h
	[ "$(json_lines .time "$out" | uniq | wc -l)" = 12 ]
}

@test "standard input may be a pipe that comes in pieces, and a signal ends it early" {
	record_some
	{ head -c 700 "$tape" && sleep 0.3 && tail -c +701 "$tape"; } |
		"$top" -b --by connection --comm "$NP_ID-*" -r - >"$out"
	cmp "$NP_TMP/live" "$out"
	# the rest never comes
	mkfifo "$NP_TMP/slow"
	exec {hold}<>"$NP_TMP/slow"
	head -c 700 "$tape" >&"$hold"
	start_bg slow "$top" -b -r "$NP_TMP/slow"
	wait_for 10 grep -qs 'do_poll\|poll_schedule\|do_sys_poll\|ep_poll' "/proc/$(bg_pid slow)/wchan" || sleep 1
	stop_bg slow TERM 5
	[ ! -s "$(bg_err slow)" ]
	exec {hold}>&-
}

@test "the output's reader has gone: it ends quietly" {
	record_some
	set +o pipefail
	"$top" -b --by connection --speed 0.01 -r "$tape" 2>"$err" | head -n 1 >"$out"
	[ "${PIPESTATUS[0]}" = 0 ]
	[ ! -s "$err" ]
}

@test "the screen plays it, keys work while it waits, and q ends it" {
	command -v tmux >/dev/null || skip 'needs tmux'
	record_some
	# the second look is ten seconds off
	screen_run 120x30 "$top" -r "$tape" --speed 0.01 --by connection --comm "$NP_ID-*"
	until_screen "$NP_ID-a"
	until_screen "$(hostname)"
	press h
	until_screen_lacks "$NP_ID-a"
	press h
	until_screen "$NP_ID-a"
	press q
	until_ended 0
}

@test "on the screen the last look stays, with all its keys" {
	command -v tmux >/dev/null || skip 'needs tmux'
	record_some
	screen_run 120x30 "$top" -r "$tape" --speed 1000 --by connection --comm "$NP_ID-*"
	until_screen 'the file has ended'
	until_screen "$NP_ID-a"
	press Enter
	press Escape
	until_screen "$NP_ID-s"
	press q
	until_ended 0
}

@test "space holds a file as well" {
	command -v tmux >/dev/null || skip 'needs tmux'
	record_some
	screen_run 120x30 "$top" -r "$tape" --speed 0.2 --by connection --comm "$NP_ID-*"
	until_screen "$NP_ID-a"
	press Space
	until_screen 'PAUSED'
	# six seconds of it were left at most
	sleep 7
	_screen_lacks 'has ended'
	press Space
	until_screen 'has ended' 20
	press q
	until_ended 0
}

@test "a damaged file on the screen: what was whole stays, and the line says why" {
	command -v tmux >/dev/null || skip 'needs tmux'
	record_some
	head -c $(($(stat -c %s "$tape") - 8)) "$tape" >"$NP_TMP/cut"
	screen_run 120x30 "$top" -r "$NP_TMP/cut" --speed 1000 --by connection --comm "$NP_ID-*"
	until_screen 'ends before its end mark'
	until_screen "$NP_ID-a"
	press q
	until_ended 2
}

@test "a run on the screen is recorded too" {
	command -v tmux >/dev/null || skip 'needs tmux'
	serve server server --comm "$NP_ID-s"
	hold a client "$(ready_port server)" --conns 3 --tx 100000 --rx 100 --comm "$NP_ID-a"
	screen_run 120x30 "$top" --record "$tape" -I 200ms --by connection --comm "$NP_ID-*"
	until_screen "$NP_ID-a"
	press q
	until_ended 0
	run_top -J -o comm,command --by connection --comm "$NP_ID-a" -r "$tape"
	[ "$status" = 0 ]
	[ "$(json_lines 'select(.command | test("np-work")) | .comm' "$out" | sort -u)" = "$NP_ID-a" ]
}
