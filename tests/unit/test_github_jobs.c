/* test_github_jobs.c - what effects make of GitHub's answers: a backend with a client, a server, and a ledger */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_fixture.h"

#include "forge/forge.h"
#include "forge/github.h"
#include "store/ledger.h"
#include "sys/fs.h"

#include <stdlib.h>

#define HEAD_1 "1000000000000000000000000000000000000004"
#define SINCE  "2026-01-01T00:00:00Z"
#define WHEN   "since=2026-01-01T00%3A00%3A00Z"

struct world {
	struct fx *f;
	char *dir;
	struct repo repo;
	struct forge forge;
	bool ended;
	struct err why;
	json_t *result;
};

static void on_done(void *arg, int64_t effect, json_t *result, const struct err *why,
		    int64_t not_before_ms)
{
	struct world *w = arg;

	(void)effect;
	(void)not_before_ms;
	w->ended = true;
	w->result = result;
	err_release(&w->why);
	if (why && why->code)
		err_set(&w->why, why->code, "%s", err_text(why));
}

static void world_open(struct world *w, struct fx *f, const struct canned *answers)
{
	char dir[] = "/tmp/yard-jobs-XXXXXX";
	autofree char *path = NULL;
	struct github_repo gr = {.full_name = (char *)"octo/app",
				 .remote = 5,
				 .url = (char *)"https://github.com/octo/app.git",
				 .installation = FX_INSTALLATION,
				 .since = (char *)SINCE,
				 .comments_since = (char *)SINCE,
				 .listed_ms = 1};

	*w = (struct world){.f = f, .dir = xstrdup(mkdtemp(dir))};
	path = xasprintf("%s/ledger.db", w->dir);
	assert_int_equal(db_open(path, true, &w->forge.db, NULL), 0);
	w->repo = (struct repo){.name = xstrdup("octo/app"),
				.forge = xstrdup("github"),
				.path = xasprintf("%s/app.git", w->dir),
				.base = xstrdup("main"),
				.next_number = 1};
	assert_int_equal(repo_insert(w->forge.db, &w->repo, NULL), 0);
	gr.repo = w->repo.id;
	assert_int_equal(github_repo_insert(w->forge.db, &gr, NULL), 0);
	w->forge.ops = &forge_github;
	w->forge.clock = &f->clock;
	w->forge.github = github_new(&(struct github_opts){.db = w->forge.db,
							   .clock = &f->clock,
							   .client = f->gh,
							   .marker_key = "k",
							   .done = on_done,
							   .arg = w});
	f->stub->answers = answers;
}

static void world_release(struct world *w)
{
	github_free(w->forge.github);
	db_close(w->forge.db);
	fs_remove_tree(w->dir, NULL);
	repo_release(&w->repo);
	err_release(&w->why);
	json_decref(w->result);
	free(w->dir);
}

/* To its end. Takes payload. */
static void act(struct world *w, const char *kind, json_t *payload)
{
	autojson json_t *p = payload;
	json_t *out = NULL;

	json_put_int(p, "repo", w->repo.id);
	w->ended = false;
	json_decref(w->result);
	w->result = NULL;
	assert_int_equal(w->forge.ops->act(&w->forge, 0, kind, p, &out, &w->f->err), FORGE_LATER);
	for (int64_t end = fx_now() + FX_WAIT_MS; !w->ended;) {
		fx_turn(w->f);
		if (fx_now() > end)
			fail_msg("%s does not end", kind);
	}
}

/* The If-None-Match of the latest request; NULL: it was not conditional. */
static char *known_as(struct world *w, const char *what)
{
	for (size_t i = w->f->stub->n; i-- > 0;)
		if (!strcmp(w->f->stub->seen[i].what, what))
			return stub_header(&w->f->stub->seen[i], "If-None-Match");
	fail_msg("%s was not asked for", what);
	return NULL;
}

/* Ends what is open, and says which of this kind there were and how many PRs they name: "heads:1*2 …". */
static char *effects(struct world *w, const char *kind)
{
	cleanup(strvec_release) struct strvec all = STRVEC_INIT;

	for (;;) { /* of one subject one is due after the other */
		cleanup(effect_list_release) struct effect_list l = {0};

		assert_int_equal(effect_due(w->forge.db, INT64_MAX, &l, NULL), 0);
		if (!l.n)
			return strvec_join(&all, " ");
		for (size_t i = 0; i < l.n; i++) {
			autojson json_t *p = json_loads(l.v[i].payload, 0, NULL);
			const json_t *x = json_object_get(p, "ctx");

			if (!strcmp(l.v[i].kind, kind))
				strvec_pushf(&all, "%s*%zu", l.v[i].subject,
					     json_array_size(json_object_get(x, "pulls")));
			assert_int_equal(effect_done(w->forge.db, l.v[i].id, true, NULL, 1, NULL),
					 1);
		}
	}
}

/* ---- the rules of the base branch ---- */

