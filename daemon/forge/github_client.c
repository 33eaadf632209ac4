/* github_client.c - see github_client.h and github_part.h */
#include "base/mem.h"
#include "forge/github_part.h"

#include <ctype.h>

#define PATH_MAX_BYTES 4096

/* --- time --- */

int64_t gh_mono(const struct gh *g)
{
	struct clock *c = loop_clock(g->loop);

	return c->mono_ms(c);
}

int64_t gh_wall(const struct gh *g)
{
	return g->clock->wall_ms(g->clock);
}

/* Small differences are the way of the answer and whole seconds, not a wrong clock. */
int64_t gh_server_s(const struct gh *g)
{
	bool wrong = g->skew_known && (g->skew_ms > 5000 || g->skew_ms < -5000);

	return (gh_wall(g) + (wrong ? g->skew_ms : 0)) / 1000;
}

/* --- life --- */

/* What stands in a JWT without quoting. */
static bool is_app_id(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("._-", s[i]))
			return false;
	return n > 0 && n <= 100;
}

static int take_credentials(struct gh *g, const struct gh_conf *c, struct err *err)
{
	if (!c->token == !c->app)
		return err_set(err, ERR_INPUT,
			       "GitHub: found %s; expected an App (its ID and key) or a token",
			       c->token ? "both an App and a token" : "no credentials");
	if (c->token) {
		if (gh_token_check(c->token, err) < 0)
			return err_wrap(err, "GitHub");
		g->plain_token = xstrdup(c->token);
		return 0;
	}
	if (!is_app_id(c->app))
		return err_set(err, ERR_INPUT,
			       "GitHub: App '%.100s': expected its client ID or App ID", c->app);
	if (!c->key || gh_key_new(c->key, c->key_len, &g->key, err) < 0)
		return c->key ? err_wrap(err, "GitHub")
			      : err_set(err, ERR_INPUT, "GitHub: App %s: no private key", c->app);
	g->app = xstrdup(c->app);
	return 0;
}

static int take_address(struct gh *g, const struct gh_conf *c, struct err *err)
{
	size_t n;

	if (http_url_base(c->base_url, &g->base, err) < 0)
		return err_wrap(err, "GitHub");
	if (http_url_same_origin(g->base, "https://github.com"))
		return err_set(
			err, ERR_INPUT,
			"GitHub: address '%s' is the web site; expected "
			"https://api.github.com, or https://HOST/api/v3 of an Enterprise Server",
			g->base);
	n = strlen(g->base);
	if (n > 7 && !strcmp(g->base + n - 7, "/api/v3"))
		g->graphql = xasprintf("%.*s/graphql", (int)(n - 3), g->base);
	else
		g->graphql = xasprintf("%s/graphql", g->base);
	return 0;
}

static void on_timer(void *arg)
{
	gh_run(arg);
}

static int set_up(struct gh *g, const struct gh_conf *c, struct err *err)
{
	struct http_conf hc = {.ca_file = c->ca_file, .proxy = c->proxy};

	if (take_address(g, c, err) < 0 || take_credentials(g, c, err) < 0)
		return -1;
	hc.user_agent = c->user_agent;
	hc.plain = !http_url_is_https(g->base);
	return http_new(g->loop, &hc, &g->http, err);
}

int gh_new(struct loop *l, struct clock *clock, struct rnd *rnd, const struct gh_conf *conf,
	   struct gh **ret, struct err *err)
{
	struct gh *g = xcalloc(1, sizeof(*g));

	*g = (struct gh){.loop = l, .clock = clock, .rnd = rnd, .conf = *conf};
	TAILQ_INIT(&g->lanes);
	TAILQ_INIT(&g->running);
	TAILQ_INIT(&g->limbo);
	TAILQ_INIT(&g->finished);
	g->timer = loop_timer_new(l, on_timer, g);
	g->cache = gh_cache_new();
	if (set_up(g, conf, err) < 0) {
		gh_free(g);
		return -1;
	}
	gh_lane(g, 0);
	*ret = g;
	return 0;
}

