/* remote.c - see remote.h */
#include "bot/remote.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/api_args.h"
#include "bot/checkup.h"
#include "bot/outbox.h"
#include "bot/reconcile.h"
#include "bot/shadow.h"
#include "forge/github.h"
#include "forge/github_read.h"
#include "sys/fs.h"
#include "sys/secret.h"

/* ---- the client ---- */

static void on_done(void *arg, int64_t effect, json_t *result, const struct err *why,
		    int64_t not_before_ms)
{
	struct bot *b = arg;

	outbox_result_at(b->outbox, effect, result, why, not_before_ms);
}

/* What makes a comment recognisable as ours; made once. */
static int marker_key(struct bot *b, char **ret, struct err *err)
{
	int rc = meta_get(b->db, "marker-key", ret, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	*ret = rnd_hex(b->rnd, 32);
	return meta_set(b->db, "marker-key", *ret, err);
}

static int read_secret(const char *source, struct secret *ret, struct err *err)
{
	if (!source)
		return 0;
	return secret_read(source, NULL, ret, err) < 0 ? err_wrap(err, "github") : 0;
}

static void on_app(void *arg, const struct gh_answer *a)
{
	struct bot *b = arg;
	autofree char *self = NULL;

	b->gh_unknown = a->outcome != GH_OK;
	if (a->outcome != GH_OK) {
		log_warn("github: who are we? %s", a->text);
		return;
	}
	self = gh_is_app(b->gh) ? xasprintf("%s[bot]", json_str(a->body, "slug", "?")) : NULL;
	github_set_self(b->github, self);
	github_set_login(b->github, self ? self : json_str(a->body, "login", NULL));
	log_info("github: speaks as %s",
		 self ? self : json_str(a->body, "login", "an unknown account"));
}

static void ask_self(struct bot *b)
{
	b->gh_unknown = false; /* it is on its way */
	gh_send(b->gh, &(struct gh_req){.path = gh_is_app(b->gh) ? "/app" : "/user",
					.kind = "self",
					.done = on_app,
					.arg = b});
}

int remote_client(const struct conf_github *c, struct gh_conf conf, struct loop *l,
		  struct clock *clock, struct rnd *rnd, struct gh **ret, struct err *err)
{
	cleanup(secret_release) struct secret key = {0};
	cleanup(secret_release) struct secret token = {0};

	if (read_secret(c->key, &key, err) < 0 || read_secret(c->token, &token, err) < 0)
		return -1;
	conf.base_url = c->api;
	conf.ca_file = c->ca_file;
	conf.proxy = c->proxy;
	conf.app = c->app;
	conf.key = key.s;
	conf.key_len = key.n;
	conf.token = token.s;
	return gh_new(l, clock, rnd, &conf, ret, err) < 0 ? err_wrap(err, "github") : 0;
}

static int start_client(struct bot *b, struct err *err)
{
	struct gh_conf conf = GH_CONF_INIT;

	conf.may_write = shadow_may_write;
	conf.may_arg = b;
	return remote_client(&b->conf->github, conf, b->loop, b->clock, b->rnd, &b->gh, err);
}

static bool in_shadow(void *arg, int64_t repo)
{
	return shadow_on(arg, repo);
}

int remote_start(struct bot *b, struct err *err)
{
	autofree char *key = NULL;

	if (!b->conf->github.set)
		return 0;
	if (start_client(b, err) < 0 || marker_key(b, &key, err) < 0)
		return -1;
	b->github = github_new(&(struct github_opts){.db = b->db,
						     .clock = b->clock,
						     .client = b->gh,
						     .marker_key = key,
						     .git = b->conf->github.git,
						     .shadow = in_shadow,
						     .done = on_done,
						     .arg = b});
	ask_self(b);
	return 0;
}

char *remote_origin(struct bot *b, const struct repo *r)
{
	cleanup(github_repo_release) struct github_repo gr = {0};

	if (github_repo_of(b->db, r->id, &gr, NULL) > 0 && gr.url)
		return xstrdup(gr.url);
	return xasprintf("https://yardmaster.invalid/local/%s.git", r->name);
}

char *remote_url(struct bot *b, const struct repo *r)
{
	cleanup(github_repo_release) struct github_repo gr = {0};

	return github_repo_of(b->db, r->id, &gr, NULL) > 0 && gr.url ? xstrdup(gr.url) : NULL;
}

/* "https://host/" of an address; NULL: it has no host. Caller frees. */
static char *host_of(const char *url)
{
	const char *host = strstr(url, "://"), *slash = host ? strchr(host + 3, '/') : NULL;

	return slash ? xstrndup(url, (size_t)(slash + 1 - url)) : NULL;
}

json_t *remote_submodules(struct bot *b, const struct repo *r)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	cleanup(strvec_release) struct strvec allowed = STRVEC_INIT;
	bool remote = github_repo_of(b->db, r->id, &gr, NULL) > 0 && gr.url;
	autofree char *forge = remote ? host_of(gr.url) : NULL;
	json_t *o = json_object(), *list = json_array();

	conf_daemon_submodules(b->conf, r->name, &allowed);
	for (size_t i = 0; i < allowed.n; i++)
		json_array_append_new(list, json_string(allowed.v[i]));
	json_put_str(o, "own", remote ? gr.url : r->path);
	json_put_str(o, "forge", forge);
	json_put(o, "allowed", list);
	return o;
}