#define REPO       "/repos/octo/app"
#define BRANCH     "GET " REPO "/branches/main"
#define PROTECTION BRANCH "/protection"
#define RULES      "GET " REPO "/rules/branches/main?per_page=100"
#define LISTS                                                                                      \
	SAY("GET " REPO, 200, "",                                                                  \
	    "{\"id\":5,\"full_name\":\"octo/app\",\"default_branch\":\"main\","                    \
	    "\"clone_url\":\"https://github.com/octo/app.git\"}"),                                 \
		SAY("GET " REPO "/issues?state=all&sort=updated&direction=asc&per_page=100&" WHEN, \
		    200, "", "[]"),                                                                \
		SAY("GET " REPO "/pulls?state=open&per_page=100", 200, "", "[]"),                  \
		SAY("GET " REPO "/issues/comments?sort=updated&direction=asc&per_page=100&" WHEN,  \
		    200, "", "[]")
#define REFUSED "{\"message\":\"Sorry, no.\"}"
#define GUARDED                                                                                    \
	"{\"protected\":true,\"protection\":{\"required_status_checks\":{"                         \
	"\"contexts\":[\"build\"],\"checks\":[]}}}"
#define REVIEWS "{\"required_pull_request_reviews\":{\"required_approving_review_count\":2}}"

/* "build; 2": the required checks, and how many approvals. */
static void assert_rules(struct world *w, const char *expected, bool unread)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	cleanup(forge_rules_release) struct forge_rules r = {0};
	autofree char *list = NULL, *text = NULL;

	assert_int_equal(w->forge.ops->required(&w->forge, &w->repo, &names, NULL), 1);
	assert_int_equal(w->forge.ops->rules(&w->forge, &w->repo, &r, NULL), 0);
	list = strvec_join(&names, " ");
	text = xasprintf("%s; %lld", list, (long long)r.approvals);
	assert_string_equal(text, expected);
	assert_int_equal(r.unread != NULL, unread);
}

/* The forge is what enforces nothing for whoever may bypass its rules: they are not forgotten. */
static void rules_that_were_seen_are_not_dropped(void **state)
{
	static const struct canned answers[] = {LISTS,
						SAY_ONCE(BRANCH, 200, "ETag: \"b\"\r\n", GUARDED),
						SAY_ONCE(BRANCH, 403, "", REFUSED),
						SAY_ONCE(BRANCH, 404, "", REFUSED),
						SAY(BRANCH, 200, "", "{\"protected\":false}"),
						SAY(PROTECTION, 200, "ETag: \"p\"\r\n", REVIEWS),
						SAY(RULES, 200, "ETag: \"r\"\r\n", "[]"),
						END};
	struct world w;

	world_open(&w, *state, answers);
	act(&w, "forge-list", json_object());
	assert_int_equal(w.why.code, 0);
	assert_rules(&w, "build; 2", false);
	for (int i = 0; i < 2; i++) {
		act(&w, "forge-list", json_object());
		assert_non_null(strstr(err_text(&w.why), "Sorry, no."));
		assert_rules(&w, "build; 2", true);
	}
	act(&w, "forge-list", json_object());
	assert_rules(&w, "; 0", false);
	world_release(&w);
}

/* Hidden at first, they are for the configuration to say. */
static void rules_that_were_never_seen(void **state)
{
	static const struct canned answers[] = {LISTS, SAY(BRANCH, 403, "", REFUSED),
						SAY(RULES, 404, "", REFUSED), END};
	struct world w;

	world_open(&w, *state, answers);
	act(&w, "forge-list", json_object());
	assert_int_equal(w.why.code, 0);
	assert_rules(&w, "; 0", false);
	world_release(&w);
}

/* Off or hidden, and then as before: GitHub would say "unchanged" of what is not kept any more. */
static void rules_that_come_back_are_read_again(void **state)
{
	static const struct canned answers[] = {
		LISTS,
		SAY_ONCE(BRANCH, 200, "", GUARDED),
		SAY_ONCE(BRANCH, 200, "", "{\"protected\":false}"),
		SAY(BRANCH, 200, "", GUARDED),
		SAY_ONCE(PROTECTION, 200, "ETag: \"p\"\r\n", REVIEWS),
		SAY_ONCE(PROTECTION, 200, "ETag: \"p\"\r\n", REVIEWS),
		SAY_ONCE(PROTECTION, 403, "", REFUSED),
		SAY(PROTECTION, 200, "ETag: \"p\"\r\n", REVIEWS),
		SAY(RULES, 200, "", "[]"),
		END};
	static const struct {
		const char *rules;
		bool asked;
	} looks[] = {{"build; 2", true},
		     {"; 0", false},
		     {"build; 2", true},
		     {"build; 0", true},
		     {"build; 2", true}};
	struct world w;

	world_open(&w, *state, answers);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		act(&w, "forge-list", json_object());
		assert_int_equal(w.why.code, 0);
		assert_rules(&w, looks[i].rules, false);
		if (looks[i].asked) {
			autofree char *etag = known_as(&w, PROTECTION);

			/* Only of what is kept. */
			assert_int_equal(etag != NULL, i == 3);
		}
	}
	world_release(&w);
}

/* ---- what the App may do ---- */

static bool is_shadow(void *arg, int64_t repo)
{
	(void)repo;
	return arg != NULL;
}

