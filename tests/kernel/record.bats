#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What was recorded is played again: the same bytes in every format, the same status, without any privilege, wherever it is played.

# shellcheck disable=SC2154,SC2030,SC2031 # port is of nptop.bash

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
load link
load retrans
load record

setup() {
	need_root
	work=$(np_bin np-work)
}

teardown() {
	if declare -F crun_stop >/dev/null; then crun_stop; fi
	np_teardown
	tapes_down
}

# Connections that stay, come and go, and datagrams; in two network namespaces.
traffic() {
	local i
	start_bg udp in_ns "$NS_B" "$work" udp-server --listen ::
	wait_ready udp
	for i in 1 2 3; do
		client --to "$ADDR_B" --conns 20 --parallel 4 --tx 20000 --rx 3000 --comm "np client $i" >/dev/null
		in_ns "$NS_A" "$work" udp-client --to "$ADDR6_B" --port "$(ready_port udp)" --count 50 --size 100 >/dev/null
		sleep 0.3
	done
}

@test "nptop by process: the same bytes again, in text, CSV and JSON, to root and to nobody" {
	netns_up
	serve server
	hold held --to "$ADDR_B" --conns 10 --tx 1000 --rx 1000
	tape_start top nptop -I 300ms --all
	traffic
	tape_stop top
	[ "$(tape_rows top)" -gt 10 ]
	tape_same top
}

