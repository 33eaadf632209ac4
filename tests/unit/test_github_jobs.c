/* test_github_jobs.c - what effects make of GitHub's answers: a backend with a client, a server, and a ledger */
#include "jobs_fixture.h"

#include "base/buf.h"

/* ---- the rules of the base branch ---- */

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

/* "build lint@7; 2 owners last-push conversations": as forge.h has them. */
static char *demands(struct world *w)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	cleanup(forge_rules_release) struct forge_rules r = {0};
	autofree char *list = NULL;

	assert_int_equal(w->forge.ops->required(&w->forge, &w->repo, &names, NULL), 1);
	assert_int_equal(w->forge.ops->rules(&w->forge, &w->repo, &r, NULL), 0);
	list = strvec_join(&names, " ");
	for (char *p = list; *p; p++)
		*p = *p == '\n' ? '@' : *p;
	return xasprintf("%s; %lld%s%s%s", list, (long long)r.approvals,
			 r.code_owners ? " owners" : "", r.last_push ? " last-push" : "",
			 r.conversations ? " conversations" : "");
}

#define CONTEXTS(level, rest)                                                                      \
	"{\"protected\":true,\"protection\":{\"required_status_checks\":{\"enforcement_level\":"   \
	"\"" level "\"," rest "}}}"
#define OF_PULLS(rest) "[{\"type\":\"pull_request\",\"parameters\":{" rest "}}]"

/* Branch, protection and rulesets: what each of them wants is wanted, one thing at a time, and the most of it. */
static void what_each_source_demands(void **state)
{
	static const struct {
		const char *branch, *protection, *rules, *expected;
	} rows[] = {
		{"{\"protected\":false}", "{}", "[]", "; 0"},
		{CONTEXTS("everyone", "\"contexts\":[\"build\"],\"checks\":[{\"context\":\"build\","
				      "\"app_id\":7},{\"context\":\"any\",\"app_id\":-1}]"),
		 "{}", "[]", "build@7 any; 0"},
		{CONTEXTS("off", "\"contexts\":[\"build\"],\"checks\":[]"), "{}", "[]", "; 0"},
		{GUARDED,
		 "{\"required_pull_request_reviews\":{\"required_approving_review_count\":2,"
		 "\"require_code_owner_reviews\":true}}",
		 "[]", "build; 2 owners"},
		{GUARDED,
		 "{\"required_pull_request_reviews\":{\"require_last_push_approval\":true}}", "[]",
		 "build; 0 last-push"},
		{GUARDED, "{\"required_conversation_resolution\":{\"enabled\":true}}", "[]",
		 "build; 0 conversations"},
		{GUARDED, REVIEWS, OF_PULLS("\"required_approving_review_count\":3"), "build; 3"},
		{GUARDED, REVIEWS, OF_PULLS("\"required_approving_review_count\":1"), "build; 2"},
		{GUARDED, "{}", OF_PULLS("\"require_code_owner_review\":true"), "build; 0 owners"},
		{GUARDED, "{}", OF_PULLS("\"require_last_push_approval\":true"),
		 "build; 0 last-push"},
		{GUARDED, "{}", OF_PULLS("\"required_review_thread_resolution\":true"),
		 "build; 0 conversations"},
		{GUARDED, "{}",
		 "[{\"type\":\"required_status_checks\",\"parameters\":{\"required_status_checks\":"
		 "[{\"context\":\"build\"},{\"context\":\"lint\",\"integration_id\":7},"
		 "{\"context\":\"any\",\"integration_id\":-1}]}},{\"type\":\"deletion\"}]",
		 "build lint@7 any; 0"},
	};
	struct world w;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct canned answers[] = {LISTS, SAY(BRANCH, 200, "", rows[i].branch),
						 SAY(PROTECTION, 200, "", rows[i].protection),
						 SAY(RULES, 200, "", rows[i].rules), END};
		autofree char *found = NULL;

		world_open(&w, *state, answers);
		act(&w, "forge-list", json_object());
		assert_int_equal(w.why.code, 0);
		found = demands(&w);
		if (strcmp(found, rows[i].expected) != 0)
			fail_msg("row %zu: found '%s', expected '%s'", i, found, rows[i].expected);
		world_release(&w);
	}
}

