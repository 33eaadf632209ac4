/* man.c - manual pages from the tables, as roff with the macros of man(7). */
#include "cli/help.h"

#include "base/mem.h"
#include "cli/exitcode.h"
#include "cli/local.h"

#include <ctype.h>

/* Of the texts, not of the build: the same sources give the same pages. */
#define MAN_DATE "2026-11-20"

/* Text as roff takes it: a line must not begin with a control character, a minus is one that can be
 * copied, a backslash is one. */
static void add_text(struct buf *b, const char *s)
{
	bool line_start = !b->len || b->s[b->len - 1] == '\n';

	for (; *s; s++) {
		if (line_start && (*s == '.' || *s == '\''))
			buf_adds(b, "\\&");
		if (*s == '\\')
			buf_adds(b, "\\e");
		else if (*s == '-')
			buf_adds(b, "\\-");
		else if (*s == '\'')
			buf_adds(b, "\\(aq");
		else if (*s == '~')
			buf_adds(b, "\\(ti");
		else
			buf_addc(b, *s);
		line_start = *s == '\n';
	}
}

/* A macro with its arguments as one bold text. */
static void add_macro(struct buf *b, const char *macro, const char *text)
{
	buf_addf(b, ".%s \"", macro);
	for (const char *s = text; *s; s++) {
		char one[2] = {*s, '\0'};

		if (*s == '"')
			buf_adds(b, "\\(dq");
		else
			add_text(b, one);
	}
	buf_adds(b, "\"\n");
}

static void add_line(struct buf *b, const char *text)
{
	add_text(b, text);
	buf_addc(b, '\n');
}

/* Paragraphs are separated by an empty line. */
static void add_paragraphs(struct buf *b, const char *s)
{
	while (*s) {
		const char *end = strstr(s, "\n\n");
		autofree char *part = end ? xstrndup(s, (size_t)(end - s)) : xstrdup(s);

		add_line(b, part);
		s = end ? end + 2 : s + strlen(s);
		buf_adds(b, *s ? ".PP\n" : "");
	}
}

/* "Text." from a table's text, which has no full stop. */
static void add_sentence(struct buf *b, const char *s)
{
	autofree char *text = xasprintf("%s.", s);

	text[0] = (char)toupper((unsigned char)text[0]);
	add_line(b, text);
}

static void add_values(struct buf *b, const char *const *values)
{
	cleanup(buf_release) struct buf line = BUF_INIT;

	if (!values)
		return;
	buf_adds(&line, "One of ");
	for (size_t i = 0; values[i]; i++)
		buf_addf(&line, "%s%s", i ? ", " : "", values[i]);
	buf_adds(&line, ".");
	add_line(b, line.s);
}

static void option(struct buf *b, const struct cli_opt *o)
{
	buf_adds(b, ".TP\n");
	if (o->letter)
		buf_addf(b, "\\fB\\-%c\\fR, ", o->letter);
	buf_adds(b, "\\fB");
	add_text(b, "--");
	add_text(b, o->name);
	buf_adds(b, "\\fR");
	if (o->arg)
		buf_addf(b, " \\fI%s\\fR", o->arg);
	buf_addc(b, '\n');
	add_sentence(b, o->help);
	add_values(b, o->values);
	if (o->kind == CLI_INT && (o->min || o->max) && o->max < INT32_MAX) {
		autofree char *range =
			xasprintf("From %lld to %lld.", (long long)o->min, (long long)o->max);

		add_line(b, range);
	}
	if (o->required)
		add_line(b, "Required.");
	else if (o->def) {
		autofree char *def = xasprintf("Default: %s.", o->def);

		add_line(b, def);
	}
}

static void arguments(struct buf *b, const struct cli_command *c)
{
	for (const struct cli_arg *a = c->args; a && a->name; a++) {
		autofree char *shown = cli_arg_shown(a);

		buf_adds(b, ".TP\n\\fI");
		add_text(b, shown);
		buf_adds(b, "\\fR\n");
		add_sentence(b, a->help);
	}
}

static void exits(struct buf *b, const struct cli_command *c)
{
	for (const int *e = c->exits; e && *e >= 0; e++) {
		autofree char *line = xasprintf("Exit code %d: %s.", *e, cli_exit_meaning(*e));

		buf_adds(b, ".PP\n");
		add_line(b, line);
	}
}

static void command(struct buf *b, const struct cli_command *c)
{
	autofree char *usage = cli_usage_line(c);

	add_macro(b, "SS", c->path);
	buf_adds(b, ".B ");
	add_line(b, usage);
	buf_adds(b, ".PP\n");
	add_sentence(b, c->summary);
	if (c->description) {
		buf_adds(b, ".PP\n");
		add_paragraphs(b, c->description);
	}
	arguments(b, c);
	for (const struct cli_opt *o = c->opts; o && o->name; o++)
		option(b, o);
	exits(b, c);
	for (const struct cli_example *e = c->examples; e && e->line; e++) {
		buf_adds(b, ".PP\n");
		add_line(b, e->what);
		buf_adds(b, ".PP\n.RS 4\n.nf\n$ ");
		add_line(b, e->line);
		buf_adds(b, ".fi\n.RE\n");
	}
}

static void commands(struct buf *b, const struct cli_group *g)
{
	buf_adds(b, ".SH COMMANDS\n");
	for (const struct cli_command *c = g->commands; c->path; c++)
		if (!(c->flags & CLI_HIDDEN))
			command(b, c);
}

