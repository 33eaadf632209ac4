/* local_push.c - see local.h: pre-push. */
#include "hooks/local.h"

#include "hooks/clone.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define HEADS_MAX      3 /* pushed commits of which conflicts are looked for */
#define SHOWN_MAX      10
#define COMMITS_MAX    "1000"

struct push {
	struct local l;
	const char *remote, *url;
	const json_t *item; /* what the daemon said of the repository */
	const char *base;   /* refs/heads/BASE */
	bool refused;
	char *head[HEADS_MAX], *ref[HEADS_MAX]; /* local commits, and where to */
	size_t heads;
};

static void push_release(struct push *p)
{
	for (size_t i = 0; i < p->heads; i++) {
		free(p->head[i]);
		free(p->ref[i]);
	}
	local_close(&p->l);
}

/* Everything that git says, for the hook behind too. */
static int copy_input(void)
{
	autoclose int fd = memfd_create("pre-push", MFD_CLOEXEC);
	char chunk[65536];
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write(fd, chunk, (size_t)n) != n)
			return -1;
	}
	return steal_fd(&fd);
}

/* ---- protected branches ---- */

static char *instead(const struct push *p, const char *ref)
{
	const char *base = json_str(p->item, "base", "main");
	autofree char *head = xasprintf("refs/heads/%s", base);

	if (strcmp(ref, head) != 0)
		return xstrdup("it is yardmaster's own");
	if (!strcmp(json_str(p->item, "forge", ""), "local"))
		return xasprintf("it is moved by the merge queue only; propose your change with: "
				 "git push %s HEAD:refs/for/%s/TOPIC",
				 p->remote, base);
	return xasprintf("it is moved by the merge queue only; push a branch of another name and "
			 "open a pull request to %s",
			 base);
}

/* One ends with '/': all below it. */
static bool is_protected(const struct push *p, const char *ref)
{
	const json_t *e;
	size_t i;

	json_array_foreach (json_object_get(p->item, "protected"), i, e) {
		const char *s = json_string_value(e);
		size_t n = s ? strlen(s) : 0;

		if (n && (s[n - 1] == '/' ? !strncmp(ref, s, n) : !strcmp(ref, s)))
			return true;
	}
	return false;
}

static void keep_head(struct push *p, const struct push_line *l)
{
	if (p->heads == HEADS_MAX || push_oid_is_zero(l->local_oid) ||
	    (strncmp(l->remote_ref, "refs/heads/", 11) != 0 &&
	     strncmp(l->remote_ref, "refs/for/", 9) != 0))
		return;
	p->head[p->heads] = xstrdup(l->local_oid);
	p->ref[p->heads++] = xstrdup(l->remote_ref);
}

static void look_at_line(struct push *p, char *text)
{
	autofree char *why = NULL, *shown = NULL;
	struct push_line l;

	if (push_line_parse(text, &l) < 0)
		return;
	/* The first push of a branch that is not there yet is anybody's. */
	if (!is_protected(p, l.remote_ref) ||
	    (push_oid_is_zero(l.remote_oid) && !strcmp(l.remote_ref, p->base))) {
		keep_head(p, &l);
		return;
	}
	why = instead(p, l.remote_ref);
	shown = text_code(l.remote_ref);
	local_say("push refused: %s of %s: %s", shown, p->l.repo, why);
	p->refused = true;
}

static void look_at_lines(struct push *p, int in)
{
	autofree char *line = NULL;
	size_t cap = 0;
	FILE *f = fdopen(dup(in), "r");
	ssize_t n;

	if (!f)
		return;
	rewind(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		if (n > LINE_MAX_BYTES)
			continue;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		look_at_line(p, line);
	}
	fclose(f);
}

/* ---- predicted conflicts ---- */

/* What the commit changes since it left the base: the daemon's, or the one that was fetched last. */
static int changed(const struct push *p, const char *head, json_t *files, char **ret_base)
{
	const char *base = json_str(p->item, "base", "main");
	autofree char *tracking = xasprintf("refs/remotes/%s/%s", p->remote, base);
	const char *from[] = {json_str(p->item, "base_oid", NULL), tracking};

	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		cleanup(strvec_release) struct strvec argv = STRVEC_INIT;
		cleanup(buf_release) struct buf out = BUF_INIT;
		bool cut;

		if (!from[i])
			continue;
		strvec_pushl(&argv, "git", "diff", "--name-only", "-z", "--no-renames",
			     "--no-ext-diff", "--no-textconv", "--no-relative",
			     "--ignore-submodules=none", NULL);
		strvec_pushf(&argv, "%s...%s", from[i], head);
		strvec_push(&argv, "--");
		if (local_git(&p->l, &argv, &out, &cut) != 0)
			continue;
		if (local_paths(&out, cut, files))
			local_say("only the first %zu changed files were compared with open PRs",
				  json_array_size(files));
		*ret_base = xstrdup(from[i]);
		return 0;
	}
	return -1;
}

