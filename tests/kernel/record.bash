# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Runs that are recorded, and played again. Load after ../lib. tapes_down before np_teardown.
#
# A tape is one run in each of the formats at the same time, each with a record of its own.

TAPE_FORMATS=${TAPE_FORMATS:-text csv json}
declare -gA TAPE_RUN=() # tape → program and options, quoted

# Where everybody may look: bats's own directories are root's.
tapes_dir() {
	if [[ -z ${TAPES-} ]]; then
		TAPES=$(mktemp -d "${TMPDIR:-/tmp}/np-tapes-$NP_ID.XXXXXX") && chmod 755 "$TAPES"
	fi
}

tapes_down() {
	[[ -z ${TAPES-} ]] || rm -rf "$TAPES"
}

# tape_start NAME PROGRAM [OPTIONS]: back once each has its loop running, so that what happens from now on is seen.
tape_start() {
	local name=$1 program=$2 format
	shift 2
	tapes_dir || return
	TAPE_RUN[$name]=$(printf '%q ' "$program" "$@")
	cp "$(np_bin "$program")" "$TAPES/" || return
	for format in $TAPE_FORMATS; do
		start_bg "$name-$format" "$(np_bin "$program")" "$@" --format "$format" --record "$TAPES/$name-$format"
	done
	for format in $TAPE_FORMATS; do
		wait_for 30 _tape_runs "$name-$format" || return
	done
}

_tape_runs() {
	bg_alive "$1" || return 0
	grep -qs '^it_interval: (0, [1-9]\|^it_interval: ([1-9]' "/proc/$(bg_pid "$1")/fdinfo/"*
}

# tape_stop NAME [SIGNAL]: ends all of them; SIGNAL 0 waits for their own end.
tape_stop() {
	local format status
	for format in $TAPE_FORMATS; do
		status=0
		stop_bg "$1-$format" "${2:-TERM}" 60 || status=$?
		echo "$status" >"$TAPES/$1-$format.status"
		chmod 644 "$TAPES/$1-$format"
	done
}

# As a user who may nothing, from a directory that everybody can reach.
as_nobody() {
	(cd "$TAPES" && setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@")
}

# _tape_play NAME FORMAT OUT [nobody]
_tape_play() {
	local run program status=0
	eval "run=(${TAPE_RUN[$1]})"
	program=${run[0]}
	set -- "$1" "$2" "$3" "${4-}" "${run[@]:1}" --format "$2"
	if [[ $4 == nobody ]]; then
		as_nobody "$TAPES/$program" "${@:5}" --read "$TAPES/$1-$2" >"$3" 2>"$3.err" </dev/null || status=$?
	else
		"$(np_bin "$program")" "${@:5}" --read - >"$3" 2>"$3.err" <"$TAPES/$1-$2" || status=$?
	fi
	echo "$status" >"$3.status"
}

# tape_same NAME: played with the same options, each gives the same bytes and the same status, to root by a pipe, to nobody by a path.
tape_same() {
	local format who bad=0 out
	for format in $TAPE_FORMATS; do
		for who in root nobody; do
			out=$NP_TMP/$1-$format.$who
			_tape_play "$1" "$format" "$out" "$who"
			cmp "$(bg_out "$1-$format")" "$out" || {
				bad=1
				diff "$(bg_out "$1-$format")" "$out" | head -n 20
			}
			[[ $(cat "$TAPES/$1-$format.status") == "$(cat "$out.status")" ]] || {
				echo "$1-$format: status $(cat "$TAPES/$1-$format.status"), played by $who $(cat "$out.status"): $(cat "$out.err")"
				bad=1
			}
		done
	done
	return $bad
}

# tape_rows NAME: how many JSON rows the recorded run wrote.
tape_rows() {
	wc -l <"$(bg_out "$1-json")"
}

# play NAME PROGRAM [OPTIONS]: the JSON tape with other options or by another program; stderr in $NP_TMP/play.err.
play() {
	local name=$1 program=$2
	shift 2
	"$(np_bin "$program")" --read "$TAPES/$name-json" "$@" 2>"$NP_TMP/play.err"
}
