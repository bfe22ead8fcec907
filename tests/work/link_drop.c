// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Part of np-link (see link_main.c): which TCP segments are to be lost. */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_PSH 0x08
#define FLAG_ACK 0x10

const char *const link_kinds[LINK_KINDS] = { "syn", "synack", "data", "ack",
					     "fin", "rst",    "any",  "tail" };

struct segment {
	const uint8_t *src, *dst; /* addresses, addr_len bytes each */
	size_t addr_len;
	uint16_t sport, dport;
	uint32_t seq, payload;
	uint8_t flags;
};

/* What one rule knows of one connection. */
struct rule_state {
	uint32_t ordinal; /* from 1; 0: not met yet */
	uint32_t seen[LINK_DIRS], dropped[LINK_DIRS];
	uint32_t base[LINK_DIRS]; /* sequence number of the first byte */
	bool based[LINK_DIRS];
};

struct link_conn {
	uint32_t isn;
	bool isn_known;
	uint16_t server; /* port; 0: its SYN was not seen */
	struct rule_state state[LINK_MAX_RULES];
};

/* Bounded view of what is left of the frame. */
struct bytes {
	const uint8_t *at;
	size_t left;
};

static const uint8_t *take(struct bytes *b, size_t len)
{
	const uint8_t *at = b->at;

	if (b->left < len)
		return NULL;
	b->at += len;
	b->left -= len;
	return at;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* The lengths in the IP headers count: a short frame is padded. */
static bool trim(struct bytes *b, size_t len)
{
	if (len > b->left)
		return false;
	b->left = len;
	return true;
}

/* RFC 791: version and length, ., total length; ., fragment; ., protocol, .; source; destination */
static bool read_ipv4(struct bytes *b, struct segment *s)
{
	const uint8_t *ip = take(b, 20);

	if (!ip || ip[0] >> 4 != 4)
		return false;
	size_t header = (ip[0] & 0xfU) * 4, total = be16(ip + 2);
	/* Of fragments only the first has the ports, and its payload is not all of it. */
	if (header < 20 || total < header || (be16(ip + 6) & 0x3fff) || ip[9] != 6)
		return false;
	if (!trim(b, total - 20) || !take(b, header - 20))
		return false;
	s->src = ip + 12;
	s->dst = ip + 16;
	s->addr_len = 4;
	return true;
}

/* RFC 8200: version, flow, payload length, next header, hops; source; destination */
static bool read_ipv6(struct bytes *b, struct segment *s)
{
	const uint8_t *ip = take(b, 40);

	if (!ip || ip[0] >> 4 != 6 || !trim(b, be16(ip + 4)))
		return false;
	uint8_t next = ip[6];
	/* Hop by hop, routing, destination options: next header, length in 8 bytes beyond 8. */
	while (next == 0 || next == 43 || next == 60) {
		const uint8_t *ext = take(b, 8);

		if (!ext || !take(b, ext[1] * 8U))
			return false;
		next = ext[0];
	}
	s->src = ip + 8;
	s->dst = ip + 24;
	s->addr_len = 16;
	return next == 6;
}

/* RFC 9293: ports; sequence; acknowledgement; offset, flags, window; checksum, urgent */
static bool read_tcp(struct bytes *b, struct segment *s)
{
	const uint8_t *tcp = take(b, 20);

	if (!tcp)
		return false;
	size_t header = (tcp[12] >> 4) * 4U;
	if (header < 20 || !take(b, header - 20))
		return false;
	s->sport = be16(tcp);
	s->dport = be16(tcp + 2);
	s->seq = be32(tcp + 4);
	s->flags = tcp[13];
	s->payload = (uint32_t)b->left;
	return true;
}

static bool read_segment(const uint8_t *frame, size_t len, struct segment *s)
{
	struct bytes b = { frame, len };
	const uint8_t *ether = take(&b, 14);

	if (!ether)
		return false;
	switch (be16(ether + 12)) {
	case 0x0800:
		return read_ipv4(&b, s) && read_tcp(&b, s);
	case 0x86dd:
		return read_ipv6(&b, s) && read_tcp(&b, s);
	default:
		return false;
	}
}

static bool is_kind(const struct segment *s, enum link_kind kind)
{
	const uint8_t syn = s->flags & (FLAG_SYN | FLAG_ACK);

	switch (kind) {
	case LINK_SYN:
		return syn == FLAG_SYN;
	case LINK_SYNACK:
		return syn == (FLAG_SYN | FLAG_ACK);
	case LINK_DATA:
		return s->payload > 0;
	case LINK_ACK:
		return !s->payload && !(s->flags & (FLAG_SYN | FLAG_FIN | FLAG_RST));
	case LINK_FIN:
		return s->flags & FLAG_FIN;
	case LINK_RST:
		return s->flags & FLAG_RST;
	case LINK_TAIL:
		return s->payload > 0 && (s->flags & FLAG_PSH);
	default:
		return true;
	}
}

/* Both directions of a connection have one key: A's end comes first. */
static uint64_t conn_key(const struct segment *s, enum link_dir dir)
{
	const uint16_t ports[2] = { dir == LINK_AB ? s->sport : s->dport,
				    dir == LINK_AB ? s->dport : s->sport };
	uint64_t key = np_hash(ports, sizeof(ports), s->addr_len);

	key = np_hash(dir == LINK_AB ? s->src : s->dst, s->addr_len, key);
	return np_hash(dir == LINK_AB ? s->dst : s->src, s->addr_len, key);
}

static struct link_conn *find_conn(struct link_rules *rules, const struct segment *s,
				   enum link_dir dir)
{
	uint64_t key = conn_key(s, dir);
	struct link_conn *conn = np_map_get(&rules->conns, key);

	if (!conn) {
		if (rules->conns.count >= LINK_MAX_CONNS)
			return NULL;
		conn = calloc(1, sizeof(*conn));
		if (!conn || np_map_put(&rules->conns, key, conn)) {
			free(conn);
			return NULL;
		}
	}
	if (is_kind(s, LINK_SYN)) {
		/* The same ports again are another connection, the same SYN again is not. */
		if (conn->isn_known && conn->isn != s->seq)
			memset(conn, 0, sizeof(*conn));
		conn->isn = s->seq;
		conn->isn_known = true;
		conn->server = s->dport;
	}
	return conn;
}

static bool is_port(const struct link_rule *rule, const struct link_conn *conn,
		    const struct segment *s)
{
	if (!rule->port)
		return true;
	if (conn->server)
		return conn->server == rule->port;
	return s->sport == rule->port || s->dport == rule->port;
}

/* Bytes count from the first segment that the rule sees, which is the SYN if it came in time. */
static bool has_byte(const struct link_rule *rule, struct rule_state *state,
		     const struct segment *s, enum link_dir dir)
{
	const uint32_t first = s->seq + (s->flags & FLAG_SYN ? 1 : 0);

	if (!state->based[dir]) {
		state->base[dir] = first;
		state->based[dir] = true;
	}
	/* Sequence numbers wrap. */
	return !rule->byte || state->base[dir] + rule->byte - 1 - first < s->payload;
}

static bool rule_drops(struct link_rule *rule, struct rule_state *state, const struct segment *s,
		       enum link_dir dir)
{
	if (!state->ordinal)
		state->ordinal = ++rule->seen_conns;
	if (rule->conns && state->ordinal > rule->conns)
		return false;
	if (!has_byte(rule, state, s, dir) || !(rule->dirs & LINK_BIT(dir)) ||
	    !is_kind(s, rule->kind))
		return false;
	if (++state->seen[dir] < rule->nth || state->dropped[dir] >= rule->times)
		return false;
	state->dropped[dir]++;
	return true;
}

bool link_rules_drop(struct link_rules *rules, enum link_dir dir, const uint8_t *frame, size_t len,
		     enum link_kind *kind)
{
	struct segment s;
	bool drop = false;

	if (!rules->count || !read_segment(frame, len, &s))
		return false;
	struct link_conn *conn = find_conn(rules, &s, dir);
	if (!conn) {
		rules->untracked++;
		return false;
	}
	/* All of them see the frame: what one drops, the next has counted too. */
	for (uint32_t i = 0; i < rules->count; i++) {
		struct link_rule *rule = &rules->rule[i];

		if (is_port(rule, conn, &s) && rule_drops(rule, &conn->state[i], &s, dir) &&
		    !drop) {
			*kind = rule->kind;
			drop = true;
		}
	}
	return drop;
}

static int set_dir(struct link_rule *rule, const char *value)
{
	if (strcmp(value, "ab") != 0 && strcmp(value, "ba") != 0)
		return -EINVAL;
	rule->dirs = LINK_BIT(value[0] == 'a' ? LINK_AB : LINK_BA);
	return 0;
}

static int set_kind(struct link_rule *rule, const char *value)
{
	for (int i = 0; i < LINK_KINDS; i++) {
		if (!strcmp(value, link_kinds[i])) {
			rule->kind = (enum link_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* One KEY=VALUE of a rule. */
static int set_part(struct link_rule *rule, const char *key, const char *value)
{
	uint32_t port;

	if (!strcmp(key, "dir"))
		return set_dir(rule, value);
	if (!strcmp(key, "kind"))
		return set_kind(rule, value);
	if (!strcmp(key, "nth"))
		return np_parse_u32(value, 1, UINT32_MAX, &rule->nth);
	if (!strcmp(key, "times"))
		return np_parse_u32(value, 1, UINT32_MAX, &rule->times);
	if (!strcmp(key, "byte"))
		return np_parse_u32(value, 1, INT32_MAX, &rule->byte);
	if (!strcmp(key, "conns"))
		return np_parse_u32(value, 1, UINT32_MAX, &rule->conns);
	if (strcmp(key, "port") != 0 || np_parse_u32(value, 1, UINT16_MAX, &port))
		return -EINVAL;
	rule->port = (uint16_t)port;
	return 0;
}

static int parse_rule(struct link_rule *rule, char *spec, struct np_err *err)
{
	bool tail = false;
	char *save = NULL;

	for (char *part = strtok_r(spec, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		char *value = strchr(part, '=');

		if (!strcmp(part, "tail")) {
			tail = true;
			continue;
		}
		if (value)
			*value++ = '\0';
		if (!value || set_part(rule, part, value))
			return np_err_set(err, -EINVAL, "drop: %s%s%s", part, value ? "=" : "",
					  value ? value : "");
	}
	if (tail && rule->kind != LINK_ANY && rule->kind != LINK_DATA)
		return np_err_set(err, -EINVAL, "drop: tail goes with kind=data");
	if (tail)
		rule->kind = LINK_TAIL;
	else if (rule->byte && rule->kind == LINK_ANY)
		rule->kind = LINK_DATA;
	return 0;
}

int link_rules_add(struct link_rules *rules, const char *spec, struct np_err *err)
{
	struct link_rule rule = { .kind = LINK_ANY, .dirs = LINK_BOTH, .nth = 1, .times = 1 };
	char text[128];

	if (strlen(spec) >= sizeof(text))
		return np_err_set(err, -EINVAL, "drop: too long");
	if (rules->count == LINK_MAX_RULES)
		return np_err_set(err, -ENOSPC, "drop: more than %d rules", LINK_MAX_RULES);
	memcpy(text, spec, strlen(spec) + 1);
	int code = parse_rule(&rule, text, err);
	if (!code)
		rules->rule[rules->count++] = rule;
	return code;
}

void link_rules_clear(struct link_rules *rules)
{
	np_map_foreach (&rules->conns, slot)
		free(slot->val);
	np_map_free(&rules->conns);
	rules->count = 0;
}
