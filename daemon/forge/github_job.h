/*
 * github_job.h - one effect on its way: one or more requests, each answered in a later turn.
 *
 * A step sends the next request with job_send() and returns JOB_MORE, or leaves its result in `result`
 * and returns JOB_DONE. It is called inside a savepoint: what it wrote is undone when it fails, and
 * the effect is tried again by whoever keeps the effects.
 */
#ifndef YM_FORGE_GITHUB_JOB_H
#define YM_FORGE_GITHUB_JOB_H

#include "base/mem.h"
#include "forge/github.h"

struct github {
	struct github_opts o;
	char *self, *login, *marker_key, *git;
	struct job *jobs;
	json_t *app_ids; /* {SLUG: {id, at_ms}}, for GITHUB_LEVEL_MS */
	json_t *told;    /* [{repo, head, status, id, name, at_ms}]: github_ci_told() */
	uint64_t missed; /* the request about deliveries that did not arrive */
	int64_t *again;  /* those that are to be sent once more */
	size_t nagain;
	char *looked; /* what the look that found them is known by afterwards */
};

struct job;
typedef int (*job_fn)(struct job *j, const struct gh_answer *a, struct err *err);
enum { JOB_DONE = 0, JOB_MORE = 1 };

struct job {
	struct github *g;
	int64_t effect, tries;
	int64_t asked_ms; /* when the effect was added */
	char *kind;
	json_t *payload;
	struct repo repo;
	struct github_repo remote;
	json_t *memo;   /* what the steps so far have learned */
	json_t *result; /* of the effect */
	job_fn next, after;
	uint64_t request;
	int64_t not_before_ms;
	char *suspect; /* what may be the matter with the whole repository (github_pause.c) */
	struct job *following;
};

/* A step's request. Takes `path` and `body`. */
int job_get(struct job *j, char *path, unsigned flags, const char *kind, job_fn next);
int job_send(struct job *j, const char *method, char *path, json_t *body, unsigned flags,
	     const char *kind, job_fn next);
/* 0 when the answer is a GH_OK; else the error that it means. */
int job_check(struct job *j, const struct gh_answer *a, struct err *err);

/*
 * Is this issue, PR, comment or review of this repository, and of what was asked for (number; 0: of any)? An answer that
 * is of something else must not be taken for ours, wherever it comes from. Of a redirect within the repository the name
 * is another one, and the client has looked whose it is.
 */
bool job_is_of(const struct job *j, const struct gh_answer *a, const json_t *o, int64_t number);
/* The same of a whole answer; -1: it is not. */
int job_check_of(struct job *j, const struct gh_answer *a, int64_t number, struct err *err);

/*
 * GitHub's API may be behind its own webhooks by seconds: what has just been made is not found (404), a list lacks it, an
 * answer is of before (octokit.js#900, kubernetes/test-infra#2229, runatlantis/atlantis#1131). So absence is no answer
 * right after something was told of: it is asked for again, less and less often, for LAG_MS from when it was asked for.
 */
#define LAG_MS ((int64_t)60 * 1000)
bool job_lags(const struct job *j);
/* Is it a 422 because GitHub does not know a commit or a branch that has just been pushed ("No commit found for SHA",
 * home-assistant/service-hub#394; "Head sha can't be blank", "head is invalid" of a new PR), and soon will? */
bool job_lacks_push(const struct job *j, const struct gh_answer *a);
/* -1, with an ERR_UNAVAILABLE that has it asked for again. */
int job_again(struct job *j, struct err *err, const char *what);

/* Writes what a list finds out of `remote`; the rest others write meanwhile. */
int job_save_remote(struct job *j, struct err *err);
int job_save_installation(struct job *j, int64_t installation, struct err *err);

int64_t job_number(const struct job *j); /* payload.number */
int64_t job_now(const struct job *j);
struct forge job_forge(struct job *j);

