#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Captures on the command line: what is read from them, how it is refused, and that it is what tshark says of the same file.

# shellcheck disable=SC2154 # stderr is bats's

bats_require_minimum_version 1.5.0
load ../lib

# segments: a capture of lines "MS a|b FLAGS SEQ ACK LEN [WINDOW]" of a connection of 10.0.0.1:4000 (a) and 10.0.0.2:80 (b), with
# headers only, as a snap length does.
segments() {
	local ms from flags seq ack len window hex src dst
	printf -v hex '%08x' 0xa1b2c3d4 0x00020004 0 0 96 101
	while read -r ms from flags seq ack len window; do
		src=0a00000100000fa0 dst=0a00000200000050
		if [[ $from == b ]]; then local swap=$src && src=$dst dst=$swap; fi
		printf -v hex '%s%08x%08x%08x%08x' "$hex" $((1700000000 + ms / 1000)) $((ms % 1000 * 1000)) 40 $((40 + len))
		printf -v hex '%s4500%04x0000000040060000%s%s%s%s%08x%08x50%02x%04x00000000' "$hex" $((40 + len)) \
			"${src::8}" "${dst::8}" "${src: -4}" "${dst: -4}" "$seq" "$ack" "$flags" "${window:-1000}"
	done
	# shellcheck disable=SC2001,SC2059
	printf "$(sed 's/../\\x&/g' <<<"$hex")"
}

# Nothing here needs root.
setup() {
	http=$NP_ROOT/tests/data/http.pcapng
	flows=$(np_bin npflows) rtt=$(np_bin nprtt) retrans=$(np_bin npretrans) top=$(np_bin nptop)
}

teardown() {
	np_teardown
}

@test "each connection of a capture in the log: ends, bytes, how it ended" {
	"$flows" -r "$http" --format csv -o proto,remote,tx_bytes,rx_bytes,tx_segs,rx_segs,tx_wire,rx_wire,retrans,rx_retrans,end,closed_by,dir,older \
		>"$NP_TMP/out" 2>"$NP_TMP/err"
	cat "$NP_TMP/out" "$NP_TMP/err"
	diff - "$NP_TMP/out" <<-END
		proto,remote,tx_bytes,rx_bytes,tx_segs,rx_segs,tx_wire,rx_wire,retrans,rx_retrans,end,closed_by,dir,older
		udp,10.99.0.2:53,33,49,1,1,75,91,,,unfinished,,out,false
		tcp,10.99.0.2:80,142,30628,30,27,2250,32418,0,1,closed,local,out,false
		tcp,10.99.0.2:80,68,513,6,4,472,785,0,0,reset-sent,local,out,false
		tcp,10.99.0.2:81,0,0,1,1,74,54,0,0,refused,remote,out,false
	END
	grep -q '3 ended, 1 failed' "$NP_TMP/err"
	[ -z "$("$NP_ROOT/tests/cli/pcap-compare" http "$http")" ]
}

@test "what went wrong in it, with cause, whose doing and how long" {
	"$retrans" -r "$http" --events all --format csv -o event,cause,who,reason,seq,len,remote,state >"$NP_TMP/out"
	diff - "$NP_TMP/out" <<-END
		event,cause,who,reason,seq,len,remote,state
		retrans,fast,remote,,14595,1448,10.99.0.2:80,established
		rst-sent,,local,,68,0,10.99.0.2:80,established
		rst-recv,,remote,,0,0,10.99.0.2:81,syn-sent
		connect-fail,,,refused,0,0,10.99.0.2:81,syn-sent
	END
}

