/*
 * local.h - the forge that is part of the program: what people do on it.
 *
 * Issues, PRs, comments and labels are rows of the ledger; each function below writes them and the
 * event that tells the rest of the program, in one transaction. Permissions are checked by the
 * caller. Numbers are shared by issues and PRs of a repository, from 1.
 */
#ifndef YM_FORGE_LOCAL_H
#define YM_FORGE_LOCAL_H

#include "forge/forge.h"

#define LOCAL_TITLE_MAX 256   /* bytes; as on GitHub, in characters */
#define LOCAL_BODY_MAX  65536 /* of an issue, a PR or a comment */
#define LOCAL_LABEL_MAX 50

int local_issue_create(struct forge *f, const struct repo *r, const char *actor, const char *title,
		       const char *body, int64_t *ret_number, struct err *err);
int local_issue_edit(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		     const char *title, const char *body, struct err *err); /* NULL: as it is */
int local_issue_close(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		      struct err *err);
int local_issue_reopen(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		       struct err *err);
/* 1 set or taken off, 0 it was so already. */
int local_label_add(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		    const char *label, struct err *err);
int local_label_remove(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		       const char *label, struct err *err);
/* On an issue or a PR. */
int local_comment(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		  const char *body, int64_t *ret_id, struct err *err);

/* What a push to refs/for/BASE/TOPIC means. */
struct local_push {
	const char *actor, *base, *topic;
	const char *head, *title, *body;
	const char *files; /* JSON list of paths */
};
/* The PR that a push would open (number 0) or update: 1 an open one was found, 0 new. */
int local_push_find(struct forge *f, const struct repo *r, const char *actor, const char *base,
		    const char *topic, struct pr *ret, struct err *err);
/* The next free number, taken. After the ledger was restored none is given before the repository has said
 * which ones are in use: a key of this beginning, and the repository's id, is in meta until then.
 * ERR_UNAVAILABLE. */
#define LOCAL_UNREAD "numbers-unread:"
int local_number(struct forge *f, const struct repo *r, int64_t *ret, struct err *err);
/* Writes the PR (number from local_number() or of the open one) and its event. */
int local_push_apply(struct forge *f, const struct repo *r, int64_t number,
		     const struct local_push *p, struct err *err);

int local_pr_approve(struct forge *f, const struct repo *r, const char *actor, const struct pr *pr,
		     struct err *err);
/* A comment, and the event that sends an agent's PR back to it. */
int local_pr_request_changes(struct forge *f, const struct repo *r, const char *actor,
			     const struct pr *pr, const char *body, struct err *err);
/* Its head reached the base, which was at `base`, past the queue. */
int local_pr_merged(struct forge *f, const struct repo *r, const struct pr *pr, const char *base,
		    struct err *err);
int local_pr_close(struct forge *f, const struct repo *r, const char *actor, const struct pr *pr,
		   struct err *err);
/* Title and text (NULL: as it is) that a push leaves alone from then on. */
int local_pr_edit(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		  const char *title, const char *body, struct err *err);
/* A closed one; 1 it is open again, 0 it was open. ERR_STATE: merged; ERR_EXISTS: its topic is another PR's now. */
int local_pr_reopen(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		    struct err *err);

#endif
