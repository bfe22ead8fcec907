// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * np-pcap: writes captures of as many packets and connections as one likes, to measure what reading
 * them costs. Every connection is whole: handshake, requests and replies of a few bytes each,
 * its close; as many live at once as --live says, and take turns.
 */
#include <getopt.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define FIN  1
#define SYN  2
#define PSH  8
#define ACK  16
#define HEAD 54 /* Ethernet, IPv4, TCP without options */

/* One connection's place among those that live at once. */
struct slot {
	uint32_t number; /* which connection it is */
	uint32_t step;
	uint32_t seq[2];
};

struct gen {
	uint32_t live, turns, payload, gap_us;
	struct slot *slots;
	uint32_t numbers;
	pcap_dumper_t *out;
	uint64_t us, written;
};

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

/* FROM: 0 the client, 1 the server */
static void packet(struct gen *g, struct slot *s, int from, uint8_t flags, uint32_t payload)
{
	struct pcap_pkthdr h = { .caplen = HEAD + payload, .len = HEAD + payload };
	uint8_t frame[HEAD + 1460] = { [12] = 8, [14] = 0x45, [22] = 64, [23] = IPPROTO_TCP };
	uint32_t client = 0x0a000000 + s->number / 50000, server = 0x0a800001;
	uint16_t port = (uint16_t)(10000 + s->number % 50000);

	put16(frame + 16, 40 + payload);
	put32(frame + 26, from ? server : client);
	put32(frame + 30, from ? client : server);
	put16(frame + 34, from ? 80 : port);
	put16(frame + 36, from ? port : 80);
	put32(frame + 38, s->seq[from]);
	put32(frame + 42, flags & ACK ? s->seq[!from] : 0);
	frame[46] = 0x50;
	frame[47] = flags;
	put16(frame + 48, 65535);
	s->seq[from] += payload + (flags & (SYN | FIN) ? 1 : 0);
	h.ts.tv_sec = (time_t)(1700000000 + g->us / 1000000);
	h.ts.tv_usec = (suseconds_t)(g->us % 1000000);
	pcap_dump((u_char *)g->out, &h, frame);
	g->us += g->gap_us;
	g->written++;
}

static void step(struct gen *g, struct slot *s)
{
	uint32_t close = 3 + 2 * g->turns, at = s->step++;

	if (at == 0)
		packet(g, s, 0, SYN, 0);
	else if (at == 1)
		packet(g, s, 1, SYN | ACK, 0);
	else if (at == 2)
		packet(g, s, 0, ACK, 0);
	else if (at < close)
		packet(g, s, !(at & 1), ACK | PSH, g->payload);
	else if (at == close)
		packet(g, s, 0, FIN | ACK, 0);
	else if (at == close + 1)
		packet(g, s, 1, FIN | ACK, 0);
	else {
		packet(g, s, 0, ACK, 0);
		*s = (struct slot){ .number = g->numbers++, .seq = { 1000, 2000 } };
	}
}

static int usage(void)
{
	fputs("usage: np-pcap [--packets N] [--live N] [--turns N] [--payload BYTES] [--gap-us N] "
	      "FILE\n",
	      stderr);
	return 2;
}

static bool number(const char *text, uint32_t max, uint32_t *out)
{
	return !np_parse_u32(text, 0, max, out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "packets", 1, NULL, 'p' }, { "live", 1, NULL, 'l' },   { "turns", 1, NULL, 't' },
		{ "payload", 1, NULL, 'b' }, { "gap-us", 1, NULL, 'g' }, { 0 }
	};
	struct gen g = { .live = 1000, .turns = 5, .payload = 10, .gap_us = 1 };
	uint32_t packets = 1000000;
	bool ok = true;
	pcap_t *pcap;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		ok = ok && (opt == 'p'   ? number(optarg, UINT32_MAX, &packets)
			    : opt == 'l' ? number(optarg, 10000000, &g.live) && g.live
			    : opt == 't' ? number(optarg, 1000000, &g.turns)
			    : opt == 'b' ? number(optarg, 1460, &g.payload)
			    : opt == 'g' ? number(optarg, 1000000, &g.gap_us)
					 : false);
	if (!ok || optind != argc - 1)
		return usage();
	g.slots = calloc(g.live, sizeof(*g.slots));
	pcap = pcap_open_dead(DLT_EN10MB, 65535);
	g.out = g.slots && pcap ? pcap_dump_open(pcap, argv[optind]) : NULL;
	if (!g.out) {
		fprintf(stderr, "np-pcap: %s: %s\n", argv[optind],
			pcap ? pcap_geterr(pcap) : "out of memory");
		free(g.slots);
		return 1;
	}
	for (uint32_t i = 0; i < g.live; i++)
		g.slots[i] = (struct slot){ .number = g.numbers++, .seq = { 1000, 2000 } };
	for (uint32_t i = 0; g.written < packets; i = (i + 1) % g.live)
		step(&g, &g.slots[i]);
	pcap_dump_close(g.out);
	pcap_close(pcap);
	free(g.slots);
	return 0;
}
