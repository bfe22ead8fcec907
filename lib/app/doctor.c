// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* --doctor: each thing that a need rests on, tried rather than guessed, with the fix where it
 * fails. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "app/cgscope.h"
#include "app/run.h"
#include "base/str.h"
#include "flow/detail.h"

enum verdict { OK, WORSE, FAIL };
static const char *const verdicts[] = { "ok", "degraded", "fail" };

struct check {
	const char *name;
	enum verdict verdict;
	char detail[160];
	char fix[512];
};

static void no_record(void *ctx, const void *rec, size_t len)
{
	(void)ctx;
	(void)rec;
	(void)len;
}

static void check_kernel(struct check *c)
{
	struct utsname u;
	unsigned int major = 0, minor = 0;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		memcpy(u.release, "?", 2);
	snprintf(c->detail, sizeof(c->detail), "Linux %.64s on %.32s", u.release, u.machine);
	if (major < 5 || (major == 5 && minor < 10)) {
		c->verdict = FAIL;
		snprintf(c->fix, sizeof(c->fix), "use a kernel of 5.10 or newer");
	}
}

static void check_btf(struct check *c)
{
	snprintf(c->detail, sizeof(c->detail), "/sys/kernel/btf/vmlinux");
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		return;
	c->verdict = FAIL;
	snprintf(c->fix, sizeof(c->fix), "use a kernel with CONFIG_DEBUG_INFO_BTF=y");
}

