/*
 * doctor.c - `yardmaster doctor`: what this machine lacks, and how to mend it.
 *
 * A row a check: {"check", "ok", "text", "mend"}. A check that could not be made counts as failed,
 * but for those that only somebody else may make.
 */
#include "cli/doctor.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/strvec.h"
#include "runner/run.h"
#include "runner/visible.h"
#include "sys/child.h"
#include "sys/fs.h"
#include "sys/secret.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define GIT_OLDEST_MINOR 38 /* git 2.38 has merge-tree --write-tree, the queue's own judge */
#define GIT_WAIT_MS      10000
#define KEYGEN_WAIT_MS   10000
#define DISK_FREE_MIN    ((uint64_t)1 << 30) /* bytes; a ledger, a mirror and some worktrees */

void doctor_add(struct doctor *d, const char *check, bool ok, const char *text, const char *mend)
{
	json_t *row = json_object();

	json_put_str(row, "check", check);
	json_put_bool(row, "ok", ok);
	json_put_str(row, "text", text);
	if (!ok && mend)
		json_put_str(row, "mend", mend);
	if (json_array_append_new(d->rows, row) < 0)
		abort(); /* out of memory */
	d->bad = d->bad || !ok;
}

void doctor_add_err(struct doctor *d, const char *check, const struct err *err, const char *mend)
{
	doctor_add(d, check, false, err_text(err), mend);
}

/* --- this machine ------------------------------------------------------------------------------- */

static int git_version(struct buf *ret, struct err *err)
{
	const char *path = getenv("PATH");
	char *const argv[] = {(char *)"git", (char *)"--version", NULL};
	autofree char *git = NULL;
	struct child_opts o = {.argv = argv};

	if (child_which("git", path ? path : "/usr/bin:/bin", &git, err) < 0)
		return -1;
	o.file = git;
	if (child_run(&o, NULL, 0, 4096, GIT_WAIT_MS, ret, err) != 0)
		return err_wrap(err, "git --version");
	buf_rtrim(ret);
	return 0;
}

static void check_git(struct doctor *d)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	static const char prefix[] = "git version ";
	long major = 0, minor = 0;
	char *dot = NULL;

	if (git_version(&out, &err) < 0)
		doctor_add_err(d, "git", &err, "install git, 2.38 or newer");
	else {
		if (!strncmp(out.s, prefix, sizeof(prefix) - 1))
			major = strtol(out.s + sizeof(prefix) - 1, &dot, 10);
		if (dot && *dot == '.')
			minor = strtol(dot + 1, NULL, 10);
		doctor_add(d, "git", major > 2 || (major == 2 && minor >= GIT_OLDEST_MINOR), out.s,
			   "install git, 2.38 or newer");
	}
}

static void check_sandbox(struct doctor *d)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(strvec_release) struct strvec extra = STRVEC_INIT;
	autofree char *keeper = NULL, *list = NULL, *text = NULL;

	if (getuid() == 0) {
		doctor_add(
			d, "sandbox", false,
			"not tried: root inside a sandbox can reach the host, so no agent is run "
			"as uid 0",
			"run this, and the daemon, as an ordinary user");
		return;
	}
	if (child_beside("yardmaster-keeper", &keeper, &err) < 0) {
		doctor_add_err(d, "sandbox", &err, "install the program whole ('make install')");
		return;
	}
	if (sandbox_check(keeper, &extra, &err) < 0) {
		doctor_add_err(d, "sandbox", &err, NULL);
		return;
	}
	list = strvec_join(&extra, ", ");
	text = extra.n ? xasprintf("all mandatory walls stand, and %s", list)
		       : xstrdup("all mandatory walls stand; landlock and cgroup2 are not there");
	doctor_add(d, "sandbox", true, text, NULL);
}

/* --- configuration and data --------------------------------------------------------------------- */

static void check_config(struct doctor *d)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (cli_conf_load(d->call, &d->conf, &err) < 0) {
		doctor_add_err(d, "configuration", &err,
			       "mend the file, then 'yardmaster config check'");
		return;
	}
	d->has_conf = true;
	doctor_add(d, "configuration", true,
		   d->conf.file ? d->conf.file : "no file; the defaults are in force", NULL);
}

static void check_data(struct doctor *d)
{
	const char *data = d->conf.c.data;
	struct stat st;
	autofree char *text = NULL;

	d->ours = stat(data, &st) < 0 || st.st_uid == geteuid();
	if (stat(data, &st) < 0) {
		text = xasprintf("%s does not exist yet; 'serve' makes it", data);
		doctor_add(d, "data directory", true, text, NULL);
		return;
	}
	d->has_data = S_ISDIR(st.st_mode);
	text = xasprintf("%s, owner uid %u, mode %04o", data, (unsigned)st.st_uid,
			 (unsigned)(st.st_mode & 07777));
	if (!d->has_data)
		doctor_add(d, "data directory", false, text,
			   "it is no directory; name another one");
	else if (st.st_mode & S_IWOTH)
		doctor_add(d, "data directory", false, text,
			   "everybody may write there: chmod o-w, and look at what is inside");
	else
		doctor_add(d, "data directory", true, text, NULL);
}

