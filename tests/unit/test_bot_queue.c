/* test_bot_queue.c - the merge queue between its steps: what people and failures do at the wrong moment. */
#include "bot_fixture.h"

#include "base/buf.h"
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

/* In one second twice: the forge's checks of the first commit must not be taken for those of the second. */
static void what_is_built_again_is_another_commit(void **state)
{
	struct fx *f = *state;
	autojson json_t *first = NULL, *again = NULL;

	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_int_not_equal(fx_due(f, "cand-build", &first), 0);
	fx_fail(f, "cand-build", "the disk is full");
	assert_int_not_equal(fx_due(f, "cand-build", &again), 0);
	assert_true(json_int(again, "time_ms", 0) / 1000 > json_int(first, "time_ms", 0) / 1000);
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
				: json_pack("{s:[{s:s}]}", "commits", "message",
					    "x\n\nDepends-On: #2"));
		fx_answer(f, "pr-contained", json_pack("{s:[]}", "below"));
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
	fx_answer(f, "pr-contained", json_pack("{s:[s],s:[s]}", "below", HEAD_B, "above", HEAD_B));
	assert_int_equal(
		dependency_all(f->bot.db, ST_DEPENDENCY_OF, &l, NULL, "ii", f->repo.id, (int64_t)1),
		0);
	assert_int_equal(l.n, 0);
}

/* What a person reads of the place of a PR in the queue. Caller frees. */
static char *waits_of(struct fx *f, int64_t number)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};

	assert_int_equal(
		queue_entry_find(f->bot.db, ST_QUEUE_OF_PR, &e, NULL, "ii", f->repo.id, number), 1);
	return e.waits ? steal(&e.waits) : xstrdup("");
}

/* Everything that was said on a PR. Caller frees. */
static char *said_on(struct fx *f, int64_t number)
{
	cleanup(comment_list_release) struct comment_list l = {0};
	cleanup(buf_release) struct buf b = BUF_INIT;

	assert_true(comment_all(f->bot.db, ST_COMMENT_OF, &l, NULL, "ii", f->repo.id, number) >= 0);
	for (size_t i = 0; i < l.n; i++)
		buf_addf(&b, "%s\n", l.v[i].body);
	return buf_steal(&b);
}

#define assert_has(text_, word)                                                                    \
	do {                                                                                       \
		autofree char *has_ = (text_);                                                     \
                                                                                                   \
		if (!strstr(has_, word))                                                           \
			fail_msg("found '%s', expected '%s' in it", has_, word);                   \
	} while (0)

