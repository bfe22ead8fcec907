// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Response times: bpf/turn.bpf.c, and np_state for begin and end of each connection. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "netprobe.skel.h"
#include "source/cgroot.h"
#include "source/times.h"

static void prepare(struct np_source *src, bool wanted)
{
	struct np_bpf *bpf = src->bpf;

	/* before 5.12 an address stands for the cookie, and egress does not know it */
	wanted = wanted && !src->no_cookie;
	bpf->rodata->np_want_turn = wanted;
	bpf_map__set_autocreate(bpf->maps.np_turns, wanted);
	bpf_program__set_autoload(bpf->progs.np_turn_recv, wanted);
	bpf_program__set_autoload(bpf->progs.np_turn_sent_skb, wanted);
}

static bool refused(struct np_source *src, const char *program)
{
	if (strcmp(program, "np_turn_recv") != 0 || src->no_cookie)
		return false;
	return src->no_cookie = true;
}

#define KINDS 2
static void times(const struct np_source *src, struct np_times t[KINDS])
{
	for (int i = 0; i < KINDS; i++)
		t[i] = (struct np_times){
			.map = bpf_map__fd(src->bpf->maps.np_turns),
			.value = sizeof(struct np_turn),
			.at = i ? offsetof(struct np_turn, art) : offsetof(struct np_turn, srt),
			.side = offsetof(struct np_turn, side),
			.kind = i ? NP_TIME_ART : NP_TIME_SRT,
		};
}

static int attach_egress(struct np_source *src, struct np_err *err)
{
	int fd = np_cgroot_open();
	int ret = 0;

	if (fd < 0)
		return np_err_set(
		    err, -EOPNOTSUPP,
		    "cannot measure response times: segments sent are seen at the root of cgroup "
		    "v2 and none is mounted; mount it with 'mount -t cgroup2 none "
		    "/sys/fs/cgroup/unified', or leave --srt and --art out");
	src->turn_links[1] = bpf_program__attach_cgroup(src->bpf->progs.np_turn_sent_skb, fd);
	if (!src->turn_links[1])
		ret = np_bpf_explain(err, -errno, "attach to the root cgroup for response times");
	close(fd);
	return ret;
}

static int attach(struct np_source *src, struct np_err *err)
{
	struct np_times t[KINDS];
	int ret;

	if (src->no_cookie)
		return np_err_set(
		    err, -EOPNOTSUPP,
		    "cannot measure response times: this kernel does not tell tracing "
		    "programs a socket's cookie; 5.12 or newer is needed");
	times(src, t);
	np_times_clear(src, t, KINDS);
	ret = attach_egress(src, err);
	if (ret)
		return ret;
	src->bpf->bss->np_turn_on = true;
	return np_attach(src->bpf->progs.np_turn_recv, &src->turn_links[0], err);
}

static void detach(struct np_source *src)
{
	src->bpf->bss->np_turn_on = false;
	np_detach(&src->turn_links[0]);
	np_detach(&src->turn_links[1]);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): struct np_probe has it so */
static int snapshot(struct np_source *src, uint32_t *what)
{
	struct np_times t[KINDS];

	(void)what;
	times(src, t);
	np_times_begin(src);
	return np_times_emit_all(src, t, KINDS);
}

const struct np_probe np_probe_turn = {
	.name = "turn",
	.bit = NP_SRC_TURN,
	.prepare = prepare,
	.refused = refused,
	.attach = attach,
	.detach = detach,
	.snapshot = snapshot,
};
