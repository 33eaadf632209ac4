/*
 * doctor_forge.c - the part of `yardmaster doctor` about GitHub. The daemon asks, for it has the credentials
 * and knows the repositories; without it only the App is asked about, from here, and the repositories are a
 * row that is not ok. What needs no network, a deploy key, is looked at here.
 */
#include "cli/doctor.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/remote.h"
#include "forge/github_doctor.h"
#include "git/net_part.h"
#include "sys/child.h"
#include "sys/fs.h"
#include "sys/secret.h"

#include <string.h>

#define KEYGEN_WAIT_MS 10000
#define HOSTS_MAX      ((size_t)1 << 20)
#define FORGE_WAIT_MS  300000 /* many repositories, a question after the other */

/* --- the deploy key ------------------------------------------------------------------------------- */

static void check_key(struct doctor *d, const char *key)
{
	static const char mend[] =
		"make one with 'ssh-keygen -t ed25519 -N \"\"' and give its "
		"public half to the repository as a deploy key with write access";
	char *const argv[] = {(char *)"ssh-keygen", (char *)"-y", (char *)"-P", (char *)"",
			      (char *)"-f",         (char *)key,  NULL};
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(buf_release) struct buf out = BUF_INIT;
	autofree char *file = NULL, *text = NULL;
	struct child_opts o = {.argv = argv};

	if (child_which("ssh-keygen", "/usr/bin:/usr/local/bin:/bin", &file, &err) < 0) {
		doctor_add_err(d, "deploy key", &err,
			       "install ssh-keygen (Debian: openssh-client)");
		return;
	}
	o.file = file;
	if (child_run(&o, NULL, 0, 65536, KEYGEN_WAIT_MS, &out, &err) != 0) {
		err_wrap(&err, "%s", key);
		doctor_add_err(d, "deploy key", &err, mend);
		return;
	}
	text = xasprintf("%s%s", key,
			 !strncmp(out.s, "ssh-rsa ", 8)
				 ? ": an RSA key; libssh2 signs with SHA-1, which GitHub refuses"
				 : "");
	doctor_add(d, "deploy key", !strchr(text, ':'), text, mend);
}

/* HOST and PORT of ssh://[USER@]HOST[:PORT]; false: it is none. */
static bool ssh_host(const char *url, char **host, char **port)
{
	static const char scheme[] = "ssh://";
	const char *s, *at;
	size_t n;

	if (!url || strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return false;
	s = url + sizeof(scheme) - 1;
	at = strchr(s, '@');
	s = at && at < s + strcspn(s, "/") ? at + 1 : s;
	n = strcspn(s, ":/");
	*host = xstrndup(s, n);
	*port = s[n] == ':' ? xstrndup(s + n + 1, strcspn(s + n + 1, "/")) : xstrdup("22");
	return true;
}

static void check_hosts(struct doctor *d, const struct conf_github *c)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(buf_release) struct buf file = BUF_INIT_MAX(HOSTS_MAX + 1);
	autofree char *host = NULL, *port = NULL, *line = NULL, *text = NULL, *mend = NULL;

	if (!ssh_host(c->git, &host, &port)) {
		doctor_add(d, "known hosts", false,
			   "'ssh-key' is set, and 'git' is no ssh:// address: the key is not used",
			   "set github.git: ssh://git@github.com");
		return;
	}
	if (fs_read(c->known_hosts, HOSTS_MAX, &file, &err) < 0) {
		doctor_add_err(d, "known hosts", &err,
			       "write the host's key there (ssh-keyscan), "
			       "after comparing it");
		return;
	}
	line = net_hosts_preferred(file.s, file.len, host, port);
	text = xasprintf("%s %s %s", c->known_hosts, line ? "has" : "has no usable key of", host);
	mend = xasprintf("compare what 'ssh-keyscan -t ed25519 -p %s %s' prints with what the host "
			 "publishes, and add it",
			 port, host);
	doctor_add(d, "known hosts", line != NULL, text, mend);
}

/* --- GitHub --------------------------------------------------------------------------------------- */

static void take_rows(struct doctor *d, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		doctor_add(d, json_str(row, "check", "?"), json_flag(row, "ok"),
			   json_str(row, "text", ""), json_str(row, "mend", NULL));
}

static void ask_daemon(struct doctor *d)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *msg = NULL;
	struct cli_answer a;

	d->call->exit = CLI_EXIT_OK;
	if (cli_remote(d->call, "doctor", NULL, FORGE_WAIT_MS, NULL, NULL, &msg, &a, &err) == 0)
		take_rows(d, a.rows);
	else if (err.code == ERR_DENIED)
		doctor_add(d, "GitHub", true, "not asked: only the daemon's owner may", NULL);
	else
		doctor_add_err(d, "GitHub", &err, "try again");
	d->call->exit = CLI_EXIT_OK;
}

/* A loop of our own, for as long as the answers take. */
struct direct {
	struct doctor *doctor;
	struct loop *loop;
	struct gh *client;
	struct github_doctor *asking;
};

static void on_rows(void *arg, json_t *rows)
{
	struct direct *x = arg;

	x->asking = NULL;
	take_rows(x->doctor, rows);
	json_decref(rows);
	loop_stop(x->loop);
}

static void direct_release(struct direct *x)
{
	github_doctor_cancel(x->asking);
	gh_free(x->client);
	loop_free(x->loop);
}

static int start_client(const struct conf_github *c, struct direct *x, struct err *err)
{
	struct gh_conf conf = GH_CONF_INIT;

	conf.total_ms = 30000;
	return remote_client(c, conf, x->loop, &clock_system, &rnd_system, &x->client, err);
}

static void ask_directly(struct doctor *d)
{
	const struct conf_github *c = &d->conf.c.github;
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(direct_release) struct direct x = {.doctor = d};

	if (loop_new(&clock_system, &x.loop, &err) < 0 || start_client(c, &x, &err) < 0) {
		doctor_add_err(d, "GitHub credentials", &err,
			       "mend what 'github' in yardmaster.yml names");
		return;
	}
	x.asking = github_doctor_start(
		&(struct github_doctor_opts){.client = x.client,
					     .token = c->token,
					     .listens = d->conf.c.hooks.listen != NULL,
					     .channel = d->conf.c.hooks.events,
					     .signs = d->conf.c.sign_key != NULL,
					     .shadow = c->shadow_all,
					     .done = on_rows,
					     .arg = &x});
	if (loop_run(x.loop, &err) < 0)
		doctor_add_err(d, "GitHub", &err, NULL);
	doctor_add(d, "GitHub repositories", false,
		   "not looked at: the daemon knows them, and is "
		   "not running",
		   "start it ('yardmaster serve') and ask again");
}

void doctor_forge(struct doctor *d, bool daemon_answers)
{
	const struct conf_github *c = &d->conf.c.github;

	if (!c->set)
		return;
	if (c->ssh_key) {
		check_key(d, c->ssh_key);
		check_hosts(d, c);
	}
	if (daemon_answers)
		ask_daemon(d);
	else
		ask_directly(d);
}
