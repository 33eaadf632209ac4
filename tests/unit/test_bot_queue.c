/* test_bot_queue.c - the merge queue between its steps: what people and failures do at the wrong moment. */
#include "bot_fixture.h"

#include "bot/approvals.h"

#define HEAD_A "a000000000000000000000000000000000000001"
#define HEAD_B "b000000000000000000000000000000000000002"
#define CAND   "c000000000000000000000000000000000000003"

/* PR 1 at HEAD_A, approved, queued, its candidate verified next. */
static void up_to_verify(struct fx *f)
{
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	fx_built(f, CAND);
	assert_int_not_equal(fx_due(f, "cand-verify", NULL), 0);
}

static void lands_what_is_approved(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	up_to_verify(f);
	fx_verified(f);
	fx_answer(f, "cand-land", json_pack("{s:s}", "outcome", "landed"));
	assert_entry(f, 1, "landed");
	p = fx_pr(f, 1);
	assert_string_equal(p.state, "merged");
	assert_string_equal(p.landed, CAND);
}

static void a_pr_that_is_closed_while_it_is_verified_does_not_land(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	up_to_verify(f);
	p = fx_pr(f, 1);
	assert_int_equal(local_pr_close(&f->forge, &f->repo, "dora", &p, NULL), 0);
	fx_turn(f);
	fx_verified(f);
	assert_int_equal(fx_due(f, "cand-land", NULL), 0);
	assert_entry(f, 1, "dequeued");
}

static void changes_asked_for_while_it_is_verified_call_it_off(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	up_to_verify(f);
	p = fx_pr(f, 1);
	assert_int_equal(
		local_pr_request_changes(&f->forge, &f->repo, "anna", &p, "Not yet.", NULL), 0);
	fx_turn(f);
	fx_verified(f);
	assert_int_equal(fx_due(f, "cand-land", NULL), 0);
	assert_int_equal(fx_due(f, "cand-verify", NULL), 0);
}

static void a_label_that_holds_calls_it_off(void **state)
{
	struct fx *f = *state;

	up_to_verify(f);
	assert_int_equal(local_label_add(&f->forge, &f->repo, "anna", 1, "hold", NULL), 1);
	fx_config(f, "labels:\n  hold: hold\n");
	fx_turn(f);
	fx_verified(f);
	assert_int_equal(fx_due(f, "cand-land", NULL), 0);
	assert_int_equal(local_label_remove(&f->forge, &f->repo, "anna", 1, "hold", NULL), 1);
	fx_turn(f);
	assert_entry(f, 1, "queued");
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
}

/* The base moved elsewhere while the PR was closed: nothing is built for it again. */
static void a_closed_pr_does_not_come_back_after_a_landing_that_failed(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	up_to_verify(f);
	fx_verified(f);
	p = fx_pr(f, 1);
	assert_int_equal(local_pr_close(&f->forge, &f->repo, "dora", &p, NULL), 0);
	fx_turn(f);
	fx_answer(f, "cand-land", json_pack("{s:s,s:s}", "outcome", "moved", "found", HEAD_B));
	while (fx_due(f, "cand-settle-ref", NULL))
		fx_answer(f, "cand-settle-ref", json_pack("{s:s}", "oid", HEAD_B));
	if (fx_due(f, "cand-settle", NULL))
		fx_answer(f, "cand-settle", json_pack("{s:b}", "contains", 0));
	while (fx_due(f, "repo-config", NULL))
		fx_answer(f, "repo-config", json_pack("{s:[]}", "files"));
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_entry(f, 1, "dequeued");
}

static void changes_asked_for_take_it_out_and_the_approval_with_it(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};
	int64_t n = -1;

	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	p = fx_pr(f, 1);
	assert_int_equal(
		local_pr_request_changes(&f->forge, &f->repo, "anna", &p, "Not yet.", NULL), 0);
	fx_turn(f);
	assert_entry(f, 1, "dequeued");
	assert_int_equal(approvals_count(&f->bot, &f->repo, 1, HEAD_A, NULL, &n, NULL), 0);
	assert_int_equal(n, 0);
}

