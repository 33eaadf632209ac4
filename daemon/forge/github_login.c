/* github_login.c - see github_part.h: what the client asks for itself */
#include "base/mem.h"
#include "forge/github_part.h"

#define FAIL_MS      30000
#define FAIL_MAX_MS  600000
#define TOKEN_GOOD_S 600   /* a token that is handed out is good for so long at least */
#define TOKEN_LIFE_S 86400 /* what an expires_at is believed */
#define NAMED_MAX    1000  /* remembered installations, names */

/* --- whether credentials are accepted --- */

struct gh_login *gh_login_of(struct gh_job *j)
{
	return j->g->key && j->lane->installation ? &j->lane->login : &j->g->login;
}

int64_t gh_login_fail(struct gh *g, struct gh_login *l, enum gh_outcome o, int status,
		      const char *text)
{
	int64_t ms = (int64_t)FAIL_MS << (l->fails < 6 ? l->fails : 6);

	if (ms > FAIL_MAX_MS)
		ms = FAIL_MAX_MS;
	l->fails++;
	l->hold_ms = gh_mono(g) + ms;
	l->outcome = o;
	l->status = status;
	free(l->text);
	l->text = xstrdup(text);
	return ms;
}

void gh_login_good(struct gh_login *l)
{
	free(l->text);
	*l = (struct gh_login){0};
}

/* --- installation tokens --- */

void gh_drop_token(struct gh_lane *l, uint64_t number)
{
	if (!l->token || l->token_number != number)
		return;
	gh_secret_free(steal(&l->token));
}

/* The text in the parsed answer is a copy like any other. */
static void wipe_token(json_t *body)
{
	json_t *t = json_object_get(body, "token");

	if (json_is_string(t))
		mem_wipe((char *)json_string_value(t), json_string_length(t));
}

/* How long it can be used, by GitHub's clock on both sides. One that seems to be over is tried for a
 * minute all the same: it is the clocks that are more often wrong. */
static int64_t usable_ms(const struct gh *g, const char *expires)
{
	int64_t end = gh_time(expires), left = end < 0 ? 3600 : end - gh_server_s(g);

	if (left > TOKEN_LIFE_S)
		left = TOKEN_LIFE_S;
	left -= left / 6 < TOKEN_GOOD_S ? left / 6 : TOKEN_GOOD_S;
	return (left < 60 ? 60 : left) * 1000;
}

static bool keep_token(struct gh_lane *l, const struct gh_job *j)
{
	const char *token = json_str(j->a.body, "token", "");

	if (gh_token_check(token, NULL) < 0)
		return false;
	gh_secret_free(l->token);
	l->token = xstrdup(token);
	l->token_number++;
	l->token_until_ms = gh_mono(j->g) + usable_ms(j->g, json_str(j->a.body, "expires_at", ""));
	return true;
}

/* What keeps an installation's requests from being sent, and is nothing that they could mend. */
static void no_token(struct gh_lane *l, const struct gh_job *j)
{
	const struct gh_answer *a = &j->a;
	autofree char *why =
		xasprintf("installation %lld: no token: %s", (long long)l->installation, a->text);
	bool mend = a->outcome == GH_NO_ACCESS || a->outcome == GH_REFUSED ||
		    a->outcome == GH_GONE || a->outcome == GH_CONFLICT;
	int64_t wait = a->not_before_ms - gh_wall(j->g);

	gh_login_fail(j->g, &l->login, mend ? GH_NO_ACCESS : GH_RETRY, a->status, why);
	if (a->not_before_ms && wait > 0)
		l->login.hold_ms = gh_mono(j->g) + wait;
}

static void token_arrived(struct gh_job *j)
{
	struct gh_lane *l = j->arg;

	l->fetching = false;
	if (j->a.outcome == GH_OK && keep_token(l, j)) {
		l->login.hold_ms = 0; /* `fails` stay until a request was accepted */
	} else {
		if (j->a.outcome == GH_OK)
			j->a.text = "the answer has no token";
		no_token(l, j);
	}
	wipe_token(j->a.body);
	gh_kick(j->g);
}

