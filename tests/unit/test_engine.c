/* test_engine.c - each rule of blueprint/engine.h, as the sequence of events that meets it. */
#include "base/mem.h"
#include "blueprint/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A task under a blueprint: where it stands and what the last event made it do. */
struct task {
	struct blueprint bp;
	struct bp_pos pos;
	struct bp_action a;
};

static int no_prompt(void *arg, const char *path, struct buf *ret, struct err *err)
{
	(void)arg;
	(void)err;
	buf_addf(ret, "do %s\n", path);
	return 0;
}

static void begin(struct task *t, const char *limits, const char *steps)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *text = xasprintf("name: t\nallow: ['**']\n%s\nsteps:\n%s", limits, steps);

	*t = (struct task){0};
	if (blueprint_load("t.yml", text, strlen(text), no_prompt, NULL, &t->bp, &err) < 0)
		fail_msg("%s", err_text(&err));
}

static void task_release(struct task *t)
{
	bp_action_release(&t->a);
	blueprint_release(&t->bp);
}

/* Every position also goes through its JSON, as it does in the ledger. */
static enum bp_do happen(struct task *t, struct bp_event ev)
{
	autofree char *json = NULL;
	struct bp_pos next, back;

	bp_action_release(&t->a);
	bp_next(&t->bp, &t->pos, &ev, &next, &t->a);
	json = bp_pos_json(&next);
	assert_int_equal(bp_pos_parse(json, &back, NULL), 0);
	t->pos = back;
	return t->a.act;
}

#define EV(...)      ((struct bp_event){__VA_ARGS__})
#define START        EV(.ev = BP_EV_START)
#define OK           EV(.ev = BP_EV_OK)
#define GREEN        EV(.ev = BP_EV_GREEN)
#define RED(log)     EV(.ev = BP_EV_RED, .text = log)
#define INFRA        EV(.ev = BP_EV_INFRA, .text = "no space")
#define NO_COMMAND   EV(.ev = BP_EV_INFRA, .text = "no such command", .for_good = true)
#define COMMIT(t)    EV(.ev = BP_EV_COMMITTED, .tree = t)
#define UNCHANGED    EV(.ev = BP_EV_UNCHANGED)
#define SAY(s)       EV(.ev = BP_EV_SAY, .text = s)
#define RETRY(n)     EV(.ev = BP_EV_RETRY, .count = n)
#define AGENT(st)    EV(.ev = BP_EV_AGENT, .status = st, .exit_signal = true, .exit_zero = true)
#define COMPLETE     AGENT(BP_ST_COMPLETE)
#define IS(t, e, d)  assert_string_equal(bp_do_name(happen(t, e)), bp_do_name(d))
#define SAYS(s, sub) assert_non_null(strstr(s, sub))

static const char whole[] = "  - agent: p.md\n"
			    "    gates: [make, make check]\n"
			    "  - pull-request: {}\n"
			    "  - checks: {}\n"
			    "  - review: {}\n"
			    "  - queue: {}\n";

/* One round that gets through both gates. */
static void good_round(struct task *t, const char *tree)
{
	IS(t, COMPLETE, BP_DO_COMMIT);
	IS(t, COMMIT(tree), BP_DO_GATE);
	assert_int_equal(t->pos.index, 0);
	IS(t, OK, BP_DO_GATE);
	assert_int_equal(t->pos.index, 1);
	IS(t, OK, BP_DO_PR);
}

static void to_queue(struct task *t)
{
	IS(t, START, BP_DO_AGENT);
	good_round(t, "aa");
	IS(t, OK, BP_DO_CHECKS);
	IS(t, GREEN, BP_DO_REVIEW);
	IS(t, GREEN, BP_DO_QUEUE);
}

static void straight(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", whole);
	to_queue(&t);
	IS(&t, EV(.ev = BP_EV_MERGED), BP_DO_DONE);
	assert_int_equal(t.pos.phase, BP_PH_END);
	assert_int_equal(t.pos.round, 1);
	assert_int_equal(t.pos.ci_round, 0);
	IS(&t, SAY("more"), BP_DO_NOTHING);
	IS(&t, RETRY(3), BP_DO_NOTHING);
	IS(&t, START, BP_DO_NOTHING);
}

