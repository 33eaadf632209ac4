/* github_exchange.c - see github_part.h: one HTTP request of a job */
#include "base/mem.h"
#include "forge/github_part.h"

#define API_VERSION "2022-11-28"
#define KINDS_MAX   64

/* --- counting --- */

struct gh_count *gh_count(struct gh *g, const char *kind)
{
	if (g->ncounts >= KINDS_MAX)
		kind = "other";
	for (size_t i = 0; i < g->ncounts; i++)
		if (!strcmp(g->counts[i].kind, kind))
			return &g->counts[i];
	g->counts = xreallocarray(g->counts, g->ncounts + 1, sizeof(*g->counts));
	g->counts[g->ncounts] = (struct gh_count){.kind = kind};
	return &g->counts[g->ncounts++];
}

static void count_end(struct gh_job *j, const struct http_answer *h)
{
	struct gh_count *c = gh_count(j->g, j->kind);

	if (h->end == HTTP_WHOLE && h->status == 304)
		c->unchanged++;
	else if (h->end == HTTP_WHOLE && h->status >= 200 && h->status < 400)
		c->ok++;
	else
		c->failed++;
}

/* --- headers --- */

static void wipe_headers(struct strvec *v)
{
	strvec_foreach (v, h)
		mem_wipe(*h, strlen(*h));
	strvec_release(v);
}

/* Nothing for another host than GitHub's, whatever it is. */
static int add_authorization(struct gh_job *j, struct strvec *v, struct err *err)
{
	struct gh *g = j->g;
	char *jwt = NULL;

	if (j->foreign)
		return 0;
	if (g->plain_token) {
		strvec_pushf(v, "Authorization: Bearer %s", g->plain_token);
		return 0;
	}
	if (j->lane->installation) {
		strvec_pushf(v, "Authorization: Bearer %s", j->lane->token);
		return 0;
	}
	j->skew_ms = g->skew_ms;
	if (gh_jwt_new(g->key, g->app, gh_server_s(g), &jwt, err) < 0)
		return -1;
	strvec_pushf(v, "Authorization: Bearer %s", jwt);
	gh_secret_free(jwt);
	return 0;
}

static void add_condition(struct gh_job *j, struct strvec *v)
{
	autofree char *key = gh_cache_key(j->lane->installation, j->url, j->accept);
	const struct gh_cache_entry *e = j->conditional ? gh_cache_get(j->g->cache, key) : NULL;

	j->sent_etag = e && e->token == j->token_number;
	if (!j->pages && !j->unchanged_pages && e)
		j->asked_before = true;
	if (j->sent_etag)
		strvec_pushf(v, "If-None-Match: %s", e->etag);
}

static int make_headers(struct gh_job *j, struct strvec *v, struct err *err)
{
	strvec_pushf(v, "Accept: %s",
		     j->foreign  ? "*/*"
		     : j->accept ? j->accept
				 : "application/vnd.github+json");
	if (!j->foreign)
		strvec_push(v, "X-GitHub-Api-Version: " API_VERSION);
	if (j->send)
		strvec_push(v, "Content-Type: application/json");
	j->token_number = j->lane->token_number;
	add_condition(j, v);
	return add_authorization(j, v, err);
}

/* --- the exchange --- */

static const char *header_of(const void *from, const char *name)
{
	return http_header(from, name);
}

/* Date tells GitHub's clock to the second: half a second is the mean error. */
static void learn_skew(struct gh *g, const struct gh_seen *s)
{
	if (s->date_s < 0)
		return;
	g->skew_ms = s->date_s * 1000 + 500 - gh_wall(g);
	g->skew_known = true;
}

static void on_http(void *arg, const struct http_answer *h)
{
	struct gh_job *j = arg;
	struct gh *g = j->g;

	j->call = NULL;
	TAILQ_REMOVE(&g->running, j, link);
	count_end(j, h);
	j->a.status = h->status;
	gh_judge(j, h);
	gh_run(g);
}

