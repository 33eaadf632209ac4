/* submodule.c - see submodule.h */
#include "git/submodule.h"

#include "base/text.h"
#include "git/checkout.h"
#include "git/names.h"
#include "git/tree.h"
#include "sys/fs.h"

#define MODULES_MAX   ((size_t)1 << 20) /* bytes of .gitmodules */
#define FETCH_TIMEOUT 120000

/* The commits that each side of a conflicted submodule has are looked for by this. */
struct sub {
	const char *path;
	char *name, *url;
};

static void sub_release(struct sub *s)
{
	free(s->name);
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

/* 1 its history is shown at its place, 0 it cannot be. */
static int show(struct gr *g, struct gr_repo *r, const struct sub *s, const json_t *oids,
		const struct gr_mergedir *dir, struct err *err)
{
	autofree char *hash = text_sha256(s->url, strlen(s->url));
	autofree char *mirror = xasprintf("%s/submodules/%.40s.git", r->path, hash);
	autofree char *place = path_join(dir->tree, s->path);
	bool all = fs_exists(mirror);
	size_t i;
	json_t *oid;

	json_array_foreach (oids, i, oid)
		all = all && has_commit(g, mirror, json_string_value(oid));
	if (!all && (!fs_exists(s->url) || fetch(g, mirror, s, err) < 0))
		return fs_exists(s->url) ? -1 : 0;
	if (fs_mkdir_p(place, 0700, err) < 0 || gr_write_dotgit(place, mirror, err) < 0)
		return -1;
	return 1;
}

int gr_submodules_show(struct gr *g, struct gr_repo *r, const struct gr_merge_in *in,
		       const json_t *conflicts, const struct gr_mergedir *dir, struct err *err)
{
	cleanup(buf_release) struct buf list = BUF_INIT;
	const json_t *c;
	int any = 0;
	size_t i;

	json_array_foreach (conflicts, i, c) {
		cleanup(sub_release) struct sub s = {.path = json_str(c, "path", "")};
		const json_t *oids = json_object_get(c, "commits");
		autofree char *said = NULL;
		int rc;

		if (!json_array_size(oids) || !path_ok(s.path) || !is_local(r))
			continue;
		if (!list.len && list_modules(g, r, &in->attrs, dir, &list, err) <= 0)
			return err && err->code ? -1 : 0;
		s.name = find(&list, NULL, "path", s.path);
		said = s.name ? find(&list, s.name, "url", NULL) : NULL;
		s.url = said ? resolve(r, said) : NULL;
		if (!s.url)
			continue;
		rc = show(g, r, &s, oids, dir, err);
		if (rc < 0)
			return -1;
		any = any || rc;
	}
	return any;
}
