#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What delays and loses must itself be right: np-link's settings against what TCP's own clock and the kernel's counters say.
# Floors are exact; ceilings are the best of several, because the machine may be busy.

load ../lib
load ../kernel/netns
load ../kernel/link

setup() {
	need_root
	work=$(np_bin np-work)
}

teardown() {
	np_teardown
}

serve() { # MODE: in NS_B, on both families; the port goes to $port
	start_bg server in_ns "$NS_B" "$work" "$1" --listen ::
	wait_ready server
	port=$(ready_port server)
}

client() {
	in_ns "$NS_A" timeout 60 "$work" client --to "$ADDR_B" --port "$port" "$@" >>"$NP_TMP/clients"
}

hold() { # [OPTIONS]: connections that stay, in the background
	start_held held in_ns "$NS_A" "$work" client --to "$ADDR_B" --port "$port" --hold "$@"
	wait_round held 1
}

# Least round trip that TCP measured over its connections, in us.
min_rtt() {
	in_ns "$NS_A" ss -tinOH "dport = $port" | grep -o ' minrtt:[0-9.]*' | cut -d: -f2 | sort -n | awk 'NR == 1 { print int($1 * 1000) }'
}

# The transfer was whole, and no frame went another way than those that are counted.
adds_up() {
	[ "$(json_sum errors "$NP_TMP/clients")" = 0 ]
	[ "$(link_count '[.ab, .ba | .received - .forwarded - .lost - .rule - .blocked - .overflow - .oversize - .failed - .queued] | tojson')" = '[0,0]' ]
	[ "$(link_count '[.ab, .ba | .oversize, .failed, .missed] | add')" = 0 ]
}

# dropped DIR KIND COUNT: just these, and none by another rule or the other way.
dropped() {
	link_count "[.ab.rule, .ba.rule, .$1.kinds.$2] | tojson"
	[ "$(link_count "[.ab.rule + .ba.rule, .$1.kinds.$2] | tojson")" = "[$3,$3]" ]
}

@test "frames are single packets with checksums, over IPv4 and IPv6, TCP and UDP" {
	link_up
	serve server
	client --tx 3M --rx 3M
	in_ns "$NS_A" timeout 60 "$work" client --to "$ADDR6_B" --port "$port" --tx 3M --rx 3M >>"$NP_TMP/clients"
	stop_bg server
	serve udp-server
	in_ns "$NS_A" timeout 60 "$work" udp-client --to "$ADDR_B" --port "$port" --gso 1200 --count 200 >>"$NP_TMP/clients"
	[ "$(link_count .ab.longest)" = 1514 ]
	[ "$(link_count .ba.longest)" = 1514 ]
	# The receivers' interfaces check nothing, so the kernel did.
	[ "$(netns_count "$NS_B" TcpInCsumErrors)" = 0 ]
	[ "$(netns_count "$NS_A" TcpInCsumErrors)" = 0 ]
	[ "$(netns_count "$NS_B" UdpInCsumErrors)" = 0 ]
	adds_up
}

@test "a delay is what TCP measures, each way by itself too" {
	local rtt
	link_up --delay-ab 30ms --delay-ba 10ms
	serve server
	hold --conns 5
	rtt=$(min_rtt)
	echo "minrtt $rtt us"
	[ "$rtt" -ge 40000 ]
	[ "$rtt" -le 42000 ]
	stop_bg held
	link_tell delay 500us
	# A busy machine makes it longer: the best of some.
	within() {
		start_held held in_ns "$NS_A" "$work" client --to "$ADDR_B" --port "$port" --hold --conns 5
		wait_round held 1
		rtt=$(min_rtt)
		stop_bg held
		echo "minrtt $rtt us"
		[ "$rtt" -ge 1000 ] || exit 1
		[ "$rtt" -le 1200 ]
	}
	wait_for 20 within
}

@test "jitter stays in its bounds and does not reorder" {
	local rtt
	link_up --delay 8ms --jitter 4ms
	serve server
	client --tx 1M --rx 24
	hold --conns 20
	rtt=$(min_rtt)
	echo "minrtt $rtt us"
	[ "$rtt" -ge 8000 ]
	[ "$rtt" -lt 16000 ]
	[ "$(link_count '.ab.reordered + .ba.reordered')" = 0 ]
	[ "$(netns_count "$NS_B" TcpExtTCPOFOQueue)" = 0 ]
	adds_up
}

