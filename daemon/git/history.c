/* history.c - see history.h */
#include "git/history.h"

#include "base/buf.h"
#include "git/charset.h"
#include "git/tree.h"

#define FILE_MAX ((int64_t)16 << 20)

static int get_max(const json_t *req, int64_t top, int64_t *ret, struct err *err)
{
	if (json_get_int(req, "max", ret, err) < 0)
		return -1;
	if (*ret < 1)
		return err_set(err, ERR_INPUT, "key 'max': found %lld, expected at least 1",
			       (long long)*ret);
	*ret = *ret > top ? top : *ret;
	return 0;
}

/* 1: *ret_mode and *ret_oid are the entry at req's `key` in req's commit; 0: nothing there. */
static int locate(struct gr *g, const json_t *req, const char *key, struct gr_repo **ret_r,
		  const char **ret_path, unsigned *ret_mode, git_oid *ret_oid, struct err *err)
{
	auto_git(git_commit) *c = NULL;

	if (gr_get_repo(g, req, ret_r, err) < 0 ||
	    gr_get_commit(*ret_r, req, "commit", &c, err) < 0 ||
	    json_get_str(req, key, ret_path, err) < 0)
		return -1;
	return gr_tree_path(*ret_r, git_commit_tree_id(c), *ret_path, ret_mode, ret_oid, err);
}

static bool is_file(unsigned mode)
{
	return mode == GR_MODE_FILE || mode == GR_MODE_EXEC;
}

/* Symbolic links and folders are not files: a configuration that is a link is no configuration. */
int gr_op_file(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	auto_git(git_odb_object) *blob = NULL;
	const char *path;
	struct gr_repo *r;
	unsigned mode;
	git_oid oid;
	int64_t max;
	int has;

	if (get_max(req, FILE_MAX, &max, err) < 0)
		return -1;
	has = locate(g, req, "path", &r, &path, &mode, &oid, err);
	if (has < 0)
		return -1;
	has = has && is_file(mode);
	json_put_bool(ans, "found", has);
	if (!has)
		return 0;
	if (gr_blob_read(r, &oid, (size_t)max, &blob, err) < 0)
		return err_wrap(err, "file '%s'", path);
	gr_put_oid(ans, "oid", &oid);
	json_put(ans, "text", json_utf8(git_odb_object_data(blob), git_odb_object_size(blob)));
	return 0;
}

static int put_file(struct gr_repo *r, const char *dir, const struct gr_entry *e, json_t *files,
		    struct err *err)
{
	autofree char *path = xasprintf("%s%s%.*s", dir, *dir ? "/" : "", (int)e->len, e->name);
	json_t *f = json_object();
	git_object_t type;
	size_t size;
	int rc;

	json_array_append_new(files, f);
	rc = git_odb_read_header(&size, &type, r->odb, &e->oid);
	if (rc < 0)
		return gr_fail(err, rc, "file '%s'", path);
	json_put_str(f, "path", path);
	gr_put_oid(f, "oid", &e->oid);
	json_put_int(f, "size", (int64_t)size);
	return 0;
}

int gr_op_files(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(gr_tree_release) struct gr_tree t = {0};
	json_t *files = json_array();
	unsigned mode;
	const char *dir;
	struct gr_repo *r;
	git_oid oid;
	int has;

	json_put(ans, "files", files);
	has = locate(g, req, "dir", &r, &dir, &mode, &oid, err);
	if (has < 0)
		return -1;
	if (!has || mode != GR_MODE_DIR)
		return 0;
	if (gr_tree_read(r, &oid, &t, err) < 0)
		return -1;
	for (size_t i = 0; i < t.n; i++)
		if (is_file(t.e[i].mode) && put_file(r, dir, &t.e[i], files, err) < 0)
			return -1;
	return 0;
}

/* A text of c, in whatever encoding it is. */
static char *text_of(git_commit *c, const char *s)
{
	cleanup(buf_release) struct buf text = BUF_INIT;

	if (s)
		gr_to_utf8(git_commit_message_encoding(c), s, strlen(s), &text);
	return buf_steal(&text);
}

