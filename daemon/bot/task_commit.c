/* task_commit.c - see task_flow.h: the host's commit of what a run left in the worktree. */
#include "bot/task_flow.h"

#include "agent/agent.h"
#include "base/buf.h"
#include "base/mask.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/protected.h"
#include "bot/runs.h"

#define MB             ((int64_t)1 << 20)
#define COMMIT_FILES   5000 /* most files that one task may change */
#define COMMIT_FILE_MB 10
#define COMMIT_MB      100
#define CLOCK_SLACK_MS 50

json_t *task_ctx_json(const struct task *t)
{
	json_t *x = json_object();

	json_put_int(x, "task", t->id);
	return x;
}

json_t *task_request(struct task_ctx *c, const char *op)
{
	json_t *p = json_object();

	json_put_str(p, "op", op);
	json_put_str(p, "repo", c->repo.path);
	json_put(p, "ctx", task_ctx_json(&c->task));
	return p;
}

char *task_last_agent(const struct task_ctx *c)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};

	if (attempt_all(c->bot->db, ST_ATTEMPT_OF_TASK, &l, NULL, "i", c->task.id) < 0)
		return NULL;
	for (size_t i = l.n; i > 0; i--)
		if (!strcmp(l.v[i - 1].kind, "agent"))
			return xstrdup(l.v[i - 1].agent);
	return NULL;
}

static char *commit_message(const struct task_ctx *c)
{
	const struct task *t = &c->task;
	autofree char *agent = task_last_agent(c);
	const struct agent_conf *a = agent ? conf_daemon_agent(c->bot->conf, agent) : NULL;
	cleanup(buf_release) struct buf b = BUF_INIT;
	size_t n = text_cut(t->title, strlen(t->title), 100);

	for (size_t i = 0; i < n; i++)
		buf_addc(&b, t->title[i] == '\n' ? ' ' : t->title[i]);
	if (t->summary) {
		autofree char *said = text_defuse(t->summary);

		buf_addf(&b, "\n\n%s", said);
	}
	buf_rtrim(&b);
	buf_addf(&b, "\n\nTask: %lld\nCloses: #%lld\n", (long long)t->id, (long long)t->issue);
	if (agent) /* a commit of run steps alone had none */
		buf_addf(&b, "Assisted-by: %s:%s\n", agent, a && a->model ? a->model : "unknown");
	buf_addf(&b, "Co-authored-by: %s <%s@users.yardmaster>\n", t->requester, t->requester);
	return buf_steal(&b);
}

static json_t *globs(const struct strvec *list)
{
	json_t *a = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(a, json_string(list->v[i]));
	return a;
}

static json_t *protected_globs(const struct strvec *more)
{
	json_t *a = globs(more);

	for (size_t i = 0; i < protected_files_n; i++)
		json_array_append_new(a, json_string(protected_files[i].glob));
	return a;
}

/* When the run began that left what is to be committed; file systems read their clock a tick late. */
static int64_t work_began_ms(const struct task_ctx *c)
{
	cleanup(attempt_release) struct attempt last = {0};

	if (attempt_find(c->bot->db, ST_ATTEMPT_LAST_OF_TASK, &last, NULL, "i", c->task.id) <= 0 ||
	    last.started_ms <= CLOCK_SLACK_MS)
		return 0;
	return last.started_ms - CLOCK_SLACK_MS;
}

/* When the work was done, and not when it is committed: a commit that is tried again after it was cut
 * off half-way must be the same commit, or the branch would already be where it may not be. */
static int64_t work_ended_ms(const struct task_ctx *c)
{
	cleanup(attempt_release) struct attempt last = {0};

	if (attempt_find(c->bot->db, ST_ATTEMPT_LAST_OF_TASK, &last, NULL, "i", c->task.id) > 0 &&
	    last.ended_ms)
		return last.ended_ms;
	return bot_now(c->bot);
}

