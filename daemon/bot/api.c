/* api.c - see api.h: the socket, who is there, and the table of commands. */
#include "bot/api.h"

#include "base/log.h"
#include "base/mem.h"
#include "sys/chan.h"
#include "sys/usock.h"

#include <errno.h>
#include <grp.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CLIENTS_MAX 200  /* of all users together; more wait in the listen queue */
#define OF_UID_MAX  32   /* of one user; as many are kept free for the owner, who may have all */
#define PAUSE_MS    1000 /* before it is tried again, when none could be accepted */
#define PENDING_MAX ((size_t)1 << 20) /* queued for a reader that is slow: the rest can wait */

/* Whose permission counts, and on what. */
enum need_repo { NO_REPO, IN_REPO };

static const struct {
	const char *cmd;
	api_fn fn;
	enum forge_level level; /* FORGE_NONE: any user */
	enum need_repo repo;
	bool owner; /* only the owner of the data directory */
} commands[] = {
	{"status", api_status, FORGE_NONE, NO_REPO, false},
	{"stats", api_stats, FORGE_NONE, NO_REPO, false},
	{"doctor", api_doctor, FORGE_NONE, NO_REPO, true},
	{"halt", api_halt, FORGE_WRITE, NO_REPO, false},
	{"resume", api_resume, FORGE_MAINTAIN, NO_REPO, false},
	{"audit list", api_audit_list, FORGE_READ, NO_REPO, false},
	{"receipt show", api_receipt_show, FORGE_READ, IN_REPO, false},
	{"repo add", api_repo_add, FORGE_NONE, NO_REPO, true},
	{"repo set-base", api_repo_set_base, FORGE_NONE, NO_REPO, true},
	{"repo remove", api_repo_remove, FORGE_NONE, NO_REPO, true},
	{"repo list", api_repo_list, FORGE_NONE, NO_REPO, false},
	{"user add", api_user_add, FORGE_NONE, NO_REPO, true},
	{"user remove", api_user_remove, FORGE_NONE, NO_REPO, true},
	{"user list", api_user_list, FORGE_NONE, NO_REPO, false},
	{"blueprint list", api_blueprint_list, FORGE_READ, IN_REPO, false},
	{"blueprint show", api_blueprint_show, FORGE_READ, IN_REPO, false},
	{"issue create", api_issue_create, FORGE_READ, IN_REPO, false},
	{"issue edit", api_issue_edit, FORGE_WRITE, IN_REPO, false},
	{"issue list", api_issue_list, FORGE_READ, IN_REPO, false},
	{"issue show", api_issue_show, FORGE_READ, IN_REPO, false},
	{"issue comment", api_comment, FORGE_READ, IN_REPO, false},
	{"issue label", api_issue_label, FORGE_WRITE, IN_REPO, false},
	{"issue close", api_issue_close, FORGE_WRITE, IN_REPO, false},
	{"issue reopen", api_issue_reopen, FORGE_WRITE, IN_REPO, false},
	{"pr list", api_pr_list, FORGE_READ, IN_REPO, false},
	{"pr show", api_pr_show, FORGE_READ, IN_REPO, false},
	{"pr diff", api_pr_diff, FORGE_READ, IN_REPO, false},
	{"pr checkout", api_pr_checkout, FORGE_READ, IN_REPO, false},
	{"pr comment", api_comment, FORGE_READ, IN_REPO, false},
	{"pr approve", api_pr_approve, FORGE_WRITE, IN_REPO, false},
	{"pr request-changes", api_pr_request_changes, FORGE_WRITE, IN_REPO, false},
	{"pr close", api_pr_close, FORGE_WRITE, IN_REPO, false},
	{"pr edit", api_pr_edit, FORGE_WRITE, IN_REPO, false},
	{"pr reopen", api_pr_reopen, FORGE_WRITE, IN_REPO, false},
	{"task list", api_task_list, FORGE_NONE, NO_REPO, false},
	{"task show", api_task_show, FORGE_NONE, NO_REPO, false},
	{"task logs", api_task_logs, FORGE_NONE, NO_REPO, false},
	{"task cancel", api_task_cancel, FORGE_NONE, NO_REPO, false},
	{"task retry", api_task_retry, FORGE_NONE, NO_REPO, false},
	{"queue list", api_queue_list, FORGE_READ, IN_REPO, false},
	{"queue why", api_queue_why, FORGE_READ, IN_REPO, false},
	{"queue add", api_queue_add, FORGE_WRITE, IN_REPO, false},
	{"queue remove", api_queue_remove, FORGE_WRITE, IN_REPO, false},
	{"queue hold", api_queue_hold, FORGE_WRITE, IN_REPO, false},
	{"queue unhold", api_queue_unhold, FORGE_WRITE, IN_REPO, false},
	{"queue freeze", api_queue_freeze, FORGE_MAINTAIN, IN_REPO, false},
	{"queue thaw", api_queue_thaw, FORGE_MAINTAIN, IN_REPO, false},
	{"hook proc-receive", api_hook_receive, FORGE_NONE, NO_REPO, false},
	{"hook post-receive", api_hook_pushed, FORGE_NONE, NO_REPO, false},
	{"clone find", api_clone_find, FORGE_NONE, NO_REPO, false},
	{"clone leases", api_clone_leases, FORGE_READ, IN_REPO, false},
	{"clone message", api_clone_message, FORGE_READ, IN_REPO, false},
	{"clone push", api_clone_push, FORGE_READ, IN_REPO, false},
	{"clone conflicts", api_clone_conflicts, FORGE_READ, IN_REPO, false},
};

