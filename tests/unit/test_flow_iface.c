// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "test_flow.h"

static void link_of(uint32_t ifindex, const char *name, bool hooked, uint64_t packets)
{
	struct np_ev_link r = { .hdr = { NP_EV_LINK, sizeof(r), 0 }, .ifindex = ifindex };

	r.up = 1;
	r.hooked = hooked;
	memcpy(r.name, name, strnlen(name, sizeof(r.name)));
	for (int dir = NP_DIR_RX; dir <= NP_DIR_TX; dir++) {
		r.packets[dir] = packets;
		r.bytes[dir] = packets * 100;
		r.errors[dir] = 3;
		r.drops[dir] = 5;
	}
	GIVE(r);
}

static void hook_of(uint32_t ifindex, uint8_t l3, uint8_t l4, uint64_t packets)
{
	struct np_ev_iface r = { .hdr = { NP_EV_IFACE, sizeof(r), 0 } };

	r.key = (struct np_iface_key){ ifindex, NP_DIR_RX, l3, l4, 0 };
	r.val = (struct np_iface_val){ packets, packets * 100 };
	GIVE(r);
}

static struct np_row *iface(uint32_t ifindex, uint8_t dir, uint8_t l3, uint8_t l4)
{
	struct np_row *row;

	for (size_t i = 0; (row = np_flows_iface(flows, i)); i++)
		if (row->link.ifindex == ifindex && row->link.dir == dir && row->link.l3 == l3 &&
		    row->link.l4 == l4)
			return row;
	return NULL;
}

static struct np_row *rx(uint32_t ifindex)
{
	return iface(ifindex, NP_DIR_RX, NP_L_ALL, NP_L_ALL);
}

static size_t ifaces(void)
{
	size_t n = 0;

	while (np_flows_iface(flows, n))
		n++;
	return n;
}

static void finish(void)
{
	end(ALL);
	np_flows_next(flows);
}

static void unhooked_counts_from_the_first_reading(void **state)
{
	(void)state;
	begin();
	link_of(2, "eth0", false, 1000);
	finish();
	assert_int_equal(ifaces(), 2);
	assert_int_equal(rx(2)->tx_segs, 0);
	assert_int_equal(rx(2)->d_tx_segs, 0);
	assert_false(rx(2)->flags & NP_ROW_ACTIVE);
	assert_true(rx(2)->flags & NP_ROW_IFACE);
	assert_true(rx(2)->flags & NP_ROW_UP);
	assert_string_equal(rx(2)->link.name, "eth0");
	assert_int_equal(rx(2)->errors, 3);
	assert_int_equal(rx(2)->drops, 5);
	begin();
	link_of(2, "0123456789abcdef", false, 1010);
	finish();
	assert_int_equal(rx(2)->d_tx_segs, 10);
	assert_int_equal(rx(2)->d_tx, 1000);
	assert_int_equal(rx(2)->tx_segs, 10);
	assert_true(rx(2)->flags & NP_ROW_ACTIVE);
	assert_string_equal(rx(2)->link.name, "0123456789abcde");
	begin();
	link_of(2, "eth0", false, 4); /* counters were reset */
	finish();
	assert_int_equal(rx(2)->d_tx_segs, 0);
	assert_int_equal(rx(2)->tx_segs, 10);
	assert_false(rx(2)->flags & NP_ROW_ACTIVE);
}

static void hooked_counts_what_the_hook_saw(void **state)
{
	struct np_row *v4;

	(void)state;
	begin();
	link_of(2, "eth0", true, 1000000);
	hook_of(2, NP_L3_IPV4, NP_L4_TCP, 7); /* the hook is no older than the tool */
	finish();
	assert_int_equal(ifaces(), 3);
	v4 = iface(2, NP_DIR_RX, NP_L3_IPV4, NP_L4_TCP);
	assert_int_equal(v4->tx_segs, 7);
	assert_int_equal(v4->d_tx, 700);
	assert_string_equal(v4->link.name, "eth0");
	assert_true(v4->flags & NP_ROW_UP);
	assert_true(v4->flags & NP_ROW_ACTIVE);
	assert_true(rx(2)->flags & NP_ROW_ACTIVE);
	assert_int_equal(rx(2)->tx_segs, 0); /* else a group counts it twice */
	begin();
	link_of(2, "eth0", true, 2000000);
	finish();
	v4 = iface(2, NP_DIR_RX, NP_L3_IPV4, NP_L4_TCP);
	assert_int_equal(v4->d_tx_segs, 0); /* not told of: nothing passed */
	assert_int_equal(v4->tx_segs, 7);
	assert_false(v4->flags & NP_ROW_ACTIVE);
	assert_false(rx(2)->flags & NP_ROW_ACTIVE);
}

static void a_hook_that_comes_or_goes_counts_nothing_twice(void **state)
{
	(void)state;
	begin();
	link_of(2, "eth0", false, 100);
	finish();
	begin();
	link_of(2, "eth0", false, 110);
	finish();
	assert_int_equal(rx(2)->d_tx_segs, 10);
	begin();
	link_of(2, "eth0", true, 120);
	hook_of(2, NP_L3_IPV4, NP_L4_TCP, 10);
	finish();
	assert_int_equal(rx(2)->d_tx_segs, 0); /* no rate of old */
	assert_int_equal(rx(2)->tx_segs, 10);
	begin();
	link_of(2, "eth0", false, 130);
	finish();
	assert_int_equal(rx(2)->d_tx_segs, 0);
	assert_int_equal(rx(2)->tx_segs, 10);
}

static void interfaces_that_are_gone_take_their_rows_along(void **state)
{
	(void)state;
	begin();
	for (uint32_t i = 2; i < 6; i++)
		link_of(i, "veth", true, 0);
	for (uint32_t i = 2; i < 6; i++)
		for (int l4 = NP_L4_TCP; l4 <= NP_L4_OTHER; l4++)
			hook_of(i, NP_L3_IPV4, (uint8_t)l4, 1);
	finish();
	assert_int_equal(ifaces(), 4 * (2 + 4));
	begin();
	link_of(5, "veth", true, 0);
	link_of(3, "veth", true, 0);
	finish();
	assert_int_equal(ifaces(), 2 * (2 + 4));
	assert_null(rx(2));
	assert_non_null(rx(3));
	assert_non_null(iface(5, NP_DIR_RX, NP_L3_IPV4, NP_L4_UDP));
	begin();
	finish();
	assert_int_equal(ifaces(), 0);
	begin();
	link_of(2, "veth", true, 0);
	hook_of(2, NP_L3_ARP, NP_L4_NONE, 2);
	finish();
	assert_int_equal(iface(2, NP_DIR_RX, NP_L3_ARP, NP_L4_NONE)->tx_segs, 2);
}

static void without_a_walk_over_interfaces_none_goes(void **state)
{
	(void)state;
	begin();
	link_of(2, "eth0", false, 0);
	finish();
	begin();
	end(NP_WALK_FILES);
	assert_int_equal(ifaces(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unhooked_counts_from_the_first_reading),
		TEST(hooked_counts_what_the_hook_saw),
		TEST(a_hook_that_comes_or_goes_counts_nothing_twice),
		TEST(interfaces_that_are_gone_take_their_rows_along),
		TEST(without_a_walk_over_interfaces_none_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