#define RULESET     "GET " REPO "/rulesets/7"
#define RULE(type)  "[{\"type\":\"" type "\",\"ruleset_id\":7}]"
#define BYPASS(may) "{\"current_user_can_bypass\":\"" may "\"}"

/* Nothing is passed over because the App may bypass it; what that may is not known stands in the way, too. */
static void rules_that_only_github_can_judge(void **state)
{
	static const struct {
		const char *rules;
		int status; /* of the ruleset; 0: it must not be asked for */
		const char *ruleset, *held;
	} rows[] = {
		{"[]", 0, "", NULL},
		{RULE("deletion"), 0, "", NULL},
		{RULE("copilot_code_review"), 0, "", NULL},
		{RULE("required_signatures"), 0, "", NULL},
		{RULE("code_scanning"), 200, BYPASS("always"), "does not hold for the App"},
		{RULE("code_scanning"), 200, BYPASS("exempt"), "does not hold for the App"},
		{RULE("code_scanning"), 200, BYPASS("never"), NULL},
		{RULE("workflows"), 200, BYPASS("pull_requests_only"), NULL},
		{RULE("required_deployments"), 404, REFUSED, "could not be found out"},
		{RULE("of the future"), 200, BYPASS("always"), "does not know"},
		{RULE("of the future"), 200, BYPASS("never"), NULL},
		{RULE("code_scanning"), 200, BYPASS("of the future"), "could not be found out"},
		{RULE("code_scanning"), 200, "{}", "could not be found out"},
		{RULE("merge_queue"), 200, BYPASS("never"), "two queues"},
		{"[{\"type\":\"code_scanning\"}]", 0, "", "could not be found out"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct canned answers[] = {
			LISTS,
			SAY(BRANCH, 200, "", "{\"protected\":false}"),
			SAY(RULES, 200, "", rows[i].rules),
			SAY(RULESET, rows[i].status ? rows[i].status : 500, "", rows[i].ruleset),
			SAY("GET " REPO "/rulesets/0", 404, "", REFUSED),
			END};
		cleanup(forge_rules_release) struct forge_rules r = {0};
		struct world w;

		world_open(&w, *state, answers);
		act(&w, "forge-list", json_object());
		assert_int_equal(w.why.code, 0);
		assert_int_equal(w.forge.ops->rules(&w.forge, &w.repo, &r, NULL), 0);
		assert_null(r.unknown);
		if (rows[i].held ? !r.held || !strstr(r.held, rows[i].held) : r.held != NULL)
			fail_msg("row %zu: found '%s', expected '%s'", i,
				 r.held ? r.held : "nothing",
				 rows[i].held ? rows[i].held : "nothing");
		world_release(&w);
	}
}

/* n rules that GitHub judges, each of a ruleset of its own, or all of one; the last one is of `last`. */
static char *many_rules(size_t n, bool apart, const char *last)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_addc(&b, '[');
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s{\"type\":\"%s\",\"ruleset_id\":%zu}", i ? "," : "",
			 i + 1 < n ? "code_scanning" : last, apart ? i + 1 : (size_t)7);
	buf_addc(&b, ']');
	return buf_steal(&b);
}

