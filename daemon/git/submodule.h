/*
 * submodule.h - the histories of submodules, for Git's merge to look into.
 *
 * Git merges two changes of a submodule when one commit contains the other, and asks the submodule's own repository for
 * that (merge-ort.c: merge_submodule); without one it is a conflict. So the histories of submodules that a merge stops at
 * are fetched to REPO/submodules/HASH.git, and shown to a second try. No run sees them there: what a base's .gitmodules names
 * need not be what a pull request may read (modules.h has those, in another folder).
 *
 * Whose: a submodule's name and address come from the base's .gitmodules, never from the head's.
 *   this machine   in a repository of the local forge (`yardmaster.submodules = local` in its configuration): an absolute
 *                  path, or one beside the repository ("../lib.git")
 *   a network      what the request's `submodules` allow (module_url.h), as for a checkout. Fetched by the net role: the
 *                  answer is then {outcome:"wants"} (role.h), with GR_SUBMODULE_BYTES and GR_SUBMODULE_OBJECTS as limits, and
 *                  "optional". HASH is that of the address and of whether the forge's credential was used for it.
 * Every other submodule, and one whose history could not be had, conflicts as before; its `why` says the reason.
 *
 * A request without `submodules` (a receipt that is verified later) fetches nothing over a network. Which commit contains
 * which is the same in every history that has them, so one that is here already will do.
 */
#ifndef YM_GIT_SUBMODULE_H
#define YM_GIT_SUBMODULE_H

#include "git/merge.h"
#include "git/mergedir.h"
#include "git/modules.h"

#define GR_SUBMODULES_MAX    50 /* in one merge */
#define GR_SUBMODULE_BYTES   ((int64_t)2 << 30)
#define GR_SUBMODULE_OBJECTS 5000000

/* What a request says of them, and what its merges wanted so far. */
struct gr_submodules {
	struct gr_modules m;     /* on, rules, fetched */
	const json_t *unfetched; /* {address: why}; of the request */
	json_t *fetch;           /* requests for the net role */
};

/* Of a request: submodules?, fetched?, as for a checkout, and unfetched?:{address: text}. */
int gr_submodules_decode(const json_t *req, struct gr_submodules *ret, struct err *err);
void gr_submodules_release(struct gr_submodules *s);
/* 1: `ans` says what is to be fetched first; 0: nothing. */
int gr_submodules_wants(const struct gr_submodules *s, json_t *ans);

/* For the submodules among the conflicts. 1: some are in dir now, another try may go further; 0: none, and in->sub (may be
 * NULL) says what is wanted; -1: a history on this machine could not be had. Conflicts get their `why`. */
int gr_submodules_show(struct gr *g, struct gr_repo *r, const struct gr_merge_in *in,
		       json_t *conflicts, const struct gr_mergedir *dir, struct err *err);

#endif