/* The new commits, one a line: a PR whose head is among them is what this is built on. */
static void new_commits(const struct push *p, const char *head, const char *base, struct buf *out)
{
	cleanup(strvec_release) struct strvec argv = STRVEC_INIT;

	strvec_pushl(&argv, "git", "rev-list", "--max-count=" COMMITS_MAX, head, "--not", base,
		     "--", NULL);
	if (local_git(&p->l, &argv, out, NULL) != 0)
		buf_reset(out);
}

static void say_pr(const json_t *pr)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *title = text_code(json_str(pr, "title", ""));
	const json_t *files = json_object_get(pr, "files"), *f;
	int64_t n = json_int(pr, "nfiles", 0);
	size_t i;

	json_array_foreach (files, i, f) {
		autofree char *name = text_code(json_string_value(f) ? json_string_value(f) : "?");

		buf_addf(&b, "%s%s", i ? ", " : "", name);
	}
	if (n > (int64_t)json_array_size(files))
		buf_addf(&b, " and %lld more", (long long)n - (long long)json_array_size(files));
	local_say("may conflict with PR #%lld %s by %s%s: both change %s",
		  (long long)json_int(pr, "number", 0), title, json_str(pr, "author", "?"),
		  json_flag(pr, "queued") ? ", which is in the merge queue" : "", b.s);
}

static void say_conflicts(const struct push *p, const char *head, const char *base,
			  const json_t *item)
{
	const json_t *prs = json_object_get(item, "prs"), *pr;
	cleanup(buf_release) struct buf commits = BUF_INIT;
	size_t i, shown = 0, left = 0;

	if (!json_array_size(prs))
		return;
	new_commits(p, head, base, &commits);
	json_array_foreach (prs, i, pr) {
		const char *of = json_str(pr, "head", "-");

		if (*of && strstr(commits.s, of))
			continue;
		if (shown < SHOWN_MAX) {
			say_pr(pr);
			shown++;
		} else {
			left++;
		}
	}
	if (left || json_flag(item, "cut"))
		local_say("and more open PRs change the same files");
}

static void predict(struct push *p, size_t k)
{
	autojson json_t *files = json_array(), *item = NULL;
	autofree char *from = NULL;
	json_t *args;

	if (changed(p, p->head[k], files, &from) < 0 || !json_array_size(files))
		return;
	args = json_object();
	json_put(args, "files", json_incref(files));
	json_put_str(args, "ref", p->ref[k]);
	json_put_str(args, "head", p->head[k]);
	if (local_ask(&p->l, "clone conflicts", args, &item) == 0)
		say_conflicts(p, p->head[k], from, item);
}

/* ---- the hook ---- */

static bool check_push(struct push *p, int in)
{
	autojson json_t *item = NULL;
	autofree char *cwd = getcwd(NULL, 0), *path = clone_url_path(cwd ? cwd : "/", p->url);
	autofree char *base = NULL;
	json_t *args;

	if (local_open(&p->l) < 0)
		return true;
	args = json_object();
	json_put_str(args, "url", p->url);
	json_put_str(args, "path", path);
	if (local_ask(&p->l, "clone push", args, &item) < 0 || !json_flag(item, "managed"))
		return true;
	p->item = item;
	base = xasprintf("refs/heads/%s", json_str(item, "base", "main"));
	p->base = base;
	look_at_lines(p, in);
	for (size_t i = 0; !p->refused && i < p->heads; i++)
		predict(p, i);
	p->item = NULL;
	p->base = NULL;
	return !p->refused;
}

int local_pre_push(char *const *argv)
{
	cleanup(push_release) struct push p = {0};
	autoclose int in = copy_input();

	if (in < 0) {
		local_say("pre-push: what git said could not be read: %s", strerror(errno));
		return 1; /* the hook behind would not get what it needs */
	}
	if (argv[0] && argv[1] && argv[2]) {
		p.remote = argv[1];
		p.url = argv[2];
		if (!check_push(&p, in)) {
			local_say("git push --no-verify passes this check; the server has its own");
			return 1;
		}
	}
	return local_pass_on(argv, in);
}
