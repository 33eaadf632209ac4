/* landing_text.c - see landing_text.h */
#include "base/landing_text.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define FIELD(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct landing_vars, name)                                         \
	}
static const struct {
	const char *name;
	size_t at;
} fields[] = {
	FIELD(title), FIELD(body),  FIELD(author),  FIELD(method),
	FIELD(base),  FIELD(topic), FIELD(commits),
};

#define NAMES "title, body, number, author, method, base, topic, commits"

const char *landing_text_default(const char *method)
{
	return !strcmp(method, "merge") ? "Merge #{number}: {title}\n\n{body}"
					: "{title} (#{number})\n\n{body}";
}

/* ---- the template ---- */

/* The name in braces at p; its length, or 0. */
static size_t name_at(const char *p)
{
	size_t n = *p == '{' ? strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

	return n && p[1 + n] == '}' ? n : 0;
}

static bool is_name(const char *p, size_t n, const char *name)
{
	return strlen(name) == n && !strncmp(p, name, n);
}

static bool known(const char *p, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (is_name(p, n, fields[i].name))
			return true;
	return is_name(p, n, "number");
}

/* Calls fn for each part: name NULL for a text. */
static int each_part(const char *t, int (*fn)(void *, const char *, size_t, bool), void *arg)
{
	while (*t) {
		size_t n = strcspn(t, "{"), name;

		if (n && fn(arg, t, n, false) < 0)
			return -1;
		t += n;
		if (!*t)
			break;
		name = name_at(t);
		if (name ? fn(arg, t + 1, name, true) < 0 : fn(arg, "{", 1, false) < 0)
			return -1;
		t += name ? name + 2 : t[1] == '{' ? 2 : 1;
	}
	return 0;
}

struct part_check {
	struct err *err;
	const char *wanted;
	bool found;
};

static int check_part(void *arg, const char *s, size_t n, bool name)
{
	struct part_check *c = arg;

	if (name && c->wanted && is_name(s, n, c->wanted))
		c->found = true;
	if (!name || known(s, n))
		return 0;
	return err_set(c->err, ERR_INPUT, "{%.*s} is unknown; there are %s", (int)n, s, NAMES);
}

int landing_text_check(const char *template, struct err *err)
{
	struct part_check c = {.err = err};

	return each_part(template, check_part, &c);
}

bool landing_text_uses(const char *template, const char *name)
{
	struct part_check c = {.wanted = name};

	each_part(template, check_part, &c);
	return c.found;
}

/* ---- control words ---- */

static const char *const ci_names[] = {
	"ci",          "actions",   "action",   "github actions", "cd",
	"travis",      "travis ci", "travisci", "appveyor",       "azurepipelines",
	"azpipelines", "azp",       "circleci", "netlify",        "vercel",
	"cf pages",    "vela",      "drone",    "woodpecker",     "buildkite",
	"jenkins",     "gitlab",    "render",   "build",          "deploy",
	"workflow",    "workflows", "checks",   "pre commit.ci",  "pipeline",
	"pipelines",   NULL};

static bool is_ci(const char *s, size_t n)
{
	for (size_t i = 0; ci_names[i]; i++)
		if (strlen(ci_names[i]) == n && !strncmp(ci_names[i], s, n))
			return true;
	return false;
}

/* The words in brackets, in small letters with one blank between them. */
static bool says_skip(const char *w)
{
	size_t n = strlen(w);

	if (!strcmp(w, "skiprun"))
		return true;
	if ((!strncmp(w, "skip ", 5) && is_ci(w + 5, n - 5)) ||
	    (!strncmp(w, "no ", 3) && is_ci(w + 3, n - 3)))
		return true;
	return n > 5 && !strcmp(w + n - 5, " skip") && is_ci(w, n - 5);
}

#define BRACKET_MAX 40 /* letters in brackets that are looked at */

/* out ends in [WORDS] that make a CI skip: where it begins, else NULL. */
static char *bracket_end(const struct buf *out)
{
	char words[BRACKET_MAX + 1];
	size_t n = 0, i = out->len - 1;

	while (i > 0 && out->len - i < BRACKET_MAX && out->s[i - 1] != '[' && out->s[i - 1] != '\n')
		i--;
	if (i == 0 || out->s[i - 1] != '[')
		return NULL;
	for (const char *p = out->s + i; *p != ']'; p++) {
		bool gap = strchr(" \t-_", *p) != NULL;

		if (gap && (!n || words[n - 1] == ' '))
			continue;
		words[n++] = gap ? ' ' : (char)tolower((unsigned char)*p);
	}
	while (n && words[n - 1] == ' ')
		n--;
	words[n] = 0;
	return says_skip(words) ? out->s + i - 1 : NULL;
}

