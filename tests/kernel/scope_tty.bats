#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# A command behind "--" has the terminal as without us: keys, job control, screens; our rows come when it is done with it.

# shellcheck disable=SC2154,SC2016 # variables are of scope.bash; those in the commands are of their shells

load ../lib
load netns
load nptop
load scope
load ../cli/cli

setup() {
	need_root
	command -v tmux >/dev/null || skip 'needs tmux'
	export SHELL=/bin/bash
	PATH=$NP_BUILD:$NP_BUILD/tests:$PATH
	screen_open 80x24 env PS1='ready> ' HISTFILE= bash --norc --noprofile -i
	until_screen 'ready>'
	do_shell "stty -a >$NP_TMP/before; PATH=$PATH"
	wait_for 10 test -s "$NP_TMP/before"
}

teardown() {
	screen_close
	np_teardown
}

do_shell() {
	press "$1" Enter
}

# The terminal's modes are those of before, and it is the shell's.
restored() {
	rm -f "$NP_TMP/after"
	do_shell "stty -a >$NP_TMP/after"
	wait_for 10 test -s "$NP_TMP/after"
	diff "$NP_TMP/before" "$NP_TMP/after"
}

_has_line_now() {
	screen | grep -qE "$1"
}

# until_line REGEX: a line of the screen is such.
until_line() {
	wait_for 10 _has_line_now "$1" || {
		screen
		return 1
	}
}

# run_in WORDS: nptop with that command in the shell, its status behind it.
run_in() {
	do_shell "nptop --to $NP_TMP/rows -- $1; echo \"status \$?.\""
}

@test "Ctrl-C and Ctrl-\\ are the command's, and it decides" {
	run_in "sh -c 'echo go; exec sleep 300'"
	until_line '^go'
	press C-c
	until_screen 'status 130\.'
	do_shell clear
	run_in "bash -c 'trap \"echo caught; exit 42\" INT; trap \"echo no\" QUIT; echo go; for i in {1..300}; do sleep 0.05; done'"
	until_line '^go'
	press "C-\\"
	until_line '^no|.no$'
	press C-c
	until_screen 'caught'
	until_screen 'status 42\.'
	restored
}

@test "Ctrl-Z stops both, fg goes on with both" {
	run_in "sh -c 'echo go; read line; echo \"got \$line\"; exit 3'"
	until_line '^go'
	press C-z
	until_screen 'Stopped'
	do_shell 'echo $((20 + 3))'
	until_line '^23'
	do_shell 'fg; echo "then $?."'
	sleep 0.2
	do_shell hello
	until_screen 'got hello'
	until_screen 'then 3\.'
	restored
}

@test "a command that stops itself is a stopped job, and fg wakes it" {
	run_in "sh -c 'echo go; kill -STOP \$\$; echo woke; exit 4'"
	until_line '^go'
	until_screen 'Stopped'
	do_shell 'fg; echo "then $?."'
	until_line '^woke'
	until_screen 'then 4\.'
	restored
}

@test "a shell with job control inside: its jobs, its keys, its suspend, its end" {
	run_in "env PS1='inner: ' bash --norc --noprofile -i"
	until_screen 'inner:'
	do_shell "sh -c 'echo go; exec sleep 300'"
	until_line '^go'
	press C-c
	until_line '^inner: *$'
	do_shell 'cat; echo "cat was $?"'
	do_shell 'to the cat'
	wait_for 10 _twice 'to the cat'
	press C-z
	until_screen 'Stopped'
	do_shell fg
	do_shell 'once more'
	wait_for 10 _twice 'once more'
	press C-d
	until_line '^inner: *$'
	do_shell clear
	do_shell suspend
	until_line 'Stopped.*nptop'
	do_shell 'clear; fg; echo "then $?."'
	do_shell 'echo in $((40 + 2))'
	until_line '^in 42'
	do_shell 'exit 5'
	until_screen 'then 5\.'
	restored
}

_twice() {
	(($(screen | grep -c "^$1") == 2))
}

# What the screen is after each key.
shots() { # FILE COMMAND
	do_shell clear
	do_shell "$2"
	until_screen 'line 1'
	wait_for 10 _has_shot 'line 23'
	screen >"$1"
	press Space
	wait_for 10 _has_shot 'line 46'
	screen >>"$1"
	press G
	wait_for 10 _has_shot 'line 1000'
	screen >>"$1"
	press "?line 500" Enter
	wait_for 10 _has_shot 'line 500'
	screen >>"$1"
	press q
	wait_for 10 _at_prompt
	screen | grep -v 'less text' | grep . >>"$1"
}

_has_shot() {
	screen | grep -q "$1"
}

_at_prompt() {
	screen | grep -v '^$' | tail -n 1 | grep -q '^ready> $\|^ready>$'
}

@test "less looks as without us" {
	command -v less >/dev/null || skip 'needs less'
	seq -f 'line %g' 1000 >"$NP_TMP/text"
	do_shell "cd $NP_TMP"
	shots "$NP_TMP/without" "less text"
	shots "$NP_TMP/with" "nptop --to /dev/null -- less text"
	diff "$NP_TMP/without" "$NP_TMP/with"
	restored
}

@test "top runs, takes keys and ends" {
	command -v top >/dev/null || skip 'needs top'
	run_in "$(command -v top) -d 1"
	until_screen 'load average'
	press h
	until_screen 'Help for Interactive Commands'
	press Escape
	until_screen 'load average'
	press C-z
	until_screen 'Stopped'
	do_shell 'fg; echo "then $?."'
	until_screen 'load average'
	press q
	until_screen 'then 0\.'
	restored
}

@test "a log on the command's terminal comes when it has ended, whole" {
	start_bg server "$(np_bin np-work)" server --listen 127.0.0.1
	wait_ready server
	do_shell "clear; npflows --units raw -o comm,tx_bytes,end -- sh -c 'np-work client --port $(ready_port server) --conns 3 --tx 4001 >/dev/null; sleep 0.7; echo the last'; echo \"status \$?.\""
	until_screen 'status 0\.'
	screen | grep -v '^$' >"$NP_TMP/text"
	[ "$(grep -c '^np-work  *4001 closed' "$NP_TMP/text")" = 3 ]
	[ "$(grep -n '^the last' "$NP_TMP/text" | cut -d : -f 1)" -lt "$(grep -n '^np-work' "$NP_TMP/text" | head -n 1 | cut -d : -f 1)" ]
}

@test "the terminal is closed: the command is told, nothing of us stays" {
	local us pid
	run_in "sh -c 'echo \$\$ >$NP_TMP/pid; exec sleep 300'"
	wait_for 10 test -s "$NP_TMP/pid"
	pid=$(cat "$NP_TMP/pid") us=$(awk '{ print $4 }' "/proc/$(cat "$NP_TMP/pid")/stat")
	[ "$(cat "/proc/$us/comm")" = nptop ]
	tm kill-session
	_gone() { [ ! -e "/proc/$1" ]; }
	wait_for 10 _gone "$pid"
	wait_for 10 _gone "$us"
	wait_for 10 none_of "$us"
}
