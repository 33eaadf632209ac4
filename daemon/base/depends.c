/* depends.c - see depends.h */
#include "base/depends.h"

#include "base/buf.h"
#include "base/markdown.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

void depend_release(struct depend *d)
{
	free(d->what);
	free(d->name);
	*d = (struct depend){0};
}

void depends_release(struct depends *d)
{
	for (size_t i = 0; i < d->n; i++)
		depend_release(&d->v[i]);
	free(d->v);
	strvec_release(&d->bad);
	*d = (struct depends){0};
}

char *depend_text(const struct depend *d)
{
	return xasprintf("%s%s%lld", d->name ? d->name : "", d->name ? "#" : "",
			 (long long)d->number);
}

static bool same(const struct depend *a, const struct depend *b)
{
	return a->number == b->number && !a->name == !b->name &&
	       (!a->name || !strcasecmp(a->name, b->name));
}

void depends_add(struct depends *d, struct depend one)
{
	bool known = false;

	for (size_t i = 0; i < d->n; i++)
		known = known || same(&d->v[i], &one);
	if (!known && d->n == DEPENDS_MAX)
		strvec_pushf(&d->bad, "%s: is one of more than %d; name fewer", one.what,
			     DEPENDS_MAX);
	if (known || d->n == DEPENDS_MAX) {
		depend_release(&one);
		return;
	}
	d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = one;
}

/* ---- one reference ---- */

/* The number at s and what stands behind it; 0: there is none. */
static int64_t number_at(const char *s, const char **ret_end)
{
	char *end;
	long long n;

	if (!isdigit((unsigned char)*s) || *s == '0')
		return 0;
	errno = 0;
	n = strtoll(s, &end, 10);
	*ret_end = end;
	return errno || n > DEPENDS_PR_MAX ? 0 : n;
}