static void check_disk(struct doctor *d)
{
	struct statvfs v;
	uint64_t free_bytes;
	autofree char *text = NULL;

	if (statvfs(d->conf.c.data, &v) < 0) {
		doctor_add(d, "disk", false, "the file system could not be asked", NULL);
		return;
	}
	free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	text = xasprintf("%" PRIu64 " MiB free for %s", free_bytes >> 20, d->conf.c.data);
	if (v.f_flag & ST_RDONLY)
		doctor_add(d, "disk", false, "the file system is mounted read-only",
			   "mount it for writing");
	else
		doctor_add(d, "disk", free_bytes >= DISK_FREE_MIN, text, "free at least 1024 MiB");
}

/* With no passphrase given and none asked for: as the daemon would use it. */
static void check_sign_key(struct doctor *d)
{
	static const char mend[] = "name an SSH private key without a passphrase that the daemon's "
				   "user may read ('sign-key')";
	const char *key = d->conf.c.sign_key;
	char *const argv[] = {(char *)"ssh-keygen", (char *)"-y", (char *)"-P", (char *)"",
			      (char *)"-f",         (char *)key,  NULL};
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	autofree char *file = NULL;
	struct child_opts o = {.argv = argv};

	if (!key)
		return;
	if (child_which("ssh-keygen", "/usr/bin:/usr/local/bin:/bin", &file, &err) < 0) {
		doctor_add_err(d, "sign key", &err, "install ssh-keygen (Debian: openssh-client)");
		return;
	}
	o.file = file;
	if (child_run(&o, NULL, 0, 65536, KEYGEN_WAIT_MS, &out, &err) == 0) {
		doctor_add(d, "sign key", true, key, NULL);
		return;
	}
	err_wrap(&err, "%s", key);
	doctor_add_err(d, "sign key", &err, mend);
}

static void check_agents(struct doctor *d)
{
	const struct conf_daemon *c = &d->conf.c;

	if (!c->nagents)
		doctor_add(d, "agents", true,
			   "none is configured ('agents'): issues that are labelled wait for one",
			   NULL);
	for (size_t i = 0; i < c->nagents; i++) {
		cleanup(err_release) struct err err = ERR_INIT;
		autofree char *file = NULL, *text = NULL;

		if (visible_command(c->agents[i].command.v[0], &c->agents[i].read_only, &file,
				    &err) < 0) {
			err_wrap(&err, "%s", c->agents[i].name);
			doctor_add(d, "agents", false, err_text(&err), NULL);
			continue;
		}
		text = xasprintf("%s: %s%s", c->agents[i].name, file,
				 c->agents[i].network_host ? ", with the host's network" : "");
		doctor_add(d, "agents", true, text, NULL);
	}
}

/* Looked at here too, because a daemon that cannot read one does not start. Nobody else may read them. */
static void check_secrets(struct doctor *d)
{
	const struct conf_hooks *hooks = &d->conf.c.hooks;

	for (size_t i = 0; i < hooks->nsecrets; i++) {
		cleanup(err_release) struct err err = ERR_INIT;
		cleanup(secret_release) struct secret s = {0};

		if (strncmp(hooks->secrets[i].ref, "file:", 5) == 0 &&
		    secret_read(hooks->secrets[i].ref, NULL, &s, &err) < 0)
			doctor_add_err(d, "webhook secrets", &err,
				       "it is a line of text in a file of the daemon's user, mode "
				       "0600");
	}
}

/* --- the daemon --------------------------------------------------------------------------------- */

/* A daemon that is not running is no fault, unless somebody holds its lock without answering. */
static void daemon_away(struct doctor *d, const struct err *err)
{
	cleanup(err_release) struct err lock_err = ERR_INIT;
	autofree char *lock = cli_conf_lock(&d->conf);
	int held = d->has_data ? fs_lock_held(lock, &lock_err) : 0;

	if (held < 0)
		doctor_add_err(d, "daemon", &lock_err,
			       "run this as the owner of the data directory");
	else if (held)
		doctor_add_err(
			d, "daemon", err,
			"a process holds the lock of the data directory and does not answer: look "
			"at its log, end it, start it again");
	else
		doctor_add(d, "daemon", true, "not running; 'yardmaster serve' starts it", NULL);
}

/* What came in and could not be read: somebody sends what is no GitHub event, or this program is too old. */
static void check_undecodable(struct doctor *d, const json_t *hooks)
{
	const json_t *odd = json_object_get(hooks, "undecodable"), *one;
	cleanup(buf_release) struct buf b = BUF_INIT;
	size_t i;

	json_array_foreach (odd, i, one) {
		buf_addf(&b, "%s%s %s: %s", i ? "; " : "", json_str(one, "event", "?"),
			 json_str(one, "guid", "?"), json_str(one, "detail", "?"));
		if (i == 4 && json_array_size(odd) > 5) {
			buf_addf(&b, "; and %zu more", json_array_size(odd) - 5);
			break;
		}
	}
	doctor_add(d, "webhook contents", !json_array_size(odd),
		   json_array_size(odd) ? b.s : "everything that was kept could be read",
		   "look at what the sender sends ('yardmaster status --json' has more of them); "
		   "after "
		   "an update of this program let the forge deliver them again");
}

