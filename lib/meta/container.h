/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a container is called and whose pod it is in, from the files that its runtime, the kubelet
 * or docker left on this host. The result is a value.
 */
#ifndef NP_CONTAINER_H
#define NP_CONTAINER_H

#include "meta/cgpath.h"
#include "meta/oci.h"

/*
 * The container of the cgroup PATH, which np_cgpath_parse() took to CG. Files are read below
 * ROOTFD. Fields that are nowhere to be found are "", all of them where the cgroup is no
 * container's. A path which does not say that it is a container's (crun and runc by hand,
 * containerd's namespaces) is one only if the runtime's own state names this very path. ROOTFD -1:
 * from CG alone. True where a name was read, false where it was made of the id.
 */
bool np_container_find(struct np_container *out, int rootfd, const char *path,
		       const struct np_cgpath *cg);
/* May this id be part of a file's path? No slash, no "..", none of what no runtime would take. */
bool np_container_id_ok(const char *id);

#endif
