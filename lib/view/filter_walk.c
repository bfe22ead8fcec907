// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "view/filter_walk.h"

struct value {
	uint32_t num;
	bool known;
	bool proto; /* unknown, but it is the protocol */
};

/* Before an instruction: what every way to it agrees on. */
struct state {
	struct value a, x, mem[BPF_MEMWORDS];
	bool reached;
};

struct walk {
	const struct bpf_program *prog;
	struct state *states; /* one an instruction; jumps go forward, so one pass settles them */
	bool v6;
	int proto;        /* of the packet, or -1: any */
	bool protos[256]; /* those that the program asks for */
	bool match;       /* it can return other than 0 */
	const char *why;  /* what it looks at that a connection does not have */
};

static bool has_ports(int proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static void merge(struct value *to, const struct value *from)
{
	if (to->known && !(from->known && from->num == to->num))
		to->known = false;
	to->proto = to->proto && from->proto;
}

static void flow_to(struct walk *w, size_t pc, const struct state *from)
{
	struct state *to;

	if (pc >= w->prog->bf_len) {
		w->why = "it walks over header chains"; /* a jump back: protochain */
		return;
	}
	to = &w->states[pc];
	if (!to->reached) {
		*to = *from;
		to->reached = true;
		return;
	}
	merge(&to->a, &from->a);
	merge(&to->x, &from->x);
	for (size_t i = 0; i < BPF_MEMWORDS; i++)
		merge(&to->mem[i], &from->mem[i]);
}

/* Whether the connection says what is at OFF, SIZE bytes long. */
static bool is_told(const struct walk *w, uint32_t off, uint32_t size, const struct bpf_insn *next)
{
	uint32_t addr = w->v6 ? 8 : 12, end = w->v6 ? 40 : 20;

	if (off == 0) /* the version, but not the header length */
		return size == 1 && next->code == (BPF_ALU | BPF_AND | BPF_K) && next->k == 0xf0;
	if (off == (w->v6 ? 6 : 9))
		return size == 1;
	if (!w->v6 && off == 6) /* "no fragment": so is every connection */
		return size == 2 && next->code == (BPF_JMP | BPF_JSET | BPF_K) && next->k == 0x1fff;
	if (off >= addr && off + size <= end)
		return true;
	if (has_ports(w->proto))
		return off >= end && off + size <= end + 4;
	return w->v6 && w->proto == IPPROTO_FRAGMENT && off == 40 && size == 1;
}

static struct value load(struct walk *w, const struct bpf_insn *insn, struct value off)
{
	uint32_t size = BPF_SIZE(insn->code) == BPF_W ? 4 : BPF_SIZE(insn->code) == BPF_H ? 2 : 1;
	struct value val = { 0 };

	/* the last instruction is a return */
	if (w->proto >= 0 && (!off.known || off.num > 1000 || !is_told(w, off.num, size, insn + 1)))
		w->why = "it looks at flags, lengths or contents of packets";
	if (!off.known)
		return val;
	if (off.num == 0 && size == 1)
		return (struct value){ .num = w->v6 ? 0x60 : 0x45, .known = true };
	if (off.num == 6 && size == 2 && !w->v6)
		return (struct value){ .num = 0, .known = true };
	if (off.num == (w->v6 ? 6 : 9) && size == 1)
		return (struct value){ .num = (uint32_t)w->proto,
				       .known = w->proto >= 0,
				       .proto = w->proto < 0 };
	return val;
}

static struct value read_value(struct walk *w, const struct bpf_insn *insn, const struct state *s)
{
	struct value off = { .num = insn->k, .known = true };

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		return off;
	case BPF_MEM:
		return s->mem[insn->k % BPF_MEMWORDS];
	case BPF_ABS:
		return load(w, insn, off);
	case BPF_IND:
		off.known = s->x.known;
		off.num += s->x.num;
		return load(w, insn, off);
	case BPF_MSH: /* the IPv4 header's length; a connection's packet has no options */
		off.known = insn->k == 0;
		off.num = w->v6 ? 0 : 20;
		return off;
	default:
		w->why = "it looks at the length of packets";
		return (struct value){ 0 };
	}
}

