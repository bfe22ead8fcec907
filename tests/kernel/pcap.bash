# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Captures of what a test does, and what our programs read from them. Load after ../lib, netns, nptop, link and retrans.

# capture: tcpdump at both ends, into a.pcap and b.pcap of $NP_TMP.
capture() {
	local end ns dev
	for end in a b; do
		ns=NS_${end^^} dev=VETH_${end^^}
		start_bg "$end" in_ns "${!ns}" tcpdump -i "${!dev}" -w "$NP_TMP/$end.pcap" -B 65536 -U --immediate-mode -Z root
	done
	for end in a b; do
		wait_for 10 grep -q 'listening on' "$(bg_err "$end")" || return
	done
}

_marked() { # NAME
	tcpdump -n -r "$NP_TMP/$1.pcap" 'udp dst port 9' 2>/dev/null | grep -q .
}

# marked NAME: all that was sent until now is in NAME.pcap; its tcpdump ends.
marked() {
	in_ns "$NS_A" bash -c "echo mark >/dev/udp/$ADDR_B/9"
	wait_for 20 _marked "$1" && stop_bg "$1" TERM && ! grep -q '^[1-9][0-9]* packets dropped by kernel' "$(bg_err "$1")"
}

# Nothing is sent again any more: FINs are, after their processes have gone, by both ends.
drained() {
	all_closed && wait_for 20 _drained
}

_drained() {
	[[ -z $(in_ns "$NS_B" ss -tnHO state connected exclude time-wait) ]]
}

captured() {
	# A link may lose the mark.
	if [[ -n ${NP_BG[link]-} ]]; then link_tell clear || return; fi
	marked a && marked b
}

# flows NAME: every TCP connection of NAME.pcap, as JSON lines; A is local.
flows() {
	"$(np_bin npflows)" -r "$NP_TMP/$1.pcap" -J -o +event,side,rx_retrans 2>/dev/null | jq -c 'select(.proto == "tcp")'
}

# flows_of NAME CONDITION: how many. sum_of NAME KEY.
flows_of() {
	flows "$1" | jq -c "select($2)" | wc -l
}

sum_of() {
	flows "$1" | jq -s "map(.$2) | add"
}

# told NAME CONDITION: how many anomalies.
told() {
	"$(np_bin npretrans)" -r "$NP_TMP/$1.pcap" -J --events all -o +ongoing | jq -c "select($2)" | wc -l
}

# again NAME local|remote: segments that this end sent again.
again() {
	told "$1" "(.event | test(\"retrans\$\")) and .who == \"$2\""
}

# as_tshark: nothing differs from what tshark says.
as_tshark() {
	local end differs
	for end in a b; do
		differs=$("$NP_ROOT/tests/cli/pcap-compare" --again "$end" "$NP_TMP/$end.pcap") || return
		[ -z "$differs" ] || { printf '%s\n' "$differs" && return 1; }
	done
}
