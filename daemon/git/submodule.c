/* submodule.c - see submodule.h */
#include "git/submodule.h"

#include "base/text.h"
#include "git/checkout.h"
#include "git/names.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <dirent.h>

#define MODULES_MAX   ((size_t)1 << 20) /* bytes of .gitmodules */
#define FETCH_TIMEOUT 120000

struct sub {
	const char *path;
	char *url;
	bool local, credential;
};

static void sub_release(struct sub *s)
{
	free(s->url);
}

static bool is_local(struct gr_repo *r)
{
	auto_git(git_config) *c = NULL;
	git_buf value = GIT_BUF_INIT;
	bool local;

	if (git_repository_config(&c, r->git) < 0)
		return false;
	local = git_config_get_string_buf(&value, c, "yardmaster.submodules") == 0 &&
		!strcmp(value.ptr, "local");
	git_buf_dispose(&value);
	return local;
}

/* No component that leads elsewhere: what Git lists comes from a tree that anybody made. */
static bool path_ok(const char *path)
{
	for (;;) {
		size_t n = strcspn(path, "/");

		if (!n || gr_name_is_bad(path, n) || gr_name_is_dotgit(path, n))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

/* "submodule.NAME.path" and "...url", each with its value behind a newline, NUL between. */
static int list_modules(struct gr *g, struct gr_repo *r, const git_oid *tree,
			const struct gr_mergedir *dir, struct buf *ret, struct err *err)
{
	autofree char *file = path_join(dir->dir, "gitmodules");
	const char *args[] = {"config",
			      "--no-includes",
			      "-z",
			      "-f",
			      file,
			      "--get-regexp",
			      "^submodule\\..*\\.(path|url)$",
			      NULL};
	auto_git(git_odb_object) *blob = NULL;
	unsigned mode;
	git_oid oid;
	int rc = gr_tree_path(r, tree, ".gitmodules", &mode, &oid, err);

	if (rc <= 0 || (mode != GR_MODE_FILE && mode != GR_MODE_EXEC))
		return rc < 0 ? -1 : 0;
	if (gr_blob_read(r, &oid, MODULES_MAX, &blob, err) < 0 ||
	    gr_write_bytes(dir->dir, "gitmodules", git_odb_object_data(blob),
			   git_odb_object_size(blob), err) < 0)
		return -1;
	/* Not readable, or nothing in it: there is no submodule that is known. */
	return gr_git(g, NULL, NULL, args, NULL, 0, FETCH_TIMEOUT, ret, NULL) == 0;
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

/* The folder that an address means here, or NULL. */
static char *resolve(const struct gr_repo *r, const char *url)
{
	autofree char *at = NULL;

	if (*url == '/')
		return xstrdup(url);
	if (strncmp(url, "./", 2) != 0 && strncmp(url, "../", 3) != 0)
		return NULL;
	at = xstrdup(r->path);
	while (*url) {
		if (!strncmp(url, "./", 2)) {
			url += 2;
		} else if (!strncmp(url, "../", 3)) {
			char *slash = strrchr(at, '/');

			if (!slash || slash == at)
				return NULL;
			*slash = 0;
			url += 3;
		} else {
			break;
		}
	}
	return path_ok(url) ? path_join(at, url) : NULL;
}

static bool has_commit(struct gr *g, const char *repo, const char *oid)
{
	autofree char *name = xasprintf("%s^{commit}", oid);
	const char *args[] = {"cat-file", "-e", name, NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;

	return gr_git(g, repo, NULL, args, NULL, 0, FETCH_TIMEOUT, &out, NULL) == 0;
}

static int make_mirror(struct gr *g, const char *mirror, struct err *err)
{
	const char *args[] = {"init", "--quiet", "--bare", "--template=", "--", mirror, NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;
	autofree char *up = xstrdup(mirror), *config = path_join(mirror, "config");

	if (fs_exists(config))
		return 0;
	*strrchr(up, '/') = 0;
	if (fs_mkdir_p(up, 0700, err) < 0)
		return -1;
	return gr_git(g, NULL, NULL, args, NULL, 0, FETCH_TIMEOUT, &out, err) == 0 ? 0 : -1;
}

static int fetch(struct gr *g, const char *mirror, const struct sub *s, struct err *err)
{
	const char *args[] = {"fetch",
			      "--quiet",
			      "--no-tags",
			      "--no-write-fetch-head",
			      "--no-auto-maintenance",
			      "--no-recurse-submodules",
			      "--end-of-options",
			      s->url,
			      "+refs/heads/*:refs/remotes/origin/*",
			      "+refs/tags/*:refs/remotes/tags/*",
			      NULL};
	cleanup(buf_release) struct buf out = BUF_INIT;

	if (make_mirror(g, mirror, err) < 0 ||
	    gr_git(g, mirror, NULL, args, NULL, 0, FETCH_TIMEOUT, &out, err) != 0)
		return err_wrap(err, "submodule %s: fetch %s", s->path, s->url);
	return 0;
}

/* ---- over a network ---- */

int gr_submodules_decode(const json_t *req, struct gr_submodules *ret, struct err *err)
{
	ret->fetch = json_array();
	ret->unfetched = json_object_get(req, "unfetched");
	return gr_modules_decode(req, &ret->m, err);
}

void gr_submodules_release(struct gr_submodules *s)
{
	gr_modules_release(&s->m);
	json_decref(s->fetch);
	s->fetch = NULL;
}

int gr_submodules_wants(const struct gr_submodules *s, json_t *ans)
{
	if (!json_array_size(s->fetch))
		return 0;
	json_put_str(ans, "outcome", "wants");
	json_put(ans, "fetch", json_incref(s->fetch));
	return 1;
}

static void want(struct gr_submodules *w, const struct sub *s, const char *mirror)
{
	json_t *o;
	size_t i;

	json_array_foreach (w->fetch, i, o)
		if (!strcmp(json_str(o, "repo", ""), mirror))
			return;
	o = json_object();
	json_put_str(o, "op", "fetch");
	json_put_str(o, "repo", mirror);
	json_put_str(o, "url", s->url);
	json_put(o, "refs",
		 json_pack("[s,s]", "+refs/heads/*:refs/remotes/origin/*",
			   "+refs/tags/*:refs/remotes/tags/*"));
	json_put_int(o, "max_bytes", GR_SUBMODULE_BYTES);
	json_put_int(o, "max_objects", GR_SUBMODULE_OBJECTS);
	json_put_bool(o, "credential", s->credential);
	json_put_bool(o, "optional", true);
	json_put_str(o, "what", s->path);
	json_array_append_new(w->fetch, o);
}

/* 0: it conflicts, perhaps only until it was fetched. */
static int ask(struct gr *g, struct gr_submodules *w, const struct sub *s, const char *mirror,
	       json_t *conflict, struct err *err)
{
	const char *why = json_str(w->unfetched, s->url, NULL);
	autofree char *text = NULL;

	if (!why && !strvec_has(&w->m.fetched, s->url) &&
	    json_array_size(w->fetch) < GR_SUBMODULES_MAX) {
		if (make_mirror(g, mirror, err) < 0)
			return -1;
		want(w, s, mirror);
		return 0;
	}
	text = why ? xasprintf("its history could not be fetched from %s: %s", s->url, why)
		   : xasprintf("a commit of the three is on no branch and no tag of %s", s->url);
	json_put_str(conflict, "why", text);
	return 0;
}

/* ---- one of them ---- */

static bool has_all(struct gr *g, const char *mirror, const json_t *oids)
{
	bool all = fs_exists(mirror);
	json_t *oid;
	size_t i;

	json_array_foreach (oids, i, oid)
		all = all && has_commit(g, mirror, json_string_value(oid));
	return all;
}

/* The history of an address. */
static char *mirror_of(const struct gr_repo *r, const struct sub *s)
{
	autofree char *key = xasprintf("%s%s", s->credential ? "credential " : "", s->url);
	autofree char *hash = text_sha256(key, strlen(key));

	return xasprintf("%s/submodules/%.40s.git", r->path, hash);
}

/* One that has these commits, whatever it is of; NULL: none. */
static char *any_mirror(struct gr *g, const struct gr_repo *r, const json_t *oids)
{
	autofree char *all = path_join(r->path, "submodules");
	DIR *dir = opendir(all);
	char *found = NULL;
	struct dirent *d;

	while (dir && !found && (d = readdir(dir))) {
		autofree char *path = path_join(all, d->d_name);

		if (d->d_name[0] != '.' && has_all(g, path, oids))
			found = steal(&path);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Its address, by what the base says: 1; 0 there is none that may be had. */
static int find_address(struct gr_repo *r, struct gr_submodules *w, const char *said, struct sub *s,
			json_t *conflict)
{
	cleanup(gr_module_url_release) struct gr_module_url u = {0};
	cleanup(err_release) struct err why = ERR_INIT;

	s->url = is_local(r) ? resolve(r, said) : NULL;
	s->local = s->url != NULL;
	if (s->local || !w || !w->m.on)
		return s->local;
	if (gr_module_url(&w->m.rules, said, &u, &why) < 0) {
		json_put_str(conflict, "why", err_text(&why));
		return 0;
	}
	if (u.local)
		return 0;
	s->url = steal(&u.text);
	s->credential = u.credential;
	return 1;
}

/* 1 its history is here, 0 it cannot be had, or not yet. */
static int find_history(struct gr *g, struct gr_repo *r, struct gr_submodules *w,
			const struct sub *s, json_t *conflict, char **ret, struct err *err)
{
	const json_t *oids = json_object_get(conflict, "commits");
	autofree char *mirror = mirror_of(r, s);

	if (!has_all(g, mirror, oids)) {
		if (!s->local)
			return ask(g, w, s, mirror, conflict, err);
		if (!fs_exists(s->url))
			return 0;
		if (fetch(g, mirror, s, err) < 0)
			return -1;
	}
	*ret = steal(&mirror);
	return 1;
}

/* 1 its history is shown at its place, 0 it cannot be. */
static int show(struct gr *g, struct gr_repo *r, struct gr_submodules *w, const char *said,
		json_t *conflict, const struct gr_mergedir *dir, struct err *err)
{
	cleanup(sub_release) struct sub s = {.path = json_str(conflict, "path", "")};
	autofree char *place = path_join(dir->tree, s.path), *mirror = NULL;
	int rc = 0;

	if (said && find_address(r, w, said, &s, conflict))
		rc = find_history(g, r, w, &s, conflict, &mirror, err);
	else if (!w || !w->m.on)
		mirror = any_mirror(g, r, json_object_get(conflict, "commits"));
	if (rc < 0 || !mirror)
		return rc < 0 ? -1 : 0;
	return fs_mkdir_p(place, 0700, err) < 0 || gr_write_dotgit(place, mirror, err) < 0 ? -1 : 1;
}

int gr_submodules_show(struct gr *g, struct gr_repo *r, const struct gr_merge_in *in,
		       json_t *conflicts, const struct gr_mergedir *dir, struct err *err)
{
	cleanup(buf_release) struct buf list = BUF_INIT;
	int any = 0;
	size_t i;
	json_t *c;

	json_array_foreach (conflicts, i, c) {
		const char *path = json_str(c, "path", "");
		autofree char *name = NULL, *said = NULL;
		int rc;

		if (!json_array_size(json_object_get(c, "commits")) || !path_ok(path))
			continue;
		if (!list.len && list_modules(g, r, &in->attrs, dir, &list, err) <= 0)
			return err && err->code ? -1 : 0;
		name = find(&list, NULL, "path", path);
		said = name ? find(&list, name, "url", NULL) : NULL;
		rc = show(g, r, in->sub, said, c, dir, err);
		if (rc < 0)
			return -1;
		any = any || rc;
	}
	return any;
}
