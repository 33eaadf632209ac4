/* github_hook.c - see github.h: what a webhook delivery hints at. */
#include "forge/github_job.h"

#include "base/text.h"
#include "forge/github_read.h"

#include <string.h>

/* What a handler is given. */
struct heard {
	struct github *g;
	const json_t *p;
	const char *action;
	struct gh_user sender;
	struct repo repo;
	struct github_repo remote;
};

/* ---- comments ---- */

static int is_known(struct github *g, int64_t repo, int64_t number, struct pr *pr, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	int rc = pr_find(g->o.db, ST_PR_BY_NUMBER, pr, err, "ii", repo, number);

	return rc ? rc : issue_find(g->o.db, ST_ISSUE_BY_NUMBER, &i, err, "ii", repo, number);
}

int github_hear_comment(struct github *g, const struct repo *r, int64_t number,
			const struct gh_comment *c, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	cleanup(github_repo_release) struct github_repo gr = {0};
	autofree char *key = xasprintf("gh-comment:%lld", (long long)c->id);
	json_t *p, *then;
	int rc;

	if (c->user.bot || number <= 0 || !*c->body)
		return 0;
	rc = github_repo_of(g->o.db, r->id, &gr, err);
	if (rc <= 0 || github_is_ours(g, gr.remote, c->body))
		return rc < 0 ? -1 : 0;
	rc = is_known(g, r->id, number, &pr, err);
	if (rc < 0)
		return -1;
	p = github_payload(r, number, c->user.login);
	json_put_int(p, "comment", c->id);
	json_put_str(p, "body", c->body);
	json_put_int(p, "at_ms", c->created_ms);
	/* The head that the writer could know of. GitHub's clock counts seconds: one that was
	 * seen later than the comment is not it, and a command binds to nothing. */
	if (pr.head && pr.head_ms > c->created_ms + 999)
		json_put_str(p, "head", FORGE_HEAD_UNKNOWN);
	else if (pr.head)
		json_put_str(p, "head", pr.head);
	if (rc > 0)
		return github_tell(g, steal(&key), "comment-created", p, err);
	then = json_object();
	json_put_str(then, "key", key);
	json_put_str(then, "kind", "comment-created");
	json_put(then, "payload", p);
	return github_sync(g, r->id, number, then, err);
}

static int64_t number_in(const json_t *p, const char *key)
{
	int64_t n = json_int(json_object_get(p, key), "number", 0);

	return n > 0 && n <= GITHUB_NUMBER_MAX ? n : 0;
}

static int hear_comment(struct heard *h, struct err *err)
{
	struct gh_comment c;

	if (strcmp(h->action, "created") != 0) /* an edited one is no command */
		return 0;
	if (gh_read_comment(json_object_get(h->p, "comment"), &c, err) < 0)
		return -1;
	return github_hear_comment(h->g, &h->repo, number_in(h->p, "issue"), &c, err);
}

/* ---- hints ---- */

static int sync(struct heard *h, const char *key, struct err *err)
{
	int64_t number = number_in(h->p, key);

	if (!number)
		return err_set(err, ERR_INPUT, "'%s.number': missing", key);
	return github_sync(h->g, h->repo.id, number, NULL, err);
}

/* What the delivery knows, and the API may not know yet. */
static json_t *told_of(const struct heard *h, const char *key)
{
	json_t *told = json_object();
	int64_t at = gh_time_ms(json_str(json_object_get(h->p, key), "updated_at", NULL));
	const char *label = json_str(json_object_get(h->p, "label"), "name", NULL);

	if (at > 0)
		json_put_int(told, "at_ms", at);
	if (label && !strcmp(h->action, "labeled") && !h->sender.bot) {
		json_put_str(told, "label", label);
		json_put_str(told, "actor", h->sender.login);
	}
	return told;
}

/* Who set a label is said by its delivery for sure, so that one is not left out for a look that waits already. */
static int hear_issue(struct heard *h, struct err *err)
{
	int64_t number = number_in(h->p, "issue");
	json_t *told = told_of(h, "issue");

	if (number && json_object_get(told, "label"))
		return github_sync_told(h->g, h->repo.id, number, NULL, told, err);
	json_decref(told);
	return sync(h, "issue", err);
}

