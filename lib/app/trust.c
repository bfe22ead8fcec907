// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The trust record: what was seen, what was lost, by which hooks, at what cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/run.h"

static unsigned long long ull(uint64_t n)
{
	return n;
}

static const char *const lost_names[NP_LOST_MAX] = {
	[NP_LOST_RING] = "ring buffer full",        [NP_LOST_UDP_MAP] = "UDP map full",
	[NP_LOST_IFACE_MAP] = "interface map full", [NP_LOST_ZWIN_MAP] = "zero window map full",
	[NP_LOST_RTT_MAP] = "map of times full",    [NP_LOST_TREE_MAP] = "map of the command",
};

uint64_t np_trust_lost(const struct np_source_stats *source, const struct np_flows *flows,
		       bool rtts)
{
	const struct np_flows_stats *fs = np_flows_stats(flows);
	uint64_t lost = 0;

	for (int i = 0; i < NP_LOST_MAX; i++)
		lost += source->lost[i];
	return lost + source->read_errors + fs->bad + fs->no_memory + fs->gaps_given_up +
	       (rtts ? fs->rtts_not_taken : 0);
}

void np_trust_sample(const struct np_source_stats *source, const struct np_flows *flows, uint32_t n)
{
	const struct np_flows_stats *fs = np_flows_stats(flows);

	/* a capture's packets are left out before they are anybody's */
	fprintf(stderr,
		"sample 1/%u: looked at %llu connections that live and %llu that ended, not at "
		"%llu %s; sums are corrected by %u\n",
		n, ull(np_flows_count(flows)), ull(fs->ended + fs->vanished),
		ull(fs->packets ? fs->left_out : source->left_out),
		fs->packets ? "packets of others" : "that ended", n);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_refreshes(const struct np_run_stats *run)
{
	size_t n = run->refreshes ? run->refreshes - 1 : 0;
	uint64_t took[NP_RUN_TOOK];
	size_t middle;

	n = n < NP_RUN_TOOK ? n : NP_RUN_TOOK;
	fprintf(stderr, "refresh, first             %.3f ms\n", (double)run->first_ns / 1e6);
	if (!n)
		return;
	memcpy(took, run->took_ns, n * sizeof(took[0]));
	qsort(took, n, sizeof(took[0]), by_size);
	middle = n / 2;
	fprintf(stderr, "refresh, median            %.3f ms\n", (double)took[middle] / 1e6);
	fprintf(stderr, "refresh, longest           %.3f ms\n", (double)took[n - 1] / 1e6);
}

/* Of a capture. What makes no sense in it is no loss of ours. */
static void print_packets(const struct np_flows_stats *fs)
{
	const uint64_t *of = fs->packets_of;

	fprintf(stderr, "packets                    %llu\n", ull(fs->packets));
	fprintf(stderr, "packets of connections     %llu\n", ull(of[NP_DECODE_FLOW]));
	fprintf(stderr, "packets without one        %llu\n",
		ull(of[NP_DECODE_OTHER] + of[NP_DECODE_ERROR]));
	fprintf(stderr, "packets: later fragments   %llu\n", ull(of[NP_DECODE_FRAGMENT]));
	fprintf(stderr, "packets cut too short      %llu\n", ull(of[NP_DECODE_SHORT]));
	fprintf(stderr, "packets that make no sense %llu\n", ull(of[NP_DECODE_BAD]));
	fprintf(stderr, "round trips not taken      %llu\n", ull(fs->rtts_not_taken));
	fprintf(stderr, "gaps given up              %llu\n", ull(fs->gaps_given_up));
}

void np_trust_print(const struct np_source_stats *source, const struct np_flows *flows,
		    const struct np_run_stats *run)
{
	const struct np_flows_stats *fs = np_flows_stats(flows);

	fprintf(stderr, "records taken              %llu\n", ull(fs->records));
	fprintf(stderr, "records refused            %llu\n", ull(fs->bad));
	for (int i = 0; i < NP_LOST_MAX; i++)
		fprintf(stderr, "lost: %-20s %llu\n", lost_names[i], ull(source->lost[i]));
	fprintf(stderr, "lost: walks cut short      %llu\n", ull(source->read_errors));
	fprintf(stderr, "lost: out of memory        %llu\n", ull(fs->no_memory));
	fprintf(stderr, "flows not looked into       %llu\n", ull(np_flows_unnamed(flows)));
	fprintf(stderr, "connections living         %zu\n", np_flows_count(flows));
	fprintf(stderr, "connections ended          %llu\n", ull(fs->ended));
	fprintf(stderr, "ended without an event     %llu\n", ull(fs->vanished));
	fprintf(stderr, "sent again without an event %llu\n", ull(fs->untold));
	fprintf(stderr, "bytes without an owner     %llu\n", ull(fs->ownerless_bytes));
	fprintf(stderr, "ended outside the sample   %llu\n", ull(source->left_out));
	fprintf(stderr, "records outside the sample %llu\n", ull(fs->left_out));
	fprintf(stderr, "network namespaces missed  %llu\n", ull(source->netns_missed));
	fprintf(stderr, "ended groups forgotten     %llu\n", ull(run->forgotten));
	if (fs->packets)
		print_packets(fs);
	fprintf(stderr, "refreshes                  %llu\n", ull(run->refreshes));
	print_refreshes(run);
	fprintf(stderr, "last walk over sockets     %.3f ms\n", (double)source->walk_ns / 1e6);
	for (size_t i = 0; i < source->nprogs; i++) {
		const struct np_source_prog *p = &source->progs[i];

		fprintf(stderr, "hook %-32s %-16s %llu runs, %.3f ms", p->hook, p->name,
			ull(p->runs), (double)p->ns / 1e6);
		/* an interrupt met it at work on the same processor: the kernel does not nest it */
		if (p->skipped)
			fprintf(stderr, ", %llu skipped", ull(p->skipped));
		fputc('\n', stderr);
	}
}