static json_t *commit_json(git_commit *c)
{
	const git_signature *who = git_commit_author(c);
	autofree char *line = xasprintf("%s <%s>", who->name, who->email);
	autofree char *author = text_of(c, line), *body = text_of(c, git_commit_body(c));
	autofree char *subject = text_of(c, git_commit_summary(c));
	autofree char *message = text_of(c, git_commit_message(c));
	json_t *o = json_object();

	gr_put_oid(o, "oid", git_commit_id(c));
	json_put_str(o, "subject", subject);
	json_put_str(o, "body", body);
	json_put_str(o, "author", author);
	json_put_str(o, "message", message);
	return o;
}

static int walk_new(struct gr_repo *r, const git_oid *from, const git_oid *hide, git_revwalk **ret,
		    struct err *err)
{
	int rc = git_revwalk_new(ret, r->git);

	if (rc == 0)
		rc = git_revwalk_sorting(*ret, GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
	if (rc == 0)
		rc = git_revwalk_push(*ret, from);
	if (rc == 0 && hide)
		rc = git_revwalk_hide(*ret, hide);
	return rc < 0 ? gr_fail(err, rc, "history of %s in %s", git_oid_tostr_s(from), r->path) : 0;
}

/* "not": a commit or several, of which nothing is wanted that they contain. */
static int hide_all(struct gr_repo *r, const json_t *req, git_revwalk *walk, struct err *err)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	const json_t *not = json_object_get(req, "not");
	int rc = 0;

	if (json_is_array(not ) ? gr_get_strings(req, "not", &names, err) < 0 : false)
		return -1;
	if (json_is_string(not ))
		strvec_push(&names, json_string_value(not ));
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		git_oid oid;

		if (gr_oid_parse(names.v[i], &oid, err) < 0)
			return err_wrap(err, "key 'not'");
		rc = git_revwalk_hide(walk, &oid);
	}
	return rc < 0 ? gr_fail(err, rc, "history in %s", r->path) : 0;
}

int gr_op_log(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	auto_git(git_revwalk) *walk = NULL;
	json_t *commits = json_array();
	git_oid oid;
	struct gr_repo *r;
	bool more = false;
	int rc = 0;
	int64_t max;

	json_put(ans, "commits", commits);
	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_oid(req, "commit", &oid, err) < 0 ||
	    get_max(req, GR_LOG_MAX, &max, err) < 0 || walk_new(r, &oid, NULL, &walk, err) < 0 ||
	    hide_all(r, req, walk, err) < 0)
		return -1;
	while ((rc = git_revwalk_next(&oid, walk)) == 0) {
		auto_git(git_commit) *c = NULL;

		more = json_array_size(commits) == (size_t)max;
		if (more)
			break;
		if (gr_commit_of(r, &oid, &c, err) < 0)
			return -1;
		json_array_append_new(commits, commit_json(c));
	}
	if (rc < 0 && rc != GIT_ITEROVER)
		return gr_fail(err, rc, "history in %s", r->path);
	json_put_bool(ans, "more", more);
	return 0;
}

#define GR_DIFF_FILES 100000 /* changed files of one PR */

static int count_change(void *arg, const struct gr_change *c, struct err *err)
{
	size_t *n = arg;

	(void)c;
	if (++*n <= GR_DIFF_FILES)
		return 0;
	return err_set(err, ERR_LIMIT, "more than %d files are changed", GR_DIFF_FILES);
}

/* Looked at before libgit2 makes a list of it, which has no limit. */
static int check_width(struct gr_repo *r, git_commit *from, git_commit *to, struct err *err)
{
	size_t n = 0;

	return gr_tree_changes(r, git_commit_tree_id(from), git_commit_tree_id(to), count_change,
			       &n, err);
}

/*
 * What head is compared with: its merge base with the base, or with one of "also" (the heads of PRs below it), whichever
 * is nearest: of those that lie behind each other the last.
 */
static int nearest_base(struct gr_repo *r, const json_t *req, const git_oid *base,
			const git_oid *head, git_oid *ret, struct err *err)
{
	cleanup(strvec_release) struct strvec also = STRVEC_INIT;
	int rc = gr_merge_base(r, base, head, ret, err);

	if (rc < 0)
		return -1;
	if (!rc)
		return err_set(err, ERR_NOT_FOUND, "base and head have no common history in %s",
			       r->path);
	if (json_is_array(json_object_get(req, "also")) &&
	    gr_get_strings(req, "also", &also, err) < 0)
		return -1;
	for (size_t i = 0; i < also.n; i++) {
		git_oid oid, other;

		if (gr_oid_parse(also.v[i], &other, err) < 0)
			return err_wrap(err, "key 'also'");
		if (!git_odb_exists(r->odb, &other))
			continue;
		rc = gr_merge_base(r, &other, head, &oid, err);
		if (rc < 0)
			return -1;
		if (!rc || git_oid_equal(&oid, head))
			continue;
		rc = git_graph_descendant_of(r->git, &oid, ret);
		if (rc < 0)
			return gr_fail(err, rc, "history of the bases in %s", r->path);
		if (rc)
			git_oid_cpy(ret, &oid);
	}
	return 0;
}

