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
/* How a connection comes to its end. The first WORK_CLOSES are for every TCP mode (--close), all
 * for the mode end (--how). */
#define WORK_FATES(X)                        \
	X(WORK_CLOSE_CLIENT, "client")       \
	X(WORK_CLOSE_SERVER, "server")       \
	X(WORK_RST_CLIENT, "rst-client")     \
	X(WORK_RST_SERVER, "rst-server")     \
	X(WORK_HALF, "half")                 \
	X(WORK_HALF_SERVER, "half-server")   \
	X(WORK_ABORT_CLIENT, "abort-client") \
	X(WORK_ABORT_SERVER, "abort-server") \
	X(WORK_REFUSED, "refused")           \
	X(WORK_TIMEOUT, "timeout")           \
	X(WORK_UNREACHABLE, "unreachable")   \
	X(WORK_GIVEUP, "giveup")             \
	X(WORK_DEAD, "dead")                 \
	X(WORK_KEEPALIVE, "keepalive")       \
	X(WORK_ORPHAN, "orphan")             \
	X(WORK_KILLED, "killed")             \
	X(WORK_KILLED_UNREAD, "killed-unread")
#define WORK_FATE_ID(id, name) id,
enum work_close { WORK_FATES(WORK_FATE_ID) };
#define WORK_CLOSES (WORK_RST_SERVER + 1)
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
	uint32_t stall;        /* ms: a server before it reads a round's body, the end of half */
	uint32_t times;        /* stalls, or rounds with one, of a connection */
	uint32_t rcvbuf;       /* SO_RCVBUF; 0: the system's */
	uint32_t user_timeout; /* ms, TCP_USER_TIMEOUT; 0: off */
	uint32_t syncnt;       /* TCP_SYNCNT; 0: the system's */
	uint32_t keepcnt;      /* keepalive with so many probes, a second apart; 0: off */
	uint64_t gap, think;   /* us between requests or writes, and before a reply */
	enum work_method method;
	enum work_read read;
	enum work_close close;
	enum work_accept accept;
	bool hold, nonblock, mapped, echo, oneshot, unconnected, each, quickack, ask;
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
void work_sleep_until(uint64_t ns);
/* Sleep until the nth event of a series that began at start may happen. */
void work_pace(uint64_t start, uint64_t n, uint32_t rate);

/* work_report.c: one JSON object a line, written at once. fds with one socket name it. */
struct work_report {
	const char *role, *proto;
	const struct work_totals *t;
	uint32_t round; /* 0: not shown */
	int fd;         /* the only socket, or -1 */
	const struct sockaddr_storage *local,
	    *remote;       /* instead of fd, when it is closed; or NULL */
	const char *extra; /* more members of the object, each after a comma; or NULL */
};
void work_report(const struct work_report *r);
/* One connection, for --each. */
struct work_conn {
	struct sockaddr_storage local, remote; /* family 0: not known */
	uint64_t tx, rx;
	uint64_t opened, established, closed; /* ns; 0: never */
	uint64_t waited;                      /* ns until the end was noticed */
	uint32_t retrans;
	int err; /* that the socket told in the end, or 0 */
};
void work_report_conn(const char *role, const char *how, uint32_t index, const struct work_conn *c);
/* Both ends of a connected socket, and what it has sent again. */
void work_conn_ends(struct work_conn *c, int fd);
void work_conn_retrans(struct work_conn *c, int fd);
/* Any other line: printf into f, which work_line_end() closes and prints. */
struct work_line {
	FILE *f;
	char *text;
	size_t len;
};
FILE *work_line(struct work_line *l);
void work_line_end(struct work_line *l);
void work_put_ends(FILE *f, const struct sockaddr_storage *local,
		   const struct sockaddr_storage *remote);
void work_totals_add(struct work_totals *sum, const struct work_totals *t);
void work_print_ready(uint16_t port, const pid_t *pids, size_t n);
/* Says what failed on stderr, with errno; always returns -1. */
int work_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* work_sock.c: sockets. All return a descriptor or -1 after a message. */
int work_resolve(const char *host, uint16_t port, bool mapped, struct sockaddr_storage *ss,
		 socklen_t *len);
int work_bind(const struct work_opts *o, int type, bool reuseport);
int work_connect(const struct work_opts *o, int type);
int work_listen(const struct work_opts *o, bool reuseport);
/* Start to connect without waiting. *err is connect's errno (EINPROGRESS: under way), *start the
 * time right before. */
int work_dial(const struct work_opts *o, int *err, uint64_t *start);
int work_socket_error(int fd); /* SO_ERROR */
uint16_t work_port(int fd);
int work_drained(int fd); /* 1: the peer has acknowledged all; 0: not yet; -1 */
int work_wait_drained(int fd);
int work_wait_unread(int fd, uint64_t n); /* until n bytes can be read */
int work_wait_fd(int fd, short events);   /* 0, or -1 after WORK_PATIENCE */
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
/* All of it, blocking or not, added to *count as it goes. 0, or -1 after a message. */
int work_io_send_all(struct work_io *io, int fd, uint64_t off, uint64_t len, uint64_t *count);
int work_io_recv_all(struct work_io *io, int fd, uint64_t len, uint64_t *count);
/* Read until the peer's end, or until the socket tells an error. Returns 0 or that errno. */
int work_io_await_end(struct work_io *io, int fd, uint64_t *count);

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
	uint16_t close;  /* enum work_close */
	uint16_t stall;  /* ms that the server is to wait in some of them */
	uint32_t magic;
};
_Static_assert(sizeof(struct work_tcp_hdr) == WORK_HDR, "a round's header");
#define WORK_TCP_MAGIC 0x6e707774u
/* Of so many bytes these many stay unread where that is to end a connection. */
#define WORK_UNREAD 512
uint64_t work_unread(uint64_t bytes);

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
int work_end(const struct work_opts *o);
int work_end_server(const struct work_opts *o);
int work_stall_server(const struct work_opts *o);
int work_stall_client(const struct work_opts *o);
int work_deaf(const struct work_opts *o);
int work_knock(const struct work_opts *o);
int work_rr(const struct work_opts *o);
int work_rr_server(const struct work_opts *o);
int work_hand(const struct work_opts *o);
int work_thread_exec(const struct work_opts *o);

/* work_tcp.c: the server's end of connections, until the listener's worker is told to end. */
int work_serve(struct work_ctx *ctx, int listener, int conn);

/* work_script.c: a server whose every connection is a thread that follows a script. */
struct work_peer {
	struct work_ctx *ctx;
	struct work_io *io;
	int fd; /* blocking; the script may close it, and then sets it to -1 */
	uint32_t index;
	struct work_tcp_hdr hdr; /* of the last round */
	struct work_totals t;
	struct work_conn conn;
};
/* Returns 0, or -1 when the connection did not go as told. */
typedef int work_script(struct work_peer *peer);
int work_follow(struct work_ctx *ctx, const char *role, work_script *script);
/* Listen, and run the workers, which call work_follow(). */
int work_serve_scripts(const struct work_opts *o, work_fn *fn);
/* 1: there is another round, its header is read; 0: the peer has ended; -1. */
int work_peer_round(struct work_peer *peer);

/* work_opts.c */
struct work_mode {
	const char *name;
	int (*run)(const struct work_opts *o);
	bool udp;
};
extern const char *const work_fate_names[];
void work_options(struct work_opts *o, const struct work_mode *mode, int argc, char **argv,
		  const char *usage);
_Noreturn void work_bad_usage(const char *what, const char *value);

#endif