/* More than are looked at: what was not looked at is not passed over. */
static void more_rules_than_are_read(void **state)
{
	static const struct {
		size_t n;
		bool apart;
		const char *last, *held;
	} rows[] = {
		{50, false, "code_scanning", NULL},
		{51, false, "code_scanning", "the rule `more`"},
		{60, false, "merge_queue", "the rule `more`"},
		{20, true, "code_scanning", NULL},
		{21, true, "code_scanning", "could not be found out"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *rules = many_rules(rows[i].n, rows[i].apart, rows[i].last);
		struct canned answers[64] = {LISTS, SAY(BRANCH, 200, "", "{\"protected\":false}"),
					     SAY(RULES, 200, "", rules)};
		cleanup(forge_rules_release) struct forge_rules r = {0};
		char what[25][64];
		struct world w;
		size_t n = 0;

		while (answers[n].what)
			n++;
		for (size_t k = 0; k < ARRAY_LEN(what); k++) {
			snprintf(what[k], sizeof(what[k]), "GET " REPO "/rulesets/%zu", k + 1);
			answers[n + k] = (struct canned)SAY(what[k], 200, "", BYPASS("never"));
		}
		world_open(&w, *state, answers);
		act(&w, "forge-list", json_object());
		assert_int_equal(w.why.code, 0);
		assert_int_equal(w.forge.ops->rules(&w.forge, &w.repo, &r, NULL), 0);
		if (rows[i].held ? !r.held || !strstr(r.held, rows[i].held) : r.held != NULL)
			fail_msg("row %zu: found '%s'", i, r.held ? r.held : "nothing");
		world_release(&w);
	}
}

/* Teams that have to review some of the files: a review is waited for. */
static void teams_that_a_ruleset_names(void **state)
{
	static const char *const rules[] = {OF_PULLS("\"required_reviewers\":[]"),
					    OF_PULLS("\"required_reviewers\":["
						     "{\"minimum_approvals\":0}]"),
					    OF_PULLS("\"required_reviewers\":["
						     "{\"minimum_approvals\":0},"
						     "{\"minimum_approvals\":1}]")};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct canned answers[] = {LISTS,
						 SAY(BRANCH, 200, "", "{\"protected\":false}"),
						 SAY(RULES, 200, "", rules[i]), END};
		cleanup(forge_rules_release) struct forge_rules r = {0};
		struct world w;

		world_open(&w, *state, answers);
		act(&w, "forge-list", json_object());
		assert_int_equal(w.forge.ops->rules(&w.forge, &w.repo, &r, NULL), 0);
		assert_int_equal(r.reviewers, i == 2);
		world_release(&w);
	}
}

/* Read before it was known who may bypass what: nothing is known. */
static void rules_of_before(void **state)
{
	static const struct canned none[] = {END};
	cleanup(github_repo_release) struct github_repo gr = {0};
	cleanup(forge_rules_release) struct forge_rules r = {0};
	struct world w;

	world_open(&w, *state, none);
	assert_int_equal(github_repo_of(w.forge.db, w.repo.id, &gr, NULL), 1);
	row_set(&gr.required, "{\"branch\":{},\"protection\":{},\"rules\":{\"checks\":[]}}");
	assert_int_equal(github_repo_save(w.forge.db, &gr, NULL), 0);
	assert_int_equal(w.forge.ops->rules(&w.forge, &w.repo, &r, NULL), 0);
	assert_non_null(r.unknown);
	world_release(&w);
}

