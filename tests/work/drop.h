// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What np-drop's two halves agree on. */
#ifndef NP_DROP_H
#define NP_DROP_H

enum drop_match { DROP_DATA, DROP_SYN, DROP_SYNACK, DROP_ACK, DROP_FIN, DROP_ANY };

#endif
