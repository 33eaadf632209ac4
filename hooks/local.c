/* local.c - see local.h: what the three have in common, pre-commit and commit-msg. */
#include "hooks/local.h"

#include "base/depends.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_MAX ((size_t)1 << 20)
#define SHOWN_MAX   10 /* lines of one kind */

void local_say(const char *fmt, ...)
{
	autofree char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	fprintf(stderr, "yardmaster: %s\n", s);
}

/* ---- the hook behind ---- */

static int cannot_run(const char *next)
{
	local_say("%s: cannot be run: %s", next, strerror(errno));
	return 1;
}

int local_pass_on(char *const *argv, int in)
{
	const char *next = argv[0];
	cleanup(strvec_release) struct strvec sh = STRVEC_INIT;
	struct stat st;

	if (!next || !*next || access(next, X_OK) < 0 ||
	    (stat(next, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	if (in >= 0 && (lseek(in, 0, SEEK_SET) < 0 || dup2(in, STDIN_FILENO) < 0))
		return cannot_run(next);
	signal(SIGPIPE, SIG_DFL); /* as git starts its hooks */
	execv(next, argv);
	if (errno != ENOEXEC)
		return cannot_run(next);
	/* Without "#!" it is a shell script, to git too. */
	strvec_push(&sh, "sh");
	for (char *const *a = argv; *a; a++)
		strvec_push(&sh, *a);
	execv("/bin/sh", sh.v);
	return cannot_run(next);
}

/* ---- git ---- */

int local_git(const struct local *l, const struct strvec *argv, struct buf *out, bool *ret_cut)
{
	cleanup(err_release) struct err err = ERR_INIT;
	const char *path = getenv("PATH");
	autofree char *git = NULL, *cwd = getcwd(NULL, 0);
	int64_t left = l->deadline - ask_now();
	struct child_opts o = {.argv = argv->v, .envp = environ, .cwd = cwd};
	int rc;

	if (ret_cut)
		*ret_cut = false;
	if (left <= 0 || !cwd || child_which("git", path ? path : "/usr/bin:/bin", &git, NULL) < 0)
		return -1;
	o.file = git;
	rc = child_run(&o, NULL, 0, HOOK_BYTES_MAX, left, out, &err);
	if (rc < 0 && out->failed && ret_cut) {
		*ret_cut = true;
		return 0;
	}
	return rc;
}

bool local_paths(const struct buf *records, bool cut, json_t *ret)
{
	const char *p = records->s, *end = records->s + records->len;

	while (p < end) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));

		if (!nul)
			return true; /* the last one is not whole */
		if (json_array_size(ret) >= HOOK_FILES_MAX)
			return true;
		json_array_append_new(ret, json_utf8(p, (size_t)(nul - p)));
		p = nul + 1;
	}
	return cut;
}

/* ---- the daemon ---- */

static void take_env(const char *name, char **field)
{
	const char *v = getenv(name);

	if (v && *v) {
		free(*field);
		*field = xstrdup(v);
	}
}

/* Records "KEY\nVALUE" that end with NUL; the last one counts. */
static void take_config(struct local *l, const struct buf *out)
{
	for (const char *p = out->s; p < out->s + out->len; p += strlen(p) + 1) {
		const char *value = strchr(p, '\n');
		char **field = !strncmp(p, "yardmaster.repo\n", 16)     ? &l->repo
			       : !strncmp(p, "yardmaster.socket\n", 18) ? &l->socket
									: NULL;

		if (field && value) {
			free(*field);
			*field = xstrdup(value + 1);
		}
	}
}

static void find(struct local *l)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;

	take_env("YARDMASTER_REPO", &l->repo);
	take_env("YARDMASTER_SOCKET", &l->socket);
	if (l->repo && l->socket)
		return;
	strvec_pushl(&argv, "git", "config", "-z", "--get-regexp", "^yardmaster\\.(repo|socket)$",
		     NULL);
	if (local_git(l, &argv, &out, NULL) == 0)
		take_config(l, &out);
	take_env("YARDMASTER_REPO", &l->repo);
	take_env("YARDMASTER_SOCKET", &l->socket);
}

static int64_t limit_ms(void)
{
	const char *v = getenv("YARDMASTER_HOOK_MS");
	long n = v ? strtol(v, NULL, 10) : 0;

	return n > 0 && n <= 60000 ? n : HOOK_MS;
}

static int without(const char *why)
{
	autofree char *line = text_code(why);

	local_say("not checked, git goes on without: %s", line);
	return -1;
}

int local_open(struct local *l)
{
	cleanup(err_release) struct err err = ERR_INIT;

	l->deadline = ask_now() + limit_ms();
	find(l);
	if (!l->socket || !l->repo)
		return without(ask_now() >= l->deadline
				       ? "git's configuration took too long to read"
				       : "yardmaster.repo and yardmaster.socket are not set; run "
					 "yardmaster hooks install");
	if (ask_open(l->socket, l->deadline, &l->ask, &err) < 0)
		return without(err_text(&err));
	return 0;
}

void local_close(struct local *l)
{
	ask_free(l->ask);
	free(l->socket);
	free(l->repo);
	*l = (struct local){0};
}

int local_ask(struct local *l, const char *cmd, json_t *args, json_t **ret_item)
{
	cleanup(err_release) struct err err = ERR_INIT;

	json_put_str(args, "repo", l->repo);
	return ask_item(l->ask, cmd, args, ret_item, &err) < 0 ? without(err_text(&err)) : 0;
}

/* ---- pre-commit ---- */