static void set_up_first(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "environment: {setup: [npm ci]}", whole);
	IS(&t, OK, BP_DO_NOTHING); /* nothing counts before the start */
	IS(&t, START, BP_DO_SETUP);
	IS(&t, START, BP_DO_NOTHING); /* the same start twice */
	IS(&t, INFRA, BP_DO_SETUP);
	IS(&t, RED("npm: no"), BP_DO_FAIL);
	SAYS(t.a.reason, "set-up");
	assert_string_equal(t.a.feedback, "npm: no");
	IS(&t, SAY("try"), BP_DO_NOTHING); /* no round without an environment */
	IS(&t, RETRY(1), BP_DO_SETUP);
	IS(&t, OK, BP_DO_AGENT);
	assert_int_equal(t.pos.round, 1);
	assert_null(t.a.feedback);
}

static void red_gate_is_a_round(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "limits: {rounds: 2}", whole);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_GATE);
	IS(&t, OK, BP_DO_GATE);
	IS(&t, RED("test 3 failed\n"), BP_DO_AGENT);
	SAYS(t.a.feedback, "The gate `make check` is red");
	SAYS(t.a.feedback, "test 3 failed");
	assert_int_equal(t.pos.round, 2);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("bb"), BP_DO_GATE);
	IS(&t, RED("cc: error"), BP_DO_FAIL);
	SAYS(t.a.reason, "The gate `make` is red");
	SAYS(t.a.reason, "Rounds spent: 2 of 2");
	assert_string_equal(t.a.feedback, "cc: error");
	assert_true(t.pos.failed);
}

static void done_takes_three_things(void **state)
{
	static const struct {
		struct bp_event ev;
		const char *feedback;
	} cases[] = {
		{{.ev = BP_EV_AGENT, .status = BP_ST_COMPLETE, .exit_signal = true},
		 "did not end with success"},
		{{.ev = BP_EV_AGENT, .status = BP_ST_COMPLETE, .exit_zero = true},
		 "EXIT_SIGNAL is not true"},
		{{.ev = BP_EV_AGENT, .status = BP_ST_NONE, .exit_signal = true, .exit_zero = true},
		 "end block (STATUS, EXIT_SIGNAL, SUMMARY) is missing or malformed"},
		{{.ev = BP_EV_AGENT, .status = BP_ST_NO_CHANGE, .exit_signal = true},
		 "did not end with success"},
		{{.ev = BP_EV_LIMIT, .text = "no output for 10 min"}, "no output for 10 min"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(task_release) struct task t;

		begin(&t, "", whole);
		IS(&t, START, BP_DO_AGENT);
		IS(&t, cases[i].ev, BP_DO_AGENT);
		SAYS(t.a.feedback, cases[i].feedback);
		assert_int_equal(t.pos.round, 2);
	}
}

static void both_missing_are_named(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", whole);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, EV(.ev = BP_EV_AGENT), BP_DO_AGENT);
	SAYS(t.a.feedback, "success, and the end block");
}

static void the_diff_decides(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "limits: {rounds: 10}", whole);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, UNCHANGED, BP_DO_AGENT);
	SAYS(t.a.feedback, "says COMPLETE, but no file differs");
	IS(&t, AGENT(BP_ST_NO_CHANGE), BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_AGENT);
	SAYS(t.a.feedback, "says NO_CHANGE, but files differ");
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, EV(.ev = BP_EV_REFUSED, .text = "src/x: a link out of the tree"), BP_DO_AGENT);
	SAYS(t.a.feedback, "src/x: a link out of the tree");
	assert_int_equal(t.pos.round, 4);
	IS(&t, AGENT(BP_ST_NO_CHANGE), BP_DO_COMMIT);
	IS(&t, EV(.ev = BP_EV_UNCHANGED, .text = "It works as documented."), BP_DO_NO_CHANGE);
	assert_string_equal(t.a.reason, "It works as documented.");
	IS(&t, RETRY(1), BP_DO_NOTHING);
}

