/*
 * github_ci.c - see forge.h, "forge-checks": what CI says of a commit. Which of it GitHub requires is in
 * github_rules.c.
 *
 * Check runs and commit statuses are two lists. A commit status of a check that a rule binds to an App counts when its
 * latest one was set by that App's bot ("SLUG[bot]"): that list does not say by whom, so the statuses are read once
 * more with their creators, only where there is such a one, and whose slug that is is asked of GitHub unless a check
 * run of the commit tells.
 *
 * A list may be behind the delivery that told of it: the check that has ended is not in it, or still runs. Of those that
 * were told (github_ci_told) and that somebody waits for the list is read again until it has them.
 *
 * Of the first one that is red the rest is read: its annotations, and, when it is a job of
 * GitHub Actions, the end of its log.
 */
#include "forge/github_job.h"

#include "base/buf.h"
#include "base/text.h"
#include "forge/github_read.h"

#include <string.h>

#define LOG_KEEP  ((size_t)32 << 10)
#define TEXT_KEEP ((size_t)8 << 10) /* of a summary and of a text */
#define ACTIONS   "github-actions"  /* the App whose check runs are jobs */
#define APPS_MAX  5                 /* that are asked for in one look */
#define BOT       "[bot]"

enum seen { SEEN_ABSENT, SEEN_GREEN, SEEN_PENDING, SEEN_RED };
static const char *const seen_names[] = {"absent", "green", "pending", "red"};

/* Of a check run's conclusion and of a status' state. */
static enum seen seen_of(const char *word)
{
	static const char *const green[] = {"success", "neutral", "skipped"};

	if (!*word || !strcmp(word, "pending"))
		return SEEN_PENDING;
	for (size_t i = 0; i < ARRAY_LEN(green); i++)
		if (!strcmp(word, green[i]))
			return SEEN_GREEN;
	return SEEN_RED;
}

/* Two of one name (two events, two Apps): the worse one counts. */
static void note_one(json_t *o, enum seen s, const char *word, const char *url, const json_t *run)
{
	if (json_int(o, "seen", 0) >= (int64_t)s)
		return;
	json_put_int(o, "seen", s);
	json_put_str(o, "state", seen_names[s]);
	json_put_str(o, "said", word);
	json_put_str(o, "url", url);
	if (run)
		json_put(o, "run", json_incref((json_t *)run));
	else
		json_object_del(o, "run");
}

/* A wanted one that names an App is only that App's to report: anybody else's of this name says nothing. */
static void note(struct job *j, const char *name, int64_t app, enum seen s, const char *word,
		 const char *url, const json_t *run)
{
	json_t *o;
	size_t i;

	json_array_foreach (json_object_get(j->result, "checks"), i, o) {
		int64_t wanted = json_int(o, "app", 0);

		if (!strcmp(json_str(o, "called", ""), name) && (!wanted || wanted == app))
			note_one(o, s, word, url, run);
	}
}

/* ---- what was told, and is not there yet ---- */

#define TOLD_MAX 256

void github_ci_told(struct github *g, int64_t repo, const char *head, bool status, int64_t id,
		    const char *name)
{
	json_t *o = json_object();

	g->told = g->told ? g->told : json_array();
	json_put_int(o, "repo", repo);
	json_put_str(o, "head", head);
	json_put_bool(o, "status", status);
	json_put_int(o, "id", id);
	json_put_str(o, "name", name);
	json_put_int(o, "at_ms", g->o.clock->wall_ms(g->o.clock));
	if (json_array_size(g->told) >= TOLD_MAX)
		json_array_remove(g->told, 0);
	json_array_append_new(g->told, o);
}

static bool is_wanted(const struct job *j, const char *name)
{
	const json_t *o;
	size_t i;

	json_array_foreach (json_object_get(j->result, "checks"), i, o)
		if (!strcmp(json_str(o, "called", ""), name))
			return true;
	return false;
}

/* Is it in the list as it was told: ended, or followed by a later one of its name? */
static bool is_listed(const json_t *list, const json_t *told)
{
	const char *key = json_flag(told, "status") ? "context" : "name";
	int64_t id = json_int(told, "id", 0);
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		int64_t found = json_int(o, "id", 0);

		if (strcmp(json_str(o, key, ""), json_str(told, "name", "")) != 0)
			continue;
		if (found > id ||
		    (found == id && (json_flag(told, "status") ||
				     !strcmp(json_str(o, "status", ""), "completed"))))
			return true;
	}
	return false;
}

