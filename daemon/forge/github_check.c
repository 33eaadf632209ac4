/* github_check.c - see github.h: check runs, or commit statuses where only a token is at hand. */
#include "forge/github_job.h"

#include "base/buf.h"
#include "base/text.h"

#include <string.h>

#define TEXT_MAX        65535 /* of a summary and of a text */
#define TITLE_MAX       255
#define ANNOTATIONS_MAX 50  /* of one request */
#define DESCRIPTION_MAX 140 /* of a commit status */

static struct db *db_of(struct job *j)
{
	return j->g->o.db;
}

static const char *word(struct job *j, const char *key)
{
	return json_str(j->payload, key, "");
}

static int find(struct job *j, struct github_check *ret, struct err *err)
{
	return github_check_find(db_of(j), ST_GITHUB_CHECK, ret, err, "iss", j->repo.id,
				 word(j, "head"), word(j, "name"));
}

/* What was said last of this head under this name. */
static int keep(struct job *j, int64_t remote, struct err *err)
{
	cleanup(github_check_release) struct github_check c = {0};
	int rc = find(j, &c, err);

	if (rc < 0)
		return -1;
	c.remote = remote;
	row_take(&c.said, json_text(json_object_get(j->memo, "body")));
	if (rc > 0)
		return github_check_save(db_of(j), &c, err);
	c.repo = j->repo.id;
	c.head = xstrdup(word(j, "head"));
	c.name = xstrdup(word(j, "name"));
	return github_check_insert(db_of(j), &c, err);
}

static int did_check(struct job *j, const struct gh_answer *a, struct err *err)
{
	if (job_lacks_push(j, a))
		return job_again(j, err, "GitHub does not know the commit");
	if (job_check(j, a, err) < 0)
		return -1;
	/* Of a commit status the answer does not say. */
	if (strcmp(json_str(a->body, "head_sha", word(j, "head")), word(j, "head")) != 0)
		return err_set(err, ERR_INPUT, "%s: the check run of %s is of %s",
			       j->remote.full_name, word(j, "head"),
			       json_str(a->body, "head_sha", "?"));
	return keep(j, json_int(a->body, "id", 0), err);
}

/* ---- what it says ---- */

static void put_cut(struct job *j, json_t *o, const char *key)
{
	const char *s = word(j, key);
	autofree char *more = xasprintf("\n\n… cut here; `yardmaster pr show %lld` says more.",
					(long long)job_number(j));
	size_t n = strlen(s);
	autofree char *t =
		n <= TEXT_MAX ? xstrdup(s)
			      : xasprintf("%.*s%s", (int)text_cut(s, n, TEXT_MAX - strlen(more)), s,
					  more);

	json_put_str(o, key, t);
}

/* A title and a description are shown as they are: without the signs of Markdown. */
static char *plain(const char *s, size_t max)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (; *s; s++) {
		if (s[0] == '*' && s[1] == '*')
			s++;
		else if (*s != '`')
			buf_addc(&b, *s);
	}
	return b.len ? xstrndup(b.s, text_cut(b.s, b.len, max)) : xstrdup("");
}

static json_t *first(const json_t *list, size_t max)
{
	json_t *a = json_array(), *x;
	size_t i;

	json_array_foreach (list, i, x) {
		if (i == max)
			break;
		json_array_append(a, x);
	}
	return a;
}

static json_t *output(struct job *j)
{
	json_t *o = json_object();
	const json_t *notes = json_object_get(j->payload, "annotations");
	autofree char *title = plain(word(j, "title"), TITLE_MAX);

	json_put_str(o, "title", title);
	put_cut(j, o, "summary");
	if (*word(j, "text"))
		put_cut(j, o, "text");
	if (json_array_size(notes))
		json_put(o, "annotations", first(notes, ANNOTATIONS_MAX));
	return o;
}

static json_t *run_body(struct job *j)
{
	json_t *o = json_object();
	const char *conclusion = json_str(j->payload, "conclusion", NULL);

	json_put_str(o, "name", word(j, "name"));
	json_put_str(o, "external_id", word(j, "key"));
	json_put_str(o, "status", conclusion ? "completed" : word(j, "status"));
	if (conclusion)
		json_put_str(o, "conclusion", conclusion);
	json_put(o, "output", output(j));
	json_put(o, "actions", first(json_object_get(j->payload, "actions"), 3));
	return o;
}

