// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static bool grow(struct np_buf *buf, size_t more)
{
	size_t cap = buf->cap ? buf->cap : 256;
	char *data;

	if (buf->oom)
		return false;
	while (cap - buf->len <= more)
		cap *= 2;
	if (cap == buf->cap)
		return true;
	data = realloc(buf->data, cap);
	if (!data) {
		buf->oom = true;
		return false;
	}
	buf->data = data;
	buf->cap = cap;
	return true;
}

/* Room for MORE bytes and a NUL; there is as a rule. */
static inline bool buf_room(struct np_buf *buf, size_t more)
{
	return (!buf->oom && buf->cap - buf->len > more) || grow(buf, more);
}

void np_buf_add(struct np_buf *buf, const void *data, size_t len)
{
	if (!len || !buf_room(buf, len))
		return;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void np_buf_str(struct np_buf *buf, const char *str)
{
	np_buf_add(buf, str, strlen(str));
}

void np_buf_chr(struct np_buf *buf, char c)
{
	if (!buf_room(buf, 1))
		return;
	buf->data[buf->len++] = c;
	buf->data[buf->len] = '\0';
}

void np_buf_printf(struct np_buf *buf, const char *fmt, ...)
{
	va_list ap, again;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len > 0 && buf_room(buf, (size_t)len)) {
		vsnprintf(buf->data + buf->len, buf->cap - buf->len, fmt, again);
		buf->len += (size_t)len;
	}
	va_end(again);
	va_end(ap);
}

void np_buf_reset(struct np_buf *buf)
{
	buf->len = 0;
	buf->oom = false;
	if (buf->data)
		buf->data[0] = '\0';
}

void np_buf_free(struct np_buf *buf)
{
	if (!buf)
		return;
	free(buf->data);
	*buf = (struct np_buf){ 0 };
}

const char *np_buf_cstr(const struct np_buf *buf)
{
	return buf->data ? buf->data : "";
}
