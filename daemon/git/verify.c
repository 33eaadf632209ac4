/* verify.c - see verify.h */
#include "git/verify.h"

#include "git/tree.h"

struct check {
	struct gr *g;
	struct gr_repo *r;
	struct gr_merge_in in;
	enum gr_method method;
	git_oid merge_base, candidate;
	bool has_merge_base;
	git_oid expected; /* tree */
	git_oid *trees;   /* rebase: of each commit that it makes, oldest first */
	size_t ntrees;
};

static void check_release(struct check *c)
{
	free(c->trees);
}

static int decode(struct gr *g, const json_t *req, struct check *c, struct err *err)
{
	int has;

	c->g = g;
	if (gr_get_method(req, &c->method, err) < 0 ||
	    gr_merge_decode(g, req, &c->r, &c->in, err) < 0 ||
	    gr_get_oid(req, "candidate", &c->candidate, err) < 0)
		return -1;
	has = gr_opt_oid(req, "merge_base", &c->merge_base, err);
	if (has < 0)
		return -1;
	c->has_merge_base = has;
	c->in.keep = true;
	c->in.way = GR_MERGE_BY_GIT;
	return 0;
}

/* 1 clean with its tree, 0 conflict. */
static int merge_once(struct check *c, struct gr_merge_in *in, git_oid *ret, struct err *err)
{
	cleanup(gr_merge_out_release) struct gr_merge_out out = {0};

	in->way = GR_MERGE_BY_GIT;
	if (gr_merge(c->g, c->r, in, &out, err) < 0)
		return -1;
	*ret = out.tree;
	return out.clean;
}

static int expect_rebase(struct check *c, struct err *err)
{
	autofree git_oid *list = NULL;
	size_t n = 0;
	int rc = 1;

	if (gr_rebase_list(c->r, &c->in.ours, &c->in.theirs,
			   c->has_merge_base ? &c->merge_base : NULL, &list, &n, err) < 0)
		return -1;
	c->expected = c->in.ours_tree;
	c->trees = xcalloc(n + 1, sizeof(*c->trees));
	for (size_t i = 0; rc == 1 && i < n; i++) {
		auto_git(git_commit) *from = NULL;
		struct gr_merge_in in;
		git_oid before = c->expected;

		if (gr_commit_of(c->r, &list[i], &from, err) < 0 ||
		    gr_rebase_step(c->r, from, &c->expected, &in, err) < 0)
			return -1;
		rc = merge_once(c, &in, &c->expected, err);
		/* what changes nothing is left out */
		if (rc == 1 && !git_oid_equal(&before, &c->expected))
			c->trees[c->ntrees++] = c->expected;
	}
	return rc;
}

static bool has_parents(git_commit *c, const git_oid *a, const git_oid *b)
{
	return git_commit_parentcount(c) == (b ? 2u : 1u) &&
	       git_oid_equal(git_commit_parent_id(c, 0), a) &&
	       (!b || git_oid_equal(git_commit_parent_id(c, 1), b));
}

/* 1 from base to the candidate there is exactly one commit for each tree, with that tree. */
static int is_chain(struct check *c, struct err *err)
{
	git_oid at = c->candidate;

	for (size_t i = c->ntrees; i > 0; i--) {
		auto_git(git_commit) *commit = NULL;

		if (gr_commit_of(c->r, &at, &commit, err) < 0)
			return -1;
		if (git_commit_parentcount(commit) != 1 ||
		    !git_oid_equal(git_commit_tree_id(commit), &c->trees[i - 1]))
			return 0;
		at = *git_commit_parent_id(commit, 0);
	}
	return c->ntrees && git_oid_equal(&at, &c->in.ours);
}

static int shape_is_right(struct check *c, git_commit *found, struct err *err)
{
	if (c->method == GR_METHOD_REBASE)
		return is_chain(c, err);
	return has_parents(found, &c->in.ours, c->method == GR_METHOD_MERGE ? &c->in.theirs : NULL);
}

static int put_version(struct gr *g, json_t *ans, struct err *err)
{
	static const char *const args[] = {"--version", NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;

	if (gr_git(g, NULL, NULL, args, NULL, 0, 10000, &out, err) != 0)
		return -1;
	buf_rtrim(&out);
	json_put_str(ans, "git_version", out.s);
	return 0;
}

int gr_op_verify(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	auto_git(git_commit) *found = NULL;
	cleanup(check_release) struct check c = {0};
	int clean, shape;

	if (decode(g, req, &c, err) < 0 || gr_commit_of(c.r, &c.candidate, &found, err) < 0)
		return -1;
	clean = c.method == GR_METHOD_REBASE ? expect_rebase(&c, err)
					     : merge_once(&c, &c.in, &c.expected, err);
	if (clean < 0)
		return -1;
	shape = shape_is_right(&c, found, err);
	if (shape < 0 || put_version(g, ans, err) < 0)
		return -1;
	json_put_bool(ans, "same",
		      clean && shape && git_oid_equal(&c.expected, git_commit_tree_id(found)));
	gr_put_oid(ans, "expected", clean ? &c.expected : NULL);
	gr_put_oid(ans, "found", git_commit_tree_id(found));
	return 0;
}
