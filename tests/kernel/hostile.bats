#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What comes from outside does no harm: names of processes, outputs that take nothing more, more connections than there is room for.

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
	if [ -n "${public-}" ]; then rm -rf "$public"; fi
}

# Raw bytes that a terminal would act on: C0 but newline, DEL, C1 (as UTF-8: C2 80 to C2 9F), and what is no UTF-8 at all.
harmless() { # FILE
	! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1" || return 1
	iconv -f UTF-8 -t UTF-8 "$1" >/dev/null
}

hostile_clients() {
	serve server --comm 'srv\x1b]0;x\x07\x9b2J'
	hold c1 --to "$ADDR_B" --comm 'a\x1b[2J\x1b[31m"b'
	hold c2 --to "$ADDR_B" --comm 'two\nlines\x0d\t,";'
	hold c3 --to "$ADDR6_B" --comm '\xff\xfe\xc3(\xe2\x82'
	hold c4 --to "$ADDR6_B" --comm '\xc2\x9b31m\xe2\x80\xae\\u0'
	hold c5 --to "$ADDR_B" --comm ';reboot; %s%n'
}

@test "names with escape sequences, newlines, invalid UTF-8: harmless as text" {
	local lc lines
	hostile_clients
	for lc in C.UTF-8 C; do
		LC_ALL=$lc timeout 60 "$(np_bin nptop)" -b -c 2 -I 100ms --netns "$NS_A" --netns "$NS_B" \
			-o pid,comm,command,netns,rx_bytes >"$NP_TMP/text"
		harmless "$NP_TMP/text"
		# A line for each: none has become two.
		lines=$(wc -l <"$NP_TMP/text")
		[ "$lines" = 13 ] # header, and six twice
	done
	# The C locale has no more than ASCII.
	[ "$(LC_ALL=C grep -cP '[\x80-\xff]' "$NP_TMP/text")" = 0 ]
	grep -qF ';reboot; %s%n' "$NP_TMP/text"
}

@test "names with escape sequences, newlines, invalid UTF-8: harmless as CSV, each in its cell" {
	hostile_clients
	timeout 60 "$(np_bin nptop)" -b -c 1 --format csv --netns "$NS_A" --netns "$NS_B" -o pid,comm,conns,command >"$NP_TMP/csv"
	# In quotes, a newline is data.
	tr '\n\r\t' '   ' <"$NP_TMP/csv" >"$NP_TMP/csv.flat"
	harmless "$NP_TMP/csv.flat"
	# A reader of CSV by the book finds 7 records of 4 fields.
	awk 'BEGIN { RS = "\001" } { for (i = 1; i <= length($0); i++) { c = substr($0, i, 1)
		if (c == "\"") q = !q; else if (c == "," && !q) f++; else if (c == "\n" && !q) { n++; if (f != 3) bad++; f = 0 } } }
		END { print n " records, " bad + 0 " bad"; exit n != 7 || bad }' "$NP_TMP/csv"
}

@test "names with escape sequences, newlines, invalid UTF-8: valid JSON that says the name" {
	hostile_clients
	timeout 60 "$(np_bin nptop)" -b -J -c 2 -I 100ms --netns "$NS_A" --netns "$NS_B" -o pid,comm,command >"$NP_TMP/json"
	harmless "$NP_TMP/json"
	[ "$(wc -l <"$NP_TMP/json")" = 12 ]
	[ "$(jq -c .pid "$NP_TMP/json" | wc -l)" = 12 ]
	[ "$(jq -r "select(.pid == $(bg_pid c1)) | .comm" "$NP_TMP/json" | tail -n 1)" = $'a\e[2J\e[31m"b' ]
	[ "$(jq -c "select(.pid == $(bg_pid c2)) | .comm" "$NP_TMP/json" | tail -n 1)" = '"two\nlines\r\t,\";"' ]
}

@test "names are harmless in what messages say" {
	local status=0
	timeout 60 "$(np_bin nptop)" -b -c 1 -o $'a\e[31mb\nc' >"$NP_TMP/out" 2>"$NP_TMP/said" || status=$?
	[ "$status" = 2 ]
	[ "$(wc -l <"$NP_TMP/said")" = 1 ]
	harmless "$NP_TMP/said"
	status=0
	timeout 60 "$(np_bin nptop)" -b -c 1 --netns $'a\e[31mb\nc' >"$NP_TMP/out" 2>"$NP_TMP/said" || status=$?
	[ "$status" = 2 ]
	[ "$(wc -l <"$NP_TMP/said")" = 1 ]
	harmless "$NP_TMP/said"
}

@test "a full disk: one line, status 4" {
	local status format
	# JSON has no header: on a quiet host without a connection of ours there would be nothing to write, so nothing to fail.
	serve server
	hold held --to "$ADDR_B"
	for format in text csv json; do
		status=0
		timeout 60 "$(np_bin nptop)" -b --format "$format" -I 50ms >/dev/full 2>"$NP_TMP/said" || status=$?
		cat "$NP_TMP/said"
		[ "$status" = 4 ]
		[ "$(wc -l <"$NP_TMP/said")" = 1 ]
		grep -qi 'no space' "$NP_TMP/said"
	done
	for format in --list-columns --doctor; do
		status=0
		timeout 60 "$(np_bin nptop)" "$format" >/dev/full 2>"$NP_TMP/said" || status=$?
		echo "$format: $status"
		[ "$status" = 4 ]
		[ "$(wc -l <"$NP_TMP/said")" = 1 ]
	done
}

