# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
#
# Programs with --check beside a known workload. Load after ../lib, netns, nptop and retrans.

# _check_looks: its first look is over, for only then its timer runs: what is opened from now on is new to it.
_check_looks() {
	grep -Eqs '^it_interval: \(([1-9]|0, [1-9])' "/proc/$(bg_pid check)/fdinfo/"*
}

# check_start PROGRAM [OPTIONS]: in the background, as `check`, of what happens in namespace A; it sees everything from now on.
check_start() {
	start_bg check "$(np_bin "$1")" -b --netns "$NS_A" -I 300ms "${@:2}"
	wait_for 30 _check_looks
}

# check_stop [SIGNAL]: what happened until now was judged; prints what it said. Sets $status.
check_stop() {
	status=0
	stop_bg check "${1:-INT}" 60 || status=$?
	grep -E '^check|lost' "$(bg_err check)" || true
}

# checks TEXT...: as options, in $options.
checks() {
	local text
	options=()
	for text; do options+=(--check "$text"); done
}

# said VERDICT N: so many of its checks came out so.
said() {
	[ "$(grep -c "^check $1: " "$(bg_err check)")" = "$2" ]
}
