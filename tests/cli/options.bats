#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The command line: what is refused, and how; what is accepted, and that it does what it says.

load ../lib
load cli

bad_escape=$'a\e[31mb\n\x07'
bad_utf8=$'\xff\xfe\x9b'
long=$(printf 'x%.0s' {1..5000})

setup() {
	need_root
	export top out=$NP_TMP/top.out err=$NP_TMP/top.err
	top=$(np_bin nptop)
}

teardown() {
	np_teardown
}

numbers=('' -1 abc 1x 1.5 0x10 ' 1' '1 ' +1 99999999999999999999)

# refuse OPTION VALUES...: each of them; what goes wrong is told, and $wrong set.
refuse() {
	local value option=$1
	shift
	for value; do
		refused -b -c 1 "$option=$value" || wrong=1
	done
}

columns_of() { # ARGS...
	run_top -c 1 --format csv "$@"
	head -n 1 "$out"
}

takes_value() {
	"$top" --dump options | awk -F '\t' '$3 != "" { print $1 }'
}

@test "bad numbers are refused with one line and status 2" {
	local wrong=0
	refuse --count "${numbers[@]}" 0 18446744073709551616
	refuse --top "${numbers[@]}" 0 4294967296
	refuse --header "${numbers[@]}" 4294967296
	refuse --udp-max "${numbers[@]}" 0 16777217
	refuse --pid "${numbers[@]}" 0 4194305
	((!wrong))
}

@test "bad times and sizes are refused" {
	local wrong=0
	refuse --interval '' -1 0 9ms 0.001 25h 2d abc s 5parsecs '1 s' 1s1 1m1h 1.s -5s 1KiB 99999999999999999999d
	refuse --duration '' -1 0 0s abc s 5parsecs '1 s' 1s1 1m1h 1.s -5s 1KiB 99999999999999999999
	refuse --linger '' -1 25h 2d abc s 5parsecs '1 s' 1s1 1m1h 1.s -5s 1KiB 99999999999999999999
	refuse --ring-size '' -1 0 4095 2G 1TiB 1e6 1s '1 KiB' 1kib 99999999999999999999
	((!wrong))
}

@test "words and names that are not known are refused" {
	local wrong=0
	refuse --format '' nonsense text,csv TEXT xml
	refuse --units '' nonsense byte BITS
	refuse --hook '' nonsense kprobe TCX
	refuse --by '' nonsense nonsense,pid pid,nonsense tx_bytes pid, ,pid comm,interface PROCESS
	refuse --root '' nonsense /nonexistent /etc/passwd
	refuse --uid '' nonsense-user -1 4294967295 1.5
	refuse --netns '' nonsense /etc/passwd /nonexistent .. 0 -1 4000000
	refuse --comm ''
	refuse --cgroup ''
	refuse --container ''
	refuse --pod ''
	refuse --interface ''
	((!wrong))
}

@test "a file that two options name is refused, and keeps what it has" {
	local in=$NP_TMP/in.pcapng with check='--check count()>=0'
	cp "$NP_ROOT/tests/data/http.pcapng" "$in"
	ln "$in" "$NP_TMP/link"
	for with in "--to $in" "--to $NP_TMP/link" "$check --report tap=$in" "--save-baseline $in" "--baseline $in" "--root /none $check --report tap=$in"; do
		# shellcheck disable=SC2086 # words
		refused -r "$in" $with
		cmp "$in" "$NP_ROOT/tests/data/http.pcapng"
	done
	for with in "--to $NP_TMP/new --record $NP_TMP/new" "$check --report tap=$NP_TMP/new --to $NP_TMP/new" "--record $NP_TMP/new --save-baseline $NP_TMP/new"; do
		# shellcheck disable=SC2086
		refused -c 1 $with
		grep -q 'are the same file' "$err"
		[ ! -e "$NP_TMP/new" ]
	done
	run_top -c 1 -b --to /dev/null --record "$NP_TMP/a" --report tap=/dev/null --check 'count()>=0'
	[ "$status" = 0 ]
}

