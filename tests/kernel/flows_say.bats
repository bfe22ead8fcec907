#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# npflows beside the ends of flows.bats: UDP, ICMP, handshakes, containers, tables, and how it says all that.

# shellcheck disable=SC2154,SC2153,SC2016 # port is of nptop.bash, CRUN_PID of crun.sh

bats_require_minimum_version 1.5.0
load ../lib
load netns
load link
load nptop
load flows
# shellcheck source=crun.sh
. "$BATS_TEST_DIRNAME/crun.sh"

setup() {
	need_root
}

teardown() {
	crun_stop
	np_teardown
	if [ -n "${late-}" ]; then ip netns del "$late" || true; fi
}

@test "handshake and duration over a slow wire are the workload's own" {
	link_up --delay 40ms
	flows_start log
	serve end-server --each
	end_to client --to "$ADDR_B" --conns 3 --parallel 3 --tx 3000 --rx 100 >"$NP_TMP/work"
	end_to half --to "$ADDR6_B" --conns 2 --tx 3000 --rx 100 --stall 300 >>"$NP_TMP/work"
	wait_rows log ".netns == \"$NS_B\"" 5
	stop_bg server
	flows_stop log
	rows_match log "$NS_A" "$NP_TMP/work" 'near($row.syn_rtt; $work.handshake_us / 1e6; 0.02) and $row.syn_rtt >= 0.08 and
		$row.syn_rtt_server == $row.syn_rtt and $row.syn_rtt_client == null and $row.duration >= 0.16'
	# The server knows of it 40 ms later, and its SYN-ACK takes as long.
	rows_match log "$NS_B" "$(bg_out server)" '$row.syn_rtt >= 0.08 and $row.syn_rtt < 0.2 and $row.syn_rtt_client == $row.syn_rtt and
		$row.syn_rtt_server == null'
	rows_match log "$NS_A" "$NP_TMP/work" 'near($row.duration; ($work.closed_ns - $work.opened_ns) / 1e9 + 0.08; 0.09)'
}

