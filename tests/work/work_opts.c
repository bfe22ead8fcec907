// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-work (see work_main.c): its command line, an option a row. */
#include "work.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const method_names[] = { "write",  "send",     "sendmsg", "sendfile",
					    "splice", "io_uring", "mmsg" };
static const char *const read_names[] = { "read",     "recv", "recvmsg", "splice",
					  "io_uring", "peek", "mmsg" };
static const char *const accept_names[] = { "reuseport", "prefork", "fork" };
#define FATE_NAME(id, name) name,
const char *const work_fate_names[] = { WORK_FATES(FATE_NAME) };

_Noreturn void work_bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "np-work: %s%s%s (see --help)\n", what, value ? ": " : "",
		value ? value : "");
	exit(2);
}

static uint64_t number(const char *option, const char *text, uint64_t max)
{
	char *end;

	errno = 0;
	uint64_t n = strtoull(text, &end, 10);
	uint64_t unit = 1;
	switch (*end) {
	case 'K':
		unit = 1 << 10;
		break;
	case 'M':
		unit = 1 << 20;
		break;
	case 'G':
		unit = 1 << 30;
		break;
	default:
		break;
	}
	if (unit > 1)
		end++;
	if (errno || end == text || *end || *text == '-' || n > max / unit)
		work_bad_usage(option, text);
	return n * unit;
}

static uint32_t choice(const char *option, const char *text, const char *const *names, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	work_bad_usage(option, text);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A shell cannot pass every byte in an argument comfortably, hence the escapes. */
static void unescape_comm(char comm[static 16], const char *text)
{
	size_t n = 0;

	while (*text && n < 15) {
		char c = *text++;

		if (c == '\\' && *text) {
			c = *text++;
			if (c == 'x' && hex_digit(text[0]) >= 0 && hex_digit(text[1]) >= 0) {
				c = (char)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
				text += 2;
			} else if (c == 'n') {
				c = '\n';
			} else if (c == 't') {
				c = '\t';
			} else if (c == 'e') {
				c = '\x1b';
			}
		}
		if (!c)
			work_bad_usage("--comm cannot hold a NUL", NULL);
		comm[n++] = c;
	}
	comm[n] = '\0';
}

/* In microseconds; a bare number is in milliseconds. */
static uint64_t duration(const char *option, const char *text)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = { { "", 1000 }, { "us", 1 }, { "ms", 1000 }, { "s", 1000000 } };
	char *end;

	errno = 0;
	uint64_t n = strtoull(text, &end, 10);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!errno && end != text && *text != '-' && n <= 3600000000u / units[i].us &&
		    !strcmp(end, units[i].name))
			return n * units[i].us;
	}
	work_bad_usage(option, text);
}

enum kind { TEXT, FLAG, U16, U32, U64, CHOICE, COMM, TIME };

/* Of a CHOICE, max is how many names there are. */
static const struct row {
	const char *name;
	enum kind kind;
	size_t field; /* of struct work_opts */
	uint64_t max;
	const char *const *names;
} rows[] = {
#define FIELD(f) offsetof(struct work_opts, f)
	{ "listen", TEXT, FIELD(addr), 0, NULL },
	{ "to", TEXT, FIELD(addr), 0, NULL },
	{ "port", U16, FIELD(port), UINT16_MAX, NULL },
	{ "local", TEXT, FIELD(local), 0, NULL },
	{ "mapped", FLAG, FIELD(mapped), 0, NULL },
	{ "procs", U32, FIELD(procs), 10000, NULL },
	{ "threads", U32, FIELD(threads), 1000, NULL },
	{ "comm", COMM, FIELD(comm), 0, NULL },
	{ "accept", CHOICE, FIELD(accept), ARRAY_SIZE(accept_names), accept_names },
	{ "conns", U32, FIELD(conns), UINT32_MAX, NULL },
	{ "parallel", U32, FIELD(parallel), 100000, NULL },
	{ "tx", U64, FIELD(tx), UINT64_MAX >> 1, NULL },
	{ "rx", U64, FIELD(rx), UINT64_MAX >> 1, NULL },
	{ "count", U32, FIELD(count), UINT32_MAX, NULL },
	{ "size", U32, FIELD(size), 65507, NULL },
	{ "window", U32, FIELD(window), 64, NULL },
	{ "rate", U32, FIELD(rate), 100000000, NULL },
	{ "seconds", U32, FIELD(seconds), 86400, NULL },
	{ "method", CHOICE, FIELD(method), ARRAY_SIZE(method_names), method_names },
	{ "read", CHOICE, FIELD(read), ARRAY_SIZE(read_names), read_names },
	{ "close", CHOICE, FIELD(close), WORK_CLOSES, work_fate_names },
	{ "how", CHOICE, FIELD(close), ARRAY_SIZE(work_fate_names), work_fate_names },
	{ "nonblock", FLAG, FIELD(nonblock), 0, NULL },
	{ "hold", FLAG, FIELD(hold), 0, NULL },
	{ "echo", FLAG, FIELD(echo), 0, NULL },
	{ "unconnected", FLAG, FIELD(unconnected), 0, NULL },
	{ "oneshot", FLAG, FIELD(oneshot), 0, NULL },
	{ "gso", U32, FIELD(gso), 65000, NULL },
	{ "backlog", U32, FIELD(backlog), INT32_MAX, NULL },
	{ "stall", U32, FIELD(stall), 3600000, NULL },
	{ "times", U32, FIELD(times), UINT32_MAX, NULL },
	{ "rcvbuf", U32, FIELD(rcvbuf), INT32_MAX / 2, NULL },
	{ "user-timeout", U32, FIELD(user_timeout), INT32_MAX, NULL },
	{ "syncnt", U32, FIELD(syncnt), 127, NULL },
	{ "keepcnt", U32, FIELD(keepcnt), 127, NULL },
	{ "gap", TIME, FIELD(gap), 0, NULL },
	{ "think", TIME, FIELD(think), 0, NULL },
	{ "quickack", FLAG, FIELD(quickack), 0, NULL },
	{ "each", FLAG, FIELD(each), 0, NULL },
	{ "ask", FLAG, FIELD(ask), 0, NULL },
#undef FIELD
};

