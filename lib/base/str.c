// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <arpa/inet.h>
#include <inttypes.h>
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

#include "base/str.h"

bool np_str_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

#define US  1000ULL
#define MS  (1000 * US)
#define SEC (1000 * MS)

/*
 * One character of UTF-8 (RFC 3629): its bytes, or 0 where they are none (also overlong forms,
 * surrogates, above U+10FFFF). Own, because mbrtowc() reads what the locale says.
 */
static size_t utf8_get(const char *raw, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)raw;
	size_t n = p[0] < 0x80   ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf5 ? 4
				 : 0;

	if (n == 0 || n > len)
		return 0;
	*cp = n == 1 ? p[0] : p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	if (*cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return n;
}

/* What moves the cursor, hides or reorders text; by table, so that no locale changes the answer. */
static bool printable(uint32_t cp)
{
	static const struct {
		uint32_t from, to;
	} bad[] = {
		{ 0x0, 0x1f },
		{ 0x7f, 0x9f }, /* C0; DEL, C1 */
		{ 0xad, 0xad },
		{ 0x61c, 0x61c }, /* soft hyphen; Arabic letter mark */
		{ 0x180e, 0x180e },
		{ 0x200b, 0x200f }, /* zero width, direction marks */
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f }, /* line breaks, bidi; invisible operators */
		{ 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, /* byte order mark; annotations */
		{ 0xe0000, 0xe007f },
		{ 0xffffe, 0x10ffff }, /* tags; private planes */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (cp >= bad[i].from && cp <= bad[i].to)
			return false;
	return true;
}

/* How many bytes from RAW on are letters, digits and signs of ASCII that nothing has to be done to.
 */
static size_t plain(const char *raw, size_t len)
{
	size_t i = 0;

	while (i < len && raw[i] >= ' ' && raw[i] <= '~' && raw[i] != '\\' && raw[i] != '"' &&
	       raw[i] != ',')
		i++;
	return i;
}

void np_str_escape(struct np_buf *out, const char *raw, size_t len, bool utf8)
{
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t cp = 0;

		n = plain(raw + i, len - i);
		if (n) {
			np_buf_add(out, raw + i, n);
			continue;
		}
		n = utf8_get(raw + i, len - i, &cp);
		if (raw[i] == '\\') {
			np_buf_str(out, "\\\\");
		} else if (n && printable(cp) && (n == 1 || utf8)) {
			np_buf_add(out, raw + i, n);
		} else {
			n = n ? n : 1;
			for (size_t j = 0; j < n; j++)
				np_buf_printf(out, "\\x%02x", (unsigned char)raw[i + j]);
		}
	}
}

static void json_escape(struct np_buf *out, uint32_t cp)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *p = cp && cp < 0x80 ? strchr(from, (int)cp) : NULL;

	if (p)
		np_buf_printf(out, "\\%c", to[p - from]);
	else if (cp < 0x10000)
		np_buf_printf(out, "\\u%04" PRIx32, cp);
	else
		np_buf_printf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((cp - 0x10000) >> 10),
			      0xdc00 + ((cp - 0x10000) & 0x3ff));
}

/* What a terminal must not see is escaped as well: the reader of the JSON gets it back unchanged.
 */
void np_str_json(struct np_buf *out, const char *raw, size_t len)
{
	np_buf_chr(out, '"');
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		uint32_t cp = 0;

		n = plain(raw + i, len - i);
		if (n) {
			np_buf_add(out, raw + i, n);
			continue;
		}
		n = utf8_get(raw + i, len - i, &cp);
		if (!n)
			np_buf_str(out, "\xef\xbf\xbd");
		else if (!printable(cp) || cp == '"' || cp == '\\')
			json_escape(out, cp);
		else
			np_buf_add(out, raw + i, n);
	}
	np_buf_chr(out, '"');
}

