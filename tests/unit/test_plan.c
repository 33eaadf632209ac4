/* test_plan.c - the merge queue's decisions, one situation at a time. The order of entries has a
 * test of its own (test_plan_order.c), whole schedules have tests/sim/sim_queue.c. */
#include "base/mem.h"
#include "queue/plan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A queue of up to eight entries: PR n has id 100 + n, is approved and has head "hN". */
struct queue {
	struct plan_facts f;
	struct plan_entry e[8];
	struct plan_dep deps[8][4];
	char head[8][16];
	struct plan p;
};

static struct plan_entry *add(struct queue *q, int64_t pr)
{
	size_t i = q->f.nentries++;
	struct plan_entry *e = &q->e[i];

	snprintf(q->head[i], sizeof(q->head[i]), "h%d", (int)pr);
	*e = (struct plan_entry){.id = 100 + pr,
				 .pr = pr,
				 .head = q->head[i],
				 .enqueued_ms = 1000 * (int64_t)(i + 1),
				 .approved = true,
				 .deps = q->deps[i]};
	return e;
}

static void init(struct queue *q, int entries)
{
	*q = (struct queue){.f = {.base = "b1", .flake_reruns = 1, .retries = 3}};
	q->f.entries = q->e;
	for (int i = 1; i <= entries; i++)
		add(q, i);
}

static void depend(struct queue *q, int64_t pr, int64_t on, enum plan_dep_state state)
{
	struct plan_entry *e = &q->e[pr - 1];

	q->deps[pr - 1][e->ndeps++] = (struct plan_dep){on, state};
}

/* The entry has a candidate of its head on base b1. */
static struct plan_entry *cand(struct queue *q, int64_t pr, enum plan_cand state)
{
	struct plan_entry *e = &q->e[pr - 1];

	e->cand = state;
	e->cand_base = "b1";
	e->cand_head = e->head;
	return e;
}

static const struct plan_action *action_of(const struct queue *q, int64_t pr)
{
	for (size_t i = 0; i < q->p.nactions; i++)
		if (q->p.actions[i].entry == (pr ? 100 + pr : 0) &&
		    (pr || q->p.actions[i].act == PLAN_TEST_BASE))
			return &q->p.actions[i];
	return NULL;
}

static void plan(struct queue *q)
{
	plan_release(&q->p);
	plan_next(&q->f, &q->p);
}

/* Plans and compares with "PR:act/reason[/other] …" in the plan's order; PR 0 is the base. */
static void expect(struct queue *q, const char *expected)
{
	char got[1024] = "";
	size_t n = 0;

	plan(q);
	for (size_t i = 0; i < q->p.nactions; i++) {
		const struct plan_action *a = &q->p.actions[i];

		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%lld:%s/%s", i ? " " : "",
				      (long long)(a->entry ? a->entry - 100 : 0),
				      plan_act_name(a->act), plan_reason_name(a->reason));
		if (a->pr)
			n += (size_t)snprintf(got + n, sizeof(got) - n, "/%lld", (long long)a->pr);
	}
	assert_string_equal(got, expected);
	plan_release(&q->p);
}

static void test_empty(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 0);
	expect(&q, "");
	q.f.halted = true;
	expect(&q, "");
}

static void test_one_entry_from_build_to_landing(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 1);
	expect(&q, "1:build/next");
	cand(&q, 1, PLAN_CAND_BUILDING);
	expect(&q, "1:wait/busy");
	cand(&q, 1, PLAN_CAND_BUILT);
	expect(&q, "1:test/next");
	cand(&q, 1, PLAN_CAND_TESTING);
	expect(&q, "1:wait/busy");
	cand(&q, 1, PLAN_CAND_GREEN);
	expect(&q, "1:land/next");
	cand(&q, 1, PLAN_CAND_LANDING);
	expect(&q, "1:wait/busy");
	cand(&q, 1, PLAN_CAND_DOUBT);
	expect(&q, "1:settle/none");
}