@test "a baseline of a capture keeps what only packets tell; one that does not know it is no 0" {
	local check checks=()
	for check in 'sum(rx_retrans)' 'sum(rx_retrans_bytes)' 'sum(tx_wire)' 'sum(rx_wire)' tx_wire; do
		checks+=(--check "$check == baseline" --check "$check > 0")
	done
	"$top" -r "$http" --by raddr --save-baseline "$NP_TMP/top.json" >/dev/null
	"$flows" -r "$http" --save-baseline "$NP_TMP/flows.json" >/dev/null
	run -0 "$top" -r "$http" --by raddr --baseline "$NP_TMP/top.json" "${checks[@]}" --check 'max(age) == baseline'
	run -0 "$flows" -r "$http" --baseline "$NP_TMP/flows.json" "${checks[@]}"
	jq 'del(.total.packets, .groups[].packets)' "$NP_TMP/top.json" >"$NP_TMP/old.json"
	for check in 'sum(rx_retrans) <= 2 * baseline' 'sum(rx_wire) >= baseline' 'count(tx_wire > 1) >= baseline' 'tx_wire >= baseline'; do
		run -4 --separate-stderr "$top" -r "$http" --by raddr --baseline "$NP_TMP/old.json" --check "$check"
		[[ $stderr == "check inconclusive: $check: in the baseline: none of 1 rows has a value for "* ]]
	done
}

@test "what a log adds up to is of the rows that it printed" {
	# OPTIONS, the line, then events, bytes sent and received of the one remote address
	while IFS='|' read -r options line sums; do
		read -ra words <<<"$options"
		"$flows" -r "$http" -o remote "${words[@]}" >/dev/null 2>"$NP_TMP/err"
		cat "$NP_TMP/err"
		[ "$(head -n 1 "$NP_TMP/err")" = "$line" ]
		[ "$(awk '$1 == "10.99.0.2" { print $2, $3, $4 }' "$NP_TMP/err")" = "$sums" ]
	done <<-END
		-d 1h|3 ended, 1 failed; sent 243B, received 30KiB|4 243 30K
		--where tx_bytes>50|2 ended, 0 failed; sent 210B, received 30KiB|2 210 30K
		--where tx_bytes<100|2 ended, 1 failed; sent 101B, received 562B|3 101 562
		-c 2|2 ended, 0 failed; sent 175B, received 30KiB|2 175 30K
		--events open,close|3 ended, 0 failed; sent 243B, received 30KiB|3 243 30K
		--where tx_bytes>1000|0 ended, 0 failed; sent 0B, received 0B|
	END
}

@test "a log stands in line with its header" {
	"$retrans" -r "$http" -o time,event,remote >"$NP_TMP/out"
	cat "$NP_TMP/out"
	[ "$(awk '{ print match($0, /REMOTE|10\.99/) }' "$NP_TMP/out" | sort -u | wc -l)" = 1 ]
}

@test "--local: the same from the other end" {
	"$flows" -r "$http" --local 10.99.0.2 -J -o local,remote,tx_bytes,rx_bytes,retrans,rx_retrans,end,dir tcp >"$NP_TMP/out"
	[ "$(jq -r 'select(.tx_bytes == 30628) | "\(.local) \(.rx_bytes) \(.retrans) \(.rx_retrans) \(.dir)"' "$NP_TMP/out")" = '10.99.0.2:80 142 1 0 in' ]
	"$flows" -r "$http" --local 10.99.0.2/31 -J tcp >"$NP_TMP/prefix"
	"$flows" -r "$http" --local 192.0.2.0/24 --local 10.99.0.2 -J tcp >"$NP_TMP/both"
	cmp "$NP_TMP/prefix" "$NP_TMP/both"
	# both ends are ours: as if neither was
	"$flows" -r "$http" --local 10.0.0.0/8 -J tcp >"$NP_TMP/all"
	"$flows" -r "$http" -J tcp | cmp - "$NP_TMP/all"
}

@test "the same rows from a file, a pipe, pcap and gzip" {
	editcap -F nsecpcap "$http" "$NP_TMP/http.pcap"
	gzip -c "$http" >"$NP_TMP/http.gz"
	"$flows" -r "$http" -J >"$NP_TMP/want"
	[ "$(wc -l <"$NP_TMP/want")" = 4 ]
	"$flows" -r - -J <"$http" | cmp - "$NP_TMP/want"
	# shellcheck disable=SC2002 # a pipe
	cat "$http" | "$flows" -r - -J | cmp - "$NP_TMP/want"
	# shellcheck disable=SC2002
	cat "$NP_TMP/http.gz" | "$flows" -r - -J | cmp - "$NP_TMP/want"
	"$flows" -r "$NP_TMP/http.gz" -J | cmp - "$NP_TMP/want"
	"$flows" -r "$NP_TMP/http.pcap" -J | cmp - "$NP_TMP/want"
}

