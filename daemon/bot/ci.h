/*
 * ci.h - the forge's own checks of a commit: which are required, and what they say.
 *
 * Two wait for them: a candidate of the merge queue ("checking", queue_ci.c) and a task at a `checks:`
 * step. Nothing is believed of a webhook but that something has changed: the commit's checks are read
 * (an effect "forge-checks"), then, and at every reconciliation, and its result decides.
 */
#ifndef YM_BOT_CI_H
#define YM_BOT_CI_H

#include "base/strvec.h"
#include "bot/bot.h"

/* The names (forge.h, "forge-checks") that the configuration and the forge want to be green; none on a forge
 * without checks. What we report ourselves (yardmaster/…) is never among them. 1: these are all; 0: what the
 * forge wants is not known yet, and nobody may go on as if it were nothing; -1. Appends. */
int ci_required(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		struct strvec *ret, struct err *err);

/* "`build`", "`build` of the App 15368"; caller frees. */
char *ci_name_text(const char *wanted);

enum ci_verdict { CI_PENDING, CI_GREEN, CI_RED };
/* Of the result of "forge-checks", for all of the names. *ret_text: of a red one its log, of a pending
 * one what is waited for; caller frees. */
enum ci_verdict ci_judge(const json_t *result, const struct strvec *names, char **ret_text);

/* Reads the checks of a commit; the result comes back to the candidate, or to the task. */
int ci_ask(struct bot *b, const struct repo *r, const char *head, const struct strvec *names,
	   const char *who, int64_t id, struct err *err);
#define CI_CANDIDATE "candidate"
#define CI_TASK      "task"

/* Whoever waits asks again. repo 0: all; head "": any. */
int ci_wake(struct bot *b, int64_t repo, const char *head, struct err *err);

/* The event "checks-changed", the result of "forge-checks". */
int ci_on_changed(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int ci_did(struct bot *b, const struct event *e, const json_t *p, struct err *err);

json_t *ci_names_json(const struct strvec *names);
/* From a row; NULL is none. */
int ci_names_parse(const char *json, struct strvec *ret, struct err *err);

#endif
