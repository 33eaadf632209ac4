/* github_judge.c - see github_part.h: what an HTTP answer means for its job */
#include "base/mem.h"
#include "base/text.h"
#include "forge/github_part.h"

#include <inttypes.h>

#define REDIRECTS_MAX     5
#define RETRY_DEFAULT_MS  30000 /* when an answer says nothing of when to come back */
#define RETRY_AFTER_MAX_S 3600

/* An answer being judged. */
struct judged {
	const struct http_answer *h;
	json_t *body; /* NULL: empty, or not JSON */
	bool json;    /* the answer is JSON, or empty */
	char *said;   /* GitHub's message, or why there is none */
};

static void judged_release(struct judged *d)
{
	json_decref(d->body);
	free(d->said);
}

static bool is_read(const struct gh_job *j)
{
	return gh_rate_reads(gh_kind(j));
}

static void finish(struct gh_job *j, enum gh_outcome o, int64_t wait_ms, const char *why)
{
	autofree char *status = j->a.status ? xasprintf("%d: ", j->a.status) : NULL;

	gh_finish(j, o, wait_ms, "%s %.200s: %s%s", j->method, j->path, status ? status : "", why);
}

/* --- what is repeated --- */

static int64_t retry_after_ms(const struct http_answer *h)
{
	const char *s = http_header(h, "Retry-After");
	int64_t v = s ? strtoll(s, NULL, 10) : 0;

	return v <= 0 ? 0 : (v > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : v) * 1000;
}

/* Surely not carried out, for this reason: once more a little later, or for its caller to say. */
static void not_done(struct gh_job *j, const struct judged *d)
{
	int64_t wait = retry_after_ms(d->h);

	if (j->tries < j->g->conf.tries && wait <= j->g->conf.wait_ms)
		gh_wait_first(j, wait ? wait : gh_backoff(j));
	else
		finish(j, GH_RETRY, wait ? wait : RETRY_DEFAULT_MS, d->said);
}

/* Perhaps carried out: only what may happen twice is repeated. */
static void lost(struct gh_job *j, const struct judged *d)
{
	if (is_read(j))
		not_done(j, d);
	else if ((j->flags & GH_REPEATABLE) && j->tries < j->g->conf.tries)
		gh_wait_first(j, gh_backoff(j));
	else
		finish(j, GH_UNKNOWN, 0, d->said);
}

/* The hold itself is the lane's: what waits there is answered when it is too long. */
static void limited(struct gh_job *j, struct judged *d)
{
	const char *why = "";
	int64_t now = gh_mono(j->g);
	int64_t at = gh_rate_when(&j->lane->rate, gh_kind(j), now, &why);
	int64_t wait = at == GH_RATE_NEVER ? j->g->conf.wait_ms : at - now;

	if (!*d->said) { /* it came with status 200 */
		free(d->said);
		d->said = xstrdup(json_str(json_array_get(json_object_get(d->body, "errors"), 0),
					   "message", "a limit"));
	}
	if (j->tries < j->g->conf.tries && wait <= j->g->conf.wait_ms)
		gh_wait_first(j, 0);
	else
		finish(j, GH_RETRY, wait ? wait : 1, d->said);
}

#define SKEW_TOLD_MS ((int64_t)30 * 1000) /* a JWT is valid from a minute before, by our clock */

/* What a person may have to mend when a JWT is refused. Caller frees. */
static char *refused_jwt(const struct gh_job *j, const char *said)
{
	int64_t ms = j->g->skew_ms;

	if (!j->g->key || j->lane->installation)
		return xstrdup(said);
	if (j->g->skew_known && (ms > SKEW_TOLD_MS || ms < -SKEW_TOLD_MS))
		return xasprintf("%s (GitHub's clock is %lld s %s this machine's: set it)", said,
				 (long long)(ms < 0 ? -ms : ms) / 1000,
				 ms < 0 ? "behind" : "ahead of");
	return xasprintf("%s (are 'app' and 'key' those of the App's page?)", said);
}

static void unauthorized(struct gh_job *j, const struct judged *d)
{
	autofree char *said = refused_jwt(j, d->said);
	struct gh *g = j->g;
	int64_t off = g->skew_ms - j->skew_ms;
	bool installation = g->key && j->lane->installation;
	/* A new JWT differs when GitHub's clock is better known by now. */
	bool other = installation || (g->key && (off > 5000 || off < -5000));

	if (installation)
		gh_drop_token(j->lane, j->token_number);
	if (!j->login_again && other) {
		j->login_again = true;
		j->tries--;
		gh_wait_first(j, 0);
		return;
	}
	finish(j, GH_NO_ACCESS, gh_login_fail(g, gh_login_of(j), GH_NO_ACCESS, 401, said), said);
}