struct api_client {
	struct api *api;
	struct chan *chan;
	char *user; /* NULL: not one of ours */
	uid_t uid;
	uint64_t ticket; /* of the request that is open; 0: none */
	bool gone;
	struct api_client *next;
};

struct api {
	struct bot *bot;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *pause;
	struct api_client *clients;
	size_t n;
	uint64_t last_ticket;
};

json_t *api_text(const char *fmt, ...)
{
	autofree char *s = NULL;
	json_t *o = json_object();
	va_list ap;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	json_put_str(o, "text", s);
	return o;
}

json_t *api_rows(json_t *rows)
{
	json_t *o = json_object();

	json_put(o, "rows", rows);
	return o;
}

json_t *api_item(json_t *item)
{
	json_t *o = json_object();

	json_put(o, "item", item);
	return o;
}

void api_list(json_t *row, const char *key)
{
	const char *text = json_str(row, key, "[]");
	json_t *list;

	if (json_parse(text, strlen(text), SIZE_MAX, &list, NULL) == 0)
		json_put(row, key, list);
}

/* ---- answers ---- */

static struct api_client *client_of(struct api *a, uint64_t ticket)
{
	for (struct api_client *c = a->clients; c; c = c->next)
		if (c->ticket == ticket && !c->gone)
			return c;
	return NULL;
}

static void send_error(struct api_client *c, const struct err *why)
{
	json_t *e = json_object();
	autojson json_t *o = json_object();

	json_put_str(e, "code", err_code_name(why->code));
	json_put_str(e, "text", err_text(why));
	json_put_bool(o, "ok", false);
	json_put(o, "error", e);
	chan_send(c->chan, o);
	c->ticket = 0;
}

static void send_result(struct api_client *c, json_t *result)
{
	autojson json_t *o = result ? result : json_object();

	json_put_bool(o, "ok", true);
	chan_send(c->chan, o);
	c->ticket = 0;
}

void api_answer(struct api *a, uint64_t ticket, json_t *result, const struct err *why)
{
	struct api_client *c = client_of(a, ticket);

	if (!c)
		json_decref(result);
	else if (why && why->code)
		send_error(c, why);
	else
		send_result(c, result);
}

