/* render.c - see render.h */
#include "cli/render.h"

#include "base/mem.h"
#include "cli/show.h"
#include "cli/table.h"

static void add_text(struct cli_out *o, const struct cli_command *cmd, const char *s, size_t n)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	if (cmd->flags & CLI_CONTENT && !o->terminal) {
		cli_out_add(o, s, n);
		return;
	}
	/* Escapes make a byte up to ten; a text that long is shown in parts. */
	while (n) {
		size_t part = n < 65536 ? n : 65536;

		while (part > 1 && part < n && ((unsigned char)s[part] & 0xc0) == 0x80)
			part--;
		cli_show_text(&b, s, part);
		cli_out_add(o, b.s, b.len);
		buf_reset(&b);
		s += part;
		n -= part;
	}
}

/* A sentence ends its line; content is left as it is. */
static void print_text(struct cli_out *o, const struct cli_command *cmd, const char *s, size_t n)
{
	add_text(o, cmd, s, n);
	if (n && s[n - 1] != '\n' && !(cmd->flags & CLI_CONTENT && !o->terminal))
		cli_out_adds(o, "\n");
}

void cli_render_json(struct cli_out *o, const json_t *j)
{
	autofree char *s =
		o->terminal ? json_dumps(j, JSON_INDENT(2) | JSON_ENCODE_ANY) : json_text(j);
	cleanup(buf_release) struct buf b = BUF_INIT;

	cli_show_json(&b, s ? s : "null", s ? strlen(s) : 4);
	buf_addc(&b, '\n');
	cli_out_add(o, b.s, b.len);
}

static void render_json(struct cli_out *o, const struct cli_answer *a)
{
	autojson json_t *text = NULL;

	if (a->rows || a->item) {
		cli_render_json(o, a->rows ? a->rows : a->item);
		return;
	}
	text = json_object();
	json_put(text, "text", a->text ? json_utf8(a->text, a->text_len) : json_null());
	cli_render_json(o, text);
}

/* Rows of a command whose table names no columns: all the first row has. */
static void render_rows(struct cli_out *o, const struct cli_command *cmd, const json_t *rows)
{
	autojson json_t *item = NULL;

	if (cmd->columns) {
		table_print(o, cmd->columns, rows, 0);
		if (o->terminal && !json_array_size(rows))
			cli_out_adds(o, "none\n");
		return;
	}
	item = json_object();
	json_put(item, "rows", json_deep_copy(rows));
	item_print(o, item, NULL);
}

void cli_render(struct cli_out *o, const struct cli_command *cmd, const struct cli_answer *a,
		bool json)
{
	if (json) {
		render_json(o, a);
		return;
	}
	if (cmd->flags & CLI_TOLD && a->text) {
		print_text(o, cmd, a->text, a->text_len);
		return;
	}
	if (a->item)
		item_print(o, a->item, cmd->lists);
	if (a->rows)
		render_rows(o, cmd, a->rows);
	if (a->text && (o->terminal || !(a->item || a->rows)))
		print_text(o, cmd, a->text, a->text_len);
}

void cli_render_chunk(struct cli_out *o, const struct cli_command *cmd, const char *s, size_t n,
		      bool json)
{
	autojson json_t *line = NULL;
	autofree char *text = NULL;
	cleanup(buf_release) struct buf b = BUF_INIT;

	if (!json) {
		add_text(o, cmd, s, n);
		return;
	}
	line = json_object();
	json_put(line, "chunk", json_utf8(s, n));
	text = json_text(line);
	cli_show_json(&b, text, strlen(text));
	buf_addc(&b, '\n');
	cli_out_add(o, b.s, b.len);
}

void cli_render_error(struct cli_out *o, const struct err *err, bool json)
{
	autojson json_t *all = NULL;
	autofree char *text = NULL;
	cleanup(buf_release) struct buf b = BUF_INIT;
	json_t *e;

	if (!json) {
		cli_out_complain(o, err_text(err));
		return;
	}
	all = json_object();
	e = json_object();
	json_put_str(e, "code", err_code_name(err->code));
	json_put_str(e, "text", err_text(err));
	json_put(all, "error", e);
	text = json_text(all);
	cli_show_json(&b, text, strlen(text));
	buf_addc(&b, '\n');
	cli_out_error_raw(o, b.s);
}