static bool is_component(const char *s, size_t n)
{
	if (!n || n > 100 || s[0] == '-' || (s[0] == '.' && n < 3))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

/* "repo" or "owner/repo" of the n bytes at s. */
static bool is_name(const char *s, size_t n)
{
	const char *slash = memchr(s, '/', n);

	if (!slash)
		return is_component(s, n);
	return is_component(s, (size_t)(slash - s)) &&
	       is_component(slash + 1, n - (size_t)(slash - s) - 1);
}

/* "https://host/owner/repo/pull/12", "host/owner/repo/pull/12", "owner/repo/pull/12". */
static bool take_address(const char *s, struct depend *ret)
{
	static const char *const marks[] = {"/pull/", "/pulls/"};
	const char *scheme = strstr(s, "://"), *path = scheme ? scheme + 3 : s, *mark = NULL, *end;
	size_t n;

	if (scheme && strncasecmp(s, "https://", 8) != 0 && strncasecmp(s, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(marks) && !ret->number; i++) {
		mark = strstr(path, marks[i]);
		ret->number = mark ? number_at(mark + strlen(marks[i]), &end) : 0;
	}
	if (!ret->number || (*end && !strchr("/?#", *end)))
		return false;
	if (scheme)
		path = memchr(path, '/', (size_t)(mark - path)) ? strchr(path, '/') + 1 : mark;
	else if (memchr(path, '/', (size_t)(mark - path)) !=
		 memrchr(path, '/', (size_t)(mark - path)))
		path = strchr(path, '/') + 1; /* three components: the first is the host */
	n = (size_t)(mark - path);
	if (!is_name(path, n))
		return false;
	ret->name = xstrndup(path, n);
	return true;
}

static const char *skip_word(const char *s, const char *word)
{
	size_t n = strlen(word);

	return strncasecmp(s, word, n) ? NULL : s + n;
}

static bool take_number(const char *s, struct depend *ret)
{
	static const char *const marks[] = {"#", "\xef\xbc\x83", "gh-", "pr#", ""};
	const char *rest = NULL, *end = "", *hash = strchr(s, '#');

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		rest = skip_word(s, marks[i]);
		ret->number = rest ? number_at(rest, &end) : 0;
		if (ret->number)
			return !*end;
	}
	ret->number = hash && is_name(s, (size_t)(hash - s)) ? number_at(hash + 1, &end) : 0;
	if (!ret->number || *end)
		return false;
	ret->name = xstrndup(s, (size_t)(hash - s));
	return true;
}

bool depends_word(const char *word, struct depend *ret)
{
	*ret = (struct depend){0};
	if (!(strchr(word, '/') && !strchr(word, '#') ? take_address(word, ret)
						      : take_number(word, ret))) {
		ret->number = 0;
		if (!take_address(word, ret)) {
			*ret = (struct depend){0};
			return false;
		}
	}
	ret->what = xstrdup(word);
	return true;
}

/* ---- a line ---- */

/* White space, and what is typed for it. */
static size_t space_at(const char *s)
{
	if (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n')
		return 1;
	return !strncmp(s, "\xc2\xa0", 2) ? 2 : !strncmp(s, "\xe3\x80\x80", 3) ? 3 : 0;
}

static const char *skip_space(const char *s)
{
	while (space_at(s))
		s += space_at(s);
	return s;
}

/* Bytes of a ',' or ';' of any script. */
static size_t comma_at(const char *s)
{
	static const char *const commas[] = {
		",", ";", "\xef\xbc\x8c", "\xe3\x80\x81", "\xef\xbc\x9b", "|"};

	for (size_t i = 0; i < ARRAY_LEN(commas); i++)
		if (!strncmp(s, commas[i], strlen(commas[i])))
			return strlen(commas[i]);
	return 0;
}

static size_t colon_at(const char *s)
{
	return *s == ':' || *s == '=' ? 1 : !strncmp(s, "\xef\xbc\x9a", 3) ? 3 : 0;
}

static size_t dash_at(const char *s)
{
	return *s == '-'                                                        ? 1
	       : !strncmp(s, "\xe2\x80", 2) && s[2] >= '\x90' && s[2] <= '\x95' ? 3
										: 0;
}

/* "Depends", then "On", and what may join them. */
static const struct {
	const char *first, *second;
} keys[] = {
	{"depends", "on"}, {"depend", "on"},   {"dependent", "on"},
	{"blocked", "by"}, {"merge", "after"}, {"merged", "after"},
};

static const char *skip_key(const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *p = skip_word(s, keys[i].first), *end;

		if (!p)
			continue;
		while (space_at(p) || dash_at(p) || *p == '_')
			p += space_at(p) ? space_at(p) : dash_at(p) ? dash_at(p) : 1;
		end = skip_word(p, keys[i].second);
		if (end && !isalnum((unsigned char)*end) && *end != '-' && *end != '_')
			return end;
	}
	return NULL;
}

/* "This PR depends on …". */
static const char *skip_subject(const char *s)
{
	static const char *const words[] = {"this",   "it",    "pr",     "pull", "request",
					    "change", "patch", "branch", "also", "is"};
	bool found = true;

	while (found) {
		found = false;
		for (size_t i = 0; i < ARRAY_LEN(words) && !found; i++) {
			const char *p = skip_word(s, words[i]);

			found = p && space_at(p);
			s = found ? skip_space(p) : s;
		}
	}
	return s;
}

/* What stands before a key: a box of a task list, a column of a table, marks that were no markup. */
static const char *skip_marks(const char *s)
{
	for (s = skip_space(s);; s = skip_space(s)) {
		if (*s == '[' && s[1] && strchr(" xX", s[1]) && s[2] == ']')
			s += 3;
		else if (*s == '|' || *s == '*' || *s == '_')
			s++;
		else
			return s;
	}
}

enum line_kind { LINE_NONE, LINE_STRONG, LINE_WEAK };

/* Is it one of ours? `*ret` is what follows the key. Without a colon it is only with a reference behind it. */
static enum line_kind kind_of(const char *s, const char **ret)
{
	const char *start = skip_marks(s), *key = skip_key(start);

	if (!key)
		key = skip_key(skip_subject(start));
	if (!key)
		return LINE_NONE;
	while (*key == '*' || *key == '_' || *key == '`' || space_at(key))
		key += space_at(key) ? space_at(key) : 1;
	*ret = key + colon_at(key);
	return colon_at(key) ? LINE_STRONG : LINE_WEAK;
}

bool depends_begins(const char *line)
{
	const char *rest;

	while (*line && !isalpha((unsigned char)*line))
		line = *line == '<' && strchr(line, '>') ? strchr(line, '>') + 1 : line + 1;
	return kind_of(line, &rest) != LINE_NONE;
}

/* ---- a list ---- */

struct list {
	struct depends *ret;
	const char *line; /* the whole, for what is wrong with it */
	size_t n;         /* references found in it */
	bool below;       /* nothing stands behind the key: the lines below are the list */
	bool open;        /* or it ends with a comma: it may go on in the next line */
};

/* For a message: on one line, without what ends a code span. */
static char *shown(const char *s, size_t max)
{
	char *w = xstrndup(s, text_cut(s, strlen(s), max));

	for (char *p = w; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '`')
			*p = '?';
	return w;
}

static void wrong(struct list *l, const char *word, const char *expected)
{
	autofree char *line = shown(l->line, DEPENDS_SHOWN_MAX);
	autofree char *found = shown(word, DEPENDS_SHOWN_MAX / 2);

	strvec_pushf(&l->ret->bad, "%s: found '%s'; expected %s", line, found, expected);
	l->open = false;
}

/* The next word at *s, without what people put around it; NULL at the end, and *ret_comma is as it
 * was; else: one follows it. */
static char *next_word(const char **s, bool *ret_comma)
{
	static const char before[] = "([<{\"'`*_", after[] = ")]>}\"'`*_.!?:";
	const char *p = *s, *from, *to;

	for (p = skip_space(p); comma_at(p); p = skip_space(p))
		p += comma_at(p);
	for (from = p; *p && !space_at(p) && !comma_at(p);)
		p++;
	to = p;
	*s = skip_space(p);
	if (from == to)
		return NULL;
	*ret_comma = comma_at(*s) > 0;
	while (from < to && strchr(before, *from))
		from++;
	while (to > from && strchr(after, to[-1]))
		to--;
	return xstrndup(from, (size_t)(to - from));
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcasecmp(word, *words))
			return true;
	return false;
}

