#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# A command behind "--": all bytes of its processes and only theirs, its status, its descriptors, its signals; nothing of us left.

# shellcheck disable=SC2154,SC2034 # port, status, rows, no_pids... are of nptop.bash and scope.bash
# shellcheck disable=SC2016,SC2030,SC2031 # $TO is the commands' own; each test has a shell of its own

bats_require_minimum_version 1.5.0
load ../lib
load netns
load nptop
load scope

setup() {
	need_root
	netns_up
	PATH=$NP_BUILD/tests:$PATH
}

teardown() {
	np_teardown
}

# The ways in which a command has processes, each with traffic to $TO.
cases() {
	cat <<-'END'
		exec np-work client $TO --tx 1000003 --rx 77
		np-work client $TO --tx 4001 --rx 29; np-work client $TO --tx 5003 --rx 1000003
		sh -c 'sh -c "np-work client $TO --tx 40001 --conns 7; true"; true'; true
		for i in 1 2 3 4; do np-work client $TO --tx ${i}0007 & done; wait
		np-work client $TO --tx 30011 & np-work client $TO --tx 20011
		setsid -f np-work client $TO --tx 50021 --conns 3; sleep 0.2
		(setsid sh -c 'sleep 0.4; np-work client $TO --tx 60013 --rx 200003' &)
		np-work client $TO --threads 5 --conns 3 --tx 3001
		np-work thread-exec $TO --tx 70001 --conns 3
		sh -c 'exec sh -c "exec np-work client $TO --tx 123457"'
		np-work client $TO --procs 4 --conns 5 --tx 2003
		np-work hand $TO --conns 5 --tx 90001 --rx 3001
		np-work client $TO --conns 200 --tx 29 --rx 31
		np-work client $TO --close rst-client --tx 5009 --conns 5
		np-work client $TO --close server --tx 5011 --conns 5
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do np-work client $TO --tx 1009; done
		np-work udp-client $TOU --count 500 --size 1400 & np-work udp-client $TOU --count 300 --size 99 --oneshot; wait
		np-work udp-client $TOU --count 50 --size 1200 --gso 400 --unconnected
	END
}

# each_case PROGRAM [OPTIONS]: exactly its bytes, whatever its processes are.
each_case() {
	local line wrong=0 udp
	serve udp-server
	udp=$port
	NP_BG[udp]=${NP_BG[server]} # another server follows
	serve server
	others_up
	export TO="--to $ADDR_B --port $port" TOU="--to $ADDR_B --port $udp"
	while read -r line; do
		scoped "$@" --linger 20s -- sh -c "$line"
		# whose of the two processes a connection is may be told either way
		no_pids=
		if [[ $line == *hand* ]]; then no_pids=yes; fi
		if [ "$status" != 0 ] || ! same_and_no_more; then
			echo "^^^ status $status: $line"
			wrong=1
		fi
	done < <(cases)
	((!wrong))
}

BY=(-o 'pid,comm,tx_bytes,rx_bytes')

@test "nptop: every byte of the command's processes and no other, by its cgroup" {
	each_case nptop "${BY[@]}"
}

@test "nptop: the same where cgroup v2 is not mounted, by its processes" {
	no_cgroup
	each_case nptop "${BY[@]}"
	grep -q "^warning: the command is followed by its processes: cgroup v2 is not mounted; mount it with 'mount -t cgroup2" "$err"
}

@test "npflows: every byte of the command's connections and no other, by its cgroup" {
	each_case npflows "${BY[@]}"
}

@test "npflows: the same by its processes" {
	cgroup_read_only
	each_case npflows "${BY[@]}"
	grep -q "^warning: the command is followed by its processes: no cgroup can be made for it in .*: Read-only file system; mount it" "$err"
}

