/*
 * github_read.h - GitHub's JSON, read into rows of the ledger. Pure: no network, no ledger.
 *
 * Real payloads lack newer fields and vary: a missing or null optional field is no error, a missing
 * required one is, and the error names it. What is longer than GitHub allows, or no name of a user, a
 * label or a branch at all, is refused here, before it is written anywhere.
 */
#ifndef YM_FORGE_GITHUB_READ_H
#define YM_FORGE_GITHUB_READ_H

#include "base/json.h"
#include "base/strvec.h"
#include "store/rows.h"

/* "2026-11-21T10:00:00Z", with or without a fraction, Z or an offset: milliseconds since 1970; -1 when it
 * is not one. */
int64_t gh_time_ms(const char *s);

struct gh_user {
	const char *login; /* of the JSON; never NULL: a deleted account is "ghost" */
	bool bot;          /* an App or another machine */
};
/* The user at o[key]. */
struct gh_user gh_read_user(const json_t *o, const char *key);

/* number, title, body, state, author, created_ms, updated_ms. *ret_pull: it is a PR. */
int gh_read_issue(const json_t *o, struct issue *ret, bool *ret_pull, struct err *err);
/* The names of o.labels. */
void gh_read_labels(const json_t *o, struct strvec *ret);

/* number, title, body, state (merged as well), author, base, topic, head, draft, head_repo (of a fork),
 * modify (-1: not said), landed and merged_by (when merged; lists do not say by whom), created_ms, updated_ms. */
int gh_read_pull(const json_t *o, const char *repo_full_name, struct pr *ret, struct err *err);

/* What gh_read_pull() and gh_read_labels() read of a PR, and nothing else: a row keeps 1 kB of it instead of 25. A new
 * reference. */
json_t *gh_pull_brief(const json_t *o);

struct gh_event { /* of an issue's list of events */
	int64_t id, at_ms;
	const char *what; /* "labeled", "unlabeled", "closed" … */
	const char *label;
	struct gh_user actor;
};
int gh_read_event(const json_t *o, struct gh_event *ret, struct err *err);
/* The latest of a list with this `what`, and this label unless NULL: 1, 0 none. */
int gh_latest_event(const json_t *events, const char *what, const char *label,
		    struct gh_event *ret);

struct gh_comment {
	int64_t id, created_ms;
	int64_t number;   /* of the issue or PR, from issue_url; 0 when there is none */
	const char *body; /* never NULL */
	struct gh_user user;
};
int gh_read_comment(const json_t *o, struct gh_comment *ret, struct err *err);

struct gh_review {
	int64_t id, at_ms;
	const char
		*state; /* "APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING" */
	const char *commit;
	const char *body;
	struct gh_user user;
};
int gh_read_review(const json_t *o, struct gh_review *ret, struct err *err);

/* full_name, remote, url (clone_url), and the default branch (of the JSON). */
int gh_read_repo(const json_t *o, struct github_repo *ret, const char **ret_branch,
		 struct err *err);

/* Of a "permission" answer: role_name where it is known, else permission. 0 none … 3 maintain. */
int gh_read_level(const json_t *o, int64_t *ret, struct err *err);

/* Is this address of the API ("…/repos/OWNER/NAME/issues/12") one below this repository, and, unless 0, does it end with
 * this number? NULL, or of another form: nothing is said against it. */
bool gh_url_is_of(const char *url, const char *full_name, int64_t number);

/* 40 or 64 lower-case hexadecimal digits. */
bool gh_is_oid(const char *s);
/* "owner/name" as GitHub allows. */
bool gh_is_full_name(const char *s);

#endif
