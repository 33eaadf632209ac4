/* clone_install.c - see clone.h: putting the hooks in. */
#include "hooks/clone.h"

#include "hooks/ask.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASK_MS     10000 /* somebody waits at a terminal, not in a hook */
#define CONFIG_MAX ((size_t)8 << 20)

/* ---- which repository? ---- */

static int find_matches(const struct clone_opts *o, const struct clone_place *p, json_t **ret,
			struct err *err)
{
	json_t *args = json_object(), *remotes;
	struct ask *a = NULL;
	int rc;

	if (clone_remotes(p->dir, &remotes, err) < 0) {
		json_decref(args);
		return -1;
	}
	json_put(args, "remotes", remotes);
	json_put_str(args, "clone", p->common);
	if (ask_open(o->socket, ask_now() + ASK_MS, &a, err) < 0) {
		json_decref(args);
		return err_wrap(err, "the daemon is asked which repository this is a clone of");
	}
	rc = ask_item(a, "clone find", args, ret, err);
	ask_free(a);
	return rc;
}

static char *names_of(const json_t *list, const char *key)
{
	cleanup(strvec_release) struct strvec v = STRVEC_INIT;
	const json_t *m;
	size_t i;

	json_array_foreach (list, i, m)
		if (!strvec_has(&v, json_str(m, key, "")))
			strvec_push(&v, json_str(m, key, ""));
	return v.n ? strvec_join(&v, ", ") : xstrdup("none");
}

/* The one that was named, else that of origin, else the only one. */
static const json_t *choose(const json_t *matches, const char *want)
{
	const json_t *m, *found = NULL;
	bool several = false;
	size_t i;

	json_array_foreach (matches, i, m) {
		const char *repo = json_str(m, "repo", "");

		if (want ? !strcmp(repo, want) : !strcmp(json_str(m, "remote", ""), "origin"))
			return m;
		several = several || (found && strcmp(json_str(found, "repo", ""), repo) != 0);
		found = m;
	}
	return want || several ? NULL : found;
}

static int find_repo(const struct clone_opts *o, const struct clone_place *p, char **ret_repo,
		     struct err *err)
{
	autojson json_t *item = NULL;
	autofree char *names = NULL;
	const json_t *matches, *m;

	if (find_matches(o, p, &item, err) < 0)
		return -1;
	if (json_flag(item, "own"))
		return err_set(err, ERR_STATE,
			       "%s: is a repository of the daemon's itself, which has its hooks; "
			       "install these in a clone of it",
			       p->dir);
	matches = json_object_get(item, "matches");
	m = choose(matches, o->repo);
	if (m) {
		*ret_repo = xstrdup(json_str(m, "repo", ""));
		return 0;
	}
	names = names_of(matches, "repo");
	if (json_array_size(matches) && !o->repo)
		return err_set(err, ERR_INPUT,
			       "%s: its remotes are several repositories: %s; name one with --repo "
			       "NAME",
			       p->dir, names);
	return err_set(err, ERR_NOT_FOUND,
		       "%s: is no clone of %s%s: its remotes lead to: %s; 'yardmaster repo list' "
		       "shows what the daemon looks after. Nothing was installed",
		       p->dir, o->repo ? "repository " : "a repository that the daemon looks after",
		       o->repo ? o->repo : "", names);
}

/* ---- what will be written ---- */

struct plan {
	const struct clone_place *p;
	bool front;
	bool made_dir;
	const char *dir;
	const char *behind;
	char *program;
	json_t *files; /* of the state */
	struct strvec paths, texts;
};

static void plan_release(struct plan *n)
{
	free(n->program);
	json_decref(n->files);
	strvec_release(&n->paths);
	strvec_release(&n->texts);
}

static void plan_file(struct plan *n, const char *name, const char *program)
{
	autofree char *path = path_join(n->dir, name);
	autofree char *text = clone_script(name, program, n->behind);
	autofree char *hash = text_sha256(text, strlen(text));
	json_t *o = json_object();

	json_put_str(o, "path", path);
	json_put_str(o, "sha256", hash);
	json_array_append_new(n->files, o);
	strvec_push(&n->paths, path);
	strvec_push(&n->texts, text);
}

static bool runs(const struct clone_place *p, const char *name)
{
	autofree char *a = path_join(p->hooks, name), *b = NULL;

	b = a[0] == '/' ? xstrdup(a) : path_join(p->top ? p->top : p->git_dir, a);
	return access(b, X_OK) == 0;
}

static bool taken(const struct clone_place *p)
{
	for (size_t i = 0; i < CLONE_HOOKS_N; i++) {
		autofree char *path = path_join(p->hooks, clone_hooks[i]);

		if (fs_exists(path))
			return true;
	}
	return false;
}

static int plan_make(const struct clone_place *p, struct plan *n, struct err *err)
{
	n->p = p;
	n->files = json_array();
	if (child_beside("yardmaster", &n->program, err) < 0)
		return -1;
	n->front = p->scope || taken(p);
	n->dir = n->front ? p->front : p->hooks;
	n->behind = n->front ? p->hooks : NULL;
	n->made_dir = !fs_exists(n->dir);
	for (size_t i = 0; i < CLONE_HOOKS_N; i++)
		plan_file(n, clone_hooks[i], n->program);
	for (const char *const *name = clone_others; n->front && *name; name++)
		plan_file(n, *name, NULL);
	for (const char *const *name = clone_rare; n->front && *name; name++)
		if (runs(p, *name))
			plan_file(n, *name, NULL);
	return 0;
}

