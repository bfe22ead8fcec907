#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Which rows are shown, how they are grouped, in what order: over the same connections at rest, so that one answer can be held
# against another.

load ../lib
load cli

# In a namespace of their own: here somebody else may have one of these ports on another address.
setup_file() {
	((EUID == 0)) || return 0
	export NS=np-$NP_ID-cli P4 P6 PU CLI4 CLI6 CLIU SRV4
	ip netns add "$NS"
	nsenter --net="/run/netns/$NS" ip link set lo up
	# shellcheck disable=SC2034 # for serve and hold
	work_in=(in_ns "$NS")
	serve srv4 server --comm np-srv4
	serve srv6 server --comm np-srv6 --listen ::1
	serve srvu udp-server --comm np-srvu
	P4=$(ready_port srv4) P6=$(ready_port srv6) PU=$(ready_port srvu)
	hold cli4 client "$P4" --conns 3 --parallel 3 --tx 1000000 --rx 50000 --comm np-cli4
	hold cli4b client "$P4" --conns 1 --tx 2000 --rx 24 --comm np-cli4b --local 127.0.0.9
	hold cli6 client "$P6" --to ::1 --conns 2 --parallel 2 --tx 70000 --rx 300000 --comm np-cli6
	hold cliu udp-client "$PU" --count 10 --size 100 --comm np-cliu
	CLI4=$(bg_pid cli4) CLI6=$(bg_pid cli6) CLIU=$(bg_pid cliu) SRV4=$(bg_pid srv4)
}

teardown_file() {
	np_teardown_file
	if [ -n "${NS-}" ]; then ip netns del "$NS"; fi
}

setup() {
	need_root
	export top out=$NP_TMP/top.out err=$NP_TMP/top.err
	top=$(np_bin nptop)
}

teardown() {
	np_teardown
}

fields=time,pid,comm,uid,user,proto,state,local,laddr,lport,remote,raddr,rport,tx_bytes,rx_bytes,tx_segs,rtt,conns,age,mss

# mine ARGS...: rows of this file's connections.
mine() {
	rows_of --netns "$NS" -o "$fields" "$@"
}

# all_conns: each connection by itself, in $NP_TMP/all.
all_conns() {
	mine --by connection
	cp "$out" "$NP_TMP/all"
	# three, one and two connections with both ends, two UDP sockets
	jq -es 'map(select(.proto == "tcp")) | length == 12' "$NP_TMP/all"
	jq -es 'map(select(.proto == "udp")) | length == 2' "$NP_TMP/all"
}

# same_rows JQ-CONDITION: $out holds just those of all connections for which the condition holds, and that is some, not all.
same_rows() {
	local want got key='[.pid, .proto, .local, .remote]'
	want=$(jq -c "select($1) | $key" "$NP_TMP/all" | sort)
	got=$(jq -c "$key" "$out" | sort)
	[ "$want" = "$got" ] && [ -n "$want" ] && [ "$(wc -l <<<"$want")" -lt "$(wc -l <"$NP_TMP/all")" ] && return 0
	printf 'expected:\n%s\ngot:\n%s\n' "$want" "$got"
	return 1
}

@test "every grouping adds up to the same connections and bytes" {
	local group sums='[map(.conns), map(.tx_bytes), map(.rx_bytes)] | map(add)' want
	mine --by connection tcp
	want=$(jq -cs "$sums" "$out")
	[ "$want" = "$(jq -nc '[12, 3002000 + 140000 + 150024 + 600000, 3002000 + 140000 + 150024 + 600000]')" ]
	for group in process container pod unit user remote rport lport protocol netns; do
		mine --by "$group" tcp
		[ "$(jq -cs "$sums" "$out")" = "$want" ] || {
			echo "--by $group: $(jq -cs "$sums" "$out"), not $want"
			return 1
		}
	done
}