@test "every program reads one: applications, tables, histograms" {
	"$flows" -r "$http" -o proto,app,host --format csv | grep -q 'tcp,http,www.example.org$'
	"$flows" -r "$http" -o proto,app,host --format csv | grep -q 'udp,dns,www.example.org$'
	"$rtt" -r "$http" -J --by connection --syn --art -o +syn_rtt,syn_rtt_server tcp port 80 >"$NP_TMP/rtt"
	jq -es 'length == 2 and all(.[]; .side == "client" and .rtt_min >= 0.02 and .rtt_max < 0.05 and .syn_rtt >= 0.02 and .art_samples >= 1)' "$NP_TMP/rtt"
	"$rtt" -r "$http" --histogram | grep -q '10.99.0.2:80'
	"$top" -r "$http" -J --by protocol -o proto,tx_bytes,rx_bytes,tx_wire,rx_wire | jq -es 'map(select(.proto == "tcp"))[0] | .tx_bytes == 210 and .tx_wire == 2796 and .rx_wire == 33257'
	"$retrans" -r "$http" --summary -J | jq -es 'map(.events) | add == 4'
}

@test "what waited for a segment that was sent again gives no round trip" {
	segments >"$NP_TMP/hole.pcap" <<-END
		0 a 2 100 0 0
		10 b 18 500 101 0
		11 a 16 101 501 0
		20 a 16 101 501 10
		21 a 16 111 501 10
		30 b 16 501 101 0
		320 a 16 101 501 10
		330 b 16 501 121 0
		341 a 16 131 501 10
		350 b 16 501 121 0
		640 a 16 121 501 10
		650 b 16 501 141 0
		660 a 16 141 501 10
		670 b 16 501 151 0
	END
	"$rtt" -r "$NP_TMP/hole.pcap" -J --by connection -o rtt_samples,rtt_max | jq -es '. == [{"rtt_samples":2,"rtt_max":0.01}]'
	[ -z "$("$NP_ROOT/tests/cli/pcap-compare" hole "$NP_TMP/hole.pcap")" ]
}

@test "a probe of a zero window that is repeated gives no round trip" {
	segments >"$NP_TMP/probes.pcap" <<-END
		0 a 2 100 0 0
		10 b 18 500 101 0
		11 a 16 101 501 0
		20 b 16 501 101 0 0
		1000 a 16 101 501 1
		1010 b 16 501 101 0 0
		3000 a 16 101 501 1
		3010 b 16 501 102 0
		3020 a 16 102 501 10
		3030 b 16 501 112 0
	END
	"$rtt" -r "$NP_TMP/probes.pcap" -J --by connection -o rtt_samples,rtt_max | jq -es '. == [{"rtt_samples":2,"rtt_max":0.01}]'
	[ -z "$("$NP_ROOT/tests/cli/pcap-compare" probes "$NP_TMP/probes.pcap")" ]
}

@test "what a client sends again between its duplicate ACKs does not hide that what they asked for came fast" {
	segments >"$NP_TMP/between.pcap" <<-END
		0 a 2 100 0 0
		10 b 18 500 101 0
		11 a 16 101 501 0
		12 a 16 101 501 10
		23 b 16 601 101 100
		24 a 16 111 501 0
		25 b 16 701 101 100
		26 a 16 111 501 0
		27 a 16 101 501 10
		28 b 16 801 111 100
		29 a 16 111 501 0
		35 b 16 501 111 100
		36 a 16 111 901 0
	END
	"$retrans" -r "$NP_TMP/between.pcap" -J --events retrans -o cause,who,seq | jq -es 'map(select(.who == "remote")) | map(.cause) == ["fast"]'
	[ -z "$("$NP_ROOT/tests/cli/pcap-compare" between "$NP_TMP/between.pcap")" ]
}

