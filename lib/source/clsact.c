// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/clsact.h"
#include "source/link.h"

/* What the parent tells the child of each filter. */
struct hung {
	uint32_t ifindex, handle, priority;
	uint8_t egress;
	uint8_t made; /* the qdisc is ours */
};

struct np_clsact {
	int pipe;
	pid_t child;
};

static void take_away(const struct hung *h)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)h->ifindex,
		    .attach_point = h->egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = h->handle, .priority = h->priority);

	bpf_tc_detach(&hook, &opts);
}

static void give_back(const struct hung *h)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)h->ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (h->made && np_link_filters(h->ifindex) == 0)
		bpf_tc_hook_destroy(&hook);
}

/* The child: collects until the pipe closes, which it does however the parent ends. */
static void stand_by(int fd)
{
	struct hung *all = NULL, one;
	size_t n = 0;

	while (read(fd, &one, sizeof(one)) == (ssize_t)sizeof(one)) {
		struct hung *more = realloc(all, (n + 1) * sizeof(*all));

		if (!more)
			break;
		all = more;
		all[n++] = one;
	}
	for (size_t i = 0; i < n; i++)
		take_away(&all[i]);
	for (size_t i = 0; i < n; i++)
		give_back(&all[i]);
	_exit(0);
}

int np_clsact_new(struct np_clsact **out)
{
	struct np_clsact *guard = calloc(1, sizeof(*guard));
	int fds[2];

	if (!guard)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC)) {
		free(guard);
		return -errno;
	}
	guard->child = fork();
	if (guard->child < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		free(guard);
		return err;
	}
	if (!guard->child) {
		sigset_t all;

		/* a Ctrl-C that ends the parent must not end its guard */
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		setsid();
		close(fds[1]);
		/* a reader of our output must not wait for us */
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		stand_by(fds[0]);
	}
	close(fds[0]);
	guard->pipe = fds[1];
	*out = guard;
	return 0;
}

int np_clsact_attach(struct np_clsact *guard, uint32_t ifindex, bool egress, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	/* the first, as tcx is: another's filter may let nobody after it see the packet */
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd, .priority = 1);
	struct hung h = { .ifindex = ifindex, .egress = egress };
	int err = bpf_tc_hook_create(&hook);

	if (err && err != -EEXIST)
		return err;
	h.made = !err;
	err = bpf_tc_attach(&hook, &opts);
	if (err) {
		opts.priority = 0; /* that place is taken by a filter of another kind */
		err = bpf_tc_attach(&hook, &opts);
	}
	if (err)
		return err;
	h.handle = opts.handle;
	h.priority = opts.priority;
	if (write(guard->pipe, &h, sizeof(h)) != (ssize_t)sizeof(h)) {
		take_away(&h);
		return -EPIPE;
	}
	return 0;
}

void np_clsact_free(struct np_clsact *guard)
{
	if (!guard)
		return;
	close(guard->pipe);
	while (waitpid(guard->child, NULL, 0) < 0 && errno == EINTR)
		;
	free(guard);
}
