// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The kernel's reasons in words. */
#include <bpf/btf.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "source/reason.h"

#define NAMES_MAX    512 /* of a list; the kernel has 128 and 25 */
#define SUBSYS_SHIFT 16  /* SKB_DROP_REASON_SUBSYS_SHIFT */

struct names {
	char *name[NAMES_MAX];
};

struct np_reasons {
	struct names drop, subsys, reset;
	struct np_map odd; /* texts of numbers without a name, by number + 1 */
};

static char *lower(const char *name, const char *const *prefixes)
{
	char *text;

	for (; *prefixes; prefixes++) {
		size_t len = strlen(*prefixes);

		if (!strncmp(name, *prefixes, len)) {
			name += len;
			break;
		}
	}
	text = strdup(name);
	for (char *c = text; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return text;
}

/* The names of an enum by their numbers; the first prefix that fits goes away. */
static void read_enum(struct names *names, const struct btf *btf, const char *of,
		      const char *const *prefixes)
{
	int id = btf ? btf__find_by_name_kind(btf, of, BTF_KIND_ENUM) : -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (uint16_t i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_enum *e = btf_enum(t) + i;
		const char *name = btf__name_by_offset(btf, e->name_off);

		if (e->val >= 0 && e->val < NAMES_MAX && name && !names->name[e->val])
			names->name[e->val] = lower(name, prefixes);
	}
}

struct np_reasons *np_reasons_new(const struct btf *btf)
{
	static const char *const drop[] = { "SKB_DROP_REASON_", "SKB_", NULL };
	static const char *const subsys[] = { "SKB_DROP_REASON_SUBSYS_", NULL };
	static const char *const reset[] = { "SK_RST_REASON_", NULL };
	struct np_reasons *reasons = calloc(1, sizeof(*reasons));

	if (!reasons)
		return NULL;
	read_enum(&reasons->drop, btf, "skb_drop_reason", drop);
	read_enum(&reasons->subsys, btf, "skb_drop_reason_subsys", subsys);
	read_enum(&reasons->reset, btf, "sk_rst_reason", reset);
	return reasons;
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < NAMES_MAX; i++)
		free(names->name[i]);
}

void np_reasons_free(struct np_reasons *reasons)
{
	if (!reasons)
		return;
	free_names(&reasons->drop);
	free_names(&reasons->subsys);
	free_names(&reasons->reset);
	np_map_foreach (&reasons->odd, slot)
		free(slot->val);
	np_map_free(&reasons->odd);
	free(reasons);
}

/* "reason_77", "openvswitch:5", "subsys_9:5": made once for each number. */
static const char *odd(struct np_reasons *reasons, uint32_t reason)
{
	uint32_t subsys = reason >> SUBSYS_SHIFT, number = reason & 0xffff;
	const char *name = subsys < NAMES_MAX ? reasons->subsys.name[subsys] : NULL;
	char *text = np_map_get(&reasons->odd, (uint64_t)reason + 1);
	int len;

	if (text)
		return text;
	if (!subsys)
		len = asprintf(&text, "reason_%u", number);
	else if (name)
		len = asprintf(&text, "%s:%u", name, number);
	else
		len = asprintf(&text, "subsys_%u:%u", subsys, number);
	if (len < 0)
		return "?";
	if (np_map_put(&reasons->odd, (uint64_t)reason + 1, text)) {
		free(text);
		return "?";
	}
	return text;
}

static const char *name_of(struct np_reasons *reasons, const struct names *names, uint32_t reason)
{
	if (reason < NAMES_MAX && names->name[reason])
		return names->name[reason];
	return odd(reasons, reason);
}

const char *np_reasons_drop(struct np_reasons *reasons, uint32_t reason)
{
	return name_of(reasons, &reasons->drop, reason);
}

const char *np_reasons_reset(struct np_reasons *reasons, uint32_t reason)
{
	return name_of(reasons, &reasons->reset, reason);
}

static struct np_reasons *of_this_kernel(void)
{
	static struct np_reasons *reasons;
	struct btf *btf;

	if (reasons)
		return reasons;
	btf = btf__load_vmlinux_btf();
	reasons = np_reasons_new(btf);
	btf__free(btf);
	return reasons;
}

const char *np_reason_drop(uint32_t reason)
{
	struct np_reasons *reasons = of_this_kernel();

	return reasons ? np_reasons_drop(reasons, reason) : "?";
}

const char *np_reason_reset(uint32_t reason)
{
	struct np_reasons *reasons = of_this_kernel();

	return reasons ? np_reasons_reset(reasons, reason) : "?";
}