/* head against its merge base with base; the merge base is put into ans. */
static int diff_of(struct gr *g, const json_t *req, json_t *ans, git_diff **ret, struct err *err)
{
	git_diff_options o;
	auto_git(git_commit) *head = NULL;
	auto_git(git_commit) *from = NULL;
	auto_git(git_tree) *old = NULL;
	auto_git(git_tree) *new = NULL;
	git_oid base, oid;
	struct gr_repo *r;
	int rc;

	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_oid(req, "base", &base, err) < 0 ||
	    gr_get_commit(r, req, "head", &head, err) < 0)
		return -1;
	if (nearest_base(r, req, &base, git_commit_id(head), &oid, err) < 0 ||
	    gr_commit_of(r, &oid, &from, err) < 0 || check_width(r, from, head, err) < 0)
		return -1;
	git_diff_options_init(&o, GIT_DIFF_OPTIONS_VERSION);
	o.flags |= GIT_DIFF_SKIP_BINARY_CHECK;
	o.max_size = 8 << 20;
	rc = git_commit_tree(&old, from);
	if (rc == 0)
		rc = git_commit_tree(&new, head);
	if (rc == 0)
		rc = git_diff_tree_to_tree(ret, r->git, old, new, &o);
	if (rc == 0)
		rc = git_diff_find_similar(*ret, NULL);
	if (rc < 0)
		return gr_fail(err, rc, "diff in %s", r->path);
	gr_put_oid(ans, "merge_base", &oid);
	return 0;
}

static const char *status_name(git_delta_t status)
{
	return status == GIT_DELTA_ADDED     ? "A"
	       : status == GIT_DELTA_DELETED ? "D"
	       : status == GIT_DELTA_RENAMED ? "R"
	       : status == GIT_DELTA_COPIED  ? "A"
					     : "M";
}

int gr_op_changed(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	auto_git(git_diff) *diff = NULL;
	auto_git(git_diff_stats) *stats = NULL;
	json_t *files = json_array();
	int rc;

	json_put(ans, "files", files);
	if (diff_of(g, req, ans, &diff, err) < 0)
		return -1;
	for (size_t i = 0; i < git_diff_num_deltas(diff); i++) {
		const git_diff_delta *d = git_diff_get_delta(diff, i);
		json_t *f = json_object();

		json_put_str(f, "path",
			     d->status == GIT_DELTA_DELETED ? d->old_file.path : d->new_file.path);
		json_put_str(f, "status", status_name(d->status));
		if (d->status == GIT_DELTA_RENAMED)
			json_put_str(f, "from", d->old_file.path);
		json_array_append_new(files, f);
	}
	rc = git_diff_get_stats(&stats, diff);
	if (rc < 0)
		return gr_fail(err, rc, "count changed lines");
	json_put_int(ans, "insertions", (int64_t)git_diff_stats_insertions(stats));
	json_put_int(ans, "deletions", (int64_t)git_diff_stats_deletions(stats));
	return 0;
}

static int print_line(const git_diff_delta *d, const git_diff_hunk *h, const git_diff_line *l,
		      void *arg)
{
	struct buf *b = arg;
	size_t room = b->max - b->len;

	(void)d, (void)h;
	if (l->origin == GIT_DIFF_LINE_CONTEXT || l->origin == GIT_DIFF_LINE_ADDITION ||
	    l->origin == GIT_DIFF_LINE_DELETION)
		buf_addc(b, l->origin);
	/* One long line must not make the whole text vanish: what fits is kept. */
	if (l->content_len > room)
		buf_add(b, l->content, room > 1 ? room - 1 : 0);
	buf_add(b, l->content, l->content_len);
	return b->failed ? 1 : 0;
}

