/*
 * refs.h - reading and moving references.
 *
 * Every reference that the role moves is moved under the guard of reflock.h. A reference that git left locked is never
 * unlocked here.
 */
#ifndef YM_GIT_REFS_H
#define YM_GIT_REFS_H

#include "git/decode.h"
#include "git/reflock.h"

/* 1 and the id, 0 no such reference. Symbolic references are followed. */
int gr_ref_read(struct gr_repo *r, const char *name, git_oid *ret, struct err *err);

/*
 * Moves, creates (old_oid NULL) or deletes (new_oid NULL) a reference if its value is old_oid; `any`:
 * whatever it is. The guard must be held. 1 done (or it was so already), 0 another value is there,
 * which *ret_found then holds (*ret_has false: none).
 */
int gr_ref_move(struct gr *g, struct gr_repo *r, const char *name, const git_oid *old_oid,
		const git_oid *new_oid, bool any, git_oid *ret_found, bool *ret_has,
		struct err *err);

/* What a symbolic reference stands for at last, which may not exist yet; a direct one's own name. ERR_STATE when that is
 * not below `prefix`. Caller frees. */
int gr_ref_follow(struct gr_repo *r, const char *name, const char *prefix, char **ret,
		  struct err *err);
/* 0 when a reference of this name can be made; ERR_STATE names the one in its way: "a/b" and "a/b/c" cannot both
 * be. libgit2 1.5 makes the second one beside a packed first, and git then reads neither. */
int gr_ref_room(struct gr_repo *r, const char *name, struct err *err);
/* The one in its way: 1 and its name, which the caller frees; 0 there is none. */
int gr_ref_blocker(struct gr_repo *r, const char *name, char **ret, struct err *err);

int gr_op_ref(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_refs(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_ref_set(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
