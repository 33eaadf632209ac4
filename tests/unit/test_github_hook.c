/* test_github_hook.c - what a webhook delivery makes of the ledger: which events are heard, of whom, and what a
 * payload that is not as it should be does */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_fixture.h"

#include "base/text.h"
#include "forge/forge.h"
#include "forge/github.h"
#include "store/ledger.h"

#define SELF "yard[bot]"
#define HEAD "1000000000000000000000000000000000000004"
#define CI   "1000000000000000000000000000000000000005"
#define RED  "1000000000000000000000000000000000000006"

struct world {
	struct fx *f;
	struct db *db;
	struct github *g;
	struct repo repo;
};

/* What the ledger has of a check that is red, after this round. */
#define SAID(ROUND)                                                                                \
	"{\"conclusion\":\"failure\",\"external_id\":\"yardmaster/queue:4:" RED                    \
	"\",\"output\":{\"title\":\"round " ROUND "\"}}"

/* Issue 3, PR 4 with its two checks and a red one of another head, and a commit whose checks somebody waits for. */
static void fill(struct world *w)
{
	struct issue issue = {.number = 3, .title = (char *)"i", .body = (char *)""};
	struct pr pr = {.number = 4, .title = (char *)"p", .body = (char *)""};
	struct github_check queue = {.remote = 77, .name = (char *)"yardmaster/queue"};
	struct github_check task = {.remote = 78, .name = (char *)"yardmaster/task"};
	struct github_check red = {.remote = 79, .name = (char *)"yardmaster/queue"};
	struct shadow_event waits = {.kind = (char *)"checks",
				     .detail = (char *)"red",
				     .base = (char *)"",
				     .pr = 1,
				     .other = 1,
				     .at_ms = 1};

	issue.repo = pr.repo = queue.repo = task.repo = red.repo = waits.repo = w->repo.id;
	issue.state = pr.state = (char *)"open";
	issue.author = pr.author = (char *)"ann";
	pr.base = (char *)"main";
	pr.topic = (char *)"topic";
	pr.head = queue.head = task.head = (char *)HEAD;
	pr.files = (char *)"[]";
	queue.said = task.said = (char *)"{}";
	red.head = (char *)RED;
	red.said = (char *)SAID("1");
	waits.head = (char *)CI;
	assert_int_equal(issue_insert(w->db, &issue, NULL), 0);
	assert_int_equal(pr_insert(w->db, &pr, NULL), 0);
	assert_int_equal(github_check_insert(w->db, &queue, NULL), 0);
	assert_int_equal(github_check_insert(w->db, &task, NULL), 0);
	assert_int_equal(github_check_insert(w->db, &red, NULL), 0);
	assert_int_equal(shadow_event_insert(w->db, &waits, NULL), 0);
}

static void world_open(struct world *w, struct fx *f)
{
	struct github_repo gr = {.full_name = (char *)"octo/app",
				 .remote = 5,
				 .url = (char *)"https://github.com/octo/app.git",
				 .installation = FX_INSTALLATION};

	*w = (struct world){.f = f};
	assert_int_equal(db_open(":memory:", true, &w->db, NULL), 0);
	w->repo = (struct repo){.name = xstrdup("octo/app"),
				.forge = xstrdup("github"),
				.path = xstrdup("/nowhere/app.git"),
				.base = xstrdup("main"),
				.next_number = 1};
	assert_int_equal(repo_insert(w->db, &w->repo, NULL), 0);
	gr.repo = w->repo.id;
	assert_int_equal(github_repo_insert(w->db, &gr, NULL), 0);
	w->g = github_new(&(struct github_opts){
		.db = w->db, .clock = &f->clock, .client = f->gh, .self = SELF, .marker_key = "k"});
	fill(w);
	assert_int_equal(db_commit(w->db, NULL), 0);
}

static void world_release(struct world *w)
{
	github_free(w->g);
	db_close(w->db);
	repo_release(&w->repo);
}

static void add_said(struct buf *b, const char *kind, const char *what, const char *more)
{
	buf_addf(b, "%s%s %s%s%s", b->len ? "; " : "", kind, what, *more ? " " : "", more);
}