static void head(struct buf *b, const char *name, const char *summary)
{
	autofree char *upper = xstrdup(name);

	for (char *p = upper; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	buf_adds(b, ".\\\" written by 'yardmaster man' from the tables of the program\n");
	buf_adds(b, ".TH \"");
	add_text(b, upper);
	buf_adds(b,
		 "\" 1 \"" MAN_DATE "\" \"yardmaster " YM_VERSION "\" \"Yardmaster\"\n.SH NAME\n");
	add_text(b, name);
	buf_adds(b, " \\- ");
	add_line(b, summary);
}

static void exit_table(struct buf *b)
{
	buf_adds(b, ".SH EXIT STATUS\n");
	for (const struct cli_exit_row *r = cli_exit_table; r->meaning; r++) {
		buf_addf(b, ".TP\n.B %d\n", (int)r->code);
		add_sentence(b, r->meaning);
	}
}

static void common_options(struct buf *b)
{
	buf_adds(b, ".SH OPTIONS OF EVERY COMMAND\n");
	for (const struct cli_opt *o = cli_global_opts; o->name; o++)
		option(b, o);
}

static void see_also(struct buf *b, const char *but)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	const char *sep = "";

	man_names(&names);
	buf_adds(b, ".SH SEE ALSO\n");
	strvec_foreach (&names, name) {
		if (!strcmp(*name, but))
			continue;
		buf_adds(b, sep);
		buf_adds(b, ".BR ");
		add_text(b, *name);
		buf_adds(b, " (1)");
		sep = ",\n";
	}
	buf_addc(b, '\n');
}

static const struct {
	const char *name, *text;
} variables[] = {
	{"YARDMASTER_SOCKET", "The daemon's socket, as --socket."},
	{"YARDMASTER_CONFIG", "The daemon's configuration file, as --config."},
	{"XDG_CONFIG_HOME, XDG_STATE_HOME", "In place of ~/.config and ~/.local/state."},
	{"NO_COLOR", "Set and not empty: no colours."},
	{"COLUMNS", "The width of the terminal."},
};

static const struct {
	const char *name, *text;
} files[] = {
	{"~/.config/yardmaster/yardmaster.yml", "The configuration of a daemon run by a user."},
	{"/etc/yardmaster/yardmaster.yml", "The configuration of the machine's daemon."},
	{"~/.local/state/yardmaster", "The data directory: socket, lock, ledger.db, runs, halt."},
};

static void main_page(struct buf *b)
{
	head(b, "yardmaster", "hand issues to coding agents and land what was tested");
	buf_adds(b, ".SH SYNOPSIS\n.B yardmaster\n[\\fIOPTION\\fR]... \\fICOMMAND\\fR ...\n"
		    ".SH DESCRIPTION\n");
	add_paragraphs(
		b, "Yardmaster hands labelled issues to coding agents, each in an isolated "
		   "worktree under a blueprint with bounded rounds, and lands their pull requests, "
		   "and people's, through a merge queue that moves the base branch only to a tree "
		   "that was tested.\n\n"
		   "The daemon is 'yardmaster serve'; all other commands are its client or work on "
		   "files. On a terminal, results are tables; in a pipe they are lines whose cells "
		   "are separated by tabs, without a header; with --json they are JSON. Control "
		   "characters in what others wrote are shown and not sent to the terminal.");
	commands(b, &cli_groups[0]);
	buf_adds(b, ".SH GROUPS OF COMMANDS\n");
	for (const struct cli_group *g = cli_groups + 1; g->name; g++) {
		buf_adds(b, ".TP\n.B ");
		add_line(b, g->name);
		add_sentence(b, g->summary);
	}
	common_options(b);
	exit_table(b);
	buf_adds(b, ".SH ENVIRONMENT\n");
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		buf_addf(b, ".TP\n.B %s\n", variables[i].name);
		add_line(b, variables[i].text);
	}
	buf_adds(b, ".SH FILES\n");
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		buf_adds(b, ".TP\n.I ");
		add_line(b, files[i].name);
		add_line(b, files[i].text);
	}
	see_also(b, "yardmaster");
}

static void group_page(struct buf *b, const char *name, const struct cli_group *g)
{
	head(b, name, g->summary);
	buf_addf(b, ".SH SYNOPSIS\n.B yardmaster %s\n\\fICOMMAND\\fR ...\n.SH DESCRIPTION\n",
		 g->name);
	if (g->description)
		add_paragraphs(b, g->description);
	else
		add_sentence(b, g->summary);
	buf_adds(b,
		 ".PP\n.BR yardmaster (1)\nhas the options of every command and the exit codes.\n");
	commands(b, g);
	see_also(b, name);
}

void man_names(struct strvec *ret)
{
	strvec_push(ret, "yardmaster");
	for (const struct cli_group *g = cli_groups + 1; g->name; g++)
		strvec_pushf(ret, "yardmaster-%s", g->name);
}

int man_page(struct buf *b, const char *name, struct err *err)
{
	const char *prefix = "yardmaster-";
	const struct cli_group *g = !strncmp(name, prefix, strlen(prefix))
					    ? cli_group_find(name + strlen(prefix))
					    : NULL;

	if (!strcmp(name, "yardmaster"))
		main_page(b);
	else if (g)
		group_page(b, name, g);
	else
		return err_set(err, ERR_NOT_FOUND,
			       "man: no page is called '%s'; 'yardmaster man' lists them", name);
	return 0;
}

int cli_man(struct cli_call *call, json_t *ret, struct err *err)
{
	const char *name = json_str(call->args, "page", NULL);
	cleanup(buf_release) struct buf b = BUF_INIT;
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;

	(void)ret;
	if (name) {
		if (man_page(&b, name, err) < 0)
			return -1;
	} else {
		man_names(&names);
		strvec_foreach (&names, n)
			buf_addf(&b, "%s\n", *n);
	}
	cli_out_add(call->out, b.s, b.len);
	return CLI_EXIT_OK;
}
