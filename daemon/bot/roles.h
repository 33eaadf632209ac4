/*
 * roles.h - the daemon's side of a role process: started on demand, asked in order, restarted when
 * it dies, ended when nobody has asked it for a while.
 */
#ifndef YM_BOT_ROLES_H
#define YM_BOT_ROLES_H

#include "base/json.h"
#include "sys/loop.h"

struct role;

struct role_conf {
	struct loop *loop;
	const char *self; /* absolute path of this program */
	const char *name; /* role: "git", "net" */
	const char *git;  /* absolute path of git, handed on */
	int64_t idle_ms;
};

/* `answer` is the whole answer line, or NULL with the reason: the role died (ERR_UNAVAILABLE) or
 * refused (the code of its error object). */
typedef void (*role_done_fn)(void *arg, const json_t *answer, const struct err *why);

struct role *role_new(const struct role_conf *conf);
void role_free(struct role *r); /* ends the process; open questions are dropped without an answer */
/* Takes req, which gets an "id". */
int role_ask(struct role *r, json_t *req, role_done_fn done, void *arg, struct err *err);
void role_flush(struct role *r);
pid_t role_pid(const struct role *r); /* 0 when none runs */

#endif
