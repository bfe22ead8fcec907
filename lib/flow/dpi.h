/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One flow's packets in, its application protocol and host name out: the only place that knows
 * nDPI. The caller owns np_dpi and each np_dpi_flow; names belong to the flow. Packets may be
 * hostile; the caller has checked their headers.
 */
#ifndef NP_DPI_H
#define NP_DPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct np_dpi;      /* the dissectors: 4.5 MiB, 16 ms to make */
struct np_dpi_flow; /* what they remember of a flow: 0.7 KiB and what they reassemble */

#define NP_DPI_PACKET_MAX 8192 /* bytes of one packet */

int np_dpi_new(struct np_dpi **out);
void np_dpi_free(struct np_dpi *dpi);

struct np_dpi_flow *np_dpi_flow_new(void);
void np_dpi_flow_free(struct np_dpi_flow *flow);

/*
 * LEN bytes from the IP header on (IPv4 or IPv6 without extension headers, then TCP or UDP, both
 * headers whole, payload cut where the capture was). TX: the local end sent it. True once no
 * further packet can tell more.
 */
bool np_dpi_packet(struct np_dpi *dpi, struct np_dpi_flow *flow, const uint8_t *packet, size_t len,
		   bool tx, uint64_t ms);
/* No packet follows: has the dissectors decide. BY_PORT: its well-known port will do as well. */
void np_dpi_last(struct np_dpi *dpi, struct np_dpi_flow *flow, bool by_port);

/* "tls", "dns", ...; "" unknown so far. */
const char *np_dpi_app(const struct np_dpi_flow *flow);
/* As it came, in lower case, at most its last 79 bytes; "" unknown so far. */
const char *np_dpi_host(const struct np_dpi_flow *flow);

#endif
