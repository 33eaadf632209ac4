/*
 * codeowners.h - who owns a path, by a CODEOWNERS file as GitHub reads it. Pure.
 *
 * One rule a line: a pattern and its owners ("@user", "@org/team", an e-mail address); the last pattern that
 * matches counts, and one without owners means that nobody owns it. A pattern with a '/' anywhere but at its
 * end is from the root of the repository, else at any depth; '*' stays inside a component; a '/' at the end is
 * everything below. '!' and '[' do not exist there: such a line, like any other that is no rule, is left out.
 *
 * A path is held against a rule's words first and against its pattern only when they are there: what the pattern
 * begins with, ends with, and has below itself. 5,000 rules and 3,000 paths take a twentieth of the time (half a second) so.
 */
#ifndef YM_BOT_CODEOWNERS_H
#define YM_BOT_CODEOWNERS_H

#include "base/json.h"
#include "base/strvec.h"

#include <stdint.h>

#define CODEOWNERS_RULES_MAX 5000 /* more: too_many is set, and nobody can be sure who owns what */
#define CODEOWNERS_STEPS_MAX 40000000 /* rules times paths of one PR: about a second */

extern const char *const
	codeowners_paths[]; /* in GitHub's order; the first that is there counts. NULL at the end */

struct codeowners {
	struct codeowners_rule *v;
	uint32_t *first; /* of each rule: its first component, as a number; 0: any */
	size_t n;
	bool too_many;
};

/* Of the files of a repository (path: text); none of them there: no rules. */
void codeowners_load(const json_t *files, struct codeowners *ret);
void codeowners_release(struct codeowners *c);
/* Too many rules, or too many for so many paths: who owns them is not looked for. */
bool codeowners_too_many(const struct codeowners *c, size_t paths);
/* Those of a path, as written; NULL: nobody. */
const struct strvec *codeowners_of(const struct codeowners *c, const char *path);

#endif
