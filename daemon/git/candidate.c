/* candidate.c - see candidate.h */
#include "git/candidate.h"

#include "git/culprit.h"
#include "git/history.h"
#include "git/refs.h"
#include "git/sign.h"
#include "git/tree.h"

struct cand {
	struct gr *g;
	struct gr_repo *r;
	struct gr_merge_in in;
	git_oid merge_base;
	bool has_merge_base;
	enum gr_method method;
	const char *message, *ref, *sign_key;
	git_signature *who;
	struct gr_merge_out out;
	git_oid commit, tree; /* the candidate */
	bool empty;
};

static void cand_release(struct cand *c)
{
	git_signature_free(c->who);
	gr_merge_out_release(&c->out);
}

int gr_get_method(const json_t *req, enum gr_method *ret, struct err *err)
{
	static const char *const names[] = {
		[GR_METHOD_MERGE] = "merge",
		[GR_METHOD_REBASE] = "rebase",
		[GR_METHOD_SQUASH] = "squash",
	};
	const char *s;

	if (json_get_str(req, "method", &s, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(s, names[i])) {
			*ret = (enum gr_method)i;
			return 0;
		}
	return err_set(err, ERR_INPUT,
		       "key 'method': found '%.50s', expected merge, rebase, squash", s);
}

/*
 * A merge base that is given is that of a stacked child: its parent's approved head, however the
 * parent landed. It is one only while the child contains that head. A child of an older head of its
 * parent would take back what the parent changed since; and one that has merged or was rebased on
 * what landed has a better one in its own history.
 */
static int check_merge_base(const json_t *req, struct cand *c, struct err *err)
{
	git_oid landed;
	int has = gr_opt_oid(req, "merge_base", &c->merge_base, err), rc;

	if (has <= 0)
		return has;
	rc = gr_contains(c->r, &c->merge_base, &c->in.theirs, err);
	if (rc > 0) {
		rc = gr_opt_oid(req, "merge_base_landed", &landed, err);
		if (rc > 0)
			rc = gr_contains(c->r, &landed, &c->in.theirs, err);
		rc = rc < 0 ? -1 : !rc;
	}
	c->has_merge_base = c->in.explicit_base = rc > 0;
	return rc < 0 ? -1 : 0;
}

static int decode(struct gr *g, const json_t *req, struct cand *c, struct err *err)
{

	c->g = g;
	if (gr_get_method(req, &c->method, err) < 0 ||
	    gr_merge_decode(g, req, &c->r, &c->in, err) < 0 ||
	    gr_get_ref(req, "ref", &c->ref, err) < 0 ||
	    json_opt_str(req, "sign_key", &c->sign_key, err) < 0 ||
	    gr_get_author(req, &c->who, err) < 0)
		return -1;
	c->message = "";
	if (c->method != GR_METHOD_REBASE && json_get_str(req, "message", &c->message, err) < 0)
		return -1;
	c->in.keep = true;
	return check_merge_base(req, c, err);
}

/* 1 built or empty, 0 conflict. */
static int build_one(struct cand *c, struct err *err)
{
	git_oid parents[] = {c->in.ours, c->in.theirs};
	struct gr_commit commit = {.author = c->who,
				   .committer = c->who,
				   .message = c->message,
				   .parents = parents,
				   .nparents = c->method == GR_METHOD_MERGE ? 2 : 1,
				   .sign_key = c->sign_key};

	if (gr_merge(c->g, c->r, &c->in, &c->out, err) < 0)
		return -1;
	if (!c->out.clean)
		return 0;
	c->tree = commit.tree = c->out.tree;
	c->empty = git_oid_equal(&c->tree, &c->in.ours_tree);
	if (c->empty)
		return 1;
	return gr_commit_put(c->r, &commit, &c->commit, err) < 0 ? -1 : 1;
}

int gr_rebase_list(struct gr_repo *r, const git_oid *base, const git_oid *head,
		   const git_oid *merge_base, git_oid **ret, size_t *ret_n, struct err *err)
{
	auto_git(git_revwalk) *walk = NULL;
	autofree git_oid *list = NULL;
	size_t n = 0;
	git_oid oid;
	int rc = git_revwalk_new(&walk, r->git);

	if (rc == 0)
		rc = git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	if (rc == 0)
		rc = git_revwalk_push(walk, head);
	if (rc == 0)
		rc = git_revwalk_hide(walk, base);
	if (rc == 0 && merge_base)
		rc = git_revwalk_hide(walk, merge_base);
	while (rc == 0 && (rc = git_revwalk_next(&oid, walk)) == 0) {
		auto_git(git_commit) *c = NULL;

		if (n == GR_REBASE_MAX)
			return err_set(err, ERR_LIMIT, "more than %d commits to rebase",
				       GR_REBASE_MAX);
		if (gr_commit_of(r, &oid, &c, err) < 0)
			return -1;
		if (git_commit_parentcount(c) > 1)
			continue;
		list = xreallocarray(list, n + 1, sizeof(*list));
		list[n++] = oid;
	}
	if (rc != GIT_ITEROVER)
		return gr_fail(err, rc, "history of %s", git_oid_tostr_s(head));
	*ret = steal(&list);
	*ret_n = n;
	return 0;
}

int gr_rebase_step(struct gr_repo *r, git_commit *c, const git_oid *on, struct gr_merge_in *ret,
		   struct err *err)
{
	struct gr_merge_in in = {.explicit_base = true, .keep = true, .ours_tree = *on};

	in.theirs_tree = *git_commit_tree_id(c);
	if (!git_commit_parentcount(c)) {
		/* The empty tree: every repository has it, but not as an object. */
		if (gr_mem_put(r, GIT_OBJECT_TREE, "", 0, &in.ancestor_tree, err) < 0)
			return -1;
	} else if (gr_tree_of(r, git_commit_parent_id(c, 0), &in.ancestor_tree, err) < 0) {
		return -1;
	}
	*ret = in;
	return 0;
}

/* One commit applied to c->commit; 1 applied or left out, 0 conflict. */
static int replay(struct cand *c, const git_oid *oid, struct err *err)
{
	auto_git(git_commit) *from = NULL;
	git_oid parent = c->commit;
	struct gr_commit commit = {
		.committer = c->who, .parents = &parent, .nparents = 1, .sign_key = c->sign_key};
	struct gr_merge_in in;

	if (gr_commit_of(c->r, oid, &from, err) < 0 ||
	    gr_rebase_step(c->r, from, &c->tree, &in, err) < 0 ||
	    gr_merge(c->g, c->r, &in, &c->out, err) < 0)
		return -1;
	if (!c->out.clean)
		return 0;
	if (git_oid_equal(&c->out.tree, &c->tree))
		return 1;
	commit.author = git_commit_author(from);
	commit.message = git_commit_message_raw(from);
	commit.tree = c->tree = c->out.tree;
	return gr_commit_put(c->r, &commit, &c->commit, err) < 0 ? -1 : 1;
}

static int build_rebase(struct cand *c, struct err *err)
{
	autofree git_oid *list = NULL;
	size_t n = 0;
	int rc = 1;

	if (gr_rebase_list(c->r, &c->in.ours, &c->in.theirs,
			   c->has_merge_base ? &c->merge_base : NULL, &list, &n, err) < 0)
		return -1;
	c->commit = c->in.ours;
	c->tree = c->in.ours_tree;
	for (size_t i = 0; rc == 1 && i < n; i++)
		rc = replay(c, &list[i], err);
	c->empty = git_oid_equal(&c->commit, &c->in.ours);
	return rc;
}

static int publish(struct cand *c, struct err *err)
{
	autoclose int guard = -1;
	git_oid found;
	bool has;

	if (gr_mem_flush(c->r, err) < 0 || gr_ref_guard(c->r, &guard, err) < 0)
		return -1;
	return gr_ref_move(c->g, c->r, c->ref, NULL, &c->commit, true, &found, &has, err) < 0 ? -1
											      : 0;
}

static int answer(struct cand *c, int built, json_t *ans, struct err *err)
{
	gr_put_oid(ans, "merge_base", c->has_merge_base ? &c->merge_base : NULL);
	if (!built) {
		git_oid from = c->merge_base;

		gr_put_conflict(ans, &c->out);
		if (c->has_merge_base ||
		    gr_merge_base(c->r, &c->in.ours, &c->in.theirs, &from, NULL) == 1)
			gr_culprits(c->r, &c->in.ours, &from, c->out.conflicts);
		return 0;
	}
	if (c->empty) {
		json_put_str(ans, "outcome", "empty");
		return 0;
	}
	if (publish(c, err) < 0)
		return -1;
	json_put_str(ans, "outcome", "built");
	gr_put_oid(ans, "commit", &c->commit);
	gr_put_oid(ans, "tree", &c->tree);
	return 0;
}

int gr_op_candidate(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(cand_release) struct cand c = {0};
	int rc;

	if (decode(g, req, &c, err) < 0)
		return -1;
	rc = c.method == GR_METHOD_REBASE ? build_rebase(&c, err) : build_one(&c, err);
	if (rc >= 0)
		rc = answer(&c, rc, ans, err);
	gr_mem_drop(c.r);
	return rc;
}