static void a_commit_needs_its_tree(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", whole);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT(NULL), BP_DO_FAIL);
	IS(&t, RETRY(1), BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_GATE);
}

static void questions_wait(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "limits: {rounds: 2}", whole);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, EV(.ev = BP_EV_AGENT, .status = BP_ST_QUESTION, .exit_zero = true, .text = "Which?"),
	   BP_DO_ASK);
	SAYS(t.a.reason, "The agent asks");
	SAYS(t.a.reason, "Which?");
	SAYS(t.a.reason, "/yard say");
	assert_int_equal(t.pos.round, 1);
	IS(&t, OK, BP_DO_NOTHING);
	IS(&t, SAY(" \n"), BP_DO_NOTHING);
	IS(&t, SAY("The first."), BP_DO_AGENT);
	SAYS(t.a.feedback, "The first.");
	assert_int_equal(t.pos.round, 2);
	IS(&t, EV(.ev = BP_EV_AGENT, .status = BP_ST_BLOCKED, .text = "no key"), BP_DO_ASK);
	SAYS(t.a.reason, "cannot go on");
	IS(&t, SAY("Use the other."), BP_DO_AGENT); /* an answer grants its round */
	assert_int_equal(t.pos.round, 3);
	assert_int_equal(t.pos.extra, 1);
	IS(&t, EV(.ev = BP_EV_LIMIT), BP_DO_FAIL);
	SAYS(t.a.reason, "Rounds spent: 3 of 3");
}

/* A command that is not there is not there the second time either. */
static void a_fault_of_the_configuration_is_tried_once(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", whole);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, NO_COMMAND, BP_DO_FAIL);
	SAYS(t.a.reason, "no such command. This was not tried again");
	SAYS(t.a.reason, "No round was spent");
	assert_int_equal(t.pos.round, 0);
	IS(&t, RETRY(1), BP_DO_AGENT);
	assert_int_equal(t.pos.round, 1);
}

static void infrastructure_costs_no_round(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", whole);
	IS(&t, START, BP_DO_AGENT);
	for (int i = 0; i < BP_INFRA_MAX; i++)
		IS(&t, INFRA, BP_DO_AGENT);
	assert_int_equal(t.pos.round, 1);
	IS(&t, INFRA, BP_DO_FAIL);
	SAYS(t.a.reason, "no space");
	SAYS(t.a.reason, "No round was spent");
	IS(&t, RETRY(1), BP_DO_AGENT);
	assert_int_equal(t.pos.round, 1);
	IS(&t, INFRA, BP_DO_AGENT); /* counted anew */
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, INFRA, BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_GATE);
	IS(&t, OK, BP_DO_GATE);
	for (int i = 0; i < BP_INFRA_MAX; i++)
		IS(&t, INFRA, BP_DO_GATE);
	IS(&t, INFRA, BP_DO_FAIL);
	IS(&t, RETRY(1), BP_DO_GATE); /* the same gate again, no new round */
	assert_int_equal(t.pos.index, 1);
	assert_int_equal(t.pos.round, 1);
	IS(&t, OK, BP_DO_PR);
	for (int i = 0; i < BP_INFRA_MAX; i++)
		IS(&t, INFRA, BP_DO_PR);
	IS(&t, INFRA, BP_DO_FAIL);
	IS(&t, RETRY(1), BP_DO_PR);
	IS(&t, OK, BP_DO_CHECKS);
}

static void same_failure_same_tree_ends_early(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "limits: {rounds: 9}", whole);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_GATE);
	IS(&t, RED("t.c:12: failed in 0.31s at 0x7ffe12"), BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("bb"), BP_DO_GATE); /* the same failure, but other files */
	IS(&t, RED("t.c:14: failed in 0.29s at 0x7ffd00"), BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("bb"), BP_DO_GATE);
	IS(&t, RED("another failure"), BP_DO_AGENT); /* the same files, another failure */
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("bb"), BP_DO_GATE);
	IS(&t, RED("another failure"), BP_DO_FAIL);
	SAYS(t.a.reason, "for the second time in the same way");
	assert_int_equal(t.pos.round, 4);
	IS(&t, SAY("Look at x.c."), BP_DO_AGENT);
	SAYS(t.a.feedback, "Look at x.c.");
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("bb"), BP_DO_GATE);
	IS(&t, RED("another failure"), BP_DO_AGENT); /* a person's word begins the count anew */
}