static struct value calculate(const struct bpf_insn *insn, struct value a, struct value x)
{
	uint32_t b = BPF_SRC(insn->code) == BPF_X ? x.num : insn->k;
	struct value val = { .known = a.known && (BPF_SRC(insn->code) == BPF_K || x.known) };

	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		val.num = a.num + b;
		break;
	case BPF_SUB:
		val.num = a.num - b;
		break;
	case BPF_MUL:
		val.num = a.num * b;
		break;
	case BPF_AND:
		val.num = a.num & b;
		break;
	case BPF_OR:
		val.num = a.num | b;
		break;
	default: /* nothing that matters here shifts or divides */
		val.known = false;
	}
	return val;
}

static void jump(struct walk *w, size_t pc, const struct bpf_insn *insn, const struct state *s)
{
	uint32_t b = BPF_SRC(insn->code) == BPF_X ? s->x.num : insn->k;
	bool known = s->a.known && (BPF_SRC(insn->code) == BPF_K || s->x.known), yes = false;

	if (BPF_OP(insn->code) == BPF_JA) {
		flow_to(w, insn->k < w->prog->bf_len ? pc + 1 + insn->k : SIZE_MAX, s);
		return;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		yes = s->a.num == b;
		if (s->a.proto && b < 256)
			w->protos[b] = true;
		break;
	case BPF_JGT:
		yes = s->a.num > b;
		break;
	case BPF_JGE:
		yes = s->a.num >= b;
		break;
	case BPF_JSET:
		yes = (s->a.num & b) != 0;
		break;
	default:
		known = false;
	}
	if (!known || yes)
		flow_to(w, pc + 1 + insn->jt, s);
	if (!known || !yes)
		flow_to(w, pc + 1 + insn->jf, s);
}

static void step(struct walk *w, size_t pc)
{
	const struct bpf_insn *insn = &w->prog->bf_insns[pc];
	struct state s = w->states[pc];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		s.a = read_value(w, insn, &s);
		break;
	case BPF_LDX:
		s.x = read_value(w, insn, &s);
		break;
	case BPF_ST:
		s.mem[insn->k % BPF_MEMWORDS] = s.a;
		break;
	case BPF_STX:
		s.mem[insn->k % BPF_MEMWORDS] = s.x;
		break;
	case BPF_ALU:
		s.a = calculate(insn, s.a, s.x);
		break;
	case BPF_JMP:
		jump(w, pc, insn, &s);
		return;
	case BPF_RET:
		if (BPF_RVAL(insn->code) == BPF_A)
			w->match |= !s.a.known || s.a.num != 0;
		else
			w->match |= insn->k != 0;
		return;
	default:
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			s.x = s.a;
		else
			s.a = s.x;
	}
	flow_to(w, pc + 1, &s);
}

static void run(struct walk *w, bool v6, int proto)
{
	const struct state start = { .a.known = true, .x.known = true };

	memset(w->states, 0, w->prog->bf_len * sizeof(*w->states));
	w->v6 = v6;
	w->proto = proto;
	w->match = false;
	flow_to(w, 0, &start);
	for (size_t pc = 0; pc < w->prog->bf_len && !w->why; pc++)
		if (w->states[pc].reached)
			step(w, pc);
}

int np_filter_walk(const struct bpf_program *prog, struct np_filter_seen *out)
{
	struct walk w = { .prog = prog };

	*out = (struct np_filter_seen){ 0 };
	w.states = calloc(prog->bf_len, sizeof(*w.states));
	if (!w.states)
		return -ENOMEM;
	run(&w, false, -1);
	run(&w, true, -1);
	w.protos[IPPROTO_TCP] = w.protos[IPPROTO_UDP] = true;
	w.protos[IPPROTO_ICMP] = w.protos[IPPROTO_ICMPV6] = true;
	for (int proto = 0; proto < 256 && !w.why; proto++) {
		for (int v6 = 0; v6 < 2 && w.protos[proto] && !w.why; v6++) {
			run(&w, v6, proto);
			out->tcp |= proto == IPPROTO_TCP && w.match;
			out->udp |= proto == IPPROTO_UDP && w.match;
			out->icmp |= proto == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) && w.match;
		}
	}
	free(w.states);
	out->why = w.why;
	return 0;
}
