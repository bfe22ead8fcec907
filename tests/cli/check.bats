#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# --check, --min-samples and --report on the command line: what is refused, and what becomes of a report then.

# shellcheck disable=SC2030,SC2031 # a test of bats is a function in a shell of its own

load ../lib
load cli

setup() {
	need_root
	export top out=$NP_TMP/top.out err=$NP_TMP/top.err
	top=$(np_bin nptop)
	report=$NP_TMP/report
}

teardown() {
	np_teardown
}

# shows TEXT SAYS: the check is refused, and the place is shown.
shows() {
	refused -c 1 --check "$1" && grep -qF -- "$2" "$err" && return 0
	echo "$1: $(cat "$err")"
	return 1
}

@test "a wrong expression: status 2, one line, and where it is wrong" {
	local wrong=0
	shows 'p99(rtt)' "at 'p99(rtt)' (character 1)" || wrong=1
	shows 'p99(rtt < 5ms' "(character" || wrong=1
	shows 'p99(rtx) < 5ms' "did you mean 'rtt'?, at 'rtx) < 5ms' (character 5)" || wrong=1
	shows 'p99(rtt) < 5MiB' 'different units' || wrong=1
	shows 'median(rtt) < 5ms' "nothing is called 'median('" || wrong=1
	shows 'count(event == "drop") == 0' 'npretrans without --summary' || wrong=1
	shows 'p99(rtt) < baseline' 'name its file with --baseline' || wrong=1
	shows 'count(app == tls) == 0' "npflows's" || wrong=1
	shows 'true' 'looks at nothing' || wrong=1
	shows '' 'a name' || wrong=1
	shows $'count(comm == "\e[31m\n\xff' '\x1b[31m' || wrong=1
	shows "$(printf '(%.0s' {1..1000})" 'nested too deeply' || wrong=1
	shows "$(printf 'x%.0s' {1..5000})" 'longer than' || wrong=1
	# the second of two
	shows 'count() >= 0' '' && wrong=1
	refused -c 1 --check 'count() >= 0' --check 'sum() < 1' || wrong=1
	((!wrong))
}

@test "what a program has not is refused with what has it" {
	top=$(np_bin npflows)
	refused -d 1s --listen --once --check 'p99(rtt) < 1s' && grep -q 'leave --listen' "$err"
	refused -d 1s --check 'p99(rtt) < 1s && count(end == closed) > 0' && grep -q 'make two checks' "$err"
	refused -d 1s --where 'end == closed' --check 'p99(rtt) < 1s' && grep -q -- '--where looks at columns that only events have' "$err"
	refused -d 1s --check 'sum(packets) > 1' && grep -q 'nptop --by interface' "$err"
	top=$(np_bin nptop)
	refused -c 1 --by interface --check 'p99(rtt) < 1s' && grep -q 'by interface away' "$err"
	refused -c 1 --where 'count() > 1' && grep -q 'is for --check' "$err"
}

@test "an event that this run does not watch for is refused, with what watches for it" {
	top=$(np_bin npretrans)
	refused -d 1s --check 'count(event == "zero-window") == 0' && grep -q -- '; add --events +zero-window$' "$err"
	refused -d 1s --events retrans --check 'count(event =~ "^connect") == 0' && grep -q 'name connect-fail in --events' "$err"
	refused -d 1s --where 'event == zero-window' --check 'count() == 0' && grep -q '^npretrans: --where: ' "$err"
	run_top -d 0.1s --events +zero-window --netns "$$" --check 'count(event == "zero-window") == 0'
	[ "$status" = 0 ]
	top=$(np_bin npflows)
	refused -d 1s --check 'count(event == open) == 0' && grep -q -- '; add --events +open$' "$err"
	refused -d 1s --events fail --check 'count(event == close) == 0' && grep -q 'name close in --events' "$err"
	refused -d 1s --check 'count(event == drop) == 0' && grep -q "not one of npflows's" "$err"
}

