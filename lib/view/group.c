// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The named groupings, and the settings of a view by name. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "view/view.h"

#define LAT(x) x "_samples," x "_p50," x "_p90," x "_p99," x "_max," x "_min," x "_mean"

/* clang-format off */
const struct np_topic np_topic_traffic = {
	"traffic", "tx_rate,rx_rate,tx_bytes,rx_bytes,conns,retrans,rtt,share",
	"pid,comm,proto,remote,state,tx_rate,rx_rate,local,tx_bytes,rx_bytes,retrans,rtt,age,container", "-rate", NP_COL_CONN };
const struct np_topic np_topic_latency = {
	"latency", LAT("rtt") ",conns", "pid,comm,side,remote," LAT("rtt") ",local,container", "-rtt_samples", NP_COL_CONN };
const struct np_topic np_topic_life = {
	"life", "events,tx_bytes,rx_bytes",
	"pid,comm,proto,dir,local,remote,tx_bytes,rx_bytes,duration,end,closed_by,syn_rtt,min_rtt,rtt,retrans,tx_segs,rx_segs,unit,container,pod,older",
	NULL, NP_COL_EVENT };
const struct np_topic np_topic_table = {
	"table", "conns,tx_bytes,rx_bytes,retrans,rtt",
	"pid,comm,proto,state,local,remote,tx_bytes,rx_bytes,age,rtt,min_rtt,retrans,cwnd,user,container,pod,unit", "-age", NP_COL_CONN };
const struct np_topic np_topic_listen = {
	"listen", "backlog,limit,drops", "local,pid,comm,backlog,limit,drops,user,container,pod,unit,netns", "+local", NP_COL_LISTEN };
const struct np_topic np_topic_ended = {
	"ended", "events,tx_bytes,rx_bytes", "raddr", "-tx_bytes", NP_COL_EVENT };
const struct np_topic np_topic_anomalies = {
	"anomalies", "events",
	"event,cause,pid,comm,local,remote,state,seq,len,nth,cwnd,rtt,duration,who,reason,container", NULL, NP_COL_EVENT };
const struct np_topic np_topic_ailing = {
	"ailing", "events,retrans,retrans_bytes,retrans_ratio,tx_bytes,conns",
	"pid,comm,local,remote,events,retrans,retrans_bytes,retrans_ratio,tx_bytes,conns,container", "-events", NP_COL_CONN };

const struct np_group np_groups[] = {
{ "process", "processes", "by process", "pid,started", "pid,user,comm", "container,unit", NP_COL_CONN, "comm" },
{ "connection", "connections", "each connection by itself", "", "", "", NP_COL_CONN, "remote" },
{ "container", "containers", "by container", "container_id", "container,pod,namespace", "runtime", NP_COL_CONN, "container" },
{ "pod", "pods", "by Kubernetes pod", "namespace,pod", "pod,namespace", "", NP_COL_CONN, NULL },
{ "unit", "units", "by systemd unit", "unit", "unit", "", NP_COL_CONN, NULL },
{ "user", "users", "by user", "uid", "user,uid", "", NP_COL_CONN, NULL },
{ "remote", "remote addresses", "by remote address", "raddr", "raddr", "pid,comm", NP_COL_CONN, NULL },
{ "rport", "remote ports", "by protocol and remote port", "proto,rport", "proto,rport", "comm", NP_COL_CONN, NULL },
{ "lport", "local ports", "by protocol and local port", "proto,lport", "proto,lport", "comm", NP_COL_CONN, NULL },
{ "protocol", "protocols", "by protocol", "proto", "proto", "", NP_COL_CONN, NULL },
{ "netns", "network namespaces", "by network namespace", "netns", "netns", "container", NP_COL_CONN, NULL },
{ "kind", "kinds of event", "by kind of event", "event,cause", "event,cause", "", NP_COL_EVENT, NULL },
{ "interface", "interfaces", "interfaces, one row a direction", "ifindex,direction", "interface,direction", "", NP_COL_IFACE, "interface,direction" },
};
#define IFACE_COLS "active,packet_rate,wire_rate,packets,wire_bytes,errors,drops,share,up"
#define IFACE_SORT "-wire_rate"
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

const char *np_group_lasting(const char *name)
{
	const struct np_group *group = group_find(name);

	return group ? group->lasting : NULL;
}

bool np_group_fits(const struct np_group *group, const struct np_topic *topic)
{
	switch (group->kind) {
	case NP_COL_IFACE:
		return topic == &np_topic_traffic;
	case NP_COL_EVENT:
		return topic->kind == NP_COL_EVENT || topic == &np_topic_ailing;
	default:
		return true;
	}
}

