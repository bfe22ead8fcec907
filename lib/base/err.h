/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One sentence for the user, filled by the function that fails: what, why, how to fix it.
 * The caller owns the struct; library functions return -errno and set the sentence, they never
 * print.
 */
#ifndef NP_ERR_H
#define NP_ERR_H

struct np_err {
	char msg[512];
};

/* Sets the sentence (printf style, truncated to fit). ERR may be NULL. Always returns CODE. */
int np_err_set(struct np_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
