// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What np-unseen's two halves agree on. */
#ifndef NP_UNSEEN_H
#define NP_UNSEEN_H

#define UNSEEN_MAX 4

struct unseen_interface {
	unsigned long long cookie;   /* the namespace's */
	unsigned int netns, ifindex; /* its inode */
};

enum unseen_kind { UNSEEN_PACKET, UNSEEN_STATE, UNSEEN_RETRANS, UNSEEN_KINDS };

#endif
