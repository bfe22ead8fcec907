#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The screen in a real terminal (tmux): keys in, screen out; and the terminal as it was before, whatever way it ends.

load ../lib
load ../kernel/netns
load cli

setup() {
	need_root
	export top out=$NP_TMP/top.out err=$NP_TMP/top.err
	top=$(np_bin nptop)
	command -v tmux >/dev/null || skip 'needs tmux'
	export SHELL=/bin/bash
}

teardown() {
	screen_close
	np_teardown
}

# Three processes of one server: a sent most, c least; names of no other test. All at rest.
traffic() {
	serve server server --comm "$NP_ID-s"
	local port
	port=$(ready_port server)
	hold a client "$port" --conns 3 --parallel 3 --tx 1000000 --rx 100 --comm "$NP_ID-a"
	hold b client "$port" --conns 1 --tx 500000 --rx 100 --comm "$NP_ID-b"
	hold c client "$port" --conns 1 --tx 2000 --rx 100 --comm "$NP_ID-c"
}

# Something that changes with every refresh.
busy() {
	serve udp udp-server --comm "$NP_ID-u"
	start_bg busy "$(np_bin np-work)" udp-client --port "$(ready_port udp)" --rate 300 --count 1000000 --size 400 --comm "$NP_ID-v"
}

# view COLSxROWS [OPTIONS]: of those processes, once they are there.
view() {
	screen_open "$1" "$top" -I 200ms --comm "$NP_ID-*" "${@:2}"
	until_screen 'q quit'
	until_screen "$NP_ID-[a-z]"
}

rows() { # the last letter of each name, from top to bottom
	screen | grep -oP "$NP_ID-\K[a-z]" | xargs
}

_rows_are() {
	[ "$(rows)" = "$1" ]
}

rows_become() {
	wait_for 10 _rows_are "$1" || {
		screen
		return 1
	}
}

# The selected row's letter, by its colour on a terminal that has them.
selected() {
	tm capture-pane -pe | tail -n +4 | grep -P '\e\[[0-9;]*46m' | grep -oP "$NP_ID-\K[a-z]"
}

_selected_is() {
	[ "$(selected)" = "$1" ]
}

line() { # N: of the screen
	screen | sed -n "$1p"
}

