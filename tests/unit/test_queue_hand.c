/*
 * test_queue_hand.c - what somebody did to the base past the queue: a PR that was merged by hand, a base that was moved
 * back; and the word of each outcome of a build.
 */
#include "bot_fixture.h"

#include "bot/actions.h"
#include "bot/approvals.h"
#include "bot/command.h"
#include "bot/reconcile.h"

#define HEAD_A "a000000000000000000000000000000000000001"
#define HEAD_B "b000000000000000000000000000000000000002"
#define CAND   "c000000000000000000000000000000000000003"
#define MOVED  "d000000000000000000000000000000000000004"

/* The git role has kept the tip from before, or given it up. */
static void kept(struct fx *f)
{
	while (fx_due(f, "base-keep", NULL))
		fx_answer(f, "base-keep", NULL);
}

static void move_base(struct fx *f, const char *old, const char *new)
{
	autojson json_t *p = json_pack("{s:I,s:s,s:s,s:s}", "repo", (json_int_t)f->repo.id, "old",
				       old, "new", new, "by", "somebody else");
	autofree char *key = xasprintf("move:%s:%s:%lld", old, new, (long long)fx_now);

	kept(f);
	assert_int_equal(event_add(f->bot.db, key, "base-moved", p, fx_now, NULL), 1);
	fx_turn(f);
}

/* What the git role says of the move. */
static void told(struct fx *f, const char *kind, const char *oid)
{
	json_t *commits = json_array();

	if (oid)
		json_array_append_new(commits, json_pack("{s:s}", "oid", oid));
	fx_answer(f, kind, json_pack("{s:o,s:b}", "commits", commits, "more", 0));
}

static void assert_said(struct fx *f, int64_t pr, const char *text)
{
	cleanup(comment_list_release) struct comment_list l = {0};

	assert_true(comment_all(f->bot.db, ST_COMMENT_OF, &l, NULL, "ii", f->repo.id, pr) >= 0);
	for (size_t i = 0; i < l.n; i++)
		if (strstr(l.v[i].body, text))
			return;
	fail_msg("#%lld: nobody said '%s'; last: %s", (long long)pr, text,
		 l.n ? l.v[l.n - 1].body : "nothing");
}

static void queue_one(struct fx *f)
{
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
}

static void assert_merged(struct fx *f, int64_t number)
{
	cleanup(pr_release) struct pr p = fx_pr(f, number);

	assert_string_equal(p.state, "merged");
	assert_string_equal(p.landed, p.head);
}

/* ---- merged by hand ---- */

static void a_head_that_reached_the_base_is_merged(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	move_base(f, FX_BASE, MOVED);
	told(f, "base-lost", NULL);
	told(f, "base-gained", HEAD_B);
	p = fx_pr(f, 1);
	assert_string_equal(p.state, "open");
	move_base(f, MOVED, HEAD_B);
	told(f, "base-lost", NULL);
	told(f, "base-gained", HEAD_A);
	assert_merged(f, 1);
	assert_said(f, 1,
		    "Merged by hand: `main` is at b00000000000 and contains the head of this PR");
}

static void and_leaves_the_queue(void **state)
{
	struct fx *f = *state;
	cleanup(queue_entry_release) struct queue_entry e = {0};

	queue_one(f);
	move_base(f, FX_BASE, MOVED);
	told(f, "base-lost", NULL);
	told(f, "base-gained", HEAD_A);
	assert_merged(f, 1);
	assert_int_equal(queue_entry_find(f->bot.db, ST_QUEUE_LAST_OF_PR, &e, NULL, "ii",
					  f->repo.id, (int64_t)1),
			 1);
	assert_string_equal(e.state, "dequeued");
	assert_non_null(strstr(e.reason, "merged by hand"));
}

static void what_a_build_finds_merged_is_merged(void **state)
{
	struct fx *f = *state;

	queue_one(f);
	fx_answer(f, "cand-build", json_pack("{s:s}", "outcome", "merged"));
	assert_merged(f, 1);
	assert_entry(f, 1, "dequeued");
	assert_int_equal(fx_due(f, "notify", NULL), 0);
}

