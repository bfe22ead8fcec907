# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# nptop beside a known workload: start and stop it, and hold its numbers against np-work's. Load after ../lib and netns.
# TOP_PROGRAM: another of the programs, which has the same options.

# One connection of our own that is there before nptop: its row says that everything is attached and the first walk over.
# It never moves a byte.
# shellcheck disable=SC2120 # rtt.bash gives it a namespace
beacon_up() { # [in_ns NAMESPACE]
	start_bg beacon "$@" "$(np_bin np-work)" idle --conns 1
	wait_ready beacon
}

# top_start NAME [OPTIONS]: nptop over all namespaces in the background, a JSON row for each process; with --all, so that its last
# refresh has them all. A later -o, --by or -I takes the place of the one here.
top_start() {
	local name=$1
	shift
	[[ -n ${NP_BG[beacon]-} ]] || beacon_up || return
	start_bg "$name" "$(np_bin "${TOP_PROGRAM:-nptop}")" -b -J --all -I 300ms --stats \
		-o time,pid,comm,uid,netns,tx_bytes,rx_bytes,tx_segs,rx_segs,retrans,conns "$@"
	wait_line "$name" "\"pid\":$(bg_pid beacon)," 30
}

# What happened until now is in the output when it ends; its status is returned.
top_stop() {
	stop_bg "$1" TERM 60
}

# said_pid NAME: of an np-work that may have ended.
said_pid() {
	jq -nrR '[inputs | fromjson? | select(.role)][0].pid' "$(bg_out "$1")"
}

# top_now FILTER [OPTIONS]: the rows of one refresh of a new nptop through jq.
top_now() {
	local filter=$1
	shift
	timeout 60 "$(np_bin "${TOP_PROGRAM:-nptop}")" -b -J -c 1 "$@" >"$NP_TMP/now" && json_lines "$filter" "$NP_TMP/now"
}

# The trust record's number behind LABEL (of top_start: on stderr).
top_stat() { # NAME LABEL
	sed -n "s/^$2  *\([0-9][0-9]*\).*/\1/p" "$(bg_err "$1")"
}

_newer_refreshes() { # FILE TIME N
	(($(jq -rR --arg t "$2" 'fromjson? | .time | select(. > $t)' "$1" | uniq | wc -l) >= $3))
}

# top_refresh NAME: until a refresh that began after now is whole in the output; prints its time. Needs a row in each refresh.
top_refresh() {
	local now
	now=$(date -u +%FT%T.%3NZ)
	# One that follows says that the first is whole.
	wait_for 30 _newer_refreshes "$(bg_out "$1")" "$now" 2 || return
	jq -rR --arg t "$now" 'fromjson? | .time | select(. > $t)' "$(bg_out "$1")" | head -n 1
}