# Both write into a pipe whose reader has gone after one line.
closed_pipe() { # OPTIONS; prints nptop's status
	local status=0
	{ timeout 60 "$(np_bin nptop)" "$@" 2>"$NP_TMP/said" && echo 0 >"$NP_TMP/status" || echo "$?" >"$NP_TMP/status"; } |
		head -n 1 >/dev/null || status=$?
	cat "$NP_TMP/status"
}

@test "a closed pipe: quiet, status 0, at once" {
	local start=$SECONDS format
	serve server
	hold held --to "$ADDR_B"
	for format in text csv json; do
		[ "$(closed_pipe -b --format "$format" -I 100ms)" = 0 ]
		[ ! -s "$NP_TMP/said" ]
	done
	[ "$(closed_pipe --list-columns)" = 0 ]
	[ ! -s "$NP_TMP/said" ]
	[ $((SECONDS - start)) -lt 30 ]
}

@test "nobody at the other end when there is nothing to write: it ends with its reader" {
	# head takes its line, the header, and goes; no connection of this namespace ever makes another.
	[ "$(closed_pipe -b -I 100ms --netns "$NS_A" | tail -n 1)" = 0 ]
	[ ! -s "$NP_TMP/said" ]
}

@test "output reaches a pipe refresh by refresh" {
	serve server
	hold held --to "$ADDR_B"
	mkfifo "$NP_TMP/pipe"
	timeout 60 "$(np_bin nptop)" -b -J -I 100ms >"$NP_TMP/pipe" 3>&- &
	exec {fd}<"$NP_TMP/pipe"
	# Not after 4 KiB have gathered.
	read -r -t 20 -u "$fd" line
	[ -n "$(jq -r .time <<<"$line")" ]
	exec {fd}<&-
	wait $!
}

# accounted NAME STORM: both ends of each connection have ended or were lost, and no process's bytes lack without a loss counted.
accounted() {
	local ended lost conns
	ended=$(top_stat "$1" 'connections ended') lost=$(top_stat "$1" 'lost: ring buffer full') conns=$(json_sum conns "$2")
	echo "connections $conns, ends seen $ended, lost $lost"
	[ "$conns" -gt 1000 ] || return 1
	[ $((ended + lost)) -ge $((2 * conns)) ] || return 1
	never_more "$1" "$2"
}

@test "a storm of connections: all are counted, or the loss is" {
	local status=0
	top_start top -I 1s
	in_ns "$NS_A" "$(np_bin np-work)" storm --seconds 10 --procs "$(nproc)" >"$NP_TMP/storm"
	top_stop top || status=$?
	accounted top "$NP_TMP/storm"
	if [ "$(top_stat top 'lost: ring buffer full')" = 0 ]; then
		[ "$status" = 0 ]
	else
		[ "$status" = 4 ]
		[ "$(grep -c 'records were lost' "$(bg_err top)")" = 1 ]
	fi
}

@test "a ring too small for a storm: the loss is counted and shown, status 4" {
	local status=0
	top_start top -I 1s --ring-size 4096
	in_ns "$NS_A" "$(np_bin np-work)" storm --seconds 3 --procs "$(nproc)" >"$NP_TMP/storm"
	top_stop top || status=$?
	accounted top "$NP_TMP/storm"
	[ "$(top_stat top 'lost: ring buffer full')" -gt 0 ]
	[ "$status" = 4 ]
	[ "$(grep -c 'records were lost' "$(bg_err top)")" = 1 ]
}

@test "more UDP sockets than there is room for: the loss is counted and shown, status 4" {
	local status=0
	top_start top --udp-max 4
	serve udp-server
	udp_client --to "$ADDR_B" --procs 20 --count 20 --size 100 --echo >"$NP_TMP/clients"
	stop_bg server
	top_stop top || status=$?
	[ "$(top_stat top 'lost: UDP map full')" -gt 0 ]
	[ "$status" = 4 ]
	[ "$(grep -c 'records were lost' "$(bg_err top)")" = 1 ]
}

@test "without privilege: one line that says what to do, status 3" {
	local options status
	public=$(mktemp -d)
	chmod 755 "$public"
	cp "$(np_bin nptop)" "$public"
	for options in '-b -c 1' '-b -c 1 --by interface' '-b -c 1 --hook cgroup' '-b -c 1 udp'; do
		status=0
		# shellcheck disable=SC2086 # options
		timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all -- "$public/nptop" $options \
			>"$NP_TMP/out" 2>"$NP_TMP/said" || status=$?
		cat "$NP_TMP/said"
		[ "$status" = 3 ]
		[ ! -s "$NP_TMP/out" ]
		[ "$(wc -l <"$NP_TMP/said")" = 1 ]
		grep -q '^nptop: .*\(sudo\|root\|CAP_BPF\)' "$NP_TMP/said"
	done
}

@test "root without CAP_BPF and CAP_SYS_ADMIN: one line that names what is missing, status 3" {
	local status=0
	timeout 60 setpriv --bounding-set=-bpf,-sys_admin --inh-caps=-all -- "$(np_bin nptop)" -b -c 1 \
		>"$NP_TMP/out" 2>"$NP_TMP/said" || status=$?
	cat "$NP_TMP/said"
	[ "$status" = 3 ]
	[ "$(wc -l <"$NP_TMP/said")" = 1 ]
	grep -qi 'cap_\|sudo\|root' "$NP_TMP/said"
}
