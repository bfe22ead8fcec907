#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What is written, when, and how a run ends: text, CSV, JSON lines, messages, exit statuses.

load ../lib
load cli

lo=(--by interface -i lo) # two rows a refresh on any host, and nobody has to do anything for them

setup() {
	need_root
	export top out=$NP_TMP/top.out err=$NP_TMP/top.err
	top=$(np_bin nptop)
}

teardown() {
	np_teardown
}

# Processes of known names and sizes, at rest.
traffic() {
	serve server server --comm 'np srv,"q"'
	hold client client "$(ready_port server)" --conns 3 --parallel 3 --tx 1234567 --rx 89 --comm $'np\\e[31m\\n'
	mine=(--pid "$(bg_pid server)" --pid "$(bg_pid client)")
}

refreshes() { # FILE: the times in it
	jq -r .time "$1" | uniq | wc -l
}

@test "JSON is one object a line, the same keys in each, numbers in base units" {
	traffic
	local pid
	pid=$(bg_pid client)
	run_top -b -c 2 -I 50ms -J "${mine[@]}"
	[ "$status" -eq 0 ]
	[ "$(wc -l <"$out")" -eq 4 ]
	while IFS= read -r line; do jq -e 'type == "object"' <<<"$line" >/dev/null; done <"$out"
	jq -es 'map(keys_unsorted) | unique | length == 1' "$out"
	jq -es 'all(.[]; (.time | test("^[0-9-]{10}T[0-9:]{8}[.][0-9]{3}Z$")) and (.pid | type == "number") and
		(.tx_rate | type == "number" or . == null) and (.rtt | type == "number"))' "$out"
	jq -es "map(select(.pid == $pid)) | length == 2 and
		all(.[]; .tx_bytes == 3703701 and .rx_bytes == 267 and .conns == 3 and .comm == \"np\u001b[31m\n\")" "$out"
}

@test "CSV has its header once and is read back by others, whatever a name holds" {
	traffic
	run_top -c 3 -I 50ms --format csv -o pid,comm,conns,tx_bytes,container "${mine[@]}"
	[ "$status" -eq 0 ]
	python3 - "$out" "$(bg_pid server)" "$(bg_pid client)" <<-'PY'
		import csv, sys
		rows = list(csv.reader(open(sys.argv[1], newline=""), strict=True))
		assert rows[0] == ["pid", "comm", "conns", "tx_bytes", "container"], rows[0]
		assert len(rows) == 7, rows
		assert all(len(row) == 5 for row in rows), rows
		assert rows.count([sys.argv[2], 'np srv,"q"', "3", "267", ""]) == 3, rows
		assert sum(row[0] == sys.argv[3] and row[2:4] == ["3", "3703701"] for row in rows) == 3, rows
	PY
	absent $'\e' "$out"
}

@test "text has its header once, and every refresh stands in the same columns" {
	traffic
	run_top -b -c 4 -I 50ms "${mine[@]}"
	[ "$status" -eq 0 ]
	[ "$(wc -l <"$out")" -eq 9 ]
	[ "$(grep -c PID "$out")" -eq 1 ]
	absent $'\e' "$out"
	grep -qF 'np\x1b[31m\x0a' "$out"
	python3 - "$out" <<-'PY'
		import re, sys
		lines = open(sys.argv[1]).read().replace('np srv,"q"', "np_srv,_q_").splitlines()
		spans = [[m.span() for m in re.finditer(r"\S+", line)] for line in lines]
		for line, fields in zip(lines[1:], spans[1:]):
		    assert len(fields) == len(spans[0]), line
		    for head, field in zip(spans[0], fields):
		        assert head[0] == field[0] or head[1] == field[1], (lines[0], line, field)
	PY
}

@test "text of no rows at all is its header" {
	run_top -b -c 2 -I 20ms --comm nobody-is-called-this
	[ "$status" -eq 0 ]
	[[ $(cat "$out") =~ ^TIME\ [^$'\n']*$ ]]
	run_top -J -c 2 -I 20ms --comm nobody-is-called-this
	[ ! -s "$out" ]
}

@test "-c N is N refreshes, the first at once" {
	local n
	for n in 1 2 5; do
		run_top -J -c "$n" -I 30ms "${lo[@]}"
		[ "$status" -eq 0 ]
		[ "$(refreshes "$out")" -eq "$n" ]
		[ "$(wc -l <"$out")" -eq $((2 * n)) ]
	done
	# waiting for one would take until the test is stopped
	run_top -J -c 1 -I 1h "${lo[@]}"
	[ "$(refreshes "$out")" -eq 1 ]
}

@test "-d ends in time, between two refreshes too" {
	local start=${EPOCHREALTIME/[.,]/}
	run_top -J -d 600ms -I 1h "${lo[@]}"
	[ "$status" -eq 0 ]
	((${EPOCHREALTIME/[.,]/} - start >= 600000))
	# what happened since the first refresh is shown as well
	[ "$(refreshes "$out")" -eq 2 ]
	run_top -J -d 500ms -I 100ms "${lo[@]}"
	[ "$(refreshes "$out")" -ge 3 ]
	[ "$(refreshes "$out")" -le 7 ]
}

