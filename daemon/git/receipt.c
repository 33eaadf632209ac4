/* receipt.c - see receipt.h */
#include "git/receipt.h"

#include "git/candidate.h"
#include "git/land.h"
#include "git/notetree.h"
#include "git/refs.h"
#include "git/tree.h"

#define SCAN_MAX 20000 /* commits on top of the one that is asked about */

/* The tree of the notes: 1, 0 there are none. */
static int notes_tree(struct gr_repo *r, git_oid *ret, struct err *err)
{
	git_oid tip;
	int has = gr_ref_read(r, GR_NOTES_REF, &tip, err);

	if (has <= 0)
		return has;
	return gr_tree_of(r, &tip, ret, err) < 0 ? err_wrap(err, "%s", GR_NOTES_REF) : 1;
}

static int receipt_on(struct gr_repo *r, const git_oid *notes, const git_oid *commit, json_t **ret,
		      struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT;
	int has = gr_note_text(r, notes, commit, GR_RECEIPT_MAX, &text, err);

	if (has > 0 && json_parse(text.s, text.len, GR_RECEIPT_MAX, ret, err) < 0)
		has = -1;
	return has < 0 ? err_wrap(err, "receipt of %s", git_oid_tostr_s(commit)) : has;
}

int gr_receipt_on(struct gr_repo *r, const git_oid *commit, json_t **ret, struct err *err)
{
	git_oid notes;
	int has = notes_tree(r, &notes, err);

	return has <= 0 ? has : receipt_on(r, &notes, commit, ret, err);
}

/* 1 `commit` is between the receipt's base and the commit `last` that has the note. */
static int brought(struct gr_repo *r, const json_t *receipt, const git_oid *last,
		   const git_oid *commit, struct err *err)
{
	git_oid at = *last, base;

	if (strcmp(json_str(receipt, "method", ""), "rebase") != 0 ||
	    gr_oid_parse(json_str(receipt, "base", ""), &base, NULL) < 0)
		return 0;
	for (size_t i = 0; i < GR_REBASE_MAX && !git_oid_equal(&at, &base); i++) {
		auto_git(git_commit) *c = NULL;

		if (git_oid_equal(&at, commit))
			return 1;
		if (gr_commit_of(r, &at, &c, err) < 0)
			return -1;
		if (git_commit_parentcount(c) != 1)
			return 0;
		at = *git_commit_parent_id(c, 0);
	}
	return 0;
}

/* What is on top of the commit on any branch, oldest first. */
static int walk_from(struct gr_repo *r, const git_oid *commit, git_revwalk **ret, struct err *err)
{
	int rc = git_revwalk_new(ret, r->git);

	if (rc == 0)
		rc = git_revwalk_sorting(*ret, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	if (rc == 0)
		rc = git_revwalk_simplify_first_parent(*ret);
	if (rc == 0)
		rc = git_revwalk_push_glob(*ret, "refs/heads/*");
	if (rc == 0)
		rc = git_revwalk_push_glob(*ret, "refs/remotes/*");
	if (rc == 0)
		rc = git_revwalk_hide(*ret, commit);
	return rc < 0 ? gr_fail(err, rc, "history on top of %s", git_oid_tostr_s(commit)) : 0;
}

int gr_receipt_find(struct gr_repo *r, const git_oid *commit, git_oid *ret_on, json_t **ret,
		    struct err *err)
{
	auto_git(git_revwalk) *walk = NULL;
	git_oid oid, notes;
	int has = notes_tree(r, &notes, err), rc = 0;

	*ret_on = *commit;
	if (has <= 0)
		return has;
	has = receipt_on(r, &notes, commit, ret, err);
	if (has != 0 || walk_from(r, commit, &walk, err) < 0)
		return has != 0 ? has : -1;
	for (size_t n = 0; n < SCAN_MAX && (rc = git_revwalk_next(&oid, walk)) == 0; n++) {
		autojson json_t *receipt = NULL;

		has = receipt_on(r, &notes, &oid, &receipt, err);
		if (has > 0)
			has = brought(r, receipt, &oid, commit, err);
		if (has < 0)
			return -1;
		if (!has)
			continue;
		*ret_on = oid;
		*ret = steal(&receipt);
		return 1;
	}
	return rc < 0 && rc != GIT_ITEROVER
		       ? gr_fail(err, rc, "history on top of %s", git_oid_tostr_s(commit))
		       : 0;
}

/* The whole name, or the beginning of exactly one commit's. */
static int get_commit(struct gr_repo *r, const json_t *req, git_oid *ret, struct err *err)
{
	auto_git(git_object) *o = NULL;
	const char *s;
	size_t n;
	git_oid part;
	int rc;

	if (json_get_str(req, "commit", &s, err) < 0)
		return -1;
	n = strlen(s);
	if (n < 7 || n >= GIT_OID_HEXSZ || strspn(s, "0123456789abcdef") != n)
		return gr_get_oid(req, "commit", ret, err);
	rc = git_oid_fromstrn(&part, s, n);
	if (rc == 0)
		rc = git_object_lookup_prefix(&o, r->git, &part, n, GIT_OBJECT_COMMIT);
	if (rc == GIT_ENOTFOUND)
		return err_set(err, ERR_NOT_FOUND, "commit %s: not in %s", s, r->path);
	if (rc < 0)
		return gr_fail(err, rc, "commit %s", s);
	*ret = *git_object_id(o);
	return 0;
}

int gr_op_receipt(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	json_t *receipt = NULL;
	struct gr_repo *r;
	git_oid oid, on;
	int has;

	if (gr_get_repo(g, req, &r, err) < 0 || get_commit(r, req, &oid, err) < 0)
		return -1;
	on = oid;
	has = json_flag(req, "exact") ? gr_receipt_on(r, &oid, &receipt, err)
				      : gr_receipt_find(r, &oid, &on, &receipt, err);
	if (has < 0)
		return -1;
	json_put_bool(ans, "found", has);
	if (!has)
		return 0;
	gr_put_oid(ans, "on", &on);
	json_put(ans, "receipt", receipt);
	return 0;
}