# Nothing had to be wrapped by the terminal, and the key line is its last.
fits() { # COLSxROWS
	local text cols=${1%x*} rows=${1#*x}
	mapfile -t text < <(screen_joined)
	((${#text[@]} == rows)) && [[ ${text[-1]} == *'q quit'* ]] || return 1
	for text in "${text[@]}"; do
		((${#text} <= cols)) || return 1
	done
}

become_fit() { # COLSxROWS
	wait_for 10 fits "$1" || {
		screen_joined
		return 1
	}
}

# ---- what is on it ----

@test "title, header, rows and key line at 40x10, 80x24, 200x60 and 300x100" {
	traffic
	local size
	for size in 40x10 80x24 200x60 300x100; do
		view "$size"
		until_screen 'TX +[0-9.]+[KMG]?/s'
		fits "$size"
		[[ $(line 1) =~ TX\ .*RX\ .*/s ]]
		[[ $(line 2) =~ ^processes.*1/4$ ]]
		[[ $(line 3) =~ PID\ +USER\ +COMM ]]
		[[ $(line 4) =~ $NP_ID-[a-z] ]]
		[[ $(line "${size#*x}") =~ ^Enter\ open.*h\ help\ +q\ quit ]]
		if ((${size%x*} >= 80)); then
			[[ $(line 1) =~ ^nptop\ .*every\ 200ms.*10\ conns ]]
			[[ $(line 3) =~ RTT ]]
		else
			# what does not fit is said
			[[ $(line 2) =~ \+[0-9]+\ cols ]]
		fi
		screen_close
	done
}

@test "the history and the rates follow the traffic" {
	busy
	view 120x20
	until_screen 'TX +[0-9.]+K?/s +[▁▂▃▄▅▆▇█]{4}'
	until_screen "$NP_ID-v +1[0-9][0-9]K"
}

@test "no rows at all: it says so" {
	screen_open 80x24 "$top" -I 200ms --comm "$NP_ID-nobody"
	until_screen 'no connection matches'
	screen | tail -n 1 | grep -q 'q quit'
}

@test "a terminal that is too small says so, and is used once it is large enough" {
	screen_run 39x10 "$top" -I 200ms --by interface -i lo
	until_screen 'terminal too small'
	tm resize-window -x 40 -y 10
	until_screen 'interfaces'
	tm resize-window -x 40 -y 9
	until_screen 'terminal too small'
	tm resize-window -x 10 -y 3
	until_screen 'terminal'
	tm resize-window -x 80 -y 24
	until_screen 'q quit'
	press q
	until_ended 0
}

@test "a resize while it runs draws everything anew" {
	traffic
	view 80x24
	local size
	for size in 40x10 200x60 60x12 132x43 80x24; do
		tm resize-window -x "${size%x*}" -y "${size#*x}"
		become_fit "$size"
		[[ $(line 3) =~ PID\ +USER\ +COMM ]]
		rows_become "$(rows)"
		[ "$(rows | wc -w)" -eq 4 ]
	done
}

@test "names of processes cannot move the cursor or colour the screen" {
	local client
	serve server server --comm $'\\e[31m\\e[2Jred'
	hold client client "$(ready_port server)" --comm $'\\x9b31m\\n\\xff\\e]0;t'
	client=$(bg_pid client)
	screen_open 120x20 "$top" -I 200ms --pid "$(bg_pid server)" --pid "$client" --by connection
	until_screen '\\x1b\[31m\\x1b\[2Jred'
	until_screen '\\x9b31m\\x0a\\xff'
	[[ $(line 3) =~ PID\ +COMM ]]
	[ "$(pane pane_title)" != t ]
	tm capture-pane -pe >"$NP_TMP/raw"
	absent $'\e\\[31m' "$NP_TMP/raw"
	# the same where a row is shown whole
	press Enter
	until_screen 'comm +\\x1b\[31m\\x1b\[2Jred|comm +\\x9b31m\\x0a\\xff\\x1b\]0;t'
}

@test "an IPv6 address is whole or marked as cut, never another one" {
	local addr=fd00:1234:5678:9abc:def0:1234:5678:9abc size text by
	netns_up
	in_ns "$NS_A" ip -6 addr add "$addr/128" dev lo nodad
	start_bg server in_ns "$NS_A" "$(np_bin np-work)" server --listen "$addr" --comm "$NP_ID-s"
	wait_ready server
	start_held client in_ns "$NS_A" "$(np_bin np-work)" client --to "$addr" --port "$(ready_port server)" --hold --comm "$NP_ID-c"
	wait_round client 1
	for by in connection remote; do
		for size in 40x10 80x24 200x60; do
			screen_open "$size" "$top" -I 200ms --netns "$NS_A" --by "$by"
			until_screen 'q quit'
			for _ in 1 2 3 4; do
				wait_for 1 _screen_has fd00: 2>/dev/null && break
				press Right
			done
			until_screen 'fd00:'
			fits "$size"
			text=$(screen | grep -oE '\[?fd00:[^ ]*')
			while read -r text; do
				[[ $text =~ ^(\[$addr\]:[0-9]+|$addr|\[?fd00:[0-9a-f:]*…(\]:[0-9]+)?)$ ]] || {
					echo "at $size: $text"
					return 1
				}
			done <<<"$text"
			[ "$size" != 200x60 ] || [[ $(screen) == *"$addr"* ]]
			screen_close
		done
	done
}

@test "LC_ALL=C: only ASCII" {
	traffic
	busy
	SCREEN_LOCALE=C view 120x24
	until_screen '[0-9]K/s +[_.:=+*#-]{4}'
	press h
	until_screen 'this help'
	screen >>"$NP_TMP/screen"
	press Escape
	until_screen 'COMM'
	screen >>"$NP_TMP/screen"
	LC_ALL=C absent '[^ -~]' "$NP_TMP/screen"
	[[ $(line 2) =~ RATE/sv ]]
}

# ---- keys ----

@test "arrows, Home, End and the page keys move the selection" {
	traffic
	view 80x24 --by connection --sort +lport
	until_screen ' 1/10'
	press Down
	until_screen ' 2/10'
	press Down Down Up
	until_screen ' 3/10'
	press End
	until_screen ' 10/10'
	press Down
	press Home
	until_screen ' 1/10'
	press Up
	until_screen ' 1/10'
	tm resize-window -x 80 -y 10
	become_fit 80x10
	press PageDown
	until_screen ' 7/10'
	press PageDown
	until_screen ' 10/10'
	press PageUp
	until_screen ' 4/10'
	# the selected row is on the screen, and marked
	[ "$(tm capture-pane -pe | tail -n +4 | grep -cP '\e\[[0-9;]*46m')" -eq 1 ]
}

@test "the selection stays with its row when the order changes" {
	traffic
	view 80x24 --sort -tx_bytes
	rows_become 'a b c s'
	press Down
	wait_for 10 _selected_is b
	press r
	rows_become 's c b a'
	wait_for 10 _selected_is b
	until_screen ' 3/4'
}

@test "Left and Right show the columns that do not fit" {
	traffic
	view 40x10
	until_screen '\+[0-9]+ cols'
	[[ $(line 3) != *RTT* ]]
	local n
	for n in {1..12}; do
		[[ $(line 3) == *RTT* ]] && break
		press Right
		sleep 0.1
	done
	[[ $(line 3) == *RTT* ]]
	# the first column stays
	[[ $(line 3) =~ ^\ *PID ]]
	[[ $(line 2) =~ ←[0-9] ]]
	press Left Left Left Left Left Left Left Left Left Left Left Left
	until_screen 'PID +USER +COMM'
}

@test "1 to 9, < and > choose the column to sort by, r reverses" {
	traffic
	view 120x24
	until_screen 'by RATE/s▼'
	press 3
	until_screen 'COMM▲'
	rows_become 'a b c s'
	[[ $(line 2) == *'by COMM▲'* ]]
	press r
	until_screen 'COMM▼'
	rows_become 's c b a'
	press '>'
	until_screen 'TX/s▼'
	press '>' '>'
	until_screen ' TX▼'
	rows_become 'a b c s'
	press '<'
	until_screen 'RX/s▼'
	press 9
	until_screen 'RETR▼'
	press 1
	until_screen 'PID▲'
	rows_become 's a b c'
}

@test "b goes through all groupings and back to the first, B the other way" {
	traffic
	view 120x24
	local title
	until_screen 'processes  by'
	for title in connections containers pods units users 'remote addresses' 'remote ports' 'local ports' protocols \
		'network namespaces' interfaces processes; do
		press b
		until_screen "(^|"$'\n'")$title  "
		fits 120x24
	done
	rows_become "$(rows)"
	[ "$(rows | wc -w)" -eq 4 ]
	for title in interfaces 'network namespaces'; do
		press B
		until_screen "(^|"$'\n'")$title  "
	done
}

@test "columns of one's own are a grouping among the others" {
	traffic
	view 120x24 --by comm,raddr
	until_screen 'by comm,raddr'
	press b
	until_screen 'processes  by'
	press B
	until_screen 'by comm,raddr'
	rows_become "$(rows)"
	[ "$(rows | wc -w)" -eq 4 ]
}

@test "Enter opens a group's connections, and one connection; Esc goes back to the same row" {
	traffic
	view 120x24 --sort -tx_bytes
	rows_become 'a b c s'
	press Down
	wait_for 10 _selected_is b
	press Enter
	until_screen "connections of $NP_ID-b $(bg_pid b)"
	until_screen "127.0.0.1:$(ready_port server) +established"
	[ "$(screen | grep -c ":$(ready_port server)")" -eq 1 ]
	until_screen ' 1 conn'
	press Enter
	until_screen 'state +established'
	until_screen "remote +127.0.0.1:$(ready_port server)"
	press Escape
	until_screen "connections of $NP_ID-b"
	press Escape
	until_screen 'processes  by'
	rows_become 'a b c s'
	wait_for 10 _selected_is b
	press Up Enter
	until_screen "connections of $NP_ID-a"
	until_screen ' 3 conns'
	# another grouping leaves the group too
	press b
	until_screen 'connections  by'
}

@test "/ filters; a bad filter says why and leaves the old one" {
	traffic
	busy
	view 120x24
	until_screen "$NP_ID-v"
	press / 'tcp port 1 or udp' Enter
	until_screen 'filter: tcp port 1 or udp'
	until_screen_lacks "$NP_ID-[abcs]"
	until_screen "$NP_ID-v"
	# the old text is there to be changed
	press /
	until_screen 'Filter: tcp port 1 or udp'
	press C-u 'tcp and' Enter
	until_screen "filter 'tcp and'"
	sleep 0.5
	[[ $(line 2) == *'filter: tcp port 1 or udp'* ]]
	until_screen_lacks "$NP_ID-[abcs]"
	# packets' bytes are not there to be looked at
	press / C-u 'tcp[13] == 2' Enter
	until_screen 'a connection has only addresses'
	press / C-u 'tcp' Escape
	until_screen 'q quit'
	[[ $(line 2) == *'filter: tcp port 1 or udp'* ]]
	press / C-u Enter
	until_screen_lacks 'filter:'
	until_screen "$NP_ID-a"
}

@test "a filter given on the command line can be taken away" {
	traffic
	busy
	view 120x24 udp
	until_screen 'filter: udp'
	[[ $(screen) != *"$NP_ID-a"* ]]
	press / BSpace BSpace BSpace Enter
	until_screen "$NP_ID-a"
	until_screen_lacks 'filter:'
}

changed() { # SCREEN
	[ "$(screen)" != "$1" ]
}

@test "space pauses and goes on" {
	busy
	local shown
	view 100x24
	until_screen "$NP_ID-v +[0-9]+K"
	press Space
	until_screen PAUSED
	shown=$(screen)
	sleep 1
	[ "$(screen)" = "$shown" ]
	# what is asked for meanwhile is shown, of the same refresh
	press 3
	until_screen 'COMM▲'
	press Space
	until_screen_lacks PAUSED
	shown=$(screen)
	wait_for 10 changed "$shown"
}

@test "f keeps the order of the rows while their numbers go on" {
	traffic
	local n
	view 100x24 --sort -tx_bytes
	rows_become 'a b c s'
	press f
	until_screen FROZEN
	for n in 1 2 3 4 5 6 7; do
		tell b
		wait_round b $((n + 1))
	done
	until_screen "$NP_ID-b [^"$'\n'"]* 3\.8M"
	sleep 0.5
	rows_become 'a b c s'
	press f
	until_screen_lacks FROZEN
	rows_become 'b a c s'
}

@test "c shows, hides and moves columns" {
	traffic
	view 120x24
	press c
	until_screen 'columns: 13 of [0-9]+ shown'
	until_screen '\[ 1\] pid'
	press Space
	until_screen 'columns: 14 of'
	press Down Space
	until_screen 'columns: 13 of'
	press Escape
	until_screen 'USER +COMM [^'$'\n'']*TIME'
	[[ $(line 3) != *PID* ]]
	press c
	until_screen 'columns: 13 of'
	press '<'
	until_screen '\[12\] time'
	press Escape
	until_screen 'TIME +UNIT'
	# another grouping has its own
	press b
	until_screen 'PID +COMM +PROTO'
}

@test "u changes the units, + and - the interval, a the averages" {
	busy
	view 120x24
	until_screen "$NP_ID-v +1[0-9]{2}K"
	press u
	until_screen 'rates in bits'
	until_screen "$NP_ID-v +[89][0-9]{2}k|$NP_ID-v +1\.[0-9]M"
	press u
	until_screen 'whole numbers'
	until_screen "$NP_ID-v +1[0-9]{5}"
	press u
	until_screen 'powers of 1024'
	press +
	until_screen 'every 500ms'
	press +
	until_screen 'every 1s'
	press - - -
	until_screen 'every 100ms'
	press -
	until_screen 'every 100ms'
	local n
	for n in 2 10 40; do
		press a
		until_screen "averaged over $n s"
		until_screen "TX/${n}s.? +RX/${n}s"
	done
	press a
	until_screen 'of the last interval'
	until_screen 'TX/s +RX/s'
}

later() { # TIME
	[[ $(line 4) =~ ^[0-9:]{8} && $(line 4) != "$1" ]]
}

@test "the interval that + and - set is the one between refreshes" {
	screen_open 80x24 "$top" -I 1m --by interface -i lo -o time
	until_screen 'every 1m .*[0-9:]{8}'
	local first
	first=$(line 4)
	press - - - - - - - -
	until_screen 'every 100ms'
	wait_for 10 later "$first"
}

view_help() { # KEY
	press "$1"
	until_screen 'Up Down +select a row'
	screen | tail -n 1 | grep -q 'Esc back'
}

@test "h and ? show the keys, any key goes back" {
	screen_open 80x24 "$top" -I 200ms --by interface -i lo
	until_screen 'INTERFACE'
	view_help h
	press End
	until_screen 'LOST'
	press Escape
	until_screen 'INTERFACE'
	view_help '?'
	press x
	until_screen 'INTERFACE'
	tm resize-window -x 40 -y 10
	until_screen 'interfaces'
	press h
	until_screen 'Up Down'
	press End
	until_screen 'LOST'
}

@test "two keys at once, keys without a meaning and pasted text do no harm" {
	traffic
	view 100x24
	press Enter Enter Escape Escape b B x X F5 M-x C-l '[' ']' Enter b b c Escape Escape u a f f Space Space
	press -l $'\e[200~nonsense\e[201~'
	press -l $'\e[999;999R'
	sleep 0.3
	[ "$(pane pane_dead)" = 0 ]
	press Escape Escape Escape
	become_fit 100x24
}

# ---- the way out ----

# A shell in the terminal, with the terminal's modes in $NP_TMP/before.
shell() {
	screen_open 80x24 env PS1='ready> ' bash --norc --noprofile -i
	until_screen 'ready>'
	press "stty -a >$NP_TMP/before" Enter
	wait_for 10 test -s "$NP_TMP/before"
}

in_shell() { # COMMAND
	press "$1" Enter
}

_tool_runs() {
	tool=$(tr ' ' '\n' <"/proc/$(pane pane_pid)/task/$(pane pane_pid)/children" | head -n 1)
	[ -n "$tool" ] && [ "$(cat "/proc/$tool/comm")" = nptop ]
}

start_tool() { # sets $tool, its pid
	in_shell "$top -I 200ms --by interface -i lo; echo \"status \$?.\""
	until_screen 'q quit'
	wait_for 10 _tool_runs
	[ "$(pane alternate_on)" = 1 ]
	[ "$(pane cursor_flag)" = 0 ]
}

# What the shell has again: its text, its cursor, its modes.
restored() {
	[ "$(pane alternate_on)" = 0 ] && [ "$(pane cursor_flag)" = 1 ] && [ "$(pane keypad_flag)" = 0 ] &&
		[ "$(pane keypad_cursor_flag)" = 0 ] || return 1
	rm -f "$NP_TMP/after"
	in_shell "stty -a >$NP_TMP/after"
	wait_for 10 test -s "$NP_TMP/after"
	diff "$NP_TMP/before" "$NP_TMP/after"
}

@test "q, Ctrl-C, Ctrl-\\ and F10 quit with status 0 and give the terminal back" {
	local key
	shell
	for key in q C-c "C-\\" F10 Q; do
		start_tool
		press "$key"
		until_screen 'status 0\.'
		restored
		in_shell clear
		until_screen_lacks status
	done
}

_on_screen() {
	[ "$(pane alternate_on)" = 1 ]
}

@test "Ctrl-C, Ctrl-Z and SIGTERM while it starts give the terminal back too" {
	local how
	shell
	for how in C-c TERM C-z; do
		in_shell "$top --by interface -i lo; echo \"status \$?.\""
		wait_for 10 _on_screen
		if [ "$how" = TERM ]; then
			_tool_runs
			kill -TERM "$tool"
		else
			press "$how"
		fi
		if [ "$how" = C-z ]; then until_screen Stopped; else until_screen 'status 0\.'; fi
		restored
		in_shell clear
		until_screen_lacks 'status|Stopped'
	done
	in_shell fg
	until_screen 'q quit'
	press q
	until_screen 'ready>'
	restored
}

@test "SIGTERM, SIGINT and SIGHUP end it with status 0 and give the terminal back" {
	local signal
	shell
	for signal in TERM INT HUP; do
		start_tool
		kill "-$signal" "$tool"
		until_screen 'status 0\.'
		restored
		in_shell clear
		until_screen_lacks status
	done
}

@test "a crash gives the terminal back, and is still told as one" {
	local signal
	shell
	in_shell 'ulimit -c 0'
	for signal in SEGV ABRT FPE BUS; do
		start_tool
		kill "-$signal" "$tool"
		until_screen "status $((128 + $(kill -l "$signal")))\\."
		restored
		in_shell clear
		until_screen_lacks status
	done
}

@test "an error that ends it gives the terminal back and is one line below" {
	shell
	in_shell "$top --where 'rtt >' ; echo \"status \$?.\""
	until_screen 'status 2\.'
	restored
	[ "$(screen | grep -c '^nptop: ')" -eq 1 ]
}

@test "-c and -d end the screen too, with the terminal given back" {
	shell
	in_shell "$top -I 100ms -c 3 --by interface; echo \"status \$?.\""
	until_screen 'status 0\.'
	restored
	in_shell clear
	until_screen_lacks status
	in_shell "$top -I 100ms -d 500ms --by interface --stats; echo \"status \$?.\""
	until_screen 'status 0\.'
	# the trust record comes after the screen, where it can be read
	until_screen 'refreshes +[0-9]'
	restored
}

@test "Ctrl-Z gives the terminal to the shell, fg takes it again" {
	local round
	shell
	start_tool
	for round in 1 2; do
		if ((round == 1)); then press C-z; else kill -TSTP "$tool"; fi
		until_screen 'Stopped'
		restored
		tm resize-window -x 100 -y 30
		in_shell 'clear; stty -echo; stty echo; fg'
		until_screen 'q quit'
		[ "$(pane alternate_on)" = 1 ]
		[ "$(pane cursor_flag)" = 0 ]
		become_fit 100x30
		tm resize-window -x 80 -y 24
		become_fit 80x24
	done
	press q
	until_screen 'ready>'
	[ "$(pane alternate_on)" = 0 ]
	restored
}

gone() { # PID
	! kill -0 "$1" 2>/dev/null
}

@test "a terminal that is closed ends it" {
	local pid
	screen_open 80x24 "$top" -I 200ms --by interface -i lo
	until_screen 'q quit'
	pid=$(pane pane_pid)
	tm kill-server
	wait_for 10 gone "$pid"
}

# ---- terminals ----

# written TERM [NAME=VALUE]...: what it writes to such a terminal in half a second, raw, in $NP_TMP/written.
written() {
	local tool
	printf -v tool '%q ' "$top" -I 100ms -d 500ms --by interface -i lo
	status=0
	env -u NO_COLOR "${@:2}" TERM="$1" script -qefc "stty cols 80 rows 24; $tool" "$NP_TMP/typescript" \
		</dev/null >/dev/null 2>&1 || status=$?
	# without script's own first and last line
	sed -e '1{/^Script started/d}' -e '/^Script done/d' "$NP_TMP/typescript" >"$NP_TMP/written"
}

colour=$'\e\\[([0-9]+;)*(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;[0-9]+)*m'

@test "colours only where the terminal has them and NO_COLOR is not set" {
	written xterm-256color LC_ALL=C.UTF-8
	[ "$status" -eq 0 ]
	grep -qE "$colour" "$NP_TMP/written"
	written xterm-256color NO_COLOR=
	grep -qE "$colour" "$NP_TMP/written"
	written xterm-256color NO_COLOR=1
	[ "$status" -eq 0 ]
	grep -q INTERFACE "$NP_TMP/written"
	if grep -E "$colour" "$NP_TMP/written"; then false; fi
	written vt100
	[ "$status" -eq 0 ]
	grep -q INTERFACE "$NP_TMP/written"
	if grep -E "$colour" "$NP_TMP/written"; then false; fi
}

@test "a terminal that cannot show a screen: one line that says so, status 3, not a byte of garbage" {
	local name
	for name in dumb nonsense-terminal ''; do
		written "$name"
		[ "$status" -eq 3 ]
		absent $'\e' "$NP_TMP/written"
		[ "$(grep -c . "$NP_TMP/written")" -eq 1 ]
		grep -q 'nptop: .*TERM.*use -b for text' "$NP_TMP/written"
	done
}

@test "-b on a terminal is text, on any terminal" {
	screen_run 120x24 env TERM=dumb "$top" -b -c 2 -I 50ms --by interface -i lo
	until_ended 0
	[ "$(screen | grep -c 'lo  ')" -eq 4 ]
}
