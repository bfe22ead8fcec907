// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * np-work: the program that makes known traffic for the tests. Built from tests/work/work*.c;
 * needs -pthread and, where there is liburing.h and not -DNP_HAVE_URING=0, -luring.
 *
 * This file reads the command line.
 */
#include "work.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char usage_text[] =
    "Usage: np-work MODE [OPTIONS]\n"
    "Makes exactly known traffic; prints one JSON object a line and worker process.\n"
    "\n"
    "Modes:\n"
    "  server      TCP server; prints {\"ready\":PORT}, on SIGTERM its totals\n"
    "  client      TCP connections to a server\n"
    "  udp-server  answers datagrams; prints as the server does\n"
    "  udp-client  sends datagrams, each window acknowledged or echoed\n"
    "  idle        --conns established loopback connections, both ends here, until SIGTERM\n"
    "  storm       opens and closes loopback connections for --seconds\n"
    "\n"
    "Where:\n"
    "  --listen ADDR, --to ADDR   address to serve or to reach [127.0.0.1]\n"
    "  --port P                   0: any free port (servers)\n"
    "  --local ADDR               source address\n"
    "  --mapped                   reach an IPv4 address as ::ffff:ADDR on an IPv6 socket\n"
    "Who:\n"
    "  --procs N                  worker processes [1: this process itself]\n"
    "  --threads T                traffic by T threads beside the first, each does --conns\n"
    "  --comm NAME                process name; C escapes \\xHH \\n \\t \\e \\\\ are understood\n"
    "  --accept reuseport|prefork|fork\n"
    "                             a listener each, one listener for all, a process a connection\n"
    "How much (of each thread):\n"
    "  --conns N                  connections [1]; idle: in all\n"
    "  --parallel K               of them open at a time [1]\n"
    "  --tx BYTES, --rx BYTES     payload there (24 at least) and back, K M G understood\n"
    "                             [1024; storm: 64, 0]\n"
    "  --count N, --size S        datagrams [1] and their bytes (24 at least) [64]\n"
    "  --window W                 datagrams in flight [16]\n"
    "  --rate N                   connections or datagrams a second\n"
    "  --seconds S                length of a storm [1]\n"
    "How:\n"
    "  --method write|send|sendmsg|sendfile|splice|io_uring|mmsg   [write]\n"
    "  --read read|recv|recvmsg|splice|io_uring|peek|mmsg          [read]\n"
    "  --close client|server|rst-client|rst-server   who closes first, FIN or RST [client]\n"
    "  --nonblock                 non-blocking connect and transfer\n"
    "  --hold                     then keep the sockets: a line on stdin does another round,\n"
    "                             end of file (of a pipe) or SIGTERM ends\n"
    "  --echo                     datagrams come back whole\n"
    "  --unconnected              sendto instead of connect\n"
    "  --oneshot                  a new socket for each datagram\n"
    "  --gso SEG                  UDP_SEGMENT: datagrams of SEG bytes, several a call\n"
    "  --backlog N, --stall MS    servers: accept queue, and a pause before reading a round\n"
    "\n"
    "Exit status: 0 all bytes as asked; 1 not so; 2 wrong usage; 77 not available here.\n";

static const char *const method_names[] = { "write",  "send",     "sendmsg", "sendfile",
					    "splice", "io_uring", "mmsg" };
static const char *const read_names[] = { "read",     "recv", "recvmsg", "splice",
					  "io_uring", "peek", "mmsg" };
static const char *const close_names[] = { "client", "server", "rst-client", "rst-server" };
static const char *const accept_names[] = { "reuseport", "prefork", "fork" };

static const struct {
	const char *name;
	int (*run)(const struct work_opts *o);
	bool udp;
} modes[] = {
	{ "server", work_server, false },
	{ "client", work_client, false },
	{ "udp-server", work_udp_server, true },
	{ "udp-client", work_udp_client, true },
	{ "idle", work_idle, false },
	{ "storm", work_storm, false },
};

