// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Packets in, rows and events out. Times are milliseconds after an epoch of the tests. */
#include <errno.h>
#include <stdlib.h>

#include "test_packets.h"

#include "flow/detail.h"
#include "flow/flow.h"
#include "flow/track.h"

#define EPOCH 1700000000000000000ULL
#define MS    1000000ULL

static struct np_flows *flows;
static struct np_row *const *rows;
static size_t nrows;
static uint64_t latest;

static void start(const struct np_flows_cfg *cfg)
{
	assert_int_equal(np_flows_new(&flows, NULL, NULL), 0);
	assert_int_equal(np_flows_set(flows, cfg), 0);
}

static int setup(void **state)
{
	static const struct np_flows_cfg all = { .packets = true,
						 .life = true,
						 .side = true,
						 .log = UINT32_MAX,
						 .anomalies = UINT32_MAX,
						 .times = UINT32_MAX };

	(void)state;
	start(&all);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	np_flows_free(flows);
	return 0;
}

static void again(const struct np_flows_cfg *cfg)
{
	np_flows_free(flows);
	start(cfg);
}

static void walk(uint64_t ms)
{
	struct np_ev_walk r = { .hdr = { .type = NP_EV_WALK, .size = sizeof(r) }, .begin = 1 };

	r.mono_ns = r.wall_ns = EPOCH + ms * MS;
	np_flows_record(flows, &r, sizeof(r));
	r.begin = 0;
	np_flows_record(flows, &r, sizeof(r));
}

static void give(uint64_t ms, const struct frame *f, enum np_packet_way way)
{
	struct np_packet p = { .ts_ns = EPOCH + ms * MS,
			       .wire_len = f->len,
			       .cap_len = f->len,
			       .linktype = DLT_RAW,
			       .way = way,
			       .data = f->bytes };

	latest = ms;
	np_flows_packet(flows, &p);
}

/* One that was captured without its payload, as a snap length does. */
static void segment(uint64_t ms, bool reply, unsigned int flags, uint32_t seq, uint32_t ack,
		    unsigned int window, uint32_t len)
{
	struct frame f = { 0 };
	struct np_packet p = { .linktype = DLT_RAW, .data = f.bytes };

	ipv4(&f, reply ? B : A, reply ? A : B, IPPROTO_TCP, 20 + len);
	tcp_header(&f, reply ? 80 : 4000, reply ? 4000 : 80, seq, ack, flags, window);
	p.ts_ns = EPOCH + ms * MS;
	p.cap_len = f.len;
	p.wire_len = f.len + len;
	latest = ms;
	np_flows_packet(flows, &p);
}

/* From the client and from the server; the window is 1000 */
static void c(uint64_t ms, unsigned int flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	segment(ms, false, flags, seq, ack, 1000, len);
}

static void s(uint64_t ms, unsigned int flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	segment(ms, true, flags, seq, ack, 1000, len);
}

/* 100 → 101 and 500 → 501, at 0, 10 and 30 ms */
static void shake(void)
{
	c(0, SYN, 100, 0, 0);
	s(10, SYN | ACK, 500, 101, 0);
	c(30, ACK, 101, 501, 0);
}

static void finish(void)
{
	np_flows_last(flows);
	walk(latest);
	nrows = np_flows_log(flows, &rows);
}

static const struct np_row *nth_of(unsigned int event, size_t n)
{
	for (size_t i = 0; i < nrows; i++)
		if (rows[i]->detail->event == event && !n--)
			return rows[i];
	return NULL;
}

static size_t count(unsigned int event)
{
	size_t n = 0;

	while (nth_of(event, n))
		n++;
	return n;
}

static const struct np_row *anomaly(enum np_anomaly kind, size_t n)
{
	const struct np_row *row = nth_of(NP_EVENT_ANOMALY + kind, n);

	assert_non_null(row);
	return row;
}

static size_t anomalies(enum np_anomaly kind)
{
	return count(NP_EVENT_ANOMALY + kind);
}

/* The connection's row, which must be the only one that ended. */
static const struct np_row *ended(enum np_row_event event, enum np_end end)
{
	const struct np_row *row = nth_of(event, 0);

	assert_int_equal(count(NP_EVENT_CLOSE) + count(NP_EVENT_FAIL), 1);
	assert_non_null(row);
	assert_int_equal(row->detail->end, end);
	return row;
}