static void in_shadow(struct world *w)
{
	github_free(w->forge.github);
	w->forge.github = github_new(&(struct github_opts){.db = w->forge.db,
							   .clock = &w->f->clock,
							   .client = w->f->gh,
							   .marker_key = "k",
							   .shadow = is_shadow,
							   .done = on_done,
							   .arg = w});
}

/* Refused without a word of which one: all that are needed are looked at. In shadow reading is. */
static void an_app_that_only_reads_is_enough_in_shadow(void **state)
{
	static const struct canned answers[] = {
		LISTS,
		SAY("GET " REPO "/installation", 200, "",
		    "{\"id\":7,\"permissions\":{\"actions\":\"read\",\"administration\":\"read\","
		    "\"checks\":\"read\",\"contents\":\"read\",\"issues\":\"read\","
		    "\"members\":\"read\",\"metadata\":\"read\",\"pull_requests\":\"read\","
		    "\"statuses\":\"read\"}}"),
		SAY(BRANCH, 200, "", "{\"protected\":false}"), SAY(RULES, 200, "", "[]"), END};
	struct world w;
	cleanup(github_repo_release) struct github_repo gr = {0};

	world_open(&w, *state, answers);
	in_shadow(&w);
	assert_int_equal(github_repo_of(w.forge.db, w.repo.id, &gr, NULL), 1);
	row_set(&gr.pause, "check ");
	assert_int_equal(github_repo_save(w.forge.db, &gr, NULL), 0);
	act(&w, "forge-list", json_object());
	github_repo_release(&gr);
	assert_int_equal(github_repo_of(w.forge.db, w.repo.id, &gr, NULL), 1);
	assert_null(gr.pause);
	world_release(&w);
}

/* ---- conversations in shadow mode ---- */

#define THREADS_HEAD "3000000000000000000000000000000000000004"
#define KNOWN(n, all)                                                                              \
	"{\"head\":\"" THREADS_HEAD "\",\"decision\":\"none\",\"by\":[],\"unresolved\":" #n        \
	",\"threads\":" #all "}"
#define SAID(head, nodes)                                                                          \
	"{\"headRefOid\":\"" head                                                                  \
	"\",\"reviewDecision\":null,\"reviewThreads\":{\"nodes\":[" nodes                          \
	"],\"pageInfo\":{\"hasNextPage\":false}}}"

/* Whether one is resolved shows in no list: it is asked of those PRs that have one, of all with one request. */
static void conversations_are_read_again(void **state)
{
	static const struct canned answers[] = {
		LISTS, SAY(BRANCH, 200, "", "{\"protected\":false}"), SAY(RULES, 200, "", "[]"),
		SAY("POST /graphql", 200, "",
		    "{\"data\":{\"repository\":{\"p1\":" SAID(
			    THREADS_HEAD,
			    "{\"isResolve"
			    "d\":true},{"
			    "\"isResolved"
			    "\":true}") ",\"p2\":" SAID(THREADS_HEAD,
							"{\"isResolved\":false}") ",\"p3\""
										  ":" SAID(
											  HEAD_1,
											  "{\""
											  "isR"
											  "eso"
											  "lve"
											  "d\""
											  ":"
											  "tru"
											  "e}") ","
												"\""
												"p4"
												"\""
												":"
												"nu"
												"ll"
												"}}"
												"}"),
		END};
	static const struct {
		const char *before, *after; /* NULL: as before */
	} rows[] = {
		{KNOWN(1, 2), KNOWN(0, 2)}, /* 1: all are resolved now */
		{KNOWN(0, 1), KNOWN(1, 1)}, /* 2: one is not any more */
		{KNOWN(1, 1), NULL},        /* 3: a push came */
		{KNOWN(1, 1), NULL},        /* 4: it is not to be seen */
		{KNOWN(0, 0), NULL},        /* 5: has none, and is not asked for */
		{"{\"head\":\"" HEAD_1 "\",\"unresolved\":1}", NULL}, /* 6: of another head */
		{NULL, NULL},
	};
	struct world w;
	size_t asked = 0;

	world_open(&w, *state, answers);
	in_shadow(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pr p = {.repo = w.repo.id,
			       .number = (int64_t)i + 1,
			       .title = (char *)"t",
			       .body = (char *)"",
			       .state = (char *)"open",
			       .author = (char *)"eve",
			       .base = (char *)"main",
			       .topic = (char *)"x",
			       .head = (char *)THREADS_HEAD,
			       .files = (char *)"[]",
			       .verdict = (char *)rows[i].before};

		assert_int_equal(pr_insert(w.forge.db, &p, NULL), 0);
	}
	act(&w, "forge-list", json_object());
	assert_int_equal(w.why.code, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(pr_release) struct pr p = {0};
		const char *expected = rows[i].after ? rows[i].after : rows[i].before;

		assert_int_equal(pr_find(w.forge.db, ST_PR_BY_NUMBER, &p, NULL, "ii", w.repo.id,
					 (int64_t)i + 1),
				 1);
		if (!expected != !p.verdict || (expected && strcmp(p.verdict, expected) != 0))
			fail_msg("PR #%zu: found %s, expected %s", i + 1, p.verdict, expected);
	}
	for (size_t i = 0; i < w.f->stub->n; i++)
		asked += !strcmp(w.f->stub->seen[i].what, "POST /graphql");
	assert_int_equal(asked, 1);
	world_release(&w);
}