/* What the forge's checks said of a commit they say again: another run takes another commit. */
static void test_the_forges_checks(void **state)
{
	struct plan_life l = {PLAN_CAND_TESTING, 0, 2};
	struct queue q;

	(void)state;
	init(&q, 2);
	cand(&q, 1, PLAN_CAND_CHECKING);
	expect(&q, "1:wait/checks 2:wait/ahead/1");
	cand(&q, 1, PLAN_CAND_RED)->rebuild = true;
	expect(&q, "1:build/flake 2:wait/ahead/1");
	q.e[0].reruns = 1;
	q.f.health = PLAN_BASE_GREEN;
	expect(&q, "2:build/next 1:eject/red");

	assert_true(plan_life_step(&l, PLAN_EV_CHECKS));
	assert_int_equal(l.errors, 2); /* our gates alone are no verdict */
	assert_false(plan_life_step(&l, PLAN_EV_STOPPED));
	assert_true(plan_life_step(&l, PLAN_EV_RED));
	assert_true(plan_life_step(&l, PLAN_EV_BUILD));
	assert_int_equal(l.reruns, 1);
	l.cand = PLAN_CAND_GREEN; /* others became required */
	assert_true(plan_life_step(&l, PLAN_EV_CHECKS));
	assert_true(plan_life_step(&l, PLAN_EV_ERRORED));
	assert_int_equal(l.cand, PLAN_CAND_ERRORED);
}

static void test_one_at_a_time(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 3);
	expect(&q, "1:build/next 2:wait/ahead/1 3:wait/ahead/2");
	cand(&q, 2, PLAN_CAND_TESTING);
	expect(&q, "2:wait/busy 1:wait/ahead/2 3:wait/ahead/1");
	/* a newcomer of higher priority does not overtake a candidate that is alive */
	q.e[2].priority = 50;
	cand(&q, 2, PLAN_CAND_GREEN);
	expect(&q, "2:land/next 3:wait/ahead/2 1:wait/ahead/3");
	/* two alive can only be a mistake: the later one is dropped */
	cand(&q, 1, PLAN_CAND_TESTING);
	expect(&q, "1:wait/busy 3:wait/ahead/1 2:discard/ahead/1");
}

static void test_nothing_moves_beside_a_landing(void **state)
{
	static const enum plan_cand landing[] = {PLAN_CAND_LANDING, PLAN_CAND_DOUBT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(landing); i++) {
		struct queue q;

		init(&q, 2);
		cand(&q, 1, landing[i]);
		for (int c = PLAN_CAND_NONE; c <= PLAN_CAND_ERRORED; c++) {
			cand(&q, 2, (enum plan_cand)c);
			q.e[1].reruns = c == PLAN_CAND_RED;
			plan(&q);
			for (size_t k = 0; k < q.p.nactions; k++) {
				enum plan_act a = q.p.actions[k].act;

				assert_true(a == PLAN_WAIT || a == PLAN_SETTLE ||
					    a == PLAN_DISCARD || a == PLAN_EJECT);
			}
			plan_release(&q.p);
		}
	}
}

/* Whatever happens to an entry while it is being landed, its outcome is waited for. */
static void test_a_landing_is_never_dropped(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 2);
	cand(&q, 1, PLAN_CAND_LANDING);
	q.e[0].held = true;
	q.e[0].approved = false;
	q.e[0].head = "other";
	q.f.base = "b9";
	q.f.frozen = true;
	depend(&q, 1, 77, PLAN_DEP_CLOSED);
	depend(&q, 2, 1, PLAN_DEP_OPEN);
	expect(&q, "1:wait/busy 2:wait/dep-open/1");
	cand(&q, 1, PLAN_CAND_DOUBT);
	expect(&q, "1:settle/none 2:wait/dep-open/1");
}