@test "UDP by the cgroup hook: the same bytes, whose payload is counted in packets" {
	local udp
	serve udp-server
	udp=$port
	export TOU="--to $ADDR_B --port $udp"
	start_bg other in_ns "$NS_A" "$(np_bin np-work)" udp-client --to "$ADDR_B" --port "$udp" --rate 100 --count 100000
	scoped nptop --hook cgroup "${BY[@]}" -- sh -c 'np-work udp-client $TOU --count 500 --size 1400 & np-work udp-client $TOU --count 300 --size 99; wait'
	[ "$status" = 0 ]
	same_and_no_more
}

@test "both ends within the command are two rows; accepted connections are its own" {
	for scope in cgroup processes; do
		[ "$scope" = cgroup ] || no_cgroup
		others_here
		scoped nptop "${BY[@]}" -- sh -c 'np-work server --port 0 >"$0" & s=$!
			until grep -q ready "$0"; do sleep 0.02; done
			np-work client --port "$(sed -n "s/.*\"ready\":\([0-9]*\).*/\1/p" "$0")" --conns 9 --tx 30011 --rx 50021
			kill $s; wait $s; cat "$0"' "$NP_TMP/inner"
		[ "$status" = 0 ]
		[ "$(json_sum tx "$said")" = $((9 * (30011 + 50021))) ]
		same_and_no_more
	done
}

others_here() {
	stop_bg storm || true
	start_bg storm in_ns "$NS_A" "$(np_bin np-work)" storm --rate 50 --seconds 300
}

@test "a server of the command, clients of others: the command's ends only" {
	local here=$NP_TMP/here
	start_bg scoped in_ns "$NS_A" "$(np_bin nptop)" -J --to "$rows" "${BY[@]}" -- sh -c 'exec np-work server --accept fork --listen :: >"$0"' "$here"
	wait_for 20 grep -qs ready "$here"
	port=$(json_lines 'select(has("ready")).ready' "$here")
	in_ns "$NS_A" np-work client --port "$port" --conns 20 --tx 30011 --rx 501 >"$NP_TMP/clients"
	# to the server alone: nptop has its end from it
	signal_to_server
	wait_for 20 _bg_ended scoped
	stop_bg scoped 0
	[ "$(json_sum tx_bytes "$rows")" = "$(json_sum rx "$NP_TMP/clients")" ]
	[ "$(json_sum rx_bytes "$rows")" = "$(json_sum tx "$NP_TMP/clients")" ]
}

signal_to_server() {
	local pid
	pid=$(pgrep -P "$(bg_pid scoped)" np-work)
	kill -TERM "$pid"
}

@test "a ping of the command" {
	command -v ping >/dev/null || skip 'no ping'
	scoped npflows -- ping -c 3 -i 0.1 "$ADDR_B"
	[ "$status" = 0 ]
	jq -es 'length == 1 and .[0].proto == "icmp" and .[0].comm == "ping" and .[0].tx_segs == 3' "$rows"
}

@test "npretrans and nprtt: what happens to the command, and to no other" {
	serve server
	others_up
	start_bg refused in_ns "$NS_A" sh -c "while np-work end --how refused --to $ADDR_B --port 9; do :; done"
	scoped npretrans --events connect-fail -- np-work end --how refused --to "$ADDR_B" --port 9 --conns 3
	jq -es 'length == 3 and all(.[]; .event == "connect-fail" and .comm == "np-work")' "$rows"
	scoped nprtt -- np-work client --to "$ADDR_B" --port "$port" --conns 4 --tx 200001
	jq -es 'length == 4 and all(.[]; .rtt_samples > 0)' "$rows"
}

@test "a cgroup that the command makes is its own too, also once it is gone" {
	serve server
	others_up
	export TO="--to $ADDR_B --port $port"
	scoped nptop "${BY[@]}" -- sh -c 'own=$0$(sed -n s/^0:://p /proc/self/cgroup)
		mkdir "$own/a" "$own/a/b"; echo $$ >"$own/a/b/cgroup.procs"
		np-work client $TO --conns 3 --tx 30011
		echo $$ >"$own/cgroup.procs"; rmdir "$own/a/b"; mkdir "$own/left"; sleep 0.1' "$(cgroup_mount)"
	[ "$status" = 0 ]
	same_and_no_more
	[ -z "$(find "$(cgroup_mount)" -type d -name left)" ]
}

