/* test_queue_rules.c - what the forge's rules want of people, in words; and who owns a path by CODEOWNERS. */
#include "bot_fixture.h"

#include "base/buf.h"
#include "bot/codeowners.h"
#include "bot/queue_rules.h"
#include "forge/github_job.h"

#define HEAD_A "a000000000000000000000000000000000000001"
#define HEAD_B "b000000000000000000000000000000000000002"

/* ---- rules and verdict ---- */

static char *text(const struct forge_rules *r, bool conversations, const char *verdict,
		  const char *owners)
{
	autojson json_t *v = verdict ? json_loads(verdict, 0, NULL) : NULL;

	return queue_rules_text(&(struct queue_rules_facts){.rules = r,
							    .conversations = conversations,
							    .head = HEAD_A,
							    .verdict = v,
							    .owners = owners});
}

#define VERDICT(decision, n)                                                                       \
	"{\"head\":\"" HEAD_A "\",\"decision\":\"" decision "\",\"by\":[],\"unresolved\":" #n "}"
#define WANTED(head, decision)                                                                     \
	"{\"head\":\"" head "\",\"by\":[\"eve\"]" decision ",\"unresolved\":0}"

#define assert_waits(expected, ...)                                                                \
	do {                                                                                       \
		autofree char *text_ = text(__VA_ARGS__);                                          \
                                                                                                   \
		if (!text_ || !strstr(text_, expected))                                            \
			fail_msg("found '%s', expected '%s'", text_ ? text_ : "nothing",           \
				 expected);                                                        \
	} while (0)
#define assert_free(...)                                                                           \
	do {                                                                                       \
		autofree char *text_ = text(__VA_ARGS__);                                          \
                                                                                                   \
		if (text_)                                                                         \
			fail_msg("found '%s', expected nothing", text_);                           \
	} while (0)

static void what_is_not_known_stands_in_the_way(void **state)
{
	struct forge_rules unknown = {.unknown = (char *)"it is asked"}, two = {.approvals = 2};

	(void)state;
	assert_waits("rules to be read from the forge: it is asked", &unknown, false,
		     VERDICT("approved", 0), NULL);
	assert_waits("to be read", &two, false, NULL, NULL);
	assert_waits("to be read", &two, false,
		     "{\"head\":\"" HEAD_B "\",\"decision\":\"approved\",\"unresolved\":0}", NULL);
	assert_waits("could not be read from the forge: no", &two, false,
		     "{\"head\":\"" HEAD_A "\",\"why\":\"no\"}", NULL);
	/* A number of approvals is wanted, and the forge says that none is: not both are true. */
	assert_waits("waits for a review", &two, false, VERDICT("none", 0), NULL);
	assert_waits("waits for a review", &two, false, VERDICT("of the future", 0), NULL);
}

static void nothing_is_asked_for_where_nothing_is_wanted(void **state)
{
	struct forge_rules none = {0};

	(void)state;
	assert_free(&none, false, NULL, NULL);
	assert_free(&none, false, "{\"head\":\"" HEAD_A "\",\"why\":\"no\"}", NULL);
	assert_free(&none, false, VERDICT("review-required", 3), NULL);
}

static void reviews(void **state)
{
	struct forge_rules two = {.approvals = 2}, owners = {.code_owners = true},
			   last = {.last_push = true}, none = {0};

	(void)state;
	assert_waits("requires, 2 in all", &two, false, VERDICT("review-required", 0), NULL);
	assert_free(&two, false, VERDICT("approved", 5), NULL);
	assert_waits("by a code owner: @a (src/x)", &owners, false, VERDICT("review-required", 0),
		     "@a (src/x)");
	assert_free(&owners, false, VERDICT("none", 0), "@a (src/x)"); /* nothing of theirs */
	assert_waits("somebody else than who pushed it", &last, false,
		     VERDICT("review-required", 0), NULL);
	assert_waits("somebody, who requested changes", &none, false,
		     VERDICT("changes-requested", 0), NULL);
	assert_waits("by the teams that a ruleset names", &(struct forge_rules){.reviewers = true},
		     false, VERDICT("review-required", 0), NULL);
}

