/* outbox.c - see outbox.h */
#include "bot/outbox.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/outbox_wants.h"
#include "bot/remote.h"
#include "bot/roles.h"
#include "bot/runs.h"
#include "bot/secrets.h"
#include "bot/shadow.h"

#include "sys/child.h"

#include <signal.h>
#include <sys/wait.h>

#define NOTIFY_TEXT_MAX 16384
#define TRIES_MAX       6
#define BACKOFF_MS      500 /* doubled with each try: 0.5 s … 8 s, for a forge to five minutes */
#define PAUSE_MAX_MS    ((int64_t)5 * 60 * 1000)
#define PATIENCE_MS     ((int64_t)24 * 3600 * 1000)
#define ROLE_IDLE_MS    60000
#define NET_ROLES       4 /* a clone that takes an hour does not hold up another repository's landing */

/* An effect that is under way. */
struct active {
	struct outbox *outbox;
	struct effect row;
	json_t *payload;
	const struct effect_kind *kind;
	struct loop_child *child; /* of a notification */
	struct loop_timer *limit; /* … which is ended when it hangs: the next ones wait for it */
	int64_t limit_seconds;
	bool killed; /* by that limit */
	pid_t pid;
	int64_t not_before_ms; /* the executor knows when another try makes sense */
	bool started;
	bool walled;         /* refused here, in shadow mode: the forge was not asked */
	struct role *role;   /* of the git ones, which has it */
	struct wants *wants; /* what it needs first, or NULL */
	struct active *next;
};

struct outbox {
	struct bot *bot;
	struct role *merge, *work, *upkeep;
	struct role *net[NET_ROLES]; /* the requests of a repository go to the same one, in order */
	auth_fn auth;
	void *auth_arg;
	struct runs *runs;
	struct active *first;
	bool crash; /* for tests: this turn wrote the result that fault.h asks for */
};

static const struct effect_kind *kind_of(const char *name)
{
	for (const struct effect_kind *k = outbox_kinds; k->kind; k++)
		if (!strcmp(k->kind, name))
			return k;
	return NULL;
}

decide_fn outbox_handler(const char *effect_kind)
{
	const struct effect_kind *k = kind_of(effect_kind);

	return k ? k->decide : NULL;
}

int outbox_new(struct bot *b, struct outbox **ret, struct err *err)
{
	struct outbox *o = xcalloc(1, sizeof(*o));
	struct role_conf conf = {b->loop, b->self, "git", b->git, ROLE_IDLE_MS};
	struct role_conf net = {b->loop, b->self, "net", b->git, ROLE_IDLE_MS};

	o->bot = b;
	o->merge = role_new(&conf);
	o->work = role_new(&conf);
	o->upkeep = role_new(&conf);
	for (size_t i = 0; i < NET_ROLES; i++)
		o->net[i] = role_new(&net);
	o->runs = runs_new(b);
	*ret = o;
	if (effect_recover(b->db, err) < 0 || runs_recover(o->runs, err) < 0) {
		outbox_free(o);
		*ret = NULL;
		return -1;
	}
	return 0;
}

static void active_free(struct active *a)
{
	if (a->pid > 0) /* we end, and nobody would end it: it is told again */
		kill(-a->pid, SIGKILL);
	loop_child_free(a->child);
	loop_timer_free(a->limit);
	wants_free(a->wants);
	json_decref(a->payload);
	effect_release(&a->row);
	free(a);
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	role_free(o->merge);
	role_free(o->work);
	role_free(o->upkeep);
	for (size_t i = 0; i < NET_ROLES; i++)
		role_free(o->net[i]);
	runs_free(o->runs);
	while (o->first) {
		struct active *next = o->first->next;

		active_free(o->first);
		o->first = next;
	}
	free(o);
}

static struct active *active_find(struct outbox *o, int64_t effect)
{
	for (struct active *a = o->first; a; a = a->next)
		if (a->row.id == effect)
			return a;
	return NULL;
}

static void active_remove(struct outbox *o, struct active *a)
{
	struct active **at = &o->first;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	active_free(a);
}

/* A forge may be away for hours, and comes back. A landing does not wait for it: it is in doubt. */
static bool is_patient(const struct active *a)
{
	enum executor x = a->kind->executor;

	return x == EXEC_ASK || x == EXEC_FORGE || x == EXEC_FETCH ||
	       (x == EXEC_NET && strncmp(a->row.kind, "cand-", 5) != 0);
}

