/* mergedir.c - see mergedir.h */
#include "git/mergedir.h"

#include "git/attr.h"
#include "git/checkout.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <unistd.h>

#define INFO_MAX ((size_t)1 << 20)

void gr_mergedir_release(struct gr_mergedir *m)
{
	git_odb_free(m->odb);
	if (m->dir && m->later)
		strvec_push(m->later, m->dir);
	else if (m->dir)
		fs_remove_tree(m->dir, NULL);
	free(m->dir);
	free(m->tree);
	strvec_release(&m->env);
	*m = (struct gr_mergedir){0};
}

/* A path in a list that ':' separates, quoted the way git reads it. */
static char *quoted(const char *path)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_addc(&b, '"');
	for (; *path; path++) {
		if (*path == '"' || *path == '\\')
			buf_addc(&b, '\\');
		buf_addc(&b, *path);
	}
	buf_addc(&b, '"');
	return buf_steal(&b);
}

/* What the merge writes goes to a store that reads the repository as an alternate. */
static int quarantine(struct gr_mergedir *m, const char *repo, const char *objects, struct err *err)
{
	autofree char *all = path_join(repo, "objects");
	autofree char *alternate = quoted(all);
	git_odb_backend *loose = NULL;
	int rc = git_odb_new(&m->odb);

	if (rc == 0)
		rc = git_odb_backend_loose(&loose, objects, -1, 0, 0, 0);
	if (rc == 0)
		rc = git_odb_add_backend(m->odb, loose, 1);
	if (rc < 0)
		return gr_fail(err, rc, "quarantine %s", objects);
	strvec_pushf(&m->env, "GIT_OBJECT_DIRECTORY=%s", objects);
	strvec_pushf(&m->env, "GIT_ALTERNATE_OBJECT_DIRECTORIES=%s", alternate);
	return 0;
}

static int add_info(const struct gr_mergedir *m, const char *repo, struct err *err)
{
	autofree char *from = path_join(repo, "info/attributes");
	autofree char *info = path_join(m->dir, "info");
	cleanup(buf_release) struct buf text = BUF_INIT;

	if (access(from, F_OK) < 0)
		return 0;
	if (fs_read(from, INFO_MAX, &text, err) < 0 || fs_mkdir_p(info, 0700, err) < 0)
		return -1;
	return gr_write_text(info, "attributes", text.s, err);
}

static int fill(struct gr_mergedir *m, struct gr_repo *r, struct err *err)
{
	static const char config[] = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n";
	autofree char *objects = path_join(m->dir, "objects"), *refs = path_join(m->dir, "refs");
	autofree char *shallow = path_join(r->path, "shallow"), *packs = path_join(objects, "pack");

	m->tree = path_join(m->dir, "tree");
	if (fs_mkdir_p(packs, 0700, err) < 0 || fs_mkdir_p(refs, 0700, err) < 0 ||
	    fs_mkdir_p(m->tree, 0700, err) < 0 ||
	    gr_write_text(m->dir, "HEAD", "ref: refs/heads/none\n", err) < 0 ||
	    gr_write_text(m->dir, "config", config, err) < 0 || add_info(m, r->path, err) < 0)
		return -1;
	strvec_pushf(&m->env, "GIT_DIR=%s", m->dir);
	strvec_pushf(&m->env, "GIT_WORK_TREE=%s", m->tree);
	if (access(shallow, F_OK) == 0)
		strvec_pushf(&m->env, "GIT_SHALLOW_FILE=%s", shallow);
	if (gr_mem_show(r, packs, err) < 0)
		return -1;
	return quarantine(m, r->path, objects, err);
}

/* One object and what it names; 0 also when Git had it already, and then all below it. */
static int keep_object(const struct gr_mergedir *m, struct gr_repo *r, const git_oid *oid,
		       int depth, struct err *err)
{
	auto_git(git_odb_object) *o = NULL;
	cleanup(gr_tree_release) struct gr_tree t = {0};
	git_oid same;
	int rc = git_odb_read(&o, m->odb, oid);

	if (rc == GIT_ENOTFOUND)
		return 0;
	if (rc < 0)
		return gr_fail(err, rc, "merged object %s", git_oid_tostr_s(oid));
	if (depth > GR_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "a path over %d folders deep", GR_DEPTH_MAX);
	if (gr_mem_put(r, git_odb_object_type(o), git_odb_object_data(o), git_odb_object_size(o),
		       &same, err) < 0)
		return -1;
	if (git_odb_object_type(o) != GIT_OBJECT_TREE)
		return 0;
	if (gr_tree_read(r, oid, &t, err) < 0)
		return -1;
	for (size_t i = 0; i < t.n; i++)
		if (t.e[i].mode != GR_MODE_SUB &&
		    keep_object(m, r, &t.e[i].oid, depth + 1, err) < 0)
			return -1;
	return 0;
}

int gr_mergedir_keep(const struct gr_mergedir *m, struct gr_repo *r, const git_oid *tree,
		     struct err *err)
{
	return keep_object(m, r, tree, 0, err);
}

int gr_mergedir_make(struct gr *g, struct gr_repo *r, const git_oid *attrs, struct gr_mergedir *ret,
		     struct err *err)
{
	/* Git's own prefix for temporary objects. */
	autofree char *dir = xasprintf("%s/objects/tmp_objdir-merge-XXXXXX", r->path);
	struct gr_mergedir m = {.later = g->later};

	if (!mkdtemp(dir))
		return err_errno(err, "make %s", dir);
	m.dir = steal(&dir);
	if (fill(&m, r, err) < 0 || gr_attr_files(g, r, attrs, m.tree, err) < 0) {
		gr_mergedir_release(&m);
		return -1;
	}
	*ret = m;
	return 0;
}