static void a_whole_connection_in_its_row(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	c(40, ACK | PSH, 101, 501, 50);
	s(60, ACK, 501, 151, 0);
	s(90, ACK | PSH, 501, 151, 300);
	c(91, ACK, 151, 801, 0);
	c(100, FIN | ACK, 151, 801, 0);
	s(110, FIN | ACK, 801, 152, 0);
	c(120, ACK, 152, 802, 0);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_CLOSED);
	assert_int_equal(row->laddr[15], 1);
	assert_int_equal(row->lport, 4000);
	assert_int_equal(row->rport, 80);
	assert_int_equal(row->tx_bytes, 50);
	assert_int_equal(row->rx_bytes, 300);
	assert_int_equal(row->tx_segs, 6);
	assert_int_equal(row->rx_segs, 4);
	assert_int_equal(row->detail->seen.tx_wire, 6 * 40 + 50);
	assert_int_equal(row->detail->seen.rx_wire, 4 * 40 + 300);
	assert_int_equal(row->detail->side, NP_SIDE_CLIENT);
	assert_int_equal(row->detail->closed_by, NP_WHO_LOCAL);
	assert_int_equal(row->detail->syn_us, 30000);
	assert_int_equal(row->detail->syn_server_us, 10000);
	assert_int_equal(row->detail->syn_client_us, 20000);
	assert_int_equal(row->detail->span_ns, 120 * MS);
	assert_false(row->flags & NP_ROW_OLD);
	assert_true(row->flags & NP_ROW_PACKETS);
	/* the SYN, the request and the FIN */
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->count, 3);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->min, 10000);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->max, 20000);
	assert_int_equal(row->min_rtt_us, 10000);
	assert_int_equal(row->detail->hist[NP_HIST_SRT]->max, 20000);
	assert_int_equal(row->detail->hist[NP_HIST_ART]->max, 50000);
	assert_int_equal(row->detail->hist[NP_HIST_ART]->count, 1);
	assert_int_equal(count(NP_EVENT_OPEN), 1);
	assert_int_equal(nth_of(NP_EVENT_OPEN, 0)->detail->span_ns, 30 * MS);
}

static void the_same_from_the_server(void **state)
{
	static const struct np_prefix b = { { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 3 },
					    127 };
	const struct np_flows_cfg cfg = { .packets = true,
					  .life = true,
					  .log = UINT32_MAX,
					  .times = UINT32_MAX,
					  .locals = &b,
					  .nlocals = 1 };
	const struct np_row *row;

	(void)state;
	again(&cfg);
	shake();
	c(40, ACK | PSH, 101, 501, 50);
	s(60, ACK, 501, 151, 0);
	s(90, ACK | PSH, 501, 151, 300);
	c(95, ACK, 151, 801, 0);
	s(100, RST | ACK, 801, 151, 0);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_RESET_SENT);
	assert_int_equal(row->lport, 80);
	assert_int_equal(row->tx_bytes, 300);
	assert_int_equal(row->rx_bytes, 50);
	assert_int_equal(row->detail->side, NP_SIDE_SERVER);
	/* the SYN-ACK and the reply */
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->count, 2);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->min, 5000);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->max, 20000);
	assert_int_equal(row->detail->hist[NP_HIST_SRT]->max, 20000);
	assert_int_equal(row->detail->hist[NP_HIST_ART]->max, 50000);
}

static void every_byte_counts_once(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	c(40, ACK, 201, 501, 100); /* the first comes late */
	c(41, ACK, 101, 501, 100);
	c(42, ACK, 401, 501, 100);
	c(43, ACK, 251, 501, 100); /* half of it is new */
	c(44, ACK, 301, 501, 200); /* fills the rest of the gap, and repeats the end */
	c(45, ACK, 101, 501, 400);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_UNFINISHED);
	assert_int_equal(row->tx_bytes, 400);
	assert_int_equal(row->tx_segs, 8);
}

static void bytes_count_from_where_an_ack_says_that_they_begin(void **state)
{
	(void)state;
	c(0, ACK, 101, 501, 0);
	s(1, ACK, 501, 101, 0);
	c(2, ACK, 201, 501, 100); /* the first is lost before it comes here */
	s(3, ACK, 501, 101, 0);
	c(300, ACK, 101, 501, 100);
	s(310, ACK, 501, 301, 0);
	c(320, ACK, 1, 501, 100); /* all of it was there before we were */
	finish();
	assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_UNFINISHED)->tx_bytes, 200);
}

static void what_comes_first_counts_though_an_ack_came_before_it(void **state)
{
	(void)state;
	s(0, ACK, 501, 201, 0);
	c(1, ACK, 101, 501, 100);
	c(2, ACK, 201, 501, 100);
	finish();
	assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_UNFINISHED)->tx_bytes, 200);
}