static void test_stale_candidates_are_dropped(void **state)
{
	(void)state;
	for (int c = PLAN_CAND_BUILDING; c <= PLAN_CAND_ERRORED; c++) {
		struct queue q;

		init(&q, 2);
		cand(&q, 1, (enum plan_cand)c);
		q.f.base = "b2";
		q.f.health = PLAN_BASE_GREEN;
		q.e[0].reruns = 5;
		q.e[0].errors = 5;
		/* nobody else gets the turn in the plan that drops it */
		expect(&q, "1:discard/stale-base 2:wait/ahead/1");
		q.f.base = "b1";
		q.e[0].head = "pushed";
		expect(&q, "1:discard/stale-head 2:wait/ahead/1");
		q.e[0].head = q.e[0].cand_head;
		q.e[0].approved = false;
		expect(&q, "1:discard/not-approved 2:wait/ahead/1");
		q.e[0].approved = true;
		q.e[0].held = true;
		expect(&q, "1:discard/held 2:wait/ahead/1");
		q.e[0].held = false;
		q.e[0].unknown = true;
		expect(&q, "1:discard/unknown 2:wait/ahead/1");
		q.e[0].unknown = false;
		depend(&q, 1, 2, PLAN_DEP_OPEN);
		expect(&q, "2:wait/ahead/1 1:discard/dep-open/2");
		q.e[0].ndeps = 0;
		q.e[0].cand_base = NULL;
		expect(&q, "1:discard/stale-base 2:wait/ahead/1");
	}
}

static void test_waiting_for_something_outside_is_stepped_over(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 6);
	q.e[0].held = true;
	q.e[1].approved = false;
	depend(&q, 3, 99, PLAN_DEP_OPEN); /* open, not queued */
	depend(&q, 4, 1, PLAN_DEP_OPEN);  /* queued, held */
	q.e[4].unknown = true;
	expect(&q, "6:build/next 1:wait/held 2:wait/not-approved 3:wait/dep-open/99 "
		   "4:wait/dep-open/1 5:wait/unknown");
}

static void test_dependencies(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 4);
	depend(&q, 1, 2, PLAN_DEP_OPEN);
	depend(&q, 3, 50, PLAN_DEP_CLOSED);
	depend(&q, 4, 51, PLAN_DEP_MISSING);
	expect(&q, "2:build/next 1:wait/dep-open/2 3:eject/dep-closed/50 4:eject/dep-missing/51");
	init(&q, 4);
	depend(&q, 2, 50, PLAN_DEP_CLOSED);
	depend(&q, 3, 2, PLAN_DEP_OPEN);
	depend(&q, 4, 1, PLAN_DEP_MERGED);
	depend(&q, 4, 3, PLAN_DEP_OPEN);
	expect(&q,
	       "1:build/next 2:eject/dep-closed/50 3:eject/dep-ejected/2 4:eject/dep-ejected/3");
}

static void test_a_dependent_leaves_with_a_red_one(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 3);
	depend(&q, 2, 1, PLAN_DEP_OPEN);
	cand(&q, 1, PLAN_CAND_RED)->reruns = 1;
	q.f.health = PLAN_BASE_GREEN;
	expect(&q, "3:build/next 1:eject/red 2:eject/dep-ejected/1");
	cand(&q, 1, PLAN_CAND_CONFLICT);
	expect(&q, "3:build/next 1:eject/conflict 2:eject/dep-ejected/1");
}

