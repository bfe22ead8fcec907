#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Each byte under the process whose it is, or under none: never under another.

# shellcheck disable=SC2154,SC2153 # port is of nptop.bash, CRUN_PID of crun.sh

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
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
	if [ -n "${cgroup-}" ]; then rmdir "$cgroup"; fi
	if [ -n "${public-}" ]; then rm -rf "$public"; fi
}

@test "1,000 clients and 1,000 accepted sockets over 20 processes each, held and closed" {
	top_start top
	serve server --procs 20
	start_held held in_ns "$NS_A" "$(np_bin np-work)" client --to "$ADDR_B" --port "$port" --hold \
		--procs 20 --conns 50 --tx 20011 --rx 10007
	wait_rounds held 1 20
	tell held
	wait_rounds held 2 20
	stop_bg held
	stop_bg server
	top_stop top
	[ "$(json_sum conns "$(bg_out held)" '.round == 2')" = 1000 ]
	never_more top "$(bg_out held)" "$(bg_out server)"
}

@test "1,000 short clients and accepted sockets over 20 processes, between two refreshes" {
	local out=$NP_TMP/clients
	top_start top -I 1h
	serve server --procs 20
	client --to "$ADDR6_B" --procs 20 --conns 50 --tx 3001 --rx 7001 >"$out"
	stop_bg server
	top_stop top
	[ "$(json_sum conns "$out")" = 1000 ]
	never_more top "$out" "$(bg_out server)"
}

@test "short connections that the client resets: the accepted side's owner is right or unknown" {
	local out=$NP_TMP/clients
	top_start top -I 1h
	serve server --procs 4
	client --to "$ADDR_B" --close rst-client --procs 4 --conns 100 --parallel 10 --tx 3001 --rx 7001 >"$out"
	stop_bg server
	top_stop top
	[ "$(json_sum conns "$out")" = 400 ]
	never_more top "$out" "$(bg_out server)"
}

@test "short connections that the server resets" {
	local out=$NP_TMP/clients
	top_start top -I 1h
	serve server --procs 4
	client --to "$ADDR_B" --close rst-server --procs 4 --conns 100 --parallel 10 --tx 3001 --rx 7001 >"$out"
	stop_bg server
	top_stop top
	[ "$(json_sum conns "$out")" = 400 ]
	never_more top "$out" "$(bg_out server)"
}

@test "a process forked for each connection has its bytes, not the one that accepted" {
	local out=$NP_TMP/clients
	top_start top -I 1h
	serve server --accept fork --stall 30 # longer than the acceptor holds it too
	client --to "$ADDR_B" --conns 100 --parallel 5 --tx 30011 --rx 3001 >"$out"
	stop_bg server
	top_stop top
	[ "$(json_sum conns "$(bg_out server)" '.role == "server"')" = 100 ]
	never_more top "$out" "$(bg_out server)"
}

@test "also where refreshes look in the midst of it" {
	local out=$NP_TMP/clients
	top_start top -I 20ms
	serve server --accept fork --stall 30 # longer than the acceptor holds it too
	client --to "$ADDR_B" --conns 200 --parallel 5 --tx 300011 --rx 3001 >"$out"
	stop_bg server
	top_stop top
	never_more top "$out" "$(bg_out server)"
}

@test "processes that share a listener: each has what it accepted" {
	local out=$NP_TMP/clients
	top_start top
	serve server --procs 6 --accept prefork
	client --to "$ADDR_B" --procs 3 --conns 50 --tx 30011 --rx 3001 >"$out"
	client --to "$ADDR6_B" --conns 50 --parallel 50 --tx 30011 --rx 3001 >>"$out"
	stop_bg server
	top_stop top
	never_more top "$out" "$(bg_out server)"
}

