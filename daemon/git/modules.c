/* modules.c - see modules.h: which submodules a tree has, and their histories. modules_write.c has their files. */
#include "git/modules.h"

#include "base/text.h"
#include "git/names.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <dirent.h>

#define GIT_TIMEOUT   60000
#define FETCH_TIMEOUT 600000
#define ENTRIES_MAX   ((size_t)1 << 22) /* of the trees that are looked through */

struct finder {
	struct gr *g;
	struct gr sub; /* repositories of its own: one that is opened may close another */
	struct gr_modules *m;
	struct gr_repo *super;
	json_t *fetch;
	size_t entries;
};

/* One tree and what it is of. */
struct super {
	struct gr_repo *r;
	git_oid tree;
	const char *prefix; /* of its places, with '/' at the end, or "" */
	const char *own;    /* its address */
	int depth;
};

static void finder_release(struct finder *f)
{
	gr_release(&f->sub);
	json_decref(f->fetch);
}

static void module_release(struct gr_module *m)
{
	free(m->path);
	free(m->name);
	free(m->url);
	free(m->history);
}

void gr_modules_release(struct gr_modules *m)
{
	for (size_t i = 0; i < m->n; i++)
		module_release(&m->v[i]);
	free(m->v);
	strvec_release(&m->rules.allowed);
	strvec_release(&m->fetched);
	*m = (struct gr_modules){0};
}

int gr_modules_decode(const json_t *req, struct gr_modules *ret, struct err *err)
{
	json_t *o = json_object_get(req, "submodules");

	if (!json_is_object(o))
		return 0;
	ret->on = true;
	if (json_get_str(o, "own", &ret->rules.own, err) < 0 ||
	    json_opt_str(o, "forge", &ret->rules.forge, err) < 0 ||
	    gr_get_strings(o, "allowed", &ret->rules.allowed, err) < 0)
		return err_wrap(err, "key 'submodules'");
	return gr_get_strings(req, "fetched", &ret->fetched, err);
}

/* ---- .gitmodules ---- */

/* "submodule.NAME.path" and "...url", each with its value behind a newline, NUL between. 1, 0 there is none. */
static int list_file(struct gr *g, struct gr_repo *r, const git_oid *tree, struct buf *ret,
		     struct err *err)
{
	char blob[GIT_OID_HEXSZ + 1];
	const char *args[] = {"config",
			      "--no-includes",
			      "-z",
			      "--blob",
			      blob,
			      "--get-regexp",
			      "^submodule\\..*\\.(path|url)$",
			      NULL};
	size_t size = 0;
	git_object_t type;
	unsigned mode;
	git_oid oid;
	int rc = gr_tree_path(r, tree, ".gitmodules", &mode, &oid, err);

	/* A link is none: Git does not follow one either. */
	if (rc <= 0 || (mode != GR_MODE_FILE && mode != GR_MODE_EXEC))
		return rc < 0 ? -1 : 0;
	rc = git_odb_read_header(&size, &type, r->odb, &oid);
	if (rc < 0)
		return gr_fail(err, rc, "file '.gitmodules'");
	if (size > GR_MODULES_FILE)
		return err_set(err, ERR_DENIED, "file '.gitmodules': more than %zu bytes",
			       GR_MODULES_FILE);
	git_oid_tostr(blob, sizeof(blob), &oid);
	/* Not readable, or nothing in it: there is no submodule that is known. */
	return gr_git(g, r->path, NULL, args, NULL, 0, GIT_TIMEOUT, ret, NULL) == 0;
}

