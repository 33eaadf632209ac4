/* hook.c - see hook.h */
#include "hooks/hook.h"

#include "base/json.h"
#include "base/mem.h"
#include "hooks/local.h"
#include "sys/chan.h"
#include "sys/usock.h"

#include <unistd.h>

#define PUSHES_MAX 50     /* refs/for/ of one push */
#define ANSWER_MS  120000 /* how long the daemon may take */

/* ---- update ---- */

static bool is_or_below(const char *ref, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(ref, name, n) && (!ref[n] || ref[n] == '/');
}

char *hook_update_refusal(const char *base, const char *ref, const char *old_oid)
{
	static const char *const ours[] = {"refs/pull", "refs/yardmaster", "refs/heads/yardmaster",
					   "refs/notes/yardmaster"};
	/* Elsewhere a reference has a meaning that nobody expects of a push: refs/replace/ changes what
	 * a commit holds for every git that looks at the repository. */
	static const char task[] = "refs/heads/yardmaster/";
	static const char *const open[] = {"refs/heads/", "refs/tags/", "refs/notes/"};
	autofree char *head = xasprintf("refs/heads/%s", base);
	size_t n = strlen(head), kind = 0;

	if (!strcmp(ref, head) && strspn(old_oid, "0") != strlen(old_oid))
		return xasprintf(
			"branch '%s' is moved by the merge queue only; propose your change with: "
			"git push origin HEAD:refs/for/%s/TOPIC",
			base, base);
	/* A branch below the base, or in the place of a folder of ours, would shut it out: git keeps
	 * no branch `main` beside `main/x`. */
	if (!strncmp(ref, head, n) && ref[n] == '/')
		return xasprintf("%s: would leave no place for the base branch '%s'", ref, base);
	if (!strncmp(ref, task, sizeof(task) - 1))
		return xasprintf("%s is yardmaster's own: a task's branch, which takes no push. "
				 "What is to be "
				 "changed is said on its pull request; once the task has ended "
				 "(`yardmaster task "
				 "cancel` ends it) a push to refs/for/%s/%s updates that",
				 ref, base, ref + strlen("refs/heads/"));
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (is_or_below(ref, ours[i]))
			return xasprintf("%s is yardmaster's own", ref);
	while (kind < ARRAY_LEN(open) && strncmp(ref, open[kind], strlen(open[kind])) != 0)
		kind++;
	if (kind == ARRAY_LEN(open))
		return xasprintf(
			"%s: is neither a branch nor a tag nor a note; push to refs/heads/, "
			"refs/tags/, refs/notes/ or refs/for/",
			ref);
	if (!strncmp(ref, "refs/tags/", 10) && !strcmp(ref + 10, base))
		return xasprintf("%s: a tag of this name would be taken for the base branch '%s'",
				 ref, base);
	return NULL;
}

static int update_main(char *const *argv)
{
	autofree char *why = NULL;

	if (!argv[0] || strcmp(argv[0], "--base") != 0 || !argv[1] || !argv[2] || !argv[3] ||
	    !argv[4]) {
		fprintf(stderr, "yardmaster: hook update: expected --base BRANCH REF OLD NEW\n");
		return 2;
	}
	why = hook_update_refusal(argv[1], argv[2], argv[3]);
	if (why)
		fprintf(stderr, "yardmaster: %s\n", why);
	return why ? 1 : 0;
}

/* ---- asking the daemon ---- */

static int ask(const char *socket, const char *cmd, json_t *args, json_t **ret, struct err *err)
{
	autojson json_t *req = json_object(), *answer = NULL;
	struct chan_sync *c;
	int fd, rc;

	json_put_int(req, "v", 1);
	json_put_str(req, "cmd", cmd);
	json_put(req, "args", args);
	if (usock_connect(socket, &fd, err) < 0)
		return -1;
	c = chan_sync_new(fd, 0);
	rc = chan_sync_send(c, req, err);
	if (rc == 0)
		rc = chan_sync_recv(c, ANSWER_MS, &answer, err);
	chan_sync_free(c);
	if (rc == 0)
		return err_set(err, ERR_UNAVAILABLE, "the daemon hung up");
	if (rc < 0)
		return -1;
	if (!json_flag(answer, "ok")) {
		const json_t *e = json_object_get(answer, "error");

		return err_set(err, err_code_from_name(json_str(e, "code", NULL)), "%s",
			       json_str(e, "text", "the daemon gave no reason"));
	}
	*ret = steal(&answer);
	return 0;
}

static char *cwd(void)
{
	char *s = getcwd(NULL, 0); /* git runs hooks in the repository */

	return s ? s : xstrdup("");
}

/* ---- proc-receive ---- */

struct pushes {
	char *line[PUSHES_MAX];
	size_t n;
};

static void pushes_release(struct pushes *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->line[i]);
}

int hook_command_parse(char *line, char **ret_old, char **ret_new, char **ret_ref, struct err *err)
{
	char *a = strchr(line, ' '), *b = a ? strchr(a + 1, ' ') : NULL;

	if (!b || !b[1])
		return err_set(err, ERR_INPUT, "git sent '%s'; expected OLD NEW REF", line);
	*a = *b = '\0';
	*ret_old = line;
	*ret_new = a + 1;
	*ret_ref = b + 1;
	return 0;
}

