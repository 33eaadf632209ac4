/* merge_slow.c - the merge as git itself does it; see merge.h */
#include "git/merge.h"
#include "git/mergedir.h"
#include "git/submodule.h"
#include "git/textmerge.h"
#include "git/tree.h"

/* A commit that nobody keeps: git 2.39 takes no merge base, so two commits on a common parent say
 * what it is to be. Written where git will look for it. */
static int synthetic(struct gr_mergedir *s, const git_oid *tree, const git_oid *parent,
		     git_oid *ret, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	int rc;

	buf_addf(&b, "tree %s\n", git_oid_tostr_s(tree));
	if (parent)
		buf_addf(&b, "parent %s\n", git_oid_tostr_s(parent));
	buf_adds(&b, "author yardmaster <yardmaster@localhost> 0 +0000\n"
		     "committer yardmaster <yardmaster@localhost> 0 +0000\n\nmerge base\n");
	rc = git_odb_write(ret, s->odb, b.s, b.len, GIT_OBJECT_COMMIT);
	return rc < 0 ? gr_fail(err, rc, "write a commit for a merge base") : 0;
}

static int sides(struct gr_mergedir *s, const struct gr_merge_in *in, git_oid *ours,
		 git_oid *theirs, struct err *err)
{
	git_oid root;

	*ours = in->ours;
	*theirs = in->theirs;
	if (!in->explicit_base)
		return 0;
	if (synthetic(s, &in->ancestor_tree, NULL, &root, err) < 0 ||
	    synthetic(s, &in->ours_tree, &root, ours, err) < 0)
		return -1;
	return synthetic(s, &in->theirs_tree, &root, theirs, err);
}

/* The next text that a NUL ends; NULL at the end. */
static const char *next_text(const char **p, const char *end)
{
	const char *s = *p, *nul;

	if (s >= end)
		return NULL;
	nul = memchr(s, 0, (size_t)(end - s));
	if (!nul)
		return NULL;
	*p = nul + 1;
	return s;
}

static json_t *conflict_of(json_t *list, const char *path)
{
	autojson json_t *name = json_utf8(path, strlen(path));
	json_t *c;
	size_t i;

	json_array_foreach (list, i, c)
		if (json_equal(json_object_get(c, "path"), name))
			return c;
	return NULL;
}

/* "CONFLICT (contents)" -> "contents"; NULL for what is no conflict ("Auto-merging"). */
static char *kind_of(const char *type)
{
	size_t n;

	if (strncmp(type, "CONFLICT (", 10))
		return NULL;
	n = strcspn(type + 10, ")");
	return xstrndup(type + 10, n);
}

/* <number of paths> NUL, the paths, the stable short type, the message for people; repeated. */
static int read_messages(const char *p, const char *end, json_t *list)
{
	const char *count;

	while ((count = next_text(&p, end))) {
		cleanup(strvec_release) struct strvec paths = STRVEC_INIT;
		autofree char *kind = NULL;
		const char *type;
		long n = strtol(count, NULL, 10);

		for (long i = 0; i < n; i++) {
			const char *path = next_text(&p, end);

			if (!path)
				return -1;
			strvec_push(&paths, path);
		}
		type = next_text(&p, end);
		if (!type || !next_text(&p, end))
			return -1;
		kind = kind_of(type);
		strvec_foreach (&paths, path) {
			json_t *c = kind ? conflict_of(list, *path) : NULL;

			if (c)
				json_put_str(c, "kind", kind);
		}
	}
	return 0;
}

/* The three versions of one conflicted path, those that are files. */
struct stages {
	const char *path;
	git_oid oid[3];
	bool has[3];
	int subs; /* how many of them are submodules */
};

/* A version of a path; that of a merge of several merge bases is with what git wrote. */
static bool read_version(struct gr_repo *r, git_odb *made, const git_oid *oid, git_odb_object **ret)
{
	return gr_blob_read(r, oid, GR_TEXT_MAX, ret, NULL) == 0 ||
	       git_odb_read(ret, made, oid) == 0;
}

/* The lines of "ours" that conflict, for a path of which there are three texts. */
static void conflict_lines(struct gr_repo *r, git_odb *made, const struct stages *s,
			   struct gr_ranges *ret)
{
	git_odb_object *blob[3] = {NULL, NULL, NULL};
	struct buf text[3];
	bool all = true;

	for (size_t i = 0; all && i < 3; i++) {
		all = s->has[i] && read_version(r, made, &s->oid[i], &blob[i]);
		if (all)
			text[i] = (struct buf){.s = (char *)(uintptr_t)git_odb_object_data(blob[i]),
					       .len = git_odb_object_size(blob[i])};
	}
	if (all)
		gr_text_merge(&text[0], &text[1], &text[2], NULL, ret);
	for (size_t i = 0; i < 3; i++)
		git_odb_object_free(blob[i]);
}

/* "mode oid stage\tpath"; false when it is not that. */
static bool read_stage(const char *s, const char **ret_path, unsigned *ret_mode, git_oid *ret_oid,
		       size_t *ret_stage)
{
	char hex[GIT_OID_HEXSZ + 1], stage;
	int end = 0;

	if (sscanf(s, "%o %40[0-9a-f] %c\t%n", ret_mode, hex, &stage, &end) < 3 || !end ||
	    stage < '1' || stage > '3' || git_oid_fromstr(ret_oid, hex) < 0)
		return false;
	*ret_path = s + end;
	*ret_stage = (size_t)(stage - '1');
	return true;
}