/* What is in the ledger now that was not before: "EFFECT SUBJECT" and "EVENT NUMBER COMMAND-OR-LABEL". */
static char *found(struct world *w)
{
	cleanup(effect_list_release) struct effect_list l = {0};
	cleanup(buf_release) struct buf b = BUF_INIT;
	int rc;

	assert_true(effect_due(w->db, INT64_MAX, &l, NULL) >= 0);
	for (size_t i = 0; i < l.n; i++)
		add_said(&b, l.v[i].kind, l.v[i].subject, "");
	for (;;) {
		cleanup(event_release) struct event e = {0};
		autojson json_t *p = NULL;
		char number[32];

		rc = event_next(w->db, &e, NULL);
		assert_true(rc >= 0);
		if (!rc)
			break;
		assert_int_equal(json_parse(e.payload, strlen(e.payload), SIZE_MAX, &p, NULL), 0);
		snprintf(number, sizeof(number), "%lld", (long long)json_int(p, "number", 0));
		add_said(&b, e.kind, number, json_str(p, "command", json_str(p, "to", "")));
		assert_true(event_decided(w->db, e.id, EVENT_DECIDED, NULL, 1, NULL) >= 0);
	}
	return b.len ? buf_steal(&b) : xstrdup("");
}

/* One delivery; *ret_heard says what the receiver counts it as. Returns as github_deliver(). */
static int deliver(struct world *w, const char *event, const json_t *payload,
		   enum github_heard *ret_heard, struct err *err)
{
	return github_deliver(w->g, event, payload, ret_heard, err);
}

/* ---- payloads ---- */

#define REPO "\"repository\":{\"id\":5,\"full_name\":\"octo/app\",\"default_branch\":\"main\"}"
#define ANN  "\"sender\":{\"login\":\"ann\",\"type\":\"User\"}"
#define BY_ANN                                                                                     \
	"\"user\":{\"login\":\"ann\",\"type\":\"User\"},\"created_at\":\"2026-01-01T00:00:00Z\""
#define COMMENT(N, BODY)                                                                           \
	"{\"action\":\"created\",\"issue\":{\"number\":" N "},\"comment\":{\"id\":9,\"body\":"     \
	"\"" BODY "\"," BY_ANN "}," REPO "," ANN "}"
#define PULL(ACTION)                                                                               \
	"{\"action\":\"" ACTION "\",\"number\":4,\"pull_request\":{\"number\":4}," REPO "," ANN "}"
#define RUN(ID, ACTION, MORE)                                                                      \
	"{\"action\":\"" ACTION "\",\"check_run\":{\"id\":" ID ",\"head_sha\":\"" HEAD "\","       \
	"\"external_id\":\"yardmaster/x:4:" HEAD "\",\"status\":\"completed\",\"output\":{"        \
	"\"title\":\"t\",\"summary\":\"s\"}}" MORE "," REPO "," ANN "}"
#define SUITE(HEAD, WHEN)                                                                          \
	"{\"action\":\"rerequested\",\"check_suite\":{\"head_sha\":\"" HEAD                        \
	"\",\"updated_at\":\"" WHEN "\"}," REPO "," ANN "}"
#define BUTTON(WORD) ",\"requested_action\":{\"identifier\":\"" WORD "\"}"

#define LIST   "forge-list list:1"
#define SYNC_3 "forge-sync sync:1:3"
#define SYNC_4 "forge-sync sync:1:4"
#define CHECKS "checks-changed 0"