static void free_jobs(struct gh_jobs *jobs)
{
	struct gh_job *j;

	while ((j = TAILQ_FIRST(jobs)) != NULL) {
		TAILQ_REMOVE(jobs, j, link);
		gh_job_free(j);
	}
}

static void lane_free(struct gh_lane *l)
{
	free_jobs(&l->waiting);
	gh_secret_free(l->token);
	free(l->login.text);
	free(l);
}

static void named_free(struct gh_named *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].name);
	free(v);
}

void gh_free(struct gh *g)
{
	struct gh_lane *l;

	if (!g)
		return;
	free_jobs(&g->running);
	free_jobs(&g->limbo);
	free_jobs(&g->finished);
	while ((l = TAILQ_FIRST(&g->lanes)) != NULL) {
		TAILQ_REMOVE(&g->lanes, l, link);
		lane_free(l);
	}
	http_free(g->http);
	loop_timer_free(g->timer);
	gh_cache_free(g->cache);
	gh_key_free(g->key);
	gh_secret_free(g->plain_token);
	named_free(g->installations, g->ninstallations);
	named_free(g->names, g->nnames);
	free(g->counts);
	free(g->login.text);
	free(g->base);
	free(g->graphql);
	free(g->app);
	free(g);
}

bool gh_is_app(const struct gh *g)
{
	return g->key != NULL;
}

/* --- lanes --- */

struct gh_lane *gh_lane(struct gh *g, int64_t installation)
{
	struct gh_lane *l;

	if (g->plain_token) /* the limits are its user's, whatever it is used for */
		installation = 0;
	for (l = TAILQ_FIRST(&g->lanes); l; l = TAILQ_NEXT(l, link))
		if (l->installation == installation)
			return l;
	l = xcalloc(1, sizeof(*l));
	l->installation = installation;
	TAILQ_INIT(&l->waiting);
	gh_rate_init(&l->rate, g->conf.reads, g->conf.create_gap_ms);
	TAILQ_INSERT_TAIL(&g->lanes, l, link);
	return l;
}

char *gh_cache_key(int64_t installation, const char *url, const char *accept)
{
	return xasprintf("%lld %s%s%s", (long long)installation, url, accept ? " " : "",
			 accept ? accept : "");
}

/* --- jobs --- */

static void hand_out_plain(struct gh_job *j)
{
	if (j->fn.done)
		j->fn.done(j->arg, &j->a);
}

struct gh_job *gh_job_new(struct gh *g, const struct gh_req *r)
{
	struct gh_job *j = xcalloc(1, sizeof(*j));

	j->g = g;
	j->id = ++g->last_id;
	j->lane = gh_lane(g, r->installation);
	j->method = xstrdup(r->method ? r->method : "GET");
	j->path = xstrdup(r->path ? r->path : "");
	j->first_url = strcmp(j->path, "/graphql") ? xasprintf("%s%s", g->base, j->path)
						   : xstrdup(g->graphql);
	j->url = xstrdup(j->first_url);
	j->accept = xstrdup(r->accept);
	j->coalesce = xstrdup(r->coalesce);
	j->send = r->body ? json_text(r->body) : NULL;
	j->kind = r->kind ? r->kind : "other";
	j->flags = r->flags;
	j->repository = r->repository;
	j->conditional = (r->flags & GH_CONDITIONAL) && !(r->flags & GH_AFRESH);
	j->hand_out = hand_out_plain;
	j->fn.done = r->done;
	j->arg = r->arg;
	return j;
}

void gh_job_free(struct gh_job *j)
{
	http_cancel(j->call);
	json_decref(j->all);
	json_decref(j->a.body);
	strvec_release(&j->remember);
	free(j->method);
	free(j->path);
	free(j->accept);
	free(j->coalesce);
	free(j->first_url);
	free(j->send);
	free(j->name);
	free(j->url);
	free(j->text);
	free(j->raw);
	free(j->renamed);
	free(j->moved);
	free(j->needs);
	free(j);
}

static struct gh_job *find_in(const struct gh_jobs *jobs, uint64_t id)
{
	struct gh_job *j;