static void more_gaps_than_are_kept_are_told(void **state)
{
	(void)state;
	shake();
	for (uint32_t i = 1; i <= 200; i++)
		c(40, ACK, 101 + 20 * i, 501, 10);
	finish();
	assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_UNFINISHED)->tx_bytes, 2000);
	assert_true(np_flows_stats(flows)->gaps_given_up >= 200 - 64);
}

static void numbers_wrap(void **state)
{
	const struct np_row *row;

	(void)state;
	c(0, SYN, 0xffffff00, 0, 0);
	s(10, SYN | ACK, 0xfffffff0, 0xffffff01, 0);
	c(20, ACK, 0xffffff01, 0xfffffff1, 0);
	c(30, ACK, 0xffffff01, 0xfffffff1, 400);
	s(50, ACK, 0xfffffff1, 0x91, 0);
	c(60, ACK, 0xffffff01, 0xfffffff1, 400);
	c(70, ACK, 0x91, 0xfffffff1, 10);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_UNFINISHED);
	assert_int_equal(row->tx_bytes, 410);
	assert_int_equal(row->retrans, 1);
	assert_int_equal(row->retrans_bytes, 400);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->count, 2);
}

static void causes_of_what_is_sent_again(void **state)
{
	const struct np_row *row;

	(void)state;
	c(0, SYN, 100, 0, 0);
	c(1000, SYN, 100, 0, 0);
	s(1010, SYN | ACK, 500, 101, 0);
	s(2000, SYN | ACK, 500, 101, 0);
	c(2010, ACK, 101, 501, 0);
	/* three duplicates, then the first of them at once */
	c(2020, ACK, 101, 501, 10);
	c(2021, ACK, 111, 501, 10);
	c(2022, ACK, 121, 501, 10);
	c(2023, ACK, 131, 501, 10);
	s(2030, ACK, 501, 101, 0);
	s(2031, ACK, 501, 101, 0);
	s(2032, ACK, 501, 101, 0);
	c(2033, ACK, 101, 501, 10);
	s(2043, ACK, 501, 141, 0);
	/* needless */
	c(2044, ACK, 121, 501, 10);
	/* after a silence; and what the peer sends again */
	c(2050, ACK, 141, 501, 10);
	c(2350, ACK, 141, 501, 10);
	s(2360, ACK, 501, 151, 20);
	s(2700, ACK, 501, 151, 20);
	finish();
	assert_int_equal(anomalies(NP_AN_RETRANS), 5);
	assert_int_equal(anomalies(NP_AN_SYNACK_RETRANS), 1);
	row = anomaly(NP_AN_RETRANS, 0);
	assert_int_equal(row->detail->cause, NP_CAUSE_SYN);
	assert_int_equal(row->detail->who, NP_WHO_LOCAL);
	assert_int_equal(row->state, TCP_SYN_SENT);
	row = anomaly(NP_AN_RETRANS, 1);
	assert_int_equal(row->detail->cause, NP_CAUSE_FAST);
	assert_int_equal(row->detail->seq, 0);
	assert_int_equal(row->detail->len, 10);
	assert_int_equal(row->detail->nth, 1);
	assert_int_equal(anomaly(NP_AN_RETRANS, 2)->detail->cause, NP_CAUSE_UNKNOWN);
	assert_int_equal(anomaly(NP_AN_RETRANS, 2)->detail->seq, 20);
	assert_int_equal(anomaly(NP_AN_RETRANS, 3)->detail->cause, NP_CAUSE_RTO);
	row = anomaly(NP_AN_RETRANS, 4);
	assert_int_equal(row->detail->who, NP_WHO_REMOTE);
	assert_int_equal(row->detail->len, 20);
	row = ended(NP_EVENT_CLOSE, NP_END_UNFINISHED);
	assert_int_equal(row->retrans, 4);
	assert_int_equal(row->retrans_bytes, 30);
	assert_int_equal(row->detail->seen.rx_retrans, 2);
	assert_int_equal(row->detail->seen.rx_retrans_bytes, 20);
	assert_int_equal(row->tx_bytes, 50);
	assert_int_equal(row->rx_bytes, 20);
	/* from the first SYN on */
	assert_int_equal(row->detail->syn_us, 2010000);
}

static void what_comes_late_was_not_sent_again(void **state)
{
	(void)state;
	shake();
	c(40, ACK, 111, 501, 10);
	c(41, ACK, 101, 501, 10);
	/* much later it is */
	c(50, ACK, 141, 501, 10);
	c(550, ACK, 121, 501, 10);
	finish();
	assert_int_equal(anomalies(NP_AN_RETRANS), 1);
	assert_int_equal(anomaly(NP_AN_RETRANS, 0)->detail->seq, 20);
	assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_UNFINISHED)->tx_bytes, 40);
}

