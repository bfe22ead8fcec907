// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * A record file of any bytes, played by the programs themselves to the last row. The first byte
 * chooses what is asked of it, the second how the rest becomes a file: as it stands; as the content
 * of blocks whose sums are right; or as records whose types and sizes are right, too.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "app/app.h"
#include "flow/detail.h"
#include "source/record.h"
#include "source/source.h"

#define ALL_EVENTS (((1U << NP_AN_MAX) - 1) << NP_EVENT_ANOMALY)
#define ENDS       (1U << NP_EVENT_CLOSE | 1U << NP_EVENT_FAIL)

static const struct np_mode traffic = { .topic = &np_topic_traffic,
					.by = "process",
					.want = NP_SRC_TCP | NP_SRC_UDP };
static const struct np_mode latency = { .topic = &np_topic_latency,
					.by = "connection",
					.want = NP_SRC_TCP };
static const struct np_mode life = { .topic = &np_topic_life,
				     .by = "connection",
				     .want = NP_SRC_TCP | NP_SRC_UDP | NP_SRC_ICMP | NP_SRC_LIFE,
				     .sums = true,
				     .events = ENDS,
				     .may_tell =
					 ENDS | 1U << NP_EVENT_OPEN | 1U << NP_EVENT_STATE };
static const struct np_mode listeners = { .topic = &np_topic_listen,
					  .by = "connection",
					  .want = NP_SRC_LISTEN };
static const struct np_mode events = { .topic = &np_topic_anomalies,
				       .by = "connection",
				       .want = NP_SRC_OWNERS | NP_SRC_ANOMALY,
				       .events = ALL_EVENTS,
				       .may_tell = ALL_EVENTS };
static const struct np_mode summary = { .topic = &np_topic_ailing,
					.by = "connection",
					.want = NP_SRC_TCP | NP_SRC_ANOMALY,
					.at_end = true,
					.events = ALL_EVENTS,
					.may_tell = ALL_EVENTS };

static const struct {
	struct np_tool tool;
	const char *args[6];
} asked[] = {
	{ { .name = "top", .options = NP_FOR_TOP, .mode = &traffic },
	  { "--json", "-o", "+command,container,pod,unit,user,netns" } },
	{ { .name = "top", .options = NP_FOR_TOP, .mode = &traffic },
	  { "--by", "connection", "--stats", "--netns", "there", "--all" } },
	{ { .name = "top", .options = NP_FOR_TOP, .mode = &traffic },
	  { "--by", "container", "--format=csv", "--uid", "somebody" } },
	{ { .name = "top", .options = NP_FOR_TOP, .mode = &traffic },
	  { "--by", "interface", "-c", "3" } },
	{ { .name = "rtt", .options = NP_FOR_RTT, .mode = &latency },
	  { "--syn", "--srt", "--art", "--histogram", "--where", "rtt > 1us" } },
	{ { .name = "flows", .options = NP_FOR_FLOWS, .mode = &life },
	  { "--events", "all", "--json", "-d", "3s", "tcp or udp" } },
	{ { .name = "flows", .options = NP_FOR_FLOWS, .mode = &listeners }, { "--json" } },
	{ { .name = "retrans", .options = NP_FOR_RETRANS, .mode = &events }, { "--stack" } },
	{ { .name = "retrans", .options = NP_FOR_RETRANS, .mode = &summary }, { "--json" } },
};

/* libFuzzer keeps streams of its own. */
int LLVMFuzzerInitialize(int *argc, char ***argv) /* NOLINT(readability-non-const-parameter) */
{
	(void)argc;
	(void)argv;
	stdout = fopen("/dev/null", "we");
	stderr = fopen("/dev/null", "we");
	return !stdout || !stderr;
}

static void put(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		abort();
}

