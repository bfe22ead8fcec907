// SPDX-License-Identifier: GPL-2.0-only
/* Samples of the round-trip time: np_rtt.bpf.h has the logic, np_state the end. */
#include "np_kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "np_rtt.bpf.h"

SEC("tp_btf/tcp_probe")
int BPF_PROG(np_rtt_probe, struct sock *sk)
{
	np_rtt_segment(sk);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