static void probes_are_not_sent_again(void **state)
{
	(void)state;
	shake();
	c(40, ACK, 101, 501, 10);
	s(50, ACK, 501, 111, 0);
	c(1000, ACK, 110, 501, 0); /* keepalive, without a byte and with one */
	s(1010, ACK, 501, 111, 0);
	c(2000, ACK, 110, 501, 1);
	s(2010, ACK, 501, 111, 0);
	finish();
	assert_int_equal(anomalies(NP_AN_RETRANS), 0);
	assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_UNFINISHED)->tx_bytes, 10);
}

static void nothing_sent_again_gives_a_round_trip(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	c(40, ACK, 101, 501, 10);
	c(400, ACK, 101, 501, 10);
	s(410, ACK, 501, 111, 0);
	c(500, ACK, 111, 501, 10);
	c(501, ACK, 121, 501, 10);
	s(520, ACK, 501, 131, 0); /* of the later one */
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_UNFINISHED);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->count, 2);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->max, 19000);
	/* RFC 6298: 10 ms, then 19 */
	assert_int_equal(row->rtt_us, 11125);
	assert_int_equal(row->rttvar_us, 6000);
}

static void what_waited_for_a_lost_segment_gives_no_round_trip(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	c(40, ACK, 101, 501, 10);
	c(41, ACK, 111, 501, 10);
	s(50, ACK, 501, 101, 0); /* the first was lost */
	c(340, ACK, 101, 501, 10);
	s(350, ACK, 501, 121, 0);
	/* as well where its first copy was lost before it came here */
	c(440, ACK, 131, 501, 10);
	s(450, ACK, 501, 121, 0);
	c(740, ACK, 121, 501, 10);
	s(750, ACK, 501, 141, 0);
	/* sent again in vain: nothing waits for that */
	c(751, ACK, 121, 501, 20);
	c(760, ACK, 141, 501, 10);
	s(772, ACK, 501, 151, 0);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_UNFINISHED);
	assert_int_equal(row->retrans, 3);
	/* the SYN's and the last one's */
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->count, 2);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->max, 12000);
}

static void probes_of_a_zero_window_give_no_round_trip(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	segment(40, true, ACK, 501, 101, 0, 0);
	for (uint64_t ms = 1000; ms <= 4000; ms += 1000) {
		c(ms, ACK, 101, 501, 1);
		segment(ms + 10, true, ACK, 501, 101, 0, 0);
	}
	c(8000, ACK, 101, 501, 1);
	s(8010, ACK, 501, 102, 0);
	c(8020, ACK, 102, 501, 10);
	s(8032, ACK, 501, 112, 0);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_UNFINISHED);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->count, 2);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->max, 12000);
}

static void segments_in_flight_are_bounded_and_the_rest_is_told(void **state)
{
	(void)state;
	shake();
	for (uint32_t i = 0; i < 3000; i++)
		c(40, ACK, 101 + i, 501, 1);
	s(50, ACK, 501, 3101, 0);
	finish();
	assert_int_equal(np_flows_stats(flows)->rtts_not_taken, 3000 - 1024);
}

static void a_sample_that_is_too_long_is_discarded(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	c(40, ACK, 101, 501, 10);
	s(11040, ACK, 501, 111, 0);
	s(31040, ACK, 501, 111, 10);
	c(31041, ACK, 111, 511, 0);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_UNFINISHED);
	assert_int_equal(row->detail->hist[NP_HIST_SRT]->discarded, 1);
	assert_int_equal(row->detail->hist[NP_HIST_SRT]->count, 0);
	assert_int_equal(row->detail->hist[NP_HIST_ART]->discarded, 1);
	assert_int_equal(row->detail->hist[NP_HIST_RTT]->count, 2);
}

static void zero_windows_with_who_and_how_long(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	c(40, ACK, 101, 501, 10);
	segment(50, true, ACK, 501, 111, 0, 0);
	c(250, ACK, 110, 501, 0);
	segment(251, true, ACK, 501, 111, 0, 0);
	segment(350, true, ACK, 501, 111, 500, 0);
	segment(400, false, ACK, 111, 501, 0, 0);
	s(500, ACK, 501, 111, 0);
	finish();
	assert_int_equal(anomalies(NP_AN_ZERO_WINDOW), 2);
	row = anomaly(NP_AN_ZERO_WINDOW, 0);
	assert_int_equal(row->detail->who, NP_WHO_REMOTE);
	assert_int_equal(row->detail->span_ns, 300 * MS);
	assert_int_equal(row->detail->nth, 2);
	assert_false(row->detail->open);
	/* the capture ends first */
	row = anomaly(NP_AN_ZERO_WINDOW, 1);
	assert_int_equal(row->detail->who, NP_WHO_LOCAL);
	assert_int_equal(row->detail->span_ns, 100 * MS);
	assert_true(row->detail->open);
}