@test "each grouping has one row a member of it" {
	local group count
	while read -r group count; do
		mine --by "$group" tcp
		[ "$(wc -l <"$out")" -eq "$count" ] || {
			echo "--by $group: $(wc -l <"$out") rows, not $count"
			return 1
		}
	done <<-'END'
		process 5
		connection 12
		user 1
		remote 3
		rport 8
		lport 8
		protocol 1
		netns 1
		raddr,rport 8
		comm 5
		comm,raddr 6
	END
	mine --by protocol
	[ "$(jq -r .proto "$out" | sort | xargs)" = 'tcp udp' ]
	rows_of --by interface -i lo
	[ "$(jq -r '[.interface, .direction] | join(" ")' "$out" | sort | xargs)" = 'lo rx lo tx' ]
}

@test "--by with columns is what grouping their values gives" {
	all_conns
	local want
	want=$(jq -cs 'group_by([.raddr, .comm])[] | [.[0].raddr, .[0].comm, (map(.conns) | add), (map(.tx_bytes) | add)]' \
		"$NP_TMP/all" | sort)
	mine --by raddr,comm
	[ "$(jq -c '[.raddr, .comm, .conns, .tx_bytes]' "$out" | sort)" = "$want" ]
	# members that differ are unknown, not the first one's
	jq -es 'map(select(.comm == "np-cli4")) | all(.[]; .lport == null and .pid != null)' "$out"
}

@test "--where chooses rows by who they are and by their values" {
	all_conns
	local expr want
	while IFS='|' read -r expr want; do
		mine --by connection --where "${expr//OR/||}"
		same_rows "$want" || {
			echo "--where '$expr'"
			return 1
		}
	done <<-END
		comm == np-cli4|.comm == "np-cli4"
		comm =~ ^np-srv|.comm | test("^np-srv")
		comm !~ cli|.comm | test("cli") | not
		pid == $CLI6|.pid == $CLI6
		proto == udp|.proto == "udp"
		state == established and raddr == ::1|.raddr == "::1" and .proto == "tcp"
		laddr == 127.0.0.0/8|.laddr | startswith("127.")
		rport = $P6 OR rport = $PU|.rport == $P6 or .rport == $PU
		tx_bytes > 500k|.tx_bytes > 512000
		tx_bytes + rx_bytes < 10KiB|.tx_bytes + .rx_bytes < 10240
		not (proto == tcp) OR lport == $P4|(.proto != "tcp") or .lport == $P4
		rtt > 0|.rtt != null and .rtt > 0
	END
}

@test "--where holds for the group, not for its members" {
	mine --by process --where 'tx_bytes > 2500k'
	[ "$(jq -r .comm "$out")" = np-cli4 ]
	mine --by process --where 'conns == 2 && tx_bytes > 500k'
	[ "$(jq -r .comm "$out")" = np-srv6 ]
	mine --by process --where 'conns > 4'
	[ ! -s "$out" ]
}

@test "--sort is the order of the rows, unknown values last" {
	local column file
	for column in pid comm tx_bytes rtt raddr; do
		mine --by connection --sort "+$column"
		cp "$out" "$NP_TMP/up"
		mine --by connection --sort "-$column"
		[ "$(wc -l <"$out")" -ge 14 ]
		for file in "$NP_TMP/up" "$out"; do
			jq -es "map(.$column) | .[map(values) | length:] | all(. == null)" "$file"
		done
		# addresses are ordered by number, not as text
		[ "$column" = raddr ] || jq -es "map(.$column | values) | . == sort" "$NP_TMP/up"
		[ "$column" = raddr ] || jq -es "map(.$column | values) | . == (sort | reverse)" "$out"
		jq -es "map(.$column | values) | unique | length > 1" "$out"
	done
	mine --by remote --sort +raddr tcp
	[ "$(jq -r .raddr "$out" | xargs)" = '::1 127.0.0.1 127.0.0.9' ]
	mine --by remote --sort -raddr tcp
	[ "$(jq -r .raddr "$out" | xargs)" = '127.0.0.9 127.0.0.1 ::1' ]
	# as everybody means it: names from a, quantities from the largest
	mine --by process --sort comm
	jq -es 'map(.comm) | . == sort' "$out"
	mine --by process --sort tx_bytes
	jq -es 'map(.tx_bytes) | . == (sort | reverse)' "$out"
}

