/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The JSON files in which container runtimes keep what a container is called. Each function takes
 * the bytes of one file, whatever they are, and fills the fields of the caller's struct that are
 * still empty. Nothing is kept.
 */
#ifndef NP_OCI_H
#define NP_OCI_H

#include <stdbool.h>
#include <stddef.h>

struct np_container {
	char runtime[16];
	char id[128];
	char name[256];
	char pod[256];
	char pod_namespace[128];
	char pod_uid[64];
};

/* OCI bundle's config.json: the annotations of containerd, CRI-O, nerdctl. False: not JSON. */
bool np_oci_config(struct np_container *out, const void *data, size_t len);
/* docker's config.v2.json. False: not JSON. */
bool np_oci_docker(struct np_container *out, const void *data, size_t len);
/* containers.json of containers/storage (podman, CRI-O): the name of OUT->id. False: not there. */
bool np_oci_storage(struct np_container *out, const void *data, size_t len);
/* Does crun's status, runc's state.json or a config.json say that its container is in CGROUP? */
bool np_oci_owns(const void *data, size_t len, const char *cgroup);

#endif
