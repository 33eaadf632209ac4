/* table.c - see table.h */
#include "cli/table.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/show.h"

#include <inttypes.h>

#define GAP            2 /* spaces between columns */
#define LONG_MIN_WIDTH 8 /* a column that gives way keeps so much */
#define OID_SHOWN      12

/* States by what they ask of a person: nothing, patience, attention. */
static const struct {
	const char *state, *colour;
} colours[] = {
	{"ok", "32"},          {"green", "32"},    {"merged", "32"},    {"landed", "32"},
	{"open", "32"},        {"healthy", "32"},  {"running", "36"},   {"testing", "36"},
	{"building", "36"},    {"landing", "36"},  {"preparing", "36"}, {"waiting", "33"},
	{"asking", "33"},      {"held", "33"},     {"frozen", "33"},    {"halted", "31"},
	{"review", "33"},      {"red", "31"},      {"fail", "31"},      {"failed", "31"},
	{"needs-human", "31"}, {"conflict", "31"}, {"ejected", "31"},   {"lost", "31"},
	{"timeout", "31"},     {"void", "31"},
};

const char *table_colour(const char *state)
{
	for (size_t i = 0; i < ARRAY_LEN(colours); i++)
		if (!strcmp(colours[i].state, state))
			return colours[i].colour;
	return NULL;
}

/* "2026-11-20T14:10:03.123Z", for people without the 'T' and the fraction. */
static void add_time(struct buf *b, int64_t ms, bool terminal)
{
	autofree char *s = clock_format(ms);

	if (!terminal || strlen(s) < 19)
		buf_adds(b, s);
	else
		buf_addf(b, "%.10s %.8sZ", s, s + 11);
}

static void add_list(struct buf *b, const json_t *list, enum cli_col_kind kind, bool terminal)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		buf_adds(b, i ? ", " : "");
		table_cell(b, json_array_get(list, i), kind, terminal);
	}
}

void table_cell(struct buf *b, const json_t *v, enum cli_col_kind kind, bool terminal)
{
	autofree char *other = NULL;

	if (!v || json_is_null(v))
		return;
	if (kind == CLI_COL_TIME && json_is_integer(v) && !json_integer_value(v))
		return; /* the ledger's way to say that it has not happened */
	if (json_is_integer(v) && kind == CLI_COL_TIME) {
		add_time(b, json_integer_value(v), terminal);
	} else if (json_is_integer(v)) {
		buf_addf(b, "%" PRId64, (int64_t)json_integer_value(v));
	} else if (json_is_boolean(v)) {
		buf_adds(b, json_is_true(v) ? "yes" : "no");
	} else if (json_is_array(v)) {
		add_list(b, v, kind, terminal);
	} else if (json_is_string(v)) {
		size_t n = json_string_length(v);

		if (kind == CLI_COL_OID && terminal && n > OID_SHOWN)
			n = OID_SHOWN;
		cli_show_line(b, json_string_value(v), n);
	} else {
		other = json_text(v);
		cli_show_line(b, other, strlen(other));
	}
}

/* --- in a pipe ---------------------------------------------------------------------------------- */

static void plain_rows(struct cli_out *o, const struct cli_column *columns, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		cleanup(buf_release) struct buf line = BUF_INIT;

		for (const struct cli_column *c = columns; c->key; c++) {
			buf_adds(&line, c == columns ? "" : "\t");
			table_cell(&line, json_object_get(json_array_get(rows, i), c->key), c->kind,
				   false);
		}
		buf_addc(&line, '\n');
		cli_out_add(o, line.s, line.len);
	}
}

/* --- on a terminal ------------------------------------------------------------------------------ */

struct layout {
	const struct cli_column *columns;
	size_t n, indent;
	size_t width[TABLE_COLUMNS_MAX];
};

static char *cell_text(const json_t *row, const struct cli_column *c)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	table_cell(&b, json_object_get(row, c->key), c->kind, true);
	return buf_steal(&b);
}

static void measure(struct layout *l, const json_t *rows)
{
	for (size_t c = 0; c < l->n; c++) {
		l->width[c] = strlen(l->columns[c].title);
		for (size_t i = 0; i < json_array_size(rows); i++) {
			autofree char *s = cell_text(json_array_get(rows, i), &l->columns[c]);
			size_t w = cli_width(s, strlen(s));

			l->width[c] = w > l->width[c] ? w : l->width[c];
		}
	}
}

