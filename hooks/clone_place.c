/* clone_place.c - see clone.h: what git says about a clone. */
#include "hooks/clone.h"

#include "base/giturl.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIT_OUT_MAX ((size_t)1 << 20)
#define GIT_MS      20000
#define REMOTES_MAX 100

/* What would make git -C DIR look at another repository: we may be called from inside a hook. */
static bool names_repository(const char *var)
{
	static const char *const names[] = {
		"GIT_DIR=",        "GIT_WORK_TREE=", "GIT_INDEX_FILE=",
		"GIT_COMMON_DIR=", "GIT_PREFIX=",    "GIT_OBJECT_DIRECTORY="};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strncmp(var, names[i], strlen(names[i])))
			return true;
	return false;
}

int clone_git(const char *dir, const struct strvec *argv, struct buf *ret_out, struct err *err)
{
	const char *path = getenv("PATH");
	autofree char *git = NULL;
	autofree const char **env = NULL;
	size_t n = 0;
	int rc;

	for (char **e = environ; *e; e++)
		n++;
	env = xcalloc(n + 1, sizeof(*env));
	n = 0;
	for (char **e = environ; *e; e++)
		if (!names_repository(*e))
			env[n++] = *e;
	if (child_which("git", path ? path : "/usr/bin:/bin", &git, err) < 0)
		return -1;
	rc = child_run(
		&(struct child_opts){
			.file = git, .argv = argv->v, .envp = (char *const *)env, .cwd = dir},
		NULL, 0, GIT_OUT_MAX, GIT_MS, ret_out, err);
	while (rc == 0 && ret_out && ret_out->len && ret_out->s[ret_out->len - 1] == '\n') {
		buf_truncate(ret_out, ret_out->len - 1);
		break;
	}
	return rc;
}

void clone_place_release(struct clone_place *p)
{
	char **all[] = {&p->dir,       &p->git_dir,    &p->common, &p->hooks,
			&p->top,       &p->scope,      &p->root,   &p->config,
			&p->state_dir, &p->state_file, &p->front,  &p->before};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		free(*all[i]);
		*all[i] = NULL;
	}
}

/* One `git rev-parse` question. */
static int ask_path(const char *dir, const char *what, const char *arg, char **ret, struct err *err)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	int rc;

	strvec_pushl(&argv, "git", "rev-parse", "--path-format=absolute", what, NULL);
	if (arg)
		strvec_push(&argv, arg);
	rc = clone_git(dir, &argv, &out, err);
	if (rc == 0)
		*ret = buf_steal(&out);
	return rc;
}

/* core.hooksPath, where it is set: "SCOPE NUL VALUE NUL", the last one wins. */
static int read_hooks_path(struct clone_place *p, struct err *err)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	int rc;

	strvec_pushl(&argv, "git", "config", "--show-scope", "-z", "--type=path", "--get",
		     "core.hooksPath", NULL);
	rc = clone_git(p->dir, &argv, &out, err);
	if (rc < 0)
		return -1;
	err_release(err);
	if (rc || !out.len || strlen(out.s) + 1 >= out.len) {
		p->hooks = path_join(p->common, "hooks");
		return 0;
	}
	p->scope = xstrdup(out.s);
	p->hooks = xstrdup(out.s + strlen(out.s) + 1);
	return 0;
}

static int fill(struct clone_place *p, struct err *err)
{
	autofree char *config = NULL, *real = NULL, *own = NULL;

	if (read_hooks_path(p, err) < 0)
		return -1;
	own = path_join(p->git_dir, "yardmaster/state.json");
	p->root =
		xstrdup((p->scope && !strcmp(p->scope, "worktree")) || fs_exists(own) ? p->git_dir
										      : p->common);
	config = path_join(p->root, !strcmp(p->root, p->common) &&
						    !(p->scope && !strcmp(p->scope, "worktree"))
					    ? "config"
					    : "config.worktree");
	real = realpath(config, NULL); /* through a symlink, as git writes */
	p->config = real ? steal(&real) : steal(&config);
	p->state_dir = path_join(p->root, "yardmaster");
	p->state_file = path_join(p->state_dir, "state.json");
	p->before = path_join(p->state_dir, "config.before");
	p->front = path_join(p->state_dir, "hooks");
	return 0;
}

/* What we write down of it is JSON. */
static bool is_utf8(const char *s)
{
	uint32_t c;

	for (size_t n = strlen(s), k; n; s += k, n -= k) {
		k = utf8_decode(s, n, &c);
		if (!k)
			return false;
	}
	return true;
}

int clone_place_find(const char *dir, struct clone_place *ret, struct err *err)
{
	cleanup(clone_place_release) struct clone_place p = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	struct stat st;
	int rc;

	p.dir = realpath(dir, NULL);
	if (!p.dir)
		return err_errno(err, "%s", dir);
	if (stat(p.dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ERR_INPUT, "%s: is no folder; expected a clone", dir);
	rc = ask_path(p.dir, "--absolute-git-dir", NULL, &p.git_dir, &why);
	if (rc != 0)
		return err_set(err, ERR_NOT_FOUND, "%s: not a clone that git will use: %s", dir,
			       err_text(&why));
	if (!is_utf8(p.git_dir))
		return err_set(err, ERR_INPUT, "%s: the name of its Git directory is not UTF-8",
			       dir);
	if (ask_path(p.dir, "--git-common-dir", NULL, &p.common, err) != 0)
		return -1;
	if (ask_path(p.dir, "--show-toplevel", NULL, &p.top, NULL) < 0)
		return err_set(err, ERR_IO, "%s: git could not be asked", dir);
	if (fill(&p, err) < 0)
		return -1;
	*ret = p;
	p = (struct clone_place){0};
	return 0;
}

/* ---- remotes ---- */

/* "file://" + path, or a path. Anything with a host is elsewhere. */
char *clone_url_path(const char *dir, const char *url)
{
	autofree char *joined = NULL;

	if (!strncmp(url, "file://", 7))
		return realpath(url + 7, NULL);
	if (strstr(url, "://") || giturl_behind_host(url))
		return NULL;
	joined = url[0] == '/' ? xstrdup(url) : path_join(dir, url);
	return realpath(joined, NULL);
}

static void add_remote(const char *dir, const char *name, const char *url, json_t *ret)
{
	autofree char *path = clone_url_path(dir, url);
	json_t *o;

	if (json_array_size(ret) >= REMOTES_MAX)
		return;
	o = json_object();
	json_put_str(o, "name", name);
	json_put_str(o, "url", url);
	if (path)
		json_put_str(o, "path", path);
	json_array_append_new(ret, o);
}

/* "NAME TAB URL (fetch)" or "(push)", and perhaps more behind it: the addresses as git uses them, with
 * url.*.insteadOf worked in. */
static void take_line(const char *dir, char *line, json_t *ret)
{
	char *url = strchr(line, '\t'), *end = NULL;

	if (!url)
		return;
	*url++ = '\0';
	for (char *p = strstr(url, " ("); p; p = strstr(p + 1, " ("))
		if (!strncmp(p, " (fetch)", 8) || !strncmp(p, " (push)", 7))
			end = p;
	if (!end)
		return;
	*end = '\0';
	add_remote(dir, line, url, ret);
}

int clone_remotes(const char *dir, json_t **ret, struct err *err)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT, lines = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;

	strvec_pushl(&argv, "git", "remote", "-v", NULL);
	if (clone_git(dir, &argv, &out, err) != 0)
		return -1;
	*ret = json_array();
	strvec_split(&lines, out.s, '\n');
	strvec_foreach (&lines, line)
		take_line(dir, *line, *ret);
	return 0;
}