static void assert_cycle(const struct queue *q, int64_t pr, const int64_t *cycle, size_t n)
{
	const struct plan_action *a = action_of(q, pr);

	assert_int_equal(a->act, PLAN_EJECT);
	assert_int_equal(a->reason, PLAN_R_CYCLE);
	assert_int_equal(a->ncycle, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(a->cycle[i], cycle[i]);
}

static void test_cycles(void **state)
{
	struct queue q;
	autofree char *text = NULL;

	(void)state;
	init(&q, 6);
	depend(&q, 1, 2, PLAN_DEP_OPEN);
	depend(&q, 2, 3, PLAN_DEP_OPEN);
	depend(&q, 3, 1, PLAN_DEP_OPEN);
	depend(&q, 4, 1, PLAN_DEP_OPEN); /* not in it, but needs it */
	depend(&q, 5, 5, PLAN_DEP_OPEN); /* needs itself */
	plan(&q);
	assert_cycle(&q, 1, (int64_t[]){1, 2, 3, 1}, 4);
	assert_cycle(&q, 2, (int64_t[]){2, 3, 1, 2}, 4);
	assert_cycle(&q, 3, (int64_t[]){3, 1, 2, 3}, 4);
	assert_cycle(&q, 5, (int64_t[]){5, 5}, 2);
	assert_int_equal(action_of(&q, 4)->reason, PLAN_R_DEP_EJECTED);
	assert_int_equal(action_of(&q, 4)->pr, 1);
	assert_int_equal(action_of(&q, 6)->act, PLAN_BUILD);
	text = plan_reason_text(action_of(&q, 2));
	assert_string_equal(text, "leaves the queue: it depends on itself: #2 needs #3 needs #1 "
				  "needs #2");
	plan_release(&q.p);
	/* two cycles in one knot: each member gets one that it is in */
	init(&q, 3);
	depend(&q, 1, 2, PLAN_DEP_OPEN);
	depend(&q, 2, 1, PLAN_DEP_OPEN);
	depend(&q, 2, 3, PLAN_DEP_OPEN);
	depend(&q, 3, 2, PLAN_DEP_OPEN);
	plan(&q);
	assert_cycle(&q, 1, (int64_t[]){1, 2, 1}, 3);
	assert_cycle(&q, 2, (int64_t[]){2, 1, 2}, 3);
	assert_cycle(&q, 3, (int64_t[]){3, 2, 3}, 3);
	plan_release(&q.p);
	/* a merged dependency closes no cycle */
	init(&q, 2);
	depend(&q, 1, 2, PLAN_DEP_OPEN);
	depend(&q, 2, 1, PLAN_DEP_MERGED);
	expect(&q, "2:build/next 1:wait/dep-open/2");
}

static void test_red_is_rerun_and_then_the_base_is_asked(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 2);
	cand(&q, 1, PLAN_CAND_RED);
	expect(&q, "1:test/flake 2:wait/ahead/1");
	q.e[0].reruns = 1;
	expect(&q, "1:wait/blame 2:wait/ahead/1 0:test-base/blame");
	q.f.health = PLAN_BASE_TESTING;
	expect(&q, "1:wait/blame 2:wait/ahead/1");
	q.f.health = PLAN_BASE_GREEN;
	expect(&q, "2:build/next 1:eject/red");
	/* the base gets its rerun as well, and its retries */
	q.f.health = PLAN_BASE_RED;
	q.f.base_reds = 1;
	expect(&q, "1:wait/blame 2:wait/ahead/1 0:test-base/flake");
	q.f.base_reds = 2;
	expect(&q, "2:build/next 1:wait/base-red");
	q.f.base_reds = 0; /* a caller that does not count */
	expect(&q, "2:build/next 1:wait/base-red");
	q.f.health = PLAN_BASE_UNKNOWN;
	q.f.base_errors = 3;
	expect(&q, "1:wait/blame 2:wait/ahead/1 0:test-base/retry");
	/* without reruns the base is asked at once */
	q.f.base_errors = 0;
	q.f.flake_reruns = 0;
	q.e[0].reruns = 0;
	expect(&q, "1:wait/blame 2:wait/ahead/1 0:test-base/blame");
}

static void test_the_base_is_asked_only_when_needed(void **state)
{
	(void)state;
	for (int c = PLAN_CAND_NONE; c <= PLAN_CAND_DOUBT; c++) {
		struct queue q;

		init(&q, 2);
		cand(&q, 1, (enum plan_cand)c);
		plan(&q);
		assert_null(action_of(&q, 0));
		cand(&q, 1, PLAN_CAND_RED)->reruns = 1;
		q.f.base = "b2"; /* red on a base that is gone */
		plan(&q);
		assert_null(action_of(&q, 0));
		plan_release(&q.p);
	}
}

