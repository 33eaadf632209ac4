/* lease.c - see lease.h */
#include "task/lease.h"

#include "base/glob.h"
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

static void take_scopes(const char *list, struct strvec *ret, struct strvec *ret_bad)
{
	cleanup(strvec_release) struct strvec parts = STRVEC_INIT;

	strvec_split(&parts, list, ',');
	for (size_t i = 0; i < parts.n; i++) {
		char *p = parts.v[i];
		size_t n;

		while (isspace((unsigned char)*p))
			p++;
		for (n = strlen(p); n && isspace((unsigned char)p[n - 1]); n--)
			p[n - 1] = '\0';
		if (*p)
			strvec_push(glob_check(p, NULL) == 0 ? ret : ret_bad, p);
	}
}

void lease_scopes_of_text(const char *text, struct strvec *ret, struct strvec *ret_bad)
{
	static const char word[] = "scope:";
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;

	strvec_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++)
		if (!strncasecmp(lines.v[i], word, sizeof(word) - 1))
			take_scopes(lines.v[i] + sizeof(word) - 1, ret, ret_bad);
}
