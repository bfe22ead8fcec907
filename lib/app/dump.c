// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The tables as text: for --list-columns, man pages and completions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/opts.h"
#include "base/str.h"
#include "sink/tui.h"

/* mdoc: a backslash is an escape; lines below 80 bytes; a word that looks like a request is none.
 */
static void mdoc(struct np_buf *out, const char *text)
{
	size_t line = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (line && line + 1 + len > 72) {
			np_buf_chr(out, '\n');
			line = 0;
		} else if (line) {
			np_buf_chr(out, ' ');
		}
		if (!line && (*text == '.' || *text == '\''))
			np_buf_str(out, "\\&");
		for (size_t i = 0; i < len; i++) {
			if (text[i] == '\\')
				np_buf_str(out, "\\e");
			else if (text[i] == '"')
				np_buf_str(out, "\\(dq");
			else
				np_buf_chr(out, text[i]);
		}
		line += len + 1;
		text += len;
		text += strspn(text, " ");
	}
}

static void options_mdoc(struct np_buf *out, const struct np_tool *tool)
{
	struct argp_option *all = np_opts_table(tool);
	bool open = false;

	for (const struct argp_option *o = all; o && (o->name || o->doc); o++) {
		if (o->flags & OPTION_HIDDEN)
			continue;
		if (!o->name) {
			if (open)
				np_buf_str(out, ".El\n");
			np_buf_str(out, ".Pp\n");
			mdoc(out, o->doc);
			np_buf_str(out, "\n.Bl -tag -width Ds\n");
			open = true;
			continue;
		}
		np_buf_str(out, ".It ");
		if (o->key < 256)
			np_buf_printf(out, "Fl %c , ", o->key);
		np_buf_printf(out, "Fl -%s", o->name);
		if (o->arg) {
			np_buf_str(out, " Ns = Ns Ar ");
			mdoc(out, o->arg);
		}
		np_buf_chr(out, '\n');
		mdoc(out, o->doc);
		np_buf_str(out, ".\n");
	}
	np_buf_str(out, ".El\n");
	free(all);
}

/* Those of the mode that has most. */
static void groups(struct np_buf *out, const struct np_tool *tool)
{
	const struct np_mode *mode = tool->summary ? tool->summary
				     : tool->table ? tool->table
						   : tool->mode;

	np_view_groups(out, mode->topic, "|");
}

static void options_tsv(struct np_buf *out, const struct np_tool *tool)
{
	struct argp_option *all = np_opts_table(tool);

	for (const struct argp_option *o = all; o && (o->name || o->doc); o++) {
		if (!o->name || (o->flags & OPTION_HIDDEN))
			continue;
		np_buf_printf(out, "--%s\t", o->name);
		if (o->key < 256)
			np_buf_printf(out, "-%c", o->key);
		np_buf_chr(out, '\t');
		if (!strcmp(o->name, "by"))
			groups(out, tool);
		else
			np_buf_str(out, o->arg ? o->arg : "");
		np_buf_printf(out, "\t%s\n", o->doc);
	}
	free(all);
}

static const char *needs(const struct np_col *col)
{
	if (col->needs & NP_NEED_IFACE)
		return "interface hook (each packet)";
	if (col->needs & NP_NEED_PEEK)
		return "packet hook (each packet)";
	if (col->needs & NP_NEED_TURN)
		return "segment hooks (each, both ways)";
	if (col->needs & NP_NEED_RTT)
		return "segment hook (each received)";
	if (col->needs & NP_NEED_LIFE)
		return "socket walk; event when opened";
	if (col->needs & NP_NEED_CMDLINE)
		return "/proc of each process";
	if (col->needs & NP_NEED_CGROUP)
		return "cgroup of each socket, local files";
	if (col->needs & NP_NEED_UDP)
		return "socket walk; UDP hook (each call)";
	if (col->needs)
		return "socket walk";
	return "nothing";
}

