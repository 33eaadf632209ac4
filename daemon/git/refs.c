/* refs.c - see refs.h */
#include "git/refs.h"

#include "sys/fs.h"

int gr_ref_read(struct gr_repo *r, const char *name, git_oid *ret, struct err *err)
{
	int rc = git_reference_name_to_id(ret, r->git, name);

	if (rc == GIT_ENOTFOUND)
		return 0;
	return rc < 0 ? gr_fail(err, rc, "reference %s in %s", name, r->path) : 1;
}

#define FOLLOW_MAX 5

int gr_ref_follow(struct gr_repo *r, const char *name, const char *prefix, char **ret,
		  struct err *err)
{
	autofree char *at = xstrdup(name);

	for (int i = 0; i < FOLLOW_MAX; i++) {
		auto_git(git_reference) *ref = NULL;
		int rc = git_reference_lookup(&ref, r->git, at);

		if (rc < 0 && rc != GIT_ENOTFOUND)
			return gr_fail(err, rc, "reference %s in %s", at, r->path);
		if (rc < 0 || git_reference_type(ref) != GIT_REFERENCE_SYMBOLIC) {
			*ret = steal(&at);
			return 0;
		}
		free(at);
		at = xstrdup(git_reference_symbolic_target(ref));
		if (strncmp(at, prefix, strlen(prefix)) != 0)
			return err_set(
				err, ERR_STATE,
				"reference %s in %s is symbolic and stands for %s, expected one "
				"below %s",
				name, r->path, at, prefix);
	}
	return err_set(err, ERR_STATE, "reference %s in %s: more than %d symbolic ones in a row",
		       name, r->path, FOLLOW_MAX);
}

int gr_ref_blocker(struct gr_repo *r, const char *name, char **ret, struct err *err)
{
	auto_git(git_reference_iterator) *it = NULL;
	autofree char *below = xasprintf("%s/*", name), *above = xstrdup(name);
	const char *found;
	int rc = git_reference_iterator_glob_new(&it, r->git, below);

	if (rc == 0)
		rc = git_reference_next_name(&found, it);
	if (rc == 0) {
		*ret = xstrdup(found);
		return 1;
	}
	if (rc != GIT_ITEROVER)
		return gr_fail(err, rc, "references below %s", name);
	for (char *slash; (slash = strrchr(above, '/'));) {
		auto_git(git_reference) *ref = NULL;

		*slash = 0;
		if (!strchr(above, '/') || git_reference_lookup(&ref, r->git, above) < 0)
			continue;
		*ret = steal(&above);
		return 1;
	}
	return 0;
}

int gr_ref_room(struct gr_repo *r, const char *name, struct err *err)
{
	autofree char *other = NULL;
	int rc = gr_ref_blocker(r, name, &other, err);

	return rc <= 0 ? rc
		       : err_set(err, ERR_STATE,
				 "reference %s in %s cannot be made: %s is in its way. Rename or "
				 "delete that one (`git -C %s update-ref -d %s`), then try again",
				 name, r->path, other, r->path, other);
}

static bool same_oid(bool has, const git_oid *found, const git_oid *want)
{
	return want ? has && git_oid_equal(found, want) : !has;
}

/* In a handle of its own: when packed-refs is locked, libgit2 1.5 has taken the reference out of its
 * cache before it fails, and whoever asks that handle again is told that it is gone. */
static int delete_once(struct gr_repo *r, const char *name)
{
	auto_git(git_repository) *git = NULL;
	auto_git(git_reference) *ref = NULL;
	int rc = git_repository_open_bare(&git, r->path);

	if (rc == 0)
		rc = git_reference_lookup(&ref, git, name);
	return rc == 0 ? git_reference_delete(ref) : rc;
}

static int move_once(struct gr_repo *r, const char *name, const git_oid *new_oid,
		     const git_oid *found)
{
	auto_git(git_reference) *ref = NULL;

	if (!new_oid)
		return delete_once(r, name);
	if (found)
		return git_reference_create_matching(&ref, r->git, name, new_oid, 1, found, NULL);
	return git_reference_create(&ref, r->git, name, new_oid, 0, NULL);
}

