#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The application and the host name of flows made live: npflows -o +app,host, at both ends.

# shellcheck disable=SC2154 # port is of nptop.bash

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
load flows

setup() {
	need_root
	netns_up
	flows_start log -o time,netns,pid,comm,proto,side,lport,rport,end,app,host
}

teardown() {
	np_teardown
}

_listens() { # PROTO PORT: tcp or udp, in NS_B
	[ -n "$(in_ns "$NS_B" ss -Hln --"$1" "sport = :$2")" ]
}

# named PORT APP HOST N: N flows of this server's port, each end of each so named.
named() {
	wait_rows log ".lport == $1 or .rport == $1" $((2 * $4))
	flows_stop log
	rows log "select(.lport == $1 or .rport == $1) | tojson"
	[ "$(rows log "select(.lport == $1 or .rport == $1) | \"\(.app) \(.host)\"" | sort | uniq -c | xargs)" = "$((2 * $4)) $2 $3" ]
}

@test "TLS: the server name, IPv4 and IPv6" {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$NP_TMP/key" -out "$NP_TMP/crt" -days 2 -subj /CN=test 2>/dev/null
	start_bg tls in_ns "$NS_B" openssl s_server -accept 4433 -key "$NP_TMP/key" -cert "$NP_TMP/crt" -quiet -naccept 3
	wait_for 10 _listens tcp 4433
	for to in "$ADDR_B" "[$ADDR6_B]" "$ADDR_B"; do
		echo Q | in_ns "$NS_A" timeout 20 openssl s_client -connect "$to:4433" -servername Secret.Example.org -quiet >/dev/null 2>&1 || true
	done
	named 4433 tls secret.example.org 3
}

@test "HTTP: the Host of the request, also in two segments" {
	echo hello >"$NP_TMP/index.html"
	start_bg http in_ns "$NS_B" busybox httpd -f -p "$ADDR_B:8080" -h "$NP_TMP"
	wait_for 10 _listens tcp 8080
	# shellcheck disable=SC2016 # the inner shell's
	in_ns "$NS_A" timeout 20 bash -c 'exec 3<>"/dev/tcp/$0/8080"; printf "GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n" >&3; cat <&3' \
		"$ADDR_B" | grep hello
	# shellcheck disable=SC2016
	in_ns "$NS_A" timeout 20 bash -c 'exec 3<>"/dev/tcp/$0/8080"; printf "GET /index.html HTTP/1.1\r\n" >&3; sleep 0.1
		printf "Host: www.example.com\r\nConnection: close\r\n\r\n" >&3; cat <&3' "$ADDR_B" | grep hello
	named 8080 http www.example.com 2
}

@test "DNS: the question" {
	start_bg dns in_ns "$NS_B" dnsmasq --no-daemon --no-resolv --no-hosts --conf-file=/dev/null --pid-file= --port 53 \
		--listen-address "$ADDR_B" --bind-interfaces --address /example.net/192.0.2.7 --user=root
	wait_for 10 _listens udp 53
	[[ $(in_ns "$NS_A" timeout 20 busybox nslookup -type=a host.example.net "$ADDR_B") == *192.0.2.7* ]]
	stop_bg dns || true
	# Told when its socket has gone; it has no one remote, so its last one counts.
	wait_rows log '.lport == 53 and .proto == "udp"' 1
	flows_stop log
	[ "$(rows log 'select(.rport == 53) | "\(.proto) \(.app) \(.host)"' | sort -u)" = 'udp dns host.example.net' ]
	[ "$(rows log 'select(.lport == 53 and .proto == "udp") | .app' | sort -u)" = dns ]
}

@test "SSH: by its banners" {
	start_bg ssh in_ns "$NS_B" busybox nc -l -p 2222 -e echo SSH-2.0-OpenSSH_9.2p1
	wait_for 10 _listens tcp 2222
	# shellcheck disable=SC2016
	in_ns "$NS_A" timeout 20 bash -c 'exec 3<>"/dev/tcp/$0/2222"; printf "SSH-2.0-OpenSSH_9.7\r\n" >&3; cat <&3' "$ADDR_B" || true
	wait_rows log '.rport == 2222 or .lport == 2222' 2
	flows_stop log
	[ "$(rows log 'select(.rport == 2222 or .lport == 2222) | .app' | sort | uniq -c | xargs)" = '2 ssh' ]
}

@test "what is none of them has no name, and no other program looks at packets" {
	serve server
	client --to "$ADDR_B" --conns 3 --tx 3000 --rx 3000 >/dev/null
	wait_rows log ".rport == $port" 3
	flows_stop log
	[ "$(rows log "select(.rport == $port) | [.app, .host] | tojson" | sort -u)" = '[null,null]' ]
	local program
	for program in nptop nprtt npretrans; do
		run -2 timeout 20 "$(np_bin "$program")" -b -c 1 -o +app
		[ "${#lines[@]}" = 1 ]
	done
}
