/* replay.c - see replay.h */
#include "git/replay.h"

#include "git/charset.h"
#include "git/tree.h"

#define NAMED_MAX     10
#define LIST_TIMEOUT  120000
#define TWINS_TIMEOUT 120000

void gr_replay_release(struct gr_replay *p)
{
	free(p->v);
	free(p->merges);
	free(p->twins);
	gr_merge_out_release(&p->out);
}

static int too_many(struct err *err)
{
	return err_set(err, ERR_LIMIT, "more than %d commits to rebase; squash or merge them",
		       GR_REBASE_MAX);
}

static int add_commit(struct gr_replay *p, const git_oid *oid, bool merge, struct err *err)
{
	if (p->n + p->nmerges >= GR_REBASE_MAX)
		return too_many(err);
	if (merge) {
		p->merges = xreallocarray(p->merges, p->nmerges + 1, sizeof(*p->merges));
		p->merges[p->nmerges++] = *oid;
		return 0;
	}
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct gr_pick){.from = *oid};
	return 0;
}

/* ---- the list ---- */

static int walk_begin(struct gr_replay *p, git_revwalk **ret, struct err *err)
{
	int rc = git_revwalk_new(ret, p->r->git);

	if (rc == 0)
		rc = git_revwalk_sorting(*ret, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	if (rc == 0)
		rc = git_revwalk_push(*ret, &p->head);
	if (rc == 0)
		rc = git_revwalk_hide(*ret, &p->base);
	if (rc == 0 && p->has_merge_base)
		rc = git_revwalk_hide(*ret, &p->merge_base);
	return rc < 0 ? gr_fail(err, rc, "history of %s", git_oid_tostr_s(&p->head)) : 0;
}

/* 1 a line of single parents, of which there is one order only; 0 there are merges: the order is Git's. */
static int list_line(struct gr_replay *p, struct err *err)
{
	auto_git(git_revwalk) *walk = NULL;
	git_oid oid;
	int rc;

	if (walk_begin(p, &walk, err) < 0)
		return -1;
	while ((rc = git_revwalk_next(&oid, walk)) == 0) {
		auto_git(git_commit) *c = NULL;

		if (gr_commit_of(p->r, &oid, &c, err) < 0)
			return -1;
		if (git_commit_parentcount(c) > 1)
			return 0;
		if (add_commit(p, &oid, false, err) < 0)
			return -1;
	}
	return rc == GIT_ITEROVER ? 1
				  : gr_fail(err, rc, "history of %s", git_oid_tostr_s(&p->head));
}

/* Runs git rev-list with the range; its lines. */
static int rev_list(struct gr_replay *p, const char *const *opts, const char *range,
		    int64_t timeout_ms, struct strvec *ret, struct err *err)
{
	cleanup(strvec_release) struct strvec args = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;

	if (p->way == GR_MERGE_BY_GIT)
		strvec_pushl(&args, "-c", "core.commitGraph=false", NULL);
	strvec_push(&args, "rev-list");
	for (; *opts; opts++)
		strvec_push(&args, *opts);
	strvec_push(&args, range);
	if (p->has_merge_base)
		strvec_pushf(&args, "^%s", git_oid_tostr_s(&p->merge_base));
	strvec_push(&args, "--");
	if (gr_git(p->g, p->r->path, NULL, (const char *const *)args.v, NULL, 0, timeout_ms, &out,
		   err) != 0)
		return err_wrap(err, "commits of %s in %s", git_oid_tostr_s(&p->head), p->r->path);
	buf_rtrim(&out);
	if (out.len)
		strvec_split(ret, out.s, '\n');
	return 0;
}

/* COMMIT PARENT... a line, as git rebase orders them. */
static int list_by_git(struct gr_replay *p, struct err *err)
{
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;
	char base[GIT_OID_HEXSZ + 1], head[GIT_OID_HEXSZ + 1];
	autofree char *most = xasprintf("--max-count=%d", GR_REBASE_MAX + 1);
	const char *opts[] = {"--topo-order", "--reverse", "--parents", most, NULL};
	autofree char *range = NULL;

	git_oid_tostr(base, sizeof(base), &p->base);
	git_oid_tostr(head, sizeof(head), &p->head);
	range = xasprintf("%s..%s", base, head);
	p->n = p->nmerges = 0;
	if (rev_list(p, opts, range, LIST_TIMEOUT, &lines, err) < 0)
		return -1;
	strvec_foreach (&lines, line) {
		size_t words = 0;
		git_oid oid;

		for (const char *c = *line; *c; c++)
			words += *c == ' ';
		if (git_oid_fromstrn(&oid, *line, GIT_OID_HEXSZ) < 0)
			return err_set(err, ERR_INTERNAL, "git rev-list: found '%.60s'", *line);
		if (add_commit(p, &oid, words > 1, err) < 0)
			return -1;
	}
	return 0;
}

static int list(struct gr_replay *p, struct err *err)
{
	int rc = p->way == GR_MERGE_BY_GIT ? 0 : list_line(p, err);

	return rc ? (rc < 0 ? -1 : 0) : list_by_git(p, err);
}

/* ---- twins ---- */

/* A "=" marks those of head's side that have one with the same patch-id on base's side. */
static int find_twins(struct gr_replay *p, struct err *err)
{
	static const char *const opts[] = {"--right-only", "--cherry-mark", "--no-merges", NULL};
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;
	char base[GIT_OID_HEXSZ + 1], head[GIT_OID_HEXSZ + 1];
	autofree char *range = NULL;

	git_oid_tostr(base, sizeof(base), &p->base);
	git_oid_tostr(head, sizeof(head), &p->head);
	range = xasprintf("%s...%s", base, head);
	if (rev_list(p, opts, range, TWINS_TIMEOUT, &lines, err) < 0)
		return -1;
	p->twins = xcalloc(lines.n + 1, sizeof(*p->twins));
	strvec_foreach (&lines, line)
		if (**line == '=' && git_oid_fromstr(&p->twins[p->ntwins], *line + 1) == 0)
			p->ntwins++;
	p->twins_known = true;
	return 0;
}

static int has_twin(struct gr_replay *p, const git_oid *oid, struct err *err)
{
	if (!p->twins_known && find_twins(p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->ntwins; i++)
		if (git_oid_equal(&p->twins[i], oid))
			return 1;
	return 0;
}

/* ---- one commit ---- */

/* The merge that applies c to what is there. */
static int merge_of(struct gr_replay *p, git_commit *c, struct gr_merge_in *ret, struct err *err)
{
	struct gr_merge_in in = {.explicit_base = true,
				 .keep = true,
				 .ours_tree = p->tree,
				 .attrs = p->attrs,
				 .way = p->way,
				 .sub = p->sub};

	in.theirs_tree = *git_commit_tree_id(c);
	if (!git_commit_parentcount(c)) {
		/* The empty tree: every repository has it, but not as an object. */
		if (gr_mem_put(p->r, GIT_OBJECT_TREE, "", 0, &in.ancestor_tree, err) < 0)
			return -1;
	} else if (gr_tree_of(p->r, git_commit_parent_id(c, 0), &in.ancestor_tree, err) < 0) {
		return -1;
	}
	*ret = in;
	return 0;
}

/* 1 applied or left out, 0 not. */
static int apply(struct gr_replay *p, struct gr_pick *pick, struct err *err)
{
	auto_git(git_commit) *c = NULL;
	struct gr_merge_in in;
	int twin;

	if (gr_commit_of(p->r, &pick->from, &c, err) < 0 || merge_of(p, c, &in, err) < 0)
		return -1;
	pick->tree = p->tree;
	if (git_oid_equal(&in.ancestor_tree, &in.theirs_tree))
		return 1;
	gr_merge_out_release(&p->out);
	if (gr_merge(p->g, p->r, &in, &p->out, err) < 0)
		return -1;
	if (p->out.clean) {
		if (git_oid_equal(&p->out.tree, &p->tree))
			pick->end = GR_PICK_EMPTY;
		pick->tree = p->tree = p->out.tree;
		return 1;
	}
	twin = p->out.refused ? 0 : has_twin(p, &pick->from, err);
	if (twin > 0)
		pick->end = GR_PICK_TWIN;
	return twin;
}

int gr_replay(struct gr_replay *p, struct err *err)
{
	int rc = 1;

	if (gr_tree_of(p->r, &p->base, &p->tree, err) < 0 || list(p, err) < 0)
		return -1;
	p->attrs = p->tree;
	for (size_t i = 0; rc == 1 && i < p->n; i++) {
		p->stopped = p->v[i].from;
		rc = apply(p, &p->v[i], err);
	}
	return rc;
}

/* ---- words ---- */

void gr_put_commit(struct gr_repo *r, const git_oid *oid, json_t *o)
{
	cleanup(buf_release) struct buf text = BUF_INIT;
	auto_git(git_commit) *c = NULL;
	const char *subject;

	gr_put_oid(o, "commit", oid);
	if (gr_commit_of(r, oid, &c, NULL) < 0)
		return;
	subject = git_commit_summary(c);
	if (subject)
		gr_to_utf8(git_commit_message_encoding(c), subject, strlen(subject), &text);
	json_put_str(o, "subject", text.s);
}

static json_t *add_named(const struct gr_replay *p, const git_oid *oid, json_t *list)
{
	json_t *o = json_object();

	if (json_array_size(list) < NAMED_MAX)
		gr_put_commit(p->r, oid, o);
	json_array_append(list, o);
	json_decref(o);
	return o;
}

void gr_replay_put(const struct gr_replay *p, json_t *ans)
{
	static const char *const why[] = {[GR_PICK_EMPTY] = "nothing of it is left",
					  [GR_PICK_TWIN] = "the base has the same patch"};
	autojson json_t *out = json_array(), *merges = json_array();

	for (size_t i = 0; i < p->n && json_array_size(out) < NAMED_MAX; i++)
		if (p->v[i].end != GR_PICK_DONE)
			json_put_str(add_named(p, &p->v[i].from, out), "why", why[p->v[i].end]);
	for (size_t i = 0; i < p->nmerges && i < NAMED_MAX; i++)
		add_named(p, &p->merges[i], merges);
	if (json_array_size(out))
		json_put(ans, "left_out", json_incref(out));
	if (json_array_size(merges))
		json_put(ans, "merges", json_incref(merges));
}
