// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "sink/format.h"
#include "sink/report.h"

#define NAME(name) #name,
const char *const np_report_names[] = { NP_REPORTS(NAME) NULL };

static const char *const verdicts[] = {
	[NP_CHECK_PASS] = "pass",
	[NP_CHECK_FAIL] = "fail",
	[NP_CHECK_INCONCLUSIVE] = "inconclusive",
	[NP_CHECK_ERROR] = "error",
};

/* ---- values as people read them ---- */

static void add_bytes(struct np_buf *out, double num, const char *per)
{
	char buf[24];

	/* KiB, as it is in what was asked */
	np_buf_printf(out, "%s%s%s", num < 0 ? "-" : "", np_str_bytes(buf, fabs(num)), per);
}

static void add_time(struct np_buf *out, double seconds)
{
	char buf[24];

	np_buf_printf(out, "%s%s", seconds < 0 ? "-" : "",
		      np_str_latency(buf, (uint64_t)llround(fmin(fabs(seconds), 1e12) * 1e6)));
}

static void add_number(struct np_buf *out, double num, const char *unit)
{
	if (!strcmp(unit, "s")) {
		add_time(out, num);
	} else if (!strcmp(unit, "B")) {
		add_bytes(out, num, "");
	} else if (!strcmp(unit, "B/s")) {
		add_bytes(out, num, "/s");
	} else {
		np_format_decimal(out, num);
		if (*unit)
			np_buf_printf(out, "%s%s", *unit == '%' || *unit == '1' ? "" : " ",
				      *unit == '1' ? unit + 1 : unit);
	}
}

static void add_raw(struct np_buf *out, const struct np_check_value *v)
{
	if (v->whole)
		np_buf_printf(out, "%" PRIu64, v->integer);
	else
		np_format_decimal(out, v->num);
}

/* "p99(rtt) is 1.32ms (412 samples)" */
static void add_value(struct np_buf *out, const struct np_check_value *v)
{
	int letters = (int)strlen(v->of) - (v->samples == 1);

	np_str_escape(out, v->name, strlen(v->name), true);
	np_buf_str(out, " is ");
	if (!v->known)
		np_buf_str(out, "not known");
	else if (v->whole && !*v->unit)
		add_raw(out, v);
	else
		add_number(out, v->num, v->unit);
	np_buf_printf(out, " (%" PRIu64 " %.*s", v->samples, letters, v->of);
	if (v->has_base) {
		np_buf_str(out, "; baseline ");
		add_number(out, v->base, v->unit);
	}
	np_buf_chr(out, ')');
}

/* What there is to say of a check: why it is not known, or what was measured. */
static void add_reason(struct np_buf *out, const struct np_check_result *r)
{
	if (*r->reason)
		np_str_escape(out, r->reason, strlen(r->reason), true);
	for (size_t i = 0; i < r->nvalues && !*r->reason; i++) {
		np_buf_str(out, i ? ", " : "");
		add_value(out, &r->values[i]);
	}
}

/* ---- text ---- */

static void text(struct np_buf *out, const struct np_report_run *run,
		 const struct np_check_result *const *results, size_t n)
{
	static const char *const said[] = {
		[NP_CHECK_PASS] = "passed",
		[NP_CHECK_FAIL] = "FAILED",
		[NP_CHECK_INCONCLUSIVE] = "inconclusive",
		[NP_CHECK_ERROR] = "not judged",
	};

	for (size_t i = 0; i < n; i++) {
		np_buf_printf(out, "check %s: ", said[results[i]->verdict]);
		np_str_escape(out, results[i]->text, strlen(results[i]->text), run->utf8);
		np_buf_str(out, ": ");
		add_reason(out, results[i]);
		np_buf_chr(out, '\n');
	}
}

/* ---- TAP 13: testanything.org ---- */

/* A # begins a directive in a description; a backslash takes that away from it. */
static void tap_text(struct np_buf *out, const char *raw)
{
	struct np_buf plain = { 0 };

	np_str_escape(&plain, raw, strlen(raw), true);
	for (const char *p = np_buf_cstr(&plain); *p; p++) {
		if (*p == '#')
			np_buf_chr(out, '\\');
		np_buf_chr(out, *p);
	}
	np_buf_free(&plain);
}

static void tap(struct np_buf *out, const struct np_report_run *run,
		const struct np_check_result *const *results, size_t n)
{
	(void)run;
	np_buf_printf(out, "TAP version 13\n1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		const struct np_check_result *r = results[i];

		np_buf_printf(out, "%sok %zu - ", r->verdict == NP_CHECK_PASS ? "" : "not ", i + 1);
		tap_text(out, r->text);
		np_buf_str(out, "\n# ");
		if (r->verdict == NP_CHECK_INCONCLUSIVE || r->verdict == NP_CHECK_ERROR)
			np_buf_printf(out, "%s: ", verdicts[r->verdict]);
		add_reason(out, r);
		np_buf_chr(out, '\n');
	}
}

/* ---- JSON Lines ---- */

static void json_value(struct np_buf *out, const struct np_check_value *v)
{
	np_buf_str(out, "{\"name\":");
	np_str_json(out, v->name, strlen(v->name));
	np_buf_str(out, ",\"value\":");
	if (v->known)
		add_raw(out, v);
	else
		np_buf_str(out, "null");
	np_buf_printf(out, ",\"unit\":\"%s\",\"samples\":%" PRIu64 ",\"of\":\"%s\",\"baseline\":",
		      v->unit, v->samples, v->of);
	if (v->has_base)
		np_format_decimal(out, v->base);
	else
		np_buf_str(out, "null");
	np_buf_chr(out, '}');
}

