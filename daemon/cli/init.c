/* init.c - `yardmaster init`: the configuration file. The App's registration is in init_app.c. */
#include "cli/init.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/conf_sample.h"
#include "cli/conf.h"
#include "cli/local.h"
#include "forge/github_app.h"
#include "sys/fs.h"
#include "sys/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CLOUD      "https://api.github.com"
#define LISTEN     "127.0.0.1:8080"
#define COPIES_MAX 1000

struct init {
	struct cli_call *call;
	char *dir, *file;
	struct buf text; /* the file as it stands, or the sample */
	bool listens;    /* it says where webhooks are received */
	bool there;      /* and is on the disk */
	char *kept;      /* where the old one is; NULL: there was none */
	char *api, *web, *hook, *ca_file;
	bool channel; /* the hook is an event channel's address */
	char *app_page, *key_file, *secret_file;
};

static void init_release(struct init *s)
{
	buf_release(&s->text);
	free(s->dir);
	free(s->file);
	free(s->kept);
	free(s->api);
	free(s->web);
	free(s->hook);
	free(s->ca_file);
	free(s->app_page);
	free(s->key_file);
	free(s->secret_file);
}

/* --- the file ------------------------------------------------------------------------------------- */

static int find_place(struct init *s, struct err *err)
{
	const char *dir = json_str(s->call->args, "dir", NULL);
	char *slash;

	if (dir) {
		if (cli_conf_absolute(dir, &s->dir, err) < 0)
			return -1;
		s->file = path_join(s->dir, "yardmaster.yml");
	} else {
		if (cli_conf_new_file(s->call, &s->file, err) < 0)
			return -1;
		s->dir = xstrdup(s->file);
		slash = strrchr(s->dir, '/');
		slash[slash == s->dir] = '\0';
	}
	return fs_mkdir_p(s->dir, 0755, err);
}

/* Would the daemon take it? */
static int load(const struct init *s, const char *text, size_t n, struct err *err)
{
	cleanup(conf_daemon_release) struct conf_daemon c = {0};

	if (conf_daemon_load(s->file, text, n, "/nonexistent", &c, err) == 0)
		return 0;
	s->call->exit = CLI_EXIT_CONFIG;
	return -1;
}

/* The first free NAME.N: what was there is never lost. */
static int keep_old(struct init *s, struct err *err)
{
	for (int i = 1; i < COPIES_MAX; i++) {
		autofree char *to = xasprintf("%s.%d", s->file, i);

		if (fs_exists(to))
			continue;
		if (rename(s->file, to) < 0)
			return err_errno(err, "%s: keep the old file as %s", s->file, to);
		s->kept = steal(&to);
		return 0;
	}
	return err_set(err, ERR_LIMIT, "%s: there are %d old copies; remove some", s->file,
		       COPIES_MAX - 1);
}

static int write_file(struct init *s, const char *text, size_t n, struct err *err)
{
	struct stat st;
	mode_t mode = s->there && stat(s->file, &st) == 0 ? st.st_mode & 0777 : 0644;

	if (fs_write_atomic(s->file, text, n, mode, err) == 0)
		return 0;
	if (s->kept && rename(s->kept, s->file) == 0)
		free(steal(&s->kept));
	return -1;
}

/* What the file will begin with: the sample, or, for an App, what is there. */
static int take_text(struct init *s, bool github, struct err *err)
{
	bool force = json_flag(s->call->args, "force");
	autofree char *sample = conf_sample();

	s->there = fs_exists(s->file);
	if (s->there && !force && !github)
		return err_set(err, ERR_EXISTS,
			       "%s: is there already and was left alone; --force writes a new one "
			       "and keeps the old one beside it",
			       s->file);
	if (s->there && !force) {
		if (fs_read(s->file, CLI_CONF_MAX, &s->text, err) < 0)
			return -1;
	} else {
		buf_adds(&s->text, sample);
	}
	return load(s, s->text.s, s->text.len, err);
}

/* What to say where no command would look for the file; "" where they do. */
static char *elsewhere(const struct init *s)
{
	autofree char *found = NULL, *path = NULL, *word = NULL;

	if (cli_conf_file(s->call, &found, NULL) == 0 && found &&
	    cli_conf_absolute(found, &path, NULL) == 0 && !strcmp(path, s->file))
		return xstrdup("");
	word = text_shell(s->file);
	return xasprintf("\nCommands find it when you say: export YARDMASTER_CONFIG=%s", word);
}

