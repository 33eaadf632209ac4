/*
 * credit.h - who wrote what a squash brings, and what their commits said beside the text.
 *
 * Of the commits of a PR (base..head; of a stacked child only its own):
 *   author    one of their authors: the one whom the forge names as the PR's author, known by GitHub's address
 *             LOGIN@users.noreply.github.com or ID+LOGIN@…; else who wrote most of them, the first of equals. (GitHub makes the
 *             PR's author the author of a squash, and everybody else a co-author; merges of the PR count for a co-author only.)
 *   Co-authored-by   every other author, and whoever the commits name so, once each by address
 *   other trailers   each line once, in the order of the commits; what the message's own trailers say is not said again
 *
 * At most GR_CREDIT_MAX lines; the rest is left out.
 */
#ifndef YM_GIT_CREDIT_H
#define YM_GIT_CREDIT_H

#include "git/decode.h"

#define GR_CREDIT_MAX 1000

struct gr_person {
	char *name, *email;
	size_t commits;
};

struct gr_credit {
	struct gr_person *people; /* authors first, then co-authors */
	size_t npeople;
	struct strvec trailers; /* "Key: value" */
	struct buf commits;     /* {commits} of base/landing_text.h */
};

/* base..head without merge_base's history (NULL: none). */
int gr_credit_read(struct gr_repo *r, const git_oid *base, const git_oid *head,
		   const git_oid *merge_base, struct gr_credit *ret, struct err *err);
void gr_credit_release(struct gr_credit *c);

/* The author, with the time of `when`; `login` may be NULL. NULL: there is no commit. Caller frees. */
git_signature *gr_credit_author(const struct gr_credit *c, const char *login,
				const git_signature *when);
/* message with the trailers behind it; `author` is no co-author. Caller frees. */
char *gr_credit_message(const struct gr_credit *c, const char *message,
			const git_signature *author);

#endif