@test "what a program has no rows of live, it has none of in a capture: UDP of nprtt and npretrans, ICMP of nptop" {
	[ "$("$rtt" -r "$http" -J --by connection --syn | wc -l)" = 3 ]
	run "$rtt" -r "$http" --to /dev/null --check 'count() == 3'
	[ "$status" = 0 ]
	run "$retrans" -r "$http" --to /dev/null --check 'sum(tx_bytes) == 210' --check 'count(proto == udp) == 0'
	echo "$output"
	[ "$status" = 0 ]
	# echo request and reply, Ethernet and IPv4
	text2pcap -q -4 10.0.0.1,10.0.0.2 -i 1 - "$NP_TMP/ping.pcap" <<-END
		0000  08 00 e5 ca 12 34 00 01
	END
	[ "$("$flows" -r "$NP_TMP/ping.pcap" -J | jq -r .proto)" = icmp ]
	[ -z "$("$top" -r "$NP_TMP/ping.pcap" -J)" ]
}

@test "a truncated capture gives what was readable, one line, and status 2" {
	head -c 6000 "$http" >"$NP_TMP/cut"
	run -2 --separate-stderr "$flows" -r "$NP_TMP/cut" -J
	[ "${#lines[@]}" = 2 ]
	[[ $stderr == *"$NP_TMP/cut: the capture is damaged after "*' packets: '* ]]
	# what was not seen may have been a breach
	run -2 --separate-stderr "$flows" -r "$NP_TMP/cut" --check 'count() >= 0' --report tap=- --to /dev/null
	[[ $output == *'not ok 1 - count() >= 0'*'the file is damaged behind it'* ]]
}

@test "what could be read of a damaged capture does not take a baseline's place" {
	"$rtt" -r "$http" --save-baseline "$NP_TMP/base" >/dev/null
	cp "$NP_TMP/base" "$NP_TMP/before"
	head -c 3000 "$http" >"$NP_TMP/cut"
	run -2 --separate-stderr "$rtt" -r "$NP_TMP/cut" --save-baseline "$NP_TMP/base"
	[[ $stderr == *"this run is not kept as a baseline in $NP_TMP/base: the file is damaged"* ]]
	cmp "$NP_TMP/before" "$NP_TMP/base"
	# nor is a first one made
	run -2 --separate-stderr "$rtt" -r "$NP_TMP/cut" --baseline "$NP_TMP/none"
	[ ! -e "$NP_TMP/none" ]
}

@test "a reader that goes away takes nothing from what is judged and kept" {
	local all
	set +o pipefail
	"$(np_bin np-pcap)" --packets 60000 --live 500 --turns 10 "$NP_TMP/gen.pcap" >/dev/null
	all=$("$flows" -r "$NP_TMP/gen.pcap" -J 2>/dev/null | wc -l)
	"$flows" -r "$NP_TMP/gen.pcap" --check "count() == $all" --save-baseline "$NP_TMP/base" 2>"$NP_TMP/err" | head -n 1 >"$NP_TMP/out"
	status=${PIPESTATUS[0]}
	cat "$NP_TMP/err"
	[ "$status" = 0 ] && [ "$(wc -l <"$NP_TMP/out")" = 1 ]
	grep -q '^check passed: ' "$NP_TMP/err" && grep -q '^this run is kept as a baseline' "$NP_TMP/err"
	[ "$(jq .total.events "$NP_TMP/base")" = "$all" ]
	"$flows" -r "$NP_TMP/gen.pcap" --check "count() < $all" 2>"$NP_TMP/err" | head -n 1
	[ "${PIPESTATUS[0]}" = 1 ]
	# damage is beyond the reader's last row
	head -c -7 "$NP_TMP/gen.pcap" >"$NP_TMP/cut.pcap"
	"$flows" -r "$NP_TMP/cut.pcap" --check 'count() > 0' 2>"$NP_TMP/err" | head -n 1
	[ "${PIPESTATUS[0]}" = 2 ]
	# nothing is judged: it ends with its reader
	"$flows" -r "$NP_TMP/cut.pcap" 2>"$NP_TMP/err" | head -n 1
	[ "${PIPESTATUS[0]}" = 0 ] && [ ! -s "$NP_TMP/err" ]
}