static _Noreturn void bad_usage(const char *what, const char *value)
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
		bad_usage(option, text);
	return n * unit;
}

static uint32_t choice(const char *option, const char *text, const char *const *names, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	bad_usage(option, text);
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
			bad_usage("--comm cannot hold a NUL", NULL);
		comm[n++] = c;
	}
	comm[n] = '\0';
}

enum {
	OPT_ADDR = 256,
	OPT_PORT,
	OPT_LOCAL,
	OPT_MAPPED,
	OPT_PROCS,
	OPT_THREADS,
	OPT_COMM,
	OPT_ACCEPT,
	OPT_CONNS,
	OPT_PARALLEL,
	OPT_TX,
	OPT_RX,
	OPT_COUNT,
	OPT_SIZE,
	OPT_WINDOW,
	OPT_RATE,
	OPT_SECONDS,
	OPT_METHOD,
	OPT_READ,
	OPT_CLOSE,
	OPT_NONBLOCK,
	OPT_HOLD,
	OPT_ECHO,
	OPT_UNCONNECTED,
	OPT_ONESHOT,
	OPT_GSO,
	OPT_BACKLOG,
	OPT_STALL,
};

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, OPT_ADDR },
	{ "to", required_argument, NULL, OPT_ADDR },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "local", required_argument, NULL, OPT_LOCAL },
	{ "mapped", no_argument, NULL, OPT_MAPPED },
	{ "procs", required_argument, NULL, OPT_PROCS },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "comm", required_argument, NULL, OPT_COMM },
	{ "accept", required_argument, NULL, OPT_ACCEPT },
	{ "conns", required_argument, NULL, OPT_CONNS },
	{ "parallel", required_argument, NULL, OPT_PARALLEL },
	{ "tx", required_argument, NULL, OPT_TX },
	{ "rx", required_argument, NULL, OPT_RX },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "method", required_argument, NULL, OPT_METHOD },
	{ "read", required_argument, NULL, OPT_READ },
	{ "close", required_argument, NULL, OPT_CLOSE },
	{ "nonblock", no_argument, NULL, OPT_NONBLOCK },
	{ "hold", no_argument, NULL, OPT_HOLD },
	{ "echo", no_argument, NULL, OPT_ECHO },
	{ "unconnected", no_argument, NULL, OPT_UNCONNECTED },
	{ "oneshot", no_argument, NULL, OPT_ONESHOT },
	{ "gso", required_argument, NULL, OPT_GSO },
	{ "backlog", required_argument, NULL, OPT_BACKLOG },
	{ "stall", required_argument, NULL, OPT_STALL },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void set_option(struct work_opts *o, int opt, const char *name, const char *arg)
{
	switch (opt) {
	case OPT_ADDR:
		o->addr = arg;
		break;
	case OPT_PORT:
		o->port = (uint16_t)number(name, arg, UINT16_MAX);
		break;
	case OPT_LOCAL:
		o->local = arg;
		break;
	case OPT_MAPPED:
		o->mapped = true;
		break;
	case OPT_PROCS:
		o->procs = (uint32_t)number(name, arg, 10000);
		break;
	case OPT_THREADS:
		o->threads = (uint32_t)number(name, arg, 1000);
		break;
	case OPT_COMM:
		unescape_comm(o->comm, arg);
		break;
	case OPT_ACCEPT:
		o->accept = choice(name, arg, accept_names, ARRAY_SIZE(accept_names));
		break;
	case OPT_CONNS:
		o->conns = (uint32_t)number(name, arg, UINT32_MAX);
		break;
	case OPT_PARALLEL:
		o->parallel = (uint32_t)number(name, arg, 100000);
		break;
	case OPT_TX:
		o->tx = number(name, arg, UINT64_MAX >> 1);
		break;
	case OPT_RX:
		o->rx = number(name, arg, UINT64_MAX >> 1);
		break;
	case OPT_COUNT:
		o->count = (uint32_t)number(name, arg, UINT32_MAX);
		break;
	case OPT_SIZE:
		o->size = (uint32_t)number(name, arg, 65507);
		break;
	case OPT_WINDOW:
		o->window = (uint32_t)number(name, arg, 64);
		break;
	case OPT_RATE:
		o->rate = (uint32_t)number(name, arg, 100000000);
		break;
	case OPT_SECONDS:
		o->seconds = (uint32_t)number(name, arg, 86400);
		break;
	case OPT_METHOD:
		o->method = choice(name, arg, method_names, ARRAY_SIZE(method_names));
		break;
	case OPT_READ:
		o->read = choice(name, arg, read_names, ARRAY_SIZE(read_names));
		break;
	case OPT_CLOSE:
		o->close = choice(name, arg, close_names, ARRAY_SIZE(close_names));
		break;
	case OPT_NONBLOCK:
		o->nonblock = true;
		break;
	case OPT_HOLD:
		o->hold = true;
		break;
	case OPT_ECHO:
		o->echo = true;
		break;
	case OPT_UNCONNECTED:
		o->unconnected = true;
		break;
	case OPT_ONESHOT:
		o->oneshot = true;
		break;
	case OPT_GSO:
		o->gso = (uint32_t)number(name, arg, 65000);
		break;
	case OPT_BACKLOG:
		o->backlog = (uint32_t)number(name, arg, INT32_MAX);
		break;
	case OPT_STALL:
		o->stall = (uint32_t)number(name, arg, 3600000);
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		exit(2); /* getopt has said why */
	}
}

