/*
 * landing_text.h - the message of a commit that the queue writes: a merge or a squash.
 *
 * A template of the repository (`queue: message:`), in which {name} stands for a value; "{{" is a brace. The
 * first line is the subject. Beside what the template says, git/credit.h adds a squash's trailers.
 *
 *   {title} {body}   of the PR; the title is one line, "Untitled" when nothing of it is left
 *   {number}         of the PR
 *   {author}         of the PR, as the forge names them
 *   {method}         merge or squash
 *   {base}           the branch that it lands on
 *   {topic}          the branch or topic that it comes from
 *   {commits}        "* subject" of each commit, oldest first, and its text below
 *
 * Whatever the template, these do not reach a commit of ours:
 *   - HTML comments, invisible characters and carriage returns (text_clean()), blank lines in a row and at the ends of
 *     the text, blanks at the ends of lines (as git-stripspace(1) has it)
 *   - words that make a CI skip the commit. A required check would never come, or main would go untested because
 *     somebody had marked a commit of the PR. In brackets, whatever the case and with ' ', '-' or '_' between the
 *     words: [skip X], [X skip], [no X]. Also ***NO_CI***, --skip-ci, --ci-skip, [skipRun], and the line `skip-checks: true`.
 *       GitHub Actions    docs.github.com/actions, "Skipping workflow runs": ci, actions, skip-checks; so have Forgejo and Gitea
 *       GitLab            docs.gitlab.com/ci/pipelines, "Skip a pipeline": ci, "using any capitalization"
 *       Azure Pipelines   learn.microsoft.com, "Skipping CI for individual pushes": ci, azurepipelines, azpipelines, azp,
 *                         skip-checks, ***NO_CI***
 *       Travis            docs.travis-ci.com/user/customizing-the-build: ci, travis, travis ci, travis-ci, travisci
 *       Cloudflare Pages  developers.cloudflare.com/pages, "Branch build controls": [CI-Skip], [CF-Pages-Skip]
 *       AppVeyor          [skip appveyor]    Netlify [skip netlify]    Vela [skip vela], ***no_ci***, as Drone
 *       AWS Amplify       [skip-cd]          DeployHQ [skip_build]     Samson [skip deploy]
 *       Codeship          --skip-ci          JFrog Pipelines [skipRun]
 *       pre-commit.ci     [skip pre-commit.ci]
 *       (the last ones by github.com/srz-zumix/ci-skip, which tries them, and their documentation)
 */
#ifndef YM_BASE_LANDING_TEXT_H
#define YM_BASE_LANDING_TEXT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define LANDING_TEMPLATE_MAX 4000 /* bytes */

struct landing_vars {
	const char *title, *body, *author, *method, *base, *topic, *commits; /* NULL: "" */
	int64_t number;
};

/* "" and -1 with the names that there are, when it has another one. */
int landing_text_check(const char *template, struct err *err);
bool landing_text_uses(const char *template, const char *name);
/* Filled and cleaned; caller frees. */
char *landing_text(const char *template, const struct landing_vars *v);
/* The same cleaning alone. Caller frees. */
char *landing_text_clean(const char *s);
const char *landing_text_default(const char *method);

#endif