# in_order FILE NUMBER...: a client's segments of 1000 bytes in a capture, in this order, none of them acknowledged.
in_order() {
	python3 - "$@" <<-'END'
		import socket, struct, sys
		out = open(sys.argv[1], "wb")
		out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 101))
		addrs = socket.inet_aton("10.0.0.1") + socket.inet_aton("10.0.0.2")
		for i, n in enumerate(map(int, sys.argv[2:])):
		    tcp = struct.pack(">HHIIBBHHH", 40000, 80, 1000 + 1000 * n, 1, 0x50, 16, 1000, 0, 0) + b"x" * 1000
		    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + addrs
		    out.write(struct.pack("<IIII", 1000, 1000 * i, len(ip + tcp), len(ip + tcp)) + ip + tcp)
	END
}

@test "what the tracker has no room for is lost: status 4, and nothing passes" {
	# shellcheck disable=SC2046 # numbers
	in_order "$NP_TMP/gaps" $(seq 0 2 400) $(seq 1 2 400)
	run -4 --separate-stderr "$flows" -r "$NP_TMP/gaps" -J
	[[ $stderr == *'segments there was no room'* ]]
	run -4 --separate-stderr "$flows" -r "$NP_TMP/gaps" --check 'sum(retrans) >= 0'
	[[ $stderr == *'check inconclusive: '*' were lost'* ]]
	# more in flight than can be timed is lost to those who want the times
	# shellcheck disable=SC2046
	in_order "$NP_TMP/flight" $(seq 0 1100)
	run -0 --separate-stderr "$flows" -r "$NP_TMP/flight" --check 'count() == 1'
	run -4 --separate-stderr "$flows" -r "$NP_TMP/flight" --check 'sum(rtt_samples) >= 0'
	[[ $stderr == *'check inconclusive: '*' were lost'* ]]
	run -4 --separate-stderr "$rtt" -b -r "$NP_TMP/flight"
}

@test "packets cut too short to be read: a warning, and nothing passes" {
	editcap -s 40 "$http" "$NP_TMP/short"
	run -0 --separate-stderr "$flows" -r "$NP_TMP/short"
	[[ $stderr == 'warning: 73 packets were cut too short'* ]]
	run -4 --separate-stderr "$flows" -r "$NP_TMP/short" --check 'count() == 0'
	[[ $stderr == *'check inconclusive: '*' were lost'* ]]
	run -1 --separate-stderr "$flows" -r "$NP_TMP/short" --check 'count() == 1'
}

@test "what no packet tells is said, not shown as an empty table; a check of it does not pass" {
	local asks
	for asks in "$top --by interface" "$flows --listen" "$flows --pid 1" "$retrans --comm nginx" "$top --uid 0" \
		"$rtt --container web" "$top --netns 1" "$retrans --events drop,timeout" "$retrans --comm x --check count()==0"; do
		# shellcheck disable=SC2086 # a program and its options
		run -3 --separate-stderr $asks -r "$http"
		[ -z "$output" ] && [ "${#stderr_lines[@]}" = 1 ]
		[[ $stderr == *"is a capture and has nothing to show here: packets do not tell "* ]]
	done
	run -4 --separate-stderr "$retrans" -r "$http" --check 'count(event == "drop") == 0' --check 'count(event =~ "^rst") == 2' --check 'count() == 4'
	[[ $stderr == *'check inconclusive: count(event == "drop") == 0: '*'packets do not tell drop'* ]]
	[ "$(grep -c '^check passed: ' <<<"$stderr")" = 2 ]
	run -4 --separate-stderr "$flows" -r "$http" --check 'count(comm == x) == 0'
	[[ $stderr == *'packets do not tell comm'* ]]
	run -4 --separate-stderr "$top" -r "$http" --where 'user == x' --check 'sum(tx_bytes) == 0'
	[[ $stderr == *'packets do not tell user'* ]]
}