static void connects_that_fail(void **state)
{
	static const struct {
		uint32_t sk_err;
		unsigned int flags;
		enum np_end end;
		const char *reason;
	} t[] = { { 0, RST | ACK, NP_END_REFUSED, "refused" },
		  { 0, 0, NP_END_UNANSWERED, "unanswered" } };
	const struct np_row *row;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		c(0, SYN, 100, 0, 0);
		c(1000, SYN, 100, 0, 0);
		if (t[i].flags)
			s(1010, t[i].flags, 0, 101, 0);
		finish();
		row = ended(NP_EVENT_FAIL, t[i].end);
		assert_int_equal(row->detail->span_ns, (t[i].flags ? 1010 : 1000) * MS);
		row = anomaly(NP_AN_CONNECT_FAIL, 0);
		assert_string_equal(row->detail->reason, t[i].reason);
		assert_int_equal(row->detail->nth, 1);
		assert_int_equal(row->state, TCP_SYN_SENT);
		teardown(NULL);
		setup(NULL);
	}
}

static void an_icmp_error_ends_a_connect(void **state)
{
	struct frame f = { 0 };

	(void)state;
	c(0, SYN, 100, 0, 0);
	ipv4(&f, B, A, IPPROTO_ICMP, 8 + 28);
	put(&f, "\x03\x01\x00\x00\x00\x00\x00\x00", 8);
	ipv4(&f, A, B, IPPROTO_TCP, 20);
	put16(&f, 4000);
	put16(&f, 80);
	put32(&f, 99); /* not that SYN */
	give(5, &f, NP_WAY_UNKNOWN);
	f.bytes[f.len - 1] = 100;
	give(10, &f, NP_WAY_UNKNOWN);
	finish();
	assert_int_equal(ended(NP_EVENT_FAIL, NP_END_UNREACHABLE)->detail->span_ns, 10 * MS);
	assert_string_equal(anomaly(NP_AN_CONNECT_FAIL, 0)->detail->reason, "unreachable");
	assert_int_equal(np_flows_stats(flows)->packets_of[NP_DECODE_ERROR], 2);
}

static void resets_and_what_still_comes_after_them(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	c(40, ACK, 101, 501, 10);
	s(50, RST | ACK, 501, 111, 0);
	s(51, RST, 501, 0, 0);
	c(52, RST, 111, 0, 0);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_RESET_RECV);
	assert_int_equal(row->detail->closed_by, NP_WHO_REMOTE);
	assert_int_equal(row->detail->span_ns, 50 * MS);
	assert_int_equal(row->tx_segs, 4);
	assert_int_equal(row->rx_segs, 3);
	assert_int_equal(anomalies(NP_AN_RST_RECV), 2);
	assert_int_equal(anomalies(NP_AN_RST_SENT), 1);
}

static void an_end_that_acknowledges_more_was_not_reset(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	c(40, ACK, 101, 501, 10);
	s(50, ACK, 501, 111, 0);
	c(60, RST, 5111, 0, 0); /* of somebody else */
	s(70, ACK, 501, 111, 1000);
	c(71, ACK, 111, 1501, 0);
	s(5000, FIN | ACK, 1501, 111, 0);
	c(5001, FIN | ACK, 111, 1502, 0);
	s(5010, ACK, 1502, 112, 0);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_CLOSED);
	assert_int_equal(row->detail->span_ns, 5010 * MS);
	assert_int_equal(row->detail->closed_by, NP_WHO_REMOTE);
	assert_int_equal(row->rx_bytes, 1000);
}

static void what_an_end_said_before_its_reset_may_come_late(void **state)
{
	(void)state;
	shake();
	s(40, ACK, 501, 101, 1000);
	s(41, ACK, 1501, 101, 1000);
	c(50, RST | ACK, 101, 2501, 0);
	c(51, ACK, 101, 1501, 0);
	finish();
	assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_RESET_SENT)->detail->span_ns, 50 * MS);
}

static void a_syn_on_the_same_ports_is_another_connection(void **state)
{
	(void)state;
	shake();
	c(40, ACK, 101, 501, 10);
	c(5000, SYN, 9000, 0, 0);
	s(5001, ACK, 501, 111, 0); /* it was not closed here */
	c(5002, RST, 111, 0, 0);
	finish();
	assert_int_equal(count(NP_EVENT_CLOSE), 1);
	assert_int_equal(nth_of(NP_EVENT_CLOSE, 0)->detail->end, NP_END_GONE);
	assert_int_equal(nth_of(NP_EVENT_CLOSE, 0)->tx_segs, 3);
	assert_int_equal(count(NP_EVENT_FAIL), 1);
	/* its RST was for the old one: it was still waiting when the capture ended */
	assert_int_equal(nth_of(NP_EVENT_FAIL, 0)->detail->end, NP_END_UNANSWERED);
	assert_int_equal(anomalies(NP_AN_PORT_REUSE), 1);
	assert_int_equal(anomaly(NP_AN_PORT_REUSE, 0)->detail->who, NP_WHO_LOCAL);
}

