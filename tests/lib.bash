# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# For bats files (`load ../lib`) and bench scripts (`source`): programs under test, background processes, waiting, JSON.
# Call np_teardown in teardown, or np_teardown_file where setup_file started things. Nothing here has a fixed name, so that
# two runs of the tests do not meet; processes are ended by their id only.

NP_ROOT=${NP_ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
NP_BUILD=$(realpath -m "${NP_BUILD:-$NP_ROOT/build}")
# Of this shell, 5 to 10 characters: fits into an interface name with room for five more.
NP_ID=$(printf '%x%04x' "$BASHPID" "$RANDOM")
NP_TMP=$(mktemp -d "${BATS_RUN_TMPDIR:-${TMPDIR:-/tmp}}/np-$NP_ID.XXXXXX")
declare -gA NP_BG=()    # name → pid
declare -gA NP_BG_IN=() # name → descriptor that feeds its stdin

# np_bin NAME: the path of a program under test or of a test program.
np_bin() {
	local dir
	for dir in "$NP_BUILD" "$NP_BUILD/tests"; do
		[[ -x $dir/$1 ]] && printf '%s\n' "$dir/$1" && return 0
	done
	echo "$1 is not built in $NP_BUILD" >&2
	return 1
}

need_root() {
	((EUID == 0)) || skip 'needs root'
}

# wait_for SECONDS CMD...: until the command succeeds; fails when it has not in that time.
wait_for() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@"; do
		if ((${EPOCHREALTIME/[.,]/} > end)); then
			echo "not within time: $*" >&2
			return 1
		fi
		sleep 0.02
	done
}

# start_bg NAME CMD...: in the background, without the descriptors on which bats would wait for it. The pid is the
# command's own, also behind in_ns. Its output: bg_out NAME, bg_err NAME.
start_bg() {
	local name=$1
	shift
	[[ $1 == in_ns ]] && set -- nsenter --net="/run/netns/$2" -- "${@:3}"
	if [[ -n ${NP_BG_IN[$name]-} ]]; then
		local in=${NP_BG_IN[$name]}
		"$@" <"$NP_TMP/$name.in" >"$NP_TMP/$name.out" 2>"$NP_TMP/$name.err" 3>&- {in}>&- &
	else
		"$@" </dev/null >"$NP_TMP/$name.out" 2>"$NP_TMP/$name.err" 3>&- &
	fi
	NP_BG[$name]=$!
}

# start_held NAME CMD...: as start_bg, for a program that reads lines from us: each `tell NAME` gives it one.
start_held() {
	local fd
	mkfifo "$NP_TMP/$1.in" || return
	exec {fd}<>"$NP_TMP/$1.in"
	NP_BG_IN[$1]=$fd
	start_bg "$@"
}

tell() {
	echo >&"${NP_BG_IN[$1]}"
}

bg_pid() {
	echo "${NP_BG[$1]}"
}

bg_out() {
	echo "$NP_TMP/$1.out"
}

bg_err() {
	echo "$NP_TMP/$1.err"
}

