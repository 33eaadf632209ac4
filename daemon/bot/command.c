/* command.c - see command.h: the table, and finding the commands among a comment's lines. */
#include "bot/command.h"

#include "base/buf.h"
#include "base/markdown.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/command_args.h"

#include <strings.h>

#define SOURCE_MAX 200
#define ON_BOTH    (ON_ISSUE | ON_PR)
#define PREFIX     "/yard"

const struct command_def command_table[CMD_COUNT] = {
	{CMD_RUN, "run", "run <blueprint> [agent=NAME] [scope=GLOB]…",
	 "start a task for this issue", PERM_WRITE, ON_ISSUE, &syntax_run},
	{CMD_CANCEL, "cancel", "cancel", "end the task and its agent", PERM_WRITE, ON_BOTH,
	 &syntax_none},
	{CMD_RETRY, "retry", "retry [rounds=N]",
	 "give a task that has failed more rounds (1 to 10)", PERM_WRITE, ON_BOTH, &syntax_retry},
	{CMD_SAY, "say", "say <text>", "answer the agent; the lines that follow belong to the text",
	 PERM_WRITE, ON_BOTH, &syntax_say},
	{CMD_STATUS, "status", "status", "what the task is doing", PERM_READ, ON_BOTH,
	 &syntax_none},
	{CMD_QUEUE, "queue", "queue [SHA] [priority=N]",
	 "approve the head commit and put it into the merge queue", PERM_WRITE, ON_PR,
	 &syntax_queue},
	{CMD_DEQUEUE, "dequeue", "dequeue", "take it out of the merge queue", PERM_WRITE, ON_PR,
	 &syntax_none},
	{CMD_HOLD, "hold", "hold [reason]", "keep its place, do not land it", PERM_WRITE, ON_PR,
	 &syntax_reason},
	{CMD_UNHOLD, "unhold", "unhold", "end the hold", PERM_WRITE, ON_PR, &syntax_none},
	{CMD_RESOLVE, "resolve", "resolve",
	 "have the agent of a pull request resolve its conflict with the base, in one more round",
	 PERM_WRITE, ON_BOTH, &syntax_none},
	{CMD_DEPENDS, "depends", "depends #N [#N]…", "land it only after these pull requests",
	 PERM_WRITE, ON_PR, &syntax_depends},
	{CMD_UNDEPEND, "undepend", "undepend #N [#N]…", "take back what `depends` said", PERM_WRITE,
	 ON_PR, &syntax_depends},
	{CMD_WHY, "why", "why", "what it waits for", PERM_READ, ON_PR, &syntax_none},
	{CMD_FREEZE, "freeze", "freeze [reason]", "test on, but land nothing in this repository",
	 PERM_MAINTAIN, ON_BOTH, &syntax_reason},
	{CMD_THAW, "thaw", "thaw", "end the freeze", PERM_MAINTAIN, ON_BOTH, &syntax_none},
	{CMD_HALT, "halt", "halt [reason]", "end every agent at once and start nothing", PERM_WRITE,
	 ON_BOTH, &syntax_reason},
	{CMD_RESUME, "resume", "resume", "end the halt", PERM_MAINTAIN, ON_BOTH, &syntax_none},
};

static const char *const perm_names[] = {
	[PERM_READ] = "read",
	[PERM_WRITE] = "write",
	[PERM_MAINTAIN] = "maintain",
};

const char *command_perm_name(enum command_perm p)
{
	return (size_t)p < ARRAY_LEN(perm_names) ? perm_names[p] : "maintain";
}

static void command_release(struct command *c)
{
	free(c->source);
	free(c->problem);
	free(c->blueprint);
	free(c->agent);
	strvec_release(&c->scopes);
	free(c->sha);
	strvec_release(&c->depends);
	free(c->text);
}

void commands_release(struct commands *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		command_release(&c->v[i]);
	free(c->v);
	*c = (struct commands){0};
}

/* --- the comment's lines ---------------------------------------------------------------------- */

/* The text behind `/yard` or `@handle` at the line's start, or NULL when it is no command. */
static const char *after_prefix(const char *line, const char *handle)
{
	const char *rest = NULL;

	if (!strncmp(line, PREFIX, strlen(PREFIX)))
		rest = line + strlen(PREFIX);
	else if (handle && *handle && *line == '@' &&
		 !strncasecmp(line + 1, handle, strlen(handle)))
		rest = line + 1 + strlen(handle);
	if (!rest || (*rest && !strchr(" \t", *rest) && strncmp(rest, "\xc2\xa0", 2) != 0))
		return NULL;
	return rest;
}

/* --- one command ------------------------------------------------------------------------------ */

static const struct command_def *find_command(const char *name)
{
	for (size_t i = 0; i < CMD_COUNT; i++)
		if (!strcasecmp(command_table[i].name, name))
			return &command_table[i];
	return NULL;
}

static char *help_text(void)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_adds(&b, "no command given; these exist:\n");
	for (size_t i = 0; i < CMD_COUNT; i++) {
		const struct command_def *d = &command_table[i];

		buf_addf(&b, "\n- `" PREFIX " %s`: %s (%s)", d->usage, d->help,
			 command_perm_name(d->perm));
	}
	return buf_steal(&b);
}