static void check_channel(struct doctor *d, const json_t *c)
{
	const char *state = json_str(c, "state", "?"), *problem = json_str(c, "problem", NULL);
	autofree char *since = clock_format(json_int(c, "since_ms", 0)), *text = NULL;

	text = xasprintf("%s: %s since %s, %" JSON_INTEGER_FORMAT " deliveries%s%s",
			 json_str(c, "address", "?"), state, since,
			 (json_int_t)json_int(c, "deliveries", 0), problem ? "; " : "",
			 problem ? problem : "");
	doctor_add(d, "event channel", !strcmp(state, "connected"), text,
		   "see that the address at github.events is a channel's and can be reached from "
		   "here ('github.proxy', 'github.ca-file'); it is tried again by itself");
}

static void check_webhooks(struct doctor *d, const json_t *status)
{
	const json_t *hooks = json_object_get(status, "webhooks");
	const char *listen = json_str(hooks, "listen", NULL);
	const json_t *channel = json_object_get(hooks, "channel");
	autofree char *text = NULL;

	if (!hooks)
		return;
	if (channel)
		check_channel(d, channel);
	if (!listen && !channel)
		doctor_add(d, "webhooks", true,
			   "not received: neither 'listen' nor 'github.events' is set", NULL);
	else if (!json_int(hooks, "secrets", 0))
		doctor_add(d, "webhooks", false,
			   "every delivery is refused: there is no secret to check it with",
			   "name one at github.webhook-secrets");
	else {
		text = xasprintf("received on %s; %" JSON_INTEGER_FORMAT
				 " stored and %" JSON_INTEGER_FORMAT
				 " refused for their signature since the start",
				 listen ? listen : "the event channel",
				 (json_int_t)json_int(hooks, "acknowledged", 0),
				 (json_int_t)json_int(hooks, "refused_signature", 0));
		doctor_add(d, "webhooks", true, text, NULL);
	}
	check_undecodable(d, hooks);
}

static void check_daemon(struct doctor *d)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *msg = NULL;
	struct cli_answer a;

	d->call->exit = CLI_EXIT_OK;
	if (cli_remote(d->call, "status", NULL, CLI_REMOTE_WAIT_MS, NULL, NULL, &msg, &a, &err) ==
	    0) {
		autofree char *text = xasprintf("answers on %s", d->conf.c.socket);

		d->daemon = true;
		doctor_add(d, "daemon", true, text, NULL);
		check_webhooks(d, a.item);
	} else if (d->call->exit == CLI_EXIT_AWAY) {
		daemon_away(d, &err);
	} else {
		doctor_add_err(d, "daemon", &err, NULL);
	}
	d->call->exit = CLI_EXIT_OK;
}

/* The chain of the audit goes through every decision: it holds or the ledger is damaged. Read beside
 * the daemon, so that it is checked with the daemon dead as well. */
static void check_ledger(struct doctor *d)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *ledger = cli_conf_ledger(&d->conf);
	autojson json_t *found = json_object();
	int rc;

	if (!d->call->entry->audit_verify || !fs_exists(ledger))
		return;
	if (access(ledger, R_OK) < 0) {
		doctor_add(d, "ledger", true, "not looked at: only its owner may read it", NULL);
		return;
	}
	rc = d->call->entry->audit_verify(ledger, found, &err);
	if (rc < 0)
		doctor_add_err(d, "ledger", &err,
			       "restore a backup ('yardmaster backup' makes them)");
	else
		doctor_add(d, "ledger", rc > 0, json_str(found, "text", rc ? "whole" : "damaged"),
			   "restore a backup ('yardmaster backup' makes them)");
}

/* For people: a line a check, "ok    git: git version 2.39.5", and how to mend it below. */
static char *told(const json_t *rows)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *mend = json_str(row, "mend", NULL);

		buf_addf(&b, "%-6s%s: %s\n", json_flag(row, "ok") ? "ok" : "FAIL",
			 json_str(row, "check", ""), json_str(row, "text", ""));
		if (mend)
			buf_addf(&b, "      to mend it: %s\n", mend);
	}
	return buf_steal(&b);
}

int cli_doctor(struct cli_call *call, json_t *ret, struct err *err)
{
	struct doctor d = {.call = call, .rows = json_array()};
	autofree char *text = NULL;

	(void)err;
	check_git(&d);
	check_sandbox(&d);
	check_config(&d);
	if (d.has_conf) {
		check_data(&d);
		if (d.has_data)
			check_disk(&d);
		check_sign_key(&d);
		check_agents(&d);
		if (d.ours)
			check_secrets(&d);
		check_daemon(&d);
		doctor_forge(&d, d.daemon);
		check_ledger(&d);
		cli_conf_release(&d.conf);
	}
	text = told(d.rows);
	json_put_str(ret, "text", text);
	json_put(ret, "rows", d.rows);
	return d.bad ? CLI_EXIT_NOT_SO : CLI_EXIT_OK;
}
