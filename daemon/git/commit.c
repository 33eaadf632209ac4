/* commit.c - see commit.h */
#include "git/commit.h"

#include "base/glob.h"
#include "base/mask.h"
#include "git/modules.h"
#include "git/names.h"
#include "git/refs.h"
#include "git/scan.h"
#include "git/sign.h"
#include "git/tree.h"
#include "git/worktree.h"
#include "sys/fs.h"

#include <ctype.h>

struct job {
	struct gr *g;
	struct gr_repo *r;
	const char *path, *message, *sign_key;
	char *branch, *index;
	git_oid parent, base; /* commits */
	git_oid parent_tree, base_tree, tree;
	struct strvec allow, protect, except;
	struct gr_limits limits;
	struct gr_modules modules;
	git_signature *author;
	int64_t since_ms;
	struct gr_refusal refusal;
	struct mask *secrets; /* values that no commit may hold */
	json_t *files;        /* paths that differ from base */
	int64_t bytes;
};

static void job_release(struct job *j)
{
	free(j->branch);
	free(j->index);
	strvec_release(&j->allow);
	strvec_release(&j->protect);
	strvec_release(&j->except);
	git_signature_free(j->author);
	gr_modules_release(&j->modules);
	gr_refusal_release(&j->refusal);
	mask_free(j->secrets);
	json_decref(j->files);
}

static int get_limit(const json_t *req, const char *key, int64_t *ret, struct err *err)
{
	if (json_get_int(req, key, ret, err) < 0)
		return -1;
	if (*ret < 1)
		return err_set(err, ERR_INPUT, "key '%s': found %lld, expected at least 1", key,
			       (long long)*ret);
	return 0;
}

