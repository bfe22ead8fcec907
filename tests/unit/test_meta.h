/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A made-up root directory for the tests of lib/meta. */
#ifndef NP_TEST_META_H
#define NP_TEST_META_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static int root_make(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/np-test-meta-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int root_remove(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The whole path of a file below the root; the directories that lead there are made. */
static const char *root_path(const char *path)
{
	static char whole[1024];

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		(void)mkdir(whole, 0755);
		*at = '/';
	}
	return whole;
}

static inline void root_write(const char *path, const char *text)
{
	FILE *f = fopen(root_path(path), "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

#endif
