# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# For the tests of the command line and the screen; load after ../lib. They set in setup(): $top, the program; $out and $err,
# the files for what it writes when run_top runs it.

export LC_ALL=C.UTF-8
: "${top=}" "${out=}" "${err=}"

# run_top ARGS...: sets $status.
run_top() {
	status=0
	timeout 20 "$top" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

# The last run said why it refused: one line on stderr, nothing on stdout; no byte that a terminal would obey, nor half a
# character. Prints what is wrong.
says_why() { # STATUS
	local lines
	mapfile -t lines <"$err"
	[ "$status" -eq "$1" ] || echo "status $status, not $1"
	[ ! -s "$out" ] || echo "stdout: $(head -c 100 "$out" | cat -v)"
	((${#lines[@]} == 1)) || echo "stderr is not one line: $(head -c 300 "$err" | cat -v)"
	[[ ${lines[0]-} != *[[:cntrl:]]* ]] && iconv -f UTF-8 "$err" >/dev/null 2>&1 || echo "raw bytes: $(cat -v "$err")"
	((${#lines[0]} <= 600)) || echo "stderr is ${#lines[0]} bytes long"
}

# refused ARGS...: as wrong usage.
refused() {
	local why
	run_top "$@"
	why=$(says_why 2)
	[ -z "$why" ] && return 0
	printf 'nptop'
	printf ' %q' "$@"
	printf ':\n%s\n' "$why"
	return 1
}

# accepted ARGS...: one refresh, nothing on stderr.
accepted() {
	run_top -b -c 1 "$@"
	[ "$status" -eq 0 ] && [ ! -s "$err" ] && return 0
	printf 'nptop'
	printf ' %q' "$@"
	printf ': status %s, %s\n' "$status" "$(head -c 300 "$err" | cat -v)"
	return 1
}

# rows_of ARGS...: the rows of one refresh as JSON lines, in $out.
rows_of() {
	run_top -J -c 1 "$@"
	[ "$status" -eq 0 ] || {
		printf 'nptop %s: status %s: %s\n' "$*" "$status" "$(cat "$err")"
		return 1
	}
}

# absent REGEX FILE: bats does not see the failure of "! grep".
absent() {
	if grep -e "$1" "$2"; then return 1; fi
}

# ---- known traffic on loopback, at rest ----

work_in=() # (in_ns NAMESPACE), or here

# serve NAME MODE [OPTIONS]: a server of np-work; its port: ready_port NAME.
serve() {
	start_bg "$1" "${work_in[@]}" "$(np_bin np-work)" "$2" --listen 127.0.0.1 "${@:3}"
	wait_ready "$1"
}

# hold NAME MODE PORT [OPTIONS]: a client that has done its round and keeps its sockets.
hold() {
	start_held "$1" "${work_in[@]}" "$(np_bin np-work)" "$2" --port "$3" --hold "${@:4}"
	wait_round "$1" 1
}

# ---- a screen ----

# tm COMMAND...: of this test's own tmux server; each screen_open has a new one.
tm() {
	TMUX_TMPDIR=$NP_TMP tmux -u -L "screen$SCREENS" -f /dev/null "$@"
}

SCREENS=0

# screen_open COLSxROWS COMMAND...: the command is the terminal's only process; the screen stays when it ends.
screen_open() {
	local size=$1
	shift
	SCREENS=$((SCREENS + 1))
	env -u NO_COLOR -u TMUX TMUX_TMPDIR="$NP_TMP" LC_ALL="${SCREEN_LOCALE:-C.UTF-8}" \
		tmux -u -L "screen$SCREENS" -f /dev/null set -g default-terminal tmux-256color \; \
		set -g remain-on-exit on \; set -g escape-time 0 \; new-session -d -x "${size%x*}" -y "${size#*x}" "$@" 3>&-
}

screen_close() {
	tm kill-server 2>/dev/null || true
}

screen() {
	tm capture-pane -p
}

# The program's lines, those that the terminal had to wrap as one.
screen_joined() {
	tm capture-pane -pJ
}

press() { # KEY...
	tm send-keys "$@"
}

_screen_has() {
	[[ $(screen) =~ $1 ]]
}

_screen_lacks() {
	! _screen_has "$1"
}

# until_screen REGEX [SECONDS]
until_screen() {
	wait_for "${2:-10}" _screen_has "$1" || {
		screen
		return 1
	}
}

until_screen_lacks() {
	wait_for "${2:-10}" _screen_lacks "$1" || {
		screen
		return 1
	}
}

pane() { # FORMAT: of tmux, as cursor_flag
	tm display-message -p "#{$1}"
}

# screen_run COLSxROWS COMMAND...: the same, for until_ended (tmux sometimes misses the end of a program).
screen_run() {
	# shellcheck disable=SC2016 # that shell's own
	screen_open "$1" bash -c '"$@"; echo "$?" >"$0"' "$NP_TMP/ended" "${@:2}"
}

# until_ended STATUS: the program of screen_run.
until_ended() {
	wait_for 10 test -s "$NP_TMP/ended" || {
		screen
		return 1
	}
	[ "$(cat "$NP_TMP/ended")" = "$1" ]
}
