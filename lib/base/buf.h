/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A growing byte buffer; the caller owns it and frees it with np_buf_free(). A zeroed struct is an
 * empty buffer. The content is always NUL-terminated. A failed allocation sets `oom`, drops what
 * did not fit and is reported once by whoever writes the buffer out.
 */
#ifndef NP_BUF_H
#define NP_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct np_buf {
	char *data; /* NULL while nothing was ever written */
	size_t len;
	size_t cap;
	bool oom;
};

void np_buf_add(struct np_buf *buf, const void *data, size_t len);
void np_buf_str(struct np_buf *buf, const char *str);
void np_buf_chr(struct np_buf *buf, char c);
void np_buf_printf(struct np_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void np_buf_reset(struct np_buf *buf);
void np_buf_free(struct np_buf *buf);
/* The content as a string; "" for an empty buffer. Valid until the next change. */
const char *np_buf_cstr(const struct np_buf *buf);

#endif
