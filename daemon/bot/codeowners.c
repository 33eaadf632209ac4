/* codeowners.c - see codeowners.h */
#include "bot/codeowners.h"

#include "base/glob.h"
#include "base/mem.h"

#include <string.h>

const char *const codeowners_paths[] = {".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS",
					NULL};

struct codeowners_rule {
	char *pattern, *below; /* the path itself, and everything below it; either may be NULL */
	struct strvec owners;
};

static void rule_release(struct codeowners_rule *r)
{
	free(r->pattern);
	free(r->below);
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
	if (folder)
		r->below = steal(&path);
	else {
		/* It may be a folder; "docs/" "*" is what is in docs, and nothing deeper. */
		if (!strchr(last ? last : path, '*') || !strcmp(last ? last : path, "/**"))
			r->below = xasprintf("%s/", path);
		r->pattern = steal(&path);
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
		}
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
	*c = (struct codeowners){0};
}

static bool matches(const struct codeowners_rule *r, const char *path)
{
	return (r->pattern && glob_match(r->pattern, path)) ||
	       (r->below && glob_match(r->below, path));
}

const struct strvec *codeowners_of(const struct codeowners *c, const char *path)
{
	for (size_t i = c->n; i-- > 0;)
		if (matches(&c->v[i], path))
			return c->v[i].owners.n ? &c->v[i].owners : NULL;
	return NULL;
}
