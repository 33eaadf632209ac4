/*
 * api.h - the daemon's socket: requests of the command line and of the git hooks.
 *
 *   request  {"v":1, "cmd":"issue create", "as":"NAME"?, "args":{…}}
 *   answer   any number of {"chunk":"text"}, then one of
 *            {"ok":true, "text":"…"?, "item":{…}?, "rows":[…]?}
 *            {"ok":false, "error":{"code":"denied","text":"…"}}
 *
 * args: positional names and long option names with '_' for '-'. Who asks is the peer's uid; `as`
 * is for the owner of the data directory. An answer leaves after the commit of its turn. A line that
 * is no JSON object, or too long, is answered with an error, and the connection ends.
 *
 * One request at a time. 200 connections are open at most, more wait in the listen queue. A user has 32
 * of them, and 32 are kept free for the owner of the data directory: who comes then is answered
 * `unavailable`. Who does not read is waited for (a log in a pager), with at most one answer and 1 MB of
 * chunks in memory.
 *
 * Adding a command: a row in api.c's table, a function in the api_*.c of its subject, a row in the
 * command line's table.
 */
#ifndef YM_BOT_API_H
#define YM_BOT_API_H

#include "bot/bot.h"

struct api_client;

struct request {
	struct bot *bot;
	struct api_client *client;
	uint64_t ticket;   /* names the client for an answer that comes later */
	const char *actor; /* the user's name */
	bool owner;        /* of the data directory */
	const json_t *args;
	struct repo repo; /* of --repo, or the only one; id 0 for commands that need none */
};

enum { API_DONE = 0, API_LATER = 1 };
typedef int (*api_fn)(struct request *q, json_t **ret, struct err *err);

int api_new(struct bot *b, struct api **ret, struct err *err);
void api_free(struct api *a);
void api_flush(struct api *a);
void api_fail_all(struct api *a, const struct err *why);

/* A request's line, decoded: what it says, before anybody asks who says it. args is NULL or an object.
 * Points into msg. */
struct api_line {
	const char *cmd, *as;
	const json_t *args;
};
int api_decode(const json_t *msg, struct api_line *ret, struct err *err);

/* For API_LATER: the client may be gone by then, which is no error. Takes result. */
void api_answer(struct api *a, uint64_t ticket, json_t *result, const struct err *why);
/* A piece of text before the answer. False: the client is gone. */
bool api_chunk(struct api *a, uint64_t ticket, const char *s, size_t n);
/* 1: more may be sent; 0: let the client read what is queued first; -1: it is gone. */
int api_room(struct api *a, uint64_t ticket);

json_t *api_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
json_t *api_rows(json_t *rows); /* takes */
json_t *api_item(json_t *item); /* takes */
/* A column that holds a list as JSON text becomes the list. */
void api_list(json_t *row, const char *key);

/* The handlers, by file. */
int api_status(struct request *q, json_t **ret, struct err *err);
int api_stats(struct request *q, json_t **ret, struct err *err);
int api_doctor(struct request *q, json_t **ret, struct err *err);
int api_halt(struct request *q, json_t **ret, struct err *err);
int api_resume(struct request *q, json_t **ret, struct err *err);
int api_audit_list(struct request *q, json_t **ret, struct err *err);
int api_receipt_show(struct request *q, json_t **ret, struct err *err);
int api_repo_add(struct request *q, json_t **ret, struct err *err);
int api_repo_set_base(struct request *q, json_t **ret, struct err *err);
int api_repo_remove(struct request *q, json_t **ret, struct err *err);
int api_repo_list(struct request *q, json_t **ret, struct err *err);
int api_user_add(struct request *q, json_t **ret, struct err *err);
int api_user_remove(struct request *q, json_t **ret, struct err *err);
int api_user_list(struct request *q, json_t **ret, struct err *err);
int api_blueprint_list(struct request *q, json_t **ret, struct err *err);
int api_blueprint_show(struct request *q, json_t **ret, struct err *err);
int api_issue_create(struct request *q, json_t **ret, struct err *err);
int api_issue_edit(struct request *q, json_t **ret, struct err *err);
int api_issue_list(struct request *q, json_t **ret, struct err *err);
int api_issue_show(struct request *q, json_t **ret, struct err *err);
int api_issue_label(struct request *q, json_t **ret, struct err *err);
int api_issue_close(struct request *q, json_t **ret, struct err *err);
int api_issue_reopen(struct request *q, json_t **ret, struct err *err);
int api_comment(struct request *q, json_t **ret, struct err *err);
int api_pr_list(struct request *q, json_t **ret, struct err *err);
int api_pr_show(struct request *q, json_t **ret, struct err *err);
int api_pr_diff(struct request *q, json_t **ret, struct err *err);
int api_pr_checkout(struct request *q, json_t **ret, struct err *err);
int api_pr_approve(struct request *q, json_t **ret, struct err *err);
int api_pr_request_changes(struct request *q, json_t **ret, struct err *err);
int api_pr_close(struct request *q, json_t **ret, struct err *err);
int api_pr_edit(struct request *q, json_t **ret, struct err *err);
int api_pr_reopen(struct request *q, json_t **ret, struct err *err);
int api_task_list(struct request *q, json_t **ret, struct err *err);
int api_task_show(struct request *q, json_t **ret, struct err *err);
int api_task_logs(struct request *q, json_t **ret, struct err *err);
int api_task_cancel(struct request *q, json_t **ret, struct err *err);
int api_task_retry(struct request *q, json_t **ret, struct err *err);
int api_queue_list(struct request *q, json_t **ret, struct err *err);
int api_queue_why(struct request *q, json_t **ret, struct err *err);
int api_queue_add(struct request *q, json_t **ret, struct err *err);
int api_queue_remove(struct request *q, json_t **ret, struct err *err);
int api_queue_hold(struct request *q, json_t **ret, struct err *err);
int api_queue_unhold(struct request *q, json_t **ret, struct err *err);
int api_queue_freeze(struct request *q, json_t **ret, struct err *err);
int api_queue_thaw(struct request *q, json_t **ret, struct err *err);
int api_hook_receive(struct request *q, json_t **ret, struct err *err);
int api_hook_pushed(struct request *q, json_t **ret, struct err *err);
int api_clone_find(struct request *q, json_t **ret, struct err *err);
int api_clone_leases(struct request *q, json_t **ret, struct err *err);
int api_clone_message(struct request *q, json_t **ret, struct err *err);
int api_clone_push(struct request *q, json_t **ret, struct err *err);
int api_clone_conflicts(struct request *q, json_t **ret, struct err *err);

#endif