/* Words that name nothing, between references or before them. */
static bool is_filler(const char *word)
{
	static const char *const words[] = {"and", "und",  "then",    "&",        "+", "pr",
					    "prs", "pull", "request", "requests", NULL};

	return !*word || is_one_of(word, words);
}

static bool is_none(const char *word)
{
	static const char *const words[] = {"none",         "nothing", "n/a", "na",
					    "no",           "nil",     "-",   "\xe2\x80\x93",
					    "\xe2\x80\x94", NULL};

	return is_one_of(word, words);
}

static bool names_something(const char *s)
{
	for (const char *p = s; (p = strchr(p, '#')); p++)
		if (isdigit((unsigned char)p[1]))
			return true;
	return strstr(s, "/pull/") != NULL;
}

/* What follows the references: a remark, which may not name anything else. */
static bool is_remark(const char *s, enum line_kind kind)
{
	s = skip_space(s);
	if (names_something(s))
		return false;
	return kind == LINE_WEAK || *s == '(' || *s == '[' ||
	       (dash_at(s) && space_at(s + dash_at(s)));
}

/* The references at s, into l. */
static void take_list(struct list *l, const char *s, enum line_kind kind)
{
	bool comma = false, first = true;
	const char *at;

	for (at = s = skip_space(s); *s; at = s, first = false) {
		autofree char *word = next_word(&s, &comma);
		struct depend one;

		if (!word || is_filler(word))
			continue;
		if (depends_word(word, &one)) {
			depends_add(l->ret, one);
			l->n++;
			continue;
		}
		if (first && is_none(word) && !*skip_space(s)) {
			l->open = false;
			return;
		}
		if (l->n && !first && is_remark(at, kind)) {
			l->open = false;
			return;
		}
		wrong(l, word, DEPENDS_EXPECTED ", or 'none'");
		return;
	}
	l->open = l->below || (l->n && comma);
	if (!l->n && !l->below)
		wrong(l, "", DEPENDS_EXPECTED ", or 'none'");
}

/* Without a colon it is prose unless a reference comes first. */
static bool is_prose(const char *s)
{
	for (;;) {
		bool comma = false;
		autofree char *word = next_word(&s, &comma);
		struct depend one;

		if (!word)
			return true;
		if (is_filler(word))
			continue;
		if (!depends_word(word, &one))
			return !strchr(word, '#') || !names_something(word);
		depend_release(&one);
		/* "depends on 3 things" */
		return strspn(word, "0123456789") == strlen(word);
	}
}

/* A line that consists of references only goes on with a list that is open. */
static bool goes_on(struct list *l, const char *line)
{
	struct depends none = {0};
	struct list try = {.ret = &none, .line = line};
	const char *rest;
	bool yes;

	if (!l->open || kind_of(line, &rest) != LINE_NONE)
		return false;
	take_list(&try, skip_marks(line), LINE_STRONG);
	yes = try.n && !none.bad.n;
	depends_release(&none);
	return yes;
}

static void end_list(struct list *l)
{
	if (l->open && !l->n)
		wrong(l, "", DEPENDS_EXPECTED ", or 'none'");
	l->open = false;
}

static void take_line(struct list *l, const char *line)
{
	const char *rest;
	enum line_kind kind;

	if (goes_on(l, line)) {
		take_list(l, skip_marks(line), LINE_STRONG);
		return;
	}
	end_list(l);
	kind = kind_of(line, &rest);
	if (kind == LINE_NONE || (kind == LINE_WEAK && is_prose(rest)))
		return;
	*l = (struct list){.ret = l->ret, .line = line, .below = !*skip_space(rest)};
	take_list(l, rest, kind);
}

void depends_read(const char *text, size_t n, struct depends *ret)
{
	struct markdown m;
	struct list l = {.ret = ret};

	if (!markdown_read(text, n, &m)) {
		strvec_push(&ret->bad, "the text: is nested too deeply to be read");
		return;
	}
	for (size_t i = 0; i < m.n; i++) {
		cleanup(buf_release) struct buf seen = BUF_INIT;

		text_clean(m.v[i].text, strlen(m.v[i].text), &seen, NULL);
		free(m.v[i].text);
		m.v[i].text = buf_steal(&seen);
		take_line(&l, m.v[i].text); /* l.line stays in m */
	}
	end_list(&l);
	markdown_release(&m);
}

void depends_list(const char *list, struct depends *ret)
{
	struct list l = {.ret = ret, .line = list, .below = true};

	take_list(&l, list, LINE_STRONG);
}

void depends_of_message(const char *message, struct depends *ret)
{
	size_t n = strcspn(message, "\n");
	struct depends subject = {0};

	depends_read(message, n, &subject);
	for (size_t i = 0; i < subject.n && !subject.bad.n; i++) {
		depends_add(ret, subject.v[i]);
		subject.v[i] = (struct depend){0};
	}
	depends_release(&subject);
	depends_read(message + n, strlen(message + n), ret);
}