void remote_stop(struct bot *b)
{
	checkup_stop(b);
	github_free(b->github);
	gh_free(b->gh);
	b->github = NULL;
	b->gh = NULL;
}

json_t *remote_state(struct bot *b)
{
	cleanup(github_repo_list_release) struct github_repo_list l = {0};
	json_t *o, *problems;

	if (!b->gh)
		return json_null();
	o = gh_state(b->gh);
	problems = json_array();
	github_repo_all(b->db, ST_GITHUB_ALL, &l, NULL, "");
	for (size_t i = 0; i < l.n; i++) {
		if (l.v[i].problem)
			json_array_append_new(problems,
					      json_pack("{s:s,s:s}", "repo", l.v[i].full_name,
							"problem", l.v[i].problem));
	}
	json_put(o, "problems", problems);
	return o;
}

/* ---- credentials for Git ---- */

struct wanted {
	struct bot *bot;
	int64_t repo;
	auth_done_fn done;
	void *arg;
};

static void look_again(struct bot *b, int64_t repo)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (github_look_again(b->github, repo, &err) < 0)
		log_warn("github: %s", err_text(&err));
}

static void on_token(void *arg, const struct gh_answer *a, const char *token)
{
	struct wanted *w = arg;
	cleanup(err_release) struct err why = ERR_INIT;
	json_t *auth = NULL;

	if (token) {
		auth = json_object();
		json_put_str(auth, "token", token);
	} else {
		err_set(&why, ERR_UNAVAILABLE, "github: no token for Git: %s", a->text);
	}
	/* The list asks with the same credentials, and tells. */
	if ((a->outcome == GH_NO_ACCESS || a->outcome == GH_GONE) && w->repo)
		look_again(w->bot, w->repo);
	w->done(w->arg, auth, &why);
	free(w);
}

/* It is not known any more: installed anew it has another number. */
static void on_token_installation(void *arg, const struct gh_answer *a, int64_t installation)
{
	struct wanted *w = arg;

	if (a->outcome == GH_OK)
		gh_token(w->bot->gh, installation, on_token, w);
	else
		on_token(w, a, NULL);
}

static json_t *deploy_key(const struct conf_github *c)
{
	json_t *auth = json_object();

	json_put_str(auth, "ssh_key", c->ssh_key);
	json_put_str(auth, "known_hosts", c->known_hosts);
	return auth;
}

static int give_auth(void *arg, const json_t *payload, auth_done_fn done, void *done_arg,
		     struct err *err)
{
	struct bot *b = arg;
	cleanup(repo_release) struct repo r = {0};
	cleanup(github_repo_release) struct github_repo gr = {0};
	const char *path = json_str(payload, "repo", "");
	struct wanted *w;
	int rc;

	if (!b->gh)
		return err_set(err, ERR_UNAVAILABLE,
			       "github: the daemon's configuration has no 'github'");
	rc = repo_find(b->db, ST_REPO_BY_PATH, &r, err, "s", path);
	if (rc > 0)
		rc = github_repo_of(b->db, r.id, &gr, err);
	if (rc <= 0)
		return rc < 0 ? -1
			      : err_set(err, ERR_NOT_FOUND, "%s: no repository of GitHub", path);
	if (strcmp(json_str(payload, "op", ""), "fetch") != 0 && shadow_on(b, r.id))
		return err_set(err, ERR_DENIED, "%s: in shadow mode, nothing is pushed there",
			       r.name);
	if (b->conf->github.ssh_key) {
		done(done_arg, deploy_key(&b->conf->github), NULL);
		return 0;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct wanted){b, gr.repo, done, done_arg};
	if (gr.installation || !gh_is_app(b->gh))
		gh_token(b->gh, gr.installation, on_token, w);
	else
		gh_installation(b->gh, gr.full_name, on_token_installation, w);
	return 0;
}

void remote_ready(struct bot *b)
{
	outbox_set_auth(b->outbox, give_auth, b);
}

/* ---- webhooks ---- */

int remote_deliver(struct bot *b, const char *event, const json_t *payload, enum remote_heard *ret,
		   struct err *err)
{
	enum github_heard heard = GITHUB_IGNORED;