/* ---- writing ---- */

static int config_set(const struct clone_place *p, const char *key, const char *value,
		      struct err *err)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;

	strvec_pushl(&argv, "git", "config", "--file", p->config, "--replace-all", key, value,
		     NULL);
	return clone_git(p->dir, &argv, NULL, err) == 0
		       ? 0
		       : err_wrap(err, "%s: set %s", p->config, key);
}

/* All values of core.hooksPath in our file, for when it has changed until then. */
static int old_values(const struct clone_place *p, json_t *ret, struct err *err)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	int rc;

	if (!fs_exists(p->config))
		return 0;
	strvec_pushl(&argv, "git", "config", "--file", p->config, "-z", "--get-all",
		     "core.hooksPath", NULL);
	rc = clone_git(p->dir, &argv, &out, err);
	if (rc < 0)
		return -1;
	err_release(err);
	for (char *s = out.s; rc == 0 && s < out.s + out.len; s += strlen(s) + 1)
		json_array_append_new(ret, json_utf8(s, strlen(s)));
	return 0;
}

static int write_state(const struct clone_place *p, json_t *j, struct err *err)
{
	autofree char *text = json_text(j);

	return fs_write_atomic(p->state_file, text, strlen(text), 0644, err);
}

/* The configuration as it is, byte for byte, and its mode. */
static int keep_config(const struct clone_place *p, json_t *state, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct stat st;

	json_put_bool(state, "had_config", fs_exists(p->config));
	if (!fs_exists(p->config))
		return 0;
	if (fs_read(p->config, CONFIG_MAX, &b, err) < 0)
		return -1;
	if (stat(p->config, &st) < 0)
		return err_errno(err, "%s", p->config);
	json_put_int(state, "config_mode", st.st_mode & 07777);
	return fs_write_atomic(p->before, b.s, b.len, 0600, err);
}

static json_t *state_new(const struct plan *n, const char *repo, const char *socket)
{
	json_t *s = json_object();

	json_put_int(s, "version", 1);
	json_put_str(s, "mode", n->front ? "front" : "direct");
	json_put_str(s, "dir", n->dir);
	json_put_str(s, "behind", n->behind);
	json_put_bool(s, "made_dir", n->made_dir);
	json_put_str(s, "root", n->p->root);
	json_put_str(s, "config", n->p->config);
	json_put_str(s, "repo", repo);
	json_put_str(s, "socket", socket);
	json_put(s, "files", json_incref(n->files));
	return s;
}

