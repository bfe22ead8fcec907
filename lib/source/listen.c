// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/listen.h"

static const char *next_word(const char *at)
{
	at += strcspn(at, " \n");
	return at + (*at == ' ');
}

bool np_netstat_value(const char *text, const char *name, uint64_t *value)
{
	size_t len = strlen(name);

	while (*text) {
		const char *names = text, *values = strchr(text, '\n');

		if (!values++)
			return false;
		for (const char *v = values; *names && *names != '\n' && *v && *v != '\n';
		     names = next_word(names), v = next_word(v)) {
			char *end;

			if (strncmp(names, name, len) || !strchr(" \n", names[len]))
				continue;
			*value = strtoull(v, &end, 10);
			return end != v;
		}
		text = values + strcspn(values, "\n");
		text += *text == '\n';
	}
	return false;
}

static bool is_in(uint32_t pid, uint32_t netns)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	return !stat(path, &st) && (uint32_t)st.st_ino == netns;
}

bool np_listen_drops(uint32_t pid, uint32_t netns, uint64_t *drops)
{
	char path[64], text[16384];
	size_t len = 0;
	ssize_t n;
	int fd;

	/* a listener may be older than its process's move to another namespace */
	if (!is_in(pid, netns))
		return false;
	snprintf(path, sizeof(path), "/proc/%u/net/netstat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (len < sizeof(text) - 1 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	return np_netstat_value(text, "ListenDrops", drops);
}
