// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-link (see link_main.c): settings, the commands that change them, and what is told. */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/str.h"

#define MAX_TIME 60000000000ULL /* ns */

/* The parser of sizes knows fractions and powers of 1000: TEXT and UNIT make such a size. */
static int scaled(const char *text, const char *unit, uint64_t *out)
{
	char size[32];

	if (snprintf(size, sizeof(size), "%s%s", text, unit) >= (int)sizeof(size))
		return -EINVAL;
	return np_parse_size(size, out);
}

static int parse_time(const char *text, uint64_t *ns)
{
	uint64_t value;

	if (np_parse_duration(text, &value) || value > MAX_TIME)
		return -EINVAL;
	*ns = value;
	return 0;
}

/* Percent: 1 % is a million here, of which 100 are a millionth. */
static int parse_share(const char *text, uint32_t *millionths)
{
	uint64_t value;

	if (scaled(text, "MB", &value) || value > 100000000)
		return -EINVAL;
	*millionths = (uint32_t)(value / 100);
	return 0;
}

/* "10M": 10,000,000 bits a second. */
static int parse_rate(const char *text, uint64_t *rate)
{
	const size_t len = strlen(text);
	const char last = len ? text[len - 1] : '\0';
	uint64_t value;
	char number[24];

	if (!len || len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len + 1);
	if (last == 'k' || last == 'K' || last == 'M' || last == 'G')
		number[len - 1] = '\0';
	const char *unit = last == 'G' ? "GB" : last == 'M' ? "MB" : number[len - 1] ? "" : "kB";
	/* No unit of sizes else: "1MiB" is no rate. */
	if (strspn(number, "0123456789.") != strlen(number) || scaled(number, unit, &value) ||
	    (value && value < 1000))
		return -EINVAL;
	*rate = value;
	return 0;
}

static int set_one(struct link_path *path, const char *name, const char *value)
{
	if (!strcmp(name, "delay"))
		return parse_time(value, &path->delay);
	if (!strcmp(name, "jitter"))
		return parse_time(value, &path->jitter);
	if (!strcmp(name, "hold"))
		return parse_time(value, &path->hold);
	if (!strcmp(name, "loss"))
		return parse_share(value, &path->loss);
	if (!strcmp(name, "reorder"))
		return parse_share(value, &path->reorder);
	if (strcmp(name, "rate") != 0 || parse_rate(value, &path->rate))
		return -EINVAL;
	path->busy_until = 0;
	return 0;
}

int link_set(struct link *link, const char *name, uint32_t dirs, const char *value,
	     struct np_err *err)
{
	for (int dir = 0; dir < LINK_DIRS; dir++) {
		if ((dirs & LINK_BIT(dir)) && set_one(&link->path[dir], name, value))
			return np_err_set(err, -EINVAL, "%s: %s", name, value);
	}
	return 0;
}

static int parse_dirs(const char *text, uint32_t *dirs)
{
	if (!text || !strcmp(text, "both"))
		*dirs = LINK_BOTH;
	else if (!strcmp(text, "ab"))
		*dirs = LINK_BIT(LINK_AB);
	else if (!strcmp(text, "ba"))
		*dirs = LINK_BIT(LINK_BA);
	else
		return -EINVAL;
	return 0;
}

static void clear(struct link *link)
{
	link_rules_clear(&link->rules);
	for (int dir = 0; dir < LINK_DIRS; dir++)
		link->path[dir].loss = link->path[dir].reorder = 0;
}

