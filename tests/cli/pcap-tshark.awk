# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tshark's fields (tests/cli/pcap-compare), one line a frame, to one line a connection and number:
#	END-A END-B NUMBER VALUE
# Ends are ordered as text. RTT samples are those of tcp.analysis.ack_rtt that follow Karn's rule: none of what was sent again,
# keep-alives and probes of a zero window among them, none of an ACK that covers such a segment beside others, as it waited for that one, and none of 0 or
# above 30 s. With -v again=1, what tshark 4.0 calls out of order although all of it was in one earlier frame (22) counts as sent
# again.
BEGIN { FS = "\t" }

function ahead(a, b) { return ((a - b) % 4294967296 + 4294967296) % 4294967296 }

function before(a, b) { return ahead(a, b) >= 2147483648 }

# Of the innermost ip or ipv6 before tcp. What an ICMP error brings back is no packet.
function ends(  i, n, layer, v6) {
	n = split($2, layer, ":")
	for (i = 1; i <= n; i++) {
		if (layer[i] ~ /^icmp/) return 0
		if (layer[i] == "ip") v6 = 0
		if (layer[i] == "ipv6") v6 = 1
		if (layer[i] == "tcp") break
	}
	src = v6 ? "[" $5 "]:" $7 : $3 ":" $7
	dst = v6 ? "[" $6 "]:" $8 : $4 ":" $8
	return 1
}

function add(number, value) { sum[key "\t" number] += value }

function was_seen(  i) {
	for (i = count[dir]; i >= 1; i--)
		if (ahead($17, from[dir, i]) < 2147483648 && ahead(to[dir, i], $17 + len) < 2147483648) return 1
	return 0
}

# Whether what this ACK is the first one for was sent again in part.
function covers_again(  peer, i, is) {
	peer = stream "\t" dst
	for (i = first[peer] + 1; i <= count[peer]; i++)
		if (!done[peer, i] && !before($24, to[peer, i])) {
			done[peer, i] = 1
			is = is || tainted[frame[peer, i]]
		}
	while (done[peer, first[peer] + 1]) first[peer]++
	acked[peer] = $24
	return is
}

# One of a pair of numbers by direction: a-NAME is of what the first end sends.
function way(name, value) { add((src == a ? "a-" : "b-") name, value) }

$9 == "" || !ends() { next }
{
	a = src < dst ? src : dst
	b = src < dst ? dst : src
	key = a "\t" b
	stream = $9
	if (!(stream in seen)) {
		seen[stream] = 1
		add("connections", 1)
	}
	way("frames", 1)
	way("wire", $10)
	len = $18 + ($19 ~ /^(1|True)$/ || $20 ~ /^(1|True)$/)
	dir = stream "\t" src
	if ($11 == "" && $22 != "" && again && was_seen()) $11 = 1
	if ($11 != "") way("retrans", 1)
	if ($12 != "") way("fast", 1)
	if ($13 != "") way("zero-window", 1)
	if ($14 == "1" || $14 == "True") way("reset", 1)

	# what an ACK is for
	waited = $23 ~ /^(1|True)$/ && covers_again()
	if ($15 != "" && !tainted[$16] && !waited && $15 + 0 >= 0.000001 && $15 + 0 <= 30) {
		if (src == a) add("b-rtt", 1); else add("a-rtt", 1)
	}
	if ($11 != "" || $21 != "" || $25 != "") {
		tainted[$1] = 1
		for (i = 1; i <= count[dir]; i++)
			if (before(from[dir, i], $17 + len) && before($17, to[dir, i]))
				tainted[frame[dir, i]] = 1
	}
	if (len > 0) {
		i = ++count[dir]
		from[dir, i] = $17
		to[dir, i] = $17 + len
		frame[dir, i] = $1
		# needless, a keep-alive or a probe: nothing waits for it
		done[dir, i] = $25 != "" || (tainted[$1] && dir in acked && !before(acked[dir], to[dir, i]))
	}
}
END { for (k in sum) if (sum[k]) print k "\t" sum[k] }
