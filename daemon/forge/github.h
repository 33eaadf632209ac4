/*
 * github.h - GitHub as a forge.
 *
 *   deliveries ─► hints ─► forge-sync ─► what is there now ─► rows and events
 *   effects    ─► requests ─► answers ─► results
 *
 * Webhooks are believed in three things only: who wrote which comment, who set which label when the events do
 * not say so after a while, and that something has changed. What
 * has changed is read again (a "forge-sync" effect: the issue or PR, its events, its reviews), compared
 * with the ledger's row, and told as forge-neutral events; so a lost, doubled or reordered delivery
 * changes nothing but the delay, and "forge-list" finds on its own what no delivery told.
 *
 * A PR becomes known in four steps, effects of one subject ("sync:REPO:NUMBER"): the API's answer, the
 * objects by Git, its files, its reviews. Nothing hears of a head before its objects are in the mirror. The
 * heads that a list finds, new ones and moved ones, are fetched together (subject "heads:REPO").
 *
 * Identity of an event: a comment's id, a review's id, for labels the id of the event; the row
 * that was compared is the memory of what has been told. Bots and ourselves trigger nothing.
 *
 * Our own comments carry a marker (an HTML comment with an HMAC of their key): before a comment whose
 * outcome is unknown is written again, it is looked for.
 */
#ifndef YM_FORGE_GITHUB_H
#define YM_FORGE_GITHUB_H

#include "forge/forge.h"
#include "forge/github_client.h"

#define GITHUB_LEVEL_MS     ((int64_t)5 * 60 * 1000) /* how long an answer to "who may?" holds */
#define GITHUB_LEVEL_OLD_MS ((int64_t)3600 * 1000) /* … and how long it is better than nothing */
#define GITHUB_BODY_MAX     65536                  /* characters of a comment or a PR's body */
#define GITHUB_NUMBER_MAX   2147483647

/* The result of an effect, in a later turn. Takes result. not_before_ms: with an ERR_UNAVAILABLE, when
 * to ask again; 0: as the caller likes. */
typedef void (*github_done_fn)(void *arg, int64_t effect, json_t *result, const struct err *why,
			       int64_t not_before_ms);

struct github_opts {
	struct db *db;
	struct clock *clock;
	struct gh *client; /* the caller's, who frees it after github_free() */
	const char *self;  /* login of our own account, "NAME[bot]" for an App; NULL: not known */
	const char *marker_key; /* of the HMAC in comments */
	const char *git; /* "https://HOST": repositories are at GIT/OWNER/NAME.git; NULL: where
				 * the API says */
	/* Is it in shadow mode? Then nothing but what reads is begun there. NULL: none is. */
	bool (*shadow)(void *arg, int64_t repo);
	github_done_fn done;
	void *arg;
};

struct github *github_new(const struct github_opts *o);
void github_free(struct github *g); /* what is under way gets no result */
struct gh *github_client(struct github *g);
void github_set_self(struct github *g, const char *login);
/* Whose PRs are those that we open: the App's own, or the person's of a plain token. */
void github_set_login(struct github *g, const char *login);
/* Where Git finds it: gr->url, by the configuration. */
void github_url(const struct github *g, struct github_repo *gr);

/* The rows of a repository that was read from the forge. 1, 0 none, -1. */
int github_repo_of(struct db *db, int64_t repo, struct github_repo *ret, struct err *err);

/* One webhook delivery, verified and decoded from JSON. What it hints at becomes effects and events. */
enum github_heard { GITHUB_IGNORED, GITHUB_HEARD, GITHUB_NOT_OURS };
int github_deliver(struct github *g, const char *event, const json_t *payload,
		   enum github_heard *ret, struct err *err);

/* One issue or PR as it is now, also a PR that was over before it was ever seen: somebody depends on it. */
int github_want(struct github *g, int64_t repo, int64_t number, struct err *err);
/* 1: an issue or PR is being read, 0 not. */
int github_is_looking(struct github *g, int64_t repo, int64_t number, struct err *err);

/* Asks for everything of a repository that may have changed (on start, and every few minutes). */
int github_reconcile(struct github *g, int64_t repo, struct err *err);
/* The same, at once, also when one is under way or waits for a later try. */
int github_look_again(struct github *g, int64_t repo, struct err *err);
/* Somebody was refused something of the repository for which this permission ("contents=write") is needed:
 * nothing is sent there before it is known whether that is the reason. */
int github_doubt(struct github *g, int64_t repo, const char *needs, struct err *err);
/* Asks for webhook deliveries that did not arrive (an App's), and has each sent once more. */
void github_missed(struct github *g);
/* Asks for one issue or PR. `then` (may be NULL; a reference is taken): {key, kind, payload} of an
 * event that only makes sense once the row is there. */
int github_sync(struct github *g, int64_t repo, int64_t number, json_t *then, struct err *err);
/* The same of a PR that was read just now, without that: only its reviews, and what GitHub makes of them. */
int github_reviews(struct github *g, int64_t repo, int64_t number, struct err *err);
/* Asks Git for the base. */
int github_fetch_base(struct github *g, const struct repo *r, struct err *err);

/* An effect's payload for the net role: {op, repo: the mirror, url, …}. */
json_t *github_net(const struct repo *r, const struct github_repo *gr, const char *op);

#endif
