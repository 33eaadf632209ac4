/* test_git_net.c - the net role over HTTP and HTTPS, against git's own server and servers that fail. */
#include "net_fixture.h"
#include "patience.h"

#include "sys/chan.h"

#define TOKEN    "ghs_0123456789abcdefghijklmnopqrstuvwxyz"
#define OID_NONE "0123456789012345678901234567890123456789"

static char *oid_of(struct fx *f, const char *repo, const char *rev)
{
	return fx_sh(f, "git -C %s rev-parse --verify -q %s || echo none", repo, rev);
}

static void check_oid(struct fx *f, const char *repo, const char *rev, const char *want)
{
	autofree char *found = oid_of(f, repo, rev);

	assert_string_equal(found, want);
}

static const json_t *first(const json_t *ans, const char *list)
{
	return json_array_get(json_object_get(ans, list), 0);
}

static size_t count(const json_t *ans, const char *list)
{
	return json_array_size(json_object_get(ans, list));
}

/* Whether the server was shown a credential in any request. */
static bool log_has(struct fx *f, const char *what)
{
	autofree char *found = fx_sh(f, "grep -c -- '%s' log || true", what);

	return strcmp(found, "0") != 0;
}

/* ---- fetch ---- */

static void fetch_moves_references_and_names_the_missing(void **state)
{
	struct server s = {0};
	autofree char *main_oid = NULL, *pull = NULL;
	autojson json_t *a = NULL;
	autojson json_t *again = NULL;

	net_seed(*state);
	server_start(&s, *state);
	main_oid = oid_of(s.fx, "remote.git", "main");
	pull = oid_of(s.fx, "remote.git", "refs/pull/7/head");
	for (int i = 0; i < 2; i++) {
		json_t **ret = i ? &again : &a;

		*ret = net_ok(&s, "{s:s,s:[s,s,s]}", "op", "fetch", "refs",
			      "+refs/heads/main:refs/heads/main",
			      "+refs/pull/7/head:refs/pull/7/head",
			      "refs/heads/gone:refs/heads/gone");
	}
	assert_int_equal(count(a, "updated"), 2);
	assert_string_equal(json_str(first(a, "updated"), "new", ""), main_oid);
	assert_true(json_is_null(json_object_get(first(a, "updated"), "old")));
	assert_string_equal(json_string_value(first(a, "missing")), "refs/heads/gone");
	assert_int_equal(count(again, "updated"), 0);
	check_oid(s.fx, "app.git", "main", main_oid);
	check_oid(s.fx, "app.git", "refs/pull/7/head", pull);
	/* Nothing else came, no tag above all, and no file that only git writes. */
	fx_run(s.fx,
	       "test $(git -C app.git for-each-ref | wc -l) = 2; test ! -e app.git/FETCH_HEAD;"
	       "git -C app.git fsck --strict");
	server_stop(&s);
}

static void fetch_takes_patterns(void **state)
{
	struct server s = {0};
	autojson json_t *a = NULL;

	net_seed(*state);
	server_start(&s, *state);
	a = net_ok(&s, "{s:s,s:[s,s]}", "op", "fetch", "refs",
		   "+refs/heads/*:refs/remotes/origin/*", "refs/none/*:refs/none/*");
	assert_int_equal(count(a, "updated"), 2);
	assert_int_equal(count(a, "missing"), 0);
	fx_run(s.fx, "git -C app.git rev-parse refs/remotes/origin/topic");
	server_stop(&s);
}

static void fetch_is_forced_only_with_a_plus(void **state)
{
	struct server s = {0};
	autofree char *old = NULL, *now = NULL;
	autojson json_t *a = NULL;
	autojson json_t *forced = NULL;

	net_seed(*state);
	server_start(&s, *state);
	json_decref(net_ok(&s, "{s:s,s:[s]}", "op", "fetch", "refs",
			   "refs/heads/main:refs/heads/main"));
	old = oid_of(s.fx, "app.git", "main");
	fx_run(s.fx, "cd src; git checkout -q topic; echo x >x; git add x; git commit -qm x;"
		     "git push -qf ../remote.git topic:main");
	now = oid_of(s.fx, "src", "topic");
	a = net_ok(&s, "{s:s,s:[s]}", "op", "fetch", "refs", "refs/heads/main:refs/heads/main");
	assert_int_equal(count(a, "updated"), 0);
	assert_string_equal(json_str(first(a, "refused"), "new", ""), now);
	check_oid(s.fx, "app.git", "main", old);
	forced = net_ok(&s, "{s:s,s:[s]}", "op", "fetch", "refs",
			"+refs/heads/main:refs/heads/main");
	assert_string_equal(json_str(first(forced, "updated"), "old", ""), old);
	check_oid(s.fx, "app.git", "main", now);
	server_stop(&s);
}