@test "a file that cannot be read or made is refused" {
	local wrong=0 none=$NP_TMP/no/such
	refuse --read '' "$none" "$NP_TMP" /etc/passwd /dev/null
	refuse --record '' "$none" "$NP_TMP" /dev/null -
	refuse --to '' "$none" "$NP_TMP"
	refuse --baseline '' "$none" "$NP_TMP" /etc/passwd
	refuse --save-baseline '' "$none" "$NP_TMP" "$NP_TMP/new/" /dev/null /etc/passwd
	refuse --speed '' 0 -1 abc 1x 1.5x 0.0001 1000001 1e3 1s ' 1' 2
	# only with a capture; tests/cli/pcap.bats has one
	refuse --local '' nonsense 10.0.0.1 10.0.0.0/33 fe80::/129
	((!wrong))
}

@test "what is expected is refused where it means nothing" {
	local wrong=0 value
	refuse --check '' nonsense rtt 'p99(rtt)' 'p99(comm) < 1' 'p101(rtt) < 1s' 'sum(rtt > 1) < 1' \
		'p99(rtt) < 5MiB' 'nosuch(rtt) < 1s' 'p99(rtt < 1s' 'p99(p50(rtt)) < 1s' 'baseline < 1' 'share < 1' 'tx_avg2 < 1'
	refuse --min-samples "${numbers[@]}" 0 4294967296
	refuse --sample '' -1 0 1 16 1/ 1/0 1/-1 1/1000001 2/16 /16 1/x '1/ 2' 1/2/3 0.5 nonsense
	refuse --report '' tap
	for value in '' nonsense xml=file tap= json= =x "tap=$NP_TMP/no/such"; do
		refused -b -c 1 --check 'count() >= 0' --report="$value" || wrong=1
	done
	((!wrong))
}

@test "columns that do not exist, or not on these rows, are refused" {
	local wrong=0
	refuse --output '' nonsense pid,nonsense pid, ,pid pid,,comm + - +nonsense -nonsense packets PID 'pid comm' \
		"-$(columns_of | sed 's/^time,//; s/,/,-/g')"
	refuse --sort '' nonsense - + -nonsense pid,comm packets --pid
	refused -b -c 1 --by interface -o pid || wrong=1
	refused -b -c 1 --by interface --sort rtt || wrong=1
	refused -b -c 1 --by interface --where 'rtt > 1ms' || wrong=1
	refused -b -c 1 --where 'packets > 1' || wrong=1
	((!wrong))
}

@test "an expression over columns that means nothing is refused" {
	local wrong=0
	refuse --where '' nonsense 'nonsense > 1' 'rtt >' '> 1' 'rtt > 1 2' 'rtt > 10parsecs' 'rtt > 1MiB' \
		'tx_bytes > 1s' 'comm > 5' 'rtt && ' '(rtt > 1ms' 'rtt > 1ms)' 'comm =~ "["' 'rtt == "x"' "comm == 'x" 'a;b' \
		'tx_rate =~ x' '1 +' 'tx_bytes + rtt > 1' 'packets > rtt' 'count() > 1' 'p99(rtt) > 1s' 'rtt > baseline'
	refuse --check '' nonsense 'nonsense > 1' 'p99(rtt)' 'p99(rtt) <' 'p99(rtt < 1s' 'p101(rtt) < 1s' 'sum(rtt) < 1MiB' \
		'count(rtt) < 1s' 'count(pid) == 1' 'comm == x' 'true' 'count(count()) > 1' 'count(event == "drop") == 0' 'p99(rtt) < baseline'
	((!wrong))
}

@test "no value that is refused reaches the terminal raw or at any length" {
	local wrong=0 option prefix
	while read -r option; do
		case $option in
		# any name may be one
		--comm | --cgroup | --container | --pod | --interface) continue ;;
		--record | --to | --baseline | --save-baseline) prefix=$NP_TMP/none/ ;;
		*) prefix='' ;;
		esac
		refuse "$option" "$prefix$bad_escape" "$prefix$bad_utf8" "$prefix$long"
	done < <(takes_value)
	((!wrong))
}