bool api_chunk(struct api *a, uint64_t ticket, const char *s, size_t n)
{
	struct api_client *c = client_of(a, ticket);
	autojson json_t *o = NULL;

	if (!c)
		return false;
	o = json_object();
	json_put(o, "chunk", json_utf8(s, n));
	chan_send(c->chan, o);
	chan_flush(c->chan);
	return !c->gone;
}

int api_room(struct api *a, uint64_t ticket)
{
	struct api_client *c = client_of(a, ticket);

	return !c ? -1 : chan_pending(c->chan) < PENDING_MAX;
}

/* ---- requests ---- */

static int find_repo(struct request *q, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};
	const char *name = json_str(q->args, "repo", NULL);
	int rc;

	if (name) {
		rc = repo_find(q->bot->db, ST_REPO_BY_NAME, &q->repo, err, "s", name);
		if (rc == 0)
			err_set(err, ERR_NOT_FOUND,
				"repository '%s': not known; `yardmaster repo list` shows them",
				name);
		return rc > 0 ? 0 : -1;
	}
	if (repo_all(q->bot->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	if (l.n != 1)
		return err_set(
			err, ERR_INPUT,
			l.n ? "which repository? name one with --repo NAME"
			    : "there is no repository; `yardmaster repo add NAME` makes one");
	return repo_get(q->bot->db, l.v[0].id, &q->repo, err) > 0 ? 0 : -1;
}

/* For commands of no repository: the permission on all of them. */
static int check_level(struct request *q, enum forge_level need, struct err *err)
{
	enum forge_level have = FORGE_NONE;

	if (need == FORGE_NONE)
		return 0;
	if (q->repo.id) {
		if (bot_permission_here(q->bot, q->repo.id, q->actor, &have, err) < 0)
			return -1;
	} else {
		if (bot_permission_here(q->bot, 0, q->actor, &have, err) < 0)
			return -1;
	}
	if (have >= need)
		return 0;
	return err_set(err, ERR_DENIED, "needs the permission '%s'; %s has '%s'%s%s",
		       forge_level_name(need), q->actor, forge_level_name(have),
		       q->repo.id ? " on " : "", q->repo.id ? q->repo.name : "");
}

static int run_command(struct request *q, const char *cmd, json_t **ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].cmd, cmd) != 0)
			continue;
		if (commands[i].owner && !q->owner)
			return err_set(err, ERR_DENIED,
				       "'%s' is for the owner of the data directory (uid %u)", cmd,
				       (unsigned)q->bot->owner);
		if ((commands[i].repo == IN_REPO && find_repo(q, err) < 0) ||
		    check_level(q, commands[i].level, err) < 0)
			return -1;
		return commands[i].fn(q, ret, err);
	}
	return err_set(err, ERR_INPUT,
		       "'%s': this daemon does not know the command; are the two "
		       "of the same version?",
		       cmd);
}

int api_decode(const json_t *msg, struct api_line *ret, struct err *err)
{
	struct api_line l = {.args = json_object_get(msg, "args")};
	int64_t v;

	if (json_get_int(msg, "v", &v, err) < 0 || json_get_str(msg, "cmd", &l.cmd, err) < 0 ||
	    json_opt_str(msg, "as", &l.as, err) < 0)
		return err_wrap(err, "request");
	if (v != 1)
		return err_set(err, ERR_INPUT, "request: version %lld; this daemon speaks 1",
			       (long long)v);
	if (json_is_null(l.args))
		l.args = NULL;
	if (l.args && !json_is_object(l.args))
		return err_set(err, ERR_INPUT,
			       "request: key 'args': found something else than an object");
	*ret = l;
	return 0;
}

static int decode(struct api_client *c, const json_t *msg, struct request *q, const char **ret_cmd,
		  struct err *err)
{
	struct api_line line;

