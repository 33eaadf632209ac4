/*
 * pr_checkout.c - `yardmaster pr checkout NUMBER`: the daemon says where the head is, git brings it.
 *
 * The answer's item has "path", the repository's folder, and "ref", the reference of the head. Git
 * runs as the caller, with the caller's environment and terminal.
 */
#include "cli/local.h"
#include "cli/remote.h"

#include "base/mem.h"
#include "base/strvec.h"
#include "sys/child.h"

#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>

struct git {
	char *program;
	char *cwd;
};

static void git_release(struct git *g)
{
	free(g->program);
	free(g->cwd);
}

static int git_find(struct git *g, struct err *err)
{
	const char *path = getenv("PATH");

	if (child_which("git", path ? path : "/usr/bin:/bin", &g->program, err) < 0)
		return -1;
	g->cwd = getcwd(NULL, 0);
	return g->cwd ? 0 : err_errno(err, "pr checkout: the working directory");
}

/* Runs git on the caller's descriptors; its exit code, or -1. */
static int git_run(const struct git *g, const struct strvec *argv, bool quiet, struct err *err)
{
	/* Git's own words go to standard error, so that standard output is the result's alone. */
	const struct child_fd fds[] = {{0, 0}, {quiet ? -1 : 2, 1}, {quiet ? -1 : 2, 2}};
	struct child_opts o = {.file = g->program,
			       .argv = argv->v,
			       .envp = environ,
			       .cwd = g->cwd,
			       .fds = fds,
			       .nfds = ARRAY_LEN(fds)};
	int status;
	pid_t pid;

	if (child_spawn(&o, &pid, err) < 0 || child_wait(pid, &status, err) < 0)
		return -1;
	if (!WIFEXITED(status))
		return err_set(err, ERR_IO, "git %s was ended by signal %d", argv->v[1],
			       WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int git_must(const struct git *g, const struct strvec *argv, struct err *err)
{
	int rc = git_run(g, argv, false, err);

	if (rc <= 0)
		return rc;
	return err_set(err, ERR_STATE, "git %s failed with exit code %d; its message is above",
		       argv->v[1], rc);
}

/* What came over the socket becomes arguments of git: neither may be taken for an option. */
static int check_answer(const json_t *item, const char **path, const char **ref, struct err *err)
{
	*path = json_str(item, "path", "");
	*ref = json_str(item, "ref", "");
	if ((*path)[0] != '/' || strncmp(*ref, "refs/", 5) != 0)
		return err_set(err, ERR_INTERNAL,
			       "pr checkout: the daemon's answer: found path '%s' and ref '%s', "
			       "expected an absolute path and refs/...",
			       *path, *ref);
	return 0;
}

static bool branch_exists(const struct git *g, const char *branch)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;

	strvec_pushl(&argv, "git", "show-ref", "--verify", "--quiet", NULL);
	strvec_pushf(&argv, "refs/heads/%s", branch);
	return git_run(g, &argv, true, NULL) == 0;
}

static int bring(const char *path, const char *ref, const char *branch, struct err *err)
{
	cleanup(git_release) struct git g = {0};
	cleanup(strvec_release) struct strvec fetch = STRVEC_INIT, go = STRVEC_INIT,
					      forward = STRVEC_INIT;
	bool there;

	if (git_find(&g, err) < 0)
		return -1;
	strvec_pushl(&fetch, "git", "fetch", "--quiet", "--no-tags", path, ref, NULL);
	if (git_must(&g, &fetch, err) < 0)
		return -1;
	there = branch_exists(&g, branch);
	strvec_pushl(&go, "git", "switch", "--quiet", NULL);
	if (there)
		strvec_push(&go, branch);
	else
		strvec_pushl(&go, "--no-track", "--create", branch, "FETCH_HEAD", NULL);
	if (git_must(&g, &go, err) < 0)
		return -1;
	if (!there)
		return 0;
	strvec_pushl(&forward, "git", "merge", "--quiet", "--ff-only", "FETCH_HEAD", NULL);
	return git_must(&g, &forward, err);
}

int cli_pr_checkout(struct cli_call *call, json_t *ret, struct err *err)
{
	int64_t n = json_int(call->args, "number", 0);
	const char *said = json_str(call->args, "branch", NULL);
	autofree char *branch = said ? xstrdup(said) : xasprintf("pr/%" PRId64, n);
	autofree char *text = NULL;
	autojson json_t *msg = NULL, *item = NULL;
	const char *path, *ref;
	struct cli_answer a;

	if (branch[0] == '-')
		return err_set(err, ERR_INPUT, "pr checkout: --branch: found '%s', expected a name",
			       branch);
	json_object_del(call->args, "branch"); /* no business of the daemon's */
	if (cli_remote(call, call->cmd->path, call->args, CLI_REMOTE_WAIT_MS, NULL, NULL, &msg, &a,
		       err) < 0 ||
	    check_answer(a.item, &path, &ref, err) < 0 || bring(path, ref, branch, err) < 0)
		return -1;
	item = json_deep_copy(a.item);
	json_put_str(item, "branch", branch);
	text = xasprintf("On branch %s.", branch);
	json_put(ret, "item", steal(&item));
	json_put_str(ret, "text", text);
	return CLI_EXIT_OK;
}