/* ---- what a lost ledger left behind ---- */

#define LEFT      "GET " REPO "/git/matching-refs/heads/yardmaster/queue"
#define REF(name) "{\"ref\":\"refs/heads/yardmaster/" name "\",\"object\":{\"sha\":\"" HEAD_1 "\"}}"

static void candidate(struct world *w, const char *branch, int64_t ended_ms)
{
	struct candidate c = {.repo = w->repo.id,
			      .kind = (char *)"pr",
			      .base = (char *)HEAD_1,
			      .head = (char *)HEAD_1,
			      .method = (char *)"merge",
			      .gates = (char *)"[]",
			      .state = (char *)"checking",
			      .checks = (char *)"[]",
			      .branch = (char *)branch,
			      .ended_ms = ended_ms};

	assert_int_equal(candidate_insert(w->forge.db, &c, NULL), 0);
}

static void branches_of_no_candidate_are_swept(void **state)
{
	static const struct canned answers[] = {
		LISTS, SAY(BRANCH, 200, "", "{\"protected\":false}"), SAY(RULES, 200, "", "[]"),
		SAY(LEFT, 200, "",
		    "[" REF("queue/1-4") "," REF("queue/2-4") "," REF("queue/3-4") "," REF(
			    "queue/7-4x") "," REF("queue/-4") "," REF("queued/7-4") "]"),
		END};
	struct world w;
	autofree char *first = NULL, *again = NULL;

	world_open(&w, *state, answers);
	candidate(&w, "yardmaster/queue/1-4", 0); /* it is being checked */
	candidate(&w, "yardmaster/queue/2-4", 5); /* it has ended */
	act(&w, "forge-list", json_object());
	act(&w, "forge-list", json_object()); /* once, while that is open */
	assert_int_equal(w.why.code, 0);
	first = effects(&w, "draft-close");
	assert_string_equal(first, "sweep:1:yardmaster/queue/2-4*0 sweep:1:yardmaster/queue/3-4*0");
	world_release(&w);
}

#define DRAFT(number, draft, login, body)                                                          \
	"{\"number\":" #number ",\"draft\":" #draft ",\"user\":{\"login\":\"" login                \
	"\",\"type\":\"Bot\"},\"body\":\"" body "\"}"
#define OUR_DRAFT DRAFT(8, true, "yard[bot]", "This. " FORGE_DRAFT_SAYS ", and closes it")

/* Only a draft PR of our own is closed; with another one on the branch nothing is. */
static void a_pr_of_somebody_else_keeps_its_branch(void **state)
{
	static const struct {
		const char *pulls;
		int64_t kept;
		size_t closed;
	} rows[] = {
		{"[" OUR_DRAFT "]", 0, 1},
		{"[]", 0, 0},
		{"[" OUR_DRAFT "," DRAFT(9, true, "eve", FORGE_DRAFT_SAYS) "]", 9, 0},
		{"[" DRAFT(9, false, "yard[bot]", FORGE_DRAFT_SAYS) "]", 9, 0},
		{"[" DRAFT(9, true, "yard[bot]", "mine") "]", 9, 0},
	};
	struct world w;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct canned answers[] = {
			SAY("GET " REPO "/pulls?state=open&head=octo%3Ayardmaster%2Fqueue%2F1-4",
			    200, "", rows[i].pulls),
			SAY("PATCH " REPO "/pulls/8", 200, "", "{}"), END};
		struct fx *f = *state;
		size_t closed = 0, from = f->stub->n;

		world_open(&w, f, answers);
		memset(f->stub->used, 0, sizeof(f->stub->used));
		if (i) /* asked for before it is known who we are, it is later */
			github_set_login(w.forge.github, "yard[bot]");
		for (int k = 0; k < 2 - !!i; k++) {
			act(&w, "draft-close",
			    json_pack("{s:s,s:b}", "branch", "yardmaster/queue/1-4", "sweep", 1));
			assert_int_equal(w.why.code, i || k ? 0 : ERR_UNAVAILABLE);
			github_set_login(w.forge.github, "yard[bot]");
		}
		assert_int_equal(json_int(w.result, "kept", 0), rows[i].kept);
		for (size_t k = from; k < f->stub->n; k++)
			closed += !strncmp(f->stub->seen[k].what, "PATCH", 5);
		assert_int_equal(closed, rows[i].closed);
		world_release(&w);
	}
}

/* ---- an issue before the first prompt ---- */

#define ISSUE                                                                                      \
	SAY("GET " REPO "/issues/3", 200, "",                                                      \
	    "{\"number\":3,\"title\":\"t\",\"body\":\"b\",\"state\":\"open\",\"labels\":[],"       \
	    "\"user\":{\"login\":\"eve\",\"type\":\"User\"},"                                      \
	    "\"created_at\":\"" SINCE "\",\"updated_at\":\"" SINCE "\"}"),                         \
		SAY("GET " REPO "/issues/3/events?per_page=100", 200, "", "[]")