@test "a filter expression that cannot hold for a connection is refused" {
	local wrong=0 text
	for text in 'tcp and' 'port' 'port 99999' 'port -1' 'host 1.2.3.4.5' 'net 10/40' '(tcp' 'tcp)' 'nonsense nonsense' \
		'tcp[13] & 2 != 0' 'ip[8] < 64' 'greater 100' 'less 64' 'tcp[tcpflags] & tcp-syn != 0' 'arp' 'icmp' 'tcp and udp' \
		'vlan 5' 'ether host 00:00:00:00:00:01' 'inbound' "$bad_escape" "$bad_utf8" "port 1 or $long"; do
		refused -b -c 1 "$text" || wrong=1
	done
	# the words of a filter may also come one by one
	refused -b -c 1 port nonsense-service || wrong=1
	((!wrong))
}

@test "an unknown option, a missing value and a value too many are refused" {
	local wrong=0 option
	for option in --nonsense -Z -5 --nonsense=1 -$'\e' "--$bad_escape" "--$bad_utf8" "--$long" --in -cJ; do
		refused -b -c 1 "$option" || wrong=1
	done
	while read -r option; do
		refused -b "$option" || wrong=1
	done < <(takes_value)
	for option in -o -i -c -d -I; do
		refused -b "$option" || wrong=1
	done
	while read -r option; do
		refused -b -c 1 "$option=1" || wrong=1
	done < <("$top" --dump options | awk -F '\t' '$3 == "" { print $1 }')
	((!wrong))
	grep -q -- '--version=1' "$err"
	# the word that is wrong is named wherever it stands
	run_top -b -Z tcp
	grep -q -- '-Z' "$err"
	run_top tcp -Zb
	grep -q -- '-Zb' "$err"
}

@test "a command is no filter; what cannot be with one is refused" {
	local wrong=0
	refused -b --by interface -- true || wrong=1
	refused -b -r "$NP_TMP/none" -- true || wrong=1
	refused -b 'tcp and' -- true || wrong=1
	refused -b --record - --to "$NP_TMP/rows" -- true || wrong=1
	refused -b --linger 1d1h -- true || wrong=1
	accepted tcp -- || wrong=1
	run_top -b tcp -- sh -c 'echo --nonsense port; exit 5'
	[ "$status" -eq 5 ]
	[ "$(cat "$out")" = '--nonsense port' ]
	# what cannot be run is named, but not obeyed by a terminal
	run_top --to /dev/null -- $'\e[31m\n'
	[ "$(says_why 127)" = '' ] || {
		says_why 127
		wrong=1
	}
	((!wrong))
}

@test "every option that takes a value is in the tables of this file" {
	local option
	while read -r option; do
		grep -qE "^	refuse $option " "$BATS_TEST_FILENAME" || {
			echo "no test has bad values for $option"
			return 1
		}
	done < <(takes_value)
	[ "$(takes_value | wc -l)" -ge 22 ]
}

@test "good values of every option are accepted" {
	local wrong=0
	# so small that something may be lost, but not of this
	accepted --count=1 --interval=10ms --duration=1h30m --top=1 --header=0 --udp-max=1 --ring-size=4KiB --by=interface || wrong=1
	accepted -I 1d -d 0.5s --top 4294967295 --header 4294967295 --udp-max 70000 --ring-size 4MiB || wrong=1
	accepted -I1.5s -d 5 --ring-size 2097152 --units raw --format csv --root / || wrong=1
	accepted -I 2 --units bits --all --sort +pid --pid 1 --pid "$$" --comm 'sh*' --uid root --uid 0 || wrong=1
	accepted --units bytes --cgroup / --container 'web-*' --pod default/web --pod web --netns "$$" --sort=-rx_rate || wrong=1
	accepted --by interface -i 'lo*' -i eth0 --active-only --hook tcx --sort packets || wrong=1
	accepted --by remote --hook cgroup udp port 53 || wrong=1
	accepted --by raddr,rport --where 'rtt > 10ms && retrans > 0 || comm =~ "^np"' tcp port 443 or udp || wrong=1
	accepted --by direction --hook xdp || wrong=1
	accepted --sample 1/1 --to - || wrong=1
	# with what they are about, which says one thing on standard error
	run_top -c 1 --to /dev/null --linger 0s --min-samples 4294967295 --check 'count() >= 0' -- true
	[ "$status" -eq 0 ] && [[ $(cat "$err") == 'check passed: '* ]] && (($(wc -l <"$err") == 1)) || wrong=1
	accepted -n -J not port 22 and 'net 10.0.0.0/8' || wrong=1
	((!wrong))
}