static void what_cannot_be_read_does_not_land(void **state)
{
	struct fx *f = *state;

	fx_push(f, 1, HEAD_A, NULL);
	fx_turn(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	fx_fail(f, "pr-log", "a pack is damaged");
	assert_entry(f, 1, "queued");
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_has(waits_of(f, 1), "what it depends on is not known yet (a pack is damaged)");
	assert_has(said_on(f, 1), "could not be found out: a pack is damaged");
	assert_int_not_equal(fx_due(f, "notify", NULL), 0);
}

/* The failure came first, and nobody was in the queue to be taken out of it. */
static void what_could_not_be_read_before_it_was_queued_does_not_land(void **state)
{
	struct fx *f = *state;

	fx_push(f, 1, HEAD_A, NULL);
	fx_turn(f);
	fx_fail(f, "pr-log", "a pack is damaged");
	fx_now += 3600000;
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_has(waits_of(f, 1), "a pack is damaged");
	fx_answer(f, "pr-log", json_pack("{s:[]}", "commits"));
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
	assert_has(said_on(f, 1), "is known now");
}

static void nor_when_its_stack_could_not(void **state)
{
	struct fx *f = *state;

	fx_push(f, 2, HEAD_B, NULL);
	fx_learnt(f);
	fx_push(f, 1, HEAD_A, NULL);
	fx_turn(f);
	fx_answer(f, "pr-log", json_pack("{s:[]}", "commits"));
	fx_fail(f, "pr-contained", "a commit is missing");
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_has(waits_of(f, 1), "a commit is missing");
}

static void nor_when_only_a_part_of_its_commits_was_read(void **state)
{
	struct fx *f = *state;

	fx_push(f, 1, HEAD_A, NULL);
	fx_turn(f);
	fx_enqueue(f, 1);
	fx_answer(f, "pr-log", json_pack("{s:[],s:b}", "commits", "more", 1));
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_has(waits_of(f, 1), "more than");
}

/* Later each time, but never later than ten minutes; a push asks at once. */
static void it_is_asked_again_in_good_time(void **state)
{
	struct fx *f = *state;
	int64_t last = 0;

	fx_push(f, 1, HEAD_A, NULL);
	fx_turn(f);
	for (int i = 0; i < 12; i++) {
		int64_t at = fx_now;

		fx_fail(f, "pr-log", "a pack is damaged");
		assert_int_equal(fx_due(f, "pr-log", NULL), 0);
		while (!fx_due(f, "pr-log", NULL))
			fx_now += 1000;
		assert_in_range(fx_now - at, last, 601000);
		last = fx_now - at - 1000;
	}
	fx_fail(f, "pr-log", "a pack is damaged");
	assert_int_equal(fx_due(f, "pr-log", NULL), 0);
	fx_push(f, 1, HEAD_B, NULL);
	fx_turn(f);
	assert_int_not_equal(fx_due(f, "pr-log", NULL), 0);
}

/* The event of a push was lost: the next reconciliation asks. */
static void what_was_never_asked_is_asked(void **state)
{
	struct fx *f = *state;

	fx_push(f, 1, HEAD_A, NULL);
	assert_int_equal(db_run(f->bot.db, ST_EVENT_PURGE, NULL, "i", (int64_t)0), 0);
	fx_enqueue(f, 1);
	{
		cleanup(event_release) struct event e = {0};

		while (event_next(f->bot.db, &e, NULL) > 0)
			event_decided(f->bot.db, e.id, EVENT_FAILED, "broken", fx_now, NULL);
	}
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_int_equal(fx_due(f, "pr-log", NULL), 0);
	assert_int_equal(queue_learn_missing(&f->bot, &f->repo, NULL), 0);
	fx_answer(f, "pr-log", json_pack("{s:[]}", "commits"));
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
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

/* ---- landings that fail ---- */

static void settle_as_not_landed(struct fx *f)
{
	fx_now += 5000;
	fx_turn(f);
	fx_answer(f, "cand-settle-ref", json_pack("{s:s}", "oid", FX_BASE));
	fx_answer(f, "cand-settle", json_pack("{s:b}", "contains", 0));
}

/* The disk is full, say: three times, then its people get it back and the others go on. */
static void a_landing_that_keeps_failing_gives_the_pr_back(void **state)
{
	struct fx *f = *state;
	autofree char *said = NULL;
	int tries = 0;

	up_to_verify(f);
	fx_push(f, 2, HEAD_B, NULL);
	fx_learnt(f);
	fx_enqueue(f, 2);
	fx_turn(f);
	for (; fx_due(f, "cand-verify", NULL) && tries < 10; tries++) {
		fx_verified(f);
		fx_fail(f, "cand-land", "no space left on the device");
		assert_int_equal(fx_due(f, "cand-build", NULL), 0); /* in doubt: nobody else */
		settle_as_not_landed(f);
	}
	assert_int_equal(tries, 3);
	assert_entry(f, 1, "ejected");
	said = said_on(f, 1);
	assert_has(xstrdup(said), "tried 3 times: no space left on the device");
	assert_int_not_equal(fx_due(f, "notify", NULL), 0);
	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	assert_int_equal(f->repo.frozen, 0);
	assert_string_equal(f->repo.base_oid, FX_BASE); /* and nobody thinks that it was moved */
	assert_entry(f, 2, "queued");
	assert_int_not_equal(fx_due(f, "cand-build", NULL), 0);
}

static void so_does_a_verification_that_cannot_be_made(void **state)
{
	struct fx *f = *state;
	int tries = 0;

	up_to_verify(f);
	for (; fx_due(f, "cand-verify", NULL) && tries < 10; tries++)
		fx_fail(f, "cand-verify", "git could not be started");
	assert_int_equal(tries, 3);
	assert_entry(f, 1, "ejected");
	assert_has(said_on(f, 1), "tried 3 times: git could not be started");
	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	assert_int_equal(f->repo.frozen, 0);
}

static void and_a_candidate_that_cannot_be_built(void **state)
{
	struct fx *f = *state;
	int tries = 0;

	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	for (; fx_due(f, "cand-build", NULL) && tries < 10; tries++)
		fx_fail(f, "cand-build", "no space left on the device");
	assert_in_range(tries, 2, 5);
	assert_entry(f, 1, "ejected");
	assert_has(said_on(f, 1), "no space left on the device");
	assert_int_not_equal(fx_due(f, "notify", NULL), 0);
}

/* Two implementations disagree about the tree: the alarm stops everything, and this PR is out. */
static void a_tree_that_is_not_the_expected_one_freezes_and_leaves(void **state)
{
	struct fx *f = *state;

	up_to_verify(f);
	fx_answer(f, "cand-verify",
		  json_pack("{s:b,s:s,s:s}", "same", 0, "expected", HEAD_A, "found", HEAD_B));
	assert_entry(f, 1, "ejected");
	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	assert_int_equal(f->repo.frozen, 1);
	assert_int_equal(fx_due(f, "cand-land", NULL), 0);
}

/* As often as people like: holding a PR at its landing is no failure of the landing. */
static void a_landing_that_is_called_off_does_not_count(void **state)
{
	struct fx *f = *state;

	up_to_verify(f);
	for (int i = 0; i < 6; i++) {
		cleanup(pr_release) struct pr p = fx_pr(f, 1);

		p.held = 1;
		assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
		fx_verified(f);
		assert_int_equal(fx_due(f, "cand-land", NULL), 0);
		p.held = 0;
		assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
		fx_turn(f);
		if (fx_due(f, "cand-build", NULL))
			fx_built(f, CAND);
	}
	assert_entry(f, 1, "queued");
	assert_int_not_equal(fx_due(f, "cand-verify", NULL), 0);
}

static void a_doubt_that_lasts_is_told(void **state)
{
	struct fx *f = *state;

	up_to_verify(f);
	fx_verified(f);
	fx_fail(f, "cand-land", "no answer");
	assert_has(waits_of(f, 1), "may have landed; the base branch is being asked");
	for (int i = 0; i < 8; i++) {
		fx_now += 5000;
		fx_turn(f);
		fx_fail(f, "cand-settle-ref", "the repository is away");
	}
	assert_entry(f, 1, "queued");
	assert_int_not_equal(fx_due(f, "notify", NULL), 0);
	settle_as_not_landed(f);
	assert_entry(f, 1, "queued");
	assert_int_not_equal(fx_due(f, "cand-verify", NULL), 0);
}

/* ---- places, priorities, comments ---- */

/* Taken by an older version, and kept in the ledger since. */
static void a_configuration_that_is_refused_now_is_waited_for(void **state)
{
	struct fx *f = *state;
	cleanup(queue_entry_release) struct queue_entry e = {0};

	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_config(f, "queue: {environment: {setup: npm ci, network: host}}\n");
	fx_turn(f);
	assert_int_equal(fx_due(f, "cand-build", NULL), 0);
	assert_int_equal(
		queue_entry_find(f->bot.db, ST_QUEUE_OF_PR, &e, NULL, "ii", f->repo.id, (int64_t)1),
		1);
	assert_non_null(
		strstr(e.waits, "is refused by this version; fix it in the repository itself"));
	assert_non_null(strstr(e.waits, "'queue.environment.network'"));
}

static void waiting_for_a_place_is_said(void **state)
{
	struct fx *f = *state;
	struct candidate other = {.repo = f->repo.id,
				  .kind = (char *)"pr",
				  .base = (char *)FX_BASE,
				  .head = (char *)HEAD_B,
				  .method = (char *)"merge",
				  .gates = (char *)"[]",
				  .state = (char *)"testing",
				  .checks = (char *)"[]"};

	fx_config(f, GATED);
	f->conf.limits.gates = 1;
	assert_int_equal(candidate_insert(f->bot.db, &other, NULL), 0);
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	fx_built(f, CAND);
	assert_int_equal(fx_due(f, "cand-checkout", NULL), 0);
	assert_has(waits_of(f, 1), "1: is built and waits for a place to be tested: 1 of 1");
	assert_has(said_on(f, 1),
		   "waits for a place to be tested: 1 of 1 are taken (limits.gates)");
	other.ended_ms = fx_now;
	assert_int_equal(candidate_save(f->bot.db, &other, NULL), 0);
	fx_turn(f);
	assert_int_not_equal(fx_due(f, "cand-checkout", NULL), 0);
}

static void a_priority_is_set_back_to_nought(void **state)
{
	struct fx *f = *state;
	const int64_t high = 7, nought = 0;
	const int64_t *said[] = {&high, NULL, &nought};
	const int64_t expected[] = {7, 7, 0};

	fx_push(f, 1, HEAD_A, NULL);
	fx_enqueue(f, 1);
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		cleanup(queue_entry_release) struct queue_entry e = {0};

		assert_int_equal(queue_enqueue(&f->bot, &f->repo, 1, HEAD_A, "anna", said[i], NULL),
				 0);
		assert_int_equal(queue_entry_find(f->bot.db, ST_QUEUE_OF_PR, &e, NULL, "ii",
						  f->repo.id, (int64_t)1),
				 1);
		assert_int_equal(e.priority, expected[i]);
	}
}

/* A, B and A again within one millisecond: the last word stands. */
static void what_is_said_last_stands(void **state)
{
	struct fx *f = *state;
	const char *words[] = {"A", "B", "A"};
	autofree char *said = NULL;

	fx_push(f, 1, HEAD_A, NULL);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		assert_int_equal(
			bot_say(&f->bot, f->repo.id, 1, xstrdup(words[i]), NULL, "sticky:1"), 0);
	while (fx_forge(f))
		;
	said = said_on(f, 1);
	assert_string_equal(said, "A\n");
}

/* ---- pushes at the moment of the landing ---- */

/* Between the decision and the ref transaction: what is there is not what was approved, and is voided. */
static void a_push_before_the_transaction_calls_it_off(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	up_to_verify(f);
	fx_push(f, 1, HEAD_B, NULL);
	fx_verified(f);
	assert_int_equal(fx_due(f, "cand-land", NULL), 0);
	assert_entry(f, 1, "dequeued");
	p = fx_pr(f, 1);
	assert_string_equal(p.state, "open");
	assert_has(said_on(f, 1), "the approval of the old head is void");
}

/* Between the ref transaction and its result: it has landed, with the head that was approved. */
static void a_push_after_the_transaction_comes_too_late(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	up_to_verify(f);
	fx_verified(f);
	fx_push(f, 1, HEAD_B, NULL);
	fx_answer(f, "cand-land", json_pack("{s:s}", "outcome", "landed"));
	assert_entry(f, 1, "landed");
	p = fx_pr(f, 1);
	assert_string_equal(p.state, "merged");
	assert_string_equal(p.head, HEAD_A);
	assert_has(said_on(f, 1), "The push came too late");
}

/* Said of the head that the writer could see; another one is there when it is read. */
static void a_push_between_reading_and_queueing_is_told(void **state)
{
	struct fx *f = *state;
	cleanup(user_release) struct user u = {.name = xstrdup("anna"), .uid = 4001};
	int64_t comment = 0;

	assert_int_equal(user_insert(f->bot.db, &u, NULL), 0);
	assert_int_equal(db_run(f->bot.db, ST_PERMISSION_SET, NULL, "iii", u.id, (int64_t)0,
				(int64_t)FORGE_WRITE),
			 1);
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	assert_int_equal(
		local_comment(&f->forge, &f->repo, "anna", 1, "/yard queue", &comment, NULL), 0);
	fx_push(f, 1, HEAD_B, NULL);
	fx_turn(f);
	assert_entry(f, 1, "");
	assert_has(
		said_on(f, 1),
		"a push came between: this was said of a00000000000, the head is b00000000000 now");
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		TEST(lands_what_is_approved),
		TEST(what_is_built_again_is_another_commit),
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
		TEST(what_could_not_be_read_before_it_was_queued_does_not_land),
		TEST(nor_when_its_stack_could_not),
		TEST(nor_when_only_a_part_of_its_commits_was_read),
		TEST(it_is_asked_again_in_good_time),
		TEST(what_was_never_asked_is_asked),
		TEST(a_base_that_cannot_be_checked_out_is_tried_again),
		TEST(the_end_of_an_older_run_says_nothing),
		TEST(a_doubt_is_asked_about_in_good_time),
		TEST(a_queue_that_cannot_be_decided_stands_alone),
		TEST(a_landing_that_keeps_failing_gives_the_pr_back),
		TEST(so_does_a_verification_that_cannot_be_made),
		TEST(and_a_candidate_that_cannot_be_built),
		TEST(a_tree_that_is_not_the_expected_one_freezes_and_leaves),
		TEST(a_landing_that_is_called_off_does_not_count),
		TEST(a_doubt_that_lasts_is_told),
		TEST(a_configuration_that_is_refused_now_is_waited_for),
		TEST(waiting_for_a_place_is_said),
		TEST(a_priority_is_set_back_to_nought),
		TEST(what_is_said_last_stands),
		TEST(a_push_before_the_transaction_calls_it_off),
		TEST(a_push_between_reading_and_queueing_is_told),
		TEST(a_push_after_the_transaction_comes_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
