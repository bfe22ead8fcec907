// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * np-work: makes traffic whose bytes, datagrams and connections are known exactly.
 *
 * Each mode is one file; work_proc.c runs its workers, work_io.c moves the bytes. Nothing here owns
 * a file descriptor longer than the worker that opened it lives.
 */
#ifndef NP_WORK_H
#define NP_WORK_H

#ifndef _GNU_SOURCE /* accept4, splice, sendmmsg; hence this header comes first everywhere */
#define _GNU_SOURCE 1
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

#define WORK_BUF       (256 * 1024)
#define WORK_HDR       24 /* first bytes of a TCP round and of each datagram; payload like the rest */
#define WORK_EXIT_SKIP 77    /* as automake and bats understand it: cannot be tested here */
#define WORK_PATIENCE  30000 /* ms without progress before a worker gives up */

enum work_method {
	WORK_WRITE,
	WORK_SEND,
	WORK_SENDMSG,
	WORK_SENDFILE,
	WORK_SPLICE_OUT,
	WORK_URING_OUT,
	WORK_SENDMMSG
};
enum work_read {
	WORK_READ,
	WORK_RECV,
	WORK_RECVMSG,
	WORK_SPLICE_IN,
	WORK_URING_IN,
	WORK_PEEK,
	WORK_RECVMMSG
};
enum work_close { WORK_CLOSE_CLIENT, WORK_CLOSE_SERVER, WORK_RST_CLIENT, WORK_RST_SERVER };
enum work_accept { WORK_REUSEPORT, WORK_PREFORK, WORK_FORK };

struct work_opts {
	const char *addr;  /* --listen or --to */
	const char *local; /* source address, or NULL */
	uint16_t port;
	uint32_t conns;    /* of each thread of each process */
	uint32_t parallel; /* of them open at a time */
	uint32_t procs;
	uint32_t threads; /* 0: the process' first thread does the work */
	uint64_t tx, rx;  /* payload bytes of a connection and round */
	uint32_t rate;    /* connections or datagrams a second and thread; 0: no limit */
	uint32_t count;   /* datagrams of a worker and round */
	uint32_t size;    /* bytes of a datagram */
	uint32_t gso;     /* bytes of a UDP_SEGMENT segment; 0: off */
	uint32_t window;  /* datagrams on their way at a time */
	uint32_t seconds;
	uint32_t backlog;
	uint32_t stall; /* ms that a server waits before it reads a round's body */
	enum work_method method;
	enum work_read read;
	enum work_close close;
	enum work_accept accept;
	bool hold, nonblock, mapped, echo, oneshot, unconnected;
	char comm[16]; /* may hold any byte but NUL; empty: leave the name */
};

struct work_totals {
	uint64_t tx, rx;
	uint64_t tx_datagrams, rx_datagrams;
	uint64_t conns;
	uint64_t retrans, retrans_bytes;
	uint64_t errors;
};

/* What a worker process is given; lives as long as the process. */
struct work_ctx {
	const struct work_opts *o;
	uint32_t index;
	int sigfd;    /* SIGTERM, SIGINT, SIGCHLD: blocked, to be read here */
	int ctlfd;    /* one line: another round; EOF: end. -1: only a signal ends a hold */
	int readyfd;  /* where to say that the worker is ready, or -1: print the line itself */
	int listener; /* inherited by every worker, or -1 */
	void *report; /* of the mode */
};

/* Returns the exit status of the worker. */
typedef int work_fn(struct work_ctx *ctx);

struct work_run {
	const struct work_opts *o;
	work_fn *fn;
	int listener;    /* shared by all workers, or -1 */
	int placeholder; /* keeps a port until all workers have bound it, or -1 */
};

/* work_proc.c: run o->procs workers (one: in this very process), wait, return the first bad status.
 */