static bool is_setting(const char *word)
{
#define SAME(name)                  \
	if (!strcmp(word, #name)) { \
		return true;        \
	}
	LINK_SETTINGS(SAME)
#undef SAME
	return false;
}

/* NAME VALUE [DIR], or block|unblock [DIR] */
static int change(struct link *link, const char *verb, char **save, struct np_err *err)
{
	const bool setting = is_setting(verb), block = !strcmp(verb, "block");
	const char *value = setting ? strtok_r(NULL, " ", save) : "";
	const char *dir = strtok_r(NULL, " ", save);
	uint32_t dirs;

	if (!setting && !block && strcmp(verb, "unblock") != 0)
		return np_err_set(err, -EINVAL, "no such command: %s", verb);
	if (!value || parse_dirs(dir, &dirs) || strtok_r(NULL, " ", save))
		return np_err_set(err, -EINVAL, "%s: wrong arguments", verb);
	if (setting)
		return link_set(link, verb, dirs, value, err);
	for (int i = 0; i < LINK_DIRS; i++) {
		if (dirs & LINK_BIT(i))
			link->path[i].blocked = block;
	}
	return 0;
}

static int obey(struct link *link, char *line, bool *stats, struct np_err *err)
{
	char *save = NULL, *verb = strtok_r(line, " ", &save);

	if (!verb)
		return np_err_set(err, -EINVAL, "empty command");
	if (!strcmp(verb, "drop")) {
		const char *spec = strtok_r(NULL, " ", &save);

		if (spec && strtok_r(NULL, " ", &save))
			return np_err_set(err, -EINVAL, "drop: wrong arguments");
		return link_rules_add(&link->rules, spec ? spec : "", err);
	}
	*stats = !strcmp(verb, "stats");
	if (!*stats && strcmp(verb, "clear") != 0)
		return change(link, verb, &save, err);
	if (strtok_r(NULL, " ", &save))
		return np_err_set(err, -EINVAL, "%s: wrong arguments", verb);
	if (!*stats)
		clear(link);
	return 0;
}

void link_command(struct link *link, char *line)
{
	struct np_buf text = { 0 };
	struct np_err err = { 0 };
	bool stats = false;
	char extra[48];

	const bool ok = !obey(link, line, &stats, &err);
	link->told++;
	if (ok && stats) {
		snprintf(extra, sizeof(extra), "\"ack\":%llu,\"ok\":true,",
			 (unsigned long long)link->told);
		link_report(link, extra);
		return;
	}
	if (!ok) {
		np_buf_str(&text, ",\"error\":");
		np_str_json(&text, err.msg, strlen(err.msg));
	}
	printf("{\"ack\":%llu,\"ok\":%s%s}\n", (unsigned long long)link->told,
	       ok ? "true" : "false", np_buf_cstr(&text));
	fflush(stdout);
	np_buf_free(&text);
}

/* Frames that came in faster than they were read. Reading resets the kernel's counter. */
static uint64_t missed(int fd)
{
	struct {
		unsigned int packets, drops;
	} stats = { 0 };
	socklen_t len = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0)
		return 0;
	return stats.drops;
}

static void report_path(struct np_buf *out, struct link_path *path)
{
	struct link_counts *n = &path->n;

	n->missed += missed(path->in);
#define PART(key, value) np_buf_printf(out, "\"" key "\":%llu,", (unsigned long long)(value))
	PART("received", n->received);
	PART("forwarded", n->forwarded);
	PART("lost", n->lost);
	PART("rule", n->rule);
	PART("blocked", n->blocked);
	PART("overflow", n->overflow);
	PART("oversize", n->oversize);
	PART("failed", n->failed);
	PART("queued", path->queued);
	PART("missed", n->missed);
	PART("reordered", n->reordered);
	PART("longest", n->longest);
	PART("late_50us", n->late_50us);
#undef PART
	np_buf_printf(out, "\"late_us\":{\"max\":%.1f,\"mean\":%.1f},\"kinds\":{",
		      (double)n->late_max / 1e3,
		      n->forwarded ? (double)n->late_sum / (double)n->forwarded / 1e3 : 0.0);
	for (int i = 0; i < LINK_KINDS; i++)
		np_buf_printf(out, "%s\"%s\":%llu", i ? "," : "", link_kinds[i],
			      (unsigned long long)n->kinds[i]);
	np_buf_str(out, "}");
}

void link_report(struct link *link, const char *extra)
{
	struct np_buf out = { 0 };

	np_buf_printf(&out, "{%s\"pid\":%d,\"role\":\"link\",\"untracked\":%llu,\"ab\":{", extra,
		      (int)getpid(), (unsigned long long)link->rules.untracked);
	report_path(&out, &link->path[LINK_AB]);
	np_buf_str(&out, "},\"ba\":{");
	report_path(&out, &link->path[LINK_BA]);
	np_buf_str(&out, "}}");
	puts(np_buf_cstr(&out));
	fflush(stdout);
	np_buf_free(&out);
}