/* A new head, and a review, are what somebody waits for. */
static int hear_pull(struct heard *h, struct err *err)
{
	int64_t review = json_int(json_object_get(h->p, "review"), "id", 0);
	int64_t number = number_in(h->p, "pull_request");
	bool submitted = review > 0 && !strcmp(h->action, "submitted");
	json_t *told;

	if (!number || (!submitted && strcmp(h->action, "synchronize") != 0))
		return sync(h, "pull_request", err);
	told = told_of(h, "pull_request");
	if (submitted)
		json_put_int(told, "review", review);
	return github_sync_told(h->g, h->repo.id, number, NULL, told, err);
}

static int hear_push(struct heard *h, struct err *err)
{
	autofree char *base = xasprintf("refs/heads/%s", h->repo.base);
	const char *after = json_str(h->p, "after", "");

	if (strcmp(json_str(h->p, "ref", ""), base) != 0)
		return 0;
	return gh_is_oid(after) && after[strspn(after, "0")]
		       ? github_fetch_told(h->g, &h->repo, after, err)
		       : github_fetch_base(h->g, &h->repo, err);
}

/* Renamed, transferred, made private: read it again. */
static int hear_repo(struct heard *h, struct err *err)
{
	return github_look_again(h->g, h->repo.id, err);
}

/* Every issue and PR that has it has it by its new name now, of which no event of theirs tells. */
static int hear_label(struct heard *h, struct err *err)
{
	const json_t *changes = json_object_get(h->p, "changes");
	const char *from = json_str(json_object_get(changes, "name"), "from", NULL);
	const char *to = json_str(json_object_get(h->p, "label"), "name", NULL);
	int64_t now = h->g->o.clock->wall_ms(h->g->o.clock);
	json_t *p;

	if (strcmp(h->action, "edited") != 0 || !from || !to || !strcmp(from, to))
		return 0;
	if (db_run(h->g->o.db, ST_LABEL_RENAME, err, "iss", h->repo.id, from, to) < 0)
		return -1;
	p = github_payload(&h->repo, 0, h->sender.login);
	json_put_str(p, "label", from);
	json_put_str(p, "to", to);
	return github_tell(h->g,
			   xasprintf("gh-label-renamed:%lld:%s:%s:%lld", (long long)h->repo.id,
				     from, to, (long long)now),
			   "label-renamed", p, err);
}

/* ---- the checks tab ---- */

/* "NAME:NUMBER:HEAD" is the external id of our own. */
static int64_t number_of(const json_t *run)
{
	const char *number = strchr(json_str(run, "external_id", ""), ':');

	return number ? strtoll(number + 1, NULL, 10) : 0;
}

/* Our own check run, which was made for a PR. */
static int find_check(struct heard *h, const json_t *run, struct github_check *ret,
		      int64_t *ret_number, struct err *err)
{
	int64_t id = json_int(run, "id", 0);
	int rc =
		id > 0 ? github_check_find(h->g->o.db, ST_GITHUB_CHECK_BY_REMOTE, ret, err, "i", id)
		       : 0;

	if (rc <= 0)
		return rc;
	*ret_number = number_of(run);
	return ret->repo == h->repo.id && *ret_number > 0;
}

/* CI has something to say of a commit; whoever waits for it reads it. */
static int hear_commit(struct heard *h, const char *sha, struct err *err)
{
	int64_t waited = 0;
	json_t *p;

	if (!gh_is_oid(sha))
		return 0;
	if (db_int(h->g->o.db, ST_CI_WAITED, &waited, err, "is", h->repo.id, sha) < 0)
		return -1;
	if (!waited)
		return 0;
	p = github_payload(&h->repo, 0, h->sender.login);
	json_put_str(p, "head", sha);
	return github_tell(h->g,
			   xasprintf("gh-checks:%lld:%s:%lld", (long long)h->repo.id, sha,
				     (long long)h->g->o.clock->wall_ms(h->g->o.clock)),
			   "checks-changed", p, err);
}

/* A check run of our own says nothing that we do not know. Whose it is, its App says: the sender is somebody else. */
static bool is_our_check(const struct heard *h, const json_t *check)
{
	const char *slug = json_str(json_object_get(check, "app"), "slug", "");
	size_t n = strlen(slug);

	return h->g->self && n && !strncmp(h->g->self, slug, n) && !strcmp(h->g->self + n, "[bot]");
}

