// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* libbpf's own callback carries no context, so this one place is a variable of the process. */
static np_log_fn log_fn;

void np_log_set(np_log_fn fn)
{
	log_fn = fn;
}

void np_vlog(enum np_log_level level, const char *fmt, va_list ap)
{
	char text[1024];
	size_t len;

	if (!log_fn)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	len = strlen(text);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	log_fn(level, text);
}

void np_log(enum np_log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	np_vlog(level, fmt, ap);
	va_end(ap);
}
