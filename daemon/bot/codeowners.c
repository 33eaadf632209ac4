/* codeowners.c - see codeowners.h */
#include "bot/codeowners.h"

#include "base/glob.h"
#include "base/mem.h"

#include <string.h>

const char *const codeowners_paths[] = {".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS",
					NULL};

/* A pattern, and what of it a path must have in any case. */
struct shape {
	char *glob;   /* NULL: there is none */
	size_t begin; /* of it, bytes that the path begins with */
	size_t end;   /* … that it ends with, `tail`; none of what ends with '/' */
	const char *tail;
	char *inside; /* of a folder at any depth: its name and a '/'; or NULL */
};

struct codeowners_rule {
	struct shape itself, below; /* the path, and everything below it */
	struct strvec owners;
};

static void rule_release(struct codeowners_rule *r)
{
	free(r->itself.glob);
	free(r->below.glob);
	free(r->below.inside);
	strvec_release(&r->owners);
}

/* A word up to white space; "\ " is a space of it. NULL: the line is over, or a comment begins. */
static char *word(const char **s)
{
	const char *p = *s + strspn(*s, " \t\r");
	char *ret, *to;

	if (!*p || *p == '\n' || *p == '#')
		return NULL;
	ret = to = xmalloc(strcspn(p, "\n") + 1);
	while (*p && !strchr(" \t\r\n", *p)) {
		if (p[0] == '\\' && p[1] == ' ')
			p++;
		*to++ = *p++;
	}
	*to = '\0';
	*s = p;
	return ret;
}

static bool is_wild(char c)
{
	return c == '*' || c == '?';
}

/* Takes glob, which has no '['. */
static void shape_of(struct shape *s, char *glob)
{
	size_t n = strlen(glob), end = n;
	bool folder = glob[n - 1] == '/', anywhere = !strncmp(glob, "**/", 3);

	*s = (struct shape){.glob = glob, .begin = strcspn(glob, "*?")};
	/* A "**" may be no component at all, without the '/' behind it; and at the end it is one. */
	while (end && !is_wild(glob[end - 1]) && glob[end - 1] != '/')
		end--;
	s->end = folder ? 0 : n - end;
	s->tail = glob + n - s->end;
	if (folder && anywhere && !strpbrk(glob + 3, "*?"))
		s->inside = xstrdup(glob + 3);
}

static bool fits(const struct shape *s, const char *path, size_t n)
{
	if (!s->glob || strncmp(path, s->glob, s->begin) != 0 || n < s->end ||
	    memcmp(path + n - s->end, s->tail, s->end) != 0 ||
	    (s->inside && !strstr(path, s->inside)))
		return false;
	return glob_match(s->glob, path);
}

/* Of the first component, when no wildcard is in it; 0: it may be any. FNV-1a, never 0. */
static uint32_t first_of(const char *s)
{
	uint32_t h = 2166136261u;
	const char *p = s;

	for (; *p && *p != '/' && !is_wild(*p); p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return *p && *p != '/' ? 0 : h ? h : 1;
}

/* In the terms of glob.h; false: it is no pattern. */
static bool translate(const char *word, struct codeowners_rule *r)
{
	size_t n = strlen(word);
	bool folder = n > 1 && word[n - 1] == '/';
	const char *slash = strchr(word, '/');
	bool rooted = slash && slash != word + n - 1;
	const char *plain = word + (*word == '/'), *last;
	autofree char *path = NULL;

	if (!*plain || strpbrk(word, "![]"))
		return false;
	path = xasprintf("%s%s", rooted ? "" : "**/", plain);
	if (glob_check(path, NULL) < 0)
		return false;
	last = strrchr(path, '/');
	if (folder) {
		shape_of(&r->below, steal(&path));
	} else {
		/* It may be a folder; "docs/" "*" is what is in docs, and nothing deeper. */
		if (!strchr(last ? last : path, '*') || !strcmp(last ? last : path, "/**"))
			shape_of(&r->below, xasprintf("%s/", path));
		shape_of(&r->itself, steal(&path));
	}
	return true;
}

static bool read_rule(const char *line, struct codeowners_rule *r)
{
	autofree char *pattern = word(&line);
	char *owner;

	if (!pattern || !translate(pattern, r))
		return false;
	while ((owner = word(&line)) != NULL)
		strvec_push_take(&r->owners, owner);
	return true;
}

static void load_text(const char *text, struct codeowners *c)
{
	size_t cap = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		struct codeowners_rule r = {0};

		line += *line == '\n';
		if (!read_rule(line, &r)) {
			rule_release(&r);
			continue;
		}
		if (c->n == CODEOWNERS_RULES_MAX) {
			c->too_many = true;
			rule_release(&r);
			return;
		}
		if (c->n == cap) {
			cap = cap ? cap * 2 : 16;
			c->v = xrealloc(c->v, cap * sizeof(*c->v));
			c->first = xrealloc(c->first, cap * sizeof(*c->first));
		}
		c->first[c->n] = first_of(r.itself.glob ? r.itself.glob : r.below.glob);
		c->v[c->n++] = r;
	}
}

void codeowners_load(const json_t *files, struct codeowners *ret)
{
	*ret = (struct codeowners){0};
	for (size_t i = 0; codeowners_paths[i]; i++) {
		const char *text = json_str(files, codeowners_paths[i], NULL);

		if (text) {
			load_text(text, ret);
			return;
		}
	}
}

void codeowners_release(struct codeowners *c)
{
	for (size_t i = 0; i < c->n; i++)
		rule_release(&c->v[i]);
	free(c->v);
	free(c->first);
	*c = (struct codeowners){0};
}

bool codeowners_too_many(const struct codeowners *c, size_t paths)
{
	return c->too_many || (c->n && paths > CODEOWNERS_STEPS_MAX / c->n);
}

const struct strvec *codeowners_of(const struct codeowners *c, const char *path)
{
	size_t n = strlen(path);
	uint32_t first = first_of(path); /* with a wildcard in its name: looked up in all */

	for (size_t i = c->n; i-- > 0;) {
		const struct codeowners_rule *r = &c->v[i];

		if (first && c->first[i] && c->first[i] != first)
			continue;
		if (fits(&r->itself, path, n) || fits(&r->below, path, n))
			return r->owners.n ? &r->owners : NULL;
	}
	return NULL;
}
