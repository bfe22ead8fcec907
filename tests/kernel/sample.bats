#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# --sample 1/N: a connection is whole or absent, the same in every program, and what is corrected is the truth within chance.

# shellcheck disable=SC2154 # port is of nptop.bash

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
load retrans

setup() {
	need_root
	netns_up
}

teardown() {
	np_teardown
}

# watch NAME PROGRAM [OPTIONS]: in the background, attached to everything, of namespace A alone.
watch() {
	start_bg "$1" "$(np_bin "$2")" --netns "$NS_A" "${@:3}"
	wait_for 30 attached "$1"
}

# of_client NAME: "lport tx rx" of each connection to $port, each once, as last told.
of_client() {
	jq -rR --argjson port "$port" 'fromjson? | select(.rport == $port) | "\(.lport) \(.tx_bytes) \(.rx_bytes)"' "$(bg_out "$1")" |
		awk '{ last[$1] = $0 } END { for (p in last) print last[p] }' | sort
}

# within GOT N OF: GOT of N connections are in a sample of one in OF, within 4 sigma of the binomial: a chance of 1 in 16,000.
within() {
	awk -v got="$1" -v n="$2" -v of="$3" 'BEGIN { mean = n / of; sigma = sqrt(n / of * (1 - 1 / of))
		print got " of " n " are in a sample of 1/" of ": " mean " +- 4 * " sigma
		exit !(got >= mean - 4 * sigma && got <= mean + 4 * sigma) }'
}

@test "what is in a sample is whole: all bytes of the connection, in every program the same connections" {
	local name size
	watch log npflows -J -o laddr,lport,rport,tx_bytes,rx_bytes --sample 1/4 tcp
	watch top nptop -b -J -I 200ms --by connection -o lport,rport,tx_bytes,rx_bytes --sample 1/4 tcp
	watch rtt nprtt -b -J -I 200ms --by connection -o lport,rport,tx_bytes,rx_bytes,rtt_samples --sample 1/4
	serve server
	for size in 1000 1001 70003 1000003; do
		client --to "$ADDR_B" --conns 60 --parallel 6 --tx "$size" --rx $((size + 7))
	done >"$NP_TMP/clients"
	[ "$(json_sum conns "$NP_TMP/clients")" = 240 ]
	all_closed
	stop_bg log && stop_bg top && stop_bg rtt
	of_client log >"$NP_TMP/log.set"
	within "$(wc -l <"$NP_TMP/log.set")" 240 4
	# each has the bytes of one of the four sizes, nothing more and nothing less
	awk '$3 != $2 + 7 || ($2 != 1000 && $2 != 1001 && $2 != 70003 && $2 != 1000003) { print; bad = 1 } END { exit bad }' "$NP_TMP/log.set"
	for name in top rtt; do
		of_client "$name" >"$NP_TMP/$name.set"
		diff "$NP_TMP/log.set" "$NP_TMP/$name.set"
	done
}

@test "1/16 of 4,000 connections: corrected numbers and bytes are the truth within 4 sigma" {
	local in got out=$NP_TMP/clients
	watch log npflows -J -o comm,rport,tx_bytes,rx_bytes --sample 1/16 tcp
	watch top nptop -b -J --all -I 300ms --by comm -o comm,tx_bytes,rx_bytes,sample --sample 1/16 tcp
	serve server --procs 2
	client --comm sampled --to "$ADDR_B" --conns 4000 --parallel 8 --tx 1000 --rx 3000 >"$out"
	[ "$(json_sum tx "$out")" = 4000000 ]
	all_closed
	stop_bg log && stop_bg top
	in=$(jq -R --argjson port "$port" 'fromjson? | select(.rport == $port)' "$(bg_out log)" | jq -s length)
	within "$in" 4000 16
	# 16 times those that are in: their bytes are within the same bounds of 4,000,000 and 12,000,000
	got=$(jq -nrR '[inputs | fromjson? | select(.comm == "sampled")] | last | "\(.tx_bytes) \(.rx_bytes) \(.sample)"' "$(bg_out top)")
	echo "corrected: $got"
	[ "$got" = "$((16 * in * 1000)) $((16 * in * 3000)) 1/16" ]
	grep -q "^$((16 * in)) ended, 0 failed;" "$(bg_err log)"
}

@test "datagrams of a socket in the sample are all there, and of the others none" {
	watch top nptop -b -J --all -I 300ms --by local,proto -o local,lport,tx_bytes,tx_segs,rport --sample 1/4 udp
	serve udp-server
	udp_client --to "$ADDR_B" --count 400 --size 100 --oneshot
	stop_bg top
	jq -rR --argjson port "$port" 'fromjson? | select(.rport == $port) | "\(.lport) \(.tx_bytes) \(.tx_segs)"' "$(bg_out top)" |
		awk '{ last[$1] = $2 " " $3 } END { for (p in last) print last[p] }' >"$NP_TMP/sockets"
	within "$(wc -l <"$NP_TMP/sockets")" 400 4
	sort "$NP_TMP/sockets" | uniq -c
	# a group of one: 100 bytes in one datagram, by four; two sockets may have had the same port, one after the other
	[ "$(awk '$1 != 100 * $2 || $2 % 4 || !$2' "$NP_TMP/sockets")" = '' ]
	[ "$(grep -c '^400 4$' "$NP_TMP/sockets")" -ge $(($(wc -l <"$NP_TMP/sockets") - 10)) ]
}