	if (api_decode(msg, &line, err) < 0)
		return -1;
	*ret_cmd = line.cmd;
	q->args = line.args;
	if (line.as && !q->owner)
		return err_set(err, ERR_DENIED,
			       "--as is for the owner of the data directory (uid %u); you are uid "
			       "%u",
			       (unsigned)q->bot->owner, (unsigned)c->uid);
	q->actor = line.as ? line.as : c->user;
	if (!q->actor)
		return err_set(err, ERR_DENIED,
			       "uid %u is no user here; the owner adds one with `yardmaster user "
			       "add NAME --uid %u --permission write`",
			       (unsigned)c->uid, (unsigned)c->uid);
	return 0;
}

static int find_user(struct api_client *c, struct err *err)
{
	cleanup(user_release) struct user u = {0};
	int rc = user_find(c->api->bot->db, ST_USER_BY_UID, &u, err, "i", (int64_t)c->uid);

	/* Asked with each request: on a long connection somebody may be removed meanwhile. */
	if (rc >= 0)
		row_set(&c->user, rc > 0 ? u.name : NULL);
	return rc < 0 ? -1 : 0;
}

/* In a savepoint: a refused request leaves nothing behind. */
static int do_request(struct api_client *c, const json_t *msg, json_t **ret, struct err *err)
{
	struct bot *b = c->api->bot;
	struct request q = {.bot = b, .client = c, .ticket = c->ticket};
	const char *cmd = NULL;
	int rc;

	if (find_user(c, err) < 0)
		return -1;
	q.owner = c->uid == b->owner;
	if (decode(c, msg, &q, &cmd, err) < 0 || db_savepoint(b->db, err) < 0)
		return -1;
	rc = run_command(&q, cmd, ret, err);
	repo_release(&q.repo);
	if (rc < 0)
		db_rollback_to(b->db);
	else if (db_release(b->db, err) < 0)
		return -1;
	return rc;
}

static void on_request(void *arg, struct chan *chan, json_t *msg)
{
	struct api_client *c = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	json_t *result = NULL;
	int rc;

	if (c->ticket) {
		err_set(&err, ERR_STATE, "one request at a time");
		send_error(c, &err);
		return;
	}
	if (chan_pending(chan) > PENDING_MAX) {
		err_set(&err, ERR_LIMIT,
			"a request before the answers to the last ones were read: %zu bytes wait",
			chan_pending(chan));
		send_error(c, &err);
		chan_finish(chan);
		return;
	}
	c->ticket = ++c->api->last_ticket;
	rc = do_request(c, msg, &result, &err);
	if (rc < 0) {
		json_decref(result);
		send_error(c, &err);
	} else if (rc == API_DONE) {
		send_result(c, result);
	}
}

/* It spoke nonsense: say so before hanging up. */
static void on_broken(void *arg, struct chan *chan, const struct err *why)
{
	cleanup(err_release) struct err err = ERR_INIT;

	(void)chan;
	err_set(&err, why->code, "request: %s; expected a JSON object on one line", err_text(why));
	send_error(arg, &err);
}

static void on_gone(void *arg, struct chan *chan, const struct err *why)
{
	struct api_client *c = arg;

	(void)chan;
	(void)why;
	c->gone = true; /* freed in api_flush(): we may be inside one of its callbacks */
}

static void client_free(struct api_client *c)
{
	chan_free(c->chan);
	free(c->user);
	free(c);
}

/* A descriptor that nobody accepts from stays readable: it is looked at only while there is room. */
static void listen_again(void *arg)
{
	struct api *a = arg;

	if (a->watch && loop_watch_set(a->watch, a->n < CLIENTS_MAX ? EPOLLIN : 0, NULL) < 0)
		loop_timer_in(a->pause, PAUSE_MS);
}

/* Nobody takes all the places: not one user, and not all others together the owner's. */
static bool has_place(const struct api *a, uid_t uid, struct err *err)
{
	uid_t owner = a->bot->owner;
	size_t same = 0, others = 0;

	if (uid == owner)
		return true;
	for (const struct api_client *c = a->clients; c; c = c->next) {
		same += c->uid == uid;
		others += c->uid != owner;
	}
	if (same >= OF_UID_MAX)
		err_set(err, ERR_UNAVAILABLE,
			"uid %u has %zu connections open, more are not taken; end some of its "
			"commands (`task logs --follow`?) and try again",
			(unsigned)uid, same);
	else if (others >= CLIENTS_MAX - OF_UID_MAX)
		err_set(err, ERR_UNAVAILABLE,
			"%zu connections are open, more are not taken; try again", others);
	else
		return true;
	return false;
}