static void put(char *at, enum kind kind, uint64_t n)
{
	uint16_t n16 = (uint16_t)n;
	uint32_t n32 = (uint32_t)n; /* an enum is an unsigned int wherever this is built */
	bool yes = true;

	if (kind == FLAG)
		memcpy(at, &yes, sizeof(yes));
	else if (kind == U16)
		memcpy(at, &n16, sizeof(n16));
	else if (kind == U32 || kind == CHOICE)
		memcpy(at, &n32, sizeof(n32));
	else
		memcpy(at, &n, sizeof(n));
}

static void set_option(struct work_opts *o, const struct row *r, const char *arg)
{
	char *at = (char *)o + r->field;

	switch (r->kind) {
	case TEXT:
		memcpy(at, &arg, sizeof(arg));
		break;
	case COMM:
		unescape_comm(o->comm, arg);
		break;
	case FLAG:
		put(at, r->kind, 1);
		break;
	case U16:
	case U32:
	case U64:
		put(at, r->kind, number(r->name, arg, r->max));
		break;
	case CHOICE:
		put(at, r->kind, choice(r->name, arg, r->names, r->max));
		break;
	case TIME:
		put(at, r->kind, duration(r->name, arg));
		break;
	}
}
_Static_assert(sizeof(enum work_close) == 4, "a CHOICE sets four bytes");

static void check_options(struct work_opts *o, const struct work_mode *mode)
{
	bool udp = mode->udp;

	if (!o->procs || !o->conns || !o->parallel || !o->count || !o->window || !o->seconds ||
	    !o->times)
		work_bad_usage("a number must not be 0", NULL);
	if (o->tx < WORK_HDR)
		work_bad_usage("--tx takes 24 at least", NULL);
	if (o->gso)
		o->size = o->gso;
	if (o->size < WORK_HDR)
		work_bad_usage("--size and --gso take 24 at least", NULL);
	if (mode->run != work_end && o->hold &&
	    (o->close == WORK_CLOSE_SERVER || o->close == WORK_RST_SERVER))
		work_bad_usage("with --hold the client closes", NULL);
	if (mode->run == work_end && o->stall > UINT16_MAX)
		work_bad_usage("with --how, --stall takes 65535 at most", NULL);
	if (mode->run == work_rr && o->tx > WORK_BUF)
		work_bad_usage("one write takes 256K at most", NULL);
	if (mode->run == work_rr && !o->rx)
		work_bad_usage("a reply has a byte at least", NULL);
	if ((o->close == WORK_ABORT_SERVER && o->tx == WORK_HDR) ||
	    ((o->close == WORK_ABORT_CLIENT || o->close == WORK_KILLED_UNREAD) && !o->rx))
		work_bad_usage("nothing would be unread", NULL);
	if (udp &&
	    (o->method == WORK_SENDFILE || o->method == WORK_SPLICE_OUT ||
	     o->method == WORK_URING_OUT || o->read == WORK_SPLICE_IN || o->read == WORK_URING_IN))
		work_bad_usage("datagrams do not go that --method or --read", NULL);
	if (udp && o->unconnected && (o->method == WORK_WRITE || o->method == WORK_SEND))
		o->method = WORK_SENDMSG;
}

void work_options(struct work_opts *o, const struct work_mode *mode, int argc, char **argv,
		  const char *usage)
{
	struct option known[ARRAY_SIZE(rows) + 2] = { 0 };
	int opt, index = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		known[i].name = rows[i].name;
		known[i].has_arg = rows[i].kind == FLAG ? no_argument : required_argument;
	}
	known[ARRAY_SIZE(rows)] = (struct option){ "help", no_argument, NULL, 'h' };
	while ((opt = getopt_long(argc, argv, "h", known, &index)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (opt != 0)
			exit(2); /* getopt has said why */
		set_option(o, &rows[index], optarg);
	}
	if (optind < argc)
		work_bad_usage("unexpected argument", argv[optind]);
	check_options(o, mode);
}