static void test_a_red_base_blames_nobody(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 3);
	q.f.health = PLAN_BASE_RED;
	q.f.base_reds = 2;
	cand(&q, 1, PLAN_CAND_RED)->reruns = 1;
	/* the others get their turn: one of them may repair it */
	expect(&q, "2:build/next 1:wait/base-red 3:wait/ahead/2");
	cand(&q, 2, PLAN_CAND_RED);
	expect(&q, "2:test/flake 1:wait/base-red 3:wait/ahead/2");
	q.e[1].reruns = 1;
	cand(&q, 3, PLAN_CAND_RED)->reruns = 1;
	expect(&q, "1:wait/base-red 2:wait/base-red 3:wait/base-red");
	cand(&q, 3, PLAN_CAND_GREEN);
	expect(&q, "3:land/next 1:wait/base-red 2:wait/base-red");
	/* the base has moved: all are looked at again, in order */
	q.f.base = "b2";
	q.f.health = PLAN_BASE_GREEN;
	q.f.nentries = 2;
	expect(&q, "1:discard/stale-base 2:discard/stale-base");
	/* a base that cannot be tested to the end blames nobody either */
	q.f.base = "b1";
	q.f.health = PLAN_BASE_UNKNOWN;
	q.f.base_errors = 4;
	expect(&q, "1:wait/base-errors 2:wait/base-errors");
}

static void test_errors_are_retried(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 2);
	for (int n = 1; n <= 3; n++) {
		cand(&q, 1, PLAN_CAND_ERRORED)->errors = n;
		expect(&q, "1:build/retry 2:wait/ahead/1");
	}
	cand(&q, 1, PLAN_CAND_ERRORED)->errors = 4;
	expect(&q, "2:build/next 1:eject/errors");
}

static void test_frozen_tests_on(void **state)
{
	struct queue q;

	(void)state;
	init(&q, 2);
	q.f.frozen = true;
	expect(&q, "1:build/next 2:wait/ahead/1");
	cand(&q, 1, PLAN_CAND_BUILT);
	expect(&q, "1:test/next 2:wait/ahead/1");
	cand(&q, 1, PLAN_CAND_GREEN);
	expect(&q, "1:wait/frozen 2:wait/ahead/1");
	q.f.frozen = false;
	expect(&q, "1:land/next 2:wait/ahead/1");
}

static void test_halted_starts_nothing(void **state)
{
	(void)state;
	for (int c = PLAN_CAND_NONE; c <= PLAN_CAND_LANDING; c++) {
		struct queue q;

		init(&q, 2);
		q.f.halted = true;
		q.f.health = PLAN_BASE_GREEN;
		depend(&q, 2, 50, PLAN_DEP_CLOSED);
		cand(&q, 1, (enum plan_cand)c)->reruns = 9;
		expect(&q, "1:wait/halted 2:wait/halted");
		cand(&q, 1, PLAN_CAND_DOUBT);
		expect(&q, "1:settle/none 2:wait/halted");
	}
}

