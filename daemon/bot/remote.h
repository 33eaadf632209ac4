/*
 * remote.h - repositories on a forge over a network: its client, its credentials, its repositories.
 */
#ifndef YM_BOT_REMOTE_H
#define YM_BOT_REMOTE_H

#include "bot/bot.h"

struct request;

/* With a `github` section in the configuration: reads the secrets, starts the client. Before
 * bot_start(). */
int remote_start(struct bot *b, struct err *err);
/* After bot_start(): the outbox asks here for credentials of Git over the wire. */
void remote_ready(struct bot *b);
void remote_stop(struct bot *b);

/* Asks Git for the base of one repository. */
int remote_fetch(struct bot *b, const struct repo *r, struct err *err);
/* Asks for one issue or PR as it is now. */
int remote_look(struct bot *b, const struct repo *r, int64_t number, struct err *err);
/* Asks for what may have changed in every repository of a remote forge. */
int remote_reconcile(struct bot *b, struct err *err);
/* `repo add OWNER/NAME`. The answer comes when the forge has been asked. */
int remote_repo_add(struct request *q, const char *full_name, struct err *err);
/* For `status` and `doctor`: gh_state(), and problems: [{repo, problem}], why nothing of a repository can be
 * read at present; null without a remote forge. */
json_t *remote_state(struct bot *b);

/* One webhook delivery. ERR_INPUT: it lacks what it must have. */
enum remote_heard { REMOTE_IGNORED, REMOTE_HEARD, REMOTE_NOT_OURS };
int remote_deliver(struct bot *b, const char *event, const json_t *payload, enum remote_heard *ret,
		   struct err *err);

/* Results of effects that the backend wants for itself. */
int remote_did(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int remote_did_level(struct bot *b, const struct event *e, const json_t *p, struct err *err);

#endif
