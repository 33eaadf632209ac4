/*
 * test_queue_busy.c - what people read while something is done about their PR: what, which gate, since when, how long
 * it usually takes, and where its log is.
 */
#include "bot_fixture.h"

#include "bot/actions.h"
#include "bot/command.h"

#define HEAD_A "a000000000000000000000000000000000000001"
#define CAND   "c000000000000000000000000000000000000003"

static void assert_waits(struct fx *f, const char *expected)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};

	assert_int_equal(
		queue_entry_find(f->bot.db, ST_QUEUE_OF_PR, &e, NULL, "ii", f->repo.id, (int64_t)1),
		1);
	if (!e.waits || strcmp(e.waits, expected) != 0)
		fail_msg("found    %s\nexpected %s", e.waits ? e.waits : "nothing", expected);
}

/* A run of a gate that took this long, days ago. */
static void ran(struct fx *f, const char *command, int64_t ms, const char *outcome)
{
	static int n;
	cleanup(attempt_release) struct attempt a = {.repo = f->repo.id,
						     .candidate = 1,
						     .run = xasprintf("old-%d", n++),
						     .kind = xstrdup("queue-gate"),
						     .command = xstrdup(command),
						     .network = xstrdup("none"),
						     .state = xstrdup("ended"),
						     .outcome = xstrdup(outcome),
						     .created_ms = 1000,
						     .started_ms = 1000,
						     .ended_ms = 1000 + ms};

	assert_int_equal(attempt_insert(f->bot.db, &a, NULL), 0);
}

static char *why(struct fx *f)
{
	struct commands cmds = {0};
	struct action a = {.bot = &f->bot, .repo = &f->repo, .number = 1, .actor = "anna"};
	char *text = NULL;

	commands_parse("/yard why", 9, "yard", &cmds);
	a.cmd = &cmds.v[0];
	assert_int_equal(action_do(&a, &text, NULL), 0);
	commands_release(&cmds);
	return text;
}

static void what_is_done_is_said(void **state)
{
	struct fx *f = *state;
	autofree char *answer = NULL;

	fx_now = 1000000;
	fx_config(f, "queue: { gates: [make, 'make check'] }\n");
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	assert_waits(
		f, "1: is being built: its merge with `main` at 100000000000, since 00:16:40 UTC");
	fx_built(f, CAND);
	assert_waits(f, "1: is being tested: its files are made ready for gate 1 of 2");
	ran(f, "make check", 61000, "exited");
	ran(f, "make check", 600000, "killed");
	ran(f, "make check", 75000, "exited");
	ran(f, "make check", 59000, "exited");
	fx_answer(f, "cand-checkout", NULL);
	assert_waits(f, "1: is being tested: gate 1 of 2, `make`, runs since 00:16:40 UTC, how "
			"long it usually takes is not "
			"known yet; its log is runs/c1-g0-1/out in the data directory");
	fx_run_ended(f, "c1-g0-1", "exited", 0, false);
	assert_waits(f, "1: is being tested: gate 2 of 2, `make check`, runs since 00:16:40 UTC, "
			"usually 1m 1s (the last 3 "
			"times); its log is runs/c1-g1-1/out in the data directory");
	fx_now += 130000;
	answer = why(f);
	assert_non_null(strstr(
		answer,
		"Place 1: is being tested: gate 2 of 2, `make check`, runs since 00:16:40 UTC"));
	assert_non_null(strstr(answer, "in the data directory; so far 2m 10s; 1 of 1 approvals"));
	fx_run_ended(f, "c1-g1-1", "exited", 0, false);
	assert_waits(f,
		     "1: is about to land: its tree is computed a second time, since 00:18:50 UTC");
	fx_verified(f);
	assert_waits(f, "1: is being landed, since 00:18:50 UTC");
}

/* It is red: the base is tested, and that is named as exactly. */
static void the_test_of_the_base_is_said(void **state)
{
	struct fx *f = *state;
	cleanup(queue_entry_release) struct queue_entry e = {0};

	fx_config(f, "queue: { gates: [make], flake-reruns: 0 }\n");
	fx_push(f, 1, HEAD_A, NULL);
	fx_learnt(f);
	fx_enqueue(f, 1);
	fx_turn(f);
	fx_built(f, CAND);
	fx_answer(f, "cand-checkout", NULL);
	fx_run_ended(f, "c1-g0-1", "exited", 1, false);
	fx_answer(f, "cand-checkout", NULL);
	assert_int_equal(
		queue_entry_find(f->bot.db, ST_QUEUE_OF_PR, &e, NULL, "ii", f->repo.id, (int64_t)1),
		1);
	assert_non_null(strstr(e.waits, "(gate 1 of 1, `make`, runs since "));
	assert_non_null(strstr(e.waits, "its log is runs/c2-g0-1/out in the data directory)"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_done_is_said),
		TEST(the_test_of_the_base_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