@test "what goes wrong is told of the connections in the sample alone, and of all who have none by their addresses" {
	local total in
	watch all npretrans -J -o +lport,rport --events rst-recv,connect-fail,rst-sent
	watch part npretrans -J -o +lport,rport --events rst-recv,connect-fail,rst-sent --sample 1/4
	in_ns "$NS_A" timeout 60 "$(np_bin np-work)" end --how refused --conns 300 --parallel 10 --to "$ADDR_B" --port 9 >/dev/null
	stop_bg all && stop_bg part
	total=$(json_lines 'select(.event == "connect-fail") | .lport' "$(bg_out all)" | sort -u | wc -l)
	[ "$total" = 300 ]
	json_lines 'select(.event == "connect-fail") | .lport' "$(bg_out part)" | sort >"$NP_TMP/fail"
	json_lines 'select(.event == "rst-recv") | .lport' "$(bg_out part)" | sort >"$NP_TMP/rst"
	within "$(wc -l <"$NP_TMP/fail")" 300 4
	diff "$NP_TMP/fail" "$NP_TMP/rst"
}

@test "a sample of what a command does, recorded: what it belongs to is known, and a replay is the same sample" {
	local got
	serve server
	"$(np_bin npflows)" -J --to "$NP_TMP/rows" --sample 1/4 --record "$NP_TMP/file" -- \
		nsenter --net="/run/netns/$NS_A" -- "$(np_bin np-work)" client --to "$ADDR_B" --port "$port" --conns 400 --parallel 4 --tx 1000 --rx 2000 \
		>"$NP_TMP/client" 2>"$NP_TMP/err"
	cat "$NP_TMP/err"
	got=$(wc -l <"$NP_TMP/rows")
	within "$got" 400 4
	jq -se 'all(.[]; .tx_bytes == 1000 and .rx_bytes == 2000 and .sample == "1/4")' "$NP_TMP/rows"
	"$(np_bin npflows)" -J -r "$NP_TMP/file" 2>"$NP_TMP/err" | cmp - "$NP_TMP/rows"
	grep -q '^sample 1/4: ' "$NP_TMP/err"
	run ! "$(np_bin npflows)" -r "$NP_TMP/file" --sample 1/8
}

@test "a sample of 1/1 is no sample: nothing differs" {
	local out=$NP_TMP/clients
	top_start top --sample 1/1
	serve server
	client --to "$ADDR_B" --conns 200 --tx 1003 --rx 17 >"$out"
	stop_bg server
	top_stop top
	same_bytes top "$out" "$(bg_out server)"
	[ "$(top_stat top 'records outside the sample')" = 0 ]
	run ! grep -q '^sample' "$(bg_err top)"
	[ "$("$(np_bin nptop)" -b -c 1 --format csv --sample 1/1 | head -n 1)" = "$("$(np_bin nptop)" -b -c 1 --format csv | head -n 1)" ]
}

@test "the sample is stated: in each row, at the end, in the trust record; not where columns are listed" {
	local head
	watch top nptop -b -J --all -I 300ms --by comm --sample 1/2 --stats
	serve server
	client --to "$ADDR_B" --conns 50 >/dev/null
	all_closed
	stop_bg top
	json_lines .sample "$(bg_out top)" | sort -u | grep -qx 1/2
	grep -Eq '^sample 1/2: looked at [0-9]+ connections that live and [0-9]+ that ended, not at [1-9][0-9]* that ended; sums are corrected by 2$' "$(bg_err top)"
	[ "$(top_stat top 'ended outside the sample')" -ge 10 ]
	head=$("$(np_bin nptop)" -b -c 1 --format csv --sample 1/16 | head -n 1)
	[ "${head##*,}" = sample ]
	head=$("$(np_bin nptop)" -b -c 1 --sample 1/16 | head -n 1)
	[[ $head == *' SAMPLE' ]]
	[ "$("$(np_bin nptop)" -b -c 1 --format csv -o comm,conns --sample 1/16 | head -n 1)" = comm,conns ]
	# neither interfaces nor listeners are sampled
	[[ $("$(np_bin nptop)" -b -c 1 --format csv --by interface --sample 1/16 | head -n 1) != *sample* ]]
	[[ $("$(np_bin npflows)" --listen --once --format csv --sample 1/16 | head -n 1) != *sample* ]]
}