static void check_options(struct work_opts *o, bool udp)
{
	if (!o->procs || !o->conns || !o->parallel || !o->count || !o->window || !o->seconds)
		bad_usage("a number must not be 0", NULL);
	if (o->tx < WORK_HDR)
		bad_usage("--tx takes 24 at least", NULL);
	if (o->gso)
		o->size = o->gso;
	if (o->size < WORK_HDR)
		bad_usage("--size and --gso take 24 at least", NULL);
	if (o->hold && (o->close == WORK_CLOSE_SERVER || o->close == WORK_RST_SERVER))
		bad_usage("with --hold the client closes", NULL);
	if (udp &&
	    (o->method == WORK_SENDFILE || o->method == WORK_SPLICE_OUT ||
	     o->method == WORK_URING_OUT || o->read == WORK_SPLICE_IN || o->read == WORK_URING_IN))
		bad_usage("datagrams do not go that --method or --read", NULL);
	if (udp && o->unconnected && (o->method == WORK_WRITE || o->method == WORK_SEND))
		o->method = WORK_SENDMSG;
}

int main(int argc, char **argv)
{
	struct work_opts o = {
		.addr = "127.0.0.1",
		.conns = 1,
		.parallel = 1,
		.procs = 1,
		.count = 1,
		.size = 64,
		.window = 16,
		.seconds = 1,
		.backlog = 4096,
	};
	size_t mode = 0;
	int opt, index = 0;

	if (argc > 1 && !strcmp(argv[1], "--help"))
		set_option(&o, 'h', NULL, NULL);
	if (argc < 2)
		bad_usage("no mode given", NULL);
	while (mode < ARRAY_SIZE(modes) && strcmp(argv[1], modes[mode].name) != 0)
		mode++;
	if (mode == ARRAY_SIZE(modes))
		bad_usage("no such mode", argv[1]);
	/* A storm is to be as fast as can be. */
	o.tx = modes[mode].run == work_storm ? 64 : 1024;
	o.rx = modes[mode].run == work_storm ? 0 : 1024;
	argc--;
	argv++;
	while ((opt = getopt_long(argc, argv, "h", long_options, &index)) != -1)
		set_option(&o, opt, opt == 'h' ? NULL : long_options[index].name, optarg);
	if (optind < argc)
		bad_usage("unexpected argument", argv[optind]);
	check_options(&o, modes[mode].udp);
	signal(SIGPIPE, SIG_IGN);
	return modes[mode].run(&o);
}
