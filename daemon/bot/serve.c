/* serve.c - see serve.h */
#include "bot/serve.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/api.h"
#include "bot/api_halt.h"
#include "bot/bot.h"
#include "bot/follow.h"
#include "bot/reconcile.h"
#include "bot/remote.h"
#include "bot/secrets.h"
#include "bot/turn.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOOL_PATH "/usr/local/bin:/usr/bin:/bin"

/* What the daemon owns while it runs. */
struct serve {
	const struct serve_options *options;
	struct bot bot;
	int lock;
	char *self, *client, *keeper, *git, *runs;
};

static void serve_release(struct serve *s)
{
	follow_stop_all(&s->bot);
	api_halt_stop_all(&s->bot);
	api_free(s->bot.api);
	s->bot.api = NULL;
	if (s->bot.loop)
		turn_stop(&s->bot);
	remote_stop(&s->bot);
	loop_free(s->bot.loop);
	db_close(s->bot.db);
	secrets_release(&s->bot);
	free(s->self);
	free(s->client);
	free(s->keeper);
	free(s->git);
	free(s->runs);
	if (s->lock >= 0)
		close(s->lock);
}

static int find_programs(struct serve *s, struct err *err)
{
	if (child_self(&s->self, err) < 0 || child_beside("yardmaster", &s->client, err) < 0 ||
	    child_beside("yardmaster-keeper", &s->keeper, err) < 0)
		return -1;
	if (child_which("git", TOOL_PATH, &s->git, err) < 0)
		return err_wrap(err, "git is needed; install the package 'git'");
	return 0;
}

/* It holds the texts of every repository: the group of the socket asks the daemon, and is asked for its
 * permission. Its journals get the same mode. */
static int open_ledger(struct serve *s, const char *path, struct err *err)
{
	mode_t before = umask(077);
	int rc;

	if (chmod(path, 0600) < 0 && errno != ENOENT)
		rc = err_errno(err, "ledger %s: close it to others", path);
	else
		rc = db_open(path, true, &s->bot.db, err);
	umask(before);
	return rc;
}

static int open_data(struct serve *s, struct err *err)
{
	const char *data = s->options->conf->data;
	autofree char *lock = path_join(data, "lock"), *ledger = path_join(data, "ledger.db");

	s->runs = path_join(data, "runs");
	if (fs_mkdir_p(data, 0711, err) < 0 || fs_mkdir_p(s->runs, 0700, err) < 0)
		return err_wrap(err, "data directory %s", data);
	if (fs_lock(lock, &s->lock, err) < 0) {
		if (err->code == ERR_EXISTS)
			return err_set(err, ERR_STATE,
				       "data directory %s: another daemon is running on it; end "
				       "that one, or name another directory with --data",
				       data);
		return -1;
	}
	return open_ledger(s, ledger, err);
}

/* The system's name, unless it is the program's own (a service's user often is called so) or that of
 * somebody else here: a data directory that was moved to another account. */
static int owner_name(struct bot *b, const char *name, char **ret, struct err *err)
{
	cleanup(user_release) struct user other = {0};
	int rc = name ? user_find(b->db, ST_USER_BY_NAME, &other, err, "s", name) : 1;

	if (rc < 0)
		return -1;
	*ret = rc > 0 || !strcmp(name, "yardmaster") ? xasprintf("uid%u", (unsigned)b->owner)
						     : xstrdup(name);
	return 0;
}

/* The owner of the data directory is a user with every permission. */
static int add_owner(struct bot *b, struct err *err)
{
	cleanup(user_release) struct user u = {0};
	const struct passwd *pw = getpwuid(b->owner);
	int rc = user_find(b->db, ST_USER_BY_UID, &u, err, "i", (int64_t)b->owner);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		if (owner_name(b, pw ? pw->pw_name : NULL, &u.name, err) < 0)
			return -1;
		u.uid = b->owner;
		u.created_ms = bot_now(b);
		if (user_insert(b->db, &u, err) < 0)
			return -1;
	}
	return db_run(b->db, ST_PERMISSION_SET, err, "iii", u.id, (int64_t)0,
		      (int64_t)FORGE_MAINTAIN) < 0
		       ? -1
		       : 0;
}