@test "a share of the frames is lost, one way" {
	link_up --delay 1ms --loss-ab 4 --seed 7
	serve server
	client --tx 2M --rx 24
	link_count '.ab | [.received, .lost] | tojson'
	[ "$(link_count '.ab | .lost / .received > 0.025 and .lost / .received < 0.055')" = true ]
	[ "$(link_count .ba.lost)" = 0 ]
	[ "$(netns_count "$NS_A" TcpRetransSegs)" -gt 0 ]
	adds_up
}

@test "the rate is kept, and what does not fit in the queue is counted" {
	local start took floor
	link_up --rate-ab 10M
	serve server
	# 262144 bytes in full segments of 1448, 66 bytes of headers each.
	floor=$((262144 * 1514 * 8 / 10 / 1448))
	paced() {
		start=${EPOCHREALTIME/[.,]/}
		client --tx 262144 --rx 24
		took=$((${EPOCHREALTIME/[.,]/} - start))
		echo "$took us, at least $floor"
		[ "$took" -ge "$floor" ] || exit 1
		[ "$took" -le $((floor * 110 / 100)) ]
	}
	wait_for 20 paced
	[ "$(link_count '.ab.overflow')" = 0 ]
	stop_bg server
	link_down
	link_up --rate 20M --limit 20
	serve server
	client --tx 1M --rx 24
	[ "$(link_count '.ab.overflow')" -gt 0 ]
	adds_up
}

@test "held back frames are overtaken" {
	link_up --delay 3ms --reorder-ab 5 --hold 2ms
	serve server
	client --tx 2M --rx 24
	[ "$(link_count .ab.reordered)" -gt 0 ]
	[ "$(link_count .ba.reordered)" = 0 ]
	[ "$(netns_count "$NS_B" TcpExtTCPOFOQueue)" -gt 0 ]
	adds_up
}

@test "a rule loses a SYN, or the answer to it" {
	link_up --drop kind=syn
	serve server
	client
	dropped ab syn 1
	[ "$(netns_count "$NS_A" TcpExtTCPSynRetrans)" = 1 ]
	link_tell clear
	link_tell drop dir=ba,kind=synack
	client
	[ "$(link_count '[.ab.rule, .ba.rule, .ba.kinds.synack] | tojson')" = '[1,1,1]' ]
	# Both ends' timers run then: who is first spares the other one.
	[ $(($(netns_count "$NS_A" TcpExtTCPSynRetrans) + $(netns_count "$NS_B" TcpExtTCPSynRetrans))) -ge 2 ]
	adds_up
}

@test "a rule loses the Nth data segment, which duplicate acknowledgements repair" {
	link_up --delay 5ms --drop dir=ab,kind=data,nth=3
	serve server
	client --tx 200000 --rx 24
	dropped ab data 1
	[ "$(netns_count "$NS_A" TcpRetransSegs)" -ge 1 ]
	[ "$(netns_count "$NS_A" TcpExtTCPFastRetrans)" -ge 1 ]
	adds_up
}

@test "a rule loses the tail: a probe repairs it, and a timeout where the probe is lost too" {
	link_up --delay 5ms --drop dir=ab,tail
	serve server
	client --tx 2000 --rx 24
	dropped ab tail 1
	[ "$(netns_count "$NS_A" TcpExtTCPLossProbes)" -ge 1 ]
	link_tell clear
	link_tell drop dir=ab,byte=100000,times=2
	client --tx 100000 --rx 24
	[ "$(link_count '[.ab.rule, .ab.kinds.data] | tojson')" = '[3,2]' ]
	[ "$(netns_count "$NS_A" TcpExtTCPTimeouts)" -ge 1 ]
	adds_up
}

@test "a rule loses the segment that has a certain byte, of a connection that was there before too" {
	link_up --delay 2ms
	serve server
	hold --tx 20000 --rx 24
	link_tell drop dir=ab,byte=1
	link_tell drop dir=ab,byte=1448,nth=2
	tell held
	wait_round held 2
	# The first segment of the round, and its repetition.
	dropped ab data 2
	[ "$(netns_count "$NS_A" TcpRetransSegs)" -ge 2 ]
	echo '{"errors":0}' >"$NP_TMP/clients"
	adds_up
}

