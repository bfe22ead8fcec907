// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Kernel stacks in words, by a made-up /proc/kallsyms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/stack.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct np_stacks *with_symbols(const char *text)
{
	struct np_stacks *stacks = np_stacks_new(-1);
	char path[] = "/tmp/np-test-stack-XXXXXX";
	int fd = mkstemp(path);

	assert_non_null(stacks);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(np_stacks_symbols(stacks, path), 0);
	unlink(path);
	return stacks;
}

static const char symbols[] = "ffffffff81000300 t tcp_reset\n"
			      "ffffffff81000100 T tcp_v4_rcv\t[tcp]\n"
			      "ffffffff81000200 D some_data\n"
			      "ffffffff81000500 T __traceiter_kfree_skb\n"
			      "ffffffffc0000000 t bpf_prog_0123_np_an_drop [bpf]\n"
			      "nonsense\n"
			      "\n";

static void frames_are_symbol_and_offset_innermost_first(void **state)
{
	const uint64_t addr[] = { 0xffffffff81000312, 0xffffffff81000100, 0xffffffff81000210, 0,
				  0xffffffff81000312 };
	struct np_stacks *stacks = with_symbols(symbols);
	char text[256];

	(void)state;
	np_stacks_format(stacks, addr, ARRAY_SIZE(addr), text, sizeof(text));
	assert_string_equal(text, "tcp_reset+0x12;tcp_v4_rcv+0x0;tcp_v4_rcv+0x110");
	np_stacks_free(stacks);
}

static void frames_of_the_tracing_itself_are_left_out(void **state)
{
	const uint64_t addr[] = { 0xffffffffc0000010, 0xffffffff81000510, 0xffffffff81000304 };
	struct np_stacks *stacks = with_symbols(symbols);
	char text[256];

	(void)state;
	np_stacks_format(stacks, addr, ARRAY_SIZE(addr), text, sizeof(text));
	assert_string_equal(text, "tcp_reset+0x4");
	np_stacks_free(stacks);
}

static void hidden_symbols_leave_addresses(void **state)
{
	const uint64_t addr[] = { 0xffffffff81000312, 0x10 };
	struct np_stacks *stacks = with_symbols("0000000000000000 t tcp_reset\n");
	char text[256];

	(void)state;
	np_stacks_format(stacks, addr, ARRAY_SIZE(addr), text, sizeof(text));
	assert_string_equal(text, "0xffffffff81000312;0x10");
	np_stacks_free(stacks);
}

static void a_small_buffer_is_not_overrun(void **state)
{
	const uint64_t addr[] = { 0xffffffff81000312, 0xffffffff81000100, 0xffffffff81000100 };
	struct np_stacks *stacks = with_symbols(symbols);
	char text[24];

	(void)state;
	for (size_t size = 1; size <= sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		np_stacks_format(stacks, addr, ARRAY_SIZE(addr), text, size);
		assert_true(strlen(text) < size);
	}
	np_stacks_free(stacks);
}

static void an_unknown_stack_is_empty(void **state)
{
	struct np_stacks *stacks = np_stacks_new(-1);

	(void)state;
	assert_string_equal(np_stacks_text(stacks, 7), "");
	assert_string_equal(np_stacks_text(NULL, 7), "");
	assert_true(np_stacks_symbols(stacks, "/nowhere") < 0);
	np_stacks_free(stacks);
	np_stacks_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_symbol_and_offset_innermost_first),
		cmocka_unit_test(frames_of_the_tracing_itself_are_left_out),
		cmocka_unit_test(hidden_symbols_leave_addresses),
		cmocka_unit_test(a_small_buffer_is_not_overrun),
		cmocka_unit_test(an_unknown_stack_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