/* Worth another try: the other side was away, or the machine refused. */
static bool may_retry(const struct active *a, const struct err *why)
{
	int64_t since = a->row.patient_ms > a->row.at_ms ? a->row.patient_ms : a->row.at_ms;

	if (why->code != ERR_UNAVAILABLE && why->code != ERR_IO)
		return false;
	return a->row.tries < TRIES_MAX || (why->code == ERR_UNAVAILABLE && is_patient(a) &&
					    bot_now(a->outbox->bot) - since < PATIENCE_MS);
}

static bool is_remote(enum executor x)
{
	return x == EXEC_FORGE || x == EXEC_ASK || x == EXEC_NET || x == EXEC_FETCH;
}

static int64_t pause_of(const struct active *a)
{
	int64_t twice = a->row.tries < 12 ? a->row.tries - 1 : 11;
	int64_t pause = (int64_t)BACKOFF_MS << twice, now = bot_now(a->outbox->bot);

	if (a->not_before_ms > now)
		return a->not_before_ms - now;
	return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

static json_t *result_payload(const struct active *a, json_t *result, const struct err *why)
{
	json_t *p = json_object(), *e;

	json_put_int(p, "effect", a->row.id);
	json_put_bool(p, "ok", !why || !why->code);
	json_put(p, "ctx",
		 json_incref(json_object_get(a->payload, "ctx") ? json_object_get(a->payload, "ctx")
								: json_null()));
	if (!why || !why->code) {
		json_put(p, "result", result ? json_incref(result) : json_object());
		return p;
	}
	e = json_object();
	json_put_str(e, "code", err_code_name(why->code));
	json_put_str(e, "text", err_text(why));
	json_put(p, "error", e);
	return p;
}

static int write_result(struct outbox *o, struct active *a, json_t *result, const struct err *why,
			struct err *err)
{
	struct bot *b = o->bot;
	bool ok = !why || !why->code;
	autofree char *kind = NULL, *text = NULL;
	enum executor x = a->kind->executor;
	bool wire = x == EXEC_NET || x == EXEC_FETCH;
	int again = ok || !wire || a->walled ? 0 : remote_doubts(b, &a->row, why, err), held = 0;

	if (again == 0 && !ok && why->code == ERR_UNAVAILABLE && is_remote(a->kind->executor))
		held = remote_is_held(b, &a->row, err);
	if (again < 0 || held < 0)
		return -1;
	/* Why is told once for all of them. */
	if (again || held)
		return effect_again(b->db, a->row.id, 0, err);
	if (!ok && may_retry(a, why)) {
		int64_t pause = pause_of(a);

		log_warn("effect %lld (%s): try %lld: %s", (long long)a->row.id, a->row.kind,
			 (long long)a->row.tries, err_text(why));
		return effect_wait(b->db, a->row.id, bot_now(b), pause, err);
	}
	if (!ok)
		log_warn("effect %lld (%s): %s", (long long)a->row.id, a->row.kind, err_text(why));
	text = ok ? NULL : xstrdup(err_text(why));
	if (effect_done(b->db, a->row.id, ok, text, bot_now(b), err) < 0)
		return -1;
	if (!a->kind->decide)
		return 0;
	kind = xasprintf("did-%s", a->row.kind);
	return bot_event(b, kind, result_payload(a, result, why), err, "effect:%lld",
			 (long long)a->row.id);
}

void outbox_result(struct outbox *o, int64_t effect, json_t *result, const struct err *why)
{
	outbox_result_at(o, effect, result, why, 0);
}

void outbox_result_at(struct outbox *o, int64_t effect, json_t *result, const struct err *why,
		      int64_t not_before_ms)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *r = result;
	struct active *a = active_find(o, effect);

	if (!a)
		return;
	a->not_before_ms = not_before_ms;
	fault_point(a->row.kind, "after");
	o->crash |= fault_at(a->row.kind, "committed");
	if (write_result(o, a, r, why, &err) < 0)
		err_move(&o->bot->fatal, &err);
	active_remove(o, a);
}

/* ---- the executors ---- */

static void on_git(void *arg, const json_t *answer, const struct err *why)
{
	struct active *a = arg;

	outbox_result(a->outbox, a->row.id, json_incref((json_t *)answer), why);
}

static struct role *net_of(struct outbox *o, const json_t *req)
{
	const char *s = json_str(req, "repo", json_str(req, "url", ""));
	size_t sum = 0;