static void on_end(void *arg, int signo)
{
	struct serve *s = arg;

	log_info("ending on signal %d; runs go on in their keepers", signo);
	s->bot.stopping = true; /* the turn hook ends the loop once nothing is under way */
	if (s->bot.part)
		s->bot.part->ops->drain(s->bot.part_self);
}

static void on_reload(void *arg, int signo)
{
	struct serve *s = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	struct conf_daemon fresh = {0};
	struct conf_daemon *conf = s->options->conf;

	(void)signo;
	if (s->options->reload(s->options->arg, &fresh, &err) < 0) {
		log_error("reload: %s; the configuration stays as it was", err_text(&err));
		return;
	}
	if (strcmp(fresh.data, conf->data) != 0 || strcmp(fresh.socket, conf->socket) != 0) {
		log_error("reload: 'data' and 'socket' cannot change while the daemon runs; the "
			  "configuration stays as it was");
		conf_daemon_release(&fresh);
		return;
	}
	if (!conf_github_same(&fresh.github, &conf->github)) {
		log_error("reload: of 'github' only 'webhook-secrets' and 'permissions' can change "
			  "while the daemon runs; the configuration stays as it was; start the "
			  "daemon anew");
		conf_daemon_release(&fresh);
		return;
	}
	if (s->bot.part && s->bot.part->ops->reload(s->bot.part_self, &fresh, &err) < 0) {
		log_error("reload: %s; the configuration stays as it was", err_text(&err));
		conf_daemon_release(&fresh);
		return;
	}
	conf_daemon_release(conf);
	*conf = fresh;
	s->bot.data = conf->data;
	secrets_load(&s->bot);
	s->bot.look = true; /* limits may have changed */
	reconcile_settings(&s->bot);
	log_info("configuration read again");
}

static int set_signals(struct serve *s, struct err *err)
{
	struct loop *l = s->bot.loop;

	signal(SIGPIPE, SIG_IGN);
	return loop_signal(l, SIGTERM, on_end, s, err) < 0 ||
			       loop_signal(l, SIGINT, on_end, s, err) < 0 ||
			       loop_signal(l, SIGHUP, on_reload, s, err) < 0
		       ? -1
		       : 0;
}

static int prepare(struct serve *s, struct err *err)
{
	struct bot *b = &s->bot;

	if (find_programs(s, err) < 0 || open_data(s, err) < 0 ||
	    loop_new(&clock_system, &b->loop, err) < 0 || set_signals(s, err) < 0)
		return -1;
	b->clock = &clock_system;
	b->rnd = &rnd_system;
	b->conf = s->options->conf;
	b->data = b->conf->data;
	b->runs = s->runs;
	b->self = s->self;
	b->client = s->client;
	b->keeper = s->keeper;
	b->git = s->git;
	b->environ_ = s->options->environ_;
	secrets_load(b);
	b->owner = geteuid();
	b->part = s->options->part;
	if (add_owner(b, err) < 0 || remote_start(b, err) < 0 || api_new(b, &b->api, err) < 0 ||
	    turn_start(b, err) < 0)
		return -1;
	remote_ready(b);
	return 0;
}

int serve_run(const struct serve_options *o, struct err *err)
{
	struct serve s = {.options = o, .lock = -1};
	int rc;

	if (geteuid() == 0)
		return err_set(err, ERR_UNSAFE,
			       "refused as uid 0: agents and gates must not run as root; start the "
			       "daemon as an unprivileged user");
	umask(007); /* group members share the socket and the repositories; nobody else does */
	rc = prepare(&s, err);
	if (rc == 0) {
		log_info("yardmaster %s: data %s, socket %s", YM_VERSION, o->conf->data,
			 o->conf->socket);
		rc = loop_run(s.bot.loop, err);
	}
	if (s.bot.fatal.code)
		rc = err_move(err, &s.bot.fatal);
	serve_release(&s);
	return rc;
}