static int write_files(const struct plan *n, struct err *err)
{
	if (fs_mkdir_p(n->dir, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < n->paths.n; i++)
		if (fs_write_atomic(n->paths.v[i], n->texts.v[i], strlen(n->texts.v[i]), 0755,
				    err) < 0)
			return -1;
	return 0;
}

/* State first: whatever stops us in between, uninstalling finds what was begun. */
static int put_in(const struct plan *n, const char *repo, const char *socket, struct err *err)
{
	const struct clone_place *p = n->p;
	autojson json_t *s = state_new(n, repo, socket), *old = json_array();
	autofree char *after = NULL;

	if (old_values(p, old, err) < 0 || fs_mkdir_p(p->state_dir, 0755, err) < 0 ||
	    keep_config(p, s, err) < 0)
		return -1;
	json_put(s, "old_hooks_path", json_incref(old));
	if (write_state(p, s, err) < 0 || write_files(n, err) < 0 ||
	    config_set(p, "yardmaster.repo", repo, err) < 0 ||
	    config_set(p, "yardmaster.socket", socket, err) < 0 ||
	    (n->front && config_set(p, "core.hooksPath", n->dir, err) < 0))
		return -1;
	after = clone_file_hash(p->config);
	json_put_str(s, "config_after", after);
	return write_state(p, s, err);
}

/* ---- the whole ---- */

/* All stands as this program would write it now. */
static bool up_to_date(const struct clone_place *p, const struct clone_state *s, const char *repo,
		       const char *socket)
{
	autofree char *program = NULL;

	if (!clone_in_force(p, s, NULL) || child_beside("yardmaster", &program, NULL) < 0 ||
	    strcmp(json_str(s->j, "repo", ""), repo) != 0 ||
	    strcmp(json_str(s->j, "socket", ""), socket) != 0)
		return false;
	for (size_t i = 0; i < CLONE_HOOKS_N; i++) {
		autofree char *path = path_join(json_str(s->j, "dir", ""), clone_hooks[i]);
		autofree char *text =
			clone_script(clone_hooks[i], program, json_str(s->j, "behind", NULL));
		autofree char *hash = text_sha256(text, strlen(text));
		const char *was = clone_state_hash(s, path);

		if (!was || strcmp(was, hash) != 0)
			return false;
	}
	return true;
}

static int in_the_way(const char *path, const char *behind, struct err *err)
{
	return err_set(
		err, ERR_STATE,
		"%s: somebody else has written it where a hook of ours stood; move it to %s, "
		"or remove it, and install again. Nothing was changed",
		path, behind);
}

/* Tools write to where core.hooksPath leads: a file of theirs in our folder is not ours to replace. */
static int check_front(const struct clone_state *s, struct err *err)
{
	const json_t *f;
	size_t i;

	if (strcmp(json_str(s->j, "mode", ""), "front") != 0)
		return 0;
	json_array_foreach (json_object_get(s->j, "files"), i, f) {
		const char *path = json_str(f, "path", "");
		autofree char *now = fs_exists(path) ? clone_file_hash(path) : NULL;

		if (fs_exists(path) && (!now || strcmp(now, json_str(f, "sha256", "")) != 0))
			return in_the_way(path, json_str(s->j, "behind", "another place"), err);
	}
	return 0;
}

static int check_free(const struct plan *n, struct err *err)
{
	for (size_t i = 0; i < n->paths.n; i++)
		if (fs_exists(n->paths.v[i]))
			return in_the_way(n->paths.v[i], n->behind ? n->behind : "another place",
					  err);
	return 0;
}

/* Something of git's own set-up may still lead elsewhere (an include that comes later): then nothing
 * stays. */
static int check_in_force(const struct clone_opts *o, struct err *err)
{
	cleanup(clone_place_release) struct clone_place p = {0};
	cleanup(clone_state_release) struct clone_state s = {0};
	cleanup(strvec_release) struct strvec left = STRVEC_INIT;

	if (clone_place_find(o->dir, &p, err) < 0 || clone_state_read(&p, &s, err) < 0)
		return -1;
	if (clone_in_force(&p, &s, NULL))
		return 0;
	if (clone_take_out(&p, &s, &left, err) < 0)
		return -1;
	return err_set(err, ERR_STATE,
		       "%s: git still looks for its hooks in %s after core.hooksPath was set in "
		       "%s; nothing was installed",
		       p.dir, p.hooks, p.config);
}

static int install_anew(const struct clone_opts *o, const char *repo, json_t *ret, struct err *err)
{
	cleanup(clone_place_release) struct clone_place p = {0};
	cleanup(plan_release) struct plan n = {0};
	autofree char *text = NULL;

	if (clone_place_find(o->dir, &p, err) < 0)
		return -1;
	if (p.scope && !strcmp(p.scope, "command"))
		return err_set(err, ERR_STATE,
			       "core.hooksPath is set by the environment or on git's command line; "
			       "expected one that lasts. Nothing was installed");
	/* They would pass on to themselves. */
	if (!strcmp(p.hooks, p.front))
		return err_set(
			err, ERR_STATE,
			"core.hooksPath leads to %s, and what was written there is not known "
			"any more: %s is gone; remove the folder and the setting",
			p.front, p.state_file);
	if (plan_make(&p, &n, err) < 0 || check_free(&n, err) < 0)
		return -1;
	if (put_in(&n, repo, o->socket, err) < 0) {
		cleanup(strvec_release) struct strvec left = STRVEC_INIT;
		cleanup(clone_state_release) struct clone_state s = {0};

		if (clone_state_read(&p, &s, NULL) == 0)
			clone_take_out(&p, &s, &left, NULL);
		return err_wrap(err, "install the hooks");
	}
	if (check_in_force(o, err) < 0)
		return -1;
	text = n.front ? xasprintf("The hooks of %s are in %s, and pass on to %s.", repo, n.dir,
				   n.behind)
		       : xasprintf("The hooks of %s are in %s.", repo, n.dir);
	json_put_str(ret, "text", text);
	return 1;
}

int clone_install(const struct clone_opts *o, json_t *ret, struct err *err)
{
	cleanup(clone_place_release) struct clone_place p = {0};
	cleanup(clone_state_release) struct clone_state s = {0};
	cleanup(strvec_release) struct strvec left = STRVEC_INIT;
	autofree char *repo = NULL;

	if (clone_place_find(o->dir, &p, err) < 0 || find_repo(o, &p, &repo, err) < 0 ||
	    clone_state_read(&p, &s, err) < 0)
		return -1;
	if (s.there && up_to_date(&p, &s, repo, o->socket)) {
		json_put_str(ret, "text", "The hooks are there already; nothing was changed.");
		return 1;
	}
	if (s.there && (check_front(&s, err) < 0 || clone_take_out(&p, &s, &left, err) < 0))
		return -1;
	return install_anew(o, repo, ret, err);
}

int clone_main(const struct clone_opts *o, json_t *ret, struct err *err)
{
	static const struct {
		const char *verb;
		int (*fn)(const struct clone_opts *o, json_t *ret, struct err *err);
	} verbs[] = {{"install", clone_install},
		     {"status", clone_status},
		     {"uninstall", clone_uninstall}};

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!strcmp(verbs[i].verb, o->verb))
			return verbs[i].fn(o, ret, err);
	return err_set(err, ERR_INTERNAL, "hooks %s: not known", o->verb);
}