static void a_syn_met_by_an_old_connection_waits_for_the_new_one(void **state)
{
	static const uint32_t asked[] = { 50, 700000 }; /* the old one may be anywhere */

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		const struct np_row *row;

		c(0, SYN, 100, 0, 0);
		s(10, ACK, 900000, asked[i], 0);
		c(11, RST, asked[i], 0, 0);
		c(1000, SYN, 100, 0, 0);
		s(1010, SYN | ACK, 500, 101, 0);
		c(1011, ACK, 101, 501, 0);
		c(1020, ACK, 101, 501, 50);
		s(1030, ACK, 501, 151, 20);
		c(1040, RST | ACK, 151, 521, 0);
		finish();
		row = ended(NP_EVENT_CLOSE, NP_END_RESET_SENT);
		assert_int_equal(row->detail->syn_us, 1011000);
		assert_int_equal(row->tx_bytes, 50);
		assert_int_equal(row->rx_bytes, 20);
		assert_int_equal(anomalies(NP_AN_PORT_REUSE), 1);
		assert_int_equal(anomalies(NP_AN_RST_SENT), 2);
		assert_int_equal(anomalies(NP_AN_CONNECT_FAIL), 0);
		assert_int_equal(anomalies(NP_AN_RETRANS), 1); /* the SYN */
		teardown(NULL);
		setup(NULL);
	}
}

static void a_syn_that_comes_again_is_the_same_connection(void **state)
{
	(void)state;
	c(0, SYN, 100, 0, 0);
	s(1, SYN | ACK, 500, 101, 0);
	c(2, ACK, 101, 501, 0);
	c(3, SYN, 100, 0, 0);
	finish();
	assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_UNFINISHED)->retrans, 1);
}

static void a_server_may_answer_a_syn_anew_with_other_numbers(void **state)
{
	static const uint32_t first[] = { 9000000, 100 }; /* above and below the second */

	(void)state;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		const struct np_row *row;

		c(0, SYN, 100, 0, 0);
		s(10, SYN | ACK, first[i], 101, 0);
		c(1000, SYN, 100, 0, 0);
		s(1010, SYN | ACK, 5000, 101, 0);
		c(1011, ACK, 101, 5001, 0);
		c(1020, ACK, 101, 5001, 50);
		s(1030, ACK, 5001, 151, 1000);
		c(1031, FIN | ACK, 151, 6001, 0);
		s(1040, FIN | ACK, 6001, 152, 0);
		c(1041, ACK, 152, 6002, 0);
		finish();
		row = ended(NP_EVENT_CLOSE, NP_END_CLOSED);
		assert_int_equal(row->rx_bytes, 1000);
		assert_int_equal(row->detail->seen.rx_retrans, 0);
		assert_int_equal(row->detail->syn_us, 1011000);
		assert_int_equal(anomalies(NP_AN_RETRANS), 1); /* the SYN */
		teardown(NULL);
		setup(NULL);
	}
}

static void half_closed_for_more_than_5_seconds(void **state)
{
	const struct np_row *row;

	(void)state;
	shake();
	c(40, FIN | ACK, 101, 501, 0);
	s(50, ACK, 501, 102, 0);
	s(3000, ACK, 501, 102, 10);
	s(6050, ACK, 511, 102, 10);
	walk(6100);
	s(7050, FIN | ACK, 521, 102, 0);
	c(7051, ACK, 102, 522, 0);
	finish();
	assert_int_equal(anomalies(NP_AN_HALF_CLOSE), 2);
	row = anomaly(NP_AN_HALF_CLOSE, 0);
	assert_true(row->detail->open);
	assert_int_equal(row->detail->who, NP_WHO_LOCAL);
	row = anomaly(NP_AN_HALF_CLOSE, 1);
	assert_false(row->detail->open);
	assert_int_equal(row->detail->span_ns, 7000 * MS);
	assert_int_equal(row->state, TCP_FIN_WAIT2);
	assert_int_equal(row->events, 0);
	assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_CLOSED)->detail->closed_by, NP_WHO_LOCAL);
}

