#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# npretrans beside what is not a lost segment: drops, healthy networks, ports used again, storms; its tables, stacks and formats.

# shellcheck disable=SC2154 # port is of nptop.bash

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
load link
load retrans

setup() {
	need_root
}

teardown() {
	np_teardown
}

@test "drops by reason: a wrong checksum, a closed UDP port, a full receive buffer" {
	netns_up
	serve udp-server
	anom_start --events drop,connect-fail
	in_ns "$NS_A" python3 - "$ADDR_B" <<-'END'
		import socket, struct, sys
		# 23 SYNs with a wrong checksum: RFC 9293, 3.1. A raw socket leaves it alone.
		raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
		for port in range(1001, 1024):
		    raw.sendto(struct.pack("!HHLLBBHHH", port, 9, 7, 0, 5 << 4, 2, 1000, 0xdead, 0), (sys.argv[1], 0))
		# A new socket each: an error that came back would be reported instead of sending.
		for _ in range(23):
		    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x" * 10, (sys.argv[1], 9))
	END
	start_bg full in_ns "$NS_B" python3 -c 'if True:
		import signal, socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
		s.bind(("0.0.0.0", 7777))
		print("{\"ready\":7777}", flush=True)
		signal.pause()'
	wait_ready full
	in_ns "$NS_A" python3 - "$ADDR_B" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		for _ in range(60):
		    s.sendto(b"x" * 500, (sys.argv[1], 7777))
	END
	anom_stop
	anom_kinds
	anom '"\(.ns) \(.event) \(.reason) \(.who) \(.pid) \(.local)"' | sed 's/ 10.99.0.1:.*/ a/' | sort | uniq -c
	[ "$(anom_count '.reason == "tcp_csum"')" = 23 ]
	[ "$(netns_count "$NS_B" TcpInCsumErrors)" = 23 ]
	[ "$(anom_count ".reason == \"no_socket\" and .local == \"$ADDR_B:9\" and .len == 10 and .ns == \"b\"")" = 23 ]
	[ "$(netns_count "$NS_B" UdpNoPorts)" = 23 ]
	[ "$(netns_count "$NS_B" UdpRcvbufErrors)" -gt 0 ]
	[ "$(anom_count '.reason == "socket_rcvbuff" and .ns == "b" and .local == "'"$ADDR_B"':7777"')" = "$(netns_count "$NS_B" UdpRcvbufErrors)" ]
	[ "$(anom_count 'true')" = $((46 + $(netns_count "$NS_B" UdpRcvbufErrors))) ]
}

@test "nothing on a healthy network: 1,000 connections, bulk both ways, datagrams" {
	netns_up
	anom_start
	serve server
	client --to "$ADDR_B" --conns 500 --parallel 10 --tx 1001 --rx 2003 >"$NP_TMP/out"
	client --to "$ADDR6_B" --conns 500 --close server --tx 3001 --rx 24 >>"$NP_TMP/out"
	client --to "$ADDR_B" --tx 100M --rx 100M >>"$NP_TMP/out"
	stop_bg server
	serve udp-server
	udp_client --to "$ADDR_B" --count 1000 --size 700 >>"$NP_TMP/out"
	stop_bg server
	anom_stop
	[ "$(json_sum conns "$NP_TMP/out")" -ge 1001 ]
	anom tojson | head -n 5
	# What the kernel itself repeats, where a veth pair drops or reorders, is told; nothing else is.
	[ "$(anom_sum '.event == "retrans"' segs)" = $(($(netns_count "$NS_A" TcpRetransSegs) + $(netns_count "$NS_B" TcpRetransSegs))) ]
	[ "$(anom_count '.event | IN("retrans", "zero-window") | not')" = 0 ]
}

@test "a port used again while the old connection stands: told at both ends" {
	link_up --delay 5ms
	serve server
	anom_start
	cat >"$NP_TMP/reuse.py" <<-'END'
		import socket, struct, sys
		def sockets():
		    for port in range(20001, 20024):
		        s = socket.socket()
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		        s.bind((sys.argv[1], port))
		        yield s
		old = list(sockets())
		for s in old:
		    s.connect((sys.argv[2], int(sys.argv[3])))
		print('{"ready":1}', flush=True)
		sys.stdin.readline()
		for s in old:
		    s.close() # a reset, which is lost
		print('{"closed":1}', flush=True)
		sys.stdin.readline()
		new = list(sockets())
		for s in new:
		    s.setblocking(False)
		    s.connect_ex((sys.argv[2], int(sys.argv[3])))
		sys.stdin.readline()
	END
	start_held reuse in_ns "$NS_A" python3 "$NP_TMP/reuse.py" "$ADDR_A" "$ADDR_B" "$port"
	wait_ready reuse
	link_tell block ab
	tell reuse
	wait_line reuse closed
	link_tell unblock
	tell reuse
	answered() { [ "$(netns_count "$NS_B" TcpExtTCPSYNChallenge)" = 23 ] && [ "$(netns_count "$NS_A" TcpOutRsts)" = 46 ]; }
	wait_for 10 answered
	anom_stop
	anom '"\(.ns) \(.event) \(.who) \(.reason) \(.pid)"' | sort | uniq -c
	[ "$(anom_count ".ns == \"a\" and .event == \"port-reuse\" and .who == \"local\" and .pid == $(bg_pid reuse)")" = 23 ]
	[ "$(anom_count '.ns == "b" and .event == "port-reuse" and .who == "remote"')" = 23 ]
}