/* Where no review is required GitHub says nothing of it; a push does not undo it. */
static void changes_that_somebody_requested(void **state)
{
	struct forge_rules none = {0}, two = {.approvals = 2};
	struct queue_rules_facts f = {.rules = &none, .reviews = true, .head = HEAD_A};
	static const char *const verdicts[] = {
		WANTED(HEAD_A, ""), WANTED(HEAD_A, ",\"decision\":\"none\""),
		WANTED(HEAD_A, ",\"decision\":\"approved\""), WANTED(HEAD_A, ",\"why\":\"no\""),
		WANTED(HEAD_B, ",\"decision\":\"none\"")};
	autofree char *never = queue_rules_text(&f);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		assert_waits("@eve, who requested changes", &none, false, verdicts[i], NULL);
		assert_waits("@eve, who requested changes", &two, false, verdicts[i], NULL);
	}
	/* Not read for this head yet, there may be one. */
	assert_non_null(never);
	assert_non_null(strstr(never, "to be read"));
	for (int i = 0; i < 2; i++) {
		autojson json_t *v = json_loads(i ? "{\"head\":\"" HEAD_A "\",\"by\":[]}"
						  : "{\"head\":\"" HEAD_B "\",\"by\":[]}",
						0, NULL);
		autofree char *found = NULL;

		f.verdict = v;
		found = queue_rules_text(&f);
		assert_int_equal(found == NULL, i);
	}
	/* Of one that is based on another PR GitHub's rules say nothing. */
	assert_waits("to be read", &two, false, "{\"head\":\"" HEAD_A "\",\"by\":[]}", NULL);
}

/* Whatever people say of the PR: the rules or the configuration have to be changed. */
static void rules_that_nobody_can_meet(void **state)
{
	struct forge_rules held = {.held = (char *)"the rule `x` is GitHub's to judge"}, none = {0};
	struct queue_rules_facts f = {.rules = &none, .head = HEAD_A, .method = "merge"};
	autofree char *found = NULL;

	(void)state;
	assert_waits("waits: the rule `x` is GitHub's to judge", &held, false,
		     VERDICT("approved", 0), NULL);
	strvec_pushl(&none.no_methods, "merge", "rebase", NULL);
	found = queue_rules_text(&f);
	assert_non_null(found);
	assert_non_null(
		strstr(found, "nothing land by merge, rebase, and the queue's method is merge"));
	f.method = "squash";
	assert_null(queue_rules_text(&f));
	strvec_release(&none.no_methods);
}

static void conversations(void **state)
{
	struct forge_rules r = {.conversations = true}, none = {0};

	(void)state;
	assert_waits("2 unresolved conversations", &r, false, VERDICT("none", 2), NULL);
	assert_waits("1 unresolved conversation", &none, true, VERDICT("approved", 1), NULL);
	assert_free(&r, true, VERDICT("none", 0), NULL);
	assert_waits("to be read", &none, true, NULL, NULL);
}

/* ---- CODEOWNERS ---- */

