/* extract.c - see extract.h */
#include "git/extract.h"

#include "base/mem.h"
#include "git/decode.h"
#include "git/tree.h"
#include "sys/fs.h"

struct reading {
	struct gr_repo *repo;
	bool oids;
	json_t *files;
};

static int add_file(const struct reading *x, const char *path, const git_oid *oid, struct err *err)
{
	auto_git(git_odb_object) *blob = NULL;
	json_t *o;

	if (json_array_size(x->files) >= EXTRACT_FILES_MAX)
		return err_set(err, ERR_LIMIT, "'%s': more than %d files to read", path,
			       EXTRACT_FILES_MAX);
	if (!x->oids && gr_blob_read(x->repo, oid, EXTRACT_BYTES_MAX, &blob, err) < 0)
		return err_wrap(err, "file '%s'", path);
	o = json_object();
	json_put_str(o, "path", path);
	gr_put_oid(o, "oid", oid);
	if (blob)
		json_put(o, "text",
			 json_utf8(git_odb_object_data(blob), git_odb_object_size(blob)));
	json_array_append_new(x->files, o);
	return 0;
}

/* A file, or a folder with everything below it; symlinks and submodules are not followed. */
static int add_entry(const struct reading *x, const char *path, unsigned mode, const git_oid *oid,
		     int depth, struct err *err)
{
	cleanup(gr_tree_release) struct gr_tree t = {0};

	if (mode == GR_MODE_FILE || mode == GR_MODE_EXEC)
		return add_file(x, path, oid, err);
	if (mode != GR_MODE_DIR || depth > 8)
		return 0;
	if (gr_tree_read(x->repo, oid, &t, err) < 0)
		return -1;
	for (size_t i = 0; i < t.n; i++) {
		autofree char *below = xasprintf("%s/%.*s", path, (int)t.e[i].len, t.e[i].name);

		if (add_entry(x, below, t.e[i].mode, &t.e[i].oid, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

int gr_op_tree_read(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	auto_git(git_commit) *c = NULL;
	cleanup(strvec_release) struct strvec paths = STRVEC_INIT;
	struct reading x = {.oids = json_flag(req, "oids"), .files = json_array()};

	json_put(ans, "files", x.files);
	if (gr_get_repo(g, req, &x.repo, err) < 0 ||
	    gr_get_commit(x.repo, req, "commit", &c, err) < 0 ||
	    gr_get_strings(req, "paths", &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++) {
		unsigned mode;
		git_oid oid;
		int rc = gr_tree_path(x.repo, git_commit_tree_id(c), paths.v[i], &mode, &oid, err);

		if (rc < 0 || (rc > 0 && add_entry(&x, paths.v[i], mode, &oid, 0, err) < 0))
			return -1;
	}
	return 0;
}

int gr_op_config_set(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	auto_git(git_config) *config = NULL;
	struct gr_repo *r;
	const char *key;
	json_t *values, *v;
	int rc;

	(void)ans;
	if (gr_get_repo(g, req, &r, err) < 0 || json_get_object(req, "values", &values, err) < 0)
		return -1;
	rc = git_repository_config(&config, r->git);
	json_object_foreach (values, key, v) {
		if (rc == 0)
			rc = git_config_set_string(config, key, json_string_value(v));
	}
	return rc < 0 ? gr_fail(err, rc, "repository %s: configuration", r->path) : 0;
}

int gr_op_remove(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	const char *path;

	(void)g;
	(void)ans;
	return gr_get_path(req, "path", &path, err) < 0 ? -1 : fs_remove_tree(path, err);
}
