// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The live source: loads the probes' object once, and drives the probes. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "netprobe.skel.h"
#include "source/probe.h"
#include "source/times.h"

static const struct np_probe *const probes[] = {
	&np_probe_owner, &np_probe_sock, &np_probe_udp,  &np_probe_iface, &np_probe_anomaly,
	&np_probe_peek,  &np_probe_rtt,  &np_probe_turn, &np_probe_tree,
};
#define NPROBES (sizeof(probes) / sizeof(probes[0]))

/* libbpf tells which program was refused only in its messages, and those come without a context. */
static __thread char refused_now[24];

static int on_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	va_list again;
	char text[256];
	const char *at;

	va_copy(again, ap);
	np_vlog(NP_LOG_DEBUG, fmt, again);
	va_end(again);
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), fmt, ap);
	at = strstr(text, "prog '");
	if (at && !refused_now[0] && (strstr(at, "failed") || strstr(at, "BPF program load")))
		sscanf(at, "prog '%23[^']'", refused_now);
	return 0;
}

void np_source_emit(struct np_source *src, const void *rec, size_t len)
{
	src->cfg.record(src->cfg.ctx, rec, len);
}

bool np_source_takes(const struct np_source *src, const char *program)
{
	for (size_t i = 0; i < src->nrefused; i++)
		if (!strcmp(src->refused[i], program))
			return false;
	return true;
}

int np_attach(struct bpf_program *prog, struct bpf_link **link, struct np_err *err)
{
	char what[80];

	*link = bpf_program__attach(prog);
	if (*link)
		return 0;
	snprintf(what, sizeof(what), "attach %s", bpf_program__section_name(prog));
	return np_bpf_explain(err, -errno, what);
}

void np_detach(struct bpf_link **link)
{
	bpf_link__destroy(*link);
	*link = NULL;
}

/* Hands on the whole records in BUF; returns how many bytes they were, -EBADMSG for what is none.
 */
static ssize_t emit_all(struct np_source *src, const char *buf, size_t have)
{
	size_t at = 0;

	while (have - at >= sizeof(struct np_ev_hdr)) {
		const struct np_ev_hdr *hdr = (const void *)(buf + at);

		if (hdr->size < sizeof(*hdr))
			return -EBADMSG;
		if (hdr->size > have - at)
			break;
		np_source_emit(src, hdr, hdr->size);
		at += hdr->size;
	}
	return (ssize_t)at;
}

int np_iter_read(struct np_source *src, struct bpf_link *link)
{
	static char buf[64 * 1024] __attribute__((aligned(8)));
	size_t have = 0;
	ssize_t n;
	int fd = bpf_iter_create(bpf_link__fd(link));

	if (fd < 0) {
		src->read_errors++;
		return -errno;
	}
	while ((n = read(fd, buf + have, sizeof(buf) - have)) != 0) {
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		n = n < 0 ? -errno : emit_all(src, buf, have += (size_t)n);
		if (n < 0) {
			src->read_errors++;
			break;
		}
		have -= (size_t)n;
		memmove(buf, buf + n, have);
	}
	close(fd);
	/*
	 * What ended meanwhile ends after the walk saw it, so not before its last record was taken;
	 * but no later either, for the ring must not fill up behind a long one.
	 */
	return n < 0 ? (int)n : np_source_poll(src);
}

static int on_ring(void *ctx, void *data, size_t size)
{
	const struct np_ev_hdr *hdr = data;
	struct np_source *src = ctx;

	if (!np_times_ring(src, hdr))
		np_source_emit(src, data, size);
	return 0;
}

/* One try: open with what is not refused so far, size the maps, load. */
static int load_once(struct np_source *src)
{
	unsigned int all = src->cfg.want | src->cfg.may_want;
	struct bpf_program *prog;
	struct bpf_map *map;
	int err;

	np_bpf__destroy(src->bpf);
	src->bpf = np_bpf__open();
	if (!src->bpf)
		return -errno;
	bpf_object__for_each_program(prog, src->bpf->obj) bpf_program__set_autoload(prog, false);
	bpf_object__for_each_map(map, src->bpf->obj) if (!bpf_map__is_internal(map))
	    bpf_map__set_autocreate(map, false);
	src->bpf->rodata->np_want_cgroup = all & NP_SRC_CGROUP;
	src->bpf->rodata->np_has_cookie = !src->no_cookie;
	src->bpf->rodata->np_sample = src->cfg.sample ? src->cfg.sample : 1;
	src->bpf->rodata->np_self = (uint32_t)getpid();
	for (size_t i = 0; i < NPROBES; i++)
		probes[i]->prepare(src, all & probes[i]->bit);
	refused_now[0] = '\0';
	err = np_bpf__load(src->bpf);
	return err;
}

/* A program that this kernel does not take is left out, where its probe can do without it. */
static int load(struct np_source *src, struct np_err *err)
{
	for (;;) {
		bool can = false;
		int ret = load_once(src);

		if (!ret)
			return 0;
		np_log(NP_LOG_DEBUG, "loading failed: %s (%s)", strerror(-ret), refused_now);
		for (size_t i = 0; i < NPROBES && refused_now[0] && !can; i++)
			can = probes[i]->refused(src, refused_now);
		/* not permitted at all: another try would fail the same way */
		if (!can || ret == -EPERM || src->nrefused == 8 ||
		    !np_source_takes(src, refused_now))
			return np_bpf_explain(err, ret, "load the BPF programs");
		memcpy(src->refused[src->nrefused++], refused_now, sizeof(refused_now));
	}
}

