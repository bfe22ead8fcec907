#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The log of connections: one row for each, however it ended or failed, with its process, its bytes, its time.

# shellcheck disable=SC2154,SC2016 # $row and $work are jq's; port is of nptop.bash

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
	netns_up
}

teardown() {
	crun_stop
	np_teardown
	if [ -n "${late-}" ]; then ip netns del "$late" || true; fi
}

@test "every way to end, seen from both ends, IPv4, IPv6 and mapped" {
	local how client by server rby to
	flows_start log
	serve end-server --each
	while read -r how client by server rby; do
		for to in "--to $ADDR_B" "--to $ADDR6_B" "--to $ADDR_B --mapped"; do
			# shellcheck disable=SC2086 # options
			end_to "$how" $to --conns 3 --parallel 3 --tx 5000 --rx 7000 --stall 200 </dev/null
		done >"$NP_TMP/$how"
		echo "$how $client $by $server $rby"
	done >"$NP_TMP/hows" <<-'END'
		client closed local closed remote
		server closed remote closed local
		half closed local closed remote
		half-server closed remote closed local
		rst-client reset-sent local reset-recv remote
		rst-server reset-recv remote reset-sent local
		abort-client aborted local reset-recv remote
		abort-server reset-recv remote aborted local
		killed closed local closed remote
		killed-unread aborted local reset-recv remote
	END
	stop_bg server
	flows_stop log
	while read -r how client by server rby; do
		echo "$how"
		grep "\"how\":\"$how\"" "$(bg_out server)" >"$NP_TMP/server-$how" || true
		rows_end log "$NS_A" "$NP_TMP/$how" client "$client" "$by"
		case $how in
		killed*) ;; # the server takes them for client's and abort-client's
		*) rows_end log "$NS_B" "$NP_TMP/server-$how" server "$server" "$rby" ;;
		esac
	done <"$NP_TMP/hows"
	[ "$(rows log "select(.netns == \"$NS_A\") | 1" | wc -l)" = 90 ]
	[ "$(rows log "select(.netns == \"$NS_B\") | 1" | wc -l)" = 90 ]
}

@test "what never stood: refused, unanswered, unreachable, given up; with process, reason and time waited" {
	netns_hole 10.99.0.77 fd99::77
	flows_start log
	start_bg timeout in_ns "$NS_A" "$(np_bin np-work)" end --how timeout --to 10.99.0.77 --conns 2 --parallel 2 --syncnt 1 --each
	start_bg timeout6 in_ns "$NS_A" "$(np_bin np-work)" end --how timeout --to fd99::77 --user-timeout 700 --each
	start_bg unreachable in_ns "$NS_A" "$(np_bin np-work)" end --how unreachable --to 10.99.0.78 --conns 2 --parallel 2 --each
	end_to refused --to "$ADDR_B" --port 9 --conns 3 >"$NP_TMP/refused"
	end_to refused --to "$ADDR6_B" --port 9 >>"$NP_TMP/refused"
	end_to giveup --to 10.99.0.77 --port 9 --conns 3 --parallel 3 --stall 300 >"$NP_TMP/giveup"
	stop_bg timeout 0 20
	stop_bg timeout6 0 20
	stop_bg unreachable 0 20
	flows_stop log
	rows_fail log "$NS_A" "$NP_TMP/refused" refused
	rows_fail log "$NS_A" "$(bg_out timeout)" timeout
	rows_fail log "$NS_A" "$(bg_out timeout6)" timeout
	rows_fail log "$NS_A" "$(bg_out unreachable)" unreachable
	rows_fail log "$NS_A" "$NP_TMP/giveup" given-up
	[ "$(rows log "select(.netns == \"$NS_A\") | 1" | wc -l)" = 12 ]
	[ -z "$(rows log "select(.netns == \"$NS_B\") | tojson")" ]
}

hold_end() { # HOW [OPTIONS]
	start_held "$1" in_ns "$NS_A" "$(np_bin np-work)" end --how "$1" --hold --to "$ADDR_B" --port "$port" --each "${@:2}"
	wait_line "$1" '"phase":"established"' 20
}

@test "deaths: of one that writes, of one that is idle, of an orphan whose process has gone" {
	flows_start log
	serve end-server
	hold_end dead --conns 2 --tx 5000 --rx 6000 --size 1000 --user-timeout 1000
	hold_end keepalive --conns 2 --keepcnt 1
	hold_end orphan --conns 2 --tx 3000 --rx 100 --size 1000 --user-timeout 1000
	netns_cut
	tell orphan
	stop_bg orphan 0
	tell dead
	tell keepalive
	stop_bg dead 0 20
	stop_bg keepalive 0 20
	wait_rows log '.end == "timeout" and .closed_by == "local"' 2
	flows_stop log
	rows_match log "$NS_A" "$(bg_out dead)" '$row.end == "timeout" and $row.event == "close" and $row.closed_by == null and
		$row.tx_bytes >= 6000 and $row.rx_bytes == $work.rx and spans($row; $work)'
	rows_match log "$NS_A" "$(bg_out keepalive)" '$row.end == "timeout" and $row.event == "close" and $row.closed_by == null and
		$row.tx_bytes == $work.tx and $row.rx_bytes == $work.rx and spans($row; $work)'
	# Longer than its process had it.
	rows_match log "$NS_A" "$(bg_out orphan)" '$row.end == "timeout" and $row.event == "close" and $row.closed_by == "local" and
		$row.tx_bytes == $work.tx + 1000 and $row.rx_bytes == $work.rx and $row.duration > 0.9'
}

@test "data that comes after close(): the reset is ours, however it looks" {
	netns_plain
	flows_start log
	start_bg late_server in_ns "$NS_B" perl -MIO::Socket::INET -e '$| = 1; my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => $ARGV[0]) or die;
		print "{\"ready\":", $l->sockport, "}\n"; my $s = $l->accept; sysread($s, my $b, 10); select(undef, undef, undef, 0.3);
		syswrite($s, "too late"); select(undef, undef, undef, 0.02)' "$ADDR_B"
	wait_ready late_server
	in_ns "$NS_A" perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new("$ARGV[0]:$ARGV[1]") or die;
		setsockopt($s, 6, 8, pack("i", 100)) or die; syswrite($s, "hello"); close($s)' "$ADDR_B" "$(ready_port late_server)"
	wait_rows log ".netns == \"$NS_A\" or .netns == \"$NS_B\"" 2
	flows_stop log
	rows log 'select(.comm == "perl") | "\(.end) \(.closed_by) \(.tx_bytes)"'
	[ "$(rows log "select(.netns == \"$NS_A\") | \"\(.comm) \(.end) \(.closed_by) \(.tx_bytes)\"")" = 'perl reset-sent local 5' ]
	[ "$(rows log "select(.netns == \"$NS_B\") | \"\(.comm) \(.end) \(.closed_by) \(.rx_bytes)\"")" = 'perl reset-recv remote 5' ]
}

@test "20,000 connections in a burst are 20,000 rows at either end, each with its process" {
	flows_start log --stats
	serve server --procs 2
	client --to "$ADDR_B" --procs 4 --conns 5000 --parallel 16 --tx 200 --rx 100 >"$NP_TMP/clients"
	stop_bg server
	flows_stop log || { tail -n 30 "$(bg_err log)" && return 1; }
	work_bytes "$NP_TMP/clients" "$(bg_out server)" >"$NP_TMP/same.work"
	jq -nrR '[inputs | fromjson? | select(.pid)] | group_by(.pid)[] | "\(.[0].pid) \(map(.tx_bytes) | add) \(map(.rx_bytes) | add)"' \
		"$(bg_out log)" >"$NP_TMP/same.top"
	_same "$NP_TMP/same.work" "$NP_TMP/same.top"
	[ "$(json_sum conns "$NP_TMP/clients")" = 20000 ]
	[ "$(grep -c "\"netns\":\"$NS_A\"" "$(bg_out log)")" = 20000 ]
	[ "$(grep -c "\"netns\":\"$NS_B\"" "$(bg_out log)")" = 20000 ]
	# Not one twice.
	[ "$(rows log 'select(.netns == "'"$NS_A"'") | .local' | sort -u | wc -l)" = 20000 ]
	grep -q '^40,\?000 ended, \|^4[0-9]* ended, ' "$(bg_err log)"
}

@test "connections older than the program are marked, with all their bytes; one in the accept queue, too" {
	local to
	serve server
	hold held --to "$ADDR_B" --conns 3 --tx 50021 --rx 10007
	start_bg deaf in_ns "$NS_B" "$(np_bin np-work)" deaf --listen "$ADDR_B" --backlog 4
	wait_ready deaf
	to=$(ready_port deaf)
	start_held knock in_ns "$NS_A" "$(np_bin np-work)" knock --to "$ADDR_B" --port "$to" --conns 2
	wait_line knock '"phase":"knocked"'
	flows_start log
	hold later --to "$ADDR_B" --tx 3001
	tell held
	wait_round held 2
	stop_bg held
	stop_bg later
	tell knock
	stop_bg knock 0
	wait_rows log ".netns == \"$NS_A\" and .rport == $to" 2
	stop_bg deaf
	stop_bg server
	flows_stop log
	[ "$(rows log "select(.older and .netns == \"$NS_A\" and .rport == $port) | \"\(.pid) \(.comm) \(.tx_bytes) \(.rx_bytes) \(.end) \(.side)\"" | sort | uniq -c | xargs)" \
		= "3 $(said_pid held) np-work 100042 20014 closed client" ]
	[ "$(rows log "select(.older and .netns == \"$NS_B\" and .lport == $port) | \"\(.pid) \(.tx_bytes) \(.rx_bytes) \(.side)\"" | sort | uniq -c | xargs)" \
		= "3 $(said_pid server) 20014 100042 server" ]
	[ "$(rows log "select(.older == false and .lport == $port) | \"\(.rx_bytes)\"")" = 3001 ]
	[ "$(rows log "select(.rport == $to and .netns == \"$NS_A\") | \"\(.pid) \(.older) \(.dir)\"" | sort | uniq -c | xargs)" \
		= "2 $(said_pid knock) true out" ]
	[ "$(rows log "select(.lport == $to and .netns == \"$NS_B\") | \"\(.older) \(.dir)\"" | sort | uniq -c | xargs)" = '2 true in' ]
}