static const struct row {
	const char *event, *payload, *found;
	bool from_bots; /* also what a machine did */
	bool ignored;
	bool from_us; /* also what is sent in our own name */
} rows[] = {
	{"issues", "{\"action\":\"labeled\",\"issue\":{\"number\":3}," REPO "," ANN "}", SYNC_3,
	 true, false, false},
	{"issues", "{\"action\":\"closed\",\"issue\":{\"number\":3}," REPO "," ANN "}", SYNC_3,
	 true, false, true},
	{"issue_comment", COMMENT("3", "/yard run fix"), "comment-created 3", false, false, false},
	{"issue_comment", COMMENT("8", "/yard run fix"), "forge-sync sync:1:8", false, false,
	 false},
	{"pull_request", PULL("synchronize"), SYNC_4, true, false, false},
	{"pull_request", PULL("closed"), SYNC_4, true, false, true},
	{"pull_request", PULL("edited"), SYNC_4, true, false, true},
	{"pull_request_review", PULL("submitted"), SYNC_4, true, false, false},
	{"pull_request_review", PULL("dismissed"), SYNC_4, true, false, true},
	{"pull_request_review_comment", PULL("created"), SYNC_4, true, false, false},
	{"pull_request_review_thread", PULL("resolved"), SYNC_4, true, false, true},
	{"check_run", RUN("77", "requested_action", BUTTON("why")), "button-pressed 4 why", false,
	 false, false},
	{"check_run", RUN("77", "rerequested", ""), "button-pressed 4 queue", false, false, false},
	{"check_run", RUN("78", "rerequested", ""), "button-pressed 4 retry", false, false, false},
	{"check_run",
	 "{\"action\":\"completed\",\"check_run\":{\"id\":1,\"head_sha\":\"" CI "\"}," REPO "," ANN
	 "}",
	 CHECKS, true, false, true},
	{"check_suite",
	 "{\"action\":\"completed\",\"check_suite\":{\"head_sha\":\"" CI "\"}," REPO "," ANN "}",
	 CHECKS, true, false, true},
	{"check_suite", SUITE(RED, "2026-01-01T00:00:00Z"), "button-pressed 4 queue", false, false,
	 false},
	{"status", "{\"sha\":\"" CI "\",\"state\":\"success\"," REPO "," ANN "}", CHECKS, true,
	 false, true},
	{"workflow_run",
	 "{\"action\":\"completed\",\"workflow_run\":{\"head_sha\":\"" CI "\"}," REPO "," ANN "}",
	 CHECKS, true, false, true},
	{"push",
	 "{\"ref\":\"refs/heads/main\",\"head_commit\":null,\"after\":\"" CI "\"," REPO "," ANN "}",
	 "forge-fetch repo:1", true, false, false},
	{"installation", "{\"action\":\"suspend\",\"installation\":{\"id\":7}," ANN "}", LIST, true,
	 false, false},
	{"installation_repositories",
	 "{\"action\":\"removed\",\"installation\":{\"id\":7}," ANN "}", LIST, true, false, false},
	{"repository",
	 "{\"action\":\"renamed\",\"changes\":{\"repository\":{\"name\":{\"from\":\"old\"}}}," REPO
	 "," ANN "}",
	 LIST, true, false, true},
	{"label",
	 "{\"action\":\"edited\",\"changes\":{\"name\":{\"from\":\"a\"}},\"label\":{\"name\":"
	 "\"b\"}," REPO "," ANN "}",
	 "label-renamed 0 b", true, false, false},
	/* heard, and nothing comes of it */
	{"issue_comment",
	 "{\"action\":\"edited\",\"issue\":{\"number\":3},\"comment\":{\"id\":9,\"body\":\"/yard "
	 "run fix\"," BY_ANN "}," REPO "," ANN "}",
	 "", false, false, false},
	{"push", "{\"ref\":\"refs/heads/topic\"," REPO "," ANN "}", "", true, false, false},
	{"push", "{\"ref\":\"refs/tags/main\"," REPO "," ANN "}", "", true, false, false},
	{"status", "{\"sha\":\"" HEAD "\",\"state\":\"success\"," REPO "," ANN "}", "", true, false,
	 true},
	{"check_run",
	 "{\"action\":\"completed\",\"check_run\":{\"id\":77,\"head_sha\":\"" CI
	 "\",\"app\":{\"slug\":\"yard\"}}," REPO "," ANN "}",
	 "", true, false, true},
	{"check_suite",
	 "{\"action\":\"completed\",\"check_suite\":{\"head_sha\":\"" CI
	 "\",\"app\":{\"slug\":\"yard\"}}," REPO "," ANN "}",
	 "", true, false, true},
	{"check_run", RUN("99", "requested_action", BUTTON("why")), "", false, false, false},
	{"check_suite", SUITE(HEAD, "2026-01-01T00:00:00Z"), "", false, false, false},
	{"label", "{\"action\":\"created\",\"label\":{\"name\":\"b\"}," REPO "," ANN "}", "", true,
	 false, false},
	/* nothing to hear: kept and counted */
	{"ping", "{\"zen\":\"Keep it logically awesome.\",\"hook_id\":1," ANN "}", "", true, true,
	 false},
	{"merge_group",
	 "{\"action\":\"checks_requested\",\"merge_group\":{\"head_sha\":\"" CI "\"}," REPO "," ANN
	 "}",
	 "", true, true, false},
	{"star", "{\"action\":\"created\"," REPO "," ANN "}", "", true, true, false},
};

static json_t *payload_of(const struct row *r)
{
	json_t *p = json_loads(r->payload, 0, NULL);

	if (!p)
		fail_msg("%s: %s", r->event, r->payload);
	return p;
}