static void red_checks_cost_a_ci_round(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "limits: {rounds: 1, ci-rounds: 2}", whole);
	IS(&t, START, BP_DO_AGENT);
	good_round(&t, "aa");
	IS(&t, OK, BP_DO_CHECKS);
	IS(&t, RED("lint: x"), BP_DO_AGENT);
	SAYS(t.a.feedback, "required checks are red");
	SAYS(t.a.feedback, "lint: x");
	assert_int_equal(t.pos.ci_round, 1);
	assert_int_equal(t.pos.round, 1);
	good_round(&t, "bb");
	assert_true(t.pos.pr_open); /* so this is a push */
	assert_true(t.pos.in_ci);
	IS(&t, OK, BP_DO_CHECKS);
	assert_false(t.pos.in_ci);
	IS(&t, GREEN, BP_DO_REVIEW);
	IS(&t, EV(.ev = BP_EV_CHANGES, .text = "rename it"), BP_DO_AGENT);
	SAYS(t.a.feedback, "rename it");
	assert_int_equal(t.pos.ci_round, 2);
	good_round(&t, "cc");
	IS(&t, OK, BP_DO_CHECKS); /* the new head has neither checks nor approval */
	IS(&t, GREEN, BP_DO_REVIEW);
	IS(&t, GREEN, BP_DO_QUEUE);
	IS(&t, EV(.ev = BP_EV_EJECTED, .text = "conflict in a.c"), BP_DO_FAIL);
	SAYS(t.a.reason, "CI rounds spent: 2 of 2");
	assert_string_equal(t.a.feedback, "conflict in a.c");
	IS(&t, RETRY(2), BP_DO_AGENT);
	assert_int_equal(t.pos.round, 2);
	assert_int_equal(t.pos.ci_round, 2);
	assert_int_equal(t.pos.extra, 2);
}

static void ejected_is_reviewed_again(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", whole);
	to_queue(&t);
	IS(&t, EV(.ev = BP_EV_EJECTED, .text = "red on the candidate"), BP_DO_AGENT);
	SAYS(t.a.feedback, "red on the candidate");
	good_round(&t, "bb");
	IS(&t, OK, BP_DO_CHECKS);
	IS(&t, GREEN, BP_DO_REVIEW);
}

static void a_ci_round_must_change_something(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", whole);
	to_queue(&t);
	IS(&t, RED("ci"), BP_DO_AGENT); /* red a day later */
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_AGENT);
	SAYS(t.a.feedback, "No file was changed");
	assert_int_equal(t.pos.ci_round, 2);
	IS(&t, EV(.ev = BP_EV_AGENT, .status = BP_ST_NO_CHANGE, .exit_zero = true, .text = "flaky"),
	   BP_DO_ASK);
	SAYS(t.a.reason, "sees nothing to change");
	SAYS(t.a.reason, "flaky");
}

static void no_ci_rounds(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "limits: {ci-rounds: 0}", whole);
	to_queue(&t);
	IS(&t, EV(.ev = BP_EV_EJECTED), BP_DO_FAIL);
	SAYS(t.a.reason, "CI rounds spent: 0 of 0");
}

static void checks_that_never_end(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", whole);
	IS(&t, START, BP_DO_AGENT);
	good_round(&t, "aa");
	IS(&t, OK, BP_DO_CHECKS);
	IS(&t, EV(.ev = BP_EV_LIMIT), BP_DO_FAIL);
	IS(&t, RETRY(1), BP_DO_CHECKS);
	IS(&t, GREEN, BP_DO_REVIEW);
}

