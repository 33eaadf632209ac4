/* ci.c - see ci.h */
#include "bot/ci.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/queue_flow.h"
#include "bot/shadow.h"
#include "bot/task_flow.h"

#define OURS "yardmaster/"

static void add_names(struct strvec *ret, const struct strvec *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (strncmp(names->v[i], OURS, strlen(OURS)) != 0 && !strvec_has(ret, names->v[i]))
			strvec_push(ret, names->v[i]);
}

int ci_required(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		struct strvec *ret, struct err *err)
{
	cleanup(strvec_release) struct strvec there = STRVEC_INIT;
	struct forge f = bot_forge(b, r);
	int known;

	if (!f.ops->has_checks)
		return 1;
	known = f.ops->required(&f, r, &there, err);
	if (known < 0)
		return -1;
	add_names(ret, &conf->queue.forge_checks);
	add_names(ret, &there);
	return known;
}

char *ci_name_text(const char *wanted)
{
	const char *app = strchr(wanted, '\n');

	return app ? xasprintf("`%.*s` of the App %s", (int)(app - wanted), wanted, app + 1)
		   : xasprintf("`%s`", wanted);
}

json_t *ci_names_json(const struct strvec *names)
{
	json_t *a = json_array();

	for (size_t i = 0; i < names->n; i++)
		json_array_append_new(a, json_string(names->v[i]));
	return a;
}

int ci_names_parse(const char *json, struct strvec *ret, struct err *err)
{
	autojson json_t *a = NULL;
	const json_t *s;
	size_t i;

	if (!json)
		return 0;
	if (json_parse(json, strlen(json), SIZE_MAX, &a, err) < 0)
		return -1;
	json_array_foreach (a, i, s)
		if (json_is_string(s))
			strvec_push(ret, json_string_value(s));
	return 0;
}

static const json_t *check_of(const json_t *result, const char *name)
{
	const json_t *o;
	size_t i;

	json_array_foreach (json_object_get(result, "checks"), i, o)
		if (!strcmp(json_str(o, "name", ""), name))
			return o;
	return NULL;
}

enum ci_verdict ci_judge(const json_t *result, const struct strvec *names, char **ret_text)
{
	cleanup(buf_release) struct buf waits = BUF_INIT;

	for (size_t i = 0; i < names->n; i++) {
		const json_t *o = check_of(result, names->v[i]);
		const char *state = json_str(o, "state", "absent");

		if (!strcmp(state, "red")) {
			*ret_text = xstrdup(json_str(result, "log", names->v[i]));
			return CI_RED;
		}
		if (strcmp(state, "green") != 0) {
			autofree char *name = ci_name_text(names->v[i]);

			buf_addf(&waits, "%s%s (%s)", waits.len ? ", " : "", name,
				 json_str(o, "said", "not there yet"));
		}
	}
	if (!waits.len)
		return CI_GREEN;
	*ret_text = buf_steal(&waits);
	return CI_PENDING;
}

/* ---- asking ---- */

int ci_ask(struct bot *b, const struct repo *r, const char *head, const struct strvec *names,
	   const char *who, int64_t id, struct err *err)
{
	autofree char *subject = xasprintf("ci:%s:%lld", who, (long long)id);
	int64_t waits = 0;
	json_t *p, *ctx;

	/* One that has not begun will see what this one would. */
	if (db_int(b->db, ST_EFFECT_PENDING_OF, &waits, err, "ss", subject, "forge-checks") < 0)
		return -1;
	if (waits)
		return 0;
	p = json_object();
	ctx = json_object();
	json_put_int(p, "repo", r->id);
	json_put_str(p, "head", head);
	json_put(p, "names", ci_names_json(names));
	json_put_int(ctx, who, id);
	json_put_str(ctx, "head", head);
	json_put(p, "ctx", ctx);
	return bot_effect(b, subject, "forge-checks", p, err, "forge-checks:%s:%s:%lld", subject,
			  head, (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

int ci_wake(struct bot *b, int64_t repo, const char *head, struct err *err)
{
	cleanup(candidate_list_release) struct candidate_list cands = {0};
	cleanup(task_list_release) struct task_list tasks = {0};

	if (candidate_all(b->db, ST_CANDIDATE_CHECKING, &cands, err, "is", repo, head) < 0 ||
	    task_all(b->db, ST_TASK_CHECKING, &tasks, err, "is", repo, head) < 0)
		return -1;
	for (size_t i = 0; i < cands.n; i++)
		if (queue_ci_ask(b, &cands.v[i], err) < 0)
			return -1;
	for (size_t i = 0; i < tasks.n; i++)
		if (task_ci_ask(b, tasks.v[i].id, err) < 0)
			return -1;
	return 0;
}

int ci_on_changed(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	int64_t repo = json_int(p, "repo", 0);
	const char *head = json_str(p, "head", "?");

	(void)e;
	return ci_wake(b, repo, head, err) < 0 ? -1 : shadow_checks_changed(b, repo, head, err);
}

int ci_did(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	(void)e;
	return json_int(json_object_get(p, "ctx"), CI_TASK, 0) ? task_ci_told(b, p, err)
							       : queue_ci_told(b, p, err);
}