static int open_ring(struct np_source *src, struct np_err *err)
{
	if (!bpf_map__autocreate(src->bpf->maps.np_ring))
		return 0;
	src->ring = ring_buffer__new(bpf_map__fd(src->bpf->maps.np_ring), on_ring, src, NULL);
	if (!src->ring)
		return np_bpf_explain(err, -errno, "map the ring buffer");
	return 0;
}

int np_source_open(struct np_source **out, const struct np_source_cfg *cfg, struct np_err *err)
{
	struct np_source *src = calloc(1, sizeof(*src));
	int ret;

	*out = NULL;
	if (!src)
		return np_err_set(err, -ENOMEM, "out of memory");
	src->cfg = *cfg;
	src->stats_fd = -1;
	libbpf_set_print(on_libbpf);
	ret = load(src, err);
	if (!ret)
		ret = open_ring(src, err);
	if (!ret && cfg->run_stats)
		src->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (!ret)
		ret = np_source_want(src, cfg->want, err);
	if (ret) {
		np_source_close(src);
		return ret;
	}
	*out = src;
	return 0;
}

void np_source_close(struct np_source *src)
{
	if (!src)
		return;
	for (size_t i = NPROBES; i-- > 0 && src->bpf;) {
		probes[i]->detach(src);
		if (probes[i]->close)
			probes[i]->close(src);
	}
	ring_buffer__free(src->ring);
	np_bpf__destroy(src->bpf);
	if (src->stats_fd >= 0)
		close(src->stats_fd);
	free(src);
}

int np_source_want(struct np_source *src, unsigned int want, struct np_err *err)
{
	for (size_t i = 0; i < NPROBES; i++) {
		bool on = want & probes[i]->bit, was = src->attached & probes[i]->bit;
		int ret;

		if (on == was)
			continue;
		if (!on) {
			probes[i]->detach(src);
			continue;
		}
		ret = probes[i]->attach(src, err);
		if (ret) {
			probes[i]->detach(src);
			return ret;
		}
	}
	src->attached = want;
	return 0;
}

int np_source_fd(const struct np_source *src)
{
	return src->ring ? ring_buffer__epoll_fd(src->ring) : -1;
}

int np_source_poll(struct np_source *src)
{
	int n;

	src->bpf->bss->np_woken = false;
	n = src->ring ? ring_buffer__consume(src->ring) : 0;

	return n < 0 ? n : 0;
}

void np_source_soon(struct np_source *src)
{
	src->bpf->bss->np_soon = false;
}

void np_source_hurry(struct np_source *src)
{
	src->tcp_next_ns = 0;
}

static void emit_walk(struct np_source *src, bool begin, uint32_t what)
{
	struct np_ev_walk r = {
		.hdr = { .type = NP_EV_WALK, .size = sizeof(r) },
		.mono_ns = np_clock_mono(),
		.wall_ns = np_clock_wall(),
		.begin = begin,
		.what = what,
	};

	np_source_emit(src, &r, sizeof(r));
}

int np_source_snapshot(struct np_source *src, const uint32_t *netns, size_t n)
{
	uint32_t what = 0;
	int err = 0;

	src->netns = netns;
	src->nnetns = n;
	/* what ended must not be taken for what lives at the same address now */
	if (src->no_cookie)
		err = np_source_poll(src);
	emit_walk(src, true, 0);
	for (size_t i = 0; i < NPROBES && !err; i++)
		if ((src->attached & probes[i]->bit) && probes[i]->snapshot)
			err = probes[i]->snapshot(src, &what);
	/* after the walks: what ended meanwhile ends after it was seen */
	if (!err)
		err = np_source_poll(src);
	emit_walk(src, false, what);
	src->refresh++;
	return err;
}

static void prog_stats(const struct np_source *src, struct np_source_stats *stats)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, src->bpf->obj)
	{
		struct np_source_prog *p = &stats->progs[stats->nprogs];
		struct bpf_prog_info info = { 0 };
		__u32 len = sizeof(info);
		int fd = bpf_program__fd(prog);

		if (fd < 0 || stats->nprogs == NP_SOURCE_PROGS)
			continue;
		snprintf(p->name, sizeof(p->name), "%s", bpf_program__name(prog));
		p->hook = bpf_program__section_name(prog);
		if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
			p->runs = info.run_cnt;
			p->ns = info.run_time_ns;
			p->skipped = info.recursion_misses;
		}
		stats->nprogs++;
	}
}

void np_source_stats(struct np_source *src, struct np_source_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	for (int i = 0; i < NP_LOST_MAX; i++)
		stats->lost[i] = src->bpf->bss->np_lost[i];
	stats->read_errors = src->read_errors;
	stats->netns_missed = src->netns_missed;
	stats->walk_ns = src->walk_ns;
	stats->left_out = src->bpf->bss->np_ends_left_out;
	prog_stats(src, stats);
	for (size_t i = 0; i < NPROBES; i++)
		if (probes[i]->stats)
			probes[i]->stats(src, stats);
}

bool np_source_udp_by_socket(const struct np_source *src)
{
	return src->udp_by_socket;
}

bool np_source_by_address(const struct np_source *src)
{
	return src->no_cookie;
}