@test "--top keeps the first of the order" {
	mine --by connection --sort -tx_bytes
	head -n 3 "$out" | jq -c '[.pid, .tx_bytes]' >"$NP_TMP/want"
	mine --by connection --sort -tx_bytes --top 3
	jq -c '[.pid, .tx_bytes]' "$out" | cmp - "$NP_TMP/want"
	jq -es 'map(.tx_bytes) == [1000000, 1000000, 1000000]' "$out"
}

@test "filter expressions choose connections as tcpdump chooses packets" {
	all_conns
	local expr want
	while IFS='|' read -r expr want; do
		mine --by connection "$expr"
		same_rows "$want" || {
			echo "filter '$expr'"
			return 1
		}
	done <<-END
		tcp|.proto == "tcp"
		udp|.proto == "udp"
		ip|(.laddr | contains(":") | not)
		ip6|.laddr | contains(":")
		tcp port $P6|.lport == $P6 or .rport == $P6
		not port $P4|(.lport == $P4 or .rport == $P4) | not
		port $P4 or port $PU|.lport == $P4 or .rport == $P4 or .lport == $PU or .rport == $PU
		src host 127.0.0.9 or dst host 127.0.0.9|.laddr == "127.0.0.9" or .raddr == "127.0.0.9"
		host ::1|.laddr == "::1"
		net 127.0.0.8/29|.laddr == "127.0.0.9" or .raddr == "127.0.0.9"
		tcp and not host 127.0.0.9|.proto == "tcp" and .laddr != "127.0.0.9" and .raddr != "127.0.0.9"
		! ( tcp or ip6 )|.proto == "udp" and (.laddr | contains(":") | not)
		portrange $P6-$P6|.lport == $P6 or .rport == $P6
	END
}

@test "src and dst mean a packet of the connection in either direction, together one of them" {
	all_conns
	mine --by connection "src host 127.0.0.9 and dst port $P4"
	same_rows '.laddr == "127.0.0.9" or .raddr == "127.0.0.9"'
	mine --by connection "src host 127.0.0.9 and src port $P4"
	[ ! -s "$out" ]
}

elsewhere() { # PID
	! [ "/proc/$1/ns/net" -ef /proc/self/ns/net ]
}

@test "whose: --pid, --comm, --uid, --netns, --cgroup; several of one kind mean any, of two kinds both" {
	all_conns
	mine --by connection --pid "$CLI4"
	same_rows ".pid == $CLI4"
	mine --by connection --pid "$CLI4" --pid "$CLIU"
	same_rows ".pid == $CLI4 or .pid == $CLIU"
	mine --by connection --comm 'np-cli4*'
	same_rows '.comm | startswith("np-cli4")'
	mine --by connection --comm np-cli4
	same_rows '.comm == "np-cli4"'
	mine --by connection --comm 'np-srv?' --pid "$SRV4"
	same_rows ".pid == $SRV4"
	mine --by connection --comm np-cli4 --pid "$SRV4"
	[ ! -s "$out" ]
	mine --by connection --uid root --cgroup /
	[ "$(wc -l <"$out")" -eq "$(wc -l <"$NP_TMP/all")" ]
	mine --by connection --uid 1
	[ ! -s "$out" ]
	mine --by connection --cgroup /nonexistent
	[ ! -s "$out" ]
	mine --by connection --container 'none-*'
	[ ! -s "$out" ]
	mine --by connection --pod none
	[ ! -s "$out" ]
	rows_of --by connection --netns "$CLI4"
	[ "$(wc -l <"$out")" -eq "$(wc -l <"$NP_TMP/all")" ]
	# nothing is in another namespace
	start_bg other unshare -n sleep 60
	wait_for 5 elsewhere "$(bg_pid other)"
	rows_of --by connection --netns "$(bg_pid other)"
	[ ! -s "$out" ]
}

@test "-i chooses interfaces by glob, --active-only those that moved packets" {
	rows_of --by interface -i 'l[o]'
	jq -es 'length == 2 and all(.[]; .interface == "lo")' "$out"
	rows_of --by interface -i 'nonexistent*'
	[ ! -s "$out" ]
	run_top -J -c 2 -I 200ms --by interface --active-only
	jq -es 'all(.[]; .active)' "$out"
}
