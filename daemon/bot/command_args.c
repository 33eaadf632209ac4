/* command_args.c - see command_args.h */
#include "bot/command_args.h"

#include "base/buf.h"
#include "base/depends.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>

#define NAME_MAX_LEN   64
#define SCOPES_MAX     50
#define SHOWN_MAX      60
#define OPTIONS_OF_ANY 8 /* more names than any command has options */

char *command_shown(const char *word)
{
	char *w = xstrndup(word, text_cut(word, strlen(word), SHOWN_MAX));

	for (char *p = w; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '`')
			*p = '?';
	return w;
}

static char *wrong(const char *value, const char *expected)
{
	autofree char *w = command_shown(value);

	return xasprintf("found '%s'; expected %s", w, expected);
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name(const char *s, size_t n)
{
	if (n == 0 || n > NAME_MAX_LEN || s[0] == '.' || s[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_digit(s[i]) && !(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= 'A' && s[i] <= 'Z') && !strchr("-_.", s[i]))
			return false;
	return true;
}

static bool read_int(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	const char *digits = s + (*s == '-' || *s == '+');
	long long v;

	if (!*digits || strlen(digits) > 12 || strspn(digits, "0123456789") != strlen(digits))
		return false;
	v = strtoll(s, NULL, 10);
	if (v < min || v > max)
		return false;
	*ret = v;
	return true;
}

static char *set_name(char **field, const char *value)
{
	if (!is_name(value, strlen(value)))
		return wrong(value, "a name of letters, digits, '-', '_' and '.'");
	*field = xstrdup(value);
	return NULL;
}

static char *set_blueprint(struct command *c, const char *value)
{
	return set_name(&c->blueprint, value);
}

static char *set_agent(struct command *c, const char *value)
{
	return set_name(&c->agent, value);
}

static char *set_scope(struct command *c, const char *value)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *w = command_shown(value);

	if (glob_check(value, &err) < 0)
		return xasprintf("found '%s': %s", w, err_text(&err));
	if (c->scopes.n >= SCOPES_MAX)
		return xasprintf("found more than %d; expected fewer", SCOPES_MAX);
	strvec_push(&c->scopes, value);
	return NULL;
}

static char *set_rounds(struct command *c, const char *value)
{
	return read_int(value, 1, 10, &c->rounds) ? NULL : wrong(value, "a number from 1 to 10");
}

static char *set_priority(struct command *c, const char *value)
{
	c->has_priority = read_int(value, -100, 100, &c->priority);
	return c->has_priority ? NULL : wrong(value, "a number from -100 to 100");
}

static char *set_sha(struct command *c, const char *value)
{
	size_t n = strlen(value);

	for (size_t i = 0; i < n; i++)
		if (!is_hex(value[i]))
			n = 0;
	if (n < 7 || n > 64)
		return wrong(value, "a commit, as 7 to 64 hexadecimal digits");
	c->sha = xstrdup(value);
	for (char *p = c->sha; *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	return NULL;
}

static char *set_depends(struct command *c, const char *value)
{
	cleanup(depends_release) struct depends d = {0};

	depends_list(value, &d);
	if (d.bad.n)
		return xstrdup(d.bad.v[0]);
	for (size_t i = 0; i < d.n; i++)
		strvec_push_take(&c->depends, depend_text(&d.v[i]));
	return NULL;
}

/* --- what each command takes ------------------------------------------------------------------ */

static const struct command_option no_options[] = {{0}};
static const struct command_option run_options[] = {
	{"agent", set_agent, false}, {"scope", set_scope, true}, {0}};
static const struct command_option retry_options[] = {{"rounds", set_rounds, false}, {0}};
static const struct command_option queue_options[] = {{"priority", set_priority, false}, {0}};

const struct command_syntax syntax_none = {.options = no_options};
const struct command_syntax syntax_run = {
	.word = set_blueprint,
	.word_name = "blueprint",
	.min = 1,
	.max = 1,
	.options = run_options,
};
const struct command_syntax syntax_retry = {.options = retry_options};
const struct command_syntax syntax_queue = {
	.word = set_sha,
	.word_name = "commit",
	.max = 1,
	.options = queue_options,
};
const struct command_syntax syntax_depends = {
	.list = set_depends,
	.word_name = "pull request",
	.options = no_options,
};
const struct command_syntax syntax_reason = {.options = no_options, .text = TEXT_LINE};
const struct command_syntax syntax_say = {.options = no_options, .text = TEXT_REQUIRED};

/* --- words ------------------------------------------------------------------------------------ */

/* Bytes of white space at s: also U+00A0, which some keyboards put between words. */
static size_t space_at(const char *s)
{
	if (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n' || *s == '\v' || *s == '\f')
		return 1;
	return !strncmp(s, "\xc2\xa0", 2) ? 2 : 0;
}

struct word {
	char *text;  /* without quotes */
	size_t name; /* length of NAME in NAME=VALUE; 0: a plain word */
	bool unclosed;
};

/* The next word at *s; false at the end. A '=' makes an option only outside quotes. */
static bool next_word(const char **s, struct word *ret)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	bool quoted = false, was_quoted = false;
	size_t space;

	*ret = (struct word){0};
	while ((space = space_at(*s)))
		*s += space;
	if (!**s)
		return false;
	for (; **s && (quoted || !space_at(*s)); (*s)++) {
		if (**s == '"') {
			quoted = !quoted;
			was_quoted = true;
			continue;
		}
		if (**s == '=' && !was_quoted && !ret->name)
			ret->name = b.len;
		buf_addc(&b, **s);
	}
	ret->unclosed = quoted;
	ret->text = buf_steal(&b);
	return true;
}

static char *unknown_option(const struct command_def *def, const char *name)
{
	const struct command_option *o = def->syntax->options;
	const char *names[OPTIONS_OF_ANY] = {0};
	autofree char *w = command_shown(name);
	const char *near;
	size_t n = 0;

	for (; o[n].name && n + 1 < OPTIONS_OF_ANY; n++)
		names[n] = o[n].name;
	near = n ? text_nearest(w, names) : NULL;
	if (near)
		return xasprintf("unknown option '%s='; did you mean '%s='? (%s)", w, near,
				 def->usage);
	return xasprintf("unknown option '%s='; usage: %s", w, def->usage);
}

static char *take_option(struct command *c, const struct command_def *def, const struct word *w,
			 bool *seen)
{
	const struct command_option *o = def->syntax->options;
	autofree char *name = xstrndup(w->text, w->name);
	autofree char *what = NULL;

	for (size_t i = 0; o[i].name; i++) {
		if (strcmp(o[i].name, name) != 0)
			continue;
		if (seen[i] && !o[i].repeatable)
			return xasprintf("option '%s=': found twice; expected once", name);
		seen[i] = true;
		what = o[i].set(c, w->text + w->name + 1);
		return what ? xasprintf("option '%s=': %s", name, what) : NULL;
	}
	return unknown_option(def, name);
}

static char *take_plain(struct command *c, const struct command_def *def, const char *word,
			size_t *count)
{
	const struct command_syntax *sy = def->syntax;
	autofree char *shown = command_shown(word);
	autofree char *what = NULL;

	if (*count == sy->max)
		return xasprintf("'%s': one word too many for '%s'; usage: %s", shown, def->name,
				 def->usage);
	(*count)++;
	what = sy->word(c, word);
	return what ? xasprintf("%s: %s; usage: %s", sy->word_name, what, def->usage) : NULL;
}

static char *needs_one(const struct command_def *def)
{
	return xasprintf("'%s' needs a %s; usage: %s", def->name, def->syntax->word_name,
			 def->usage);
}

static char *take_words(struct command *c, const struct command_def *def, const char *rest)
{
	const struct command_syntax *sy = def->syntax;
	bool seen[OPTIONS_OF_ANY] = {0};
	size_t count = 0;
	struct word w;

	while (next_word(&rest, &w)) {
		autofree char *text = w.text;
		char *problem;

		if (w.unclosed)
			problem = xasprintf("a double quote is not closed; usage: %s", def->usage);
		else if (w.name && is_name(text, w.name))
			problem = take_option(c, def, &w, seen);
		else
			problem = take_plain(c, def, text, &count);
		if (problem)
			return problem;
	}
	if (count < sy->min)
		return needs_one(def);
	return NULL;
}

static char *take_rest(struct command *c, const struct command_def *def, const char *rest)
{
	autofree char *what = def->syntax->list(c, rest);

	if (what)
		return xasprintf("%s: %s; usage: %s", def->syntax->word_name, what, def->usage);
	return c->depends.n ? NULL : needs_one(def);
}

char *command_args(struct command *c, const struct command_def *def, const char *rest)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	size_t space;

	if (def->syntax->list)
		return take_rest(c, def, rest);
	if (def->syntax->text == TEXT_NONE)
		return take_words(c, def, rest);
	while ((space = space_at(rest)))
		rest += space;
	buf_adds(&b, rest);
	buf_rtrim(&b);
	if (b.len)
		c->text = buf_steal(&b);
	else if (def->syntax->text == TEXT_REQUIRED)
		return xasprintf("'%s' needs a text; usage: %s", def->name, def->usage);
	return NULL;
}