@test "who looks through everybody's files owns none, though the last close may fall to it" {
	local look=look-$NP_ID
	look=${look:0:15}
	cp "$(command -v ls)" "$NP_TMP/$look"
	# shellcheck disable=SC2016
	start_bg looking bash -c 'while :; do "$1" -l /proc/[0-9]*/fd; done >/dev/null 2>&1' - "$NP_TMP/$look"
	start_bg other "$(np_bin nptop)" -b -J -I 20ms
	# whose they are, not how many find room
	top_start top -I 200ms --ring-size 64MiB
	in_ns "$NS_A" "$(np_bin np-work)" storm --seconds 5 --procs "$(nproc)" >"$NP_TMP/storm"
	top_stop top
	never_more top "$NP_TMP/storm"
	[ -z "$(json_lines "select(.comm == \"$look\" or .pid == $(bg_pid other))" "$(bg_out top)")" ]
}

@test "threads of other names count for their process, under its name" {
	local out=$NP_TMP/clients
	top_start top -I 1h
	serve server --comm serving
	client --to "$ADDR_B" --threads 5 --comm leading --conns 10 --tx 1001 --rx 1001 >"$out"
	hold held --to "$ADDR_B" --threads 2 --comm holding --tx 1001
	stop_bg held
	stop_bg server
	top_stop top
	same_bytes top "$out" "$(bg_out held)" "$(bg_out server)"
	[ "$(json_lines "select(.pid == $(jq .pid "$out")) | .comm" "$(bg_out top)" | sort -u)" = leading ]
	[ "$(json_lines "select(.pid == $(said_pid held)) | .comm" "$(bg_out top)" | sort -u)" = holding ]
	[ "$(json_lines "select(.pid == $(said_pid server)) | .comm" "$(bg_out top)" | sort -u)" = serving ]
	[ -z "$(json_lines 'select(.comm | tostring | startswith("work-"))' "$(bg_out top)")" ]
}

cgroup2() {
	awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts
}

# shown OPTIONS and FILTER: names of the processes of the test that are left, of one refresh.
shown() {
	top_now 'select(.comm | tostring | test("^(alpha|beta|gamma|serving)$")) | .comm' --by process -o pid,comm,user "$@" | sort -u | paste -sd' '
}

@test "--pid, --comm, --uid, --netns, --cgroup and filter expressions choose whose connections" {
	local work
	public=$(mktemp -d)
	chmod 755 "$public"
	cp "$(np_bin np-work)" "$public"
	work=$public/np-work
	cgroup=$(cgroup2)/np-$NP_ID
	mkdir "$cgroup"
	serve server --comm serving
	hold alpha --to "$ADDR_B" --comm alpha --conns 2
	start_held beta nsenter --net="/run/netns/$NS_A" -- setpriv --reuid=65534 --clear-groups -- \
		"$work" client --to "$ADDR6_B" --port "$port" --hold --comm beta
	wait_round beta 1
	# shellcheck disable=SC2016
	start_held gamma nsenter --net="/run/netns/$NS_A" -- sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' - "$cgroup" \
		"$work" client --to "$ADDR_B" --port "$port" --hold --comm gamma
	wait_round gamma 1

	[ "$(shown)" = 'alpha beta gamma serving' ]
	[ "$(shown --pid "$(bg_pid alpha)")" = alpha ]
	[ "$(shown --pid "$(bg_pid alpha)" --pid "$(bg_pid beta)")" = 'alpha beta' ]
	[ "$(shown --comm beta)" = beta ]
	[ "$(shown --comm '*a')" = 'alpha beta gamma' ]
	[ "$(shown --uid 65534)" = beta ]
	[ "$(shown --uid nobody)" = beta ]
	[ "$(shown --netns "$NS_A")" = 'alpha beta gamma' ]
	[ "$(shown --netns "$NS_B")" = serving ]
	[ "$(shown --netns "/run/netns/$NS_B")" = serving ]
	[ "$(shown --netns "$(bg_pid server)")" = serving ]
	[ "$(shown --netns "$(stat -Lc %i "/run/netns/$NS_B")")" = serving ]
	[ "$(shown --cgroup "/np-$NP_ID")" = gamma ]
	[ "$(shown --cgroup "np-$NP_ID")" = gamma ]
	[ "$(shown --comm '*a' --uid 0 --netns "$NS_A")" = 'alpha gamma' ]

	[ "$(shown "port $port")" = 'alpha beta gamma serving' ]
	[ "$(shown port "$port" and ip6)" = 'beta serving' ]
	# As a packet of either direction would.
	[ "$(shown "src port $port")" = 'alpha beta gamma serving' ]
	[ "$(shown "dst port $port and not host $ADDR6_B")" = 'alpha gamma serving' ]
	[ "$(shown "net 10.99.0.0/24 and tcp")" = 'alpha gamma serving' ]
	[ "$(shown "host $ADDR6_A")" = 'beta serving' ]
	[ "$(shown "udp and port $port")" = '' ]
	[ "$(shown --comm beta "host $ADDR_A")" = '' ]
	[ "$(shown --where "rport == $port && conns >= 2")" = alpha ]

	# What is left out is in no sum: the server's one connection from beta.
	[ "$(top_now "select(.pid == $(bg_pid server)) | .conns" "host $ADDR6_A")" = 1 ]
	[ "$(top_now "select(.pid == $(bg_pid server)) | .conns")" = 4 ]
}

@test "a filter leaves out what ended as well" {
	local out=$NP_TMP/clients
	serve server
	top_start top -I 1h "host $ADDR6_B or host 127.0.0.1"
	client --to "$ADDR_B" --conns 20 --tx 1001 --rx 1001 >/dev/null
	client --to "$ADDR6_B" --conns 20 --tx 2003 --rx 1001 >"$out"
	stop_bg server
	top_stop top
	same_bytes top "$out"
	[ "$(top_pids "$(bg_out top)" tx_bytes rx_bytes | grep "^$(said_pid server) ")" = "$(said_pid server) 20020 40060" ]
}

@test "a namespace made after nptop started is seen, and one without a name" {
	local name=np-$NP_ID-late
	top_start top
	late=$name
	ip netns add "$late"
	in_ns "$late" ip link set lo up
	start_bg s1 in_ns "$late" "$(np_bin np-work)" server
	wait_ready s1
	in_ns "$late" "$(np_bin np-work)" client --port "$(ready_port s1)" --conns 3 --tx 5003 --rx 700 >"$NP_TMP/clients"
	start_held held in_ns "$late" "$(np_bin np-work)" client --port "$(ready_port s1)" --hold --tx 5003
	wait_round held 1
	# shellcheck disable=SC2016
	start_bg nameless unshare --net sh -c 'ip link set lo up; exec "$1" server --port 7777' - "$(np_bin np-work)"
	wait_ready nameless
	nsenter --net="/proc/$(bg_pid nameless)/ns/net" "$(np_bin np-work)" client --port 7777 --conns 3 --tx 5003 --rx 700 >>"$NP_TMP/clients"
	top_refresh top >/dev/null
	stop_bg held
	stop_bg s1
	stop_bg nameless
	top_stop top
	same_bytes top "$NP_TMP/clients" "$(bg_out held)" "$(bg_out s1)" "$(bg_out nameless)"
	json_lines "select(.pid == $(said_pid held)) | .netns" "$(bg_out top)" >"$NP_TMP/names"
	cat "$NP_TMP/names"
	[ "$(tail -n 1 "$NP_TMP/names")" = "$late" ]
}

@test "a container of crun's: its name, its bytes, --by and --container" {
	crun_usable || skip 'no crun or no static busybox'
	local name=np-$NP_ID-box
	serve server
	beacon_up
	start_bg top "$(np_bin nptop)" -b -J --all -I 300ms --by container -o time,container,runtime,tx_bytes,rx_bytes
	wait_line top '"container"' 30
	# shellcheck disable=SC2034 # crun.sh reads them
	CRUN_NET=/run/netns/$NS_A CRUN_BIND="/usr /lib /lib64 $NP_BUILD"
	crun_start "$name" "$(np_bin np-work)" client --to "$ADDR_B" --port "$port" --hold --conns 3 --tx 50021 --rx 10007
	wait_for 20 grep -q '"round":1' "$CRUN_DIR/out"

	[ "$(top_now 'select(.container) | "\(.container) \(.tx_bytes) \(.rx_bytes) \(.conns)"' --by container --container "$name")" \
		= "$name 150063 30021 3" ]
	[ "$(top_now 'select(.container) | "\(.pid) \(.container)"' -o pid,container --container "$name")" = "$CRUN_PID $name" ]
	[ "$(top_now .pid -o pid --container 'no such box*')" = '' ]
	top_refresh top >/dev/null
	crun_stop
	stop_bg server
	top_stop top
	[ "$(json_lines "select(.container == \"$name\") | \"\(.tx_bytes) \(.rx_bytes) \(.runtime)\"" "$(bg_out top)" | tail -n 1)" \
		= '150063 30021 crun' ]
}
