/*
 * pr_words.h - the title and the text of a PR on the local forge: those of its own commits.
 *
 * Of several commits the oldest says what it is about, as people write them. Commits of the PRs below it in a stack
 * are not its own, be those open or merged (a squash leaves them out of the base). They are known by their heads:
 * when it is pushed, from the list of its commits; when a PR below it is proposed later, from the stack.
 * What somebody has written by `pr edit` stays.
 */
#ifndef YM_BOT_PR_WORDS_H
#define YM_BOT_PR_WORDS_H

#include "bot/bot.h"

/* Which of these commits (of the git role's `log`) are heads of PRs other than `number` (0: a new one): a JSON array,
 * to be left out; NULL: error. */
json_t *pr_words_below(struct bot *b, const struct repo *r, int64_t number, const char *head,
		       const json_t *commits, struct err *err);
/* From its own commits, newest first; at least one. The topic stands in for an empty subject. Caller frees both. */
void pr_words_of(const json_t *commits, const char *topic, char **ret_title, char **ret_body);
/* Its stack is known now: asks for its own commits where it has others below it. The nonce is another one each time. */
int pr_words_ask(struct bot *b, const struct repo *r, const struct pr *pr, int64_t nonce,
		 struct err *err);
int pr_words_did(struct bot *b, const struct event *e, const json_t *p, struct err *err);
/* The heads of the PRs that it stands on, as a JSON array; NULL: error. */
json_t *pr_words_stack(struct bot *b, const struct repo *r, int64_t pr, struct err *err);

#endif