#define NEEDS_MAX 200

/* The App lacks a permission: which one is in a header, for a person to read. */
static void note_needs(struct gh_job *j, struct judged *d)
{
	const char *needs = http_header(d->h, "X-Accepted-GitHub-Permissions");
	autofree char *said = NULL;

	if (d->h->status != 403 || !strstr(d->said, "not accessible by"))
		return;
	if (!needs || strlen(needs) > NEEDS_MAX ||
	    needs[strspn(needs, "abcdefghijklmnopqrstuvwxyz_=,; ")])
		needs = "";
	free(j->needs);
	j->needs = xstrdup(needs);
	said = steal(&d->said);
	d->said = xasprintf("%s%s%s", said, *needs ? "; it needs the permission " : "", needs);
}

/* --- redirects --- */

/* "/repos/OWNER/NAME" of a path on this server, or NULL; *ret_rest is what is behind it. Caller frees "OWNER/NAME". */
static char *repo_of(const char *path, const char **ret_rest)
{
	size_t owner, name;

	if (strncmp(path, "/repos/", 7))
		return NULL;
	path += 7;
	owner = strcspn(path, "/?");
	if (path[owner] != '/')
		return NULL;
	name = strcspn(path + owner + 1, "/?");
	*ret_rest = path + owner + 1 + name;
	return owner && name ? xstrndup(path, owner + 1 + name) : NULL;
}

/* The number of "/repositories/ID/…"; 0: it is not such a path. */
static int64_t id_of(const char *path, const char **ret_rest)
{
	static const char begin[] = "/repositories/";
	const size_t n = sizeof(begin) - 1;
	size_t digits;

	if (strncmp(path, begin, n) != 0)
		return 0;
	digits = strspn(path + n, "0123456789");
	*ret_rest = path + n + digits;
	return digits && digits < 19 && strchr("/?", path[n + digits]) ? strtoll(path + n, NULL, 10)
								       : 0;
}

static const char *below_base(const struct gh *g, const char *url)
{
	size_t n = strlen(g->base);

	return strncasecmp(url, g->base, n) ? "" : url + n;
}

static bool is_same_rest(const char *a, const char *b)
{
	size_t n = strcspn(a, "?"), k = strcspn(b, "?");

	return n == k && !strncmp(a, b, n);
}

static void moved_away(struct gh_job *j, const char *to)
{
	free(j->moved);
	j->moved = xstrdup(to);
	finish(j, GH_GONE, 0, "it has moved out of this repository");
}

/*
 * A redirect of /repos/OLD/… leads to /repositories/ID/… or /repos/NEW/…: the same thing under another name, which is
 * remembered, or another thing. false: the job has its answer, or waits for one.
 */
static bool is_the_same(struct gh_job *j, const char *to)
{
	const char *path = below_base(j->g, to), *asked = "", *rest = "";
	autofree char *was = repo_of(j->path, &asked);
	autofree char *now = was ? repo_of(path, &rest) : NULL;
	int64_t id = was ? id_of(path, &rest) : 0;

	if (!was || j->foreign || (!id && !now && (j->flags & GH_TEXT)))
		return true; /* a log is kept elsewhere */
	if ((!id && !now) || !is_same_rest(asked, rest) ||
	    (id && j->repository && id != j->repository)) {
		moved_away(j, to);
		return false;
	}
	j->a.followed = true;
	if (id) {
		j->moved_id = id;
		return true;
	}
	if (strcasecmp(now, was)) {
		free(j->renamed);
		j->renamed = xstrdup(now);
	}
	if (!j->repository || !strcasecmp(now, was))
		return true;
	free(j->url);
	j->url = xstrdup(to);
	gh_ask_whose(j, now);
	return false;
}

static bool may_leave(const struct gh_job *j, const char *to)
{
	return (j->flags & GH_TEXT) && is_read(j) &&
	       (http_url_is_https(to) || !http_url_is_https(j->g->base));
}

static void redirected(struct gh_job *j, const struct judged *d)
{
	const char *ref = http_header(d->h, "Location");
	autofree char *to = ref ? http_url_join(j->url, ref) : NULL;

	/* So GitHub answers for what is below an issue that was transferred (golang/build#26). */
	if (ref && !*ref && !strncmp(j->path, "/repos/", 7)) {
		moved_away(j, "");
		return;
	}
	if (!to) {
		finish(j, GH_BROKEN, 0, "a redirect to nowhere");
		return;
	}
	if (j->redirects++ >= REDIRECTS_MAX) {
		finish(j, GH_BROKEN, 0, "too many redirects");
		return;
	}
	if (!http_url_same_origin(to, j->g->base)) {
		if (!may_leave(j, to)) {
			finish(j, GH_BROKEN, 0,
			       "a redirect to another host, which is not followed");
			return;
		}
		j->foreign = true; /* and stays so, even when it leads back */
	}
	if (!is_the_same(j, to))
		return;
	free(j->url);
	j->url = steal(&to);
	j->tries--;
	gh_wait_first(j, 0);
}

