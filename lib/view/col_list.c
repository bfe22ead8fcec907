// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Lists of columns as -o takes them. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "view/col.h"

#define NAME_MAX_LEN 64

int np_col_unknown(const char *name, struct np_err *err)
{
	const char *names[128];
	const char *near;
	size_t n = 0;

	for (; n < np_ncols && n < 127; n++)
		names[n] = np_cols[n].name;
	names[n] = NULL;
	near = np_str_nearest(name, names);
	if (near)
		return np_err_set(
		    err, -EINVAL,
		    "there is no column '%.64s'; did you mean '%s'? --list-columns shows all", name,
		    near);
	return np_err_set(err, -EINVAL, "there is no column '%.64s'; --list-columns shows all",
			  name);
}

static int find(const struct np_col **cols, size_t n, const struct np_col *col)
{
	for (size_t i = 0; i < n; i++)
		if (cols[i] == col)
			return (int)i;
	return -1;
}

static int change(const struct np_col *col, char how, const struct np_col **cols, size_t max,
		  size_t *n, struct np_err *err)
{
	int at = find(cols, *n, col);

	if (how == '-') {
		if (at < 0)
			return 0;
		for (size_t i = (size_t)at + 1; i < *n; i++)
			cols[i - 1] = cols[i];
		--*n;
		return 0;
	}
	if (at >= 0)
		return 0;
	if (*n == max)
		return np_err_set(err, -EINVAL, "too many columns: at most %zu", max);
	cols[(*n)++] = col;
	return 0;
}

const char *np_col_rows(const struct np_col *col)
{
	switch (col->flags & NP_COL_KINDS) {
	case NP_COL_CONN:
	case NP_COL_CONN | NP_COL_LISTEN:
		return "connection";
	case NP_COL_IFACE:
		return "interface";
	case NP_COL_EVENT:
		return "event";
	case NP_COL_LISTEN:
	case NP_COL_LISTEN | NP_COL_EVENT:
		return "listener";
	case NP_COL_CONN | NP_COL_EVENT:
	case NP_COL_CONN | NP_COL_EVENT | NP_COL_LISTEN:
		return "connection";
	default:
		return "both";
	}
}

static int add_list(const char *list, uint16_t kind, const struct np_col **cols, size_t max,
		    size_t *n, struct np_err *err)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		char name[NAME_MAX_LEN], how = '+';
		const struct np_col *col;
		int ret;

		if (*list == '+' || *list == '-') {
			how = *list++;
			len--;
		}
		if (!len || len >= sizeof(name))
			return np_err_set(err, -EINVAL,
					  "'%.64s' is not a list of columns: names "
					  "joined by commas, each with + or - before it or none",
					  list);
		memcpy(name, list, len);
		name[len] = '\0';
		col = np_col_find(name);
		if (!col)
			return np_col_unknown(name, err);
		if (!(col->flags & kind))
			return np_err_set(err, -EINVAL, "column '%s' exists on %s rows only", name,
					  np_col_rows(col));
		ret = change(col, how, cols, max, n, err);
		if (ret)
			return ret;
		list += len;
		if (*list == ',' && !*++list)
			return np_err_set(err, -EINVAL, "the list of columns ends with a comma");
	}
	return 0;
}

int np_cols_parse(const char *list, const char *dflt, uint16_t kind, const struct np_col **cols,
		  size_t max, size_t *n, struct np_err *err)
{
	int ret = 0;

	*n = 0;
	/* keys of a group have no usual ones */
	if (dflt && (!list || *list == '+' || *list == '-'))
		ret = add_list(dflt, kind, cols, max, n, err);
	if (!ret && list)
		ret = add_list(list, kind, cols, max, n, err);
	if (!ret && !*n)
		ret = np_err_set(err, -EINVAL, "no column is left to show");
	return ret;
}