/* What is about to be locked; deleting takes packed-refs, too. */
static int intend(struct gr_repo *r, const char *name, const git_oid *new_oid, bool has,
		  struct err *err)
{
	if (new_oid && !has && gr_ref_room(r, name, err) < 0)
		return -1;
	if (!new_oid && gr_lock_intend_any(r, "packed-refs", err) < 0)
		return -1;
	return gr_lock_intend(r, name, new_oid, err);
}

static int locked_error(struct gr_repo *r, const char *name, struct err *err)
{
	autofree char *lock = xasprintf("%s/%s.lock", r->path, name);

	return gr_lock_held(r, fs_exists(lock) ? name : "packed-refs", err);
}

int gr_ref_move(struct gr *g, struct gr_repo *r, const char *name, const git_oid *old_oid,
		const git_oid *new_oid, bool any, git_oid *ret_found, bool *ret_has,
		struct err *err)
{
	(void)g;
	for (int tries = 0; tries < 3; tries++) {
		int has = gr_ref_read(r, name, ret_found, err), rc;

		if (has < 0)
			return -1;
		*ret_has = has;
		if (same_oid(has, ret_found, new_oid))
			return 1;
		if (!any && !same_oid(has, ret_found, old_oid))
			return 0;
		if (intend(r, name, new_oid, has, err) < 0)
			return -1;
		rc = move_once(r, name, new_oid, has ? ret_found : NULL);
		if (rc == 0)
			return 1;
		/* Somebody else was faster: look again and decide anew. */
		if (rc == GIT_EMODIFIED || rc == GIT_EEXISTS || rc == GIT_ENOTFOUND)
			continue;
		if (rc != GIT_ELOCKED)
			return gr_fail(err, rc, "reference %s in %s", name, r->path);
		if (!gr_lock_is_old(r, name) || !gr_lock_is_old(r, "packed-refs"))
			break;
	}
	return locked_error(r, name, err);
}

int gr_op_ref(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	const char *name;
	struct gr_repo *r;
	git_oid oid;
	int has;

	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_ref(req, "ref", &name, err) < 0)
		return -1;
	has = gr_ref_read(r, name, &oid, err);
	if (has < 0)
		return -1;
	gr_put_oid(ans, "oid", has ? &oid : NULL);
	return 0;
}

int gr_op_refs(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	auto_git(git_reference_iterator) *it = NULL;
	autojson json_t *refs = json_object();
	const char *prefix, *name;
	struct gr_repo *r;
	int rc;

	if (gr_get_repo(g, req, &r, err) < 0 || json_get_str(req, "prefix", &prefix, err) < 0)
		return -1;
	rc = git_reference_iterator_new(&it, r->git);
	while (rc == 0) {
		git_oid oid;
		int has;

		rc = git_reference_next_name(&name, it);
		if (rc || strncmp(name, prefix, strlen(prefix)))
			continue;
		has = gr_ref_read(r, name, &oid, err);
		if (has < 0)
			return -1;
		/* A name that is not UTF-8 cannot be said in JSON; no ref of ours is. */
		if (has)
			json_object_set_new(refs, name, json_string(git_oid_tostr_s(&oid)));
	}
	if (rc != GIT_ITEROVER)
		return gr_fail(err, rc, "references of %s", r->path);
	json_put(ans, "refs", json_incref(refs));
	return 0;
}

int gr_op_ref_set(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	git_oid old_oid, new_oid, found;
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;
	bool any = false, has;
	const char *name;
	struct gr_repo *r;
	int has_old, has_new, rc;

	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_ref(req, "ref", &name, err) < 0 ||
	    json_opt_bool(req, "any", &any, err) < 0)
		return -1;
	has_old = gr_opt_oid(req, "old", &old_oid, err);
	has_new = gr_opt_oid(req, "new", &new_oid, err);
	if (has_old < 0 || has_new < 0 || gr_ref_guard(r, &guard, err) < 0)
		return -1;
	if (has_new && !git_odb_exists(r->odb, &new_oid))
		return err_set(err, ERR_NOT_FOUND, "reference %s: object %s is not in %s", name,
			       git_oid_tostr_s(&new_oid), r->path);
	rc = gr_ref_move(g, r, name, has_old ? &old_oid : NULL, has_new ? &new_oid : NULL, any,
			 &found, &has, err);
	if (rc < 0)
		return -1;
	json_put_str(ans, "outcome", rc ? "set" : "moved");
	gr_put_oid(ans, "found", has ? &found : NULL);
	return 0;
}
