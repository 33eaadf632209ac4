/*
 * github_pause.c - see github.h: a repository in which nothing can be done before a person has mended something.
 *
 * Kinds of pause, as github_repo.pause has them:
 *
 *   suspended          the installation is
 *   gone               the repository is deleted, or the App is not installed on it
 *   token              our credentials are not accepted: another key, a wrong clock, a token that was revoked
 *   permission NEEDS   the App lacks what a request needed ("pull_requests=write"; nothing: GitHub did not say)
 *   check, check NEEDS nobody is told: an answer may mean one of the above, and the next "forge-list" finds out
 *
 * While there is one the outbox holds back what is meant for the repository (bot/remote.h); "forge-list" alone
 * goes on, and ends the pause when the repository can be read.
 */
#include "forge/github_job.h"

#include "base/log.h"
#include "forge/github_app.h"

#include <string.h>

#define CHECK      "check"
#define PERMISSION "permission"

static struct db *db_of(struct job *j)
{
	return j->g->o.db;
}

static bool is_check(const char *pause)
{
	return !strncmp(pause, CHECK, strlen(CHECK));
}

/* What stands behind "check" or "permission"; NULL: it is another kind, or there is nothing. */
static const char *needs_of(const char *pause)
{
	const char *space = strchr(pause, ' ');

	return space ? space + 1 : NULL;
}

/* ---- in words ---- */

static char *describe(const char *pause, const char *said)
{
	const char *needs = needs_of(pause);

	if (!strcmp(pause, "suspended"))
		return xstrdup("the App's installation is suspended; an owner of the account takes "
			       "that back in its settings, 'Installed GitHub Apps'");
	if (!strcmp(pause, "gone"))
		return xstrdup("the repository is deleted, or the App is not installed on it any "
			       "more; install it there again ('Install App' on the App's page)");
	if (needs)
		return xasprintf("the App lacks a permission%s%s; grant it on the App's page "
				 "('Permissions & events') and accept the change in the "
				 "installation",
				 *needs ? ": " : "", needs);
	return xasprintf("GitHub does not accept our credentials: %s", said);
}

/* ---- the pause ---- */

static int tell(struct github *g, int64_t repo, const char *kind, const char *why, struct err *err)
{
	int64_t now = g->o.clock->wall_ms(g->o.clock);
	json_t *p = json_object();

	json_put_int(p, "repo", repo);
	json_put_str(p, "why", why);
	return github_tell(g, xasprintf("gh-%s:%lld:%lld", kind, (long long)repo, (long long)now),
			   kind, p, err);
}

static int set_pause(struct github *g, int64_t repo, const char *pause, const char *said,
		     struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	int rc = github_repo_of(g->o.db, repo, &gr, err);

	if (rc <= 0 || (gr.pause && !strcmp(gr.pause, pause)))
		return rc < 0 ? -1 : 0; /* said already */
	if (is_check(pause)) {
		if (gr.pause)
			return 0;
		row_set(&gr.pause, pause);
		return github_repo_save(g->o.db, &gr, err);
	}
	row_set(&gr.pause, pause);
	row_take(&gr.problem, describe(pause, said));
	if (!gr.paused_ms)
		gr.paused_ms = g->o.clock->wall_ms(g->o.clock);
	/* Installed again it has another number: it is asked for anew. */
	gr.installation = 0;
	gh_forget_installations(g->o.client);
	return github_repo_save(g->o.db, &gr, err) < 0
		       ? -1
		       : tell(g, repo, "repo-paused", gr.problem, err);
}

int github_look_again(struct github *g, int64_t repo, struct err *err)
{
	autofree char *subject = xasprintf("list:%lld", (long long)repo);
	int64_t waits = 0;

	if (db_run(g->o.db, ST_EFFECT_SOON, err, "s", subject) < 0 ||
	    db_int(g->o.db, ST_EFFECT_PENDING_OF, &waits, err, "ss", subject, "forge-list") < 0)
		return -1;
	return waits ? 0 : github_list(g, repo, err);
}

