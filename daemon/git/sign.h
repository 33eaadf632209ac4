/*
 * sign.h - making commit objects, signed with an SSH key when one is configured.
 *
 * The bytes of a commit depend on its arguments alone, so that a repeated operation makes the same
 * object (an Ed25519 or RSA signature is a function of the bytes, too). With a key that does not sign
 * no commit is made: the error (ERR_INPUT) names the key and what ssh-keygen says.
 */
#ifndef YM_GIT_SIGN_H
#define YM_GIT_SIGN_H

#include "git/repo.h"

struct gr_commit {
	const git_signature *author, *committer;
	const char *message;
	/* Instead of author and message: the bytes of this commit object, with its `encoding`; the
	 * committer is then written in that, too. */
	git_odb_object *from;
	git_oid tree;
	const git_oid *parents;
	size_t nparents;
	const char *sign_key; /* path of a private key for ssh-keygen, or NULL */
};

/* Into the memory store of r. */
int gr_commit_put(struct gr_repo *r, const struct gr_commit *c, git_oid *ret, struct err *err);

#endif
