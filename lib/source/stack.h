/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's stacks in words, by /proc/kallsyms, which is read when the first one is asked for.
 * np_stacks owns all texts.
 */
#ifndef NP_STACK_H
#define NP_STACK_H

#include <stddef.h>
#include <stdint.h>

struct np_stacks;

/* Of a BPF_MAP_TYPE_STACK_TRACE map, which is not closed; NULL: no memory. */
struct np_stacks *np_stacks_new(int map_fd);
void np_stacks_free(struct np_stacks *stacks);
/*
 * "func+0x12;caller+0x3", innermost first, without the frames of the tracing itself; a bare address
 * where the kernel hides its symbols; "" for an unknown ID, or where STACKS is NULL.
 */
const char *np_stacks_text(struct np_stacks *stacks, uint32_t id);

/* For tests: symbols of a file in the format of /proc/kallsyms; a text of N addresses into BUF. */
int np_stacks_symbols(struct np_stacks *stacks, const char *path);
/* The running kernel's; says so where it hides them. */
void np_stacks_kernel(struct np_stacks *stacks);
void np_stacks_format(const struct np_stacks *stacks, const uint64_t *addr, size_t n, char *buf,
		      size_t size);

#endif
