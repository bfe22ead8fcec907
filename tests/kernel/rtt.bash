# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# nprtt beside a wire of known delays (link.bash). Load after ../lib, netns, link and nptop.

# shellcheck disable=SC2034 # nptop.bash reads it
TOP_PROGRAM=nprtt

# rtt_columns KIND...: all that is told of these kinds of time.
rtt_columns() {
	local kind stat
	for kind; do
		for stat in samples min mean p50 p90 p99 max; do
			printf ',%s_%s' "$kind" "$stat"
		done
	done
}

# rtt_start NAME [OPTIONS]: nprtt over the two namespaces, a row for each connection, all kinds of time.
rtt_start() {
	local name=$1
	shift
	[[ -n ${NP_BG[beacon]-} ]] || beacon_up in_ns "$NS_A" || return
	top_start "$name" --netns "$NS_A" --netns "$NS_B" --by connection \
		-o "time,pid,comm,side,netns,laddr,lport,raddr,rport,tx_segs,rx_segs,rtt,min_rtt$(rtt_columns rtt syn srt art)" "$@"
}

# rtt_last NAME FILTER: jq on the last row of each connection, without the beacon's; all times in us.
rtt_last() {
	jq -nrR --argjson beacon "$(bg_pid beacon)" '[inputs | fromjson? | select(.lport and .pid != $beacon)] |
		group_by([.netns, .laddr, .lport, .rport])[] | last |
		with_entries(if (.key | test("^rtt$|_(rtt|min|mean|p50|p90|p99|max)$")) and .value then .value *= 1e6 else . end) |
		'"$2" "$(bg_out "$1")"
}

# rtt_side NAME SIDE PORT FILTER: the same of the connections of a server on that port, seen from one side.
rtt_side() {
	local name=$1 side=$2 at=rport
	[[ $side == server ]] && at=lport
	rtt_last "$name" "select(.$at == $3) | $4"
}

# near WANT "GOT...": in us, each within 5 % or 200 us, and at least one.
near() {
	local want=$1 got seen=''
	# shellcheck disable=SC2048 # its words
	for got in ${*:2}; do
		seen=yes
		awk -v want="$want" -v got="$got" 'BEGIN { d = got - want; exit !(got != "null" && d * d <= (want * 0.05 > 200 ? want * 0.05 : 200) ^ 2) }' || {
			echo "$got us is not near $want us" >&2
			return 1
		}
	done
	[[ -n $seen ]]
}

# rr_server NAME NAMESPACE [OPTIONS]: on both families; the port goes to $port. Servers and clients run before anybody else, so that
# what they measure and how long they think is not a matter of how busy the machine is.
rr_server() {
	start_bg "$1" in_ns "$2" chrt -f 10 "$(np_bin np-work)" rr-server --listen :: "${@:3}"
	wait_ready "$1" 30
	port=$(ready_port "$1")
}

# rr NAME ADDR [OPTIONS]: requests from A to the rr-server on $port, in the background.
rr() {
	start_bg "$1" in_ns "$NS_A" chrt -f 10 "$(np_bin np-work)" rr --to "$2" --port "$port" --tx 100 --rx 100 "${@:3}"
}

# rr_run NAME ADDR OPTIONS: the same until it ends.
rr_run() {
	rr "$@"
	stop_bg "$1" 0 60
}

# What ss says of the connections of a namespace to or from $port: "lport,raddr:rport rtt minrtt", in us.
ss_times() { # NAMESPACE
	in_ns "$1" ss -tinOH state established "( sport = $port or dport = $port )" | awk '{
		rtt = min = ""
		for (i = 1; i <= NF; i++) { split($i, v, "[:/]"); if (v[1] == "rtt") rtt = v[2]; if (v[1] == "minrtt") min = v[2] }
		at = $3; sub(/.*:/, "", at); at = at "," $4; gsub(/[][]|::ffff:/, "", at)
		printf "%s %.0f %.0f\n", at, rtt * 1000, min * 1000 }' | sort
}
