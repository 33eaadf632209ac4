/* notes.c - see notes.h */
#include "git/notes.h"

#include "git/history.h"
#include "git/land.h"
#include "git/notetree.h"
#include "git/sign.h"
#include "git/tree.h"

/* Theirs where ours has none, in our tree. */
static int add_all(struct gr_repo *r, const git_oid *ours, const git_oid *theirs, git_oid *ret,
		   struct err *err)
{
	cleanup(gr_notes_release) struct gr_notes l = {0};
	git_oid from, into;

	if (gr_tree_of(r, ours, &into, err) < 0 || gr_tree_of(r, theirs, &from, err) < 0 ||
	    gr_note_list(r, &from, &l, err) < 0)
		return -1;
	return gr_note_put(r, &into, &l, ret, err);
}

/* A commit with both as parents and the notes of both. */
static int join(struct gr_repo *r, const git_oid *ours, const git_oid *theirs, git_oid *ret,
		struct err *err)
{
	auto_git(git_commit) *a = NULL;
	auto_git(git_commit) *b = NULL;
	auto_git(git_signature) *who = NULL;
	git_oid parents[] = {*ours, *theirs};
	struct gr_commit c = {.message = "Notes of the forge added",
			      .parents = parents,
			      .nparents = ARRAY_LEN(parents)};
	int rc;

	if (gr_commit_of(r, ours, &a, err) < 0 || gr_commit_of(r, theirs, &b, err) < 0)
		return -1;
	rc = git_signature_new(&who, "yardmaster", "yardmaster@localhost",
			       git_commit_time(a) > git_commit_time(b) ? git_commit_time(a)
								       : git_commit_time(b),
			       0);
	if (rc < 0)
		return gr_fail(err, rc, "sign the notes");
	c.author = c.committer = who;
	rc = add_all(r, ours, theirs, &c.tree, err);
	if (rc == 0)
		rc = gr_commit_put(r, &c, ret, err);
	if (rc == 0)
		rc = gr_mem_flush(r, err);
	gr_mem_drop(r);
	return rc < 0 ? err_wrap(err, "merge notes in %s", r->path) : 0;
}

/* What ours becomes: *ret. */
static int combine(struct gr_repo *r, const git_oid *ours, const git_oid *theirs, git_oid *ret,
		   struct err *err)
{
	int in = gr_contains(r, theirs, ours, err);

	*ret = *ours;
	if (in != 0)
		return in < 0 ? -1 : 0;
	in = gr_contains(r, ours, theirs, err);
	*ret = *theirs;
	if (in != 0)
		return in < 0 ? -1 : 0;
	return join(r, ours, theirs, ret, err);
}

int gr_op_notes_merge(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	git_oid ours, theirs, to, found;
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;
	int has_ours, has_theirs = 0, rc = 1;
	const char *from = NULL;
	struct gr_repo *r;
	bool has;

	if (gr_get_repo(g, req, &r, err) < 0 ||
	    (json_object_get(req, "from") && gr_get_ref(req, "from", &from, err) < 0) ||
	    gr_ref_guard(r, &guard, err) < 0)
		return -1;
	has_ours = gr_ref_read(r, GR_NOTES_REF, &ours, err);
	if (has_ours >= 0 && from)
		has_theirs = gr_ref_read(r, from, &theirs, err);
	if (has_ours < 0 || has_theirs < 0)
		return -1;
	if (has_theirs) {
		to = theirs;
		if (has_ours && combine(r, &ours, &theirs, &to, err) < 0)
			return -1;
		if (!has_ours || !git_oid_equal(&to, &ours))
			rc = gr_ref_move(g, r, GR_NOTES_REF, has_ours ? &ours : NULL, &to, false,
					 &found, &has, err);
		ours = to;
	}
	if (rc <= 0)
		return rc < 0 ? -1
			      : err_set(err, ERR_UNAVAILABLE, "%s in %s was moved meanwhile",
					GR_NOTES_REF, r->path);
	gr_put_oid(ans, "ours", has_ours || has_theirs ? &ours : NULL);
	gr_put_oid(ans, "theirs", has_theirs ? &theirs : NULL);
	return 0;
}