void np_str_csv(struct np_buf *out, const char *raw, size_t len)
{
	bool quote = false;

	if (plain(raw, len) == len) {
		np_buf_add(out, raw, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		quote |= raw[i] == ',' || raw[i] == '"' || raw[i] == '\r' || raw[i] == '\n';
	if (quote)
		np_buf_chr(out, '"');
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		uint32_t cp = 0;

		n = utf8_get(raw + i, len - i, &cp);
		if (raw[i] == '"')
			np_buf_str(out, "\"\"");
		else if (n && (printable(cp) || cp == '\t' || cp == '\r' || cp == '\n'))
			np_buf_add(out, raw + i, n);
		else
			np_buf_str(out, "\xef\xbf\xbd"); /* RFC 4180 has no escapes */
	}
	if (quote)
		np_buf_chr(out, '"');
}

/* Bytes of the character at TEXT and its cells; a byte that is no character takes one cell. */
static size_t cell(const char *text, size_t len, size_t *cells)
{
	uint32_t cp = 0;
	size_t n = utf8_get(text, len, &cp);
	int w = n ? wcwidth((wchar_t)cp) : 1;

	*cells = w < 0 ? 1 : (size_t)w;
	return n ? n : 1;
}

size_t np_str_width(const char *text)
{
	size_t len = strlen(text), width = plain(text, len), w;

	for (size_t i = width; i < len; width += w)
		i += cell(text + i, len - i, &w);
	return width;
}

size_t np_str_fit(const char *text, size_t cells)
{
	size_t len = strlen(text), i = 0, n, w;

	/* a combining mark takes no cell and stays with its letter */
	for (; i < len; i += n, cells -= w) {
		n = cell(text + i, len - i, &w);
		if (w > cells)
			break;
	}
	return i;
}

/* N in decimal, without a NUL; returns the place behind it. printf() would be most of a row's time.
 */
static char *digits(char *at, uint64_t n)
{
	char text[20];
	size_t len = 0;

	do
		text[len++] = (char)('0' + n % 10);
	while (n /= 10);
	while (len)
		*at++ = text[--len];
	return at;
}

/* A number of at least WIDTH digits. */
static char *padded(char *at, unsigned int n, unsigned int width)
{
	for (unsigned int least = 10; width-- > 1; least *= 10)
		if (n < least)
			*at++ = '0';
	return digits(at, n);
}

/* N tenths as "1.5". */
static char *tenths(char *at, uint64_t n)
{
	at = digits(at, n / 10);
	*at++ = '.';
	*at++ = (char)('0' + n % 10);
	return at;
}

/* Integers only: printf's %f follows the locale. */
const char *np_str_scaled(char *buf, double value, unsigned int base)
{
	static const char units[] = "KMGTPE";
	const char *sign = value < 0 ? "-" : "";
	char suffix[2] = "";
	double v = fabs(value), limit = value < 0 ? 1000 : base;
	size_t unit = 0;
	char *at;

	if (isnan(v))
		return memcpy(buf, "-", 2);
	if (base == 0) {
		snprintf(buf, 24, "%s%" PRIu64, v < 0.5 ? "" : sign,
			 v < 18e18 ? (uint64_t)(v + 0.5) : UINT64_MAX);
		return buf;
	}
	if (v < limit && v == (unsigned int)v) {
		*digits(stpcpy(buf, sign), (unsigned int)v) = '\0';
		return buf;
	}
	while (v >= limit - 0.5 && unit < sizeof(units) - 1) {
		v /= base;
		unit++;
	}
	suffix[0] = unit == 0 ? '\0' : unit == 1 && base == 1000 ? 'k' : units[unit - 1];
	at = stpcpy(buf, v < 0.05 ? "" : sign);
	if (v < 9.95)
		at = tenths(at, (uint64_t)(v * 10 + 0.5));
	else
		at = digits(at, v < limit ? (uint64_t)(v + 0.5) : 999);
	memcpy(at, suffix, sizeof(suffix));
	return buf;
}

const char *np_str_bytes(char *buf, double value)
{
	size_t len = strlen(np_str_scaled(buf, value, 1024));

	snprintf(buf + len, 24 - len, "%s",
		 buf[len - 1] >= 'A' && buf[len - 1] <= 'Z' ? "iB" : "B");
	return buf;
}

/* From one minute on: two units, the smaller one dropped where it is 0. */
static void long_duration(char *buf, uint64_t sec)
{
	static const struct {
		uint64_t big, small;
		const char *name[2];
	} units[] = {
		{ 86400, 3600, { "d", "h" } },
		{ 3600, 60, { "h", "m" } },
		{ 60, 1, { "m", "s" } },
	};
	size_t i = sec >= 86400 ? 0 : sec >= 3600 ? 1 : 2;
	uint64_t big = sec / units[i].big, small = sec % units[i].big / units[i].small;

	if (big > 99999)
		snprintf(buf, 24, "%" PRIu64 "y", big / 365);
	else if (big > 99 || small == 0)
		snprintf(buf, 24, "%" PRIu64 "%s", big, units[i].name[0]);
	else
		snprintf(buf, 24, "%" PRIu64 "%s%" PRIu64 "%s", big, units[i].name[0], small,
			 units[i].name[1]);
}

const char *np_str_duration(char *buf, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = { { US, "us" }, { MS, "ms" }, { SEC, "s" } };
	size_t i = 0;
	char *at;

	if (ns == 0)
		return memcpy(buf, "0s", 3);
	if (ns < US) {
		snprintf(buf, 24, "%" PRIu64 "ns", ns);
		return buf;
	}
	if (ns >= 60 * SEC - SEC / 2) {
		long_duration(buf, ns < 60 * SEC ? 60 : ns / SEC);
		return buf;
	}
	while (i < 2 && (ns + units[i].ns / 2) / units[i].ns >= 1000)
		i++;
	if ((ns + units[i].ns / 20) / (units[i].ns / 10) < 100)
		at = tenths(buf, (ns + units[i].ns / 20) / (units[i].ns / 10));
	else
		at = digits(buf, (ns + units[i].ns / 2) / units[i].ns);
	memcpy(at, units[i].name, strlen(units[i].name) + 1);
	return buf;
}

const char *np_str_latency(char *buf, uint64_t us)
{
	bool ms = us < 999500;
	/* thousandths of the unit, and what of them three digits leave */
	uint64_t n = ms ? us : (us + 500) / 1000, whole;
	char *at;

	if (us >= 59950000)
		return np_str_duration(buf, us * US);
	if (us < 1000) {
		memcpy(digits(buf, us), "us", 3);
		return buf;
	}
	if (n < 9995) {
		whole = (n + 5) / 10;
		at = digits(buf, whole / 100);
		*at++ = '.';
		at = padded(at, (unsigned int)(whole % 100), 2);
	} else if (n < 99950) {
		at = tenths(buf, (n + 50) / 100);
	} else {
		at = digits(buf, (n + 500) / 1000);
	}
	memcpy(at, ms ? "ms" : "s", ms ? 3 : 2);
	return buf;
}

static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, prefix, sizeof(prefix)) == 0;
}

