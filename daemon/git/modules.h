/*
 * modules.h - submodules in a checkout: at the recorded commit, nested ones too, as `git submodule update --init
 * --recursive` has them.
 *
 *   where       each gitlink of the commit's tree; the .gitmodules of the same tree gives it an address (module_url.h says
 *               which are taken). Its `path` is only compared with the gitlink's, its name only written, quoted, into a
 *               configuration inside the sandbox: no path on this machine is made of either (CVE-2018-11235).
 *   histories   in REPO/modules/HASH.git, HASH being that of the address and of whether the forge's credential was used for
 *               it: what came with it is never there for an address that may not have it. Fetched here from this machine,
 *               else by the net role: the answer is then {outcome:"wants"} (role.h), and the request comes again. Runs see
 *               all of them, so one whose address may not be had any more is removed with the next request
 *   files       written as a checkout of that commit (checkout.h); a folder is opened step by step, no link is followed
 *   Git         inside the sandbox PLACE/.git names /yard/git/modules/ID, a private Git directory like that of the run
 *               (gitdir.h), whose objects are the history's below /yard/modules. ID is the hash of the place.
 *
 * What cannot be had is an error that names the submodule, its address or commit, and what to do; a folder is never left
 * empty without a word. ERR_DENIED: a person has to act; other errors may pass by themselves.
 */
#ifndef YM_GIT_MODULES_H
#define YM_GIT_MODULES_H

#include "git/decode.h"
#include "git/module_url.h"

#define GR_MODULES_MAX   200               /* in one checkout, nested ones included */
#define GR_MODULES_DEPTH 8                 /* inside each other */
#define GR_MODULES_FILE  ((size_t)1 << 20) /* bytes of a .gitmodules */

struct gr_module {
	char *path; /* from the root of the checkout */
	char *name, *url;
	char *history;   /* the repository that has it */
	bool credential; /* it was had with the forge's */
	git_oid commit;
	int depth;
};

struct gr_modules {
	bool on; /* else folders stay empty */
	struct gr_module_rules rules;
	struct strvec fetched; /* addresses that were fetched for this request already */
	struct gr_module *v;   /* outer ones before those inside them */
	size_t n;
};

/* Of a request: submodules?:{own, forge?, allowed:[text]}, fetched?:[text]. */
int gr_modules_decode(const json_t *req, struct gr_modules *ret, struct err *err);
void gr_modules_release(struct gr_modules *m);

/* Finds all of a tree. 0 they are in v, and their histories are here; 1: `ans` says what is to be fetched first; -1. */
int gr_modules_find(struct gr *g, struct gr_repo *r, const git_oid *tree, struct gr_modules *m,
		    json_t *ans, struct err *err);
#define GR_MODULES_KEEP_IGNORED 1 /* as in gr_sync */
#define GR_MODULES_WHERE_REAL                                                                      \
	2 /* where a run left no real folder nothing is written, and it is left as it is */

struct gr_lfs_missing;
/* Writes their files below `root` and their Git directories into `gitdir`/modules. Every folder on the way to one must be a
 * real one: a link, which whoever wrote the tree or ran there made, would lead out of it (CVE-2024-32002). */
int gr_modules_write(struct gr *g, const struct gr_modules *m, const char *root, const char *gitdir,
		     int flags, struct gr_lfs_missing *lfs, struct err *err);
/* "[submodule …]" sections for the configuration of `gitdir`: those of depth 0. */
void gr_modules_config(const struct gr_modules *m, struct buf *ret);

/* The one at this place; NULL: none. */
const struct gr_module *gr_module_at(const struct gr_modules *m, const char *path);
/* Are the files in the folder `place` those of m's commit, and below it those of what is inside it? 1; 0: something was
 * changed; -1. */
int gr_module_unchanged(struct gr *g, const struct gr_modules *all, const struct gr_module *m,
			const char *place, struct err *err);

/* The address of the submodule at `path` by the .gitmodules of a tree: 1, 0 it has none there, -1. Callers free. */
int gr_module_address(struct gr *g, struct gr_repo *r, const git_oid *tree, const char *path,
		      char **ret_name, char **ret_url, struct err *err);

#endif
