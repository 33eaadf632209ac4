/*
 * gitdir.h - the private Git directory of a run: what Git inside the sandbox sees.
 *
 * Own refs, index and config; the objects are the mirror's, read-only at /yard/objects. It behaves as a clone that a CI
 * service makes (actions/checkout with fetch-depth: 0, GitLab CI with GIT_DEPTH: 0): the whole history, all tags,
 * `origin/BASE` and the branch BASE at the base that this run is about, `origin/HEAD`, an identity for commits; HEAD is
 * detached at the commit under test, or on the task's branch.
 *
 * `origin` has an address and nobody behind it: there is no network, nor a credential. Tools read owner and name from its last
 * two parts (`git remote get-url origin`), many of them on github.com only, so a repository of GitHub has its own address
 * there, as in CI, and one of the local forge https://yardmaster.invalid/local/NAME.git (RFC 6761: never resolved).
 * `git fetch` and `git push` fail.
 */
#ifndef YM_GIT_GITDIR_H
#define YM_GIT_GITDIR_H

#include "git/decode.h"

struct gr_gitdir {
	struct gr_repo *r;
	const char *path;
	const char *ref;    /* HEAD is on it; NULL: detached */
	const git_oid *oid; /* where */
	const char *index;  /* copied; NULL: none */
	char *base;         /* refs/heads/…, owned; NULL: none is shown */
	git_oid base_oid;
	const char *origin;  /* NULL: no remote */
	const char *objects; /* as the sandbox sees them; NULL: /yard/objects */
	const char *config;  /* further sections of the configuration, or NULL */
};

/* base_branch with base_oid, and origin, of a request; all may be absent. */
int gr_gitdir_decode(const json_t *req, struct gr_gitdir *ret, struct err *err);
void gr_gitdir_release(struct gr_gitdir *d);
/* Made from nothing; HEAD is written last. */
int gr_gitdir_write(const struct gr_gitdir *d, struct err *err);

#endif