#define EDITED(at)                                                                                 \
	"{\"data\":{\"repository\":{\"issue\":{\"lastEditedAt\":" at ",\"editor\":null}}}"

static void a_time_that_could_not_be_read(void **state)
{
	static const struct canned answers[] = {
		ISSUE,
		SAY_ONCE("POST /graphql", 200, "",
			 EDITED("null") ",\"errors\":[{\"message\":\"Something went wrong\"}]}"),
		SAY_ONCE("POST /graphql", 200, "", EDITED("\"" SINCE "\"") "}"),
		SAY("POST /graphql", 200, "", EDITED("null") "}"), END};
	struct world w;

	world_open(&w, *state, answers);
	act(&w, "forge-look", json_pack("{s:i}", "number", 3));
	assert_int_equal(w.why.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err_text(&w.why), "Something went wrong"));
	for (size_t n = 2; n-- > 0;) {
		act(&w, "forge-look", json_pack("{s:i}", "number", 3));
		assert_int_equal(w.why.code, 0);
		assert_int_equal(json_array_size(json_object_get(w.result, "edits")), n);
	}
	world_release(&w);
}

/* ---- the files of a PR ---- */

/* Who owns the folder that a file is moved out of is asked as well. */
static void a_renamed_file_is_of_both_names(void **state)
{
	static const struct canned none[] = {END};
	struct world w;
	cleanup(pr_release) struct pr p = {0};
	autojson json_t *told = json_loads(
		"{\"ok\":true,\"result\":{\"files\":[{\"path\":\"a\",\"status\":\"M\"},"
		"{\"path\":\"free/key\",\"status\":\"R\",\"from\":\"owned/key\"}]},\"ctx\":{"
		"\"number\":4,\"head\":\"1000000000000000000000000000000000000004\",\"pull\":{"
		"\"number\":4,\"title\":\"t\",\"body\":\"\",\"state\":\"open\","
		"\"user\":{\"login\":\"eve\",\"type\":\"User\"},"
		"\"created_at\":\"" SINCE "\",\"updated_at\":\"" SINCE "\","
		"\"base\":{\"ref\":\"main\",\"sha\":\"1000000000000000000000000000000000000001\"},"
		"\"head\":{\"ref\":\"x\",\"sha\":\"1000000000000000000000000000000000000004\","
		"\"repo\":{\"full_name\":\"octo/app\"}}}}}",
		0, NULL);

	world_open(&w, *state, none);
	json_put_int(json_object_get(told, "ctx"), "repo", w.repo.id);
	assert_int_equal(w.forge.ops->did(&w.forge, "forge-changed", told, &w.f->err), 0);
	assert_int_equal(
		pr_find(w.forge.db, ST_PR_BY_NUMBER, &p, NULL, "ii", w.repo.id, (int64_t)4), 1);
	assert_string_equal(p.files, "[\"a\",\"free/key\",\"owned/key\"]");
	world_release(&w);
}

/* ---- heads that are fetched together ---- */

#define HEAD_2 "2000000000000000000000000000000000000004"

static json_t *listed(const char *was, int64_t number)
{
	json_t *x = json_pack("{s:I,s:s?}", "number", (json_int_t)number, "was", was);

	json_put(x, "pull",
		 json_pack("{s:I,s:{s:s}}", "number", (json_int_t)number, "head", "sha", HEAD_2));
	return x;
}

/* Of PRs 1 to n, which are new. */
static json_t *batch_result(struct world *w, int64_t n, const char *code)
{
	json_t *p = json_pack("{s:b,s:{s:I,s:[]}}", "ok", code == NULL, "ctx", "repo",
			      (json_int_t)w->repo.id, "pulls");

	for (int64_t i = 1; i <= n; i++)
		json_array_append_new(json_object_get(json_object_get(p, "ctx"), "pulls"),
				      listed(NULL, i));
	if (code)
		json_put(p, "error", json_pack("{s:s,s:s}", "code", code, "text", "a broken pack"));
	return p;
}

/* What has become known since the list was read, in another way, is newer than the list. */
static void what_is_newer_than_the_list_stays(void **state)
{
	static const struct canned none[] = {END};
	struct world w;
	autojson json_t *told = NULL;
	autofree char *asked = NULL;
	struct pr moved = {.number = 2,
			   .title = (char *)"t",
			   .body = (char *)"",
			   .state = (char *)"open",
			   .author = (char *)"eve",
			   .base = (char *)"main",
			   .topic = (char *)"x",
			   .head = (char *)HEAD_1,
			   .files = (char *)"[]"};

	world_open(&w, *state, none);
	moved.repo = w.repo.id;
	assert_int_equal(pr_insert(w.forge.db, &moved, NULL), 0);
	told = batch_result(&w, 2, NULL); /* 1 is new; 2 was, and is known now */
	json_array_append_new(json_object_get(json_object_get(told, "ctx"), "pulls"),
			      listed(NULL, 3)); /* is being read */
	assert_int_equal(github_sync(w.forge.github, w.repo.id, 3, NULL, NULL), 0);
	assert_int_equal(w.forge.ops->did(&w.forge, "forge-fetch", told, &w.f->err), 0);
	asked = effects(&w, "forge-changed");
	assert_string_equal(asked, "sync:1:1*0");
	world_release(&w);
}

