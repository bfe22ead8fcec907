/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Files below a directory that stands for "/", read whole and bounded. Symlinks on the way are
 * resolved inside of that directory; what is opened is a regular file or a directory, never a FIFO
 * or a device. Nothing is kept.
 */
#ifndef NP_ROOTFILE_H
#define NP_ROOTFILE_H

#include <dirent.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/buf.h"

/* Replaces the content of BUF. PATH is relative to ROOTFD. 0, -EFBIG past MAX bytes, other -errno.
 */
int np_rootfile_read(int rootfd, const char *path, size_t max, struct np_buf *buf);
/* The same with a path put together, printf style; -ENAMETOOLONG where it does not fit. */
int np_rootfile_readf(int rootfd, size_t max, struct np_buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Whatever it is, without opening it; 0 or -errno. */
int np_rootfile_stat(int rootfd, const char *path, struct stat *st);
/* The directory as a stream, to be closed with closedir(); NULL where there is none. */
DIR *np_rootfile_dir(int rootfd, const char *path);

#endif