static void owners_of_paths(void **state)
{
	static const char file[] = "# a comment\n"
				   "*            @all\n"
				   "*.js         @js # not this\n"
				   "/build/logs/ @logs @octo/ops\n"
				   "docs/*       docs@example.org\n"
				   "apps/        @apps\n"
				   "/apps/github\n"
				   "**/deep      @deep\n"
				   "/svc/*/api/  @api\n"
				   "/lib/**/t_*.c @t\n"
				   "folder?/     @folder\n"
				   "/with\\ space @space\n"
				   "!*.c         @nobody\n"
				   "[a-z].c      @nobody\n"
				   "/only.txt";
	static const struct {
		const char *path, *owner;
	} rows[] = {
		{"a.c", "@all"},
		{"x/y/a.js", "@js"},
		{"build/logs/x/y", "@logs"},
		{"x/build/logs/y", "@all"},
		{"docs/a.md", "docs@example.org"},
		{"docs/x/a.md", "@all"},
		{"x/docs/a.md", "@all"},
		{"x/apps/y/z", "@apps"},
		{"apps/github", NULL},
		{"apps/github/x", NULL},
		{"apps/githubs", "@apps"},
		{"x/deep/y", "@deep"},
		{"deep", "@deep"},
		{"svc/a/api/x/y", "@api"},
		{"svc/a/apis/x", "@all"},
		{"svc2/a/api/x", "@all"},
		{"lib/t_a.c", "@t"},
		{"lib/a/b/t_a.c", "@t"},
		{"lib/a/b/u_a.c", "@all"},
		{"x/folder1/y", "@folder"},
		{"with space", "@space"},
		{"only.txt", NULL},
	};
	autojson json_t *files =
		json_pack("{s:s,s:s}", "CODEOWNERS", file, "docs/CODEOWNERS", "* @other\n");
	cleanup(codeowners_release) struct codeowners c = {0};

	(void)state;
	codeowners_load(files, &c);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct strvec *o = codeowners_of(&c, rows[i].path);
		const char *found = o ? o->v[0] : NULL;

		if (!found != !rows[i].owner || (found && strcmp(found, rows[i].owner) != 0))
			fail_msg("%s: found %s, expected %s", rows[i].path,
				 found ? found : "nobody",
				 rows[i].owner ? rows[i].owner : "nobody");
	}
	assert_int_equal(codeowners_of(&c, "build/logs/x")->n, 2);
}

static void a_file_of_too_many_rules_says_so(void **state)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	cleanup(codeowners_release) struct codeowners c = {0};
	autojson json_t *files = json_object();

	(void)state;
	for (int i = 0; i <= CODEOWNERS_RULES_MAX; i++)
		buf_adds(&b, "* @a\n");
	json_put_str(files, ".github/CODEOWNERS", b.s);
	codeowners_load(files, &c);
	assert_true(c.too_many);
	assert_true(codeowners_too_many(&c, 1));
	c.too_many = false; /* as many as there may be: then it depends on the paths */
	assert_false(codeowners_too_many(&c, 8000));
	assert_true(codeowners_too_many(&c, 8001));
	c.n = 0;
	assert_false(codeowners_too_many(&c, SIZE_MAX));
	c.n = CODEOWNERS_RULES_MAX;
}

/* ---- on the queue ---- */

/* No approval but the owners' is wanted. */
static void config(struct fx *f, const char *owners)
{
	autojson json_t *files =
		json_pack("{s:s,s:s}", CONF_REPO_PATH,
			  "queue: { code-owners: true, approvals: 0 }\n", "CODEOWNERS", owners);

	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	row_take(&f->repo.config, json_text(files));
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
}

static char *waits(struct fx *f)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};

	assert_int_equal(queue_entry_find(f->bot.db, ST_QUEUE_LAST_OF_PR, &e, NULL, "ii",
					  f->repo.id, (int64_t)1),
			 1);
	return xstrdup(e.waits ? e.waits : "");
}

/* anna approves and owns nothing of it; then she does. */
static void a_code_owner_is_waited_for_by_configuration(void **state)
{
	struct fx *f = *state;
	autofree char *said = NULL;

	config(f, "* @dora @Berta\n"); /* dora is the author: her word is none */
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	said = waits(f);
	assert_string_equal(said, "1: waits for a review by a code owner: @dora @Berta (a)");
	config(f, "* @dora @Anna\n");
	fx_turn(f);
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
}

/* It is hers no more when she may not write any more. */
static void an_owner_who_lost_the_permission_does_not_count(void **state)
{
	struct fx *f = *state;
	autofree char *said = NULL;

	config(f, "* @anna\n");
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_permit(f, "anna", FORGE_READ);
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	said = waits(f);
	assert_string_equal(said, "1: waits for a review by a code owner: @anna (a)");
	fx_permit(f, "anna", FORGE_WRITE);
	fx_turn(f);
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
}