/* Undone afterwards: what is found is of this delivery alone. */
static void expect(struct world *w, const struct row *r, const json_t *payload,
		   enum github_heard heard, const char *expected)
{
	cleanup(err_release) struct err err = ERR_INIT;
	enum github_heard is = GITHUB_IGNORED;
	autofree char *text = NULL, *sent = json_dumps(payload, JSON_COMPACT);

	assert_int_equal(db_savepoint(w->db, NULL), 0);
	if (deliver(w, r->event, payload, &is, &err) < 0)
		fail_msg("%s %s: %s", r->event, sent, err_text(&err));
	text = found(w);
	if (is != heard || strcmp(text, expected) != 0)
		fail_msg("%s %s: found '%s' (%d), expected '%s' (%d)", r->event, sent, text, is,
			 expected, heard);
	db_rollback_to(w->db);
}

static void each_event_is_heard(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *p = payload_of(&rows[i]);

		expect(w, &rows[i], p, rows[i].ignored ? GITHUB_IGNORED : GITHUB_HEARD,
		       rows[i].found);
	}
}

static void set_sender(json_t *p, const char *login, const char *type)
{
	json_object_set_new(p, "sender", json_pack("{s:s,s:s}", "login", login, "type", type));
}

static bool is_installation(const struct row *r)
{
	return !strncmp(r->event, "installation", 12);
}

/* The sender of a check, a status or a workflow is who pushed the commit: of a candidate's, we. */
static void of_our_own_events_some_are_heard(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *p = payload_of(&rows[i]);

		if (is_installation(&rows[i])) /* nobody's doing, and not in a repository */
			continue;
		set_sender(p, SELF, "Bot");
		expect(w, &rows[i], p,
		       rows[i].from_us || !strncmp(rows[i].event, "check_", 6) ? GITHUB_HEARD
									       : GITHUB_IGNORED,
		       rows[i].from_us ? rows[i].found : "");
	}
}

/* By its type, and by its name where an old server gives no type. */
static void other_bots_trigger_nothing(void **state)
{
	struct world *w = *state;
	static const char *const bots[][2] = {{"other[bot]", "User"}, {"Copilot", "Bot"}};

	for (size_t n = 0; n < ARRAY_LEN(bots); n++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			autojson json_t *p = payload_of(&rows[i]);
			const struct row *r = &rows[i];
			bool run = !strncmp(r->event, "check_", 6);

			set_sender(p, bots[n][0], bots[n][1]);
			expect(w, r, p,
			       !r->ignored && (r->from_bots || run) ? GITHUB_HEARD : GITHUB_IGNORED,
			       r->from_bots ? r->found : "");
		}
}

/* Whoever sent the delivery, the comment's writer is who counts. */
static void what_a_bot_or_we_wrote_is_no_command(void **state)
{
	struct world *w = *state;
	struct row r = {.event = "issue_comment", .payload = COMMENT("3", "/yard run fix")};
	autojson json_t *p = payload_of(&r);
	json_t *c = json_object_get(p, "comment");
	autofree char *mac = text_hmac("k", 1, "5 some-key", 10), *body = NULL;

	json_object_set_new(c, "user", json_pack("{s:s,s:s}", "login", "ann", "type", "Bot"));
	expect(w, &r, p, GITHUB_HEARD, "");
	json_object_set_new(c, "user", json_pack("{s:s,s:s}", "login", "ann", "type", "User"));
	expect(w, &r, p, GITHUB_HEARD, "comment-created 3");
	/* With a plain token we are a person: our comments are known by their marker, and by it alone. */
	body = xasprintf("/yard run fix\n\n<!-- yardmaster some-key %.32s -->", mac);
	json_object_set_new(c, "body", json_string(body));
	expect(w, &r, p, GITHUB_HEARD, "");
	body[strlen(body) - 6] ^= 1;
	json_object_set_new(c, "body", json_string(body));
	expect(w, &r, p, GITHUB_HEARD, "comment-created 3");
}

static void another_repository_is_not_ours(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *p = payload_of(&rows[i]);

		if (!json_object_get(p, "repository") || rows[i].ignored)
			continue;
		/* Its number counts: a name may have become another one's. */
		json_object_set_new(json_object_get(p, "repository"), "id", json_integer(6));
		expect(w, &rows[i], p, GITHUB_NOT_OURS, "");
		json_object_del(p, "repository");
		expect(w, &rows[i], p, GITHUB_NOT_OURS, "");
	}
}

