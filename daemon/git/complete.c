/* complete.c - see complete.h */
#include "git/complete.h"

#include "git/tree.h"

static int look(void *arg, const struct gr_change *c, struct err *err)
{
	struct gr_repo *r = arg;
	git_object_t type;
	size_t size;
	int rc;

	if (!c->new_mode || c->new_mode == GR_MODE_SUB)
		return 0;
	rc = git_odb_read_header(&size, &type, r->odb, &c->new_oid);
	if (rc == 0 && type == GIT_OBJECT_BLOB)
		return 0;
	if (rc < 0)
		return gr_fail(err, rc, "file '%s'", c->path);
	return err_set(err, ERR_CORRUPT, "file '%s': object %s is not a file", c->path,
		       git_oid_tostr_s(&c->new_oid));
}

static int look_at_commit(struct gr_repo *r, const git_oid *oid, struct err *err)
{
	auto_git(git_commit) *c = NULL;
	git_oid before;
	bool root;

	if (gr_commit_of(r, oid, &c, err) < 0)
		return -1;
	root = git_commit_parentcount(c) == 0;
	if (!root && gr_tree_of(r, git_commit_parent_id(c, 0), &before, err) < 0)
		return -1;
	return gr_tree_changes(r, root ? NULL : &before, git_commit_tree_id(c), look, r, err) < 0
		       ? -1
		       : 0;
}

static int broken(struct gr_repo *r, const git_oid *oid, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;

	err_move(&why, err);
	return err_set(err, ERR_CORRUPT,
		       "%s lacks a part of commit %s: %s. The branch stays where it is; look with "
		       "`git -C %s fsck`, bring the object back (push the PR again from a complete "
		       "clone, or "
		       "restore it), then queue the PR again",
		       r->path, git_oid_tostr_s(oid), err_text(&why), r->path);
}

int gr_complete(struct gr_repo *r, const git_oid *new_oid, const git_oid *old_oid, struct err *err)
{
	auto_git(git_revwalk) *walk = NULL;
	cleanup(err_release) struct err none = ERR_INIT;
	git_oid oid = *new_oid;
	int rc = git_revwalk_new(&walk, r->git);

	if (!err)
		err = &none;
	if (rc == 0)
		rc = git_revwalk_push(walk, new_oid);
	if (rc == 0)
		rc = git_revwalk_hide(walk, old_oid);
	while (rc == 0 && (rc = git_revwalk_next(&oid, walk)) == 0)
		if (look_at_commit(r, &oid, err) < 0)
			return broken(r, &oid, err);
	if (rc == GIT_ITEROVER)
		return 0;
	gr_fail(err, rc, "its history");
	return broken(r, &oid, err);
}