static void fetch_token(struct gh_lane *l, struct gh *g)
{
	autofree char *path = gh_path("/app/installations/%d/access_tokens", l->installation);
	struct gh_req r = {.method = "POST", .path = path, .kind = "token"};
	struct gh_job *j;

	/* Twice is as good as once: a token that nobody knows of just ends. */
	r.flags = GH_READS | GH_REPEATABLE;
	r.arg = l;
	j = gh_job_new(g, &r);
	j->hand_out = token_arrived;
	j->secret = true;
	l->fetching = true;
	gh_wait(j, TAILQ_FIRST(&j->lane->waiting));
	gh_kick(g);
}

bool gh_login_ready(struct gh_job *j, int64_t now)
{
	struct gh_lane *l = j->lane;
	struct gh_login *login = gh_login_of(j);

	if (j->foreign)
		return true;
	if (login->hold_ms > now) {
		j->a.status = login->status;
		gh_finish(j, login->outcome, login->hold_ms - now, "%s", login->text);
		return false;
	}
	if (!j->g->key || !l->installation)
		return true;
	if (l->token && now < l->token_until_ms)
		return true;
	if (!l->fetching)
		fetch_token(l, j->g);
	return false;
}

static void hand_out_token(struct gh_job *j)
{
	bool ok = j->a.outcome == GH_OK;

	j->fn.token(j->arg, &j->a,
		    !ok                 ? NULL
		    : j->g->plain_token ? j->g->plain_token
					: j->lane->token);
}

void gh_token(struct gh *g, int64_t installation, gh_token_fn done, void *arg)
{
	struct gh_req r = {.path = "/", .installation = installation, .arg = arg};
	struct gh_job *j = gh_job_new(g, &r);

	j->hand_out = hand_out_token;
	j->fn.token = done;
	j->wants_token = true;
	gh_wait(j, NULL);
	if (g->key && !installation)
		gh_finish(j, GH_REFUSED, 0,
			  "git needs an installation, the App alone has no token");
	gh_kick(g);
}

/* --- names and installations --- */

static struct gh_named *find_named(struct gh_named *v, size_t n, const char *name, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (name ? !strcasecmp(v[i].name, name) : v[i].id == id)
			return &v[i];
	return NULL;
}

static void add_named(struct gh_named **v, size_t *n, const char *name, int64_t id)
{
	if (*n == NAMED_MAX) { /* the oldest goes */
		free((*v)[0].name);
		memmove(*v, *v + 1, --*n * sizeof(**v));
	}
	*v = xreallocarray(*v, *n + 1, sizeof(**v));
	(*v)[(*n)++] = (struct gh_named){xstrdup(name), id};
}

static void hand_out_installation(struct gh_job *j)
{
	struct gh *g = j->g;

	if (j->a.outcome == GH_OK && !j->answer_number && g->key) {
		j->answer_number = json_int(j->a.body, "id", 0);
		if (j->answer_number > 0) {
			add_named(&g->installations, &g->ninstallations, j->name, j->answer_number);
		} else {
			j->a.outcome = GH_BROKEN;
			j->a.text = "the installation has no id";
			j->answer_number = 0;
		}
	}
	j->fn.installation(j->arg, &j->a, j->answer_number);
}

void gh_installation(struct gh *g, const char *full_name, gh_installation_fn done, void *arg)
{
	autofree char *path = gh_path("/repos/%r/installation", full_name);
	struct gh_req r = {.path = path, .kind = "installation", .arg = arg};
	struct gh_named *known = find_named(g->installations, g->ninstallations, full_name, 0);
	struct gh_job *j = gh_job_new(g, &r);

	j->hand_out = hand_out_installation;
	j->fn.installation = done;
	j->name = xstrdup(full_name);
	gh_wait(j, NULL);
	if (known)
		j->answer_number = known->id;
	if (known || g->plain_token)
		gh_finish(j, GH_OK, 0, NULL);
	gh_kick(g);
}

void gh_forget_installations(struct gh *g)
{
	while (g->ninstallations)
		free(g->installations[--g->ninstallations].name);
	while (g->nnames)
		free(g->names[--g->nnames].name);
}