/* GitHub was away, or one answer was odd: said while it is tried again, for as long as that lasts. */
static int note_passing(struct job *j, const struct err *why, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};

	if (github_repo_of(db_of(j), j->repo.id, &gr, err) <= 0 || gr.paused_ms)
		return 0;
	row_set(&gr.problem, err_text(why));
	return github_repo_save(db_of(j), &gr, err);
}

char *github_suspect(const struct gh_answer *a)
{
	if (a->outcome == GH_NO_ACCESS)
		return xstrdup(strcasestr(a->text, "suspended") ? "suspended"
			       : a->status == 404               ? "gone"
								: "token");
	if (a->outcome == GH_GONE)
		return a->moved ? NULL : xstrdup(CHECK); /* one thing of it is elsewhere now */
	return a->outcome == GH_REFUSED && a->needs ? xasprintf(CHECK " %s", a->needs) : NULL;
}

/* Either the thing is not there, or the whole repository is not for us: tried once more when that is known. */
static int look_into(struct job *j, struct err *why, struct err *err)
{
	if (j->tries > 1 || !strcmp(j->kind, "forge-list"))
		return 0;
	/* What a plain token may do cannot be asked. */
	if (needs_of(j->suspect) && !gh_is_app(j->g->o.client))
		return 0;
	why->code = ERR_UNAVAILABLE;
	return set_pause(j->g, j->repo.id, j->suspect, NULL, err) < 0
		       ? -1
		       : github_look_again(j->g, j->repo.id, err);
}

void github_suspected(struct job *j, struct err *why)
{
	cleanup(err_release) struct err err = ERR_INIT;
	bool list = !strcmp(j->kind, "forge-list");
	int rc = 0;

	if (j->suspect && !is_check(j->suspect)) {
		rc = set_pause(j->g, j->repo.id, j->suspect, err_text(why), &err);
		if (list)
			err_release(why); /* it has found out; the next one looks again */
		else
			why->code = ERR_UNAVAILABLE;
	} else if (j->suspect) {
		rc = look_into(j, why, &err);
	}
	if (list && why->code && rc == 0)
		rc = note_passing(j, why, &err);
	if (rc < 0)
		log_warn("github: %s: %s", j->remote.full_name, err_text(&err));
}

int github_doubt(struct github *g, int64_t repo, const char *needs, struct err *err)
{
	autofree char *pause = xasprintf(CHECK "%s%s", gh_is_app(g->o.client) ? " " : "",
					 gh_is_app(g->o.client) ? needs : "");

	return set_pause(g, repo, pause, NULL, err) < 0 ? -1 : github_look_again(g, repo, err);
}

/* ---- looking into it ---- */

static bool has_level(const json_t *have, const char *name, size_t n, const char *level)
{
	static const char *const levels[] = {"read", "write", "admin"};
	autofree char *key = xstrndup(name, n);
	const char *is = json_str(have, key, "");
	int want = -1, got = -1;

	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (!strncmp(level, levels[i], strlen(levels[i])))
			want = (int)i;
		if (!strcmp(is, levels[i]))
			got = (int)i;
	}
	return got >= want;
}

/* "a=read,b=write": all of them. */
static bool has_all(const json_t *have, const char *s, const char *end)
{
	while (s < end) {
		const char *stop = memchr(s, ',', (size_t)(end - s)), *equal;

		stop = stop ? stop : end;
		s += strspn(s, " ");
		equal = memchr(s, '=', stop > s ? (size_t)(stop - s) : 0);
		if (equal && !has_level(have, s, (size_t)(equal - s), equal + 1))
			return false;
		s = stop + 1;
	}
	return true;
}

