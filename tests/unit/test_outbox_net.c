/*
 * test_outbox_net.c - effects over the wire: the real ledger, the real role, git's own server. What it is
 * about is the way of a credential, so the table of kinds is one of its own, with a single kind.
 */
#include "net_fixture.h"

#include "base/clock.h"
#include "bot/outbox.h"
#include "store/ledger.h"

#define TOKEN "ghs_0123456789abcdefghijklmnopqrstuvwxyz"

static int decide_nothing(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	(void)b;
	(void)e;
	(void)p;
	(void)err;
	return 0;
}

const struct effect_kind outbox_kinds[] = {{"try-net", EXEC_NET, decide_nothing}, {0}};

int outbox_most(const struct effect_kind *k)
{
	(void)k;
	return 0;
}

struct world {
	struct bot bot;
	struct conf_daemon conf;
	struct server server;
	char *self, *url;
	char *cert, *ca;   /* of world_start_https() */
	auth_done_fn done; /* who waits for a credential */
	void *done_arg;
};

static void world_start(struct world *w, struct fx *f)
{
	autofree char *ledger = path_join(f->dir, "ledger.db");
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = 0;
	for (int up = 0; up < 3; up++)
		*strrchr(self, '/') = 0;
	w->self = path_join(self, "yardmaster-daemon");
	net_seed(f);
	w->server.token = TOKEN;
	server_start(&w->server, f);
	w->url = server_url(&w->server, "remote.git");
	w->bot = (struct bot){.clock = &clock_system,
			      .conf = &w->conf,
			      .data = f->dir,
			      .runs = f->dir,
			      .self = w->self,
			      .git = (char *)"/usr/bin/git"};
	assert_int_equal(db_open(ledger, true, &w->bot.db, NULL), 0);
	assert_int_equal(loop_new(&clock_system, &w->bot.loop, NULL), 0);
	assert_int_equal(outbox_new(&w->bot, &w->bot.outbox, NULL), 0);
}

static void world_stop(struct world *w)
{
	outbox_free(w->bot.outbox);
	loop_free(w->bot.loop);
	db_close(w->bot.db);
	server_stop(&w->server);
	free(w->self);
	free(w->url);
	free(w->cert);
	free(w->ca);
}

static void start(struct world *w, const char *key)
{
	autojson json_t *p = json_pack("{s:s,s:s,s:i}", "op", "ls", "url", w->url, "ctx", 5);

	assert_true(effect_add(w->bot.db, key, "subject", "try-net", p, 0, NULL) >= 0);
	assert_int_equal(outbox_take(w->bot.outbox, NULL), 1);
	assert_int_equal(db_commit(w->bot.db, NULL), 0);
	outbox_start(w->bot.outbox);
}

/* The event with the effect's result, as the bot will be given it. */
static json_t *result(struct world *w)
{
	cleanup(event_release) struct event e = {0};
	json_t *p;

	for (int i = 0; event_next(w->bot.db, &e, NULL) != 1; i++) {
		assert_true(i < 600);
		assert_true(loop_turn(w->bot.loop, 50, NULL) >= 0);
	}
	assert_string_equal(e.kind, "did-try-net");
	assert_int_equal(json_parse(e.payload, strlen(e.payload), SIZE_MAX, &p, NULL), 0);
	event_decided(w->bot.db, e.id, EVENT_DECIDED, NULL, 0, NULL);
	assert_int_equal(json_int(p, "ctx", 0), 5);
	return p;
}

static int later(void *arg, const json_t *payload, auth_done_fn done, void *done_arg,
		 struct err *err)
{
	struct world *w = arg;

	(void)err;
	assert_string_equal(json_str(payload, "url", ""), w->url);
	w->done = done;
	w->done_arg = done_arg;
	return 0;
}

static int at_once(void *arg, const json_t *payload, auth_done_fn done, void *done_arg,
		   struct err *err)
{
	(void)arg;
	(void)payload;
	(void)done;
	(void)done_arg;
	return err_set(err, ERR_DENIED, "the installation is suspended");
}