@test "nptop by connection with names that no column showed, and every column" {
	local all
	netns_up
	serve server
	hold held --to "$ADDR_B" --conns 3 --tx 1000 --rx 1000 --comm 'np held'
	all=$("$(np_bin nptop)" --by connection --list-columns --format json | jq -rs 'map(select(.rows | test("connection|both")) | .name) | join(",")')
	tape_start plain nptop -I 300ms --by connection --netns "/run/netns/$NS_A" --netns /proc/self/ns/net --uid root
	tape_start all nptop -I 300ms --by connection -o "$all"
	traffic
	tape_stop plain
	tape_stop all
	tape_same plain
	tape_same all
	# the names were learned though nobody looked at them
	play plain nptop -J --by connection -o comm,command,user,netns,lport,raddr >"$NP_TMP/named"
	[ "$(json_lines "select(.netns == \"$NS_A\" and .comm == \"np held\" and .user == \"root\") | select(.command | test(\"np-work client .*--comm np held\")) | .lport" "$NP_TMP/named" | sort -u | wc -l)" = 3 ]
}

@test "nptop by container and by unit: names come from the record, not from the host that plays it" {
	# shellcheck source=tests/kernel/crun.sh
	source "$BATS_TEST_DIRNAME/crun.sh"
	crun_usable || skip 'needs crun and a static busybox'
	netns_up
	tape_start top nptop -I 300ms --by container --all
	tape_start plain nptop -I 300ms
	CRUN_NET=/run/netns/$NS_A CRUN_BIND="/usr /lib /lib64 $(dirname "$work")" crun_start "np-$NP_ID-c" "$work" idle --conns 3
	wait_for 30 grep -qs "np-$NP_ID-c" "$(bg_out top-json)"
	tape_stop top
	tape_stop plain
	crun_stop
	tape_same top
	tape_same plain
	play plain nptop -J --by connection -o container,cgroup,comm >"$NP_TMP/named"
	[ "$(json_lines "select(.container == \"np-$NP_ID-c\" and .comm == \"np-work\") | 1" "$NP_TMP/named" | wc -l)" -gt 0 ]
	play plain nptop -J --container "np-$NP_ID-*" -o comm >"$NP_TMP/own"
	[ "$(json_lines .comm "$NP_TMP/own" | sort -u)" = np-work ]
}

@test "nptop by interface" {
	netns_up
	serve server
	tape_start links nptop -I 300ms --by interface
	traffic
	"$work" storm --seconds 1 >/dev/null
	tape_stop links
	[ "$(tape_rows links)" -gt 4 ]
	tape_same links
}

@test "npflows: the log, the table and the listeners" {
	netns_up
	serve server
	tape_start log npflows --events all -o +netns,command,user,side
	tape_start table npflows --table -I 300ms
	tape_start listen npflows --listen -I 300ms
	traffic
	start_bg other in_ns "$NS_A" "$work" server
	wait_ready other
	stop_bg other
	tape_stop log INT
	tape_stop table
	tape_stop listen
	[ "$(json_lines 'select(.end == "closed" and .proto == "tcp") | 1' "$(bg_out log-json)" | wc -l)" -ge 120 ]
	tape_same log
	tape_same table
	tape_same listen
}

@test "npflows with --count: the same rows, and no more" {
	netns_up
	serve server
	tape_start log npflows --count 25
	traffic
	tape_stop log 0
	[ "$(tape_rows log)" = 25 ]
	tape_same log
	# and fewer of them are the first ones
	play log npflows -J --count 5 | cmp - <(head -n 5 "$(bg_out log-json)")
}

@test "npflows with applications: the first packets are in the record" {
	local web
	netns_up
	web=$NP_TMP/web && mkdir "$web"
	start_bg web in_ns "$NS_B" python3 -m http.server --bind "$ADDR_B" --directory "$web" 8080
	wait_for 20 in_ns "$NS_A" curl -s -o /dev/null "http://$ADDR_B:8080/"
	tape_start apps npflows -o +app,host
	in_ns "$NS_A" curl -s -o /dev/null -H 'Host: np.example' "http://$ADDR_B:8080/"
	sleep 1.5
	tape_stop apps
	grep -q '"host":"np.example"' "$(bg_out apps-json)"
	tape_same apps
	# who does not ask for them is not told, and nothing counts as refused
	play apps npflows -J >"$NP_TMP/plain"
	[ -s "$NP_TMP/plain" ]
}

@test "nprtt: percentiles and histograms of every kind of time" {
	link_up --delay 10ms
	serve rr-server --think 5ms
	tape_start times nprtt --syn --srt --art -I 500ms
	tape_start end nprtt --syn --srt --art
	TAPE_FORMATS='text json' tape_start hist nprtt --histogram --syn --srt --art
	TAPE_FORMATS='text json' tape_start hists nprtt --histogram -I 500ms
	in_ns "$NS_A" "$work" rr --to "$ADDR_B" --port "$port" --conns 3 --count 30 --tx 100 --rx 100 >/dev/null
	tape_stop times
	tape_stop end
	TAPE_FORMATS='text json' tape_stop hist
	TAPE_FORMATS='text json' tape_stop hists
	[ "$(json_lines 'select(.art_samples > 20) | 1' "$(bg_out end-json)" | wc -l)" -gt 0 ]
	tape_same times
	tape_same end
	TAPE_FORMATS='text json' tape_same hist
	TAPE_FORMATS='text json' tape_same hists
}

@test "npretrans over a lossy wire: the log with stacks and reasons, and the summary" {
	link_up --delay 5ms --drop kind=syn
	serve server
	tape_start log npretrans --events all --stack
	tape_start plain npretrans --events all
	tape_start sum npretrans --summary -I 500ms
	lossy --tx 3000
	end refused --conns 3 --port 9
	tape_stop log
	tape_stop plain
	tape_stop sum
	[ "$(json_lines 'select(.event == "retrans" and (.stack | length) > 20) | 1' "$(bg_out log-json)" | wc -l)" -ge 23 ]
	tape_same log
	tape_same plain
	tape_same sum
}

@test "npretrans and a full accept queue: what its namespace answered is in the record" {
	netns_up
	start_bg deaf in_ns "$NS_B" "$work" deaf --listen :: --backlog 1
	wait_ready deaf
	port=$(ready_port deaf)
	tape_start log npretrans --events listen-overflow
	start_held knock in_ns "$NS_A" "$work" knock --to "$ADDR_B" --port "$port" --conns 8 --stall 1500
	wait_for 20 grep -qs listen-overflow "$(bg_out log-json)"
	stop_bg knock || true
	tape_stop log
	tape_same log
}

@test "a command: what belongs to it is in the record, for every program and shape of table" {
	local run format
	netns_up
	serve server
	cat >"$NP_TMP/command" <<-END
		"$(np_bin np-work)" client --to "$ADDR_B" --port "$port" --conns 7 --tx 10000 --rx 3000
		sleep 1.3
		"$(np_bin np-work)" client --to "$ADDR_B" --port "$port" --conns 3 --tx 100000
	END
	for run in 'nptop' 'nptop --by connection' 'nptop -I 300ms' npflows 'npflows --table' 'nprtt --histogram' 'nprtt --by raddr' \
		'npretrans --summary --by comm'; do
		for format in text json; do
			# shellcheck disable=SC2086 # a program and its options
			"$NP_BUILD/"$run --format $format --record "$NP_TMP/file" --to "$NP_TMP/was" -- \
				nsenter --net="/run/netns/$NS_A" -- sh "$NP_TMP/command" >/dev/null
			# shellcheck disable=SC2086
			"$NP_BUILD/"$run --format $format --read "$NP_TMP/file" >"$NP_TMP/again"
			cmp "$NP_TMP/was" "$NP_TMP/again" || { echo "$run" && diff "$NP_TMP/was" "$NP_TMP/again"; }
			[[ $run == npretrans* ]] || [ -s "$NP_TMP/again" ]
		done
	done
}

@test "a command's datagrams count once, wherever --count and --duration end the replay" {
	local stop
	netns_up
	serve udp-server
	"$(np_bin nptop)" -b --to /dev/null --record "$NP_TMP/file" udp -- nsenter --net="/run/netns/$NS_A" -- \
		"$work" udp-client --to "$ADDR_B" --port "$port" --count 100 --size 100 --comm "$NP_ID-udp" >/dev/null
	for stop in '-c 1' '-d 1h' ''; do
		# shellcheck disable=SC2086 # an option and its value
		"$(np_bin nptop)" -J --by connection -o comm,tx_bytes,tx_segs $stop --read "$NP_TMP/file" udp >"$NP_TMP/rows"
		cat "$NP_TMP/rows"
		[ "$(json_lines "select(.comm == \"$NP_ID-udp\") | \"\(.tx_bytes) \(.tx_segs)\"" "$NP_TMP/rows")" = '10000 100' ]
	done
}

@test "what was lost is lost in the replay too: status 4, and --stats says so" {
	netns_up
	serve server
	TAPE_FORMATS=json tape_start tiny npflows --ring-size 4096 --stats
	in_ns "$NS_A" "$work" storm --seconds 2 --procs 2 >/dev/null || true
	TAPE_FORMATS=json tape_stop tiny
	[ "$(cat "$TAPES/tiny-json.status")" = 4 ]
	TAPE_FORMATS=json tape_same tiny
	[ "$(top_stat tiny-json 'lost: ring buffer full')" -gt 0 ]
	[ "$(sed -n 's/^lost: ring buffer full *//p' "$NP_TMP/tiny-json.nobody.err")" = "$(top_stat tiny-json 'lost: ring buffer full')" ]
	grep -q 'records were lost' "$NP_TMP/tiny-json.nobody.err"
}

@test "other questions to the same record: filters, owners, groups, other programs" {
	local server
	netns_up
	serve server
	server=$(bg_pid server)
	TAPE_FORMATS=json tape_start top nptop -I 300ms
	traffic
	TAPE_FORMATS=json tape_stop top
	play top nptop -J --pid "$server" -o pid | json_lines .pid | sort -u | cmp - <(echo "$server")
	play top nptop -J --comm 'np client *' -o comm | json_lines .comm | sort -u | cmp - <(printf 'np client %d\n' 1 2 3)
	play top nptop -J --netns "$NS_B" --by netns -o netns | json_lines .netns | sort -u | cmp - <(echo "$NS_B")
	play top nptop -J --uid root --by user -o user | json_lines .user | sort -u | cmp - <(echo root)
	play top nptop -J --uid nobody -o pid >"$NP_TMP/none" && [ ! -s "$NP_TMP/none" ]
	play top nptop -J --container 'no such' -o pid >"$NP_TMP/none" && [ ! -s "$NP_TMP/none" ]
	play top nptop -J --by remote -o raddr "tcp and port $port" | json_lines .raddr | sort -u | cmp - <(printf '%s\n' "$ADDR_A" "$ADDR_B")
	play top nptop -J --where 'tx_bytes > 300000' -o comm,tx_bytes --all | json_lines 'select(.tx_bytes <= 300000)' >"$NP_TMP/none" && [ ! -s "$NP_TMP/none" ]
	play top nptop -J --by protocol --top 1 -c 2 -o protocol >"$NP_TMP/two" && [ "$(wc -l <"$NP_TMP/two")" -le 2 ]
	play top npflows -J --table -o comm,lport | json_lines "select(.lport == $port) | .comm" | sort -u | cmp - <(echo np-work)
	# closes are known by their own records, openings were not asked for
	[ "$(play top npflows -J -o event,comm | json_lines 'select(.event == "close" and (.comm | test("np client"))) | 1' | wc -l)" -ge 60 ]
	grep -q '^warning: this record of nptop did not measure: .*opened' "$NP_TMP/play.err"
	[ "$(wc -l <"$NP_TMP/play.err")" -le 12 ]
	run -3 --separate-stderr play top npretrans
	grep -q 'nothing to show here: it did not measure anomalies' "$NP_TMP/play.err"
	run -3 --separate-stderr play top nptop --by interface
	run -3 --separate-stderr play top npflows --listen
}

@test "a record of walks alone has no totals of TCP: a warning, and no check on them passes" {
	netns_up
	serve server
	TAPE_FORMATS=json tape_start log npretrans --events all
	client --to "$ADDR_B" --conns 20 --tx 100000 >/dev/null
	TAPE_FORMATS=json tape_stop log
	run -4 --separate-stderr play log nptop --to /dev/null --check 'sum(tx_bytes) < 1M' tcp
	grep -q '^warning: this record of npretrans did not measure: TCP connections' "$NP_TMP/play.err"
	grep -q '^check inconclusive: sum(tx_bytes) < 1M: .*did not measure TCP connections' "$NP_TMP/play.err"
	run -4 --separate-stderr play log npflows --to /dev/null --check 'count(end == closed) == 0' tcp
	run -4 --separate-stderr play log npretrans --to /dev/null --check 'sum(tx_bytes) < 1M'
	# what it did measure is judged
	play log npretrans --to /dev/null --check 'count(event == drop) >= 0'
	[ "$(grep -c '^warning' "$NP_TMP/play.err")" = 0 ]
}

@test "another host plays it: host and names are the recording's" {
	local ns
	netns_up
	ns=$NS_A
	serve server
	hold held --to "$ADDR_B" --conns 3 --tx 1000 --rx 1000
	TAPE_FORMATS=json tape_start top nptop -I 300ms --by connection
	traffic
	TAPE_FORMATS=json tape_stop top
	stop_bg held
	stop_bg server
	netns_down
	# other users, no namespace of these names, another host name, no /proc of theirs
	printf 'toor:x:0:0::/:/bin/sh\n' >"$NP_TMP/passwd"
	# shellcheck disable=SC2016
	unshare --mount --uts --pid --fork --mount-proc sh -c '
		hostname elsewhere && mount --bind "$1" /etc/passwd && shift && exec "$@"' sh "$NP_TMP/passwd" \
		"$(np_bin nptop)" -J --by connection -o user,netns,command --read "$TAPES/top-json" >"$NP_TMP/there"
	play top nptop -J --by connection -o user,netns,command >"$NP_TMP/here"
	cmp "$NP_TMP/here" "$NP_TMP/there"
	[ "$(json_lines "select(.netns == \"$ns\" and .user == \"root\") | 1" "$NP_TMP/there" | wc -l)" -gt 0 ]
	grep -aq "$(hostname)" "$TAPES/top-json"
}

@test "a recording that is killed keeps all but its last second" {
	netns_up
	serve server
	TAPE_FORMATS=json tape_start top nptop -I 200ms --by connection
	hold held --to "$ADDR_B" --conns 3 --tx 1000 --rx 1000
	# written at least once a second: the second refresh of a later second is behind
	wait_for 30 _newer_refreshes "$(bg_out top-json)" "$(date -u +%FT%T.%3NZ)" 14
	TAPE_FORMATS=json tape_stop top KILL
	run -2 --separate-stderr play top nptop -J --by connection -I 200ms
	[ "${#lines[@]}" -gt 20 ]
	# whole refreshes of the run, from its beginning
	printf '%s\n' "${lines[@]}" >"$NP_TMP/kept"
	head -n "${#lines[@]}" "$(bg_out top-json)" | cmp - "$NP_TMP/kept"
	[ "$(wc -l <"$NP_TMP/play.err")" = 1 ]
	grep -q 'ends before its end mark' "$NP_TMP/play.err"
}

@test "the disk is full: one line, the run goes on, status 4" {
	local disk
	disk=$NP_TMP/disk && mkdir "$disk"
	beacon_up
	# shellcheck disable=SC2016
	run -4 --separate-stderr unshare --mount sh -c 'mount -t tmpfs -o size=8k tmpfs "$1" && shift && exec "$@"' sh "$disk" \
		"$(np_bin nptop)" -J -I 20ms -c 200 -o time,pid --record "$disk/full"
	[ "$(printf '%s\n' "${lines[@]}" | jq -r .time | sort -u | wc -l)" = 200 ]
	[ "${#stderr_lines[@]}" = 2 ]
	[[ ${stderr_lines[0]} == "warning: cannot write the record to $disk/full: No space left on device; the run goes on without it" ]]
	[[ ${stderr_lines[1]} == "nptop: cannot write the record to $disk/full: No space left on device" ]]
}

@test "a record is its owner's, and takes the place of a regular file only" {
	local file=$NP_TMP/file
	"$(np_bin nptop)" -c 1 --record "$file" >/dev/null
	[ "$(stat -c %a "$file")" = 600 ]
	mkfifo "$NP_TMP/fifo"
	for bad in "$NP_TMP/fifo" /dev/null "$NP_TMP" "$NP_TMP/no/such"; do
		run -2 --separate-stderr "$(np_bin nptop)" -c 1 --record "$bad"
		[ "${#stderr_lines[@]}" = 1 ]
		[[ ${stderr_lines[0]} == "nptop: cannot record to $bad: "* ]]
	done
	head -c 100000 /dev/zero >"$file"
	"$(np_bin nptop)" -c 1 --record "$file" >/dev/null
	"$(np_bin nptop)" -r "$file" >/dev/null
}