static char *lower(const char *s)
{
	char *r = xstrdup(s);

	for (char *p = r; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return r;
}

/* "secrets": texts, wiped here as soon as they are understood. */
static int get_secrets(const json_t *req, struct job *j, struct err *err)
{
	const json_t *a = json_object_get(req, "secrets"), *v;
	size_t i;

	j->secrets = mask_new();
	if (a && !json_is_array(a))
		return err_set(err, ERR_INPUT, "key 'secrets': expected a list of texts");
	json_array_foreach (a, i, v) {
		if (!json_is_string(v))
			return err_set(err, ERR_INPUT, "key 'secrets': expected a list of texts");
		mask_add(j->secrets, json_string_value(v));
		mem_wipe((char *)json_string_value(v), json_string_length(v));
	}
	return 0;
}

static int decode(struct gr *g, const json_t *req, struct job *j, struct err *err)
{
	autofree char *admin = NULL;
	const char *name;

	j->g = g;
	j->files = json_array();
	if (gr_get_repo(g, req, &j->r, err) < 0 || gr_get_path(req, "path", &j->path, err) < 0 ||
	    gr_get_name(req, "name", &name, err) < 0 ||
	    gr_get_branch(req, "branch", &j->branch, err) < 0 ||
	    gr_get_oid(req, "parent", &j->parent, err) < 0 ||
	    gr_get_oid(req, "base", &j->base, err) < 0 ||
	    gr_get_globs(req, "allow", &j->allow, err) < 0 ||
	    gr_get_globs(req, "protect", &j->protect, err) < 0 ||
	    gr_get_globs(req, "except", &j->except, err) < 0 ||
	    get_limit(req, "max_file_bytes", &j->limits.file_bytes, err) < 0 ||
	    get_limit(req, "max_files", &j->limits.files, err) < 0 ||
	    get_limit(req, "max_bytes", &j->limits.bytes, err) < 0 ||
	    json_get_str(req, "message", &j->message, err) < 0 ||
	    json_opt_str(req, "sign_key", &j->sign_key, err) < 0 ||
	    json_opt_int(req, "since_ms", &j->since_ms, err) < 0 ||
	    gr_modules_decode(req, &j->modules, err) < 0 || gr_get_author(req, &j->author, err) < 0)
		return -1;
	for (size_t i = 0; i < j->protect.n; i++) {
		autofree char *was = j->protect.v[i];

		j->protect.v[i] = lower(was);
	}
	admin = gr_admin_dir(j->r, name);
	j->index = path_join(admin, "index");
	if (gr_tree_of(j->r, &j->parent, &j->parent_tree, err) < 0)
		return -1;
	return get_secrets(req, j, err) < 0 ? -1 : gr_tree_of(j->r, &j->base, &j->base_tree, err);
}

static bool has_dotgit(const char *path)
{
	for (;;) {
		size_t n = strcspn(path, "/");

		if (gr_name_is_dotgit(path, n))
			return true;
		if (!path[n])
			return false;
		path += n + 1;
	}
}

/* A link with the name of a folder that is protected at any depth, or of one above it. */
static bool leads_to_protected(const struct job *j, const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	size_t n = strlen(name);

	for (size_t i = 0; i < j->protect.n; i++) {
		const char *glob = j->protect.v[i];

		if (!strncmp(glob, "**/", 3) && !strncmp(glob + 3, name, n) && glob[3 + n] == '/')
			return true;
	}
	return false;
}

/*
 * Case does not count: on the file systems of many who check it out ".GitHub" is ".github". Nor may
 * something else stand where a protected folder would be: tools follow a link there.
 */
static bool is_protected(const struct job *j, const struct gr_change *c)
{
	autofree char *path = lower(c->path);
	size_t n = strlen(path);

	if (glob_match_any(&j->except, c->path))
		return false;
	if (glob_match_any(&j->protect, path))
		return true;
	for (size_t i = 0; c->new_mode && c->new_mode != c->old_mode && i < j->protect.n; i++)
		if (!strncmp(j->protect.v[i], path, n) && j->protect.v[i][n] == '/')
			return true;
	return c->new_mode == GR_MODE_LINK && leads_to_protected(j, path);
}

static int check_size(struct job *j, const struct gr_change *c, struct err *err)
{
	git_object_t type;
	size_t size;
	int rc;

	if (!c->new_mode || git_oid_equal(&c->old_oid, &c->new_oid))
		return 0;
	rc = git_odb_read_header(&size, &type, j->r->odb, &c->new_oid);
	if (rc < 0)
		return gr_fail(err, rc, "blob of '%s'", c->path);
	j->bytes += (int64_t)size;
	if ((int64_t)size > j->limits.file_bytes)
		return gr_refuse(&j->refusal, c->path, "file-size",
				 "%zu bytes; at most %lld are allowed in one file", size,
				 (long long)j->limits.file_bytes);
	if (j->bytes > j->limits.bytes)
		return gr_refuse(&j->refusal, c->path, "total-size",
				 "the new and changed files have more than %lld bytes together",
				 (long long)j->limits.bytes);
	return 0;
}

/* `<<<<<<< COMMIT` or `>>>>>>> COMMIT`, as worktree-rebase leaves it: the line's number, or 0. A file that is about
 * such markers has names there, not commits. */
static size_t marker_line(const char *p, size_t n)
{
	const char *end = p + n;

	for (size_t line = 1; p < end; line++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((eol ? eol : end) - p), hex = 0;

		if (len > 8 && (!memcmp(p, "<<<<<<< ", 8) || !memcmp(p, ">>>>>>> ", 8)))
			while (8 + hex < len && isxdigit((unsigned char)p[8 + hex]))
				hex++;
		if (hex == 40 || hex == 64)
			return line;
		p += len + 1;
	}
	return 0;
}

/* A value that the agent was handed: as itself, or as base64 and the like. */
static int holds_secret(struct job *j, const struct gr_change *c, git_odb_object *o)
{
	if (mask_found(j->secrets, git_odb_object_data(o), git_odb_object_size(o)))
		return gr_refuse(
			&j->refusal, c->path, "secret",
			"holds a secret value that the agent was handed (agents: env), as it is or "
			"encoded; take it out of the file");
	return 0;
}

/* What an agent was to resolve, and left; and what it was to keep to itself. */
static int check_text(struct job *j, const struct gr_change *c, struct err *err)
{
	auto_git(git_odb_object) *o = NULL;
	size_t line;
	int rc;

	if (!c->new_mode || git_oid_equal(&c->old_oid, &c->new_oid))
		return 0;
	rc = git_odb_read(&o, j->r->odb, &c->new_oid);
	if (rc < 0)
		return gr_fail(err, rc, "blob of '%s'", c->path);
	line = marker_line(git_odb_object_data(o), git_odb_object_size(o));
	return line ? gr_refuse(&j->refusal, c->path, "conflict-marker",
				"line %zu still has a marker of the conflict", line)
		    : holds_secret(j, c, o);
}

/* One path of the difference from base; the first one that is wrong ends it with 1. */
static int check_change(void *arg, const struct gr_change *c, struct err *err)
{
	struct job *j = arg;
	struct gr_refusal *no = &j->refusal;
	int rc;

	json_array_append_new(j->files, json_utf8(c->path, strlen(c->path)));
	if (c->old_mode == GR_MODE_SUB || c->new_mode == GR_MODE_SUB)
		return gr_refuse(no, c->path, "submodule", "a submodule was added or changed");
	if (c->new_mode && mask_found(j->secrets, c->path, strlen(c->path)))
		return gr_refuse(
			no, "(a file name)", "secret",
			"a file or folder is named with a secret value that the agent was handed "
			"(agents: env); rename it");
	if (c->new_mode && has_dotgit(c->path))
		return gr_refuse(no, c->path, "dot-git", "a name that means Git's own folder");
	if (is_protected(j, c))
		return gr_refuse(no, c->path, "protected",
				 "a protected file; a blueprint has to allow it by name");
	if (!glob_match_any(&j->allow, c->path))
		return gr_refuse(no, c->path, "outside-allow",
				 "outside of what the task may touch");
	if ((int64_t)json_array_size(j->files) > j->limits.files)
		return gr_refuse(no, c->path, "file-count",
				 "more than %lld files are new or changed",
				 (long long)j->limits.files);
	rc = check_size(j, c, err);
	return rc ? rc : check_text(j, c, err);
}

static int put_refusal(const struct gr_refusal *no, json_t *ans)
{
	json_put_str(ans, "outcome", "refused");
	json_put_str(ans, "path", no->path);
	json_put_str(ans, "reason", no->reason);
	json_put_str(ans, "text", no->text);
	return 0;
}

/* Was it this very commit that an earlier, killed call made? A signature may differ. */
static int is_ours(struct job *j, const git_oid *tip, struct err *err)
{
	auto_git(git_commit) *c = NULL;

	if (gr_commit_of(j->r, tip, &c, err) < 0)
		return -1;
	return git_commit_parentcount(c) == 1 &&
	       git_oid_equal(git_commit_parent_id(c, 0), &j->parent) &&
	       git_oid_equal(git_commit_tree_id(c), &j->tree) &&
	       git_commit_time(c) == j->author->when.time;
}

static int move_branch(struct job *j, git_oid *commit, struct err *err)
{
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;
	git_oid found;
	bool has;
	int rc;

	if (gr_ref_guard(j->r, &guard, err) < 0)
		return -1;
	rc = gr_ref_move(j->g, j->r, j->branch, &j->parent, commit, false, &found, &has, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = has ? is_ours(j, &found, err) : 0;
	if (rc < 0)
		return -1;
	if (!rc)
		return err_set(err, ERR_EXISTS,
			       "branch %s in %s: found %s, expected the commit's parent", j->branch,
			       j->r->path, has ? git_oid_tostr_s(&found) : "no such branch");
	*commit = found;
	return 0;
}

static int write_commit(struct job *j, git_oid *ret, struct err *err)
{
	struct gr_commit c = {.author = j->author,
			      .committer = j->author,
			      .message = j->message,
			      .tree = j->tree,
			      .parents = &j->parent,
			      .nparents = 1,
			      .sign_key = j->sign_key};

	if (git_oid_equal(&j->tree, &j->parent_tree)) {
		*ret = j->parent;
		return 0;
	}
	if (gr_commit_put(j->r, &c, ret, err) < 0 || gr_mem_flush(j->r, err) < 0)
		return -1;
	return move_branch(j, ret, err);
}

static void put_ignored(struct gr_scan *s, json_t *ans)
{
	json_t *a = json_array();

	strvec_sort(&s->ignored);
	strvec_foreach (&s->ignored, path)
		json_array_append_new(a, json_utf8(*path, strlen(*path)));
	json_put(ans, "ignored", a);
	json_put_bool(ans, "ignored_more", s->ignored_more);
	strvec_release(&s->ignored);
}

static int run(struct job *j, json_t *ans, struct err *err)
{
	cleanup(gr_stats_release) struct gr_stats known = {0};
	auto_git(git_index) *index = NULL;
	struct gr_scan s = {.r = j->r,
			    .g = j->g,
			    .modules = &j->modules,
			    .limits = j->limits,
			    .since_ms = j->since_ms};
	git_oid commit;
	int rc = gr_modules_find(j->g, j->r, &j->parent_tree, &j->modules, ans, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	if (gr_stats_load(j->index, &known, err) < 0 || gr_stats_begin(j->index, &index, err) < 0)
		return -1;
	s.known = &known;
	s.index = index;
	rc = gr_scan_folder(&s, j->path, &j->parent_tree, &j->tree, err);
	j->refusal = s.refusal;
	put_ignored(&s, ans);
	if (rc == 0)
		rc = gr_tree_changes(j->r, &j->base_tree, &j->tree, check_change, j, err);
	if (rc)
		return rc < 0 ? -1 : put_refusal(&j->refusal, ans);
	if (git_oid_equal(&j->tree, &j->base_tree)) {
		json_put_str(ans, "outcome", "unchanged");
		return 0;
	}
	if (write_commit(j, &commit, err) < 0 || gr_stats_finish(index, j->index, err) < 0)
		return -1;
	json_put_str(ans, "outcome", "committed");
	gr_put_oid(ans, "commit", &commit);
	gr_put_oid(ans, "tree", &j->tree);
	json_put(ans, "files", json_incref(j->files));
	return 0;
}

int gr_op_worktree_commit(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(job_release) struct job j = {0};
	int rc;

	if (decode(g, req, &j, err) < 0)
		return -1;
	rc = run(&j, ans, err);
	gr_mem_drop(j.r);
	return rc;
}