@test "states in their order, and openings, each with its process where it made them" {
	netns_up
	flows_start log --events open,state
	serve end-server
	end_to client --to "$ADDR_B" --tx 3000 --rx 100 >"$NP_TMP/work"
	stop_bg server
	flows_stop log
	[ "$(rows log "select(.netns == \"$NS_A\") | \"\(.event) \(.oldstate)>\(.state) \(.pid)\"" | xargs -n 3 echo | sed "s/ $(jq -r 'select(.conn != null).pid' "$NP_TMP/work")\$//")" \
		= "$(printf '%s\n' 'state closed>syn-sent' 'open syn-sent>established' 'state established>fin-wait-1' \
			'state fin-wait-1>fin-wait-2' 'state fin-wait-2>closed')" ]
	rows log "select(.netns == \"$NS_B\") | \"\(.event) \(.oldstate)>\(.state) \(.pid)\"" | cat
	[ "$(rows log "select(.netns == \"$NS_B\" and .oldstate != \"closed\" and .state != \"listen\") | \"\(.event) \(.oldstate)>\(.state)\"")" \
		= "$(printf '%s\n' 'state listen>syn-recv' 'open syn-recv>established' 'state established>close-wait' \
			'state close-wait>last-ack' 'state last-ack>closed')" ]
	[ "$(rows log "select(.netns == \"$NS_B\" and .event == \"open\").pid")" = "$(said_pid server)" ]
}

udp_rows() { # NAME FILE SIDE-NAMESPACE: "pid tx rx tx_datagrams rx_datagrams" by process, of the log
	jq -nrR --arg ns "$2" '[inputs | fromjson? | select(.netns == $ns and .proto == "udp")] | group_by(.pid)[] |
		"\(.[0].pid) \(map(.tx_bytes) | add) \(map(.rx_bytes) | add) \(map(.tx_segs) | add) \(map(.rx_segs) | add)"' "$(bg_out "$1")"
}

udp_work() { # FILE...
	cat "$@" | jq -nrR '[inputs | fromjson? | select(has("tx_datagrams"))] | group_by(.pid)[] |
		"\(.[0].pid) \(map(.tx) | add) \(map(.rx) | add) \(map(.tx_datagrams) | add) \(map(.rx_datagrams) | add)"'
}

@test "UDP flows: connected, unconnected, a socket a datagram: bytes and datagrams; the end is with the socket" {
	netns_up
	flows_start log udp
	serve udp-server
	for to in "$ADDR_B" "$ADDR6_B"; do
		udp_client --to "$to" --count 100 --size 333 --echo
		udp_client --to "$to" --count 50 --size 100 --unconnected
		udp_client --to "$to" --count 20 --size 100 --oneshot --echo
	done >"$NP_TMP/clients"
	stop_bg server
	flows_stop log
	diff <(udp_work "$NP_TMP/clients") <(udp_rows log "$NS_A")
	diff <(udp_work "$(bg_out server)") <(udp_rows log "$NS_B")
	[ "$(rows log "select(.netns == \"$NS_A\") | .end" | sort -u)" = closed ]
	[ "$(rows log "select(.netns == \"$NS_A\" and .remote == \"$ADDR_B:$port\") | 1" | wc -l)" = 21 ]
	[ "$(rows log "select(.netns == \"$NS_A\" and .remote == \"*\") | 1" | wc -l)" = 2 ]
}

@test "a UDP socket that was silent for --udp-idle is told as idle; its next datagram begins another flow" {
	netns_up
	flows_start log --udp-idle 1s udp
	serve udp-server
	start_held held in_ns "$NS_A" "$(np_bin np-work)" udp-client --to "$ADDR_B" --port "$port" --hold --count 10 --size 100
	wait_round held 1
	wait_rows log ".netns == \"$NS_A\" and .end == \"idle\"" 1
	tell held
	wait_round held 2
	wait_rows log ".netns == \"$NS_A\" and .end == \"idle\"" 2
	tell held
	wait_round held 3
	stop_bg held
	stop_bg server
	flows_stop log
	[ "$(rows log "select(.netns == \"$NS_A\") | \"\(.pid) \(.end) \(.tx_bytes) \(.tx_segs) \(.older)\"" | xargs -n 5 | uniq -c | xargs)" \
		= "2 $(said_pid held) idle 1000 10 false 1 $(said_pid held) closed 1000 10 false" ]
	[ "$(rows log "select(.netns == \"$NS_B\") | .rx_bytes" | xargs)" = '1000 1000 1000' ]
	# The silence is no part of it.
	[ -z "$(rows log "select(.netns == \"$NS_A\" and .duration >= 1) | tojson")" ]
}

@test "ping is a flow with its process, its echoes and replies" {
	command -v ping >/dev/null || skip 'no ping'
	netns_up
	flows_start log icmp or icmp6
	in_ns "$NS_A" ping -q -c 3 -i 0.1 -s 100 "$ADDR_B" >/dev/null
	in_ns "$NS_A" ping -q -c 2 -i 0.1 -s 60 "$ADDR6_B" >/dev/null
	flows_stop log
	rows log "select(.netns == \"$NS_A\") | tojson"
	[ "$(rows log "select(.netns == \"$NS_A\") | \"\(.comm) \(.proto) \(.tx_segs) \(.rx_segs) \(.end)\"" | sort | paste -sd,)" \
		= 'ping icmp 3 3 closed,ping icmpv6 2 2 closed' ]
	# With the header of ICMP, eight bytes, as ping has it.
	[ "$(rows log "select(.netns == \"$NS_A\") | .tx_bytes" | sort -n | xargs)" = '136 324' ]
}

@test "a container's rows carry its name; a namespace made later is seen; the table names the container, too" {
	crun_usable || skip 'no crun or no static busybox'
	netns_up
	local name=np-$NP_ID-box
	late=np-$NP_ID-late
	flows_start log
	ip netns add "$late"
	in_ns "$late" ip link set lo up
	start_bg there in_ns "$late" "$(np_bin np-work)" server
	wait_ready there
	in_ns "$late" "$(np_bin np-work)" client --port "$(ready_port there)" --conns 3 --tx 5003 --rx 700 >"$NP_TMP/clients"
	stop_bg there
	serve server
	# shellcheck disable=SC2034 # crun.sh reads them
	CRUN_NET=/run/netns/$NS_A CRUN_BIND="/usr /lib /lib64 $NP_BUILD"
	crun_start "$name" "$(np_bin np-work)" client --to "$ADDR_B" --port "$port" --hold --conns 3 --tx 50021 --rx 10007
	wait_for 20 grep -q '"round":1' "$CRUN_DIR/out"
	[ "$(timeout 60 "$(np_bin npflows)" --table --once -J -o pid,container,tx_bytes --netns "$NS_A" | json_lines '"\(.pid) \(.container) \(.tx_bytes)"' |
		sort | uniq -c | xargs)" = "3 $CRUN_PID $name 50021" ]
	local pid=$CRUN_PID
	sleep 0.5 # a container that lives shorter may be gone before anybody asks for its name
	crun_stop
	wait_rows log ".container == \"$name\"" 3
	stop_bg server
	flows_stop log
	[ "$(rows log "select(.container == \"$name\") | \"\(.pid) \(.tx_bytes) \(.rx_bytes)\"" | uniq -c | xargs)" = "3 $pid 50021 10007" ]
	[ "$(rows log "select(.netns == \"$late\" and .side == \"client\") | \"\(.pid) \(.tx_bytes) \(.rx_bytes)\"" | uniq -c | xargs)" \
		= "3 $(jq .pid "$NP_TMP/clients") 5003 700" ]
	[ "$(rows log "select(.netns == \"$late\" and .side == \"server\") | \"\(.pid) \(.tx_bytes) \(.rx_bytes)\"" | uniq -c | xargs)" \
		= "3 $(said_pid there) 700 5003" ]
}

ss_table() { # NAMESPACE: "pid lport rport tx rx"
	in_ns "$1" ss -tinpOH state established | awk '{
		delete v; for (i = 1; i <= NF; i++) if (split($i, kv, ":") == 2) v[kv[1]] = kv[2]
		match($0, /pid=[0-9]+/); pid = substr($0, RSTART + 4, RLENGTH - 4)
		sub(/.*:/, "", $3); sub(/.*:/, "", $4)
		print pid, $3, $4, v["bytes_sent"] - v["bytes_retrans"], v["bytes_received"] + 0 }'
}

@test "--table --once is what ss -tinp says" {
	netns_up
	serve server
	hold held --to "$ADDR_B" --conns 5 --tx 3011 --rx 1007
	hold held6 --to "$ADDR6_B" --conns 2 --tx 24 --rx 2M
	timeout 60 "$(np_bin npflows)" --table --once -J --netns "$NS_A" --netns "$NS_B" -o pid,lport,rport,tx_bytes,rx_bytes,state >"$NP_TMP/table"
	{ ss_table "$NS_A" && ss_table "$NS_B"; } | sort >"$NP_TMP/ss"
	[ "$(wc -l <"$NP_TMP/ss")" = 14 ]
	diff "$NP_TMP/ss" <(json_lines 'select(.state == "established") | "\(.pid) \(.lport) \(.rport) \(.tx_bytes) \(.rx_bytes)"' "$NP_TMP/table" | sort)
}

@test "--listen --once is what ss -ltnp says: queue, its limit, what it dropped" {
	netns_up
	local to
	start_bg deaf in_ns "$NS_B" "$(np_bin np-work)" deaf --listen "$ADDR_B" --backlog 4
	wait_ready deaf
	to=$(ready_port deaf)
	serve server --backlog 77
	start_held knock in_ns "$NS_A" "$(np_bin np-work)" knock --to "$ADDR_B" --port "$to" --conns 12
	wait_line knock '"phase":"knocked"'
	timeout 60 "$(np_bin npflows)" --listen --once -J --netns "$NS_B" >"$NP_TMP/listen"
	in_ns "$NS_B" ss -ltnpH | awk '{ match($0, /pid=[0-9]+/); pid = substr($0, RSTART + 4, RLENGTH - 4); sub(/.*:/, "", $4); print pid, $4, $2, $3 }' | sort >"$NP_TMP/ss"
	diff "$NP_TMP/ss" <(json_lines '"\(.pid) \(.local | sub(".*:"; "")) \(.backlog) \(.limit)"' "$NP_TMP/listen" | sort)
	[ "$(json_lines "select(.pid == $(bg_pid deaf)) | \"\(.backlog) \(.limit)\"" "$NP_TMP/listen")" = '5 4' ]
	[ "$(wc -l <"$NP_TMP/ss")" = 2 ]
	# The clients try again meanwhile.
	local before after
	before=$(netns_count "$NS_B" TcpExtListenDrops)
	after=$(timeout 60 "$(np_bin npflows)" --listen --once -J --netns "$NS_B" | json_sum drops)
	[ "$before" -ge 7 ]
	[ "$after" -ge "$before" ]
	[ "$after" -le "$(netns_count "$NS_B" TcpExtListenDrops)" ]
}

@test "filters, --pid, --where and --count choose rows of the log" {
	netns_up
	serve server
	flows_start all --netns "$NS_A" -d 60s
	flows_start host "host $ADDR6_B and tcp"
	flows_start where --where "tx_bytes > 5000 && netns == '$NS_A'"
	flows_start pid --pid "$(bg_pid server)"
	flows_start three -c 3 --netns "$NS_A"
	client --to "$ADDR_B" --conns 4 --tx 1001 --rx 100 >"$NP_TMP/clients"
	client --to "$ADDR6_B" --conns 2 --tx 9001 --rx 100 >>"$NP_TMP/clients"
	wait_rows all true 6
	# It ends by itself.
	wait_for 10 _bg_ended three
	stop_bg three 0
	[ "$(rows three 1 | wc -l)" = 3 ]
	for name in all host where pid; do flows_stop "$name"; done
	[ "$(rows all .tx_bytes | sort | uniq -c | xargs)" = '4 1001 2 9001' ]
	[ "$(rows host .tx_bytes | sort | uniq -c | xargs)" = '2 100 2 9001' ]
	[ "$(rows where .tx_bytes | sort | uniq -c | xargs)" = '2 9001' ]
	[ "$(rows pid '"\(.pid) \(.rx_bytes)"' | sort | uniq -c | xargs)" = "4 $(bg_pid server) 1001 2 $(bg_pid server) 9001" ]
	# What they add up to.
	tr -d ',' <"$(bg_err all)" | grep -qx '6 ended 0 failed; sent 21KiB received 600B'
	grep -qE "^$ADDR6_B +2 +18K +200\$" "$(bg_err all)"
	grep -qE "^$ADDR_B +4 +3.9K +400\$" "$(bg_err all)"
	[ "$(wc -l <"$(bg_err all)")" = 4 ]
	grep -q '^3 ended' "$(bg_err three)"
}

@test "in a pipe a row comes about when its connection ends, not when the program does" {
	netns_up
	serve server
	mkfifo "$NP_TMP/pipe"
	start_bg reader sh -c 'while read -r line; do echo "$line"; done <"$0"' "$NP_TMP/pipe"
	start_bg log sh -c 'exec "$@" >"$0"' "$NP_TMP/pipe" "$(np_bin npflows)" -J --netns "$NS_A" -o pid,tx_bytes
	wait_for 30 _pipe_row
	stop_bg log TERM || true
}

_pipe_row() {
	client --to "$ADDR_B" --tx 1234 >/dev/null
	sleep 1
	grep -q '"tx_bytes":1234' "$(bg_out reader)"
}

@test "text, CSV and JSON with hostile names: one line each, nothing for a terminal to act on" {
	netns_up
	local name fields
	serve server
	for name in text csv json; do
		start_bg "$name" "$(np_bin npflows)" --format "$name" --netns "$NS_A"
		flows_ready "$name"
	done
	client --to "$ADDR_B" --comm 'a\x1b[2J\x1b[31m"b' >/dev/null
	client --to "$ADDR_B" --comm 'two\nlines\x0d\t,";' >/dev/null
	client --to "$ADDR6_B" --comm '\xff\xfe\xc3(\xe2\x82' >/dev/null
	wait_for 10 eval '[ "$(wc -l <"$(bg_out json)")" = 3 ]'
	for name in text csv json; do flows_stop "$name"; done
	for name in text json; do
		! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$(bg_out "$name")"
		iconv -f UTF-8 -t UTF-8 "$(bg_out "$name")" >/dev/null
	done
	[ "$(wc -l <"$(bg_out text)")" = 4 ]
	jq -s -e 'length == 3 and all(.[]; .end == "closed" and (.comm | length > 0) and .tx_bytes == 1024)' "$(bg_out json)" >/dev/null
	fields=$(head -n 1 "$(bg_out csv)" | tr -cd , | wc -c)
	awk -v want="$fields" 'BEGIN { RS = "\001" } { for (i = 1; i <= length($0); i++) { c = substr($0, i, 1)
		if (c == "\"") q = !q; else if (c == "," && !q) f++; else if (c == "\n" && !q) { n++; if (f != want) bad++; f = 0 } } }
		END { exit n != 4 || bad }' "$(bg_out csv)"
}

@test "a ring too small for a storm: the loss is counted, and the exit status says so" {
	netns_up
	local status=0 lost
	flows_start log --ring-size 4096 --stats --netns "$NS_A"
	in_ns "$NS_A" "$(np_bin np-work)" storm --seconds 1 >"$NP_TMP/storm"
	flows_stop log || status=$?
	[ "$status" = 4 ]
	lost=$(sed -n 's/^lost: ring buffer full  *\([0-9]*\).*/\1/p' "$(bg_err log)")
	[ "$lost" -gt 0 ]
	grep -q "$lost records were lost" "$(bg_err log)"
}

# wrong OPTIONS: refused in one line, with status 2.
wrong() {
	local status=0
	timeout -s KILL 5 "$(np_bin npflows)" "$@" >"$NP_TMP/said" 2>&1 </dev/null || status=$?
	cat "$NP_TMP/said"
	[ "$status" = 2 ] && [ "$(wc -l <"$NP_TMP/said")" = 1 ]
}

@test "wrong options: one line each, status 2" {
	local bad
	for bad in '' none open,none 'open,' ',' +none retrans; do
		wrong --events "$bad"
		grep -q 'open, state, close, fail' "$NP_TMP/said"
	done
	wrong --events -close,-fail
	wrong --sort tx_bytes
	grep -q -- --table "$NP_TMP/said"
	wrong --by process
	wrong --top 3
	wrong --once
	wrong --table --listen
	wrong --table --events open
	wrong --listen --events open
	wrong --udp-idle never
	wrong --udp-idle -1s
	wrong --where 'nonsense > 1'
}