@test "--stack: by which way through the kernel" {
	netns_up
	anom_start --stack
	end refused --conns 3 --port 9
	anom_stop
	anom .stack | head -n 3
	[ "$(anom_count '.event == "rst-sent" and (.stack | test("^tcp_v4_send_reset\\+0x[0-9a-f]+;tcp_v4_rcv\\+0x"))')" = 3 ]
	[ "$(anom_count '.event == "rst-recv" and (.stack | test("tcp_reset\\+0x.*;tcp_rcv_state_process\\+0x"))')" = 3 ]
}

@test "a storm of what goes wrong: what has no room in the ring is counted" {
	netns_up
	local status=0 told lost
	anom_start --ring-size 4K --events drop,connect-fail
	in_ns "$NS_A" python3 - "$ADDR_B" <<-'END'
		import socket, sys
		for _ in range(200):
		    s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]
		    for one in s:
		        one.sendto(b"x", (sys.argv[1], 9))
		    for one in s:
		        one.close()
	END
	anom_stop || status=$?
	told=$(anom_count '.reason == "no_socket"')
	lost=$(top_stat anom 'lost: ring buffer full')
	echo "$told told, $lost lost, status $status"
	[ "$lost" -gt 0 ]
	[ "$status" = 4 ]
	grep -q 'records were lost' "$(bg_err anom)"
	# Others drop packets too, elsewhere.
	[ $((told + lost)) -ge "$(netns_count "$NS_B" UdpNoPorts)" ]
}


@test "--summary by process, remote, connection and kind: counts and ratio are the workload's" {
	local by
	link_up --delay 5ms --drop dir=ab,byte=20000
	serve server
	for by in process remote connection kind; do
		start_bg "$by" "$(np_bin npretrans)" --summary --by "$by" -J --netns "$NS_A"
	done
	anom_start
	for by in process remote connection kind; do
		wait_for 20 attached "$by"
	done
	lossy --tx 60000
	for by in process remote connection kind; do
		stop_bg "$by" TERM 30
		echo "$by:" && head -n 3 "$(bg_out "$by")"
	done
	anom_stop
	local sent again
	sent=$(json_sum tx "$NP_TMP/lossy") again=$(json_sum retrans_bytes "$NP_TMP/lossy")
	[ "$(bg_json process "select(.pid == $CLIENT) | \"\(.events) \(.retrans) \(.retrans_bytes) \(.tx_bytes)\"")" = "23 23 $again $sent" ]
	[ "$(bg_json remote "select(.raddr == \"$ADDR_B\") | \"\(.events) \(.retrans) \(.retrans_bytes) \(.tx_bytes)\"")" = "23 23 $again $sent" ]
	# Of all that was sent, repeats included.
	[ "$(bg_json process "select(.pid == $CLIENT) | .retrans_ratio * 1000 | round")" = $(((100000 * again + (sent + again) / 2) / (sent + again))) ]
	[ "$(bg_json connection 'select(.events == 1 and .retrans == 1 and .retrans_bytes == 1448 and .tx_bytes == 60000) | .local' | sort -u | wc -l)" = 23 ]
	[ "$(bg_json kind '"\(.event) \(.cause) \(.events)"')" = 'retrans fast 23' ]
}

@test "text, CSV and JSON; --count, --duration, SIGINT, a reader that has gone" {
	netns_up
	local one rt
	said_all() { [ "$(grep -c connect-fail "$(bg_out int)")" = 8 ]; }
	rt=$(np_bin npretrans)
	start_bg text "$rt" --netns "$NS_A" --events connect-fail,retrans -c 5
	start_bg csv "$rt" --netns "$NS_A" --events connect-fail --format csv -c 5
	start_bg json "$rt" --netns "$NS_A" --events -rst-recv -J -c 5
	start_bg int "$rt" --netns "$NS_A"
	start_bg short "$rt" --netns "$NS_A" -d 1s
	# Its reader takes one line and goes.
	mkfifo "$NP_TMP/fifo"
	start_bg reader head -n 1 "$NP_TMP/fifo"
	# shellcheck disable=SC2016 # bash -c's own
	start_bg pipe bash -c 'exec "$0" --netns "$1" -J >"$2"' "$rt" "$NS_A" "$NP_TMP/fifo"
	for one in text csv json int short pipe; do
		wait_for 20 attached "$one"
	done
	end refused --conns 8 --port 9
	for one in text csv json reader pipe short; do
		stop_bg "$one" 0 20
	done
	wait_for 10 said_all
	stop_bg int INT
	[ "$(wc -l <"$(bg_out text)")" = 6 ]
	grep -q '^TIME.* EVENT .*REASON' "$(bg_out text)"
	[ "$(grep -c ' connect-fail .* refused' "$(bg_out text)")" = 5 ]
	[ "$(wc -l <"$(bg_out csv)")" = 6 ]
	[ "$(awk -F, '{ print NF }' "$(bg_out csv)" | sort -u | wc -l)" = 1 ]
	[ "$(jq -s length "$(bg_out json)")" = 5 ]
	[ "$(jq -r .event "$(bg_out json)" | sort -u)" = connect-fail ]
	[ "$(grep -c connect-fail "$(bg_out int)")" = 8 ]
	[ "$(grep -c rst-recv "$(bg_out int)")" = 8 ]
	[ "$(jq -s length "$(bg_out reader)")" = 1 ]
}

@test "--events that make no sense: one line, status 2" {
	local events status
	for events in '' nothing 'retrans,' ',retrans' open +close 'all,-all' '-'; do
		status=0
		"$(np_bin npretrans)" --events "$events" >"$NP_TMP/out" 2>"$NP_TMP/usage" </dev/null || status=$?
		echo "'$events': $status $(cat "$NP_TMP/usage")"
		[ "$status" = 2 ]
		[ "$(wc -l <"$NP_TMP/usage")" = 1 ]
		[ ! -s "$NP_TMP/out" ]
	done
}