static void a_repository_under_another_name_is_ours(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *p = payload_of(&rows[i]);
		json_t *repo = json_object_get(p, "repository");

		if (!repo || rows[i].ignored)
			continue;
		json_object_set_new(repo, "full_name", json_string("other/name"));
		expect(w, &rows[i], p, GITHUB_HEARD, rows[i].found);
	}
}

/* ---- again ---- */

/* Under another delivery id, which nobody signed: nothing here knows of it. */
static void a_replay_has_no_second_effect(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *p = payload_of(&rows[i]);
		enum github_heard heard;
		struct world w;

		if (strncmp(rows[i].found, "comment-", 8) != 0 &&
		    strncmp(rows[i].found, "button-", 7) != 0)
			continue;
		world_open(&w, ((struct world *)*state)->f);
		for (int n = 0; n < 3; n++) {
			autofree char *text = NULL;
			cleanup(github_check_release) struct github_check c = {0};

			assert_int_equal(deliver(&w, rows[i].event, p, &heard, NULL), 0);
			text = found(&w);
			assert_string_equal(text, n ? "" : rows[i].found);
			/* What was asked for has been done meanwhile, and the check says another thing. */
			assert_int_equal(github_check_find(w.db, ST_GITHUB_CHECK_BY_REMOTE, &c,
							   NULL, "i", (int64_t)77 + (n > 1)),
					 1);
			row_take(&c.said, xasprintf("{\"n\":%d}", n));
			assert_int_equal(github_check_save(w.db, &c, NULL), 0);
		}
		world_release(&w);
	}
}

#define PRESSED(WHEN)                                                                              \
	"{\"action\":\"requested_action\",\"check_run\":{\"id\":77,\"external_id\":\"yardmaster/"  \
	"x:4:" HEAD "\",\"completed_at\":\"" WHEN "\"}" BUTTON("queue") "," REPO "," ANN "}"
#define T0 "2026-01-01T00:00:00Z"
#define T1 "2026-01-01T00:01:00Z"
#define T2 "2026-01-01T00:02:00Z"

/* The same at another time is pressed again; twice at the same time is once. "Re-run all checks" goes by the time of
 * the suite: after another round the check of the ledger is red once more. */
static void what_is_pressed_counts_once_at_a_time(void **state)
{
	static const struct {
		const char *event, *payload;
		const char *said; /* of check 79 in the ledger */
		const char *found;
	} steps[] = {
		{"check_run", PRESSED(T0), SAID("1"), "button-pressed 4 queue"},
		{"check_run", PRESSED(T0), SAID("1"), ""},
		{"check_run", PRESSED(T1), SAID("1"), "button-pressed 4 queue"},
		{"check_suite", SUITE(RED, T0), SAID("1"), "button-pressed 4 queue"},
		{"check_suite", SUITE(RED, T0), SAID("1"), ""},
		{"check_suite", SUITE(RED, T0), SAID("2"), ""}, /* sent again */
		{"check_suite", SUITE(RED, T1), SAID("2"), "button-pressed 4 queue"},
		{"check_suite", SUITE(RED, T2), "{\"conclusion\":\"success\"}", ""},
		/* an old server tells no time: what the ledger has counts */
		{"check_suite", SUITE(RED, ""), SAID("3"), "button-pressed 4 queue"},
		{"check_suite", SUITE(RED, ""), SAID("3"), ""},
		{"check_suite", SUITE(RED, ""), SAID("4"), "button-pressed 4 queue"},
	};
	struct world w;

	world_open(&w, ((struct world *)*state)->f);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct row r = {.event = steps[i].event, .payload = steps[i].payload};
		cleanup(github_check_release) struct github_check c = {0};
		autojson json_t *p = payload_of(&r);
		autofree char *text = NULL;
		enum github_heard heard;

		assert_int_equal(github_check_find(w.db, ST_GITHUB_CHECK_BY_REMOTE, &c, NULL, "i",
						   (int64_t)79),
				 1);
		row_set(&c.said, steps[i].said);
		assert_int_equal(github_check_save(w.db, &c, NULL), 0);
		assert_int_equal(deliver(&w, r.event, p, &heard, NULL), 0);
		text = found(&w);
		if (strcmp(text, steps[i].found) != 0)
			fail_msg("step %zu: found '%s', expected '%s'", i, text, steps[i].found);
	}
	world_release(&w);
}

/* ---- payloads that are not as they should be ---- */

/* Of a good payload: at `path` (one or two keys) something else. NULL: nothing is there. */
static json_t *changed(const json_t *good, const char *a, const char *b, json_t *to)
{
	json_t *p = json_deep_copy(good), *o = b ? json_object_get(p, a) : p;

	if (to)
		json_object_set_new(o, b ? b : a, to);
	else
		json_object_del(o, b ? b : a);
	return p;
}