static void check_caps(struct check *c)
{
	static const struct {
		cap_value_t cap;
		const char *name;
	} needed[] = { { CAP_BPF, "CAP_BPF" },
		       { CAP_PERFMON, "CAP_PERFMON" },
		       { CAP_NET_ADMIN, "CAP_NET_ADMIN" },
		       { CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
		       { CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
		       { CAP_SYS_ADMIN, "CAP_SYS_ADMIN" } };
	cap_t caps = cap_get_proc();
	size_t len = 0;

	for (size_t i = 0; caps && i < sizeof(needed) / sizeof(needed[0]); i++) {
		cap_flag_value_t on = CAP_CLEAR;

		if (cap_get_flag(caps, needed[i].cap, CAP_EFFECTIVE, &on) || on == CAP_SET)
			continue;
		len += (size_t)snprintf(c->detail + len, sizeof(c->detail) - len, "%s%s",
					len ? ", " : "missing ", needed[i].name);
		c->verdict = i < 2 ? FAIL : c->verdict == OK ? WORSE : c->verdict;
	}
	if (caps)
		cap_free(caps);
	if (!len)
		snprintf(c->detail, sizeof(c->detail), "all that is needed");
	else
		snprintf(c->fix, sizeof(c->fix), "run it with sudo");
}

static void check_lockdown(struct check *c)
{
	char line[80] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	snprintf(c->detail, sizeof(c->detail), "not in force");
	if (!f)
		return;
	if (fgets(line, sizeof(line), f) && strstr(line, "[confidentiality]")) {
		c->verdict = FAIL;
		snprintf(c->detail, sizeof(c->detail), "confidentiality");
		snprintf(c->fix, sizeof(c->fix), "boot with lockdown=integrity or none");
	} else if (strstr(line, "[integrity]")) {
		snprintf(c->detail, sizeof(c->detail), "integrity: no kprobes, none are needed");
	}
	fclose(f);
}

/* The kernel's records number processes as the first pid namespace does (PROC_PID_INIT_INO). */
static void check_pidns(struct check *c)
{
	struct stat st;

	snprintf(c->detail, sizeof(c->detail), "the host's");
	if (stat("/proc/self/ns/pid", &st) || st.st_ino == 0xEFFFFFFCU)
		return;
	c->verdict = WORSE;
	snprintf(c->detail, sizeof(c->detail),
		 "not the host's: process ids do not match /proc here");
	snprintf(c->fix, sizeof(c->fix),
		 "owners of living connections, command lines and containers need the host's: "
		 "docker run "
		 "--pid=host, or hostPID: true");
}

/* Of those asked for, which this kernel can show. */
static void check_anomalies(struct check *c, const struct np_source *source, uint32_t asked)
{
	uint32_t lacks = asked & ~np_source_anomalies(source);
	int all = 0, can = 0;
	size_t len;

	for (unsigned int i = 0; i < NP_AN_MAX; i++) {
		all += asked >> i & 1;
		can += (asked & ~lacks) >> i & 1;
	}
	snprintf(c->detail, sizeof(c->detail), "%d of %d kinds", can, all);
	if (!lacks)
		return;
	c->verdict = WORSE;
	len = (size_t)snprintf(c->fix, sizeof(c->fix), "a newer kernel (5.17) shows these too:");
	for (unsigned int i = 0; i < NP_AN_MAX; i++)
		if (lacks >> i & 1)
			len += (size_t)snprintf(c->fix + len, sizeof(c->fix) - len, " %s",
						np_event_name(NP_EVENT_ANOMALY + i));
}

/* Loads and attaches for real, and names the hook that it came to. */
static void check_source(struct check *c, struct np_source_cfg cfg, const char *show)
{
	struct np_source *source = NULL;
	struct np_source_stats st;
	struct np_err err = { "" };

	cfg.record = no_record;
	if (np_source_open(&source, &cfg, &err)) {
		c->verdict = FAIL;
		snprintf(c->fix, sizeof(c->fix), "%s", err.msg);
		snprintf(c->detail, sizeof(c->detail), "does not work here");
		return;
	}
	np_source_snapshot(source, NULL, 0);
	np_source_stats(source, &st);
	for (size_t i = 0; i < st.nprogs; i++) {
		size_t len = strlen(c->detail);

		if (!strstr(show, st.progs[i].name) || strstr(c->detail, st.progs[i].hook))
			continue;
		snprintf(c->detail + len, sizeof(c->detail) - len, "%s%s", len ? ", " : "",
			 st.progs[i].hook);
	}
	if (cfg.anomalies)
		check_anomalies(c, source, cfg.anomalies);
	if (np_source_by_address(source)) {
		c->verdict = WORSE;
		snprintf(c->fix, sizeof(c->fix),
			 "sockets are told apart by address, so short connections may be mixed up; "
			 "Linux 5.12 has a number for each");
	}
	if (st.netns_missed) {
		c->verdict = WORSE;
		snprintf(c->fix, sizeof(c->fix),
			 "%llu network namespaces could not be entered: add CAP_SYS_ADMIN",
			 (unsigned long long)st.netns_missed);
	}
	np_source_close(source);
}

static void check_tcp(struct check *c)
{
	check_source(c, (struct np_source_cfg){ .want = NP_SRC_TCP },
		     "np_walk_files np_walk_tcp np_state np_destroy");
}

static void check_udp(struct check *c)
{
	check_source(c, (struct np_source_cfg){ .want = NP_SRC_UDP },
		     "np_udp_send np_udp_recv np_udp_create np_udp_egress np_udp_ingress");
	if (c->verdict == OK && strstr(c->detail, "cgroup")) {
		c->verdict = WORSE;
		snprintf(
		    c->fix, sizeof(c->fix),
		    "bytes are exact but cost more, and a shared socket's process may be another; "
		    "Linux 6.3 has the better hook");
	}
}

static void check_iface(struct check *c)
{
	check_source(c, (struct np_source_cfg){ .want = NP_SRC_IFACE }, "np_tc_rx np_tc_tx");
	if (c->verdict == OK && strstr(c->detail, "clsact"))
		c->verdict = WORSE;
	if (c->verdict == WORSE && !c->fix[0])
		snprintf(c->fix, sizeof(c->fix),
			 "works; Linux 6.6 has tcx, which needs no cleaning up");
}

static void check_rtt(struct check *c)
{
	check_source(c, (struct np_source_cfg){ .want = NP_SRC_TCP | NP_SRC_RTT }, "np_rtt_probe");
}

static void check_turn(struct check *c)
{
	check_source(c, (struct np_source_cfg){ .want = NP_SRC_TCP | NP_SRC_TURN },
		     "np_turn_recv np_turn_sent_skb");
	/* round trips and handshakes are there without */
	if (c->verdict == FAIL)
		c->verdict = WORSE;
}

static void check_all_anomalies(struct check *c)
{
	check_source(c,
		     (struct np_source_cfg){ .want = NP_SRC_TCP | NP_SRC_ANOMALY,
					     .anomalies = (1U << NP_AN_MAX) - 1 },
		     "");
}

static void check_peek(struct check *c)
{
	check_source(c, (struct np_source_cfg){ .want = NP_SRC_TCP | NP_SRC_PEEK },
		     "np_peek_egress np_peek_ingress");
	if (c->verdict == FAIL)
		c->verdict = WORSE;
}

static void check_cgroup(struct check *c)
{
	char line[1024], dir[512], type[64];
	FILE *f = fopen("/proc/self/mounts", "re");

	c->verdict = WORSE;
	snprintf(c->detail, sizeof(c->detail), "not mounted");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %511s %63s", dir, type) != 2 || strcmp(type, "cgroup2") != 0)
			continue;
		c->verdict = OK;
		snprintf(c->detail, sizeof(c->detail), "at %.120s", dir);
		break;
	}
	if (f)
		fclose(f);
	if (c->verdict != OK)
		snprintf(c->fix, sizeof(c->fix),
			 "units and containers are found by /proc/PID/cgroup only; mount cgroup2");
}

/* Makes one and takes it away; where that cannot be, descent by fork tells as well. */
static void check_command(struct check *c)
{
	struct np_source_cfg cfg = { .want = NP_SRC_TREE };
	struct np_cgscope *cg = NULL;
	struct np_err err = { "" };
	char hooks[sizeof(c->detail)];

	if (np_cgscope_new(&cg, &err))
		cfg.tree_pid = (uint32_t)getpid(); /* stands for one */
	else
		cfg.tree_cgroup = np_cgscope_id(cg);
	check_source(c, cfg, "np_tree_mkdir np_tree_fork");
	if (c->verdict == FAIL) {
		c->verdict = WORSE; /* all else is there without */
	} else {
		memcpy(hooks, c->detail, sizeof(hooks));
		snprintf(c->detail, sizeof(c->detail), "followed by its %s, %.100s",
			 cg ? "cgroup" : "processes", hooks);
		c->verdict = cg ? OK : WORSE;
		snprintf(c->fix, sizeof(c->fix), "%s", err.msg);
	}
	np_cgscope_free(cg);
}

static const struct {
	const char *name;
	void (*run)(struct check *c);
	unsigned int only; /* NP_FOR_*; 0: all programs */
	unsigned int must; /* of these it is the main thing, of others an extra; 0: of all */
} checks[] = {
	{ "kernel", check_kernel, 0, 0 },
	{ "type information", check_btf, 0, 0 },
	{ "capabilities", check_caps, 0, 0 },
	{ "lockdown", check_lockdown, 0, 0 },
	{ "TCP", check_tcp, 0, 0 },
	{ "UDP", check_udp, 0, 0 },
	{ "interfaces", check_iface, 0, 0 },
	{ "round trips", check_rtt, 0, NP_FOR_RTT },
	{ "response times", check_turn, 0, NP_FOR_RTT },
	{ "anomalies", check_all_anomalies, 0, NP_FOR_RETRANS },
	{ "applications", check_peek, NP_FOR_FLOWS, 0 },
	{ "cgroup v2", check_cgroup, 0, 0 },
	{ "-- COMMAND", check_command, 0, 0 },
	{ "pid namespace", check_pidns, 0, 0 },
};

static void json(struct np_buf *out, const struct check *c)
{
	const char *const pairs[][2] = { { "check", c->name },
					 { "verdict", verdicts[c->verdict] },
					 { "detail", c->detail },
					 { "fix", c->fix } };

	np_buf_chr(out, '{');
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		np_buf_printf(out, "%s\"%s\":", i ? "," : "", pairs[i][0]);
		np_str_json(out, pairs[i][1], strlen(pairs[i][1]));
	}
	np_buf_str(out, "}\n");
}

int np_doctor(const struct np_opts *opts)
{
	/* -o json is how other doctors have it */
	bool as_json = (opts->format && !strcmp(opts->format, "json")) ||
		       (opts->output && !strcmp(opts->output, "json"));
	unsigned int tool = opts->tool->options;
	int status = NP_EXIT_OK;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct check c = { .name = checks[i].name };
		struct np_buf out = { 0 };

		if (checks[i].only && !(checks[i].only & tool))
			continue;
		checks[i].run(&c);
		if (c.verdict == FAIL && checks[i].must && !(checks[i].must & tool))
			c.verdict = WORSE;
		if (c.verdict == FAIL)
			status = NP_EXIT_CANNOT;
		if (as_json)
			json(&out, &c);
		else
			np_buf_printf(&out, "%-9s %-17s %s%s%s\n", verdicts[c.verdict], c.name,
				      c.detail,
				      c.fix[0] ? "\n                            fix: " : "", c.fix);
		fputs(np_buf_cstr(&out), stdout);
		np_buf_free(&out);
	}
	return status;
}
