/* item.c - one object, as render.h says. */
#include "cli/render.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/show.h"
#include "cli/table.h"

#include <ctype.h>
#include <inttypes.h>

#define TIME_FROM_MS INT64_C(100000000000) /* 1973: no duration of ours is that long */
#define INDENT       4

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static bool is_one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(s, *list))
			return true;
	return false;
}

/* How a value is shown follows from its key, as the ledger names its columns. */
static enum cli_col_kind kind_of(const char *key, const json_t *v)
{
	static const char *const states[] = {"state", "health", "outcome", "ok", "verdict", NULL};
	static const char *const oids[] = {"head", "oid", "tree", "base_oid", "landed", NULL};
	static const char *const longs[] = {"title", "detail",  "reason", "text", "path",
					    "files", "command", "waits",  NULL};

	if (ends_with(key, "_ms") && json_integer_value(v) >= TIME_FROM_MS)
		return CLI_COL_TIME;
	if (json_is_integer(v))
		return CLI_COL_INT;
	return is_one_of(key, states)  ? CLI_COL_STATE
	       : is_one_of(key, oids)  ? CLI_COL_OID
	       : is_one_of(key, longs) ? CLI_COL_LONG
				       : CLI_COL_TEXT;
}

static void add_value(struct buf *b, const char *key, const json_t *v, bool terminal)
{
	enum cli_col_kind kind = kind_of(key, v);
	int64_t n = json_integer_value(v);

	if (terminal && json_is_integer(v) && ends_with(key, "_ms") && kind != CLI_COL_TIME) {
		autofree char *s = text_duration(n);

		buf_adds(b, s);
	} else if (terminal && json_is_integer(v) && ends_with(key, "_microusd") && n >= 0) {
		buf_addf(b, "%" PRId64 ".%04" PRId64 " USD", n / 1000000, n % 1000000 / 100);
	} else {
		/* An object's own id is shown whole: people copy it. */
		table_cell(b, v, kind == CLI_COL_OID ? CLI_COL_TEXT : kind, terminal);
	}
}

/* --- on a terminal ------------------------------------------------------------------------------ */

/* "cost_microusd" -> "Cost": the unit is in the value. */
static char *label(const char *key)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	char *s;

	cli_show_line(&b, key, strlen(key));
	s = buf_steal(&b);
	if (ends_with(s, "_ms") && strlen(s) > 3)
		s[strlen(s) - 3] = '\0';
	else if (ends_with(s, "_microusd"))
		s[strlen(s) - 9] = '\0';
	for (char *p = s; *p; p++)
		*p = *p == '_' ? ' ' : *p;
	s[0] = (char)toupper((unsigned char)s[0]);
	return s;
}

/* A text of several lines, or a list of objects, does not fit beside its name. */
static bool is_block(const json_t *v)
{
	if (json_is_array(v))
		return json_is_object(json_array_get(v, 0));
	return json_is_object(v) || (json_is_string(v) && strchr(json_string_value(v), '\n'));
}

/* What says nothing to a person: what is not there, and the ledger's own numbers and hashes. */
static bool is_silent(const json_t *item, const char *key, const json_t *v)
{
	static const char *const internal[] = {"key", "text_hash", NULL};
	static const char *const others[] = {"task", "pr", "candidate", NULL};

	if (json_is_null(v) || (json_is_string(v) && !json_string_length(v)) ||
	    (json_is_array(v) && !json_array_size(v)) ||
	    (json_is_object(v) && !json_object_size(v)))
		return true;
	if (!strcmp(key, "repo") && json_is_integer(v))
		return true;
	/* The ledger's way to say that there is none. */
	if (json_is_integer(v) && !json_integer_value(v) &&
	    (ends_with(key, "_ms") || is_one_of(key, others)))
		return true;
	return is_one_of(key, internal) || (!strcmp(key, "id") && json_object_get(item, "number"));
}

static void print_lines(struct cli_out *o, const json_t *item)
{
	size_t width = 0;
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)item, key, v) {
		autofree char *name = label(key);
		size_t n = cli_width(name, strlen(name));

		if (!is_block(v) && !is_silent(item, key, v) && n > width)
			width = n;
	}
	json_object_foreach ((json_t *)item, key, v) {
		cleanup(buf_release) struct buf b = BUF_INIT;
		autofree char *name = label(key);
		const char *colour = NULL;

		if (is_block(v) || is_silent(item, key, v))
			continue;
		add_value(&b, key, v, true);
		if (o->colour && kind_of(key, v) == CLI_COL_STATE)
			colour = table_colour(b.s);
		cli_out_addf(o, "%-*s  %s%s%s%s%s\n", (int)width, name, colour ? "\x1b[" : "",
			     colour ? colour : "", colour ? "m" : "", b.s, colour ? "\x1b[0m" : "");
	}
}

static void print_indented(struct cli_out *o, const char *s)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	while (*s) {
		size_t n = strcspn(s, "\n");

		if (n) {
			buf_addf(&b, "%*s", INDENT, "");
			cli_show_text(&b, s, n);
		}
		buf_addc(&b, '\n');
		s += n + (s[n] == '\n');
	}
	cli_out_add(o, b.s, b.len);
}

static bool has_text_block(const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *key;
		json_t *v;

		json_object_foreach ((json_t *)row, key, v) {
			if (!strcmp(key, "body") || is_block(v))
				return true;
		}
	}
	return false;
}

/* columns NULL: every key is. */
static bool is_named(const struct cli_column *columns, const char *key)
{
	const struct cli_column *c = columns;

	while (c && c->key && strcmp(c->key, key) != 0)
		c++;
	return !c || c->key;
}