/* Who has lost the permission since approves nothing: not in the queue, and not a moment before the landing. */
static void an_approval_counts_while_its_author_may_write(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};
	int64_t n = -1;

	up_to_verify(f);
	fx_permit(f, "anna", FORGE_READ);
	assert_int_equal(approvals_count(&f->bot, &f->repo, 1, HEAD_A, NULL, &n, NULL), 0);
	assert_int_equal(n, 0);
	fx_verified(f);
	p = fx_pr(f, 1);
	assert_string_equal(p.state, "open");
	assert_entry(f, 1, "queued");
	assert_int_equal(fx_due(f, "cand-land", NULL), 0);
	fx_permit(f, "anna", FORGE_WRITE);
	fx_turn(f);
	if (fx_due(f, "cand-build", NULL))
		fx_built(f, CAND);
	fx_verified(f);
	fx_answer(f, "cand-land", json_pack("{s:s}", "outcome", "landed"));
	assert_entry(f, 1, "landed");
}

/* Approved in the very moment of the push, the new head keeps its approval; the old one's is void. */
static void a_push_voids_the_approvals_of_other_heads_only(void **state)
{
	struct fx *f = *state;
	int64_t old = -1, new = -1;

	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_approve(f, 1);
	fx_turn(f);
	fx_push(f, 1, HEAD_B, NULL);
	fx_approve(f, 1);
	fx_turn(f);
	assert_int_equal(approvals_count(&f->bot, &f->repo, 1, HEAD_A, NULL, &old, NULL), 0);
	assert_int_equal(approvals_count(&f->bot, &f->repo, 1, HEAD_B, NULL, &new, NULL), 0);
	assert_int_equal(old, 0);
	assert_int_equal(new, 1);
}

/* A head that comes back after another one has its dependencies again. */
static void a_head_that_comes_back_is_read_again(void **state)
{
	struct fx *f = *state;
	cleanup(dependency_list_release) struct dependency_list l = {0};

	fx_push(f, 2, HEAD_B, NULL);
	fx_learnt(f);
	for (int i = 0; i < 3; i++) {
		fx_push(f, 1, i % 2 ? CAND : HEAD_A, NULL);
		fx_turn(f);
		fx_answer(f, "pr-log",
			  i % 2 ? json_pack("{s:[]}", "commits")
				: json_pack("{s:[{s:[{s:s,s:s}]}]}", "commits", "trailers", "key",
					    "Depends-On", "value", "#2"));
		fx_answer(f, "pr-contained", json_pack("{s:[]}", "pairs"));
	}
	assert_int_equal(
		dependency_all(f->bot.db, ST_DEPENDENCY_OF, &l, NULL, "ii", f->repo.id, (int64_t)1),
		0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.v[0].on_pr, 2);
}

/* The answer to a question about a head that is gone says nothing about the one that is there. */
static void an_answer_about_an_old_head_is_ignored(void **state)
{
	struct fx *f = *state;
	cleanup(dependency_list_release) struct dependency_list l = {0};

	fx_push(f, 2, HEAD_B, NULL);
	fx_learnt(f);
	fx_push(f, 1, HEAD_A, NULL);
	fx_turn(f);
	fx_answer(f, "pr-log", json_pack("{s:[]}", "commits"));
	fx_push(f, 1, CAND, NULL);
	fx_turn(f);
	fx_answer(f, "pr-contained", json_pack("{s:[[i,i],[i,i]]}", "pairs", 0, 1, 1, 0));
	assert_int_equal(
		dependency_all(f->bot.db, ST_DEPENDENCY_OF, &l, NULL, "ii", f->repo.id, (int64_t)1),
		0);
	assert_int_equal(l.n, 0);
}

