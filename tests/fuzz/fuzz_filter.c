// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "view/filter.h"

#define LONGEST 512 /* libpcap's optimizer takes cubic time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of the C library's, for libpcap: no name leaves this machine. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **res)
{
	(void)name;
	(void)service;
	(void)hints;
	*res = NULL;
	return EAI_NONAME;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
struct netent *getnetbyname(const char *name)
{
	(void)name;
	return NULL;
}

static const struct np_row rows[] = {
	{ .laddr = { [10] = 0xff, 0xff, 10, 1, 2, 3 },
	  .raddr = { [10] = 0xff, 0xff, 192, 0, 2, 7 },
	  .lport = 443,
	  .rport = 50000,
	  .family = AF_INET,
	  .proto = IPPROTO_TCP },
	{ .laddr = { [10] = 0xff, 0xff, 10, 1, 2, 3 },
	  .lport = 53,
	  .family = AF_INET,
	  .proto = IPPROTO_UDP },
	{ .laddr = { 0xfe, 0x80 },
	  .raddr = { 0xfe, 0x80, [15] = 1 },
	  .lport = 1,
	  .rport = 65535,
	  .family = AF_INET6,
	  .proto = IPPROTO_TCP },
	{ .family = AF_INET6, .proto = IPPROTO_UDP },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct np_err err = { "" };
	struct np_filter *filter;
	char text[LONGEST + 1];

	if (size > LONGEST)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (np_filter_compile(&filter, text, &err) == 0) {
		/* what is not wanted never matches */
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (np_filter_match(filter, &rows[i]) &&
			    !np_filter_wants(filter, rows[i].proto))
				abort();
		np_filter_free(filter);
	} else if (!err.msg[0]) {
		abort();
	}
	for (const char *p = err.msg; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
	return 0;
}
