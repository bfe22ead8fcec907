// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "meta/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void terminated(const char *str, size_t size)
{
	if (!memchr(str, '\0', size))
		abort();
}

static void check(const struct np_container *who)
{
	terminated(who->name, sizeof(who->name));
	terminated(who->pod, sizeof(who->pod));
	terminated(who->pod_namespace, sizeof(who->pod_namespace));
	terminated(who->pod_uid, sizeof(who->pod_uid));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct np_container config = { 0 }, docker = { 0 }, storage = { .id = "a" };

	np_oci_config(&config, data, size);
	check(&config);
	np_oci_docker(&docker, data, size);
	check(&docker);
	np_oci_storage(&storage, data, size);
	check(&storage);
	np_oci_owns(data, size, "/a");
	return 0;
}