int task_commit(struct task_ctx *c, struct err *err)
{
	struct bot *b = c->bot;
	struct task *t = &c->task;
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	autofree char *message = commit_message(c), *tree = task_tree(b, t->id);
	autofree char *shown = mask_text(b->mask, message);
	autofree char *name = xasprintf("t%lld", (long long)t->id), *nonce = task_nonce(c);
	const char *parent = t->head ? t->head : t->start;
	json_t *p = task_request(c, "worktree-commit");

	json_put_str(p, "name", name);
	json_put_str(p, "path", tree);
	json_put_str(p, "branch", t->branch);
	json_put_str(p, "parent", parent);
	json_put_str(p, "base", t->start);
	json_put(p, "allow", globs(&c->bp.allow));
	json_put(p, "protect", protected_globs(&c->conf.protect));
	json_put(p, "except", globs(&c->bp.protect_except));
	json_put_int(p, "max_file_bytes", COMMIT_FILE_MB * MB);
	json_put_int(p, "max_files", COMMIT_FILES);
	json_put_int(p, "max_bytes", COMMIT_MB * MB);
	json_put(p, "message", json_string(shown));
	json_put_str(p, "author_name", b->conf->author_name);
	json_put_str(p, "author_email", b->conf->author_email);
	json_put_int(p, "time_ms", work_ended_ms(c));
	json_put_int(p, "since_ms", work_began_ms(c));
	json_put_str(p, "sign_key", b->conf->sign_key);
	runs_checkout(b, &c->repo, p);
	/* The same work is committed once more when it was put onto another base (task_base.c). */
	if (bot_effect(b, subject, "task-commit", p, err, "commit:%lld:%s:%s", (long long)t->id,
		       nonce, parent) < 0)
		return -1;
	return task_save(b->db, t, err);
}

/* "src/x: why". The name is the agent's: shown so that it is one line whatever it holds. */
static char *refusal_text(const json_t *r)
{
	const char *path = json_str(r, "path", NULL), *why = json_str(r, "text", "refused");
	autojson json_t *name = path ? json_string(path) : NULL;
	autofree char *shown = name ? json_dumps(name, JSON_ENCODE_ANY) : NULL;
	const char *more = NULL;

	if (path && !strcmp(json_str(r, "reason", ""), "protected"))
		more = protected_why(path);
	if (!shown)
		return xstrdup(why);
	return more ? xasprintf("%s: %s: %s", shown, why, more) : xasprintf("%s: %s", shown, why);
}

/* A sentence that names them, or NULL. Caller frees. */
static char *ignored_text(const json_t *r)
{
	const json_t *list = json_object_get(r, "ignored"), *o;
	cleanup(buf_release) struct buf b = BUF_INIT;
	size_t i;

	json_array_foreach (list, i, o) {
		autofree char *shown = json_dumps(o, JSON_ENCODE_ANY);

		buf_addf(&b, "%s%s", i ? ", " : "", shown ? shown : "?");
	}
	if (!b.len)
		return NULL;
	return xasprintf("Not committed, because a `.gitignore` names %s: %s%s.",
			 json_array_size(list) == 1 ? "it" : "them", b.s,
			 json_flag(r, "ignored_more") ? " and others" : "");
}

/* Why nothing was changed, by the agent and by what was found. */
static void say_unchanged(struct task *t, char **ret)
{
	*ret = t->ignored ? xasprintf("%s%s%s", t->summary ? t->summary : "",
				      t->summary ? "\n\n" : "", t->ignored)
			  : xstrdup(t->summary);
}

int task_did_commit(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	const json_t *r = json_object_get(p, "result");
	const char *outcome = json_str(r, "outcome", "");
	int rc = task_went(b, p, &c, err);
	struct bp_event ev = {.ev = BP_EV_UNCHANGED};
	autofree char *unchanged = NULL;

	(void)e;
	if (rc <= 0)
		return rc;
	row_take(&c.task.ignored, ignored_text(r));
	if (!strcmp(outcome, "refused")) {
		ev.ev = BP_EV_REFUSED;
		row_take(&c.task.log, refusal_text(r));
		ev.text = c.task.log;
	} else if (!strcmp(outcome, "committed")) {
		ev.ev = BP_EV_COMMITTED;
		ev.tree = json_str(r, "tree", "");
		row_set(&c.task.head, json_str(r, "commit", NULL));
		row_set(&c.task.tree, ev.tree);
		row_take(&c.task.files, json_text(json_object_get(r, "files")));
	} else {
		say_unchanged(&c.task, &unchanged);
		ev.text = unchanged;
	}
	return task_step(&c, &ev, err);
}
