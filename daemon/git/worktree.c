/* worktree.c - see worktree.h */
#include "git/worktree.h"

#include "git/checkout.h"
#include "git/gitdir.h"
#include "git/merge.h"
#include "git/modules.h"
#include "git/refs.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <dirent.h>

struct place {
	struct gr_repo *r;
	const char *path, *gitdir;
	char *admin, *index;
	struct gr_lfs_missing missing; /* of Git LFS */
	struct gr_modules modules;
	struct gr_gitdir git; /* what of it a request says */
};

static void place_release(struct place *p)
{
	free(p->admin);
	free(p->index);
	gr_modules_release(&p->modules);
	gr_lfs_missing_release(&p->missing);
	gr_gitdir_release(&p->git);
}

char *gr_admin_dir(const struct gr_repo *r, const char *name)
{
	return xasprintf("%s/worktrees/%s", r->path, name);
}

static int get_place(struct gr *g, const json_t *req, struct place *p, struct err *err)
{
	if (gr_get_repo(g, req, &p->r, err) < 0 || gr_get_path(req, "path", &p->path, err) < 0)
		return -1;
	if (gr_gitdir_decode(req, &p->git, err) < 0 ||
	    gr_lfs_missing_decode(req, &p->missing, err) < 0 ||
	    gr_modules_decode(req, &p->modules, err) < 0)
		return -1;
	return gr_get_path(req, "gitdir", &p->gitdir, err);
}

static int write_admin(const struct place *p, const char *branch, struct err *err)
{
	autofree char *gitdir = xasprintf("%s/.git\n", p->path);
	autofree char *head = xasprintf("ref: %s\n", branch);

	if (fs_mkdir_p(p->admin, 0755, err) < 0 ||
	    gr_write_text(p->admin, "gitdir", gitdir, err) < 0 ||
	    gr_write_text(p->admin, "commondir", "../..\n", err) < 0)
		return -1;
	return gr_write_text(p->admin, "HEAD", head, err);
}

static int write_gitdir(const struct place *p, const char *branch, const git_oid *commit,
			const char *index, struct err *err)
{
	cleanup(buf_release) struct buf config = BUF_INIT;
	struct gr_gitdir d = p->git;

	gr_modules_config(&p->modules, &config);
	d.config = config.s;
	d.r = p->r;
	d.path = p->gitdir;
	d.ref = branch;
	d.oid = commit;
	d.index = index;
	return gr_gitdir_write(&d, err);
}

/* Files, then the private directory, then the index that says "complete". That does not come when `ans` says what is to be
 * fetched first. */