/* The author owns it and approves: not what an owner's review is for. */
static void the_author_is_no_owner_of_the_own_change(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	config(f, "* @Dora\n");
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_permit(f, "dora", FORGE_WRITE);
	p = fx_pr(f, 1);
	assert_int_equal(db_run(f->bot.db, ST_APPROVAL_SET, NULL, "iissi", f->repo.id, (int64_t)1,
				p.head, "dora", fx_now),
			 1);
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
}

static void on_github(struct fx *f)
{
	fx_on_github(f);
	assert_int_equal(db_run(f->bot.db, ST_GITHUB_LEVEL_SET, NULL, "isii", f->repo.id, "anna",
				(int64_t)FORGE_WRITE, fx_now),
			 1);
}

static void team_has(struct fx *f, int64_t member)
{
	assert_int_equal(db_run(f->bot.db, ST_GITHUB_TEAM_SET, NULL, "ssisi", "octo/core", "anna",
				member, NULL, fx_now),
			 1);
	fx_turn(f);
}

/* Nobody is taken for one of a team of whom that is not known. */
static void a_team_that_owns_approves_by_its_members(void **state)
{
	struct fx *f = *state;

	on_github(f);
	config(f, "* @octo/core\n");
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	team_has(f, -1); /* GitHub does not say */
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	team_has(f, 0);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	team_has(f, 1);
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
}

/* What is being verified is called off when an owner is wanted by then. */
static void a_rule_that_comes_late_calls_the_landing_off(void **state)
{
	struct fx *f = *state;

	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	fx_built(f, HEAD_B);
	assert_int_not_equal(fx_due(f, "cand-verify", NULL), 0);
	config(f, "* @berta\n");
	fx_verified(f);
	assert_int_equal(fx_due(f, "cand-land", NULL), 0);
	assert_entry(f, 1, "queued");
}

static void freeze(struct fx *f, bool on)
{
	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	f->repo.frozen = on;
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
	fx_turn(f);
}

/* What becomes of candidate 1 when the forge's check says this. */
static void assert_ci(struct fx *f, const char *said, const char *state, const char *detail)
{
	cleanup(candidate_release) struct candidate c = {0};
	autofree char *key = xasprintf("ci:%lld", (long long)fx_now);
	autojson json_t *p =
		json_pack("{s:b,s:{s:i},s:{s:[{s:s,s:s}]}}", "ok", 1, "ctx", "candidate", 1,
			  "result", "checks", "name", "build", "state", said);

	assert_int_equal(event_add(f->bot.db, key, "did-forge-checks", p, fx_now, NULL), 1);
	assert_int_equal(decide_events(&f->bot, NULL) >= 0, 1);
	assert_int_equal(candidate_get(f->bot.db, 1, &c, NULL), 1);
	assert_string_equal(c.state, state);
	assert_non_null(strstr(c.detail, detail));
}

/* Green and kept back by a person while the forge began to require a check: that is waited for first. */
static void a_check_that_is_required_late_is_waited_for(void **state)
{
	struct fx *f = *state;
	cleanup(github_repo_release) struct github_repo gr = {0};

	on_github(f);
	fx_push(f, 1, HEAD_A, NULL);
	fx_reviewed(f, 1, HEAD_B);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0); /* its reviews were not read */
	fx_reviewed(f, 1, HEAD_A);
	fx_turn(f);
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
	freeze(f, true);
	fx_built(f, HEAD_B);
	assert_int_equal(fx_due(f, "cand-verify", NULL), 0);
	assert_int_equal(github_repo_of(f->bot.db, f->repo.id, &gr, NULL), 1);
	row_set(&gr.required, "{\"protection\":{},\"branch\":{\"checks\":[{\"name\":\"build\"}]},"
			      "\"rules\":{},\"rulesets\":{}}");
	assert_int_equal(github_repo_save(f->bot.db, &gr, NULL), 0);
	freeze(f, false);
	assert_int_equal(fx_due(f, "cand-verify", NULL), 0);
	fx_answer(f, "cand-branch", json_pack("{s:[{s:s}]}", "results", "outcome", "pushed"));
	/* An hour, and not longer. */
	assert_ci(f, "pending", "checking", "`build` (not there yet)");
	fx_now += (int64_t)3600 * 1000;
	assert_ci(f, "pending", "errored", "did not end within 60 minutes (queue.check-minutes)");
}