/* The last value of submodule.NAME.KEY with that value, or of that name. */
static char *find(const struct buf *list, const char *name, const char *key, const char *value)
{
	autofree char *tail = xasprintf(".%s", key);
	char *found = NULL;

	for (const char *p = list->s; p < list->s + list->len; p += strlen(p) + 1) {
		const char *nl = strchr(p, '\n');
		size_t n = nl ? (size_t)(nl - p) : 0, k = strlen(tail);

		if (n <= 10 + k || memcmp(nl - k, tail, k) != 0)
			continue;
		if (value && strcmp(nl + 1, value) != 0)
			continue;
		if (name && (strlen(name) != n - 10 - k || memcmp(p + 10, name, n - 10 - k) != 0))
			continue;
		free(found);
		found = value ? xstrndup(p + 10, n - 10 - k) : xstrdup(nl + 1);
	}
	return found;
}

/* Git's check_submodule_name(): no component "..", for its folder is made of it. */
static bool name_ok(const char *name)
{
	for (;;) {
		size_t n = strcspn(name, "/\\");

		if (n == 2 && !strncmp(name, "..", 2))
			return false;
		if (!name[n])
			return true;
		name += n + 1;
	}
}

static int address(const struct buf *list, const char *path, char **ret_name, char **ret_url)
{
	autofree char *name = list->len ? find(list, NULL, "path", path) : NULL;
	autofree char *url = name && name_ok(name) ? find(list, name, "url", NULL) : NULL;

	if (!url)
		return 0;
	*ret_name = steal(&name);
	*ret_url = steal(&url);
	return 1;
}

int gr_module_address(struct gr *g, struct gr_repo *r, const git_oid *tree, const char *path,
		      char **ret_name, char **ret_url, struct err *err)
{
	cleanup(buf_release) struct buf list = BUF_INIT;

	return list_file(g, r, tree, &list, err) < 0 ? -1 : address(&list, path, ret_name, ret_url);
}

/* ---- histories ---- */

static char *history_path(const struct gr_repo *r, const struct gr_module_url *u)
{
	autofree char *key = xasprintf("%s%s", u->credential ? "credential " : "", u->text);
	autofree char *hash = text_sha256(key, strlen(key));

	return xasprintf("%s/modules/%.40s.git", r->path, hash);
}

#define ADDRESS                                                                                    \
	"yardmaster-address" /* in a history: where it is from; written before anything is fetched */

