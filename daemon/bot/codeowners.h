/*
 * codeowners.h - who owns a path, by a CODEOWNERS file as GitHub reads it. Pure.
 *
 * One rule a line: a pattern and its owners ("@user", "@org/team", an e-mail address); the last pattern that
 * matches counts, and one without owners means that nobody owns it. A pattern with a '/' anywhere but at its
 * end is from the root of the repository, else at any depth; '*' stays inside a component; a '/' at the end is
 * everything below. '!' and '[' do not exist there: such a line, like any other that is no rule, is left out.
 */
#ifndef YM_BOT_CODEOWNERS_H
#define YM_BOT_CODEOWNERS_H

#include "base/json.h"
#include "base/strvec.h"

#define CODEOWNERS_RULES_MAX 5000 /* more: too_many is set, and nobody can be sure who owns what */

extern const char *const
	codeowners_paths[]; /* in GitHub's order; the first that is there counts. NULL at the end */

struct codeowners {
	struct codeowners_rule *v;
	size_t n;
	bool too_many;
};

/* Of the files of a repository (path: text); none of them there: no rules. */
void codeowners_load(const json_t *files, struct codeowners *ret);
void codeowners_release(struct codeowners *c);
/* Those of a path, as written; NULL: nobody. */
const struct strvec *codeowners_of(const struct codeowners *c, const char *path);

#endif