@test "a command that is one of ours with a command: a scope within a scope" {
	serve server
	others_up
	export TO="--to $ADDR_B --port $port"
	scoped nptop "${BY[@]}" -- "$(np_bin nptop)" -J -o tx_bytes --to "$NP_TMP/inner" -- sh -c 'np-work client $TO --tx 4001; exit 6'
	[ "$status" = 6 ]
	same_and_no_more
	[ "$(json_sum tx_bytes "$NP_TMP/inner")" = 4001 ]
	no_cgroup
	scoped nptop "${BY[@]}" -- "$(np_bin nptop)" -J -o tx_bytes --to "$NP_TMP/inner" -- sh -c 'np-work client $TO --tx 4001; exit 6'
	[ "$status" = 6 ]
	same_and_no_more
	[ "$(json_sum tx_bytes "$NP_TMP/inner")" = 4001 ]
}

@test "filters of the user's choose among the command's connections" {
	serve server
	others_up
	export TO="--to $ADDR_B --port $port"
	scoped nptop "${BY[@]}" --comm "$NP_ID" -- sh -c "np-work client \$TO --tx 4001 --comm $NP_ID; np-work client \$TO --tx 5003"
	[ "$(json_sum tx_bytes "$rows")" = 4001 ]
	scoped nptop "${BY[@]}" udp -- sh -c 'np-work client $TO --tx 4001'
	[ "$status" = 0 ] && [ ! -s "$rows" ]
}

@test "a burst of short processes: none is missed" {
	serve server
	others_up
	export TO="--to $ADDR_B --port $port"
	for scope in cgroup processes; do
		[ "$scope" = cgroup ] || no_cgroup
		scoped nptop "${BY[@]}" --linger 20s -- sh -c 'i=0; while [ $i -lt 100 ]; do i=$((i + 1)); ( (np-work client $TO --tx 1009 & ) & ); /bin/true; done; wait'
		[ "$status" = 0 ]
		[ "$(json_sum tx "$said")" = 100900 ]
		same_and_no_more
	done
}

# ---- its end ----

@test "data that is still on its way when the command ends is counted" {
	serve server --stall 300 --rcvbuf 4096
	scoped nptop "${BY[@]}" --linger 20s -- np-work end --how orphan --to "$ADDR_B" --port "$port" --size 400001
	cat "$rows" "$said" "$err"
	[ "$(json_sum tx_bytes "$rows")" = "$(json_sum tx "$said")" ]
}

