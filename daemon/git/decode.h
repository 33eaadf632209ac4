/*
 * decode.h - reading a request: object ids, reference names, paths.
 *
 * An id is 40 lower-case hexadecimal digits: libgit2 1.5 reads SHA-1 repositories only, so one of 64
 * digits (SHA-256) is refused with that reason. A path on this machine is absolute, has no component
 * "..", and no control character. Strings handed out belong to the request.
 */
#ifndef YM_GIT_DECODE_H
#define YM_GIT_DECODE_H

#include "git/repo.h"

int gr_oid_parse(const char *s, git_oid *ret, struct err *err);
int gr_get_oid(const json_t *req, const char *key, git_oid *ret, struct err *err);
/* 1 there is one, 0 absent or null. */
int gr_opt_oid(const json_t *req, const char *key, git_oid *ret, struct err *err);
int gr_get_path(const json_t *req, const char *key, const char **ret, struct err *err);
/* A full reference name ("refs/…") that Git accepts. */
int gr_get_ref(const json_t *req, const char *key, const char **ret, struct err *err);
int gr_check_ref(const char *name, struct err *err);
/* A branch's short name; caller frees the full one. */
int gr_get_branch(const json_t *req, const char *key, char **ret_ref, struct err *err);
/* [A-Za-z0-9._-]{1,100}, not starting with '.'. */
int gr_get_name(const json_t *req, const char *key, const char **ret, struct err *err);
/* A list of strings; absent is empty. */
int gr_get_strings(const json_t *req, const char *key, struct strvec *ret, struct err *err);
int gr_get_globs(const json_t *req, const char *key, struct strvec *ret, struct err *err);
int gr_get_repo(struct gr *g, const json_t *req, struct gr_repo **ret, struct err *err);
int gr_commit_of(struct gr_repo *r, const git_oid *oid, git_commit **ret, struct err *err);
int gr_get_commit(struct gr_repo *r, const json_t *req, const char *key, git_commit **ret,
		  struct err *err);
/* The author of `author_name`, `author_email`, `time_ms`; no newline, '<', '>' or NUL, not empty. */
int gr_get_author(const json_t *req, git_signature **ret, struct err *err);
void gr_put_oid(json_t *ans, const char *key, const git_oid *oid); /* NULL: null */

#endif
