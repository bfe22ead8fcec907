// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/recording.h"
#include "app/session.h"
#include "app/texts.h"
#include "base/clock.h"
#include "base/log.h"
#include "flow/detail.h"

#define STATS_NS 1000000000ULL /* so often what was lost is told, should the end never come */

struct np_recording {
	struct np_record *file;
	struct np_source *source;
	struct np_texts told;
	struct np_buf buf;
	uint64_t stats_ns;
	uint64_t lost; /* by the stats that were told last, all causes */
	bool warned;   /* it cannot be written any more */
};

int np_recording_open(struct np_recording **out, struct np_opts *opts)
{
	struct np_recording *rec = calloc(1, sizeof(*rec));
	int err;

	*out = NULL;
	if (!rec)
		return np_err_set(&opts->err, -ENOMEM, "out of memory");
	err = np_record_open(&rec->file, opts->record, &opts->err);
	if (err) {
		np_recording_close(rec);
		return err;
	}
	*out = rec;
	return 0;
}

/* A path or a process may lead to a namespace here, and where it is played to none. */
static void add_asked(struct np_recording *rec, enum np_rec_type type, const struct np_list *asked,
		      const uint32_t *numbers)
{
	for (size_t i = 0; i < asked->n; i++) {
		struct np_rec_name r = { .hdr.type = (uint16_t)type, .number = numbers[i] };

		np_rec_build(&rec->buf, &r, sizeof(r), &asked->items[i], 1);
		np_record_add(rec->file, np_buf_cstr(&rec->buf), rec->buf.len);
	}
}

void np_recording_start(struct np_recording *rec, struct np_opts *opts, struct np_source *source,
			unsigned int want, const char *host)
{
	struct np_rec_head head = {
		.want = want,
		.anomalies = want & NP_SRC_ANOMALY ? opts->told >> NP_EVENT_ANOMALY : 0,
		.interval_ns = opts->interval_ns,
		.duration_ns = opts->duration_ns,
		.sample = opts->sample,
	};

	if (!rec)
		return;
	rec->source = source;
	if (np_source_udp_by_socket(source))
		head.flags |= NP_REC_F_UDP_BY_SOCKET;
	if (np_source_by_address(source))
		head.flags |= NP_REC_F_BY_ADDRESS;
	if (opts->stack)
		head.flags |= NP_REC_F_STACKS;
	memcpy(head.tool, opts->tool->name, strnlen(opts->tool->name, sizeof(head.tool) - 1));
	memcpy(head.host, host, strnlen(host, sizeof(head.host) - 1));
	np_record_start(rec->file, &head);
	add_asked(rec, NP_REC_ASKED_USER, &opts->uids, opts->whose.uids);
	add_asked(rec, NP_REC_ASKED_NETNS, &opts->netns, opts->whose.netns);
}

void np_recording_take(struct np_recording *rec, const void *record, size_t len)
{
	if (rec)
		np_record_add(rec->file, record, len);
}

void np_recording_name(void *rec, const void *record, size_t len)
{
	np_recording_take(rec, record, len);
}

const char *np_recording_text(struct np_recording *rec, enum np_rec_type type, uint32_t number,
			      const char *text)
{
	struct np_rec_name r = { .hdr.type = (uint16_t)type, .number = number };

	if (!rec || !np_texts_put(&rec->told, (uint16_t)type, number, text))
		return text;
	np_rec_build(&rec->buf, &r, sizeof(r), &text, 1);
	np_record_add(rec->file, np_buf_cstr(&rec->buf), rec->buf.len);
	return text;
}

void np_recording_drops(struct np_recording *rec, uint32_t pid, uint32_t netns, bool known,
			uint64_t drops)
{
	struct np_rec_drops r = {
		.hdr = { .type = NP_REC_DROPS, .size = sizeof(r) },
		.pid = pid,
		.netns = netns,
		.known = known,
		.drops = known ? drops : 0,
	};

	np_recording_take(rec, &r, sizeof(r));
}

static void add_stats(struct np_recording *rec, const struct np_source_stats *st)
{
	struct np_rec_stats r = {
		.hdr = { .type = NP_REC_STATS, .size = sizeof(r) },
		.read_errors = st->read_errors,
		.netns_missed = st->netns_missed,
		.walk_ns = st->walk_ns,
		.udp_entries = st->udp_entries,
		.udp_max = st->udp_max,
		.peeked = st->peeked,
		.left_out = st->left_out,
	};

	for (int i = 0; i < NP_LOST_MAX; i++)
		r.lost[i] = st->lost[i];
	np_record_add(rec->file, &r, sizeof(r));
}

static void add_progs(struct np_recording *rec, const struct np_source_stats *st)
{
	for (size_t i = 0; i < st->nprogs; i++) {
		const struct np_source_prog *p = &st->progs[i];
		struct np_rec_prog r = { .hdr = { .type = NP_REC_PROG, .size = sizeof(r) },
					 .runs = p->runs,
					 .ns = p->ns,
					 .skipped = p->skipped };

		memcpy(r.name, p->name, strnlen(p->name, sizeof(r.name) - 1));
		memcpy(r.hook, p->hook, strnlen(p->hook, sizeof(r.hook) - 1));
		np_record_add(rec->file, &r, sizeof(r));
	}
}

static uint64_t all_lost(const struct np_source_stats *st)
{
	uint64_t lost = st->read_errors + st->netns_missed;

	for (int i = 0; i < NP_LOST_MAX; i++)
		lost += st->lost[i];
	return lost;
}

/* What a recording that is killed has lost by then is known within a second. */
static void tell_stats(struct np_recording *rec)
{
	struct np_source_stats st;
	uint64_t now = np_clock_mono();

	if (now - rec->stats_ns < STATS_NS)
		return;
	rec->stats_ns = now;
	np_source_stats(rec->source, &st);
	if (all_lost(&st) == rec->lost)
		return;
	rec->lost = all_lost(&st);
	add_stats(rec, &st);
}

void np_recording_look(struct np_recording *rec, enum np_rec_type type, bool last)
{
	struct np_err err;

	if (!rec)
		return;
	if (type == NP_REC_LOOK)
		tell_stats(rec);
	np_record_look(rec->file, type, last);
	if (!rec->warned && np_record_error(rec->file, &err)) {
		rec->warned = true;
		np_log(NP_LOG_WARN, "%s; the run goes on without it", err.msg);
	}
}

int np_recording_end(struct np_recording *rec, struct np_err *err)
{
	struct np_source_stats st;

	if (!rec)
		return 0;
	np_source_stats(rec->source, &st);
	add_stats(rec, &st);
	add_progs(rec, &st);
	return np_record_end(rec->file, err);
}

void np_recording_close(struct np_recording *rec)
{
	if (!rec)
		return;
	np_record_close(rec->file);
	np_texts_free(&rec->told);
	np_buf_free(&rec->buf);
	free(rec);
}