/* ---- the other outcomes ---- */

static void each_outcome_has_its_word(void **state)
{
	static const struct {
		const char *result, *reason;
	} rows[] = {
		{"{\"outcome\":\"empty\"}",
		 "empty: `main` has all of its changes already, by other "
		 "commits; close it, or push what is missing"},
		{"{\"outcome\":\"conflict\",\"conflicts\":[]}", "it conflicts with `main`"},
		{"{\"outcome\":\"conflict\",\"conflicts\":[],\"commit\":\"" HEAD_B
		 "\",\"subject\":\"Mine\",\"merges_clean\":true}",
		 "it conflicts with `main` in commit b00000000000 (`Mine`) of the method rebase"},
		{"{\"outcome\":\"refused\",\"reason\":\"unrelated\",\"text\":\"no common "
		 "history\"}",
		 "it is refused: no common history"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(queue_entry_release) struct queue_entry e = {0};
		void *own;
		struct fx *f;

		assert_int_equal(fx_setup(&own), 0);
		f = own;
		queue_one(f);
		fx_answer(f, "cand-build", json_loads(rows[i].result, 0, NULL));
		assert_int_equal(queue_entry_find(f->bot.db, ST_QUEUE_LAST_OF_PR, &e, NULL, "ii",
						  f->repo.id, (int64_t)1),
				 1);
		assert_string_equal(e.state, "ejected");
		if (!strstr(e.reason, rows[i].reason))
			fail_msg("found    %s\nexpected %s", e.reason, rows[i].reason);
		fx_teardown(&own);
	}
}

/* ---- moved back ---- */

static size_t problems(struct fx *f)
{
	autojson json_t *rows = json_array();

	assert_int_equal(queue_lost_row(&f->bot, &f->repo, rows, NULL), 0);
	return json_array_size(rows);
}

/* PR 1 has landed as CAND, and the base goes back behind it; PR 2 depends on PR 1. */
static void lose_one(struct fx *f)
{
	queue_one(f);
	fx_built(f, CAND);
	fx_verified(f);
	fx_answer(f, "cand-land", json_pack("{s:s}", "outcome", "landed"));
	assert_entry(f, 1, "landed");
	while (fx_due(f, "repo-config", NULL))
		fx_answer(f, "repo-config", json_pack("{s:[]}", "files"));
	fx_push(f, 2, HEAD_B, "Depends-On: #1");
	fx_learnt(f);
	move_base(f, CAND, FX_BASE);
	kept(f);
	told(f, "base-lost", CAND);
	told(f, "base-gained", NULL);
	while (fx_due(f, "repo-config", NULL))
		fx_answer(f, "repo-config", json_pack("{s:[]}", "files"));
	fx_enqueue(f, 2);
	fx_turn(f);
}

static void what_the_base_lost_is_said(void **state)
{
	struct fx *f = *state;
	cleanup(queue_entry_release) struct queue_entry e = {0};

	lose_one(f);
	assert_said(f, 1,
		    "What landed of this PR is not on `main` any more. `main` was moved from "
		    "c00000000000 to 100000000000 by somebody else and has lost 1 commit, with "
		    "what landed of #1");
	assert_said(f, 1, "update-ref refs/heads/main " CAND);
	assert_int_equal(problems(f), 1);
	/* What depends on it does not land as if it were there. */
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_int_equal(
		queue_entry_find(f->bot.db, ST_QUEUE_OF_PR, &e, NULL, "ii", f->repo.id, (int64_t)2),
		1);
	assert_non_null(strstr(e.waits, "#1"));
}

static void until_it_is_back(void **state)
{
	struct fx *f = *state;

	lose_one(f);
	move_base(f, FX_BASE, CAND);
	told(f, "base-lost", NULL);
	told(f, "base-gained", CAND);
	assert_said(f, 1, "What landed of this PR is on `main` again.");
	assert_int_equal(problems(f), 0);
}

static void or_somebody_says_that_it_was_meant(void **state)
{
	struct fx *f = *state;
	struct commands cmds = {0};
	struct action a = {.bot = &f->bot, .repo = &f->repo, .number = 1, .actor = "anna"};
	autofree char *text = NULL;

	lose_one(f);
	commands_parse("/yard thaw", 10, "yard", &cmds);
	a.cmd = &cmds.v[0];
	assert_int_equal(action_do(&a, &text, NULL), 0);
	commands_release(&cmds);
	fx_turn(f);
	assert_int_equal(problems(f), 0);
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
}

/* ---- read too early ---- */

static const char *base_of(struct fx *f)
{
	cleanup(repo_release) struct repo r = {0};
	static char oid[64];

	assert_int_equal(repo_get(f->bot.db, f->repo.id, &r, NULL), 1);
	snprintf(oid, sizeof(oid), "%s", r.base_oid);
	return oid;
}

/* Read before a landing, told after it: nothing was moved back, and nobody hears that anything was lost. */
static void a_base_that_was_read_before_a_landing_is_read_again(void **state)
{
	struct fx *f = *state;

	queue_one(f);
	fx_built(f, CAND);
	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	assert_int_equal(reconcile_base(&f->bot, &f->repo, NULL), 0);
	fx_verified(f);
	fx_answer(f, "cand-land", json_pack("{s:s}", "outcome", "landed"));
	assert_entry(f, 1, "landed");
	fx_now++;
	fx_answer(f, "repo-base", json_pack("{s:s}", "oid", FX_BASE));
	assert_string_equal(base_of(f), CAND);
	assert_int_equal(fx_due(f, "base-lost", NULL), 0);
	/* What is read now counts. */
	while (fx_due(f, "repo-config", NULL))
		fx_answer(f, "repo-config", json_pack("{s:[]}", "files"));
	fx_answer(f, "repo-base", json_pack("{s:s}", "oid", MOVED));
	assert_string_equal(base_of(f), MOVED);
	assert_int_not_equal(fx_due(f, "base-lost", NULL), 0);
}

/* The tip from before is kept before anything is built that could bring back what went with it. */
static void nothing_is_built_before_the_tip_is_kept(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;

	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	move_base(f, FX_BASE, MOVED);
	while (fx_due(f, "repo-config", NULL))
		fx_answer(f, "repo-config", json_pack("{s:[]}", "files"));
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_int_not_equal(fx_due(f, "base-keep", &p), 0);
	assert_non_null(strstr(json_str(p, "ref", ""), "refs/yardmaster/rewound/" FX_BASE));
	assert_string_equal(json_str(p, "new", ""), FX_BASE);
	kept(f);
	fx_turn(f);
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
}

/* Without it nothing would say what comes back: nothing lands before a person has looked. */
static void a_tip_that_cannot_be_kept_freezes(void **state)
{
	struct fx *f = *state;
	int tries = 0;

	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	move_base(f, FX_BASE, MOVED);
	for (; fx_due(f, "base-keep", NULL) && tries < 10; tries++)
		fx_fail(f, "base-keep", "no space left on the device");
	fx_turn(f);
	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	assert_int_equal(f->repo.frozen, 1);
	assert_non_null(strstr(f->repo.frozen_reason, FX_BASE));
	assert_non_null(strstr(f->repo.frozen_reason, "no space left on the device"));
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_int_not_equal(fx_due(f, "notify", NULL), 0);
}

/* Nothing was lost: it is not kept for ever. */
static void a_tip_that_is_there_still_is_not_kept(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;

	move_base(f, FX_BASE, MOVED);
	kept(f);
	told(f, "base-lost", NULL);
	told(f, "base-gained", NULL);
	assert_int_not_equal(fx_due(f, "base-keep", &p), 0);
	assert_null(json_str(p, "new", NULL));
}

/* main goes on, back to where it was, and from there away: the first move took nothing, which is known late. */
static void a_tip_is_given_up_for_one_move_alone(void **state)
{
	struct fx *f = *state;
	autojson json_t *first = NULL, *last = NULL, *given_up = NULL;

	move_base(f, FX_BASE, MOVED);
	assert_int_not_equal(fx_due(f, "base-keep", &first), 0);
	move_base(f, MOVED, FX_BASE);
	move_base(f, FX_BASE, HEAD_B);
	assert_int_not_equal(fx_due(f, "base-keep", &last), 0);
	assert_string_equal(json_str(last, "new", ""), FX_BASE);
	kept(f);
	told(f, "base-lost", NULL);
	while (!fx_due(f, "base-keep", &given_up))
		fx_answer(f, fx_due(f, "base-lost", NULL) ? "base-lost" : "base-gained",
			  json_pack("{s:[{s:s}]}", "commits", "oid", MOVED));
	assert_null(json_str(given_up, "new", NULL));
	assert_string_equal(json_str(given_up, "ref", ""), json_str(first, "ref", "?"));
	assert_string_not_equal(json_str(given_up, "ref", ""), json_str(last, "ref", ""));
}

static int64_t valid_approvals(struct fx *f, int64_t pr, const char *head)
{
	int64_t n = -1;

	assert_int_equal(approvals_count(&f->bot, &f->repo, pr, head, NULL, &n, NULL), 0);
	return n;
}

static json_t *brings_back(void)
{
	return json_pack("{s:s,s:s,s:s,s:[{s:s,s:s}],s:[s]}", "outcome", "refused", "reason",
			 "brings-back", "text", "it would bring back 1 commit", "commits", "commit",
			 HEAD_B, "subject", "Add a secret", "lost", HEAD_B);
}

static void what_brings_something_back_takes_another_approval(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL, *again = NULL;

	queue_one(f);
	assert_int_not_equal(fx_due(f, "cand-build", &p), 0);
	assert_null(json_object_get(p, "brought_back"));
	assert_int_not_equal(valid_approvals(f, 1, HEAD_A), 0);
	fx_answer(f, "cand-build", brings_back());
	assert_entry(f, 1, "ejected");
	assert_said(f, 1, "What would come back: commit b00000000000 (`Add a secret`)");
	assert_int_equal(valid_approvals(f, 1, HEAD_A), 0);
	fx_now += 1000;
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_int_not_equal(fx_due(f, "cand-build", &again), 0);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(again, "brought_back"), 0)),
		HEAD_B);
}

