# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# npretrans beside known losses: start and stop it, its rows of the two namespaces. Load after ../lib, netns, nptop and link.

_anom_ready() { # NAME: a refused connect on the loopback outside shows once everything is attached
	(exec 9<>/dev/tcp/127.0.0.1/1) 2>/dev/null
	grep -qs '"connect-fail"' "$(bg_out "$1")"
}

# anom_start [OPTIONS]: npretrans of all namespaces in the background, as `anom`. Of --events connect-fail must be one.
anom_start() {
	start_bg anom "$(np_bin npretrans)" -J --stats -o +netns,segs,events,ongoing,backlog,limit --events all "$@"
	wait_for 30 _anom_ready anom
}

# attached NAME: a NetProbe in the background sees everything from now on: its loop begins with a timer.
attached() {
	[ -n "$(find "/proc/$(bg_pid "$1")/fd" -lname '*timerfd*' 2>/dev/null)" ]
}

# anom_stop: what happened until now is in its output.
anom_stop() {
	stop_bg anom TERM 30
}

# anom FILTER: its rows of namespace a or b (key `ns`) through jq.
anom() {
	json_lines "select(.event) | .ns = {\"$NS_A\": \"a\", \"$NS_B\": \"b\"}[.netns] | select(.ns) | $1" "$(bg_out anom)"
}

# anom_count CONDITION: how many rows; anom_sum CONDITION KEY.
anom_count() {
	anom "select($1) | 1" | wc -l
}

anom_sum() {
	anom "select($1) | .$2" | awk '{ n += $1 } END { print n + 0 }'
}

# anom_kinds: "ns event cause rows segs", a line each.
anom_kinds() {
	anom '[.ns, .event, .cause // "-", .segs] | join(" ")' | awk '{ n[$1 " " $2 " " $3]++; s[$1 " " $2 " " $3] += $4 }
		END { for (k in n) print k, n[k], s[k] }' | sort
}

# anom_is KINDS: just these rows, and the kernel counts as many segments sent again at either end, for each socket too.
anom_is() {
	local ns name
	echo "rows:" && anom_kinds
	[ "$(anom_kinds)" = "$1" ] || return 1
	grep -x 'sent again without an event 0' "$(bg_err anom)" || return 1
	for ns in a b; do
		name=NS_${ns^^}
		echo "$ns: $(netns_count "${!name}" TcpRetransSegs) sent again"
		[ "$(anom_sum ".ns == \"$ns\" and (.event | test(\"retrans\$\"))" segs)" = "$(netns_count "${!name}" TcpRetransSegs)" ] || return 1
	done
}

# lossy OPTIONS: 23 connections at a time, of one process, which is $CLIENT afterwards; what it said is in $NP_TMP/lossy.
lossy() {
	# shellcheck disable=SC2154 # port is of nptop.bash
	in_ns "$NS_A" timeout 60 "$(np_bin np-work)" client --to "$ADDR_B" --port "$port" --nonblock --threads 23 "$@" >"$NP_TMP/lossy" || return 1
	# shellcheck disable=SC2034 # the test's
	CLIENT=$(jq -r .pid "$NP_TMP/lossy")
}

# np-work's known ends, from A; what it says is in $NP_TMP/ends.

end() { # HOW [OPTIONS]
	in_ns "$NS_A" timeout 60 "$(np_bin np-work)" end --how "$1" --to "$ADDR_B" --port "${port:-0}" "${@:2}" >>"$NP_TMP/ends"
}

# end_pid HOW: of the process that did it last.
end_pid() {
	jq -nrR "[inputs | fromjson? | select(.how == \"$1\" and .comm)] | last.pid" "$NP_TMP/ends"
}
