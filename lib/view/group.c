// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The named groupings, and the settings of a view by name. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "view/view.h"

#define TRAFFIC "tx_rate,rx_rate,tx_bytes,rx_bytes"

/* clang-format off */
const struct np_group np_groups[] = {
{ "process", "processes", "by process", "pid,started", "pid,user,comm," TRAFFIC ",conns,retrans,rtt,share,container,unit", "-rate", NP_COL_CONN },
{ "connection", "connections", "each connection by itself", "", "pid,comm,proto,remote,state,tx_rate,rx_rate,local,tx_bytes,rx_bytes,retrans,rtt,age,container", "-rate", NP_COL_CONN },
{ "container", "containers", "by container", "container_id", "container,pod,namespace," TRAFFIC ",conns,retrans,rtt,share,runtime", "-rate", NP_COL_CONN },
{ "pod", "pods", "by Kubernetes pod", "namespace,pod", "pod,namespace," TRAFFIC ",conns,retrans,rtt,share", "-rate", NP_COL_CONN },
{ "unit", "units", "by systemd unit", "unit", "unit," TRAFFIC ",conns,retrans,rtt,share", "-rate", NP_COL_CONN },
{ "user", "users", "by user", "uid", "user,uid," TRAFFIC ",conns,retrans,rtt,share", "-rate", NP_COL_CONN },
{ "remote", "remote addresses", "by remote address", "raddr", "raddr," TRAFFIC ",conns,retrans,rtt,share,pid,comm", "-rate", NP_COL_CONN },
{ "rport", "remote ports", "by protocol and remote port", "proto,rport", "proto,rport," TRAFFIC ",conns,retrans,rtt,share,comm", "-rate", NP_COL_CONN },
{ "lport", "local ports", "by protocol and local port", "proto,lport", "proto,lport," TRAFFIC ",conns,retrans,rtt,share,comm", "-rate", NP_COL_CONN },
{ "protocol", "protocols", "by protocol", "proto", "proto," TRAFFIC ",tx_pps,rx_pps,conns,retrans,rtt,share", "-rate", NP_COL_CONN },
{ "netns", "network namespaces", "by network namespace", "netns", "netns," TRAFFIC ",conns,retrans,rtt,share,container", "-rate", NP_COL_CONN },
{ "interface", "interfaces", "interfaces, one row a direction", "ifindex,direction", "interface,direction,active,packet_rate,wire_rate,packets,wire_bytes,errors,drops,share,up", "-wire_rate", NP_COL_IFACE },
};
/* clang-format on */
const size_t np_ngroups = sizeof(np_groups) / sizeof(np_groups[0]);

static const struct np_group *group_find(const char *name)
{
	/* what the columns of the same thing are called is understood as well */
	static const struct {
		const char *other, *name;
	} also[] = { { "pid", "process" },     { "conn", "connection" }, { "none", "connection" },
		     { "proto", "protocol" },  { "raddr", "remote" },    { "uid", "user" },
		     { "iface", "interface" }, { "port", "lport" } };

	for (size_t i = 0; i < sizeof(also) / sizeof(also[0]); i++)
		if (!strcmp(name, also[i].other))
			name = also[i].name;
	for (size_t i = 0; i < np_ngroups; i++)
		if (!strcmp(name, np_groups[i].name))
			return &np_groups[i];
	return NULL;
}

void np_view_groups(struct np_buf *out, const char *sep)
{
	for (size_t i = 0; i < np_ngroups; i++)
		np_buf_printf(out, "%s%s", i ? sep : "", np_groups[i].name);
}

