/*
 * queue_rules.h - what the forge's rules and the repository's configuration want of people before a PR lands,
 * beside the queue's own approvals (approvals.h): reviews that the branch requires, code owners, resolved
 * conversations, nobody who wants changes, a method that the rules allow. A rule that cannot be judged here, and that
 * nobody else would judge, stands in the way with what to do about it.
 *
 * Who requested changes stands in the way, on later heads too, also where the branch requires no review; reviews that
 * were not read for this head yet may hold such a one. Beyond that the forge decides where it can be asked (pr.verdict); what it cannot be asked, because its rules are not for
 * us to see, `queue.code-owners` and `queue.conversations` say. What has not been found out stands in the way.
 */
#ifndef YM_BOT_QUEUE_RULES_H
#define YM_BOT_QUEUE_RULES_H

#include "bot/bot.h"

/* *ret_why: what this head waits for, "waits for …"; NULL: for nothing. Caller frees. */
int queue_rules(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		const struct pr *p, char **ret_why, struct err *err);
/* Why nothing may land although all that was known is met: the latest look at the rules failed; or NULL. Caller
 * frees. */
int queue_rules_unread(struct bot *b, const struct repo *r, char **ret_why, struct err *err);

/* The pure half: rules and verdict to words. `owners`: whose review is missing, or NULL. Caller frees. */
struct queue_rules_facts {
	const struct forge_rules *rules;
	bool conversations; /* by configuration */
	const char *method; /* of the queue; NULL: not looked at */
	bool reviews;       /* the forge has some, which are read for each head */
	const char *head;
	const json_t *verdict; /* NULL: never read */
	const char *owners;
};
char *queue_rules_text(const struct queue_rules_facts *f);

#endif