static void put_head(int fd)
{
	const size_t from = offsetof(struct np_rec_head, flags);
	struct np_rec_head h = { .mark = NP_REC_MARK,
				 .version = NP_REC_VERSION,
				 .size = sizeof(h),
				 .flags = NP_REC_F_STACKS,
				 .interval_ns = 1000000000,
				 .want = ~0U,
				 .anomalies = ~0U,
				 .tool = "fuzz" };

	memcpy(h.magic, NP_REC_MAGIC, sizeof(h.magic));
	for (uint16_t i = 0; i < NP_REC_TYPES; i++)
		h.sizes[i] = np_rec_size(i);
	h.crc = (uint32_t)crc32(0, (const uint8_t *)&h + from, sizeof(h) - from);
	put(fd, &h, sizeof(h));
}

static void put_block(int fd, const void *raw, size_t size)
{
	struct np_rec_block block = { .kind = NP_REC_BLOCK, .raw = (uint32_t)size };
	uLongf stored = compressBound(size);
	uint8_t *out = malloc(stored);

	if (!out || compress2(out, &stored, raw, size, 1) != Z_OK)
		abort();
	block.stored = (uint32_t)stored;
	block.crc = (uint32_t)crc32(0, out, block.stored);
	put(fd, &block, sizeof(block));
	put(fd, out, stored);
	free(out);
}

/* Few sockets and processes, so that records meet. */
static void same_ones(struct np_ev_hdr *hdr)
{
	uint64_t *key = (uint64_t *)(void *)(hdr + 1);

	if (hdr->type != NP_EV_WALK && hdr->type != NP_REC_BEGIN && hdr->type != NP_REC_LOOK)
		*key %= 8;
}

/* One record: its type from a byte, for those with room for more its size from another. */
static size_t shape(uint8_t *raw, const uint8_t *data, size_t size, size_t *used)
{
	uint16_t type = data[0] % NP_REC_MAX, least = np_rec_size(type);
	size_t more = size > 1 ? data[1] : 0, want, take;
	struct np_ev_hdr hdr;

	*used = size > 1 ? 2 : 1;
	if (!least)
		return 0;
	want = least;
	if (type == NP_EV_PACKET || (type >= NP_REC_PROC && type < NP_REC_DROPS))
		want += more;
	take = size - *used < want ? size - *used : want;
	memset(raw, 0, want + 8);
	memcpy(raw, data + *used, take);
	*used += take;
	memcpy(&hdr, raw, sizeof(hdr));
	hdr.type = type;
	hdr.size = (uint16_t)want;
	memcpy(raw, &hdr, sizeof(hdr));
	same_ones((struct np_ev_hdr *)(void *)raw);
	return (want + 7) & ~(size_t)7;
}

static void put_shaped(int fd, const uint8_t *data, size_t size)
{
	static uint8_t raw[NP_REC_RAW_MAX] __attribute__((aligned(8)));
	size_t len = 0, used;

	while (size && len < sizeof(raw) - 8192) {
		len += shape(raw + len, data, size, &used);
		data += used;
		size -= used;
	}
	if (len)
		put_block(fd, raw, len);
}

static void put_file(int fd, uint8_t how, const uint8_t *data, size_t size)
{
	static const struct np_rec_block end = { .kind = NP_REC_BLOCK_END };

	if (how % 4 == 0) {
		put(fd, data, size);
		return;
	}
	put_head(fd);
	size = size < NP_REC_RAW_MAX ? size : NP_REC_RAW_MAX;
	if (how % 4 == 1 && size >= 8)
		put_block(fd, data, size & ~(size_t)7);
	else
		put_shaped(fd, data, size);
	if (how & 4)
		put(fd, &end, sizeof(end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[40], *argv[12] = { "fuzz", "-b", "-r", name };
	int argc = 4, fd;
	size_t which;

	if (size < 3)
		return 0;
	which = data[0] % (sizeof(asked) / sizeof(asked[0]));
	fd = memfd_create("record", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	put_file(fd, data[1], data + 2, size - 2);
	for (size_t i = 0; i < 6 && asked[which].args[i]; i++)
		argv[argc++] = (char *)(uintptr_t)asked[which].args[i];
	np_main(&asked[which].tool, argc, argv);
	close(fd);
	return 0;
}