/* Takes fd. A client without a place is told so and hung up on. */
static int add_client(struct api *a, int fd, struct err *err)
{
	static const struct chan_ops ops = {
		.message = on_request, .closed = on_gone, .broken = on_broken};
	cleanup(err_release) struct err full = ERR_INIT;
	struct api_client *c = xcalloc(1, sizeof(*c));
	bool place;

	c->api = a;
	if (usock_peer_uid(fd, &c->uid, err) < 0) {
		close(fd);
		free(c);
		return -1;
	}
	place = has_place(a, c->uid, &full);
	if (chan_new(a->bot->loop, fd, 0, &ops, c, &c->chan, err) < 0) {
		free(c);
		return -1;
	}
	if (!place) {
		send_error(c, &full);
		chan_flush(c->chan);
		client_free(c);
		return 0;
	}
	c->next = a->clients;
	a->clients = c;
	a->n++;
	return 0;
}

static void on_connect(void *arg, uint32_t events)
{
	struct api *a = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	int fd;

	(void)events;
	while (a->n < CLIENTS_MAX && usock_accept(a->fd, &fd, &err) > 0 &&
	       add_client(a, fd, &err) == 0)
		;
	if (!err.code) {
		listen_again(a);
		return;
	}
	log_warn("socket: %s", err_text(&err)); /* too many open files, mostly */
	loop_watch_set(a->watch, 0, NULL);
	loop_timer_in(a->pause, PAUSE_MS);
}

void api_flush(struct api *a)
{
	struct api_client **at = &a->clients;

	for (struct api_client *c = a->clients; c; c = c->next)
		if (!c->gone)
			chan_flush(c->chan);
	while (*at) {
		struct api_client *c = *at;

		if (!c->gone) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		a->n--;
		client_free(c);
		listen_again(a);
	}
}

void api_fail_all(struct api *a, const struct err *why)
{
	for (struct api_client *c = a ? a->clients : NULL; c; c = c->next) {
		/* What is queued was decided in the turn that could not be kept. */
		bool unsaid = chan_unsend(c->chan);

		if (c->gone || !(unsaid || c->ticket))
			continue;
		send_error(c, why);
		chan_flush(c->chan);
	}
}

static int set_group(const char *path, const char *group, struct err *err)
{
	const struct group *g = group ? getgrnam(group) : NULL;

	if (group && !g)
		return err_set(err, ERR_INPUT, "socket-group '%s': no such group", group);
	if (g && chown(path, (uid_t)-1, g->gr_gid) < 0)
		return err_errno(err, "socket %s: give it to group %s", path, group);
	return 0;
}

int api_new(struct bot *b, struct api **ret, struct err *err)
{
	struct api *a = xcalloc(1, sizeof(*a));

	a->bot = b;
	a->fd = -1;
	a->pause = loop_timer_new(b->loop, listen_again, a);
	if (usock_listen(b->conf->socket, 0660, &a->fd, err) < 0 ||
	    set_group(b->conf->socket, b->conf->socket_group, err) < 0 ||
	    loop_watch_new(b->loop, a->fd, EPOLLIN, on_connect, a, &a->watch, err) < 0) {
		api_free(a);
		return -1;
	}
	*ret = a;
	return 0;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	while (a->clients) {
		struct api_client *next = a->clients->next;

		client_free(a->clients);
		a->clients = next;
	}
	loop_watch_free(a->watch);
	loop_timer_free(a->pause);
	if (a->fd >= 0) {
		close(a->fd);
		unlink(a->bot->conf->socket);
	}
	free(a);
}