/* out ends in this word: where it begins, else NULL. */
static char *word_end(const struct buf *out, const char *word)
{
	size_t n = strlen(word);

	return out->len >= n && !strncasecmp(out->s + out->len - n, word, n) ? out->s + out->len - n
									     : NULL;
}

/* An option of a word of its own, before the letter `next`. */
static char *option_end(const struct buf *out, const char *word, char next)
{
	char *at = word_end(out, word);

	if (!at || isalnum((unsigned char)next) || next == '-')
		return NULL;
	return at == out->s || isspace((unsigned char)at[-1]) ? at : NULL;
}

/* The last line of out is `skip-checks: …`: where it begins, else NULL. */
static char *trailer_line(const struct buf *out)
{
	const char *nl = out->len ? memrchr(out->s, '\n', out->len) : NULL;
	char *line = nl ? out->s + (nl - out->s) + 1 : out->s, *p = line;

	p += strspn(p, " \t");
	if (strncasecmp(p, "skip-checks", 11) != 0)
		return NULL;
	p += 11;
	p += strspn(p, " \t");
	return *p == ':' ? line : NULL;
}

/* Where a control word begins that out ends in, when `next` is what comes behind it. */
static char *control_end(const struct buf *out, char next)
{
	char *at = NULL;

	if (next == '\n' || !next)
		at = trailer_line(out);
	if (!at && out->len && out->s[out->len - 1] == ']')
		at = bracket_end(out);
	if (!at && out->len && out->s[out->len - 1] == '*')
		at = word_end(out, "***no_ci***");
	if (!at)
		at = option_end(out, "--skip-ci", next);
	return at ? at : option_end(out, "--ci-skip", next);
}

/* One pass: what the taking out of a word joins is looked at when its last letter comes. */
static void take_out(const char *s, struct buf *out)
{
	for (;; s++) {
		char *at = control_end(out, *s);

		while (at) {
			buf_truncate(out, (size_t)(at - out->s));
			/* Of the blanks on both sides one stays. */
			if (*s == ' ' &&
			    (!out->len || isspace((unsigned char)out->s[out->len - 1])))
				s++;
			at = control_end(out, *s);
		}
		if (!*s)
			return;
		buf_addc(out, *s);
	}
}

/* As git-stripspace(1): no blanks at the ends of lines, no blank lines in a row, at the beginning or end. */
static char *strip_space(const char *s)
{
	struct buf out = BUF_INIT;
	bool gap = false;

	while (*s) {
		size_t line = strcspn(s, "\n"), n = line;

		while (n && isspace((unsigned char)s[n - 1]))
			n--;
		if (n && gap && out.len)
			buf_addc(&out, '\n');
		gap = !n;
		buf_add(&out, s, n);
		if (n)
			buf_addc(&out, '\n');
		s += line + (s[line] == '\n');
	}
	return buf_steal(&out);
}

char *landing_text_clean(const char *s)
{
	cleanup(buf_release) struct buf text = BUF_INIT, out = BUF_INIT;
	struct text_cleaned what;

	text_clean(s, strlen(s), &text, &what);
	take_out(text.s, &out);
	return strip_space(out.s);
}

/* ---- filling ---- */

struct filling {
	const struct landing_vars *v;
	struct buf out;
};

static void add_title(struct buf *out, const char *s)
{
	autofree char *title = landing_text_clean(s);
	size_t n = strlen(title);

	while (n && title[n - 1] == '\n')
		title[--n] = 0;
	for (char *p = title; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	buf_adds(out, n ? title : "Untitled");
}

static int fill_part(void *arg, const char *s, size_t n, bool name)
{
	struct filling *f = arg;

	if (!name) {
		buf_add(&f->out, s, n);
		return 0;
	}
	if (is_name(s, n, "number"))
		buf_addf(&f->out, "%lld", (long long)f->v->number);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *const *value =
			(const void *)((const char *)(const void *)f->v + fields[i].at);

		if (!is_name(s, n, fields[i].name))
			continue;
		if (!strcmp(fields[i].name, "title"))
			add_title(&f->out, *value ? *value : "");
		else
			buf_adds(&f->out, *value);
	}
	return 0;
}

char *landing_text(const char *template, const struct landing_vars *v)
{
	struct filling f = {.v = v, .out = BUF_INIT};
	char *text;

	each_part(template, fill_part, &f);
	text = landing_text_clean(f.out.s);
	buf_release(&f.out);
	return text;
}