static size_t total(const struct layout *l)
{
	size_t sum = l->indent + (l->n ? (l->n - 1) * GAP : 0);

	for (size_t c = 0; c < l->n; c++)
		sum += l->width[c];
	return sum;
}

/* Takes from the widest long column until all fit or none has anything to give. */
static void squeeze(struct layout *l, size_t width)
{
	while (width && total(l) > width) {
		size_t widest = l->n, over = total(l) - width, give;

		for (size_t c = 0; c < l->n; c++)
			if (l->columns[c].kind == CLI_COL_LONG && l->width[c] > LONG_MIN_WIDTH &&
			    (widest == l->n || l->width[c] > l->width[widest]))
				widest = c;
		if (widest == l->n)
			return;
		/* A third at a time, so that two long columns share what is missing. */
		give = (l->width[widest] - LONG_MIN_WIDTH + 2) / 3;
		l->width[widest] -= give < over ? give : over;
	}
}

static void add_spaces(struct buf *b, size_t n)
{
	while (n--)
		buf_addc(b, ' ');
}

/* The text cut to `width` columns, with an ellipsis when something is missing. */
static size_t add_cut(struct buf *b, const char *s, size_t width)
{
	size_t n = strlen(s), whole = cli_width(s, n);

	if (whole <= width) {
		buf_add(b, s, n);
		return whole;
	}
	n = cli_width_cut(s, n, width ? width - 1 : 0);
	buf_add(b, s, n);
	buf_adds(b, width ? "\xe2\x80\xa6" : "");
	return cli_width(s, n) + (width ? 1 : 0);
}

static void add_cell(struct buf *b, const struct layout *l, size_t c, const char *s,
		     const char *colour)
{
	size_t at = b->len, used, pad;

	if (colour)
		buf_addf(b, "\x1b[%sm", colour);
	used = add_cut(b, s, l->width[c]);
	buf_adds(b, colour ? "\x1b[0m" : "");
	pad = used < l->width[c] ? l->width[c] - used : 0;
	if (l->columns[c].kind == CLI_COL_INT && pad) {
		/* To the right: the spaces go in front. */
		cleanup(buf_release) struct buf cell = BUF_INIT;

		buf_adds(&cell, b->s + at);
		buf_truncate(b, at);
		add_spaces(b, pad);
		buf_adds(b, cell.s);
	} else if (c + 1 < l->n) {
		add_spaces(b, pad);
	}
}

/* row NULL: the header. A line that is still too wide is cut at the terminal's edge; then it has no
 * colours, which the cut would have to understand. */
static void print_line(struct cli_out *o, const struct layout *l, const json_t *row)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	bool fits = !o->width || total(l) <= o->width;

	add_spaces(&b, l->indent);
	for (size_t c = 0; c < l->n; c++) {
		const struct cli_column *col = &l->columns[c];
		autofree char *s = row ? cell_text(row, col) : xstrdup(col->title);
		const char *colour = row && fits && o->colour && col->kind == CLI_COL_STATE
					     ? table_colour(s)
					     : NULL;

		add_spaces(&b, c ? GAP : 0);
		add_cell(&b, l, c, s, colour);
	}
	buf_rtrim(&b);
	if (!fits)
		buf_truncate(&b, cli_width_cut(b.s, b.len, o->width));
	buf_addc(&b, '\n');
	cli_out_add(o, b.s, b.len);
}

void table_print(struct cli_out *o, const struct cli_column *columns, const json_t *rows,
		 size_t indent)
{
	struct layout l = {.columns = columns, .indent = indent};

	if (!o->terminal) {
		plain_rows(o, columns, rows);
		return;
	}
	if (!json_array_size(rows))
		return;
	while (l.n < TABLE_COLUMNS_MAX && columns[l.n].key)
		l.n++;
	measure(&l, rows);
	squeeze(&l, o->width);
	print_line(o, &l, NULL);
	for (size_t i = 0; i < json_array_size(rows); i++)
		print_line(o, &l, json_array_get(rows, i));
}
