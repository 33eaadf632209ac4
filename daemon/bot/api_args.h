/*
 * api_args.h - reading a request's arguments.
 */
#ifndef YM_BOT_API_ARGS_H
#define YM_BOT_API_ARGS_H

#include "bot/actions.h"
#include "bot/api.h"

/* Issue and PR numbers, task ids: given as a number or as text ("12", "#12"). */
int args_number(const json_t *args, const char *key, int64_t *ret, struct err *err);
const char *args_str(const json_t *args, const char *key); /* NULL when absent */
/* A name that may become a file's, of a repository or a user (`what`, for the message). */
int args_name(const char *what, const char *s, struct err *err);
/* The thing of this number, or ERR_NOT_FOUND. */
int args_issue(struct request *q, struct issue *ret, struct err *err);
int args_pr(struct request *q, struct pr *ret, struct err *err);
int args_task(struct request *q, struct task *ret, struct err *err);
/* Checks the permission on a repository that follows from something else (a task). */
int args_need(struct request *q, int64_t repo, enum forge_level need, struct err *err);
/* Does what a comment command of this id would do, on `number`. */
int args_action(struct request *q, int64_t number, struct command *cmd, enum command_id id,
		json_t **ret, struct err *err);

#endif
