/* merge.c - see merge.h */
#include "git/merge.h"

#include "git/ancestry.h"
#include "git/merge_fast.h"
#include "git/submodule.h"
#include "git/tree.h"

void gr_merge_out_release(struct gr_merge_out *o)
{
	json_decref(o->conflicts);
	free(o->text);
	*o = (struct gr_merge_out){0};
}

/* The tree to merge against when there is exactly one: 1; 0 none or several. */
static int one_ancestor(struct gr_repo *r, const struct gr_merge_in *in, git_oid *ret,
			struct err *err)
{
	autofree git_oid *bases = NULL;
	size_t n = 0;

	if (in->explicit_base) {
		*ret = in->ancestor_tree;
		return 1;
	}
	if (gr_merge_bases(r, &in->ours, &in->theirs, &bases, &n, err) < 0)
		return -1;
	return n == 1 ? gr_tree_of(r, &bases[0], ret, err) < 0 ? -1 : 1 : 0;
}

int gr_merge(struct gr *g, struct gr_repo *r, const struct gr_merge_in *in,
	     struct gr_merge_out *ret, struct err *err)
{
	size_t before = r->mem_objects;
	git_oid ancestor;
	int rc = 0;

	*ret = (struct gr_merge_out){0};
	if (in->way == GR_MERGE_ANY)
		rc = one_ancestor(r, in, &ancestor, err);
	if (rc == 1)
		rc = gr_merge_fast(r, &ancestor, in, ret, err);
	if (rc < 0)
		return -1;
	if (rc == 1)
		return 0;
	gr_mem_rewind(r, before); /* what the fast way gave up on */
	return gr_merge_by_git(g, r, in, ret, err);
}

int gr_merge_decode(struct gr *g, const json_t *req, struct gr_repo **ret_r,
		    struct gr_merge_in *ret, struct err *err)
{
	struct gr_merge_in in = {0};
	git_oid base;
	int has;

	if (gr_get_repo(g, req, ret_r, err) < 0 || gr_get_oid(req, "base", &in.ours, err) < 0 ||
	    gr_get_oid(req, "head", &in.theirs, err) < 0)
		return -1;
	has = gr_opt_oid(req, "merge_base", &base, err);
	if (has < 0 || gr_tree_of(*ret_r, &in.ours, &in.ours_tree, err) < 0 ||
	    gr_tree_of(*ret_r, &in.theirs, &in.theirs_tree, err) < 0 ||
	    (has && gr_tree_of(*ret_r, &base, &in.ancestor_tree, err) < 0))
		return -1;
	in.explicit_base = has;
	in.attrs = in.ours_tree;
	*ret = in;
	return 0;
}

void gr_put_refused(json_t *ans, const char *reason, const char *text)
{
	json_put_str(ans, "outcome", "refused");
	json_put_str(ans, "reason", reason);
	json_put_str(ans, "text", text);
}

json_t *gr_conflict_json(const char *path, const char *kind, const struct gr_ranges *where)
{
	json_t *c = json_object(), *lines = json_array();

	json_put_str(c, "path", path);
	json_put_str(c, "kind", kind);
	for (size_t i = 0; where && i < where->n; i++)
		json_array_append_new(lines, json_pack("[I,I]", (json_int_t)where->v[i].first,
						       (json_int_t)where->v[i].last));
	json_put(c, "lines", lines);
	return c;
}

void gr_put_conflict(json_t *ans, const struct gr_merge_out *out)
{
	if (out->refused) {
		gr_put_refused(ans, out->refused, out->text);
		return;
	}
	json_put_str(ans, "outcome", "conflict");
	json_put(ans, "conflicts", json_incref(out->conflicts));
}

int gr_op_merge(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(gr_submodules_release) struct gr_submodules sub = {0};
	cleanup(gr_merge_out_release) struct gr_merge_out out = {0};
	struct gr_merge_in in;
	struct gr_repo *r;
	int rc;

	if (gr_merge_decode(g, req, &r, &in, err) < 0 || gr_submodules_decode(req, &sub, err) < 0)
		return -1;
	in.sub = &sub;
	rc = gr_merge(g, r, &in, &out, err);
	gr_mem_drop(r);
	if (rc < 0)
		return -1;
	if (gr_submodules_wants(&sub, ans))
		return 0;
	if (!out.clean) {
		gr_put_conflict(ans, &out);
		return 0;
	}
	json_put_str(ans, "outcome", "clean");
	gr_put_oid(ans, "tree", &out.tree);
	return 0;
}