/* Told by gh_judge(), which knows the body: a limit can be said there alone. */
bool gh_rate_of(struct gh_job *j, const struct http_answer *h, const json_t *body)
{
	struct gh *g = j->g;
	struct gh_seen seen;

	if (j->foreign)
		return false;
	if (h->end == HTTP_UNSENT || !h->status) {
		gh_rate_end(&j->lane->rate, gh_kind(j), NULL, 0, gh_mono(g));
		return false;
	}
	gh_seen_read(&seen, h->status, header_of, h);
	seen.says_limit = gh_says_limit(body);
	learn_skew(g, &seen);
	return gh_rate_end(&j->lane->rate, gh_kind(j), &seen, gh_server_s(g), gh_mono(g));
}

static int start(struct gh_job *j, struct err *err)
{
	struct gh *g = j->g;
	cleanup(wipe_headers) struct strvec headers = STRVEC_INIT;
	bool read = gh_rate_reads(gh_kind(j));
	struct http_req r = {.method = j->method, .url = j->url, .body = j->send};

	if (make_headers(j, &headers, err) < 0)
		return -1;
	r.headers = &headers;
	r.body_len = j->send ? strlen(j->send) : 0;
	r.once = !read && !(j->flags & GH_REPEATABLE);
	r.secret = j->secret;
	r.max = read ? g->conf.read_max - j->bytes : g->conf.write_max;
	r.connect_ms = g->conf.connect_ms;
	r.total_ms = g->conf.total_ms;
	r.stall_ms = g->conf.stall_ms;
	return http_start(g->http, &r, on_http, j, &j->call, err);
}

/* A token is asked for by POST, and changes nothing there. */
static bool is_token(const char *path)
{
	static const char begin[] = "/app/installations/", end[] = "/access_tokens";
	size_t n = strlen(path), k = sizeof(end) - 1;

	return !strncmp(path, begin, sizeof(begin) - 1) && n > k && !strcmp(path + n - k, end);
}

/* So is a query of GraphQL, which changes nothing either: by its first word, not by what its sender says. */
static bool is_query(const struct gh_job *j)
{
	return (j->flags & GH_READS) && !strcmp(j->path, "/graphql") && j->send &&
	       strstr(j->send, "\"query\":\"query(");
}

/* The last wall, where nothing gets past: what is no read leaves only when it may. */
static bool may_leave(const struct gh_job *j)
{
	const struct gh_conf *c = &j->g->conf;

	if (!c->may_write || !strcmp(j->method, "GET") || !strcmp(j->method, "HEAD") ||
	    is_token(j->path) || is_query(j))
		return true;
	return c->may_write(c->may_arg, j->path);
}

void gh_start(struct gh_job *j)
{
	struct gh *g = j->g;
	struct gh_count *c = gh_count(g, j->kind);
	cleanup(err_release) struct err err = ERR_INIT;

	if (!may_leave(j)) {
		gh_finish(j, GH_REFUSED, 0, "%s %.200s: not sent: the repository is in shadow mode",
			  j->method, j->path);
		return;
	}
	if (start(j, &err) < 0) {
		gh_finish(j, GH_RETRY, g->conf.wait_ms, "%s %.200s: %s", j->method, j->path,
			  err_text(&err));
		return;
	}
	TAILQ_REMOVE(&j->lane->waiting, j, link);
	j->lane->nwaiting--;
	j->place = GH_RUNNING;
	TAILQ_INSERT_TAIL(&g->running, j, link);
	c->sent++;
	c->repeated += j->tries > 0;
	j->tries++;
	if (!j->foreign)
		gh_rate_begin(&j->lane->rate, gh_kind(j), gh_mono(g));
}

/* Doubling, three quarters to five quarters of it, so that many who failed at once do not come back
 * at once. */
int64_t gh_backoff(const struct gh_job *j)
{
	int64_t ms = j->g->conf.backoff_ms << (j->tries < 7 ? j->tries - 1 : 6);
	uint16_t dice;

	j->g->rnd->fill(j->g->rnd, &dice, sizeof(dice));
	return ms * 3 / 4 + ms / 2 * dice / UINT16_MAX;
}