int gr_op_diff(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT;
	auto_git(git_diff) *diff = NULL;
	int64_t max;
	int rc;

	if (get_max(req, FILE_MAX, &max, err) < 0 || diff_of(g, req, ans, &diff, err) < 0)
		return -1;
	text.max = (size_t)max;
	rc = git_diff_print(diff, GIT_DIFF_FORMAT_PATCH, print_line, &text);
	if (rc < 0 && !text.failed)
		return gr_fail(err, rc, "print a diff");
	json_put(ans, "text", json_utf8(text.s, text.len));
	json_put_bool(ans, "cut", text.failed);
	return 0;
}

int gr_op_contains(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	git_oid commit, in;
	struct gr_repo *r;
	int rc;

	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_oid(req, "commit", &commit, err) < 0 ||
	    gr_get_oid(req, "in", &in, err) < 0)
		return -1;
	rc = gr_contains(r, &commit, &in, err);
	if (rc < 0)
		return -1;
	json_put_bool(ans, "contains", rc);
	return 0;
}

/* {tree, parent} of one that is here, else null. */
static int tree_json(struct gr_repo *r, const char *name, json_t **ret, struct err *err)
{
	auto_git(git_commit) *c = NULL;
	git_oid oid;

	if (gr_oid_parse(name, &oid, err) < 0)
		return -1;
	*ret = json_null();
	if (!git_odb_exists(r->odb, &oid))
		return 0;
	if (gr_commit_of(r, &oid, &c, err) < 0)
		return -1;
	*ret = json_object();
	gr_put_oid(*ret, "tree", git_commit_tree_id(c));
	gr_put_oid(*ret, "parent", git_commit_parentcount(c) ? git_commit_parent_id(c, 0) : NULL);
	return 0;
}

int gr_op_trees(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	json_t *trees = json_object();
	struct gr_repo *r;

	json_put(ans, "trees", trees);
	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_strings(req, "commits", &names, err) < 0)
		return -1;
	if (names.n > GR_TREES_MAX)
		return err_set(err, ERR_LIMIT, "key 'commits': %zu of them; at most %d", names.n,
			       GR_TREES_MAX);
	strvec_foreach (&names, name) {
		json_t *o;

		if (tree_json(r, *name, &o, err) < 0)
			return -1;
		json_put(trees, *name, o);
	}
	return 0;
}

static int get_heads(const json_t *req, git_oid **ret, size_t *ret_n, struct err *err)
{
	cleanup(strvec_release) struct strvec heads = STRVEC_INIT;
	autofree git_oid *oids = NULL;

	if (gr_get_strings(req, "heads", &heads, err) < 0)
		return -1;
	if (heads.n > GR_HEADS_MAX)
		return err_set(err, ERR_LIMIT, "key 'heads': %zu of them; at most %d", heads.n,
			       GR_HEADS_MAX);
	oids = xcalloc(heads.n + 1, sizeof(*oids));
	for (size_t i = 0; i < heads.n; i++)
		if (gr_oid_parse(heads.v[i], &oids[i], err) < 0)
			return err_wrap(err, "key 'heads[%zu]'", i);
	*ret = steal(&oids);
	*ret_n = heads.n;
	return 0;
}

static int cmp_oid(const void *a, const void *b)
{
	return git_oid_cmp(a, b);
}

static bool has_oid(const git_oid *v, size_t n, const git_oid *oid)
{
	return n && bsearch(oid, v, n, sizeof(*v), cmp_oid);
}

/* The set of commits that contain another one, in order. */
struct oids {
	git_oid *v;
	size_t n;
};

static void oids_release(struct oids *s)
{
	free(s->v);
}

static void oids_add(struct oids *s, const git_oid *oid)
{
	size_t i = s->n;

	if (!(s->n & (s->n + 1)))
		s->v = xreallocarray(s->v, 2 * s->n + 2, sizeof(*s->v));
	for (; i > 0 && git_oid_cmp(&s->v[i - 1], oid) > 0; i--)
		s->v[i] = s->v[i - 1];
	s->v[i] = *oid;
	s->n++;
}

static int too_long(const git_oid *head, struct err *err)
{
	return err_set(err, ERR_LIMIT, "history of %s: more than %d commits that are not in base",
		       git_oid_tostr_s(head), GR_NEW_MAX);
}

