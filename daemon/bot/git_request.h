/*
 * git_request.h - what a question to the git role begins with, for everybody who asks one (git/role.h).
 */
#ifndef YM_BOT_GIT_REQUEST_H
#define YM_BOT_GIT_REQUEST_H

#include "store/rows.h"

/* {op, repo}; `path` is that of the repository. */
json_t *git_request(const char *op, const char *path);
/* The payload of an effect: the same, and "ctx" names the repository to whoever decides about the result. */
json_t *git_request_of(const struct repo *r, const char *op);

#endif