/* Of a submodule: ancestor, ours, theirs. */
static void put_commits(const struct stages *s, json_t *conflict)
{
	json_t *commits = json_array();

	for (size_t i = 0; i < 3; i++)
		json_array_append_new(commits, json_string(git_oid_tostr_s(&s->oid[i])));
	json_put(conflict, "commits", commits);
}

static void add_conflict(struct gr_repo *r, git_odb *made, json_t *list, const struct stages *s)
{
	cleanup(gr_ranges_release) struct gr_ranges where = {0};

	if (!s->path)
		return;
	conflict_lines(r, made, s, &where);
	json_array_append_new(list, gr_conflict_json(s->path, "conflict", &where));
	if (s->subs == 3)
		put_commits(s, json_array_get(list, json_array_size(list) - 1));
}

/* The stages, those of one path after each other, up to an empty text; then the messages. */
static int read_conflicts(struct gr_repo *r, git_odb *made, const char *p, const char *end,
			  json_t *list)
{
	struct stages at = {0};
	const char *s, *path;
	unsigned mode;
	size_t stage;
	git_oid oid;

	while ((s = next_text(&p, end)) && *s) {
		if (!read_stage(s, &path, &mode, &oid, &stage))
			return -1;
		if (!at.path || strcmp(at.path, path)) {
			add_conflict(r, made, list, &at);
			at = (struct stages){.path = path};
		}
		at.oid[stage] = oid;
		at.has[stage] = mode == GR_MODE_FILE || mode == GR_MODE_EXEC;
		at.subs += mode == GR_MODE_SUB;
	}
	add_conflict(r, made, list, &at);
	return s ? read_messages(p, end, list) : -1;
}

static int read_answer(struct gr_repo *r, git_odb *made, int code, const struct buf *out,
		       struct gr_merge_out *ret, struct err *err)
{
	const char *p = out->s, *end = out->s + out->len, *tree = next_text(&p, end);

	if (!tree || gr_oid_parse(tree, &ret->tree, NULL) < 0)
		return err_set(err, ERR_INTERNAL, "git merge-tree: an answer without a tree");
	ret->clean = code == 0;
	if (ret->clean)
		return 0;
	ret->conflicts = json_array();
	if (read_conflicts(r, made, p, end, ret->conflicts) < 0)
		return err_set(err, ERR_INTERNAL, "git merge-tree: an answer of unknown form");
	return 0;
}

/* 1: git has said, for good, that it does not merge these; 0: it could not find out. */
static int is_refused(const struct err *why, int rc, struct gr_merge_out *ret)
{
	if (rc == 128 && strstr(err_text(why), "refusing to merge unrelated histories")) {
		ret->refused = "unrelated";
		ret->text =
			xstrdup("it has no history in common with the base: rebase or cherry-pick "
				"its commits onto the base and push again");
		return 1;
	}
	if (rc < 0 && why->code == ERR_INTERNAL) {
		ret->refused = "git-failed";
		ret->text = xasprintf("it could not be merged by this Git version: %s; merge or "
				      "rebase it yourself and push the result",
				      err_text(why));
		return 1;
	}
	return 0;
}

/* One run of git; its answer is in *ret. */
static int merge_once(struct gr *g, struct gr_repo *r, const struct gr_merge_in *in,
		      const struct gr_mergedir *dir, const char *a, const char *b,
		      struct gr_merge_out *ret, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	/* The second opinion does not read the commit-graph, which the first one did: a wrong parent there is
	 * a wrong merge base, the same one for both. */
	const char *args[] = {"-C",
			      dir->tree,
			      "-c",
			      "core.fsync=none",
			      "-c",
			      in->way == GR_MERGE_BY_GIT ? "core.commitGraph=false"
							 : "core.commitGraph=true",
			      "merge-tree",
			      "--write-tree",
			      "--messages",
			      "-z",
			      a,
			      b,
			      NULL};
	int rc = gr_git(g, NULL, (const char *const *)dir->env.v, args, NULL, 0,
			GR_MERGE_TIMEOUT_MS, &out, &why);

	if (rc != 0 && rc != 1 && is_refused(&why, rc, ret))
		return 0;
	if (rc != 0 && rc != 1) {
		err_move(err, &why);
		return err_wrap(err, "merge %s and %s in %s", a, b, r->path);
	}
	return read_answer(r, dir->odb, rc, &out, ret, err);
}

int gr_merge_by_git(struct gr *g, struct gr_repo *r, const struct gr_merge_in *in,
		    struct gr_merge_out *ret, struct err *err)
{
	cleanup(gr_mergedir_release) struct gr_mergedir dir = {0};
	char a[GIT_OID_HEXSZ + 1], b[GIT_OID_HEXSZ + 1];
	git_oid ours, theirs;
	int rc;

	*ret = (struct gr_merge_out){0};
	if (gr_mergedir_make(g, r, &in->attrs, &dir, err) < 0 ||
	    sides(&dir, in, &ours, &theirs, err) < 0)
		return -1;
	git_oid_tostr(a, sizeof(a), &ours);
	git_oid_tostr(b, sizeof(b), &theirs);
	if (merge_once(g, r, in, &dir, a, b, ret, err) < 0)
		return -1;
	rc = ret->conflicts ? gr_submodules_show(g, r, in, ret->conflicts, &dir, err) : 0;
	if (rc > 0) {
		gr_merge_out_release(ret);
		rc = merge_once(g, r, in, &dir, a, b, ret, err);
	}
	if (rc == 0 && !ret->refused && (ret->clean ? in->keep : in->keep_conflict))
		rc = gr_mergedir_keep(&dir, r, &ret->tree, err);
	return rc;
}