static void what_cannot_be_read_does_not_land(void **state)
{
	struct fx *f = *state;

	fx_push(f, 1, HEAD_A, NULL);
	fx_turn(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	fx_fail(f, "pr-log", "a pack is damaged");
	assert_entry(f, 1, "dequeued");
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
}

#define GATED "queue:\n  gates: [\"make check\"]\n"

/* Up to the gate of the candidate; *ret is the name of its run. Caller frees. */
static char *up_to_gate(struct fx *f)
{
	autojson json_t *p = NULL;

	fx_config(f, GATED);
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	fx_built(f, CAND);
	fx_answer(f, "cand-checkout", NULL);
	assert_int_not_equal(fx_due(f, "run-start", &p), 0);
	return xstrdup(json_str(p, "run", ""));
}

/* Red, and then red again: who is to blame is asked of the base, whose checkout fails. */
static void a_base_that_cannot_be_checked_out_is_tried_again(void **state)
{
	struct fx *f = *state;
	autofree char *run = up_to_gate(f);
	int tries = 0;

	fx_told(f, "run-start", NULL, NULL);
	fx_run_ended(f, run, "exited", 1, false);
	fx_answer(f, "cand-checkout", NULL);
	fx_told(f, "run-start", NULL, NULL);
	fx_run_ended(f, "c1-g0-2", "exited", 1, false);
	for (; fx_due(f, "cand-checkout", NULL) && tries < 20; tries++) {
		fx_told(f, "cand-checkout", NULL, "the disk is full");
		fx_turn(f);
		while (fx_due(f, "cand-clean", NULL))
			fx_answer(f, "cand-clean", NULL);
	}
	assert_in_range(tries, 2, 10);
}

/* Two ends of the same candidate's gates, the first of a run that was given up: only the second counts. */
static void the_end_of_an_older_run_says_nothing(void **state)
{
	struct fx *f = *state;
	autofree char *run = up_to_gate(f);
	cleanup(attempt_release) struct attempt a = {0};

	fx_told(f, "run-start", NULL, NULL);
	fx_run_ended(f, run, "exited", 1, false);
	fx_answer(f, "cand-checkout", NULL);
	assert_int_equal(attempt_find(f->bot.db, ST_ATTEMPT_BY_RUN, &a, NULL, "s", run), 1);
	row_set(&a.state, "running"); /* as if a second word about it came */
	assert_int_equal(attempt_save(f->bot.db, &a, NULL), 0);
	{
		autojson json_t *p =
			json_pack("{s:s,s:s,s:i}", "run", run, "outcome", "exited", "code", 0);

		assert_int_equal(event_add(f->bot.db, "again", "run-ended", p, 1, NULL), 1);
	}
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-verify", NULL), 0);
	assert_int_not_equal(fx_due(f, "run-start", NULL), 0);
}

/* A question that fails is not asked again as fast as it can fail. */
static void a_doubt_is_asked_about_in_good_time(void **state)
{
	struct fx *f = *state;

	up_to_verify(f);
	fx_verified(f);
	fx_fail(f, "cand-land", "no answer");
	fx_fail(f, "cand-settle-ref", "no answer");
	assert_int_equal(fx_due(f, "cand-settle-ref", NULL), 0);
	fx_now += 5000;
	assert_int_not_equal(fx_due(f, "cand-settle-ref", NULL), 0);
	fx_answer(f, "cand-settle-ref", json_pack("{s:s}", "oid", CAND));
	fx_answer(f, "cand-settle", json_pack("{s:b}", "contains", 1));
	assert_entry(f, 1, "landed");
}

/* One repository that cannot be decided does not stop the others, nor the daemon. */
static void a_queue_that_cannot_be_decided_stands_alone(void **state)
{
	struct fx *f = *state;
	struct repo bad = {.name = xstrdup("aaa"),
			   .forge = xstrdup("local"),
			   .path = xstrdup("/nowhere"),
			   .base = xstrdup("main"),
			   .base_oid = xstrdup(FX_BASE),
			   .config_oid = xstrdup(FX_BASE),
			   .config = xstrdup("{not json"),
			   .next_number = 1};

	assert_int_equal(repo_insert(f->bot.db, &bad, NULL), 0);
	repo_release(&bad);
	up_to_verify(f);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		TEST(lands_what_is_approved),
		TEST(a_pr_that_is_closed_while_it_is_verified_does_not_land),
		TEST(changes_asked_for_while_it_is_verified_call_it_off),
		TEST(a_label_that_holds_calls_it_off),
		TEST(a_closed_pr_does_not_come_back_after_a_landing_that_failed),
		TEST(changes_asked_for_take_it_out_and_the_approval_with_it),
		TEST(an_approval_counts_while_its_author_may_write),
		TEST(a_push_voids_the_approvals_of_other_heads_only),
		TEST(a_head_that_comes_back_is_read_again),
		TEST(an_answer_about_an_old_head_is_ignored),
		TEST(what_cannot_be_read_does_not_land),
		TEST(a_base_that_cannot_be_checked_out_is_tried_again),
		TEST(the_end_of_an_older_run_says_nothing),
		TEST(a_doubt_is_asked_about_in_good_time),
		TEST(a_queue_that_cannot_be_decided_stands_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