@test "processes that live on are told, and are where they were before" {
	local parent pid
	parent=$(sed -n s/^0:://p /proc/self/cgroup)
	scoped nptop --linger 100ms -- sh -c 'sleep 300 & echo $!'
	pid=$(cat "$said")
	[ "$status" = 0 ]
	grep -q "^warning: 1 process of the command lives on: sleep ($pid); " "$err"
	kill -0 "$pid"
	[ "$(sed -n s/^0:://p "/proc/$pid/cgroup")" = "$parent" ]
	kill "$pid"
	no_cgroup
	scoped nptop --linger 100ms -- sh -c 'sleep 300 & echo $!'
	pid=$(cat "$said")
	grep -q "1 process of the command lives on: sleep ($pid); " "$err"
	kill "$pid"
}

@test "a signal ends the waiting for what the command left" {
	local pid
	start_bg scoped env --default-signal "$(np_bin nptop)" --to /dev/null --linger 1h -- sh -c 'sleep 300 & echo $!; exit 8'
	wait_line scoped '^[0-9]'
	pid=$(head -n 1 "$(bg_out scoped)")
	wait_for 10 _no_child_sh
	status=0
	stop_bg scoped INT || status=$?
	[ "$status" = 8 ]
	grep -q "lives on: sleep ($pid)" "$(bg_err scoped)"
	kill "$pid"
}

_no_child_sh() {
	! pgrep -P "$(bg_pid scoped)" '^sh$' >/dev/null
}

@test "in a pid namespace of our own: the command's processes are the kernel's to number" {
	serve server
	others_up
	export TO="--to $ADDR_B --port $port"
	no_cgroup
	no_pids=yes # they have other ids in there
	scope_in=(unshare -p -f --mount-proc "${scope_in[@]}")
	scoped nptop "${BY[@]}" -- sh -c '(setsid sh -c "sleep 0.3; np-work client $TO --tx 4001" &); np-work client $TO --conns 5 --tx 1009 & wait'
	[ "$status" = 0 ]
	same_and_no_more
}

@test "its status: its own, 128 + its signal, 127 and 126" {
	local what want
	while read -r want what; do
		scoped nptop -- sh -c "$what"
		[ "$status" = "$want" ] || {
			echo "$what: $status, not $want"
			return 1
		}
	done <<-'END'
		0 true
		1 false
		7 exit 7
		255 exit 255
		143 kill -TERM $$
		137 kill -KILL $$
		130 kill -INT $$
	END
	scoped nptop -- "/nonexistent-$NP_ID"
	[ "$status" = 127 ]
	[ "$(cat "$err")" = "nptop: cannot run '/nonexistent-$NP_ID': No such file or directory" ]
	scoped npflows -- "nonexistent-$NP_ID"
	[ "$status" = 127 ]
	scoped nptop -- /
	[ "$status" = 126 ]
	: >"$NP_TMP/plain"
	scoped nptop -- "$NP_TMP/plain"
	[ "$status" = 126 ]
}

@test "--duration and --count end the watching, not the command" {
	scoped nptop -d 100ms -- sh -c 'sleep 0.5; echo done; exit 9'
	[ "$status" = 9 ]
	[ "$(cat "$said")" = 'done' ]
	scoped nptop -c 2 -I 50ms -- sh -c 'sleep 0.5; echo done; exit 9'
	[ "$status" = 9 ]
	[ "$(cat "$said")" = 'done' ]
}

@test "where we cannot run the command is not run" {
	local to=$NP_TMP/ran
	status=0
	sh -c 'echo $$ >"$0"; exec "$@"' "$said" setpriv --bounding-set=-all --inh-caps=-all "$(np_bin nptop)" -- touch "$to" 2>"$err" || status=$?
	[ "$status" = 3 ]
	[ "$(wc -l <"$err")" = 1 ]
	[ ! -e "$to" ]
	status=0
	"$(np_bin nptop)" --to "$NP_TMP/no/such" -- touch "$to" 2>"$err" || status=$?
	[ "$status" = 2 ] && [ ! -e "$to" ]
	none_of "$(cat "$said")"
}

@test "a command runs to its end where its rows cannot be written" {
	local program
	for program in npflows npretrans nprtt nptop; do
		status=0
		"$(np_bin $program)" --to /dev/full -- sh -c 'sleep 0.3; echo done; exit 9' >"$said" 2>"$err" || status=$?
		cat "$err"
		[ "$status" = 4 ] && grep -q 'cannot write the output' "$err"
		[ "$(cat "$said")" = 'done' ]
	done
}

@test "with a capability instead of root, mkdir refused: by its processes" {
	serve server
	others_up
	chmod 755 "$NP_TMP"
	: >"$rows" && chmod 666 "$rows"
	export TO="--to $ADDR_B --port $port"
	local caps=+bpf,+perfmon,+net_admin,+sys_ptrace,+dac_read_search,+sys_admin
	status=0
	nsenter --net="/run/netns/$NS_A" -- setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$caps" --ambient-caps "$caps" \
		timeout 60 "$(np_bin nptop)" -J --to "$rows" "${BY[@]}" -- sh -c 'np-work client $TO --tx 30011 & setsid np-work client $TO --tx 2003; wait' \
		>"$said" 2>"$err" || status=$?
	cat "$err"
	[ "$status" = 0 ]
	grep -q '^warning: the command is followed by its processes: .*: Permission denied; run it with sudo' "$err"
	same_and_no_more
}

@test "the doctor says how a command would be followed" {
	local program
	for program in nptop npflows; do
		[[ $("$(np_bin "$program")" --doctor) =~ ok\ +--\ COMMAND\ +followed\ by\ its\ cgroup ]]
	done
	no_cgroup
	"${scope_in[@]}" "$(np_bin nptop)" --doctor -J >"$said"
	jq -es 'map(select(.check == "-- COMMAND")) | length == 1 and (.[0] | .verdict == "degraded" and
		(.detail | startswith("followed by its processes")) and (.fix | test("mount -t cgroup2")))' "$said"
}