/* Both sides name their version and what they can do. */
static int greet(char *buf, bool *ret_options, struct err *err)
{
	size_t n = 0;
	int rc;

	rc = hook_packet_read(STDIN_FILENO, buf, &n, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || strncmp(buf, "version=1", 9) != 0)
		return err_set(err, ERR_INPUT, "git speaks '%s'; expected version=1",
			       rc ? buf : "");
	*ret_options = n > strlen(buf) && strstr(buf + strlen(buf) + 1, "push-options");
	do
		rc = hook_packet_read(STDIN_FILENO, buf, &n, err);
	while (rc > 0);
	if (rc < 0)
		return -1;
	if (write(STDOUT_FILENO, "001aversion=1\0push-options", 26) != 26 ||
	    hook_packet_flush(STDOUT_FILENO) < 0)
		return err_errno(err, "answer git");
	return 0;
}

static int read_pushes(char *buf, bool options, struct pushes *p, struct err *err)
{
	size_t n;
	int rc;

	while ((rc = hook_packet_read(STDIN_FILENO, buf, &n, err)) > 0) {
		if (p->n == PUSHES_MAX)
			return err_set(err, ERR_LIMIT, "more than %d refs in one push", PUSHES_MAX);
		p->line[p->n++] = xstrdup(buf);
	}
	while (rc == 0 && options) {
		rc = hook_packet_read(STDIN_FILENO, buf, &n, err);
		if (rc == 0)
			break;
		rc = rc > 0 ? 0 : rc;
	}
	return rc;
}

/* One line: git shows what follows a newline as something else. */
static char *one_line(const char *s)
{
	char *r = xstrdup(s);

	for (char *p = r; *p; p++)
		if (*p == '\n')
			*p = ' ';
	return r;
}

static void do_push(const char *socket, char *line)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *answer = NULL;
	autofree char *path = cwd(), *why = NULL;
	char *old, *new, *ref;
	json_t *args, *item;

	if (hook_command_parse(line, &old, &new, &ref, &err) < 0) {
		hook_packet_write(STDOUT_FILENO, "ng %s %s", line, err_text(&err));
		return;
	}
	args = json_object();
	json_put_str(args, "path", path);
	json_put_str(args, "ref", ref);
	json_put_str(args, "new", new);
	if (ask(socket, "hook proc-receive", args, &answer, &err) < 0) {
		why = one_line(err_text(&err));
		fprintf(stderr, "yardmaster: %s\n", why);
		hook_packet_write(STDOUT_FILENO, "ng %s %s", ref, why);
		return;
	}
	item = json_object_get(answer, "item");
	fprintf(stderr, "yardmaster: %s\n", json_str(answer, "text", ""));
	hook_packet_write(STDOUT_FILENO, "ok %s", ref);
	hook_packet_write(STDOUT_FILENO, "option refname %s", json_str(item, "ref", ref));
	if (json_str(item, "old", NULL)) {
		hook_packet_write(STDOUT_FILENO, "option old-oid %s", json_str(item, "old", ""));
		hook_packet_write(STDOUT_FILENO, "option forced-update");
	}
}

static int proc_receive_main(char *const *argv)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(pushes_release) struct pushes p = {.n = 0};
	autofree char *buf = xmalloc(HOOK_PACKET_MAX + 1);
	bool options = false;

	if (!argv[0] || strcmp(argv[0], "--socket") != 0 || !argv[1]) {
		fprintf(stderr, "yardmaster: hook proc-receive: expected --socket PATH\n");
		return 2;
	}
	if (greet(buf, &options, &err) < 0 || read_pushes(buf, options, &p, &err) < 0) {
		fprintf(stderr, "yardmaster: proc-receive: %s\n", err_text(&err));
		return 1;
	}
	for (size_t i = 0; i < p.n; i++)
		do_push(argv[1], p.line[i]);
	return hook_packet_flush(STDOUT_FILENO) < 0 ? 1 : 0;
}

static int post_receive_main(char *const *argv)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *answer = NULL;
	autofree char *path = cwd();
	json_t *args;

	if (!argv[0] || strcmp(argv[0], "--socket") != 0 || !argv[1])
		return 2;
	args = json_object();
	json_put_str(args, "path", path);
	if (ask(argv[1], "hook post-receive", args, &answer, &err) < 0)
		fprintf(stderr, "yardmaster: %s (it will see the push later)\n", err_text(&err));
	return 0;
}

static const struct {
	const char *name;
	int (*main)(char *const *argv);
} hooks[] = {
	{"proc-receive", proc_receive_main}, {"update", update_main},
	{"post-receive", post_receive_main}, {"pre-commit", local_pre_commit},
	{"commit-msg", local_commit_msg},    {"pre-push", local_pre_push},
};

int hook_main(char *const *argv)
{
	for (size_t i = 0; argv[0] && i < ARRAY_LEN(hooks); i++)
		if (!strcmp(hooks[i].name, argv[0]))
			return hooks[i].main(argv + 1);
	fprintf(stderr,
		"yardmaster: hook '%s': not known; there are proc-receive, update, "
		"post-receive, pre-commit, commit-msg and pre-push\n",
		argv[0] ? argv[0] : "");
	return 2;
}
