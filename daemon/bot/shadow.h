/*
 * shadow.h - repositories that are only watched (`github: { shadow: … }`, conf_github.h).
 *
 * About a repository in shadow nothing is ever written to its forge. What a team would see of the merge
 * queue is computed and kept in the ledger (shadow_event; its migration says what the kinds mean), and
 * `yardmaster stats` counts it: which PRs were ready and when, what would have landed and in which order, which
 * would have conflicted, and what people merged meanwhile.
 *
 * Nothing is written because of four walls, each of which is enough:
 *
 *   decide.c            labels, commands and buttons are counted and lead to nothing; bot_say() is silent
 *   outbox.c            an effect that writes does not start, nor one of the time in shadow later on
 *   forge/github.c      the backend begins only what reads, and makes no push
 *   forge/github_client.h   no request but a GET leaves for it
 *
 * What cannot be found out counts as being in shadow. The mode changes at a start of the daemon only; a
 * repository that is renamed stays in it under its old name. What happened in shadow is not acted upon
 * after it: events and effects of before its end are refused, and a PR queues itself only when something
 * of it has happened since.
 *
 * What cannot be merged or fetched is named and left: a PR that the git role could not build on a base ("unbuilt":
 * head, base; detail: why) is not tried again on it and keeps no place of another one, and a merge whose commit does
 * not come with the base within a day counts as not compared.
 *
 *   shadow.c        in and out, the walls on this side, counting
 *   shadow_watch.c  the pass: what is ready, in which order, with which conflicts
 *   shadow_after.c  what people did: merges, the base, checks
 */
#ifndef YM_BOT_SHADOW_H
#define YM_BOT_SHADOW_H

#include "bot/bot.h"
#include "bot/outbox.h"

/* After the ledger is open: who is in shadow from now on, and who is not any more. */
int shadow_start(struct bot *b, struct err *err);
/* The same for a repository that has just been added. */
int shadow_enter(struct bot *b, const struct repo *r, struct err *err);

bool shadow_on(struct bot *b, int64_t repo);
/* When it left shadow mode; 0: it never was in it, or still is. -1. */
int shadow_until(struct bot *b, int64_t repo, int64_t *ret, struct err *err);

/* May this request leave, by its path in the API? (gh_conf.may_write) */
bool shadow_may_write(void *bot, const char *path);
/* Must this effect not start? */
bool shadow_refuses(struct bot *b, const struct effect_kind *k, const json_t *payload,
		    int64_t at_ms);
/* 1: the event is counted, and that is all; 0: it is for its handler. */
int shadow_take(struct bot *b, const struct event *e, const json_t *p, struct err *err);

/* One row, once (the key: kind, pr, head, base, other). 1 new, 0 known. Strings may be NULL. */
int shadow_note(struct bot *b, const struct shadow_event *x, struct err *err);

/* ---- shadow_watch.c ---- */
int shadow_pass(struct bot *b, const struct repo *r, struct err *err);
int shadow_did_build(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int shadow_did_pair(struct bot *b, const struct event *e, const json_t *p, struct err *err);

/* ---- shadow_after.c ---- */
int shadow_closed(struct bot *b, const struct repo *r, const struct pr *p, struct err *err);
int shadow_base_moved(struct bot *b, const struct repo *r, const char *old, const char *new,
		      struct err *err);
/* Reads again what was not known yet. */
int shadow_poll(struct bot *b, struct err *err);
/* The checks of a commit have changed. */
int shadow_checks_changed(struct bot *b, int64_t repo, const char *head, struct err *err);
int shadow_ask_checks(struct bot *b, const struct repo *r, const char *head,
		      const struct strvec *names, struct err *err);
int shadow_did_checks(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int shadow_did_trees(struct bot *b, const struct event *e, const json_t *p, struct err *err);

#endif