static char *dotted(char *at, const uint8_t addr[4])
{
	for (int i = 0; i < 4; i++) {
		at = digits(at, addr[i]);
		*at++ = '.';
	}
	*--at = '\0';
	return at;
}

const char *np_str_addr(char *buf, const uint8_t addr[16])
{
	if (is_mapped(addr)) {
		dotted(buf, addr + 12);
		return buf;
	}
	if (!inet_ntop(AF_INET6, addr, buf, INET6_ADDRSTRLEN))
		buf[0] = '\0';
	return buf;
}

const char *np_str_endpoint(char *buf, const uint8_t addr[16], uint16_t port)
{
	static const uint8_t zero[16];
	bool v4 = is_mapped(addr);
	char text[INET6_ADDRSTRLEN], *at;

	if (port == 0 && memcmp(addr + (v4 ? 12 : 0), zero, v4 ? 4 : 16) == 0)
		return memcpy(buf, "*", 2);
	if (v4) {
		at = dotted(buf, addr + 12);
		*at++ = ':';
		*digits(at, port) = '\0';
		return buf;
	}
	np_str_addr(text, addr);
	snprintf(buf, 54, "[%s]:%u", text, port);
	return buf;
}

const char *np_str_time(char *buf, uint64_t wall_ns)
{
	time_t sec = (time_t)(wall_ns / SEC);
	struct tm tm = { 0 };

	char *at = buf;

	gmtime_r(&sec, &tm);
	at = padded(at, (unsigned int)tm.tm_year + 1900, 4);
	*at++ = '-';
	at = padded(at, (unsigned int)tm.tm_mon + 1, 2);
	*at++ = '-';
	at = padded(at, (unsigned int)tm.tm_mday, 2);
	*at++ = 'T';
	at = padded(at, (unsigned int)tm.tm_hour, 2);
	*at++ = ':';
	at = padded(at, (unsigned int)tm.tm_min, 2);
	*at++ = ':';
	at = padded(at, (unsigned int)tm.tm_sec, 2);
	*at++ = '.';
	at = padded(at, (unsigned int)(wall_ns % SEC / MS), 3);
	*at++ = 'Z';
	*at = '\0';
	return buf;
}

#define NEAR_MAX 32 /* no name is longer */

/* Edits from A to B, a swap of neighbours being one (optimal string alignment). */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[3][NEAR_MAX + 1];
	unsigned int *two = row[0], *one = row[1], *cur = row[2], *old;
	size_t la = strlen(a), lb = strlen(b);

	for (size_t j = 0; j <= lb; j++)
		one[j] = two[j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		cur[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned int best = one[j - 1] + (a[i - 1] != b[j - 1]);

			best = one[j] + 1 < best ? one[j] + 1 : best;
			best = cur[j - 1] + 1 < best ? cur[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    two[j - 2] + 1 < best)
				best = two[j - 2] + 1;
			cur[j] = best;
		}
		old = two;
		two = one;
		one = cur;
		cur = old;
	}
	return one[lb];
}

const char *np_str_nearest(const char *word, const char *const *names)
{
	size_t len = strlen(word);
	/* a third of the word may be wrong, but something must be right */
	unsigned int best = len > 1 ? (unsigned int)(len + 2) / 3 + 1 : 1;
	const char *near = NULL;

	if (len > NEAR_MAX)
		return NULL;
	for (; *names; names++) {
		unsigned int d;

		if (strlen(*names) > NEAR_MAX)
			continue;
		d = strcasecmp(word, *names) == 0 ? 0 : distance(word, *names);
		/* its begin is as good as one edit */
		if (d > 1 && len > 1 && strncasecmp(word, *names, len) == 0)
			d = 1;
		if (d < best) {
			best = d;
			near = *names;
		}
	}
	return near;
}