# Whether it runs; a zombie does not.
bg_alive() {
	local stat
	stat=$(cat "/proc/${NP_BG[$1]}/stat" 2>/dev/null) || return 1
	[[ ${stat##*) } != [ZX]* ]]
}

# signal_bg NAME SIGNAL
signal_bg() {
	# The shell's own unreaped child: the id cannot have gone to somebody else.
	[[ -n ${NP_BG[$1]-} ]] && kill "-$2" "${NP_BG[$1]}" 2>/dev/null
}

_bg_ended() {
	! bg_alive "$1"
}

# stop_bg NAME [SIGNAL [SECONDS]]: end it, wait for its end, return its status; its output stays. SIGNAL 0: only wait.
stop_bg() {
	local name=$1 status=0
	[[ -n ${NP_BG[$name]-} ]] || return 0
	signal_bg "$name" "${2:-TERM}" || true
	if ! wait_for "${3:-10}" _bg_ended "$name"; then
		signal_bg "$name" KILL || true
	fi
	wait "${NP_BG[$name]}" || status=$?
	unset "NP_BG[$name]"
	if [[ -n ${NP_BG_IN[$name]-} ]]; then
		local fd=${NP_BG_IN[$name]}
		exec {fd}>&-
		unset "NP_BG_IN[$name]"
		rm -f "$NP_TMP/$name.in"
	fi
	return "$status"
}

stop_all_bg() {
	local name
	for name in "${!NP_BG[@]}"; do
		signal_bg "$name" TERM || true
	done
	for name in "${!NP_BG[@]}"; do
		stop_bg "$name" 0 5 2>/dev/null || true
	done
}

# A test that failed where the kernel hid packets from tracing (netns_watch) is run again, twice at most, and that is said.
_np_again() {
	local hidden
	[[ -z ${BATS_TEST_COMPLETED-} ]] && ((${BATS_TEST_TRY_NUMBER:-3} < 3)) || return 0
	hidden=$(cat "$NP_TMP"/unseen*.out 2>/dev/null | json_sum unseen) || return 0
	((hidden > 0)) || return 0
	# shellcheck disable=SC2034 # bats looks at it after the teardown
	BATS_TEST_RETRIES=$BATS_TEST_TRY_NUMBER
	echo "# again: the kernel hid $hidden packets or changes of sockets from tracing in \"$BATS_TEST_DESCRIPTION\"" >&3
}

# Everything away, whatever the test left; also the namespaces of kernel/netns.bash.
np_teardown() {
	local err
	stop_all_bg
	_np_again
	# bats shows it where the test failed.
	for err in "$NP_TMP"/*.err; do
		[[ -s $err ]] && sed "s|^|${err##*/}: |" "$err"
	done
	if declare -F netns_down >/dev/null; then
		netns_down
	fi
	rm -rf "$NP_TMP"
}

np_teardown_file() {
	np_teardown
}

_has_line() {
	grep -qs -- "$2" "$(bg_out "$1")" && return 0
	bg_alive "$1" && return 1
	echo "$1 ended early: $(cat "$(bg_err "$1")" 2>/dev/null)" >&2
	return 2
}

# wait_line NAME REGEX [SECONDS]: until its output has such a line; fails at once when it ends without.
wait_line() {
	local end=$((${EPOCHREALTIME/[.,]/} + ${3:-10} * 1000000)) status
	while :; do
		status=0
		_has_line "$1" "$2" || status=$?
		((status == 0)) && return 0
		# It may have written between the two looks.
		((status == 2)) && { grep -qs -- "$2" "$(bg_out "$1")" && return 0 || return 1; }
		if ((${EPOCHREALTIME/[.,]/} > end)); then
			echo "$1 did not say $2" >&2
			return 1
		fi
		sleep 0.02
	done
}

# wait_ready NAME [SECONDS]: of np-work and np-drop.
wait_ready() {
	wait_line "$1" '"ready":' "${2:-10}"
}

ready_port() {
	bg_json "$1" 'select(has("ready")).ready'
}

# wait_round NAME N [SECONDS]: a held np-work client has printed the totals of round N.
wait_round() {
	wait_line "$1" "\"round\":$2[,}]" "${3:-30}"
}

# bg_json NAME FILTER: jq over the lines that it printed; those that are no JSON are left out.
bg_json() {
	json_lines "$2" "$(bg_out "$1")"
}

# json_lines FILTER [FILE]: each line by itself.
json_lines() {
	jq -rR "fromjson? | $1" "${2:--}"
}

# json_sum KEY [FILE [CONDITION]]: of all lines that have the key.
json_sum() {
	jq -nR "[inputs | fromjson? | select(has(\"$1\") and (${3:-true})) | .$1] | add // 0" "${2:--}"
}