/* The objects of one PR do not keep those of the others from coming. */
static void what_cannot_be_fetched_is_found(void **state)
{
	static const struct canned none[] = {END};
	struct world w;

	world_open(&w, *state, none);
	for (int64_t n = 3; n; n = n == 3 ? 2 : n - 1) {
		autojson json_t *told = batch_result(&w, n, "corrupt");
		autofree char *asked = NULL;
		int rc = w.forge.ops->did(&w.forge, "forge-fetch", told, &w.f->err);

		asked = effects(&w, "forge-fetch");
		assert_string_equal(asked, n == 3   ? "heads:1*2 heads:1*1"
					   : n == 2 ? "heads:1*1 heads:1*1"
						    : "");
		assert_int_equal(rc, n == 1 ? -1 : 0);
	}
	assert_non_null(strstr(err_text(&w.f->err),
			       "PR #1 of octo/app: its head could not be fetched: a broken pack"));
	for (size_t i = 0; i < 2; i++) {
		autojson json_t *told = batch_result(&w, 3, i ? "denied" : "unavailable");
		autofree char *asked = NULL;

		assert_int_equal(w.forge.ops->did(&w.forge, "forge-fetch", told, NULL), 0);
		asked = effects(&w, "forge-fetch");
		assert_string_equal(asked, ""); /* it is none of them */
	}
	world_release(&w);
}

/* ---- what people see, within GitHub's limits ---- */

#define HEAD    "1000000000000000000000000000000000000004"
#define RUNS    "POST " REPO "/check-runs"
#define COMMENT "POST " REPO "/issues/4/comments"

/* The body of the latest such request. */
static json_t *sent(struct world *w, const char *what)
{
	for (size_t i = w->f->stub->n; i-- > 0;) {
		const struct stub_seen *s = &w->f->stub->seen[i];

		if (!strcmp(s->what, what))
			return json_loadb(s->body, strlen(s->body), 0, NULL);
	}
	fail_msg("%s was not sent", what);
	return NULL;
}

static size_t times(struct world *w, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < w->f->stub->n; i++)
		n += !strcmp(w->f->stub->seen[i].what, what);
	return n;
}

static char *long_text(size_t n, const char *end)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	while (b.len < n)
		buf_adds(&b, "\xc3\xa4");
	buf_adds(&b, end);
	return buf_steal(&b);
}

/* Ends with a hint at where the rest is, and no character is torn. */
static void assert_cut(const char *s, size_t max, const char *hint)
{
	assert_true(strlen(s) <= max && strlen(s) > max - 200);
	assert_non_null(strstr(s, "… cut here; "));
	assert_non_null(strstr(s, hint));
	assert_null(strstr(s, "the end"));
}

static json_t *notes(size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, json_pack("{s:s,s:i,s:i,s:s,s:s}", "path", "a",
						   "start_line", (int)i + 1, "end_line", (int)i + 1,
						   "annotation_level", "failure", "message", "m"));
	return a;
}

static json_t *check(const char *conclusion, const char *title, const char *summary, json_t *with)
{
	json_t *p = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:o}", "number", 4, "head", HEAD, "name",
			      "yardmaster/queue", "key", "yardmaster/queue:4:" HEAD, "title", title,
			      "summary", summary, "actions", json_array());

	if (conclusion)
		json_put_str(p, "conclusion", conclusion);
	else
		json_put_str(p, "status", "in_progress");
	if (with)
		json_put(p, "annotations", with);
	return p;
}

static void a_check_run_is_cut(void **state)
{
	static const struct canned answers[] = {SAY(RUNS, 201, "", "{\"id\":9}"), END};
	autofree char *text = long_text(70000, "the end");
	autojson json_t *b = NULL,
			*p = check("failure", "**Task 1** (`fix`): red", text, notes(60));
	const json_t *out;
	struct world w;

	json_put_str(p, "text", text);
	for (int i = 0; i < 4; i++)
		json_array_append_new(json_object_get(p, "actions"), json_object());
	world_open(&w, *state, answers);
	act(&w, "forge-check", json_incref(p));
	assert_int_equal(w.why.code, 0);
	b = sent(&w, RUNS);
	out = json_object_get(b, "output");
	assert_cut(json_str(out, "summary", ""), 65535, "`yardmaster pr show 4`");
	assert_cut(json_str(out, "text", ""), 65535, "`yardmaster pr show 4`");
	assert_string_equal(json_str(out, "title", ""), "Task 1 (fix): red");
	assert_int_equal(json_array_size(json_object_get(out, "annotations")), 50);
	assert_int_equal(json_array_size(json_object_get(b, "actions")), 3);
	assert_string_equal(json_str(b, "status", ""), "completed");
	world_release(&w);
}