/* A row with a text of its own, as a comment is: a line of facts and the text below it. */
static void print_entry(struct cli_out *o, const struct cli_column *columns, const json_t *row)
{
	cleanup(buf_release) struct buf facts = BUF_INIT;
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)row, key, v) {
		if (!strcmp(key, "body") || is_block(v) || is_silent(row, key, v) ||
		    !is_named(columns, key))
			continue;
		buf_adds(&facts, facts.len ? "  " : "");
		add_value(&facts, key, v, true);
	}
	cli_out_addf(o, "  %s\n", facts.s);
	json_object_foreach ((json_t *)row, key, v) {
		autofree char *other = NULL;

		if ((strcmp(key, "body") != 0 && !is_block(v)) || !is_named(columns, key))
			continue;
		other = json_is_string(v) ? NULL : json_text(v);
		print_indented(o, other ? other : json_string_value(v));
	}
}

/* The columns that the first row has. The titles are written into `titles`. */
static void columns_of(const json_t *row, struct cli_column *columns, char **titles)
{
	size_t n = 0;
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)row, key, v) {
		if (n == TABLE_COLUMNS_MAX)
			return;
		titles[n] = label(key);
		for (char *p = titles[n]; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		columns[n] = (struct cli_column){key, titles[n], kind_of(key, v)};
		n++;
	}
}

static void print_list(struct cli_out *o, const struct cli_column *named, const json_t *rows)
{
	struct cli_column columns[TABLE_COLUMNS_MAX + 1] = {{0}};
	char *titles[TABLE_COLUMNS_MAX + 1] = {NULL};
	bool entries = named ? is_named(named, "body") : has_text_block(rows);

	for (size_t i = 0; entries && i < json_array_size(rows); i++)
		print_entry(o, named, json_array_get(rows, i));
	if (entries)
		return;
	if (named) {
		table_print(o, named, rows, 2);
		return;
	}
	columns_of(json_array_get(rows, 0), columns, titles);
	table_print(o, columns, rows, 2);
	for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
		free(titles[i]);
}

static const struct cli_column *columns_for(const struct cli_list *lists, const char *key)
{
	for (; lists && lists->key; lists++)
		if (!strcmp(lists->key, key))
			return lists->columns;
	return NULL;
}

static void print_blocks(struct cli_out *o, const json_t *item, const struct cli_list *lists)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)item, key, v) {
		autofree char *name = label(key);

		if (!is_block(v) || is_silent(item, key, v))
			continue;
		cli_out_addf(o, "\n%s\n", name);
		if (json_is_string(v))
			print_indented(o, json_string_value(v));
		else if (json_is_array(v))
			print_list(o, columns_for(lists, key), v);
		else
			print_lines(o, v);
	}
}

/* --- in a pipe ---------------------------------------------------------------------------------- */

static void plain(struct cli_out *o, const struct cli_list *lists, const char *name,
		  const char *key, const json_t *v);

/* A line of text a line, each with its name. */
static void plain_value(struct cli_out *o, const char *name, const char *key, const json_t *v)
{
	const char *s = json_string_value(v);
	size_t n = s ? strcspn(s, "\n") : 0;
	bool time = kind_of(key, v) == CLI_COL_TIME && ends_with(name, "_ms");

	for (;;) {
		cleanup(buf_release) struct buf b = BUF_INIT;

		/* A time is shown as one, without the unit that it is not in. */
		cli_show_line(&b, name, strlen(name) - (time ? 3 : 0));
		buf_addc(&b, '\t');
		if (s)
			cli_show_line(&b, s, n);
		else
			add_value(&b, key, v, false);
		buf_addc(&b, '\n');
		cli_out_add(o, b.s, b.len);
		if (!s || !s[n] || !s[n + 1])
			return;
		s += n + 1;
		n = strcspn(s, "\n");
	}
}

static void plain_object(struct cli_out *o, const struct cli_column *columns, const char *prefix,
			 const json_t *item)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)item, key, v) {
		autofree char *name = xasprintf("%s.%s", prefix, key);

		if (is_named(columns, key) && !is_silent(item, key, v))
			plain(o, NULL, name, key, v);
	}
}

static void plain(struct cli_out *o, const struct cli_list *lists, const char *name,
		  const char *key, const json_t *v)
{
	if (json_is_object(v))
		plain_object(o, NULL, name, v);
	for (size_t i = 0; json_is_array(v) && i < json_array_size(v); i++) {
		autofree char *index = xasprintf("%s.%zu", name, i);
		const json_t *part = json_array_get(v, i);

		if (json_is_object(part))
			plain_object(o, columns_for(lists, key), index, part);
		else
			plain(o, NULL, json_is_array(part) ? index : name, key, part);
	}
	if (!json_is_object(v) && !json_is_array(v))
		plain_value(o, name, key, v);
}

/* Facts first, then long texts and lists, as on a terminal. */
static void print_plain(struct cli_out *o, const json_t *item, const struct cli_list *lists)
{
	const char *key;
	json_t *v;

	for (int blocks = 0; blocks <= 1; blocks++)
		json_object_foreach ((json_t *)item, key, v) {
			if (is_block(v) == (blocks == 1) && !is_silent(item, key, v))
				plain(o, lists, key, key, v);
		}
}

void item_print(struct cli_out *o, const json_t *item, const struct cli_list *lists)
{
	if (!o->terminal) {
		print_plain(o, item, lists);
		return;
	}
	print_lines(o, item);
	print_blocks(o, item, lists);
}
