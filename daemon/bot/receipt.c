/* receipt.c - see receipt.h */
#include "bot/receipt.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/git_request.h"
#include "sys/chan.h"
#include "sys/child.h"

#include <sys/socket.h>
#include <unistd.h>

#define TOOL_PATH  "/usr/local/bin:/usr/bin:/bin"
#define ANSWER_MS  120000
#define ANSWER_MAX ((size_t)16 << 20)

/* The git role as a question and an answer: the same code that the daemon trusts. */
struct role {
	struct chan_sync *chan;
	pid_t pid;
};

static void role_release(struct role *r)
{
	int status;

	chan_sync_free(r->chan);
	if (r->pid)
		child_wait(r->pid, &status, NULL);
}

static int role_start(struct role *r, const char *git, struct err *err)
{
	autofree char *self = NULL;
	autoclose int ours = -1, theirs = -1;
	struct child_fd fds[] = {{-1, 0}, {STDERR_FILENO, 2}};
	struct child_opts o = {.fds = fds, .nfds = ARRAY_LEN(fds), .die_with_parent = true};
	int pair[2];

	if (child_self(&self, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "socket pair");
	ours = pair[0];
	theirs = pair[1];
	fds[0].from = theirs;
	char *argv[] = {(char *)"yardmaster", (char *)"role", (char *)"git", (char *)git, NULL};
	char *envp[] = {(char *)"PATH=" TOOL_PATH, NULL};

	o.file = self;
	o.argv = argv;
	o.envp = envp;
	if (child_spawn(&o, &r->pid, err) < 0)
		return -1;
	r->chan = chan_sync_new(steal_fd(&ours), ANSWER_MAX);
	return 0;
}

static int role_ask(struct role *r, json_t *req, json_t **ret, struct err *err)
{
	autojson json_t *q = req, *answer = NULL;
	int rc;

	json_put_int(q, "id", 1);
	if (chan_sync_send(r->chan, q, err) < 0)
		return -1;
	rc = chan_sync_recv(r->chan, ANSWER_MS, &answer, err);
	if (rc == 0)
		err_set(err, ERR_UNAVAILABLE, "the git role ended");
	if (rc <= 0)
		return -1;
	if (!json_flag(answer, "ok")) {
		const json_t *e = json_object_get(answer, "error");

		return err_set(err, err_code_from_name(json_str(e, "code", NULL)), "%s",
			       json_str(e, "text", "the git role gave no reason"));
	}
	*ret = steal(&answer);
	return 0;
}

static int git_line(const char *git, const char *path, const char *const *words, char **ret,
		    struct err *err)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	char *envp[] = {(char *)"PATH=" TOOL_PATH,
			(char *)"GIT_CONFIG_NOSYSTEM=1",
			(char *)"GIT_CONFIG_GLOBAL=/dev/null",
			(char *)"LC_ALL=C",
			(char *)"GIT_NO_REPLACE_OBJECTS=1",
			NULL};
	struct child_opts o = {.file = git, .envp = envp};
	int rc;

	strvec_pushl(&argv, "git", "-C", path, NULL);
	for (size_t i = 0; words[i]; i++)
		strvec_push(&argv, words[i]);
	o.argv = argv.v;
	rc = child_run(&o, NULL, 0, 4096, 30000, &out, err);
	if (rc != 0)
		return rc < 0 ? -1
			      : err_set(err, ERR_NOT_FOUND, "git %s %s: found nothing in %s",
					words[0], words[1], path);
	buf_rtrim(&out);
	*ret = buf_steal(&out);
	return 0;
}

static json_t *verify_request(const char *repo, const json_t *receipt)
{
	static const char *const same[] = {"base", "head", "merge_base", "method"};
	json_t *q = git_request("verify", repo);

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (json_str(receipt, same[i], NULL))
			json_put_str(q, same[i], json_str(receipt, same[i], NULL));
	json_put_str(q, "candidate", json_str(receipt, "commit", ""));
	return q;
}

/* `on` has the note: the commit itself, or the last one of the rebase that brought it. */
static int compare(const json_t *receipt, const json_t *answer, const char *commit, const char *on,
		   json_t *ret)
{
	autofree char *text = NULL;
	bool named = !strcmp(json_str(receipt, "commit", ""), on);
	bool part = strcmp(on, commit) != 0;
	bool same = named && json_flag(answer, "same") &&
		    !strcmp(json_str(receipt, "tree", ""), json_str(answer, "found", "-"));

	if (same)
		text = xasprintf(
			"receipt of %.12s: holds: tree %.12s is %.12s %sd with %.12s, PR "
			"#%lld%s%s",
			commit, json_str(receipt, "tree", ""), json_str(receipt, "base", ""),
			json_str(receipt, "method", ""), json_str(receipt, "head", ""),
			(long long)json_int(receipt, "pr", 0),
			part ? "; it is one of the commits that landed with " : "", part ? on : "");
	else if (!named)
		text = xasprintf("receipt of %.12s: is of another commit: %.12s", commit,
				 json_str(receipt, "commit", "?"));
	else
		text = xasprintf("receipt of %.12s: does not hold: expected tree %s, found %s, the "
				 "receipt says %s",
				 commit, json_str(answer, "expected", "?"),
				 json_str(answer, "found", "?"), json_str(receipt, "tree", "?"));
	json_put_str(ret, "text", text);
	json_put(ret, "item", json_incref((json_t *)receipt));
	return same;
}

int receipt_verify(const char *repo_path, const char *commit, json_t *ret, struct err *err)
{
	cleanup(role_release) struct role role = {0};
	autojson json_t *note = NULL, *answer = NULL;
	autofree char *git = NULL, *repo = NULL, *oid = NULL, *text = NULL;
	autofree char *name = xasprintf("%s^{commit}", commit);
	autofree char *path = realpath(repo_path, NULL); /* git is not started where we are */
	json_t *q;

	if (!path)
		return err_errno(err, "receipt of %s: repository %s", commit, repo_path);
	if (child_which("git", TOOL_PATH, &git, err) < 0 ||
	    git_line(git, path, (const char *const[]){"rev-parse", "--absolute-git-dir", NULL},
		     &repo, err) < 0 ||
	    git_line(git, path,
		     (const char *const[]){"rev-parse", "--verify", "--quiet", name, NULL}, &oid,
		     err) < 0 ||
	    role_start(&role, git, err) < 0)
		return err_wrap(err, "receipt of %s", commit);
	q = git_request("receipt", repo);
	json_put_str(q, "commit", oid);
	if (role_ask(&role, q, &note, err) < 0)
		return -1;
	if (!json_flag(note, "found")) {
		text = xasprintf("receipt of %.12s: there is none; fetch refs/notes/yardmaster, or "
				 "the queue did not land it",
				 oid);
		json_put_str(ret, "text", text);
		return 0;
	}
	if (role_ask(&role, verify_request(repo, json_object_get(note, "receipt")), &answer, err) <
	    0)
		return -1;
	return compare(json_object_get(note, "receipt"), answer, oid, json_str(note, "on", oid),
		       ret);
}
