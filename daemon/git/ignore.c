/* ignore.c - see ignore.h */
#include "git/ignore.h"

#include "base/mem.h"

#include <string.h>

struct gr_ignore_rule {
	const char *s;
	size_t n;
	bool negated, dir_only, anchored;
};

void gr_ignore_init(struct gr_ignore *i, const struct gr_ignore *up, size_t dir_len)
{
	*i = (struct gr_ignore){.up = up, .dir_len = dir_len, .work = up ? up->work : NULL};
}

void gr_ignore_release(struct gr_ignore *i)
{
	free(i->rules);
	free(i->text);
	i->rules = NULL;
	i->text = NULL;
	i->n = 0;
}

/* Blanks at the end do not count unless a backslash quotes them. */
static size_t trimmed(const char *s, size_t n)
{
	while (n && s[n - 1] == '\r')
		n--;
	while (n && s[n - 1] == ' ' && !(n > 1 && s[n - 2] == '\\'))
		n--;
	return n;
}

static void add_rule(struct gr_ignore *i, const char *s, size_t n)
{
	struct gr_ignore_rule r = {0};

	n = trimmed(s, n);
	if (!n || s[0] == '#')
		return;
	if (s[0] == '!') {
		r.negated = true;
		s++, n--;
	}
	if (n && s[n - 1] == '/') {
		r.dir_only = true;
		n--;
	}
	r.anchored = n && memchr(s, '/', n);
	if (n && s[0] == '/')
		s++, n--;
	if (!n || i->n == GR_IGNORE_RULES)
		return;
	r.s = s;
	r.n = n;
	i->rules = xreallocarray(i->rules, i->n + 1, sizeof(r));
	i->rules[i->n++] = r;
}

void gr_ignore_add(struct gr_ignore *i, const char *s, size_t n)
{
	const char *p;

	if (n > GR_IGNORE_BYTES)
		n = GR_IGNORE_BYTES;
	free(i->text);
	i->text = xstrndup(s, n);
	n = strlen(i->text);
	p = i->text;
	if (n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		p += 3;
	while (*p) {
		size_t len = strcspn(p, "\n");

		add_rule(i, p, len);
		p += len + (p[len] == '\n');
	}
}

/* A '[…]' at p: *ret_end is behind it. An unclosed one matches nothing. */
static bool in_set(const char *p, const char *end, unsigned char c, const char **ret_end)
{
	bool negated = false, hit = false, first = true;

	p++;
	if (p < end && (*p == '!' || *p == '^')) {
		negated = true;
		p++;
	}
	for (; p < end && (first || *p != ']'); first = false) {
		unsigned char lo, hi;

		p += *p == '\\' && p + 1 < end;
		lo = hi = (unsigned char)*p++;
		if (p + 1 < end && *p == '-' && p[1] != ']') {
			p++;
			p += *p == '\\' && p + 1 < end;
			hi = (unsigned char)*p++;
		}
		hit = hit || (lo <= c && c <= hi);
	}
	*ret_end = p < end ? p + 1 : NULL;
	return p < end && hit != negated;
}

/* One character of the pattern against c; returns where the pattern goes on, NULL: no match. */
static const char *match_char(const char *p, const char *end, char c)
{
	const char *next;

	if (*p == '?')
		return p + 1;
	if (*p == '[')
		return in_set(p, end, (unsigned char)c, &next) ? next : NULL;
	if (*p == '\\' && p + 1 < end)
		p++;
	return *p == c ? p + 1 : NULL;
}

/* One component, no '/': only the last '*' is ever tried again, which is enough and linear. */
static bool match_part(const char *p, const char *pe, const char *s, const char *se)
{
	const char *star = NULL, *retry = NULL;

	while (s < se) {
		const char *next = NULL;

		if (p < pe && *p == '*') {
			star = ++p;
			retry = s;
			continue;
		}
		if (p < pe)
			next = match_char(p, pe, *s);
		if (next) {
			p = next;
			s++;
			continue;
		}
		if (!star)
			return false;
		p = star;
		s = ++retry;
	}
	while (p < pe && *p == '*')
		p++;
	return p == pe;
}

static const char *part_end(const char *s, const char *end)
{
	const char *cut = memchr(s, '/', (size_t)(end - s));

	return cut ? cut : end;
}

static bool is_any(const char *p, const char *pe)
{
	return pe - p == 2 && p[0] == '*' && p[1] == '*';
}

/* The same idea one level up: components are the characters, "**" is the star. */
static bool match_path(const char *p, const char *pe, const char *s, const char *se)
{
	const char *star = NULL, *retry = NULL;
	bool last_any = false;

	for (;;) {
		const char *pp = p < pe ? part_end(p, pe) : p;
		const char *ss = s < se ? part_end(s, se) : s;

		if (p < pe && is_any(p, pp)) {
			last_any = pp == pe;
			p = star = pp + (pp < pe);
			retry = s;
			/* Two stars at the end are what is inside, not the folder itself. */
			if (last_any)
				return s < se;
			continue;
		}
		if (p >= pe && s >= se)
			return true;
		if (p < pe && s < se && match_part(p, pp, s, ss)) {
			p = pp + (pp < pe);
			s = ss + (ss < se);
			continue;
		}
		if (!star || retry >= se)
			return false;
		ss = part_end(retry, se);
		retry = s = ss + (ss < se);
		p = star;
	}
}

static bool rule_matches(const struct gr_ignore_rule *r, const char *path, bool is_dir)
{
	const char *end = path + strlen(path), *slash = strrchr(path, '/');

	if (r->dir_only && !is_dir)
		return false;
	if (!r->anchored)
		return match_part(r->s, r->s + r->n, slash ? slash + 1 : path, end);
	return match_path(r->s, r->s + r->n, path, end);
}

/* An upper bound of what matching takes: only a pattern with a star goes back in the name. */
static int64_t cost(const struct gr_ignore_rule *r, size_t path_len)
{
	return 1 + (int64_t)(memchr(r->s, '*', r->n) ? r->n * (path_len + 1) / 2 : r->n);
}

bool gr_ignored(const struct gr_ignore *i, const char *path, bool is_dir)
{
	size_t len = strlen(path);

	for (; i; i = i->up)
		for (size_t k = i->n; k-- > 0;) {
			if (i->work && *i->work > GR_IGNORE_WORK)
				return false;
			if (i->work)
				*i->work += cost(&i->rules[k], len - i->dir_len);
			if (rule_matches(&i->rules[k], path + i->dir_len, is_dir))
				return !i->rules[k].negated;
		}
	return false;
}