static void a_fin_whose_peer_is_not_seen_is_not_acknowledged(void **state)
{
	static const uint32_t first[] = { 1000, 3000000000U }; /* in either half of the numbers */

	(void)state;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		c(0, SYN, first[i], 0, 0);
		c(10, ACK, first[i] + 1, 501, 0);
		c(20, ACK, first[i] + 1, 501, 50);
		c(30, FIN | ACK, first[i] + 51, 501, 0);
		walk(10000);
		finish();
		assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_UNFINISHED)->state, TCP_FIN_WAIT1);
		assert_int_equal(anomalies(NP_AN_HALF_CLOSE), 0);
		teardown(NULL);
		setup(NULL);
	}
}

static void an_rst_without_an_acknowledgement_takes_none_back(void **state)
{
	(void)state;
	shake();
	c(40, ACK, 101, 501, 10);
	s(50, ACK, 501, 111, 0);
	s(51, RST, 501, 2000000000, 0); /* what is in the field counts for nothing */
	c(60, ACK, 111, 501, 10);
	finish();
	assert_int_equal(anomalies(NP_AN_RETRANS), 0);
}

static void who_is_local(void **state)
{
	struct frame f = { 0 };

	(void)state;
	/* in the middle of it: the higher port is the client's */
	s(0, ACK, 501, 101, 10);
	finish();
	assert_int_equal(nth_of(NP_EVENT_CLOSE, 0)->lport, 4000);
	assert_true(nth_of(NP_EVENT_CLOSE, 0)->flags & NP_ROW_OLD);
	assert_int_equal(nth_of(NP_EVENT_CLOSE, 0)->detail->span_ns, 0);
	teardown(NULL);
	setup(NULL);
	/* the capture says who sent it */
	ipv4(&f, A, B, IPPROTO_TCP, 20);
	tcp_header(&f, 4000, 80, 100, 0, SYN, 1000);
	give(0, &f, NP_WAY_IN);
	finish();
	assert_int_equal(nth_of(NP_EVENT_FAIL, 0)->lport, 80);
	assert_int_equal(nth_of(NP_EVENT_FAIL, 0)->detail->side, NP_SIDE_SERVER);
	/* nobody here waited for it */
	assert_int_equal(anomalies(NP_AN_CONNECT_FAIL), 0);
}

static void datagram(uint64_t ms, bool reply, uint32_t len)
{
	struct frame f = { 0 };

	ipv4(&f, reply ? B : A, reply ? A : B, IPPROTO_UDP, 8 + len);
	udp_header(&f, reply ? 53 : 4000, reply ? 4000 : 53, len);
	f.len += len;
	give(ms, &f, NP_WAY_UNKNOWN);
}

static void datagrams_with_the_same_ends_are_a_flow_until_they_are_silent(void **state)
{
	const struct np_flows_cfg cfg = {
		.packets = true, .life = true, .log = UINT32_MAX, .udp_idle_ns = 5000 * MS
	};
	const struct np_row *row;

	(void)state;
	again(&cfg);
	datagram(0, false, 30);
	datagram(10, true, 100);
	datagram(4000, false, 31);
	datagram(20000, false, 32);
	finish();
	assert_int_equal(count(NP_EVENT_CLOSE), 2);
	row = nth_of(NP_EVENT_CLOSE, 0);
	assert_int_equal(row->proto, IPPROTO_UDP);
	assert_int_equal(row->detail->end, NP_END_IDLE);
	assert_int_equal(row->lport, 4000);
	assert_int_equal(row->tx_bytes, 61);
	assert_int_equal(row->rx_bytes, 100);
	assert_int_equal(row->tx_segs, 2);
	assert_int_equal(row->detail->span_ns, 4000 * MS);
	row = nth_of(NP_EVENT_CLOSE, 1);
	assert_int_equal(row->detail->end, NP_END_UNFINISHED);
	assert_int_equal(row->tx_bytes, 32);
}

static void a_table_has_the_living_and_the_closed_for_a_while(void **state)
{
	const struct np_flows_cfg cfg = { .packets = true };
	struct np_flow *flow;
	size_t pos = 0;

	(void)state;
	again(&cfg);
	shake();
	walk(31);
	flow = np_flows_living(flows, &pos);
	assert_non_null(flow);
	assert_int_equal(flow->row.conns, 1);
	assert_int_equal(flow->row.opened, 1);
	assert_int_equal(flow->row.state, TCP_ESTABLISHED);
	np_flows_next(flows);
	c(40, ACK, 101, 501, 10);
	c(50, RST | ACK, 111, 501, 0);
	walk(60);
	assert_int_equal(flow->row.conns, 0);
	assert_int_equal(flow->row.ended, 1);
	assert_int_equal(flow->row.d_tx, 10);
	assert_int_equal(flow->row.state, TCP_CLOSE);
	np_flows_next(flows);
	walk(20000);
	/* it goes; it has ended once */
	assert_ptr_equal(np_flows_ended(flows), flow);
	assert_int_equal(flow->row.ended, 0);
	assert_int_equal(np_flows_count(flows), 0);
}