	if (b->github && github_deliver(b->github, event, payload, &heard, err) < 0)
		return -1;
	*ret = (enum remote_heard)heard;
	return 0;
}

/* ---- pushes ---- */

char *remote_refusal(struct bot *b, const struct repo *repo, const json_t *result)
{
	const json_t *r = json_array_get(json_object_get(result, "results"), 0);
	struct forge f = bot_forge(b, repo);
	const char *side = json_str(result, "messages", ""), *advice;
	autofree char *line = xstrdup(side), *said = NULL;

	for (char *p = line; *p; p++)
		if (*p == '\n')
			*p = ' ';
	for (size_t n = strlen(line); n && line[n - 1] == ' '; n--)
		line[n - 1] = 0;
	said = xasprintf("%s%s%s%s", json_str(r, "text", json_str(r, "outcome", "")),
			 *line ? " (" : "", line, *line ? ")" : "");
	advice = f.ops->advice ? f.ops->advice(said) : NULL;
	return advice ? xasprintf("%s. What to do: %s", said, advice) : steal(&said);
}

/* ---- reading again ---- */

int remote_fetch(struct bot *b, const struct repo *r, struct err *err)
{
	return b->github ? github_fetch_base(b->github, r, err) : 0;
}

int remote_look(struct bot *b, const struct repo *r, int64_t number, struct err *err)
{
	return b->github ? github_sync(b->github, r->id, number, NULL, err) : 0;
}

int remote_want(struct bot *b, const struct repo *r, int64_t number, struct err *err)
{
	return b->github && !strcmp(r->forge, "github") ? github_want(b->github, r->id, number, err)
							: 0;
}

int remote_is_looking(struct bot *b, const struct repo *r, int64_t number, struct err *err)
{
	return b->github ? github_is_looking(b->github, r->id, number, err) : 0;
}

int remote_reconcile(struct bot *b, struct err *err)
{
	cleanup(github_repo_list_release) struct github_repo_list l = {0};

	if (!b->github || github_repo_all(b->db, ST_GITHUB_ALL, &l, err, "") < 0)
		return b->github ? -1 : 0;
	if (b->gh_unknown)
		ask_self(b);
	for (size_t i = 0; i < l.n; i++) {
		cleanup(repo_release) struct repo r = {0};

		if (bot_repo(b, l.v[i].repo, &r, err) < 0 ||
		    github_reconcile(b->github, r.id, err) < 0 ||
		    github_fetch_base(b->github, &r, err) < 0)
			return -1;
	}
	/* That would ask GitHub for something, if only to send once more. */
	if (l.n && !b->conf->github.shadow_all)
		github_missed(b->github);
	return 0;
}

/* Why nothing can be read there at present; `repo list` and `doctor` say so. */
static int note_problem(struct bot *b, int64_t repo, const char *why, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	int rc = github_repo_of(b->db, repo, &gr, err);

	if (rc <= 0)
		return rc;
	if (gr.paused_ms) /* that one says more */
		return 0;
	row_set(&gr.problem, why);
	return github_repo_save(b->db, &gr, err);
}

int remote_did(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *x = json_object_get(p, "ctx");
	int64_t repo = json_int(x, "repo", 0);
	const char *kind = e->kind + strlen("did-");
	struct forge f;

	if (!repo)
		return 0;
	if (!json_flag(p, "ok") && !json_int(x, "number", 0) &&
	    note_problem(b, repo, json_str(json_object_get(p, "error"), "text", "?"), err) < 0)
		return -1;
	if (bot_repo(b, repo, &r, err) < 0)
		return -1;
	f = bot_forge(b, &r);
	if (f.ops->did && f.ops->did(&f, kind, p, err) < 0)
		return -1;
	/* The base was fetched: where is it now? */
	return !strcmp(kind, "forge-fetch") && !json_object_get(x, "pull") &&
			       !json_object_get(x, "pulls")
		       ? reconcile_base(b, &r, err)
		       : 0;
}

int remote_did_level(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	(void)e;
	(void)p;
	return reconcile_wake(b, err);
}

/* ---- repo add ---- */

struct adding {
	struct bot *bot;
	uint64_t ticket;
	char *actor, *base;
	int64_t installation;
	struct github_repo remote;
	char *path;
};

static void adding_free(struct adding *a)
{
	free(a->actor);
	free(a->base);
	free(a->path);
	github_repo_release(&a->remote);
	free(a);
}

static void add_end(struct adding *a, const struct err *why)
{
	json_t *ok = why && why->code
			     ? NULL
			     : api_text("repository %s added, base branch %s; what is there is "
					"being read. Nothing that is labelled already is started.",
					a->remote.full_name, a->base);

	api_answer(a->bot->api, a->ticket, ok, why);
	adding_free(a);
}

