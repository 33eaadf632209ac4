/*
 * source.h - where blueprints come from: the repository's own, then the shipped ones.
 *
 * A repository's configuration is read from its base branch whenever that moves, as one JSON object of
 * path to text (repo.config): ".github/yardmaster.yml", ".github/blueprints/NAME.yml" and the prompts
 * beside them, and CODEOWNERS. A task keeps a copy of its blueprint's sources, so that it ends under the rules it began with.
 */
#ifndef YM_BOT_SOURCE_H
#define YM_BOT_SOURCE_H

#include "base/json.h"
#include "blueprint/blueprint.h"
#include "bot/conf_repo.h"
#include "store/rows.h"

#define SOURCE_FOLDER ".github/blueprints/"

/* Everything that is read from the base branch. */
extern const char *const source_paths[]; /* NULL-terminated: for the git role's tree-read */

/* Checks a whole configuration: the file itself and every blueprint. Files: path to text. `local`: of a repository
 * on this machine, in which keys that only a forge could obey are refused: a check that is asked for and never made
 * would let everything land. */
int source_check(const json_t *files, bool local, struct err *err);
/*
 * The blueprint whose label this is, as source text for a task: 1 found; 0 none (`ret_known` gets the
 * labels there are); -1 its file is broken.
 */
int source_of_label(const struct repo *r, const struct conf_repo *conf, const char *label,
		    char **ret_source, struct strvec *ret_known, struct err *err);
int source_of_name(const struct repo *r, const struct conf_repo *conf, const char *name,
		   char **ret_source, struct strvec *ret_known, struct err *err);
/* Every blueprint of a repository, as {name, label, file, steps, error?}. */
json_t *source_list(const struct repo *r, const struct conf_repo *conf);
int source_load(const char *source, struct blueprint *ret, struct err *err);

#endif