/* ---- the steps' beginnings, by kind of effect (github.c has the table) ---- */
int github_act_comment(struct job *j, struct err *err);
int github_act_label(struct job *j, struct err *err);
int github_act_react(struct job *j, struct err *err);
int github_act_pr_open(struct job *j, struct err *err);
int github_act_pr_update(struct job *j, struct err *err);
int github_act_pr_merged(struct job *j, struct err *err);
int github_act_pr_retarget(struct job *j, struct err *err);
int github_act_pr_look(struct job *j, struct err *err);
int github_act_pr_close(struct job *j, struct err *err);
int github_act_issue_close(struct job *j, struct err *err);
int github_act_check(struct job *j, struct err *err);
int github_act_checks(struct job *j, struct err *err);
int github_act_sync(struct job *j, struct err *err);
int github_act_reviews(struct job *j, struct err *err);
int github_act_look(struct job *j, struct err *err);
int github_act_level(struct job *j, struct err *err);
int github_act_member(struct job *j, struct err *err);
int github_act_list(struct job *j, struct err *err);

/* An issue and its list of events were read: compares with the ledger, writes, tells. */
int github_apply_issue(struct job *j, const json_t *o, const json_t *events, struct err *err);

/* ---- what keeps a repository from being worked in (github_pause.c) ---- */

/* What an answer that is an error says of the whole repository, for `suspect`: NULL for nothing. Caller
 * frees. */
char *github_suspect(const struct gh_answer *a);
/* A job ends with `why`: pauses its repository, or has it looked into. *why may become another one. */
void github_suspected(struct job *j, struct err *why);
/* The first step of "forge-list" with an App of which something is not known: its installation there. */
int github_ask_installation(struct job *j, job_fn then);
/* The repository could be read: it goes on. */
int github_readable(struct job *j, struct err *err);
/* Looks anew into every repository: installations have changed. */
int github_installations_changed(struct github *g, struct err *err);
/* Adds a "forge-list". */
int github_list(struct github *g, int64_t repo, struct err *err);
int github_paused(struct forge *f, const struct repo *r, char **ret_why, struct err *err);

/* ---- CI (github_ci.c) ---- */

/* A delivery says that this check run (status false) or commit status, with its number and name, is complete: a list
 * that does not have it so is behind, and is read again. Remembered for LAG_MS; a restart reads everything anyway. */
void github_ci_told(struct github *g, int64_t repo, const char *head, bool status, int64_t id,
		    const char *name);

/* ---- rules (github_rules.c) ---- */

/* The last steps of "forge-list": what the rules of the base branch demand. */
int github_ask_rules(struct job *j);
int github_required(struct forge *f, const struct repo *r, struct strvec *ret, struct err *err);
int github_rules(struct forge *f, const struct repo *r, struct forge_rules *ret, struct err *err);

/* ---- draft PRs of candidates (github_draft.c) ---- */

int github_act_draft(struct job *j, struct err *err);
int github_act_draft_close(struct job *j, struct err *err);
/* The last step of a "forge-list", but for shadow mode: branches of candidates that no candidate of the ledger has.
 * Each gets a "draft-close" with `sweep`: a draft PR of ours is closed, and the branch deleted unless a PR of somebody
 * else's is on it. */
int github_ask_left(struct job *j, struct err *err);
/* Is it one, or would it be taken for one? Such a PR is not in the ledger, and nothing is heard of it. */
bool github_is_candidate(const struct pr *p);

/* ---- teams (github_team.c) ---- */
int github_member(struct forge *f, const char *team, const char *user, int *ret, char **ret_why,
		  struct err *err);

/* ---- what GitHub makes of a PR's reviews (github_verdict.c) ---- */

/* The steps of a "forge-sync" of an open PR that read its reviews (github_reviews.c). */
int github_ask_reviews(struct job *j, int64_t number);
/* The last step; memo.by: who wants changes, which is kept before anything else is asked. */
int github_ask_verdict(struct job *j, const struct pr *pr, struct err *err);
/* The last steps of a "forge-list" in shadow mode: which conversations of the open PRs that have any are resolved. That
 * changes no time of a PR, so no list tells of it; fifty PRs are one request, those without a conversation none. */
int github_ask_threads(struct job *j, struct err *err);
/* PRs in the queue whose reviews may have changed unnoticed are read again. */
int github_look_at_queue(struct github *g, const struct repo *r, struct err *err);