/* The kinds of row that a program can show: NP_COL_KINDS. */
static unsigned int kinds_of(const struct np_tool *tool)
{
	const struct np_mode *modes[] = { tool->mode, tool->table, tool->listen, tool->summary };
	unsigned int kinds = 0;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (modes[i])
			kinds |= modes[i]->topic->kind |
				 (modes[i]->topic == &np_topic_traffic ? NP_COL_IFACE : 0);
	return kinds;
}

/* Whether the program can show it. */
static bool has(const struct np_tool *tool, const struct np_col *col)
{
	return (col->flags & kinds_of(tool)) && (tool->l7 || !(col->needs & NP_NEED_PEEK));
}

static void columns_mdoc(struct np_buf *out, const struct np_tool *tool)
{
	np_buf_str(out, ".Bl -tag -width retrans_bytes\n");
	for (size_t i = 0; i < np_ncols; i++) {
		if (!has(tool, &np_cols[i]))
			continue;
		np_buf_printf(out, ".It Cm %s\n", np_cols[i].name);
		mdoc(out, np_cols[i].help);
		if (*np_cols[i].unit)
			np_buf_printf(out, " [%s]", np_cols[i].unit);
		np_buf_str(out, ".\n");
	}
	np_buf_str(out, ".El\n");
}

static void events(struct np_buf *out, const struct np_tool *tool)
{
	for (unsigned int i = 1; np_event_name(i); i++)
		if (tool->mode->may_tell & 1U << i)
			np_buf_printf(out, "%s\n", np_event_name(i));
	if (tool->mode->may_tell)
		np_buf_str(out, "all\n");
}

int np_opts_dump(const struct np_opts *opts, struct np_buf *out)
{
	if (!strcmp(opts->dump, "options"))
		options_tsv(out, opts->tool);
	else if (!strcmp(opts->dump, "options-mdoc"))
		options_mdoc(out, opts->tool);
	else if (!strcmp(opts->dump, "columns-mdoc"))
		columns_mdoc(out, opts->tool);
	else if (!strcmp(opts->dump, "events"))
		events(out, opts->tool);
	else if (!strcmp(opts->dump, "keys-mdoc"))
		np_tui_dump_keys(out);
	else
		return -EINVAL;
	return 0;
}

static void columns_json(struct np_buf *out, const struct np_col *c)
{
	const char *const pairs[][2] = { { "name", c->name },        { "header", c->head },
					 { "rows", np_col_rows(c) }, { "unit", c->unit },
					 { "needs", needs(c) },      { "help", c->help } };

	np_buf_chr(out, '{');
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		np_buf_printf(out, "%s\"%s\":", i ? "," : "", pairs[i][0]);
		np_str_json(out, pairs[i][1], strlen(pairs[i][1]));
	}
	np_buf_str(out, "}\n");
}

static void columns_csv(struct np_buf *out, const struct np_col *c)
{
	const char *const fields[] = {
		c->name, c->head, np_col_rows(c), c->unit, needs(c), c->help
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (i)
			np_buf_chr(out, ',');
		np_str_csv(out, fields[i], strlen(fields[i]));
	}
	np_buf_chr(out, '\n');
}

int np_opts_columns(const struct np_opts *opts, struct np_buf *out)
{
	const char *format = opts->format ? opts->format : "text";

	if (!strcmp(format, "csv"))
		np_buf_str(out, "name,header,rows,unit,needs,help\n");
	else if (!strcmp(format, "text"))
		np_buf_printf(out, "%-14s %-12s %-10s %-9s %-35s %s\n", "NAME", "HEADER", "ROWS",
			      "UNIT", "NEEDS", "HELP");
	for (size_t i = 0; i < np_ncols; i++) {
		const struct np_col *c = &np_cols[i];

		if (!has(opts->tool, c))
			continue;
		if (!strcmp(format, "json"))
			columns_json(out, c);
		else if (!strcmp(format, "csv"))
			columns_csv(out, c);
		else
			np_buf_printf(out, "%-14s %-12s %-10s %-9s %-35s %s\n", c->name, c->head,
				      np_col_rows(c), *c->unit ? c->unit : "-", needs(c), c->help);
	}
	return 0;
}