static char *unknown_command(const char *name)
{
	const char *names[CMD_COUNT + 1] = {0};
	autofree char *shown = command_shown(name);
	cleanup(buf_release) struct buf b = BUF_INIT;
	const char *near;

	for (size_t i = 0; i < CMD_COUNT; i++)
		names[i] = command_table[i].name;
	near = text_nearest(shown, names);
	buf_addf(&b, "unknown command '%s'; ", shown);
	if (near) {
		buf_addf(&b, "did you mean '%s'? (%s)", near, find_command(near)->usage);
		return buf_steal(&b);
	}
	buf_adds(&b, "known are");
	for (size_t i = 0; i < CMD_COUNT; i++)
		buf_addf(&b, "%s %s", i ? "," : "", names[i]);
	return buf_steal(&b);
}

static bool takes_lines(const struct command_def *def)
{
	return def && def->syntax->text == TEXT_REQUIRED;
}

/* The command's word, and what follows it, which may be cut off by any white space. */
static char *first_word(const char *s, const char **ret_rest)
{
	size_t n;

	while (*s == ' ' || *s == '\t' || !strncmp(s, "\xc2\xa0", 2))
		s += *s == '\xc2' ? 2 : 1;
	for (n = 0; s[n] && !strchr(" \t\n", s[n]) && strncmp(s + n, "\xc2\xa0", 2) != 0;)
		n++;
	*ret_rest = s + n;
	return xstrndup(s, n);
}

static const struct command_def *def_of(const char *after)
{
	const char *rest;
	autofree char *name = first_word(after, &rest);

	return find_command(name);
}

/* `after` is what stands behind the prefix, with the following lines for `say`. */
static void decode(struct command *c, const char *after)
{
	const char *rest;
	autofree char *name = first_word(after, &rest);
	const struct command_def *def = find_command(name);

	if (!*name || !strcasecmp(name, "help"))
		c->problem = help_text();
	else if (!def)
		c->problem = unknown_command(name);
	else
		c->problem = command_args(c, def, rest);
	c->def = c->problem ? NULL : def;
}

static struct command *add_command(struct commands *cs, int line, const char *source)
{
	struct command *c;

	cs->v = xreallocarray(cs->v, cs->n + 1, sizeof(*cs->v));
	c = &cs->v[cs->n++];
	*c = (struct command){.line = line};
	c->source = xstrndup(source, text_cut(source, strlen(source), SOURCE_MAX));
	return c;
}

/* --- the whole comment ------------------------------------------------------------------------ */

struct parser {
	struct commands *ret;
	struct markdown md;
	size_t seen; /* of md: lines before this one are behind us */
	const char *handle;
	struct buf pending; /* what stands behind the last command's prefix, so far */
	bool open;          /* there is such a command */
	bool lines;         /* and it takes the lines that follow */
	size_t more;        /* commands over the limit */
};

static void finish_command(struct parser *p)
{
	if (p->open)
		decode(&p->ret->v[p->ret->n - 1], p->pending.s);
	buf_reset(&p->pending);
	p->open = p->lines = false;
}

/* Is this line of the source the beginning of one that people see? Asked with rising numbers. */
static bool is_plain(struct parser *p, int number)
{
	while (p->seen < p->md.n && p->md.v[p->seen].line < number)
		p->seen++;
	return p->seen < p->md.n && p->md.v[p->seen].line == number &&
	       strchr("/@", *p->md.v[p->seen].text);
}

static void take_line(struct parser *p, int number, const char *line)
{
	const char *after = after_prefix(line, p->handle);

	if (!after || !is_plain(p, number)) {
		if (p->lines)
			buf_addf(&p->pending, "\n%s", line);
		return;
	}
	finish_command(p);
	if (p->ret->n >= COMMANDS_MAX && p->more++ > 0)
		return;
	add_command(p->ret, number, line);
	if (p->more)
		return;
	p->open = true;
	p->lines = takes_lines(def_of(after));
	buf_adds(&p->pending, after);
}

/* Cuts the text into lines in place, line ends "\n", "\r\n" and "\r" alike. */
static char *cut_line(char *s)
{
	char *end = s + strcspn(s, "\r\n");
	bool crlf = end[0] == '\r' && end[1] == '\n';

	if (!*end)
		return end;
	*end = '\0';
	return end + (crlf ? 2 : 1);
}

void commands_parse(const char *comment, size_t n, const char *handle, struct commands *ret)
{
	struct parser p = {.ret = ret, .handle = handle, .pending = BUF_INIT};
	size_t keep = n ? text_cut(comment, n, COMMAND_TEXT_MAX) : 0;
	autofree char *text = xmalloc(keep + 1);
	int number = 0;

	*ret = (struct commands){0};
	for (size_t i = 0; i < keep; i++)
		text[i] = comment[i] ? comment[i] : ' '; /* a NUL would hide what follows it */
	text[keep] = '\0';
	markdown_read(text, keep, &p.md); /* what is nested too deeply for it has no commands */
	for (char *line = text, *next; *line; line = next) {
		next = cut_line(line);
		take_line(&p, ++number, line);
	}
	finish_command(&p);
	buf_release(&p.pending);
	markdown_release(&p.md);
	if (p.more)
		ret->v[ret->n - 1].problem =
			xasprintf("more than %d commands in one comment: this one and those after "
				  "it (%zu in all) are left out; write them in another comment",
				  COMMANDS_MAX, p.more);
}
