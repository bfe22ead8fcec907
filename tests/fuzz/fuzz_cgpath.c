// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "meta/cgpath.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void terminated(const char *str, size_t size)
{
	if (!memchr(str, '\0', size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct np_cgpath out;
	char *path = malloc(size + 1);

	if (!path)
		return 0;
	memcpy(path, data, size);
	path[size] = '\0';
	np_cgpath_parse(&out, path);
	terminated(out.unit, sizeof(out.unit));
	terminated(out.runtime, sizeof(out.runtime));
	terminated(out.container_id, sizeof(out.container_id));
	terminated(out.pod_uid, sizeof(out.pod_uid));
	if (strchr(out.container_id, '/'))
		abort();
	free(path);
	return 0;
}