/* --- pages --- */

/* From the start, all of it: what came does not go with what did not change. */
static void start_over(struct gh_job *j)
{
	json_decref(j->all);
	j->all = NULL;
	j->pages = j->unchanged_pages = j->tries = 0;
	j->bytes = 0;
	j->conditional = false;
	strvec_release(&j->remember);
	free(j->url);
	j->url = xstrdup(j->first_url);
	gh_wait_first(j, 0);
}

static void go_on(struct gh_job *j, const char *next)
{
	free(j->url);
	j->url = xstrdup(next);
	j->tries = 0;
	gh_wait_first(j, 0);
}

static void remember(struct gh_job *j, const struct http_answer *h, const char *next)
{
	const char *etag = http_header(h, "ETag");

	if (!(j->flags & GH_CONDITIONAL))
		return;
	strvec_push_take(&j->remember, gh_cache_key(j->lane->installation, j->url, j->accept));
	strvec_pushf(&j->remember, "%llu", (unsigned long long)j->token_number);
	strvec_push(&j->remember, etag ? etag : "");
	strvec_push(&j->remember, next ? next : "");
}

/* Only when all of it has come: half a list must not count as known. */
static void remember_all(struct gh_job *j)
{
	for (size_t i = 0; i + 3 < j->remember.n; i += 4) {
		const char *etag = j->remember.v[i + 2], *next = j->remember.v[i + 3];

		gh_cache_put(j->g->cache, j->remember.v[i],
			     strtoull(j->remember.v[i + 1], NULL, 10), *etag ? etag : NULL,
			     *next ? next : NULL);
	}
}

static void done(struct gh_job *j, json_t *body)
{
	remember_all(j);
	j->a.body = json_incref(body);
	j->a.changed = j->asked_before;
	gh_finish(j, GH_OK, 0, NULL);
}

/* The page after this one: NULL when it is the last, or (and the job is finished) when what it says
 * cannot be followed. */
static char *next_page(struct gh_job *j, const char *link)
{
	autofree char *ref = link ? gh_link_next(link) : NULL;
	autofree char *next = ref ? http_url_join(j->url, ref) : NULL;
	const char *why = NULL;

	if (!ref)
		return NULL;
	if (!next || !http_url_same_origin(next, j->g->base))
		why = "its next page is on another host";
	else if (!strcmp(next, j->url))
		why = "its next page is itself";
	else if (j->pages + j->unchanged_pages >= j->g->conf.pages)
		why = "it has too many pages";
	if (!why)
		return steal(&next);
	finish(j, GH_BROKEN, 0, why);
	return NULL;
}

static void page(struct gh_job *j, const struct judged *d)
{
	autofree char *next = NULL;

	if (j->unchanged_pages) {
		start_over(j);
		return;
	}
	j->conditional = false; /* a later page must come whole too */
	j->pages++;
	j->bytes += d->h->len;
	if (!d->body || (j->all && !gh_page_join(j->all, d->body))) {
		finish(j, GH_BROKEN, 0, "its pages do not go together");
		return;
	}
	if (!j->all)
		j->all = json_incref(d->body);
	next = next_page(j, http_header(d->h, "Link"));
	if (j->place != GH_RUNNING)
		return;
	remember(j, d->h, next);
	if (next && j->bytes >= j->g->conf.read_max)
		finish(j, GH_BROKEN, 0, "its pages are too large together");
	else if (next)
		go_on(j, next);
	else
		done(j, j->all);
}

static void unchanged(struct gh_job *j)
{
	autofree char *key = gh_cache_key(j->lane->installation, j->url, j->accept);
	const struct gh_cache_entry *e = gh_cache_get(j->g->cache, key);
	autofree char *next = e && e->next ? xstrdup(e->next) : NULL;

	if (!j->sent_etag) {
		finish(j, GH_BROKEN, 0, "unchanged, though nothing was compared");
		return;
	}
	j->unchanged_pages++;
	if (!(j->flags & GH_ALL_PAGES) || !next) {
		gh_finish(j, GH_UNCHANGED, 0, NULL);
	} else if (j->unchanged_pages > j->g->conf.pages ||
		   !http_url_same_origin(next, j->g->base)) {
		start_over(j);
	} else {
		go_on(j, next);
	}
}

/* --- by status --- */