static void a_credential_comes_later_and_is_not_stored(void **state)
{
	struct world w = {0};
	autojson json_t *r = NULL;

	world_start(&w, *state);
	outbox_set_auth(w.bot.outbox, later, &w);
	start(&w, "a");
	assert_non_null(w.done);
	w.done(w.done_arg, json_pack("{s:s}", "token", TOKEN), NULL);
	r = result(&w);
	assert_true(json_flag(r, "ok"));
	assert_string_equal(json_str(json_object_get(r, "result"), "head", ""), "refs/heads/main");
	assert_int_equal(db_commit(w.bot.db, NULL), 0);
	fx_run(w.server.fx, "grep -q try-net ledger.db*; ! grep -q " TOKEN " ledger.db*");
	world_stop(&w);
}

static void no_credential_is_said_so(void **state)
{
	struct world w = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	autojson json_t *none = NULL;
	autojson json_t *refused = NULL;
	autojson json_t *failed = NULL;

	world_start(&w, *state);
	start(&w, "none");
	none = result(&w);
	assert_string_equal(fx_error(none), "denied");
	outbox_set_auth(w.bot.outbox, at_once, NULL);
	start(&w, "at once");
	refused = result(&w);
	assert_non_null(strstr(net_text(refused), "suspended"));
	outbox_set_auth(w.bot.outbox, later, &w);
	start(&w, "later");
	err_set(&why, ERR_DENIED, "the key is wrong");
	w.done(w.done_arg, NULL, &why);
	failed = result(&w);
	assert_non_null(strstr(net_text(failed), "the key is wrong"));
	world_stop(&w);
}

static void start_ls(struct world *w, const char *key)
{
	start(w, key);
	assert_non_null(w->done);
	w->done(w->done_arg, json_pack("{s:s}", "token", TOKEN), NULL);
	w->done = NULL;
}

/* The server speaks HTTPS, with a certificate of a private authority, w->ca. */
static void world_start_https(struct world *w, struct fx *f)
{
	make_certificates(f);
	w->ca = path_join(f->dir, "ca.pem");
	w->cert = path_join(f->dir, "localhost.pem");
	w->server.cert = w->cert;
	world_start(w, f);
	outbox_set_auth(w->bot.outbox, later, w);
}

/* An Enterprise Server with a certificate of a private authority: what the configuration names for the API is
 * for Git, too. */
static void a_private_authority_is_believed(void **state)
{
	struct world w = {0};
	autojson json_t *by_system = NULL;
	autojson json_t *by_ours = NULL;

	world_start_https(&w, *state);
	start_ls(&w, "a");
	by_system = result(&w);
	assert_string_equal(fx_error(by_system), "unsafe");
	w.conf.github.ca_file = w.ca;
	start_ls(&w, "b");
	by_ours = result(&w);
	assert_true(json_flag(by_ours, "ok"));
	world_stop(&w);
}

static void a_proxy_is_gone_through(void **state)
{
	struct fx *f = *state;
	struct world w = {0};
	struct server proxy = {0};
	autofree char *address = NULL;
	autojson json_t *r = NULL;

	world_start_https(&w, f);
	proxy.relay = w.server.port;
	server_start(&proxy, f);
	address = xasprintf("http://127.0.0.1:%d", proxy.port);
	w.conf.github.ca_file = w.ca;
	w.conf.github.proxy = address;
	start_ls(&w, "a");
	r = result(&w);
	if (!json_flag(r, "ok"))
		fail_msg("%s", net_text(r));
	fx_run(f, "grep -q '^CONNECT localhost:%d HTTP/1.1$' proxy.log", w.server.port);
	server_stop(&proxy);
	world_stop(&w);
}

/* Neither is for what does not go over HTTPS: a server of a test, or SSH. */
static void plain_http_needs_neither(void **state)
{
	struct world w = {0};
	autojson json_t *r = NULL;

	world_start(&w, *state);
	w.conf.github.ca_file = (char *)"/nowhere/ca.pem";
	w.conf.github.proxy = (char *)"http://127.0.0.1:9";
	outbox_set_auth(w.bot.outbox, later, &w);
	start_ls(&w, "a");
	r = result(&w);
	assert_true(json_flag(r, "ok"));
	world_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(a_credential_comes_later_and_is_not_stored),
		FX_TEST(no_credential_is_said_so),
		FX_TEST(a_private_authority_is_believed),
		FX_TEST(a_proxy_is_gone_through),
		FX_TEST(plain_http_needs_neither),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
