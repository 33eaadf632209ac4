/* lease.c - see lease.h */
#include "task/lease.h"

#include "base/glob.h"
#include "base/markdown.h"
#include "base/mem.h"

#include <ctype.h>
#include <strings.h>

static bool touches(const struct strvec *scopes, const struct strvec *allow, const char *exclusive)
{
	for (size_t i = 0; i < scopes->n; i++)
		if (glob_overlap(scopes->v[i], exclusive))
			return true;
	for (size_t i = 0; !scopes->n && i < allow->n; i++)
		if (!strpbrk(allow->v[i], "*?[") && glob_overlap(allow->v[i], exclusive))
			return true;
	return false;
}

void lease_wanted(const struct strvec *scopes, const struct strvec *allow,
		  const struct strvec *exclusive, struct strvec *ret)
{
	strvec_extend(ret, scopes);
	for (size_t i = 0; i < exclusive->n; i++)
		if (touches(scopes, allow, exclusive->v[i]))
			strvec_push(ret, exclusive->v[i]);
}

const struct lease_held *lease_conflict(const struct lease_held *held, size_t n, int64_t task,
					const struct strvec *wanted)
{
	for (size_t i = 0; i < n; i++) {
		if (held[i].task == task)
			continue;
		for (size_t j = 0; j < wanted->n; j++)
			if (glob_overlap(held[i].pattern, wanted->v[j]))
				return &held[i];
	}
	return NULL;
}

/* Without the space and the marks of code at both ends. */
static char *trimmed(char *p)
{
	size_t n = strlen(p);

	while (n && (isspace((unsigned char)p[n - 1]) || p[n - 1] == '`'))
		p[--n] = '\0';
	while (isspace((unsigned char)*p) || *p == '`')
		p++;
	return p;
}

static void take_scopes(const char *list, struct strvec *ret, struct strvec *ret_bad)
{
	cleanup(strvec_release) struct strvec parts = STRVEC_INIT;

	strvec_split(&parts, list, ',');
	strvec_foreach (&parts, part) {
		const char *p = trimmed(*part);

		if (*p)
			strvec_push(glob_check(p, NULL) == 0 ? ret : ret_bad, p);
	}
}

/* Patterns are taken as they were typed: their stars are no emphasis. Those around the key are. */
static const char *list_of(const struct markdown_line *l, const char *word)
{
	const char *key = strcasestr(l->raw, word), *list = key ? key : l->text;

	list += strlen(word);
	if (!strncmp(list, "**", 2) && list[2] == ' ')
		list += 2; /* "**Scope:** src" */
	return list;
}

void lease_scopes_of_text(const char *text, struct strvec *ret, struct strvec *ret_bad)
{
	static const char word[] = "scope:";
	cleanup(markdown_release) struct markdown m = {0};

	if (!markdown_read(text, strlen(text), &m)) {
		strvec_push(ret_bad, "(a text that is nested too deeply to be read)");
		return;
	}
	for (size_t i = 0; i < m.n; i++)
		if (!strncasecmp(m.v[i].text, word, sizeof(word) - 1))
			take_scopes(list_of(&m.v[i], word), ret, ret_bad);
}