/* ---- PRs that queue themselves ---- */

#define AUTO                                                                                       \
	"queue: { approvals: 0 }\nbots: ['yes[bot]']\n"                                            \
	"auto-queue: { label: automerge, authors: [dora, 'yes[bot]', 'no[bot]'] }\n"

/* dora's PR, which anna has approved, then whatever `but` changes, and then this label. */
static void labelled(struct fx *f, void (*but)(struct fx *f, struct pr *p), const char *label)
{
	cleanup(pr_release) struct pr p = {0};

	fx_config(f, AUTO);
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_approve(f, 1);
	p = fx_pr(f, 1);
	if (but)
		but(f, &p);
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
	assert_int_equal(db_run(f->bot.db, ST_LABEL_SET, NULL, "iissi", f->repo.id, (int64_t)1,
				label, "anna", fx_now),
			 1);
	fx_turn(f);
}

static void of_another(struct fx *f, struct pr *p)
{
	(void)f;
	row_set(&p->author, "carol");
}

static void of_the_bot(struct fx *f, struct pr *p)
{
	(void)f;
	row_set(&p->author, "yes[bot]");
}

static void of_a_bot(struct fx *f, struct pr *p)
{
	(void)f;
	row_set(&p->author, "no[bot]");
}

static void on_a_branch(struct fx *f, struct pr *p)
{
	(void)f;
	row_set(&p->base, "other");
}

static void not_approved(struct fx *f, struct pr *p)
{
	(void)p;
	fx_permit(f, "anna", FORGE_READ);
}

static void as_a_draft(struct fx *f, struct pr *p)
{
	(void)f;
	p->draft = 1;
}

static void held(struct fx *f, struct pr *p)
{
	(void)f;
	p->held = 1;
}

static void that_is_not_to_be_merged(struct fx *f, struct pr *p)
{
	(void)p;
	assert_int_equal(db_run(f->bot.db, ST_LABEL_SET, NULL, "iissi", f->repo.id, (int64_t)1,
				"do-not-merge", "anna", fx_now),
			 1);
}

