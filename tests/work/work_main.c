// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * np-work: the program that makes known traffic for the tests. Built from tests/work/work*.c;
 * needs -pthread and, where there is liburing.h and not -DNP_HAVE_URING=0, -luring.
 *
 * This file knows the modes; work_opts.c reads their options.
 */
#include "work.h"

#include <signal.h>
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
    "  end         connections to an end-server that end in the way --how tells\n"
    "  end-server  does its part of it\n"
    "  stall-client  --times rounds on each of --conns connections, one after the other\n"
    "  stall-server  reads nothing for --stall in the first --times rounds of a connection\n"
    "  deaf        listens and never accepts, until SIGTERM\n"
    "  knock       starts --conns connections, says after --stall (500) how many stand, and\n"
    "              keeps them until a line, end of file or SIGTERM\n"
    "  rr          --count requests of --tx, each in one write, and their replies of --rx\n"
    "  rr-server   answers them after --think\n"
    "  hand        a client whose connections one process opens and another uses (SCM_RIGHTS)\n"
    "  thread-exec a client that a thread beside the first one exec()s\n"
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
    "  --rcvbuf N                 SO_RCVBUF\n"
    "  --times N                  stalls, or rounds with one, of a connection [1]\n"
    "  --gap TIME, --think TIME   between requests, before a reply; us ms s understood [ms]\n"
    "  --quickack                 acknowledge each request at once\n"
    "  --user-timeout MS, --syncnt N   TCP_USER_TIMEOUT, TCP_SYNCNT\n"
    "  --keepcnt N                keepalive after 1 s idle, each second, N probes\n"
    "  --ask                      ends of connects: ask for SO_ERROR all the time, from the last\n"
    "                             processor, of connects made on the first, instead of poll()\n"
    "  --each                     a line for each connection, or each request, too\n"
    "Ends (--how):\n"
    "  client server              FIN both ways, by whom first\n"
    "  rst-client rst-server      by SO_LINGER 0, when all is acknowledged\n"
    "  half                       client shuts down, the server sends --rx --stall later\n"
    "  half-server                server shuts down, the client sends the rest --stall later\n"
    "  abort-client abort-server  close() with up to 512 bytes unread\n"
    "  refused timeout unreachable   nobody listens, answers, is there [--port 9]\n"
    "  giveup                     close() in SYN_SENT, after --stall\n"
    "  dead keepalive             wait for the death, dead with --size bytes each --gap (100)\n"
    "  orphan                     write --size bytes, close(), exit\n"
    "  killed killed-unread       SIGKILL with the connections open\n"
    "  With --hold, and always in dead, keepalive and orphan, all connections are there at\n"
    "  once; {\"phase\":\"established\"} is printed, and the end waits for a line on stdin.\n"
    "\n"
    "Exit status: 0 all bytes as asked; 1 not so; 2 wrong usage; 77 not available here.\n";

static const struct work_mode modes[] = {
	{ "server", work_server, false },
	{ "client", work_client, false },
	{ "udp-server", work_udp_server, true },
	{ "udp-client", work_udp_client, true },
	{ "idle", work_idle, false },
	{ "storm", work_storm, false },
	{ "end", work_end, false },
	{ "end-server", work_end_server, false },
	{ "stall-server", work_stall_server, false },
	{ "stall-client", work_stall_client, false },
	{ "deaf", work_deaf, false },
	{ "knock", work_knock, false },
	{ "rr", work_rr, false },
	{ "rr-server", work_rr_server, false },
	{ "hand", work_hand, false },
	{ "thread-exec", work_thread_exec, false },
};

static const struct work_mode *find_mode(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!strcmp(name, modes[i].name))
			return &modes[i];
	}
	work_bad_usage("no such mode", name);
}

int main(int argc, char **argv)
{
	struct work_opts o = {
		.addr = "127.0.0.1",
		.conns = 1,
		.parallel = 1,
		.procs = 1,
		.tx = 1024,
		.rx = 1024,
		.count = 1,
		.size = 64,
		.window = 16,
		.seconds = 1,
		.backlog = 4096,
		.times = 1,
	};
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (argc < 2)
		work_bad_usage("no mode given", NULL);
	const struct work_mode *mode = find_mode(argv[1]);
	/* A storm is to be as fast as can be. */
	if (mode->run == work_storm) {
		o.tx = 64;
		o.rx = 0;
	}
	work_options(&o, mode, argc - 1, argv + 1, usage_text);
	signal(SIGPIPE, SIG_IGN);
	return mode->run(&o);
}