/* It works or it is refused with a reason; nothing is ever told of a number that makes no sense. */
static void stands(struct world *w, const struct row *r, json_t *payload)
{
	autojson json_t *p = payload;
	cleanup(err_release) struct err err = ERR_INIT;
	enum github_heard heard;

	assert_int_equal(db_savepoint(w->db, NULL), 0);
	if (deliver(w, r->event, p, &heard, &err) < 0) {
		assert_int_equal(err.code, ERR_INPUT);
		assert_int_equal(strncmp(err_text(&err), r->event, strlen(r->event)), 0);
	} else {
		autofree char *text = found(w);

		assert_null(strstr(text, ":0"));
		assert_null(strstr(text, "-1"));
	}
	db_rollback_to(w->db);
}

static void all_ways(struct world *w, const struct row *r, const json_t *good, const char *a,
		     const char *b)
{
	stands(w, r, changed(good, a, b, NULL));
	stands(w, r, changed(good, a, b, json_null()));
	stands(w, r, changed(good, a, b, json_integer(-1)));
	stands(w, r, changed(good, a, b, json_string("x")));
	stands(w, r, changed(good, a, b, json_array()));
	stands(w, r, changed(good, a, b, json_object()));
}

static void odd_payloads_do_no_harm(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *good = payload_of(&rows[i]);
		const char *a, *b;
		json_t *v, *in;

		json_object_foreach (good, a, v) {
			all_ways(w, &rows[i], good, a, NULL);
			json_object_foreach (v, b, in)
				all_ways(w, &rows[i], good, a, b);
		}
	}
}

/* GitHub adds fields as it likes. */
static void new_fields_do_no_harm(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *p = payload_of(&rows[i]);
		const char *key;
		json_t *v;

		json_object_foreach (p, key, v) {
			if (json_is_object(v))
				json_object_set_new(v, "of_2030", json_pack("[n,{s:n}]", "x"));
		}
		json_object_set_new(p, "enterprise", json_pack("{s:i}", "id", 1));
		expect(w, &rows[i], p, rows[i].ignored ? GITHUB_IGNORED : GITHUB_HEARD,
		       rows[i].found);
	}
}

static void what_is_missing_is_named(void **state)
{
	static const struct {
		const char *event, *payload, *says;
	} bad[] = {
		{"issues", "{\"action\":\"opened\"," REPO "," ANN "}",
		 "issues: 'issue.number': missing"},
		{"pull_request", "{\"number\":4,\"pull_request\":null," REPO "," ANN "}",
		 "pull_request: 'pull_request.number': missing"},
		{"pull_request_review", "{" REPO "," ANN "}",
		 "pull_request_review: 'pull_request.number': missing"},
		{"issue_comment",
		 "{\"action\":\"created\",\"issue\":{\"number\":3}," REPO "," ANN "}",
		 "issue_comment: "},
		{"check_run", RUN("77", "requested_action", ""), "check_run: check run 77: button"},
		{"check_run", RUN("77", "requested_action", BUTTON("rm -rf")),
		 "check_run: check run 77: button 'rm -rf'"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autojson json_t *p = json_loads(bad[i].payload, 0, NULL);
		cleanup(err_release) struct err err = ERR_INIT;
		enum github_heard heard;
		struct world w;

		world_open(&w, ((struct world *)*state)->f);
		assert_int_equal(deliver(&w, bad[i].event, p, &heard, &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
		if (strncmp(err_text(&err), bad[i].says, strlen(bad[i].says)) != 0)
			fail_msg("found '%s', expected '%s'", err_text(&err), bad[i].says);
		world_release(&w);
	}
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	void *f;

	fx_setup(&f);
	world_open(w, f);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *f = w->f;

	world_release(w);
	free(w);
	return fx_teardown(&f);
}

#undef TEST
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_event_is_heard),
		TEST(of_our_own_events_some_are_heard),
		TEST(other_bots_trigger_nothing),
		TEST(what_a_bot_or_we_wrote_is_no_command),
		TEST(another_repository_is_not_ours),
		TEST(a_repository_under_another_name_is_ours),
		TEST(a_replay_has_no_second_effect),
		TEST(what_is_pressed_counts_once_at_a_time),
		TEST(odd_payloads_do_no_harm),
		TEST(new_fields_do_no_harm),
		TEST(what_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
