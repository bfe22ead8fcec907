# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# As netns.bash, but with a wire that has a delay, a rate and losses: np-link in a namespace between the two.
# Load after ../lib and netns. link_up [OPTIONS of np-link] in setup, link_down or np_teardown in teardown.
#
#   NS_A VETH_A ADDR_A ADDR6_A  <──veth──>  link-a NS_M link-b  <──veth──>  NS_B VETH_B ADDR_B ADDR6_B
#
# "ab" is the way from A to B. Each frame is one packet with its checksums; neighbours are known from the start, so that a loss
# hits TCP and nothing else. np-link is the background process `link`.

_link_neighbours() { # NAMESPACE INTERFACE ADDR ADDR6 MAC: of the other end
	in_ns "$1" ip neigh add "$3" lladdr "$5" dev "$2" nud permanent &&
		in_ns "$1" ip neigh add "$4" lladdr "$5" dev "$2" nud permanent
}

# The middle has no addresses and says nothing.
_link_middle() { # INTERFACE
	in_ns "$NS_M" ip link set "$1" addrgenmode none arp off &&
		in_ns "$NS_M" ip link set "$1" up
}

_link_mac() { # NAMESPACE INTERFACE
	in_ns "$1" ip -j link show dev "$2" | jq -r '.[0].address'
}

_link_make() {
	ip netns add "$NS_A" && ip netns add "$NS_B" && ip netns add "$NS_M" &&
		in_ns "$NS_A" ip link add "$VETH_A" type veth peer name link-a netns "/run/netns/$NS_M" &&
		in_ns "$NS_B" ip link add "$VETH_B" type veth peer name link-b netns "/run/netns/$NS_M" &&
		in_ns "$NS_A" "$1" offload-off "$VETH_A" && in_ns "$NS_B" "$1" offload-off "$VETH_B" &&
		_link_middle link-a && _link_middle link-b &&
		_netns_end "$NS_A" "$VETH_A" "$ADDR_A" "$ADDR6_A" && _netns_end "$NS_B" "$VETH_B" "$ADDR_B" "$ADDR6_B" &&
		_link_neighbours "$NS_A" "$VETH_A" "$ADDR_B" "$ADDR6_B" "$(_link_mac "$NS_B" "$VETH_B")" &&
		_link_neighbours "$NS_B" "$VETH_B" "$ADDR_A" "$ADDR6_A" "$(_link_mac "$NS_A" "$VETH_A")" &&
		wait_for 5 _netns_carrier "$NS_A" "$VETH_A" && wait_for 5 _netns_carrier "$NS_B" "$VETH_B"
}

# link_up [OPTIONS]: 1 when it cannot; wrong options show in bg_err link.
link_up() {
	local bin
	bin=$(np_bin np-link) || return
	NETNS_COUNT=$((${NETNS_COUNT:-0} + 1))
	NS_A=np-$NP_ID-${NETNS_COUNT}a NS_B=np-$NP_ID-${NETNS_COUNT}b NS_M=np-$NP_ID-${NETNS_COUNT}m
	VETH_A=veth-a VETH_B=veth-b
	ADDR_A=10.99.0.1 ADDR_B=10.99.0.2 ADDR6_A=fd99::1 ADDR6_B=fd99::2
	export NS_A NS_B NS_M VETH_A VETH_B ADDR_A ADDR_B ADDR6_A ADDR6_B
	if ! { _link_make "$bin" && start_held link in_ns "$NS_M" "$bin" link-a link-b "$@" && wait_ready link; }; then
		echo 'cannot make a link' >&2
		link_down
		return 1
	fi
	netns_watch
}

# link_tell COMMAND: as on np-link's stdin (np-link --help); back when it is in force. The answer goes to $LINK_SAID.
link_tell() {
	local n
	n=$(grep -c '^{"ack":' "$(bg_out link)" || true)
	echo "$*" >&"${NP_BG_IN[link]}"
	wait_line link "^{\"ack\":$((n + 1))," || return
	LINK_SAID=$(grep "^{\"ack\":$((n + 1))," "$(bg_out link)")
	[[ $LINK_SAID == *'"ok":true'* ]] || { echo "link_tell $*: $LINK_SAID" >&2 && return 1; }
}

# link_count FILTER: jq on np-link's counters, now or, when it has ended, at the end: `link_count .ab.forwarded`.
link_count() {
	if [[ -n ${NP_BG[link]-} ]]; then
		link_tell stats || return
	else
		LINK_SAID=$(bg_json link 'select(.role == "link") | tojson' | tail -n 1)
	fi
	jq -r "$1" <<<"$LINK_SAID"
}

# Ends np-link; its last counters stay in bg_out link. Processes in the namespaces must have ended before.
link_down() {
	stop_bg link || true
	netns_down
}