/* A branch gives its name to a folder of branches, and back; only what is mirrored makes way. */
static void fetch_follows_a_name_that_becomes_a_folder(void **state)
{
	static const char all[] = "+refs/heads/*:refs/heads/*";
	struct server s = {0};
	autojson json_t *a = NULL, *b = NULL;

	net_seed(*state);
	server_start(&s, *state);
	json_decref(net_ok(&s, "{s:s,s:[s]}", "op", "fetch", "refs", all));
	fx_run(s.fx, "cd remote.git; git update-ref refs/heads/topic/a topic^0 2>/dev/null ||:;"
		     "o=$(git rev-parse topic); git update-ref -d refs/heads/topic;"
		     "git update-ref refs/heads/topic/a $o; git update-ref refs/heads/topic/b $o");
	a = net_ok(&s, "{s:s,s:[s]}", "op", "fetch", "refs", all);
	assert_int_equal(count(a, "updated"), 2);
	fx_run(s.fx,
	       "git -C app.git rev-parse refs/heads/topic/a refs/heads/topic/b;"
	       "cd remote.git; o=$(git rev-parse topic/a); git update-ref -d refs/heads/topic/a;"
	       "git update-ref -d refs/heads/topic/b; git update-ref refs/heads/topic $o");
	b = net_ok(&s, "{s:s,s:[s]}", "op", "fetch", "refs", all);
	assert_int_equal(count(b, "updated"), 1);
	fx_run(s.fx, "test $(git -C app.git for-each-ref refs/heads | wc -l) = 2");
	/* A name that was asked for by itself, or without a plus, takes nothing away. */
	fx_run(s.fx, "cd remote.git; o=$(git rev-parse topic); git update-ref -d refs/heads/topic;"
		     "git update-ref refs/heads/topic/a $o");
	for (int i = 0; i < 2; i++) {
		autojson json_t *x = net_ask(&s, "{s:s,s:[s]}", "op", "fetch", "refs",
					     i ? "refs/heads/*:refs/heads/*"
					       : "+refs/heads/topic/a:refs/heads/topic/a");

		assert_false(json_flag(x, "ok"));
		assert_non_null(
			strstr(json_str(json_object_get(x, "error"), "text", ""), "is in its way"));
	}
	server_stop(&s);
}

static void ls_lists_and_names_the_head(void **state)
{
	struct server s = {0};
	autojson json_t *a = NULL;
	autojson json_t *some = NULL;
	autojson json_t *limit = NULL;

	net_seed(*state);
	server_start(&s, *state);
	a = net_ok(&s, "{s:s}", "op", "ls");
	assert_int_equal(json_object_size(json_object_get(a, "refs")), 4);
	assert_string_equal(json_str(a, "head", ""), "refs/heads/main");
	some = net_ok(&s, "{s:s,s:s}", "op", "ls", "prefix", "refs/pull/");
	assert_int_equal(json_object_size(json_object_get(some, "refs")), 1);
	limit = net_ask(&s, "{s:s,s:i}", "op", "ls", "max_refs", 2);
	assert_string_equal(fx_error(limit), "limit");
	server_stop(&s);
}

/* ---- push ---- */

/* app.git has everything of the remote and one commit more, on `next`. */
static void push_seed(struct server *s, void **state)
{
	net_seed(*state);
	server_start(s, *state);
	fx_run(s->fx, "git -C app.git fetch -q ../remote.git '+refs/heads/*:refs/heads/*';"
		      "cd src; git checkout -q main; echo 4 >f4; git add -A; git commit -qm 4;"
		      "git push -q ../app.git main:next");
}

static json_t *push_one(struct server *s, const char *ref, const char *old, const char *now)
{
	return net_ok(s, "{s:s,s:[{s:s,s:s?,s:s?}]}", "op", "push", "updates", "ref", ref, "old",
		      old, "new", now);
}

static const char *outcome(const json_t *a, size_t i)
{
	return json_str(json_array_get(json_object_get(a, "results"), i), "outcome", "none");
}