static void test_texts(void **state)
{
	static const struct {
		struct plan_action a;
		const char *text;
	} cases[] = {
		{{.act = PLAN_WAIT, .reason = PLAN_R_DEP_OPEN, .pr = 12},
		 "waits for #12 to be merged"},
		{{.act = PLAN_WAIT, .reason = PLAN_R_AHEAD, .pr = 3}, "waits behind #3"},
		{{.act = PLAN_EJECT, .reason = PLAN_R_DEP_CLOSED, .pr = 4},
		 "leaves the queue: it depends on #4, which was closed without being merged"},
		{{.act = PLAN_DISCARD, .reason = PLAN_R_STALE_BASE},
		 "is built anew: the base branch has moved"},
		{{.act = PLAN_TEST, .reason = PLAN_R_FLAKE},
		 "is being tested: once more after a red run"},
		{{.act = PLAN_SETTLE}, "may have landed; the base branch is being asked"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *text = plan_reason_text(&cases[i].a);

		assert_string_equal(text, cases[i].text);
	}
	for (int r = 0; r < PLAN_R_COUNT; r++)
		assert_non_null(plan_reason_name((enum plan_reason)r));
	for (int a = 0; a <= PLAN_WAIT; a++)
		assert_string_not_equal(plan_act_name((enum plan_act)a), "unknown");
	for (int c = 0; c <= PLAN_CAND_DOUBT; c++)
		assert_string_not_equal(plan_cand_name((enum plan_cand)c), "unknown");
}

static void test_life(void **state)
{
	struct plan_life l = {0};

	(void)state;
	assert_true(plan_life_step(&l, PLAN_EV_BUILD));
	assert_false(plan_life_step(&l, PLAN_EV_GREEN)); /* late results change nothing */
	assert_false(plan_life_step(&l, PLAN_EV_BUILD));
	assert_int_equal(l.cand, PLAN_CAND_BUILDING);
	assert_true(plan_life_step(&l, PLAN_EV_ERRORED));
	assert_int_equal(l.errors, 1);
	assert_true(plan_life_step(&l, PLAN_EV_BUILD));
	assert_true(plan_life_step(&l, PLAN_EV_BUILT));
	assert_int_equal(l.errors, 1); /* being built is no word about the code */
	assert_true(plan_life_step(&l, PLAN_EV_TEST));
	assert_true(plan_life_step(&l, PLAN_EV_STOPPED));
	assert_int_equal(l.cand, PLAN_CAND_BUILT);
	assert_int_equal(l.errors, 1); /* a halt blames nobody */
	assert_true(plan_life_step(&l, PLAN_EV_TEST));
	assert_true(plan_life_step(&l, PLAN_EV_RED));
	assert_int_equal(l.errors, 0);
	assert_int_equal(l.reruns, 0);
	assert_true(plan_life_step(&l, PLAN_EV_TEST));
	assert_int_equal(l.reruns, 1);
	assert_true(plan_life_step(&l, PLAN_EV_GREEN));
	assert_true(plan_life_step(&l, PLAN_EV_LAND));
	assert_false(plan_life_step(&l, PLAN_EV_DISCARD)); /* never while it may have landed */
	assert_true(plan_life_step(&l, PLAN_EV_UNSURE));
	assert_false(plan_life_step(&l, PLAN_EV_DISCARD));
	assert_true(plan_life_step(&l, PLAN_EV_NOT_LANDED));
	assert_int_equal(l.cand, PLAN_CAND_GREEN);
	assert_true(plan_life_step(&l, PLAN_EV_DISCARD));
	assert_int_equal(l.cand, PLAN_CAND_NONE);
	assert_int_equal(l.reruns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_one_entry_from_build_to_landing),
		cmocka_unit_test(test_the_forges_checks),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_nothing_moves_beside_a_landing),
		cmocka_unit_test(test_a_landing_is_never_dropped),
		cmocka_unit_test(test_stale_candidates_are_dropped),
		cmocka_unit_test(test_waiting_for_something_outside_is_stepped_over),
		cmocka_unit_test(test_dependencies),
		cmocka_unit_test(test_a_dependent_leaves_with_a_red_one),
		cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_red_is_rerun_and_then_the_base_is_asked),
		cmocka_unit_test(test_the_base_is_asked_only_when_needed),
		cmocka_unit_test(test_a_red_base_blames_nobody),
		cmocka_unit_test(test_errors_are_retried),
		cmocka_unit_test(test_frozen_tests_on),
		cmocka_unit_test(test_halted_starts_nothing),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