# ---- what it is given ----

@test "stdin and stdout are its own, byte for byte" {
	local program
	head -c 20000000 /dev/urandom >"$NP_TMP/data"
	for program in nptop npflows; do
		"$(np_bin "$program")" -- cat <"$NP_TMP/data" 2>"$err" >"$said"
		cmp "$said" "$NP_TMP/data"
		# through pipes
		"$(np_bin "$program")" -- cat < <(cat "$NP_TMP/data") 2>"$err" | cat >"$said"
		cmp "$said" "$NP_TMP/data"
	done
	[ "$("$(np_bin nptop)" --to "$rows" -- sh -c 'echo a; echo b >&2' 2>&1)" = $'a\nb' ]
}

@test "rows go to standard error, or where --to says" {
	serve server
	local it=(np-work client --to "$ADDR_B" --port "$port" --tx 4001)
	in_ns "$NS_A" "$(np_bin nptop)" -J -o tx_bytes -- "${it[@]}" >"$said" 2>"$err"
	[ "$(cat "$err")" = '{"tx_bytes":4001}' ]
	grep -q '"tx":4001' "$said" && [ "$(wc -l <"$said")" = 1 ]
	in_ns "$NS_A" "$(np_bin nptop)" -J -o tx_bytes --to - -- "${it[@]}" >"$said" 2>"$err"
	grep -q '"tx":4001' "$said" && grep -qx '{"tx_bytes":4001}' "$said" && [ ! -s "$err" ]
	echo old old old old old old old old old old old old >"$rows"
	in_ns "$NS_A" "$(np_bin nptop)" -J -o tx_bytes --to "$rows" -- "${it[@]}" >/dev/null
	[ "$(cat "$rows")" = '{"tx_bytes":4001}' ]
	# without a command as well
	"$(np_bin nptop)" --by interface -i lo -c 1 --to "$rows" >"$said"
	[ "$(wc -l <"$rows")" = 3 ] && [ ! -s "$said" ]
}

# What a process is like: signals, limits, umask, group, cwd, environment, descriptors.
LOOK='grep -E "^(SigBlk|SigIgn|SigCgt|Umask|NoNewPrivs|Cap|Uid|Gid|Groups|Seccomp)" /proc/self/status
	umask; ulimit -a; ulimit -aH; pwd; env | sort | grep -v ^_=; ls /proc/self/fd; ps -o pgid=,sid=,ni=,oom= $$ 2>/dev/null | wc -w; cat /proc/self/oom_score_adj'

@test "environment, umask, limits, signals, capabilities and descriptors are as without us" {
	local how
	for how in '' 'trap "" INT HUP PIPE CHLD USR1 TTOU;' 'umask 027; ulimit -n 500; ulimit -l 64; cd /tmp;' 'exec 7</dev/null 9>/dev/null;'; do
		bash -c "$how"' exec sh -c "$0"' "$LOOK" >"$NP_TMP/without" 2>&1 </dev/null
		bash -c "$how"' exec "$1" --to /dev/null -- sh -c "$0"' "$LOOK" "$(np_bin nptop)" >"$NP_TMP/with" 2>&1 </dev/null
		diff "$NP_TMP/without" "$NP_TMP/with"
	done
	# and with signals blocked
	env --block-signal=USR2,TERM sh -c "$LOOK" >"$NP_TMP/without"
	env --block-signal=USR2,TERM "$(np_bin nptop)" --to /dev/null -- sh -c "$LOOK" >"$NP_TMP/with"
	diff "$NP_TMP/without" "$NP_TMP/with"
	no_cgroup
	"${scope_in[@]}" sh -c "$LOOK" >"$NP_TMP/without"
	"${scope_in[@]}" "$(np_bin nptop)" --to /dev/null -- sh -c "$LOOK" >"$NP_TMP/with" 2>/dev/null
	diff "$NP_TMP/without" "$NP_TMP/with"
}