static void one_queues_itself_when_all_is_so(void **state)
{
	static const struct {
		void (*but)(struct fx *f, struct pr *p);
		const char *label;
		bool does;
	} rows[] = {
		{NULL, "automerge", true},
		{of_the_bot, "automerge", true},
		{NULL, "auto", false},
		{of_another, "automerge", false},
		{of_a_bot, "automerge", false},
		{on_a_branch, "automerge", false},
		{not_approved, "automerge", false},
		{as_a_draft, "automerge", false},
		{held, "automerge", false},
		{that_is_not_to_be_merged, "automerge", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fx *f;
		void *own;
		autofree char *found = NULL;

		assert_int_equal(fx_setup(&own), 0);
		f = own;
		labelled(f, rows[i].but, rows[i].label);
		found = fx_entry(f, 1);
		if (!*found == rows[i].does)
			fail_msg("row %zu: found '%s'", i, found);
		fx_teardown(&own);
	}
	(void)state;
}

/* Taken out by a person it stays out, until it is another head. */
static void a_head_queues_itself_once(void **state)
{
	struct fx *f = *state;

	labelled(f, NULL, "automerge");
	assert_entry(f, 1, "queued");
	assert_int_equal(queue_leave(&f->bot, &f->repo, 1, "dequeued", "by anna", NULL), 1);
	fx_turn(f);
	assert_entry(f, 1, "dequeued");
	fx_push(f, 1, HEAD_B, NULL);
	fx_learnt(f);
	fx_approve(f, 1);
	fx_turn(f);
	assert_entry(f, 1, "queued");
}

/* ---- looked at again ---- */

/* How many of the queue are read again when this is known of PR 1. */
static int looks(struct fx *f, struct github *g, const char *verdict, int64_t candidate)
{
	cleanup(pr_release) struct pr p = fx_pr(f, 1);
	cleanup(queue_entry_release) struct queue_entry e = {0};
	int n = 0;

	row_set(&p.verdict, verdict);
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
	assert_int_equal(
		queue_entry_find(f->bot.db, ST_QUEUE_OF_PR, &e, NULL, "ii", f->repo.id, (int64_t)1),
		1);
	e.candidate = candidate;
	assert_int_equal(queue_entry_save(f->bot.db, &e, NULL), 0);
	assert_int_equal(github_look_at_queue(g, &f->repo, NULL), 0);
	for (int64_t id; (id = fx_due(f, "forge-sync", NULL)); n++)
		assert_int_equal(effect_done(f->bot.db, id, true, NULL, fx_now, NULL), 1);
	fx_now++;
	return n;
}

/* Whether a conversation is resolved shows in no list: what waits for that is read every time. */
static void what_waits_for_a_review_is_read_again(void **state)
{
	struct fx *f = *state;
	struct github g = {.o = {.db = f->bot.db, .clock = &f->clock}};
	cleanup(candidate_release) struct candidate c = {.repo = f->repo.id,
							 .kind = xstrdup("pr"),
							 .base = xstrdup(FX_BASE),
							 .head = xstrdup(HEAD_A),
							 .method = xstrdup("merge"),
							 .gates = xstrdup("[]"),
							 .state = xstrdup("building"),
							 .checks = xstrdup("[]")};

	config(f, "* @berta\n");
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_int_equal(candidate_insert(f->bot.db, &c, NULL), 0);
	assert_int_equal(looks(f, &g, NULL, 0), 1);
	assert_int_equal(looks(f, &g, VERDICT("approved", 0), 0), 0);
	assert_int_equal(looks(f, &g, VERDICT("none", 0), 0), 0);
	assert_int_equal(looks(f, &g, VERDICT("approved", 1), 0), 1);
	assert_int_equal(looks(f, &g, VERDICT("review-required", 0), 0), 1);
	assert_int_equal(looks(f, &g, VERDICT("changes-requested", 0), 0), 1);
	assert_int_equal(looks(f, &g, "{\"head\":\"" HEAD_A "\",\"why\":\"no\"}", 0), 1);
	assert_int_equal(looks(f, &g, VERDICT("approved", 0), c.id), 1); /* it may land next */
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_stands_in_the_way),
		cmocka_unit_test(nothing_is_asked_for_where_nothing_is_wanted),
		cmocka_unit_test(reviews),
		cmocka_unit_test(changes_that_somebody_requested),
		cmocka_unit_test(rules_that_nobody_can_meet),
		cmocka_unit_test(conversations),
		cmocka_unit_test(owners_of_paths),
		cmocka_unit_test(a_file_of_too_many_rules_says_so),
		TEST(a_code_owner_is_waited_for_by_configuration),
		TEST(an_owner_who_lost_the_permission_does_not_count),
		TEST(the_author_is_no_owner_of_the_own_change),
		TEST(a_team_that_owns_approves_by_its_members),
		TEST(a_rule_that_comes_late_calls_the_landing_off),
		TEST(a_check_that_is_required_late_is_waited_for),
		TEST(a_head_queues_itself_once),
		cmocka_unit_test(one_queues_itself_when_all_is_so),
		TEST(what_waits_for_a_review_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
