/* repo.c - see repo.h */
#include "git/repo.h"

#include "git/ancestry.h"
#include "git/decode.h"
#include "git/lfs.h"
#include "git/norefs.h"
#include "git/refs.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <errno.h>
#include <git2/sys/mempack.h>
#include <git2/sys/repository.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

int gr_fail(struct err *err, int rc, const char *fmt, ...)
{
	static const struct {
		int rc;
		enum err_code code;
	} codes[] = {
		{GIT_ENOTFOUND, ERR_NOT_FOUND}, {GIT_EUNBORNBRANCH, ERR_NOT_FOUND},
		{GIT_EEXISTS, ERR_EXISTS},      {GIT_EMODIFIED, ERR_EXISTS},
		{GIT_EINVALIDSPEC, ERR_INPUT},  {GIT_EINVALID, ERR_INPUT},
		{GIT_ELOCKED, ERR_UNAVAILABLE}, {GIT_EOWNER, ERR_UNSAFE},
	};
	const git_error *e = git_error_last();
	enum err_code code = e && e->klass == GIT_ERROR_ODB    ? ERR_CORRUPT
			     : e && e->klass == GIT_ERROR_ZLIB ? ERR_CORRUPT
							       : ERR_IO;
	autofree char *what = NULL;
	va_list ap;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].rc == rc)
			code = codes[i].code;
	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(err, code, "%s: %s", what, e ? e->message : "unknown failure of libgit2");
}

static void repo_free(struct gr_repo *r)
{
	if (!r)
		return;
	git_odb_free(r->odb);
	git_repository_free(r->git);
	gr_ancestry_free(r->ancestry);
	free(r->mem_oids);
	free(r->path);
	free(r);
}

int gr_init(struct gr *g, const char *git, struct err *err)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
				     GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
	int rc = git_libgit2_init();

	*g = (struct gr){.git = git};
	clock_gettime(CLOCK_REALTIME, &g->started);
	if (rc < 0)
		return gr_fail(err, rc, "start libgit2");
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	/* As git has it: zlib's checksum is looked at on every read, the object's hash by fsck. It
	 * is a good third of the time of a merge otherwise. */
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	/* The texts of a merge are freed and asked for again: what was given back to the kernel would have
	 * to be had anew page by page, which was a quarter of the time. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 128 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
	/* Merges read the trees of wide folders and the files that everybody changes again and again. */
	git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE, (size_t)256 << 10);
	git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_BLOB, (size_t)1 << 20);
	git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)96 << 20);
	return 0;
}

void gr_release(struct gr *g)
{
	for (size_t i = 0; i < GR_REPOS; i++)
		repo_free(steal(&g->repos[i]));
	free(steal(&g->plain));
	git_libgit2_shutdown();
}

static struct timespec pack_time(const char *path)
{
	autofree char *dir = path_join(path, "objects/pack");
	struct stat st;

	return stat(dir, &st) < 0 ? (struct timespec){0} : st.st_mtim;
}

static int attach_mem(struct gr_repo *r, struct err *err)
{
	int rc = git_repository_odb(&r->odb, r->git);

	if (rc == 0)
		rc = git_mempack_new(&r->mem);
	/* A negative priority: asked after packs and loose objects, and never written to by libgit2
	 * itself, which takes the first store that can write. */
	if (rc == 0)
		rc = git_odb_add_backend(r->odb, r->mem, -1);
	return rc < 0 ? gr_fail(err, rc, "repository %s: object store", r->path) : 0;
}

static int repo_new(const char *path, struct gr_repo **ret, struct err *err)
{
	unsigned flags = GIT_REPOSITORY_OPEN_BARE | GIT_REPOSITORY_OPEN_NO_SEARCH;
	struct gr_repo *r = xcalloc(1, sizeof(*r));
	int rc;

	r->path = xstrdup(path);
	r->packs = pack_time(path);
	rc = git_repository_open_ext(&r->git, path, flags, NULL);
	if (rc < 0)
		gr_fail(err, rc, "repository %s", path);
	if (rc < 0 || attach_mem(r, err) < 0) {
		repo_free(r);
		return -1;
	}
	*ret = r;
	return 0;
}

