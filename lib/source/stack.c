// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The kernel's stacks in words. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "np_event.h"
#include "source/stack.h"

struct symbol {
	uint64_t addr;
	size_t name; /* offset into names: that moves as it grows */
};

struct np_stacks {
	int map_fd;
	bool tried; /* to read the symbols */
	struct symbol *symbols;
	size_t nsymbols, symbols_room;
	char *names;
	size_t names_len, names_room;
	struct np_map texts; /* by stack id + 1 */
};

struct np_stacks *np_stacks_new(int map_fd)
{
	struct np_stacks *stacks = calloc(1, sizeof(*stacks));

	if (stacks)
		stacks->map_fd = map_fd;
	return stacks;
}

void np_stacks_free(struct np_stacks *stacks)
{
	if (!stacks)
		return;
	np_map_foreach (&stacks->texts, slot)
		free(slot->val);
	np_map_free(&stacks->texts);
	free(stacks->symbols);
	free(stacks->names);
	free(stacks);
}

/* Makes room for ADD more in *P, which holds LEN of ROOM elements of SIZE bytes. */
static int grow(void **p, size_t *room, size_t len, size_t add, size_t size)
{
	size_t want = *room ? *room : 4096;
	void *more;

	while (want < len + add)
		want *= 2;
	if (want == *room)
		return 0;
	more = realloc(*p, want * size);
	if (!more)
		return -ENOMEM;
	*p = more;
	*room = want;
	return 0;
}

static int add_symbol(struct np_stacks *s, uint64_t addr, const char *name)
{
	size_t len = strlen(name) + 1;

	if (grow((void **)&s->symbols, &s->symbols_room, s->nsymbols, 1, sizeof(*s->symbols)) ||
	    grow((void **)&s->names, &s->names_room, s->names_len, len, 1))
		return -ENOMEM;
	s->symbols[s->nsymbols++] = (struct symbol){ .addr = addr, .name = s->names_len };
	memcpy(s->names + s->names_len, name, len);
	s->names_len += len;
	return 0;
}

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

int np_stacks_symbols(struct np_stacks *stacks, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512], name[256], type;
	unsigned long long addr;
	int err = 0;

	stacks->tried = true;
	if (!f)
		return -errno;
	while (!err && fgets(line, sizeof(line), f))
		/* code only; all addresses are 0 where the kernel hides them */
		if (sscanf(line, "%llx %c %255s", &addr, &type, name) == 3 &&
		    strchr("tTwW", type) && addr)
			err = add_symbol(stacks, addr, name);
	fclose(f);
	if (stacks->nsymbols)
		qsort(stacks->symbols, stacks->nsymbols, sizeof(*stacks->symbols), by_addr);
	return err;
}

/* The last symbol at or before ADDR; NULL: none. */
static const struct symbol *find(const struct np_stacks *s, uint64_t addr)
{
	size_t lo = 0, hi = s->nsymbols;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->symbols[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &s->symbols[lo - 1] : NULL;
}

/* The innermost frames are how the tracepoint called us. */
static bool is_tracing(const char *name)
{
	static const char *const prefixes[] = {
		"bpf_prog_",    "bpf_trace_run",   "__bpf_trace_",
		"__traceiter_", "bpf_trampoline_", "bpf_get_stack"
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

void np_stacks_format(const struct np_stacks *stacks, const uint64_t *addr, size_t n, char *buf,
		      size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n && addr[i] && len < size; i++) {
		const struct symbol *sym = find(stacks, addr[i]);
		const char *name = sym ? stacks->names + sym->name : NULL;
		const char *comma = len ? ";" : "";

		if (!len && name && is_tracing(name))
			continue;
		if (name)
			len += (size_t)snprintf(buf + len, size - len, "%s%s+0x%llx", comma, name,
						(unsigned long long)(addr[i] - sym->addr));
		else
			len += (size_t)snprintf(buf + len, size - len, "%s0x%llx", comma,
						(unsigned long long)addr[i]);
	}
}

void np_stacks_kernel(struct np_stacks *s)
{
	int err = np_stacks_symbols(s, "/proc/kallsyms");

	if (err || !s->nsymbols)
		np_log(NP_LOG_WARN, "stacks show bare addresses: the kernel hides its symbols; set "
				    "kernel.kptr_restrict to 0 or 1");
}

static char *read_stack(struct np_stacks *s, uint32_t id)
{
	uint64_t addr[NP_STACK_DEPTH] = { 0 };
	char text[2048];

	if (bpf_map_lookup_elem(s->map_fd, &id, addr))
		return NULL;
	if (!s->tried)
		np_stacks_kernel(s);
	np_stacks_format(s, addr, NP_STACK_DEPTH, text, sizeof(text));
	return strdup(text);
}

/* No entry of the map is ever written again, so a text stays true. */
const char *np_stacks_text(struct np_stacks *stacks, uint32_t id)
{
	char *text;

	if (!stacks)
		return "";
	text = np_map_get(&stacks->texts, (uint64_t)id + 1);
	if (text)
		return text;
	text = read_stack(stacks, id);
	if (!text)
		return "";
	if (np_map_put(&stacks->texts, (uint64_t)id + 1, text)) {
		free(text);
		return "";
	}
	return text;
}