static int insert(struct adding *a, struct err *err)
{
	struct bot *b = a->bot;
	cleanup(repo_release) struct repo r = {0};
	/* One that was removed is taken back, and read anew. */
	int rc = repo_find(b->db, ST_REPO_REMOVED, &r, err, "s", a->remote.full_name);

	if (rc < 0)
		return -1;
	row_set(&r.name, a->remote.full_name);
	row_set(&r.forge, "github");
	row_set(&r.path, a->path);
	row_set(&r.base, a->base);
	r.next_number = 1;
	r.created_ms = bot_now(b);
	r.removed_ms = 0;
	if ((rc ? repo_save(b->db, &r, err) : repo_insert(b->db, &r, err)) < 0 ||
	    (rc && db_run(b->db, ST_PURGE_GITHUB, err, "i", r.id) < 0))
		return -1;
	a->remote.repo = r.id;
	a->remote.installation = a->installation;
	if (github_repo_insert(b->db, &a->remote, err) < 0 || shadow_enter(b, &r, err) < 0 ||
	    github_fetch_base(b->github, &r, err) < 0 || github_reconcile(b->github, r.id, err) < 0)
		return -1;
	return bot_audit(b, a->actor, "repo-add", NULL, err, "repo:%s", r.name);
}

static void on_made(void *arg, const json_t *answer, const struct err *why)
{
	struct adding *a = arg;
	cleanup(err_release) struct err err = ERR_INIT;

	if (!answer) {
		add_end(a, why);
		return;
	}
	if (db_savepoint(a->bot->db, &err) == 0) {
		if (insert(a, &err) < 0)
			db_rollback_to(a->bot->db);
		else
			db_release(a->bot->db, &err);
	}
	add_end(a, &err);
}

static void on_repo(void *arg, const struct gh_answer *answer)
{
	struct adding *a = arg;
	struct bot *b = a->bot;
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *parent = path_join(b->data, "repos");
	const char *branch;
	json_t *req;

	if (answer->outcome != GH_OK) {
		err_set(&err, answer->outcome == GH_GONE ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
			"repository %s: %s", a->remote.full_name, answer->text);
		add_end(a, &err);
		return;
	}
	github_repo_release(&a->remote);
	if (gh_read_repo(answer->body, &a->remote, &branch, &err) < 0 ||
	    fs_mkdir_p(parent, 0755, &err) < 0) {
		add_end(a, &err);
		return;
	}
	github_url(b->github, &a->remote);
	a->base = xstrdup(branch);
	/* By number: a name may go to another repository. */
	a->path = xasprintf("%s/github-%lld.git", parent, (long long)a->remote.remote);
	req = json_object();
	json_put_str(req, "op", "init");
	json_put_str(req, "repo", a->path);
	json_put_str(req, "base", a->base);
	if (outbox_ask_git(b->outbox, req, on_made, a, &err) < 0)
		add_end(a, &err);
}

static void on_installation(void *arg, const struct gh_answer *answer, int64_t installation)
{
	struct adding *a = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *path = gh_path("/repos/%r", a->remote.full_name);

	if (answer->outcome != GH_OK) {
		err_set(&err, answer->outcome == GH_GONE ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
			"repository %s: the App is not installed there, or there is no such "
			"repository: %s",
			a->remote.full_name, answer->text);
		add_end(a, &err);
		return;
	}
	a->installation = installation;
	gh_send(a->bot->gh, &(struct gh_req){.path = path,
					     .installation = installation,
					     .kind = "repo",
					     .done = on_repo,
					     .arg = a});
}

int remote_repo_add(struct request *q, const char *full_name, struct err *err)
{
	cleanup(github_repo_release) struct github_repo known = {0};
	struct bot *b = q->bot;
	struct adding *a;
	int rc;

	if (!gh_is_full_name(full_name))
		return err_set(err, ERR_INPUT, "repository '%s': expected OWNER/NAME", full_name);
	if (!b->github)
		return err_set(err, ERR_STATE,
			       "repository %s: OWNER/NAME is one on GitHub, and the daemon's "
			       "configuration has no 'github' section",
			       full_name);
	rc = github_repo_find(b->db, ST_GITHUB_BY_NAME, &known, err, "s", full_name);
	if (rc != 0)
		return rc < 0 ? -1
			      : err_set(err, ERR_EXISTS, "repository %s: is here already",
					full_name);
	a = xcalloc(1, sizeof(*a));
	a->bot = b;
	a->ticket = q->ticket;
	a->actor = xstrdup(q->actor);
	a->remote.full_name = xstrdup(full_name);
	gh_installation(b->gh, full_name, on_installation, a);
	return API_LATER;
}