static void json(struct np_buf *out, const struct np_report_run *run,
		 const struct np_check_result *const *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct np_check_result *r = results[i];

		np_buf_str(out, "{\"check\":");
		np_str_json(out, r->text, strlen(r->text));
		np_buf_printf(out, ",\"result\":\"%s\",\"reason\":", verdicts[r->verdict]);
		if (*r->reason)
			np_str_json(out, r->reason, strlen(r->reason));
		else
			np_buf_str(out, "null");
		np_buf_str(out, ",\"values\":[");
		for (size_t j = 0; j < r->nvalues; j++) {
			np_buf_str(out, j ? "," : "");
			json_value(out, &r->values[j]);
		}
		np_buf_str(out, "],\"program\":");
		np_str_json(out, run->program, strlen(run->program));
		np_buf_str(out, ",\"host\":");
		np_str_json(out, run->host, strlen(run->host));
		np_buf_str(out, ",\"seconds\":");
		np_format_decimal(out, run->seconds);
		np_buf_str(out, "}\n");
	}
}

/* ---- JUnit: the schema that Jenkins, GitLab and GitHub actions read ---- */

/* The signs of XML, of what is printable text by now; two that XML 1.0 has no way to say. */
static void xml_signs(struct np_buf *out, const char *text)
{
	static const struct {
		const char *sign, *as;
	} signs[] = { { "&", "&amp;" },
		      { "<", "&lt;" },
		      { ">", "&gt;" },
		      { "\"", "&quot;" },
		      { "'", "&apos;" },
		      { "\xef\xbf\xbe", "\xef\xbf\xbd" },
		      { "\xef\xbf\xbf", "\xef\xbf\xbd" } };

	while (*text) {
		size_t i = 0, n = sizeof(signs) / sizeof(signs[0]);

		while (i < n && strncmp(text, signs[i].sign, strlen(signs[i].sign)) != 0)
			i++;
		if (i < n)
			np_buf_str(out, signs[i].as);
		else
			np_buf_chr(out, *text);
		text += i < n ? strlen(signs[i].sign) : 1;
	}
}

static void xml_attribute(struct np_buf *out, const char *name, const char *value)
{
	struct np_buf plain = { 0 };

	np_str_escape(&plain, value, strlen(value), true);
	np_buf_printf(out, " %s=\"", name);
	xml_signs(out, np_buf_cstr(&plain));
	np_buf_chr(out, '"');
	out->oom |= plain.oom;
	np_buf_free(&plain);
}

static void xml_seconds(struct np_buf *out, double seconds)
{
	np_buf_str(out, " time=\"");
	np_format_decimal(out, seconds);
	np_buf_chr(out, '"');
}

static void junit_case(struct np_buf *out, const struct np_report_run *run,
		       const struct np_check_result *r)
{
	const char *kind = r->verdict == NP_CHECK_FAIL ? "failure" : "error";
	struct np_buf said = { 0 };

	np_buf_str(out, "    <testcase");
	xml_attribute(out, "classname", run->program);
	xml_attribute(out, "name", r->text);
	xml_seconds(out, run->seconds);
	np_buf_str(out, ">\n");
	add_reason(&said, r);
	if (r->verdict == NP_CHECK_PASS) {
		np_buf_str(out, "      <system-out>");
	} else {
		np_buf_printf(out, "      <%s type=\"%s\"", kind, verdicts[r->verdict]);
		np_buf_str(out, " message=\"");
		xml_signs(out, np_buf_cstr(&said));
		np_buf_str(out, "\">");
	}
	xml_signs(out, np_buf_cstr(&said));
	np_buf_printf(out, "</%s>\n    </testcase>\n",
		      r->verdict == NP_CHECK_PASS ? "system-out" : kind);
	out->oom |= said.oom;
	np_buf_free(&said);
}

static void junit(struct np_buf *out, const struct np_report_run *run,
		  const struct np_check_result *const *results, size_t n)
{
	size_t failed = 0, passed = 0;
	char time[32];

	for (size_t i = 0; i < n; i++) {
		failed += results[i]->verdict == NP_CHECK_FAIL;
		passed += results[i]->verdict == NP_CHECK_PASS;
	}
	np_str_time(time, run->wall_ns);
	time[19] = '\0'; /* the schema's has no fraction and no zone */
	np_buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite");
	xml_attribute(out, "name", run->program);
	np_buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\"", n,
		      failed, n - failed - passed);
	xml_seconds(out, run->seconds);
	xml_attribute(out, "timestamp", time);
	xml_attribute(out, "hostname", run->host);
	np_buf_str(out, ">\n");
	for (size_t i = 0; i < n; i++)
		junit_case(out, run, results[i]);
	np_buf_str(out, "  </testsuite>\n</testsuites>\n");
}

void np_report(struct np_buf *out, enum np_report_format format, const struct np_report_run *run,
	       const struct np_check_result *const *results, size_t n)
{
#define WRITER(name) name,
	static void (*const writers[])(struct np_buf *, const struct np_report_run *,
				       const struct np_check_result *const *,
				       size_t) = { NP_REPORTS(WRITER) };

	writers[format](out, run, results, n);
}
