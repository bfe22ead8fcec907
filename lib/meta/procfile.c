// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meta/procfile.h"

#define STARTTIME 22 /* fields count from 1 */

/* A whole decimal number at TEXT, up to a blank or the end. */
static bool number(const char *text, uint64_t *out)
{
	size_t len = strspn(text, "0123456789");

	if (!len || len > 19 || !strchr(" \t\n", text[len]))
		return false;
	*out = 0;
	for (size_t i = 0; i < len; i++)
		*out = *out * 10 + (uint64_t)(text[i] - '0');
	return true;
}

bool np_procfile_stat(struct np_procfile_stat *out, const char *text)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');

	/* The name may hold blanks and brackets of its own: field 3 comes after the last one. */
	if (!open || !close || close < open)
		return false;
	snprintf(out->comm, sizeof(out->comm), "%.*s", (int)(close - open - 1), open + 1);
	text = close;
	for (int field = 2; field < STARTTIME; field++) {
		text = strchr(text, ' ');
		if (!text)
			return false;
		text++;
	}
	return number(text, &out->start);
}

uint32_t np_procfile_uid(const char *text)
{
	const char *line = strstr(text, "\nUid:\t");
	uint64_t uid;

	/* real, effective, saved, file system */
	line = line ? strchr(line + 6, '\t') : NULL;
	return line && number(line + 1, &uid) && uid < UINT32_MAX ? (uint32_t)uid : (uint32_t)-1;
}

/* How much a line of /proc/PID/cgroup is worth: the smaller the better. */
static int rank(const char *line, const char *controllers)
{
	static const char *const best[] = { ":name=systemd:", ":pids:", ":memory:" };

	if (!strncmp(line, "0::", 3))
		return 0;
	for (int i = 0; i < (int)(sizeof(best) / sizeof(best[0])); i++)
		if (!strncmp(controllers, best[i], strlen(best[i])))
			return i + 1;
	return INT_MAX;
}

char *np_procfile_cgroup(char *text)
{
	static const char deleted[] = " (deleted)";
	char *save = NULL, *line, *path, *found = NULL;
	int found_rank = 0;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *one = strchr(line, ':');
		size_t len;
		int r;

		path = one ? strchr(one + 1, ':') : NULL;
		if (!path || path[1] != '/')
			continue;
		path++;
		r = rank(line, one);
		len = strlen(path);
		if (len >= sizeof(deleted) && !strcmp(path + len - sizeof(deleted) + 1, deleted))
			path[len - sizeof(deleted) + 1] = '\0';
		if (!path[1] || (found && r >= found_rank))
			continue;
		found = path;
		found_rank = r;
	}
	return found;
}

char *np_procfile_cmdline(const char *data, size_t len, size_t max)
{
	char *out;

	if (len > max)
		len = max;
	while (len && !data[len - 1])
		len--;
	out = malloc(len + 1);
	if (!out)
		return NULL;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(data[i] ? data[i] : ' ');
	out[len] = '\0';
	return out;
}
