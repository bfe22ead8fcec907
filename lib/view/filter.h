/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A libpcap filter expression ("host 10.0.0.1 and tcp port 443") over connections: compiled by
 * libpcap for raw IP, run over a header made from the 5-tuple. A connection matches when a packet
 * of either direction would. What looks at anything that the 5-tuple does not say (flags, lengths,
 * link layer, payload) is refused with one sentence, never silently false. np_filter owns its
 * program.
 */
#ifndef NP_FILTER_H
#define NP_FILTER_H

#include <stdbool.h>

#include "base/err.h"
#include "flow/row.h"

struct np_filter;

/*
 * Empty text matches everything. 0, or -ENOMEM, or -EINVAL with one sentence that shows the filter:
 * what libpcap says, what it asks that no connection tells, or that no TCP or UDP connection can
 * match. A host name is looked up here, as tcpdump does, for as long as the resolver waits.
 */
int np_filter_compile(struct np_filter **out, const char *text, struct np_err *err);
void np_filter_free(struct np_filter *filter);
/* A NULL filter matches everything; so does every interface row. */
bool np_filter_match(const struct np_filter *filter, const struct np_row *row);
/* Whether any connection of IPPROTO_TCP (IPPROTO_UDP) could match: false is proven. */
bool np_filter_wants(const struct np_filter *filter, int proto);

#endif