static void push_is_leased(void **state)
{
	struct server s = {0};
	push_seed(&s, state);
	autofree char *old = oid_of(s.fx, "app.git", "main");
	autofree char *now = oid_of(s.fx, "app.git", "next");
	autofree char *topic = oid_of(s.fx, "app.git", "topic");
	const struct {
		const char *ref, *old, *now, *outcome, *found;
	} steps[] = {
		{"refs/heads/main", topic, now, "stale", old},
		{"refs/heads/main", NULL, now, "stale", old},
		{"refs/heads/main", OID_NONE, now, "stale", old},
		{"refs/heads/main", old, now, "pushed", now},
		{"refs/heads/main", old, now, "already", now}, /* repeated */
		{"refs/heads/main", now, old, "pushed", old},  /* backwards, by the lease */
		{"refs/heads/new", NULL, topic, "pushed", topic},
		{"refs/heads/new", NULL, topic, "already", topic},
		{"refs/heads/new", now, NULL, "stale", topic},
		{"refs/heads/new", topic, NULL, "pushed", NULL},
		{"refs/heads/new", topic, NULL, "already", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		autojson json_t *a = push_one(&s, steps[i].ref, steps[i].old, steps[i].now);
		const char *found = json_str(first(a, "results"), "found", NULL);

		if (strcmp(outcome(a, 0), steps[i].outcome) != 0)
			print_error("step %zu\n", i);
		assert_string_equal(outcome(a, 0), steps[i].outcome);
		assert_string_equal(found ? found : "none",
				    steps[i].found ? steps[i].found : "none");
		check_oid(s.fx, "remote.git", steps[i].ref,
			  steps[i].found ? steps[i].found : "none");
	}
	/* What we pushed from is gone. */
	fx_run(s.fx, "test -z \"$(git -C app.git for-each-ref refs/yardmaster)\"");
	server_stop(&s);
}

static void push_sends_nothing_when_one_is_stale(void **state)
{
	struct server s = {0};
	push_seed(&s, state);
	autofree char *old = oid_of(s.fx, "app.git", "main");
	autofree char *now = oid_of(s.fx, "app.git", "next");
	autojson json_t *a = net_ok(&s, "{s:s,s:[{s:s,s:s,s:s},{s:s,s:s,s:s}]}", "op", "push",
				    "updates", "ref", "refs/heads/main", "old", old, "new", now,
				    "ref", "refs/heads/topic", "old", OID_NONE, "new", now);

	assert_string_equal(outcome(a, 0), "held");
	assert_string_equal(outcome(a, 1), "stale");
	check_oid(s.fx, "remote.git", "main", old);
	assert_false(log_has(s.fx, "^POST"));
	server_stop(&s);
}

static void push_of_several_and_a_deletion(void **state)
{
	struct server s = {0};
	push_seed(&s, state);
	autofree char *old = oid_of(s.fx, "app.git", "main");
	autofree char *now = oid_of(s.fx, "app.git", "next");
	autofree char *topic = oid_of(s.fx, "app.git", "topic");
	autojson json_t *a = net_ok(&s, "{s:s,s:[{s:s,s:s,s:s},{s:s,s:s,s:n},{s:s,s:n,s:s}]}", "op",
				    "push", "updates", "ref", "refs/heads/main", "old", old, "new",
				    now, "ref", "refs/heads/topic", "old", topic, "new", "ref",
				    "refs/heads/more", "old", "new", now);

	for (size_t i = 0; i < 3; i++)
		assert_string_equal(outcome(a, i), "pushed");
	check_oid(s.fx, "remote.git", "main", now);
	check_oid(s.fx, "remote.git", "topic", "none");
	check_oid(s.fx, "remote.git", "more", now);
	fx_run(s.fx, "git -C remote.git fsck --strict --connectivity-only");
	server_stop(&s);
}

static void push_of_a_base_is_a_fast_forward(void **state)
{
	struct server s = {0};
	push_seed(&s, state);
	autofree char *old = oid_of(s.fx, "app.git", "main");
	autofree char *topic = oid_of(s.fx, "app.git", "topic");
	autojson json_t *a =
		net_ok(&s, "{s:s,s:[{s:s,s:s,s:s,s:b}]}", "op", "push", "updates", "ref",
		       "refs/heads/main", "old", old, "new", topic, "fast_forward", 1);
	autojson json_t *unknown = NULL;

	assert_string_equal(outcome(a, 0), "refused");
	check_oid(s.fx, "remote.git", "main", old);
	assert_false(log_has(s.fx, "^POST"));
	unknown = net_ask(&s, "{s:s,s:[{s:s,s:s,s:s,s:b}]}", "op", "push", "updates", "ref",
			  "refs/heads/main", "old", OID_NONE, "new", topic, "fast_forward", 1);
	assert_string_equal(fx_error(unknown), "unsafe");
	server_stop(&s);
}

static void push_is_judged_by_the_report(void **state)
{
	struct server s = {0};
	push_seed(&s, state);
	autofree char *old = oid_of(s.fx, "app.git", "main");
	autofree char *now = oid_of(s.fx, "app.git", "next");
	autojson json_t *a = NULL;
	autojson json_t *b = NULL;

	fx_run(s.fx, "cd remote.git; printf '#!/bin/sh\\necho GH006: protected >&2; exit 1\\n'"
		     ">hooks/pre-receive; chmod +x hooks/pre-receive");
	a = push_one(&s, "refs/heads/main", old, now);
	assert_string_equal(outcome(a, 0), "refused");
	assert_non_null(strstr(json_str(first(a, "results"), "text", ""), "pre-receive hook"));
	assert_non_null(strstr(json_str(a, "messages", ""), "GH006: protected"));
	check_oid(s.fx, "remote.git", "main", old);
	/* One of two: each has its own outcome. */
	fx_run(s.fx, "cd remote.git; rm hooks/pre-receive;"
		     "printf '#!/bin/sh\\ntest $1 != refs/heads/topic\\n' >hooks/update;"
		     "chmod +x hooks/update");
	b = net_ok(&s, "{s:s,s:[{s:s,s:s,s:s},{s:s,s:n,s:s}]}", "op", "push", "updates", "ref",
		   "refs/heads/topic", "old", json_str(first(a, "results"), "found", ""), "new",
		   now, "ref", "refs/heads/more", "old", "new", now);
	assert_string_equal(outcome(b, 0), "stale"); /* main's old value is not topic's */
	json_decref(b);
	{
		autofree char *topic = oid_of(s.fx, "remote.git", "topic");

		b = net_ok(&s, "{s:s,s:[{s:s,s:s,s:s},{s:s,s:n,s:s}]}", "op", "push", "updates",
			   "ref", "refs/heads/topic", "old", topic, "new", now, "ref",
			   "refs/heads/more", "old", "new", now);
	}
	assert_string_equal(outcome(b, 0), "refused");
	assert_string_equal(outcome(b, 1), "pushed");
	check_oid(s.fx, "remote.git", "more", now);
	server_stop(&s);
}

/* Somebody pushes between our look and our push: here, from the remote's own hook. */
static void push_that_lost_a_race_is_stale(void **state)
{
	struct server s = {0};
	push_seed(&s, state);
	autofree char *old = oid_of(s.fx, "app.git", "main");
	autofree char *now = oid_of(s.fx, "app.git", "next");
	autofree char *topic = oid_of(s.fx, "app.git", "topic");
	autojson json_t *a = NULL;

	fx_run(s.fx,
	       "cd remote.git; printf '#!/bin/sh\\nunset GIT_QUARANTINE_PATH;"
	       "git update-ref refs/heads/main %s\\n' >hooks/pre-receive;"
	       "chmod +x hooks/pre-receive",
	       topic);
	a = push_one(&s, "refs/heads/main", old, now);
	assert_string_equal(outcome(a, 0), "stale");
	assert_string_equal(json_str(first(a, "results"), "found", ""), topic);
	check_oid(s.fx, "remote.git", "main", topic);
	server_stop(&s);
}

static void push_whose_report_is_lost_is_found_again(void **state)
{
	struct server s = {.bend = {BEND_CUT, .post = true}};
	push_seed(&s, state);
	autofree char *old = oid_of(s.fx, "app.git", "main");
	autofree char *now = oid_of(s.fx, "app.git", "next");
	autojson json_t *a = net_ask(&s, "{s:s,s:[{s:s,s:s,s:s}]}", "op", "push", "updates", "ref",
				     "refs/heads/main", "old", old, "new", now);
	autojson json_t *again = NULL;

	assert_string_equal(fx_error(a), "unavailable");
	check_oid(s.fx, "remote.git", "main", now);
	again = push_one(&s, "refs/heads/main", old, now);
	assert_string_equal(outcome(again, 0), "already");
	server_stop(&s);
}

/* ---- credentials and places ---- */

static json_t *fetch_with(struct server *s, const char *url, const char *token, const char *ca)
{
	return net_ask(s, "{s:s,s:s,s:[s],s:{s:s},s:s?,s:i}", "op", "fetch", "url", url, "refs",
		       "+refs/heads/main:refs/heads/main", "auth", "token", token, "ca_file", ca,
		       "idle_seconds", 20);
}

static void token_is_shown_when_asked_and_told_to_nobody(void **state)
{
	struct server s = {.token = TOKEN};
	autofree char *url = NULL;
	autojson json_t *good = NULL;
	autojson json_t *wrong = NULL;
	autojson json_t *none = NULL;

	net_seed(*state);
	server_start(&s, *state);
	url = server_url(&s, "remote.git");
	good = fetch_with(&s, url, TOKEN, NULL);
	assert_true(json_flag(good, "ok"));
	wrong = fetch_with(&s, url, "ghs_wrong", NULL);
	assert_string_equal(fx_error(wrong), "denied");
	assert_non_null(strstr(net_text(wrong), "127.0.0.1 did not accept the token"));
	assert_null(strstr(net_text(wrong), "ghs_wrong"));
	none = net_ask(&s, "{s:s}", "op", "ls");
	assert_string_equal(fx_error(none), "denied");
	fx_run(s.fx, "! grep -r ghs_ app.git");
	server_stop(&s);
}

/* A hook that repeats what it was given: no answer of ours does. */
static void token_is_struck_out_of_what_the_remote_says(void **state)
{
	struct server s = {.token = TOKEN};
	push_seed(&s, state);
	autofree char *old = oid_of(s.fx, "app.git", "main");
	autofree char *now = oid_of(s.fx, "app.git", "next");
	autofree char *coded =
		fx_sh(s.fx, "printf x-access-token:%s | base64 -w0 | tr -d =", TOKEN);
	autojson json_t *a = NULL;
	autofree char *text = NULL;

	fx_run(s.fx,
	       "cd remote.git; printf '#!/bin/sh\\necho %s %s >&2; exit 1\\n'"
	       ">hooks/pre-receive; chmod +x hooks/pre-receive",
	       TOKEN, coded);
	a = net_ok(&s, "{s:s,s:{s:s},s:[{s:s,s:s,s:s}]}", "op", "push", "auth", "token", TOKEN,
		   "updates", "ref", "refs/heads/main", "old", old, "new", now);
	text = json_text(a);
	assert_string_equal(outcome(a, 0), "refused");
	assert_non_null(strstr(text, "********"));
	assert_null(strstr(text, TOKEN));
	assert_null(strstr(text, coded));
	server_stop(&s);
}

static void addresses_that_are_refused(void **state)
{
	struct server s = {.fx = *state};
	static const char *const bad[] = {
		"file:///etc",
		"/srv/repo.git",
		"ext::sh -c true",
		"git://localhost/x",
		"git@localhost:x/y.git",
		"https://user:secret@localhost/x",
		"https://secret@localhost/x",
		"ssh://git:secret@localhost/x",
		"http://example.org/x.git",
		"http://127.0.0.1.example.org/x",
		"https://localhost",
		"https:///x",
		"https://local host/x",
		"https://localhost:0/x",
		"https://localhost:99999/x",
		"ssh://-oProxyCommand=x/y",
		"ssh://localhost/x'y",
		"https://localhost/x\ny",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autojson json_t *a = net_ask(&s, "{s:s,s:s}", "op", "ls", "url", bad[i]);

		if (strcmp(fx_error(a), "input") != 0)
			print_error("%s: %s\n", bad[i], json_text(a));
		assert_string_equal(fx_error(a), "input");
		assert_null(strstr(net_text(a), "secret"));
	}
}

/* A redirect to another port is another server: it is not even asked, and never sees the token. */
static void redirect_to_another_place_is_refused(void **state)
{
	struct server other = {0}, s = {.token = TOKEN};
	autofree char *to = NULL, *url = NULL;
	autojson json_t *a = NULL;

	net_seed(*state);
	server_start(&other, *state);
	to = xasprintf("http://127.0.0.1:%d", other.port);
	s.bend.location = to;
	server_start(&s, *state);
	url = server_url(&s, "remote.git");
	a = fetch_with(&s, url, TOKEN, NULL);
	assert_string_equal(fx_error(a), "unsafe");
	assert_non_null(strstr(net_text(a), "redirects to another place"));
	/* Each server logs to the same file: asked once, with the token, and no second request. */
	fx_run(s.fx, "test $(wc -l <log) = 1");
	server_stop(&s);
	server_stop(&other);
}

static void certificates_are_verified(void **state)
{
	struct server s = {.token = TOKEN}, wrong = {.token = TOKEN};
	struct fx *f = *state;
	autofree char *ca = path_join(f->dir, "ca.pem"), *other = path_join(f->dir, "other.pem");
	autofree char *cert = path_join(f->dir, "localhost.pem");
	autofree char *elsewhere = path_join(f->dir, "elsewhere.pem");
	autofree char *url = NULL, *bad_url = NULL;
	autojson json_t *good = NULL;
	autojson json_t *by_other = NULL;
	autojson json_t *by_system = NULL;
	autojson json_t *bad = NULL;

	net_seed(f);
	make_certificates(f);
	s.cert = cert;
	wrong.cert = elsewhere;
	server_start(&s, f);
	server_start(&wrong, f);
	url = server_url(&s, "remote.git");
	bad_url = server_url(&wrong, "remote.git");
	by_other = fetch_with(&s, url, TOKEN, other);
	by_system = fetch_with(&s, url, TOKEN, NULL);
	bad = fetch_with(&s, bad_url, TOKEN, ca);
	assert_string_equal(fx_error(by_other), "unsafe");
	assert_string_equal(fx_error(by_system), "unsafe");
	assert_string_equal(fx_error(bad), "unsafe");
	assert_non_null(strstr(net_text(bad), "certificate of localhost is not valid"));
	assert_true(access("log", F_OK) < 0); /* nothing was ever asked */
	good = fetch_with(&s, url, TOKEN, ca);
	if (!json_flag(good, "ok"))
		print_error("%s\n", net_text(good));
	assert_true(json_flag(good, "ok"));
	server_stop(&s);
	server_stop(&wrong);
}

/* ---- servers that fail ---- */

static void failures_are_named_and_leave_nothing(void **state)
{
	static const struct {
		const char *name, *code, *text;
		struct bend bend;
	} rows[] = {
		{"hang at once", "unavailable", "list of references", {BEND_HANG, .accept = true}},
		{"cut at once", "unavailable", "", {BEND_CUT, .accept = true}},
		{"hang in the list", "unavailable", "list of references", {BEND_HANG, .after = 40}},
		{"cut in the list", "unavailable", "", {BEND_CUT, .after = 40}},
		{"hang after the want", "unavailable", "negotiating", {BEND_HANG, .post = true}},
		{"cut after the want", "unavailable", "", {BEND_CUT, .post = true}},
		{"hang in the pack",
		 "unavailable",
		 "receiving",
		 {BEND_HANG, .post = true, .after = 150000}},
		{"cut in the pack", "unavailable", "", {BEND_CUT, .post = true, .after = 150000}},
		{"damage", "corrupt", "", {.post = true, .damage = true}},
		{"no git", "corrupt", "", {.body = "hello"}},
		{"500", "unavailable", "500", {.status = "500 Oops"}},
		{"429", "unavailable", "429", {.status = "429 Slow"}},
		{"404", "not-found", "404", {.status = "404 Not Found"}},
		{"403", "denied", "403", {.status = "403 Forbidden"}},
		{"no end", "limit", "max_refs", {.garbage = true}},
	};

	net_seed(*state);
	fx_run(*state, "cd src; head -c 200000 /dev/urandom >blob; git add -A; git commit -qm b;"
		       "git push -q ../remote.git HEAD:main");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server s = {.bend = rows[i].bend};
		autojson json_t *a = NULL;

		server_start(&s, *state);
		a = net_ask(&s, "{s:s,s:[s],s:i,s:i}", "op", "fetch", "refs",
			    "+refs/heads/main:refs/heads/main", "idle_seconds",
			    rows[i].bend.what == BEND_HANG ? 2 : 30, "max_refs", 1000);
		if (strcmp(fx_error(a), rows[i].code) || !strstr(net_text(a), rows[i].text))
			print_error("%s: %s\n", rows[i].name, json_text(a));
		assert_string_equal(fx_error(a), rows[i].code);
		assert_non_null(strstr(net_text(a), rows[i].text));
		assert_non_null(strstr(net_text(a), "fetch http://127.0.0.1:"));
		server_stop(&s);
		/* No reference, no half pack, no process. */
		fx_run(*state, "test -z \"$(git -C app.git for-each-ref)\";"
			       "test -z \"$(ls app.git/objects/pack)\"");
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
}

static void nobody_there_is_unavailable(void **state)
{
	struct server s = {0};
	autojson json_t *a = NULL;

	server_start(&s, *state);
	server_stop(&s);
	a = net_ask(&s, "{s:s}", "op", "ls");
	assert_string_equal(fx_error(a), "unavailable");
	assert_non_null(strstr(net_text(a), "connect to 127.0.0.1"));
}

static void push_to_a_server_that_hangs_is_ended(void **state)
{
	struct server s = {.bend = {BEND_HANG, .post = true}};
	push_seed(&s, state);
	autofree char *old = oid_of(s.fx, "app.git", "main");
	autofree char *now = oid_of(s.fx, "app.git", "next");
	autojson json_t *a =
		net_ask(&s, "{s:s,s:[{s:s,s:s,s:s}],s:i}", "op", "push", "updates", "ref",
			"refs/heads/main", "old", old, "new", now, "idle_seconds", 2);

	assert_string_equal(fx_error(a), "unavailable");
	assert_non_null(strstr(net_text(a), "waiting for its report"));
	server_stop(&s);
}

/* Whole as a pack, and without one of the files that its commits name. */
static void objects_that_do_not_belong_together_are_refused(void **state)
{
	struct server s = {.bend = {.post = true}};
	struct fx *f = *state;
	autofree char *file = path_join(f->dir, "answer");
	autojson json_t *a = NULL;

	net_seed(f);
	fx_run(f, "cd remote.git; b=$(git rev-parse main:f3);"
		  "git rev-list --objects main | cut -d' ' -f1 | grep -v $b |"
		  "git pack-objects -q --stdout >../pack;"
		  "perl -e 'local $/; $p = <STDIN>; print \"0008NAK\\n\";"
		  "print sprintf(\"%%04x\\1\", 5 + length $_), $_ for unpack \"(a900)*\", $p;"
		  "print \"0000\"' <../pack >../answer");
	s.bend.body_file = file;
	server_start(&s, f);
	a = net_ask(&s, "{s:s,s:[s]}", "op", "fetch", "refs", "+refs/heads/main:refs/heads/main");
	if (strcmp(fx_error(a), "corrupt") != 0)
		print_error("%s\n", json_text(a));
	assert_string_equal(fx_error(a), "corrupt");
	assert_non_null(strstr(net_text(a), "not complete"));
	fx_run(f, "test -z \"$(git -C app.git for-each-ref)\"");
	server_stop(&s);
}

static void a_request_has_its_time(void **state)
{
	struct server s = {.bend = {BEND_HANG, .accept = true}};
	autojson json_t *a = NULL;

	server_start(&s, *state);
	a = net_ask(&s, "{s:s,s:i,s:i}", "op", "ls", "idle_seconds", 30, "max_seconds", 1);
	assert_string_equal(fx_error(a), "limit");
	assert_non_null(strstr(net_text(a), "max_seconds"));
	server_stop(&s);
}

/* Packs that somebody was writing when the machine stopped; a young one is being written. */
static void old_leftovers_are_removed(void **state)
{
	struct server s = {0};

	net_seed(*state);
	server_start(&s, *state);
	fx_run(s.fx, "cd app.git/objects/pack; : >pack_git2_young; : >pack_git2_old; : >other_old;"
		     "touch -d '2 hours ago' *_old");
	json_decref(net_ok(&s, "{s:s,s:[s]}", "op", "fetch", "refs",
			   "+refs/heads/main:refs/heads/main"));
	fx_run(s.fx, "cd app.git/objects/pack; test -e pack_git2_young; test -e other_old;"
		     "test ! -e pack_git2_old");
	server_stop(&s);
}

static void limits_of_a_pack(void **state)
{
	struct server s = {0};
	autojson json_t *many = NULL;
	autojson json_t *large = NULL;

	net_seed(*state);
	fx_run(*state, "cd src; head -c 3000000 /dev/urandom >blob; git add -A; git commit -qm b;"
		       "git push -q ../remote.git HEAD:main");
	server_start(&s, *state);
	many = net_ask(&s, "{s:s,s:[s],s:i}", "op", "fetch", "refs",
		       "+refs/heads/main:refs/heads/main", "max_objects", 3);
	assert_string_equal(fx_error(many), "limit");
	assert_non_null(strstr(net_text(many), "max_objects"));
	large = net_ask(&s, "{s:s,s:[s],s:i}", "op", "fetch", "refs",
			"+refs/heads/main:refs/heads/main", "max_bytes", 2000000);
	assert_string_equal(fx_error(large), "limit");
	fx_run(s.fx, "test -z \"$(git -C app.git for-each-ref)\"");
	server_stop(&s);
}

/* ---- the role's process ---- */

/* The program itself, beside the test's: build/yardmaster-daemon. */
static pid_t start_role(int *ret_fd)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	autofree char *file = NULL;
	char *argv[] = {(char *)"yardmaster", (char *)"role", (char *)"net", (char *)"/usr/bin/git",
			NULL};
	char *envp[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LD_BIND_NOW=1", NULL};
	struct child_fd fds[] = {{-1, 0}, {2, 2}};
	struct child_opts o = {.file = NULL, .argv = argv, .envp = envp, .fds = fds, .nfds = 2};
	int pair[2];
	pid_t pid;

	assert_true(n > 0);
	self[n] = 0;
	for (int up = 0; up < 3; up++)
		*strrchr(self, '/') = 0;
	file = path_join(self, "yardmaster-daemon");
	o.file = file;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fds[0].from = pair[1];
	assert_int_equal(child_spawn(&o, &pid, NULL), 0);
	close(pair[1]);
	*ret_fd = pair[0];
	return pid;
}

static void role_answers_in_order_and_forgets_the_token(void **state)
{
	struct server s = {.token = TOKEN};
	autofree char *url = NULL, *found = NULL;
	struct chan_sync *c;
	pid_t pid;
	int fd;

	if (geteuid() == 0)
		fail_msg("run this as an ordinary user: contrib/unpriv");
	net_seed(*state);
	server_start(&s, *state);
	url = server_url(&s, "remote.git");
	pid = start_role(&fd);
	c = chan_sync_new(fd, 0);
	/* Several at once, so that a token is in the buffer behind the line that is decoded. */
	for (int i = 1; i <= 3; i++) {
		autojson json_t *req =
			json_pack("{s:i,s:s,s:s,s:s,s:{s:s}}", "id", i, "op", "ls", "url", url,
				  "repo", s.fx->repo, "auth", "token", TOKEN);

		assert_int_equal(chan_sync_send(c, req, NULL), 0);
	}
	for (int i = 1; i <= 3; i++) {
		autojson json_t *ans = NULL;

		assert_int_equal(chan_sync_recv(c, PATIENT_MS, &ans, NULL), 1);
		assert_int_equal(json_int(ans, "id", 0), i);
		assert_true(json_flag(ans, "ok"));
	}
	/* What a core file or a debugger would show; without the huge reservations of sanitizers. */
	found = fx_sh(s.fx,
		      "grep ' rw-p ' /proc/%d/maps | while read r _; do a=$((0x${r%%-*}));"
		      "b=$((0x${r#*-})); test $((b - a)) -lt 300000000 || continue; dd "
		      "if=/proc/%d/mem bs=4096 skip=$((a / 4096))"
		      " count=$(((b - a) / 4096)) 2>/dev/null | grep -ac %s || true; done |"
		      "awk '{ n += $1 } END { print n + 0 }'",
		      pid, pid, TOKEN);
	assert_string_equal(found, "0");
	chan_sync_free(c);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	server_stop(&s);
}

static void role_ends_its_worker_with_the_daemon(void **state)
{
	struct server s = {.bend = {BEND_HANG, .accept = true}};
	autofree char *url = NULL;
	struct chan_sync *c;
	int fd, status;
	pid_t pid;

	server_start(&s, *state);
	url = server_url(&s, "x.git");
	pid = start_role(&fd);
	c = chan_sync_new(fd, 0);
	{
		autojson json_t *req = json_pack("{s:i,s:s,s:s}", "id", 1, "op", "ls", "url", url);

		assert_int_equal(chan_sync_send(c, req, NULL), 0);
	}
	fx_run(s.fx,
	       "for i in $(seq 200); do pgrep -P %d >/dev/null && exit; sleep 0.02; done; exit 1",
	       pid);
	chan_sync_free(c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(fetch_moves_references_and_names_the_missing),
		FX_TEST(fetch_takes_patterns),
		FX_TEST(fetch_is_forced_only_with_a_plus),
		FX_TEST(fetch_follows_a_name_that_becomes_a_folder),
		FX_TEST(ls_lists_and_names_the_head),
		FX_TEST(push_is_leased),
		FX_TEST(push_sends_nothing_when_one_is_stale),
		FX_TEST(push_of_several_and_a_deletion),
		FX_TEST(push_of_a_base_is_a_fast_forward),
		FX_TEST(push_is_judged_by_the_report),
		FX_TEST(push_that_lost_a_race_is_stale),
		FX_TEST(push_whose_report_is_lost_is_found_again),
		FX_TEST(token_is_shown_when_asked_and_told_to_nobody),
		FX_TEST(token_is_struck_out_of_what_the_remote_says),
		FX_TEST(addresses_that_are_refused),
		FX_TEST(redirect_to_another_place_is_refused),
		FX_TEST(certificates_are_verified),
		FX_TEST(failures_are_named_and_leave_nothing),
		FX_TEST(nobody_there_is_unavailable),
		FX_TEST(push_to_a_server_that_hangs_is_ended),
		FX_TEST(objects_that_do_not_belong_together_are_refused),
		FX_TEST(a_request_has_its_time),
		FX_TEST(old_leftovers_are_removed),
		FX_TEST(limits_of_a_pack),
		FX_TEST(role_answers_in_order_and_forgets_the_token),
		FX_TEST(role_ends_its_worker_with_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