static void put_head(json_t *list, const git_oid *oid)
{
	json_array_append_new(list, json_string(git_oid_tostr_s(oid)));
}

static int walk_below(struct gr_repo *r, const git_oid *head, const git_oid *base,
		      const struct oids *heads, json_t *below, struct err *err)
{
	auto_git(git_revwalk) *walk = NULL;
	size_t seen = 0;
	git_oid oid;
	int rc;

	if (walk_new(r, head, base, &walk, err) < 0)
		return -1;
	while ((rc = git_revwalk_next(&oid, walk)) == 0) {
		if (++seen > GR_NEW_MAX)
			return too_long(head, err);
		if (!git_oid_equal(&oid, head) && has_oid(heads->v, heads->n, &oid))
			put_head(below, &oid);
	}
	return rc == GIT_ITEROVER ? 0 : gr_fail(err, rc, "history of %s", git_oid_tostr_s(head));
}

static int contains_one(struct gr_repo *r, const git_oid *oid, const git_oid *head,
			const struct oids *set, struct err *err)
{
	auto_git(git_commit) *c = NULL;

	if (gr_commit_of(r, oid, &c, err) < 0)
		return -1;
	for (unsigned i = 0; i < git_commit_parentcount(c); i++) {
		const git_oid *p = git_commit_parent_id(c, i);

		if (git_oid_equal(p, head) || has_oid(set->v, set->n, p))
			return 1;
	}
	return 0;
}

/* From the base upwards: a commit contains head when one of its parents does. */
static int walk_above(struct gr_repo *r, const git_oid *head, const git_oid *base,
		      const struct oids *heads, json_t *above, struct err *err)
{
	auto_git(git_revwalk) *walk = NULL;
	cleanup(oids_release) struct oids set = {0};
	size_t seen = 0;
	git_oid oid;
	int rc = git_revwalk_new(&walk, r->git);

	if (rc == 0)
		rc = git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	for (size_t i = 0; rc == 0 && i < heads->n; i++)
		rc = git_revwalk_push(walk, &heads->v[i]);
	if (rc == 0)
		rc = git_revwalk_hide(walk, base);
	while (rc == 0 && (rc = git_revwalk_next(&oid, walk)) == 0) {
		int has;

		if (++seen > GR_NEW_MAX * heads->n)
			return too_long(&heads->v[0], err);
		has = contains_one(r, &oid, head, &set, err);
		if (has < 0)
			return -1;
		if (!has)
			continue;
		oids_add(&set, &oid);
		if (has_oid(heads->v, heads->n, &oid))
			put_head(above, &oid);
	}
	return rc == GIT_ITEROVER ? 0 : gr_fail(err, rc, "history of the heads in %s", r->path);
}

/* All in one walk; when the history of one of them is broken each alone, so that it is that one's matter
 * only: it cannot be built either. */
static void find_above(struct gr_repo *r, const git_oid *head, const git_oid *base,
		       const struct oids *heads, json_t *above)
{
	cleanup(err_release) struct err why = ERR_INIT;

	if (walk_above(r, head, base, heads, above, &why) == 0)
		return;
	json_array_clear(above);
	for (size_t i = 0; i < heads->n; i++) {
		cleanup(err_release) struct err none = ERR_INIT;
		struct oids one = {&heads->v[i], 1};

		walk_above(r, head, base, &one, above, &none);
	}
}

/* Equal heads do not contain each other here: the relation is an order, never a cycle. */
int gr_op_contained(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(oids_release) struct oids heads = {0};
	json_t *below = json_array(), *above = json_array();
	struct gr_repo *r;
	git_oid base, head;
	size_t n = 0;

	json_put(ans, "below", below);
	json_put(ans, "above", above);
	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_oid(req, "base", &base, err) < 0 ||
	    gr_get_oid(req, "head", &head, err) < 0 || get_heads(req, &heads.v, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!git_oid_equal(&heads.v[i], &head) && git_odb_exists(r->odb, &heads.v[i]))
			heads.v[heads.n++] = heads.v[i];
	if (heads.n)
		qsort(heads.v, heads.n, sizeof(*heads.v), cmp_oid);
	if (walk_below(r, &head, &base, &heads, below, err) < 0)
		return -1;
	if (heads.n)
		find_above(r, &head, &base, &heads, above);
	return 0;
}