int work_run(const struct work_run *run);
void work_ready(struct work_ctx *ctx, uint16_t port);
/* Wait in a hold. True: do another round; false: end. */
bool work_next_round(struct work_ctx *ctx);
int work_signal_fd(void);
bool work_signalled(int sigfd);
/* Let SIGTERM and SIGINT kill again: for workers that have nothing to tell when interrupted. */
void work_mortal(void);
void work_set_comm(const char *comm);
uint64_t work_now_ns(void);
/* Sleep until the nth event of a series that began at start may happen. */
void work_pace(uint64_t start, uint64_t n, uint32_t rate);

/* work_report.c: one JSON object a line, written at once. fds with one socket name it. */
struct work_report {
	const char *role, *proto;
	const struct work_totals *t;
	uint32_t round; /* 0: not shown */
	int fd;         /* the only socket, or -1 */
	const struct sockaddr_storage *local,
	    *remote; /* instead of fd, when it is closed; or NULL */
};
void work_report(const struct work_report *r);
void work_totals_add(struct work_totals *sum, const struct work_totals *t);
void work_print_ready(uint16_t port, const pid_t *pids, size_t n);
/* Says what failed on stderr, with errno; always returns -1. */
int work_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* work_sock.c: sockets. All return a descriptor or -1 after a message. */
int work_resolve(const char *host, uint16_t port, bool mapped, struct sockaddr_storage *ss,
		 socklen_t *len);
int work_bind(const struct work_opts *o, int type, bool reuseport);
int work_connect(const struct work_opts *o, int type);
uint16_t work_port(int fd);
int work_drained(int fd); /* 1: the peer has acknowledged all; 0: not yet; -1 */
int work_wait_drained(int fd);
int work_wait_fd(int fd, short events); /* 0, or -1 after WORK_PATIENCE */
void work_reset_on_close(int fd);

/*
 * work_io.c: one way out and one way in, for one thread. Both return bytes moved, 0 at the peer's
 * end of stream, or -1 with errno (EAGAIN on a non-blocking socket).
 */
struct work_io;
struct work_io *work_io_new(enum work_method method, enum work_read read);
void work_io_free(struct work_io *io);
/* The bytes that stand at the start of each message. */
int work_io_set_header(struct work_io *io, const void *hdr, size_t len);
/* Send up to len bytes of the endless message that begins with the header, from offset off on. */
ssize_t work_io_send(struct work_io *io, int fd, uint64_t off, uint64_t len);
ssize_t work_io_recv(struct work_io *io, int fd, uint64_t max, const uint8_t **data);

/* work_uring.c; NULL with errno ENOSYS when built without liburing. */
struct work_uring;
struct work_uring *work_uring_new(void);
void work_uring_free(struct work_uring *u);
ssize_t work_uring_send(struct work_uring *u, int fd, const void *buf, size_t len);
ssize_t work_uring_recv(struct work_uring *u, int fd, void *buf, size_t len);

/* The first bytes of each round of a TCP connection; host byte order, both ends are this program.
 */
struct work_tcp_hdr {
	uint64_t tx, rx; /* the client's; tx counts this header */
	uint32_t close;  /* enum work_close */
	uint32_t magic;
};
_Static_assert(sizeof(struct work_tcp_hdr) == WORK_HDR, "a round's header");
#define WORK_TCP_MAGIC 0x6e707774u

/* The first bytes of each datagram. */
struct work_udp_hdr {
	uint32_t magic;
	uint16_t flags;
	uint16_t n;  /* datagrams in the window */
	uint64_t id; /* of the sending worker */
	uint32_t window;
	uint32_t seq;
};
_Static_assert(sizeof(struct work_udp_hdr) == WORK_HDR, "a datagram's header");
#define WORK_UDP_MAGIC 0x6e707775u
#define WORK_UDP_ECHO  1u /* send the whole datagram back; else one header for a whole window */

/* The modes. */
int work_server(const struct work_opts *o);
int work_client(const struct work_opts *o);
int work_udp_server(const struct work_opts *o);
int work_udp_client(const struct work_opts *o);
int work_idle(const struct work_opts *o);
int work_storm(const struct work_opts *o);

/* work_tcp.c: the server's end of connections, until the listener's worker is told to end. */
int work_serve(struct work_ctx *ctx, int listener, int conn);

#endif
