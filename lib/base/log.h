/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one way for the library to say something beside its results: a callback that the program
 * sets. Without one nothing is said.
 */
#ifndef NP_LOG_H
#define NP_LOG_H

#include <stdarg.h>

enum np_log_level { NP_LOG_WARN, NP_LOG_DEBUG };

typedef void (*np_log_fn)(enum np_log_level level, const char *text);

void np_log_set(np_log_fn fn);
void np_log(enum np_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void np_vlog(enum np_log_level level, const char *fmt, va_list ap);

#endif