/* GitHub adds to a run's notes and never takes any off: what comes after a run with notes is another run. */
static void notes_do_not_stay_beside_green(void **state)
{
	static const struct canned answers[] = {
		SAY_ONCE(RUNS, 201, "", "{\"id\":9}"), SAY_ONCE(RUNS, 201, "", "{\"id\":10}"),
		SAY("PATCH " REPO "/check-runs/9", 200, "", "{\"id\":9}"),
		SAY("PATCH " REPO "/check-runs/10", 200, "", "{\"id\":10}"), END};
	autojson json_t *p = NULL;
	json_t *out = NULL;
	struct world w;

	world_open(&w, *state, answers);
	act(&w, "forge-check", check(NULL, "tests", "tests", NULL));
	act(&w, "forge-check", check("failure", "red", "red", notes(1)));
	assert_int_equal(times(&w, "PATCH " REPO "/check-runs/9"), 1);
	p = check("failure", "red", "red", notes(1)); /* nothing is said twice */
	json_put_int(p, "repo", w.repo.id);
	assert_int_equal(w.forge.ops->act(&w.forge, 0, "forge-check", p, &out, NULL), FORGE_DONE);
	json_decref(out);
	assert_int_equal(times(&w, RUNS), 1);
	act(&w, "forge-check", check(NULL, "tests again", "tests again", NULL));
	act(&w, "forge-check", check("success", "green", "green", NULL));
	assert_int_equal(w.why.code, 0);
	assert_int_equal(times(&w, RUNS), 2);
	assert_int_equal(times(&w, "PATCH " REPO "/check-runs/9"), 1);
	assert_int_equal(times(&w, "PATCH " REPO "/check-runs/10"), 1);
	world_release(&w);
}

static void a_comment_is_cut(void **state)
{
	static const struct canned answers[] = {
		SAY(COMMENT, 201, "",
		    "{\"id\":9,\"body\":\"b\",\"user\":{\"login\":\"y\",\"type\":\"Bot\"},"
		    "\"created_at\":\"" SINCE "\"}"),
		END};
	autofree char *text = long_text(70000, "the end");
	autojson json_t *b = NULL;
	struct world w;

	world_open(&w, *state, answers);
	act(&w, "forge-comment", json_pack("{s:i,s:s,s:s}", "number", 4, "key", "k", "body", text));
	assert_int_equal(w.why.code, 0);
	b = sent(&w, COMMENT);
	assert_cut(json_str(b, "body", ""), 65536, "`yardmaster issue show 4`");
	assert_non_null(strstr(json_str(b, "body", ""), "<!-- yardmaster k "));
	world_release(&w);
}

static void a_pull_request_is_cut(void **state)
{
	static const struct canned answers[] = {SAY("POST " REPO "/pulls", 403, "", REFUSED), END};
	autofree char *text = long_text(70000, "the end");
	autojson json_t *b = NULL;
	struct world w;

	world_open(&w, *state, answers);
	act(&w, "forge-pr-open",
	    json_pack("{s:s,s:s,s:s,s:s,s:s}", "title", text, "body", text, "base", "main", "topic",
		      "t", "head", HEAD));
	b = sent(&w, "POST " REPO "/pulls");
	assert_true(strlen(json_str(b, "body", "")) <= 65536);
	assert_true(strlen(json_str(b, "title", "")) <= 256);
	world_release(&w);
}

/* ---- what a delivery hints at ---- */

#define PERSON "\"sender\":{\"login\":\"anna\",\"type\":\"User\"},"
#define BOT    "\"sender\":{\"login\":\"other[bot]\",\"type\":\"Bot\"},"
#define OURS   "\"sender\":{\"login\":\"yard[bot]\",\"type\":\"Bot\"},"
#define THERE  "\"repository\":{\"id\":5}"
#define ISSUE_(n)                                                                                  \
	"\"issue\":{\"number\":" n "},\"comment\":{\"id\":3,\"body\":\"/yard why\","               \
	"\"user\":{\"login\":\"anna\",\"type\":\"User\"},\"created_at\":\"" SINCE "\"}"

static int64_t count(struct world *w, const char *table, const char *kind)
{
	int64_t n = 0;

	if (!strcmp(table, "event")) {
		cleanup(event_release) struct event e = {0};

		while (event_next(w->forge.db, &e, NULL) > 0) {
			n += !strcmp(e.kind, kind);
			assert_true(event_decided(w->forge.db, e.id, EVENT_DECIDED, NULL, 1,
						  NULL) >= 0);
			event_release(&e);
			e = (struct event){0};
		}
		return n;
	}
	{
		cleanup(effect_list_release) struct effect_list l = {0};

		assert_int_equal(effect_all(w->forge.db, ST_EFFECT_HELD, &l, NULL, ""), 0);
		for (size_t i = 0; i < l.n; i++)
			n += !strcmp(l.v[i].kind, kind);
	}
	return n;
}