	for (; *s; s++)
		sum = sum * 31 + (unsigned char)*s;
	return o->net[sum % NET_ROLES];
}

static struct role *role_for(void *arg, const json_t *req)
{
	const struct active *a = arg;

	return net_of(a->outbox, req);
}

static void ask_git(struct active *a, const json_t *got);

static void on_wanted(void *arg, const json_t *got, const struct err *why)
{
	struct active *a = arg;

	if (why && why->code)
		outbox_result(a->outbox, a->row.id, NULL, why);
	else
		ask_git(a, got);
}

static void on_git_role(void *arg, const json_t *answer, const struct err *why)
{
	struct active *a = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	struct wants_conf conf = {.bot = a->outbox->bot,
				  .request = a->payload,
				  .auth = a->outbox->auth,
				  .auth_arg = a->outbox->auth_arg,
				  .role = role_for,
				  .last = a->row.tries >= TRIES_MAX,
				  .done = on_wanted,
				  .arg = a};

	if ((why && why->code) || !wants_is(answer))
		on_git(a, answer, why);
	else if (wants_fetch(&a->wants, &conf, answer, &err) < 0)
		outbox_result(a->outbox, a->row.id, NULL, &err);
}

static void ask_git(struct active *a, const json_t *got)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *more = got ? json_deep_copy(got) : NULL;
	json_t *req = json_copy(a->payload);

	json_object_del(req, "ctx");
	if (more)
		json_object_update(req, more);
	secrets_for_git(a->outbox->bot, req);
	if (role_ask(a->role, req, on_git_role, a, &err) < 0)
		outbox_result(a->outbox, a->row.id, NULL, &err);
	else if (got) /* between two turns of the outbox */
		role_flush(a->role);
}

static void start_git(struct active *a, struct role *role)
{
	a->role = role;
	ask_git(a, NULL);
}

/* The way to it is that of the API: a private authority, a proxy. Neither has a say over SSH or plain HTTP. */
static void put_way(const struct conf_github *c, json_t *req)
{
	if (strncmp(json_str(req, "url", ""), "https://", 8) != 0)
		return;
	if (c->ca_file)
		json_put_str(req, "ca_file", c->ca_file);
	if (c->proxy)
		json_put_str(req, "proxy", c->proxy);
}

/* The credential has come; it leaves with this request and is kept nowhere. */
static void on_auth(void *done_arg, json_t *auth, const struct err *why)
{
	struct active *a = done_arg;
	cleanup(err_release) struct err err = ERR_INIT;
	struct role *net;
	json_t *req;

	if (why && why->code) {
		json_decref(auth);
		outbox_result(a->outbox, a->row.id, NULL, why);
		return;
	}
	req = json_copy(a->payload);
	json_object_del(req, "ctx");
	json_put(req, "auth", auth ? auth : json_null());
	put_way(&a->outbox->bot->conf->github, req);
	net = net_of(a->outbox, req);
	if (role_ask(net, req, on_git, a, &err) < 0)
		outbox_result(a->outbox, a->row.id, NULL, &err);
	else
		role_flush(net);
}

static void start_net(struct outbox *o, struct active *a)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (!o->auth)
		on_auth(a, NULL, NULL);
	else if (o->auth(o->auth_arg, a->payload, on_auth, a, &err) < 0)
		outbox_result(o, a->row.id, NULL, &err);
}

void outbox_set_auth(struct outbox *o, auth_fn auth, void *arg)
{
	o->auth = auth;
	o->auth_arg = arg;
}

static void start_run(struct outbox *o, struct active *a)
{
	cleanup(err_release) struct err err = ERR_INIT;
	json_t *result = NULL;
	bool kill = !strcmp(a->row.kind, "run-kill");
	int rc = kill ? runs_kill(o->runs, a->payload, &result, &err)
		      : runs_start(o->runs, a->payload, &result, &err);

	outbox_result(o, a->row.id, result, rc < 0 ? &err : NULL);
}

/* "needs-human app #3: the notification command <how>": nobody else says that nobody was told. */
static void warn_notify(const struct active *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void warn_notify(const struct active *a, const char *fmt, ...)
{
	autofree char *how = NULL;
	va_list ap;

	va_start(ap, fmt);
	how = xvasprintf(fmt, ap);
	va_end(ap);
	log_warn("%s %s #%lld: the notification command %s", json_str(a->payload, "what", "?"),
		 json_str(a->payload, "repo", "?"), (long long)json_int(a->payload, "number", 0),
		 how);
}

static void on_notified(void *arg, pid_t pid, int wait_status)
{
	struct active *a = arg;
	json_t *result = json_object();

	(void)pid;
	a->pid = 0;
	json_put_int(result, "status", wait_status);
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status))
		warn_notify(a, "ended with exit code %d", WEXITSTATUS(wait_status));
	else if (WIFSIGNALED(wait_status) && !a->killed)
		warn_notify(a, "ended by signal %d", WTERMSIG(wait_status));
	outbox_result(a->outbox, a->row.id, result, NULL);
}

