/* help.c - see help.h; the manual pages are in man.c */
#include "cli/help.h"

#include "base/mem.h"
#include "cli/exitcode.h"

#define HELP_WIDTH 78
#define HELP_TEXT  26 /* where the texts beside names begin */

void help_wrap(struct buf *b, const char *s, size_t indent, size_t width)
{
	size_t column = 0;

	while (*s) {
		size_t n = strcspn(s, " \n");

		if (column && column + 1 + n > width) {
			buf_addc(b, '\n');
			column = 0;
		}
		if (!column) {
			buf_addf(b, "%*s", (int)indent, "");
			column = indent;
		} else {
			buf_addc(b, ' ');
			column++;
		}
		buf_add(b, s, n);
		column += n;
		s += n;
		if (!strncmp(s, "\n\n", 2)) {
			buf_adds(b, "\n\n");
			column = 0;
		}
		s += strspn(s, " \n");
	}
	buf_addc(b, '\n');
}

/* "  name      text", the text wrapped beside the name or below a long one. */
static void entry(struct buf *b, const char *name, const char *text)
{
	cleanup(buf_release) struct buf wrapped = BUF_INIT;
	size_t n = strlen(name) + 2;

	help_wrap(&wrapped, text, HELP_TEXT, HELP_WIDTH);
	buf_addf(b, "  %s", name);
	if (n + 1 < HELP_TEXT)
		buf_adds(b, wrapped.s + n); /* the spaces of the first line that the name took */
	else
		buf_addf(b, "\n%s", wrapped.s);
}

static void section(struct buf *b, const char *title)
{
	buf_addf(b, "\n%s:\n", title);
}

static void add_values(struct buf *b, const char *const *values)
{
	for (size_t i = 0; values && values[i]; i++)
		buf_addf(b, "%s%s", i ? ", " : ": ", values[i]);
}

static void option(struct buf *b, const struct cli_opt *o)
{
	cleanup(buf_release) struct buf name = BUF_INIT, text = BUF_INIT;

	if (o->letter)
		buf_addf(&name, "-%c, ", o->letter);
	else
		buf_adds(&name, "    ");
	buf_addf(&name, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	buf_adds(&text, o->help);
	add_values(&text, o->values);
	if (o->kind == CLI_INT && (o->min || o->max) && o->max < INT32_MAX)
		buf_addf(&text, ", %lld to %lld", (long long)o->min, (long long)o->max);
	if (o->required)
		buf_adds(&text, " (required)");
	else if (o->def)
		buf_addf(&text, " [%s]", o->def);
	entry(b, name.s, text.s);
}

static void options(struct buf *b, const struct cli_opt *list)
{
	for (const struct cli_opt *o = list; o && o->name; o++)
		option(b, o);
}

static void commands(struct buf *b, const struct cli_group *g)
{
	for (const struct cli_command *c = g->commands; c->path; c++)
		if (!(c->flags & CLI_HIDDEN))
			entry(b, c->path, c->summary);
}

void help_command(struct buf *b, const struct cli_command *c)
{
	autofree char *usage = cli_usage_line(c);

	buf_addf(b, "usage: %s\n\n", usage);
	buf_addf(b, "%s: %s.\n", c->path, c->summary);
	if (c->description) {
		buf_addc(b, '\n');
		help_wrap(b, c->description, 0, HELP_WIDTH);
	}
	if (c->args && c->args->name)
		section(b, "Arguments");
	for (const struct cli_arg *a = c->args; a && a->name; a++) {
		autofree char *shown = cli_arg_shown(a);

		entry(b, shown, a->help);
	}
	if (c->opts && c->opts->name)
		section(b, "Options");
	options(b, c->opts);
	section(b, "Options of every command");
	options(b, cli_global_opts);
	if (c->examples)
		section(b, "Examples");
	for (const struct cli_example *e = c->examples; e && e->line; e++)
		buf_addf(b, "  $ %s\n      %s\n", e->line, e->what);
}

void help_group(struct buf *b, const struct cli_group *g)
{
	buf_addf(b, "usage: yardmaster %s COMMAND ...\n\n", g->name);
	buf_addf(b, "%s: %s.\n", g->name, g->summary);
	if (g->description) {
		buf_addc(b, '\n');
		help_wrap(b, g->description, 0, HELP_WIDTH);
	}
	section(b, "Commands");
	commands(b, g);
	buf_addf(b, "\n'yardmaster %s COMMAND --help' says more about one of them.\n", g->name);
}

void help_all(struct buf *b)
{
	buf_adds(b, "usage: yardmaster [OPTION]... COMMAND ...\n\n");
	help_wrap(b,
		  "Yardmaster hands labelled issues to coding agents, each in an isolated "
		  "worktree, and lands their pull requests, and people's, through a merge queue "
		  "that only lands what was tested.",
		  0, HELP_WIDTH);
	for (const struct cli_group *g = cli_groups; g->name; g++) {
		section(b, *g->name ? g->name : "Commands");
		commands(b, g);
	}
	section(b, "Options of every command");
	options(b, cli_global_opts);
	section(b, "Exit codes");
	for (const struct cli_exit_row *r = cli_exit_table; r->meaning; r++)
		buf_addf(b, "  %3d  %s\n", (int)r->code, r->meaning);
	buf_adds(b, "\n'yardmaster COMMAND --help' says more about one of them.\n");
}
