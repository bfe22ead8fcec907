# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Two network namespaces and a veth pair between them, for tests that count what happens on a quiet network of their own.
# Load after ../lib. netns_up in setup (or setup_file: its variables are exported), netns_down in the teardown of the same.
#
#   NS_A VETH_A ADDR_A ADDR6_A  <──veth──>  NS_B VETH_B ADDR_B ADDR6_B
#
# Inside: loopback up, no link-local addresses, no duplicate address detection: nothing is sent but what the test sends, neighbour
# discovery and multicast reports. The names of interfaces and the addresses are always the same: a namespace has them for itself.

# in_ns NAMESPACE CMD... Not `ip netns exec`: that mounts another /sys and hides cgroups, bpffs and tracefs.
# In the background only by start_bg: after `in_ns ... &`, $! is a subshell, and a signal to it does not reach the command.
in_ns() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

_netns_end() { # NAMESPACE INTERFACE ADDR ADDR6
	in_ns "$1" ip link set lo up &&
		in_ns "$1" ip link set "$2" addrgenmode none &&
		in_ns "$1" ip link set "$2" up &&
		in_ns "$1" ip addr add "$3/24" dev "$2" &&
		in_ns "$1" ip -6 addr add "$4/64" dev "$2" nodad
}

_netns_carrier() { # NAMESPACE INTERFACE
	[[ $(in_ns "$1" ip -br link show dev "$2") == *LOWER_UP* ]]
}

netns_up() {
	# Another pair in the same shell gets other names.
	NETNS_COUNT=$((${NETNS_COUNT:-0} + 1))
	NS_A=np-$NP_ID-${NETNS_COUNT}a NS_B=np-$NP_ID-${NETNS_COUNT}b
	VETH_A=veth-a VETH_B=veth-b
	ADDR_A=10.99.0.1 ADDR_B=10.99.0.2 ADDR6_A=fd99::1 ADDR6_B=fd99::2
	export NS_A NS_B VETH_A VETH_B ADDR_A ADDR_B ADDR6_A ADDR6_B

	if ! { ip netns add "$NS_A" && ip netns add "$NS_B" &&
		in_ns "$NS_A" ip link add "$VETH_A" type veth peer name "$VETH_B" netns "/run/netns/$NS_B" &&
		_netns_end "$NS_A" "$VETH_A" "$ADDR_A" "$ADDR6_A" &&
		_netns_end "$NS_B" "$VETH_B" "$ADDR_B" "$ADDR6_B" &&
		wait_for 5 _netns_carrier "$NS_A" "$VETH_A" &&
		wait_for 5 _netns_carrier "$NS_B" "$VETH_B"; }; then
		echo 'cannot make network namespaces' >&2
		netns_down
		return 1
	fi
	netns_watch
}

# netns_watch: from now on, packets of the two ends that the kernel ran no tracing program for are counted: np_teardown runs a
# test again that failed where there were some (CONTRIBUTING.md, Kernel traps). Without tcx (before 6.6) nobody counts.
netns_watch() {
	local name=unseen$NETNS_COUNT
	start_bg "$name" "$(np_bin np-unseen)" "/run/netns/$NS_A" "$VETH_A" "/run/netns/$NS_B" "$VETH_B"
	wait_ready "$name" 2>/dev/null || rm -f "$(bg_err "$name")"
}

# Also after a failure half way, and twice; with the middle namespace of link.bash. Processes in them must have ended before: a namespace lives as long as they do.
netns_down() {
	local ns
	for ns in "${NS_A-}" "${NS_B-}" "${NS_M-}"; do
		if [[ -n $ns && -e /run/netns/$ns ]]; then
			ip netns del "$ns" || true
		fi
	done
	unset NS_A NS_B NS_M
}

# One packet a segment, both ways, from now on: for tests that count segments on the wire, or lose single ones. By default, as
# on any veth, a packet may carry a whole GSO buffer.
netns_plain() {
	in_ns "$NS_A" ip link set "$VETH_A" gso_max_segs 1
	in_ns "$NS_B" ip link set "$VETH_B" gso_max_segs 1
}

# netns_count NAMESPACE NAME: a counter of the kernel's, as nstat calls it (TcpRetransSegs, UdpInDatagrams, ...).
netns_count() {
	in_ns "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'
}

# netns_hole ADDR...: addresses on A's subnet (10.99.0.x, fd99::x) from which nothing ever comes back. One without this call has
# no neighbour: to connect there fails as unreachable after about three seconds.
netns_hole() {
	local addr
	for addr; do
		in_ns "$NS_A" ip neigh replace "$addr" lladdr 02:00:00:00:00:99 dev "$VETH_A" nud permanent
	done
}

# netns_cut, netns_mend: from now on, B hears no TCP of A's (and says none on its own behalf). The neighbours stay known, so
# that A gets no error but the timeout.
netns_cut() {
	start_bg cut in_ns "$NS_B" "$(np_bin np-drop)" --dev "$VETH_B" --match any && wait_ready cut
}

netns_mend() {
	stop_bg cut
}