@test "--report and --min-samples: wrong values, no check, no such folder" {
	local value
	for value in '' xml JUNIT junit= '=file' 'junit file' tap,json; do
		refused -c 1 --check 'count() >= 0' --report "$value"
		grep -q 'tap, json or junit' "$err"
	done
	refused -c 1 --report tap && grep -q 'add a --check' "$err"
	refused -c 1 --check 'count() >= 0' --report "tap=$NP_TMP/no/such" && grep -q 'No such file' "$err"
	for value in '' 0 -1 abc 1.5 4294967296; do
		refused -c 1 --check 'count() >= 0' --min-samples "$value"
	done
}

@test "a wrong option leaves no report of a run before, but one that is red" {
	local wrong
	for wrong in '--check sum()<1' '--by nothing' '--where x' '--no-such-option' '--interval 1ms'; do
		echo old >"$report"
		status=0
		# shellcheck disable=SC2086 # two words
		timeout 20 "$top" -c 1 --report "json=$report" --check 'count() >= 0' $wrong >"$out" 2>"$err" || status=$?
		cat "$err" "$report"
		[ "$status" = 2 ]
		[ "$(head -n 1 "$report" | jq -r '.check + " " + .result')" = 'count() >= 0 error' ]
		[ -n "$(head -n 1 "$report" | jq -r .reason)" ]
	done
}

@test "nor does it where the report is named behind the wrong option" {
	local words
	for words in "-d bogus --check count()>=0 --report=json=$report" "--check=count()>=0 -d bogus --rep json=$report" \
		"--no-such-option --report json=/dev/null --report json=$report --ch count()>=0" "-x word --report json=$report --check count()>=0 -- true"; do
		echo old >"$report"
		# shellcheck disable=SC2086 # words
		run_top $words
		cat "$err" "$report"
		[ "$status" = 2 ] && [ "$(wc -l <"$err")" = 1 ]
		[ "$(jq -r '.check + " " + .result' "$report")" = 'count()>=0 error' ]
	done
	# what is the command's is not ours
	echo old >"$report"
	run_top -d bogus --check 'count()>=0' -- true --report "json=$report"
	[ "$status" = 2 ] && [ "$(cat "$report")" = old ]
}

@test "the report takes standard error's lines or standard output's rows, never both" {
	local lines
	run_top -c 1 --check 'count() >= 0' --check 'sum(tx_bytes) >= 0'
	[ "$status" = 0 ] && [ "$(grep -c '^check passed: ' "$err")" = 2 ] && [ "$(wc -l <"$err")" = 2 ] && [ -s "$out" ]
	run_top -c 1 --check 'count() >= 0' --report tap
	[ "$status" = 0 ] && [ "$(head -n 3 "$err" | tail -n 1)" = 'ok 1 - count() >= 0' ]
	lines=$(wc -l <"$out")
	run_top -c 1 --check 'count() >= 0' --report tap=-
	[ "$status" = 0 ] && [ ! -s "$err" ] && [ "$(sed -n 3p "$out")" = 'ok 1 - count() >= 0' ] && [ "$(wc -l <"$out")" = 4 ]
	run_top -c 1 --check 'count() >= 0' --report "tap=$report"
	[ "$status" = 0 ] && [ ! -s "$err" ] && [ "$(wc -l <"$report")" = 4 ] && [ "$lines" -gt 0 ] && [ -s "$out" ]
}

@test "a longer report of before is gone to its last byte; a pipe and a full disk" {
	yes | head -c 100000 >"$report"
	run_top -c 1 --check 'count() >= 0' --report "tap=$report"
	[ "$status" = 0 ] && [ "$(wc -l <"$report")" = 4 ]
	mkfifo "$NP_TMP/fifo"
	cat "$NP_TMP/fifo" >"$NP_TMP/read" &
	run_top -c 1 --check 'count() >= 0' --report "tap=$NP_TMP/fifo"
	wait $!
	[ "$status" = 0 ] && [ "$(wc -l <"$NP_TMP/read")" = 4 ]
	run_top -c 1 --check 'count() >= 0' --report tap=/dev/full
	[ "$status" = 4 ] && grep -q 'cannot write /dev/full: No space left' "$err"
	run_top -c 1 --check 'count() < 0' --report tap=/dev/full
	[ "$status" = 1 ]
}

@test "with a check there is no screen" {
	screen_run 100x20 "$top" -c 1 --check 'count() >= 0'
	until_ended 0
	[[ $(screen) == *'check passed: count() >= 0: count() is '* ]]
	screen_close
}