static int by_columns(struct np_view_cfg *cfg, const char *list, struct np_err *err)
{
	const struct np_col *first;
	char name[64];
	size_t len = strcspn(list, ",");
	struct np_buf all = { 0 };
	int ret;

	if (len >= sizeof(name))
		return np_col_unknown(list, err);
	memcpy(name, list, len);
	name[len] = '\0';
	first = np_col_find(name);
	if (!first) {
		np_view_groups(&all, ", ");
		ret = np_err_set(err, -EINVAL,
				 "there is no group or column '%.64s' to group by; groups are %s",
				 name, np_buf_cstr(&all));
		np_buf_free(&all);
		return ret;
	}
	cfg->kind = first->flags & NP_COL_CONN ? NP_COL_CONN : NP_COL_IFACE;
	ret = np_cols_parse(list, NULL, cfg->kind, cfg->by, NP_MAX_BY, &cfg->nby, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < cfg->nby; i++)
		if (!(cfg->by[i]->flags & NP_COL_GROUP))
			return np_err_set(err, -EINVAL,
					  "column '%s' cannot be grouped by: it is a quantity",
					  cfg->by[i]->name);
	return 0;
}

int np_view_group(struct np_view_cfg *cfg, const char *name, struct np_err *err)
{
	const struct np_group *group = group_find(name);
	const struct np_group *like = group;
	struct np_view_cfg next = *cfg;
	int ret;

	if (group) {
		next.kind = group->kind;
		next.nby = 0;
		ret = *group->by ? np_cols_parse(group->by, NULL, next.kind, next.by, NP_MAX_BY,
						 &next.nby, err)
				 : 0;
	} else {
		ret = by_columns(&next, name, err);
	}
	if (ret)
		return ret;
	next.group = group;
	if (!like)
		like = group_find(next.kind == NP_COL_CONN ? "netns" : "interface");
	ret = np_cols_parse(like->cols, NULL, next.kind, next.cols, NP_MAX_COLS, &next.ncols, err);
	if (ret)
		return ret;
	if (!group) {
		/* the keys first, then what every group shows, without the columns that only one
		 * has */
		const struct np_col *rest[NP_MAX_COLS];
		size_t n = 0, nrest = next.ncols;

		memcpy(rest, next.cols, sizeof(rest));
		for (size_t i = 0; i < next.nby; i++)
			next.cols[n++] = next.by[i];
		for (size_t i = 0; i < nrest && n < NP_MAX_COLS; i++)
			if (!(rest[i]->flags & NP_COL_GROUP))
				next.cols[n++] = rest[i];
		next.ncols = n;
	}
	ret = np_view_sort(&next, like->sort, err);
	if (!ret)
		*cfg = next;
	return ret;
}

int np_view_sort(struct np_view_cfg *cfg, const char *name, struct np_err *err)
{
	const struct np_col *col = np_col_find(*name == '-' || *name == '+' ? name + 1 : name);

	if (!col)
		return np_col_unknown(*name == '-' || *name == '+' ? name + 1 : name, err);
	if (!(col->flags & cfg->kind))
		return np_err_set(err, -EINVAL, "column '%s' does not exist on these rows",
				  col->name);
	cfg->sort = col;
	if (*name == '-' || *name == '+')
		cfg->ascending = *name == '+';
	else
		cfg->ascending = col->agg == NP_AGG_SAME;
	return 0;
}

unsigned int np_view_needs(const struct np_view_cfg *cfg)
{
	unsigned int needs = cfg->where ? np_expr_needs(cfg->where) : 0;

	for (size_t i = 0; i < cfg->ncols; i++)
		needs |= cfg->cols[i]->needs;
	for (size_t i = 0; i < cfg->nby; i++)
		needs |= cfg->by[i]->needs;
	if (cfg->sort)
		needs |= cfg->sort->needs;
	if (cfg->whose && (cfg->whose->ncgroups || cfg->whose->ncontainers || cfg->whose->npods))
		needs |= NP_NEED_CGROUP;
	/* columns that exist on both kinds say what connections need */
	if (cfg->kind == NP_COL_IFACE)
		needs &=
		    (unsigned int)~(NP_NEED_TCP | NP_NEED_UDP | NP_NEED_CMDLINE | NP_NEED_CGROUP);
	return needs;
}