	for (j = TAILQ_FIRST(jobs); j; j = TAILQ_NEXT(j, link))
		if (j->id == id)
			return j;
	return NULL;
}

struct gh_job *gh_job_find(struct gh *g, uint64_t id)
{
	struct gh_job *j = find_in(&g->running, id);

	if (!j)
		j = find_in(&g->limbo, id);
	if (!j)
		j = find_in(&g->finished, id);
	for (struct gh_lane *l = TAILQ_FIRST(&g->lanes); !j && l; l = TAILQ_NEXT(l, link))
		j = find_in(&l->waiting, id);
	return j;
}

/* --- sending --- */

/* What would change the request line, or climb out of the API. */
static bool path_is_good(const char *path)
{
	size_t n = strlen(path);

	if (path[0] != '/' || n > PATH_MAX_BYTES)
		return false;
	for (size_t i = 0; i < n; i++)
		if (path[i] <= ' ' || path[i] > '~' || strchr("#\\\"<>", path[i]))
			return false;
	return !strstr(path, "/../") && !strstr(path, "/./") && !strcasestr(path, "/%2e/") &&
	       !strcasestr(path, "/%2e%2e/");
}

static const char *senseless(const struct gh *g, const struct gh_req *r)
{
	bool get = !r->method || !strcmp(r->method, "GET");

	if (!r->path || !path_is_good(r->path))
		return "the path is not one of the API";
	if (!get && (r->flags & (GH_CONDITIONAL | GH_ALL_PAGES)))
		return "only a GET can be conditional or paged";
	if (get && (r->body || (r->flags & GH_CREATES)))
		return "a GET has no body and creates nothing";
	if (g->key && !r->installation && (r->flags & GH_CONDITIONAL))
		return "what the App itself asks for has no ETag";
	if ((r->flags & GH_TEXT) && (r->flags & (GH_ALL_PAGES | GH_CONDITIONAL)))
		return "text has no pages and is not conditional";
	if (r->installation < 0)
		return "there is no such installation";
	return NULL;
}

/* The waiting job of the same key, which the new one replaces. One that was tried may have arrived. */
static struct gh_job *superseded(struct gh_lane *l, const char *key)
{
	struct gh_job *j = key ? TAILQ_FIRST(&l->waiting) : NULL;

	while (j && (j->tries || !j->coalesce || strcmp(j->coalesce, key)))
		j = TAILQ_NEXT(j, link);
	return j;
}

uint64_t gh_send(struct gh *g, const struct gh_req *r)
{
	struct gh_job *j = gh_job_new(g, r), *old;
	const char *why = senseless(g, r);

	old = why ? NULL : superseded(j->lane, r->coalesce);
	if (!why && !old && j->lane->nwaiting >= g->conf.queue_max)
		why = "too many requests wait";
	gh_wait(j, old);
	if (old)
		gh_finish(old, GH_SUPERSEDED, 0, "a later request took its place");
	if (why)
		gh_finish(j, senseless(g, r) ? GH_REFUSED : GH_RETRY, g->conf.wait_ms,
			  "%s %.200s: %s", j->method, j->path, why);
	gh_kick(g);
	return j->id;
}

static struct gh_jobs *list_of(struct gh_job *j)
{
	struct gh *g = j->g;

	switch (j->place) {
	case GH_WAITING:
		return &j->lane->waiting;
	case GH_RUNNING:
		return &g->running;
	case GH_LIMBO:
		return &g->limbo;
	case GH_FINISHED:
		break;
	}
	return &g->finished;
}

void gh_cancel(struct gh *g, uint64_t id)
{
	struct gh_job *j = gh_job_find(g, id);

	if (!j)
		return;
	TAILQ_REMOVE(list_of(j), j, link);
	if (j->place == GH_WAITING)
		j->lane->nwaiting--;
	if (j->place == GH_RUNNING && !j->foreign)
		gh_rate_end(&j->lane->rate, gh_kind(j), NULL, 0, gh_mono(g));
	gh_job_free(j);
	gh_kick(g);
}
