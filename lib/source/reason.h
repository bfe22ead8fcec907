/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's reasons in words. Their numbers differ between kernels, so the names are those of
 * the running kernel's type information, which is read when the first one is asked for. Texts stay
 * until the program ends.
 */
#ifndef NP_REASON_H
#define NP_REASON_H

#include <stdint.h>

/*
 * Of enum skb_drop_reason: "tcp_invalid_syn"; of a subsystem, whose own list is not the kernel's:
 * "openvswitch:5"; "reason_77" where there is no name.
 */
const char *np_reason_drop(uint32_t reason);
/* Of enum sk_rst_reason: "tcp_abort_on_close". */
const char *np_reason_reset(uint32_t reason);

struct btf;
struct np_reasons;
/* For tests and for other kernels' files: names from BTF, which may be NULL. NULL: no memory. */
struct np_reasons *np_reasons_new(const struct btf *btf);
void np_reasons_free(struct np_reasons *reasons);
const char *np_reasons_drop(struct np_reasons *reasons, uint32_t reason);
const char *np_reasons_reset(struct np_reasons *reasons, uint32_t reason);

#endif