static int build(struct gr *g, struct place *p, const char *branch, const git_oid *commit,
		 const git_oid *tree, const struct gr_stats *known, json_t *ans, struct err *err)
{
	auto_git(git_index) *index = NULL;
	autofree char *staged = xasprintf("%s.new", p->index);
	struct gr_sync s = {.r = p->r,
			    .known = known,
			    .keep_ignored = known != NULL,
			    .lfs = p->missing.on ? &p->missing : NULL};
	int rc;

	if (gr_stats_begin(p->index, &index, err) < 0)
		return -1;
	s.index = index;
	if (gr_sync_tree(&s, tree, p->path, err) < 0 || gr_write_dotgit(p->path, p->admin, err) < 0)
		return -1;
	if (gr_stats_write(index, p->index, err) < 0 ||
	    write_gitdir(p, branch, commit, staged, err) < 0 ||
	    gr_modules_write(g, &p->modules, p->path, p->gitdir,
			     known ? GR_MODULES_KEEP_IGNORED : 0, s.lfs, err) < 0)
		return -1;
	rc = gr_lfs_missing_settle(&p->missing, p->r, ans, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	return rename(staged, p->index) < 0 ? err_errno(err, "rename %s", staged) : 0;
}

/* The branch at `start`, unless it exists; *ret is where it is. */
static int ensure_branch(struct gr *g, struct gr_repo *r, const char *ref, const git_oid *start,
			 git_oid *ret, struct err *err)
{
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;
	bool has;
	int rc;

	if (gr_ref_guard(r, &guard, err) < 0)
		return -1;
	rc = gr_ref_move(g, r, ref, NULL, start, false, ret, &has, err);
	if (rc == 1)
		*ret = *start;
	return rc < 0 ? -1 : 0;
}

int gr_op_worktree_add(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(place_release) struct place p = {0};
	auto_git(git_commit) *start = NULL;
	auto_git(git_commit) *head = NULL;
	autofree char *branch = NULL;
	const char *name;
	git_oid at;
	int rc;

	if (get_place(g, req, &p, err) < 0 || gr_get_name(req, "name", &name, err) < 0 ||
	    gr_get_branch(req, "branch", &branch, err) < 0 ||
	    gr_get_commit(p.r, req, "start", &start, err) < 0 ||
	    ensure_branch(g, p.r, branch, git_commit_id(start), &at, err) < 0 ||
	    gr_commit_of(p.r, &at, &head, err) < 0)
		return -1;
	p.admin = gr_admin_dir(p.r, name);
	p.index = path_join(p.admin, "index");
	gr_put_oid(ans, "head", &at);
	if (fs_exists(p.index) && fs_exists(p.path) && fs_exists(p.gitdir))
		return 0;
	rc = gr_modules_find(g, p.r, git_commit_tree_id(head), &p.modules, ans, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (fs_remove_tree(p.admin, err) < 0 || write_admin(&p, branch, err) < 0 ||
	    gr_fresh_dir(p.path, err) < 0)
		return -1;
	return build(g, &p, branch, &at, git_commit_tree_id(head), NULL, ans, err);
}

/* Which worktree of the repository is at this path? Its admin folder, or NULL. */
static char *admin_of(const struct gr_repo *r, const char *path)
{
	autofree char *all = path_join(r->path, "worktrees");
	autofree char *want = xasprintf("%s/.git\n", path);
	DIR *dir = opendir(all);
	char *found = NULL;
	struct dirent *d;

	while (dir && !found && (d = readdir(dir))) {
		cleanup(buf_release) struct buf text = BUF_INIT_MAX(8192);
		autofree char *admin = path_join(all, d->d_name);
		autofree char *file = path_join(admin, "gitdir");

		if (d->d_name[0] != '.' && fs_read(file, 8000, &text, NULL) == 0 &&
		    !strcmp(text.s, want))
			found = steal(&admin);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* The branch that the host recorded, never the one that a private directory names. */
static int admin_branch(const char *admin, char **ret, struct err *err)
{
	cleanup(buf_release) struct buf head = BUF_INIT_MAX(4096);
	autofree char *file = path_join(admin, "HEAD");

	if (fs_read(file, 4000, &head, err) < 0)
		return -1;
	buf_rtrim(&head);
	if (strncmp(head.s, "ref: refs/heads/", 16) || gr_check_ref(head.s + 5, NULL) < 0)
		return err_set(err, ERR_CORRUPT, "%s: expected a branch, found '%.100s'", file,
			       head.s);
	*ret = xstrdup(head.s + 5);
	return 0;
}

/* The private directory alone. It was the run's, and may be in any state. */
static int renew_gitdir(struct gr *g, const struct place *p, const char *branch,
			const git_oid *commit, struct err *err)
{
	if (write_gitdir(p, branch, commit, p->index, err) < 0)
		return -1;
	return gr_modules_write(g, &p->modules, p->path, p->gitdir, GR_MODULES_WHERE_REAL, NULL,
				err);
}

int gr_op_worktree_restore(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	bool keep_files = false;
	cleanup(gr_stats_release) struct gr_stats known = {0};
	cleanup(place_release) struct place p = {0};
	auto_git(git_commit) *c = NULL;
	autofree char *branch = NULL;
	int rc;

	if (get_place(g, req, &p, err) < 0 || gr_get_commit(p.r, req, "commit", &c, err) < 0 ||
	    json_opt_bool(req, "keep_files", &keep_files, err) < 0)
		return -1;
	rc = gr_modules_find(g, p.r, git_commit_tree_id(c), &p.modules, ans, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	p.admin = admin_of(p.r, p.path);
	if (!p.admin)
		return err_set(err, ERR_NOT_FOUND, "%s has no worktree at %s", p.r->path, p.path);
	p.index = path_join(p.admin, "index");
	if (admin_branch(p.admin, &branch, err) < 0)
		return -1;
	if (keep_files)
		return renew_gitdir(g, &p, branch, git_commit_id(c), err);
	if (gr_stats_load(p.index, &known, err) < 0)
		return -1;
	if (!fs_exists(p.path) && gr_fresh_dir(p.path, err) < 0)
		return -1;
	return build(g, &p, branch, git_commit_id(c), git_commit_tree_id(c), &known, ans, err);
}

/* From `head` to `onto`; an earlier call may have done it. */
static int move_onto(struct gr *g, struct gr_repo *r, const char *ref, const git_oid *head,
		     const git_oid *onto, struct err *err)
{
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;
	git_oid found;
	bool has;
	int rc;

	if (gr_ref_guard(r, &guard, err) < 0)
		return -1;
	rc = gr_ref_move(g, r, ref, head, onto, false, &found, &has, err);
	if (rc != 0 || (has && git_oid_equal(&found, onto)))
		return rc < 0 ? -1 : 0;
	return err_set(err, ERR_EXISTS, "branch %s in %s: found %s, expected the head of the work",
		       ref, r->path, has ? git_oid_tostr_s(&found) : "no such branch");
}

/* Git's own merge, for its markers; its objects are written, for a commit may come to need them. */
static int merge_onto(struct gr *g, struct gr_repo *r, const git_oid *head, const git_oid *onto,
		      const git_oid *from, struct gr_merge_out *ret, struct err *err)
{
	struct gr_merge_in in = {
		.ours = *onto, .theirs = *head, .keep = true, .keep_conflict = true};
	char head_hex[GIT_OID_HEXSZ + 1];
	int rc = gr_tree_of(r, onto, &in.attrs, err);

	in.explicit_base = from != NULL;
	in.ours_tree = in.attrs;
	if (from && rc == 0)
		rc = gr_tree_of(r, from, &in.ancestor_tree, err) < 0
			     ? -1
			     : gr_tree_of(r, head, &in.theirs_tree, err);
	if (rc == 0)
		rc = gr_merge_by_git(g, r, &in, ret, err);
	if (rc == 0)
		rc = gr_mem_flush(r, err);
	git_oid_tostr(head_hex, sizeof(head_hex), head);
	gr_mem_drop(r);
	if (rc == 0 && ret->refused)
		return err_set(err, ERR_STATE, "merge %s onto %s: %s", head_hex,
			       git_oid_tostr_s(onto), ret->text);
	return rc;
}

int gr_op_worktree_rebase(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(gr_merge_out_release) struct gr_merge_out merged = {0};
	cleanup(gr_stats_release) struct gr_stats known = {0};
	cleanup(place_release) struct place p = {0};
	autofree char *branch = NULL;
	bool has_from = json_str(req, "from", NULL) != NULL;
	git_oid head, onto, from;
	int rc;

	if (get_place(g, req, &p, err) < 0 || gr_get_oid(req, "head", &head, err) < 0 ||
	    gr_get_oid(req, "onto", &onto, err) < 0 ||
	    (has_from && gr_get_oid(req, "from", &from, err) < 0))
		return -1;
	p.admin = admin_of(p.r, p.path);
	if (!p.admin)
		return err_set(err, ERR_NOT_FOUND, "%s has no worktree at %s", p.r->path, p.path);
	p.index = path_join(p.admin, "index");
	if (admin_branch(p.admin, &branch, err) < 0 || gr_stats_load(p.index, &known, err) < 0 ||
	    merge_onto(g, p.r, &head, &onto, has_from ? &from : NULL, &merged, err) < 0)
		return -1;
	rc = gr_modules_find(g, p.r, &merged.tree, &p.modules, ans, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (move_onto(g, p.r, branch, &head, &onto, err) < 0)
		return -1;
	if (merged.clean)
		json_put_str(ans, "outcome", "clean");
	else
		gr_put_conflict(ans, &merged);
	if (!fs_exists(p.path) && gr_fresh_dir(p.path, err) < 0)
		return -1;
	return build(g, &p, branch, &onto, &merged.tree, &known, ans, err);
}

static int drop_branch(struct gr *g, struct gr_repo *r, const char *ref, struct err *err)
{
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;
	git_oid found;
	bool has;

	if (gr_ref_guard(r, &guard, err) < 0)
		return -1;
	return gr_ref_move(g, r, ref, NULL, NULL, true, &found, &has, err) < 0 ? -1 : 0;
}

int gr_op_worktree_remove(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(place_release) struct place p = {0};
	autofree char *branch = NULL;
	bool drop = false;
	const char *name;

	(void)ans;
	if (get_place(g, req, &p, err) < 0 || gr_get_name(req, "name", &name, err) < 0 ||
	    gr_get_branch(req, "branch", &branch, err) < 0 ||
	    json_opt_bool(req, "delete_branch", &drop, err) < 0)
		return -1;
	p.admin = gr_admin_dir(p.r, name);
	if (fs_remove_tree(p.path, err) < 0 || fs_remove_tree(p.gitdir, err) < 0 ||
	    fs_remove_tree(p.admin, err) < 0)
		return -1;
	return drop ? drop_branch(g, p.r, branch, err) : 0;
}