void np_view_groups(struct np_buf *out, const struct np_topic *topic, const char *sep)
{
	const char *before = "";

	for (size_t i = 0; i < np_ngroups; i++) {
		if (!np_group_fits(&np_groups[i], topic))
			continue;
		np_buf_printf(out, "%s%s", before, np_groups[i].name);
		before = sep;
	}
}

static int no_group(const struct np_topic *topic, const char *name, struct np_err *err)
{
	struct np_buf all = { 0 };
	int ret;

	np_view_groups(&all, topic, ", ");
	ret = np_err_set(err, -EINVAL,
			 "there is no group or column '%.64s' to group by; groups are %s", name,
			 np_buf_cstr(&all));
	np_buf_free(&all);
	return ret;
}

/* The rows that a topic has, of those where the first key exists. */
static uint16_t kind_of(const struct np_topic *topic, const struct np_col *first)
{
	if (first->flags & topic->kind)
		return topic->kind;
	if (topic == &np_topic_ailing && (first->flags & NP_COL_EVENT))
		return NP_COL_EVENT;
	return topic == &np_topic_traffic ? NP_COL_IFACE : topic->kind;
}

static int by_columns(struct np_view_cfg *cfg, const char *list, struct np_err *err)
{
	const struct np_col *first;
	char name[64];
	size_t len = strcspn(list, ",");
	int ret;

	if (len >= sizeof(name))
		return np_col_unknown(list, err);
	memcpy(name, list, len);
	name[len] = '\0';
	first = np_col_find(name);
	if (!first)
		return no_group(cfg->topic, name, err);
	cfg->kind = kind_of(cfg->topic, first);
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

/* What is shown: the key, what the topic is about, what else is good to know; each column once. */
static int set_cols(struct np_view_cfg *cfg, const char *head, const char *tail, struct np_err *err)
{
	const char *cols = cfg->kind == NP_COL_IFACE ? IFACE_COLS
			   : !cfg->nby               ? cfg->topic->conn
			   : cfg->kind == NP_COL_EVENT && cfg->topic->kind != NP_COL_EVENT
			       ? "events"
			       : cfg->topic->cols;
	struct np_buf all = { 0 };
	int ret;

	np_buf_printf(&all, "%s%s%s%s%s", head, *head ? "," : "", cols, *tail ? "," : "", tail);
	ret = np_cols_parse(np_buf_cstr(&all), NULL, cfg->kind, cfg->cols, NP_MAX_COLS, &cfg->ncols,
			    err);
	np_buf_free(&all);
	return ret;
}

static int set_sort(struct np_view_cfg *cfg, struct np_err *err)
{
	const char *sort = cfg->kind == NP_COL_IFACE ? IFACE_SORT : cfg->topic->sort;

	cfg->sort = NULL;
	cfg->ascending = false;
	if (cfg->nby && cfg->kind == NP_COL_EVENT)
		sort = cfg->topic == &np_topic_ended ? sort : "-events";
	return sort ? np_view_sort(cfg, sort, err) : 0;
}

int np_view_group(struct np_view_cfg *cfg, const char *name, struct np_err *err)
{
	const struct np_group *group = group_find(name);
	struct np_view_cfg next = *cfg;
	int ret = 0;

	if (!next.topic)
		next.topic = &np_topic_traffic;
	if (group && !np_group_fits(group, next.topic))
		return no_group(next.topic, name, err);
	next.nby = 0;
	next.ones = false;
	if (group) {
		next.kind = group->kind == NP_COL_CONN ? next.topic->kind : group->kind;
		if (*group->by)
			ret = np_cols_parse(group->by, NULL, next.kind, next.by, NP_MAX_BY,
					    &next.nby, err);
	} else {
		ret = by_columns(&next, name, err);
	}
	next.group = group;
	if (!ret)
		ret = set_cols(&next, group ? group->head : name, group ? group->tail : "", err);
	if (!ret)
		ret = set_sort(&next, err);
	if (!ret)
		*cfg = next;
	return ret;
}

int np_view_remember(struct np_view_cfg *cfg, struct np_err *err)
{
	if (cfg->nby || cfg->kind != NP_COL_CONN)
		return 0;
	cfg->ones = true;
	return np_cols_parse("netns,local,remote", NULL, cfg->kind, cfg->by, NP_MAX_BY, &cfg->nby,
			     err);
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
