/*
 * first_look.h - what the first look at a repository of a forge found: issues that were labelled for an agent
 * before, of which none is started until a person says so.
 */
#ifndef YM_BOT_FIRST_LOOK_H
#define YM_BOT_FIRST_LOOK_H

#include "bot/bot.h"

/* How a person starts one of them. */
extern const char first_look_how[];

/* Adds {repo, issue, label, title} for each of them to `rows`. */
int first_look_rows(struct bot *b, const struct repo *r, json_t *rows, struct err *err);
/* For `doctor`: a row {check, ok, text} for each repository that has such issues. */
int first_look_doctor(struct bot *b, json_t *rows, struct err *err);

#endif
