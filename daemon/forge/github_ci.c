/*
 * github_ci.c - see forge.h, "forge-checks": what CI says of a commit. Which of it GitHub requires is in
 * github_rules.c.
 *
 * Check runs and commit statuses are two lists. Of the first one that is red the rest is read: its
 * annotations, and, when it is a job of GitHub Actions, the end of its log.
 */
#include "forge/github_job.h"

#include "base/buf.h"
#include "base/text.h"
#include "forge/github_read.h"

#include <string.h>

#define LOG_KEEP  ((size_t)32 << 10)
#define TEXT_KEEP ((size_t)8 << 10) /* of a summary and of a text */
#define ACTIONS   "github-actions"  /* the App whose check runs are jobs */

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

/* A wanted one that names an App is only that App's to report: anybody else's of this name says nothing. A
 * commit status does not say which App set it. */
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

static int did_statuses(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *o;
	size_t i;

	if (job_check(j, a, err) < 0)
		return -1;
	json_array_foreach (json_object_get(a->body, "statuses"), i, o) {
		const char *state = json_str(o, "state", "");

		note(j, json_str(o, "context", ""), 0, seen_of(state), state,
		     json_str(o, "target_url", NULL), NULL);
	}
	return ask_why(j);
}

static int did_runs(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *o;
	size_t i;

	if (job_check(j, a, err) < 0)
		return -1;
	json_array_foreach (json_object_get(a->body, "check_runs"), i, o) {
		const char *conclusion = json_str(o, "conclusion", "");

		note(j, json_str(o, "name", ""), json_int(json_object_get(o, "app"), "id", 0),
		     seen_of(conclusion), *conclusion ? conclusion : json_str(o, "status", ""),
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