/* pending, success, failure: a status knows no more. */
static json_t *status_body(struct job *j)
{
	const char *c = json_str(j->payload, "conclusion", NULL);
	bool good = c && (!strcmp(c, "success") || !strcmp(c, "neutral"));
	autofree char *text = plain(word(j, "title"), DESCRIPTION_MAX);
	json_t *o = json_object();

	json_put_str(o, "state", !c ? "pending" : good ? "success" : "failure");
	json_put_str(o, "context", word(j, "name"));
	json_put_str(o, "description", text);
	return o;
}

/* ---- saying it ---- */

static int create(struct job *j)
{
	json_t *body = json_deep_copy(json_object_get(j->memo, "body"));

	json_put_str(body, "head_sha", word(j, "head"));
	return job_send(j, "POST", gh_path("/repos/%r/check-runs", j->remote.full_name), body,
			GH_CREATES, "check", did_check);
}

static int update(struct job *j, int64_t remote)
{
	return job_send(j, "PATCH", gh_path("/repos/%r/check-runs/%d", j->remote.full_name, remote),
			json_incref(json_object_get(j->memo, "body")), GH_REPEATABLE, "check",
			did_check);
}

/* What is noted at lines is never taken off a run again, only added to. */
static bool has_notes(const struct github_check *c)
{
	autojson json_t *said = NULL;

	return c->remote && json_parse(c->said, strlen(c->said), SIZE_MAX, &said, NULL) == 0 &&
	       json_array_size(json_object_get(json_object_get(said, "output"), "annotations"));
}

/* An earlier try may have made it: the one with our key, and after the one that it follows. */
static int did_look(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *o;
	size_t i;

	if (job_check(j, a, err) < 0)
		return -1;
	json_array_foreach (json_object_get(a->body, "check_runs"), i, o) {
		if (!strcmp(json_str(o, "external_id", ""), word(j, "key")) &&
		    json_int(o, "id", 0) > json_int(j->memo, "follows", 0))
			return update(j, json_int(o, "id", 0));
	}
	return json_flag(j->memo, "newer") ? JOB_DONE : create(j);
}

static int as_run(struct job *j, const struct github_check *c)
{
	/* The notes of a round that is over would stay beside those of the next, or beside green: that is
	 * said in a run of its own, which then is the one that counts. */
	bool anew = has_notes(c);

	if (c->remote && !anew)
		return update(j, c->remote);
	json_put_int(j->memo, "follows", c->remote);
	if (j->tries > 1)
		return job_get(j,
			       gh_path("/repos/%r/commits/%s/check-runs?check_name=%s",
				       j->remote.full_name, word(j, "head"), word(j, "name")),
			       0, "checks", did_look);
	return create(j);
}

int github_act_check(struct job *j, struct err *err)
{
	cleanup(github_check_release) struct github_check c = {0};
	cleanup(effect_release) struct effect e = {0};
	bool app = gh_is_app(j->g->o.client);
	autofree char *said = NULL;
	int64_t newer = 0;
	int rc = find(j, &c, err);

	if (rc < 0 || effect_get(db_of(j), j->effect, &e, err) < 0 ||
	    db_int(db_of(j), ST_CHECK_NEWER, &newer, err, "sis", e.subject, j->effect,
		   word(j, "head")) < 0)
		return -1;
	json_put(j->memo, "body", app ? run_body(j) : status_body(j));
	said = json_text(json_object_get(j->memo, "body"));
	/* Only the latest version counts, and nothing is said twice. But a run that an earlier try may
	 * have made has to be found: the latest would not know of it, and make another. */
	if (rc > 0 && !strcmp(c.said, said))
		return JOB_DONE;
	if (newer && ((c.remote && !has_notes(&c)) || j->tries <= 1 || !app))
		return JOB_DONE;
	json_put_bool(j->memo, "newer", newer != 0);
	if (app)
		return as_run(j, &c);
	return job_send(j, "POST",
			gh_path("/repos/%r/statuses/%s", j->remote.full_name, word(j, "head")),
			json_incref(json_object_get(j->memo, "body")), GH_REPEATABLE | GH_CREATES,
			"status", did_check);
}
