// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Sizes and names of records; records with texts. */
#include <string.h>

#include "source/layout.h"
#include "source/record.h"

_Static_assert((int)NP_EV_MAX <= (int)NP_REC_BEGIN,
	       "types of files come after those of the kernel");
_Static_assert(NP_REC_MAX <= NP_REC_TYPES, "the header has room for all types");
_Static_assert(NP_LOST_MAX <= 16, "np_rec_stats has room for all losses");

static const struct {
	uint16_t size;
	const char *name;
} types[NP_REC_MAX] = {
	[NP_EV_SOCK] = { sizeof(struct np_ev_sock), "sock" },
	[NP_EV_SOCK_END] = { sizeof(struct np_ev_end), "end" },
	[NP_EV_SOCK_STATE] = { sizeof(struct np_ev_state), "state" },
	[NP_EV_SOCK_OWNER] = { sizeof(struct np_ev_owner), "owner" },
	[NP_EV_UDP] = { sizeof(struct np_ev_udp), "udp" },
	[NP_EV_IFACE] = { sizeof(struct np_ev_iface), "iface" },
	[NP_EV_LINK] = { sizeof(struct np_ev_link), "link" },
	[NP_EV_WALK] = { sizeof(struct np_ev_walk), "walk" },
	[NP_EV_ANOMALY] = { sizeof(struct np_ev_anomaly), "anomaly" },
	[NP_EV_PACKET] = { sizeof(struct np_ev_packet), "packet" },
	[NP_EV_SAMPLES] = { sizeof(struct np_ev_samples), "samples" },
	[NP_EV_HIST] = { sizeof(struct np_ev_hist), "hist" },
	[NP_REC_BEGIN] = { sizeof(struct np_rec_look), "begin" },
	[NP_REC_LOOK] = { sizeof(struct np_rec_look), "look" },
	[NP_REC_PROC] = { sizeof(struct np_rec_proc), "proc" },
	[NP_REC_CGROUP] = { sizeof(struct np_rec_name), "cgroup" },
	[NP_REC_USER] = { sizeof(struct np_rec_name), "user" },
	[NP_REC_NETNS] = { sizeof(struct np_rec_name), "netns" },
	[NP_REC_DROP_REASON] = { sizeof(struct np_rec_name), "drop-reason" },
	[NP_REC_RESET_REASON] = { sizeof(struct np_rec_name), "reset-reason" },
	[NP_REC_STACK] = { sizeof(struct np_rec_name), "stack" },
	[NP_REC_ASKED_USER] = { sizeof(struct np_rec_name), "asked-user" },
	[NP_REC_ASKED_NETNS] = { sizeof(struct np_rec_name), "asked-netns" },
	[NP_REC_DROPS] = { sizeof(struct np_rec_drops), "drops" },
	[NP_REC_STATS] = { sizeof(struct np_rec_stats), "stats" },
	[NP_REC_PROG] = { sizeof(struct np_rec_prog), "prog" },
};

uint16_t np_rec_size(uint16_t type)
{
	return type < NP_REC_MAX ? types[type].size : 0;
}

uint16_t np_ev_size(uint16_t type)
{
	return type < NP_EV_MAX && type != NP_EV_PACKET ? types[type].size : 0;
}

const char *np_rec_type_name(uint16_t type)
{
	return np_rec_size(type) ? types[type].name : "unknown";
}

void np_rec_build(struct np_buf *buf, void *fixed, size_t size, const char *const *texts, size_t n)
{
	struct np_ev_hdr *hdr = fixed;

	np_buf_reset(buf);
	np_buf_add(buf, fixed, size);
	for (size_t i = 0; i < n; i++)
		np_buf_add(buf, texts[i], strlen(texts[i]) + 1);
	if (buf->oom || buf->len > UINT16_MAX) {
		np_buf_reset(buf);
		return;
	}
	hdr->size = (uint16_t)buf->len;
	memcpy(buf->data, hdr, sizeof(*hdr));
}

bool np_rec_texts(const void *rec, size_t len, size_t size, const char **texts, size_t n)
{
	const char *at = (const char *)rec + size, *end = (const char *)rec + len;

	if (len < size)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));

		if (!nul)
			return false;
		texts[i] = at;
		at = nul + 1;
	}
	return true;
}