static int write_sample(struct init *s, json_t *ret, struct err *err)
{
	autofree char *text = NULL, *where = NULL;

	if (s->there && keep_old(s, err) < 0)
		return -1;
	if (write_file(s, s->text.s, s->text.len, err) < 0)
		return -1;
	where = elsewhere(s);
	text = xasprintf(
		"%s was written%s%s. Every key in it is commented out; name an agent first. "
		"'yardmaster config check' checks it, 'yardmaster serve' starts the "
		"daemon.%s",
		s->file, s->kept ? "; the old one is " : "", s->kept ? s->kept : "", where);
	json_put_str(ret, "text", text);
	json_put(ret, "item", json_pack("{s:s,s:s*}", "file", s->file, "kept", s->kept));
	return CLI_EXIT_OK;
}

/* --- the App -------------------------------------------------------------------------------------- */

/* The section that is added. A path in single quotes, as YAML has them. */
static void add_section(const struct init *s, struct buf *b, const char *client_id)
{
	if (b->len && b->s[b->len - 1] != '\n')
		buf_addc(b, '\n');
	if (s->hook && !s->channel && !s->listens)
		buf_adds(b, "\nlisten: " LISTEN "\n");
	buf_adds(b, "\n# Added by 'yardmaster init --github'.\ngithub:\n");
	if (strcmp(s->api, CLOUD) != 0)
		buf_addf(b, "  api: '%s'\n", s->api);
	buf_addf(b, "  app: '%s'\n", client_id);
	buf_addf(b, "  key: 'file:%s'\n", strrchr(s->key_file, '/') + 1);
	if (s->ca_file)
		buf_addf(b, "  ca-file: '%s'\n", s->ca_file);
	if (s->channel)
		buf_addf(b, "  events: '%s'\n", s->hook);
	if (s->secret_file)
		buf_addf(b, "  webhook-secrets:\n    - secret: 'file:%s'\n",
			 strrchr(s->secret_file, '/') + 1);
}

static int write_secret(const char *path, const char *text, struct err *err)
{
	if (fs_exists(path))
		return err_set(err, ERR_EXISTS, "%s: is there already; nothing was overwritten",
			       path);
	return fs_write_atomic(path, text, strlen(text), 0600, err);
}

static bool word_ok(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return n && !s[n] && n <= 100 && *s != '.';
}

/* Keys first: the configuration names only what is there. */
static int keep_app(void *arg, const json_t *answer, struct err *err)
{
	struct init *s = arg;
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct github_app app;

	if (github_app_decode(answer, &app, err) < 0)
		return -1;
	if (!word_ok(app.slug) || !word_ok(app.client_id))
		return err_set(
			err, ERR_INPUT,
			"GitHub's answer about the new App: found slug '%.100s' and client id "
			"'%.100s', expected words",
			app.slug, app.client_id);
	s->key_file = xasprintf("%s/%s.private-key.pem", s->dir, app.slug);
	s->app_page = app.page ? xstrdup(app.page) : xasprintf("%s/apps/%s", s->web, app.slug);
	if (write_secret(s->key_file, app.pem, err) < 0)
		return -1;
	if (app.secret && s->hook) {
		s->secret_file = xasprintf("%s/%s.webhook-secret", s->dir, app.slug);
		if (write_secret(s->secret_file, app.secret, err) < 0)
			return -1;
	}
	buf_add(&b, s->text.s, s->text.len);
	add_section(s, &b, app.client_id);
	if (load(s, b.s, b.len, err) < 0)
		return -1;
	if (s->there && json_flag(s->call->args, "force") && keep_old(s, err) < 0)
		return -1;
	return write_file(s, b.s, b.len, err);
}

/* Whatever can be wrong with the file is found before GitHub registers anything. */
static int check_file(struct init *s, struct err *err)
{
	cleanup(yaml_doc_release) struct yaml_doc doc = {0};
	cleanup(buf_release) struct buf b = BUF_INIT;
	bool hook = s->hook != NULL;
	int rc;

	if (yaml_load(s->file, s->text.s, s->text.len, &doc, err) < 0)
		return -1;
	if (yaml_get(doc.root, "github"))
		return err_set(err, ERR_EXISTS,
			       "%s: has a section 'github' already; take it out to register "
			       "another App, or use --force",
			       s->file);
	s->listens = yaml_get(doc.root, "listen") != NULL;
	buf_add(&b, s->text.s, s->text.len);
	s->key_file = xstrdup("/key");
	s->secret_file = hook ? xstrdup("/secret") : NULL;
	add_section(s, &b, "Iv1");
	free(steal(&s->key_file));
	free(steal(&s->secret_file));
	rc = load(s, b.s, b.len, err);
	return rc < 0 ? err_wrap(err, "a section 'github' cannot be added at the end of the file")
		      : 0;
}

