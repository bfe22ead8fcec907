# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# npflows beside a known workload: start and stop it, and hold its rows against np-work's lines of --each.
# Load after ../lib, netns and nptop.

# shellcheck disable=SC2016 # $row and $work are jq's

FLOWS_COLS=time,event,netns,pid,comm,proto,dir,side,local,remote,lport,rport,tx_bytes,rx_bytes,tx_segs,rx_segs
FLOWS_COLS+=,duration,end,closed_by,syn_rtt,syn_rtt_server,syn_rtt_client,container,older,owner_via,state,oldstate

# The log's clock runs once everything is attached and the first walk is over.
_flows_ready() { # NAME
	bg_alive "$1" || return 0
	grep -qs '^it_interval: (0, [1-9]' "/proc/$(bg_pid "$1")/fdinfo/"*
}

# flows_start NAME [OPTIONS]: npflows over all namespaces in the background, JSON; a later -o takes the place of the one here.
# What happens from its return on is seen, and what is there at that time is older.
flows_start() {
	local name=$1
	shift
	start_bg "$name" "$(np_bin npflows)" -J -o "$FLOWS_COLS" "$@"
	flows_ready "$name"
}

# flows_ready NAME: of one that was started otherwise.
flows_ready() {
	wait_for 30 _flows_ready "$1" && bg_alive "$1"
}

# flows_stop NAME: what happened until now is in the output; its status is returned.
flows_stop() {
	stop_bg "$1" INT 60
}

# rows NAME FILTER: of the log through jq, a line each.
rows() {
	json_lines "$2" "$(bg_out "$1")"
}

_rows_are() { # NAME CONDITION N
	(($(rows "$1" "select($2) | 1" | wc -l) >= $3))
}

# wait_rows NAME CONDITION N: until there are that many.
wait_rows() {
	wait_for 30 _rows_are "$@" && return 0
	rows "$1" "select($2) | tojson"
	return 1
}

# rows_match NAME NAMESPACE FILE CONDITION: each connection of np-work's FILE has just one row of an end in the namespace, and
# the condition holds for the both, $row and $work; what differs is printed. Always: the process, and the ports by which it is found.
rows_match() {
	jq -nrR --rawfile rows "$(bg_out "$1")" --arg ns "$2" --arg file "$3" '
		def near($a; $b; $least): ($a - $b) as $d | ($d | if . < 0 then -. else . end) <= ([$least, $b * 0.05] | max);
		def spans($row; $work): near($row.duration; ($work.closed_ns - $work.opened_ns) / 1e9; 0.05);
		[$rows | split("\n")[] | fromjson? | select(.netns == $ns and (.event == "close" or .event == "fail"))] as $all |
		[inputs | fromjson? | select(.conn != null)] as $works |
		[$works[] as $work | [$all[] | select(.lport == $work.lport and .rport == $work.rport)] as $found |
			$found[0] as $row |
			select(($found | length) != 1 or $row.pid != $work.pid or (('"$4"') | not)) |
			"\($work | tojson)\n  has rows \($found | tojson)"] as $bad |
		($bad[:10][], if ($works | length) == 0 then "np-work said nothing in \($file)" else empty end,
		 if ($bad | length) > 0 then "\($bad | length) of \($works | length) differ" else empty end)' "$3" >"$NP_TMP/match" 2>&1
	[ -s "$NP_TMP/match" ] || return 0
	cat "$NP_TMP/match"
	return 1
}

# The same with the bytes, the span and the end: rows_end NAME NAMESPACE FILE SIDE END BY.
rows_end() {
	rows_match "$1" "$2" "$3" '$row.event == "close" and $row.tx_bytes == $work.tx and $row.rx_bytes == $work.rx and
		$row.side == "'"$4"'" and $row.dir == "'"$([ "$4" = client ] && echo out || echo in)"'" and $row.older == false and
		$row.end == "'"$5"'" and $row.closed_by == "'"$6"'" and spans($row; $work)'
}

# rows_fail NAME NAMESPACE FILE END: they never came to stand; waited as long as np-work says.
rows_fail() {
	rows_match "$1" "$2" "$3" '$row.event == "fail" and $row.tx_bytes == 0 and $row.rx_bytes == 0 and $row.side == "client" and
		$row.dir == "out" and $row.end == "'"$4"'" and $row.syn_rtt == null and near($row.duration; $work.waited_us / 1e6; 0.05)'
}

end_to() { # HOW [OPTIONS]: np-work's end in NS_A, a line for each connection
	in_ns "$NS_A" timeout 60 "$(np_bin np-work)" end --how "$1" --port "${port:-0}" --each "${@:2}"
}