static int hear_workflow(struct heard *h, struct err *err)
{
	return hear_commit(h, json_str(json_object_get(h->p, "workflow_run"), "head_sha", ""), err);
}

static int hear_status(struct heard *h, struct err *err)
{
	if (strcmp(json_str(h->p, "state", "pending"), "pending") != 0)
		github_ci_told(h->g, h->repo.id, json_str(h->p, "sha", ""), true,
			       json_int(h->p, "id", 0), json_str(h->p, "context", ""));
	return hear_commit(h, json_str(h->p, "sha", ""), err);
}

/* What the check said when it was pressed, by the delivery: when that is sent again, under whatever id, the
 * ledger's check may say something else, or, after another round, the same. */
static char *moment(const json_t *run, const struct github_check *c)
{
	static const char *const keys[] = {"status", "conclusion", "started_at", "completed_at",
					   "output"};
	autojson json_t *o = json_object();
	autofree char *text = NULL;
	json_t *v;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		v = json_object_get(run, keys[i]);
		if (v)
			json_put(o, keys[i], json_incref(v));
	}
	text = json_object_size(o) ? json_text(o) : xstrdup(c->said);
	return text_sha256(text, strlen(text));
}

/* As often as somebody presses it while the check says the same, it counts once. What one is refused another may
 * be allowed. */
static int press(struct heard *h, const struct github_check *c, int64_t number, const char *command,
		 const char *said, struct err *err)
{
	json_t *p = github_payload(&h->repo, number, h->sender.login);

	json_put_str(p, "command", command);
	json_put_str(p, "head", c->head);
	return github_tell(h->g,
			   xasprintf("gh-button:%lld:%s:%s:%s", (long long)c->remote, command, said,
				     h->sender.login),
			   "button-pressed", p, err);
}

/* What "re-run" means of each check. */
static const struct {
	const char *check, *command;
} reruns[] = {{"yardmaster/task", "retry"}, {"yardmaster/queue", "queue"}};

static const char *rerun_of(const char *check)
{
	for (size_t i = 0; i < ARRAY_LEN(reruns); i++)
		if (!strcmp(reruns[i].check, check))
			return reruns[i].command;
	return "";
}

/* CI's: whoever waits reads the list, which may not have the end yet that is told here. */
static int hear_run(struct heard *h, const json_t *run, struct err *err)
{
	const char *head = json_str(run, "head_sha", "");

	if (!strcmp(h->action, "completed"))
		github_ci_told(h->g, h->repo.id, head, false, json_int(run, "id", 0),
			       json_str(run, "name", ""));
	return hear_commit(h, head, err);
}

/* A button, or "re-run". */
static int hear_check(struct heard *h, struct err *err)
{
	cleanup(github_check_release) struct github_check c = {0};
	const json_t *run = json_object_get(h->p, "check_run");
	const char *command = json_str(json_object_get(h->p, "requested_action"), "identifier", "");
	autofree char *said = NULL;
	int64_t number = 0;
	int rc;

	if (strcmp(h->action, "requested_action") != 0 && strcmp(h->action, "rerequested") != 0)
		return is_our_check(h, run) ? 0 : hear_run(h, run, err);
	if (h->sender.bot)
		return 0;
	rc = find_check(h, run, &c, &number, err);
	if (rc <= 0)
		return rc;
	if (!strcmp(h->action, "rerequested"))
		command = rerun_of(c.name);
	if (!*command || command[strspn(command, "abcdefghijklmnopqrstuvwxyz")])
		return err_set(err, ERR_INPUT, "check run %lld: button '%.20s'",
			       (long long)c.remote, command);
	said = moment(run, &c);
	return press(h, &c, number, command, said, err);
}

/* "Re-run all checks" of ours: of those that are red, for the others have nothing to do once more. When it was
 * pressed is the suite's time, as in moment(); an old server that tells none leaves what the ledger has. */
static int rerun_suite(struct heard *h, const char *head, const char *when, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(reruns); i++) {
		cleanup(github_check_release) struct github_check c = {0};
		autojson json_t *said = NULL;
		autofree char *hash = NULL;
		const char *at;
		int64_t number = 0;
		int rc = github_check_find(h->g->o.db, ST_GITHUB_CHECK, &c, err, "iss", h->repo.id,
					   head, reruns[i].check);

		if (rc < 0)
			return -1;
		if (rc == 0 || !c.remote ||
		    json_parse(c.said, strlen(c.said), SIZE_MAX, &said, NULL) < 0 ||
		    strcmp(json_str(said, "conclusion", ""), "failure") != 0)
			continue;
		number = number_of(said);
		at = *when ? when : c.said;
		hash = text_sha256(at, strlen(at));
		if (number && press(h, &c, number, reruns[i].command, hash, err) < 0)
			return -1;
	}
	return 0;
}