static void dequeued_goes_to_review(void **state)
{
	cleanup(task_release) struct task t, none;

	(void)state;
	begin(&t, "", whole);
	to_queue(&t);
	IS(&t, EV(.ev = BP_EV_DEQUEUED), BP_DO_REVIEW);
	assert_int_equal(t.pos.step, 3);
	IS(&t, GREEN, BP_DO_QUEUE);
	begin(&none, "",
	      "  - agent: p.md\n  - pull-request:\n  - review: {approvals: 0}\n  - queue:\n");
	IS(&none, START, BP_DO_AGENT);
	IS(&none, COMPLETE, BP_DO_COMMIT);
	IS(&none, COMMIT("aa"), BP_DO_PR); /* no gates */
	IS(&none, OK, BP_DO_QUEUE);        /* a review by nobody is no step */
	IS(&none, EV(.ev = BP_EV_DEQUEUED), BP_DO_REVIEW);
	assert_int_equal(none.bp.steps[none.pos.step].approvals, 1);
	IS(&none, GREEN, BP_DO_QUEUE);
	IS(&none, EV(.ev = BP_EV_MERGED), BP_DO_DONE);
}

static void people_end_it(void **state)
{
	cleanup(task_release) struct task t, closed, merged, early;

	(void)state;
	begin(&t, "", whole);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, EV(.ev = BP_EV_PR_CLOSED), BP_DO_NOTHING); /* there is none yet */
	IS(&t, EV(.ev = BP_EV_MERGED), BP_DO_NOTHING);
	IS(&t, SAY("hint"), BP_DO_NOTHING); /* kept for the next round by the caller */
	IS(&t, RETRY(1), BP_DO_NOTHING);
	assert_int_equal(t.pos.extra, 0);
	IS(&t, EV(.ev = BP_EV_CANCEL), BP_DO_CANCELLED);
	IS(&t, RETRY(1), BP_DO_NOTHING);
	IS(&t, SAY("hint"), BP_DO_NOTHING);
	IS(&t, EV(.ev = BP_EV_CANCEL), BP_DO_NOTHING);
	begin(&closed, "", whole);
	to_queue(&closed);
	IS(&closed, EV(.ev = BP_EV_PR_CLOSED), BP_DO_CANCELLED);
	SAYS(closed.a.reason, "closed");
	begin(&merged, "", whole);
	IS(&merged, START, BP_DO_AGENT);
	good_round(&merged, "aa");
	IS(&merged, OK, BP_DO_CHECKS);
	IS(&merged, EV(.ev = BP_EV_MERGED), BP_DO_DONE); /* somebody queued it earlier */
	begin(&early, "", "  - agent: p.md\n  - pull-request: {}\n");
	IS(&early, START, BP_DO_AGENT);
	IS(&early, COMPLETE, BP_DO_COMMIT);
	IS(&early, COMMIT("aa"), BP_DO_PR);
	IS(&early, OK, BP_DO_DONE); /* the blueprint ends here */
}

static void retry_grants_rounds(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "limits: {rounds: 1}", whole);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, EV(.ev = BP_EV_LIMIT), BP_DO_FAIL);
	IS(&t, RETRY(2), BP_DO_AGENT);
	assert_int_equal(t.pos.extra, 2);
	IS(&t, EV(.ev = BP_EV_LIMIT), BP_DO_AGENT);
	IS(&t, EV(.ev = BP_EV_LIMIT), BP_DO_FAIL);
	assert_int_equal(t.pos.round, 3);
	IS(&t, RETRY(99), BP_DO_AGENT); /* at most 10 at once */
	assert_int_equal(t.pos.extra, 12);
	IS(&t, EV(.ev = BP_EV_AGENT, .status = BP_ST_QUESTION, .text = "?"), BP_DO_ASK);
	IS(&t, RETRY(1), BP_DO_AGENT); /* also instead of an answer */
	assert_int_equal(t.pos.round, 5);
}

static const char with_run[] = "  - run: gen\n"
			       "  - agent: p.md\n"
			       "    gates: [check]\n"
			       "  - run: [fmt, lint]\n"
			       "  - pull-request: {}\n";