/* The base moves on while a candidate is built: what was found of the old one was told to nobody. */
static void what_was_not_told_was_not_approved(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;

	queue_one(f);
	move_base(f, FX_BASE, MOVED);
	fx_answer(f, "cand-build", brings_back());
	kept(f);
	while (fx_due(f, "repo-config", NULL))
		fx_answer(f, "repo-config", json_pack("{s:[]}", "files"));
	fx_turn(f);
	assert_entry(f, 1, "queued");
	assert_int_not_equal(fx_due(f, "cand-build", &p), 0);
	assert_string_equal(json_str(p, "base", ""), MOVED);
	assert_null(json_object_get(p, "brought_back"));
	fx_answer(f, "cand-build", brings_back());
	assert_entry(f, 1, "ejected");
	assert_said(f, 1, "What would come back: commit b00000000000 (`Add a secret`)");
	assert_int_equal(valid_approvals(f, 1, HEAD_A), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_head_that_reached_the_base_is_merged),
		TEST(and_leaves_the_queue),
		TEST(what_a_build_finds_merged_is_merged),
		cmocka_unit_test(each_outcome_has_its_word),
		TEST(what_the_base_lost_is_said),
		TEST(until_it_is_back),
		TEST(or_somebody_says_that_it_was_meant),
		TEST(a_base_that_was_read_before_a_landing_is_read_again),
		TEST(nothing_is_built_before_the_tip_is_kept),
		TEST(a_tip_that_cannot_be_kept_freezes),
		TEST(a_tip_that_is_there_still_is_not_kept),
		TEST(a_tip_is_given_up_for_one_move_alone),
		TEST(what_brings_something_back_takes_another_approval),
		TEST(what_was_not_told_was_not_approved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