/* By which method nothing may land: by a linear history, and by what a pull request may be merged with. */
static void methods_that_the_rules_refuse(void **state)
{
	static const struct {
		const char *rules, *refused, *protection;
	} rows[] = {
		{"[]", "merge", "{\"required_linear_history\":{\"enabled\":true}}"},
		{"[]", "", "{\"required_linear_history\":{\"enabled\":false}}"},
		{OF_PULLS("\"allowed_merge_methods\":[\"merge\",\"squash\",\"rebase\"]"), "", NULL},
		{OF_PULLS("\"allowed_merge_methods\":[]"), "", NULL},
		{OF_PULLS("\"allowed_merge_methods\":[\"squash\"]"), "merge rebase", NULL},
		{RULE("required_linear_history"), "merge", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *protection = rows[i].protection;
		const struct canned answers[] = {
			LISTS, SAY(BRANCH, 200, "", protection ? GUARDED : "{\"protected\":false}"),
			SAY(PROTECTION, 200, "", protection ? protection : ""),
			SAY(RULES, 200, "", rows[i].rules), END};
		cleanup(forge_rules_release) struct forge_rules r = {0};
		autofree char *found = NULL;
		struct world w;

		world_open(&w, *state, answers);
		act(&w, "forge-list", json_object());
		assert_int_equal(w.forge.ops->rules(&w.forge, &w.repo, &r, NULL), 0);
		found = strvec_join(&r.no_methods, " ");
		assert_string_equal(found, rows[i].refused);
		world_release(&w);
	}
}

/* ---- another base ---- */

#define PULL_5(state, base, rest)                                                                  \
	"{\"number\":5,\"title\":\"t\",\"body\":\"\",\"state\":\"" state "\","                     \
	"\"user\":{\"login\":\"eve\",\"type\":\"User\"},"                                          \
	"\"created_at\":\"" SINCE "\",\"updated_at\":\"" SINCE "\"," rest                          \
	"\"base\":{\"ref\":\"" base "\",\"sha\":\"" HEAD_1 "\"},"                                  \
	"\"head\":{\"ref\":\"x\",\"sha\":\"" HEAD_1 "\",\"repo\":{\"full_name\":\"octo/app\"}}}"
#define INVALID(message)                                                                           \
	"{\"message\":\"Validation Failed\",\"errors\":[{\"resource\":\"PullRequest\",\"code\":"   \
	"\"custom\",\"message\":\"" message "\"}]}"
#define STACKED                                                                                    \
	INVALID("Cannot change the base branch because the pull request is part of a stack.")

/* A refusal is never taken for done: what counts is what the PR is now. */
static void a_base_that_cannot_be_changed(void **state)
{
	static const struct {
		const char *refusal, *pull, *error, *base;
	} rows[] = {
		{STACKED, PULL_5("open", "low", "\"stack\":{\"id\":1,\"number\":3},"),
		 "GitHub's stack 3, whose members keep their base: dissolve the stack", "low"},
		{STACKED, PULL_5("open", "main", "\"stack\":{\"id\":1,\"number\":3},"), NULL,
		 "main"},
		{INVALID("Cannot change the base branch of a closed pull request."),
		 PULL_5("closed", "low", ""), NULL, "low"},
		{INVALID("A pull request already exists for base branch 'main' and head branch "
			 "'x'"),
		 PULL_5("open", "low", ""), "GitHub has refused it: ", "low"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct canned answers[] = {
			SAY("PATCH " REPO "/pulls/5", 422, "", rows[i].refusal),
			SAY("GET " REPO "/pulls/5", 200, "", rows[i].pull), END};
		struct pr p = {.number = 5,
			       .title = (char *)"t",
			       .body = (char *)"",
			       .state = (char *)"open",
			       .author = (char *)"eve",
			       .topic = (char *)"x",
			       .base = (char *)"low",
			       .head = (char *)HEAD_1,
			       .files = (char *)"[]"};
		cleanup(pr_release) struct pr now = {0};
		struct world w;

		world_open(&w, *state, answers);
		p.repo = w.repo.id;
		assert_int_equal(pr_insert(w.forge.db, &p, NULL), 0);
		act(&w, "forge-pr-retarget", json_pack("{s:i,s:s}", "number", 5, "base", "main"));
		if (rows[i].error)
			assert_non_null(strstr(err_text(&w.why), rows[i].error));
		else
			assert_int_equal(w.why.code, 0);
		assert_int_equal(
			pr_find(w.forge.db, ST_PR_BY_NUMBER, &now, NULL, "ii", p.repo, (int64_t)5),
			1);
		assert_string_equal(now.base, rows[i].base);
		world_release(&w);
	}
}

/* ---- what the App may do ---- */

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

/* ---- an issue before the first prompt ---- */

#define ISSUE                                                                                      \
	SAY("GET " REPO "/issues/3", 200, "",                                                      \
	    "{\"number\":3,\"title\":\"t\",\"body\":\"b\",\"state\":\"open\",\"labels\":[],"       \
	    "\"user\":{\"login\":\"eve\",\"type\":\"User\"},"                                      \
	    "\"created_at\":\"" SINCE "\",\"updated_at\":\"" SINCE "\"}"),                         \
		SAY("GET " REPO "/issues/3/events?per_page=100", 200, "", "[]")
#define EDITED(at)                                                                                 \
	"{\"data\":{\"repository\":{\"databaseId\":5,\"issue\":{\"lastEditedAt\":" at              \
	",\"editor\":null}}}"

static void a_time_that_could_not_be_read(void **state)
{
	static const struct canned answers[] = {
		ISSUE,
		SAY_ONCE("POST /graphql", 200, "",
			 EDITED("null") ",\"errors\":[{\"message\":\"Something went wrong\"}]}"),
		SAY_ONCE("POST /graphql", 404, "", "{\"message\":\"Not Found\"}"),
		SAY_ONCE("POST /graphql", 200, "", EDITED("\"" SINCE "\"") "}"),
		SAY("POST /graphql", 200, "", EDITED("null") "}"),
		END};
	struct world w;

	world_open(&w, *state, answers);
	act(&w, "forge-look", json_pack("{s:i}", "number", 3));
	assert_int_equal(w.why.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err_text(&w.why), "Something went wrong"));
	/* A server without GraphQL has the issue nevertheless. */
	act(&w, "forge-look", json_pack("{s:i}", "number", 3));
	assert_int_equal(w.why.code, ERR_UNAVAILABLE);
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

/* ---- what people see, within GitHub's limits ---- */

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
	json_t *p = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:o}", "number", 4, "head", HEAD_1, "name",
			      "yardmaster/queue", "key", "yardmaster/queue:4:" HEAD_1, "title",
			      title, "summary", summary, "actions", json_array());

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
	assert_int_equal(stub_count(w.f->stub, "PATCH " REPO "/check-runs/9"), 1);
	p = check("failure", "red", "red", notes(1)); /* nothing is said twice */
	json_put_int(p, "repo", w.repo.id);
	assert_int_equal(w.forge.ops->act(&w.forge, 0, "forge-check", p, &out, NULL), FORGE_DONE);
	json_decref(out);
	assert_int_equal(stub_count(w.f->stub, RUNS), 1);
	act(&w, "forge-check", check(NULL, "tests again", "tests again", NULL));
	act(&w, "forge-check", check("success", "green", "green", NULL));
	assert_int_equal(w.why.code, 0);
	assert_int_equal(stub_count(w.f->stub, RUNS), 2);
	assert_int_equal(stub_count(w.f->stub, "PATCH " REPO "/check-runs/9"), 1);
	assert_int_equal(stub_count(w.f->stub, "PATCH " REPO "/check-runs/10"), 1);
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
		      "t", "head", HEAD_1));
	b = sent(&w, "POST " REPO "/pulls");
	assert_true(strlen(json_str(b, "body", "")) <= 65536);
	assert_true(strlen(json_str(b, "title", "")) <= 256);
	world_release(&w);
}