static void good(struct gh_job *j, const struct judged *d)
{
	if (j->flags & GH_TEXT) {
		j->raw = xmalloc(d->h->len + 1);
		memcpy(j->raw, d->h->body, d->h->len + 1);
		j->a.raw_len = d->h->len;
		gh_finish(j, GH_OK, 0, NULL);
	} else if (!d->json) {
		lost(j, d);
	} else if (j->flags & GH_ALL_PAGES) {
		page(j, d);
	} else {
		remember(j, d->h, NULL);
		done(j, d->body);
	}
}

static const struct {
	int status;
	enum gh_outcome outcome;
} outcomes[] = {
	{404, GH_GONE}, {410, GH_GONE}, {405, GH_CONFLICT}, {409, GH_CONFLICT}, {422, GH_CONFLICT},
};

/* A page of HTML with 404 is a proxy's or a server's in maintenance, and no word of GitHub's on
 * whether a thing exists; what is said of a request's form is believed of anybody. */
static bool is_believed(const struct judged *d)
{
	int s = d->h->status;

	return d->json || s == 400 || s == 413 || s == 414 || s == 431;
}

static void bad_request(struct gh_job *j, struct judged *d)
{
	enum gh_outcome o = GH_REFUSED;
	int64_t wait = 0;

	if (!is_believed(d)) {
		lost(j, d);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
		if (outcomes[i].status == d->h->status)
			o = outcomes[i].outcome;
	/* The App itself is told so about one installation when it asks for its token. */
	if (d->h->status == 403 && gh_login_of(j) != &j->g->login &&
	    strcasestr(d->said, "suspended")) {
		o = GH_NO_ACCESS;
		gh_drop_token(j->lane, j->token_number);
		wait = gh_login_fail(j->g, gh_login_of(j), o, 403, d->said);
	}
	note_needs(j, d);
	j->a.body = json_incref(d->body);
	finish(j, o, wait, d->said);
}

static void by_status(struct gh_job *j, struct judged *d, bool limit)
{
	int s = d->h->status;

	if (limit)
		limited(j, d);
	else if (s == 401 && !j->foreign)
		unauthorized(j, d);
	else if (s == 304)
		unchanged(j);
	else if (s == 301 || s == 302 || s == 307 || s == 308)
		redirected(j, d);
	else if (s >= 200 && s < 300)
		good(j, d);
	else if (s == 408 || s >= 500)
		lost(j, d);
	else if (s >= 400)
		bad_request(j, d);
	else
		finish(j, is_read(j) ? GH_BROKEN : GH_UNKNOWN, 0, "not an answer of the API");
}

/* --- reading the answer --- */

static char *not_json(const struct gh_job *j, const struct http_answer *h, const char *why)
{
	const char *type = http_header(h, "Content-Type");
	size_t n = text_cut(h->body, h->len, 60);
	autofree char *start = xstrndup(h->body, n);

	if (j->secret)
		return xstrdup("the answer is not JSON");
	for (char *c = start; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return xasprintf("the answer is %.60s and not JSON (%.100s): %s",
			 type ? type : "of no type", why, start);
}

static void read_body(const struct gh_job *j, struct judged *d)
{
	const struct http_answer *h = d->h;
	cleanup(err_release) struct err err = ERR_INIT;
	bool text = (j->flags & GH_TEXT) && h->status < 300;

	d->json = true;
	if (h->end == HTTP_WHOLE && h->len && h->status != 304 && !text &&
	    json_parse(h->body, h->len, j->g->conf.read_max, &d->body, &err) < 0) {
		d->json = false;
		d->said = not_json(j, h, err_text(&err));
		return;
	}
	/* Those two promise a body; an answer that was cut behind its first line looks like one too. */
	if (h->end == HTTP_WHOLE && !h->len && !text && (h->status == 200 || h->status == 201)) {
		d->json = false;
		d->said = xstrdup("the answer is empty");
		return;
	}
	d->said = h->end != HTTP_WHOLE ? xstrdup(h->text) : gh_message(d->body);
	if (!d->said)
		d->said = xstrdup(h->status < 400 ? "" : "no message");
}

void gh_judge(struct gh_job *j, const struct http_answer *h)
{
	cleanup(judged_release) struct judged d = {.h = h};
	bool limit;

	read_body(j, &d);
	limit = gh_rate_of(j, h, d.body);
	if (h->end == HTTP_WHOLE && h->status >= 200 && h->status < 300 && !j->foreign)
		gh_login_good(gh_login_of(j));
	if (h->end == HTTP_UNSENT)
		not_done(j, &d);
	else if (h->end == HTTP_TOO_LARGE)
		finish(j, is_read(j) ? GH_BROKEN : GH_UNKNOWN, 0, d.said);
	else if (h->end == HTTP_CUT)
		lost(j, &d);
	else
		by_status(j, &d, limit);
}