static int hear_suite(struct heard *h, struct err *err)
{
	const json_t *suite = json_object_get(h->p, "check_suite");
	const char *head = json_str(suite, "head_sha", "");

	if (strcmp(h->action, "rerequested") != 0)
		return is_our_check(h, suite) ? 0 : hear_commit(h, head, err);
	if (h->sender.bot || !gh_is_oid(head))
		return 0;
	return rerun_suite(h, head, json_str(suite, "updated_at", ""), err);
}

/*
 * Whose doing is worth a look? By the kind of event, for a delivery's sender is not always who did it. Of checks, statuses
 * and workflows it is whoever pushed the commit, for candidates we ourselves; a push of ours dismisses reviews, closes
 * PRs and issues, and takes the base away from under others, all in our name. What a bot does starts nothing, but what
 * it changes is read like anything else; a comment alone is nothing but its writer's words.
 */
static const struct {
	const char *event;
	int (*hear)(struct heard *h, struct err *err);
	bool bots;      /* also what a machine did */
	const char *us; /* the actions that are heard of ourselves, "*": all; NULL: none */
} table[] = {
	{"issues", hear_issue, true, "closed reopened"},
	{"issue_comment", hear_comment, false, NULL},
	{"pull_request", hear_pull, true, "closed reopened edited"},
	{"pull_request_review", hear_pull, true, "dismissed"},
	{"pull_request_review_comment", hear_pull, true, NULL},
	{"pull_request_review_thread", hear_pull, true, "*"},
	{"check_run", hear_check, true, "*"},
	{"check_suite", hear_suite, true, "*"},
	{"status", hear_status, true, "*"},
	{"workflow_run", hear_workflow, true, "*"},
	{"push", hear_push, true, NULL},
	{"repository", hear_repo, true, "*"},
	{"label", hear_label, true, NULL},
};

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = words; n && (s = strstr(s, word)); s += n)
		if ((s == words || s[-1] == ' ') && (!s[n] || s[n] == ' '))
			return true;
	return false;
}

/* Is its sender one of whom this is heard? */
static bool is_heard(const struct heard *h, size_t row)
{
	const char *us = table[row].us;

	if (h->g->self && !strcmp(h->sender.login, h->g->self))
		return us && (!strcmp(us, "*") || has_word(us, h->action));
	return !h->sender.bot || table[row].bots;
}

static int find_repo(struct heard *h, struct err *err)
{
	const json_t *o = json_object_get(h->p, "repository");
	int64_t remote = json_int(o, "id", 0);
	int rc = remote > 0 ? github_repo_find(h->g->o.db, ST_GITHUB_BY_REMOTE, &h->remote, err,
					       "i", remote)
			    : 0;

	if (rc <= 0)
		return rc;
	return repo_get(h->g->o.db, h->remote.repo, &h->repo, err);
}

static void heard_release(struct heard *h)
{
	repo_release(&h->repo);
	github_repo_release(&h->remote);
}

int github_deliver(struct github *g, const char *event, const json_t *payload,
		   enum github_heard *ret, struct err *err)
{
	cleanup(heard_release) struct heard h = {.g = g,
						 .p = payload,
						 .action = json_str(payload, "action", ""),
						 .sender = gh_read_user(payload, "sender")};
	int rc;

	*ret = GITHUB_IGNORED;
	if (!strncmp(event, "installation", 12)) {
		*ret = GITHUB_HEARD;
		return github_installations_changed(g, err);
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].event, event) != 0)
			continue;
		rc = find_repo(&h, err);
		if (rc <= 0) {
			*ret = GITHUB_NOT_OURS;
			return rc;
		}
		if (!is_heard(&h, i))
			return 0;
		if (table[i].hear(&h, err) < 0)
			return err_wrap(err, "%s", event);
		*ret = GITHUB_HEARD;
		return 0;
	}
	return 0;
}
