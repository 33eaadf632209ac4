/* notes.c - see notes.h */
#include "git/notes.h"

#include "git/history.h"
#include "git/land.h"

#define NOTES_MAX 1000000

GR_CLEANUP(git_note_iterator)

/* One note of theirs on top of *at, unless there is one. */
static int add_one(struct gr_repo *r, git_commit *theirs, const git_oid *on,
		   const git_signature *who, git_oid *at, struct err *err)
{
	auto_git(git_note) *has = NULL;
	auto_git(git_note) *note = NULL;
	auto_git(git_commit) *parent = NULL;
	int rc;

	if (gr_commit_of(r, at, &parent, err) < 0)
		return -1;
	rc = git_note_commit_read(&has, r->git, parent, on);
	if (rc == 0)
		return 0;
	if (rc == GIT_ENOTFOUND)
		rc = git_note_commit_read(&note, r->git, theirs, on);
	if (rc == 0)
		rc = git_note_commit_create(at, NULL, r->git, parent, who, who, on,
					    git_note_message(note), 0);
	return rc < 0 ? gr_fail(err, rc, "note of %s", git_oid_tostr_s(on)) : 0;
}

static int add_all(struct gr_repo *r, git_commit *theirs, const git_signature *who, git_oid *at,
		   struct err *err)
{
	auto_git(git_note_iterator) *it = NULL;
	git_oid note, on;
	int rc = git_note_commit_iterator_new(&it, theirs);

	for (size_t n = 0; rc == 0; n++) {
		rc = git_note_next(&note, &on, it);
		if (rc < 0)
			break;
		if (n == NOTES_MAX)
			return err_set(err, ERR_LIMIT, "notes to merge: more than %d", NOTES_MAX);
		if (add_one(r, theirs, &on, who, at, err) < 0)
			return -1;
	}
	return rc == GIT_ITEROVER ? 0 : gr_fail(err, rc, "list notes in %s", r->path);
}

/* A commit with both as parents and the notes of both. */
static int join(struct gr_repo *r, const git_oid *ours, const git_oid *theirs, git_oid *ret,
		struct err *err)
{
	auto_git(git_commit) *a = NULL;
	auto_git(git_commit) *b = NULL;
	auto_git(git_commit) *last = NULL;
	auto_git(git_signature) *who = NULL;
	auto_git(git_tree) *tree = NULL;
	const git_commit *parents[2];
	git_oid at = *ours;
	int rc;

	if (gr_commit_of(r, ours, &a, err) < 0 || gr_commit_of(r, theirs, &b, err) < 0)
		return -1;
	rc = git_signature_new(&who, "yardmaster", "yardmaster@localhost",
			       git_commit_time(a) > git_commit_time(b) ? git_commit_time(a)
								       : git_commit_time(b),
			       0);
	if (rc < 0)
		return gr_fail(err, rc, "sign the notes");
	if (add_all(r, b, who, &at, err) < 0 || gr_commit_of(r, &at, &last, err) < 0)
		return -1;
	rc = git_commit_tree(&tree, last);
	parents[0] = a;
	parents[1] = b;
	if (rc == 0)
		rc = git_commit_create(ret, r->git, NULL, who, who, NULL,
				       "Notes of the forge added\n", tree, 2, parents);
	return rc < 0 ? gr_fail(err, rc, "merge notes in %s", r->path) : 0;
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
