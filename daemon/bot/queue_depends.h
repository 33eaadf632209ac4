/*
 * queue_depends.h - what people say that a PR depends on, in the ledger.
 *
 * A reference to a PR of the same repository is a row of `dependency`, which the planner orders by. Anything else
 * that a text says (base/depends.h) is a row of `dependency_odd` and holds the PR, as `/yard hold` does:
 *
 *   not understood           until the text is corrected; people are told on the PR, once for each wording
 *   the PR itself, an issue  the same
 *   another repository's PR  until that is merged, as far as it is known here. Nothing more of it is said: who may
 *                            read this repository may not be one who may read that
 *
 * Sources: body, trailer (the messages of the commits), command, stack.
 */
#ifndef YM_BOT_QUEUE_DEPENDS_H
#define YM_BOT_QUEUE_DEPENDS_H

#include "base/depends.h"
#include "bot/bot.h"

/* Is it a PR of this repository, by number alone or by its own name? */
bool queue_depends_here(const struct repo *r, const struct depend *d);
/* Everything from this source is forgotten. */
int queue_depends_forget(struct bot *b, const struct repo *r, int64_t pr, const char *source,
			 struct err *err);
/* Adds what has been read. */
int queue_depends_add(struct bot *b, const struct repo *r, int64_t pr, const struct depends *d,
		      const char *source, struct err *err);
/* Of a PR that is not known yet the forge is asked: it may be over since before we looked. */
int queue_depends_want(struct bot *b, const struct repo *r, int64_t number, struct err *err);
/* Adds, or takes away, a reference to another repository's PR. Like db_run(). */
int queue_depends_other(struct bot *b, const struct repo *r, int64_t pr, const struct depend *d,
			const char *source, struct err *err);
/* 1: something of it holds the PR; *ret_why (may be NULL; caller frees) says what, as behind "it ". 0 nothing. */
int queue_depends_held(struct bot *b, const struct repo *r, int64_t pr, char **ret_why,
		       struct err *err);
/* All is known of this head: says on the PR what was not understood, or that it is now. */
int queue_depends_tell(struct bot *b, const struct repo *r, const struct pr *pr, struct err *err);

#endif
