// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): the lines it prints. */
#include "work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int work_fail(const char *format, ...)
{
	int err = errno;
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* One write, so that workers do not mix their lines. */
	if (err)
		dprintf(STDERR_FILENO, "np-work[%d]: %s: %s\n", (int)getpid(), text, strerror(err));
	else
		dprintf(STDERR_FILENO, "np-work[%d]: %s\n", (int)getpid(), text);
	return -1;
}

void work_totals_add(struct work_totals *sum, const struct work_totals *t)
{
	sum->tx += t->tx;
	sum->rx += t->rx;
	sum->tx_datagrams += t->tx_datagrams;
	sum->rx_datagrams += t->rx_datagrams;
	sum->conns += t->conns;
	sum->retrans += t->retrans;
	sum->retrans_bytes += t->retrans_bytes;
	sum->errors += t->errors;
}

FILE *work_line(struct work_line *l)
{
	l->text = NULL;
	l->len = 0;
	l->f = open_memstream(&l->text, &l->len);
	return l->f;
}

void work_line_end(struct work_line *l)
{
	if (fclose(l->f) == 0) {
		size_t done = 0;

		while (done < l->len) {
			ssize_t n = write(STDOUT_FILENO, l->text + done, l->len - done);

			if (n < 0)
				break;
			done += (size_t)n;
		}
	}
	free(l->text);
}

/* Bytes above 0x7e stand as the code point of the same number, so that any name is valid JSON. */
static void put_string(FILE *f, const char *name, const char *s)
{
	fprintf(f, ",\"%s\":\"", name);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

/* Returns the port, or -1 when there is no address. */
static int end_text(const struct sockaddr_storage *ss, char ip[static INET6_ADDRSTRLEN])
{
	if (ss->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, ss, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, ip, INET6_ADDRSTRLEN);
		return ntohs(in.sin_port);
	}
	if (ss->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, ss, sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, ip, INET6_ADDRSTRLEN);
		return ntohs(in6.sin6_port);
	}
	return -1;
}

static void put_addr(FILE *f, const char *name, const struct sockaddr_storage *ss)
{
	char ip[INET6_ADDRSTRLEN];
	int port = end_text(ss, ip);

	if (port >= 0)
		fprintf(f, ss->ss_family == AF_INET ? ",\"%s\":\"%s:%d\"" : ",\"%s\":\"[%s]:%d\"",
			name, ip, port);
}

void work_put_ends(FILE *f, const struct sockaddr_storage *local,
		   const struct sockaddr_storage *remote)
{
	char ip[INET6_ADDRSTRLEN];
	int port = end_text(local, ip);

	if (port >= 0)
		fprintf(f, ",\"laddr\":\"%s\",\"lport\":%d", ip, port);
	port = end_text(remote, ip);
	if (port >= 0)
		fprintf(f, ",\"raddr\":\"%s\",\"rport\":%d", ip, port);
}

static void put_ends(FILE *f, const struct work_report *r)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (r->local)
		put_addr(f, "local", r->local);
	if (r->remote)
		put_addr(f, "remote", r->remote);
	if (r->fd < 0)
		return;
	if (getsockname(r->fd, (struct sockaddr *)&ss, &len) == 0)
		put_addr(f, "local", &ss);
	len = sizeof(ss);
	if (getpeername(r->fd, (struct sockaddr *)&ss, &len) == 0)
		put_addr(f, "remote", &ss);
}

void work_report(const struct work_report *r)
{
	char comm[16] = "";
	struct work_line line;
	FILE *f = work_line(&line);

	if (!f)
		return;
	prctl(PR_GET_NAME, comm);
	fprintf(f, "{\"pid\":%d,\"role\":\"%s\",\"proto\":\"%s\"", (int)getpid(), r->role,
		r->proto);
	put_string(f, "comm", comm);
	fprintf(f, ",\"tx\":%llu,\"rx\":%llu,\"conns\":%llu", (unsigned long long)r->t->tx,
		(unsigned long long)r->t->rx, (unsigned long long)r->t->conns);
	if (!strcmp(r->proto, "udp"))
		fprintf(f, ",\"tx_datagrams\":%llu,\"rx_datagrams\":%llu",
			(unsigned long long)r->t->tx_datagrams,
			(unsigned long long)r->t->rx_datagrams);
	else if (!strcmp(r->role, "client"))
		fprintf(f, ",\"retrans\":%llu,\"retrans_bytes\":%llu",
			(unsigned long long)r->t->retrans, (unsigned long long)r->t->retrans_bytes);
	fprintf(f, ",\"errors\":%llu", (unsigned long long)r->t->errors);
	if (r->round)
		fprintf(f, ",\"round\":%u", r->round);
	put_ends(f, r);
	fprintf(f, "%s}\n", r->extra ? r->extra : "");
	work_line_end(&line);
}

void work_report_conn(const char *role, const char *how, uint32_t index, const struct work_conn *c)
{
	struct work_line line;
	FILE *f = work_line(&line);

	if (!f)
		return;
	fprintf(f, "{\"conn\":%u,\"pid\":%d,\"role\":\"%s\",\"how\":\"%s\"", index, (int)getpid(),
		role, how);
	work_put_ends(f, &c->local, &c->remote);
	fprintf(f, ",\"tx\":%llu,\"rx\":%llu,\"retrans\":%u", (unsigned long long)c->tx,
		(unsigned long long)c->rx, c->retrans);
	if (c->err)
		fprintf(f, ",\"errno\":\"%s\"", strerrorname_np(c->err));
	else
		fputs(",\"errno\":null", f);
	fprintf(f, ",\"waited_us\":%llu,\"opened_ns\":%llu,\"closed_ns\":%llu",
		(unsigned long long)c->waited / 1000, (unsigned long long)c->opened,
		(unsigned long long)c->closed);
	if (c->established)
		fprintf(f, ",\"handshake_us\":%llu}\n",
			(unsigned long long)(c->established - c->opened) / 1000);
	else
		fputs(",\"handshake_us\":null}\n", f);
	work_line_end(&line);
}

void work_print_ready(uint16_t port, const pid_t *pids, size_t n)
{
	struct work_line line;
	FILE *f = work_line(&line);

	if (!f)
		return;
	fprintf(f, "{\"ready\":%u,\"pid\":%d,\"workers\":[", port, (int)getpid());
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%d", i ? "," : "", (int)pids[i]);
	fputs("]}\n", f);
	work_line_end(&line);
}
