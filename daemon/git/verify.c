/* verify.c - see verify.h */
#include "git/verify.h"

#include "git/submodule.h"
#include "git/tree.h"

struct check {
	struct gr *g;
	struct gr_repo *r;
	struct gr_merge_in in;
	struct gr_submodules sub;
	enum gr_method method;
	git_oid merge_base, candidate;
	bool has_merge_base;
	git_oid expected; /* tree */
	struct gr_merge_out merge;
	struct gr_replay replay;
	json_t *commits; /* rebase: which became which, oldest first */
};

static void check_release(struct check *c)
{
	if (c->r)
		gr_mem_drop(c->r);
	gr_submodules_release(&c->sub);
	gr_merge_out_release(&c->merge);
	gr_replay_release(&c->replay);
	json_decref(c->commits);
}

static void add_pair(struct check *c, const git_oid *from, const git_oid *to)
{
	json_t *o = json_object();

	gr_put_oid(o, "from", from);
	gr_put_oid(o, "commit", to);
	json_array_insert_new(c->commits, 0, o);
}

static int decode(struct gr *g, const json_t *req, struct check *c, struct err *err)
{
	int has;

	c->g = g;
	if (gr_get_method(req, &c->method, err) < 0 ||
	    gr_merge_decode(g, req, &c->r, &c->in, err) < 0 ||
	    gr_get_oid(req, "candidate", &c->candidate, err) < 0 ||
	    gr_submodules_decode(req, &c->sub, err) < 0)
		return -1;
	has = gr_opt_oid(req, "merge_base", &c->merge_base, err);
	if (has < 0)
		return -1;
	c->has_merge_base = has;
	c->in.sub = &c->sub;
	c->in.keep = false; /* only its name is compared */
	c->in.way = GR_MERGE_BY_GIT;
	return 0;
}

/* 1 clean: what is expected, unless a rebase says otherwise; 0 conflict or refused. */
static int expect_merge(struct check *c, struct err *err)
{
	if (gr_merge(c->g, c->r, &c->in, &c->merge, err) < 0)
		return -1;
	c->expected = c->merge.tree;
	return c->merge.clean;
}

/* 1 it applies, and gives the merge's tree where the merge is clean. */
static int expect_rebase(struct check *c, struct err *err)
{
	struct gr_replay *p = &c->replay;
	int rc = expect_merge(c, err);

	if (rc < 0 || c->merge.refused)
		return rc;
	p->g = c->g;
	p->r = c->r;
	p->base = c->in.ours;
	p->head = c->in.theirs;
	p->merge_base = c->merge_base;
	p->has_merge_base = c->has_merge_base;
	p->way = GR_MERGE_BY_GIT;
	p->sub = &c->sub;
	rc = gr_replay(p, err);
	if (rc <= 0)
		return rc;
	if (!c->merge.clean)
		c->expected = p->tree;
	return git_oid_equal(&c->expected, &p->tree);
}

static bool has_parents(git_commit *c, const git_oid *a, const git_oid *b)
{
	return git_commit_parentcount(c) == (b ? 2u : 1u) &&
	       git_oid_equal(git_commit_parent_id(c, 0), a) &&
	       (!b || git_oid_equal(git_commit_parent_id(c, 1), b));
}

/* 1 from base to the candidate there is exactly one commit for each that was applied, with its tree. */
static int is_chain(struct check *c, struct err *err)
{
	git_oid at = c->candidate;

	c->commits = json_array();
	for (size_t i = c->replay.n; i > 0; i--) {
		const struct gr_pick *pick = &c->replay.v[i - 1];
		auto_git(git_commit) *commit = NULL;

		if (pick->end != GR_PICK_DONE)
			continue;
		if (gr_commit_of(c->r, &at, &commit, err) < 0)
			return -1;
		if (git_commit_parentcount(commit) != 1 ||
		    !git_oid_equal(git_commit_tree_id(commit), &pick->tree))
			return 0;
		add_pair(c, &pick->from, &at);
		at = *git_commit_parent_id(commit, 0);
	}
	return git_oid_equal(&at, &c->in.ours) && !git_oid_equal(&c->candidate, &c->in.ours);
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
	clean = c.method == GR_METHOD_REBASE ? expect_rebase(&c, err) : expect_merge(&c, err);
	if (clean < 0)
		return -1;
	if (gr_submodules_wants(&c.sub, ans))
		return 0;
	shape = shape_is_right(&c, found, err);
	if (shape < 0 || put_version(g, ans, err) < 0)
		return -1;
	json_put_bool(ans, "same",
		      clean && shape && git_oid_equal(&c.expected, git_commit_tree_id(found)));
	gr_put_oid(ans, "expected", c.merge.clean || clean ? &c.expected : NULL);
	gr_put_oid(ans, "found", git_commit_tree_id(found));
	json_put_str(ans, "merge", c.merge.clean ? "clean" : "conflict");
	if (c.commits && json_flag(ans, "same"))
		json_put(ans, "commits", json_incref(c.commits));
	gr_replay_put(&c.replay, ans);
	return 0;
}