/* The name of one that the list lacks, or NULL. */
static const char *lacks(const struct job *j, const json_t *list, bool status)
{
	const json_t *o;
	size_t i;

	if (!job_lags(j))
		return NULL;
	json_array_foreach (j->g->told, i, o) {
		int64_t age = job_now(j) - json_int(o, "at_ms", 0);
		const char *name = json_str(o, "name", "");

		if (json_flag(o, "status") == status && json_int(o, "repo", 0) == j->repo.id &&
		    !strcmp(json_str(o, "head", ""), json_str(j->payload, "head", "?")) &&
		    age >= 0 && age < LAG_MS && is_wanted(j, name) && !is_listed(list, o))
			return name;
	}
	return NULL;
}

static int again(struct job *j, const char *name, struct err *err)
{
	autofree char *what =
		xasprintf("the list lacks the check `%s`, of whose end was told,", name);

	return job_again(j, err, what);
}

/* ---- why it is red ---- */

static void add_cut(struct buf *b, const char *s)
{
	size_t n = text_cut(s, strlen(s), TEXT_KEEP);

	if (!n)
		return;
	buf_adds(b, "\n\n");
	buf_add(b, s, n);
}

/* As a compiler would say it: annotate.h finds the lines. */
static void add_annotations(struct buf *b, const json_t *list)
{
	const json_t *o;
	size_t i;

	if (json_array_size(list))
		buf_adds(b, "\n");
	json_array_foreach (list, i, o) {
		const char *message = json_str(o, "message", "");

		buf_addf(b, "\n%s:%lld: %s: %.*s", json_str(o, "path", "?"),
			 (long long)json_int(o, "start_line", 1),
			 strcmp(json_str(o, "annotation_level", ""), "failure") ? "warning"
										: "error",
			 (int)text_cut(message, strlen(message), 2000), message);
	}
}

static int finish(struct job *j, const char *log, size_t n)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	cleanup(buf_release) struct buf clean = BUF_INIT;
	json_t *red = json_object_get(j->memo, "red"), *o;
	const json_t *out = json_object_get(json_object_get(red, "run"), "output");
	const char *title = json_str(out, "title", ""), *url = json_str(red, "url", "");
	size_t i;

	buf_addf(&b, "The check `%s` ended: %s%s%s", json_str(red, "called", "?"),
		 json_str(red, "said", "?"), *title ? ": " : "", title);
	if (*url)
		buf_addf(&b, "\n%s", url);
	add_cut(&b, json_str(out, "summary", ""));
	add_cut(&b, json_str(out, "text", ""));
	add_annotations(&b, json_object_get(j->memo, "annotations"));
	if (n) {
		size_t from = text_tail(log, n, LOG_KEEP);

		buf_adds(&b, "\n\n");
		buf_add(&b, log + from, n - from);
	}
	text_clean(b.s, b.len, &clean, NULL);
	json_put_str(j->result, "log", clean.s);
	json_array_foreach (json_object_get(j->result, "checks"), i, o) {
		json_object_del(o, "run");
		json_object_del(o, "seen");
	}
	return JOB_DONE;
}

/* What cannot be read is left out: the check's name and address are there in any case. */
static int did_log(struct job *j, const struct gh_answer *a, struct err *err)
{
	if (a->outcome == GH_RETRY || a->outcome == GH_UNKNOWN)
		return job_check(j, a, err);
	return a->outcome == GH_OK && a->raw ? finish(j, a->raw, a->raw_len) : finish(j, "", 0);
}

static int ask_log(struct job *j)
{
	const json_t *run = json_object_get(json_object_get(j->memo, "red"), "run");

	if (strcmp(json_str(json_object_get(run, "app"), "slug", ""), ACTIONS) != 0)
		return finish(j, "", 0);
	return job_get(j,
		       gh_path("/repos/%r/actions/jobs/%d/logs", j->remote.full_name,
			       json_int(run, "id", 0)),
		       GH_TEXT, "ci", did_log);
}

static int did_annotations(struct job *j, const struct gh_answer *a, struct err *err)
{
	if (a->outcome == GH_RETRY || a->outcome == GH_UNKNOWN)
		return job_check(j, a, err);
	if (a->outcome == GH_OK && json_is_array(a->body))
		json_put(j->memo, "annotations", json_incref(a->body));
	return ask_log(j);
}

static int ask_why(struct job *j)
{
	json_t *o;
	const json_t *run;
	size_t i;

	json_array_foreach (json_object_get(j->result, "checks"), i, o) {
		if (json_int(o, "seen", 0) != SEEN_RED)
			continue;
		json_put(j->memo, "red", json_incref(o));
		run = json_object_get(o, "run");
		if (json_int(json_object_get(run, "output"), "annotations_count", 0) > 0)
			return job_get(j,
				       gh_path("/repos/%r/check-runs/%d/annotations?per_page=50",
					       j->remote.full_name, json_int(run, "id", 0)),
				       0, "ci", did_annotations);
		return ask_log(j);
	}
	json_array_foreach (json_object_get(j->result, "checks"), i, o) {
		json_object_del(o, "run");
		json_object_del(o, "seen");
	}
	return JOB_DONE;
}