@test "in a pipe each refresh is there when it is due, not when a buffer is full" {
	mkfifo "$NP_TMP/pipe"
	local format fd first
	for format in text csv json; do
		exec {fd}<>"$NP_TMP/pipe"
		# shellcheck disable=SC2016 # that shell's own
		start_bg top bash -c 'exec "$@" >"$0"' "$NP_TMP/pipe" "$top" -I 1h --format "$format" "${lo[@]}"
		read -r -t 20 first <&"$fd"
		read -r -t 20 <&"$fd"
		bg_alive top
		stop_bg top TERM
		exec {fd}<&-
		[ -n "$first" ]
	done
}

@test "SIGINT, SIGTERM and SIGHUP end it with status 0 after a last refresh" {
	local signal
	for signal in INT TERM HUP; do
		start_bg "top-$signal" "$top" -J -I 1h "${lo[@]}"
		wait_line "top-$signal" lo 20
		sleep 0.05
		stop_bg "top-$signal" "$signal"
		[ "$(refreshes "$(bg_out "top-$signal")")" -eq 2 ]
		[ ! -s "$(bg_err "top-$signal")" ]
	done
}

@test "a reader that goes away ends it quietly" {
	local line
	"$top" -J -I 20ms "${lo[@]}" 2>"$NP_TMP/err" > >(read -r line && echo "$line" >"$NP_TMP/line")
	[ ! -s "$NP_TMP/err" ]
	wait_for 5 jq -e .time "$NP_TMP/line"
}

@test "a full disk is told in one line, with status 4" {
	local status=0 format
	for format in text csv json; do
		status=0
		"$top" -c 3 -I 20ms --format "$format" "${lo[@]}" >/dev/full 2>"$NP_TMP/err" || status=$?
		[ "$status" -eq 4 ]
		[ "$(wc -l <"$NP_TMP/err")" -eq 1 ]
		grep -q 'No space left on device' "$NP_TMP/err"
	done
	status=0
	"$top" --list-columns >/dev/full 2>"$NP_TMP/err" || status=$?
	[ "$status" -eq 4 ]
	[ "$(wc -l <"$NP_TMP/err")" -eq 1 ]
}

@test "--stats and messages are on stderr, data on stdout" {
	run_top -J -c 2 -I 20ms --stats
	[ "$status" -eq 0 ]
	local text
	for text in 'records taken' 'lost: ring buffer full' 'lost: UDP map full' 'bytes without an owner' 'refreshes  *2' 'hook '; do
		grep -q "$text" "$err"
		absent "$text" "$out"
	done
	if [ -s "$out" ]; then jq -es 'all(.[]; .time)' "$out"; fi
	# what ran and how often is known only where it is counted
	[[ $(grep np_walk_files "$err") =~ [1-9][0-9]*\ runs ]]
	run_top -J -c 1 "${lo[@]}"
	[ ! -s "$err" ]
}

@test "--doctor says what works here, as text and as JSON lines" {
	run_top --doctor
	[ "$status" -eq 0 ]
	[ ! -s "$err" ]
	local check
	for check in kernel 'type information' capabilities TCP UDP interfaces 'round trips' 'response times' anomalies 'cgroup v2'; do
		grep -qE "^(ok|degraded) +$check" "$out"
	done
	absent '^fail' "$out"
	absent applications "$out"
	[[ $("$(np_bin npflows)" --doctor) =~ (ok|degraded)\ +applications ]]
	run_top --doctor -o json
	[ "$status" -eq 0 ]
	jq -es 'length >= 8 and all(.[]; keys == ["check", "detail", "fix", "verdict"] and .detail != "" and
		(.verdict == "ok" or .fix != ""))' "$out"
	cp "$out" "$NP_TMP/json"
	run_top --doctor -J
	cmp "$out" "$NP_TMP/json"
}

@test "without privilege: one line with the fix, and status 3; the doctor names what is missing" {
	command -v setpriv >/dev/null || skip 'needs setpriv'
	local status=0 err=$NP_TMP/err out=$NP_TMP/out
	setpriv --bounding-set=-all --inh-caps=-all "$top" -b -c 1 >"$out" 2>"$err" </dev/null || status=$?
	[ -z "$(says_why 3)" ] || { says_why 3 && false; }
	grep -q sudo "$err"
	status=0
	setpriv --bounding-set=-all --inh-caps=-all "$top" --doctor -o json >"$out" 2>"$err" </dev/null || status=$?
	[ "$status" -eq 3 ]
	jq -es 'any(.[]; .check == "capabilities" and .verdict == "fail" and (.detail | test("CAP_BPF")) and (.fix | test("sudo")))' "$out"
	# what needs no privilege works without
	setpriv --bounding-set=-all --inh-caps=-all "$top" --list-columns >/dev/null
}