/* Alternatives are separated by semicolons. */
static bool satisfies(const json_t *have, const char *needs, bool shadow)
{
	if (!*needs) {
		autofree char *missing = github_missing_permissions(have, shadow);

		return !missing;
	}
	for (const char *s = needs; *s;) {
		size_t n = strcspn(s, ";");

		if (has_all(have, s, s + n))
			return true;
		s += n + (s[n] == ';');
	}
	return false;
}

static int is_paused(struct job *j, char *pause, const char *why, struct err *err)
{
	free(j->suspect);
	j->suspect = pause;
	return err_set(err, ERR_UNAVAILABLE, "%s: %s", j->remote.full_name, why);
}

static int did_installation(struct job *j, const struct gh_answer *a, struct err *err)
{
	const char *looked = json_str(j->memo, "looked", NULL);
	const char *needs = looked ? needs_of(looked) : NULL;
	const struct github_opts *o = &j->g->o;
	bool shadow = o->shadow && o->shadow(o->arg, j->repo.id);
	job_fn then = j->after;

	if (a->outcome == GH_GONE)
		return is_paused(j, xstrdup("gone"), a->text, err);
	if (job_check(j, a, err) < 0)
		return -1;
	if (json_str(a->body, "suspended_at", NULL))
		return is_paused(j, xstrdup("suspended"), "suspended", err);
	if (needs && !satisfies(json_object_get(a->body, "permissions"), needs, shadow))
		return is_paused(j, xasprintf(PERMISSION " %s", needs), "a permission is missing",
				 err);
	if (looked)
		gh_try_again(j->g->o.client);
	if (job_save_installation(j, json_int(a->body, "id", 0), err) < 0)
		return -1;
	return then(j, NULL, err);
}

int github_ask_installation(struct job *j, job_fn then)
{
	j->after = then;
	j->remote.installation = 0; /* asked as the App itself */
	return job_get(j, gh_path("/repos/%r/installation", j->remote.full_name), 0, "installation",
		       did_installation);
}

/* ---- the end of it ---- */

/* Only what this very look has found out about: somebody may have met with more meanwhile. */
int github_readable(struct job *j, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	const char *looked = json_str(j->memo, "looked", NULL);
	autofree char *was = NULL;
	bool told;
	int rc = github_repo_of(db_of(j), j->repo.id, &gr, err);

	if (rc <= 0 || (!gr.pause && !gr.problem))
		return rc < 0 ? -1 : 0;
	if (gr.pause && (!looked || strcmp(looked, gr.pause) != 0))
		return github_look_again(j->g, j->repo.id, err);
	told = gr.paused_ms != 0;
	was = steal(&gr.problem);
	row_set(&gr.pause, NULL);
	gr.paused_ms = 0;
	row_set(&j->remote.problem, NULL);
	/* What waited for a later try has a reason to begin at once, and as much patience as at first. */
	if (github_repo_save(db_of(j), &gr, err) < 0 ||
	    db_run(db_of(j), ST_EFFECT_WAKE, err, "isi", j->repo.id, j->repo.path, job_now(j)) < 0)
		return -1;
	return told ? tell(j->g, j->repo.id, "repo-resumed", was, err) : 0;
}

int github_installations_changed(struct github *g, struct err *err)
{
	cleanup(github_repo_list_release) struct github_repo_list l = {0};

	gh_forget_installations(g->o.client);
	gh_try_again(g->o.client);
	if (github_repo_all(g->o.db, ST_GITHUB_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		l.v[i].installation = 0;
		if (github_repo_save(g->o.db, &l.v[i], err) < 0 ||
		    github_look_again(g, l.v[i].repo, err) < 0)
			return -1;
	}
	return 0;
}

int github_paused(struct forge *f, const struct repo *r, char **ret_why, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	int rc = github_repo_of(f->db, r->id, &gr, err);

	if (rc <= 0 || !gr.paused_ms)
		return rc < 0 ? -1 : 0;
	if (ret_why)
		*ret_why = xstrdup(gr.problem ? gr.problem : "no reason is known");
	return 1;
}
