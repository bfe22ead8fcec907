# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A program with a command (-- COMMAND): run it, hold its rows against what the command moved. Load after ../lib, netns and nptop.
# $scope_in: () or a wrapper that takes the cgroup away (no_cgroup, cgroup_read_only).

# shellcheck disable=SC2154 # port is of nptop.bash

scope_in=()
: "${port=}" "${status=}"

cgroup_mount() {
	findmnt -n -t cgroup2 -o TARGET | head -n 1
}

# Wrappers: the rest of the words runs where there is no cgroup of version 2, or where none can be made.
no_cgroup() {
	# shellcheck disable=SC2016 # that shell's own
	scope_in=(unshare -m sh -c 'umount -l "$0" && exec "$@"' "$(cgroup_mount)")
}

cgroup_read_only() {
	# shellcheck disable=SC2016
	scope_in=(unshare -m sh -c 'mount -o remount,bind,ro "$0" && exec "$@"' "$(cgroup_mount)")
}

# Traffic of others, of the same names, to the same server, in the same namespace, all the time.
others_up() {
	hold other --to "$ADDR_B" --conns 3 --tx 70001 --rx 333
	start_bg storm in_ns "$NS_A" "$(np_bin np-work)" storm --rate 50 --seconds 300
}

# scoped PROGRAM [OPTIONS] -- COMMAND...: in NS_A; $status; rows in $rows, the command's output in $said, messages in $err.
rows=$NP_TMP/rows said=$NP_TMP/said err=$NP_TMP/err
scoped() {
	local program=$1
	shift
	status=0
	rm -f "$rows"
	nsenter --net="/run/netns/$NS_A" -- timeout 90 "${scope_in[@]}" "$(np_bin "$program")" -J --to "$rows" "$@" >"$said" 2>"$err" </dev/null ||
		status=$?
}

# All bytes of what np-work said in the command, by process (unless $no_pids), and not one more in all.
same_and_no_more() {
	work_bytes "$said" >"$NP_TMP/same.work"
	rows_bytes "$rows" >"$NP_TMP/same.rows"
	if { [ "${no_pids-}" ] || _same "$NP_TMP/same.work" "$NP_TMP/same.rows"; } && same_sum tx && same_sum rx; then return 0; fi
	cat "$err" "$said" "$rows"
	return 1
}

rows_bytes() { # FILE: "pid tx rx", its rows added up
	jq -nrR '[inputs | fromjson? | select(.pid)] | group_by(.pid)[] | "\(.[0].pid) \(map(.tx_bytes) | add) \(map(.rx_bytes) | add)"' "$1"
}

same_sum() {
	local work row
	work=$(json_sum "$1" "$said") row=$(json_sum "$1_bytes" "$rows")
	[ "$work" = "$row" ] || {
		echo "$1: the command moved $work, the rows have $row"
		return 1
	}
}

none_of() { # DIR: no cgroup of ours is left
	[ -z "$(find "$(cgroup_mount)" -type d -name "netprobe-$1-*")" ]
}