/* ---- the two lists ---- */

/* A wanted one of an App, of which nothing has been said that counts. */
static bool is_bound(const json_t *o)
{
	return json_int(o, "app", 0) && json_int(o, "seen", 0) == SEEN_ABSENT;
}

static void refuse(json_t *o, char *why)
{
	autofree char *text = why;

	json_put_str(o, "said", text);
}

/* The latest status of this name; NULL: there is none on the page. */
static const json_t *status_of(const json_t *statuses, const char *context)
{
	const json_t *s;
	size_t i;

	json_array_foreach (statuses, i, s)
		if (!strcmp(json_str(s, "context", ""), context))
			return s;
	return NULL;
}

/* The number of the App with this slug: 0: that is not to be found out; -1: not known yet. */
static int64_t app_of(const struct job *j, const char *slug)
{
	const json_t *kept = json_object_get(j->g->app_ids, slug);

	if (json_object_get(json_object_get(j->memo, "apps"), slug))
		return json_int(json_object_get(j->memo, "apps"), slug, 0);
	return kept && job_now(j) - json_int(kept, "at_ms", 0) < GITHUB_LEVEL_MS
		       ? json_int(kept, "id", 0)
		       : -1;
}

static void keep_app(struct job *j, const char *slug, int64_t id)
{
	json_t *o = json_object();

	json_put_int(o, "id", id);
	json_put_int(o, "at_ms", job_now(j));
	if (!j->g->app_ids || json_object_size(j->g->app_ids) > 100) {
		json_decref(j->g->app_ids);
		j->g->app_ids = json_object();
	}
	json_put(j->g->app_ids, slug, o);
}

static int judge_bound(struct job *j);

static int did_app(struct job *j, const struct gh_answer *a, struct err *err)
{
	const char *slug = json_str(j->memo, "asking", "");
	int64_t id = 0;

	if (a->outcome == GH_RETRY || a->outcome == GH_UNKNOWN)
		return job_check(j, a, err);
	if (a->outcome == GH_OK && !strcmp(json_str(a->body, "slug", ""), slug))
		id = json_int(a->body, "id", 0);
	keep_app(j, slug, id);
	json_put_int(json_object_get(j->memo, "apps"), slug, id);
	return judge_bound(j);
}

/* The slug of the App whose bot that is, or NULL. Caller frees. A person's name has no '['. */
static char *slug_of(const struct gh_user *u)
{
	size_t n = strlen(u->login), k = strlen(BOT);

	return u->bot && n > k && !strcmp(u->login + n - k, BOT) ? xstrndup(u->login, n - k) : NULL;
}

/* JOB_MORE: an App is asked for first. memo.statuses: with their creators; memo.latest: without. */
static int judge_one(struct job *j, json_t *o)
{
	const char *name = json_str(o, "called", "");
	const json_t *s = status_of(json_object_get(j->memo, "statuses"), name);
	struct gh_user by = gh_read_user(s, "creator");
	autofree char *slug = s ? slug_of(&by) : NULL;
	const char *state = json_str(s, "state", "");
	int64_t id = slug ? app_of(j, slug) : 0, asked = json_int(j->memo, "asked", 0);

	if (!s) {
		if (status_of(json_object_get(j->memo, "latest"), name))
			refuse(o, xstrdup("a commit status of this name is there, and whose it is "
					  "could not be read"));
		return JOB_DONE;
	}
	if (id < 0 && asked < APPS_MAX) {
		json_put_int(j->memo, "asked", asked + 1);
		json_put_str(j->memo, "asking", slug);
		return job_get(j, gh_path("/apps/%s", slug), 0, "ci", did_app);
	}
	if (id == json_int(o, "app", 0))
		note_one(o, seen_of(state), state, json_str(s, "target_url", NULL), NULL);
	else
		refuse(o, xasprintf("a commit status of this name is @%s's, %s", by.login,
				    slug && id <= 0 ? "and which App that is could not be found out"
						    : "which is not that App"));
	return JOB_DONE;
}

static int judge_bound(struct job *j)
{
	json_t *o;
	size_t i;

	json_array_foreach (json_object_get(j->result, "checks"), i, o)
		if (is_bound(o) && judge_one(j, o) == JOB_MORE)
			return JOB_MORE;
	return ask_why(j);
}