@test "a rule loses pure acknowledgements, which nobody repeats" {
	link_up --delay 2ms --drop dir=ab,kind=ack,nth=4,times=3
	serve server
	client --tx 24 --rx 300000
	dropped ab ack 3
	adds_up
}

@test "a rule loses a FIN, or an RST" {
	link_up --drop dir=ab,kind=fin
	serve server
	client
	repeated() { [ "$(netns_count "$NS_A" TcpRetransSegs)" -ge 1 ]; }
	wait_for 10 repeated
	dropped ab fin 1
	link_tell clear
	link_tell drop kind=rst
	client --close rst-client
	[ "$(link_count .ab.kinds.rst)" = 1 ]
	# The server was not told.
	[ "$(in_ns "$NS_B" ss -tnH state established | wc -l)" = 1 ]
	adds_up
}

@test "a rule is for a port, for the first connections, for one direction" {
	local other
	link_up --delay 1ms
	serve server
	other=$((port == 65535 ? 1 : port + 1))
	link_tell drop "kind=data,dir=ab,port=$other"
	link_tell drop kind=data,dir=ab,conns=2,port="$port"
	client --conns 5
	dropped ab data 2
	link_tell clear
	link_tell drop kind=any,dir=ba,nth=2
	in_ns "$NS_A" timeout 60 "$work" client --to "$ADDR6_B" --port "$port" --conns 3 >>"$NP_TMP/clients"
	[ "$(link_count .ba.kinds.any)" = 3 ]
	[ "$(link_count .ab.rule)" = 2 ]
	adds_up
}

@test "settings change while it runs; what is blocked waits" {
	link_up
	serve server
	hold
	sleep 0.3 # the last acknowledgement of its first round may wait for 200 ms
	link_tell block ab
	[ "$(link_count .ab.blocked)" = 0 ]
	tell held
	blocked() { [ "$(link_count .ab.blocked)" -ge 2 ]; }
	wait_for 10 blocked
	[ "$(bg_json held 'select(.round == 2)')" = '' ]
	link_tell unblock
	wait_round held 2
	link_tell delay 20ms ab
	tell held
	wait_round held 3
	local rtt
	stop_bg held
	hold
	rtt=$(min_rtt)
	[ "$rtt" -ge 20000 ]
	[ "$rtt" -lt 40000 ]
	stop_bg held
	stop_bg server
	# At the end it tells the same.
	adds_up
	stop_bg link
	[ "$(link_count '.ab.forwarded > 0 and .ab.blocked >= 2 and .ba.blocked == 0')" = true ]
}

@test "a command that is wrong is refused and changes nothing" {
	local command
	link_up
	while read -r command; do
		echo "$command"
		! link_tell "$command" || return 1
	done <<-'END'
		delay
		delay 2m
		delay 5meters
		delay 5ms up
		delay 5ms ab ba
		loss 101
		loss -1
		rate 10X
		rate 1MiB
		drop kind=urgent
		drop nth=0
		drop port=65536
		drop tail,kind=syn
		drop dir=both kind=syn
		block up
		stats now
		nothing
	END
	serve server
	client --tx 100000
	[ "$(link_count '[.ab, .ba | .lost, .rule, .blocked] | add')" = 0 ]
	adds_up
}

@test "wrong usage is status 2 and one line" {
	local options status
	while read -r options; do
		status=0
		# shellcheck disable=SC2086 # options
		"$(np_bin np-link)" $options >"$NP_TMP/out" 2>"$NP_TMP/usage" </dev/null || status=$?
		echo "$options: $status $(cat "$NP_TMP/usage")"
		[ "$status" = 2 ]
		[ "$(wc -l <"$NP_TMP/usage")" = 1 ]
		[ ! -s "$NP_TMP/out" ]
	done <<-'END'

		lo
		lo lo
		a b c
		a b --delay
		a b --delay 2m
		a b --delay-ab x
		a b --loss 100.1
		a b --rate 1.5.2M
		a b --rate M
		a b --limit 0
		a b --limit 1000000
		a b --seed -1
		a b --drop kind
		a b --drop kind=data,every=2
		a b --unknown
		offload-off
	END
	status=0
	"$(np_bin np-link)" no-such0 no-such1 2>"$NP_TMP/usage" </dev/null || status=$?
	[ "$status" = 1 ]
}
