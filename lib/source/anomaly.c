// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What goes wrong in TCP: bpf/anomaly.bpf.c, fail, dropped, zerowin. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "netprobe.skel.h"
#include "source/probe.h"
#include "source/stack.h"

#define KIND(name) (1u << NP_AN_##name)
/* those that wait for the owner of the connection, where a walk finds none in time */
#define WAIT \
	(KIND(RETRANS) | KIND(CONNECT_FAIL) | KIND(TIMEOUT) | KIND(RST_RECV) | KIND(ZERO_WINDOW))

/* Attached while something goes wrong: np_source_alarm(). */
#define ALARM "np_an_state"

/* Which program which kinds need. Those of zero-window are dear: one runs for each segment. */
static const struct {
	const char *name;
	uint32_t shows, helps; /* by itself, or what another one shows */
} programs[] = {
	{ "np_an_retrans", KIND(RETRANS), 0 },
	{ "np_an_synack", KIND(SYNACK_RETRANS), 0 },
	{ "np_an_rst_tx", KIND(RST_SENT) | KIND(PORT_REUSE), 0 },
	{ "np_an_rst_rx", KIND(RST_RECV), KIND(CONNECT_FAIL) | KIND(TIMEOUT) },
	{ "np_an_error", KIND(CONNECT_FAIL) | KIND(TIMEOUT), 0 },
	{ "np_an_destroy", 0, WAIT },
	{ ALARM, 0, WAIT },
	{ "np_an_drop", KIND(DROP) | KIND(PORT_REUSE) | KIND(LISTEN_OVERFLOW), 0 },
	{ "np_zwin_segment", KIND(ZERO_WINDOW), 0 },
	{ "np_zwin_read", 0, KIND(ZERO_WINDOW) },
	{ "np_zwin_destroy", 0, KIND(ZERO_WINDOW) },
};
#define NPROGRAMS (sizeof(programs) / sizeof(programs[0]))
_Static_assert(NPROGRAMS == NP_ANOMALY_LINKS, "room for all links");

static struct bpf_program *find(const struct np_source *src, size_t i)
{
	return bpf_object__find_program_by_name(src->bpf->obj, programs[i].name);
}

/* Before 5.17 no drop tells its reason, and most are none. */
static bool have_reasons(struct np_source *src)
{
	struct btf *btf;

	if (!src->reasons_known) {
		btf = btf__load_vmlinux_btf();
		src->reasons = btf && btf__find_by_name(btf, "skb_drop_reason") > 0;
		src->reasons_known = true;
		btf__free(btf);
	}
	return src->reasons;
}

static bool runs(struct np_source *src, size_t i)
{
	if (!strcmp(programs[i].name, "np_an_drop") && !have_reasons(src))
		return false;
	return (src->cfg.anomalies & (programs[i].shows | programs[i].helps)) &&
	       (np_source_takes(src, programs[i].name) ||
		programs[i].name == src->asked_for_cookies);
}

static void prepare(struct np_source *src, bool wanted)
{
	struct np_bpf *bpf = src->bpf;
	uint32_t mask = wanted ? src->cfg.anomalies : 0;

	bpf->rodata->np_an_mask = mask;
	bpf->rodata->np_an_stacks = src->cfg.stacks;
	bpf->rodata->np_jiffy_ns = np_clock_tick();
	bpf_map__set_autocreate(bpf->maps.np_stacks, mask && src->cfg.stacks);
	bpf_map__set_autocreate(bpf->maps.np_an_last_reset, mask);
	bpf_map__set_autocreate(bpf->maps.np_zwin, mask & KIND(ZERO_WINDOW));
	for (size_t i = 0; i < NPROGRAMS; i++)
		bpf_program__set_autoload(find(src, i), wanted && runs(src, i));
}

/*
 * Kernels before 5.14 report no errors of sockets, and are right to refuse np_an_error. What else
 * is refused first may only have asked for a cookie (before 5.12), and is tried once more without.
 */
static bool refused(struct np_source *src, const char *program)
{
	for (size_t i = 0; i < NPROGRAMS; i++) {
		if (strcmp(programs[i].name, program))
			continue;
		if (!src->no_cookie && strcmp(program, "np_an_error")) {
			src->no_cookie = true;
			src->asked_for_cookies = programs[i].name;
			return true;
		}
		return runs(src, i);
	}
	return false;
}

static int attach(struct np_source *src, struct np_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < NPROGRAMS && !ret; i++)
		if (runs(src, i) && strcmp(programs[i].name, ALARM) != 0)
			ret = np_attach(find(src, i), &src->anomaly_links[i], err);
	/* now: later there is no CAP_SYSLOG any more, without which all addresses are 0 */
	if (!ret && src->cfg.stacks && !src->stacks) {
		src->stacks = np_stacks_new(bpf_map__fd(src->bpf->maps.np_stacks));
		if (src->stacks)
			np_stacks_kernel(src->stacks);
	}
	return ret;
}

void np_source_alarm(struct np_source *src, bool on)
{
	for (size_t i = 0; i < NPROGRAMS; i++) {
		if (strcmp(programs[i].name, ALARM) != 0 || !(src->attached & NP_SRC_ANOMALY) ||
		    !runs(src, i))
			continue;
		if (!on)
			np_detach(&src->anomaly_links[i]);
		else if (!src->anomaly_links[i])
			np_attach(find(src, i), &src->anomaly_links[i], NULL);
	}
}

static void detach(struct np_source *src)
{
	for (size_t i = 0; i < NPROGRAMS; i++)
		np_detach(&src->anomaly_links[i]);
}

/* Windows that are zero still: a copy, marked as open. Those not yet known to be zero are NONE. */
static int snapshot(struct np_source *src, uint32_t *what)
{
	struct np_zwin_key key, *before = NULL;
	struct np_ev_anomaly r;
	uint64_t now = np_clock_mono();
	uint32_t max = 0;
	int map;

	if (!bpf_map__autocreate(src->bpf->maps.np_zwin))
		return 0;
	map = bpf_map__fd(src->bpf->maps.np_zwin);
	/* where an entry goes away under the walk it begins anew: not forever */
	while (!bpf_map_get_next_key(map, before, &key) && max++ < 32768) {
		before = &key;
		if (bpf_map_lookup_elem(map, &key, &r) || r.hdr.type != NP_EV_ANOMALY)
			continue;
		r.dur_ns = now > r.ts_ns ? now - r.ts_ns : 0;
		np_source_emit(src, &r, sizeof(r));
	}
	*what |= NP_WALK_ZWIN;
	return 0;
}

static void close_stacks(struct np_source *src)
{
	np_stacks_free(src->stacks);
	src->stacks = NULL;
}

const struct np_probe np_probe_anomaly = {
	.name = "anomaly",
	.bit = NP_SRC_ANOMALY,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.snapshot = snapshot,
	.close = close_stacks,
};

uint32_t np_source_anomalies(const struct np_source *src)
{
	uint32_t can = 0;

	for (size_t i = 0; i < NPROGRAMS; i++)
		if (src->anomaly_links[i])
			can |= programs[i].shows;
	/* these two come from the walks */
	return (can | KIND(LISTEN_OVERFLOW) | KIND(HALF_CLOSE)) & src->cfg.anomalies;
}

const char *np_source_stack(struct np_source *src, int32_t stack_id)
{
	if (stack_id < 0 || !src->cfg.stacks)
		return "";
	return np_stacks_text(src->stacks, (uint32_t)stack_id);
}
