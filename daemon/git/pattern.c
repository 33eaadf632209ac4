/* pattern.c - see pattern.h */
#include "git/pattern.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

enum kind {
	CHAR, /* this one */
	ANY,  /* one, no '/' */
	SET,  /* one of a set, no '/' */
	STAR, /* any number, no '/' */
	FOLDERS, /* "**" and '/' behind it: nothing, or ALL and the '/', which are the two steps after it */
	ALL,  /* "**" at the end: everything */
	NEVER /* an unclosed or unknown set */
};

struct gr_pattern_step {
	enum kind kind;
	unsigned char c;
	unsigned char set[32];
};

static void set_add(unsigned char *set, unsigned lo, unsigned hi)
{
	for (unsigned c = lo; c <= hi; c++)
		set[c / 8] |= (unsigned char)(1u << (c % 8));
}

static bool class_add(unsigned char *set, const char *s, size_t n)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank},
		       {"cntrl", iscntrl}, {"digit", isdigit}, {"graph", isgraph},
		       {"lower", islower}, {"print", isprint}, {"punct", ispunct},
		       {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (strlen(classes[i].name) != n || memcmp(classes[i].name, s, n) != 0)
			continue;
		for (unsigned c = 0; c < 128; c++)
			if (classes[i].is((int)c))
				set_add(set, c, c);
		return true;
	}
	return false;
}

/* "[:name:]" at p, which is behind its '['. 1 added, 0 no class: a plain '[', -1 an unknown one. */
static int read_class(const char **p, const char *end, unsigned char *set)
{
	const char *s = *p + 1, *e = s;

	while (e < end && *e != ']')
		e++;
	if (e == end)
		return -1;
	if (e == s || e[-1] != ':')
		return 0;
	if (!class_add(set, s, (size_t)(e - s) - 1))
		return -1;
	*p = e + 1;
	return 1;
}

/* As Git's wildmatch.c reads it; p is behind the '['. NULL: it is no set. */
static const char *read_set(const char *p, const char *end, unsigned char *set)
{
	bool negated = p < end && (*p == '!' || *p == '^'), first = true;
	int last = -1; /* what a range may begin with */

	p += negated;
	for (; p < end && (first || *p != ']'); first = false) {
		unsigned char c = (unsigned char)*p++;

		if (c == '-' && last >= 0 && p < end && *p != ']') {
			p += *p == '\\';
			if (p == end)
				return NULL;
			set_add(set, (unsigned)last, (unsigned char)*p++);
			last = -1;
			continue;
		}
		if (c == '[' && p < end && *p == ':') {
			int rc = read_class(&p, end, set);

			if (rc < 0)
				return NULL;
			if (rc > 0) {
				last = -1;
				continue;
			}
		}
		if (c == '\\') {
			if (p == end)
				return NULL;
			c = (unsigned char)*p++;
		}
		set_add(set, c, c);
		last = c;
	}
	if (p >= end)
		return NULL;
	for (size_t i = 0; negated && i < 32; i++)
		set[i] = (unsigned char)~set[i];
	return p + 1;
}

/* One or more '*' at p. */
static const char *read_stars(struct gr_pattern_step *st, const char *start, const char *p,
			      const char *end, bool base)
{
	const char *first = p;
	bool alone;

	while (p < end && *p == '*')
		p++;
	alone = first == start || first[-1] == '/';
	st->kind = STAR;
	if (base || p - first < 2 || !alone)
		return p;
	if (p == end)
		st->kind = ALL;
	else if (*p == '/')
		st->kind = FOLDERS;
	else if (*p == '\\' && p + 1 < end && p[1] == '/')
		st->kind = ALL;
	return p;
}

static void compile(struct gr_pattern *p, const char *s, const char *end)
{
	const char *start = s;
	bool wild = false;

	while (s < end) {
		struct gr_pattern_step *st = &p->step[p->n++];

		*st = (struct gr_pattern_step){.kind = CHAR, .c = (unsigned char)*s};
		if (*s == '*') {
			const char *next = read_stars(st, start, s, end, p->base);

			p->doubtful =
				p->doubtful || (!wild && s > start && s[-1] != '/' && next - s > 1);
			s = next;
			if (st->kind == FOLDERS)
				p->step[p->n++].kind = ALL;
		} else if (*s == '?') {
			st->kind = ANY;
			s++;
		} else if (*s == '[') {
			const char *next = read_set(s + 1, end, st->set);

			st->kind = next ? SET : NEVER;
			s = next ? next : end;
		} else if (*s == '\\') {
			st->kind = s + 1 < end ? CHAR : NEVER;
			st->c = s + 1 < end ? (unsigned char)s[1] : 0;
			s += s + 1 < end ? 2 : 1;
		} else {
			s++;
			continue;
		}
		wild = true;
	}
}

static bool is_literal(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr("*?[\\", s[i]))
			return false;
	return true;
}

bool gr_pattern_init(struct gr_pattern *p, const char *s, size_t n)
{
	*p = (struct gr_pattern){0};
	if (!n || n > GR_PATTERN_MAX || s[n - 1] == '/' || memchr(s, 0, n))
		return false;
	p->base = !memchr(s, '/', n);
	if (*s == '/')
		s++, n--;
	if (is_literal(s, n)) {
		p->literal = xstrndup(s, n);
		return true;
	}
	p->step = xcalloc(n, sizeof(*p->step));
	compile(p, s, s + n);
	return true;
}

void gr_pattern_release(struct gr_pattern *p)
{
	free(p->step);
	free(p->literal);
	*p = (struct gr_pattern){0};
}

/* Marks position i, and what can be reached from it without a character. */
static void reach(const struct gr_pattern *p, bool *at, size_t i)
{
	for (; !at[i]; i++) {
		at[i] = true;
		if (i == p->n || (p->step[i].kind != STAR && p->step[i].kind != ALL &&
				  p->step[i].kind != FOLDERS))
			return;
		if (p->step[i].kind == FOLDERS)
			reach(p, at, i + 3);
	}
}

static bool takes(const struct gr_pattern_step *st, unsigned char c)
{
	switch (st->kind) {
	case CHAR:
		return st->c == c;
	case SET:
		return c != '/' && st->set[c / 8] >> (c % 8) & 1;
	case ANY:
	case STAR:
		return c != '/';
	case ALL:
		return true;
	case FOLDERS: /* takes nothing itself */
	case NEVER:
		break;
	}
	return false;
}

static bool stays(const struct gr_pattern_step *st)
{
	return st->kind == STAR || st->kind == ALL;
}

static bool follow(const struct gr_pattern *p, const char *s)
{
	bool a[GR_PATTERN_MAX + 2] = {false}, b[GR_PATTERN_MAX + 2] = {false};
	bool *now = a, *next = b;

	reach(p, now, 0);
	for (; *s; s++) {
		bool *was = now;

		memset(next, 0, p->n + 1);
		for (size_t i = 0; i < p->n; i++)
			if (now[i] && takes(&p->step[i], (unsigned char)*s))
				reach(p, next, stays(&p->step[i]) ? i : i + 1);
		now = next;
		next = was;
	}
	return now[p->n];
}

bool gr_pattern_matches(const struct gr_pattern *p, const char *path)
{
	const char *slash = p->base ? strrchr(path, '/') : NULL;

	if (slash)
		path = slash + 1;
	if (p->literal)
		return !strcmp(p->literal, path);
	if (p->step[0].kind == CHAR && p->step[0].c != (unsigned char)*path)
		return false;
	return follow(p, path);
}