static int take_options(struct init *s, struct err *err)
{
	const json_t *args = s->call->args;
	const char *public_url = json_str(args, "public_url", NULL);
	const char *events = json_str(args, "events", NULL);
	const char *ca = json_str(args, "ca_file", NULL);
	autofree char *base = NULL;

	if (http_url_base(json_str(args, "api", CLOUD), &s->api, err) < 0)
		return err_wrap(err, "--api");
	s->web = github_web_of(s->api);
	if (public_url && http_url_base(public_url, &base, err) < 0)
		return err_wrap(err, "--public-url");
	if (base)
		s->hook = xasprintf("%s/webhook/github", base);
	if (events && base)
		return err_set(err, ERR_INPUT,
			       "--events and --public-url: GitHub sends to one of them only");
	if (events && http_url_base(events, &s->hook, err) < 0)
		return err_wrap(err, "--events");
	s->channel = events != NULL;
	if (strchr(s->api, '\'') || (ca && strchr(ca, '\'')) || (events && strchr(events, '\'')))
		return err_set(err, ERR_INPUT,
			       "--api, --ca-file, --events: a quote (') is not taken");
	return ca ? cli_conf_absolute(ca, &s->ca_file, err) : 0;
}

static void say_next(const struct init *s, json_t *ret)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *where = elsewhere(s);

	buf_addf(&b, "The App is registered. Its key is %s", s->key_file);
	if (s->secret_file)
		buf_addf(&b, ", its webhook's secret %s", s->secret_file);
	buf_addf(&b, "; %s names them.\n", s->file);
	if (s->kept)
		buf_addf(&b, "The old configuration is %s.\n", s->kept);
	buf_addf(&b,
		 "\nNext:\n"
		 "  1. install the App on repositories: %s/installations/new\n"
		 "  2. name an agent in %s\n"
		 "  3. start the daemon, or start it again: yardmaster serve\n"
		 "  4. yardmaster repo add OWNER/NAME\n"
		 "  5. yardmaster doctor says what is missing\n%s%s",
		 s->app_page, s->file, where, *where ? "\n" : "");
	if (s->channel)
		buf_addf(
			&b,
			"\nGitHub sends to %s, where the daemon fetches it. Who knows that address "
			"can read what is sent.\n",
			s->hook);
	else if (s->hook)
		buf_addf(&b,
			 "\nGitHub sends to %s, which a proxy hands on to the address at "
			 "'listen'.\n",
			 s->hook);
	else
		buf_adds(&b,
			 "\nWithout --public-url and --events GitHub sends nothing: it is asked "
			 "every few minutes ('reconcile-seconds').\n");
	json_put_str(ret, "text", b.s);
	json_put(ret, "item",
		 json_pack("{s:s,s:s,s:s*,s:s*,s:s}", "file", s->file, "key", s->key_file, "secret",
			   s->secret_file, "kept", s->kept, "app", s->app_page));
}

static int register_app(struct init *s, json_t *ret, struct err *err)
{
	const json_t *args = s->call->args;
	autofree char *digits = rnd_hex(&rnd_system, 3);
	autofree char *otherwise = xasprintf("yardmaster-%s", digits);
	struct init_app want = {.owner = json_str(args, "owner", NULL),
				.name = json_str(args, "name", otherwise),
				.port = json_int(args, "port", 0),
				.keep = keep_app,
				.arg = s};

	if (take_options(s, err) < 0 || check_file(s, err) < 0)
		return -1;
	want.api = s->api;
	want.web = s->web;
	want.hook = s->hook;
	want.ca_file = s->ca_file;
	if (init_app_register(s->call, &want, err) < 0)
		return -1;
	say_next(s, ret);
	return CLI_EXIT_OK;
}

/* The options that only mean something with --github. */
static int check_usage(struct cli_call *call, struct err *err)
{
	static const struct {
		const char *key, *option;
	} rows[] = {{"owner", "owner"},     {"name", "name"}, {"api", "api"},
		    {"ca_file", "ca-file"}, {"port", "port"}, {"public_url", "public-url"},
		    {"events", "events"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!json_flag(call->args, "github") && json_object_get(call->args, rows[i].key)) {
			call->exit = CLI_EXIT_USAGE;
			return err_set(err, ERR_INPUT, "init: --%s was given without --github",
				       rows[i].option);
		}
	return 0;
}

int cli_init(struct cli_call *call, json_t *ret, struct err *err)
{
	cleanup(init_release) struct init s = {.call = call, .text = BUF_INIT};
	bool github = json_flag(call->args, "github");

	if (check_usage(call, err) < 0 || find_place(&s, err) < 0 || take_text(&s, github, err) < 0)
		return -1;
	return github ? register_app(&s, ret, err) : write_sample(&s, ret, err);
}
