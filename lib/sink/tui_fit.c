// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "base/str.h"
#include "sink/tui_fit.h"

static size_t count_that_fit(const struct np_fit_col *cols, size_t n, size_t width, size_t gap)
{
	size_t used = 0, i;

	for (i = 0; i < n; i++) {
		used += cols[i].least + (i ? gap : 0);
		if (used > width)
			break;
	}
	return i;
}

/* Room to spare, from left to right. */
static size_t widen(uint16_t *width, uint16_t to, size_t spare)
{
	size_t more = to > *width ? (size_t)(to - *width) : 0;

	if (more > spare)
		more = spare;
	*width = (uint16_t)(*width + more);
	return spare - more;
}

size_t np_fit_columns(const struct np_fit_col *cols, size_t n, size_t width, size_t gap,
		      uint16_t *out)
{
	size_t fit = count_that_fit(cols, n, width, gap), spare = width;

	if (!n)
		return 0;
	if (!fit) {
		out[0] = (uint16_t)width;
		return 1;
	}
	for (size_t i = 0; i < fit; i++) {
		out[i] = cols[i].least;
		spare -= out[i] + (i ? gap : 0);
	}
	for (size_t i = 0; i < fit; i++)
		if (cols[i].first)
			spare = widen(&out[i], cols[i].content, spare);
	for (size_t i = 0; i < fit; i++)
		spare = widen(&out[i], cols[i].content, spare);
	for (bool more = true; more && spare;) {
		/* a cell each, so that no column sprawls while others are squeezed */
		more = false;
		for (size_t i = 0; i < fit && spare; i++) {
			if (out[i] >= cols[i].wish)
				continue;
			out[i]++;
			spare--;
			more = true;
		}
	}
	return fit;
}

uint16_t np_fit_settle(struct np_fit_memory *mem, uint16_t content, bool tick)
{
	if (content >= mem->width) {
		*mem = (struct np_fit_memory){ .width = content };
		return content;
	}
	if (content > mem->peak)
		mem->peak = content;
	if (tick && ++mem->calm >= NP_FIT_CALM)
		*mem = (struct np_fit_memory){ .width = mem->peak };
	return mem->width;
}

/* What of an address stays at the end: "]:443" with its bracket, ":80"; "" where there is no port.
 */
static const char *port_of(const char *text)
{
	const char *colon = strrchr(text, ':');

	if (!colon)
		return "";
	if (colon > text && colon[-1] == ']')
		return colon - 1;
	/* an IPv6 address by itself has no port: its last group is not one */
	return strchr(text, ':') == colon ? colon : "";
}

size_t np_fit_text(struct np_buf *out, const char *text, size_t cells, enum np_cut how, bool utf8)
{
	const char *mark = utf8 ? "…" : "~";
	const char *tail = how == NP_CUT_ADDRESS ? port_of(text) : "";
	size_t width = np_str_width(text), start = out->len, ntail;

	if (width <= cells) {
		np_buf_str(out, text);
		return width;
	}
	if (!cells)
		return 0;
	ntail = np_str_width(tail);
	if (ntail + 2 > cells) {
		tail = "";
		ntail = 0;
	}
	np_buf_add(out, text, np_str_fit(text, cells - 1 - ntail));
	np_buf_str(out, mark);
	np_buf_str(out, tail);
	return np_str_width(np_buf_cstr(out) + start);
}

size_t np_fit_line(const char *text, size_t cells, size_t *next)
{
	size_t len = np_str_fit(text, cells), end;

	if (!text[len]) {
		*next = len;
		return len;
	}
	for (end = len; end > 0 && text[end] != ' '; end--)
		;
	if (!end) {
		/* one long word; a character wider than the line would never end */
		*next = end = len ? len : 1;
		return end;
	}
	*next = end + 1;
	return end;
}

size_t np_fit_pieces(struct np_fit_piece *pieces, size_t n, size_t width, size_t gap)
{
	size_t used = 0, shown = 0;

	for (size_t i = 0; i < n; i++)
		pieces[i].shown = false;
	for (unsigned int rank = 0; rank <= UINT8_MAX; rank++) {
		for (size_t i = 0; i < n; i++) {
			size_t need = pieces[i].width + (shown ? gap : 0);

			if (pieces[i].rank != rank || !pieces[i].width || used + need > width)
				continue;
			pieces[i].shown = true;
			used += need;
			shown++;
		}
	}
	return used;
}

unsigned int np_fit_spark(double value, double max)
{
	unsigned int level;

	if (!(value > 0) || !(max > 0))
		return 0;
	level = 1 + (unsigned int)(value / max * (NP_SPARK_LEVELS - 2) + 0.5);
	return level < NP_SPARK_LEVELS ? level : NP_SPARK_LEVELS - 1;
}

const char *np_fit_glyph(unsigned int level, bool utf8)
{
	static const char *const blocks[NP_SPARK_LEVELS] = {
		"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"
	};
	static const char *const ascii[NP_SPARK_LEVELS] = {
		"_", ".", ":", "-", "=", "+", "*", "#"
	};

	level = level < NP_SPARK_LEVELS ? level : NP_SPARK_LEVELS - 1;
	return utf8 ? blocks[level] : ascii[level];
}
