/*
 * outbox_wants.h - what a request to the git role needs from the network before it can be carried out (outcome "wants",
 * git/role.h): the histories of submodules, and objects of Git LFS. The git role has no network and no credential; they are fetched by the net role,
 * one after the other, and the request goes to the git role again.
 *
 * What the answer marks as "optional" (a history for a merge) and could not be had goes into the request's "unfetched", with
 * the reason; anything else that could not be had is the request's error.
 *
 * Only what the answer marks gets the forge's credential, and only on the forge's own host; everything else is asked for
 * without one. A private authority counts for the forge's host alone.
 */
#ifndef YM_BOT_OUTBOX_WANTS_H
#define YM_BOT_OUTBOX_WANTS_H

#include "bot/bot.h"
#include "bot/outbox.h"
#include "bot/roles.h"

#define WANTS_ROUNDS 10 /* answers of this kind to one request: submodules inside submodules */

struct wants;

struct wants_conf {
	struct bot *bot;
	const json_t *request; /* the one that wants; valid as long as this */
	auth_fn auth;          /* NULL: there are no credentials */
	void *auth_arg;
	struct role *(*role)(void *arg, const json_t *req); /* which one fetches this */
	bool last; /* of the outbox' tries: what is optional and away is not waited for */
	/* Once a round: `got` (borrowed, {fetched, unfetched}) is to go into the request, which is sent again; or why not. */
	void (*done)(void *arg, const json_t *got, const struct err *why);
	void *arg;
};

/* NULL is none: made with the first answer. Begins to fetch; done() may be called before it returns, and not after
 * wants_free(). -1: too many rounds. */
int wants_fetch(struct wants **w, const struct wants_conf *conf, const json_t *answer,
		struct err *err);
void wants_free(struct wants *w);
/* Is this such an answer? */
bool wants_is(const json_t *answer);

#endif
