/* glob.c - see glob.h; glob_overlap() is in glob_overlap.c */
#include "base/glob.h"

#include "base/glob_part.h"
#include "base/mem.h"

#define PATTERN_MAX ((size_t)4096) /* PATH_MAX: no path is longer */

/* --- the smallest parts of a component --- */

/* Behind the ']' of the class at p, or NULL when nothing closes it. */
static const char *class_end(const char *p, const char *end)
{
	p++;
	if (p < end && (*p == '!' || *p == '^'))
		p++;
	if (p < end && *p == ']')
		p++;
	while (p < end && *p != ']')
		p++;
	return p < end ? p + 1 : NULL;
}

struct glob_part glob_part_at(const char *p, const char *end)
{
	struct glob_part part = {.kind = GLOB_BYTE, .at = p, .next = p + 1};

	if (*p == '*') {
		part.kind = GLOB_STAR;
		while (part.next < end && *part.next == '*')
			part.next++;
	} else if (*p == '?') {
		part.kind = GLOB_ANY;
	} else if (*p == '[' && class_end(p, end)) {
		part.kind = GLOB_CLASS;
		part.next = class_end(p, end);
	}
	return part;
}

static bool in_class(const struct glob_part *part, unsigned char c)
{
	const char *p = part->at + 1, *end = part->next - 1;
	bool negated = p < end && (*p == '!' || *p == '^');
	bool found = false;

	for (p += negated; p < end; p++) {
		unsigned char from = (unsigned char)*p, to = from;

		if (p + 2 < end && p[1] == '-') {
			to = (unsigned char)p[2];
			p += 2;
		}
		found = found || (c >= from && c <= to);
	}
	return found != negated;
}

bool glob_part_takes(const struct glob_part *part, unsigned char c)
{
	if (part->kind == GLOB_BYTE)
		return (unsigned char)*part->at == c;
	return part->kind == GLOB_CLASS ? in_class(part, c) : true;
}

/* --- components --- */

struct glob_component glob_component_at(const char *p)
{
	const char *end = strchrnul(p, '/');
	struct glob_component c = {.p = p, .end = end, .next = *end ? end + 1 : NULL};

	c.deep = end - p == 2 && p[0] == '*' && p[1] == '*';
	c.below = c.next && !*c.next;
	return c;
}

/* One component against one, with a single point to come back to: a later star takes over from an
 * earlier one, so that each pair of positions is looked at once at most. */
static bool component_matches(const char *p, const char *pend, const char *s, const char *send)
{
	const char *star_p = NULL, *star_s = NULL;

	while (s < send) {
		struct glob_part part = {0};

		if (p < pend)
			part = glob_part_at(p, pend);
		if (p < pend && part.kind == GLOB_STAR) {
			star_p = p = part.next;
			star_s = s;
		} else if (p < pend && glob_part_takes(&part, (unsigned char)*s)) {
			p = part.next;
			s++;
		} else if (star_p) {
			p = star_p;
			s = ++star_s;
		} else {
			return false;
		}
	}
	while (p < pend && *p == '*')
		p++;
	return p == pend;
}

/* The same a floor up: components in place of bytes, "**" in place of "*". */
bool glob_match(const char *pattern, const char *path)
{
	const char *p = pattern, *s = path;
	const char *star_p = NULL, *star_s = NULL;

	if (!*pattern)
		return false;
	while (s && *s) {
		struct glob_component c = {0}, at = glob_component_at(s);

		if (p)
			c = glob_component_at(p);
		if (p && (c.deep && !c.next))
			return true; /* at least one component is left for it */
		if (p && c.deep) {
			star_p = p = c.next;
			star_s = s;
			if (!*p)
				return true; /* "**" and a '/' at the end */
		} else if (p && component_matches(c.p, c.end, at.p, at.end)) {
			if (c.below)
				return at.next && *at.next;
			p = c.next;
			s = at.next;
		} else if (star_p) {
			p = star_p;
			s = star_s = glob_component_at(star_s).next;
		} else {
			return false;
		}
	}
	return !p;
}

bool glob_match_any(const struct strvec *patterns, const char *path)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (glob_match(patterns->v[i], path))
			return true;
	return false;
}

/* --- the check --- */

static int refuse(const char *pattern, const char *why, struct err *err)
{
	return err_set(err, ERR_INPUT, "pattern '%.200s': %s", pattern, why);
}

static bool has_backward_range(const struct glob_part *part)
{
	const char *p = part->at + 1, *end = part->next - 1;

	for (; p + 2 < end; p++) {
		if (p[1] != '-')
			continue;
		if ((unsigned char)p[0] > (unsigned char)p[2])
			return true;
		p += 2;
	}
	return false;
}

static const char *wrong_in_component(const struct glob_component *c)
{
	size_t n = (size_t)(c->end - c->p);

	if (!n)
		return "has two '/' in a row; expected a name between them";
	if ((n == 1 && *c->p == '.') || (n == 2 && !memcmp(c->p, "..", 2)))
		return "has '.' or '..' as a component; expected a path from the root of the "
		       "repository";
	for (const char *p = c->p; p < c->end;) {
		struct glob_part part = glob_part_at(p, c->end);

		/* part.next is never NULL (glob_part.h), and so p is not. */
		if (part.kind == GLOB_BYTE && // NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
		    *p == '[')
			return "has a '[' that no ']' closes before the next '/'; write [[] for "
			       "the character itself";
		if (part.kind == GLOB_CLASS && has_backward_range(&part))
			return "has a range that runs backward; write it from the lower to the "
			       "higher character";
		p = part.next;
	}
	return NULL;
}

int glob_check(const char *pattern, struct err *err)
{
	if (!*pattern)
		return refuse(pattern, "is empty; \"**\" matches everything", err);
	if (strlen(pattern) > PATTERN_MAX)
		return err_set(err, ERR_LIMIT, "pattern '%.60s…': %zu bytes; at most %zu are taken",
			       pattern, strlen(pattern), PATTERN_MAX);
	if (*pattern == '/')
		return refuse(pattern,
			      "starts with '/'; patterns are relative to the root of the "
			      "repository already",
			      err);
	for (const char *p = pattern; p && *p;) {
		struct glob_component c = glob_component_at(p);
		const char *wrong = wrong_in_component(&c);

		if (wrong)
			return refuse(pattern, wrong, err);
		p = c.next;
	}
	return 0;
}