static void run_steps(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", with_run);
	IS(&t, START, BP_DO_RUN);
	IS(&t, INFRA, BP_DO_RUN);
	IS(&t, OK, BP_DO_COMMIT);
	IS(&t, UNCHANGED, BP_DO_AGENT); /* generated nothing new: fine */
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_GATE);
	IS(&t, OK, BP_DO_RUN);
	IS(&t, OK, BP_DO_RUN);
	assert_int_equal(t.pos.index, 1);
	IS(&t, RED("lint: y"), BP_DO_AGENT); /* the agent's to repair */
	SAYS(t.a.feedback, "The command `lint` failed");
	assert_int_equal(t.pos.step, 1);
	assert_int_equal(t.pos.round, 2);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("bb"), BP_DO_GATE);
	IS(&t, OK, BP_DO_RUN);
	IS(&t, OK, BP_DO_RUN);
	IS(&t, OK, BP_DO_COMMIT);
	IS(&t, COMMIT("cc"), BP_DO_GATE); /* fmt changed files: gated once more */
	assert_int_equal(t.pos.step, 1);
	IS(&t, OK, BP_DO_PR);
	assert_int_equal(t.pos.step, 3);
	IS(&t, OK, BP_DO_DONE);
}

static void gates_after_run_can_be_red(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", with_run);
	IS(&t, START, BP_DO_RUN);
	IS(&t, OK, BP_DO_COMMIT);
	IS(&t, COMMIT("99"), BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_GATE);
	IS(&t, OK, BP_DO_RUN);
	IS(&t, OK, BP_DO_RUN);
	IS(&t, OK, BP_DO_COMMIT);
	IS(&t, COMMIT("bb"), BP_DO_GATE);
	IS(&t, RED("x"), BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("cc"), BP_DO_GATE);
	IS(&t, OK, BP_DO_RUN); /* and through the commands again, not past them */
	IS(&t, OK, BP_DO_RUN);
	IS(&t, OK, BP_DO_COMMIT);
	IS(&t, COMMIT("cc"), BP_DO_PR);
}

static void run_alone(void **state)
{
	cleanup(task_release) struct task t, refused, none;

	(void)state;
	begin(&t, "", "  - run: update\n  - pull-request: {}\n  - checks: {}\n");
	IS(&t, START, BP_DO_RUN);
	IS(&t, RED("no network"), BP_DO_FAIL);
	SAYS(t.a.reason, "No agent step precedes it");
	IS(&t, SAY("again"), BP_DO_NOTHING);
	IS(&t, RETRY(1), BP_DO_RUN);
	IS(&t, OK, BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_PR);
	IS(&t, OK, BP_DO_CHECKS);
	IS(&t, RED("ci"), BP_DO_FAIL);
	begin(&refused, "", "  - run: update\n  - pull-request: {}\n");
	IS(&refused, START, BP_DO_RUN);
	IS(&refused, OK, BP_DO_COMMIT);
	IS(&refused, EV(.ev = BP_EV_REFUSED, .text = ".github"), BP_DO_FAIL);
	IS(&refused, RETRY(1), BP_DO_RUN);
	begin(&none, "", "  - run: update\n  - pull-request: {}\n");
	IS(&none, START, BP_DO_RUN);
	IS(&none, OK, BP_DO_COMMIT);
	IS(&none, UNCHANGED, BP_DO_NO_CHANGE);
	SAYS(none.a.reason, "no file differs");
}

static void a_refused_pr(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", whole);
	IS(&t, START, BP_DO_AGENT);
	good_round(&t, "aa");
	IS(&t, RED("branch rule"), BP_DO_FAIL);
	assert_string_equal(t.a.feedback, "branch rule");
	IS(&t, RETRY(1), BP_DO_PR);
	IS(&t, OK, BP_DO_CHECKS);
}

/* A blueprint that was changed under a running task: told, never out of bounds. */
static void positions_that_do_not_fit(void **state)
{
	cleanup(task_release) struct task t;
	struct bp_pos wild[] = {
		{.started = true, .step = 99, .phase = BP_PH_GATE},
		{.started = true, .step = -1, .phase = BP_PH_AGENT},
		{.started = true, .step = 0, .phase = BP_PH_GATE, .index = 2},
		{.started = true, .step = 0, .phase = BP_PH_GATE, .index = -1},
		{.started = true, .step = 1, .phase = BP_PH_COMMIT},
		{.started = true, .step = 0, .phase = BP_PH_QUEUE},
	};

	(void)state;
	begin(&t, "", whole);
	for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
		t.pos = wild[i];
		IS(&t, INFRA, BP_DO_FAIL);
		SAYS(t.a.reason, "blueprint was changed");
		IS(&t, RETRY(1), BP_DO_AGENT);
		t.pos = wild[i];
		IS(&t, EV(.ev = BP_EV_CANCEL), BP_DO_CANCELLED);
	}
}