static void on_notify_limit(void *arg)
{
	struct active *a = arg;

	warn_notify(a, "did not end within %lld s and was killed (notify.timeout-seconds)",
		    (long long)a->limit_seconds);
	a->killed = true;
	kill(-a->pid, SIGKILL); /* a session of its own; its end is told as every end */
}

/* The command gets what happened as arguments' environment: plain variables, no secrets. */
static void start_notify(struct outbox *o, struct active *a)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(strvec_release) struct strvec env = STRVEC_INIT;
	struct strvec *argv = &o->bot->conf->notify;
	struct child_fd fds[] = {{2, 1}, {2, 2}};
	const char *text = json_str(a->payload, "text", "");

	if (!argv->n) {
		outbox_result(o, a->row.id, json_object(), NULL);
		return;
	}
	strvec_push(&env, "PATH=/usr/local/bin:/usr/bin:/bin");
	strvec_pushf(&env, "YARDMASTER_EVENT=%s", json_str(a->payload, "what", ""));
	strvec_pushf(&env, "YARDMASTER_REPO=%s", json_str(a->payload, "repo", ""));
	strvec_pushf(&env, "YARDMASTER_NUMBER=%lld", (long long)json_int(a->payload, "number", 0));
	/* The kernel takes no longer variable than 128 KiB, and nobody wants one. */
	strvec_pushf(&env, "YARDMASTER_TEXT=%.*s",
		     (int)text_cut(text, strlen(text), NOTIFY_TEXT_MAX), text);
	struct child_opts c = {.file = argv->v[0],
			       .argv = argv->v,
			       .envp = env.v,
			       .fds = fds,
			       .nfds = ARRAY_LEN(fds),
			       .new_session = true,
			       .die_with_parent = true};

	if (child_spawn(&c, &a->pid, &err) < 0) {
		outbox_result(o, a->row.id, NULL, &err);
		return;
	}
	if (loop_child_new(o->bot->loop, a->pid, on_notified, a, &a->child, &err) < 0) {
		child_abort(a->pid, true);
		a->pid = 0;
		outbox_result(o, a->row.id, NULL, &err);
		return;
	}
	a->limit = loop_timer_new(o->bot->loop, on_notify_limit, a);
	a->limit_seconds = o->bot->conf->notify_seconds;
	loop_timer_in(a->limit, a->limit_seconds * 1000);
}

/* The local forge acts inside the transaction: its rows and the result are one. One over a network
 * waits for the commit. */
static int act_forge(struct outbox *o, struct active *a, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	autojson json_t *result = NULL;
	struct forge f;
	int rc;

	if (bot_repo(o->bot, json_int(a->payload, "repo", 0), &r, err) < 0)
		return -1;
	f = bot_forge(o->bot, &r);
	if (f.ops->remote)
		return 0;
	a->started = true;
	if (db_savepoint(o->bot->db, err) < 0)
		return -1;
	fault_point(a->row.kind, "before");
	rc = f.ops->act(&f, a->row.id, a->row.kind, a->payload, &result, &why);
	if (rc < 0)
		db_rollback_to(o->bot->db);
	else if (db_release(o->bot->db, err) < 0)
		return -1;
	if (rc != FORGE_LATER)
		outbox_result(o, a->row.id, steal(&result), rc < 0 ? &why : NULL);
	return 0;
}

/* After the commit: the request goes out, and its answer comes in a later turn. */
static void start_forge(struct outbox *o, struct active *a)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	json_t *result = NULL;
	struct forge f;
	int rc = bot_repo(o->bot, json_int(a->payload, "repo", 0), &r, &why);

	if (rc == 0) {
		f = bot_forge(o->bot, &r);
		rc = f.ops->act(&f, a->row.id, a->row.kind, a->payload, &result, &why);
	}
	if (rc != FORGE_LATER)
		outbox_result(o, a->row.id, result, rc < 0 ? &why : NULL);
}