/* Opened afresh; commits do not change, so what is known of the history stays. */
static int repo_again(struct gr_repo **slot, const char *path, struct err *err)
{
	struct gr_ancestry *a = *slot ? steal(&(*slot)->ancestry) : gr_ancestry_new();

	repo_free(steal(slot));
	if (repo_new(path, slot, err) < 0) {
		gr_ancestry_free(a);
		return -1;
	}
	(*slot)->ancestry = a;
	return 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

int gr_repo_open(struct gr *g, const char *path, struct gr_repo **ret, struct err *err)
{
	struct gr_repo **slot = &g->repos[0];

	for (size_t i = 0; i < GR_REPOS; i++) {
		struct gr_repo *r = g->repos[i];

		if (r && !strcmp(r->path, path)) {
			slot = &g->repos[i];
			break;
		}
		if (!r || (*slot && r->used < (*slot)->used))
			slot = &g->repos[i];
	}
	if (*slot && strcmp((*slot)->path, path))
		repo_free(steal(slot));
	if ((!*slot || !same_time((*slot)->packs, pack_time(path))) &&
	    repo_again(slot, path, err) < 0)
		return -1;
	(*slot)->started = g->started;
	(*slot)->used = ++g->tick;
	*ret = *slot;
	return 0;
}

void gr_repo_forget(struct gr *g, const char *path)
{
	for (size_t i = 0; i < GR_REPOS; i++)
		if (g->repos[i] && !strcmp(g->repos[i]->path, path))
			repo_free(steal(&g->repos[i]));
}

int gr_mem_put(struct gr_repo *r, git_object_t type, const void *p, size_t n, git_oid *ret,
	       struct err *err)
{
	int rc = git_odb_hash(ret, p, n, type);

	if (rc == 0)
		rc = r->mem->write(r->mem, ret, p, n, type);
	if (rc < 0)
		return gr_fail(err, rc, "keep an object of %zu bytes in memory", n);
	if (r->mem_objects == r->mem_cap)
		r->mem_oids =
			xreallocarray(r->mem_oids, r->mem_cap = r->mem_cap ? 2 * r->mem_cap : 64,
				      sizeof(*r->mem_oids));
	r->mem_oids[r->mem_objects++] = *ret;
	return 0;
}

void gr_mem_drop(struct gr_repo *r)
{
	if (r->mem_objects)
		git_mempack_reset(r->mem);
	r->mem_objects = 0;
}

void gr_mem_rewind(struct gr_repo *r, size_t mem_objects)
{
	if (!mem_objects)
		gr_mem_drop(r);
	else if (r->mem_objects > mem_objects)
		r->mem_objects = mem_objects;
}

/* Not git_mempack_dump(): that packs whatever the commits reach, the whole tree of 100,000 files. */
static int write_pack(struct gr_repo *r, const char *dir, struct err *err)
{
	autofree char *own = dir ? NULL : path_join(r->path, "objects/pack");
	auto_git(git_repository) *objects = NULL;
	git_packbuilder *pb = NULL;
	int rc;

	if (gr_norefs_new(r, &objects, err) < 0)
		return -1;
	rc = git_packbuilder_new(&pb, objects);
	if (rc == 0)
		git_packbuilder_set_threads(pb, 1);
	for (size_t i = 0; rc == 0 && i < r->mem_objects; i++)
		rc = git_packbuilder_insert(pb, &r->mem_oids[i], NULL);
	if (rc == 0)
		rc = git_packbuilder_write(pb, dir ? dir : own, 0, NULL, NULL);
	if (rc < 0)
		gr_fail(err, rc, "repository %s: write a pack of %zu objects", r->path,
			r->mem_objects);
	git_packbuilder_free(pb);
	return rc < 0 ? -1 : 0;
}

int gr_mem_flush(struct gr_repo *r, struct err *err)
{
	bool known = same_time(r->packs, pack_time(r->path));
	int rc = r->mem_objects ? write_pack(r, NULL, err) : 0;

	/* A pack of our own is no reason to open the repository afresh: libgit2 looks for it when it is asked for
	 * what it does not have. */
	if (rc == 0 && known)
		r->packs = pack_time(r->path);
	gr_mem_drop(r);
	return rc;
}

int gr_mem_show(struct gr_repo *r, const char *pack_dir, struct err *err)
{
	int rc;

	if (!r->mem_objects)
		return 0;
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0); /* gone with the folder */
	rc = write_pack(r, pack_dir, err);
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	return rc;
}

int gr_git(struct gr *g, const char *repo, const char *const *env, const char *const *args,
	   const char *input, size_t input_len, int64_t timeout_ms, struct buf *out,
	   struct err *err)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT, envp = STRVEC_INIT;
	struct child_opts o = {.file = g->git, .cwd = repo ? repo : "/", .die_with_parent = true};
	cleanup(err_release) struct err why = ERR_INIT;
	int rc;

	strvec_pushl(&envp, "PATH=/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C",
		     "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		     "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1", NULL);
	if (repo)
		strvec_pushf(&envp, "GIT_DIR=%s", repo);
	for (; env && *env; env++)
		strvec_push(&envp, *env);
	strvec_pushl(&argv, "git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
		     NULL);
	for (; *args; args++)
		strvec_push(&argv, *args);
	o.argv = argv.v;
	o.envp = envp.v;
	rc = child_run(&o, input, input_len, (size_t)256 << 20, timeout_ms, out, &why);
	if (rc != 0 && why.code == ERR_NONE)
		err_set(&why, ERR_IO, "git %s: exit code %d", args[0], rc);
	if (rc != 0)
		err_move(err, &why);
	return rc;
}