static void try_again(struct gh_login *l)
{
	l->hold_ms = 0;
	l->fails = 0;
}

void gh_try_again(struct gh *g)
{
	try_again(&g->login);
	for (struct gh_lane *l = TAILQ_FIRST(&g->lanes); l; l = TAILQ_NEXT(l, link)) {
		try_again(&l->login);
		l->token_until_ms = 0;
	}
}

/* --- the new name of a repository --- */

static void name_arrived(struct gh_job *j)
{
	struct gh_job *waits = gh_job_find(j->g, j->parent);
	const char *name = json_str(j->a.body, "full_name", NULL);

	if (j->a.outcome == GH_OK && name)
		add_named(&j->g->names, &j->g->nnames, name, json_int(j->a.body, "id", 0));
	if (!waits || waits->place != GH_LIMBO)
		return;
	TAILQ_REMOVE(&j->g->limbo, waits, link);
	if (j->a.outcome == GH_OK && name)
		waits->renamed = xstrdup(name);
	gh_finished(waits);
}

static const char *known_name(const struct gh_job *j)
{
	const struct gh_named *n = find_named(j->g->names, j->g->nnames, NULL, j->moved_id);

	if (n)
		return n->name;
	if (json_is_object(j->a.body) && json_int(j->a.body, "id", 0) == j->moved_id)
		return json_str(j->a.body, "full_name", NULL);
	return NULL;
}

bool gh_ask_name(struct gh_job *j)
{
	struct gh *g = j->g;
	autofree char *path = NULL;
	struct gh_req r = {.kind = "rename"};
	struct gh_job *ask;

	if (j->moved_id <= 0 || j->renamed || j->a.outcome == GH_NO_ACCESS ||
	    j->a.outcome == GH_RETRY)
		return false;
	j->renamed = xstrdup(known_name(j));
	/* The App itself may not read a repository: a refusal would look like one of its key. */
	if (j->renamed || (g->key && !j->lane->installation))
		return false;
	path = gh_path("/repositories/%d", j->moved_id);
	r.path = path;
	r.installation = j->lane->installation;
	ask = gh_job_new(g, &r);
	ask->parent = j->id;
	ask->hand_out = name_arrived;
	gh_wait(ask, NULL);
	j->place = GH_LIMBO;
	TAILQ_INSERT_TAIL(&g->limbo, j, link);
	gh_kick(g);
	return true;
}

/* --- whose a new name is --- */

static void whose_arrived(struct gh_job *j)
{
	struct gh_job *waits = gh_job_find(j->g, j->parent);
	int64_t wait = j->a.not_before_ms ? j->a.not_before_ms - gh_wall(j->g) : 0;

	if (!waits || waits->place != GH_LIMBO)
		return;
	TAILQ_REMOVE(&j->g->limbo, waits, link);
	if (j->a.outcome == GH_OK && json_int(j->a.body, "id", 0) == waits->repository) {
		waits->tries--;
		gh_wait_first(waits, 0);
		gh_kick(j->g);
		return;
	}
	if (j->a.outcome == GH_OK) {
		waits->moved = xstrdup(waits->url);
		gh_finish(waits, GH_GONE, 0, "%s %.200s: it has moved out of this repository",
			  waits->method, waits->path);
		return;
	}
	/* Nothing was done yet. */
	gh_finish(waits, j->a.outcome == GH_NO_ACCESS ? GH_NO_ACCESS : GH_RETRY,
		  wait > 0 ? wait : j->g->conf.wait_ms,
		  "%s %.200s: a redirect, of which it is not known where it leads: %s",
		  waits->method, waits->path, j->a.text);
}

void gh_ask_whose(struct gh_job *j, const char *full_name)
{
	struct gh *g = j->g;
	autofree char *path = gh_path("/repos/%r", full_name);
	struct gh_req r = {.path = path, .installation = j->lane->installation, .kind = "rename"};
	struct gh_job *ask = gh_job_new(g, &r);

	ask->parent = j->id;
	ask->hand_out = whose_arrived;
	gh_wait(ask, NULL);
	j->place = GH_LIMBO;
	TAILQ_INSERT_TAIL(&g->limbo, j, link);
	gh_kick(g);
}
