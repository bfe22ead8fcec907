/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Privileges are dropped once everything is attached. */
#ifndef NP_PRIV_H
#define NP_PRIV_H

#include <stdbool.h>

/*
 * Keeps only the capabilities that refreshes need (BPF iterators, new interfaces, /proc of others,
 * entering network namespaces, files of container runtimes), SIGNALS: to processes of other users
 * too, and forbids to gain any. 0 or -errno.
 */
int np_priv_drop(bool signals);

#endif