@test "a signal for us is the command's" {
	local sig
	for sig in INT TERM HUP QUIT USR1 USR2; do
		start_bg "on-$sig" env --default-signal "$(np_bin nptop)" --to /dev/null -- bash -c 'trap "echo got '$sig'; exit 42" '$sig'; echo ready
			for i in {1..300}; do sleep 0.05; done'
		wait_line "on-$sig" ready
		status=0
		stop_bg "on-$sig" "$sig" || status=$?
		[ "$status" = 42 ]
		grep -q "got $sig" "$(bg_out "on-$sig")"
	done
}

@test "a signal for us reaches a command of another user" {
	start_bg scoped "$(np_bin nptop)" --to /dev/null -- setpriv --reuid 65534 --regid 65534 --clear-groups \
		bash -c 'trap "exit 42" TERM; echo ready; for i in {1..300}; do sleep 0.05; done'
	wait_line scoped ready
	status=0
	stop_bg scoped TERM || status=$?
	[ "$status" = 42 ]
}

# ---- nothing of us is left ----

@test "no cgroup stays: at its end, when we are told to end, when we are killed" {
	local sig pid us
	scoped nptop -- sed -n s/^0:://p /proc/self/cgroup
	[[ $(cat "$said") == */netprobe-[0-9]*-* ]]
	[ ! -e "$(cgroup_mount)$(cat "$said")" ]
	for sig in TERM KILL; do
		start_bg "on-$sig" "$(np_bin nptop)" --to /dev/null -- sh -c 'echo $$; exec sleep 300'
		wait_line "on-$sig" '^[0-9]'
		us=$(bg_pid "on-$sig") pid=$(head -n 1 "$(bg_out "on-$sig")")
		[[ $(cat "/proc/$pid/cgroup") == *"0::"*"/netprobe-$us-"* ]]
		stop_bg "on-$sig" "$sig" || true
		wait_for 10 none_of "$us"
		if [ "$sig" = KILL ]; then
			# it goes on, where it was before us
			[ "$(grep ^0:: "/proc/$pid/cgroup")" = "$(grep ^0:: /proc/self/cgroup)" ]
			kill "$pid"
		fi
	done
}

@test "kill -9 while it makes cgroups and forks" {
	local us pid
	start_bg scoped "$(np_bin nptop)" --to /dev/null -- sh -c 'own=$0$(sed -n s/^0:://p /proc/self/cgroup); echo $$
		mkdir "$own/a" "$own/b"; for i in $(seq 2000); do (sleep 0.01) & echo $$ >"$own/a/cgroup.procs"; mkdir "$own/a/c"; echo $$ >"$own/cgroup.procs"; done 2>/dev/null' "$(cgroup_mount)"
	wait_line scoped '^[0-9]'
	us=$(bg_pid scoped) pid=$(head -n 1 "$(bg_out scoped)")
	sleep 0.3 # somewhere on its way
	stop_bg scoped KILL || true
	wait_for 20 none_of "$us"
	kill "$pid" || true
}

@test "one sentence for what cannot be" {
	local wrong=0
	for line in 'nptop -r x -- true' 'nptop --by interface -- true'; do
		read -ra words <<<"$line"
		status=0
		"$(np_bin "${words[0]}")" "${words[@]:1}" >"$said" 2>"$err" || status=$?
		if [ "$status" != 2 ] || [ "$(wc -l <"$err")" != 1 ]; then wrong=1; fi
	done
	((!wrong))
}