static int make_history(struct gr *g, const struct gr_module *m, struct err *err)
{
	const char *args[] = {"init", "--quiet", "--bare", "--template=", "--", m->history, NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;
	autofree char *up = xstrdup(m->history), *file = path_join(m->history, ADDRESS);

	if (fs_exists(file))
		return 0;
	*strrchr(up, '/') = 0;
	if (fs_remove_tree(m->history, err) < 0 || fs_mkdir_p(up, 0700, err) < 0 ||
	    gr_git(g, NULL, NULL, args, NULL, 0, GIT_TIMEOUT, &out, err) != 0)
		return -1;
	return fs_write_atomic(file, m->url, strlen(m->url), 0600, err);
}

/* May the repository still have what is there? Its name says whether the credential was used. */
static bool may_stay(const struct finder *f, const char *path)
{
	cleanup(gr_module_url_release) struct gr_module_url u = {0};
	cleanup(buf_release) struct buf url = BUF_INIT_MAX(8192);
	cleanup(err_release) struct err why = ERR_INIT;
	autofree char *file = path_join(path, ADDRESS), *now = NULL;

	if (fs_read(file, 8000, &url, NULL) < 0 || gr_module_url(&f->m->rules, url.s, &u, &why) < 0)
		return false;
	now = history_path(f->super, &u);
	/* Of one that is listed now, what everybody may read may stay; not the other way round. */
	return !strcmp(now, path) || u.credential;
}

static int drop_others(const struct finder *f, struct err *err)
{
	autofree char *all = path_join(f->super->path, "modules");
	DIR *dir = opendir(all);
	struct dirent *d;
	int rc = 0;

	while (dir && rc == 0 && (d = readdir(dir))) {
		autofree char *path = path_join(all, d->d_name);

		if (d->d_name[0] != '.' && !may_stay(f, path))
			rc = fs_remove_tree(path, err);
	}
	if (dir)
		closedir(dir);
	return rc;
}

/* From this machine. A commit that is on no branch or tag is not had. */
static int fetch_local(struct gr *g, const struct gr_module *m, struct err *err)
{
	const char *args[] = {"fetch",
			      "--quiet",
			      "--no-tags",
			      "--prune", /* a branch may have become a folder of branches */
			      "--no-write-fetch-head",
			      "--no-auto-maintenance",
			      "--no-recurse-submodules",
			      "--end-of-options",
			      m->url,
			      "+refs/heads/*:refs/heads/*",
			      "+refs/tags/*:refs/tags/*",
			      NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;

	if (gr_git(g, m->history, NULL, args, NULL, 0, FETCH_TIMEOUT, &out, err) != 0)
		return err_wrap(err, "submodule '%s': fetch %s", m->path, m->url);
	return 0;
}

static int has_commit(struct finder *f, const struct gr_module *m, git_oid *ret_tree,
		      struct err *err)
{
	auto_git(git_commit) *c = NULL;
	struct gr_repo *r;

	if (gr_repo_open(&f->sub, m->history, &r, err) < 0)
		return -1;
	if (git_commit_lookup(&c, r->git, &m->commit) < 0)
		return 0;
	*ret_tree = *git_commit_tree_id(c);
	return 1;
}

/* For the net role: everything but "auth". */
static void want(struct finder *f, const struct gr_module *m, bool credential)
{
	json_t *o = json_object();

	for (size_t i = 0; i < json_array_size(f->fetch); i++)
		if (!strcmp(json_str(json_array_get(f->fetch, i), "repo", ""), m->history)) {
			json_decref(o);
			return;
		}
	json_put_str(o, "op", "fetch");
	json_put_str(o, "repo", m->history);
	json_put_str(o, "url", m->url);
	json_put(o, "refs",
		 json_pack("[s,s]", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"));
	json_put_bool(o, "credential", credential);
	json_put_str(o, "what", m->path);
	json_array_append_new(f->fetch, o);
}

static int no_commit(const struct gr_module *m, struct err *err)
{
	return err_set(
		err, ERR_DENIED,
		"submodule '%s': commit %s, which is recorded, is on no branch and no tag of "
		"%s; push it there, or record one that is",
		m->path, git_oid_tostr_s(&m->commit), m->url);
}

/* 1 the commit is here, 0 it is to be fetched, -1. */
static int get_history(struct finder *f, const struct gr_module *m, const struct gr_module_url *u,
		       git_oid *ret_tree, struct err *err)
{
	int rc = make_history(f->g, m, err) < 0 ? -1 : has_commit(f, m, ret_tree, err);

	if (rc != 0)
		return rc;
	if (!u->local && !strvec_has(&f->m->fetched, m->url)) {
		want(f, m, u->credential);
		return 0;
	}
	if (u->local && fetch_local(f->g, m, err) < 0)
		return -1;
	if (u->local)
		gr_repo_forget(&f->sub, m->history);
	rc = u->local ? has_commit(f, m, ret_tree, err) : 0;
	return rc ? rc : no_commit(m, err);
}

/* ---- the submodules of one tree ---- */

static int add(struct finder *f, const struct super *s, const char *path, const git_oid *commit,
	       const struct buf *list, struct err *err)
{
	cleanup(gr_module_url_release) struct gr_module_url u = {0};
	struct gr_module_rules rules = f->m->rules;
	struct gr_module m = {.commit = *commit, .depth = s->depth};
	autofree char *said = NULL;

	if (f->m->n >= GR_MODULES_MAX || s->depth >= GR_MODULES_DEPTH)
		return err_set(err, ERR_DENIED,
			       "submodule '%s%s': more than %d submodules, or more than %d inside "
			       "each other",
			       s->prefix, path, GR_MODULES_MAX, GR_MODULES_DEPTH);
	f->m->v = xreallocarray(f->m->v, f->m->n + 1, sizeof(*f->m->v));
	m.path = xasprintf("%s%s", s->prefix, path);
	address(list, path, &m.name, &said);
	f->m->v[f->m->n++] = m;
	if (!said)
		return err_set(
			err, ERR_DENIED,
			"submodule '%s': .gitmodules has no address for it, with a name that "
			"Git takes; add it there, or remove the entry (`git rm --cached %s`)",
			m.path, path);
	rules.own = s->own;
	if (gr_module_url(&rules, said, &u, err) < 0)
		return err_wrap(err, "submodule '%s'", m.path);
	f->m->v[f->m->n - 1].history = history_path(f->super, &u);
	f->m->v[f->m->n - 1].url = xstrdup(u.text);
	f->m->v[f->m->n - 1].credential = u.credential;
	return 0;
}

struct walk {
	struct finder *f;
	const struct super *s;
	const struct buf *list;
	struct buf path;
};

static int walk_tree(struct walk *w, const git_oid *tree, int depth, struct err *err)
{
	cleanup(gr_tree_release) struct gr_tree t = {0};
	size_t len = w->path.len;

	if (depth > 256 || w->path.failed)
		return err_set(err, ERR_LIMIT, "'%.200s': folders over 256 deep", w->path.s);
	if (gr_tree_read(w->s->r, tree, &t, err) < 0)
		return -1;
	w->f->entries += t.n;
	if (w->f->entries > ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "the tree has more than %zu files and folders",
			       ENTRIES_MAX);
	for (size_t i = 0; i < t.n; i++) {
		int rc = 0;

		if (t.e[i].mode != GR_MODE_DIR && t.e[i].mode != GR_MODE_SUB)
			continue;
		buf_add(&w->path, t.e[i].name, t.e[i].len);
		if (t.e[i].mode == GR_MODE_SUB) {
			rc = add(w->f, w->s, w->path.s, &t.e[i].oid, w->list, err);
		} else {
			buf_addc(&w->path, '/');
			rc = walk_tree(w, &t.e[i].oid, depth + 1, err);
		}
		buf_truncate(&w->path, len);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int find_in(struct finder *f, const struct super *s, struct err *err)
{
	cleanup(buf_release) struct buf list = BUF_INIT;
	struct walk w = {.f = f, .s = s, .list = &list};
	int rc;

	if (list_file(f->g, s->r, &s->tree, &list, err) < 0)
		return -1;
	buf_init(&w.path, 8192);
	rc = walk_tree(&w, &s->tree, 0, err);
	buf_release(&w.path);
	return rc;
}

/* The history of v[i], and what is inside it. */
static int follow(struct finder *f, size_t i, struct err *err)
{
	struct gr_module m = f->m->v[i]; /* the list grows meanwhile */
	autofree char *prefix = xasprintf("%s/", m.path);
	struct gr_module_url u = {
		.text = m.url, .local = *m.url == '/', .credential = m.credential};
	struct super s = {.prefix = prefix, .own = m.url, .depth = m.depth + 1};
	int rc;

	rc = get_history(f, &m, &u, &s.tree, err);
	if (rc <= 0)
		return rc;
	return gr_repo_open(&f->sub, m.history, &s.r, err) < 0 ? -1 : find_in(f, &s, err);
}

int gr_modules_find(struct gr *g, struct gr_repo *r, const git_oid *tree, struct gr_modules *m,
		    json_t *ans, struct err *err)
{
	cleanup(finder_release) struct finder f = {
		.g = g, .m = m, .super = r, .fetch = json_array()};
	struct super top = {.r = r, .tree = *tree, .prefix = "", .own = m->rules.own};

	if (gr_init(&f.sub, g->git, err) < 0)
		return -1;
	if (!m->on)
		return 0;
	if (drop_others(&f, err) < 0 || find_in(&f, &top, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n; i++)
		if (follow(&f, i, err) < 0)
			return -1;
	if (!json_array_size(f.fetch))
		return 0;
	json_put_str(ans, "outcome", "wants");
	json_put(ans, "fetch", json_incref(f.fetch));
	return 1;
}
