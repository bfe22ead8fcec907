/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a cgroup path alone says: systemd unit, runtime, container id, pod uid. Pure text, no file
 * is read. The result is a value: its strings live inside it. Shapes: systemd and cgroupfs drivers
 * of docker, containerd, CRI-O, podman, crun and kubelet.
 */
#ifndef NP_CGPATH_H
#define NP_CGPATH_H

#include <stddef.h>

struct np_cgpath {
	char unit[256];
	char runtime[16];
	char container_id[128];
	char pod_uid[64]; /* with dashes, as the API server writes it */
};

/* Never fails: fields that the path does not tell are "". PATH may hold any bytes. */
void np_cgpath_parse(struct np_cgpath *out, const char *path);

#endif
