// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Reasons by the names of a kernel's own types, here made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <bpf/btf.h>

#include "source/reason.h"

static struct btf *made_up(void)
{
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	assert_true(btf__add_enum(btf, "skb_drop_reason", 4) > 0);
	btf__add_enum_value(btf, "SKB_NOT_DROPPED_YET", 0);
	btf__add_enum_value(btf, "SKB_CONSUMED", 1);
	btf__add_enum_value(btf, "SKB_DROP_REASON_NO_SOCKET", 7);
	btf__add_enum_value(btf, "SKB_DROP_REASON_TCP_INVALID_SYN", 46);
	btf__add_enum_value(btf, "SKB_DROP_REASON_SUBSYS_MASK", -65536);
	assert_true(btf__add_enum(btf, "skb_drop_reason_subsys", 4) > 0);
	btf__add_enum_value(btf, "SKB_DROP_REASON_SUBSYS_CORE", 0);
	btf__add_enum_value(btf, "SKB_DROP_REASON_SUBSYS_OPENVSWITCH", 3);
	assert_true(btf__add_enum(btf, "sk_rst_reason", 4) > 0);
	btf__add_enum_value(btf, "SK_RST_REASON_NOT_SPECIFIED", 0);
	btf__add_enum_value(btf, "SK_RST_REASON_TCP_ABORT_ON_CLOSE", 11);
	return btf;
}

static void names_are_the_kernels_own_without_their_prefix(void **state)
{
	struct btf *btf = made_up();
	struct np_reasons *reasons = np_reasons_new(btf);

	(void)state;
	btf__free(btf); /* the names outlive it */
	assert_non_null(reasons);
	assert_string_equal(np_reasons_drop(reasons, 1), "consumed");
	assert_string_equal(np_reasons_drop(reasons, 7), "no_socket");
	assert_string_equal(np_reasons_drop(reasons, 46), "tcp_invalid_syn");
	assert_string_equal(np_reasons_reset(reasons, 0), "not_specified");
	assert_string_equal(np_reasons_reset(reasons, 11), "tcp_abort_on_close");
	np_reasons_free(reasons);
}

static void numbers_without_a_name_stay_numbers(void **state)
{
	struct btf *btf = made_up();
	struct np_reasons *reasons = np_reasons_new(btf);
	const char *once;

	(void)state;
	btf__free(btf);
	assert_non_null(reasons);
	assert_string_equal(np_reasons_drop(reasons, 77), "reason_77");
	assert_string_equal(np_reasons_reset(reasons, 600), "reason_600");
	assert_string_equal(np_reasons_drop(reasons, 3u << 16 | 5), "openvswitch:5");
	assert_string_equal(np_reasons_drop(reasons, 9u << 16 | 5), "subsys_9:5");
	assert_string_equal(np_reasons_drop(reasons, UINT32_MAX), "subsys_65535:65535");
	once = np_reasons_drop(reasons, 77);
	assert_ptr_equal(np_reasons_drop(reasons, 77), once);
	np_reasons_free(reasons);
}

static void a_kernel_without_reasons_has_numbers(void **state)
{
	struct np_reasons *reasons = np_reasons_new(NULL);

	(void)state;
	assert_non_null(reasons);
	assert_string_equal(np_reasons_drop(reasons, 2), "reason_2");
	assert_string_equal(np_reasons_reset(reasons, 2), "reason_2");
	np_reasons_free(reasons);
	np_reasons_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_the_kernels_own_without_their_prefix),
		cmocka_unit_test(numbers_without_a_name_stay_numbers),
		cmocka_unit_test(a_kernel_without_reasons_has_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