/* Each event that GitHub sends is a hint at one thing, of which the latest is read. */
static void every_event_is_heard(void **state)
{
	static const struct canned none[] = {END};
	static const struct {
		const char *event, *payload, *table, *kind;
		int64_t n;
	} rows[] = {
		{"issues", "{" PERSON THERE ",\"action\":\"labeled\",\"issue\":{\"number\":11}}",
		 "effect", "forge-sync", 1},
		{"issues", "{" BOT THERE ",\"action\":\"labeled\",\"issue\":{\"number\":12}}",
		 "effect", "forge-sync", 0},
		{"issue_comment", "{" PERSON THERE ",\"action\":\"created\"," ISSUE_("13") "}",
		 "effect", "forge-sync", 1},
		{"issue_comment", "{" PERSON THERE ",\"action\":\"edited\"," ISSUE_("14") "}",
		 "effect", "forge-sync", 0},
		{"issue_comment", "{" BOT THERE ",\"action\":\"created\"," ISSUE_("15") "}",
		 "effect", "forge-sync", 0},
		{"pull_request",
		 "{" BOT THERE ",\"action\":\"opened\",\"pull_request\":{\"number\":16}}", "effect",
		 "forge-sync", 1},
		{"pull_request",
		 "{" OURS THERE ",\"action\":\"opened\",\"pull_request\":{\"number\":17}}",
		 "effect", "forge-sync", 0},
		{"pull_request_review",
		 "{" PERSON THERE ",\"action\":\"submitted\",\"pull_request\":{\"number\":18}}",
		 "effect", "forge-sync", 1},
		{"pull_request_review_comment",
		 "{" PERSON THERE ",\"action\":\"created\",\"pull_request\":{\"number\":19}}",
		 "effect", "forge-sync", 1},
		{"pull_request_review_thread",
		 "{" PERSON THERE ",\"action\":\"resolved\",\"pull_request\":{\"number\":20}}",
		 "effect", "forge-sync", 1},
		{"push", "{" PERSON THERE ",\"ref\":\"refs/heads/main\"}", "effect", "forge-fetch",
		 1},
		{"push", "{" PERSON THERE ",\"ref\":\"refs/heads/other\"}", "effect", "forge-fetch",
		 0},
		{"repository", "{" PERSON THERE ",\"action\":\"renamed\"}", "effect", "forge-list",
		 1},
		{"label",
		 "{" PERSON THERE ",\"action\":\"edited\",\"changes\":{\"name\":{\"from\":\"a\"}},"
		 "\"label\":{\"name\":\"b\"}}",
		 "event", "label-renamed", 1},
		{"check_run",
		 "{" BOT THERE
		 ",\"action\":\"completed\",\"check_run\":{\"id\":1,\"head_sha\":\"" HEAD "\"}}",
		 "event", "checks-changed", 1},
		{"check_suite",
		 "{" BOT THERE ",\"action\":\"completed\",\"check_suite\":{\"head_sha\":\"" HEAD
		 "\"}}",
		 "event", "checks-changed", 1},
		{"workflow_run",
		 "{" BOT THERE ",\"action\":\"completed\",\"workflow_run\":{\"head_sha\":\"" HEAD
		 "\"}}",
		 "event", "checks-changed", 1},
		{"status", "{" BOT THERE ",\"sha\":\"" HEAD "\"}", "event", "checks-changed", 1},
		{"status", "{" BOT THERE ",\"sha\":\"2000000000000000000000000000000000000004\"}",
		 "event", "checks-changed", 0},
		{"merge_group", "{" PERSON THERE ",\"action\":\"checks_requested\"}", "event",
		 "checks-changed", 0},
	};
	struct candidate c = {.kind = (char *)"pr",
			      .gates = (char *)"[]",
			      .checks = (char *)"[]",
			      .created_ms = 1,
			      .state = (char *)"checking",
			      .base = (char *)HEAD,
			      .head = (char *)HEAD,
			      .oid = (char *)HEAD,
			      .method = (char *)"merge"};
	struct world w;

	world_open(&w, *state, none);
	github_set_self(w.forge.github, "yard[bot]");
	c.repo = w.repo.id;
	assert_int_equal(candidate_insert(w.forge.db, &c, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *p = json_loads(rows[i].payload, 0, NULL);
		int64_t before = count(&w, rows[i].table, rows[i].kind);
		enum github_heard heard;

		assert_non_null(p);
		if (github_deliver(w.forge.github, rows[i].event, p, &heard, &w.f->err) < 0)
			fail_msg("row %zu: %s", i, err_text(&w.f->err));
		if (!strcmp(rows[i].table, "event"))
			before = 0;
		if (count(&w, rows[i].table, rows[i].kind) - before != rows[i].n)
			fail_msg("row %zu: %s", i, rows[i].event);
		fx_turn(w.f); /* time goes on */
		usleep(2000);
	}
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rules_that_were_seen_are_not_dropped),
		TEST(rules_that_were_never_seen),
		TEST(rules_that_come_back_are_read_again),
		TEST(a_time_that_could_not_be_read),
		TEST(an_app_that_only_reads_is_enough_in_shadow),
		TEST(conversations_are_read_again),
		TEST(branches_of_no_candidate_are_swept),
		TEST(a_pr_of_somebody_else_keeps_its_branch),
		TEST(a_renamed_file_is_of_both_names),
		TEST(what_is_newer_than_the_list_stays),
		TEST(what_cannot_be_fetched_is_found),
		TEST(every_event_is_heard),
		TEST(a_check_run_is_cut),
		TEST(notes_do_not_stay_beside_green),
		TEST(a_comment_is_cut),
		TEST(a_pull_request_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