# work_bytes FILE...: "pid tx rx" of what np-work says; of a held one its last round, which has the sums of all.
work_bytes() {
	cat "$@" | jq -nrR '[inputs | fromjson? | select(has("tx"))] | group_by(.pid)[] |
		(map(.round // 0) | max) as $last | map(select((.round // 0) == $last)) |
		"\(.[0].pid) \(map(.tx) | add) \(map(.rx) | add)"'
}

# work_datagrams FILE...: "pid tx rx" in datagrams.
work_datagrams() {
	cat "$@" | jq -nrR '[inputs | fromjson? | select(has("tx_datagrams"))] | group_by(.pid)[] |
		"\(.[0].pid) \(map(.tx_datagrams) | add) \(map(.rx_datagrams) | add)"'
}

# top_pids FILE COLUMN COLUMN: "pid a b" of each process's last row.
top_pids() {
	jq -nrR --arg a "$2" --arg b "$3" '[inputs | fromjson? | select(.pid)] | group_by(.pid)[] | last |
		"\(.pid) \(.[$a]) \(.[$b])"' "$1"
}

_same() { # WORK TOP: each process of WORK has the same two numbers in TOP
	awk 'FILENAME == ARGV[1] { top[$1] = $2 " " $3; next }
		{ n++; got = $1 in top ? top[$1] : "0 0"
		  if (got != $2 " " $3) { bad++; if (bad <= 10) print "process " $1 ": np-work " $2 " " $3 ", nptop " got } }
		END { if (!n) print "np-work said nothing"; if (bad) print bad " of " n " processes differ"; exit !n || bad }' "$2" "$1"
}

# same_bytes NAME FILE...: nptop NAME (stopped) has for each process exactly the bytes that np-work printed.
same_bytes() {
	local name=$1
	shift
	work_bytes "$@" >"$NP_TMP/same.work"
	top_pids "$(bg_out "$name")" tx_bytes rx_bytes >"$NP_TMP/same.top"
	_same "$NP_TMP/same.work" "$NP_TMP/same.top"
}

same_datagrams() {
	local name=$1
	shift
	work_datagrams "$@" >"$NP_TMP/same.work"
	top_pids "$(bg_out "$name")" tx_segs rx_segs >"$NP_TMP/same.top"
	_same "$NP_TMP/same.work" "$NP_TMP/same.top"
}

# never_more NAME FILE...: no process has more bytes than are its own, and they lack at most one in a thousand of all, none of which
# is lost: each is under no owner, and counted so. Prints what lacks, of how much. 64 more may lack for each record that the
# ring had no room for: that many bytes are at most at stake where np-work's storm is the workload.
never_more() {
	local name=$1 lost
	shift
	lost=$(top_stat "$name" 'lost: ring buffer full')
	work_bytes "$@" >"$NP_TMP/same.work"
	top_pids "$(bg_out "$name")" tx_bytes rx_bytes >"$NP_TMP/same.top"
	awk -v lost="$lost" -v ownerless="$(top_stat "$name" 'bytes without an owner')" '
		FILENAME == ARGV[1] { tx[$1] = $2; rx[$1] = $3; next }
		{ n++; all += $2 + $3; lack += $2 + $3 - tx[$1] - rx[$1]
		  if (tx[$1] > $2 || rx[$1] > $3) { bad++; print "process " $1 ": np-work " $2 " " $3 ", nptop " tx[$1] " " rx[$1] } }
		END { print lack + 0 " of " all + 0 " bytes lack; without an owner: " ownerless ", records lost: " lost
		  exit !n || bad || lack > ownerless + 64 * lost || lack > all / 1000 + 64 * lost }' "$NP_TMP/same.top" "$NP_TMP/same.work"
}

# The workload in the two namespaces: servers in B on both families, clients in A.

serve() { # MODE [OPTIONS]: in NS_B; the port goes to $port
	start_bg server in_ns "$NS_B" "$(np_bin np-work)" "$1" --listen :: "${@:2}"
	wait_ready server 30
	port=$(ready_port server)
}

client() {
	in_ns "$NS_A" timeout 120 "$(np_bin np-work)" client --port "$port" "$@"
}

udp_client() {
	in_ns "$NS_A" timeout 120 "$(np_bin np-work)" udp-client --port "$port" "$@"
}

# hold NAME OPTIONS...: connections that stay, after their first round.
hold() {
	local name=$1
	shift
	start_held "$name" in_ns "$NS_A" "$(np_bin np-work)" client --port "$port" --hold "$@"
	wait_round "$name" 1 60
}

_rounds() { # NAME ROUND N
	(($(grep -c "\"round\":$2[,}]" "$(bg_out "$1")") >= $3))
}

# wait_rounds NAME ROUND N: as wait_round, for N workers.
wait_rounds() {
	wait_for 60 _rounds "$@"
}

_all_closed() {
	[[ -z $(in_ns "$NS_A" ss -tnHO state connected exclude time-wait) ]]
}

# The last FIN of a client's connections comes when its process has gone already: until A has none left but those in TIME_WAIT.
all_closed() {
	wait_for 20 _all_closed
}