/* The files of the other side are staged too while a merge is concluded: they are not this commit's. */
static bool in_between(const struct local *l)
{
	static const char *const marks[] = {"MERGE_HEAD", "rebase-merge", "rebase-apply"};
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT, paths = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;

	strvec_pushl(&argv, "git", "rev-parse", NULL);
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		strvec_pushl(&argv, "--git-path", marks[i], NULL);
	if (local_git(l, &argv, &out, NULL) != 0)
		return false;
	strvec_split(&paths, out.s, '\n');
	strvec_foreach (&paths, p)
		if (**p && fs_exists(*p))
			return true;
	return false;
}

/* 1 there are some, 0 none, -1 said why not. */
static int staged(const struct local *l, json_t *files, bool *ret_cut)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	bool cut;

	/* Also before the first commit: this form of diff knows about it. */
	strvec_pushl(&argv, "git", "--no-optional-locks", "-c", "core.fsmonitor=false", "diff",
		     "--cached", "--name-only", "-z", "--no-renames", "--no-ext-diff",
		     "--no-textconv", "--no-relative", "--ignore-submodules=none", NULL);
	if (local_git(l, &argv, &out, &cut) != 0)
		return without("git did not say in time what is staged");
	*ret_cut = local_paths(&out, cut, files);
	return json_array_size(files) > 0;
}

static void say_leases(const json_t *item)
{
	const json_t *list = json_object_get(item, "leases"), *e;
	int64_t total = json_int(item, "total", 0);
	size_t i;

	json_array_foreach (list, i, e) {
		autofree char *file = text_code(json_str(e, "file", "?"));
		autofree char *title = text_code(json_str(e, "title", "?"));
		autofree char *pattern = text_code(json_str(e, "pattern", "?"));

		if (i == SHOWN_MAX)
			break;
		local_say("warning: %s is leased to task %lld %s (%s, for %s) by %s", file,
			  (long long)json_int(e, "task", 0), title, json_str(e, "agent", "?"),
			  json_str(e, "requester", "?"), pattern);
	}
	if (total > SHOWN_MAX)
		local_say("warning: and %lld more staged files are leased",
			  (long long)total - SHOWN_MAX);
	if (total)
		local_say(
			"the commit is made; the agent's change and yours may meet in these files");
}

static void check_leases(void)
{
	cleanup(local_close) struct local l = {0};
	autojson json_t *item = NULL, *files = json_array();
	json_t *args;
	bool cut = false;

	if (local_open(&l) < 0 || staged(&l, files, &cut) <= 0)
		return;
	args = json_object();
	json_put(args, "files", json_incref(files));
	/* Asked last, because mostly there is nothing to say. */
	if (local_ask(&l, "clone leases", args, &item) < 0 ||
	    ((cut || json_int(item, "total", 0)) && in_between(&l)))
		return;
	if (cut)
		local_say("only the first %zu staged files were looked at", json_array_size(files));
	say_leases(item);
}

int local_pre_commit(char *const *argv)
{
	check_leases();
	return local_pass_on(argv, -1);
}

/* ---- commit-msg ---- */

static int refuse(const char *what, const char *why)
{
	autofree char *shown = text_code(what);

	local_say("commit refused: Depends-On: %s: %s", shown, why);
	return -1;
}

/* What was not understood says itself what was expected. */
static int refuse_bad(const char *bad)
{
	autofree char *shown = text_code(bad);

	local_say("commit refused: %s", shown);
	return -1;
}

static void refused_what_to_do(const char *file)
{
	autofree char *shown = text_code(file);

	local_say("correct the message and commit again (it is kept in %s), or pass the check with "
		  "--no-verify",
		  shown);
}

static char *branch_name(const struct local *l)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;

	strvec_pushl(&argv, "git", "symbolic-ref", "-q", "--short", "HEAD", NULL);
	if (local_git(l, &argv, &out, NULL) != 0)
		return NULL; /* detached */
	buf_rtrim(&out);
	return buf_steal(&out);
}

/* -1: one is wrong, and was named. */
static int ask_depends(const struct depends *deps)
{
	cleanup(local_close) struct local l = {0};
	autojson json_t *item = NULL;
	autofree char *branch = NULL;
	json_t *args, *list;
	const json_t *e;
	size_t i;
	int rc = 0;

	if (local_open(&l) < 0)
		return 0;
	branch = branch_name(&l);
	args = json_object();
	list = json_array();
	for (size_t k = 0; k < deps->n; k++)
		json_array_append_new(list, json_utf8(deps->v[k].what, strlen(deps->v[k].what)));
	json_put(args, "depends", list);
	json_put_str(args, "branch", branch);
	if (local_ask(&l, "clone message", args, &item) < 0)
		return 0;
	json_array_foreach (json_object_get(item, "notes"), i, e)
		local_say("note: Depends-On: %s: %s", json_str(e, "what", "?"),
			  json_str(e, "why", "?"));
	json_array_foreach (json_object_get(item, "wrong"), i, e)
		rc = refuse(json_str(e, "what", "?"), json_str(e, "why", "?"));
	return rc;
}

static int check_message(const char *file)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(buf_release) struct buf text = BUF_INIT;
	cleanup(depends_release) struct depends deps = {0};
	autofree char *kept = NULL;
	int rc = 0;

	if (!file)
		return 0;
	if (fs_read(file, MESSAGE_MAX, &text, &err) < 0) {
		without(err_text(&err));
		return 0;
	}
	kept = message_kept(text.s);
	depends_of_message(kept, &deps);
	strvec_foreach (&deps.bad, what)
		rc = refuse_bad(*what);
	if (rc == 0 && deps.n)
		rc = ask_depends(&deps);
	return rc;
}

int local_commit_msg(char *const *argv)
{
	const char *file = argv[0] ? argv[1] : NULL;

	if (check_message(file) < 0) {
		refused_what_to_do(file);
		return 1;
	}
	return local_pass_on(argv, -1);
}