@test "an option that has nothing to be about is refused" {
	refused -b -c 1 --check 'count() >= 0' --linger 1s && grep -q 'goes with a command' "$err"
	refused -b -c 1 --min-samples 1 && grep -q 'add a --check' "$err"
	refused -b -c 1 --min-samples 10 -- true && grep -q 'add a --check' "$err"
}

@test "-n changes nothing" {
	local fields='interface,direction,errors'
	run_top --by interface -i lo -J -c 1 -o "$fields"
	cp "$out" "$NP_TMP/without"
	run_top -n --by interface -i lo -J -c 1 -o "$fields"
	[ -s "$out" ]
	cmp "$out" "$NP_TMP/without"
}

@test "help, usage and version go to stdout, with status 0" {
	local option
	for option in --help '-?' --usage --version -V; do
		run_top "$option"
		[ "$status" -eq 0 ] && [ -s "$out" ] && [ ! -s "$err" ]
		absent ' TX/s' "$out"
	done
	run_top --help
	while read -r option; do
		grep -q -- "$option" "$out"
	done < <("$top" --dump options | cut -f 1)
	run_top --version
	[[ $(cat "$out") =~ ^NetProbe\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	# whatever else stands there, as everybody does it
	run_top --by process -J --help
	grep -q '^Usage: nptop' "$out"
}

@test "--list-columns is the same list in text, CSV and JSON, and no name comes twice" {
	local names
	run_top --list-columns -J
	[ "$status" -eq 0 ]
	jq -es 'length > 50 and (map(.name) | length == (unique | length)) and
		all(.[]; (keys == ["header", "help", "name", "needs", "rows", "unit"]) and (.help != "") and
			(.rows | IN("connection", "interface", "event", "listener", "both")) and (.name | test("^[a-z][a-z0-9_]*$")))' "$out"
	names=$(jq -r .name "$out")
	run_top --list-columns --format csv
	[ "$(python3 -c 'import csv, sys
rows = list(csv.reader(sys.stdin, strict=True))
assert rows[0][0] == "name" and all(len(row) == 6 for row in rows)
print("\n".join(row[0] for row in rows[1:]))' <"$out")" = "$names" ]
	run_top --list-columns
	[ "$(tail -n +2 "$out" | cut -d ' ' -f 1)" = "$names" ]
}

@test "every column can be shown, on the rows that it says" {
	local kind list
	for kind in connection interface; do
		list=$("$top" --list-columns -J | jq -r "select(.rows == \"$kind\" or .rows == \"both\").name" | paste -sd ,)
		[ "$(columns_of --by "$kind" -o "$list")" = "$list" ]
	done
}

@test "-o shows exactly its columns; + and - change the usual ones" {
	local usual
	[ "$(columns_of -o rtt,pid)" = rtt,pid ]
	usual=$(columns_of)
	[[ $usual == time,pid,user,comm,* ]]
	[ "$(columns_of -o -pid,+mss)" = "${usual/pid,/},mss" ]
	[ "$(columns_of --by raddr,rport -o -raddr,-rport)" = "$(columns_of --by lport -o -proto,-lport,-comm)" ]

	usual=$(columns_of --by interface)
	[[ $usual == time,interface,direction,* ]]
	[ "$(columns_of --by interface -o packets,ifindex,packets)" = packets,ifindex ]
	[ "$(columns_of --by interface -o packets,ifindex,-packets)" = ifindex ]
	[ "$(columns_of --by interface -o +l3,l4)" = "$usual,l3,l4" ]
	[ "$(columns_of --by interface -o +packets)" = "$usual" ]
	[ "$(columns_of --by interface -o -l3)" = "$usual" ]
}

@test "the last of -J and --format counts, and -b alone is text" {
	local lo=(--by interface -i lo -c 1)
	run_top "${lo[@]}" -J
	jq -es 'length == 2' "$out"
	run_top "${lo[@]}" -b -J
	jq -es 'length == 2' "$out"
	run_top "${lo[@]}" --format csv -J
	jq -es 'length == 2' "$out"
	run_top "${lo[@]}" -J --format csv
	[[ $(head -n 1 "$out") == time,interface,* ]]
	run_top "${lo[@]}" -J --format text
	cp "$out" "$NP_TMP/text"
	[[ $(head -n 1 "$out") =~ ^TIME\ +INTERFACE ]]
	run_top "${lo[@]}" -b
	[ "$(head -n 1 "$out")" = "$(head -n 1 "$NP_TMP/text")" ]
}

@test "--header N repeats the text header after N rows" {
	local every
	for every in 0 1 2 4; do
		run_top -b -c 4 -I 20ms --by interface -i lo --header "$every"
		awk -v every="$every" '/^TIME/ { headers++; if (rows && rows != every) exit 1; rows = 0; next } { rows++; all++ }
			END { exit !(all == 8 && headers == (every ? 8 / every : 1)) }' "$out" || {
			echo "--header $every:" && cat "$out"
			return 1
		}
	done
	run_top -c 2 -I 20ms --by interface -i lo --header 1 -J
	jq -es 'length == 4' "$out"
}

@test "--top shows that many rows of each refresh" {
	run_top -J -c 3 -I 20ms --by interface --top 1
	jq -es 'length == 3' "$out"
	run_top -J -c 1 --by interface -i lo --top 5
	jq -es 'length == 2' "$out"
}

@test "--units: rates in bytes or bits, raw numbers whole; JSON is always raw" {
	local port pid
	serve server server
	port=$(ready_port server)
	hold client client "$port" --tx 3000000 --rx 1000
	pid=$(bg_pid client)
	run_top -b -c 1 --pid "$pid" -o tx_bytes,rx_bytes
	[ "$(tail -n 1 "$out" | xargs)" = '2.9M 1000' ]
	run_top -b -c 1 --pid "$pid" -o tx_bytes,rx_bytes --units bits
	[ "$(tail -n 1 "$out" | xargs)" = '2.9M 1000' ]
	run_top -b -c 1 --pid "$pid" -o tx_bytes,rx_bytes --units raw
	[ "$(tail -n 1 "$out" | xargs)" = '3000000 1000' ]
	run_top -J -c 1 --pid "$pid" -o tx_bytes,rx_bytes --units bits
	[ "$(cat "$out")" = '{"tx_bytes":3000000,"rx_bytes":1000}' ]
}

rate_of() { # UNITS: bytes a second of the held client, of which np-work sends 200 x 500 a second, as --units has it
	run_top -b -c 2 -I 500ms --pid "$(bg_pid sender)" -o tx_rate --units "$1"
	tail -n 1 "$out" | xargs
}

steady() {
	[[ $(rate_of raw) =~ ^[1-9][0-9]{4,5}(\.[0-9]+)?$ ]]
}

@test "--units bits is eight times --units bytes, in powers of 1000" {
	serve server udp-server
	start_bg sender "$(np_bin np-work)" udp-client --port "$(ready_port server)" --rate 200 --count 100000 --size 500
	wait_for 10 steady
	[[ $(rate_of bytes) =~ ^[0-9]{2,3}K$ ]]
	[[ $(rate_of bits) =~ ^[0-9]{3}k$ ]]
}

@test "the environment's NO_COLOR and TERM mean nothing to text" {
	local with
	for with in NO_COLOR=1 TERM=nonsense TERM=; do
		env "$with" "$top" -b -c 1 --by interface -i lo >"$NP_TMP/text"
		absent $'\e' "$NP_TMP/text"
		[ "$(wc -l <"$NP_TMP/text")" -eq 3 ]
	done
}