/* ---- what a delivery hints at (the rest is in test_github_hook.c) ---- */

#define STATUS(SHA)                                                                                \
	"{\"sender\":{\"login\":\"ci[bot]\",\"type\":\"Bot\"},\"repository\":{\"id\":5},\"sha\":"  \
	"\"" SHA "\"}"

/* It is told only of the very commit that waits in the queue. */
static void the_checks_of_a_candidate_are_heard_of(void **state)
{
	static const struct canned none[] = {END};
	static const char *const rows[][2] = {
		{STATUS(HEAD_1), "checks-changed 0 - ci[bot]"},
		{STATUS("2000000000000000000000000000000000000004"), ""},
	};
	struct candidate c = {.kind = (char *)"pr",
			      .gates = (char *)"[]",
			      .checks = (char *)"[]",
			      .created_ms = 1,
			      .state = (char *)"checking",
			      .base = (char *)HEAD_1,
			      .head = (char *)HEAD_1,
			      .oid = (char *)HEAD_1,
			      .method = (char *)"merge"};
	struct world w;

	world_open(&w, *state, none);
	c.repo = w.repo.id;
	assert_int_equal(candidate_insert(w.forge.db, &c, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *p = json_loads(rows[i][0], 0, NULL);
		enum github_heard heard;

		assert_int_equal(github_deliver(w.forge.github, "status", p, &heard, NULL), 0);
		assert_told(&w, rows[i][1]);
	}
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rules_that_were_seen_are_not_dropped),
		TEST(rules_that_were_never_seen),
		TEST(rules_that_come_back_are_read_again),
		TEST(what_each_source_demands),
		TEST(rules_that_only_github_can_judge),
		TEST(more_rules_than_are_read),
		TEST(teams_that_a_ruleset_names),
		TEST(rules_of_before),
		TEST(methods_that_the_rules_refuse),
		TEST(a_base_that_cannot_be_changed),
		TEST(a_time_that_could_not_be_read),
		TEST(an_app_that_only_reads_is_enough_in_shadow),
		TEST(a_renamed_file_is_of_both_names),
		TEST(the_checks_of_a_candidate_are_heard_of),
		TEST(a_check_run_is_cut),
		TEST(notes_do_not_stay_beside_green),
		TEST(a_comment_is_cut),
		TEST(a_pull_request_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