static int configure(git_repository *git, const char *path, struct err *err)
{
	auto_git(git_config) *c = NULL;
	int rc = git_repository_config(&c, git);

	if (rc == 0)
		rc = git_config_set_int32(c, "gc.auto", 0);
	if (rc == 0)
		rc = git_config_set_bool(c, "maintenance.auto", 0);
	return rc < 0 ? gr_fail(err, rc, "repository %s: config", path) : 0;
}

static int init_bare(const char *path, const char *base_ref, struct err *err)
{
	git_repository_init_options o;
	auto_git(git_repository) *git = NULL;
	int rc;

	git_repository_init_options_init(&o, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	o.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH |
		  GIT_REPOSITORY_INIT_NO_DOTGIT_DIR;
	o.initial_head = base_ref;
	rc = git_repository_init_ext(&git, path, &o);
	if (rc == 0)
		rc = git_repository_set_head(git, base_ref);
	if (rc < 0)
		return gr_fail(err, rc, "create repository %s", path);
	return configure(git, path, err);
}

int gr_op_init(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	autofree char *base = NULL;
	const char *path;

	(void)ans;
	if (gr_get_path(req, "repo", &path, err) < 0 || gr_get_branch(req, "base", &base, err) < 0)
		return -1;
	gr_repo_forget(g, path);
	return init_bare(path, base, err);
}

/* Branches and tags, by git's own fetch: the source may be a worktree, shallow or any format that
 * git reads. A repeated import brings the rest and forces nothing that was not there. */
static int fetch_all(struct gr *g, const char *path, const char *from, struct err *err)
{
	const char *args[] = {"fetch",
			      "--quiet",
			      "--no-tags",
			      "--no-write-fetch-head",
			      "--no-auto-maintenance",
			      "--no-recurse-submodules",
			      "--end-of-options",
			      from,
			      "refs/heads/*:refs/heads/*",
			      "refs/tags/*:refs/tags/*",
			      NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;
	int rc = gr_git(g, path, NULL, args, NULL, 0, 600000, &out, err);

	return rc == 0 ? 0 : err_wrap(err, "import %s", from);
}

/* The branch that HEAD of the source is on; a source without one says so. */
static int head_of(struct gr *g, const char *from, char **ret, struct err *err)
{
	static const char mark[] = "ref: ";
	const char *args[] = {"ls-remote", "--symref", "--end-of-options", from, "HEAD", NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;
	size_t n;

	if (gr_git(g, NULL, NULL, args, NULL, 0, 60000, &out, err) != 0)
		return err_wrap(err, "import %s", from);
	n = out.len ? strcspn(out.s, "\t\n") : 0;
	if (!n || strncmp(out.s, mark, sizeof(mark) - 1) != 0 || n <= sizeof(mark) - 1)
		return err_set(err, ERR_INPUT,
			       "import %s: its HEAD is on no branch with a commit; name the base "
			       "branch with --base",
			       from);
	*ret = xstrndup(out.s + sizeof(mark) - 1, n - (sizeof(mark) - 1));
	return 0;
}

int gr_op_import(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	autofree char *base = NULL;
	const char *path, *from;
	struct gr_repo *r;
	git_oid oid;
	int rc;

	if (gr_get_path(req, "repo", &path, err) < 0 || gr_get_path(req, "from", &from, err) < 0)
		return -1;
	rc = json_is_string(json_object_get(req, "base")) ? gr_get_branch(req, "base", &base, err)
							  : head_of(g, from, &base, err);
	if (rc < 0)
		return -1;
	gr_repo_forget(g, path);
	if (init_bare(path, base, err) < 0 || fetch_all(g, path, from, err) < 0 ||
	    gr_repo_open(g, path, &r, err) < 0 || gr_lfs_import(r, from, err) < 0)
		return -1;
	rc = git_reference_name_to_id(&oid, r->git, base);
	if (rc < 0)
		return gr_fail(err, rc, "import %s: no branch '%s'", from, base + 11);
	gr_put_oid(ans, "base_oid", &oid);
	json_put_str(ans, "base", base + strlen("refs/heads/"));
	return 0;
}