/* Written by another version of the program: it fails, which is better than a daemon that never starts. */
static int no_executor(struct outbox *o, struct active *a, struct err *err)
{
	int rc;

	log_error("effect %lld: kind '%s' is not known to this program; it is given up",
		  (long long)a->row.id, a->row.kind);
	rc = effect_done(o->bot->db, a->row.id, false, "not known to this program", bot_now(o->bot),
			 err);
	active_remove(o, a);
	return rc < 0 ? -1 : 0;
}

static int take_one(struct outbox *o, struct effect *e, struct err *err)
{
	struct active *a = xcalloc(1, sizeof(*a));

	a->outbox = o;
	a->kind = kind_of(e->kind);
	a->row = *e;
	*e = (struct effect){0};
	a->row.tries++;
	a->next = o->first;
	o->first = a;
	if (json_parse(a->row.payload, strlen(a->row.payload), SIZE_MAX, &a->payload, err) < 0 ||
	    effect_started(o->bot->db, a->row.id, err) < 0)
		return -1;
	if (!a->kind)
		return no_executor(o, a, err);
	return a->kind->executor == EXEC_FORGE || a->kind->executor == EXEC_ASK
		       ? act_forge(o, a, err)
		       : 0;
}

static bool is_crowded(const struct outbox *o, const struct effect_kind *k)
{
	int n = 0, most = outbox_most(k);

	for (const struct active *a = most ? o->first : NULL; a; a = a->next)
		n += a->kind == k;
	return most && n >= most;
}

int outbox_take(struct outbox *o, struct err *err)
{
	cleanup(effect_list_release) struct effect_list l = {0};
	cleanup(remote_held_release) struct remote_held held = {0};
	bool waits;
	int n = 0;

	if (bot_waits(o->bot, &waits, err) < 0 || remote_held(o->bot, &held, err) < 0 ||
	    effect_due(o->bot->db, bot_now(o->bot), &l, err) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		const struct effect_kind *k = kind_of(l.v[i].kind);

		if (waits && k && k->executor != EXEC_READ && k->executor != EXEC_ASK &&
		    k->executor != EXEC_FETCH)
			continue;
		if (k && is_crowded(o, k))
			continue;
		if (held.rows.n && k && is_remote(k->executor) && remote_holds(&held, &l.v[i]))
			continue;
		if (take_one(o, &l.v[i], err) < 0)
			return -1;
		n++;
	}
	return n;
}

/* The wall of shadow mode on this side. */
static bool refused(struct outbox *o, struct active *a)
{
	cleanup(err_release) struct err why = ERR_INIT;

	if (!shadow_refuses(o->bot, a->kind, a->payload, a->row.at_ms))
		return false;
	a->walled = true;
	err_set(&why, ERR_DENIED,
		"the repository is, or then was, in shadow mode: nothing is "
		"written there");
	outbox_result(o, a->row.id, NULL, &why);
	return true;
}

static void start_one(struct outbox *o, struct active *a)
{
	a->started = true;
	if (refused(o, a))
		return;
	fault_point(a->row.kind, "before");
	switch (a->kind->executor) {
	case EXEC_GIT:
	case EXEC_READ:
		start_git(a, o->merge);
		break;
	case EXEC_WORK:
		start_git(a, o->work);
		break;
	case EXEC_UPKEEP:
		start_git(a, o->upkeep);
		break;
	case EXEC_NET:
	case EXEC_FETCH:
		start_net(o, a);
		break;
	case EXEC_RUN:
		start_run(o, a);
		break;
	case EXEC_NOTIFY:
		start_notify(o, a);
		break;
	case EXEC_FORGE:
	case EXEC_ASK:
		start_forge(o, a);
		break;
	}
}

/* The oldest that was not started yet; starting one may end it and others. */
static struct active *not_started(struct outbox *o)
{
	struct active *oldest = NULL;

	for (struct active *a = o->first; a; a = a->next)
		if (!a->started && (!oldest || a->row.id < oldest->row.id))
			oldest = a;
	return oldest;
}

void outbox_start(struct outbox *o)
{
	struct active *a;

	if (o->crash)
		fault_die();
	for (a = not_started(o); a; a = not_started(o))
		start_one(o, a);
	role_flush(o->merge);
	role_flush(o->work);
	role_flush(o->upkeep);
}

int outbox_ask_git(struct outbox *o, json_t *req, git_done_fn done, void *arg, struct err *err)
{
	return role_ask(o->merge, req, done, arg, err);
}