/* A blueprint whose gates nobody has filled in is not one without gates. */
static void unknown_gates_are_a_refusal(void **state)
{
	cleanup(task_release) struct task t;

	(void)state;
	begin(&t, "", "  - agent: p.md\n    gates: repository\n  - pull-request:\n");
	IS(&t, START, BP_DO_FAIL);
	SAYS(t.a.reason, "gates of the repository's configuration are not known");
	IS(&t, RETRY(1), BP_DO_FAIL);
	strvec_push(&t.bp.steps[0].gates, "make");
	t.bp.steps[0].gates_repository = false;
	IS(&t, RETRY(1), BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	t.bp.steps[0].gates_repository = true; /* and also in the middle */
	IS(&t, COMMIT("aa"), BP_DO_FAIL);
	IS(&t, EV(.ev = BP_EV_CANCEL), BP_DO_NOTHING);
}

static void feedback_is_bounded(void **state)
{
	cleanup(task_release) struct task t;
	cleanup(buf_release) struct buf log = BUF_INIT;

	(void)state;
	begin(&t, "", whole);
	for (int i = 0; i < 20000; i++)
		buf_addf(&log, "line %d ```\n", i);
	IS(&t, START, BP_DO_AGENT);
	IS(&t, COMPLETE, BP_DO_COMMIT);
	IS(&t, COMMIT("aa"), BP_DO_GATE);
	IS(&t, RED(log.s), BP_DO_AGENT);
	assert_in_range(strlen(t.a.feedback), BP_FEEDBACK_MAX / 2, BP_FEEDBACK_MAX + 200);
	SAYS(t.a.feedback, "line 19999 ```\n\n````");
	assert_null(strstr(t.a.feedback, "line 1 "));
}

static void no_position_is_a_start(void **state)
{
	cleanup(task_release) struct task t;
	struct bp_event start = START, ok = OK;

	(void)state;
	begin(&t, "", whole);
	bp_next(&t.bp, NULL, &ok, &t.pos, &t.a);
	assert_int_equal(t.a.act, BP_DO_NOTHING);
	bp_next(&t.bp, NULL, &start, &t.pos, &t.a);
	assert_int_equal(t.a.act, BP_DO_AGENT);
	assert_int_equal(t.pos.round, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(straight),
		cmocka_unit_test(set_up_first),
		cmocka_unit_test(red_gate_is_a_round),
		cmocka_unit_test(done_takes_three_things),
		cmocka_unit_test(both_missing_are_named),
		cmocka_unit_test(the_diff_decides),
		cmocka_unit_test(a_commit_needs_its_tree),
		cmocka_unit_test(questions_wait),
		cmocka_unit_test(a_fault_of_the_configuration_is_tried_once),
		cmocka_unit_test(infrastructure_costs_no_round),
		cmocka_unit_test(same_failure_same_tree_ends_early),
		cmocka_unit_test(red_checks_cost_a_ci_round),
		cmocka_unit_test(ejected_is_reviewed_again),
		cmocka_unit_test(a_ci_round_must_change_something),
		cmocka_unit_test(no_ci_rounds),
		cmocka_unit_test(checks_that_never_end),
		cmocka_unit_test(dequeued_goes_to_review),
		cmocka_unit_test(people_end_it),
		cmocka_unit_test(retry_grants_rounds),
		cmocka_unit_test(run_steps),
		cmocka_unit_test(gates_after_run_can_be_red),
		cmocka_unit_test(run_alone),
		cmocka_unit_test(a_refused_pr),
		cmocka_unit_test(positions_that_do_not_fit),
		cmocka_unit_test(unknown_gates_are_a_refusal),
		cmocka_unit_test(feedback_is_bounded),
		cmocka_unit_test(no_position_is_a_start),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