static void the_closed_that_wait_are_bounded(void **state)
{
	const struct np_flows_cfg cfg = { .packets = true };

	(void)state;
	again(&cfg);
	for (uint32_t i = 0; i < 40000; i++) {
		struct frame f = { 0 };

		ipv4(&f, A, B + i, IPPROTO_TCP, 20);
		tcp_header(&f, 4000, 80, 100, 0, RST, 1000);
		give(0, &f, NP_WAY_UNKNOWN);
	}
	assert_int_equal(np_flows_count(flows), 16384);
}

static void a_long_silence_ends_it(void **state)
{
	(void)state;
	shake();
	walk(4 * 3600 * 1000);
	nrows = np_flows_log(flows, &rows);
	assert_int_equal(ended(NP_EVENT_CLOSE, NP_END_GONE)->detail->ts_ns, EPOCH + 30 * MS);
	assert_int_equal(np_flows_count(flows), 0);
}

static void time_may_go_backwards(void **state)
{
	const struct np_row *row;

	(void)state;
	c(5000, SYN, 100, 0, 0);
	s(4000, SYN | ACK, 500, 101, 0);
	c(3000, ACK, 101, 501, 0);
	c(2000, ACK, 101, 501, 10);
	s(1000, ACK, 501, 111, 0);
	finish();
	row = ended(NP_EVENT_CLOSE, NP_END_UNFINISHED);
	assert_int_equal(row->tx_bytes, 10);
	assert_null(row->detail->hist[NP_HIST_RTT]);
}

/* Of an address and ports that differ in the same bits, as of any other. */
static void nobody_can_choose_ends_that_collide(void **state)
{
	struct np_track *t = np_track_new();
	struct np_decoded d = { .proto = IPPROTO_TCP, .family = AF_INET6 };
	uint64_t first, hash, flip = 1ULL << 32 | 2ULL << 16, at;

	(void)state;
	assert_non_null(t);
	d.src[0] = 0x20;
	d.dst[0] = 0xfc;
	assert_null(np_track_find(t, &d, 0, &first));
	memcpy(&at, d.src, sizeof(at));
	at ^= flip;
	memcpy(d.src, &at, sizeof(at));
	d.sport = 1;
	d.dport = 2;
	assert_null(np_track_find(t, &d, 0, &hash));
	assert_int_not_equal(hash, first);
	np_track_free(&(struct np_flows){ .track = t });
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_whole_connection_in_its_row),
		T(the_same_from_the_server),
		T(every_byte_counts_once),
		T(bytes_count_from_where_an_ack_says_that_they_begin),
		T(what_comes_first_counts_though_an_ack_came_before_it),
		T(more_gaps_than_are_kept_are_told),
		T(numbers_wrap),
		T(causes_of_what_is_sent_again),
		T(what_comes_late_was_not_sent_again),
		T(probes_are_not_sent_again),
		T(nothing_sent_again_gives_a_round_trip),
		T(what_waited_for_a_lost_segment_gives_no_round_trip),
		T(probes_of_a_zero_window_give_no_round_trip),
		T(segments_in_flight_are_bounded_and_the_rest_is_told),
		T(a_sample_that_is_too_long_is_discarded),
		T(zero_windows_with_who_and_how_long),
		T(connects_that_fail),
		T(an_icmp_error_ends_a_connect),
		T(resets_and_what_still_comes_after_them),
		T(an_end_that_acknowledges_more_was_not_reset),
		T(what_an_end_said_before_its_reset_may_come_late),
		T(a_syn_on_the_same_ports_is_another_connection),
		T(a_syn_met_by_an_old_connection_waits_for_the_new_one),
		T(a_syn_that_comes_again_is_the_same_connection),
		T(a_server_may_answer_a_syn_anew_with_other_numbers),
		T(half_closed_for_more_than_5_seconds),
		T(a_fin_whose_peer_is_not_seen_is_not_acknowledged),
		T(an_rst_without_an_acknowledgement_takes_none_back),
		T(who_is_local),
		T(datagrams_with_the_same_ends_are_a_flow_until_they_are_silent),
		T(a_table_has_the_living_and_the_closed_for_a_while),
		T(the_closed_that_wait_are_bounded),
		T(a_long_silence_ends_it),
		T(time_may_go_backwards),
		T(nobody_can_choose_ends_that_collide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