@test "what is no capture, and --local without one, is refused" {
	echo 'hello, this is a text' >"$NP_TMP/text"
	run -2 --separate-stderr "$flows" -r "$NP_TMP/text"
	[ "${#stderr_lines[@]}" = 1 ]
	run -2 --separate-stderr "$flows" --local 10.0.0.1
	[ "${#stderr_lines[@]}" = 1 ]
	for bad in 10.0.0.1/33 fe80::/129 10.0.0 host/8 10.0.0.1/; do
		run -2 --separate-stderr "$flows" -r "$http" --local "$bad"
		[[ $stderr == *"--local takes an address"* ]]
	done
}

@test "a capture of a link level that is not known is refused by its type: no check passes on it" {
	local name
	for name in 999 'JUNIPER_MLPPP'; do
		{
			printf '\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0'
			if [ "$name" = 999 ]; then printf '\xe7\x03\0\0'; else printf '\x82\0\0\0'; fi
		} >"$NP_TMP/link.pcap"
		run -2 --separate-stderr "$flows" -r "$NP_TMP/link.pcap" --check 'count() == 0' --report tap=-
		[ "${#stderr_lines[@]}" = 1 ]
		[[ $stderr == *"$NP_TMP/link.pcap: packets of link type "*"$name"*' cannot be looked into' ]]
		[[ $output == *'not ok'* ]]
	done
}

@test "--sample: connections of a capture are whole or absent, and their sums corrected" {
	local in
	"$(np_bin np-pcap)" --packets 60000 --live 500 --turns 10 "$NP_TMP/gen.pcap" >/dev/null
	"$flows" -r "$NP_TMP/gen.pcap" --format csv >"$NP_TMP/all" 2>/dev/null
	"$flows" -r "$NP_TMP/gen.pcap" --format csv --sample 1/8 2>"$NP_TMP/err" | sed 's|,1/8$||; s|,sample$||' >"$NP_TMP/some"
	in=$(($(wc -l <"$NP_TMP/some") - 1))
	# each of them as it is in the whole, and so many as chance allows (the set is always the same)
	[ "$(grep -cxFf "$NP_TMP/all" "$NP_TMP/some")" = $((in + 1)) ]
	awk -v in_it=$in -v all="$(wc -l <"$NP_TMP/all")" 'BEGIN { d = in_it * 8 / (all - 1); print d; exit !(d > 0.8 && d < 1.2) }'
	grep -q "^$((in * 8)) ended" "$NP_TMP/err"
	grep -Eq '^sample 1/8: looked at .*, not at 5[0-9]{4} packets of others; sums are corrected by 8$' "$NP_TMP/err"
	"$top" -r "$NP_TMP/gen.pcap" --sample 1/8 --by proto -J -o opened >"$NP_TMP/sum"
	[ "$(jq .opened "$NP_TMP/sum")" = $((in * 8)) ]
}

@test "packets without connections are counted and shown by --stats" {
	"$flows" -r "$http" --stats >"$NP_TMP/out" 2>"$NP_TMP/err"
	grep -q '^packets  *73$' "$NP_TMP/err"
	grep -q '^packets of connections  *71$' "$NP_TMP/err"
	grep -q '^packets without one  *2$' "$NP_TMP/err"
}

@test "all captures of the corpus: as tshark says, but for the differences that are listed and explained" {
	local corpus=${NP_CORPUS:-$NP_ROOT/../shared/corpus}
	[ -d "$corpus" ] || skip "no captures in $corpus: set NP_CORPUS to the folder that has them"
	(cd "$corpus" && find . -type f ! -name '*.md' -printf '%P\n' | sort >"$NP_TMP/files")
	[ -s "$NP_TMP/files" ]
	# shellcheck disable=SC2016 # the inner shell's
	(cd "$corpus" && xargs -P "$(nproc)" -I{} "$NP_ROOT/tests/cli/pcap-compare" {} {} <"$NP_TMP/files") >"$NP_TMP/differs" 2>"$NP_TMP/failed" ||
		echo "a comparison failed" >>"$NP_TMP/failed"
	cat "$NP_TMP/failed"
	[ ! -s "$NP_TMP/failed" ]
	diff <(grep -v '^#' "$NP_ROOT/tests/cli/pcap.differences" | grep . | sort) <(sort "$NP_TMP/differs")
}
