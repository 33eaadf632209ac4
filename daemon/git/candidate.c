/* candidate.c - see candidate.h */
#include "git/candidate.h"

#include "base/landing_text.h"
#include "git/credit.h"
#include "git/culprit.h"
#include "git/history.h"
#include "git/refs.h"
#include "git/rewound.h"
#include "git/sign.h"
#include "git/submodule.h"
#include "git/tree.h"

struct cand {
	struct gr *g;
	struct gr_repo *r;
	struct gr_merge_in in;
	struct gr_submodules sub;
	git_oid merge_base;
	bool has_merge_base;
	enum gr_method method;
	const char *template, *ref, *sign_key;
	struct landing_vars vars; /* of the request */
	struct gr_credit credit;  /* squash */
	git_signature *who;
	struct gr_merge_out out;
	struct gr_replay replay;
	git_oid commit, tree; /* the candidate */
	bool empty;
	json_t *refused; /* paths in which a rebase differs from the merge */
};

static void cand_release(struct cand *c)
{
	git_signature_free(c->who);
	gr_submodules_release(&c->sub);
	gr_merge_out_release(&c->out);
	gr_replay_release(&c->replay);
	gr_credit_release(&c->credit);
	json_decref(c->refused);
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

static int decode_message(const json_t *req, struct cand *c, struct err *err)
{
	const json_t *f = json_object_get(req, "fields");

	if (json_get_str(req, "message", &c->template, err) < 0)
		return -1;
	if (landing_text_check(c->template, err) < 0)
		return err_wrap(err, "key 'message'");
	c->vars = (struct landing_vars){.title = json_str(f, "title", NULL),
					.body = json_str(f, "body", NULL),
					.author = json_str(f, "author", NULL),
					.base = json_str(f, "base", NULL),
					.topic = json_str(f, "topic", NULL),
					.method = json_str(req, "method", NULL),
					.number = json_int(f, "number", 0)};
	return 0;
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
	if (c->method != GR_METHOD_REBASE && decode_message(req, c, err) < 0)
		return -1;
	if (gr_submodules_decode(req, &c->sub, err) < 0)
		return -1;
	c->in.sub = &c->sub;
	c->in.keep = true;
	return check_merge_base(req, c, err);
}

/* What head itself changes is nothing, on purpose: 1; 0 it changes something. */
static int changes_nothing(struct cand *c, struct err *err)
{
	git_oid base, tree = c->in.ancestor_tree;
	int rc = gr_contains(c->r, &c->in.theirs, &c->in.ours, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (!c->in.explicit_base) {
		rc = gr_merge_base(c->r, &c->in.ours, &c->in.theirs, &base, err);
		if (rc <= 0)
			return rc;
		rc = gr_tree_of(c->r, &base, &tree, err);
	}
	return rc < 0 ? -1 : git_oid_equal(&tree, &c->in.theirs_tree);
}

/* The one commit of a merge or squash, with the merge's tree. */
static int write_one(struct cand *c, struct err *err)
{
	auto_git(git_signature) *author = NULL;
	autofree char *plain = NULL, *credited = NULL;
	git_oid parents[] = {c->in.ours, c->in.theirs};
	struct gr_commit commit = {.committer = c->who,
				   .tree = c->tree,
				   .parents = parents,
				   .nparents = c->method == GR_METHOD_MERGE ? 2 : 1,
				   .sign_key = c->sign_key};
	bool squash = c->method == GR_METHOD_SQUASH;

	if ((squash || landing_text_uses(c->template, "commits")) &&
	    gr_credit_read(c->r, &c->in.ours, &c->in.theirs,
			   c->has_merge_base ? &c->merge_base : NULL, &c->credit, err) < 0)
		return -1;
	c->vars.commits = c->credit.commits.s;
	plain = landing_text(c->template, &c->vars);
	if (squash)
		author = gr_credit_author(&c->credit, c->vars.author, c->who);
	if (squash && author)
		credited = gr_credit_message(&c->credit, plain, author);
	commit.author = author ? author : c->who;
	commit.message = credited ? credited : plain;
	return gr_commit_put(c->r, &commit, &c->commit, err);
}

/* 1 built or empty, 0 conflict or refused. */
static int build_one(struct cand *c, struct err *err)
{
	int nothing;

	if (gr_merge(c->g, c->r, &c->in, &c->out, err) < 0)
		return -1;
	if (!c->out.clean)
		return 0;
	c->tree = c->out.tree;
	if (git_oid_equal(&c->tree, &c->in.ours_tree)) {
		nothing = changes_nothing(c, err);
		if (nothing < 0)
			return -1;
		c->empty = !nothing;
	}
	if (c->empty)
		return 1;
	return write_one(c, err) < 0 ? -1 : 1;
}

/* One commit on top of c->commit, with the tree that the replay found for it. */
static int carry(struct cand *c, const struct gr_pick *pick, struct err *err)
{
	auto_git(git_odb_object) *from = NULL;
	git_oid parent = c->commit;
	struct gr_commit commit = {.committer = c->who,
				   .tree = pick->tree,
				   .parents = &parent,
				   .nparents = 1,
				   .sign_key = c->sign_key};
	int rc = git_odb_read(&from, c->r->odb, &pick->from);

	if (rc < 0)
		return gr_fail(err, rc, "commit %s", git_oid_tostr_s(&pick->from));
	commit.from = from;
	return gr_commit_put(c->r, &commit, &c->commit, err);
}

#define PATHS_MAX 20

static int add_path(void *arg, const struct gr_change *change, struct err *err)
{
	json_t *list = arg;

	(void)err;
	json_array_append_new(list, json_utf8(change->path, strlen(change->path)));
	return json_array_size(list) >= PATHS_MAX;
}

/* What the replay is compared with. 1 go on, 0 refused: what cannot be compared is not built. */
static int merge_first(struct cand *c, struct err *err)
{
	int rc;

	c->in.keep = false;
	rc = gr_merge(c->g, c->r, &c->in, &c->out, err);
	c->in.keep = true;
	gr_mem_drop(c->r);
	return rc < 0 ? -1 : !c->out.refused;
}

/* 1 the replayed tree is the merge's, or that conflicts; 0 it is another one. */
static int compare_with_merge(struct cand *c, struct err *err)
{
	git_oid merged = c->out.tree;

	if (!c->out.clean || git_oid_equal(&merged, &c->replay.tree))
		return 1;
	gr_merge_out_release(&c->out); /* once more, now with its objects */
	c->refused = json_array();
	if (gr_merge(c->g, c->r, &c->in, &c->out, err) < 0 ||
	    gr_tree_changes(c->r, &merged, &c->replay.tree, add_path, c->refused, err) < 0)
		return -1;
	return 0;
}

static int build_rebase(struct cand *c, struct err *err)
{
	struct gr_replay *p = &c->replay;
	int rc;

	p->g = c->g;
	p->r = c->r;
	p->base = c->in.ours;
	p->head = c->in.theirs;
	p->merge_base = c->merge_base;
	p->has_merge_base = c->has_merge_base;
	p->sub = &c->sub;
	rc = merge_first(c, err);
	if (rc > 0)
		rc = gr_replay(p, err);
	if (rc > 0)
		rc = compare_with_merge(c, err);
	c->commit = c->in.ours;
	c->tree = p->tree;
	for (size_t i = 0; rc > 0 && i < p->n; i++)
		if (p->v[i].end == GR_PICK_DONE && carry(c, &p->v[i], err) < 0)
			rc = -1;
	c->empty = git_oid_equal(&c->commit, &c->in.ours);
	return rc;
}

static int publish(struct cand *c, struct err *err)
{
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;
	git_oid found;
	bool has;

	if (gr_mem_flush(c->r, err) < 0 || gr_ref_guard(c->r, &guard, err) < 0)
		return -1;
	return gr_ref_move(c->g, c->r, c->ref, NULL, &c->commit, true, &found, &has, err) < 0 ? -1
											      : 0;
}

static void put_culprits(struct cand *c)
{
	const struct gr_merge_out *out = c->method == GR_METHOD_REBASE ? &c->replay.out : &c->out;
	git_oid from = c->merge_base;

	if (c->has_merge_base || git_merge_base(&from, c->r->git, &c->in.ours, &c->in.theirs) == 0)
		gr_culprits(c->r, &c->in.ours, &from, out->conflicts);
}

static void put_differs(struct cand *c, json_t *ans)
{
	gr_put_refused(
		ans, "rebase-differs",
		"the method is rebase, and replaying the PR's commits without its merge commits "
		"gives other files than merging its head, which is what was reviewed. Use the "
		"method merge or squash, or rebase the branch yourself and push it");
	json_put(ans, "paths", json_incref(c->refused));
}

/* What was not built, and why. */
static void put_failure(struct cand *c, json_t *ans)
{
	bool step = c->method == GR_METHOD_REBASE && !c->out.refused;

	if (c->refused)
		put_differs(c, ans);
	else
		gr_put_conflict(ans, step ? &c->replay.out : &c->out);
	if (!c->refused && step) {
		gr_put_commit(c->r, &c->replay.stopped, ans);
		json_put_bool(ans, "merges_clean", c->out.clean);
	}
	if (!strcmp(json_str(ans, "outcome", ""), "conflict"))
		put_culprits(c);
}

static int put_empty(struct cand *c, json_t *ans, struct err *err)
{
	int in = gr_contains(c->r, &c->in.theirs, &c->in.ours, err);

	if (in < 0)
		return -1;
	json_put_str(ans, "outcome", in ? "merged" : "empty");
	return 0;
}

static int answer(struct cand *c, int built, json_t *ans, struct err *err)
{
	gr_put_oid(ans, "merge_base", c->has_merge_base ? &c->merge_base : NULL);
	gr_replay_put(&c->replay, ans);
	if (!built) {
		put_failure(c, ans);
		return 0;
	}
	if (c->empty)
		return put_empty(c, ans, err);
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
	rc = gr_brings_back(c.r, &c.in.ours, &c.in.theirs, req, ans, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = c.method == GR_METHOD_REBASE ? build_rebase(&c, err) : build_one(&c, err);
	if (rc >= 0 && !gr_submodules_wants(&c.sub, ans))
		rc = answer(&c, rc, ans, err);
	gr_mem_drop(c.r);
	return rc;
}
