/* test_github_found.c - what a look at a repository finds, and what is done about it */
#include "forge/github_job.h"
#include "jobs_fixture.h"

/* A PR that the ledger has, with this head and this of GitHub's verdict, which may be NULL. */
static void known(struct world *w, int64_t number, const char *head, const char *verdict)
{
	struct pr p = {.repo = w->repo.id,
		       .number = number,
		       .title = (char *)"t",
		       .body = (char *)"",
		       .state = (char *)"open",
		       .author = (char *)"ann",
		       .base = (char *)"main",
		       .topic = (char *)"x",
		       .head = (char *)head,
		       .files = (char *)"[]",
		       .verdict = (char *)verdict};

	assert_int_equal(pr_insert(w->forge.db, &p, NULL), 0);
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

	world_open(&w, *state, none);
	known(&w, 2, HEAD_1, NULL);
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

/* ---- conversations in shadow mode ---- */

#define THREADS_HEAD "3000000000000000000000000000000000000004"
#define KNOWN(n, all)                                                                              \
	"{\"head\":\"" THREADS_HEAD "\",\"decision\":\"none\",\"by\":[],\"unresolved\":" #n        \
	",\"threads\":" #all "}"
#define SAID(number, head, nodes)                                                                  \
	"\"p" #number "\":{\"headRefOid\":\"" head                                                 \
	"\",\"reviewDecision\":null,\"reviewThreads\":{\"nodes\":[" nodes                          \
	"],\"pageInfo\":{\"hasNextPage\":false}}}"
#define DONE "{\"isResolved\":true}"
#define OPEN "{\"isResolved\":false}"

/* Whether one is resolved shows in no list: it is asked of those PRs that have one, of all with one request. */
static void conversations_are_read_again(void **state)
{
	static const struct canned answers[] = {
		LISTS, SAY(BRANCH, 200, "", "{\"protected\":false}"), SAY(RULES, 200, "", "[]"),
		SAY("POST /graphql", 200, "",
		    "{\"data\":{\"repository\":{\"databaseId\":5," SAID(
			    1, THREADS_HEAD,
			    DONE
			    "," DONE) "," SAID(2, THREADS_HEAD,
					       OPEN) "," SAID(3, HEAD_1, DONE) ",\"p4\":null}}}"),
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

	world_open(&w, *state, answers);
	in_shadow(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		known(&w, (int64_t)i + 1, THREADS_HEAD, rows[i].before);
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
	assert_int_equal(stub_count(w.f->stub, "POST /graphql"), 1);
	world_release(&w);
}

/* ---- what GitHub makes of the reviews ---- */

#define OF_4 "GET " REPO "/pulls/4/reviews?per_page=100"
#define REVIEW(n, who, word)                                                                       \
	"{\"id\":" n ",\"state\":\"" word "\",\"commit_id\":\"" THREADS_HEAD                       \
	"\",\"user\":{\"login\":\"" who "\",\"type\":\"User\"},\"submitted_at\":\"" SINCE "\"}"
#define DECIDED(decision, threads, rest)                                                           \
	"{\"data\":{\"repository\":{\"databaseId\":5,\"pullRequest\":{\"headRefOid\":"             \
	"\"" THREADS_HEAD "\",\"reviewDecision\":" decision ",\"reviewThreads\":" threads          \
	"}}}" rest "}"
#define NODES(list, more) "{\"nodes\":[" list "],\"pageInfo\":{\"hasNextPage\":" more "}}"
#define RESOLVED(yes)     "{\"isResolved\":" yes "}"

/* "approved; 1 unresolved; eve", or why it is not known. */
static char *verdict_of(struct world *w)
{
	cleanup(pr_release) struct pr p = {0};
	autojson json_t *v = NULL;
	autofree char *by = NULL;

	assert_int_equal(
		pr_find(w->forge.db, ST_PR_BY_NUMBER, &p, NULL, "ii", w->repo.id, (int64_t)4), 1);
	v = json_loads(p.verdict ? p.verdict : "{}", 0, NULL);
	if (json_str(v, "why", NULL))
		return xstrdup(json_str(v, "why", NULL));
	by = json_dumps(json_object_get(v, "by"), JSON_COMPACT);
	return xasprintf("%s; %lld of %lld; %s", json_str(v, "decision", "?"),
			 (long long)json_int(v, "unresolved", -1),
			 (long long)json_int(v, "threads", -1), by);
}

/* Half an answer, and a word that is not known, let nothing land. */
static void what_reviews_come_to(void **state)
{
	static const struct {
		const char *reviews, *said, *expected;
	} rows[] = {
		{"[]", DECIDED("null", NODES("", "false"), ""), "none; 0 of 0; []"},
		{"[]",
		 DECIDED("\"APPROVED\"", NODES(RESOLVED("true") "," RESOLVED("false"), "false"),
			 ""),
		 "approved; 1 of 2; []"},
		{"[]", DECIDED("\"NOT_OF_TODAY\"", NODES("", "false"), ""),
		 "review-required; 0 of 0; []"},
		{"[]",
		 DECIDED("null", NODES("", "false"), ",\"errors\":[{\"message\":\"timed out\"}]"),
		 "timed out"},
		{"[]", DECIDED("null", "null", ""), "GitHub's answer is not whole"},
		{"[]", DECIDED("null", NODES(RESOLVED("true"), "true"), ""), "none; 1 of 2; []"},
		{"[" REVIEW("1", "eve", "CHANGES_REQUESTED") "," REVIEW("2", "eve",
									"COMMENTED") "]",
		 DECIDED("\"CHANGES_REQUESTED\"", NODES("", "false"), ""),
		 "changes-requested; 0 of 0; [\"eve\"]"},
		{"[" REVIEW("1", "eve", "CHANGES_REQUESTED") "," REVIEW("2", "eve", "APPROVED") "]",
		 DECIDED("\"REVIEW_REQUIRED\"", NODES("", "false"), ""),
		 "review-required; 0 of 0; []"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct canned answers[] = {SAY(OF_4, 200, "", rows[i].reviews),
						 SAY("POST /graphql", 200, "", rows[i].said), END};
		autofree char *found = NULL;
		struct world w;

		world_open(&w, *state, answers);
		known(&w, 4, THREADS_HEAD, NULL);
		assert_int_equal(db_run(w.forge.db, ST_GITHUB_LEVEL_SET, NULL, "isii", w.repo.id,
					"eve", (int64_t)FORGE_WRITE,
					w.f->clock.wall_ms(&w.f->clock)),
				 1);
		act(&w, "forge-reviews", json_pack("{s:i}", "number", 4));
		assert_int_equal(w.why.code, 0);
		found = verdict_of(&w);
		if (strcmp(found, rows[i].expected) != 0)
			fail_msg("row %zu: found '%s', expected '%s'", i, found, rows[i].expected);
		world_release(&w);
	}
}

#define SAID_AT(n, who, type, word, at)                                                            \
	"{\"id\":" n ",\"state\":\"" word "\",\"commit_id\":\"" THREADS_HEAD                       \
	"\",\"user\":{\"login\":\"" who "\",\"type\":\"" type                                      \
	"\"},\"submitted_at\":\"2026-01-01T00:00:" at "Z\"}"
#define SAID_BY(n, who, word, at) SAID_AT(n, who, "User", word, at)

/* "ann eve; bob": who approves, and who wants changes. */
static char *words_of(struct world *w)
{
	cleanup(approval_list_release) struct approval_list l = {0};
	cleanup(pr_release) struct pr p = {0};
	cleanup(strvec_release) struct strvec a = STRVEC_INIT;
	cleanup(strvec_release) struct strvec by = STRVEC_INIT;
	autojson json_t *v = NULL;
	autofree char *approved = NULL, *wanting = NULL;
	const json_t *o;
	size_t i;

	assert_int_equal(
		approval_all(w->forge.db, ST_APPROVAL_OF, &l, NULL, "ii", w->repo.id, (int64_t)4),
		0);
	for (i = 0; i < l.n; i++)
		if (!l.v[i].void_ms)
			strvec_push(&a, l.v[i].user);
	assert_int_equal(
		pr_find(w->forge.db, ST_PR_BY_NUMBER, &p, NULL, "ii", w->repo.id, (int64_t)4), 1);
	v = json_loads(p.verdict ? p.verdict : "{}", 0, NULL);
	json_array_foreach (json_object_get(v, "by"), i, o)
		strvec_push(&by, json_string_value(o));
	approved = strvec_join(&a, " ");
	wanting = strvec_join(&by, " ");
	return xasprintf("%s; %s", approved, wanting);
}

static void may(struct world *w, const char *login, enum forge_level level)
{
	assert_int_equal(db_run(w->forge.db, ST_GITHUB_LEVEL_SET, NULL, "isii", w->repo.id, login,
				(int64_t)level, w->f->clock.wall_ms(&w->f->clock)),
			 1);
}

/* The list as it is at each look, in GitHub's order: by number. GitHub's own decision is null. */
static void the_last_word_of_each_counts(void **state)
{
	static const struct {
		const char *reviews, *expected, *told;
	} looks[] = {
		{SAID_BY("1", "bob", "PENDING", "00") "," SAID_BY("2", "ann", "APPROVED", "02"),
		 "ann; ", "pr-approved 4 - ann"},
		/* begun before, submitted after */
		{SAID_BY("1", "bob", "APPROVED", "05") "," SAID_BY("2", "ann", "APPROVED", "02"),
		 "ann bob; ", "pr-approved 4 - bob"},
		/* a comment undoes nothing, and an older list is of no interest */
		{SAID_BY("1", "bob", "APPROVED", "05") "," SAID_BY(
			 "2", "ann", "APPROVED", "02") "," SAID_BY("3", "ann", "COMMENTED", "06"),
		 "ann bob; ", ""},
		{SAID_BY("2", "ann", "APPROVED", "02"), "ann bob; ", ""},
		/* dismissed, and approved again: also at the look after that */
		{SAID_BY("1", "bob", "DISMISSED", "05") "," SAID_BY("2", "ann", "APPROVED", "02"),
		 "ann; ", ""},
		{SAID_BY("1", "bob", "APPROVED", "05") "," SAID_BY("2", "ann", "APPROVED", "02"),
		 "ann; ", ""},
		{SAID_BY("1", "bob", "DISMISSED", "05") "," SAID_BY(
			 "2", "ann", "APPROVED", "02") "," SAID_BY("4", "bob", "APPROVED", "05"),
		 "ann bob; ", "pr-approved 4 - bob"},
		{SAID_BY("1", "bob", "DISMISSED", "05") "," SAID_BY(
			 "2", "ann", "APPROVED", "02") "," SAID_BY("4", "bob", "APPROVED", "05"),
		 "ann bob; ", ""},
		/* changes; a dismissal brings no earlier word back */
		{SAID_BY("2", "ann", "APPROVED", "02") "," SAID_BY("10", "ann", "CHANGES_REQUESTED",
								   "09"),
		 "bob; ann", "pr-changes-requested 4 - ann"},
		{SAID_BY("2", "ann", "APPROVED", "02") "," SAID_BY("10", "ann", "DISMISSED", "09"),
		 "bob; ", ""},
		/* A machine approves nothing, and takes back what it wanted; a reader wants nothing. */
		{SAID_AT("5", "ci[bot]", "Bot", "CHANGES_REQUESTED",
			 "10") "," SAID_BY("6", "eve", "CHANGES_REQUESTED", "10"),
		 "bob; ci[bot]", ""},
		{SAID_AT("5", "ci[bot]", "Bot", "CHANGES_REQUESTED",
			 "10") "," SAID_AT("7", "ci[bot]", "Bot", "APPROVED", "11"),
		 "bob; ", ""},
		/* An account that was deleted is nobody. */
		{"{\"id\":8,\"state\":\"APPROVED\",\"commit_id\":\"" THREADS_HEAD
		 "\",\"user\":null,\"submitted_at\":\"" SINCE
		 "\"},{\"id\":9,\"state\":\"CHANGES_REQUESTED\",\"commit_id\":\"" THREADS_HEAD
		 "\",\"user\":null,\"submitted_at\":\"" SINCE "\"}",
		 "bob; ", ""},
	};
	struct world w;

	world_of_pages(&w, *state, NULL, false);
	known(&w, 4, THREADS_HEAD, NULL);
	may(&w, "ann", FORGE_WRITE);
	may(&w, "bob", FORGE_WRITE);
	may(&w, "eve", FORGE_READ);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		autofree char *list = xasprintf("[%s]", looks[i].reviews), *found = NULL;
		const struct canned answers[] = {
			SAY(OF_4, 200, "", list),
			SAY("POST /graphql", 200, "", DECIDED("null", NODES("", "false"), "")),
			END};

		w.f->stub->answers = answers;
		w.f->stub->handler = fx_hand_out_token;
		w.f->stub->arg = w.f;
		act(&w, "forge-reviews", json_pack("{s:i}", "number", 4));
		assert_int_equal(w.why.code, 0);
		found = words_of(&w);
		if (strcmp(found, looks[i].expected) != 0)
			fail_msg("look %zu: found '%s', expected '%s'", i, found,
				 looks[i].expected);
		assert_told(&w, looks[i].told);
	}
	world_release(&w);
}

/* What GitHub makes of it may not be had for long: who wants changes is known all the same. */
static void changes_are_known_without_graphql(void **state)
{
	static const struct canned answers[] = {
		SAY(OF_4, 200, "", "[" SAID_BY("1", "bob", "CHANGES_REQUESTED", "00") "]"),
		SAY("POST /graphql", 503, "", "{}"), END};
	autofree char *found = NULL;
	struct world w;

	world_open(&w, *state, answers);
	known(&w, 4, THREADS_HEAD, NULL);
	may(&w, "bob", FORGE_WRITE);
	act(&w, "forge-reviews", json_pack("{s:i}", "number", 4));
	assert_int_equal(w.why.code, ERR_UNAVAILABLE);
	found = words_of(&w);
	assert_string_equal(found, "; bob");
	world_release(&w);
}

/* ---- what was said of a PR that was not known yet ---- */

#define SEEN_MS ((int64_t)1000 * 1000)

/* The head that was seen first is the one that the writer saw, where that was a moment later. */
static void a_first_look_that_comes_late_binds_nothing(void **state)
{
	static const struct {
		int64_t at_ms;
		const char *head;
	} rows[] = {{SEEN_MS, NULL},
		    {SEEN_MS - 60000, NULL},
		    {SEEN_MS - 60001, FORGE_HEAD_UNKNOWN},
		    {1, FORGE_HEAD_UNKNOWN}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct canned none[] = {END};
		cleanup(event_release) struct event e = {0};
		cleanup(pr_release) struct pr pr = {0};
		autojson json_t *p = NULL, *then = NULL;
		struct world w;

		world_open(&w, *state, none);
		known(&w, 4, HEAD_1, NULL);
		assert_int_equal(pr_find(w.forge.db, ST_PR_BY_NUMBER, &pr, NULL, "ii", w.repo.id,
					 (int64_t)4),
				 1);
		pr.head_ms = SEEN_MS;
		assert_int_equal(pr_save(w.forge.db, &pr, NULL), 0);
		then = json_pack("[{s:s,s:s,s:{s:I,s:i,s:s,s:I}}]", "key", "gh-comment:1", "kind",
				 "comment-created", "payload", "repo", (json_int_t)w.repo.id,
				 "number", 4, "actor", "ann", "at_ms", (json_int_t)rows[i].at_ms);
		assert_int_equal(github_tell_then(w.forge.github, then, NULL), 0);
		assert_int_equal(event_next(w.forge.db, &e, NULL), 1);
		assert_int_equal(json_parse(e.payload, strlen(e.payload), SIZE_MAX, &p, NULL), 0);
		if (rows[i].head)
			assert_string_equal(json_str(p, "head", "-"), rows[i].head);
		else
			assert_null(json_object_get(p, "head"));
		world_release(&w);
	}
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
#define OURS DRAFT(8, true, "yard[bot]", "This. " FORGE_DRAFT_SAYS ", and closes it")

/* Only a draft PR of our own is closed; with another one on the branch nothing is. */
static void a_pr_of_somebody_else_keeps_its_branch(void **state)
{
	static const struct {
		const char *pulls;
		int64_t kept;
		size_t closed;
		bool mine; /* meanwhile it has become a candidate's */
	} rows[] = {
		{"[" OURS "]", 0, 1, false},
		{"[]", 0, 0, false},
		{"[" OURS "," DRAFT(9, true, "eve", FORGE_DRAFT_SAYS) "]", 9, 0, false},
		{"[" DRAFT(9, false, "yard[bot]", FORGE_DRAFT_SAYS) "]", 9, 0, false},
		{"[" DRAFT(9, true, "yard[bot]", "mine") "]", 9, 0, false},
		{"[" OURS "]", 0, 0, true},
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
		if (rows[i].mine)
			candidate(&w, "yardmaster/queue/1-4", 0);
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

/* ---- who is in a team ---- */

#define MEMBER "GET /orgs/octo/teams/core/memberships/anna"

/* An invitation is none, and neither is what GitHub does not say. */
static void only_an_active_member_is_one(void **state)
{
	static const struct canned answers[] = {
		SAY_ONCE(MEMBER, 200, "", "{\"state\":\"pending\",\"role\":\"member\"}"),
		SAY_ONCE(MEMBER, 404, "", "{\"message\":\"Not Found\"}"),
		SAY_ONCE(MEMBER, 403, "", "{\"message\":\"Resource not accessible\"}"),
		SAY_ONCE(MEMBER, 200, "", "{\"state\":\"active\",\"role\":\"member\"}"), END};
	static const int members[] = {0, 0, -1, 1};
	struct world w;
	int found;

	world_open(&w, *state, answers);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		autofree char *why = NULL;

		act(&w, "forge-member",
		    json_pack("{s:s,s:s}", "team", "octo/core", "user", "anna"));
		assert_int_equal(w.why.code, 0);
		assert_int_equal(
			w.forge.ops->member(&w.forge, "octo/core", "anna", &found, &why, NULL), 0);
		assert_int_equal(found, members[i]);
		assert_int_equal(why != NULL, members[i] < 0);
	}
	/* A machine is in none, and is not asked about. */
	act(&w, "forge-member", json_pack("{s:s,s:s}", "team", "octo/core", "user", "no[bot]"));
	assert_int_equal(w.forge.ops->member(&w.forge, "octo/core", "no[bot]", &found, NULL, NULL),
			 0);
	assert_int_equal(found, 0);
	/* After minutes it is asked for again, and counts meanwhile; after an hour it does not. */
	w.f->wall_off += GITHUB_LEVEL_MS + 1;
	assert_int_equal(w.forge.ops->member(&w.forge, "octo/core", "anna", &found, NULL, NULL),
			 FORGE_LATER);
	assert_int_equal(found, 1);
	w.f->wall_off += GITHUB_LEVEL_OLD_MS;
	assert_int_equal(w.forge.ops->member(&w.forge, "octo/core", "anna", &found, NULL, NULL),
			 FORGE_LATER);
	assert_int_equal(found, -1);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(conversations_are_read_again),
		TEST(what_reviews_come_to),
		TEST(the_last_word_of_each_counts),
		TEST(changes_are_known_without_graphql),
		TEST(a_first_look_that_comes_late_binds_nothing),
		TEST(branches_of_no_candidate_are_swept),
		TEST(a_pr_of_somebody_else_keeps_its_branch),
		TEST(what_is_newer_than_the_list_stays),
		TEST(what_cannot_be_fetched_is_found),
		TEST(only_an_active_member_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