/* The pause before the next look for what lags, that was told of so long ago. */
int64_t github_lag_wait(int64_t age_ms);
/* -1: the repository is in shadow mode, and `what` is no read. */
int github_must_act(struct github *g, const struct repo *r, const char *what, struct err *err);

/* ---- Git (github_git.c) ---- */

int github_fetch(struct forge *f, const struct repo *r, json_t **ret, struct err *err);
int github_push(struct forge *f, const struct repo *r, const char *fork, const char *branch,
		const char *new, const char *old, bool forward, json_t **ret, struct err *err);
/* The base was pushed to, and is this now: it is fetched until Git brings it, for LAG_MS. */
int github_fetch_told(struct github *g, const struct repo *r, const char *oid, struct err *err);

/* ---- PRs (github_pull.c) ---- */

/* The second and third step of a PR that was read: its objects, its files. Takes x: {repo, number,
 * pull, then?}; `pull`: gh_pull_brief(). */
int github_pull_fetch(struct github *g, const struct repo *r, const struct github_repo *gr,
		      json_t *x, struct err *err);
/*
 * The same of many PRs, with one request of Git for up to PULLS_AT_ONCE of them. Takes list, an array of such x
 * without `then`, each with `was`, the head that the ledger had when the list was read (null: it had none): what has
 * become known meanwhile in another way is newer, and stays. Objects that keep the rest from coming are found by
 * halving, down to the PR that they are of.
 */
#define PULLS_AT_ONCE 100
#define PULLS_BYTES   ((size_t)1 << 20) /* of such a list in an effect, unless one alone is longer */
int github_pull_fetch_many(struct github *g, const struct repo *r, const struct github_repo *gr,
			   json_t *list, struct err *err);
/* 1: such requests are under way, 0 none. */
int github_pulls_fetching(struct github *g, int64_t repo, struct err *err);
/* A head that a landing of ours has moved is the approved one that it was before: *p is changed. */
int github_pull_head(struct github *g, const struct repo *r, struct pr *p, struct err *err);
/* Compares with the row, writes it, tells what happened. `files`: JSON text. *p is changed. */
int github_pull_store(struct github *g, const struct repo *r, struct pr *p, const char *files,
		      int64_t task, struct err *err);
/* A PR's labels, which hold it or queue it; nobody has to be asked who set them. */
int github_pull_labels(struct github *g, const struct repo *r, int64_t number, const json_t *pull,
		       struct err *err);
int github_did_fetch(struct forge *f, const json_t *p, struct err *err);
/* The base: what a delivery told of is asked for again while Git is behind it. */
int github_did_fetch_base(struct forge *f, const struct repo *r, const json_t *p, struct err *err);
int github_did_changed(struct forge *f, const json_t *p, struct err *err);

/* ---- deliveries that did not arrive (github_missed.c) ---- */
void github_missed_end(struct github *g);

/* ---- what several of them do ---- */
/* 1: one waits that has not begun; it will see what this one would. */
int github_waits(struct github *g, const char *subject, const char *kind, struct err *err);
/* Adds an effect under a key of its own; takes payload. */
int github_effect(struct github *g, const char *subject, const char *kind, json_t *payload,
		  struct err *err);
/* An event of this repository; takes payload. */
int github_tell(struct github *g, char *key, const char *kind, json_t *payload, struct err *err);
/* github_sync(), also when one waits, with what a delivery has told (takes it): {at_ms: of the issue or PR as it was told of,
 * label, actor: who set it, review: its id, wanted: a PR is kept though it is over}. */
int github_sync_told(struct github *g, int64_t repo, int64_t number, json_t *then, json_t *told,
		     struct err *err);
/* The events that waited for the row of their issue or PR. */
int github_tell_then(struct github *g, const json_t *then, struct err *err);
/* A comment, if it is a person's: its event, now or when its issue or PR is known. */
struct gh_comment;
int github_hear_comment(struct github *g, const struct repo *r, int64_t number,
			const struct gh_comment *c, struct err *err);
/* Did we write it? By its marker, not by its writer: a token's user may be a person who writes too. */
bool github_is_ours(const struct github *g, int64_t remote, const char *body);
json_t *github_payload(const struct repo *r, int64_t number, const char *actor);

#endif