static int did_creators(struct job *j, const struct gh_answer *a, struct err *err)
{
	if (a->outcome == GH_RETRY || a->outcome == GH_UNKNOWN)
		return job_check(j, a, err);
	if (a->outcome == GH_OK && json_is_array(a->body))
		json_put(j->memo, "statuses", json_incref(a->body));
	return judge_bound(j);
}

/* Is one of them wanted of an App? */
static bool any_bound(const struct job *j, const json_t *statuses)
{
	const json_t *o;
	size_t i;

	json_array_foreach (json_object_get(j->result, "checks"), i, o)
		if (is_bound(o) && status_of(statuses, json_str(o, "called", "")))
			return true;
	return false;
}

static int did_statuses(struct job *j, const struct gh_answer *a, struct err *err)
{
	json_t *latest = json_object_get(a->body, "statuses"), *o;
	const char *head = json_str(j->payload, "head", "");
	size_t i;

	if (job_lacks_push(j, a))
		return job_again(j, err, "GitHub does not know the commit");
	if (job_check(j, a, err) < 0)
		return -1;
	if (lacks(j, latest, true))
		return again(j, lacks(j, latest, true), err);
	if (strcmp(json_str(a->body, "sha", head), head) != 0)
		return err_set(err, ERR_INPUT, "%s: the statuses of %s are of %s",
			       j->remote.full_name, head, json_str(a->body, "sha", "?"));
	json_array_foreach (latest, i, o) {
		const char *state = json_str(o, "state", "");

		note(j, json_str(o, "context", ""), 0, seen_of(state), state,
		     json_str(o, "target_url", NULL), NULL);
	}
	if (!any_bound(j, latest))
		return ask_why(j);
	json_put(j->memo, "latest", json_incref(latest));
	/* The latest hundred, the newest first. */
	return job_get(j,
		       gh_path("/repos/%r/commits/%s/statuses?per_page=100", j->remote.full_name,
			       json_str(j->payload, "head", "")),
		       0, "ci", did_creators);
}

static int did_runs(struct job *j, const struct gh_answer *a, struct err *err)
{
	const char *head = json_str(j->payload, "head", "");
	const json_t *list = json_object_get(a->body, "check_runs"), *o;
	size_t i;

	if (job_lacks_push(j, a))
		return job_again(j, err, "GitHub does not know the commit");
	if (job_check(j, a, err) < 0)
		return -1;
	if (lacks(j, list, false))
		return again(j, lacks(j, list, false), err);
	json_put(j->memo, "apps", json_object());
	json_array_foreach (list, i, o) {
		const json_t *app = json_object_get(o, "app");
		const char *conclusion = json_str(o, "conclusion", "");

		/* One of another commit says nothing of this one. */
		if (strcmp(json_str(o, "head_sha", head), head) != 0)
			continue;
		if (json_int(app, "id", 0) > 0 && json_str(app, "slug", NULL))
			json_put_int(json_object_get(j->memo, "apps"), json_str(app, "slug", ""),
				     json_int(app, "id", 0));
		note(j, json_str(o, "name", ""), json_int(app, "id", 0), seen_of(conclusion),
		     *conclusion ? conclusion : json_str(o, "status", ""),
		     json_str(o, "html_url", NULL), o);
	}
	return job_get(j,
		       gh_path("/repos/%r/commits/%s/status?per_page=100", j->remote.full_name,
			       json_str(j->payload, "head", "")),
		       GH_ALL_PAGES, "ci", did_statuses);
}

/* "NAME" or "NAME\nAPP" (forge.h). */
static void put_wanted(json_t *o, const char *wanted)
{
	const char *app = strchr(wanted, '\n');
	autofree char *name = xstrndup(wanted, app ? (size_t)(app - wanted) : strlen(wanted));

	json_put_str(o, "name", wanted);
	json_put_str(o, "called", name);
	if (app)
		json_put_int(o, "app", strtoll(app + 1, NULL, 10));
}

int github_act_checks(struct job *j, struct err *err)
{
	json_t *list = json_array(), *name;
	size_t i;

	(void)err;
	json_array_foreach (json_object_get(j->payload, "names"), i, name) {
		json_t *o = json_object();

		put_wanted(o, json_string_value(name));
		json_put_str(o, "state", seen_names[SEEN_ABSENT]);
		json_array_append_new(list, o);
	}
	json_put(j->result, "checks", list);
	return job_get(j,
		       gh_path("/repos/%r/commits/%s/check-runs?per_page=100", j->remote.full_name,
			       json_str(j->payload, "head", "")),
		       GH_ALL_PAGES, "ci", did_runs);
}
